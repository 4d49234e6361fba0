"""Verifies a port: asks the clauses, and says which of them make it diverge, and which divergences are known."""

from __future__ import annotations

import platform
import shlex
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from dirac_failover import __version__
from dirac_failover.conformance.baseline import Baseline, today
from dirac_failover.conformance.checking import VerificationPlan, judge
from dirac_failover.conformance.results import (
    BROKEN,
    CONFORMS,
    DIVERGES,
    OPEN,
    ClauseResult,
    Header,
    PortInfo,
    Results,
)  # fmt: skip
from dirac_failover.drivers.describe import count
from dirac_failover.errors import BrokenError
from dirac_failover.spec import space
from dirac_failover.spec.clauses import CLAUSES, CONTRACT, DIRAC, LEVELS
from dirac_failover.spec.profiles import DIRAC_9_1

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from dirac_failover.conformance.target import Target
    from dirac_failover.spec.profile_fit import Match

PROFILE: Final = DIRAC_9_1.name
DECIDING: Final = (CONTRACT, DIRAC)
"""The levels that decide, unless others are asked for: DIRAC itself does not keep the third."""
SECONDS: Final = 60.0
STOPPED: Final = "until the first breach"


def verify(
    question: VerificationPlan,
    levels: Sequence[str] = DECIDING,
    *,
    workers: int = 1,
    part: tuple[int, int] = (0, 1),
    met: Callable[[str, str], str] | None = None,
) -> Results:
    """Return how a port stands to the clauses; a port that breaks down is a verdict of its own, not an exception.

    ``met`` is given the ID of a clause and the name of the scenario that is the first to break it; it returns the line
    that is printed on stderr at once, or nothing.
    """
    target = question.target
    info = PortInfo(target.text, "", target.given)
    date = datetime.now(UTC).isoformat(timespec="seconds")
    clauses = [ClauseResult(clause.id, clause.level, clause.text) for clause in question.asked()]
    scenarios, error = 0, None
    matches: list[Match] = []
    try:
        info = target.info()
        scenarios, clauses, matches = judge(question, workers=workers, part=part, met=met)
    except BrokenError as broken:
        error = str(broken)
    shard = f"{part[0] + 1}/{part[1]}"
    header = Header(
        __version__, info, question.profile, platform.python_version(), platform.platform(), date,
        shlex.join(_command(question, levels, shard)), question.regions, shard, len(clauses),
        tuple(levels), _extent(question, clauses),
    )  # fmt: skip
    return _judged(Results(header, scenarios, tuple(clauses), CONFORMS, error, tuple(matches)), levels)


def _extent(question: VerificationPlan, clauses: Iterable[ClauseResult]) -> str:
    near = "" if question.near is None else f"within {count(question.near, 'change')} of the good case"
    stopped = any(clause.broken for clause in clauses if clause.id in question.fail_fast)
    return ", ".join(filter(None, (near, STOPPED * stopped)))


def known_divergences(results: Results, baseline: Baseline, levels: Sequence[str] = DECIDING) -> Results:
    """Return the results with what is known beside each breach, which then does not make the port diverge."""
    return _judged(replace(results, clauses=baseline.apply(results.clauses, today())), levels)


def _judged(results: Results, levels: Sequence[str]) -> Results:
    diverges = any(decides(clause, levels) for clause in results.clauses)
    verdict = BROKEN if results.error is not None else DIVERGES if diverges else CONFORMS
    return replace(results, verdict=verdict)


def decides(clause: ClauseResult, levels: Sequence[str]) -> bool:
    """Tell whether the clause makes the port diverge."""
    return clause.verdict in OPEN and clause.baseline is None and clause.level in levels


def _command(question: VerificationPlan, levels: Sequence[str], shard: str) -> Iterator[str]:
    """Yield the words of the command that repeats the run."""
    every = len(question.clauses) == len(CLAUSES)
    options: dict[str, Iterable[str]] = {
        "--level": () if tuple(levels) == (DECIDING if every else LEVELS) else levels,
        "--clause": () if every else question.clauses,
        "--profile": () if question.profile == PROFILE else [question.profile],
        "--region": () if len(question.regions) == len(space.REGIONS) else question.regions,
        "--near": () if question.near is None else [str(question.near)],
        "--shard": () if shard == "1/1" else [shard],
        "--timeout": () if question.seconds == SECONDS else [f"{question.seconds:g}"],
    }
    yield from ("dirac-failover", "verify", *words(question.target))
    for option, values in options.items():
        for value in values:
            yield from (option, value)
    if question.fail_fast:
        yield "--fail-fast"


def words(target: Target) -> list[str]:
    """Return how the command line names the port."""
    return [target.text] if target.python is None else [target.text, "--python", target.python]
