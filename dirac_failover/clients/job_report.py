"""The report of a job on itself: its statuses and its parameters, kept until the service has taken them.

Names are DIRAC's, and so is what is kept when: a status is sent together with all earlier ones that were not taken,
each under the time at which it was set. Updates of one instant share one entry, the last word on each key winning.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from DIRACCommon.Core.Utilities.ReturnValues import S_ERROR, S_OK

from dirac_failover import clock
from dirac_failover import vocabulary as v
from dirac_failover.clients.base import operation_for
from dirac_failover.clients.job_state_update import JobStateUpdateClient
from dirac_failover.log import gLogger

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dirac_failover.wire.rpc import Result


def _plain(status: str) -> str:
    return status.replace("'", "")


def _is_finite(value: Any) -> bool:
    """Return whether a value has no NaN and no infinity at any depth: JSON, on the way to the service, has neither."""
    if isinstance(value, dict):
        return all(map(_is_finite, value.values()))
    if isinstance(value, (list, tuple, set)):
        return all(map(_is_finite, value))
    if isinstance(value, Decimal):  # a number that is too large for a float counts as infinite, as in DIRAC
        return not value.is_snan() and math.isfinite(value)
    return not isinstance(value, float) or math.isfinite(value)


class JobReport:
    """Reports the statuses and parameters of one job.

    ``jobStatusInfo`` holds (status, minor status, time), ``appStatusInfo`` (application status, time) and
    ``jobParameters`` (name, value): the reports that were not taken yet.
    """

    def __init__(self, jobid: int | str, source: str = "") -> None:
        """Report for the job ``jobid`` in the name of ``source``, ``Job_<id>`` if empty; ValueError if not a number."""
        self.jobStatusInfo: list[tuple[str, str, str]] = []
        self.appStatusInfo: list[tuple[str, str]] = []
        self.jobParameters: list[tuple[Any, Any]] = []
        self.jobID = int(jobid)
        self.source = source or f"Job_{self.jobID}"
        self.log = gLogger.getSubLogger(type(self).__name__)

    def setJob(self, jobID: int) -> None:
        """Report for another job from now on; the source stays."""
        self.jobID = jobID

    def setJobStatus(
        self, status: str = "", minorStatus: str = "", applicationStatus: str = "", sendFlag: bool = True
    ) -> Result:
        """Keep a status, and send all that is kept if ``sendFlag`` and there is a job; AttributeError for non-text."""
        now = str(clock.utcnow())
        self.jobStatusInfo.append((_plain(status), _plain(minorStatus), now))
        if applicationStatus:
            self.appStatusInfo.append((_plain(applicationStatus), now))
        return self.sendStoredStatusInfo() if sendFlag and self.jobID else dict(S_OK())

    def setApplicationStatus(self, appStatus: Any, sendFlag: bool = True) -> Result:
        """Keep an application status (its ``repr`` if it is no text), and send as :meth:`setJobStatus` does."""
        text = appStatus if isinstance(appStatus, str) else repr(appStatus)
        self.appStatusInfo.append((_plain(text), str(clock.utcnow())))
        return self.sendStoredStatusInfo() if sendFlag and self.jobID else dict(S_OK())

    def setJobParameter(self, par_name: str, par_value: Any, sendFlag: bool = True) -> Result:
        """Keep one parameter, and send as :meth:`setJobParameters` does."""
        return self.setJobParameters([(par_name, par_value)], sendFlag)

    def setJobParameters(self, parameters: Iterable[tuple[str, Any]], sendFlag: bool = True) -> Result:
        """Keep (name, value) pairs, and send all that are kept if ``sendFlag`` and there is a job.

        A value that holds a NaN or an infinity is dropped with a warning: it would spoil the whole message.
        """
        for name, value in parameters:
            if _is_finite(value):
                self.jobParameters.append((name, value))
            else:
                self.log.warn("Not a finite value, so this parameter is left out:", f"{name} = {value}")
        return self.sendStoredJobParameters() if sendFlag and self.jobID else dict(S_OK())

    def sendStoredStatusInfo(self) -> Result:
        """Send every status kept; forget them once taken. ``S_OK('Empty')`` when all of them are blank.

        Sends even without a job (ID 0), and statuses that are all blank stay: both as DIRAC does.
        """
        said = [(time, {"Status": status, "MinorStatus": minor}) for status, minor, time in self.jobStatusInfo]
        said += [(time, {"ApplicationStatus": text}) for text, time in self.appStatusInfo]
        updates: dict[str, dict[str, str]] = {}
        for time, texts in said:
            if kept := {key: text for key, text in texts.items() if text}:
                updates.setdefault(time, {"Source": self.source}).update(kept)
        if not updates:
            return dict(S_OK("Empty"))
        result = JobStateUpdateClient().setJobStatusBulk(self.jobID, updates, False)
        if result["OK"]:
            self.jobStatusInfo, self.appStatusInfo = [], []
        return result

    def sendStoredJobParameters(self) -> Result:
        """Send every parameter kept; forget them once taken. ``S_OK('Empty')`` when there is none."""
        if not self.jobParameters:
            return dict(S_OK("Empty"))
        answer = JobStateUpdateClient().setJobParameters(self.jobID, self.jobParameters)
        if answer["OK"]:
            self.jobParameters = []
        return answer

    def commit(self) -> Result:
        """Send statuses and parameters; a refused part stays, and makes the result not OK."""
        results = [self.sendStoredStatusInfo(), self.sendStoredJobParameters()]
        if refusals := [result["Message"] for result in results if not result["OK"]]:
            self.log.warn("JobStateUpdate did not take everything:", "; ".join(refusals))
            return dict(S_ERROR("Information upload to JobStateUpdate service failed"))
        return dict(S_OK())

    def generateForwardDISET(self) -> Result:
        """Send the statuses; return ``S_OK(None)``, or ``S_OK(Operation)`` that repeats the call that failed.

        The statuses stay here too (DIRAC's H11: a later call may deliver them a second time). Parameters are not
        looked at (H9). Not OK when the failed call cannot be repeated, for want of a stub (H10).
        """
        result = self.sendStoredStatusInfo()
        if result["OK"]:
            return dict(S_OK())
        self.log.error("The statuses did not reach JobStateUpdate:", result["Message"])
        if "rpcStub" not in result:
            return dict(S_ERROR("Could not create ForwardDISET operation"))
        return dict(S_OK(operation_for(v.FORWARD_DISET, result["rpcStub"])))
