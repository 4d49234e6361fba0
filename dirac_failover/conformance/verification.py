"""Verify a port: check it against the clauses, and find those that make it diverge."""

from __future__ import annotations

import platform
import shlex
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from dirac_failover import __version__
from dirac_failover.conformance.baseline import Baseline, today
from dirac_failover.conformance.checking import SECONDS, VerificationPlan, check
from dirac_failover.conformance.results import (
    BROKEN,
    CONFORMS,
    DIVERGES,
    OPEN,
    ClauseResult,
    Header,
    Results,
)  # fmt: skip
from dirac_failover.drivers.describe import count
from dirac_failover.drivers.port_info import PortInfo
from dirac_failover.errors import BrokenError
from dirac_failover.spec import space
from dirac_failover.spec.clauses import CLAUSES, CONTRACT, DIRAC, LEVELS
from dirac_failover.spec.profiles import DIRAC_9_1

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from dirac_failover.spec.profile_fit import Match

PROFILE: Final = DIRAC_9_1.name
DECIDING: Final = (CONTRACT, DIRAC)
"""The levels that decide, unless the user names others: DIRAC itself violates the third."""
STOPPED: Final = "until the first breach"


def verify(
    plan: VerificationPlan,
    levels: Sequence[str] = DECIDING,
    *,
    workers: int = 1,
    part: tuple[int, int] = (0, 1),
    note: Callable[[str, str], str] | None = None,
) -> Results:
    """Return the results for the clauses of a plan; a port that breaks down is a verdict of its own, not an exception.

    ``levels`` are those that decide; the other arguments are those of :func:`~.checking.check`.
    """
    target = plan.target
    info = PortInfo(target.text, "", target.given)
    date = datetime.now(UTC).isoformat(timespec="seconds")
    clauses = [ClauseResult(clause.id, clause.level, clause.text) for clause in plan.asked()]
    scenarios, error = 0, None
    matches: list[Match] = []
    try:
        info = target.info()
        found = check(plan, workers=workers, part=part, note=note)
        scenarios, matches = found.scenarios, found.fit.matches()
        clauses = [found.stats[clause.id].result(clause) for clause in plan.asked()]
    except BrokenError as broken:
        error = str(broken)
    shard = f"{part[0] + 1}/{part[1]}"
    header = Header(
        __version__, info, plan.profile, platform.python_version(), platform.platform(), date,
        shlex.join(_command(plan, levels, shard)), plan.regions, shard, len(clauses),
        tuple(levels), _extent(plan, clauses),
    )  # fmt: skip
    return _decided(Results(header, scenarios, tuple(clauses), CONFORMS, error, tuple(matches)), levels)


def _extent(plan: VerificationPlan, clauses: Iterable[ClauseResult]) -> str:
    near = "" if plan.near is None else f"within {count(plan.near, 'change')} of the good case"
    stopped = any(clause.broken for clause in clauses if clause.id in plan.fail_fast)
    return ", ".join(filter(None, (near, STOPPED * stopped)))


def known_divergences(results: Results, baseline: Baseline, levels: Sequence[str] = DECIDING) -> Results:
    """Return the results with the entries of a baseline: a clause that it names does not make the port diverge."""
    return _decided(replace(results, clauses=baseline.apply(results.clauses, today())), levels)


def _decided(results: Results, levels: Sequence[str]) -> Results:
    diverges = any(decides(clause, levels) for clause in results.clauses)
    verdict = BROKEN if results.error is not None else DIVERGES if diverges else CONFORMS
    return replace(results, verdict=verdict)


def decides(clause: ClauseResult, levels: Sequence[str]) -> bool:
    """Return whether the clause makes the port diverge."""
    return clause.verdict in OPEN and clause.baseline is None and clause.level in levels


def _command(plan: VerificationPlan, levels: Sequence[str], shard: str) -> Iterator[str]:
    """Yield the words of the command that repeats the run."""
    every = len(plan.clauses) == len(CLAUSES)
    options: dict[str, Iterable[str]] = {
        "--level": () if tuple(levels) == (DECIDING if every else LEVELS) else levels,
        "--clause": () if every else plan.clauses,
        "--profile": () if plan.profile == PROFILE else [plan.profile],
        "--region": () if len(plan.regions) == len(space.REGIONS) else plan.regions,
        "--near": () if plan.near is None else [str(plan.near)],
        "--shard": () if shard == "1/1" else [shard],
        "--timeout": () if plan.seconds == SECONDS else [f"{plan.seconds:g}"],
    }
    yield from ("dirac-failover", "verify", *plan.target.words)
    for option, values in options.items():
        for value in values:
            yield from (option, value)
    if plan.fail_fast:
        yield "--fail-fast"
