"""How ReqClient hands requests over and gets them back, on the reference and on the real DIRAC."""

import json
import random

import pytest
from DIRACCommon.Core.Utilities.ReturnValues import S_ERROR, S_OK

from dirac_failover.wire.rpc import connection

MANAGER = "RequestManagement/ReqManager"
PROXIES = [f"https://proxy{number}:9443/RequestManagement/ReqProxy" for number in range(3)]
FAILED = "ReqClient.putRequest: unable to set request 'n'"


def valid(implementation):
    """Make a valid request named n."""
    operation = implementation.Operation()
    operation.Type, operation.Arguments = "ForwardDISET", b"x"
    request = implementation.Request()
    request.RequestName = "n"
    request.addOperation(operation)
    return request


@pytest.fixture
def client(implementation, service):
    return implementation.ReqClient()


@pytest.fixture
def request_(implementation, service):
    return valid(implementation)


@pytest.fixture
def put(implementation, service, request_):
    """Put a request where some proxies are configured and the calls, in order, have these answers."""

    def put(proxies, *answers, **options):
        service.answers["putRequest"] = [S_ERROR(answer) if isinstance(answer, str) else answer for answer in answers]
        with service.connected(ReqProxyURLs=proxies):
            return implementation.ReqClient().putRequest(request_, **options)

    return put


def test_a_request_is_put_as_its_json(client, service, request_):
    service.answers["putRequest"] = [S_OK(5)]
    assert client.putRequest(request_)["Value"] == 5
    assert service.calls == [(MANAGER, "putRequest", (request_.toJSON()["Value"],), 600)]
    assert json.loads(service.calls[0].args[0])["RequestName"] == "n"
    assert service.naps == []


def test_a_request_that_is_invalid_or_has_no_json_is_not_sent(implementation, client, service, request_):
    result = client.putRequest(implementation.Request())
    assert (result["OK"], result["Message"]) == (False, "RequestName not set")
    request_.toJSON = lambda: S_ERROR("no JSON")
    assert client.putRequest(request_)["Message"] == "no JSON"
    assert service.calls == []


def test_a_refused_request_fails_with_the_refusal_under_its_own_key(put, service):
    """There is neither an error number nor a call stack; a pause of whole seconds follows even the last try."""
    refusal = {"OK": False, "RequestManager": "Unknown WMS error ( 1500 : bad)", "Message": FAILED}
    assert put("", S_ERROR(1500, "bad")) == refusal
    assert (len(service.calls), len(service.naps)) == (1, 1)


def test_pauses_are_of_one_to_five_whole_seconds(put, service):
    put("", "down", retryMainService=99)
    assert len(service.naps) == 100
    assert set(service.naps) == {1, 2, 3, 4, 5}


def test_the_service_can_be_tried_more_often_until_it_takes_the_request(put, service):
    assert put("", "a", "b", "c", retryMainService=2)["RequestManager"] == "c"
    assert (len(service.calls), len(service.naps)) == (3, 3)
    assert put("", "a", S_OK(5), retryMainService=2)["Value"] == 5
    assert (len(service.calls), len(service.naps)) == (5, 4)


@pytest.mark.parametrize(
    "value", [{"set": True, "saved": False}, {"set": False, "saved": True}, {"set": 0, "saved": 0}]
)
def test_a_proxy_takes_what_the_service_refused(put, service, request_, value):
    result = put(PROXIES[0], "down", S_OK(value))
    assert (result["OK"], result["Value"]) == (True, value)
    text = request_.toJSON()["Value"]
    assert service.calls == [(MANAGER, "putRequest", (text,), 600), (PROXIES[0], "putRequest", (text,), 600)]
    assert len(service.naps) == 1


@pytest.mark.parametrize("urls", [[], PROXIES[:1]])
def test_that_there_is_no_proxy_is_logged(reference, caplog, urls):
    with reference.connect(lambda *_, **__: {}, options={"RequestManagement/ReqProxyURLs": ",".join(urls)}):
        assert list(reference.ReqClient().requestProxies()) == urls
    assert any("RequestManagement/ReqProxyURLs" in record.message for record in caplog.records) is not bool(urls)


def test_every_proxy_is_tried_once_in_any_order(put, service):
    """Each refusal is under its own key; the keys come in the order in which they were tried, the message last."""
    orders = set()
    for _ in range(60):
        service.calls.clear()
        result = put(f" {PROXIES[0]} ,,{PROXIES[1]},{PROXIES[2]},{PROXIES[0]}", "down")
        order = [call.service for call in service.calls]
        assert order[0] == MANAGER
        assert sorted(order[1:]) == PROXIES
        assert list(result) == ["OK", "RequestManager", *(f"RequestProxy({url})" for url in order[1:]), "Message"]
        assert set(result.values()) == {False, "down", FAILED}
        orders.add(tuple(order[1:]))
    assert len(orders) == 6


def test_the_first_proxy_that_takes_it_is_enough_and_proxies_can_be_left_out(put, service):
    assert put(",".join(PROXIES), "down", "down", S_OK({"set": True, "saved": True}))["OK"]
    assert len(service.calls) == 3
    result = put(PROXIES[0], "down", useFailoverProxy=False)
    assert result == {"OK": False, "RequestManager": "down", "Message": FAILED}
    assert len(service.calls) == 4


@pytest.mark.parametrize(
    ("value", "exception"), [(None, TypeError), ({}, KeyError), ({"set": False}, KeyError), ({"saved": 1}, KeyError)]
)
def test_a_proxy_must_say_whether_it_set_the_request_or_saved_it(put, value, exception):
    with pytest.raises(exception):
        put(PROXIES[0], "down", S_OK(value))


def test_the_connection_s_dice_decide_pauses_and_order(reference):
    seen = []
    for _ in range(2):
        calls = []

        def refuse(service, method, args, *, timeout=600, calls=calls):
            calls.append(service)
            return {"OK": False, "Message": "down"}

        options = {"RequestManagement/ReqProxyURLs": ",".join(PROXIES)}
        with reference.connect(refuse, owner="alice", group="vo_user", options=options, sleep=calls.append):
            connection().random.seed(3)
            reference.ReqClient().putRequest(valid(reference), retryMainService=3)
        seen.append(calls)
    assert seen[0] == seen[1]
    dice = random.Random(3)  # noqa: S311 - no secret
    assert seen[0][1:8:2] == [dice.randint(1, 5) for _ in range(4)]


@pytest.mark.parametrize("method", ["getRequest", "peekRequest"])
def test_a_request_is_got_back_or_what_was_answered_instead(implementation, client, service, request_, method):
    get = getattr(client, method)
    service.answers[method] = [S_OK(request_.toJSON()["Value"]), S_OK(), S_OK(""), S_OK({}), S_ERROR("down")]
    result = get(5)
    assert result["OK"]
    assert isinstance(result["Value"], implementation.Request)
    assert result["Value"].RequestName == "n"
    assert [get(5)["Value"] for _ in range(3)] == [None, "", {}]
    result = get(5)
    assert (result["OK"], result["Message"], result["rpcStub"][1]) == (False, "down", method)
    assert service.calls == [(MANAGER, method, (5,), 600)] * 5


def test_getting_takes_the_number_as_it_is_and_peeking_makes_it_one(client, service):
    client.getRequest()
    client.getRequest("5")
    client.peekRequest("5")
    assert [call.args for call in service.calls] == [(0,), ("5",), (5,)]
    with pytest.raises(ValueError, match="invalid literal"):
        client.peekRequest("x")
