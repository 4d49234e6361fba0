"""The last module of every job."""

from __future__ import annotations

from acme_dirac.base import FailoverRequest


class AcmeFailoverRequest(FailoverRequest):
    """DIRAC's, except that what is pending is written after a failure, too."""

    def _execute(self):
        super()._execute()
        healthy = self._checkWFAndStepStatus(noPrint=True)
        if not healthy:  # else it is written already
            self.generateFailoverFile()
