import json
import subprocess
import sys
from random import Random
from urllib.parse import parse_qsl

import pytest
import requests
import responses

from dirac_failover.wire import https
from dirac_failover.wire.https import HttpsTransport
from dirac_failover.wire.rpc import make_stub
from tests.doubles import bare

SERVICE = "WorkloadManagement/JobStateUpdate"
URL = f"https://first.invalid:9443/{SERVICE}"
OTHER = f"https://second.invalid:9443/{SERVICE}"
GOOD = {"OK": True, "Value": 7}
STUB = ((SERVICE, {"timeout": 600, "useAccessToken": False}), "setJobStatus", [77, "Done"])


class InOrder(Random):
    """Leaves every list as it is, and counts."""

    shuffled = 0

    def shuffle(self, x):
        self.shuffled += len(x)


def seeded():
    """Chance that is the same each time."""
    return Random(5)  # noqa: S311 - spreads load


@pytest.fixture
def web():
    """No network but what a test says; an answer that nobody asked for is an error."""
    with responses.RequestsMock() as mock:
        yield mock


@pytest.fixture
def proxy(tmp_path):
    """A file that stands for a proxy."""
    path = tmp_path / "x509up"
    path.write_text("a proxy")
    return str(path)


@pytest.fixture
def transport(proxy):
    """A transport that knows one URL of one service."""
    with HttpsTransport({SERVICE: [URL]}, proxy=proxy, chance=InOrder()) as transport:
        yield transport


def call(transport, **options):
    return transport(SERVICE, "setJobStatus", (77, "Done"), **options)


def failure(message, number=0):
    """The result of a call that failed on this side."""
    return {"OK": False, "Errno": number, "Message": message, "rpcStub": STUB}


def form_of(web):
    """The fields of the only request, in order."""
    (sent,) = web.calls
    return parse_qsl(sent.request.body, keep_blank_values=True, strict_parsing=True)


FORM = [("method", "setJobStatus"), ("args", '[77, "Done"]'), ("clientVO", "unknown"), ("clientSetup", "None")]


def test_a_call_is_a_form_with_diracs_fields_and_the_proxy_is_the_certificate(web, transport, proxy):
    web.post(URL, json=GOOD)
    assert call(transport) == {**GOOD, "rpcStub": STUB}
    assert form_of(web) == FORM
    sent = web.calls[0].request
    assert sent.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert (sent.req_kwargs["cert"], sent.req_kwargs["timeout"]) == (proxy, 600)


def test_vo_and_extra_credentials_are_sent_when_given(web, proxy):
    web.post(URL, json=GOOD)
    with HttpsTransport({SERVICE: [URL]}, proxy=proxy, vo="vo", extra_credentials=("/CN=x", "group")) as transport:
        call(transport)
    assert form_of(web) == [
        *FORM[:2], ("clientVO", "vo"), FORM[3], ("extraCredentials", '["/CN=x", "group"]'),
    ]  # fmt: skip


@pytest.mark.parametrize(("timeout", "seconds"), [(600, 600), (0, 600), (5, 120), (120, 120), (121, 121), (1000, 1000)])
def test_a_call_is_given_two_minutes_at_least(web, transport, timeout, seconds):
    web.post(URL, json=GOOD)
    result = call(transport, timeout=timeout)
    assert web.calls[0].request.req_kwargs["timeout"] == seconds
    assert result["rpcStub"] == make_stub(SERVICE, "setJobStatus", (77, "Done"), seconds)


@pytest.mark.parametrize(
    ("given", "environment", "used"),
    [
        ({"verify": None}, None, True), ({"verify": None}, "", True), ({}, "/etc/authorities", "/etc/authorities"),
        ({"verify": None}, "/etc/authorities", "/etc/authorities"), ({"verify": False}, "/etc/authorities", False),
        ({"verify": True}, "/etc/authorities", True), ({"verify": "/mine"}, "/etc/authorities", "/mine"),
    ],
)  # fmt: skip
def test_authorities_are_the_given_ones_or_the_environments(web, monkeypatch, given, environment, used):
    for name in ("X509_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    if used is not True:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/bundle")
    if environment is not None:
        monkeypatch.setenv("X509_CERT_DIR", environment)
    web.post(URL, json=GOOD)
    with HttpsTransport({SERVICE: [URL]}, proxy="any", **given) as transport:
        call(transport)
    assert web.calls[0].request.req_kwargs["verify"] == used


def test_a_proxy_is_found_where_dirac_looks(monkeypatch, mocker, tmp_path):
    files = [tmp_path / "one", tmp_path / "two"]
    for name in ("GRID_PROXY_FILE", "X509_USER_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(https.os, "getuid", lambda: 987654321)
    assert https.find_proxy() is None
    looked = mocker.spy(https.os.path, "isfile")
    assert https.find_proxy() is None
    looked.assert_called_once_with("/tmp/x509up_u987654321")  # noqa: S108 - the place that all grid tools agree on
    monkeypatch.setenv("X509_USER_PROXY", str(files[1]))
    assert https.find_proxy() is None
    files[1].touch()
    assert https.find_proxy() == str(files[1])
    link = tmp_path / "link"
    link.symlink_to(files[0])
    monkeypatch.setenv("GRID_PROXY_FILE", str(link))
    assert https.find_proxy() == str(files[1])
    files[0].touch()
    assert https.find_proxy() == str(files[0])


def test_the_users_proxy_is_the_default_and_without_one_nothing_is_sent(web, monkeypatch, proxy):
    monkeypatch.setattr(https, "find_proxy", lambda: None)
    with HttpsTransport({SERVICE: [URL, OTHER]}) as transport:
        assert bare(call(transport)) == failure("No proxy found")
    assert not web.calls
    monkeypatch.setattr(https, "find_proxy", lambda: proxy)
    web.post(URL, json=GOOD)
    with HttpsTransport({SERVICE: [URL]}) as transport:
        assert call(transport)["OK"]
    assert web.calls[0].request.req_kwargs["cert"] == proxy


def test_plain_http_needs_no_proxy(web, monkeypatch):
    monkeypatch.setattr(https, "find_proxy", lambda: None)
    url = f"http://local.invalid/{SERVICE}"
    web.post(url, json=GOOD)
    with HttpsTransport() as transport:
        result = transport(url, "ping", ())
    assert result == {**GOOD, "rpcStub": ((url, {"timeout": 600, "useAccessToken": False}), "ping", [])}
    assert web.calls[0].request.req_kwargs["cert"] is None


def test_a_service_without_urls_is_an_error_with_the_stub_until_they_become_known(web, proxy):
    web.post(URL, json=GOOD)
    unknown = failure(f"URL for service {SERVICE} not found")
    urls = {"Other/Service": [URL]}
    with HttpsTransport() as nowhere, HttpsTransport(urls, proxy=proxy) as transport:
        assert bare(call(nowhere)) == bare(call(transport)) == unknown
        urls[SERVICE] = [URL]
        assert call(transport)["OK"]


FINAL = [
    (501, 38, "Function not implemented ( 38 : setJobStatus is not implemented)"),
    (401, 13, f"Permission denied ( 13 : No access to {URL})"),
    (403, 13, f"Permission denied ( 13 : No access to {URL})"),
]
RETRIED = [
    (400, "oops", f"400 Client Error: Bad Request for url: {URL}: oops"),
    (404, "oops", f"404 Client Error: Not Found for url: {URL}: {URL} is not found"),
    (409, "", f"409 Client Error: Conflict for url: {URL}: "),
    (500, "oops", f"500 Server Error: Internal Server Error for url: {URL}: oops"),
    (503, "oops", f"503 Server Error: Service Unavailable for url: {URL}: oops"),
    (200, "", "Expecting value: line 1 column 1 (char 0): "),
    (200, "{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1): {"),
    (200, "oops", "Expecting value: line 1 column 1 (char 0): oops"),
    (200, "[1]", "The answer is not a return structure: [1]"),
    (200, '"text"', 'The answer is not a return structure: "text"'),
    (200, "null", "The answer is not a return structure: null"),
]


@pytest.mark.parametrize(("status", "errno", "message"), FINAL)
def test_a_status_that_every_server_would_give_is_not_retried(web, proxy, status, errno, message):
    web.post(URL, status=status, body="whatever")
    with HttpsTransport({SERVICE: [URL, OTHER]}, proxy=proxy, chance=InOrder()) as transport:
        assert bare(call(transport)) == failure(message, errno)
    assert [sent.request.url for sent in web.calls] == [URL]


@pytest.mark.parametrize(("status", "body", "message"), RETRIED)
def test_anything_else_is_told_with_its_body_or_tried_at_the_next_url(web, proxy, status, body, message):
    web.post(URL, status=status, body=body)
    urls = {SERVICE: [URL]}
    with HttpsTransport(urls, proxy=proxy, chance=InOrder()) as transport:
        assert bare(call(transport)) == failure(message)
        web.post(OTHER, json=GOOD)
        urls[SERVICE] = [URL, OTHER]
        assert call(transport) == {**GOOD, "rpcStub": STUB}
    assert [sent.request.url for sent in web.calls] == [URL, URL, OTHER]
    assert web.calls[1].request.body == web.calls[2].request.body


@pytest.mark.parametrize(
    "error",
    [requests.ConnectionError("refused"), requests.ReadTimeout("slow"), OSError("no such certificate"), KeyError("x")],
)
def test_an_exception_is_an_error_without_a_body(web, transport, error):
    web.post(URL, body=error)
    assert bare(call(transport)) == failure(f"{error}: None")


def test_an_interrupt_is_not_caught(web, transport):
    def interrupt(_):
        raise KeyboardInterrupt

    web.add_callback("POST", URL, interrupt)
    with pytest.raises(KeyboardInterrupt):
        call(transport)


def asked(web, proxy, urls, **options):
    """Call a service at some URLs that all fail, the last one in another way; return those asked, and the message."""
    for url in urls:
        web.post(url, status=503 if url == urls[-1] else 500, body=url)
    with HttpsTransport({SERVICE: tuple(urls)}, proxy=proxy, **options) as transport:
        result = call(transport)
    return [sent.request.url for sent in web.calls], result["Message"]


def at(*hosts):
    return [f"https://{host}/{SERVICE}" for host in hosts]


def test_when_no_url_answers_the_last_error_is_returned(web, proxy):
    urls = at("a.invalid", "b.invalid", "c.invalid")
    error = f"503 Server Error: Service Unavailable for url: {urls[2]}: {urls[2]}"
    assert asked(web, proxy, urls, chance=InOrder()) == (urls, error)


def test_a_host_that_failed_is_asked_last(web, proxy):
    urls = at("a.invalid:1", "a.invalid:2", "b.invalid:1", "b.invalid:2")
    assert asked(web, proxy, urls, chance=InOrder())[0] == [urls[0], urls[2], urls[1], urls[3]]


@pytest.mark.parametrize("given", [True, False])
def test_urls_are_tried_in_an_order_that_chance_decides_which_is_there_by_default(web, proxy, mocker, given):
    mocker.patch.object(https.random, "Random", side_effect=[] if given else [seeded()])
    urls = at(*(f"host{number}.invalid" for number in range(5)))
    seeded().shuffle(shuffled := list(urls))
    assert asked(web, proxy, urls, **({"chance": seeded()} if given else {}))[0] == shuffled != urls


def test_an_object_of_the_service_arrives_whole_be_it_a_return_structure_or_not(web, transport):
    for answer in ({"OK": False, "Errno": 1500, "Message": "Unknown WMS error ( 1500 : bad)"}, {"strange": 1}):
        web.upsert("POST", URL, json=answer)
        assert call(transport) == {**answer, "rpcStub": STUB}


def test_an_unknown_class_in_an_answer_is_an_error(web, transport):
    body = json.dumps({"OK": True, "Value": {"__dCls": "Popen", "__dMod": "subprocess"}})
    web.post(URL, body=body)
    assert bare(call(transport)) == failure(f"Popen is not a class that can be decoded here: {body}")


def test_arguments_without_json_are_the_callers_error(transport):
    with pytest.raises(TypeError, match=r"^Object of type set is not JSON serializable$"):
        transport(SERVICE, "m", ({1},))


def test_closing_ends_the_session(mocker, transport):
    close = mocker.patch.object(transport.session, "close")
    with transport as entered:
        assert entered is transport
        close.assert_not_called()
    close.assert_called_once_with()


def test_requests_is_imported_by_those_who_call_servers_only():
    """Importing the module is cheap: the HTTP library comes with the first transport."""
    code = "import sys, dirac_failover.wire.https; sys.exit('requests' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
