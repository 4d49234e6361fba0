"""The lessons teach what is so: on the reference, and on the real DIRAC where it is installed."""

import re
import runpy
from dataclasses import FrozenInstanceError
from itertools import pairwise
from pathlib import Path
from types import FunctionType

import pytest

from dirac_failover.actors.run_report import run
from dirac_failover.cli.run import checked, find_class
from dirac_failover.drivers.implementations import IMPLEMENTATIONS
from dirac_failover.drivers.in_process import InProcessDriver
from dirac_failover.lessons.lessons import LESSONS, decisive, right
from dirac_failover.lossless import LosslessFailoverRequest
from dirac_failover.module_base import ModuleBase
from dirac_failover.reports.terminal import Style
from dirac_failover.spec.check_context import CheckContext
from dirac_failover.spec.clauses import CLAUSES
from dirac_failover.spec.scenario import Scenario
from tests.reports import made

DOCS = Path(__file__).parents[2] / "docs"
EACH = pytest.mark.parametrize("lesson", LESSONS, ids=[lesson.name for lesson in LESSONS])
RIGHT = {
    "the-hooks": "_resolveInputVariables, _initialize, _setCommand, _executeCommand, _execute, _finalize, finalize",
    "a-graceful-end": "The next hooks are left out, and the module ends well",
    "an-error": "finalize alone",
    "an-error-number": "Errno is 3, Message the text",
    "a-returned-error": "Well, after all hooks",
    "an-exit": "The module ends with an error, and the next modules of the job are run",
    "no-ending": "None",
    "the-step-before": "events.root",
    "a-missing-output": "It raises OSError: a file is missing",
    "a-kept-status": "Both",
    "after-a-failure": "The parameter",
    "all-is-well": "Nothing: no file is written",
    "an-outage": "One operation with the statuses of both files",
    "an-earlier-status": "Problematic",
    "accounting-is-down": "In a request of their own, which the request system has already",
    "no-job": "It ends well, and there is no file",
    "a-failed-workflow": "Nothing: no file is written",
    "the-file-by-itself": "It writes 12_34_request.json, with the operation",
    "an-invalid-operation": "Nothing: no file is written",
    "an-old-file": "The old file, unchanged",
    "an-answer-without-stub": "It ends well, and there is no file",
    "a-lost-reply": "Twice",
    "nothing-lost": "'Workflow successful, end of FailoverRequest module execution.'",
}
"""What a reader of each explanation expects; the explanations were written for these."""


def on_kit(module, implementation):
    """The module of a lesson, derived from the implementation's base class."""
    if module is None or module.__base__ is not ModuleBase:
        return module
    base = next(base for base in implementation.FailoverRequest.__mro__ if base.__name__ == "ModuleBase")
    methods = {name: method for name, method in vars(module).items() if isinstance(method, FunctionType)}
    return type(module.__name__, (base,), methods)


@EACH
def test_the_run_bears_out_the_choice_that_the_explanation_is_about(lesson, implementation):
    """Exactly one of the choices, on the reference and on the real DIRAC."""
    if lesson.module is LosslessFailoverRequest and implementation.name != "reference":
        pytest.skip("the lesson is about a module of this package")
    report = run(implementation, checked(lesson.scenario), on_kit(lesson.module, implementation))
    assert right(lesson, report) == RIGHT[lesson.name]
    assert report.unfired == (), "a fault that never strikes teaches nothing"
    assert lesson.line in decisive(lesson, report, Style())


@EACH
def test_the_situation_can_be_run_again_from_its_text(lesson):
    """It is plain data, and the module can be named."""
    assert Scenario.from_json(lesson.scenario.to_json()) == lesson.scenario
    assert lesson.module is None or find_class(str(lesson.path)) is lesson.module
    assert (lesson.path is None) == (lesson.module is None)


@EACH
def test_a_lesson_names_every_clause_that_is_broken_in_it(lesson):
    """It may name others that help; all of them exist."""
    port = InProcessDriver(IMPLEMENTATIONS["reference"].load(), lesson.module)
    with port.session():
        case = CheckContext(lesson.scenario, port.run(lesson.scenario))
    broken = {clause.id for clause in CLAUSES if clause.level != "dirac" and clause.violation(case)}
    assert broken <= set(lesson.clauses) <= {clause.id for clause in CLAUSES}


def test_each_lesson_is_complete_and_different():
    """Names, questions and choices: nothing is asked twice, and each question has a real choice."""
    assert len({lesson.name for lesson in LESSONS}) == len({lesson.title for lesson in LESSONS}) == len(LESSONS)
    assert [lesson.name for lesson in LESSONS] == list(RIGHT)
    for lesson in LESSONS:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", lesson.name)
        assert lesson.question.endswith("?")
        assert len(lesson.choices) == 3
        assert lesson.told.endswith(".")
        assert lesson.why.endswith(".")
        assert lesson.clauses


def test_the_right_choice_is_not_always_in_the_same_place():
    """Nobody can guess it from the lessons before."""
    places = [list(lesson.choices).index(RIGHT[lesson.name]) for lesson in LESSONS]
    assert all(len(LESSONS) / 4 < places.count(place) < len(LESSONS) / 2 for place in range(3))
    assert not any(a == b == c for (a, b), (_, c) in pairwise(pairwise(places)))


def test_some_lessons_are_about_any_module():
    """Each hook answer, each method that the documentation names beside execute, and the inputs of a step."""
    scenarios = [lesson.scenario for lesson in LESSONS]
    answers = {text.partition("=")[0] for scenario in scenarios for text in scenario.hooks.values()}
    assert answers == {"raises", "s_error", "bad_shape"}
    called = {call[0] for scenario in scenarios for call in scenario.calls}
    assert called >= {"getCandidateFiles", "setApplicationStatus", "setJobParameter", "generateFailoverFile"}
    assert any(scenario.step_commons.get("inputData") == "previousStep" for scenario in scenarios)


def test_the_line_that_shows_the_answer_is_one_line_of_the_timeline():
    """It is found whatever the width and the colours, it is not wrapped, and its columns are closed."""
    lesson = next(lesson for lesson in LESSONS if lesson.name == "an-answer-without-stub")
    report = run(IMPLEMENTATIONS["reference"].load(), lesson.scenario)
    shown = "JobReport.generateForwardDISET()  {} not OK: Could not create ForwardDISET operation"
    assert decisive(lesson, report, Style(width=40, colours=True)) == shown.format("✗")
    assert decisive(lesson, report, Style(unicode=False)) == shown.format("x")


def test_a_long_line_is_shortened_in_its_middle():
    """Its end has the answer."""
    lesson = next(lesson for lesson in LESSONS if lesson.name == "a-missing-output")
    line = decisive(lesson, run(IMPLEMENTATIONS["reference"].load(), lesson.scenario), Style())
    assert line.startswith("getCandidateFiles([{'stepName'")
    assert line.endswith("'root')  ✗ raised OSError()")
    assert len(line) == 160


def test_what_no_choice_stands_for_is_an_error():
    """A lesson whose run shows something else cannot be answered."""
    (lesson,) = [lesson for lesson in LESSONS if lesson.name == "an-outage"]
    found = made.report(files={"12_34_request.json": '{"Operations": [{"Type": "RemoveFile"}]}'})
    with pytest.raises(ValueError, match="not enough values"):
        right(lesson, found)


def test_the_pages_of_the_lessons_are_current():
    """The copies in the repository are what the generator makes now, and there are no others."""
    pages = runpy.run_path(str(DOCS / "lessons_page.py"))["pages"]()
    found = {path.name: path.read_text(encoding="utf-8") for path in (DOCS / "lessons").glob("*.md")}
    assert found == pages, "run: python docs/lessons_page.py"


def test_a_lesson_stays_what_it_is():
    """Everybody is told the same."""
    with pytest.raises(FrozenInstanceError):
        LESSONS[0].name = "x"  # type: ignore[misc]
