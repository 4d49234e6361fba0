"""Each clause is held by one outcome, and is broken by another that is almost the same."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from dirac_failover.spec.check_context import CheckContext
from dirac_failover.spec.clauses import CLAUSES, Violation
from dirac_failover.spec.model.clients import expected as expected_live
from dirac_failover.spec.model.module import expected
from dirac_failover.spec.observation import Call, Observation
from dirac_failover.spec.profiles import DIRAC_8_0
from dirac_failover.spec.scenario import FAILED_STATUS, HOOKS, MISSING, SCRIPTED, Scenario

BY_ID = {clause.id: clause for clause in CLAUSES}
ALL = dict.fromkeys(("JobReport", "FileReport", "AccountingReport", "Request"), SCRIPTED)
FORWARD = {"Type": "ForwardDISET", "Arguments": "x"}
WELL = replace(Scenario.of_job(inputs=["/vo/a", "/vo/b"], operations=[FORWARD]), collaborators=ALL)
FAILED = replace(WELL, attributes={**WELL.attributes, "workflowStatus": FAILED_STATUS})
REPORTED = replace(WELL, reported={"/vo/a": "Unused"})
INVALID = replace(WELL, operations=(FORWARD, {"Type": "RemoveFile"}))
NO_JOB = replace(WELL, environment={}, operations=())
FILE = "12_34_request.json"
LIVE = Scenario.of_job(inputs=["/vo/a"], operations=[FORWARD])
NOTHING = Observation(
    "returned", {"OK": True, "Value": None}, tuple(Call("module", hook, [], None) for hook in (*HOOKS, "finalize")),
    {}, None, {}, None,
)  # fmt: skip
"""What is observed of a module whose hooks are called, and do nothing."""


def answering(scenario=WELL, **answers):
    """The scenario in which these are answered: ``FileReport_commit="s_error"``."""
    return replace(scenario, answers={name.replace("_", ".", 1): (text,) for name, text in answers.items()})


def specified(scenario):
    """The outcome that the specification describes."""
    return CheckContext(scenario, NOTHING).expected


def judged(id_, scenario, outcome):
    """How an outcome breaks a clause that the scenario asks for."""
    assert BY_ID[id_].asked(scenario), f"{id_} is not asked"
    return BY_ID[id_].violation(CheckContext(scenario, outcome))


def of(**fields):
    """A change: these fields are others."""
    return lambda outcome: outcome._replace(**fields)


def attributes(**values):
    return lambda outcome: outcome._replace(attributes={**outcome.attributes, **values})


def request(**values):
    return lambda outcome: outcome._replace(request={**outcome.request, **values})


def calls(method, change):
    """A change: each call of this method is replaced by those that ``change`` makes of it."""
    return lambda outcome: outcome._replace(
        steps=tuple(made for step in outcome.steps for made in (change(step) if step.method == method else [step]))
    )


def without(method):
    return calls(method, lambda _: [])


def called(method, **values):
    return calls(method, lambda step: [step._replace(**values)])


def twice(method):
    return calls(method, lambda step: [step, step])


def more(step):
    return lambda outcome: outcome._replace(steps=(*outcome.steps, step))


def written(change):
    """A change: the file holds something else."""

    def changed(outcome):
        text = json.dumps(change(json.loads(outcome.files[FILE])))
        return outcome._replace(files={**outcome.files, FILE: text})

    return changed


ERROR = {"OK": False, "Errno": 0, "Message": "x"}
RAISES = answering(FileReport_commit="raises=ValueError:boom")
GRACEFUL = replace(answering(FileReport_commit="raises=GracefulTermination:enough"), operations=())
NUMBERED = answering(FileReport_commit="raises=RuntimeError:boom:12")
REFUSED = answering(FileReport_commit="s_error")
SECOND = answering(FileReport_commit="s_error", FileReport_generateForwardDISET="operation")
JOB_OPERATION = answering(JobReport_generateForwardDISET="operation")
FAILS_HERE = answering(AccountingReport_commit="s_error")
ALL_DONE = replace(WELL, workflow_commons={**WELL.workflow_commons, "InputData": ""}, reported={"/vo/c": "Unused"})
MAKING = replace(LIVE, collaborators={**LIVE.collaborators, "JobReport": MISSING, "Request": MISSING})
HOOKED = replace(WELL, hooks={"_setCommand": "s_error=full", "_execute": "ok"})
STOPPED = replace(WELL, hooks={"_setCommand": "raises=GracefulTermination:enough"})
FAILING = replace(WELL, hooks={"_setCommand": "raises=OSError:disk"})
BY_NAME = {"status": "done", "sendFlag": False}
OUTPUTS = [
    {"outputDataType": "TXT", "outputDataSE": "SE", "outputDataName": "a_1.txt"},
    {"outputDataType": "root", "outputDataSE": "SE", "outputDataName": "b_2.root"},
    {"outputDataType": "root", "outputDataName": "c_3.root"},
]
LFNS = ["/vo/a_1.txt", "/vo/b_2.root"]


def calling(method, *arguments, scenario=WELL, **named):
    """The scenario in which this method is called, of a module that has been told who it is."""
    told = {"jobID": 77, "production_id": 12, "prod_job_id": 34, "step_number": 1}
    files = {"a_1.txt": "output", "b_2.root": "output"}
    calls = ([method, list(arguments), *([named] if named else [])],)
    return replace(scenario, attributes={**told, **scenario.attributes}, files=files, calls=calls)


CANDIDATES = calling("getCandidateFiles", OUTPUTS, LFNS, "", "")
MASKED = calling("getCandidateFiles", OUTPUTS, LFNS, ["txt", "root"], 2)
ONE_LFN = calling("getCandidateFiles", OUTPUTS, LFNS[:1], "txt")
NO_LFN = calling("getCandidateFiles", OUTPUTS, LFNS[:1], None)
NOT_THERE = replace(CANDIDATES, files={"a_1.txt": "output"})
STATUS = calling("setApplicationStatus", 12)
PARAMETER = calling("setJobParameter", "CPU", 12, False)
BY_ITSELF = replace(calling("generateFailoverFile"), answers=JOB_OPERATION.answers)

DOWN = replace(LIVE, faults=("transformation:down",))
TWO_INPUTS = replace(Scenario.of_job(inputs=["/vo/a", "/vo/b"], reported={"/vo/b": "Problematic"}), faults=DOWN.faults)
UNSENT = replace(LIVE, unsent_statuses=("it's half done",))
STATE_DOWN = replace(UNSENT, faults=("job-state:down",))
RECORDS = replace(LIVE, records=2)
ACCOUNTING_DOWN = replace(RECORDS, faults=("accounting:down",))


def services(**parts):
    """A change: the services hold something else afterwards."""
    return lambda outcome: outcome._replace(services={**outcome.services, **parts})


def rows(outcome, status):
    """The state of the transformation system in which each file has this status."""
    files = {
        number: {name: {**row, "Status": status} for name, row in known.items()}
        for number, known in outcome.services["transformation"]["files"].items()
    }
    return {"transformation": {**outcome.services["transformation"], "files": files}}


def history(outcome, *texts):
    """The state of the job's state service in which these statuses were held."""
    held = [{"ApplicationStatus": text} for text in ("Unknown", "idem", *texts)]
    return {"job-state": {**outcome.services["job-state"], "history": {"77": held}}}


NO_OPERATIONS = written(lambda data: {**data, "Operations": []})

BREAKS = [
    ("CO-001", WELL, without("_initialize")),
    ("CO-001", WELL, without("_finalize")),
    ("CO-001", RAISES, lambda o: o._replace(steps=(*o.steps[:-1], Call("module", "_execute", [], None), o.steps[-1]))),
    ("CO-001", RAISES, of(steps=())),
    ("CO-001", STOPPED, without("_setCommand")),
    ("CO-001", HOOKED, without("_execute")),
    ("CO-002", WELL, without("finalize")),
    ("CO-002", WELL, twice("finalize")),
    ("CO-002", WELL, of(steps=())),
    ("CO-003", replace(WELL, workflow_commons={"JOB_ID": "1"}), more(Call("module", "_initialize", [], None))),
    ("CO-003", replace(WELL, workflow_commons={"PRODUCTION_ID": "1"}), of(ended="returned")),
    ("CO-004", WELL, of(result=None)),
    ("CO-004", WELL, of(result={"OK": True})),
    ("CO-004", WELL, of(result={"OK": False, "Message": "x"})),
    ("CO-004", WELL, of(result={"OK": False, "Errno": 1})),
    ("CO-004", WELL, of(result={"OK": 1, "Value": 1})),
    ("CO-004", WELL, of(ended="raised")),
    ("CO-004", WELL, of(result={"OK": True, "Message": "x", "Errno": 1})),
    ("CO-004", WELL, of(result={"OK": None, "Message": "x", "Errno": 1})),
    ("CO-005", RAISES, of(ended="raised")),
    ("CO-005", FAILING, of(ended="raised")),
    ("CO-006", GRACEFUL, of(result=ERROR)),
    ("CO-006", STOPPED, of(result=ERROR)),
    ("CO-006", STOPPED, of(ended="raised")),
    ("CO-007", NUMBERED, of(result={"OK": False, "Errno": 13, "Message": "boom"})),
    ("CO-007", NUMBERED, of(result={"OK": False, "Errno": 12, "Message": "bang"})),
    ("CO-007", NUMBERED, of(result=None)),
    ("CO-008", RAISES, called("setApplicationStatus", args=["bang", True])),
    ("CO-008", RAISES, called("setApplicationStatus", args=[])),
    ("CO-008", RAISES, more(Call("JobReport", "setApplicationStatus", ["bang", True], "ok"))),
    ("CO-008", RAISES, without("setApplicationStatus")),
    ("CO-008", NUMBERED, called("setApplicationStatus", args=["12", True])),
    ("CO-008", FAILING, without("setApplicationStatus")),
    ("CO-009", FAILED, more(Call("JobReport", "setApplicationStatus", ["x", True], "ok"))),
    ("CO-010", NO_JOB, of(result=ERROR)),
    ("CO-010", NO_JOB, more(Call("JobReport", "generateForwardDISET", [], "ok"))),
    ("CO-011", REPORTED, called("setFileStatus", args=[12, "/vo/a", "Unused", False])),
    ("CO-012", WELL, called("setFileStatus", args=[12, "/vo/a", "Unused", False])),
    ("CO-012", WELL, more(Call("FileReport", "setFileStatus", [12, "/vo/b", "Unused", False], "ok"))),
    ("CO-012", WELL, called("setFileStatus", args=[12, "/vo/a", "Processed", False])),
    ("CO-012", WELL, without("setFileStatus")),
    ("CO-012", FAILED, called("setFileStatus", args=[12, "/vo/a", "Processed", False])),
    ("CO-012", FAILED, without("setFileStatus")),
    ("CO-012", REPORTED, more(Call("FileReport", "setFileStatus", [12, "/vo/a", "Processed", False], "ok"))),
    *(("CO-012", REPORTED, called("setFileStatus", args=[task, "/vo/b", "Processed", False])) for task in (13, None)),
    ("CO-013", WELL, without("commit")),
    ("CO-013", FAILED, without("commit")),
    ("CO-013", ALL_DONE, without("commit")),
    ("CO-013", SECOND, without("generateForwardDISET")),
    ("CO-013", REFUSED, without("generateForwardDISET")),
    ("CO-014", SECOND, request(Operations=[])),
    ("CO-014", SECOND, lambda o: request(Operations=o.request["Operations"] * 2)(o)),
    ("CO-015", JOB_OPERATION, request(Operations=[])),
    ("CO-015", JOB_OPERATION, lambda o: request(Operations=o.request["Operations"] * 2)(o)),
    ("CO-016", WELL, lambda o: of(files={"12_34_request.xml": o.files[FILE]})(o)),
    ("CO-016", WELL, lambda o: of(files={**o.files, "log": ""})(o)),
    ("CO-016", WELL, lambda o: of(files={**o.files, "0012_34_request.json": ""})(o)),
    ("CO-016", INVALID, lambda o: o._replace(files={FILE: json.dumps({"Operations": o.request["Operations"][-1:]})})),
    ("CO-017", WELL, NO_OPERATIONS),
    ("CO-017", WELL, written(lambda data: {**data, "JobID": 78})),
    ("CO-017", WELL, written(lambda data: {key: value for key, value in data.items() if key != "JobID"})),
    ("CO-017", WELL, of(files={FILE: "{"})),
    ("CO-017", WELL, of(files={})),
    ("CO-017", SECOND, written(lambda data: {**data, "Operations": data["Operations"][:1]})),
    ("CO-017", JOB_OPERATION, written(lambda data: {**data, "Operations": data["Operations"][1:]})),
    ("CO-017", DOWN, of(files={})),
    ("CO-018", MAKING, of(attributes={})),
    ("CO-018", MAKING, of(request=None)),
    ("CO-019", HOOKED, of(result=ERROR)),
    ("CO-019", HOOKED, without("_finalize")),
    ("CO-019", HOOKED, of(ended="raised")),
    ("CO-019", HOOKED, of(steps=())),
    ("CO-019", STOPPED, of(result=ERROR)),
    ("CO-019", FAILING, of(result={"OK": True, "Value": None})),
    ("CO-020", CANDIDATES, of(result=[{}])),
    ("CO-020", CANDIDATES, of(result=[None])),
    ("CO-020", CANDIDATES, of(result=[])),
    ("CO-020", CANDIDATES, of(result=[{"a_1.txt": None, "b_2.root": None}])),
    ("CO-020", CANDIDATES, of(result={"a_1.txt": {"lfn": LFNS[0]}})),
    ("CO-020", calling("getCandidateFiles", OUTPUTS, LFNS, "gz"), of(result=[None])),
    ("CO-020", CANDIDATES, of(ended="raised")),
    ("CO-020", MASKED, of(result=[{"a_1.txt": {"lfn": LFNS[0]}, "b_2.root": {"lfn": LFNS[1]}}])),
    ("CO-020", ONE_LFN, of(result=[{"a_1.txt": {"lfn": "/vo/x"}}])),
    ("CO-021", NO_LFN, of(ended="returned")),
    ("CO-021", NOT_THERE, of(ended="returned")),
    ("CO-022", STATUS, called("setApplicationStatus", args=[12, True])),
    ("CO-022", STATUS, called("setApplicationStatus", args=["12", False])),
    ("CO-022", STATUS, twice("setApplicationStatus")),
    ("CO-022", STATUS, without("setApplicationStatus")),
    ("CO-022", STATUS, of(ended="raised")),
    ("CO-022", replace(STATUS, attributes={**STATUS.attributes, "jobID": 0}),
     more(Call("JobReport", "setApplicationStatus", ["12", True], "ok"))),
    ("CO-022", calling("setApplicationStatus", 12, scenario=FAILED),
     more(Call("JobReport", "setApplicationStatus", ["12", True], "ok"))),
    ("CO-023", PARAMETER, called("setJobParameter", args=["CPU", 12, False])),
    ("CO-023", PARAMETER, called("setJobParameter", args=["CPU", "12", True])),
    ("CO-023", PARAMETER, without("setJobParameter")),
    ("CO-023", calling("setJobParameter", "CPU", 12, scenario=FAILED), without("setJobParameter")),
    ("CO-023", replace(PARAMETER, attributes={**PARAMETER.attributes, "jobID": 0}),
     more(Call("JobReport", "setJobParameter", ["CPU", "12", False], "ok"))),
    ("CO-024", BY_ITSELF, without("generateForwardDISET")),
    ("CO-024", BY_ITSELF, without("commit")),
    ("CO-024", BY_ITSELF, written(lambda data: {**data, "Operations": data["Operations"][:1]})),
    ("CO-024", BY_ITSELF, written(lambda data: {**data, "Operations": data["Operations"][1:]})),
    ("CO-024", calling("generateFailoverFile"), of(files={})),
    ("CO-025", calling("finalize"), of(ended="raised")),
    ("CO-026", calling("setApplicationStatus", **BY_NAME), of(ended="raised")),
    ("CO-027", LIVE, lambda o: services(**rows(o, "Assigned"))(o)),
    ("CO-027", LIVE, lambda o: services(**rows(o, "Unused"))(o)),
    ("CO-027", LIVE, of(services=None)),
    ("CO-027", replace(LIVE, attributes=FAILED.attributes), lambda o: services(**rows(o, "Processed"))(o)),
    ("CO-027", DOWN, NO_OPERATIONS),
    ("CO-027", TWO_INPUTS, lambda o: of(files={FILE: o.files[FILE].replace("Problematic", "Processedxx")})(o)),
    ("CO-028", LIVE, lambda o: services(**history(o))(o)),
    ("CO-028", LIVE, of(services={})),
    ("CO-028", UNSENT, lambda o: services(**history(o, "Job Finished Successfully"))(o)),
    ("CO-028", STATE_DOWN, NO_OPERATIONS),
    ("CO-028", LIVE, more(Call("job-state", "setJobStatusBulk", [
        77, {"1": {"ApplicationStatus": "refused"}, "2": {"ApplicationStatus": "the last one"}}], {}))),
    ("CO-028", STATE_DOWN, lambda o: of(files={FILE: o.files[FILE].replace("its half", "half")})(o)),
    ("CO-029", RECORDS, services(accounting={"records": [1]})),
    ("CO-029", RECORDS, services(accounting={"records": [1, 2, 3]})),
    ("CO-029", RECORDS, of(services={})),
    ("CO-029", ACCOUNTING_DOWN, services(requests={"requests": {}})),
    ("CO-029", ACCOUNTING_DOWN, services(requests={"requests": {"1": {"Operations": [{"Arguments": "x"}]}}})),
    ("DI-001", WELL, without("commit")),
    ("DI-002", WELL, without("finalize")),
    ("DI-003", WELL, of(ended="raised")),
    ("DI-004", WELL, of(result=ERROR)),
    ("DI-004", NUMBERED, of(result={"OK": False, "Errno": 12.0, "Message": "boom"})),
    ("DI-004", NUMBERED, of(result={"OK": 0, "Errno": 12, "Message": "boom"})),
    ("DI-005", WELL, called("setApplicationStatus", args=["x", True])),
    ("DI-006", WELL, called("setFileStatus", args=[13, "/vo/a", "Processed", False])),
    ("DI-007", WELL, called("commit", result="s_error")),
    *(("DI-008", WELL, attributes(**{name: 99})) for name in
      ("production_id", "prod_job_id", "jobID", "step_number", "step_id")),
    *(("DI-009", WELL, attributes(**{name: 99})) for name in
      ("InputData", "inputDataList", "stepInputData", "inputDataType")),
    ("DI-010", WELL, attributes(inputDataList=["LFN:/vo/a"])),
    *(("DI-011", WELL, attributes(**{name: 99})) for name in (
        "jobType", "executable", "command", "applicationName", "applicationVersion", "applicationLog", "stepName",
        "appSteps", "outputDataFileMask")),
    *(("DI-012", WELL, attributes(**{name: {}})) for name in ("workflowStatus", "stepStatus")),
    ("DI-013", WELL, attributes(workflow_commons=[])),
    ("DI-014", WELL, attributes(JobReport={})),
    ("DI-015", WELL, attributes(FileReport={})),
    ("DI-016", WELL, attributes(AccountingReport={"records": 1})),
    *(("DI-017", WELL, request(**{name: "other"})) for name in
      ("RequestName", "JobID", "SourceComponent", "Owner", "OwnerGroup")),
    ("DI-017", WELL, of(request=None)),
    ("DI-018", WELL, request(Operations=[])),
    ("DI-019", WELL, of(files={})),
    ("DI-020", WELL, written(lambda data: {**data, "Status": "Done"})),
    ("DI-099", WELL, of(services={})),
]  # fmt: skip


@pytest.mark.parametrize(("id_", "scenario", "change"), BREAKS, ids=[f"{row[0]}-{i}" for i, row in enumerate(BREAKS)])
def test_a_clause_is_held_as_specified_and_broken_by_a_change(id_, scenario, change):
    """The specified outcome holds the clause, and the changed one breaks it."""
    outcome = specified(scenario)
    assert judged(id_, scenario, outcome) is None
    verdict = judged(id_, scenario, change(outcome))
    assert isinstance(verdict, Violation)
    assert verdict.expected != verdict.observed or json.dumps(verdict.expected) != json.dumps(verdict.observed)


OBLIGATIONS = {
    "CO-008": RAISES, "CO-012": WELL, "CO-013": WELL, "CO-014": SECOND, "CO-015": JOB_OPERATION, "CO-017": WELL,
    "CO-018": MAKING, "CO-020": CANDIDATES, "CO-021": NO_LFN, "CO-022": STATUS, "CO-023": PARAMETER,
    "CO-024": BY_ITSELF, "CO-027": LIVE, "CO-028": LIVE, "CO-029": RECORDS,
}  # fmt: skip


@pytest.mark.parametrize("id_", OBLIGATIONS)
def test_a_module_that_does_nothing_does_not_fulfil_an_obligation(id_):
    """An observation without any call of a collaborator breaks the clause, although the module says OK."""
    scenario = OBLIGATIONS[id_]
    outcome = NOTHING._replace(result=[None]) if scenario.calls else NOTHING
    assert judged(id_, scenario, outcome) is not None


HOLDS = {
    "a status with more than the exception's text": (
        "CO-008", RAISES, called("setApplicationStatus", args=["ValueError: boom!", True])),
    "a status that comes before the last one": (
        "CO-008", RAISES, lambda o: o._replace(
            steps=(Call("JobReport", "setApplicationStatus", ["half done", True], "ok"), *o.steps))),
    "a status that is corrected": (
        "CO-012", WELL, lambda o: o._replace(
            steps=(Call("FileReport", "setFileStatus", [12, "/vo/a", "Unused", False], "ok"), *o.steps))),
    "a result that is not OK": ("CO-004", WELL, of(result={"OK": False, "Message": "x", "Errno": 1})),
    "any status of an exception without text": (
        "CO-008", answering(FileReport_commit="raises=OSError"), called("setApplicationStatus", args=["so", True])),
    "a failure without job when something is pending": ("CO-010", replace(WELL, environment={}), of(result=ERROR)),
    "a status of another file": (
        "CO-012", WELL, more(Call("FileReport", "setFileStatus", [12, "/vo/z", "Unused", False], "ok"))),
    "a second commit": ("CO-013", WELL, twice("commit")),
    "a question for an operation that is not needed": (
        "CO-013", WELL, more(Call("FileReport", "generateForwardDISET", [], "ok"))),
    "a file with zeros in its name": (
        "CO-016", WELL, lambda o: of(files={"00000012_00000034_request.json": o.files[FILE]})(o)),
    "no file": ("CO-016", WELL, of(files={})),
    "operations in another order": (
        "CO-017", SECOND, written(lambda data: {**data, "Operations": data["Operations"][::-1]})),
    "numbers that are texts": ("CO-017", WELL, written(lambda data: {**data, "JobID": "77"})),
    "a transformation of text": ("CO-012", REPORTED, called("setFileStatus", args=["0012", "/vo/b", "Processed"])),
    "a request with another name": ("CO-017", WELL, written(lambda data: {**data, "RequestName": "x"})),
    "JSON of a text that is JSON": ("CO-017", WELL, written(json.dumps)),
    "another value of a method": ("CO-025", calling("finalize"), of(result=[5])),
    "a result that has other keys": ("CO-019", HOOKED, of(result={"OK": True, "Value": 5, "Extra": 1})),
    "candidates that say more": (
        "CO-020", ONE_LFN, of(result=[{"a_1.txt": {"lfn": LFNS[0], "type": "TXT", "size": 1}}])),
    "another kind of exception": ("CO-021", NO_LFN, of(result=[{"exception": "KeyError", "args": []}])),
    "more statuses": (
        "CO-028", UNSENT, lambda o: services(**history(o, "its half done", "else", "Job Finished Successfully"))(o)),
    "records in the request's file": (
        "CO-029", RECORDS, lambda o: written(lambda data: {**data, "Operations": [
            {"Type": "ForwardDISET", "Arguments": "commitRegisters", "Files": []}]})(services(accounting={})(o))),
}  # fmt: skip


@pytest.mark.parametrize("what", HOLDS)
def test_the_contract_leaves_free_what_harms_nothing(what):
    """An outcome that differs from DIRAC's in what a clause is not about does not break it."""
    id_, scenario, change = HOLDS[what]
    changed = change(specified(scenario))
    assert changed != specified(scenario)
    assert judged(id_, scenario, changed) is None


OF_DIRAC = [clause for clause in CLAUSES if clause.level == "dirac"]


def broken(scenario, outcome):
    """The clauses of the level dirac that an outcome breaks."""
    case = CheckContext(scenario, outcome)
    return {clause.id for clause in OF_DIRAC if clause.judge(case)}


def late(method):
    """A change: a step is done after the one that follows it."""

    def changed(outcome):
        steps = list(outcome.steps)
        index = next(i for i, step in enumerate(steps) if step.method == method)
        steps[index : index + 2] = steps[index + 1], steps[index]
        return outcome._replace(steps=tuple(steps))

    return changed


REST = {
    "order of hooks among calls": late("_execute"),
    "arguments of other calls": called("commit", args=[1]),
    "arguments and answers of hooks": called("_initialize", result=1),
    "other attributes": attributes(fresh=False),
    "other fields of the request": request(Error="none"),
    "services": of(services=[]),
}


@pytest.mark.parametrize("name", REST)
def test_the_last_clause_is_about_what_is_left(name):
    """It alone is broken, and shows that and nothing else."""
    outcome = REST[name](expected(WELL))
    assert broken(WELL, outcome) == {"DI-099"}
    verdict = judged("DI-099", WELL, outcome)
    assert isinstance(verdict, Violation)
    assert list(verdict.expected) == list(verdict.observed) == [name]
    assert verdict.expected != verdict.observed


@pytest.mark.parametrize(
    ("id_", "scenario", "change"), [row for row in BREAKS if row[0][:2] == "DI" and row[0] != "DI-099"]
)
def test_what_another_clause_is_about_does_not_break_the_last_one(id_, scenario, change):
    """The last clause does not repeat the others, calls and hooks included."""
    found = broken(scenario, change(expected(scenario)))
    assert id_ in found
    assert "DI-099" not in found


def changes(value):
    """Each JSON value that is one small change away: another leaf, one item less, more, twice, or in another place."""
    if isinstance(value, dict):
        yield {**value, "another": 0}
        for key, item in value.items():
            if item != "(absent)":  # which is how it is told that it is not there
                yield {name: other for name, other in value.items() if name != key}
            for changed in changes(item):
                yield {**value, key: changed}
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            before, after = [*value[:index]], [*value[index + 1 :]]
            yield [*before, *after]
            yield [*before, item, item, *after]
            if after and after[0] != item:
                yield [*before, after[0], item, *after[1:]]
            for changed in changes(item):
                yield [*before, changed, *after]
    elif isinstance(value, bool):
        yield from (not value, int(value))
    else:
        yield ["changed", value]


@pytest.mark.parametrize("scenario", [WELL, FAILED, NUMBERED, REPORTED, JOB_OPERATION], ids=lambda s: str(s.answers))
def test_together_the_clauses_are_total(scenario):
    """Whatever is changed in an outcome, wherever, breaks one of them."""
    outcome = expected(scenario)
    assert broken(scenario, outcome) == set()
    count = 0
    for name in Observation._fields:
        for changed in changes([call.step for call in outcome.steps] if name == "steps" else getattr(outcome, name)):
            steps = [Call(*step) for step in changed if len(step) == 4] if name == "steps" else []
            if name == "steps" and len(steps) < len(changed):
                continue  # a step has four parts
            count += 1
            another = tuple(steps) if name == "steps" else changed
            assert broken(scenario, outcome._replace(**{name: another})), (name, changed)
    assert count > 200


def test_each_clause_of_contract_and_dirac_is_broken_somewhere_above():
    """A clause that no outcome breaks would prove nothing."""
    assert {clause.id for clause in CLAUSES if clause.level != "lossless"} == {row[0] for row in BREAKS}


NOT_TEXT = replace(WELL, operations=(FORWARD, {"Type": "ForwardDISET", "ArgumentsHex": "ff00"}))
LOST_FILES = answering(
    FileReport_commit="s_error", FileReport_generateForwardDISET='bad_shape={"OK": false, "Value": 1}'
)
ENDS_IN_L = replace(WELL, workflow_commons={**WELL.workflow_commons, "InputData": "/vo/FILE.L"})
OLD = replace(WELL, operations=(), files={FILE: "old"})
LAST = replace(WELL, answers={"JobReport.setApplicationStatus": ("ok", "s_error")})


def saved(*kept):
    """A change: these operations of the request are in the file."""

    def changed(outcome):
        operations = [outcome.request["Operations"][number] for number in kept]
        names = ("RequestName", "JobID")
        text = json.dumps({name: outcome.request[name] for name in names} | {"Operations": operations})
        return outcome._replace(files={FILE: text})

    return changed


def changed(scenario, **fields):
    """The scenario in which these fields have other values; mappings are merged, unless they are empty."""
    both = {
        name: {**getattr(scenario, name), **value} if isinstance(value, dict) and value else value
        for name, value in fields.items()
    }
    return replace(scenario, **both)


UNKNOWN = replace(LIVE, server_files={})
PARAMETERS = replace(LIVE, unsent_parameters={"CPU": "1"})
AGAIN = replace(Scenario.of_job(inputs=["/vo/a"]), executions=2, faults=("transformation:down",))


def kept(**operation):
    """A change: this operation is in the file, too."""
    return written(lambda data: {**data, "Operations": [*data["Operations"], {"Files": [], **operation}]})


LOSES = [
    ("LL-001", FAILS_HERE, saved(0)),
    ("LL-002", answering(AccountingReport_commit="raises=ValueError:x"), saved(0)),
    ("LL-002", answering(AccountingReport_commit="bad_shape=null"), saved(0)),
    ("LL-003", FAILED, saved(0)),
    ("LL-003", replace(LIVE, attributes=FAILED.attributes), saved(0)),
    ("LL-004", INVALID, saved(0)),
    ("LL-005", NOT_TEXT, saved(0)),
    ("LL-006", replace(FAILS_HERE, owner=None), of(result=ERROR)),
    ("LL-006", replace(FAILS_HERE, owner=None), saved(0)),
    ("LL-006", replace(RECORDS, owner=None, faults=("accounting:down", "requests:down")), of(result=ERROR)),
    ("LL-007", replace(WELL, environment={}), of(result=ERROR)),
    ("LL-008", LOST_FILES, of(result=ERROR)),
    ("LL-009", answering(JobReport_generateForwardDISET="s_error"), of(result=ERROR)),
    ("LL-011", OLD, of(files={})),
    ("LL-011", OLD, of(files={FILE: "{}", "another": "[]"})),
    ("LL-011", replace(LIVE, operations=(), files={FILE: "old"}), of(files={})),
    ("LL-012", ENDS_IN_L, called("setFileStatus", args=[12, "/vo/FILE.L", "Processed", False])),
    ("LL-012", changed(WELL, workflow_commons={"InputData": "LFN:/vo/a;/vo/NFL"}),
     lambda o: without("setFileStatus")(o)._replace(steps=tuple(
         Call("FileReport", "setFileStatus", [12, lfn, "Processed", False], "ok") for lfn in ("/vo/a", "/vo/NFL")))),
    ("LL-013", UNKNOWN, of(result=ERROR)),
    ("LL-013", UNKNOWN, request(Operations=[{"Type": "SetFileStatus", "Arguments": "", "Files": []}])),
    ("LL-014", PARAMETERS, of(result=ERROR)),
    ("LL-014", PARAMETERS, attributes(JobReport={"jobParameters": []})),
    ("LL-014", PARAMETERS, attributes(JobReport={})),
    ("LL-014", PARAMETERS, lambda o: services(**{"job-state": {"parameters": {"77": {"CPU": "1"}}}})(
        o._replace(attributes={}))),
    ("LL-014", PARAMETERS, kept(Type="ForwardDISET", Arguments="setJobParameters")),
    ("LL-015", AGAIN, lambda o: request(Operations=o.request["Operations"][:1])(o)),
    ("LL-016", FAILS_HERE, of(result=ERROR)),
    ("LL-016", FAILS_HERE, saved(0)),
]  # fmt: skip


@pytest.mark.parametrize(("id_", "scenario", "change"), LOSES, ids=[f"{row[0]}-{i}" for i, row in enumerate(LOSES)])
def test_a_hazard_is_seen_in_what_dirac_does_and_not_in_what_is_better(id_, scenario, change):
    """DIRAC's outcome breaks the clause; an outcome that loses nothing, or says that something is lost, holds it."""
    outcome = specified(scenario)
    assert judged(id_, scenario, outcome) is not None
    assert judged(id_, scenario, change(outcome)) is None


def test_each_hazard_is_seen_above():
    """The clause about the last status has a test of its own."""
    assert {clause.id for clause in CLAUSES if clause.level == "lossless"} - {row[0] for row in LOSES} == {"LL-010"}


def test_a_job_report_that_is_not_to_be_seen_has_lost_its_parameters():
    """An observation of something else than a job report is a violation, not an error of the suite."""
    outcome = attributes(JobReport="(absent)")(specified(PARAMETERS))
    assert judged("LL-014", PARAMETERS, outcome) == Violation("sent, in the file, or not OK", ["(absent)"])


def test_the_last_status_is_kept_when_it_is_reported_early():
    """A status that is reported before the job report is asked for its operation is in that operation."""
    outcome = specified(LAST)
    assert judged("LL-010", LAST, outcome) == Violation(
        "reported while it can still go into the request",
        "reported last, refused: Workflow successful, end of FailoverRequest module execution.",
    )
    late = [step for step in outcome.steps if step.method == "setApplicationStatus"][-1]
    steps = [step for step in outcome.steps if step is not late]
    index = next(
        i for i, step in enumerate(steps) if (step.target, step.method) == ("JobReport", "generateForwardDISET")
    )
    assert judged("LL-010", LAST, outcome._replace(steps=(*steps[:index], late, *steps[index:]))) is None
    taken = outcome._replace(steps=(*outcome.steps, late._replace(result="ok")))
    assert judged("LL-010", LAST, taken) is None
    for method, counts in (("setApplicationStatus", [0, 1]), ("generateForwardDISET", [2, 0])):
        violation = Violation("a status, and the question for unsent ones", counts)
        assert judged("LL-010", LAST, without(method)(outcome)) == violation


NOT_ASKED = [
    ("CO-005", changed(FAILING, attributes={"workflowStatus": {}})),
    ("CO-008", changed(GRACEFUL, answers={"JobReport.generateForwardDISET": ("s_error",)})),
    ("CO-017", changed(JOB_OPERATION, attributes=FAILED.attributes)),
    ("CO-017", answering(FileReport_commit="s_error", FileReport_generateForwardDISET="s_error")),
    ("LL-001", changed(FAILS_HERE, attributes=FAILED.attributes)),
    ("LL-001", changed(FAILS_HERE, collaborators={"AccountingReport": "none"})),
    ("LL-001", changed(FAILS_HERE, workflow_commons={"InputData": 5})),
    ("LL-008", SECOND),
    ("LL-011", replace(OLD, files={FILE: "output"})),
    ("LL-011", replace(LIVE, operations=(), files={FILE: "old"}, faults=("job-state:down",))),
]  # fmt: skip
"""Scenarios outside of the space in which one more thing goes wrong."""


@pytest.mark.parametrize(("id_", "scenario"), NOT_ASKED)
def test_a_clause_is_not_asked_where_something_else_decides(id_, scenario):
    """How often the space asks for each clause is in the register."""
    assert not BY_ID[id_].asked(scenario)
    assert BY_ID[id_].violation(CheckContext(scenario, NOTHING)) is None


def test_more_records_than_a_request_can_carry_are_asked_for_where_accounting_takes_them():
    """The request database takes no operation that long: 500 records fit."""
    for id_, scenario in (("CO-029", RECORDS), ("CO-017", replace(RECORDS, operations=WELL.operations))):
        assert BY_ID[id_].asked(replace(scenario, records=501))
        assert BY_ID[id_].asked(replace(scenario, records=500, faults=("accounting:down",)))
        assert not BY_ID[id_].asked(replace(scenario, records=501, faults=("accounting:down",)))


FORWARDED, WHOLE = ["ForwardDISET", "x", []], {"in the file": [["ForwardDISET", "x", []]]}
SAYS = {
    "CO-001": ([list(HOOKS)], [[hook for hook in HOOKS if hook != "_initialize"]]),
    "CO-002": (["finalize"], ["_finalize"]),
    "CO-003": (["raised", []], ["raised", ["_initialize"]]),
    "CO-004": ("a return structure", None),
    "CO-005": ("returned", "raised"),
    "CO-006": (True, False),
    "CO-007": (["boom", 12], ["boom", 13]),
    "CO-008": ("a status with the text 'boom'", "bang"),
    "CO-009": ([], ["x"]),
    "CO-010": ([True, []], [False, []]),
    "CO-011": ([], ["/vo/a"]),
    "CO-012": ({"/vo/a": "Processed", "/vo/b": "Processed"}, {"/vo/a": "Unused", "/vo/b": None}),
    "CO-013": (["FileReport.commit"], []),
    "CO-014": (1, 0),
    "CO-015": (1, 0),
    "CO-016": ([FILE], ["12_34_request.xml"]),
    "CO-017": ([FORWARDED], []),
    "CO-018": (["JobReport", "Request"], ["Request"]),
    "CO-019": (["_finalize", True, "returned"], ["_finalize", False, "returned"]),
    "CO-020": ([{"a_1.txt": LFNS[0], "b_2.root": LFNS[1]}, "returned"], [{}, "returned"]),
    "CO-021": ("an exception", [{"exception": "ValueError", "args": []}]),
    "CO-022": ([[["12", True]], "returned"], [[[12, True]], "returned"]),
    "CO-023": ([[["CPU", "12", False]], "returned"], [[["CPU", 12, False]], "returned"]),
    "CO-025": ("returned", "raised"),
    "CO-026": ("returned", "raised"),
    "CO-027": ({"/vo/a": "Processed"}, {"/vo/a": "Assigned"}),
    "CO-028": (["Job Finished Successfully", "a status of its own"], []),
    "CO-029": ("2 records", {"held": 1, "in requests": []}),
    **dict.fromkeys(("LL-001", "LL-002", "LL-003", "LL-004", "LL-005"), (WHOLE, {"in the file": []})),
    "LL-006": ("not OK: the request is not valid", "OK"),
    "LL-007": ("not OK: operations are pending", "OK"),
    "LL-008": ("not OK: statuses are lost", "OK"),
    "LL-009": ("not OK: statuses are lost", "OK"),
    "LL-011": ("no file: nothing is pending", [FILE]),
    "LL-012": ({"of": ["/vo/FILE.L"]}, {"of": ["/vo/FILE."]}),
    "LL-013": ("not OK: the files' statuses reached no service", "OK"),
    "LL-014": ("sent, in the file, or not OK", [["CPU", "1"]]),
    "LL-015": ("one SetFileStatus", ["SetFileStatus", "SetFileStatus"]),
    "LL-016": ("not OK: operations are not in the file", [FORWARDED]),
}


@pytest.mark.parametrize("id_", SAYS)
def test_a_violation_says_what_should_have_been_there_and_what_was(id_):
    """The first outcome above that breaks the clause is told in values that a porter can compare."""
    _, scenario, change = next(row for row in (*BREAKS, *LOSES) if row[0] == id_)
    outcome = specified(scenario)
    assert judged(id_, scenario, outcome if id_[:2] == "LL" else change(outcome)) == Violation(*SAYS[id_])


def test_clauses_of_the_specification_are_asked_where_it_speaks():
    """The specification speaks neither of clients of another DIRAC, nor of one scripted collaborator among clients."""
    mixed = replace(LIVE, collaborators={**LIVE.collaborators, "JobReport": SCRIPTED})
    for clause in OF_DIRAC:
        assert clause.asked(WELL)
        assert clause.asked(WELL, DIRAC_8_0)
        assert clause.asked(LIVE)
        assert not clause.asked(LIVE, DIRAC_8_0)
        assert clause.violation(CheckContext(LIVE, NOTHING, DIRAC_8_0)) is None
        assert not clause.asked(mixed)


LOST_REPLY = replace(LIVE, faults=("transformation.setFileStatusForTransformation:lost_reply", "job-state:down"))


def step(number, **fields):
    """A change: in the call of a service, counted from 0, these fields are others."""

    def change(outcome):
        steps = list(outcome.steps)
        place = [index for index, step in enumerate(steps) if step.target != "module"][number]
        steps[place] = steps[place]._replace(**fields)
        return outcome._replace(steps=tuple(steps))

    return change


@pytest.mark.parametrize(("change", "by"), [
    (lambda outcome: outcome, set()), (step(0, method="getFiles"), {"DI-001"}),
    (step(1, args=[12, {"100": ["Unused", False]}]), {"DI-099"}),
    (step(1, result={"OK": True, "Value": None}), {"DI-007"}), (of(services={}), {"DI-099"}),
    (of(result={"OK": True, "Value": None}), {"DI-004"}), (attributes(JobReport={}), {"DI-014"}),
    (attributes(AccountingReport={}), {"DI-016"}), (of(files={}), {"DI-019", "DI-020"}),
])  # fmt: skip
def test_clauses_of_the_specification_judge_clients_and_services(change, by):
    """What differs is told by the clause that it is about, and by the last one if there is none."""
    outcome = expected_live(LOST_REPLY)
    assert outcome.services is not None
    assert broken(LOST_REPLY, change(outcome)) == by


VARIED = {
    "a method is called": {"calls": (["finalize", []],)},
    "after another module": {"earlier": ({"subject": "base"},)},
    "twice": {"executions": 2},
    "another module": {"subject": "base"},
    "without job": {"environment": {}},
    "health unknown": {"attributes": {"workflowStatus": {}}},
    "odd inputs": {"workflow_commons": {"InputData": 5}},
    "no clients": {"collaborators": dict.fromkeys(ALL, "none")},
    "replaced hooks": {"hooks": {"_setCommand": "ok"}},
}
"""One more thing that a scenario may be, beside the others."""


def test_the_situations_in_which_each_clause_is_asked(snapshot):
    """The named scenarios of this file, and some of them with one more thing; the register has the whole space."""
    named = {name: value for name, value in globals().items() if isinstance(value, Scenario)}
    cases = named | {
        f"{name}, {what}": changed(named[name], **fields)
        for name in ("WELL", "FAILED", "LIVE", "STATE_DOWN", "SECOND", "RECORDS", "OLD", "PARAMETERS")
        for what, fields in VARIED.items()
    }
    several = [clause for clause in CLAUSES if clause.level != "dirac"] + [BY_ID["DI-001"], BY_ID["DI-099"]]
    asked = {name: [clause.id for clause in several if clause.asked(case)] for name, case in sorted(cases.items())}
    snapshot("".join(f"{name}: {' '.join(ids)}\n" for name, ids in asked.items()))
