"""Serve a site inside one process: DIRAC's own unmodified clients speak HTTPS to a world, and no packet is sent.

``responses`` answers all requests that go through ``requests``: those of DIRAC's clients, and the calls of DiracX's.
The latter asks ``httpx2`` where to get tokens, so requests through it are answered too, where it is installed.
"""

from __future__ import annotations

import os
import re
import tempfile
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest.mock import patch
from urllib.parse import parse_qsl, urlsplit

from dirac_failover import vocabulary as v
from dirac_failover.drivers.implementations import TimeModule
from dirac_failover.errors import MissingExtraError
from dirac_failover.serving import credentials
from dirac_failover.serving.configuration import configured, environment, options
from dirac_failover.serving.messages import Broken, HttpRequest
from dirac_failover.serving.site import Site
from dirac_failover.wire.https import HttpsTransport
from dirac_failover.wire.rpc import connect
from dirac_fakes.faults import SHORT
from dirac_fakes.service import HOST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from dirac_fakes.world import World

URL = f"https://{HOST}"
_OURS = re.compile(f"{re.escape(URL)}(:443)?/")  # DIRAC names the port
_HIDING = frozenset({"GRID_PROXY_FILE", "DIRAC_USE_ACCESS_TOKEN"})
"""The environment variables that would lead clients to other servers."""


class Endpoint(NamedTuple):
    """The address of the world, and DIRAC's settings: options of its configuration, variables of the environment."""

    url: str
    options: Mapping[str, str]
    environment: Mapping[str, str]


@contextmanager
def over_https(world: World, *, diracx: bool = False) -> Iterator[Endpoint]:
    """Let DIRAC's own clients talk to ``world`` over HTTPS, in this process, for the length of a ``with`` block.

    Where DIRAC is installed it is configured in memory: services, a proxy of the world's caller, an authority. With
    ``diracx``, it reports of jobs to DiracX. The reference's clients are connected, too. Where clients pause, the
    world's clock moves. A request to any other host is refused. Raises MissingExtraError when one of the packages
    ``responses`` and ``cryptography`` is missing.

    >>> import requests
    >>> from dirac_fakes import World
    >>> with over_https(World()) as connection:
    ...     requests.get(f"{connection.url}/admin/faults").json()
    {'armed': [], 'unfired': []}
    """
    try:
        import responses
    except ImportError as error:
        raise MissingExtraError(f"This needs the package responses: {credentials.EXTRA}") from error
    site = Site(world)
    caller = world.caller
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="dirac-failover-"))
        own = credentials.make(folder, owner=caller.username, group=caller.group)
        stack.callback(own.forget)
        connection = Endpoint(URL, options(URL, caller, own.dn, own.authorities, diracx=diracx), environment(own))
        stack.enter_context(patch.dict(os.environ, connection.environment))
        for name in _HIDING & os.environ.keys():
            del os.environ[name]
        _connect_the_reference(stack, world)
        mock = stack.enter_context(responses.RequestsMock(assert_all_requests_are_fired=False))
        for verb in ("GET", "POST", "PATCH", "PUT", "DELETE"):
            mock.add_callback(verb, _OURS, _for_requests(site))
        if find_spec("httpx2"):  # needs DIRAC
            stack.enter_context(_for_httpx(site))
            sleep = patch("azure.core.pipeline.transport.HttpTransport.sleep", lambda _, time: world.clock.sleep(time))
            stack.enter_context(sleep)
        if find_spec("DIRAC"):  # needs DIRAC
            stack.enter_context(configured(connection.options))
            clock = TimeModule(world.clock.sleep)
            stack.enter_context(patch("DIRAC.RequestManagementSystem.Client.ReqClient.time", clock))
        yield connection


def _connect_the_reference(stack: ExitStack, world: World) -> None:
    """Connect the reference's clients in the same way."""
    places = {service: [f"{URL}/{service}"] for service in SHORT}
    transport = stack.enter_context(HttpsTransport(places, vo=world.caller.vo))
    who = {"owner": world.caller.username, "group": world.caller.group}
    proxies = {v.OPTION_REQUEST_PROXIES: f"{URL}/{v.REQ_PROXY}"}
    stack.enter_context(connect(transport, options=proxies, sleep=world.clock.sleep, **who))


def _request(verb: str, url: str, headers: Mapping[str, str], body: bytes | str | None) -> HttpRequest:
    parts = urlsplit(url)
    data = body.encode() if isinstance(body, str) else bytes(body or ())
    return HttpRequest(verb, parts.path, dict(parse_qsl(parts.query)), dict(headers), data)


def _for_requests(site: Site) -> Callable[[Any], tuple[int, dict[str, str], bytes]]:
    """Return the callback of ``responses``: it returns the reply, or raises the exception that ``requests`` would."""
    from requests import exceptions

    kinds = {"late": exceptions.ReadTimeout}

    def respond(request: Any) -> tuple[int, dict[str, str], bytes]:
        reply = site.answer(_request(request.method, request.url, request.headers, request.body), URL)
        if isinstance(reply, Broken):
            raise kinds.get(reply.event, exceptions.ConnectionError)(reply.text)
        if reply.limit is not None:
            raise exceptions.ChunkedEncodingError(reply.text)
        return int(reply.status), {"Content-Type": reply.content_type}, reply.body

    return respond


@contextmanager
def _for_httpx(site: Site) -> Iterator[None]:  # needs DIRAC
    import httpx2  # type: ignore[import-not-found,unused-ignore]

    def handle(_: Any, request: Any) -> Any:
        if f"{request.url.scheme}://{request.url.host}" != URL:
            raise httpx2.ConnectError(f"Only {URL} answers here", request=request)
        reply = site.answer(_request(request.method, str(request.url), request.headers, request.read()), URL)
        if isinstance(reply, Broken):
            kind = httpx2.ReadTimeout if reply.event == "late" else httpx2.ConnectError
            raise kind(reply.text, request=request)
        return httpx2.Response(reply.status, headers={"Content-Type": reply.content_type}, content=reply.body)

    with patch("httpx2.HTTPTransport.handle_request", handle):
        yield
