"""The facts that a scenario says alone: each in the forms in which a scenario can say it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dirac_failover.spec.facts import COMMIT, INVALID, NO_DIGEST, NO_TEXT, STATUS, End, Facts, Raised
from dirac_failover.spec.scenario import FAILED_STATUS, LIVE, MISSING, NONE, SCRIPTED, Scenario

ALL = dict.fromkeys(("JobReport", "FileReport", "AccountingReport", "Request"), SCRIPTED)
FORWARD = {"Type": "ForwardDISET", "Arguments": "x"}
REMOVE = {"Type": "RemoveFile"}
NOT_TEXT = {"Type": "ForwardDISET", "ArgumentsHex": "ff00"}
WELL = replace(Scenario.of_job(inputs=["/vo/a", "/vo/b"]), collaborators=ALL, records=1)
FAILED = {"workflowStatus": FAILED_STATUS}
CALLED = (["finalize", []],)


def given(scenario=WELL, **fields):
    """The situation in which these fields have other values; mappings are merged, and None removes a key."""
    both = {
        name: {key: item for key, item in {**getattr(scenario, name), **value}.items() if item is not None}
        if isinstance(value, dict)
        else value
        for name, value in fields.items()
    }
    return Facts(replace(scenario, **both))


def answers(**texts):
    """The answers of methods, as the field of a scenario: ``FileReport_commit="ok s_error"``."""
    return {"answers": {name.replace("_", ".", 1): tuple(text.split()) for name, text in texts.items()}}


# What is run


@pytest.mark.parametrize(("fields", "executed", "own"), [
    ({}, True, True), ({"subject": "base"}, True, False), ({"hooks": {"_execute": "ok"}}, True, False),
    ({"calls": CALLED}, False, False),
])  # fmt: skip
def test_a_module_is_executed_as_it_is_or_in_parts(fields, executed, own):
    """A class of another kind, hooks that are replaced, and single methods are not the module as it is."""
    facts = given(**fields)
    assert (facts.executed, facts.own) == (executed, own)


@pytest.mark.parametrize(("kind", "scripted"), [(SCRIPTED, True), (NONE, True), (LIVE, False), (MISSING, False)])
def test_all_collaborators_are_scripted_or_not(kind, scripted):
    """One collaborator of another kind is enough; None is no collaborator."""
    assert given(collaborators={"JobReport": kind}).scripted is scripted


def test_the_first_answer_is_asked_for():
    """A method without an answer is answered well; an answer may be told by its beginning."""
    facts = given(**answers(FileReport_commit="s_error=no ok"))
    assert (facts.answer(COMMIT), facts.answer(STATUS)) == ("s_error=no", "ok")
    assert facts.answered(COMMIT, "ok", "s_error")
    assert not facts.answered(COMMIT, "ok", "raises")
    assert facts.answered(STATUS, "ok")


# Identity


@pytest.mark.parametrize(("fields", "task"), [
    ({}, (12, 34)), ({"workflow_commons": {"PRODUCTION_ID": 7, "JOB_ID": "0"}}, (7, 0)),
    ({"attributes": {"production_id": 5, "prod_job_id": "6"}}, (5, 6)),
    ({"attributes": {"production_id": 5}, "workflow_commons": {"PRODUCTION_ID": None}}, (5, 34)),
    ({"attributes": {"prod_job_id": 0}}, (12, 34)), ({"workflow_commons": {"PRODUCTION_ID": None}}, None),
    ({"workflow_commons": {"JOB_ID": None}}, None), ({"workflow_commons": {"JOB_ID": "x"}}, None),
    ({"workflow_commons": {"JOB_ID": ["1"]}}, None),
])  # fmt: skip
def test_a_task_is_a_transformation_and_a_number(fields, task):
    """What is set on the module goes before ``workflow_commons``; anything missing or malformed is None."""
    facts = given(**fields)
    assert facts.task == task
    assert facts.identified is facts.job is (task is not None)


@pytest.mark.parametrize(("fields", "number"), [
    ({}, 77), ({"attributes": {"jobID": 78}}, 78), ({"attributes": {"jobID": 0}}, 77),
    ({"attributes": {"jobID": "78"}}, None), ({"environment": {"JOBID": None}}, 0),
    ({"environment": {"JOBID": "0"}}, 0), ({"environment": {"JOBID": " 5 "}}, 5),
    ({"environment": {"JOBID": "x"}}, None), ({"environment": {"JOBID": "x"}, "attributes": {"jobID": 78}}, 78),
])  # fmt: skip
def test_a_job_has_a_number(fields, number):
    """Without a number there is no job; a malformed one identifies nothing."""
    facts = given(**fields)
    assert facts.number == number
    assert facts.identified is (number is not None)
    assert facts.job is bool(number)


@pytest.mark.parametrize(("attributes", "identified"), [
    ({}, True), ({"STEP_NUMBER": 3}, True), ({"STEP_NUMBER": None}, False), ({"STEP_NUMBER": "one"}, False),
    ({"STEP_NUMBER": None, "step_number": 3}, True), ({"step_number": 3, "STEP_NUMBER": "one"}, True),
    ({"step_number": 0}, True),
])  # fmt: skip
def test_a_step_has_a_number(attributes, identified):
    """The number that is set on the module goes before the one that the workflow sets."""
    assert given(attributes=attributes).identified is identified


@pytest.mark.parametrize(("name", "found"), [
    ("12_34_request.json", True), ("00000012_00000034_request.json", True), ("112_34_request.json", False),
    ("12_134_request.json", False), ("12_34_requestXjson", False), ("12_34_request.json2", False),
])  # fmt: skip
def test_the_requests_file_may_have_zeros_in_its_name(name, found):
    """The name is that of the transformation and its task."""
    assert bool(given().request_file.fullmatch(name)) is found
    nameless = given(workflow_commons={"JOB_ID": None})
    assert nameless.request_file.fullmatch("0_0_request.json")


# What happened before


@pytest.mark.parametrize(("statuses", "health"), [
    (({"OK": True}, {"OK": True}), "well"), ((FAILED_STATUS, {"OK": True}), "failed"),
    (({"OK": True}, FAILED_STATUS), "failed"), ((FAILED_STATUS, {}), "failed"), (({}, FAILED_STATUS), "unset"),
    (({}, {"OK": True}), "unset"), (({"OK": True}, {}), "unset"), ((None, None), "unset"),
])  # fmt: skip
def test_health_is_asked_of_the_step_only_if_the_workflow_is_well(statuses, health):
    """A module asks the workflow first, and then the step."""
    attributes = dict(zip(("workflowStatus", "stepStatus"), statuses, strict=True))
    facts = given(attributes=attributes)
    assert facts.health == health
    assert facts.well is (health == "well")


@pytest.mark.parametrize(("said", "inputs"), [
    ({}, ["/vo/a", "/vo/b"]), ({"InputData": None}, []), ({"InputData": ""}, []),
    ({"InputData": "LFN:/vo/a.b;;/vo/9;"}, ["/vo/a.b", "/vo/9"]), ({"InputData": "/vo/a;/vo/a"}, None),
    ({"InputData": "/vo/a;LFN:/vo/FILE"}, None), ({"InputData": "lfn:/vo/a"}, None),
    ({"InputData": "LFN:LFN:/vo/a"}, None), ({"InputData": " /vo/a"}, None), ({"InputData": ["/vo/a"]}, None),
    ({"InputData": []}, []), ({"InputData": 5}, None), ({"InputData": {"/vo/a": 1}}, None),
    ({"ParametricInputData": "/vo/p"}, ["/vo/p"]),
    ({"ParametricInputData": ["/vo/p", "LFN:/vo/q"]}, ["/vo/p", "/vo/q"]),
    ({"ParametricInputData": ["/vo/p", 1]}, None), ({"ParametricInputData": ""}, ["/vo/a", "/vo/b"]),
    ({"ParametricInputData": 5}, None),
])  # fmt: skip
def test_inputs_are_the_names_that_every_implementation_reads_alike(said, inputs):
    """What is said in an odd form is None: there the level dirac alone knows what to expect."""
    assert given(workflow_commons=said).inputs == inputs


@pytest.mark.parametrize(("step", "plain"), [
    ({}, True), ({"inputData": ""}, True), ({"inputData": "/vo/s"}, False), ({"STEP_INSTANCE_NAME": None}, False),
])  # fmt: skip
def test_a_step_that_has_inputs_of_its_own_or_no_name_is_odd(step, plain):
    """Its inputs may be those of another step."""
    assert given(step_commons=step).inputs == (["/vo/a", "/vo/b"] if plain else None)


def test_a_collaborator_that_is_not_there_holds_nothing():
    """What a scenario lays into it reaches no module; the module makes a collaborator of its own."""
    left = {
        "reported": {"/vo/c": "Unused"}, "unsent_statuses": ("half",), "unsent_parameters": {"CPU": "1"},
        "operations": (FORWARD,), "workflow_commons": {"InputData": None},
    }  # fmt: skip
    for kind, there in ((SCRIPTED, True), (LIVE, True), (MISSING, False), (NONE, False), (None, False)):
        facts = given(**left, collaborators=dict.fromkeys(ALL, kind))
        assert all(facts.has(name) is there for name in ALL)
        assert facts.reported == ({"/vo/c": "Unused"} if there else {})
        assert facts.held is there
        assert facts.unsent_statuses == (["half"] if there else [])
        assert facts.unsent_parameters == ({"CPU": "1"} if there else {})
        assert facts.operations == ([["ForwardDISET", "x", []]] if there else [])
        assert facts.accounting is (there or kind == MISSING)
    said = ("one", ["Done", "m", "app"], ["Done", "m"], "")
    assert given(unsent_statuses=said, collaborators=dict.fromkeys(ALL, LIVE)).unsent_statuses == ["one", "app"]


def test_a_file_report_has_a_status_to_send_for_each_input():
    """Earlier statuses are sent, too; odd inputs are unknown."""
    assert given().held
    assert not given(workflow_commons={"InputData": None}).held
    assert not given(workflow_commons={"InputData": 5}).held
    assert given(workflow_commons={"InputData": 5}, reported={"/vo/a": "Unused"}).held


def test_operations_are_told_by_type_arguments_and_files():
    """Arguments that are no text are shown as an outcome shows them."""
    remove = {"Type": "RemoveFile", "Files": ("/vo/o",)}
    facts = given(operations=(FORWARD, remove, NOT_TEXT))
    no_text = ["ForwardDISET", b"\xff\x00", []]
    assert facts.operations == [["ForwardDISET", "x", []], ["RemoveFile", None, ["/vo/o"]], no_text]
    assert facts.bad(NO_TEXT) == [no_text]
    assert facts.bad(INVALID) == []
    both = given(operations=(REMOVE, {"Type": "SetFileStatus", "Arguments": "x"}))
    assert both.bad(INVALID) == both.operations[:1]
    assert both.bad(NO_TEXT) == []
    nameless, later = ({"Type": "x", "Files": files} for files in (({"PFN": "p"}, "/a"), ("/a", {"PFN": "p"})))
    assert given(operations=(nameless, later)).bad(NO_DIGEST) == [["x", None, [None, "/a"]]]


ALL_LIVE = {"collaborators": dict.fromkeys(ALL, LIVE)}


@pytest.mark.parametrize(("name", "fields", "found"), [
    ("disk", {"files": {"x": "output", "y": "old"}}, True), ("disk", {"files": {"x": "directory"}}, False),
    ("disk", {"files": {"x": "full"}}, False), ("valid", {"operations": (FORWARD,)}, True),
    ("valid", {"operations": (FORWARD, NOT_TEXT)}, False), ("valid", {"owner": None}, False),
    ("refusable", {"operations": (FORWARD,)}, False), ("refusable", {"operations": (FORWARD, REMOVE)}, True),
    ("plain", answers(JobReport_setApplicationStatus="ok s_error", Request_toJSON="ok"), True),
    ("plain", answers(FileReport_getFiles="ok ok={}"), False), ("plain", answers(Request_toJSON="ok=[1]"), False),
    ("calm", answers(AccountingReport_commit="s_error"), True), ("calm", {"executions": 2}, False),
    ("calm", answers(AccountingReport_commit="s_error") | {"records": 0}, False),
    ("calm", answers(FileReport_commit="s_error") | {"workflow_commons": {"InputData": None}}, False),
    ("calm", {"attributes": {"workflowStatus": {}}}, False), ("calm", {"workflow_commons": {"InputData": 5}}, False),
    ("forwarded", answers(FileReport_generateForwardDISET="operation"), []),
    ("calm_live", ALL_LIVE | {"faults": ("job-state.setJobStatusBulk:down", "job-state:first=1")}, True),
    ("calm_live", ALL_LIVE | {"faults": ("transformation:down", "job-state:down")}, False),
    ("calm", answers(FileReport_commit="s_error", JobReport_generateForwardDISET="s_error"), False),
])  # fmt: skip
def test_what_goes_wrong_is_known(name, fields, found):
    """A disk in the way, a request that is refused, odd answers, and more than one collaborator that refuses."""
    assert getattr(given(**fields), name) == found


BOOM = "raises=ValueError:boom"
HOOK_RAISES = {"_setCommand": BOOM}
NO_JOB = {"environment": {"JOBID": None}}
FORWARD_RAISES = answers(FileReport_commit="s_error", FileReport_generateForwardDISET=BOOM)


@pytest.mark.parametrize(("fields", "end", "raised"), [
    ({}, End("_finalize", True), None), ({"attributes": FAILED}, End("_finalize", False), None),
    ({"owner": None}, None, None), ({"files": {"x": "full"}}, None, None), ({"calls": CALLED}, None, None),
    (NO_JOB, End("_initialize", True), None), (NO_JOB | {"operations": (FORWARD,)}, End("_initialize", None), None),
    (NO_JOB | {"subject": "base"}, End("_finalize", True), None),
    ({"hooks": HOOK_RAISES}, End("_setCommand", False), Raised("ValueError", ("boom",))),
    ({"hooks": HOOK_RAISES} | NO_JOB, End("_initialize", True), None),
    ({"hooks": {"_finalize": "ok"}}, End("_finalize", None), None),
    (answers(FileReport_commit=f"{BOOM} ok"), None, Raised("ValueError", ("boom",))),
    (answers(FileReport_commit=BOOM, JobReport_generateForwardDISET=BOOM), None, None),
    (answers(FileReport_commit=BOOM, Request_toJSON="s_error"), None, None),
    (FORWARD_RAISES, None, Raised("ValueError", ("boom",))),
    (FORWARD_RAISES | {"workflow_commons": {"InputData": None}}, None, None),
    (answers(FileReport_getFiles=BOOM), None, None),
])  # fmt: skip
def test_the_end_of_a_module_is_foretold_by_its_hooks_and_by_what_it_must_call(fields, end, raised):
    """Nothing is foretold where a collaborator's answer decides, or where more than one thing fails."""
    facts = given(**fields)
    assert (facts.end, facts.raised) == (end, raised)


# Single methods


def test_a_single_call_is_known_by_its_name_and_arguments():
    """Of several calls none is the one."""
    facts = given(calls=(["setJobParameter", ["CPU", 1]],))
    assert (facts.called, facts.arguments, facts.named) == ("setJobParameter", ["CPU", 1], False)
    assert given().called == given(calls=CALLED * 2).called == ""
    by_name = (["setJobParameter", [], {"name": "CPU", "value": 1}],)
    assert given(calls=by_name).named
    assert given(calls=(*CALLED, *by_name)).named
    assert not given(calls=CALLED * 2).named
