"""The site: which request gets which reply, faults included."""

import json
import logging
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dirac_failover.serving.messages import Broken, Reply
from dirac_failover.serving.messages import HttpRequest as Request
from dirac_failover.serving.site import Site
from dirac_fakes import World
from dirac_fakes.service import http_error

SERVICE = "Transformation/TransformationManager"
METHOD = "setFileStatusForTransformation"
ARGS = [12, {"100": ["Unused", True]}]
HTML = "text/html; charset=UTF-8"


@pytest.fixture
def site():
    return Site(World())


def call(site, method=METHOD, args=ARGS, path=f"/{SERVICE}"):
    """Post a form to the transformation service, as DIRAC's clients do."""
    form = {"method": method, "args": json.dumps(args), "clientVO": "vo", "clientSetup": "None"}
    return site.answer(Request("POST", path, body=urlencode(form).encode()))


def page(status, phrase):
    title = f"{status}: {phrase}"
    return Reply(status, HTML, f"<html><title>{title}</title><body>{title}</body></html>".encode())


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_call_reaches_the_world(site, slash):
    assert call(site, path=f"/{SERVICE}{slash}") == Reply(200, "application/json", OK)
    assert site.world.transformation.statuses(12)["/vo/a"] == "Unused"


def test_what_is_not_said_is_not_there(site):
    assert Request("GET", "/x") == ("GET", "/x", {}, {}, b"")
    assert Reply(200) == (200, "application/json", b"", None, "")
    for path in ("/.well-known/dirac-metadata", "/.well-known/openid-configuration"):
        assert site.answer(Request("GET", path)) == site.answer(Request("GET", path), "")
    assert site.answer(Request("POST", f"/{SERVICE}~")) == page(404, "Not Found")


OK = b'{"OK": true, "Value": null}'

REAL = {
    # fault: what is on the wire, and how often the service did its work
    "down": ("refused", 0),
    "refuse": ("refused", 0),
    "s_error=boom": (Reply(200, "application/json", b'{"OK": false, "Errno": 0, "Message": "boom"}'), 0),
    "timeout": ("late", 0),
    "lost_reply": ("late", 1),
    "reset_peer": ("reset", 0),
    "latency=10": (Reply(200, "application/json", OK), 1),
    "http=503;applied": (page(503, "Service Unavailable"), 1),
    "http=499": (page(499, "Unknown"), 0),
    "empty_reply": (Reply(200, HTML, b""), 0),
    "malformed_reply=<x>": (Reply(200, HTML, b"<x>"), 0),
    "limit_data=5": (Reply(200, "application/json", OK, 5), 1),
    "raises=ValueError: secret": (page(500, "Internal Server Error"), 0),
    "bad_shape=none": (Reply(200, HTML, b""), 1),
    "partial=0": (Reply(200, "application/json", b'{"OK": true, "Value": {}}'), 0),
    "false_ack": (Reply(200, "application/json", OK), 0),
    "duplicate": (Reply(200, "application/json", OK), 2),
}


@pytest.mark.parametrize("fault", REAL)
def test_a_fault_is_real(site, fault):
    site.world.arm(f"transformation:{fault}@first=1")
    expected, applied = REAL[fault]
    reply = call(site)
    assert (reply.event if isinstance(reply, Broken) else reply._replace(text="")) == expected
    assert site.world.transformation.state["files"][12][100]["ErrorCount"] == applied
    assert call(site) == Reply(200, "application/json", OK)


def test_even_what_ends_a_process_is_a_status(site, caplog):
    site.world.arm("transformation:raises=SystemExit: now")
    with caplog.at_level(logging.ERROR, logger="dirac_failover"):
        assert call(site) == page(500, "Internal Server Error")
    assert caplog.messages == [f"POST /{SERVICE} failed SystemExit('now')"]
    assert caplog.records[0].name == "dirac_failover.serving"


@pytest.mark.parametrize(("method", "status"), [("nonsense", 501), (METHOD, 500)])
def test_what_the_service_itself_dies_of_is_a_status(site, method, status):
    phrase = {501: "Not Implemented", 500: "Internal Server Error"}[status]
    assert call(site, method, []) == page(status, phrase)
    assert http_error(SERVICE, method, status)["Message"]


@pytest.mark.parametrize(
    ("verb", "path", "body", "reply"),
    [
        ("GET", f"/{SERVICE}", b"", page(405, "Method Not Allowed")),
        ("PATCH", f"/{SERVICE}", b"", page(405, "Method Not Allowed")),
        ("POST", "/", b"method=m", page(404, "Not Found")),
        ("GET", "/Transformation", b"", page(404, "Not Found")),
        ("POST", f"/{SERVICE}", b"\xff", page(400, "Bad Request")),
        ("POST", f"/{SERVICE}", b"x=1", page(400, "Bad Request")),
        ("POST", f"/{SERVICE}", b"method=m&args=7", page(500, "Internal Server Error")),
    ],
)
def test_what_is_no_call_is_refused(site, verb, path, body, reply):
    site.world.arm("transformation:down@first=1")
    call(site)
    assert site.answer(Request(verb, path, body=body)) == reply


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
KEYS = st.sampled_from(["target", "kind", "Status", "77"]) | st.text()
ANYTHING = st.recursive(
    LEAVES | st.sampled_from(["job-state", "down", "nth=1"]),
    lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner),
    max_leaves=6,
)


@settings(max_examples=200)
@given(
    st.sampled_from(["GET", "POST", "PATCH", "DELETE", "BREW"]),
    st.sampled_from(["/admin/faults", "/admin/x", "/api/jobs/status", "/api/jobs/metadata", "/api/jobs/heartbeat"]),
    st.binary() | ANYTHING.map(lambda value: json.dumps(value).encode())
    | ANYTHING.map(lambda value: json.dumps({"faults": [value]}).encode())
    | ANYTHING.map(lambda value: json.dumps({"77": {"2026-01-02T03:04:05Z": value}}).encode()),
)  # fmt: skip
def test_whatever_is_sent_to_administration_and_diracx_is_answered_in_json(verb, path, body):
    reply = Site(World()).answer(Request(verb, path, {}, {"Authorization": "Bearer x"}, body))
    assert isinstance(reply, Reply)
    assert reply.status < 500
    assert json.loads(reply.body or b"{}") is not None


@pytest.mark.parametrize(
    ("path", "begins"),
    [
        ("/admin/faults", b'{"armed": '),
        ("/.well-known/openid-configuration", b'{"issuer": "https://x", "token_endpoint": "https://x/api/auth/token"}'),
        ("/api/nothing", b'{"detail": "Not Found"}'),
    ],
)
def test_the_parts_of_a_site(site, path, begins):
    reply = site.answer(Request("GET", path), "https://x")
    assert isinstance(reply, Reply)
    assert reply.body.startswith(begins)
