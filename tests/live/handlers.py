"""DIRAC's own service handlers in this process, over the real database: one class for each service.

Each class names its service, says how a call reaches the handler, puts the tables into the state in which a ``World``
begins, and reads back what a call has left. The handlers of HTTPS get and give JSON; those of DIPS check the types of
arguments and get and give DEncode. Times are those of stopped (drivers.implementations), the database's too.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final
from unittest.mock import MagicMock, patch

from DIRAC import gLogger
from DIRAC.AccountingSystem.Service.DataStoreHandler import DataStoreHandler
from DIRAC.Core.DISET.RequestHandler import RequestHandler
from DIRAC.Core.Utilities import DEncode, JEncode
from DIRAC.RequestManagementSystem.Service.ReqManagerHandler import ReqManagerHandlerMixin
from DIRAC.RequestManagementSystem.Service.ReqProxyHandler import ReqProxyHandler
from DIRAC.TransformationSystem.Service.TransformationManagerHandler import TransformationManagerHandlerMixin
from DIRAC.WorkloadManagementSystem.Service.JobStateUpdateHandler import JobStateUpdateHandlerMixin
from DIRACCommon.Core.Utilities.TimeUtilities import DiracTime

from tests.live.comparing import FILES, JOB_COLUMNS, SERVER_ERROR, any_order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dirac_fakes import Caller
    from tests.live.opensearch import Indices

STRICT: Final = "STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_CREATE_USER,NO_ENGINE_SUBSTITUTION"
EPOCH: Final = datetime(1970, 1, 1)
_RIGHTS: Final = "DIRAC.WorkloadManagementSystem.Service.JobPolicy.getPropertiesForGroup"
gLogger.setLevel("FATAL")


def _done(result: Any) -> None:
    if result is not None and not result["OK"]:
        raise RuntimeError(result["Message"])


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, datetime) else value


class Rows:
    """A database of DIRAC's, asked in SQL."""

    def __init__(self, database: Any) -> None:
        self.database = database

    def run(self, sql: str, args: Sequence[Any] = ()) -> list[list[Any]]:
        """Execute a statement and return its rows, times as text."""
        connection = self.database._getConnection()["Value"]
        cursor = connection.cursor()
        cursor.execute(sql, args)
        rows = cursor.fetchall()
        connection.commit()
        cursor.close()
        return [[_text(value) for value in row] for row in rows]

    def at(self, now: datetime, mode: str) -> None:
        """Let the database's clock stand at ``now``; set its mode."""
        self.run(f"SET timestamp = {(now - EPOCH).total_seconds():.6f}, sql_mode = '{mode}'")


class Https:
    """A handler behind HTTPS."""

    service: ClassVar[str]
    mode = STRICT

    def become(self, caller: Caller) -> None:
        """Be called by ``caller``."""
        self.getRemoteCredentials = lambda *_: {
            "username": caller.username,
            "group": caller.group,
            "properties": list(caller.properties),
            "VO": caller.vo,
        }

    def call(self, caller: Caller, method: str, args: tuple[Any, ...]) -> Any:
        """Return what arrives at the client, or the status 500 for what the handler raises."""
        self.become(caller)
        received = JEncode.decode(JEncode.encode(args))[0]
        try:
            answer = getattr(self, f"export_{method}")(*received)
            answer = {key: value for key, value in answer.items() if key not in ("CallStack", "ExecInfo")}
            return JEncode.decode(JEncode.encode(answer))[0]
        except Exception:  # noqa: BLE001 - the server turns any into a status
            return SERVER_ERROR


class Dips:
    """A handler behind DIPS: DIRAC's own class calls it, with a transport in memory."""

    service: ClassVar[str]
    mode = STRICT

    def call(self, caller: Caller, method: str, args: tuple[Any, ...]) -> Any:
        """Return what arrives at the client."""
        credentials = {"username": caller.username, "group": caller.group, "properties": list(caller.properties)}
        transport = MagicMock()
        transport.get().getConnectingCredentials.return_value = credentials
        transport.receive.return_value = {"OK": True, "Value": DEncode.decode(DEncode.encode(list(args)))[0]}
        about = {"serviceName": self.service, "csPaths": [], "serviceSectionPath": f"/{self.service}"}
        self._rh__initializeClass(about, MagicMock(), MagicMock(getTransportPool=lambda: transport), None)
        RequestHandler.__init__(self, {}, "transport")
        self._rh_executeAction((self.service, ("RPC", method)))
        ((_, answer), _) = transport.send.call_args
        return DEncode.decode(DEncode.encode(answer))[0]


class JobState(Https, JobStateUpdateHandlerMixin):
    """JobStateUpdate with one job."""

    service = "WorkloadManagement/JobStateUpdate"
    log = gLogger.getSubLogger("JobStateUpdate")
    documents: Indices

    def reset(self, status: str = "Running") -> None:
        """Keep one job, 77, of alice's, which runs since a minute."""
        self.jobs, self.history = Rows(self.jobDB), Rows(self.jobLoggingDB)
        self._at()
        for table in ("HeartBeatLoggingInfo", "JobCommands", "Jobs", "JobJDLs"):
            self.jobs.run(f"DELETE FROM {table}")
        self.history.run("DELETE FROM LoggingInfo")
        self.documents.clear()
        began = str(DiracTime.utcnow() - timedelta(minutes=1))
        self.jobs.run("INSERT INTO JobJDLs VALUES (77, '', '', '')")
        self.jobs.run(
            "INSERT INTO Jobs (JobID, Owner, OwnerGroup, VO, Status, MinorStatus, ApplicationStatus, StartExecTime,"
            " HeartBeatTime, LastUpdateTime)"
            " VALUES (77, 'alice', 'vo_user', 'vo', %s, 'Application', 'Unknown', %s, %s, %s)",
            (status, began, began, began),
        )
        _done(self.jobLoggingDB.addLoggingRecord(77, status, "Application", "Unknown", began, "JobManager"))

    def _at(self) -> None:
        for rows in (self.jobs, self.history):
            rows.at(DiracTime.utcnow(), self.mode)

    def become(self, caller: Caller) -> None:
        super().become(caller)
        self._at()
        with patch(_RIGHTS, lambda *_: list(caller.properties)):
            self.initializeRequest()

    def state(self) -> Any:
        """Return the job's row, its history, its signs of life and its parameters."""
        (job,) = self.jobs.run(f"SELECT {', '.join(JOB_COLUMNS)} FROM Jobs WHERE JobID = 77")
        history = self.history.run(
            "SELECT Status, MinorStatus, ApplicationStatus, StatusTime, StatusTimeOrder, StatusSource FROM LoggingInfo"
            " ORDER BY JobID, SeqNum"
        )
        beats = self.jobs.run("SELECT Name, Value, HeartBeatTime FROM HeartBeatLoggingInfo WHERE JobID = 77")
        documents = {name: document for index in self.documents.values() for name, document in index.items()}
        return {"job": job, "history": history, "beats": sorted(beats), "parameters": documents}


class Transformation(Https, TransformationManagerHandlerMixin):
    """TransformationManager with two transformations that share a file."""

    service = "Transformation/TransformationManager"
    log = gLogger.getSubLogger("TransformationManager")

    def reset(self) -> None:
        """Keep the transformations of FILES, all files Assigned."""
        self.files = Rows(self.transformationDB)
        self._at()
        for table in ("TransformationFiles", "DataFiles", "TransformationLog", "Transformations"):
            self.files.run(f"DELETE FROM {table}")
        now, ids = str(DiracTime.utcnow())[:19], {}
        for name, lfns in FILES.items():
            self.files.run(
                "INSERT INTO Transformations (TransformationID, TransformationName, Author, AuthorGroup)"
                " VALUES (%s, %s, 'alice', 'vo_user')",
                (name, str(name)),
            )
            for lfn in lfns:
                file_id = ids.setdefault(lfn, 100 + len(ids))
                self.files.run("INSERT IGNORE INTO DataFiles (FileID, LFN) VALUES (%s, %s)", (file_id, lfn))
                self.files.run(
                    "INSERT INTO TransformationFiles"
                    " (TransformationID, FileID, Status, TaskID, LastUpdate, InsertedTime)"
                    " VALUES (%s, %s, 'Assigned', 1, %s, %s)",
                    (name, file_id, now, now),
                )

    def _at(self) -> None:
        self.files.at(DiracTime.utcnow(), self.mode)

    def become(self, caller: Caller) -> None:
        super().become(caller)
        self._at()

    def state(self) -> Any:
        """Return all rows of files."""
        return self.files.run(
            "SELECT TransformationID, FileID, LFN, tf.Status, ErrorCount, TaskID, TargetSE, UsedSE, LastUpdate,"
            " InsertedTime FROM TransformationFiles tf JOIN DataFiles USING (FileID) ORDER BY 1, 2"
        )


class DataStore(Dips, DataStoreHandler):
    """DataStore with empty queues."""

    service = "Accounting/DataStore"

    def __init__(self) -> None:
        """Take no connection."""

    def _database(self) -> Any:
        multi = type(self)._DataStoreHandler__acDB
        (database,) = multi._MultiAccountingDB__allDBs.values()
        return database

    def reset(self) -> None:
        """Empty all queues."""
        self.queues = Rows(self._database())
        self.queues.at(DiracTime.utcnow(), self.mode)
        self.types = self._database().dbCatalog
        for name in self.types:
            self.queues.run(f"DELETE FROM `ac_in_{name}`")

    def call(self, caller: Caller, method: str, args: tuple[Any, ...]) -> Any:
        self.queues.at(DiracTime.utcnow(), self.mode)
        return super().call(caller, method, args)

    def state(self) -> Any:
        """Return the records in the queue of each type that has some, as type, start, end, values."""
        records = []
        for name, columns in self.types.items():
            fields = ", ".join(f"`{field}`" for field in columns["typeFields"])
            for row in self.queues.run(f"SELECT {fields} FROM `ac_in_{name}` ORDER BY id"):
                *values, start, end = row
                records.append([name, start, end, [_number(value) for value in values]])
        return records


def _number(value: Any) -> Any:
    return value


class ReqManager(Https, ReqManagerHandlerMixin):
    """ReqManager without requests."""

    service = "RequestManagement/ReqManager"
    log = gLogger.getSubLogger("ReqManager")
    constantRequestDelay = 0

    @property
    def engine(self) -> Any:
        """What asks the database."""
        return type(self)._ReqManagerHandlerMixin__requestDB.engine

    def reset(self) -> None:
        """Forget all requests; the next one is number 1."""
        self.engine.dispose()
        with self.engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM Request")
            for table in ("Request", "Operation", "File"):
                connection.exec_driver_sql(f"ALTER TABLE `{table}` AUTO_INCREMENT = 1")
            connection.exec_driver_sql(f"SET GLOBAL sql_mode = '{self.mode}'")
        self.engine.dispose()

    def state(self) -> Any:
        """Return the rows of each table by their IDs, without those columns that no version since 9 fills."""
        state = {}
        with self.engine.connect() as connection:
            for table, key in (("Request", "RequestID"), ("Operation", "OperationID"), ("File", "FileID")):
                rows = connection.exec_driver_sql(f"SELECT * FROM `{table}` ORDER BY {key}").mappings()
                kept = [{name: _text(row[name]) for name in sorted(row) if name != "OwnerDN"} for row in rows]
                state[table] = any_order(kept)
        return state


class ReqProxy(Dips, ReqProxyHandler):
    """ReqProxy with an empty cache."""

    service = "RequestManagement/ReqProxy"

    def __init__(self) -> None:
        """Take no connection."""

    def reset(self) -> None:
        """Empty the cache, which is a directory in the current one."""
        for file in Path(self.cacheDir()).iterdir():
            file.unlink()

    def state(self) -> Any:
        """Return the cached texts by their names."""
        return {file.name: file.read_text() for file in Path(self.cacheDir()).iterdir()}


SERVICES: Final = (JobState, Transformation, DataStore, ReqManager, ReqProxy)


def initialize(folder: Path, documents: Indices) -> None:
    """Connect every handler to its database; the proxy keeps its cache in ``folder``. The configuration is loaded."""
    JobState.documents = documents
    here = Path.cwd()
    os.chdir(folder)
    try:
        for handler in SERVICES:
            system, name = handler.service.split("/")
            path = f"/Systems/{system}/Services/{name}"
            _done(
                handler.initializeHandler(
                    {"csPaths": [path], "serviceSectionPath": path, "serviceName": handler.service}
                )
            )
        ReqProxy.cacheDir()
    finally:
        os.chdir(here)
