"""Uploads what a job has made."""

from __future__ import annotations

from acme_dirac.base import File, GracefulTermination, ModuleBase, Operation

FAILOVER_SE = "ACME-FAILOVER"


class UploadOutput(ModuleBase):
    """Uploads the output files; one that its storage does not take waits at the failover storage to be moved later."""

    def _resolveInputVariables(self):
        super()._resolveInputVariables()
        self.outputs = self.getCandidateFiles(
            self.workflow_commons["outputList"],
            self.workflow_commons["ProductionOutputData"],
            self.outputDataFileMask,
        )

    def _initialize(self):
        if not self._checkWFAndStepStatus():
            raise GracefulTermination("A failed job uploads nothing")

    def _execute(self):
        for name, output in self.outputs.items():
            lfn, storage = output["lfn"], output["workflowSE"]
            if self._put(lfn, name, storage):
                continue
            if not self._put(lfn, name, FAILOVER_SE):
                raise RuntimeError(f"No storage takes {lfn}")
            self._later("ReplicateAndRegister", lfn, storage)
            self._later("RemoveReplica", lfn, FAILOVER_SE)

    def _put(self, lfn, name, storage):
        answer = self.dm.putAndRegister(lfn, name, storage)
        return answer["OK"] and lfn in answer["Value"]["Successful"]

    def _later(self, what, lfn, storage):
        """Leave an operation in the job's request."""
        file = File()
        file.LFN = lfn
        operation = Operation()
        operation.Type = what
        operation.TargetSE = storage
        operation.addFile(file)
        self.request.addOperation(operation)

    def _finalize(self):
        super()._finalize(f"Uploaded {', '.join(self.outputs)}")
