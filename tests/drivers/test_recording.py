import math
from datetime import datetime
from itertools import islice
from unittest.mock import Mock

import pytest

from dirac_failover.drivers.in_process import InProcessDriver
from dirac_failover.drivers.recording import PLAIN, Recorder, Tape, record
from dirac_failover.errors import PortBrokenError
from dirac_failover.spec import space
from dirac_failover.spec.compare import equal
from dirac_failover.spec.observation import Call
from dirac_failover.spec.scenario import Scenario
from dirac_fakes import World

TRANSFORMATION = "Transformation/TransformationManager"
FINAL = "Workflow successful, end of FailoverRequest module execution."
PLAIN_JOB = Scenario()
SCRIPTED = dict.fromkeys(("JobReport", "FileReport", "AccountingReport", "Request"), "scripted")
MISSING = dict.fromkeys(SCRIPTED, "missing")
TRANSFORMATION_DOWN = Scenario.of_job(inputs=["/vo/a"], faults=["transformation:down"])


@pytest.fixture
def driver(implementation):
    with InProcessDriver(implementation).session() as driver:
        yield driver


def recorded(implementation, module, scenario=PLAIN_JOB):
    """The recording of a module of this class."""
    with InProcessDriver(implementation, module).session() as driver:
        return record(driver, scenario)


def outline(calls, depth=0):
    """One line for each call, indented by what called it."""
    lines = []
    for call in calls:
        lines += [f"{'  ' * depth}{call.target}.{call.method}", *outline(call.calls, depth + 1)]
    return lines


def test_each_call_stands_inside_the_one_that_made_it(driver):
    """Hooks in order, inside them what they asked of collaborators, inside that the calls to services."""
    assert outline(record(driver, TRANSFORMATION_DOWN).calls) == [
        "module._resolveInputVariables",
        "module._initialize",
        "module._setCommand",
        "module._executeCommand",
        "module._execute",
        "  FileReport.getFiles",
        "  FileReport.getFiles",
        "  FileReport.setFileStatus",
        "  FileReport.commit",
        "    transformation.getTransformationFiles",
        "  FileReport.generateForwardDISET",
        "    transformation.getTransformationFiles",
        "  Request.addOperation",
        "  JobReport.setApplicationStatus",
        "    job-state.setJobStatusBulk",
        "  module.generateFailoverFile",
        "    JobReport.generateForwardDISET",
        "    AccountingReport.commit",
        "    Request.toJSON",
        "    Request.getDigest",
        "module._finalize",
        "JobReport.setApplicationStatus",
        "  job-state.setJobStatusBulk",
        "module.finalize",
    ]


def test_collaborators_that_the_module_makes_itself_are_recorded_too(driver):
    """With none of them in workflow_commons the calls are the same, but for the accounting, which nobody makes."""
    scenario = Scenario.from_json({**TRANSFORMATION_DOWN.to_json(), "collaborators": MISSING})
    expected = outline(record(driver, TRANSFORMATION_DOWN).calls)
    expected.remove("    AccountingReport.commit")
    assert outline(record(driver, scenario).calls) == expected


def test_they_are_recorded_even_if_the_hook_that_made_them_fails(driver):
    """The failure is reported through one of them."""
    scenario = Scenario.from_json({"step_commons": {}, "collaborators": MISSING})
    assert outline(record(driver, scenario).calls) == [
        "module._resolveInputVariables",
        "JobReport.setApplicationStatus",
        "  job-state.setJobStatusBulk",
        "module.finalize",
    ]


def test_hooks_may_call_each_other(reference):
    """With arguments, by place and by name."""

    class Calls(reference.FailoverRequest):
        def _initialize(self):
            self._setCommand("one", by="two")

        def _setCommand(self, *args, **kwargs):
            return [args, kwargs]

    inner, outer = recorded(reference, Calls).calls[1:3]
    assert (inner.calls[0].args, inner.calls[0].kwargs) == (["one"], {"by": "two"})
    assert inner.calls[0].result == [["one"], {"by": "two"}]
    assert (outer.args, outer.kwargs) == ([], None)


def test_what_was_recorded_is_what_happened(driver):
    """Arguments, answers without stack and stub, exceptions, and whether a service did its work."""
    events = record(driver, TRANSFORMATION_DOWN).calls
    execute = events[4]
    assert execute._replace(calls=()) == Call("module", "_execute", [], None)
    said, commit = execute.calls[2:4]
    assert (said.args, said.result, said.applied) == ([12, "/vo/a", "Processed"], {"OK": True, "Value": None}, None)
    assert commit.result.keys() == {"OK", "Errno", "Message"}
    asked = commit.calls[0]
    assert asked.args[0] == {"TransformationID": 12, "LFN": ["/vo/a"]}
    assert "Connection refused" in asked.result["Message"]
    assert asked.applied is False
    operation = execute.calls[4].result["Value"]
    assert (operation["Type"], operation["Files"]) == ("SetFileStatus", [])
    assert (events[5].raised, events[5].result) == (True, {"exception": "GracefulTermination", "args": [FINAL]})
    assert events[6].calls[0].applied is True


def test_a_recording_holds_what_is_left_behind(driver):
    """How it ended, the raw text of the file, the collaborators, the operations, and the services."""
    recording = record(driver, TRANSFORMATION_DOWN)
    assert recording.scenario is TRANSFORMATION_DOWN
    done = recording.done
    assert done.ended == "returned"
    assert PLAIN.plain(done.result) == {"OK": True, "Value": {"exception": "GracefulTermination", "args": [FINAL]}}
    assert list(done.files) == ["12_34_request.json"]
    assert '"CreationTime": "2026-01-01 12:00:00"' in done.files["12_34_request.json"]
    assert [operation.Type for operation in done.commons["Request"]] == ["SetFileStatus"]
    assert done.commons["FileReport"].statusDict == {"/vo/a": "Processed"}
    assert done.world.transformation.statuses(12) == {"/vo/a": "Assigned"}
    assert (recording.job.job_id, recording.job.owner) == ("77", ("alice", "vo_user"))


def test_without_services_there_is_no_world(driver):
    """When every collaborator is scripted the calls to them are recorded, and end there."""
    recording = record(driver, Scenario.from_json({"collaborators": SCRIPTED}))
    assert recording.done.world is None
    assert outline(recording.calls)[5:8] == ["  FileReport.getFiles", "  FileReport.getFiles", "  FileReport.commit"]


def test_recording_changes_nothing(driver):
    """Over a sample of the space, what is observed of a recorded execution is what a plain one shows."""
    sample = list(islice(space.scenarios(), 0, None, 3001))
    assert len(sample) > 30
    assert all(equal(driver.look(record(driver, scenario).done), driver.run(scenario)) for scenario in sample)


def test_a_module_that_cannot_be_created_is_one_clear_error(reference):
    """It is the implementation that is broken."""

    class Broken(reference.FailoverRequest):
        def __init__(self):
            raise LookupError("no configuration")

    with pytest.raises(PortBrokenError) as caught:
        recorded(reference, Broken)
    assert str(caught.value) == "The module cannot be created: LookupError: no configuration"


def test_strange_modules_are_recorded(reference):
    """One that throws away its workflow_commons, one without generateFailoverFile, and what they pass by name."""

    class Strange:
        workflow_commons = None

        def execute(self):
            for hook in ("_resolveInputVariables", "_initialize", "_setCommand", "_executeCommand", "_execute"):
                getattr(self, hook)()
            return "done"

        def _resolveInputVariables(self):
            report = self.workflow_commons["JobReport"]
            report.setApplicationStatus(appStatus="fine", sendFlag=True)
            self.workflow_commons = "gone"

        def _initialize(self):
            return "initialised"

        _setCommand = _executeCommand = _execute = _finalize = finalize = _initialize

    recording = recorded(reference, Strange)
    assert recording.done.result == "done"
    assert outline(recording.calls)[:3] == [
        "module._resolveInputVariables",
        "  JobReport.setApplicationStatus",
        "    job-state.setJobStatusBulk",
    ]
    assert recording.calls[0].calls[0].args == []
    assert recording.calls[0].calls[0].kwargs == {"appStatus": "fine", "sendFlag": True}
    assert recording.calls[1].result == "initialised"


@pytest.mark.parametrize("error", [AttributeError, SystemExit])
def test_what_is_no_method_of_the_class_is_recorded_too(reference, error):
    """A function of the object itself, and another thing that can be called; the object need not give them back."""

    class Own(reference.FailoverRequest):
        _setCommand = Mock(return_value={"OK": True})

        def __init__(self):
            super().__init__()
            self._executeCommand = lambda *_: {"OK": True}

        def __delattr__(self, name):
            raise error(name)

    recording = recorded(reference, Own)
    assert recording.done.result["OK"]
    assert [call.method for call in recording.calls if call.target == "module"] == [
        "_resolveInputVariables", "_initialize", "_setCommand", "_executeCommand", "_execute", "_finalize", "finalize",
    ]  # fmt: skip


def test_a_recorder_can_watch_again(reference):
    recorder, kept = Recorder(reference), reference.JobReport.commit
    for _ in range(2):
        with recorder.watching():
            assert reference.JobReport.commit is not kept
        assert reference.JobReport.commit is kept


def test_plain_data_keeps_times_and_leaves_out_what_is_never_the_same():
    """Times stay as they are until the whole report numbers them; stacks and stubs go, at any depth."""
    time = datetime(2026, 1, 1, 12, 0, 0, 5)
    answer = {"OK": False, "CallStack": [1], "ExecInfo": (2,), "rpcStub": (3,), "Message": "2026-01-01 12:00:00"}
    assert PLAIN.plain([answer, {"Value": [answer]}, time, (1, b"x"), math.inf]) == [
        {"OK": False, "Message": "2026-01-01 12:00:00"},
        {"Value": [{"OK": False, "Message": "2026-01-01 12:00:00"}]},
        "2026-01-01 12:00:00.000005",
        [1, "x"],
        math.inf,
    ]
    assert PLAIN.plain({"rpcStub": 1}) == {}
    assert PLAIN.plain(["2026-01-01 12:00:00.000001", {"rpcStub": 1}]) == ["2026-01-01 12:00:00.000001", {}]


def test_a_tape_knows_what_is_going_on():
    """A target is inside while one of its calls, or a call that one made, has not come back."""
    tape = Tape()
    seen = tape.call("outer", "go", lambda: tape.call("inner", "go", lambda: (tape.inside("outer"), tape.inside("x"))))
    assert seen == (True, False)
    assert not tape.inside("outer")
    with pytest.raises(ZeroDivisionError):
        tape.call("outer", "fail", lambda: 1 / 0)
    assert not tape.inside("outer")
    assert outline(tape.calls) == ["outer.go", "  inner.go", "outer.fail"]
    assert tape.calls[0].result == [True, False]
    assert tape.calls[1].result == {"exception": "ZeroDivisionError", "args": ["division by zero"]}


def test_a_world_on_tape_answers_as_it_does():
    """The answer is handed on, with its stub; a service is known by its short name, also behind a URL."""
    world, tape = World(), Tape()
    route = tape.transport(world)
    arguments = (12, {"100": ["Unused", True]})
    answer = route(f"https://host/{TRANSFORMATION}", "setFileStatusForTransformation", arguments, timeout=5)
    assert answer["OK"]
    assert answer["rpcStub"][0][1]["timeout"] == 5
    assert route(TRANSFORMATION, "ping", ())["rpcStub"][0][1]["timeout"] == 600
    assert not route("Nowhere/Nothing", "ping", ())["OK"]
    targets = [("transformation", True), ("transformation", False), ("Nowhere/Nothing", False)]
    assert [(event.target, event.applied) for event in tape.calls] == targets
    assert tape.calls[0].args == [12, {"100": ["Unused", True]}]
    assert tape.calls[0].result == {"OK": True, "Value": None}


def test_a_service_that_raises_is_on_tape():
    """The exception goes on to the caller; a call that the wire could not carry reached no service."""
    world, tape = World(), Tape()
    world.arm("transformation.getTransformationFiles:raises=OSError: gone")
    route = tape.transport(world)
    with pytest.raises(OSError, match="gone"):
        route(TRANSFORMATION, "getTransformationFiles", ())
    with pytest.raises(TypeError):
        route(TRANSFORMATION, "getTransformationFiles", (object(),))
    kinds = [("OSError", False), ("TypeError", None)]
    assert [(event.result["exception"], event.applied) for event in tape.calls] == kinds
    assert not tape.inside("transformation")


def test_methods_that_are_called_instead_of_execute_are_recorded(driver):
    """With what they ask of collaborators; where execute calls such a method, its own row would say nothing more."""
    attributes = {"jobID": 77, "workflowStatus": {"OK": True}, "stepStatus": {"OK": True}}
    calls = (["setJobParameter", ["n", 3]], ["generateFailoverFile", []])
    scenario = Scenario(subject="base", attributes=attributes, calls=calls)
    assert outline(record(driver, scenario).calls) == [
        "module.setJobParameter",
        "  JobReport.setJobParameter",
        "    job-state.setJobParameters",
        "module.generateFailoverFile",
        "  JobReport.generateForwardDISET",
        "  AccountingReport.commit",
    ]
    assert "module.setApplicationStatus" not in outline(record(driver, TRANSFORMATION_DOWN).calls)


def test_a_hook_that_only_super_reaches_is_recorded(reference):
    """The methods of every class that a module inherits from are watched, each call once."""

    class Mine(reference.FailoverRequest):
        def _execute(self):
            super()._executeCommand()
            super()._execute()

    (execute,) = (call for call in recorded(reference, Mine).calls if call.method == "_execute")
    hooks = [call.method for call in execute.calls if call.target == "module"]
    assert hooks == ["_executeCommand", "generateFailoverFile"]


class Thing:
    def execute(self):
        return 1

    def setApplicationStatus(self):
        return 2


class Tight:
    __slots__ = ()

    def commit(self):
        return 3


def test_everything_is_as_it_was_when_nothing_is_watched_any_more(mocker, reference):
    """Methods are those of the class again, or a user's spy, whatever was watched meanwhile."""
    kinds = (Thing, Tight, reference.JobReport, reference.Request, reference.DataStoreClient)
    before = {kind: dict(vars(kind)) for kind in kinds}
    module = Thing()
    module.other = mocker.Mock(return_value=5)
    things = {"JobReport": Thing(), "FileReport": Thing(), "AccountingReport": Tight(), "Request": mocker.Mock()}
    module.workflow_commons = things
    spy = mocker.spy(things["FileReport"], "setApplicationStatus")
    own = dict(vars(module))
    recorder = Recorder(reference, ["execute", "other", "absent"])
    with recorder.watching():
        assert reference.JobReport.commit.__doc__ == before[reference.JobReport]["commit"].__doc__
        recorder.module(module)
        assert (module.execute(), module.other(6)) == (1, 5)
        assert [thing.setApplicationStatus() for thing in (*things.values(),)[:2]] == [2, 2]
        assert things["AccountingReport"].commit() == 3
        things["Request"].toJSON()
        del module.other
    module.other = own["other"]
    assert {kind: dict(vars(kind)) for kind in kinds} == before
    assert vars(module) == own
    assert vars(things["JobReport"]) == {}
    assert vars(things["FileReport"]) == {"setApplicationStatus": spy}
    assert [f"{call.target}.{call.method}" for call in recorder.calls] == [
        "module.execute", "module.other", "JobReport.setApplicationStatus", "FileReport.setApplicationStatus",
        "AccountingReport.commit",
    ]  # fmt: skip
    spy.assert_called_once_with()
