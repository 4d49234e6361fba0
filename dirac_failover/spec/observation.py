"""An outcome: everything that can be observed after ``execute()``, as plain data.

Values that differ in two runs are made equal here: timestamps are numbered in the order in which they appear
(``<T1>``), other times read ``<time>``, names made of the time and chance read ``<name>``, digests of texts
``<digest>``, exceptions are their class name and arguments, and an operation is its fields. Two implementations behave
alike in a scenario when their outcomes are equal.
"""

from __future__ import annotations

import re
from contextlib import suppress
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from dirac_failover.spec.scenario import DEFAULT_COLLABORATORS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Json = Any

_SECOND: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?!\.\d)")
_STAMP: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}")
_NAME_PREFIX: Final = "Accounting.DataStore."
_NAME: Final = re.compile(r"Accounting\.DataStore\.[-\d.e]+")
_DIGEST: Final = re.compile(r"[0-9a-f]{32}")
_DIGEST_LENGTH: Final = 32
_SHORTEST: Final = len("2026-01-01 12:00:00")
"""A shorter text has nothing to replace."""
ATOMIC: Final = frozenset({type(None), bool, int, float})
"""Types that are plain as they are."""

_MOST: Final = 100_000
ALL: Final = 1 << 60
"""How many items a report may have, which is plain data already."""

OPERATION_FIELDS: Final = ("Type", "Status", "Arguments", "SourceSE", "TargetSE", "Catalog", "Error")
FILE_FIELDS: Final = ("LFN", "PFN", "ChecksumType", "Checksum", "GUID", "Size", "Status")
ABSENT: Final = "(absent)"
"""Reads an attribute that is not there."""


MODULE: Final = "module"
"""The target of calls of the module's own methods."""


class Kind(StrEnum):
    """What is called."""

    HOOK = "hook"
    COLLABORATOR = "collaborator"
    SERVICE = "service"


_KINDS: Final = {MODULE: Kind.HOOK, **dict.fromkeys(DEFAULT_COLLABORATORS, Kind.COLLABORATOR)}


class Call(NamedTuple):
    """One call of a method of the module, of a collaborator, or of a service, with JSON values."""

    target: str
    """``module``, a collaborator by its key in ``workflow_commons``, or a service."""
    method: str
    args: Json
    result: Json
    """The value that came back, or the exception that was raised; of a scripted collaborator the scenario's answer."""
    raised: bool = False
    """Whether the result is an exception that was raised."""
    kwargs: dict[str, Json] | None = None
    """The arguments that were given by name, if there are any."""
    applied: bool | None = None
    """Of a call to a service, whether it took effect there, which the result may not show."""
    calls: tuple[Call, ...] = ()
    """The calls that were made inside this one, in order."""

    @property
    def kind(self) -> Kind:
        """The kind of the target: every target that is neither the module nor a collaborator is a service."""
        return _KINDS.get(self.target, Kind.SERVICE)

    @property
    def step(self) -> tuple[str, str, Json, Json]:
        """Target, method, arguments and result: the call as results and the messages of ports have it."""
        return self[:4]


def flatten(calls: Iterable[Call]) -> Iterator[Call]:
    """Yield each call before the calls that were made inside it."""
    for call in calls:
        yield call
        yield from flatten(call.calls)


class Observation(NamedTuple):
    """What can be observed; the fields are JSON values, but for the steps, which are tuples of them."""

    ended: str
    """``returned`` or ``raised``."""
    result: Json
    """The return structure, or the exception that escaped."""
    steps: tuple[Call, ...]
    attributes: dict[str, Json]
    """The module's attributes, and what the collaborators hold afterwards."""
    request: Json
    files: dict[str, str]
    """Name and content of everything in the working directory."""
    services: Json
    """The state of the in-memory services; None when every collaborator is scripted."""


def forget_frames(result: Any) -> None:
    """Take the frames from exceptions in a result: they hold it, so that only looking for garbage could free them."""
    for value in result.values() if type(result) is dict else result if type(result) is list else (result,):
        error = value
        with suppress(BaseException):
            while issubclass(type(error), BaseException):
                error.__traceback__, error.__context__, error = None, None, error.__context__


def named(value: Any) -> str:
    """Return the name of a value's class in angle brackets, for what is no plain data."""
    return f"<{_CLASS_NAME(type(value))}>"


def attribute(owner: Any, name: str) -> Any:
    """Return an attribute, ``(absent)`` if it is not there; what looking raises is an observation, too."""
    try:
        return getattr(owner, name, ABSENT)
    except BaseException as error:  # noqa: BLE001 - a property may raise anything
        return f"<raises {_CLASS_NAME(type(error))}>"


def attributes_of(owner: Any, names: Iterable[str]) -> dict[str, Any]:
    """Return attributes by name; those that are not there read ``(absent)``."""
    return {name: attribute(owner, name) for name in names}


def elements(value: Any) -> list[Any]:
    """Return what ``value`` yields, ten thousand things at most; nothing when it cannot be iterated."""
    try:
        return list(islice(value, _ELEMENTS))
    except BaseException:  # noqa: BLE001 - a module may put any object there
        return []


def of_operation(operation: Any) -> dict[str, Any]:
    """Return an operation's attributes, and those of its files; of what is none, the name of its class as its type."""
    fields = {name: _field(value) for name, value in attributes_of(operation, OPERATION_FIELDS).items()}
    if fields["Type"] is ABSENT:
        return {**fields, "Type": named(operation), "Files": []}
    return {**fields, "Files": [_of_file(file) for file in elements(operation)]}


def _of_file(file: Any) -> dict[str, Any]:
    return {name: _field(value) for name, value in attributes_of(file, FILE_FIELDS).items()}


def _field(value: Any) -> Any:
    """Return the value of a field, which is a text or a number; of anything else the name of its class."""
    return value if type(value) in _FIELDS else named(value)


class Scrubber:
    """Turns what one run observed into plain data: one for each run, since it numbers the run's timestamps.

    It takes anything. What is no plain data reads as the name of its class in angle brackets, and so does what is
    nested more than 50 levels deep, beyond a hundred thousand items, or raises when it is looked at.
    """

    __slots__ = ("left", "stamps")
    hidden: frozenset[str] = frozenset()
    """The keys of dictionaries that are left out."""

    def __init__(self) -> None:
        """Start with no timestamps."""
        self.stamps: dict[str, str] = {}
        self.left = _MOST

    def text(self, value: str) -> str:
        """Replace times, and names made of them, in ``value``; what cannot be encoded is escaped."""
        if not value.isascii():
            value = value.encode(errors="backslashreplace").decode()
        if _NAME_PREFIX in value:
            value = _NAME.sub(f"{_NAME_PREFIX}<name>", value)
        if ":" in value and "-" in value:
            value = _SECOND.sub("<time>", value)
            if "." in value:
                value = _STAMP.sub(self._stamp, value)
        return value

    def _stamp(self, match: re.Match[str]) -> str:
        if len(self.stamps) < _STAMPS:
            self.stamps.setdefault(match[0], f"<T{len(self.stamps) + 1}>")
        return self.stamps.get(match[0], "<T>")

    def plain(self, value: Any, most: int = _MOST) -> Json:
        """Return ``value`` as JSON values, ``most`` items of it."""
        self.left = most
        return self._plain(value, 0)

    def _plain(self, value: Any, depth: int) -> Json:
        kind = type(value)
        if kind is str:
            return value if len(value) < _SHORTEST and value.isascii() else self.text(value)
        if kind is float:
            return value if value == value else "<nan>"  # noqa: PLR0124 - it differs from itself, and is seen to
        if kind in ATOMIC:
            return value if kind is not int or -_LARGE < value < _LARGE else f"<int of {value.bit_length()} bits>"
        self.left -= 1
        try:
            return self._nested(kind, value, depth + 1) if depth < _DEEPEST and self.left > 0 else named(value)
        except BaseException:  # noqa: BLE001 - a module may leave any object
            return named(value)

    def _nested(self, kind: type[Any], value: Any, depth: int) -> Json:  # noqa: PLR0911 - one line for each kind of value
        plain = self._plain
        if issubclass(kind, list | tuple):
            items = list.copy(value) if issubclass(kind, list) else tuple.__getitem__(value, _ALL)
            self.left -= len(items)
            if self.left <= 0:
                return named(value)
            return [plain(item, depth) for item in items]
        if issubclass(kind, dict):
            pairs = dict.copy(value)
            self.left -= len(pairs)
            if self.left <= 0:
                return named(value)
            return {self._key(key, depth): plain(item, depth) for key, item in pairs.items() if key not in self.hidden}
        if issubclass(kind, BaseException):
            return {"exception": _CLASS_NAME(kind), "args": plain(_ARGUMENTS(value), depth)}
        if issubclass(kind, bytes):
            return self.text(bytes.decode(value, errors="backslashreplace"))
        if attribute(value, "Arguments") is not ABSENT:
            return plain(of_operation(value), depth)
        return self.other(value)

    def other(self, value: Any) -> Json:
        """Return what is no plain data."""
        return named(value)

    def _key(self, key: Any, depth: int) -> str:
        if type(key) is str:
            return "<digest>" if len(key) == _DIGEST_LENGTH and _DIGEST.fullmatch(key) else self.text(key)
        return str(self._plain(key, depth))

    def items(self, values: Iterable[Any]) -> list[Json]:
        """Return ``values`` as JSON values, each with a count of its own."""
        return [self.plain(value) for value in values]

    def operation(self, operation: Any) -> Json:
        """Return an operation's fields and files."""
        return self.plain(of_operation(operation))


_CLASS_NAME: Final[Callable[[type[Any]], str]] = type.__dict__["__name__"].__get__
"""The class's own name, which a metaclass cannot hide."""
_ARGUMENTS: Final = BaseException.__dict__["args"].__get__
_ALL: Final = slice(None)
_FIELDS: Final = ATOMIC | {str, bytes}
_DEEPEST: Final = 50
_ELEMENTS: Final = 10_000
_LARGE: Final = 10**1000
_STAMPS: Final = 1000
"""How many timestamps are numbered."""
