"""The level ``contract``: the duties of a module to the workflow that runs it; its texts are free.

The rules from CO-012 on are obligations. They are asked in *calm* scenarios, in which at most one collaborator refuses;
where DIRAC itself loses something, the clauses of the level ``lossless`` oblige. Any order of calls in which nothing is
lost is free at this level. The clauses about single methods are in
:mod:`~dirac_failover.spec.clauses.contract_methods`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from dirac_failover.spec.clauses.clause import Violation, clause, equal, holds
from dirac_failover.spec.facts import (
    ACCOUNTING,
    COMMIT,
    FILE_FORWARD,
    FILE_STATUS,
    INVALID,
    JOB_FORWARD,
    MADE,
    STATUS,
    Facts,
)
from dirac_failover.spec.scenario import HOOKS, MISSING

if TYPE_CHECKING:
    from dirac_failover.spec.check_context import CheckContext

BASE: Final = "ModuleBase"
MODULE: Final = "FailoverRequest"

_SURPRISES: Final = re.compile("raises=|bad_shape=")


def _can_run(facts: Facts) -> bool:
    """Return whether ``execute`` gets as far as the hooks."""
    return facts.executed and facts.identified


def can_report(facts: Facts) -> bool:
    """Return whether nothing goes wrong while the end of the module itself is reported."""
    answers = [*facts.scenario.answers.get(STATUS, ()), *(fault.partition(":")[2] for fault in facts.scenario.faults)]
    return _can_run(facts) and facts.health != "unset" and not any(map(_SURPRISES.match, answers))


@clause(
    "CO-001", when=_can_run, source=f"{BASE}.execute",
    reason="A module is written as hooks that rely on the work of the hooks before.",
    harm="A module works with inputs that are not resolved, or acts after the end.",
)  # fmt: skip
def hooks_in_order(case: CheckContext) -> Violation | None:
    """The hooks are called in their order, and the first one that raises is the last one called."""
    observed = [[hook for hook in hooks if hook != "finalize"] for hooks in case.executions]
    end = case.facts.end
    if end is not None:
        return equal([list(HOOKS[: HOOKS.index(end.hook) + 1])] * case.scenario.executions, observed)
    return equal([list(HOOKS[: len(hooks)]) for hooks in observed] or "hooks", observed)


@clause(
    "CO-002", when=_can_run, source=f"{BASE}.execute",
    reason="It flushes the logs.", harm="The log of just the job that failed is incomplete.",
)  # fmt: skip
def finalize_always(case: CheckContext) -> Violation | None:
    """The method finalize is called at the very end of each execution in which a hook was called."""
    return equal(["finalize"] * case.scenario.executions, [hooks[-1] for hooks in case.executions])


@clause(
    "CO-003",
    when=lambda facts: facts.executed and any(
        not facts.scenario.attributes.get(attribute) and key not in facts.scenario.workflow_commons
        for attribute, key in (("production_id", "PRODUCTION_ID"), ("prod_job_id", "JOB_ID"))
    ),
    source=f"{BASE}.execute",
    reason="Nothing can be reported in the name of an unknown task.", harm="Files of another task get a status.",
)  # fmt: skip
def identified_first(case: CheckContext) -> Violation | None:
    """A module that cannot find out which task it belongs to raises before any hook is called."""
    return equal(["raised", []], [case.outcome.ended, case.hooks])


@clause(
    "CO-004",
    when=lambda facts: can_report(facts)
        and not ("_finalize" in facts.scenario.hooks and (facts.end is None or facts.end.ok is None)),
    source=f"{BASE}.execute",
    reason="The workflow reads these keys without looking.",
    harm="The workflow dies of a KeyError and reports nothing.",
)  # fmt: skip
def return_structure(case: CheckContext) -> Violation | None:
    """The value that execute returns is a return structure: OK with a Value, or not OK with Message and Errno."""
    result = case.result
    good = isinstance(result, dict) and (
        (result.get("OK") is True and "Value" in result)
        or (result.get("OK") is False and "Message" in result and "Errno" in result)
    )
    return holds(good and case.outcome.ended == "returned", "a return structure", result)


@clause(
    "CO-005", when=lambda facts: facts.raised is not None, source=f"{BASE}.execute",
    reason="The workflow goes on to the modules that clean up.",
    harm="One bad answer ends the whole job without any report.",
)  # fmt: skip
def exceptions_become_results(case: CheckContext) -> Violation | None:
    """No exception that is raised in a hook leaves execute, not even an interrupt."""
    return equal("returned", case.outcome.ended)


def _is_graceful(facts: Facts) -> bool:
    return facts.raised is not None and facts.raised.name == "GracefulTermination"


@clause(
    "CO-006",
    when=lambda facts: _is_graceful(facts) and not facts.refused - {STATUS} and not (facts.own and facts.pending),
    source=f"{BASE}.execute",
    reason="It is how a module says that nothing is left to do.", harm="Jobs that went well are counted as failed.",
)  # fmt: skip
def graceful_is_good(case: CheckContext) -> Violation | None:
    """GracefulTermination ends the module well, wherever in a hook it is raised."""
    return equal(True, case.ok)


def _number_of(facts: Facts) -> tuple[str, str] | None:
    """Return the text and the number with which a RuntimeError ends the module."""
    match facts.raised:
        case ("RuntimeError", (text, number)) if number.isdigit():
            return text, number
    return None


@clause(
    "CO-007", when=lambda facts: _number_of(facts) is not None, source=f"{BASE}.execute",
    reason="The number is the exit code of the job.", harm="The job's exit code says nothing, or something else.",
)  # fmt: skip
def error_number(case: CheckContext) -> Violation | None:
    """RuntimeError with a text and a number becomes that Message and that Errno."""
    text, number = _number_of(case.facts) or ("", "0")
    result = case.result if isinstance(case.result, dict) else {}
    return equal([text, int(number)], [result.get("Message"), result.get("Errno")])


@clause(
    "CO-008",
    when=lambda facts: facts.raised is not None and facts.job and facts.well
        and not (_is_graceful(facts) and facts.refused - {STATUS}),
    source=f"{BASE}.execute",
    reason="It is what people see of a job.", harm="The owner of a job cannot see why it failed.",
)  # fmt: skip
def ends_are_reported(case: CheckContext) -> Violation | None:
    """The last application status contains the text of the exception that ended the module, unless a step failed."""
    text = case.facts.raised.arguments[0] if case.facts.raised and case.facts.raised.arguments else ""
    last = case.statuses[-1] if case.statuses else None
    return holds(last is not None and text in last, f"a status with the text {text!r}", last)


@clause(
    "CO-009",
    when=lambda facts: facts.scripted and facts.executed and facts.health == "failed",
    source=f"{BASE}.setApplicationStatus",
    reason="The status that says what failed must stay to be seen.",
    harm="The cause is overwritten by its consequences.",
)  # fmt: skip
def silent_after_failure(case: CheckContext) -> Violation | None:
    """After a failure of the workflow or the step no application status is reported."""
    return equal([], case.statuses)


@clause(
    "CO-010",
    when=lambda facts: facts.own and facts.identified and not facts.job and facts.inputs is not None,
    source=f"{MODULE}._initialize",
    reason="A workflow can be tried by hand.", harm="A test by hand changes the statuses of real files.",
)  # fmt: skip
def disabled_without_job(case: CheckContext) -> Violation | None:
    """Without a job of the WMS the module calls no collaborator, and ends well if nothing is pending."""
    return equal([True, []], [case.ok or bool(case.facts.pending), case.collaboration])


def _reports_inputs(facts: Facts) -> bool:
    """Return whether nothing keeps the module from giving each input a status."""
    if not (facts.own and facts.scripted and facts.job and facts.health != "unset" and facts.inputs is not None):
        return False
    answers = facts.scenario.answers
    return answers.get("FileReport.getFiles", ("ok",)) == ("ok",) and facts.answered(FILE_STATUS, "ok", "s_error")


@clause(
    "CO-011",
    when=lambda facts: _reports_inputs(facts) and bool(facts.reported),
    source=f"{MODULE}._execute",
    reason="That module knew better what happened to the file.",
    harm="Problematic files are counted as processed.",
)  # fmt: skip
def earlier_statuses_stay(case: CheckContext) -> Violation | None:
    """A status that an earlier module gave an input file is not given again."""
    given = [call.args[1] for call in case.calls(FILE_STATUS)]
    return equal([], [lfn for lfn in given if lfn in case.facts.reported])


@clause(
    "CO-012",
    when=lambda facts: _reports_inputs(facts) and bool(facts.inputs),
    source=f"{MODULE}._execute",
    reason="The transformation system goes by these.",
    harm="Failed files are never tried again, or good ones done twice, or all of them stay Assigned for ever.",
)  # fmt: skip
def statuses_by_health(case: CheckContext) -> Violation | None:
    """Each input's last status in the transformation is its earlier one, else Processed, or Unused after a failure."""
    status = "Processed" if case.facts.well else "Unused"
    reported = case.facts.reported
    production, _ = case.facts.task or (0, 0)
    calls = [call.args for call in case.calls(FILE_STATUS)]
    given = {args[1]: args[2] for args in calls if str(args[0]).isdecimal() and int(args[0]) == production}
    inputs = case.facts.inputs or []
    wanted = {lfn: reported.get(lfn, status) for lfn in inputs}
    return equal(wanted, {lfn: given.get(lfn, reported.get(lfn)) for lfn in inputs})


@clause(
    "CO-013",
    when=lambda facts: _reports_inputs(facts)
        and bool(facts.reported or (facts.inputs and facts.answered(FILE_STATUS, "ok"))),
    source=f"{MODULE}._execute",
    reason="The operation is what fail-over consists of.", harm="The statuses of the input files are lost.",
)  # fmt: skip
def second_try(case: CheckContext) -> Violation | None:
    """The file report is committed when it holds a status, and when that is refused it is asked for an operation."""
    wanted = [COMMIT, *([FILE_FORWARD] if case.facts.answered(COMMIT, "s_error") else [])]
    return equal(wanted, [method for method in wanted if case.calls(method)])


@clause(
    "CO-014", when=lambda facts: facts.calm and MADE[COMMIT] in facts.forwarded, source=f"{MODULE}._execute",
    reason="It carries the statuses of the input files.",
    harm="The statuses of the input files are lost, or given twice.",
)  # fmt: skip
def file_operation_is_taken(case: CheckContext) -> Violation | None:
    """The operation that the file report answers with is in the request, once."""
    return equal(1, case.in_request.count(MADE[COMMIT]))


@clause(
    "CO-015", when=lambda facts: facts.calm and MADE[JOB_FORWARD] in facts.forwarded,
    source=f"{BASE}.generateFailoverFile",
    reason="It carries the job's unsent statuses.", harm="The job looks as if it were still running.",
)  # fmt: skip
def job_operation_is_taken(case: CheckContext) -> Violation | None:
    """The operation that the job report answers with is in the request, once."""
    return equal(1, case.in_request.count(MADE[JOB_FORWARD]))


@clause(
    "CO-016", when=lambda facts: facts.own and facts.identified, source=f"{BASE}.generateFailoverFile", commands=True,
    reason="The job wrapper looks for files of such names, and validates them.",
    harm="The request is written and never found, or is refused as a whole.",
)  # fmt: skip
def one_file(case: CheckContext) -> Violation | None:
    """At most one file is new, <transformation>_<task>_request.json, and DIRAC's validator accepts what is in it."""
    if invalid := [item for item in case.facts.bad(INVALID) if case.facts.refusable and item in case.written]:
        return Violation("no operation for which the request is refused", invalid)
    good = [name for name in case.new_files if case.facts.request_file.fullmatch(name)]
    production, task = case.facts.task or (0, 0)
    return holds(case.new_files == good[:1], [f"{production}_{task}_request.json"], case.new_files)


_FITTING: Final = 500
"""Accounting records that fit into the arguments of one operation: the request database refuses longer ones (H26)."""


def _can_be_kept(facts: Facts) -> bool:
    """Return whether a request can carry the records, where accounting does not take them."""
    fails = any(fault.startswith("accounting") for fault in facts.scenario.faults)
    return facts.scenario.records <= _FITTING or not fails


def _writes(facts: Facts) -> bool:
    """Return whether a good job has something pending that nothing keeps from being written."""
    kept = not facts.refused & {ACCOUNTING, FILE_FORWARD, "Request.toJSON"}
    return (facts.calm or facts.calm_live) and facts.well and bool(facts.pending) and kept and _can_be_kept(facts)


@clause(
    "CO-017", when=_writes, source=f"{BASE}.generateFailoverFile", commands=True,
    reason="It is all that is left when the job is gone. It is not asked for where accounting fails with more than 500 "
    "records: the request database takes no operation that long, so that DIRAC writes no file (H1).",
    harm="Part of what was pending is lost.",
)  # fmt: skip
def file_is_the_request(case: CheckContext) -> Violation | None:
    """After a good job each operation that existed or was answered is in the request's file, JSON with the job's ID."""
    pending, content = case.facts.pending, case.content
    lost = equal(pending, [item for item in pending if item in case.written])
    return lost or equal(str(case.facts.number), str(content.get("JobID")) if isinstance(content, dict) else None)


@clause(
    "CO-018",
    when=lambda facts: facts.own and facts.job and facts.well and MISSING in facts.scenario.collaborators.values(),
    source=f"{BASE}._resolveInputVariables",
    reason="The modules after it report through the same one.",
    harm="Each module reports for itself, and what one keeps is lost.",
)  # fmt: skip
def collaborators_are_made(case: CheckContext) -> Violation | None:
    """A collaborator that is missing in workflow_commons is made by the module, and left there."""
    made = sorted(name for name, kind in case.scenario.collaborators.items() if kind == MISSING)
    there = {name for name in made if name in case.outcome.attributes or (name == "Request" and case.outcome.request)}
    return equal(made, sorted(there))


def _inputs_can_arrive(facts: Facts) -> bool:
    """Return whether inputs are waited for; those of a failed job whose service fails are lost with its file."""
    reached = facts.well or not any(fault.startswith("transformation") for fault in facts.scenario.faults)
    return facts.calm_live and reached and "Assigned" in facts.scenario.server_files.values()


@clause(
    "CO-027", when=_inputs_can_arrive,
    source=f"{MODULE}._execute", commands=True,
    reason="The transformation system waits for each of its files.", harm="An input stays Assigned for ever.",
)  # fmt: skip
def inputs_arrive(case: CheckContext) -> Violation | None:
    """The status of each Assigned input is held by its service in the end, or after a good job is in the file."""
    files = case.service("transformation", "files").values()
    held = {row["LFN"]: row["Status"] for rows in files for row in rows.values()}
    reported, known = case.facts.reported, case.scenario.server_files
    status = "Processed" if case.facts.well else "Unused"
    wanted = {lfn: reported.get(lfn, status) for lfn in case.facts.inputs or [] if known.get(lfn) == "Assigned"}
    found = {}
    for lfn, status in wanted.items():
        kept = any(f":{lfn}s{len(status)}:{status}" in str(item[1]) for item in case.written)
        given_up = (status, held.get(lfn)) == ("Unused", "MaxReset")  # the transformation system tries no more
        found[lfn] = status if kept or given_up else held.get(lfn)
    return equal(wanted, found)


@clause(
    "CO-028", when=lambda facts: facts.calm_live and facts.well, source=f"{BASE}.setApplicationStatus", commands=True,
    reason="It is what people see of a job.", harm="The job looks as if it did nothing at its end.",
)  # fmt: skip
def statuses_arrive(case: CheckContext) -> Violation | None:
    """After a good job its statuses, but the last if it is refused, are held by their service or are in the file."""
    rows = [row for history in case.service("job-state", "history").values() for row in history]
    reported = [str(row["ApplicationStatus"]) for row in rows if row["ApplicationStatus"] not in {"Unknown", "idem"}]
    reported += [str(item[1]) for item in case.written if "setJobStatusBulk" in str(item[1])]
    calls = case.calls("job-state.setJobStatusBulk")
    asked = [str(update.get("ApplicationStatus") or "")[:_KEPT] for call in calls for update in call.args[1].values()]
    owed = [status.replace("'", "") for status in case.facts.unsent_statuses]
    owed += [*dict.fromkeys(filter(None, asked))][:-1]
    return holds(
        bool(reported) and all(any(status in text for text in reported) for status in owed),
        [*dict.fromkeys(owed), "a status of its own"], reported,
    )  # fmt: skip


_KEPT: Final = 255
"""Characters of an application status that the job's state service keeps."""


@clause(
    "CO-029",
    when=lambda facts: facts.calm_live and facts.well and facts.accounting and facts.scenario.records > 0
    and _can_be_kept(facts),
    source=f"{BASE}.generateFailoverFile", commands=True,
    reason="Accounting pays for the grid. More than 500 records are asked for where accounting works: no request can "
    "carry so many, since the request database takes no operation that long.",
    harm="Work is not accounted for, or is accounted for twice.",
)  # fmt: skip
def records_arrive(case: CheckContext) -> Violation | None:
    """After a good job each record is held by the accounting service, or by a request that will be executed."""
    sent = len(case.service("accounting", "records"))
    operations = [op for request in case.service("requests", "requests").values() for op in request["Operations"]]
    waiting = [op for op in operations if "commitRegisters" in str(op["Arguments"])]
    waiting += [item for item in case.written if "commitRegisters" in str(item[1])]
    wanted = case.scenario.records
    return holds(sent == wanted or bool(waiting), f"{wanted} records", {"held": sent, "in requests": waiting})
