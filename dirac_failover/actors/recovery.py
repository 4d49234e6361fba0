"""What happens after the job: the services recover, requests are replayed, and one looks what became of everything.

The job wrapper puts the operations of every ``*_request.json`` into one request of its own; 45 minutes later the
request executing agent executes that, and whatever else reached the request system. An operation that nothing here
executes (removing a file, say) holds up nothing. Then :func:`dirac_failover.spec.duties.judge` says what was kept,
lost, or could not be checked: what is gathered for it, and what is made of its verdict, is here.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from dirac_failover import vocabulary as v
from dirac_failover.actors.report import (
    ExecutedOperation,
    ExecutedRequest,
    HandedOver,
    Recovery,
    Replayed,
    ServiceState,
    StoredRequest,
)
from dirac_failover.clients.replay import replay
from dirac_failover.clients.req_client import ReqClient
from dirac_failover.drivers.describe import PLAIN, decoded, operation_of, told_of
from dirac_failover.drivers.recording import Tape
from dirac_failover.request.request import Request
from dirac_failover.spec.duties import Act, executable, judge
from dirac_failover.wire.rpc import connect

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping

    from dirac_failover.actors.report import JobFields
    from dirac_failover.drivers.recording import FinishedJob
    from dirac_failover.request.operation import Operation
    from dirac_fakes.world import World

DELAY: Final = 45
"""Minutes that the job wrapper wants its request to wait."""


def judged(job: FinishedJob, world: World, replayed: Replayed) -> Recovery:
    """Return what the services hold after a replay, and what became of everything that a job owed."""
    requests = {
        str(request_id): {
            **request,
            "Operations": [{**fields, "decoded": decoded(fields["Arguments"])} for fields in request["Operations"]],
        }
        for request_id, request in world.requests.stored().items()
    }
    verdict = judge(job.job, job.owed, job.acts, world.snapshot(), requests, _methods_elsewhere(world))
    told = {name: told_of(dues) for name, dues in verdict._asdict().items()}
    return Recovery(replayed.handed_over, replayed.requests, holdings(world), verdict.converged, **told)


def _methods_elsewhere(world: World) -> dict[str, frozenset[str]]:
    """Return by the full name of each service which of its methods are not here."""
    return {service.full: service.not_faked for service in world.services.values()}


@contextmanager
def acting(acts: list[Act], by: Hashable, world: World) -> Iterator[None]:
    """Record the calls of services in a ``with`` block."""
    before = world.snapshot()
    try:
        yield
    finally:
        acts.append(Act(by, before, world.snapshot()))


def replay_job(job: FinishedJob, world: World, *, hand_over: bool = True) -> Replayed:
    """Do what job wrapper and request executing agent do after a job; return what came of it.

    Without ``hand_over`` the job wrapper has done its part before.
    """
    owner: dict[str, Any] = {"owner": job.owner[0], "group": job.owner[1]} if job.owner else {}
    with connect(world, sleep=world.clock.sleep, **owner):
        with acting(job.acts, job.job, world):
            handed_over = _hand_over(job) if hand_over else None
        world.clock.sleep((DELAY + 1) * 60)
        return Replayed(handed_over, tuple(_execute_requests(job.acts, world)))


def _hand_over(job: FinishedJob) -> HandedOver | None:
    """Do what the job wrapper does with the files; None when there is nothing in them."""
    names = sorted(name for name in job.files if name.endswith("_request.json"))
    request = Request()
    request.JobID = int(job.job_id) if job.job_id.isdecimal() else 0
    request.RequestName, request.SourceComponent = f"job_{request.JobID}", f"Job_{request.JobID}"
    for name in names:
        try:
            operations = list(Request(json.loads(job.files[name])))
        except ValueError as error:
            return HandedOver(names, error=f"the job wrapper breaks down on {name}: {error}")
        for operation in operations:
            request.addOperation(operation)
    if request.isEmpty():
        return None
    request.delayNextExecution(DELAY)
    answer = ReqClient().putRequest(request)
    return HandedOver(names, len(request), answer.get("Value"), answer.get("Message"))


def _execute_requests(acts: list[Act], world: World) -> Iterator[ExecutedRequest]:
    """Do what the request executing agent does: execute each request once, the oldest first, and put it back."""
    client = ReqClient()
    for request_id in [*world.requests.stored()]:
        with acting(acts, str(request_id), world):
            answer = client.getRequest(request_id)
            if not answer["OK"]:
                continue  # the agent tries again another day
            request = answer["Value"]
            tape = Tape()
            with connect(tape.transport(world)):
                elsewhere = _execute(request, _methods_elsewhere(world))
            client.putRequest(request)
        operations: tuple[ExecutedOperation, ...] = tuple(
            {**operation_of(PLAIN.operation(operation)), "elsewhere": operation in elsewhere} for operation in request
        )
        yield ExecutedRequest(request_id, request.RequestName, request.Status, operations, tuple(tape.calls))


def _execute(request: Request, services: Mapping[str, frozenset[str]]) -> list[Operation]:
    """Replay a request; return the operations that nothing here executes, which do not hold up what is behind them."""
    elsewhere: list[Operation] = []
    while True:
        replay(request)
        operation = request.getWaiting()["Value"]
        if operation is None or executable(operation_of(PLAIN.operation(operation)), services):
            return elsewhere
        elsewhere.append(operation)
        for file in operation:
            file.Status = v.DONE
        operation.Status = v.DONE


# What the services hold


def holdings(world: World) -> ServiceState:
    """Return the state of the services as people see it: without times and bookkeeping."""
    state = world.snapshot()
    jobs = state["job-state"]
    return ServiceState(
        jobs={
            job_id: {
                **_fields(job),
                "history": [{**_fields(row), "StatusSource": row["StatusSource"]} for row in jobs["history"][job_id]],
                "parameters": {
                    name: value
                    for name, value in jobs["parameters"].get(job_id, {}).items()
                    if name not in {"JobID", "timestamp"}
                },
            }
            for job_id, job in jobs["jobs"].items()
        },
        files={
            row["LFN"]: {"Status": row["Status"], "ErrorCount": row["ErrorCount"]}
            for rows in state["transformation"]["files"].values()
            for row in rows.values()
        },
        accounting=state["accounting"]["records"],
        requests=tuple(
            StoredRequest(
                request_id, stored["RequestName"], stored["Status"], tuple(map(operation_of, stored["Operations"]))
            )
            for request_id, stored in world.requests.stored().items()
        ),
    )


def _fields(row: Mapping[str, Any]) -> JobFields:
    return {"Status": row["Status"], "MinorStatus": row["MinorStatus"], "ApplicationStatus": row["ApplicationStatus"]}
