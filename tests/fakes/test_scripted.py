"""Scripted collaborators: what each answer gives, what it does to their state, and what is remembered."""

from __future__ import annotations

import pytest

from dirac_fakes.journal import Call, Journal
from dirac_fakes.scripted import (
    EXCEPTIONS,
    AnswerError,
    Script,
    ScriptedAccounting,
    ScriptedFileReport,
    ScriptedJobReport,
    parse_answer,
)


class Mine(Exception):  # noqa: N818 - a module contract's, such as GracefulTermination
    pass


@pytest.fixture
def script():
    """Make a script whose operations are texts and which knows one more exception."""

    def script(**answers):
        named = {key.replace("_", ".", 1): value for key, value in answers.items()}
        return Script(named, Journal(), lambda target: f"operation of {target}", {"Mine": Mine, "ValueError": Mine})

    return script


def ask(script, healthy="healthy"):
    return script.asked("A", "b", (1, "x"), healthy)


ANSWERS = [
    ("ok", (True, {"OK": True, "Value": "healthy"})),
    ("ok=5", (True, {"OK": True, "Value": 5})),
    ("ok=null", (True, {"OK": True, "Value": None})),
    ('ok={"a=": [1]}', (True, {"OK": True, "Value": {"a=": [1]}})),
    ("operation", (False, {"OK": True, "Value": "operation of A"})),
    ("s_error", (False, {"OK": False, "Errno": 0, "Message": "refused", "CallStack": []})),
    ("s_error=no: way", (False, {"OK": False, "Errno": 0, "Message": "no: way", "CallStack": []})),
    ("s_error=", (False, {"OK": False, "Errno": 0, "Message": "refused", "CallStack": []})),
    ("bad_shape=null", (False, None)),
    ("bad_shape=[]", (False, [])),
    ('bad_shape={"OK": true}', (False, {"OK": True})),
    ('bad_shape="x"', (False, "x")),
]


@pytest.mark.parametrize(("text", "answer"), ANSWERS)
def test_answers_are_what_their_texts_say(script, text, answer):
    """Only those that begin with ok change the state; each is remembered with its text and whether it did."""
    asked = script(A_b=(text,))
    assert ask(asked) == answer
    assert list(asked.journal) == [Call("A", "b", (1, "x"), text, answer[0])]


def test_without_an_answer_all_is_well(script):
    """The healthy value is the Value."""
    asked = script()
    assert ask(asked, ["mine"]) == (True, {"OK": True, "Value": ["mine"]})
    assert asked.journal[0].answer == "ok"


@pytest.mark.parametrize("text", ['ok={"a": [1]}', "bad_shape=[[1]]", 'ok=[{"a": 1}]'])
def test_an_answer_is_made_anew_each_time(script, text):
    """Whoever gets it may change it."""
    asked = script(A_b=(text,))
    first = ask(asked)[1]
    value = first["Value"] if isinstance(first, dict) else first
    second = ask(asked)[1]
    value.clear()
    assert second == ask(asked)[1] != first
    inner = second["Value"] if isinstance(second, dict) else second
    next(iter(inner.values() if isinstance(inner, dict) else inner)).clear()
    assert ask(asked)[1] != second


def test_answers_come_in_order_and_the_last_one_stays(script):
    """Method by method."""
    asked = script(A_b=("ok=1", "s_error=2", "ok=3"), A_c=("ok=9",))
    found = [ask(asked)[1] for _ in range(2)]
    assert asked.asked("A", "c", (), None)[1]["Value"] == 9
    found += [ask(asked)[1] for _ in range(3)]
    assert [item.get("Value", item.get("Message")) for item in found] == [1, "2", 3, 3, 3]


RAISES = [
    ("raises=ValueError", Mine, ()),
    ("raises=Mine:bye", Mine, ("bye",)),
    ("raises=RuntimeError", RuntimeError, ()),
    ("raises=RuntimeError:", RuntimeError, ()),
    ("raises=RuntimeError:boom", RuntimeError, ("boom",)),
    ("raises=RuntimeError:boom:1500", RuntimeError, ("boom", 1500)),
    ("raises=RuntimeError:a:b:7", RuntimeError, ("a:b", 7)),
    ("raises=RuntimeError:a:b", RuntimeError, ("a:b",)),
    ("raises=RuntimeError::5", RuntimeError, ("", 5)),
    ("raises=RuntimeError:5", RuntimeError, ("5",)),
    ("raises=KeyError:x:-5", KeyError, ("x:-5",)),
    ("raises=KeyError:x:²", KeyError, ("x:²",)),
    ("raises=KeyboardInterrupt", KeyboardInterrupt, ()),
]


@pytest.mark.parametrize(("text", "kind", "args"), RAISES)
def test_answers_can_be_raised(script, text, kind, args):
    """With a text and a number; the exceptions of the module's contract go before those of Python."""
    asked = script(A_b=(text,))
    with pytest.raises(kind) as caught:
        ask(asked)
    assert type(caught.value) is kind
    assert caught.value.args == args
    assert list(asked.journal) == [Call("A", "b", (1, "x"), text, applied=False)]


@pytest.mark.parametrize("name", EXCEPTIONS)
def test_each_exception_of_the_table_can_be_raised(name):
    """By its name; a script need not know others."""
    with pytest.raises(EXCEPTIONS[name]) as caught:
        ask(Script({"A.b": (f"raises={name}:x",)}, Journal(), str))
    assert type(caught.value).__name__ == name


def test_the_table_of_exceptions_is_what_answers_may_name():
    """Python's own, and those that nobody should catch."""
    assert list(EXCEPTIONS) == [
        "RuntimeError", "ValueError", "KeyError", "TypeError", "AttributeError", "OSError", "NotImplementedError",
        "KeyboardInterrupt", "SystemExit", "GeneratorExit",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "OK", "okay", "operation=1", "error", "raise=ValueError", " ok"])
def test_unknown_answers_are_refused_with_what_is_known(text):
    """All of it in one message."""
    with pytest.raises(AnswerError) as caught:
        parse_answer(text)
    message = (
        f"Unknown answer {text!r}: expected ok, ok=JSON, operation, s_error[=TEXT], bad_shape=JSON or "
        f"raises=NAME[:TEXT[:NUMBER]] with NAME one of {', '.join(EXCEPTIONS)}"
    )
    assert caught.value.args == (message,)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("text", ["ok=", "bad_shape=", "ok=x", "bad_shape={", "ok={'a': 1}"])
def test_values_that_are_not_json_are_refused(text):
    """With the parser's words."""
    with pytest.raises(AnswerError) as caught:
        parse_answer(text)
    kind, _, value = text.partition("=")
    assert str(caught.value) == f"Expected JSON after {kind}=, found {value!r}: {caught.value.__cause__}"


def test_an_answer_is_understood_once():
    """Thousands of cases share their few answers."""
    assert parse_answer("ok=[1]") is parse_answer("ok=[1]")


def test_a_script_knows_which_answers_nobody_asked_for(script):
    """Method by method, in the order in which they are given."""
    asked = script(A_b=("ok",), A_c=("ok", "ok"), B_b=("ok",))
    ask(asked)
    assert asked.unused() == ["A.c", "B.b"]
    asked.asked("A", "other", (), None)
    asked.asked("A", "c", (), None)
    assert asked.unused() == ["B.b"]
    assert script().unused() == []


def test_doubles_take_no_attribute_of_a_script(script):
    """It has just its own."""
    assert not hasattr(script(), "__dict__")


# The doubles


def calls(asked):
    return [tuple(call[:3]) for call in asked.journal]


def test_a_job_report_forgets_what_was_sent(script):
    """And keeps what was not."""
    asked = script(
        JobReport_setApplicationStatus=("s_error", "ok", "operation"), JobReport_setJobParameter=("bad_shape=1", "ok=2")
    )
    report = ScriptedJobReport(asked, 5)
    assert (report.jobID, report.statuses, report.parameters) == (5, [], [])
    assert ScriptedJobReport(asked).jobID == 0
    assert report.setApplicationStatus("one")["OK"] is False
    assert report.setJobParameter("n", 1) == 1
    assert (report.statuses, report.parameters) == (["one"], [["n", 1]])
    assert report.setApplicationStatus("two", sendFlag=False) == {"OK": True, "Value": None}
    assert report.setJobParameter("m", 2, 0) == {"OK": True, "Value": 2}
    assert (report.statuses, report.parameters) == (["one", "two"], [["n", 1], ["m", 2]])  # they wait
    assert ScriptedJobReport(script()).setJobParameter("n", 1) == {"OK": True, "Value": None}
    healthy = ScriptedJobReport(script())
    healthy.setApplicationStatus(appStatus="three", sendFlag=False)
    assert healthy.statuses == ["three"]
    healthy.setApplicationStatus("four")
    assert healthy.statuses == []


def test_a_job_report_that_raises_keeps_the_status(script):
    """It was not sent."""
    report = ScriptedJobReport(script(JobReport_setApplicationStatus=("raises=KeyError:x",)))
    with pytest.raises(KeyError):
        report.setApplicationStatus("one")
    assert report.statuses == ["one"]


def test_a_job_report_makes_an_operation_when_it_is_told(script):
    """None when all was sent."""
    asked = script(JobReport_generateForwardDISET=("ok", "operation", "s_error=x"))
    report = ScriptedJobReport(asked)
    report.statuses.append("kept")
    assert report.generateForwardDISET() == {"OK": True, "Value": None}
    assert report.generateForwardDISET() == {"OK": True, "Value": "operation of JobReport"}
    assert report.generateForwardDISET()["Message"] == "x"
    assert report.statuses == ["kept"]
    assert calls(asked) == [("JobReport", "generateForwardDISET", ())] * 3


def test_a_file_report_keeps_the_statuses_that_it_takes(script):
    """Its transformation is the first one that counts; a status that is not taken is not there."""
    asked = script(FileReport_setFileStatus=("ok", "s_error", "ok"))
    report = ScriptedFileReport(asked)
    assert (report.statusDict, report.transformation, report.force) == ({}, None, False)
    assert report.setFileStatus(0, "/a", "x") == {"OK": True, "Value": None}
    assert report.setFileStatus(5, "/b", "y", True)["OK"] is False
    assert (report.statusDict, report.transformation) == ({"/a": "x"}, 0)
    report.setFileStatus(6, "/c", "z", sendFlag=1)
    report.setFileStatus(7, "/c", "new")
    assert (report.statusDict, report.transformation) == ({"/a": "x", "/c": "new"}, 6)
    assert calls(asked) == [
        ("FileReport", "setFileStatus", (0, "/a", "x", False)), ("FileReport", "setFileStatus", (5, "/b", "y", True)),
        ("FileReport", "setFileStatus", (6, "/c", "z", 1)), ("FileReport", "setFileStatus", (7, "/c", "new", False)),
    ]  # fmt: skip


def test_a_file_report_starts_with_what_it_is_given(script):
    """In a dictionary of its own."""
    mine = {"/a": "x"}
    report = ScriptedFileReport(script(), mine, 5)
    report.setFileStatus(6, "/b", "y")
    assert (mine, report.transformation) == ({"/a": "x"}, 5)


def test_a_file_report_gives_its_statuses_bare(script):
    """A copy; a scripted value takes their place, and an answer that is not OK comes as it is."""
    asked = script(FileReport_getFiles=("ok", 'ok={"/b": "y"}', "bad_shape=5"))
    report = ScriptedFileReport(asked, {"/a": "x"})
    found = report.getFiles()
    assert found == {"/a": "x"}
    found.clear()
    assert report.statusDict == {"/a": "x"}
    assert report.getFiles() == {"/b": "y"}
    assert report.getFiles() == 5
    assert calls(asked) == [("FileReport", "getFiles", ())] * 3


@pytest.mark.parametrize("method", ["commit", "generateForwardDISET"])
def test_a_file_report_forgets_what_was_sent(script, method):
    """By either method; otherwise it keeps all."""
    asked = script(**{f"FileReport_{method}": ("s_error", "operation", "ok")})
    report = ScriptedFileReport(asked, {"/a": "x"})
    send = getattr(report, method)
    assert send()["OK"] is False
    assert send() == {"OK": True, "Value": "operation of FileReport"}
    assert report.statusDict == {"/a": "x"}
    assert send() == {"OK": True, "Value": None}
    assert report.statusDict == {}
    assert calls(asked) == [("FileReport", method, ())] * 3


def test_accounting_counts_what_it_sends(script):
    """The healthy value is how many records there were."""
    asked = script(AccountingReport_commit=("s_error", "ok"))
    accounting = ScriptedAccounting(asked, 3)
    assert accounting.commit()["OK"] is False
    assert accounting.records == 3
    assert accounting.commit() == {"OK": True, "Value": 3}
    assert accounting.commit() == {"OK": True, "Value": 0}
    assert ScriptedAccounting(asked).records == 0
    assert calls(asked) == [("AccountingReport", "commit", ())] * 3
