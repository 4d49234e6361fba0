"""The base of the clients: it turns a method call into an RPC, and a failed report into an operation.

Keep it this small. A rule of one service belongs in that service's client. Names are DIRAC's.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from dirac_failover.request.operation import Operation
from dirac_failover.wire import dencode
from dirac_failover.wire.rpc import DEFAULT_TIMEOUT, Result, call

if TYPE_CHECKING:
    from collections.abc import Callable


class Client:
    """Calls any method of its service: ``client.method(*args)`` is one RPC.

    The keywords ``timeout`` (seconds) and ``url`` apply to that call only.
    """

    service: ClassVar[str] = ""

    def __init__(self, url: str | None = None, **_connection: Any) -> None:
        """Point at ``url``, or at the class's service; DIRAC's other keywords (certificates, ...) are ignored here."""
        self.serverURL = url or self.service
        self.timeout = DEFAULT_TIMEOUT

    def __getattr__(self, name: str) -> Callable[..., Result]:
        """Return the service's method ``name``."""
        if name.startswith("__"):  # Python's protocols (copying, pickling) look up names too: those are not calls
            raise AttributeError(name)
        return partial(self.executeRPC, call=name)

    def setServer(self, url: str) -> None:
        """Send later calls to ``url``, a ``System/Service`` or a complete URL."""
        self.serverURL = url

    def getServer(self) -> str:
        """Return the destination of calls."""
        return self.serverURL

    def executeRPC(self, *parms: Any, **kws: Any) -> Result:
        """Call the method named by the keyword ``call`` with ``parms``; return the service's answer."""
        server = kws.get("url") or self.serverURL
        return call(server, kws["call"], *parms, timeout=kws.get("timeout") or self.timeout)


def operation_for(type_: str, arguments: Any) -> Operation:
    """Return an operation that repeats a failed report later; ``arguments`` must be encodable (DEncode)."""
    operation = Operation()
    operation.Type = type_
    operation.Arguments = dencode.encode(arguments)
    return operation
