"""A file of an operation, as DIRAC 9.1's ``RequestManagementSystem.Client.File``; the names are DIRAC's.

``FileID`` and ``OperationID`` are not set here (the database gives them) but are kept when loaded. Left out is
``initialLoading``, a switch that nothing reads.
"""

# ruff: noqa: SLF001 - requests, operations and files are friends

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from dirac_failover.request.record import Record, now, ruled
from dirac_failover.vocabulary import DONE, FAILED, SCHEDULED, WAITING

if TYPE_CHECKING:
    from dirac_failover.request.record import Holder

# DIRAC takes any characters as long as the five parts have their lengths; a line end only behind real digits.
_GUID: Final = re.compile(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}\n|[^-]{8}(-[^-]{4}){3}-[^-]{12}", re.IGNORECASE)
_CHECKSUM_TYPES: Final = {"ADLER32": "ADLER32", "MD5": "MD5", "SHA1": "SHA1", "AD": "ADLER32"}
_STATUSES: Final = (WAITING, FAILED, DONE, SCHEDULED)


def _lfn(name: str, value: Any) -> str:
    """A logical file name, which is absolute."""
    if not isinstance(value, str):
        raise TypeError(f"{name} has to be a string!")
    if not value.startswith("/"):
        raise ValueError(f"{name} should be an absolute path!")
    return value


def _guid(name: str, value: Any) -> Any:
    """Five parts of 8, 4, 4, 4 and 12 characters; anything falsy is taken unchanged."""
    if value and not isinstance(value, str):
        raise TypeError(f"{name} should be a string!")
    if value and not _GUID.fullmatch(value):
        raise ValueError(f"'{value}' is not a valid {name}!")
    return value


def _checksum_type(_: str, value: Any) -> str:
    """``ADLER32`` (also given as ``AD``), ``MD5`` or ``SHA1``, given in any case; empty for anything falsy."""
    known = _CHECKSUM_TYPES.get(str(value).strip().upper()) if value else ""
    if known is None:
        raise ValueError(f"unknown checksum type: {value}")
    return known


class File(Record):
    """One file: its name, checksum, GUID and status.

    ``fromDict`` is the JSON text or a dict of the attributes. Raises ValueError (also as :class:`LoadError`) for data
    that is not a file's.
    """

    _JSON = (
        "FileID",
        "OperationID",
        "Status",
        "LFN",
        "PFN",
        "ChecksumType",
        "Checksum",
        "GUID",
        "Attempt",
        "Size",
        "Error",
    )

    def __init__(self, fromDict: str | dict[str, Any] | None = None) -> None:
        """Make a waiting file, then take the attributes in ``fromDict``."""
        self._holders: list[Holder] = []
        self._Status = WAITING
        self._LFN: str | None = None
        self.PFN: str | None = None
        self._ChecksumType: str | None = None
        self.Checksum: str | None = None
        self._GUID: str | None = None
        self.Attempt = 0
        self.Size = 0
        self.Error: str | None = None
        self._load(fromDict)

    LFN = ruled("LFN", _lfn)
    GUID = ruled("GUID", _guid)
    ChecksumType = ruled("ChecksumType", _checksum_type)

    @property
    def Status(self) -> str:
        """One of Waiting, Failed, Done, Scheduled; a change reaches the operation and its request."""
        return self._Status

    @Status.setter
    def Status(self, value: str) -> None:
        if value not in _STATUSES:
            raise ValueError(f"Unknown Status: {value}!")
        if value == DONE:
            self.Error = ""
        changed = value != self._Status
        self._become(value)
        if self._parent:
            if changed:
                self._parent.LastUpdate = now()
            self._parent._notify()
