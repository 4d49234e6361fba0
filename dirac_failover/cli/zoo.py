"""``dirac-failover zoo``: the seeded faults of the zoo, and which of them a user's own tests miss."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from dirac_failover.cli import output
from dirac_failover.cli.exits import CommandError, Exit
from dirac_failover.conformance.workers import Progress
from dirac_failover.conformance.zoo import BUGS
from dirac_failover.conformance.zoo_plugin import ALIVE, CAUGHT, outcome
from dirac_failover.drivers.describe import count
from dirac_failover.errors import MissingExtraError, no_such
from dirac_failover.reports.terminal import Line, Style, section

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from dirac_failover.conformance.zoo import Bug

SCHEMA: Final = "dirac-failover/zoo/1"
LISTED: Final = "'dirac-failover zoo' lists them"
_COLOURS: Final = {CAUGHT: "green", ALIVE: "red"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("--tests", nargs="+", metavar="PATH", help="run these tests against each of the bugs")
    parser.add_argument("--bug", action="append", metavar="NAME", help="only this bug; again for more")
    parser.add_argument(
        "--timeout", type=float, default=300, metavar="SECONDS", help="for one run of the tests (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print the result for machines")


def execute(arguments: argparse.Namespace) -> int:
    """Run the command; return its exit code: 1 when the tests miss a bug."""
    names = arguments.bug or list(BUGS)
    if unknown := [name for name in names if name not in BUGS]:
        raise CommandError(f"--bug: {no_such('bug', unknown[0], BUGS, LISTED)}")
    if not 0 < arguments.timeout < float("inf"):
        raise CommandError(f"--timeout: expected a number of seconds above 0, found {arguments.timeout:g}")
    bugs, found = [BUGS[name] for name in names], dict.fromkeys(names, "")
    if arguments.tests:
        if find_spec("pytest") is None:
            raise MissingExtraError("--tests needs the package pytest: pip install 'dirac-failover[pytest]'")
        outcome("", arguments.tests, arguments.timeout)
        progress = Progress("Bugs", len(names))
        try:
            for name in names:
                found[name] = outcome(name, arguments.tests, arguments.timeout)
                progress.add(1)
        finally:
            progress.close()
    listed = [
        {"name": bug.name, "clause": bug.clause, "text": bug.sentence, "outcome": found[bug.name] or None}
        for bug in bugs
    ]
    output.tell(
        arguments, lambda: {"schema": SCHEMA, "bugs": listed}, lambda style: _text(bugs, found, arguments.quiet, style)
    )
    return Exit.DIFFERS if ALIVE in found.values() else Exit.OK


def _text(bugs: Sequence[Bug], found: dict[str, str], quiet: bool, style: Style) -> str:
    width, rows = max(len(bug.name) for bug in bugs), []
    for bug in bugs:
        if quiet and found[bug.name] == CAUGHT:
            continue
        head = f"{found[bug.name]:6}  {bug.name}".strip()
        text = f"{head}{' ' * (width - len(bug.name))}  {bug.clause}  {bug.sentence}"
        hang = len(text) - len(bug.sentence)
        rows.append(Line(1, style.cut(text, 2), _COLOURS.get(found[bug.name], "cyan"), len(head), hang=hang))
    states = [f"{number} {state}" for state in _COLOURS if (number := [*found.values()].count(state))]
    return section(style, ", ".join([count(len(bugs), "bug"), *states]), rows)
