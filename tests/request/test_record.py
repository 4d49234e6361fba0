"""What requests, operations and files have in common: loading, times, bytes, JSON."""

import copy
import json
import pickle
from datetime import datetime, timedelta, timezone

import pytest
from freezegun import freeze_time

from dirac_failover.request.file import File
from dirac_failover.request.operation import Operation
from dirac_failover.request.record import LoadError, now
from dirac_failover.request.request import Request

CLASSES = ["Request", "Operation", "File"]
HOSTILE = {
    "not an object": ("Request", "[]", AttributeError),
    "a number": ("File", "5", AttributeError),
    "a text": ("Operation", '"abc"', AttributeError),
    "nothing in it": ("Request", '{"Operations": null}', TypeError),
    "files that are a number": ("Operation", '{"Files": 5}', TypeError),
    "bytes that are a number": ("Operation", '{"Arguments": 5}', TypeError),
    "a component that is a list": ("Request", '{"SourceComponent": [1]}', TypeError),
    "an LFN that is a list": ("File", '{"LFN": ["/a"]}', TypeError),
    "a time that is a number": ("Request", '{"NotBefore": 5}', TypeError),
    "catalogues that are an object": ("Operation", '{"Catalog": {"a": 1}}', TypeError),
    "an attribute that cannot be set": ("Request", '{"Order": 3}', AttributeError),
    "one too deep": ("Request", '{"Operations": ' + "[" * 100_000, RecursionError),
    "one deep inside": ("Request", '{"Operations": [{"Files": [{"LFN": 7}]}]}', TypeError),
}
NO_TIME = "does not match format '%Y-%m-%d %H:%M:%S'"
SURROGATE = "character '\\udcff' in position 0: surrogates not allowed"
VALUE_ERRORS = {
    "no JSON": ("Request", "{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
    "empty": ("File", "", "Expecting value: line 1 column 1 (char 0)"),
    "a status": ("Operation", '{"Status": "Bad"}', "unknown Status 'Bad'"),
    "a request's status": ("Request", '{"Status": ["Done"]}', "Unknown status: ['Done']"),
    "a time": ("Request", '{"CreationTime": "today"}', f"time data 'today' {NO_TIME}"),
    "a relative LFN inside": (
        "Request",
        '{"Operations": [{"Files": [{"LFN": "a"}]}]}',
        "LFN should be an absolute path!",
    ),
    "a date": ("Operation", '{"LastUpdate": "2026-01-02"}', f"time data '2026-01-02' {NO_TIME}"),
    "half a character": ("Operation", '{"Arguments": "\\udcff"}', f"'utf-8' codec can't encode {SURROGATE}"),
}
RESERVED = {
    "Request": ["_Status", "__operations__", "__class__", "__dict__", "toJSON", "getWaiting"],
    "Operation": ["_members", "__files__", "addFile", "__len__"],
    "File": ["_parent", "toJSON"],
}


TIMES_OF_ONE = dict.fromkeys(("CreationTime", "SubmitTime", "LastUpdate"), "2024-02-03 04:05:06")
WHOLE_FILE = {
    "FileID": 1, "OperationID": 3, "Status": "Waiting", "LFN": "/é", "PFN": None, "ChecksumType": "ADLER32",
    "Checksum": None, "GUID": "01234567-89ab-CDEF-0123-456789abcdef", "Attempt": 0, "Size": 7, "Error": None,
}  # fmt: skip
WHOLE_OPERATION = {
    "OperationID": 3, "RequestID": 4, "Type": "T", "Status": "Waiting", "Arguments": "x", "Order": 0, "SourceSE": None,
    "TargetSE": None, "Catalog": "c", "Error": None, **TIMES_OF_ONE, "Files": [WHOLE_FILE],
}  # fmt: skip
WHOLE = {
    "RequestID": 4, "RequestName": "n", "Owner": "bob", "OwnerGroup": "other", "Status": "Waiting", "Error": None,
    "SourceComponent": "Job_77", "JobID": 77, **TIMES_OF_ONE, "NotBefore": "2025-01-01 00:00:00",
    "Operations": [WHOLE_OPERATION],
}  # fmt: skip


def test_the_json_has_the_attributes_in_order_and_loads_again(implementation):
    """A new one has no ID yet; what the database gave is written, too."""
    for source in (WHOLE, json.dumps(WHOLE)):
        loaded = implementation.Request(source)
        assert (loaded[0]._parent, loaded[0][0]._parent) == (loaded, loaded[0])
        for made, whole in ((loaded, WHOLE), (loaded[0], WHOLE_OPERATION), (loaded[0][0], WHOLE_FILE)):
            assert made.toJSON() == {"OK": True, "Value": str(made)}
            assert str(made) == json.dumps(whole)
            names = [name for name in whole if not name.endswith("ID") or name in {"JobID", "GUID"}]
            assert list(json.loads(str(type(made)()))) == names
    assert [*WHOLE_OPERATION][:-1] == implementation.Operation.ATTRIBUTE_NAMES
    assert implementation.Request({**WHOLE, "Status": "Failed"}).Status == "Waiting"
    refused = implementation.File({"Error": {1, 2}}).toJSON()
    assert (refused["OK"], refused["Message"]) == (False, "Object of type set is not JSON serializable")


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("source", [None, 5, [], (), b"{}", {}, "{}", '{"Error": "", "Status": null, "Attempt": 0}'])
def test_what_says_nothing_makes_a_new_one(implementation, name, source):
    made = getattr(implementation, name)
    assert str(made(source)) == str(made())


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("name", CLASSES)
def test_other_attributes_are_kept_but_not_written(implementation, name):
    source = {"Foo": [1], "Bar": 0, "Error": "e"}
    loaded = getattr(implementation, name)(source)
    assert loaded.Foo == [1]
    assert not hasattr(loaded, "Bar")
    assert json.loads(str(loaded)) == {**json.loads(str(getattr(implementation, name)())), "Error": "e"}
    assert source == {"Foo": [1], "Bar": 0, "Error": "e"}


@pytest.mark.parametrize(("name", "source", "error"), HOSTILE.values(), ids=HOSTILE)
def test_where_dirac_raises_all_sorts_the_reference_raises_a_value_error(implementation, name, source, error):
    with pytest.raises((LoadError, AttributeError, TypeError, RuntimeError)) as caught:
        getattr(implementation, name)(source)
    if implementation.name == "dirac":
        assert caught.type is error
        return
    assert isinstance(caught.value, ValueError)
    assert caught.value.dirac is error
    assert str(caught.value) == str(caught.value.__cause__)


@pytest.mark.parametrize(("name", "source", "text"), VALUE_ERRORS.values(), ids=VALUE_ERRORS)
def test_dirac_s_own_value_errors_stay_as_they_are(implementation, name, source, text):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is compared next
        getattr(implementation, name)(source)
    assert str(caught.value) == text
    assert not isinstance(caught.value, LoadError)


@pytest.mark.parametrize(("name", "key"), [(name, key) for name, keys in RESERVED.items() for key in keys])
def test_nothing_that_is_loaded_replaces_a_method_or_a_private_attribute(reference, name, key):
    """DIRAC sets them, and breaks in one way or another; here nothing of it is loaded."""
    with pytest.raises(LoadError) as caught:
        getattr(reference, name)({key: "x"})
    assert str(caught.value) == f"{name} has no attribute {key!r} to load"
    assert caught.value.dirac is None


def test_a_key_that_is_no_text_is_refused(implementation):
    with pytest.raises((LoadError, TypeError), match=r"^attribute name must be string, not 'int'$"):
        implementation.Request({5: 1})


def test_the_present_is_a_second_of_utc_without_a_zone():
    with freeze_time("2026-01-02 03:04:05.678"):
        assert now() == datetime(2026, 1, 2, 3, 4, 5)


def test_one_text_is_read_once():
    """The times of a request are mostly one and the same, and reading them is slow."""
    text = "2024-02-03 04:05:06"
    assert Request({"CreationTime": text}).CreationTime is Operation({"LastUpdate": text}).LastUpdate


TIMES = [
    *(("Request", name) for name in ("CreationTime", "SubmitTime", "LastUpdate", "NotBefore")),
    *(("Operation", name) for name in ("CreationTime", "SubmitTime", "LastUpdate")),
]


@pytest.mark.parametrize(("cls", "name"), TIMES)
def test_a_time_is_a_datetime_or_its_text_and_begins_now(implementation, clock, cls, name):
    made = getattr(implementation, cls)()
    assert getattr(made, name) == clock.second
    moment = datetime(2024, 2, 3, 4, 5, 6, 999999, tzinfo=timezone(timedelta(hours=2)))
    setattr(made, name, moment)
    assert getattr(made, name) is moment
    assert json.loads(str(made))[name] == "2024-02-03 04:05:06"
    setattr(made, name, "2024-02-03 04:05:06.9x.y")
    assert getattr(made, name) == datetime(2024, 2, 3, 4, 5, 6)
    for value in (5, b"2024-02-03 04:05:06", *([None] if name != "NotBefore" else [])):
        with pytest.raises(TypeError, match=rf"^{name} should be a datetime.datetime!$"):
            setattr(made, name, value)


@pytest.mark.parametrize("year", [9, 999, 1000, 9999])
@pytest.mark.parametrize(("cls", "name"), TIMES)
def test_early_years_are_written_as_strftime_does(implementation, cls, name, year):
    made = getattr(implementation, cls)({"Error": "e"})
    moment = datetime(year, 2, 3, 4, 5, 6)
    setattr(made, name, moment)
    assert json.loads(str(made))[name] == moment.strftime("%Y-%m-%d %H:%M:%S")


@pytest.mark.parametrize(("cls", "name"), [("Request", "SourceComponent"), ("Operation", "Arguments")])
def test_text_becomes_bytes_and_other_types_are_refused(implementation, cls, name):
    made = getattr(implementation, cls)()
    assert getattr(made, name) is None
    for value in ("é", "é".encode()):
        setattr(made, name, value)
        assert getattr(made, name) == b"\xc3\xa9"
        assert json.loads(str(made))[name] == "é"
    for value in (None, 5, bytearray(b"x")):
        with pytest.raises(TypeError, match=rf"^{name} should be bytes!$"):
            setattr(made, name, value)
    assert getattr(made, name) == b"\xc3\xa9"


def test_bytes_that_are_no_text_cannot_be_written(operation, request_of):
    made = operation(Arguments=b"\xff")
    answer = made.toJSON()
    assert not answer["OK"]
    assert answer["Message"] == "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"
    with pytest.raises(UnicodeDecodeError):
        request_of(made).toJSON()
    with pytest.raises(KeyError, match="Value"):
        str(made)


@pytest.mark.parametrize("name", CLASSES)
def test_values_are_written_as_far_as_json_goes(implementation, name):
    made = getattr(implementation, name)()
    made.Error = {"b": b"x", "f": [implementation.File({"LFN": "/a"})]}
    assert json.loads(str(made))["Error"] == {"b": "x", "f": [json.loads(str(implementation.File({"LFN": "/a"})))]}
    made.Error = datetime(2024, 2, 3, 4, 5, 6)
    assert json.loads(str(made))["Error"] == "2024-02-03 04:05:06"
    del made.Error
    assert "Error" not in json.loads(str(made))


def test_copies_are_whole():
    request = Request()
    request += Operation({"Type": "RemoveFile", "Files": [{"LFN": "/a"}, {"LFN": "/b"}]})
    for twin in (copy.deepcopy(request), pickle.loads(pickle.dumps(request))):  # noqa: S301 - written in the same line
        assert str(twin) == str(request)
        assert twin[0][1] in twin[0]
        assert request[0][1] not in twin[0]
        twin[0][0].Status = twin[0][1].Status = "Failed"
        assert (twin.Status, request.Status) == ("Failed", "Waiting")
        twin[0].addFile(File({"LFN": "/c"}))
        assert twin.Status == "Waiting"
