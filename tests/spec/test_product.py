from __future__ import annotations

import pytest

from dirac_failover.spec.product import Dimension, Region, Value
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


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        (0, ["small: a=good, b=good, c=good"]),
        (1, [
            "small: a=good, b=good, c=bad", "small: a=good, b=bad, c=good", "small: a=good, b=worse, c=good",
            "small: a=bad, c=good",
        ]),
        (2, ["small: a=good, b=bad, c=bad", "small: a=good, b=worse, c=bad", "small: a=bad, c=bad"]),
        (3, []),
    ],
)  # fmt: skip
def test_scenarios_near_the_good_case_are_those_with_so_many_changes(changes: int, names: list[str]) -> None:
    """A dimension that is not asked is no change."""
    assert [scenario.name for scenario in SMALL.near(changes)] == names


def test_all_neighbourhoods_together_are_the_region() -> None:
    """The same scenarios, with the same contents."""
    identity = REGIONS[0]
    near = [scenario for changes in range(len(identity.dimensions) + 1) for scenario in identity.near(changes)]
    every = {scenario.name: scenario for scenario in identity.scenarios()}
    assert len(near) == len(every)
    assert {scenario.name: scenario for scenario in near} == every
    assert [scenario.records for scenario in SMALL.near(1)] == [2, 2, 2, 3]
