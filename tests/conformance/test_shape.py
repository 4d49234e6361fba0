from __future__ import annotations

import re

import pytest

from dirac_failover.conformance.shape import ShapeError, check, schema

RULES = {
    "type": "object",
    "required": ["name", "items"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string"},
        "items": {"type": "array", "items": {"type": ["integer", "null"]}},
        "kind": {"enum": ["a", "b"]},
        "done": {"const": True},
        "more": {"type": "object", "properties": {"flag": {"type": "boolean"}}},
    },
}


@pytest.mark.parametrize(
    "value",
    [
        {"name": "n", "items": []},
        {"name": "", "items": [1, None, -3], "kind": "b", "done": True, "more": {"flag": False, "other": 1}},
    ],
)
def test_what_has_the_shape_passes(value: object) -> None:
    """Whatever else is in an object that is open is nobody's business."""
    check(value, RULES)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "all of it: expected object, found []"),
        ({"items": []}, "name: missing"),
        ({"name": 1, "items": []}, "name: expected string, found 1"),
        ({"name": "", "items": {}}, "items: expected array, found {}"),
        ({"name": "", "items": [1, "x"]}, 'items[1]: expected integer or null, found "x"'),
        ({"name": "", "items": [True]}, "items[0]: expected integer or null, found true"),
        ({"name": "", "items": [1.5]}, "items[0]: expected integer or null, found 1.5"),
        ({"name": "", "items": [], "kind": "c"}, 'kind: expected one of a, b, found "c"'),
        ({"name": "", "items": [], "done": False}, "done: expected True, found false"),
        ({"name": "", "items": [], "more": {"flag": 0}}, "more.flag: expected boolean, found 0"),
        ({"name": "", "items": [], "x": 1}, "x: unknown, there are name, items, kind, done, more"),
    ],
)
def test_what_has_not_is_said_with_its_place(value: object, message: str) -> None:
    """Where, what is expected there, and what was found."""
    with pytest.raises(ShapeError, match=f"^{re.escape(message)}$"):
        check(value, RULES)


def test_a_long_value_is_cut() -> None:
    """The message stays one line."""
    check_of = {"type": "integer"}
    with pytest.raises(ShapeError) as caught:
        check("x" * 58, check_of)
    assert str(caught.value).endswith(f'found "{"x" * 58}"')
    with pytest.raises(ShapeError) as caught:
        check("x" * 59, check_of)
    assert str(caught.value).endswith(f'found "{"x" * 56}...')


def test_the_published_schemas_are_found_by_name() -> None:
    """They are part of the package."""
    assert schema("results")["title"] == "Results of dirac-failover verify"
    assert schema("baseline")["title"] == "A baseline of dirac-failover verify"
