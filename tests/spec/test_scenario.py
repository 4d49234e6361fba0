"""Scenarios: plain data, there and back, and everything malformed refused with a message that helps."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import fields, replace
from decimal import Decimal

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dirac_failover.spec.scenario import (
    COLLABORATOR_KINDS,
    FILE_KINDS,
    HOOKS,
    METHODS,
    SUBJECTS,
    Scenario,
    ScenarioError,
    schema,
    typed,
)

WHOLE = {
    "name": "all fields",
    "environment": {"JOBID": "78", "OTHER": "x"},
    "attributes": {"STEP_NUMBER": "2", "jobID": None},
    "workflow_commons": {"InputData": ["/vo/a"], "PRODUCTION_ID": 12},
    "step_commons": {"inputData": None},
    "collaborators": {"JobReport": "scripted", "FileReport": "missing", "Request": "none", "AccountingReport": "live"},
    "answers": {"JobReport.setApplicationStatus": ["s_error", "ok"]},
    "reported": {"/vo/a": "Problematic"},
    "report_job": 76,
    "unsent_statuses": ["half done", ["Completing", "", "x"]],
    "unsent_parameters": {"CPU": "1", "Load": {"float": "nan"}},
    "records": 2,
    "operations": [{"Type": "RemoveFile", "Files": ["/vo/o"]}],
    "owner": ["bob", "vo_admin"],
    "faults": ["accounting:down"],
    "server_files": {"/vo/a": "Assigned"},
    "error_counts": {"/vo/a": 9},
    "options": {"/LocalSite/DisableFailover": "True"},
    "files": {"12_34_request.json": "old"},
    "executions": 3,
    "earlier": [{"subject": "base", "hooks": {"_execute": "raises=ValueError:x"}}, {}],
}


def test_the_usual_scenario_says_nothing():
    """It is a job of the WMS that went well, with all its collaborators alive."""
    usual = Scenario()
    assert usual.to_json() == {}
    assert Scenario.from_json({}) == Scenario.of_job() == usual
    found = {item.name: getattr(usual, item.name) for item in fields(Scenario)}
    assert found == {
        "name": "", "environment": {"JOBID": "77"},
        "attributes": {"STEP_NUMBER": "1", "workflowStatus": {"OK": True}, "stepStatus": {"OK": True}},
        "workflow_commons": {"PRODUCTION_ID": "00000012", "JOB_ID": "00000034"},
        "step_commons": {"STEP_INSTANCE_NAME": "failover"},
        "collaborators": {"JobReport": "live", "FileReport": "live", "AccountingReport": "live", "Request": "live"},
        "answers": {}, "reported": {}, "report_job": 0,
        "unsent_statuses": (), "unsent_parameters": {}, "records": 0, "operations": (),
        "owner": ("alice", "vo_user"), "faults": (), "server_files": {}, "error_counts": {}, "options": {},
        "files": {}, "executions": 1, "earlier": (),
        "subject": "module", "hooks": {}, "calls": (),
    }  # fmt: skip


def test_a_scenario_cannot_be_changed():
    """It is a value; another one is made with replace()."""
    assert replace(Scenario(), records=5) == Scenario(records=5)
    assert not hasattr(Scenario(), "__dict__")


def test_the_name_is_not_part_of_the_situation():
    """Two situations with other names are the same."""
    assert Scenario("a") == Scenario("b")
    assert Scenario("a", records=1) != Scenario("a")
    assert Scenario("a").to_json() == {"name": "a"}


def test_all_fields_come_back_as_they_were():
    """Lists become tuples on the way in, so that nobody adds to them, and lists on the way out."""
    scenario = Scenario.from_json(WHOLE)
    assert scenario.to_json() == WHOLE
    assert scenario.answers == {"JobReport.setApplicationStatus": ("s_error", "ok")}
    assert (scenario.owner, scenario.faults, scenario.unsent_statuses) == (
        ("bob", "vo_admin"), ("accounting:down",), ("half done", ("Completing", "", "x")),
    )  # fmt: skip
    assert scenario.operations == ({"Type": "RemoveFile", "Files": ["/vo/o"]},)
    assert scenario.workflow_commons == {"InputData": ["/vo/a"], "PRODUCTION_ID": 12}
    assert Scenario.from_text(json.dumps(WHOLE)) == Scenario.from_text(json.dumps(WHOLE).encode()) == scenario


def test_only_what_differs_is_written():
    """True and 1 differ: a module may look at the type."""
    assert Scenario(owner=None, records=1).to_json() == {"records": 1, "owner": None}
    attributes = {"STEP_NUMBER": "1", "workflowStatus": {"OK": 1}, "stepStatus": {"OK": True}}
    assert Scenario(attributes=attributes).to_json() == {"attributes": attributes}


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
texts = st.dictionaries(st.text(), st.text(), max_size=3)
objects = st.dictionaries(st.text(), values, max_size=3)
sound = {
    **dict.fromkeys(("environment", "reported", "server_files", "options"), texts),
    **dict.fromkeys(("attributes", "workflow_commons", "step_commons", "unsent_parameters"), objects),
    **dict.fromkeys(("report_job", "records"), st.integers(min_value=0)),
    "name": st.text(),
    "faults": st.lists(st.text(), max_size=3),
    "answers": st.dictionaries(st.text(), st.lists(st.text(), min_size=1, max_size=3), max_size=3),
    "operations": st.lists(objects, max_size=3),
    "calls": st.lists(
        st.tuples(
            st.sampled_from(list(METHODS)), st.lists(values, max_size=2), st.dictionaries(st.text(), values)
        ).flatmap(lambda call: st.sampled_from([list(call), list(call[:2])])),
        max_size=2,
    ),
    "unsent_statuses": st.lists(st.text() | st.lists(st.text(), min_size=3, max_size=3), max_size=3),
    "error_counts": st.dictionaries(st.text(), st.integers(min_value=0), max_size=3),
    "executions": st.integers(min_value=1),
    "owner": st.none() | st.lists(st.text(), min_size=2, max_size=2),
    "collaborators": st.dictionaries(
        st.sampled_from(list(WHOLE["collaborators"])), st.sampled_from(list(COLLABORATOR_KINDS))
    ),
    "subject": st.sampled_from(list(SUBJECTS)),
    "earlier": st.lists(
        st.fixed_dictionaries({}, optional={
            "subject": st.sampled_from(list(SUBJECTS)),
            "hooks": st.dictionaries(st.sampled_from(list(HOOKS)), st.text(), max_size=2),
        }), max_size=2,
    ),
    "hooks": st.dictionaries(st.sampled_from(list(HOOKS)), st.text(), max_size=3),
    "files": st.dictionaries(st.text("abc._-é ", min_size=3), st.sampled_from(list(FILE_KINDS)), max_size=3),
}  # fmt: skip
assert [*WHOLE, "subject", "hooks", "calls"] == [item.name for item in fields(Scenario)]
assert sound.keys() == {item.name for item in fields(Scenario)}
scenarios = st.fixed_dictionaries({}, optional=sound)
CHECK = settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))


@CHECK
@given(scenarios)
def test_any_sound_scenario_comes_back_as_it_was(data):
    """Through JSON text and back, to the type; what is sound to us is sound to the schema."""
    scenario = Scenario.from_json(data)
    written = scenario.to_json()
    assert repr(Scenario.from_text(json.dumps(written))) == repr(scenario)
    assert set(written) <= set(data)
    jsonschema.validate(data, schema())


def places(value, path=()):
    """All places in a JSON value."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


@CHECK
@given(st.data(), scenarios, values)
def test_the_schema_refuses_what_we_refuse_and_nothing_else(data, sound, odd):
    """Wherever an odd value, or an odd key, is put into a sound scenario."""
    spoilt = copy.deepcopy(sound)
    path = data.draw(st.sampled_from(list(places(spoilt))))
    target = spoilt
    for key in path[:-1]:
        target = target[key]
    if not path:
        spoilt = odd
    elif isinstance(target, dict) and data.draw(st.booleans()):
        target[data.draw(st.text(max_size=3))] = target.pop(path[-1])
    else:
        target[path[-1]] = odd
    try:
        Scenario.from_json(spoilt)
    except ScenarioError:
        ours = False
    else:
        ours = True
    assert jsonschema.Draft202012Validator(schema()).is_valid(spoilt) is ours


MALFORMED = [
    ([], "all of it: input should be an object, found []"),
    ("x" * 80, 'all of it: input should be an object, found "' + "x" * 34 + " ... " + "x" * 19 + '"'),
    ({"record": 1}, "record: unknown key, found 1; did you mean records? (there are name, environment, "),
    ({"name": None}, "name: input should be a valid string, found null"),
    ({"environment": {"JOBID": 77}}, "environment.JOBID: input should be a valid string, found 77"),
    ({"unsent_statuses": "x"}, 'unsent_statuses: input should be a valid tuple, found "x"'),
    ({"error_counts": {"/vo/a": -1}}, "error_counts./vo/a: input should be greater than or equal to 0, found -1"),
    ({"answers": {"a": []}}, "answers.a: tuple should have at least 1 item"),
    ({"records": -1}, "records: input should be greater than or equal to 0, found -1"),
    ({"records": 1.5}, "records: input should be a valid integer"),
    ({"records": True}, "records: input should be a valid integer, found true"),
    ({"executions": 0}, "executions: input should be greater than or equal to 1, found 0"),
    ({"owner": ["a"]}, 'owner: field required, found ["a"]'),
    ({"owner": ["a", "b", "c"]}, "owner: tuple should have at most 2 items"),
    ({"collaborators": {"JobReport": "dead"}},
     "collaborators.JobReport: input should be 'live', 'scripted', 'missing' or 'none', found \"dead\""),
    ({"collaborators": {"JobRaport": "live"}}, "collaborators.JobRaport: input should be 'JobReport', 'FileReport', "),
    ({"subject": "none"}, "subject: input should be 'module' or 'base', found \"none\""),
    ({"earlier": [{"executions": 2}]}, "earlier[0].executions: unknown key, found 2"),
    ({"hooks": {"_run": "ok"}}, "hooks._run: input should be '_resolveInputVariables', '_initialize', "),
    ({"calls": [["execute", []]]}, "calls[0][0]: input should be 'getCandidateFiles', "),
    ({"calls": [["finalize"]]}, 'calls[0]: field required, found ["finalize"]'),
    ({"files": {"a": "new"}}, "files.a: input should be 'output', 'old', 'directory' or 'full', found \"new\""),
    *(({"files": {name: "old"}}, f"files.{name}: string should match pattern ")
      for name in ("", ".", "..", "a/b", "/", "a\0b")),
]  # fmt: skip


@pytest.mark.parametrize(("data", "message"), MALFORMED, ids=[message for _, message in MALFORMED])
def test_malformed_scenarios_are_refused_with_a_message(data, message):
    """It names the place, what was expected there, and what was found, cut where it gets long."""
    with pytest.raises(ScenarioError, match=f"^{re.escape(message)}") as caught:
        Scenario.from_json(data)
    assert isinstance(caught.value, ValueError)
    assert not jsonschema.Draft202012Validator(schema()).is_valid(data)


@pytest.mark.parametrize(("value", "python"), [
    (5, 5), ([{"float": "1.5"}, {"decimal": "2"}], [1.5, Decimal(2)]), ({"tuple": [1, {"tuple": []}]}, (1, ())),
    ({"set": [1, 1]}, {1}), ({"float": "1", "decimal": "1"}, {"float": "1", "decimal": "1"}),
    ({"a": {"set": []}}, {"a": set()}), ({}, {}),
])  # fmt: skip
def test_values_that_json_does_not_know_are_objects_with_one_key(value, python):
    """At any depth; an object with more keys is one."""
    assert repr(typed(value)) == repr(python)


@pytest.mark.parametrize(("value", "message"), [
    ({"float": "x"}, '{"float": "x"} is no float'), ([{"decimal": "x"}], '{"decimal": "x"} is no decimal'),
    ({"tuple": 1}, '{"tuple": 1} is no tuple'), ({"set": [[]]}, '{"set": [[]]} is no set'),
])  # fmt: skip
def test_values_that_do_not_fit_are_refused(value, message):
    """When the scenario is read."""
    with pytest.raises(ScenarioError) as caught:
        Scenario.from_json({"unsent_parameters": {"CPU": value}})
    assert str(caught.value) == message


def test_keys_that_json_does_not_have_are_refused():
    """Whoever builds a scenario in Python may use others than texts."""
    for data in ({1: 2}, {"attributes": {1: 2}}, {"reported": {None: "x"}}, {"attributes": {(1,): 2}}):
        with pytest.raises(ScenarioError):
            Scenario.from_json(data)


@pytest.mark.parametrize("text", ["", "{", b"\xff", "nope", "[" * 100_000])
def test_text_that_is_not_json_is_refused_as_such(text):
    """With the parser's own words."""
    with pytest.raises(ScenarioError, match=r"^A scenario is a JSON object, and this is not JSON: .+") as caught:
        Scenario.from_text(text)
    assert str(caught.value).endswith(f"this is not JSON: {caught.value.__cause__}")


def test_the_schema_describes_each_field_and_knows_no_other():
    """It is a schema of the draft that it names; a key that is no field is refused."""
    whole = schema()
    jsonschema.Draft202012Validator.check_schema(whole)
    assert whole["$schema"] == jsonschema.Draft202012Validator.META_SCHEMA["$id"]
    assert list(whole["properties"]) == [item.name for item in fields(Scenario)]
    assert [name for name, rules in whole["properties"].items() if not rules.get("description")] == ["step_commons"]
    assert whole["additionalProperties"] is whole["properties"]["files"]["additionalProperties"] is False
    assert "required" not in whole


# Scenarios of a job


def test_inputs_are_known_to_the_transformation_system():
    """They are Assigned there, and one text for the module; any iterable will do."""
    scenario = Scenario.of_job(inputs=iter(["/vo/a", "/vo/b"]))
    assert scenario.workflow_commons == {"PRODUCTION_ID": "00000012", "JOB_ID": "00000034", "InputData": "/vo/a;/vo/b"}
    assert scenario.server_files == {"/vo/a": "Assigned", "/vo/b": "Assigned"}


@pytest.mark.parametrize(
    ("job", "environment"), [(None, {}), (5, {"JOBID": "5"}), ("x9", {"JOBID": "x9"}), (0, {"JOBID": "0"})]
)
def test_the_job_id_goes_into_the_environment(job, environment):
    """None: there is none."""
    assert Scenario.of_job(job_id=job).environment == environment


def test_what_failed_before_is_in_the_statuses():
    """Each in its own."""
    failed, well = {"OK": False, "Errno": 0, "Message": "failed before"}, {"OK": True}
    for workflow, step in ((True, False), (False, True), (True, True)):
        attributes = Scenario.of_job(workflow_failed=workflow, step_failed=step).attributes
        assert attributes == {
            "STEP_NUMBER": "1", "workflowStatus": failed if workflow else well, "stepStatus": failed if step else well,
        }  # fmt: skip


def test_the_rest_of_a_job_is_taken_as_it_is():
    """Lists become tuples."""
    operation = {"Type": "ForwardDISET"}
    found = Scenario.of_job(
        name="n", reported={"/vo/a": "x"}, records=2, operations=[operation], owner=None, faults=["accounting:down"]
    )
    assert found == Scenario(
        reported={"/vo/a": "x"}, records=2, operations=(operation,), owner=None, faults=("accounting:down",)
    )
    assert found.name == "n"
    assert Scenario.of_job(owner=("bob", "g")).owner == ("bob", "g")
