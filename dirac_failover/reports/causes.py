"""The causes of breaches: those that begin with the same difference are one group, with one clause on top.

One wrong method breaks a dozen clauses. What they share is the first call that is not the expected one; the group is
shown as that, expected and observed calls side by side.
"""

from __future__ import annotations

import json
import textwrap
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from dirac_failover.reports.terminal import Row
from dirac_failover.reports.trace import Moment, moments
from dirac_failover.spec.clauses import LEVELS
from dirac_failover.spec.dimensions import changes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dirac_failover.conformance.results import ClauseResult, Minimal
    from dirac_failover.reports.terminal import Style
    from dirac_failover.spec.observation import Json

_BEFORE: Final = 2
_AFTER: Final = 3
"""How many calls are shown before the first difference, and after it."""
_GAP: Final = 4


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
    """Return what the breaches of one cause have in common: the first call that is not as expected, or the scenario."""
    at = first_difference(minimal.expected_steps, minimal.steps)
    if at is None:
        return json.dumps(minimal.scenario, sort_keys=True)
    calls = [*minimal.expected_steps[at : at + 1], *minimal.steps[at : at + 1]]
    return json.dumps(calls[0][:2])


def first_difference(expected: Sequence[Json], observed: Sequence[Json]) -> int | None:
    """Return the index of the first call that is not the expected one; None when all are, or nothing is expected."""
    pairs = enumerate(zip_longest(expected, observed))
    return next((i for i, (one, other) in pairs if json.dumps(one) != json.dumps(other)), None) if expected else None


def side_by_side(minimal: Minimal, style: Style) -> Iterator[Row]:
    """Yield the calls around the first difference, expected beside observed; nothing when no call differs."""
    at = first_difference(minimal.expected_steps, minimal.steps)
    if at is None:
        return
    width = (style.width - 2 * _GAP) // 2
    first = max(at - _BEFORE, 0)
    rows: list[tuple[str, ...]] = [("", "expected calls", "observed calls", "dim")]
    if first:
        rows.append(("", f"{style.sign('more')} {first} before these", "", "dim"))
    sides = [moments(steps[first : at + 1 + _AFTER]) for steps in (minimal.expected_steps, minimal.steps)]
    for i, pair in enumerate(zip_longest(*sides), first):
        sign, colour, most = (style.sign("failed"), "red", 6) if i == at else ("", "", 2)
        wrapped = (textwrap.wrap(_text(moment, style), width, subsequent_indent="  ")[:most] for moment in pair)
        lines = enumerate(zip_longest(*wrapped, fillvalue=""))
        rows += [("" if number else sign, left, right, colour) for number, (left, right) in lines]
    for sign, left, right, colour in rows:
        text = f"{sign:2}{left:{width}}  {right}".rstrip()
        yield Row(1, text, colour, len(text))


def _text(moment: Moment | None, style: Style) -> str:
    if moment is None:
        return "(nothing more)"
    return style.clean(
        f"{moment.name}{moment.given}" + (f" {style.sign('arrow')} {moment.answer}" if moment.answer else "")
    )
