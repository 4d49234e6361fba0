"""The time after the job: the services recover, requests are replayed, and the fate of every report is decided.

The JobWrapper hands over the job's files; 45 minutes later the agents execute the due requests
(``actors.job_wrapper``, ``actors.request_agents``). An operation that nothing here executes (removing a file, say)
blocks no others. Then :func:`dirac_failover.spec.duties.judge` says what was kept, lost, or could not be checked: what
is gathered for it, and what is made of its verdict, is here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dirac_failover.actors.job_wrapper import DELAY, BrokenFileError, merged, request_files, send
from dirac_failover.actors.report import (
    ExecutedOperation,
    ExecutedRequest,
    HandedOver,
    Recovery,
    Replayed,
    ServiceState,
    StoredRequest,
)
from dirac_failover.actors.request_agents import KICK_AFTER, acting, execute, kick
from dirac_failover.clients.job_report import JobReport
from dirac_failover.drivers.describe import PLAIN, decoded, operation_of, told_of
from dirac_failover.request.validator import RequestValidator
from dirac_failover.spec.duties import Act, executable, judge
from dirac_failover.wire.rpc import connect

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dirac_failover.actors.report import JobFields
    from dirac_failover.drivers.recording import FinishedJob
    from dirac_fakes.world import World


def judged(job: FinishedJob, world: World, replayed: Replayed) -> Recovery:
    """Return the state of the services after a replay, and the fate of every report that a job owed."""
    stored: dict[Any, Any] = {**world.requests.stored()}
    for proxy in world.proxies():
        stored |= proxy.stored()
    requests = {
        str(request_id): {
            **request,
            "Operations": [{**fields, "decoded": decoded(fields["Arguments"])} for fields in request["Operations"]],
        }
        for request_id, request in stored.items()
    }
    job.acts.append(Act(None, *world.changes.take(anywhere=True)))
    verdict = judge(job.job, job.owed, job.acts, world.snapshot(), requests, _methods_elsewhere(world))
    told = {name: told_of(dues) for name, dues in verdict._asdict().items()}
    return Recovery(replayed.handed_over, replayed.requests, holdings(world), verdict.converged, **told)


def _methods_elsewhere(world: World) -> dict[str, frozenset[str]]:
    """Return the methods that are not here, by the full name of their service."""
    return {service.full: service.not_faked for service in world.services.values()}


def replay_job(job: FinishedJob, world: World, *, hand_over: bool = True) -> Replayed:
    """Do the work of the JobWrapper, the request proxies and the request agents after a job; return its result.

    Without ``hand_over`` the JobWrapper has done its part before: then so much time passes that requests whose outcome
    could not be kept are kicked, and executed again.
    """
    owner: dict[str, Any] = {"owner": job.owner[0], "group": job.owner[1]} if job.owner else {}
    job.acts.append(Act(None, *world.changes.take(anywhere=True)))
    with connect(world, sleep=world.clock.sleep, **owner):
        with acting(job.acts, job.job, world):
            handed_over = _hand_over(job) if hand_over else None
        world.clock.sleep((DELAY + 1) * 60 if hand_over else KICK_AFTER + 60)
        with acting(job.acts, job.job, world):
            own = {name for act in job.acts if act.by == job.job for name in act.put()}
            for proxy in world.proxies():
                while proxy.sweep(of=own):
                    pass
        kick(world)
        return Replayed(handed_over, tuple(_execute_requests(job.acts, world)))


def _hand_over(job: FinishedJob) -> HandedOver | None:
    """Hand the files over as the JobWrapper does; None when there is nothing in them."""
    names = request_files(job.files)
    job_id = int(job.job_id) if job.job_id.isdecimal() else 0
    try:
        request = merged(job_id, job.files)
    except BrokenFileError as error:
        return HandedOver(names, error=str(error))
    if request.isEmpty():
        return None
    answer = send(request, JobReport(job_id))
    # DIRAC's JobWrapper says of an invalid request in its log only why it is
    reason = answer.get("Message") or RequestValidator().validate(request).get("Message")
    return HandedOver(names, len(request), answer.get("Value"), reason)


def _execute_requests(acts: list[Act], world: World) -> Iterator[ExecutedRequest]:
    """Execute the requests that are due as the RequestExecutingAgent does."""
    services = _methods_elsewhere(world)
    for done in execute(
        world, acts, lambda operation: not executable(operation_of(PLAIN.operation(operation)), services)
    ):
        operations: tuple[ExecutedOperation, ...] = tuple(
            {**operation_of(PLAIN.operation(operation)), "elsewhere": operation in done.passed_over}
            for operation in done.request
        )
        yield ExecutedRequest(
            done.id, str(done.request.RequestName), done.request.Status, operations, tuple(done.calls)
        )


# The state of the services


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
