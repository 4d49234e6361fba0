"""The messages over HTTP: a request, and a reply or a broken connection."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from dirac_failover.wire.server import HTML, JSON

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dirac_fakes.service import Wire


class HttpRequest(NamedTuple):
    """The verb, the path without its query, the query's fields, the headers, and the body of a request."""

    verb: str
    path: str
    query: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    body: bytes = b""


class Reply(NamedTuple):
    """An answer; after ``limit`` bytes its body is cut, which ``requests`` reports with ``text``."""

    status: int
    content_type: str = JSON
    body: bytes = b""
    limit: int | None = None
    text: str = ""


class Broken(NamedTuple):
    """A connection without an answer: ``refused``, ``late`` or ``reset``, which ``requests`` reports with ``text``."""

    event: str
    text: str


def json_reply(value: Any, status: int = HTTPStatus.OK) -> Reply:
    """Return ``value`` as JSON."""
    return Reply(status, JSON, f"{json.dumps(value)}\n".encode())


def as_broken(wire: Wire) -> Reply | Broken:
    """Return the reply or the broken connection that a fault has put on the wire instead of an answer."""
    if wire.event == "reply":
        return Reply(wire.status, HTML, wire.body.encode())
    if wire.event == "cut":
        return Reply(wire.status, JSON, wire.body.encode(), wire.limit, wire.text)
    return Broken(wire.event, wire.text)
