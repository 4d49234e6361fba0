"""The executable specification says what the implementations do, and would say so if they did otherwise."""

from __future__ import annotations

import gc
from dataclasses import replace

import pytest

from dirac_failover.drivers.in_process import InProcessDriver
from dirac_failover.spec import space
from dirac_failover.spec.compare import differences
from dirac_failover.spec.model.inputs import bare
from dirac_failover.spec.model.module import expected
from dirac_failover.spec.model.run import ModelRun
from dirac_failover.spec.scenario import FAILED_STATUS, Scenario

SCRIPTED = [space.IDENTITY, space.INPUTS, space.ANSWERS]
STEP = {"identity": 1, "inputs": 11, "answers": 239}


@pytest.mark.parametrize("region", SCRIPTED, ids=lambda region: str(region.name))
def test_the_model_and_the_implementation_agree(implementation, sample, region):
    """The complete outcome is the expected one; the whole space is for the commands."""
    port = InProcessDriver(implementation)
    with port.session():
        for scenario in sample(region, STEP[region.name]):
            assert differences(port.run(scenario), expected(scenario)) == [], scenario.name


@pytest.mark.parametrize(
    ("text", "left"), [("LFN:/vo/a", "/vo/a"), ("/vo/FILE.L", "/vo/FILE."), ("LFN:", ""), ("", "")]
)
def test_a_bare_lfn_loses_characters_at_both_ends(text, left):
    """Known cases, without asking any implementation."""
    assert bare(text) == left


SCRIPTED_ALL = dict.fromkeys(("JobReport", "FileReport", "AccountingReport", "Request"), "scripted")


@pytest.mark.parametrize("change", [
    {}, {"attributes": {"STEP_NUMBER": "1", "workflowStatus": FAILED_STATUS, "stepStatus": {"OK": True}}},
    {"answers": {"JobReport.setApplicationStatus": ("raises=ValueError:first", "raises=ValueError:second")}},
], ids=["well", "failed", "raised"])  # fmt: skip
def test_a_story_is_gone_when_it_was_told(change):
    """An exception in the outcome does not keep the frames in which it was raised: they are many."""
    told = replace(Scenario(collaborators=SCRIPTED_ALL), **change)  # type: ignore[arg-type]
    gc.disable()
    try:
        outcome = expected(told)
        assert not [thing for thing in gc.get_objects() if type(thing) is ModelRun]
    finally:
        gc.enable()
    assert outcome.ended in {"returned", "raised"}
