"""Which profile explains a port best: of those that are known, the one whose story its outcomes follow most often."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dirac_failover.spec.model import expected
from dirac_failover.spec.profiles import PROFILES
from dirac_failover.spec.scenario import LIVE, MISSING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dirac_failover.spec.outcome import Outcome
    from dirac_failover.spec.scenario import Scenario


class Match(NamedTuple):
    """How well a profile explains a port."""

    profile: str
    scenarios: int
    """How many were looked at: those of which the specification speaks."""
    alike: int
    """In how many the complete outcome is the profile's."""
    places: int
    """How many single differences there are in the others."""


def nearest(outcomes: Iterable[tuple[Scenario, Outcome]]) -> list[Match]:
    """Return all profiles, the best explanation first.

    Alike in more scenarios is better; then, fewer single differences; then, the order of the profiles. Scenarios with
    services, of which the specification says nothing, are left out; a few hundred of the others are enough.
    """
    scenarios = 0
    alike = dict.fromkeys(PROFILES, 0)
    places = dict.fromkeys(PROFILES, 0)
    for scenario, outcome in outcomes:
        if {LIVE, MISSING} & set(scenario.collaborators.values()):
            continue
        scenarios += 1
        for name, profile in PROFILES.items():
            different = len(outcome.differences(expected(scenario, profile)))
            alike[name] += not different
            places[name] += different
    found = [Match(name, scenarios, alike[name], places[name]) for name in PROFILES]
    return sorted(found, key=lambda match: (-match.alike, match.places))
