"""Text for a terminal: how rows are laid out for a width, and what terminals are like."""

import io
import re
import sys

import pytest

from dirac_failover.errors import ellipsis
from dirac_failover.reports.terminal import Line, Style, section, terminal_style

PAINTED = re.compile(r"\x1b\[\d*m")
ROWS = [
    Line(0, "a text"),
    Line(1, "with an answer", sign="arrow", answer="in a column"),
    Line(2, "with another", "cyan", 4, sign="failed", answer="in the same", answer_colour="red"),
    Line(1, "with an answer that leaves no room", answer="x" * 20),
    Line(1, "with one", answer="that is wrapped below it, since it is longer than a line has room"),
    Line(1, "a head and a text that is wrapped, and hangs by as much as it is told", "bold", 6, hang=7),
    Line(0, ""),
    Line(0, "/vo/é\x1b[0m", sign="well", answer="€"),
]


def lines(*rows, style=None):
    """The lines of a section with these rows, without its heading."""
    return section(style or Style(40), "Title", rows).splitlines()[1:]


@pytest.mark.parametrize("style", [Style(40), Style(60, colours=True), Style(50, unicode=False)], ids=repr)
def test_rows_are_laid_out(snapshot, style):
    """Below a rule; answers share a column where they can, or stand below."""
    text = section(style, "One", ROWS)
    snapshot(text)
    plain = PAINTED.sub("", text)
    assert max(map(len, plain.splitlines())) == style.width
    assert plain.replace("\n", "").isprintable()
    assert (PAINTED.search(text) is not None) is style.colours
    assert plain.isascii() is not style.unicode


def test_colours_change_no_place():
    """The head of a text and the answer are painted after everything is laid out."""
    painted = lines(*ROWS, style=Style(40, colours=True))
    assert [PAINTED.sub("", line) for line in painted] == lines(*ROWS)


def test_a_text_that_leaves_no_room_makes_no_column():
    """Seven tenths of the width is the most; its own answer follows it where it fits."""
    rows = (Line(0, "x" * 28, answer="1"), Line(0, "bb", answer="3"))
    assert lines(*rows) == [f"{'x' * 28}  1", f"bb{' ' * 28}3"]
    assert lines(Line(0, "x" * 29, answer="2"), Line(0, "bb", answer="3")) == [f"{'x' * 29}  2", "bb  3"]
    assert lines(Line(0, "xxxx" * 4), Line(0, "a", answer="1"))[1] == "a  1"


@pytest.mark.parametrize("length", [34, 35])
def test_an_answer_fits_up_to_the_last_column(length):
    """One character more, and it goes below."""
    answer = "x" * length
    assert lines(Line(0, "four", answer=answer)) == ([f"four  {answer}"] if length == 34 else ["four", f"  {answer}"])
    (_, beside) = lines(Line(0, "x" * 10, answer="1"), Line(0, "four", answer="x" * 34))
    assert beside == f"four  {'x' * 34}"


def test_signs_and_colours():
    """Every sign has a form in ASCII; colours are ANSI, and only where they are wanted."""
    names = ("arrow", "failed", "well", "more", "rule")
    assert [Style(unicode=False).sign(name) for name in names] == ["->", "x", "+", "...", "-"]
    assert [Style().sign(name) for name in names] == list("→✗✓…─")
    for colour, code in (("bold", 1), ("dim", 2), ("red", 31), ("green", 32), ("cyan", 36), ("blue", 34)):
        assert Style(colours=True).paint("x", colour) == f"\x1b[{code}mx\x1b[0m"
        assert Style(colours=False).paint("x", colour) == "x"
    assert Style(colours=True).paint("", "red") == ""
    assert Style(colours=True).paint("x", "") == "x"


def test_what_would_confuse_a_terminal_is_escaped():
    """Control characters and lone surrogates; a text of a foreign alphabet is not."""
    assert Style(unicode=False).clean("it's \\ \t é") == "it's \\ \\t \\xe9"
    assert Style().clean("a\x1b[0m\n\udcff é") == "a\\x1b[0m\\n\\udcff é"


# The terminal


class Screen(io.StringIO):
    """A standard output of some kind."""

    def __init__(self, encoding="utf-8", *, terminal=True):
        super().__init__()
        self._encoding, self._terminal = encoding, terminal

    @property
    def encoding(self):
        return self._encoding

    def isatty(self):
        return self._terminal


@pytest.fixture(autouse=True)
def usual(monkeypatch):
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
def test_colours_are_for_terminals(monkeypatch, terminal, environment, color, coloured):
    """Unless somebody says otherwise."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdout", Screen(terminal=terminal))
    assert terminal_style(color) == Style(80, colours=coloured)


@pytest.mark.parametrize(
    ("encoding", "unicode"),
    [("utf-8", True), ("UTF-16", True), ("ascii", False), ("latin-1", False), ("gb18030", False), (None, False)],
)
def test_signs_are_for_unicode(monkeypatch, encoding, unicode):
    """Everywhere else ASCII will do."""
    monkeypatch.setattr(sys, "stdout", Screen(encoding))
    assert terminal_style("never") == Style(80, unicode=unicode)


@pytest.mark.parametrize(("columns", "width"), [(100, 100), (39, 40), (161, 160)])
def test_lines_are_as_wide_as_the_terminal(monkeypatch, columns, width):
    """Within reason."""
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr(sys, "stdout", Screen())
    assert terminal_style("never").width == width


def test_a_long_text_is_shortened_in_its_middle():
    """To just so many characters; a third of them at most, and no more than 50, are of its end."""
    assert ellipsis("x" * 160) == "x" * 160
    assert ellipsis("a" * 100 + "b" * 100) == "a" * 100 + "bbbbb ... " + "b" * 50
    assert ellipsis("abcdefghijklmnop", 15) == "abcde ... lmnop"
