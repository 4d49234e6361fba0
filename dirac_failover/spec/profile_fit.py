"""Finds the profile that fits a port best: the one whose model agrees with its observations most often.

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
    from dirac_failover.spec.observation import Observation
    from dirac_failover.spec.scenario import Scenario


@dataclass(frozen=True)
class Match:
    """The fit of a profile to a port."""

    profile: str
    scenarios: int
    """The number of scenarios that were compared: those for which every profile has a model."""
    alike: int
    """The number of scenarios in which the complete observation is the profile's."""
    places: int
    """The number of single differences in the others."""


@dataclass
class ProfileFit:
    """The comparisons so far: the number of scenarios and, by profile, those alike and the places that differ."""

    scenarios: int = 0
    alike: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PROFILES, 0))
    places: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PROFILES, 0))

    def look(self, scenario: Scenario, outcome: Observation) -> None:
        """Compare one more observation; scenarios with services, for which most profiles have no model, are skipped."""
        if {LIVE, MISSING} & set(scenario.collaborators.values()):
            return
        self.scenarios += 1
        for name, profile in PROFILES.items():
            different = len(differences(outcome, expected(scenario, profile)))
            self.alike[name] += not different
            self.places[name] += different

    def add(self, other: ProfileFit) -> None:
        """Add the counts of another process."""
        self.scenarios += other.scenarios
        for name in PROFILES:
            self.alike[name] += other.alike[name]
            self.places[name] += other.places[name]

    def matches(self) -> list[Match]:
        """Return all profiles, the best fit first; none without a comparison.

        Alike in more scenarios is better; then, fewer single differences; then, the order of the profiles.
        """
        found = [Match(name, self.scenarios, self.alike[name], self.places[name]) for name in PROFILES]
        return sorted(found, key=lambda match: (-match.alike, match.places)) if self.scenarios else []
