"""Faults of services as data: the kind, the effect at the service, the answer for the caller, and the schedule.

A :class:`Fault` reads and writes as text, ``SERVICE[.METHOD]:KIND[=VALUE][@SCHEDULE]``, the same on a command line, in
JSON and in Python: ``transformation:down``, ``job-state.setJobStatusBulk:s_error=boom@nth=2``. A schedule alone means
refuse: ``job-state:first=2``. The vocabulary is :data:`dirac_fakes.kinds.KINDS` and :data:`SCHEDULES`.
"""

from __future__ import annotations

import random
import re
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from dirac_fakes.accounting import Accounting
from dirac_fakes.job_state import JobState
from dirac_fakes.journal import Call
from dirac_fakes.kinds import KINDS, number
from dirac_fakes.requests import RequestProxy, Requests
from dirac_fakes.transformation import Transformation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dirac_fakes.service import Service

SERVICES: dict[str, type[Service]] = {
    service.short: service for service in (JobState, Transformation, Accounting, Requests, RequestProxy)
}
FILE, PROCESS, CLOCK = "file", "process", "clock"
SHORT = {service.full: short for short, service in SERVICES.items()}
"""The short name of each service, by its full one."""


LOCAL = {FILE: ("disk_full", "read_only", "short_write"), PROCESS: ("crash_at",)}
_NO_SERVICES = {**LOCAL, CLOCK: ("skew",)}


class FaultError(ValueError):
    """A fault that does not exist; the message lists the existing ones."""


class Schedule(NamedTuple):
    """When a fault strikes, and how its text is made into the test of the n-th matching call."""

    when: str
    compile: Callable[[str | None], Callable[[int], bool]]


def _positive(value: str | None) -> int:
    count = number(value)
    if not count:
        raise ValueError("a whole number from 1")
    return count


def _always(value: str | None) -> Callable[[int], bool]:
    if value is not None:
        raise ValueError("no value")
    return lambda _: True


def _on_first(value: str | None) -> Callable[[int], bool]:
    count = _positive(value)
    return lambda seen: seen <= count


def _on_nth(value: str | None) -> Callable[[int], bool]:
    index = _positive(value)
    return lambda seen: seen == index


def _on_after(value: str | None) -> Callable[[int], bool]:
    count = number(value)
    return lambda seen: seen > count


def _on_every(value: str | None) -> Callable[[int], bool]:
    count = _positive(value)
    return lambda seen: seen % count == 0


def _on_seeded(value: str | None) -> Callable[[int], bool]:
    found = re.fullmatch(r"(0(?:\.\d+)?|1(?:\.0+)?|\.\d+)/(\d+)", str(value))
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


_FORM = "SERVICE[.METHOD]:KIND[=VALUE][@SCHEDULE]"


def _short(target: str) -> str:
    """Return the service's short name, which that of a further request proxy begins with."""
    return RequestProxy.short if target.startswith(f"{RequestProxy.short}/") else target


def _accepted(what: str, names: Any) -> str:
    return f"{what}: {', '.join(names)}"


def meant(name: str, names: Iterable[str]) -> str:
    """Return the part of a message that suggests the nearest of ``names``."""
    close = get_close_matches(name, names, 1)
    return f"; did you mean {close[0]}?" if close else ";"


@dataclass(frozen=True)
class Fault:
    """One fault: its target, its kind, and its schedule.

    ``target`` is a service's short name (or its full one), ``file``, ``process`` or ``clock``; ``method`` None means
    all of them. ``value`` is text, as :data:`KINDS` says; ``schedule`` is text, as :data:`SCHEDULES` says, or a
    predicate of each matching :class:`Call`, which has no answer yet. :class:`FaultError` for an unknown one.

    >>> str(Fault("requests", "putRequest", "s_error", "boom", "nth=2"))
    'requests.putRequest:s_error=boom@nth=2'
    """

    target: str
    method: str | None = None
    kind: str = "refuse"
    value: str | None = None
    schedule: str | Callable[[Call], bool] = "always"

    def __post_init__(self) -> None:
        """Refuse an unknown target, kind or schedule; a number as value becomes its text."""
        if self.value is not None:
            object.__setattr__(self, "value", str(self.value))
        object.__setattr__(self, "target", SHORT.get(self.target, self.target))
        service = SERVICES.get(_short(self.target))
        if service is None and self.target not in _NO_SERVICES:
            hint = meant(self.target, SERVICES)
            raise FaultError(f"No service {self.target!r}{hint} {_accepted('there are', [*SERVICES, *_NO_SERVICES])}")
        if self.kind not in KINDS:
            names = [*KINDS, *(f"{name} (a schedule: refuse)" for name in SCHEDULES)]
            raise FaultError(f"No fault {self.kind!r}{meant(self.kind, KINDS)} {_accepted('there are', names)}")
        possible = _NO_SERVICES.get(self.target) or [name for name, kind in KINDS.items() if kind.function]
        if self.kind not in possible:
            raise FaultError(f"Fault {self.kind!r} cannot hit {self.target}; {_accepted('what can', possible)}")
        methods = {*service.faked, *service.not_faked} if service else set()
        if self.method is not None and self.method not in methods:
            names = sorted(methods) or ["none: leave it out"]
            hint = meant(self.method, methods)
            raise FaultError(f"No method {self.method!r} of {self.target}{hint} {_accepted('there are', names)}")
        self.parameter()
        self.compiled()

    def parameter(self) -> Any:
        """Return the value as the kind reads it."""
        try:
            return KINDS[self.kind].value(self.value)
        except ValueError as error:
            raise FaultError(f"Fault {self.kind!r} with value {self.value!r}: accepted is {error}") from None

    def compiled(self) -> Callable[[int, Call], bool]:
        """Return the test of a matching call, which takes its number and the call."""
        schedule = self.schedule
        if callable(schedule):
            return lambda _, call: schedule(call)
        name, equals, value = schedule.partition("=")
        if name not in SCHEDULES:
            names = [*SCHEDULES, "when (in Python: a predicate)"]
            raise FaultError(f"No schedule {schedule!r}{meant(name, SCHEDULES)} {_accepted('there are', names)}")
        try:
            strikes = SCHEDULES[name].compile(value if equals else None)
        except ValueError as error:
            raise FaultError(f"Schedule {schedule!r}: accepted is {error}") from None
        return lambda seen, _: strikes(seen)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``SERVICE[.METHOD]:KIND[=VALUE][@SCHEDULE]``, or ``SERVICE[.METHOD]:SCHEDULE``."""
        found = re.fullmatch(r"([^:.]+)(?:\.([^:.]+))?:(.+)", text, re.DOTALL)
        if not found:
            raise FaultError(f"Not a fault: {text!r}; accepted is {_FORM}")
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
        # A value that contains an @ needs an explicit schedule
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
        accepted = list(cls.__dataclass_fields__)
        if "target" not in data or not data.keys() <= set(accepted):
            raise FaultError(f"Not a fault: {data}; {_accepted('accepted are', accepted)}")
        return cls(**data)


_parsed = lru_cache(Fault.parse)


def as_fault(fault: Fault | str) -> Fault:
    """Return a fault from itself or its text form; FaultError for anything else."""
    if isinstance(fault, str):
        return _parsed(fault)
    if not isinstance(fault, Fault):
        raise FaultError(f"Not a fault: {fault!r}; accepted is a Fault, or its text {_FORM}")
    return fault


class Armed:
    """A fault that is armed in a world, and the number of its strikes."""

    __slots__ = ("_fires", "fault", "fired", "parameter", "seen")

    def __init__(self, fault: Fault) -> None:
        """Begin to count."""
        self.fault = fault
        self.parameter = fault.parameter()
        self._fires = fault.compiled()
        self.seen = 0
        self.fired = False

    def strikes(self, target: str, method: str, args: tuple[Any, ...]) -> bool:
        """Count a call if it matches, and return whether the fault strikes it."""
        fault = self.fault
        if fault.target not in (target, _short(target)) or (fault.method is not None and fault.method != method):
            return False
        self.seen += 1
        return self._fires(self.seen, Call(target, method, args, None, False))
