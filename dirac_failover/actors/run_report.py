"""Runs one scenario to its end and beyond, and reports it."""

from __future__ import annotations

import sys
from contextlib import ExitStack, redirect_stdout
from typing import TYPE_CHECKING, Any, Final, cast

from dirac_failover.actors.recovery import holdings, judged, replay_job
from dirac_failover.actors.report import Ran, RunReport
from dirac_failover.drivers.describe import PLAIN, operation_of
from dirac_failover.drivers.in_process import InProcessDriver
from dirac_failover.drivers.recording import record
from dirac_failover.errors import ScenarioError
from dirac_failover.spec.duties import INPUTS_DUE, ends_jobs
from dirac_failover.spec.observation import attribute, elements

if TYPE_CHECKING:
    from dirac_failover.actors.report import Recovery, RequestState
    from dirac_failover.drivers.implementations import Implementation
    from dirac_failover.drivers.recording import FinishedJob, Recording
    from dirac_failover.spec.scenario import Scenario
    from dirac_fakes.world import World


def run(
    implementation: Implementation, scenario: Scenario, module: type[Any] | None = None, *, duties: str | None = None
) -> RunReport:
    """Execute the module (the implementation's FailoverRequest) in a scenario, recover, and return the report.

    With ``duties`` (``inputs``), the module must report the input files though its class is no FailoverRequest.
    Raises ScenarioError when the module cannot be created, or the scenario cannot be laid out on this machine.
    """
    module = module or implementation.FailoverRequest
    driver = InProcessDriver(implementation, module)
    with ExitStack() as stack:
        stack.enter_context(redirect_stdout(sys.stderr))  # a module may print
        try:
            stack.enter_context(driver.session())
        except OSError as error:
            raise ScenarioError(f"There is no directory to work in: {error}") from error
        try:
            recording = record(driver, scenario, reports_inputs=duties == INPUTS_DUE or ends_jobs(module))
        except (OSError, ValueError, TypeError, AttributeError, RuntimeError) as error:
            raise ScenarioError(f"This scenario cannot be set up: {type(error).__name__}: {error}") from error
        ran = Ran(implementation.name, implementation.version, f"{module.__module__}:{module.__qualname__}")
        return _report(recording, ran).scrubbed()


def _report(recording: Recording, ran: Ran) -> RunReport:
    done, world = recording.done, recording.done.world
    return RunReport(
        implementation=ran,
        scenario=recording.scenario,
        unfired=tuple(recording.scenario.faults if world is None else map(str, world.unfired())),
        ended=done.ended,
        result=PLAIN.plain(done.result),
        calls=recording.calls,
        services=None if world is None else holdings(world),
        request=request_of(done.commons.get("Request")),
        files=done.files,
        recovery=None if world is None else recover(recording.job, world),
    )


def recover(job: FinishedJob, world: World) -> Recovery:
    """Let the services recover, and replay the job's requests; to be called inside the driver's session."""
    world.recover()
    return judged(job, world, replay_job(job, world))


def request_of(request: Any) -> RequestState | None:
    """Return the fields of the request that a job has left; None when there is none."""
    if request is None:
        return None
    fields = {name: PLAIN.plain(attribute(request, name)) for name in _FIELDS}
    operations = [operation_of(PLAIN.operation(operation)) for operation in elements(request)]
    return cast("RequestState", {**fields, "Operations": operations})


_FIELDS: Final = ("RequestName", "JobID", "Owner", "OwnerGroup", "SourceComponent")
