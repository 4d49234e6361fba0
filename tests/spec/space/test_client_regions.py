"""Clients in every state: the regions say what they are said to be, and implementations do in them what is expected."""

from __future__ import annotations

import json
from itertools import islice

import pytest

from dirac_failover.drivers.in_process import InProcessDriver
from dirac_failover.spec.compare import differences
from dirac_failover.spec.model import clients
from dirac_failover.spec.model import module as model
from dirac_failover.spec.scenario import Scenario
from dirac_failover.spec.space.client_regions import CLIENT_REGIONS

STEPS = {"statuses": 5, "files": 7, "accounting": 3}
EACH_REGION = pytest.mark.parametrize("region", CLIENT_REGIONS, ids=lambda region: region.name)


@EACH_REGION
def test_all_scenarios_come_back_from_json(region):
    """Values that JSON does not know are said in ones that it does."""
    for scenario in region.scenarios():
        text = json.dumps(scenario.to_json(), allow_nan=False)
        assert json.dumps(Scenario.from_text(text).to_json()) == text


@EACH_REGION
def test_the_specification_and_the_implementation_agree(implementation, region):
    """The complete outcome is the expected one; 'nox -s differential' asks about all of the scenarios."""
    port = InProcessDriver(implementation)
    with port.session():
        for scenario in islice(region.scenarios(), 0, None, STEPS.get(region.name, 1)):
            expected = clients.expected if clients.speaks_of(scenario) else model.expected
            assert differences(port.run(scenario), expected(scenario)) == [], scenario.name
