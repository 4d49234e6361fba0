"""How DataStoreClient keeps, bundles and fails over accounting records, on the reference and on the real DIRAC."""

import json
import threading
from datetime import datetime
from itertools import chain

import pytest
from DIRACCommon.Core.Utilities.ReturnValues import S_ERROR, S_OK

STORE = "Accounting/DataStore"
MANAGER = "RequestManagement/ReqManager"
START = datetime(2024, 1, 2, 3, 4, 5)
T0 = 1_800_000_000.0
NO_TYPE = "register is not a valid type (has to inherit from BaseAccountingType"


class BaseAccountingType:
    """The name counts, not the class."""

    def __init__(self, *values, check=None):
        self.values = list(values)
        self.check = check or S_OK()

    def checkValues(self):
        return self.check

    def getValues(self):
        return ("Job", START, START, self.values)


class Job(BaseAccountingType):
    """A type of records."""


class PilotJob(Job):
    """A type below another one."""


def made(*numbers):
    """The form in which the client keeps and sends records."""
    return [["Job", START, START, [number]] for number in numbers]


def add(client, *values):
    for value in values:
        assert client.addRegister(Job(value)) == S_OK()


def held(client):
    """Return the values of the records that are held, under DIRAC's own name in both implementations."""
    return [record[3][0] for record in client._DataStoreClient__registersList]


def sent(service):
    """Return the values of the records of each bundle that arrived at the accounting."""
    return [[record[3][0] for record in call.args[0]] for call in service.calls if call.method == "commitRegisters"]


@pytest.fixture
def now(monkeypatch):
    """The clock of both implementations, in seconds: a list whose one item can be changed."""
    now = [T0]
    monkeypatch.setattr("time.time", lambda: now[0])
    return now


@pytest.fixture
def client(implementation, service, now):
    """A client that was made a second ago, so that a failed commit goes to fail-over at once."""
    client = implementation.DataStoreClient()
    now[0] += 1
    return client


@pytest.fixture
def down(service):
    service.refuses("commitRegisters")


# Records


def test_a_record_is_kept_as_a_list_of_four_parts_which_is_a_copy(client, service):
    record = PilotJob(1)
    assert client.addRegister(record) == S_OK()
    record.values[0] = 2
    assert client._DataStoreClient__registersList == made(1)
    assert service.calls == []


@pytest.mark.parametrize("record", [object(), 5, BaseAccountingType(1)], ids=["object", "int", "the base itself"])
def test_a_record_needs_an_ancestor_with_the_name_of_the_base(client, record):
    result = client.addRegister(record)
    assert (result["OK"], result["Errno"], result["Message"]) == (False, 0, NO_TYPE)
    assert held(client) == []


def test_a_record_that_fails_its_own_check_is_refused(client):
    check = S_ERROR("bad record")
    assert client.addRegister(Job(1, check=check)) is check
    assert held(client) == []


@pytest.mark.parametrize(
    ("text", "off"),
    [("yes", True), ("Y", True), ("TRUE", True), ("1", True), ("no", False), ("on", False), ("", False), ("0", False)],
)
def test_accounting_that_an_option_disables_checks_records_and_drops_them(client, service, text, off):
    with service.connected(DisableAccounting=text):
        add(client, 1)
        assert not client.addRegister(Job(1, check=S_ERROR("bad")))["OK"]
        assert not client.addRegister(5)["OK"]
    assert held(client) == ([] if off else [1])


# Commits


def test_records_are_sent_in_one_bundle_and_forgotten(client, service):
    assert client.commit() == S_OK(0)
    assert service.calls == []
    add(client, 1, 2)
    assert client.commit() == S_OK(2)
    assert service.calls == [(STORE, "commitRegisters", (made(1, 2),), 600)]
    assert held(client) == []


@pytest.mark.parametrize(("count", "sizes"), [(5000, [5000]), (10001, [5000, 5000, 1])])
def test_a_bundle_holds_at_most_five_thousand_in_their_order(client, service, count, sizes):
    client._DataStoreClient__registersList.extend(made(*range(count)))
    assert client.commit() == S_OK(count)
    assert [len(bundle) for bundle in sent(service)] == sizes
    assert list(chain(*sent(service))) == list(range(count))


def test_a_failure_in_the_middle_keeps_what_was_not_sent(client, service):
    client.disableFailover()
    client._DataStoreClient__registersList.extend(made(*range(10001)))
    service.answers["commitRegisters"] = [S_OK(), S_ERROR("down"), S_OK()]
    result = client.commit()
    assert (result["OK"], result["Errno"]) == (False, 0)
    assert result["Message"] == "Cannot commit data to DataStore service"
    assert held(client) == list(range(5000, 10001))
    assert client.commit() == S_OK(5001)
    assert [len(bundle) for bundle in sent(service)] == [5000, 5000, 5000, 1]


def test_records_that_come_during_a_commit_stand_before_those_that_were_not_sent(client, service):
    client.disableFailover()
    add(client, 1)
    service.answers["commitRegisters"] = [lambda _: add(client, 2) or S_ERROR("down")]
    assert not client.commit()["OK"]
    assert sent(service) == [[1]]
    assert held(client) == [2, 1]


def test_a_commit_during_a_commit_finds_nothing(client, service):
    """It returns S_OK(0) at once, which is no promise about the records that are on their way (H18)."""
    add(client, 1)
    inner = []
    service.answers["commitRegisters"] = [lambda _: inner.append(client.commit()) or S_OK()]
    assert client.commit() == S_OK(1)
    assert inner == [S_OK(0)]
    assert sent(service) == [[1]]


# Fail-over


def test_refused_records_become_a_request_that_repeats_the_call_and_are_forgotten(client, service, down):
    add(client, 1)
    assert client.commit() == S_OK(1)
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


def test_fail_over_can_be_disabled_by_the_caller(client, service, down):
    client.disableFailover()
    add(client, 1)
    assert client.commit()["Message"] == "Cannot commit data to DataStore service"
    assert service.methods == ["commitRegisters"]
    assert held(client) == [1]


@pytest.mark.parametrize(
    ("grace", "waited", "handed"), [((), 0, False), ((), 1, True), ((10,), 10, False), ((10,), 10.5, True)]
)
def test_fail_over_waits_for_more_than_the_grace_time(implementation, service, now, down, grace, waited, handed):
    client = implementation.DataStoreClient(*grace)
    now[0] += waited
    add(client, 1)
    assert client.commit()["OK"] is handed
    assert ("putRequest" in service.methods) is handed


def test_a_success_starts_the_grace_time_anew_and_fail_over_does_not(implementation, service, now):
    client = implementation.DataStoreClient(10)
    service.answers["commitRegisters"] = [S_OK(), S_ERROR("down")]
    outcomes = []
    for seconds in (100, 5, 6, 1):
        now[0] += seconds
        add(client, 1)
        outcomes.append((client.commit()["OK"], held(client)))
    assert outcomes == [(True, []), (False, [1]), (True, []), (True, [])]
    assert service.methods.count("putRequest") == 2


# Exceptions and malformed answers


NOT_SUBSCRIPTABLE = "TypeError(\"'NoneType' object is not subscriptable\")"


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (ConnectionError("x"), "ConnectionError('x')"),
        (ValueError((1,)), "ValueError((1))"),  # a comma before a bracket is removed, as old Pythons had one
        (None, NOT_SUBSCRIPTABLE),
        ({}, "KeyError('OK')"),
        ({"OK": False}, "KeyError('Message')"),
    ],
    ids=repr,
)
def test_an_exception_and_a_malformed_answer_are_errors_and_keep_the_records(client, service, answer, text):
    service.answers["commitRegisters"] = [answer]
    add(client, 1)
    result = client.commit()
    assert (result["OK"], result["Errno"], result["Message"]) == (False, 0, f"Error committing {text}")
    assert held(client) == [1]


def test_an_exception_in_fail_over_has_the_number_of_the_request_system(client, service, down):
    service.answers["putRequest"] = [OSError("no way")]
    add(client, 1)
    result = client.commit()
    text = "Exception sending accounting failover request: OSError('no way')"
    assert (result["OK"], result["Errno"]) == (False, 1700)
    assert result["Message"] == f"Unknown RMS error ( 1700 : {text})"
    assert held(client) == [1]


# Later commits


class Timer:
    """Stands for threading.Timer: the test lets it run out, in a thread of its own, as the real one does."""

    def __init__(self, interval, function, args=None, kwargs=None):
        self.interval = interval
        self.work = lambda: function(*(args or ()), **(kwargs or {}))
        self.alive = False

    def start(self):
        self.alive = True
        self.made.append(self)

    def is_alive(self):
        return self.alive

    def run_out(self):
        thread = threading.Thread(target=self.work)
        thread.start()
        thread.join(10)
        self.alive = False


@pytest.fixture
def timers(monkeypatch):
    Timer.made = []
    monkeypatch.setattr(threading, "Timer", Timer)
    return Timer.made


def test_a_delayed_commit_sends_in_five_seconds_what_was_added_until_then(implementation, service, timers):
    client = implementation.DataStoreClient()
    add(client, 1)
    assert client.delayedCommit() == S_OK()
    add(client, 2)
    assert client.delayedCommit() == S_OK()
    assert service.calls == []
    assert [timer.interval for timer in timers] == [5]
    timers[0].run_out()
    assert (sent(service), held(client)) == ([[1, 2]], [])
    client.delayedCommit()
    assert len(timers) == 2


def test_a_record_that_is_added_during_a_commit_is_not_lost(reference):
    """A commit takes place while the record is being copied, which loses it in DIRAC."""

    class Slow(Job):
        def getValues(self):
            client.commit()
            return super().getValues()

    with reference.connect(lambda *_, **__: S_OK()):
        client = reference.DataStoreClient()
        client.addRegister(Slow(1))
    assert held(client) == [1]


def test_the_url_and_the_timeout_of_the_client_hold(client, service):
    client.setServer("X/Y")
    client.timeout = 7
    add(client, 1)
    client.commit()
    assert (service.calls[0].service, service.calls[0].timeout) == ("X/Y", 7)


def test_the_commit_goes_on_after_fail_over(client, service):
    client._DataStoreClient__registersList.extend(made(*range(5001)))
    service.answers["commitRegisters"] = [S_ERROR("down"), S_OK()]
    assert client.commit() == S_OK(5001)
    assert service.methods == ["commitRegisters", "putRequest", "commitRegisters"]


def test_an_exception_that_is_no_error_escapes_and_keeps_the_records(client, service):
    def stop(_):
        raise KeyboardInterrupt

    service.answers["commitRegisters"] = [stop]
    add(client, 1)
    with pytest.raises(KeyboardInterrupt):
        client.commit()
    assert held(client) == [1]


def test_a_real_timer_commits_too(implementation, service, monkeypatch):
    started = []

    class Impatient(threading.Timer):
        def __init__(self, _, *args):
            super().__init__(0, *args)
            started.append(self)

    monkeypatch.setattr(threading, "Timer", Impatient)
    client = implementation.DataStoreClient()
    add(client, 1)
    client.delayedCommit()
    started[-1].join(10)
    assert sent(service) == [[1]]


def test_the_records_are_changed_under_the_lock(reference, service):
    """The reference alone: DIRAC looks its list up before it copies the record, and a commit in between loses that."""
    client = reference.DataStoreClient()
    owned = []

    class Watched(list):
        def append(self, record):
            owned.append(client._lock._is_owned())
            super().append(record)

    client._DataStoreClient__registersList = Watched()
    add(client, 1)
    assert owned == [True]
