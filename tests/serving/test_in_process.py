"""A world over HTTPS within one process; beside the real DIRAC in tests/differential/test_over_https.py."""

import json
import os
import re
import sys
import tempfile
from urllib.parse import parse_qs

import pytest
import requests

from dirac_failover import JobReport, Operation, ReqClient, Request
from dirac_failover.errors import MissingExtraError
from dirac_failover.serving import over_https
from dirac_failover.serving.configuration import environment, options
from dirac_failover.serving.credentials import Credentials
from dirac_failover.serving.site import Site
from dirac_failover.wire.https import HttpsTransport
from dirac_fakes import Caller, World
from tests.doubles import bare
from tests.fakes.test_kinds import EFFECTS

SERVICE = "WorkloadManagement/JobStateUpdate"
OPTION = "/Systems/WorkloadManagement/URLs/JobStateUpdate"


@pytest.fixture
def world():
    return World()


@pytest.fixture
def connection(world):
    with over_https(world) as connection:
        yield connection


def call(connection):
    with HttpsTransport({SERVICE: [connection.options[OPTION]]}) as transport:
        return transport(SERVICE, "setJobParameter", (77, "a", "b"))


FAULTS = [fault for fault, *_ in EFFECTS if fault != "bad_shape=none"]
"""What looks the same from within and over HTTPS: every kind but an exception, and an answer that is None."""


@pytest.mark.parametrize("fault", [None, *FAULTS])
def test_a_client_sees_what_it_sees_in_memory(connection, world, fault):
    near = World()
    for each in (near, world):
        if fault:
            each.arm(f"job-state:{fault}")
    assert bare(call(connection)) == bare(near(SERVICE, "setJobParameter", (77, "a", "b")))
    assert [call[:3] for call in world.journal] == [call[:3] for call in near.journal]
    assert [call.applied for call in world.journal] == [call.applied for call in near.journal]


@pytest.mark.parametrize(("fault", "message"), [
    ("raises=ValueError: secret", "500 Server Error: Internal Server Error for url: "),
    ("bad_shape=none", "Expecting value: line 1 column 1 (char 0): "),
])  # fmt: skip
def test_what_cannot_be_carried_is_what_a_client_would_see(connection, world, fault, message):
    world.arm(f"job-state:{fault}")
    found = call(connection)["Message"]
    assert found.startswith(message)
    assert "secret" not in found


@pytest.mark.parametrize(("fault", "kind"), [
    ("down", requests.ConnectionError), ("reset_peer", requests.ConnectionError), ("timeout", requests.ReadTimeout),
    ("limit_data=1", requests.exceptions.ChunkedEncodingError),
])  # fmt: skip
def test_a_broken_connection_is_the_exception_of_requests(connection, world, fault, kind):
    world.arm(f"job-state:{fault}")
    with pytest.raises(kind) as caught:
        requests.post(
            f"{connection.url}/{SERVICE}", data={"method": "setJobParameter", "args": '[77, "a", "b"]'}, timeout=1
        )
    assert caught.type is kind


@pytest.mark.parametrize("verb", ["GET", "POST", "PATCH", "PUT", "DELETE"])
def test_every_verb_is_answered(connection, verb):
    reply = requests.request(verb, f"{connection.url}/api/nothing?a=b", data="é", timeout=1)
    assert (reply.status_code, reply.json()) == (404, {"detail": "Not Found"})
    assert reply.headers["Content-Type"] == "application/json"


def test_queries_headers_and_bodies_of_any_kind_arrive(connection, world):
    url, bearer = f"{connection.url}/api/jobs/status", {"Authorization": "Bearer x"}
    update = {"77": {"2039-01-01T00:00:00Z": {"MinorStatus": "x"}}}
    assert requests.patch(url, json=update, timeout=1).status_code == 401
    assert requests.patch(url, params={"force": "true"}, json=update, headers=bearer, timeout=1).status_code == 403
    assert requests.patch(url, json=update, headers=bearer, timeout=1).ok
    assert world.job_state.status(77)[1] == "x"
    body = json.dumps({"faults": ["job-state:down"]})
    for data in (body, body.encode()):
        assert requests.post(f"{connection.url}/admin/faults", data=data, timeout=1).ok
    assert len(world.armed()) == 2


@pytest.mark.usefixtures("connection")
def test_the_port_may_be_named_and_clients_are_told_where_it_is():
    assert requests.get("https://dirac.invalid:443/admin/faults", timeout=1).json() == {"armed": [], "unfired": []}
    found = requests.get("https://dirac.invalid/.well-known/openid-configuration", timeout=1).json()
    assert found["token_endpoint"] == "https://dirac.invalid/api/auth/token"  # noqa: S105 - an address


def test_the_reference_names_the_vo_of_the_caller(world, mocker):
    world.caller = Caller(vo="lhcb")
    answer = mocker.spy(Site, "answer")
    with over_https(world):
        JobReport(77).setApplicationStatus("x")
    assert [parse_qs(asked.args[1].body.decode())["clientVO"] for asked in answer.mock_calls] == [["lhcb"]]


@pytest.mark.parametrize("url", ["https://elsewhere.invalid/", "http://dirac.invalid/", "https://dirac.invalid.org/"])
@pytest.mark.usefixtures("connection")
def test_no_other_host_is_asked(url):
    with pytest.raises(requests.ConnectionError, match="Connection refused by Responses"):
        requests.get(url, timeout=1)


def test_it_is_told_what_dirac_is_told(world):
    world.caller = Caller("bob", "vo_prod")
    with over_https(world, diracx=True) as connection:
        assert connection.url == "https://dirac.invalid"
        folder = os.path.dirname(connection.environment["X509_USER_PROXY"])
        dn, authorities = "/O=dirac-failover/CN=bob", os.path.join(folder, "certificates")
        assert connection.options == options(connection.url, world.caller, dn, authorities, diracx=True)
        assert {name: os.environ[name] for name in connection.environment} == connection.environment
        assert os.path.isfile(os.environ["X509_USER_PROXY"])
    assert not os.path.exists(folder)
    with over_https(World()) as connection:
        assert "/DiracX/FutureClientEnabled/WorkloadManagement/JobStateUpdate" not in connection.options


def test_the_environment_is_put_back(world, monkeypatch):
    monkeypatch.setenv("X509_USER_PROXY", "/my/proxy")
    monkeypatch.setenv("GRID_PROXY_FILE", "/my/other/proxy")
    monkeypatch.setenv("DIRAC_USE_ACCESS_TOKEN", "yes")
    monkeypatch.delenv("X509_CERT_DIR", raising=False)
    before = dict(os.environ)
    with over_https(world) as connection:
        assert os.environ["X509_USER_PROXY"] == connection.environment["X509_USER_PROXY"]
        assert not {"GRID_PROXY_FILE", "DIRAC_USE_ACCESS_TOKEN"} & os.environ.keys()
    assert dict(os.environ) == before


def test_after_the_block_nothing_is_left(world, monkeypatch, mocker, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    forget = mocker.patch.object(Credentials, "forget", autospec=True)
    with over_https(world):
        (name,) = os.listdir(tmp_path)
        assert re.fullmatch(r"dirac-failover-\w{8}", name)
    assert not os.listdir(tmp_path)
    ((forgotten,), _) = forget.call_args
    forget.assert_called_once()
    assert environment(forgotten)["X509_USER_PROXY"].startswith(str(tmp_path / name))


@pytest.mark.usefixtures("connection")
def test_the_references_clients_are_connected_too(world):
    assert JobReport(77).setApplicationStatus("x")["OK"]
    assert world.job_state.status(77)[2] == "x"
    world.arm("requests:http=503")
    request = Request()
    assert (request.Owner, request.OwnerGroup) == ("alice", "vo_user")
    request.RequestName = "job_77"
    request.addOperation(Operation({"Type": "ForwardDISET", "Arguments": "x"}))
    assert ReqClient().putRequest(request)["OK"]
    assert world.journal.methods()[1:] == ["requests.putRequest", "req-proxy.putRequest"]
    assert 1 <= world.clock.slept <= 5


def test_two_worlds_one_after_the_other_know_nothing_of_each_other():
    outer, inner = World(), World()
    with over_https(outer) as connection:
        with over_https(inner) as again:
            call(again)
        call(connection)
        call(connection)
    assert (len(outer.journal), len(inner.journal)) == (2, 1)


def test_without_the_package_it_is_named(world, monkeypatch):
    monkeypatch.setitem(sys.modules, "responses", None)
    with pytest.raises(MissingExtraError) as caught, over_https(world):
        pass
    assert str(caught.value) == "This needs the package responses: pip install 'dirac-failover[https]'"
