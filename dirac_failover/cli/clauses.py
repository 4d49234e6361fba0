"""``dirac-failover clauses``: the contract, clause by clause, for people or as JSON."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Final

from dirac_failover.cli import output
from dirac_failover.cli.exits import Exit, write
from dirac_failover.reports.terminal import Line, Style, section
from dirac_failover.spec.algorithm import PAGE, step_ids
from dirac_failover.spec.clauses import CLAUSES, LEVELS, OUT_OF_REACH

if TYPE_CHECKING:
    import argparse

    from dirac_failover.spec.clauses import Clause
    from dirac_failover.spec.observation import Json

SCHEMA: Final = "dirac-failover/clauses/1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("--level", choices=LEVELS, help="only the clauses of this level")
    parser.add_argument("--json", action="store_true", help="print them for machines, with all data of each")


def execute(arguments: argparse.Namespace) -> int:
    """Run the command; return its exit code."""
    levels = [arguments.level] if arguments.level else LEVELS
    clauses = [clause for clause in CLAUSES if clause.level in levels]
    if arguments.json:
        output.print_json({"schema": SCHEMA, "clauses": list(map(as_json, clauses)), "out of reach": OUT_OF_REACH})
    else:
        write(_text(clauses, arguments.quiet, output.style_of(arguments)))
    return Exit.OK


def as_json(clause: Clause) -> dict[str, Json]:
    """Return all data of a clause but its check."""
    names = ("id", "level", "title", "text", "reason", "harm", "source", "note", "issue")
    steps = {"steps": step_ids(clause.steps), "algorithm": PAGE} if clause.steps else {}
    return {name: getattr(clause, name) for name in names} | steps


def _text(clauses: list[Clause], quiet: bool, style: Style) -> str:
    parts, said = [], attrgetter("title" if quiet else "text")
    for level in LEVELS:
        mine = [clause for clause in clauses if clause.level == level]
        rows = [
            Line(1, f"{clause.id}  {said(clause)}", "cyan", len(clause.id), hang=len(clause.id) + 2) for clause in mine
        ]
        parts += [section(style, f"{level}: {len(rows)} clauses", rows)] if rows else []
    return "\n".join(parts)
