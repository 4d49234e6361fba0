"""What is answered over HTTP: a world's services as DIRAC's Tornado and as DiracX speak, and its administration.

:meth:`Site.answer` is all of it, a function of a request; who carries requests (:mod:`.http_server` between processes,
:mod:`.in_process` within one) makes true what comes back: a reply, or a connection that broke. Faults are real here:
where one is armed, its status, its nonsense or its broken connection is what the client gets. What may change here: a
part of the site is one line of the table in :meth:`Site.answer`.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from dirac_failover.log import gLogger
from dirac_failover.wire.server import HTML, JSON, SERVICES, answer, failure, parse_form

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dirac_fakes.service import Wire
    from dirac_fakes.world import World

_log = gLogger.getSubLogger("serving")


class Request(NamedTuple):
    """What was asked: the verb, the path without its query, the query's fields, the headers, and the body."""

    verb: str
    path: str
    query: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    body: bytes = b""


class Reply(NamedTuple):
    """What is answered; after ``limit`` bytes the body ends before its time, which ``requests`` tells as ``text``."""

    status: int
    content_type: str = JSON
    body: bytes = b""
    limit: int | None = None
    text: str = ""


class Broken(NamedTuple):
    """A connection on which nothing comes: ``refused``, ``late`` or ``reset``; ``text`` is how ``requests`` says so."""

    event: str
    text: str


def json_reply(value: Any, status: int = HTTPStatus.OK) -> Reply:
    """Return ``value`` as JSON."""
    return Reply(status, JSON, f"{json.dumps(value)}\n".encode())


def as_broken(wire: Wire) -> Reply | Broken:
    """Return what a fault has put on the wire instead of an answer."""
    if wire.event == "reply":
        return Reply(wire.status, HTML, wire.body.encode())
    if wire.event == "cut":
        return Reply(wire.status, JSON, wire.body.encode(), wire.limit, wire.text)
    return Broken(wire.event, wire.text)


class Site:
    """A world's services, their DiracX side and the administration under ``/admin``; ask it one thing at a time."""

    def __init__(self, world: World) -> None:
        """Answer for ``world``."""
        self.world = world

    def answer(self, request: Request, url: str = "") -> Reply | Broken:
        """Return what ``request`` gets at ``url``, which is where this site is; never raises."""
        from dirac_failover.serving import admin, diracx

        try:
            for begins, part in (("/admin", admin.answer), ("/api/", diracx.answer), ("/.well-known/", diracx.answer)):
                if request.path.startswith(begins):
                    return part(self.world, request, url)
            return self._call(request)
        except BaseException as error:  # noqa: BLE001 - a fault may raise anything, and the server lives on
            _log.exception(f"{request.verb} {request.path} failed", repr(error))
            return Reply(*failure(HTTPStatus.INTERNAL_SERVER_ERROR))

    def _call(self, request: Request) -> Reply | Broken:
        """Answer a call of DIRAC's clients: a form that is posted to a service."""
        service = request.path.strip("/")
        if service not in SERVICES:
            return Reply(*failure(HTTPStatus.NOT_FOUND))
        if request.verb != "POST":
            return Reply(*failure(HTTPStatus.METHOD_NOT_ALLOWED))
        try:
            form = parse_form(request.body)
        except ValueError:
            return Reply(*failure(HTTPStatus.BAD_REQUEST))
        self.world.wire = None  # the form may be none that is a call
        reply = Reply(*answer(self.world, service, form))
        return as_broken(self.world.wire) if self.world.wire else reply
