"""``dirac-failover differential LEFT RIGHT``: run every scenario of the space on two implementations and compare them.

Here are its options and its text; :mod:`~dirac_failover.conformance.differential` makes the comparison.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from dirac_failover.cli import output
from dirac_failover.cli.exits import Exit
from dirac_failover.conformance.differential import compare_ports
from dirac_failover.conformance.workers import check_workers, cores, parse_shard
from dirac_failover.drivers.describe import count
from dirac_failover.drivers.implementations import IMPLEMENTATIONS
from dirac_failover.drivers.resolve import Target
from dirac_failover.reports.differences import shown
from dirac_failover.reports.terminal import Line, section
from dirac_failover.reports.timeline import table
from dirac_failover.spec import space

if TYPE_CHECKING:
    import argparse

    from dirac_failover.conformance.differential import Comparison
    from dirac_failover.reports.terminal import Style

_SHOWN: Final = 5


def report(result: Comparison, style: Style) -> str:
    """Return the comparison for people, each line ended by a newline: how many differ, then each kind of difference."""
    groups = result.in_order()
    most = None if style.verbose else _SHOWN
    sign, colour = ("failed", "red") if result.differ else ("well", "green") if result.scenarios else ("arrow", "")
    verdict = f"{style.sign(sign)} {result.scenarios:,} scenarios, {result.differ:,} differ"
    rate = result.scenarios / max(result.seconds, 1e-9)
    facts = {"beside": f"{result.left}, {result.right}", "time": f"{result.seconds:.0f} s, {rate:,.0f} a second"}
    more = style.more(len(groups) - _SHOWN, "kinds of difference")
    parts = [section(style, "Verdict", [Line(1, verdict, colour, len(verdict)), *table(facts), *more])]
    for number, (many, smallest) in enumerate(groups[:most], 1):
        facts = {"scenario": smallest.name}
        rows = [*table(facts)]
        for place, left, right in map(shown, smallest.places[:most]):
            rows += [Line(1, place, "bold", len(place)), *table({result.left: left, result.right: right}, 2)]
        rows += style.more(len(smallest.places) - _SHOWN, "places")
        parts.append(section(style, f"{number}. {count(many, 'scenario')} like this one", rows))
        parts[-1] += f"  scenario: {json.dumps(smallest.scenario)}\n"  # never wrapped: it is to be copied
    return "\n".join(parts)


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
    output.tell(arguments, result.to_json, lambda style: report(result, style))
    if not result.scenarios:
        return Exit.NOTHING_RAN
    return Exit.DIFFERS if result.differ else Exit.OK
