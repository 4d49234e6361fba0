"""``dirac-failover compare``: what ports, or versions of one, make of each clause, side by side.

The matrix is shown here as text for a terminal; the modules ``markdown`` and ``html_page`` show the same.
"""

from __future__ import annotations

import json
import string
from typing import TYPE_CHECKING, Final

from dirac_failover.cli import output
from dirac_failover.cli.exits import Exit
from dirac_failover.conformance.results import BROKEN, CONFORMS, DIVERGES, HELD, UNCHECKED
from dirac_failover.reports import badge, html_page, junit, markdown
from dirac_failover.reports.matrix import BROKE_DOWN, KNOWN, NOTHING_ASKED, TITLES, Cell, Matrix, Port

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from dirac_failover.reports.terminal import Style

_COLOURS: Final = {
    HELD: "green", BROKEN: "red", CONFORMS: "green", DIVERGES: "red", BROKE_DOWN: "red", KNOWN: "cyan",
    UNCHECKED: "red",    NOTHING_ASKED: "",
}  # fmt: skip
_WIDEST_LABEL: Final = 20
_SHORTEST: Final = 34
_NARROWEST: Final = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("results", metavar="RESULTS", nargs="+", help="a file that 'verify --output' has written")
    output.add_arguments(parser, ("text", "markdown", "html", "json"))


def execute(arguments: argparse.Namespace) -> int:
    """Run the command, or ``report``, which has other formats; return its exit code."""
    matrix = Matrix.load(arguments.results)
    formats = {
        "text": lambda style: text(matrix, style),
        "markdown": lambda _: markdown.page(matrix),
        "html": lambda _: html_page.page(matrix),
        "json": lambda _: json.dumps(matrix.to_json(), indent=2) + "\n",
        "junit": lambda _: junit.document(matrix.ports[0]),
        "badge": lambda _: badge.picture(matrix.ports[0]),
    }
    output.deliver(arguments, formats)
    return Exit.OK


def text(matrix: Matrix, style: Style) -> str:
    """Return the matrix as text, each line ended by a newline."""
    return "".join(f"{line.rstrip()}\n" for line in _lines(matrix, style))


def _lines(matrix: Matrix, style: Style) -> Iterator[str]:
    heads = _heads(matrix, style)
    for i, port in enumerate(matrix.ports):
        yield from _port(port, "" if heads[i] == style.clean(port.label) else f"{heads[i]}  ", style)
    widths = [
        max(_NARROWEST, len(head), *(len(row.cells[i].text) for row in matrix.rows)) for i, head in enumerate(heads)
    ]
    room = style.width - sum(widths) - 2 * len(widths) - 2
    for level, rows in matrix.levels():
        texts = {row.id: f"{row.id}  {row.text}" if room >= _SHORTEST else row.id for row in rows}
        left = room if room >= _SHORTEST else max(len(style.clean(row.id)) for row in rows)
        title = style.paint(TITLES[level].ljust(left + 2), "bold")
        yield ""
        yield title + _joined([head.ljust(widths[i]) for i, head in enumerate(heads)])
        for row in rows:
            yield f"  {_cut(texts[row.id], left, style)}" + _joined(
                [_cell(cell, widths[i], style) for i, cell in enumerate(row.cells)]
            )
    yield ""
    if len(matrix.ports) > 1:
        differ = sum(row.differs for row in matrix.rows)
        yield f"{len(matrix.rows)} clauses, {differ} on which the ports differ"
    yield "Known breaches are those of a baseline. '--format html' shows the smallest scenario of each breach."


def _cell(cell: Cell, width: int, style: Style) -> str:
    colour = "cyan" if cell.aside and cell.breach else _COLOURS.get(cell.state, "dim")
    return style.paint(cell.text, colour) + " " * (width - len(cell.text))


def _joined(cells: Sequence[str]) -> str:
    return "".join(f"  {cell}" for cell in cells)


def _heads(matrix: Matrix, style: Style) -> list[str]:
    """Return what heads each column: the labels of the ports, or letters where there is no room for them."""
    labels = [style.clean(port.label) for port in matrix.ports]
    wide = sum(len(label.ljust(_NARROWEST)) + 2 for label in labels)
    if max(map(len, labels)) <= _WIDEST_LABEL and style.width - wide >= _SHORTEST:
        return labels
    return [_letter(number) for number in range(len(labels))]


def _letter(number: int) -> str:
    rounds, letter = divmod(number, len(string.ascii_uppercase))
    return string.ascii_uppercase[letter] + (str(rounds) if rounds else "")


def _port(port: Port, letter: str, style: Style) -> Iterator[str]:
    header = port.results.header
    said = style.paint(port.verdict, _COLOURS[port.verdict])
    by = f", by {port.levels}" if port.levels else ""
    yield f"{letter}{style.paint(style.clean(port.label), 'bold')}  {said}{by}"
    indent = "  " + " " * len(letter)
    if port.results.error:
        yield f"{indent}{style.clean(port.results.error)}"
    found = [f"{number} {state}" for state, number in port.tally().items() if number]
    shard = "" if header.shard == "1/1" else f" (shard {header.shard})"
    run = f"{port.results.scenarios:,} scenarios{shard}, profile {port.results.profile}, {header.date}"
    yield style.clean(f"{indent}{', '.join(found)}; {run}")


def _cut(said: str, width: int, style: Style) -> str:
    """Return a text in exactly ``width`` characters."""
    said, more = style.clean(said), style.sign("more")
    return said.ljust(width) if len(said) <= width else said[: width - len(more)] + more
