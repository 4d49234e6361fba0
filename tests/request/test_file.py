"""What a file of an operation holds and refuses, on the reference and on the real DIRAC."""

import re

import pytest

GUID = "01234567-89ab-CDEF-0123-456789abcdef"
ATTRIBUTES = ["Status", "LFN", "PFN", "ChecksumType", "Checksum", "GUID", "Attempt", "Size", "Error"]


def refused(file, name, value, error, text):
    """Assert that an attribute cannot be set, and keeps its value."""
    before = getattr(file, name)
    with pytest.raises(error, match=rf"^{re.escape(text)}\Z"):
        setattr(file, name, value)
    assert getattr(file, name) == before


def test_a_new_file_waits_and_knows_nothing(implementation):
    file = implementation.File()
    found = {name: getattr(file, name) for name in ATTRIBUTES}
    assert found == {**dict.fromkeys(ATTRIBUTES), "Status": "Waiting", "Attempt": 0, "Size": 0}
    assert file._parent is None
    assert not hasattr(file, "FileID")
    assert not hasattr(file, "OperationID")


def test_the_lfn_is_an_absolute_path(implementation):
    file = implementation.File({"LFN": "/a"})
    refused(file, "LFN", "b", ValueError, "LFN should be an absolute path!")
    refused(file, "LFN", 5, TypeError, "LFN has to be a string!")


@pytest.mark.parametrize(
    "guid",
    [
        GUID, GUID.upper(), "zzzzzzzz-zzzz-zzzz-zzzz-zzzzzzzzzzzz", GUID + "\n", "", None, 0,
        "1234567\n-1234-1234-1234-123456789012",
    ],
)  # fmt: skip
def test_guids_that_are_taken(implementation, guid):
    """Any characters in parts of the right lengths, a line end behind real digits, and anything falsy."""
    file = implementation.File()
    file.GUID = guid
    assert guid == file.GUID


@pytest.mark.parametrize(
    "guid",
    [
        "abc", GUID + "0", "0" + GUID, GUID.replace("-", ""), GUID + "-", "z" + GUID[1:] + "\n", "-" + GUID[1:],
        GUID[:-1] + "-",
    ],
)  # fmt: skip
def test_guids_that_are_refused(implementation, guid):
    refused(implementation.File(), "GUID", guid, ValueError, f"'{guid}' is not a valid GUID!")
    refused(implementation.File(), "GUID", 5, TypeError, "GUID should be a string!")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("ADLER32", "ADLER32"), (" adler32 ", "ADLER32"), ("ad", "ADLER32"), ("Md5", "MD5"), ("SHA1", "SHA1"),
        ("", ""), (None, ""),
    ],
)  # fmt: skip
def test_checksum_types(implementation, given, kept):
    file = implementation.File()
    file.ChecksumType = given
    assert file.ChecksumType == kept
    refused(file, "ChecksumType", " crc ", ValueError, "unknown checksum type:  crc ")


@pytest.mark.parametrize("status", ["Waiting", "Failed", "Done", "Scheduled"])
def test_a_file_takes_its_statuses_and_done_clears_the_error(implementation, status):
    file = implementation.File()
    file.Error = "bad"
    file.Status = status
    assert (file.Status, file.Error) == (status, "" if status == "Done" else "bad")
    for other in ("Queued", "Assigned", "Canceled", "", None):
        refused(file, "Status", other, ValueError, f"Unknown Status: {other}!")


def test_a_new_status_dates_the_operation_and_the_request(clock, operation, request_of):
    held = operation("RemoveFile", "/a", "/b")
    request = request_of(held)
    clock.tick()
    held[0].Status = "Waiting"
    assert held.LastUpdate != clock.second
    assert request.LastUpdate != clock.second
    held[0].Status = "Scheduled"
    assert (held.LastUpdate, request.LastUpdate) == (clock.second, clock.second)
    assert (held.Status, request.Status) == ("Scheduled", "Scheduled")


def test_the_same_status_again_still_counts_the_files(operation):
    held = operation("RemoveFile", "/a")
    held[0].Status = "Done"
    held.Error = "bad"
    held[0].Status = "Done"
    assert (held.Status, held.Error) == ("Done", "")
