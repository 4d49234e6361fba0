"""The level ``lossless``: rules that DIRAC itself breaks.

Nothing that is pending is ever dropped, and no success is reported while something is lost. Each clause names the
hazard that keeping it removes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from dirac_failover.spec.clauses.clause import Violation, clause, holds
from dirac_failover.spec.facts import (
    ACCOUNTING,
    FILE_FORWARD,
    FILE_STATUS,
    INVALID,
    JOB_FORWARD,
    NO_TEXT,
    STATUS,
    Facts,
)

if TYPE_CHECKING:
    from dirac_failover.spec.check_context import CheckContext

BASE: Final = "ModuleBase"
MODULE: Final = "FailoverRequest"


def _settled(facts: Facts) -> bool:
    """Return whether nothing fails in a job but the subject of a clause."""
    scenario = facts.scenario
    usual = scenario.answers.get("Request.toJSON", ("ok",)) == ("ok",) and all(scenario.owner or [""]) and facts.disk
    return facts.own and facts.job and facts.inputs is not None and usual and not scenario.faults


def _others_plain(facts: Facts, *but: str) -> bool:
    """Return whether all collaborators answer well, but for these methods."""
    return all(
        answer.startswith(("ok", "operation"))
        for method, answers in facts.scenario.answers.items()
        for answer in answers
        if method not in but and (method != "FileReport.commit" or not facts.held)
    ) and facts.answered("FileReport.commit", "ok", "s_error")


def _all_written(case: CheckContext) -> Violation | None:
    owed = case.facts.pending
    return holds(all(item in case.written for item in owed), {"in the file": owed}, {"in the file": case.written})


def _accounting_fails(facts: Facts, *kinds: str) -> bool:
    asked = facts.well and facts.accounting and facts.answered(ACCOUNTING, *kinds) and facts.valid
    return asked and _settled(facts) and facts.scripted and bool(facts.pending) and _others_plain(facts, ACCOUNTING)


@clause(
    "LL-001", when=lambda facts: _accounting_fails(facts, "s_error"), source=f"{BASE}.generateFailoverFile", note="H1",
    thread="issues/2416",
    reason="The accounting has nothing to do with the rest.",
    harm="Statuses and operations vanish, and the module says OK.",
)  # fmt: skip
def kept_without_accounting(case: CheckContext) -> Violation | None:
    """Everything that is pending is written although the accounting takes no records."""
    return _all_written(case)


@clause(
    "LL-002", when=lambda facts: _accounting_fails(facts, "raises", "bad_shape"),
    source=f"{BASE}.generateFailoverFile", note="H2", thread="issues/2416",
    reason="The accounting has nothing to do with the rest.", harm="Statuses and operations vanish.",
)  # fmt: skip
def kept_when_accounting_breaks(case: CheckContext) -> Violation | None:
    """Everything that is pending is written although the accounting client breaks down."""
    return _all_written(case)


@clause(
    "LL-003",
    when=lambda facts: facts.health == "failed" and _settled(facts) and facts.valid and bool(facts.pending)
        and (facts.plain or not facts.scripted),
    source=f"{MODULE}._execute", note="H3", commands=True,
    reason="A failed job has as much to report as a good one.",
    harm="The inputs of failed jobs stay Assigned for ever, and outputs are never removed.",
)  # fmt: skip
def kept_after_failure(case: CheckContext) -> Violation | None:
    """Everything that is pending is written after a failure too."""
    return _all_written(case)


def _bad_among(facts: Facts, defect: str) -> bool:
    asked = facts.well and _settled(facts) and facts.scripted and 0 < len(facts.bad(defect)) < len(facts.pending)
    return asked and _others_plain(facts)


def _others_written(case: CheckContext) -> Violation | None:
    bad = [*case.facts.bad(INVALID), *case.facts.bad(NO_TEXT)]
    others = [item for item in case.facts.pending if item not in bad]
    return holds(all(item in case.written for item in others), {"in the file": others}, {"in the file": case.written})


@clause(
    "LL-004", when=lambda facts: _bad_among(facts, INVALID), source=f"{BASE}.generateFailoverFile", note="H4",
    reason="They are valid.", harm="One module's mistake loses the pending operations of all the others.",
)  # fmt: skip
def kept_beside_invalid(case: CheckContext) -> Violation | None:
    """One operation that is not valid does not take the others with it."""
    return _others_written(case)


@clause(
    "LL-005", when=lambda facts: _bad_among(facts, NO_TEXT), source=f"{BASE}.generateFailoverFile", note="H20",
    reason="They can be serialised.", harm="One module's mistake loses the pending operations of all the others.",
)  # fmt: skip
def kept_beside_no_text(case: CheckContext) -> Violation | None:
    """One operation that cannot be serialised does not take the others with it."""
    return _others_written(case)


def _not_a_success(case: CheckContext, loss: str) -> Violation | None:
    return holds(not case.ok, f"not OK: {loss}", "OK")


@clause(
    "LL-006",
    when=lambda facts: facts.own and facts.job and not all(facts.scenario.owner or [""]),
    source=f"{BASE}.generateFailoverFile", note="H4", thread="pull/2892", commands=True,
    reason="The sender may own it.", harm="Everything pending is lost without a message.",
)  # fmt: skip
def owner_is_missing(case: CheckContext) -> Violation | None:
    """A request without owner is written, or the module does not say OK."""
    return _not_a_success(case, "the request is not valid") if case.unwritten else None


@clause(
    "LL-007",
    when=lambda facts: facts.own and facts.identified and not facts.job and bool(facts.operations),
    source=f"{MODULE}._initialize", note="H5",
    reason="A missing job ID is a mistake of the set-up.",
    harm="Everything pending is dropped, and the module says OK.",
)  # fmt: skip
def pending_without_job(case: CheckContext) -> Violation | None:
    """Operations that are pending are not a success of a module that thinks it has no job."""
    return _not_a_success(case, "operations are pending")


def _files_are_lost(facts: Facts) -> bool:
    forward = facts.answered(FILE_FORWARD, "s_error", 'bad_shape={"OK": false')
    asked = facts.own and facts.scripted and facts.job and facts.inputs is not None and facts.held
    reached = facts.answer("FileReport.getFiles") == "ok" and facts.answered(FILE_STATUS, "ok", "s_error")
    return asked and forward and reached and facts.answered("FileReport.commit", "s_error") and facts.health != "unset"


@clause(
    "LL-008", when=_files_are_lost, source=f"{MODULE}._execute", note="H13",
    reason="They are lost.", harm="The inputs stay Assigned for ever, and no message says why.",
)  # fmt: skip
def lost_file_statuses(case: CheckContext) -> Violation | None:
    """Statuses of input files that the file report can neither send nor hand over are not a success."""
    return _not_a_success(case, "statuses are lost")


@clause(
    "LL-009",
    when=lambda facts: facts.well and _settled(facts) and facts.scripted
        and facts.answered(JOB_FORWARD, "s_error") and _others_plain(facts, JOB_FORWARD, STATUS),
    source=f"{BASE}.generateFailoverFile", note="H10",
    reason="They are lost.", harm="The job looks as if it were still running.",
)  # fmt: skip
def lost_statuses(case: CheckContext) -> Violation | None:
    """Statuses of the job that the job report can neither send nor hand over are not a success."""
    return _not_a_success(case, "statuses are lost")


@clause(
    "LL-010",
    when=lambda facts: facts.calm and facts.well and STATUS in facts.refused
        and facts.answered(JOB_FORWARD, "ok", "operation"),
    source=f"{BASE}.execute", note="H11", thread="pull/4852",
    reason="After the file is written, nothing can be added.",
    harm="The last status is lost when the service is down.",
)  # fmt: skip
def last_status_can_be_kept(case: CheckContext) -> Violation | None:
    """A last status that is refused was reported while it could still go into the request."""
    statuses, asked = case.calls(STATUS), case.calls(JOB_FORWARD)
    if not statuses or not asked:
        return Violation("a status, and the question for unsent ones", [len(statuses), len(asked)])
    refused = str(statuses[-1].result).startswith("s_error")
    late = case.collaboration.index(statuses[-1]) > case.collaboration.index(asked[-1])
    return holds(
        not (refused and late), "reported while it can still go into the request",
        f"reported last, refused: {statuses[-1].args[0]}",
    )  # fmt: skip


def _file_is_stale(facts: Facts) -> bool:
    old = [name for name, kind in facts.scenario.files.items() if kind == "old" and facts.request_file.fullmatch(name)]
    alone = facts.plain or (not facts.scripted and not facts.scenario.faults)
    return facts.own and facts.job and bool(old) and not facts.pending and alone


@clause(
    "LL-011", when=_file_is_stale, source=f"{BASE}.generateFailoverFile", note="H12", commands=True,
    reason="The job wrapper sends each request that it finds.", harm="Operations of another job are executed.",
)  # fmt: skip
def stale_file(case: CheckContext) -> Violation | None:
    """A file of an earlier run does not stay when nothing is pending."""
    stale = [
        name for name, text in case.outcome.files.items() if case.scenario.files.get(name) == "old" and text == "[]"
    ]
    return holds(not stale, "no file: nothing is pending", stale)


_LFN: Final = re.compile(r"(?:LFN:)?/[^;]*[^;: ]")


def _names(facts: Facts) -> list[str]:
    """Return the LFNs of the job's inputs as they are written, without the prefix."""
    data = facts.scenario.workflow_commons.get("InputData")
    parts = data.split(";") if isinstance(data, str) else []
    good = bool(parts) and all(map(_LFN.fullmatch, parts)) and len(set(parts)) == len(parts)
    return [part.removeprefix("LFN:") for part in parts] if good else []


def _has_right_names(facts: Facts) -> bool:
    scenario = facts.scenario
    asked = facts.own and facts.job and facts.scripted and facts.health != "unset"
    usual = not scenario.workflow_commons.get("ParametricInputData") and not scenario.step_commons.get("inputData")
    plain = "STEP_INSTANCE_NAME" in scenario.step_commons and not facts.reported and not scenario.answers
    return asked and usual and plain and bool(_names(facts))


@clause(
    "LL-012", when=_has_right_names, source=f"{BASE}._resolveInputWorkflow", note="H16",
    reason="LFN: is a prefix.", harm="The status goes to a file that does not exist, and the input stays Assigned.",
)  # fmt: skip
def right_files(case: CheckContext) -> Violation | None:
    """The files that get a status are the job's input files, with any ending of their names."""
    names = _names(case.facts)
    given = sorted({call.args[1] for call in case.calls(FILE_STATUS)})
    return holds(given == sorted(names), {"of": names}, {"of": given})


@clause(
    "LL-013",
    when=lambda facts: facts.own and facts.job and not facts.scripted and bool(facts.inputs)
    and not facts.scenario.server_files
    and not any(fault.startswith("transformation") for fault in facts.scenario.faults),
    source="TransformationClient", note="H6", commands=True,
    reason="They reach no service.", harm="The statuses are lost without a message.",
)  # fmt: skip
def unknown_files(case: CheckContext) -> Violation | None:
    """Statuses of files that the transformation does not know are not a success, unless they are in the request."""
    kept = any(item[0] == "SetFileStatus" for item in [*case.in_request, *case.written])
    return None if kept else _not_a_success(case, "the files' statuses reached no service")


@clause(
    "LL-014",
    when=lambda facts: facts.own and facts.job and not facts.scripted and bool(facts.unsent_parameters),
    source=f"{BASE}.generateFailoverFile", note="H9", thread="pull/8395", commands=True,
    reason="They belong to the job as its status does.", harm="Parameters such as the CPU time used are lost.",
)  # fmt: skip
def parameters_are_kept(case: CheckContext) -> Violation | None:
    """Job parameters that were not sent are sent, or are in the file, or the module is not OK."""
    report = case.outcome.attributes.get("JobReport", {})
    left = report.get("jobParameters", []) if isinstance(report, dict) else [report]
    if "JobReport" not in case.outcome.attributes:  # a chain of commands leaves none
        sent = {name for named in case.service("job-state", "parameters").values() for name in named}
        left = sorted(case.facts.unsent_parameters.keys() - sent)
    kept = any("setJobParameters" in str(item) for item in case.written)
    return holds(not left or kept or not case.ok, "sent, in the file, or not OK", left)


@clause(
    "LL-015",
    when=lambda facts: facts.own and facts.job and facts.scenario.executions > 1 and bool(facts.inputs),
    source=f"{MODULE}._execute", note="H19",
    reason="A step may be repeated.", harm="Statuses are given twice, the later one perhaps over a newer one.",
)  # fmt: skip
def no_report_twice(case: CheckContext) -> Violation | None:
    """Executing the module twice does not report anything twice."""
    kinds = [item[0] for item in case.in_request]
    return holds(kinds.count("SetFileStatus") <= 1, "one SetFileStatus", kinds)


@clause(
    "LL-016",
    when=lambda facts: facts.own and facts.job and facts.health != "unset",
    source=MODULE, note="H1", thread="pull/1730", commands=True,
    reason="The file is all that is left when the job is gone.", harm="Something is lost without a message.",
)  # fmt: skip
def nothing_silently_lost(case: CheckContext) -> Violation | None:
    """While an operation that is pending is not in the file, the module does not say OK."""
    lost = case.unwritten
    return holds(not (lost and case.ok), "not OK: operations are not in the file", lost)
