"""How DataStoreClient keeps, bundles and fails over accounting records, on the reference and on the real DIRAC."""

from __future__ import annotations

import json
import threading
from contextvars import copy_context
from datetime import datetime
from itertools import chain

import pytest

STORE = "Accounting/DataStore"
MANAGER = "RequestManagement/ReqManager"
START = datetime(2024, 1, 2, 3, 4, 5)
T0 = 1_800_000_000.0


class BaseAccountingType:
    """The name counts, not the class."""

    def __init__(self, *values, check=None):
        self.values = list(values)
        self.check = check or {"OK": True, "Value": None}

    def checkValues(self):
        """Return what the test wants."""
        return self.check

    def getValues(self):
        """Return the four parts of a record."""
        return ("Job", START, START, self.values)


class Job(BaseAccountingType):
    """A type of records."""


class PilotJob(Job):
    """A type below another one."""


@pytest.fixture
def now(monkeypatch):
    """The clock of both implementations, in seconds: a list whose one item can be changed."""
    now = [T0]
    monkeypatch.setattr("time.time", lambda: now[0])
    return now


@pytest.fixture
def client(kit, service, now):
    """A client that has been waiting for a second, with a failed commit going to fail-over at once."""
    client = kit.DataStoreClient()
    now[0] += 1
    return client


def add(client, *values):
    """Add a record for each value."""
    for value in values:
        assert client.addRegister(Job(value)) == {"OK": True, "Value": None}


def held(client):
    """Return the values of the records that are held, under DIRAC's own name in both implementations."""
    return [record[3][0] for record in client._DataStoreClient__registersList]


def sent(service):
    """Return the values of the records of each bundle that arrived at the accounting."""
    return [[record[3][0] for record in call.args[0]] for call in service.calls if call.method == "commitRegisters"]


# Records


def test_a_record_is_kept_as_a_list_of_four_parts(client, service):
    """Type, start, end, values; nothing is sent."""
    add(client, 1)
    assert client._DataStoreClient__registersList == [["Job", START, START, [1]]]
    assert service.calls == []


def test_a_record_is_a_copy(client):
    """Whoever changes the original changes nothing here."""
    record = Job(1)
    client.addRegister(record)
    record.values[0] = 2
    assert held(client) == [1]


def test_a_record_s_type_may_have_more_ancestors(client):
    """The base may be any of them."""
    assert client.addRegister(PilotJob(1)) == {"OK": True, "Value": None}
    assert held(client) == [1]


@pytest.mark.parametrize("record", [object(), 5, BaseAccountingType(1)], ids=["object", "int", "the base itself"])
def test_what_is_no_accounting_type_is_refused(client, record):
    """An ancestor must have the name of the base; the class itself does not count."""
    result = client.addRegister(record)
    assert (result["OK"], result["Errno"]) == (False, 0)
    assert result["Message"] == "register is not a valid type (has to inherit from BaseAccountingType"
    assert held(client) == []


def test_a_record_that_fails_its_own_check_is_refused(client, error):
    """What the check says is returned."""
    check = error("bad record")
    assert client.addRegister(Job(1, check=check)) is check
    assert held(client) == []


@pytest.mark.parametrize(
    ("text", "off"),
    [("yes", True), ("Y", True), ("TRUE", True), ("1", True), ("no", False), ("on", False), ("", False), ("0", False)],
)
def test_accounting_can_be_disabled_by_an_option(client, service, text, off, error):
    """A record is still checked, and then dropped without a word."""
    with service.connected(DisableAccounting=text):
        add(client, 1)
        assert not client.addRegister(Job(1, check=error("bad")))["OK"]
        assert not client.addRegister(5)["OK"]
    assert held(client) == ([] if off else [1])


# Commits


def test_without_records_there_is_no_call(client, service):
    """The result is S_OK(0)."""
    assert client.commit() == {"OK": True, "Value": 0}
    assert service.calls == []


def test_records_are_sent_in_one_bundle_and_forgotten(client, service):
    """The result is their number."""
    add(client, 1, 2)
    assert client.commit() == {"OK": True, "Value": 2}
    assert service.calls == [
        (STORE, "commitRegisters", ([["Job", START, START, [1]], ["Job", START, START, [2]]],), 600)
    ]
    assert held(client) == []


def test_the_url_and_the_timeout_of_the_client_hold(client, service):
    """As of any client."""
    client.setServer("X/Y")
    client.timeout = 7
    add(client, 1)
    client.commit()
    assert (service.calls[0].service, service.calls[0].timeout) == ("X/Y", 7)


@pytest.mark.parametrize(("count", "sizes"), [(5000, [5000]), (5001, [5000, 1]), (10001, [5000, 5000, 1])])
def test_a_bundle_holds_at_most_five_thousand(client, service, count, sizes):
    """In the order in which they were added."""
    client._DataStoreClient__registersList.extend(["Job", START, START, [number]] for number in range(count))
    assert client.commit() == {"OK": True, "Value": count}
    assert [len(bundle) for bundle in sent(service)] == sizes
    assert list(chain(*sent(service))) == list(range(count))


def test_a_failure_in_the_middle_keeps_what_was_not_sent(client, service, error):
    """The bundles before it are gone; a later commit sends the rest."""
    client.disableFailover()
    client._DataStoreClient__registersList.extend(["Job", START, START, [number]] for number in range(10001))
    service.answers["commitRegisters"] = [{"OK": True, "Value": None}, error("down"), {"OK": True, "Value": None}]
    result = client.commit()
    assert (result["OK"], result["Errno"]) == (False, 0)
    assert result["Message"] == "Cannot commit data to DataStore service"
    assert held(client) == list(range(5000, 10001))
    assert client.commit() == {"OK": True, "Value": 5001}
    assert [len(bundle) for bundle in sent(service)] == [5000, 5000, 5000, 1]


def test_records_that_come_during_a_commit_are_not_in_it(client, service, error):
    """And stand before the ones that were not sent."""
    client.disableFailover()
    add(client, 1)

    def refuse(_):
        add(client, 2)
        return error("down")

    service.answers["commitRegisters"] = [refuse]
    assert not client.commit()["OK"]
    assert sent(service) == [[1]]
    assert held(client) == [2, 1]


def test_a_commit_during_a_commit_finds_nothing(client, service):
    """It returns S_OK(0) at once, which is no promise about the records that are on their way (H18)."""
    add(client, 1)
    inner = []
    service.answers["commitRegisters"] = [lambda _: inner.append(client.commit()) or {"OK": True, "Value": None}]
    assert client.commit() == {"OK": True, "Value": 1}
    assert inner == [{"OK": True, "Value": 0}]
    assert sent(service) == [[1]]


# Fail-over


def test_refused_records_are_handed_to_the_request_system(kit, client, service, error):
    """One request with one operation that repeats the call; the records count as handled and are forgotten."""
    service.answers["commitRegisters"] = [error("down")]
    add(client, 1)
    assert client.commit() == {"OK": True, "Value": 1}
    assert [call[:2] for call in service.calls] == [(STORE, "commitRegisters"), (MANAGER, "putRequest")]
    request = json.loads(service.calls[1].args[0])
    assert request["RequestName"].startswith(f"Accounting.DataStore.{T0 + 1}.0.")
    assert 0 <= float(request["RequestName"].removeprefix(f"Accounting.DataStore.{T0 + 1}.")) < 1
    assert (request["Owner"], request["OwnerGroup"], request["JobID"]) == ("alice", "vo_user", 0)
    assert request["SourceComponent"] is None
    assert [operation["Type"] for operation in request["Operations"]] == ["ForwardDISET"]
    assert request["Operations"][0]["Arguments"] == (
        "tts20:Accounting/DataStoreds7:timeouti600es14:useAccessTokenb0ees15:commitRegisters"
        "llls3:Jobzati2024ei1ei2ei3ei4ei5ei0enezati2024ei1ei2ei3ei4ei5ei0eneli1eeeeee"
    )
    assert held(client) == []


def test_the_commit_goes_on_after_fail_over(client, service, error):
    """The next bundle is sent to the accounting again."""
    client._DataStoreClient__registersList.extend(["Job", START, START, [number]] for number in range(5001))
    service.answers["commitRegisters"] = [error("down"), {"OK": True, "Value": None}]
    assert client.commit() == {"OK": True, "Value": 5001}
    assert service.methods == ["commitRegisters", "putRequest", "commitRegisters"]


def test_what_the_request_system_refuses_is_kept(client, service, error):
    """The refusal is returned, as ReqClient words it."""
    service.answers["commitRegisters"] = [error("down")]
    service.answers["putRequest"] = [error("down as well")]
    add(client, 1)
    result = client.commit()
    assert sorted(result) == ["Message", "OK", "RequestManager"]
    assert result["RequestManager"] == "down as well"
    assert result["Message"].startswith("ReqClient.putRequest: unable to set request 'Accounting.DataStore.18")
    assert held(client) == [1]
    assert len(service.naps) == 1


def test_a_request_without_an_owner_is_refused(kit, now, error):
    """Fail-over takes a proxy."""
    calls = []

    def refuse(service, method, args, *, timeout=600):
        calls.append(method)
        return {"OK": False, "Message": "down", "rpcStub": ((service, {}), method, [1])}

    with kit.connect(refuse):
        client = kit.DataStoreClient()
        now[0] += 1
        add(client, 1)
        result = client.commit()
    assert not result["OK"]
    assert result["Message"].startswith("Request 'Accounting.DataStore.")
    assert result["Message"].endswith("' is missing both Owner and OwnerDN value")
    assert calls == ["commitRegisters"]
    assert held(client) == [1]


def test_an_exception_in_fail_over_is_an_error_of_its_own(client, service, error):
    """With the number of the request system; the records are kept."""
    service.answers["commitRegisters"] = [error("down")]
    service.answers["putRequest"] = [OSError("no way")]
    add(client, 1)
    result = client.commit()
    assert (result["OK"], result["Errno"]) == (False, 1700)
    assert result["Message"] == (
        "Unknown RMS error ( 1700 : Exception sending accounting failover request: OSError('no way'))"
    )
    assert held(client) == [1]


@pytest.mark.parametrize(("text", "enabled"), [("yes", False), ("True", False), ("no", True), ("", True)])
def test_fail_over_can_be_disabled_by_an_option(kit, service, now, error, text, enabled):
    """It is read when the client is made."""
    with service.connected(DisableFailover=text):
        client = kit.DataStoreClient()
    now[0] += 1
    service.answers["commitRegisters"] = [error("down")]
    add(client, 1)
    assert client.commit()["OK"] is enabled
    assert ("putRequest" in service.methods) is enabled


def test_fail_over_can_be_disabled_by_the_caller(client, service, error):
    """For good."""
    client.disableFailover()
    service.answers["commitRegisters"] = [error("down")]
    add(client, 1)
    assert client.commit()["Message"] == "Cannot commit data to DataStore service"
    assert service.methods == ["commitRegisters"]
    assert held(client) == [1]


@pytest.mark.parametrize(
    ("grace", "waited", "handed"), [(0, 0, False), (0, 1, True), (10, 10, False), (10, 10.5, True)]
)
def test_fail_over_waits_for_the_grace_time(kit, service, now, error, grace, waited, handed):
    """More seconds than that must have gone since the client was made."""
    client = kit.DataStoreClient(retryGraceTime=grace)
    now[0] += waited
    service.answers["commitRegisters"] = [error("down")]
    add(client, 1)
    assert client.commit()["OK"] is handed
    assert ("putRequest" in service.methods) is handed


def test_a_success_starts_the_grace_time_anew(kit, service, now, error):
    """A commit in fail-over does not."""
    client = kit.DataStoreClient(10)
    service.answers["commitRegisters"] = [{"OK": True, "Value": None}, error("down")]
    outcomes = []
    for seconds in (100, 5, 6, 1):
        now[0] += seconds
        add(client, 1)
        outcomes.append((client.commit()["OK"], held(client)))
    assert outcomes == [(True, []), (False, [1]), (True, []), (True, [])]
    assert service.methods.count("putRequest") == 2


# What should not happen


def test_an_exception_of_the_call_is_an_error(client, service):
    """Its repr is in the message, without the trailing comma of old Pythons; the records are kept."""
    service.answers["commitRegisters"] = [ConnectionError("x")]
    add(client, 1)
    result = client.commit()
    assert (result["OK"], result["Errno"]) == (False, 0)
    assert result["Message"] == "Error committing ConnectionError('x')"
    assert held(client) == [1]


def test_a_comma_before_a_closing_bracket_is_removed(client, service):
    """Wherever it is."""
    service.answers["commitRegisters"] = [ValueError((1,))]
    add(client, 1)
    assert client.commit()["Message"] == "Error committing ValueError((1))"


def test_an_exception_that_is_no_error_escapes(client, service):
    """The records are kept all the same."""

    def stop(_):
        raise KeyboardInterrupt

    service.answers["commitRegisters"] = [stop]
    add(client, 1)
    with pytest.raises(KeyboardInterrupt):
        client.commit()
    assert held(client) == [1]


@pytest.mark.parametrize("failover", [True, False])
@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (None, "TypeError(\"'NoneType' object is not subscriptable\")"),
        ({}, "KeyError('OK')"),
        ({"OK": False}, "KeyError('Message')"),
    ],
    ids=repr,
)
def test_a_malformed_answer_is_an_error(client, service, failover, answer, text):
    """And the records are kept."""
    if not failover:
        client.disableFailover()
    service.answers["commitRegisters"] = [answer]
    add(client, 1)
    assert client.commit()["Message"] == f"Error committing {text}"
    assert held(client) == [1]


def test_without_a_stub_there_is_no_fail_over(client, service, error):
    """The commit fails, and the records are kept."""
    service.stubs = False
    service.answers["commitRegisters"] = [error("down")]
    add(client, 1)
    assert client.commit()["Message"] == "Error committing KeyError('rpcStub')"
    assert service.methods == ["commitRegisters"]
    assert held(client) == [1]


# Later commits


class Timer:
    """Stands for threading.Timer: it is run by the test."""

    made: list[Timer]

    def __init__(self, interval, function, args=None, kwargs=None):
        self.interval = interval
        self.work = lambda: function(*(args or ()), **(kwargs or {}))
        self.alive = False

    def start(self):
        """Begin to wait."""
        self.alive = True
        self.made.append(self)

    def is_alive(self):
        """Tell whether it waits."""
        return self.alive

    def run_out(self):
        """End the waiting, in a thread of its own, as the real one does."""
        thread = threading.Thread(target=self.work)
        thread.start()
        thread.join(10)
        self.alive = False


@pytest.fixture
def timers(monkeypatch):
    """The timers that were started."""
    timers = Timer.made = []
    monkeypatch.setattr(threading, "Timer", Timer)
    return timers


def test_a_delayed_commit_takes_place_in_five_seconds(kit, service, timers):
    """Together with what was added until then, in another thread, through the connection of this one."""
    client = kit.DataStoreClient()
    add(client, 1)
    assert client.delayedCommit() == {"OK": True, "Value": None}
    add(client, 2)
    assert service.calls == []
    assert [timer.interval for timer in timers] == [5]
    timers[0].run_out()
    assert sent(service) == [[1, 2]]
    assert held(client) == []


def test_one_delayed_commit_waits_at_a_time(kit, service, timers):
    """A second one is started only after the first has run out."""
    client = kit.DataStoreClient()
    client.delayedCommit()
    assert client.delayedCommit() == {"OK": True, "Value": None}
    assert len(timers) == 1
    timers[0].run_out()
    client.delayedCommit()
    assert len(timers) == 2


def test_a_real_timer_commits_too(kit, service, monkeypatch):
    """Unless it is told to wait no longer, it waits for five seconds."""
    started = []

    class Impatient(threading.Timer):
        def __init__(self, _, *args):
            super().__init__(0, *args)
            started.append(self)

    monkeypatch.setattr(threading, "Timer", Impatient)
    client = kit.DataStoreClient()
    add(client, 1)
    client.delayedCommit()
    started[-1].join(10)
    assert sent(service) == [[1]]


def test_nothing_is_lost_or_doubled_between_threads(reference):
    """Records added and committed by several threads at once arrive exactly once.

    The reference alone: DIRAC looks its list up before it copies the record, and a commit in between loses that.
    """
    arrived = []

    def take(service, method, args, *, timeout=600):
        arrived.extend(record[3][0] for record in args[0])
        return {"OK": True, "Value": None}

    def work(client, first):
        for number in range(first, first + 50):
            add(client, number)
            assert client.commit()["OK"]

    with reference.connect(take):
        client = reference.DataStoreClient()
        threads = [
            threading.Thread(target=copy_context().run, args=(work, client, first)) for first in range(0, 150, 50)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
    assert sorted(arrived) == list(range(150))


def test_a_record_that_is_added_during_a_commit_is_not_lost(reference):
    """Even when the commit takes place while the record is being copied, which loses it in DIRAC."""

    class Slow(Job):
        def getValues(self):
            client.commit()
            return super().getValues()

    with reference.connect(lambda *_, **__: {"OK": True, "Value": None}):
        client = reference.DataStoreClient()
        client.addRegister(Slow(1))
    assert held(client) == [1]
