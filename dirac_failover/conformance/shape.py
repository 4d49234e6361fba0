"""The shape of JSON that people and programs hand in: the part of JSON Schema that the published schemas use.

One place checks what the schema says, so the two cannot disagree: types, enumerations, required and unknown keys, and
what lies below them. What may change here: another keyword, once a schema needs it.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from dirac_failover.spec.outcome import Json

_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "object": (dict,), "array": (list,), "string": (str,), "integer": (int,), "boolean": (bool,), "null": (type(None),),
}  # fmt: skip


class ShapeError(ValueError):
    """Something does not have the shape that its schema asks for; the message says where, what, and what is there."""


def schema(name: str) -> dict[str, Any]:
    """Return the published schema of that name."""
    text = files("dirac_failover").joinpath(f"schemas/{name}.json").read_text(encoding="utf-8")
    data: dict[str, Any] = json.loads(text)
    return data


def check(value: Json, rules: dict[str, Any], place: str = "") -> None:
    """Raise :class:`ShapeError` unless ``value`` is as ``rules``, a part of a schema, say."""
    kinds = rules.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(_is(value, kind) for kind in kinds):
        raise ShapeError(f"{place or 'all of it'}: expected {' or '.join(kinds)}, found {_show(value)}")
    if "enum" in rules and value not in rules["enum"]:
        raise ShapeError(f"{place}: expected one of {', '.join(map(str, rules['enum']))}, found {_show(value)}")
    if "const" in rules and value != rules["const"]:
        raise ShapeError(f"{place}: expected {rules['const']}, found {_show(value)}")
    if isinstance(value, dict):
        _check_object(value, rules, f"{place}." if place else "")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            check(item, rules.get("items", {}), f"{place}[{number}]")


def _is(value: Json, kind: str) -> bool:
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _check_object(value: dict[str, Json], rules: dict[str, Any], before: str) -> None:
    for name in rules.get("required", ()):
        if name not in value:
            raise ShapeError(f"{before}{name}: missing")
    known = rules.get("properties", {})
    for name, item in value.items():
        if name in known:
            check(item, known[name], f"{before}{name}")
        elif not rules.get("additionalProperties", True):
            raise ShapeError(f"{before}{name}: unknown, there are {', '.join(known)}")


def _show(value: Json) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - what fits beside the rest of the line
