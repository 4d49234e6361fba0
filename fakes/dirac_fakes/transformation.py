"""Transformation/TransformationManager: which file of which transformation has which status.

Method names, arguments and answers are DIRAC's. Conditions are compared as MySQL compares numbers and their texts; rows
come by file ID unless an order is asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from dirac_fakes.columns import SEVERAL, SYNTAX, ColumnError, as_number, as_text, fold, illegal, one_of, read_time
from dirac_fakes.service import Result, Service, mysql, names, ok, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

COLUMNS = (
    "LFN",
    "TransformationID",
    "FileID",
    "Status",
    "TaskID",
    "TargetSE",
    "UsedSE",
    "ErrorCount",
    "LastUpdate",
    "InsertedTime",
)
FIRST_FILE_ID = 100
_PAIR = 2
_FOREIGN_KEY = (
    "Cannot add or update a child row: a foreign key constraint fails "
    "(`TransformationDB`.`TransformationFiles`, CONSTRAINT `TransformationFiles_ibfk_2` FOREIGN KEY (`FileID`) "
    "REFERENCES `DataFiles` (`FileID`))"
)


class Transformation(Service):
    """The service that keeps the files of transformations."""

    short = "transformation"
    full = "Transformation/TransformationManager"
    faked = names("getTransformationFiles getTransformationFilesAsJsonString setFileStatusForTransformation")
    not_faked = names(
        """
        addDirectory addFile addFilesToTransformation addTaskForTransformation addTransformation
        cleanTransformation completeTransformation createTransformationMetaQuery deleteTasks
        deleteTransformation deleteTransformationMetaQuery deleteTransformationParameter exists
        extendTransformation getAdditionalParameters getCounters getFileSummary
        getTableDistinctAttributeValues getTasksToSubmit getTransformation getTransformationFilesCount
        getTransformationLogging getTransformationMetaQuery getTransformationParameters
        getTransformationStats getTransformationSummary getTransformationTaskStats getTransformationTasks
        getTransformationWithStatus getTransformations removeFile setMetadata setTaskStatus
        setTaskStatusAndWmsID setTransformationParameter
        """
    )

    __slots__ = ("_index",)

    def start(self) -> None:
        """Forget everything."""
        self._index: tuple[Any, int, dict[str, list[int]]] = None, 0, {}
        self.state = {"transformations": {}, "ids": {}, "files": {}}

    def add(self, transformation_id: int, files: Iterable[str] | Mapping[str, Mapping[str, Any]] = ()) -> None:
        """Register a transformation of the present caller's with its files.

        ``files`` are LFNs, or LFNs with the columns in which they differ from a file Assigned to task 1. A file that
        another transformation knows keeps its ID. Raises ValueError for a column that does not exist.
        """
        caller = self.world.caller
        self.touch("transformations", transformation_id)
        if transformation_id not in self.state["files"]:
            self.touch("files", transformation_id)
        self.state["transformations"][transformation_id] = {"Author": caller.username, "AuthorGroup": caller.group}
        rows = self.state["files"].setdefault(transformation_id, {})
        ids = self.state["ids"]
        now = self._now()
        for lfn, given in by_lfn(files).items():
            if unknown := given.keys() - COLUMNS:
                raise ValueError(f"A file has no {', '.join(sorted(unknown))}; it has {', '.join(COLUMNS)}")
            file_id = given.get("FileID") or ids.setdefault(lfn, FIRST_FILE_ID + len(ids))
            ids[lfn] = file_id
            self.touch("ids", lfn)
            self.touch("files", transformation_id, file_id)
            rows[file_id] = {
                **_new_row(lfn, transformation_id, file_id, "Assigned", now),
                "TaskID": 1,
                "InsertedTime": now,
                **given,
            }

    def statuses(self, transformation_id: int) -> dict[str, str]:
        """Return the status of each file of a transformation by its LFN."""
        return {row["LFN"]: row["Status"] for row in self.state["files"][transformation_id].values()}

    def getTransformationFiles(  # noqa: PLR0913, PLR0917 - DIRAC's signature
        self,
        condDict: dict[str, Any] | None = None,
        older: Any = None,
        newer: Any = None,
        timeStamp: str | None = "LastUpdate",
        orderAttribute: str | list[str] | None = None,
        limit: int | None = None,
        offset: int | None = None,
        columns: list[str] | None = None,
    ) -> Result:
        """Return a success whose Value is the JSON text of the whole answer: a success of rows, or the error."""
        inner = self._select(condDict, (older, newer, timeStamp), orderAttribute, (limit, offset), columns)
        return ok(json.dumps(inner))

    def setFileStatusForTransformation(self, transName: int | str, dictOfNewFilesStatus: dict[Any, Any]) -> Result:
        """Set the status of files by their IDs; each has a pair of the status and whether this was an error."""
        if refused := self._refused(transName):
            return refused
        if not dictOfNewFilesStatus:
            return ok({})
        sample = next(iter(dictOfNewFilesStatus.values()))
        # Only the first is looked at
        if not isinstance(sample, list | tuple) or len(sample) != _PAIR:
            return refusal("Status field should be two values")
        transformation_id = self._id(transName)
        if transformation_id is None:
            return refusal("Transformation does not exist")
        updates = [(file_id, *pair) for file_id, pair in dictOfNewFilesStatus.items()]
        rows = self.state["files"][transformation_id]
        now = self._now()
        # The files in error and the others, in the order in which they were met; each row is a statement of its own
        for error in dict.fromkeys(error for _, _, error in updates):
            for file_id, status in [update[:2] for update in updates if update[2] == error]:
                row = self.fit("TransformationDB.TransformationFiles", {"FileID": file_id, "Status": status})
                self.touch("files", transformation_id, row["FileID"])
                if known := rows.get(row["FileID"]):
                    known.update(row, LastUpdate=now, ErrorCount=known["ErrorCount"] + bool(error))
                else:
                    rows[row["FileID"]] = self._new_row(transformation_id, row["FileID"], row["Status"], now)
        return ok()

    def _new_row(self, transformation_id: int, file_id: int, status: str, now: str) -> dict[str, Any]:
        lfn = next((lfn for lfn, known in self.state["ids"].items() if known == file_id), None)
        if lfn is None:
            raise ColumnError(1452, _FOREIGN_KEY)
        return _new_row(lfn, transformation_id, file_id, status, now)

    def _now(self) -> str:
        return str(self.world.clock.now())[:19]

    def _id(self, name: int | str) -> int | None:
        try:
            transformation_id = int(name)
        except ValueError:
            return None
        return transformation_id if transformation_id in self.state["transformations"] else None

    def _refused(self, name: int | str) -> Result | None:
        caller = self.world.caller
        if "ProductionManagement" in caller.properties:
            return None
        transformation_id = self._id(name)
        if transformation_id is None:
            return refusal(f"Could not retrieve transformation {name} details for permissions check.")
        author = self.state["transformations"][transformation_id]
        allowed = ("ProductionSharing" in caller.properties and author["AuthorGroup"] == caller.group) or (
            "ProductionUser" in caller.properties and author["Author"] == caller.username
        )
        return None if allowed else refusal(f"You do not have permissions for transformation {name}")

    def _select(
        self,
        conditions: dict[str, Any] | None,
        span: tuple[Any, Any, str | None],
        order: str | list[str] | None,
        window: tuple[int | None, int | None],
        columns: list[str] | None,
    ) -> Result:
        if columns is not None and not set(columns).issubset(COLUMNS):
            return refusal(f"Invalid columns requested, valid columns are: {list(COLUMNS)}")
        for key in dict.keys(conditions or {}):
            if key not in COLUMNS:
                return refusal(f"Invalid key {key} in condDict")
        older, newer, stamp = span
        wanted = dict((conditions or {}).items())
        limits = {name: value for name, value in (("newer", newer), ("older", older)) if stamp and value}
        by = str(stamp).strip("`")
        shown = COLUMNS if columns is None else columns
        keys: list[tuple[str, bool]] = []
        first: int | None = None
        last: int | None = None
        # Without any condition DIRAC forgets the names of columns, the order and the limit too
        if wanted or older or newer:
            if stamp and not _NAME.fullmatch(stamp if isinstance(stamp, str) else str(stamp) if stamp is True else ""):
                raise ValueError(stamp)
            keys = [_order(text) for text in (order if isinstance(order, list) else [order]) if text is not None]
            first, last = _window(*window)
        problem = _problem(shown, wanted, by if limits else "LastUpdate", [name for name, _ in keys], (first, last))
        if problem:
            return mysql(ColumnError(*problem))
        tests = {key: one_of(_listed(value)) for key, value in wanted.items()}
        rows = [row for row in self._candidates(wanted) if _matches(row, tests, limits, by)]
        for name, down in reversed(keys):
            rows.sort(key=partial(_sorted_by, name), reverse=down)
        sent = [
            {**row, "LastUpdate": _time(row["LastUpdate"]), "InsertedTime": _time(row["InsertedTime"])}
            for row in rows[first:last]
        ]
        return ok(sent if columns is None else [{column: row[column] for column in columns} for row in sent])

    def _candidates(self, wanted: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
        """Yield the rows among which the wanted ones are: an index of their names is at hand, as in the database."""
        files = self.state["files"].values()
        if "LFN" not in wanted:
            return (row for rows in files for row in rows.values())
        ids: dict[str, int] = self.state["ids"]
        known, count, index = self._index
        if known is not ids:
            count, index = 0, {}
        for lfn, file_id in reversed([*islice(reversed(ids.items()), len(ids) - count)]):
            index.setdefault(fold(lfn), []).append(file_id)
        self._index = ids, len(ids), index
        lfns = _listed(wanted["LFN"])
        if any(isinstance(lfn, bool) for lfn in lfns):
            return (row for rows in files for row in rows.values())
        names = dict.fromkeys(fold(lfn) for lfn in lfns if lfn is not None)
        found = [file_id for name in names for file_id in index.get(name, ())]
        return (rows[file_id] for rows in files for file_id in sorted(found) if file_id in rows)

    getTransformationFilesAsJsonString = getTransformationFiles


def by_lfn(files: Iterable[str] | Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return a copy of the columns that are given of each file; one text is one LFN."""
    listed = [files] if isinstance(files, str) else files
    given = listed if isinstance(listed, Mapping) else {lfn: {} for lfn in listed}
    return {lfn: dict(columns) for lfn, columns in given.items()}


def _new_row(lfn: str, transformation_id: int, file_id: int, status: str, now: str) -> dict[str, Any]:
    return {
        "LFN": lfn,
        "TransformationID": transformation_id,
        "FileID": file_id,
        "Status": status,
        "TaskID": None,
        "TargetSE": "Unknown",
        "UsedSE": "Unknown",
        "ErrorCount": 0,
        "LastUpdate": now,
        "InsertedTime": None,
    }


def _first(values: list[Any]) -> Any:
    return None if values[0] is None else str(values[0])


def _values(wanted: Any) -> list[Any]:
    return wanted if isinstance(wanted, list) else [wanted]


def _listed(wanted: Any) -> list[Any]:
    """Return the values of which a column must have one; what stands before a boolean is lost, as in DIRAC."""
    values = [_first(value) if isinstance(value, list) else value for value in _values(wanted)]
    last = max((index for index, value in enumerate(values) if isinstance(value, bool)), default=0)
    # All but booleans are sent as texts
    return [value if value is None or isinstance(value, bool) else as_text(value) for value in values[last:]]


def _order(text: Any) -> tuple[str, bool]:
    """Return the column by which rows are sorted, and whether from the last one; ValueError for what is none."""
    name, *rest = text.split(":")
    if not _NAME.fullmatch(name) or (len(rest) == 1 and rest[0].upper() not in ("ASC", "DESC")):
        raise ValueError(text)
    name = name.strip("`")
    return (text if len(rest) > 1 else name), bool(rest) and rest[0].upper() == "DESC"


def _window(limit: Any, offset: Any) -> tuple[int | None, int | None]:
    """Return the first and the last row; TypeError for what is no number."""
    if not limit:
        return None, None
    start = int("%d" % offset) if offset else 0
    return start, start + int("%d" % limit)


def _problem(
    shown: Iterable[str],
    wanted: Mapping[str, Any],
    stamp: str,
    order: list[str],
    window: tuple[int | None, int | None],
) -> tuple[int, str] | None:
    """Return what MySQL finds wrong with the statement: its number and its text."""
    shown, (start, end) = list(shown), window
    lists = [value for value in wanted.values() if isinstance(value, list)]
    lists += [value for values in lists for value in values if isinstance(value, list)]
    huge = start is not None and end is not None and not (0 <= start < _HUGE and 0 <= end - start < _HUGE)
    if not all(lists) or not shown or huge or any(":" in name for name in order):
        return 1064, SYNTAX
    if stamp not in COLUMNS[1:]:
        return 1054, _unknown(f"tf.{stamp}", "WHERE")
    for name, values in wanted.items():
        if any(isinstance(value, list) and len(value) > 1 for value in _values(values)):
            return SEVERAL if len(values) > 1 else illegal(_KINDS.get(name, "int"))
    joined = "LFN" in shown or "LFN" in wanted
    for name in order:
        if name not in shown and joined and name in ("FileID", "Status"):
            return 1052, f"Column '{name}' in ORDER BY is ambiguous"
        if name not in COLUMNS or (name == "LFN" and not joined):
            return 1054, _unknown(name, "ORDER BY")
    return None


_HUGE = 2**64
_KINDS = {
    **dict.fromkeys(("LFN", "Status", "TargetSE", "UsedSE"), "varchar"),
    **dict.fromkeys(("LastUpdate", "InsertedTime"), "datetime"),
}
"""The types of the columns that hold no whole numbers."""
_NAME = re.compile(r"`*[A-Za-z_]\w*`*")
_QUOTED = 192


def _unknown(name: str, where: str) -> str:
    return f"Unknown column '{name[:_QUOTED]}' in '{where}'"


def _matches(
    row: Mapping[str, Any],
    tests: Mapping[str, Callable[[Any], bool]],
    limits: Mapping[str, Any],
    stamp: str,
) -> bool:
    if not all(is_one(row[key]) for key, is_one in tests.items()):
        return False
    if not limits:
        return True
    cell = row[stamp]
    if cell is None:
        return False
    read: Callable[[Any], Any] = _READ.get(_KINDS.get(stamp, "int"), as_number)
    at = {name: read(value) for name, value in limits.items()}
    time = fold(cell) if _KINDS.get(stamp) == "varchar" else cell
    return not ("newer" in at and time < at["newer"]) and not ("older" in at and time >= at["older"])


_READ: dict[str, Callable[[Any], Any]] = {
    "varchar": lambda value: fold(as_text(value)),
    "datetime": lambda value: read_time(value, fraction=True) or "",
}
"""The functions that read what a column of a type is compared with; of the others it is a number."""


def _sorted_by(name: str, row: Mapping[str, Any]) -> Any:
    cell = row[name]
    return cell is not None, fold(cell) if isinstance(cell, str) else cell


def _time(text: str | None) -> dict[str, str] | None:
    return {"__dCls": "dt", "obj": text} if text else None
