"""The port: what it lays out for a module, what it sees afterwards, and that it leaves nothing behind."""

import datetime as dt
import errno
import gc
import json
import logging
import os
import re
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock
from weakref import ref

import pytest

from dirac_failover import clock
from dirac_failover.drivers import in_process as module
from dirac_failover.drivers.in_process import InProcessDriver
from dirac_failover.drivers.observe import ATTRIBUTES, HELD, HOOKS
from dirac_failover.drivers.setup import ExampleRecord, seed
from dirac_failover.errors import AstrayWarning, Interrupted
from dirac_failover.spec.observation import Call
from dirac_failover.spec.scenario import Scenario

ALL_SCRIPTED = dict.fromkeys(("JobReport", "FileReport", "AccountingReport", "Request"), "scripted")
FORWARD = {"Type": "ForwardDISET", "Arguments": "x"}


@pytest.fixture
def port(implementation):
    """The FailoverRequest of each implementation, in a session."""
    with InProcessDriver(implementation).session() as started:
        yield started


@pytest.fixture
def running(reference):
    """Run scenarios with a module of the test: ``running(execute, *scenarios)``, with ``execute(module)``.

    A failed assertion in there is the test's, and not what the port is to observe.
    """

    def run(execute, *scenarios, implementation=reference):
        failed = []

        class Mine(implementation.ModuleBase):
            def execute(self):
                try:
                    return execute(self)
                except (AssertionError, pytest.fail.Exception) as error:
                    failed.append(error)

        with InProcessDriver(implementation, Mine).session() as started:
            outcomes = [started.run(scenario) for scenario in scenarios]
        if failed:
            raise failed[0]
        return outcomes

    return run


def methods(outcome):
    return [(step.target, step.method) for step in outcome.steps]


# What is laid out


def test_a_module_finds_what_the_scenario_says(running):
    scenario = Scenario(
        environment={"JOBID": "5", "OTHER": "x"},
        attributes={"STEP_NUMBER": "2", "own": {"a": [1]}},
        workflow_commons={"deep": {"a": [1]}},
        step_commons={"deep": [[1]]},
        collaborators={"JobReport": "none", "FileReport": "missing"},
    )
    seen = []

    def execute(mine):
        seen.append(json.loads(json.dumps([mine.STEP_NUMBER, mine.own, mine.workflow_commons, mine.step_commons])))
        seen.append({name: os.environ.get(name) for name in ("JOBID", "OTHER")})
        mine.own["a"].append(2)
        mine.workflow_commons["deep"]["a"].append(2)
        mine.step_commons["deep"][0].append(2)
        mine.step_commons["more"] = 1

    running(execute, scenario, scenario)
    first = [["2", {"a": [1]}, {"deep": {"a": [1]}, "JobReport": None}, {"deep": [[1]]}], {"JOBID": "5", "OTHER": "x"}]
    assert seen == first * 2


def test_environment_variables_are_those_of_one_scenario(running, monkeypatch):
    """JOBID is absent unless it is set; others are put back."""
    monkeypatch.setenv("OTHER", "before")
    seen = []
    environments = ({"OTHER": "x"}, {"JOBID": "6"}, {"NEW": "y"}, {"JOBID": "7"}, {}, {"JOBID": "8", "NEW": "z"}, {})
    scenarios = [Scenario(environment=environment) for environment in environments]
    running(lambda _: seen.append([os.environ.get(name) for name in ("JOBID", "OTHER", "NEW")]), *scenarios)
    assert seen == [
        [None, "x", None], ["6", "before", None], [None, "before", "y"], ["7", "before", None],
        [None, "before", None], ["8", "before", "z"], [None, "before", None],
    ]  # fmt: skip


def test_files_of_each_kind_are_laid_out(running):
    seen = []

    def execute(_):
        names = sorted(os.listdir())
        seen.append(names)
        if names:
            seen.append(Path("old").read_text())
            assert os.readlink("full") == "/dev/full"
            for name, number in (("directory", errno.EISDIR), ("full", errno.ENOSPC)):
                with pytest.raises(OSError, match=os.strerror(number)) as caught, open(name, "w") as file:
                    file.write("x")
                assert caught.value.errno == number

    kinds = {kind: kind for kind in ("old", "directory", "full")}
    outcome, second = running(execute, Scenario(files=kinds), Scenario())
    assert seen == [["directory", "full", "old"], "[]", []]
    assert outcome.files == {"directory": "<directory>", "full": "<link>", "old": "[]"}
    assert second.files == {}


def test_files_that_a_module_writes_are_seen(running):

    def execute(_):
        for name, data in (("b", b"x" * (3 << 20)), ("a", b"at 2026-01-02 03:04:05 \xff"), ("c", b"")):
            Path(name).write_bytes(data)

    (outcome,) = running(execute, Scenario())
    assert list(outcome.files) == ["a", "b", "c"]
    assert outcome.files == {"a": "at <time> \\xff", "b": "x" * (3 << 20), "c": ""}


def test_only_the_directory_of_the_run_is_emptied(running, tmp_path):
    """A module that goes to another directory loses nothing there, and the next scenario is in its own again."""
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "empty").mkdir()
    places = []

    def execute(_):
        places.append(os.getcwd())
        Path("left").write_text("x")
        os.chdir(tmp_path)

    with pytest.warns(AstrayWarning, match=f"in {tmp_path}, which is not its working directory"):
        first, second = running(execute, Scenario(), Scenario())
    assert places[0] == places[1] != str(tmp_path)
    assert first.files == second.files == {"left": "x"}
    assert sorted(os.listdir(tmp_path)) == ["empty", "precious"]


# Collaborators


def held(outcome):
    return {name: outcome.attributes[name] for name in HELD if name in outcome.attributes}


def test_collaborators_are_of_the_kind_that_is_asked_for(running):
    """Live ones are the implementation's own, scripted ones have its shape, none is None, and missing is not there."""
    seen = []
    kinds = ("live", "scripted", "none", "missing")
    names = ("JobReport", "FileReport", "AccountingReport", "Request")

    def execute(mine):
        seen.append([type(mine.workflow_commons.get(name, "missing")).__name__ for name in names])

    outcomes = running(execute, *(Scenario(collaborators=dict.fromkeys(names, kind)) for kind in kinds))
    assert seen == [
        ["JobReport", "FileReport", "DataStoreClient", "Request"],
        ["FakeJobReport", "FakeFileReport", "FakeDataStoreClient", "Request"],
        ["NoneType"] * 4,
        ["str"] * 4,
    ]
    commons = ["AccountingReport", "FileReport", "JOB_ID", "JobReport", "PRODUCTION_ID", "Request"]
    assert [outcome.attributes["workflow_commons"] for outcome in outcomes] == [commons] * 3 + [
        ["JOB_ID", "PRODUCTION_ID"]
    ]
    assert [outcome.request is None for outcome in outcomes] == [False, False, True, True]
    assert [outcome.services is None for outcome in outcomes] == [False, True, True, False]
    assert held(outcomes[2]) == held(outcomes[3]) == {}


def test_live_collaborators_hold_what_earlier_modules_left(port):
    scenario = Scenario(
        environment={"JOBID": " 78 "},
        attributes={},
        unsent_statuses=("half", "it's"),
        unsent_parameters={"CPU": "1", "MEM": "2"},
        reported={"/vo/a": "Problematic"},
        records=2,
    )
    outcome = port.run(scenario)
    assert (outcome.ended, outcome.result["exception"]) == ("raised", "AttributeError")
    found = held(outcome)
    record = ["StorageOccupancy", "<datetime>", "<datetime>", ["site", "endpoint", "SE", "alice", 59]]
    assert found["AccountingReport"] == {"_DataStoreClient__registersList": [record, record]}
    assert found["JobReport"]["appStatusInfo"] == [["half", "<T1>"], ["its", "<T2>"]]
    assert [list(pair) for pair in found["JobReport"]["jobParameters"]] == [["CPU", "1"], ["MEM", "2"]]
    assert (found["JobReport"]["jobID"], found["JobReport"]["source"]) == (78, "Job_78")
    assert found["JobReport"]["jobStatusInfo"] == []
    assert found["FileReport"] == {"transformation": 12, "force": False, "statusDict": {"/vo/a": "Problematic"}}
    assert methods(outcome) == []


def test_accounting_records_are_of_one_hour_and_sound():
    record = ExampleRecord()
    times = [dt.datetime.fromisoformat(text) for text in ("2026-01-01 11:00:00", "2026-01-01 11:59:00")]
    assert record.getValues() == ("StorageOccupancy", *times, ["site", "endpoint", "SE", "alice", 59])
    assert record.checkValues() == {"OK": True, "Value": None}
    assert [kind.__name__ for kind in type(record).__mro__][1] == "BaseAccountingType"


@pytest.mark.parametrize(("text", "number"), [(None, 0), ("", 0), ("x9", 0), ("\u00b2", 0), ("0", 0), (" 12 ", 12)])
def test_a_live_job_report_is_of_the_job_in_the_environment(port, text, number):
    environment = {} if text is None else {"JOBID": text}
    outcome = port.run(Scenario(environment=environment, attributes={}))
    assert outcome.attributes["JobReport"]["jobID"] == number


def test_scripted_collaborators_hold_what_they_are_given(port):
    scenario = Scenario(
        collaborators=ALL_SCRIPTED, attributes={}, reported={"/vo/a": "x"}, records=3, unsent_statuses=("lost",)
    )
    assert held(port.run(scenario)) == {
        "JobReport": {"jobID": 77, "statuses": [], "parameters": []},
        "FileReport": {"transformation": None, "force": False, "statusDict": {"/vo/a": "x"}},
        "AccountingReport": {"records": 3},
    }


OPERATION = {
    "Type": "RemoveFile", "Status": "Waiting", "Arguments": None, "SourceSE": None, "TargetSE": None, "Catalog": None,
    "Error": None,
}  # fmt: skip
FILE = {
    "LFN": "/vo/o", "PFN": None, "ChecksumType": None, "Checksum": None, "GUID": None, "Size": 0, "Status": "Waiting",
}  # fmt: skip


@pytest.mark.parametrize("kind", ["live", "scripted"])
def test_the_request_holds_what_earlier_modules_left(port, kind):
    operations = (
        {"Type": "RemoveFile", "Files": ["/vo/o", "/vo/p"], "TargetSE": "SE"},
        {"Type": "ForwardDISET", "ArgumentsHex": "61ff"},
    )
    scenario = Scenario(
        attributes={}, collaborators={"Request": kind}, operations=operations, owner=("bob", "vo_admin")
    )
    assert port.run(scenario).request == {
        "RequestName": None, "JobID": 0, "SourceComponent": None, "Owner": "bob", "OwnerGroup": "vo_admin",
        "Operations": [
            {**OPERATION, "TargetSE": "SE", "Files": [FILE, {**FILE, "LFN": "/vo/p"}]},
            {**OPERATION, "Type": "ForwardDISET", "Status": "Queued", "Arguments": "a\\xff", "Files": []},
        ],
    }  # fmt: skip


def test_a_request_without_proxy_belongs_to_nobody(port):
    for kind in ("live", "scripted"):
        request = port.run(Scenario(attributes={}, collaborators={"Request": kind}, owner=None)).request
        assert (request["Owner"], request["OwnerGroup"]) == (None, None)


def test_answers_of_the_request_are_scripted_method_by_method(port):

    def answered(**answers):
        given = {f"Request.{method}": (answer,) for method, answer in answers.items()}
        return port.run(Scenario(collaborators=ALL_SCRIPTED, operations=(FORWARD,), answers=given))

    def asked(outcome):
        return [step for step in outcome.steps if step.target == "Request"]

    outcome = answered(toJSON="ok", getDigest="raises=ValueError:late")
    assert outcome.files == answered().files != {}
    assert outcome.result["Message"] == {"exception": "ValueError", "args": ["late"]}
    assert asked(outcome) == [
        Call("Request", "toJSON", [], "ok"), Call("Request", "getDigest", [], "raises=ValueError:late"),
    ]  # fmt: skip
    assert asked(answered()) == []
    assert answered(toJSON="ok=[1]").files == {"12_34_request.json": "[1]"}
    assert answered(toJSON="s_error=no").result["Message"] == {"exception": "RuntimeError", "args": ["no"]}
    assert answered(getDigest="s_error=no").result["OK"] is True


def test_operations_of_scripted_reports_can_be_told_apart(port):
    answers = {
        "FileReport.commit": ("s_error",),
        "FileReport.generateForwardDISET": ("operation",),
        "JobReport.generateForwardDISET": ("operation",),
    }
    operations = port.run(Scenario(collaborators=ALL_SCRIPTED, answers=answers)).request["Operations"]
    assert [(item["Type"], item["Arguments"]) for item in operations] == [
        ("SetFileStatus", "file report"), ("ForwardDISET", "job report"),
    ]  # fmt: skip


# What is observed


def test_a_job_that_went_well_in_all_its_parts(port):
    outcome = port.run(Scenario.of_job(inputs=["/vo/a"]))
    assert (outcome.ended, outcome.result["OK"], outcome.files) == ("returned", True, {})
    assert methods(outcome) == [
        ("module", "_resolveInputVariables"), ("module", "_initialize"), ("module", "_setCommand"),
        ("module", "_executeCommand"), ("module", "_execute"), ("transformation", "getTransformationFiles"),
        ("transformation", "setFileStatusForTransformation"), ("job-state", "setJobStatusBulk"),
        ("module", "_finalize"), ("job-state", "setJobStatusBulk"), ("module", "finalize"),
    ]  # fmt: skip
    assert outcome.steps[0] == Call("module", "_resolveInputVariables", [], None)
    assert outcome.steps[7].args == [
        77, {"<T1>": {"Source": "Job_77", "ApplicationStatus": "Job Finished Successfully"}}, False,
    ]  # fmt: skip
    assert set(outcome.steps[7].result) == {"OK", "Value"}
    assert "Processed" in json.dumps(outcome.services)


def test_attributes_are_those_that_other_modules_may_read(port):
    outcome = port.run(Scenario(collaborators=ALL_SCRIPTED))
    assert list(outcome.attributes) == [*ATTRIBUTES, "workflow_commons", "JobReport", "FileReport", "AccountingReport"]
    expected = {
        "production_id": 12, "prod_job_id": 34, "jobID": 77, "step_number": 1, "step_id": "12_34_1", "jobType": "",
        "executable": "Unknown", "command": None, "applicationName": "Unknown", "applicationVersion": "Unknown",
        "applicationLog": "applicationLog.txt", "stepName": "failover", "inputDataType": "", "InputData": "",
        "inputDataList": [], "stepInputData": [], "appSteps": [], "outputDataFileMask": [],
        "workflowStatus": {"OK": True}, "stepStatus": {"OK": True},
    }  # fmt: skip
    assert {name: outcome.attributes[name] for name in ATTRIBUTES} == expected


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_whatever_escapes_is_the_outcome(running, kind):

    def execute(_):
        raise kind("out", 5)

    outcomes = running(execute, Scenario(), Scenario())
    assert [(outcome.ended, outcome.result) for outcome in outcomes] == [
        ("raised", {"exception": kind.__name__, "args": ["out", 5]})
    ] * 2


def test_a_signal_that_ends_the_command_is_no_outcome(running):
    """It goes through, though the module has nothing to do with it."""
    with pytest.raises(Interrupted):
        running(lambda _: (_ for _ in ()).throw(Interrupted), Scenario())


def test_what_is_never_the_same_is_left_out_of_results(running):
    failed, inner = {"OK": False, "Message": "m"}, {"OK": True, "Value": {"CallStack": 1}}
    hidden = [failed | {name: value} for name, value in (("CallStack", ["x"]), ("rpcStub", ()), ("ExecInfo", 1))]
    results = iter([*hidden, inner, "bare"])
    outcomes = running(lambda _: next(results), *[Scenario()] * 5)
    assert [outcome.result for outcome in outcomes] == [failed] * 3 + [inner, "bare"]


def test_a_module_can_be_executed_again(running):
    """The scenario says how often; the last end counts, but an exception is not forgotten."""
    execute = Mock(side_effect=[1, ValueError("second"), 3, 4])
    first, second, none = running(execute, *(Scenario(executions=number) for number in (2, 2, 0)))
    assert (first.ended, first.result["args"]) == ("raised", ["second"])
    assert (second.ended, second.result) == ("returned", 4)
    assert (none.ended, none.result, execute.call_count) == ("returned", None, 4)


def test_answers_of_services_are_scrubbed(port):
    outcome = port.run(Scenario.of_job(inputs=["/vo/a"], faults=["job-state:down"], records=1))
    answers = [step.result for step in outcome.steps if step.target != "module"]
    assert all("OK" in answer and not {"CallStack", "rpcStub", "ExecInfo"} & set(answer) for answer in answers)
    assert "2026-" not in json.dumps(answers)
    assert "<time>" in json.dumps(answers)


def test_a_request_that_lacks_something_lacks_it_in_the_outcome(running):
    (outcome,) = running(lambda mine: mine.workflow_commons.update(Request=[]), Scenario())
    names = ("RequestName", "JobID", "SourceComponent", "Owner", "OwnerGroup")
    assert outcome.request == {**dict.fromkeys(names, "(absent)"), "Operations": []}


def test_no_file_stays_open(running):

    def execute(_):
        for name in "abc":
            Path(name).write_text(name)

    before = len(os.listdir("/proc/self/fd"))
    running(execute, *[Scenario()] * 3)
    assert len(os.listdir("/proc/self/fd")) == before


def test_hooks_are_recorded_with_their_arguments_passed_on(running):
    made = []

    def execute(mine):
        made.append(mine)
        with pytest.raises(Exception, match=r"^mine$"):
            mine._finalize("mine")
        with pytest.raises(Exception, match=r"^other$"):
            mine._finalize(status="other")
        return mine.finalize()

    (outcome,) = running(execute, Scenario())
    assert methods(outcome) == [("module", "_finalize"), ("module", "_finalize"), ("module", "finalize")]
    assert [name for name in HOOKS if name in vars(made[0])] == []


def test_times_are_even_and_never_full_seconds(port):
    ends = [
        (port.run(Scenario(unsent_statuses=("a",), faults=("job-state:down",))), clock.utcnow(), clock.utcnow())
        for _ in range(2)
    ]
    assert ends[0] == ends[1]
    assert str(module._TickingClock()()) == "2026-01-01 12:00:00.000002"
    first = clock.utcnow()
    assert clock.utcnow() - first == dt.timedelta(microseconds=1)
    module._CLOCK.reset()
    assert str(clock.utcnow()) == "2026-01-01 12:00:00.000002"


def test_a_scenario_without_services_reaches_none(reference):
    """A client that is called all the same is the scenario's mistake, and loud."""
    with InProcessDriver(reference).session() as port:
        port.run(Scenario(collaborators=ALL_SCRIPTED))
        with pytest.raises(AssertionError) as caught:
            reference.JobStateUpdateClient().setJobStatusBulk(1, {}, False)
    service = "WorkloadManagement/JobStateUpdate"
    assert caught.value.args == (f"{service}.setJobStatusBulk was called in a scenario without services",)
    with pytest.raises(AssertionError):
        InProcessDriver(reference)._route("s", "m", ())


def test_calls_go_to_the_services_of_the_scenario_with_their_timeouts(reference):
    seen = []

    class World:
        def __call__(self, *args, **kwargs):
            seen.append((*args, kwargs))
            return {"OK": True, "Value": None}

    port = InProcessDriver(reference)
    port._world = World()
    with port.connected(None):
        reference.JobStateUpdateClient().setJobStatusBulk(1, {}, False)
    port._route("s", "m", (1,), timeout=5)
    assert seen == [
        ("WorkloadManagement/JobStateUpdate", "setJobStatusBulk", (1, {}, False), {"timeout": 600}),
        ("s", "m", (1,), {"timeout": 5}),
    ]
    port._route("s", "m", ())
    assert seen[2] == ("s", "m", (), {"timeout": 600})


def test_the_kit_is_connected_as_the_scenario_says(reference):
    seen = []

    @contextmanager
    def connect(_, **others):
        seen.append(others)
        yield

    port = InProcessDriver(replace(reference, connect=connect))
    with port.session():
        port.run(Scenario(collaborators=ALL_SCRIPTED))
        for owner in (("bob", "g"), None):
            port.run(Scenario(owner=owner, options={"a": "b"}))
            assert seen[-1].pop("sleep") == port._world.clock.sleep
    options = {"options": {"a": "b"}}
    assert seen == [{}, {"owner": "bob", "group": "g"} | options, {"owner": None, "group": None} | options]


def test_a_module_that_makes_a_request_of_its_own_makes_it_as_the_owner(reference):
    seen = []

    @contextmanager
    def connect(call, **others):
        seen.append(others)
        if others:
            with pytest.raises(AssertionError, match=r"^s.m was called in a scenario without services$"):
                call("s", "m", ())
        yield

    scenario = Scenario(collaborators=ALL_SCRIPTED, owner=("bob", "g"))
    with InProcessDriver(reference).session() as port:
        usual = port.run(scenario)
    with InProcessDriver(replace(reference, connect=connect, own_request=True)).session() as port:
        assert port.run(scenario) == usual
        port.run(replace(scenario, owner=None))
    assert seen == [{}, {"owner": "bob", "group": "g"}, {"owner": None, "group": None}]


def test_a_kit_may_need_more_than_a_scenario_says(running, reference):
    profile = replace(reference.profile, commons={"JobType": ["merge"], "JOB_ID": "1"}, owner="OwnerDN")
    implementation = replace(reference, profile=profile)
    seen = []

    def execute(mine):
        seen.append(dict(mine.workflow_commons))
        mine.workflow_commons["JobType"].append("changed")

    first, _ = running(execute, Scenario(), Scenario(), implementation=implementation)
    assert [(had["JobType"][0], len(had["JobType"]), had["JOB_ID"]) for had in seen] == [("merge", 2, "00000034")] * 2
    assert first.request["Owner"] == "alice"
    assert seen[0]["Request"].OwnerDN == "alice"


def test_a_module_without_all_hooks_is_run_all_the_same(reference):

    class Mine:
        def _execute(self):
            pass

        def execute(self):
            self._execute()

    with InProcessDriver(reference, Mine).session() as port:
        outcome = port.run(Scenario())
    assert (outcome.ended, methods(outcome)) == ("returned", [("module", "_execute")])
    assert outcome.attributes["jobID"] == "(absent)"


def test_sleeping_clients_do_not_hold_up_a_run(port):
    collaborators = {"JobReport": "live", "FileReport": "live", "AccountingReport": "live", "Request": "live"}
    faults = ("accounting:down", "requests:down")
    outcome = port.run(Scenario(collaborators=collaborators, records=1, faults=faults))
    assert ("requests", "putRequest") in methods(outcome)
    assert outcome.result["OK"] is True


# The services at the start


def test_services_are_as_the_scenario_finds_them():
    scenario = Scenario(
        environment={"JOBID": " 78 "},
        owner=("bob", "g"),
        server_files={"/vo/a": "MaxReset"},
        faults=("accounting:down",),
    )
    world = seed(scenario)
    assert "MaxReset" in json.dumps(world.snapshot())
    assert [str(fault) for fault in world.unfired()] == ["accounting:down"]
    assert (world.caller.username, world.caller.group) == ("bob", "g")
    assert [knows(world, number) for number in (77, 78)] == [False, True]
    usual = seed(Scenario(environment={"JOBID": "x"}, owner=None))
    assert (usual.caller.username, usual.caller.group) == ("alice", "vo_user")
    assert [knows(usual, number) for number in (77, 78)] == [True, False]
    assert knows(seed(Scenario(environment={})), 77)


def knows(world, number):
    """Whether the job is known."""
    answer = world("WorkloadManagement/JobStateUpdate", "setJobParameters", (number, [["a", "b"]]))
    return answer["OK"]


# The session


def surroundings():
    return os.getcwd(), os.environ.get("JOBID"), logging.root.manager.disable, clock.utcnow


@pytest.mark.parametrize("job", [None, "55"])
@pytest.mark.parametrize("fails", [False, True])
def test_a_session_leaves_the_process_as_it_was(reference, monkeypatch, job, fails):
    monkeypatch.delenv("JOBID", raising=False)
    monkeypatch.setattr(logging.root.manager, "disable", 5)
    if job:
        monkeypatch.setenv("JOBID", job)
    before = surroundings()
    inside = []
    try:
        with InProcessDriver(reference).session() as port:
            port.run(Scenario(environment={"JOBID": "77"}))
            inside += surroundings()
            assert os.listdir() == []
            Path("left").touch()
            _ = 1 / (not fails)
    except ZeroDivisionError:
        assert fails
    assert surroundings() == before
    assert inside[1:3] == ["77", logging.CRITICAL]
    assert not os.path.exists(os.path.dirname(inside[0]))
    assert re.search(r"/failover-\w+/run-\w+$", inside[0])
    assert inside[3] is not before[3]


@pytest.mark.parametrize(("before", "inside"), [((700, 11, 9), (50_000, 11, 9)), ((60_000, 5, 7), (60_000, 5, 7))])
def test_garbage_is_looked_for_seldom_in_a_session(reference, before, inside):
    usual = gc.get_threshold()
    gc.set_threshold(*before)
    try:
        with InProcessDriver(reference).session():
            assert gc.get_threshold() == inside
        assert gc.get_threshold() == before
    finally:
        gc.set_threshold(*usual)


def test_a_port_runs_the_module_that_it_is_given(implementation):
    with InProcessDriver(implementation, implementation.ModuleBase).session() as port:
        outcome = port.run(Scenario())
    assert outcome.result["Value"]["args"] == [f"{implementation.ModuleBase} correctly finalized"]


def test_a_hook_that_is_reached_by_super_alone_is_recorded(implementation):
    """Once, whoever defines it and whoever calls on: LHCbDIRAC's module ends by super().finalize()."""

    class Mine(implementation.ModuleBase):
        def execute(self):
            super().finalize()
            self._initialize()
            self._finalize(status="mine")

        def _initialize(self):
            super()._initialize()

        def _finalize(self, status):
            super()._finalize(status=status)

    before = vars(implementation.ModuleBase)["finalize"]
    with InProcessDriver(implementation, Mine).session() as port:
        for _ in range(2):
            outcome = port.run(Scenario())
            hooks = [step.method for step in outcome.steps if step.target == "module"]
            assert hooks == ["finalize", "_initialize", "_finalize"]
            assert outcome.result == {"exception": "GracefulTermination", "args": ["mine"]}
    assert vars(implementation.ModuleBase)["finalize"] is before


@pytest.mark.parametrize("hook", ["_execute", "finalize"])
def test_an_exception_does_not_keep_its_frames(implementation, hook):
    """Neither one that becomes the result nor one that escapes: as garbage they would cost more than the run."""
    locals_of_hooks = []

    def failing(_):
        canary = type("Canary", (), {})()
        locals_of_hooks.append(ref(canary))
        raise ValueError("boom")

    scripted = dict.fromkeys(("JobReport", "FileReport", "Request"), "scripted")
    mine = type("Mine", (implementation.ModuleBase,), {hook: failing})
    gc.collect()
    gc.disable()
    try:
        with InProcessDriver(implementation, mine).session() as port:
            outcome = port.run(Scenario(collaborators=scripted))
    finally:
        gc.enable()
    assert outcome.ended == ("raised" if hook == "finalize" else "returned")
    assert [canary() for canary in locals_of_hooks] == [None]
