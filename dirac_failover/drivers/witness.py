"""The witness of a run: notes the reports that the collaborators take, for :mod:`dirac_failover.spec.duties`.

A :class:`~dirac_failover.drivers.recording.Recorder` has it look into the clients of one implementation, wherever they
are made, whenever one of their public methods begins or ends, so it sees also what is dropped later. It reads the
attributes that DIRAC's clients have.
"""

from __future__ import annotations

from functools import partial
from itertools import chain, islice
from operator import is_
from typing import TYPE_CHECKING, Any, Final

from dirac_failover import vocabulary as v
from dirac_failover.drivers.describe import PLAIN, decoded
from dirac_failover.spec import duties
from dirac_failover.spec.observation import attribute

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from dirac_failover.drivers.implementations import Implementation

    Dues = tuple[duties.Due, ...]
    Noted = Iterator[tuple[Any, Any, Callable[[], Dues | None]]]
    """An object that was taken, or the LFN by which what is said of a file is replaced; and what is due for it."""
    New = Callable[[Any, Iterable[Any]], list[Any]]
    """Returns, of the entries that are held at a place, those that came since the last look."""


class Witness:
    """The witness of one run; its identity marks the job's acts on the services."""

    def __init__(self, implementation: Implementation) -> None:
        """Know the clients of ``implementation``; nothing is noted before :meth:`begin`."""
        self._kinds = {
            v.COMMONS_REQUEST: implementation.Request,
            v.COMMONS_JOB_REPORT: implementation.JobReport,
            v.COMMONS_FILE_REPORT: implementation.FileReport,
            v.COMMONS_ACCOUNTING: implementation.DataStoreClient,
        }
        self._operation = implementation.Operation
        self._commons: Mapping[str, Any] | None = None
        self._taken: dict[Any, Dues | None] = {}
        """By identity; None stands for an operation, which may still change."""
        self._laid_out: dict[Any, Dues]
        self._known: dict[int, tuple[Any, list[Any]]] = {}  # by identity: a place, and the entries that were there
        self._things: dict[int, Any] = {}  # as long as an object is here, its ID is its own
        self._unseen: dict[str, str] = {}
        self._inputs: tuple[tuple[str, str], ...]

    @property
    def kinds(self) -> list[type[Any]]:
        """The classes of the clients that it knows."""
        return [*self._kinds.values()]

    def look(self, client: Any) -> None:
        """Note the reports in an object, if it is a client."""
        for key, kind in self._kinds.items():
            if issubclass(type(client), kind):
                self._look(key, client)

    def begin(self, commons: Mapping[str, Any], inputs: Iterable[tuple[str, str]] = ()) -> None:
        """Look at the clients in ``workflow_commons``; ``inputs`` are the files that must get a status."""
        self._commons, self._inputs = commons, tuple(inputs)
        self._look_around(commons)
        self._laid_out = {key: self._dues(key) for key in self._taken}

    def owed(self, modules: Iterable[Any] = (), raised: str = "") -> duties.Owed:
        """Look for the last time and return the dues; ``raised`` names the exception that ended the modules."""
        own = [{key: _there(module, name) for key, name in _ATTRIBUTES.items()} for module in modules]
        for clients in (self._commons or {}, *own):
            self._look_around(clients)
        taken = [
            duties.Taken(self._laid_out.get(key) or self._dues(key), dues is None, key in self._laid_out)
            for key, dues in self._taken.items()
        ]
        unseen = [
            f"what {key} was told, since nothing here can read the class {kind}" for key, kind in self._unseen.items()
        ]
        if raised:
            unseen.append(f"what would have been reported if {raised} had not ended the job")
        return duties.Owed(taken, self._inputs, unseen, v.COMMONS_FILE_REPORT in self._unseen)

    def _dues(self, key: Any) -> Dues:
        dues = self._taken[key]
        if dues is None:
            fields = PLAIN.operation(self._things[key[0]])
            dues = duties.of_operation({**fields, "decoded": decoded(fields["Arguments"])})
        return dues

    def _look_around(self, clients: Mapping[str, Any]) -> None:
        for key, kind in self._kinds.items():
            client = clients.get(key)
            if issubclass(type(client), kind):  # an object may lie about its class
                self._things[id(client)] = client  # of requests it marks those of the job
                self._look(key, client)
            elif client is not None:
                self._unseen[key] = type(client).__name__

    def _look(self, key: str, client: Any) -> None:
        """Note the reports in a client; of requests, those of the job alone."""
        if self._commons is None:
            return
        if key == v.COMMONS_REQUEST and id(client) not in self._things and client is not self._commons.get(key):
            return
        self._things[id(client)] = client
        try:
            for thing, lfn, dues in _READERS.get(key, self._of_request)(client, self._new):
                _check(getattr(dues, "args", ()))
                self._things[id(thing)] = thing
                place = id(thing), lfn
                if place not in self._taken or (lfn is not None and self._taken[place] != dues()):
                    self._taken.pop(place, None)  # the last word comes last
                    self._taken[place] = dues()
        except BaseException:  # noqa: BLE001 - a module may leave anything there
            self._unseen[key] = type(client).__name__

    def _new(self, place: Any, held: Iterable[Any]) -> list[Any]:
        """Return the entries held at a place that came since the last look, or all if another one is missing there."""
        entries = list(islice(held, MOST + 1))
        if len(entries) > MOST:
            raise OverflowError
        _, known = self._known.get(id(place), (place, []))
        self._known[id(place)] = place, entries
        grown = len(known) <= len(entries) and all(map(is_, known, entries))
        return entries[len(known) :] if grown else entries

    def _of_request(self, request: Any, new: New) -> Noted:
        for operation in new(request, request):
            if not issubclass(type(operation), self._operation):
                raise TypeError
            yield operation, None, lambda: None


MOST: Final = 200_000
"""The most entries of one client, two of a file; of a client with more, or without end, nothing is known."""


def _check(values: Iterable[Any]) -> None:
    """Raise OverflowError for a value that cannot be written, such as a list that holds itself twice at each level."""
    for value in values:
        PLAIN.plain(value)
        if PLAIN.left <= 0:
            raise OverflowError


def _there(module: Any, name: str) -> Any:
    found = attribute(module, name)
    return None if type(found) is str else found


def _of_job_report(report: Any, new: New) -> Noted:
    for entry in new(report.jobStatusInfo, report.jobStatusInfo):
        status, minor, time = entry
        yield entry, None, partial(duties.of_update, report.jobID, time, {"Status": status, "MinorStatus": minor})
    for entry in new(report.appStatusInfo, report.appStatusInfo):
        text, time = entry
        yield entry, None, partial(duties.of_update, report.jobID, time, {"ApplicationStatus": text})
    for entry in new(report.jobParameters, report.jobParameters):
        name, value = entry
        yield entry, None, partial(duties.of_parameter, report.jobID, name, PLAIN.plain(value))


def _of_file_report(report: Any, new: New) -> Noted:
    statuses = report.statusDict
    common = [report.transformation, report.force]  # the dues of all files change with these
    entries = new(statuses, chain(common, chain.from_iterable(statuses.items())))
    parts = iter(entries[len(common) :] if len(entries) > 2 * len(statuses) else entries)
    for lfn, status in zip(parts, parts, strict=True):
        yield report, lfn, partial(duties.of_file, report.transformation, lfn, status, report.force)


def _of_accounting(client: Any, new: New) -> Noted:
    # DIRAC's name for it, and the reference's; a client that is being made has none yet
    for record in new(client, vars(client).get("_DataStoreClient__registersList", ())):
        yield record, None, partial(duties.of_record, record)


_READERS: Final[dict[str, Callable[[Any, New], Noted]]] = {
    v.COMMONS_JOB_REPORT: _of_job_report,
    v.COMMONS_FILE_REPORT: _of_file_report,
    v.COMMONS_ACCOUNTING: _of_accounting,
}
_ATTRIBUTES: Final = {
    v.COMMONS_REQUEST: "request",
    v.COMMONS_JOB_REPORT: "jobReport",
    v.COMMONS_FILE_REPORT: "fileReport",
}
"""The attributes of a module that may hold a collaborator of its own."""
