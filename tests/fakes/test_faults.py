"""Faults: when they strike, and how they are written."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dirac_fakes import Call, Fault, FaultError, World
from dirac_fakes.faults import LOCAL, SCHEDULES, SERVICES, Armed
from dirac_fakes.kinds import KINDS


def _struck(schedule, calls=8):
    world = World(dips=False)
    world.arm(Fault("accounting", schedule=schedule))
    answers = [world("Accounting/DataStore", "commitRegisters", ([],))["OK"] for _ in range(calls)]
    return "".join("." if ok else "x" for ok in answers)


@pytest.mark.parametrize(
    ("schedule", "struck"),
    [
        ("always", "xxxxxxxx"),
        ("first=1", "x......."),
        ("first=3", "xxx....."),
        ("nth=1", "x......."),
        ("nth=3", "..x....."),
        ("after=0", "xxxxxxxx"),
        ("after=3", "...xxxxx"),
        ("every=1", "xxxxxxxx"),
        ("every=3", "..x..x.."),
        ("seeded=0/1", "........"),
        ("seeded=1/1", "xxxxxxxx"),
        ("seeded=1.0/1", "xxxxxxxx"),
        ("seeded=0.5/1", "x..xxx.."),
        ("seeded=.5/2", "..xx...x"),
    ],
)
def test_when_a_fault_strikes(schedule, struck):
    """Calls count from the moment it is armed; a seed makes the same ones each time."""
    assert _struck(schedule) == struck
    assert _struck(schedule) == struck


def test_a_seeded_fault_strikes_below_its_probability(monkeypatch):
    """It does not strike at the probability itself."""
    monkeypatch.setattr("dirac_fakes.faults.random.Random", lambda seed: SimpleNamespace(random=lambda: seed / 4))
    assert _struck("seeded=0.5/1", 1) == "x"
    assert _struck("seeded=0.5/2", 1) == "."


def test_a_predicate_is_asked_with_each_matching_call(world):
    """It sees service, method and arguments, before anything happened."""
    seen = []

    def odd(call):
        seen.append(call)
        return call.args[0] % 2 == 1

    world.arm(Fault("requests", "deleteRequest", schedule=odd))
    answers = [world("RequestManagement/ReqManager", "deleteRequest", (n,))["OK"] for n in (1, 2, 3)]
    world("RequestManagement/ReqManager", "getRequest", ())
    assert answers == [False, True, False]
    assert seen == [Call("requests", "deleteRequest", (n,), None, applied=False) for n in (1, 2, 3)]


def test_only_calls_of_its_method_count(world):
    """Others do not even count."""
    world.dips = False  # a client of DIPS would try again
    world.arm("accounting.commitRegisters:nth=2")
    world("Accounting/DataStore", "commit", ())
    assert world("Accounting/DataStore", "commitRegisters", ([],))["OK"]
    assert world("Transformation/TransformationManager", "getTransformationFiles", ())["OK"]
    assert not world("Accounting/DataStore", "commitRegisters", ([],))["OK"]


# How they are written

TEXTS = [
    ("transformation:down", Fault("transformation", None, "down")),
    (
        "job-state.setJobStatusBulk:s_error=boom@nth=2",
        Fault("job-state", "setJobStatusBulk", "s_error", "boom", "nth=2"),
    ),
    ("job-state:refuse@first=2", Fault("job-state", None, "refuse", None, "first=2")),
    ("requests:s_error=me@home@always", Fault("requests", None, "s_error", "me@home")),
    ("requests:s_error=", Fault("requests", None, "s_error", "")),
    ("requests:s_error=a\nb=c:d", Fault("requests", None, "s_error", "a\nb=c:d")),
    (
        "req-proxy.putRequest:latency=250@seeded=0.3/42",
        Fault("req-proxy", "putRequest", "latency", "250", "seeded=0.3/42"),
    ),
    ("file:short_write=10", Fault("file", None, "short_write", "10")),
    ("file:disk_full@first=1", Fault("file", None, "disk_full", None, "first=1")),
    ("process:crash_at=commit", Fault("process", None, "crash_at", "commit")),
    ("clock:skew=-600", Fault("clock", None, "skew", "-600")),
]


@pytest.mark.parametrize(("text", "fault"), TEXTS, ids=[text for text, _ in TEXTS])
def test_a_fault_reads_and_writes_as_text_and_json(text, fault):
    """Each form gives back the same fault."""
    assert Fault.parse(text) == fault
    assert str(fault) == text
    assert Fault.from_json(json.loads(json.dumps(fault.to_json()))) == fault


FAULTS = st.builds(
    Fault,
    st.sampled_from(list(SERVICES)),
    st.none(),
    st.just("s_error"),
    st.none() | st.text(),
    st.sampled_from(["always", "first=3", "seeded=0.25/7"]),
)


@given(FAULTS)
def test_any_message_survives_both_forms(fault):
    """Whatever signs it holds."""
    assert Fault.parse(str(fault)) == fault
    assert Fault.from_json(fault.to_json()) == fault


@pytest.mark.parametrize("schedule", ["always", "first=2", "nth=2", "after=2", "every=2", "seeded=0.5/1"])
def test_a_schedule_alone_means_refuse(schedule):
    """Each of them."""
    assert Fault.parse(f"job-state:{schedule}") == Fault("job-state", None, "refuse", None, schedule)
    assert {schedule.partition("=")[0] for schedule in ("always", "first", "nth", "after", "every", "seeded")} == set(
        SCHEDULES
    )


def test_a_service_may_be_named_in_full():
    """A fault keeps the short name; a number as value becomes its text."""
    fault = Fault("Transformation/TransformationManager", kind="latency", value=5)
    assert (fault.target, fault.value) == ("transformation", "5")
    assert Fault("job-state", "setJobSite", "down").method == "setJobSite"
    assert Fault("process", kind="crash_at", value="commit").parameter() == "commit"
    assert Fault.parse("Accounting/DataStore.commit:down") == Fault("accounting", "commit", "down")
    assert Fault.from_json({"target": "accounting"}) == Fault("accounting")


def test_a_predicate_has_no_text_and_no_json():
    """It shows as when, which is not read back."""
    fault = Fault("accounting", schedule=lambda _: True)
    assert str(fault) == "accounting:refuse@when"
    with pytest.raises(FaultError, match=r"^accounting:refuse@when has a predicate, which exists in Python only$"):
        fault.to_json()
    with pytest.raises(
        FaultError, match=r"^No schedule 'when'; there are: always, .* when \(in Python: a predicate\)$"
    ):
        Fault.parse("accounting:refuse@when")


NUMBER = "accepted is a whole number, not negative"
POSITIVE = "accepted is a whole number from 1"
STATUS = "accepted is an HTTP status from 400 to 599, and then ';applied' or nothing"
EXCEPTION = "accepted is the name of a built-in exception that needs no more than a text, or 'NAME: text'"
SMALL = "accepted is a text, and then ';errno=N' with a whole number N of at most 9 characters"
NOT_JSON = "accepted is a text that is not JSON, and then ';applied' or nothing"
WRONG = [
    ("transformation", "Not a fault: 'transformation'; accepted is SERVICE[.METHOD]:KIND[=VALUE][@SCHEDULE]"),
    ("transformation:", "Not a fault: 'transformation:'; accepted is SERVICE[.METHOD]:KIND[=VALUE][@SCHEDULE]"),
    (
        "nobody:down",
        f"No service 'nobody'; there are: {', '.join(SERVICES)}, file, process, clock",
    ),
    (
        "transfomation:down",
        f"No service 'transfomation'; did you mean transformation? there are: {', '.join((*SERVICES, *LOCAL))}, clock",
    ),
    (
        "accounting.comit:down",
        "No method 'comit' of accounting; did you mean commit? there are: commit, commitRegisters",
    ),
    ("accounting.x:down", "No method 'x' of accounting; there are: commit, commitRegisters"),
    ("file.x:disk_full", "No method 'x' of file; there are: none: leave it out"),
    (
        "accounting:disk_full",
        f"Fault 'disk_full' cannot hit accounting; what can: {', '.join(list(KINDS)[:-5])}",
    ),
    ("file:down", "Fault 'down' cannot hit file; what can: disk_full, read_only, short_write"),
    ("process:disk_full", "Fault 'disk_full' cannot hit process; what can: crash_at"),
    ("accounting:down=1", "Fault 'down' with value '1': accepted is no value"),
    ("accounting:latency", f"Fault 'latency' with value None: {NUMBER}"),
    ("accounting:latency=-1", f"Fault 'latency' with value '-1': {NUMBER}"),
    ("accounting:partial=x", f"Fault 'partial' with value 'x': {NUMBER}"),
    ("accounting:limit_data=1.5", f"Fault 'limit_data' with value '1.5': {NUMBER}"),
    ("file:short_write=", f"Fault 'short_write' with value '': {NUMBER}"),
    ("process:crash_at", "Fault 'crash_at' with value None: accepted is a text"),
    ("clock:down", "Fault 'down' cannot hit clock; what can: skew"),
    *(
        (
            f"clock:skew{value}",
            f"Fault 'skew' with value {said}: accepted is a whole number of seconds, not 0, of at most nine digits",
        )
        for value, said in (("", "None"), ("=0", "'0'"), ("=1.5", "'1.5'"), ("=1234567890", "'1234567890'"))
    ),
    ("accounting:reset_peer=x", "Fault 'reset_peer' with value 'x': accepted is 'applied', or no value"),
    ("accounting:empty_reply=", "Fault 'empty_reply' with value '': accepted is 'applied', or no value"),
    *(
        (
            f"accounting:http={status}",
            f"Fault 'http' with value '{status}': {STATUS}",
        )
        for status in ("399", "600", "503;", "")
    ),
    ("accounting:http", f"Fault 'http' with value None: {STATUS}"),
    (
        "accounting:malformed_reply=[1];applied",
        f"Fault 'malformed_reply' with value '[1];applied': {NOT_JSON}",
    ),
    *(
        (
            f"accounting:raises{value}",
            f"Fault 'raises' with value {value[1:]!r}: {EXCEPTION}",
        )
        for value in ("=Nonsense", "=print", "=int", "=", "=__name__", "=UnicodeDecodeError", "=ExceptionGroup: x")
    ),
    (
        "accounting:bad_shape=x",
        "Fault 'bad_shape' with value 'x': accepted is 'missing' (no Value), 'none' (no answer), or JSON (the Value)",
    ),
    (
        "accounting:s_error=x;errno=1234567890;stub=no",
        f"Fault 's_error' with value 'x;errno=1234567890;stub=no': {SMALL}",
    ),
    *(
        (f"accounting:s_error=x;errno={number}", f"Fault 's_error' with value 'x;errno={number}': {SMALL}")
        for number in ("abc", "", "-", "1.5")
    ),
    ("accounting:down@always=1", "Schedule 'always=1': accepted is no value"),
    ("accounting:down@first", f"Schedule 'first': {NUMBER}"),
    ("accounting:down@first=0", f"Schedule 'first=0': {POSITIVE}"),
    ("accounting:nth=0", f"Schedule 'nth=0': {POSITIVE}"),
    ("accounting:every=0", f"Schedule 'every=0': {POSITIVE}"),
    ("accounting:down@after=x", f"Schedule 'after=x': {NUMBER}"),
    *(
        (f"accounting:seeded{value}", f"Schedule 'seeded{value}': accepted is PROBABILITY/SEED, such as 0.3/42")
        for value in ("", "=1.5/1", "=0.5", "=2/1", "=x/1", "=0.5/x")
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), WRONG, ids=[text for text, _ in WRONG])
def test_what_does_not_exist_is_refused_with_what_does(text, message):
    """When it is written, not when it should strike."""
    with pytest.raises(FaultError) as error:
        Fault.parse(text)
    assert str(error.value) == message
    assert isinstance(error.value, ValueError)


@pytest.mark.parametrize("thing", [None, 5, {"target": "accounting"}, PurePosixPath("accounting:down")])
def test_what_is_no_fault_cannot_be_armed(thing):
    """Neither a fault nor its text."""
    with pytest.raises(FaultError) as error:
        World().arm(thing)
    assert str(error.value) == (
        f"Not a fault: {thing!r}; accepted is a Fault, or its text SERVICE[.METHOD]:KIND[=VALUE][@SCHEDULE]"
    )


def test_an_unknown_kind_is_refused_with_all_kinds():
    """The message lists the schedules too, since they can stand in their place."""
    with pytest.raises(FaultError) as error:
        Fault.parse("accounting:explode")
    assert str(error.value) == (
        f"No fault 'explode'; there are: {', '.join(KINDS)}, always (a schedule: refuse), first (a schedule: refuse), "
        "nth (a schedule: refuse), after (a schedule: refuse), every (a schedule: refuse), seeded (a schedule: refuse)"
    )
    with pytest.raises(FaultError, match=r"^No fault 'first'; there are: down, "):
        Fault.parse("accounting:first=2@nth=1")
    with pytest.raises(
        FaultError, match=r"^No schedule 'home'; there are: always, first, nth, after, every, seeded, when"
    ):
        Fault.parse("accounting:s_error=me@home")


@pytest.mark.parametrize("data", [{}, {"kind": "down"}, {"target": "accounting", "until": 3}])
def test_json_that_is_no_fault_is_refused(data):
    """With the keys that there are."""
    with pytest.raises(FaultError) as error:
        Fault.from_json(data)
    assert str(error.value) == f"Not a fault: {data!r}; accepted are: target, method, kind, value, schedule"


def test_every_kind_says_what_it_is():
    """The table has a sentence for each, and local kinds have a place that they hit."""
    assert all(kind.sees and kind.applied for kind in KINDS.values())
    assert all(schedule.when for schedule in SCHEDULES.values())
    assert {"skew"}.union(*LOCAL.values()) == {name for name, kind in KINDS.items() if kind.applied == "local"}


def test_faults_are_values():
    """Equal ones are equal, and they do not change."""
    assert Fault.parse("accounting:down") == Fault("accounting", kind="down")
    assert len({Fault.parse("accounting:down"), Fault("accounting", kind="down")}) == 1
    with pytest.raises(AttributeError):
        Fault("accounting").kind = "down"


def test_an_armed_fault_counts_the_calls_that_are_for_it():
    """It has not struck before somebody says so."""
    armed = Armed(Fault("accounting", "commit"))
    assert (armed.fired, armed.seen) == (False, 0)
    for target, method in (("requests", "commit"), ("accounting", "commitRegisters")):
        assert armed.strikes(target, method, ()) is False
    assert armed.seen == 0
    assert armed.strikes("accounting", "commit", ()) is True
    assert (armed.fired, armed.seen) == (False, 1)
