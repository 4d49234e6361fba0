"""Run the scenarios of the space on two ports and compare their observations: ``(ports, scenarios) -> Comparison``.

Differences at the same places are one group; of each group the smallest scenario is kept. The comparison knows no
expectation: neither port is right.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from dirac_failover.conformance.checking import SECONDS, observe, size_of
from dirac_failover.conformance.workers import Progress, Smallest, run_sharded
from dirac_failover.errors import SettingError
from dirac_failover.spec import compare, space
from dirac_failover.spec.facts import MODULE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dirac_failover.conformance.workers import Numbered, Ports
    from dirac_failover.drivers.resolve import Target
    from dirac_failover.spec.observation import Observation
    from dirac_failover.spec.scenario import Scenario

SCHEMA: Final = "dirac-failover/differential/1"


class DifferingScenario(NamedTuple):
    """One scenario in which two ports differ: its name, the scenario as JSON, and the places with both values."""

    name: str
    scenario: dict[str, Any]
    places: tuple[compare.Difference, ...]


@dataclass
class Group:
    """The differences at the same places: their number, and the one in the smallest scenario."""

    count: int = 0
    smallest: Smallest[DifferingScenario] = field(default_factory=Smallest)

    def add(self, other: Group) -> None:
        """Add differences in other scenarios."""
        self.count += other.count
        self.smallest.add(other.smallest)


@dataclass
class Comparison:
    """The number of scenarios that were run, and the differences in groups."""

    left: str = ""
    right: str = ""
    scenarios: int = 0
    seconds: float = 0.0
    groups: dict[tuple[str, ...], Group] = field(default_factory=dict)

    @property
    def differ(self) -> int:
        """The number of scenarios in which the two differ."""
        return sum(group.count for group in self.groups.values())

    def add(self, other: Comparison) -> None:
        """Add what was found in other scenarios."""
        self.scenarios += other.scenarios
        for places, group in other.groups.items():
            self.groups.setdefault(places, Group()).add(group)

    def look(self, scenario: Scenario, left: Observation, right: Observation) -> None:
        """Count one scenario, and compare both observations of it."""
        self.scenarios += 1
        if compare.equal(left, right):
            return
        if places := tuple(compare.differences(left, right)):
            smallest = Smallest[DifferingScenario]()
            smallest.offer(size_of(scenario), lambda: DifferingScenario(scenario.name, scenario.to_json(), places))
            self.groups.setdefault(tuple(difference.place for difference in places), Group()).add(Group(1, smallest))

    def in_order(self) -> list[tuple[int, DifferingScenario]]:
        """Return the size and the smallest difference of each group, the smallest scenario first."""
        groups = sorted(self.groups.values(), key=lambda group: group.smallest.size or ())
        return [(group.count, group.smallest.found) for group in groups if group.smallest.found]

    def to_json(self) -> dict[str, Any]:
        """Return it for machines."""
        return {
            "schema": SCHEMA,
            "left": self.left,
            "right": self.right,
            "scenarios": self.scenarios,
            "differ": self.differ,
            "seconds": round(self.seconds, 3),
            "groups": [
                {
                    "count": count,
                    "name": smallest.name,
                    "scenario": smallest.scenario,
                    "differences": [
                        {"place": found.place, "left": found.one, "right": found.other} for found in smallest.places
                    ],
                }
                for count, smallest in self.in_order()
            ],
        }


def compare_chunk(ports: Ports, chunk: Iterable[Numbered]) -> Comparison:
    """Return the comparison of two ports in those scenarios that both support."""
    left, right = ports
    found = Comparison()
    for _, scenario in chunk:
        if left.supports(scenario) and right.supports(scenario):
            found.look(scenario, observe(left, scenario), observe(right, scenario))
    return found


def compare_ports(
    targets: tuple[Target, Target],
    *,
    region: str | None = None,
    workers: int = 1,
    part: tuple[int, int] = (0, 1),
) -> Comparison:
    """Compare two ports over the space, a region of it, or a shard (index from 0, and the number of shards).

    Raises SettingError for a target that is no module, and PortBrokenError for a port that breaks down.
    """
    left, right = targets
    total = Comparison(_title(left), _title(right))
    progress = Progress.of(f"{left.text} and {right.text}", _scenarios(region), part)
    started = time.monotonic()
    work = run_sharded(compare_chunk, targets, _scenarios(region), workers, part, progress, SECONDS)
    with closing(work) as chunks:
        for found in chunks:
            total.add(found)
    total.seconds = time.monotonic() - started
    return total


def _scenarios(region: str | None) -> Iterator[Scenario]:
    return next(item for item in space.REGIONS if item.name == region).scenarios() if region else space.scenarios()


def _title(target: Target) -> str:
    info = target.info()
    if info.shape != MODULE:
        text = f"'dirac-failover verify' checks a port of the shape {info.shape}"
        raise SettingError(f"{target.text} is no module, and cannot be compared with one: {text}")
    return f"{info.name} {info.version}".strip()
