"""The base of requests, operations and files: JSON, loading, times, and the relation of a part to its holder.

Names that DIRAC's callers see are DIRAC's (camelCase). Behaviour is DIRAC 9.1's with one difference: data that DIRAC's
constructors refuse with assorted errors, or that would overwrite a method or a private attribute, is refused with
:class:`LoadError`, so that one ``except ValueError`` is enough for a caller that loads foreign data.

The texts of the errors and the format of times are DIRAC's.
"""

# ruff: noqa: SLF001 - requests, operations and files are friends

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from functools import cache, lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, Final

from DIRACCommon.Core.Utilities.ReturnValues import S_ERROR, S_OK

from dirac_failover import clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

TIME_FORMAT: Final = "%Y-%m-%d %H:%M:%S"


class LoadError(ValueError):
    """Data that no request can be built from; ``dirac`` is the error that DIRAC raises, None where it raises none."""

    def __init__(self, message: str, dirac: type[Exception] | None) -> None:
        """Keep the text for people and DIRAC's error for comparisons."""
        super().__init__(message)
        self.dirac = dirac


def now() -> datetime:
    """Return the present second in UTC, without a time zone."""
    return clock.utcnow().replace(microsecond=0)


@lru_cache  # one request has the same time in many places
def _time(text: str) -> datetime:
    return datetime.strptime(text, TIME_FORMAT)  # noqa: DTZ007 - DIRAC's times are naive UTC


def _time_text(time: datetime) -> str:
    return time.isoformat(" ")[:19].lstrip("0")  # quicker than TIME_FORMAT, which puts no zeros before a year


def ruled(name: str, rule: Callable[[str, Any], Any]) -> Any:
    """Make a property that holds what ``rule`` makes of its name and the given value, and whose text is the rule's."""
    attribute = f"_{name}"

    def put(self: Any, value: Any) -> None:
        setattr(self, attribute, rule(name, value))

    return property(attrgetter(attribute), put, doc=rule.__doc__)


def moment(name: str, value: Any) -> datetime:
    """A time, given as a datetime or as its text."""
    if isinstance(value, str):
        return _time(value.split(".")[0])
    if not isinstance(value, datetime):
        raise TypeError(f"{name} should be a datetime.datetime!")
    return value


def content(name: str, value: Any) -> bytes:
    """Bytes, also given as a text."""
    if isinstance(value, str):
        return value.encode()
    if not isinstance(value, bytes):
        raise TypeError(f"{name} should be bytes!")
    return value


@cache
def _methods(cls: type[Any]) -> set[str]:
    return {name for name in dir(cls) if callable(getattr(cls, name))}


def _plain(value: Any) -> Any:
    """Return what JSON holds of bytes, and of requests, operations and files; raises TypeError for others."""
    if isinstance(value, bytes):
        return value.decode()
    if hasattr(value, "_getJSONData"):
        return value._getJSONData()  # DIRAC's name for it, on all three classes
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


encode: Final = json.JSONEncoder(default=_plain).encode
_ABSENT: Final = object()


class Record:
    """Something that is loaded from JSON and written to it, attribute by attribute."""

    _JSON: ClassVar[tuple[str, ...]] = ()
    _Status: str
    _parent: Any = None
    """The holder that has it as a part, the last one if there are several: it is notified of changes."""
    _holders: Sequence[Holder] = ()
    """All holders, one as often as it has this record as a part: they count it."""

    def _load(self, fromDict: Any, **children: Callable[[Any], object]) -> None:
        """Take the attributes in ``fromDict``, JSON text or a dict; anything else is ignored, as in DIRAC.

        The lists named in ``children`` are handed over item by item, before the rest. Falsy values are skipped, and so
        are lost: this too is DIRAC's.
        """
        if not isinstance(fromDict, str | dict):
            return
        try:
            source = json.loads(fromDict) if isinstance(fromDict, str) else fromDict
            for name, add in children.items():
                for child in source.get(name, []):
                    add(child)
            kind: Any = type(self)
            methods = _methods(kind)
            for key, value in source.items():
                if value and key not in children:
                    if key in methods or (isinstance(key, str) and key.startswith("_")):
                        raise LoadError(f"{kind.__name__} has no attribute {key!r} to load", None)
                    setattr(self, key, value)
        except (AttributeError, TypeError, RuntimeError) as error:
            raise LoadError(str(error), type(error)) from error

    def _getJSONData(self) -> dict[str, Any]:
        data = {}
        for name in self._JSON:
            value = getattr(self, name, _ABSENT)
            if value is not _ABSENT:  # the IDs are, until a database gives them
                data[name] = _time_text(value) if isinstance(value, datetime) else value
        return data

    def _become(self, status: str) -> None:
        for holder in self._holders:
            holder._count(self._Status, status)
        self._Status = status

    def __str__(self) -> str:
        """Return the JSON."""
        return str(self.toJSON()["Value"])

    def toJSON(self) -> Any:
        """Return S_OK of the JSON text, or S_ERROR of the reason why there is none."""
        try:
            return S_OK(encode(self))
        except Exception as error:  # noqa: BLE001 - DIRAC promises a return structure for any attributes
            return S_ERROR(str(error))


class Holder(Record):
    """A record that has others as its parts, in order.

    It counts its parts by their status, so that a change costs the same among ten thousand parts as among ten.
    """

    def __init__(self) -> None:
        """Have no parts."""
        self._parts: list[Any] = []
        self._counts: Counter[str] = Counter()

    def _count(self, old: str, new: str) -> None:
        self._counts[old] -= 1
        self._counts[new] += 1

    def _hold(self, part: Any) -> None:
        part._parent = self
        part._holders.append(self)
        self._counts[part._Status] += 1

    def _release(self, part: Any) -> None:
        part._holders.remove(self)
        self._counts[part._Status] -= 1

    def _notify(self) -> None:
        """Work out the status anew: a part has changed."""

    def __contains__(self, part: object) -> bool:
        """Return whether this object itself, not an equal one, is a part."""
        return self in getattr(part, "_holders", ())

    def __iter__(self) -> Iterator[Any]:
        """Iterate over the parts."""
        return iter(self._parts)

    def __getitem__(self, i: Any) -> Any:
        """Return the part at index ``i``, or the parts of a slice."""
        return self._parts[i]

    def __setitem__(self, i: Any, part: Any) -> None:
        """Replace the part at index ``i``."""
        gone, self._parts[i] = self._parts[i], part
        self._release(gone)
        self._hold(part)
        self._notify()

    def __delitem__(self, i: Any) -> None:
        """Remove the part at index ``i``, or the parts of a slice."""
        gone = self._parts[i]
        del self._parts[i]
        for part in gone if isinstance(gone, list) else [gone]:
            self._release(part)
        self._notify()

    def __len__(self) -> int:
        """Return the number of parts."""
        return len(self._parts)

    def __bool__(self) -> bool:
        """Be true, also without parts."""
        return True
