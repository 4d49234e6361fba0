"""How attributes of a client become calls, on the reference and on the real DIRAC."""

import copy
import pickle
from datetime import datetime

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
    return request.param


def test_any_method_is_called_at_the_service_or_where_the_call_says(implementation, service, name):
    service.answers["doIt"] = [{"OK": True, "Value": 5}]
    client = getattr(implementation, name)()
    assert client.doIt(1, [2], {"a": None})["Value"] == 5
    client.doIt(1, url="X/Y", timeout=7)
    client.doIt(2, url="", timeout=0)
    client.executeRPC(1, 2, call="doIt", timeout=7)
    home = CLIENTS[name]
    assert service.calls == [
        (home, "doIt", (1, [2], {"a": None}), 600), ("X/Y", "doIt", (1,), 7), (home, "doIt", (2,), 600),
        (home, "doIt", (1, 2), 7),
    ]  # fmt: skip


def test_the_client_can_be_pointed_elsewhere_for_good(implementation, service, name):
    client = getattr(implementation, name)()
    client.setServer("X/Y")
    client.timeout = 7
    client.doIt()
    assert (client.getServer(), client.serverURL) == ("X/Y", "X/Y")
    assert service.calls == [("X/Y", "doIt", (), 7)]


def test_the_constructor_takes_other_keywords_and_a_url_which_data_store_client_ignores(implementation, name):
    client = getattr(implementation, name)(url="X/Y", useCertificates=True)
    assert client.serverURL == ("Accounting/DataStore" if name == "DataStoreClient" else "X/Y")
    assert client.timeout == 600


def test_a_client_without_a_class_of_its_own_has_no_service():
    assert (Client().serverURL, Client("X/Y").serverURL) == ("", "X/Y")


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


def test_a_status_is_set_with_all_six_arguments(implementation, service):
    service.answers["setJobStatus"] = [{"OK": True, "Value": "taken"}]
    when = datetime(2026, 1, 2)
    client = implementation.JobStateUpdateClient()
    assert client.setJobStatus(77)["Value"] == "taken"
    client.setJobStatus(77, "Running", "Minor", "Job", when, True)
    named = {"status": "Running", "minorStatus": "Minor", "source": "Job", "datetime_": when, "force": True}
    client.setJobStatus(77, **named, url="X/Y", timeout=7)
    home = CLIENTS["JobStateUpdateClient"]
    assert service.calls == [
        (home, "setJobStatus", (77, "", "", "Unknown", None, False), 600),
        (home, "setJobStatus", (77, "Running", "Minor", "Job", when, True), 600),
        ("X/Y", "setJobStatus", (77, "Running", "Minor", "Job", when, True), 7),
    ]
