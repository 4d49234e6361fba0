"""Acts record changes alone, and the judge makes of them what whole snapshots before and after each act would tell."""

from __future__ import annotations

import cProfile
from collections import Counter
from datetime import datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dirac_failover import FailoverRequest
from dirac_failover.actors.request_agents import acting
from dirac_failover.spec.duties import Act, _arrivals, _Found, _states
from dirac_failover.testing import Dirac, run_module
from tests.fakes.deeds import DEEDS, do

JOB_STATE = "WorkloadManagement/JobStateUpdate"
NOON = datetime(2026, 1, 1, 12)
THEIRS = ("other", "somebody")
MINE = {"J", "1"}


class Whole:
    """The traces of a job by the definition: from whole snapshots, before and after each act since its first one."""

    def __init__(self, acts, now):
        self.arrived = _arrivals(now) - _arrivals(acts[0].before)
        self.left, self.changed = {}, set()
        for act in acts:
            if act.by in MINE:
                changed = dict(_states(act.after).items() - _states(act.before).items())
                self.left = {**_states(act.after), **self.left, **changed}
                self.changed |= changed.keys()
            else:
                self.arrived -= _arrivals(act.after) - _arrivals(act.before)


def by_hand(world):
    """What a test may do to a state without any service."""
    world.job_state.state["jobs"][77]["MinorStatus"] = "by hand"
    world.transformation.state["files"][12][101]["Status"] = "Problematic"
    world.accounting.state["records"] *= 2
    del world.job_state.state["history"][77][:1]


ACTS = st.lists(
    st.tuples(
        st.sampled_from([None, *MINE, *THEIRS]), st.lists(DEEDS, max_size=3), st.sampled_from([False] * 4 + [True])
    ),
    max_size=9,
)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(ACTS, st.lists(DEEDS, max_size=3))
def test_the_judge_finds_what_whole_snapshots_tell(steps, first):
    """The acts of a job, of others, and of no actor, also by hand between acts, in any order."""
    world, acts, whole = Dirac(now=NOON, proxies=["two"]), [], []
    for by, deeds, anywhere in [("J", first, False), *steps]:
        if anywhere:
            by_hand(world)
            acts.append(Act(None, *world.changes.take(anywhere=True)))
        before = world.snapshot()
        if by is None:
            for deed in deeds:
                do(world, deed)
            continue
        with acting(acts, by, world):
            for deed in deeds:
                do(world, deed)
        whole.append(Act(by, before, world.snapshot()))
        assert acts[-1].put() == whole[-1].put()
    acts.append(Act(None, *world.changes.take(anywhere=True)))
    now = world.snapshot()
    found, expected = _Found(acts[1:], now, (), {}, MINE), Whole(whole, now)
    assert (found._arrived, found._left, found.changed) == (expected.arrived, expected.left, expected.changed)


def test_an_act_inside_another_one_is_not_part_of_it():
    """A job that ends while another one runs does not report for that one."""
    world, acts = Dirac(now=NOON), []
    with acting(acts, "outer", world):
        world(JOB_STATE, "setJobApplicationStatus", (77, "first", "x"))
        with acting(acts, "inner", world):
            world(JOB_STATE, "setJobApplicationStatus", (77, "second", "x"))
        world(JOB_STATE, "setJobApplicationStatus", (77, "third", "x"))
    world(JOB_STATE, "setJobApplicationStatus", (77, "fourth", "x"))
    with acting(acts, "next", world):
        pass
    told = [(act.by, [due.value for due in _arrivals(act.after) if due.value != "idem"]) for act in acts[1:]]
    assert told == [("outer", ["first"]), ("inner", ["second"]), ("outer", ["third"]), (None, ["fourth"]), ("next", [])]
    found = _Found(acts[1:], world.snapshot(), (), {}, {"outer"})
    assert {due.value for due in found._arrived} == {"first", "third", "fourth", "idem"}


def test_what_an_act_has_not_changed_is_not_in_it():
    """Neither a job, nor a file, nor a record of another job."""
    world, acts = Dirac(now=NOON), []
    with acting(acts, "J", world):
        pass
    assert acts[-1] == Act("J", {}, {})
    assert _arrivals({}) == Counter()
    assert _states({}) == {}


def _jobs(count):
    world = Dirac(now=NOON)
    for number in range(count):
        outcome = run_module(FailoverRequest, world=world, jobID=1000 + number, inputs=[f"/vo/{number}"])
    return outcome


def rows(tree):
    """How much is in a snapshot: its texts, numbers, and so on."""
    if not isinstance(tree, dict | list):
        return 1
    return sum(map(rows, tree.values() if isinstance(tree, dict) else tree))


def test_jobs_in_one_world_take_time_and_memory_in_proportion():
    """The cost of a job stays the same, however many came before: it is counted here, not timed."""
    counts = []
    for jobs in (30, 60):
        profile = cProfile.Profile()
        outcome = profile.runcall(_jobs, jobs)
        counts.append(sum(entry.callcount for entry in profile.getstats()))
    assert counts[1] < 2.05 * counts[0]
    sizes = {rows(act.before) + rows(act.after) for act in outcome.world.acts[4:]}
    assert max(sizes) < 100
    replay = outcome.replay()  # it looks at all of the world, and keeps no more of it
    assert replay.converged
    assert max(rows(act.before) + rows(act.after) for act in outcome.world.acts[4:]) < 100


def test_a_replay_sees_what_a_test_has_done_to_a_state():
    """Updates that a test takes away by hand are lost, though the job has brought them."""
    world = Dirac(now=NOON)
    outcome = run_module(FailoverRequest, world=world, inputs=["/vo/a"])
    assert outcome.replay().converged
    world.transformation.state["files"][12][100]["Status"] = "Problematic"
    assert outcome.replay().converged  # it was there when the job had ended
    del world.job_state.state["history"][77][1:]
    lost = outcome.replay().lost
    assert len(lost) == 2
    assert all(text.startswith("application status") for text in lost)
