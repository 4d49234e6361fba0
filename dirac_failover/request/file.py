"""A file of an operation, as DIRAC 9.1's ``RequestManagementSystem.Client.File``; the names are DIRAC's.

``FileID`` and ``OperationID`` are not set here (the database gives them) but are kept when loaded. Left out is
``initialLoading``, a switch that nothing reads.
"""

# ruff: noqa: SLF001 - requests, operations and files are friends

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from dirac_failover.request.record import Record, now
from dirac_failover.vocabulary import DONE, FAILED, SCHEDULED, WAITING

if TYPE_CHECKING:
    from dirac_failover.request.record import Holder

# DIRAC takes any characters as long as the five parts have their lengths; a line end only behind real digits.
_GUID: Final = re.compile(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}\n|[^-]{8}(-[^-]{4}){3}-[^-]{12}", re.IGNORECASE)
_CHECKSUM_TYPES: Final = {"ADLER32": "ADLER32", "MD5": "MD5", "SHA1": "SHA1", "AD": "ADLER32"}
_STATUSES: Final = (WAITING, FAILED, DONE, SCHEDULED)


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

    @property
    def LFN(self) -> str | None:
        """Logical file name: absolute."""
        return self._LFN

    @LFN.setter
    def LFN(self, value: str) -> None:
        if not isinstance(value, str):
            raise TypeError("LFN has to be a string!")
        if not value.startswith("/"):
            raise ValueError("LFN should be an absolute path!")
        self._LFN = value

    @property
    def GUID(self) -> str | None:
        """Five parts of 8, 4, 4, 4 and 12 characters; anything falsy is taken as it is."""
        return self._GUID

    @GUID.setter
    def GUID(self, value: str | None) -> None:
        if value and not isinstance(value, str):
            raise TypeError("GUID should be a string!")
        if value and not _GUID.fullmatch(value):
            raise ValueError(f"'{value}' is not a valid GUID!")
        self._GUID = value

    @property
    def ChecksumType(self) -> str | None:
        """``ADLER32`` (also as ``AD``), ``MD5`` or ``SHA1``; upper and lower case are one."""
        return self._ChecksumType

    @ChecksumType.setter
    def ChecksumType(self, value: Any) -> None:
        known = _CHECKSUM_TYPES.get(str(value).strip().upper()) if value else ""
        if known is None:
            raise ValueError(f"unknown checksum type: {value}")
        self._ChecksumType = known

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
