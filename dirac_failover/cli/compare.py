"""``dirac-failover compare``: the verdicts on each clause of several ports, or versions of one, side by side."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dirac_failover.cli import output
from dirac_failover.cli.exits import Exit
from dirac_failover.reports import badge, html_page, junit, markdown, text
from dirac_failover.reports.matrix import Matrix

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("results", metavar="RESULTS", nargs="+", help="a file that 'verify --output' has written")
    output.add_arguments(parser, ("text", "markdown", "html", "json"))


def execute(arguments: argparse.Namespace) -> int:
    """Run the command, or ``report``, which has other formats; return its exit code."""
    matrix = Matrix.load(arguments.results)
    formats = {
        "text": lambda style: text.matrix(matrix, style),
        "markdown": lambda _: markdown.page(matrix),
        "html": lambda _: html_page.page(matrix),
        "json": lambda _: json.dumps(matrix.to_json(), indent=2) + "\n",
        "junit": lambda _: junit.document(matrix.ports[0]),
        "badge": lambda _: badge.picture(matrix.ports[0]),
    }
    output.deliver(arguments, formats)
    return Exit.OK
