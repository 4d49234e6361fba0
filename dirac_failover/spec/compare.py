"""Compares two trees of JSON values, observations included: whether they are equal, and at which places they differ.

True is not 1 here, and the order of keys does not matter.
"""

from __future__ import annotations

import json
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

from dirac_failover.spec.observation import ABSENT, Call

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dirac_failover.spec.observation import Json

    Path = tuple[str | int, ...]


class Difference(NamedTuple):
    """One place at which two trees differ, and the value in each of them; ``(absent)`` where there is none."""

    path: Path
    """Keys, indexes, and names of fields."""
    one: Json
    other: Json

    @property
    def place(self) -> str:
        """The path as text, such as ``result.Value[0]``."""
        return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.path).removeprefix(".")


def equal(one: Json, other: Json) -> bool:
    """Return whether two trees are equal."""
    return one == other and json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def differences(one: Json, other: Json) -> list[Difference]:
    """Return the most specific places at which two trees differ.

    Lists are compared item by item; of two calls of different methods the arguments are not compared.
    """
    return list(_differences((), one, other))


def _differences(path: Path, one: Json, other: Json) -> Iterator[Difference]:
    if isinstance(one, dict) and isinstance(other, dict):
        keys = [*one, *(key for key in other if key not in one)]
        yield from _parts(path, ((key, one.get(key, ABSENT), other.get(key, ABSENT)) for key in keys))
    elif isinstance(one, Call) and isinstance(other, Call) and one[:2] != other[:2]:
        yield Difference(path, one, other)
    elif type(one) is type(other) and hasattr(one, "_fields"):
        yield from _parts(path, zip(one._fields, one, other, strict=True))
    elif isinstance(one, tuple | list) and isinstance(other, tuple | list):
        pairs = enumerate(zip_longest(one, other, fillvalue=ABSENT))
        yield from _parts(path, ((index, *pair) for index, pair in pairs))
    elif type(one) is not type(other) or one != other:
        yield Difference(path, one, other)


def _parts(path: Path, parts: Iterable[tuple[str | int, Json, Json]]) -> Iterator[Difference]:
    for name, one, other in parts:
        yield from _differences((*path, name), one, other)
