"""The report of ``run`` as frozen values; ``dirac-failover schema run`` is generated from them.

Names in camel case or with capitals are DIRAC's. Times are replaced: ``<T1>``, ``<T2>``, ... in the order in which they
appear, ``<time>`` for those of whole seconds; ``<name>`` stands for what is random.
"""

from __future__ import annotations

import json
from collections.abc import Mapping  # noqa: TC003 - pydantic reads the types of the fields
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Annotated, Any, Final, NotRequired, Self, cast

from typing_extensions import TypedDict

from dirac_failover.drivers.describe import OperationState
from dirac_failover.spec.observation import ALL, Call, Json, Scrubber
from dirac_failover.spec.scenario import Scenario
from dirac_failover.spec.shape import one_of, written_as

SCHEMA: Final = "dirac-failover/run/2"


class RaisedException(TypedDict):
    """An exception."""

    exception: str
    """The name of its class."""
    args: list[Json]


class CallRow(TypedDict):
    """One call."""

    target: str
    """'module', a collaborator by its name in workflow_commons, or a service."""
    method: str
    args: list[Json]
    kwargs: NotRequired[Mapping[str, Json]]
    """Arguments by name, if any."""
    applied: NotRequired[bool]
    """Of calls to services: whether the service did its work, also behind an error."""
    calls: list[AnsweredCall | RaisedCall]
    """The calls that it made, in order."""


class AnsweredCall(CallRow):
    """One call that came back."""

    answer: Json


class RaisedCall(CallRow):
    """One call in which an exception was raised."""

    raised: RaisedException


_Calls = Annotated[tuple[Call, ...], written_as(lambda: list[AnsweredCall | RaisedCall])]


class JobFields(TypedDict):
    """The status of a job."""

    Status: str
    MinorStatus: str
    ApplicationStatus: str


class Update(JobFields):
    """One update of a job that was taken; 'idem' is what it left as it was."""

    StatusSource: str


class JobRecord(JobFields):
    """The state of one job in the job state service."""

    history: list[Update]
    parameters: Mapping[str, Json]


class FileState(TypedDict):
    """The state of one file in the transformation system."""

    Status: str
    ErrorCount: int


class ExecutedOperation(OperationState):
    """An operation of a request that was executed."""

    elsewhere: bool
    """Whether nothing here executes it, so that it was passed over, as if done."""


@dataclass(frozen=True)
class StoredRequest:
    """A request in the request system."""

    id: int
    name: str
    status: str
    operations: tuple[OperationState, ...]


@dataclass(frozen=True)
class ServiceState:
    """The state of the services for people: without times and bookkeeping."""

    jobs: Mapping[str, JobRecord]
    """The jobs by ID."""
    files: Mapping[str, FileState]
    """The files of the transformation, by LFN."""
    accounting: list[list[Json]]
    """Records: type, start and end in seconds since the epoch, values."""
    requests: tuple[StoredRequest, ...]


class RequestState(TypedDict):
    """The module's request when the job ended."""

    RequestName: Json
    JobID: Json
    Owner: Json
    OwnerGroup: Json
    SourceComponent: Json
    Operations: list[OperationState]


@dataclass(frozen=True)
class HandedOver:
    """The request that the job wrapper put into the request system."""

    files: list[str]
    operations: int = 0
    request_id: int | None = None
    error: str | None = None
    """The reason of a refusal."""


@dataclass(frozen=True)
class ExecutedRequest:
    """A request that was executed."""

    id: int
    name: str
    status: str
    operations: tuple[ExecutedOperation, ...]
    calls: _Calls


@dataclass(frozen=True)
class Replayed:
    """The work of job wrapper and request executing agent after the job."""

    handed_over: HandedOver | None
    """The request that the job wrapper put into the request system; null when there was none."""
    requests: tuple[ExecutedRequest, ...]
    """The requests that were executed."""


@dataclass(frozen=True)
class Recovery(Replayed):
    """The time after the recovery of all services, and the fate of every report that the job owed."""

    services: ServiceState
    """The state of the services in the end."""
    converged: bool
    """Whether every report that the job owed has arrived, once: none is lost, duplicated, waiting or unchecked."""
    kept: list[str]
    """The reports that have arrived."""
    twice: list[str]
    """The reports that arrived too often."""
    waiting: list[str]
    """The reports in a request that is not done yet."""
    lost: list[str]
    """The reports that have not arrived and are in no request."""
    unchecked: list[str]
    """The reports that cannot be followed here: operations of other services, reports to doubles, and those that a
    module had not made when it broke off."""


@dataclass(frozen=True)
class JobEnd:
    """The end of a job: its calls, its result, and the state that it left."""

    unfired: tuple[str, ...]
    """Faults that never struck."""
    ended: Annotated[str, one_of("returned", "raised")]
    """The way in which execute() ended."""
    result: Json
    """The value or exception of execute(); an exception is its name and arguments."""
    calls: _Calls
    """The calls in order, each inside its caller."""
    services: ServiceState | None
    """The state of the services when the job ended; null when every collaborator is scripted."""
    request: RequestState | None
    """The module's request when the job ended."""
    files: Mapping[str, str]
    """The working directory: content by name, or <link>, or <directory>."""
    recovery: Recovery | None
    """The time after the recovery of all services; null when there are none."""

    @property
    def executed(self) -> bool:
        """Whether ``execute`` was called, and no other methods instead."""
        return True

    def scrubbed(self) -> Self:
        """Return it with times, and names that are made of them, replaced."""
        return cast("Self", _scrubbed(self, Scrubber()))


@dataclass(frozen=True)
class Ran:
    """The module that was executed."""

    name: str
    """The implementation of its clients and requests."""
    version: str
    """The version of the implementation."""
    module: str
    """The class, as PACKAGE.MODULE:CLASS."""


@dataclass(frozen=True)
class RunReport(JobEnd):
    """The report of dirac-failover run."""

    implementation: Ran
    scenario: Annotated[Scenario, written_as(lambda: Any)]
    schema: Annotated[str, one_of(SCHEMA)] = SCHEMA

    @property
    def executed(self) -> bool:
        """Whether ``execute`` was called, and no methods instead that the scenario names."""
        return not self.scenario.calls

    def to_json(self) -> dict[str, Json]:
        """Return it as JSON values; a number that JSON does not know becomes its name."""
        data = {"schema": None, "implementation": None, "scenario": None} | as_json(self)
        plain: dict[str, Json] = json.loads(json.dumps(data), parse_constant=str)
        return plain


def as_json(value: Any) -> Any:
    """Return the JSON values that a value of this module stands for."""
    if isinstance(value, Scenario):
        return value.to_json()
    if isinstance(value, Call):
        return _row(value)
    if is_dataclass(value):
        return {field.name: as_json(getattr(value, field.name)) for field in fields(value)}
    return [as_json(item) for item in value] if isinstance(value, tuple) else value


def _row(call: Call) -> dict[str, Json]:
    return {
        "target": call.target,
        "method": call.method,
        "args": call.args,
        **({"kwargs": call.kwargs} if call.kwargs else {}),
        "raised" if call.raised else "answer": call.result,
        **({} if call.applied is None else {"applied": call.applied}),
        "calls": [_row(inner) for inner in call.calls],
    }


def _scrubbed(value: Any, scrubber: Scrubber) -> Any:
    if isinstance(value, Scenario | Ran):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        parts = {field.name: _scrubbed(getattr(value, field.name), scrubber) for field in fields(value)}
        return replace(value, **parts)
    if isinstance(value, tuple):
        parts_ = [_scrubbed(item, scrubber) for item in value]
        return Call(*parts_) if isinstance(value, Call) else tuple(parts_)
    return scrubber.plain(value, ALL)
