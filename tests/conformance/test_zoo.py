"""The bug zoo: every animal is caught by the clauses, and by tests that look where it bites."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from dirac_failover.cli import main, zoo_command
from dirac_failover.conformance import zoo_keeper
from dirac_failover.conformance.zoo import ZOO, story
from dirac_failover.drivers.in_process import InProcessDriver
from dirac_failover.spec import space
from dirac_failover.spec.check_context import CheckContext
from dirac_failover.spec.clauses import CLAUSES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dirac_failover.drivers.implementations import Implementation
    from dirac_failover.spec.scenario import Scenario

JUDGES = [clause for clause in CLAUSES if clause.level != "lossless"]


ABOUT = {
    "ReportsAllInputs": "CO-011",
    "WritesNamesakes": "CO-016",
    "ReportsAfterFailure": "CO-009",
    "KeepsReportsToItself": "CO-018",
    "SkipsFinalize": "CO-002",
    "LetsInterruptsOut": "CO-005",
    "SwapsHooks": "CO-001",
    "ForgetsNumbers": "CO-007",
    "GracefulIsFailure": "CO-006",
    "EndsInSilence": "CO-008",
    "RunsWithoutJob": "CO-010",
    "InventsTheTransformation": "CO-003",
    "ProcessesFailures": "CO-012",
    "TriesOnce": "CO-013",
    "ForgetsTheFileReport": "CO-014",
    "ForgetsTheJobReport": "CO-015",
    "ForgetsAccounting": "CO-029",
    "ObeysErrors": "CO-019",
    "StopsAtFalse": "CO-019",
    "StopsAtAnyValue": "CO-019",
    "HandsOnErrors": "CO-019",
    "NeedsAnAnswer": "CO-001",
    "DoesNothing": "CO-027",
    "IgnoresFailedJobs": "CO-012",
    "ReportsTheFirstInput": "CO-012",
    "NeverWrites": "CO-017",
    "LosesTheFirstOperation": "CO-017",
    "NeverAsksTheJobReport": "CO-024",
    "NeverAsksTheAccounting": "CO-024",
    "FinalizeRaises": "CO-025",
    "FinalizeNeedsAnArgument": "CO-004",
    "FinalizeExits": "CO-005",
    "FinalizeReports": "CO-009",
    "FinalizesFirst": "CO-002",
    "NeverSetsAStatus": "CO-028",
    "SendsEveryStatus": "CO-022",
    "SetsReprs": "CO-022",
    "RaisesRefusals": "CO-022",
    "SetsEveryStatusTwice": "CO-022",
    "NeverSetsAParameter": "CO-023",
    "KeepsParametersOfFailures": "CO-023",
    "SwapsNameAndValue": "CO-023",
    "KeepsTypesOfValues": "CO-023",
    "SetsParametersWithoutJob": "CO-023",
    "NamesItKey": "CO-026",
    "FindsNoCandidates": "CO-020",
    "IgnoresTheFileMask": "CO-020",
    "IgnoresTheStepMask": "CO-020",
    "ForgivesMissingFiles": "CO-021",
    "ForgivesMissingLfns": "CO-021",
    "TakesTheFirstLfn": "CO-020",
}
"""The clause that an animal's bug is about, where one of ``contract`` is."""


@pytest.fixture(scope="module")
def scenarios() -> list[Scenario]:
    """One scenario at least of every value of every dimension, and all that are near the good case."""
    found = [scenario for region in space.REGIONS for changes in (0, 1) for scenario in region.near(changes)]
    found += [item for item in space.ANSWERS.near(2) if "inputs=unreported" in item.name or "earlier=" in item.name]
    found += [item for item in space.ANSWERS.near(3) if "inputs=unreported" in item.name and "commit=err" in item.name]
    found += [item for item in space.REPORTS.near(2) if "setJobParameter text default" in item.name]
    for region in space.REGIONS:
        seen: set[str] = set()
        for scenario in region.scenarios():
            choices = set(scenario.name.partition(": ")[2].split("; "))
            if not choices <= seen:
                seen |= choices
                found.append(scenario)
    return found


def breaches(kit: Implementation, module: type[Any], scenarios: list[Scenario]) -> Iterator[str]:
    """Yield the clauses of contract and dirac that a module breaks, each time that it does."""
    port = InProcessDriver(kit, module)
    with port.session():
        for scenario in scenarios:
            case = CheckContext(scenario, port.run(scenario))
            yield from (clause.id for clause in JUDGES if clause.violation(case))


def test_the_reference_is_no_animal(reference: Implementation, scenarios: list[Scenario]) -> None:
    """Nothing is wrong with it, so a breach by an animal comes from its bug."""
    assert list(breaches(reference, reference.FailoverRequest, scenarios)) == []


@pytest.mark.ci
@pytest.mark.parametrize("name", ZOO)
def test_every_animal_is_caught(reference: Implementation, scenarios: list[Scenario], name: str) -> None:
    """By the clause of ``contract`` that its bug is about, or else by one of ``dirac``."""
    found = set(breaches(reference, ZOO[name], scenarios))
    assert found
    assert ABOUT.get(name, min(found)) in found


def test_every_clause_of_the_contract_has_an_animal() -> None:
    """Each clause of the level is the one that a bug of the zoo is about, but for one that another one implies."""
    rest = {clause.id for clause in CLAUSES if clause.level == "contract"} - set(ABOUT.values())
    assert rest == {"CO-003"} - set(ABOUT.values())


def test_every_animal_has_a_story() -> None:
    """One sentence each, and no two the same."""
    variants = [story(cls) for cls in ZOO.values()]
    assert len(set(variants)) == len(ZOO) >= 70
    assert all(text.endswith(".") for text in variants)


def test_the_command_lists_the_animals(capsys: pytest.CaptureFixture[str]) -> None:
    """For people, and for machines."""
    assert main(["zoo", "--bug", "NeverCommits"]) == 0
    assert capsys.readouterr().out == "NeverCommits  The file report is not sent.\n"
    assert main(["zoo", "--bug", "NeverCommits", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "schema": "dirac-failover/zoo/1",
        "bugs": [{"name": "NeverCommits", "story": "The file report is not sent.", "outcome": None}],
    }
    assert main(["zoo"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(ZOO)


MINE = """
from dirac_failover import FailoverRequest

def test_a_module_without_a_job_is_skipped(monkeypatch):
    monkeypatch.delenv("JOBID", raising=False)
    module = FailoverRequest()
    module.workflow_commons = {"PRODUCTION_ID": "1", "JOB_ID": "2"}
    module.step_commons = {"STEP_INSTANCE_NAME": "one"}
    module.STEP_NUMBER = "1"
    assert module.execute()["OK"]
"""


@pytest.mark.ci
def test_the_command_says_which_bugs_a_users_tests_let_live(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The tests really run against each animal."""
    mine = tmp_path / "test_mine.py"
    mine.write_text(MINE)
    arguments = ["zoo", "--tests", str(mine), "--bug", "FailsWithoutJob", "--bug", "NeverCommits"]
    assert main(arguments) == 1
    assert capsys.readouterr().out.splitlines() == [
        "caught FailsWithoutJob  A missing job ID is an error.",
        "alive  NeverCommits     The file report is not sent.",
        "",
        "2 bugs, 1 caught, 1 alive",
    ]
    assert main([*arguments[:-2], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["bugs"][0]["outcome"] == "caught"


@pytest.mark.parametrize("name", ["", "NeverCommits"])
def test_an_animal_takes_the_place_of_the_reference(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """In the package and in its module; without a name they are left alone."""
    import dirac_failover
    from dirac_failover import failover_request

    real = failover_request.FailoverRequest
    monkeypatch.setattr(failover_request, "FailoverRequest", real)
    monkeypatch.setitem(vars(dirac_failover), "FailoverRequest", real)
    monkeypatch.setenv("DIRAC_FAILOVER_BUG", name)
    zoo_keeper.pytest_configure()
    assert failover_request.FailoverRequest is dirac_failover.FailoverRequest is ZOO.get(name, real)


@pytest.mark.ci
@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("def test_it():\n    assert False\n", "without any bug pytest ended with 1"),
        ("not python", "without any bug pytest ended with 2"),
        ("", "without any bug pytest ended with 5: no tests ran"),
    ],
    ids=["failing", "broken", "empty"],
)
def test_tests_that_say_nothing_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, said: str
) -> None:
    """They must pass where there is no bug."""
    mine = tmp_path / "test_mine.py"
    mine.write_text(content)
    assert main(["zoo", "--tests", str(mine), "--bug", "NeverCommits"]) == 4
    assert said in capsys.readouterr().err


@pytest.mark.ci
def test_tests_for_which_a_warning_is_an_error_are_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command itself is the cause of none, though it has imported what pytest wanted to rewrite."""
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    mine = tmp_path / "test_mine.py"
    mine.write_text("def test_it():\n    assert True\n")
    assert main(["zoo", "--tests", str(mine), "--bug", "NeverCommits"]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "1 bug, 0 caught, 1 alive"


def test_tests_that_hang_are_refused_and_catch_bugs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a bug nothing can be said; with one, somebody notices."""

    def hang(command: list[str], **_: Any) -> Any:
        raise zoo_command.subprocess.TimeoutExpired(command, 1)

    monkeypatch.setattr(zoo_command.subprocess, "run", hang)
    assert main(["zoo", "--tests", "here", "--timeout", "2"]) == 3
    assert "The tests did not end within 2 seconds" in capsys.readouterr().err
    assert zoo_command._outcome("NeverCommits", ["here"], 1) == "caught"


@pytest.mark.parametrize("given", ["0", "-1", "inf", "nan"])
def test_a_time_that_never_or_always_ends_is_refused(capsys: pytest.CaptureFixture[str], given: str) -> None:
    """Before anything runs."""
    assert main(["zoo", "--tests", "here", "--timeout", given]) == 4
    said = f"dirac-failover: error: --timeout: expected a number of seconds above 0, found {given}\n"
    assert capsys.readouterr().err == said


def test_without_pytest_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is an extra; the list of bugs needs none."""
    monkeypatch.setattr(zoo_command, "find_spec", {}.get)
    assert main(["zoo", "--tests", "here"]) == 3
    said = "dirac-failover: error: --tests needs the package pytest: pip install 'dirac-failover[pytest]'\n"
    assert capsys.readouterr().err == said
    assert main(["zoo"]) == 0


def test_unknown_bugs_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """With where to look."""
    assert main(["zoo", "--bug", "Unicorn"]) == 4
    assert "--bug: there is no bug 'Unicorn' ('dirac-failover zoo' lists them)" in capsys.readouterr().err
