"""The step runner beside DIRAC's workflow engine: the same results, statuses, commons and reports."""

import sys
from contextlib import redirect_stdout
from io import StringIO
from types import ModuleType

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dirac_failover import workflow

NAME = "modules_of_a_test_workflow"


class Reports:
    """A job report that remembers what it is told, and raises at the calls that it is told."""

    def __init__(self, raises=frozenset()):
        self.seen = []
        self._raises = raises

    def setApplicationStatus(self, *args):
        self.seen.append([show(arg) for arg in args])
        if len(self.seen) - 1 in self._raises:
            raise ValueError(f"report {len(self.seen)}")


def show(value):
    """A value that two runs have in common: no call stacks, no times, exceptions by type and arguments."""
    if isinstance(value, dict):
        hidden = {"CallStack", "StartTime", "StartStats"}
        return {key: "..." if key in hidden else show(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [show(item) for item in value]
    if isinstance(value, BaseException):
        return [type(value).__name__, show(value.args)]
    return "report" if isinstance(value, Reports) else value


def make(outcome, seen):
    """A module class that ends with ``outcome`` and remembers what it had."""

    class Given:
        def execute(self):
            seen.append(show(vars(self)))
            if isinstance(outcome, BaseException):
                raise outcome
            return outcome

    return Given


def by_reference(steps, commons, own, seen):
    return workflow.run_workflow(
        [
            workflow.Step(
                f"s{number}",
                [workflow.Module(make(outcome, seen), own, f"m{place}") for place, outcome in enumerate(outcomes)],
                own,
            )
            for number, outcomes in enumerate(steps)
        ],
        commons,
    )


def by_dirac(steps, commons, own, seen):
    """Run the outcomes with DIRAC's own engine, whose modules are code that imports a class."""
    from DIRAC.Core.Workflow.Module import ModuleDefinition
    from DIRAC.Core.Workflow.Parameter import Parameter
    from DIRAC.Core.Workflow.Step import StepDefinition
    from DIRAC.Core.Workflow.Workflow import Workflow

    def parameter(name, value):
        return Parameter(name, value, "string", "", "", True, False, "")

    classes = sys.modules[NAME]
    whole = Workflow(name="whole")
    for key, value in commons.items():
        if isinstance(value, str):
            whole.addParameter(parameter(key, value))
        else:
            whole.workflow_commons[key] = value
    for number, outcomes in enumerate(steps):
        step = StepDefinition(f"s{number}")
        for place, outcome in enumerate(outcomes):
            kind = f"Given{number}x{place}"
            setattr(classes, kind, make(outcome, seen))
            module = ModuleDefinition(kind)
            module.setBody(f"from {NAME} import {kind}\n")
            step.addModule(module)
            instance = step.createModuleInstance(kind, f"m{place}")
            for key, value in own.items():
                instance.addParameter(parameter(key, value))
        whole.addStep(step)
        made = whole.createStepInstance(step.getType(), step.getType())
        for key, value in own.items():
            made.addParameter(parameter(key, value))
    try:
        with redirect_stdout(StringIO()):
            return whole.execute()
    finally:
        commons.update(whole.workflow_commons)


def observe(run, steps, commons, own, raises):
    """Run and return all that can be seen: the end, what each module had, the reports, the commons."""
    seen = []
    mine = dict(commons)
    reports = Reports(raises) if raises is not None else None
    if reports is not None:
        mine["JobReport"] = reports
    try:
        end = show(run(steps, mine, own, seen))
    except BaseException as error:  # noqa: BLE001 - what escapes is compared
        # The local variable of a step without modules is not a fact about DIRAC
        end = ["escaped", type(error).__name__, [] if isinstance(error, UnboundLocalError) else show(error.args)]
    for had in seen:
        had["MODULE_DEFINITION_NAME"] = "Given"  # DIRAC names it as its definition
    return {"end": end, "seen": seen, "reports": reports and reports.seen, "commons": show(mine)}


def check(steps, commons, own, raises=frozenset()):
    """Observe both and find them equal; return what was observed."""
    sys.modules[NAME] = ModuleType(NAME)
    try:
        ours = observe(by_reference, steps, commons, own, raises)
        theirs = observe(by_dirac, steps, commons, own, raises)
    finally:
        del sys.modules[NAME]
    assert ours == theirs
    return ours


def failed(message, number=0, **more):
    return {"OK": False, "Errno": number, "Message": message, **more}


def ok(value=None, **more):
    return {"OK": True, "Value": value, **more}


TABLE = {
    "all well": [[ok(1), ok({"a": 1})], [ok(2)]],
    "keys are kept": [[ok({"a": 1, "OK": 2}, extra=3), ok([1]), ok("x")], [ok()]],
    "failure": [[failed("bad")]],
    "failure with number": [[failed("Unknown WMS error ( 1500 : bad)", 1500)]],
    "failure with a text as number": [[failed("bad", "number")]],
    "failure with a truth as number": [[failed("bad", True)]],
    "failure whose message is a number": [[failed(1500, 3)]],
    "failure whose message is an exception": [[failed(RuntimeError("its")), ok()]],
    "failure without number": [[{"OK": False, "Message": "bad"}], [ok()]],
    "failure without message": [[{"OK": False, "Errno": 1}, ok()]],
    "later failure without message": [[failed("one", 1500), {"OK": False}, ok()], [ok()]],
    "none": [[None], [ok()]],
    "a text": [["text"]],
    "a list": [[[]]],
    "empty": [[{}]],
    "exception": [[ok(), ValueError("boom"), ok()], [ok(), failed("late")]],
    "exception after failure": [[failed("bad", 1500), ValueError("boom"), ok()], [ok()]],
    "failure after exception": [[KeyError("boom"), failed("bad", 1500), ok()], [ok()]],
    "exit": [[ok(), SystemExit(3), ok()], [ok()]],
    "interrupt": [[KeyboardInterrupt()]],
    "no value at the end": [[ok(), {"OK": True}]],
    "no value before the end": [[{"OK": True, "more": 1}, ok(2)], [ok(3)]],
    "no value at the end of a failed step": [[failed("bad"), {"OK": True}], [ok(3)]],
    "a dictionary is OK": [[{"OK": {"b": 1}}, ok()]],
    "keys in their order": [[{"a": 1, **ok({"a": 2, "b": 2}), "b": 3}, ok()]],
    "truthy is OK": [[{"OK": 1, "Value": 5}], [{"OK": [], "Message": "m", "Errno": 0}]],
    "last failing step wins": [[failed("one", 1500)], [failed("two", 2)], [ok()], [failed("four")], [ok()]],
    "a step without modules": [[ok()], []],
    "no steps": [],
}


@pytest.mark.parametrize("raises", [None, frozenset(), frozenset({0}), frozenset({1}), frozenset({1, 2})], ids=str)
@pytest.mark.parametrize("case", TABLE)
def test_each_kind_of_outcome_has_the_same_consequences(case, raises):
    check(TABLE[case], {"PRODUCTION_ID": "00000012", "JOB_ID": "00000034"}, {"own": "5"}, raises)


@pytest.mark.parametrize("own", ["STEP_NUMBER", "STEP_ID", "JOB_ID", "PRODUCTION_ID", "STEP_INSTANCE_NAME"])
def test_own_parameters_go_before_the_given_ones(own):
    seen = check(TABLE["all well"], {}, {own: "mine"})["seen"]
    assert [(had[own], had["step_commons"][own]) for had in seen] == [("mine", "mine")] * 3


def test_missing_ids_are_zeros():
    seen = check([[ok()]], {}, {})
    assert seen["commons"]["PRODUCTION_ID"] == seen["commons"]["JOB_ID"] == "00000000"
    assert seen["seen"][0]["step_commons"]["STEP_ID"] == "00000000_00000000_1"


plain = st.none() | st.booleans() | st.integers(-5, 2000) | st.text(max_size=5)
values = plain | st.lists(plain, max_size=2) | st.dictionaries(st.text(max_size=4), plain, max_size=3)
errors = st.builds(
    lambda kind, args: kind(*args),
    st.sampled_from([ValueError, RuntimeError, KeyError, OSError, SystemExit, KeyboardInterrupt]),
    st.lists(st.text(max_size=5) | st.integers(0, 9), max_size=2),
)
results = st.builds(
    lambda keys, more: {**more, **keys},
    st.fixed_dictionaries(
        {},
        optional={
            "OK": st.booleans() | plain, "Value": values, "Message": plain | errors,
            "Errno": st.sampled_from([0, 1, 2, 1500, 99999, True, "n", None]),
        },
    ),
    st.dictionaries(st.sampled_from(["extra", "STEP_NUMBER", "JobReport"]), plain, max_size=2),
)  # fmt: skip
usual = st.builds(ok, values) | st.builds(failed, st.text(max_size=5), st.sampled_from([0, 2, 1500]))
outcomes = usual | results | errors | values


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.lists(outcomes, max_size=3), max_size=3),
    st.dictionaries(st.sampled_from(["PRODUCTION_ID", "JOB_ID", "other"]), st.text("0123456789", min_size=1)),
    st.none() | st.frozensets(st.integers(0, 4), max_size=3),
)
@example([[failed("x", 1500), ValueError("y")], [ok()]], {}, frozenset({1}))
def test_any_sequence_of_outcomes_has_the_same_consequences(steps, commons, raises):
    check(steps, commons, {}, raises)
