"""The state of a modelled run: answers in turn, reports that are kept, and exceptions without frames."""

from __future__ import annotations

import pytest

from dirac_failover.spec.model.request import operation
from dirac_failover.spec.model.run import FRESH, ModelRun
from dirac_failover.spec.observation import Call
from dirac_failover.spec.profiles import DIRAC_9_1, ILCDIRAC_35_0
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


def test_an_exception_loses_its_frames():
    """Wherever it stands in the result."""
    for wrap in (lambda error: error, lambda error: {"OK": False, "Message": error}):
        with pytest.raises(ValueError, match=r"^invalid literal") as info:
            int("x")
        caught = info.value
        assert caught.__traceback__ is not None
        job().outcome("returned", wrap(caught))
        assert caught.__traceback__ is None
