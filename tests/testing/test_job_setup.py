from pathlib import PurePosixPath

import pytest

from dirac_failover.drivers.validate import OPERATION_FIELDS
from dirac_failover.testing import MISSING, Dirac
from dirac_failover.testing.job_setup import JobSetup
from dirac_failover.testing.world import connected


def commons(situation, implementation, world, profile=None):
    with connected(implementation, world):
        return situation.workflow_commons(implementation, profile)


def test_the_usual_situation_is_that_of_the_job_of_the_world(implementation):
    world = Dirac(88, 13)
    found = commons(JobSetup.of(world), implementation, world)
    clients = {key: type(found.pop(key)) for key in ("JobReport", "FileReport", "AccountingReport", "Request")}
    assert found == {"PRODUCTION_ID": "00000013", "JOB_ID": "00000034"}
    assert clients == {
        "JobReport": implementation.JobReport, "FileReport": implementation.FileReport,
        "AccountingReport": implementation.DataStoreClient,
        "Request": implementation.Request,
    }  # fmt: skip
    assert JobSetup.of(world).job_id == "88"
    attributes = JobSetup.of(world).scenario.attributes
    assert attributes["workflowStatus"]["OK"]
    assert attributes["stepStatus"]["OK"]
    assert JobSetup.of(world).step_commons() == {"STEP_INSTANCE_NAME": "failover"}


def test_all_that_differs_is_where_the_module_looks_for_it(implementation, world):
    situation = JobSetup.of(
        world,
        inputs=["/vo/a", "/vo/x"],
        job_id=99,
        workflow_failed=True,
        reported={"/vo/a": "Problematic"},
        records=2,
        operations=["RemoveFile", {"Type": "ReplicateAndRegister", "TargetSE": "SE"}],
        workflow_commons={"JobType": "User", "PRODUCTION_ID": MISSING},
        step_commons={"STEP_INSTANCE_NAME": MISSING, "x": 1},
    )
    found = commons(situation, implementation, world)
    assert found["InputData"] == "/vo/a;/vo/x"
    assert found["JobType"] == "User"
    assert "PRODUCTION_ID" not in found
    assert found["JobReport"].jobID == 99
    assert found["FileReport"].statusDict == {"/vo/a": "Problematic"}
    assert found["FileReport"].transformation == 12
    assert len(found["AccountingReport"]._DataStoreClient__registersList) == 2
    assert [(operation.Type, operation.TargetSE) for operation in found["Request"]] == [
        ("RemoveFile", None),
        ("ReplicateAndRegister", "SE"),
    ]
    assert situation.step_commons() == {"x": 1}
    attributes = situation.scenario.attributes
    assert (attributes["workflowStatus"]["OK"], attributes["stepStatus"]["OK"]) == (False, True)
    assert world.transformation.statuses(12)["/vo/x"] == "Assigned"
    assert world.job_state.status(99)[0] == "Running"


def test_there_may_be_neither_job_nor_proxy(world):
    setup = JobSetup.of(world, job_id=None, proxy=False, step_failed=True)
    assert (setup.job_id, setup.scenario.owner) == (None, None)
    assert not setup.scenario.attributes["stepStatus"]["OK"]
    assert JobSetup.of(world).scenario.owner == ("alice", "vo_user")


@pytest.mark.parametrize("operation", ["RemoveFile", {"Type": "RemoveFile", "Files": ["/vo/x"]}])
def test_a_single_input_or_operation_needs_no_list(world, operation):
    one, listed = (
        JobSetup.of(world, inputs=inputs, operations=operations)
        for inputs, operations in (("/vo/a", operation), (["/vo/a"], [operation]))
    )
    assert one == listed


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"inputs": 3}, "inputs: expected LFNs, found 3"),
        ({"inputs": ["/vo/a", 3]}, "inputs: expected LFNs, found 3"),
        ({"inputs": [PurePosixPath("/vo/a"), 3]}, "inputs: expected LFNs, found PurePosixPath('/vo/a')"),
        ({"operations": 3}, "operations: expected types, or dictionaries of fields, found 3"),
        ({"operations": ["X", None]}, "operations: expected types, or dictionaries of fields, found None"),
        ({"operations": [{"Type": "X"}, {"Typ": "X"}]},
         f"operations: there is no field 'Typ'; did you mean Type? (there are {', '.join(OPERATION_FIELDS)})"),
        ({"operations": {"Type": "X", "Files": "/vo/x"}},
         "operations: Files: expected a list of absolute LFNs or of fields of files, found '/vo/x'"),
        ({"reported": ["/vo/a"]}, "reported: expected a dictionary of statuses by LFN, found ['/vo/a']"),
        ({"reported": "/vo/a"}, "reported: expected a dictionary of statuses by LFN, found '/vo/a'"),
        ({"records": "three"}, "records: expected a whole number from 0, found 'three'"),
        ({"records": -1}, "records: expected a whole number from 0, found -1"),
    ],
)  # fmt: skip
def test_a_value_of_another_kind_is_refused_by_its_name(world, given, said):
    with pytest.raises(TypeError) as refused:
        JobSetup.of(world, **given)
    assert str(refused.value) == said


def test_a_profile_adds_what_its_workflows_have(implementation, world):
    assert commons(JobSetup.of(world), implementation, world, "lhcbdirac-12.0")["JobType"] == "MCSimulation"
    said = JobSetup.of(world, workflow_commons={"JobType": "User"})
    assert commons(said, implementation, world, "lhcbdirac-12.0")["JobType"] == "User"


def test_clients_that_there_are_already_are_taken(implementation, world):
    report = implementation.FileReport()
    setup = JobSetup.of(world, collaborators={"FileReport": report})
    assert commons(setup, implementation, world)["FileReport"] is report
    for key, name, value, fixture in (
        ("FileReport", "reported", {"/vo/a": "x"}, "file_report"),
        ("AccountingReport", "records", 1, "accounting_report"),
        ("Request", "operations", ["RemoveFile"], "request"),
    ):
        said = f"^{name}: the test has dirac_{fixture}, which would not get it: give it that itself$"
        with pytest.raises(TypeError, match=said):
            JobSetup.of(world, collaborators={key: object()}, **{name: value})


def test_a_key_can_be_missing(implementation, world):
    situation = JobSetup.of(world, workflow_commons={"JOB_ID": MISSING, "FileReport": MISSING})
    assert {"JOB_ID", "FileReport"}.isdisjoint(commons(situation, implementation, world))
    assert repr(MISSING) == "MISSING"


WRONG_ANSWERS = [
    ({"FileReport.comit": "ok"}, r"answers: No method 'comit' of FileReport; did you mean commit\?"),
    ({"FileReprt.commit": "ok"}, r"answers: there is no collaborator 'FileReprt'; did you mean FileReport\?"),
    ({"FileReport.commit": ["ok", "s_eror"]}, r"answers: No answer 's_eror'; did you mean s_error\?"),
    ({"FileReport.commit": []}, "answers: FileReport.commit: expected one answer or more, found none"),
]


@pytest.mark.parametrize(("answers", "message"), WRONG_ANSWERS)
def test_answers_that_cannot_be_given_are_an_error(world, answers, message):
    with pytest.raises(TypeError, match=message):
        JobSetup.of(world, answers=answers)


@pytest.mark.parametrize("where", ["collaborators", "workflow_commons"])
def test_a_collaborator_of_the_test_s_own_gets_no_answers(world, where):
    with pytest.raises(TypeError, match="answers: the test has a FileReport of its own, which would not get them"):
        JobSetup.of(world, answers={"FileReport.commit": "ok"}, **{where: {"FileReport": object()}})
