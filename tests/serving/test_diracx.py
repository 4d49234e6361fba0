"""DiracX's calls: what they do to the world, and how they are refused."""

import json
from datetime import datetime

import pytest

from dirac_failover.serving.credentials import LIFETIME
from dirac_failover.serving.diracx import answer
from dirac_failover.serving.messages import Broken, Reply
from dirac_failover.serving.messages import HttpRequest as Request
from dirac_fakes import Caller, World
from dirac_fakes.journal import Call

NOW = datetime(2026, 1, 2, 3, 4, 5)
LATER = "2026-01-02T04:04:06.5+01:00"
AS_DIRAC = "2026-01-02 03:04:06.500000"
BEARER = {"authorization": "Bearer token"}
ADMIN = Caller("root", "admin", ("JobAdministrator",))


@pytest.fixture
def world():
    return World(now=NOW)


def ask(world, name, body, headers=BEARER, **query):
    """Send a call about jobs; ``body`` is bytes, or becomes JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return answer(world, Request("PATCH", f"/api/jobs/{name}", query, headers, data), "")


def told(reply, status=200):
    """What a reply says."""
    assert isinstance(reply, Reply)
    assert (reply.status, reply.content_type) == (status, "application/json")
    return json.loads(reply.body)


def calls(world):
    """Method and arguments of each call."""
    return [(call.method, *call.args) for call in world.journal]


# Statuses


def test_a_status_is_kept_as_the_call_of_dirac_that_means_the_same(world):
    update = {"Status": "Completing", "MinorStatus": "m", "ApplicationStatus": None, "Other": "x"}
    found = told(ask(world, "status", {"77": {LATER: update}}))
    shown = {"Status": "Completing", "MinorStatus": "m", "ApplicationStatus": "Unknown"}
    assert found == {"success": {"77": {**shown, "LastUpdateTime": "2026-01-02T03:04:05Z"}}, "failed": {}}
    expected = {AS_DIRAC: {"Source": "Unknown", "Status": "Completing", "MinorStatus": "m"}}
    assert calls(world) == [("setJobStatusBulk", 77, expected, False)]
    assert world.job_state.status(77) == ("Completing", "m", "Unknown")


@pytest.mark.parametrize("zone", ["UTC-9", "UTC+9"])
def test_an_application_status_has_its_source_and_the_zone_of_the_machine_does_not_matter(world, elsewhere, zone):
    elsewhere(zone)
    told(ask(world, "status", {"77": {LATER: {"ApplicationStatus": "x", "Source": "Job_77"}}}))
    assert calls(world) == [("setJobStatusBulk", 77, {AS_DIRAC: {"Source": "Job_77", "ApplicationStatus": "x"}}, False)]
    assert world.job_state.status(77)[2] == "x"


@pytest.mark.parametrize("force", ["true", "True", "1", "yes", "on"])
def test_an_administrator_may_force(world, force):
    world.job_state.state["jobs"][77]["Status"] = "Done"
    world.caller = ADMIN
    update = {"77": {LATER: {"Status": "Running"}}}
    told(ask(world, "status", update))
    assert world.job_state.status(77)[0] == "Done"
    told(ask(world, "status", update, force=force))
    assert world.job_state.status(77)[0] == "Running"
    assert world.journal[1].args[2] is True


def test_nobody_else_may_force(world):
    """Not the owner, nor a pilot: DIRAC would let them pass and ignore it."""
    for properties in (("NormalUser",), ("GenericPilot", "NormalUser")):
        world.caller = Caller(properties=properties)
        assert told(ask(world, "status", {"77": {LATER: {}}}, force="true"), 403) == {"detail": "Forbidden"}
    told(ask(world, "status", {"77": {LATER: {"MinorStatus": "x"}}}, force="false"))
    assert len(world.journal) == 1


def test_jobs_that_do_not_exist_are_told(world):
    world.caller = ADMIN
    update = {LATER: {"MinorStatus": "x"}}
    found = told(ask(world, "status", {"78": update, "77": update}))
    assert found["failed"] == {"78": {"detail": "Not found"}}
    assert list(found["success"]) == ["77"]
    alone = {"detail": {"success": {}, "failed": {"78": {"detail": "Not found"}}}}
    assert told(ask(world, "status", {"78": update}), 404) == alone


NO_OBJECT = "Expected an object of objects, by job ID: "


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        *((body, NO_OBJECT) for body in (b"{", b"\xff", {"x": {}}, {"77": 5}, {"77": [[LATER, {}]]}, b"[" * 200_000)),
        *((body, NO_OBJECT) for body in (b'{"77": {"a": NaN}}', b'{"77": {"a": 1e999}}')),
        ([], f"{NO_OBJECT}'list' object has no attribute 'items'"),
        ({"77": {"0001-01-01T00:00:00+01:00": {}}}, "Expected an object by time, found ('0001-"),
        ({"77": {"now": {}}}, "Expected an object by time, found ('now', {})"),
        ({"77": {LATER: 5}}, f"Expected an object by time, found ('{LATER}', 5)"),
        *(
            ({"77": {LATER: {"Status": it}}}, f"Expected the status of a job, found {it!r}")
            for it in ([], "Dancing", "")
        ),
    ],
)
def test_a_body_that_is_no_update_is_refused_before_anything_is_done(world, body, detail):
    assert told(ask(world, "status", body), 422)["detail"].startswith(detail)
    assert not calls(world)


def test_a_time_without_a_zone_is_refused(world):
    found = told(ask(world, "status", {"77": {"2026-01-02 03:04:05": {}}}), 400)
    assert found == {"detail": "Timestamp 2026-01-02 03:04:05 is not timezone aware"}
    assert not calls(world)


def test_a_refusal_of_the_service_is_told(world):
    world.arm("job-state:s_error=boom")
    for name, body in (("status", {LATER: {}}), ("heartbeat", {}), ("metadata", {"a": "b"})):
        assert told(ask(world, name, {"77": body}), 400) == {"detail": "boom"}


# Who may


@pytest.mark.parametrize(("headers", "status", "detail"), [
    ({}, 401, "Authorization header is missing"),
    ({"Authorization": ""}, 401, "Authorization header is missing"),
    ({"Authorization": "Bearer "}, 400, "Invalid authorization header"),
    ({"Authorization": "Basic x"}, 400, "Invalid authorization header"),
])  # fmt: skip
@pytest.mark.parametrize("name", ["status", "heartbeat", "metadata"])
def test_who_shows_no_token_is_refused(world, name, headers, status, detail):
    assert told(ask(world, name, {"77": {}}, {"Accept": "x", **headers}), status) == {"detail": detail}
    assert not calls(world)


PILOT = Caller("bob", properties=("GenericPilot",))


@pytest.mark.parametrize(
    ("caller", "job", "may"),
    [
        (Caller(), "77", True), (Caller("bob"), "77", False), (Caller(), "78", False), (PILOT, "77", True),
        (Caller(properties=("ProductionManagement",)), "77", False), (ADMIN, "77", True),
        (Caller("bob", properties=("JobAdministrator",)), "77", True),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["status", "metadata"])
def test_owners_of_jobs_that_there_are_pilots_and_administrators_may(world, caller, job, may, name):
    world.caller = caller
    reply = ask(world, name, {job: {LATER: {"MinorStatus": "x"}} if name == "status" else {"a": "b"}})
    assert isinstance(reply, Reply)
    assert (reply.status < 400) is may
    assert len(calls(world)) == may
    if not may:
        assert told(reply, 403) == {"detail": "Forbidden"}


def test_an_owner_may_only_if_all_jobs_are_his(world):
    told(ask(world, "metadata", {"77": {"a": "b"}, "78": {"a": "b"}}), 403)
    assert not calls(world)


# Heartbeats


MEASURED = ("LoadAverage", "MemoryUsed", "Vsize", "AvailableDiskSpace", "CPUConsumed", "WallClockTime")


def test_what_is_measured_is_kept_with_its_time_and_the_rest_of_a_heartbeat_becomes_parameters(world):
    world.job_state.state["jobs"][77]["Status"] = "Completing"
    measured = dict.fromkeys(MEASURED, 1.5)
    assert told(ask(world, "heartbeat", {"77": {**measured, "StandardOutput": "x"}})) == []
    beat = {**measured, "HeartBeatTime": str(NOW)}
    assert calls(world) == [("sendHeartBeat", 77, beat, {"StandardOutput": "x"})]
    state = world.snapshot()["job-state"]
    assert state["heartbeats"]["77"] == [[name, "1.5", str(NOW)] for name in MEASURED]
    assert state["parameters"]["77"]["StandardOutput"] == "x"
    assert (state["jobs"]["77"]["Status"], state["jobs"]["77"]["HeartBeatTime"]) == ("Completing", str(NOW))


@pytest.mark.parametrize("status", ["Matched", "Stalled"])
def test_a_heartbeat_makes_a_matched_or_stalled_job_running(world, status):
    world.job_state.state["jobs"][77]["Status"] = status
    told(ask(world, "heartbeat", {"77": {}}))
    assert calls(world)[0] == ("setJobStatusBulk", 77, {str(NOW): {"Status": "Running", "Source": "Heartbeat"}}, False)
    assert world.job_state.status(77)[0] == "Running"
    assert world.job_state.state["history"][77][-1]["StatusSource"] == "Heartbeat"


@pytest.mark.parametrize("name", ["heartbeat", "metadata"])
def test_what_is_of_no_job_is_refused(world, name):
    world.caller = ADMIN
    assert told(ask(world, name, {"80": {}, "77": {}, "79": {}}), 404) == {"detail": "Job 79 not found"}
    assert not calls(world)


# Metadata


def test_metadata_are_parameters(world):
    reply = ask(world, "metadata", {"77": {"a": "b", "n": 5}})
    assert reply == Reply(204, "application/json", b"")
    assert calls(world) == [("setJobParameters", 77, [["a", "b"], ["n", 5]])]
    kept = world.job_state.state["parameters"][77]
    assert (kept["a"], kept["n"]) == ("b", 5)


@pytest.mark.parametrize("name", ["JobType", "Owner", "Status", "UserPriority", "HeartBeatTime", "AccountedFlag"])
def test_an_attribute_is_no_parameter(world, name):
    detail = f"Job attribute {name} cannot be modified through this endpoint"
    assert told(ask(world, "metadata", {"77": {"a": "b", name: "x"}}), 400) == {"detail": detail}
    assert not calls(world)


def test_the_site_of_a_job_is_said_not_to_be_faked(world):
    found = told(ask(world, "metadata", {"77": {"Site": "x"}}), 501)
    assert found == {"detail": "Site can be set in DiracX, but is not faked here"}


# Faults


@pytest.mark.parametrize("name", ["status", "heartbeat", "metadata"])
@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        ("down", {"event": "refused"}), ("http=503", {"status": 503}), ("limit_data=3", {"limit": 3}),
        ("empty_reply", {"content_type": "text/html; charset=UTF-8", "body": b"", "status": 200}),
        ("bad_shape=none", {"content_type": "text/html; charset=UTF-8", "body": b"", "status": 200}),
    ],
)  # fmt: skip
def test_faults_of_the_service_strike_here_too(world, name, fault, seen):
    world.arm(f"job-state:{fault}")
    reply = ask(world, name, {"77": {LATER: {"MinorStatus": "x"}} if name == "status" else {"a": "b"}})
    assert isinstance(reply, Broken if fault == "down" else Reply)
    assert {key: getattr(reply, key) for key in seen} == seen


def test_a_success_that_is_none_shows_what_there_is(world):
    world.caller = ADMIN
    world.arm("job-state:false_ack")
    assert told(ask(world, "status", {"78": {LATER: {}}})) == {"success": {"78": {}}, "failed": {}}


def test_what_was_done_before_a_fault_struck_stays_done(world):
    world.job_state.add(78)
    world.arm("job-state:refuse@nth=2")
    assert isinstance(ask(world, "metadata", {"77": {"a": "b"}, "78": {"a": "b"}}), Broken)
    assert [call.applied for call in world.journal] == [True, False]
    assert isinstance(world.journal[0], Call)


# Tokens, and the rest


def test_clients_are_told_where_to_get_a_token_and_get_another_for_theirs(world):
    reply = answer(world, Request("GET", "/.well-known/openid-configuration"), "https://here:1")
    assert told(reply) == {"issuer": "https://here:1", "token_endpoint": "https://here:1/api/auth/token"}
    body = b"client_id=x&grant_type=refresh_token&refresh_token=a.b.c"
    found = told(answer(world, Request("POST", "/api/auth/token", body=body), ""))
    assert found.keys() == {"access_token", "expires_on", "expires_in", "refresh_token", "token_type"}
    assert found["expires_in"] == LIFETIME.days * 86400


@pytest.mark.parametrize("body", [b"", b"\xff", b"grant_type=refresh_token", b"grant_type=x&refresh_token=y"])
def test_who_shows_none_gets_none(world, body):
    found = told(answer(world, Request("POST", "/api/auth/token", body=body), ""), 400)
    assert found == {"detail": "Expected grant_type refresh_token, and a refresh_token"}


@pytest.mark.parametrize(
    ("verb", "path", "status"),
    [
        ("GET", "/api/jobs/search", 404), ("GET", "/.well-known/x", 404), ("GET", "/api/jobs/status", 405),
        ("POST", "/.well-known/openid-configuration", 405),
    ],
)  # fmt: skip
def test_other_paths_and_verbs_are_not_there(world, verb, path, status):
    detail = {404: "Not Found", 405: "Method Not Allowed"}[status]
    assert told(answer(world, Request(verb, path), ""), status) == {"detail": detail}
