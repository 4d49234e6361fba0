"""Answer requests over HTTP: a world's services, as DIRAC's Tornado and as DiracX, and its administration.

:meth:`Site.answer` is a function of a request. The carrier of requests (:mod:`.http_server` between processes,
:mod:`.in_process` within one) sends the reply, or breaks the connection. A client gets the status, the
malformed body or the broken connection of a fault that is armed.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from dirac_failover.log import gLogger
from dirac_failover.serving import admin, diracx
from dirac_failover.serving.messages import Broken, HttpRequest, Reply, as_broken
from dirac_failover.wire.server import answer, failure, parse_form
from dirac_fakes.faults import SHORT

if TYPE_CHECKING:
    from dirac_fakes.world import World

_log = gLogger.getSubLogger("serving")


class Site:
    """A world's services, their DiracX side and the administration under ``/admin``; it takes one request at a time."""

    def __init__(self, world: World) -> None:
        """Answer for ``world``, all of which is behind HTTPS from now on."""
        world.dips = False
        self.world = world

    def answer(self, request: HttpRequest, url: str = "") -> Reply | Broken:
        """Return the reply to ``request``, or its broken connection; ``url`` is this site's own. Nothing is raised."""
        try:
            for begins, part in (("/admin", admin.answer), ("/api/", diracx.answer), ("/.well-known/", diracx.answer)):
                if request.path.startswith(begins):
                    return part(self.world, request, url)
            return self._call(request)
        except BaseException as error:  # noqa: BLE001 - a fault may raise anything, and the server lives on
            _log.exception(f"{request.verb} {request.path} failed", repr(error))
            return Reply(*failure(HTTPStatus.INTERNAL_SERVER_ERROR))

    def _call(self, request: HttpRequest) -> Reply | Broken:
        """Answer a call of DIRAC's clients: a form that is posted to a service."""
        service = request.path.strip("/")
        if service not in SHORT:
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
