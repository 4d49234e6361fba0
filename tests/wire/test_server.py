from __future__ import annotations

import datetime as dt
import http.client
import io
import json
import logging
import socket
import ssl
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from DIRACCommon.Core.Utilities.ReturnValues import S_ERROR
from hypothesis import given, settings
from hypothesis import strategies as st

from dirac_failover.wire import server as server_module
from dirac_failover.wire.https import HttpsTransport
from dirac_failover.wire.server import Server, answer, failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_mock import MockerFixture

SERVICE = "WorkloadManagement/JobStateUpdate"
JSON = "application/json"
HTML = "text/html; charset=UTF-8"


def page(status: int, phrase: str) -> tuple[int, str, bytes]:
    """The reply of an error status."""
    return status, HTML, f"<html><title>{status}: {phrase}</title><body>{status}: {phrase}</body></html>".encode()


REFUSED = page(400, "Bad Request")
BROKEN = page(500, "Internal Server Error")


def echo(service: str, method: str, args: tuple[Any, ...], *, timeout: int = 600) -> dict[str, Any]:
    """Tell what was called."""
    return {"OK": True, "Value": [service, method, list(args), timeout], "rpcStub": ("not", "sent")}


def returns(value: Any) -> Any:
    """A transport that answers always the same."""
    return lambda *_, **__: value


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that tells what was called, and takes 1000 bytes."""
    with Server(echo, max_body=1000) as server:
        yield server


def ask(server: Server, verb: str, path: str, body: bytes | str = b"", **headers: str) -> tuple[int, str, bytes]:
    """Send one request as it is."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
    try:
        connection.request(verb, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return response.status, response.headers["Content-Type"], response.read()
    finally:
        connection.close()


def raw(server: Server, data: bytes) -> bytes:
    """Send bytes, say that there will be no more, and return everything that comes back."""
    with socket.create_connection(("127.0.0.1", server.server_address[1]), timeout=10) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def alive(server: Server) -> bool:
    """Whether the server still answers."""
    return ask(server, "POST", f"/{SERVICE}", "method=m")[0] == 200


# The protocol


def test_a_form_becomes_a_call_and_its_result_json() -> None:
    """Method and arguments go to the transport; the stub stays here."""
    assert answer(echo, SERVICE, {"method": "m", "args": '[1, {"a": null}]', "clientVO": "vo"}) == (
        200,
        JSON,
        json.dumps({"OK": True, "Value": [SERVICE, "m", [1, {"a": None}], 600]}).encode(),
    )


def test_without_args_there_are_no_arguments(mocker: MockerFixture) -> None:
    """A form without ``args`` is a call without arguments."""
    transport = mocker.Mock(return_value={"OK": True, "Value": None})
    assert answer(transport, SERVICE, {"method": "m"}) == (200, JSON, b'{"OK": true, "Value": null}')
    transport.assert_called_once_with(SERVICE, "m", ())


def test_arguments_are_decoded_from_diracs_json(mocker: MockerFixture) -> None:
    """Dates arrive as dates."""
    transport = mocker.Mock(return_value={"OK": True})
    answer(transport, SERVICE, {"method": "m", "args": '[{"__dCls": "date", "obj": "2024-01-02"}]'})
    transport.assert_called_once_with(SERVICE, "m", (dt.date(2024, 1, 2),))


def test_a_refusal_is_a_200_without_its_call_stack() -> None:
    """``OK`` false is an answer; what only this side may know is left out, and the transport's result unchanged."""
    result = {**S_ERROR(1500, "bad"), "ExecInfo": "secret", "rpcStub": ()}
    assert "CallStack" in result
    before = dict(result)
    assert answer(returns(result), SERVICE, {"method": "m"}) == (
        200,
        JSON,
        b'{"OK": false, "Errno": 1500, "Message": "Unknown WMS error ( 1500 : bad)"}',
    )
    assert result == before


@pytest.mark.parametrize(
    ("form", "result", "reply"),
    [
        ({}, {"OK": True}, REFUSED),
        ({"args": "[]"}, {"OK": True}, REFUSED),
        ({"method": ""}, {"OK": True}, (200, JSON, b'{"OK": true}')),
        ({"method": "m"}, {"OK": False, "Errno": 38, "Message": "no m"}, page(501, "Not Implemented")),
        ({"method": "m"}, {"OK": False, "Errno": 13}, (200, JSON, b'{"OK": false, "Errno": 13}')),
        ({"method": "m", "args": "[1"}, {"OK": True}, BROKEN),
        ({"method": "m", "args": ""}, {"OK": True}, BROKEN),
        ({"method": "m", "args": "{}"}, {"OK": True}, BROKEN),
        ({"method": "m", "args": '"text"'}, {"OK": True}, BROKEN),
        ({"method": "m", "args": '[{"__dCls": "Popen", "__dMod": "subprocess"}]'}, {"OK": True}, BROKEN),
        ({"method": "m"}, {"OK": True, "Value": {1, 2}}, BROKEN),
        ({"method": "m"}, "\ud800", BROKEN),
        ({"method": "m"}, None, (200, HTML, b"")),
        ({"method": "m"}, "", (200, HTML, b"")),
        ({"method": "m"}, "not é", (200, HTML, "not é".encode())),
        ({"method": "m"}, [1, (2,)], (200, JSON, b"[1, [2]]")),
    ],
)
def test_a_form_and_a_result_have_this_reply(form: dict[str, str], result: Any, reply: tuple[int, str, bytes]) -> None:
    """Statuses and bodies are those of DIRAC's services."""
    assert answer(returns(result), SERVICE, form) == reply


def test_an_exception_is_logged_here_and_not_told(caplog: pytest.LogCaptureFixture, mocker: MockerFixture) -> None:
    """The client learns the status only; the log has the reason and where."""
    transport = mocker.Mock(side_effect=RuntimeError("the secret"))
    with caplog.at_level(logging.ERROR, logger="dirac_failover"):
        assert answer(transport, SERVICE, {"method": "m"}) == BROKEN
    (record,) = caplog.records
    assert record.getMessage() == f"{SERVICE}.m failed RuntimeError('the secret')"
    assert record.name == "dirac_failover.server"
    assert record.exc_info


def test_arguments_that_are_not_a_list_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The log says what was found instead."""
    answer(echo, SERVICE, {"method": "m", "args": "7"})
    assert caplog.messages == [f"{SERVICE}.m failed TypeError('args is not a list but int')"]


@pytest.mark.parametrize("status", list(HTTPStatus))
def test_an_error_page_says_nothing_but_its_status(status: HTTPStatus) -> None:
    """Number and phrase, twice."""
    assert failure(status) == page(status, status.phrase)


@settings(deadline=None, max_examples=100)
@given(
    st.dictionaries(st.sampled_from(["method", "args", "clientVO", "x"]), st.text() | st.just("[1]")),
    st.recursive(st.none() | st.text() | st.floats() | st.binary(), st.lists, max_leaves=5),
)
def test_any_form_and_any_result_have_a_reply(form: dict[str, str], result: Any) -> None:
    """Whatever is asked and answered, there is a reply of one of three statuses."""
    status, kind, body = answer(returns(result), SERVICE, form)
    assert status in {200, 400, 500}
    assert kind in {JSON, HTML}
    assert isinstance(body, bytes)


# Behind a port


def test_a_request_is_answered(server: Server) -> None:
    """A form that is posted to a service's path is answered from the transport."""
    body = urlencode({"method": "é", "args": "[1]", "clientVO": "vo"})
    value = [SERVICE, "é", [1], 600]
    expected = (200, JSON, json.dumps({"OK": True, "Value": value}).encode())
    assert ask(server, "POST", f"/{SERVICE}", body) == expected
    assert ask(server, "POST", f"/{SERVICE}/?query=ignored", body) == expected


def test_the_last_field_of_a_name_counts_and_blank_ones_are_kept(server: Server) -> None:
    """As with DIRAC's: a repeated field is its last value, an empty method is a method."""
    assert json.loads(ask(server, "POST", f"/{SERVICE}", "method=a&method=b")[2])["Value"][1] == "b"
    assert json.loads(ask(server, "POST", f"/{SERVICE}", "method=")[2])["Value"][1] == ""


def test_the_five_services_are_served_unless_told_otherwise() -> None:
    """The default is what FailoverRequest talks to."""
    assert {
        "WorkloadManagement/JobStateUpdate",
        "Transformation/TransformationManager",
        "Accounting/DataStore",
        "RequestManagement/ReqManager",
        "RequestManagement/ReqProxy",
    } == server_module.SERVICES
    with Server(echo, services=["My/Service"]) as server:
        assert ask(server, "POST", "/My/Service", "method=m")[0] == 200
        assert ask(server, "POST", f"/{SERVICE}", "method=m")[0] == 404


@pytest.mark.parametrize("verb", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
def test_only_post_is_taken(server: Server, verb: str) -> None:
    """Any other verb is a 405 where there is a service, and a 404 where there is none."""
    assert ask(server, verb, f"/{SERVICE}?x=1") == page(405, "Method Not Allowed")
    assert ask(server, verb, "/") == page(404, "Not Found")


def test_head_has_no_body(server: Server) -> None:
    """The headers of the 405 arrive alone."""
    assert ask(server, "HEAD", f"/{SERVICE}") == (405, HTML, b"")
    assert raw(server, f"HEAD /{SERVICE} HTTP/1.0\r\n\r\n".encode()).endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    "path", ["/", "/WorkloadManagement", "/workloadmanagement/jobstateupdate", f"/x/{SERVICE}", f"/{SERVICE}~", "//["]
)
def test_other_paths_are_not_found(server: Server, path: str) -> None:
    """What is not exactly a service is a 404."""
    assert ask(server, "POST", path, "method=m") == page(404, "Not Found")


def test_the_limit_is_for_the_body(server: Server) -> None:
    """A thousand bytes are taken, one more is not, and the client is told so."""
    fits = b"method=m&x=" + b"a" * 989
    assert ask(server, "POST", f"/{SERVICE}", fits)[0] == 200
    assert ask(server, "POST", f"/{SERVICE}", fits + b"a") == page(413, HTTPStatus(413).phrase)
    assert ask(server, "POST", f"/{SERVICE}", fits + b"a" * 60_000) == page(413, HTTPStatus(413).phrase)


def test_no_more_is_read_than_the_limit_and_a_little(mocker: MockerFixture) -> None:
    """A client cannot fill the memory by announcing a long body."""
    asked: list[int] = []

    class Body(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            asked.append(size or 0)
            return b""

    handler = server_module.Handler.__new__(server_module.Handler)
    handler.path = f"/{SERVICE}"
    handler.rfile = Body()  # type: ignore[assignment]
    handler.server = mocker.Mock(max_body=1000, services={SERVICE}, one_by_one=threading.Lock(), transport=echo)
    for length in ("0", "999", "1001", str(10**17)):
        handler.headers = {"Content-Length": length}  # type: ignore[assignment]
        handler._reply()
    assert asked == [0, 999, 1001, 1000 + 65536]


def test_the_defaults_are_the_real_servers() -> None:
    """A hundred megabytes, a hundred fields, the loopback interface and a free port."""
    with Server(echo) as server:
        assert server.max_body == 104_857_600
        assert server.request_queue_size == 128
        assert server.allow_reuse_address
        host, port = server.server_address[:2]
        assert host == "127.0.0.1"
        assert server.url == f"http://127.0.0.1:{port}"
        assert server.url_of("A/B") == f"http://127.0.0.1:{port}/A/B"
        with Server(echo) as second:
            assert second.server_address[1] not in {0, port}


def test_host_and_port_can_be_chosen() -> None:
    """A server that was closed gives its port back at once."""
    with Server(echo, host="localhost") as server:
        port = server.server_address[1]
        assert server.url == f"http://localhost:{port}"
        assert alive(server)
    with Server(echo, port=port) as server:
        assert server.server_address == ("127.0.0.1", port)
        assert alive(server)


@pytest.mark.parametrize("fields", [100, 101])
def test_a_form_has_a_hundred_fields_at_most(fields: int) -> None:
    """More are refused before they are read."""
    body = "&".join(["method=m", *["x=1"] * (fields - 1)])
    with Server(echo) as server:
        assert ask(server, "POST", f"/{SERVICE}", body)[0] == (200 if fields == 100 else 400)


@pytest.mark.parametrize(
    "length", ["", "-1", "abc", "1_0", "+5", "1e3", "9" * 19, "9" * 5000, "٣".encode().decode("latin-1")]
)
def test_a_bad_length_is_refused(server: Server, length: str) -> None:
    """What is not a plain number of at most 18 digits is a 400."""
    head = f"POST /{SERVICE} HTTP/1.0\r\nContent-Length: {length}\r\n\r\n".encode("latin-1")
    assert raw(server, head + b"method=m").startswith(b"HTTP/1.0 400 Bad Request\r\n")
    assert alive(server)


def test_a_length_of_eighteen_digits_is_a_length(server: Server) -> None:
    """It is too long a body, not a bad number."""
    head = f"POST /{SERVICE} HTTP/1.0\r\nContent-Length: {'9' * 18}\r\n\r\n".encode()
    assert b" 413 " in raw(server, head).partition(b"\r\n")[0]


def test_a_request_without_length_is_told_to_give_one(server: Server) -> None:
    """Chunked bodies are not read."""
    chunked = f"POST /{SERVICE} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    assert raw(server, chunked).startswith(b"HTTP/1.0 411 Length Required\r\n")


def test_a_body_that_ends_early_is_not_acted_upon(mocker: MockerFixture) -> None:
    """Half a form could be another call."""
    transport = mocker.Mock()
    with Server(transport) as server:
        head = f"POST /{SERVICE} HTTP/1.0\r\nContent-Length: 20\r\n\r\n".encode()
        assert raw(server, head + b"method=m&args=[1]").startswith(b"HTTP/1.0 400 Bad Request\r\n")
    transport.assert_not_called()


def test_a_body_that_is_not_text_is_refused(server: Server) -> None:
    """Bytes that are not UTF-8 are a 400."""
    assert ask(server, "POST", f"/{SERVICE}", b"method=\xff") == REFUSED


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET",
        b"POST / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/x\r\n\r\n",
        b"GET / HTTP/1.0\r\n" + b"A: b\r\n" * 300 + b"\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.0\r\n\r\n",
        b"GET / HTTP/1.0\r\nA: " + b"b" * 70_000 + b"\r\n\r\n",
        b"POST //[ HTTP/1.0\r\nContent-Length: 0\r\n\r\n",
    ],
    ids=range(11),
)
def test_nonsense_is_refused_and_the_server_lives(server: Server, data: bytes) -> None:
    """Whatever comes in, nothing of this side goes out and the next request is answered."""
    try:
        reply = raw(server, data)
    except ConnectionError:  # it was refused before all of it was read
        reply = b""
    assert b"Traceback" not in reply
    assert b".py" not in reply
    assert alive(server)


def test_refusals_do_not_quote_the_request(server: Server) -> None:
    """The standard library's error pages would."""
    reply = raw(server, b"<script>x HTTP/9.9\r\n\r\n")
    assert reply.startswith((b"HTTP/1.0 400 ", b"HTTP/1.0 505 ", b"<html><title>400"))
    assert b"script" not in reply


def test_a_connection_that_dies_is_logged(
    server: Server, caplog: pytest.LogCaptureFixture, mocker: MockerFixture
) -> None:
    """What a connection died of is in the log, and nothing is printed."""
    with caplog.at_level(logging.ERROR, logger="dirac_failover"):
        mocker.patch.object(server, "finish_request", side_effect=ConnectionResetError("gone"))
        server.process_request_thread(mocker.Mock(name="request"), ("127.0.0.1", 1))
    assert caplog.messages == ["A connection failed ('127.0.0.1', 1) Mock"]
    assert caplog.records[0].exc_info


def test_requests_are_logged_for_those_who_debug(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    """The line of a request is at DEBUG level, not on standard error."""
    with caplog.at_level(logging.DEBUG, logger="dirac_failover"):
        assert alive(server)
    assert f'"POST /{SERVICE} HTTP/1.1" 200 -' in caplog.messages


def test_the_server_does_not_tell_what_it_runs_on(server: Server) -> None:
    """The header names the project only."""
    reply = raw(server, b"GET / HTTP/1.0\r\n\r\n")
    assert b"\r\nServer: dirac_failover \r\n" in reply


def test_a_silent_client_is_let_go() -> None:
    """A connection on which nothing comes ends after a minute."""
    assert server_module.Handler.timeout == 60


def test_calls_reach_the_transport_one_by_one() -> None:
    """Several clients at once do not meet in the transport."""
    inside, most = [], []
    turn = threading.Event()

    def transport(*_: Any, **__: Any) -> dict[str, Any]:
        inside.append(1)
        most.append(len(inside))
        turn.wait(0.01)
        inside.pop()
        return {"OK": True}

    with Server(transport) as server:
        threads = [threading.Thread(target=alive, args=(server,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert most == [1] * 8


def test_one_slow_client_does_not_hold_up_another(server: Server) -> None:
    """Each connection has a thread of its own."""
    with socket.create_connection(("127.0.0.1", server.server_address[1]), timeout=10) as idle:
        idle.sendall(b"POST")
        assert alive(server)


def test_a_reply_says_how_long_it_is(server: Server) -> None:
    """A client can tell a reply that was cut off."""
    reply = raw(server, f"GET /{SERVICE} HTTP/1.0\r\n\r\n".encode())
    head, _, body = reply.partition(b"\r\n\r\n")
    assert b"\r\nContent-Length: %d" % len(body) in head


def test_the_end_of_the_block_is_not_waited_for(mocker: MockerFixture) -> None:
    """The server looks 50 times a second whether it shall stop."""
    serve = mocker.patch.object(Server, "serve_forever")
    server = Server(echo)
    server._thread.start()
    server._thread.join()
    server.server_close()
    serve.assert_called_once_with(0.02)


def test_after_the_block_nobody_answers(mocker: MockerFixture) -> None:
    """Port and thread are given back."""
    with Server(echo) as server:
        thread = server._thread
        join = mocker.spy(thread, "join")
        assert thread.is_alive()
        assert thread.daemon
        assert server.daemon_threads
    join.assert_called_once_with()
    assert not thread.is_alive()
    with pytest.raises(ConnectionRefusedError):
        alive(server)


def test_both_ends_agree(server: Server) -> None:
    """Our client and our server: what goes in comes out, and an unknown method is the same error as in process."""
    with HttpsTransport() as transport:
        url = server.url_of(SERVICE)
        result = transport(url, "m", ({"lfn": "Processed"}, [1, "é"], None))
        assert result == {
            "OK": True,
            "Value": [SERVICE, "m", [{"lfn": "Processed"}, [1, "é"], None], 600],
            "rpcStub": ((url, {"timeout": 600, "useAccessToken": False}), "m", [{"lfn": "Processed"}, [1, "é"], None]),
        }
    with Server(returns(S_ERROR(38, "m is not implemented"))) as other, HttpsTransport() as transport:
        result = transport(other.url_of(SERVICE), "m", ())
        assert (result["Errno"], result["Message"]) == (38, "Function not implemented ( 38 : m is not implemented)")


def test_a_handler_of_ones_own_may_take_more() -> None:
    """What it reads is limited as ever, and whether the path is known is its own affair."""

    class Mirror(server_module.Handler):
        def do_PUT(self) -> None:
            body = self.body()
            self._send(*((200, "text/plain", body) if isinstance(body, bytes) else body))

    with Server(echo, max_body=5, handler=Mirror) as server:
        assert ask(server, "PUT", "/anywhere", b"12345") == (200, "text/plain", b"12345")
        assert ask(server, "PUT", "/anywhere", b"123456") == page(413, HTTPStatus(413).phrase)


def test_with_a_context_it_speaks_https() -> None:
    """The socket is the context's, the handshake is left to the request, and the URL says https."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with Server(echo, context=context) as server:
        assert server.url.startswith("https://127.0.0.1:")
        assert isinstance(server.socket, ssl.SSLSocket)
        assert server.socket.server_side
        assert not server.socket.do_handshake_on_connect
        with pytest.raises((ConnectionError, http.client.HTTPException)):  # there is no certificate, and no plain HTTP
            ask(server, "POST", f"/{SERVICE}", "method=m")
