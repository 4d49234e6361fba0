"""The executable specification of the services: their state, their answers, and the effect of a fault on a call.

The state is that of one job, one transformation, the accounting and the requests, as far as the end of a job changes
it, in the form of an observation. This file shares no code with the services in memory against which scenarios are run.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import count
from typing import TYPE_CHECKING, Final, NamedTuple

from dirac_failover.spec.observation import Call, Scrubber

if TYPE_CHECKING:
    from collections.abc import Collection

    from dirac_failover.spec.scenario import Json, Scenario

ADDRESSES: Final = {
    "job-state": "WorkloadManagement/JobStateUpdate",
    "transformation": "Transformation/TransformationManager",
    "accounting": "Accounting/DataStore",
    "requests": "RequestManagement/ReqManager",
    "req-proxy": "RequestManagement/ReqProxy",
}
"""The address of each service."""

DIPS: Final = frozenset({"accounting", "req-proxy"})
"""The services behind DIRAC's older protocol, whose client tries three times to connect."""
TRIES: Final = 3
NO_CONNECTION: Final = frozenset({"down", "refuse", "first"})

ARGUMENTS_LENGTH: Final = 65_535
"""The bytes that the arguments of an operation can have in the request database."""
TOO_LONG: Final = (
    "putRequest: unexpected exception (MySQLdb.DataError) (1406, \"Data too long for column 'Arguments' at row 1\")"
)

BEGAN: Final = {"Status": "Running", "MinorStatus": "Application", "ApplicationStatus": "Unknown"}
"""The statuses of a job that has begun."""

JOB: Final = "77"
TRANSFORMATION: Final = "12"
FIRST_FILE: Final = 100
"""The ID of the first file of the transformation; the others follow."""

NOON: Final = 1767268800
"""The present time, in seconds since the epoch; the job began a minute before."""
VALUES: Final = ["site", "endpoint", "SE", "alice", 59]
RECORD: Final = ["StorageOccupancy", NOON - 3600, NOON - 60, VALUES]
"""A record as the accounting keeps it: its times are numbers."""

LOOK_UP_TIMEOUT: Final = 1800
TIMEOUT: Final = 600
"""The seconds that a client waits for an answer: to a lookup of files, and to any other call."""

_REFUSED: Final = (
    "('dirac.invalid', 443) [Errno 111] Connection refused:ConnectionRefusedError(111, 'Connection refused')"
)
_SILENT: Final = "Error in _read: The operation timed out SSLTimeoutError('The operation timed out')"
_POOL: Final = "HTTPSConnectionPool(host='dirac.invalid', port=443)"
_NO_CONNECTION: Final = (
    "(Caused by NewConnectionError(\"HTTPSConnection(host='dirac.invalid', port=443): "
    'Failed to establish a new connection: [Errno 111] Connection refused"))'
)

SLOWEST: Final = -60
"""The seconds by which a node's clock may be slow before the job's statuses seem to be older than its start."""

NEXT: Final[dict[str, frozenset[str]]] = {
    "Running": frozenset({"Stalled", "Done", "Failed", "Rescheduled", "Completing", "Killed", "Received"}),
    "Completing": frozenset({"Done", "Failed", "Completed", "Stalled", "Killed"}),
    "Failed": frozenset({"Rescheduled", "Deleted"}),
    "Done": frozenset({"Deleted"}),
    "Waiting": frozenset({"Matched", "Rescheduled", "Deleted", "Killed"}),
}
"""The statuses that may follow each status of a job, among those that scenarios use."""
FINAL: Final = frozenset({"Done", "Completed", "Failed", "Killed"})
SOURCE_LENGTH: Final = 32


class RefusedError(Exception):
    """A service refuses a call; the text is the Message of its answer."""


now: Final = count().__next__
"""Take the present instant: a number that is larger than those that were taken before."""


class Times:
    """The names of instants in an observation: numbers, in the order in which they are shown."""

    def __init__(self) -> None:
        """Begin without names."""
        self._names: dict[int, str] = {}

    def show(self, instant: int) -> str:
        """Return the name of an instant."""
        return self._names.setdefault(instant, f"<T{len(self._names) + 1}>")

    def in_order(self, names: Collection[str]) -> list[str]:
        """Return names in the order of their instants."""
        return [name for _, name in sorted(self._names.items()) if name in names]


class ModelFault(NamedTuple):
    """A fault of a service: the calls that it strikes, and its effect."""

    service: str
    method: str | None
    """None: all methods."""
    kind: str
    first: int | None
    """The number of calls that it strikes; None: all."""
    text: str
    """The text of the error, the exception, or the answer."""


def seen(fault: ModelFault, method: str) -> Json:
    """Return the answer that a client gets of a call that a fault strikes, or the text of an exception that it gets."""
    old = fault.service in DIPS
    match fault.kind:
        case "raises":
            return {"raises": repr(exception(fault))}
        case "bad_shape":
            return {"OK": True, "Value": json.loads(fault.text)}
        case "s_error":
            text = fault.text.removesuffix(NO_STUB)
        case "lost_reply":
            seconds = LOOK_UP_TIMEOUT if method == "getTransformationFiles" else TIMEOUT
            text = _SILENT if old else f"{_POOL}: Read timed out. (read timeout={seconds}): None"
        case _:
            url = f"{_POOL}: Max retries exceeded with url: /{ADDRESSES[fault.service]} {_NO_CONNECTION}: None"
            text = _REFUSED if old else url
    return {"OK": False, "Errno": 0, "Message": text}


def exception(fault: ModelFault) -> BaseException:
    """Return the exception that a fault raises in the place of an answer."""
    name, text = fault.text.split(":")
    return RAISED[name](text)


DONE: Final = frozenset({"lost_reply", "bad_shape"})
"""The kinds of faults with which the service has executed the call."""

RAISED: Final[dict[str, type[BaseException]]] = {
    kind.__name__: kind for kind in (ValueError, RuntimeError, KeyboardInterrupt)
}

NO_STUB: Final = ";stub=no"
"""The end of an error's text if the answer has no rpcStub."""

_TEXT: Final = re.compile(
    rf"({'|'.join(ADDRESSES)})(?:\.(\w+))?:(?:(down|refuse|lost_reply)|(first)=([1-9]\d*)|(s_error)=([^;@]+(?:{NO_STUB})?)"
    rf"|(raises)=((?:{'|'.join(RAISED)}):[^:@]+)|(bad_shape)=([^@]+))(?:@first=([1-9]\d*))?"
)
_CLOCK: Final = re.compile(r"clock:skew=(-?[1-9]\d*)")


def fault(text: str) -> ModelFault | None:
    """Return the fault that a scenario names; None if the model does not know it."""
    if skew := _CLOCK.fullmatch(text):
        return ModelFault("clock", None, "skew", None, skew[1])
    found = _TEXT.fullmatch(text)
    if not found:
        return None
    service, method, *rest, at_first = found.groups()
    kind, value = ([part for part in rest if part] + [""])[:2]
    if kind == "first":
        return ModelFault(service, method, kind, int(value), "")
    return ModelFault(service, method, kind, int(at_first) if at_first else None, value)


METHODS: Final = {("req-proxy", "putRequest"): "saveRequest"}
"""The methods of this class that have another name than the service's."""

_UNKNOWN_TO_JSON: Final = re.compile(r"'<(Decimal|set)>'")
"""Values in an observation that cannot be sent."""


class Services:
    """The state of the services; each call of them becomes a step of the observation."""

    def __init__(self, scenario: Scenario, times: Times, steps: list[Call]) -> None:
        """Begin with a job that has run for a minute, and with the transformation's files."""
        self._owner = scenario.owner or ("alice", "vo_user")
        self._times, self._steps = times, steps
        self._faults = [known for known in map(fault, scenario.faults) if known]
        self._struck: Counter[ModelFault] = Counter()
        self._skew = next((int(known.text) for known in self._faults if known.kind == "skew"), 0)
        self._began = self._updated = now()
        self._ended: int | None = None
        self._shown = {**BEGAN}
        self._history: list[tuple[str, dict[str, str]]] = []
        self._files = {
            str(number): {
                "LFN": lfn, "TransformationID": int(TRANSFORMATION), "FileID": number, "Status": status, "TaskID": 1,
                "TargetSE": "Unknown", "UsedSE": "Unknown", "ErrorCount": scenario.error_counts.get(lfn, 0),
                "LastUpdate": "<time>", "InsertedTime": "<time>",
            }
            for number, (lfn, status) in enumerate(scenario.server_files.items(), FIRST_FILE)
        }  # fmt: skip
        self._parameters: dict[str, Json] = {}
        self._records = 0
        self._requests: dict[str, Json] = {}
        self._last_request = 0
        self._saved: dict[str, Json] = {}

    def call(self, service: str, method: str, *args: Json) -> Json:
        """Call a service.

        SC.1. An argument that JSON does not know cannot be sent: TypeError(`Object of type {type} is not JSON
              serializable`).
        SC.2. If faults strike the call, the first of them decides; each one counts the call.
        SC.3. A service that cannot be reached executes nothing, and the answer is the error
              `HTTPSConnectionPool(host='{host}', port={port}): Max retries exceeded with url: /{service} (Caused by
              NewConnectionError("HTTPSConnection(host='{host}', port={port}): Failed to establish a new connection:
              [Errno 111] Connection refused")): None`.
        SC.4. If the service executes the call and the reply is lost, the answer is the error
              `HTTPSConnectionPool(host='{host}', port={port}): Read timed out. (read timeout={seconds}): None`, after
              1800 seconds for getTransformationFiles, 600 for any other method.
        SC.5. A service may also refuse the call with an error of its own, answer a value of another shape after it has
              executed the call, or be replaced by code that raises.
        SC.6. Otherwise the service executes the call, and answers OK with its value, or the error with which it
              refuses.
        SC.7. The answer gets an rpcStub, from which the call can be repeated: the tuple ((`{system}/{service}`,
              {"timeout": 600, "useAccessToken": false}), method, [arguments]). Errors of SC.5 may lack it.
        """
        if unknown := _UNKNOWN_TO_JSON.search(repr(args)):
            raise TypeError(f"Object of type {unknown[1]} is not JSON serializable")
        struck = self._fault(service, method)
        for _ in range(TRIES - 1):
            if struck and struck.kind in NO_CONNECTION and service in DIPS:
                struck = self._fault(service, method)
        if struck is None or struck.kind in DONE:
            try:
                answer = {"OK": True, "Value": getattr(self, METHODS.get((service, method), method))(*args)}
            except RefusedError as refusal:
                answer = {"OK": False, "Errno": 0, "Message": str(refusal)}
        if struck:
            answer = seen(struck, method)
        shown = Scrubber().plain if method == "commitRegisters" else list  # times, which JSON does not know
        self._steps.append(Call(service, method, shown(args), answer))
        if struck and struck.kind == "raises":
            raise exception(struck)
        if struck and struck.text.endswith(NO_STUB):
            return answer
        if service in DIPS:
            options = {"timeout": TIMEOUT, "skipCACheck": False, "keepAliveLapse": 150}
            return {**answer, "rpcStub": [[ADDRESSES[service], options], method, list(args)]}
        whom = (ADDRESSES[service], {"timeout": TIMEOUT, "useAccessToken": False})
        return {**answer, "rpcStub": (whom, method, list(args))}

    def _fault(self, service: str, method: str) -> ModelFault | None:
        """Return the first fault that strikes a call; each one counts it."""
        mine = [known for known in self._faults if known.service == service and known.method in {None, method}]
        self._struck.update({*mine})
        return next((known for known in mine if known.first is None or self._struck[known] <= known.first), None)

    def getTransformationFiles(self, wanted: Json, *_: Json) -> Json:
        """Look up files: `getTransformationFiles` of TransformationManager.

        SF.1. Return the JSON text of an answer whose Value has one row for each file of the transformation that is
              among the LFNs: an object with LFN, TransformationID, FileID, Status, TaskID, TargetSE, UsedSE,
              ErrorCount, LastUpdate and InsertedTime. A time is {"__dCls": "dt", "obj": `2026-01-01 12:00:00`}.
        """
        sent = {name: {"__dCls": "dt", "obj": "<time>"} for name in ("LastUpdate", "InsertedTime")}
        rows = [row | sent for row in self._files.values() if row["LFN"] in wanted["LFN"]]
        return json.dumps({"OK": True, "Value": rows})

    def setFileStatusForTransformation(self, _: Json, changes: dict[str, Json]) -> Json:
        """Change files: `setFileStatusForTransformation` of TransformationManager.

        SS.1. For each FileID set Status to the first element; if the second is true, add 1 to ErrorCount. Return null.
        """
        for number, (status, failed) in changes.items():
            self._files[number]["Status"] = status
            self._files[number]["ErrorCount"] += failed

    def setJobStatusBulk(self, _: Json, updates: dict[str, Json], __: Json) -> Json:
        """Take statuses of a job: `setJobStatusBulk` of JobStateUpdate.

        SB.1. Take the updates in the order of their times. If the last time is older than the start of the job (its
              clock is slow by a minute or more), go to SB.4.
        SB.2. For each update with a Status: if that does not exist, refuse the call with `getNextState: '{Status}' is
              not a valid state`. If it differs from the present status and may not follow it (see the table below),
              replace it by the present status, and append `(SM)` to the update's Source. Otherwise it is the present
              status.
        SB.3. Set the Status, MinorStatus and ApplicationStatus of the job to the last value that the updates give for
              each, and LastUpdateTime to the present.
        SB.4. If any update came with a final Status (Done, Completed, Failed or Killed), set EndExecTime, unless it is
              set. Append every update to the history with its time, its Source (32 characters of it), and `idem` for
              each field that it does not give. The time of the last update is the HeartBeatTime.
        SB.5. Return the names and the values of the MinorStatus and ApplicationStatus that SB.3 has set.
        """
        in_order = self._times.in_order(updates)
        given = {time: {**updates[time]} for time in in_order}
        wanted = {update.get("Status") for update in given.values()}
        last: dict[str, str] = {}
        if self._skew > SLOWEST:
            has = self._shown["Status"]
            for update in given.values():
                asked = update.get("Status", has)
                if asked not in NEXT:
                    raise RefusedError(f"getNextState: {asked!r} is not a valid state")
                if asked != has and asked not in NEXT[has]:
                    update |= {"Status": has, "Source": update["Source"] + "(SM)"}
                has = update.get("Status", has)
                last |= {name: text for name, text in update.items() if name != "Source"}
            self._shown |= last
            self._updated = now()
        if wanted & FINAL:
            self._ended = now() if self._ended is None else self._ended
        self._history += given.items()
        changed = {name: last[name] for name in ("MinorStatus", "ApplicationStatus") if name in last}
        return [[*changed], [*changed.values()]]

    def setJobParameters(self, _: Json, pairs: list[Json]) -> Json:
        """Take parameters of a job: `setJobParameters` of JobStateUpdate.

        SP.1. Set each parameter to its value. Return null; the first call, which makes the job's document, returns the
              name of the index `job_parameters_{VO}_{job ID in millions}m`.
        """
        new, self._parameters = not self._parameters, self._parameters | dict(pairs)
        return "job_parameters_vo_0m" if new else None

    def commitRegisters(self, records: list[Json]) -> Json:
        """Take accounting records: `commitRegisters` of DataStore.

        SA.1. Keep the records, and return null.
        """
        self._records += len(records)

    def putRequest(self, text: str) -> Json:
        """Take a request: `putRequest` of ReqManager.

        SR.1. Give the request and its operations the next IDs, keep the request, and return its ID; but refuse a
        request with arguments that do not fit into their column, of which only the ID is used up.
        """
        self._last_request += 1
        number = self._last_request
        request = json.loads(text)
        (pending,) = request["Operations"]
        if len(pending["Arguments"].encode()) > ARGUMENTS_LENGTH:
            raise RefusedError(TOO_LONG)
        pending.update(RequestID=number, OperationID=len(self._requests) + 1)
        self._requests[str(number)] = request | {"RequestID": number}
        return number

    def saveRequest(self, text: str) -> Json:
        """Take a request on its way: `putRequest` of ReqProxy.

        SX.1. Keep the request, owned by the caller, until it is handed to ReqManager; return {"set": false, "saved":
              true}.
        """
        user, group = self._owner
        self._saved["<digest>"] = json.dumps(json.loads(text) | {"Owner": user, "OwnerGroup": group})
        return {"set": False, "saved": True}

    def state(self) -> Json:
        """Return the state of all services."""
        user, group = self._owner
        show = self._times.show
        began, updated, ended = show(self._began), self._updated, self._ended
        history = [
            dict.fromkeys(self._shown, "idem")
            | {name: text for name, text in update.items() if name != "Source"}
            | {"StatusTime": time, "StatusSource": update["Source"][:SOURCE_LENGTH], "Epoch": float(NOON)}
            for time, update in self._history
        ]
        first = {"StatusTime": began, "StatusSource": "JobManager", "Epoch": NOON - self._skew - 60.0}
        document = {"JobID": int(JOB), "timestamp": (NOON - self._skew) * 1000} | self._parameters
        return {
            "job-state": {
                "jobs": {JOB: self._shown | {
                    "Owner": user, "OwnerGroup": group, "StartExecTime": began,
                    "EndExecTime": None if ended is None else show(ended),
                    "HeartBeatTime": self._history[-1][0] if self._history else began, "LastUpdateTime": show(updated),
                }},
                "history": {JOB: [BEGAN | first, *history]}, "parameters": {JOB: document} if self._parameters else {},
                "heartbeats": {},
            },
            "transformation": {
                "transformations": {TRANSFORMATION: {"Author": user, "AuthorGroup": group}},
                "ids": {row["LFN"]: row["FileID"] for row in self._files.values()},
                "files": {TRANSFORMATION: self._files},
            },
            "accounting": {"records": [RECORD] * self._records},
            "requests": {
                "requests": self._requests,
                "last": {"RequestID": self._last_request, "OperationID": len(self._requests), "FileID": 0},
            },
            "req-proxy": {"cache": self._saved},
        }  # fmt: skip
