"""``dirac-failover schema``: the published JSON Schemas of what the commands read and print."""

from __future__ import annotations

import json
import sys
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from dirac_failover.conformance.errors import Exit
from dirac_failover.conformance.shape import schema
from dirac_failover.spec import scenario

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable


def _run() -> dict[str, Any]:
    rules = schema("run")
    rules["$defs"]["scenario"] = {key: value for key, value in scenario.schema().items() if key != "$schema"}
    return rules


def _compare() -> dict[str, Any]:
    """Return the schema of the matrix, in which much is as in the results that it is made of."""
    results = schema("results")["properties"]
    clause = results["clauses"]["items"]["properties"]
    parts = {name: results[name] for name in ("header", "verdict", "error", "counts")}
    return {**schema("compare"), "$defs": {**parts, **{name: clause[name] for name in ("minimal", "baseline")}}}


SCHEMAS: Final[dict[str, Callable[[], dict[str, Any]]]] = {
    "run": _run,
    "scenario": scenario.schema,
    "results": partial(schema, "results"),
    "baseline": partial(schema, "baseline"),
    "compare": _compare,
    "diff": partial(schema, "diff"),
    "port-protocol": partial(schema, "port-protocol"),
    "serve": partial(schema, "serve"),
    "admin": partial(schema, "admin"),
}
"""What has a schema: ``run --json``, ``run --scenario``, ``verify --json`` and ``--output``, ``verify --baseline``,
``compare`` and ``diff`` with ``--format json``, what is said to a port in another process, ``serve --json``, and the
administration of what it serves."""


_HELP: Final = (
    "run: what 'run --json' prints; scenario: what it reads; results: what 'verify --json' prints; baseline: what "
    "'verify --baseline' reads; compare and diff: what they print with '--format json'; "
    "port-protocol: the messages of a port in another process; serve: what 'serve --json' prints; "
    "admin: what its administration reads and answers"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("name", choices=list(SCHEMAS), help=_HELP)


def execute(arguments: argparse.Namespace) -> int:
    """Run the command; return its exit code."""
    sys.stdout.write(f"{json.dumps(SCHEMAS[arguments.name](), indent=2)}\n")
    return Exit.OK
