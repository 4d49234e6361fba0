import datetime as dt
import json
import logging
from http import HTTPStatus

import pytest
from DIRACCommon.Core.Utilities.ReturnValues import S_ERROR
from hypothesis import given, settings
from hypothesis import strategies as st

from dirac_failover.wire.server import answer, failure, parse_form

SERVICE = "WorkloadManagement/JobStateUpdate"
JSON = "application/json"
HTML = "text/html; charset=UTF-8"


def page(status, phrase):
    return status, HTML, f"<html><title>{status}: {phrase}</title><body>{status}: {phrase}</body></html>".encode()


REFUSED = page(400, "Bad Request")
BROKEN = page(500, "Internal Server Error")


def echo(service, method, args, *, timeout=600):
    """Tell what was called."""
    return {"OK": True, "Value": [service, method, list(args), timeout], "rpcStub": ("not", "sent")}


def returns(value):
    return lambda *_, **__: value


def test_a_form_becomes_a_call_and_its_result_json():
    body = json.dumps({"OK": True, "Value": [SERVICE, "m", [1, {"a": None}], 600]}).encode()
    assert answer(echo, SERVICE, {"method": "m", "args": '[1, {"a": null}]', "clientVO": "vo"}) == (200, JSON, body)


def test_without_args_there_are_no_arguments(mocker):
    transport = mocker.Mock(return_value={"OK": True, "Value": None})
    assert answer(transport, SERVICE, {"method": "m"}) == (200, JSON, b'{"OK": true, "Value": null}')
    transport.assert_called_once_with(SERVICE, "m", ())


def test_arguments_are_decoded_from_diracs_json(mocker):
    transport = mocker.Mock(return_value={"OK": True})
    answer(transport, SERVICE, {"method": "m", "args": '[{"__dCls": "date", "obj": "2024-01-02"}]'})
    transport.assert_called_once_with(SERVICE, "m", (dt.date(2024, 1, 2),))


def test_a_refusal_is_a_200_without_its_call_stack():
    """``OK`` false is an answer; what only this side may know is left out, and the transport's result unchanged."""
    result = {**S_ERROR(1500, "bad"), "ExecInfo": "secret", "rpcStub": ()}
    assert "CallStack" in result
    before = dict(result)
    body = b'{"OK": false, "Errno": 1500, "Message": "Unknown WMS error ( 1500 : bad)"}'
    assert answer(returns(result), SERVICE, {"method": "m"}) == (200, JSON, body)
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
def test_a_form_and_a_result_have_this_reply(form, result, reply):
    assert answer(returns(result), SERVICE, form) == reply


def test_an_exception_is_logged_here_and_not_told(caplog, mocker):
    transport = mocker.Mock(side_effect=RuntimeError("the secret"))
    with caplog.at_level(logging.ERROR, logger="dirac_failover"):
        assert answer(transport, SERVICE, {"method": "m"}) == BROKEN
    (record,) = caplog.records
    assert record.getMessage() == f"{SERVICE}.m failed RuntimeError('the secret')"
    assert record.name == "dirac_failover.server"
    assert record.exc_info


def test_arguments_that_are_not_a_list_are_logged(caplog):
    answer(echo, SERVICE, {"method": "m", "args": "7"})
    assert caplog.messages == [f"{SERVICE}.m failed TypeError('args is not a list but int')"]


@pytest.mark.parametrize("status", list(HTTPStatus))
def test_an_error_page_says_nothing_but_its_status(status):
    assert failure(status) == page(status, status.phrase)


@settings(deadline=None, max_examples=100)
@given(
    st.dictionaries(st.sampled_from(["method", "args", "clientVO", "x"]), st.text() | st.just("[1]")),
    st.recursive(st.none() | st.text() | st.floats() | st.binary(), st.lists, max_leaves=5),
)
def test_any_form_and_any_result_have_a_reply(form, result):
    status, kind, body = answer(returns(result), SERVICE, form)
    assert status in {200, 400, 500}
    assert kind in {JSON, HTML}
    assert isinstance(body, bytes)


def test_of_fields_with_one_name_the_last_counts_and_a_hundred_are_enough():
    assert parse_form(b"a=1&b=&a=%C3%A9+2") == {"a": "é 2", "b": ""}
    assert parse_form(b"&".join([b"a=1"] * 100)) == {"a": "1"}
    with pytest.raises(ValueError, match="fields"):
        parse_form(b"&".join([b"a=1"] * 101))
