"""The shape of JSON that people and programs hand in: pydantic reads, checks and describes it by the types of the code.

A type is a dataclass, or anything else that pydantic knows. An unknown key is an error. The docstring of a class, and
the one below each of its fields, are the descriptions in its JSON Schema.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")

_LONGEST: Final = 60
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


class ShapeError(ValueError):
    """A value does not have the shape of its type; the message says where, what is expected, and what was found."""


class OneOf:
    """Marks a text that is one of these."""

    def __init__(self, *names: str) -> None:
        """Keep the texts."""
        self._names = [*map(str, names)]

    def __get_pydantic_core_schema__(self, _source: Any, _handler: Any) -> Any:
        """Return pydantic's schema of the text."""
        from pydantic_core.core_schema import literal_schema

        return literal_schema(self._names)


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
        raise ShapeError(_said(error.errors(include_url=False)[0])) from error


def described(kind: Any) -> dict[str, Any]:
    """Return the JSON Schema of what is written of the type ``kind``."""
    return {"$schema": DIALECT, **_adapter(kind).json_schema(mode="serialization")}


_TEXTS: Final = {
    "dataclass_type": "input should be an object",
    "unexpected_keyword_argument": "unknown key",
    **dict.fromkeys(("date_from_datetime_inexact", "date_from_datetime_parsing"), "input should be a date, YYYY-MM-DD"),
}
"""Texts for types of errors of which pydantic speaks in the words of Python."""


def _said(error: Any) -> str:
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"]).removeprefix(".")
    text = _TEXTS.get(error["type"], error["msg"]).removeprefix("Value error, ")
    return f"{place or 'all of it'}: {text[0].lower()}{text[1:]}, found {shown(error['input'])}"


def shown(value: Any, most: int = _LONGEST) -> str:
    """Return a value as JSON, cut where it gets too long to stand in a line."""
    text = json.dumps(value, default=repr, skipkeys=True)
    return text if len(text) <= most else f"{text[: most - 3]}..."
