"""The duties of a job that is over, and the fate of each: kept, twice, waiting, lost, or unchecked.

The situation and the reports make duties. The situation: operations, records and unsent reports that are laid out
before the job ends and, if its last module is a FailoverRequest, a status for each input file. A report: it must reach
its service once, directly or by a request that is handed over and executed. A loss that a module reports is a loss.

:func:`judge` is pure. It reads the reports that collaborators took (:class:`Taken`), the state of the services now and
what each act has changed (in the form of ``dirac_fakes.World.snapshot()``), and the stored requests (in DIRAC's JSON
form, the arguments of operations decoded). The intention of a module plays no part.
"""

from __future__ import annotations

import json
from calendar import timegm
from collections import Counter
from datetime import datetime
from enum import StrEnum, auto
from itertools import chain, dropwhile
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from dirac_failover import vocabulary as v

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence

Json = Any


class DueKind(StrEnum):
    """The subject of a due."""

    FILE = auto()
    STATUS = auto()
    SHOWN = auto()
    PARAMETER = auto()
    RECORD = auto()
    OPERATION = auto()
    INPUT = auto()
    UNSEEN = auto()


INPUTS_DUE: Final = "inputs"
"""The duty of a module that ends a job, though its class is no FailoverRequest: each input file is given a status."""
FIELDS: Final = ("Status", "MinorStatus", "ApplicationStatus")
"""What an update can say of a job, by DIRAC's names."""
_OPERATION: Final = ("Type", "Arguments", "SourceSE", "TargetSE")
_FILE: Final = ("LFN", "PFN", "ChecksumType", "Checksum", "GUID")
_DIRACX: Final = {"JobStateUpdateClient": v.JOB_STATE}
_REPLACED: Final = (DueKind.FILE, DueKind.PARAMETER)
"""Kinds of which a later one takes the place of an earlier one."""
_REFUSED: Final = "(SM)"
"""How the source of an update ends whose status the job's state machine has replaced."""
_PAIR: Final = 2


_State = tuple[DueKind, tuple[str, ...]]


class Due(NamedTuple):
    """One thing that must be there. Two that are equal are the same one; only records are counted."""

    kind: DueKind
    of: tuple[str, ...]
    """The file (transformation, LFN), the moment (job, time, field), what a job shows (job, field), the parameter (job,
    name), the record, or the operation's fields and one of its files."""
    value: str = ""
    """The status, the text, the value, or the call that an operation repeats."""
    force: bool = False
    """Of a file's status: whether the rules about which may follow which do not apply."""


class Taken(NamedTuple):
    """What a collaborator took at one time: a report, or an operation of the job's request."""

    dues: tuple[Due, ...]
    operation: bool = False
    laid_out: bool = False
    """Whether it was there before the module began."""


class Owed(NamedTuple):
    """The dues of a job."""

    taken: Sequence[Taken]
    """The reports that its collaborators took, in that order."""
    inputs: Sequence[tuple[str, str]] = ()
    """Transformation and LFN of each input file that must be given a status."""
    unseen: Sequence[str] = ()
    """In words, the reports that could not be observed."""
    files_unseen: bool = False
    """Whether statuses of files are among them."""


class Act(NamedTuple):
    """What changed when a job ran, its files were handed over, or a request was executed: rows before and after.

    A row that did not change may be missing in both; of a list, the beginning that both share.
    """

    by: Hashable
    """The job; or the ID of the request, as text; or None, of the changes that belong to no act."""
    before: Mapping[str, Json]
    after: Mapping[str, Json]

    def put(self) -> set[str]:
        """Return the names of the requests that came by it: IDs in the request system, and names at its proxies."""
        return _requests(self.after) - _requests(self.before)


def _requests(snapshot: Mapping[str, Json]) -> set[str]:
    return {name for service in snapshot.values() for key in ("requests", "cache") for name in service.get(key, ())}


class JobVerdict(NamedTuple):
    """The fate of everything that was owed."""

    kept: list[Due]
    twice: list[Due]
    """Dues that arrived more often than they were owed."""
    waiting: list[Due]
    """Dues in a request that is not done yet."""
    lost: list[Due]
    unchecked: list[Due]
    """Dues that cannot be observed or executed here."""

    @property
    def converged(self) -> bool:
        """Whether everything arrived, once."""
        return not (self.twice or self.waiting or self.lost or self.unchecked)


def ends_jobs(module: type[Any]) -> bool:
    """Return whether a module class is a FailoverRequest: any ancestor of that name makes it one."""
    return any(base.__name__ == "FailoverRequest" for base in module.__mro__)


def inputs_of(commons: Mapping[str, Any], attributes: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return transformation and LFN of each input file, as ``workflow_commons`` and a module's attributes say."""
    given = commons.get("ParametricInputData") or commons.get("InputData")
    listed = given.split(";") if isinstance(given, str) else given if isinstance(given, list | tuple) else ()
    transformation = number(attributes.get("production_id") or commons.get("PRODUCTION_ID"))
    lfns = (str(lfn).strip().removeprefix("LFN:") for lfn in listed)
    return tuple((transformation, lfn) for lfn in lfns if lfn)


def number(value: Any) -> str:
    """Return the number of a job or a transformation, which some write with zeros before it, as text."""
    text = str(value).strip()
    return str(int(text)) if text.isdecimal() else text


def of_file(transformation: Any, lfn: Any, status: Any, force: Any) -> tuple[Due]:
    """Return that a file is to have a status."""
    return (Due(DueKind.FILE, (number(transformation), str(lfn)), str(status), bool(force)),)


def of_update(job: Any, time: Any, update: Mapping[str, Any]) -> tuple[Due, ...]:
    """Return that an update is to be in the history of a job."""
    return tuple(
        Due(DueKind.STATUS, (number(job), str(time), key), str(update[key])) for key in FIELDS if update.get(key)
    )


def of_parameter(job: Any, name: Any, value: Json) -> tuple[Due]:
    """Return that a job is to have a parameter."""
    return (Due(DueKind.PARAMETER, (number(job), str(name)), _text(value)),)


def of_record(record: Json) -> tuple[Due]:
    """Return that an accounting record (type, start, end, values) is to be kept; times count to the second."""
    match record:
        case [kind, start, end, values]:
            record = [kind, _epoch(start), _epoch(end), values]
    return (Due(DueKind.RECORD, (_text(record),)),)


def of_operation(operation: Mapping[str, Json]) -> tuple[Due, ...]:
    """Return what an operation promises: what it reports, if it does that and nothing else, or that it is executed."""
    return tuple(_reports(operation)) or tuple(_executions(operation))


def call_of(operation: Mapping[str, Json]) -> tuple[str, str, list[Json]] | None:
    """Return service, method and arguments of the call that an operation repeats; None of any other operation."""
    if operation["Type"] != v.FORWARD_DISET:
        return None
    match operation["decoded"]:
        case [[str(service), *_], str(method), [*args]]:
            return "/".join(service.split("/")[-2:]), method, args
        case {"dCls": str(name), "dMeth": str(method), "args": [*args]}:
            return _DIRACX.get(name, name), method, args
    return None


def executable(operation: Mapping[str, Json], services: Mapping[str, Iterable[str]]) -> bool:
    """Return whether an operation can be executed; ``services`` names the methods that each service lacks."""
    if operation["Type"] != v.FORWARD_DISET:
        return bool(operation["Type"] == v.SET_FILE_STATUS)
    call = call_of(operation)  # without one it is tried, and fails
    return call is None or (call[0] in services and call[1] not in services[call[0]])


def _reports(operation: Mapping[str, Json]) -> Iterator[Due]:
    decoded = operation["decoded"]
    if operation["Type"] == v.SET_FILE_STATUS and isinstance(decoded, dict):
        statuses = decoded.get("statusDict")
        for lfn, status in statuses.items() if isinstance(statuses, dict) else ():
            yield from of_file(decoded.get("transformation"), lfn, status, decoded.get("force"))
    match call_of(operation):
        case (v.JOB_STATE, "setJobStatusBulk", [job, {**updates}, *_]):
            for time, update in updates.items():
                yield from of_update(job, time, update) if isinstance(update, dict) else ()
        case (v.JOB_STATE, "setJobParameters", [job, [*pairs]]) if all(
            isinstance(pair, list) and len(pair) == _PAIR for pair in pairs
        ):
            yield from chain(*(of_parameter(job, *pair) for pair in pairs))
        case (v.DATA_STORE, "commitRegisters", [[*records]]):
            yield from chain(*map(of_record, records))


def _executions(operation: Mapping[str, Json]) -> Iterator[Due]:
    """Yield one due for each file, since the request system merges equal operations of several files."""
    call = call_of(operation)
    catalogs = ",".join(sorted(str(operation["Catalog"] or "").split(",")))
    own = [str(operation[key] or "") for key in _OPERATION]
    for file in operation["Files"] or [{}]:
        its = [str(file.get(key) or "") for key in _FILE]
        yield Due(DueKind.OPERATION, (*own, catalogs, *its), f"{call[0]}.{call[1]}" if call else "")


def _text(value: Json) -> str:
    return json.dumps(_rounded(value), sort_keys=True, default=str)


def _rounded(value: Json) -> Json:
    """Return a value as the way through DEncode leaves it: of floats with an exponent the last digits change."""
    if isinstance(value, float):
        return float(f"{value:.12g}")
    if isinstance(value, list | tuple):
        return list(map(_rounded, value))
    return {str(key): _rounded(item) for key, item in value.items()} if isinstance(value, dict) else value


def _epoch(time: Json) -> Json:
    if isinstance(time, int):  # the service has made a number of it
        return time
    try:
        return timegm(datetime.fromisoformat(str(time)).timetuple())
    except ValueError:
        return time


def _arrivals(snapshot: Mapping[str, Json]) -> Counter[Due]:
    """Count what arrives and stays: the updates in the histories of jobs, and accounting records."""
    updates = (
        of_update(job, row["StatusTime"], row | refused)
        for job, rows in snapshot.get("job-state", {}).get("history", {}).items()
        for row in rows
        for refused in [{"Status": _REFUSED} if row["StatusSource"].endswith(_REFUSED) else {}]
    )
    return Counter(chain(*updates, *map(of_record, snapshot.get("accounting", {}).get("records", ()))))


def _states(snapshot: Mapping[str, Json]) -> dict[_State, str]:
    """Return what later takes the place of: the statuses of files, what jobs show, and their parameters."""
    files = {
        (DueKind.FILE, (number(transformation), row["LFN"])): row["Status"]
        for transformation, rows in snapshot.get("transformation", {}).get("files", {}).items()
        for row in rows.values()
    }
    jobs = snapshot.get("job-state", {})
    shown = {(DueKind.SHOWN, (job, field)): row[field] for job, row in jobs.get("jobs", {}).items() for field in FIELDS}
    kept = jobs.get("parameters", {}).items()
    parameters = {
        (DueKind.PARAMETER, (job, name)): _text(value) for job, named in kept for name, value in named.items()
    }
    return files | shown | parameters


_KEPT: Final = len("2026-01-01 12:00:00.001")
"""The service keeps milliseconds: an update shows if it is not before the last one, cut off there."""


class _Found:
    """The traces of one job, without those of the acts of others."""

    def __init__(
        self,
        acts: Sequence[Act],
        now: Mapping[str, Json],
        requests: Iterable[Mapping[str, Json]],
        services: Mapping[str, Iterable[str]],
        mine: Collection[Hashable],
    ) -> None:
        self._now = _states(now)
        left, changed, there = {}, {}, dict(self._now)  # type: dict[_State, str], dict[_State, str], dict[_State, str]
        arrived, of_others = Counter[Due](), Counter[Due]()
        for act in reversed(acts):
            before, after = _states(act.before), _states(act.after)
            come, gone = _arrivals(act.after), _arrivals(act.before)
            arrived.update(come)
            arrived.subtract(gone)
            if act.by in mine:
                left.update(there)
                changed = dict(after.items() - before.items()) | changed
            elif act.by is not None:
                of_others.update(come - gone)
            for state in after.keys() & there.keys():
                del there[state]
            there.update(before)
        self._arrived = arrived - of_others
        self._left = left | changed  # after the job's own acts, before those of others
        self.changed = changed.keys()
        self._handed: Counter[Due] = Counter()
        self.executed, self._elsewhere, self._pending = set[Due](), set[Due](), set[Due]()
        for request in requests:
            for operation in request["Operations"]:
                dues = of_operation(operation)
                self._handed.update(dues)
                if operation["Status"] == v.DONE:
                    (self.executed if executable(operation, services) else self._elsewhere).update(dues)
                elif v.FAILED not in {operation["Status"], request["Status"]}:
                    self._pending.update(dues)

    def times(self, due: Due) -> int:
        """Count how often it is there."""
        if due.kind in _REPLACED:  # it is, or was when the job had done all that it did
            return int(any(_holds(states.get(due[:2]), due) for states in (self._left, self._now)))
        if due.kind == DueKind.OPERATION:
            return self._handed[due]
        return self._arrived[due] or self._arrived[due._replace(value=_REFUSED)]

    def shows(self, due: Due) -> bool:
        """Return whether a job shows its last update, which has arrived, or one that is as late as far as is kept."""
        job, time, field = due.of
        shown = {states.get((DueKind.SHOWN, (job, field))) for states in (self._left, self._now)}
        later = (other for other in self._arrived if (other.kind, other.of[::2]) == (DueKind.STATUS, (job, field)))
        return any(other.of[1] >= time[:_KEPT] and other.value in shown for other in later)

    def fate(self, due: Due) -> str:
        """Return the fate of one that is not there."""
        return "unchecked" if due in self._elsewhere else "waiting" if due in self._pending else "lost"


def _holds(state: str | None, due: Due) -> bool:
    """Return whether a state is the one that is due, or of a file whose service took the report and kept its own."""
    keeps = state == v.PROCESSED or (state == v.MAX_RESET and due.value == v.UNUSED)
    return state == due.value or (keeps and not due.force)


def _owed_times(taken: Sequence[Taken]) -> dict[Due, int]:
    """Return how often each due must arrive. Of what is replaced by what comes later, only the last is due."""
    last = {due[:2]: due for item in taken for due in item.dues}
    reported = Counter(due for item in taken if not item.operation for due in item.dues)
    earlier = Counter(due for item in taken if item.operation and item.laid_out for due in item.dues)
    added = Counter(due for item in taken if item.operation and not item.laid_out for due in item.dues)
    by_the_module = reported | added
    times = {
        # What a module adds to the request repeats what it has reported; what was in there before is something else,
        # unless it is an update of a job, which is known by its time.
        due: reported[due] or 1 if due.kind == DueKind.STATUS else earlier[due] + by_the_module[due]
        for item in taken
        for due in item.dues
    }
    return {due: count for due, count in times.items() if due.kind not in _REPLACED or last[due[:2]] == due}


def judge(  # noqa: PLR0913, PLR0917 - what was owed, what happened, and what is there
    job: Hashable,
    owed: Owed,
    acts: Sequence[Act],
    now: Mapping[str, Json],
    requests: Mapping[str, Mapping[str, Json]],
    services: Mapping[str, Iterable[str]],
) -> JobVerdict:
    """Return the fate of everything that a job owes.

    ``acts`` are all changes of its services so far, in order, the job's own among them; ``now`` is a snapshot of the
    services, to which they led, ``requests`` are the stored requests by ID, ``services`` is as for :func:`executable`.
    """
    verdict = JobVerdict([], [], [], [], [])
    since = list(dropwhile(lambda act: act.by != job, acts))
    mine: set[Hashable] = {job}.union(*(act.put() for act in since if act.by == job))
    stored = [request for name, request in requests.items() if name in mine]
    found = _Found(since, now, stored, services, mine)
    for due, times in _owed_times(owed.taken).items():
        there, wanted = found.times(due), times if due.kind == DueKind.RECORD else 1
        if there > times:
            verdict.twice.extend([due] * (there - times))
            continue
        if due.kind == DueKind.OPERATION:
            there = int(due in found.executed)
        for nth in range(wanted):
            (verdict.kept if nth < there else getattr(verdict, found.fate(due))).append(due)
    updates = [due for due in verdict.kept + verdict.twice if due.kind == DueKind.STATUS]
    for_the_state_machine = {due.of[:2] for due in updates if due.of[2] == FIELDS[0]}
    shown = sorted((due for due in updates if due.of[:2] not in for_the_state_machine), key=lambda due: due.of[1])
    last = {due.of[::2]: due for due in shown}
    verdict.lost.extend(Due(DueKind.SHOWN, of, due.value) for of, due in last.items() if not found.shows(due))
    reported = {due.of for item in owed.taken for due in item.dues}
    for of in owed.inputs:
        if of not in reported:
            otherwise = verdict.unchecked if owed.files_unseen else verdict.lost
            (verdict.kept if (DueKind.FILE, of) in found.changed else otherwise).append(Due(DueKind.INPUT, of))
    verdict.unchecked.extend(Due(DueKind.UNSEEN, (text,)) for text in owed.unseen)
    return verdict
