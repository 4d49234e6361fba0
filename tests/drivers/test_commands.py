"""A chain of commands is judged by what is there in the end, and what is lost between two of them breaks a clause."""

import json
import os
import sys
from dataclasses import replace
from importlib import metadata
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from dirac_failover import FailoverRequest, JobReport
from dirac_failover.cli import main
from dirac_failover.cli.exits import Exit
from dirac_failover.conformance.checking import VerificationPlan
from dirac_failover.conformance.results import Results
from dirac_failover.conformance.verification import verify
from dirac_failover.drivers import resolve
from dirac_failover.drivers.commands import SERVICES_AT, CommandsDriver, state_of
from dirac_failover.drivers.observe import HOOKS
from dirac_failover.drivers.resolve import Target
from dirac_failover.errors import PortBrokenError, PortError
from dirac_failover.reports import badge, html_page, junit, markdown
from dirac_failover.reports.matrix import Matrix
from dirac_failover.spec import space
from dirac_failover.spec.check_context import CheckContext
from dirac_failover.spec.clauses import CLAUSES, CONTRACT
from dirac_failover.spec.facts import COMMANDS, SHAPES, Facts
from dirac_failover.spec.scenario import DEFAULT_COLLABORATORS, Scenario

DOCS = Path(__file__).parents[2] / "docs/ports"
WELL = Scenario.of_job(inputs=["/vo/a"], records=1)
LIVE_REGIONS = [region for region in space.REGIONS if region.name in {"services", "statuses", "files", "accounting"}]
EXPECTED = "commands: expected a list of classes with execute(path), and lists of a program and its arguments"
ASKED = {"CO-016", "CO-017", "CO-027", "CO-028", "CO-029"}
"""The clauses of the contract that a chain of commands is asked about."""


@pytest.fixture(autouse=True)
def example(monkeypatch):
    """The module of the documentation's example, as a user who works in its folder imports it."""
    spec = spec_from_file_location("end_of_job", DOCS / "end_of_job.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "end_of_job", module)
    monkeypatch.setattr(sys, "path", [*sys.path])
    spec.loader.exec_module(module)
    return module


def breaches(commands, near=1):
    """The clauses of the contract that are asked of a chain near the good case, and those that it breaks."""
    asked, broken = set(), set()
    with resolve.commands_port(list(commands), "chain").session() as port:
        for scenario in (scenario for region in LIVE_REGIONS for scenario in region.near(near)):
            clauses = [item for item in CLAUSES if item.level == CONTRACT and item.asked(scenario, shape=COMMANDS)]
            case = CheckContext(scenario, port.run(scenario), shape=COMMANDS) if clauses else None
            asked |= {clause.id for clause in clauses}
            broken |= {clause.id for clause in clauses if clause.judge(case)}  # type: ignore[arg-type]
    return asked, broken


def test_the_chain_of_the_documentation_keeps_the_contract(example):
    assert breaches(example.EndOfJob.commands, 2) == (ASKED, set())


class ForgetsStatuses:
    """Keeps the statuses in the memory of its client, which ends with the command."""

    def execute(self, path):
        state = json.loads(Path(path).read_text())
        report = JobReport(state["job"])
        for status in state.pop("statuses"):
            report.setApplicationStatus(status, sendFlag=False)
        Path(path).write_text(json.dumps({**state, "statuses": []}))


class ForgetsRefusedStatus:
    """Reports a status of its own, and forgets it when it is refused."""

    def execute(self, path):
        state = json.loads(Path(path).read_text())
        JobReport(state["job"]).setApplicationStatus("The files are reported")


class ForgetsRecords:
    """Registers the records in the memory of its client."""

    def execute(self, path):
        state = json.loads(Path(path).read_text())
        client = sys.modules["end_of_job"].DataStoreClient()
        for record in state["records"]:
            client.addRegister(sys.modules["end_of_job"].Registered(record))
        Path(path).write_text(json.dumps({**state, "records": []}))


class CallsAllWell:
    """Reports the inputs of failed jobs as processed."""

    def execute(self, path):
        Path(path).write_text(json.dumps({**json.loads(Path(path).read_text()), "ok": True}))


class DoesNothing:
    """Does nothing."""

    def execute(self, path):
        """Do nothing."""


class Dies:
    """Raises what no command should."""

    def execute(self, _):
        raise SystemExit("no")


@pytest.mark.parametrize(
    ("before", "kept", "broken"),
    [
        (ForgetsStatuses, 3, {"CO-028"}),
        (ForgetsRefusedStatus, 3, {"CO-028"}),
        (ForgetsRecords, 3, {"CO-029"}),
        (CallsAllWell, 3, {"CO-027"}),
        (DoesNothing, 2, {"CO-017", "CO-027", "CO-028"}),
        (DoesNothing, 0, ASKED - {"CO-016"}),
        (Dies, 3, ASKED - {"CO-016"}),
    ],
    ids=["statuses", "a refused status", "accounting", "health", "never writes", "does nothing", "dies"],
)
def test_what_a_chain_loses_breaks_a_clause(example, before, kept, broken):
    assert breaches([before, *example.EndOfJob.commands[:kept]]) == (ASKED, broken)


@pytest.mark.parametrize("sends", [True, False])
def test_the_parameters_of_a_chain_are_looked_for_where_they_belong(example, sends):
    """A chain leaves no job report to look into; nor is it shown beside the calls of a module."""
    scenario = replace(WELL, unsent_parameters={"CPU": "1"})
    (clause,) = (clause for clause in CLAUSES if clause.id == "LL-014")
    assert clause.asked(scenario, shape=COMMANDS)
    with resolve.commands_port([example.ReportJob if sends else DoesNothing], "chain").session() as port:
        case = CheckContext(scenario, port.run(scenario), shape=COMMANDS)
    violation = clause.judge(case)
    assert (violation.observed if violation else []) == ([] if sends else ["CPU"])
    assert (case.expected_steps, bool(CheckContext(scenario, case.outcome).expected_steps)) == ((), True)


def test_a_clause_is_asked_by_scenario_and_shape_alone():
    """No clause about hooks is asked; of the others, only in scenarios that a file can say."""
    assert {clause.id for clause in CLAUSES if clause.level == CONTRACT and clause.suits(COMMANDS)} == ASKED
    assert not any(clause.suits(COMMANDS) for clause in CLAUSES if clause.level == "dirac")
    assert all(Facts(scenario).suits("module") for scenario in space.ANSWERS.near(1))
    assert not any(Facts(scenario).suits(COMMANDS) for scenario in space.ANSWERS.near(1))
    for change in (
        {"executions": 2}, {"report_job": 5}, {"unsent_parameters": {"a": [1]}}, {"hooks": {"_execute": "ok"}},
        {"operations": ({"Type": "x", "ArgumentsHex": "ff"},)}, {"workflow_commons": {}},
        {"attributes": {**WELL.attributes, "STEP_NUMBER": "x"}}, {"attributes": {**WELL.attributes, "stepStatus": {}}},
        {"workflow_commons": {**WELL.workflow_commons, "InputData": 5}}, {"unsent_parameters": {"a": "1", "b": {}}},
        {"collaborators": dict.fromkeys(DEFAULT_COLLABORATORS, "scripted")},
        {"collaborators": {"JobReport": "scripted", "Request": "live"}},
    ):  # fmt: skip
        assert not Facts(replace(WELL, **change)).suits(COMMANDS), change  # type: ignore[arg-type]
    for kinds in ({"JobReport": "live", "AccountingReport": "none"}, {"JobReport": "missing", "Request": "live"}):
        change = {"collaborators": kinds, "unsent_parameters": {"a": "1"}}
        assert Facts(replace(WELL, **change)).suits(COMMANDS)  # type: ignore[arg-type]


def test_the_file_says_what_the_end_of_a_job_needs():
    state = state_of(replace(WELL, reported={"/vo/a": "Unused"}, unsent_statuses=("half",)), {"Operations": []})
    assert state == {
        "transformation": 12, "task": 34, "job": 77, "ok": True, "inputs": ["/vo/a"], "reported": {"/vo/a": "Unused"},
        "statuses": ["half"], "parameters": {}, "request": {"Operations": []},
        "records": [
            ["StorageOccupancy", "2026-01-01 11:00:00", "2026-01-01 11:59:00", ["site", "endpoint", "SE", "alice", 59]],
        ],
    }  # fmt: skip
    page = (DOCS.parent / "ports.md").read_text()
    assert all(f"| `{key}` |" in page for key in state)
    with resolve.in_this_process("end_of_job:EndOfJob").session() as port:
        steps = [step.method for step in port.run(WELL).steps if step.target == "module"]
    assert steps == ["ReportFiles", "ReportJob", "WriteRequest"]


def test_each_command_begins_without_memory():
    """What an object holds is gone with the command, also from one run to the next."""

    class Counts:
        number = 0

        def execute(self, _):
            self.number += 1
            Path("number").write_text(str(self.number))

    with resolve.commands_port([Counts, Counts], "counts").session() as port:
        assert [port.run(WELL).files["number"] for _ in range(2)] == ["1", "1"]


# Programs


PROGRAM = """
import os, sys, urllib.request
url, words = os.environ["DIRAC_FAILOVER_SERVICES"], b"method=setJobApplicationStatus&args=[77,\\"done\\",\\"me\\"]"
urllib.request.urlopen(f"{url}/WorkloadManagement/JobStateUpdate", words)
open("found", "w").write(repr((os.path.basename(sys.argv[-1]), os.environ["MINE"])))
"""


def program(text):
    return [sys.executable, "-c", text]


def test_a_program_finds_its_services_and_its_file(example):
    """It gets the path as its last argument, and may stand beside classes."""
    port = resolve.commands_port([program(PROGRAM), example.ReportFiles], "mixed", environment={"MINE": "x"})
    assert port.clients.startswith("reference")
    with port.session():
        outcome = port.run(WELL)
    assert outcome.ended == "returned"
    assert outcome.files["found"] == "('job.json', 'x')"
    methods = [step.method for step in outcome.steps if step.target != "module"]
    assert methods[0] == "setJobApplicationStatus"
    assert "setFileStatusForTransformation" in methods
    assert SERVICES_AT not in os.environ


@pytest.mark.parametrize(
    "text", ["import sys; sys.exit('disk full')", "import os; os.write(2, b'disk full'); os._exit(3)"]
)
def test_a_program_that_fails_ends_the_chain(text):
    """Its last words are in the result; what comes after it is not begun."""
    port = resolve.commands_port([program(text), program("open('second', 'w')")], "fails")
    assert port.clients == ""
    with port.session():
        outcome = port.run(WELL)
    assert (outcome.ended, outcome.files) == ("raised", {})
    assert "disk full" in str(outcome.result)


def test_a_program_that_hangs_or_is_not_there_is_no_verdict():
    """The one is found and broken, the other cannot be resolved; what a program has started is ended."""
    slow = "import subprocess as s, time; print(s.Popen(['sleep', '99']).pid, flush=True); time.sleep(99)"
    for command, kind in ((program(slow), PortBrokenError), (["/no/such/program"], PortError)):
        with (
            resolve.commands_port([command], "x", seconds=0.5).session() as port,
            pytest.raises(kind) as caught,
        ):
            port.run(WELL)
        assert "\n" not in str(caught.value)


def test_the_programs_of_the_documentation_keep_what_classes_keep():
    with resolve.from_file(str(DOCS / "end_of_job.toml")).session() as port:
        assert port.name == "end of job"
        for fault, operations in (("transformation:down", 1), ("accounting:down", 0)):
            scenario = replace(WELL, faults=(fault,))
            case = CheckContext(scenario, port.run(scenario), shape=COMMANDS)
            assert case.outcome.ended == "returned"
            assert len(case.written) == operations
            clauses = [item for item in CLAUSES if item.level == CONTRACT and item.asked(scenario, shape=COMMANDS)]
            assert {item.id for item in clauses} == ASKED - {"CO-017"}
            assert [item.id for item in clauses if item.judge(case)] == []


# Naming


class Hooked:
    shape = COMMANDS

    def _initialize(self):
        """Be a hook."""

    def execute(self, path):
        """Be a command."""


class Alone(DoesNothing):
    shape = COMMANDS


class Odd(DoesNothing):
    shape = "heap"


class Loose:
    shape = COMMANDS
    commands = (DoesNothing(),)


class Cut:
    shape = COMMANDS
    commands = (["x\0"],)


class Mine(FailoverRequest):
    shape = COMMANDS


class OfModules:
    shape = COMMANDS
    commands = (DoesNothing, FailoverRequest)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("Hooked", "Hooked is a module, since it has the hook _initialize, and no chain of commands"),
        ("Mine", f"Mine is a module, since it has the hook {HOOKS[0]}, and no chain of commands"),
        ("OfModules", f"FailoverRequest is a module, since it has the hook {HOOKS[0]}, and no chain of commands"),
        ("Odd", f"there is no shape 'heap' (there are {', '.join(SHAPES)})"),
        ("Loose", EXPECTED),
        ("Cut", EXPECTED),
    ],
)
def test_a_class_with_a_hook_cannot_be_a_chain(name, complaint, capsys):
    target = f"{__name__}:{name}"
    with pytest.raises(PortError) as caught:
        Target(target).port()
    assert str(caught.value).startswith(f"Port {target}: {complaint}")
    assert main(["verify", target]) == Exit.USAGE
    assert capsys.readouterr().err.count("\n") == 1


def test_a_class_may_be_a_chain_by_itself():
    port = Target(f"{__name__}:Alone").port()
    assert isinstance(port, CommandsDriver)
    assert (port.name, port.version, port.shape) == ("Alone", "", COMMANDS)


def test_a_chain_in_an_adapter_file_that_cannot_be_imported_is_one_line(tmp_path):
    file = tmp_path / "port.toml"
    file.write_text("shape = 'commands'\ncommands = ['no_such:X']")
    with pytest.raises(PortError, match=r"port.toml: cannot import no_such: ModuleNotFoundError: No module named 'no_"):
        resolve.from_file(str(file))


def test_the_clients_are_those_that_the_commands_import(monkeypatch, reference):
    home = type(sys)("home_of_commands")
    home.Command = type("Command", (), {"__module__": "home_of_commands", "execute": print})  # type: ignore[attr-defined]
    home.report = type("JobReport", (), {"__module__": "DIRAC.X"})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "home_of_commands", home)
    monkeypatch.setitem(sys.modules, "DIRAC", type(sys)("DIRAC"))
    monkeypatch.setattr(metadata, "version", {"DIRAC": "9.1.22"}.get)
    theirs = replace(resolve.IMPLEMENTATIONS["dirac"], version="theirs", classes=reference.classes)
    monkeypatch.setitem(resolve.IMPLEMENTATIONS, "dirac", theirs)
    assert resolve.commands_port(["home_of_commands:Command"], "x").implementation.version == "theirs"
    assert resolve.commands_port([DoesNothing], "x").implementation.name == "reference"


# Reports


@pytest.fixture
def judged():
    """The results of the example, in the scenarios next to the good case."""
    question = VerificationPlan(Target("end_of_job:EndOfJob"), near=1, regions=("services",))
    before = os.getcwd()
    os.chdir(DOCS)
    try:
        yield verify(question, (CONTRACT,))
    finally:
        os.chdir(before)


def test_every_report_names_the_shape_and_what_was_not_asked(judged):
    assert (judged.verdict, judged.header.port.shape, judged.nearest) == ("conforms", COMMANDS, ())
    verdicts = {clause.id: str(clause.verdict) for clause in judged.clauses}
    assert {name for name, verdict in verdicts.items() if verdict == "held"} >= ASKED
    assert verdicts["CO-001"] == verdicts["DI-001"] == "not asked"
    assert judged.shape.startswith("commands; not asked of it: CO-001, CO-002,")
    assert judged.shape.endswith(", the level dirac")
    assert Results.from_json(judged.to_json()) == judged
    matrix = Matrix.of([(judged.header.port.label, "x.json", judged)])
    assert matrix.ports[0].label == "EndOfJob (commands)"
    assert "EndOfJob \\(commands\\)" in markdown.page(matrix) or "EndOfJob (commands)" in markdown.page(matrix)
    page = html_page.page(matrix)
    assert "shape commands; not asked of it: CO-001" in page
    document = junit.document(matrix.ports[0])
    assert '<property name="shape" value="commands" />' in document
    assert document.count('<skipped message="not asked of a port of the shape commands" />') == len(judged.unsuited)
    assert "DIRAC failover, commands: conforms" in badge.picture(matrix.ports[0])


def test_nothing_asked_is_no_verdict(monkeypatch, capsys):
    """A chain does not become green by a level, or a clause, that it is not asked about."""
    monkeypatch.chdir(DOCS)
    name = "end_of_job:EndOfJob"
    near = ["--near", "0", "--workers", "1", "--region", "services"]
    assert main(["verify", name, *near, "--level", "dirac"]) == Exit.NOTHING_RAN
    assert "EndOfJob (commands) is not judged" in capsys.readouterr().out
    assert main(["explain", "CO-001", "--module", name]) == Exit.NOTHING_RAN
    assert "EndOfJob is not asked about it" in capsys.readouterr().out
    assert main(["differential", "reference", name]) == Exit.USAGE
    assert f"{name} is no module" in capsys.readouterr().err


def test_a_chain_in_another_environment_says_its_shape(monkeypatch):
    """The greeting names the shape, so the host asks only the clauses of a chain."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(DOCS), *sys.path]))
    target = Target("end_of_job:EndOfJob", sys.executable)
    assert target.info().shape == COMMANDS
    assert Target("end_of_job:EndOfJob").options() == ()
    with target.port().session() as port:
        assert port.shape == COMMANDS
        assert port.run(WELL).ended == "returned"
