"""Steps in words, whatever somebody may have written in their place."""

from __future__ import annotations

from typing import Any

import pytest

from dirac_failover.reports.trace import Moment, clean, moments, said


@pytest.mark.parametrize(
    ("step", "moment"),
    [
        (["module", "_execute", [], None], Moment(True, "_execute")),
        (["module", "x", [1, 2], {"OK": True}], Moment(True, "x", "(1, 2)", "OK", "well")),
        (["A", "b", [], None], Moment(False, "A.b", "()", "null", "well")),
        (["A", "b", [None, "é", None, None], 0], Moment(False, "A.b", '(null, "é")', "0", "well")),
        (["A", "b", [None], {"OK": True, "Value": None}], Moment(False, "A.b", "()", "OK", "well")),
        (["A", "b", [], {"OK": True, "Value": {"x": 1}}], Moment(False, "A.b", "()", 'OK: {"x": 1}', "well")),
        (["A", "b", [], {"OK": True, "Value": 0}], Moment(False, "A.b", "()", "OK: 0", "well")),
        (["A", "b", [], {"OK": 1}], Moment(False, "A.b", "()", '{"OK": 1}', "well")),
        (["A", "b", [], {"OK": False, "Message": "no"}], Moment(False, "A.b", "()", "not OK: no", "failed")),
        (
            ["A", "b", [], {"OK": False, "Message": "x Connection refused y"}],
            Moment(False, "A.b", "()", "connection refused", "failed"),
        ),
        (["A", "b", [], {"OK": False, "Message": [1]}], Moment(False, "A.b", "()", "not OK: [1]", "failed")),
        (["A", "b", [], {"OK": False}], Moment(False, "A.b", "()", "not OK: null", "failed")),
        (
            ["A", "b", [], {"exception": "E", "args": ["x", 2]}],
            Moment(False, "A.b", "()", 'raised E("x", 2)', "failed"),
        ),
        (
            ["A", "b", [], {"exception": "E", "args": 2}],
            Moment(False, "A.b", "()", '{"exception": "E", "args": 2}', "well"),
        ),
        (["A", "b\n", ["\x1b"], "\u202e"], Moment(False, "A.b\\n", '("\\u001b")', '"\\u202e"', "well")),
        (["module", "\x1b", [], None], Moment(True, "\\x1b")),
        (["A", "b", [], {"exception": "\x1b", "args": []}], Moment(False, "A.b", "()", "raised \\x1b()", "failed")),
        (["A", "b", []], Moment(False, '["A", "b", []]')),
        (["A", 1, [], None], Moment(False, '["A", 1, [], null]')),
        (["A", "b", "c", None], Moment(False, '["A", "b", "c", null]')),
        ([], Moment(False, "[]")),
        ({"x": 1}, Moment(False, '{"x": 1}')),
    ],
)  # fmt: skip
def test_a_step_becomes_a_moment(step: Any, moment: Moment) -> None:
    """A hook has its name alone; a call has its arguments, those at the end that say nothing left out."""
    assert moments([step]) == [moment]


def test_a_hook_that_answers_nothing_says_nothing() -> None:
    """Neither arguments nor an answer, which is neither good nor bad."""
    assert tuple(moments([["module", "_execute", [], None]])[0]) == (True, "_execute", "", "", "")


def test_a_step_is_left_as_it_was() -> None:
    """Leaving out arguments leaves the step alone."""
    step = ["A", "b", [1, None], None]
    assert [moment.given for moment in moments([step, step])] == ["(1)", "(1)"]
    assert step == ["A", "b", [1, None], None]


def test_a_very_long_value_is_cut() -> None:
    """Of its end, only a little is shown."""
    assert said("x" * 398) == '"' + "x" * 398 + '"'
    assert said("x" * 399) == '"' + "x" * 344 + " ... " + "x" * 49 + '"'


def test_what_is_not_printed_is_escaped() -> None:
    """Nothing reaches a terminal that would move it, and no text is without an encoding."""
    assert clean("a\nb\x00é\u202e\ud800→") == "a\\nb\\x00é\\u202e\\ud800→"
