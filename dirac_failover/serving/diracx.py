"""The part of DiracX that takes a job's reports: statuses, heartbeats and metadata, by its REST interface.

Behind it is the same world: a status that comes in here is a status of its job, in its journal as the call of DIRAC's
service that means the same, and that service's faults strike here too. Rights, statuses and refusals are those of
DiracX 0.7, which differ from DIRAC's: a heartbeat makes a job Running only if it was Matched or Stalled, a caller who
may not force is refused, and attributes of a job are no parameters. Jobs are handled one after the other, so that a
fault may interrupt a call when it is done in part. A call needs a token, whose content is not read. Another path is a
row of the table at the end.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from DIRACCommon.WorkloadManagementSystem.Client import JobStatus

from dirac_failover import vocabulary as v
from dirac_failover.serving.credentials import LIFETIME, make_token
from dirac_failover.serving.messages import Broken, Reply, as_broken, json_reply
from dirac_failover.wire.server import HTML, parse_form
from dirac_fakes.service import names

if TYPE_CHECKING:
    from collections.abc import Callable

    from dirac_failover.serving.messages import HttpRequest
    from dirac_fakes.world import World

    Jobs = dict[int, dict[str, Any]]

ATTRIBUTES: Final = names(
    "JobType JobGroup Site JobName Owner OwnerGroup VO SubmissionTime RescheduleTime LastUpdateTime StartExecTime "
    "HeartBeatTime EndExecTime Status MinorStatus ApplicationStatus UserPriority RescheduleCounter VerifiedFlag "
    "AccountedFlag"
)
"""The keys of metadata that are attributes of a job, not parameters."""

LOGGED: Final = names("LoadAverage MemoryUsed Vsize AvailableDiskSpace CPUConsumed WallClockTime")
"""The values of a heartbeat that are kept with it; the others become parameters."""

_UPDATE: Final = ("Status", "MinorStatus", "ApplicationStatus", "Source")
_SHOWN: Final = ("Status", "MinorStatus", "ApplicationStatus", "LastUpdateTime")
_NO_SUCH_JOB: Final = "No Matching Job"


class _Ended(Exception):  # noqa: N818 - it is no error but an answer
    """The exception that ends a request with this reply."""

    def __init__(self, reply: Reply | Broken) -> None:
        self.reply = reply


def _refuse(status: int, detail: Any) -> _Ended:
    return _Ended(json_reply({"detail": detail}, status))


def answer(world: World, request: HttpRequest, url: str) -> Reply | Broken:
    """Answer a request to DiracX, which is at ``url``, or refuse it as DiracX does."""
    verbs = _TABLE.get(request.path)
    try:
        if verbs is None:
            raise _refuse(HTTPStatus.NOT_FOUND, "Not Found")
        if request.verb not in verbs:
            raise _refuse(HTTPStatus.METHOD_NOT_ALLOWED, "Method Not Allowed")
        return verbs[request.verb](world, request, url)
    except _Ended as ended:
        return ended.reply


def _openid(_: World, __: HttpRequest, url: str) -> Reply:
    return json_reply({"issuer": url, "token_endpoint": f"{url}/api/auth/token"})


def _token(_: World, request: HttpRequest, __: str) -> Reply:
    try:
        form = parse_form(request.body)
    except ValueError:
        form = {}
    if form.get("grant_type") != "refresh_token" or not form.get("refresh_token"):
        raise _refuse(HTTPStatus.BAD_REQUEST, "Expected grant_type refresh_token, and a refresh_token")
    token = make_token()
    return json_reply({**token, "expires_in": int(LIFETIME.total_seconds())})


def _jobs(world: World, request: HttpRequest, force: bool = False) -> Jobs:
    """Return the updates of each job; a caller without the right is refused before anything is done."""
    bearer = next((value for name, value in request.headers.items() if name.lower() == "authorization"), "")
    if not bearer:
        raise _refuse(HTTPStatus.UNAUTHORIZED, "Authorization header is missing")
    if not re.fullmatch("Bearer .+", bearer):
        raise _refuse(HTTPStatus.BAD_REQUEST, "Invalid authorization header")
    try:
        given = json.loads(request.body)
        json.dumps(given, allow_nan=False)
        jobs = {int(job_id): {**said} for job_id, said in given.items()}
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise _refuse(HTTPStatus.UNPROCESSABLE_ENTITY, f"Expected an object of objects, by job ID: {error}") from error
    if not _may(world, jobs, force):
        raise _refuse(HTTPStatus.FORBIDDEN, "Forbidden")
    return jobs


def _may(world: World, jobs: Jobs, force: bool) -> bool:
    properties = world.caller.properties
    if force or "JobAdministrator" in properties:
        return "JobAdministrator" in properties
    rows = world.job_state.state["jobs"]
    owner = world.caller.username
    own = all(job_id in rows and rows[job_id]["Owner"] == owner for job_id in jobs)
    return "GenericPilot" in properties or ("NormalUser" in properties and own)


def _ask(world: World, method: str, *args: Any) -> str | None:
    """Call the equivalent service of DIRAC; return the reason of a refusal, if there is one."""
    result = world(v.JOB_STATE, method, args)
    if world.wire:
        raise _Ended(as_broken(world.wire))
    if result is None:  # the answer of a fault
        raise _Ended(Reply(HTTPStatus.OK, HTML))
    return None if result["OK"] else str(result["Message"])


def _set_statuses(world: World, request: HttpRequest, _: str) -> Reply:
    force = "force" in request.query and request.query["force"].lower() in {"true", "1", "yes", "on"}
    jobs = _jobs(world, request, force)
    updates = {job_id: dict(map(_update, said.items())) for job_id, said in jobs.items()}
    success, failed = {}, {}
    for job_id, statuses in updates.items():
        refused = _ask(world, "setJobStatusBulk", job_id, statuses, force)
        if refused == _NO_SUCH_JOB:
            failed[job_id] = {"detail": "Not found"}
        elif refused:
            raise _refuse(HTTPStatus.BAD_REQUEST, refused)
        else:
            row = world.job_state.state["jobs"].get(job_id, {})
            success[job_id] = {name: _plain(row[name]) for name in _SHOWN if name in row}
    result = {"success": success, "failed": failed}
    if not success:
        raise _refuse(HTTPStatus.NOT_FOUND, result)
    return json_reply(result)


def _plain(value: Any) -> str:
    return f"{value.isoformat()}Z" if isinstance(value, datetime) else str(value)


def _update(item: tuple[str, Any]) -> tuple[str, dict[str, str]]:
    """Return the time as DIRAC writes it, and the job's fields at that time."""
    try:
        time, said = datetime.fromisoformat(item[0]), {name: item[1].get(name) for name in _UPDATE}
        text = str(time.astimezone(UTC).replace(tzinfo=None))
    except (ValueError, AttributeError, OverflowError) as error:
        raise _refuse(HTTPStatus.UNPROCESSABLE_ENTITY, f"Expected an object by time, found {item}") from error
    if said["Status"] is not None and said["Status"] not in JobStatus.JOB_STATES:
        raise _refuse(HTTPStatus.UNPROCESSABLE_ENTITY, f"Expected the status of a job, found {said['Status']!r}")
    if time.tzinfo is None:
        raise _refuse(HTTPStatus.BAD_REQUEST, f"Timestamp {time} is not timezone aware")
    known = {name: str(value) for name, value in said.items() if value is not None}
    return text, {"Source": "Unknown", **known}


def _must_exist(world: World, jobs: Jobs) -> None:
    if missing := sorted(jobs.keys() - world.job_state.state["jobs"].keys()):
        raise _refuse(HTTPStatus.NOT_FOUND, f"Job {missing[0]} not found")


def _beat(world: World, request: HttpRequest, _: str) -> Reply:
    jobs = _jobs(world, request)
    _must_exist(world, jobs)
    rows = world.job_state.state["jobs"]
    for job_id, said in jobs.items():
        now = str(world.clock.now())
        if rows[job_id]["Status"] in (JobStatus.MATCHED, JobStatus.STALLED):
            running = {"Status": JobStatus.RUNNING, "Source": "Heartbeat"}
            _expect(_ask(world, "setJobStatusBulk", job_id, {now: running}, False))
        logged = {name: value for name, value in said.items() if name in LOGGED}
        others = {name: value for name, value in said.items() if name not in LOGGED}
        # With a time of its own it does not make the job Running
        _expect(_ask(world, "sendHeartBeat", job_id, {**logged, "HeartBeatTime": now}, others))
    return json_reply([])  # there are no commands


def _set_metadata(world: World, request: HttpRequest, _: str) -> Reply:
    jobs = _jobs(world, request)
    for said in jobs.values():
        for name in sorted(ATTRIBUTES & said.keys()):
            if name == "Site":
                raise _refuse(HTTPStatus.NOT_IMPLEMENTED, "Site can be set in DiracX, but is not faked here")
            raise _refuse(HTTPStatus.BAD_REQUEST, f"Job attribute {name} cannot be modified through this endpoint")
    _must_exist(world, jobs)
    for job_id, said in jobs.items():
        _expect(_ask(world, "setJobParameters", job_id, [[name, value] for name, value in said.items()]))
    return Reply(HTTPStatus.NO_CONTENT)


def _expect(refused: str | None) -> None:
    if refused is not None:
        raise _refuse(HTTPStatus.BAD_REQUEST, refused)


_TABLE: Final[dict[str, dict[str, Callable[[World, HttpRequest, str], Reply]]]] = {
    "/.well-known/openid-configuration": {"GET": _openid},
    "/api/auth/token": {"POST": _token},
    "/api/jobs/status": {"PATCH": _set_statuses},
    "/api/jobs/heartbeat": {"PATCH": _beat},
    "/api/jobs/metadata": {"PATCH": _set_metadata},
}
