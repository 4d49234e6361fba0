"""The set-up of a run: the services, the collaborators and the request that a scenario describes.

Only the functions here make them: for implementations in this process, for ports in another one, and for fixtures.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from dirac_failover.spec.scenario import LIVE, MISSING, NONE, SCRIPTED, typed
from dirac_fakes.answers import OPERATIONS, Script, answering
from dirac_fakes.clients import FakeDataStoreClient, FakeFileReport, FakeJobReport
from dirac_fakes.world import World

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dirac_failover.drivers.implementations import Implementation
    from dirac_failover.spec.scenario import Scenario
    from dirac_fakes.journal import Journal


def seed(scenario: Scenario) -> World:
    """Return the in-memory services as the scenario finds them, with its faults armed."""
    user, group = scenario.owner or ("alice", "vo_user")
    world = World(
        job_id(scenario, 77),
        files={
            lfn: {"Status": status, "ErrorCount": scenario.error_counts.get(lfn, 0)}
            for lfn, status in scenario.server_files.items()
        },
        owner=user,
        group=group,
    )
    for fault in scenario.faults:
        world.arm(fault)
    return world


def needs_services(scenario: Scenario) -> bool:
    """Return whether any collaborator of the scenario is a client that talks to the services."""
    return any(kind in (LIVE, MISSING) for kind in scenario.collaborators.values())


def script_of(implementation: Implementation, scenario: Scenario, journal: Journal) -> Script:
    """Return the script of the scenario's answers; its calls are recorded in ``journal``."""

    def operation(target: str) -> Any:
        made = implementation.Operation()
        made.Type, made.Arguments = OPERATIONS[target]
        return made

    return Script(scenario.answers, journal, operation, {"GracefulTermination": implementation.GracefulTermination})


FAKES: Final = {
    "JobReport": FakeJobReport,
    "FileReport": FakeFileReport,
    "AccountingReport": FakeDataStoreClient,
}
"""The classes of the scripted collaborators."""


def fake_of(name: str, scenario: Scenario, script: Script) -> Any:
    """Return a scripted collaborator, which gives the script's answers, with what earlier modules have left in it."""
    made: Any = FAKES[name](answers=script)
    if name == "FileReport":
        made.statusDict.update(scenario.reported)
    elif name == "AccountingReport":
        made._DataStoreClient__registersList.extend(["StorageOccupancy", 59] for _ in range(scenario.records))  # noqa: SLF001
    return made


def client_of(name: str, implementation: Implementation, scenario: Scenario) -> Any:
    """Return a collaborator that talks to services, with what earlier modules have left in it."""
    if name == "JobReport":
        return _job_report(implementation, scenario)
    if name == "FileReport":
        report = implementation.FileReport()
        for lfn, status in scenario.reported.items():
            report.setFileStatus(12, lfn, status)
        return report
    client = implementation.DataStoreClient()
    for _ in range(scenario.records):
        client.addRegister(ExampleRecord())
    return client


def _job_report(implementation: Implementation, scenario: Scenario) -> Any:
    number = job_id(scenario, 0)
    report = implementation.JobReport(scenario.report_job or number)
    if scenario.report_job:
        report.setJob(number)
    for status in scenario.unsent_statuses:
        if isinstance(status, str):
            report.setApplicationStatus(status, sendFlag=False)
        else:
            report.setJobStatus(*status, sendFlag=False)
    parameters = [(name, typed(value)) for name, value in scenario.unsent_parameters.items()]
    report.setJobParameters(parameters, sendFlag=False)
    return report


def request_of(implementation: Implementation, scenario: Scenario, script: Script | None = None) -> Any:
    """Return the implementation's own request, with the operations of earlier modules and the script's answers."""
    request = implementation.Request()
    if scenario.owner:
        user, request.OwnerGroup = scenario.owner
        setattr(request, implementation.profile.owner, user)
    for fields in scenario.operations:
        request.addOperation(_operation(implementation, fields))
    if script is None or scenario.answers.keys().isdisjoint(REQUEST_ANSWERS):
        return request
    return answering(request, "Request", answers=script)


REQUEST_ANSWERS: Final = ("Request.toJSON", "Request.getDigest")


def _operation(implementation: Implementation, fields: Mapping[str, Any]) -> Any:
    operation = implementation.Operation()
    for name, value in fields.items():
        if name == "Files":
            for item in value:
                file = implementation.File()
                for field, text in ({"LFN": item} if isinstance(item, str) else item).items():
                    setattr(file, field, text)
                operation.addFile(file)
        elif name == "ArgumentsHex":
            operation.Arguments = bytes.fromhex(value)
        else:
            setattr(operation, name, value)
    return operation


def collaborators(
    implementation: Implementation, scenario: Scenario, script: Script, kinds: Mapping[str, str]
) -> dict[str, Any]:
    """Return the collaborators by their key in ``workflow_commons``; ``kinds`` says of which kind each is.

    A collaborator of the kind MISSING has no key, and one of the kind NONE has the value None.
    """
    made: dict[str, Any] = {}
    for name, kind in kinds.items():
        if kind == NONE:
            made[name] = None
        elif kind != MISSING and name == "Request":
            made[name] = request_of(implementation, scenario, script)
        elif kind == SCRIPTED:
            made[name] = fake_of(name, scenario, script)
        elif kind == LIVE:
            made[name] = client_of(name, implementation, scenario)
    return made


def job_id(scenario: Scenario, otherwise: int) -> int:
    """Return the job's number from the environment, ``otherwise`` if there is none."""
    try:
        return int(scenario.environment["JOBID"])
    except (KeyError, ValueError):
        return otherwise


OCCUPANCY: Final = ("site", "endpoint", "SE", "alice", 59)
"""The values of a record of the DIRAC type that has the fewest, in the order of its columns."""


class BaseAccountingType:
    """A base class by whose name accounting clients recognise a record."""


class ExampleRecord(BaseAccountingType):
    """An accounting record, as any accounting client takes it."""

    def checkValues(self) -> dict[str, Any]:
        """Return S_OK: the values are valid."""
        return {"OK": True, "Value": None}

    def getValues(self) -> tuple[Any, ...]:
        """Return type, start, end, and values."""
        start = dt.datetime.fromisoformat("2026-01-01T11:00")
        return ("StorageOccupancy", start, start + dt.timedelta(minutes=59), [*OCCUPANCY])
