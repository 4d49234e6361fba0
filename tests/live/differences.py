"""The differences between fakes and real services that remain: rows here and in ``docs/fakes.md``."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.live.comparing import Difference


class Known(NamedTuple):
    """A difference: of which service, why it remains, and how it is recognised."""

    service: str
    reason: str
    is_it: Callable[[Difference], bool]


KNOWN: dict[str, Known] = {}


def explained(service: str, difference: Difference) -> str | None:
    """Return the name of the row that explains a difference, or None."""
    return next((name for name, row in KNOWN.items() if row.service == service and row.is_it(difference)), None)
