"""The zoo of seeded faults: the reference with one bug each. A test suite that lets one of them pass has a hole.

:data:`BUGS` is a table. A row names the bug, the clause that it violates, and the method of ``FailoverRequest`` that is
replaced; its sentence says what is wrong. Most replacements are made by :mod:`.replacements`. Bugs that real
implementations have had come first. ``dirac-failover verify dirac_failover.conformance.zoo:NAME`` finds each of them,
and ``dirac-failover zoo --tests PATH`` shows which of them a user's own tests find. To add a bug, add a row.
"""

# ruff: noqa: SLF001, ARG005 - the helpers are DIRAC's, and a replacement may ignore what it is given

from __future__ import annotations

import functools
import json
import os
from contextlib import suppress
from operator import delitem
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from dirac_failover import vocabulary as v
from dirac_failover.conformance.replacements import (
    after,
    before,
    during,
    given,
    healthy,
    is_error,
    nothing,
    obeying,
    put,
    raising,
    request_file,
    result,
    rewrite,
    stops,
)
from dirac_failover.drivers.replaced import replaced
from dirac_failover.failover_request import FailoverRequest
from dirac_failover.module_base import GracefulTermination

if TYPE_CHECKING:
    from dirac_failover.conformance.replacements import Wrong


class Bug(NamedTuple):
    """One seeded fault: its name, the clause that it violates, what is wrong, and the module that has it."""

    name: str
    clause: str
    sentence: str
    module: type[FailoverRequest]


def _bug(name: str, clause: str, sentence: str, **methods: Wrong) -> Bug:
    """Return the bug of a module whose ``methods`` are replaced."""

    def replacement(method: str, wrong: Wrong) -> Wrong:
        def replaced(self: FailoverRequest, *args: Any, **named: Any) -> Any:
            return wrong(self, functools.partial(getattr(FailoverRequest, method), self), *args, **named)

        return replaced

    replaced = {method: replacement(method, wrong) for method, wrong in methods.items()}
    module = type(name, (FailoverRequest,), {"__module__": __name__, "__doc__": sentence, **replaced})
    return Bug(name, clause, sentence, module)


_NOT_ADDED: Final = during("request", lambda _: {"addOperation": lambda _: {"OK": True}})
_WITHOUT_ACCOUNTING: Final = during(
    "", lambda m: {"workflow_commons": {**m.workflow_commons, v.COMMONS_ACCOUNTING: None}}
)


# Replacements that take more than an expression


def _parametric_input(module: Any, usual: Wrong) -> None:
    own = module.workflow_commons.get("InputData")
    usual()
    if own and isinstance(own, str) and module.InputData != own:
        module.InputData = f"{own};{module.InputData}"
        module.inputDataList = [part.strip("LFN:") for part in module.InputData.split(";") if part]


def _accounting_last(module: Any, usual: Wrong) -> None:
    _WITHOUT_ACCOUNTING(module, usual)
    if (accounting := module.workflow_commons.get(v.COMMONS_ACCOUNTING)) is not None:
        accounting.commit()


def _accounting_first(module: Any, usual: Wrong) -> Any:
    accounting = module.workflow_commons.get(v.COMMONS_ACCOUNTING)
    if accounting and not accounting.commit()["OK"]:
        return None
    return _WITHOUT_ACCOUNTING(module, usual)


def _keeping_force(module: Any, usual: Wrong) -> None:
    force = module.fileReport.force
    usual()
    module.fileReport.force = force


def _drop_fileless(module: Any) -> None:
    if not healthy(module):
        for operation in [item for item in module.request if not len(item)]:
            del module.request[module.request.indexOf(operation)]


def _flush_if_well(module: Any, usual: Wrong) -> Any:
    with replaced(module, finalize=lambda: None):
        found = usual()
    if found and found["OK"]:
        module.finalize()
    return found


def _appending(module: Any, usual: Wrong) -> None:
    file = request_file(module)
    old = file.read_text() if file.is_file() and not file.is_symlink() else ""
    usual()
    if old:
        rewrite(module, lambda text: old + text)


def _swallowing(_: Any, usual: Wrong) -> None:
    with suppress(OSError):
        usual()


def _write_after_failure(module: Any, _: Wrong) -> None:
    module._report_inputs()
    module._commit_file_report()
    if healthy(module):
        module.setApplicationStatus(v.JOB_FINISHED)
    else:
        module.generateFailoverFile()


def _hand_on_errors(module: Any, usual: Wrong) -> Any:
    returned: list[Any] = []
    found = obeying(module, usual, returned.append)
    return next((value for value in reversed(returned) if is_error(value)), found)


# fmt: off
_ROWS: Final = (
    # Bugs of real implementations
    _bug("AppendsParametricInput", "DI-009", "Parametric input data is added to the job's own instead of replacing it.",
         _resolveInputWorkflow=_parametric_input),
    _bug("ReportsAllInputs", "CO-011",
         "Every input file gets a status, also those that an earlier module has reported as problematic.",
         _report_inputs=during("fileReport", lambda report: {
             "getFiles": lambda known=report.getFiles: known() and {}})),
    _bug("NeverForces", "DI-015",
         "After a failure the statuses are not forced, so a file that was done before stays done.",
         _report_inputs=_keeping_force),
    _bug("SucceedsAfterFailure", "DI-004", "A failed workflow makes the module end well.",
         execute=result(lambda r: {"OK": True, "Value": r["Message"]}
                        if str(r.get("Message")) == v.FAILOVER_FAILED else r)),
    _bug("WritesNamesakes", "CO-016", "The file is named after the job instead of the transformation and its task.",
         _write_request=during("", lambda m: {"production_id": m.jobID, "prod_job_id": 0})),
    _bug("WritesBeforeAccounting", "DI-016",
         "The file is written first, and the operations that a failure of the accounting adds are not in it.",
         generateFailoverFile=_accounting_last),
    _bug("EncodesTwice", "DI-020", "The file is JSON of a text that is JSON.",
         _write_request=after(lambda m: rewrite(m, json.dumps))),
    _bug("ReportsAfterFailure", "CO-009", "The application status is reported although something has failed before.",
         setApplicationStatus=lambda m, u, status, sendFlag=True:
             (m._WMSJob() and not healthy(m) and m.jobReport.setApplicationStatus(str(status), sendFlag),
              u(status, sendFlag))[1]),
    _bug("RenamesOnlyNameless", "DI-017", "A request that has a name keeps it in every job.",
         _initialize=after(lambda m: len(m.request) and put(m.request, RequestName="leftover"))),
    _bug("NumbersAsTexts", "DI-008", "The task's number is kept as the text that it was given as.",
         _initialize=after(lambda m: put(m, production_id=f"{m.production_id:08d}"))),
    _bug("DropsFilelessOperations", "DI-018", "Operations without files are removed from the request of a failed job.",
         _execute=after(_drop_fileless)),
    _bug("IgnoresNewStatuses", "DI-006",
         "The file report is asked once, so a status that was given meanwhile is overwritten.",
         _report_inputs=during("fileReport", lambda report: {"getFiles": functools.cache(report.getFiles)})),

    # The contract of execute
    _bug("SkipsFinalize", "CO-002", "The logs are flushed only when the module ended well.", execute=_flush_if_well),
    _bug("LetsInterruptsOut", "CO-005", "An interrupt in a hook leaves execute.",
         execute=result(lambda r: raising(r["Message"]) if isinstance(r.get("Message"), KeyboardInterrupt) else r)),
    _bug("SwapsHooks", "CO-001", "The module initialises itself before its inputs are resolved.",
         execute=before(lambda m: put(m, _initialize=m._resolveInputVariables, _resolveInputVariables=m._initialize))),
    _bug("ReturnsTexts", "DI-004", "The result holds the exception's text instead of the exception.",
         execute=result(lambda r: {key: str(value) if isinstance(value, Exception) else value
                                   for key, value in r.items()})),
    _bug("ForgetsNumbers", "CO-007", "The error number of a RuntimeError is not in the result.",
         execute=result(lambda r: r | {"Errno": 0} if "Errno" in r else r)),
    _bug("GracefulIsFailure", "CO-006", "A module that ends gracefully is counted as failed.",
         execute=result(lambda r: {"OK": False, "Errno": 0, "Message": r["Value"]}
                        if isinstance(r.get("Value"), GracefulTermination) else r)),
    _bug("EndsInSilence", "CO-008", "The end of the module is not reported.",
         setApplicationStatus=lambda _, u, status, sendFlag=True:
             u(status, sendFlag) if isinstance(status, str) else None),

    # Collaborators and identity
    _bug("KeepsReportsToItself", "CO-018",
         "Collaborators that the module has made are not left for the next module.",
         _collaborator=during("", lambda m: {"workflow_commons": dict(m.workflow_commons)})),
    _bug("EnvironmentWins", "DI-008", "JOBID in the environment goes before the job ID that the module was given.",
         _identify=before(lambda m: put(m, jobID=int(os.environ.get(v.ENV_JOB_ID) or m.jobID)))),
    _bug("RunsWithoutJob", "CO-010", "The module works although there is no job.",
         _enableModule=lambda _, u: u() or True),
    _bug("FailsWithoutJob", "DI-004", "A missing job ID is an error.",
         _initialize=before(lambda m: m._WMSJob() or raising(RuntimeError("There is no job")))),
    _bug("InventsTheTransformation", "CO-003", "A task without transformation is counted as transformation 1.",
         _identify=before(lambda m: m.workflow_commons.setdefault("PRODUCTION_ID", "1"))),

    # Inputs
    _bug("LeavesTheLastOut", "CO-012", "The last input file is forgotten.",
         _resolveInputWorkflow=after(lambda m: put(m, inputDataList=m.inputDataList[:-1]))),
    _bug("TrimsBlanks", "DI-009", "Blanks around a name are taken off.",
         _resolveInputWorkflow=after(lambda m: put(m, inputDataList=[lfn.strip() for lfn in m.inputDataList]))),
    _bug("TakesPrefixesOff", "DI-010", "LFN: is taken off as a prefix, which is right, and not what DIRAC does.",
         _resolveInputWorkflow=after(lambda m: put(m, inputDataList=[
             lfn.removeprefix("LFN:") for lfn in m.InputData.split(";") if lfn]))),
    _bug("StartsFromTheFirst", "DI-009", "The step before the first one is no step, instead of the last one.",
         _determineStepInputData=lambda m, u, inputs:
             [] if inputs == "previousStep" and m.appSteps and m.stepName == m.appSteps[0] else u(inputs)),
    _bug("ProcessesFailures", "CO-012", "After a failure the inputs are Processed.",
         _report_inputs=during("fileReport", lambda report: {
             "setFileStatus": lambda task, lfn, _, usual=report.setFileStatus: usual(task, lfn, v.PROCESSED)})),
    _bug("AlwaysForces", "DI-015", "The statuses are forced when all is well, too.",
         _report_inputs=after(lambda m: put(m.fileReport, force=True))),

    # Reports
    _bug("NeverCommits", "CO-013", "The file report is not sent.", _commit_file_report=nothing),
    _bug("TriesOnce", "CO-013", "A file report that cannot be sent is given up.",
         _commit_file_report=lambda m, _: m.fileReport.commit() and None),
    _bug("TriesAlways", "DI-001", "The file report is sent a second time although the first time went well.",
         _commit_file_report=after(lambda m: m.fileReport.commit())),
    _bug("ForgetsTheFileReport", "CO-014", "The operation of the file report does not get into the request.",
         _commit_file_report=_NOT_ADDED),
    _bug("FinishesFirst", "DI-001", "The job is reported as finished before its files are.",
         _commit_file_report=before(lambda m: healthy(m) and m.setApplicationStatus(v.JOB_FINISHED))),
    _bug("SendsLater", "DI-014", "Statuses wait in the job report instead of being sent.",
         setApplicationStatus=given(sendFlag=lambda _: False)),
    _bug("SaysItOtherwise", "DI-005", "The last application status has other words.",
         setApplicationStatus=given(status=lambda status: "Job Finished" if status == v.JOB_FINISHED else status)),
    _bug("ForgetsTheJobReport", "CO-015", "The operation of the job report does not get into the request.",
         generateFailoverFile=_NOT_ADDED),
    _bug("ForgetsAccounting", "CO-029", "The accounting records are not sent.",
         generateFailoverFile=_WITHOUT_ACCOUNTING),
    _bug("AccountsFirst", "DI-001", "The accounting is asked before the job report.",
         generateFailoverFile=_accounting_first),

    # The file
    _bug("WritesAlways", "DI-019", "A file is written although nothing is pending.",
         generateFailoverFile=after(lambda m: len(m.request) or rewrite(m, lambda _: "{}"))),
    _bug("Appends", "CO-017", "The request is written behind the text that is in the file already.",
         _write_request=_appending),
    _bug("SwallowsErrors", "DI-004", "A file that cannot be written is no error.", _write_request=_swallowing),
    _bug("DoesNotValidate", "DI-019", "A request that is not valid is written.",
         _write_request=during("request", lambda request: {
             "Owner": request.Owner or "nobody", "OwnerGroup": request.OwnerGroup or "nobody"})),
    _bug("EmptiesTheRequest", "DI-018", "The operations are taken out of the request once they are in the file.",
         _write_request=after(lambda m: [delitem(m.request, 0) for _ in range(len(m.request))])),
    _bug("WritesAfterFailureOnly", "CO-017", "The file is written when something has failed, and not when all is well.",
         _execute=_write_after_failure),

    # execute obeys the values that hooks return
    _bug("ObeysErrors", "CO-019", "An S_ERROR that a hook returns ends the module.", execute=stops(is_error)),
    _bug("StopsAtFalse", "CO-019", "A hook that returns False ends the module.",
         execute=stops(lambda value: value is False)),
    _bug("StopsAtAnyValue", "CO-019", "A hook that returns anything ends the module.",
         execute=stops(lambda value: value is not None)),
    _bug("HandsOnErrors", "CO-019",
         "The result is the last S_ERROR that a hook returned, although all hooks were called.",
         execute=_hand_on_errors),
    _bug("NeedsAnAnswer", "CO-001", "A hook that returns nothing is an error.",
         execute=stops(lambda value: value is None)),

    # The end of a job is not reported
    _bug("DoesNothing", "CO-027", "Nothing is reported, sent or written.", _execute=nothing),
    _bug("IgnoresFailedJobs", "CO-012", "The inputs of failed jobs get no status.",
         _execute=lambda m, u: u() if healthy(m) else None),
    _bug("ReportsTheFirstInput", "CO-012", "All inputs but the first one get no status.",
         _resolveInputWorkflow=after(lambda m: put(m, inputDataList=m.inputDataList[:1]))),

    # generateFailoverFile
    _bug("NeverWrites", "CO-017", "No file is ever written.", generateFailoverFile=nothing),
    _bug("LosesTheFirstOperation", "CO-017", "The first operation of the request is not in the file.",
         generateFailoverFile=before(lambda m: len(m.request) and delitem(m.request, 0))),
    _bug("NeverAsksTheJobReport", "CO-024", "Unsent statuses of the job are neither sent again nor written.",
         generateFailoverFile=during("jobReport", lambda _: {
             "generateForwardDISET": lambda: {"OK": True, "Value": None}})),
    _bug("NeverAsksTheAccounting", "CO-024", "Accounting records are not committed at the end of the job.",
         generateFailoverFile=_WITHOUT_ACCOUNTING),

    # finalize
    _bug("FinalizeRaises", "CO-025", "The logs cannot be flushed, and the exception leaves execute.",
         finalize=after(lambda _: raising(OSError("no log")))),
    _bug("FinalizeNeedsAnArgument", "CO-004", "The method finalize cannot be called without an argument.",
         finalize=lambda _, __, status: None),
    _bug("FinalizeExits", "CO-005", "The last thing that the module does is to end the process.",
         finalize=after(lambda _: raising(SystemExit(1)))),
    _bug("FinalizeReports", "CO-009", "One more application status is reported after the module has ended.",
         finalize=after(lambda m: m.jobReport.setApplicationStatus("finalized"))),
    _bug("FinalizesFirst", "CO-002", "The logs are flushed before the hooks are called.",
         execute=before(lambda m: m.finalize())),

    # setApplicationStatus
    _bug("NeverSetsAStatus", "CO-028", "No application status is reported.", setApplicationStatus=nothing),
    _bug("SendsEveryStatus", "CO-022", "A status that is to wait is sent at once.",
         setApplicationStatus=given(sendFlag=lambda _: True)),
    _bug("SetsReprs", "CO-022", "A status that is no text is reported by its repr, and so is a text.",
         setApplicationStatus=given(status=repr)),
    _bug("RaisesRefusals", "CO-022", "A status that the job report refuses is an exception.",
         setApplicationStatus=during("jobReport", lambda report: {
             "setApplicationStatus": lambda *args, usual=report.setApplicationStatus:
                 (answer := usual(*args))["OK"] or raising(RuntimeError(answer["Message"]))})),
    _bug("SetsEveryStatusTwice", "CO-022", "Each status is reported twice.",
         setApplicationStatus=lambda _, u, status, sendFlag=True: (u(status, sendFlag), u(status, sendFlag))[1]),

    # setJobParameter
    _bug("NeverSetsAParameter", "CO-023", "No job parameter is reported.", setJobParameter=nothing),
    _bug("KeepsParametersOfFailures", "CO-023", "The parameters of failed jobs are not reported.",
         setJobParameter=lambda m, u, name, value, sendFlag=True: u(name, value, sendFlag) if healthy(m) else None),
    _bug("SwapsNameAndValue", "CO-023", "The value is reported as the name, and the name as the value.",
         setJobParameter=lambda _, u, name, value, sendFlag=True: u(value, name, sendFlag)),
    _bug("KeepsTypesOfValues", "CO-023", "Values are not made texts.",
         setJobParameter=lambda m, _, name, value, sendFlag=True:
             m.jobReport.setJobParameter(name, value, sendFlag) and None if m.jobID else 0),
    _bug("SetsParametersWithoutJob", "CO-023", "Parameters are reported although there is no job.",
         setJobParameter=lambda m, _, name, value, sendFlag=True:
             m.jobReport.setJobParameter(str(name), str(value), sendFlag) and None),
    _bug("NamesItKey", "CO-026", "The first parameter of setJobParameter has another name.",
         setJobParameter=lambda _, u, key, value, sendFlag=True: u(key, value, sendFlag)),

    # getCandidateFiles
    _bug("FindsNoCandidates", "CO-020", "No output is ever a candidate.", getCandidateFiles=lambda *_, **__: {}),
    _bug("IgnoresTheFileMask", "CO-020", "Outputs of every type are candidates.",
         getCandidateFiles=given(fileMask=lambda mask: mask and "")),
    _bug("IgnoresTheStepMask", "CO-020", "Outputs of every step are candidates.",
         getCandidateFiles=given(stepMask=lambda mask: mask and "")),
    _bug("ForgivesMissingFiles", "CO-021", "An output that is not in the directory is a candidate all the same.",
         _checkLocalExistance=nothing),
    _bug("ForgivesMissingLfns", "CO-021", "An output without LFN is a candidate all the same.",
         _checkSanity=nothing),
    _bug("TakesTheFirstLfn", "CO-020", "Of two LFNs with the same name the first one counts.",
         getCandidateFiles=given(outputLFNs=lambda lfns: lfns[::-1] if isinstance(lfns, list) else lfns)),
    _bug("LowersTheMask", "DI-004", "The mask may be of either case, which is sensible, and not what DIRAC does.",
         getCandidateFiles=given(fileMask=lambda mask: mask.lower() if isinstance(mask, str) else mask)),
)
# fmt: on

BUGS: Final = {bug.name: bug for bug in _ROWS}
"""The seeded faults by name."""
globals().update({bug.name: bug.module for bug in _ROWS})  # 'verify' imports a module by its name
