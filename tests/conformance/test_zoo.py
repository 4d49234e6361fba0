"""The zoo: every bug is found by the clause that it violates, and can replace the reference in a user's tests."""

import pytest

from dirac_failover import FailoverRequest, failover_request
from dirac_failover.conformance import zoo, zoo_plugin
from dirac_failover.conformance.zoo import BUGS
from dirac_failover.drivers.in_process import InProcessDriver
from dirac_failover.errors import BrokenError, SettingError
from dirac_failover.spec import space
from dirac_failover.spec.check_context import CheckContext
from dirac_failover.spec.clauses import CLAUSES

JUDGES = [clause for clause in CLAUSES if clause.level != "lossless"]


@pytest.fixture(scope="module")
def scenarios():
    """One scenario at least of every value of every dimension, and all that are near the good case."""
    found = [scenario for region in space.REGIONS for changes in (0, 1) for scenario in region.near(changes)]
    found += [item for item in space.ANSWERS.near(2) if "inputs=unreported" in item.name or "earlier=" in item.name]
    found += [item for item in space.ANSWERS.near(3) if "inputs=unreported" in item.name and "commit=err" in item.name]
    found += [item for item in space.REPORTS.near(2) if "setJobParameter text default" in item.name]
    for region in space.REGIONS:
        seen = set()
        for scenario in region.scenarios():
            choices = set(scenario.name.partition(": ")[2].split("; "))
            if not choices <= seen:
                seen |= choices
                found.append(scenario)
    return found


def breaches(implementation, module, scenarios, clauses=JUDGES):
    """Yield the IDs of the clauses that a module violates, scenario by scenario."""
    port = InProcessDriver(implementation, module)
    with port.session():
        for scenario in scenarios:
            case = CheckContext(scenario, port.run(scenario))
            yield from (clause.id for clause in clauses if clause.violation(case))


def test_the_reference_has_no_bug(reference, scenarios):
    """A violation by a module of the zoo comes from its bug."""
    assert list(breaches(reference, reference.FailoverRequest, scenarios)) == []


@pytest.mark.ci
@pytest.mark.parametrize("bug", BUGS.values(), ids=BUGS)
def test_every_bug_violates_its_clause(reference, scenarios, bug):
    """It is found by the clause that the table names."""
    clauses = [clause for clause in JUDGES if clause.id == bug.clause]
    assert next(breaches(reference, bug.module, scenarios, clauses), None)


@pytest.mark.ci
@pytest.mark.parametrize(
    "name", ["WritesBeforeAccounting", "AccountsFirst", "WritesAfterFailureOnly", "LosesTheFirstOperation"]
)
def test_a_bug_that_decides_by_the_scenario_runs_in_all(reference, scenarios, name):
    """Its replacement has an end of its own where there is no accounting, no operation, or a failure."""
    port = InProcessDriver(reference, BUGS[name].module)
    with port.session():
        ends = {str(port.run(scenario).result) for scenario in scenarios}
    assert len(ends) > 1
    assert not any("'Request' object has no attribute" in end for end in ends)


def test_every_clause_of_the_contract_has_a_bug():
    """Each clause of the level contract is named by a bug, and all clauses that are named exist."""
    named = {bug.clause for bug in BUGS.values()}
    assert {clause.id for clause in CLAUSES if clause.level == "contract"} <= named <= {clause.id for clause in JUDGES}


def test_a_bug_is_one_sentence_and_a_module_of_its_name():
    """No two bugs are the same, and 'verify' finds the module of each."""
    assert len({bug.sentence for bug in BUGS.values()}) == len(BUGS)
    for name, bug in BUGS.items():
        assert bug.sentence.endswith(".")
        assert name == bug.name == bug.module.__name__
        assert bug.module is getattr(zoo, name)
        assert bug.module.__doc__ == bug.sentence


@pytest.mark.parametrize("name", ["", "NeverCommits"])
def test_a_bug_replaces_the_reference(monkeypatch, name):
    """It does so in the package and in its module; without a name they are left alone."""
    import dirac_failover

    monkeypatch.setattr(failover_request, "FailoverRequest", FailoverRequest)
    monkeypatch.setitem(vars(dirac_failover), "FailoverRequest", FailoverRequest)
    monkeypatch.setenv("DIRAC_FAILOVER_BUG", name)
    zoo_plugin.pytest_configure()
    expected = BUGS[name].module if name else FailoverRequest
    assert failover_request.FailoverRequest is dirac_failover.FailoverRequest is expected


def test_a_run_of_the_reference_is_noticed(monkeypatch, tmp_path):
    """The first run of the tests has no bug: it makes a file when the module is executed."""
    monkeypatch.setattr(FailoverRequest, "execute", lambda _: "executed")
    monkeypatch.setenv("DIRAC_FAILOVER_BUG", "")
    monkeypatch.setenv("DIRAC_FAILOVER_RAN", str(tmp_path / "ran"))
    zoo_plugin.pytest_configure()
    assert list(tmp_path.iterdir()) == []
    assert FailoverRequest().execute() == "executed"
    assert list(tmp_path.iterdir()) == [tmp_path / "ran"]


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
def test_tests_run_against_a_bug(tmp_path):
    """They catch the bug of the method that they call, and miss another one, also where a warning is an error."""
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    (mine := tmp_path / "test_mine.py").write_text(MINE)
    found = {name: zoo_plugin.outcome(name, [str(mine)], 100) for name in ("", "FailsWithoutJob", "NeverCommits")}
    assert found == {"": "alive", "FailsWithoutJob": "caught", "NeverCommits": "alive"}


@pytest.mark.ci
@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("def test_it():\n    assert False\n", "without any bug pytest ended with 1"),
        ("not python", "without any bug pytest ended with 2"),
        ("", "without any bug pytest ended with 5: no tests ran"),
        ("def test_it():\n    pass\n", "no test executes FailoverRequest, as imported from dirac_failover"),
    ],
    ids=["failing", "broken", "empty", "of something else"],
)
def test_tests_that_show_nothing_are_refused(tmp_path, content, said):
    """They must pass without any bug, and run the module that has the bugs."""
    (mine := tmp_path / "test_mine.py").write_text(content)
    with pytest.raises(SettingError, match=f"The tests cannot be used: {said}"):
        zoo_plugin.outcome("", [str(mine)], 100)


@pytest.mark.parametrize(("code", "out", "said"), [(3, "", "no output"), (4, "a\nlast\n", "last")])
def test_a_pytest_that_breaks_down_is_refused(monkeypatch, code, out, said):
    """The error names the bug and quotes the last line of the output."""
    done = zoo_plugin.subprocess.CompletedProcess((), code, out, "")
    monkeypatch.setattr(zoo_plugin.subprocess, "run", lambda *_, **__: done)
    with pytest.raises(SettingError, match=f"with NeverCommits pytest ended with {code}: {said}"):
        zoo_plugin.outcome("NeverCommits", ["here"], 1)


def test_tests_that_hang_are_refused_and_catch_bugs(monkeypatch):
    """Without a bug they show nothing; with one, a user notices the hanging."""

    def hang(command, **_):
        raise zoo_plugin.subprocess.TimeoutExpired(command, 1)

    monkeypatch.setattr(zoo_plugin.subprocess, "run", hang)
    assert zoo_plugin.outcome("NeverCommits", ["here"], 1) == "caught"
    with pytest.raises(BrokenError, match="The tests did not end within 2 seconds"):
        zoo_plugin.outcome("", ["here"], 2)
