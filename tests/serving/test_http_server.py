"""A site behind a port: real replies, and real failures."""

import logging
import socket
import ssl
import threading
from urllib.parse import urlencode

import pytest
import requests

from dirac_failover.serving import credentials, http_server
from dirac_failover.serving.http_server import SiteServer
from dirac_failover.serving.messages import Reply
from dirac_fakes import World

SERVICE = "WorkloadManagement/JobStateUpdate"
FORM = {"method": "setJobParameter", "args": '[77, "a", "b"]'}


@pytest.fixture
def server():
    with SiteServer(World()) as server:
        yield server


def call(server):
    return requests.post(f"{server.url}/{SERVICE}", data=FORM, timeout=10)


def raw(server, data):
    """Send bytes, and return everything that comes back."""
    with socket.create_connection(server.server_address, timeout=10) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def post(length, body=b""):
    """A call with this length and body."""
    return f"POST /{SERVICE} HTTP/1.0\r\nContent-Length: {length}\r\n\r\n".encode("latin-1") + body


def test_a_call_is_answered_and_logged_for_those_who_debug(server, caplog):
    with caplog.at_level(logging.DEBUG, logger="dirac_failover"):
        reply = call(server)
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "application/json")
    assert reply.json() == {"OK": True, "Value": "job_parameters_vo_0m"}
    assert server.site.world.job_state.state["parameters"][77]["a"] == "b"
    assert reply.headers["Server"] == "dirac_failover "
    assert f'"POST /{SERVICE} HTTP/1.1" 200 -' in caplog.messages


@pytest.mark.parametrize(
    ("fault", "error", "message", "event"),
    [
        ("down", requests.ConnectionError, "Remote end closed connection without response", "refused"),
        ("timeout", requests.ConnectionError, "Remote end closed connection without response", "late"),
        ("reset_peer=applied", requests.ConnectionError, "Connection reset by peer", "reset"),
        ("limit_data=9", requests.exceptions.ChunkedEncodingError, "9 bytes read, 36 more expected", None),
    ],
)
def test_a_fault_of_the_connection_is_real_and_logged(server, caplog, fault, error, message, event):
    server.site.world.arm(f"job-state:{fault}")
    with caplog.at_level(logging.DEBUG, logger="dirac_failover"), pytest.raises(error, match=message):
        call(server)
    assert event is None or f"POST /{SERVICE}: {event}" in caplog.messages
    assert server.site.world.journal[0].applied is (fault in ("reset_peer=applied", "limit_data=9"))
    server.site.world.recover()
    assert call(server).ok


def test_a_reply_is_cut_before_its_announced_length(server):
    server.site.world.arm("job-state:limit_data=9")
    head, _, found = raw(server, post(len(urlencode(FORM)), urlencode(FORM).encode())).partition(b"\r\n\r\n")
    assert b"\r\nContent-Length: 45" in head
    assert found == b'{"OK": tr'


@pytest.mark.parametrize(("status", "reason"), [(503, "Service Unavailable"), (499, "Unknown")])
def test_a_status_has_its_reason_also_where_http_knows_none(server, status, reason):
    server.site.world.arm(f"job-state:http={status}")
    reply = call(server)
    assert (reply.status_code, reply.reason) == (status, reason)
    assert reply.text == f"<html><title>{status}: {reason}</title><body>{status}: {reason}</body></html>"


def test_a_query_and_headers_arrive_and_the_site_knows_where_it_is(server):
    def patch(path, headers, **body):
        return requests.patch(f"{server.url}/api/jobs/{path}", headers=headers, timeout=10, **body)

    bearer, metadata = {"Authorization": "Bearer x"}, {"77": {"a": "b"}}
    assert patch("metadata?x=1", {}, json=metadata).status_code == 401
    reply = patch("metadata?x=1", bearer, json=metadata)
    assert (reply.status_code, reply.content) == (204, b"")
    assert "Content-Length" not in reply.headers
    status = {"77": {"2026-01-01T00:00:00Z": {"Status": "Running"}}}
    assert patch("status?force=true", bearer, json=status).status_code == 403
    found = requests.get(f"{server.url}/.well-known/openid-configuration", timeout=10).json()
    assert found["token_endpoint"] == f"{server.url}/api/auth/token"


def test_only_a_verb_that_sends_something_needs_a_length(server):
    for request, begins, ends in (
        (b"GET /admin/faults", b"HTTP/1.0 200 OK\r\n", b'{"armed": [], "unfired": []}\n'),
        (b"DELETE /admin/faults", b"HTTP/1.0 200 OK\r\n", b"}\n"),
        (b"POST /admin/recover", b"HTTP/1.0 411 Length Required\r\n", b""),
    ):
        reply = raw(server, request + b" HTTP/1.0\r\n\r\n")
        assert (reply.startswith(begins), reply.endswith(ends)) == (True, True)
    assert raw(server, b"GET /admin/faults HTTP/1.0\r\nContent-Length: x\r\n\r\n").startswith(b"HTTP/1.0 400 ")


@pytest.mark.parametrize("body", [b"", b"x"])
@pytest.mark.parametrize("verb", ["GET", "DELETE", "POST"])
def test_a_request_arrives_as_it_was_sent(server, monkeypatch, verb, body):
    seen = []
    monkeypatch.setattr(server.site, "answer", lambda *request: seen.append(request) or Reply(204))
    assert requests.request(verb, f"{server.url}/x/y?a=b", data=body, timeout=10).status_code == 204
    ((request, url),) = seen
    assert (*request[:3], request.body, url) == (verb, "/x/y", {"a": "b"}, body, server.url)


def test_other_verbs_are_refused_and_a_reply_to_head_has_no_body(server):
    assert requests.put(f"{server.url}/admin/reset", timeout=10).json() == {"error": "/admin/reset takes POST, not PUT"}
    for verb in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"):
        body = b"" if verb in {"PUT", "PATCH"} else None
        assert requests.request(verb, f"{server.url}/{SERVICE}?x=1", data=body, timeout=10).status_code == 405
    assert requests.get(f"{server.url}/elsewhere", timeout=10).status_code == 404
    for path, status in ((SERVICE, b"405"), ("", b"404")):
        reply = raw(server, f"HEAD /{path} HTTP/1.0\r\n\r\n".encode())
        assert reply.startswith(b"HTTP/1.0 " + status)
        assert reply.endswith(b"\r\n\r\n")


# What cannot be read


def test_the_limit_is_for_the_body(server):
    assert server.max_body == 104_857_600
    server.max_body = 1000
    fits = b"method=m&x=" + b"a" * 989
    url = f"{server.url}/{SERVICE}"
    for body, status in ((fits, 501), (fits + b"a", 413), (fits + b"a" * 60_000, 413)):
        assert requests.post(url, data=body, timeout=10).status_code == status


def test_no_more_is_read_than_the_limit_and_a_little(mocker):
    handler = http_server._Handler.__new__(http_server._Handler)
    handler.rfile = mocker.Mock(**{"read.return_value": b""})
    handler.server = mocker.Mock(max_body=1000)
    for length in ("0", "999", "1001", str(10**17)):
        handler.headers = {"Content-Length": length}  # type: ignore[assignment]
        handler._body()
    assert [read.args[0] for read in handler.rfile.read.mock_calls] == [0, 999, 1001, 1000 + 65536]


@pytest.mark.parametrize(
    "length", ["", "-1", "abc", "1_0", "+5", "1e3", "9" * 19, "9" * 5000, "٣".encode().decode("latin-1"), "20", "999"]
)
def test_a_bad_length_is_refused(server, length):
    """A length is a plain number of at most 18 digits; half a form could be another call, so it is no call."""
    assert raw(server, post(length, b"method=m&args=[1]")).startswith(b"HTTP/1.0 400 Bad Request\r\n")
    assert not len(server.site.world.journal)
    assert call(server).ok
    assert b" 413 " in raw(server, post("9" * 18)).partition(b"\r\n")[0]


@pytest.mark.parametrize("body", [b"method=\xff", b"&".join([b"method=m", *[b"x=1"] * 100])], ids=["bytes", "fields"])
def test_what_is_no_form_is_refused(server, body):
    assert raw(server, post(len(body), body)).startswith(b"HTTP/1.0 400 Bad Request\r\n")


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\r\n\r\n", b"nonsense\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET",
        b"POST / HTTP/9.9\r\n\r\n", b"POST / HTTP/x\r\n\r\n", b"GET / HTTP/1.0\r\n" + b"A: b\r\n" * 300 + b"\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.0\r\n\r\n", b"GET / HTTP/1.0\r\nA: " + b"b" * 70_000 + b"\r\n\r\n",
        b"POST //[ HTTP/1.0\r\nContent-Length: 0\r\n\r\n", b"<script>x HTTP/9.9\r\n\r\n",
    ],
    ids=range(12),
)  # fmt: skip
def test_nonsense_is_refused_and_the_server_lives(server, data):
    try:
        reply = raw(server, data)
    except ConnectionError:  # it was refused before all of it was read
        reply = b""
    assert not {word for word in (b"Traceback", b".py", b"script") if word in reply}
    assert call(server).ok


def test_a_connection_that_dies_is_logged(server, caplog, mocker):
    with caplog.at_level(logging.ERROR, logger="dirac_failover"):
        mocker.patch.object(server, "finish_request", side_effect=ConnectionResetError("gone"))
        server.process_request_thread(mocker.Mock(name="request"), ("127.0.0.1", 1))
    assert caplog.messages == ["A connection failed ('127.0.0.1', 1) Mock"]
    assert caplog.records[0].exc_info


def test_requests_reach_the_world_one_by_one(server, monkeypatch):
    """Several clients at once do not meet in the world, and one that says nothing holds up no other."""
    inside, most = [], []
    turn = threading.Event()

    def answer(*_):
        inside.append(1)
        most.append(len(inside))
        turn.wait(0.01)
        inside.pop()
        return Reply(204)

    monkeypatch.setattr(server.site, "answer", answer)
    threads = [threading.Thread(target=call, args=(server,)) for _ in range(8)]
    with socket.create_connection(server.server_address, timeout=10) as idle:
        idle.sendall(b"POST")
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert most == [1] * 8
    assert http_server._Handler.timeout == 60


def test_after_the_block_nobody_answers(mocker):
    """Port and thread are given back; the server looks 50 times a second whether it shall stop."""
    serve = mocker.spy(SiteServer, "serve_forever")
    with SiteServer(World()) as server:
        thread = server._thread
        assert thread.is_alive()
        assert (thread.daemon, server.daemon_threads, server.allow_reuse_address) == (True, True, True)
        assert server.request_queue_size == 128
    assert not thread.is_alive()
    serve.assert_called_once_with(server, 0.02)
    with pytest.raises(requests.ConnectionError):
        call(server)


def test_over_tls_faults_are_the_same(tmp_path):
    """A client of Python shows a reset as an end, but a connection that broke it is."""
    own = credentials.make(str(tmp_path), owner="alice", group="vo_user")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own.host)
    session = requests.Session()
    session.trust_env = False
    session.verify = own.authorities

    def ask(**form):
        return session.post(f"{server.url}/{SERVICE}", data=FORM | form, timeout=10)

    with SiteServer(World(), context=context) as server, session:
        assert server.url.startswith("https://127.0.0.1:")
        assert isinstance(server.socket, ssl.SSLSocket)
        assert not server.socket.do_handshake_on_connect
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


def test_a_port_is_a_free_one_unless_told():
    with SiteServer(World()) as one, SiteServer(World()) as other:
        assert one.server_address[1] != other.server_address[1]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with SiteServer(World(), host="localhost", port=port) as server:
        assert server.url == f"http://localhost:{port}"
        assert call(server).ok
