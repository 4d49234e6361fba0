"""The rules of the transformation service; beside the real one they are held in tests/differential."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from dirac_fakes import Caller, World

NOON = datetime(2026, 1, 1, 12, 0, 0, 5)


def _rows(answer, *columns):
    inner = json.loads(answer["Value"])
    assert inner["OK"], inner
    return [tuple(row[column] for column in columns) if columns else row for row in inner["Value"]]


@pytest.fixture
def files(call):
    """Return the given columns of the files that meet the conditions, with the other arguments of the service."""

    def look(conditions, *args, columns=("LFN",)):
        rows = _rows(call("transformation", "getTransformationFiles", conditions, *args), *columns)
        return [row[0] for row in rows] if len(columns) == 1 else rows

    return look


def test_the_files_of_a_world_are_assigned(call):
    """The Value is the JSON text of the whole answer; file IDs begin at 100."""
    row = {
        "LFN": "/vo/a",
        "TransformationID": 12,
        "FileID": 100,
        "Status": "Assigned",
        "TaskID": 1,
        "TargetSE": "Unknown",
        "UsedSE": "Unknown",
        "ErrorCount": 0,
        "LastUpdate": {"__dCls": "dt", "obj": "2026-01-01 12:00:00"},
        "InsertedTime": {"__dCls": "dt", "obj": "2026-01-01 12:00:00"},
    }
    for method in ("getTransformationFiles", "getTransformationFilesAsJsonString"):
        answer = call("transformation", method, {"TransformationID": 12, "LFN": ["/vo/a"]})
        assert answer["OK"] is True
        assert json.loads(answer["Value"]) == {"OK": True, "Value": [row]}


def test_conditions_narrow_the_files(world, files):
    """A list is any of, a single value that one; numbers and their texts are equal; None is None only."""
    world.transformation.add(5, {"/vo/b": {"TaskID": None}, "/vo/c": {"Status": "Unused", "ErrorCount": 3}})
    every = ["/vo/a", "/vo/b", "/vo/b", "/vo/c"]
    assert files(None) == files({}) == every
    assert files({"TransformationID": "12"}) == ["/vo/a", "/vo/b"]
    assert files({"LFN": ["/vo/b", "/vo/z"], "TransformationID": 5}) == ["/vo/b"]
    assert files({"LFN": "/vo/c"}) == ["/vo/c"]
    assert files({"FileID": 101}, columns=("TransformationID", "LFN")) == [(12, "/vo/b"), (5, "/vo/b")]
    assert files({"TaskID": None}) == ["/vo/b"]
    assert files({"TaskID": "None"}) == files({"TaskID": "~"}) == []
    assert files({"ErrorCount": ["3"]}) == ["/vo/c"]


def test_the_time_of_a_file_narrows_too(world, call, files):
    """Newer includes the time given, older does not; without a column to look at neither counts."""
    world.transformation.add(5, {"/vo/c": {"LastUpdate": "2026-01-01 13:00:00"}, "/vo/d": {"LastUpdate": None}})
    assert _rows(call("transformation", "getTransformationFiles"), "LFN") == [(f"/vo/{name}",) for name in "abcd"]
    assert files({"TransformationID": 5}) == ["/vo/c", "/vo/d"]
    assert files({}, None, "2026-01-01 13:00:00", "LastUpdate") == ["/vo/c"]
    assert files({}, "2026-01-01 13:00:00", None, "LastUpdate") == ["/vo/a", "/vo/b"]
    assert files({}, "2026-01-01 12:00:00", None) == []
    assert files({}, "2026-01-01 13:00:00", "2026-01-01 13:00:00", None) == ["/vo/a", "/vo/b", "/vo/c", "/vo/d"]


def test_files_come_in_an_order_and_a_window(world, files):
    """Both count only if there is a condition, as in DIRAC."""
    world.transformation.add(5, {"/vo/d": {"Status": "Unused", "TaskID": None}, "/vo/c": {"Status": "Unused"}})
    everything = {"TransformationID": [5, 12]}

    def look(*args):
        return "".join(lfn[-1] for lfn in files(*args))

    assert look(everything, None, None, "LastUpdate", "LFN") == "abcd"
    assert look(everything, None, None, "LastUpdate", "LFN:DESC") == "dcba"
    assert look(everything, None, None, "LastUpdate", ["Status:desc", "LFN"]) == "cdab"
    assert look(everything, None, None, "LastUpdate", "TaskID") == "dabc"
    assert look(everything, None, None, "LastUpdate", "LFN", 2) == "ab"
    assert look(everything, None, None, "LastUpdate", "LFN", 2, 1) == "bc"
    assert look(everything, None, None, "LastUpdate", "LFN", 0, 1) == "abcd"
    assert look(everything, None, None, "LastUpdate", "LFN", None, 1) == "abcd"
    assert look({}, None, None, "LastUpdate", "LFN:DESC", 1) == "abdc"
    assert look({}, "2027-01-01", None, "LastUpdate", "LFN:DESC", 1) == "d"
    assert look({}, None, "2025-01-01", "LastUpdate", "LFN:DESC", 1) == "d"


def test_columns_can_be_chosen(call):
    """Unknown ones are an error inside, as an unknown condition is."""
    arguments = (None, None, "LastUpdate", None, None, None)
    answer = call("transformation", "getTransformationFiles", {"LFN": "/vo/a"}, *arguments, ["FileID", "LFN"])
    assert _rows(answer) == [{"FileID": 100, "LFN": "/vo/a"}]
    inner = json.loads(call("transformation", "getTransformationFiles", {}, *arguments, ["FileID", "X"])["Value"])
    assert inner["Message"] == (
        "Invalid columns requested, valid columns are: ['LFN', 'TransformationID', 'FileID', 'Status', 'TaskID', "
        "'TargetSE', 'UsedSE', 'ErrorCount', 'LastUpdate', 'InsertedTime']"
    )
    inner = json.loads(call("transformation", "getTransformationFiles", {"Bogus": 1})["Value"])
    assert inner == {"OK": False, "Errno": 0, "Message": "Invalid key Bogus in condDict"}


def test_a_status_is_set_by_the_id_of_the_file(world, call, files):
    """IDs may be numbers or texts; a true flag counts an error; the time is now."""
    world.clock.sleep(60.5)
    new = {100: ["Processed", False], "101": ("Unused", True)}
    assert call("transformation", "setFileStatusForTransformation", 12, new) == {"OK": True, "Value": None}
    assert world.transformation.statuses(12) == {"/vo/a": "Processed", "/vo/b": "Unused"}
    now = {"__dCls": "dt", "obj": "2026-01-01 12:01:00"}
    assert files({}, columns=("ErrorCount", "LastUpdate", "InsertedTime")) == [
        (0, now, {"__dCls": "dt", "obj": "2026-01-01 12:00:00"}),
        (1, now, {"__dCls": "dt", "obj": "2026-01-01 12:00:00"}),
    ]
    call("transformation", "setFileStatusForTransformation", "00000012", {"101": ["Unused", True]})
    assert files({"FileID": 101}, columns=("ErrorCount",)) == [2]


def test_a_file_of_another_transformation_joins(world, call, files):
    """It is new there: without a task, and its error is not counted."""
    world.transformation.add(5, ["/vo/c"])
    assert call("transformation", "setFileStatusForTransformation", 12, {"102": ["Unused", True]})["OK"]
    columns = ("Status", "TaskID", "ErrorCount", "InsertedTime", "TransformationID")
    assert files({"LFN": "/vo/c"}, columns=columns) == [
        ("Unused", None, 0, None, 12),
        ("Assigned", 1, 0, {"__dCls": "dt", "obj": "2026-01-01 12:00:00"}, 5),
    ]


def test_an_unknown_file_is_refused_by_the_database(world, call):
    """Each file is a statement of its own: those before the unknown one took effect, those after it did not."""
    new = {"100": ["Unused", True], "101": ["Processed", False], "999": ["Unused", False], "102": ["Unused", False]}
    answer = call("transformation", "setFileStatusForTransformation", 12, new)
    assert answer["Errno"] == 1131
    assert answer["Message"].startswith("MySQL Error ( 1131 : Execution failed.: ((1452, 'Cannot add or update a child")
    assert answer["Message"].endswith("REFERENCES `DataFiles` (`FileID`))') ))")
    assert world.transformation.statuses(12) == {"/vo/a": "Unused", "/vo/b": "Processed"}


@pytest.mark.parametrize(
    ("name", "new", "message"),
    [
        (12, {100: "Processed"}, "Status field should be two values"),
        (12, {100: "ab"}, "Status field should be two values"),
        (12, {100: ["Processed"]}, "Status field should be two values"),
        (12, {100: ["Processed", False, 1]}, "Status field should be two values"),
        (99, {100: ["Processed", False]}, "Transformation does not exist"),
        ("x", {100: ["Processed", False]}, "Transformation does not exist"),
    ],
)
def test_refused_changes(world, call, name, new, message):
    """Nothing changes."""
    before = world.snapshot()
    answer = call("transformation", "setFileStatusForTransformation", name, new)
    assert answer == {"OK": False, "Errno": 0, "Message": message}
    assert world.snapshot() == before


def test_nothing_to_set_is_a_success(call):
    """Even for a transformation that does not exist."""
    assert call("transformation", "setFileStatusForTransformation", 99, {}) == {"OK": True, "Value": {}}


@pytest.mark.parametrize(
    ("caller", "allowed"),
    [
        (Caller("any", "any", ("ProductionManagement",)), True),
        (Caller("alice", "vo_user", ("NormalUser",)), False),
        (Caller("alice", "any", ("ProductionUser",)), True),
        (Caller("bob", "vo_user", ("ProductionUser",)), False),
        (Caller("bob", "vo_user", ("ProductionSharing",)), True),
        (Caller("alice", "any", ("ProductionSharing",)), False),
    ],
)
def test_who_may_change_a_transformation(world, call, caller, allowed):
    """Managers; its author, or the author's group, with the property for it."""
    world.caller = caller
    answer = call("transformation", "setFileStatusForTransformation", 12, {100: ["Unused", True]})
    assert answer["OK"] is allowed
    if not allowed:
        assert answer["Message"] == "You do not have permissions for transformation 12"
        answer = call("transformation", "setFileStatusForTransformation", 99, {})
        assert answer["Message"] == "Could not retrieve transformation 99 details for permissions check."


def test_files_can_begin_otherwise():
    """A mapping gives the columns that differ; an ID of one's own is kept for that file."""
    world = World(files={"/vo/a": {"Status": "Processed", "FileID": 7}, "/vo/b": {"ErrorCount": 9}}, now=NOON)
    world.transformation.add(5, ["/vo/a"])
    state = world.transformation.snapshot()
    assert state["ids"] == {"/vo/a": 7, "/vo/b": 101}
    assert state["transformations"] == {str(name): {"Author": "alice", "AuthorGroup": "vo_user"} for name in (12, 5)}
    assert state["files"]["12"]["7"]["Status"] == "Processed"
    assert state["files"]["12"]["101"]["ErrorCount"] == 9
    assert list(state["files"]["5"]) == ["7"]


def test_files_are_added_to_a_known_transformation(world):
    """Those that are there stay."""
    world.transformation.add(12, ["/vo/c"])
    assert list(world.transformation.statuses(12)) == ["/vo/a", "/vo/b", "/vo/c"]


def test_a_file_has_the_columns_that_dirac_knows(world):
    """Another one is refused, with the list."""
    with pytest.raises(
        ValueError,
        match=r"^A file has no Color, Size; it has LFN, TransformationID, .*Status, TaskID, .*, InsertedTime$",
    ):
        world.transformation.add(5, {"/vo/c": {"Size": 1, "Color": 2}})


def test_a_transformation_may_have_no_files(world):
    """It exists all the same."""
    world.transformation.add(5)
    assert world.transformation.statuses(5) == {}
