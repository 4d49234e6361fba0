"""The module at the end of a job: the reports that no service took go into one combined request.

1. Every input file that has no status yet gets one, and the file report is committed; what the transformation system
   does not take becomes an operation of the request.
2. Unless something has failed before, the final application status is reported and the request's file is written
   (:meth:`~dirac_failover.ModuleBase.generateFailoverFile`).

Behaviour and hazards are DIRAC's (9.1.22). What should behave better is a subclass, as ``LosslessFailoverRequest``.
"""

from __future__ import annotations

from dirac_failover import vocabulary as v
from dirac_failover.module_base import GracefulTermination, ModuleBase


class FailoverRequest(ModuleBase):
    """Create and send one combined request for every operation that is pending at the end of a job."""

    def __init__(self) -> None:
        """Take no arguments, as the workflow creates it."""
        super().__init__()

    def _resolveInputVariables(self) -> None:
        super()._resolveInputVariables()
        self._resolveInputStep()

    def _initialize(self) -> None:
        if not self._enableModule():
            raise GracefulTermination(v.FAILOVER_SKIPPED)
        request, job = self.request, self.jobID
        request.RequestName = "job_%d_request.xml" % job
        request.JobID = job
        request.SourceComponent = "Job_%d" % job

    def _execute(self) -> None:
        self._report_inputs()
        self._commit_file_report()
        if all(status["OK"] for status in (self.workflowStatus, self.stepStatus)):
            self.setApplicationStatus(v.JOB_FINISHED)
            self.generateFailoverFile()  # its result is ignored: hazard H1

    def _report_inputs(self) -> None:
        """Give each input file that has no status one: Processed, or after a failure Unused, by force."""
        reported = self.fileReport.getFiles()
        healthy = self._checkWFAndStepStatus(noPrint=True)
        if healthy:
            reported = self.fileReport.getFiles()  # DIRAC commits twice
        for lfn in self.inputDataList:
            if lfn not in reported:
                if not healthy:
                    self.fileReport.force = True  # the file may have a final status already
                self.fileReport.setFileStatus(int(self.production_id), lfn, v.PROCESSED if healthy else v.UNUSED)

    def _commit_file_report(self) -> None:
        """Commit the file report; if that fails twice, the request takes its operation."""
        if self.fileReport.commit()["OK"]:
            return
        self.log.error("The file report could not be committed: once more, else it goes into the request")
        again = self.fileReport.generateForwardDISET()
        if not again["OK"]:
            # Hazard H13: an error has no Value, so reading it ends the module with KeyError('Value')
            self.log.warn("The file report's statuses are lost:", again["Value"])
        elif again["Value"] is not None:
            self.request.addOperation(again["Value"])

    def _finalize(self) -> None:  # type: ignore[override]  # DIRAC's takes no status either
        healthy = self._checkWFAndStepStatus(noPrint=True)
        if not healthy:
            raise RuntimeError(v.FAILOVER_FAILED)
        super()._finalize(v.FAILOVER_FINISHED)
