"""The administration: what is asked, what is done, and how it is refused."""

import json
from datetime import datetime

import jsonschema
import pytest

from dirac_failover.reports.schemas import SCHEMAS
from dirac_failover.serving import admin
from dirac_failover.serving.messages import HttpRequest as Request
from dirac_fakes import World
from dirac_fakes.faults import FaultError
from dirac_fakes.journal import Journal

SERVICE = "Transformation/TransformationManager"
METHOD = "setFileStatusForTransformation"
DOWN = {"target": "transformation", "method": None, "kind": "down", "value": None, "schedule": "always"}
SECOND = {"target": "job-state", "method": "setJobStatusBulk", "kind": "s_error", "value": "boom", "schedule": "nth=2"}
PATHS = "/admin/faults, /admin/recover, /admin/journal, /admin/snapshot, /admin/reset"
NOTHING = {"armed": [], "unfired": []}


@pytest.fixture
def world():
    return World(now=datetime(2026, 1, 2, 3, 4, 5))


def ask(world, verb, path, body=None):
    """Ask; ``body`` is bytes, or becomes JSON."""
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return admin.answer(world, Request(verb, path, body=data))


def told(reply, status=200):
    """What a reply says, which is as its schema says."""
    assert reply.status == status
    assert reply.content_type == "application/json"
    assert reply.body.endswith(b"\n")
    found = json.loads(reply.body)
    jsonschema.validate(found, SCHEMAS["admin"]())
    return found


def call(world):
    world(SERVICE, METHOD, (12, {"100": ["Unused", True]}))


def test_faults_are_armed_as_text_and_as_json_in_their_order(world):
    assert told(ask(world, "GET", "/admin/faults")) == NOTHING
    given = ["transformation:down", {**SECOND}, {"target": "accounting", "kind": "latency", "value": 5}]
    found = told(ask(world, "POST", "/admin/faults", {"faults": given}))
    late = {"target": "accounting", "method": None, "kind": "latency", "value": "5", "schedule": "always"}
    assert found == {"armed": [DOWN, SECOND, late], "unfired": [DOWN, SECOND, late]}
    assert [str(fault) for fault in world.armed()] == [
        "transformation:down", "job-state.setJobStatusBulk:s_error=boom@nth=2", "accounting:latency=5",
    ]  # fmt: skip
    call(world)
    assert told(ask(world, "GET", "/admin/faults/")) == {"armed": [DOWN, SECOND, late], "unfired": [SECOND, late]}


@pytest.mark.parametrize(("verb", "path"), [("DELETE", "/admin/faults"), ("POST", "/admin/recover")])
def test_recovery_ends_all_faults_and_keeps_the_rest(world, verb, path):
    call(world)
    ask(world, "POST", "/admin/faults", {"faults": ["transformation:down"]})
    assert told(ask(world, verb, path)) == {"armed": [], "unfired": [DOWN]}
    assert len(world.journal) == 1


def test_the_journal_is_lines_of_json_and_the_snapshot_is_what_the_services_hold_until_a_reset(world):
    before = world.snapshot()["transformation"]
    call(world)
    reply = ask(world, "GET", "/admin/journal")
    assert (reply.status, reply.content_type) == (200, "application/x-ndjson")
    assert Journal.from_json_lines(reply.body.decode()).calls == world.journal.calls
    assert told(ask(world, "GET", "/admin/snapshot")) == world.snapshot()
    world.arm("accounting:down")
    assert told(ask(world, "POST", "/admin/reset")) == NOTHING
    assert world.snapshot()["transformation"] == before
    assert not len(world.journal)


def test_a_fault_of_no_service_is_for_somebody_else():
    for text, who in (("file:disk_full", "opens the file"), ("process:crash_at=execute", "runs the process")):
        with pytest.raises(FaultError) as caught:
            admin.read_fault(text)
        assert str(caught.value) == f"{text}: a service cannot have it; it is for code that {who}"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "The body is not JSON: Expecting property name"),
        (b"\xff", "The body is not JSON: 'utf-8' codec can't decode"),
        (b"", "The body is not JSON: Expecting value"),
        (b"[" * 200_000, "The body is not JSON: maximum recursion depth exceeded"),
        ([], "all of it: input should be "),
        ({}, "faults: field required, found {}"),
        ({"faults": [], "x": 1}, "x: unknown key, found 1"),
        ({"faults": "transformation:down"}, 'faults: input should be a valid list, found "transformation:down"'),
        ({"faults": [1]}, "all of it: input should be "),
        ({"faults": [{"kind": "down"}]}, 'target: field required, found {"kind": "down"}'),
        ({"faults": [{"target": []}]}, "target: input should be a valid string, found []"),
        ({"faults": [{"target": "job-state", "kind": "latency", "value": 1.5}]}, "Fault"),
        ({"faults": ["nonsense"]}, "Not a fault: 'nonsense'; accepted is SERVICE[.METHOD]:KIND[=VALUE][@SCHEDULE]"),
        ({"faults": ["job-state:down", "x:down"]}, "No service 'x'; there are: job-state, "),
        ({"faults": ["file:disk_full"]}, "file:disk_full: a service cannot have it; it is for code that"),
    ],
)  # fmt: skip
def test_what_is_no_fault_is_refused_and_nothing_is_armed(world, body, message):
    assert told(ask(world, "POST", "/admin/faults", body), 400)["error"].startswith(message)
    assert not world.armed()


@pytest.mark.parametrize(
    ("verb", "path", "status", "message"),
    [
        ("GET", "/admin", 404, f"There is no /admin; there are: {PATHS}"),
        ("GET", "/admin/x", 404, "There is no /admin/x; there are: /admin/faults, "),
        ("GET", "/administration", 404, "There is no /administration; there are: "),
        ("GET", "/admin/faults~", 404, "There is no /admin/faults~; there are: "),
        ("PUT", "/admin/faults", 405, "/admin/faults takes GET, POST, DELETE, not PUT"),
        ("GET", "/admin/reset", 405, "/admin/reset takes POST, not GET"),
    ],
)  # fmt: skip
def test_what_there_is_not_is_told_with_what_there_is(world, verb, path, status, message):
    assert told(ask(world, verb, path), status)["error"].startswith(message)


def test_the_table_of_the_docstring_is_the_one_that_counts():
    rows = [line.split()[:2] for line in (admin.__doc__ or "").splitlines() if "/admin/" in line]
    assert [tuple(row) for row in rows] == list(admin._TABLE)
