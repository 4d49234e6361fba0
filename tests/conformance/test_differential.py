import json
import multiprocessing
from dataclasses import replace
from types import SimpleNamespace

import pytest

from dirac_failover import FailoverRequest, __version__
from dirac_failover.conformance import differential
from dirac_failover.conformance.differential import Comparison, DifferingScenario, Group, compare_chunk, compare_ports
from dirac_failover.conformance.workers import Smallest
from dirac_failover.drivers.implementations import IMPLEMENTATIONS
from dirac_failover.drivers.in_process import InProcessDriver, sessions
from dirac_failover.drivers.resolve import Target
from dirac_failover.errors import SettingError
from dirac_failover.spec import space
from dirac_failover.spec.compare import Difference
from dirac_failover.spec.dimensions import Dimension, Region, Value
from dirac_failover.spec.observation import Call, Observation
from dirac_failover.spec.scenario import DEFAULT_COLLABORATORS, FAILED_STATUS, SCRIPTED, Scenario

BOTH = (Target("reference"), Target("dirac"))
WELL = Observation("returned", {"OK": True, "Value": None}, (), {"jobID": 1}, None, {}, None)
SCENARIO = Scenario("small: one", executions=2)
ENDED = {"exception": "GracefulTermination", "args": ["Workflow successful, end of FailoverRequest module execution."]}


class Changed(FailoverRequest):
    """Answers something else, where all is well."""

    def execute(self):
        result = super().execute()
        return {**result, "Value": "changed"} if self.workflowStatus["OK"] else result


@pytest.fixture
def two(monkeypatch):
    """A space of two regions with three scenarios in all, and another 'dirac', which differs in two of them.

    The work is done in this process.
    """
    base = {"collaborators": dict.fromkeys(DEFAULT_COLLABORATORS, SCRIPTED)}
    health = Dimension(
        "health", "", (Value("well", ""), Value("failed", "", {"attributes": {"workflowStatus": FAILED_STATUS}}))
    )
    regions = (Region("one", "", base | {"executions": 2}, (health,)), Region("other", "", base, ()))
    monkeypatch.setattr(space, "REGIONS", regions)
    reference = IMPLEMENTATIONS["reference"].load()
    classes = {**reference.classes, "FailoverRequest": Changed}
    monkeypatch.setitem(IMPLEMENTATIONS, "dirac", replace(reference, name="dirac", version="9.1.0", classes=classes))

    def in_turn(work, targets, scenarios, _, part, progress, __):
        ports = [target.port() for target in targets]
        with progress, sessions(*ports):
            for numbered in [*enumerate(scenarios)][part[0] :: part[1]]:
                yield work(ports, [numbered])

    monkeypatch.setattr(differential, "run_sharded", in_turn)


def difference(name, *places, **scenario):
    return DifferingScenario(name, scenario, tuple(Difference((place,), 1, 2) for place in places))


def comparison(*given, size=0, **more):
    """Return a comparison with these differences; each is of that size."""
    total = Comparison("a", "b", **more)
    for one in given:
        group = Group(1, Smallest((size, len(json.dumps(one.scenario)), one.name), one))
        total.add(Comparison(groups={tuple(place.place for place in one.places): group}))
    return total


# One scenario


@pytest.mark.parametrize(
    ("mine", "theirs", "places"),
    [
        (WELL, WELL._replace(ended="raised"), (("ended", "returned", "raised"),)),
        (WELL, WELL._replace(attributes={"jobID": True}), (("attributes.jobID", 1, True),)),
        (WELL._replace(files={"a": "x", "b": "y"}), WELL._replace(files={"b": "z"}, services={}),
         (("files.a", "x", "(absent)"), ("files.b", "y", "z"), ("services", None, {}))),
        (WELL._replace(steps=(Call("module", "_execute", [], None),)), WELL,
         (("steps[0]", Call("module", "_execute", [], None), "(absent)"),)),
        (WELL, WELL, ()),
        (WELL, WELL._replace(result={"Value": None, "OK": True}), ()),
        (WELL, WELL._replace(steps=[]), ()),
    ],
)  # fmt: skip
def test_a_difference_names_its_places(mine, theirs, places):
    """True is not 1; neither the order of keys matters, nor whether a list is a tuple."""
    found = Comparison()
    found.look(SCENARIO, mine, theirs)
    assert (found.scenarios, found.differ) == (1, bool(places))
    for count, one in found.in_order():
        assert (count, one.name, one.scenario) == (1, "small: one", {"name": "small: one", "executions": 2})
        assert repr([(place.place, *place[1:]) for place in one.places]) == repr([*places])


# All of them


def test_differences_at_the_same_places_are_one_group():
    """Of each the smallest scenario is kept, and the groups begin with the smallest."""
    same = [difference(f"s{number}", "result", n=size) for number, size in ((2, 3), (1, 2), (0, 10), (1, 2))]
    result = comparison(*same, difference("s9", "result", "files"))
    assert (result.differ, result.scenarios) == (5, 0)
    assert [(count, item.name) for count, item in result.in_order()] == [(1, "s9"), (4, "s1")]
    assert result.in_order()[1][1] is same[1]


def test_for_machines_it_is_plain_data():
    """It has the schema's name, and all groups."""
    data = comparison(difference("s1", "result", "files.x", n=2), scenarios=1000, seconds=1.23456).to_json()
    places = [{"place": place, "left": 1, "right": 2} for place in ("result", "files.x")]
    assert data == {
        "schema": "dirac-failover/differential/1", "left": "a", "right": "b",
        "scenarios": 1000, "differ": 1, "seconds": 1.235,
        "groups": [{"count": 1, "name": "s1", "scenario": {"n": 2}, "differences": places}],
    }  # fmt: skip
    assert json.loads(json.dumps(data)) == data


# Running


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize(
    ("region", "part", "scenarios", "differ"),
    [(None, (0, 1), 3, 2), (None, (1, 2), 1, 0), (None, (0, 2), 2, 2), ("one", (0, 1), 2, 1), ("other", (0, 1), 1, 1)],
)
def test_a_region_or_a_shard_is_compared(region, part, scenarios, differ):
    """The counts are those of the part."""
    found = compare_ports(BOTH, region=region, part=part)
    assert (found.scenarios, found.differ) == (scenarios, differ)


@pytest.mark.usefixtures("two")
def test_a_comparison_names_both_ports(monkeypatch):
    """It has the smallest scenario of each group, and the time that it took."""
    monkeypatch.setattr(differential, "time", SimpleNamespace(monotonic=iter([10.0, 12.5]).__next__))
    result = compare_ports(BOTH)
    assert (result.left, result.right, result.seconds) == (f"reference {__version__}", "dirac 9.1.0", 2.5)
    ((count, smallest),) = result.in_order()
    assert (count, smallest.name) == (2, "other: the good case")
    assert smallest.places == (Difference(("result", "Value"), ENDED, "changed"),)
    assert Scenario.from_json(smallest.scenario) == next(space.REGIONS[1].scenarios())


def test_a_scenario_that_one_port_does_not_support_is_not_counted(monkeypatch):
    """Either of both may be the one."""
    odd = [InProcessDriver(IMPLEMENTATIONS["reference"].load()) for _ in range(2)]
    monkeypatch.setattr(odd[1], "supports", lambda scenario: scenario.executions == 1)
    with sessions(*odd):
        for ports in (odd, odd[::-1]):
            assert compare_chunk(ports, [(0, SCENARIO), (1, Scenario("small: two"))]).scenarios == 1


def test_a_chain_of_commands_is_not_compared(monkeypatch):
    """The error says which command checks it."""
    info = SimpleNamespace(shape="commands")
    monkeypatch.setattr(Target, "info", lambda _: info)
    with pytest.raises(SettingError, match=r"^x is no module, .*: 'dirac-failover verify' checks a port of the shape"):
        compare_ports((Target("x"), Target("x")))


def test_several_processes_find_the_same():
    """The counts and the smallest scenarios are those of one process."""
    choices = (Target("reference"), Target("tests.conformance.broken_ports:NoResult"))
    alone, together = (compare_ports(choices, region="identity", workers=n, part=(0, 100)) for n in (1, 2))
    assert (alone.scenarios, together.scenarios) == (12, 12)
    assert alone.differ > 0
    assert {**alone.to_json(), "seconds": 0} == {**together.to_json(), "seconds": 0}
    assert multiprocessing.active_children() == []
