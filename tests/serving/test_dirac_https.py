"""The fixture ``dirac_https``: the same in-memory DIRAC as the fixture ``dirac``, over HTTPS."""

import json
import sys

import pytest
import requests

from dirac_failover import JobReport

pytestmark = pytest.mark.usefixtures("no_grid")


def test_clients_talk_to_the_world_of_the_test(dirac_https, dirac):
    assert JobReport(77).setApplicationStatus("x")["OK"]
    assert dirac.job_state.status(77)[2] == "x"
    journal = requests.get(f"{dirac_https.url}/admin/journal", timeout=1).text
    assert [json.loads(line)["method"] for line in journal.splitlines()] == ["setJobStatusBulk"]
    dirac.arm("job-state:http=499")
    assert " for url: https://dirac.invalid" in JobReport(77).setApplicationStatus("y")["Message"]


@pytest.mark.dirac_fault("job-state:reset_peer@first=1")
def test_the_markers_faults_strike(dirac, dirac_https):
    with pytest.raises(requests.ConnectionError, match="Connection reset by peer"):
        requests.post(f"{dirac_https.url}/{dirac.job_state.full}", data={"method": "setJobParameters"}, timeout=1)
    assert len(dirac.journal) == 1


def test_modules_run_as_ever(dirac_https, run_module, dirac):
    from dirac_failover import FailoverRequest

    dirac.transformation.down()
    assert run_module(FailoverRequest, inputs=["/vo/a"]).request.types == ["SetFileStatus"]
    assert requests.get(f"{dirac_https.url}/admin/faults", timeout=1).json()["unfired"] == []


def test_without_the_packages_the_test_fails_in_one_line(pytester, monkeypatch):
    monkeypatch.setitem(sys.modules, "responses", None)
    pytester.makepyfile("def test(dirac_https): pass")
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["dirac_https: This needs the package responses: pip install 'dirac-failover?https?'"])
