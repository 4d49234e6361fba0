"""Odd calls get what DIRAC answers on MariaDB; ``tests/live`` compares many more."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from dirac_fakes import World

NOON = datetime(2026, 1, 1, 12)
FILES, MANAGER = "Transformation/TransformationManager", "RequestManagement/ReqManager"


@pytest.fixture
def world():
    """A world whose clock stands at noon."""
    return World(now=NOON)


def put(world, **fields):
    """Put a request with one operation, or what is given."""
    request = {"RequestName": "One", "Operations": [{"Type": "x"}], "NotBefore": "2025-01-01 00:00:00", **fields}
    return world(MANAGER, "putRequest", (json.dumps(request),))


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (({"LFN": []},), "1064"),
        (({"LFN": [["/vo/a", "/vo/b"]]},), "4078"),
        (({"LFN": ["/vo/a", ["/vo/a", "/vo/b"]]},), "1241"),
        (({"TaskID": 1}, None, None, None, "FileID", None, None, ["LFN"]), "1052"),
        (({"TaskID": 1}, None, None, None, "LFN", None, None, ["FileID"]), "1054"),
        (({"TaskID": 1}, None, None, None, None, None, None, []), "1064"),
    ],
)
def test_a_question_that_is_no_sql_is_an_error(world, args, message):
    """With MySQL's number."""
    answer = json.loads(world(FILES, "getTransformationFiles", args)["Value"])
    assert not answer["OK"]
    assert f"(({message}, " in answer["Message"]


@pytest.mark.parametrize(
    ("conditions", "times", "found"),
    [
        ({"LFN": "/VO/A "}, (None, None), 1),
        ({"LFN": ["x", False]}, (None, None), 2),
        ({"LFN": [None]}, (None, None), 0),
        ({"TaskID": [[1], [None]]}, (None, None), 2),
        ({"TaskID": "1x"}, (None, None), 2),
        ({}, ("never", None), 0),
        ({}, (None, "never"), 2),
        ({}, ("2026-01-01 12:00:00.5", "2026-01-01 12:00:00"), 2),
    ],
)
def test_values_are_compared_as_the_database_does(world, conditions, times, found):
    """Without case, numbers by what a text begins with, and times that are none as the beginning of time."""
    answer = json.loads(world(FILES, "getTransformationFiles", (conditions, *times))["Value"])
    assert len(answer["Value"]) == found


@pytest.mark.parametrize(
    "args",
    [
        *(({"TaskID": 1}, None, None, None, order) for order in ("", "LFN:up", 5)),
        *(({"TaskID": 1}, "2026-01-01", None, stamp) for stamp in (" ", 5)),
        ("LFN",),
    ],
)
def test_an_argument_that_is_none_breaks_the_service(world, args):
    """HTTP 500."""
    assert world(FILES, "getTransformationFiles", args)["Message"].startswith("500 Server Error")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("2026-01-01", None, True), "Unknown column 'tf.True' in 'WHERE'"),
        ((None, None, None, "w" * 193), f"Unknown column '{'w' * 192}' in 'ORDER BY'"),
        ((None, None, None, None, 10**20), "1064"),
    ],
)
def test_a_statement_that_is_wrong_is_refused(world, args, said):
    """An unknown column by its name, of which a message has 192 bytes, and a number that is larger than any."""
    answer = json.loads(world(FILES, "getTransformationFiles", ({"TaskID": 1}, *args))["Value"])
    assert said in answer["Message"]


def test_a_file_without_its_time_is_older_than_nothing(world):
    """A file that was never inserted is not among those that were at some time."""
    world.transformation.state["files"][12][100]["InsertedTime"] = None
    answer = json.loads(world(FILES, "getTransformationFiles", ({}, "2030-01-01", None, "InsertedTime"))["Value"])
    assert len(answer["Value"]) == 1


def test_requests_are_found_by_what_the_database_takes_for_their_name_and_id(world):
    """A text that begins with the number is the number; a list of one is that one, of none is no SQL."""
    assert put(world)["Value"] == 1
    assert world(MANAGER, "getRequestIDForName", ("ONE ",))["Value"] == 1
    assert world(MANAGER, "getRequestIDForName", (["one"],))["Value"] == 1
    assert world(MANAGER, "getRequestStatus", ("1x",))["Value"] == "Waiting"
    assert json.loads(world(MANAGER, "getRequest", (" 1",))["Value"])["RequestID"] == 1
    assert "ProgrammingError) (1064, " in world(MANAGER, "cancelRequest", ([[]],))["Message"]
    assert "types varchar and row" in world(MANAGER, "getRequestIDForName", (["one", "two"],))["Message"]
    assert world(MANAGER, "getRequestStatus", ([1],))["Value"] == "Assigned"
    assert world(MANAGER, "getRequestStatus", ([],))["Message"].startswith("500 Server Error")
    assert not world(MANAGER, "getRequestStatus", (None,))["OK"]


def test_a_request_that_does_not_fit_uses_up_its_number(world):
    """Nothing of it is kept."""
    assert "(1406, " in put(world, Operations=[{"Type": "t" * 65}])["Message"]
    assert world.requests.stored() == {}
    assert put(world)["Value"] == 2
    assert put(world, RequestID=3.5)["Value"] == 3.5
    assert "(1452, " in put(world, RequestID="0")["Message"]
    assert put(world, RequestID=[2])["Message"] == "putRequest: unexpected exception unhashable type: 'list'"
    assert "OperationalError) (1366, " in put(world, JobID={"a": 1})["Message"]
    assert [*world.requests.stored()] == [2, 4]


def test_requests_that_are_due_follow_a_clock_that_is_put_back(world):
    """What was due may no longer be; what is put in between waits, too."""
    put(world, NotBefore="2026-01-01 12:00:05")
    world.clock.sleep(10)
    assert world(MANAGER, "peekRequest", (0,))["Value"]
    world.clock.slept = 0
    assert world(MANAGER, "peekRequest", (0,))["Value"] is None
    put(world, LastUpdate="2025-01-01 00:00:00")
    world.clock.sleep(10)
    assert json.loads(world(MANAGER, "getRequest", (0,))["Value"])["RequestID"] == 2
    assert json.loads(world(MANAGER, "getRequest", (0,))["Value"])["RequestID"] == 1
    assert world(MANAGER, "getRequest", (0,))["Value"] is None


def test_signs_of_life_of_one_second_are_refused_twice(world):
    """Those after the second are not tried; a time that is none is an error of an update."""
    state = ("WorkloadManagement/JobStateUpdate", "sendHeartBeat")
    assert world(*state, (77, {"Load": 1, "load ": 2, "Memory": 3}, {}))["OK"]
    assert [row[:2] for row in world.job_state.state["heartbeats"][77]] == [["Load", "1"]]
    time = str(NOON + timedelta(seconds=1)) + " x"
    update = {time: {"ApplicationStatus": "x", "Source": "Job_77"}}
    answer = world("WorkloadManagement/JobStateUpdate", "setJobStatusBulk", (77, update))
    assert "Failed to set the heart beat time" in answer["Message"]


def test_a_call_of_dips_with_other_types_is_refused(world):
    """The server says which."""
    assert "Type mismatch in parameter 0" in world("Accounting/DataStore", "commitRegisters", ("x",))["Message"]


def test_a_call_of_dips_with_too_few_arguments_is_refused(world):
    """In words of the server."""
    answer = world("Accounting/DataStore", "commit", ("x",))
    assert answer["Message"] == "Function commit expects at least 4 arguments"
