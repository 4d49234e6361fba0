"""What all services have in common: answers, errors, copies, and methods that are not faked."""

from __future__ import annotations

from collections import OrderedDict
from datetime import date, datetime, time
from enum import IntEnum

import pytest

from dirac_fakes import Caller
from dirac_fakes.service import Wire, broken_off, carried, client_error, http_error, ok, refusal, shown, url_of

SERVICE = "Accounting/DataStore"
URL = "https://dirac.invalid/Accounting/DataStore"
PAGE = "<html><title>500: Internal Server Error</title><body>500: Internal Server Error</body></html>"


class Colour(IntEnum):
    """A number with a name."""

    RED = 1


def test_answers_have_dirac_shapes():
    """A server keeps its call stack to itself; a client's own error has one, empty here."""
    assert ok() == {"OK": True, "Value": None}
    assert ok([1]) == {"OK": True, "Value": [1]}
    assert refusal("x") == {"OK": False, "Errno": 0, "Message": "x"}
    assert refusal("x", 2) == {"OK": False, "Errno": 2, "Message": "No such file or directory ( 2 : x)"}
    assert client_error("x") == {"OK": False, "Errno": 0, "Message": "x", "CallStack": []}
    assert client_error("x", 13)["Message"] == "Permission denied ( 13 : x)"


@pytest.mark.parametrize(
    ("status", "errno", "message"),
    [
        (501, 38, "Function not implemented ( 38 : m is not implemented)"),
        (401, 13, f"Permission denied ( 13 : No access to {URL})"),
        (403, 13, f"Permission denied ( 13 : No access to {URL})"),
        (404, 0, f"404 Client Error: Not Found for url: {URL}: {URL} is not found"),
        (
            499,
            0,
            f"499 Client Error: Unknown for url: {URL}: {PAGE}".replace("500: Internal Server Error", "499: Unknown"),
        ),
        (
            500,
            0,
            f"500 Server Error: Internal Server Error for url: {URL}: {PAGE}",
        ),
    ],
)
def test_an_http_status_becomes_what_the_client_makes_of_it(status, errno, message):
    """Some statuses have an error number, the others the text and the page."""
    assert http_error(SERVICE, "m", status) == {"OK": False, "Errno": errno, "Message": message, "CallStack": []}


def test_a_service_that_is_a_url_keeps_it():
    """Others get the host that does not exist."""
    assert url_of("dips://host:1/A/B") == "dips://host:1/A/B"
    assert url_of("A/B") == "https://dirac.invalid/A/B"


def test_a_carried_value_is_equal_and_shares_nothing():
    """Lists, dicts and tuples are new at any depth, and keep their kinds."""
    value = {"a": [1, {"b": ([2], "c")}], 3: (4.5, None, True, b"x", date(2026, 1, 1), datetime(2026, 1, 1)), "e": {}}
    copied = carried(value)
    assert copied == value
    value["a"][1]["b"][0].append(9)
    value["a"].append(9)
    value["e"]["f"] = 9
    assert copied["a"] == [1, {"b": ([2], "c")}]
    assert copied["e"] == {}
    assert type(copied[3]) is tuple
    row = [[1]]
    (kept,) = carried((row,))
    row[0].append(2)
    assert kept == [[1]]


def test_relatives_of_plain_types_are_carried_as_json_carries_them():
    """Subclasses of text and numbers stay, those of containers become the plain container."""

    class Words(list):
        """A list with a name."""

    class Text(str):
        """A text with a name."""

        __slots__ = ()

    assert carried(Colour.RED) is Colour.RED
    assert carried(Text("x")) == carried("x") == "x"
    assert carried(None) is None
    for value, plain in ((OrderedDict(a=[1]), {"a": [1]}), (Words([1]), [1]), (Caller(), ("alice", "vo_user"))):
        copied = carried(value)
        assert copied[: len(plain)] == plain if type(plain) is tuple else copied == plain
        assert type(copied) is type(plain)


@pytest.mark.parametrize("value", [ValueError("x"), {1}, time(1), object, [ValueError("x")], {"a": {1}}, ({1},)])
def test_what_json_cannot_carry_is_a_type_error(value):
    """DIRAC's client raises it too, at any depth."""
    with pytest.raises(TypeError, match=r"^Object of type (ValueError|set|time|type) is not JSON serializable$"):
        carried(value)


def test_a_shown_state_is_plain():
    """Times become text, keys text, tuples lists."""
    state = {1: [datetime(2026, 1, 1), (2, None)], "a": {"b": 1.5, "c": True}}
    assert shown(state) == {"1": ["2026-01-01 00:00:00", [2, None]], "a": {"b": 1.5, "c": True}}
    assert shown("x") == "x"
    assert shown([b"x", date(2026, 1, 1)]) == ["b'x'", "2026-01-01"]


def test_a_method_that_is_not_faked_says_so(call):
    """It is the service's, so it is no unknown method; the answer lists what is faked."""
    for method in ("getStatus", "ping"):
        answer = call("accounting" if method == "ping" else "req-proxy", method)
        assert answer["OK"] is (method == "getStatus")
    assert call("accounting", "ping") == {
        "OK": False,
        "Errno": 0,
        "Message": "accounting.ping exists in DIRAC but is not faked here; faked are: commit, commitRegisters",
    }
    assert call("job-state", "setJobSite", 77, "X")["Message"].startswith(
        "job-state.setJobSite exists in DIRAC but is not faked here; faked are: sendHeartBeat, setJob"
    )


NOT_FAKED = {
    "job-state": "setJobAttribute setJobSite updateJobFromStager",
    "transformation": """
        addDirectory addFile addFilesToTransformation addTaskForTransformation addTransformation cleanTransformation
        completeTransformation createTransformationMetaQuery deleteTasks deleteTransformation
        deleteTransformationMetaQuery deleteTransformationParameter exists extendTransformation getAdditionalParameters
        getCounters getFileSummary getTableDistinctAttributeValues getTasksToSubmit getTransformation
        getTransformationFilesCount getTransformationLogging getTransformationMetaQuery getTransformationParameters
        getTransformationStats getTransformationSummary getTransformationTaskStats getTransformationTasks
        getTransformationWithStatus getTransformations removeFile setMetadata setTaskStatus setTaskStatusAndWmsID
        setTransformationParameter
        """,
    "accounting": "",
    "requests": """
        getBulkRequestStatus getBulkRequests getDBSummary getDistinctValuesWeb getRequestCountersWeb
        getRequestFileStatus getRequestIDsList getRequestInfo getRequestSummaryWeb getScheduledRequest
        """,
    "req-proxy": "",
}


@pytest.mark.parametrize("name", NOT_FAKED)
def test_what_dirac_has_and_the_fakes_have_not_is_said(world, call, name):
    """Every such method of each service; tests/differential holds that these are all."""
    for method in NOT_FAKED[name].split():
        assert f"{name}.{method} exists in DIRAC but is not faked here" in call(name, method)["Message"]
    assert len(world.service(name).not_faked) == len(NOT_FAKED[name].split())


@pytest.mark.parametrize("method", ["whoami", "echo", "refreshConfiguration"])
def test_what_every_service_has_is_known(call, method):
    """These are no unknown methods either."""
    assert "is not faked here" in call("requests", method)["Message"]


def test_an_unknown_method_is_not_implemented(call):
    """Also one that a fake has for itself."""
    for method in ("nonsense", "add", "snapshot", "perform"):
        assert call("job-state", method) == {
            "OK": False,
            "Errno": 38,
            "Message": f"Function not implemented ( 38 : {method} is not implemented)",
            "CallStack": [],
        }


def test_an_exception_in_a_service_is_an_http_status(call):
    """Such as the wrong number of arguments."""
    assert call("job-state", "setJobStatusBulk") == http_error(
        "WorkloadManagement/JobStateUpdate", "setJobStatusBulk", 500
    )


def test_a_service_goes_down_and_up_alone(world, call):
    """Only its own outage ends; other faults of the same service, and other outages, stay."""
    world.arm("accounting.commit:s_error=boom")
    world.accounting.down()
    world.requests.down()
    assert "Connection refused" in call("accounting", "commitRegisters", [])["Message"]
    world.accounting.up()
    assert call("accounting", "commitRegisters", [])["OK"]
    assert call("accounting", "commit")["Message"] == "boom"
    assert "Connection refused" in call("requests", "getRequest", 1)["Message"]


def test_saved_state_is_a_copy(world, call):
    """What happens later does not change it."""
    before = world.job_state.saved()
    call("job-state", "setJobParameter", 77, "a", "b")
    assert before["parameters"] == {}
    world.job_state.state = before
    assert world.job_state.snapshot()["parameters"] == {}


@pytest.mark.parametrize("status", [401, 403, 404, 418, 500, 501, 599])
def test_an_http_error_says_what_was_on_the_wire(status):
    """The page of the server, whatever the client makes of it."""
    found = http_error("A/B", "m", status)
    assert found.wire.event == "reply"
    assert found.wire == Wire("reply", "", status, found.wire.body, 0)
    assert found.wire.body.startswith(f"<html><title>{status}: ")


def test_an_error_of_the_client_knows_what_it_met():
    """A connection that broke off; without anything on the wire it is a plain dictionary."""
    wire = Wire("reset", "peer")
    broken = broken_off(wire)
    assert (broken["Message"], broken.wire) == ("peer: None", wire)
    assert type(client_error("x")) is dict
    assert client_error("x", 0, wire).wire is wire
    assert Wire("late") == Wire("late", "", 200, "", 0)
