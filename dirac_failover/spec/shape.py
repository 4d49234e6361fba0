"""The shape of JSON that people and programs hand in: pydantic reads, checks and describes it by the types of the code.

A type is a dataclass, or anything else that pydantic knows. An unknown key is an error. The docstring of a class, and
the one below each of its fields, are the descriptions in its JSON Schema.
"""

from __future__ import annotations

import json
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, cast

from dirac_failover.errors import ellipsis, nearest

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import TypeAdapter

T = TypeVar("T")

_LONGEST: Final = 60
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


class ShapeError(ValueError):
    """A value does not have the shape of its type; the message says where, what is expected, and what was found."""


class _Marked:
    """An annotation that tells pydantic which core schema to use, without importing pydantic until then."""

    def __init__(self, make: Callable[[Any, Any], Any]) -> None:
        """Keep the function that makes the core schema from :mod:`pydantic_core.core_schema` and the type's own."""
        self._make = make

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Return pydantic's schema."""
        from pydantic_core import core_schema

        return self._make(core_schema, partial(handler, source))


def one_of(*names: str) -> Any:
    """Return the annotation of a text that is one of these."""
    return _Marked(lambda core, _: core.literal_schema([*map(str, names)]))


def matching(pattern: str) -> Any:
    """Return the annotation of a text in which a regular expression is found."""
    return _Marked(lambda core, _: core.str_schema(pattern=pattern, regex_engine="python-re"))


def sized(least: int) -> Any:
    """Return the annotation of a list or tuple of at least ``least`` items."""
    return _Marked(lambda _, own: {**own(), "min_length": least})


def whole(least: int = 0) -> Any:
    """Return the annotation of an integer of at least ``least``: neither a text nor a Boolean stands for one."""
    return _Marked(lambda core, own: core.no_info_before_validator_function(_number, {**own(), "ge": least}))


def seconds(most: float) -> Any:
    """Return the annotation of a finite number above 0 and up to ``most``."""
    return _Marked(lambda core, _: core.float_schema(gt=0, le=most, strict=True, allow_inf_nan=False))


def _number(value: Any) -> Any:
    if isinstance(value, str | bool):
        raise ValueError("input should be a valid integer")  # noqa: TRY004 - pydantic takes no TypeError
    return value


def written_as(kind: Callable[[], Any]) -> Any:
    """Return the annotation of a value that is written in the form of another type, which ``kind`` returns."""
    return _Marked(lambda _, own: own.func(kind()))


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    kind.__pydantic_config__ = {"extra": "forbid", "use_attribute_docstrings": True}  # also of the classes within it
    return TypeAdapter(kind)


def parse(kind: type[T], data: Any) -> T:
    """Return the value of the type ``kind`` that JSON values stand for; raises ShapeError."""
    from pydantic import ValidationError

    try:
        return cast("T", _adapter(cast("Any", kind)).validate_python(data))
    except ValidationError as error:
        found = [(_place(one, data), one) for one in error.errors(include_url=False)]
        place, deepest = max(found, key=lambda one: len(one[0]))  # of several types that are possible, the likeliest
        text = _TEXTS.get(deepest["type"], deepest["msg"]).removeprefix("Value error, ")
        text = f"{text[0].lower()}{text[1:]}, found {shown(deepest['input'])}"
        if deepest["type"] == "unexpected_keyword_argument" and deepest["loc"][1:] == ():
            names = getattr(kind, "__dataclass_fields__", kind.__annotations__)
            text += f"{nearest(str(deepest['loc'][0]), names)} (there are {', '.join(names)})"
        raise ShapeError(f"{place or 'all of it'}: {text}") from error


def described(kind: Any, mode: Literal["validation", "serialization"] = "validation") -> dict[str, Any]:
    """Return the JSON Schema of what is read as the type ``kind``, or written."""
    return {"$schema": DIALECT, **_adapter(kind).json_schema(mode=mode)}


_TEXTS: Final = {
    "dataclass_type": "input should be an object",
    "unexpected_keyword_argument": "unknown key",
    "extra_forbidden": "unknown key",
    **dict.fromkeys(("date_from_datetime_inexact", "date_from_datetime_parsing"), "input should be a date, YYYY-MM-DD"),
}
"""Texts for types of errors of which pydantic speaks in the words of Python."""


def _place(error: Any, data: Any) -> str:
    """Return where in the data the error is; names of types on the way, of which one could be meant, are left out."""
    place = ""
    for part in error["loc"]:
        if isinstance(data, list) and isinstance(part, int) and part < len(data):
            place += f"[{part}]"
            data = data[part]
        elif isinstance(data, dict) and (part in data or error["type"] == "missing"):
            place += f".{part}"
            data = data.get(part)
    return place.removeprefix(".")


def shown(value: Any, most: int = _LONGEST) -> str:
    """Return a value as JSON, cut where it gets too long to stand in a line."""
    try:
        text = json.dumps(value, default=repr, skipkeys=True)
    except (RecursionError, ValueError):  # it is nested too deeply, or an integer with too many digits
        text = f"a value of type {type(value).__name__} that cannot be shown"
    return ellipsis(text, most)
