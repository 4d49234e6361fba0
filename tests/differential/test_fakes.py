"""The rules of the fakes beside the real services.

DIRAC's own handlers and database classes run here, over SQLite: their SQL is MySQL's, of which a few phrases are
translated. What goes in and comes out passes through DIRAC's JSON, as over HTTPS.
"""

from __future__ import annotations

import json
import re
import sqlite3
import sys
from datetime import datetime, timedelta
from unittest.mock import MagicMock, patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dirac_fakes import Caller, World
from dirac_fakes.faults import SERVICES

pytest.importorskip("DIRAC")
# The drivers of databases that are not there: nothing of them is called
sys.modules.update({name: MagicMock() for name in ("MySQLdb", "opensearchpy", "opensearchpy.exceptions", "opensearchpy.helpers")})

from DIRAC import gLogger
from DIRAC.AccountingSystem.Service.DataStoreHandler import DataStoreHandler
from DIRAC.Core.Utilities import JEncode
from DIRAC.RequestManagementSystem.Client.Request import Request
from DIRAC.RequestManagementSystem.DB import RequestDB as request_db
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
from DIRACCommon.Core.Utilities.TimeUtilities import DiracTime
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker
from sqlalchemy.pool import StaticPool

gLogger.setLevel("FATAL")

START = datetime(2026, 1, 1, 12)
JOB_STATE, TRANSFORMATION, DATA_STORE, REQ_MANAGER, REQ_PROXY = (service.full for service in SERVICES.values())


class Now:
    """The time of both sides."""

    def __init__(self):
        self.time = START

    def __call__(self):
        return self.time


@pytest.fixture
def now():
    time = Now()
    with patch.object(DiracTime, "utcnow", staticmethod(time)):
        yield time


_DIALECT = (
    (re.compile(r"ON DUPLICATE KEY UPDATE", re.IGNORECASE), "ON CONFLICT DO UPDATE SET"),
    (re.compile(r"\bVALUES\((\w+)\)"), r"excluded.\1"),
    (re.compile(r"UTC_TIMESTAMP\(\)"), "utc_timestamp()"),
)


class OverSQLite:
    """What DIRAC's ``MySQL`` class gives its databases, over SQLite."""

    def __init__(self, schema):
        self.connection = sqlite3.connect(":memory:")
        self.connection.create_function("utc_timestamp", 0, lambda: str(DiracTime.utcnow())[:19])
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
COLUMNS = ("Status", "MinorStatus", "ApplicationStatus", "StartExecTime", "EndExecTime", "HeartBeatTime", "LastUpdateTime")


class RealJobState(JobStateUpdateHandlerMixin):
    """The real handler of one job, in the state in which a world begins."""

    def __init__(self, status):
        self.log = MagicMock()
        self.jobDB, self.jobLoggingDB = Jobs(JOBS), JobsHistory(HISTORY)
        self.elasticJobParametersDB = Parameters()
        self.jsu = JobStatusUtility(self.jobDB, self.jobLoggingDB)
        began = str(DiracTime.utcnow() - timedelta(minutes=1))
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


TIMES = st.integers(-90, 300).map(lambda second: str(START + timedelta(seconds=second, microseconds=(second % 3) * 300)))
STATUSES = st.sampled_from(
    ["Running", "Completing", "Completed", "Done", "Failed", "Killed", "Waiting", "Stalled", "Matched", "Bogus"]
)
UPDATES = st.dictionaries(
    TIMES,
    st.fixed_dictionaries(
        {},
        optional={
            "Status": STATUSES | st.just(""),
            "MinorStatus": st.sampled_from(["Execution", "", "Uploading"]),
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
    st.tuples(st.just("setJobsParameter"), st.tuples(st.dictionaries(st.sampled_from(["77", "78"]), st.just(("c", 1))))),
    st.tuples(
        st.just("sendHeartBeat"),
        st.tuples(
            JOB,
            st.dictionaries(st.sampled_from(["Load", "HeartBeatTime"]), st.just("2026-01-01 12:30:00")),
            st.dictionaries(st.just("Memory"), st.just("1")),
        ),
    ),
)


@settings(max_examples=300, deadline=None)
@given(
    status=st.sampled_from(["Running", "Stalled", "Matched", "Done", "Completed"]),
    calls=st.lists(st.tuples(CALLERS, JOB_CALLS, st.integers(0, 70)), min_size=1, max_size=6),
)
def test_job_states_follow_the_rules_of_the_real_service(status, calls):
    """Any sequence of calls by anybody gets the same answers and leaves the same job, history and parameters."""
    now = Now()
    with patch.object(DiracTime, "utcnow", staticmethod(now)):
        world, real = World(job_status=status), RealJobState(status)
        server = Server({JOB_STATE: real})
        for caller, (method, args), seconds in calls:
            world.caller = server.caller = caller
            expected = server(JOB_STATE, method, args)
            assert answer_of(world, JOB_STATE, method, args) == expected, (caller, method, args)
            assert job_state_of(world) == real.state(), (caller, method, args)
            now.time += timedelta(seconds=seconds, microseconds=123456)
