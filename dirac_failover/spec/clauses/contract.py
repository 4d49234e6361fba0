"""The level ``contract``: what a module owes to the workflow that runs it, whatever its texts.

The rules from CO-012 on are obligations. They are asked in *calm* scenarios, in which nothing but one collaborator
refuses; the scenarios in which DIRAC itself loses something belong to the clauses of the level ``lossless``, and there
those clauses oblige. An order in which nothing is lost is free at this level.
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
    PARAMETER,
    STATUS,
    Facts,
)
from dirac_failover.spec.scenario import HOOKS, MISSING

if TYPE_CHECKING:
    from collections.abc import Callable

    from dirac_failover.spec.check_context import CheckContext
    from dirac_failover.spec.scenario import Json

BASE: Final = "ModuleBase"
MODULE: Final = "FailoverRequest"

_SURPRISES: Final = re.compile("raises=|bad_shape=")

# Execution


def _can_run(facts: Facts) -> bool:
    """Tell whether ``execute`` gets as far as the hooks."""
    return facts.executed and facts.identified


def _can_report(facts: Facts) -> bool:
    """Tell whether nothing goes wrong while the end of the module itself is reported."""
    answers = [*facts.scenario.answers.get(STATUS, ()), *(fault.partition(":")[2] for fault in facts.scenario.faults)]
    return _can_run(facts) and facts.health != "unset" and not any(map(_SURPRISES.match, answers))


@clause(
    "CO-001", when=_can_run, source=f"{BASE}.execute",
    reason="A module is written as hooks that rely on the work of the hooks before.",
    harm="A module works with inputs that are not resolved, or acts after it was told to stop.",
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
    """The method finalize is called at the very end of each execution in which a hook was called, whatever happened."""
    return equal(["finalize"] * case.scenario.executions, [hooks[-1] for hooks in case.executions])


def _nameless(facts: Facts) -> bool:
    scenario = facts.scenario
    return facts.executed and any(
        not scenario.attributes.get(attribute) and key not in scenario.workflow_commons
        for attribute, key in (("production_id", "PRODUCTION_ID"), ("prod_job_id", "JOB_ID"))
    )


@clause(
    "CO-003", when=_nameless, source=f"{BASE}.execute",
    reason="Nothing can be reported in the name of an unknown task.", harm="Files of another task get a status.",
)  # fmt: skip
def identified_first(case: CheckContext) -> Violation | None:
    """A module that cannot find out which task it belongs to raises before any hook is called."""
    return equal(["raised", []], [case.outcome.ended, case.hooks])


def _returns(facts: Facts) -> bool:
    silent = "_finalize" in facts.scenario.hooks and (facts.end is None or facts.end.ok is None)
    return _can_report(facts) and not silent


@clause(
    "CO-004", when=_returns, source=f"{BASE}.execute",
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


def _raises(facts: Facts) -> bool:
    return _can_report(facts) and facts.raised is not None


@clause(
    "CO-005", when=_raises, source=f"{BASE}.execute",
    reason="The workflow goes on to the modules that clean up.",
    harm="One bad answer ends the whole job without any report.",
)  # fmt: skip
def exceptions_become_results(case: CheckContext) -> Violation | None:
    """No exception that is raised in a hook leaves execute, not even an interrupt."""
    return equal("returned", case.outcome.ended)


def _is_graceful(facts: Facts) -> bool:
    return _raises(facts) and facts.raised is not None and facts.raised.name == "GracefulTermination"


def _nothing_else_refused(facts: Facts) -> bool:
    """Tell whether nothing was refused that is worse than a graceful end."""
    return not facts.refused - {STATUS} and not (facts.own and facts.pending)


@clause(
    "CO-006", when=lambda facts: _is_graceful(facts) and _nothing_else_refused(facts), source=f"{BASE}.execute",
    reason="It is how a module says that nothing is left to do.", harm="Jobs that went well are counted as failed.",
)  # fmt: skip
def graceful_is_good(case: CheckContext) -> Violation | None:
    """GracefulTermination ends the module well, wherever in a hook it is raised."""
    return equal(True, case.ok)


def _has_number(facts: Facts) -> bool:
    if facts.raised is None or not _raises(facts):
        return False
    name, arguments = facts.raised
    return name == "RuntimeError" and len(arguments) == _TEXT_AND_NUMBER and arguments[1].isdigit()


_TEXT_AND_NUMBER: Final = 2


@clause(
    "CO-007", when=_has_number, source=f"{BASE}.execute",
    reason="The number is the exit code of the job.", harm="The job's exit code says nothing, or something else.",
)  # fmt: skip
def error_number(case: CheckContext) -> Violation | None:
    """RuntimeError with a text and a number becomes that Message and that Errno."""
    text, number = case.facts.raised.arguments if case.facts.raised else ("", "0")
    result = case.result if isinstance(case.result, dict) else {}
    return equal([text, int(number)], [result.get("Message"), result.get("Errno")])


def _is_told(facts: Facts) -> bool:
    return _raises(facts) and facts.job and facts.well and not (_is_graceful(facts) and facts.refused - {STATUS})


@clause(
    "CO-008", when=_is_told, source=f"{BASE}.execute",
    reason="It is what people see of a job.", harm="Nobody can tell from outside why a job failed.",
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


# The inputs


def _reports_inputs(facts: Facts) -> bool:
    """Tell whether nothing keeps the module from giving each input a status."""
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
    mine = [call.args for call in case.calls(FILE_STATUS) if _is_transformation(call.args[0], case.facts.task)]
    given = {args[1]: args[2] for args in mine}
    inputs = case.facts.inputs or []
    wanted = {lfn: reported.get(lfn, status) for lfn in inputs}
    return equal(wanted, {lfn: given.get(lfn, reported.get(lfn)) for lfn in inputs})


def _is_transformation(said: Json, task: tuple[int, int] | None) -> bool:
    """Tell whether a transformation is said by its number, which may be a text."""
    return str(said).isdecimal() and int(said) == (task or (0, 0))[0]


def _commits(facts: Facts) -> bool:
    taken = bool(facts.inputs) and facts.answered(FILE_STATUS, "ok")
    return _reports_inputs(facts) and (taken or bool(facts.reported))


@clause(
    "CO-013", when=_commits, source=f"{MODULE}._execute",
    reason="The operation is what fail-over consists of.", harm="The statuses of the input files are lost.",
)  # fmt: skip
def second_try(case: CheckContext) -> Violation | None:
    """The file report is committed when it holds a status, and when that is refused it is asked for an operation."""
    wanted = [COMMIT, *([FILE_FORWARD] if case.facts.answered(COMMIT, "s_error") else [])]
    return equal(wanted, [method for method in wanted if case.calls(method)])


def _taken(method: str, ask: str, facts: Facts) -> bool:
    """Tell whether a calm job is answered by ``ask`` with an operation that belongs to ``method``."""
    return facts.calm and MADE[method] in facts.forwarded and facts.answered(ask, "operation")


@clause(
    "CO-014", when=lambda facts: _taken(COMMIT, FILE_FORWARD, facts), source=f"{MODULE}._execute",
    reason="It carries the statuses of the input files.",
    harm="The statuses of the input files are lost, or given twice.",
)  # fmt: skip
def file_operation_is_taken(case: CheckContext) -> Violation | None:
    """The operation that the file report answers with is in the request, once."""
    return equal(1, case.held.count(MADE[COMMIT]))


@clause(
    "CO-015", when=lambda facts: _taken(JOB_FORWARD, JOB_FORWARD, facts), source=f"{BASE}.generateFailoverFile",
    reason="It carries the job's unsent statuses.", harm="The job looks as if it were still running.",
)  # fmt: skip
def job_operation_is_taken(case: CheckContext) -> Violation | None:
    """The operation that the job report answers with is in the request, once."""
    return equal(1, case.held.count(MADE[JOB_FORWARD]))


# The file


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


def _writes(facts: Facts) -> bool:
    """Tell whether a good job has something pending that nothing keeps from being written."""
    kept = not facts.refused & {ACCOUNTING, FILE_FORWARD, "Request.toJSON"}
    return (facts.calm or facts.calm_live) and facts.well and bool(facts.pending) and kept


@clause(
    "CO-017", when=_writes, source=f"{BASE}.generateFailoverFile", commands=True,
    reason="It is all that is left when the job is gone.", harm="Part of what was pending is lost.",
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


# With clients and services


def _inputs_can_arrive(facts: Facts) -> bool:
    """Tell whether inputs are waited for; those of a failed job whose service fails are lost with its file."""
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
    told = [str(row["ApplicationStatus"]) for row in rows if row["ApplicationStatus"] not in {"Unknown", "idem"}]
    told += [str(item[1]) for item in case.written if "setJobStatusBulk" in str(item[1])]
    owed = [status.replace("'", "") for status in case.facts.unsent_statuses] + _reported(case)[:-1]
    return holds(
        bool(told) and all(any(status in text for text in told) for status in owed),
        [*dict.fromkeys(owed), "a status of its own"], told,
    )  # fmt: skip


def _reported(case: CheckContext) -> list[str]:
    """Return the application statuses that the job's state service was asked to take, as far as it keeps them."""
    calls = case.calls("job-state.setJobStatusBulk")
    updates = [update for call in calls for update in call.args[1].values()]
    texts = [str(update["ApplicationStatus"])[:_KEPT] for update in updates if update.get("ApplicationStatus")]
    return list(dict.fromkeys(texts))


_KEPT: Final = 255
"""Characters of an application status that the job's state service keeps."""


@clause(
    "CO-029",
    when=lambda facts: facts.calm_live and facts.well and facts.accounting and facts.scenario.records > 0,
    source=f"{BASE}.generateFailoverFile", commands=True,
    reason="Accounting pays for the grid.", harm="Work is not accounted for, or is accounted for twice.",
)  # fmt: skip
def records_arrive(case: CheckContext) -> Violation | None:
    """After a good job each record is held by the accounting service, or by a request that will be executed."""
    sent = len(case.service("accounting", "records"))
    operations = [op for request in case.service("requests", "requests").values() for op in request["Operations"]]
    waiting = [op for op in operations if "commitRegisters" in str(op["Arguments"])]
    waiting += [item for item in case.written if "commitRegisters" in str(item[1])]
    wanted = case.scenario.records
    return holds(sent == wanted or bool(waiting), f"{wanted} records", {"held": sent, "in requests": waiting})


# Hooks and single methods


@clause(
    "CO-019",
    when=lambda facts: bool(facts.scenario.hooks) and facts.end is not None and _can_report(facts),
    source=f"{BASE}.execute",
    reason="A hook says how it went by what it raises; what it returns is not read.",
    harm="A module that works with DIRAC fails, or a module that works with the port hides its failure.",
)  # fmt: skip
def returned_values_are_ignored(case: CheckContext) -> Violation | None:
    """Nothing that a hook returns changes which hooks are called, or how the module ends."""
    end = case.facts.end
    wanted: list[Json] = [end.hook, end.ok] if end else []
    last = [hook for hook in case.hooks if hook != "finalize"][-1:]
    ok = case.ok if end and end.ok is not None else None
    return equal([*wanted, "returned"], [last[0] if last else None, ok, case.outcome.ended])


_DESCRIBED: Final = ("outputDataType", "outputDataSE", "outputDataName")


def _asks_for_files(facts: Facts) -> bool:
    """Tell whether the arguments of getCandidateFiles are well-formed."""
    if facts.called != "getCandidateFiles" or facts.named:
        return False
    outputs, lfns, file_mask, step_mask = [*facts.arguments, ""][:4]
    described = isinstance(outputs, list) and all(isinstance(output, dict) for output in outputs)
    return described and isinstance(lfns, list) and _is_mask(file_mask) and _is_mask(step_mask)


def _is_mask(mask: Json) -> bool:
    """Tell whether a mask is a text, or a list of texts, in the form in which types and steps are written."""
    if isinstance(mask, int):
        return mask > 0
    texts = mask if isinstance(mask, list) else [mask or ""]
    return all(isinstance(text, str) and text.isalnum() and text.islower() | text.isdigit() for text in texts if text)


def _described(facts: Facts) -> dict[str, str]:
    """Return the type of each output that is described in full, in lower case, by its name."""
    return {
        output["outputDataName"]: output["outputDataType"].lower()
        for output in facts.arguments[0]
        if all(key in output for key in _DESCRIBED)
    }


def _wanted(facts: Facts) -> dict[str, str | None]:
    """Return the LFN of each output that the masks let through, None where there is none, by its name."""
    file_mask, step_mask = [*facts.arguments, ""][2:4]
    lfns = {lfn.rpartition("/")[2]: lfn for lfn in facts.arguments[1]}
    return {
        name: lfns.get(name)
        for name, kind in _described(facts).items()
        if _lets(file_mask, kind) and _lets(step_mask, name.rpartition("_")[2].partition(".")[0])
    }


def _lets(mask: Json, text: str) -> bool:
    return not mask or mask == [""] or text in (mask if isinstance(mask, list) else [str(mask)])


def _are_there(facts: Facts) -> bool:
    return _described(facts).keys() <= facts.scenario.files.keys()


def _can_upload(facts: Facts) -> bool:
    return _asks_for_files(facts) and _are_there(facts) and None not in _wanted(facts).values()


@clause(
    "CO-020", when=_can_upload, source=f"{BASE}.getCandidateFiles",
    reason="A module that uploads goes by these names.", harm="Outputs are not uploaded, or are uploaded elsewhere.",
)  # fmt: skip
def candidates_are_found(case: CheckContext) -> Violation | None:
    """The method getCandidateFiles returns the LFN of each output that is described in full and wanted by the masks."""
    found = case.result[0] if isinstance(case.result, list) and case.result else None
    found = found if isinstance(found, dict) else {"returned": found}
    observed = {name: known.get("lfn") if isinstance(known, dict) else known for name, known in found.items()}
    return equal([_wanted(case.facts), "returned"], [observed, case.outcome.ended])


@clause(
    "CO-021",
    when=lambda facts: _asks_for_files(facts) and not _can_upload(facts),
    source=f"{BASE}.getCandidateFiles",
    reason="A module that uploads must not go on without one of its files.",
    harm="A job whose output is missing is a success.",
)  # fmt: skip
def missing_candidates_raise(case: CheckContext) -> Violation | None:
    """The method getCandidateFiles raises when an output is not in the directory, or one to upload has no LFN."""
    return holds(case.outcome.ended == "raised", "an exception", case.result)


def _calls_once(method: str) -> Callable[[Facts], bool]:
    """Return whether a method is called once, with arguments in their order, of a module that was told its health."""

    def when(facts: Facts) -> bool:
        report = {"setApplicationStatus": STATUS, "setJobParameter": PARAMETER}[method]
        usual = facts.scripted and facts.answered(report, "ok", "s_error")
        return facts.called == method and not facts.named and facts.health != "unset" and usual

    return when


def _said(facts: Facts, texts: int) -> list[Json]:
    """Return the arguments that the job report gets: the first ones as texts, and whether to send at once."""
    given = list(facts.arguments)
    return [*map(str, given[:texts]), given[texts] if len(given) > texts else True]


@clause(
    "CO-022", when=_calls_once("setApplicationStatus"), source=f"{BASE}.setApplicationStatus",
    reason="It is how any module says how far it is.", harm="The job looks as if it did nothing.",
)  # fmt: skip
def status_is_reported(case: CheckContext) -> Violation | None:
    """The method setApplicationStatus gives the job report the status as a text, once, if nothing failed before."""
    job = case.scenario.attributes["jobID"]
    wanted = [_said(case.facts, 1)] if job and case.facts.well else []
    return equal([wanted, "returned"], [[call.args for call in case.calls(STATUS)], case.outcome.ended])


@clause(
    "CO-023", when=_calls_once("setJobParameter"), source=f"{BASE}.setJobParameter",
    reason="Parameters of a failed job say why it failed.", harm="Parameters such as the CPU time used are lost.",
)  # fmt: skip
def parameter_is_reported(case: CheckContext) -> Violation | None:
    """The method setJobParameter gives the job report name and value as texts, once, even after a failure."""
    wanted = [_said(case.facts, 2)] if case.scenario.attributes["jobID"] else []
    return equal([wanted, "returned"], [[call.args for call in case.calls(PARAMETER)], case.outcome.ended])


def _ends_by_itself(facts: Facts) -> bool:
    refusing = facts.refused - {STATUS}
    return facts.called == "generateFailoverFile" and facts.plain and facts.valid and facts.disk and not refusing


@clause(
    "CO-024", when=_ends_by_itself, source=f"{BASE}.generateFailoverFile",
    reason="A module may write the file without being the last one.", harm="Everything that is pending is lost.",
)  # fmt: skip
def file_by_itself(case: CheckContext) -> Violation | None:
    """The method generateFailoverFile asks for unsent statuses, commits the accounting, and writes the request."""
    facts = case.facts
    answered = [MADE[JOB_FORWARD]] if facts.answered(JOB_FORWARD, "operation") else []
    asked = [JOB_FORWARD, *([ACCOUNTING] if facts.accounting else [])]
    owed = [*facts.operations, *answered]
    made = [method for method in asked if case.calls(method)]
    return equal([asked, owed], [made, [item for item in owed if item in case.written]])


@clause(
    "CO-025", when=lambda facts: facts.called == "finalize", source=f"{BASE}.finalize",
    reason="It flushes the logs, and the workflow is not to be disturbed by that.",
    harm="A module that ended well is counted as failed.",
)  # fmt: skip
def finalize_is_there(case: CheckContext) -> Violation | None:
    """The method finalize can be called, and returns."""
    return equal("returned", case.outcome.ended)


@clause(
    "CO-026", when=lambda facts: facts.named and facts.scripted and facts.health != "unset" and facts.plain,
    source=BASE,
    reason="Modules name the parameters that they give.", harm="A module that works with DIRAC dies of a TypeError.",
)  # fmt: skip
def parameters_have_names(case: CheckContext) -> Violation | None:
    """Each method of the documentation takes its parameters by the names that they have there."""
    return equal("returned", case.outcome.ended)
