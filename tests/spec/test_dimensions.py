from __future__ import annotations

from dataclasses import replace

import pytest

from dirac_failover.spec import dimensions
from dirac_failover.spec.dimensions import ABSENT, Dimension, Region, Value, faults, values
from dirac_failover.spec.scenario import Scenario
from dirac_failover.spec.space import REGIONS

SMALL = Region(
    "small",
    "three dimensions, one of which is asked only sometimes",
    {"records": 2},
    (
        Dimension("a", "", (Value("good", ""), Value("bad", "", {"records": 3}))),
        Dimension(
            "b", "", (Value("good", ""), Value("bad", ""), Value("worse", "")), lambda choices: choices["a"] == "good"
        ),
        Dimension("c", "", (Value("good", ""), Value("bad", "", {"executions": 2}))),
    ),
)


@pytest.mark.parametrize(("changes", "names"), [
    (0, ["small: the good case"]),
    (1, [
        "small: c=bad", "small: b=bad", "small: b=worse", "small: a=bad",
    ]),
    (2, ["small: b=bad; c=bad", "small: b=worse; c=bad", "small: a=bad; c=bad"]), (3, []),
])  # fmt: skip
def test_scenarios_near_the_good_case_are_those_with_so_many_changes(changes, names):
    """A dimension that is not asked is no change; a name says what is changed, and so how much."""
    assert [scenario.name for scenario in SMALL.near(changes)] == names
    assert {dimensions.changes(name) for name in names} <= {changes}


def test_all_neighbourhoods_together_are_the_region():
    """The same scenarios, with the same contents."""
    identity = REGIONS[0]
    near = [scenario for changes in range(len(identity.dimensions) + 1) for scenario in identity.near(changes)]
    every = {scenario.name: scenario for scenario in identity.scenarios()}
    assert len(near) == len(every)
    assert {scenario.name: scenario for scenario in near} == every
    assert [scenario.records for scenario in SMALL.near(1)] == [2, 2, 2, 3]


def test_what_is_too_far_away_is_not_looked_at():
    """Once there is no change left, only the first value of a dimension is followed."""
    asked = []
    _, b, c = SMALL.dimensions
    counted = replace(c, when=lambda choices: not asked.append(choices["b"]))
    region = replace(SMALL, dimensions=(replace(b, when=lambda _: True), counted))
    assert [scenario.name for scenario in region.near(0)] == ["small: the good case"]
    assert asked == ["good"]


def of(*sets, **base):
    """The scenarios of a region with one dimension for each: to set it, or not."""
    both = [(Value("no", ""), Value("yes", "", given)) for given in sets]
    return list(
        Region("r", "", base, tuple(Dimension(str(i), "", values) for i, values in enumerate(both))).scenarios()
    )


def test_a_mapping_is_merged_and_a_key_can_be_removed():
    """Into the base, and into the scenario's defaults; neither is changed."""
    base = {"JOBID": "5", "HOME": "/"}
    found = of({"environment": {"HOME": ABSENT, "USER": "a"}}, {"environment": {"USER": ABSENT}}, environment=base)
    assert [dict(item.environment) for item in found] == [
        {"JOBID": "5", "HOME": "/"},
        {"JOBID": "5", "HOME": "/"},
        {"JOBID": "5", "USER": "a"},
        {"JOBID": "5"},
    ]
    assert base == {"JOBID": "5", "HOME": "/"}
    (_, without) = of({"environment": {"JOBID": ABSENT}})
    assert without.environment == {}
    assert Scenario().environment == {"JOBID": "77"}


def test_a_function_computes_a_field_from_what_it_is_so_far():
    """The base and the values before are in it."""
    found = of({"records": lambda records: records + 1}, {"records": lambda records: records * 3}, records=1)
    assert [item.records for item in found] == [1, 3, 2, 6]


def test_rows_of_a_table_are_values():
    """A row without content sets nothing; a text is the only answer of a method, and the end of a fault's text."""
    assert values("records", ("a", "why"), ("b", "how", 2)) == (Value("a", "why"), Value("b", "how", {"records": 2}))
    assert values("files.x", ("a", "why", "old")) == (Value("a", "why", {"files": {"x": "old"}}),)
    made = values("answers.Request.toJSON", ("a", "why", "ok"), ("b", "how", ("ok", "s_error")))
    assert [value.sets["answers"] for value in made] == [
        {"Request.toJSON": ("ok",)}, {"Request.toJSON": ("ok", "s_error")},
    ]  # fmt: skip
    assert faults("requests", ("well", "why"), ("down", "how", ".putRequest:down")) == (
        Value("well", "why"), Value("down", "how", {"faults": ("requests.putRequest:down",)}),
    )  # fmt: skip


def test_lists_grow_and_anything_else_is_replaced():
    """Faults, operations and unsent statuses accumulate over the dimensions."""
    given = {"faults": ("a",), "unsent_statuses": ("s",), "operations": ({"Type": "x"},), "records": 1}
    other = {"owner": None, "executions": 3}
    assert of(given, given | other, records=5) == [
        Scenario(records=5), Scenario(**given, **other), Scenario(**given),
        Scenario(**{name: item * 2 for name, item in given.items() if name != "records"}, records=1, **other),
    ]  # fmt: skip


def test_two_values_of_a_dimension_have_two_names():
    """Else choices could not tell them apart."""
    with pytest.raises(ValueError, match=r"^Dimension 'd' has two values of the same name among \['a', 'b', 'a'\]$"):
        Dimension("d", "", (Value("a", ""), Value("b", ""), Value("a", "")))


@pytest.mark.parametrize(("dimension", "value"), [("a; b", "c"), ("a", "b; c")])
def test_no_name_holds_what_stands_between_two_changes(dimension, value):
    """Else the name of a scenario would not say how many there are."""
    with pytest.raises(ValueError, match=r"expected names without '; ', found '. ?.*; .'$"):
        Dimension(dimension, "", (Value(value, ""),))


def test_near_and_far_make_the_whole():
    """A region may be gone through in bands: the same scenarios, each once."""
    for region in REGIONS[:2]:
        bands = [*region.scenarios(0, 1), *region.scenarios(2, 2), *region.scenarios(3)]
        assert sorted(item.name for item in bands) == sorted(item.name for item in region.scenarios())
