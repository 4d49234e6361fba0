"""The remains of a job after each outage."""

from __future__ import annotations

import pytest

from acme_dirac.failover import AcmeFailoverRequest
from acme_dirac.upload import UploadOutput
from fakes.storage import Storage

INPUTS = ["/acme/raw/1", "/acme/raw/2"]


def test_in_an_outage_nothing_is_lost(dirac, outputs, run_job):
    """Both modules leave something in one request, and its replay makes up for the outage."""
    dirac.transformation.down()
    job = [(UploadOutput, {"dm": Storage("ACME-DST")}), AcmeFailoverRequest]
    outcome = run_job(job, inputs=INPUTS, workflow_commons=outputs)
    assert outcome.ok
    assert outcome.request.types == ["ReplicateAndRegister", "RemoveReplica", "SetFileStatus"]
    dirac.recover()
    replay = outcome.replay()
    assert replay.lost == replay.waiting == []
    assert [operation.split()[1] for operation in replay.unchecked] == ["ReplicateAndRegister", "RemoveReplica"]


@pytest.mark.dirac_fault("transformation:down")
def test_after_a_failure_the_inputs_are_tried_again(dirac, outputs, run_job):
    """They become Unused when the service is back."""
    job = [(UploadOutput, {"dm": Storage("ACME-DST", "ACME-FAILOVER")}), AcmeFailoverRequest]
    outcome = run_job(job, inputs=INPUTS, workflow_commons=outputs)
    assert not outcome.ok
    assert outcome.request.types == ["SetFileStatus"]
    dirac.recover()
    replay = outcome.replay()
    assert replay.lost == []
    assert {dirac.transformation.statuses(12)[lfn] for lfn in INPUTS} == {"Unused"}


def test_what_earlier_modules_left_is_written_after_a_failure(run_module):
    """This is where the module differs from DIRAC's."""
    outcome = run_module(
        AcmeFailoverRequest, workflow_failed=True, operations=[{"Type": "RemoveFile", "Files": INPUTS}]
    )
    assert not outcome.ok
    assert outcome.file is not None
    assert outcome.replay().lost == []
