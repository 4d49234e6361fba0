"""Clients on a world: the real DIRAC's and the reference's, under one body of tests."""

from __future__ import annotations

from datetime import datetime

import pytest

OWNER, GROUP = "alice", "vo_user"
PROXY = "https://proxy.invalid:8443/RequestManagement/ReqProxy"
OPTIONS = {"RequestManagement/ReqProxyURLs": PROXY}
LOOKS_UP = dict.fromkeys(("dirac-8.0", "ilcdirac"), "getTransformationFilesAsJsonString")
"""What DIRAC 8.0 asks the service for its files, which is another name of the method that DIRAC 9 asks for."""


@pytest.fixture
def connected(implementation, world):
    """The classes of an implementation, connected to the world as its owner."""
    # The job's times are the process's: the services must not be behind
    world.clock.start = None
    world.reset()
    with implementation.connect(world, owner=OWNER, group=GROUP, options=OPTIONS, sleep=world.clock.sleep):
        yield implementation


class BaseAccountingType:
    """The name that accounting clients look for among the ancestors of a record."""


class Record(BaseAccountingType):
    """An accounting record."""

    def checkValues(self):
        return {"OK": True, "Value": None}

    def getValues(self):
        start = datetime(2026, 1, 1)
        return ("StorageOccupancy", start, start, [*"abcd", 1])


def _request(implementation, name="n"):
    request = implementation.Request()
    request.RequestName = name
    operation = implementation.Operation()
    operation.Type, operation.Arguments = "ForwardDISET", "i1e"
    request.addOperation(operation)
    return request


def test_a_job_report_arrives(connected, world):
    """Statuses change the job, parameters are kept."""
    report = connected.JobReport(77)
    assert report.setApplicationStatus("Step 1")["OK"]
    assert report.setJobStatus("Completing", "Uploading")["OK"]
    assert report.setJobParameter("Host", "node1")["OK"]
    assert world.job_state.status(77) == ("Completing", "Uploading", "Step 1")
    assert world.job_state.snapshot()["parameters"]["77"]["Host"] == "node1"
    sources = [row["StatusSource"] for row in world.job_state.state["history"][77]]
    assert sources[1:] == ["Job_77"] * (len(sources) - 1)


def test_an_unsent_job_report_becomes_an_operation(connected, world):
    """It repeats the call that was refused: here it does so."""
    world.job_state.down()
    report = connected.JobReport(77)
    assert not report.setApplicationStatus("Step 1")["OK"]
    operation = report.generateForwardDISET()["Value"]
    (service, _), method, args = connected.DEncode.decode(operation.Arguments)[0]
    world.recover()
    assert world.job_state.status(77)[2] == "Unknown"
    assert world(service, method, tuple(args))["OK"]
    assert world.job_state.status(77)[2] == "Step 1"


def test_an_error_without_stub_becomes_no_operation(connected, world):
    """There is nothing to repeat."""
    world.arm("job-state:s_error=boom;stub=no")
    report = connected.JobReport(77)
    report.setApplicationStatus("Step 1", sendFlag=False)
    assert not report.generateForwardDISET()["OK"]


@pytest.mark.parametrize("current", ["Assigned", "Processed"])
def test_a_file_report_obeys_the_state_of_the_files(connected, world, current):
    """What is Processed stays so, an error is counted, an unknown file is skipped."""
    world.transformation.add(5, {"/vo/x": {"Status": current}})
    report = connected.FileReport()
    report.setFileStatus(5, ["/vo/x", "/vo/unknown"], "Unused")
    assert report.commit()["OK"]
    changed = current == "Assigned"
    assert world.transformation.statuses(5) == {"/vo/x": "Unused" if changed else current}
    (row,) = world.transformation.state["files"][5].values()
    assert row["ErrorCount"] == int(changed)
    methods = [LOOKS_UP.get(connected.name, "getTransformationFiles"), "setFileStatusForTransformation"]
    assert world.journal.methods() == [f"transformation.{method}" for method in methods[: 1 + changed]]


def test_a_file_with_too_many_errors_is_out(connected, world):
    """The tenth error makes MaxReset."""
    world.transformation.add(5, {"/vo/x": {"ErrorCount": 10}})
    report = connected.FileReport()
    report.setFileStatus(5, "/vo/x", "Unused")
    assert report.commit()["Value"] == {"/vo/x": "MaxReset"}
    assert world.transformation.statuses(5) == {"/vo/x": "MaxReset"}


def test_accounting_records_arrive(connected, world):
    """With times in seconds."""
    client = connected.DataStoreClient()
    assert client.addRegister(Record())["OK"]
    assert client.commit() == {"OK": True, "Value": 1}
    assert world.accounting.records() == [["StorageOccupancy", 1767225600, 1767225600, [*"abcd", 1]]]


def test_accounting_fails_over_into_a_request(connected, world):
    """Its operation holds the bundle."""
    world.accounting.down()
    client = connected.DataStoreClient(retryGraceTime=-1)
    client.addRegister(Record())
    assert client.commit()["OK"]
    (request,) = world.requests.stored().values()
    assert request["Owner"] == OWNER
    (_, _), method, args = connected.DEncode.decode(request["Operations"][0]["Arguments"].encode())[0]
    assert (method, args[0][0][0]) == ("commitRegisters", "StorageOccupancy")


def test_a_request_is_put_and_had_back(connected, world):
    """By its ID, as the object that was put."""
    client = connected.ReqClient()
    request = _request(connected)
    assert client.putRequest(request)["Value"] == 1
    found = client.getRequest(1)["Value"]
    assert (found.RequestName, found.Owner, found.OwnerGroup) == ("n", OWNER, GROUP)
    assert found[0].Type == "ForwardDISET"
    assert world.requests.state["requests"][1]["Status"] == "Assigned"


def test_a_proxy_takes_what_the_service_does_not(connected, world):
    """The client sleeps on the world's clock, and the next sweep brings the request home."""
    world.requests.down()
    assert connected.ReqClient().putRequest(_request(connected))["Value"] == {"set": False, "saved": True}
    assert 1 <= world.clock.slept <= 5
    world.recover()
    assert world.request_proxy.sweep() == 1
    assert world.requests.stored()[1]["RequestName"] == "n"


def test_without_anybody_a_request_is_not_taken(connected, world):
    """The failure says what each of them answered."""
    world.requests.down()
    world.request_proxy.down()
    failure = connected.ReqClient().putRequest(_request(connected))
    assert not failure["OK"]
    assert "Connection refused" in failure["RequestManager"]
    assert "Connection refused" in failure[f"RequestProxy({PROXY})"]
    assert world.requests.stored() == {}
