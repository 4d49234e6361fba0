"""The rules of the fakes beside the real services.

DIRAC's own handlers and database classes run here, over SQLite: their SQL is MySQL's, of which a few phrases are
translated. What goes in and comes out passes through DIRAC's JSON, as over HTTPS.
"""
# ruff: noqa: ARG002, E402, S608 - stand-ins, naive times as DIRAC's, stubs before imports, SQL of this file

from __future__ import annotations

import json
import re
import sqlite3
import sys
from datetime import datetime, timedelta
from pathlib import Path
from unittest.mock import MagicMock, patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dirac_failover.drivers.implementations import stopped
from dirac_fakes import Caller, World, clock
from dirac_fakes.faults import SERVICES

pytest.importorskip("DIRAC")
# The drivers of databases that are not there: nothing of them is called
_DRIVERS = {
    name: MagicMock() for name in ("MySQLdb", "opensearchpy", "opensearchpy.exceptions", "opensearchpy.helpers")
}
sys.modules.update(_DRIVERS)

from DIRAC import gLogger
from DIRAC.AccountingSystem.Service.DataStoreHandler import DataStoreHandler
from DIRAC.Core.Utilities import JEncode
from DIRAC.RequestManagementSystem.DB.RequestDB import RequestDB, fileTable, operationTable, requestTable
from DIRAC.RequestManagementSystem.Service.ReqManagerHandler import ReqManagerHandlerMixin
from DIRAC.RequestManagementSystem.Service.ReqProxyHandler import ReqProxyHandler
from DIRAC.TransformationSystem.DB.TransformationDB import TransformationDB
from DIRAC.TransformationSystem.Service.TransformationManagerHandler import TransformationManagerHandlerMixin
from DIRAC.WorkloadManagementSystem.DB.JobDB import JobDB
from DIRAC.WorkloadManagementSystem.DB.JobLoggingDB import JobLoggingDB
from DIRAC.WorkloadManagementSystem.DB.JobParametersDB import JobParametersDB
from DIRAC.WorkloadManagementSystem.Service.JobPolicy import JobPolicy
from DIRAC.WorkloadManagementSystem.Service.JobStateUpdateHandler import JobStateUpdateHandlerMixin
from DIRAC.WorkloadManagementSystem.Utilities.JobStatusUtility import JobStatusUtility
from sqlalchemy import create_engine, event
from sqlalchemy.orm import sessionmaker
from sqlalchemy.pool import StaticPool

for _driver in _DRIVERS:
    del sys.modules[_driver]
gLogger.setLevel("FATAL")

START = datetime(2026, 1, 1, 12)
JOB_STATE, TRANSFORMATION, DATA_STORE, REQ_MANAGER, REQ_PROXY = (service.full for service in SERVICES.values())


class Now:
    """The time of both sides."""

    def __init__(self):
        self.time = START

    def __call__(self):
        return self.time


_DIALECT = (
    (re.compile(r"ON DUPLICATE KEY UPDATE", re.IGNORECASE), "ON CONFLICT DO UPDATE SET"),
    (re.compile(r"\bVALUES\((\w+)\)"), r"excluded.\1"),
    (re.compile(r"UTC_TIMESTAMP\(\)"), "utc_timestamp()"),
)


class OverSQLite:
    """What DIRAC's ``MySQL`` class gives its databases, over SQLite."""

    def __init__(self, schema):
        self.connection = sqlite3.connect(":memory:")
        self.connection.create_function("utc_timestamp", 0, lambda: str(clock.utcnow())[:19])
        self.connection.execute("PRAGMA foreign_keys = ON")
        self.connection.executescript(schema)
        self.log = MagicMock()

    def _run(self, sql, rows):
        for phrase, translated in _DIALECT:
            sql = phrase.sub(translated, sql)
        cursor = self.connection.cursor()
        try:
            for row in rows:
                cursor.execute(sql.replace("%s", "?"), tuple(row))
        except sqlite3.IntegrityError as error:
            self.connection.rollback()
            return {"OK": False, "Errno": 1131, "Message": str(error)}
        self.connection.commit()
        return {"OK": True, "Value": cursor.fetchall()}

    def _query(self, sql, args=(), **_):
        return self._run(sql, [args])

    _update = _query

    def _updatemany(self, sql, data, **_):
        return self._run(sql, data)

    def _getConnection(self):
        return {"OK": True, "Value": self.connection}

    def _escapeValues(self, values):
        return {"OK": True, "Value": ["NULL" if value is None else f"'{value}'" for value in values]}

    def rows(self, sql):
        return [list(row) for row in self.connection.execute(sql)]


class Jobs(OverSQLite, JobDB):
    jobAttributeNames = ("Status", "MinorStatus", "ApplicationStatus", "HeartBeatTime", "StartExecTime", "EndExecTime")

    def getJobsAttributes(self, jobIDs, names=None):
        names = names or ["Owner", "OwnerGroup"]
        found = self._query(f"SELECT JobID,{','.join(names)} FROM Jobs")["Value"]
        wanted = {int(job_id) for job_id in jobIDs}
        return {
            "OK": True,
            "Value": {row[0]: dict(zip(names, map(str, row[1:]), strict=True)) for row in found if row[0] in wanted},
        }


class JobsHistory(OverSQLite, JobLoggingDB):
    log = MagicMock()


class Files(OverSQLite, TransformationDB):
    def __init__(self, schema):
        OverSQLite.__init__(self, schema)
        self._TransformationDB__updateFilterQueries = lambda: {"OK": True}
        TransformationDB.__init__(self, dbIn=True)

    def getTransformation(self, name, **_):
        found = self._query("SELECT Author, AuthorGroup FROM Transformations WHERE TransformationID = %s", (str(name),))
        if not found["Value"]:
            return {"OK": False, "Message": "unknown"}
        return {"OK": True, "Value": dict(zip(("Author", "AuthorGroup"), found["Value"][0], strict=True))}


class Parameters(JobParametersDB):
    index_name = "job_parameters"

    def __init__(self):
        self.log = MagicMock()
        self.documents = {}

    def existsDoc(self, index, docID):
        return docID in self.documents

    def existingIndex(self, index):
        return {"OK": True, "Value": True}

    def index(self, indexName, body, docID):
        self.documents[docID] = dict(body)
        return {"OK": True, "Value": indexName}

    def updateDoc(self, index, docID, body):
        self.documents[docID].update(body["doc"])
        return {"OK": True, "Value": None}


class Server:
    """Answers calls with real handlers, as they answer over HTTPS."""

    def __init__(self, handlers, caller=None):
        self.handlers = handlers
        self.caller = caller or Caller()

    def __call__(self, service, method, args):
        handler = self.handlers[service]
        handler.getRemoteCredentials = lambda *_: {
            "username": self.caller.username,
            "group": self.caller.group,
            "properties": list(self.caller.properties),
        }
        if hasattr(handler, "set_caller"):
            handler.set_caller(self.caller)
        received = JEncode.decode(JEncode.encode(args))[0]
        try:
            answer = getattr(handler, f"export_{method}")(*received)
        except Exception:  # noqa: BLE001 - the server turns any into a status
            return 500
        answer = {key: value for key, value in answer.items() if key not in ("CallStack", "ExecInfo")}
        return JEncode.decode(JEncode.encode(answer))[0]


def answer_of(world, service, method, args):
    """Return a world's answer in the form of :class:`Server`'s."""
    answer = world(service, method, args)
    del answer["rpcStub"]
    if not answer["OK"] and answer["Message"].startswith("500 Server Error"):
        return 500
    return answer


# --- JobStateUpdate

JOBS = """
CREATE TABLE Jobs (
    JobID INTEGER PRIMARY KEY, Status TEXT, MinorStatus TEXT, ApplicationStatus TEXT, Owner TEXT, OwnerGroup TEXT,
    StartExecTime TEXT, EndExecTime TEXT, HeartBeatTime TEXT, LastUpdateTime TEXT);
CREATE TABLE HeartBeatLoggingInfo (JobID INTEGER, Name TEXT, Value TEXT, HeartBeatTime TEXT);
CREATE TABLE JobCommands (JobID INTEGER, Command TEXT, Arguments TEXT, Status TEXT);
"""
HISTORY = """
CREATE TABLE LoggingInfo (
    JobId INTEGER, Status TEXT, MinorStatus TEXT, ApplicationStatus TEXT, StatusTime TEXT, StatusTimeOrder REAL,
    StatusSource TEXT);
CREATE TRIGGER Milliseconds AFTER INSERT ON LoggingInfo BEGIN
    UPDATE LoggingInfo SET StatusTimeOrder = round(NEW.StatusTimeOrder, 3) WHERE rowid = NEW.rowid; END;
"""
COLUMNS = (
    "Status",
    "MinorStatus",
    "ApplicationStatus",
    "StartExecTime",
    "EndExecTime",
    "HeartBeatTime",
    "LastUpdateTime",
)


class RealJobState(JobStateUpdateHandlerMixin):
    """The real handler of one job, in the state in which a world begins."""

    def __init__(self, status):
        self.log = MagicMock()
        self.jobDB, self.jobLoggingDB = Jobs(JOBS), JobsHistory(HISTORY)
        self.elasticJobParametersDB = Parameters()
        self.jsu = JobStatusUtility(self.jobDB, self.jobLoggingDB)
        began = str(clock.utcnow() - timedelta(minutes=1))
        row = (77, status, "Application", "Unknown", "alice", "vo_user", began, None, began, began)
        self.jobDB._updatemany(f"INSERT INTO Jobs VALUES ({','.join(['%s'] * 10)})", [row])
        self.jobLoggingDB.addLoggingRecord(77, status, "Application", "Unknown", began, "JobManager")

    def set_caller(self, caller):
        self.vo = caller.vo
        self.userProperties = list(caller.properties)
        with patch(
            "DIRAC.WorkloadManagementSystem.Service.JobPolicy.getPropertiesForGroup", lambda *_: list(caller.properties)
        ):
            self.jobPolicy = JobPolicy(caller.username, caller.group)
        self.jobPolicy.jobDB = self.jobDB

    def state(self):
        job = self.jobDB.rows(f"SELECT {','.join(COLUMNS)} FROM Jobs WHERE JobID = 77")[0]
        history = self.jobLoggingDB.rows(
            "SELECT Status, MinorStatus, ApplicationStatus, StatusSource FROM LoggingInfo ORDER BY rowid"
        )
        beats = self.jobDB.rows("SELECT Name, Value FROM HeartBeatLoggingInfo WHERE JobID = 77 ORDER BY rowid")
        return [_second(value) for value in job], history, beats, self.elasticJobParametersDB.documents.get("77")


def _second(value):
    return value[:19] if isinstance(value, str) else value


def job_state_of(world):
    state = world.job_state.snapshot()
    job = [_second(state["jobs"]["77"][column]) for column in COLUMNS]
    history = [
        [row[key] for key in ("Status", "MinorStatus", "ApplicationStatus", "StatusSource")]
        for row in state["history"]["77"]
    ]
    beats = [row[:2] for row in state["heartbeats"].get("77", [])]
    return job, history, beats, state["parameters"].get("77")


TIMES = st.integers(-90, 300).map(
    lambda second: str(START + timedelta(seconds=second, microseconds=(second % 3) * 300_000))
)
STATUSES = st.sampled_from(
    ["Running", "Completing", "Completed", "Done", "Failed", "Killed", "Waiting", "Stalled", "Matched", "Bogus"]
)
UPDATES = st.dictionaries(
    TIMES | st.just(""),
    st.fixed_dictionaries(
        {},
        optional={
            "Status": STATUSES | st.just(""),
            "MinorStatus": st.sampled_from(["Execution", "", "Uploading", 5]),
            "ApplicationStatus": st.sampled_from(["Job Finished Successfully", "x" * 300, ""]),
            "Source": st.sampled_from(["Job_77", "JobWrapper", "Pilot", "", "S" * 40]),
        },
    ),
    max_size=3,
)
CALLERS = st.sampled_from(
    [
        Caller(),
        Caller("alice", "vo_user", ("NormalUser",)),
        Caller("bob", "vo_user", ("NormalUser",)),
        Caller("bob", "vo_user", ("JobSharing",)),
        Caller("bob", "other", ("JobSharing",)),
        Caller("pilot", "vo_pilot", ("GenericPilot", "LimitedDelegation")),
        Caller("admin", "vo_admin", ("JobAdministrator",)),
        Caller("host", "hosts", ("TrustedHost",)),
        Caller("op", "ops", ("Operator",)),
    ]
)
JOB = st.sampled_from([77, 77, 77, 77, "77", 78])
JOB_CALLS = st.one_of(
    st.tuples(st.just("setJobStatusBulk"), st.tuples(JOB, UPDATES) | st.tuples(JOB, UPDATES, st.booleans())),
    st.tuples(
        st.just("setJobStatus"),
        st.tuples(JOB, STATUSES, st.sampled_from(["", "Done it"]), st.just("Job_77"), st.none() | TIMES, st.booleans()),
    ),
    st.tuples(st.just("setJobApplicationStatus"), st.tuples(JOB, st.sampled_from(["Step 1", ""]))),
    st.tuples(st.just("setJobParameter"), st.tuples(JOB, st.just("Host"), st.just("node1"))),
    st.tuples(st.just("setJobParameters"), st.tuples(JOB, st.lists(st.tuples(st.sampled_from("ab"), st.integers())))),
    st.tuples(
        st.just("setJobsParameter"),
        st.tuples(
            st.dictionaries(st.sampled_from(["77", "78", "x"]), st.sampled_from([("c", 1), ("c", 1, 2), ("c",)]))
        ),
    ),
    st.tuples(
        st.just("sendHeartBeat"),
        st.tuples(
            JOB,
            st.dictionaries(st.sampled_from(["Load", "HeartBeatTime"]), st.just("2026-01-01 12:30:00"))
            | st.sampled_from([{"Load": 1.5}, []]),
            st.dictionaries(st.just("Memory"), st.just("1")) | st.none(),
        ),
    ),
)


@settings(max_examples=150, deadline=None)
@given(
    status=st.sampled_from(["Running", "Stalled", "Matched", "Done", "Completed"]),
    calls=st.lists(st.tuples(CALLERS, JOB_CALLS, st.integers(0, 70)), min_size=1, max_size=6),
)
def test_job_states_follow_the_rules_of_the_real_service(status, calls):
    """Any sequence of calls by anybody gets the same answers and leaves the same job, history and parameters."""
    now = Now()
    with stopped(now):
        world, real = World(job_status=status), RealJobState(status)
        server = Server({JOB_STATE: real})
        for caller, (method, args), seconds in calls:
            world.caller = server.caller = caller
            expected = server(JOB_STATE, method, args)
            assert answer_of(world, JOB_STATE, method, args) == expected, (caller, method, args)
            assert job_state_of(world) == real.state(), (caller, method, args)
            now.time += timedelta(seconds=seconds, microseconds=123456)


# --- TransformationManager

FILES = """
CREATE TABLE Transformations (
    TransformationID INTEGER PRIMARY KEY, TransformationName TEXT, Author TEXT, AuthorGroup TEXT);
CREATE TABLE DataFiles (FileID INTEGER PRIMARY KEY, LFN TEXT UNIQUE);
CREATE TABLE TransformationFiles (
    TransformationID INTEGER, FileID INTEGER, Status TEXT DEFAULT 'Unused', ErrorCount INTEGER DEFAULT 0,
    TaskID INTEGER, TargetSE TEXT DEFAULT 'Unknown', UsedSE TEXT DEFAULT 'Unknown', LastUpdate TEXT, InsertedTime TEXT,
    PRIMARY KEY (TransformationID, FileID), FOREIGN KEY (FileID) REFERENCES DataFiles (FileID));
"""
FILE_COLUMNS = ["LFN", "TransformationID", "FileID", "Status", "TaskID", "TargetSE", "UsedSE", "ErrorCount"]
CONTENTS = {12: ["/vo/a", "/vo/b", "/vo/c"], 5: ["/vo/c", "/vo/d"]}


class RealTransformation(TransformationManagerHandlerMixin):
    """The real handler of the transformations in CONTENTS."""

    def __init__(self):
        self.log = MagicMock()
        self.transformationDB = files = Files(FILES)
        at, ids = str(clock.utcnow())[:19], {}
        for name, lfns in CONTENTS.items():
            files._update("INSERT INTO Transformations VALUES (%s, %s, 'alice', 'vo_user')", (name, str(name)))
            for lfn in lfns:
                file_id = ids.setdefault(lfn, 100 + len(ids))
                files._update("INSERT OR IGNORE INTO DataFiles VALUES (%s, %s)", (file_id, lfn))
                row = (name, file_id, "Assigned", 0, 1, "Unknown", "Unknown", at, at)
                files._update(f"INSERT INTO TransformationFiles VALUES ({','.join(['%s'] * 9)})", row)


def _rows(answer):
    """Return an answer with the rows in order of their IDs, and their times as text."""
    inner = json.loads(answer["Value"])
    if not inner["OK"]:
        return inner["Message"]
    return sorted(
        json.dumps({key: value["obj"] if isinstance(value, dict) else value for key, value in row.items()})
        for row in inner["Value"]
    )


NAMES = st.sampled_from([12, "12", "00000012", 5, 99, "nobody's"])
CONDITIONS = (
    st.fixed_dictionaries(
        {},
        optional={
            "TransformationID": st.sampled_from([12, "12", [12, 5], 99]),
            "LFN": st.lists(st.sampled_from(["/vo/a", "/vo/c", "/vo/d", "/vo/z"]), min_size=1) | st.just("/vo/b"),
            "Status": st.sampled_from(["Assigned", ["Processed", "Unused"]]),
            "TaskID": st.sampled_from([None, 1, "1"]),
            "ErrorCount": st.sampled_from([0, ["1", 2]]),
        },
    )
    | st.just({"Nonsense": 1})
    | st.none()
)
FILE_CALLS = st.one_of(
    st.tuples(
        st.just("setFileStatusForTransformation"),
        st.tuples(
            NAMES,
            st.dictionaries(
                st.sampled_from([100, 101, "102", 103, 999]),
                st.tuples(st.sampled_from(["Processed", "Unused", "MaxReset"]), st.booleans()) | st.just("Processed"),
                max_size=4,
            ),
        ),
    ),
    st.tuples(
        st.sampled_from(["getTransformationFiles", "getTransformationFilesAsJsonString"]),
        st.tuples(
            CONDITIONS,
            st.none() | st.sampled_from([str(START), str(START + timedelta(minutes=1))]),
            st.none() | st.just(str(START)),
            st.just("LastUpdate"),
        )
        | st.tuples(CONDITIONS)
        | st.just(()),
    ),
    st.tuples(
        st.just("getTransformationFiles"),
        st.tuples(
            CONDITIONS,
            st.none(),
            st.none(),
            st.just("LastUpdate"),
            st.sampled_from(["LFN:DESC", "LFN:asc", ["Status", "LFN:DESC"], "LFN"]),
            st.none() | st.integers(0, 3),
            st.none() | st.integers(0, 2),
            st.none() | st.just(["LFN", "Status", "FileID"]) | st.just(["Bogus"]),
        ),
    ),
)
PRODUCERS = st.sampled_from(
    [
        Caller(),
        Caller("alice", "vo_user", ("NormalUser",)),
        Caller("alice", "other", ("ProductionUser",)),
        Caller("bob", "vo_user", ("ProductionUser",)),
        Caller("bob", "vo_user", ("ProductionSharing",)),
        Caller("bob", "other", ("ProductionSharing",)),
    ]
)


@settings(max_examples=150, deadline=None)
@given(calls=st.lists(st.tuples(PRODUCERS, FILE_CALLS, st.integers(0, 90)), min_size=1, max_size=6))
def test_transformation_files_follow_the_rules_of_the_real_service(calls):
    """Any sequence of look-ups and changes gets the same answers and leaves the same rows."""
    now = Now()
    with stopped(now):
        world, real = World(files=CONTENTS[12]), RealTransformation()
        world.transformation.add(5, CONTENTS[5])
        server = Server({TRANSFORMATION: real})
        for caller, (method, args), seconds in calls:
            world.caller = server.caller = caller
            expected = server(TRANSFORMATION, method, args)
            found = answer_of(world, TRANSFORMATION, method, args)
            if method.startswith("get"):
                assert _rows(found) == _rows(expected), (method, args)
            elif expected != 500 and "FOREIGN KEY" in expected.get("Message", ""):
                # The same refusal in the words of another database
                assert found["Errno"] == 1131
                assert "a foreign key constraint fails" in found["Message"]
            else:
                assert found == expected, (caller, method, args)
            everything = ({"TransformationID": [12, 5]},)
            after = (answer(TRANSFORMATION, "getTransformationFiles", everything) for answer in (server, world))
            assert _rows(next(after)) == _rows(next(after)), (method, args)
            now.time += timedelta(seconds=seconds)


# --- DataStore

WHEN = datetime(2026, 1, 1, 10, 30, 15, 500000)
ENTRY = st.just(["DataOperation", WHEN, WHEN + timedelta(hours=1), ["alice", 1, 2.5]]) | st.lists(
    st.sampled_from(["DataOperation", WHEN, ["alice", 1], ("alice", 1), 3, None]), min_size=2, max_size=5
)


@settings(max_examples=150, deadline=None)
@given(bundles=st.lists(st.lists(ENTRY, max_size=4), max_size=3))
def test_accounting_follows_the_rules_of_the_real_service(bundles):
    """Any bundles get the same answers, and the same records arrive."""

    class Database:
        def __init__(self):
            self.records = []

        def insertRecordBundleThroughQueue(self, records):
            self.records += [list(record) for record in records]
            return {"OK": True, "Value": None}

    class Handler(DataStoreHandler):
        log = MagicMock()

        def __init__(self):
            self._DataStoreHandler__acDB = Database()

    handler, world = Handler(), World()
    server = Server({DATA_STORE: handler})
    for bundle in bundles:
        expected = server(DATA_STORE, "commitRegisters", (bundle,))
        assert answer_of(world, DATA_STORE, "commitRegisters", (bundle,)) == expected, bundle
        assert world.accounting.records() == handler._DataStoreHandler__acDB.records


# --- ReqManager and ReqProxy


class RealRequests(ReqManagerHandlerMixin):
    """The real handler over the real database class."""

    log = MagicMock()
    constantRequestDelay = 0

    def __init__(self):
        for table in (requestTable, operationTable, fileTable):
            # MySQL never gives the ID of a deleted row to another one
            table.dialect_options["sqlite"]["autoincrement"] = True
        database = object.__new__(RequestDB)
        database.log = MagicMock()
        database.engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
        # What belongs to a deleted row goes with it, as in MySQL
        event.listen(database.engine, "connect", lambda connection, _: connection.execute("PRAGMA foreign_keys = ON"))
        database.DBSession = sessionmaker(bind=database.engine)
        database.createTables()
        type(self)._ReqManagerHandlerMixin__requestDB = database

    def close(self):
        self._ReqManagerHandlerMixin__requestDB.engine.dispose()


def _in_order(fields):
    """Return what is sent in the order in which every client writes it: the status before all that it changes."""
    return dict(sorted(fields.items(), key=lambda item: item[0] != "Status"))


LFNS = st.sampled_from(["/vo/a", "/vo/b", "/vo/c"])
REQUEST_FILES = st.lists(
    st.fixed_dictionaries(
        {"LFN": LFNS},
        optional={
            "Status": st.sampled_from(["Waiting", "Done", "Failed", "Scheduled"]),
            "PFN": st.just("file:/a"),
            "ChecksumType": st.sampled_from(["ad", "ADLER32", "MD5", ""]),
            "Checksum": st.just("abcd"),
            "GUID": st.sampled_from(["40B9B5D8-9A9E-11E2-9D4C-001E4F1B8B55"] * 3 + ["xx-x", 5]),
            "Attempt": st.integers(0, 9),
            "Size": st.integers(0, 10**10),
            "Error": st.just("oh"),
        },
    ).map(_in_order),
    max_size=3,
)
OPERATIONS = st.fixed_dictionaries(
    {
        "Type": st.sampled_from(
            ["ForwardDISET", "SetFileStatus", "RemoveFile", "ReplicateAndRegister", "RemoveReplica", "RegisterFile"]
        )
    },
    optional={
        "Status": st.sampled_from(["Queued", "Waiting", "Scheduled", "Assigned", "Failed", "Done", "Canceled"]),
        "Arguments": st.sampled_from(["i1e", "i1e", "i2e", "i2e", "", 5]),
        "SourceSE": st.just("SE-S"),
        "TargetSE": st.sampled_from(["SE-B", "SE-A"]),
        "Catalog": st.sampled_from([" FC ", " FC ", " FC ", "x" * 256]),
        "Error": st.just("not yet"),
        "CreationTime": st.just("2025-12-31 23:59:59"),
        "LastUpdate": st.just("2025-12-31 23:59:59.5"),
        "Files": REQUEST_FILES,
    },
).map(_in_order)
SENSIBLE = st.sampled_from(
    [
        {"Type": "ForwardDISET", "Arguments": "i1e", "Status": "Waiting"},
        {"Type": "ForwardDISET", "Arguments": "i2e"},
        {"Type": "SetFileStatus", "Arguments": "i3e"},
        {"Type": "RemoveFile", "Files": [{"LFN": "/vo/a"}]},
        {"Type": "RemoveFile", "Files": [{"LFN": "/vo/b"}, {"LFN": "/vo/c", "Status": "Done"}]},
        {"Type": "ReplicateAndRegister", "TargetSE": "SE-B", "SourceSE": "S", "Files": [{"LFN": "/vo/a"}]},
        {"Type": "ReplicateAndRegister", "TargetSE": "SE-A", "Files": [{"LFN": "/vo/a"}]},
        {"Type": "RemoveReplica", "TargetSE": "SE-S", "Files": [{"LFN": "/vo/a"}]},
        {"Type": "RemoveReplica", "TargetSE": "SE-R", "Files": [{"LFN": "/vo/a"}]},
    ]
)
OWNERS = st.sampled_from(
    [{"Owner": "alice", "OwnerGroup": "vo_user"}] * 3
    + [{}, {"Owner": "alice"}, {"OwnerGroup": "vo_user"}, {"Owner": "bob", "OwnerGroup": "vo_user"}]
)

REQUESTS = st.tuples(
    OWNERS,
    st.fixed_dictionaries(
        {
            "RequestName": st.sampled_from(["one", "one", "two", "", None]),
            "Operations": st.lists(SENSIBLE, max_size=6) | st.lists(OPERATIONS, max_size=4),
        },
        optional={
            "JobID": st.sampled_from([0, 77, 78]),
            "Status": st.sampled_from(["Waiting", "Done", "Failed", "Assigned", "Nonsense"]),
            "Error": st.just("hm"),
            "SourceComponent": st.sampled_from(["Job_77", "Job_77", 77]),
            "NotBefore": st.sampled_from(["2025-01-01 00:00:00", "2026-01-01 12:01:00", "2027-01-01 00:00:00", "soon"]),
            "LastUpdate": st.just("2025-12-31 00:00:00"),
            "RequestID": st.sampled_from([0, 1, 2]),
            "Nonsense": st.just(1),
        },
    ),
).map(lambda parts: json.dumps(_in_order({**parts[1], **parts[0]})))
ID = st.integers(1, 3)
ID_OR_TEXT = ID | st.sampled_from(["1", "9", "x"])
REQUEST_CALLS = st.one_of(
    st.tuples(st.just("putRequest"), st.tuples(REQUESTS)),
    st.tuples(st.just("putRequest"), st.tuples(REQUESTS)),
    st.tuples(st.just("putRequest"), st.tuples(st.sampled_from(["", "[]", "{}", "null", "not JSON"]))),
    st.tuples(st.just("getRequest"), st.tuples(ID)),
    st.tuples(st.sampled_from(["peekRequest", "getRequestStatus", "getDigest"]), st.tuples(ID_OR_TEXT)),
    st.tuples(st.sampled_from(["cancelRequest", "deleteRequest"]), st.tuples(ID_OR_TEXT)),
    st.tuples(st.just("getRequestIDForName"), st.tuples(st.sampled_from(["one", "two", "three"]))),
    st.tuples(
        st.sampled_from(["getRequestIDsForJobs", "readRequestsForJobs"]),
        st.tuples(st.sampled_from([[77], [77, 78, 79], [], 78])),
    ),
)
SENDERS = st.sampled_from(
    [
        Caller(),
        Caller("pilot", "vo_pilot", ("GenericPilot", "LimitedDelegation")),
        Caller("agent", "vo_prod", ("FullDelegation",)),
        Caller("alice", "other", ("NormalUser",)),
    ]
)


def _loaded(answer):
    """Return an answer with the JSON texts in it as values, and files in the order of their IDs: SQLite knows none."""
    if isinstance(answer, dict):
        return {key: _loaded(value) for key, value in answer.items()}
    if isinstance(answer, str) and answer.startswith("{"):
        request = json.loads(answer)
        for operation in request["Operations"]:
            operation["Files"].sort(key=lambda file: file["FileID"])
        return request
    return re.sub(r"/vo/[abc](?=\.\.\.)", "/vo/?", answer) if isinstance(answer, str) else answer


@settings(max_examples=150, deadline=None)
@given(calls=st.lists(st.tuples(SENDERS, REQUEST_CALLS, st.integers(0, 90)), min_size=1, max_size=8))
def test_requests_follow_the_rules_of_the_real_service(calls):
    """Any sequence of calls gets the same answers, and every request reads the same afterwards."""
    now = Now()
    with stopped(now):
        world, real = World(), RealRequests()
        server = Server({REQ_MANAGER: real})
        try:
            for caller, (method, args), seconds in calls:
                world.caller = server.caller = caller
                expected = server(REQ_MANAGER, method, args)
                assert _loaded(answer_of(world, REQ_MANAGER, method, args)) == _loaded(expected), (caller, method, args)
                for request_id in range(1, 5):
                    for look in ("peekRequest", "getRequestStatus"):
                        expected = server(REQ_MANAGER, look, (request_id,))
                        found = answer_of(world, REQ_MANAGER, look, (request_id,))
                        assert _loaded(found) == _loaded(expected), (method, args)
                now.time += timedelta(seconds=seconds)
        finally:
            real.close()


@pytest.fixture
def real_proxy(tmp_path, monkeypatch):
    """The real handler of a request proxy, with its cache in a directory of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ReqProxyHandler, "_ReqProxyHandler__cacheDir", None)
    return object.__new__(ReqProxyHandler)


@pytest.mark.parametrize(
    ("caller", "owner"),
    [
        (Caller(), {}),
        (Caller(), {"Owner": "alice", "OwnerGroup": "vo_user"}),
        (Caller(), {"Owner": "bob", "OwnerGroup": "vo_user"}),
        (Caller("pilot", "vo_pilot", ("LimitedDelegation",)), {"Owner": "bob", "OwnerGroup": "vo_user"}),
    ],
)
def test_a_proxy_saves_what_the_real_one_saves(real_proxy, caller, owner):
    """The answers and the saved texts are the same, and the same request twice is saved once."""
    world, server = World(), Server({REQ_PROXY: real_proxy}, caller)
    world.caller = caller
    text = json.dumps({"RequestName": "one", "Operations": [{"Type": "PutAndRegister"}], **owner})
    for method, args in [("putRequest", (text,)), ("putRequest", (text,)), ("getStatus", ()), ("listCacheDir", ())]:
        assert answer_of(world, REQ_PROXY, method, args) == server(REQ_PROXY, method, args), method
    saved = {file.name: file.read_text() for file in Path(real_proxy.cacheDir()).iterdir()}
    assert world.request_proxy.state["cache"] == saved


def test_every_method_of_the_real_services_is_known():
    """What the real handlers export is faked or said not to be; nothing else is."""
    handlers = {
        JOB_STATE: JobStateUpdateHandlerMixin,
        TRANSFORMATION: TransformationManagerHandlerMixin,
        DATA_STORE: DataStoreHandler,
        REQ_MANAGER: ReqManagerHandlerMixin,
        REQ_PROXY: ReqProxyHandler,
    }
    common = {"ping", "whoami", "echo", "refreshConfiguration"}
    for service in SERVICES.values():
        exported = {name[7:] for name in dir(handlers[service.full]) if name.startswith("export_")} - common
        assert exported == service.faked | service.not_faked, service.full
        assert not service.faked & service.not_faked
