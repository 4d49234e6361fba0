"""Shows differences: of two values the most specific place, of two lists of calls those around the first difference."""

from __future__ import annotations

import json
import os
import textwrap
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from dirac_failover.errors import ellipsis
from dirac_failover.reports.terminal import Line
from dirac_failover.reports.trace import call_to_text, steps
from dirac_failover.spec.compare import Difference, differences, equal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dirac_failover.conformance.results import Minimal
    from dirac_failover.reports.terminal import Style
    from dirac_failover.spec.observation import Call, Json

_BEFORE: Final = 2
_AFTER: Final = 3
"""The numbers of calls that are shown before the first difference, and after it."""
_GAP: Final = 4
_SHOWN: Final = 300


def shown(difference: Difference) -> tuple[str, str, str]:
    """Return a difference as text: its place, and the two values, short enough to be read.

    A value that is too long begins a little before the first character that differs.
    """
    texts = [json.dumps(value) for value in difference[1:]]
    alike = len(os.path.commonprefix(texts))  # noqa: RUF071 - of texts, not of paths
    start = max(alike - _SHOWN // 6, 0) if max(map(len, texts)) > _SHOWN else 0
    one, other = (ellipsis(f"{'...' if start else ''}{text[start:]}", _SHOWN) for text in texts)
    return difference.place, one, other


def narrowed(expected: Json, observed: Json) -> Difference:
    """Return the difference of two values that has the most specific place, if they differ at one place only."""
    found = differences(expected, observed)
    return found[0] if len(found) == 1 else Difference((), expected, observed)


def first_difference(expected: Sequence[Json], observed: Sequence[Json]) -> int | None:
    """Return the index of the first call that is not the expected one; None when all are, or nothing is expected."""
    pairs = enumerate(zip_longest(expected, observed))
    return next((i for i, pair in pairs if not equal(*pair)), None) if expected else None


def side_by_side(minimal: Minimal, style: Style) -> Iterator[Line]:
    """Yield the calls around the first difference, expected beside observed; nothing when no call differs."""
    at = first_difference(minimal.expected_steps, minimal.steps)
    if at is None:
        return
    width = (style.width - 2 * _GAP) // 2
    first = max(at - _BEFORE, 0)
    rows: list[tuple[str, ...]] = [("", "expected calls", "observed calls", "dim")]
    if first:
        rows.append(("", f"{style.sign('more')} {first} before these", "", "dim"))
    sides = [steps(listed[first : at + 1 + _AFTER]) for listed in (minimal.expected_steps, minimal.steps)]
    for i, pair in enumerate(zip_longest(*sides), first):
        sign, colour, most = (style.sign("failed"), "red", 6) if i == at else ("", "", 2)
        wrapped = (textwrap.wrap(_text(call, style), width, subsequent_indent="  ")[:most] for call in pair)
        lines = enumerate(zip_longest(*wrapped, fillvalue=""))
        rows += [("" if number else sign, left, right, colour) for number, (left, right) in lines]
    for sign, left, right, colour in rows:
        text = f"{sign:2}{left:{width}}  {right}".rstrip()
        yield Line(1, text, colour, len(text))


def _text(call: Call | None, style: Style) -> str:
    return call_to_text(call, style).line(style) if call else "(nothing more)"
