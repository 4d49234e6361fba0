import contextvars
import random
import threading
import time
from dataclasses import FrozenInstanceError

import pytest

from dirac_failover.wire import rpc

NOBODY = (
    "No transport is connected, so My/Service.m reached no service: wrap the calls in dirac_failover.connect(transport)"
)
STUB = (("My/Service", {"timeout": 600, "useAccessToken": False}), "m", [1, "a"])


def test_without_a_connection_every_call_says_how_to_get_one():
    result = rpc.call("My/Service", "m", 1, "a")
    assert (result["OK"], result["Errno"], result["Message"], result["rpcStub"]) == (False, 0, NOBODY, STUB)
    assert rpc.call("My/Service", "m", timeout=7)["rpcStub"][0][1]["timeout"] == 7


def test_without_a_connection_there_is_nobody_and_nothing():
    found = rpc.connection()
    assert (found.owner, found.group, dict(found.options)) == (None, None, {})
    assert found.sleep is time.sleep
    assert isinstance(found.random, random.Random)
    assert rpc.connection() is found


def test_a_connection_lasts_for_its_block(mocker):
    outside = rpc.connection()
    transport, sleep = mocker.Mock(return_value={"OK": True}), mocker.Mock()
    with rpc.connect(transport, owner="alice", group="vo_user", options={"/a": "b"}, sleep=sleep) as connection:
        assert rpc.connection() is connection
        assert connection == rpc.Connection(transport, "alice", "vo_user", {"/a": "b"}, sleep, connection.random)
        assert rpc.call("My/Service", "m", 1, "a") == {"OK": True}
        rpc.call("My/Service", "m", timeout=7)
        with rpc.connect(transport) as inner:
            assert rpc.connection() is inner
            assert (inner.owner, inner.group, inner.options, inner.sleep) == (None, None, {}, time.sleep)
        assert rpc.connection() is connection
    assert rpc.connection() is outside
    assert [(*call.args, call.kwargs["timeout"]) for call in transport.call_args_list] == [
        ("My/Service", "m", (1, "a"), 600),
        ("My/Service", "m", (), 7),
    ]


def test_an_error_in_the_block_ends_the_connection(mocker):
    outside = rpc.connection()
    with pytest.raises(KeyError), rpc.connect(mocker.Mock()):
        raise KeyError
    assert rpc.connection() is outside


def test_a_thread_has_the_connection_only_with_a_copy_of_the_context(mocker):
    found = []
    with rpc.connect(mocker.Mock()) as connection:
        context = contextvars.copy_context()
        for target in (
            lambda: found.append(rpc.connection()),
            lambda: context.run(lambda: found.append(rpc.connection())),
        ):
            thread = threading.Thread(target=target)
            thread.start()
            thread.join()
    assert [one is connection for one in found] == [False, True]


def test_a_connection_cannot_be_changed(mocker):
    with rpc.connect(mocker.Mock()) as connection, pytest.raises(FrozenInstanceError):
        connection.owner = "eve"  # type: ignore[misc]


def test_a_stub_has_the_shape_of_diracs():
    assert rpc.make_stub("My/Service", "m", (1, "a")) == STUB
    said = {"timeout": 120, "useAccessToken": False}
    assert rpc.make_stub("My/Service", "m", (), 120) == (("My/Service", said), "m", [])
