"""Ways in which a service misbehaves, as data: what it is, what the service did, what the caller sees, and when.

A :class:`Fault` reads and writes as text, ``SERVICE[.METHOD]:KIND[=VALUE][@SCHEDULE]``, the same on a command line, in
JSON and in Python: ``transformation:down``, ``job-state.setJobStatusBulk:s_error=boom@nth=2``. A schedule alone means
refuse: ``job-state:first=2``. :data:`KINDS` and :data:`SCHEDULES` are the whole vocabulary: a new fault is a new row.
"""

from __future__ import annotations

import builtins
import json
import random
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from dirac_fakes.accounting import Accounting
from dirac_fakes.job_state import JobState
from dirac_fakes.journal import Call
from dirac_fakes.requests import RequestProxy, Requests
from dirac_fakes.service import HOST, Service, client_error, http_error, ok, refusal, url_of
from dirac_fakes.transformation import Transformation

if TYPE_CHECKING:
    from collections.abc import Callable

    from dirac_fakes.service import Result
    from dirac_fakes.world import World

Predicate = "Callable[[Call], bool]"
SERVICES: dict[str, type[Service]] = {
    service.short: service for service in (JobState, Transformation, Accounting, Requests, RequestProxy)
}
FILE, PROCESS = "file", "process"
_BY_FULL_NAME = {service.full: short for short, service in SERVICES.items()}
_APPLIED = ";applied"


class FaultError(ValueError):
    """A fault that does not exist; the message lists what does."""


class Pending:
    """One call on its way to a service, as a fault gets to see it."""

    __slots__ = ("applied", "args", "home", "method", "service", "stub", "timeout", "world")

    def __init__(  # noqa: PLR0913 - it is the record of a call
        self, world: World, home: Service, service: str, method: str, args: tuple[Any, ...], timeout: float
    ) -> None:
        """Hold the call; nothing has been done yet."""
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
        answer = self.home.perform(self.method, self.args)
        self.applied = self.applied or bool(answer["OK"])
        return answer


def _refused(call: Pending, _: Any) -> Result:
    cause = "Failed to establish a new connection: [Errno 111] Connection refused"
    return _pool_error(f"Max retries exceeded with url: {_path(call)} (Caused by NewConnectionError('{cause}'))")


def _timed_out(call: Pending, _: Any = None) -> Result:
    call.world.clock.sleep(call.timeout)
    return _pool_error(f"Read timed out. (read timeout={call.timeout})")


def _pool_error(reason: str) -> Result:
    return client_error(f"HTTPSConnectionPool(host='{HOST}', port=443): {reason}: None")


def _path(call: Pending) -> str:
    return "/" + url_of(call.service).split("/", 3)[-1]


def _lost_reply(call: Pending, _: Any) -> Result:
    call.perform()
    return _timed_out(call)


def _s_error(call: Pending, value: tuple[str, int, bool]) -> Result:
    message, errno, call.stub = value
    return refusal(message, errno)


def _perform_if(call: Pending, applied: bool) -> None:
    if applied:
        call.perform()


def _reset_peer(call: Pending, applied: bool) -> Result:
    _perform_if(call, applied)
    return client_error("('Connection aborted.', ConnectionResetError(104, 'Connection reset by peer')): None")


def _latency(call: Pending, milliseconds: int) -> Result:
    answer = call.perform()
    if milliseconds > call.timeout * 1000:
        return _timed_out(call)
    call.world.clock.sleep(milliseconds / 1000)
    return answer


def _http(call: Pending, value: tuple[int, bool]) -> Result:
    status, applied = value
    _perform_if(call, applied)
    return http_error(call.service, call.method, status)


def _malformed_reply(call: Pending, value: tuple[str, bool]) -> Result:
    body, applied = value
    _perform_if(call, applied)
    return client_error(f"{_not_json(body)}: {body}")


def _empty_reply(call: Pending, applied: bool) -> Result:
    return _malformed_reply(call, ("", applied))


def _limit_data(call: Pending, limit: int) -> Result:
    answer = call.perform()
    missing = len(json.dumps(answer, default=str)) - limit
    if missing <= 0:
        return answer
    cause = f"IncompleteRead({limit} bytes read, {missing} more expected)"
    return client_error(f"('Connection broken: {cause}', {cause}): None")


def _raises(_: Pending, exception: tuple[type[BaseException], str]) -> Result:
    kind, text = exception
    raise kind(text) if text else kind()


def _bad_shape(call: Pending, shape: tuple[str, Any]) -> Any:
    call.perform()
    kind, value = shape
    return {"missing": {"OK": True}, "none": None, "value": ok(value)}[kind]


# Which argument holds the entries of a call that takes many
_ENTRIES = {
    "setFileStatusForTransformation": 1,
    "setJobStatusBulk": 1,
    "setJobParameters": 1,
    "setJobsParameter": 0,
    "commitRegisters": 0,
}


def _first(entries: Any, count: int) -> Any:
    if isinstance(entries, dict):
        return dict(list(entries.items())[:count])
    return entries[:count] if isinstance(entries, list | tuple) else entries


def _partial(call: Pending, count: int) -> Result:
    index = _ENTRIES.get(call.method)
    if index is not None:
        args = call.args
        call.args = (*args[:index], _first(args[index], count), *args[index + 1 :])
        return call.perform()
    answer = call.perform()
    if call.home.short == Transformation.short and answer["OK"]:
        inner = json.loads(answer["Value"])
        return ok(json.dumps({**inner, "Value": _first(inner["Value"], count)}))
    return {**answer, "Value": _first(answer["Value"], count)} if answer["OK"] else answer


def _false_ack(call: Pending, _: Any) -> Result:
    before = call.home.saved()
    answer = call.perform()
    call.home.state = before
    call.applied = False
    return answer if answer["OK"] else ok()


def _duplicate(call: Pending, _: Any) -> Result:
    call.perform()
    return call.perform()


def _nothing(value: str | None) -> None:
    if value is not None:
        raise ValueError("no value")


def _number(value: str | None) -> int:
    if value is None or not value.isdecimal():
        raise ValueError("a whole number, not negative")
    return int(value)


def _word(value: str | None) -> str:
    if not value:
        raise ValueError("a text")
    return value


def _error(value: str | None) -> tuple[str, int, bool]:
    found = re.fullmatch(r"(.*?)(?:;errno=(-?\d+))?(;stub=no)?", value or "", re.DOTALL)
    assert found  # noqa: S101 - every part is optional
    return found[1], int(found[2] or 0), not found[3]


def _applied(value: str | None) -> bool:
    if value not in (None, _APPLIED[1:]):
        raise ValueError("'applied', or no value")
    return value is not None


def _status(value: str | None) -> tuple[int, bool]:
    found = re.fullmatch(rf"([45]\d\d)({_APPLIED})?", value or "")
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


def _exception(value: str | None) -> tuple[type[BaseException], str]:
    name, _, text = (value or "").partition(":")
    kind = getattr(builtins, name, None)
    if not (isinstance(kind, type) and issubclass(kind, BaseException)):
        raise ValueError("the name of a built-in exception, or 'NAME: text'")  # noqa: TRY004 - the caller expects this
    return kind, text.strip()


def _shape(value: str | None) -> tuple[str, Any]:
    if value in ("missing", "none"):
        return str(value), None
    try:
        return "value", json.loads(value or "")
    except ValueError:
        raise ValueError("'missing' (no Value), 'none' (no answer), or JSON (the Value)") from None


class Kind(NamedTuple):
    """What the caller sees, whether the service did its work, how it is done, and how its value is read."""

    sees: str
    applied: str
    function: Callable[[Pending, Any], Any] | None
    value: Callable[[str | None], Any] = _nothing


KINDS: dict[str, Kind] = {
    "down": Kind("connection refused, until the service is up again", "no", _refused),
    "refuse": Kind("connection refused", "no", _refused),
    "s_error": Kind("S_ERROR with this MESSAGE[;errno=N][;stub=no]", "no", _s_error, _error),
    "timeout": Kind("no answer in time", "no", _timed_out),
    "lost_reply": Kind("no answer in time", "yes", _lost_reply),
    "reset_peer": Kind("connection reset", "no; yes with =applied", _reset_peer, _applied),
    "latency": Kind(
        "the answer after MILLISECONDS of the world's clock, or no answer in time", "yes", _latency, _number
    ),
    "http": Kind("what the client makes of HTTP STATUS[;applied]", "no; yes with ;applied", _http, _status),
    "empty_reply": Kind("a reply that is empty", "no; yes with =applied", _empty_reply, _applied),
    "malformed_reply": Kind(
        "a reply that is not JSON: [BODY][;applied]", "no; yes with ;applied", _malformed_reply, _body
    ),
    "limit_data": Kind("a reply that ends after BYTES", "yes", _limit_data, _number),
    "raises": Kind("this built-in exception: NAME[: text]", "no", _raises, _exception),
    "bad_shape": Kind(
        "S_OK without Value (missing), no answer (none), or this JSON as Value", "yes", _bad_shape, _shape
    ),
    "partial": Kind("S_OK, with or for the first COUNT entries only", "some", _partial, _number),
    "false_ack": Kind("the answer of a success", "no", _false_ack),
    "duplicate": Kind("the second answer", "twice", _duplicate),
    "disk_full": Kind("OSError ENOSPC while the file is written", "local", None),
    "read_only": Kind("OSError EROFS when the file is opened", "local", None),
    "short_write": Kind("OSError ENOSPC after BYTES were written", "local", None, _number),
    "crash_at": Kind("the process ends after STEP", "local", None, _word),
}
LOCAL = {FILE: ("disk_full", "read_only", "short_write"), PROCESS: ("crash_at",)}


class Schedule(NamedTuple):
    """When a fault strikes, and how its text is made into the test of the n-th matching call."""

    when: str
    compile: Callable[[str | None], Callable[[int], bool]]


def _positive(value: str | None) -> int:
    number = _number(value)
    if not number:
        raise ValueError("a whole number from 1")
    return number


def _always(value: str | None) -> Callable[[int], bool]:
    _nothing(value)
    return lambda _: True


def _on_first(value: str | None) -> Callable[[int], bool]:
    count = _positive(value)
    return lambda seen: seen <= count


def _on_nth(value: str | None) -> Callable[[int], bool]:
    index = _positive(value)
    return lambda seen: seen == index


def _on_after(value: str | None) -> Callable[[int], bool]:
    count = _number(value)
    return lambda seen: seen > count


def _on_every(value: str | None) -> Callable[[int], bool]:
    count = _positive(value)
    return lambda seen: seen % count == 0


def _on_seeded(value: str | None) -> Callable[[int], bool]:
    found = re.fullmatch(r"(0(?:\.\d+)?|1(?:\.0+)?|\.\d+)/(\d+)", value or "")
    if not found:
        raise ValueError("PROBABILITY/SEED, such as 0.3/42")
    probability, draw = float(found[1]), random.Random(int(found[2])).random  # noqa: S311 - it must be repeatable
    return lambda _: draw() < probability


SCHEDULES: dict[str, Schedule] = {
    "always": Schedule("every matching call", _always),
    "first": Schedule("the first N", _on_first),
    "nth": Schedule("the N-th only", _on_nth),
    "after": Schedule("all after the first N", _on_after),
    "every": Schedule("each N-th", _on_every),
    "seeded": Schedule("with PROBABILITY/SEED, the same ones each time", _on_seeded),
}


def _accepted(what: str, names: Any) -> str:
    return f"{what}: {', '.join(names)}"


@dataclass(frozen=True)
class Fault:
    """One fault: whom it hits, what it does, and when.

    ``target`` is a service's short name (or its full one), ``file`` or ``process``; ``method`` None means all of them.
    ``value`` is text, as :data:`KINDS` says; ``schedule`` is text, as :data:`SCHEDULES` says, or a predicate that is
    asked with each matching :class:`Call`, not answered yet. :class:`FaultError` for whatever does not exist.

    >>> str(Fault("requests", "putRequest", "s_error", "boom", "nth=2"))
    'requests.putRequest:s_error=boom@nth=2'
    """

    target: str
    method: str | None = None
    kind: str = "refuse"
    value: str | None = None
    schedule: str | Callable[[Call], bool] = "always"

    def __post_init__(self) -> None:
        """Refuse what does not exist."""
        object.__setattr__(self, "target", _BY_FULL_NAME.get(self.target, self.target))
        service = SERVICES.get(self.target)
        if service is None and self.target not in LOCAL:
            raise FaultError(f"No service {self.target!r}; {_accepted('there are', [*SERVICES, *LOCAL])}")
        if self.kind not in KINDS:
            names = [*KINDS, *(f"{name} (a schedule: refuse)" for name in SCHEDULES)]
            raise FaultError(f"No fault {self.kind!r}; {_accepted('there are', names)}")
        possible = LOCAL.get(self.target) or [name for name, kind in KINDS.items() if kind.function]
        if self.kind not in possible:
            raise FaultError(f"Fault {self.kind!r} cannot hit {self.target}; {_accepted('what can', possible)}")
        methods = {*service.faked, *service.not_faked} if service else set()
        if self.method is not None and self.method not in methods:
            names = sorted(methods) or ["none: leave it out"]
            raise FaultError(f"No method {self.method!r} of {self.target}; {_accepted('there are', names)}")
        self.parameter()
        self.compiled()

    def parameter(self) -> Any:
        """Return what the kind makes of the value."""
        try:
            return KINDS[self.kind].value(self.value)
        except ValueError as error:
            raise FaultError(f"Fault {self.kind!r} with value {self.value!r}: accepted is {error}") from None

    def compiled(self) -> Callable[[int], bool]:
        """Return the test of the n-th matching call; a predicate passes it, and is asked with the call."""
        if callable(self.schedule):
            return lambda _: True
        name, equals, value = self.schedule.partition("=")
        if name not in SCHEDULES:
            names = [*SCHEDULES, "when (in Python: a predicate)"]
            raise FaultError(f"No schedule {self.schedule!r}; {_accepted('there are', names)}")
        try:
            return SCHEDULES[name].compile(value if equals else None)
        except ValueError as error:
            raise FaultError(f"Schedule {self.schedule!r}: accepted is {error}") from None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``SERVICE[.METHOD]:KIND[=VALUE][@SCHEDULE]``, or ``SERVICE[.METHOD]:SCHEDULE``."""
        found = re.fullmatch(r"([^:.]+)(?:\.([^:.]+))?:(.+)", text, re.DOTALL)
        if not found:
            raise FaultError(f"Not a fault: {text!r}; accepted is SERVICE[.METHOD]:KIND[=VALUE][@SCHEDULE]")
        target, method, rest = found.groups()
        head, at, schedule = rest.rpartition("@")
        if not at:
            head, schedule = rest, "always"
        kind, equals, value = head.partition("=")
        if not at and kind in SCHEDULES:
            return cls(target, method, schedule=rest)
        return cls(target, method, kind, value if equals else None, schedule)

    def __str__(self) -> str:
        """Return the text form; a predicate shows as ``when``, which cannot be read back."""
        value = "" if self.value is None else f"={self.value}"
        schedule = "when" if callable(self.schedule) else self.schedule
        # A value with an @ of its own needs the schedule said
        at = "" if schedule == "always" and "@" not in value else f"@{schedule}"
        return f"{self.target}{f'.{self.method}' if self.method else ''}:{self.kind}{value}{at}"

    def to_json(self) -> dict[str, str | None]:
        """Return the JSON form; FaultError for a predicate."""
        if callable(self.schedule):
            raise FaultError(f"{self} has a predicate, which exists in Python only")
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Read :meth:`to_json`'s form; keys that are not needed may be left out."""
        names = list(cls.__dataclass_fields__)
        if "target" not in data or not data.keys() <= set(names):
            raise FaultError(f"Not a fault: {data!r}; {_accepted('accepted are', names)}")
        return cls(**data)


def as_fault(fault: Fault | str) -> Fault:
    """Return a fault from itself or its text form."""
    return Fault.parse(fault) if isinstance(fault, str) else fault


class Armed:
    """A fault that is armed in a world, and what became of it."""

    __slots__ = ("_fires", "fault", "fired", "parameter", "seen")

    def __init__(self, fault: Fault) -> None:
        """Begin to count."""
        self.fault = fault
        self.parameter = fault.parameter()
        self._fires = fault.compiled()
        self.seen = 0
        self.fired = 0

    def strikes(self, target: str, method: str, args: tuple[Any, ...]) -> bool:
        """Count a call if it matches, and tell whether the fault is for it."""
        fault = self.fault
        if fault.target != target or (fault.method is not None and fault.method != method):
            return False
        self.seen += 1
        if callable(fault.schedule):
            return fault.schedule(Call(target, method, args, None, False))  # noqa: FBT003 - a record
        return self._fires(self.seen)
