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
from dirac_failover.clients.replay import replay
from dirac_failover.clients.req_client import ReqClient
from dirac_failover.drivers.describe import PLAIN, decoded, operation_of, told_of
from dirac_failover.drivers.recording import Left, Recording, Tape
from dirac_failover.request.request import Request
from dirac_failover.spec.duties import FIELDS, Act, executable, judge
from dirac_failover.wire.rpc import connect

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping

    from dirac_failover.request.operation import Operation
    from dirac_failover.spec.observation import Json
    from dirac_fakes.world import World

Holdings = dict[str, Any]

DELAY: Final = 45
"""Minutes that the job wrapper wants its request to wait."""


def recover(recording: Recording) -> Json:
    """Let the services of a recording recover and replay; return what was done, and the verdict.

    None when the scenario has no services. To be called inside the recorder's session.
    """
    if recording.world is None:
        return None
    recording.world.recover()
    return {**replayed(recording.left, recording.world), **judged(recording.left, recording.world)}


def judged(left: Left, world: World) -> dict[str, Json]:
    """Return what the services hold, and what became of everything that a job owed."""
    requests = {
        str(request_id): {
            **request,
            "Operations": [{**fields, "decoded": decoded(fields["Arguments"])} for fields in request["Operations"]],
        }
        for request_id, request in world.requests.stored().items()
    }
    verdict = judge(left.job, left.owed, left.acts, world.snapshot(), requests, _methods_elsewhere(world))
    told = {name: told_of(dues) for name, dues in verdict._asdict().items()}
    return {"services": holdings(world), "converged": verdict.converged, **told}


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


def replayed(left: Left, world: World, *, hand_over: bool = True) -> dict[str, Json]:
    """Do what job wrapper and request executing agent do after a job; return what came of it.

    Without ``hand_over`` the job wrapper has done its part before.
    """
    owner: dict[str, Any] = {"owner": left.owner[0], "group": left.owner[1]} if left.owner else {}
    with connect(world, sleep=world.clock.sleep, **owner):
        with acting(left.acts, left.job, world):
            handed_over = _hand_over(left) if hand_over else None
        world.clock.sleep((DELAY + 1) * 60)
        return {"handed_over": handed_over, "requests": _execute_requests(left.acts, world)}


def _hand_over(left: Left) -> Json:
    """Do what the job wrapper does with the files; None when there is nothing in them."""
    names = sorted(name for name in left.files if name.endswith("_request.json"))
    request = Request()
    request.JobID = int(left.job_id) if left.job_id.isdecimal() else 0
    request.RequestName, request.SourceComponent = f"job_{request.JobID}", f"Job_{request.JobID}"
    done: dict[str, Json] = {"files": names, "operations": 0, "request_id": None, "error": None}
    for name in names:
        try:
            operations = list(Request(json.loads(left.files[name])))
        except ValueError as error:
            return {**done, "error": f"the job wrapper breaks down on {name}: {error}"}
        for operation in operations:
            request.addOperation(operation)
    if request.isEmpty():
        return None
    request.delayNextExecution(DELAY)
    answer = ReqClient().putRequest(request)
    end = {"request_id": answer["Value"]} if answer["OK"] else {"error": answer["Message"]}
    return {**done, "operations": len(request), **end}


def _execute_requests(acts: list[Act], world: World) -> list[Json]:
    """Do what the request executing agent does: execute each request once, the oldest first, and put it back."""
    client, done = ReqClient(), []
    for request_id in world.requests.stored():
        with acting(acts, str(request_id), world):
            answer = client.getRequest(request_id)
            if not answer["OK"]:
                continue  # the agent tries again another day
            request = answer["Value"]
            tape = Tape()
            with connect(tape.transport(world)):
                elsewhere = _execute(request, _methods_elsewhere(world))
            client.putRequest(request)
        done.append(
            {
                "id": request_id,
                "name": request.RequestName,
                "status": request.Status,
                "operations": [
                    {**operation_of(PLAIN.operation(operation)), "elsewhere": operation in elsewhere}
                    for operation in request
                ],
                "calls": [event.to_json() for event in tape.events],
            }
        )
    return done


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


def holdings(world: World) -> Holdings:
    """Return the state of the services as people see it: without times and bookkeeping."""
    state = world.snapshot()
    jobs = state["job-state"]
    return {
        "jobs": {
            job_id: {
                **{key: job[key] for key in FIELDS},
                "history": [{key: row[key] for key in (*FIELDS, "StatusSource")} for row in jobs["history"][job_id]],
                "parameters": {
                    name: value
                    for name, value in jobs["parameters"].get(job_id, {}).items()
                    if name not in {"JobID", "timestamp"}
                },
            }
            for job_id, job in jobs["jobs"].items()
        },
        "files": {
            row["LFN"]: {"Status": row["Status"], "ErrorCount": row["ErrorCount"]}
            for rows in state["transformation"]["files"].values()
            for row in rows.values()
        },
        "accounting": state["accounting"]["records"],
        "requests": [
            {
                "id": request_id,
                "name": request["RequestName"],
                "status": request["Status"],
                "operations": [operation_of(operation) for operation in request["Operations"]],
            }
            for request_id, request in world.requests.stored().items()
        ],
    }
