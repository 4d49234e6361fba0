"""The rules of the accounting service."""

from __future__ import annotations

from datetime import datetime

import pytest

START, END = datetime(2026, 1, 1, 10, 30, 15, 700000), datetime(2026, 1, 1, 11)
GOOD = ["DataOperation", START, END, ["alice", 1]]
KEPT = ["DataOperation", 1767263415, 1767265200, ["alice", 1]]


def test_records_are_kept_with_times_in_seconds(world, call):
    """A tuple of values is the list that JSON makes of it."""
    bundle = [GOOD, ["Job", START, END, (1,)]]
    assert call("accounting", "commitRegisters", bundle) == {"OK": True, "Value": None}
    assert world.accounting.records() == [KEPT, ["Job", 1767263415, 1767265200, [1]]]
    assert call("accounting", "commit", *GOOD) == {"OK": True, "Value": None}
    assert world.accounting.snapshot() == {"records": [KEPT, ["Job", 1767263415, 1767265200, [1]], KEPT]}


def test_records_that_are_shown_are_copies(world, call):
    """Whoever gets the list may change it."""
    call("accounting", "commit", *GOOD)
    world.accounting.records()[0].append(1)
    assert world.accounting.records() == [KEPT]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (GOOD[:3], "Invalid records"),
        ([*GOOD, 1], "Invalid records"),
        ([1, *GOOD[1:]], "Unexpected type in report"),
        (["x", "2026-01-01 10:30:15", END, []], "Unexpected type in report"),
        (["x", START, 5, []], "Unexpected type in report"),
        (["x", START, END, "values"], "Unexpected type in report"),
    ],
)
def test_one_bad_record_spoils_the_bundle(world, call, entry, message):
    """Nothing of it is kept."""
    assert call("accounting", "commitRegisters", [GOOD, entry]) == {"OK": False, "Errno": 0, "Message": message}
    assert world.accounting.records() == []
