"""``dirac-failover schema``: the published JSON Schemas of what the commands read and print."""

from __future__ import annotations

import json
import sys
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from dirac_failover.conformance.errors import Exit
from dirac_failover.spec import scenario

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable


def _run() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(files("dirac_failover").joinpath("schemas/run.json").read_bytes())
    schema["$defs"]["scenario"] = {key: value for key, value in scenario.schema().items() if key != "$schema"}
    return schema


SCHEMAS: Final[dict[str, Callable[[], dict[str, Any]]]] = {"run": _run, "scenario": scenario.schema}
"""What has a schema: the report of ``run --json``, and the file of ``run --scenario``."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("name", choices=list(SCHEMAS), help="run: what 'run --json' prints; scenario: what it reads")


def execute(arguments: argparse.Namespace) -> int:
    """Run the command; return its exit code."""
    sys.stdout.write(f"{json.dumps(SCHEMAS[arguments.name](), indent=2)}\n")
    return Exit.OK
