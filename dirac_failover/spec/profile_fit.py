"""Finds the profile that explains a port best: the one whose model agrees with its observations most often.

A few hundred scenarios are enough. The counts of several :class:`ProfileFit` add up to the same in any order.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dirac_failover.spec.compare import differences
from dirac_failover.spec.model.module import expected
from dirac_failover.spec.profiles import PROFILES
from dirac_failover.spec.scenario import LIVE, MISSING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dirac_failover.spec.observation import Observation
    from dirac_failover.spec.scenario import Scenario


@dataclass(frozen=True)
class Match:
    """How well a profile explains a port."""

    profile: str
    scenarios: int
    """How many were looked at: those of which all profiles speak."""
    alike: int
    """In how many the complete outcome is the profile's."""
    places: int
    """How many single differences there are in the others."""


@dataclass
class ProfileFit:
    """What is known so far of how near a port is to each profile: scenarios, and by profile those alike, and places."""

    scenarios: int = 0
    alike: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PROFILES, 0))
    places: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PROFILES, 0))

    def look(self, scenario: Scenario, outcome: Observation) -> None:
        """Look at one more; scenarios with services, of which most profiles say nothing, are left out."""
        if {LIVE, MISSING} & set(scenario.collaborators.values()):
            return
        self.scenarios += 1
        for name, profile in PROFILES.items():
            different = len(differences(outcome, expected(scenario, profile)))
            self.alike[name] += not different
            self.places[name] += different

    def add(self, other: ProfileFit) -> None:
        """Take what another process has seen."""
        self.scenarios += other.scenarios
        for name in PROFILES:
            self.alike[name] += other.alike[name]
            self.places[name] += other.places[name]

    def matches(self) -> list[Match]:
        """Return all profiles, the best explanation first; none when nothing was looked at.

        Alike in more scenarios is better; then, fewer single differences; then, the order of the profiles.
        """
        found = [Match(name, self.scenarios, self.alike[name], self.places[name]) for name in PROFILES]
        return sorted(found, key=lambda match: (-match.alike, match.places)) if self.scenarios else []


def nearest(outcomes: Iterable[tuple[Scenario, Observation]]) -> list[Match]:
    """Return all profiles, the best explanation of these outcomes first."""
    seen = ProfileFit()
    for scenario, outcome in outcomes:
        seen.look(scenario, outcome)
    return seen.matches()
