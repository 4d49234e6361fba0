"""Profiles: each is true of the implementation that it is named after, and of no other."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest

from dirac_failover.drivers.implementations import IMPLEMENTATIONS
from dirac_failover.drivers.in_process import InProcessDriver
from dirac_failover.errors import ImplementationUnavailableError
from dirac_failover.spec import space
from dirac_failover.spec.compare import differences
from dirac_failover.spec.facts import Facts
from dirac_failover.spec.model.module import expected
from dirac_failover.spec.profiles import DIRAC_9_1, PROFILES, Profile
from dirac_failover.spec.scenario import Scenario

STEP = {
    "identity": 1, "inputs": 31, "answers": 997, "hooks": 7, "candidates": 31, "reports": 11, "end": 3, "requests": 5,
    "row": 1,
}  # fmt: skip
REGIONS = [region for region in space.REGIONS if region.name in STEP]


def installed():
    """Yield the names of the implementations that are installed here, without importing anything of DIRAC."""
    for name, known in IMPLEMENTATIONS.items():
        with suppress(ImplementationUnavailableError):
            known.installed_version()
            yield name if name == "reference" else pytest.param(name, marks=pytest.mark.dirac)


SCRIPTED = dict.fromkeys(("JobReport", "FileReport", "AccountingReport", "Request"), "scripted")


@pytest.mark.parametrize("region", REGIONS, ids=lambda region: str(region.name))
@pytest.mark.parametrize("name", list(installed()))
def test_a_profile_is_true_of_its_implementation(sample, name, region):
    """The complete outcome is the profile's, wherever all collaborators are scripted: no difference is left over."""
    port = InProcessDriver(IMPLEMENTATIONS[name].load())
    profile = IMPLEMENTATIONS[name].profile
    with port.session():
        for scenario in sample(region, STEP[region.name]):
            if Facts(scenario).scripted:
                assert differences(port.run(scenario), expected(scenario, profile)) == [], scenario.name


def test_each_profile_is_proven_on_an_implementation():
    assert {known.profile.name for known in IMPLEMENTATIONS.values()} == set(PROFILES)


def test_a_profile_says_only_what_is_different():
    """The default is DIRAC 9.1 throughout."""
    assert replace(DIRAC_9_1, name="x") == Profile("x", DIRAC_9_1.versions)
    assert [PROFILES[name].name for name in PROFILES] == list(PROFILES)


VARIANTS = {
    "dirac-8.0": {
        "a request belongs to a distinguished name": (
            {"operations": ({"Type": "ForwardDISET", "Arguments": "x"},)},
            lambda outcome: list(outcome.request) and [
                key in outcome.files["12_34_request.json"] for key in ('"OwnerDN": "alice"', '"DIRACSetup": null')
            ],
            [True, True],
        ),
    },
    "lhcbdirac-12.0": {
        "a failed job is a success": (
            {"attributes": {"STEP_NUMBER": "1", "workflowStatus": {"OK": False}, "stepStatus": {"OK": True}}},
            lambda outcome: outcome.result, {"OK": True, "Value": None},
        ),
        "without a job nothing is asked": (
            {"environment": {}},
            lambda outcome: (outcome.result, [step.method for step in outcome.steps]),
            ({"OK": True, "Value": None}, ["finalize"]),
        ),
        "a job that cannot report is an error that escapes": (
            {"workflow_commons": {}, "attributes": {"jobID": "78", "workflowStatus": {"OK": True},
                                                    "stepStatus": {"OK": True}}},
            lambda outcome: (outcome.ended, outcome.result, outcome.attributes["jobID"]),
            ("raised", {"exception": "AttributeError",
                        "args": ["'NoneType' object has no attribute 'setApplicationStatus'"]}, 78),
        ),
        "a missing production is a result": (
            {"workflow_commons": {"JOB_ID": "1"}, "environment": {}},
            lambda outcome: outcome.result, {"OK": False, "Errno": 0, "Message": "'PRODUCTION_ID'"},
        ),
        "a semicolon is no input": (
            {"workflow_commons": {"PRODUCTION_ID": "1", "JOB_ID": "2", "InputData": ";"}},
            lambda outcome: (outcome.attributes["InputData"], outcome.attributes["inputDataList"]), ("", []),
        ),
        "the file is there though accounting failed": (
            {"operations": ({"Type": "ForwardDISET", "Arguments": "x"},), "answers": {
                "AccountingReport.commit": ("s_error",)}},
            lambda outcome: list(outcome.files), ["00000012_00000034_request.json"],
        ),
        "of the hooks it knows one": (
            {"hooks": {"_resolveInputVariables": "raises=OSError:disk", "_execute": "raises=OSError:never"}},
            lambda outcome: (outcome.result, [step.method for step in outcome.steps if step.target == "module"]),
            ({"OK": False, "Errno": 0, "Message": "disk"}, ["_resolveInputVariables", "finalize"]),
        ),
        "its base class finds out who it is": (
            {"subject": "base"},
            lambda outcome: (outcome.result, outcome.attributes["jobID"], outcome.steps), (None, 77, ()),
        ),
    },
    "ilcdirac-35.0": {
        "without a job it is disabled": (
            {"environment": {}}, lambda outcome: outcome.result,
            {"OK": True, "Value": "Module is disabled by control flag"},
        ),
        "a crash stays a crash, and nothing else stays": (
            {"reported": {"/a": "ApplicationCrash", "/b": "Problematic"},
             "attributes": {"workflowStatus": {"OK": False}, "stepStatus": {"OK": True}},
             "answers": {"FileReport.commit": ("s_error",), "FileReport.generateForwardDISET": ("operation",)}},
            lambda outcome: (outcome.attributes["FileReport"]["statusDict"], list(outcome.files), outcome.result),
            ({"/a": "ApplicationCrash", "/b": "Unused"}, ["00000012_34_request.json"],
             {"OK": False, "Errno": 0, "Message": "Workflow failed, FailoverRequest module completed"}),
        ),
        "inputs may be a list; a prefix is one": (
            {"workflow_commons": {"PRODUCTION_ID": "1", "JOB_ID": "2", "InputData": ["LFN:/a", "/NFL"]}},
            lambda outcome: outcome.attributes["InputData"], ["/a", "/NFL"],
        ),
        "a job without number is an error when it is named": (
            {"environment": {"JOBID": ""}},
            lambda outcome: (outcome.ended, outcome.result["exception"], len(outcome.steps)),
            ("raised", "ValueError", 3),
        ),
        "what accounting answers is no failure, but there is no file": (
            {"answers": {"AccountingReport.commit": ("s_error",), "JobReport.generateForwardDISET": ("operation",)}},
            lambda outcome: (outcome.result, outcome.files, len(outcome.request["Operations"])),
            ({"OK": True, "Value": "FailoverRequest module completed"}, {}, 1),
        ),
        "a split job's statuses stay": (
            {"reported": {"/b": "Problematic"},
             "workflow_commons": {"PRODUCTION_ID": "1", "JOB_ID": "2", "JobType": "Split"},
             "attributes": {"workflowStatus": {"OK": False}, "stepStatus": {"OK": True}}},
            lambda outcome: [step.method for step in outcome.steps if step.method == "setFileStatus"], [],
        ),
        "its base class finds the inputs, and runs no hook": (
            {"subject": "base", "workflow_commons": {"JOB_ID": "2", "InputData": "LFN:/a"}},
            lambda outcome: (outcome.result, outcome.attributes["InputData"], outcome.steps),
            ({"OK": True, "Value": None}, ["/a"], ()),
        ),
        "a request without a name loses what was in it": (
            {"operations": ({"Type": "ForwardDISET", "Arguments": "x"},)},
            lambda outcome: outcome.request["Operations"], [],
        ),
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("profile", "what"), [(profile, what) for profile, variants in VARIANTS.items() for what in variants]
)
def test_what_people_know_of_an_implementation(profile, what):
    """In the words of the comparison, without asking any implementation; and DIRAC 9.1 does otherwise."""
    fields, look, seen = VARIANTS[profile][what]
    scenario = Scenario(collaborators=SCRIPTED, **fields)
    assert look(expected(scenario, PROFILES[profile])) == seen
    other = expected(scenario)
    assert differences(other, expected(scenario, PROFILES[profile]))
