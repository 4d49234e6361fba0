"""``dirac-failover explain``: one clause, and the end of a job that is about it, shown as ``run`` does; or a hazard."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from dirac_failover.actors.run_report import run
from dirac_failover.cli import output
from dirac_failover.cli.clauses import as_json
from dirac_failover.cli.exits import CommandError, Exit
from dirac_failover.conformance.checking import VerificationPlan
from dirac_failover.conformance.examples import example, find
from dirac_failover.conformance.verification import verify
from dirac_failover.conformance.workers import cores
from dirac_failover.drivers.implementations import IMPLEMENTATIONS
from dirac_failover.drivers.resolve import DEFAULT, Target
from dirac_failover.errors import PortBrokenError
from dirac_failover.lessons import hazards
from dirac_failover.reports.causes import causes
from dirac_failover.reports.terminal import section
from dirac_failover.reports.timeline import render, table
from dirac_failover.reports.verdict import cause_of
from dirac_failover.spec.algorithm import PAGE

if TYPE_CHECKING:
    import argparse

    from dirac_failover.reports.terminal import Style
    from dirac_failover.spec.clauses import Clause

SCHEMA: Final = "dirac-failover/clause/1"
_NEAR: Final = 3
"""The distance from the good case within which a port is checked: within 3 changes, every known bug shows."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument(
        "clause", metavar="ID", help="the ID of a clause ('dirac-failover clauses' lists them), or of a hazard, as H1"
    )
    parser.add_argument("--module", metavar="PORT", help="a module, or any port, to check against this clause alone")
    parser.add_argument("--json", action="store_true", help="print it for machines, with the report of the run")


def execute(arguments: argparse.Namespace) -> int:
    """Run the command; return its exit code."""
    if re.fullmatch(r"[Hh]\d+", arguments.clause):
        return _hazard(arguments)
    clause = find(arguments.clause)
    if arguments.module:
        return _of_port(clause, Target(arguments.module), arguments)
    found = example(clause)
    report = run(IMPLEMENTATIONS[DEFAULT].load(), found[0]) if found else None
    facts = _facts(clause)
    if found:
        how = "the reference, as DIRAC, breaks it" if found[1] else "it is kept"
        facts["shown"] = f"a job's end in which {how}: {found[0].name}"
    title = f"{clause.id}, level {clause.level}"
    output.tell(
        arguments,
        lambda: {"schema": SCHEMA, **as_json(clause), "example": report.to_json() if report else None},
        lambda style: section(style, title, table(facts)) + (f"\n{render(report, style)}" if report else ""),
    )
    return Exit.OK


def _hazard(arguments: argparse.Namespace) -> int:
    """Show the section of a hazard; return the exit code."""
    hazard = hazards.find(arguments.clause)
    if arguments.module or arguments.json:
        raise CommandError(f"--module and --json are for clauses, found {hazard.id}, which is a hazard")
    output.show(arguments, hazard.render(output.style_of(arguments)))
    return Exit.OK


def _of_port(clause: Clause, target: Target, arguments: argparse.Namespace) -> int:
    """Check a port against the clause near the good case; show the first breach; return the exit code."""
    question = VerificationPlan(target, (clause.id,), near=_NEAR, fail_fast=(clause.id,))
    results = verify(question, (clause.level,), workers=cores())
    (result,) = results.clauses
    if results.error is not None:
        raise PortBrokenError(results.error)

    def text(style: Style) -> str:
        sign, how = ("failed", "breaks it") if result.broken else ("well", "keeps it")
        if not results.asked:
            sign, how = "arrow", "is not asked about it"
        facts = {
            "verdict": f"{style.sign(sign)} {results.header.port.name} {how}",
            "asked": f"{result.asked:,} scenarios {results.header.extent}",
        }
        parts = [section(style, f"{clause.id}, level {clause.level}", table({**facts, **_facts(clause)}))]
        parts += [cause_of(group, target, question.profile, style) for group in causes([result])]
        return "\n".join(parts)

    output.tell(arguments, lambda: {"schema": SCHEMA, **as_json(clause), "result": asdict(result)}, text)
    return Exit.DIFFERS if result.broken else Exit.OK if results.asked else Exit.NOTHING_RAN


def _facts(clause: Clause) -> dict[str, str]:
    hazard = (
        f"hazard {clause.note}: a situation in which DIRAC itself loses something, or reports a loss as a success: "
        f"'dirac-failover explain {clause.note}' shows it"
    )
    notes = {"quirk": "a quirk: odd, and yet what DIRAC does", "": ""}
    return {
        "clause": clause.text,
        "why": clause.reason,
        "harm": clause.harm,
        "from": clause.source,
        "steps": f"{', '.join(clause.steps)} of {PAGE}" if clause.steps else "",
        "note": notes.get(clause.note, hazard),
        "met in": clause.issue,
    }
