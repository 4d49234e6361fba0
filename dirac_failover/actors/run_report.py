"""Runs one scenario to its end and beyond, and reports it as plain data: ``dirac-failover schema run``."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack, redirect_stdout
from typing import TYPE_CHECKING, Any, Final

from dirac_failover.actors.recovery import holdings, recover
from dirac_failover.drivers.describe import PLAIN, operation_of
from dirac_failover.drivers.recording import Recorder, Recording
from dirac_failover.errors import ScenarioError
from dirac_failover.spec.duties import INPUTS_DUE, ends_jobs
from dirac_failover.spec.observation import ALL, Scrubber, attribute

if TYPE_CHECKING:
    from dirac_failover.drivers.implementations import Implementation
    from dirac_failover.spec.observation import Json
    from dirac_failover.spec.scenario import Scenario

SCHEMA: Final = "dirac-failover/run/2"


def run(
    implementation: Implementation, scenario: Scenario, module: type[Any] | None = None, *, duties: str | None = None
) -> dict[str, Json]:
    """Execute the module (the implementation's FailoverRequest) in a scenario, recover, and return the report.

    With ``duties`` (``inputs``), the module must report the input files though its class is no FailoverRequest.
    Raises ScenarioError when the module cannot be created, or the scenario cannot be laid out on this machine.
    """
    module = module or implementation.FailoverRequest
    recorder = Recorder(implementation, module, reports_inputs=duties == INPUTS_DUE or ends_jobs(module))
    with ExitStack() as stack:
        stack.enter_context(redirect_stdout(sys.stderr))  # a module may print
        try:
            stack.enter_context(recorder.session())
        except OSError as error:
            raise ScenarioError(f"There is no directory to work in: {error}") from error
        try:
            recording = recorder.record(scenario)
        except (OSError, ValueError, TypeError, AttributeError, RuntimeError) as error:
            raise ScenarioError(f"This scenario cannot be set up: {type(error).__name__}: {error}") from error
        return _report(recorder, recording, module)


def _report(recorder: Recorder, recording: Recording, module: type[Any]) -> dict[str, Json]:
    scenario = recording.scenario
    world = recording.world
    seen = {
        "unfired": list(scenario.faults) if world is None else [str(fault) for fault in world.unfired()],
        "ended": recording.ended,
        "result": recording.result,
        "calls": [event.to_json() for event in recording.events],
        "services": None if world is None else holdings(world),
        "request": _request(recording),
        "files": recording.files,
        "recovery": recover(recording),
    }
    implementation = {
        "name": recorder.kit.name,
        "version": recorder.kit.version,
        "module": f"{module.__module__}:{module.__qualname__}",
    }
    report = {"schema": SCHEMA, "implementation": implementation, "scenario": scenario.to_json()}
    # JSON has no NaN: it becomes that text
    plain: dict[str, Json] = json.loads(json.dumps({**report, **Scrubber().plain(seen, ALL)}), parse_constant=str)
    return plain


def _request(recording: Recording) -> Json:
    request = recording.commons.get("Request")
    if request is None:
        return None
    names = ("RequestName", "JobID", "Owner", "OwnerGroup", "SourceComponent")
    fields = {name: PLAIN.plain(attribute(request, name)) for name in names}
    return {**fields, "Operations": [operation_of(operation) for operation in recording.operations]}


# The situation
