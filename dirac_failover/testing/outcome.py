"""The outcome of a run of modules: the result, the calls, the pending reports, and the effect of a replay.

Tests make assertions about a :class:`ModuleOutcome`. Its repr is one line; :meth:`ModuleOutcome.timeline` is the whole.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from dirac_failover import vocabulary as v
from dirac_failover.actors.recovery import holdings, judged, replay_job
from dirac_failover.actors.report import JobEnd, Recovery, as_json
from dirac_failover.actors.run_report import request_of
from dirac_failover.drivers.describe import PLAIN, describe, operation_of, stub_of
from dirac_failover.drivers.recording import METHODS, FinishedJob
from dirac_failover.reports.terminal import Style
from dirac_failover.reports.timeline import story
from dirac_failover.spec.observation import Kind, Scrubber, attribute, elements, flatten, named

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
    from pathlib import Path

    from dirac_failover.spec.duties import Owed
    from dirac_failover.spec.observation import Call, Json
    from dirac_failover.testing.world import Dirac
    from dirac_fakes.journal import Journal

REQUEST_FILES = "_request.json"
"""The ending of the names of files that the job wrapper hands to the request system."""
_MOST_SHOWN: Final = 5_000
"""The most items, nested ones included, of a value that is shown in one line."""


@dataclass(frozen=True)
class PendingOperation:
    """An operation of the request, to be executed when the services are back."""

    type: str
    """Its type, such as ``SetFileStatus``."""
    arguments: Json
    """Its arguments, decoded: of a SetFileStatus ``{'transformation', 'statusDict', 'force'}``; None without any."""
    files: tuple[str, ...]
    """The LFNs of its files."""
    fields: Mapping[str, Json] = field(repr=False)
    """Type, Status, Arguments (as they are written), SourceSE, TargetSE, Catalog and Error, by DIRAC's names."""

    @property
    def call(self) -> str | None:
        """``System/Service.method`` of the call that a ForwardDISET repeats; None for any other operation."""
        stub = stub_of(self.arguments)
        return f"{stub[0]}.{stub[1]}" if stub else None

    @classmethod
    def of(cls, fields: Mapping[str, Json]) -> PendingOperation:
        """Return the operation with these fields."""
        known = operation_of(fields)
        rest = {key: value for key, value in known.items() if key not in {"decoded", "Files"}}
        return cls(str(fields["Type"]), known["decoded"], tuple(map(str, known["Files"])), rest)


class PendingRequest:
    """The pending operations of the job's request, from ``workflow_commons['Request']`` at the end of the run."""

    def __init__(self, request: Any) -> None:
        """Read a request; None counts as one without operations."""
        self._request = request
        self._fields = [] if request is None else [PLAIN.operation(operation) for operation in elements(request)]

    @cached_property
    def operations(self) -> list[PendingOperation]:
        """Its operations in order."""
        return [PendingOperation.of(fields) for fields in self._fields]

    @property
    def types(self) -> list[str]:
        """The types of its operations in order."""
        return [str(fields["Type"]) for fields in self._fields]

    @cached_property
    def json(self) -> dict[str, Json]:
        """The JSON text of the request; ValueError when it has none."""
        if self._request is None:
            return {}
        written = self._request.toJSON()
        if not written["OK"]:
            raise ValueError(f"The request cannot be written: {written['Message']}")
        plain: dict[str, Json] = json.loads(written["Value"])
        return plain

    def __len__(self) -> int:
        """Count the operations."""
        return len(self._fields)

    def __repr__(self) -> str:
        """Return the effects of its operations, in words."""
        said = [describe(operation_of(fields)).removeprefix("operation ") for fields in self._fields]
        return f"<PendingRequest: {', '.join(said) or 'no operations'}>"


@dataclass(frozen=True)
class Unsent:
    """Reports of a module that no service has taken yet, by collaborator. False when there are none."""

    statuses: tuple[str, ...] = ()
    """Application statuses in the job report."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Job parameters in the job report."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Statuses by LFN in the file report."""
    records: int = 0
    """Records in the accounting client."""

    def __bool__(self) -> bool:
        """Whether there is any report."""
        return bool(self.statuses or self.parameters or self.files or self.records)

    @classmethod
    def of(cls, commons: Mapping[str, Any]) -> Unsent:
        """Return the unsent reports of the collaborators in ``workflow_commons``."""

        def reports(key: str, name: str) -> Any:
            found = attribute(commons.get(key), name)
            return PLAIN.plain(found) if issubclass(type(found), list | dict) else ()  # a double has anything

        def pairs(found: Any) -> Iterable[Any]:
            entries = found.items() if isinstance(found, dict) else found
            return [entry for entry in entries if isinstance(entry, list | tuple) and len(entry) == _PAIR]

        return cls(
            tuple(str(status) for status, _ in pairs(reports(v.COMMONS_JOB_REPORT, "appStatusInfo"))),
            {str(name): value for name, value in pairs(reports(v.COMMONS_JOB_REPORT, "jobParameters"))},
            {str(lfn): status for lfn, status in pairs(reports(v.COMMONS_FILE_REPORT, "statusDict"))},
            len(reports(v.COMMONS_ACCOUNTING, "_DataStoreClient__registersList")),  # DIRAC's name
        )


_PAIR: Final = 2
_UNSETTLED: Final = ("lost", "twice", "waiting", "unchecked")


@dataclass(frozen=True)
class Replay:
    """The fate of all reports that a job owed, after the job wrapper and the request executing agent.

    A job owes the reports of its set-up, those that its collaborators took, and for a FailoverRequest a status for each
    input.
    """

    converged: bool
    """Whether every report arrived, once: none is lost, duplicated, waiting, or unchecked."""
    kept: list[str]
    """The reports that have arrived, in words."""
    lost: list[str]
    """The reports that have not arrived and are in no request, in words."""
    twice: list[str]
    """The reports that arrived too often, in words."""
    waiting: list[str]
    """The reports in a request that is not done yet, in words."""
    unchecked: list[str]
    """The reports that cannot be followed here, in words: the operation of a type or service that is not here, say."""
    report: Mapping[str, Json]
    """The JSON form: the ``recovery`` of ``dirac-failover schema run`` describes it."""

    def __repr__(self) -> str:
        """Return in one line the result, and the numbers of unsettled reports."""
        found = "; ".join(f"{name}: {item}" for name in _UNSETTLED for item in getattr(self, name))
        return f"<Replay: {f'not converged: {found}' if found else 'converged'}>"


@dataclass(frozen=True)
class ModuleOutcome:
    """The outcome of an execution of modules, one or several as a job."""

    name: str
    """The module classes."""
    modules: Sequence[Any]
    """The instances, in the order in which they were made."""
    results: Sequence[Any]
    """The value that each ``execute()`` returned, in order."""
    result: Any
    """The value that the last one, or the workflow, returned; None when an exception escaped."""
    raised: BaseException | None
    """The exception that escaped."""
    calls: Journal
    """The calls that reached a service during the run, in order."""
    events: Sequence[Call]
    """The hooks, and inside them all calls to collaborators and services."""
    workflow_commons: Mapping[str, Any]
    """``workflow_commons`` after the run."""
    statuses: Sequence[str]
    """The application statuses that reached the job state service during the run, in order."""
    directory: Path
    """The working directory of the run."""
    texts: Mapping[str, str]
    """The request files that it wrote, by name."""
    others: Mapping[str, str]
    """The sizes of the other files that it wrote, by name."""
    world: Dirac
    """The in-memory DIRAC in which it ran."""
    request: PendingRequest
    """The pending operations of the job's request."""
    unsent: Unsent
    """The reports that no service has taken yet."""
    unasked: Sequence[str]
    """The methods, with their collaborator, that have scripted answers and were never called."""
    job_id: str
    owner: tuple[str, str] | None
    owed: Owed
    """The reports that the job owes, for a replay."""
    job: Hashable
    """The mark of the job's acts on the services."""
    _state: dict[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether ``execute()`` returned OK."""
        result = PLAIN.plain(self.result)
        return isinstance(result, dict) and bool(result.get("OK"))

    @property
    def module(self) -> Any:
        """The last module."""
        return self.modules[-1]

    @property
    def message(self) -> str:
        """The text of the result: its Value when it is OK, else its Message; empty without either."""
        result = self.result if type(self.result) is dict else {}
        said = result.get("Value" if self.ok else "Message")
        return "" if said is None else _shown(str, said)

    @property
    def hooks(self) -> list[str]:
        """The hooks that were called, and ``generateFailoverFile``, in order."""
        return [call.method for call in flatten(self.events) if call.kind is Kind.HOOK and call.method in METHODS]

    @property
    def file(self) -> Path | None:
        """The request file that was written; None without one. Of several it is the first by name."""
        return self.directory / min(self.texts) if self.texts else None

    def replay(self) -> Replay:
        """Hand the request file to the request system, execute its requests, and return the fate of all reports.

        This is what the job wrapper does after a job, and the request executing agent three quarters of an hour later.
        Faults that are armed still strike: ``dirac.recover()`` ends them. Operations that nothing here executes
        (removing a file, say) hold up nothing, and are not checked. Called again, what is still waiting, or could not
        be put back, is executed again, more than an hour later. It looks at the whole world: the more jobs have ended
        there, the longer it takes.
        """
        job = FinishedJob(self.job, self.job_id, self.owner, self.texts, self.owed, self.world.acts)
        before: Recovery | None = self._state.get("recovery")
        handed = before.handed_over if before and not (before.handed_over and before.handed_over.error) else None
        done = replay_job(job, self.world, hand_over=handed is None)
        done = replace(done, handed_over=done.handed_over or handed)
        found = self._state["recovery"] = judged(job, self.world, done)
        told = {name: getattr(found, name) for name in ("converged", "kept", *_UNSETTLED)}
        return Replay(**told, report=as_json(found))

    def timeline(self, width: int = 100) -> str:
        """Return the run as text: every call in its place, the services, the request, and the last replay."""
        end = JobEnd(
            unfired=(),
            ended="returned" if self.raised is None else "raised",
            result=PLAIN.plain(self.result if self.raised is None else self.raised),
            calls=tuple(self.events),
            services=holdings(self.world),
            request=request_of(self.workflow_commons.get(v.COMMONS_REQUEST)),
            files={**self.texts, **self.others},
            recovery=self._state.get("recovery"),
        )
        return story(end.scrubbed(), Style(width, verbose=True))

    def __repr__(self) -> str:
        """Return in one line the result and the pending operations."""
        if self.raised is not None:
            ended = f"raised {_shown(repr, self.raised)}"
        elif not issubclass(type(self.result), dict):
            ended = f"returned {_shown(repr, self.result)}, which is no result"
        else:
            ended = f"{'OK' if self.ok else 'not OK'}: {self.message}"
        where = f" in {self.file.name}" if self.file else " in no file"
        pending = f"pending{where}: {', '.join(self.request.types)}" if len(self.request) else "nothing pending"
        return f"<{self.name}: {ended}; {pending}>"


def _shown(show: Callable[[Any], str], value: Any) -> str:
    """Return the text that ``show`` makes of a module's value; the name of its class when that raises."""
    try:
        scrubber = Scrubber()
        scrubber.plain(value, _MOST_SHOWN)
        return show(value).encode(errors="backslashreplace").decode() if scrubber.left > 0 else named(value)
    except BaseException:  # noqa: BLE001 - it may raise anything
        return named(value)
