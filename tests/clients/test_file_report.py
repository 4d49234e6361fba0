"""What FileReport keeps, sends and turns into an operation, on the reference and on the real DIRAC."""

import pytest
from DIRACCommon.Core.Utilities.ReturnValues import S_OK

SERVICE = "Transformation/TransformationManager"


@pytest.fixture
def report(implementation, service):
    return implementation.FileReport()


def test_a_report_starts_empty(implementation):
    report = implementation.FileReport()
    assert (report.statusDict, report.transformation, report.force) == ({}, None, False)
    assert isinstance(report.transClient, implementation.TransformationClient)
    assert report.transClient.serverURL == SERVICE
    assert implementation.FileReport(server="X/Y").transClient.serverURL == "X/Y"


@pytest.mark.parametrize("lfns", [["/a", "/b"], ("/a", "/b"), {"/a": 1, "/b": 2}], ids=["list", "tuple", "dict"])
def test_the_last_status_of_each_file_is_kept_without_a_call(report, service, lfns):
    assert report.setCommonStatus("Unused") == S_OK()
    assert report.setFileStatus(12, lfns, "Processed") == S_OK()
    assert report.setFileStatus(12, "/b", "Problematic") == S_OK()
    assert report.getFiles() == {"/a": "Processed", "/b": "Problematic"}
    assert report.setCommonStatus("Unused") == S_OK()
    assert report.statusDict == {"/a": "Unused", "/b": "Unused"}
    assert service.calls == []


def test_the_first_transformation_named_stays(report):
    """A falsy one is not a name; later ones are ignored (H14)."""
    report.setFileStatus(0, "/a", "Processed")
    assert report.transformation == 0
    report.setFileStatus(5, "/a", "Processed")
    report.setFileStatus(12, "/a", "Processed")
    assert report.transformation == 5


def test_the_files_that_are_returned_are_a_deep_copy(report):
    report.setFileStatus(12, "/a", ["Processed"])
    files = report.getFiles()
    files["/a"].append("x")
    files["/b"] = "x"
    assert report.statusDict == {"/a": ["Processed"]}


def test_a_commit_sends_every_status_and_forgets_them(report, service):
    """The Value says what changed; a file that is in its status already, or is unknown, is in the dark (H6, H7)."""
    assert report.commit() == S_OK({})
    assert service.calls == []
    service.knows(("/a", "Assigned", 0), ("/b", "Processed", 0))
    report.setFileStatus(12, ["/a", "/b", "/c"], "Processed")
    assert report.commit() == S_OK({"/a": "Processed"})
    asked = {"TransformationID": 12, "LFN": ["/a", "/b", "/c"]}
    assert service.calls == [
        (SERVICE, "getTransformationFiles", (asked, None, None, "LastUpdate", *[None] * 4), 1800),
        (SERVICE, "setFileStatusForTransformation", (12, {100: ["Processed", False]}), 600),
    ]
    assert (report.statusDict, report.transformation) == ({}, 12)


def test_the_flag_commits_at_once_and_force_is_handed_on(report, service):
    service.knows(("/a", "Processed", 0))
    report.force = True
    assert report.setFileStatus(12, "/a", "Unused", sendFlag=True) == S_OK({"/a": "Unused"})


def test_statuses_that_were_not_taken_become_an_operation_and_stay(implementation, report, service):
    assert report.generateForwardDISET() == S_OK()
    service.refuses("getTransformationFiles")
    report.setFileStatus(12, ["/vo/a", "/vo/b"], "Processed")
    result = report.generateForwardDISET()
    assert result["OK"]
    assert isinstance(result["Value"], implementation.Operation)
    assert result["Value"].Type == "SetFileStatus"
    assert result["Value"].Arguments == (
        b"ds14:transformationi12es10:statusDictds5:/vo/as9:Processeds5:/vo/bs9:Processedes5:forceb0e"
    )
    assert report.statusDict == {"/vo/a": "Processed", "/vo/b": "Processed"}
    assert service.methods == ["getTransformationFiles"]
