"""The base of the services: the caller, the forms of answers and refusals, and the dispatch of a call.

A service is one ``state`` (a dict of plain data, so that it can be shown, copied and put back) and the methods of the
real service that clients use; the others are listed, so that a call of one is a clear error.
"""

from __future__ import annotations

from copy import deepcopy
from datetime import date
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from DIRACCommon.Core.Utilities.ReturnValues import S_ERROR

from dirac_fakes.columns import ColumnError, fit

if TYPE_CHECKING:
    from dirac_fakes.world import World

Result = dict[str, Any]

HOST = "dirac.invalid"
_MYSQL = 1131


class Caller(NamedTuple):
    """The caller in the view of the services: user name, group, the group's security properties, and the VO."""

    username: str = "alice"
    group: str = "vo_user"
    properties: tuple[str, ...] = ("NormalUser", "ProductionManagement")
    vo: str = "vo"


class Wire(NamedTuple):
    """The message on the wire that replaces a service's answer.

    ``event`` is ``reply`` (``body`` with ``status``), ``cut`` (``body``, which ended after ``limit`` bytes), or the
    state of the connection: ``refused``, ``late`` (nothing came in time) or ``reset``. ``text`` is how ``requests``
    says so.
    """

    event: str
    text: str = ""
    status: int = HTTPStatus.OK
    body: str = ""
    limit: int = 0


class NoAnswer(dict[str, Any]):
    """The result of DIRAC's client when no service has answered, and the message on the ``wire``."""

    __slots__ = ("wire",)

    def __init__(self, result: Result, wire: Wire) -> None:
        """Be ``result``."""
        super().__init__(result)
        self.wire = wire


def ok(value: Any = None) -> Result:
    """Return a success that carries ``value``."""
    return {"OK": True, "Value": value}


def refusal(message: str, errno: int = 0) -> Result:
    """Return an error as it arrives from a server, which keeps its call stack to itself."""
    result = client_error(message, errno)
    del result["CallStack"]
    return result


def mysql(error: ColumnError) -> Result:
    """Return DIRAC's answer for an error of the database."""
    return refusal(f"Execution failed.: ({error.args!r} )", _MYSQL)


def client_error(message: str, errno: int = 0, wire: Wire | None = None) -> Result:
    """Return an error that DIRAC's client makes itself because no answer can be had: ``wire`` is what it met."""
    result = dict(S_ERROR(errno, message, callStack=[]))
    return NoAnswer(result, wire) if wire else result


def broken_off(wire: Wire) -> Result:
    """Return the result of DIRAC's HTTPS client for a connection that failed."""
    return client_error(f"{wire.text}: None", wire=wire)


def url_of(service: str) -> str:
    """Return the URL of ``service`` in error texts."""
    return service if "://" in service else f"https://{HOST}/{service}"


def http_error(service: str, method: str, status: int) -> Any:
    """Return the result of DIRAC's HTTPS client for an HTTP ``status`` of 400 or more."""
    try:
        reason = HTTPStatus(status).phrase
    except ValueError:
        reason = "Unknown"
    body = f"<html><title>{status}: {reason}</title><body>{status}: {reason}</body></html>"
    wire = Wire("reply", status=status, body=body)
    url = url_of(service)
    if status == HTTPStatus.NOT_IMPLEMENTED:
        return client_error(f"{method} is not implemented", 38, wire)
    if status in (HTTPStatus.FORBIDDEN, HTTPStatus.UNAUTHORIZED):
        return client_error(f"No access to {url}", 13, wire)
    seen = f"{url} is not found" if status == HTTPStatus.NOT_FOUND else body
    side = "Client" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "Server"
    return client_error(f"{status} {side} Error: {reason} for url: {url}: {seen}", wire=wire)


_SCALARS = (str, int, float, bool, type(None), date, bytes)
_AS_IS = frozenset(_SCALARS)


def carried(value: Any) -> Any:
    """Return a deep copy of ``value``; TypeError for a value without a JSON form."""
    kind = type(value)
    if kind is dict:
        return {key: item if type(item) in _AS_IS else carried(item) for key, item in value.items()}
    if kind is list:
        return [item if type(item) in _AS_IS else carried(item) for item in value]
    if kind is tuple:
        return tuple([item if type(item) in _AS_IS else carried(item) for item in value])
    if isinstance(value, _SCALARS):
        return value
    for container in (dict, list, tuple):
        if isinstance(value, container):
            return carried(container(value))
    raise TypeError(f"Object of type {kind.__name__} is not JSON serializable")


_PLAIN = _AS_IS - {date, bytes}


def shown(state: Any) -> Any:
    """Return ``state`` in JSON's types for people and for comparison: times as text, keys as text."""
    kind = type(state)
    if kind is dict:
        return {str(key): item if type(item) in _PLAIN else shown(item) for key, item in state.items()}
    if kind is list or kind is tuple:
        return [item if type(item) in _PLAIN else shown(item) for item in state]
    return state if kind in _PLAIN else str(state)


def names(text: str) -> frozenset[str]:
    """Return the words of ``text``: the names of methods."""
    return frozenset(text.split())


class Service:
    """One service: its state, and the real method names that it answers."""

    short: ClassVar[str]
    full: ClassVar[str]
    faked: ClassVar[frozenset[str]]
    not_faked: ClassVar[frozenset[str]] = frozenset()
    types: ClassVar[dict[str, tuple[type, ...]]] = {}
    """The types of arguments by method, of a service that DIRAC serves by DIPS: its server looks at them."""
    state: dict[str, Any]

    __slots__ = ("state", "world")

    def __init__(self, world: World) -> None:
        """Belong to ``world``, which starts the service."""
        self.world = world

    def start(self) -> None:
        """Forget everything."""

    def perform(self, method: str, args: tuple[Any, ...]) -> Any:  # noqa: PLR0911 - each for another reason
        """Answer one call as the real service does; an exception of the service's code becomes HTTP 500, as there."""
        if self.dips and (problem := self._problem(method, args)):
            return refusal(problem)
        if method not in self.faked:
            if method in self.not_faked or method in _EVERY_SERVICE_HAS:
                names = ", ".join(sorted(self.faked))
                return refusal(f"{self.short}.{method} exists in DIRAC but is not faked here; faked are: {names}")
            return http_error(self.full, method, HTTPStatus.NOT_IMPLEMENTED)
        try:
            answer: Result = getattr(self, method)(*args)
        except ColumnError as error:
            return self.not_kept(method, error)
        except Exception as error:  # noqa: BLE001 - the real server turns any exception into this status
            if self.dips:
                handler = f"{self.full.split('/')[1]}Handler.export_"
                text = str(error).replace(f"{type(self).__name__}.", handler)
                return refusal(f"Server error while serving {method}: {text}")
            return http_error(self.full, method, HTTPStatus.INTERNAL_SERVER_ERROR)
        return answer

    def not_kept(self, _method: str, error: ColumnError) -> Any:
        """Return the answer to a call whose statement the database refuses."""
        return mysql(error)

    @property
    def dips(self) -> bool:
        """Whether this service is behind DIPS, DIRAC's older protocol."""
        return bool(self.types) and self.world.dips

    def _problem(self, method: str, args: tuple[Any, ...]) -> str | None:
        """Return the error that a DIPS server finds in a call's arguments, if any."""
        if method not in self.faked | self.not_faked | _EVERY_SERVICE_HAS:
            return f"Unknown method {method}"
        types = self.types.get(method, ())
        for index, (value, kind) in enumerate(zip(args, types, strict=False)):
            if not isinstance(value, kind):
                return (
                    f"Type mismatch in parameter {index} (starting with param 0) "
                    f"Received {type(value)}, expected {kind}"
                )
        return f"Function {method} expects at least {len(types)} arguments" if len(args) < len(types) else None

    def fit(self, table: str, row: dict[str, Any], number: int = 1) -> dict[str, Any]:
        """Return a row as the database keeps it; ColumnError if it does not: :func:`~dirac_fakes.columns.fit`."""
        return fit(table, row, strict=self.world.strict, number=number)

    def down(self) -> None:
        """Refuse every connection until :meth:`up`."""
        self.world.arm(f"{self.short}:down")

    def up(self) -> None:
        """End the outage that :meth:`down`, or a ``down`` fault for this service, began."""
        self.world.disarm(lambda fault: fault.kind == "down" and fault.target == self.short)

    def touch(self, *path: Any) -> None:
        """Note that the row at this path in the state changes, or that the list there grows; without a path, anything.

        Each method that changes the state does so, for :class:`~dirac_fakes.changes.Changes`.
        """
        self.world.changes.noted.setdefault(self.short, {})[self.short, *path] = None

    def snapshot(self) -> Any:
        """Return the state in JSON's types, sharing nothing with it."""
        return shown(self.state)

    def saved(self) -> dict[str, Any]:
        """Return a deep copy of the state, to be assigned to ``state`` later."""
        return deepcopy(self.state)


_EVERY_SERVICE_HAS = names("ping whoami echo refreshConfiguration")
