"""The pytest plug-in: an in-memory DIRAC and runs of modules as fixtures, and the options of the conformance suite.

It is loaded wherever the distribution is installed, so it imports nothing but pytest until a fixture is used. The
fixtures are made of the classes and functions of :mod:`dirac_failover.testing`.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from pathlib import Path

    from dirac_failover.serving import Endpoint
    from dirac_failover.testing.context import FixtureContext
    from dirac_failover.testing.outcome import ModuleOutcome
    from dirac_failover.testing.world import Dirac
    from dirac_fakes.accounting import Accounting
    from dirac_fakes.job_state import JobState
    from dirac_fakes.journal import Journal
    from dirac_fakes.requests import RequestProxy, Requests
    from dirac_fakes.transformation import Transformation

pytest.register_assert_rewrite("dirac_failover.conformance.suite")

OPTIONS: Final = {
    "port": "the implementation that the conformance suite is run against: reference, dirac, or PACKAGE.MODULE:CLASS",
    "profile": "the implementation whose choices the suite expects, and whose workflow runs the modules of tests: "
    "dirac-9.1, unless another is named",
    "region": "only this region of the scenario space, to be quick",
}
"""Options with a value, which are ini settings too: ``--dirac-port`` and ``dirac_port``."""

ALLOW_GRID: Final = "use the real DIRAC though a proxy or a configuration of a real grid is found"

MARKERS: Final = {
    "dirac_fault(fault, *faults, required=True)": "arm faults in the fixture 'dirac', such as \"transformation:down\": "
    "'dirac-failover run --help' lists them; one that is never triggered fails the test, unless required=False",
    "dirac_profile(name)": "run modules in the workflows of this profile, such as lhcbdirac-12.0: see 'dirac-failover "
    "verify --help' for all of them",
}

_STAGE: Final = pytest.StashKey["FixtureContext"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("dirac-failover")
    for name, text in OPTIONS.items():
        group.addoption(f"--dirac-{name}", metavar=name.upper(), help=text)
        parser.addini(f"dirac_{name}", text)
    group.addoption("--dirac-allow-grid", action="store_true", help=ALLOW_GRID)
    parser.addini("dirac_allow_grid", ALLOW_GRID, type="bool")


def pytest_configure(config: pytest.Config) -> None:
    """Describe the markers."""
    for marker, text in MARKERS.items():
        config.addinivalue_line("markers", f"{marker}: {text}")


def pytest_report_collectionfinish(config: pytest.Config, items: Sequence[pytest.Item]) -> list[str]:
    """Return a line on the ports that the conformance suite is about to check; under xdist only the summary has it."""
    suite = sys.modules.get("dirac_failover.conformance.suite")
    return suite.header(config, items) if suite else []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write the ports that the conformance suite has checked, and the scenarios."""
    reports = (report for reports in terminalreporter.stats.values() for report in reports)
    properties = (pair for report in reports for pair in getattr(report, "user_properties", ()))
    if judged := dict.fromkeys(value for name, value in properties if name == "conformance"):
        terminalreporter.section("conformance")
        for line in judged:
            terminalreporter.line(line)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, None]:
    """Fail a test that has passed though a fault never struck."""
    yield
    if stage := item.stash.get(_STAGE, None):
        stage.check()
    elif item.get_closest_marker("dirac_fault"):
        pytest.fail("dirac_fault: no fault is armed: the test uses no fixture of an in-memory DIRAC", pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the timelines of its runs to the report of a test that has failed."""
    report = yield
    if report.failed and call.when == "call" and (stage := item.stash.get(_STAGE, None)):
        report.sections.extend(stage.sections())
    return report


@pytest.fixture
def _dirac_stage(request: pytest.FixtureRequest) -> Iterator[FixtureContext]:
    """Yield the context that the fixtures of one test share."""
    from dirac_failover.testing.context import FixtureContext

    with FixtureContext(request) as stage:
        request.node.stash[_STAGE] = stage
        yield stage


@pytest.fixture
def dirac(_dirac_stage: FixtureContext) -> Dirac:
    """An in-memory DIRAC, new in each test, that the test's clients talk to.

    It has job 77 and transformation 12 with the files /vo/a and /vo/b; 'make_dirac' makes others. Its services have
    state and rules, and can be broken; an armed fault must strike, or the test fails::

        def test_statuses_arrive_when_the_service_is_back(dirac):
            dirac.job_state.down()
            assert not JobReport(77).setApplicationStatus("Step 1")["OK"]
            dirac.recover()
            assert JobReport(77).setApplicationStatus("Step 2")["OK"]
            assert dirac.job_state.status(77) == ("Running", "Application", "Step 2")

    Services: job_state, transformation, accounting, requests, request_proxy. Faults: dirac.arm("accounting:lost_reply")
    and the marker dirac_fault. The clients are the reference's, and the real DIRAC's where the test file imports that.
    """
    return _dirac_stage.dirac


@pytest.fixture
def dirac_https(_dirac_stage: FixtureContext) -> Iterator[Endpoint]:
    """The same in-memory DIRAC over HTTPS, to which the real DIRAC's own clients talk, unmodified; no packet is sent.

    DIRAC is configured in memory, with a proxy that exists for the test only. Faults are failures of the connection::

        def test_what_my_client_makes_of_a_reset(dirac, dirac_https):
            dirac.arm("job-state:reset_peer")
            assert "Connection reset by peer" in JobStateUpdateClient().setJobParameter(77, "a", "b")["Message"]

    dirac_https.url is where it is: requests.get(dirac_https.url + "/admin/journal"). Modules that 'run_module' executes
    talk to it directly, as ever. It needs: pip install 'dirac-failover[https]'.
    """
    from contextlib import ExitStack

    from dirac_failover.errors import FailoverError
    from dirac_failover.serving import over_https

    with ExitStack() as stack:
        try:
            connection = stack.enter_context(over_https(_dirac_stage.dirac))
        except FailoverError as error:
            raise pytest.fail.Exception(f"dirac_https: {error}", pytrace=False) from None
        yield connection


@pytest.fixture
def make_dirac(_dirac_stage: FixtureContext) -> Callable[..., Dirac]:
    """Make another in-memory DIRAC: with other files, for another job, or as a second one in the same test.

    It takes what dirac_fakes.World takes. Modules run in it with 'world', clients talk to it inside 'connect'::

        def test_two_grids_know_nothing_of_each_other(dirac, make_dirac, run_module):
            other = make_dirac(job_id=88, files=["/vo/x"])
            run_module(MyModule, world=other, inputs=["/vo/x"])
            assert not dirac.journal
    """
    return _dirac_stage.make_dirac


@pytest.fixture
def dirac_journal(dirac: Dirac) -> Journal:
    """Every call that has reached a service of 'dirac', in order, whether it was taken or not.

    Its assertions say what was expected, what was found, and how the nearest call differs::

        def test_the_job_says_that_it_is_done(run_module, dirac_journal):
            run_module(MyModule)
            dirac_journal.assert_called("job-state", "setJobStatusBulk", 77, ...)
    """
    return dirac.journal


@pytest.fixture
def dirac_job_state(dirac: Dirac) -> JobState:
    """The service that keeps the status of jobs, their history and their parameters: dirac.job_state.

    ::

        assert dirac_job_state.status(77) == ("Running", "Application", "Unknown")
    """
    return dirac.job_state


@pytest.fixture
def dirac_transformation(dirac: Dirac) -> Transformation:
    """The service that keeps the status of the files of transformations: dirac.transformation.

    ::

        assert dirac_transformation.statuses(12) == {"/vo/a": "Assigned", "/vo/b": "Assigned"}
    """
    return dirac.transformation


@pytest.fixture
def dirac_accounting(dirac: Dirac) -> Accounting:
    """The service that takes accounting records: dirac.accounting.

    ::

        assert dirac_accounting.records() == []
    """
    return dirac.accounting


@pytest.fixture
def dirac_requests(dirac: Dirac) -> Requests:
    """The service that keeps requests until they are executed: dirac.requests.

    ::

        assert dirac_requests.stored() == {}
    """
    return dirac.requests


@pytest.fixture
def dirac_request_proxy(dirac: Dirac) -> RequestProxy:
    """The service that takes requests while the other one is away, and passes them on: dirac.request_proxy.

    ::

        dirac_request_proxy.sweep()  # what its timer does
    """
    return dirac.request_proxy


# What a job reports with: the modules of the test get these too


@pytest.fixture
def dirac_job_report(_dirac_stage: FixtureContext) -> Any:
    """The job report of the test's job, which 'run_module' gives to the module.

    ::

        def test_what_was_not_sent_is_sent(dirac_job_report, run_module):
            dirac_job_report.setApplicationStatus("Step 1", sendFlag=False)
            assert run_module(MyModule).statuses[0] == "Step 1"
    """
    return _dirac_stage.collaborator("JobReport")


@pytest.fixture
def dirac_file_report(_dirac_stage: FixtureContext) -> Any:
    """The file report of the test's job, which 'run_module' gives to the module.

    ::

        def test_what_an_earlier_module_said_stays(dirac, dirac_file_report, run_module):
            dirac_file_report.setFileStatus(12, "/vo/a", "Problematic")
            run_module(MyModule, inputs=["/vo/a", "/vo/b"])
            assert dirac.transformation.statuses(12)["/vo/a"] == "Problematic"
    """
    return _dirac_stage.collaborator("FileReport")


@pytest.fixture
def dirac_accounting_report(_dirac_stage: FixtureContext) -> Any:
    """The accounting client of the test's job, 'AccountingReport', which 'run_module' gives to the module.

    ::

        def test_records_are_committed(dirac, dirac_accounting_report, run_module):
            dirac_accounting_report.addRegister(my_record)
            run_module(MyModule)
            assert len(dirac.accounting.records()) == 1
    """
    return _dirac_stage.collaborator("AccountingReport")


@pytest.fixture
def dirac_request(_dirac_stage: FixtureContext) -> Any:
    """The request of the test's job, which 'run_module' gives to the module.

    ::

        def test_operations_of_earlier_modules_are_written(dirac_request, run_module):
            dirac_request.addOperation(my_operation)
            assert run_module(MyModule).file is not None
    """
    return _dirac_stage.collaborator("Request")


@pytest.fixture
def workflow_commons(_dirac_stage: FixtureContext) -> Callable[..., dict[str, Any]]:
    """Build the 'workflow_commons' that a module finds: IDs, inputs, and what a job reports with.

    For a module that is executed without 'run_module', which does this itself. It takes the same arguments; any other
    is a key::

        module.workflow_commons = workflow_commons(inputs=["/vo/a"], JobType="User")
    """
    return _dirac_stage.workflow_commons


@pytest.fixture
def step_commons(_dirac_stage: FixtureContext) -> Callable[..., dict[str, Any]]:
    """Build the 'step_commons' that a module finds, with the keys that are given.

    ::

        module.step_commons = step_commons(applicationName="Gauss")
    """
    return _dirac_stage.step_commons


@pytest.fixture
def dirac_clock() -> Iterator[Any]:
    """Time that stands still, at noon of the first of January 2026, until it is moved: freezegun's clock.

    For the test, its modules and its in-memory DIRAC alike; what clients sleep is added to the time of the services and
    costs none. DIRAC keeps one update of the status for each moment, so let some time go by between two::

        def test_updates_have_the_time_of_the_job(dirac, dirac_clock):
            JobReport(77).setApplicationStatus("Step 1")
            dirac_clock.tick(60)
            JobReport(77).setApplicationStatus("Step 2")

    It needs freezegun: pip install 'dirac-failover[pytest]'.
    """
    try:
        from freezegun import freeze_time
    except ImportError:
        missing = "dirac_clock needs freezegun: pip install 'dirac-failover[pytest]'"
        raise pytest.fail.Exception(missing, pytrace=False) from None
    with freeze_time("2026-01-01 12:00:00") as clock:
        yield clock


@pytest.fixture
def dirac_workdir(tmp_path: Path) -> Iterator[Path]:
    """An empty directory, in which the test works: modules write there, relative paths are looked up there.

    'run_module' and 'run_job' use it::

        def test_the_request_is_written(run_module, dirac_workdir):
            run_module(MyModule, operations=["RemoveFile"])
            assert (dirac_workdir / "12_34_request.json").exists()
    """
    before = os.getcwd()
    os.chdir(tmp_path)
    yield tmp_path
    os.chdir(before)


@pytest.fixture
def run_module(_dirac_stage: FixtureContext, dirac_workdir: Path) -> Callable[..., ModuleOutcome]:  # noqa: ARG001 - works in it
    """Execute a module as the last one of a job, as DIRAC would, and return what came of it.

    The module, written for DIRAC or for the reference, gets the clients that belong to it::

        def test_my_module_survives_an_outage(dirac, run_module):
            dirac.transformation.down()
            outcome = run_module(MyModule, inputs=["/vo/a", "/vo/b"])
            assert outcome.ok
            assert outcome.request.types == ["SetFileStatus"]
            dirac.recover()
            assert outcome.replay().converged

    The situation: inputs, job_id (None: no job), workflow_failed, step_failed, reported={lfn: status}, records=N (of
    accounting), operations (of earlier modules), proxy=False, workflow_commons={...} and step_commons={...} on top of
    the usual, executions=N, duties="inputs" (it must report them), world (of 'make_dirac'); anything else is an
    attribute of the module. With answers={"FileReport.commit": ["s_error", "ok"]} that collaborator is a fake, which
    calls no service, and must be asked. The outcome: ok, result, raised, message, module, hooks, calls, statuses,
    request, file, unsent, replay(), timeline().
    """
    return _dirac_stage.run_module


@pytest.fixture
def run_job(_dirac_stage: FixtureContext, dirac_workdir: Path) -> Callable[..., ModuleOutcome]:  # noqa: ARG001 - works in it
    """Execute several modules as one job, as DIRAC's workflow engine does, and return what came of it.

    A module is its class, or a pair of the class and its attributes; the rest is as for 'run_module'::

        def test_the_job_goes_on(run_job):
            outcome = run_job([(Fails, {"command": "false"}), FailoverRequest], inputs=["/vo/a"])
            assert not outcome.ok
            assert outcome.statuses[-1] == "Exception in Fails module"
    """
    return _dirac_stage.run_job
