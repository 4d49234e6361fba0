"""The one seam between clients and the world: the transport of RPCs, their caller, and the configuration's options.

A client never knows whether it talks to the in-memory services or to a server: it uses :func:`call`, which takes the
connection of the current context. :func:`connect` sets it. Contexts do not follow into new threads by themselves: a
client that starts one hands it a copy (``contextvars.copy_context``).

The shape of the stub is DIRAC's Tornado client's and must stay.
"""

from __future__ import annotations

import random
import time
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from DIRACCommon.Core.Utilities.ReturnValues import S_ERROR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

Result = dict[str, Any]
"""A DIRAC return structure: ``{'OK': True, 'Value': ...}`` or ``{'OK': False, 'Errno': int, 'Message': str, ...}``."""

DEFAULT_TIMEOUT = 600
"""Seconds that a call may take, unless its client sets others (DIRAC's default, which every stub contains)."""


class Transport(Protocol):
    """Carries one call to a service and brings back its return structure, never an exception.

    The answer carries ``rpcStub`` (see :func:`make_stub`) when the call can be replayed from it: that is what fail-over
    is built from.
    """

    def __call__(self, service: str, method: str, args: tuple[Any, ...], *, timeout: int = DEFAULT_TIMEOUT) -> Result:
        """Call ``method`` of ``service`` (``System/Service`` or a URL) with ``args`` within ``timeout`` seconds."""
        ...


@dataclass(frozen=True, slots=True)
class Connection:
    """The connection of the clients of one context to the world."""

    transport: Transport
    owner: str | None = None
    group: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    sleep: Callable[[float], None] = time.sleep
    random: random.Random = field(default_factory=random.Random)


def make_stub(service: str, method: str, args: tuple[Any, ...], timeout: int = DEFAULT_TIMEOUT) -> tuple[Any, ...]:
    """Describe a call so that it can be repeated later, in the shape of DIRAC's Tornado client."""
    return ((service, {"timeout": timeout, "useAccessToken": False}), method, list(args))


def _nowhere(service: str, method: str, args: tuple[Any, ...], *, timeout: int = DEFAULT_TIMEOUT) -> Result:
    unconnected = f"No transport is connected, so {service}.{method} reached no service"
    result = S_ERROR(f"{unconnected}: wrap the calls in dirac_failover.connect(transport)")
    return {**result, "rpcStub": make_stub(service, method, args, timeout)}


_CONNECTION: ContextVar[Connection] = ContextVar("dirac_failover_connection")
_UNCONNECTED = Connection(_nowhere)


def connection() -> Connection:
    """Return the connection of this context; without one, a connection whose every call is a clear error."""
    return _CONNECTION.get(_UNCONNECTED)


@contextmanager
def using(new: Connection) -> Iterator[Connection]:
    """Let this be the connection of this context for the length of a ``with`` block."""
    token = _CONNECTION.set(new)
    try:
        yield new
    finally:
        _CONNECTION.reset(token)


def connect(
    transport: Transport,
    *,
    owner: str | None = None,
    group: str | None = None,
    options: Mapping[str, str] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> AbstractContextManager[Connection]:
    """Connect the clients of this context to ``transport`` for the length of a ``with`` block.

    ``owner`` and ``group`` are what a proxy would say: new requests belong to them. ``options`` are configuration
    options by their DIRAC path. ``sleep`` takes the seconds that a client wants to wait between tries.
    """
    return using(Connection(transport, owner, group, options or {}, sleep))


def call(service: str, method: str, *args: Any, timeout: int = DEFAULT_TIMEOUT) -> Result:
    """Call ``method`` of ``service`` through the connection of this context."""
    return connection().transport(service, method, args, timeout=timeout)
