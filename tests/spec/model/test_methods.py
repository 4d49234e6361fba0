"""Methods that are called by themselves: what each implementation does, as its experiment's developers know it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dirac_failover.spec.model.module import VARIANTS, expected
from dirac_failover.spec.profiles import DIRAC_9_1, ILCDIRAC_35_0, LHCBDIRAC_12_0
from dirac_failover.spec.scenario import METHODS as DOCUMENTED
from dirac_failover.spec.scenario import SCRIPTED, Scenario

TOLD = {"jobID": 77, "production_id": 12, "prod_job_id": 34, "step_number": 1, "step_id": "12_34_1"}
SCENARIO = replace(
    Scenario.of_job(),
    collaborators=dict.fromkeys(("JobReport", "FileReport", "AccountingReport", "Request"), SCRIPTED),
    files={"a_1.txt": "output", "b_2.Root": "output"},
)
OUTPUTS = [
    {"outputDataType": "TXT", "outputDataSE": "SE", "outputDataName": "a_1.txt"},
    {"outputDataType": "root", "outputDataSE": "SE", "outputDataName": "b_2.Root"},
]
LFNS = ["/vo/a_1.txt", "/vo/b_2.Root"]
A = {"a_1.txt": {"type": "TXT", "lfn": "/vo/a_1.txt"}}
B = {"b_2.Root": {"type": "root", "lfn": "/vo/b_2.Root"}}
FAILED = {"workflowStatus": {"OK": False}}
REFUSED = {"JobReport.setApplicationStatus": ("s_error=no",), "JobReport.setJobParameter": ("s_error=no",)}
MESSAGE = {"OK": False, "Errno": 0, "Message": "no"}
OK = {"OK": True, "Value": None}


def called(profile, *call, attributes=(), **fields):
    """The result of one call, and the calls of collaborators that were made."""
    has = {**SCENARIO.attributes, **TOLD, **dict(attributes)}
    outcome = expected(replace(SCENARIO, calls=(list(call),), attributes=has, **fields), profile)
    assert len(outcome.result) == 1
    raised = isinstance(outcome.result[0], dict) and "exception" in outcome.result[0]
    assert outcome.ended == ("raised" if raised else "returned")
    return outcome.result[0], [step for step in outcome.steps if step.target != "module"]


def error(name, *arguments):
    return {"exception": name, "args": list(arguments)}


def test_each_implementation_has_the_documented_methods():
    """There is a story of each method."""
    assert all(list(methods) == list(DOCUMENTED) for _, _, methods in VARIANTS.values())


def test_ilcdirac_hands_the_answer_on_whatever_failed():
    """The status is reported as it is; without a job the answer says so."""
    status, parameter = ("setApplicationStatus", [12]), ("setJobParameter", ["CPU", 12, False])
    for attributes in ({}, FAILED):
        result, steps = called(ILCDIRAC_35_0, *status, attributes=attributes)
        assert (result, [step.args for step in steps]) == (OK, [[12, True]])
        result, steps = called(ILCDIRAC_35_0, *parameter, attributes=attributes)
        assert (result, [step.args for step in steps]) == (OK, [["CPU", "12", False]])
    for call in (status, parameter):
        assert called(ILCDIRAC_35_0, *call, attributes={"jobID": 0}) == ({"OK": True, "Value": "JobID not defined"}, [])
        assert called(ILCDIRAC_35_0, *call, answers=REFUSED)[0] == MESSAGE
        shapeless = dict.fromkeys(REFUSED, ('bad_shape={"OK": false}',))
        assert called(ILCDIRAC_35_0, *call, answers=shapeless)[0] == error("KeyError", "Message")


def candidates(*arguments, **fields):
    """What getCandidateFiles of LHCbDIRAC returns or raises; that of DIRAC is compared with implementations."""
    found, steps = called(LHCBDIRAC_12_0, "getCandidateFiles", list(arguments), **fields)
    assert steps == []
    return found


@pytest.mark.parametrize(("masks", "found"), [
    (("",), A | B), ((None, ""), A | B), (([""], [""]), A | B), (("txt",), A), (("TXT",), A), ((["ROOT", "x"],), B),
    (("", 1), A), (("", ["1", "2"]), A | B), (("", "2"), B), (("root", "1"), {}),
    (([1],), error("AttributeError", "'int' object has no attribute 'lower'")),
])  # fmt: skip
def test_masks_choose_the_outputs_to_upload(masks, found):
    """LHCbDIRAC does not look at the case of types."""
    assert candidates(OUTPUTS, LFNS, *masks) == found


@pytest.mark.parametrize(("step", "found"), [("3", "C_3TXT"), (4, "D_1_4.a.b"), ("plain", "plain")])
def test_a_step_is_the_number_behind_the_last_underscore(step, found):
    """LHCbDIRAC takes the type out of the name before it looks for the step; without an underscore all is the step."""
    names = ("C_3TXT", "D_1_4.a.b", "plain")
    outputs = [{**OUTPUTS[0], "outputDataName": name} for name in names]
    lfns, files = [f"/{name}" for name in names], dict.fromkeys(names, "output")
    assert list(candidates(outputs, lfns, "", step, files=files)) == [found]


def test_an_output_must_be_described_be_there_and_have_a_name_in_the_catalogue():
    """LHCbDIRAC says what is missing, finds files of another case, and LFNs that have a number before the name."""
    described = [{name: text for name, text in OUTPUTS[0].items() if name != "outputDataSE"}, *OUTPUTS[1:]]
    assert candidates(described, LFNS) == candidates(OUTPUTS, ["/vo/z", *LFNS], "") == A | B
    assert candidates([{"outputDataName": "x"}], LFNS, "txt") == {}
    assert candidates(OUTPUTS, LFNS, "", files={"a_1.txt": "output"}) == error("OSError", "Output data not found")
    assert candidates(OUTPUTS, LFNS[:1], "") == error("ValueError", "Missing requested fileName keys")
    assert candidates(OUTPUTS, LFNS[:1], "txt") == A
    assert candidates(OUTPUTS[:1], LFNS, "", files={"A_1.TXT": "output"}) == A
    plain, there = [{**OUTPUTS[0], "outputDataName": "plain"}], {"plain": "output"}
    assert candidates(plain, ["/vo/0001_plain"], "", files=there) == {"plain": {"type": "TXT", "lfn": "/vo/0001_plain"}}


def test_ilcdirac_knows_no_such_outputs_and_no_step_mask():
    """Outputs are described by other keys there."""
    call = "getCandidateFiles"
    assert called(ILCDIRAC_35_0, call, [OUTPUTS, LFNS, ""])[0] == {"OK": True, "Value": {}}
    text = "ModuleBase.getCandidateFiles() takes 4 positional arguments but 5 were given"
    assert called(ILCDIRAC_35_0, call, [OUTPUTS, LFNS, "", ""])[0] == error("TypeError", text)
    text = "ModuleBase.getCandidateFiles() got an unexpected keyword argument 'fileMask'"
    by_name = {"outputList": OUTPUTS, "outputLFNs": LFNS, "fileMask": ""}
    assert called(ILCDIRAC_35_0, call, [], by_name)[0] == error("TypeError", text)


FORWARD = {"JobReport.generateForwardDISET": ("operation",)}
NO_ACCOUNTING = {"AccountingReport.commit": ("s_error=no",)}
ASKED = ["generateForwardDISET", "commit"]


@pytest.mark.parametrize(("profile", "subject", "name", "result", "refused"), [
    (DIRAC_9_1, "module", "12_34_request.json", None, MESSAGE),
    (LHCBDIRAC_12_0, "module", "12_34_request.json", None, None),
    (ILCDIRAC_35_0, "module", "None_34_request.json", OK, MESSAGE),
    (ILCDIRAC_35_0, "base", "0_34_request.json", OK, MESSAGE),
], ids=lambda value: getattr(value, "name", None))  # fmt: skip
def test_the_file_is_written_by_itself(profile, subject, name, result, refused):
    """LHCbDIRAC writes it before the accounting; ILCDIRAC has found no transformation to name it after."""
    has = {**SCENARIO.attributes, **TOLD}
    scenario = replace(SCENARIO, calls=(["generateFailoverFile", []],), attributes=has, subject=subject, files={})
    outcome = expected(replace(scenario, answers=FORWARD), profile)
    assert (outcome.ended, outcome.result, list(outcome.files)) == ("returned", [result], [name])
    assert [step.method for step in outcome.steps] == ASKED
    outcome = expected(replace(scenario, answers=FORWARD | NO_ACCOUNTING), profile)
    assert (outcome.ended, outcome.result) == ("returned", [refused])
    assert bool(outcome.files) is (profile is LHCBDIRAC_12_0)


def test_finalize_is_only_to_be_seen():
    """In ILCDIRAC it tells how the job went, and the base class has none."""
    for profile in (DIRAC_9_1, LHCBDIRAC_12_0):
        assert called(profile, "finalize", [], attributes=FAILED) == (None, [])
    well = {"OK": True, "Value": "FailoverRequest module completed"}
    failed = {"OK": False, "Errno": 0, "Message": "Workflow failed, FailoverRequest module completed"}
    assert called(ILCDIRAC_35_0, "finalize", []) == (well, [])
    assert called(ILCDIRAC_35_0, "finalize", [], attributes=FAILED) == (failed, [])
    text = "'FailoverRequest' object has no attribute 'finalize'"
    assert called(ILCDIRAC_35_0, "finalize", [], subject="base") == (error("AttributeError", text), [])
