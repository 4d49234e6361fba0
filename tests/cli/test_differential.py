from __future__ import annotations

import json
import multiprocessing
import sys
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dirac_failover import FailoverRequest, __version__
from dirac_failover.cli import differential, main
from dirac_failover.cli.differential import Comparison, DifferingScenario, compared, report, run, shard
from dirac_failover.cli.exits import Exit
from dirac_failover.conformance.target import Target
from dirac_failover.conformance.workers import parse_shard
from dirac_failover.drivers.implementations import IMPLEMENTATIONS
from dirac_failover.drivers.in_process import InProcessDriver
from dirac_failover.errors import ImplementationUnavailableError, SettingError
from dirac_failover.spec import space
from dirac_failover.spec.compare import Difference
from dirac_failover.spec.dimensions import Dimension, Region, Value
from dirac_failover.spec.observation import Call, Observation
from dirac_failover.spec.scenario import DEFAULT_COLLABORATORS, FAILED_STATUS, SCRIPTED, Scenario

BOTH = (Target("reference"), Target("dirac"))
TITLES = (f"reference {__version__}", "dirac 9.1.0")
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
    """A space of two regions with three scenarios in all, and another 'dirac', which differs in two of them."""
    base = {"collaborators": dict.fromkeys(DEFAULT_COLLABORATORS, SCRIPTED)}
    health = Dimension(
        "health", "", (Value("well", ""), Value("failed", "", {"attributes": {"workflowStatus": FAILED_STATUS}}))
    )
    regions = (Region("one", "", base | {"executions": 2}, (health,)), Region("other", "", base, ()))
    monkeypatch.setattr(space, "REGIONS", regions)
    reference = IMPLEMENTATIONS["reference"].load()
    classes = {**reference.classes, "FailoverRequest": Changed}
    monkeypatch.setitem(IMPLEMENTATIONS, "dirac", replace(reference, name="dirac", version="9.1.0", classes=classes))


def difference(name, *places, **scenario):
    return DifferingScenario(name, scenario, tuple(Difference((place,), 1, 2) for place in places))


# One scenario


@pytest.mark.parametrize(
    ("mine", "theirs", "places"),
    [
        (WELL, WELL._replace(ended="raised"), (("ended", "returned", "raised"),)),
        (WELL, WELL._replace(attributes={"jobID": True}), (("attributes.jobID", 1, True),)),
        (
            WELL._replace(files={"a": "x", "b": "y"}),
            WELL._replace(files={"b": "z"}, services={}),
            (("files.a", "x", "(absent)"), ("files.b", "y", "z"), ("services", None, {})),
        ),
        (
            WELL._replace(steps=(Call("module", "_execute", [], None),)),
            WELL,
            (("steps[0]", Call("module", "_execute", [], None), "(absent)"),),
        ),
    ],
)
def test_a_difference_names_its_places(mine, theirs, places):
    """Beside what each of the two has there; True is not 1, though Python says so."""
    found = compared(SCENARIO, mine, theirs)
    assert found is not None
    assert (found.name, found.scenario) == ("small: one", {"name": "small: one", "executions": 2})
    assert repr([(one.place, *one[1:]) for one in found.places]) == repr([*places])


@pytest.mark.parametrize(
    "theirs",
    [
        WELL,
        WELL._replace(result={"Value": None, "OK": True}),
        WELL._replace(steps=[]),  # type: ignore[arg-type]
    ],
)
def test_what_means_the_same_is_no_difference(theirs):
    """Neither the order of keys, nor whether a list is a tuple: both are the same to a reader of JSON."""
    assert compared(SCENARIO, WELL, theirs) is None


# All of them


def test_differences_at_the_same_places_are_one_group():
    """Of each the smallest scenario is kept, by its size and then by its name; the groups begin with the smallest."""
    result = Comparison("a", "b")
    result.add(difference("s2", "result", executions=3))
    result.add(difference("s1", "result", executions=2))
    first = result.smallest["result",]
    result.add(difference("s0", "result", executions=10))
    result.add(difference("s1", "result", executions=2))
    assert result.smallest["result",] is first
    result.add(difference("s9", "result", "files"))
    assert (result.differ, result.scenarios) == (5, 0)
    assert result.groups == {("result",): 4, ("result", "files"): 1}
    assert [(count, item.name) for count, item in result.in_order()] == [(1, "s9"), (4, "s1")]


def test_a_difference_stays_what_it_is():
    """Whoever counts it."""
    with pytest.raises(FrozenInstanceError):
        difference("s", "result").name = "x"  # type: ignore[misc]


def test_for_machines_it_is_plain_data():
    """With a schema's name, and all groups."""
    result = Comparison("a", "b", 1000, seconds=1.23456)
    result.add(difference("s1", "result", "files.x", executions=2))
    data = result.to_json()
    assert data == {
        "schema": "dirac-failover/differential/1",
        "left": "a",
        "right": "b",
        "scenarios": 1000,
        "differ": 1,
        "seconds": 1.235,
        "groups": [
            {
                "count": 1,
                "name": "s1",
                "scenario": {"executions": 2},
                "differences": [
                    {"place": "result", "left": 1, "right": 2},
                    {"place": "files.x", "left": 1, "right": 2},
                ],
            }
        ],
    }
    assert json.loads(json.dumps(data)) == data


def test_for_people_the_first_of_each_is_shown():
    """Five groups, five places of each, and how many more there are; a long value is cut."""
    result = Comparison("a 1", "b 2", 12345, seconds=2.0)
    result.add(DifferingScenario("s0", {"n": 0}, (Difference(("result",), "x" * 198, "y" * 299),)))
    result.add(difference("s10", *"abcdef", n=10))
    result.add(difference("s100", *"abcdefg", n=100))
    result.add(difference("s1000", *"abcde", n=1000))
    for n in (10000, 100000, 1000000):
        result.add(difference(f"s{n}", str(n), n=n))
        result.add(difference(f"t{n}", str(n), n=n))
    lines = report(result).splitlines()
    assert lines[:5] == [
        "1. 1 scenarios differ like this one: s0",
        "   result",
        f'     a 1: "{"x" * 198}"',
        f'     b 2: "{"y" * 244} ... {"y" * 49}"',
        '   scenario: {"n": 0}',
    ]
    assert lines[5:12] == ["", "2. 1 scenarios differ like this one: s10", "   a", "     a 1: 1", "     b 2: 2", "   b",
                           "     a 1: 1"]  # fmt: skip
    assert [line for line in lines if "more places" in line] == ["   and 1 more places", "   and 2 more places"]
    assert [line for line in lines if "differ like" in line] == [
        "1. 1 scenarios differ like this one: s0",
        "2. 1 scenarios differ like this one: s10",
        "3. 1 scenarios differ like this one: s100",
        "4. 1 scenarios differ like this one: s1000",
        "5. 2 scenarios differ like this one: s10000",
    ]
    assert "   f" not in lines
    assert lines[-4:] == [
        "2 more kinds of difference: --json shows all",
        "",
        "a 1 beside b 2: 2 s, 6,172 scenarios a second",
        "12,345 scenarios, 10 differ",
    ]


def test_nothing_is_said_to_be_left_out_where_nothing_is():
    """Five groups, and five places of each, are all of them; less than a second is told exactly."""
    result = Comparison("a", "b", 10, seconds=0.5)
    for name in "abcde":
        result.add(difference(name, *(name + place for place in "12345")))
    text = report(result)
    assert "more" not in text
    assert "\n5. 1 scenarios differ like this one: e\n   e1\n" in text
    assert "a beside b: 0 s, 20 scenarios a second\n" in text


def test_where_nothing_differs_two_lines_say_so():
    """Even if no time was measured."""
    assert report(Comparison("a", "b")) == "a beside b: 0 s, 0 scenarios a second\n0 scenarios, 0 differ"


# Running


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize(
    ("region", "part", "expected"),
    [
        (None, (0, 1), ["one: the good case", 2, "other: the good case", 1]),
        (None, (1, 2), [1]),
        ("one", (0, 1), ["one: the good case", 2, 0]),
        ("other", (0, 1), ["other: the good case", 1]),
    ],
)
def test_a_shard_yields_differences_and_counts(region, part, expected, monkeypatch):
    """A count each time that so many scenarios have been run, and in the end."""
    monkeypatch.setattr(differential, "_CHUNK", 2)
    messages = shard(BOTH, region, *part)
    found = [message.name.rstrip(":") if isinstance(message, DifferingScenario) else message for message in messages]
    assert found == expected


def test_who_waits_is_told_every_so_often():
    """How many scenarios have been run since."""
    assert list(shard((Target("reference"), Target("reference")), "identity", 0, 4)) == [250, 48]


@pytest.mark.usefixtures("two")
def test_what_one_does_not_take_is_not_compared(monkeypatch):
    """Nor counted; when nothing is left, the command says so."""

    def supports(port, scenario):
        return port.name == "reference" or scenario.executions == 1

    monkeypatch.setattr(InProcessDriver, "supports", supports)
    assert run(BOTH).scenarios == 1
    assert run(BOTH[::-1]).scenarios == 1
    assert main(["differential", "reference", "dirac", "--workers", "1", "--region", "one"]) == Exit.NOTHING_RAN


class Told:
    """A progress that keeps what it is told."""

    seen: list[Any] = []  # noqa: RUF012 - of each test its own: the fixture empties it

    def __init__(self, *given):
        self.seen.append(given)

    def add(self, number):
        self.seen.append(number)

    def close(self):
        self.seen.append("closed")


@pytest.fixture
def told(monkeypatch):
    """What the progress is told."""
    Told.seen = []
    monkeypatch.setattr(differential, "Progress", Told)
    return Told.seen


@pytest.mark.usefixtures("two")
def test_a_run_puts_it_all_together(told, monkeypatch):
    """Who was compared, how many scenarios, how many differ, and how long it took."""
    monkeypatch.setattr(differential, "time", SimpleNamespace(monotonic=iter([10.0, 12.5]).__next__))
    result = run(BOTH)
    assert (result.left, result.right) == TITLES
    assert (result.scenarios, result.differ, result.seconds) == (3, 2, 2.5)
    ((count, smallest),) = result.in_order()
    assert (count, smallest.name, smallest.places) == (
        2, "other: the good case", (Difference(("result", "Value"), ENDED, "changed"),),
    )  # fmt: skip
    assert Scenario.from_json(smallest.scenario) == next(space.REGIONS[1].scenarios())
    assert told == [("reference and dirac", 3), 3, "closed"]


@pytest.mark.usefixtures("two")
def test_progress_knows_how_large_the_part_is(told):
    """The region's, and the shard's."""
    assert run(BOTH, region="one", part=(1, 2)).differ == 0
    assert run(BOTH, part=(0, 2)).differ == 2
    assert told == [("reference and dirac", 1), 1, "closed", ("reference and dirac", 2), 2, "closed"]


@pytest.mark.usefixtures("two")
def test_progress_is_taken_away_whatever_happens(told, monkeypatch):
    """An error is shown on a clean line."""

    def breaks(*_):
        raise OSError("disk")

    monkeypatch.setattr(InProcessDriver, "run", breaks)
    with pytest.raises(OSError, match="disk"):
        run(BOTH)
    assert told[-1] == "closed"


def test_several_processes_find_the_same(monkeypatch):
    """As one: the same counts, and the same smallest scenarios."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "conformance"))
    choices = (Target("reference"), Target("broken_ports:NoResult"))
    alone, together = (run(choices, region="identity", workers=workers, part=(0, 100)) for workers in (1, 2))
    assert (alone.scenarios, together.scenarios) == (12, 12)
    assert alone.differ > 0
    assert replace(alone, seconds=0) == replace(together, seconds=0)
    assert multiprocessing.active_children() == []


# The command


@pytest.mark.usefixtures("two")
def test_the_command_says_what_differs(capsys):
    """And its exit code does."""
    assert main(["differential", "reference", "dirac", "--workers", "1"]) == Exit.DIFFERS
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == [
        "1. 2 scenarios differ like this one: other: the good case",
        "   result.Value",
        f"     {TITLES[0]}: {json.dumps(ENDED)}",
        f'     {TITLES[1]}: "changed"',
    ]
    assert lines[-1] == "3 scenarios, 2 differ"


@pytest.mark.usefixtures("two")
def test_the_command_ends_well_where_nothing_differs(capsys):
    """In a part of the space too."""
    assert main(["differential", "reference", "reference", "--workers", "1"]) == Exit.OK
    assert capsys.readouterr().out.splitlines()[-1] == "3 scenarios, 0 differ"
    given = ["differential", "reference", "dirac", "--workers", "1", "--region", "one", "--shard", "2/2"]
    assert main(given) == Exit.OK
    assert capsys.readouterr().out.splitlines()[-1] == "1 scenarios, 0 differ"


@pytest.mark.usefixtures("two")
def test_the_command_answers_machines(capsys):
    """With JSON, and nothing else on stdout."""
    assert main(["differential", "dirac", "reference", "--workers", "1", "--json", "--region", "other"]) == Exit.DIFFERS
    text = capsys.readouterr().out
    data = json.loads(text)
    assert text == json.dumps(data, indent=2) + "\n"
    assert (data["left"], data["right"], data["scenarios"], data["differ"]) == (*TITLES[::-1], 1, 1)
    assert data["groups"][0]["differences"] == [{"place": "result.Value", "left": "changed", "right": ENDED}]


def test_the_options_are_what_is_run(monkeypatch):
    """Each of them; the Python is that of the right one."""
    asked = []

    def ran(*what, **how):
        asked.append((*what, how))
        return Comparison("a", "b", 1)

    monkeypatch.setattr(differential, "run", ran)
    words = "differential mine theirs --python /p --region inputs --workers 7 --shard 2/3"
    assert main(words.split()) == Exit.OK
    how = {"region": "inputs", "workers": 7, "part": (1, 3)}
    assert asked == [((Target("mine"), Target("theirs", "/p")), how)]


def test_the_command_finds_the_right_one_in_another_environment(capsys):
    """There it runs in a process of its own; here that is the same Python."""
    given = ["reference", "reference", "--python", sys.executable, "--workers", "1", "--region", "identity"]
    assert main(["differential", *given, "--shard", "400/400"]) == Exit.OK
    title = TITLES[0]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{title} beside {title}: ")
    assert lines[1] == "2 scenarios, 0 differ"


@pytest.mark.parametrize(
    ("given", "code", "message"),
    [
        (["--workers", "0"], Exit.USAGE, "--workers: expected a whole number of at least 1, found 0"),
        (["--shard", "3/2"], Exit.USAGE, "--shard: expected I/N with I from 1 to N, found '3/2'"),
        (["--region", "none"], Exit.USAGE, "--region: there is no region 'none' (there are "),
    ],
)
def test_what_cannot_be_asked_is_one_line(given, code, message, capsys):
    """It says what was expected and what was found."""
    assert main(["differential", "reference", "reference", *given]) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"dirac-failover: error: {message}")
    assert said.err.count("\n") == 1


def test_who_is_not_there_is_named(monkeypatch, capsys):
    """One that is unknown is the user's mistake; one that is not installed is not."""
    assert main(["differential", "reference", "nobody"]) == Exit.USAGE
    assert "there is no port 'nobody' (there are reference, " in capsys.readouterr().err

    def missing():
        raise ImplementationUnavailableError("It is not installed: install it")

    monkeypatch.setitem(IMPLEMENTATIONS, "dirac", SimpleNamespace(load=missing))
    assert main(["differential", "reference", "dirac"]) == Exit.BROKEN
    assert capsys.readouterr().err == "dirac-failover: error: It is not installed: install it\n"


@pytest.mark.parametrize(("text", "part"), [("1/1", (0, 1)), ("1/12", (0, 12)), ("12/12", (11, 12))])
def test_a_shard_is_counted_from_one(text, part):
    """By people; from zero by the program."""
    assert parse_shard(text) == part


@pytest.mark.parametrize("text", ["", "1", "/", "1/", "/2", "0/2", "3/2", "0/0", "-1/2", "1/2/3", "a/2", "1/b", "1 2"])
def test_what_means_no_shard_is_refused(text):
    """And shown."""
    with pytest.raises(SettingError) as caught:
        parse_shard(text)
    assert str(caught.value) == f"--shard: expected I/N with I from 1 to N, found {text!r}"
