"""An operation of a request, as DIRAC 9.1's ``RequestManagementSystem.Client.Operation``; the names are DIRAC's.

The status of an operation with files follows from theirs and cannot be set. DIRAC looks at all files at each change;
here they are counted, with the same result, so that an operation of 10,000 files costs ten times one of 1,000.
``OperationID`` and ``RequestID`` are not set here (the database gives them) but are kept when loaded.
"""

# ruff: noqa: SLF001 - requests, operations and files are friends

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from dirac_failover.request.file import File
from dirac_failover.request.record import Holder, content, moment, now, ruled
from dirac_failover.vocabulary import ASSIGNED, CANCELED, DONE, FAILED, QUEUED, SCHEDULED, WAITING

if TYPE_CHECKING:
    from datetime import datetime

_MAX_CATALOG_TEXT: Final = 255
_FOLLOWS: Final = {SCHEDULED: SCHEDULED, WAITING: QUEUED, FAILED: FAILED}
"""The first of these statuses that a file has decides that of the operation; without any, it is Done."""


def _catalogues(_: str, value: Any) -> str:
    """Names of catalogues, joined by commas; given as such a text, or as a list."""
    if not isinstance(value, str | list):
        raise TypeError("wrong type for value")
    items = value.split(",") if isinstance(value, str) else value
    # DIRAC has them in the order of a set, so in any order: the given one is one of them.
    text = ",".join(dict.fromkeys(name for item in items if (name := str(item).strip())))
    if len(text) > _MAX_CATALOG_TEXT:
        raise ValueError("Catalog list too long")
    return text


def _names(attribute: str) -> property:
    """Make a property that lists the names in an attribute, which has commas between them."""

    def names(self: Any) -> list[str]:
        text: str | None = getattr(self, attribute)
        return text.split(",") if text else []

    return property(names, doc=f"The names in ``{attribute}``.")


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
        for of_a_file, status in _FOLLOWS.items():  # noqa: B007 - it is used behind the loop
            if self._counts.get(of_a_file):
                break
        else:
            status = DONE
            self.Error = ""
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

    Arguments = ruled("Arguments", content)
    CreationTime = ruled("CreationTime", moment)
    SubmitTime = ruled("SubmitTime", moment)

    @property
    def LastUpdate(self) -> datetime:
        """Time of the last update; a new one is the request's too."""
        return self._LastUpdate

    @LastUpdate.setter
    def LastUpdate(self, value: datetime | str) -> None:
        self._LastUpdate = moment("LastUpdate", value)
        if self._parent:
            self._parent.LastUpdate = self._LastUpdate

    Catalog = ruled("Catalog", _catalogues)
    sourceSEList = _names("SourceSE")
    targetSEList = _names("TargetSE")
    catalogList = _names("Catalog")

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
