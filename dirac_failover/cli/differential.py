"""``dirac-failover differential LEFT RIGHT``: run every scenario of the space on two implementations and compare them.

Here are its options and its text; :mod:`~dirac_failover.conformance.differential` makes the comparison.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from dirac_failover.cli.exits import Exit
from dirac_failover.conformance.differential import compare_ports
from dirac_failover.conformance.workers import check_workers, cores, parse_shard
from dirac_failover.drivers.implementations import IMPLEMENTATIONS
from dirac_failover.drivers.resolve import Target
from dirac_failover.reports.differences import shown
from dirac_failover.spec import space

if TYPE_CHECKING:
    import argparse

    from dirac_failover.conformance.differential import Comparison

_SHOWN: Final = 5


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
    parser.add_argument("right", metavar="RIGHT", help="the other port")
    parser.add_argument("--python", metavar="PATH", help="the Python of the environment in which RIGHT is installed")
    parser.add_argument("--region", choices=[item.name for item in space.REGIONS], help="only this part of the space")
    parser.add_argument("--workers", type=int, default=cores(), metavar="N", help="processes (default: %(default)s)")
    parser.add_argument("--shard", default="1/1", metavar="I/N", help="only the I-th of N parts (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print the result for machines")


def execute(arguments: argparse.Namespace) -> int:
    """Run the command; return its exit code."""
    check_workers(arguments.workers)
    result = compare_ports(
        (Target(arguments.left), Target(arguments.right, arguments.python)),
        region=arguments.region,
        workers=arguments.workers,
        part=parse_shard(arguments.shard),
    )
    print(json.dumps(result.to_json(), indent=2) if arguments.json else report(result))  # noqa: T201 - its purpose
    if not result.scenarios:
        return Exit.NOTHING_RAN
    return Exit.DIFFERS if result.differ else Exit.OK
