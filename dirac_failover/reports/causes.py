"""The causes of breaches: those that begin with the same difference are one group, with one clause on top.

One wrong method breaks a dozen clauses. They share the first call that is not the expected one; the group is shown as
that call, with expected and observed calls side by side.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dirac_failover.reports.differences import first_difference
from dirac_failover.spec.clauses import LEVELS
from dirac_failover.spec.dimensions import changes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dirac_failover.conformance.results import ClauseResult, Minimal


def causes(clauses: Iterable[ClauseResult]) -> list[list[ClauseResult]]:
    """Return broken clauses in groups.

    In a group and among groups, a clause of the contract comes before one of the levels below, and of one level the
    clause whose scenario is nearest to the good case.
    """
    groups: dict[str, list[ClauseResult]] = {}
    for clause in clauses:
        if clause.minimal is not None:
            groups.setdefault(_beginning(clause.minimal), []).append(clause)
    return sorted((sorted(group, key=_rank) for group in groups.values()), key=lambda group: _rank(group[0]))


def _rank(clause: ClauseResult) -> tuple[int, int, int, str]:
    minimal = clause.minimal
    assert minimal is not None  # noqa: S101 - for the checker: groups are made of those that have one
    return LEVELS.index(clause.level), changes(minimal.name), len(json.dumps(minimal.scenario)), clause.id


def _beginning(minimal: Minimal) -> str:
    """Return the common part of the breaches of one cause: the first unexpected call, or the scenario."""
    at = first_difference(minimal.expected_steps, minimal.steps)
    if at is None:
        return json.dumps(minimal.scenario, sort_keys=True)
    calls = [*minimal.expected_steps[at : at + 1], *minimal.steps[at : at + 1]]
    return json.dumps(calls[0][:2])
