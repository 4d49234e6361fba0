from __future__ import annotations

import io
import sys
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from dirac_failover.conformance.page import Page, Row, Style, shortened, terminal_style


def lines(*rows: Row, style: Style | None = None) -> list[str]:
    """The lines of a section with these rows, without its heading."""
    page = Page(style or Style(40))
    page.section("Title", rows)
    heading, *others = page.text().splitlines()
    assert heading.strip("\x1b[01m─-") == " Title "
    return others


def test_sections_have_a_rule_and_stand_apart() -> None:
    """As wide as the terminal, with an empty line between; each line is ended."""
    page = Page(Style(20))
    assert page.text() == ""
    page.section("One", [Row(0, "text")])
    page.section("Two", [])
    assert page.text() == "── One ─────────────\ntext\n\n── Two ─────────────\n"


def test_answers_share_a_column() -> None:
    """That of the longest text that leaves room for answers."""
    assert lines(
        Row(0, "short", sign="arrow", answer="1"),
        Row(1, "a bit longer", sign="failed", answer="2"),
        Row(0, "no answer, and as long as it likes"),
        Row(0, "no answer, and no part"),
        Row(0, "x" * 28, answer="3"),
    ) == [
        "short                         → 1",
        "  a bit longer                ✗ 2",
        "no answer, and as long as it likes",
        "no answer, and no part",
        f"{'x' * 28}  3",
    ]


def test_a_text_that_leaves_no_room_makes_no_column() -> None:
    """Seven tenths of the width is the most; its own answer follows it where it fits."""
    assert lines(Row(0, "a", answer="1"), Row(0, "x" * 29, answer="2"), Row(0, "bb", answer="3")) == [
        "a   1",
        f"{'x' * 29}  2",
        "bb  3",
    ]


def test_an_answer_that_does_not_fit_the_column_moves_left() -> None:
    """First to its text, then below it, where it is wrapped."""
    answer = "x" * 29
    rows = (Row(0, "x" * 20, answer="1"), Row(0, "text", answer=answer), Row(1, "texts", answer=f"{answer} yy zzzz"))
    assert lines(*rows) == [
        f"{'x' * 20}  1",
        f"text  {answer}",
        "  texts",
        f"    {answer} yy",
        "      zzzz",
    ]


def test_an_answer_fits_up_to_the_last_column() -> None:
    """One character more, and it goes below."""
    assert lines(Row(0, "four", answer="x" * 34)) == [f"four  {'x' * 34}"]
    assert lines(Row(0, "four", answer="x" * 35)) == ["four", f"  {'x' * 35}"]
    assert lines(Row(0, "x" * 10, answer="1"), Row(0, "four", answer="x" * 28)) == [
        f"{'x' * 10}  1",
        f"four        {'x' * 28}",
    ]


def test_what_has_no_answer_has_no_say_in_the_column() -> None:
    """However long it is."""
    assert lines(Row(0, "aaaaaaaaaaaa"), Row(0, "a", answer="1")) == ["aaaaaaaaaaaa", "a  1"]


def test_a_column_counts_the_indentation() -> None:
    """Twice for each level; it is the longest of what fits."""
    rows = (Row(2, "xxxx", answer="1"), Row(0, "xxxxxx", answer="2"), Row(13, "xxx", answer="3"))
    assert lines(*rows) == ["    xxxx  1", "xxxxxx    2", f"{' ' * 26}xxx  3"]


def test_the_head_of_a_wrapped_text_has_its_colour() -> None:
    """On its first line."""
    row = Row(1, "head aaaaaaaaa bbbbbbbbb ccccccccc ddddddddd", "cyan", 4)
    assert lines(row, style=Style(40, colours=True)) == [
        "  \x1b[36mhead\x1b[0m aaaaaaaaa bbbbbbbbb ccccccccc",
        "      ddddddddd",
    ]


def test_a_long_text_is_wrapped_and_hangs() -> None:
    """By four columns or as told; its answer stands below."""
    text = "aaaaaaaaa bbbbbbbbb ccccccccc ddd-ddddd eeeeeeeee"
    assert lines(Row(1, text, answer="ok")) == [
        "  aaaaaaaaa bbbbbbbbb ccccccccc",
        "      ddd-ddddd eeeeeeeee",
        "    ok",
    ]
    assert lines(Row(0, text, hang=1)) == ["aaaaaaaaa bbbbbbbbb ccccccccc ddd-ddddd", " eeeeeeeee"]


def test_rows_and_styles_cannot_be_changed() -> None:
    """They are values."""
    for value, name in ((Row(0, "x"), "text"), (Style(), "width")):
        with pytest.raises(FrozenInstanceError):
            setattr(value, name, 1)


def test_a_plain_row_has_no_colour() -> None:
    """Neither its text nor its answer; and a colour alone has nothing to paint."""
    style = Style(40, colours=True)
    assert lines(Row(0, "text", head=4, answer="answer"), style=style) == ["text  answer"]
    assert lines(Row(0, "text", "red"), style=style) == ["text"]


def test_an_empty_row_is_an_empty_line() -> None:
    """It sets things apart."""
    assert lines(Row(0, "")) == [""]


def test_without_unicode_there_is_ascii_only() -> None:
    """Signs have another form; other texts are escaped."""
    ascii_only = Style(40, unicode=False)
    assert lines(Row(0, "/vo/é", sign="well", answer="€"), style=ascii_only) == ["/vo/\\xe9  + \\u20ac"]
    assert [ascii_only.sign(name) for name in ("arrow", "failed", "well", "more", "rule")] == [
        "->",
        "x",
        "+",
        "...",
        "-",
    ]
    assert [Style().sign(name) for name in ("arrow", "failed", "well", "more", "rule")] == list("→✗✓…─")


def test_what_would_confuse_a_terminal_is_escaped() -> None:
    """Control characters and lone surrogates; a text of a foreign alphabet is not."""
    assert Style(unicode=False).clean("it's \\ \t") == "it's \\ \\t"
    assert Style().clean("a\x1b[0m\n\udcff é") == "a\\x1b[0m\\n\\udcff é"


@pytest.mark.parametrize(
    ("colour", "code"), [("bold", 1), ("dim", 2), ("red", 31), ("green", 32), ("cyan", 36), ("blue", 34)]
)
def test_colours_are_ansi(colour: str, code: int) -> None:
    """And only where they are wanted."""
    assert Style(colours=True).paint("x", colour) == f"\x1b[{code}mx\x1b[0m"
    assert Style(colours=False).paint("x", colour) == "x"
    assert Style(colours=True).paint("", colour) == ""
    assert Style(colours=True).paint("x", "") == "x"


def test_the_usual_terminal() -> None:
    """80 columns, no colours, more than ASCII."""
    assert Style() == Style(80, colours=False, unicode=True)


def test_colours_change_no_place() -> None:
    """The head of a text and the answer are painted after everything is laid out."""
    style = Style(40, colours=True)
    row = Row(1, "head(tail)", "cyan", 4, "failed", "no", "red")
    assert lines(row, style=style) == ["  \x1b[36mhead\x1b[0m(tail)  \x1b[31m✗ no\x1b[0m"]
    below = Row(1, "head", "cyan", 4, "", "x" * 33 + " yyyy", "dim")
    assert lines(below, style=style) == [
        "  \x1b[36mhead\x1b[0m",
        f"    \x1b[2m{'x' * 33}\x1b[0m",
        "    \x1b[2m  yyyy\x1b[0m",
    ]
    page = Page(style)
    page.section("T", [])
    assert page.text() == f"\x1b[1m── T {'─' * 35}\x1b[0m\n"


# The terminal


class Screen(io.StringIO):
    """A standard output of some kind."""

    def __init__(self, encoding: str | None = "utf-8", *, terminal: bool = True) -> None:
        super().__init__()
        self._encoding, self._terminal = encoding, terminal

    @property
    def encoding(self) -> Any:
        return self._encoding

    def isatty(self) -> bool:
        return self._terminal


@pytest.fixture(autouse=True)
def usual(monkeypatch: pytest.MonkeyPatch) -> None:
    """80 columns, and nothing that says otherwise."""
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("terminal", "environment", "color", "coloured"),
    [
        (True, {}, "auto", True),
        (True, {"NO_COLOR": ""}, "auto", True),
        (True, {"NO_COLOR": "1"}, "auto", False),
        (True, {"TERM": "dumb"}, "auto", False),
        (True, {"TERM": "xterm"}, "auto", True),
        (False, {}, "auto", False),
        (True, {}, "never", False),
        (False, {"NO_COLOR": "1", "TERM": "dumb"}, "always", True),
    ],
)
def test_colours_are_for_terminals(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, environment: dict[str, str], color: str, coloured: bool
) -> None:
    """Unless somebody says otherwise."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdout", Screen(terminal=terminal))
    assert terminal_style(color) == Style(80, colours=coloured)


@pytest.mark.parametrize(
    ("encoding", "unicode"),
    [("utf-8", True), ("UTF-16", True), ("ascii", False), ("latin-1", False), ("gb18030", False), (None, False)],
)
def test_signs_are_for_unicode(monkeypatch: pytest.MonkeyPatch, encoding: str | None, unicode: bool) -> None:
    """Everywhere else ASCII will do."""
    monkeypatch.setattr(sys, "stdout", Screen(encoding))
    assert terminal_style("never") == Style(80, unicode=unicode)


@pytest.mark.parametrize(("columns", "width"), [(100, 100), (39, 40), (161, 160)])
def test_lines_are_as_wide_as_the_terminal(monkeypatch: pytest.MonkeyPatch, columns: int, width: int) -> None:
    """Within reason."""
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr(sys, "stdout", Screen())
    assert terminal_style("never").width == width


def test_a_long_text_is_shortened_in_its_middle() -> None:
    """To just so many characters; a third of them at most, and no more than 50, are of its end."""
    assert shortened("x" * 160) == "x" * 160
    assert shortened("a" * 100 + "b" * 100) == "a" * 100 + "bbbbb ... " + "b" * 50
    assert shortened("abcdefghijklmnop", 15) == "abcde ... lmnop"
