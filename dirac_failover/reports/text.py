"""The matrix, and the changes between two results, as text for a terminal."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Final

from dirac_failover.conformance.results import BROKEN, CONFORMS, DIVERGES, HELD, UNCHECKED
from dirac_failover.drivers.describe import count
from dirac_failover.reports.changes import BETTER, FIXED, KINDS, REGRESSED
from dirac_failover.reports.matrix import BROKE_DOWN, KNOWN, NOTHING_ASKED, TITLES
from dirac_failover.reports.terminal import Line, section

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dirac_failover.reports.changes import Diff
    from dirac_failover.reports.matrix import Cell, Matrix
    from dirac_failover.reports.terminal import Style

_COLOURS: Final = {
    HELD: "green", BROKEN: "red", UNCHECKED: "red", KNOWN: "cyan",
    CONFORMS: "green", DIVERGES: "red", BROKE_DOWN: "red", NOTHING_ASKED: "",
    REGRESSED: "red", FIXED: "green", BETTER: "green",
}  # fmt: skip
_WIDEST_LABEL: Final = 20
_SHORTEST: Final = 24
"""Columns that the text of a clause needs; where there are fewer, it stands below."""
_NARROWEST: Final = 10


def matrix(matrix: Matrix, style: Style) -> str:
    """Return the matrix as text, each line ended by a newline: the ports, then the clauses of each level."""
    heads = _heads(matrix, style)
    cells = [[_cell(row.cells[i], style) for row in matrix.rows] for i in range(len(heads))]
    widths = [max(_NARROWEST, len(head), *map(len, cells[i])) for i, head in enumerate(heads)]
    ids = max((len(style.clean(row.id)) for row in matrix.rows), default=0)
    wide = style.width - sum(widths) - 2 * len(widths) - ids - 4 >= _SHORTEST

    def line(id_: str, texts: Sequence[str], colours: Sequence[str], text: str = "") -> Line:
        columns = [f"{texts[i]:{width}}" for i, width in enumerate(widths)]
        head = "  ".join([f"{style.clean(id_):{ids}}", *columns])
        pieces = [part for i, width in enumerate(widths) for part in ((2, ""), (width, colours[i]))]
        said = f"{head}  {text}" if text and wide else head
        return Line(1, said, "", ids, answer="" if wide else text, hang=len(head) + 2, pieces=tuple(pieces))

    several = len(matrix.ports) > 1
    differ = [row for row in matrix.rows if row.differs]
    told = f"{count(len(matrix.rows), 'clause')}, {len(differ)} on which the ports differ"
    about = [Line(1, told), *style.more(len(matrix.rows) - len(differ), "clauses on which they do not")] * several
    parts = [section(style, "Ports", [*_ports(matrix, heads, style), *about])]
    for level, all_rows in matrix.levels():
        rows = [row for row in all_rows if row.differs or style.verbose or not several]
        listed = [
            line(row.id, [_cell(cell, style) for cell in row.cells], [*map(_colour, row.cells)], style.clean(row.text))
            for row in rows
        ]
        if listed:
            parts.append(section(style, TITLES[level], [line("", heads, ["bold"] * len(heads)), *listed]))
    note = "n/m: broken in n of the m scenarios that ask for the clause; known: as in a baseline.\n"
    return "\n".join([*parts, f"{note}'--format html' shows the smallest scenario of each breach.\n"])


def _cell(cell: Cell, style: Style) -> str:
    if not cell.breach:
        return cell.state
    return f"{style.sign('failed') if cell.state == BROKEN else KNOWN} {cell.breach.broken:,}/{cell.breach.asked:,}"


def _colour(cell: Cell) -> str:
    return "cyan" if cell.aside and cell.breach else _COLOURS.get(cell.state, "dim")


def _heads(matrix: Matrix, style: Style) -> list[str]:
    """Return the heads of the columns: the labels of the ports, or letters where there is no room for them."""
    labels = [style.clean(port.label) for port in matrix.ports]
    wide = sum(len(label.ljust(_NARROWEST)) + 2 for label in labels)
    if max(map(len, labels)) <= _WIDEST_LABEL and style.width - wide >= _SHORTEST:
        return labels
    return [_letter(number) for number in range(len(labels))]


def _letter(number: int) -> str:
    rounds, letter = divmod(number, len(string.ascii_uppercase))
    return string.ascii_uppercase[letter] + (str(rounds) if rounds else "")


def _ports(matrix: Matrix, heads: Sequence[str], style: Style) -> Iterator[Line]:
    for port, head in zip(matrix.ports, heads, strict=True):
        label = style.clean(port.label)
        letter = "" if head == label else f"{head}  "
        pieces = ((len(label), "bold"), (2, ""), (len(port.verdict), _COLOURS[port.verdict]))
        yield Line(1, f"{letter}{label}  {port.judged}", "", len(letter), pieces=pieces)
        results = port.results
        counts = ", ".join(f"{number} {state}" for state, number in port.tally().items() if number)
        run = f"{results.scenarios:,} scenarios{port.shard}, profile {results.profile}, {results.header.date}"
        yield from (Line(2, text, hang=0) for text in (results.error, counts, run) if text)


def changes(diff: Diff, style: Style) -> str:
    """Return the changes as text, each line ended by a newline: a section for each kind."""
    arrow = style.sign("arrow")
    about = [Line(1, f"The runs differ: {name} {old} {arrow} {new}") for name, (old, new) in diff.runs.items()]
    if diff.broke_down:
        about.append(Line(1, f"The port {BROKE_DOWN}: {diff.new.results.error}", "red", len(f"The port {BROKE_DOWN}")))
    title = style.clean(f"{diff.old.label} {arrow} {diff.new.label}")
    parts = [section(style, title, [*about, Line(1, diff.summary)])]
    for kind, meaning in KINDS.items():
        if found := diff.of_kind(kind):
            colour = _COLOURS.get(kind, "bold")
            rows = [
                Line(
                    1, f"{change.id}  {change.texts[1] or change.texts[0]}", colour, len(style.clean(change.id)),
                    answer=change.text.replace("->", arrow),
                )
                for change in found
            ]  # fmt: skip
            parts.append(section(style, f"{kind.capitalize()}: {meaning}", rows))
    return "\n".join(parts)
