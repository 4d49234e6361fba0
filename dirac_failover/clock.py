"""The clock of the reference: every time that it reports or writes comes from here.

DIRAC keeps times in UTC without a time zone.
"""

from __future__ import annotations

from datetime import UTC, datetime


def utcnow() -> datetime:
    """Return the present time in UTC, without a time zone."""
    return datetime.now(UTC).replace(tzinfo=None)
