"""A case: what is found in an outcome, beside what its scenario says."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from dirac_failover.spec.check_context import MODULE, CheckContext, specified
from dirac_failover.spec.facts import STATUS, Facts
from dirac_failover.spec.model import clients
from dirac_failover.spec.model.module import expected
from dirac_failover.spec.observation import Call
from dirac_failover.spec.profiles import DIRAC_8_0, DIRAC_9_1
from dirac_failover.spec.scenario import LIVE, MISSING, NONE, SCRIPTED, Scenario

SCRIPTED_ALL = dict.fromkeys(("JobReport", "FileReport", "AccountingReport", "Request"), SCRIPTED)
WELL = replace(
    Scenario.of_job(inputs=["/vo/a"], operations=[{"Type": "ForwardDISET", "Arguments": "x"}]),
    collaborators=SCRIPTED_ALL,
)
OUTCOME = expected(WELL)


@pytest.mark.parametrize(("kind", "scripted"), [(LIVE, False), (MISSING, False), (NONE, True), (SCRIPTED, True)])
def test_the_specification_speaks_of_scripted_collaborators(kind, scripted):
    """All of them are scripted: of one client among doubles the specification says nothing."""
    facts = Facts(replace(WELL, collaborators={**SCRIPTED_ALL, "AccountingReport": kind}))
    for profile in (DIRAC_9_1, DIRAC_8_0):
        assert specified(facts, profile) is scripted
    if scripted:
        case = CheckContext(facts, OUTCOME)
        assert case.expected == expected(facts.scenario)
        assert case.as_expected is (kind == SCRIPTED)


@pytest.mark.parametrize("profile", [DIRAC_9_1, DIRAC_8_0], ids=lambda profile: str(profile.name))
def test_the_specification_speaks_of_clients_of_one_profile(profile):
    """The clients of DIRAC 9.1 are specified, where their services fail in a known way."""
    scenario = Scenario.of_job(inputs=["/vo/a"], faults=["job-state:down"])
    assert specified(Facts(scenario), profile) is (profile == DIRAC_9_1)
    assert not specified(Facts(replace(scenario, faults=("job-state:empty_reply",))), profile)
    told = clients.expected(scenario)
    assert CheckContext(scenario, told).expected == told
    assert CheckContext(scenario, told).as_expected
    assert not CheckContext(scenario, told._replace(ended="raised")).as_expected
    assert CheckContext(WELL, OUTCOME, profile).as_expected is (profile == DIRAC_9_1)
    assert CheckContext(WELL, expected(WELL, profile), profile).as_expected


def test_calls_are_found_by_their_names():
    """Calls are in order, and hooks are not calls of collaborators."""
    case = CheckContext(WELL, OUTCOME)
    assert [step.args for step in case.calls(STATUS)] == [[status, True] for status in case.statuses]
    assert case.statuses == [
        "Job Finished Successfully", "Workflow successful, end of FailoverRequest module execution.",
    ]  # fmt: skip
    assert case.calls("JobReport.nothing") == case.calls(f"{MODULE}._execute") == []
    assert case.hooks[0] == "_resolveInputVariables"
    assert case.hooks[-1] == "finalize"
    assert [step.target for step in case.collaboration] == [s.target for s in OUTCOME.steps if s.target != MODULE]
    odd = OUTCOME._replace(steps=(Call("JobReport", "setApplicationStatus", [], "ok"),
                                  Call("JobReport", "setApplicationStatus", [5], "ok")))  # fmt: skip
    assert CheckContext(WELL, odd).statuses == ["", "5"]


NAME = "12_34_request.json"
HELD = ["ForwardDISET", "x", []]


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"Operations": [1]}', '{"Operations": [{}]}', "null", '"{"', '"x"', "5"]
)
def test_what_is_no_request_holds_nothing(text):
    """A file of another kind is no error of the suite."""
    case = CheckContext(WELL, OUTCOME._replace(files={NAME: text}))
    assert case.written == []
    assert case.unwritten == [HELD]


def test_a_request_within_a_text_counts_as_that_request():
    """DIRAC reads it as well; a text within a text is none."""
    once = json.dumps(OUTCOME.files[NAME])
    assert CheckContext(WELL, OUTCOME._replace(files={NAME: once})).written == [HELD]
    assert CheckContext(WELL, OUTCOME._replace(files={NAME: json.dumps(once)})).written == []


def test_operations_are_owed_whether_they_are_in_the_request_or_not():
    """An operation that the module has dropped, or has added, is missed once when it is not in the file."""
    added = {**OUTCOME.request["Operations"][0], "Arguments": "y"}
    lost = OUTCOME._replace(files={})
    assert CheckContext(WELL, lost).unwritten == [HELD]
    assert CheckContext(WELL, lost._replace(request=None)).unwritten == [HELD]
    both = lost._replace(request={"Operations": [*OUTCOME.request["Operations"], added]})
    assert CheckContext(WELL, both).unwritten == [HELD, ["ForwardDISET", "y", []]]
    assert CheckContext(WELL, OUTCOME._replace(request=None)).in_request == []
    answered = replace(WELL, answers={"JobReport.generateForwardDISET": ("operation",)})
    assert CheckContext(answered, OUTCOME).unwritten == [["ForwardDISET", "job report", []]]


@pytest.mark.parametrize(("files", "new", "read"), [
    ({}, [], False), ({NAME: "{}"}, [NAME], True),
    ({"00012_00034_request.json": "{}"}, ["00012_00034_request.json"], True),
    ({"12_35_request.json": "{}"}, ["12_35_request.json"], False),
    ({"o": "output", "p": "[]", "q": "<directory>", "r": "<link>"}, [], False),
    ({"r": "x", "o": "other", "p": "[1]"}, ["o", "p", "r"], False), ({"p": "output", "o": "[]"}, ["o", "p"], False),
])  # fmt: skip
def test_a_file_is_new_when_it_was_not_there_or_held_something_else(files, new, read):
    """The request is read from a new file of its name only."""
    before = {"o": "output", "p": "old", "q": "directory", "r": "full"}
    case = CheckContext(replace(WELL, files=before), OUTCOME._replace(files=files))
    assert case.new_files == new
    assert case.content == ({} if read else None)


@pytest.mark.parametrize(
    ("services", "part"),
    [({"a": {"b": [1]}}, [1]), ({"a": {"b": None}}, {}), ({"a": {}}, {}), ({"a": None}, {}), ({}, {}), (None, {})],
)
def test_a_part_of_a_service_that_is_not_to_be_seen_is_empty(services, part):
    """A port may have no services to look at."""
    assert CheckContext(WELL, OUTCOME._replace(services=services)).service("a", "b") == part
