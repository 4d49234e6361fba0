"""A site behind a port: real replies, and real failures."""

from __future__ import annotations

import http.client
import json
import logging
import socket
import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
import requests

from dirac_failover.serving import credentials
from dirac_failover.serving.http_server import SiteServer
from dirac_failover.serving.site import Reply
from dirac_fakes import World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dirac_failover.serving.site import Request

SERVICE = "WorkloadManagement/JobStateUpdate"
FORM = {"method": "setJobParameter", "args": '[77, "a", "b"]'}


@pytest.fixture
def server() -> Iterator[SiteServer]:
    """A server, and its world."""
    with SiteServer(World()) as server:
        yield server


def call(server: SiteServer) -> requests.Response:
    """Post a call."""
    return requests.post(f"{server.url}/{SERVICE}", data=FORM, timeout=10)


def raw(server: SiteServer, data: bytes) -> bytes:
    """Send bytes, and return everything that comes back."""
    with socket.create_connection(server.server_address, timeout=10) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_a_call_is_answered(server: SiteServer) -> None:
    """And done."""
    reply = call(server)
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "application/json")
    assert reply.json() == {"OK": True, "Value": "job_parameters_vo_0m"}
    assert server.site.world.job_state.state["parameters"][77]["a"] == "b"


@pytest.mark.parametrize("fault", ["down", "timeout"])
def test_a_connection_ends_without_a_word(server: SiteServer, fault: str) -> None:
    """What is refused, and what is late: nobody waits."""
    server.site.world.arm(f"job-state:{fault}")
    with pytest.raises(requests.ConnectionError, match="Remote end closed connection without response"):
        call(server)
    server.site.world.recover()
    assert call(server).ok


def test_a_reset_is_a_reset(server: SiteServer) -> None:
    """The client's operating system says so."""
    server.site.world.arm("job-state:reset_peer=applied")
    with pytest.raises(requests.ConnectionError, match="Connection reset by peer"):
        call(server)
    assert server.site.world.journal[0].applied


def test_a_reply_is_cut_before_its_announced_length(server: SiteServer) -> None:
    """The client can tell."""
    server.site.world.arm("job-state:limit_data=9")
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="9 bytes read, 36 more expected"):
        call(server)
    body = urlencode(FORM)
    request = f"POST /{SERVICE} HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    head, _, found = raw(server, request.encode()).partition(b"\r\n\r\n")
    assert b"\r\nContent-Length: 27" in head
    assert found == b'{"OK": tr'


@pytest.mark.parametrize(("status", "reason"), [(503, "Service Unavailable"), (499, "Unknown")])
def test_a_status_is_a_status(server: SiteServer, status: int, reason: str) -> None:
    """With its reason, also where HTTP knows none."""
    server.site.world.arm(f"job-state:http={status}")
    reply = call(server)
    assert (reply.status_code, reply.reason) == (status, reason)
    assert reply.text == f"<html><title>{status}: {reason}</title><body>{status}: {reason}</body></html>"


def test_what_broke_is_told_to_those_who_debug(server: SiteServer, caplog: pytest.LogCaptureFixture) -> None:
    """Which request, and how."""
    server.site.world.arm("job-state:reset_peer")
    with caplog.at_level(logging.DEBUG, logger="dirac_failover"), pytest.raises(requests.ConnectionError):
        call(server)
    assert f"POST /{SERVICE}: reset" in caplog.messages


def test_a_query_and_headers_arrive(server: SiteServer) -> None:
    """DiracX asks for both; what is not there has no body."""
    url, body = f"{server.url}/api/jobs/metadata?x=1", json.dumps({"77": {"a": "b"}})
    assert requests.patch(url, data=body, timeout=10).status_code == 401
    reply = requests.patch(url, data=body, headers={"Authorization": "Bearer x"}, timeout=10)
    assert (reply.status_code, reply.content) == (204, b"")
    assert "Content-Length" not in reply.headers
    status = {"77": {"2026-01-01T00:00:00Z": {"Status": "Running"}}}
    forced = requests.patch(
        f"{server.url}/api/jobs/status?force=true", json=status, headers={"Authorization": "Bearer x"}, timeout=10
    )
    assert forced.status_code == 403


def test_the_site_knows_where_it_is(server: SiteServer) -> None:
    """DiracX's clients are told where to get a token."""
    found = requests.get(f"{server.url}/.well-known/openid-configuration", timeout=10).json()
    assert found["token_endpoint"] == f"{server.url}/api/auth/token"


def test_what_asks_for_nothing_needs_no_length(server: SiteServer) -> None:
    """GET and DELETE; whatever sends something must say how much."""
    assert raw(server, b"GET /admin/faults HTTP/1.0\r\n\r\n").endswith(b'{"armed": [], "unfired": []}\n')
    assert raw(server, b"DELETE /admin/faults HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.0 200 OK\r\n")
    assert raw(server, b"POST /admin/recover HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.0 411 Length Required\r\n")
    assert raw(server, b"GET /admin/faults HTTP/1.0\r\nContent-Length: x\r\n\r\n").startswith(b"HTTP/1.0 400 ")


@pytest.mark.parametrize("body", [b"", b"x"])
@pytest.mark.parametrize("verb", ["GET", "DELETE", "POST"])
def test_a_request_arrives_as_it_was_sent(
    server: SiteServer, monkeypatch: pytest.MonkeyPatch, verb: str, body: bytes
) -> None:
    """Without a body, it is empty."""
    seen: list[Any] = []

    def answer(request: Request, url: str) -> Reply:
        seen.append((*request[:3], request.body, url))
        return Reply(204)

    monkeypatch.setattr(server.site, "answer", answer)
    assert requests.request(verb, f"{server.url}/x/y?a=b", data=body, timeout=10).status_code == 204
    assert seen == [(verb, "/x/y", {"a": "b"}, body, server.url)]


def test_other_verbs_are_refused(server: SiteServer) -> None:
    """In the words of the page, or with what there is."""
    assert requests.put(f"{server.url}/admin/reset", timeout=10).json() == {"error": "/admin/reset takes POST, not PUT"}
    assert raw(server, f"BREW /{SERVICE} HTTP/1.0\r\n\r\n".encode()).startswith(b"HTTP/1.0 405 ")
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
    connection.request("HEAD", "/")
    assert connection.getresponse().status == 404
    connection.close()


def test_over_tls_faults_are_the_same(tmp_path: Path) -> None:
    """A client of Python shows a reset as an end, but a connection that broke it is."""
    own = credentials.make(str(tmp_path), owner="alice", group="vo_user")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own.host)
    session = requests.Session()
    session.trust_env = False
    session.verify = own.authorities

    def ask(**form: Any) -> requests.Response:
        return session.post(f"{server.url}/{SERVICE}", data=FORM | form, timeout=10)

    with SiteServer(World(), context=context) as server, session:
        assert server.url.startswith("https://127.0.0.1:")
        assert ask().json()["OK"]
        for fault in ("reset_peer", "down", "timeout"):
            server.site.world.arm(f"job-state:{fault}@first=1")
            with pytest.raises(requests.ConnectionError):
                ask()
        server.site.world.arm("job-state:limit_data=9@first=1")
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            ask()
        assert ask().json()["OK"]
    assert [call.applied for call in server.site.world.journal] == [True, False, False, False, True, True]


def test_a_port_is_a_free_one_unless_told() -> None:
    """So two can run at once."""
    with SiteServer(World()) as one, SiteServer(World()) as other:
        assert one.server_address[1] != other.server_address[1]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with SiteServer(World(), host="localhost", port=port) as server:
        assert server.url == f"http://localhost:{port}"
        assert call(server).ok
