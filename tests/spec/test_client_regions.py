"""Clients in every state: the regions say what they are said to be, and implementations do in them what is expected."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING

import pytest

from dirac_failover.conformance.port import ModulePort
from dirac_failover.spec import live, model
from dirac_failover.spec.client_regions import CLIENT_REGIONS, ROW
from dirac_failover.spec.scenario import Scenario

if TYPE_CHECKING:
    from dirac_failover.conformance.kits import Kit
    from dirac_failover.spec.product import Region

SIZES = {"statuses": 663, "files": 1004, "accounting": 291, "parameters": 147, "requests": 855, "row": 301}
STEPS = {"statuses": 5, "files": 7, "accounting": 3}
REGIONS = (*CLIENT_REGIONS, ROW)
EACH_REGION = pytest.mark.parametrize("region", REGIONS, ids=lambda region: region.name)


def test_the_regions_have_a_known_size() -> None:
    """A change of the tables shows in how many scenarios they make; change the number with the tables."""
    assert {region.name: sum(1 for _ in region.scenarios()) for region in REGIONS} == SIZES


@EACH_REGION
def test_no_two_scenarios_are_alike_and_all_come_back_from_json(region: Region) -> None:
    """By name and by situation; values that JSON does not know are said in ones that it does."""
    scenarios = list(region.scenarios())
    assert len({scenario.name for scenario in scenarios}) == len(scenarios)
    texts = [json.dumps({**scenario.to_json(), "name": ""}, allow_nan=False) for scenario in scenarios]
    assert len(set(texts)) == len(texts)
    assert [Scenario.from_text(text) for text in texts] == scenarios


@EACH_REGION
def test_every_value_is_somewhere(region: Region) -> None:
    """None is kept from being chosen by what was chosen before."""
    names = ";".join(scenario.name for scenario in region.scenarios()) + ";"
    for dimension in region.dimensions:
        for value in dimension.values[1:]:
            assert f" {dimension.name}={value.name};" in names


@EACH_REGION
def test_the_specification_and_the_implementation_agree(kit: Kit, region: Region) -> None:
    """The complete outcome is the expected one; 'nox -s differential' asks about all of the scenarios."""
    port = ModulePort(kit)
    with port.session():
        for scenario in islice(region.scenarios(), 0, None, STEPS.get(region.name, 1)):
            expected = live.expected if live.speaks_of(scenario) else model.expected
            assert port.run(scenario).differences(expected(scenario)) == [], scenario.name
