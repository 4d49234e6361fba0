import pytest

from dirac_failover.actors.run_report import run
from dirac_failover.spec.scenario import Scenario

REMOVE = {"Type": "RemoveFile", "Files": ["/vo/x"]}
JOBS = [
    {"faults": ["transformation:down"]},
    {"faults": ["job-state:first=2"], "records": 2},
    {"faults": ["accounting:down", "transformation.setFileStatusForTransformation:lost_reply"], "records": 2},
    {"faults": ["accounting:down", "requests:down"], "records": 1, "operations": [REMOVE]},
    {"workflow_failed": True, "reported": {"/vo/a": "Problematic"}, "operations": [REMOVE]},
    {"owner": None, "faults": ["transformation:raises=OSError: x"]},
    {"job_id": "x9"},
]


@pytest.mark.parametrize("job", JOBS)
def test_run_shows_the_same_of_both(reference, dirac, job):
    scenario = Scenario.of_job(inputs=["/vo/a", "/vo/b"], **job)
    ours, theirs = run(reference, scenario).to_json(), run(dirac, scenario).to_json()
    assert ours.pop("implementation")["module"] == "dirac_failover.failover_request:FailoverRequest"
    assert theirs.pop("implementation")["module"] == "DIRAC.Workflow.Modules.FailoverRequest:FailoverRequest"
    assert ours == theirs
