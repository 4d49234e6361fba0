"""What happens after the job: the services recover, the request is replayed, and one looks whether anything is missing.

The job wrapper puts the operations of every ``*_request.json`` into one request of its own; 45 minutes later the
request executing agent executes that, and whatever else reached the request system; what services that are not here
would do (removing a file, say) is taken as done. Then the services are held against those of the same job in which
nothing went wrong (:func:`differences`), and against what the job still had in its hands (:func:`losses`).

Service state is reduced to what people care about by :func:`holdings`, which leaves out times; only that is compared.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Protocol

from dirac_failover import vocabulary as v
from dirac_failover.clients.replay import HANDLERS, replay
from dirac_failover.clients.req_client import ReqClient
from dirac_failover.conformance.recording import PLAIN, Recorder, Recording, Tape
from dirac_failover.conformance.wording import count, describe, grouped, operation_of, some, times
from dirac_failover.request.request import Request
from dirac_failover.wire.rpc import connect

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dirac_failover.request.operation import Operation
    from dirac_failover.spec.outcome import Json
    from dirac_failover.spec.scenario import Scenario
    from dirac_fakes.world import World

Holdings = dict[str, Any]

DELAY: Final = 45
"""Minutes that the job wrapper wants its request to wait."""

_UNTOLD: Final = v.ASSIGNED
_STATUSES: Final = {
    "Status": "status",
    "MinorStatus": "minor status",
    "ApplicationStatus": "application status",
    "ErrorCount": "error count",
}
_OF_JOB: Final = ("Status", "MinorStatus", "ApplicationStatus")


def undisturbed(scenario: Scenario) -> Scenario:
    """Return the same job, with services, collaborators and working directory as they should be."""
    return replace(scenario, faults=(), answers={}, files={})


class Left(Protocol):
    """What a job has left behind: on disk, in the hands of its collaborators, and in the services."""

    @property
    def job_id(self) -> str:
        """Its ID, as the environment says it."""
        ...

    @property
    def owner(self) -> tuple[str, str] | None:
        """User and group of its proxy."""
        ...

    @property
    def files(self) -> Mapping[str, str]:
        """The texts of the files in its directory, by name."""
        ...

    @property
    def commons(self) -> Mapping[str, Any]:
        """Its ``workflow_commons``."""
        ...

    @property
    def operations(self) -> Sequence[Mapping[str, Json]]:
        """The fields of each operation in its request."""
        ...


def recover(recorder: Recorder, recording: Recording) -> Json:
    """Let the services of a recording recover and replay; return what was done and whether everything converged.

    None when the scenario has no services. To be called inside the recorder's session.
    """
    if recording.world is None:
        return None
    recording.world.recover()
    done = replayed(recording, recording.world)
    expected = recorder.record(undisturbed(recording.scenario))
    replayed(expected, expected.world)
    verdict = compared(recording, recording.world, expected.world)
    if verdict["converged"]:
        verdict["lost"] += untold(recording.scenario, verdict["services"]["files"])
    return {**done, **verdict}


def compared(left: Left, world: World, expected: World) -> dict[str, Json]:
    """Hold the services against those of the undisturbed job, and against what the job had in its hands."""
    here, there = holdings(world), holdings(expected)
    different = differences(here, there)
    return {
        "services": here,
        "undisturbed": there,
        "converged": not different,
        "differences": different,
        "lost": losses(left, world),
    }


def replayed(left: Left, world: World, *, hand_over: bool = True) -> dict[str, Json]:
    """Do what job wrapper and request executing agent do after a job; return what came of it.

    Without ``hand_over`` the job wrapper has done its part before.
    """
    owner: dict[str, Any] = {"owner": left.owner[0], "group": left.owner[1]} if left.owner else {}
    with connect(world, sleep=world.clock.sleep, **owner):
        handed_over = _hand_over(left) if hand_over else None
        world.clock.sleep((DELAY + 1) * 60)
        return {"handed_over": handed_over, "requests": _execute_requests(world)}


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


def _execute_requests(world: World) -> list[Json]:
    """Do what the request executing agent does: execute each request once, the oldest first, and put it back."""
    client, done = ReqClient(), []
    for request_id in world.requests.stored():
        answer = client.getRequest(request_id)
        if not answer["OK"]:
            continue  # the agent tries again another day
        request = answer["Value"]
        tape = Tape()
        with connect(tape.transport(world)):
            elsewhere = _execute(request)
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


def _execute(request: Request) -> list[Operation]:
    """Replay a request; return the operations that other services execute, which are taken to have done it."""
    elsewhere: list[Operation] = []
    while True:
        replay(request)
        operation = request.getWaiting()["Value"]
        if operation is None or operation.Type in HANDLERS:
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
                **{key: job[key] for key in _OF_JOB},
                "history": [{key: row[key] for key in (*_OF_JOB, "StatusSource")} for row in jobs["history"][job_id]],
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


# What is missing


def differences(here: Holdings, there: Holdings) -> list[str]:
    """Return in words how ``here`` differs from ``there``, the services of the undisturbed job."""
    return [
        *(
            said
            for job_id, job in there["jobs"].items()
            for said in _of_job(f"Job {job_id}", here["jobs"][job_id], job)
        ),
        *_of_files(here["files"], there["files"]),
        *_of_accounting(here["accounting"], there["accounting"]),
        *_of_requests(_pending(here), _pending(there)),
    ]


def _of_job(job: str, mine: Mapping[str, Any], expected: Mapping[str, Any]) -> Iterator[str]:
    for key in _OF_JOB:
        if mine[key] != expected[key]:
            yield f"{job}: {_STATUSES[key]} {mine[key]!r} instead of {expected[key]!r}"
    reported, wanted = _reported(mine), _reported(expected)
    for what in dict.fromkeys([*wanted, *reported]):
        if reported[what] != wanted[what]:
            instead = times(wanted[what]) if wanted[what] else "never"
            yield f"{job}: {what} reported {times(reported[what]) if reported[what] else 'never'} instead of {instead}"
    for name in dict.fromkeys([*expected["parameters"], *mine["parameters"]]):
        value, wanted_value = mine["parameters"].get(name), expected["parameters"].get(name)
        if value != wanted_value:
            yield f"{job}: parameter {name!r} is {value!r} instead of {wanted_value!r}"


def _reported(job: Mapping[str, Any]) -> Counter[str]:
    """Count the updates in a job's history, in words."""
    return Counter(
        ", ".join(f"{_STATUSES[key]} {row[key]!r}" for key in _OF_JOB if row[key] != "idem") for row in job["history"]
    )


def _of_files(mine: Mapping[str, Any], expected: Mapping[str, Any]) -> Iterator[str]:
    for key in ("Status", "ErrorCount"):
        changes = {
            lfn: f"{_STATUSES[key]} {mine[lfn][key]} instead of {file[key]}"
            for lfn, file in expected.items()
            if mine[lfn][key] != file[key]
        }
        yield from (f"{some(lfns)}: {change}" for change, lfns in grouped(changes).items())


def _of_accounting(mine: Sequence[Json], expected: Sequence[Json]) -> Iterator[str]:
    if len(mine) != len(expected):
        yield f"Accounting has {count(len(mine), 'record')} instead of {len(expected)}"
    elif sorted(map(repr, mine)) != sorted(map(repr, expected)):
        yield "Accounting has other records"


def _of_requests(mine: Counter[str], expected: Counter[str]) -> Iterator[str]:
    for fate, operations in (("Not done", mine - expected), ("Neither done nor waiting", expected - mine)):
        for what, number in operations.items():
            yield f"{fate}: {what}" + (f", {times(number)}" if number > 1 else "")


def _pending(services: Holdings) -> Counter[str]:
    return Counter(
        describe(operation)
        for request in services["requests"]
        for operation in request["operations"]
        if operation["Status"] != v.DONE
    )


# What the job still had in its hands


def losses(left: Left, world: World) -> list[str]:
    """Return in words what the job still held when it ended and nobody has got since."""
    operations = [operation_of(fields) for fields in left.operations]
    accounting = left.commons.get(v.COMMONS_ACCOUNTING)
    records = len(
        getattr(accounting, "_DataStoreClient__registersList", ())
    )  # DIRAC's name for it, and the reference's
    return [
        *_lost_operations(operations, holdings(world)["requests"]),
        *_lost_statuses(left.commons.get(v.COMMONS_JOB_REPORT), world, operations),
        *_lost_files(left.commons.get(v.COMMONS_FILE_REPORT), holdings(world)["files"], operations),
        *([f"The accounting client held {count(records, 'record')}"] if records else []),
    ]


def _lost_operations(held: Sequence[Mapping[str, Any]], requests: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Say which operations of the module's request are in no request that arrived."""
    arrived = Counter(_identity(operation) for request in requests for operation in request["operations"])
    for operation in held:
        if arrived[_identity(operation)]:
            arrived[_identity(operation)] -= 1
        else:
            yield f"The request held {describe(operation)}"


def _identity(operation: Mapping[str, Any]) -> tuple[Any, ...]:
    return operation["Type"], operation["Arguments"], tuple(operation["Files"])


def _lost_statuses(report: Any, world: World, operations: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Say which statuses and parameters wait in the job report, on no other way to the service.

    A status is known by its time, which is in the history of the job, or in the arguments of an operation.
    """
    known = [row["StatusTime"] for rows in world.snapshot()["job-state"]["history"].values() for row in rows]
    known += [str(operation["Arguments"]) for operation in operations]
    for *said, time in [*getattr(report, "jobStatusInfo", ()), *getattr(report, "appStatusInfo", ())]:
        if not any(time in text for text in known):
            yield f"The job report held the status {', '.join(filter(None, said))!r}"
    yield from (f"The job report held the parameter {name!r}" for name, _ in getattr(report, "jobParameters", ()))


def _lost_files(report: Any, files: Mapping[str, Any], operations: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Say which statuses wait in the file report, on no other way to the service, which has another one."""
    held = PLAIN.plain(getattr(report, "statusDict", {}))
    carried = [operation["decoded"] for operation in operations if isinstance(operation["decoded"], dict)]
    if any(arguments.get("statusDict") == held for arguments in carried):
        return
    waiting = {lfn: status for lfn, status in held.items() if files.get(lfn, {}).get("Status") != status}
    yield from (f"The file report held {status} for {some(lfns)}" for status, lfns in grouped(waiting).items())


def untold(scenario: Scenario, files: Mapping[str, Any]) -> list[str]:
    """Return in words which input files nobody was told about."""
    silent = [
        lfn for lfn, status in scenario.server_files.items() if status == _UNTOLD and files[lfn]["Status"] == _UNTOLD
    ]
    return [f"Nothing was reported of {some(silent)}: still {_UNTOLD}"] if silent else []
