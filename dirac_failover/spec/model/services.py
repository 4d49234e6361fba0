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
from itertools import count
from typing import TYPE_CHECKING, Final, NamedTuple

from dirac_failover.spec.observation import Call, Scrubber

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dirac_failover.spec.scenario import Json, Scenario

ADDRESSES: Final = {
    "job-state": "WorkloadManagement/JobStateUpdate",
    "transformation": "Transformation/TransformationManager",
    "accounting": "Accounting/DataStore",
    "requests": "RequestManagement/ReqManager",
    "req-proxy": "RequestManagement/ReqProxy",
}
"""Where clients call each service."""

JOB: Final = "77"
TRANSFORMATION: Final = "12"
FIRST_FILE: Final = 100
"""The ID of the first file that the transformation knows; the others follow."""
WORKING: Final = ("alice", "vo_user")
"""The owner of the job when there is no proxy."""

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


SLOWEST: Final = -60
"""By how many seconds a node's clock may be slow before all that the job says of itself seems to be from before it
began: the job began a minute ago."""

NEXT: Final[dict[str, frozenset[str]]] = {
    "Running": frozenset({"Stalled", "Done", "Failed", "Rescheduled", "Completing", "Killed", "Received"}),
    "Completing": frozenset({"Done", "Failed", "Completed", "Stalled", "Killed"}),
    "Failed": frozenset({"Rescheduled", "Deleted"}),
    "Done": frozenset({"Deleted"}),
    "Waiting": frozenset({"Matched", "Rescheduled", "Deleted", "Killed"}),
}
"""The statuses that may follow each status of a job, among the statuses that scenarios use."""
FINAL: Final = frozenset({"Done", "Completed", "Failed", "Killed"})
SOURCE_LENGTH: Final = 32


class RefusedError(Exception):
    """A service refuses a call, with this text."""


class Moment:
    """When something happened: like no other moment, and later than those that were made before."""

    _numbers = count()

    def __init__(self) -> None:
        """Be now."""
        self.number = next(self._numbers)


class Times:
    """Moments by the names that an outcome gives them: numbers, in the order in which they are shown."""

    def __init__(self) -> None:
        """Begin when nothing is shown."""
        self._names: dict[Moment, str] = {}

    def show(self, moment: Moment) -> str:
        """Return the name of a moment."""
        return self._names.setdefault(moment, f"<T{len(self._names) + 1}>")

    def in_order(self, names: Iterable[str]) -> list[str]:
        """Return names of moments in the order of the moments."""
        moments = {name: moment for moment, name in self._names.items()}
        return sorted(names, key=lambda name: moments[name].number)


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


def _shaped(fault: Fault, _: str) -> Json:
    return {"OK": True, "Value": json.loads(fault.text)}


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
    "bad_shape": _shaped,
}
"""What the client sees, by the kind of the fault."""

DONE: Final = frozenset({"lost_reply", "bad_shape"})
"""The kinds of faults with which the service has done what was asked all the same."""

RAISED: Final[dict[str, type[BaseException]]] = {
    kind.__name__: kind for kind in (ValueError, RuntimeError, KeyboardInterrupt)
}

NO_STUB: Final = ";stub=no"
"""At the end of an error's text: the answer does not tell how to repeat the call."""

_TEXT: Final = re.compile(
    rf"({'|'.join(ADDRESSES)})(?:\.(\w+))?:(?:(down|refuse|lost_reply)|(first)=([1-9]\d*)|(s_error)=([^;@]+(?:{NO_STUB})?)"
    rf"|(raises)=((?:{'|'.join(RAISED)}):[^:@]+)|(bad_shape)=([^@]+))(?:@first=([1-9]\d*))?"
)
_CLOCK: Final = re.compile(r"clock:skew=(-?[1-9]\d*)")


def fault(text: str) -> Fault | None:
    """Return the fault that a scenario names; None for one of which the specification does not speak."""
    if skew := _CLOCK.fullmatch(text):
        return Fault("clock", None, "skew", None, skew[1])
    found = _TEXT.fullmatch(text)
    if not found:
        return None
    service, method, *rest, at_first = found.groups()
    kind, said = ([part for part in rest if part] + [""])[:2]
    if kind == "first":
        return Fault(service, method, kind, int(said), "")
    return Fault(service, method, kind, int(at_first) if at_first else None, said)


METHODS: Final = {("req-proxy", "putRequest"): "saveRequest"}
"""What does a call, where it is not the method of that name."""

_UNKNOWN_TO_JSON: Final = re.compile(r"'<(Decimal|set)>'")
"""How an outcome shows values that cannot be sent."""


class Services:
    """What the services hold, and what has been asked of them: each call becomes a step."""

    def __init__(self, scenario: Scenario, times: Times, steps: list[Call]) -> None:
        """Begin with a job that runs since a minute, and with the files that the transformation knows."""
        self._owner = scenario.owner or WORKING
        self._times, self._steps = times, steps
        self._faults = [known for known in map(fault, scenario.faults) if known]
        self._struck = [0] * len(self._faults)
        self._skew = next((int(known.text) for known in self._faults if known.kind == "skew"), 0)
        self._began = self._updated = Moment()
        self._ended: Moment | None = None
        self._says = {"Status": "Running", "MinorStatus": "Application", "ApplicationStatus": "Unknown"}
        self._history: list[tuple[str, dict[str, str]]] = []
        self._files = {
            str(number): _file(lfn, number, status, scenario.error_counts.get(lfn, 0))
            for number, (lfn, status) in enumerate(scenario.server_files.items(), FIRST_FILE)
        }
        self._parameters: dict[str, Json] = {}
        self._records = 0
        self._requests: dict[str, Json] = {}
        self._saved: dict[str, Json] = {}

    def call(self, service: str, method: str, *args: Json) -> Json:
        """Ask a service; the answer tells how to repeat the call. A fault may have it otherwise, or be raised.

        Raises TypeError for an argument that JSON does not know.
        """
        if unknown := _UNKNOWN_TO_JSON.search(repr(args)):
            raise TypeError(f"Object of type {unknown[1]} is not JSON serializable")
        struck = self._fault(service, method)
        if struck is None or struck.kind in DONE:
            try:
                answer = {"OK": True, "Value": getattr(self, METHODS.get((service, method), method))(*args)}
            except RefusedError as refusal:
                answer = error(str(refusal))
        if struck:
            answer = FAULTS[struck.kind](struck, method)
        self._steps.append(Call(service, method, SHOWN.get(method, list)(args), answer))
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
        """All updates are in the history; what they say in the end is what the job says of itself, unless it is late.

        A status that may not follow the present one leaves it, and the history tells so by the source. Raises
        RefusedError for one that does not exist.
        """
        in_order = self._times.in_order(updates)
        told = {time: {**updates[time]} for time in in_order}
        wanted = {update.get("Status") for update in told.values()}
        says: dict[str, str] = {}
        if self._skew > SLOWEST:
            has = self._says["Status"]
            for update in told.values():
                asked = update.get("Status", has)
                if asked not in NEXT:
                    raise RefusedError(f"getNextState: {asked!r} is not a valid state")
                if asked != has and asked not in NEXT[has]:
                    update |= {"Status": has, "Source": update["Source"] + "(SM)"}
                has = update.get("Status", has)
                says |= {name: text for name, text in update.items() if name != "Source"}
            self._says |= says
            self._updated = Moment()
        if wanted & FINAL:
            self._ended = self._ended or Moment()
        self._history += told.items()
        changed = {name: says[name] for name in ("MinorStatus", "ApplicationStatus") if name in says}
        return [[*changed], [*changed.values()]]

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

    def saveRequest(self, text: str) -> Json:
        """A request proxy keeps the request until its next sweep."""
        user, group = self._owner
        self._saved["<digest>"] = json.dumps(json.loads(text) | {"Owner": user, "OwnerGroup": group})
        return {"set": False, "saved": True}

    def state(self) -> Json:
        """What all services hold."""
        user, group = self._owner
        count = len(self._requests)
        return {
            "job-state": {
                "jobs": {JOB: self._says | {
                    "Owner": user, "OwnerGroup": group, "StartExecTime": self._times.show(self._began),
                    "EndExecTime": self._ended and self._times.show(self._ended), "HeartBeatTime": self._heard(),
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
            "req-proxy": {"cache": self._saved},
        }  # fmt: skip

    def _documents(self) -> Json:
        """The parameters of the job, if there are any."""
        about = {"JobID": int(JOB), "timestamp": (NOON - self._skew) * 1000}
        return {JOB: about | self._parameters} if self._parameters else {}

    def _heard(self) -> str:
        """When the job was last heard of: by its own clock."""
        return self._history[-1][0] if self._history else self._times.show(self._began)

    def _told(self) -> list[Json]:
        """The history of the job."""
        began = {
            "Status": "Running", "MinorStatus": "Application", "ApplicationStatus": "Unknown",
            "StatusTime": self._times.show(self._began), "StatusSource": "JobManager",
            "Epoch": NOON - self._skew - 60.0,
        }  # fmt: skip
        updates = [
            dict.fromkeys(("Status", "MinorStatus", "ApplicationStatus"), "idem")
            | {name: text for name, text in update.items() if name != "Source"}
            | {"StatusTime": time, "StatusSource": update["Source"][:SOURCE_LENGTH], "Epoch": float(NOON)}
            for time, update in self._history
        ]  # fmt: skip
        return [began, *updates]


def _file(lfn: str, number: int, status: str, errors: int) -> dict[str, Json]:
    return {
        "LFN": lfn, "TransformationID": int(TRANSFORMATION), "FileID": number, "Status": status, "TaskID": 1,
        "TargetSE": "Unknown", "UsedSE": "Unknown", "ErrorCount": errors, "LastUpdate": "<time>",
        "InsertedTime": "<time>",
    }  # fmt: skip


_TIME: Final = {"__dCls": "dt", "obj": "<time>"}
_SENT: Final = {"LastUpdate": _TIME, "InsertedTime": _TIME}
"""How a row says its times on the way to a client."""
