"""``dirac-failover report``: the results of one port, in another format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dirac_failover.cli import output
from dirac_failover.cli.compare import execute

if TYPE_CHECKING:
    import argparse

__all__ = ["add_arguments", "execute"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("results", metavar="RESULTS", nargs=1, help="a file that 'verify --output' has written")
    output.add_arguments(parser, ("text", "markdown", "html", "junit", "badge"))
    parser.epilog = "Several ports side by side, and the matrix as JSON: 'dirac-failover compare'."
