"""What a scenario lays out before a run: the services, the scripted collaborators, and accounting records.

Each driver begins with it, whether the implementation is in this process or in another one. What may change here: how a
field of a scenario becomes something that is there.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from dirac_fakes.clients import FakeDataStoreClient, FakeFileReport, FakeJobReport
from dirac_fakes.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

    from dirac_failover.spec.scenario import Scenario
    from dirac_fakes.answers import Script


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


def _fake_job_report(_: Any, __: Scenario, script: Script) -> FakeJobReport:
    return FakeJobReport(answers=script)


def _fake_file_report(_: Any, scenario: Scenario, script: Script) -> FakeFileReport:
    report = FakeFileReport(answers=script)
    report.statusDict.update(scenario.reported)
    return report


def _fake_accounting(_: Any, scenario: Scenario, script: Script) -> FakeDataStoreClient:
    client = FakeDataStoreClient(answers=script)
    client._DataStoreClient__registersList.extend(["Job", 59] for _ in range(scenario.records))  # noqa: SLF001
    return client


FAKES: Final[dict[str, Callable[[Any, Scenario, Script], Any]]] = {
    "JobReport": _fake_job_report,
    "FileReport": _fake_file_report,
    "AccountingReport": _fake_accounting,
}
"""What makes each scripted collaborator, with what waits in it; the first argument is not looked at."""


def job_id(scenario: Scenario, otherwise: int) -> int:
    """Return the number of the job that the environment names, ``otherwise`` if there is none."""
    try:
        return int(scenario.environment["JOBID"])
    except (KeyError, ValueError):
        return otherwise


class BaseAccountingType:
    """The name that accounting clients look for among the ancestors of a record."""


class Record(BaseAccountingType):
    """An accounting record, as any accounting client takes it."""

    def checkValues(self) -> dict[str, Any]:
        """Say that the values are good."""
        return {"OK": True, "Value": None}

    def getValues(self) -> tuple[Any, ...]:
        """Return type, start, end, and values."""
        start = dt.datetime.fromisoformat("2026-01-01T11:00")
        return ("Job", start, start + dt.timedelta(minutes=59), ["alice", 59])
