"""What FileReport keeps, sends and turns into an operation, on the reference and on the real DIRAC."""

import pytest

SERVICE = "Transformation/TransformationManager"


@pytest.fixture
def report(kit, service):
    """An empty report."""
    return kit.FileReport()


def test_a_report_starts_empty(kit):
    report = kit.FileReport()
    assert (report.statusDict, report.transformation, report.force) == ({}, None, False)
    assert isinstance(report.transClient, kit.TransformationClient)
    assert report.transClient.serverURL == SERVICE
    assert kit.FileReport(server="X/Y").transClient.serverURL == "X/Y"


@pytest.mark.parametrize("lfns", [["/a", "/b"], ("/a", "/b"), {"/a": 1, "/b": 2}], ids=["list", "tuple", "dict"])
def test_several_files_can_be_given_one_status(report, lfns):
    assert report.setFileStatus(12, lfns, "Processed") == {"OK": True, "Value": None}
    assert report.statusDict == {"/a": "Processed", "/b": "Processed"}


def test_a_status_is_kept_and_the_last_one_counts(report, service):
    assert report.setFileStatus(12, "/a", "Unused") == {"OK": True, "Value": None}
    report.setFileStatus(12, "/b", "Problematic")
    report.setFileStatus(12, "/a", "Processed")
    assert report.getFiles() == {"/a": "Processed", "/b": "Problematic"}
    assert service.calls == []


def test_the_first_transformation_named_stays(report):
    """A falsy one is not a name; later ones are ignored (H14)."""
    report.setFileStatus(0, "/a", "Processed")
    assert report.transformation == 0
    report.setFileStatus(5, "/a", "Processed")
    report.setFileStatus(12, "/a", "Processed")
    assert report.transformation == 5


def test_the_files_that_are_returned_are_a_copy(report):
    status = ["Processed"]
    report.setFileStatus(12, "/a", status)
    files = report.getFiles()
    files["/a"].append("x")
    files["/b"] = "x"
    assert report.statusDict == {"/a": ["Processed"]}


def test_a_common_status_replaces_that_of_every_file(report):
    assert report.setCommonStatus("Unused") == {"OK": True, "Value": None}
    report.setFileStatus(12, ["/a", "/b"], "Processed")
    assert report.setCommonStatus("Unused") == {"OK": True, "Value": None}
    assert report.statusDict == {"/a": "Unused", "/b": "Unused"}


def test_an_empty_report_commits_without_a_call(report, service):
    assert report.commit() == {"OK": True, "Value": {}}
    assert service.calls == []


def test_a_commit_sends_every_status_and_forgets_them(report, service, files_are):
    """The Value says what changed; a file that is in its status already, or is unknown, is in the dark (H6, H7)."""
    service.answers["getTransformationFiles"] = [files_are(("/a", "Assigned", 0), ("/b", "Processed", 0))]
    report.setFileStatus(12, ["/a", "/b", "/c"], "Processed")
    assert report.commit() == {"OK": True, "Value": {"/a": "Processed"}}
    assert service.calls == [
        (
            SERVICE,
            "getTransformationFiles",
            ({"TransformationID": 12, "LFN": ["/a", "/b", "/c"]}, *(None, None, "LastUpdate", None, None, None, None)),
            1800,
        ),
        (SERVICE, "setFileStatusForTransformation", (12, {100: ["Processed", False]}), 600),
    ]
    assert report.statusDict == {}
    assert report.transformation == 12


def test_the_flag_commits_at_once(report, service, files_are):
    service.answers["getTransformationFiles"] = [files_are(("/a", "Assigned", 0))]
    assert report.setFileStatus(12, "/a", "Processed", sendFlag=True) == {"OK": True, "Value": {"/a": "Processed"}}


def test_force_is_handed_on(report, service, files_are):
    service.answers["getTransformationFiles"] = [files_are(("/a", "Processed", 0))]
    report.setFileStatus(12, "/a", "Unused")
    report.force = True
    assert report.commit() == {"OK": True, "Value": {"/a": "Unused"}}


@pytest.mark.parametrize("method", ["getTransformationFiles", "setFileStatusForTransformation"])
def test_what_was_not_taken_stays(report, service, files_are, error, method):
    service.answers["getTransformationFiles"] = [files_are(("/a", "Assigned", 0))]
    service.answers[method] = [error("down")]
    report.setFileStatus(12, "/a", "Processed")
    assert report.commit()["Message"] == "down"
    assert report.statusDict == {"/a": "Processed"}


def test_no_operation_is_needed_when_the_statuses_are_taken(report, service, files_are):
    assert report.generateForwardDISET() == {"OK": True, "Value": None}
    service.answers["getTransformationFiles"] = [files_are(("/a", "Assigned", 0))]
    report.setFileStatus(12, "/a", "Processed")
    assert report.generateForwardDISET() == {"OK": True, "Value": None}
    assert report.statusDict == {}


def test_statuses_that_were_not_taken_become_an_operation_and_stay(kit, report, service, error):
    service.answers["getTransformationFiles"] = [error("down")]
    report.setFileStatus(12, ["/vo/a", "/vo/b"], "Processed")
    result = report.generateForwardDISET()
    assert result["OK"]
    assert isinstance(result["Value"], kit.Operation)
    assert result["Value"].Type == "SetFileStatus"
    assert result["Value"].Arguments == (
        b"ds14:transformationi12es10:statusDictds5:/vo/as9:Processeds5:/vo/bs9:Processedes5:forceb0e"
    )
    assert report.statusDict == {"/vo/a": "Processed", "/vo/b": "Processed"}
    assert service.methods == ["getTransformationFiles"]
