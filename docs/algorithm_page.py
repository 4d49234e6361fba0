"""Writes ``docs/algorithm.md`` from the model's docstrings: ``python docs/algorithm_page.py``. A test compares them."""

from __future__ import annotations

import re
from pathlib import Path

from dirac_failover.spec.algorithm import by_id, procedures
from dirac_failover.spec.model import clients, request, services

PAGE = Path(__file__).with_name("algorithm.md")

HEAD = """# The algorithm, step by step

*Made from the docstrings in `dirac_failover/spec/model` by `python docs/algorithm_page.py`.*

This page describes the behaviour of DIRAC 9.1 at the end of a job, in numbered steps. The author of another
implementation of `FailoverRequest`, in any language, follows them without reading Python. An implementation is free in
its means; its observable behaviour must be equal: the order and the arguments of its calls, its result, its texts, and
the state that it leaves. The [clauses of the level dirac](contract.md#dirac) compare that, and each of them names the
steps whose effect it compares.

## Words

| word | meaning |
|---|---|
{words}

Texts in monospace are exact; `{name}` in them stands for a value. Where another version or implementation differs, the
step says so. Any call of a collaborator or a service may raise; the exception leaves the procedure, unless a step says
otherwise.
"""

WORDS = {
    "job": "One execution of a workflow on a worker node. The WMS (workload management system) gives it an ID, "
    "`jobID`, which is 0 outside of the WMS.",
    "workflow, step, module": "A workflow is a list of steps, and a step is a list of modules. `workflow_commons` "
    "and `step_commons` are the objects that the modules share. `FailoverRequest` is the last module of the last step.",
    "hook": "A method that `execute` calls, and that a module may replace.",
    "transformation, task": "A transformation makes jobs for a set of files, and `production_id` is its number. A task "
    "is one of these jobs, and `prod_job_id` is its number.",
    "LFN": "The logical name of a file, such as `/vo/data/1`; the prefix `LFN:` may stand before it.",
    "service": "A remote program. TransformationManager keeps the statuses of files, JobStateUpdate those of jobs, "
    "DataStore accounting records, and ReqManager requests; ReqProxy takes requests for ReqManager.",
    "client, collaborator": "A client is the object that calls a service. The collaborators of the module are "
    "FileReport, JobReport, AccountingReport and Request; `workflow_commons` has them.",
    "answer": "A return structure: OK true with a Value, or OK false with Errno and Message. To answer an error is to "
    "return the second, with Errno 0 unless the step says another number.",
    "request, operation": "A request is a list of operations that are still to be done. It is written to a file. After "
    "the job, the JobWrapper hands it to ReqManager, and the RequestExecutingAgent executes it.",
    "application status": "A text that describes the state of a job.",
    "GracefulTermination": "The exception with which a module ends well.",
    "well": "A job is well if nothing has failed before: see H.1.",
    "empty": "null, false, 0, or a text, list or object without elements.",
}

TABLES = {
    "V": (("Type", "fields of the operation", "fields of each file"), [
        (kind, ", ".join(own) or "none", ", ".join(of_files) or "none: it has no files")
        for kind, (own, of_files) in request.NEEDS.items()
    ]),
    "TN": (("present status", "wanted status", "only if it has failed too often", "becomes"), [
        (present or "any", wanted or "any", "yes" if only else "no", becomes)
        for present, wanted, only, becomes in clients.RULES
    ]),
    "SB": (("present status", "may be followed by"), [
        (present, ", ".join(sorted(following))) for present, following in services.NEXT.items()
    ]),
}  # fmt: skip
"""Headings and rows of the table below the steps of a procedure."""

REFERENCE = re.compile(r"(`[^`]*`)|\b([A-Z]{1,2})\.\d+\b|\(([A-Z]{1,2})\)|\b([A-Z]{2})\b")
"""A text that is exact, which has no references; a step; a procedure in brackets, or one with two letters."""


def page() -> str:
    """Return the whole page."""
    words = "".join(f"| {word} | {meaning} |\n" for word, meaning in WORDS.items())
    lines = [_linked(HEAD.replace("{words}\n", words))]
    for chapter, found in procedures().items():
        lines.append(f"\n## {chapter}\n")
        for procedure in found:
            lines.append(f"\n### {procedure.heading}\n\n")
            about = f"{procedure.method[0].upper()}{procedure.method[1:]}. " if procedure.method else ""
            if about or procedure.introduction:
                lines.append(f"{_linked(f'{about}{procedure.introduction}'.strip())}\n\n")
            lines += [f"- **{name}** {_linked(text)}\n" for name, text in procedure.steps.items()]
            headings, rows = TABLES.get(procedure.id, ((), []))
            lines += [f"\n| {' | '.join(headings)} |\n|{'---|' * len(headings)}\n"] if headings else []
            lines += [f"| {' | '.join(row)} |\n" for row in rows]
    return "".join(lines)


def _linked(text: str) -> str:
    """Return a text of which each reference to a step or procedure is a link to its heading."""

    def link(match: re.Match[str]) -> str:
        name = match[2] or match[3] or match[4]
        if name not in by_id():
            return match[0]
        shown = match[0].strip("()")
        linked = f"[{shown}](#{by_id()[name].anchor})"
        return f"({linked})" if match[3] else linked

    return REFERENCE.sub(link, text)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
