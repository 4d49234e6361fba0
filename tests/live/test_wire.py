"""DIRAC's own clients get the same over HTTPS from the fakes as from the real services, stubs and texts included."""

from __future__ import annotations

import json
import re
from datetime import datetime

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from dirac_failover.serving import over_https
from dirac_fakes import Caller, World
from tests.live import calls

CALLS = {
    "WorkloadManagement/JobStateUpdate": calls.JOB_CALLS,
    # Which rows are the first ones, only an order says
    "Transformation/TransformationManager": calls.FILE_CALLS.filter(lambda call: not any(call[1][5:6])),
    "RequestManagement/ReqManager": calls.request_calls(
        calls.REQUESTS, calls.ID | calls.st.sampled_from(["1", "9", "x"]), calls.REQUEST_NAMES, calls.JOB_LISTS
    ),
}
COUNT = 100


def drawn(strategy, count):
    """Return so many values of a strategy, the same ones each time."""
    values = []

    @settings(max_examples=count, phases=[Phase.generate], suppress_health_check=list(HealthCheck), derandomize=True)
    @given(strategy)
    def draw(value):
        values.append(value)

    draw()
    return values


def answers(service, wanted, call=None):
    """Return what a client of DIRAC gets, without what is another host's, time's or process's."""
    from DIRAC.Core.Base.Client import Client

    found = []
    for method, args in wanted:
        answer = call(service, method, args) if call else getattr(Client(url=service), method)(*args)
        answer.pop("CallStack", None)
        text = json.dumps(answer, default=str)
        text = re.sub(r"(https|dips)://[\w.:]+/", r"\1://host/", text)
        found.append(
            json.loads(re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?|(?<=timestamp\": )\d+", "<time>", text))
        )
    return found


@pytest.mark.usefixtures("as_user")
@pytest.mark.parametrize("service", CALLS)
def test_clients_get_the_same_over_https(served, service, record_property):
    """A hundred calls of each service."""
    from tests.live.worlds import comparisons

    comparison = comparisons()[service]
    wanted = drawn(CALLS[service], COUNT)
    begin = {"status": "Running"} if "JobState" in service else {}
    comparison.real.reset(**begin)
    real = answers(service, wanted)
    world = comparison.world(**begin)
    world.caller = Caller()
    with over_https(world):
        fake = answers(service, wanted)
    differ = [
        (call, one, other) for call, one, other in zip(wanted, fake, real, strict=True) if read(one) != read(other)
    ]
    record_property("live", f"{service} over HTTPS: {len(wanted)} calls, {len(differ)} differ")
    assert not differ, "\n".join(f"{call}\n  fake {one}\n  real {other}" for call, one, other in differ[:5])


DIPS_CALLS = {
    "Accounting/DataStore": calls.RECORD_CALLS.filter(lambda call: "datetime(1, 1, 1," not in repr(call)),
    "RequestManagement/ReqProxy": calls.st.one_of(
        calls.method("putRequest", calls.REQUESTS),
        calls.method("putRequest", most=[calls.ODD]),
        calls.method("getStatus listCacheDir nonsense"),
        calls.method("getStatus", calls.ODD),
    ),
}


@pytest.mark.usefixtures("as_user")
@pytest.mark.parametrize("service", DIPS_CALLS)
def test_clients_get_the_same_as_over_dips(served, service, record_property):
    """A hundred calls of each service that DIRAC serves by DIPS: in memory the fakes answer what arrives from there."""
    from tests.live.worlds import comparisons

    comparison = comparisons()[service]
    wanted = drawn(DIPS_CALLS[service], COUNT)
    comparison.real.reset()
    url = served.site.url(service)
    differ = [
        (call, one, other)
        for call, one, other in zip(wanted, answers(url, wanted, comparison.world()), answers(url, wanted), strict=True)
        if said(one) != said(other)
    ]
    record_property("live", f"{service} over DIPS: {len(wanted)} calls, {len(differ)} differ")
    assert not differ, "\n".join(f"{call}\n  fake {one}\n  real {other}" for call, one, other in differ[:5])


@pytest.mark.usefixtures("as_user")
def test_a_time_before_the_year_1000_does_not_arrive_over_dips(served):
    """The real server cannot decode it, and closes the connection; in memory it arrives."""
    record = ["DataOperation", datetime(999, 1, 1), calls.WHEN, calls.OPERATION]
    call = [("commitRegisters", ([record],))]
    url = served.site.url("Accounting/DataStore")
    assert [answer["Message"] for answer in answers(url, call)] == ["Peer closed connection"]
    assert "Out of range value for column 'startTime'" in answers(url, call, World())[0]["Message"]


def said(answer):
    """Return an answer without the words of DIRAC's own exceptions, and with names in any order."""
    value = answer.get("Value")
    message = str(answer.get("Message", "")).split(" near ")[0]
    told = (
        message.split("putRequest: ")[0] if message.startswith("Server error while serving putRequest: ") else message
    )
    return answer | {"Message": told, "Value": sorted(value) if isinstance(value, list) else value}


def read(answer):
    """Return an answer without the order of rows, and without what known differences leave out."""
    message = str(answer.get("Message", ""))
    answer = answer | {"Message": re.split(r" near |\n\[SQL", message)[0]}
    if isinstance(value := answer.get("Value"), str) and value.startswith("{"):
        inner = json.loads(value)
        inner.pop("CallStack", None)
        if "Message" in inner:
            inner["Message"] = inner["Message"].split(" near ")[0]
        if isinstance(rows := inner.get("Value"), list):
            rows.sort(key=json.dumps)
        for operation in inner.get("Operations", []):
            operation["Files"].sort(key=lambda file: file["FileID"])
        answer["Value"] = inner
    return answer
