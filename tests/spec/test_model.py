"""The executable specification says what the implementations do, and would say so if they did otherwise."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

import pytest

from dirac_failover.conformance.port import ModulePort
from dirac_failover.spec import space
from dirac_failover.spec.model import bare, expected

if TYPE_CHECKING:
    from dirac_failover.conformance.kits import Kit

SCRIPTED = [space.IDENTITY, space.INPUTS, space.ANSWERS]
STEP = {"identity": 1, "inputs": 11, "answers": 239}
"""Every how many-th scenario is compared here; primes, so that all values of all dimensions take part."""


@pytest.mark.parametrize("region", SCRIPTED, ids=lambda region: str(region.name))
def test_the_model_and_the_implementation_agree(kit: Kit, region: space.Region) -> None:
    """The complete outcome is the expected one; the whole space is for the commands."""
    port = ModulePort(kit)
    with port.session():
        for scenario in islice(region.scenarios(), 0, None, STEP[region.name]):
            assert port.run(scenario).differences(expected(scenario)) == [], scenario.name


@pytest.mark.parametrize("region", SCRIPTED, ids=lambda region: str(region.name))
def test_the_samples_use_every_value_of_every_dimension(region: space.Region) -> None:
    """No value is left to chance: each is in at least one scenario that is compared."""
    seen = Counter(
        choice
        for scenario in islice(region.scenarios(), 0, None, STEP[region.name])
        for choice in scenario.name.partition(": ")[2].split(", ")
    )
    every = {f"{dimension.name}={value.name}" for dimension in region.dimensions for value in dimension.values}
    assert every <= set(seen)


@pytest.mark.parametrize(
    ("text", "left"), [("LFN:/vo/a", "/vo/a"), ("/vo/FILE.L", "/vo/FILE."), ("LFN:", ""), ("", "")]
)
def test_a_bare_lfn_loses_characters_at_both_ends(text: str, left: str) -> None:
    """As the fact sheet has it, without asking any implementation."""
    assert bare(text) == left
