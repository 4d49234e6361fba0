"""The timeline: the report of ``run`` for people.

The verdict comes first, and only a verdict has a tick; then its reasons, then the details. :func:`render` reads
the report of which ``--json`` prints all, so the two cannot say different things. What a call made happen
stands indented below it. Long values are shortened here, never in the report.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from dirac_failover.drivers.describe import count, describe, grouped, some, stub_of
from dirac_failover.errors import ellipsis
from dirac_failover.reports.terminal import Line, Style, section
from dirac_failover.reports.trace import Answer, call_to_text, failed, ignored, is_result, reason, show, well
from dirac_failover.spec.observation import MODULE, Call, Kind
from dirac_failover.spec.scenario import DEFAULT_ATTRIBUTES, DEFAULT_COMMONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from dirac_failover.actors.report import JobEnd, Recovery, RequestState, RunReport, ServiceState
    from dirac_failover.drivers.describe import OperationState
    from dirac_failover.spec.observation import Json

_MOST: Final = 6


def render(report: RunReport, style: Style) -> str:
    """Return the report as text, each line ended by a newline."""
    return "\n".join([_summary(report, style), situation(report, style), _details(report, style)])


def story(report: JobEnd, style: Style) -> str:
    """Return the report without the situation."""
    return "\n".join([_summary(report, style), _details(report, style)])


def situation(report: RunReport, style: Style) -> str:
    """Return the situation before the module is executed, as text."""
    return section(style, "Job", table(_job(report, style)))


def _details(report: JobEnd, style: Style) -> str:
    unheeded = [call for _, call in ignored(report.calls, report.result)]
    rows = [*_tree(report.calls, 1, style, unheeded), *_result(report)]
    notes = [Line(1, note, "dim", len(note)) for note in varying(row.text + row.answer for row in rows)]
    services, recovery = report.services, report.recovery
    nothing = [Line(1, "Every collaborator is scripted: there are no services here.")]
    sections = {
        "What happened": [*rows, *notes],
        "What the services hold": nothing if services is None else table(_services(services)),
        "The request": _request(report.request, report.files, style),
    }
    if recovery is not None:
        sections["After recovery"] = _recovery(recovery, style)
    return "\n".join(section(style, title, rows) for title, rows in sections.items())


def varying(texts: Iterable[str]) -> list[str]:
    """Return a note on the names that stand for times and the like, if any of the texts has one."""
    note = "<T1>, <T2>, <time> and <name> stand for times and names, which differ in each run."
    return [note] if any(name in text for text in texts for name in ("<T1>", "<time>", "<name>")) else []


def table(facts: Mapping[str, str | Sequence[str]], indent: int = 1) -> Iterator[Line]:
    """Yield a line for each fact that is not empty; of several texts the first has the label."""
    told = {label: [said] if isinstance(said, str) else said for label, said in facts.items() if said}
    for label, texts in told.items():
        width = max(map(len, told))
        for number, text in enumerate(texts):
            yield Line(indent, f"{'' if number else label:{width}}  {text}", "dim", width, hang=width + 2)


# Verdict

_FINDINGS: Final = {
    "lost": ("lost", "lost item"),
    "twice": ("twice", "duplicate"),
    "waiting": ("waiting", "waiting item"),
    "unchecked": ("unchecked", "unchecked item"),
}
"""The words for the findings that keep a run from converging, by key of the report: for one, and for a count."""


def verdict(report: JobEnd) -> tuple[str, str, list[str]]:
    """Return the verdict on a run: its sign, one line, and the findings behind it."""
    recovery = report.recovery
    if recovery is None:
        why = "nothing was replayed" if report.services else "every collaborator is scripted, so no service is there"
        return "arrow", f"Not judged: {why}.", []
    found: dict[str, list[str]] = {key: getattr(recovery, key) for key in _FINDINGS if getattr(recovery, key)}
    items = [f"{_FINDINGS[key][0]}: {item}" for key in found for item in found[key]]
    if found:
        counted = ", ".join(count(len(found[key]), _FINDINGS[key][1]) for key in found)
        sign = "arrow" if [*found] == ["unchecked"] else "failed"
        return sign, f"Not converged: {counted}.", items
    if unfired := report.unfired:
        return "arrow", f"Converged, but not put to the test: {some(unfired)} never struck.", []
    return "well", "Converged: nothing is lost, and the services hold what they must.", []


def _summary(report: JobEnd, style: Style) -> str:
    sign, text, items = verdict(report)
    findings = (Line(2, f"- {item}", hang=2) for item in items)
    return section(style, "Verdict", [_sentence(sign, text, style), *findings, *table(_how(report, style))])


def _how(report: JobEnd, style: Style) -> dict[str, str]:
    """Return in a few words how the module ended, what it left, and what was replayed."""
    end = end_of(report)
    operations = [str(operation["Type"]) for operation in (report.request["Operations"] if report.request else ())]
    files = ", ".join(filter(_is_handed_over, report.files))
    replayed = [f"{one.name} {one.status}" for one in (report.recovery.requests if report.recovery else ())]
    return {
        "execute": f"{style.sign(end[0])} {end[1]}" if end else "",
        "request": f"{some(operations)} in {files or 'no file'}" if operations else "nothing is pending",
        "replayed": ", ".join(replayed),
    }


def _is_handed_over(name: str) -> bool:
    return name.endswith("_request.json")


# Job


def _job(report: RunReport, style: Style) -> dict[str, str]:
    scenario, ran = report.scenario, report.implementation
    module = ran.module if scenario.subject == MODULE else "a small module that is derived from ModuleBase"
    failed = [what for what in ("workflow", "step") if _has_failed(scenario.attributes.get(f"{what}Status"))]
    struck = (fault + (" (never struck)" if fault in report.unfired else "") for fault in scenario.faults)
    inputs = str(scenario.workflow_commons.get("InputData") or "none").split(";")
    facts = {
        "module": f"{module}, with the clients of {ran.name} {ran.version}",
        "job": scenario.environment.get("JOBID", "none: JOBID is not set"),
        "inputs": some(inputs, len(inputs) if style.verbose else _MOST),
        "until now": f"{' and '.join(failed)} failed" if failed else "all went well",
        "reported": ", ".join(f"{lfn} {status}" for lfn, status in scenario.reported.items()),
        "accounting": f"{count(scenario.records, 'record')} to be sent" if scenario.records else "",
        "operations": ", ".join(map(_earlier, scenario.operations)),
        "proxy": ", ".join(scenario.owner) if scenario.owner else "none",
        "faults": ", ".join(struck) or "none",
    }
    for name, value in scenario.to_json().items():
        if name in _SAID_OTHERWISE:
            value = {key: item for key, item in value.items() if key not in _SAID_OTHERWISE[name]}  # noqa: PLW2901
        if value and name not in _SAID:
            facts[name.replace("_", " ")] = _IN_WORDS.get(name, show)(value)
    return facts


_SAID: Final = frozenset({"name", "subject", "reported", "records", "operations", "owner", "faults", "server_files"})
_SAID_OTHERWISE: Final = {
    "environment": {"JOBID"},
    "workflow_commons": {*DEFAULT_COMMONS, "InputData"},
    "attributes": {*DEFAULT_ATTRIBUTES},
}


def _kinds(collaborators: Mapping[str, str]) -> str:
    names: dict[str, list[str]] = {}
    for name, kind in collaborators.items():
        names.setdefault(kind, []).append(name)
    return "; ".join(f"{kind}: {', '.join(found)}" for kind, found in names.items())


def _answers(answers: Mapping[str, Sequence[str]]) -> str:
    return "; ".join(f"{method}: {', '.join(given)}" for method, given in answers.items())


def _methods(calls: Sequence[Any]) -> str:
    made = (Call(MODULE, name, args, None, kwargs=dict(*named)) for name, args, *named in calls)
    return "; ".join("".join(call_to_text(call)[:2]) for call in made)


_IN_WORDS: Final[Mapping[str, Callable[[Any], str]]] = {
    "collaborators": _kinds,
    "answers": _answers,
    "hooks": lambda hooks: _answers({name: [text] for name, text in hooks.items()}),
    "calls": _methods,
}


def _has_failed(status: Json) -> bool:
    return isinstance(status, dict) and not status.get("OK", True)


def _earlier(operation: Mapping[str, Json]) -> str:
    return f"{operation.get('Type')}" + (f" ({some(operation['Files'])})" if "Files" in operation else "")


# What happened


def _tree(calls: Iterable[Call], indent: int, style: Style, unheeded: Sequence[Call] = ()) -> Iterator[Line]:
    texts = ((call, call_to_text(call, style, unheeded)) for call in calls)
    for (name, _), alike in groupby(texts, key=lambda pair: (pair[1].name, pair[1].answer)):
        same = list(alike)
        shown = same if style.verbose else same[:_MOST]
        for call, text in shown:
            row = _row(indent, text.name + text.brackets, text.answer)
            yield replace(row, colour=_COLOURS[call.kind], head=len(text.name))
            yield from _tree(call.calls, indent + 1, style, unheeded)
        yield from (replace(line, indent=indent) for line in style.more(len(same) - _MOST, f"calls of {name}"))


_COLOURS: Final = {Kind.HOOK: "bold", Kind.COLLABORATOR: "cyan", Kind.SERVICE: "blue"}


def _row(indent: int, text: str, answer: Answer | None) -> Line:
    sign, said, colour = answer or ("", "", "")
    return Line(indent, text, sign=sign, answer=said, answer_colour=colour)


def end_of(report: JobEnd) -> Answer | None:
    """Return how ``execute`` ended; None when the scenario calls other methods instead."""
    result = report.result
    if not report.executed:
        return None
    if report.ended == "raised":
        return failed(f"{show(result)} escapes")
    if not is_result(result):
        return failed(f"returns {show(result)}, which is no result")
    if result["OK"]:
        return Answer("arrow", f"OK: {show(result.get('Value'))}", "green")
    return failed(reason(result.get("Message")))


def _result(report: JobEnd) -> Iterator[Line]:
    if end := end_of(report):
        row = _row(1, "execute", end)
        yield replace(row, colour="bold", head=len(row.text))


# Services and requests


def _services(services: ServiceState) -> dict[str, str | list[str]]:
    files = {
        lfn: file["Status"] + (f" (error count {file['ErrorCount']})" if file["ErrorCount"] else "")
        for lfn, file in services.files.items()
    }
    return {
        "job": [
            f"{job_id}: {job['Status']}, {job['MinorStatus']}, {job['ApplicationStatus']!r}"
            + "".join(f", {name} = {show(value)}" for name, value in job["parameters"].items())
            for job_id, job in services.jobs.items()
        ],
        "files": [f"{some(lfns, _MOST)}: {status}" for status, lfns in grouped(files).items()] or "none",
        "accounting": count(len(services.accounting), "record"),
        "requests": [
            f"{request.id}: {request.name}, {request.status}: "
            + some([describe(operation) for operation in request.operations])
            for request in services.requests
        ]
        or "none",
    }


def _request(request: RequestState | None, files: Mapping[str, str], style: Style) -> Iterator[Line]:
    if request is None or not request["Operations"]:
        yield Line(1, "Nothing is pending: it has no operations.")
    else:
        yield Line(1, f"{request['RequestName']} of {request['Owner']}, {request['OwnerGroup']}")
        for number, operation in enumerate(request["Operations"], 1):
            name = f"{number}. {operation['Type']}"
            yield Line(2, f"{name}, {operation['Status']}", "bold", len(name))
            yield from table(_operation(operation), 3)
        if not any(map(_is_handed_over, files)):
            yield _sentence("failed", "It is in no file.", style)
    for name, content in files.items():
        yield _row(1, f"file {name}", well(content if content.startswith("<") else count(len(content), "character")))


def _operation(operation: OperationState) -> dict[str, str]:
    decoded, facts = operation["decoded"], {}
    if isinstance(decoded, dict):
        facts = {key: show(value) for key, value in decoded.items()}
    elif stub := stub_of(decoded):
        facts["call"] = f"{stub[0]}.{stub[1]}({', '.join(map(show, stub[2]))})"
    elif operation["Arguments"]:
        facts["arguments"] = ellipsis(repr(operation["Arguments"]))
    facts |= {key: str(operation[key] or "") for key in ("SourceSE", "TargetSE", "Catalog", "Error")}
    return {**facts, "files": some(operation["Files"], _MOST)}


# After recovery


def _recovery(recovery: Recovery, style: Style) -> Iterator[Line]:
    handed = recovery.handed_over
    if handed is None:
        yield Line(1, "The job wrapper finds nothing to hand over.")
    else:
        end = failed(ellipsis(handed.error)) if handed.error else well(f"request {handed.request_id}")
        yield _row(1, f"The job wrapper hands over {', '.join(handed.files)}", end)
    for request in recovery.requests:
        end = well("Done") if request.status == "Done" else failed(request.status)
        yield _row(1, f"Request {request.id} is executed: {request.name}", end)
        for operation in request.operations:
            if operation["elsewhere"]:
                yield _row(2, describe(operation), well("nothing here executes it"))
            elif operation["Error"]:
                yield _row(2, describe(operation), failed(reason(operation["Error"])))
        yield from _tree(request.calls, 2, style)
    yield Line(1, "The services hold now:")
    yield from table(_services(recovery.services), 2)


def _sentence(sign: str, text: str, style: Style) -> Line:
    said = f"{style.sign(sign)} {text}"
    return Line(1, said, {"well": "green", "failed": "red"}.get(sign, "bold"), len(said), hang=2)
