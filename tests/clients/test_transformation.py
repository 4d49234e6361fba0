"""How TransformationClient looks files up and decides what becomes of them, on the reference and on the real DIRAC."""

import json

import pytest
from DIRACCommon.Core.Utilities.ReturnValues import S_ERROR, S_OK

SERVICE = "Transformation/TransformationManager"
BAD = {"OK": False, "Message": "bad", "Errno": 3, "More": 1}


@pytest.fixture
def client(implementation, service):
    """A client with the default options."""
    return implementation.TransformationClient()


def inner(value):
    """The service's answer: JSON text of a second return structure."""
    return S_OK(json.dumps(value))


# Options


@pytest.mark.parametrize(("text", "counter"), [("3", 3), (" 7 ", 7), ("-2", -2), ("x", 10), ("2.5", 10), ("", 10)])
def test_the_counter_of_resets_is_an_option_that_is_read_when_the_client_is_made(
    implementation, service, text, counter
):
    with service.connected(FilesMaxResetCounter=text):
        client = implementation.TransformationClient()
    assert client.maxResetCounter == counter
    assert implementation.TransformationClient().maxResetCounter == 10


# Looking up without LFNs


def test_without_lfns_everything_is_asked_for_in_one_call(client, service):
    service.answers["getTransformationFiles"] = [inner({"OK": True, "Value": [{"LFN": "/a"}], "Records": [1]})]
    result = client.getTransformationFiles({"TransformationID": 12}, 1, 2, "T", "O", 3, 4, 5, 6, ["LFN"])
    assert result == client.getTransformationFiles() == S_OK([{"LFN": "/a"}])
    assert service.calls == [
        (SERVICE, "getTransformationFiles", ({"TransformationID": 12}, 1, 2, "T", "O", 5, 6, ["LFN"]), 4),
        (SERVICE, "getTransformationFiles", ({}, None, None, "LastUpdate", None, 0, None, None), 1800),
    ]


@pytest.mark.parametrize("conditions", [{"TransformationID": 12}, {"LFN": ["/a"]}], ids=["all", "LFN"])
def test_a_failed_call_is_not_repeated(client, service, conditions):
    service.refuses("getTransformationFiles")
    result = client.getTransformationFiles(conditions)
    assert (result["OK"], result["Message"], len(service.calls)) == (False, "down", 1)
    assert "rpcStub" in result


def test_without_lfns_an_inner_error_is_returned_at_once_as_it_is(client, service):
    service.answers["getTransformationFiles"] = [inner(BAD)]
    assert client.getTransformationFiles() == BAD
    assert len(service.calls) == 1


# Looking up LFNs


def ask_for(client, service, count, **arguments):
    """Look up ``count`` LFNs in reverse order; return the chunks of LFNs that were asked for, and the result."""
    service.answers["getTransformationFiles"] = [lambda condition, *_: inner({"OK": True, "Value": condition["LFN"]})]
    conditions = {"TransformationID": 12, "LFN": [f"/{number:05}" for number in reversed(range(count))]}
    result = client.getTransformationFiles(conditions, **arguments)
    return [call.args[0]["LFN"] for call in service.calls], result


def test_the_chunks_limit_and_the_offset_can_be_given(client, service):
    chunks, result = ask_for(client, service, 5, limit=2, offset=1, columns=["LFN"], older=1, newer=2)
    assert chunks == [["/00001", "/00002"], ["/00003", "/00004"]]
    assert result["Value"] == ["/00001", "/00002", "/00003", "/00004"]
    assert service.calls[0].args[1:] == (1, 2, "LastUpdate", None, None, None, ["LFN"])
    assert service.calls[0].timeout == 1800


@pytest.mark.parametrize(("maxfiles", "calls"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (6, 3), (0, 3)])
def test_no_more_chunks_are_asked_for_when_there_are_enough_files(client, service, maxfiles, calls):
    """Surplus files are cut off; 0 means no limit."""
    chunks, result = ask_for(client, service, 5, limit=2, maxfiles=maxfiles)
    assert len(chunks) == calls
    assert len(result["Value"]) == (min(maxfiles, 5) if maxfiles else 5)


def test_a_single_lfn_can_be_a_text(client, service):
    service.knows()
    client.getTransformationFiles({"LFN": "/a"}, timeout=0, timeStamp="T", orderAttribute="O")
    assert service.calls == [
        (SERVICE, "getTransformationFiles", ({"LFN": ["/a"]}, None, None, "T", "O", None, None, None), 600)
    ]


def test_the_caller_s_condition_keeps_the_last_chunk(client, service):
    """DIRAC changes the dict that it was given."""
    service.knows()
    conditions = {"LFN": ["/c", "/b", "/a"]}
    client.getTransformationFiles(conditions, limit=2)
    assert conditions == {"LFN": ["/c"]}


def test_each_chunk_is_tried_five_times_when_there_is_an_inner_error(client, service):
    good = inner(S_OK([1]))
    service.answers["getTransformationFiles"] = [*[inner(BAD)] * 4, good, *[inner(BAD)] * 4, good]
    assert client.getTransformationFiles({"LFN": ["/a", "/b"]}, limit=1) == S_OK([1, 1])
    assert len(service.calls) == 10
    service.answers["getTransformationFiles"] = [inner(BAD)]
    assert client.getTransformationFiles({"LFN": ["/a", "/b"]}, limit=1) == BAD
    assert [call.args[0]["LFN"] for call in service.calls[10:]] == [["/a"]] * 5
    assert service.naps == []


def test_a_failed_call_ends_the_tries(client, service):
    service.answers["getTransformationFiles"] = [inner(BAD), S_ERROR("down")]
    assert client.getTransformationFiles({"LFN": ["/a"]})["Message"] == "down"
    assert len(service.calls) == 2


@pytest.mark.parametrize(
    ("answer", "exception"),
    [
        ({"OK": True, "Value": [1]}, TypeError), ({"OK": True, "Value": None}, TypeError),
        ({"OK": True, "Value": "not JSON"}, ValueError), ({"OK": True}, KeyError), ({}, KeyError),
        (None, TypeError), (inner(None), TypeError), (inner({"OK": True}), KeyError),
        (inner({"OK": True, "Value": None}), TypeError), (inner({"OK": False}), KeyError),
    ],
    ids=repr,
)  # fmt: skip
def test_a_malformed_answer_raises(client, service, answer, exception):
    service.answers["getTransformationFiles"] = [answer]
    with pytest.raises(exception):
        client.getTransformationFiles({"LFN": ["/a"]})
    assert len(service.calls) == 1


# Setting statuses


@pytest.mark.parametrize(
    "arguments", [(), ({},), (None, ["/a"]), ("Unused",), ("Unused", []), ("Unused", None), ("Unused", "")]
)
def test_with_nothing_to_set_there_is_no_call(client, service, arguments):
    assert client.setFileStatusForTransformation(12, *arguments) == S_OK({})
    assert client.setFileStatusForTransformation(12, lfns=["/a"]) == S_OK({})
    assert service.calls == []


@pytest.mark.parametrize("status", ["Problematic", ""])
@pytest.mark.parametrize("lfns", ["/a", ["/a"], ("/a",), {"/a"}], ids=repr)
def test_one_status_can_be_given_for_several_files(client, service, lfns, status):
    service.knows(("/a", "Unused", 0))
    assert client.setFileStatusForTransformation(12, status, lfns) == S_OK({"/a": status})
    assert service.calls[0].args[0] == {"TransformationID": 12, "LFN": ["/a"]}


def test_files_that_change_are_updated_by_their_numbers_and_whether_an_error_counts(client, service):
    service.knows(("/a", "Assigned", 0), ("/b", "Unused", 0), ("/c", "Assigned", 0))
    wanted = {"/c": "Processed", "/x": "Processed", "/b": "Unused", "/a": "Unused"}
    service.answers["setFileStatusForTransformation"] = [S_OK("what the update answers is passed over")]
    result = client.setFileStatusForTransformation("name", wanted)
    assert result == S_OK({"/c": "Processed", "/a": "Unused"})
    assert list(result["Value"]) == ["/c", "/a"]
    asked = {"TransformationID": "name", "LFN": ["/a", "/b", "/c", "/x"]}
    changes = {102: ["Processed", False], 100: ["Unused", True]}
    assert service.calls == [
        (SERVICE, "getTransformationFiles", (asked, None, None, "LastUpdate", *[None] * 4), 1800),
        (SERVICE, "setFileStatusForTransformation", ("name", changes), 600),
    ]


# The rules: the region "files" of the space has files of every kind


@pytest.mark.parametrize(
    ("current", "errors", "wanted", "becomes"),
    [
        ("Processed", 0, "Unused", None), ("Processed", 3, "Problematic", None), ("Unused", 6, "Unused", "MaxReset"),
        ("MaxReset", 0, "Unused", None), ("MaxReset", 0, "Processed", "Processed"), ("Assigned", 0, "Unused", "Unused"),
        ("Assigned", 2, "Unused", "Unused"), ("Assigned", 3, "Unused", "MaxReset"), ("Assigned", 3, "Other", "Other"),
    ],
)  # fmt: skip
def test_processed_stays_and_a_file_that_failed_too_often_is_not_reset_unless_by_force(
    implementation, service, current, errors, wanted, becomes
):
    with service.connected(FilesMaxResetCounter="3"):
        rule = implementation.TransformationClient()._applyTransformationFilesStateMachine
    files, asked = {"/a": [current, errors, 100]}, {"/a": wanted, "/unknown": "Unused"}
    assert rule(files, asked, False) == ({"/a": becomes} if becomes else {})
    assert rule(files, asked, True) == ({} if wanted == current else {"/a": wanted})


def test_an_experiment_can_have_its_own_rules(implementation, service):
    class Client(implementation.TransformationClient):
        def _applyTransformationFilesStateMachine(self, tsFilesAsDict, dictOfProposedLFNsStatus, force):
            assert tsFilesAsDict == {"/a": ["Processed", 3, 100]}
            return {lfn: f"{status}-{force}" for lfn, status in dictOfProposedLFNsStatus.items()}

        def _wasFileInError(self, newStatus, currentStatus):
            return f"{newStatus}<{currentStatus}"

    service.knows(("/a", "Processed", 3))
    result = Client().setFileStatusForTransformation(12, {"/a": "Unused"}, force="f")
    assert result == {"OK": True, "Value": {"/a": "Unused-f"}}
    assert service.calls[1].args == (12, {100: ["Unused-f", "Unused-f<Processed"]})
