"""The world: routing, stubs, isolation, and the life of faults."""

from __future__ import annotations

import copy
from datetime import datetime, timedelta
from types import MappingProxyType

import pytest

from dirac_fakes import Call, Caller, Fault, FaultError, World
from dirac_fakes.faults import SERVICES
from dirac_fakes.service import carried

NOON = datetime(2026, 1, 1, 12)
JOB_STATE = "WorkloadManagement/JobStateUpdate"
T1 = "2026-01-01 12:00:01"


def _report(world, minor="m", time=T1):
    return world(JOB_STATE, "setJobStatusBulk", (77, {time: {"MinorStatus": minor}}, False))


def test_a_world_has_the_services_of_dirac(world):
    """By attribute, by short name and by full name."""
    names = {
        "job-state": (world.job_state, JOB_STATE),
        "transformation": (world.transformation, "Transformation/TransformationManager"),
        "accounting": (world.accounting, "Accounting/DataStore"),
        "requests": (world.requests, "RequestManagement/ReqManager"),
        "req-proxy": (world.request_proxy, "RequestManagement/ReqProxy"),
    }
    assert list(world.services) == list(SERVICES)
    for short, (service, full) in names.items():
        assert world.service(short) is world.service(full) is service
        assert (service.short, service.full) == (short, full)
    with pytest.raises(KeyError) as error:
        world.service("x")
    assert error.value.args == (f"No service 'x'; there are: {', '.join(SERVICES)}",)


@pytest.mark.parametrize("timeout", [600, 1800])
def test_an_answer_carries_the_stub_of_its_call(world, timeout):
    """Success or not, as DIRAC's HTTPS client makes it; the arguments in it are the caller's own."""
    args = (77, {T1: {"MinorStatus": "m"}}, False)
    answer = world(JOB_STATE, "setJobStatusBulk", args, timeout=timeout)
    assert answer == {
        "OK": True,
        "Value": [["MinorStatus"], ["m"]],
        "rpcStub": ((JOB_STATE, {"timeout": timeout, "useAccessToken": False}), "setJobStatusBulk", list(args)),
    }
    assert answer["rpcStub"][2][1] is args[1]
    assert world(JOB_STATE, "nonsense", ())["rpcStub"] == (
        (JOB_STATE, {"timeout": 600, "useAccessToken": False}),
        "nonsense",
        [],
    )


def test_calls_are_in_the_journal_without_their_stub(world):
    """By the short name of the service, with what was answered and whether it took effect."""
    _report(world)
    world(JOB_STATE, "nonsense", ())
    first, second = world.journal
    assert first == (
        "job-state",
        "setJobStatusBulk",
        (77, {T1: {"MinorStatus": "m"}}, False),
        {"OK": True, "Value": [["MinorStatus"], ["m"]]},
        True,
    )
    assert (second.answer["Errno"], second.applied) == (38, False)


def test_a_world_shares_nothing_with_its_callers(world):
    """Arguments and answers may be changed afterwards: neither journal nor state see it."""
    update = {T1: {"MinorStatus": "m", "Source": ""}}
    answer = world(JOB_STATE, "setJobStatusBulk", (77, update))
    assert update == {T1: {"MinorStatus": "m", "Source": ""}}
    parameters = [["a", ["deep"]]]
    world(JOB_STATE, "setJobParameters", (77, parameters))
    before = copy.deepcopy((world.journal.calls, world.snapshot()))
    update[T1]["MinorStatus"] = "changed"
    answer["Value"][0].append("changed")
    parameters[0][1].append("changed")
    world.snapshot()["job-state"]["history"]["77"].clear()
    assert (world.journal.calls, world.snapshot()) == before


def test_worlds_know_nothing_of_each_other():
    """Neither state nor faults nor journals."""
    one, other = World(), World()
    one.arm("accounting:down")
    assert not one("Accounting/DataStore", "commitRegisters", ([],))["OK"]
    assert other("Accounting/DataStore", "commitRegisters", ([],))["OK"]
    _report(one, time=str(one.clock.now()))
    assert len(other.journal) == 1
    assert other.job_state.status(77) == ("Running", "Application", "Unknown")


@pytest.mark.parametrize(
    ("service", "target"),
    [
        ("https://host:8443/WorkloadManagement/JobStateUpdate", "job-state"),
        ("dips://host:9161/RequestManagement/ReqProxy", "req-proxy"),
        ("dips://host:9161/Some/ReqProxyOfMine", "req-proxy"),
        ("https://host:8443/RequestManagement/ReqManager", "requests"),
    ],
)
def test_a_service_can_be_called_by_its_url(world, service, target):
    """Whatever contains ReqProxy is a proxy; the stub keeps the URL."""
    answer = world(service, "nonsense", ())
    assert world.journal[0].target == target
    assert answer["rpcStub"][0][0] == service
    assert answer["Message"] == (
        "Unknown method nonsense"
        if "dips" in service
        else "Function not implemented ( 38 : nonsense is not implemented)"
    )


@pytest.mark.parametrize(
    "service", ["WorkloadManagement/JobMonitoring", "job-state", "https://host/A/B", "JobStateUpdate"]
)
def test_a_service_that_is_not_there_has_no_url(world, service):
    """DIRAC's client finds none either; the journal has the call under the name that was used."""
    answer = world(service, "m", (1,))
    stub = answer.pop("rpcStub")
    assert stub == ((service, {"timeout": 600, "useAccessToken": False}), "m", [1])
    assert answer == {"OK": False, "Errno": 0, "Message": f"URL for service {service} not found", "CallStack": []}
    assert world.journal.calls == [(service, "m", (1,), answer, False)]


def test_arguments_that_the_wire_cannot_carry_are_a_type_error(world):
    """Nothing reached the service."""
    with pytest.raises(TypeError, match=r"^Object of type ValueError is not JSON serializable$"):
        world(JOB_STATE, "setJobParameter", (77, "a", ValueError("x")))
    assert len(world.journal) == 0


def test_a_world_is_built_from_plain_data():
    """IDs, files, statuses and the caller, whose the job and the transformation are."""
    world = World(
        78,
        5,
        {"/vo/x": {"Status": "Processed"}},
        job_status="Stalled",
        owner="bob",
        group="g",
        properties=("P",),
        now=NOON,
    )
    assert world.caller == Caller("bob", "g", ("P",), "vo")
    assert world.job_state.status(78)[0] == "Stalled"
    assert world.job_state.state["jobs"][78]["Owner"] == "bob"
    assert world.transformation.statuses(5) == {"/vo/x": "Processed"}
    assert world.transformation.state["transformations"] == {5: {"Author": "bob", "AuthorGroup": "g"}}
    assert world.clock.now() == NOON
    assert World().transformation.statuses(12) == {"/vo/a": "Assigned", "/vo/b": "Assigned"}
    assert World().caller == Caller("alice", "vo_user", ("NormalUser", "ProductionManagement"), "vo")
    generated = World(files=(f"/vo/{name}" for name in "xy"))
    assert generated.transformation.statuses(12) == {"/vo/x": "Assigned", "/vo/y": "Assigned"}
    generated.reset()
    assert len(generated.transformation.statuses(12)) == 2
    assert abs(World().clock.now() - World().clock.now()).total_seconds() < 60


def test_files_are_one_or_many_with_columns_or_without():
    """Any mapping will do; what becomes of it later is not the world's business."""
    assert World(files="/vo/x").transformation.statuses(12) == {"/vo/x": "Assigned"}
    assert World(files=MappingProxyType({"/vo/x": {"Status": "Unused"}})).transformation.statuses(12) == {
        "/vo/x": "Unused"
    }
    given = {"/vo/x": {"Status": "Unused"}}
    world = World(files=given)
    given["/vo/x"]["Status"] = "Processed"
    given["/vo/y"] = {}
    world.reset()
    assert world.transformation.statuses(12) == {"/vo/x": "Unused"}


def test_reset_is_the_exact_start(world):
    """State, caller, clock, journal and faults; the objects stay the same."""
    start = world.snapshot()
    services, journal = dict(world.services), world.journal
    world.arm("accounting:down")
    _report(world)
    world("Accounting/DataStore", "commitRegisters", ([],))
    world.job_state.add(79)
    world("RequestManagement/ReqManager", "putRequest", ('{"RequestName": "n", "Operations": [{"Type": "X"}]}',))
    world("RequestManagement/ReqProxy", "putRequest", ('{"RequestName": "n"}',))
    world.caller = Caller("bob", "g")
    world.clock.sleep(5)
    world.reset()
    assert world.snapshot() == start
    assert list(start) == list(SERVICES)
    assert (world.services, world.journal, len(journal)) == (services, journal, 0)
    assert (world.caller.username, world.clock.now()) == ("alice", NOON)
    assert world.unfired() == []
    assert world("Accounting/DataStore", "commitRegisters", ([],))["OK"]


def test_a_world_with_faults_that_do_not_strike_is_a_world_without(world):
    """Bit for bit."""
    plain = World(now=NOON)
    world.arm("transformation:down")
    world.arm("job-state:nth=9")
    assert carried([_report(world), world.snapshot(), world.journal.calls]) == carried(
        [_report(plain), plain.snapshot(), plain.journal.calls]
    )


def test_recovery_ends_faults_and_keeps_everything_else(world):
    """State and journal stay, and what never struck is still known."""
    down = world.arm("accounting:down")
    never = world.arm(Fault("requests", kind="timeout"))
    world("Accounting/DataStore", "commitRegisters", ([],))
    _report(world)
    assert world.unfired() == [never]
    world.recover()
    assert world("Accounting/DataStore", "commitRegisters", ([],))["OK"]
    assert world("RequestManagement/ReqManager", "deleteRequest", (1,))["OK"]
    assert world.job_state.status(77)[1] == "m"
    assert len(world.journal) == 4
    assert world.unfired() == [never]
    assert down == Fault("accounting", kind="down")


def test_of_two_faults_the_first_armed_acts_and_both_count(world):
    """The second has counted the calls that the first took."""
    world.arm("accounting:s_error=one@first=2")
    world.arm("accounting:s_error=two@first=3")
    late = world.arm("accounting:s_error=never@nth=1")
    answers = [world("Accounting/DataStore", "commitRegisters", ([],)) for _ in range(4)]
    assert [answer.get("Message") for answer in answers] == ["one", "one", "two", None]
    assert world.unfired() == [late]


def test_disarming_takes_those_that_are_meant(world):
    """The others stay armed."""
    world.arm("accounting:down")
    world.arm("requests:down")
    world.disarm(lambda fault: fault.target == "accounting")
    assert world("Accounting/DataStore", "commitRegisters", ([],))["OK"]
    assert not world("RequestManagement/ReqManager", "deleteRequest", (1,))["OK"]


def test_a_wrong_fault_is_refused_when_it_is_armed(world):
    """Nothing is armed then."""
    with pytest.raises(FaultError, match=r"^No service 'nobody'"):
        world.arm("nobody:down")
    assert world.unfired() == []


def test_local_faults_are_asked_for(world):
    """Each question counts as one time; a service's fault is no answer."""
    world.arm("accounting:down")
    full = world.arm("file:disk_full@nth=2")
    crash = world.arm("process:crash_at=commit")
    assert [world.file_fault() for _ in range(3)] == [None, full, None]
    assert world.process_fault() is crash
    assert (crash.kind, crash.value) == ("crash_at", "commit")
    assert [str(fault) for fault in world.unfired()] == ["accounting:down"]
    world.recover()
    assert world.process_fault() is None


def test_a_predicate_can_decide_about_a_file(world):
    """It is asked once for each opening; there is no method."""
    seen = []
    world.arm(Fault("file", kind="disk_full", schedule=seen.append))
    assert world.file_fault() is None
    assert seen == [Call("file", "", (), None, applied=False)]


def test_the_armed_faults_can_be_listed(world):
    """Those that act now, in their order."""
    first, second = world.arm("job-state:down"), world.arm("accounting:refuse@nth=2")
    assert world.armed() == [first, second]
    world.job_state.up()
    assert world.armed() == [second]
    world.recover()
    assert world.armed() == []


def test_what_the_last_call_met_on_the_wire_is_known(world):
    """Nothing, unless it met no answer; the answer is then a dictionary like any other."""
    assert world.wire is None
    world.dips = False
    world.arm("accounting:refuse@nth=2")
    wires, answers = [], []
    for _ in range(3):
        answers.append(world("Accounting/DataStore", "commitRegisters", ([],)))
        wires.append(world.wire)
    assert (wires[0], wires[1].event, wires[2]) == (None, "refused", None)
    assert [type(answer) for answer in answers] == [dict] * 3
    world.recover()
    world.arm("accounting:down")
    world("Accounting/DataStore", "commitRegisters", ([],))
    world.reset()
    assert world.wire is None


@pytest.mark.parametrize(("seconds", "late"), [(-600, True), (-59, False), (600, False)])
def test_a_node_with_a_wrong_clock_is_late_or_early_by_it(seconds, late):
    """What it says of its job came before the job began, if its clock is slow enough: only the history shows it."""
    world = World(now=NOON)
    world.arm(f"clock:skew={seconds}")
    began = world.job_state.state["jobs"][77]["StartExecTime"]
    assert world.clock.now() - began == timedelta(minutes=1)
    assert [row["StatusTime"] for row in world.job_state.state["history"][77]] == [str(began)]
    assert [str(fault) for fault in world.unfired()] == [f"clock:skew={seconds}"]
    _report(world, time=str(NOON))
    assert world.unfired() == []
    assert world.job_state.status(77)[1] == ("Application" if late else "m")
    assert len(world.job_state.state["history"][77]) == 2


def test_a_clock_is_wrong_until_the_world_begins_anew():
    """Disarming changes nothing: what time it is at the services is no matter of faults; another skew replaces it."""
    world = World(now=NOON)
    world.arm("clock:skew=-600")
    world.recover()
    assert world.clock.now() == NOON + timedelta(minutes=10)
    world.arm("clock:skew=60")
    assert world.clock.now() == NOON - timedelta(minutes=1)
    assert world.job_state.state["jobs"][77]["StartExecTime"] == NOON - timedelta(minutes=2)
    world.reset()
    assert world.clock.now() == NOON
    assert world.job_state.state["jobs"][77]["StartExecTime"] == NOON - timedelta(minutes=1)
