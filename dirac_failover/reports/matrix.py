"""A matrix of clauses by ports: the data of every report of results.

A cell is how one port stands to one clause. A breach that a baseline knows is a state of its own here, and a port that
broke down has no verdicts at all.
"""

from __future__ import annotations

import os
from collections.abc import Mapping  # noqa: TC003 - pydantic reads the types of the fields
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

from dirac_failover.conformance.results import (
    BROKEN,
    CONFORMS,
    DIVERGES,
    HELD,
    NOT_ASKED,
    OPEN,
    UNCHECKED,
    VERDICTS,
    Header,
    Known,
    Minimal,
    load,
)  # fmt: skip
from dirac_failover.spec.clauses import CONTRACT, DIRAC, LEVELS, LOSSLESS
from dirac_failover.spec.shape import one_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dirac_failover.conformance.results import ClauseResult, Results

SCHEMA: Final = "dirac-failover/compare/1"
KNOWN: Final = "known"
NO_VERDICT: Final = "no verdict"
STATES: Final = (BROKEN, UNCHECKED, KNOWN, HELD, NOT_ASKED, NO_VERDICT)
"""The states of a cell; NO_VERDICT stands for a missing clause, and for a port that broke down."""
TITLES: Final = {CONTRACT: "Contract", DIRAC: "DIRAC", LOSSLESS: "Lossless"}
"""The levels, as headings."""
BROKE_DOWN: Final = "broke down"
"""The words for the verdict ``broken`` on a whole port, which differs from a broken clause."""
NOTHING_ASKED: Final = "nothing asked"
"""The words for a port of which no scenario asked for any clause."""


@dataclass(frozen=True)
class Port:
    """One file of results, and the label that identifies it."""

    label: str
    path: str
    results: Results

    @property
    def verdict(self) -> str:
        """The verdict on the port over all clauses."""
        if self.results.verdict == BROKEN:
            return BROKE_DOWN
        return self.results.verdict if self.results.asked else NOTHING_ASKED

    @property
    def levels(self) -> str:
        """The levels that decide the verdict; empty when all do."""
        levels = self.results.header.levels
        return "" if set(levels) == set(LEVELS) else " and ".join(levels)

    @property
    def judged(self) -> str:
        """The verdict, and its levels unless all decide."""
        return self.verdict + (f", by {self.levels}" if self.levels else "")

    @property
    def shard(self) -> str:
        """The part of the space that was run, in brackets; empty for the whole."""
        shard = self.results.header.shard
        return "" if shard == "1/1" else f" (shard {shard})"

    def decides(self, clause: ClauseResult) -> bool:
        """Return whether the clause makes the port diverge."""
        return state(self.results, clause) in OPEN and clause.level in self.results.header.levels

    def tally(self) -> dict[str, int]:
        """Return how many clauses of the levels that decide are in each state."""
        levels = self.results.header.levels
        found = [state(self.results, clause) for clause in self.results.clauses if clause.level in levels]
        return {name: found.count(name) for name in STATES}


@dataclass(frozen=True)
class Cell:
    """The state of a port's clause, which its results may lack."""

    port: Port
    clause: ClauseResult | None

    @property
    def state(self) -> str:
        """The state, in a word."""
        return state(self.port.results, self.clause)

    @property
    def aside(self) -> bool:
        """Whether the clause is of a level that does not decide: then a breach is no alarm."""
        return self.clause is not None and self.clause.level not in self.port.results.header.levels

    @property
    def text(self) -> str:
        """The state, and in how many of the scenarios the clause is broken."""
        return f"{self.state} {self.breach.broken:,} of {self.breach.asked:,}" if self.breach else self.state

    @property
    def breach(self) -> ClauseResult | None:
        """The clause, if it is broken, known or not."""
        return self.clause if self.state in {BROKEN, KNOWN} else None


@dataclass(frozen=True)
class Row:
    """A clause, and how each port stands to it; the text is that of the first port that has it."""

    id: str
    level: str
    text: str
    cells: tuple[Cell, ...]

    @property
    def differs(self) -> bool:
        """Whether the ports do not all stand alike, those without a verdict left out."""
        return len({cell.state for cell in self.cells} - {NO_VERDICT}) > 1


@dataclass(frozen=True)
class Matrix:
    """Clauses, level by level, by ports."""

    ports: tuple[Port, ...]
    rows: tuple[Row, ...]

    @classmethod
    def load(cls, paths: Sequence[str]) -> Matrix:
        """Return the matrix of these files; raises FileError when one of them does not hold results."""
        loaded = [load(path) for path in paths]
        names = labels(loaded, paths)
        return cls.of((names[i], paths[i], results) for i, results in enumerate(loaded))

    @classmethod
    def of(cls, ports: Iterable[tuple[str, str, Results]]) -> Matrix:
        """Return the matrix of (label, path, results)."""
        made = tuple(Port(*port) for port in ports)
        columns = [{clause.id: clause for clause in port.results.clauses} for port in made]
        first: dict[str, ClauseResult] = {}
        for column in columns:
            first = column | first
        ordered = dict.fromkeys(id_ for column in columns for id_ in column)
        rows = [
            Row(
                id_,
                first[id_].level,
                first[id_].text,
                tuple(Cell(port, columns[i].get(id_)) for i, port in enumerate(made)),
            )
            for id_ in ordered
        ]
        return cls(made, tuple(sorted(rows, key=lambda row: LEVELS.index(row.level))))

    def levels(self) -> Iterator[tuple[str, list[Row]]]:
        """Yield each level that has clauses, with its rows."""
        for level in LEVELS:
            if rows := [row for row in self.rows if row.level == level]:
                yield level, rows

    def breaches(self) -> Iterator[tuple[Row, Port, ClauseResult]]:
        """Yield every breach, known or not."""
        for row in self.rows:
            for cell in row.cells:
                if cell.breach:
                    yield row, cell.port, cell.breach

    def to_json(self) -> dict[str, Any]:
        """Return it for machines."""
        ports = []
        for port in self.ports:
            own = port.results
            ports.append(MatrixPort(port.label, port.path, own.verdict, own.error, own.header, own.counts))
        rows = [MatrixRow(row.id, row.level, row.text, [*map(_cell, row.cells)]) for row in self.rows]
        return asdict(MatrixFile(SCHEMA, ports, rows))


def _cell(cell: Cell) -> MatrixCell:
    values = (getattr(cell.clause, name, None) for name in ("asked", "broken", "minimal", "baseline"))
    return MatrixCell(cell.state, *values)


@dataclass(frozen=True)
class ReportPort:
    """A port."""

    label: str
    """The name that identifies it among the ports."""
    file: str
    """The results that were read."""
    verdict: Annotated[str, one_of(CONFORMS, DIVERGES, BROKEN)]
    error: str | None
    """The reason why the port is broken."""


@dataclass(frozen=True)
class MatrixPort(ReportPort):
    """A port and its run."""

    header: Header
    counts: Mapping[Annotated[str, one_of("scenarios", *VERDICTS)], int]
    """The number of scenarios that were run, and of clauses with each verdict."""


@dataclass(frozen=True)
class ReportState:
    """The state of a clause of one port."""

    state: Annotated[str, one_of(*STATES)]
    """Known: broken, as its baseline says; no verdict: there is no such clause, or the port broke down."""
    asked: int | None
    broken: int | None


@dataclass(frozen=True)
class MatrixCell(ReportState):
    """The result of one port for one clause."""

    minimal: Minimal | None
    baseline: Known | None


@dataclass(frozen=True)
class MatrixRow:
    """A clause."""

    id: str
    level: Annotated[str, one_of(*LEVELS)]
    text: str
    """The text in the first file that has the clause."""
    cells: list[MatrixCell]
    """One for each port, in the order of the ports."""


@dataclass(frozen=True)
class MatrixFile:
    """The output of 'dirac-failover compare --format json': several ports, or versions of one, by clauses."""

    schema: Annotated[str, one_of(SCHEMA)]
    ports: list[MatrixPort]
    clauses: list[MatrixRow]


def state(results: Results, clause: ClauseResult | None) -> str:
    """Return how the port of the results stands to one of their clauses."""
    if clause is None or results.verdict == BROKEN:
        return NO_VERDICT
    return KNOWN if clause.verdict in OPEN and clause.baseline else clause.verdict


def labels(results: Sequence[Results], paths: Sequence[str]) -> list[str]:
    """Return the labels that identify the results: name and version of the port if they differ, or the path."""
    names = [item.header.port.label for item in results]
    tries = (names, [f"{name} ({os.path.basename(paths[i])})" for i, name in enumerate(names)])
    return next((found for found in tries if len(set(found)) == len(found)), list(paths))
