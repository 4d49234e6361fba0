import json
import pickle
import re
from dataclasses import replace
from types import SimpleNamespace

import pytest

from dirac_failover.conformance import checking
from dirac_failover.conformance.checking import (
    ClauseStats,
    Findings,
    VerificationPlan,
    apply_clauses,
    check,
    check_chunk,
    observe,
    size_of,
)
from dirac_failover.conformance.results import Minimal
from dirac_failover.conformance.workers import Smallest
from dirac_failover.drivers.in_process import InProcessDriver
from dirac_failover.drivers.resolve import Target
from dirac_failover.errors import PortBrokenError
from dirac_failover.spec import space
from dirac_failover.spec.check_context import CheckContext
from dirac_failover.spec.clauses import CLAUSES, Violation
from dirac_failover.spec.dimensions import changes
from dirac_failover.spec.observation import Observation
from dirac_failover.spec.profile_fit import Match
from dirac_failover.spec.scenario import Scenario

FIRST = (0, 400)  # three scenarios of the region: the first is not interrupted before its hooks
NOTHING = Observation("returned", None, (), {}, None, {}, None)


def plan(name="reference", **more):
    """Return a plan for a port of this folder, in one region."""
    target = Target(name if name == "reference" else f"tests.conformance.broken_ports:{name}")
    return VerificationPlan(target, **{"regions": ("identity",), **more})


def checked(asked, part=(0, 1)):
    """Return the findings of the plan in this process, in one chunk."""
    numbered = [*enumerate(asked.scenarios())][part[0] :: part[1]]
    with asked.target.port().session() as port:
        return check_chunk(asked, [port], numbered)


@pytest.fixture
def here(monkeypatch):
    """Let the chunks be worked on in this process; return how that was asked for."""
    given = []

    def in_turn(work, targets, scenarios, workers, part, progress, seconds):
        given.append((targets, workers, part, seconds))
        numbered = [*enumerate(scenarios)][part[0] :: part[1]]
        with progress, targets[0].port().session() as port:
            for first in range(0, len(numbered), 250):
                yield work([port], numbered[first : first + 250])

    monkeypatch.setattr(checking, "run_sharded", in_turn)
    return given


# The plan


def test_a_plan_asks_everything_unless_told():
    """All clauses and all regions, in their order, from the good case outwards; it travels."""
    everything = VerificationPlan(Target())
    assert everything.asked() == list(CLAUSES)
    assert everything.regions == tuple(region.name for region in space.REGIONS)
    assert everything.seconds == 60
    some = VerificationPlan(Target(), ("LL-001", "CO-002"), ("services", "identity"))
    assert [clause.id for clause in some.asked()] == ["CO-002", "LL-001"]
    by_name = {region.name: region for region in space.REGIONS}
    names = [item.name for item in some.scenarios()]
    assert sorted(names) == sorted(item.name for name in some.regions for item in by_name[name].scenarios())
    assert (far := [min(changes(name), 3) for name in names]) == sorted(far)
    assert names[:2] == ["identity: the good case", "services: the good case"]
    assert pickle.loads(pickle.dumps(some)) == some  # noqa: S301 - ours


@pytest.mark.parametrize("near", [0, 1, 2, 4])
def test_a_plan_may_be_about_the_scenarios_near_the_good_case(near):
    """They are all that many changes away or fewer."""
    wanted = [item.name for item in space.IDENTITY.scenarios() if changes(item.name) <= near]
    assert sorted(item.name for item in plan(near=near).scenarios()) == sorted(wanted)


@pytest.mark.parametrize(
    ("more", "every"),
    [
        ({"regions": ("identity",)}, 7), ({"regions": ("identity", "inputs")}, 101), ({"regions": ("services",)}, 1),
        ({"regions": ("inputs", "answers", "services")}, 499), ({"regions": ()}, 1), ({"near": 9}, 7),
    ],
)  # fmt: skip
def test_a_few_hundred_scenarios_tell_the_nearest_profile(more, every):
    """The largest region of the plan decides; of the scenarios near the good case more are taken."""
    assert plan(**more).sampled() == every


def test_a_module_finds_the_commons_that_its_profile_needs(here):
    """Each scenario has them, so that any port can be compared with any profile."""
    asked = plan(profile="lhcbdirac-12.0", clauses=("DI-003",))
    assert [item.workflow_commons for item in asked.scenarios()] == [
        {"JobType": "MCSimulation", **item.workflow_commons} for item in plan().scenarios()
    ]
    found = check(asked, part=(0, 8))
    assert found.stats["DI-003"].broken
    best = found.fit.matches()[0]
    assert best.profile == "dirac-9.1"
    assert best.alike == best.scenarios > 0


# A chunk


def test_the_counts_and_the_smallest_violation_are_kept():
    """The violation can be repeated: it has the expected and the observed value, and every call."""
    asked = plan(clauses=("CO-001", "CO-005", "DI-003", "LL-003"))
    found = checked(asked, (0, 2))
    assert list(found.stats) == ["CO-001", "CO-005", "DI-003", "LL-003"]
    assert found.scenarios == 596
    assert found.fit.matches()[0] == Match("dirac-9.1", 86, 86, 0)
    assert found.stats["CO-001"] == ClauseStats(396, 0, 0, found.stats["CO-001"].smallest)
    assert found.stats["CO-001"].smallest.found is None
    assert found.stats["CO-005"].asked == 0
    lossless = found.stats["LL-003"]
    assert lossless.asked == lossless.broken > 0
    minimal = lossless.smallest.found
    scenario = Scenario.from_json(minimal.scenario)
    assert minimal.name == scenario.name == "identity: health=step failed"
    assert lossless.smallest.size == size_of(scenario)
    assert minimal.expected == {"in the file": [["ForwardDISET", "x", []]]}
    assert minimal.observed == {"in the file": []}
    assert [call[1] for call in minimal.steps[:2]] == ["_resolveInputVariables", "_initialize"]
    assert all(len(step) == 4 for step in minimal.steps)


def test_a_violation_is_kept_with_the_expected_calls():
    """They are there, since the specification speaks of the scenario."""
    minimal = checked(plan("NoResult", clauses=("CO-004",), near=0)).stats["CO-004"].smallest.found
    assert minimal.name == "identity: the good case"
    assert minimal.steps == minimal.expected_steps != ()


def test_a_scenario_that_the_port_does_not_support_is_unchecked(monkeypatch):
    """One such scenario that asks for the clause is enough: the clause does not hold then."""
    taken = iter([True, False, True])
    monkeypatch.setattr(InProcessDriver, "supports", lambda _, __: next(taken))
    found = checked(plan(clauses=("DI-003",)), (0, 400))
    stats = found.stats["DI-003"]
    assert (found.scenarios, stats.asked, stats.unchecked) == (2, 2, 1)


@pytest.mark.parametrize("clauses", [("DI-004", "CO-001", "DI-099"), ("DI-004",), ("CO-001",)])
@pytest.mark.parametrize("profile", ["dirac-9.1", "dirac-8.0"])
def test_each_clause_is_counted_in_each_scenario(clauses, profile):
    """The counts are the same when each is asked by itself, and whether the observation is the expected one or not."""

    def counted(*names):
        found = checked(plan(clauses=names, profile=profile), (0, 4))
        return {name: (stats.asked, stats.broken) for name, stats in found.stats.items()}

    together = counted(*clauses)
    assert together == {name: counts for clause in clauses for name, counts in counted(clause).items()}
    assert {asked for name, (asked, _) in together.items() if name.startswith("DI")} <= {298}


# Findings


@pytest.mark.parametrize(
    ("stats", "verdict"),
    [
        (ClauseStats(), "not asked"), (ClauseStats(3), "held"), (ClauseStats(3, 1), "broken"),
        (ClauseStats(unchecked=1), "unchecked"), (ClauseStats(1, unchecked=1), "unchecked"),
        (ClauseStats(1, 1, unchecked=1), "broken"),
    ],
)  # fmt: skip
def test_the_verdict_follows_from_the_counts(stats, verdict):
    """A clause holds only if it was asked in every scenario that asks for it."""
    result = stats.result(clause := CLAUSES[0])
    assert (result.verdict, result.asked, result.broken, result.unchecked) == (
        verdict, stats.asked, stats.broken, stats.unchecked,
    )  # fmt: skip
    assert (result.id, result.level, result.text) == (clause.id, clause.level, clause.text)


def test_the_smaller_scenario_is_the_nearest_to_the_good_case():
    """Of two with as many changes, it is the one with the shorter JSON; its name settles the rest."""
    assert size_of(Scenario(name="r: a=b")) < size_of(Scenario(name="r: a=b; c=d"))
    small, large = Scenario.of_job(name="b" * 99), Scenario.of_job(name="a", inputs=["/vo/a"])
    assert size_of(small) < size_of(large)
    data = large.to_json()
    del data["name"]
    assert size_of(large) == (1, len(json.dumps(data)), "a")
    assert size_of(Scenario(name="x: the good case")) == (0, 2, "x: the good case")


def test_findings_add_up_in_any_order():
    """The counts are summed, and the smallest violation of all is kept."""
    minimal = Minimal("a", {}, 1, 2, ())
    parts = [
        ClauseStats(3, 1, 0, Smallest((5, 0, "a"), minimal)),
        ClauseStats(4, 2, 5, Smallest((5, 0, "b"), Minimal("b", {}, 1, 2, ()))),
        ClauseStats(2),
    ]
    for order in (parts, parts[::-1]):
        total = Findings({"X": ClauseStats()})
        for stats in order:
            total.add(Findings({"X": stats}, scenarios=2))
        found = total.stats["X"]
        assert (total.scenarios, found.asked, found.broken, found.unchecked) == (6, 9, 3, 5)
        assert found.result(CLAUSES[0]).minimal is minimal


def test_the_number_of_workers_changes_nothing():
    """The counts, the smallest violations and the fit are the same from two processes and from this one."""
    asked = plan("NoResult", clauses=("CO-001", "CO-004", "DI-002", "LL-007"))
    found = [check(asked, workers=2, part=(1, 40)), checked(asked, (1, 40))]
    one, two = ([item.stats[clause.id].result(clause) for clause in asked.asked()] for item in found)
    assert one == two
    assert [(item.id, item.verdict, item.asked, item.broken) for item in one] == [
        ("CO-001", "held", 18, 0), ("CO-004", "broken", 14, 14), ("DI-002", "held", 30, 0), ("LL-007", "held", 4, 0),
    ]  # fmt: skip
    assert found[0].scenarios == found[1].scenarios == 30
    assert found[0].fit == found[1].fit
    assert found[0].fit.scenarios == 4


# The run


def test_unless_told_one_worker_does_the_whole_plan(here):
    """The plan's time for a scenario is passed on."""
    check(plan(clauses=("CO-001",), near=0, seconds=7))
    assert here == [((Target("reference"),), 1, (0, 1), 7)]


def test_a_violation_is_noted_once_and_may_end_the_run(here, capsys):
    """The line names the smallest scenario that violates the clause so far; an empty line is not printed."""
    asked = plan("NoResult", clauses=("CO-001", "CO-004", "DI-002"))
    noted = []
    whole = check(asked, note=lambda *what: noted.append(what) or f"{what[0]} is broken")
    assert noted == [("CO-004", "identity: the good case")]
    assert capsys.readouterr().err == "CO-004 is broken\n"
    assert whole.scenarios == sum(1 for _ in asked.scenarios()) > 500
    check(replace(asked, near=0), note=lambda *_: "")
    assert capsys.readouterr().err == ""
    stopped = check(replace(asked, fail_fast=("CO-004", "CO-099")))
    assert stopped.scenarios == 1
    assert [(stats.asked, stats.broken) for stats in stopped.stats.values()] == [(1, 0), (1, 1), (1, 0)]
    assert check(replace(asked, fail_fast=("CO-001",))).scenarios == whole.scenarios


def test_the_profile_has_the_choices_that_decide(here):
    """The reference writes an owner as DIRAC 9.1 does, and not as 8.0; the nearest profile does not depend on it."""
    asked = plan(clauses=("CO-001", "DI-020"))
    found = {name: check(replace(asked, profile=name), part=(0, 4)) for name in ("dirac-9.1", "dirac-8.0")}
    broken = {name: [bool(stats.broken) for stats in one.stats.values()] for name, one in found.items()}
    assert broken == {"dirac-9.1": [False, False], "dirac-8.0": [False, True]}
    assert found["dirac-9.1"].fit == found["dirac-8.0"].fit
    first, second, *_ = found["dirac-8.0"].fit.matches()
    assert first == Match("dirac-9.1", 43, 43, 0)
    assert second.profile == "dirac-8.0"


# Ports that break down


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Exits", r"ended its process \(exit code 7\)"),
        ("Aborts", r"ended its process \(signal SIGABRT\)"),
        ("CannotBeMade", r"broke down \(SystemExit\)"),
        ("Hangs", r'took longer than 0.05 s, at ".*broken_ports.py", line \d+ in _setCommand,'),
    ],
)
def test_a_port_that_breaks_down_is_broken(name, message):
    """The error says how, and names the scenario; a port that nothing interrupts is ended by the kernel."""
    with pytest.raises(PortBrokenError, match=f"^The port {message} in the scenario 'identity: the good case'$"):
        check(plan(name, seconds=0.05 if name == "Hangs" else 60), part=FIRST)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("in ~"), "The port broke down (ValueError: in ~) in the scenario 's'"),
        (SystemExit(3), "The port broke down (SystemExit: 3) in the scenario 's'"),
        (GeneratorExit(), "The port broke down (GeneratorExit) in the scenario 's'"),
        (PortBrokenError("as it is"), "as it is"),
    ],
)
def test_an_error_of_the_port_names_the_scenario(error, message):
    """An error of the library already has its text."""
    with pytest.raises(PortBrokenError, match=f"^{re.escape(message)}$"):
        observe(SimpleNamespace(run=_raising(error)), Scenario(name="s"))


def test_an_interrupt_is_no_error_of_the_port():
    """It is the user's."""
    with pytest.raises(KeyboardInterrupt):
        observe(SimpleNamespace(run=_raising(KeyboardInterrupt())), Scenario(name="s"))


def _raising(error):
    def raises(_):
        raise error

    return raises


@pytest.mark.parametrize("kind", [ZeroDivisionError, AttributeError, KeyError, TypeError, ValueError])
def test_an_observation_that_a_clause_cannot_read_violates_it(kind):
    """The port has left an odd value: that is a verdict, and no failure of the suite."""
    stats = ClauseStats()
    clause = replace(CLAUSES[0], judge=_raising(kind("jobID")))
    apply_clauses(CheckContext(Scenario(name="s"), NOTHING), [(clause, stats)])
    assert (stats.asked, stats.broken) == (1, 1)
    assert stats.smallest.found.observed == f"{kind.__name__}: {kind('jobID')}"


def test_a_scenario_that_violates_much_is_measured_once(monkeypatch):
    """Its JSON takes longer than a clause."""
    measured = []
    monkeypatch.setattr(checking, "size_of", lambda scenario: measured.append(scenario.name) or (5, 0, "s"))
    violations = [Violation("a", "b"), None, Violation("c", "d")]
    asked = [(replace(CLAUSES[0], judge=lambda _, found=found: found), ClauseStats()) for found in violations]
    apply_clauses(CheckContext(Scenario(name="s"), NOTHING), asked)
    assert measured == ["s"]
    assert [(stats.broken, stats.smallest.size) for _, stats in asked] == [
        (1, (5, 0, "s")), (0, None), (1, (5, 0, "s")),
    ]  # fmt: skip
