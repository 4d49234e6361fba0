"""Fake clients that stand for one service: each is answered by a service of a world of its own, in which all is well.

Their base class, and the reference to their tests, are in :mod:`~dirac_fakes.clients`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar, Final

from dirac_fakes.clients import Fake
from dirac_fakes.service import Caller, carried, ok
from dirac_fakes.world import World

if TYPE_CHECKING:
    from datetime import datetime

_MAY_ALL: Final = (*Caller().properties, "JobAdministrator", "FullDelegation")


class _FakeOfService(Fake):
    """A client whose calls are answered by one service of a world of its own, in which all is well."""

    _service_name: ClassVar[str]

    def __init__(self, url: str | None = None, **given: Any) -> None:
        """Call ``url``, by default the service; ``given`` is as for each fake, and as for each client of DIRAC."""
        super().__init__(given)
        self._service: Any = World(files=(), properties=_MAY_ALL).service(self._service_name)
        self.serverURL = url or self._service.full

    def _asked(self, method: str, *args: Any) -> Any:
        return self._script.asked(self.name, method, args, lambda: self._service.perform(method, carried(args)))


class FakeJobStateUpdateClient(_FakeOfService):
    """Stands for JobStateUpdateClient: ``statuses`` and ``parameters`` are by job ID; it knows every job, as Running.

    >>> client = FakeJobStateUpdateClient()
    >>> client.setJobStatus(5, "Completing", "Uploading")["OK"]
    True
    >>> client.statuses[5]
    ('Completing', 'Uploading', 'Unknown')
    """

    name = "JobStateUpdateClient"
    _service_name = "job-state"

    @property
    def statuses(self) -> dict[int, tuple[str, str, str]]:
        """Status, minor status and application status of each reported job, and of the job 77."""
        return {job_id: self._service.status(job_id) for job_id in self._service.state["jobs"]}

    @property
    def parameters(self) -> dict[int, dict[str, Any]]:
        """The parameters of each job, by name."""
        return {job_id: self._service.parameters(job_id) for job_id in self._service.state["parameters"]}

    def _of_job(self, method: str, jobID: Any, *args: Any) -> Any:
        self._know(jobID)
        return self._asked(method, jobID, *args)

    def _know(self, jobID: Any) -> None:
        if int(jobID) not in self._service.state["jobs"]:
            self._service.add(int(jobID))

    def setJobStatus(  # noqa: PLR0913, PLR0917 - DIRAC's signature
        self,
        jobID: int,
        status: str = "",
        minorStatus: str = "",
        source: str = "Unknown",
        datetime_: datetime | None = None,
        force: bool = False,
        **kwargs: Any,  # noqa: ARG002 - DIRAC's
    ) -> Any:
        """Set status and minor status."""
        return self._of_job("setJobStatus", jobID, status, minorStatus, source, datetime_, force)

    def setJobStatusBulk(self, jobID: int, statusDict: dict[str, Any], force: bool = False) -> Any:
        """Take several updates, each under its time."""
        return self._of_job("setJobStatusBulk", jobID, statusDict, force)

    def setJobApplicationStatus(self, jobID: int, appStatus: str, source: str = "Unknown") -> Any:
        """Set the application status."""
        return self._of_job("setJobApplicationStatus", jobID, appStatus, source)

    def setJobParameter(self, jobID: int, name: str, value: Any) -> Any:
        """Keep a parameter."""
        return self._of_job("setJobParameter", jobID, name, value)

    def setJobParameters(self, jobID: int, parameters: list[tuple[str, Any]]) -> Any:
        """Keep (name, value) pairs."""
        return self._of_job("setJobParameters", jobID, parameters)

    def setJobsParameter(self, jobsParameterDict: dict[Any, tuple[Any, Any]]) -> Any:
        """Keep a parameter of each job."""
        for job_id in jobsParameterDict:
            self._know(job_id)
        return self._asked("setJobsParameter", jobsParameterDict)

    def sendHeartBeat(self, jobID: int, dynamicData: dict[str, Any], staticData: dict[str, Any]) -> Any:
        """Take a sign of life."""
        return self._of_job("sendHeartBeat", jobID, dynamicData, staticData)


class FakeReqClient(_FakeOfService):
    """Stands for ReqClient: ``requests`` are those that were put, by their ID; it takes every kind of request.

    DIRAC's client refuses a request that its validator finds invalid; this one has no validator.
    """

    name = "ReqClient"
    _service_name = "requests"
    _kind: Any
    """The class of the requests."""

    @property
    def requests(self) -> dict[int, Any]:
        """A copy of each request that is there, by its ID, of the class of the one that was put last."""
        return {request_id: self._kind(json.dumps(text)) for request_id, text in self._service.stored().items()}

    def putRequest(self, request: Any, useFailoverProxy: bool = True, retryMainService: int = 0) -> Any:
        """Keep a request; the Value is its ID. A request without a JSON form is not kept."""

        def do() -> Any:
            text = request.toJSON()
            if text["OK"]:
                self._kind = type(request)
                text = self._service.perform("putRequest", (text["Value"],))
            return text

        return self._script.asked(self.name, "putRequest", (request, useFailoverProxy, retryMainService), do)

    def getRequest(self, requestID: int = 0) -> Any:
        """Hand out a request to be executed; 0 is one that is due, or None."""
        return self._request("getRequest", requestID)

    def peekRequest(self, requestID: int) -> Any:
        """Show a request."""
        return self._request("peekRequest", int(requestID))

    def _request(self, method: str, requestID: int) -> Any:
        def do() -> Any:
            answer = self._service.perform(method, (requestID,))
            return ok(self._kind(answer["Value"])) if answer["OK"] and answer["Value"] else answer

        return self._script.asked(self.name, method, (requestID,), do)

    def getRequestStatus(self, requestID: int) -> Any:
        """Return the status of a request."""
        return self._asked("getRequestStatus", int(requestID))

    def getDigest(self, requestID: int) -> Any:
        """Return the summary of a request."""
        return self._asked("getDigest", int(requestID))

    def getRequestIDForName(self, requestName: str) -> Any:
        """Return the ID of the request of that name."""
        return self._asked("getRequestIDForName", requestName)

    def deleteRequest(self, requestID: int) -> Any:
        """Forget a request."""
        return self._asked("deleteRequest", int(requestID))
