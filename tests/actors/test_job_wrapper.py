"""The JobWrapper merges, tries, and says what is pending; beside the real one in tests/live/test_chain.py."""

from __future__ import annotations

import json
from unittest.mock import Mock

import pytest

from dirac_failover import JobReport, connect
from dirac_failover.actors.job_wrapper import BrokenFileError, merged, request_files, send
from dirac_fakes import World

ONE = json.dumps({"RequestName": "a", "Operations": [{"Type": "ForwardDISET", "Arguments": "i1e"}]})
TWO = json.dumps({"Operations": [{"Type": "SetFileStatus", "Arguments": "i2e"}] * 2})


def test_only_files_of_that_name_are_taken():
    names = ["b_request.json", "a_request.json", ".a_request.json", "request.json", "a_request.json~"]
    assert request_files(names) == ["a_request.json", "b_request.json"]


def test_operations_of_all_files_are_one_request():
    """Name and owner of the files' requests are forgotten; the agent waits for three quarters of an hour."""
    request = merged(77, {"b_request.json": TWO, "a_request.json": ONE, "other": "{"})
    assert [operation.Type for operation in request] == ["ForwardDISET", "SetFileStatus", "SetFileStatus"]
    assert (request.RequestName, request.JobID, request.SourceComponent) == ("job_77", 77, b"Job_77")
    assert (request.NotBefore - request.CreationTime).seconds // 60 == 45


def test_a_file_that_is_no_request_is_named():
    with pytest.raises(BrokenFileError, match=r"breaks down on b_request\.json: Expecting") as error:
        merged(77, {"a_request.json": ONE, "b_request.json": "no"})
    assert isinstance(error.value.__cause__, json.JSONDecodeError)


@pytest.mark.parametrize(
    ("text", "faults", "ok", "put", "pending"),
    [
        ("{}", [], True, 0, False),
        (ONE, [], True, 1, True),
        (ONE, ["requests:first=9"], True, 10, True),
        (ONE, ["requests:down"], False, 10, False),
        (ONE, ["job-state:down"], True, 1, False),
        (ONE.replace("i1e", ""), [], False, 0, False),
    ],
    ids=["nothing", "taken", "tenth try", "never", "no parameter", "invalid"],
)
def test_a_request_is_tried_ten_times_and_a_parameter_tells_of_it(text, faults, ok, put, pending):
    world, slept = World(), []
    for fault in faults:
        world.arm(fault)
    with connect(world, owner="alice", group="vo_user", sleep=slept.append):
        answer = send(merged(77, {"a_request.json": text}), JobReport(77))
    assert answer["OK"] is ok
    assert world.journal.methods().count("requests.putRequest") == put
    assert ("PendingRequest" in world.job_state.parameters(77)) is pending
    if put == 10:
        assert slept[1::2] == [n**3 for n in range(10)][: len(slept) // 2]


def test_what_the_wrapper_could_not_say_is_in_its_request():
    world, report = World(), JobReport(77)
    world.arm("job-state:down")
    with connect(world, owner="alice", group="vo_user"):
        report.setApplicationStatus("x")
        send(merged(77, {}), report)
    (request,) = world.requests.stored().values()
    assert [operation["Type"] for operation in request["Operations"]] == ["ForwardDISET"]
    assert send(merged(77, {}), Mock(generateForwardDISET=lambda: {"OK": False}))["OK"]
