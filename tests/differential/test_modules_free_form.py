"""Modules beside DIRAC's own on data that nobody planned: the same results, exceptions, attributes and calls."""

import copy
import json
import os
from functools import partial

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dirac_failover.drivers.in_process import InProcessDriver, sessions
from dirac_failover.spec.compare import differences
from dirac_failover.spec.observation import Scrubber
from dirac_failover.spec.scenario import FAILED_STATUS, Scenario
from tests.doubles import FAILED, Spy

SOME = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
SCRIPTED = dict.fromkeys(("JobReport", "FileReport", "AccountingReport", "Request"), "scripted")


def see(function):
    """What a call gives: its value, or its exception with type and text."""
    try:
        return ["returned", Scrubber().plain(function())]
    except BaseException as error:  # noqa: BLE001 - what escapes is compared
        return ["raised", type(error).__name__, str(error)]


HELD = (
    "InputData", "inputDataList", "outputDataFileMask", "jobType", "appSteps", "stepName", "executable",
    "applicationName", "applicationVersion", "applicationLog", "inputDataType", "stepInputData", "production_id",
    "prod_job_id", "jobID", "step_number", "step_id",
)  # fmt: skip


def both(reference, dirac, act, **attributes):
    """Do the same with a module of each, and find everything equal."""
    found = []
    for implementation in (reference, dirac):
        module = implementation.ModuleBase()
        module.log, module.jobReport = Spy(), Spy(setJobParameter=FAILED)
        for name, value in copy.deepcopy(attributes).items():
            setattr(module, name, value)
        end = see(partial(act, module))
        held = {name: Scrubber().plain(getattr(module, name)) for name in HELD}
        found.append([end, held, Scrubber().plain(module.jobReport.calls), sorted(module.workflow_commons)])
    assert json.dumps(found[0]) == json.dumps(found[1])


names = st.text(st.sampled_from("LFN:/;_.a1 \n\udcff\u0130"), max_size=8)
scalars = st.none() | st.booleans() | st.integers(-3, 99) | st.floats() | names
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=5
)
lfns = st.lists(names, max_size=4).map(";".join)


def often(usual):
    """Mostly of the usual kind, else anything."""
    return st.one_of(usual, usual, usual, json_values)


# Inputs

put_out = st.fixed_dictionaries(
    {},
    optional={
        "stepName": st.sampled_from(["s1", "s2", "s3", None]),
        "outputDataType": st.sampled_from(["dst", "DST", "Dst", "log", ""]) | scalars,
        "outputDataName": often(names),
    },
)
workflow_commons = st.fixed_dictionaries(
    {},
    optional={
        "InputData": often(lfns),
        "ParametricInputData": often(lfns | st.lists(names, max_size=3)),
        "outputDataFileMask": often(lfns | st.lists(names, max_size=3)),
        "JobType": json_values,
        "appSteps": often(st.lists(st.sampled_from(["s1", "s2", "s3"]), max_size=4)),
        "outputList": often(st.lists(put_out, max_size=4)),
    },
)
step_commons = st.fixed_dictionaries(
    {},
    optional={
        "STEP_INSTANCE_NAME": often(st.sampled_from(["s1", "s2", "s3"])),
        "inputData": often(lfns | st.just("previousStep")),
        "inputDataType": often(st.sampled_from(["dst", "DST", ""])),
        **dict.fromkeys(
            ("executable", "applicationName", "applicationVersion", "applicationLog", "logFile"), json_values
        ),
    },
)


def resolve(module):
    module._resolveInputWorkflow()
    module._resolveInputStep()


@SOME
@given(workflow_commons, step_commons)
@example({"InputData": "/a", "appSteps": ["s1"], "outputList": [{"stepName": "s1"}]},
         {"STEP_INSTANCE_NAME": "s1", "inputData": "previousStep"})  # fmt: skip
def test_inputs_are_resolved_alike(reference, dirac, commons, step):
    both(reference, dirac, resolve, workflow_commons=commons, step_commons=step, fileReport=1, request=1)


# Output files

entry = st.fixed_dictionaries(
    {}, optional={"type": often(st.sampled_from(["txt", "TXT", "root"])), "workflowSE": scalars, "lfn": scalars}
)
masks = often(st.sampled_from(["", "txt", "TXT", "1", 1, 0]) | st.lists(st.sampled_from(["txt", "root", "1", "2"])))
file_names = st.sampled_from(["f_1.txt", "g_2.root", "plain", "a.b_1.tar.gz", "_", "x_", "_.1"]) | names


@SOME
@given(often(st.dictionaries(file_names, entry, max_size=4)), masks, masks)
def test_masks_are_applied_alike(reference, dirac, files, types, steps):
    both(reference, dirac, lambda module: module._applyMask(copy.deepcopy(files), types, steps))


@SOME
@given(often(st.dictionaries(file_names, often(entry), max_size=3)))
def test_sanity_is_checked_alike(reference, dirac, files):
    both(reference, dirac, lambda module: module._checkSanity(files))


@pytest.fixture
def some_files(tmp_path, monkeypatch):
    """A few of the names exist."""
    monkeypatch.chdir(tmp_path)
    for name in ("f_1.txt", "g_2.root", "plain"):
        (tmp_path / name).touch()


outputs = st.fixed_dictionaries(
    {"outputDataName": st.sampled_from(["f_1.txt", "g_2.root", "plain"])},
    optional={"outputDataType": st.sampled_from(["txt", "TXT", "root"]), "outputDataSE": scalars},
)
targets = st.sampled_from(["/vo/f_1.txt", "/vo/x/f_1.txt", "/vo/g_2.root", "plain", "/vo/absent", ""])


@pytest.mark.usefixtures("some_files")
@SOME
@given(often(st.lists(often(outputs), max_size=4)), often(st.lists(targets, max_size=4)), masks, masks)
def test_candidates_are_found_alike(reference, dirac, out, lfn_list, types, steps):
    both(reference, dirac, lambda module: module.getCandidateFiles(copy.deepcopy(out), lfn_list, types, steps))


@pytest.mark.usefixtures("some_files")
@SOME
@given(often(st.lists(file_names, max_size=3)))
def test_existence_is_checked_alike(reference, dirac, files):
    both(reference, dirac, lambda module: module._checkLocalExistance(files))


# Status

flags = often(st.fixed_dictionaries({}, optional={"OK": st.booleans() | scalars, "Message": scalars}))


@SOME
@given(json_values, json_values, scalars, flags, flags, often(st.sampled_from([0, 77, "77", None])))
def test_statuses_and_parameters_are_reported_alike(reference, dirac, status, name, flag, workflow, step, job):
    def report(module):
        return [
            see(lambda: module.setApplicationStatus(status, flag)),
            see(lambda: module.setJobParameter(name, status, flag)),
            see(module._checkWFAndStepStatus),
            see(module._WMSJob),
        ]

    both(reference, dirac, report, workflowStatus=workflow, stepStatus=step, jobID=job)


# The contract


RAISED = (RuntimeError, NotImplementedError, ValueError, OSError, KeyError, SystemExit, StopIteration)


class Hooked:
    """What a hook may end with."""

    def __init__(self, kind, args):
        self.kind, self.args_ = kind, args

    def raised(self, implementation):
        kinds = {"GracefulTermination": implementation.GracefulTermination, **{kind.__name__: kind for kind in RAISED}}
        return kinds[self.kind](*copy.deepcopy(self.args_))

    def __repr__(self):
        return f"{self.kind}{self.args_}"


def plain_args(args):
    return not (len(args) > 1 and isinstance(args[0], int) and args[0] > 10**6)


ends = st.builds(
    Hooked,
    st.sampled_from(["GracefulTermination", "RuntimeError", *(kind.__name__ for kind in RAISED)]),
    st.lists(often(names | st.sampled_from([0, 1, 2, 5, 1500, 99999, True])), max_size=3).filter(plain_args),
)  # fmt: skip
HOOKS = ("_resolveInputVariables", "_initialize", "_setCommand", "_executeCommand", "_execute", "_finalize", "finalize")


@SOME
@given(
    st.dictionaries(st.sampled_from(HOOKS), ends, max_size=2),
    often(st.sampled_from(["00000012", 0, "0"])),
    often(st.sampled_from(["00000034", 34])),
    often(st.sampled_from(["1", 1])),
    st.sampled_from(["77", "0", " 5 ", "", "x9", "-1", "1_0", None]),
)
@example({"_execute": Hooked("RuntimeError", [2, "m"])}, "1", "2", "3", "77")
def test_modules_end_alike(reference, dirac, ended, production, task, number, job):
    """Whatever hook raises whatever, and whatever the identity is made of."""
    before = os.environ.pop("JOBID", None)
    if job is not None:
        os.environ["JOBID"] = job
    found = []
    try:
        for implementation in (reference, dirac):
            calls = []
            module = type(
                "Mine", (implementation.ModuleBase,), {name: hook(name, ended, implementation, calls) for name in HOOKS}
            )()
            module.log, module.jobReport = Spy(), Spy(setJobParameter=FAILED)
            module.workflow_commons = {"PRODUCTION_ID": copy.deepcopy(production), "JOB_ID": copy.deepcopy(task)}
            module.STEP_NUMBER = copy.deepcopy(number)
            module.workflowStatus = module.stepStatus = {"OK": True}
            end = see(module.execute)
            if end[0] == "returned" and end[1]:
                end[1].pop("CallStack", None)
            held = {name: Scrubber().plain(getattr(module, name)) for name in HELD}
            found.append([end, calls, Scrubber().plain(module.jobReport.calls), held])
    finally:
        os.environ.pop("JOBID", None)
        if before is not None:
            os.environ["JOBID"] = before
    assert json.dumps(found[0]) == json.dumps(found[1])


def hook(name, ended, implementation, calls):
    def called(_):
        calls.append(name)
        if name in ended:
            raise ended[name].raised(implementation)

    return called


# The whole module

answers = st.sampled_from(
    ["ok", "ok", "ok", "operation", "s_error", "bad_shape=null", "bad_shape={}", 'bad_shape={"OK": true}', "ok=0",
     'ok=""', 'ok={"/vo/a": "x"}', "ok=[]", "raises=ValueError:boom", "raises=RuntimeError:a:7", "raises=SystemExit:3",
     "raises=GracefulTermination", 'bad_shape={"OK": false, "Value": null}', 'bad_shape={"OK": 1, "Value": 5}']
)  # fmt: skip
METHODS = (
    "FileReport.getFiles", "FileReport.setFileStatus", "FileReport.commit", "FileReport.generateForwardDISET",
    "JobReport.setApplicationStatus", "JobReport.generateForwardDISET", "AccountingReport.commit", "Request.toJSON",
    "Request.getDigest",
)  # fmt: skip
json_texts = st.text(st.sampled_from("LFN:/;_.a1 \n\u0130"), max_size=8)
operations = st.sampled_from(
    [{"Type": "ForwardDISET", "Arguments": "x"}, {"Type": "RemoveFile"}, {"Type": "RemoveFile", "Files": ["/vo/o"]},
     {"Type": "SetFileStatus", "Arguments": "é"}, {"Type": None}, {"ArgumentsHex": "ff"},
     {"Type": "", "TargetSE": "SE"}]
)  # fmt: skip
scenarios = st.builds(
    Scenario,
    environment=st.sampled_from([{}, {"JOBID": "77"}, {"JOBID": "77"}, {"JOBID": "0"}, {"JOBID": "x"}]),
    attributes=st.fixed_dictionaries(
        {"STEP_NUMBER": st.sampled_from(["1", 2, None])},
        optional={
            "workflowStatus": st.sampled_from([{"OK": True}, {"OK": True}, FAILED_STATUS, {}]),
            "stepStatus": st.sampled_from([{"OK": True}, {"OK": True}, FAILED_STATUS, {"OK": 0}]),
            "production_id": st.sampled_from([5, "5", 1.5]),
            "jobID": st.sampled_from([5, "5", True, 1.5]),
            "prod_job_id": st.sampled_from([5, "5", 2.5]),
        },
    ),
    workflow_commons=st.fixed_dictionaries(
        {"PRODUCTION_ID": st.sampled_from(["00000012", 12, "x"]), "JOB_ID": st.sampled_from(["00000034", 0])},
        optional={"InputData": st.lists(json_texts, max_size=3).map(";".join) | st.just("/vo/a;/vo/b")},
    ),
    step_commons=st.fixed_dictionaries({"STEP_INSTANCE_NAME": json_texts}, optional={"inputData": json_texts}),
    collaborators=st.just(SCRIPTED),
    answers=st.dictionaries(st.sampled_from(METHODS), st.lists(answers, min_size=1, max_size=3).map(tuple), max_size=4),
    reported=st.dictionaries(st.sampled_from(["/vo/a", "/vo/b", ""]), json_texts, max_size=2),
    records=st.integers(0, 2),
    operations=st.lists(operations, max_size=3).map(tuple),
    owner=st.sampled_from([("alice", "vo_user"), ("alice", "vo_user"), None, ("", "g")]),
    files=st.sampled_from([{}, {}, {"12_34_request.json": "old"}, {"12_34_request.json": "directory"}]),
    executions=st.integers(1, 2),
)


@pytest.fixture(scope="module")
def ports(reference, dirac):
    """Both, in one session."""
    pair = InProcessDriver(reference), InProcessDriver(dirac)
    with sessions(*pair):
        yield pair


@settings(SOME, max_examples=300)
@given(scenarios)
def test_jobs_end_alike(ports, scenario):
    """FailoverRequest in situations outside the space: calls, result, attributes, request and files."""
    ours, theirs = (port.run(scenario) for port in ports)
    assert differences(ours, theirs) == []
