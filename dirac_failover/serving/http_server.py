"""A site behind a port: real connections, and real failures of them.

A refused connection and an answer that does not come in time both arrive as a connection that ends without a word: the
services share one port, and nobody wants to wait for ten minutes. A reset is a reset, and a reply that is cut ends
before its announced length. Everything else is :class:`dirac_failover.wire.server.Server`'s.
"""

from __future__ import annotations

import os
import socket
import struct
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from dirac_failover.serving.site import Broken, Request, Site
from dirac_failover.wire.server import Handler, Server

if TYPE_CHECKING:
    import ssl

    from dirac_failover.serving.site import Reply
    from dirac_fakes.world import World


class _Handler(Handler):
    """One request to a site."""

    server: SiteServer

    def _any(self) -> None:
        path, _, query = self.path.partition("?")
        body = b"" if self.command in {"GET", "DELETE"} and "Content-Length" not in self.headers else self.body()
        if not isinstance(body, bytes):
            self._send(*body)
            return
        request = Request(self.command, path, dict(parse_qsl(query)), dict(self.headers), body)
        with self.server.one_by_one:
            reply = self.server.site.answer(request, self.server.url)
        if isinstance(reply, Broken):
            self._break(reply)
        else:
            self._reply_with(reply)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _any

    def _reply_with(self, reply: Reply) -> None:
        known = reply.status in HTTPStatus._value2member_map_
        self.send_response(reply.status, None if known else "Unknown")
        if reply.status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Type", reply.content_type)
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body[: reply.limit])

    def _break(self, broken: Broken) -> None:
        self.log_message("%s %s: %s", self.command, self.path, broken.event)
        if broken.event == "reset":
            # Closed at once, without lingering, and before the server says good-bye in an orderly way
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", True, 0))
            os.close(self.connection.detach())


class SiteServer(Server):
    """Serves the site of ``world`` for the length of a ``with`` block, as :class:`Server` serves a transport."""

    def __init__(
        self, world: World, *, host: str = "127.0.0.1", port: int = 0, context: ssl.SSLContext | None = None
    ) -> None:
        """Bind the port."""
        super().__init__(world, host=host, port=port, context=context, handler=_Handler)
        self.site = Site(world)
