"""The bug zoo: modules that are wrong in one way each. A suite that lets one of them pass has a hole.

Each animal is the reference with one bug, told in its docstring; bugs that real implementations have had come first.
``dirac-failover verify`` must catch every one of them, and ``dirac-failover zoo --tests PATH`` shows which of them a
user's own tests catch. A new animal is a class below with the decorator; nothing else needs to know.
"""

# ruff: noqa: D102 - an animal's docstring says what is wrong with it

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Final

from dirac_failover import vocabulary as v
from dirac_failover.failover_request import FailoverRequest
from dirac_failover.module_base import GracefulTermination

if TYPE_CHECKING:
    from collections.abc import Callable

ZOO: Final[dict[str, type[FailoverRequest]]] = {}
"""Every animal by its name."""

Result = dict[str, Any] | None


def animal(cls: type[FailoverRequest]) -> type[FailoverRequest]:
    """Take a class into the zoo."""
    ZOO[cls.__name__] = cls
    return cls


def story(cls: type[FailoverRequest]) -> str:
    """Return what is wrong with an animal, in one line."""
    return str(cls.__doc__).strip().splitlines()[0]


# What implementations have really done


@animal
class AppendsParametricInput(FailoverRequest):
    """Parametric input data is added to the job's own instead of replacing it."""

    def _resolveInputWorkflow(self) -> None:
        own = self.workflow_commons.get("InputData")
        super()._resolveInputWorkflow()
        if own and isinstance(own, str) and self.InputData != own:
            self.InputData = f"{own};{self.InputData}"
            parts = self.InputData.split(";")
            self.inputDataList = [part.strip("LFN:") for part in parts if part]


@animal
class ReportsAllInputs(FailoverRequest):
    """Every input file gets a status, also those that an earlier module has reported as problematic."""

    def _report_inputs(self) -> None:
        self.fileReport.getFiles()
        if healthy := self._checkWFAndStepStatus(noPrint=True):
            self.fileReport.getFiles()
        for lfn in self.inputDataList:
            self.fileReport.force = self.fileReport.force or not healthy
            self.fileReport.setFileStatus(int(self.production_id), lfn, v.PROCESSED if healthy else v.UNUSED)


@animal
class NeverForces(FailoverRequest):
    """After a failure the statuses are not forced, so a file that was done before stays done."""

    def _report_inputs(self) -> None:
        before = self.fileReport.force
        super()._report_inputs()
        self.fileReport.force = before


@animal
class SucceedsAfterFailure(FailoverRequest):
    """A failed workflow makes the module end well."""

    def execute(self) -> Result:
        result = super().execute()
        if result and str(result.get("Message")) == v.FAILOVER_FAILED:
            return {"OK": True, "Value": result["Message"]}
        return result


@animal
class WritesNamesakes(FailoverRequest):
    """The file is named after the job instead of the transformation and its task."""

    def _write_request(self) -> None:
        production, task = self.production_id, self.prod_job_id
        self.production_id, self.prod_job_id = self.jobID, 0
        try:
            super()._write_request()
        finally:
            self.production_id, self.prod_job_id = production, task


@animal
class WritesBeforeAccounting(FailoverRequest):
    """The file is written first, and what the accounting's failure adds to the request is not in it."""

    def generateFailoverFile(self) -> Result:
        accounting = self.workflow_commons.pop(v.COMMONS_ACCOUNTING, None)
        super().generateFailoverFile()
        if accounting is not None:
            self.workflow_commons[v.COMMONS_ACCOUNTING] = accounting
            accounting.commit()
        return None


@animal
class EncodesTwice(FailoverRequest):
    """The file is JSON of a text that is JSON."""

    def _write_request(self) -> None:
        super()._write_request()
        _rewrite(self, json.dumps)


@animal
class ReportsAfterFailure(FailoverRequest):
    """The application status is reported although something has failed before."""

    def setApplicationStatus(self, status: Any, sendFlag: bool = True) -> int | None:
        if self._WMSJob() and not self._checkWFAndStepStatus(noPrint=True):
            self.jobReport.setApplicationStatus(str(status), sendFlag)
        return super().setApplicationStatus(status, sendFlag)


@animal
class RenamesOnlyNameless(FailoverRequest):
    """A request that has a name keeps it, whatever the job."""

    def _initialize(self) -> None:
        super()._initialize()
        if len(self.request):
            self.request.RequestName = "leftover"


@animal
class NumbersAsTexts(FailoverRequest):
    """The task's number is kept as the text that it was given as."""

    def _initialize(self) -> None:
        super()._initialize()
        self.production_id = f"{self.production_id:08d}"


@animal
class DropsFilelessOperations(FailoverRequest):
    """Operations without files are removed from the request of a failed job."""

    def _execute(self) -> None:
        super()._execute()
        healthy = self._checkWFAndStepStatus(noPrint=True)
        if not healthy:
            for operation in [item for item in self.request if not len(item)]:
                del self.request[self.request.indexOf(operation)]


@animal
class IgnoresNewStatuses(FailoverRequest):
    """The file report is asked once, so a status that was given meanwhile is overwritten."""

    def _report_inputs(self) -> None:
        known = self.fileReport.getFiles()
        healthy = self._checkWFAndStepStatus(noPrint=True)
        for lfn in self.inputDataList:
            if lfn not in known:
                self.fileReport.force = self.fileReport.force or not healthy
                self.fileReport.setFileStatus(int(self.production_id), lfn, v.PROCESSED if healthy else v.UNUSED)


# The contract of execute


@animal
class SkipsFinalize(FailoverRequest):
    """The logs are flushed only when the module ended well."""

    def execute(self) -> Result:
        flush, self.finalize = self.finalize, lambda: None  # type: ignore[method-assign]
        result = super().execute()
        self.finalize = flush  # type: ignore[method-assign]
        if result and result["OK"]:
            flush()
        return result


@animal
class LetsInterruptsOut(FailoverRequest):
    """An interrupt in a hook leaves execute."""

    def execute(self) -> Result:
        result = super().execute()
        if result and isinstance(result.get("Message"), KeyboardInterrupt):
            raise result["Message"]
        return result


@animal
class SwapsHooks(FailoverRequest):
    """The module initialises itself before its inputs are resolved."""

    def execute(self) -> Result:
        self._initialize, self._resolveInputVariables = (  # type: ignore[method-assign]
            self._resolveInputVariables,
            self._initialize,
        )
        return super().execute()


@animal
class ReturnsTexts(FailoverRequest):
    """The result holds the exception's text instead of the exception."""

    def execute(self) -> Result:
        result = super().execute()
        return result and {key: str(value) if isinstance(value, Exception) else value for key, value in result.items()}


@animal
class ForgetsNumbers(FailoverRequest):
    """The error number of a RuntimeError is not in the result."""

    def execute(self) -> Result:
        result = super().execute()
        return result and (result | {"Errno": 0} if "Errno" in result else result)


@animal
class GracefulIsFailure(FailoverRequest):
    """A module that ends gracefully is counted as failed."""

    def execute(self) -> Result:
        result = super().execute()
        if result and isinstance(result.get("Value"), GracefulTermination):
            return {"OK": False, "Errno": 0, "Message": result["Value"]}
        return result


@animal
class EndsInSilence(FailoverRequest):
    """How the module ended is not reported."""

    def setApplicationStatus(self, status: Any, sendFlag: bool = True) -> int | None:
        return super().setApplicationStatus(status, sendFlag) if isinstance(status, str) else None


# Collaborators and identity


@animal
class KeepsReportsToItself(FailoverRequest):
    """Collaborators that the module has made are not left for the next module."""

    def _collaborator(self, key: str, *arguments: Any) -> Any:
        there = key in self.workflow_commons
        made = super()._collaborator(key, *arguments)
        if not there:
            del self.workflow_commons[key]
        return made


@animal
class EnvironmentWins(FailoverRequest):
    """JOBID in the environment goes before the job ID that the module was given."""

    def _identify(self) -> None:
        self.jobID = int(os.environ.get(v.ENV_JOB_ID) or self.jobID)
        super()._identify()


@animal
class RunsWithoutJob(FailoverRequest):
    """The module works although there is no job."""

    def _enableModule(self) -> bool:
        super()._enableModule()
        return True


@animal
class FailsWithoutJob(FailoverRequest):
    """A missing job ID is an error."""

    def _initialize(self) -> None:
        if not self._WMSJob():
            raise RuntimeError("There is no job")
        super()._initialize()


@animal
class InventsTheTransformation(FailoverRequest):
    """A task without transformation is counted as transformation 1."""

    def _identify(self) -> None:
        self.workflow_commons.setdefault("PRODUCTION_ID", "1")
        super()._identify()


# Inputs


@animal
class LeavesTheLastOut(FailoverRequest):
    """The last input file is forgotten."""

    def _resolveInputWorkflow(self) -> None:
        super()._resolveInputWorkflow()
        self.inputDataList = self.inputDataList[:-1]


@animal
class TrimsBlanks(FailoverRequest):
    """Blanks around a name are taken off."""

    def _resolveInputWorkflow(self) -> None:
        super()._resolveInputWorkflow()
        self.inputDataList = [lfn.strip() for lfn in self.inputDataList]


@animal
class TakesPrefixesOff(FailoverRequest):
    """LFN: is taken off as a prefix, which is right, and not what DIRAC does."""

    def _resolveInputWorkflow(self) -> None:
        super()._resolveInputWorkflow()
        self.inputDataList = [lfn.removeprefix("LFN:") for lfn in self.InputData.split(";") if lfn]


@animal
class StartsFromTheFirst(FailoverRequest):
    """The step before the first one is no step, instead of the last one."""

    def _determineStepInputData(self, inputData: Any) -> list[Any]:
        first = self.appSteps and self.stepName == self.appSteps[0]
        return [] if inputData == "previousStep" and first else super()._determineStepInputData(inputData)


@animal
class ProcessesFailures(FailoverRequest):
    """After a failure the inputs are Processed."""

    def _report_inputs(self) -> None:
        real = self.fileReport.setFileStatus
        self.fileReport.setFileStatus = lambda transformation, lfn, _: real(transformation, lfn, v.PROCESSED)
        super()._report_inputs()
        del self.fileReport.setFileStatus


@animal
class AlwaysForces(FailoverRequest):
    """The statuses are forced when all is well, too."""

    def _report_inputs(self) -> None:
        super()._report_inputs()
        self.fileReport.force = True


# Reports


@animal
class NeverCommits(FailoverRequest):
    """The file report is not sent."""

    def _commit_file_report(self) -> None:
        pass


@animal
class TriesOnce(FailoverRequest):
    """A file report that cannot be sent is given up."""

    def _commit_file_report(self) -> None:
        self.fileReport.commit()


@animal
class TriesAlways(FailoverRequest):
    """The file report is sent a second time although the first time went well."""

    def _commit_file_report(self) -> None:
        super()._commit_file_report()
        self.fileReport.commit()


@animal
class ForgetsTheFileReport(FailoverRequest):
    """The operation of the file report does not get into the request."""

    def _commit_file_report(self) -> None:
        _without_adding(self, super()._commit_file_report)


@animal
class FinishesFirst(FailoverRequest):
    """The job is reported as finished before its files are."""

    def _commit_file_report(self) -> None:
        if self._checkWFAndStepStatus(noPrint=True):
            self.setApplicationStatus(v.JOB_FINISHED)
        super()._commit_file_report()


@animal
class SendsLater(FailoverRequest):
    """Statuses wait in the job report instead of being sent."""

    def setApplicationStatus(self, status: Any, sendFlag: bool = True) -> int | None:  # noqa: ARG002 - the bug
        return super().setApplicationStatus(status, sendFlag=False)


@animal
class SaysItOtherwise(FailoverRequest):
    """The last application status has other words."""

    def setApplicationStatus(self, status: Any, sendFlag: bool = True) -> int | None:
        return super().setApplicationStatus("Job Finished" if status == v.JOB_FINISHED else status, sendFlag)


@animal
class ForgetsTheJobReport(FailoverRequest):
    """The operation of the job report does not get into the request."""

    def generateFailoverFile(self) -> Result:
        return _without_adding(self, super().generateFailoverFile)


@animal
class ForgetsAccounting(FailoverRequest):
    """The accounting records are not sent."""

    def generateFailoverFile(self) -> Result:
        accounting = self.workflow_commons.get(v.COMMONS_ACCOUNTING)
        self.workflow_commons[v.COMMONS_ACCOUNTING] = None
        result = super().generateFailoverFile()
        self.workflow_commons[v.COMMONS_ACCOUNTING] = accounting
        return result


@animal
class AccountsFirst(FailoverRequest):
    """The accounting is asked before the job report."""

    def generateFailoverFile(self) -> Result:
        accounting = self.workflow_commons.get(v.COMMONS_ACCOUNTING)
        if accounting and not accounting.commit()["OK"]:
            return None
        self.workflow_commons[v.COMMONS_ACCOUNTING] = None
        result = super().generateFailoverFile()
        self.workflow_commons[v.COMMONS_ACCOUNTING] = accounting
        return result


# The file


@animal
class WritesAlways(FailoverRequest):
    """A file is written although nothing is pending."""

    def generateFailoverFile(self) -> Result:
        result = super().generateFailoverFile()
        if not len(self.request):
            _rewrite(self, lambda _: "{}")
        return result


@animal
class Appends(FailoverRequest):
    """The request is written behind what is in the file already."""

    def _write_request(self) -> None:
        name = "%d_%d_request.json" % (self.production_id, self.prod_job_id)
        old = ""
        if os.path.isfile(name) and not os.path.islink(name):
            with open(name, encoding="utf-8") as file:
                old = file.read()
        super()._write_request()
        if old:
            _rewrite(self, lambda text: old + text)


@animal
class SwallowsErrors(FailoverRequest):
    """A file that cannot be written is nothing to talk about."""

    def _write_request(self) -> None:
        try:
            super()._write_request()
        except OSError:
            self.log.error("The file could not be written")


@animal
class DoesNotValidate(FailoverRequest):
    """A request that is not valid is written."""

    def _write_request(self) -> None:
        owner, group = self.request.Owner, self.request.OwnerGroup
        self.request.Owner, self.request.OwnerGroup = owner or "nobody", group or "nobody"
        super()._write_request()
        self.request.Owner, self.request.OwnerGroup = owner, group


@animal
class EmptiesTheRequest(FailoverRequest):
    """The operations are taken out of the request once they are in the file."""

    def _write_request(self) -> None:
        super()._write_request()
        while len(self.request):
            del self.request[0]


@animal
class WritesAfterFailureOnly(FailoverRequest):
    """The file is written when something has failed, and not when all is well."""

    def _execute(self) -> None:
        self._report_inputs()
        self._commit_file_report()
        if self._checkWFAndStepStatus(noPrint=True):
            self.setApplicationStatus(v.JOB_FINISHED)
        else:
            self.generateFailoverFile()


def _without_adding(module: FailoverRequest, chapter: Callable[[], Result]) -> Result:
    module.request.addOperation = lambda _: {"OK": True}
    try:
        return chapter()
    finally:
        del module.request.addOperation


def _rewrite(module: FailoverRequest, change: Callable[[str], str]) -> None:
    name = "%d_%d_request.json" % (module.production_id, module.prod_job_id)
    text = ""
    if os.path.exists(name):
        with open(name, encoding="utf-8") as file:
            text = file.read()
    with open(name, "w", encoding="utf-8") as file:
        file.write(change(text))


from dirac_failover.conformance import zoo_methods  # noqa: E402, F401 - the rest of the zoo, which needs the decorator
