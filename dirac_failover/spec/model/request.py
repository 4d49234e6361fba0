"""The request: its operations and their files, its statuses, its validation and its texts, step by step."""

from __future__ import annotations

import datetime as dt
import json
from itertools import takewhile
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from dirac_failover.spec.profiles import Profile
    from dirac_failover.spec.scenario import Json

NEEDS: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
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
"""The fields that an operation of each type needs, and those that each of its files needs; without these, no files."""


def operation(
    Type: str | None = None, Arguments: str | None = None, ArgumentsHex: str = "", Files: Json = (), **fields: Json
) -> dict[str, Json]:
    """Return the fields of an operation, of which ``fields`` are those beyond the usual."""
    given = bytes.fromhex(ArgumentsHex) if ArgumentsHex else Arguments
    return {"Type": Type, "Arguments": given, "Files": list(Files), **fields}


def file_of(given: Json) -> dict[str, Json]:
    """Return the fields of an operation's file in the order of J.3; ``given`` is its LFN, or fields that are set."""
    return {
        "Status": "Waiting", "LFN": None, "PFN": None, "ChecksumType": None, "Checksum": None, "GUID": None,
        "Attempt": 0, "Size": 0, "Error": None,
    } | ({"LFN": given} if isinstance(given, str) else given)  # fmt: skip


_TIMES: Final = dict.fromkeys(("CreationTime", "SubmitTime", "LastUpdate"), "<time>")


def as_text(request: dict[str, Json], profile: Profile) -> str:
    """Serialise the request: `Request.toJSON`.

    Separators are `, ` and `: `; text that is not ASCII is escaped. Times are texts such as `2026-01-01 12:00:00`.

    J.1. Write an object with these keys, in this order: RequestName, Owner (in DIRAC 8.0: OwnerDN), OwnerGroup, Status
         and Error (both from O), in DIRAC 8.0 DIRACSetup with null, SourceComponent, JobID, CreationTime, SubmitTime,
         LastUpdate, NotBefore, Operations.
    J.2. Each operation is an object with Type, Status, Arguments, Order (its index, from 0), SourceSE, TargetSE,
         Catalog, Error, CreationTime, SubmitTime, LastUpdate and Files. Arguments that are bytes are decoded as UTF-8;
         UnicodeDecodeError if that fails.
    J.3. Each file is an object with Status (`Waiting`), LFN, PFN, ChecksumType, Checksum, GUID, Attempt (0), Size (0)
         and Error.
    """
    numbered = [{**operation} for operation in request["Operations"]]
    status, error = number_operations(numbered)
    operations = [
        {
            "Type": item["Type"], "Status": item["Status"],
            "Arguments": item["Arguments"].decode() if isinstance(item["Arguments"], bytes) else item["Arguments"],
            "Order": index, "SourceSE": None, "TargetSE": item.get("TargetSE"), "Catalog": item.get("Catalog"),
            "Error": item.get("Error"), **_TIMES, "Files": [*map(file_of, item["Files"])],
        }
        for index, item in enumerate(numbered)
    ]  # fmt: skip
    setup = {"DIRACSetup": None} if profile.setup else {}
    return json.dumps({
        "RequestName": request["RequestName"], profile.owner: request["Owner"], "OwnerGroup": request["OwnerGroup"],
        "Status": status, "Error": error, **setup, "SourceComponent": request["SourceComponent"],
        "JobID": request["JobID"], **_TIMES, "NotBefore": "<time>", "Operations": operations,
    })  # fmt: skip


def number_operations(operations: list[Json]) -> tuple[str, str | None]:
    """Compute the statuses of the operations.

    The result is the Status and the Error of the request.

    O.1. An operation without Status is Queued. The request's Status begins as Waiting, its Error as null.
    O.2. Take each operation in order. "Behind" means that an operation before it had another Status than Done.
    O.3. If it is Done, its Error becomes empty; unless it is behind, so does the request's Error, and the request's
         Status becomes Done.
    O.4. If it is Queued or Waiting, it becomes Queued if it is behind, otherwise Waiting. The request's Status becomes
         Waiting if the operation was Waiting, or is not behind.
    O.5. If it has any other Status (such as Failed or Scheduled) and is not behind, the request's Status becomes that;
         if it is Failed, stop.
    """
    status, error, behind = "Waiting", None, False
    for operation in operations:
        operation.setdefault("Status", "Queued")
    for operation in operations:
        has = operation["Status"]
        if has == "Done":
            operation["Error"] = ""
        if has in {"Queued", "Waiting"}:
            operation["Status"] = "Queued" if behind else "Waiting"
            status = "Waiting" if has == "Waiting" or not behind else status
        elif not behind:
            status, error = has, "" if has == "Done" else error
        if has == "Failed" and not behind:
            break
        behind = behind or has != "Done"
    return status, error


def invalid(request: Json, profile: Profile) -> str:
    """Validate the request: `RequestValidator.validate`.

    The result is the text of the first rule that the request breaks. Operations are counted from 0. The table says what
    operations of each type need.

    V.1. Without RequestName: `RequestName not set`.
    V.2. Without Owner: `Request '{RequestName}' is missing both Owner and OwnerDN value`; in DIRAC 8.0, where the field
         is OwnerDN: `Request '{RequestName}' is missing OwnerDN value`.
    V.3. Without OwnerGroup: `Request '{RequestName}' is missing OwnerGroup value`.
    V.4. For each operation without Type: `Operation #{index} in request '{RequestName}' hasn't got Type set`.
    V.5. For each operation, up to the first one whose type is not in the table: if it has files, and the table names no
         field of files: `Operation #{index} of type '{Type}' has got files to process.`; if it has none, and the table
         names one: `Operation #{index} of type '{Type}' hasn't got files to process.`
    V.6. For each operation whose type is in the table, and each field that it lacks: `Operation #{index} of type
         '{Type}' is missing {field} attribute.`; then for each of its files, and each field that the file lacks:
         `Operation #{index} of type '{Type}' is missing {field} attribute for file.`
    V.7. For each file of any operation that has only one of Checksum and ChecksumType: `File in operation #{index} is
         missing Checksum ({Checksum}) or ChecksumType ({ChecksumType})`.
    V.8. Otherwise the request is valid.
    """
    name = request["RequestName"]
    if not name:
        return "RequestName not set"
    if not request["Owner"]:
        missing = "both Owner and OwnerDN" if profile.owner == "Owner" else profile.owner
        return f"Request '{name}' is missing {missing} value"
    if not request["OwnerGroup"]:
        return f"Request '{name}' is missing OwnerGroup value"
    return next(_complaints(name, [*enumerate(request["Operations"])]), "")


def _complaints(name: str, operations: list[tuple[int, Json]]) -> Iterator[str]:
    for index, item in operations:
        if not item["Type"]:
            yield f"Operation #{index} in request '{name}' hasn't got Type set"
    for index, item in takewhile(lambda pair: pair[1]["Type"] in NEEDS, operations):
        if bool(item["Files"]) != bool(NEEDS[item["Type"]][1]):
            verb = "has" if item["Files"] else "hasn't"
            yield f"Operation #{index} of type '{item['Type']}' {verb} got files to process."
    for index, item in operations:
        of_operation, of_files = NEEDS.get(item["Type"], ((), ()))
        lacks = [f"{field} attribute." for field in of_operation if not item.get(field)]
        files = map(file_of, item["Files"])
        lacks += [f"{field} attribute for file." for file in files for field in of_files if not file[field]]
        yield from (f"Operation #{index} of type '{item['Type']}' is missing {lacking}" for lacking in lacks)
    for index, item in operations:
        for kind, text in ((file["ChecksumType"], file["Checksum"]) for file in map(file_of, item["Files"])):
            if bool(kind) != bool(text):
                yield f"File in operation #{index} is missing Checksum ({text}) or ChecksumType ({kind})"


def forward(answer: Json) -> Json:
    """Make the operation that repeats the call of an answer.

    DO.1. The operation has the Type ForwardDISET, and as Arguments the encoding (D) of the answer's rpcStub (SC).
    """
    return operation("ForwardDISET", encoded(answer["rpcStub"]))


def encoded(value: Json) -> str:
    """Encode a value as a text: `DEncode.encode`.

    D.1. null is `n`; true is `b1`, false is `b0`; the integer 12 is `i12e`; the float 1.5 is `f1.5e`; the text `abc` is
         `s3:abc`, where 3 is the number of its bytes in UTF-8.
    D.2. A list is `l`, its elements and `e`; a tuple is `t`, its elements and `e`; an object is `d`, each key followed
         by its value, and `e`.
    D.3. A date with time is `za` and the tuple (year, month, day, hour, minute, second, microsecond, null).
    """
    return ENCODED[type(value)](value)


def _in_turn(values: Iterable[Json]) -> str:
    return "".join(map(encoded, values))


TIME_LENGTH: Final = len("2026-01-01 12:00:00.000001")

ENCODED: Final[dict[type, Callable[[Json], str]]] = {
    bool: lambda value: f"b{value:d}",
    int: lambda value: f"i{value}e",
    str: lambda value: f"s{TIME_LENGTH if value.startswith('<T') else len(value.encode())}:{value}",
    list: lambda value: f"l{_in_turn(value)}e",
    tuple: lambda value: f"t{_in_turn(value)}e",
    dict: lambda value: f"d{_in_turn(item for pair in value.items() for item in pair)}e",
    dt.datetime: lambda value: f"zat{_in_turn((*value.timetuple()[:6], value.microsecond))}ne",
}
"""The encoding of each type. An observation has a short name in the place of a time, which counts as the time."""
