"""Accounting/DataStore: the accounting records that arrived.

Method names, arguments and answers are DIRAC's, and so are the types of records; :meth:`Accounting.add` adds one of an
extension. A bundle is not kept or refused as a whole: records of the same start are kept until one is refused, those of
another start are kept all the same, and the last refusal is the answer.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from DIRACCommon.Core.Utilities import TimeUtilities

from dirac_fakes.columns import TABLES, ColumnError, columns
from dirac_fakes.service import Result, Service, mysql, names, ok, refusal

_times: Any = TimeUtilities
_SHAPE: tuple[Any, ...] = (str, datetime, datetime, list)
_QUEUE = "AccountingDB.ac_in_"


class Accounting(Service):
    """The service that takes accounting records."""

    short = "accounting"
    full = "Accounting/DataStore"
    faked = names("commit commitRegisters")
    types: ClassVar = {"commit": _SHAPE, "commitRegisters": (list,)}

    __slots__ = ("_types",)

    def start(self) -> None:
        """Forget everything; know the types of DIRAC."""
        self.state = {"records": []}
        self._types: dict[str, str] = {
            table.removeprefix(_QUEUE): table for table in TABLES if table.startswith(_QUEUE)
        }

    def add(self, name: str, like: str) -> None:
        """Add a type of records with the columns of a known one: ``like`` is that type's name."""
        self._types[name] = self._types[like]

    def records(self) -> list[list[Any]]:
        """Return the committed records: type name, start and end in seconds since the epoch, and the list of values."""
        return [list(record) for record in self.state["records"]]

    def commitRegisters(self, entriesList: list[list[Any]]) -> Result:
        """Keep records; if one lacks type name, start, end or values, none is kept."""
        for entry in entriesList:
            if len(entry) != len(_SHAPE):
                return refusal("Invalid records")
            if not all(map(isinstance, entry, _SHAPE)):
                return refusal("Unexpected type in report")
        bundles: dict[int, list[tuple[Any, ...]]] = {}
        for name, start, end, values in [
            (name, *_epochs(start, end), values) for name, start, end, values in entriesList
        ]:
            bundles.setdefault(start, []).append((name, start, end, values))
        answer = ok()
        for bundle in bundles.values():
            for record in bundle:
                if not (kept := self._keep(*record))["OK"]:
                    answer = kept
                    break
        return answer

    def commit(self, typeName: str, startTime: datetime, endTime: datetime, valuesList: list[Any]) -> Result:
        """Keep one record."""
        start, end = _epochs(startTime, endTime)
        if typeName not in self._types:
            return refusal(f"Type {typeName} has not been defined in the db")
        return self._keep(typeName, start, end, valuesList)

    def _keep(self, name: str, start: int, end: int, values: list[Any]) -> Result:
        fields = columns(self._types[name])
        if len(values) != len(fields) - 2:
            counts = f"{len(values) + 2} fields and {len(fields)} expected"
            return refusal(f"Fields mismatch for record {name}. {counts}")
        if any(isinstance(value, bool) for value in values):
            return mysql(ColumnError(1136, "Column count doesn't match value count at row 1"))
        try:
            row = self.fit(self._types[name], dict(zip(fields, [*map(_sent, values), start, end], strict=True)))
        except ColumnError as error:
            return mysql(error)
        *kept, start, end = row.values()
        self.touch("records")
        self.state["records"].append([name, start, end, kept])
        return ok()


def _sent(value: Any) -> Any:
    """Return the text that DIRAC sends for a value."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0] if value[0] is None else str(value[0])
    return value if value is None or isinstance(value, list) else str(value)


def _epochs(*times: datetime) -> list[int]:
    return [int(_times.toEpoch(time)) for time in times]
