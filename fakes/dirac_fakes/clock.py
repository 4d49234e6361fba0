"""The clock of a world: the current time of its services, in which sleeping takes no real time.

Nothing else in this package reads the time.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def utcnow() -> datetime:
    """Return the process's time in UTC, without a time zone."""
    return datetime.now(UTC).replace(tzinfo=None)


class Clock:
    """The time of the services: the process's clock (which ``freezegun`` can stop) or a fixed start, plus all sleep.

    The process is a job's node; ``skew`` is the number of seconds by which its clock is ahead of the services'.

    >>> clock = Clock(datetime(2026, 1, 1))
    >>> clock.sleep(90)
    >>> clock.now()
    datetime.datetime(2026, 1, 1, 0, 1, 30)
    """

    __slots__ = ("skew", "slept", "start")

    def __init__(self, start: datetime | None = None) -> None:
        """Begin at ``start`` (UTC, naive), moved by sleep only; without it, follow the process's clock."""
        self.start = start
        self.reset()

    def now(self) -> datetime:
        """Return the time in UTC, naive, as DIRAC keeps it."""
        now = self.start or utcnow()
        ahead = self.slept - self.skew
        return now + timedelta(seconds=ahead) if ahead else now

    def sleep(self, seconds: float) -> None:
        """Move the clock by ``seconds`` without waiting."""
        self.slept += seconds

    def reset(self) -> None:
        """Forget all sleep and the skew."""
        self.slept, self.skew = 0.0, 0
