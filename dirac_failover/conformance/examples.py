"""A clause by its ID, a scenario by its name, and a scenario that shows a clause."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final

from dirac_failover.conformance.baseline import LISTED
from dirac_failover.conformance.checking import size_of
from dirac_failover.drivers.implementations import IMPLEMENTATIONS
from dirac_failover.drivers.in_process import InProcessDriver
from dirac_failover.drivers.resolve import DEFAULT
from dirac_failover.errors import SettingError, no_such
from dirac_failover.spec.check_context import CheckContext
from dirac_failover.spec.clauses import CLAUSES, DIRAC, LOSSLESS
from dirac_failover.spec.dimensions import changes
from dirac_failover.spec.space import ANSWERS, REGIONS, SERVICES

if TYPE_CHECKING:
    from dirac_failover.spec.clauses import Clause
    from dirac_failover.spec.scenario import Scenario

_NEIGHBOURHOOD: Final = (*((distance, REGIONS) for distance in range(3)), (3, (ANSWERS, SERVICES)))
"""The scenarios that are tried, in this order: changes from the good case, and regions."""
_QUIRKS: Final = {"DI-010": "input data=ends in L"}
"""The text in the name of a scenario that shows a quirk, since the outcome does not name its origin."""


def find(name: str) -> Clause:
    """Return the clause with this ID; raises SettingError, which names the nearest, when there is none."""
    for clause in CLAUSES:
        if clause.id == name.upper():
            return clause
    raise SettingError(no_such("clause", name, [clause.id for clause in CLAUSES], LISTED))


def scenario_named(name: str) -> Scenario | None:
    """Return the scenario of the space with this name; None for a text that begins with no region.

    Raises SettingError, which names the nearest change, when the region has no such scenario.
    """
    region = {f"{item.name}:": item for item in REGIONS}.get(name.partition(" ")[0])
    if region is None:
        return None
    found = next((item for item in region.near(changes(name)) if item.name == name), None)
    if found is None:
        known = [f"{dimension.name}={value.name}" for dimension in region.dimensions for value in dimension.values[1:]]
        odd = next((change for change in name.partition(": ")[2].split("; ") if change not in known), None)
        text = f"they do not go together, in this order: {name!r}"
        raise SettingError(no_such("change", odd, known, "docs/space.md lists them") if odd else text)
    return found


def example(clause: Clause) -> tuple[Scenario, bool] | None:
    """Return a scenario that the clause is about, and whether the reference breaks it there; None if there is none.

    It is looked for near the good case, a change further at a time. At the level ``lossless`` one that is broken is
    preferred; at ``dirac``, where each clause is about all scenarios, one in which little but its aspect is special.
    """
    wanted = (True, False) if clause.level == LOSSLESS else (False, True)
    port = InProcessDriver(IMPLEMENTATIONS[DEFAULT].load())
    found: dict[bool, list[Scenario]] = {True: [], False: []}
    with port.session():
        if clause.level == DIRAC and (special := _special(clause, port)):
            return special, False
        for distance, regions in _NEIGHBOURHOOD:
            for scenario in chain.from_iterable(region.near(distance) for region in regions):
                if clause.asked(scenario):
                    found[bool(clause.judge(CheckContext(scenario, port.run(scenario))))].append(scenario)
            if found[wanted[0]]:
                break
    for breaks in wanted:
        if found[breaks]:
            return min(found[breaks], key=size_of), breaks
    return None


def _special(clause: Clause, port: InProcessDriver) -> Scenario | None:
    """Return the scenario in which the good case's outcome would break this clause, and as few others as can be."""
    neighbours = [other for other in CLAUSES if other.level == DIRAC]
    found = []
    for region in REGIONS:
        good = port.run(next(region.near(0)))
        for scenario in region.near(1):
            case = CheckContext(scenario, good)
            told = _QUIRKS.get(clause.id, "") in scenario.name and clause.asked(scenario)
            if told and clause.judge(case):
                found.append((sum(bool(other.judge(case)) for other in neighbours), size_of(scenario), scenario))
    return min(found)[-1] if found else None
