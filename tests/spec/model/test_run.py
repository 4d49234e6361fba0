"""The state of a modelled run, in what scenarios of the space leave open: answers by their texts, reports that wait."""

from __future__ import annotations

import pytest

from dirac_failover.spec.model.run import ModelRun
from dirac_failover.spec.profiles import DIRAC_9_1, ILCDIRAC_35_0
from dirac_failover.spec.scenario import Scenario


def job(profile=DIRAC_9_1, **fields):
    """A job with scripted collaborators."""
    scripted = dict.fromkeys(("JobReport", "FileReport", "AccountingReport", "Request"), "scripted")
    return ModelRun(Scenario(collaborators=scripted, **fields), profile)


@pytest.mark.parametrize(("text", "answer", "bare", "applied"), [
    ("ok", {"OK": True, "Value": "healthy"}, "healthy", True), ("ok=[1]", {"OK": True, "Value": [1]}, [1], True),
    ('other="x=y"', {"OK": True, "Value": "x=y"}, "x=y", False),
    ("s_error", {"OK": False, "Errno": 0, "Message": "refused"}, None, False),
    ("s_error=a=b", {"OK": False, "Errno": 0, "Message": "a=b"}, None, False),
    ('bad_shape={"OK": 1}', {"OK": 1}, None, False),
])  # fmt: skip
def test_an_answer_is_what_its_text_says(text, answer, bare, applied):
    """An error and a bad shape are what they are; other answers are values, in a return structure or bare."""
    one = job(answers={"JobReport.method": (text,)})
    assert one.ask("JobReport", "method", (), "healthy") == answer
    assert one.applied is applied
    assert one.ask("JobReport", "method", (), "healthy", bare=True) == (answer if bare is None else bare)


def test_reports_keep_what_was_not_sent():
    """The first transformation stays; statuses without text are sent only with another one."""
    one = job(reported={"/vo/a": "Processed"})
    one.report_file(0, "/vo/b", "Unused")
    one.report_file(12, "/vo/c", "Processed")
    one.report_file(13, "/vo/a", "Unused")
    assert (one.transformation, one.statuses["/vo/a"]) == (12, "Unused")
    assert one.send_status("") == {"OK": True, "Value": "Empty"}
    assert one.send_status("'", send=False) == {"OK": True, "Value": None}
    assert one.unsent == ["", ""]
    one.send_status("a")
    assert one.unsent == []


def test_a_request_of_the_modules_own_is_never_scripted():
    """A profile may have other attributes than DIRAC's in a new module."""
    one = job(ILCDIRAC_35_0, answers={"Request.toJSON": ("s_error=no",)}, attributes={})
    assert one.attributes["jobID"] == ""
    assert one.ask_request("toJSON", lambda: "text") == {"OK": False, "Errno": 0, "Message": "no"}
    one.own_request = True
    assert one.ask_request("toJSON", lambda: "text") == {"OK": True, "Value": "text"}
