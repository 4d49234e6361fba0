"""JSON that is read by the types of the code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

import jsonschema
import pytest

from dirac_failover.spec.shape import ShapeError, described, one_of, parse, shown


@dataclass(frozen=True)
class Item:
    """An item."""

    name: str
    """What it is called."""
    kind: Annotated[str, one_of("a", "b")] = "a"
    parts: tuple[Item, ...] = ()
    note: str | None = None


def test_what_has_the_shape_becomes_a_value():
    """What is left out has its default; lists become tuples."""
    assert parse(Item, {"name": "x", "parts": [{"name": "y", "kind": "b"}]}) == Item("x", "a", (Item("y", "b"),))


@pytest.mark.parametrize(("value", "message"), [
    ([], "all of it: input should be an object, found []"), ({}, "name: field required, found {}"),
    ({"name": "x", "more": 1}, "more: unknown key, found 1 (there are name, kind, parts, note)"),
    ({"name": "x", "parts": [{"name": 1}]}, "parts[0].name: input should be a valid string, found 1"),
    ({"name": "x", "kind": "c"}, "kind: input should be 'a' or 'b', found \"c\""),
])  # fmt: skip
def test_what_has_not_is_said_with_its_place(value, message):
    """Where, what is expected there, and what was found."""
    with pytest.raises(ShapeError, match=f"^{re.escape(message)}$"):
        parse(Item, value)


def test_a_type_is_described_with_its_docstrings():
    """The description is JSON Schema, which forbids other keys in objects, nested ones included."""
    rules = described(Item)
    jsonschema.Draft202012Validator.check_schema(rules)
    item = rules["$defs"]["Item"]
    assert item["description"] == "An item."
    assert item["properties"]["name"]["description"] == "What it is called."
    assert item["properties"]["kind"]["enum"] == ["a", "b"]
    assert item["additionalProperties"] is False


def test_a_long_value_is_cut():
    """The message stays one line; a value that is no JSON is shown as Python shows it."""
    assert shown("x" * 58) == f'"{"x" * 58}"'
    assert shown("x" * 59) == f'"{"x" * 34} ... {"x" * 19}"'
    assert shown({1, 2}) == '"{1, 2}"'
    assert shown(10**5000).startswith("a value of type int")
