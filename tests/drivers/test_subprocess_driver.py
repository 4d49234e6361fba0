"""Ports in other processes: what is said, what is seen, and that whatever breaks there breaks only there."""

import io
import json
import os
import re
import runpy
import shutil
import signal
import sys
import time
from contextlib import closing
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest

from dirac_failover import __version__
from dirac_failover.cli import main
from dirac_failover.cli.exits import Exit
from dirac_failover.drivers import json_lines, port_server
from dirac_failover.drivers.in_process import InProcessDriver, sessions
from dirac_failover.drivers.json_lines import Process, ProcessError
from dirac_failover.drivers.observe import ATTRIBUTES
from dirac_failover.drivers.resolve import Target
from dirac_failover.drivers.subprocess_driver import (
    CAPABILITIES,
    Host,
    PortBrokenError,
    SubprocessDriver,
    from_json,
    to_json,
)
from dirac_failover.errors import PortError
from dirac_failover.spec import space
from dirac_failover.spec.compare import differences
from dirac_failover.spec.model.module import expected
from dirac_failover.spec.observation import Call
from dirac_failover.spec.scenario import DEFAULT_ATTRIBUTES, Scenario
from tests.doubles import eventually

DOCS = Path(__file__).parents[2] / "docs/ports"
SCHEMA = json.loads(files("dirac_failover").joinpath("schemas/port-protocol.json").read_text())
SCRIPTED = dict.fromkeys(("JobReport", "FileReport", "AccountingReport", "Request"), "scripted")
QUIET = Scenario(collaborators=SCRIPTED)
HELLO = 'print(\'{"hello": {"protocol": 2, "name": "mine", "version": "5", "capabilities": CAPABILITIES}}\')'
OUTCOME = {"ended": "returned", "result": None, "attributes": {"jobID": 5}, "request": None}
METHODS = replace(
    QUIET, attributes={**DEFAULT_ATTRIBUTES, "jobID": 77},
    calls=(["setJobParameter", ["CPU", "12"]], ["setApplicationStatus", ["done"]]),
)  # fmt: skip
FULL = {**OUTCOME, "steps": [], "files": {}, "services": None}
NODE = pytest.mark.skipif(not shutil.which("node"), reason="node is not installed here")
TEMPLATES = {"python": "python", "node": "javascript"}


def port(*lines, capabilities=("services",), hello=HELLO, **options):
    """A port that says hello, and then does what the lines of Python say; ``ask()`` is the next message."""
    text = hello.replace("CAPABILITIES", json.dumps(list(capabilities)))
    head = "import sys, json, os, time\nask = lambda: json.loads(input())\nsay = lambda **m: print(json.dumps(m))"
    program = "\n".join([head, "first = ask()", text, *lines])
    return SubprocessDriver([sys.executable, "-u", "-S", "-c", program], **options)


def answers(count=1, outcome=FULL):
    """Lines that answer so many scenarios with the same outcome."""
    return f"for _ in range({count}): say(id=ask()['id'], outcome={outcome!r})"


def run(*lines, scenario=QUIET, **options):
    """The outcome of a scenario on such a port."""
    with port(*lines, **options).session() as started:
        return started.run(scenario)


def broken(started, scenario=QUIET):
    with pytest.raises(PortBrokenError) as caught:
        started.run(scenario)
    return str(caught.value)


def first_of(region, count=40):
    scenarios = list(region.scenarios())
    return scenarios[:: max(1, len(scenarios) // count)]


# What a port in Python sees and says


@pytest.mark.ci
def test_the_reference_is_the_same_in_another_process(reference):
    here, there = InProcessDriver(reference), Target("reference", sys.executable).port()
    with sessions(here, there):
        assert (there.name, there.version) == ("reference", __version__)
        assert there.capabilities == CAPABILITIES.keys() - {"calls"}
        for region in space.REGIONS:
            for scenario in first_of(region):
                assert here.supports(scenario)
                assert there.supports(scenario)
                assert differences(there.run(scenario), here.run(scenario)) == [], scenario.name


def test_an_outcome_arrives_as_it_was_sent():
    for scenario in first_of(space.ANSWERS):
        outcome = expected(scenario)
        arrived = from_json(json.loads(json.dumps(to_json(outcome))))
        assert arrived == outcome
        assert json.dumps(arrived) == json.dumps(outcome)


class Fake:
    """Stands for a module port: its name, and runs that end as told."""

    name, shape = "fake", "module"

    def __init__(self, implementation, end=None):
        self.version, self.end = implementation.version, end

    def run(self, scenario):
        if self.end:
            raise self.end
        return expected(scenario)


def test_the_server_answers_line_by_line(reference):
    """A hello with the hello, a scenario with its outcome, a failure of the port itself with an error."""
    questions = [json.dumps({"hello": {}}) + "\n", json.dumps({"id": 3, "run": QUIET.to_json()}) + "\n"]
    sink = io.StringIO()
    port_server.serve(Fake(reference), questions, sink)
    hello, answer = map(json.loads, sink.getvalue().splitlines())
    version = reference.version
    speaks = {"protocol": 2, "capabilities": ["services", "methods", "hooks"]}
    assert hello == {"hello": {**speaks, "name": "fake", "version": version, "shape": "module"}}
    assert answer == {"id": 3, "outcome": json.loads(json.dumps(to_json(expected(QUIET))))}
    failed = port_server.answer(Fake(reference, ValueError("no")), {"id": 4, "run": {}})
    assert failed == {"id": 4, "error": "ValueError: no"}
    for message in (hello, answer, failed):
        jsonschema.validate(message, SCHEMA)


def test_the_server_keeps_its_streams_from_the_module(monkeypatch, tmp_path, capfd):
    """What a module prints is on stderr, and what it reads is the end; afterwards the process may go on."""
    seen = []
    monkeypatch.chdir(tmp_path)
    reader, writer = os.pipe()
    os.write(writer, b'{"hello": {}}\n')
    os.close(writer)
    saved = [os.dup(number) for number in (0, 1)]
    os.dup2(reader, 0)

    def serve(started, source, sink):
        os.write(1, b"printed")
        seen.append((started.name, os.read(0, 1), list(source)))
        sink.write("answered\n")

    monkeypatch.setattr(port_server, "serve", serve)
    try:
        assert port_server.main(["reference"]) == 0
    finally:
        for number, stream in enumerate(saved):
            os.dup2(stream, number)
            os.close(stream)
        os.close(reader)
    assert seen == [("reference", b"", ['{"hello": {}}\n'])]
    assert capfd.readouterr() == ("answered\n", "printed")


def test_a_server_without_a_port_says_so_and_ends(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["port_server", "nowhere"])
    assert port_server.main() == Exit.USAGE
    assert capsys.readouterr().err.startswith("there is no port 'nowhere'")
    with pytest.raises(SystemExit, match="4"):
        runpy.run_path(str(port_server.__file__), run_name="__main__")  # a module would go through pytest's import hook
    started = Target("nowhere.at:all", sys.executable).port()
    with pytest.raises(PortError, match=r"exit code 4; the last it wrote to stderr: Port nowhere.at:all: cannot"):
        started.session().__enter__()


# The hello


def test_the_host_says_what_it_speaks(tmp_path):
    seen = tmp_path / "seen"
    run(
        f"open({str(seen)!r}, 'w').write(json.dumps([first, ask()]))", f"say(id=1, outcome={FULL!r})",
        scenario=Scenario(records=2),
    )  # fmt: skip
    hello, question = json.loads(seen.read_text())
    offer = {"protocol": 1, "protocols": [1, 2], "tool": __version__, "capabilities": list(CAPABILITIES)}
    assert hello == {"hello": offer}
    assert question == {"id": 1, "run": {"records": 2}}
    jsonschema.validate(hello, SCHEMA)
    jsonschema.validate(question, SCHEMA)


def test_a_port_is_called_what_it_says_or_what_its_user_says():
    with port(answers()).session() as started:
        assert (started.name, started.version, started.capabilities) == ("mine", "5", {"services"})
    assert SubprocessDriver(["/usr/bin/thing"]).name == "thing"
    with port(answers(), name="yours").session() as started:
        assert started.name == "yours"
    with port(hello='print(\'{"hello": {"protocol": 1}}\')').session() as started:
        assert (started.name, started.version, started.capabilities) == (os.path.basename(sys.executable), "", set())


@pytest.mark.parametrize(
    ("hello", "complaint"),
    [
        ("print('{\"hi\": 1}')", 'expected a hello, found {"hi": 1}'),
        ('print(\'{"hello": {"protocol": 3}}\')', "expected version 1 or 2 of the protocol, found 3"),
        ('print(\'{"hello": {"protocol": 1, "shape": ["x"]}}\')',
         'expected the shape module or commands, found ["x"]'),
        ('print(\'{"hello": {}}\')', "expected version 1 or 2 of the protocol, found null"),
        ('print(\'{"hello": {"protocol": 1, "capabilities": "calls"}}\')',
         'expected capabilities of version 1, calls, services, found "calls"'),
        ('print(\'{"hello": {"protocol": 1, "capabilities": ["methods"]}}\')',
         'expected capabilities of version 1, calls, services, found ["methods"]'),
        ('print(\'{"hello": {"protocol": 2, "capabilities": ["magic", {}]}}\')',
         'expected capabilities of version 2, calls, services, methods, hooks, found ["magic", {}]'),
        ("print('ready!')", 'expected a JSON object in a line, found "ready!"'),
        ("sys.exit(7)", "it ended with exit code 7"),
        ("sys.exit('no licence')", "it ended with exit code 1; the last it wrote to stderr: no licence"),
    ],
)  # fmt: skip
def test_a_port_that_does_not_greet_is_broken(hello, complaint):
    """It cannot be started, and nothing of it is left."""
    with pytest.raises(PortBrokenError) as caught, port(hello=hello).session():
        pass
    name = os.path.basename(sys.executable)
    assert str(caught.value) == f"The port {name} cannot be started: {complaint}"


def test_a_port_that_says_nothing_is_not_waited_for():
    started = time.monotonic()
    with pytest.raises(PortBrokenError, match=r"cannot be started: it has not said hello within 0.2 s$"):
        port(hello="time.sleep(60)", start_seconds=0.2).session().__enter__()
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        (["/nowhere/nothing"], "The port nothing cannot be started: .*No such file"),
        ([sys.executable, "-m", "dirac_failover.drivers.port_server", "nowhere:X"], "cannot import nowhere"),
    ],
)
def test_a_port_that_is_not_there_is_an_error_of_usage(command, complaint):
    with pytest.raises(PortError, match=complaint):
        SubprocessDriver(command).session().__enter__()


def test_a_port_works_in_a_directory_of_its_own():
    directory = run(f"say(id=ask()['id'], outcome=dict({FULL!r}, result=os.getcwd()))").result
    assert re.search(r"/port-\w+/run-\w+$", directory)
    assert not os.path.exists(os.path.dirname(directory))


# What may go wrong in a scenario


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (["sys.exit(3)"], "it ended with exit code 3"),
        (["ask()", "print('Segmentation', file=sys.stderr)", "os.kill(os.getpid(), 9)"],
         "it was ended by signal 9; the last it wrote to stderr: Segmentation"),
        (["ask()", "os.close(1)", "time.sleep(60)"], "it closed its standard output"),
        (["ask()", "print('thinking', file=sys.stderr)", "time.sleep(60)"],
         "it has not answered within 0.5 s; the last it wrote to stderr: thinking"),
        (["ask()", "while True: print('x', file=sys.stderr)"],
         "it has not answered within 0.5 s; the last it wrote to stderr: x"),
        (["ask()", "print('Warning: old OpenSSL')"], 'expected a JSON object in a line, found "Warning: old OpenSSL"'),
        (["ask()", "print('[1]')"], 'expected a JSON object in a line, found "[1]"'),
        (["ask()", "print('{\"a\": NaN}')"], 'expected a JSON object in a line, found "{\\"a\\": NaN}"'),
        (["ask()", "print('[' * 100000)"], f'expected a JSON object in a line, found "{"[" * 144} ... {"[" * 49}"'),
        (["ask()", "say(id=9, outcome={})"], 'expected the answer to 1, found {"id": 9, "outcome": {}}'),
        (["ask()", "say(id=1, error='no module')"], "no module"),
        (["ask()", "say(id=1, outcome=5)"], 'expected an outcome, found {"id": 1, "outcome": 5}'),
        (["ask()", "say(call=['JobReport', 'x', []])"],
         'expected the answer to 1, found {"call": ["JobReport", "x", []]}'),
        (["ask()", "say(set=['FileReport', 'force', 1])"],
         'expected the answer to 1, found {"set": ["FileReport", "force", 1]}'),
    ],
)  # fmt: skip
def test_a_port_that_breaks_is_broken(lines, complaint):
    with port(*lines, seconds=0.5).session() as started:
        assert broken(started) == f"The port mine broke: {complaint}"


def test_a_line_without_end_is_not_collected_for_ever(monkeypatch):
    monkeypatch.setattr(json_lines, "_LONGEST", 1000)
    with port("ask()", "print('x' * 2000, end='')", "time.sleep(60)").session() as started:
        assert broken(started) == "The port mine broke: it wrote a line of more than 1,000 bytes"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ended", "stopped"), ("ended", None),
        ("steps", None), ("steps", ["a"]), ("steps", [["a", "b", {}, None]]), ("steps", [["a", "b", []]]),
        ("attributes", []),
        ("request", []), ("request", {"Operations": None}), ("request", {}), ("request", {"Operations": ["x"]}),
        ("request", {"Operations": [{"Type": "x", "Files": []}]}),
        ("request", {"Operations": [{"Type": "x", "Arguments": None, "Files": ["/vo/a"]}]}),
        ("request", {"Operations": [{"Type": "x", "Arguments": None, "Files": [{"PFN": "/vo/a"}]}]}),
        ("files", []), ("files", {"a": 1}),
    ],
)  # fmt: skip
def test_an_outcome_that_is_none_is_refused(field, value):
    """What clauses take for granted is checked; the schema refuses the same."""
    data = FULL | {field: value}
    with pytest.raises(ProcessError) as caught:
        from_json(data)
    assert str(caught.value) == f"expected an outcome, found {field} {json.dumps(value)}"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"id": 1, "outcome": data}, SCHEMA)


def test_what_a_port_does_not_say_is_absent():
    request = {"Operations": [{"Type": "x", "Arguments": None, "Files": [{"LFN": "/a"}]}]}
    outcome = from_json(FULL | {"request": request, "attributes": {"jobID": 7}, "steps": [["a", "b", [1], 2]]})
    assert outcome.attributes == dict.fromkeys(ATTRIBUTES, "(absent)") | {"jobID": 7}
    assert outcome.steps == (Call("a", "b", [1], 2),)
    assert outcome.request == {
        **dict.fromkeys(("RequestName", "JobID", "SourceComponent", "Owner", "OwnerGroup"), "(absent)"),
        "Operations": [{
            "Type": "x", "Status": None, "Arguments": None, "SourceSE": None, "TargetSE": None, "Catalog": None,
            "Error": None, "Files": [{
                "LFN": "/a", "PFN": None, "ChecksumType": None, "Checksum": None, "GUID": None, "Size": None,
                "Status": None}]}],
    }  # fmt: skip
    bare = from_json({"ended": "raised", "attributes": {}, "steps": [], "files": {}})
    assert (bare.result, bare.request, bare.services) == (None, None, None)


def test_a_broken_port_is_started_again_a_few_times():
    """Each scenario that breaks it is broken; what it does in between counts."""
    with port(answers(1), "sys.exit(2)", restarts=2).session() as started:
        for _ in range(3):
            assert started.run(QUIET).attributes["jobID"] == 5
            assert "exit code 2" in broken(started)
        assert broken(started) == "The port mine broke too often to be started again"


def test_nothing_is_left_of_a_port(tmp_path):
    child = tmp_path / "child"
    lines = [
        "import subprocess",
        "p = subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(600)'])",
        f"open({str(child)!r}, 'w').write(str(p.pid) + ' ' + os.getcwd())",
        answers(),
    ]
    with port(*lines).session() as started:
        started.run(QUIET)
        pid, directory = child.read_text().split()
        assert os.path.isdir(directory)
    assert not os.path.exists(directory)
    stat = Path(f"/proc/{pid}/stat")
    assert eventually(lambda: not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z")


@pytest.mark.parametrize("more", [{}, {"PATH": "/mine"}])
def test_the_environment_of_an_adapter_is_added(more):
    line = f"say(id=ask()['id'], outcome=dict({FULL!r}, result=[os.environ['MINE'], os.environ['PATH']]))"
    assert run(line, environment={"MINE": "x", **more}).result == ["x", more.get("PATH", os.environ["PATH"])]


def test_streams_are_served_together():
    """A port that writes much to stderr before it reads, and answers at length, blocks nobody."""
    large = Scenario(collaborators=SCRIPTED, workflow_commons={"x": "y" * 300_000})
    lines = [
        "sys.stderr.write('e' * 300000)",
        "size = len(ask()['run']['workflow_commons']['x'])",
        f"say(id=1, outcome=dict({FULL!r}, result=[size, 'z' * 300000]))",
        "os.close(2)",
        answers(),
    ]
    with port(*lines).session() as started:
        assert started.run(large).result == [300_000, "z" * 300_000]
        assert started.run(QUIET).result is None


def test_messages_wait_for_each_other(tmp_path):
    """Nothing is sent before an answer is waited for, and then all of it, in order."""
    program = "for _ in range(2): print(input())"
    with closing(Process([sys.executable, "-u", "-S", "-c", program], str(tmp_path), os.environ)) as spoken:
        spoken.send({"a": 1})
        spoken.send({"b": 2})
        assert [spoken.receive(time.monotonic() + 60, "") for _ in range(2)] == [{"a": 1}, {"b": 2}]


def test_a_process_that_reads_no_more_is_noticed_when_it_ends(tmp_path):
    program = "import sys, os, time; os.close(0); print('{}', flush=True); sys.stdin = None; time.sleep(0.3)"
    with closing(Process([sys.executable, "-u", "-S", "-c", program], str(tmp_path), os.environ)) as spoken:
        assert spoken.receive(time.monotonic() + 60, "") == {}
        spoken.send({"x": 1})
        with pytest.raises(ProcessError, match="it ended with exit code 0"):
            spoken.receive(time.monotonic() + 60, "")


# Calls


def test_what_a_port_asks_for_is_what_was_done():
    """Steps, files, collaborators and services are seen by the host, whatever the port says of them."""
    scenario = Scenario(
        collaborators=SCRIPTED, reported={"/vo/a": "Problematic"}, records=2,
        answers={"FileReport.commit": ("s_error",), "JobReport.setApplicationStatus": ("raises=ValueError:boom",)},
    )  # fmt: skip
    claims = FULL | {"steps": [["x", "y", [], None]], "files": {"lie": ""}, "services": {"a": 1}}
    lines = [
        "n = ask()['id']", "seen = []",
        "def call(*c): say(call=c); seen.append(ask())",
        "call('module', '_execute', [])", "call('FileReport', 'getFiles', [])",
        "say(set=['FileReport', 'force', True])",
        "call('FileReport', 'commit', [])", "call('JobReport', 'setApplicationStatus', ['x', True])",
        "open('mine', 'w').write('2026-01-01 12:00:00')",
        f"say(id=n, outcome=dict({claims!r}, result=seen))", "time.sleep(60)",
    ]  # fmt: skip
    before = os.getcwd()
    outcome = run(*lines, capabilities=["calls"], scenario=scenario)
    assert os.getcwd() == before
    assert outcome.steps == (
        Call("module", "_execute", [], None),
        Call("FileReport", "getFiles", [], "ok"),
        Call("FileReport", "commit", [], "s_error"),
        Call("JobReport", "setApplicationStatus", ["x", True], "raises=ValueError:boom"),
    )
    assert outcome.result[1] == {"answer": {"/vo/a": "Problematic"}}
    assert (outcome.result[2]["answer"]["OK"], outcome.result[2]["answer"]["Message"]) == (False, "refused")
    assert outcome.result[3] == {"raises": {"exception": "ValueError", "args": ["boom"]}}
    assert (outcome.files, outcome.services) == ({"mine": "<time>"}, None)
    assert outcome.attributes["FileReport"] == {
        "transformation": None, "force": True, "statusDict": {"/vo/a": "Problematic"}
    }  # fmt: skip
    assert outcome.attributes["JobReport"] == {"jobID": 77, "statuses": ["x"], "parameters": []}
    assert outcome.attributes["AccountingReport"] == {"records": 2}
    for message in outcome.result:
        jsonschema.validate(message, SCHEMA)


def test_a_port_finds_what_lies_there_before():
    """In the directory in which it works, and nothing else; what it leaves is seen, and taken away."""
    result = "[sorted(os.listdir()), open('old').read() if os.path.exists('old') else None]"
    line = f"say(id=ask()['id'], outcome=dict({FULL!r}, result={result}))"
    with port(*[line] * 2, capabilities=["calls"]).session() as started:
        first = started.run(Scenario(collaborators=SCRIPTED, files={"old": "old"}))
        second = started.run(QUIET)
    assert (first.result, first.files) == ([["old"], "[]"], {"old": "[]"})
    assert (second.result, second.files) == ([[], None], {})


def test_the_same_time_is_the_same_wherever_it_is_seen():
    """In files, in what collaborators hold, and in calls: stamps are numbered once."""
    host = Host(QUIET)
    host.call(["JobReport", "setApplicationStatus", ["2026-01-01 12:00:00.000002", True]])
    assert host.scrubber.text("2026-01-01 12:00:00.000001") == "<T1>"
    outcome = host.outcome(OUTCOME, {})
    assert outcome.steps == (Call("JobReport", "setApplicationStatus", ["<T2>", True], "ok"),)
    assert (*host.scrubber.stamps,) == ("2026-01-01 12:00:00.000001", "2026-01-01 12:00:00.000002")


def test_what_the_host_has_seen_need_not_be_said():
    host, said = Host(QUIET), {"steps": 5, "files": None, "services": 5}
    assert host.outcome(OUTCOME | said, {"a": "b"}) == host.outcome(OUTCOME, {"a": "b"})


@pytest.mark.parametrize(("kind", "there"), [("live", True), ("missing", True), ("scripted", False), ("none", False)])
def test_services_are_there_for_whoever_may_call_them(kind, there):
    """A module makes itself the client that is missing."""
    outcome = Host(Scenario(collaborators={"JobReport": kind})).outcome(OUTCOME, {})
    assert (outcome.services is not None) is there


def test_services_can_be_called_too():
    host = Host(Scenario(server_files={"/vo/a": "Assigned"}, collaborators={"JobReport": "live"}))
    service = "Transformation/TransformationManager"
    answer = host.call([service, "setFileStatusForTransformation", [12, {"100": ["Processed", False]}]])["answer"]
    assert (answer["OK"], answer["Value"]) == (True, None)
    outcome = host.outcome(OUTCOME, {})
    assert [step[:2] for step in outcome.steps] == [("transformation", "setFileStatusForTransformation")]
    assert "Processed" in json.dumps(outcome.services)


def test_a_port_may_ask_its_request_for_a_scripted_answer():
    """Where nothing is scripted, it does what it always does, and nobody writes it down."""
    assert Host(QUIET).call(["Request", "toJSON", []]) == {"answer": {"OK": True, "Value": None}}
    scripted = Host(Scenario(collaborators=SCRIPTED, answers={"Request.getDigest": ("raises=GracefulTermination:b",)}))
    assert scripted.call(["Request", "getDigest", []]) == {
        "raises": {"exception": "GracefulTermination", "args": ["b"]}
    }
    assert scripted.outcome(OUTCOME, {}).steps == (
        Call("Request", "getDigest", [], "raises=GracefulTermination:b"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "fields"),
    [("JobReport", ("ForwardDISET", "job report", [])), ("FileReport", ("SetFileStatus", "file report", []))],
)
def test_an_operation_arrives_as_its_fields(name, fields):
    host = Host(Scenario(collaborators=SCRIPTED, answers={f"{name}.generateForwardDISET": ("operation",)}))
    value = host.call([name, "generateForwardDISET", []])["answer"]["Value"]
    assert (value["Type"], value["Arguments"], value["Files"]) == fields
    jsonschema.validate({"id": 1, "outcome": FULL | {"request": {"Operations": [value]}}}, SCHEMA)


def test_what_is_not_there_raises_as_it_would_for_a_module():
    """A port that calls it diverges; it is not broken."""
    host = Host(Scenario(collaborators={"JobReport": "scripted"}))
    for call, name in [
        (["AccountingReport", "commit", []], "AttributeError"),
        (["JobReport", "frobnicate", []], "AttributeError"),
        (["JobReport", "statuses", []], "TypeError"),
        (["JobReport", "setApplicationStatus", []], "TypeError"),
    ]:
        assert host.call(call)["raises"]["exception"] == name


@pytest.mark.parametrize(
    "call",
    [["Clock", "now", []], ["module", "run", []], ["JobReport", "_script", []], ["JobReport", "commit"], "JobReport",
     ["Request", "toJSON", [1]], ["Request", "other", []], ["System/Service", "x", []], ["a", "b", {}]],
)  # fmt: skip
def test_calls_of_nothing_that_a_module_knows_break_the_port(call):
    """Services are called by the names that they have, where there are any."""
    scenario = Scenario() if "Clock" in call else QUIET
    with pytest.raises(ProcessError) as caught:
        Host(scenario).call(call)
    assert str(caught.value) == f"it called {json.dumps(call)}, which is not there"


@pytest.mark.parametrize("assignment", [["FileReport", "statusDict", {}], ["JobReport", "force", 1], ["x"], 5])
def test_only_what_a_module_sets_can_be_set(assignment):
    with pytest.raises(ProcessError) as caught:
        Host(QUIET).set(assignment)
    assert str(caught.value) == f"it set {json.dumps(assignment)}, which cannot be set"
    with pytest.raises(ProcessError):
        Host(Scenario(collaborators={})).set(["FileReport", "force", True])


def test_a_port_that_breaks_in_the_middle_leaves_no_files():
    lines = ["ask()", "open('left', 'w').close()", "say(call=['Clock', 'now', []])", "time.sleep(60)"]
    with port(*lines, capabilities=["calls"]).session() as started:
        assert "Clock" in broken(started, Scenario(collaborators=SCRIPTED, files={"old": "old"}))
        assert os.listdir(started._place.path) == []


def test_a_port_that_removes_its_directory_gets_another_one():
    """Its process is started again there."""
    lines = ["m = ask()", "os.rmdir(os.getcwd())", f"say(id=m['id'], outcome={OUTCOME!r})", "time.sleep(60)"]
    with port(*lines, capabilities=["calls"]).session() as started:
        first = started._place.path
        assert started.run(QUIET).files == {}
        assert started._place.path != first
        assert started._process is None
        assert started.run(replace(QUIET, name="again")).files == {}


def test_a_supervisor_that_does_not_end_is_killed(monkeypatch):
    monkeypatch.setattr(json_lines, "_SECONDS", 0.2)
    with port("time.sleep(60)").session() as started:
        popen = started._process._popen
        os.kill(popen.pid, signal.SIGSTOP)
    assert popen.returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    ("scenario", "needed"),
    [
        (QUIET, set()),
        (Scenario(), {"services"}),
        (replace(QUIET, collaborators={"JobReport": "missing"}), {"services"}),
        (METHODS, {"methods"}),
        (replace(QUIET, hooks={"_execute": "ok"}), {"hooks"}),
        (replace(QUIET, earlier=({},)), {"hooks"}),
        (replace(QUIET, subject="base"), {"hooks"}),
        (replace(METHODS, subject="base"), {"hooks", "methods"}),
    ],
)
def test_a_port_is_asked_only_what_it_supports(scenario, needed):
    """Services, single methods, and modules that somebody derives, are capabilities."""
    started = SubprocessDriver(["x"])
    for missing in CAPABILITIES:
        started.capabilities = CAPABILITIES.keys() - {missing}
        assert started.supports(scenario) is (missing not in needed)


# Version 2


@pytest.mark.parametrize(
    "hello",
    [
        {"protocol": 1, "name": "x", "version": "", "capabilities": ["calls", "services"]},
        {"protocol": 2, "name": "x", "version": "", "capabilities": list(CAPABILITIES)},
    ],
)
def test_the_schema_knows_both_versions(hello):
    """What a version lacks is no capability of it."""
    jsonschema.validate({"hello": hello}, SCHEMA)
    for wrong in ({"capabilities": ["magic"]}, {"protocol": 3}, {"protocol": 1, "capabilities": ["methods"]}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"hello": hello | wrong}, SCHEMA)


@pytest.mark.parametrize("page", ["ports.md", "howto/write-an-adapter.md"])
def test_the_conversations_of_the_pages_are_true(page):
    """Their messages are those of the schema, and the host answers as they say."""
    lines = re.findall(r"^ +(\{.*\})$", (DOCS.parent / page).read_text(), re.MULTILINE)
    messages = [json.loads(line) for line in lines]
    host, called = Host(QUIET), 0
    for message, reply in zip(messages, [*messages[1:], {}], strict=True):
        jsonschema.validate(message, SCHEMA)
        if "run" in message:
            host = Host(Scenario.from_json(message["run"]))
        if "set" in message:
            host.set(message["set"])
        if "call" in message:
            called += 1
            assert host.call(message["call"]) == reply
    assert called


def test_a_port_of_version_1_works_as_before():
    assert run(answers(), hello=HELLO.replace('"protocol": 2', '"protocol": 1')).attributes["jobID"] == 5


def test_methods_are_called_one_by_one():
    """The port is told which; the host sees what they ask for, and each has a result."""
    scenario = replace(METHODS, answers={"JobReport.setApplicationStatus": ("raises=ValueError",)})
    lines = [
        "m = ask()",
        "def call(name, args): say(call=['JobReport', name, [*args, True]]); return ask()",
        "told = [call(name, args).get('raises') for name, args in m['run']['calls']]",
        f"say(id=m['id'], outcome=dict({OUTCOME!r}, ended='raised', result=told))",
    ]
    outcome = run(*lines, capabilities=["calls", "methods"], scenario=scenario)
    wanted = expected(scenario)
    assert (outcome.ended, outcome.result, outcome.steps) == (wanted.ended, wanted.result, wanted.steps)
    assert outcome.result == [None, {"exception": "ValueError", "args": []}]
    jsonschema.validate({"id": 1, "outcome": OUTCOME | {"ended": "raised", "result": outcome.result}}, SCHEMA)


@pytest.mark.parametrize("result", [None, {"OK": True}, [], [None], [None] * 3])
@pytest.mark.parametrize("capabilities", [["methods"], ["calls", "methods"]])
def test_a_port_without_a_result_of_each_call_is_broken(result, capabilities):
    wanted = "expected a list with a result of each of the 2 calls, found"
    with port(answers(1, FULL | {"result": result}), capabilities=capabilities).session() as started:
        assert broken(started, METHODS) == f"The port mine broke: {wanted} {json.dumps(result)}"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("ok", {"answer": {"OK": True, "Value": None}}),
        ("bad_shape=null", {"answer": None}),
        ('bad_shape={"OK": 0}', {"answer": {"OK": 0}}),
        ("s_error=full", {"answer": {"OK": False, "Errno": 0, "Message": "full", "CallStack": []}}),
        ("raises=GracefulTermination:enough", {"raises": {"exception": "GracefulTermination", "args": ["enough"]}}),
        ("raises=RuntimeError:full:28", {"raises": {"exception": "RuntimeError", "args": ["full", 28]}}),
        ("raises=SystemExit", {"raises": {"exception": "SystemExit", "args": []}}),
    ],
)
def test_the_host_answers_what_a_replaced_hook_does(text, answer):
    """The port's own hook is not run; each call of either is a step."""
    host = Host(replace(QUIET, hooks={"_execute": text}))
    for hook, wanted in (("_initialize", {"answer": None}), ("_execute", answer)):
        assert host.call(["module", hook, []]) == wanted
    jsonschema.validate(answer, SCHEMA)
    assert host.outcome(OUTCOME, {}).steps == (
        Call("module", "_initialize", [], None), Call("module", "_execute", [], None)
    )  # fmt: skip


def test_each_module_of_a_step_has_its_own_hooks():
    """A module begins with the hook that finds its collaborators; the last one may be executed again."""
    earlier = ({"hooks": {"_execute": "bad_shape=1", "_finalize": "bad_shape=2"}}, {"subject": "base"})
    host = Host(replace(QUIET, earlier=earlier, hooks={"_execute": "bad_shape=3"}, executions=2))
    answers = [
        [host.call(["module", hook, []])["answer"] for hook in ("_resolveInputVariables", "_execute", "_finalize")]
        for _ in range(4)
    ]
    assert answers == [[None, 1, 2], [None, None, None], [None, 3, None], [None, 3, None]]


# Templates


@pytest.fixture(params=["python", pytest.param("node", marks=NODE)])
def template(request):
    """Each template of a port, in a session."""
    with Target(str(DOCS / f"{request.param}.toml")).port().session() as started:
        assert started.name == TEMPLATES[request.param]
        yield started


@pytest.mark.ci
def test_a_template_runs_and_diverges(template):
    """It is a port that is not finished, and not a broken one: in every scripted region, and nowhere as expected."""
    for region in (space.IDENTITY, space.INPUTS, space.ANSWERS):
        for scenario in first_of(region, 20):
            assert differences(template.run(scenario), expected(scenario))
    for text in ("", "x9"):
        assert template.run(Scenario(environment={"JOBID": text}, collaborators=SCRIPTED)).ended == "returned"


def test_a_template_is_asked_for_single_methods(template):
    """It reports statuses and parameters as the contract says, and says of other methods that it has none."""
    calls = (
        ["setJobParameter", [1, 2.5]],
        ["setJobParameter", [], {"sendFlag": False, "value": "x", "name": "CPU"}],
        ["setApplicationStatus", ["half done", False]],
        ["setApplicationStatus", [], {"status": "done"}],
    )
    scenario = replace(METHODS, calls=calls)
    refused = replace(scenario, answers={"JobReport.setJobParameter": ("ok", "raises=ValueError:boom")})
    for asked in (scenario, refused, replace(scenario, attributes=METHODS.attributes | {"jobID": 0})):
        assert template.supports(asked)
        outcome, wanted = template.run(asked), expected(asked)
        assert (outcome.ended, outcome.steps) == (wanted.ended, wanted.steps)
    assert template.run(refused).result[1] == {"exception": "ValueError", "args": ["boom"]}
    other = template.run(replace(scenario, calls=(["getCandidateFiles", [[], [], ""]],)))
    assert (other.ended, other.result[0]["exception"]) == ("raised", "AttributeError")
    assert not template.supports(replace(scenario, subject="base"))


# Verified


def verified(capsys, *arguments, shard="1/150"):
    """What 'verify' says of a few scenarios of a small region."""
    code = main(["verify", *arguments, "--region", "identity", "--shard", shard, "--workers", "1"])
    return code, capsys.readouterr()


@pytest.mark.ci
def test_a_port_of_another_environment_conforms_or_diverges(capsys):
    code, output = verified(capsys, "reference", "--python", sys.executable)
    assert (code, "conforms" in output.out) == (Exit.OK, True)
    code, output = verified(capsys, str(DOCS / "python.toml"))
    assert (code, "python 0.1 diverges" in output.out) == (Exit.DIFFERS, True)
    assert f"dirac-failover verify {DOCS / 'python.toml'} --clause" in output.out
    assert verified(capsys, str(DOCS / "python.toml"), "--region", "services")[0] == Exit.DIFFERS


@pytest.mark.ci
def test_a_port_of_version_1_diverges(capsys, tmp_path):
    """Some clauses are unchecked; the same port is asked about them when it speaks version 2."""
    program = (
        "from dirac_failover.drivers import port_server as server; "
        "server.SPEAKS = {'protocol': 1, 'capabilities': ['services']}; server.main(['reference'])"
    )
    file = tmp_path / "old.toml"
    file.write_text(f'name = "old"\ncommand = ["{{python}}", "-c", "{program}"]')
    asked = (str(file), "--region", "reports")
    code, output = verified(capsys, *asked, "--json", shard="1/50")
    clauses = json.loads(output.out)["clauses"]
    unchecked = [
        clause["id"] for clause in clauses if clause["verdict"] == "unchecked" and clause["level"] != "lossless"
    ]
    assert (code, unchecked[:3]) == (Exit.DIFFERS, ["CO-022", "CO-023", "DI-001"])
    assert "held" in {clause["verdict"] for clause in clauses}
    code, output = verified(capsys, "reference", "--python", sys.executable, *asked[1:], shard="1/50")
    assert (code, "unchecked" in output.out) == (Exit.OK, False)
    assert re.search("✓ CO-023 +held", output.out)


def test_a_port_that_breaks_has_no_clauses(capsys, tmp_path):
    file = tmp_path / "broken.toml"
    file.write_text('command = ["{python}", "-c", "raise SystemExit(3)"]')
    code, output = verified(capsys, str(file))
    assert code == Exit.BROKEN
    assert output.err.count("\n") == 1
    assert "cannot be started: it ended with exit code 3" in output.err
