from functools import reduce
from itertools import repeat

import pytest

from dirac_failover.drivers.recording import Recorder
from dirac_failover.drivers.setup import ExampleRecord
from dirac_failover.drivers.witness import Witness
from dirac_failover.spec.duties import of_file, of_parameter, of_record, of_update
from dirac_fakes import World

RECORD = [*ExampleRecord().getValues()]
DOUBLED = reduce(lambda found, _: [found, found], range(40), ["x"])
"""A list that holds itself twice at each level: a tree of 2**40 items."""


@pytest.fixture
def world():
    return World()


@pytest.fixture
def connected(implementation, world):
    with implementation.connect(world, owner="alice", group="vo_user", sleep=world.clock.sleep):
        yield implementation


@pytest.fixture
def witness(connected):
    recorder = Recorder(connected)
    with recorder.watching():
        yield recorder.witness


def dues(witness, *modules):
    """All that is owed, in that order."""
    return [due for taken in witness.owed(modules).taken for due in taken.dues]


def removal(implementation):
    operation = implementation.Operation()
    operation.Type = "RemoveFile"
    return operation


def test_what_is_sent_at_once_is_seen(connected, witness):
    """By clients that are nowhere else, too: it is taken between the beginning and the end of a call."""
    witness.begin({})
    report = connected.JobReport(77)
    report.setJobStatus("Running", "minor", "application")
    report.setJobParameter("p", 1)
    files = connected.FileReport()
    files.setFileStatus(12, "/vo/a", "Processed", sendFlag=True)
    client = connected.DataStoreClient()
    client.addRegister(ExampleRecord())
    client.commit()
    assert report.jobStatusInfo == report.appStatusInfo == report.jobParameters == []
    assert (files.statusDict, client.commit()["Value"]) == ({}, 0)
    status, minor, application, *others = dues(witness)
    time = status.of[1]
    assert (status, minor) == of_update(77, time, {"Status": "Running", "MinorStatus": "minor"})
    assert (application,) == of_update(77, application.of[1], {"ApplicationStatus": "application"})
    assert others == [
        *of_parameter(77, "p", 1),
        *of_file(12, "/vo/a", "Processed", False),
        *of_record(RECORD),
    ]


def test_what_is_dropped_later_stays_due(connected, witness, world):
    """Each thing once, however often it is tried: what a client gives back is what it was given."""
    witness.begin({})
    world.accounting.down()
    world.requests.down()
    client = connected.DataStoreClient()
    client.addRegister(ExampleRecord())
    client.addRegister(ExampleRecord())
    for _ in range(2):
        assert not client.commit()["OK"]
    client._DataStoreClient__registersList.clear()
    report = connected.JobReport(77)
    report.setApplicationStatus("said", sendFlag=False)
    report.appStatusInfo.clear()
    assert len(dues(witness)) == 3


def test_before_the_beginning_nothing_is_noted(connected, witness):
    """What is laid out is found when it begins, and marked."""
    request, files = connected.Request(), connected.FileReport()
    connected.JobReport(77).setApplicationStatus("not its own")
    files.setFileStatus(12, "/vo/a", "Unused")
    earlier, later = removal(connected), removal(connected)
    request.addOperation(earlier)
    witness.begin({"Request": request, "FileReport": files}, [("12", "/vo/a")])
    earlier.Type, later.Type = "Notify", "ReTransfer"
    request.addOperation(later)
    files.setFileStatus(12, "/vo/b", "Unused")
    owed = witness.owed()
    assert owed.inputs == (("12", "/vo/a"),)
    assert [(taken.dues[0].of[0], taken.operation, taken.laid_out) for taken in owed.taken] == [
        ("RemoveFile", True, True),  # as it was laid out
        ("12", False, True),
        ("ReTransfer", True, False),
        ("12", False, False),
    ]


def test_a_class_below_a_clients_is_a_client(connected, witness):
    mine = type("Mine", (connected.JobReport,), {})
    laid_out, later = mine(77), mine(78)
    laid_out.setApplicationStatus("x", sendFlag=False)
    witness.begin({"JobReport": laid_out})
    later.setApplicationStatus("y", sendFlag=False)
    assert len(dues(witness)) == 2
    assert witness.owed().unseen == []


def test_the_last_word_on_a_file_and_the_first_on_a_status_count(connected, witness):
    """A report that is for another job later owes what it had to the first (H24)."""
    witness.begin({})
    files, report = connected.FileReport(), connected.JobReport(77)
    files.setFileStatus(12, "/vo/a", "Unused")
    files.setFileStatus(12, "/vo/b", "Unused")
    files.setFileStatus(12, "/vo/a", "Processed")
    assert dues(witness) == [*of_file(12, "/vo/b", "Unused", False), *of_file(12, "/vo/a", "Processed", False)]
    files.force = True
    files.commit()
    report.setJobStatus("Running", "minor", "application", sendFlag=False)
    report.setJobParameter("p", 1, sendFlag=False)
    report.setJob(78)
    report.commit()
    client = connected.DataStoreClient()
    client.addRegister(ExampleRecord())
    client._DataStoreClient__registersList[0][3].append(4)
    *statuses, record = dues(witness)
    assert {*statuses[:2]} == {*of_file(12, "/vo/a", "Processed", True), *of_file(12, "/vo/b", "Unused", True)}
    assert {due.of[0] for due in statuses[2:]} == {"77"}
    assert len(statuses) == 6
    assert (record,) == of_record(RECORD)


def test_each_thing_is_taken_once(connected, witness):
    """However many come and go, so that there is room again where one was."""
    witness.begin({})
    report = connected.JobReport(77)
    for number in range(100):
        report.setApplicationStatus(f"status {number}")
    assert [due.value for due in dues(witness)] == [f"status {number}" for number in range(100)]


def test_of_requests_those_of_the_job_count(connected, witness, world):
    """That in workflow_commons, whichever it is at the time, and that of the module; not those of its clients."""
    commons = {}
    witness.begin(commons)
    world.accounting.down()
    client = connected.DataStoreClient()
    client.addRegister(ExampleRecord())
    assert client.commit()["OK"]
    assert dues(witness) == [*of_record(RECORD)]  # its fail-over request promises nothing more
    first, second, own = connected.Request(), connected.Request(), connected.Request()
    for request in (first, second):
        commons["Request"] = request
        request.addOperation(removal(connected))
    first.addOperation(removal(connected))
    own.addOperation(removal(connected))
    assert len(dues(witness)) == 4
    module = type("Module", (), {"request": own, "jobReport": None})()
    assert len(dues(witness, module)) == 5
    assert len(dues(witness, object())) == 5
    assert witness.owed([object()]).unseen == []


@pytest.mark.parametrize(
    ("key", "attribute", "left"),
    [
        ("JobReport", "appStatusInfo", [None]),
        ("JobReport", "jobParameters", [(1, 2, 3)]),
        ("FileReport", "statusDict", None),
        ("FileReport", "statusDict", []),
        ("AccountingReport", "_DataStoreClient__registersList", 1),
        ("AccountingReport", "_DataStoreClient__registersList", repeat(None)),
        ("AccountingReport", "_DataStoreClient__registersList", [DOUBLED]),
        ("JobReport", "jobParameters", DOUBLED),
        ("FileReport", "statusDict", {"/vo/a": DOUBLED}),
    ],
    ids=lambda value: value if type(value) is str else "",
)
def test_whatever_is_left_in_a_client_is_looked_at(connected, key, attribute, left):
    """What cannot be read is said."""
    makers = {
        "JobReport": lambda: connected.JobReport(77),
        "FileReport": connected.FileReport,
        "AccountingReport": connected.DataStoreClient,
    }
    client = makers[key]()
    witness = Witness(connected)
    witness.begin({key: client})
    setattr(client, attribute, left)
    owed = witness.owed()
    assert owed.unseen == [f"what {key} was told, since nothing here can read the class {type(client).__name__}"]
    assert owed.files_unseen is (key == "FileReport")


def test_what_is_no_operation_is_said(connected):
    """The same is true of an object that is no client."""
    told = "was told, since nothing here can read the class"
    witness = Witness(connected)
    witness.begin({"Request": [None], "JobReport": object(), "FileReport": None})
    assert witness.owed(raised="OSError").unseen == [
        f"what Request {told} list",
        f"what JobReport {told} object",
        "what would have been reported if OSError had not ended the job",
    ]
    module = type("Module", (), {"jobReport": 1, "fileReport": 1, "request": None})()
    witness = Witness(connected)
    witness.begin({})
    assert witness.owed([module]).unseen == [f"what {key}Report {told} int" for key in ("Job", "File")]
    request = connected.Request()
    request.__operations__[:] = [None]
    witness = Witness(connected)
    witness.begin({"Request": request})
    assert witness.owed().unseen == [f"what Request {told} Request"]
