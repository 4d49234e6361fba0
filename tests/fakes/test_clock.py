"""The clock of a world."""

from __future__ import annotations

from datetime import datetime, timedelta

from freezegun import freeze_time

from dirac_fakes import Clock

NOON = datetime(2026, 1, 1, 12)


def test_a_clock_with_a_start_stands_still_but_for_sleep():
    """Sleep adds up, fractions too, and reset forgets it."""
    clock = Clock(NOON)
    assert clock.now() == NOON
    clock.sleep(90)
    clock.sleep(0.5)
    assert clock.now() == NOON + timedelta(seconds=90.5)
    assert clock.slept == 90.5
    clock.reset()
    assert clock.now() == NOON
    assert clock.slept == 0


def test_a_clock_without_a_start_follows_the_time_of_the_process():
    """It is UTC without a zone, and sleep comes on top."""
    with freeze_time("2026-01-01 12:00:00") as frozen:
        clock = Clock()
        assert clock.now() == NOON
        clock.sleep(10)
        frozen.tick(5)
        assert clock.now() == NOON + timedelta(seconds=15)


def test_a_wrong_clock_of_the_node_shows_in_that_of_the_services():
    """The process is the node: the services are behind a clock that is fast, and ahead of one that is slow."""
    clock = Clock(NOON)
    clock.skew = 600
    assert clock.now() == NOON - timedelta(seconds=600)
    clock.sleep(90)
    assert clock.now() == NOON - timedelta(seconds=510)
    clock.reset()
    assert clock.now() == NOON
