"""Serve a site on a TCP port, with real connections and real failures of them.

A refused connection and a late answer both arrive as a connection that ends without an answer: the services share one
port, and a client should not have to wait for ten minutes. A reset is a reset, and a reply that is
cut ends before its announced length. Beside what :class:`~dirac_failover.serving.site.Site` answers there are DIRAC's
refusals of a request that cannot be read: 411 without a length, 400 with a bad one or with less than was announced, 413
when it is too long, 405 for a verb that HTTP does not know. It is meant for the loopback interface.
"""

from __future__ import annotations

import os
import re
import socket
import struct
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import parse_qsl

from dirac_failover.log import gLogger
from dirac_failover.serving.messages import Broken, HttpRequest, Reply
from dirac_failover.serving.site import Site
from dirac_failover.wire.server import failure

if TYPE_CHECKING:
    import ssl

    from dirac_fakes.world import World

_SPILL: Final = 64 * 1024
"""Bytes that are read beyond the limit: a client does not see the refusal if its sending is cut off."""
_WITHOUT_BODY: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "DELETE"})
_log = gLogger.getSubLogger("server")


class _Handler(BaseHTTPRequestHandler):
    """One request: reads the body, within limits, and sends the site's reply. Connections are not kept."""

    server: SiteServer
    timeout = 60  # seconds for a client that has stopped sending
    server_version = "dirac_failover"
    sys_version = ""

    def _any(self) -> None:
        path, _, query = self.path.partition("?")
        body = self._body()
        if isinstance(body, int):
            self.send_error(body)
            return
        request = HttpRequest(self.command, path, dict(parse_qsl(query)), dict(self.headers), body)
        with self.server.one_by_one:
            reply = self.server.site.answer(request, self.server.url)
        if isinstance(reply, Broken):
            self._break(reply)
        else:
            self._reply_with(reply)

    do_GET = do_HEAD = do_OPTIONS = do_TRACE = do_POST = do_PATCH = do_PUT = do_DELETE = _any

    def _body(self) -> bytes | HTTPStatus:
        """Return the body, or the status that refuses it."""
        header = self.headers.get("Content-Length")
        if header is None:
            return b"" if self.command in _WITHOUT_BODY else HTTPStatus.LENGTH_REQUIRED
        if not re.fullmatch("[0-9]{1,18}", header):
            return HTTPStatus.BAD_REQUEST
        length = int(header)
        body = self.rfile.read(min(length, self.server.max_body + _SPILL))
        if length > self.server.max_body:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        return body if len(body) == length else HTTPStatus.BAD_REQUEST

    def send_error(self, code: int, *_: Any, **__: Any) -> None:
        """Refuse a request without the texts of the base class: they quote the request.

        A verb that has no method here is a 501 to the base class.
        """
        self._reply_with(Reply(*failure(HTTPStatus.METHOD_NOT_ALLOWED if code == HTTPStatus.NOT_IMPLEMENTED else code)))

    def _reply_with(self, reply: Reply) -> None:
        known = reply.status in HTTPStatus._value2member_map_
        self.send_response(reply.status, None if known else "Unknown")
        if reply.status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Type", reply.content_type)
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body[: reply.limit])

    def _break(self, broken: Broken) -> None:
        self.log_message("%s %s: %s", self.command, self.path, broken.event)
        if broken.event == "reset":
            # The socket is closed at once, without lingering, before the server's orderly shutdown
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", True, 0))
            os.close(self.connection.detach())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Log at the level debug."""
        _log.debug(format % args)


class SiteServer(ThreadingMixIn, TCPServer):
    """Serves the site of ``world`` on ``host`` and ``port`` (0: a free one) for the length of a ``with`` block.

    ``url`` is where it is. With ``context``, a server-side ``ssl.SSLContext``, it speaks HTTPS. The world is called
    from other threads, but by one at a time.
    """

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128
    max_body = 100 * 1024 * 1024
    """The largest request in bytes: the limit of the real server."""

    def __init__(
        self, world: World, *, host: str = "127.0.0.1", port: int = 0, context: ssl.SSLContext | None = None
    ) -> None:
        """Bind the port; nothing is answered before the ``with`` block begins."""
        super().__init__((host, port), _Handler)
        self.site = Site(world)
        self.one_by_one = Lock()
        self.url = f"{'https' if context else 'http'}://{host}:{self.server_address[1]}"
        if context:  # the thread of the request does the handshake, so that it delays no other request
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = Thread(target=self.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        """Begin to answer."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop answering and give the port back."""
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log why a connection failed (the client closed it, or TLS failed); the server goes on."""
        _log.exception("A connection failed", f"{client_address} {type(request).__name__}")
