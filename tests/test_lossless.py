"""LosslessFailoverRequest keeps the contract, and loses nothing where FailoverRequest does."""

import os
import re
from collections import Counter
from types import SimpleNamespace

import pytest

from dirac_failover import lossless
from dirac_failover.drivers.in_process import InProcessDriver, sessions
from dirac_failover.failover_request import FailoverRequest
from dirac_failover.lossless import LosslessFailoverRequest
from dirac_failover.module_base import GracefulTermination
from dirac_failover.request.request import Request
from dirac_failover.spec import space
from dirac_failover.spec.check_context import CheckContext
from dirac_failover.spec.clauses import CLAUSES
from dirac_failover.spec.scenario import DEFAULT_ATTRIBUTES, DEFAULT_COMMONS, Scenario

EVERY = {
    "identity": 3, "inputs": 29, "hooks": 7, "candidates": 101, "reports": 29, "end": 3, "answers": 397, "services": 29,
    "statuses": 7, "files": 23, "accounting": 3, "parameters": 2, "requests": 11, "row": 3,
}  # fmt: skip
FILE = "12_34_request.json"


@pytest.fixture
def run(reference):
    """Run the lossless module in a scenario."""
    port = InProcessDriver(reference, LosslessFailoverRequest)
    with port.session():
        yield port.run


@pytest.mark.ci
@pytest.mark.parametrize("region", space.REGIONS, ids=lambda region: str(region.name))
def test_it_keeps_every_clause_of_contract_and_lossless(run, sample, region):
    broken = Counter()
    first = {}
    for scenario in sample(region, EVERY[region.name]):
        case = CheckContext(scenario, run(scenario))
        for clause in CLAUSES:
            verdict = clause.violation(case) if clause.level != "dirac" else None
            if verdict:
                broken[clause.id] += 1
                first.setdefault(clause.id, (scenario.name, verdict))
    assert not broken, first


@pytest.mark.ci
def test_every_clause_of_lossless_is_broken_by_the_reference_and_kept_by_it(reference, sample):
    """Each clause of the level names a hazard that is there, and that is gone here."""
    port, keeps = InProcessDriver(reference, FailoverRequest), InProcessDriver(reference, LosslessFailoverRequest)
    wanted = {clause.id: clause for clause in CLAUSES if clause.level == "lossless"}
    with sessions(port, keeps):
        for region in space.REGIONS:
            near = region.near(2) if region is space.ANSWERS else ()
            for scenario in (*near, *sample(region, EVERY[region.name])):
                case = CheckContext(scenario, port.run(scenario))
                for id_ in [id_ for id_, clause in wanted.items() if clause.violation(case)]:
                    clause = wanted.pop(id_)
                    assert not clause.violation(CheckContext(scenario, keeps.run(scenario))), (id_, scenario.name)
    assert not wanted


def of(outcome):
    """Return the types of the operations that were written."""
    return [item[0] for item in CheckContext(Scenario(), outcome).written]


def said(outcome):
    """Return the arguments of the exception that is the result."""
    return outcome.result["Value" if outcome.result["OK"] else "Message"]["args"]


FORWARD = {"Type": "ForwardDISET", "Arguments": "x"}
DOWN = ["accounting:down", "requests:down"]
BARE = "RemoveFile (Operation #0 of type 'RemoveFile' hasn't got files to process.)"
NO_RECORDS = "Neither the accounting nor the request system took the accounting records"
SCRIPTED = dict.fromkeys(("JobReport", "FileReport", "Request"), "scripted")
JOBS = {
    # what is said at the end, the operations that are written, and what is given
    "all is well": ("Workflow successful, end of FailoverRequest module execution.", [], {"inputs": ["/vo/a"]}),
    "a failed job writes its request": (
        "Workflow failed, FailoverRequest module completed",
        ["ForwardDISET", "SetFileStatus"],
        {"inputs": ["/vo/a"], "workflow_failed": True, "operations": [FORWARD], "faults": ["transformation:down"]},
    ),
    "all losses are said at once": (
        f"{NO_RECORDS}; Operations that cannot be kept: {BARE}",
        ["ForwardDISET"],
        {"records": 1, "operations": [{"Type": "RemoveFile"}, FORWARD], "faults": DOWN},
    ),
    "every bad operation is named": (
        f"Operations that cannot be kept: {BARE}, {BARE}",
        [],
        {"operations": [{"Type": "RemoveFile"}] * 2},
    ),
    "without a job, pending operations are no success": (
        "1 operations are pending, and there is no job to keep them for",
        [],
        {"job_id": None, "operations": [FORWARD]},
    ),
    "without a job, nothing pending is skipped": ("Skipping FailoverRequest module", [], {"job_id": None}),
}


@pytest.mark.parametrize("case", JOBS)
def test_nothing_is_lost_without_a_word(run, case):
    message, operations, given = JOBS[case]
    outcome = run(Scenario.of_job(**given))
    assert said(outcome) == [message]
    assert of(outcome) == operations
    assert list(outcome.files) == ([FILE] if operations else [])
    reports = [step.args for step in outcome.steps if step.method == "setJobStatusBulk"]
    assert str(reports).count("cannot be kept") == ("cannot be kept" in message)
    if case == "all is well":
        assert [args[0] for args in reports] == [77, 77]


def test_a_bad_operation_stays_in_the_request_and_out_of_the_file(run):
    operations = [{"Type": "ForwardDISET", "ArgumentsHex": "ff00"}, {"Type": "RemoveFile", "Files": ["/vo/x"]}]
    outcome = run(Scenario.of_job(operations=operations))
    assert "ForwardDISET (cannot be serialised)" in said(outcome)[0]
    assert of(outcome) == ["RemoveFile"]
    assert '"RequestName": "job_77_request.xml", "Owner": "alice", "OwnerGroup": "vo_user"' in outcome.files[FILE]
    assert '"SourceComponent": "Job_77", "JobID": 77' in outcome.files[FILE]


def test_inputs_that_cannot_be_read_do_not_take_the_request_with_them(run):
    outcome = run(Scenario(workflow_commons={**DEFAULT_COMMONS, "InputData": 5}, operations=(FORWARD,)))
    assert outcome.result["Message"]["exception"] == "AttributeError"
    assert said(outcome) == ["'int' object has no attribute 'split'"]
    assert of(outcome) == ["ForwardDISET"]


@pytest.mark.parametrize(
    ("fault", "expected"), [("", []), ("job-state.setJobParameters:refuse", ["ForwardDISET"])], ids=["sent", "kept"]
)
def test_job_parameters_are_sent_or_kept(run, fault, expected):
    outcome = run(Scenario(unsent_parameters={"CPU": "1"}, faults=(fault,) if fault else ()))
    assert outcome.result["OK"]
    assert of(outcome) == expected
    assert bool(outcome.attributes["JobReport"]["jobParameters"]) == bool(expected)


@pytest.mark.parametrize(("methods", "message"), [
    (("FileReport.commit", "FileReport.generateForwardDISET"), "The statuses of input files"),
    (("JobReport.generateForwardDISET",), "Statuses of the job"),
])  # fmt: skip
def test_statuses_that_neither_a_service_nor_the_request_took_are_lost(run, methods, message):
    outcome = run(Scenario(collaborators=SCRIPTED, answers=dict.fromkeys(methods, ("s_error=no",))))
    assert said(outcome) == [f"{message} could be neither sent nor kept"]


def test_an_old_file_goes_when_nothing_is_pending_and_a_new_one_is_written_whole_or_not_at_all(run):
    assert run(Scenario(files={FILE: "old"})).files == {}
    assert run(Scenario(files={FILE: "directory"})).files == {FILE: "<directory>"}
    assert run(Scenario(files={FILE: "full"})).files == {FILE: "<link>"}
    assert of(run(Scenario(files={FILE: "full"}, operations=(FORWARD,)))) == ["ForwardDISET"]
    blocked = run(Scenario(files={FILE: "directory"}, operations=(FORWARD,)))
    assert blocked.files == {FILE: "<directory>"}
    assert blocked.result["Message"]["exception"] == "IsADirectoryError"


@pytest.mark.parametrize(
    ("answer", "exception", "message"),
    [
        ("s_error=why", "RuntimeError", "why"),
        ("ok=[1]", "RuntimeError", "The request's JSON is no text"),
        ('ok="\\u00e9"', "UnicodeEncodeError", "ascii"),
    ],
)
def test_a_request_without_json_in_ascii_is_an_error_and_not_written(run, answer, exception, message):
    outcome = run(Scenario(collaborators=SCRIPTED, answers={"Request.toJSON": (answer,)}, operations=(FORWARD,)))
    assert (outcome.result["Message"]["exception"], said(outcome)[0]) == (exception, message)
    assert outcome.files == {}


def test_executing_twice_forgets_the_error_of_the_first_time(run):
    fault = "transformation.getTransformationFiles:raises=ValueError: boom@first=1"
    inputs = {**DEFAULT_COMMONS, "InputData": "/vo/a"}
    given = {"workflow_commons": inputs, "server_files": {"/vo/a": "Assigned"}, "faults": (fault,)}
    assert run(Scenario(**given, executions=2)).result["OK"]


@pytest.mark.parametrize("faults", [(), ("transformation:first=1",)], ids=["first try", "second try"])
def test_files_that_the_transformation_does_not_know_are_named(run, faults):
    """It does not matter which try reached the service; a status that stays the same is no loss."""
    assert run(Scenario.of_job(inputs=["/vo/a"], faults=list(faults))).result["OK"]
    inputs = {**DEFAULT_COMMONS, "InputData": "/vo/a;/vo/b"}
    lost = run(Scenario(workflow_commons=inputs, server_files={"/vo/a": "Processed"}, faults=faults))
    assert said(lost) == ["Transformation 12 does not know /vo/b"]


def test_the_file_appears_under_its_name_when_it_is_complete(run, monkeypatch):
    """Until then it has another, which the job wrapper does not look for; and it is on the disk."""
    moved, synced = [], []
    replace = lossless.os.replace

    def watched(part, name):
        with open(part, encoding="ascii") as file:
            moved.append((part, name, file.read()))
        replace(part, name)

    monkeypatch.setattr(lossless.os, "replace", watched)
    monkeypatch.setattr(lossless.os, "fsync", lambda handle: synced.append(os.fstat(handle).st_size))
    files = run(Scenario(operations=(FORWARD,))).files
    ((part, name, text),) = moved
    assert name == FILE
    assert synced == [len(text)]
    assert re.fullmatch(rf"\.{FILE}\.\w+", os.path.basename(part))
    assert list(files) == [FILE]
    assert '"Arguments": "x"' in text


def test_the_prefix_of_an_lfn_is_a_prefix(run):
    inputs = {**DEFAULT_COMMONS, "InputData": "LFN:/vo/a;;/vo/FILE.L"}
    outcome = run(Scenario(workflow_commons=inputs, attributes={**DEFAULT_ATTRIBUTES, "jobID": "78"}))
    assert outcome.attributes["inputDataList"] == ["/vo/a", "/vo/FILE.L"]
    assert outcome.attributes["jobID"] == 78


@pytest.fixture
def module(mocker):
    """A new module of a job that is well, with reports that can be asked what they were told."""
    made = LosslessFailoverRequest()
    made.jobID, made.production_id, made.inputDataList = 77, 12, ["/vo/a", "/vo/b", "/vo/c"]
    made.workflowStatus = made.stepStatus = {"OK": True}
    made.jobReport, made.fileReport = mocker.Mock(), mocker.Mock()
    made.jobReport.setApplicationStatus.return_value = {"OK": True}
    return made


def test_a_status_is_reported_until_the_end_is(module):
    assert module.setApplicationStatus("x", False) is None
    module.jobReport.setApplicationStatus.assert_called_once_with("x", False)
    module._told.append("y")
    assert module.setApplicationStatus("y") is None
    module.jobReport.setApplicationStatus.assert_called_once()


def test_an_error_counts_more_than_a_loss_and_that_more_than_an_end(module):
    end, first, second = GracefulTermination("end"), ValueError("first"), ValueError("second")
    assert module._ending() is None
    module._raised = [end]
    assert module._ending() is end
    module._lost = ["one", "two"]
    assert (type(module._ending()), module._ending().args) == (RuntimeError, ("one; two",))
    module._raised = [end, first, second]
    assert module._ending() is first


def test_only_files_whose_status_did_not_change_are_asked_about(module, mocker):
    """At once, of this transformation; without an answer that says what changed, or without a client, of none."""
    ask = module.fileReport.transClient.getTransformationFiles
    ask.return_value = {"OK": True, "Value": [{"LFN": "/vo/z"}]}
    module._find_unknown({"/vo/a": "Processed"})
    ask.assert_called_once_with({"TransformationID": 12, "LFN": ["/vo/b", "/vo/c"]})
    assert module._lost == ["Transformation 12 does not know /vo/b, /vo/c"]
    module._find_unknown(None)
    module._find_unknown(dict.fromkeys(module.inputDataList))
    ask.assert_called_once()
    module.fileReport = mocker.Mock(spec=[])
    module._find_unknown({})
    assert len(module._lost) == 1


@pytest.mark.parametrize(
    ("ending", "told"),
    [
        (None, ["Job Finished Successfully", "Workflow successful, end of FailoverRequest module execution."]),
        (RuntimeError("bad", 5), ["bad"]), (RuntimeError("bad", 5, 6), ["bad"]), (RuntimeError("bad"), ["bad"]),
        (RuntimeError(), [""]), (ValueError("bad", 5), ["('bad', 5)"]), (ValueError("bad"), ["bad"]),
    ],
)  # fmt: skip
def test_the_end_that_is_reported_is_the_one_that_comes(module, ending, told):
    module._raised = [ending] if ending else []
    module._report_the_end()
    assert [call.args for call in module.jobReport.setApplicationStatus.mock_calls] == [(text, True) for text in told]


def test_a_loss_is_the_end_of_the_file_too_and_a_report_may_have_no_parameters(module, mocker):
    module.jobReport = mocker.Mock(spec=[])
    module._forward_parameters()
    mocker.patch.object(module, "_write_everything")
    module._lost = ["one"]
    with pytest.raises(RuntimeError, match=r"^one$"):
        module.generateFailoverFile()


def test_a_failed_workflow_has_no_good_end(module, mocker):
    asked = mocker.patch.object(module, "_checkWFAndStepStatus", return_value=False)
    module._report_the_end()
    asked.assert_called_once_with(noPrint=True)
    module.jobReport.setApplicationStatus.assert_not_called()


def test_a_link_is_nobodys_old_file(module, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module.prod_job_id, module.request = 34, Request()
    (tmp_path / "real").touch()
    (tmp_path / FILE).symlink_to("real")
    module._write_request()
    assert sorted(path.name for path in tmp_path.iterdir()) == [FILE, "real"]


def test_what_can_be_kept_belongs_to_the_same_owner(module):
    names = ("RequestName", "JobID", "SourceComponent", "Owner", "OwnerGroup")
    module.request = Request()
    for number, name in enumerate(names):
        setattr(module.request, name, number if name == "JobID" else name)
    kept = module._request_of([])
    assert [getattr(kept, name) for name in names] == [getattr(module.request, name) for name in names]


def test_an_operation_that_cannot_be_read_back_is_told_apart():
    """A time that the service could not read is a reason to leave the operation out of the request."""
    operation = SimpleNamespace(toJSON=lambda: {"OK": True, "Value": {"Type": "PutAndRegister", "CreationTime": "bad"}})
    assert lossless._what_is_wrong(operation).startswith("cannot be read: ")
