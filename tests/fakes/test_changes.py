"""The changes that a world tells are all that has changed, and cost no more than they are."""

from __future__ import annotations

import copy
from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dirac_fakes import World
from tests.fakes.deeds import DEEDS, SEQUENCES, WORK, do, sensible
from tests.live.calls import OPERATION, WHEN

NOON = datetime(2026, 1, 1, 12)
THOROUGH = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
DATA_STORE = "Accounting/DataStore"
RECORD = ["DataOperation", WHEN, WHEN, OPERATION]


def turned(tree, old, new):
    """A snapshot in which what was old is new: all of ``old`` must be in it, of lists at the end."""
    if type(old) is type(new) is list:
        same = len(tree) - len(old)
        assert same >= 0
        assert tree[same:] == old
        return tree[:same] + new
    if not (type(old) is type(new) is type(tree) is dict):
        assert tree == old
        return new
    assert old.keys() <= tree.keys()
    kept = {key: value for key, value in tree.items() if key not in old}
    assert not kept.keys() & new.keys()
    return kept | {key: turned(tree[key], old[key], value) if key in old else value for key, value in new.items()}


@THOROUGH
@given(st.lists(st.tuples(DEEDS, st.booleans(), st.booleans()), min_size=1, max_size=12), st.booleans())
def test_the_changes_lead_from_one_snapshot_to_the_next(steps, strict):
    """And back: each row that differs is in them as it was and as it is, whatever has changed it."""
    world = World(now=NOON, strict=strict, proxies=["two"])
    world.changes.take()
    last, looks = world.snapshot(), []
    for deed, look, anywhere in steps:
        do(world, deed)
        if look:
            now = world.snapshot()
            looks.append((last, *world.changes.take(anywhere=anywhere), now))
            last = now
    for before, old, new, after in looks:  # at the end: they stay as they are
        assert turned(before, old, new) == after
        assert turned(after, new, old) == before


@pytest.mark.parametrize("name", SEQUENCES)
def test_calls_are_among_the_changes(name):
    """Those of every method that is faked: after each call, of a sensible one and of sequences."""
    drawn = set()

    def check(sequence):
        begin, steps = sequence
        world = World(now=NOON, proxies=["two"], job_status=begin.get("status", "Running"))
        world.changes.take()
        for step in steps:
            drawn.add(step.method)
            before = world.snapshot()
            do(world, (name, step))
            old, new = world.changes.take()
            assert turned(before, old, new) == world.snapshot()

    check(({}, sensible(name)))
    THOROUGH(given(SEQUENCES[name])(check))()
    assert drawn >= World(proxies=["two"]).service(name).faked


@pytest.mark.parametrize("name", WORK)
def test_work_is_among_the_changes(name):
    """Each work changes what it is for, and no more is told than that."""
    world = World(now=NOON, proxies=["two"])
    world("RequestManagement/ReqProxy", "putRequest", ('{"RequestName": "x", "Operations": []}',))
    world(DATA_STORE, "commitRegisters", ([RECORD],))
    do(world, "a request")
    if "stale" in name:
        do(world, "requests taken")
        do(world, "hours")
    world.changes.take()
    before = world.snapshot()
    do(world, name)
    old, new = world.changes.take()
    assert turned(before, old, new) == world.snapshot()
    assert world.changes.take() == ({}, {})


def test_a_list_that_grows_is_told_by_what_is_new():
    """What it had before is not in the changes, which stay as they are later."""
    world = World(now=NOON)
    world(DATA_STORE, "commitRegisters", ([RECORD],))
    world.changes.take()
    looks = []
    for more in (1, 2):
        world(DATA_STORE, "commitRegisters", ([RECORD] * more,))
        looks.append(world.changes.take(anywhere=more > 1))
    kept = world.accounting.snapshot()["records"][0]
    assert looks == [({"accounting": {"records": []}}, {"accounting": {"records": [kept] * more}}) for more in (1, 2)]


def test_a_change_inside_a_state_is_found_anywhere():
    """A test that changes rows with its own hands is no service, which would have said so."""
    world = World(now=NOON)
    world(DATA_STORE, "commitRegisters", ([RECORD] * 2,))
    world.changes.take()
    before = copy.deepcopy(world.snapshot())
    world.job_state.state["jobs"][77]["Status"] = "Done"
    world.accounting.state["records"][1] = ["Other"]
    del world.transformation.state["files"][12][100]
    assert world.changes.take() == ({}, {})
    old, new = world.changes.take(anywhere=True)
    assert old["accounting"] == {"records": before["accounting"]["records"][1:]}
    assert new["accounting"] == {"records": [["Other"]]}
    assert old["transformation"]["files"]["12"].keys() == {"100"}
    assert turned(before, old, new) == world.snapshot()
    assert world.changes.take(anywhere=True) == ({}, {})


def test_a_service_with_a_state_of_its_own_form_is_compared():
    """A user's service may keep anything, and need not say what it changes."""
    world = World(now=NOON)
    world.changes.take()
    world.accounting.state = {"count": 1}
    assert world.changes.take() == ({"accounting": {"records": []}}, {"accounting": {"count": 1}})
    world.accounting.state["count"] = 2
    assert world.changes.take(anywhere=True) == ({"accounting": {"count": 1}}, {"accounting": {"count": 2}})


def test_a_reset_begins_anew():
    """What happened before it is no change."""
    world = World(now=NOON)
    world.changes.take()
    world.job_state.add(78)
    world.reset()
    assert world.changes.take() == ({}, world.snapshot())
