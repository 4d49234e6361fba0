"""How a story is told: what is laid out, asked and written down, whoever asks in whatever order."""

from __future__ import annotations

import json

import pytest

from dirac_failover.spec.model.run import FRESH, ModelRun, as_text, number_operations, operation
from dirac_failover.spec.observation import Call
from dirac_failover.spec.profiles import DIRAC_8_0, DIRAC_9_1, ILCDIRAC_35_0, LHCBDIRAC_12_0
from dirac_failover.spec.scenario import Scenario

SCRIPTED = dict.fromkeys(("JobReport", "FileReport", "AccountingReport", "Request"), "scripted")
OK = {"OK": True, "Value": None}


def job(profile=DIRAC_9_1, **fields):
    """A job with scripted collaborators."""
    return ModelRun(Scenario(**{"collaborators": SCRIPTED, **fields}), profile)


def observed(one):
    """What can be observed of it now."""
    return one.outcome("returned", None)


NEW = {
    "production_id": 0, "prod_job_id": 0, "jobID": 0, "step_number": 0, "step_id": 0, "jobType": "", "executable": "",
    "command": None, "applicationName": "", "applicationVersion": "", "applicationLog": "applicationLog.txt",
    "stepName": "", "inputDataType": "", "InputData": [], "inputDataList": [], "stepInputData": [], "appSteps": [],
    "outputDataFileMask": [], "workflowStatus": {}, "stepStatus": {},
}  # fmt: skip


def test_a_new_module_has_these_attributes_in_this_order():
    """The scenario may preset them and no others; a profile may have other values."""
    assert list(FRESH.items()) == list(NEW.items())
    assert job(attributes={}).attributes == NEW
    assert job(attributes={"STEP_NUMBER": "1", "jobID": 5}).attributes == NEW | {"jobID": 5}
    assert job(ILCDIRAC_35_0, attributes={"jobID": 5}).attributes["jobID"] == 5
    assert job(ILCDIRAC_35_0, attributes={}).attributes["jobID"] == ""
    assert FRESH["jobID"] == 0


def test_the_scenario_says_what_is_in_the_workflow():
    """And the profile, what its module needs beyond that."""
    assert job().commons == {"PRODUCTION_ID": "00000012", "JOB_ID": "00000034"}
    assert job(DIRAC_8_0).profile is DIRAC_8_0
    assert job(LHCBDIRAC_12_0, workflow_commons={}).commons == {"JobType": "MCSimulation"}
    assert job(LHCBDIRAC_12_0, workflow_commons={"JobType": "Merge"}).commons == {"JobType": "Merge"}


def test_hooks_and_questions_are_written_down_in_order():
    """A hook has neither arguments nor answer; a question has both."""
    one = job(answers={"JobReport.commit": ("s_error=no",)})
    one.hook("_execute")
    one.ask("JobReport", "commit", ("a", 1), None)
    one.ask("FileReport", "getFiles", (), {}, bare=True)
    assert one.ask("FileReport", "commit", ()) == OK
    assert one.steps == [
        Call("module", "_execute", [], None), Call("JobReport", "commit", ["a", 1], "s_error=no"),
        Call("FileReport", "getFiles", [], "ok"), Call("FileReport", "commit", [], "ok"),
    ]  # fmt: skip
    assert observed(one).steps == tuple(one.steps)


@pytest.mark.parametrize(("target", "text", "answer", "bare", "applied"), [
    ("JobReport", "ok", {"OK": True, "Value": "healthy"}, "healthy", True),
    ("JobReport", "ok=[1]", {"OK": True, "Value": [1]}, [1], True),
    ("JobReport", 'other="x=y"', {"OK": True, "Value": "x=y"}, "x=y", False),
    ("JobReport", "other", {"OK": True, "Value": "healthy"}, "healthy", False),
    ("JobReport", "s_error", {"OK": False, "Errno": 0, "Message": "refused"}, None, False),
    ("JobReport", "s_error=a=b", {"OK": False, "Errno": 0, "Message": "a=b"}, None, False),
    ("JobReport", 'bad_shape={"OK": 1}', {"OK": 1}, None, False),
    ("JobReport", "operation", {"OK": True, "Value": operation("ForwardDISET", "job report")},
     operation("ForwardDISET", "job report"), False),
    ("FileReport", "operation", {"OK": True, "Value": operation("SetFileStatus", "file report")},
     operation("SetFileStatus", "file report"), False),
])  # fmt: skip
def test_an_answer_is_what_its_text_says(target, text, answer, bare, applied):
    """An error and a bad shape are what they are; other answers are values, in a return structure or bare."""
    one = job(answers={f"{target}.method": (text,)})
    assert one.applied is False
    one.applied = not applied
    assert one.ask(target, "method", (), "healthy") == answer
    assert one.applied is applied
    assert one.ask(target, "method", (), "healthy", bare=True) == (answer if bare is None else bare)


@pytest.mark.parametrize(("text", "kind", "arguments"), [
    ("raises=ValueError:bad", ValueError, ("bad",)), ("raises=RuntimeError:no:5", RuntimeError, ("no", 5)),
    ("raises=KeyboardInterrupt", KeyboardInterrupt, ()),
])  # fmt: skip
def test_an_answer_may_be_an_exception(text, kind, arguments):
    """With its arguments, of which those that look like numbers are; nothing is applied then."""
    one = job(answers={"JobReport.commit": (text,)})
    one.applied = True
    with pytest.raises(kind) as caught:
        one.ask("JobReport", "commit", (), None)
    assert type(caught.value) is kind
    assert caught.value.args == arguments
    assert one.applied is False
    assert one.steps == [Call("JobReport", "commit", [], text)]


def test_graceful_termination_is_an_answer_too():
    """By the name that it has in the scenarios."""
    one = job(answers={"JobReport.commit": ("raises=GracefulTermination:enough",)})
    with pytest.raises(Exception, match=r"^enough$") as caught:
        one.ask("JobReport", "commit", (), None)
    assert type(caught.value).__name__ == "GracefulTermination"


def test_answers_are_given_in_turn_and_the_last_one_is_repeated():
    """For each method by itself."""
    one = job(answers={"JobReport.commit": ("ok=1", "ok=2", "ok=3"), "FileReport.commit": ("ok=7", "ok=8")})
    values = [one.ask("JobReport", "commit", (), None)["Value"] for _ in range(2)]
    values.append(one.ask("FileReport", "commit", (), None)["Value"])
    values += [one.ask("JobReport", "commit", (), None)["Value"] for _ in range(3)]
    assert values == [1, 2, 7, 3, 3, 3]
    assert one.ask("FileReport", "commit", (), None)["Value"] == 8


def test_a_file_report_holds_what_it_was_given():
    """Beside what earlier modules left; the transformation is the first that it was told."""
    before = {"/vo/a": "Processed", "/vo/d": "Problematic"}
    one = job(reported=before)
    one.report_file(0, "/vo/b", "Unused")
    one.report_file(12, "/vo/c", "Processed")
    one.report_file(13, "/vo/a", "Unused")
    held = observed(one).attributes["FileReport"]
    statuses = {"/vo/a": "Unused", "/vo/b": "Unused", "/vo/c": "Processed", "/vo/d": "Problematic"}
    assert held == {"transformation": 12, "force": False, "statusDict": statuses}
    assert one.steps[1] == Call("FileReport", "setFileStatus", [12, "/vo/c", "Processed", False], "ok")
    assert one.scenario.reported == before == {"/vo/a": "Processed", "/vo/d": "Problematic"}


def test_a_refused_status_is_not_in_the_file_report():
    """Nor the transformation."""
    one = job(answers={"FileReport.setFileStatus": ("s_error",)})
    one.report_file(12, "/vo/b", "Unused")
    assert observed(one).attributes["FileReport"] == {"transformation": None, "force": False, "statusDict": {}}


def test_a_job_report_sends_a_status_or_keeps_it():
    """When it sends, it sends all that it has kept."""
    one = job(answers={"JobReport.setApplicationStatus": ("s_error=down", "s_error", "ok", "s_error")})
    assert one.send_status("a") == {"OK": False, "Errno": 0, "Message": "down"}
    one.send_status("b")
    assert observed(one).attributes["JobReport"] == {"jobID": 77, "statuses": ["a", "b"], "parameters": []}
    assert one.send_status("c") == OK
    assert one.unsent == []
    one.send_status("it's d")
    assert one.unsent == ["its d"]
    assert one.steps[0] == Call("JobReport", "setApplicationStatus", ["a", True], "s_error=down")


def test_statuses_that_say_nothing_are_not_sent():
    """Until another one is; and none is when it is not to be sent."""
    one = job()
    one.send_status("")
    one.send_status("'", send=False)
    assert one.unsent == ["", ""]
    one.send_status("a", send=False)
    assert one.unsent == ["", "", "a"]
    one.send_status("")
    assert one.unsent == []


def test_the_request_does_what_it_always_does_unless_it_is_scripted():
    """Then it is asked first, and does it if the answer says so; the module's own request is never scripted."""
    one = job(answers={"Request.toJSON": ("ok", "s_error=no", "ok=5")})
    assert one.ask_request("getDigest", lambda: "digest") == {"OK": True, "Value": "digest"}
    assert one.steps == []
    assert one.ask_request("toJSON", lambda: "text") == {"OK": True, "Value": "text"}
    assert one.steps == [Call("Request", "toJSON", [], "ok")]
    assert one.ask_request("toJSON", lambda: "text") == {"OK": False, "Errno": 0, "Message": "no"}
    assert one.ask_request("toJSON", lambda: "text") == {"OK": True, "Value": 5}
    one.own_request = True
    assert one.ask_request("toJSON", lambda: "text") == {"OK": True, "Value": "text"}
    assert len(one.steps) == 3


def test_an_outcome_says_what_is_left():
    """Of everything: attributes, collaborators, request, files, and no services."""
    operations = ({"Type": "RemoveFile", "Files": ["/vo/o"]}, {"Type": "T", "ArgumentsHex": "ff41"})
    files = {"a": "old", "b": "directory", "c": "full"}
    one = job(operations=operations, files=files, records=3)
    outcome = one.outcome("raised", (1, {"a": (2,)}))
    assert (outcome.ended, outcome.result, outcome.steps) == ("raised", [1, {"a": [2]}], ())
    assert outcome.files == {"a": "[]", "b": "<directory>", "c": "<link>"}
    assert outcome.services is None
    assert outcome.attributes == {
        **NEW, "workflowStatus": {"OK": True}, "stepStatus": {"OK": True},
        "workflow_commons": ["AccountingReport", "FileReport", "JOB_ID", "JobReport", "PRODUCTION_ID", "Request"],
        "JobReport": {"jobID": 77, "statuses": [], "parameters": []},
        "FileReport": {"transformation": None, "force": False, "statusDict": {}},
        "AccountingReport": {"records": 3},
    }  # fmt: skip
    nothing = {"Arguments": None, "SourceSE": None, "TargetSE": None, "Catalog": None, "Error": None}
    file = {
        "LFN": "/vo/o", "PFN": None, "ChecksumType": None, "Checksum": None, "GUID": None, "Size": 0,
        "Status": "Waiting",
    }  # fmt: skip
    assert outcome.request == {
        "RequestName": None, "JobID": 0, "SourceComponent": None, "Owner": "alice", "OwnerGroup": "vo_user",
        "Operations": [
            {"Type": "RemoveFile", "Status": "Waiting", **nothing, "Files": [file]},
            {"Type": "T", "Status": "Queued", **nothing, "Arguments": "\\xffA", "Files": []},
        ],
    }  # fmt: skip


def test_who_has_no_proxy_owns_nothing():
    """Neither user nor group is known."""
    request = observed(job(owner=None)).request
    assert (request["Owner"], request["OwnerGroup"]) == (None, None)


@pytest.mark.parametrize("kind", ["none", None])
def test_accounting_that_is_not_there_holds_nothing(kind):
    """None in its place, or nothing."""
    there = {name: known for name, known in SCRIPTED.items() if name != "AccountingReport"}
    one = job(collaborators=there if kind is None else {**there, "AccountingReport": kind})
    assert "AccountingReport" not in observed(one).attributes
    assert ("AccountingReport" in observed(one).attributes["workflow_commons"]) is (kind is not None)


def test_an_exception_loses_its_frames():
    """Wherever it stands in the result."""
    for wrap in (lambda error: error, lambda error: {"OK": False, "Message": error}):
        with pytest.raises(ValueError, match=r"^invalid literal") as info:
            int("x")
        caught = info.value
        assert caught.__traceback__ is not None
        job().outcome("returned", wrap(caught))
        assert caught.__traceback__ is None


def test_the_text_of_a_request_is_its_json():
    """In this order, with times as an outcome shows them; a profile names the owner, and may speak of a setup."""
    one = job(operations=({"Type": "RemoveFile", "Files": ["/vo/o"]}, {"Type": "T", "ArgumentsHex": "4142"}))
    one.request |= {"RequestName": "job_77", "JobID": 77, "SourceComponent": "Job_77"}
    number_operations(one.request["Operations"])
    times = '"CreationTime": "<time>", "SubmitTime": "<time>", "LastUpdate": "<time>"'
    rest = f'"SourceSE": null, "TargetSE": null, "Catalog": null, "Error": null, {times}'
    file = (
        '"Status": "Waiting", "LFN": "/vo/o", "PFN": null, "ChecksumType": null, "Checksum": null, "GUID": null, '
        '"Attempt": 0, "Size": 0, "Error": null'
    )
    text = (
        '{"RequestName": "job_77", "Owner": "alice", "OwnerGroup": "vo_user", "Status": "Waiting", "Error": null, '
        f'"SourceComponent": "Job_77", "JobID": 77, {times}, "NotBefore": "<time>", "Operations": ['
        f'{{"Type": "RemoveFile", "Status": "Waiting", "Arguments": null, "Order": 0, {rest}, "Files": [{{{file}}}]}}, '
        f'{{"Type": "T", "Status": "Queued", "Arguments": "AB", "Order": 1, {rest}, "Files": []}}]}}'
    )
    assert as_text(one.request, DIRAC_9_1) == text
    older = text.replace('"Owner":', '"OwnerDN":').replace('"SourceComponent"', '"DIRACSetup": null, "SourceComponent"')
    assert as_text(one.request, DIRAC_8_0) == older
    assert json.loads(text)["Operations"][0]["Files"][0]["LFN"] == "/vo/o"


def test_an_operation_has_arguments_in_one_of_two_forms():
    """Text, or bytes told in hexadecimal digits."""
    assert operation("T") == {"Type": "T", "Arguments": None, "Files": []}
    assert operation("T", "x", Files=("/vo/o",)) == {"Type": "T", "Arguments": "x", "Files": ["/vo/o"]}
    assert operation("T", ArgumentsHex="ff") == {"Type": "T", "Arguments": b"\xff", "Files": []}


def test_only_the_first_operation_waits():
    """The others queue, whatever they were."""
    operations = [{}, {"Status": "Waiting"}, {}]
    number_operations(operations)
    assert [item["Status"] for item in operations] == ["Waiting", "Queued", "Queued"]
