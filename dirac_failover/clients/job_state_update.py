"""The client of WorkloadManagement/JobStateUpdate: statuses and parameters of jobs. Names are DIRAC's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dirac_failover import vocabulary as v
from dirac_failover.clients.base import Client

if TYPE_CHECKING:
    from datetime import datetime

    from dirac_failover.wire.rpc import Result


class JobStateUpdateClient(Client):
    """Calls ``setJobStatusBulk``, ``setJobParameters`` and every other method of the service by its name."""

    service = v.JOB_STATE

    def setJobStatus(  # noqa: PLR0913, PLR0917 - DIRAC's signature
        self,
        jobID: int,
        status: str = "",
        minorStatus: str = "",
        source: str = "Unknown",
        datetime_: datetime | None = None,
        force: bool = False,
        **kwargs: Any,
    ) -> Result:
        """Set a job's status, always with all six arguments; ``kwargs`` are those of every call (timeout, url)."""
        arguments = (jobID, status, minorStatus, source, datetime_, force)
        return self.executeRPC(*arguments, call="setJobStatus", **kwargs)
