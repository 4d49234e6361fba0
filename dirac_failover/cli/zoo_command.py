"""``dirac-failover zoo``: the animals, and which of them a user's own tests let live.

With ``--tests``, pytest runs once for each animal in a process of its own, in which
:mod:`dirac_failover.conformance.zoo_keeper` puts the animal in the place of ``FailoverRequest``. Tests that fail have
caught it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from dirac_failover.cli.exits import CommandError, Exit
from dirac_failover.conformance import zoo_keeper
from dirac_failover.conformance.workers import Progress
from dirac_failover.conformance.zoo import ZOO, story
from dirac_failover.errors import BrokenError, MissingExtraError, no_such

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

SCHEMA: Final = "dirac-failover/zoo/1"
LISTED: Final = "'dirac-failover zoo' lists them"
CAUGHT: Final = "caught"
ALIVE: Final = "alive"

_PASSED, _FAILED = 0, 1
"""pytest's exit codes."""


def _outcome(name: str, paths: Sequence[str], timeout: float) -> str:
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", zoo_keeper.__name__, *paths]
    environment = os.environ | {zoo_keeper.BUG: name}
    try:
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, timeout=timeout, check=False, env=environment
        )
    except subprocess.TimeoutExpired:
        if not name:
            raise BrokenError(f"The tests did not end within {timeout:g} seconds") from None
        return CAUGHT  # a test that hangs is noticed
    if done.returncode not in {_PASSED, _FAILED} or (not name and done.returncode != _PASSED):
        last = (done.stdout + done.stderr).strip().splitlines() or ["no output"]
        which = "without any bug" if not name else f"with {name}"
        raise CommandError(f"The tests cannot be used: {which} pytest ended with {done.returncode}: {last[-1]}")
    return ALIVE if done.returncode == _PASSED else CAUGHT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("--tests", nargs="+", metavar="PATH", help="run these tests against each of the bugs")
    parser.add_argument("--bug", action="append", metavar="NAME", help="only this one; again for more")
    parser.add_argument(
        "--timeout", type=float, default=300, metavar="SECONDS", help="for one run of the tests (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print the result for machines")


def execute(arguments: argparse.Namespace) -> int:
    """Run the command; return its exit code: 1 when a bug is left alive."""
    names = arguments.bug or list(ZOO)
    if unknown := [name for name in names if name not in ZOO]:
        raise CommandError(f"--bug: {no_such('bug', unknown[0], ZOO, LISTED)}")
    if not 0 < arguments.timeout < float("inf"):
        raise CommandError(f"--timeout: expected a number of seconds above 0, found {arguments.timeout:g}")
    found: dict[str, str] = {}
    if arguments.tests:
        if find_spec("pytest") is None:
            raise MissingExtraError("--tests needs the package pytest: pip install 'dirac-failover[pytest]'")
        _outcome("", arguments.tests, arguments.timeout)
        progress = Progress("Bugs", len(names))
        try:
            for name in names:
                found[name] = _outcome(name, arguments.tests, arguments.timeout)
                progress.add(1)
        finally:
            progress.close()
    print(_json(names, found) if arguments.json else _text(names, found))  # noqa: T201 - its purpose
    return Exit.DIFFERS if ALIVE in found.values() else Exit.OK


def _json(names: Sequence[str], found: dict[str, str]) -> str:
    bugs = [{"name": name, "story": story(ZOO[name]), "outcome": found.get(name)} for name in names]
    return json.dumps({"schema": SCHEMA, "bugs": bugs}, indent=2)


def _text(names: Sequence[str], found: dict[str, str]) -> str:
    width = max(map(len, names))
    lines = [f"{found.get(name, ''):7}{name:{width}}  {story(ZOO[name])}".strip() for name in names]
    if found:
        alive = list(found.values()).count(ALIVE)
        lines += ["", f"{len(found)} bug{'s'[len(found) == 1 :]}, {len(found) - alive} caught, {alive} alive"]
    return "\n".join(lines)
