"""``dirac-failover report``: the results of one port, in the form that somebody else wants them in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dirac_failover.conformance import badge, compare, html_page, junit, markdown, output
from dirac_failover.conformance.errors import Exit
from dirac_failover.conformance.matrix import Matrix

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("results", metavar="RESULTS", help="a file that 'verify --output' has written")
    output.add_arguments(parser, ("text", "markdown", "html", "junit", "badge"))
    parser.epilog = "Several ports side by side, and the matrix as JSON: 'dirac-failover compare'."


def execute(arguments: argparse.Namespace) -> int:
    """Run the command; return its exit code."""
    matrix = Matrix.load([arguments.results])
    (port,) = matrix.ports
    formats = {
        "text": lambda style: compare.text(matrix, style),
        "markdown": lambda _: markdown.page(matrix),
        "html": lambda _: html_page.page(matrix),
        "junit": lambda _: junit.document(port),
        "badge": lambda _: badge.picture(port),
    }
    output.deliver(arguments, formats)
    return Exit.OK
