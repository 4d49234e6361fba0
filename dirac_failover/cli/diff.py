"""``dirac-failover diff``: the changes between two results, clause by clause, and whether any is a regression."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dirac_failover.cli import output
from dirac_failover.cli.exits import Exit
from dirac_failover.reports import markdown, text
from dirac_failover.reports.changes import KINDS, Diff
from dirac_failover.reports.matrix import Matrix

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    for name, which in (("old", "before"), ("new", "now")):
        parser.add_argument(name, metavar=name.upper(), help=f"the results of 'verify --output' {which}")
    output.add_arguments(parser, ("text", "markdown", "json"))
    width = max(map(len, KINDS))
    kinds = [f"  {kind:{width}}  {meaning}" for kind, meaning in KINDS.items()]
    parser.epilog = "\n".join(["exits with 1 when anything regressed", *kinds])


def execute(arguments: argparse.Namespace) -> int:
    """Run the command; return its exit code."""
    diff = Diff.of(Matrix.load([arguments.old, arguments.new]))
    formats = {
        "text": lambda style: text.changes(diff, style),
        "markdown": lambda _: markdown.changes(diff),
        "json": lambda _: json.dumps(diff.to_json(), indent=2) + "\n",
    }
    output.deliver(arguments, formats)
    return Exit.DIFFERS if diff.regressed else Exit.OK
