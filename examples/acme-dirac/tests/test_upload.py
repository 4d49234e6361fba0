"""The upload of a job's output, and its failures."""

from __future__ import annotations

from acme_dirac.upload import UploadOutput
from fakes.storage import Storage

LFN = "/acme/12/events.root"


def test_output_is_uploaded(outputs, run_module):
    """To its own storage, and nothing is left for later."""
    storage = Storage()
    outcome = run_module(UploadOutput, workflow_commons=outputs, dm=storage)
    assert outcome.ok
    assert storage.files == {("ACME-DST", LFN): "events"}
    assert outcome.statuses == ["Uploaded events.root"]
    assert len(outcome.request) == 0


def test_a_full_storage_is_a_matter_for_later(outputs, run_module):
    """The file waits at the failover storage, and the request says what shall be done with it."""
    storage = Storage("ACME-DST")
    outcome = run_module(UploadOutput, workflow_commons=outputs, dm=storage)
    assert outcome.ok
    assert storage.files == {("ACME-FAILOVER", LFN): "events"}
    assert outcome.request.types == ["ReplicateAndRegister", "RemoveReplica"]
    assert [operation.fields["TargetSE"] for operation in outcome.request.operations] == ["ACME-DST", "ACME-FAILOVER"]
    assert outcome.request.operations[0].files == (LFN,)


def test_without_any_storage_the_job_fails(outputs, run_module):
    """And the job says why."""
    outcome = run_module(UploadOutput, workflow_commons=outputs, dm=Storage("ACME-DST", "ACME-FAILOVER"))
    assert not outcome.ok
    assert outcome.message == f"No storage takes {LFN}"
    assert outcome.statuses == [f"No storage takes {LFN}"]


def test_a_failed_job_uploads_nothing(outputs, run_module):
    """Which is no error of this module."""
    storage = Storage()
    outcome = run_module(UploadOutput, workflow_commons=outputs, workflow_failed=True, dm=storage)
    assert outcome.ok
    assert storage.files == {}
