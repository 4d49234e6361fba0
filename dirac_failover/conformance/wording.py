"""Words for people: numbers and lists of things, and operations with their arguments decoded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from dirac_failover.conformance.recording import PLAIN
from dirac_failover.wire import dencode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dirac_failover.spec.outcome import Json

_NAMED: Final = 3


def count(number: int, what: str) -> str:
    """Return ``1 record`` or ``2 records``."""
    return f"{number} {what}" + ("" if number == 1 else "s")


def times(number: int) -> str:
    """Return how often."""
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


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


def operation_of(fields: Mapping[str, Any]) -> dict[str, Json]:
    """Return an operation for people: its arguments decoded (None when they cannot be), its files as LFNs."""
    names = ("Type", "Status", "Arguments", "SourceSE", "TargetSE", "Catalog", "Error")
    return {
        **{name: fields[name] for name in names},
        "decoded": _decoded(fields["Arguments"]),
        "Files": [file["LFN"] for file in fields["Files"]],
    }


def _decoded(arguments: str | None) -> Json:
    if not arguments:
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


def describe(operation: Mapping[str, Any]) -> str:
    """Return what an operation does, in one line."""
    decoded = operation["decoded"]
    what = some(operation["Files"])
    if stub := stub_of(decoded):
        what = f"{stub[0]}.{stub[1]}"
    elif isinstance(decoded, dict) and isinstance(decoded.get("statusDict"), dict):
        what = "; ".join(f"{some(lfns)} to {status}" for status, lfns in grouped(decoded["statusDict"]).items())
    return f"operation {operation['Type']}" + (f" ({what})" if what else "")
