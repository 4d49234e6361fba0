import json

import jsonschema
import pytest

from dirac_failover.reports.schemas import SCHEMAS
from dirac_failover.spec import scenario


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_printed(printed, name):
    """It is valid JSON Schema, for people to read."""
    text = printed("schema", name)
    assert json.loads(text) == SCHEMAS[name]()
    assert text.startswith('{\n  "$schema": "https://json-schema.org/draft/2020-12/schema",\n')
    assert text.endswith("\n}\n")
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name]())


def test_there_are_ten():
    """What run reads and prints, what verify does, what is made of results, what ports are told, and what is served."""
    names = "run scenario results baseline compare diff port-protocol adapter serve admin"
    assert list(SCHEMAS) == names.split()
    assert SCHEMAS["scenario"]() == scenario.schema()


def test_the_report_holds_a_scenario():
    """The schema of the report has that of the scenario in it."""
    inner = SCHEMAS["run"]()["$defs"]["scenario"]
    assert inner == {key: value for key, value in scenario.schema().items() if key != "$schema"}
    assert "$schema" not in inner


def objects(schema):
    if isinstance(schema, dict):
        if "properties" in schema:
            yield schema
        for value in schema.values():
            yield from objects(value)


@pytest.mark.parametrize(("name", "least"), [("run", 9), ("compare", 8), ("diff", 5), ("serve", 1)])
def test_what_is_printed_is_closed(name, least):
    """Every object of ours names what it requires; nothing unknown may be in it."""
    schema = SCHEMAS[name]()
    schema.get("$defs", {}).pop("scenario", None)
    found = list(objects(schema))
    assert len(found) >= least
    assert [item for item in found if item.get("additionalProperties") is not False] == []
    assert all("required" in item for item in found)


def test_an_unknown_schema_is_one_clear_line(complaint):
    """With what there is."""
    assert complaint("schema", "nope").startswith("there is no name 'nope' (there are ")
