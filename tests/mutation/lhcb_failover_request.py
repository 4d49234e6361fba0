"""LHCbDIRAC's FailoverRequest with the fixtures: the situations of its maintainers' tests, which use mocks.

``python -m tests.mutation.discrimination lhcbdirac`` runs it on each fault beside those tests.
"""

import json

import pytest
from LHCbDIRAC.Workflow.Modules.FailoverRequest import FailoverRequest

INPUTS = ["/vo/a", "/vo/b", "/vo/c"]
COMMONS = {"JobType": "Merge"}
DONE = {"/vo/a": "Processed", "/vo/b": "Processed", "/vo/c": "Problematic"}


@pytest.fixture
def end(run_module):
    given = {"inputs": INPUTS, "reported": {"/vo/c": "Problematic"}, "workflow_commons": COMMONS}
    return lambda **more: run_module(FailoverRequest, **given | more)


def test_all_is_well(dirac, end):
    outcome = end()
    assert outcome.ok
    assert outcome.hooks[-1] == "finalize"
    assert outcome.statuses == ["Job Finished Successfully"]
    assert dirac.transformation.statuses(12) == DONE
    assert outcome.file is None


@pytest.mark.parametrize("failed", ["workflow_failed", "step_failed"])
def test_a_failed_job_gives_its_files_back(dirac, end, failed):
    outcome = end(**{failed: True})
    assert outcome.ok
    assert outcome.statuses == []
    assert dirac.transformation.statuses(12) == {"/vo/a": "Unused", "/vo/b": "Unused", "/vo/c": "Problematic"}


@pytest.mark.parametrize("failed", ["workflow_failed", "step_failed"])
def test_a_failed_job_leaves_its_files_to_the_recovery_agent(dirac, end, failed):
    dirac.transformation.down()
    assert end(**{failed: True}).request.types == []


def test_a_service_that_fails_once_is_asked_again(dirac, end):
    dirac.arm("transformation:refuse@first=1")
    outcome = end()
    assert outcome.file is None
    assert dirac.transformation.statuses(12) == DONE


def test_an_outage_leads_to_a_request(dirac, end):
    dirac.transformation.down()
    outcome = end(operations=[{"Type": "RemoveFile", "Files": ["/vo/x"]}])
    assert outcome.request.types == ["RemoveFile", "SetFileStatus"]
    assert outcome.file.name == "00000012_00000034_request.json"
    written = json.loads(outcome.file.read_text())
    assert (written["RequestName"], written["JobID"], written["SourceComponent"]) == (
        "job_77_request.xml",
        77,
        "Job_77",
    )
    dirac.recover()
    assert outcome.replay().lost == []
    assert dirac.transformation.statuses(12) == DONE


@pytest.mark.parametrize("asked", ["commit", "generateForwardDISET"])
def test_an_exception_is_reported(end, asked):
    outcome = end(answers={"FileReport.commit": ["s_error"], f"FileReport.{asked}": ["raises=ValueError:boom"]})
    assert outcome.message == "boom"
    assert outcome.statuses == ["ValueError(boom)"]
    assert outcome.hooks[-1] == "finalize"


def test_without_a_job_nothing_is_reported(dirac_journal, end):
    outcome = end(job_id=0)
    assert outcome.ok
    assert outcome.hooks == ["finalize"]
    assert len(dirac_journal) == 0
