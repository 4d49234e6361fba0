"""Transformation/TransformationManager: which file of which transformation has which status.

Method names, arguments and answers are DIRAC's. Conditions are compared as MySQL compares numbers and their texts;
rows come by file ID unless an order is asked for. What may change here: methods that clients start to use.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dirac_fakes.service import Result, Service, names, ok, refusal

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
_MYSQL = 1131
_FOREIGN_KEY = (
    "Execution failed.: ((1452, 'Cannot add or update a child row: a foreign key constraint fails "
    "(`TransformationDB`.`TransformationFiles`, CONSTRAINT `TransformationFiles_ibfk_2` FOREIGN KEY (`FileID`) "
    "REFERENCES `DataFiles` (`FileID`))') )"
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

    __slots__ = ()

    def start(self) -> None:
        """Forget everything."""
        self.state = {"transformations": {}, "ids": {}, "files": {}}

    def add(self, transformation_id: int, files: Iterable[str] | Mapping[str, Mapping[str, Any]] = ()) -> None:
        """Register a transformation of the present caller's with its files.

        ``files`` are LFNs, or LFNs with the columns in which they differ from a file Assigned to task 1. A file that
        another transformation knows keeps its ID. Raises ValueError for a column that does not exist.
        """
        caller = self.world.caller
        self.state["transformations"][transformation_id] = {"Author": caller.username, "AuthorGroup": caller.group}
        rows = self.state["files"].setdefault(transformation_id, {})
        ids = self.state["ids"]
        now = self._now()
        for lfn, given in by_lfn(files).items():
            if unknown := given.keys() - COLUMNS:
                raise ValueError(f"A file has no {', '.join(sorted(unknown))}; it has {', '.join(COLUMNS)}")
            file_id = given.get("FileID") or ids.setdefault(lfn, FIRST_FILE_ID + len(ids))
            ids[lfn] = file_id
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
        updates = [(int(file_id), *pair) for file_id, pair in dictOfNewFilesStatus.items()]
        lfns = {file_id: lfn for lfn, file_id in self.state["ids"].items()}
        rows = self.state["files"][transformation_id]
        now = self._now()
        # One statement for the files in error and one for the others, in the order in which they were first met
        for error in dict.fromkeys(error for _, _, error in updates):
            group = [(file_id, status) for file_id, status, its_error in updates if its_error == error]
            if any(file_id not in lfns for file_id, _ in group):
                return refusal(_FOREIGN_KEY, _MYSQL)
            for file_id, status in group:
                if row := rows.get(file_id):
                    row.update(Status=status, LastUpdate=now, ErrorCount=row["ErrorCount"] + bool(error))
                else:
                    rows[file_id] = _new_row(lfns[file_id], transformation_id, file_id, status, now)
        return ok()

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
        for key in conditions or ():
            if key not in COLUMNS:
                return refusal(f"Invalid key {key} in condDict")
        rows = [row for files in self.state["files"].values() for row in files.values()]
        for key, wanted in (conditions or {}).items():
            among = {_text(item) for item in (wanted if isinstance(wanted, list) else [wanted])}
            rows = [row for row in rows if _text(row[key]) in among]
        older, newer, stamp = span
        if stamp and newer:
            rows = [row for row in rows if row[stamp] and row[stamp] >= str(newer)]
        if stamp and older:
            rows = [row for row in rows if row[stamp] and row[stamp] < str(older)]
        # Without any condition DIRAC forgets order and limit too
        if conditions or older or newer:
            for attribute in reversed(order if isinstance(order, list) else [order] if order else []):
                name, _, direction = attribute.partition(":")
                rows.sort(key=_sort_key(name), reverse=direction.upper() == "DESC")
            limit, offset = window
            if limit:
                rows = rows[offset:][:limit]
        sent = [
            {**row, "LastUpdate": _time(row["LastUpdate"]), "InsertedTime": _time(row["InsertedTime"])} for row in rows
        ]
        return ok(sent if columns is None else [{column: row[column] for column in columns} for row in sent])

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


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _sort_key(name: str) -> Callable[[dict[str, Any]], tuple[bool, Any]]:
    return lambda row: (row[name] is not None, row[name])


def _time(text: str | None) -> dict[str, str] | None:
    return {"__dCls": "dt", "obj": text} if text else None
