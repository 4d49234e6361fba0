from __future__ import annotations

import math
from dataclasses import FrozenInstanceError
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dirac_failover.drivers.in_process import InProcessDriver
from dirac_failover.drivers.recording import PLAIN, Event, Recorder, Tape, Watcher
from dirac_failover.errors import PortBrokenError
from dirac_failover.spec import space
from dirac_failover.spec.scenario import Scenario
from dirac_fakes import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_mock import MockerFixture

    from dirac_failover.drivers.implementations import Implementation

TRANSFORMATION = "Transformation/TransformationManager"
FINAL = "Workflow successful, end of FailoverRequest module execution."
TRANSFORMATION_DOWN = Scenario.of_job(inputs=["/vo/a"], faults=["transformation:down"])


@pytest.fixture
def recorder(kit: Implementation) -> Iterator[Recorder]:
    recorder = Recorder(kit)
    with recorder.session():
        yield recorder


def outline(events: list[Event], depth: int = 0) -> list[str]:
    """One line for each call, indented by what called it."""
    lines = []
    for event in events:
        lines += [f"{'  ' * depth}{event.target}.{event.method}", *outline(event.calls, depth + 1)]
    return lines


def test_each_call_stands_inside_the_one_that_made_it(recorder: Recorder) -> None:
    """Hooks in order, inside them what they asked of collaborators, inside that the calls to services."""
    assert outline(recorder.record(TRANSFORMATION_DOWN).events) == [
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


def test_collaborators_that_the_module_makes_itself_are_recorded_too(recorder: Recorder) -> None:
    """With none of them in workflow_commons the calls are the same, but for the accounting, which nobody makes."""
    missing = dict.fromkeys(("JobReport", "FileReport", "AccountingReport", "Request"), "missing")
    scenario = Scenario.from_json({**TRANSFORMATION_DOWN.to_json(), "collaborators": missing})
    expected = outline(recorder.record(TRANSFORMATION_DOWN).events)
    expected.remove("    AccountingReport.commit")
    assert outline(recorder.record(scenario).events) == expected


def test_they_are_recorded_even_if_the_hook_that_made_them_fails(recorder: Recorder) -> None:
    """The failure is reported through one of them."""
    missing = dict.fromkeys(("JobReport", "FileReport", "AccountingReport", "Request"), "missing")
    scenario = Scenario.from_json({"step_commons": {}, "collaborators": missing})
    assert outline(recorder.record(scenario).events) == [
        "module._resolveInputVariables",
        "JobReport.setApplicationStatus",
        "  job-state.setJobStatusBulk",
        "module.finalize",
    ]


def test_hooks_may_call_each_other(reference: Implementation) -> None:
    """With arguments, by place and by name."""

    class Calls(reference.FailoverRequest):
        def _initialize(self) -> None:
            self._setCommand("one", by="two")

        def _setCommand(self, *args: str, **kwargs: str) -> Any:
            return [args, kwargs]

    recorder = Recorder(reference, Calls)
    with recorder.session():
        inner, outer = (recorder.record(Scenario()).events[index] for index in (1, 2))
    assert (inner.calls[0].args, inner.calls[0].kwargs) == (["one"], {"by": "two"})
    assert inner.calls[0].answer == [["one"], {"by": "two"}]
    assert (outer.args, outer.kwargs) == ([], {})


def test_what_was_recorded_is_what_happened(recorder: Recorder) -> None:
    """Arguments, answers without stack and stub, exceptions, and whether a service did its work."""
    events = recorder.record(TRANSFORMATION_DOWN).events
    execute = events[4]
    assert (execute.args, execute.kwargs, execute.answer, execute.raised, execute.applied) == ([], {}, None, None, None)
    said, commit = execute.calls[2:4]
    assert (said.args, said.answer, said.applied) == ([12, "/vo/a", "Processed"], {"OK": True, "Value": None}, None)
    assert commit.answer.keys() == {"OK", "Errno", "Message"}
    asked = commit.calls[0]
    assert asked.args[0] == {"TransformationID": 12, "LFN": ["/vo/a"]}
    assert "Connection refused" in asked.answer["Message"]
    assert asked.applied is False
    operation = execute.calls[4].answer["Value"]
    assert (operation["Type"], operation["Files"]) == ("SetFileStatus", [])
    assert events[5].raised == {"exception": "GracefulTermination", "args": [FINAL]}
    assert events[6].calls[0].applied is True


def test_a_recording_holds_what_is_left_behind(recorder: Recorder) -> None:
    """How it ended, the raw text of the file, the collaborators, the operations, and the services."""
    recording = recorder.record(TRANSFORMATION_DOWN)
    assert recording.scenario is TRANSFORMATION_DOWN
    assert recording.ended == "returned"
    assert recording.result == {"OK": True, "Value": {"exception": "GracefulTermination", "args": [FINAL]}}
    assert list(recording.files) == ["12_34_request.json"]
    assert '"CreationTime": "2026-01-01 12:00:00"' in recording.files["12_34_request.json"]
    assert [operation["Type"] for operation in recording.operations] == ["SetFileStatus"]
    assert recording.commons["FileReport"].statusDict == {"/vo/a": "Processed"}
    assert recording.world is not None
    assert recording.world.transformation.statuses(12) == {"/vo/a": "Assigned"}


def test_what_is_no_file_is_named(recorder: Recorder) -> None:
    """A directory in the way, and a link to a full device, are files of a recording too."""
    for kind, shown in (("directory", "<directory>"), ("full", "<link>"), ("old", "[]")):
        scenario = Scenario.from_json({"files": {"12_34_request.json": kind}})
        assert recorder.record(scenario).files == {"12_34_request.json": shown}


def test_what_a_module_writes_is_read_as_it_is(reference: Implementation) -> None:
    """Links are named; bytes that are no text are escaped, and line ends are kept."""

    class Writes(reference.FailoverRequest):
        def _initialize(self) -> None:
            Path("é").write_bytes(b"\xe2\x82\xac\xff\r\n")
            Path("link").symlink_to("é")

    recorder = Recorder(reference, Writes)
    with recorder.session():
        assert recorder.record(Scenario()).files == {"é": "€\\xff\r\n", "link": "<link>"}


def test_a_call_takes_the_time_that_its_client_gives_it(recorder: Recorder) -> None:
    """The timeout reaches the service."""
    scenario = Scenario.of_job(inputs=["/a"], faults=["transformation.getTransformationFiles:timeout@first=1"])
    recording = recorder.record(scenario)
    assert recording.world is not None
    assert recording.world.clock.slept == 1800


def test_collaborators_are_wrapped_once(recorder: Recorder) -> None:
    """Their public methods, however many hooks there are; a new execution starts anew."""
    for _ in range(2):
        report = recorder.record(TRANSFORMATION_DOWN).commons["JobReport"]
        assert report.commit.__wrapped__.__self__ is report
        assert not [name for name in vars(report) if name.startswith("__")]


def test_recordings_cannot_be_changed(recorder: Recorder) -> None:
    """They are values."""
    with pytest.raises(FrozenInstanceError):
        recorder.record(Scenario()).ended = "otherwise"  # type: ignore[misc]


def test_without_services_there_is_no_world(recorder: Recorder) -> None:
    """When every collaborator is scripted the calls to them are recorded, and end there."""
    scripted = dict.fromkeys(("JobReport", "FileReport", "AccountingReport", "Request"), "scripted")
    recording = recorder.record(Scenario.from_json({"collaborators": scripted}))
    assert recording.world is None
    assert outline(recording.events)[5:8] == ["  FileReport.getFiles", "  FileReport.getFiles", "  FileReport.commit"]
    assert recording.commons["FileReport"].statusDict == {}
    without_request = Scenario.from_json({"collaborators": {**scripted, "Request": "none"}})
    assert recorder.record(without_request).operations == []


def test_recording_changes_nothing(kit: Implementation) -> None:
    """Over a sample of the space a recorder observes exactly what a plain port observes."""
    plain, recorder = InProcessDriver(kit), Recorder(kit)
    sample = list(islice(space.scenarios(), 0, None, 3001))
    assert len(sample) > 30
    with plain.session():
        expected = [plain.run(scenario) for scenario in sample]
    with recorder.session():
        assert [recorder.run(scenario) for scenario in sample] == expected
        assert [recorder.run(scenario) for scenario in sample[:9] if recorder.record(scenario)] == expected[:9]


def test_a_module_that_cannot_be_created_is_one_clear_error(reference: Implementation) -> None:
    """It is the implementation that is broken."""

    class Broken(reference.FailoverRequest):
        def __init__(self) -> None:
            raise LookupError("no configuration")

    recorder = Recorder(reference, Broken)
    with recorder.session(), pytest.raises(PortBrokenError) as caught:
        recorder.record(Scenario())
    assert str(caught.value) == "The module cannot be created: LookupError: no configuration"


def test_strange_modules_are_recorded(reference: Implementation) -> None:
    """One that throws away its workflow_commons, one without generateFailoverFile, and what they pass by name."""

    class Strange:
        workflow_commons: Any = None

        def execute(self) -> Any:
            for hook in ("_resolveInputVariables", "_initialize", "_setCommand", "_executeCommand", "_execute"):
                getattr(self, hook)()
            return "done"

        def _resolveInputVariables(self) -> None:
            report = self.workflow_commons["JobReport"]
            report.setApplicationStatus(appStatus="fine", sendFlag=True)
            self.workflow_commons = "gone"

        def _initialize(self) -> str:
            return "initialised"

        _setCommand = _executeCommand = _execute = _finalize = finalize = _initialize

    recorder = Recorder(reference, Strange)
    with recorder.session():
        recording = recorder.record(Scenario())
    assert recording.result == "done"
    assert outline(recording.events)[:3] == [
        "module._resolveInputVariables",
        "  JobReport.setApplicationStatus",
        "    job-state.setJobStatusBulk",
    ]
    assert recording.events[0].calls[0].args == []
    assert recording.events[0].calls[0].kwargs == {"appStatus": "fine", "sendFlag": True}
    assert recording.events[1].answer == "initialised"


def test_services_cannot_be_called_where_there_are_none(reference: Implementation) -> None:
    """A module that does so all the same hears it as an error of its own."""

    class Calls(reference.FailoverRequest):
        def _initialize(self) -> None:
            reference.TransformationClient().getTransformationFiles({})

    scripted = dict.fromkeys(("JobReport", "FileReport", "AccountingReport", "Request"), "scripted")
    recorder = Recorder(reference, Calls)
    with recorder.session():
        recording = recorder.record(Scenario.from_json({"collaborators": scripted}))
    said = f"{TRANSFORMATION}.getTransformationFiles was called in a scenario without services"
    assert recording.result["Message"]["exception"] == "AssertionError"
    assert recording.result["Message"]["args"][0].startswith(said)


def test_an_event_for_machines_says_only_what_there_is() -> None:
    """Arguments by name, what was raised and whether it took effect appear when they exist."""
    assert Event("module", "_execute", [], {}).answer is None
    inner = Event("transformation", "ping", [1], {"two": 2}, raised={"exception": "OSError", "args": []}, applied=False)
    assert Event("module", "_execute", [], {}, answer=None, calls=[inner]).to_json() == {
        "target": "module",
        "method": "_execute",
        "args": [],
        "answer": None,
        "calls": [
            {
                "target": "transformation",
                "method": "ping",
                "args": [1],
                "kwargs": {"two": 2},
                "raised": {"exception": "OSError", "args": []},
                "applied": False,
                "calls": [],
            }
        ],
    }


def test_plain_data_keeps_times_and_leaves_out_what_is_never_the_same() -> None:
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


def test_a_tape_knows_what_is_going_on() -> None:
    """A target is inside while one of its calls, or a call that one made, has not come back."""
    tape = Tape()
    seen = tape.call("outer", "go", lambda: tape.call("inner", "go", lambda: (tape.inside("outer"), tape.inside("x"))))
    assert seen == (True, False)
    assert not tape.inside("outer")
    with pytest.raises(ZeroDivisionError):
        tape.call("outer", "fail", lambda: 1 / 0)
    assert not tape.inside("outer")
    assert outline(tape.events) == ["outer.go", "  inner.go", "outer.fail"]
    assert tape.events[0].answer == [True, False]
    assert tape.events[1].raised == {"exception": "ZeroDivisionError", "args": ["division by zero"]}


def test_a_world_on_tape_answers_as_it_does() -> None:
    """The answer is handed on, with its stub; a service is known by its short name, also behind a URL."""
    world, tape = World(), Tape()
    route = tape.transport(world)
    arguments = (12, {"100": ["Unused", True]})
    answer = route(f"https://host/{TRANSFORMATION}", "setFileStatusForTransformation", arguments, timeout=5)
    assert answer["OK"]
    assert answer["rpcStub"][0][1]["timeout"] == 5
    assert route(TRANSFORMATION, "ping", ())["rpcStub"][0][1]["timeout"] == 600
    assert not route("Nowhere/Nothing", "ping", ())["OK"]
    assert [(event.target, event.applied) for event in tape.events] == [
        ("transformation", True),
        ("transformation", False),
        ("Nowhere/Nothing", False),
    ]
    assert tape.events[0].args == [12, {"100": ["Unused", True]}]
    assert tape.events[0].answer == {"OK": True, "Value": None}


def test_a_service_that_raises_is_on_tape() -> None:
    """The exception goes on to the caller; a call that the wire could not carry reached no service."""
    world, tape = World(), Tape()
    world.arm("transformation.getTransformationFiles:raises=OSError: gone")
    route = tape.transport(world)
    with pytest.raises(OSError, match="gone"):
        route(TRANSFORMATION, "getTransformationFiles", ())
    with pytest.raises(TypeError):
        route(TRANSFORMATION, "getTransformationFiles", (object(),))
    assert [(event.raised["exception"], event.applied) for event in tape.events] == [
        ("OSError", False),
        ("TypeError", None),
    ]
    assert not tape.inside("transformation")


def test_methods_that_are_called_instead_of_execute_are_recorded(recorder: Recorder) -> None:
    """With what they ask of collaborators; where execute calls such a method, its own row would say nothing more."""
    attributes = {"jobID": 77, "workflowStatus": {"OK": True}, "stepStatus": {"OK": True}}
    calls = (["setJobParameter", ["n", 3]], ["generateFailoverFile", []])
    scenario = Scenario(subject="base", attributes=attributes, calls=calls)
    assert outline(recorder.record(scenario).events) == [
        "module.setJobParameter",
        "  JobReport.setJobParameter",
        "    job-state.setJobParameters",
        "module.generateFailoverFile",
        "  JobReport.generateForwardDISET",
        "  AccountingReport.commit",
    ]
    assert "module.setApplicationStatus" not in outline(recorder.record(TRANSFORMATION_DOWN).events)


def test_everything_is_as_it_was_when_nothing_is_watched_any_more(mocker: MockerFixture) -> None:
    """Methods are those of the class again, or a user's spy; a collaborator without room for others is left alone."""

    class Thing:
        def execute(self) -> int:
            return 1

        def setApplicationStatus(self) -> int:
            return 2

    class Tight:
        __slots__ = ()

        def commit(self) -> int:
            return 3

    tape = Tape()
    watcher = Watcher(tape)
    module: Any = Thing()
    module.workflow_commons = {"JobReport": Thing(), "FileReport": Thing(), "AccountingReport": Tight()}
    spy = mocker.spy(module.workflow_commons["FileReport"], "setApplicationStatus")
    watcher.module(module, ["execute", "absent"])
    assert module.execute() == 1
    assert module.workflow_commons["JobReport"].setApplicationStatus() == 2
    assert module.workflow_commons["FileReport"].setApplicationStatus() == 2
    assert module.workflow_commons["AccountingReport"].commit() == 3
    watcher.release()
    assert vars(module) == {"workflow_commons": module.workflow_commons}
    assert vars(module.workflow_commons["JobReport"]) == {}
    assert vars(module.workflow_commons["FileReport"]) == {"setApplicationStatus": spy}
    assert [event.target for event in tape.events] == ["module", "JobReport", "FileReport"]
    spy.assert_called_once_with()
    watcher.release()
