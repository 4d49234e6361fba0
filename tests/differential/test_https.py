"""The wire beside DIRAC's own HTTPS client: the same forms, the same results, and real TLS over loopback."""

import ssl
from datetime import datetime
from typing import NamedTuple
from urllib.parse import parse_qsl

import pytest
import requests
import responses

from dirac_failover.serving import credentials
from dirac_failover.serving.http_server import SiteServer
from dirac_failover.wire.https import HttpsTransport
from dirac_fakes import World

pytest.importorskip("DIRAC")

from DIRAC.ConfigurationSystem.Client.ConfigurationData import gConfigurationData
from DIRAC.Core.Tornado.Client.ClientSelector import RPCClientSelector

START = datetime(2026, 1, 2, 3, 4, 5)
SERVICE = "WorkloadManagement/JobStateUpdate"
OPTION = "/Systems/WorkloadManagement/URLs/JobStateUpdate"
FIRST = f"https://first.invalid:9443/{SERVICE}"
SECOND = f"https://second.invalid:9443/{SERVICE}"


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    """The credentials of an authority, a host and a user."""
    return credentials.make(str(tmp_path_factory.mktemp("grid")), owner="alice", group="vo_user")


@pytest.fixture
def context(grid):
    """What a server shows, and whom it lets in: nobody without a proxy that the authority stands behind."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(grid.host)
    context.load_verify_locations(grid.authority)
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VerifyFlags.VERIFY_ALLOW_PROXY_CERTS
    return context


@pytest.fixture(autouse=True)
def environment(monkeypatch, grid):
    """The user's proxy and authorities where both clients look for them."""
    for name in ("GRID_PROXY_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("X509_CERT_DIR", grid.authorities)
    monkeypatch.setenv("X509_USER_PROXY", grid.proxy)


class End(NamedTuple):
    """One of the two clients, and how it is told where the service is."""

    name: str
    call: object
    locate: object


def ours():
    urls = {}
    with HttpsTransport(urls) as transport:

        def call(service, method, *args, timeout=600):
            return transport(service, method, args, timeout=timeout)

        yield End("reference", call, lambda places: urls.update({SERVICE: places}))


def theirs():
    def call(service, method, *args, timeout=600):
        return getattr(RPCClientSelector(service, timeout=timeout), method)(*args)

    yield End("dirac", call, lambda places: gConfigurationData.setOptionInCFG(OPTION, ", ".join(places)))
    gConfigurationData.deleteOptionInCFG(OPTION)


@pytest.fixture(params=[ours, theirs], ids=["reference", "dirac"])
def end(request):
    yield from request.param()


@pytest.fixture
def both():
    first, second = ours(), theirs()
    yield [next(first), next(second)]
    for generator in (first, second):
        next(generator, None)


def seen(result):
    """A result without what differs from run to run."""
    return {key: value for key, value in result.items() if key not in {"CallStack", "ExecInfo"}}


# In process, through ``responses``: what is sent, and what is made of what comes back


@pytest.mark.parametrize("timeout", [600, 0, 5, 1000])
def test_both_send_the_same_request(both, timeout):
    seen_of_both = []
    for end in both:
        with responses.RequestsMock() as web:
            web.post(FIRST, json={"OK": True, "Value": [1]})
            end.locate([FIRST])
            updates = {"2024-01-02": {"Status": "Done"}}
            result = end.call(SERVICE, "setJobStatusBulk", 77, updates, b"\xff", timeout=timeout)
            sent = web.calls[0].request
        form = sorted(parse_qsl(sent.body, keep_blank_values=True, strict_parsing=True))
        options = [str(sent.req_kwargs[name]) for name in ("cert", "timeout", "verify")]
        line = (sent.method, sent.url, sent.headers["Content-Type"])
        seen_of_both.append((line, form, options, result, repr(result["rpcStub"])))
    assert seen_of_both[0] == seen_of_both[1]


ANSWERS = [
    *[{"status": status, "body": "what the server says"} for status in (*range(400, 418), 500, 501, 502, 503, 504)],
    *[
        {"body": body}
        for body in (
            "", "{", "text", '{"OK": true}', "{}",
            '{"OK": false, "Errno": 1500, "Message": "Unknown WMS error ( 1500 : bad)"}',
            '{"OK": true, "Value": {"__dCls": "date", "obj": "2024-01-02"}}',
            '{"OK": true, "Value": {"__dCls": "date", "obj": "yesterday"}}', '{"OK": true, "Value": "é"}',
            '{"OK": true, "Value": NaN', "[" * 200_000,
        )
    ],
    {"body": b"\xff\xfe{", "content_type": "application/json"},
    {"status": 301},
    {"status": 204},
    {"body": requests.ConnectionError("refused")},
    {"body": requests.ReadTimeout("no answer in time")},
    {"body": OSError("no such certificate")},
]  # fmt: skip


@pytest.mark.parametrize("given", ANSWERS, ids=range(len(ANSWERS)))
@pytest.mark.parametrize("places", [[FIRST], [FIRST, SECOND]], ids=["one", "two"])
def test_both_make_the_same_of_an_answer(both, places, given):
    results = []
    for end in both:
        with responses.RequestsMock(assert_all_requests_are_fired=False) as web:
            for place in places:
                web.post(place, **given)
            end.locate(places)
            result = seen(end.call(SERVICE, "m", 1))
            if len(places) > 1:  # chance decided which
                result["Message"] = str(result.get("Message")).replace(web.calls[-1].request.url, "URL")
            results.append((repr(result), len(web.calls)))
    assert results[0] == results[1]


def test_both_return_the_second_answer(end):
    with responses.RequestsMock() as web:
        web.post(FIRST, status=500)
        web.post(SECOND, status=500)
        end.locate([FIRST, SECOND])
        assert not end.call(SERVICE, "m")["OK"]
        asked = [call.request.url for call in web.calls]
    assert sorted(asked) == [FIRST, SECOND]
    with responses.RequestsMock(assert_all_requests_are_fired=False) as web:
        web.post(FIRST, status=500)
        web.post(SECOND, json={"OK": True, "Value": "second"})
        for _ in range(10):
            assert end.call(SERVICE, "m")["Value"] == "second"
        assert SECOND in [call.request.url for call in web.calls]


def test_where_the_results_differ_ours_is_an_error_and_theirs_an_exception(both):
    """A JSON list: DIRAC's client fails with a TypeError, ours returns an error that carries the stub."""
    reference, dirac = both
    with responses.RequestsMock() as web:
        web.post(FIRST, json=[1])
        for end in both:
            end.locate([FIRST])
        with pytest.raises(TypeError):
            dirac.call(SERVICE, "m")
        result = reference.call(SERVICE, "m")
    assert result["Message"] == "The answer is not a return structure: [1]"
    assert result["rpcStub"] == ((SERVICE, {"timeout": 600, "useAccessToken": False}), "m", [])


def test_without_a_proxy_both_say_so(both, monkeypatch):
    monkeypatch.setenv("X509_USER_PROXY", "/nowhere")
    monkeypatch.setattr("os.getuid", lambda: 987654321)
    results = []
    for end in both:
        end.locate([FIRST])
        results.append(seen(end.call(SERVICE, "m")))
    assert results[0] == results[1]
    assert results[0]["Message"] == "No proxy found"


# Over TLS, to our server

CALLS = [
    ("setJobStatus", (77, "Running", "Application", "testing")),
    ("setJobStatusBulk", (77, {"2026-01-02 03:04:05": {"ApplicationStatus": "é", "Source": "me"}})),
    ("setJobParameters", (77, [("a", "1"), ("b", "2")])),
    ("setJobStatus", ()),
    ("noSuchMethod", (1,)),
    ("setJobStatus", ("not a job", "Running")),
]


@pytest.mark.parametrize(("method", "args"), CALLS)
def test_a_call_over_tls_does_what_it_does_in_process(end, context, method, args):
    near, far = World(now=START), World(now=START)
    with SiteServer(far, context=context) as server:
        url = f"{server.url}/{SERVICE}"
        end.locate([url])
        over_tls = seen(end.call(SERVICE, method, *args))
    in_process = seen(near(SERVICE, method, args))
    assert repr(over_tls).replace(server.url, "https://dirac.invalid") == repr(in_process)
    assert far.snapshot() == near.snapshot()


def test_a_client_without_the_authoritys_certificate_is_not_let_in(end, context, grid, tmp_path, monkeypatch):
    """The proxy is really shown: one that the server does not trust ends the handshake, and the server lives on."""
    world = World()
    with SiteServer(world, context=context) as server:
        end.locate([f"{server.url}/{SERVICE}"])
        monkeypatch.setenv("X509_USER_PROXY", credentials.make(str(tmp_path), owner="eve", group="vo_user").proxy)
        result = end.call(SERVICE, "setJobStatus", 77, "Running")
        assert (result["OK"], result["Errno"], result["Message"][-6:]) == (False, 0, ": None")
        assert not list(world.journal)
        monkeypatch.setenv("X509_USER_PROXY", grid.proxy)
        assert end.call(SERVICE, "setJobStatus", 77, "Running")["OK"]


def test_a_server_that_is_not_trusted_is_not_spoken_to(end, context, tmp_path, monkeypatch):
    monkeypatch.setenv("X509_CERT_DIR", str(tmp_path))
    world = World()
    with SiteServer(world, context=context) as server:
        url = f"{server.url}/{SERVICE}"
        if end.name == "reference":
            with HttpsTransport({SERVICE: [url]}) as transport:
                result = transport(SERVICE, "setJobStatus", (77, "Running"))
        else:
            end.locate([url])
            result = end.call(SERVICE, "setJobStatus", 77, "Running")
    assert not result["OK"]
    assert "certificate" in result["Message"].lower()
    assert not list(world.journal)


def test_a_dead_server_is_passed_over(end, context):
    world = World()
    with SiteServer(World(), context=context) as dead:
        gone = f"{dead.url}/{SERVICE}"
    with SiteServer(world, context=context) as server:
        end.locate([gone, f"{server.url}/{SERVICE}"])
        for _ in range(4):
            assert end.call(SERVICE, "setJobStatus", 77, "Running")["OK"]
    assert [call.method for call in world.journal] == ["setJobStatus"] * 4
