"""Answers: what each gives, what it does, what is remembered, and which cannot be given."""

from __future__ import annotations

import re

import pytest

from dirac_fakes import FakeFileReport, FakeJobReport, answering
from dirac_fakes.answers import EXCEPTIONS, OPERATIONS, AnswerError, Script, check_answers, parse_answer
from dirac_fakes.journal import Call, Journal
from dirac_fakes.service import ok


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
    """The answer, and whether the method did what it always does."""
    done = []
    answer = script.asked("A", "b", (1, "x"), lambda: done.append(1) or ok(healthy))
    return bool(done), answer


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
    assert asked.asked("A", "c", (), ok)["Value"] == 9
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
    with pytest.raises(AnswerError, match=re.escape(f"No answer {text!r};")) as caught:
        parse_answer(text)
    for word in ("ok=JSON", "operation", "s_error[=TEXT]", "bad_shape=JSON", "raises=NAME[:TEXT[:NUMBER]]"):
        assert word in str(caught.value)
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
    asked.asked("A", "other", (), ok)
    asked.asked("A", "c", (), ok)
    assert asked.unused() == ["B.b"]
    assert script().unused() == []


def test_a_script_answers_for_others_too(script):
    """A replaced hook, say: without a method, and without a line in the journal."""
    asked = script()
    assert asked.answer("ok=3") == ok(3)
    assert asked.answer("ok") == ok()
    assert asked.answer("bad_shape=null") is None
    assert not asked.journal


def test_a_method_without_return_structure_answers_bare(script):
    """The value alone; what is no success comes as it is."""
    asked = script(A_b=("ok", 'ok={"/b": "y"}', "s_error"))
    found = [asked.asked("A", "b", (), lambda: {"/a": "x"}, bare=True) for _ in range(3)]
    assert found == [{"/a": "x"}, {"/b": "y"}, {"OK": False, "Errno": 0, "Message": "refused", "CallStack": []}]


WRONG = [
    ({"comit": ["ok"]}, r"No method 'comit' of FileReport; did you mean commit\? there are: commit, generate"),
    ({"FileReport.commit": ["ok"]}, "No method 'FileReport.commit' of FileReport;"),
    ({"xyz": ["ok"]}, "No method 'xyz' of FileReport; there are: commit"),
    ({"commit": ["s_eror"]}, r"No answer 's_eror'; did you mean s_error\? expected is ok, ok=JSON"),
    ({"commit": ["ok", "rases=ValueError"]}, "did you mean raises"),
    ({"commit": ["raises=ValueEror:boom"]}, r"No exception 'ValueEror'; did you mean ValueError\? there are: Run"),
    ({"commit": ["raises=Graceful"]}, "No exception 'Graceful'; there are"),
    ({"commit": []}, "FileReport.commit: expected one answer or more, found none"),
    ({"commit": [5]}, "FileReport.commit: expected the text of an answer, such as 's_error', found 5"),
    ({"commit": ["ok=nonsense"]}, "Expected JSON after ok="),
    ({"commit": ["operation"]}, "FileReport: the answer 'operation' needs operation=Operation"),
]


@pytest.mark.parametrize(("answers", "message"), WRONG)
def test_what_cannot_be_answered_is_an_error_at_once(answers, message):
    """It names the nearest name that there is, and all of them."""
    with pytest.raises(AnswerError, match=message):
        FakeFileReport(answers=answers)


def test_only_clients_that_hand_over_make_operations():
    """Those of the table; what a request answers is not one."""
    for name in OPERATIONS:
        check_answers(name, ["x"], {"x": ["operation"]})
    with pytest.raises(AnswerError, match=r"Request\.x makes no operation; those of JobReport and FileReport do"):
        check_answers("Request", ["x"], {"x": ["operation"]})


def test_an_unknown_keyword_is_an_error():
    """It would be passed over in silence otherwise."""
    with pytest.raises(TypeError, match=r"JobReport: no argument 'answer'; did you mean answers\? there are: answers"):
        FakeJobReport(answer={"commit": "ok"})


def test_one_answer_needs_no_list_and_exceptions_may_be_others():
    """Such as the module contract's own."""
    report = FakeFileReport(answers={"commit": "raises=Mine:bye", "getFiles": "ok={}"}, exceptions=[Mine])
    with pytest.raises(Mine, match="bye"):
        report.commit()
    assert report.getFiles() == {}


def test_an_operation_is_of_the_class_that_is_given(implementation):
    """With type and arguments of what fail-over makes."""
    answers = {"generateForwardDISET": ["operation"]}
    made = [
        fake(answers=answers, operation=implementation.Operation).generateForwardDISET()
        for fake in (FakeJobReport, FakeFileReport)
    ]
    assert all(type(answer["Value"]) is implementation.Operation for answer in made)
    assert [(answer["Value"].Type, answer["Value"].Arguments) for answer in made] == [*OPERATIONS.values()]


# Any object


def test_methods_of_a_real_request_can_be_made_to_fail(implementation):
    """The n-th call, while everything else of it stays as it is; it is in the journal that is given."""
    journal = Journal()
    request = implementation.Request()
    request.RequestName = "mine"
    again = answering(request, answers={"toJSON": ["s_error=disk", "ok"]}, journal=journal)
    assert again is request
    assert request.toJSON()["Message"] == "disk"
    assert '"mine"' in request.toJSON()["Value"]
    assert request.getDigest()["OK"]
    assert [tuple(call[:4]) for call in journal] == [
        ("Request", "toJSON", (), "s_error=disk"),
        ("Request", "toJSON", (), "ok"),
    ]


def test_arguments_reach_the_method():
    """The name is the class's own unless another is given."""

    class Adder:
        def add(self, one, two):
            return ok(one + two)

    journal = Journal()
    adder = answering(Adder(), "Sum", answers={"add": ["ok", "ok=7"]}, journal=journal)
    assert [adder.add(1, two=2)["Value"], adder.add(1, 2)["Value"]] == [3, 7]
    assert [tuple(call[:3]) for call in journal] == [("Sum", "add", (1, 2))] * 2
    with pytest.raises(AnswerError, match=r"No method 'ad' of Adder; did you mean add\?"):
        answering(Adder(), answers={"ad": "ok"})
