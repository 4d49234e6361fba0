"""Accounting/DataStore: the accounting records that arrived.

Method names, arguments and answers are DIRAC's. Every record type is known here; DIRAC knows those of its databases.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from DIRACCommon.Core.Utilities import TimeUtilities

from dirac_fakes.service import Result, Service, names, ok, refusal

_times: Any = TimeUtilities
# JSON knows no tuple: the service sees a list
_SHAPE: tuple[Any, ...] = (str, datetime, datetime, (list, tuple))


class Accounting(Service):
    """The service that takes accounting records."""

    short = "accounting"
    full = "Accounting/DataStore"
    faked = names("commit commitRegisters")

    __slots__ = ()

    def start(self) -> None:
        """Forget everything."""
        self.state = {"records": []}

    def records(self) -> list[list[Any]]:
        """Return what was committed: type name, start and end in seconds since the epoch, and the list of values."""
        return [list(record) for record in self.state["records"]]

    def commitRegisters(self, entriesList: list[list[Any]]) -> Result:
        """Keep all records, or none when one of them has not type name, start, end and values."""
        for entry in entriesList:
            if len(entry) != len(_SHAPE):
                return refusal("Invalid records")
            if not all(map(isinstance, entry, _SHAPE)):
                return refusal("Unexpected type in report")
        for entry in entriesList:
            self.commit(*entry)
        return ok()

    def commit(self, typeName: str, startTime: datetime, endTime: datetime, valuesList: list[Any]) -> Result:
        """Keep one record."""
        start, end = (int(_times.toEpoch(time)) for time in (startTime, endTime))
        self.state["records"].append([typeName, start, end, list(valuesList)])
        return ok()
