"""FailoverRequest without its hazards: the same module, by overriding hooks and helpers of the contract only.

After any error the module continues to write the pending operations, and reports the error afterwards. So it departs
from DIRAC on purpose: the clauses of the level ``lossless`` give the places and the reasons. It is also an example of
an extension of the contract: nothing here bypasses a hook.
"""

from __future__ import annotations

import os
import tempfile
from functools import partial
from typing import TYPE_CHECKING, Any

from dirac_failover import vocabulary as v
from dirac_failover.clients.base import operation_for
from dirac_failover.failover_request import FailoverRequest
from dirac_failover.module_base import GracefulTermination
from dirac_failover.request.operation import Operation
from dirac_failover.request.request import Request
from dirac_failover.request.validator import RequestValidator

if TYPE_CHECKING:
    from collections.abc import Callable


class LosslessFailoverRequest(FailoverRequest):
    """Nothing that is pending is dropped, and no success is reported while something is lost."""

    def __init__(self) -> None:
        """Take no arguments, as the workflow creates it."""
        super().__init__()
        self._start()

    def _start(self) -> None:
        self._accounted = False
        self._told: list[str] = []
        self._raised: list[BaseException] = []
        self._lost: list[str] = []

    def _resolveInputVariables(self) -> None:
        self._start()
        self._go_on_after(super()._resolveInputVariables)  # LL-003: what is pending does not depend on the inputs

    def _resolveInputWorkflow(self) -> None:
        super()._resolveInputWorkflow()
        lfns = (part.removeprefix("LFN:") for part in self.InputData.split(";"))  # LL-012: the prefix is a prefix
        self.inputDataList = [lfn for lfn in lfns if lfn]

    def _initialize(self) -> None:
        if not self._WMSJob():
            if len(self.request):  # LL-007
                self._lost.append(f"{len(self.request)} operations are pending, and there is no job to keep them for")
            self._end()
        self.jobID = int(self.jobID)
        super()._initialize()

    def setApplicationStatus(self, status: Any, sendFlag: bool = True) -> int | None:
        """Report the application status, unless it was reported before the file was written, as the module's end."""
        return None if str(status) in self._told else super().setApplicationStatus(status, sendFlag)

    def _execute(self) -> None:
        for chapter in (self._report_inputs, self._commit_file_report, self._commit_accounting, self._find_bad):
            self._go_on_after(chapter)
        self._go_on_after(self._report_the_end)  # LL-010: while it can still go into the request
        known = len(self._raised) + len(self._lost)
        self._write_everything()
        if len(self._raised) + len(self._lost) == known:
            self._told.append(self._text_of_the_end())
        self._end()

    def _go_on_after(self, chapter: Callable[[], object]) -> None:
        try:
            chapter()
        except BaseException as error:  # noqa: BLE001 - it is raised when everything is written
            self._raised.append(error)

    def _ending(self) -> BaseException | None:
        """The exception that ends the module: another module's, else the loss, else a graceful termination."""
        errors = [error for error in self._raised if not isinstance(error, GracefulTermination)]
        losses = [RuntimeError("; ".join(self._lost))] if self._lost else []
        return next(iter([*errors, *losses, *self._raised]), None)

    def _end(self) -> None:
        if ending := self._ending():
            raise ending

    def _commit_file_report(self) -> None:
        result = self.fileReport.commit()
        if result["OK"]:
            self._find_unknown(result.get("Value"))
            return
        again = self.fileReport.generateForwardDISET()
        if again["OK"]:
            self._add(again["Value"])
            if not again["Value"]:
                self._find_unknown({})
        else:  # LL-008
            self._lost.append("The statuses of input files could be neither sent nor kept")

    def _find_unknown(self, changed: Any) -> None:
        """Complain of files that the transformation does not know: their statuses reached no service (LL-013)."""
        client = getattr(self.fileReport, "transClient", None)
        unchanged = [lfn for lfn in self.inputDataList if lfn not in changed] if isinstance(changed, dict) else []
        if not client or not unchanged:
            return
        answer = client.getTransformationFiles({"TransformationID": self.production_id, "LFN": unchanged})
        known = {row["LFN"] for row in answer["Value"]} if answer["OK"] else set()
        if lost := [lfn for lfn in unchanged if lfn not in known]:
            self._lost.append(f"Transformation {self.production_id} does not know {', '.join(lost)}")

    def _commit_accounting(self) -> None:
        accounting = self.workflow_commons.get(v.COMMONS_ACCOUNTING)
        self._accounted = True
        if accounting and not accounting.commit()["OK"]:  # LL-001, LL-002: and the file is written all the same
            self._lost.append("Neither the accounting nor the request system took the accounting records")

    def _report_the_end(self) -> None:
        for status in (v.JOB_FINISHED, v.FAILOVER_FINISHED) if self._checkWFAndStepStatus(noPrint=True) else ():
            if self._ending() is None:
                self._go_on_after(partial(self.setApplicationStatus, status))
        if self._ending():
            self.setApplicationStatus(self._text_of_the_end())

    def _text_of_the_end(self) -> str:
        """Return the status with which :meth:`execute` will report how the module ended."""
        ending = self._ending()
        if ending is None:
            return v.FAILOVER_FINISHED
        return str(ending.args[0] if isinstance(ending, RuntimeError) and len(ending.args) > 1 else ending)

    def _forward_statuses(self) -> None:
        answer = self.jobReport.generateForwardDISET()
        if answer["OK"]:
            self._add(answer["Value"])
        else:  # LL-009
            self._lost.append("Statuses of the job could be neither sent nor kept")

    def _forward_parameters(self) -> None:
        """Send the job's parameters, or keep them in the request (LL-014)."""
        if not getattr(self.jobReport, "jobParameters", None):
            return
        result = self.jobReport.sendStoredJobParameters()
        if not result["OK"]:
            self._add(operation_for(v.FORWARD_DISET, result["rpcStub"]))

    def _add(self, operation: Any) -> None:
        """Add an operation, unless one that does the same is there: from an earlier execution (LL-015)."""
        if operation and all(
            (other.Type, other.Arguments) != (operation.Type, operation.Arguments) for other in self.request
        ):
            self.request.addOperation(operation)

    def _find_bad(self) -> None:
        """Complain of operations that cannot be written; the others are (LL-004, LL-005)."""
        if bad := [f"{operation.Type} ({why})" for operation in self.request if (why := _what_is_wrong(operation))]:
            self._lost.append(f"Operations that cannot be kept: {', '.join(bad)}")

    def generateFailoverFile(self) -> None:
        """Forward unsent reports, commit the accounting, and write every operation that can be written.

        Raises the first error after all other work is done: RuntimeError for a loss.
        """
        self._write_everything()
        self._end()

    def _write_everything(self) -> None:
        accounting = () if self._accounted else (self._commit_accounting,)
        for chapter in (*accounting, self._forward_statuses, self._forward_parameters, self._write_request):
            self._go_on_after(chapter)

    def _write_request(self) -> None:
        """Write the good operations, whole or not at all; without any, no file remains (LL-011)."""
        name = "%d_%d_request.json" % (self.production_id, self.prod_job_id)
        good = [operation for operation in self.request if not _what_is_wrong(operation)]
        if not good:
            if os.path.isfile(name) and not os.path.islink(name):
                os.unlink(name)
            return
        request = self.request if len(good) == len(self.request) else self._request_of(good)
        serialised = request.toJSON()
        if not serialised["OK"] or not isinstance(serialised["Value"], str):
            raise RuntimeError(serialised.get("Message", "The request's JSON is no text"))
        # The job wrapper does not look for such a name, which no other process uses
        handle, part = tempfile.mkstemp(dir=".", prefix=f".{name}.")
        try:
            with open(handle, "w", encoding="ascii") as file:
                file.write(serialised["Value"])
                file.flush()
                os.fsync(handle)
            os.replace(part, name)
        except BaseException:
            os.unlink(part)
            raise

    def _request_of(self, operations: list[Any]) -> Request:
        request = Request()
        for name in ("RequestName", "JobID", "SourceComponent", "Owner", "OwnerGroup"):
            setattr(request, name, getattr(self.request, name))
        for operation in operations:
            request.addOperation(Operation(operation.toJSON()["Value"]))
        return request


def _what_is_wrong(operation: Any) -> str:
    """Return the reason why an operation cannot be kept, empty if there is none: a copy of it is validated alone."""
    serialised = operation.toJSON()
    if not serialised["OK"]:
        return "cannot be serialised"
    request = Request()
    request.RequestName, request.Owner, request.OwnerGroup = "alone", "anybody", "anybody"
    try:
        request.addOperation(Operation(serialised["Value"]))
    except ValueError as error:  # of a time in the first thousand years, say
        return f"cannot be read: {error}"
    valid = RequestValidator().validate(request)
    return "" if valid["OK"] else str(valid["Message"])
