"""The server end of DIRAC's HTTPS services: it answers their protocol out of any in-process transport.

:func:`answer` is the protocol, a pure function; :class:`Server` puts it behind a port of the loopback interface:
with it, clients of DIRAC and programs in other languages can call the services of this process. Statuses are DIRAC's:

===================================================================  =============
the path is none of the services                                     404
anything but POST                                                    405
no length, a bad one or not what came, a body that is too long       411, 400, 413
no ``method``, or a form that cannot be read                         400
the transport answers with ``Errno`` 38: it has no such method       501
arguments that are not a JSON list, an exception, a result not JSON  500
everything else, a return structure with ``OK`` false included       200
===================================================================  =============

What went wrong is told to the log of this side only. Nobody is asked who he is, so there is no 401, and the place for
it is the loopback interface.
"""

from __future__ import annotations

import errno
import re
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import parse_qsl

from dirac_failover import vocabulary as v
from dirac_failover.log import gLogger
from dirac_failover.wire import jencode

if TYPE_CHECKING:
    import ssl
    from collections.abc import Collection, Mapping

    from dirac_failover.wire.rpc import Transport

    Reply = tuple[int, str, bytes]

SERVICES: Final = frozenset((v.JOB_STATE, v.TRANSFORMATION, v.DATA_STORE, v.REQ_MANAGER, v.REQ_PROXY))
"""What is served unless a server is told otherwise."""

MAX_BODY: Final = 100 * 1024 * 1024
"""Bytes that a form may have: what the real server takes."""

MAX_FIELDS: Final = 100
"""Fields that a form may have; there are six."""

_SPILL: Final = 64 * 1024
"""Bytes read beyond the limit: a client whose sending is cut off does not see why."""

_OWN: Final = ("CallStack", "ExecInfo", "rpcStub")
JSON: Final = "application/json"
HTML: Final = "text/html; charset=UTF-8"

_log = gLogger.getSubLogger("server")


def failure(status: int) -> Reply:
    """Return the page for an error ``status``; it says nothing but the status."""
    title = f"{status}: {HTTPStatus(status).phrase}"
    return status, HTML, f"<html><title>{title}</title><body>{title}</body></html>".encode()


def answer(transport: Transport, service: str, form: Mapping[str, str]) -> Reply:
    """Return status, content type and body of the reply to ``form``, sent to ``service``; never raises.

    The transport is called with ``method`` and ``args`` of the form. What its answer holds for this side only (the call
    stack, the stub) is taken out. None has an empty body, and a text is sent as it is.
    """
    method = form.get("method")
    if method is None:
        return failure(HTTPStatus.BAD_REQUEST)
    try:
        args, _ = jencode.decode(form.get("args", "[]"))
        if not isinstance(args, list):
            raise TypeError(f"args is not a list but {type(args).__name__}")  # noqa: TRY301 - answered as what follows
        result: Any = transport(service, method, tuple(args))
        if isinstance(result, dict):
            if result.get("Errno") == errno.ENOSYS:
                return failure(HTTPStatus.NOT_IMPLEMENTED)
            result = {key: kept for key, kept in result.items() if key not in _OWN}
        if result is None or isinstance(result, str):
            return HTTPStatus.OK, HTML, (result or "").encode()
        return HTTPStatus.OK, JSON, jencode.encode(result).encode()
    except Exception as error:  # noqa: BLE001 - a server says 500 and lives on
        _log.exception(f"{service}.{method} failed", repr(error))
        return failure(HTTPStatus.INTERNAL_SERVER_ERROR)


def parse_form(body: bytes) -> dict[str, str]:
    """Return the fields of a form, of which the last of a name counts; raises ``ValueError`` for what is none."""
    return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS))


class Handler(BaseHTTPRequestHandler):
    """One request: reads the form, within limits, and writes what :func:`answer` says. Connections are not kept."""

    server: Server
    timeout = 60  # seconds for a client that has stopped sending
    server_version = "dirac_failover"
    sys_version = ""

    def do_POST(self) -> None:
        """Answer a call."""
        self._send(*self._reply())

    def _service(self) -> str:
        return self.path.partition("?")[0].strip("/")

    def _reply(self) -> Reply:
        service = self._service()
        body = self.body(service in self.server.services)
        if not isinstance(body, bytes):
            return body
        try:
            form = parse_form(body)
        except ValueError:
            return failure(HTTPStatus.BAD_REQUEST)
        with self.server.one_by_one:
            return answer(self.server.transport, service, form)

    def body(self, known: bool = True) -> bytes | Reply:
        """Return what was sent, or the refusal of it; ``known`` is whether there is anything at this path."""
        header = self.headers.get("Content-Length")
        if header is None:
            return failure(HTTPStatus.LENGTH_REQUIRED)
        if not re.fullmatch("[0-9]{1,18}", header):
            return failure(HTTPStatus.BAD_REQUEST)
        length = int(header)
        body = self.rfile.read(min(length, self.server.max_body + _SPILL))
        for wrong, status in (
            (not known, HTTPStatus.NOT_FOUND),
            (length > self.server.max_body, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
            (len(body) < length, HTTPStatus.BAD_REQUEST),
        ):
            if wrong:
                return failure(status)
        return body

    def send_error(self, code: int, *_: Any, **__: Any) -> None:
        """Refuse what the base class does not understand, without its texts: they quote the request.

        A verb that has no method here is a 501 to it.
        """
        if code == HTTPStatus.NOT_IMPLEMENTED:
            known = self._service() in self.server.services
            code = HTTPStatus.METHOD_NOT_ALLOWED if known else HTTPStatus.NOT_FOUND
        self._send(*failure(code))

    def _send(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Log for those who debug."""
        _log.debug(format % args)


class Server(ThreadingMixIn, TCPServer):
    """Serves ``transport`` on ``host`` and ``port`` (0: a free one) for the length of a ``with`` block.

    ``url`` is where it is. With ``context``, a server-side ``ssl.SSLContext``, it speaks HTTPS. ``services`` are the
    paths that exist, ``max_body`` is in bytes. The transport is called from other threads, but by one at a time.
    """

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(  # noqa: PLR0913 - each has a default that fits
        self,
        transport: Transport,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        context: ssl.SSLContext | None = None,
        services: Collection[str] = SERVICES,
        max_body: int = MAX_BODY,
        handler: type[Handler] = Handler,
    ) -> None:
        """Bind the port; nothing is answered before the ``with`` block begins."""
        super().__init__((host, port), handler)
        self.transport = transport
        self.services = services
        self.max_body = max_body
        self.one_by_one = Lock()
        self.url = f"{'https' if context else 'http'}://{host}:{self.server_address[1]}"
        if context:  # the handshake is left to the thread of the request, so that nobody else waits for it
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = Thread(target=self.serve_forever, args=(0.02,), daemon=True)

    def url_of(self, service: str) -> str:
        """Return the URL of ``service``."""
        return f"{self.url}/{service}"

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
        """Log what a connection died of (a client that hung up, TLS that failed); the server goes on."""
        _log.exception("A connection failed", f"{client_address} {type(request).__name__}")
