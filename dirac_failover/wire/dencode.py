"""DEncode: the text format in which DIRAC keeps the arguments of an operation, byte for byte as DIRAC 9.1 has it.

A value is a tag and what belongs to it: ``i1e``, ``f1.5e``, ``b1``, ``n``, ``s3:abc`` (bytes, not characters),
``l...e``, ``t...e``, ``d<key><value>...e``, and ``za``, ``zd``, ``zt`` before a tuple for a datetime, a date and a
time. There are two tables, one by type and one by tag; a new type is one line in each. Replaying a request depends on
every quirk below: change one only together with ``tests/differential/test_codecs.py``.

Decoding is as generous as DIRAC's, with one exception. A string of negative size that would move the reader back inside
a container is refused: DIRAC then reads the same bytes again, as a rule until its memory is full.
"""

from __future__ import annotations

import datetime as dt
import sys
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Out = list[bytes]
    Read = tuple[Any, int]


class DecodeError(ValueError):
    """The data are not an encoded value; ``str()`` of the error is the text of DIRAC's exception.

    ``dirac`` is the class that DIRAC raises for the same input: its request operations fail for good on a
    ``ValueError`` and stay waiting on any other.
    """

    def __init__(self, reason: str, dirac: type[Exception]) -> None:
        """Keep both; so do ``args``, which ``pickle`` uses."""
        self.reason = reason
        self.dirac = dirac

    def __str__(self) -> str:
        """Return the reason alone: it is stored in operations, where DIRAC stores its own."""
        return self.reason

    @classmethod
    def of(cls, error: Exception) -> DecodeError:
        """Return ``error`` as a ``DecodeError``."""
        return error if isinstance(error, cls) else cls(str(error), type(error))


# Encoding


def _write_bytes(value: bytes, out: Out) -> None:
    out.append(b"s%d:%b" % (len(value), value))


def _write_moment(value: dt.date | dt.time, out: Out) -> None:
    tag, fields = _FIELDS[type(value)]
    out.append(tag)
    _write_container(tuple([getattr(value, name) for name in fields]), out)


def _write_container(value: Iterable[Any], out: Out) -> None:
    kind = type(value)
    out.append(_OPENING[kind])
    for item in chain.from_iterable(value.items()) if isinstance(value, dict) else value:
        _WRITERS[type(item)](item, out)
    out.append(b"e")


_OPENING: Final[dict[type[Any], bytes]] = {list: b"l", tuple: b"t", dict: b"d"}
_DATE: Final = ("year", "month", "day")
_TIME: Final = ("hour", "minute", "second", "microsecond", "tzinfo")  # a zone that is not None cannot be encoded
_FIELDS: Final[dict[type[Any], tuple[bytes, tuple[str, ...]]]] = {
    dt.datetime: (b"za", _DATE + _TIME),
    dt.date: (b"zd", _DATE),
    dt.time: (b"zt", _TIME),
}
_WRITERS: Final[dict[type[Any], Callable[[Any, Out], None]]] = {
    int: lambda value, out: out.append(f"i{value}e".encode()),
    float: lambda value, out: out.append(f"f{value}e".encode()),
    bool: lambda value, out: out.append(b"b1" if value else b"b0"),
    type(None): lambda _, out: out.append(b"n"),
    str: lambda value, out: _write_bytes(value.encode(), out),
    bytes: _write_bytes,
    **dict.fromkeys(_OPENING, _write_container),
    **dict.fromkeys(_FIELDS, _write_moment),
}


def encode(value: Any) -> bytes:
    """Return ``value`` as DIRAC encodes it.

    Types must be exact: a subclass, a set or a datetime with a zone raises ``KeyError`` with the class, a lone
    surrogate ``UnicodeEncodeError``, an integer of too many digits ``ValueError`` and a loop ``RecursionError``: all as
    DIRAC, whose modules report these texts.
    """
    out: Out = []
    _WRITERS[type(value)](value, out)
    return b"".join(out)


# Decoding. A reader takes the data and where its value begins, and returns the value and where the next one begins.
# Readers let Python's own exceptions through: they are DIRAC's too.

_END, _DICT = b"ed"


def _read_int(data: bytes, i: int) -> Read:
    end = data.index(b"e", i)
    return int(data[i + 1 : end]), end + 1


def _read_float(data: bytes, i: int) -> Read:
    end = data.index(b"e", i)
    mantissa = data[i + 1 : end]
    if data[end + 1 : end + 2] not in (b"+", b"-"):  # so the exponent of f1e300e is not seen, and 300e is what follows
        return float(mantissa.decode()), end + 1
    start = end + 1
    end = data.index(b"e", start)
    number, exponent = float(mantissa.decode()), int(data[start:end].decode())
    if exponent > sys.float_info.max_10_exp:  # before an endless power is computed
        raise OverflowError("int too large to convert to float")
    return number * 10**exponent, end + 1


def _read_string(data: bytes, i: int) -> Read:
    start = data.index(b":", i) + 1
    end = start + int(data[i + 1 : start - 1].decode())
    if end <= i and i:
        raise DecodeError("a negative size leads back to what has been read", MemoryError)
    return data[start:end].decode("utf-8", "surrogateescape"), end


def _read_moment(data: bytes, i: int) -> Read:
    kind = data[i + 1]
    fields, end = _READERS[data[i + 2]](data, i + 2)
    if kind not in _MOMENTS:
        raise DecodeError(f"{kind} is not a kind of datetime", Exception)
    return _MOMENTS[kind](*fields), end


def _read_container(data: bytes, i: int) -> Read:
    tag = data[i]
    items: list[Any] = []
    i += 1
    try:
        while (kind := data[i]) != _END:
            item, i = _READERS[kind](data, i)
            items.append(item)
    finally:
        value = _BUILDERS[tag](items)  # after an error too: DIRAC notices an unhashable key before what follows it
    if tag == _DICT and len(items) % 2:
        raise KeyError(_END)
    return value, i + 1


_BUILDERS: Final[dict[int, Callable[[list[Any]], Any]]] = {
    ord("l"): list,
    ord("t"): tuple,
    _DICT: lambda items: dict(zip(items[::2], items[1::2])),  # noqa: B905 - the last key may have no value
}
_MOMENTS: Final[dict[int, Callable[..., Any]]] = {ord("a"): dt.datetime, ord("d"): dt.date, ord("t"): dt.time}
_READERS: Final[dict[int, Callable[[bytes, int], Read]]] = {
    ord("i"): _read_int,
    ord("I"): _read_int,
    ord("f"): _read_float,
    ord("b"): lambda data, i: (data[i + 1] != ord("0"), i + 2),
    ord("n"): lambda _, i: (None, i + 1),
    ord("s"): _read_string,
    ord("u"): _read_string,
    ord("z"): _read_moment,
    **dict.fromkeys(_BUILDERS, _read_container),
}


def decode(data: Any) -> tuple[Any, int]:
    """Return the value that ``data`` begins with, and how many bytes it takes; what follows is not looked at.

    Raises :class:`DecodeError`, and nothing else, for data that cannot be decoded. Empty input is a ``ValueError`` of
    DIRAC's callers: DIRAC itself returns it bare. The count is DIRAC's: more than there is for ``s3:ab``.
    """
    try:
        if data and not isinstance(data, (bytes, bytearray)):
            raise NotImplementedError(f"{type(data).__name__} is not bytes")  # noqa: TRY301 - as DIRAC
        # What is empty comes back from DIRAC as it is, and its callers fail to unpack it
        value, consumed = _READERS[data[0]](bytes(data), 0) if data else data
    except Exception as error:
        raise DecodeError.of(error) from error
    return value, consumed
