"""The space: how many scenarios, no two alike, each with its reasons; and that the module asks for what they answer."""

from __future__ import annotations

import json
from dataclasses import fields
from itertools import islice

import pytest

from dirac_failover.drivers import in_process, setup
from dirac_failover.drivers.observe import HOOKS
from dirac_failover.spec import space
from dirac_failover.spec.dimensions import ABSENT
from dirac_failover.spec.scenario import Scenario

SIZES = {
    "identity": 1_191, "inputs": 13_324, "hooks": 2_046, "candidates": 10_066, "reports": 2_960, "end": 770,
    "answers": 80_192, "services": 10_332,
    "statuses": 663, "files": 1_004, "accounting": 291, "parameters": 147, "requests": 855, "row": 301,
}  # fmt: skip
REGIONS = {region.name: region for region in space.REGIONS}
SITUATION = [field.name for field in fields(Scenario) if field.name != "name"]


@pytest.fixture(scope="module")
def whole():
    """One pass over all of it: how many scenarios, names and situations a region has, and which values are nowhere."""
    found = {}
    for region in space.REGIONS:
        names, situations, count = set(), set(), 0
        for scenario in region.scenarios():
            count += 1
            names.add(scenario.name)
            situations.add(hash(repr([getattr(scenario, field) for field in SITUATION])))
        text = ";".join(names) + ";"
        changed = [(dimension, value) for dimension in region.dimensions for value in dimension.values[1:]]
        choices = [f" {dimension.name}={value.name};" for dimension, value in changed]
        found[region.name] = (count, len(names), len(situations), [choice for choice in choices if choice not in text])
    return found


@pytest.mark.ci
def test_the_space_has_regions_of_known_size(whole):
    """A change of the tables shows in how many scenarios they make; change the number with the tables."""
    assert {name: count for name, (count, *_) in whole.items()} == SIZES


@pytest.mark.ci
def test_no_two_scenarios_have_the_same_name(whole):
    """A name identifies a scenario."""
    assert {name: names for name, (_, names, *_) in whole.items()} == SIZES


@pytest.mark.ci
def test_no_two_scenarios_are_the_same_situation(whole):
    """Each adds something: no dimension is branched on where its values make no difference in what is set."""
    assert {name: situations for name, (_, _, situations, _) in whole.items()} == SIZES


def test_the_space_is_its_regions_in_order():
    """Each scenario's name begins with its region's."""
    heads = [scenario.name for scenario in islice(space.scenarios(), 3)]
    assert heads == [scenario.name for scenario in islice(REGIONS["identity"].scenarios(), 3)]
    assert [region.name for region in space.REGIONS] == list(SIZES)
    for region in space.REGIONS:
        assert next(region.scenarios()).name == f"{region.name}: the good case"


@pytest.mark.parametrize("region", space.REGIONS, ids=lambda region: region.name)
def test_everything_in_a_region_has_a_reason(region):
    """The region, its dimensions and their values; names are unique in each."""
    assert region.reason
    dimensions = region.dimensions
    assert len({dimension.name for dimension in dimensions}) == len(dimensions)
    for dimension in dimensions:
        assert dimension.reason, dimension.name
        assert len(dimension.values) > 1, dimension.name
        assert all(value.name and value.reason for value in dimension.values), dimension.name


@pytest.mark.parametrize("region", space.REGIONS, ids=lambda region: region.name)
def test_values_set_fields_of_scenarios(region):
    """They set nothing that a scenario does not have."""
    for sets in [region.base, *(value.sets for dimension in region.dimensions for value in dimension.values)]:
        assert set(sets) <= set(SITUATION)


@pytest.mark.ci
def test_every_value_of_every_dimension_is_somewhere(whole):
    """None is kept from being chosen by what was chosen before."""
    assert {name: nowhere for name, (*_, nowhere) in whole.items()} == {name: [] for name in SIZES}


@pytest.mark.parametrize("name", SIZES)
def test_scenarios_of_the_space_are_sound(name):
    """They come back from JSON as they were; nothing that stands for an absent key is left in them."""
    for scenario in islice(REGIONS[name].scenarios(), 0, None, 211):
        data = scenario.to_json()
        assert Scenario.from_json(json.loads(json.dumps(data))).to_json() == data
        assert not any(ABSENT in value.values() for value in (scenario.environment, scenario.collaborators))


@pytest.fixture
def scripts(monkeypatch):
    """The scripts of the runs, the last one at the end."""
    made = []

    class Kept(setup.Script):
        __slots__ = ()

        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            made.append(self)

    monkeypatch.setattr(setup, "Script", Kept)
    return made


@pytest.mark.parametrize(
    ("name", "every"), [("identity", 5), ("inputs", 53), ("end", 3), ("answers", 101), ("services", 53)]
)
def test_the_module_asks_for_every_answer_and_for_nothing_else(reference, scripts, name, every):
    """Each method that a scenario answers is called, and as often as it has answers.

    Where the region is about answers, the module asks for no other; only sound accounting needs none to be given.
    """
    runner = in_process.InProcessDriver(reference)
    with runner.session():
        for scenario in islice(REGIONS[name].scenarios(), 0, None, every):
            runner.run(scenario)
            script = scripts.pop()
            assert script.unused() == [], scenario.name
            idle = [method for method, answers in scenario.answers.items() if script._counts[method] < len(answers)]
            assert idle == [], scenario.name
            others = {*script.journal.methods()} - {*scenario.answers} - {f"module.{hook}" for hook in HOOKS}
            usual = set() if " accounting=" in scenario.name else {"AccountingReport.commit"}
            assert name != "answers" or others <= usual, scenario.name
