"""The real implementations of other environments: run in the environment of one of them, by ``nox -s ports``.

What the model says of them is proven in tests/spec/test_profiles.py; here are the clients that they bring, and that
they are the same port when they are driven from another process.
"""

import json
import sys
from itertools import islice

import pytest

from dirac_failover.drivers.implementations import IMPLEMENTATIONS
from dirac_failover.drivers.in_process import InProcessDriver, sessions
from dirac_failover.drivers.resolve import Target
from dirac_failover.errors import ImplementationUnavailableError
from dirac_failover.spec import space
from dirac_failover.spec.compare import differences
from dirac_failover.spec.profile_fit import ProfileFit

PROFILES = {name: known.profile.name for name, known in IMPLEMENTATIONS.items() if name not in {"reference", "dirac"}}

DIRAC_8_TEXTS = {
    "getTransformationFilesAsJsonString": ("getTransformationFiles", "the files are looked up by another method"),
    r"\"OwnerDN\"": (r"\"Owner\"", "a request belongs to a distinguished name"),
    r"\"DIRACSetup\": null, ": ("", "a request speaks of the setup"),
    "is missing OwnerDN value": ("is missing both Owner and OwnerDN value", "so the validator says"),
}
"""Everything in which DIRAC 8.0 with its own clients differs from 9.1: its text, that of 9.1, and what it means."""


def own(name):
    """The implementation, or skip."""
    try:
        return IMPLEMENTATIONS[name].load()
    except ImplementationUnavailableError as error:
        pytest.skip(str(error))


def some(region, count):
    scenarios = list(region.scenarios())
    return scenarios[:: len(scenarios) // count]


@pytest.mark.parametrize("name", PROFILES)
def test_a_port_is_the_same_from_another_process(name):
    here, there = InProcessDriver(own(name)), Target(name, sys.executable).port()
    with sessions(here, there):
        assert (there.name, there.version) == (here.name, here.version)
        for region in space.REGIONS:
            for scenario in some(region, 40):
                assert differences(there.run(scenario), here.run(scenario)) == [], scenario.name


@pytest.mark.parametrize("name", PROFILES)
def test_a_port_is_nearest_to_its_profile(name):
    port, fit = InProcessDriver(own(name)), ProfileFit()
    with port.session():
        for region in (space.IDENTITY, space.INPUTS, space.ANSWERS):
            for scenario in some(region, 30):
                fit.look(scenario, port.run(scenario))
    found = fit.matches()
    assert (found[0].profile, found[0].places) == (PROFILES[name], 0)
    assert found[1].places > 0


def test_dirac_8_with_its_own_clients_differs_in_names_alone(reference):
    """Against services that fail in every way, it does what the reference does, but for the table."""
    port, ours = InProcessDriver(own("dirac-8.0")), InProcessDriver(reference)
    seen = set()
    with sessions(port, ours):
        for scenario in islice(space.SERVICES.scenarios(), 0, None, 23):  # no divisor of any dimension
            text = json.dumps(port.run(scenario))
            for theirs, (text_of_9, _) in DIRAC_8_TEXTS.items():
                seen |= {theirs} if theirs in text else set()
                text = text.replace(theirs, text_of_9)
            assert json.loads(text) == json.loads(json.dumps(ours.run(scenario))), scenario.name
    assert seen == set(DIRAC_8_TEXTS)
