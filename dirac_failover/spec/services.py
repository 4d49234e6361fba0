"""The executable specification of the services: what they hold, what they answer, and what a fault makes of a call.

It says this of one job, one transformation, the accounting and the requests, as far as the end of a job goes, and in
the form in which an outcome shows it. It shares no code with the services in memory that scenarios are run against,
which do the same in DIRAC's way.

A new fault of the space is a row of :data:`FAULTS`; a new call of a client is a method of :class:`Services`, and a line
of :data:`ADDRESSES` if its service is new.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from dirac_failover.spec.outcome import Scrubber, Step

if TYPE_CHECKING:
    from collections.abc import Callable

    from dirac_failover.spec.scenario import Json, Scenario

ADDRESSES: Final = {
    "job-state": "WorkloadManagement/JobStateUpdate",
    "transformation": "Transformation/TransformationManager",
    "accounting": "Accounting/DataStore",
    "requests": "RequestManagement/ReqManager",
}
"""Where clients call each service."""

JOB: Final = "77"
TRANSFORMATION: Final = "12"
FIRST_FILE: Final = 100
"""The ID of the first file that the transformation knows; the others follow."""
WORKING: Final = ("alice", "vo_user")
"""Whose the job is when nobody's proxy is there."""

INDEX: Final = "job_parameters_vo_0m"
"""Where the parameters of the job are kept."""

NOON: Final = 1767268800
"""When all happens, in seconds since the epoch; the job began a minute before, and accounts for the last hour."""
RECORD: Final = ["Job", NOON - 3600, NOON - 60, ["alice", 59]]
"""A record as the accounting keeps it: with numbers for its times."""

LOOK_UP_TIMEOUT: Final = 1800
TIMEOUT: Final = 600
"""How many seconds a client waits for an answer: to the question for files, and to all others."""

_POOL: Final = "HTTPSConnectionPool(host='dirac.invalid', port=443)"
_NO_CONNECTION: Final = (
    "(Caused by NewConnectionError(\"HTTPSConnection(host='dirac.invalid', port=443): "
    'Failed to establish a new connection: [Errno 111] Connection refused"))'
)

SHOWN: Final[dict[str, Callable[[Json], Json]]] = {"commitRegisters": Scrubber().plain}
"""How the arguments of a call become those of a step, where they hold what JSON does not know."""


class Moment:
    """When something happened: like no other moment."""


class Times:
    """Moments by the names that an outcome gives them: numbers, in the order in which they are shown."""

    def __init__(self) -> None:
        """Begin when nothing is shown."""
        self._names: dict[Moment, str] = {}

    def show(self, moment: Moment) -> str:
        """Return the name of a moment."""
        return self._names.setdefault(moment, f"<T{len(self._names) + 1}>")


class Fault(NamedTuple):
    """What goes wrong with calls, and with which."""

    service: str
    method: str | None
    """None: all of them."""
    kind: str
    first: int | None
    """How many calls it strikes; None: all of them."""
    text: str
    """What is said, or raised."""


def _refused(fault: Fault, _: str) -> Json:
    path = ADDRESSES[fault.service]
    return error(f"{_POOL}: Max retries exceeded with url: /{path} {_NO_CONNECTION}: None")


def _late(_: Fault, method: str) -> Json:
    seconds = LOOK_UP_TIMEOUT if method == "getTransformationFiles" else TIMEOUT
    return error(f"{_POOL}: Read timed out. (read timeout={seconds}): None")


def _said(fault: Fault, _: str) -> Json:
    return error(fault.text.removesuffix(NO_STUB))


def _raised(fault: Fault, _: str) -> Json:
    return {"raises": repr(exception(fault))}


def exception(fault: Fault) -> BaseException:
    """What a fault raises instead of an answer."""
    name, text = fault.text.split(":")
    return RAISED[name](text)


def error(message: str) -> Json:
    """The return structure of an error."""
    return {"OK": False, "Errno": 0, "Message": message}


FAULTS: Final[dict[str, Callable[[Fault, str], Json]]] = {
    "down": _refused,
    "refuse": _refused,
    "first": _refused,
    "lost_reply": _late,
    "s_error": _said,
    "raises": _raised,
}
"""What the client sees, by the kind of the fault; only where the reply is lost the service has done what was asked."""

RAISED: Final[dict[str, type[BaseException]]] = {
    kind.__name__: kind for kind in (ValueError, RuntimeError, KeyboardInterrupt)
}

NO_STUB: Final = ";stub=no"
"""At the end of an error's text: the answer does not tell how to repeat the call."""

_TEXT: Final = re.compile(
    rf"({'|'.join(ADDRESSES)})(?:\.(\w+))?:(?:(down|refuse|lost_reply)|first=([1-9]\d*)"
    rf"|s_error=([^;@]+(?:{NO_STUB})?)|raises=((?:{'|'.join(RAISED)}):[^:@]+))"
)


def fault(text: str) -> Fault | None:
    """Return the fault that a scenario names; None for one of which the specification does not speak."""
    found = _TEXT.fullmatch(text)
    if not found:
        return None
    service, method, bare, first, said, raised = found.groups()
    if first:
        return Fault(service, method, "first", int(first), "")
    return Fault(service, method, bare or ("s_error" if said else "raises"), None, said or raised or "")


class Services:
    """What the services hold, and what has been asked of them: each call becomes a step."""

    def __init__(self, scenario: Scenario, times: Times, steps: list[Step]) -> None:
        """Begin with a job that runs since a minute, and with the files that the transformation knows."""
        self._owner = scenario.owner or WORKING
        self._times, self._steps = times, steps
        self._faults = [known for known in map(fault, scenario.faults) if known]
        self._struck = [0] * len(self._faults)
        self._began = self._updated = Moment()
        self._application = "Unknown"
        self._history: list[tuple[str, str]] = []
        self._files = {
            str(number): _file(lfn, number, status)
            for number, (lfn, status) in enumerate(scenario.server_files.items(), FIRST_FILE)
        }
        self._parameters: dict[str, Json] = {}
        self._records = 0
        self._requests: dict[str, Json] = {}

    def call(self, service: str, method: str, *args: Json) -> Json:
        """Ask a service; the answer tells how to repeat the call. A fault may have it otherwise, or be raised."""
        struck = self._fault(service, method)
        if struck is None or struck.kind == "lost_reply":
            answer = {"OK": True, "Value": getattr(self, method)(*args)}
        if struck:
            answer = FAULTS[struck.kind](struck, method)
        self._steps.append(Step(service, method, SHOWN.get(method, list)(args), answer))
        if struck and struck.kind == "raises":
            raise exception(struck)
        if struck and struck.text.endswith(NO_STUB):
            return answer
        whom = (ADDRESSES[service], {"timeout": TIMEOUT, "useAccessToken": False})
        return {**answer, "rpcStub": (whom, method, list(args))}

    def _fault(self, service: str, method: str) -> Fault | None:
        """The first fault that strikes a call; each one counts it."""
        striking = []
        for index, known in enumerate(self._faults):
            if known.service == service and known.method in {None, method}:
                self._struck[index] += 1
                if known.first is None or self._struck[index] <= known.first:
                    striking.append(known)
        return striking[0] if striking else None

    def getTransformationFiles(self, wanted: Json, *_: Json) -> Json:
        """The rows of the files that the transformation knows, as the text of another answer."""
        rows = [row | _SENT for row in self._files.values() if row["LFN"] in wanted["LFN"]]
        return json.dumps({"OK": True, "Value": rows})

    def setFileStatusForTransformation(self, _: Json, changes: dict[str, Json]) -> Json:
        """The files have the status that was given, and an error more if it was said to be one."""
        for number, (status, failed) in changes.items():
            self._files[number]["Status"] = status
            self._files[number]["ErrorCount"] += failed

    def setJobStatusBulk(self, _: Json, updates: dict[str, Json], __: Json) -> Json:
        """All updates are in the history, and the last one is what the job says of itself."""
        self._history += [(time, update["ApplicationStatus"]) for time, update in updates.items()]
        self._application = self._history[-1][1]
        self._updated = Moment()
        return [["ApplicationStatus"], [self._application]]

    def setJobParameters(self, _: Json, pairs: list[Json]) -> Json:
        """The parameters have these values; the first of them make the job's document, whose index is answered."""
        new, self._parameters = not self._parameters, self._parameters | dict(pairs)
        return INDEX if new else None

    def commitRegisters(self, records: list[Json]) -> Json:
        """The records are kept."""
        self._records += len(records)

    def putRequest(self, text: str) -> Json:
        """The request is kept; it and its operation get a number."""
        number = len(self._requests) + 1
        request = json.loads(text)
        (pending,) = request["Operations"]
        pending.update(RequestID=number, OperationID=number)
        self._requests[str(number)] = request | {"RequestID": number}
        return number

    def state(self) -> Json:
        """What all services hold."""
        user, group = self._owner
        count = len(self._requests)
        return {
            "job-state": {
                "jobs": {JOB: {
                    "Status": "Running", "MinorStatus": "Application", "ApplicationStatus": self._application,
                    "Owner": user, "OwnerGroup": group, "StartExecTime": self._times.show(self._began),
                    "EndExecTime": None, "HeartBeatTime": self._heard(),
                    "LastUpdateTime": self._times.show(self._updated),
                }},
                "history": {JOB: self._told()}, "parameters": self._documents(), "heartbeats": {},
            },
            "transformation": {
                "transformations": {TRANSFORMATION: {"Author": user, "AuthorGroup": group}},
                "ids": {row["LFN"]: row["FileID"] for row in self._files.values()},
                "files": {TRANSFORMATION: self._files},
            },
            "accounting": {"records": [RECORD] * self._records},
            "requests": {
                "requests": self._requests, "last": {"RequestID": count, "OperationID": count, "FileID": 0},
            },
            "req-proxy": {"cache": {}},
        }  # fmt: skip

    def _documents(self) -> Json:
        """The parameters of the job, if there are any."""
        about = {"JobID": int(JOB), "timestamp": NOON * 1000}
        return {JOB: about | self._parameters} if self._parameters else {}

    def _heard(self) -> str:
        """When the job was last heard of: by its own clock."""
        return self._history[-1][0] if self._history else self._times.show(self._began)

    def _told(self) -> list[Json]:
        """The history of the job."""
        began = {
            "Status": "Running", "MinorStatus": "Application", "ApplicationStatus": "Unknown",
            "StatusTime": self._times.show(self._began), "StatusSource": "JobManager", "Epoch": NOON - 60.0,
        }  # fmt: skip
        updates = [
            {"Status": "idem", "MinorStatus": "idem", "ApplicationStatus": status, "StatusTime": time,
             "StatusSource": f"Job_{JOB}", "Epoch": float(NOON)}
            for time, status in self._history
        ]  # fmt: skip
        return [began, *updates]


def _file(lfn: str, number: int, status: str) -> dict[str, Json]:
    return {
        "LFN": lfn, "TransformationID": int(TRANSFORMATION), "FileID": number, "Status": status, "TaskID": 1,
        "TargetSE": "Unknown", "UsedSE": "Unknown", "ErrorCount": 0, "LastUpdate": "<time>", "InsertedTime": "<time>",
    }  # fmt: skip


_TIME: Final = {"__dCls": "dt", "obj": "<time>"}
_SENT: Final = {"LastUpdate": _TIME, "InsertedTime": _TIME}
"""How a row says its times on the way to a client."""
