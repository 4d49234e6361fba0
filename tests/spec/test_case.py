from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dirac_failover.spec import case as module
from dirac_failover.spec import live
from dirac_failover.spec.case import MODULE, STATUS, Case, alike, same
from dirac_failover.spec.model import expected
from dirac_failover.spec.outcome import Step
from dirac_failover.spec.profiles import DIRAC_8_0, DIRAC_9_1, Profile
from dirac_failover.spec.scenario import FAILED_STATUS, LIVE, MISSING, NONE, SCRIPTED, Scenario

SCRIPTED_ALL = dict.fromkeys(("JobReport", "FileReport", "AccountingReport", "Request"), SCRIPTED)
WELL = replace(
    Scenario.of_job(inputs=["/vo/a"], operations=[{"Type": "ForwardDISET", "Arguments": "x"}]),
    collaborators=SCRIPTED_ALL,
)
OUTCOME = expected(WELL)


class Listed(list[Any]):
    """A list that is not quite one."""


def test_outcomes_are_alike_when_their_json_is() -> None:
    """True is not 1, the order of keys is not told, and what cannot be marshalled is compared all the same."""
    assert alike(OUTCOME, expected(WELL))
    assert not alike(OUTCOME, OUTCOME._replace(ended="raised"))
    for field in ("result", "services"):
        assert alike(OUTCOME._replace(**{field: {"a": 1, "b": 2}}), OUTCOME._replace(**{field: {"b": 2, "a": 1}}))
        assert not alike(OUTCOME._replace(**{field: {"a": 1}}), OUTCOME._replace(**{field: {"a": True}}))
        assert alike(OUTCOME._replace(**{field: [1]}), OUTCOME._replace(**{field: Listed([1])}))
        assert not alike(OUTCOME._replace(**{field: [1]}), OUTCOME._replace(**{field: Listed([True])}))
    for field in ("attributes", "request"):
        changed = {**getattr(OUTCOME, field)}
        assert alike(OUTCOME, OUTCOME._replace(**{field: dict(reversed(changed.items()))}))
        assert not alike(OUTCOME._replace(**{field: {"a": 0}}), OUTCOME._replace(**{field: {"a": False}}))
    for one, other in ((([1], None), ([True], None)), (([], 1), ([], 1.0))):
        steps = [OUTCOME._replace(steps=(Step("a", "b", *item),)) for item in (one, other)]
        assert not alike(*steps)
        assert alike(steps[0], steps[0]._replace())


def test_values_are_the_same_by_type() -> None:
    """Whatever the order of their keys."""
    assert same({"a": 1, "b": [2]}, {"b": [2], "a": 1})
    assert not same({"a": 1}, {"a": True})
    assert not same([1, 2], [2, 1])
    assert not same({"1": 2}, {1: 2})


def test_outcomes_are_told_apart_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal parts have the same bytes, whatever they share."""
    shared = ["a long text"]
    assert module._typed([shared, shared]) == module._typed([shared, ["a long text"]])
    assert module._typed(OUTCOME.steps) == module._typed(tuple(Step(*step) for step in OUTCOME.steps))
    seen: list[Any] = []
    monkeypatch.setattr(module, "_typed", seen.append)
    assert alike(OUTCOME, OUTCOME._replace(files=dict(OUTCOME.files)))
    assert seen == [OUTCOME.files] * 2


def test_the_same_file_is_read_once() -> None:
    """As long as not too many others have been read."""
    assert module._parsed('{"a": [1]}') is module._parsed('{"a": [1]}')
    assert module._parsed.cache_parameters()["maxsize"] == 1024


@pytest.mark.parametrize(("kind", "scripted"), [(LIVE, False), (MISSING, False), (NONE, True), (SCRIPTED, True)])
def test_the_specification_speaks_of_scripted_collaborators(kind: str, scripted: bool) -> None:
    """All of them: of one client among doubles it says nothing."""
    case = Case(replace(WELL, collaborators={**SCRIPTED_ALL, "AccountingReport": kind}), OUTCOME)
    assert case.scripted is scripted
    assert (case.expected is not None) is scripted
    assert case.as_expected is (kind == SCRIPTED)


@pytest.mark.parametrize("profile", [DIRAC_9_1, DIRAC_8_0], ids=lambda profile: str(profile.name))
def test_the_specification_speaks_of_clients_of_one_profile(profile: Profile) -> None:
    """Of DIRAC 9.1's, whose clients are specified."""
    scenario = Scenario.of_job(inputs=["/vo/a"], faults=["job-state:down"])
    told = live.expected(scenario)
    case = Case(scenario, told, profile)
    assert not case.scripted
    assert case.expected == (told if profile == DIRAC_9_1 else None)
    assert case.as_expected is (profile == DIRAC_9_1)
    assert Case(replace(scenario, faults=("job-state:empty_reply",)), told, profile).expected is None
    assert Case(WELL, OUTCOME, profile).as_expected is (profile == DIRAC_9_1)
    assert Case(WELL, expected(WELL, profile), profile).as_expected


@pytest.mark.parametrize(
    ("statuses", "health"),
    [
        (({"OK": True}, {"OK": True}), "well"),
        ((FAILED_STATUS, {"OK": True}), "failed"),
        (({"OK": True}, FAILED_STATUS), "failed"),
        ((FAILED_STATUS, {}), "failed"),
        (({}, FAILED_STATUS), "unset"),
        (({}, {"OK": True}), "unset"),
        (({"OK": True}, {}), "unset"),
        ((None, None), "unset"),
    ],
)
def test_health_is_asked_of_the_step_only_if_the_workflow_is_well(statuses: tuple[Any, Any], health: str) -> None:
    """As the module asks."""
    given = dict(zip(("workflowStatus", "stepStatus"), statuses, strict=True))
    attributes = {key: value for key, value in given.items() if value is not None}
    assert Case(replace(WELL, attributes=attributes), OUTCOME).health == health


@pytest.mark.parametrize(
    ("change", "writable"),
    [
        ({}, True),
        ({"answers": {"Request.toJSON": ("ok",)}}, True),
        ({"answers": {"Request.toJSON": ("s_error",)}}, False),
        ({"files": {"x": "old"}}, True),
        ({"files": {"x": "directory"}}, False),
        ({"files": {"x": "full"}}, False),
    ],
)
def test_a_request_can_be_written_unless_something_is_in_the_way(change: dict[str, Any], writable: bool) -> None:
    """An old file is not."""
    assert Case(replace(WELL, **change), OUTCOME).writable is writable


def test_calls_are_found_by_their_names() -> None:
    """In order; hooks are not calls of collaborators."""
    case = Case(WELL, OUTCOME)
    statuses = [step.args[0] for step in case.calls(STATUS)]
    assert statuses == [
        "Job Finished Successfully", "Workflow successful, end of FailoverRequest module execution.",
    ]  # fmt: skip
    assert case.calls("JobReport.nothing") == case.calls(f"{MODULE}._execute") == []
    assert case.hooks[0] == "_resolveInputVariables"
    assert case.hooks[-1] == "finalize"
    assert len(case.hooks) + len(case.collaboration) == len(OUTCOME.steps)
    assert case.answered("FileReport.commit", "s_error", "ok")
    assert not case.answered("FileReport.commit", "s_error")
    assert not case.answered("FileReport.nothing", "")
    raising = replace(WELL, answers={"FileReport.commit": ("raises=ValueError:x",)})
    assert [step.method for step in Case(raising, expected(raising)).raising] == ["commit"]
    assert case.raising == []


def seen(*calls: str, **change: Any) -> Case:
    """A case in which these were called: ``hook``, or ``Collaborator.method answer``."""
    steps = []
    for call in calls:
        name, _, answer = call.partition(" ")
        target, _, method = name.rpartition(".")
        steps.append(Step(target or MODULE, method, [], answer or None))
    return Case(replace(WELL, **change), OUTCOME._replace(steps=tuple(steps)))


@pytest.mark.parametrize(
    ("hooks", "executions"),
    [
        ("", []),
        ("_initialize finalize", [["_initialize", "finalize"]]),
        ("a finalize finalize b", [["a", "finalize"], ["finalize"], ["b"]]),
    ],
)
def test_finalize_ends_an_execution(hooks: str, executions: list[list[str]]) -> None:
    """Even the first hook of one; what comes after the last is an execution that did not come so far."""
    assert seen(*hooks.split()).executions == executions


RAISES = "FileReport.commit raises=ValueError:bad:5"
STATUS_RAISES = f"{STATUS} raises=RuntimeError"
FORWARD = "JobReport.generateForwardDISET ok"


@pytest.mark.parametrize(
    ("calls", "raised"),
    [
        ([], None),
        ([FORWARD], None),
        ([RAISES], ["ValueError", "bad", "5"]),
        (["_execute", FORWARD, RAISES, FORWARD], ["ValueError", "bad", "5"]),
        ([RAISES, RAISES], None),
        ([RAISES, "FileReport.getFiles bad_shape=[]"], None),
        ([STATUS_RAISES], None),
        ([FORWARD, STATUS_RAISES], None),
        ([STATUS_RAISES, "FileReport.commit ok", FORWARD], ["RuntimeError"]),
    ],
)
def test_what_was_raised_is_one_thing_inside_a_hook(calls: list[str], raised: list[str] | None) -> None:
    """The status at the very end is sent outside of the hooks: what follows it tells which one it was."""
    assert seen(*calls).raised == raised


def test_nothing_is_said_of_what_was_raised_unless_the_scenario_says_all() -> None:
    """Neither of a module that was not told how the job is, nor of services."""
    assert seen(RAISES, attributes={}).raised is None
    assert seen(RAISES, collaborators={**SCRIPTED_ALL, "JobReport": LIVE}).raised is None


def test_the_last_answer_is_the_one_that_counts() -> None:
    """When a method is called more than once."""
    scenario = replace(WELL, answers={"JobReport.setApplicationStatus": ("ok", "s_error")})
    case = Case(scenario, expected(scenario))
    assert case.answered("JobReport.setApplicationStatus", "s_error")
    assert not case.answered("JobReport.setApplicationStatus", "ok")


@pytest.mark.parametrize(
    ("change", "ok"),
    [({}, True), ({"ended": "raised"}, False), ({"result": None}, False), ({"result": {"OK": 1}}, False),
     ({"result": {"OK": False}}, False)],
)  # fmt: skip
def test_ok_is_a_return_structure_that_says_so(change: dict[str, Any], ok: bool) -> None:
    """True itself."""
    assert Case(WELL, OUTCOME._replace(**change)).ok is ok


def test_what_is_pending_is_looked_for_in_the_file() -> None:
    """By type, arguments and LFNs; what is no request holds nothing."""
    case = Case(WELL, OUTCOME)
    assert case.request_file == "12_34_request.json"
    assert case.pending == case.written == [["ForwardDISET", "x", []]]
    assert case.unwritten == []
    assert case.content["JobID"] == 77
    assert Case(WELL, OUTCOME._replace(files={"12_34_request.json": "{"})).content is None
    for text in ("{", "[]", "{}", '{"Operations": [1]}', '{"Operations": [{}]}', "null"):
        case = Case(WELL, OUTCOME._replace(files={"12_34_request.json": text}))
        assert case.written == []
        assert case.unwritten == [["ForwardDISET", "x", []]]
    case = Case(WELL, OUTCOME._replace(files={"12_34_request.xml": "{}"}, request=None))
    assert (case.content, case.written, case.pending) == (None, [], [])
    removed = replace(WELL, operations=({"Type": "RemoveFile", "Files": ["/vo/o1", "/vo/o2"]},))
    assert Case(removed, expected(removed)).written == [["RemoveFile", None, ["/vo/o1", "/vo/o2"]]]


def test_a_job_is_what_has_a_number() -> None:
    """As far as the module got."""
    assert Case(WELL, OUTCOME).job is True
    assert Case(WELL, OUTCOME._replace(attributes={"jobID": 0})).job is False
