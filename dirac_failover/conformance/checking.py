"""Check a port against clauses in every scenario of a plan: ``(VerificationPlan, ports, scenarios) -> Findings``.

The findings depend on the plan, the port and the scenarios alone, and add up in any order, so that workers, or several
machines, can share the scenarios. Of each clause only the counts and the smallest violation are kept: memory does not
grow with the space. A sample of the observations is compared with all profiles, to find the one nearest to the port.
"""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from dirac_failover.conformance.results import ClauseResult, Minimal
from dirac_failover.conformance.workers import Progress, Smallest, run_sharded
from dirac_failover.errors import FailoverError, PortBrokenError
from dirac_failover.spec import space
from dirac_failover.spec.check_context import CheckContext
from dirac_failover.spec.clauses import CLAUSES, Verdict, Violation
from dirac_failover.spec.dimensions import changes
from dirac_failover.spec.facts import MODULE, Facts
from dirac_failover.spec.profile_fit import ProfileFit
from dirac_failover.spec.profiles import DIRAC_9_1, PROFILES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from dirac_failover.conformance.workers import Numbered, Ports, Size
    from dirac_failover.drivers.resolve import Target
    from dirac_failover.spec.clauses import Clause
    from dirac_failover.spec.scenario import Scenario

SECONDS: Final = 60.0
"""The time that one scenario may take, unless the user sets another."""
_SAMPLED: Final = {
    "identity": 7, "inputs": 101, "hooks": 19, "candidates": 89, "reports": 29, "end": 7, "answers": 499,
}  # fmt: skip
"""By region, the number of scenarios of which one is compared with all profiles: a few hundred suffice. All are primes,
so that each value of each dimension takes part; of several regions the largest number counts."""
_BANDS: Final = ((0, 0), (1, 1), (2, 2), (3, None))
"""The bands of changes in which the scenarios come: the first three are 3 % of the space, and show nearly every bug."""


@dataclass(frozen=True)
class VerificationPlan:
    """A verification: the port, the clauses, the regions, and the seconds that a scenario may take."""

    target: Target
    clauses: tuple[str, ...] = tuple(clause.id for clause in CLAUSES)
    regions: tuple[str, ...] = tuple(region.name for region in space.REGIONS)
    seconds: float = SECONDS
    profile: str = DIRAC_9_1.name
    """The profile whose choices are expected."""
    near: int | None = None
    """The changes that a scenario may be away from the good case; None: any number."""
    fail_fast: tuple[str, ...] = ()
    """The clauses of which the first violation ends the run."""

    def scenarios(self) -> Iterator[Scenario]:
        """Yield the scenarios in a fixed order, the nearest to the good case first.

        Each has the workflow commons that a module of the profile needs.
        """
        commons = PROFILES[self.profile].commons
        regions = [region for region in space.REGIONS if region.name in self.regions]
        for least, most in _BANDS:
            last = self.near if most is None else most
            for region in regions if self.near is None or least <= self.near else ():
                found = region.scenarios(least, last)
                if commons:
                    found = (replace(item, workflow_commons={**commons, **item.workflow_commons}) for item in found)
                yield from found

    def asked(self) -> list[Clause]:
        """Return the clauses, in their order."""
        return [clause for clause in CLAUSES if clause.id in self.clauses]

    def sampled(self) -> int:
        """Return the number of scenarios of which one is compared with all profiles."""
        if self.near is not None:
            return min(_SAMPLED.values())
        return max((_SAMPLED.get(region, 1) for region in self.regions), default=1)


@dataclass
class ClauseStats:
    """The findings about one clause: the scenarios that ask for it, those that violate it, and the smallest violation.

    ``unchecked`` counts the scenarios that ask for it and that the port does not support.
    """

    asked: int = 0
    broken: int = 0
    unchecked: int = 0
    smallest: Smallest[Minimal] = field(default_factory=Smallest)

    def add(self, other: ClauseStats) -> None:
        """Add the findings in other scenarios."""
        self.asked += other.asked
        self.broken += other.broken
        self.unchecked += other.unchecked
        self.smallest.add(other.smallest)

    def result(self, clause: Clause) -> ClauseResult:
        """Return the result for the clause, which holds only if every scenario that asks for it was run."""
        counts = {Verdict.BROKEN: self.broken, Verdict.UNCHECKED: self.unchecked, Verdict.HELD: self.asked}
        verdict = next((verdict for verdict, number in counts.items() if number), Verdict.NOT_ASKED)
        return ClauseResult(
            clause.id, clause.level, clause.text, verdict, self.asked, self.broken,
            self.smallest.found, None, self.unchecked,
        )  # fmt: skip


@dataclass
class Findings:
    """The findings in some scenarios of a plan: by clause, the fit of the profiles, and the number of scenarios run."""

    stats: dict[str, ClauseStats]
    fit: ProfileFit = field(default_factory=ProfileFit)
    scenarios: int = 0

    @classmethod
    def none(cls, plan: VerificationPlan) -> Findings:
        """Return the findings before any scenario."""
        return cls({clause.id: ClauseStats() for clause in plan.asked()})

    def add(self, other: Findings) -> None:
        """Add the findings in other scenarios of the same plan."""
        for name, stats in other.stats.items():
            self.stats[name].add(stats)
        self.fit.add(other.fit)
        self.scenarios += other.scenarios

    def broken(self, clauses: Iterable[str]) -> bool:
        """Return whether one of these clauses is violated."""
        return any(self.stats[name].broken for name in clauses if name in self.stats)


def check(
    plan: VerificationPlan,
    *,
    workers: int = 1,
    part: tuple[int, int] = (0, 1),
    note: Callable[[str, str], str] | None = None,
) -> Findings:
    """Return the findings in a shard of the plan's scenarios; ``part`` is its index, from 0, and the number of shards.

    ``note`` is called with a clause that is violated for the first time and with the smallest scenario so far; the line
    that it returns is printed on stderr. Raises PortBrokenError when the port breaks down.
    """
    total = Findings.none(plan)
    progress = Progress.of(plan.target.text, plan.scenarios(), part)
    work = run_sharded(
        partial(check_chunk, plan), (plan.target,), plan.scenarios(), workers, part, progress, plan.seconds
    )
    with closing(work) as chunks:
        for found in chunks:
            for name, stats in found.stats.items():
                new = stats.smallest.found if not total.stats[name].broken else None
                if note and new and (line := note(name, new.name)):
                    progress.note(line)
            total.add(found)
            if total.broken(plan.fail_fast):
                break
    return total


def check_chunk(plan: VerificationPlan, ports: Ports, chunk: Iterable[Numbered]) -> Findings:
    """Return the findings in some scenarios of a plan, until the first violation that ends the run."""
    (port,) = ports
    found = Findings.none(plan)
    profile, sampled = PROFILES[plan.profile], plan.sampled()
    suited = [(clause, found.stats[clause.id]) for clause in plan.asked() if clause.suits(port.shape)]
    for number, scenario in chunk:
        facts = Facts(scenario)
        asked = [(clause, stats) for clause, stats in suited if clause.when(facts, profile)]
        if not asked or not facts.suits(port.shape):
            continue
        if not port.supports(scenario):
            for _, stats in asked:
                stats.unchecked += 1
            continue
        observation = observe(port, scenario)
        apply_clauses(CheckContext(facts, observation, profile, port.shape), asked)
        if number % sampled == 0 and port.shape == MODULE:
            found.fit.look(scenario, observation)
        found.scenarios += 1
        if found.broken(plan.fail_fast):
            break
    return found


def apply_clauses(case: CheckContext, asked: Iterable[tuple[Clause, ClauseStats]]) -> None:
    """Apply the clauses that a scenario asks for to its observation, and count the verdicts.

    An observation that a clause cannot read, since the port has left an odd value, violates the clause.
    """
    size = None
    for clause, stats in asked:
        stats.asked += 1
        try:
            violation = clause.judge(case)
        except Exception as error:  # noqa: BLE001 - the port may have left anything
            violation = Violation("an observation that can be read", f"{type(error).__name__}: {error}")
        if violation is not None:
            size = size or size_of(case.scenario)
            stats.broken += 1
            stats.smallest.offer(size, partial(_minimal, case, violation))


def _minimal(case: CheckContext, violation: Violation) -> Minimal:
    steps, expected = (tuple(call.step for call in steps) for steps in (case.outcome.steps, case.expected_steps))
    return Minimal(case.scenario.name, case.scenario.to_json(), *violation, steps, expected)


def size_of(scenario: Scenario) -> Size:
    """Return the distance of a scenario from the good case: its changes, the length of its JSON, and its name."""
    data = scenario.to_json()
    data.pop("name", None)
    return changes(scenario.name), len(json.dumps(data)), scenario.name


def observe(port: Any, scenario: Scenario) -> Any:
    """Return the observation of a scenario; raises PortBrokenError, which names it, for any exception of the port."""
    try:
        return port.run(scenario)
    except FailoverError:
        raise
    except (Exception, SystemExit, GeneratorExit) as error:
        text = f"{type(error).__name__}: {error}".rstrip(": ")
        raise PortBrokenError(f"The port broke down ({text}) in the scenario '{scenario.name}'") from error
