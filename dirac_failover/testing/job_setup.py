"""The set-up of a run of modules: the data of the workflow, of earlier modules and of the job's environment.

A :class:`JobSetup` is plain data and the user's own objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from dirac_failover import vocabulary as v
from dirac_failover.drivers.setup import collaborators, script_of
from dirac_failover.drivers.validate import answers_complaint, operation_complaint
from dirac_failover.spec.profiles import PROFILES
from dirac_failover.spec.scenario import DEFAULT_COLLABORATORS, LIVE, SCRIPTED, Scenario
from dirac_fakes.journal import Journal

if TYPE_CHECKING:
    from typing import Self

    from dirac_failover.drivers.implementations import Implementation
    from dirac_failover.spec.profiles import Profile
    from dirac_failover.testing.world import Dirac
    from dirac_fakes.answers import Script


class _Missing:
    """The type of :data:`MISSING`."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()
"""The value of a key of ``workflow_commons`` or ``step_commons`` that is not there."""


def clients(implementation: Implementation, scenario: Scenario, script: Script | None = None) -> dict[str, Any]:
    """Return the clients of a job by their key in ``workflow_commons``.

    They are the implementation's own ones, with the reports of earlier modules; a client for which the scenario has
    answers is a fake. ``script`` is the script of the answers; a new one by default.
    """
    script = script or script_of(implementation, scenario, Journal())
    kinds = {name: SCRIPTED if script.methods(name) else LIVE for name in DEFAULT_COLLABORATORS}
    made = collaborators(implementation, scenario, script, kinds)
    if scenario.reported:
        made[v.COMMONS_FILE_REPORT].transformation = int(scenario.workflow_commons["PRODUCTION_ID"])
    return made


@dataclass(frozen=True)
class JobSetup:
    """The set-up of a run of modules."""

    scenario: Scenario
    commons: Mapping[str, Any]
    step: Mapping[str, Any]
    collaborators: Mapping[str, Any]
    """Clients that there are already, by their key in ``workflow_commons``."""

    @classmethod
    def of(  # noqa: PLR0913 - one argument for each thing that people vary
        cls,
        world: Dirac,
        *,
        inputs: Iterable[str] = (),
        job_id: int | str | _Missing | None = MISSING,
        workflow_failed: bool = False,
        step_failed: bool = False,
        reported: Mapping[str, str] | None = None,
        records: int = 0,
        operations: Iterable[str | Mapping[str, Any]] = (),
        proxy: bool = True,
        answers: Mapping[str, str | Iterable[str]] | None = None,
        workflow_commons: Mapping[str, Any] | None = None,
        step_commons: Mapping[str, Any] | None = None,
        collaborators: Mapping[str, Any] | None = None,
    ) -> Self:
        """Return the usual set-up of the world's job, with the given changes; the world gets the job and the files.

        A single input or operation needs no list.
        Raises TypeError for a value of another kind, and for reports of a collaborator that the test has made itself.
        """
        lfns = _listed("inputs", inputs, str, "LFNs")
        pending = _listed("operations", operations, str | Mapping, "types, or dictionaries of fields")
        for fields in (item for item in pending if not isinstance(item, str)):
            if complaint := operation_complaint(fields):
                raise TypeError(f"operations: {complaint}")
        if not isinstance(reported, Mapping | None):
            raise TypeError(f"reported: expected a dictionary of statuses by LFN, found {reported!r}")
        if not isinstance(records, int) or records < 0:
            raise TypeError(f"records: expected a whole number from 0, found {records!r}")
        number = world.job_id if isinstance(job_id, _Missing) else job_id
        world.prepare(number, lfns)
        scenario = Scenario.of_job(
            inputs=lfns,
            job_id=number,
            workflow_failed=workflow_failed,
            step_failed=step_failed,
            reported=reported,
            records=records,
            operations=[{"Type": item} if isinstance(item, str) else item for item in pending],
            owner=(world.caller.username, world.caller.group) if proxy else None,
        )
        ids = {"PRODUCTION_ID": f"{world.transformation_id:08}"}
        scripted = {key: (text,) if isinstance(text, str) else tuple(text) for key, text in (answers or {}).items()}
        for key, texts in scripted.items():
            if complaint := answers_complaint(key, texts):
                raise TypeError(f"answers: {complaint}")
            name = key.partition(".")[0]
            if name in {*(collaborators or {}), *(workflow_commons or {})}:
                raise TypeError(
                    f"answers: the test has a {name} of its own, which would not get them: use one of the two"
                )
        commons = {**scenario.workflow_commons, **ids}
        scenario = replace(scenario, workflow_commons=commons, answers=scripted)
        for name, said, key, fixture in (
            ("reported", reported, v.COMMONS_FILE_REPORT, "dirac_file_report"),
            ("records", records, v.COMMONS_ACCOUNTING, "dirac_accounting_report"),
            ("operations", pending, v.COMMONS_REQUEST, "dirac_request"),
        ):
            if said and key in (collaborators or {}):
                raise TypeError(f"{name}: the test has {fixture}, which would not get it: give it that itself")
        return cls(scenario, workflow_commons or {}, step_commons or {}, collaborators or {})

    @property
    def job_id(self) -> str | None:
        """The value of JOBID in the environment."""
        return self.scenario.environment.get(v.ENV_JOB_ID)

    def workflow_commons(
        self, implementation: Implementation, profile: str | None, script: Script | None = None
    ) -> dict[str, Any]:
        """Return the whole of ``workflow_commons``; to be called while the implementation's clients are connected.

        ``script`` gives the answers; a new one is made by default.
        """
        made = clients(implementation, self.scenario, script)
        usual = {
            **self.scenario.workflow_commons,
            **(implementation.profile if profile is None else profile_named(profile)).commons,
            **made,
            **self.collaborators,
        }
        return _without_missing({**usual, **self.commons})

    def step_commons(self) -> dict[str, Any]:
        """Return the whole of ``step_commons``."""
        return _without_missing({**self.scenario.step_commons, **self.step})


def profile_named(name: str) -> Profile:
    """Return a profile; ValueError lists the known ones."""
    if name not in PROFILES:
        raise ValueError(f"There is no profile {name!r}: there are {', '.join(PROFILES)}")
    return PROFILES[name]


def _listed(name: str, given: Any, kind: Any, expected: str) -> list[Any]:
    """Return one value, or several, as a list."""
    items = [given] if isinstance(given, kind) or not isinstance(given, Iterable) else list(given)
    if wrong := [item for item in items if not isinstance(item, kind)]:
        raise TypeError(f"{name}: expected {expected}, found {wrong[0]!r}")
    return items


def _without_missing(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not MISSING}
