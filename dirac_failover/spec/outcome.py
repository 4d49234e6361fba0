"""An outcome: everything that can be observed after ``execute()``, as plain data.

Whatever cannot be the same in two runs is made the same here: timestamps are numbered in the order in which they appear
(``<T1>``), other times read ``<time>``, names made of the time and chance read ``<name>``, digests of texts
``<digest>``, exceptions are their class name and arguments, and an operation is its fields. Two implementations behave
alike in a scenario when their outcomes are equal. What may change here: what is observed.
"""

from __future__ import annotations

import marshal
import re
from functools import lru_cache
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

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
    for value in result.values() if isinstance(result, dict) else result if isinstance(result, list) else (result,):
        error = value
        while isinstance(error, BaseException):
            error.__traceback__, error.__context__, error = None, None, error.__context__


def attributes_of(owner: Any, names: Iterable[str]) -> dict[str, Any]:
    """Return attributes by name; those that are not there read ``(absent)``."""
    return {name: getattr(owner, name, ABSENT) for name in names}


def of_operation(operation: Any) -> dict[str, Any]:
    """Return an operation's attributes, and those of its files."""
    files = [attributes_of(file, FILE_FIELDS) for file in operation]
    return {**attributes_of(operation, OPERATION_FIELDS), "Files": files}


class Scrubber:
    """Turns what one run observed into plain data: one for each run, since it numbers the run's timestamps."""

    __slots__ = ("stamps",)

    def __init__(self, stamps: tuple[str, ...] = ()) -> None:
        """Start with the timestamps that were met before, in their order."""
        self.stamps = stamps

    def text(self, value: str) -> str:
        """Replace times, and names made of them, in ``value``."""
        if _NAME_PREFIX in value:
            value = _NAME.sub(f"{_NAME_PREFIX}<name>", value)
        if ":" in value and "-" in value:
            value = _without_seconds(value)
            if "." in value:
                value = _STAMP.sub(self._stamp, value)
        return value

    def _stamp(self, match: re.Match[str]) -> str:
        if match[0] not in self.stamps:
            self.stamps += (match[0],)
        return f"<T{self.stamps.index(match[0]) + 1}>"

    def plain(self, value: Any) -> Json:  # noqa: PLR0911 - one line for each kind of value
        """Return ``value`` as JSON values."""
        kind = type(value)
        if kind in ATOMIC:
            return value
        if kind is str:
            return value if len(value) < _SHORTEST else self.text(value)
        if isinstance(value, (list, tuple)):
            return self.items(value)
        if isinstance(value, dict):
            plain = self.plain
            return {
                key if type(key) is str and len(key) < _SHORTEST else self._key(key): item
                if (kind := type(item)) in ATOMIC or (kind is str and len(item) < _SHORTEST)
                else plain(item)
                for key, item in value.items()
            }
        if isinstance(value, BaseException):
            return {"exception": kind.__name__, "args": self.plain(value.args)}
        if isinstance(value, bytes):
            return self.text(value.decode(errors="backslashreplace"))
        if hasattr(value, "Arguments"):
            return self.operation(value)
        return f"<{kind.__name__}>"

    def items(self, values: Iterable[Any]) -> list[Json]:
        """Return ``values`` as JSON values; most are short, and taken as they are."""
        plain = self.plain
        return [
            item if (kind := type(item)) in ATOMIC or (kind is str and len(item) < _SHORTEST) else plain(item)
            for item in values
        ]

    def _key(self, key: Any) -> str:
        if type(key) is not str:
            return str(self.plain(key))
        return "<digest>" if _DIGEST.fullmatch(key) else self.text(key)

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
