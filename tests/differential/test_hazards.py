"""Each hazard of DIRAC's fail-over, shown by one body on the reference and on the real DIRAC.

A hazard is a function that makes the situation, executes and asserts what is observed; its docstring says what happens
to whom. ``beyond`` says what of it lies outside the module: there the body shows the module's part.
"""

from __future__ import annotations

import json
import threading
from contextvars import copy_context
from typing import TYPE_CHECKING, NamedTuple

import pytest
from DIRACCommon.Core.Utilities.ReturnValues import S_ERROR, S_OK

from dirac_failover.drivers.in_process import InProcessDriver
from dirac_failover.spec.scenario import Scenario
from dirac_failover.workflow import Module, Step, run_workflow
from dirac_fakes import World

if TYPE_CHECKING:
    from collections.abc import Callable


LIVE = dict.fromkeys(("JobReport", "FileReport", "AccountingReport", "Request"), "live")
INPUTS = ["/vo/a", "/vo/b"]
FORWARD = {"Type": "ForwardDISET", "Arguments": "x"}
FILE = "12_34_request.json"
FINISHED = "Job Finished Successfully"
ENDED = "Workflow successful, end of FailoverRequest module execution."
FAILED = dict(S_ERROR(1500, "the cause"))


class FixtureContext:
    """Where a hazard is shown: one implementation, in an empty directory, in the job 77."""

    def __init__(self, kit):
        self.kit = kit

    def run(self, **fields):
        """Execute FailoverRequest in a scenario of a job, or in one that is given by ``scenario``."""
        scenario = fields.pop("scenario", None) or Scenario.of_job(**fields)
        with InProcessDriver(self.kit).session() as port:
            return port.run(scenario)

    def execute(self, world, commons, **attributes):
        """Execute FailoverRequest by hand, with whatever collaborators; return its result."""
        module = self.kit.FailoverRequest()
        module.workflow_commons = {"PRODUCTION_ID": "12", "JOB_ID": "34", **commons}
        module.step_commons = {"STEP_INSTANCE_NAME": "failover"}
        for name, value in {"STEP_NUMBER": "1", "workflowStatus": S_OK(), "stepStatus": S_OK(), **attributes}.items():
            setattr(module, name, value)
        with self.connected(world):
            return module.execute()

    def connected(self, world):
        return self.kit.connect(world, owner="alice", group="vo_user", sleep=lambda _: None)


class Hazard(NamedTuple):
    """A hazard: its number, how it is shown, and what of it is beyond the module's reach."""

    number: str
    show: Callable[[FixtureContext], None]
    beyond: str


HAZARDS = []


def hazard(number, beyond=""):
    """Add a hazard to the table."""

    def add(show):
        HAZARDS.append(Hazard(number, show, beyond))
        return show

    return add


# What can be seen of an outcome


def methods(outcome):
    return [step.method for step in outcome.steps if step.target != "module"]


def types(outcome):
    return [operation["Type"] for operation in outcome.request["Operations"]]


def statuses(outcome):
    """The application statuses in each call to the job's state service, in order."""
    bulks = [step.args[1] for step in outcome.steps if step.method == "setJobStatusBulk"]
    return [[entry["ApplicationStatus"] for entry in bulk.values()] for bulk in bulks]


def table(outcome):
    """The statuses of the files in the transformation system at the end."""
    return file_statuses(outcome.services)


def file_statuses(services):
    files = services["transformation"]["files"]["12"]
    return {file["LFN"]: file["Status"] for file in files.values()}


# The module


@hazard("H1")
def accounting_that_is_not_ok_prevents_the_file(stage):
    """Everything pending is lost, the job report included, and the module is OK."""
    faults = ["accounting:down", "requests:down", "job-state:down"]
    outcome = stage.run(inputs=INPUTS, records=1, operations=[FORWARD], faults=[*faults, "transformation:down"])
    assert (outcome.result["OK"], outcome.files) == (True, {})
    assert types(outcome) == ["ForwardDISET", "SetFileStatus", "ForwardDISET"]


@hazard("H2")
def accounting_that_raises_prevents_the_file(stage):
    """The same loss, but the module fails."""
    answers = {"AccountingReport.commit": ("raises=ValueError:boom",)}
    collaborators = {**LIVE, "AccountingReport": "scripted"}
    outcome = stage.run(scenario=Scenario(operations=(FORWARD,), collaborators=collaborators, answers=answers))
    assert outcome.result["Message"] == {"exception": "ValueError", "args": ["boom"]}
    assert (outcome.files, types(outcome)) == ({}, ["ForwardDISET"])


@hazard("H3")
def nothing_is_written_after_a_failure(stage):
    """Operations, unsent statuses and accounting records are all dropped."""
    for failed in ("workflowStatus", "stepStatus"):
        scenario = Scenario(
            attributes={"STEP_NUMBER": "1", "workflowStatus": {"OK": True}, "stepStatus": {"OK": True}}
            | {failed: {"OK": False, "Errno": 0, "Message": "x"}},
            workflow_commons={"PRODUCTION_ID": "12", "JOB_ID": "34", "InputData": "/vo/a"},
            operations=(FORWARD,), unsent_statuses=("half done",), records=1, faults=("transformation:down",),
        )  # fmt: skip
        outcome = stage.run(scenario=scenario)
        assert outcome.files == {}
        assert types(outcome) == ["ForwardDISET", "SetFileStatus"]
        assert [status for status, _ in outcome.attributes["JobReport"]["appStatusInfo"]] == ["half done"]
        assert set(methods(outcome)) == {"getTransformationFiles"}


@hazard("H4")
def an_invalid_request_is_dropped_as_a_whole(stage):
    """Without a proxy, or with one bad operation among good ones; accounting was committed before."""
    bad = {"owner": ("alice", "vo_user"), "operations": [FORWARD, {"Type": "RemoveFile"}]}
    for fields in ({"owner": None, "operations": [FORWARD]}, bad):
        outcome = stage.run(records=1, **fields)
        assert outcome.result["OK"] is False
        (message,) = outcome.result["Message"]["args"]
        assert message.startswith("Failover request is not valid: ")
        assert (outcome.files, "commitRegisters" in methods(outcome)) == ({}, True)


@hazard("H5")
def without_a_job_nothing_is_touched(stage):
    """The module is OK, whatever is pending."""
    for job_id in (None, 0):
        outcome = stage.run(job_id=job_id, reported={"/vo/a": "x"}, records=1, operations=[FORWARD])
        assert (outcome.result["OK"], outcome.files, methods(outcome)) == (True, {}, [])
        assert outcome.attributes["FileReport"]["statusDict"] == {"/vo/a": "x"}
        assert (types(outcome), outcome.request["RequestName"]) == (["ForwardDISET"], None)


@hazard("H6")
def files_that_the_transformation_does_not_know_are_forgotten(stage):
    """The commit is OK, the report is empty, and nobody was told."""
    commons = {"PRODUCTION_ID": "12", "JOB_ID": "34", "InputData": "/vo/a"}
    outcome = stage.run(scenario=Scenario(workflow_commons=commons))
    assert (outcome.result["OK"], outcome.files) == (True, {})
    assert [method for method in methods(outcome) if "File" in method] == ["getTransformationFiles"]
    assert outcome.attributes["FileReport"]["statusDict"] == {}


@hazard("H7")
def files_with_a_final_status_keep_it(stage):
    """No update is sent, and the module is OK: MaxReset only for Unused, which comes by force after a failure."""
    commons = {"PRODUCTION_ID": "12", "JOB_ID": "34", "InputData": "/vo/a"}
    for status, reported in (("Processed", {"/vo/a": "Problematic"}), ("MaxReset", {"/vo/a": "Unused"})):
        scenario = Scenario(workflow_commons=commons, server_files={"/vo/a": status}, reported=reported)
        outcome = stage.run(scenario=scenario)
        assert (outcome.result["OK"], table(outcome)) == (True, {"/vo/a": status})
        assert "setFileStatusForTransformation" not in methods(outcome)


@hazard("H8", beyond="the request executing agent replays the operation; here its call is repeated as it makes it")
def force_is_lost_in_the_replay(stage):
    """The operation says force, but where the agent puts it, its client expects something else."""
    outcome = stage.run(inputs=["/vo/a"], workflow_failed=True, faults=["transformation:down"])
    (operation,) = outcome.request["Operations"]
    said, _ = stage.kit.DEncode.decode(operation["Arguments"].encode())
    assert said == {"transformation": 12, "statusDict": {"/vo/a": "Unused"}, "force": True}
    world = World(files={"/vo/a": {"Status": "Processed"}})
    with stage.connected(world):
        client = stage.kit.TransformationClient()
        replayed = client.setFileStatusForTransformation(said["transformation"], said["statusDict"], said["force"])
        assert (replayed["OK"], file_statuses(world.snapshot())) == (True, {"/vo/a": "Processed"})
        client.setFileStatusForTransformation(said["transformation"], said["statusDict"], force=said["force"])
        assert file_statuses(world.snapshot()) == {"/vo/a": "Unused"}


@hazard("H9")
def job_parameters_that_wait_are_never_sent(stage):
    """Neither live nor by the request."""
    for faults in ((), ("job-state:down",)):
        outcome = stage.run(scenario=Scenario(unsent_parameters={"CPU": "1"}, faults=faults))
        assert [list(pair) for pair in outcome.attributes["JobReport"]["jobParameters"]] == [["CPU", "1"]]
        assert "setJobParameters" not in methods(outcome)
        assert "CPU" not in str(outcome.files)


@hazard("H10")
def a_status_without_a_stub_is_lost(stage):
    """It cannot be repeated; the module is OK."""
    outcome = stage.run(faults=["job-state:s_error=no;stub=no"])
    assert (outcome.result["OK"], outcome.files, types(outcome)) == (True, {}, [])


@hazard("H11")
def statuses_are_delivered_twice_or_the_last_one_never(stage):
    """Twice when the service is back for the third call; if it is not, the final text is in no request."""
    back = stage.run(faults=["job-state:first=2"])
    assert statuses(back) == [[FINISHED], [FINISHED], [FINISHED, ENDED]]
    assert types(back) == ["ForwardDISET"]
    assert back.attributes["JobReport"]["appStatusInfo"] == []
    down = stage.run(faults=["job-state:down"])
    for outcome in (back, down):
        assert FINISHED in outcome.files[FILE]
        assert ENDED not in outcome.files[FILE]


@hazard("H12", beyond="the job wrapper sends every *_request.json that it finds, or ends when one is not JSON")
def an_old_file_of_requests_stays(stage):
    """Whatever is in it, when there is nothing to write."""
    outcome = stage.run(scenario=Scenario(files={FILE: "old", "other_request.json": "old"}))
    assert outcome.files == {FILE: "[]", "other_request.json": "[]"}
    outcome = stage.run(scenario=Scenario(files={FILE: "old", "other_request.json": "old"}, operations=(FORWARD,)))
    assert (outcome.files["other_request.json"], outcome.files[FILE][:15]) == ("[]", '{"RequestName":')


@hazard("H13", beyond="DIRAC's own FileReport never answers so; another one may")
def a_file_report_that_makes_no_operation_fails_the_module_oddly(stage):
    """By a Value that is not there: that is the Message and the application status."""
    answers = {"FileReport.commit": ("s_error",), "FileReport.generateForwardDISET": ("s_error=full",)}
    outcome = stage.run(scenario=Scenario(collaborators={**LIVE, "FileReport": "scripted"}, answers=answers))
    assert outcome.result["Message"] == {"exception": "KeyError", "args": ["Value"]}
    assert statuses(outcome) == [["Value"]]


@hazard("H14")
def a_file_report_keeps_its_first_transformation(stage):
    """The inputs of the transformation 12 are reported under the one of an earlier module."""
    calls = []
    report = stage.kit.FileReport()
    report.setFileStatus(5, "/vo/other", "Problematic")
    stage.execute(recorder(calls), {"InputData": "/vo/a", "FileReport": report})
    asked = [args[0] for method, args in calls if method == "getTransformationFiles"]
    assert [(item["TransformationID"], item["LFN"]) for item in asked] == [(5, ["/vo/a", "/vo/other"])] * len(asked)
    assert asked


def recorder(calls):
    """A transport that takes everything and knows no file."""

    def transport(_service, method, args, *, timeout=600):
        calls.append((method, json.loads(json.dumps(args, default=str))))
        return S_OK(json.dumps(S_OK([])) if method == "getTransformationFiles" else None)

    return transport


@hazard("H15")
def force_is_for_all_files_or_for_none(stage):
    """Set when one input lacked a status; then Problematic goes over Processed, which it else does not."""
    statuses_of = {}
    for inputs in ("/vo/a;/vo/b", "/vo/a"):
        scenario = Scenario.of_job(workflow_failed=True, reported={"/vo/a": "Problematic"})
        outcome = stage.run(
            scenario=Scenario(
                attributes=scenario.attributes,
                workflow_commons={**scenario.workflow_commons, "InputData": inputs},
                reported=scenario.reported,
                server_files={"/vo/a": "Processed", "/vo/b": "Assigned"},
            )
        )
        statuses_of[inputs] = (outcome.attributes["FileReport"]["force"], table(outcome))
    assert statuses_of == {
        "/vo/a;/vo/b": (True, {"/vo/a": "Problematic", "/vo/b": "Unused"}),
        "/vo/a": (False, {"/vo/a": "Processed", "/vo/b": "Assigned"}),
    }


@hazard("H16")
def a_name_that_ends_like_its_prefix_is_another_file(stage):
    """Which the transformation does not know: as H6."""
    for lfn, other in (("/vo/FILE.L", "/vo/FILE."), ("/vo/NF", "/vo/"), ("/vo/x:", "/vo/x")):
        outcome = stage.run(inputs=[lfn])
        (asked,) = [step.args[0]["LFN"] for step in outcome.steps if step.method == "getTransformationFiles"]
        assert (asked, outcome.result["OK"], table(outcome)) == ([other], True, {lfn: "Assigned"})


@hazard("H17", beyond="the workflow engine does it; tests/differential/test_workflow.py holds ours beside DIRAC's")
def the_cause_of_a_failure_is_overwritten(stage):
    """In a later step the module fails too, and the last failing step is what the workflow tells."""

    class Breaks:
        def execute(self):
            return FAILED

    commons = {"PRODUCTION_ID": "12", "JOB_ID": "34"}
    steps = [Step("work", [Module(Breaks)]), Step("failover", [Module(stage.kit.FailoverRequest)])]
    with stage.connected(recorder([])):
        alone, both = run_workflow(steps[:1], dict(commons)), run_workflow(steps, commons)
    assert (alone["Errno"], "the cause" in alone["Message"]) == (1500, True)
    assert (both["Errno"], both["Message"].args) == (0, ("Workflow failed, FailoverRequest module completed",))


@hazard("H18")
def a_commit_during_another_says_nothing_of_its_records(stage):
    """It is OK at once, with 0 records, whatever becomes of those that the other one is sending."""
    found = []

    def transport(_service, method, _args, *, timeout=600):
        if method == "commitRegisters" and not found:
            other = threading.Thread(target=copy_context().run, args=(lambda: found.append(client.commit()),))
            other.start()
            other.join(10)
        return S_ERROR("refused")

    with stage.connected(transport):
        client = stage.kit.DataStoreClient()
        client.disableFailover()
        client.addRegister(Record())
        outer = client.commit()
    assert [dict(result) for result in found] == [{"OK": True, "Value": 0}]
    assert outer["OK"] is False


class BaseAccountingType:
    """The name that accounting clients look for."""


class Record(BaseAccountingType):
    """A record that any client takes."""

    def checkValues(self):
        return S_OK()

    def getValues(self):
        return ("Job", None, None, [])


@hazard("H19")
def executing_twice_makes_two_operations(stage):
    """While the transformation system is down; the second one waits for the first."""
    commons = {"PRODUCTION_ID": "12", "JOB_ID": "34", "InputData": "/vo/a"}
    scenario = Scenario(workflow_commons=commons, faults=("transformation:down",), executions=2)
    outcome = stage.run(scenario=scenario)
    content = json.loads(outcome.files[FILE])["Operations"]
    assert [(item["Type"], item["Status"], item["Order"]) for item in content] == [
        ("SetFileStatus", "Waiting", 0), ("SetFileStatus", "Queued", 1),
    ]  # fmt: skip


@hazard("H20")
def arguments_that_are_no_text_prevent_the_file(stage):
    """Serialising raises instead of saying so; the operation alone does say so."""
    outcome = stage.run(operations=[{"Type": "ForwardDISET", "ArgumentsHex": "ff00"}])
    assert (outcome.result["Message"]["exception"], outcome.files) == ("UnicodeDecodeError", {})
    operation = stage.kit.Operation()
    operation.Arguments = b"\xff"
    assert operation.toJSON()["OK"] is False


@hazard("H21", beyond="the service then takes the sender for the owner")
def an_owner_by_dn_alone_is_not_written(stage):
    """The request is valid and belongs to nobody."""
    with stage.kit.connect(recorder([])):
        request = stage.kit.Request()
    request.RequestName, request.OwnerDN, request.OwnerGroup = "n", "/DC=org/CN=alice", "vo_user"
    operation = stage.kit.Operation()
    operation.Type, operation.Arguments = "ForwardDISET", "x"
    request.addOperation(operation)
    assert stage.kit.RequestValidator().validate(request)["OK"] is True
    content = json.loads(request.toJSON()["Value"])
    assert (content["Owner"], "OwnerDN" in content) == (None, False)


@hazard("H22")
def an_operation_that_is_refused_is_not_missed(stage):
    """What addOperation answers is not looked at: here it refuses an operation that it has already."""
    operation = stage.kit.Operation()
    operation.Type, operation.Arguments = "SetFileStatus", "x"

    class Report:
        force = False

        def getFiles(self):
            return {}

        def commit(self):
            return S_ERROR("no")

        def generateForwardDISET(self):
            return S_OK(operation)

    with stage.connected(recorder([])):
        request = stage.kit.Request()
    request.addOperation(operation)
    assert request.addOperation(operation)["OK"] is False
    result = stage.execute(recorder([]), {"FileReport": Report(), "Request": request})
    assert (result["OK"], len(request)) == (True, 1)


# The table


@pytest.mark.parametrize("one", HAZARDS, ids=lambda one: f"{one.number}-{one.show.__name__}")
def test_hazards_are_the_same_on_both(kit, monkeypatch, tmp_path, one):
    """One body, each implementation: what is lost here is lost there."""
    monkeypatch.setenv("JOBID", "77")
    monkeypatch.chdir(tmp_path)
    one.show(FixtureContext(kit))


def test_no_hazard_is_left_out():
    assert [one.number for one in HAZARDS] == [f"H{number}" for number in range(1, 23)]
    assert all(one.show.__doc__ for one in HAZARDS)
    assert [one.number for one in HAZARDS if one.beyond] == ["H8", "H12", "H13", "H17", "H21"]
