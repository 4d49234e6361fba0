"""Calls in words: those of hooks and others, and those that results list."""

import pytest

from dirac_failover.reports.terminal import Style
from dirac_failover.reports.trace import call_to_text, clean, lines
from tests.reports.made import call


@pytest.mark.parametrize(
    ("listed", "line"),
    [
        (["module", "_execute", [], None], "_execute"),
        (["module", "x", [1, 2], {"OK": True}], "x(1, 2) → OK"),
        (["A", "b", [None, "é", None, None], 0], "  A.b(None, 'é', …) → 0"),
        (["A", "b", [], {"OK": True, "Value": {"x": 1}}], "  A.b() → OK: {'x': 1}"),
        (["A", "b", [], {"OK": False, "Message": "x Connection refused y"}], "  A.b() ✗ connection refused"),
        (["A", "b", [], {"exception": "E", "args": ["x", 2]}], "  A.b() → E('x', 2)"),
        (["A", "b\n", ["\x1b"], "\u202e"], "  A.b\\n('\\x1b') → '\\u202e'"),
    ],
)  # fmt: skip
def test_a_call_of_results_is_a_line(listed, line):
    """A hook has its name alone; other calls are indented, and nothing in them moves a terminal."""
    assert lines([listed]) == [line]


def test_a_line_is_told_in_ascii_where_there_is_nothing_else():
    text = call_to_text(call("A", "b", "é", raised=("E",)), Style(unicode=False))
    assert text.line(Style(unicode=False)) == "A.b('\\xe9') x raised E()"
    assert text.answer.failed


def test_what_is_not_printed_is_escaped():
    """Nothing reaches a terminal that would move it, and no text is without an encoding."""
    assert clean("a\nb\x00é\u202e\ud800→") == "a\\nb\\x00é\\u202e\\ud800→"
