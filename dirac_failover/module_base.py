"""The module contract: the duties of a module to its workflow, and those of the base class to a module.

The workflow calls :meth:`ModuleBase.execute` and nothing else. A module overrides the hooks in :data:`HOOKS`; they are
called in that order and report their end by their exceptions:

=============================  ======================================================================
nothing                        go on with the next hook
``GracefulTermination(text)``  stop here, all is well: the result is OK
``RuntimeError(text)``         stop here, something is wrong: the result is not OK
``RuntimeError(text, errno)``  the same, with an error number in the result
any other exception            as RuntimeError; it never reaches the workflow
=============================  ======================================================================

What a hook returns is ignored. Method and attribute names are DIRAC's, and so is every observable behaviour, quirks
included (observed on DIRAC 9.1.22; ``nox -s differential`` repeats the observation). Helpers that a module may want may
be added here; the order of the hooks and the results of ``execute`` must stay.
"""

from __future__ import annotations

import copy
import os
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from DIRACCommon.Core.Utilities.ReturnValues import S_ERROR, S_OK

from dirac_failover import vocabulary as v
from dirac_failover.clients.site import NoDataManager, Operations
from dirac_failover.log import gLogger

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dirac_failover.wire.rpc import Result

HOOKS: Final = ("_resolveInputVariables", "_initialize", "_setCommand", "_executeCommand", "_execute", "_finalize")
"""The hooks that a module may override, in the order of their calls by ``execute``."""


class GracefulTermination(Exception):  # noqa: N818 - DIRAC's name
    """Raised by a hook to end the module early and well; its text becomes the application status."""


class ModuleBase:
    """Base class of workflow modules; see the module's text for the contract."""

    def __init__(self, loggerIn: Any = None) -> None:
        """Set every attribute to its default; ``loggerIn`` replaces the logger named after the class."""
        self.log = loggerIn or gLogger.getSubLogger(type(self).__name__)
        self.opsH = Operations()
        self.dm: Any = NoDataManager()

        self.production_id: Any = 0  # transformation
        self.prod_job_id: Any = 0  # task of the transformation
        self.jobID: Any = 0  # job of the WMS; falsy means that there is none
        self.step_number: Any = 0
        self.step_id: Any = 0
        self.jobType: Any = ""
        self.executable: Any = ""
        self.command: Any = None

        self.workflowStatus: Any = {}
        self.stepStatus: Any = {}
        self.workflow_commons: Any = {}
        self.step_commons: Any = {}

        self.applicationName: Any = ""
        self.applicationVersion: Any = ""
        self.applicationLog: Any = "applicationLog.txt"
        self.outputDataFileMask: Any = []
        self.stepName: Any = ""
        self.stepInputData: Any = []
        self.appSteps: Any = []
        self.inputDataList: Any = []
        self.InputData: Any = []
        self.inputDataType: Any = ""

        self.fileReport: Any = None
        self.jobReport: Any = None
        self.request: Any = None

    # The contract

    def execute(self) -> Result | None:
        """Run the hooks and turn how they ended into a return structure; the only method that the workflow calls.

        ``Value`` (when a hook ended gracefully) and ``Message`` (when one failed) are the exception objects themselves,
        except that ``RuntimeError(text, errno, ...)`` gives Message ``text`` and Errno ``errno``. None is returned when
        no hook raised, which takes an overridden ``_finalize``. What goes wrong before the hooks (identifiers missing
        or malformed), while reporting the status, or in ``finalize`` escapes.
        """
        self._identify()
        try:
            for hook in HOOKS:
                getattr(self, hook)()
        except GracefulTermination as end:
            self.setApplicationStatus(end)
            self.log.info(end)
            return dict(S_OK(end))
        except RuntimeError as error:
            message = error.args[0] if len(error.args) > 1 else error
            self.log.error(message)
            self.setApplicationStatus(message)
            result = dict(S_ERROR(message))
            if len(error.args) > 1:
                # The number may be a shell's exit code: given to S_ERROR it would put a wrong text before the message.
                result["Errno"] = error.args[1]
            return result
        except BaseException as error:
            self.log.exception(error)
            self.setApplicationStatus(error)
            return dict(S_ERROR(error))
        finally:
            self.finalize()
        return None

    def _identify(self) -> None:
        """Find the IDs of production, job and step; a value that is already set (and not zero) wins."""
        for attribute, key in (("production_id", "PRODUCTION_ID"), ("prod_job_id", "JOB_ID")):
            if not getattr(self, attribute):
                setattr(self, attribute, int(self.workflow_commons[key]))
        if not self.jobID:
            self.jobID = int(os.environ.get(v.ENV_JOB_ID, self.jobID))
        if not self.step_number:
            self.step_number = int(self.STEP_NUMBER)  # type: ignore[attr-defined]  # set by the workflow
        if not self.step_id:
            numbers = self.production_id, self.prod_job_id, self.step_number
            self.step_id = "%d_%d_%d" % numbers

    def _resolveInputVariables(self) -> None:
        """Hook: find the inputs. A module that overrides it calls this one too: it finds the collaborators."""
        if not self.fileReport:
            self.fileReport = self._getFileReporter()
        if not self.jobReport:
            self.jobReport = self._getJobReporter()
        if not self.request:
            self.request = self._getRequestContainer()
        self._resolveInputWorkflow()

    def _initialize(self) -> None:
        """Hook: prepare."""

    def _setCommand(self) -> None:
        """Hook: decide which command to run, in ``self.command``."""

    def _executeCommand(self) -> None:
        """Hook: run the command."""

    def _execute(self) -> None:
        """Hook: the work itself."""

    def _finalize(self, status: str = "") -> None:
        """Hook: end well, with ``status`` as the last application status."""
        raise GracefulTermination(status or f"{type(self)} correctly finalized")

    def finalize(self) -> None:
        """Flush the logs: called at the very end, always."""
        self.log.info(f"End of {type(self).__name__}")

    # Collaborators: taken from workflow_commons (None included), else created and left there for the next module

    def _collaborator(self, key: str, home: str, *arguments: Any) -> Any:
        if key not in self.workflow_commons:
            made = getattr(import_module(f"dirac_failover.{home}"), key)  # the class is named as the key
            self.workflow_commons[key] = made(*arguments)
        return self.workflow_commons[key]

    def _getJobReporter(self) -> Any:
        return self._collaborator(v.COMMONS_JOB_REPORT, "clients.job_report", self.jobID)

    def _getFileReporter(self) -> Any:
        return self._collaborator(v.COMMONS_FILE_REPORT, "clients.file_report")

    def _getRequestContainer(self) -> Any:
        return self._collaborator(v.COMMONS_REQUEST, "request.request")

    # Inputs

    def _resolveInputWorkflow(self) -> None:
        """Take the job type, the input data, the step names and the output mask from ``workflow_commons``."""
        commons = self.workflow_commons
        self.jobType = commons.get("JobType", self.jobType)
        self.InputData = commons.get("InputData") or ""
        if parametric := copy.deepcopy(commons.get("ParametricInputData")):
            self.InputData = ";".join(parametric) if isinstance(parametric, list) else parametric
            self.InputData = self.InputData.rstrip(";")
        if self.InputData == ";":
            self.InputData = ""
        self.inputDataList = [_bare_lfn(lfn) for lfn in self.InputData.split(";") if lfn]
        self.appSteps = commons.get("appSteps", self.appSteps)
        mask = commons.get("outputDataFileMask", self.outputDataFileMask)
        if "outputDataFileMask" in commons and isinstance(mask, str):
            mask = [extension.lower().strip() for extension in mask.split(";")]
        self.outputDataFileMask = mask

    def _resolveInputStep(self) -> None:
        """Take the application and its input data from ``step_commons``; ``STEP_INSTANCE_NAME`` must be there."""
        commons = self.step_commons
        self.stepName = commons["STEP_INSTANCE_NAME"]
        self.executable = commons.get("executable", "Unknown")
        self.applicationName = commons.get("applicationName", "Unknown")
        self.applicationVersion = commons.get("applicationVersion", "Unknown")
        self.applicationLog = commons.get("applicationLog", commons.get("logFile", self.applicationLog))
        self.inputDataType = commons.get("inputDataType", self.inputDataType)
        if inputs := commons.get("inputData") or self.InputData:
            self.stepInputData = [_bare_lfn(name) for name in self._determineStepInputData(inputs)]

    def _determineStepInputData(self, inputData: Any) -> list[Any]:
        """Split ``inputData`` at ``;``, or, when it is ``previousStep``, find what that step put out.

        The outputs of the previous step are those of ``workflow_commons['outputList']`` whose type is this step's input
        type in any case. The first step's previous one is the last (an index of -1). An entry of the previous
        step without type or name is a RuntimeError; so is one without step name.
        """
        if inputData != "previousStep":
            return [_bare_lfn(name) for name in inputData.split(";")]
        previous = self.appSteps[self.appSteps.index(self.stepName) - 1]
        found = []
        for output in self.workflow_commons["outputList"]:
            try:
                if output["stepName"] != previous:
                    continue
                if output["outputDataType"].lower() == self.inputDataType.lower():
                    found.append(output["outputDataName"])
            except KeyError:
                raise RuntimeError(f"Can't find output of step {previous}")  # noqa: B904 - the cause is in the text
        return found

    # Status

    def _WMSJob(self) -> bool:
        return bool(self.jobID)

    def _enableModule(self) -> bool:
        """Return whether this is a job of the WMS: without one, most modules have nothing to do."""
        enabled = self._WMSJob()
        # %d is part of the behaviour: a job ID that is a text is a TypeError here
        self.log.verbose("Job of the WMS: %d" % self.jobID if enabled else "Not a job of the WMS")
        return enabled

    def _checkWFAndStepStatus(self, noPrint: bool = False) -> bool:
        """Return whether nothing has failed before, in the workflow or in this step."""
        healthy = bool(self.workflowStatus["OK"] and self.stepStatus["OK"])
        if not healthy and not noPrint:
            self.log.info("There was a failure before:", f"workflow {self.workflowStatus}, step {self.stepStatus}")
        return healthy

    def setApplicationStatus(self, status: Any, sendFlag: bool = True) -> int | None:
        """Report the application status through the job report, unless something has failed before.

        Returns 0 when there is no job, else None. A report that is not OK is only logged.
        """
        if not self._WMSJob():
            return 0
        if self._checkWFAndStepStatus(noPrint=True):
            self._warn(self.jobReport.setApplicationStatus(str(status), sendFlag))
        return None

    def setJobParameter(self, name: Any, value: Any, sendFlag: bool = True) -> int | None:
        """Report a parameter of the job through the job report, even after a failure.

        Returns 0 when there is no job, else None. A report that is not OK is only logged.
        """
        if not self._WMSJob():
            return 0
        self.log.verbose("Job %d: parameter %s is %s" % (self.jobID, name, value))
        self._warn(self.jobReport.setJobParameter(str(name), str(value), sendFlag))
        return None

    def _warn(self, result: Mapping[str, Any]) -> None:
        if not result["OK"]:
            self.log.warn(result["Message"])

    # Output files

    def getCandidateFiles(
        self, outputList: Sequence[Any], outputLFNs: Sequence[str], fileMask: Any, stepMask: Any = ""
    ) -> dict[str, dict[str, Any]]:
        """Return ``{name: {'type', 'workflowSE', 'lfn'}}`` of the output files to upload.

        ``outputList`` holds dictionaries with ``outputDataType``, ``outputDataSE`` and ``outputDataName`` (others are
        left out); an LFN belongs to the file with its base name; ``fileMask`` and ``stepMask`` restrict by type and by
        step number. Raises OSError when any file of the list, masked or not, is not in the working directory, and
        ValueError when a file to upload has no LFN.
        """
        needed = ("outputDataType", "outputDataSE", "outputDataName")
        files: dict[str, dict[str, Any]] = {}
        for output in outputList:
            if all(key in output for key in needed):
                name = output["outputDataName"]
                files[name] = {"type": output["outputDataType"], "workflowSE": output["outputDataSE"]}
            else:
                self.log.error("An output without type, storage element or name is left out:", output)
        for lfn in outputLFNs:
            if (name := os.path.basename(lfn)) in files:
                files[name]["lfn"] = lfn
        self._checkLocalExistance(list(files))
        candidates = self._applyMask(files, fileMask, stepMask)
        self._checkSanity(candidates)
        return candidates

    def _applyMask(
        self, candidateFilesIn: dict[str, dict[str, Any]], fileMask: Any, stepMask: Any
    ) -> dict[str, dict[str, Any]]:
        """Return a deep copy of the files whose type is in ``fileMask`` and whose step is in ``stepMask``.

        A mask is a value or a list of values, empty for no restriction. The file's type is taken in lower case, the
        mask as it is. The step is what follows the last ``_`` of the name, up to the first dot.
        """
        files = copy.deepcopy(candidateFilesIn)
        for mask, key in (
            (fileMask, lambda _, data: data["type"].lower()),
            (str(stepMask) if isinstance(stepMask, int) else stepMask, lambda name, _: _step_of(name)),
        ):
            allowed = mask if not mask or isinstance(mask, list) else [mask]
            if not allowed or allowed == [""]:
                continue
            for name, data in list(files.items()):
                if key(name, data) not in allowed:
                    del files[name]
                    # Joining is part of the behaviour: a mask that holds anything but texts is a TypeError here
                    self.log.info(f"{name} is not to be uploaded: the mask is", ", ".join(allowed))
        return files

    def _checkSanity(self, candidateFiles: Mapping[str, Mapping[str, Any]]) -> None:
        missing = [
            (name, key)
            for name, data in candidateFiles.items()
            for key in ("type", "workflowSE", "lfn")
            if key not in data
        ]
        if missing:
            self.log.error("Files to upload lack something:", missing)
            raise ValueError

    def _checkLocalExistance(self, fileList: Sequence[str]) -> None:
        missing = [name for name in fileList if not os.path.exists(name)]
        if missing:
            self.log.error("Not in the working directory:", missing)
            raise OSError

    # Fail-over

    def generateFailoverFile(self) -> Result | None:
        """Write what is still pending into the JSON file that the job wrapper sends to the request system.

        In this order: the job report's unsent statuses become an operation; the accounting records are committed (not
        OK: that result is returned and **no file is written**, hazards H1 and H2 of the documentation); if the request
        then has operations, it is validated and written as ``<transformation>_<task>_request.json`` in the working
        directory. Raises RuntimeError when the request is invalid or cannot be serialised. Returns None otherwise.
        """
        forwarded = self.jobReport.generateForwardDISET()
        if not forwarded["OK"]:
            self.log.warn("The job report's statuses are lost:", forwarded)
        elif forwarded["Value"]:
            self.request.addOperation(forwarded["Value"])

        accounting = self.workflow_commons.get(v.COMMONS_ACCOUNTING)
        if accounting:
            committed: Result = accounting.commit()
            if not committed["OK"]:
                self.log.error("Neither the accounting nor the request system took the accounting records")
                return committed

        if len(self.request):
            self._write_request()
        return None

    def _write_request(self) -> None:
        from dirac_failover.request.validator import RequestValidator

        valid = RequestValidator().validate(self.request)
        if not valid["OK"]:
            raise RuntimeError(f"Failover request is not valid: {valid['Message']}")
        serialised = self.request.toJSON()
        if not serialised["OK"]:
            raise RuntimeError(serialised["Message"])
        name = "%d_%d_request.json" % (self.production_id, self.prod_job_id)
        with open(name, "w") as file:
            file.write(str(serialised["Value"]))
        digest = self.request.getDigest()
        if digest["OK"]:
            self.log.info(f"Wrote {name}:", digest["Value"])
        else:
            self.log.error(f"Wrote {name}, which has no digest:", digest["Message"])


def _bare_lfn(text: Any) -> Any:
    """Remove the ``LFN:`` prefix the way DIRAC does: as characters, at both ends (``/vo/FILE.L`` loses its L)."""
    return text.strip("LFN:")


def _step_of(name: str) -> str:
    """``00012_00034_5.AllStreams.dst`` is of step ``5``."""
    return name.split("_")[-1].split(".")[0]
