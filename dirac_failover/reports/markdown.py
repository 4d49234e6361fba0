"""Results as Markdown, for merge requests, job summaries and wikis: the matrix, or the changes between two results."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from dirac_failover.reports.changes import KINDS
from dirac_failover.reports.matrix import BROKE_DOWN, STATES, TITLES
from dirac_failover.reports.trace import clean, lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dirac_failover.conformance.results import ClauseResult, Minimal
    from dirac_failover.reports.changes import Diff
    from dirac_failover.reports.matrix import Cell, Matrix, Port
    from dirac_failover.spec.observation import Json

_SPECIAL: Final = re.compile(r"([\\`*_\[\]<>|~&#@!$])")


def escape(text: str) -> str:
    """Return ``text`` escaped, so that Markdown shows it unchanged, in one line."""
    return _SPECIAL.sub(r"\\\1", clean(text))


def table(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield a table's lines; the first row is its head."""
    for number, row in enumerate(rows):
        yield f"| {' | '.join(row)} |"
        if number == 0:
            yield f"|{' --- |' * len(row)}"


def page(matrix: Matrix) -> str:
    """Return the matrix as Markdown."""
    return "".join(f"{line}\n" for line in _lines(matrix))


def _lines(matrix: Matrix) -> Iterator[str]:
    labels = [escape(port.label) for port in matrix.ports]
    yield f"# Conformance of {', '.join(labels)}"
    yield ""
    states = [state for state in STATES if any(port.tally()[state] for port in matrix.ports)]
    yield from table(
        [["port", "verdict", *states, "scenarios", "profile", "date"], *(_port(p, states) for p in matrix.ports)]
    )
    for level, rows in matrix.levels():
        yield from ("", f"## {TITLES[level]}", "")
        cells = ([escape(row.id), escape(row.text), *map(_cell, row.cells)] for row in rows)
        yield from table([["clause", "", *labels], *cells])
    for number, (row, port, clause) in enumerate(matrix.breaches()):
        if number == 0:
            yield from ("", "## Breaches")
        yield from ("", f"### {escape(row.id)}, {escape(port.label)}", "", escape(clause.text), "")
        yield from _breach(clause)


def _port(port: Port, states: Sequence[str]) -> list[str]:
    tally = port.tally()
    verdict = port.judged + (f": {escape(port.results.error)}" if port.results.error else "")
    texts = map(escape, (f"{port.results.scenarios:,}{port.shard}", port.results.profile, port.results.header.date))
    return [escape(port.label), verdict, *(str(tally[state]) for state in states), *texts]


def _cell(cell: Cell) -> str:
    return f"**{cell.text}**" if cell.breach else cell.text


def _breach(clause: ClauseResult) -> Iterator[str]:
    if clause.baseline:
        yield from (f"Known, {escape(clause.baseline.kind)}: {escape(clause.baseline.reason)}", "")
    yield f"Broken in {clause.broken:,} of {clause.asked:,} scenarios."
    if clause.minimal:
        yield from _minimal(clause.minimal)


def _minimal(minimal: Minimal) -> Iterator[str]:
    yield from (f"The smallest: {escape(minimal.name)}", "")
    for name in ("expected", "observed", "scenario"):
        yield from (f"{name.capitalize()}:", "", *_fenced(getattr(minimal, name)), "")
    yield from ("What happened:", "", "```text")
    yield from (f"{number}. {line}" for number, line in enumerate(lines(minimal.steps), 1))
    yield "```"


def changes(diff: Diff) -> str:
    """Return the changes as Markdown: a table for each kind."""
    return "".join(f"{line}\n" for line in _changes(diff))


def _changes(diff: Diff) -> Iterator[str]:
    yield f"# {escape(diff.old.label)} -\\> {escape(diff.new.label)}"
    yield from ("", diff.summary)
    for name, (old, new) in diff.runs.items():
        yield from ("", f"The runs differ: {name} {escape(old)} -\\> {escape(new)}")
    if diff.broke_down:
        yield from ("", f"**The port {BROKE_DOWN}**: {escape(str(diff.new.results.error))}")
    for kind, meaning in KINDS.items():
        if found := diff.of_kind(kind):
            yield from ("", f"## {kind.capitalize()}", "", f"{meaning.capitalize()}.", "")
            rows = [[*map(escape, (change.id, change.texts[1] or change.texts[0], change.text))] for change in found]
            yield from table([["clause", "", "change"], *rows])


def _fenced(value: Json) -> list[str]:
    """Return JSON in a fence: none of its lines can end the fence, since each begins with a quote or a bracket."""
    return ["```json", *json.dumps(value, indent=2).splitlines(), "```"]
