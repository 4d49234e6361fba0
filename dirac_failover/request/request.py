"""A request, as DIRAC 9.1's ``RequestManagementSystem.Client.Request``; the names are DIRAC's.

A request is a list of operations that are executed in order. Its status, and which operation is the waiting one,
follow from theirs and are worked out again at each change and at each look. Owner and group are the connection's.

Left out: ``dmsHelper``, which asks the configuration which storage elements are for fail-over. ``optimize`` knows them
by DIRAC's rule for a configuration that names none: the name has FAILOVER in it. ``RequestID`` is not set here (the
database gives it) but is kept when loaded.

What may change here: little; the differential tests compare every sequence of changes with DIRAC's own class.
"""

# ruff: noqa: SLF001 - requests, operations and files are friends

from __future__ import annotations

from datetime import timedelta
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Self

from DIRACCommon.Core.Utilities.ReturnValues import S_ERROR, S_OK

from dirac_failover.request.operation import Operation
from dirac_failover.request.record import Record, bytes_property, now, time_property
from dirac_failover.vocabulary import ASSIGNED, CANCELED, DONE, FAILED, QUEUED, SCHEDULED, WAITING
from dirac_failover.wire.rpc import connection

if TYPE_CHECKING:
    from collections.abc import Iterator

_MERGED_WHEN_EQUAL = ("Type", "Arguments", "SourceSE", "TargetSE", "Catalog")


class Request(Record):
    """Operations to be executed in order, for an owner and, mostly, a job.

    ``fromDict`` is the JSON text or a dict of the attributes, with the operations under ``Operations``. Raises
    ValueError (also as :class:`LoadError`) for data that is not a request's.
    """

    ALL_STATES = (WAITING, FAILED, DONE, SCHEDULED, ASSIGNED, CANCELED)
    FINAL_STATES = (DONE, FAILED, CANCELED)
    _JSON = (
        "RequestID",
        "RequestName",
        "Owner",
        "OwnerGroup",
        "Status",
        "Error",
        "SourceComponent",
        "JobID",
        "CreationTime",
        "SubmitTime",
        "LastUpdate",
        "NotBefore",
    )

    def __init__(self, fromDict: str | dict[str, Any] | None = None) -> None:
        """Make an empty request of the connection's owner, then take what ``fromDict`` says."""
        self._CreationTime = self._SubmitTime = self._LastUpdate = self._NotBefore = now()
        self._Status = DONE
        self.JobID = 0
        self.Error: str | None = None
        self.RequestName: str | None = None
        self._SourceComponent: bytes | None = None
        here = connection()
        self.Owner = here.owner
        self.OwnerGroup = here.group
        self.__operations__: list[Operation] = []
        self._load(fromDict, Operations=lambda child: self.__iadd__(Operation(child)))
        self._notify()

    # Status

    def _notify(self) -> None:
        """Work out the waiting operation and the status."""
        for operation in self.__operations__:
            operation._parent = self
        status = WAITING
        waiting = None
        for operation in self.__operations__:
            was = operation.Status
            if waiting:
                if was == WAITING:
                    status = WAITING
                    operation._setQueued(self)
            elif was == FAILED:
                status = FAILED
                break
            elif was == DONE:
                status = DONE
                self.Error = ""
            elif was in (SCHEDULED, QUEUED, WAITING):
                waiting = operation
                status = SCHEDULED if was == SCHEDULED else WAITING
                if was == QUEUED:
                    operation._setWaiting(self)
        self._waiting: Operation | None = waiting
        self.Status = status

    @property
    def Status(self) -> str:
        """One of ``ALL_STATES``, worked out at each look, so Assigned and Canceled do not last."""
        self._notify()
        return self._Status

    @Status.setter
    def Status(self, value: str) -> None:
        if value not in Request.ALL_STATES:
            raise ValueError(f"Unknown status: {value}")
        if value in (DONE, FAILED) and value != self._Status:
            self.LastUpdate = now()
        if value == DONE:
            self.Error = ""
        self._Status = value

    def subStatusList(self) -> list[str]:
        """Return the status of each operation."""
        return [operation.Status for operation in self]

    def getWaiting(self) -> Any:
        """Return S_OK of the operation that is to be executed next, or of None."""
        self._notify()
        return S_OK(self._waiting)

    @property
    def Order(self) -> int:
        """Index of the first waiting operation, or the number of operations."""
        self._notify()
        statuses = self.subStatusList()
        return statuses.index(WAITING) if WAITING in statuses else len(statuses)

    # Attributes with rules

    SourceComponent = bytes_property("SourceComponent")
    CreationTime = time_property("CreationTime")
    SubmitTime = time_property("SubmitTime")
    LastUpdate = time_property("LastUpdate")
    NotBefore = time_property("NotBefore", optional=True)

    def delayNextExecution(self, deltaTime: float) -> Any:
        """Put ``NotBefore`` to ``deltaTime`` minutes from now."""
        self._NotBefore = now() + timedelta(minutes=deltaTime)
        return S_OK()

    # Operations

    def addOperation(self, operation: Operation) -> Any:
        """Add an operation at the end; S_ERROR when it is in already."""
        if operation in self:
            return S_ERROR("This operation is already in!!!")
        self += operation
        return S_OK()

    def insertBefore(self, newOperation: Operation, existingOperation: Operation) -> Any:
        """Insert an operation before another; S_ERROR when the one is in already or the other is not."""
        return self._insert(newOperation, existingOperation, 0)

    def insertAfter(self, newOperation: Operation, existingOperation: Operation) -> Any:
        """Insert an operation after another; S_ERROR when the one is in already or the other is not."""
        return self._insert(newOperation, existingOperation, 1)

    def _insert(self, new: Operation, existing: Operation, distance: int) -> Any:
        if existing not in self:
            return S_ERROR(f"{existing} is not in")
        if new in self:
            return S_ERROR(f"{new} is already in")
        self.__operations__.insert(self.indexOf(existing) + distance, new)
        self._notify()
        return S_OK()

    def indexOf(self, subReq: Operation) -> int:
        """Return the index of an operation, -1 when it is not in."""
        if subReq not in self:
            return -1
        return self.__operations__.index(subReq)

    def isEmpty(self) -> bool:
        """Say whether there are no operations."""
        return not self.__operations__

    def __iadd__(self, operation: Operation) -> Self:
        """Add an operation at the end, unless it is in already."""
        if operation not in self:
            self.__operations__.append(operation)
            self._notify()
        return self

    def __contains__(self, operation: object) -> bool:
        """Say whether this very object is one of the operations."""
        return operation in self.__operations__

    def __iter__(self) -> Iterator[Operation]:
        """Iterate over the operations."""
        return iter(self.__operations__)

    def __getitem__(self, i: Any) -> Any:
        """Return the operation at index ``i``."""
        return self.__operations__[i]

    def __setitem__(self, i: Any, value: Any) -> None:
        """Replace the operation at index ``i``."""
        self.__operations__[i] = value
        self._notify()

    def __delitem__(self, i: Any) -> None:
        """Remove the operation at index ``i``."""
        del self.__operations__[i]
        self._notify()

    def __len__(self) -> int:
        """Return the number of operations."""
        return len(self.__operations__)

    def __bool__(self) -> bool:
        """Be true, also without operations."""
        return True

    # What others see of it

    def toJSON(self) -> Any:
        """Return S_OK of the JSON text; raises UnicodeDecodeError for bytes that are not UTF-8, as DIRAC does."""
        return S_OK(self._json())

    def _getJSONData(self) -> dict[str, Any]:
        return {**super()._getJSONData(), "Operations": self.__operations__}

    def getDigest(self) -> Any:
        """Return S_OK of a text with the name and a line for each operation; raises TypeError without a name."""
        lines = ["Name:" + self.RequestName]  # type: ignore[operator]
        for operation in self:
            parts = [operation.Type, operation.Type, operation.Status, operation.Order]  # the type twice: as DIRAC
            parts += [part for part in (operation.TargetSE, operation.Catalog) if part]
            if len(operation):
                more = len(operation) - 1
                parts.append(operation[0].LFN + (f"...+<{more} files>" if more else ""))
            lines.append(":".join(map(str, parts)))
        return S_OK("\n".join(lines))

    # Merging what can be done together

    def optimize(self) -> Any:
        """Group replications for fail-over and merge equal neighbours; return S_OK of whether files or pairs moved.

        S_ERROR for a request that has a ``RequestID``: the database knows its operations already.
        """
        known = getattr(self, "RequestID", None)
        if known:
            return S_ERROR(f"Cannot optimize because Request seems to be already in the DB (RequestID {known})")
        grouped = self._group_failover()
        merged = self._merge_neighbours()
        return S_OK(grouped or merged)

    def _failover_pairs(self, start: int) -> list[Operation]:
        """Return the run of replications and removals of the same files that begins at ``start``."""
        run: list[Operation] = []
        while len(pair := self.__operations__[start + len(run) :][:2]) > 1:
            copy, removal = pair
            types = (copy.Type, removal.Type)
            if types != ("ReplicateAndRegister", "RemoveReplica") or _lfns(copy) != _lfns(removal):
                break
            run += pair
        return run

    def _group_failover(self) -> bool:
        """Within each run of pairs put the replications first, each sorted by target."""
        grouped = False
        for start in range(len(self)):
            run = self._failover_pairs(start)
            if not run:
                continue
            grouped = True
            copies, removals = run[::2], run[1::2]
            for copy in copies:
                if isinstance(copy.SourceSE, str) and "FAILOVER" in copy.SourceSE.upper():
                    copy.SourceSE = ""  # the file may have left it by then
            ordered = [*sorted(copies, key=attrgetter("TargetSE")), *sorted(removals, key=attrgetter("TargetSE"))]
            del self.__operations__[start : start + len(run)]
            for index, operation in enumerate(ordered, start):
                self.__operations__.insert(index, operation)
                self._notify()  # after each, as DIRAC: another operation may have become the waiting one meanwhile
        return grouped

    def _merge_neighbours(self) -> bool:
        """Move the files of each operation into the one before it if they may be done together."""
        moved = False
        index = 0
        while index < len(self) - 1:
            first, second = self.__operations__[index : index + 2]
            alike = all(getattr(first, name) == getattr(second, name) for name in _MERGED_WHEN_EQUAL)
            if not alike or _lfns(first) & _lfns(second):
                index += 1
                continue
            while len(second) and len(first) < Operation.MAX_FILES:
                second[0]._parent = None  # it leaves, so neither operation has to look at all its files
                first += second[0]
                del second[0]
                moved = True
            if len(second):
                index += 1
            else:
                del self.__operations__[index + 1]
        return moved


def _lfns(operation: Operation) -> set[str | None]:
    return {opFile.LFN for opFile in operation}
