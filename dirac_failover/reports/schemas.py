"""The published JSON Schemas of what is read and printed: made from the types, or from a file of ``schemas``."""

from __future__ import annotations

import json
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from dirac_failover.actors.report import RunReport
from dirac_failover.conformance.baseline import Baseline
from dirac_failover.conformance.results import ResultsFile
from dirac_failover.drivers import adapter_file
from dirac_failover.reports.changes import DiffFile
from dirac_failover.reports.matrix import MatrixFile
from dirac_failover.serving.configuration import Announcement
from dirac_failover.spec import scenario
from dirac_failover.spec.shape import described

if TYPE_CHECKING:
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


SCHEMAS: Final[dict[str, Callable[[], dict[str, Any]]]] = {
    "run": _run,
    "scenario": scenario.schema,
    "results": partial(described, ResultsFile, "serialization"),
    "baseline": partial(described, Baseline),
    "compare": partial(described, MatrixFile, "serialization"),
    "diff": partial(described, DiffFile, "serialization"),
    "port-protocol": partial(_file, "port-protocol"),
    "adapter": adapter_file.schema,
    "serve": partial(described, Announcement, "serialization"),
    "admin": partial(_file, "admin"),
}
"""The functions that return the schemas, by the names that ``dirac-failover schema`` takes."""
