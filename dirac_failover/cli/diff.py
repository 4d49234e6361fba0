"""``dirac-failover diff``: what changed between two results, clause by clause, and whether any of it is a regression.

The table :data:`_KINDS` says what a change is called; only ``regressed`` makes the command fail. What may change here:
the table, and how changes are shown.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from dirac_failover.cli import output
from dirac_failover.cli.exits import Exit
from dirac_failover.conformance.results import BROKEN, HELD, NOT_ASKED, UNCHECKED
from dirac_failover.reports import markdown
from dirac_failover.reports.matrix import BROKE_DOWN, KNOWN, NO_VERDICT, Cell, Matrix, Port

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from dirac_failover.conformance.results import Header
    from dirac_failover.reports.terminal import Style

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
"""What can happen to a clause."""

_KINDS: Final[dict[tuple[str, str], str]] = {
    **{(old, new): REGRESSED for old in (HELD, KNOWN, NOT_ASKED) for new in (BROKEN, UNCHECKED) if old != new},
    (UNCHECKED, BROKEN): REGRESSED,
    (BROKEN, UNCHECKED): GONE,
    **{(old, KNOWN): ACCEPTED for old in (HELD, BROKEN, NOT_ASKED, UNCHECKED)},
    **{(old, HELD): FIXED for old in (BROKEN, KNOWN, UNCHECKED)},
    **{(old, new): NEW for old in (NO_VERDICT, NOT_ASKED) for new in (HELD,)},
    **{(NO_VERDICT, new): NEW for new in (BROKEN, KNOWN, NOT_ASKED, UNCHECKED)},
    **{(old, NOT_ASKED): GONE for old in (HELD, BROKEN, KNOWN, UNCHECKED)},
    **{(old, NO_VERDICT): GONE for old in (HELD, BROKEN, KNOWN, NOT_ASKED, UNCHECKED)},
}
"""What a change from one state to another is called."""

_COLOURS: Final = {REGRESSED: "red", FIXED: "green", BETTER: "green"}
_COMPARED: Final = ("port", "profile", "regions", "shard")
"""What of the runs must be the same, or the changes may have another cause than the port."""


@dataclass(frozen=True)
class Change:
    """What happened to one clause."""

    kind: str
    id: str
    level: str
    old: Cell
    new: Cell

    @property
    def texts(self) -> tuple[str, str]:
        """What the clause says, before and now; empty where there is none."""
        old, new = (cell.clause.text if cell.clause else "" for cell in (self.old, self.new))
        return old, new

    @property
    def text(self) -> str:
        """What happened, in a few words."""
        if self.kind == REWORDED:
            return f"was: {self.texts[0]}"
        asked = f" of {self.new.breach.asked:,}" if self.new.breach else ""
        return f"{self.old.text} -> {self.new.text}{asked}"

    def to_json(self) -> dict[str, Any]:
        """Return it for machines."""
        sides = {
            side: {
                "state": cell.state,
                "text": cell.clause.text if cell.clause else None,
                "asked": cell.clause.asked if cell.clause else None,
                "broken": cell.clause.broken if cell.clause else None,
            }
            for side, cell in (("old", self.old), ("new", self.new))
        }
        return {"kind": self.kind, "id": self.id, "level": self.level, **sides}


@dataclass(frozen=True)
class Diff:
    """What happened between two results: the changes, and in what else the runs differ."""

    old: Port
    new: Port
    changes: tuple[Change, ...]
    clauses: int

    @classmethod
    def of(cls, matrix: Matrix) -> Diff:
        """Return the difference of the two ports of a matrix."""
        old, new = matrix.ports
        changes = []
        for row in matrix.rows:
            before, after = row.cells
            changes += [Change(kind, row.id, row.level, before, after) for kind in _kinds(before, after)]
        order = list(KINDS)
        return cls(old, new, tuple(sorted(changes, key=lambda change: order.index(change.kind))), len(matrix.rows))

    @property
    def regressed(self) -> bool:
        """Whether anything that was well is not."""
        return self.broke_down or any(change.kind == REGRESSED for change in self.changes)

    @property
    def broke_down(self) -> bool:
        """Whether the port broke down, which it did not before."""
        return self.new.verdict == BROKE_DOWN != self.old.verdict

    @property
    def runs(self) -> dict[str, tuple[str, str]]:
        """In what the runs differ, other than in their results."""
        sides = [_said(port.results.header) for port in (self.old, self.new)]
        return {name: (sides[0][name], sides[1][name]) for name in _COMPARED if sides[0][name] != sides[1][name]}

    def of_kind(self, kind: str) -> list[Change]:
        """Return the changes of one kind."""
        return [change for change in self.changes if change.kind == kind]

    def to_json(self) -> dict[str, Any]:
        """Return it for machines."""
        sides = {
            side: {"label": port.label, "file": port.path, "verdict": port.results.verdict, "error": port.results.error}
            for side, port in (("old", self.old), ("new", self.new))
        }
        return {
            "schema": SCHEMA,
            **sides,
            "runs": {name: {"old": old, "new": new} for name, (old, new) in self.runs.items()},
            "regressed": self.regressed,
            "counts": {"clauses": self.clauses} | {kind: len(self.of_kind(kind)) for kind in KINDS},
            "changes": [change.to_json() for change in self.changes],
        }


def _kinds(old: Cell, new: Cell) -> Iterator[str]:
    if kind := _KINDS.get((old.state, new.state)):
        yield kind
    if old.clause is None or new.clause is None:
        return
    if old.state == new.state and new.breach and old.clause.asked == new.clause.asked:
        more = new.clause.broken - old.clause.broken
        if more > 0:
            yield REGRESSED
        elif more < 0:
            yield BETTER
    if old.clause.text != new.clause.text:
        yield REWORDED


def _said(header: Header) -> dict[str, str]:
    return {
        "port": header.port.name,
        "profile": header.profile,
        "regions": ", ".join(header.regions) or "all",
        "shard": header.shard,
    }


def text(diff: Diff, style: Style) -> str:
    """Return the difference as text, each line ended by a newline."""
    return "".join(f"{line}\n" for line in _lines(diff, style))


def _lines(diff: Diff, style: Style) -> Iterator[str]:
    arrow = style.sign("arrow")
    yield style.paint(style.clean(f"{diff.old.label} {arrow} {diff.new.label}"), "bold")
    for name, (old, new) in diff.runs.items():
        yield style.clean(f"The runs differ: {name} {old} {arrow} {new}")
    if diff.broke_down:
        yield style.paint(f"The port {BROKE_DOWN}", "red") + style.clean(f": {diff.new.results.error}")
    for kind, meaning in KINDS.items():
        changes = diff.of_kind(kind)
        if not changes:
            continue
        yield ""
        yield f"{style.paint(kind, _COLOURS.get(kind, 'bold'))} ({meaning})"
        for change in changes:
            yield style.clean(f"  {change.id}  {change.texts[1] or change.texts[0]}")
            yield style.clean(f"    {change.text.replace('->', arrow)}")
    yield ""
    yield _summary(diff)


def _summary(diff: Diff) -> str:
    counted = [f"{number} {kind}" for kind in KINDS if (number := len(diff.of_kind(kind)))]
    untouched = diff.clauses - len({change.id for change in diff.changes})
    return ", ".join([*counted, f"{untouched} of {diff.clauses} clauses as before"])


def in_markdown(diff: Diff) -> str:
    """Return the difference as Markdown."""
    return "".join(f"{line}\n" for line in _markdown(diff))


def _markdown(diff: Diff) -> Iterator[str]:
    escape = markdown.escape
    yield f"# {escape(diff.old.label)} -\\> {escape(diff.new.label)}"
    yield from ("", _summary(diff))
    for name, (old, new) in diff.runs.items():
        yield from ("", f"The runs differ: {name} {escape(old)} -\\> {escape(new)}")
    if diff.broke_down:
        yield from ("", f"**The port {BROKE_DOWN}**: {escape(str(diff.new.results.error))}")
    for kind, meaning in KINDS.items():
        if changes := diff.of_kind(kind):
            yield from ("", f"## {kind.capitalize()}", "", f"{meaning.capitalize()}.", "")
            rows = [[escape(c.id), escape(c.texts[1] or c.texts[0]), escape(c.text)] for c in changes]
            yield from markdown.table([["clause", "", "change"], *rows])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    for name, which in (("old", "before"), ("new", "now")):
        parser.add_argument(name, metavar=name.upper(), help=f"the results of 'verify --output' {which}")
    output.add_arguments(parser, ("text", "markdown", "json"))
    width = max(map(len, KINDS))
    parser.epilog = "\n".join(
        ["exits with 1 when anything regressed", *(f"  {k:{width}}  {v}" for k, v in KINDS.items())]
    )


def execute(arguments: argparse.Namespace) -> int:
    """Run the command; return its exit code."""
    diff = Diff.of(Matrix.load([arguments.old, arguments.new]))
    formats = {
        "text": lambda style: text(diff, style),
        "markdown": lambda _: in_markdown(diff),
        "json": lambda _: json.dumps(diff.to_json(), indent=2) + "\n",
    }
    output.deliver(arguments, formats)
    return Exit.DIFFERS if diff.regressed else Exit.OK
