"""The step runner: what modules get, what becomes of what they return, and what gets out."""

import os
import time
from dataclasses import FrozenInstanceError
from functools import partial
from typing import Any

import pytest
from DIRACCommon.Core.Utilities.ReturnValues import S_ERROR, S_OK

from dirac_failover.workflow import Module, Step, run_workflow
from tests.doubles import bare


class Reports:
    """A job report that remembers the application statuses, and may raise."""

    def __init__(self, *raises):
        self.seen = []
        self._raises = list(raises)

    def setApplicationStatus(self, *args):
        self.seen.append(args[0] if len(args) == 1 else args)
        if self._raises and (error := self._raises.pop(0)):
            raise error


def module(outcome, seen=None, name=""):
    """A module that ends with ``outcome``: raised when it is an exception, else returned."""

    class Given:
        def execute(self):
            if seen is not None:
                seen.append(dict(vars(self)))
            if isinstance(outcome, BaseException):
                raise outcome
            return outcome

    return Module(Given, name=name)


def run(*steps, **commons):
    """Run a step for each list of outcomes; return the result, and for each step what each module had."""
    seen = [[] for _ in steps]
    made = [
        Step(
            f"s{number}", [module(outcome, seen[number - 1], f"m{place}") for place, outcome in enumerate(outcomes, 1)]
        )
        for number, outcomes in enumerate(steps, 1)
    ]
    return bare(run_workflow(made, commons)), seen


def test_a_module_gets_the_numbers_and_names_of_its_place():
    _, seen = run([S_OK()], [S_OK(), S_OK()], PRODUCTION_ID="00000012", JOB_ID="00000034")
    names = (
        "MODULE_NUMBER", "MODULE_INSTANCE_NAME", "MODULE_DEFINITION_NAME",
        "JOB_ID", "PRODUCTION_ID", "STEP_NUMBER", "STEP_ID",
    )  # fmt: skip
    assert [[tuple(had[name] for name in names) for had in step] for step in seen] == [
        [("1", "m1", "Given", "00000034", "00000012", "1", "1")],
        [
            ("1", "m1", "Given", "00000034", "00000012", "2", "2"),
            ("2", "m2", "Given", "00000034", "00000012", "2", "2"),
        ],
    ]
    assert set(seen[0][0]) == {*names, "workflow_commons", "step_commons", "stepStatus", "workflowStatus"}


def test_a_step_puts_its_parameters_and_its_start_into_step_commons(monkeypatch):
    """What the step gives goes before what it gets; the step's ID there names the transformation and the task."""
    monkeypatch.setattr(time, "time", lambda: 5.5)
    monkeypatch.setattr(os, "times", lambda: "times")
    seen = []
    step = Step("second", [module(S_OK(), seen)], {"executable": "gauss", "JOB_ID": "9"})
    run_workflow([step], {"PRODUCTION_ID": "00000012", "JOB_ID": "00000034"})
    assert seen[0]["step_commons"] == {
        "STEP_NUMBER": "1", "STEP_ID": "00000012_00000034_1",
        "STEP_INSTANCE_NAME": "second", "STEP_DEFINITION_NAME": "second", "JOB_ID": "9", "PRODUCTION_ID": "00000012",
        "executable": "gauss", "StartTime": 5.5, "StartStats": "times",
    }  # fmt: skip
    assert seen[0]["JOB_ID"] == "9"


def test_own_parameters_and_names_of_a_module_go_before_the_given_ones():
    seen = []
    kind = module(S_OK(), seen).kind
    run_workflow(
        [Step("s", [Module(kind, {"STEP_NUMBER": 7, "own": [1], "stepStatus": "mine"}), Module(partial(kind))])]
    )
    assert (seen[0]["STEP_NUMBER"], seen[0]["own"], seen[0]["stepStatus"]) == (7, [1], S_OK())
    assert (seen[1]["MODULE_INSTANCE_NAME"], seen[1]["MODULE_DEFINITION_NAME"]) == ("Given", "Given")


def test_steps_and_modules_cannot_be_changed():
    for value in (Step("s", []), Module(object)):
        with pytest.raises(FrozenInstanceError):
            value.name = "t"
    assert (Step("s", []).parameters, Module(object).parameters, Module(object).name) == ({}, {}, "")


def test_commons_of_the_workflow_are_the_callers_and_those_of_a_step_its_own():
    commons = {"JOB_ID": "00000034"}
    seen = []
    given = module(S_OK(), seen)
    run_workflow([Step("s", [given, given]), Step("t", [given])], commons)
    assert commons == {"JOB_ID": "00000034", "PRODUCTION_ID": "00000000"}
    assert all(had["workflow_commons"] is commons for had in seen)
    first, second, third = (had["step_commons"] for had in seen)
    assert first is second
    assert first is not third
    run_workflow([Step("s", [given])])
    assert seen[-1]["workflow_commons"] == {"JOB_ID": "00000000", "PRODUCTION_ID": "00000000"}


def test_what_a_module_returns_reaches_the_later_modules_of_its_step():
    """Keys other than OK and Value, and the items of a Value that is a dictionary; nothing of another Value."""
    _, seen = run([{**S_OK({"a": 1, "OK": "inner"}), "extra": 2}, S_OK([("b", 1)]), S_OK()], [S_OK()])
    commons = seen[0][2]["step_commons"]
    assert {key: commons.get(key) for key in ("a", "OK", "extra", "Value", "b")} == {
        "a": 1, "OK": "inner", "extra": 2, "Value": None, "b": None,
    }  # fmt: skip
    assert "Value" not in commons
    assert "a" not in seen[1][0]["step_commons"]
    _, seen = run([{"OK": {"b": 1}}, S_OK()])
    assert "b" not in seen[0][1]["step_commons"]


def test_a_module_that_fails_gives_nothing_to_the_later_ones():
    _, seen = run([{**S_ERROR("bad"), "extra": 1}, S_OK({"later": 2}), S_OK()])
    commons = seen[0][2]["step_commons"]
    assert "extra" not in commons
    assert commons["later"] == 2


def test_the_result_is_the_value_of_the_last_module():
    assert run([S_OK(1), S_OK(2)], [S_OK(3), S_OK(4)])[0] == {"OK": True, "Value": 4}
    assert run([S_OK(None)])[0] == {"OK": True, "Value": None}
    assert run()[0] == {"OK": True, "Value": ""}


def failed(message, number=0):
    return {"OK": False, "Errno": number, "Message": message}


TWICE = "Unknown WMS error ( 1500 : Unknown WMS error ( 1500 : bad))"
ONCE = "Unknown WMS error ( 1500 : bad)"
ERROR = RuntimeError("bad")


def raised(text, place=1):
    """What is returned, and what is reported, where a module raises."""
    return failed(f"Exception while m{place} module execution: {text}"), f"Exception in m{place} module"


TABLE = {
    "a text": ([S_ERROR("bad")], failed("bad"), "bad"),
    "an object": ([S_ERROR(ERROR)], failed(ERROR), ERROR),
    "with number": ([S_ERROR(1500, "bad")], failed(TWICE, 1500), ONCE),
    "number zero": ([S_ERROR(0, "bad")], failed("bad"), "bad"),
    "number that is a text": ([failed("bad", "n")], failed("n"), "bad"),
    "first counts": ([S_ERROR("one"), S_ERROR(1500, "two")], failed("one"), "one"),
    "first counts, then OK": ([S_ERROR("one"), S_OK()], failed("one"), "one"),
    "OK, then not": ([S_OK(), S_ERROR("two")], failed("two"), "two"),
    "no number": ([{"OK": False, "Message": "bad"}], *raised("'Errno'")),
    "no text": ([{"OK": False, "Errno": 5}], *raised("'Message'")),
    "nothing": ([None], *raised("'NoneType' object is not subscriptable")),
    "neither": ([{}], *raised("'OK'")),
    "raises": ([S_OK(), ValueError("boom")], *raised("boom", 2)),
    "fails, then raises": ([S_ERROR(1500, "bad"), ValueError("boom")], failed(TWICE, 1500), ONCE),
    "raises, then fails": ([ValueError("boom"), S_ERROR(1500, "bad")], *raised("boom")),
    "raises twice": ([ValueError("boom"), ValueError("bang")], *raised("boom")),
}


@pytest.mark.parametrize("case", TABLE)
def test_the_first_failure_of_a_step_is_reported_and_returned(case):
    """Later ones change neither the result nor what was reported; a number puts its meaning before the text again."""
    outcomes, result, reported = TABLE[case]
    reports = Reports()
    assert run(outcomes, JobReport=reports)[0] == result
    assert reports.seen == ["Executing s1", reported]


def test_step_status_changes_with_each_failure_and_loses_its_number():
    """After an exception it is that of the first failure, number included."""
    _, seen = run([S_ERROR(1500, "one"), S_ERROR("two"), ValueError("three"), S_OK(), S_OK()])
    statuses = [bare(had["stepStatus"]) for had in seen[0]]
    assert statuses == [
        {"OK": True, "Value": None}, failed("Unknown WMS error ( 1500 : one)"), failed("two"),
        failed("Unknown WMS error ( 1500 : Unknown WMS error ( 1500 : one))", 1500),
        failed("Unknown WMS error ( 1500 : Unknown WMS error ( 1500 : one))", 1500),
    ]  # fmt: skip
    assert all(had["workflowStatus"] == {"OK": True, "Value": None} for had in seen[0])


def test_the_last_failing_step_is_the_workflows_status():
    """Every step starts well; the workflow's cause is overwritten by each step that fails after it."""
    result, seen = run([S_ERROR(1500, "one")], [S_OK()], [S_ERROR("three")], [S_OK(4)])
    twice = "Unknown WMS error ( 1500 : Unknown WMS error ( 1500 : one))"
    assert [bare(step[0]["workflowStatus"]) for step in seen] == [
        {"OK": True, "Value": None}, failed(twice, 1500), failed(twice, 1500), failed("three"),
    ]  # fmt: skip
    assert all(step[0]["stepStatus"] == {"OK": True, "Value": None} for step in seen)
    assert result == failed("three")


def test_nothing_is_reported_once_the_workflow_has_failed():
    reports = Reports()
    run([S_ERROR("one")], [S_ERROR("two")], [ValueError("three")], JobReport=reports)
    assert reports.seen == ["Executing s1", "one"]


def test_a_step_is_reported_at_its_start_while_all_is_well():
    reports = Reports()
    made = []

    def make():
        made.append(list(reports.seen))
        return module(S_OK()).kind()

    run_workflow([Step("one", [Module(make)]), Step("two", [Module(make)])], {"JobReport": reports})
    assert made == [["Executing one"], ["Executing one", "Executing two"]]


def test_a_report_that_a_module_leaves_is_used_from_then_on():
    reports = Reports()

    class Leaves:
        workflow_commons: dict[str, Any]

        def execute(self):
            self.workflow_commons["JobReport"] = reports
            return S_OK()

    run_workflow([Step("s", [Module(Leaves), module(S_ERROR("bad"))])])
    assert reports.seen == ["bad"]


def test_a_report_that_raises_at_the_start_of_a_step_escapes():
    with pytest.raises(ValueError, match=r"^late$"):
        run([S_OK()], JobReport=Reports(ValueError("late")))
    with pytest.raises(AttributeError, match="setApplicationStatus"):
        run([S_OK()], JobReport=None)


def test_a_report_that_raises_while_a_failure_is_reported_takes_its_place():
    reports = Reports(None, ValueError("late"))
    result, _ = run([S_ERROR(1500, "bad")], JobReport=reports)
    assert result == failed("Exception while m1 module execution: late")
    assert reports.seen == ["Executing s1", "Unknown WMS error ( 1500 : bad)", "Exception in m1 module"]
    with pytest.raises(ValueError, match=r"^later$"):
        run([S_ERROR("bad")], JobReport=Reports(None, ValueError("late"), ValueError("later")))


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_what_is_no_exception_escapes(kind):
    seen = []
    with pytest.raises(kind):
        run_workflow([Step("s", [module(kind()), module(S_OK(), seen)]), Step("t", [module(S_OK(), seen)])])
    assert seen == []


def test_a_constructor_that_raises_escapes():
    def refuse():
        raise ValueError("no")

    with pytest.raises(ValueError, match=r"^no$"):
        run_workflow([Step("s", [Module(refuse)])])


def test_ok_without_value_at_the_end_of_a_sound_step_escapes():
    with pytest.raises(KeyError) as caught:
        run([{"OK": True}])
    assert caught.value.args == ("Value",)
    assert run([{"OK": True}, S_OK(2)])[0] == {"OK": True, "Value": 2}
    assert run([S_ERROR("bad"), {"OK": True}])[0] == failed("bad")


def test_exceptions_are_logged_with_their_module(caplog):
    """The exception itself gets no further than its text, so its traceback is in the log."""
    with caplog.at_level("ERROR", logger="dirac_failover"):
        run([ValueError("boom")])
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("dirac_failover.Workflow", "ERROR")
    assert record.exc_info[0] is ValueError
