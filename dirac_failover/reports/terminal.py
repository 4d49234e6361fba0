"""Text for a terminal: sections of lines, each a text and its answer, laid out for a width.

An answer stands beside its text, in a column where that is possible, and below it where there is no room.
"""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_COLOURS: Final = {"bold": "1", "dim": "2", "red": "31", "green": "32", "cyan": "36", "blue": "34"}
_SIGNS: Final = {
    "arrow": ("→", "->"),
    "failed": ("✗", "x"),
    "well": ("✓", "+"),
    "more": ("…", "..."),
    "rule": ("─", "-"),
}


@dataclass(frozen=True, slots=True)
class Style:
    """The form of a text: the columns, colours or none, characters beyond ASCII or none, and whether all is shown."""

    width: int = 80
    colours: bool = False
    unicode: bool = True
    verbose: bool = False

    def sign(self, name: str) -> str:
        """Return a sign."""
        return _SIGNS[name][not self.unicode]

    def paint(self, text: str, colour: str) -> str:
        """Colour a text."""
        return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if self.colours and colour and text else text

    def cut(self, text: str, indent: int = 0) -> str:
        """Return a text, cut at the width of the terminal unless all is shown; ``indent`` columns are taken."""
        most, more = self.width - indent, self.sign("more")
        return text if self.verbose or len(text) <= most else text[: most - len(more)].rstrip() + more

    def more(self, number: int, what: str) -> list[Line]:
        """Return the line that says how many things are left out, if any are."""
        line = Line(1, f"{self.sign('more')} {number:,} more {what}: -v shows all", "dim", self.width)
        return [line] if number > 0 and not self.verbose else []

    def clean(self, text: str) -> str:
        """Return ``text`` without characters that the terminal would interpret or cannot show."""
        return "".join(c if c.isprintable() and (self.unicode or c.isascii()) else ascii(c)[1:-1] for c in text)


@dataclass(frozen=True, slots=True)
class Line:
    """One entry: its text, of which the first ``head`` characters have the colour, and its answer.

    ``pieces`` are the lengths and colours of further parts of the first line.
    """

    indent: int
    text: str
    colour: str = ""
    head: int = 0
    sign: str = ""
    answer: str = ""
    answer_colour: str = ""
    hang: int = 4
    pieces: tuple[tuple[int, str], ...] = ()


def section(style: Style, title: str, rows: Iterable[Line] = ()) -> str:
    """Return a section as text, each line ended by a newline; the answers of its rows share a column."""
    rule = style.sign("rule")
    lines = [style.paint(f"{rule * 2} {title} ".ljust(style.width, rule), "bold")]
    listed = list(rows)
    widths = [2 * row.indent + len(row.text) for row in listed if row.answer]
    column = max((width for width in widths if width <= style.width * 7 // 10), default=None)
    for row in listed:
        lines += _row(style, row, column)
    return "".join(f"{line}\n" for line in lines)


def _row(style: Style, row: Line, column: int | None) -> list[str]:
    indent = "  " * row.indent
    text = style.clean(row.text)
    answer = (f"{style.sign(row.sign)} " if row.sign else "") + style.clean(row.answer)
    lines = _wrapped(style, indent, text, row.hang) or [""]
    used = len(indent) + len(text)
    first, painted = lines[0][len(indent) :], indent
    for length, colour in ((row.head, row.colour), *row.pieces):
        painted, first = painted + style.paint(first[:length], colour), first[length:]
    lines[0] = painted + first
    if not row.answer:
        return lines
    for gap in (" " * ((column or used) - used) + "  ", "  "):
        if used + len(gap) + len(answer) <= style.width:
            (line,) = lines
            return [line + gap + style.paint(answer, row.answer_colour)]
    below = indent + "  "
    answers = _wrapped(style, below, answer, 2)
    return [*lines, *(below + style.paint(line[len(below) :], row.answer_colour) for line in answers)]


def _wrapped(style: Style, indent: str, text: str, hang: int) -> list[str]:
    return textwrap.wrap(
        text, style.width, initial_indent=indent, subsequent_indent=indent + " " * hang, break_on_hyphens=False
    )


def terminal_style(color: str, verbose: bool = False) -> Style:
    """Return the style of standard output; ``color`` is ``auto``, ``always`` or ``never``."""
    unicode = str(sys.stdout.encoding).lower().startswith("utf")
    on = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    _, width, _ = sorted((40, shutil.get_terminal_size().columns, 160))
    return Style(width, color == "always" or (color == "auto" and on), unicode, verbose)
