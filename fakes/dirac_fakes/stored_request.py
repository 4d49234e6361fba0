"""The request service's reading, merging and checking of a request: plain functions on its JSON form.

This is what DIRAC's ``Request`` object does between the text that arrives and the rows that are kept, written without
such an object: a request is a dict with DIRAC's keys in DIRAC's order, its operations a list of the like.
"""

from __future__ import annotations

import json
from datetime import datetime
from posixpath import isabs
from typing import Any

TIME_FORMAT = "%Y-%m-%d %H:%M:%S"

Plain = dict[str, Any]

_REQUEST_STATUSES = ("Waiting", "Failed", "Done", "Scheduled", "Assigned", "Canceled")
_OPERATION_STATUSES = ("Queued", "Waiting", "Scheduled", "Assigned", "Failed", "Done", "Canceled")
_FILE_STATUSES = ("Waiting", "Failed", "Done", "Scheduled")
_CHECKSUMS = {"ADLER32": "ADLER32", "AD": "ADLER32", "MD5": "MD5", "SHA1": "SHA1"}

_TIMES = ("CreationTime", "SubmitTime", "LastUpdate")
_REQUEST_FIELDS: Plain = {
    "RequestName": None,
    "Owner": None,
    "OwnerGroup": None,
    "Status": "Waiting",
    "Error": None,
    "SourceComponent": None,
    "JobID": 0,
}
_OPERATION_FIELDS: Plain = {
    "Type": None,
    "Status": "Queued",
    "Arguments": None,
    "Order": 0,
    "SourceSE": None,
    "TargetSE": None,
    "Catalog": None,
    "Error": None,
}
_FILE_FIELDS: Plain = {
    "Status": "Waiting",
    "LFN": None,
    "PFN": None,
    "ChecksumType": None,
    "Checksum": None,
    "GUID": None,
    "Attempt": 0,
    "Size": 0,
    "Error": None,
}

# What an operation of each type must have: its own fields, and its files'; no files fields means no files
_NEEDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "ForwardDISET": (("Arguments",), ()),
    "PutAndRegister": (("TargetSE",), ("LFN", "PFN")),
    "ReplicateAndRegister": (("TargetSE",), ("LFN",)),
    "PhysicalRemoval": (("TargetSE",), ("LFN",)),
    "RemoveFile": ((), ("LFN",)),
    "RemoveReplica": (("TargetSE",), ("LFN",)),
    "ReTransfer": (("TargetSE",), ("LFN", "PFN")),
    "RegisterFile": ((), ("LFN", "PFN", "ChecksumType", "Checksum", "GUID")),
    "RegisterReplica": (("TargetSE",), ("LFN", "PFN")),
}
_MERGED_IF_EQUAL = ("Type", "Arguments", "SourceSE", "TargetSE", "Catalog")
MAX_FILES = 10_000
_MAX_CATALOG = 255
_GUID = (8, 4, 4, 4, 12)


def read(given: Plain, now: str) -> Plain:
    """Return the request that DIRAC builds from ``given``; errors are its: ValueError, TypeError, AttributeError."""
    request = _fields(given, ("RequestID",), _REQUEST_FIELDS, now, _REQUEST_STATUSES)
    _must_be_text(request["SourceComponent"])
    request["NotBefore"] = _time(given.get("NotBefore") or now)
    request["Operations"] = [_operation(_item(operation), now) for operation in given.get("Operations", [])]
    settle(request)
    if request["Status"] in ("Done", "Failed") and request["Status"] != (given.get("Status") or request["Status"]):
        request["LastUpdate"] = now
    return request


def _fields(given: Plain, ids: tuple[str, ...], defaults: Plain, now: str | None, statuses: tuple[str, ...]) -> Plain:
    built = {key: given[key] for key in ids if given.get(key)}
    built.update({key: given.get(key) or default for key, default in defaults.items()})
    if built["Status"] not in statuses:
        raise ValueError(f"Unknown status: {built['Status']}")
    if built["Status"] == "Done":
        built["Error"] = given.get("Error") or ""
    if now is not None:
        built.update({key: _time(given.get(key) or now) for key in _TIMES})
    return built


def _time(text: str) -> str:
    return datetime.strptime(text.split(".")[0], TIME_FORMAT).strftime(TIME_FORMAT)  # noqa: DTZ007 - naive, as DIRAC's


def _item(given: Any) -> Any:
    """Return an operation or a file, which may be given as its JSON text; anything else is one without fields."""
    if isinstance(given, str):
        return json.loads(given)
    return given if isinstance(given, dict) else {}


def _operation(given: Plain, now: str) -> Plain:
    operation = _fields(given, ("OperationID",), _OPERATION_FIELDS, now, _OPERATION_STATUSES)
    _must_be_text(operation["Arguments"])
    if catalog := operation["Catalog"]:
        names = catalog.split(",") if isinstance(catalog, str) else catalog[:]  # a dictionary cannot be sliced
        operation["Catalog"] = ",".join(dict.fromkeys(str(name).strip() for name in names if str(name).strip()))
        if len(operation["Catalog"]) > _MAX_CATALOG:
            raise ValueError("Catalog list too long")
    operation["Files"] = files = [_file(_item(file)) for file in given.get("Files", [])]
    if files:
        # The operation was done for a moment, if its first file was
        operation["Error"] = given.get("Error") or ("" if files[0]["Status"] == "Done" else None)
    return operation


def _file(given: Plain) -> Plain:
    file = _fields(given, ("FileID",), _FILE_FIELDS, None, _FILE_STATUSES)
    if file["LFN"] is not None and not isabs(file["LFN"]):
        raise ValueError("LFN should be an absolute path!")
    if kind := file["ChecksumType"]:
        file["ChecksumType"] = _CHECKSUMS[str(kind).strip().upper()]
    if (guid := file["GUID"]) and tuple(map(len, guid.split("-"))) != _GUID:
        raise ValueError(f"'{guid}' is not a valid GUID!")
    return file


def _must_be_text(value: Any) -> None:
    if not isinstance(value, str | None):
        raise TypeError(f"Expected a text, found {value}")


def settle(request: Plain) -> None:
    """Recompute the order and status of operations and the status of the request, as DIRAC does at each change."""
    for order, operation in enumerate(request["Operations"]):
        operation["Order"] = order
        if operation["Files"]:
            _settle_files(operation)
    status, active = "Waiting", False
    for operation in request["Operations"]:
        its = operation["Status"]
        if its == "Failed" and not active:
            status = "Failed"
            break
        if its == "Scheduled" and not active:
            status, active = "Scheduled", True
        elif its in ("Queued", "Waiting"):
            # A later Waiting one makes the request Waiting, even behind a Scheduled one
            status = status if active and its == "Queued" else "Waiting"
            operation["Status"] = "Queued" if active else "Waiting"
            active = True
        elif its == "Done" and not active:
            status = "Done"
            request["Error"] = ""
    request["Status"] = status


def _settle_files(operation: Plain) -> None:
    statuses = {file["Status"] for file in operation["Files"]}
    if "Scheduled" in statuses:
        operation["Status"] = "Scheduled"
    elif "Waiting" in statuses:
        # Which of the queued ones is waiting, the request decides
        operation["Status"] = "Queued"
    elif "Failed" in statuses:
        operation["Status"] = "Failed"
    else:
        operation["Status"] = "Done"


def _lfns(operation: Plain) -> set[str | None]:
    return {file["LFN"] for file in operation["Files"]}


def merge(request: Plain) -> None:
    """Put fail-over pairs in order and merge neighbouring operations that differ in their files only.

    A request that is known already stays as it is.
    """
    if "RequestID" in request:
        return
    merged: list[Plain] = []
    for operation in _replications_first(request["Operations"]):
        last = merged[-1] if merged else None
        if (
            last
            and all(last[key] == operation[key] for key in _MERGED_IF_EQUAL)
            and not _lfns(last) & _lfns(operation)
            and len(last["Files"]) + len(operation["Files"]) <= MAX_FILES
        ):
            last["Files"] += operation["Files"]
        else:
            merged.append(operation)
    request["Operations"] = merged
    settle(request)


def _replications_first(operations: list[Plain]) -> list[Plain]:
    ordered: list[Plain] = []
    pairs: list[tuple[Plain, Plain]] = []

    def close() -> None:
        for column in (0, 1):
            ordered.extend(sorted((pair[column] for pair in pairs), key=lambda operation: operation["TargetSE"]))
        pairs.clear()

    index = 0
    while index < len(operations):
        pair = operations[index : index + 2]
        if [op["Type"] for op in pair] == ["ReplicateAndRegister", "RemoveReplica"] and _lfns(pair[0]) == _lfns(
            pair[1]
        ):
            pairs.append((pair[0], pair[1]))
            index += 2
        else:
            close()
            ordered.append(operations[index])
            index += 1
    close()
    return ordered


def complaint(request: Plain) -> str | None:
    """Return why the request is not valid, in DIRAC's words and order of checks, or None."""
    name, operations = request["RequestName"], request["Operations"]
    if not name:
        return "RequestName not set"
    if not operations:
        return f"Operations not present in request '{name}'"
    for index, operation in enumerate(operations):
        if not operation["Type"]:
            return f"Operation #{index} in request '{name}' hasn't got Type set"
    return _files_complaint(operations) or _fields_complaint(operations) or _checksum_complaint(operations)


def _files_complaint(operations: list[Plain]) -> str | None:
    for index, operation in enumerate(operations):
        kind, has_files = operation["Type"], bool(operation["Files"])
        if kind not in _NEEDS:
            # Nothing after an unknown type is looked at
            return None
        if bool(_NEEDS[kind][1]) != has_files:
            has = "has" if has_files else "hasn't"
            return f"Operation #{index} of type '{kind}' {has} got files to process."
    return None


def _fields_complaint(operations: list[Plain]) -> str | None:
    for index, operation in enumerate(operations):
        own, files = _NEEDS.get(operation["Type"], ((), ()))
        prefix = f"Operation #{index} of type '{operation['Type']}' is missing"
        for field in own:
            if not operation[field]:
                return f"{prefix} {field} attribute."
        for file in operation["Files"]:
            for field in files:
                if not file[field]:
                    return f"{prefix} {field} attribute for file."
    return None


def _checksum_complaint(operations: list[Plain]) -> str | None:
    for index, operation in enumerate(operations):
        for file in operation["Files"]:
            checksum, kind = file["Checksum"], file["ChecksumType"]
            if bool(checksum) != bool(kind):
                return f"File in operation #{index} is missing Checksum ({checksum}) or ChecksumType ({kind})"
    return None


def digest(request: Plain) -> str:
    """Return the one-line-per-operation summary that DIRAC shows."""
    lines = ["Name:" + request["RequestName"]]
    for operation in request["Operations"]:
        parts = [operation["Type"], operation["Type"], operation["Status"], str(operation["Order"])]
        parts += [operation[key] for key in ("TargetSE", "Catalog") if operation[key]]
        if files := operation["Files"]:
            more = f"...+<{len(files) - 1} files>" if len(files) > 1 else ""
            parts.append(f"{files[0]['LFN']}{more}")
        lines.append(":".join(parts))
    return "\n".join(lines)
