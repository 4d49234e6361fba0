"""``dirac-failover schema``: the published JSON Schemas of what the commands read and print."""

from __future__ import annotations

import json
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from dirac_failover.actors.report import RunReport
from dirac_failover.cli import output
from dirac_failover.cli.exits import Exit
from dirac_failover.conformance.baseline import Baseline
from dirac_failover.conformance.results import ResultsFile
from dirac_failover.drivers import adapter_file
from dirac_failover.spec import scenario
from dirac_failover.spec.shape import described

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable


def _file(name: str) -> dict[str, Any]:
    text = files("dirac_failover").joinpath(f"schemas/{name}.json").read_text(encoding="utf-8")
    rules: dict[str, Any] = json.loads(text)
    return rules


def _run() -> dict[str, Any]:
    rules = described(RunReport, "serialization")
    rules["properties"]["scenario"] = {"$ref": "#/$defs/scenario"}
    rules["$defs"]["scenario"] = {key: value for key, value in scenario.schema().items() if key != "$schema"}
    return rules


def _compare() -> dict[str, Any]:
    """Return the schema of the matrix, in which much is as in the results that it is made of."""
    results = described(ResultsFile, "serialization")
    clause = results["$defs"]["ClauseResult"]["properties"]
    parts = {name: results["properties"][name] for name in ("header", "verdict", "error", "counts")}
    parts |= {name: clause[name] for name in ("minimal", "baseline")}
    return {**_file("compare"), "$defs": {**results["$defs"], **parts}}


SCHEMAS: Final[dict[str, Callable[[], dict[str, Any]]]] = {
    "run": _run,
    "scenario": scenario.schema,
    "results": partial(described, ResultsFile, "serialization"),
    "baseline": partial(described, Baseline),
    "compare": _compare,
    "diff": partial(_file, "diff"),
    "port-protocol": partial(_file, "port-protocol"),
    "adapter": adapter_file.schema,
    "serve": partial(_file, "serve"),
    "admin": partial(_file, "admin"),
}
"""The documents: ``run --json``, ``run --scenario``, ``verify --json`` and ``--output``, ``verify --baseline``,
``compare`` and ``diff`` with ``--format json``, the messages to a port in another process, adapter files,
``serve --json``, and the administration of what it serves."""


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
