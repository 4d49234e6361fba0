"""A baseline: the divergences of a port that are known, as a JSON file in the port's repository.

Each entry names a clause, the kind of the divergence, a reason, and perhaps the last day on which it counts. An entry
that matches no clause, has expired, or names a clause that the port now keeps is reported as a problem, and the command
fails. :class:`Baseline` is the published shape.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final

from dirac_failover.conformance.results import HELD, KINDS, OPEN, ClauseResult, Known, read, write
from dirac_failover.errors import FileError, no_such
from dirac_failover.spec.clauses import CLAUSES
from dirac_failover.spec.shape import one_of, parse

if TYPE_CHECKING:
    from collections.abc import Iterable

SCHEMA: Final = "dirac-failover/baseline/1"
NEW: Final = ("known-bug", "accepted as it was found: say here why, and for how long")
"""Kind and reason of an entry that ``--accept`` writes; the user completes it."""


@dataclass(frozen=True)
class Entry:
    """One known divergence."""

    clause: str
    """The ID of the clause that is broken."""
    kind: Annotated[str, one_of(*KINDS)]
    """Whether it is intended, is to be repaired, or is about a feature that the port does not have."""
    reason: str
    expires: date | None = None
    """The last day on which the entry counts, as YYYY-MM-DD."""

    def __post_init__(self) -> None:
        """Refuse an entry without a reason."""
        if not self.reason.strip():
            raise ValueError(f"reason of {self.clause}: it is empty")


@dataclass(frozen=True)
class Baseline:
    """The known divergences of a port, as 'dirac-failover verify --baseline' reads them."""

    entries: tuple[Entry, ...] = ()
    schema: Annotated[str, one_of(SCHEMA)] = SCHEMA

    @classmethod
    def load(cls, path: str) -> Baseline:
        """Return the baseline in a file; raises FileError unless it is one."""
        made = read(path, "known divergences of a port", partial(parse, cls))
        if twice := [name for name, number in Counter(entry.clause for entry in made.entries).items() if number > 1]:
            raise FileError(f"The baseline {path} has two entries for {twice[0]}")
        return made

    def save(self, path: str) -> None:
        """Write the baseline, whole or not at all; raises FileError when that cannot be."""
        entries = [{key: value for key, value in asdict(entry).items() if value is not None} for entry in self.entries]
        write(path, json.dumps({"schema": SCHEMA, "entries": entries}, indent=2, default=str) + "\n")

    def apply(self, results: Iterable[ClauseResult], today: date) -> tuple[ClauseResult, ...]:
        """Return the results, in which each clause that is broken or unchecked has its entry, if that still counts."""
        known = {entry.clause: entry for entry in self.entries if not _expired(entry, today)}
        return tuple(
            replace(result, baseline=Known(known[result.id].kind, known[result.id].reason))
            if result.verdict in OPEN and result.id in known
            else result
            for result in results
        )

    def problems(self, results: Iterable[ClauseResult], today: date, *, complete: bool = True) -> list[str]:
        """Return the problems of the entries.

        Unless the run was ``complete``, a clause that held in it may be broken elsewhere, and is no problem.
        """
        verdicts = {result.id: result.verdict for result in results}
        found = []
        for entry in self.entries:
            if entry.clause not in _IDS:
                found.append(f"{entry.clause}: {no_such('clause', entry.clause, _IDS, LISTED)}")
            elif _expired(entry, today):
                found.append(f"{entry.clause}: the entry has expired on {entry.expires}")
            elif complete and verdicts.get(entry.clause) == HELD:
                found.append(f"{entry.clause}: the port keeps this clause now: remove the entry")
        return found

    def accept(self, results: Iterable[ClauseResult], *, complete: bool = True) -> Baseline:
        """Return a baseline with an entry for each clause that is broken or unchecked, in the order of the clauses.

        Existing entries stay unchanged, except those that match no clause and, when the run was ``complete``, those of
        clauses that the port keeps.
        """
        verdicts = {result.id: result.verdict for result in results}
        entries = {name: Entry(name, *NEW) for name, verdict in verdicts.items() if verdict in OPEN}
        for entry in self.entries:
            if entry.clause in _IDS and not (complete and verdicts.get(entry.clause) == HELD):
                entries[entry.clause] = entry
        return Baseline(tuple(entries[name] for name in sorted(entries)))


_IDS: Final = [clause.id for clause in CLAUSES]
LISTED: Final = "'dirac-failover clauses' lists them"
"""The command that lists the IDs of all clauses."""


def today() -> date:
    """Return the current day, in UTC."""
    return datetime.now(UTC).date()


def _expired(entry: Entry, day: date) -> bool:
    return entry.expires is not None and entry.expires < day
