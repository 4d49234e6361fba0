import json
import re
from unittest.mock import Mock

import pytest

from dirac_failover import FailoverRequest
from dirac_failover.testing import PendingOperation, PendingRequest, Replay, run_job, run_module
from dirac_failover.testing import outcome as outcome_module
from dirac_failover.testing.outcome import Unsent

pytestmark = pytest.mark.usefixtures("dirac_workdir")

INPUTS = ["/vo/a", "/vo/b"]
END = "Workflow successful, end of FailoverRequest module execution."
REMOVAL = {"Type": "RemoveFile", "Files": ["/vo/x"]}


@pytest.fixture
def run(on_failover_request, world):
    """Run the module with two inputs while something is broken."""

    def make(*faults, **given):
        for fault in faults:
            world.arm(fault)
        return run_module(on_failover_request, world=world, **{"inputs": INPUTS, **given})

    return make


def test_a_good_end_is_seen_from_all_sides(run, world, dirac_workdir):
    outcome = run()
    assert outcome.ok
    assert outcome.raised is None
    assert outcome.result["OK"] is True
    assert outcome.message == END
    assert outcome.module is outcome.modules[0]
    assert outcome.module.inputDataList == INPUTS
    assert outcome.hooks == [
        "_resolveInputVariables", "_initialize", "_setCommand", "_executeCommand", "_execute",
        "generateFailoverFile", "_finalize", "finalize",
    ]  # fmt: skip
    assert outcome.calls.methods() == [
        "transformation.getTransformationFiles", "transformation.setFileStatusForTransformation",
        "job-state.setJobStatusBulk", "job-state.setJobStatusBulk",
    ]  # fmt: skip
    assert outcome.statuses == ["Job Finished Successfully", END]
    assert outcome.file is None
    assert not outcome.unsent
    assert len(outcome.request) == 0
    assert outcome.directory == dirac_workdir
    assert outcome.workflow_commons["Request"] is outcome.module.request
    assert repr(outcome) == f"<OnFailoverRequest: OK: {END}; nothing pending>"
    assert repr(outcome.request) == "<PendingRequest: no operations>"
    assert repr(outcome.replay()) == "<Replay: converged>"
    assert len(outcome.calls) == 4  # the replay's are not the module's
    assert outcome.world is world


def test_what_is_pending_can_be_read(run):
    outcome = run("transformation:down", "job-state:first=2", operations=[REMOVAL])
    assert outcome.request.types == ["RemoveFile", "SetFileStatus", "ForwardDISET"]
    removal, files, report = outcome.request.operations
    assert removal == PendingOperation("RemoveFile", None, ("/vo/x",), removal.fields)
    assert repr(removal) == "PendingOperation(type='RemoveFile', arguments=None, files=('/vo/x',))"
    assert removal.call is None
    statuses = {"/vo/a": "Processed", "/vo/b": "Processed"}
    assert files.arguments == {"transformation": 12, "statusDict": statuses, "force": False}
    assert (files.call, files.files) == (None, ())
    assert report.call == "WorkloadManagement/JobStateUpdate.setJobStatusBulk"
    assert report.fields["Status"] == "Queued"
    assert set(report.fields) == {"Type", "Status", "Arguments", "SourceSE", "TargetSE", "Catalog", "Error"}
    assert outcome.request.json == json.loads(outcome.file.read_text())
    assert outcome.file.name == "12_34_request.json"
    assert len(outcome.request) == 3
    shown = repr(outcome.request)
    assert shown.startswith("<PendingRequest: RemoveFile (/vo/x), SetFileStatus (/vo/a, /vo/b to Processed), ForwardD")
    assert shown.endswith("(WorkloadManagement/JobStateUpdate.setJobStatusBulk)>")
    assert repr(outcome).endswith("; pending in 12_34_request.json: RemoveFile, SetFileStatus, ForwardDISET>")


def test_a_request_that_cannot_be_written_says_why():
    class Broken(list):
        def toJSON(self):
            return {"OK": False, "Message": "not today"}

    with pytest.raises(ValueError, match=r"^The request cannot be written: not today$"):
        _ = PendingRequest(Broken()).json
    assert PendingRequest(None).json == {}
    assert PendingRequest(None).types == PendingRequest(None).operations == []


def test_what_the_collaborators_hold_can_be_read(run, implementation):
    class Holds(implementation.ModuleBase):
        def _execute(self):
            self.jobReport.setApplicationStatus("waits", sendFlag=False)
            self.jobReport.setJobParameter("name", "value", sendFlag=False)
            self.fileReport.setFileStatus(12, "/vo/a", "Unused")

        def setApplicationStatus(self, *_):
            pass

    held = run_module(Holds, records=2).unsent
    assert held == Unsent(("waits",), {"name": "value"}, {"/vo/a": "Unused"}, 2)
    for part in (Unsent(("x",)), Unsent(parameters={"a": "b"}), Unsent(files={"a": "b"}), Unsent(records=1)):
        assert part
    assert not Unsent()
    assert not Unsent.of({"JobReport": None, "FileReport": object()})
    assert not Unsent.of(dict.fromkeys(("JobReport", "FileReport", "AccountingReport"), Mock()))
    assert not run().unsent


def test_every_end_is_said_in_one_line(run, on_failover_request):
    failed = run(workflow_failed=True, operations=[REMOVAL])
    text = "Workflow failed, FailoverRequest module completed"
    assert (failed.ok, failed.message) == (False, text)
    assert repr(failed) == f"<OnFailoverRequest: not OK: {text}; pending in no file: RemoveFile>"
    raised = run(workflow_commons={"PRODUCTION_ID": "x"})
    assert repr(raised).startswith("<OnFailoverRequest: raised ValueError(")
    assert raised.message == ""

    class Odd(on_failover_request):
        def execute(self):
            return self.given

    for odd in (None, "OK"):
        shown = repr(run_module(Odd, given=odd))
        assert shown == f"<Odd: returned {odd!r}, which is no result; nothing pending>"
    for odd in ({}, True):
        assert not run_module(Odd, given=odd).ok
    for odd in ({"OK": True, "Value": None}, {"OK": False, "Message": None}):
        assert run_module(Odd, given=odd).message == ""


def test_a_replay_during_the_outage_goes_on_after_it(run, world):
    outcome = run("transformation:down")
    first = outcome.replay()
    assert not first.converged
    assert first.lost == []
    assert first.waiting == ["status Processed of /vo/a, /vo/b in transformation 12"]
    assert repr(first) == f"<Replay: not converged: waiting: {first.waiting[0]}>"
    world.recover()
    second = outcome.replay()
    assert second.converged
    assert second.report["handed_over"] == first.report["handed_over"] != None  # noqa: E711
    assert len(world.requests.stored()) == 1
    assert outcome.replay().converged
    assert len(world.journal.select("requests", "putRequest")) == 2  # the hand-over, and when all is done


def test_what_could_not_be_handed_over_is_handed_over_later(run, world):
    outcome = run("transformation:down")
    world.requests.down()
    assert outcome.replay().report["handed_over"]["error"]
    assert outcome.replay().lost == ["status Processed of /vo/a, /vo/b in transformation 12"]
    world.recover()
    assert outcome.replay().converged
    world.requests.down()
    assert outcome.replay().converged


def test_what_nobody_has_got_is_lost(on_failover_request, world):
    outcome = run_module(on_failover_request, world=world, workflow_failed=True, operations=[REMOVAL], records=1)
    replay = outcome.replay()
    assert not replay.converged
    assert replay.lost == ["operation RemoveFile (/vo/x)", "1 accounting record"]
    assert repr(replay) == "<Replay: not converged: lost: operation RemoveFile (/vo/x); lost: 1 accounting record>"
    said = Replay(False, ["a"], ["b"], ["c"], ["d"], ["e", "f"], {})
    assert repr(said) == "<Replay: not converged: lost: b; twice: c; waiting: d; unchecked: e; unchecked: f>"
    assert repr(Replay(True, ["a"], [], [], [], [], {})) == "<Replay: converged>"


def test_the_timeline_tells_all_of_it(run, world):
    outcome = run("transformation:down")
    told = outcome.timeline()
    titles = re.findall(r"^── (.*?) ─*$", told, re.MULTILINE)
    assert titles == ["Verdict", "What happened", "What the services hold", "The request"]
    assert max(map(len, told.splitlines())) == 100
    assert "\n    FileReport.commit()" in told
    assert "\n  job_77_request.xml of alice, vo_user\n" in told
    assert "\n  file 12_34_request.json  → " in told
    assert "→ OK: GracefulTermination(" in told
    world.recover()
    outcome.replay()
    told = outcome.timeline(70)
    assert re.findall(r"^── (.*?) ─*$", told, re.MULTILINE) == [*titles, "After recovery"]
    assert max(map(len, told.splitlines())) <= 70


def test_the_timeline_tells_of_bad_ends_and_odd_requests_too(on_failover_request, implementation):
    class Escapes(on_failover_request):
        def finalize(self):
            with open("data", "w") as file:
                file.write("1234")
            raise ValueError("at the end")

    class Replaces(on_failover_request):
        def execute(self):
            operation = implementation.Operation()
            operation.Type = "RemoveFile"
            self.workflow_commons["Request"] = [operation]

    told = run_job([Escapes], workflow_commons={"Request": None}).timeline()
    assert "  Escapes.execute " in told
    assert "\n  Nothing is pending: it has no operations.\n  file data  → <4 bytes>\n" in told
    assert "✗ ValueError('at the end') escapes" in run_module(Escapes).timeline()
    assert "\n  (absent) of (absent), (absent)\n    1. RemoveFile, Queued\n" in run_module(Replaces).timeline()
    nothing = run_module(type("Removes", (Replaces,), {"execute": lambda self: self.workflow_commons.pop("Request")}))
    assert "\n  Nothing is pending: it has no operations.\n" in nothing.timeline()


def test_a_value_that_cannot_be_shown_is_named():
    class Silent:
        def __repr__(self):
            raise KeyboardInterrupt

    doubled = ["x"]
    for _ in range(30):
        doubled = [doubled, doubled]
    assert [outcome_module._shown(repr, value) for value in (Silent(), doubled, ["x\udcff"])] == [
        "<Silent>", "<list>", "['x\\udcff']",
    ]  # fmt: skip


def test_whatever_a_module_leaves_is_an_outcome():
    class Liar:
        @property
        def __class__(self):
            raise TypeError

    class Leaves(FailoverRequest):
        def execute(self):
            super().execute()
            self.fileReport.statusDict = [(["/vo/a"], "Processed")]
            return Liar()

    outcome = run_module(Leaves, inputs=["/vo/a"])
    assert "which is no result" in repr(outcome)
    assert outcome.unsent.files == {"['/vo/a']": "Processed"}
