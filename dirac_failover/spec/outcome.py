"""An outcome: everything that can be observed after ``execute()``, as plain data.

Whatever cannot be the same in two runs is made the same here: timestamps are numbered in the order in which they appear
(``<T1>``), other times read ``<time>``, names made of the time and chance read ``<name>``, digests of texts
``<digest>``, exceptions are their class name and arguments, and an operation is its fields. Two implementations behave
alike in a scenario when their outcomes are equal. What may change here: what is observed.
"""

from __future__ import annotations

import marshal
import re
from contextlib import suppress
from functools import lru_cache
from itertools import islice, zip_longest
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Json = Any

_SECOND: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?!\.\d)")
_STAMP: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}")


_NAME_PREFIX: Final = "Accounting.DataStore."
_NAME: Final = re.compile(r"Accounting\.DataStore\.[-\d.e]+")
_DIGEST: Final = re.compile(r"[0-9a-f]{32}")
_SHORTEST: Final = len("2026-01-01 12:00:00")
"""A shorter text has nothing to replace."""
ATOMIC: Final = frozenset({type(None), bool, int, float})
"""Types that are plain as they are."""

WITHOUT_REFERENCES: Final = 2
"""The version of marshal's format in which equal values are equal bytes, however they share their parts."""

_MOST: Final = 100_000
ALL: Final = 1 << 60
"""How many items a report may have, which is plain data already."""

OPERATION_FIELDS: Final = ("Type", "Status", "Arguments", "SourceSE", "TargetSE", "Catalog", "Error")
FILE_FIELDS: Final = ("LFN", "PFN", "ChecksumType", "Checksum", "GUID", "Size", "Status")


@lru_cache(maxsize=4096)  # neighbours in the space write the same files
def _without_seconds(text: str) -> str:
    return _SECOND.sub("<time>", text)


ABSENT: Final = "(absent)"
"""Reads an attribute that is not there."""


class Step(NamedTuple):
    """One call, in order: a hook of the module, or a method of a collaborator or service."""

    target: str
    method: str
    args: Json
    answer: Json


class Outcome(NamedTuple):
    """What can be observed; the fields are JSON values, but for the steps, which are tuples of them."""

    ended: str
    """``returned`` or ``raised``."""
    result: Json
    """The return structure, or the exception that escaped."""
    steps: tuple[Step, ...]
    attributes: dict[str, Json]
    """The module's attributes, and what the collaborators hold afterwards."""
    request: Json
    files: dict[str, str]
    """Name and content of everything in the working directory."""
    services: Json
    """The state of the in-memory services; None when every collaborator is scripted."""

    def differences(self, other: Outcome) -> list[tuple[str, Json, Json]]:
        """Return (place, mine, theirs) of what differs, the most specific place that can be named."""
        found: list[tuple[str, Json, Json]] = []
        for name in self._fields:
            _compare(name, getattr(self, name), getattr(other, name), found)
        return found


def _compare(place: str, mine: Json, theirs: Json, found: list[tuple[str, Json, Json]]) -> None:
    if isinstance(mine, dict) and isinstance(theirs, dict):
        for key in [*mine, *(key for key in theirs if key not in mine)]:
            _compare(f"{place}.{key}", mine.get(key, ABSENT), theirs.get(key, ABSENT), found)
    elif isinstance(mine, tuple | list) and isinstance(theirs, tuple | list):
        if isinstance(mine, Step) and mine[:2] != theirs[:2]:
            found.append((place, mine, theirs))  # another call: its arguments would say nothing
            return
        for i, (here, there) in enumerate(zip_longest(mine, theirs, fillvalue=ABSENT)):
            _compare(f"{place}[{i}]", here, there, found)
    elif type(mine) is not type(theirs) or mine != theirs:  # True == 1, but not here
        found.append((place, mine, theirs))


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
    except BaseException:  # noqa: BLE001 - whatever a module has put there
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

    def __init__(self, stamps: tuple[str, ...] = ()) -> None:
        """Start with the timestamps that were met before, in their order."""
        self.stamps = stamps
        self.left = _MOST

    def text(self, value: str) -> str:
        """Replace times, and names made of them, in ``value``; what cannot be encoded is escaped."""
        if not value.isascii():
            value = value.encode(errors="backslashreplace").decode()
        if _NAME_PREFIX in value:
            value = _NAME.sub(f"{_NAME_PREFIX}<name>", value)
        if ":" in value and "-" in value:
            value = _without_seconds(value) if len(value) < _LONG else _SECOND.sub("<time>", value)
            if "." in value:
                value = _STAMP.sub(self._stamp, value)
        return value

    def _stamp(self, match: re.Match[str]) -> str:
        if match[0] not in self.stamps:
            if len(self.stamps) >= _STAMPS:
                return "<T>"
            self.stamps += (match[0],)
        return f"<T{self.stamps.index(match[0]) + 1}>"

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
        except BaseException:  # noqa: BLE001 - whatever a module has left
            return named(value)

    def _nested(self, kind: type[Any], value: Any, depth: int) -> Json:  # noqa: PLR0911 - one line for each kind of value
        plain = self._plain
        if issubclass(kind, list | tuple):
            items = list.copy(value) if issubclass(kind, list) else tuple.__getitem__(value, _ALL)
            self.left -= len(items)
            if self.left <= 0:
                return named(value)
            return [
                item if type(item) is str and len(item) < _SHORTEST and item.isascii() else plain(item, depth)
                for item in items
            ]
        if issubclass(kind, dict):
            pairs = dict.copy(value)
            self.left -= len(pairs)
            if self.left <= 0:
                return named(value)
            hidden = self.hidden
            return {
                key if type(key) is str and len(key) < _SHORTEST and key.isascii() else self._key(key, depth): item
                if (kind := type(item)) in _SAFE or (kind is str and len(item) < _SHORTEST and item.isascii())
                else plain(item, depth)
                for key, item in pairs.items()
                if not hidden or key not in hidden
            }
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
        plain = self._plain(key, depth)
        return "<digest>" if type(key) is str and _DIGEST.fullmatch(key) else str(plain)

    def items(self, values: Iterable[Any]) -> list[Json]:
        """Return ``values`` as JSON values; most are short, and taken as they are."""
        plain = self.plain
        return [
            item if type(item) is str and len(item) < _SHORTEST and item.isascii() else plain(item) for item in values
        ]

    def operation(self, operation: Any) -> Json:
        """Return an operation's fields and files."""
        return self.known(of_operation(operation))

    def known(self, values: Any) -> Json:
        """Return what :meth:`plain` does, remembered from another run that met the same."""
        try:
            found, self.stamps = _remembered(marshal.dumps(values, WITHOUT_REFERENCES), self.stamps)
        except ValueError:  # there is something else than plain data in it
            return self.plain(values)
        return found

    def found(self, values: dict[str, Any]) -> Json:
        """Return what :meth:`plain` does of what a module has left, which may be as large as it likes."""
        return self.known(values) if is_small(values) else self.plain(values)


_CLASS_NAME: Final[Callable[[type[Any]], str]] = type.__dict__["__name__"].__get__
"""The class's own name, whatever a metaclass says."""
_ARGUMENTS: Final = BaseException.__dict__["args"].__get__
_ALL: Final = slice(None)
_NESTED: Final = frozenset({dict, list, tuple, set, frozenset})
_SAFE: Final = ATOMIC - {int, float}
_FIELDS: Final = ATOMIC | {str, bytes}
_DEEPEST: Final = 50
_ELEMENTS: Final = 10_000
_SMALL: Final = 5_000
"""How many items marshal may write: it writes a list again each time that it is met."""
_LARGE: Final = 10**1000
_LONG: Final = 1 << 16
"""Longer texts are not remembered."""
_STAMPS: Final = 1000
"""How many timestamps are numbered."""


def is_small(values: Any) -> bool:
    """Tell whether the tree of ``values`` is so small that it may be remembered."""
    left, level = _SMALL, [values] if type(values) in _NESTED else []
    while level:
        deeper = []
        for value in level:
            left -= len(value) + 1
            if left < 0:
                return False
            deeper += [item for item in (value.values() if type(value) is dict else value) if type(item) in _NESTED]
        level = deeper
    return True


@lru_cache(maxsize=4096)  # neighbours in the space meet much the same
def _remembered(values: bytes, stamps: tuple[str, ...]) -> tuple[Json, tuple[str, ...]]:
    """What becomes of values after the timestamps ``stamps``, and the timestamps after that; not to be changed."""
    scrubber = Scrubber(stamps)
    found = scrubber.plain(marshal.loads(values))  # noqa: S302 - they are our own
    return _same(marshal.dumps(found, WITHOUT_REFERENCES)), scrubber.stamps


@lru_cache(maxsize=4096)
def _same(plain: bytes) -> Json:
    """The same object for the same plain data, whatever it was made of: two outcomes are compared quickly by that."""
    return marshal.loads(plain)  # noqa: S302 - it is our own
