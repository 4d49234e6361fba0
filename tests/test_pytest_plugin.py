import re
import sys
from dataclasses import replace
from importlib.metadata import entry_points
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from unittest.mock import Mock

import pytest

from dirac_failover import FailoverRequest, pytest_plugin
from dirac_failover.drivers.implementations import IMPLEMENTATIONS
from dirac_failover.errors import ImplementationUnavailableError
from dirac_failover.testing import context
from dirac_fakes import World
from dirac_fakes.service import Service

PLUGIN = "dirac_failover.pytest_plugin"
INSTALLED = any(entry.value == PLUGIN for entry in entry_points(group="pytest11"))
HAVE_DIRAC = find_spec("DIRAC") is not None


FIXTURES = {
    "dirac", "dirac_https", "make_dirac", "run_module", "run_job", "workflow_commons", "step_commons", "dirac_journal",
    "dirac_clock", "dirac_workdir", "dirac_job_report", "dirac_file_report", "dirac_accounting_report", "dirac_request",
    *(f"dirac_{name}" for name, value in vars(World()).items() if isinstance(value, Service)),
}  # fmt: skip

MODULE = """
import pytest
from dirac_failover import FailoverRequest, JobReport

class MyModule(FailoverRequest):
    pass
"""


@pytest.fixture
def run(pytester, no_grid):
    """Run tests in a project of somebody's, in this process."""

    def make(source, *options, module=MODULE):
        pytester.makepyfile(module + source)
        return pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:randomly", *options)

    return make


EXAMPLE = """
def test_my_module_survives_an_outage(dirac, run_module):
    dirac.transformation.down()
    outcome = run_module(MyModule, inputs=["/vo/a", "/vo/b"])
    assert outcome.ok
    assert outcome.request.types == ["SetFileStatus"]
    dirac.recover()
    assert outcome.replay().converged
"""


def test_the_example_that_must_be_this_short(run):
    run(EXAMPLE).assert_outcomes(passed=1)


RETURNS = """
class Returns(FailoverRequest):
    def _initialize(self):
        super()._initialize()
        return {"OK": False, "Errno": 0, "Message": "disk full"}

def test_it(run_module):
    run_module(Returns)
"""


def test_a_hook_that_returns_what_is_ignored_is_in_the_summary_of_warnings(run):
    """With the place of the hook; with -W error the test fails."""
    result = run(RETURNS, "-Wdefault::dirac_failover.testing.HookReturnWarning")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*py:8: HookReturnWarning: Returns._initialize returned not OK: disk full.*"])
    result = run(RETURNS, "-Werror::dirac_failover.testing.HookReturnWarning")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E *HookReturnWarning: Returns._initialize returned not OK: disk full.*"])


def test_a_declared_port_must_report_the_inputs(run, pytester):
    """By option or setting, whatever its class; other modules need not."""
    source = """
def test_runs(run_module, run_job):
    assert run_module(Idle, inputs=["/vo/a"]).replay().lost == LOST
    assert run_job([MyModule, Idle]).replay().converged
"""
    module = MODULE + "class Idle(ModuleBase): _execute = lambda self: None\nLOST = {}\n"
    module = "from dirac_failover import ModuleBase\n" + module
    found = ["status of /vo/a in transformation 12: no report of it was seen"]
    run(source, module=module.format([])).assert_outcomes(passed=1)
    name = "test_a_declared_port_must_report_the_inputs:Idle"
    run(source, f"--dirac-port={name}", module=module.format(found)).assert_outcomes(passed=1)
    pytester.makeini(f"[pytest]\ndirac_port = {name}")
    run(source, module=module.format(found)).assert_outcomes(passed=1)


@pytest.mark.dirac
@pytest.mark.skipif(not HAVE_DIRAC, reason="needs the real DIRAC")
def test_the_same_for_a_module_of_the_real_dirac(pytester, no_grid):
    pytester.makepyfile(f"""
from DIRAC import gLogger
from DIRAC.Workflow.Modules.FailoverRequest import FailoverRequest
from DIRAC.WorkloadManagementSystem.Client.JobReport import JobReport

gLogger.setLevel("FATAL")

class MyModule(FailoverRequest):
    pass
{EXAMPLE}
def test_its_clients_reach_the_world(dirac, dirac_job_report, dirac_file_report, dirac_request, run_module):
    assert type(dirac_job_report) is JobReport
    assert type(dirac_request).__module__.startswith("DIRAC.")
    assert JobReport(77).setApplicationStatus("x")["OK"]
    assert dirac.job_state.status(77)[2] == "x"
    dirac_file_report.setFileStatus(12, "/vo/a", "Problematic")
    assert run_module(MyModule, inputs=["/vo/a"]).replay().converged
    assert dirac.transformation.statuses(12)["/vo/a"] == "Problematic"

def test_there_is_no_network_afterwards():
    assert not JobReport(77).setApplicationStatus("x")["OK"]
""")
    pytester.runpytest_subprocess("-p", "no:cacheprovider", "--dirac-allow-grid").assert_outcomes(passed=3)


def test_every_fixture_is_there_and_works(run):
    run("""
from datetime import datetime
from dirac_fakes.service import Service

def test_services(request, dirac, dirac_journal):
    for name, service in vars(dirac).items():
        if isinstance(service, Service):
            assert request.getfixturevalue(f"dirac_{name}") is service
    assert dirac_journal is dirac.journal
    assert JobReport(77).setApplicationStatus("x")["OK"]
    dirac_journal.assert_called("job-state", "setJobStatusBulk", 77, ..., False)

def test_collaborators(run_module, dirac_job_report, dirac_file_report, dirac_accounting_report, dirac_request):
    outcome = run_module(MyModule)
    given = {"JobReport": dirac_job_report, "FileReport": dirac_file_report, "Request": dirac_request}
    assert all(outcome.workflow_commons[name] is collaborator for name, collaborator in given.items())
    assert outcome.workflow_commons["AccountingReport"] is dirac_accounting_report

def test_a_world_of_its_own_has_other_collaborators(make_dirac, run_module, dirac_job_report, dirac):
    other = make_dirac(job_id=88, files=["/vo/x"])
    outcome = run_module(MyModule, world=other, inputs=["/vo/x"])
    assert outcome.module.jobReport is not dirac_job_report
    assert other.job_state.status(88)[2] == outcome.message
    assert not dirac.journal
    assert (make_dirac(99, 13).job_id, make_dirac(99, 13).transformation_id) == (99, 13)

def test_builders(workflow_commons, step_commons, dirac):
    module = MyModule()
    module.jobID = 77
    module.STEP_NUMBER = "1"
    module.workflowStatus = module.stepStatus = {"OK": True}
    module.workflow_commons = workflow_commons(inputs=["/vo/a"], JobType="User")
    module.step_commons = step_commons(applicationName="Gauss")
    assert module.execute()["OK"]
    assert (module.jobType, module.applicationName) == ("User", "Gauss")
    assert dirac.transformation.statuses(12)["/vo/a"] == "Processed"

def test_builders_give_the_collaborators_of_the_test(workflow_commons, dirac_file_report):
    assert workflow_commons()["FileReport"] is dirac_file_report

def test_https_connects_itself(dirac, dirac_https):
    assert not JobReport(77).setApplicationStatus("x")["OK"]

@pytest.fixture
def dirac_https():
    pass

def test_a_job(run_job, dirac):
    class Fails:
        def execute(self):
            raise ValueError("x")
    outcome = run_job([Fails, (MyModule, {"stepName": "x"})], inputs=["/vo/a"])
    assert outcome.statuses[-1] == "Exception in Fails module"
    assert not outcome.ok
    assert outcome.world is dirac

def test_time(dirac, dirac_clock):
    assert dirac.clock.now() == datetime.now() == datetime(2026, 1, 1, 12)
    assert JobReport(77).setApplicationStatus("x")["OK"]
    dirac_clock.tick(60)
    assert JobReport(77).setApplicationStatus("y")["OK"]
    assert [row["StatusTime"] for row in dirac.job_state.state["history"][77]] == [
        "2026-01-01 11:59:00", "2026-01-01 12:00:00.000001"[:19], "2026-01-01 12:01:00"]

def test_time_goes_on(dirac):
    assert dirac.clock.now() > datetime(2026, 1, 2)

def test_nobody_is_connected_afterwards():
    assert not JobReport(77).setApplicationStatus("x")["OK"]
""").assert_outcomes(passed=10)


@pytest.mark.usefixtures("real")
def test_an_example_in_a_docstring_may_use_the_fixtures(run):
    source = '''
"""
>>> from dirac_failover import JobReport
>>> dirac = getfixture("dirac")
>>> JobReport(77).setApplicationStatus("x")["OK"]
True
>>> dirac.job_state.status(77)[2]
'x'
"""
'''
    run(source, "--doctest-modules", module="").assert_outcomes(passed=1)


def test_without_freezegun_the_clock_says_what_to_install(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "freezegun", None)
    result = run("""
def test_time(dirac_clock):
    pass

def test_other(dirac):
    pass
""")
    result.assert_outcomes(errors=1, passed=1)
    result.stdout.fnmatch_lines("dirac_clock needs freezegun: pip install 'dirac-failover[[]pytest]'")
    result.stdout.no_fnmatch_line("During handling *")


def test_each_test_has_a_directory_of_its_own(run):
    before = Path.cwd()
    run("""
import os
from pathlib import Path
from types import ModuleType, SimpleNamespace

REMOVAL = {"Type": "RemoveFile", "Files": ["/vo/x"]}

def test_one(run_module, dirac_workdir, tmp_path):
    assert Path.cwd() == dirac_workdir == tmp_path
    assert run_module(MyModule, operations=[REMOVAL]).file == tmp_path / "12_34_request.json"
    assert os.listdir() == ["12_34_request.json"]

def test_two(run_job):
    assert os.listdir() == []

def test_three(request):
    assert Path.cwd() == request.config.invocation_params.dir
""").assert_outcomes(passed=3)
    assert Path.cwd() == before


@pytest.mark.dirac_fault("req-proxy/one:down", required=False)
def test_request_proxies_have_names(dirac, make_dirac, run_module):
    """Those of make_dirac, and those that a fault of a marker names, are in the configuration of the clients."""
    other = make_dirac(proxies=["one", "two"])
    other.arm("req-proxy/two:s_error=no", required=False)
    for world, kept in ((other, "req-proxy/one"), (dirac, None)):
        world.accounting.down()
        world.requests.down()
        outcome = run_module(FailoverRequest, records=1, world=world)
        taken = [call.target for call in world.journal if call.method == "putRequest" and call.applied]
        assert taken == ([kept] if kept else [])
        world.recover()
        assert outcome.replay().converged is bool(kept)


def test_a_fault_that_never_strikes_fails_the_test(run):
    result = run("""
def test_in_the_world(dirac, run_module):
    dirac.accounting.down()
    dirac.arm("job-state:first=1")
    run_module(MyModule)

def test_in_another(make_dirac):
    make_dirac().arm("accounting:down")

def test_in_both(dirac, make_dirac, run_module, workflow_commons):
    dirac.arm("accounting:down")
    dirac.arm("requests:down")
    run_module(MyModule, inputs=["/vo/a"])
    make_dirac()
    make_dirac().arm("req-proxy:down")

def test_not_required(dirac):
    dirac.arm("accounting:down", required=False)

def test_failed_anyway(dirac):
    dirac.accounting.down()
    assert False, "for another reason"
""")
    result.assert_outcomes(failed=4, passed=1)
    excuse = "Arm it with required=False if that is all right."
    result.stdout.fnmatch_lines(
        [
            "Armed, and never struck: accounting:down, requests:down",
            "Called was: transformation.getTransformationFiles, *, job-state.setJobStatusBulk",
            *(excuse, "Armed, and never struck: req-proxy:down", "Called was: nothing", excuse),
        ],
        consecutive=True,
    )
    result.stdout.fnmatch_lines([
        "*_ test_in_the_world _*", "Armed, and never struck: accounting:down",
        "Called was: job-state.setJobStatusBulk", excuse,
        "*_ test_in_another _*", "Armed, and never struck: accounting:down", "Called was: nothing",
        "*_ test_failed_anyway _*",
    ])  # fmt: skip
    assert str(result.stdout).count(excuse) == 4


def test_answers_are_given_by_fakes_and_must_be_asked_for(run):
    result = run("""
from dirac_fakes import FakeFileReport

def test_refused(run_module):
    outcome = run_module(MyModule, inputs=["/vo/a"], answers={"FileReport.commit": ["raises=ValueError:boom"]})
    assert (outcome.message, outcome.unsent.files) == ("boom", {"/vo/a": "Processed"})
    assert type(outcome.module.fileReport) is FakeFileReport

def test_given(run_job, workflow_commons):
    report = workflow_commons(answers={"FileReport.getFiles": "ok={}"})["FileReport"]
    assert report.getFiles() == {}
    run_job([MyModule], answers={"AccountingReport.commit": "s_error", "JobReport.dump": "ok"}, inputs=["/vo/a"])

def test_misspelt(run_module):
    run_module(MyModule, answers={"FileReport.comit": "s_error"})
""")
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines_random(
        [
            "Answers that were given, and never asked for: JobReport.dump of MyModule",
            "*TypeError: answers: No method 'comit' of FileReport; did you mean commit? there are: *",
        ]
    )


def test_markers_arm_faults(run):
    """Those of the class before those of the test; in a test that uses no world they are an error."""
    result = run(
        """
@pytest.mark.dirac_fault("transformation:down")
class TestOutage:
    @pytest.mark.dirac_fault("transformation:s_error=other", "accounting:down", required=False)
    def test_runs(self, run_module):
        outcome = run_module(MyModule, inputs=["/vo/a"])
        assert "refused" in str(outcome.calls[0].answer)

    def test_nothing_struck(self, dirac):
        pass

@pytest.mark.dirac_fault("accounting:down")
def test_without_a_world(tmp_path):
    pass

@pytest.mark.dirac_fault("accounting:explode")
def test_no_such_fault(make_dirac):
    pass

@pytest.mark.dirac_fault()
def test_no_fault_at_all(dirac):
    pass
""",
        "--strict-markers",
    )
    result.assert_outcomes(passed=1, failed=2, errors=2)
    result.stdout.fnmatch_lines(
        [
            "dirac_fault: No fault 'explode'; there are: down, *",
            "dirac_fault: Not a fault: None; accepted is a Fault, or its text *",
            "Armed, and never struck: transformation:down",
            "dirac_fault: no fault is armed: the test uses no fixture of an in-memory DIRAC",
        ]
    )


def test_a_profile_is_chosen_by_marker_option_and_setting(run, pytester):
    source = """
@pytest.mark.dirac_profile("lhcbdirac-12.0")
def test_marked(run_module):
    assert run_module(MyModule).module.jobType == "MCSimulation"

def test_not_marked(run_module, workflow_commons):
    assert workflow_commons().get("NbOfEvts") == run_module(MyModule).workflow_commons.get("NbOfEvts") == NUMBER
"""
    run(source.replace("NUMBER", "None")).assert_outcomes(passed=2)
    run(source.replace("NUMBER", "1"), "--dirac-profile=ilcdirac-35.0").assert_outcomes(passed=2)
    pytester.makeini("[pytest]\ndirac_profile = ilcdirac-35.0")
    run(source.replace("NUMBER", "1")).assert_outcomes(passed=2)
    run(source.replace("NUMBER", "None"), "--dirac-profile=dirac-9.1").assert_outcomes(passed=2)
    unnamed = run(source.replace('"lhcbdirac-12.0"', ""), "-k", "test_marked")
    unnamed.assert_outcomes(failed=1)
    unnamed.stdout.fnmatch_lines("There is no profile (): there are dirac-9.1, *")
    result = run(source, "--dirac-profile=x", "-k", "not_marked")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines("There is no profile 'x': there are dirac-9.1, dirac-8.0, lhcbdirac-12.0, *")


def test_a_failed_test_shows_what_happened(run):
    """The last runs as timelines, earlier ones in a line, or else the calls; a test that passes shows nothing."""
    result = run(
        """
def test_runs(run_module, dirac):
    dirac.transformation.down()
    for _ in range(5):
        outcome = run_module(MyModule, inputs=["/vo/a"])
    assert not outcome.ok

def test_calls(dirac):
    JobReport(77).setApplicationStatus("x")
    JobReport(77).setJobParameter("a", "b")
    assert False

def test_nothing(dirac):
    assert False

def test_passes(run_module):
    run_module(MyModule)

@pytest.fixture
def breaks_at_its_end():
    yield
    raise ValueError

def test_passes_too(run_module, breaks_at_its_end):
    run_module(MyModule)
""",
        "-rP",
    )
    result.assert_outcomes(failed=3, passed=2, errors=1)
    text = str(result.stdout)
    assert len(re.findall(r"^-+ DIRAC: MyModule -+$", text, re.MULTILINE)) == context.MOST == 3
    assert len(re.findall(r"^-+ DIRAC: calls -+$", text, re.MULTILINE)) == 1
    result.stdout.fnmatch_lines(
        ["*- DIRAC: earlier runs -*", "<MyModule: OK: *", "<MyModule: OK: *", "*- DIRAC: MyModule -*", "── Verdict ─*"],
        consecutive=True,
    )
    result.stdout.fnmatch_lines(
        [
            "E       assert not True",
            "E        +  where True = <MyModule: OK: Workflow successful, *; pending in 12_34_request.json: *>.ok",
            "*- DIRAC: calls -*", "job-state.setJobStatusBulk(77, {*", "job-state.setJobParameters(77, [*",
        ]
    )  # fmt: skip


@pytest.fixture
def real(monkeypatch):
    """Something that is called DIRAC has been imported, with an implementation that is the reference's."""
    module = ModuleType("DIRAC")
    module.version = "v9.1.22"
    monkeypatch.setitem(sys.modules, "DIRAC", module)
    monkeypatch.setitem(
        IMPLEMENTATIONS, "dirac", replace(IMPLEMENTATIONS["reference"].load(), name="dirac", package="DIRAC")
    )
    return monkeypatch


REAL = """
import DIRAC
from dirac_failover import FailoverRequest

def test_clients(dirac):
    pass
"""


def test_a_real_grid_in_sight_ends_tests_that_use_the_real_dirac(run, real, pytester):
    real.setenv("X509_USER_PROXY", "/p")
    result = run("", module=REAL)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        "The real DIRAC is not used beside a real grid, and there is X509_USER_PROXY=/p: take that away for the tests, "
        "or allow it with --dirac-allow-grid, or dirac_allow_grid = true in pytest's settings"
    )
    run("", "--dirac-allow-grid", module=REAL).assert_outcomes(passed=1)
    on_the_reference = "def test_runs(run_module):\n    assert run_module(MyModule).ok\n"
    run(on_the_reference).assert_outcomes(passed=1)
    its_own = "class Real(MyModule):\n    __module__ = 'DIRAC.x'\n" + on_the_reference.replace("(MyModule)", "(Real)")
    run(its_own).assert_outcomes(failed=1)
    inside = on_the_reference.replace("(MyModule)", "(type('Real', (MyModule,), {'__module__': 'DIRAC.x'}))")
    run(inside).assert_outcomes(failed=1)
    result = run(on_the_reference.replace("(MyModule)", "(MyModule())"))
    result.stdout.fnmatch_lines("E   *TypeError: run_module: expected a module class, found <*")
    run(its_own.replace("run_module(Real)", "run_module([Real][0])")).assert_outcomes(failed=1)
    run(its_own.replace("run_module", "run_job").replace("(Real)", "([Real])")).assert_outcomes(failed=1)
    pytester.makeini("[pytest]\ndirac_allow_grid = true")
    run("", module=REAL).assert_outcomes(passed=1)
    run(its_own).assert_outcomes(passed=1)
    pytester.makeini("[pytest]\ndirac_allow_grid = false")
    run("", module=REAL).assert_outcomes(errors=1)


def test_a_real_dirac_that_cannot_be_used_says_so(run, real):
    load = Mock(side_effect=ImplementationUnavailableError("it is not there"))
    real.setitem(IMPLEMENTATIONS, "dirac", SimpleNamespace(**vars(IMPLEMENTATIONS["dirac"]), load=load))
    result = run("", module=REAL)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines("it is not there")
    result.stdout.no_fnmatch_line("During handling *")


def test_what_is_no_module_is_an_error_that_reads_well(run):
    result = run("def test_it(run_module, run_job):\n    run_module(MyModule())\n")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        "E   *TypeError: run_module: expected a module class, found <*>: pass the class, MyModule"
    )
    result.stdout.no_fnmatch_line("*context.py:*")
    result = run("def test_it(run_job):\n    run_job([MyModule()])\n")
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("*context.py:*")


def test_fixtures_read_like_documentation(run):
    found = {name for name, thing in vars(pytest_plugin).items() if documented(thing) is not None}
    assert found == {*FIXTURES, "_dirac_stage"}
    for name in FIXTURES:
        text = documented(getattr(pytest_plugin, name)) or ""
        assert "::\n" in text, name
    listed = str(run("", "--fixtures").stdout)
    assert all(re.search(rf"^{name} -- ", listed, re.MULTILINE) for name in FIXTURES)
    assert "_dirac_stage" not in listed
    assert "This is what" not in listed


def documented(thing):
    if type(thing).__name__ != "FixtureFunctionDefinition":
        return None
    return thing._get_wrapped_function().__doc__


def test_markers_and_options_are_listed_each_with_its_text(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    helped = str(run("", "--help").stdout)
    for line in (
        r"  --dirac-port=PORT", r"  --dirac-profile=PROFILE", r"  --dirac-region=REGION", r"  --dirac-allow-grid",
        r"  dirac_port \(string\):", r"  dirac_profile \(string\):", r"  dirac_region \(string\):",
        r"  dirac_allow_grid \(bool\):",
    ):  # fmt: skip
        assert re.search(rf"^{line}\s+\w+ \w+", helped, re.MULTILINE), line
    markers = str(run("", "--markers").stdout)
    assert re.search(r"^@pytest.mark.dirac_fault\(fault, \*faults, required=True\): \w", markers, re.MULTILINE)
    assert re.search(r"^@pytest.mark.dirac_profile\(name\): .* lhcbdirac-12.0", markers, re.MULTILINE)


def test_assertions_of_the_suite_explain_themselves(monkeypatch):
    """Also where the distribution is not installed, so that pytest does not know its files."""
    seen = []
    monkeypatch.setattr(pytest, "register_assert_rewrite", lambda *names: seen.extend(names))
    spec = find_spec(PLUGIN)
    spec.loader.exec_module(module_from_spec(spec))
    assert seen == ["dirac_failover.conformance.suite"]


NOTHING_HERE = """
import sys

def test_nothing_is_loaded():
    loaded = [name for name in sys.modules if name.startswith(("dirac_f", "DIRAC"))]
    assert loaded == LOADED

def test_no_fixture(request):
    assert "dirac" not in request.fixturenames
"""


@pytest.mark.ci
@pytest.mark.usefixtures("autoload")
@pytest.mark.skipif(not INSTALLED, reason="pytest loads it by itself only where it is installed")
def test_it_is_inert_until_it_is_used_and_can_be_left_out(pytester):
    pytester.makepyfile(NOTHING_HERE.replace("LOADED", "['dirac_failover', 'dirac_failover.pytest_plugin']"))
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=2)
    pytester.makepyfile(NOTHING_HERE.replace("LOADED", "[]"))
    pytester.runpytest_subprocess("-p", "no:dirac-failover").assert_outcomes(passed=2)
    pytester.makepyfile("def test_it(dirac):\n    pass\n")
    pytester.runpytest_subprocess("-p", "no:dirac-failover").assert_outcomes(errors=1)


@pytest.mark.ci
@pytest.mark.usefixtures("autoload")
@pytest.mark.skipif(not INSTALLED, reason="xdist's workers load it by themselves only where it is installed")
def test_it_works_beside_xdist_and_mocks(pytester):
    pytester.makepyfile(
        MODULE
        + """
@pytest.mark.parametrize("number", range(8))
def test_one_of_many(number, run_module, dirac, mocker):
    spy = mocker.spy(MyModule, "_execute")
    outcome = run_module(MyModule, inputs=["/vo/a"], jobID=77)
    assert outcome.ok
    assert spy.call_count == 1
    assert len(dirac.journal) == 4
    assert outcome.replay().converged
"""
    )
    pytester.runpytest_subprocess("-n", "2", "-p", "no:cacheprovider").assert_outcomes(passed=8)
