"""Writes ``docs/contract.md`` from the clauses: ``python docs/contract_page.py``. A test compares the two."""

from __future__ import annotations

from pathlib import Path

from dirac_failover.lessons.hazards import hazards
from dirac_failover.spec.algorithm import by_id
from dirac_failover.spec.clauses import CLAUSES, LEVELS, OUT_OF_REACH

PAGE = Path(__file__).with_name("contract.md")

HEAD = """# The contract, clause by clause

*Made from `dirac_failover/spec/clauses` by `python docs/contract_page.py`.*

{total} clauses say what a module such as `FailoverRequest` has to do at the end of a job. Each is checked by a program,
in every [scenario of the space](space.md) that it speaks of: `dirac-failover verify` does that for an implementation,
`dirac-failover explain ID` shows the end of a job that a clause is about. An ID is for ever: a clause may be reworded
or retired, its ID is never given to another.

| level | clauses | what it requires |
|---|---|---|
"""

LEVEL = {
    "contract": "what a module promises to its workflow",
    "dirac": "the observable behaviour of DIRAC 9.1, or of another profile (DIRAC 8.0, LHCbDIRAC, ILCDIRAC), beyond "
    "that, one aspect a clause; together they leave nothing out. "
    "It is described [step by step](algorithm.md), and each clause names the steps whose effect it compares",
    "lossless": "rules that DIRAC itself breaks: nothing that is pending is dropped, and no loss is "
    "called a success. H1 to H29 number the [hazards](hazards.md): the situations in which DIRAC 9.1 itself loses "
    "something, or reports a loss as a success",
}

TAIL = """
## Out of a module's reach

Hazards that no module can remove:

| hazard | why |
|---|---|
"""


def page() -> str:
    """Return the whole page."""
    by_level = {level: [clause for clause in CLAUSES if clause.level == level] for level in LEVELS}
    lines = [HEAD.format(total=len(CLAUSES))]
    lines += [f"| [{level}](#{level}) | {len(by_level[level])} | {LEVEL[level]} |\n" for level in LEVELS]
    for level, clauses in by_level.items():
        lines.append(f"\n## {level}\n")
        for clause in clauses:
            note = (
                ""
                if not clause.note
                else f" (a {clause.note})"
                if clause.note == "quirk"
                else f" ({_hazard(clause.note)})"
            )
            lines += [
                f'\n<a id="{clause.id.lower()}"></a>\n\n### {_markdown(clause.heading)}\n',
                f"\n**{_markdown(clause.text)}**\n",
                f"\n- Why: {_markdown(clause.reason)}\n",
                f"- When it is broken: {_markdown(clause.harm)}\n",
                f"- From: `{clause.source}`{note}\n",
                *([f"- Steps: {', '.join(map(_step, clause.steps))}\n"] if clause.steps else []),
                *([f"- Met in: <{clause.issue}>\n"] if clause.issue else []),
            ]
    lines += [TAIL, *(f"| {_hazard(hazard)} | {_markdown(why)} |\n" for hazard, why in OUT_OF_REACH.items())]
    return "".join(lines)


def _step(name: str) -> str:
    return f"[{name}](algorithm.md#{by_id()[name.partition('.')[0]].anchor})"


def _hazard(name: str) -> str:
    return f"[{name}]({hazards()[name].place})"


def _markdown(text: str) -> str:
    return text.replace("<", "&lt;").replace("|", "\\|").replace("_", "\\_")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
