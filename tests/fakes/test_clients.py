"""Fake clients: beside the real ones of each implementation, and what answers make of them.

The first part gives the same calls to a fake and to the real client, which talks to services that are well. Both
answer alike, keep alike what waits, and the same arrives.
"""

from __future__ import annotations

import copy
import inspect
import math
import re
import threading
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from importlib import metadata
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import dirac_fakes
from dirac_failover.drivers.implementations import stopped
from dirac_fakes import (
    FakeDataStoreClient,
    FakeFileReport,
    FakeJobReport,
    FakeJobStateUpdateClient,
    FakeReqClient,
    Journal,
    Script,
    World,
    answering,
)
from dirac_fakes.answers import methods_of

FAKES = {name.removeprefix("Fake"): getattr(dirac_fakes, name) for name in dirac_fakes.__all__ if "Fake" in name}
START = datetime(2026, 1, 1)


ANY_NUMBER = ("8.0.86", "9.0.0", "9.1.2")
"""The versions of DIRAC whose job reports send NaN and infinity too; 9.0.28 and 9.1.20 leave them out, as fakes do."""
MORE_METHODS = {name: {"remove"} for name in ("dirac-8.0", "ilcdirac")}
"""What an accounting client has in DIRAC 8.0, and not in 9: it forgets a record, for which no module asks."""


def sends_any_number(implementation):
    """Whether the job reports of an implementation send numbers that JSON does not know."""
    return implementation.name != "reference" and metadata.version("DIRAC") in ANY_NUMBER


class BaseAccountingType:
    """The name that accounting clients look for among the ancestors of a record."""


class Record(BaseAccountingType):
    """An accounting record with one value, which may find itself wrong."""

    def __init__(self, value, *, good=True):
        self.value, self.good = value, good

    def checkValues(self):
        return {"OK": True, "Value": 5} if self.good else {"OK": False, "Message": "wrong", "Errno": 0}

    def getValues(self):
        return ("StorageOccupancy", START, START, [*"abcd", self.value])

    def __repr__(self):
        return f"Record({self.value})"


class Impatient(threading.Timer):
    """A timer that does not wait."""

    def __init__(self, _, *args):
        super().__init__(0, *args)

    def start(self):
        super().start()
        self.join()


@contextmanager
def healthy(implementation):
    """Services that are well, to which the clients of an implementation are connected."""
    world = World()
    with implementation.connect(world, owner="alice", group="vo_user", sleep=world.clock.sleep):
        yield world


class Way(NamedTuple):
    """A client of one kind: the steps that it can be given, and how to see what arrived and what waits."""

    steps: Any
    arrived: Any
    """Of a fake."""
    of_world: Any
    """The same, of the services."""
    waiting: Any
    service_says: frozenset[str] = frozenset()
    """The methods whose Value is the service's, unless there is nothing to send: a fake's is None."""


def step(method, *args):
    return st.tuples(st.just(method), st.tuples(*args))


def of_history(world):
    rows = world.job_state.state["history"][77][1:]
    said = [
        [{"idem": ""}.get(row[key], row[key]) for key in ("Status", "MinorStatus", "ApplicationStatus")] for row in rows
    ]
    pairs = [(status, minor) for status, minor, _ in said if status or minor]
    return [text for *_, text in said if text], pairs, world.job_state.parameters(77)


SOME = st.sampled_from(["", "Step 1", "it's", "'", 5, None])
TEXT = st.sampled_from(["", "Step 1", "it's"])
NAME = st.sampled_from(["Host", "CPU"])
VALUE = st.sampled_from(
    ["node1", 5, 1.5, {"a": [2]}, None, math.nan, [1, {"a": (math.inf,)}], {Decimal("NaN")}, [Decimal("sNaN")]]
)
STATUS = st.sampled_from(["Problematic", "MissingInFC", "Unused"])
LFNS = st.sampled_from(["/vo/a", "/vo/b", ["/vo/a", "/vo/b"], ("/vo/b",), {"/vo/a": 1}])
FLAG = st.booleans()

WAYS = {
    "JobReport": Way(
        st.one_of(
            step("setApplicationStatus", SOME, FLAG),
            step("setJobStatus", st.sampled_from(["", "Running"]), TEXT, TEXT, FLAG),
            step("setJobParameter", NAME, VALUE, FLAG),
            step("setJobParameters", st.lists(st.tuples(NAME, VALUE), max_size=2), FLAG),
            step("setJob", st.just(77)),
            *map(step, ("sendStoredStatusInfo", "sendStoredJobParameters", "commit", "generateForwardDISET")),
        ),
        lambda report: (report.statuses, report.job_statuses, report.parameters),
        of_history,
        lambda report: (
            report.jobID,
            report.source,
            [pair for *pair, _ in report.jobStatusInfo],
            [text for text, _ in report.appStatusInfo],
            report.jobParameters,
        ),
        frozenset(FAKES["JobReport"].__dict__) - {"setJob", "commit", "generateForwardDISET"},
    ),
    "FileReport": Way(
        st.one_of(
            step("setFileStatus", st.sampled_from([12]), LFNS, STATUS, FLAG),
            step("setCommonStatus", STATUS),
            *map(step, ("getFiles", "commit", "generateForwardDISET")),
        ),
        lambda report: {"/vo/a": "Assigned", "/vo/b": "Assigned", **report.files},
        lambda world: world.transformation.statuses(12),
        lambda report: (report.statusDict, report.transformation, report.force),
        frozenset({"setFileStatus", "commit"}),
    ),
    "DataStoreClient": Way(
        st.one_of(
            step("addRegister", st.builds(Record, st.integers(0, 9), good=FLAG) | st.just(5)),
            *map(step, ("commit", "delayedCommit", "disableFailover")),
        ),
        lambda client: [values for *_, values in client.records],
        lambda world: [values for *_, values in world.accounting.records()],
        lambda client: client._DataStoreClient__registersList,
    ),
    "JobStateUpdateClient": Way(
        st.one_of(
            step("setJobStatus", st.just(77), st.sampled_from(["", "Running", "Completing"]), TEXT),
            step("setJobStatusBulk", st.just(77), st.just({"2026-01-01 12:00:00": {"MinorStatus": "x"}}), FLAG),
            step("setJobApplicationStatus", st.just(77), TEXT, TEXT),
            step("setJobParameter", st.just(77), NAME, TEXT),
            step("setJobParameters", st.just("77"), st.lists(st.tuples(NAME, TEXT))),
            step("setJobsParameter", st.just({"77": ("Host", "node3")})),
            step("sendHeartBeat", st.just(77), st.just({"Load": 1}), st.just({"Host": "node2"})),
        ),
        lambda client: (client.statuses[77], client.parameters.get(77, {})),
        lambda world: (world.job_state.status(77), world.job_state.parameters(77)),
        lambda _: None,
    ),
}


def shown(way, method, answer):
    """What the caller sees of an answer; not the stub, nor a call stack, and only the caller's own Value."""
    if not isinstance(answer, dict) or "OK" not in answer:
        return answer
    hidden = {"rpcStub", "CallStack", "ExecInfo"}
    if method in way.service_says and answer.get("Value") != "Empty":
        hidden.add("Value")
    return {key: value for key, value in answer.items() if key not in hidden}


def play(way, client, steps):
    """Make the calls; after each, note its answer and what waits."""
    return [
        (shown(way, method, getattr(client, method)(*args)), copy.deepcopy(way.waiting(client)))
        for method, args in steps
    ]


@pytest.mark.parametrize("name", WAYS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_calls_do_the_same_to_both(name, implementation, monkeypatch, data):
    """Answers, what waits after each call, and what has arrived in the end."""
    monkeypatch.setattr(threading, "Timer", Impatient)
    way = WAYS[name]
    steps = data.draw(st.lists(way.steps, max_size=7))
    if sends_any_number(implementation):
        steps = [step for step in steps if not re.search("nan|inf", repr(step), re.IGNORECASE)]
    with healthy(implementation) as world:
        arguments = (77,) if name == "JobReport" else ()
        fake = FAKES[name](*arguments)
        assert play(way, fake, steps) == play(way, getattr(implementation, name)(*arguments), steps)
        assert way.arrived(fake) == way.of_world(world)
    assert fake.journal.methods() == [f"{fake.name}.{method}" for method, _ in steps]


def written(kind):
    """The methods of a class that are written there; those that DIRAC makes of its services take anything."""
    return {
        name
        for name in methods_of(kind)
        if name in vars(kind) and "*" not in str(inspect.signature(getattr(kind, name))).replace("**", "")
    }


@pytest.mark.parametrize("name", FAKES)
def test_names_and_defaults_of_arguments_are_those_of_the_client(name, implementation):
    """Of every method that the client itself has; those of its service are called by position."""
    fake, real = FAKES[name], getattr(implementation, name)
    for method in ["__init__", *written(real) & {*methods_of(fake)}]:
        mine, theirs = (
            [
                (item.name, item.default)
                for item in inspect.signature(getattr(kind, method)).parameters.values()
                if item.kind is not item.VAR_KEYWORD
            ]
            for kind in (fake, real)
        )
        if (name, method) == ("JobReport", "__init__"):
            assert mine.pop(1) == ("jobid", 77)  # the real one has no default
            assert theirs.pop(1) == ("jobid", inspect.Parameter.empty)
        assert mine == theirs, method


@pytest.mark.parametrize("name", ["JobReport", "FileReport", "DataStoreClient", "JobStateUpdateClient"])
def test_a_fake_has_every_method_of_the_client(name, implementation):
    """Of its class, and of none that it is derived from; of ReqClient, it has what jobs need."""
    more = MORE_METHODS.get(implementation.name, set()) if name == "DataStoreClient" else set()
    assert written(getattr(implementation, name)) - {*methods_of(FAKES[name])} == more


def test_of_one_moment_the_last_word_counts(implementation):
    """A service keeps one update of a moment: a status, a minor status, an application status."""
    now = datetime(2036, 1, 1)
    with healthy(implementation) as world, stopped(lambda: now, implementation):
        reports = implementation.JobReport(77), FakeJobReport()
        for report in reports:
            for said in (("Running", "a"), ("", "b"), ("Completing", "")):
                report.setJobStatus(*said, sendFlag=False)
            report.setApplicationStatus("one", sendFlag=False)
            assert report.setApplicationStatus("two")["OK"]
        assert of_history(world) == (["two"], [("Completing", "b")], {})
        assert (reports[1].statuses, reports[1].job_statuses) == (["two"], [("Completing", "b")])


def test_a_number_that_json_does_not_know_is_left_out(implementation):
    """NaN and infinity, of floats and of decimals, at any depth; what else there is goes. Earlier clients keep them."""
    bad = [math.nan, -math.inf, Decimal("NaN"), Decimal("1e999"), [Decimal("sNaN")], ({"a": {math.inf}},)]
    with healthy(implementation) as world:
        fake, real = FakeJobReport(), implementation.JobReport(77)
        if sends_any_number(implementation):
            real.setJobParameters(kept := [("bad", value) for value in bad], sendFlag=False)
            assert real.jobParameters == kept
            real.jobParameters.clear()
            bad = []
        for report in (fake, real):
            assert report.setJobParameters([*(("bad", value) for value in bad), ("good", 1.5)])["OK"]
        assert fake.parameters == world.job_state.parameters(77) == {"good": 1.5}


def test_without_a_job_nothing_is_sent(implementation):
    """Until it is asked for."""
    for report in (implementation.JobReport("0"), FakeJobReport("0", "me")):
        assert report.setApplicationStatus("one") == report.setJobParameter("a", 1) == {"OK": True, "Value": None}
        assert (len(report.appStatusInfo), report.jobParameters, report.jobID) == (1, [("a", 1)], 0)
    assert report.source == "me"
    report.commit()
    assert (report.statuses, report.parameters) == (["one"], {"a": 1})


def test_what_waits_can_be_printed(implementation, capsys):
    """DIRAC's client prints the same; that of the reference cannot print."""
    fake = FakeJobReport()
    printed = []
    for report in [fake] if implementation.name == "reference" else [fake, implementation.JobReport(77)]:
        report.setJobStatus("Running", "Uploading", "Step 1", sendFlag=False)
        report.setJobParameter("Host", "node1", sendFlag=False)
        for rows in (report.jobStatusInfo, report.appStatusInfo):
            rows[0] = (*rows[0][:-1], "noon")
        assert report.dump() is None
        printed.append(capsys.readouterr().out)
    assert printed[0] == (
        "Job status info:\nRunning              Uploading                      noon\n"
        "Application status info:\nStep 1               noon\n"
        "Job parameters:\nHost                 node1                         \n"
    )
    assert set(printed) == {printed[0]}


def request_of(implementation, name):
    request = implementation.Request()
    request.RequestName, request.JobID = name, 77
    operation = implementation.Operation()
    operation.Type, operation.Arguments = "ForwardDISET", "i1e"
    request.addOperation(operation)
    return request


def test_requests_come_back_from_both(implementation):
    """By number, with their status and their digest, until they are deleted; as copies, of their own class."""
    way = Way(None, None, None, None)
    with healthy(implementation) as world:
        found = []
        fake = FakeReqClient()
        for client in (fake, implementation.ReqClient()):
            said = [client.putRequest(request_of(implementation, name)) for name in ("one", "two")]
            said += [client.getRequestStatus("2"), client.getDigest(1), client.getRequestIDForName("two")]
            requests = [client.getRequest(1), client.peekRequest("2")]
            assert all(type(answer["Value"]) is implementation.Request for answer in requests)
            said += [{**answer, "Value": answer["Value"].RequestName} for answer in requests]
            said += [client.getRequest(9), client.deleteRequest("1"), client.peekRequest(1)]
            said += [client.putRequest(request_of(implementation, "three"), useFailoverProxy=False, retryMainService=2)]
            found.append([shown(way, "", answer) for answer in said])
        assert found[0] == found[1]
        kept = {number: text["RequestName"] for number, text in world.requests.stored().items()}
        assert (
            {number: request.RequestName for number, request in fake.requests.items()} == kept == {2: "two", 3: "three"}
        )
        assert len(fake.requests[2]) == 1


def test_a_request_that_is_no_json_is_not_put(implementation):
    """The answer is the request's own."""
    request = answering(implementation.Request(), answers={"toJSON": "s_error=disk"})
    fake = FakeReqClient()
    assert fake.putRequest(request)["Message"] == "disk"
    assert fake.requests == {}
    assert fake.getRequest() == {"OK": True, "Value": None}


def test_every_job_is_known():
    """A fake takes what is said of any, as does one that is called elsewhere, however it is to connect."""
    fake = FakeJobStateUpdateClient("Other/Place", useCertificates=True, timeout=5)
    assert fake.serverURL == "Other/Place"
    assert fake.setJobStatus(5, "Completing", datetime_=None, timeout=3)["OK"]
    assert fake.setJobParameter("6", "Host", "x")["OK"]
    assert fake.statuses[5] == ("Completing", "Application", "Unknown")
    assert fake.parameters == {6: {"Host": "x"}}
    assert FakeReqClient().serverURL == "RequestManagement/ReqManager"


# With answers


def test_a_job_report_keeps_what_was_not_sent():
    """An error or an exception sends nothing; an answer with a value sends all that waits."""
    report = FakeJobReport(
        answers={"setApplicationStatus": ["s_error", "raises=KeyError:x", "ok=5"], "setJobParameter": "bad_shape=1"}
    )
    assert not report.setApplicationStatus("one")["OK"]
    with pytest.raises(KeyError):
        report.setApplicationStatus("two")
    assert report.setJobParameter("n", 1) == 1
    assert report.held == {"jobID": 77, "statuses": ["one", "two"], "parameters": [["n", 1]]}
    assert report.setApplicationStatus("three") == {"OK": True, "Value": 5}
    assert (report.statuses, report.parameters) == (["one", "two", "three"], {})
    assert report.held == {"jobID": 77, "statuses": [], "parameters": [["n", 1]]}


def test_what_is_not_to_be_sent_waits_whatever_the_answer():
    """The flag counts; parameters can be given together."""
    report = FakeJobReport(answers={"setJobParameters": ["ok=3", "s_error", "ok"], "setApplicationStatus": ["ok"]})
    assert report.setJobParameters([("a", 1)], sendFlag=False) == {"OK": True, "Value": 3}
    assert not report.setJobParameters([("b", 2)])["OK"]
    report.setApplicationStatus("one", False)
    assert report.held == {"jobID": 77, "statuses": ["one"], "parameters": [["a", 1], ["b", 2]]}
    report.setJobParameters(iter([("a", 3)]))
    assert report.parameters == {"a": 3, "b": 2}
    assert [call.args for call in report.journal][:2] == [([("a", 1)], False), ([("b", 2)], True)]


def test_a_file_report_has_only_what_it_took():
    """Its transformation is the first one that counts; a status that is not taken is not there."""
    report = FakeFileReport(answers={"setFileStatus": ["ok", "s_error", "ok"], "commit": ["s_error", "ok"]})
    report.setFileStatus(0, "/a", "x")
    assert not report.setFileStatus(5, "/b", "y", True)["OK"]
    report.setFileStatus(6, "/c", "z")
    assert not report.commit()["OK"]
    assert report.held == {"transformation": 6, "force": False, "statusDict": {"/a": "x", "/c": "z"}}
    assert report.getFiles() is not report.statusDict
    assert report.commit() == {"OK": True, "Value": {"/a": "x", "/c": "z"}}
    assert (report.files, report.statusDict) == ({"/a": "x", "/c": "z"}, {})
    assert FakeFileReport("Some/Server").commit() == {"OK": True, "Value": {}}


def test_no_fake_asks_itself():
    """An answer is for the caller of the method, so what a method does by itself is not answered."""
    report = FakeFileReport(answers={"commit": "s_error"})
    report.setFileStatus(12, "/a", "x", sendFlag=True)
    report.setFileStatus(12, "/b", "x")
    assert report.generateForwardDISET() == {"OK": True, "Value": None}
    assert report.files == {"/a": "x", "/b": "x"}
    assert report.journal.methods() == ["FileReport.setFileStatus"] * 2 + ["FileReport.generateForwardDISET"]


def test_an_accounting_client_keeps_records_until_they_are_sent():
    """How many they were is the Value; a fake takes the keywords of a connection."""
    client = FakeDataStoreClient(5, timeout=3, answers={"commit": ["s_error", "ok"]})
    for value in (1, 2):
        assert client.addRegister(Record(value)) == {"OK": True, "Value": None}
    assert not client.commit()["OK"]
    assert (client.held, client.records) == ({"records": 2}, [])
    assert client.commit() == {"OK": True, "Value": 2}
    assert client.records == [["StorageOccupancy", START, START, [*"abcd", size]] for size in (1, 2)]


def test_a_service_s_client_can_fail_too():
    """Then the service is not told."""
    client = FakeJobStateUpdateClient(answers={"setJobParameters": ["s_error", "ok=7"]})
    assert not client.setJobParameters(77, [("a", 1)])["OK"]
    assert client.parameters == {}
    assert client.setJobParameters(77, [("a", 1)]) == {"OK": True, "Value": 7}
    assert client.parameters == {77: {"a": 1}}
    fake = FakeReqClient(answers={"putRequest": "raises=OSError:gone"})
    with pytest.raises(OSError, match="gone"):
        fake.putRequest(None)
    assert fake.journal[0].args == (None, True, 0)


def test_fakes_can_share_a_script():
    """Its answers are those of clients by name, and its journal is theirs."""
    script = Script({"FileReport.commit": ["s_error"]}, Journal(), str)
    assert FakeJobReport(answers=script).commit()["OK"]
    assert not FakeFileReport(answers=script).commit()["OK"]
    assert script.journal.methods() == ["JobReport.commit", "FileReport.commit"]
    assert answering(Record(1), "Record", answers=script).checkValues()["OK"]


def test_fakes_can_share_a_journal():
    """It has every call in its order; without one, each has its own, that begins empty."""
    journal = Journal()
    FakeJobReport(journal=journal).setApplicationStatus("one")
    FakeFileReport(journal=journal).commit()
    assert journal.methods() == ["JobReport.setApplicationStatus", "FileReport.commit"]
    assert len(FakeJobReport().journal) == 0
