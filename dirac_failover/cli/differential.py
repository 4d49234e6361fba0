"""``dirac-failover differential LEFT RIGHT``: every scenario of the space on two implementations, side by side.

Both run scenario by scenario, each in this process or in one of its own, and their outcomes must be equal. Differences
that show at the same places are one group; of each group the smallest scenario is reported. Nothing here knows what is
right.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from dirac_failover.cli.exits import CommandError, Exit
from dirac_failover.conformance.target import Target
from dirac_failover.conformance.workers import Progress, cores, in_processes, parse_shard
from dirac_failover.drivers.implementations import IMPLEMENTATIONS
from dirac_failover.reports.differences import shown
from dirac_failover.spec import compare, space
from dirac_failover.spec.dimensions import changes
from dirac_failover.spec.facts import MODULE

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from dirac_failover.conformance.workers import Messages
    from dirac_failover.spec.observation import Observation
    from dirac_failover.spec.scenario import Scenario

SCHEMA: Final = "dirac-failover/differential/1"
_CHUNK: Final = 250
_SHOWN: Final = 5


@dataclass(frozen=True)
class DifferingScenario:
    """One scenario in which the two differ: where, and what each of them did."""

    name: str
    scenario: dict[str, Any]
    places: tuple[compare.Difference, ...]

    @property
    def group(self) -> tuple[str, ...]:
        """Differences at the same places belong together."""
        return tuple(difference.place for difference in self.places)

    @property
    def size(self) -> tuple[int, int, str]:
        """The nearer to the good case and the smaller, the easier to read; the name settles what is left."""
        return changes(self.name), len(json.dumps(self.scenario)), self.name


@dataclass
class Comparison:
    """What came out: how many scenarios were run, how many differ, and the smallest of each group."""

    left: str
    right: str
    scenarios: int = 0
    differ: int = 0
    seconds: float = 0.0
    groups: Counter[tuple[str, ...]] = field(default_factory=Counter)
    smallest: dict[tuple[str, ...], DifferingScenario] = field(default_factory=dict)

    def add(self, difference: DifferingScenario) -> None:
        """Take one more difference."""
        group = difference.group
        self.differ += 1
        self.groups[group] += 1
        if group not in self.smallest or difference.size < self.smallest[group].size:
            self.smallest[group] = difference

    def in_order(self) -> list[tuple[int, DifferingScenario]]:
        """Return how often each group was seen, and its smallest scenario: the smallest first."""
        found = [(count, self.smallest[group]) for group, count in self.groups.items()]
        return sorted(found, key=lambda item: item[1].size)

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


def compared(scenario: Scenario, left: Observation, right: Observation) -> DifferingScenario | None:
    """Return how the outcomes differ, or None."""
    places = () if compare.equal(left, right) else tuple(compare.differences(left, right))
    return DifferingScenario(scenario.name, scenario.to_json(), places) if places else None


def shard(choices: tuple[Target, Target], region: str | None, index: int, count: int) -> Messages:
    """Run one shard; yield differences, and how many scenarios were run since the last number."""
    from dirac_failover.drivers.in_process import sessions

    left, right = ports = [choice.port() for choice in choices]
    done = 0
    with sessions(*ports):
        for scenario in islice(_scenarios(region), index, None, count):
            if not (left.supports(scenario) and right.supports(scenario)):
                continue
            difference = compared(scenario, left.run(scenario), right.run(scenario))
            done += 1
            if difference is not None:
                yield difference
            if done == _CHUNK:
                yield done
                done = 0
    yield done


def _scenarios(region: str | None) -> Iterator[Scenario]:
    return next(item for item in space.REGIONS if item.name == region).scenarios() if region else space.scenarios()


def run(
    choices: tuple[Target, Target],
    *,
    region: str | None = None,
    workers: int = 1,
    part: tuple[int, int] = (0, 1),
) -> Comparison:
    """Compare two ports over the space, a region of it, or a shard (index from 0, of how many)."""
    result = Comparison(_title(choices[0]), _title(choices[1]))
    index, count = part
    total = len(range(index, sum(1 for _ in _scenarios(region)), count))
    progress = Progress(f"{choices[0].text} and {choices[1].text}", total)
    started = time.monotonic()
    work = partial(shard, choices, region)
    try:
        with closing(work(index, count) if workers == 1 else in_processes(work, workers, part)) as messages:
            for message in messages:
                if isinstance(message, DifferingScenario):
                    result.add(message)
                else:
                    result.scenarios += message
                    progress.add(message)
    finally:
        progress.close()
    result.seconds = time.monotonic() - started
    return result


def _title(choice: Target) -> str:
    from dirac_failover.drivers.in_process import sessions

    port = choice.port()
    with sessions(port):
        if port.shape != MODULE:
            text = f"'dirac-failover verify' judges a port of the shape {port.shape}"
            raise CommandError(f"{choice.text} is no module, and cannot be compared with one: {text}")
        return f"{port.name} {port.version}".strip()


def report(result: Comparison) -> str:
    """Return the comparison for people."""
    lines = []
    groups = result.in_order()
    for number, (count, smallest) in enumerate(groups[:_SHOWN], 1):
        lines += [f"{number}. {count:,} scenarios differ like this one: {smallest.name}"]
        for place, left, right in map(shown, smallest.places[:_SHOWN]):
            lines += [f"   {place}", f"     {result.left}: {left}", f"     {result.right}: {right}"]
        if len(smallest.places) > _SHOWN:
            lines += [f"   and {len(smallest.places) - _SHOWN} more places"]
        lines += [f"   scenario: {json.dumps(smallest.scenario)}", ""]
    if len(groups) > _SHOWN:
        lines += [f"{len(groups) - _SHOWN} more kinds of difference: --json shows all", ""]
    rate = result.scenarios / max(result.seconds, 1e-9)
    lines.append(f"{result.left} beside {result.right}: {result.seconds:.0f} s, {rate:,.0f} scenarios a second")
    lines.append(f"{result.scenarios:,} scenarios, {result.differ:,} differ")
    return "\n".join(lines)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    names = f"{', '.join(IMPLEMENTATIONS)}; package.module:Class; or an adapter file, .toml"
    parser.add_argument("left", metavar="LEFT", help=f"a port: {names}")
    parser.add_argument("right", metavar="RIGHT", help="the other one")
    parser.add_argument("--python", metavar="PATH", help="the Python of the environment in which RIGHT is installed")
    parser.add_argument("--region", choices=[item.name for item in space.REGIONS], help="only this part of the space")
    parser.add_argument("--workers", type=int, default=cores(), metavar="N", help="processes (default: %(default)s)")
    parser.add_argument("--shard", default="1/1", metavar="I/N", help="only the I-th of N parts (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print the result for machines")


def execute(arguments: argparse.Namespace) -> int:
    """Run the command; return its exit code."""
    if arguments.workers < 1:
        raise CommandError(f"--workers: expected a whole number of at least 1, found {arguments.workers}")
    result = run(
        (Target(arguments.left), Target(arguments.right, arguments.python)),
        region=arguments.region,
        workers=arguments.workers,
        part=parse_shard(arguments.shard),
    )
    print(json.dumps(result.to_json(), indent=2) if arguments.json else report(result))  # noqa: T201 - its purpose
    if not result.scenarios:
        return Exit.NOTHING_RAN
    return Exit.DIFFERS if result.differ else Exit.OK
