"""What each kind of fault does, and what the caller sees."""

from __future__ import annotations

import json

import pytest

from dirac_fakes import Caller
from dirac_fakes.kinds import KINDS
from dirac_fakes.service import Wire

SERVICE = "Transformation/TransformationManager"
METHOD = "setFileStatusForTransformation"
URL = f"https://dirac.invalid/{SERVICE}"
POOL = "HTTPSConnectionPool(host='dirac.invalid', port=443)"
REFUSED = (
    f"{POOL}: Max retries exceeded with url: /{SERVICE} "
    "(Caused by NewConnectionError(\"HTTPSConnection(host='dirac.invalid', port=443): "
    'Failed to establish a new connection: [Errno 111] Connection refused")): None'
)
LATE = f"{POOL}: Read timed out. (read timeout=600): None"
RESET = "('Connection aborted.', ConnectionResetError(104, 'Connection reset by peer')): None"
EMPTY = "Expecting value: line 1 column 1 (char 0): "
PAGE = "<html><title>503: Service Unavailable</title><body>503: Service Unavailable</body></html>"


def _set(world, statuses=None):
    """Set two files to Unused, with an error; return the answer."""
    statuses = statuses or {"100": ["Unused", True], "101": ["Unused", True]}
    return world(SERVICE, METHOD, (12, statuses))


def _applied(world):
    """Return how often each file was set."""
    return [row["ErrorCount"] for row in world.transformation.state["files"][12].values()]


def _client(message, errno=0):
    return {"OK": False, "Errno": errno, "Message": message, "CallStack": []}


def _server(message, errno=0):
    return {"OK": False, "Errno": errno, "Message": message}


OK = {"OK": True, "Value": None}
ALMOST = "IncompleteRead(26 bytes read, 1 more expected)"
LIMIT = "IncompleteRead(20 bytes read, 7 more expected)"

EFFECTS = [
    # fault, answer without its stub, times that each file was set, seconds that went by
    ("down", _client(REFUSED), [0, 0], 0),
    ("refuse", _client(REFUSED), [0, 0], 0),
    ("s_error=boom", _server("boom"), [0, 0], 0),
    ("s_error", _server(""), [0, 0], 0),
    ("s_error=a;b;errno=1500", _server("Unknown WMS error ( 1500 : a;b)", 1500), [0, 0], 0),
    ("s_error=;errno=-3", _server("Unknown error -3 ( -3 : )", -3), [0, 0], 0),
    ("s_error=;errno=123456789", _server("Unknown error 123456789 ( 123456789 : )", 123456789), [0, 0], 0),
    ("timeout", _client(LATE), [0, 0], 600),
    ("lost_reply", _client(LATE), [1, 1], 600),
    ("reset_peer", _client(RESET), [0, 0], 0),
    ("reset_peer=applied", _client(RESET), [1, 1], 0),
    ("latency=1500", OK, [1, 1], 1.5),
    ("latency=600000", OK, [1, 1], 600),
    ("latency=600001", _client(LATE), [1, 1], 600),
    ("http=503", _client(f"503 Server Error: Service Unavailable for url: {URL}: {PAGE}"), [0, 0], 0),
    ("http=403;applied", _client(f"Permission denied ( 13 : No access to {URL})", 13), [1, 1], 0),
    ("http=501", _client(f"Function not implemented ( 38 : {METHOD} is not implemented)", 38), [0, 0], 0),
    ("empty_reply", _client(EMPTY), [0, 0], 0),
    ("empty_reply=applied", _client(EMPTY), [1, 1], 0),
    ("malformed_reply", _client(f"{EMPTY}<html>not JSON</html>"), [0, 0], 0),
    ("malformed_reply={;applied", _client(
        "Expecting property name enclosed in double quotes: line 1 column 2 (char 1): {"), [1, 1], 0),
    ("malformed_reply=", _client(EMPTY), [0, 0], 0),
    ("limit_data=20", _client(f"('Connection broken: {LIMIT}', {LIMIT}): None"), [1, 1], 0),
    ("limit_data=26", _client(f"('Connection broken: {ALMOST}', {ALMOST}): None"), [1, 1], 0),
    ("limit_data=27", OK, [1, 1], 0),
    ("bad_shape=missing", {"OK": True}, [1, 1], 0),
    ("bad_shape=none", None, [1, 1], 0),
    ('bad_shape=["x"]', {"OK": True, "Value": ["x"]}, [1, 1], 0),
    ("partial=1", OK, [1, 0], 0),
    ("partial=0", {"OK": True, "Value": {}}, [0, 0], 0),
    ("false_ack", OK, [0, 0], 0),
    ("duplicate", OK, [2, 2], 0),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "answer", "applied", "seconds"), EFFECTS, ids=[row[0] for row in EFFECTS])
def test_what_a_fault_does_and_what_the_caller_sees(world, kind, answer, applied, seconds):
    """The answer carries the stub as any other; the journal knows whether it took effect."""
    world.arm(f"transformation:{kind}")
    found = _set(world)
    if found is not None:
        stub = found.pop("rpcStub")
        assert stub[1] == "setFileStatusForTransformation"
    assert found == answer
    assert _applied(world) == applied
    assert world.clock.slept == seconds
    assert world.journal[0].answer == answer
    assert world.journal[0].applied is (any(applied) or kind == "partial=0")
    assert world.unfired() == []


def test_every_kind_that_hits_a_service_is_tried():
    """Here or below."""
    assert {row[0].partition("=")[0] for row in EFFECTS} | {"raises"} == {
        name for name, kind in KINDS.items() if kind.function
    }


def test_an_error_can_come_without_its_stub(world):
    """That is what fail-over cannot be built from."""
    world.arm("transformation:s_error=boom;errno=1500;stub=no")
    assert _set(world) == _server("Unknown WMS error ( 1500 : boom)", 1500)
    world.recover()
    world.arm("transformation:s_error=;stub=no")
    assert _set(world) == _server("")


@pytest.mark.parametrize(
    ("value", "kind", "args"),
    [
        ("ConnectionError", ConnectionError, ()),
        ("ValueError: a: b", ValueError, ("a: b",)),
        ("KeyboardInterrupt", KeyboardInterrupt, ()),
    ],
)
def test_an_exception_escapes_and_is_in_the_journal(world, value, kind, args):
    """Nothing took effect."""
    world.arm(f"transformation:raises={value}")
    with pytest.raises(kind) as error:
        _set(world)
    assert error.value.args == args
    (call,) = world.journal
    assert call[:2] == ("transformation", "setFileStatusForTransformation")
    assert call.args == (12, {"100": ["Unused", True], "101": ["Unused", True]})
    assert (call.answer, call.applied) == ({"raises": repr(error.value)}, False)
    assert _applied(world) == [0, 0]


def test_a_lost_reply_to_what_was_refused_was_not_applied(world):
    """The journal tells the truth: the service said no."""
    world.arm("transformation:lost_reply")
    _set(world, {"100": ["Unused"]})
    assert not world.journal[0].applied


def test_latency_counts_against_the_time_that_the_caller_gives(world):
    """In seconds."""
    world.arm("transformation:latency=2000")
    assert world(SERVICE, "getTransformationFiles", (), timeout=2)["OK"]
    answer = world(SERVICE, "getTransformationFiles", (), timeout=1)
    assert answer["Message"] == f"{POOL}: Read timed out. (read timeout=1): None"
    assert world.clock.slept == 3


def test_a_refused_url_is_named_by_its_path(world):
    """Whatever the service was called by."""
    world.arm("req-proxy:down")
    world.dips = False
    answer = world("dips://host:9161/RequestManagement/ReqProxy", "getStatus", ())
    assert answer["Message"].startswith(f"{POOL}: Max retries exceeded with url: /RequestManagement/ReqProxy (")


@pytest.mark.parametrize(
    ("service", "method", "args", "kept"),
    [
        ("job-state", "setJobStatusBulk", (77, {"2030-01-01 00:00:00": {"MinorStatus": "a"}, "x": {}}), 2),
        ("job-state", "setJobParameters", (77, [("a", 1), ("b", 2)]), 1),
        ("job-state", "setJobsParameter", ({"77": ("a", 1), "78": ("b", 2)},), 1),
        ("accounting", "commitRegisters", ([["T", None], ["U", None]],), 0),
    ],
)
def test_partial_takes_the_first_entries(world, service, method, args, kept):
    """Of the argument that holds many; a bad first one is refused as ever."""
    world.arm(f"{service}:partial=1")
    answer = world(world.service(service).full, method, args)
    assert answer["OK"] is bool(kept)
    state = world.job_state.state
    assert len(state["history"][77]) == (2 if kept == 2 else 1)
    assert set(state["parameters"].get(77, {})) == ({"a", "JobID", "timestamp"} if kept == 1 else set())


def test_partial_leaves_the_other_arguments(world):
    """Here the force of an administrator; and of several good records the first is kept."""
    world.caller = Caller("admin", "admins", ("JobAdministrator",))
    world.arm("job-state:partial=1")
    world.arm("accounting:partial=1")
    updates = {"2030-01-01 00:00:00": {"Status": "Waiting"}, "2030-01-01 00:00:01": {"Status": "Done"}}
    assert world("WorkloadManagement/JobStateUpdate", "setJobStatusBulk", (77, updates, True))["OK"]
    assert world.job_state.status(77)[0] == "Waiting"
    records = [["StorageOccupancy", world.clock.now(), world.clock.now(), [*"abcd", size]] for size in (1, 2)]
    assert world("Accounting/DataStore", "commitRegisters", (records,))["OK"]
    assert [record[3][4] for record in world.accounting.records()] == [1]


def test_partial_cuts_nothing_where_the_entries_are_missing(world):
    """The service then answers what it answers to such a call."""
    call = ("WorkloadManagement/JobStateUpdate", "setJobStatusBulk", (77,))
    healthy = world(*call)
    assert not healthy["OK"]
    world.arm("job-state:partial=1")
    assert world(*call) == healthy


def test_partial_shows_the_first_rows(world):
    """Of a look-up, in the text that it answers; an error stays as it is."""
    world.arm("transformation:partial=1")
    world.arm("requests:partial=1")
    for method in ("getTransformationFiles", "getTransformationFilesAsJsonString"):
        inner = json.loads(world(SERVICE, method, ())["Value"])
        assert (inner["OK"], [row["LFN"] for row in inner["Value"]]) == (True, ["/vo/a"])
    wrong = json.loads(world(SERVICE, "getTransformationFiles", ({"Bogus": 1},))["Value"])
    assert wrong["Message"] == "Invalid key Bogus in condDict"
    failed = world(SERVICE, "getTransformationFiles", tuple(range(9)))
    assert failed["Message"].startswith("500 Server Error")
    assert world("RequestManagement/ReqManager", "cancelRequest", (1,))["Message"] == "No such request 1"
    found = world("RequestManagement/ReqManager", "getRequestIDsForJobs", ([1],))
    assert found["Value"] == {"Successful": {}}
    assert world("RequestManagement/ReqManager", "deleteRequest", (1,))["Value"] is None


def test_a_false_acknowledgement_of_what_would_be_refused_is_a_success(world):
    """It promises anything."""
    world.arm("transformation:false_ack")
    answer = _set(world, {"100": ["Unused"]})
    assert (answer["OK"], answer["Value"]) == (True, None)
    assert not world.journal[0].applied


def test_a_duplicate_request_is_two(world):
    """The caller hears of the second."""
    world.arm("requests:duplicate")
    text = json.dumps({"RequestName": "n", "Operations": [{"Type": "X"}]})
    assert world("RequestManagement/ReqManager", "putRequest", (text,))["Value"] == 2
    assert list(world.requests.stored()) == [1, 2]


@pytest.mark.parametrize(
    ("fault", "wire"),
    [
        ("down", Wire("refused", REFUSED.removesuffix(": None"))),
        ("timeout", Wire("late", LATE.removesuffix(": None"))),
        ("latency=600001", Wire("late", LATE.removesuffix(": None"))),
        ("reset_peer", Wire("reset", RESET.removesuffix(": None"))),
        ("limit_data=20", Wire("cut", f"('Connection broken: {LIMIT}', {LIMIT})", 200, json.dumps(OK), 20)),
        ("empty_reply", Wire("reply")),
        ("malformed_reply=x", Wire("reply", body="x")),
        ("http=503", Wire("reply", status=503, body=PAGE)),
        ("http=501", Wire("reply", status=501, body=PAGE.replace("503: Service Unavailable", "501: Not Implemented"))),
        ("http=499", Wire("reply", status=499, body=PAGE.replace("503: Service Unavailable", "499: Unknown"))),
        ("s_error=boom", None),
        ("latency=1", None),
        ("limit_data=27", None),
    ],
)
def test_the_world_knows_what_was_on_the_wire(world, fault, wire):
    """For whoever carries its calls over HTTP: what came instead of an answer, until the next call."""
    world.arm(f"transformation:{fault}@first=1")
    assert type(_set(world)) is dict
    assert world.wire == wire
    _set(world)
    assert world.wire is None


def test_an_exception_leaves_nothing_of_an_earlier_call_on_the_wire(world):
    """What is raised is no reply."""
    world.arm("transformation:down@first=1")
    world.arm("transformation:raises=OSError@after=1")
    _set(world)
    with pytest.raises(OSError):  # noqa: PT011 - there is no text
        _set(world)
    assert world.wire is None


def test_what_a_service_dies_of_is_a_reply_with_its_status(world):
    """A method that does not exist, and one that breaks down."""
    world(SERVICE, "nonsense", ())
    assert (world.wire.event, world.wire.status) == ("reply", 501)
    world(SERVICE, METHOD, ())
    assert (world.wire.event, world.wire.status) == ("reply", 500)
    world.reset()
    assert world.wire is None
