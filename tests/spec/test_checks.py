"""Each clause is held by one outcome and broken by another that is almost the same: both made by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from dirac_failover.spec.case import Case
from dirac_failover.spec.checks import HELD, Breach
from dirac_failover.spec.clauses import CLAUSES
from dirac_failover.spec.live import expected as expected_live
from dirac_failover.spec.model import expected
from dirac_failover.spec.outcome import Outcome, Step
from dirac_failover.spec.profiles import DIRAC_8_0
from dirac_failover.spec.scenario import FAILED_STATUS, MISSING, SCRIPTED, Scenario

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dirac_failover.spec.checks import Verdict

BY_ID = {clause.id: clause for clause in CLAUSES}
ALL = dict.fromkeys(("JobReport", "FileReport", "AccountingReport", "Request"), SCRIPTED)
FORWARD = {"Type": "ForwardDISET", "Arguments": "x"}
WELL = replace(Scenario.of_job(inputs=["/vo/a", "/vo/b"], operations=[FORWARD]), collaborators=ALL)
FAILED = replace(WELL, attributes={**WELL.attributes, "workflowStatus": FAILED_STATUS})
REPORTED = replace(WELL, reported={"/vo/a": "Unused"})
NO_JOB = replace(WELL, environment={}, operations=())
FILE = "12_34_request.json"


def answering(scenario: Scenario = WELL, **answers: str) -> Scenario:
    """The scenario in which these are answered: ``FileReport_commit="s_error"``."""
    return replace(scenario, answers={name.replace("_", ".", 1): (text,) for name, text in answers.items()})


def judged(id_: str, scenario: Scenario, outcome: Outcome) -> Verdict:
    return BY_ID[id_].check(Case(scenario, outcome))


def of(**fields: Any) -> Callable[[Outcome], Outcome]:
    """A change: these fields are others."""
    return lambda outcome: outcome._replace(**fields)


def attributes(**values: Any) -> Callable[[Outcome], Outcome]:
    return lambda outcome: outcome._replace(attributes={**outcome.attributes, **values})


def request(**values: Any) -> Callable[[Outcome], Outcome]:
    return lambda outcome: outcome._replace(request={**outcome.request, **values})


def without(method: str) -> Callable[[Outcome], Outcome]:
    """A change: these calls were not made."""
    return lambda outcome: outcome._replace(steps=tuple(step for step in outcome.steps if step.method != method))


def called(method: str, **values: Any) -> Callable[[Outcome], Outcome]:
    """A change: in the calls of this method something is another."""
    return lambda outcome: outcome._replace(
        steps=tuple(step._replace(**values) if step.method == method else step for step in outcome.steps)
    )


def twice(method: str) -> Callable[[Outcome], Outcome]:
    return lambda outcome: outcome._replace(
        steps=tuple(step for step in outcome.steps for _ in range(2 if step.method == method else 1))
    )


def more(step: Step) -> Callable[[Outcome], Outcome]:
    return lambda outcome: outcome._replace(steps=(*outcome.steps, step))


def written(change: Callable[[Any], Any]) -> Callable[[Outcome], Outcome]:
    """A change: the file holds something else."""

    def changed(outcome: Outcome) -> Outcome:
        text = json.dumps(change(json.loads(outcome.files[FILE])))
        return outcome._replace(files={**outcome.files, FILE: text})

    return changed


ERROR = {"OK": False, "Errno": 0, "Message": "x"}
RAISES = answering(FileReport_commit="raises=ValueError:boom")
GRACEFUL = answering(FileReport_commit="raises=GracefulTermination:enough")
NUMBERED = answering(FileReport_commit="raises=RuntimeError:boom:12")
SECOND = answering(FileReport_commit="s_error", FileReport_generateForwardDISET="operation")
JOB_OPERATION = answering(JobReport_generateForwardDISET="operation")

BREAKS: list[tuple[str, Scenario, Callable[[Outcome], Outcome]]] = [
    ("CO-001", WELL, without("_initialize")),
    ("CO-001", RAISES, lambda o: o._replace(steps=(*o.steps[:-1], Step("module", "_execute", [], None), o.steps[-1]))),
    ("CO-002", WELL, without("finalize")),
    ("CO-002", WELL, twice("finalize")),
    ("CO-003", replace(WELL, workflow_commons={"JOB_ID": "1"}), more(Step("module", "_initialize", [], None))),
    ("CO-003", replace(WELL, workflow_commons={"PRODUCTION_ID": "1"}), of(ended="returned")),
    ("CO-004", WELL, of(result=None)),
    ("CO-004", WELL, of(result={"OK": True})),
    ("CO-004", WELL, of(result={"OK": False, "Message": "x"})),
    ("CO-004", WELL, of(result={"OK": False, "Errno": 1})),
    ("CO-004", WELL, of(result={"OK": 1, "Value": 1})),
    ("CO-005", RAISES, of(ended="raised")),
    ("CO-006", GRACEFUL, of(result=ERROR)),
    ("CO-007", NUMBERED, of(result={"OK": False, "Errno": 13, "Message": "boom"})),
    ("CO-007", NUMBERED, of(result={"OK": False, "Errno": 12, "Message": "bang"})),
    ("CO-007", NUMBERED, of(result=None)),
    ("CO-008", RAISES, called("setApplicationStatus", args=["bang", True])),
    ("CO-008", RAISES, without("setApplicationStatus")),
    ("CO-009", FAILED, more(Step("JobReport", "setApplicationStatus", ["x", True], "ok"))),
    ("CO-010", NO_JOB, of(result=ERROR)),
    ("CO-010", NO_JOB, more(Step("JobReport", "generateForwardDISET", [], "ok"))),
    ("CO-011", REPORTED, called("setFileStatus", args=[12, "/vo/a", "Unused", False])),
    ("CO-012", WELL, called("setFileStatus", args=[12, "/vo/a", "Unused", False])),
    ("CO-012", FAILED, called("setFileStatus", args=[12, "/vo/a", "Processed", False])),
    ("CO-013", SECOND, without("generateForwardDISET")),
    ("CO-013", SECOND, twice("generateForwardDISET")),
    ("CO-014", SECOND, request(Operations=[])),
    ("CO-014", SECOND, lambda o: request(Operations=o.request["Operations"] * 2)(o)),
    ("CO-015", JOB_OPERATION, request(Operations=[])),
    ("CO-015", JOB_OPERATION, lambda o: request(Operations=o.request["Operations"] * 2)(o)),
    ("CO-016", WELL, lambda o: of(files={"12_34_request.xml": o.files[FILE]})(o)),
    ("CO-016", WELL, lambda o: of(files={**o.files, "log": ""})(o)),
    ("CO-017", WELL, written(lambda data: {**data, "Operations": []})),
    ("CO-017", WELL, written(lambda data: {**data, "RequestName": "x"})),
    ("CO-017", WELL, written(lambda data: {**data, "JobID": 78})),
    ("CO-017", WELL, written(json.dumps)),
    ("CO-017", WELL, of(files={FILE: "{"})),
    ("DI-001", WELL, without("commit")),
    ("DI-002", WELL, without("finalize")),
    ("DI-003", WELL, of(ended="raised")),
    ("DI-004", WELL, of(result=ERROR)),
    ("DI-004", NUMBERED, of(result={"OK": False, "Errno": 12.0, "Message": "boom"})),
    ("DI-004", NUMBERED, of(result={"OK": 0, "Errno": 12, "Message": "boom"})),
    ("DI-005", WELL, called("setApplicationStatus", args=["x", True])),
    ("DI-006", WELL, called("setFileStatus", args=[13, "/vo/a", "Processed", False])),
    ("DI-007", WELL, called("commit", answer="s_error")),
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
def test_a_clause_is_held_as_specified_and_broken_by_a_change(
    id_: str, scenario: Scenario, change: Callable[[Outcome], Outcome]
) -> None:
    """The expected outcome holds it, where it is asked about at all; the changed one does not."""
    outcome = expected(scenario)
    assert judged(id_, scenario, outcome) in (HELD, None)
    verdict = judged(id_, scenario, change(outcome))
    assert isinstance(verdict, Breach)
    assert verdict.expected != verdict.observed or json.dumps(verdict.expected) != json.dumps(verdict.observed)


OF_DIRAC = [clause for clause in CLAUSES if clause.level == "dirac"]


def broken(scenario: Scenario, outcome: Outcome) -> set[str]:
    """The clauses of the level dirac that an outcome breaks."""
    case = Case(scenario, outcome)
    return {clause.id for clause in OF_DIRAC if clause.check(case)}


def late(method: str) -> Callable[[Outcome], Outcome]:
    """A change: a step is done after the one that follows it."""

    def changed(outcome: Outcome) -> Outcome:
        steps = list(outcome.steps)
        index = next(i for i, step in enumerate(steps) if step.method == method)
        steps[index : index + 2] = steps[index + 1], steps[index]
        return outcome._replace(steps=tuple(steps))

    return changed


REST: dict[str, Callable[[Outcome], Outcome]] = {
    "order of hooks among calls": late("_execute"),
    "arguments of other calls": called("commit", args=[1]),
    "arguments and answers of hooks": called("_initialize", answer=1),
    "other attributes": attributes(fresh=False),
    "other fields of the request": request(Error="none"),
    "services": of(services=[]),
}


@pytest.mark.parametrize("name", REST)
def test_the_last_clause_is_about_what_is_left(name: str) -> None:
    """It alone is broken, and shows that and nothing else."""
    outcome = REST[name](expected(WELL))
    assert broken(WELL, outcome) == {"DI-099"}
    verdict = judged("DI-099", WELL, outcome)
    assert isinstance(verdict, Breach)
    assert list(verdict.expected) == list(verdict.observed) == [name]
    assert verdict.expected != verdict.observed


@pytest.mark.parametrize(
    ("id_", "scenario", "change"), [row for row in BREAKS if row[0][:2] == "DI" and row[0] != "DI-099"]
)
def test_what_another_clause_is_about_does_not_break_the_last_one(
    id_: str, scenario: Scenario, change: Callable[[Outcome], Outcome]
) -> None:
    """Or it would say everything twice, calls and hooks included."""
    found = broken(scenario, change(expected(scenario)))
    assert id_ in found
    assert "DI-099" not in found


def changes(value: Any) -> Iterator[Any]:
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
def test_together_the_clauses_are_total(scenario: Scenario) -> None:
    """Whatever is changed in an outcome, wherever, breaks one of them."""
    outcome = expected(scenario)
    assert broken(scenario, outcome) == set()
    count = 0
    for name in Outcome._fields:
        for changed in changes(getattr(outcome, name)):
            steps = [Step(*step) for step in changed if len(step) == 4] if name == "steps" else []
            if name == "steps" and len(steps) < len(changed):
                continue  # a step has four parts
            count += 1
            another = tuple(steps) if name == "steps" else changed
            assert broken(scenario, outcome._replace(**{name: another})), (name, changed)
    assert count > 200


def test_each_clause_of_contract_and_dirac_is_broken_somewhere_above() -> None:
    """Or in a test of its own, since it is not about scripted collaborators."""
    assert {clause.id for clause in CLAUSES if clause.level != "lossless"} - {row[0] for row in BREAKS} == {"CO-018"}


INVALID = replace(WELL, operations=(FORWARD, {"Type": "RemoveFile"}))
NOT_TEXT = replace(WELL, operations=(FORWARD, {"Type": "ForwardDISET", "ArgumentsHex": "ff00"}))
NO_OWNER = replace(WELL, owner=None)
LOST_FILES = answering(
    FileReport_commit="s_error", FileReport_generateForwardDISET='bad_shape={"OK": false, "Value": 1}'
)
ENDS_IN_L = replace(WELL, workflow_commons={**WELL.workflow_commons, "InputData": "/vo/FILE.L"})
OLD = replace(WELL, operations=(), files={FILE: "old"})
LAST = replace(WELL, answers={"JobReport.setApplicationStatus": ("ok", "s_error")})


def saved(*kept: int) -> Callable[[Outcome], Outcome]:
    """A change: these operations of the request are in the file."""

    def changed(outcome: Outcome) -> Outcome:
        operations = [outcome.request["Operations"][number] for number in kept]
        names = ("RequestName", "JobID")
        text = json.dumps({name: outcome.request[name] for name in names} | {"Operations": operations})
        return outcome._replace(files={FILE: text})

    return changed


LOSES: list[tuple[str, Scenario, Callable[[Outcome], Outcome]]] = [
    ("LL-001", answering(AccountingReport_commit="s_error"), saved(0)),
    ("LL-002", answering(AccountingReport_commit="raises=ValueError:x"), saved(0)),
    ("LL-002", answering(AccountingReport_commit="bad_shape=null"), saved(0)),
    ("LL-003", FAILED, saved(0)),
    ("LL-004", INVALID, saved(0)),
    ("LL-005", NOT_TEXT, saved(0)),
    ("LL-007", replace(WELL, environment={}), of(result=ERROR)),
    ("LL-008", LOST_FILES,
     of(result=ERROR)),
    ("LL-009", answering(JobReport_generateForwardDISET="s_error"), of(result=ERROR)),
    ("LL-011", OLD, of(files={})),
    ("LL-012", ENDS_IN_L, called("setFileStatus", args=[12, "/vo/FILE.L", "Processed", False])),
    ("LL-016", answering(AccountingReport_commit="s_error"), of(result=ERROR)),
]  # fmt: skip


@pytest.mark.parametrize(("id_", "scenario", "change"), LOSES, ids=[f"{row[0]}-{i}" for i, row in enumerate(LOSES)])
def test_a_hazard_is_seen_in_what_dirac_does_and_not_in_what_is_better(
    id_: str, scenario: Scenario, change: Callable[[Outcome], Outcome]
) -> None:
    """DIRAC's outcome breaks the clause; the one in which nothing is lost, or it is said, holds it."""
    outcome = expected(scenario)
    assert isinstance(judged(id_, scenario, outcome), Breach)
    assert judged(id_, scenario, change(outcome)) == HELD


def test_the_last_status_is_kept_when_it_is_reported_early() -> None:
    """Before the job report is asked for its operation."""
    outcome = expected(LAST)
    assert isinstance(judged("LL-010", LAST, outcome), Breach)
    late = [step for step in outcome.steps if step.method == "setApplicationStatus"][-1]
    steps = [step for step in outcome.steps if step is not late]
    index = next(
        i for i, step in enumerate(steps) if (step.target, step.method) == ("JobReport", "generateForwardDISET")
    )
    assert judged("LL-010", LAST, outcome._replace(steps=(*steps[:index], late, *steps[index:]))) == HELD


def test_of_what_was_scripted_otherwise_nothing_is_said() -> None:
    """A clause that does not apply is silent."""
    outcome = expected(WELL)
    for name in ("CO-003", "CO-005", "CO-006", "CO-007", "CO-008", "CO-009", "CO-010", "CO-011", "CO-013", "CO-014",
                 "CO-015", "CO-018", "LL-001", "LL-002", "LL-003", "LL-004", "LL-005", "LL-006", "LL-008", "LL-009",
                 "LL-010", "LL-011", "LL-013", "LL-014", "LL-015"):  # fmt: skip
        assert judged(name, WELL, outcome) is None, name


LIVE = Scenario.of_job(inputs=["/vo/a"], operations=[FORWARD])


def live(_: Scenario, **fields: Any) -> Outcome:
    """An outcome with clients of the implementation's own: as little of it as the clauses look at."""
    return expected(WELL)._replace(services={}, **fields)


def test_clauses_of_the_specification_are_silent_where_it_is() -> None:
    """Of clients of another DIRAC, and of one collaborator that is scripted among clients, it says nothing."""
    mixed = replace(LIVE, collaborators={**LIVE.collaborators, "JobReport": SCRIPTED})
    for clause in CLAUSES:
        if clause.level == "dirac":
            assert clause.check(Case(LIVE, live(LIVE), DIRAC_8_0)) is None
            assert clause.check(Case(mixed, live(mixed))) is None


LOST_REPLY = replace(LIVE, faults=("transformation.setFileStatusForTransformation:lost_reply", "job-state:down"))


def step(number: int, **fields: Any) -> Callable[[Outcome], Outcome]:
    """A change: in the call of a service, counted from 0, these fields are others."""

    def change(outcome: Outcome) -> Outcome:
        steps = list(outcome.steps)
        place = [index for index, step in enumerate(steps) if step.target != "module"][number]
        steps[place] = steps[place]._replace(**fields)
        return outcome._replace(steps=tuple(steps))

    return change


@pytest.mark.parametrize(
    ("change", "by"),
    [
        (lambda outcome: outcome, set()),
        (step(0, method="getFiles"), {"DI-001"}),
        (step(1, args=[12, {"100": ["Unused", False]}]), {"DI-099"}),
        (step(1, answer={"OK": True, "Value": None}), {"DI-007"}),
        (of(services={}), {"DI-099"}),
        (of(result={"OK": True, "Value": None}), {"DI-004"}),
        (attributes(JobReport={}), {"DI-014"}),
        (attributes(AccountingReport={}), {"DI-016"}),
        (of(files={}), {"DI-019", "DI-020"}),
    ],
)
def test_clauses_of_the_specification_judge_clients_and_services(
    change: Callable[[Outcome], Outcome], by: set[str]
) -> None:
    """What differs is told by the clause that it is about, and by the last one if there is none."""
    outcome = expected_live(LOST_REPLY)
    assert outcome.services is not None
    assert broken(LOST_REPLY, change(outcome)) == by


def test_hazards_of_the_clients_are_seen() -> None:
    """Unknown files, parameters, a second execution, a proxy that is missing, collaborators that are not made."""
    unknown = replace(LIVE, server_files={})
    looked = (*expected(WELL).steps, Step("transformation", "getTransformationFiles", [], {"OK": True, "Value": []}))
    assert isinstance(judged("LL-013", unknown, live(unknown, steps=looked)), Breach)
    assert judged("LL-013", unknown, live(unknown, steps=looked, result=ERROR)) == HELD
    unsent = replace(LIVE, unsent_parameters={"CPU": "1"})
    base = expected(WELL)
    left = live(unsent, attributes={**base.attributes, "JobReport": {"jobParameters": [["CPU", "1"]]}})
    assert isinstance(judged("LL-014", unsent, left), Breach)
    assert judged("LL-014", unsent, left._replace(result=ERROR)) == HELD
    assert judged("LL-014", unsent, live(unsent)) == HELD
    again = replace(LIVE, executions=2)
    operation = {**base.request["Operations"][0], "Type": "SetFileStatus"}
    once, both = ({**base.request, "Operations": [operation] * number} for number in (1, 2))
    assert judged("LL-015", again, live(again, request=once)) == HELD
    assert isinstance(judged("LL-015", again, live(again, request=both)), Breach)
    ownerless = replace(LIVE, owner=None)
    assert isinstance(judged("LL-006", ownerless, live(ownerless, files={})), Breach)
    assert judged("LL-006", ownerless, live(ownerless, files={}, result=ERROR)) == HELD
    making = replace(LIVE, collaborators={**LIVE.collaborators, "JobReport": MISSING})
    assert judged("CO-018", making, live(making)) == HELD
    bare = {key: value for key, value in base.attributes.items() if key != "JobReport"}
    assert judged("CO-018", making, live(making, attributes=bare)) == Breach(["JobReport"], [])
