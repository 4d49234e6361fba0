"""``dirac-failover schema``: the published JSON Schemas of what the commands read and print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dirac_failover.cli import output
from dirac_failover.cli.exits import Exit
from dirac_failover.reports.schemas import SCHEMAS

if TYPE_CHECKING:
    import argparse

_HELP: Final = (
    "run: what 'run --json' prints; scenario: what it reads; results: what 'verify --json' prints; baseline: what "
    "'verify --baseline' reads; compare and diff: what they print with '--format json'; "
    "port-protocol: the messages of a port in another process; adapter: the file .toml that describes a port; "
    "serve: what 'serve --json' prints; "
    "admin: what its administration reads and answers"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("name", choices=list(SCHEMAS), help=_HELP)


def execute(arguments: argparse.Namespace) -> int:
    """Run the command; return its exit code."""
    output.print_json(SCHEMAS[arguments.name]())
    return Exit.OK
