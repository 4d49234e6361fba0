"""The changes between two results, clause by clause, and whether any of them is a regression.

The table :data:`_KINDS` names each change; a regression is one of the kind ``regressed``.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - pydantic reads the types of the fields
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

from dirac_failover.conformance.results import BROKEN, HELD, NOT_ASKED, UNCHECKED
from dirac_failover.reports.matrix import BROKE_DOWN, KNOWN, NO_VERDICT, Cell, Matrix, Port, ReportPort, ReportState
from dirac_failover.spec.clauses import LEVELS
from dirac_failover.spec.shape import one_of

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA: Final = "dirac-failover/diff/1"

REGRESSED: Final = "regressed"
FIXED: Final = "fixed"
BETTER: Final = "better"
ACCEPTED: Final = "accepted"
NEW: Final = "new"
GONE: Final = "gone"
REWORDED: Final = "reworded"

KINDS: Final = {
    REGRESSED: "broken now, or in more of the same number of scenarios",
    FIXED: "broken before, held now",
    BETTER: "still broken, but in fewer of the same number of scenarios",
    ACCEPTED: "broken, and in the baseline now",
    NEW: "without a verdict before",
    GONE: "without a verdict now",
    REWORDED: "the clause says something else",
}
"""The kinds of changes, and their meaning."""

_STATES: Final = (HELD, BROKEN, UNCHECKED, KNOWN, NOT_ASKED, NO_VERDICT)
# fmt: off
_KINDS: Final = {
    # the state now: HELD, BROKEN, UNCHECKED, KNOWN, NOT_ASKED, NO_VERDICT
    HELD: ("", REGRESSED, REGRESSED, ACCEPTED, GONE, GONE),
    BROKEN: (FIXED, "", GONE, ACCEPTED, GONE, GONE),
    UNCHECKED: (FIXED, REGRESSED, "", ACCEPTED, GONE, GONE),
    KNOWN: (FIXED, REGRESSED, REGRESSED, "", GONE, GONE),
    NOT_ASKED: (NEW, REGRESSED, REGRESSED, ACCEPTED, "", GONE),
    NO_VERDICT: (NEW, NEW, NEW, NEW, NEW, ""),
}
# fmt: on
"""The kind of the change from each state before to each state now."""


@dataclass(frozen=True)
class Change:
    """The change of one clause."""

    kind: str
    id: str
    level: str
    old: Cell
    new: Cell

    @property
    def texts(self) -> tuple[str, str]:
        """The text of the clause before and now; empty where there is none."""
        old, new = (cell.clause.text if cell.clause else "" for cell in (self.old, self.new))
        return old, new

    @property
    def text(self) -> str:
        """The change in a few words."""
        if self.kind == REWORDED:
            return f"was: {self.texts[0]}"
        return f"{self.old.text} -> {self.new.text}"

    def as_row(self) -> DiffRow:
        """Return it for machines."""
        names = ("asked", "broken", "text")
        sides = [
            DiffSide(cell.state, *(getattr(cell.clause, name, None) for name in names)) for cell in (self.old, self.new)
        ]
        return DiffRow(self.kind, self.id, self.level, *sides)


@dataclass(frozen=True)
class Diff:
    """The changes between two results, and in what else the runs differ."""

    old: Port
    new: Port
    changes: tuple[Change, ...]
    clauses: int

    @classmethod
    def of(cls, matrix: Matrix) -> Diff:
        """Return the difference of the two ports of a matrix."""
        changes = [Change(kind, row.id, row.level, *row.cells) for row in matrix.rows for kind in _kinds(*row.cells)]
        order, (old, new) = list(KINDS), matrix.ports
        return cls(old, new, tuple(sorted(changes, key=lambda change: order.index(change.kind))), len(matrix.rows))

    @property
    def regressed(self) -> bool:
        """Whether any clause regressed, or the port broke down."""
        return self.broke_down or any(change.kind == REGRESSED for change in self.changes)

    @property
    def broke_down(self) -> bool:
        """Whether the port broke down, which it did not before."""
        return self.new.verdict == BROKE_DOWN != self.old.verdict

    @property
    def runs(self) -> dict[str, tuple[str, str]]:
        """The differences of the runs that may be the cause of changes, instead of the port: the old and new values."""
        old, new = (
            {
                "port": header.port.name,
                "profile": header.profile,
                "regions": ", ".join(header.regions) or "all",
                "shard": header.shard,
            }
            for header in (self.old.results.header, self.new.results.header)
        )
        return {name: (old[name], new[name]) for name in old if old[name] != new[name]}

    @property
    def summary(self) -> str:
        """The numbers of clauses with each change, and without one."""
        counted = [f"{number} {kind}" for kind in KINDS if (number := len(self.of_kind(kind)))]
        untouched = self.clauses - len({change.id for change in self.changes})
        return ", ".join([*counted, f"{untouched} of {self.clauses} clauses as before"])

    def of_kind(self, kind: str) -> list[Change]:
        """Return the changes of one kind."""
        return [change for change in self.changes if change.kind == kind]

    def to_json(self) -> dict[str, Any]:
        """Return it for machines."""
        old, new = (ReportPort(at.label, at.path, at.results.verdict, at.results.error) for at in (self.old, self.new))
        runs = {name: DiffValues(*values) for name, values in self.runs.items()}
        counts = {"clauses": self.clauses} | {kind: len(self.of_kind(kind)) for kind in KINDS}
        return asdict(DiffFile(SCHEMA, old, new, runs, self.regressed, counts, [one.as_row() for one in self.changes]))


def _kinds(old: Cell, new: Cell) -> Iterator[str]:
    if kind := _KINDS[old.state][_STATES.index(new.state)]:
        yield kind
    if old.clause is None or new.clause is None:
        return
    if old.state == new.state and new.breach and old.clause.asked == new.clause.asked:
        more = new.clause.broken - old.clause.broken
        if more:
            yield REGRESSED if more > 0 else BETTER
    if old.clause.text != new.clause.text:
        yield REWORDED


@dataclass(frozen=True)
class DiffValues:
    """A setting of the two runs."""

    old: str
    new: str


@dataclass(frozen=True)
class DiffSide(ReportState):
    """A clause in one of the results."""

    text: str | None


@dataclass(frozen=True)
class DiffRow:
    """The change of a clause."""

    kind: Annotated[str, one_of(*KINDS)]
    id: str
    level: Annotated[str, one_of(*LEVELS)]
    old: DiffSide
    new: DiffSide


@dataclass(frozen=True)
class DiffFile:
    """The output of 'dirac-failover diff --format json': what changed between two results, clause by clause."""

    schema: Annotated[str, one_of(SCHEMA)]
    old: ReportPort
    new: ReportPort
    runs: Mapping[Annotated[str, one_of("port", "profile", "regions", "shard")], DiffValues]
    """The settings in which the two runs differ."""
    regressed: bool
    """Whether the command exits with 1."""
    counts: Mapping[Annotated[str, one_of("clauses", *KINDS)], int]
    """The numbers of clauses, and of changes of each kind."""
    changes: list[DiffRow]
