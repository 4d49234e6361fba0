"""What the tests of serving share."""

import time

import pytest


@pytest.fixture
def elsewhere(monkeypatch):
    """Sets the zone of the local time."""

    def move(zone):
        monkeypatch.setenv("TZ", zone)
        time.tzset()

    yield move
    monkeypatch.undo()
    time.tzset()
