import inspect
import json
import os
import re
import sys
import threading
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath
from types import ModuleType, SimpleNamespace

import pytest
from freezegun import freeze_time

from dirac_failover import Request, connect
from dirac_failover.clients.replay import replay
from dirac_failover.drivers.implementations import IMPLEMENTATIONS
from dirac_failover.errors import AstrayWarning
from dirac_failover.testing import Crashed, Dirac, HookReturnWarning, run_job, run_module, running
from dirac_failover.testing.running import kinds_of
from dirac_failover.workflow import Module, Step
from dirac_fakes import FakeFileReport, FakeJobReport

pytestmark = pytest.mark.usefixtures("dirac_workdir")

REMOVAL = {"Type": "RemoveFile", "Files": ["/vo/x"]}
END = "Workflow successful, end of FailoverRequest module execution."


def test_a_module_survives_an_outage(on_base, on_failover_request):
    for module in (on_base, on_failover_request):
        world = Dirac()
        world.transformation.down()
        outcome = run_module(module, world=world, inputs=["/vo/a", "/vo/b"])
        assert outcome.ok
        assert outcome.raised is None
        assert outcome.request.types == ["SetFileStatus"]
        world.recover()
        assert outcome.replay().converged
        assert world.transformation.statuses(12) == {"/vo/a": "Processed", "/vo/b": "Processed"}


def test_answers_make_fakes_of_the_collaborators_that_give_them(on_base, world):
    answers = {"FileReport.commit": "s_error", "FileReport.generateForwardDISET": ["s_error=gone"]}
    outcome = run_module(on_base, world=world, inputs=["/vo/a"], reported={"/vo/b": "Unused"}, answers=answers)
    assert outcome.result["OK"] is False
    report = outcome.workflow_commons["FileReport"]
    assert type(report) is FakeFileReport
    assert outcome.unsent.files == report.statusDict == {"/vo/b": "Unused", "/vo/a": "Processed"}
    assert report.transformation == 12
    assert report.journal.methods()[-2:] == ["FileReport.commit", "FileReport.generateForwardDISET"]
    assert [call.target for call in outcome.calls] == ["job-state"]
    assert outcome.unasked == []
    assert "FileReport.commit()" in outcome.timeline()


def test_answers_can_stop_a_request_and_end_a_job(implementation):
    outcome = run_job(
        [implementation.FailoverRequest],
        operations=[REMOVAL],
        answers={"Request.toJSON": "s_error=disk", "JobReport.setApplicationStatus": "raises=GracefulTermination:bye"},
    )
    assert outcome.unasked == ["Request.toJSON"]
    assert isinstance(outcome.raised, implementation.GracefulTermination)
    stopped = run_module(
        implementation.FailoverRequest, operations=[REMOVAL], answers={"Request.toJSON": "s_error=disk"}
    )
    assert (stopped.ok, stopped.message) == (False, "disk")
    assert type(stopped.workflow_commons["Request"]) is implementation.Request
    carried = run_module(implementation.FailoverRequest, answers={"JobReport.generateForwardDISET": "operation"})
    assert carried.request.types == ["ForwardDISET"]
    assert type(carried.workflow_commons["JobReport"]) is FakeJobReport


def test_what_a_fake_was_told_is_not_checked_by_a_replay(on_failover_request):
    outcome = run_module(on_failover_request, records=2, answers={"AccountingReport.commit": ["ok"]})
    assert len(outcome.workflow_commons["AccountingReport"].records) == 2
    replay = outcome.replay()
    assert not replay.converged
    assert "unchecked: what AccountingReport was told" in repr(replay)


HOOKS = ["_resolveInputVariables", "_initialize", "_setCommand", "_executeCommand", "_execute", "_finalize"]
FULL = {"OK": False, "Errno": 28, "Message": "disk full"}


@pytest.mark.parametrize("hook", HOOKS)
def test_a_result_that_a_hook_returned_in_vain_is_a_warning(implementation, hook):
    module = type("Fills", (implementation.ModuleBase,), {hook: lambda _: FULL})
    in_a_job = [lambda kind: run_job([kind])] if hook != "_finalize" else []  # without result, a workflow stops
    for run in (run_module, *in_a_job):
        with pytest.warns(HookReturnWarning) as caught:
            run(module)
        (warning,) = (item for item in caught if item.category is HookReturnWarning)
        assert str(warning.message) == (
            f"Fills.{hook} returned not OK: disk full. A hook's return value is ignored: raise RuntimeError instead"
        )
        assert warning.filename == __file__
        assert warning.lineno == getattr(module, hook).__code__.co_firstlineno


@pytest.mark.parametrize("answer", [None, {"OK": True, "Value": 3}, "disk full", {"OK": "no"}, {}])
def test_anything_else_may_be_returned(implementation, answer):
    assert run_module(type("Fine", (implementation.ModuleBase,), {"_execute": lambda _: answer})).ok


def test_a_result_that_is_not_ignored_is_no_warning(implementation):
    """That of a hook which another one calls, or which the module's own ``execute`` returns."""

    class Obeys(implementation.ModuleBase):
        def execute(self):
            return self._execute()

        def _execute(self):
            return FULL

    class Asks(implementation.ModuleBase):
        def _executeCommand(self):
            return FULL if inspect.stack()[2].function == "_execute" else None

        def _execute(self):
            self._executeCommand()

    assert not run_module(Obeys).ok
    assert run_module(Asks).ok


def test_a_hook_that_is_no_function_is_warned_of_too_but_a_replay_warns_no_second_time(implementation):
    class Full:
        def __call__(self):
            return FULL

    with pytest.warns(HookReturnWarning, match=r"^Fills\._execute returned not OK: disk full"):
        outcome = run_module(type("Fills", (implementation.ModuleBase,), {"_execute": Full()}))
    outcome.replay()


def test_a_module_has_a_world_of_its_own_unless_it_is_given_one(on_failover_request):
    before = dict(os.environ), os.getcwd()
    outcome = run_module(on_failover_request, inputs=["/vo/new"])
    assert outcome.world.transformation.statuses(12)["/vo/new"] == "Processed"
    assert outcome.module.jobID == 77
    assert (dict(os.environ), os.getcwd()) == before


def test_the_job_is_in_the_environment_for_the_run_alone(on_failover_request, world, monkeypatch):
    monkeypatch.setenv("JOBID", "5")
    assert run_module(on_failover_request, world=world).module.jobID == 77
    assert run_module(on_failover_request, world=world, job_id=None).message == "Skipping FailoverRequest module"
    assert os.environ["JOBID"] == "5"
    monkeypatch.delenv("JOBID")
    assert run_module(on_failover_request, world=world, job_id="88").module.jobID == 88
    assert "JOBID" not in os.environ
    assert run_module(on_failover_request, world=world, job_id=None).ok
    outcome = run_module(on_failover_request, world=world, job_id=" 88 ")
    assert (outcome.job_id, outcome.module.jobID) == ("88", 88)


def test_modules_get_the_clients_that_belong_to_them(on_failover_request, monkeypatch):
    asked = []
    theirs = SimpleNamespace(
        **vars(IMPLEMENTATIONS["dirac"]), load=lambda: asked.append("dirac") or IMPLEMENTATIONS["reference"].load()
    )
    monkeypatch.setitem(IMPLEMENTATIONS, "dirac", theirs)
    monkeypatch.setitem(sys.modules, "DIRAC", sys.modules.get("DIRAC") or ModuleType("DIRAC"))
    real = type("Real", (), {"__module__": "DIRAC.x", "execute": lambda _: {"OK": True, "Value": None}})
    for run in (run_module, lambda module: run_job([on_failover_request, module])):
        assert run(real).ok
    assert asked == ["dirac", "dirac"]


def test_modules_run_in_the_workflows_of_a_profile_that_exists(on_failover_request):
    for run, what in ((run_module, on_failover_request), (run_job, [on_failover_request])):
        assert run(what, profile="lhcbdirac-12.0").workflow_commons["JobType"] == "MCSimulation"
        with pytest.raises(ValueError, match=r"^There is no profile 'x': there are dirac-9\.1, "):
            run(what, profile="x")


def test_without_a_proxy_the_job_and_its_requests_are_nobodys(implementation):
    class Makes(implementation.ModuleBase):
        def execute(self):
            return {"OK": True, "Value": implementation.Request().Owner}

    assert run_module(Makes).message == "alice"
    assert run_module(Makes, proxy=False).message == ""


def test_what_is_no_part_of_the_situation_is_an_attribute(on_failover_request, world, mocker):
    report = mocker.Mock()
    report.setApplicationStatus.return_value = report.generateForwardDISET.return_value = {"OK": True, "Value": None}
    outcome = run_module(on_failover_request, world=world, optionsFile="x", jobReport=report, jobID=5)
    assert outcome.module.optionsFile == "x"
    assert outcome.module.jobID == 5
    assert report.setApplicationStatus.call_args.args == (END, True)
    assert outcome.statuses == []


@pytest.mark.parametrize(("name", "meant"), [
    ("input", "inputs"), ("jobs_id", "job_id"), ("execution", "executions"), ("worlds", "world"),
    ("recorted", "reported"),  # rather than records
])  # fmt: skip
def test_a_slip_of_the_pen_is_no_attribute(on_failover_request, name, meant):
    with pytest.raises(TypeError, match=rf"^run_module: unknown argument '{name}': did you mean '{meant}'[?]$"):
        run_module(on_failover_request, **{name: 1})
    tolerant = type("Tolerant", (on_failover_request,), {name: None})
    assert getattr(run_module(tolerant, **{name: 1}).module, name) == 1


class Nothing:
    """It has no execute()."""


class Instance:
    def execute(self):
        return {"OK": True, "Value": None}

    def __repr__(self):
        return "an instance"


LIST = "expected a list of module classes, found"
PAIR = "expected a module class and a dictionary of its attributes, found"
REFUSED = [
    (Instance(), {}, "expected a module class, found an instance: pass the class, Instance"),
    ("x", {}, "expected a module class, found 'x'"),
    (Nothing, {}, "Nothing is not a module: it has no execute() (derive it from ModuleBase)"),
    *((Instance, {"world": it}, f"world: expected what make_dirac() returns, found {it!r}") for it in (3, 0, "x")),
    (Instance, {"duties": "all"}, "duties: expected 'inputs' or None, found 'all'"),
]
TOO_FEW = "executions: expected a number from 1, found"
REFUSED_MODULES = [(Instance, {"executions": number}, f"{TOO_FEW} {number}") for number in (0, -1)]
REFUSED_JOBS = [
    ([], {}, "expected at least one module class, found none"),
    (dict, {}, f"{LIST} <class 'dict'>"),
    (PurePosixPath("x"), {}, f"{LIST} PurePosixPath('x')"),
    ([Instance], {"y": 1, "x": 2}, "unknown argument 'x'; attributes stand beside the class, in a pair"),
    *(([pair], {}, f"{PAIR} {pair!r}") for pair in ((), (Instance,), (Instance, 5), (Instance, {}, {}))),
]


@pytest.mark.parametrize(
    ("run", "what", "given", "message"),
    [
        *((run_module, *refused) for refused in (*REFUSED, *REFUSED_MODULES)),
        *((run_job, [what], *refused) for what, *refused in REFUSED),
        *((run_job, *refused) for refused in REFUSED_JOBS),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_runs(run, what, given, message):
    with pytest.raises((TypeError, ValueError)) as refused:
        run(what, **given)
    assert str(refused.value) == f"{run.__name__}: {message}"
    assert refused.type is (ValueError if {"duties", "executions"} & set(given) else TypeError)


def test_nothing_is_watched_after_the_run(on_failover_request, implementation, world):
    report = implementation.JobReport(77)
    before = set(vars(report))
    outcome = run_module(on_failover_request, world=world, collaborators={"JobReport": report})
    assert set(vars(report)) == before
    assert set(outcome.hooks).isdisjoint(vars(outcome.module))
    said = [event for event in outcome.events if event.target == "JobReport"]
    assert [(event.method, [call.target for call in event.calls]) for event in said] == [
        ("setApplicationStatus", ["job-state"])
    ]


def test_only_application_statuses_are_among_the_statuses(implementation, world):
    class Reports(implementation.ModuleBase):
        def execute(self):
            implementation.JobReport(77).setJobStatus("", "Something")
            implementation.JobReport(77).setApplicationStatus("x")

    class Forgets(implementation.ModuleBase):
        def execute(self):
            implementation.JobReport(88).setApplicationStatus("x")
            world.reset()

    assert run_module(Reports, world=world).statuses == ["x"]
    assert run_module(Forgets, world=world, job_id=88).statuses == []


def test_the_calls_of_a_run_are_its_own(on_failover_request, world):
    first, second = (run_module(on_failover_request, world=world, inputs=["/vo/a"]) for _ in range(2))
    assert [*first.calls, *second.calls] == list(world.journal)
    assert first.calls.methods()[-1] == second.calls.methods()[-1] == "job-state.setJobStatusBulk"


def test_one_instance_is_executed_as_often_as_asked(on_failover_request, world):
    outcome = run_module(on_failover_request, world=world, executions=3)
    assert len(outcome.modules) == 1
    assert [result["OK"] for result in outcome.results] == [True] * 3
    assert outcome.result is outcome.results[-1]
    assert outcome.hooks.count("finalize") == 3


def test_several_modules_share_one_job(implementation, on_failover_request, world):
    class Gives(implementation.ModuleBase):
        def execute(self):
            return {"OK": True, "Value": {"given": self.gift}}

    class Fails:
        def execute(self):
            return {"OK": False, "Message": self.step_commons["given"], "Errno": 5}

    modules = [(Gives, {"gift": "a gift"}), Fails, on_failover_request]
    step = {"STEP_INSTANCE_NAME": "ignored", "extra": 1}
    outcome = run_job(modules, world=world, inputs=["/vo/a"], step_commons=step)
    assert (outcome.ok, outcome.statuses) == (False, ["Executing job", "a gift"])
    names = ["Gives", "Fails", "OnFailoverRequest"]
    assert [type(module).__name__ for module in outcome.modules] == names == outcome.name.split(", ")
    assert [call.method for call in outcome.events if call.target == "module"] == [f"{name}.execute" for name in names]
    assert [result["OK"] for result in outcome.results] == [True, False, False]
    assert (outcome.module.step_commons["extra"], outcome.module.step_commons["STEP_INSTANCE_NAME"]) == (1, "job")
    assert world.transformation.statuses(12)["/vo/a"] == "Unused"
    assert "execute" not in vars(outcome.module)


def test_a_job_may_have_several_steps(on_failover_request, world):
    steps = [
        Step("first", [Module(Instance)], {"extra": "own"}),
        Step("second", [Module(on_failover_request, {"optionsFile": "x"})]),
    ]
    outcome = run_job(iter(steps), world=world, step_commons={"extra": "common"})
    assert outcome.statuses == ["Executing first", "Executing second", "Job Finished Successfully", END]
    assert outcome.modules[0].step_commons["extra"] == "own"
    assert outcome.module.step_commons["extra"] == "common"
    assert outcome.module.optionsFile == "x"
    assert kinds_of(steps) == [Instance, on_failover_request]


def test_what_escapes_is_part_of_the_outcome(world):
    class Escapes:
        error: BaseException

        def execute(self):
            raise self.error

    for error in (ValueError("x"), SystemExit(3), GeneratorExit()):
        outcome = run_module(Escapes, world=world, error=error)
        assert outcome.raised is error
        assert (outcome.ok, outcome.result, outcome.results) == (False, None, ())
    for error in (KeyboardInterrupt(), pytest.fail.Exception("x")):
        with pytest.raises(type(error)):
            run_module(Escapes, world=world, error=error)
    assert run_job([(Escapes, {"error": SystemExit(3)})], world=world).raised.code == 3


def test_what_the_constructor_raises_is_the_tests_affair(world):
    class Cannot(Instance):
        def __init__(self):
            raise RuntimeError("cannot be made")

    with pytest.raises(RuntimeError, match=r"^cannot be made$"):
        run_module(Cannot, world=world)


def test_only_what_this_run_has_written_counts(on_failover_request, world):
    os.mkdir("folder")
    Path("old_request.json").write_text("[]")
    Path("data").write_text("x")
    os.utime("data", ns=(5, 5_000_000_000))
    first = run_module(on_failover_request, world=world, operations=[REMOVAL])
    assert list(first.texts) == ["12_34_request.json"]
    assert first.others == {}
    assert os.stat("data").st_mtime_ns == 5_000_000_000
    second = run_module(on_failover_request, world=world, operations=[REMOVAL])
    assert list(second.texts) == ["12_34_request.json"]
    third = run_module(on_failover_request, world=world)
    assert third.file is None

    class Writes(on_failover_request):
        def _execute(self):
            Path("data").write_text("four")
            os.remove("old_request.json")
            os.mkdir("other")
            os.mkdir("a_request.json")
            os.mkfifo("pipe_request.json")
            os.mkfifo("pipe")

    wrote = run_module(Writes, world=world)
    assert wrote.others == {"data": "<4 bytes>", "other": "<directory>", "pipe": "<fifo>"}
    assert wrote.texts == {}
    assert os.stat("data").st_mtime_ns > 5_000_000_000


def test_links_are_left_alone(on_failover_request, world, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "file"
    outside.touch()
    os.utime(outside, ns=(5, 5_000_000_000))
    os.symlink(outside, "link")
    os.symlink("nowhere", "lost")
    before = os.lstat("link").st_mtime_ns

    class Links(on_failover_request):
        def _execute(self):
            os.symlink("nowhere", "new")

    outcome = run_module(Links, world=world)
    assert outcome.others == {"new": "<link>"}
    assert outcome.replay().converged
    assert os.lstat("link").st_mtime_ns == before
    assert outside.stat().st_mtime_ns == 5_000_000_000


def test_no_module_is_executed_for_a_replay(on_failover_request, world):
    """What cannot be had twice is no obstacle, and what the module used up stays used up."""
    Path("list").write_text("y")

    class UsesUp(on_failover_request):
        def _execute(self):
            Path("list").unlink()
            self.setApplicationStatus(self.names.pop())
            super()._execute()

    world.accounting.down()
    world.arm("transformation:first=3")
    names, lock = ["a"], threading.Lock()
    outcome = run_module(UsesUp, world=world, inputs=["/vo/a"], records=1, names=names, lock=lock)
    world.recover()
    assert outcome.replay().converged
    assert names == []


def test_what_is_due_depends_on_the_last_module(on_base, on_failover_request, implementation, world):
    class Idle(implementation.ModuleBase):
        def _execute(self):
            pass

    lost = ["status of /vo/a in transformation 12: no report of it was seen"]
    silent = type("Silent", (on_failover_request,), {"_execute": lambda _: None})
    assert run_module(Idle, world=world, inputs=["LFN:/vo/a"]).replay().converged
    assert run_module(Idle, world=world, inputs=["LFN:/vo/a"], duties="inputs").replay().lost == lost
    assert run_module(silent, world=world, inputs=["LFN:/vo/a"]).replay().lost == lost
    assert run_job([on_failover_request, Idle], inputs=["/vo/a"]).replay().converged
    assert run_job([Idle, silent], inputs=["/vo/a"]).replay().lost == lost
    assert run_job([on_base, Idle], inputs=["/vo/a"], duties="inputs").replay().converged


def test_a_module_that_forgets_or_spoils_loses(on_failover_request, world):
    class Forgets(on_failover_request):
        def generateFailoverFile(self):
            pass

    assert run_module(Forgets, world=world, records=2).replay().lost == ["2 accounting records"]

    class Spoils(on_failover_request):
        def generateFailoverFile(self):
            for operation in self.request:
                operation.TargetSE = "NOWHERE"
            return super().generateFailoverFile()

    copy = {"Type": "ReplicateAndRegister", "TargetSE": "CERN", "Files": ["/vo/x"]}
    told = ["operation ReplicateAndRegister (/vo/x)"]
    assert run_module(Spoils, world=world, operations=[copy]).replay().lost == told
    assert run_module(on_failover_request, world=world, operations=[copy]).replay().unchecked == told


def test_two_jobs_in_one_world_are_judged_each_for_itself(on_failover_request, world):
    """Though their records are equal: those of one do not make up for those of the other, nor come twice by them."""
    world.accounting.down()
    world.requests.down()
    first = run_module(on_failover_request, world=world, inputs=["/vo/a"], records=2)
    world.recover()
    world.arm("accounting:first=1")
    second = run_module(on_failover_request, world=world, job_id=78, inputs=["/vo/b"], records=2)
    third = run_module(on_failover_request, world=world, job_id=79, inputs=["/vo/b"], records=2)
    assert first.replay().lost == ["2 accounting records"]  # it executes the request of the second
    assert len(world.accounting.records()) == 4
    for outcome in (second, third, second):
        assert outcome.replay().converged
    world.transformation.state["files"][12][101]["Status"] = "Assigned"  # whatever becomes of the file later
    assert second.replay().converged


def test_what_others_say_of_the_job_later_does_not_count(on_failover_request, world):
    outcome = run_module(on_failover_request, world=world, inputs=["/vo/a"])
    for status in (("Completing", "Uploading"), ("Done", "Execution Complete")):
        assert world("WorkloadManagement/JobStateUpdate", "setJobStatus", (77, *status, "JobWrapper"))["OK"]
    world("WorkloadManagement/JobStateUpdate", "setJobApplicationStatus", (77, "by the wrapper"))
    assert outcome.replay().converged


def test_a_replay_of_the_users_own_counts(on_failover_request, world):
    world.accounting.down()
    outcome = run_module(on_failover_request, world=world, records=1)
    world.recover()
    with connect(world):
        replay(Request(json.dumps(world.requests.stored()[1])))
    world.requests.deleteRequest(1)
    assert outcome.replay().converged


def test_time_that_stands_still_changes_no_verdict(on_failover_request, implementation):
    """Equal updates of one instant are one; of different ones the last counts, and the others are lost."""

    class Says(implementation.ModuleBase):
        def _execute(self):
            for text in self.texts:
                self.jobReport.setApplicationStatus(text, sendFlag=False)
            self.jobReport.commit()

        def setApplicationStatus(self, *_):
            pass

    with freeze_time("2026-01-01 12:00:00"):
        assert run_module(Says, texts=["x", "x"]).replay().converged
        assert run_module(Says, texts=["x", "x", "y"]).replay().lost == ["application status 'x' of job 77"]
        world = Dirac()
        first = run_module(on_failover_request, world=world, inputs=["/vo/a"])
        second = run_module(on_failover_request, world=world, inputs=["/vo/a"])
        assert second.replay().converged
        assert first.replay().converged
        world.accounting.down()
        records = run_module(on_failover_request, world=world, records=2)
        world.recover()
        assert records.replay().lost == ["2 accounting records"]  # DIRAC's client waits for time to pass


def test_records_have_times_of_their_own(on_failover_request, world, implementation):
    """Whole seconds count, as in the accounting; floats come back a little changed from DEncode."""

    class BaseAccountingType:
        pass

    class Record(BaseAccountingType):
        def checkValues(self):
            return {"OK": True}

        def getValues(self):
            now = datetime.now()  # noqa: DTZ005 - DIRAC's times know no zone
            return ["PilotSubmission", now, now + timedelta(seconds=1.5), [*"abcdef", 1, 3]]

    client = implementation.DataStoreClient()
    client.addRegister(Record())
    client.addRegister(Record())
    world.accounting.down()
    outcome = run_module(on_failover_request, world=world, workflow_commons={"AccountingReport": client})
    world.recover()
    replay = outcome.replay()
    assert replay.converged
    assert "2 accounting records" in replay.kept


def test_a_status_that_the_job_cannot_have_is_kept(implementation, world):
    class Waits(implementation.ModuleBase):
        def _execute(self):
            self.jobReport.setJobStatus("Waiting", "minor", "application")

        def setApplicationStatus(self, *_):
            pass

    assert run_module(Waits, world=world).replay().converged
    assert world.job_state.status(77)[0] == "Running"


def test_what_nobody_can_see_is_not_checked(on_failover_request, implementation, world, mocker):
    double = mocker.Mock()
    double.setApplicationStatus.return_value = double.generateForwardDISET.return_value = {"OK": True, "Value": None}
    told = "what JobReport was told, since nothing here can read the class Mock"
    given = {"workflow_commons": {"JobReport": double}}
    assert run_module(on_failover_request, world=world, **given).replay().unchecked == [told]
    assert run_module(on_failover_request, world=world, jobReport=double).replay().unchecked == [told]

    class Breaks(implementation.ModuleBase):
        def execute(self):
            return 1 / 0

    replay = run_module(Breaks, world=world).replay()
    assert replay.unchecked == ["what would have been reported if ZeroDivisionError had not ended the job"]
    assert not replay.converged


def test_what_is_written_at_once_is_seen(on_failover_request, world):
    class Writes(on_failover_request):
        def _execute(self):
            Path("data").write_text(self.text)

    Path("data").write_text("a")
    for text in "bc":
        assert run_module(Writes, world=world, text=text).others == {"data": "<1 bytes>"}


def test_a_clock_that_does_not_go_on_is_not_waited_for(on_failover_request, world, monkeypatch):
    """That of another machine may be ahead of this one's."""
    Path("data").touch()
    waited = []
    monkeypatch.setattr(running.time, "clock_gettime_ns", lambda _: 0)
    monkeypatch.setattr(running.time, "sleep", waited.append)
    assert run_module(on_failover_request, world=world).others == {}
    assert waited == [0.001] * 20


def test_a_run_that_leaves_the_process_elsewhere_says_so(on_failover_request, world, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "12_34_request.json").write_text("mine")
    here = os.getcwd()

    class Goes(on_failover_request):
        def finalize(self):
            os.chdir(elsewhere)

    with pytest.warns(AstrayWarning, match=re.escape(f"in {elsewhere}, which is not its working directory")):
        outcome = run_module(Goes, world=world, operations=[REMOVAL])
    assert os.getcwd() == here
    assert outcome.file == Path(here) / "12_34_request.json"
    assert [path.read_text() for path in elsewhere.iterdir()] == ["mine"]


def test_a_process_that_ends_leaves_what_it_has_left(on_failover_request, world):
    world.transformation.down()
    world.arm("process:crash_at=_initialize@nth=2")
    assert run_module(on_failover_request, world=world, inputs=["/vo/a"]).ok
    outcome = run_module(on_failover_request, world=world, inputs=["/vo/a"])
    assert isinstance(outcome.raised, Crashed)
    assert outcome.hooks == ["_resolveInputVariables", "_initialize"]
    assert outcome.file is None
    assert not outcome.calls
    world.recover()
    assert not outcome.replay().converged


def test_a_full_disk_loses_what_was_pending(on_failover_request, world):
    world.transformation.down()
    world.arm("file:disk_full")
    outcome = run_module(on_failover_request, world=world, inputs=["/vo/a"])
    assert outcome.message == "[Errno 28] No space left on device"
    assert outcome.file.read_text() == ""
    world.recover()
    assert outcome.replay().lost == ["status Processed of /vo/a in transformation 12"]
