"""A request, as DIRAC 9.1's ``RequestManagementSystem.Client.Request``; the names are DIRAC's.

A request is a list of operations that are executed in order. Its status, and which operation is the waiting one,
follow from theirs and are worked out again at each change and at each look. Owner and group are the connection's.

Left out: ``dmsHelper``, which asks the configuration which storage elements are for fail-over. ``optimize`` knows them
by DIRAC's rule for a configuration that names none: the name has FAILOVER in it. ``RequestID`` is not set here (the
database gives it) but is kept when loaded.
"""

# ruff: noqa: SLF001 - requests, operations and files are friends

from __future__ import annotations

from datetime import timedelta
from operator import attrgetter
from typing import Any, Self

from DIRACCommon.Core.Utilities.ReturnValues import S_ERROR, S_OK

from dirac_failover.request.operation import Operation
from dirac_failover.request.record import Holder, content, encode, moment, now, ruled
from dirac_failover.vocabulary import ASSIGNED, CANCELED, DONE, FAILED, QUEUED, SCHEDULED, WAITING
from dirac_failover.wire.rpc import connection

_MERGED_WHEN_EQUAL = ("Type", "Arguments", "SourceSE", "TargetSE", "Catalog")


class Request(Holder):
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
        """Make an empty request of the connection's owner, then take the attributes in ``fromDict``."""
        super().__init__()
        self._CreationTime = self._SubmitTime = self._LastUpdate = self._NotBefore = now()
        self._Status = DONE
        self.JobID = 0
        self.Error: str | None = None
        self.RequestName: str | None = None
        self._SourceComponent: bytes | None = None
        here = connection()
        self.Owner = here.owner
        self.OwnerGroup = here.group
        self.__operations__: list[Operation] = self._parts
        self._done = 0
        """So many operations at the beginning are done, and perhaps more."""
        self._load(fromDict, Operations=lambda child: self.__iadd__(Operation(child)))
        self._notify()

    # Status

    def _notify(self) -> None:
        """Work out the waiting operation and the status.

        The operations that are done already are not looked at again, and those behind the waiting one only when
        another one waits, which must not be.
        """
        operations = self._parts
        while self._done < len(operations) and operations[self._done].Status == DONE:
            self._done += 1
        status = DONE if self._done else WAITING
        self.Error = "" if self._done else self.Error
        self._waiting: Operation | None = None
        for index in range(self._done, len(operations)):
            operation = operations[index]
            if operation.Status == FAILED:
                status = FAILED
                break
            if operation.Status == DONE:
                status = DONE
                self.Error = ""
            elif operation.Status in (SCHEDULED, QUEUED, WAITING):
                self._waiting = operation
                status = SCHEDULED if operation.Status == SCHEDULED else WAITING
                if operation.Status == QUEUED:
                    operation._become(WAITING)
                if self._counts[WAITING] > (operation.Status == WAITING):
                    for later in operations[index + 1 :]:
                        if later.Status == WAITING:
                            status = WAITING
                            later._become(QUEUED)
                break
        self.Status = status

    def _count(self, old: str, new: str) -> None:
        super()._count(old, new)
        if old == DONE:
            self._done = 0

    def _release(self, part: Operation) -> None:
        super()._release(part)
        self._done = 0

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

    SourceComponent = ruled("SourceComponent", content)
    CreationTime = ruled("CreationTime", moment)
    SubmitTime = ruled("SubmitTime", moment)
    LastUpdate = ruled("LastUpdate", moment)
    NotBefore = ruled("NotBefore", lambda name, value: None if value is None else moment(name, value))

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
        self._parts.insert(self.indexOf(existing) + distance, new)
        self._hold(new)
        self._done = 0
        self._notify()
        return S_OK()

    def indexOf(self, subReq: Operation) -> int:
        """Return the index of an operation, -1 when it is not in."""
        if subReq not in self:
            return -1
        if self._parts[subReq._place : subReq._place + 1] != [subReq]:
            subReq._place = self._parts.index(subReq)
        return subReq._place

    def isEmpty(self) -> bool:
        """Return whether there are no operations."""
        return not self._parts

    def __iadd__(self, operation: Operation) -> Self:
        """Add an operation at the end, unless it is in already."""
        if operation not in self:
            operation._place = len(self)
            self._parts.append(operation)
            self._hold(operation)
            self._notify()
        return self

    # Views for other programs

    def toJSON(self) -> Any:
        """Return S_OK of the JSON text; raises UnicodeDecodeError for bytes that are not UTF-8, as DIRAC does."""
        return S_OK(encode(self))

    def _getJSONData(self) -> dict[str, Any]:
        return {**super()._getJSONData(), "Operations": self._parts}

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

    # Merging of operations that can be done together

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
        while len(pair := self._parts[start + len(run) : start + len(run) + 2]) > 1:
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
            del self._parts[start : start + len(run)]
            self._done = 0
            for index, operation in enumerate(ordered, start):
                self._parts.insert(index, operation)
                self._notify()  # after each, as DIRAC: another operation may have become the waiting one meanwhile
        return grouped

    def _merge_neighbours(self) -> bool:
        """Move the files of each operation into the one before it if they may be done together."""
        moved = False
        index = 0
        while index < len(self) - 1:
            first, second = self._parts[index : index + 2]
            alike = all(getattr(first, name) == getattr(second, name) for name in _MERGED_WHEN_EQUAL)
            if not alike or _lfns(first) & _lfns(second):
                index += 1
                continue
            while len(second) and len(first) < Operation.MAX_FILES:
                first += second[0]
                del second[0]
                moved = True
            if len(second):
                index += 1
            else:
                self._release(self._parts.pop(index + 1))
        return moved


def _lfns(operation: Operation) -> set[str | None]:
    return {opFile.LFN for opFile in operation}
