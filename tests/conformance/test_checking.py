from __future__ import annotations

import faulthandler
import json
import os
import pickle
import re
import sys
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dirac_failover.conformance import checking
from dirac_failover.conformance.checking import (
    ClauseStats,
    Met,
    VerificationPlan,
    judge,
    shard,
    size_of,
)
from dirac_failover.conformance.results import Minimal
from dirac_failover.conformance.target import Target
from dirac_failover.conformance.workers import WorkerDiedError
from dirac_failover.drivers.in_process import InProcessDriver
from dirac_failover.errors import PortBrokenError
from dirac_failover.spec import space
from dirac_failover.spec.check_context import CheckContext
from dirac_failover.spec.clauses import CLAUSES, Clause, Violation
from dirac_failover.spec.dimensions import changes
from dirac_failover.spec.observation import Observation
from dirac_failover.spec.profile_fit import Match
from dirac_failover.spec.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dirac_failover.conformance.results import ClauseResult

IDENTITY = ("identity",)
FIRST = (0, 400)  # three scenarios of it: the first is not interrupted before its hooks


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The workers do their work in this process, one after the other; these are the directories that are watched."""
    watched = []

    def in_turn(work: Any, workers: int, part: tuple[int, int]) -> Iterator[Any]:
        watched.append(work.args[1])
        for worker in range(workers):
            yield from work(part[0] + part[1] * worker, part[1] * workers)

    monkeypatch.setattr(checking, "in_processes", in_turn)
    return watched


def question(name: str = "reference", **more: Any) -> VerificationPlan:
    text = name if name == "reference" else f"broken_ports:{name}"
    return VerificationPlan(Target(text), regions=IDENTITY, **more)


def test_a_question_stays_what_it_is() -> None:
    """Each worker has the same one."""
    with pytest.raises(FrozenInstanceError):
        VerificationPlan(Target()).seconds = 5  # type: ignore[misc]


def test_a_question_asks_everything_unless_told() -> None:
    """All clauses, all regions, in their order."""
    asked = VerificationPlan(Target())
    assert asked.asked() == list(CLAUSES)
    assert asked.clauses == tuple(clause.id for clause in CLAUSES)
    assert asked.regions == tuple(region.name for region in space.REGIONS)
    assert asked.seconds == 60
    some = VerificationPlan(Target(), ("LL-001", "CO-002"), ("services", "identity"))
    assert [clause.id for clause in some.asked()] == ["CO-002", "LL-001"]
    by_name = {region.name: region for region in space.REGIONS}
    expected = [item.name for name in ("identity", "services") for item in by_name[name].scenarios()]
    names = [item.name for item in some.scenarios()]
    assert sorted(names) == sorted(expected)
    far = [min(changes(name), 3) for name in names]
    assert far == sorted(far)
    assert names[:2] == ["identity: the good case", "services: the good case"]
    assert pickle.loads(pickle.dumps(some)) == some  # noqa: S301 - ours


def test_a_shard_counts_and_keeps_the_smallest_breach(tmp_path: Path) -> None:
    """The numbers add up; what is kept can be repeated, with expected beside observed, and every call."""
    messages = list(shard(question(clauses=("CO-001", "CO-005", "DI-003", "LL-003")), str(tmp_path), 0, 2))
    first, *numbers, found = messages
    assert first == Met("LL-003", "identity: health=step failed")
    assert numbers == [250, 250, 96]
    assert isinstance(found, tuple)
    tallies, nearness = found
    assert list(tallies) == ["CO-001", "CO-005", "DI-003", "LL-003"]
    assert nearness.matches()[0] == Match("dirac-9.1", 86, 86, 0)
    assert (tallies["CO-001"].asked, tallies["CO-001"].broken, tallies["CO-001"].minimal) == (396, 0, None)
    assert (tallies["CO-005"].asked, tallies["CO-005"].broken) == (0, 0)
    lossless = tallies["LL-003"]
    assert lossless.asked == lossless.broken > 0
    minimal = lossless.minimal
    assert minimal is not None
    scenario = Scenario.from_json(minimal.scenario)
    assert scenario.name == minimal.name
    assert lossless.size == size_of(scenario)
    assert minimal.expected == {"in the file": [["ForwardDISET", "x", []]]}
    assert minimal.observed == {"in the file": []}
    assert [step[:2] for step in minimal.steps][:2] == [["module", "_resolveInputVariables"], ["module", "_initialize"]]
    assert all(type(step) is list and len(step) == 4 for step in minimal.steps)


def test_the_working_directory_and_the_alarm_are_put_back(tmp_path: Path) -> None:
    """Whatever comes out."""
    before = os.getcwd(), sys.stdout, sys.stderr
    list(shard(question(clauses=("CO-001",)), str(tmp_path), 0, 500))
    assert (os.getcwd(), sys.stdout, sys.stderr) == before
    assert sorted(os.listdir(tmp_path)) == ["0.far", "0.stack"]
    assert (tmp_path / "0.stack").read_text() == ""
    assert int.from_bytes((tmp_path / "0.far").read_bytes(), sys.byteorder) == 3  # that many were begun


def test_the_alarm_is_set_when_it_is_due(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not for every scenario, and always so that one has at least its time."""
    times = iter([0.0, 0.9, 1.0, 1.5, 20.0])  # the first is a moment after the machine was started
    monkeypatch.setattr(checking.time, "monotonic", lambda: next(times))
    calls: list[Any] = []
    monkeypatch.setattr(
        faulthandler,
        "dump_traceback_later",
        lambda seconds, **how: calls.append((seconds, how["file"].name, how["exit"])),
    )
    monkeypatch.setattr(faulthandler, "cancel_dump_traceback_later", lambda: calls.append("cancelled"))
    with checking._watching(str(tmp_path / "w"), 5.0) as watch:
        assert (tmp_path / "w.far").read_bytes() == bytes(8)
        for number in range(5):
            watch.next()
            assert int.from_bytes((tmp_path / "w.far").read_bytes(), sys.byteorder) == number + 1
            assert len(calls) == (1, 1, 2, 2, 3)[number]
    assert calls == [(6.0, str(tmp_path / "w.stack"), True)] * 3 + ["cancelled"]
    assert watch._far.closed


def test_what_a_port_cannot_run_is_unchecked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scenario that asks for the clause is counted, and one is enough: the clause is not held then."""
    taken = iter([True, False, True])
    monkeypatch.setattr(InProcessDriver, "supports", lambda _, __: next(taken))
    number, found = shard(question(clauses=("DI-003",)), str(tmp_path), 0, 400)
    assert number == 2
    assert isinstance(found, tuple)
    assert (found[0]["DI-003"].asked, found[0]["DI-003"].unchecked) == (2, 1)
    assert ClauseStats(unchecked=1).result(CLAUSES[0]).verdict == "unchecked"
    assert ClauseStats(1, unchecked=1).result(CLAUSES[0]).verdict == "unchecked"
    assert ClauseStats(1, 1, unchecked=1).result(CLAUSES[0]).verdict == "broken"
    assert ClauseStats(1).result(CLAUSES[0]).verdict == "held"
    assert next(taken, "all asked") == "all asked"


def test_what_a_port_prints_is_not_seen(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Neither result nor progress are disturbed."""
    list(shard(question("Talks", clauses=("CO-001",)), str(tmp_path), 0, 400))
    assert capfd.readouterr() == ("", "")


def test_a_port_may_print_in_any_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the locale is."""
    seen: list[Any] = []
    run = InProcessDriver.run

    def talking(port: InProcessDriver, scenario: Scenario) -> Any:
        seen.append((sys.stdout is sys.stderr, sys.stdout.name, sys.stdout.mode, sys.stdout.encoding))
        return run(port, scenario)

    monkeypatch.setattr(InProcessDriver, "run", talking)
    list(shard(question(clauses=("DI-003",)), str(tmp_path), 0, 400))
    assert seen == [(True, os.devnull, "w", "utf-8")] * 3


def test_the_smaller_scenario_is_the_nearest_to_the_good_case() -> None:
    """Of two with as many changes, the one with less to say; its name settles the rest."""
    assert size_of(Scenario(name="r: a=b")) < size_of(Scenario(name="r: a=b; c=d"))
    small, large = Scenario.of_job(name="b" * 99), Scenario.of_job(name="a", inputs=["/vo/a"])
    assert size_of(small) < size_of(large)
    data = large.to_json()
    del data["name"]
    assert size_of(large) == (1, len(json.dumps(data)), "a")
    assert size_of(Scenario(name="x: the good case")) == (0, 2, "x: the good case")


def test_tallies_add_up_in_any_order() -> None:
    """The smallest breach of all is kept."""
    minimal = Minimal("a", {}, 1, 2, ())
    one, two = ClauseStats(3, 1, (5, 0, "a"), minimal), ClauseStats(4, 2, (5, 0, "b"), Minimal("b", {}, 1, 2, ()))
    for first, second in ((one, two), (two, one)):
        total = ClauseStats()
        total.add(first)
        total.add(second)
        total.add(ClauseStats(2))
        assert total == ClauseStats(9, 3, (5, 0, "a"), minimal)


def test_the_smallest_breach_is_kept_whenever_it_comes() -> None:
    """Here and from another process; of two that are as small, the first."""
    case: Any = CheckContext(Scenario(name="s"), Observation("returned", None, (), {}, None, {}, None))
    tally = ClauseStats()
    for size, observed in ((7, "first"), (9, "larger"), (5, "smaller"), (5, "another"), (6, "late")):
        tally.breach(case, Violation("expected", observed), (size, 0, "s"))
    assert (tally.broken, tally.size) == (5, (5, 0, "s"))
    assert tally.minimal is not None
    expected = tally.minimal.expected_steps
    assert tally.minimal == Minimal("s", {"name": "s"}, "expected", "smaller", (), expected)
    tally.add(ClauseStats(1, 1, (5, 0, "s"), Minimal("other", {}, 1, 2, ())))
    assert tally.minimal.name == "s"
    assert tally.result(CLAUSES[0]).minimal is tally.minimal


@pytest.mark.parametrize(
    ("tally", "verdict"),
    [(ClauseStats(), "not asked"), (ClauseStats(3), "held"), (ClauseStats(3, 1), "broken")],
    ids=str,
)
def test_a_verdict_is_what_was_counted(tally: ClauseStats, verdict: str) -> None:
    """Held only if it was asked about."""
    result = tally.result(CLAUSES[0])
    assert (result.verdict, result.asked, result.broken) == (verdict, tally.asked, tally.broken)
    assert (result.id, result.level, result.text) == (CLAUSES[0].id, CLAUSES[0].level, CLAUSES[0].text)


def told(results: list[ClauseResult]) -> dict[str, tuple[str, int, int, Any]]:
    return {item.id: (item.verdict, item.asked, item.broken, item.minimal) for item in results}


def test_the_number_of_workers_changes_nothing() -> None:
    """The same counts and the same smallest breaches, from one, from three, and from parts put together."""
    asked = question("NoResult", clauses=("CO-001", "CO-004", "DI-002", "LL-007"))
    one = judge(asked, workers=1, part=(1, 40))
    three = judge(asked, workers=3, part=(1, 40))
    assert one.scenarios == three.scenarios == 30
    assert told(one.clauses) == told(three.clauses)
    assert one.nearest == three.nearest
    assert one.nearest[0].scenarios == 4
    assert {item.id: item.verdict for item in one.clauses} == {
        "CO-001": "held", "CO-004": "broken", "DI-002": "held", "LL-007": "held",
    }  # fmt: skip


def test_what_the_workers_found_is_put_together(here: list[str]) -> None:
    """Counts, the smallest breach, and how near the profiles are; the watching leaves nothing behind."""
    asked = question("NoResult", clauses=("CO-001", "CO-004", "DI-002", "LL-007"))
    one, three = (judge(asked, workers=workers, part=(1, 40)) for workers in (1, 3))
    assert one == three
    assert one.scenarios == 30
    assert [(item.id, item.verdict, item.asked, item.broken) for item in one.clauses] == [
        ("CO-001", "held", 18, 0), ("CO-004", "broken", 14, 14), ("DI-002", "held", 30, 0), ("LL-007", "held", 4, 0),
    ]  # fmt: skip
    assert one.nearest[0].scenarios == 4
    assert all(re.fullmatch(r"failover-watch-\w+", os.path.basename(path)) for path in here)
    assert not any(os.path.exists(path) for path in here)


def test_a_question_may_be_about_what_is_near() -> None:
    """So many changes from the good case and no more; then more of it is held against all profiles."""
    for near in (0, 1, 2, 4):
        asked = question(near=near)
        wanted = [item.name for item in space.IDENTITY.scenarios() if changes(item.name) <= near]
        assert sorted(item.name for item in asked.scenarios()) == sorted(wanted)
    assert (
        question(near=1).sampled(),
        VerificationPlan(Target(), near=9).sampled(),
        VerificationPlan(Target()).sampled(),
    ) == (
        7,
        7,
        499,
    )


@pytest.mark.usefixtures("here")
def test_a_breach_is_told_once_and_may_end_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    """With the scenario that is the first to break the clause; what was found until then is kept."""
    asked = question("NoResult", clauses=("CO-001", "CO-004", "DI-002"), near=1)
    met: list[tuple[str, str]] = []

    def told(clause: str, scenario: str) -> str:
        met.append((clause, scenario))
        return f"{clause} is broken"

    whole = judge(asked, workers=2, met=told)
    assert len(met) == 1
    assert met[0][0] == "CO-004"
    assert capsys.readouterr().err == "CO-004 is broken\n"
    assert whole.scenarios == sum(1 for _ in asked.scenarios()) > 20
    judge(asked, met=lambda *_: "")
    assert capsys.readouterr().err == ""
    stopped = judge(replace(asked, fail_fast=("CO-004", "CO-099")))
    assert stopped.scenarios == 1
    assert [(item.id, item.asked, item.broken) for item in stopped.clauses] == [
        ("CO-001", 1, 0), ("CO-004", 1, 1), ("DI-002", 1, 0),
    ]  # fmt: skip
    assert judge(replace(asked, fail_fast=("CO-001",))).scenarios == whole.scenarios


def test_a_breach_is_kept_with_the_calls_that_were_expected(tmp_path: Path) -> None:
    """As far as the specification speaks of the scenario."""
    *_, (tallies, _) = shard(question("NoResult", clauses=("CO-004",), near=0), str(tmp_path), 0, 1)  # type: ignore[misc]
    minimal = tallies["CO-004"].minimal
    assert minimal is not None
    assert minimal.name == "identity: the good case"
    assert minimal.steps == minimal.expected_steps != ()


def test_unless_told_one_worker_does_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole space, not a part."""
    seen: list[Any] = []
    monkeypatch.setattr(checking, "in_processes", lambda _, *how: seen.append(how) or (message for message in ()))
    assert judge(question(clauses=("CO-001",))).scenarios == 0
    assert seen == [(1, (0, 1))]


@pytest.mark.usefixtures("here")
def test_the_profile_is_whose_choices_decide() -> None:
    """The reference writes an owner as DIRAC 9.1 does, and not as 8.0; which is the nearest does not depend on it."""
    asked = question(clauses=("CO-001", "DI-020"))
    judged = {name: judge(replace(asked, profile=name), part=(0, 4)) for name in ("dirac-9.1", "dirac-8.0")}
    verdicts = {name: [item.verdict for item in found.clauses] for name, found in judged.items()}
    assert verdicts == {"dirac-9.1": ["held", "held"], "dirac-8.0": ["held", "broken"]}
    assert judged["dirac-9.1"].nearest == judged["dirac-8.0"].nearest
    first, second, *_ = judged["dirac-8.0"].nearest
    assert first == Match("dirac-9.1", 43, 43, 0)
    assert second.profile == "dirac-8.0"


@pytest.mark.usefixtures("here")
def test_a_module_finds_what_those_of_its_profile_need() -> None:
    """In each scenario, whatever it is: so that any port can be held against it."""
    with_job_type = list(question(profile="lhcbdirac-12.0").scenarios())
    plain = list(question().scenarios())
    assert [item.workflow_commons for item in with_job_type] == [
        {"JobType": "MCSimulation", **item.workflow_commons} for item in plain
    ]
    judged = judge(question(profile="lhcbdirac-12.0", clauses=("DI-003",)), part=(0, 8))
    assert judged.clauses[0].verdict == "broken"
    assert judged.nearest[0].profile == "dirac-9.1"
    assert judged.nearest[0].alike == judged.nearest[0].scenarios > 0


@pytest.mark.parametrize(
    ("regions", "every"),
    [
        (("identity",), 7), (("identity", "inputs"), 101), (("inputs", "answers", "services"), 499),
        (("services",), 1), ((), 1),
    ],
)  # fmt: skip
def test_a_few_hundred_scenarios_tell_the_nearest(regions: tuple[str, ...], every: int) -> None:
    """Every so many-th, as the largest region that is asked about wants it."""
    assert VerificationPlan(Target(), regions=regions).sampled() == every


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Exits", "The port ended its process (exit code 7) in the scenario 'identity: the good case'"),
        (
            "Aborts",
            "The port ended its process (signal SIGABRT) in the scenario 'identity: the good case'",
        ),
        ("CannotBeMade", "The port broke down (SystemExit) in the scenario 'identity: the good case'"),
    ],
)
def test_a_port_that_breaks_down_is_broken(name: str, message: str) -> None:
    """With what happened, and where."""
    with pytest.raises(PortBrokenError) as said:
        judge(question(name), part=FIRST)
    assert str(said.value).startswith(message)


def test_a_port_that_hangs_is_broken() -> None:
    """Even one that nothing interrupts: the message says where in its code it was."""
    with pytest.raises(PortBrokenError) as said:
        judge(question("Hangs", seconds=0.01), part=FIRST)
    text = str(said.value)
    assert text.startswith('The port took longer than 0.01 s, at "')
    assert 'broken_ports.py", line ' in text
    assert text.endswith("in _setCommand, in the scenario 'identity: the good case'")


def test_the_scenario_of_a_dead_process_is_found(tmp_path: Path) -> None:
    """By how far it was: the second one of worker 1 of 2, of part 3 of 5, say."""
    asked = question()
    (tmp_path / "7.far").write_bytes((2).to_bytes(8, sys.byteorder))
    (tmp_path / "5.far").write_bytes(bytes(8))
    names = [item.name for item in asked.scenarios()]
    text = checking._how_it_died(asked, str(tmp_path), 7, 10, -9)
    assert text == f"The port ended its process (signal SIGKILL) in the scenario '{names[17]}'"
    (tmp_path / "7.stack").write_bytes(b"Timeout (0:00:01)!\nThread 0x1 (most recent call first):\n  nothing\xff\n")
    text = checking._how_it_died(asked, str(tmp_path), 7, 10, 1)
    assert text == f"The port took longer than 60 s, somewhere, in the scenario '{names[17]}'"
    (tmp_path / "7.stack").write_bytes(b'Timeout!\n  File "/a/File b\xff.py", line 3 in run\n  File "/c", line 5 in go')
    text = checking._how_it_died(asked, str(tmp_path), 7, 10, 1)
    assert text.startswith('The port took longer than 60 s, at "/a/File b\ufffd.py", line 3 in run, in the scenario ')
    for index in (5, 6):
        for code, how in ((None, "exit code None"), (0, "exit code 0"), (1, "exit code 1"), (-1, "signal SIGHUP")):
            text = checking._how_it_died(asked, str(tmp_path), index, 10, code)
            assert text == f"The port ended its process ({how}) before its first scenario"


def test_the_worker_that_died_is_the_one_that_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its shard is made of the part and of its number."""
    seen: list[Any] = []

    def processes(*_: Any) -> Any:
        raise WorkerDiedError(2, 7)
        yield

    def died(asked: VerificationPlan, watched: str, index: int, count: int, exitcode: int) -> str:
        seen.append((asked, os.path.isdir(watched), index, count, exitcode))
        return "dead"

    monkeypatch.setattr(checking, "in_processes", processes)
    monkeypatch.setattr(checking, "_how_it_died", died)
    with pytest.raises(PortBrokenError, match=r"^dead$"):
        judge(question(), workers=4, part=(3, 5))
    assert seen == [(question(), True, 3 + 5 * 2, 20, 7)]


class Odd:
    """A port whose run is a function."""

    def __init__(self, run: Any) -> None:
        self.run = run


def test_what_a_port_raises_is_told_apart_from_what_ends_the_command() -> None:
    """An error of the library says it itself; an interrupt is the user's."""
    scenario = Scenario(name="s")

    def raising(error: BaseException) -> Any:
        def run(_: Scenario) -> None:
            raise error

        return Odd(run)

    with pytest.raises(PortBrokenError, match=r"^The port broke down \(ValueError: in ~\) in the scenario 's'$"):
        checking._outcome(raising(ValueError("in ~")), scenario)
    with pytest.raises(PortBrokenError, match=r"^The port broke down \(SystemExit: 3\) in the scenario 's'$"):
        checking._outcome(raising(SystemExit(3)), scenario)
    with pytest.raises(PortBrokenError, match=r"^The port broke down \(GeneratorExit\) in the scenario 's'$"):
        checking._outcome(raising(GeneratorExit()), scenario)
    with pytest.raises(PortBrokenError, match=r"^as it is$"):
        checking._outcome(raising(PortBrokenError("as it is")), scenario)
    with pytest.raises(KeyboardInterrupt):
        checking._outcome(raising(KeyboardInterrupt()), scenario)


def clause(judge: Any) -> Clause:
    """A clause that judges so."""
    return replace(CLAUSES[0], judge=judge)


@pytest.mark.parametrize("kind", [ZeroDivisionError, AttributeError, KeyError, TypeError, ValueError])
def test_an_observation_that_a_clause_cannot_read_breaks_it(kind: type[Exception]) -> None:
    """The port has left something odd: that is a verdict, and no failure of the suite."""

    def judge_(_: Any) -> Any:
        raise kind("jobID")

    tally = ClauseStats()
    case = CheckContext(Scenario(name="s"), Observation("returned", None, (), {}, None, {}, None))
    checking._judge(case, [(clause(judge_), tally)])
    assert (tally.asked, tally.broken) == (1, 1)
    assert tally.minimal is not None
    assert tally.minimal.observed == f"{kind.__name__}: {kind('jobID')}"


def test_a_scenario_that_breaks_much_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Making its text takes longer than a judgement."""
    measured: list[str] = []
    monkeypatch.setattr(checking, "size_of", lambda scenario: measured.append(scenario.name) or (5, 0, "s"))
    case = CheckContext(Scenario(name="s"), Observation("returned", None, (), {}, None, {}, None))
    tallies = [ClauseStats(), ClauseStats(), ClauseStats()]
    verdicts: list[Any] = [Violation("a", "b"), None, Violation("c", "d")]
    checking._judge(case, [(clause(lambda _, found=found: found), tallies[i]) for i, found in enumerate(verdicts)])
    assert measured == ["s"]
    assert [(tally.broken, tally.size) for tally in tallies] == [(1, (5, 0, "s")), (0, None), (1, (5, 0, "s"))]


@pytest.mark.parametrize("clauses", [("DI-004", "CO-001", "DI-099"), ("DI-004",), ("CO-001",)])
@pytest.mark.parametrize("profile", ["dirac-9.1", "dirac-8.0"])
def test_each_comparison_is_counted_in_each_scenario(clauses: tuple[str, ...], profile: str, tmp_path: Path) -> None:
    """Whether the outcome is as expected or not, and just as when each is asked by itself."""

    def counted(*names: str) -> dict[str, tuple[int, int]]:
        *_, found = shard(question(clauses=names, profile=profile), str(tmp_path), 0, 4)
        assert isinstance(found, tuple)
        return {name: (tally.asked, tally.broken) for name, tally in found[0].items()}

    together = counted(*clauses)
    assert together == {name: counts for clause in clauses for name, counts in counted(clause).items()}
    assert {asked for name, (asked, _) in together.items() if name.startswith("DI")} <= {298}


@pytest.mark.usefixtures("here")
def test_who_looks_at_the_progress_is_told_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Scenarios are counted for a terminal only, since that takes seconds."""
    asked = question(clauses=("DI-003",))
    assert checking._total(asked, (0, 1)) == 0
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert checking._total(asked, (0, 1)) == 1191
    assert checking._total(asked, (1190, 1191)) == 1
    assert checking._total(asked, (0, 4)) == 298
    added: list[int] = []
    monkeypatch.setattr(checking.Progress, "add", lambda _, number: added.append(number))
    assert judge(asked, part=(0, 4)).scenarios == 298
    assert added == [250, 48]
    assert capsys.readouterr().err == "\r\x1b[K"
