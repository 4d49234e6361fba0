"""ProfileFit: the profile that explains a port best is its own, or the one that it differs least from."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import pytest

from dirac_failover.spec import space
from dirac_failover.spec.model.module import expected
from dirac_failover.spec.profile_fit import Match, ProfileFit
from dirac_failover.spec.profiles import PROFILES
from dirac_failover.spec.scenario import LIVE, MISSING, NONE

SOME = [
    scenario
    for region, end, step in ((space.IDENTITY, 900, 100), (space.INPUTS, 9_000, 450), (space.ANSWERS, 60_000, 3_000))
    for scenario in islice(region.scenarios(), 0, end, step)
]


def nearest(outcomes):
    """All profiles, the best fit to these observations first."""
    seen = ProfileFit()
    for scenario, outcome in outcomes:
        seen.look(scenario, outcome)
    return seen.matches()


def outcomes(profile, scenarios):
    """What that profile says of the scenarios."""
    return [(scenario, expected(scenario, PROFILES[profile])) for scenario in scenarios]


@pytest.mark.parametrize("name", PROFILES)
def test_the_nearest_profile_is_the_ports_own(name):
    """Told from the outcomes alone; the others are found to differ."""
    first, second, *_ = found = nearest(outcomes(name, SOME))
    assert first == Match(name, len(SOME), len(SOME), 0)
    assert second.alike < len(SOME)
    assert second.places > 0
    assert {match.profile for match in found} == set(PROFILES)


def test_a_port_of_its_own_is_nearest_to_what_it_differs_least_from():
    """Though it is never alike."""
    mine = [(scenario, outcome._replace(services=5)) for scenario, outcome in outcomes("lhcbdirac-12.0", SOME)]
    assert nearest(mine)[0] == Match("lhcbdirac-12.0", len(SOME), 0, len(SOME))
    assert nearest([]) == []


@pytest.mark.parametrize(("kind", "seen"), [(LIVE, 0), (MISSING, 0), (NONE, 1)])
def test_scenarios_with_services_say_nothing(kind, seen):
    """One client among doubles is enough; a collaborator that is None is no client."""
    scenario = replace(SOME[0], collaborators={**SOME[0].collaborators, "AccountingReport": kind})
    told = expected(replace(scenario, collaborators={**SOME[0].collaborators, "AccountingReport": NONE}))
    nearness = ProfileFit()
    nearness.look(scenario, told)
    assert nearness.scenarios == seen
    assert [match.scenarios for match in nearness.matches()] == [1] * len(PROFILES) * seen


def test_what_several_have_seen_adds_up_in_any_order():
    """The sum is that of a single process."""
    seen = outcomes("dirac-8.0", SOME)
    whole, parts = ProfileFit(), [ProfileFit(), ProfileFit()]
    for number, (scenario, outcome) in enumerate(seen):
        whole.look(scenario, outcome)
        parts[number % 3 == 0].look(scenario, outcome)
    for one, other in (parts, parts[::-1]):
        both = ProfileFit()
        both.add(one)
        both.add(other)
        assert both == whole
    assert whole.matches() == nearest(seen)


def test_the_best_is_alike_most_often_then_differs_least_then_stands_first():
    """In this order, the best first."""
    names = list(PROFILES)[:4]
    nearness = ProfileFit(9, dict(zip(names, (1, 2, 2, 1), strict=True)), dict(zip(names, (5, 7, 6, 5), strict=True)))
    assert nearness.matches() == [
        Match(names[2], 9, 2, 6), Match(names[1], 9, 2, 7), Match(names[0], 9, 1, 5), Match(names[3], 9, 1, 5),
    ]  # fmt: skip
