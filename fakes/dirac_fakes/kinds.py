"""The kinds of faults: one row of :data:`KINDS` for each.

A row has the caller's view, whether the service did its work, the function of the fault, and the reader of its value.
Two kinds that look alike to the caller may differ at the service: that distinguishes a loss from a double report. The
texts are those of DIRAC's HTTPS client.
"""

from __future__ import annotations

import builtins
import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from dirac_fakes.service import HOST, Service, Wire, broken_off, carried, client_error, http_error, ok, refusal, url_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from dirac_fakes.service import Result
    from dirac_fakes.world import World

_APPLIED = ";applied"
_ERRNO_LENGTH = 9


class CallInFlight:
    """One call on its way to a service, which a fault can intercept."""

    __slots__ = ("applied", "args", "home", "method", "service", "stub", "timeout", "world")

    def __init__(  # noqa: PLR0913, PLR0917 - it is the record of a call
        self, world: World, home: Service, service: str, method: str, args: tuple[Any, ...], timeout: float
    ) -> None:
        """Keep the call; the service has not done it yet."""
        self.world = world
        self.home = home
        self.service = service
        self.method = method
        self.args = args
        self.timeout = timeout
        self.applied = False
        self.stub = True

    def perform(self) -> Result:
        """Let the service do its work, and note whether it took effect."""
        answer: Result = self.home.perform(self.method, self.args)
        self.applied = bool(answer["OK"])
        return answer


def refused(call: CallInFlight, _: Any) -> Result:
    """Refuse the connection."""
    end = f"HTTPSConnection(host='{HOST}', port=443)"
    cause = f"{end}: Failed to establish a new connection: [Errno 111] Connection refused"
    reason = f'Max retries exceeded with url: {_path(call)} (Caused by NewConnectionError("{cause}"))'
    return _pool_error(call, "refused", reason)


def _timed_out(call: CallInFlight, _: Any) -> Result:
    return _late(call)


def _late(call: CallInFlight) -> Result:
    call.world.clock.sleep(call.timeout)
    return _pool_error(call, "late", f"Read timed out. (read timeout={call.timeout})")


def _pool_error(call: CallInFlight, event: str, reason: str) -> Result:
    return _broken_off(call, Wire(event, f"HTTPSConnectionPool(host='{HOST}', port=443): {reason}"))


def _broken_off(call: CallInFlight, wire: Wire) -> Result:
    return client_error(_DIPS.get(wire.event, _CLOSED), wire=wire) if call.home.dips else broken_off(wire)


_DIPS = {
    "refused": f"('{HOST}', 443) [Errno 111] Connection refused:ConnectionRefusedError(111, 'Connection refused')",
    "late": "Error in _read: The operation timed out SSLTimeoutError('The operation timed out')",
}
_CLOSED = "Peer closed connection"
"""The errors of a DIPS client for a connection that is refused, late or ended."""


def _path(call: CallInFlight) -> str:
    return "/" + url_of(call.service).split("/", 3)[-1]


def _lost_reply(call: CallInFlight, _: Any) -> Result:
    call.perform()
    return _late(call)


def _s_error(call: CallInFlight, value: tuple[str, int, bool]) -> Result:
    message, errno, call.stub = value
    return refusal(message, errno)


def _perform_if(call: CallInFlight, applied: bool) -> None:
    if applied:
        call.perform()


def _reset_peer(call: CallInFlight, applied: bool) -> Result:
    _perform_if(call, applied)
    return _broken_off(
        call, Wire("reset", "('Connection aborted.', ConnectionResetError(104, 'Connection reset by peer'))")
    )


def _latency(call: CallInFlight, milliseconds: int) -> Result:
    answer = call.perform()
    if milliseconds > call.timeout * 1000:
        return _late(call)
    call.world.clock.sleep(milliseconds / 1000)
    return answer


def _http(call: CallInFlight, value: tuple[int, bool]) -> Result:
    status, applied = value
    _perform_if(call, applied)
    answer = http_error(call.service, call.method, status)
    return _broken_off(call, answer.wire) if call.home.dips else answer


def _malformed_reply(call: CallInFlight, value: tuple[str, bool]) -> Result:
    body, applied = value
    _perform_if(call, applied)
    wire = Wire("reply", body=body)
    return _broken_off(call, wire) if call.home.dips else client_error(f"{_not_json(body)}: {body}", wire=wire)


def _empty_reply(call: CallInFlight, applied: bool) -> Result:
    return _malformed_reply(call, ("", applied))


def _limit_data(call: CallInFlight, limit: int) -> Result:
    answer = call.perform()
    body = json.dumps(answer)
    missing = len(body) - limit
    if missing <= 0:
        return answer
    cause = f"IncompleteRead({limit} bytes read, {missing} more expected)"
    return _broken_off(call, Wire("cut", f"('Connection broken: {cause}', {cause})", body=body, limit=limit))


def _raises(_: CallInFlight, exception: tuple[type[BaseException], tuple[str, ...]]) -> Result:
    kind, arguments = exception
    raise kind(*arguments)


def _bad_shape(call: CallInFlight, answer: Any) -> Any:
    call.perform()
    return carried(answer)


# Which argument holds the entries of a call that takes many
_ENTRIES = {
    "setFileStatusForTransformation": 1,
    "setJobStatusBulk": 1,
    "setJobParameters": 1,
    "setJobsParameter": 0,
    "commitRegisters": 0,
}
# The methods with a Value that is the JSON text of the whole answer
_JSON_INSIDE = ("getTransformationFiles", "getTransformationFilesAsJsonString")


def _first(entries: Any, count: int) -> Any:
    if isinstance(entries, dict):
        return dict(list(entries.items())[:count])
    return entries[:count] if isinstance(entries, list | tuple) else entries


def _partial(call: CallInFlight, count: int) -> Result:
    index = _ENTRIES.get(call.method)
    if index is not None and index < len(call.args):
        args = call.args
        call.args = (*args[:index], _first(args[index], count), *args[index + 1 :])
        return call.perform()
    answer = call.perform()
    if answer["OK"] and call.method in _JSON_INSIDE:
        return ok(json.dumps(_cut(json.loads(answer["Value"]), count)))
    return _cut(answer, count)


def _cut(answer: Result, count: int) -> Result:
    return {**answer, "Value": _first(answer["Value"], count)} if answer["OK"] else answer


def _false_ack(call: CallInFlight, _: Any) -> Result:
    before = call.home.saved()
    answer = call.perform()
    call.home.state = before
    call.applied = False
    return answer if answer["OK"] else ok()


def _duplicate(call: CallInFlight, _: Any) -> Result:
    call.perform()
    return call.perform()


def _nothing(value: str | None) -> None:
    if value is not None:
        raise ValueError("no value")


def number(value: str | None) -> int:
    """Return the number in ``value``; ValueError describes the expected form."""
    if value is None or not value.isdecimal():
        raise ValueError("a whole number, not negative")
    return int(value)


def _seconds(value: str | None) -> int:
    if not re.fullmatch(r"-?[1-9]\d{0,8}", str(value)):
        raise ValueError("a whole number of seconds, not 0, of at most nine digits")
    return int(str(value))


def _word(value: str | None) -> str:
    if not value:
        raise ValueError("a text")
    return value


def _error(value: str | None) -> tuple[str, int, bool]:
    parts = re.fullmatch(r"(.*?)(?:;errno=([^;]*))?(;stub=no)?", value or "", re.DOTALL)
    message, digits, no_stub = parts.groups()  # type: ignore[union-attr] # every part is optional
    errno = "0" if digits is None else digits
    if len(errno) > _ERRNO_LENGTH or not re.fullmatch(r"-?\d+", errno):
        raise ValueError(f"a text, and then ';errno=N' with a whole number N of at most {_ERRNO_LENGTH} characters")
    return message, int(errno), not no_stub


def _applied(value: str | None) -> bool:
    if value not in (None, _APPLIED[1:]):
        raise ValueError("'applied', or no value")
    return value is not None


def _status(value: str | None) -> tuple[int, bool]:
    found = re.fullmatch(rf"([45]\d\d)({_APPLIED})?", str(value))
    if not found:
        raise ValueError(f"an HTTP status from 400 to 599, and then '{_APPLIED}' or nothing")
    return int(found[1]), bool(found[2])


def _not_json(body: str) -> ValueError | None:
    try:
        json.loads(body)
    except ValueError as error:
        return error
    return None


def _body(value: str | None) -> tuple[str, bool]:
    text = "<html>not JSON</html>" if value is None else value
    body = text.removesuffix(_APPLIED)
    if not _not_json(body):
        raise ValueError(f"a text that is not JSON, and then '{_APPLIED}' or nothing")
    return body, body != text


def _exception(value: str | None) -> tuple[type[BaseException], tuple[str, ...]]:
    name, _, text = str(value).partition(":")
    kind: Any = vars(builtins).get(name)
    arguments = (text.strip(),) if text.strip() else ()
    with suppress(TypeError):  # neither a class, nor one that takes no argument
        if issubclass(kind, BaseException):
            kind()
            return kind, arguments
    raise ValueError("the name of a built-in exception that needs no more than a text, or 'NAME: text'")


_SHAPES = {"missing": {"OK": True}, "none": None}


def _shape(value: str | None) -> Any:
    if value in _SHAPES:
        return _SHAPES[value]
    try:
        return ok(json.loads(str(value)))
    except ValueError:
        raise ValueError("'missing' (no Value), 'none' (no answer), or JSON (the Value)") from None


class FaultKind(NamedTuple):
    """The caller's view, whether the service did its work, the function of the fault, and the reader of its value."""

    sees: str
    applied: str
    function: Callable[[CallInFlight, Any], Any] | None
    value: Callable[[str | None], Any] = _nothing


KINDS: dict[str, FaultKind] = {
    "down": FaultKind("connection refused, until the service is up again", "no", refused),
    "refuse": FaultKind("connection refused", "no", refused),
    "s_error": FaultKind("S_ERROR with this MESSAGE[;errno=N][;stub=no]", "no", _s_error, _error),
    "timeout": FaultKind("no answer in time", "no", _timed_out),
    "lost_reply": FaultKind("no answer in time", "yes", _lost_reply),
    "reset_peer": FaultKind("connection reset", "no; yes with =applied", _reset_peer, _applied),
    "latency": FaultKind(
        "the answer after MILLISECONDS of the world's clock, or no answer in time", "yes", _latency, number
    ),
    "http": FaultKind("what the client makes of HTTP STATUS[;applied]", "no; yes with ;applied", _http, _status),
    "empty_reply": FaultKind("a reply that is empty", "no; yes with =applied", _empty_reply, _applied),
    "malformed_reply": FaultKind(
        "a reply that is not JSON: [BODY][;applied]", "no; yes with ;applied", _malformed_reply, _body
    ),
    "limit_data": FaultKind("a reply that ends after BYTES", "yes", _limit_data, number),
    "raises": FaultKind("this built-in exception: NAME[: text]", "no", _raises, _exception),
    "bad_shape": FaultKind(
        "S_OK without Value (missing), no answer (none), or this JSON as Value", "yes", _bad_shape, _shape
    ),
    "partial": FaultKind("S_OK, with or for the first COUNT entries only", "some", _partial, number),
    "false_ack": FaultKind("the answer of a success", "no", _false_ack),
    "duplicate": FaultKind("the second answer", "twice", _duplicate),
    "disk_full": FaultKind("OSError ENOSPC while the file is written", "local", None),
    "read_only": FaultKind("OSError EROFS when the file is opened", "local", None),
    "short_write": FaultKind("OSError ENOSPC after BYTES were written", "local", None, number),
    "crash_at": FaultKind("the process ends after STEP", "local", None, _word),
    "skew": FaultKind(
        "times: the clock of its node is SECONDS ahead of the services', or behind if negative", "local", None, _seconds
    ),
}
