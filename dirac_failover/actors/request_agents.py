"""The RequestExecutingAgent, with its RequestTask, and the CleanReqDBAgent, as those of DIRAC 9.1.

They stand at the database of requests: what they read, put back and finalize there meets no fault of a service. Their
operations do, and so does ReqManager, to which a request that is done is given back and which is asked when its job is
finalized. Each fact below was observed on DIRAC's own agents over the real database.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from DIRACCommon.Core.Utilities.ReturnValues import S_ERROR, S_OK

from dirac_failover import vocabulary as v
from dirac_failover.actors.job_wrapper import PENDING_REQUEST
from dirac_failover.clients.replay import replay
from dirac_failover.clients.req_client import ReqClient
from dirac_failover.drivers.recording import Tape
from dirac_failover.request.request import Request
from dirac_failover.spec.duties import FIELDS, Act
from dirac_failover.wire.rpc import connection, using
from dirac_fakes.service import Caller

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from dirac_failover.request.operation import Operation
    from dirac_failover.spec.observation import Call
    from dirac_failover.wire.rpc import Result
    from dirac_fakes.world import World

RMS: Final = "RMS"
"""The source of the update by which a job is finalized."""
REQUESTS_DONE: Final = "Requests done"
COMPLETED: Final = "Completed"
STALLED: Final = "Stalled"
FINAL: Final = {
    "Pending Requests": "Done",
    "Application Finished With Errors": "Failed",
    "Marked for termination": "Killed",
}
"""The status of a Completed job whose requests are done, by its minor status."""
_PUT_TRIES: Final = 3
_FINALIZE_TRIES, _FINALIZE_PAUSE = 10, 10
KICK_AFTER: Final = 60 * 60
"""Seconds after which a request that stays Assigned is put back."""
_DATABASE: Final = Caller(properties=("JobAdministrator",))


class Executed(NamedTuple):
    """A request that was executed, the operations that were passed over, and the calls that were made."""

    id: int
    request: Request
    passed_over: list[Operation]
    calls: list[Call]
    kept: bool
    """Whether the outcome is in the database; otherwise it is lost."""


@contextmanager
def acting(acts: list[Act], by: Hashable, world: World) -> Iterator[None]:
    """Record as an act what a ``with`` block changes in the services, without what acts inside it change."""
    changes, around = world.changes, world.changes.actor
    acts.append(Act(around, *changes.take()))
    changes.actor = by
    try:
        yield
    finally:
        acts.append(Act(by, *changes.take()))
        changes.actor = around


def execute(world: World, acts: list[Act], elsewhere: Callable[[Operation], bool]) -> Iterator[Executed]:
    """Execute each request that is due, once, and put it back: one cycle of the agent.

    A request is due when it is Waiting and its NotBefore has passed; a canceled one never is. Operations for which
    ``elsewhere`` is true are passed over as if they were done: another agent's handlers are for them.
    """
    for request_id, text in world.requests.take().items():
        tape, request, passed_over = Tape(), Request(text), []  # type: Tape, Request, list[Operation]
        recorded = replace(connection(), transport=tape.transport(world))
        with acting(acts, str(request_id), world), using(recorded):
            failed = _operations(request, world, passed_over, elsewhere)
        with acting(acts, RMS, world):
            kept = not failed and _put_back(request_id, request, world)
            if not kept and (failed or request.Status == v.DONE):
                world.requests.put(text)  # as it was taken
        yield Executed(request_id, request, passed_over, tape.calls, kept)


def _operations(
    request: Request, world: World, passed_over: list[Operation], elsewhere: Callable[[Operation], bool]
) -> bool:
    """Execute a request's operations; return whether an exception has escaped, which discards the outcome."""
    exists = world.job_state.state["jobs"].__contains__
    while True:
        report = replay(request, job_exists=exists)
        if report.results and report.results[-1].error:
            operation = request.getWaiting()["Value"]
            if not elsewhere(operation):
                return True
        operation = request.getWaiting()["Value"] if request.Status == v.WAITING else None
        if operation is None or not elsewhere(operation):
            return False
        passed_over.append(operation)
        for file in operation:
            file.Status = v.DONE
        operation.Status = v.DONE


def _put_back(request_id: int, request: Request, world: World) -> bool:
    """Put a request back, a done one by ReqManager, which finalizes its job; return whether it is kept."""
    if request.Status != v.DONE:
        return bool(world.requests.put(request.toJSON()["Value"])["OK"])
    if not ReqClient().putRequest(request, useFailoverProxy=False, retryMainService=_PUT_TRIES - 1)["OK"]:
        return False
    for failures in range(_FINALIZE_TRIES if request.JobID else 0):
        if finalize(world, request_id, request.JobID)["OK"]:
            break
        if failures == _FINALIZE_TRIES - 1:
            return False
        connection().sleep(_FINALIZE_PAUSE)
    return True


def finalize(world: World, request_id: int, job_id: int) -> Result:
    """Report that a job's requests are done: source RMS, the parameter PendingRequest, and Done for Completed.

    A job that does not exist any more is none to finalize. An error is what ReqManager answers, or that the job is
    Completed with a minor status that is not in :data:`FINAL`.
    """
    client = ReqClient()
    status: Result = client.getRequestStatus(request_id)
    if not status["OK"]:
        return status
    if status["Value"] != v.DONE:
        return dict(S_ERROR(f"The request {request_id} is {status['Value']}, not Done"))
    job = world.job_state.state["jobs"].get(job_id)
    if job is None:
        return dict(S_OK())
    major, minor, application = job["Status"], job["MinorStatus"], ""
    new = ""
    history = _history(world, job_id)
    if major == STALLED and len(history) > 1 and history[-1][0] == STALLED:
        major, minor, application = history[-2]
        new = major
    digest = client.getDigest(request_id)
    if digest["OK"]:
        _tell(world, "setJobParameter", job_id, PENDING_REQUEST, digest["Value"])
    if major == COMPLETED:
        if minor not in FINAL:
            return dict(S_ERROR("Unexpected jobMinorStatus"))
        new = FINAL[minor]
    answer = _tell(world, "setJobStatus", job_id, new, REQUESTS_DONE, RMS)
    if application:
        answer = _tell(world, "setJobApplicationStatus", job_id, application, RMS)
    return answer


def _history(world: World, job_id: int) -> list[list[str]]:
    """Return the statuses that a job has had, each in full, in the order of their times."""
    full: list[list[str]] = []
    for row in sorted(world.job_state.state["history"][job_id], key=itemgetter("Epoch")):
        full.append([full[-1][n] if full and row[name] == "idem" else row[name] for n, name in enumerate(FIELDS)])
    return full


def _tell(world: World, method: str, *args: Any) -> Result:
    """Write to the database of jobs without a service, as the agent does."""
    asked, world.caller = world.caller, _DATABASE
    try:
        answer: Result = world.job_state.perform(method, args)
    finally:
        world.caller = asked
    return answer


def kick(world: World) -> list[int]:
    """Put back all requests that are Assigned for longer than :data:`KICK_AFTER`, as CleanReqDBAgent does.

    Returns their IDs. They are put back as they were taken: the outcome that could not be put back is forgotten.
    """
    stale = world.requests.assigned(str(world.clock.now() - timedelta(seconds=KICK_AFTER))[:19])
    for text in stale.values():
        world.requests.put(text)
    return [*stale]
