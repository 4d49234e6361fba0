import io
import json
import os
import sys
import tempfile
from importlib import metadata
from itertools import islice

import jsonschema
import pytest

from dirac_failover import FailoverRequest, __version__
from dirac_failover.actors.report import SCHEMA
from dirac_failover.actors.run_report import run
from dirac_failover.cli import main
from dirac_failover.cli.run import FAULTS, INPUTS, OPERATION_TYPES, checked
from dirac_failover.drivers.implementations import IMPLEMENTATIONS
from dirac_failover.errors import ScenarioError
from dirac_failover.reports.schemas import SCHEMAS
from dirac_failover.reports.terminal import Style
from dirac_failover.reports.timeline import render
from dirac_failover.spec import space
from dirac_failover.spec.scenario import Scenario
from dirac_fakes.faults import SCHEDULES, SERVICES
from dirac_fakes.kinds import KINDS

DEFAULT = Scenario.of_job(inputs=["/vo/a", "/vo/b"], faults=["transformation:down"])
SCRIPTED = dict.fromkeys(("JobReport", "FileReport", "AccountingReport", "Request"), "scripted")


@pytest.fixture(autouse=True)
def terminal(monkeypatch):
    """80 columns, and nothing that says otherwise."""
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def report(printed):
    """What ``run --json`` prints."""
    return lambda *options: json.loads(printed("run", "--json", *options))


@pytest.fixture
def file(tmp_path):
    """Write a scenario into a file, and return its path."""

    def write(scenario):
        path = tmp_path / "scenario.json"
        path.write_bytes(scenario if isinstance(scenario, bytes) else json.dumps(scenario).encode())
        return str(path)

    return write


# The situation


def test_without_options_two_files_and_the_transformation_down(report):
    """The default is a situation worth looking at, and everything converges."""
    seen = report()
    usual = Scenario.of_job(inputs=["/vo/a", "/vo/b"], faults=["transformation:down"])
    assert seen["scenario"] == usual.to_json()
    assert (INPUTS, FAULTS) == (("/vo/a", "/vo/b"), ("transformation:down",))
    assert seen["recovery"]["converged"] is True
    assert seen["recovery"]["lost"] == []


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--input", "/a", "--input", "/b"], {"inputs": ["/a", "/b"]}),
        (["--input", "none"], {"inputs": []}),
        (["--job-id", "5"], {"job_id": 5}),
        (["--job-id", "0"], {"job_id": 0}),
        (["--job-id", "none"], {"job_id": None}),
        (["--workflow-failed"], {"workflow_failed": True}),
        (["--step-failed"], {"step_failed": True}),
        (["--reported", "/a=b=Unused", "--reported", "/b=Processed"],
         {"reported": {"/a=b": "Unused", "/b": "Processed"}}),
        (["--accounting", "3"], {"records": 3}),
        (["--operation", "RemoveFile"], {"operations": [{"Type": "RemoveFile"}]}),
        (["--operation", '{"Type": "RemoveFile", "Files": ["/x"]}', "--operation", "LogUpload"],
         {"operations": [{"Type": "RemoveFile", "Files": ["/x"]}, {"Type": "LogUpload"}]}),
        (["--no-proxy"], {"owner": None}),
        (["--fault", "none"], {"faults": []}),
        (["--fault", "transformation:refuse", "--fault", "job-state:first=2"],
         {"faults": ["transformation:refuse", "job-state:first=2"]}),
    ],
)  # fmt: skip
def test_each_option_says_one_thing(report, options, expected):
    """What is not said is as without any option."""
    usual = {"inputs": INPUTS, "faults": FAULTS}
    assert report(*options)["scenario"] == Scenario.of_job(**{**usual, **expected}).to_json()


def test_the_services_know_inputs_without_their_prefix(report):
    """The prefix of an LFN in InputData is not part of the LFN."""
    seen = report("--input", "LFN:/vo/a", "--input", "/vo/LFN:b")
    assert seen["scenario"]["workflow_commons"]["InputData"] == "LFN:/vo/a;/vo/LFN:b"
    assert seen["scenario"]["server_files"] == {"/vo/a": "Assigned", "/vo/LFN:b": "Assigned"}


def test_a_scenario_can_be_a_file_in_any_encoding_of_json(report, file):
    """The scenario of a report is such a file; faults on the command line are added to it."""
    first = report("--accounting", "2")
    path = file(first["scenario"])
    assert report("--scenario", path) == first
    more = report("--scenario", path, "--fault", "accounting:down")
    assert more["scenario"]["faults"] == ["transformation:down", "accounting:down"]
    assert report("--scenario", path, "--fault", "none") == first
    wide = file('{"name": "é", "records": 1}'.encode("utf-16"))
    assert report("--scenario", wide)["scenario"] == {"name": "é", "records": 1}


def test_a_scenario_can_come_from_stdin(report, monkeypatch):
    """Without default faults: the file says all."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"records": 1}')))
    assert report("--scenario", "-")["scenario"] == {"records": 1}


def test_a_scenario_of_the_space_has_a_name(report):
    """It says what is changed from the good case, and any scenario is found by it."""
    for index in (0, 1, 5_000, 60_000):
        scenario = next(islice(space.scenarios(), index, None))
        assert report("--scenario", scenario.name)["scenario"] == scenario.to_json()
    more = report("--scenario", "services: the good case", "--fault", "job-state:down")
    assert more["scenario"]["faults"] == ["job-state:down"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("inputs: input dta=one",
         "there is no change 'input dta=one'; did you mean input data=one? (docs/space.md lists them)"),
        ("inputs: reported=all; input data=one",
         "they do not go together, in this order: 'inputs: reported=all; input data=one'"),
        ("input: reported=all", "Cannot read input: reported=all: No such file or directory"),
    ],
)  # fmt: skip
def test_a_name_of_no_scenario_is_one_clear_line(complaint, name, said):
    """With the nearest change, when it is a change that does not exist."""
    assert complaint("run", "--scenario", name) == f"--scenario: {said}"


# The report


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--workflow-failed", "--operation", '{"Type": "ForwardDISET", "Arguments": "x"}'],
        ["--accounting", "2", "--fault", "accounting:down", "--operation", '{"Type": "RemoveFile", "Files": ["/x"]}'],
        ["--job-id", "none", "--no-proxy"],
        ["--fault", "job-state:raises=OSError: x"],
        ["--fault", "transformation:bad_shape=none"],
    ],
)
def test_every_report_fits_the_schema(printed, report, options):
    """It is the same each time, and the timeline can be made of it."""
    seen = report(*options)
    jsonschema.Draft202012Validator(SCHEMAS["run"]()).validate(seen)
    assert seen["schema"] == SCHEMA == "dirac-failover/run/2"
    assert printed("run", "--json", *options) == json.dumps(seen, indent=2) + "\n"
    assert report(*options) == seen


def test_a_report_without_services_fits_the_schema(reference):
    """There is nothing to recover, and faults cannot strike."""
    scenario = Scenario.from_json({"collaborators": SCRIPTED, "faults": ["transformation:down"]})
    seen = run(reference, scenario).to_json()
    jsonschema.Draft202012Validator(SCHEMAS["run"]()).validate(seen)
    assert (seen["services"], seen["recovery"], seen["unfired"]) == (None, None, ["transformation:down"])
    without = run(reference, Scenario.from_json({"collaborators": {**SCRIPTED, "Request": "none"}})).to_json()
    jsonschema.Draft202012Validator(SCHEMAS["run"]()).validate(without)
    assert without["request"] is None


def test_a_report_says_what_ran(capsys):
    """The implementation, the request, the file, faults that never struck."""
    assert main(["run", "--json", "--fault", "transformation:down", "--fault", "accounting.commit:down"]) == 1
    seen = json.loads(capsys.readouterr().out)
    module = "dirac_failover.failover_request:FailoverRequest"
    assert seen["implementation"] == {"name": "reference", "version": __version__, "module": module}
    assert seen["unfired"] == ["accounting.commit:down"]
    (operation,) = seen["request"].pop("Operations")
    assert seen["request"] == {
        "RequestName": "job_77_request.xml", "JobID": 77, "Owner": "alice", "OwnerGroup": "vo_user",
        "SourceComponent": "Job_77",
    }  # fmt: skip
    statuses = {"/vo/a": "Processed", "/vo/b": "Processed"}
    assert operation["decoded"] == {"transformation": 12, "statusDict": statuses, "force": False}
    assert '"CreationTime": "<time>"' in seen["files"]["12_34_request.json"]
    assert (seen["ended"], seen["result"]["OK"]) == ("returned", True)
    assert seen["services"]["files"]["/vo/a"]["Status"] == "Assigned"
    assert seen["recovery"]["services"]["files"]["/vo/a"]["Status"] == "Processed"


def test_times_are_numbered_over_the_whole_report(report):
    """The same time has the same number wherever it is; the scenario keeps its own times."""
    operation = '{"Type": "LogUpload", "Catalog": "2026-01-01 12:00:00.000001"}'
    seen = report("--fault", "job-state:down", "--operation", operation)
    assert seen["scenario"]["operations"][0]["Catalog"] == "2026-01-01 12:00:00.000001"
    first = next(call for call in seen["calls"][4]["calls"] if call["target"] == "JobReport")["calls"][0]
    (stamp,) = first["args"][1]
    assert stamp == "<T1>"
    forwarded = next(item for item in seen["request"]["Operations"] if item["Type"] == "ForwardDISET")
    assert list(forwarded["decoded"][2][1]) == [stamp]


def test_json_has_no_nan(capsys, tmp_path, monkeypatch):
    """What JSON cannot say becomes a text; texts that no encoding has are escaped."""
    (tmp_path / "odd_module.py").write_text(
        "from dirac_failover import FailoverRequest\n"
        "class Odd(FailoverRequest):\n"
        "    def execute(self):\n"
        "        print('not for the report')\n"
        "        return {'OK': True, 'Value': [float('nan'), float('inf'), '\\udcff']}\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert main(["run", "--json", "--module", "odd_module:Odd"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["result"]["Value"] == ["<nan>", "Infinity", "\\udcff"]
    assert err == "not for the report\n"


# What runs


MODULE = """
from dirac_failover import FailoverRequest, GracefulTermination

class Mine(FailoverRequest):
    def _execute(self):
        raise GracefulTermination("mine")

class Outer:
    Inner = Mine

class Half:
    def execute(self):
        return {"OK": True, "Value": None}

class Greedy(Mine):
    def __init__(self, needed):
        pass

mine = Mine()
"""


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """A working directory with modules in it, which is not on the path."""
    (tmp_path / "my_modules.py").write_text(MODULE)
    (tmp_path / "broken_module.py").write_text("raise ZeroDivisionError('at import')")
    (tmp_path / "needy_module.py").write_text("import nothing_like_it")
    (tmp_path / "leaving_module.py").write_text("raise SystemExit('bye')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "my_modules", raising=False)


@pytest.mark.usefixtures("modules")
def test_any_module_can_be_run(report):
    """From the working directory; also a class inside another."""
    for name in ("my_modules:Mine", "my_modules:Outer.Inner"):
        seen = report("--module", name)
        assert seen["implementation"]["module"] == "my_modules:Mine"
        assert seen["result"]["Value"] == {"exception": "GracefulTermination", "args": ["mine"]}
    assert sys.path.index(os.getcwd()) == 0
    assert sys.path.count(os.getcwd()) == 1


@pytest.mark.usefixtures("modules")
@pytest.mark.parametrize(
    ("name", "code", "expected"),
    [
        ("my_modules", 4, "expected PACKAGE.MODULE:CLASS, found 'my_modules'"),
        (":Mine", 4, "expected PACKAGE.MODULE:CLASS, found ':Mine'"),
        ("my_modules:", 4, "expected PACKAGE.MODULE:CLASS, found 'my_modules:'"),
        ("none.such:X", 4, "cannot import none.such: ModuleNotFoundError: No module named 'none'"),
        ("my_modules:Nope", 4, "there is no class 'Nope' (looked for in my_modules)"),
        ("my_modules:Mime", 4, "there is no class 'Mime'; did you mean Mine? (looked for in my_modules)"),
        ("my_modules:Outer.Iner", 4, "there is no class 'Iner'; did you mean Inner? (looked for in my_modules)"),
        ("my_modules:mine", 4, "my_modules:mine is not a class but Mine"),
        ("my_modules:Outer", 4, "my_modules:Outer is not a module: it has no execute() (derive it from ModuleBase)"),
        ("my_modules:Half", 4,
         "my_modules:Half is not a module: it has no _resolveInputVariables() (derive it from ModuleBase)"),
        ("broken_module:X", 3, "cannot import broken_module: ZeroDivisionError: at import"),
        ("leaving_module:X", 3, "cannot import leaving_module: SystemExit: bye"),
        ("needy_module:X", 3, "cannot import needy_module: ModuleNotFoundError: No module named 'nothing_like_it'"),
    ],
)  # fmt: skip
def test_what_is_no_module_is_one_clear_line(complaint, name, code, expected):
    """A module that is found and cannot be imported is broken; a missing dependency is its own fault too."""
    assert complaint("run", "--module", name, code=code) == f"--module: {expected}"


@pytest.mark.usefixtures("modules")
def test_a_module_that_cannot_be_created_is_broken(complaint):
    """The workflow creates it without arguments."""
    said = complaint("run", "--module", "my_modules:Greedy", code=3)
    assert said.startswith("The module cannot be created: TypeError: Greedy.__init__() missing 1 required")


def test_a_kit_must_be_there(complaint, monkeypatch):
    """A wrong name is a wrong command line; an implementation that is not installed is broken."""
    known = f"(there are {', '.join(IMPLEMENTATIONS)})"
    said = complaint("run", "--implementation", "nope")
    assert said == f"--implementation: there is no implementation 'nope' {known}"
    monkeypatch.setattr(metadata, "version", lambda _: "7.3.38")
    said = complaint("run", "--implementation", "dirac", code=3)
    assert said.startswith("DIRAC 7.3.38 is installed in this environment")


def test_request_proxies_have_names(capsys, complaint):
    """The configuration names them; the one that is not down takes the request, whichever is asked first."""
    down = ["--fault", "accounting:down", "--fault", "requests:down", "--fault", "req-proxy/one:down"]
    hosts = ["--request-proxy", "one", "--request-proxy", "two"]
    main(["run", "--accounting", "1", "--input", "none", *hosts, *down])  # 1 where the second one is asked first
    out, _ = capsys.readouterr()
    assert "req-proxy.putRequest" in out
    assert "onverged" in out
    assert "lost:" not in out
    assert complaint("run", "--request-proxy", "one.org").endswith("without its domain, found 'one.org'")


# Faults that never strike


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--fault", "job-state.setJobStatus:refuse"],
         "--fault job-state.setJobStatus:refuse: it never struck (job-state was asked for setJobStatusBulk)"),
        (["--fault", "transformation:down", "--fault", "accounting:down@always", "--check"],
         "--fault accounting:down@always: it never struck (accounting was asked for nothing)"),
    ],
)  # fmt: skip
def test_a_fault_that_never_struck_is_an_error(capsys, options, said):
    """The report is printed, without a tick, and one line says what the service was asked for."""
    assert main(["run", *options]) == 1
    out, err = capsys.readouterr()
    assert err == f"dirac-failover: error: {said}\n"
    assert "but not put to the test" in out
    assert "✓" not in out


def test_a_fault_that_nobody_gave_may_stay_away(printed, report, file):
    """The default one, when there are no inputs; those of a file, which other ports may well be struck by."""
    assert "but not put to the test" in printed("run", "--input", "none")
    assert report("--scenario", file({"faults": ["accounting:down"]}))["unfired"] == ["accounting:down"]


# What cannot be


NO_TYPE = "--operation: there is no operation type"
TYPES = f"(there are {', '.join(OPERATION_TYPES)}); in a file for --scenario it may be any"
FILES = "Files: expected a list of absolute LFNs or of fields of files, found"


def upload(files):
    return f'{{"Type": "LogUpload", "Files": {files}}}'


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--input", ""], "--input: expected an LFN without ';', found ''"),
        (["--input", "/a;/b"], "--input: expected an LFN without ';', found '/a;/b'"),
        (["--input", "none", "--input", "/a"], "--input: none cannot stand beside others"),
        (["--reported", "/a"], "--reported: expected LFN=STATUS, found '/a'"),
        (["--reported", "=x"], "--reported: expected LFN=STATUS, found '=x'"),
        (["--reported", "/a="], "--reported: expected LFN=STATUS, found '/a='"),
        (["--accounting", "-1"], "--accounting: expected a number from 0 to 10000, found -1"),
        (["--accounting", "10001"], "--accounting: expected a number from 0 to 10000, found 10001"),
        (["--accounting", "x"], "argument --accounting: invalid int value: 'x' (see 'dirac-failover run --help')"),
        (["--job-id", "abc"], "--job-id: expected a whole number that is not negative, or none, found 'abc'"),
        (["--job-id", "-1"], "--job-id: expected a whole number that is not negative, or none, found '-1'"),
        (["--job-id", "²"], "--job-id: expected a whole number that is not negative, or none, found '²'"),
        (["--operation", "RemoveFil"], f"{NO_TYPE} 'RemoveFil'; did you mean RemoveFile? {TYPES}"),
        (["--operation", '{"Type": 5}'], f"{NO_TYPE} '5' {TYPES}"),
        (["--operation", ""], "--operation: expected a type or a JSON object, found ''"),
        (["--operation", "[]"], "--operation: expected a type or a JSON object, found '[]'"),
        (["--operation", "{"], "--operation: expected a type or a JSON object, and '{' is not JSON: Expecting "),
        (["--operation", "LogUpload", "--operation", '{"Tpye": 1}'],
         "Operation 2: there is no field 'Tpye'; did you mean Type? (there are Type, Arguments, "),
        (["--operation", "LogUpload", "--operation", upload('"/a"')], f"Operation 2: {FILES} '/a'"),
        (["--operation", upload("5")], f"Operation 1: {FILES} 5"),
        (["--operation", upload('["/a", 3]')], f"Operation 1: {FILES} ['/a', 3]"),
        (["--operation", upload('["/a", "b"]')], f"Operation 1: {FILES} ['/a', 'b']"),
        (["--operation", upload('[{"LFN": "b"}]')], f"Operation 1: {FILES} [{{'LFN': 'b'}}]"),
        (["--operation", upload('[{"LNF": "/a"}]')], f"Operation 1: {FILES} [{{'LNF': '/a'}}]"),
        (["--operation", '{"Type": "LogUpload", "Status": "No"}'],
         "This scenario cannot be set up: ValueError: unknown Status 'No'"),
        (["--answer", "FileReport.comit=s_error"], "Answers of FileReport.comit: No method 'comit' of FileReport; "),
        (["--answer", "FileReport.commit"], "Answers of FileReport.commit: No answer ''; expected is ok, ok=JSON"),
        (["--answer", "s_error"], "Answers of s_error: there is no collaborator 's_error'"),
        (["--fault", "none", "--fault", "transformation:down"], "--fault: none cannot stand beside others"),
        (["--scenario", os.devnull, "--fault", "x"],
         f"--scenario {os.devnull}: A scenario is a JSON object, and this is not JSON: Expecting value: "),
        (["--fault", "nowhere:down"], "Fault nowhere:down: No service 'nowhere'; there are: job-state, "),
        (["--fault", "transfomation:down"],
         "Fault transfomation:down: No service 'transfomation'; did you mean transformation? there are: "),
        (["--fault", "transformation:dwn"],
         "Fault transformation:dwn: No fault 'dwn'; did you mean down? there are: down, "),
        (["--fault", "transformation:down@never"],
         "Fault transformation:down@never: No schedule 'never'; did you mean every? there are: always, first, "),
        (["--fault", "file:disk_full"], "Fault file:disk_full: here only services can be hit; a file that cannot be "),
        (["--scenario", "/no/such"], "--scenario: Cannot read /no/such: No such file or directory"),
        (["--scenario", "/"], "--scenario: Cannot read /: Is a directory"),
    ],
)  # fmt: skip
def test_bad_options_are_one_clear_line(complaint, options, expected):
    """What was expected, and what was found."""
    assert complaint("run", *options).startswith(expected)


EACH = (
    "--input=/a --job-id=1 --workflow-failed --step-failed --reported=/a=x --accounting=1 --operation=LogUpload "
    "--no-proxy --answer=FileReport.commit=ok --request-proxy=one"
)


@pytest.mark.parametrize("given", [EACH, "--no-proxy"])
def test_a_scenario_says_all_about_the_job(complaint, given):
    """Each option about the job is named."""
    names, _, rest = complaint("run", "--scenario", "-", *given.split()).partition(" cannot stand beside ")
    assert {*names.split(", ")} == {option.partition("=")[0] for option in given.split()}
    assert rest == "--scenario, which says all about the job"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "A scenario is a JSON object, and this is not JSON: Expecting value: line 1 column 1 (char 0)"),
        ("\xff", "A scenario is a JSON object, and this is not JSON: "),
        ("[]", "all of it: input should be an object, found []"),
        ('{"inputs": []}', "inputs: unknown key, found [] (there are name, "),
        ('{"records": "2"}', 'records: input should be a valid integer, found "2"'),
        ('{"executions": 0}', "executions: input should be greater than or equal to 1, found 0"),
    ],
)
def test_a_bad_scenario_is_one_clear_line(complaint, monkeypatch, text, expected):
    """With the name of the file."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode("latin-1"))))
    assert complaint("run", "--scenario", "-").startswith(f"--scenario -: {expected}")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"faults": ["x"]}, "Fault x: Not a fault: 'x'; accepted is SERVICE[.METHOD]:KIND[=VALUE][@SCHEDULE]"),
        ({"operations": [{"type": "X", "Kind": 1}]},
         "Operation 1: there is no field 'type'; did you mean Type? (there are "),
        ({"answers": {"Reporter.commit": ["ok"]}},
         "Answers of Reporter.commit: there is no collaborator 'Reporter'; did you mean JobReport? (there are"),
        ({"collaborators": SCRIPTED, "answers": {"AccountingReport.comit": ["ok"]}},
         "Answers of AccountingReport.comit: No method 'comit' of AccountingReport; did you mean commit?"),
        ({"collaborators": SCRIPTED, "answers": {"JobReport.__init__": ["ok"]}},
         "Answers of JobReport.__init__: No method '__init__' of JobReport; there are: commit, "),
        ({"answers": {"Request.addFile": ["ok"]}},
         "Answers of Request.addFile: No method 'addFile' of Request; there are: toJSON, getDigest"),
        ({"answers": {"FileReport.commit": ["ok"]}},
         "Answers of FileReport.commit: only a collaborator that is 'scripted' gives answers\n"),
        ({"collaborators": {"FileReport": "live"}, "answers": {"FileReport.getFiles": ["ok"]}},
         "Answers of FileReport.getFiles: only a collaborator that is 'scripted' gives answers"),
        ({"collaborators": SCRIPTED, "answers": {"FileReport.commit": ["ok", "well"]}},
         "Answers of FileReport.commit: No answer 'well'; expected is ok, "),
        ({"answers": {"Request.toJSON": ["raises=Nothing"]}},
         "Answers of Request.toJSON: No exception 'Nothing'; there are: RuntimeError, ValueError, "),
    ],
)  # fmt: skip
def test_what_nobody_can_execute_is_refused(fields, expected):
    """Before anything runs."""
    with pytest.raises(ScenarioError) as caught:
        checked(Scenario.from_json(fields))
    assert f"{caught.value}\n".startswith(expected)


class ReadOnly(FailoverRequest):
    """It does not let an attribute be set."""

    workflowStatus = property(lambda _: {"OK": True}, lambda _, value: value == {} or ReadOnly.refuse())

    @staticmethod
    def refuse():
        raise AttributeError("read only")


MANY = [{"Type": "RemoveFile", "Files": [f"/{number}" for number in range(10001)]}]


@pytest.mark.parametrize(
    ("scenario", "module", "said"),
    [
        (Scenario(files={"x" * 300: "old"}), FailoverRequest, r"OSError: \[Errno 36\] File name too long"),
        (Scenario.of_job(operations=MANY), FailoverRequest, "RuntimeError: too many Files"),
        (Scenario(), ReadOnly, "AttributeError: read only$"),
    ],
    ids=["a name that is too long", "more files than an operation holds", "an attribute that cannot be set"],
)
def test_what_this_machine_or_an_implementation_cannot_take_is_refused(reference, scenario, module, said):
    with pytest.raises(ScenarioError, match=rf"^This scenario cannot be set up: {said}"):
        run(reference, scenario, module)


def test_a_request_may_be_anything(reference):
    """What a scenario puts in its place has none of its fields."""
    scenario = Scenario.from_json({"workflow_commons": {"Request": {}}, "collaborators": {"Request": "missing"}})
    absent = dict.fromkeys(("RequestName", "JobID", "Owner", "OwnerGroup", "SourceComponent"), "(absent)")
    assert run(reference, scenario).request == {**absent, "Operations": []}


def test_nesting_has_an_end(complaint):
    """Of the reader's patience, and of the parser's."""
    said = complaint("run", "--operation", '{"a":' * 100_000)
    assert said.startswith("--operation: expected a type or a JSON object, and ")
    assert "is not JSON: maximum recursion depth exceeded" in said


def test_without_a_directory_to_work_in_nothing_runs(complaint, monkeypatch):
    """TMPDIR, say, is gone."""
    monkeypatch.setattr(os, "access", lambda *_: False)
    monkeypatch.setattr(tempfile, "tempdir", "/no/such/directory")
    missing = "[Errno 2] No such file or directory: '/no/such/directory/"
    assert complaint("run").startswith(f"There is no directory to work in: {missing}")


# Output


def test_check_says_whether_anything_is_missing(capsys, printed):
    """By the exit code alone: the output is the same."""
    well = printed("run")
    assert printed("run", "--check") == well
    for options in (["--fault", "job-state:first=2"], ["--job-id", "none"]):
        lost = printed("run", *options)
        assert main(["run", "--check", *options]) == 1
        assert capsys.readouterr() == (lost, "")


def test_what_cannot_converge_cannot_be_checked(printed, complaint, file):
    """Without services there is nothing to hold against anything."""
    path = file({"collaborators": SCRIPTED})
    assert "there are no services here" in printed("run", "--scenario", path)
    said = complaint("run", "--scenario", path, "--check")
    assert said == "--check: every collaborator is scripted, so there are no services that could converge"


def test_output_is_for_the_terminal_that_there_is(monkeypatch):
    """The output has its width, and colours on request."""

    class Screen(io.StringIO):
        encoding = "ascii"

    monkeypatch.setattr(sys, "stdout", screen := Screen())
    monkeypatch.setenv("COLUMNS", "100")
    assert main(["run", "--color", "always"]) == 0
    made = run(IMPLEMENTATIONS["reference"].load(), DEFAULT)
    assert screen.getvalue() == render(made, Style(100, colours=True, unicode=False))
    assert main(["run", "--color", "sometimes"]) == 4


def test_answers_make_fakes_of_the_collaborators_that_give_them(report):
    """In the order of the options; nothing else goes wrong then, and the others are the implementation's own."""
    options = [f"FileReport.{text}" for text in ("commit=s_error=a=b", "commit=ok", "generateForwardDISET=operation")]
    options.append("Request.getDigest=raises=RuntimeError:late:7")
    seen = report(*(f"--answer={option}" for option in options))
    assert seen["scenario"]["answers"] == {
        "FileReport.commit": ["s_error=a=b", "ok"],
        "FileReport.generateForwardDISET": ["operation"],
        "Request.getDigest": ["raises=RuntimeError:late:7"],
    }
    kinds = {"JobReport": "live", "FileReport": "scripted", "AccountingReport": "live", "Request": "scripted"}
    assert seen["scenario"]["collaborators"] == kinds
    assert not seen["scenario"].get("faults")
    assert seen["result"]["Errno"] == 7
    assert [operation["Type"] for operation in seen["request"]["Operations"]] == ["SetFileStatus"]
    (job,) = seen["services"]["jobs"].values()
    assert job["ApplicationStatus"] == "late"


def test_the_help_lists_all_faults(printed):
    """Services, schedules, and the kinds that can hit a service with what the caller sees; and the schemas."""
    text = printed("run", "--help")
    epilog = text[text.index("a FAULT is SERVICE[.METHOD]:KIND[=VALUE][@SCHEDULE]\n") :].splitlines()
    alone = "alone, as in job-state:first=2, they refuse the connection"
    assert epilog[1:5] == [
        f"  services   {', '.join(SERVICES)}",
        f"  schedules  {', '.join(SCHEDULES)}=...; {alone}",
        "  kinds, and what the caller sees:",
        "    down             connection refused, until the service is up again",
    ]
    kinds = [line.split()[0] for line in epilog[4:-2]]
    assert kinds == [name for name, kind in KINDS.items() if kind.function]
    assert epilog[-1] == "--json is described by 'dirac-failover schema run', FILE by 'dirac-failover schema scenario'."


def test_a_standard_input_that_cannot_be_read_is_one_clear_line(monkeypatch, complaint):
    class Broken:
        buffer = property(lambda self: self)

        def read(self):
            raise OSError(5, "Input/output error")

    monkeypatch.setattr("sys.stdin", Broken())
    assert complaint("run", "--scenario", "-") == "--scenario: Cannot read -: Input/output error"
