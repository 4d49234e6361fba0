"""The administration of a world over HTTP: faults, recovery, journal, snapshot, reset, in plain JSON.

====== ================= ===================================================================================
GET    /admin/faults     the faults that are armed, and those that never struck
POST   /admin/faults     arms the faults of ``{"faults": [...]}``, as text or as JSON: all of them, or none
DELETE /admin/faults     disarms all faults
POST   /admin/recover    the same: ends all outages; the state and the journal stay
GET    /admin/journal    every call, one line of JSON each
GET    /admin/snapshot   what the services hold
POST   /admin/reset      back to the start: state, journal, no faults
====== ================= ===================================================================================

A request that cannot be done is answered with a status of 400 or more and ``{"error": ...}``. ``dirac-failover schema
admin`` describes the messages.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from dirac_failover.serving.messages import Reply, json_reply
from dirac_failover.spec.shape import ShapeError, parse
from dirac_fakes.faults import FILE, LOCAL, PROCESS, Fault, FaultError, as_fault
from dirac_fakes.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

    from dirac_failover.serving.messages import HttpRequest

_JSON_LINES: Final = "application/x-ndjson"
_LOCAL_USERS: Final = {FILE: "opens the file", PROCESS: "runs the process"}


class AdminError(Exception):
    """A request that cannot be done; the answer contains the message."""


@dataclass(frozen=True)
class _Arm:
    """The body of ``POST /admin/faults``."""

    faults: list[Any]


@dataclass(frozen=True)
class _Parts:
    """A fault in its parts."""

    target: str
    method: str | None = None
    kind: str = Fault.kind
    value: Any = None
    schedule: str = "always"


def answer(world: World, request: HttpRequest, *_: str) -> Reply:
    """Answer a request, or say why it cannot be done."""
    path = request.path.rstrip("/")
    verbs = {verb: do for (verb, at), do in _TABLE.items() if at == path}
    if not verbs:
        paths = ", ".join(dict.fromkeys(at for _, at in _TABLE))
        return _error(HTTPStatus.NOT_FOUND, f"There is no {request.path}; there are: {paths}")
    if request.verb not in verbs:
        return _error(HTTPStatus.METHOD_NOT_ALLOWED, f"{path} takes {', '.join(verbs)}, not {request.verb}")
    try:
        return verbs[request.verb](world, request.body)
    except (AdminError, FaultError, ShapeError) as error:
        return _error(HTTPStatus.BAD_REQUEST, str(error))


def _error(status: int, message: str) -> Reply:
    return json_reply({"error": message}, status)


def read_fault(given: Any) -> Fault:
    """Return the fault that ``given``, text or JSON, is; raises FaultError for one that no service could have."""
    fault = as_fault(given) if isinstance(given, str) else Fault(**asdict(parse(_Parts, given)))
    if fault.target in LOCAL:
        raise FaultError(f"{fault}: a service cannot have it; it is for code that {_LOCAL_USERS[fault.target]}")
    return fault


def _faults(world: World, *_: bytes) -> Reply:
    return json_reply({name: [fault.to_json() for fault in faults] for name, faults in (
        ("armed", world.armed()), ("unfired", world.unfired()))})  # fmt: skip


def _arm(world: World, body: bytes) -> Reply:
    try:
        given = json.loads(body)
    except (ValueError, RecursionError) as error:  # bytes that are no text, too
        raise AdminError(f"The body is not JSON: {error}") from error
    for fault in [read_fault(each) for each in parse(_Arm, given).faults]:
        world.arm(fault)
    return _faults(world)


def _then_faults(change: Callable[[World], None]) -> Callable[[World, bytes], Reply]:
    """Return the answer that changes the world, and says which faults there are then."""

    def answer(world: World, _: bytes) -> Reply:
        change(world)
        return _faults(world)

    return answer


_TABLE: Final[dict[tuple[str, str], Callable[[World, bytes], Reply]]] = {
    ("GET", "/admin/faults"): _faults,
    ("POST", "/admin/faults"): _arm,
    ("DELETE", "/admin/faults"): _then_faults(World.recover),
    ("POST", "/admin/recover"): _then_faults(World.recover),
    ("GET", "/admin/journal"): lambda world, _: Reply(
        HTTPStatus.OK, _JSON_LINES, world.journal.to_json_lines().encode()
    ),
    ("GET", "/admin/snapshot"): lambda world, _: json_reply(world.snapshot()),
    ("POST", "/admin/reset"): _then_faults(World.reset),
}
