"""The real DIRAC's own clients over HTTPS, nothing of them patched: within this process, and to another one.

They are told where the services are by their configuration, and who they are by a proxy. What is patched is time only.
"""

import json
import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace

import pytest
import requests
from DIRACCommon.Core.Utilities.ReturnValues import S_OK

from dirac_failover.drivers.setup import ExampleRecord
from dirac_failover.serving import over_https
from dirac_failover.serving.configuration import FUTURE_CLIENT, configured
from dirac_fakes import World
from dirac_fakes.journal import Journal

pytest.importorskip("DIRAC")

from DIRAC.ConfigurationSystem.Client.ConfigurationData import gConfigurationData
from DIRAC.Core.Security import DiracX
from DIRAC.Core.Security.ProxyInfo import getProxyInfo
from DIRAC.Core.Utilities import DEncode
from DIRAC.RequestManagementSystem.Agent.RequestOperations.ForwardDISET import ForwardDISET

JOB_STATE = "WorkloadManagement/JobStateUpdate"
TRANSFORMATION = "Transformation/TransformationManager"
DATA_STORE = "Accounting/DataStore"
LATE = "2039-01-02 03:04:05"
CALL = {"timeout": 600, "useAccessToken": False}


class Grid:
    """A world over HTTPS, wherever it is: its administration is asked."""

    def __init__(self, url):
        self.url = url

    def ask(self, verb, path, **given):
        reply = requests.request(verb, f"{self.url}/admin/{path}", timeout=10, **given)
        reply.raise_for_status()
        return reply

    def arm(self, *faults):
        self.ask("POST", "faults", json={"faults": list(faults)})

    def recover(self):
        self.ask("POST", "recover")

    def unfired(self):
        return list(self.ask("GET", "faults").json()["unfired"])

    @property
    def holds(self):
        return self.ask("GET", "snapshot").json()

    @property
    def calls(self):
        return Journal.from_json_lines(self.ask("GET", "journal").text)

    def status(self, job_id=77):
        job = self.holds["job-state"]["jobs"][str(job_id)]
        return [job[name] for name in ("Status", "MinorStatus", "ApplicationStatus")]

    def files(self):
        return {row["LFN"]: row["Status"] for row in self.holds["transformation"]["files"]["12"].values()}


@contextmanager
def told(path):
    """Let DIRAC read a file of its configuration, for the length of a block."""
    before = gConfigurationData.localCFG.clone()
    try:
        assert gConfigurationData.loadFile(str(path))["OK"]
        yield
    finally:
        gConfigurationData.localCFG = before
        gConfigurationData.sync()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """``dirac-failover serve``, in a process of its own: what it said."""
    path = tmp_path_factory.mktemp("serve") / "dirac.cfg"
    command = [sys.executable, "-m", "dirac_failover", "serve", "--json", "--write-config", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield {**json.loads(process.stdout.readline()), "path": path}
        process.terminate()
    assert process.returncode == 0


def within(_, stack):
    return Grid(stack.enter_context(over_https(World())).url)


def across(request, stack):
    """To another process: environment and configuration are exactly what it has printed and written."""
    said = request.getfixturevalue("server")
    environment = stack.enter_context(pytest.MonkeyPatch.context())
    for name, value in said["environment"].items():
        environment.setenv(name, value)
    environment.setenv("NO_PROXY", "*")
    stack.enter_context(told(said["path"]))
    grid = Grid(said["url"])
    grid.ask("POST", "reset")
    return grid


@pytest.fixture(params=[within, across], ids=["within", "across"])
def grid(request):
    """A world over HTTPS, both ways."""
    with ExitStack() as stack:
        yield request.param(request, stack)


@pytest.fixture(autouse=True)
def pauses(monkeypatch):
    """Pauses of DIRAC's and of DiracX's clients take no time; within one process they are the world's anyway."""
    clock = SimpleNamespace(sleep=lambda _: None)
    monkeypatch.setattr("DIRAC.RequestManagementSystem.Client.ReqClient.time", clock)
    monkeypatch.setattr("azure.core.pipeline.transport.HttpTransport.sleep", lambda _, __: None)


def outcome(result):
    """A result without what differs from run to run."""
    return {key: value for key, value in result.items() if key not in {"CallStack", "ExecInfo", "rpcStub"}}


def stub_of(operation):
    """The call that an operation forwards."""
    assert operation.Type == "ForwardDISET"
    decoded, length = DEncode.decode(operation.Arguments)
    assert length == len(operation.Arguments)
    return decoded


# Who they are


def test_the_proxy_is_one_for_dirac(grid):
    assert grid.url
    info = getProxyInfo()["Value"]
    names = ("username", "group", "VO", "validDN", "validGroup", "isProxy", "isLimitedProxy", "hasDiracxToken")
    assert [info[name] for name in names] == ["alice", "vo_user", "vo", True, True, True, False, True]
    assert info["groupProperties"] == ["NormalUser", "ProductionManagement"]
    assert info["chain"].isValidProxy()["OK"]
    assert info["secondsLeft"] > 86400


# What is reported


def test_what_a_job_reports_arrives(grid, dirac):
    report = dirac.JobReport(77)
    assert outcome(report.setApplicationStatus("over it")) == S_OK([["ApplicationStatus"], ["over it"]])
    report.setJobParameter("name", "value", sendFlag=False)
    assert report.commit()["OK"]
    assert grid.status() == ["Running", "Application", "over it"]
    assert grid.holds["job-state"]["parameters"]["77"]["name"] == "value"
    files = dirac.FileReport()
    files.setFileStatus(12, "/vo/a", "Processed")
    assert outcome(files.commit()) == S_OK({"/vo/a": "Processed"})
    assert grid.files() == {"/vo/a": "Processed", "/vo/b": "Assigned"}
    assert outcome(committed(dirac, 2)) == S_OK(2)
    assert grid.calls.methods() == [
        "job-state.setJobStatusBulk", "job-state.setJobParameters", "transformation.getTransformationFiles",
        "transformation.setFileStatusForTransformation", "accounting.commitRegisters",
    ]  # fmt: skip
    assert grid.calls[-1].args == ([[*ExampleRecord().getValues()]] * 2,)


def committed(dirac, count=1):
    client = dirac.DataStoreClient()
    for _ in range(count):
        client.addRegister(ExampleRecord())
    return client.commit()


@pytest.mark.parametrize(("fault", "done"), [("http=503", [False, True]), ("lost_reply", [True, True])])
def test_records_that_are_not_taken_go_into_a_request_of_their_owner(grid, dirac, fault, done):
    """DIRAC reads from the proxy whose they are; replayed, they arrive, a second time where only a reply was lost."""
    grid.arm(f"accounting:{fault}@first=1")
    assert outcome(committed(dirac)) == S_OK(1)
    (stored,) = grid.holds["requests"]["requests"].values()
    assert (stored["Owner"], stored["OwnerGroup"]) == ("alice", "vo_user")
    (operation,) = dirac.ReqClient().peekRequest(1)["Value"]
    assert stub_of(operation) == ((DATA_STORE, CALL), "commitRegisters", [[[*ExampleRecord().getValues()]]])
    assert not grid.unfired()
    assert ForwardDISET(operation)()["OK"]
    assert [call.applied for call in grid.calls.select("accounting")] == done


# ReqClient


def some_request(dirac):
    operation = dirac.Operation()
    operation.Type = "ForwardDISET"
    operation.Arguments = DEncode.encode(((JOB_STATE, CALL), "setJobParameter", [77, "a", "b"]))
    request = dirac.Request()
    request.RequestName = "job_77"
    request.JobID = 77
    request.addOperation(operation)
    return request


def test_a_request_is_put_and_read_back(grid, dirac):
    client = dirac.ReqClient()
    assert outcome(client.putRequest(some_request(dirac))) == S_OK(1)
    assert outcome(client.getRequestStatus(1)) == S_OK("Waiting")
    assert client.getRequestIDsForJobs([77])["Value"]["Successful"] == {77: 1}
    (operation,) = client.readRequestsForJobs([77])["Value"]["Successful"][77]
    assert stub_of(operation) == ((JOB_STATE, CALL), "setJobParameter", [77, "a", "b"])
    assert grid.calls.methods()[0] == "requests.putRequest"


def test_a_request_that_the_manager_does_not_take_goes_to_the_proxy_and_else_all_reasons_are_told(grid, dirac):
    grid.arm("requests:http=503")
    assert dirac.ReqClient().putRequest(some_request(dirac))["OK"]
    assert grid.calls.methods() == ["requests.putRequest", "req-proxy.putRequest"]
    assert len(grid.holds["req-proxy"]["cache"]) == 1
    grid.arm("req-proxy:s_error=boom")
    result = dirac.ReqClient().putRequest(some_request(dirac))
    assert not result["OK"]
    assert "503 Server Error: Service Unavailable" in str(result)
    assert "boom" in str(result)


# The module


def test_the_real_module_loses_nothing_over_the_wire(grid, dirac, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JOBID", "77")
    grid.arm("transformation:down", "job-state:down")
    module = dirac.FailoverRequest()
    module.STEP_NUMBER = "3"
    module.workflowStatus = module.stepStatus = {"OK": True}
    module.workflow_commons = {"PRODUCTION_ID": "12", "JOB_ID": "34", "InputData": "LFN:/vo/a"}
    module.step_commons = {"STEP_INSTANCE_NAME": "step"}
    assert module.execute()["OK"]
    (name,) = os.listdir(tmp_path)
    assert name == "12_34_request.json"
    request = dirac.Request((tmp_path / name).read_text())
    assert (request.Owner, request.OwnerGroup) == ("alice", "vo_user")
    assert [operation.Type for operation in request] == ["SetFileStatus", "ForwardDISET"]
    assert not grid.unfired()
    grid.recover()
    assert dirac.ReqClient().putRequest(request)["Value"] == 1
    assert ForwardDISET(request[1])()["OK"]
    assert grid.status()[2] == "Job Finished Successfully"


# Failures are real

FAULTS = [
    "down", "refuse", "s_error=boom;errno=1500", "timeout", "lost_reply", "reset_peer", "reset_peer=applied",
    "latency=10", "http=503", "http=403", "http=404", "http=501", "http=500;applied", "empty_reply",
    "malformed_reply=<x>", "limit_data=5", "bad_shape=missing", "false_ack", "duplicate",
]  # fmt: skip
SEEN_OTHERWISE = {"down", "refuse", "timeout", "lost_reply", "reset_peer", "reset_peer=applied"}
"""What ends a connection before anything comes: over one real port all of it looks the same."""


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_to_dirac_what_it_is_in_memory(grid, dirac, fault):
    near = World()
    near.arm(f"job-state:{fault}")
    grid.arm(f"job-state:{fault}")
    expected = near(JOB_STATE, "setJobParameter", (77, "a", "b"))
    result = dirac.JobStateUpdateClient().setJobParameter(77, "a", "b")
    if fault in SEEN_OTHERWISE and "127.0.0.1" in grid.url:
        assert "Connection aborted" in result["Message"]
        assert result["Errno"] == expected["Errno"] == 0
    else:
        here = grid.url if "127.0.0.1" in grid.url else f"{grid.url}:443"
        message = str(expected.get("Message")).replace("https://dirac.invalid", here)
        assert outcome(result) == outcome({**expected, **({"Message": message} if "Message" in expected else {})})
    assert result["rpcStub"] == expected["rpcStub"]
    assert grid.calls[0].applied is near.journal[0].applied
    assert len(grid.calls) == len(near.journal) == 1


# DiracX


@pytest.fixture
def diracx(grid):
    """A world to which DIRAC reports of jobs as it does to DiracX: one option of the configuration says so."""
    with configured({FUTURE_CLIENT: "yes"}):
        yield grid


def test_dirac_reports_of_a_job_to_diracx(diracx, dirac):
    client = dirac.JobStateUpdateClient()
    for result in (
        client.setJobStatusBulk(77, {LATE: {"ApplicationStatus": "x", "Source": "Job_77"}}),
        client.setJobStatus(77, "Completing", "minor", "me", "2039-01-02 03:04:06"),
        client.setJobParameters(77, [("a", "b"), ("c", "d")]),
        client.setJobParameter(77, "e", "f"),
        client.setJobsParameter({77: ("g", "h")}),
    ):
        assert outcome(result) == {"OK": True}
    assert outcome(client.sendHeartBeat(77, {"LoadAverage": 1.5}, {"i": "j"})) == {"OK": True, "Value": {}}
    assert diracx.status() == ["Completing", "minor", "x"]
    kept = diracx.holds["job-state"]["parameters"]["77"]
    assert {name: kept[name] for name in "aceg"} == {"a": "b", "c": "d", "e": "f", "g": "h"}
    assert [call.args[:2] for call in diracx.calls.select(method="setJobStatusBulk")] == [
        (77, {LATE: {"ApplicationStatus": "x", "Source": "Job_77"}}),
        (77, {"2039-01-02 03:04:06": {"Status": "Completing", "MinorStatus": "minor", "Source": "me"}}),
    ]
    assert [beat[:2] for beat in diracx.holds["job-state"]["heartbeats"]["77"]] == [["LoadAverage", "1.5"]]


def test_a_status_that_diracx_does_not_take_becomes_its_own_stub(diracx, dirac):
    diracx.arm("job-state:http=403")
    report = dirac.JobReport(77)
    assert not report.setApplicationStatus("too early")["OK"]
    operation = report.generateForwardDISET()["Value"]
    stub = stub_of(operation)
    assert {key: stub[key] for key in ("dCls", "dMod", "dMeth", "kwargs")} == {
        "dCls": "JobStateUpdateClient", "dMod": "DIRAC.WorkloadManagementSystem.FutureClient.JobStateUpdateClient",
        "dMeth": "setJobStatusBulk", "kwargs": {},
    }  # fmt: skip
    job_id, updates, force = stub["args"]
    assert (job_id, [update["ApplicationStatus"] for update in updates.values()], force) == (77, ["too early"], False)
    diracx.recover()
    assert DiracX.executeRPCStub(stub)["OK"]
    assert diracx.status()[2] == "too early"


TAKEN_FOR = {
    # fault: how often DiracX's client calls, whether it is content, and whether any of it was done
    "s_error=boom": (1, False, False),
    "http=403": (1, False, False),
    "http=404": (1, False, False),
    "http=503@first=1": (2, True, True),
    "http=500;applied@first=1": (2, True, True),
    "limit_data=5": (1, False, True),
    "empty_reply": (1, True, False),
}


@pytest.mark.parametrize("fault", TAKEN_FOR)
def test_what_diracxs_client_makes_of_failures(diracx, dirac, fault):
    """It repeats a call after a status of 500 or 503, done or not; and an empty reply is a success to it."""
    diracx.arm(f"job-state:{fault}")
    result = dirac.JobStateUpdateClient().setJobStatusBulk(77, {LATE: {"ApplicationStatus": "x"}})
    calls = diracx.calls
    assert (len(calls), result["OK"], any(call.applied for call in calls)) == TAKEN_FOR[fault]


def test_a_token_that_is_about_to_end_is_renewed(diracx, dirac, tmp_path):
    """DIRAC keeps a copy of the proxy's token; DiracX's client asks for another one where it is told to."""
    assert dirac.JobStateUpdateClient().setJobParameter(77, "a", "b")["OK"]
    token = DiracX.diracxTokenFromPEM(os.environ["X509_USER_PROXY"])
    assert token
    from diracx.client.sync import SyncDiracClient
    from diracx.core.preferences import DiracxPreferences

    copy = tmp_path / "token.json"
    copy.write_text(json.dumps({**token, "expires_on": 0}))
    with SyncDiracClient(diracx_preferences=DiracxPreferences(url=diracx.url, credentials_path=copy)) as api:
        api.jobs.patch_metadata({77: {"c": "d"}})
    renewed = json.loads(copy.read_text())
    assert renewed["access_token"] != token["access_token"]
    assert diracx.holds["job-state"]["parameters"]["77"]["c"] == "d"


# After it, and its time


@pytest.mark.parametrize("diracx", [False, True], ids=["dirac", "diracx"])
def test_pauses_of_clients_move_the_worlds_clock(dirac, diracx, monkeypatch):
    monkeypatch.undo()
    world = World()
    world.arm("requests:down")
    world.arm("job-state:http=503")
    with over_https(world, diracx=diracx):
        if diracx:
            assert not dirac.JobStateUpdateClient().setJobParameter(77, "a", "b")["OK"]
            assert len(world.journal) == 4
        else:
            dirac.ReqClient().putRequest(some_request(dirac))
    assert world.clock.slept >= 1


def test_nothing_of_it_stays(dirac, monkeypatch):
    monkeypatch.delenv("X509_USER_PROXY", raising=False)
    before = str(gConfigurationData.localCFG)
    with over_https(World()):
        assert dirac.JobStateUpdateClient().setJobParameter(77, "a", "b")["OK"]
    assert str(gConfigurationData.localCFG) == before
    result = dirac.JobStateUpdateClient().setJobParameter(77, "a", "b")
    assert result["Message"] == f"URL for service {JOB_STATE} not found"
