"""How attributes of a client become calls, on the reference and on the real DIRAC."""

import copy
import pickle

import pytest

from dirac_failover.clients.base import Client, operation_for

CLIENTS = {
    "JobStateUpdateClient": "WorkloadManagement/JobStateUpdate",
    "TransformationClient": "Transformation/TransformationManager",
    "DataStoreClient": "Accounting/DataStore",
    "ReqClient": "RequestManagement/ReqManager",
}


@pytest.fixture(params=CLIENTS)
def name(request):
    """Each client in turn."""
    return request.param


def test_any_method_is_called_at_the_service(kit, service, name):
    service.answers["doIt"] = [{"OK": True, "Value": 5}]
    assert getattr(kit, name)().doIt(1, [2], {"a": None})["Value"] == 5
    assert service.calls == [(CLIENTS[name], "doIt", (1, [2], {"a": None}), 600)]


def test_a_call_can_have_its_own_url_and_timeout(kit, service, name):
    client = getattr(kit, name)()
    client.doIt(1, url="X/Y", timeout=7)
    client.doIt(2, url="", timeout=0)
    client.doIt(3)
    assert service.calls == [
        ("X/Y", "doIt", (1,), 7),
        (CLIENTS[name], "doIt", (2,), 600),
        (CLIENTS[name], "doIt", (3,), 600),
    ]


def test_the_client_can_be_pointed_elsewhere_for_good(kit, service, name):
    client = getattr(kit, name)()
    client.setServer("X/Y")
    client.timeout = 7
    client.doIt()
    assert (client.getServer(), client.serverURL) == ("X/Y", "X/Y")
    assert service.calls == [("X/Y", "doIt", (), 7)]


def test_the_constructor_takes_a_url_and_other_keywords(kit, name):
    client = getattr(kit, name)(url="X/Y", useCertificates=True)
    assert client.serverURL == ("Accounting/DataStore" if name == "DataStoreClient" else "X/Y")
    assert client.timeout == 600


def test_execute_rpc_calls_the_method_that_it_is_told(kit, service, name):
    getattr(kit, name)().executeRPC(1, 2, call="doIt", timeout=7)
    assert service.calls == [(CLIENTS[name], "doIt", (1, 2), 7)]


def test_the_default_service_is_none():
    assert Client().serverURL == ""
    assert Client("X/Y").serverURL == "X/Y"


def test_python_s_own_protocols_are_not_calls():
    """A client can be copied and pickled, which in DIRAC calls the service."""
    client = Client("X/Y")
    assert copy.deepcopy(client).serverURL == "X/Y"
    assert pickle.loads(pickle.dumps(client)).serverURL == "X/Y"  # noqa: S301 - our own
    with pytest.raises(AttributeError, match=r"^__len__$"):
        client.__len__()


def test_an_operation_holds_its_arguments_encoded():
    operation = operation_for("ForwardDISET", (1, "a"))
    assert (operation.Type, operation.Arguments) == ("ForwardDISET", b"ti1es1:ae")
