"""Answer the protocol of DIRAC's HTTPS services out of any in-process transport.

:func:`answer` is a pure function; :mod:`dirac_failover.serving` carries requests to it. Statuses are DIRAC's:

===================================================================  =============
no ``method``                                                        400
the transport answers with ``Errno`` 38: it has no such method       501
arguments that are not a JSON list, an exception, a result not JSON  500
everything else, a return structure with ``OK`` false included       200
===================================================================  =============

Only the log of this side has the reason. The services do not ask who calls, so there is no 401.
"""

from __future__ import annotations

import errno
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from dirac_failover.log import gLogger
from dirac_failover.wire import jencode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dirac_failover.wire.rpc import Transport

    Reply = tuple[int, str, bytes]

MAX_FIELDS: Final = 100
"""Fields that a form may have; there are six."""

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
