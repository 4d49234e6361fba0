"""How ReqClient hands requests over and gets them back, on the reference and on the real DIRAC."""

import json
import random

import pytest

from dirac_failover.wire.rpc import connection

MANAGER = "RequestManagement/ReqManager"
PROXIES = [f"https://proxy{number}:9443/RequestManagement/ReqProxy" for number in range(3)]
FAILED = "ReqClient.putRequest: unable to set request 'n'"


@pytest.fixture
def client(kit, service):
    """A client of the ReqManager."""
    return kit.ReqClient()


@pytest.fixture
def request_(kit, service):
    """A valid request named n."""
    operation = kit.Operation()
    operation.Type = "ForwardDISET"
    operation.Arguments = b"x"
    request = kit.Request()
    request.RequestName = "n"
    request.addOperation(operation)
    return request


def test_a_request_is_put_as_its_json(client, service, request_):
    service.answers["putRequest"] = [{"OK": True, "Value": 5}]
    assert client.putRequest(request_)["Value"] == 5
    assert service.calls == [(MANAGER, "putRequest", (request_.toJSON()["Value"],), 600)]
    assert json.loads(service.calls[0].args[0])["RequestName"] == "n"
    assert service.naps == []


def test_an_invalid_request_is_not_sent(kit, client, service):
    result = client.putRequest(kit.Request())
    assert (result["OK"], result["Message"]) == (False, "RequestName not set")
    assert service.calls == []


def test_a_request_without_json_is_not_sent(client, service, request_, error):
    request_.toJSON = lambda: error("no JSON")
    assert client.putRequest(request_)["Message"] == "no JSON"
    assert service.calls == []


def test_a_refused_request_fails_with_the_refusal_under_its_own_key(client, service, request_, error):
    service.answers["putRequest"] = [error(1500, "bad")]
    assert client.putRequest(request_) == {
        "OK": False,
        "RequestManager": "Unknown WMS error ( 1500 : bad)",
        "Message": FAILED,
    }
    assert len(service.calls) == 1
    assert [1 <= nap <= 5 and nap == int(nap) for nap in service.naps] == [True]


def test_pauses_are_of_one_to_five_seconds(client, service, request_, error):
    service.answers["putRequest"] = [error("down")]
    client.putRequest(request_, retryMainService=99)
    assert len(service.naps) == 100
    assert set(service.naps) == {1, 2, 3, 4, 5}


def test_the_service_can_be_tried_more_often(client, service, request_, error):
    service.answers["putRequest"] = [error("a"), error("b"), error("c")]
    assert client.putRequest(request_, retryMainService=2)["RequestManager"] == "c"
    assert (len(service.calls), len(service.naps)) == (3, 3)


def test_no_try_follows_a_success(client, service, request_, error):
    service.answers["putRequest"] = [error("a"), {"OK": True, "Value": 5}]
    assert client.putRequest(request_, retryMainService=2)["Value"] == 5
    assert (len(service.calls), len(service.naps)) == (2, 1)


@pytest.mark.parametrize(
    "value", [{"set": True, "saved": False}, {"set": False, "saved": True}, {"set": 0, "saved": 0}]
)
def test_a_proxy_takes_what_the_service_refused(kit, service, request_, error, value):
    service.answers["putRequest"] = [error("down"), {"OK": True, "Value": value}]
    with service.connected(ReqProxyURLs=PROXIES[0]):
        result = kit.ReqClient().putRequest(request_)
    assert (result["OK"], result["Value"]) == (True, value)
    text = request_.toJSON()["Value"]
    assert service.calls == [(MANAGER, "putRequest", (text,), 600), (PROXIES[0], "putRequest", (text,), 600)]
    assert len(service.naps) == 1


def test_every_proxy_is_tried_once_in_any_order(kit, service, request_, error):
    """Each refusal is under its own key; the keys come in the order in which they were tried, the message last."""
    service.answers["putRequest"] = [error("down")]
    orders = set()
    with service.connected(ReqProxyURLs=f" {PROXIES[0]} ,,{PROXIES[1]},{PROXIES[2]},{PROXIES[0]}"):
        for _ in range(60):
            service.calls.clear()
            result = kit.ReqClient().putRequest(request_)
            order = [call.service for call in service.calls]
            assert order[0] == MANAGER
            assert sorted(order[1:]) == PROXIES
            assert list(result) == ["OK", "RequestManager", *(f"RequestProxy({url})" for url in order[1:]), "Message"]
            assert set(result.values()) == {False, "down", FAILED}
            orders.add(tuple(order[1:]))
    assert len(orders) == 6


def test_the_first_proxy_that_takes_it_is_enough(kit, service, request_, error):
    service.answers["putRequest"] = [error("down"), error("down"), {"OK": True, "Value": {"set": True, "saved": True}}]
    with service.connected(ReqProxyURLs=",".join(PROXIES)):
        assert kit.ReqClient().putRequest(request_)["OK"]
    assert len(service.calls) == 3


def test_proxies_can_be_left_out(kit, service, request_, error):
    service.answers["putRequest"] = [error("down")]
    with service.connected(ReqProxyURLs=PROXIES[0]):
        result = kit.ReqClient().putRequest(request_, useFailoverProxy=False)
    assert result == {"OK": False, "RequestManager": "down", "Message": FAILED}
    assert len(service.calls) == 1


@pytest.mark.parametrize(
    ("value", "exception"), [(None, TypeError), ({}, KeyError), ({"set": False}, KeyError), ({"saved": 1}, KeyError)]
)
def test_a_proxy_must_say_what_it_did(kit, service, request_, error, value, exception):
    """Whether it set the request, and if not, whether it saved it; else the answer raises."""
    service.answers["putRequest"] = [error("down"), {"OK": True, "Value": value}]
    with service.connected(ReqProxyURLs=PROXIES[0]), pytest.raises(exception):
        kit.ReqClient().putRequest(request_)


def test_the_connection_s_dice_decide_pauses_and_order(reference):
    """With equal seeds the reference does the same twice."""
    seen = []
    for _ in range(2):
        calls = []

        def refuse(service, method, args, *, timeout=600, calls=calls):
            calls.append(service)
            return {"OK": False, "Message": "down"}

        options = {"RequestManagement/ReqProxyURLs": ",".join(PROXIES)}
        with reference.connect(refuse, owner="alice", group="vo_user", options=options, sleep=calls.append):
            connection().random.seed(3)
            operation = reference.Operation()
            operation.Type, operation.Arguments = "ForwardDISET", b"x"
            request = reference.Request()
            request.RequestName = "n"
            request.addOperation(operation)
            reference.ReqClient().putRequest(request, retryMainService=3)
        seen.append(calls)
    assert seen[0] == seen[1]
    dice = random.Random(3)  # noqa: S311 - no secret
    assert seen[0][1:8:2] == [dice.randint(1, 5) for _ in range(4)]


@pytest.mark.parametrize("method", ["getRequest", "peekRequest"])
def test_a_request_is_got_back(kit, client, service, request_, method):
    service.answers[method] = [{"OK": True, "Value": request_.toJSON()["Value"]}]
    result = getattr(client, method)(5)
    assert result["OK"]
    assert isinstance(result["Value"], kit.Request)
    assert result["Value"].RequestName == "n"
    assert service.calls == [(MANAGER, method, (5,), 600)]


def test_which_request_is_due_is_the_service_s_choice(client, service):
    service.answers["getRequest"] = [{"OK": True, "Value": None}]
    assert client.getRequest()["Value"] is None
    assert service.calls == [(MANAGER, "getRequest", (0,), 600)]


@pytest.mark.parametrize("value", [None, "", {}])
def test_an_empty_answer_is_returned_as_it_is(client, service, value):
    service.answers["getRequest"] = service.answers["peekRequest"] = [{"OK": True, "Value": value}]
    assert client.getRequest(5)["Value"] == value
    assert client.peekRequest(5)["Value"] == value


@pytest.mark.parametrize("method", ["getRequest", "peekRequest"])
def test_a_failure_to_get_a_request_is_returned(client, service, error, method):
    service.answers[method] = [error("down")]
    result = getattr(client, method)(5)
    assert (result["OK"], result["Message"], result["rpcStub"][1]) == (False, "down", method)


def test_peeking_wants_a_number(client, service):
    client.peekRequest("5")
    assert service.calls == [(MANAGER, "peekRequest", (5,), 600)]
    with pytest.raises(ValueError, match="invalid literal"):
        client.peekRequest("x")


def test_getting_takes_the_number_as_it_is(client, service):
    client.getRequest("5")
    assert service.calls[0].args == ("5",)
