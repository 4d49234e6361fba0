"""Two uses of pytest-mock beside fakes: replacing a function of this project, and recording the calls of a fake."""

from __future__ import annotations

import pytest

from acme_dirac.failover import AcmeFailoverRequest
from acme_dirac.simulate import Simulate
from acme_dirac.upload import UploadOutput
from fakes.storage import Storage


@pytest.mark.parametrize(("code", "status"), [(0, "Simulated run 12"), (3, "The simulation ended with 3")])
def test_the_exit_code_of_the_application_decides(code, status, mocker, run_module):
    """The application is not installed here: a function that returns an exit code takes its place."""
    application = mocker.patch("acme_dirac.simulate.run_application", return_value=code)
    outcome = run_module(Simulate)
    application.assert_called_once_with(["acme-simulate", "--run", "12"])
    assert outcome.ok is (code == 0)
    assert outcome.statuses == [status]


def test_the_failover_storage_is_tried_once(mocker, outputs, run_module):
    """The spy records the calls; the fake still does its work."""
    storage = Storage("ACME-DST")
    put = mocker.spy(storage, "putAndRegister")
    assert run_module(UploadOutput, workflow_commons=outputs, dm=storage).ok
    assert [call.args[2] for call in put.call_args_list] == ["ACME-DST", "ACME-FAILOVER"]


@pytest.mark.dirac_fault("transformation:down")
def test_a_second_commit_follows_one_that_fails(mocker, dirac_file_report, run_module):
    """The file report is the real one; the spy has its answers."""
    commit = mocker.spy(dirac_file_report, "commit")
    assert run_module(AcmeFailoverRequest, inputs=["/acme/raw/1"]).ok
    assert [answer["OK"] for answer in commit.spy_return_list] == [False, False]
