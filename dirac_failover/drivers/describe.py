"""Words for people: numbers and lists of things, and operations with their arguments decoded."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, cast

from typing_extensions import TypedDict

from dirac_failover.spec.duties import DueKind
from dirac_failover.spec.observation import OPERATION_FIELDS, Json, Scrubber
from dirac_failover.wire import dencode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from dirac_failover.spec.duties import Due

_NAMED: Final = 3
NEVER_THE_SAME: Final = frozenset({"CallStack", "ExecInfo", "rpcStub"})
"""The keys of an answer that differ in each run."""


class _Plain(Scrubber):
    """Makes plain data of any value, and leaves times unchanged: they are numbered once, over the whole report."""

    __slots__ = ()
    hidden = NEVER_THE_SAME

    def text(self, value: str) -> str:
        return value if value.isascii() else value.encode(errors="backslashreplace").decode()

    def other(self, value: Any) -> Json:
        return str(value) if isinstance(value, datetime) else super().other(value)


PLAIN: Final = _Plain()


def count(number: int, what: str) -> str:
    """Return ``1 record`` or ``2 records``."""
    return f"{number} {what}" + ("" if number == 1 else "s")


def some(names: Sequence[Any], most: int = _NAMED) -> str:
    """Name the first few, and count the rest."""
    more = len(names) - most
    return ", ".join(map(str, names[:most])) + (f" and {more} more" if more > 0 else "")


def grouped(statuses: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the files by their status."""
    groups: dict[str, list[str]] = {}
    for lfn, status in statuses.items():
        groups.setdefault(str(status), []).append(lfn)
    return groups


class OperationState(TypedDict):
    """An operation of a request, by DIRAC's names."""

    Type: str | None
    Status: str
    Arguments: str | None
    """The arguments as text."""
    decoded: Json
    """The arguments as values; null when they cannot be decoded."""
    SourceSE: str | None
    TargetSE: str | None
    Catalog: str | None
    Error: str | None
    Files: list[str | None]
    """The LFNs of the files."""


def operation_of(fields: Mapping[str, Any]) -> OperationState:
    """Return an operation for people: its arguments decoded (None when they cannot be), its files as LFNs."""
    own = {name: fields[name] for name in OPERATION_FIELDS}
    files = [file["LFN"] for file in fields["Files"]]
    return cast("OperationState", {**own, "decoded": decoded(fields["Arguments"]), "Files": files})


def decoded(arguments: Json) -> Json:
    """Return the arguments of an operation as plain values; None when they cannot be decoded."""
    if type(arguments) is not str or not arguments:
        return None
    try:
        return PLAIN.plain(dencode.decode(arguments.encode(errors="backslashreplace"))[0])
    except dencode.DecodeError:
        return None


def stub_of(decoded: Json) -> tuple[str, str, list[Json]] | None:
    """Return service, method and arguments of the call that decoded arguments stand for; None if for something else."""
    match decoded:
        case [[str(service), *_], str(method), [*args]]:
            return service, method, args
    return None


_FIELDS: Final = {"Status": "status", "MinorStatus": "minor status", "ApplicationStatus": "application status"}


def told_of(dues: Iterable[Due]) -> list[str]:
    """Return the dues in words; files of one status, equal operations and accounting records share a text."""
    groups: dict[tuple[Any, ...], list[str]] = {}
    for kind, of, said, _ in dues:
        place, name = _GROUPED[kind](of) if kind in _GROUPED else (of, "")
        groups.setdefault((kind, place, said), []).append(name)
    return [_TOLD[kind](place, names, said) for (kind, place, said), names in groups.items()]


_GROUPED: Final[dict[DueKind, Callable[[tuple[str, ...]], tuple[Any, str]]]] = {
    DueKind.FILE: lambda of: of,  # type: ignore[dict-item,return-value] # transformation and LFN
    DueKind.INPUT: lambda of: of,  # type: ignore[dict-item,return-value]
    DueKind.RECORD: lambda _: ("", ""),
    DueKind.OPERATION: lambda of: ((*of[:5], bool(of[5])), of[5]),
}
"""The key that groups dues of a kind, and the name of a due in its group; other kinds have no groups."""
_TOLD: Final[dict[DueKind, Callable[[Any, list[str], str], str]]] = {
    DueKind.FILE: lambda place, lfns, status: f"status {status} of {some(lfns)} in transformation {place}",
    DueKind.INPUT: lambda place, lfns, _: f"status of {some(lfns)} in transformation {place}: no report of it was seen",
    DueKind.STATUS: lambda of, _, text: f"{_FIELDS[of[2]]} {text!r} of job {of[0]}",
    DueKind.SHOWN: lambda of, _, text: f"{_FIELDS[of[1]]} {text!r} as the one that job {of[0]} shows",
    DueKind.PARAMETER: lambda of, _, value: f"parameter {of[1]!r} of job {of[0]}, {value}",
    DueKind.RECORD: lambda _, records, __: count(len(records), "accounting record"),
    DueKind.OPERATION: lambda of, lfns, call: f"operation {of[0] or 'of no type'}" + _in_brackets(call or some(lfns)),
    DueKind.UNSEEN: lambda of, *_: str(of[0]),
}


def _in_brackets(text: str) -> str:
    return f" ({text})" if text else ""


def describe(operation: Mapping[str, Any]) -> str:
    """Return what an operation does, in one line."""
    decoded = operation["decoded"]
    what = some(operation["Files"])
    if stub := stub_of(decoded):
        what = f"{stub[0]}.{stub[1]}"
    elif isinstance(decoded, dict) and isinstance(decoded.get("statusDict"), dict):
        what = "; ".join(f"{some(lfns)} to {status}" for status, lfns in grouped(decoded["statusDict"]).items())
    return f"operation {operation['Type']}" + _in_brackets(what)
