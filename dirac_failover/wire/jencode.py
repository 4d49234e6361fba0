"""JEncode: the JSON that DIRAC's HTTPS services speak, with its spelling of dates, bytes and objects.

JSON has no tuples and no keys but strings: tuples come back as lists, ``1`` as ``"1"``. A dictionary with ``__dCls``
stands for something else: a datetime (whole seconds, no zone), a date, bytes, or an object of a
:class:`JSerializable` class.

DIRAC imports the module that a message names to find that class. Here only classes that the program has defined itself
are found. That is the one difference, and it must stay: messages come from untrusted senders.
"""

from __future__ import annotations

import datetime as dt
import json
from base64 import b64decode, b64encode
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Final

from dirac_failover.wire.dencode import DecodeError

if TYPE_CHECKING:
    from collections.abc import Callable

_DATETIME: Final = "%Y-%m-%d %H:%M:%S"
_DATE: Final = "%Y-%m-%d"


class JSerializable:
    """Base of classes whose objects can be sent: they name their attributes, and are made without arguments."""

    _attrToSerialize: ClassVar[list[str]]

    _known: ClassVar[dict[tuple[Any, str], type[JSerializable]]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        """Make the class known to :func:`decode`."""
        super().__init_subclass__(**options)
        JSerializable._known[cls.__module__, cls.__name__] = cls

    def _toJSON(self) -> dict[str, Any]:
        if not hasattr(self, "_attrToSerialize"):
            raise TypeError(f"{type(self).__name__} does not say what to send: it has no _attrToSerialize")
        found = {name: getattr(self, name, None) for name in self._attrToSerialize}
        kept = {name: value for name, value in found.items() if value is not None}
        return {"__dCls": type(self).__name__, "__dMod": type(self).__module__, **kept}


def _default(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return {"__dCls": "dt", "obj": value.strftime(_DATETIME)}
    if isinstance(value, dt.date):
        return {"__dCls": "date", "obj": value.strftime(_DATE)}
    if isinstance(value, JSerializable):
        return value._toJSON()  # noqa: SLF001 - the name is DIRAC's
    if isinstance(value, bytes):
        return {"__dCls": "b64", "obj": b64encode(value).decode()}
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


@lru_cache  # one message has the same time in many places
def _read_datetime(text: str) -> dt.datetime:
    return dt.datetime.strptime(text, _DATETIME)  # noqa: DTZ007 - DIRAC's have no zone


_READERS: Final[dict[str, Callable[[str], Any]]] = {
    "dt": _read_datetime,
    "date": lambda text: dt.datetime.strptime(text, _DATE).date(),  # noqa: DTZ007
    "b64": b64decode,
}


def _object(fields: dict[str, Any]) -> Any:
    name = fields.pop("__dCls", None)
    if not name:
        return fields
    if isinstance(name, str) and name in _READERS:
        return _READERS[name](fields["obj"])
    known = JSerializable._known.get((fields.pop("__dMod"), name))  # noqa: SLF001
    if known is None:
        raise TypeError(f"{name} is not a class that can be decoded here")
    made = known()
    for attribute, value in fields.items():
        if value is not None:
            setattr(made, attribute, value)
    return made


def encode(value: Any) -> str:
    """Return ``value`` as DIRAC's JSON; raises ``TypeError`` for a value without JSON, ``ValueError`` for a loop."""
    return json.dumps(value, default=_default)


def decode(text: str | bytes) -> tuple[Any, int]:
    """Return the value that ``text`` holds, and the length of ``text``; raises nothing but :class:`DecodeError`."""
    try:
        return json.loads(text, object_hook=_object), len(text)
    except Exception as error:
        raise DecodeError.of(error) from error


def strToIntDict(inDict: dict[str, Any]) -> dict[int, Any]:
    """Return the dictionary with its keys as integers again."""
    return dict(zip(map(int, inDict), inDict.values(), strict=True))


def strToFloatDict(inDict: dict[str, Any]) -> dict[float, Any]:
    """Return the dictionary with its keys as floats again."""
    return dict(zip(map(float, inDict), inDict.values(), strict=True))
