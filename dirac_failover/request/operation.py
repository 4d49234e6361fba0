"""An operation of a request, as DIRAC 9.1's ``RequestManagementSystem.Client.Operation``; the names are DIRAC's.

The status of an operation with files follows from theirs and cannot be set. DIRAC looks at all files at each change;
here they are counted, with the same result, so that an operation of 10,000 files costs ten times one of 1,000.
``OperationID`` and ``RequestID`` are not set here (the database gives them) but are kept when loaded.
"""

# ruff: noqa: SLF001 - requests, operations and files are friends

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from dirac_failover.request.file import File
from dirac_failover.request.record import Holder, bytes_property, now, time_property
from dirac_failover.vocabulary import ASSIGNED, CANCELED, DONE, FAILED, QUEUED, SCHEDULED, WAITING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

_MAX_CATALOG_TEXT = 255


class Operation(Holder):
    """One operation: its type, its arguments or files, and its status.

    ``fromDict`` is the JSON text or a dict of the attributes, with the files under ``Files``. Raises ValueError (also
    as :class:`LoadError`) for data that is not an operation's.
    """

    MAX_FILES = 10000
    ALL_STATES = (QUEUED, WAITING, SCHEDULED, ASSIGNED, FAILED, DONE, CANCELED)
    FINAL_STATES = (FAILED, DONE, CANCELED)
    ATTRIBUTE_NAMES: ClassVar[list[str]] = [
        "OperationID",
        "RequestID",
        "Type",
        "Status",
        "Arguments",
        "Order",
        "SourceSE",
        "TargetSE",
        "Catalog",
        "Error",
        "CreationTime",
        "SubmitTime",
        "LastUpdate",
    ]
    _JSON = tuple(ATTRIBUTE_NAMES)

    def __init__(self, fromDict: str | dict[str, Any] | None = None) -> None:
        """Make a queued operation, then take the attributes in ``fromDict``."""
        super().__init__()
        self._holders: list[Holder] = []
        self._place = 0
        """Index in the request when last looked at."""
        self._SubmitTime = self._LastUpdate = self._CreationTime = now()
        self._Status = QUEUED
        self._Order = 0
        self.__files__: list[File] = self._parts
        self.TargetSE: str | None = None
        self.SourceSE: str | None = None
        self._Arguments: bytes | None = None
        self.Error: str | None = None
        self.Type: str | None = None
        self._Catalog: str | None = None
        self._load(fromDict, Files=lambda child: self.addFile(File(child)))

    # Status and files

    def _notify(self) -> None:
        """Derive the status from the files' and let the request do the same."""
        statuses = {status for status, number in self._counts.items() if number}
        if statuses == {FAILED}:
            status = FAILED
        elif SCHEDULED in statuses:
            status = SCHEDULED
        elif WAITING in statuses:
            status = QUEUED
        elif FAILED in statuses:
            status = FAILED
        else:
            self.Error = ""
            status = DONE
        self._move(status, (FAILED, DONE, SCHEDULED))

    def _move(self, status: str, worth_a_date: tuple[str, ...]) -> None:
        if status in worth_a_date and status != self._Status:
            self._LastUpdate = now()
        self._become(status)
        if self._parent:
            self._parent._notify()

    def addFile(self, opFile: File) -> None:
        """Add a file, once; raises RuntimeError when the operation is full.

        A file belongs to one operation: add another object for the same LFN elsewhere.
        """
        if len(self) >= Operation.MAX_FILES:
            raise RuntimeError("too many Files in a single Operation")
        if opFile not in self:
            self._parts.append(opFile)
            self._hold(opFile)
        self._notify()

    def __iadd__(self, opFile: File) -> Self:
        """Add a file: see :meth:`addFile`."""
        self.addFile(opFile)
        return self

    def fileStatusList(self) -> list[str]:
        """Return the status of each file."""
        return [opFile.Status for opFile in self]

    # Attributes with rules

    Arguments = bytes_property("Arguments")
    CreationTime = time_property("CreationTime")
    SubmitTime = time_property("SubmitTime")
    _ownLastUpdate = time_property("LastUpdate")

    @property
    def LastUpdate(self) -> datetime:
        """Time of the last update; a new one is the request's too."""
        return self._LastUpdate

    @LastUpdate.setter
    def LastUpdate(self, value: datetime | str) -> None:
        self._ownLastUpdate = value
        if self._parent:
            self._parent.LastUpdate = self._LastUpdate

    @property
    def sourceSEList(self) -> list[str]:
        """The names in ``SourceSE``."""
        return _listed(self.SourceSE)

    @property
    def targetSEList(self) -> list[str]:
        """The names in ``TargetSE``."""
        return _listed(self.TargetSE)

    @property
    def Catalog(self) -> str | None:
        """Names of catalogues, joined by commas; set from such a text or a list."""
        return self._Catalog

    @Catalog.setter
    def Catalog(self, value: str | Iterable[Any]) -> None:
        if not isinstance(value, str | list):
            raise TypeError("wrong type for value")
        items = value.split(",") if isinstance(value, str) else value
        # DIRAC has them in the order of a set, so in any order: the given one is one of them.
        names = dict.fromkeys(name for item in items if (name := str(item).strip()))
        text = ",".join(names)
        if len(text) > _MAX_CATALOG_TEXT:
            raise ValueError("Catalog list too long")
        self._Catalog = text

    @property
    def catalogList(self) -> list[str]:
        """The names in ``Catalog``."""
        return _listed(self._Catalog)

    @property
    def Status(self) -> str:
        """One of ``ALL_STATES``; with files it follows from theirs, and a set value has no effect."""
        return self._Status

    @Status.setter
    def Status(self, value: str) -> None:
        if value not in Operation.ALL_STATES:
            raise ValueError(f"unknown Status '{value}'")
        if len(self):
            self._notify()
        else:
            self._move(value, (FAILED, DONE))
        if self._Status == DONE:
            self.Error = ""

    @property
    def Order(self) -> int:
        """Index in the request, -1 when it is there no more."""
        if self._parent:
            self._Order = self._parent.indexOf(self)
        return self._Order

    @Order.setter
    def Order(self, value: int) -> None:
        self._Order = value

    def _getJSONData(self) -> dict[str, Any]:
        return {**super()._getJSONData(), "Files": self._parts}


def _listed(text: str | None) -> list[str]:
    return text.split(",") if text else []
