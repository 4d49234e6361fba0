"""RequestManagement/ReqManager and its proxies: the requests that arrived, and those that wait at a proxy.

Method names, arguments and answers are DIRAC's. Where DIRAC takes one of the oldest and newest requests at random, the
oldest is taken here.
"""

from __future__ import annotations

import json
import math
from datetime import datetime, timedelta
from hashlib import md5
from heapq import heappop, heappush
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, Final

from dirac_fakes.columns import ColumnError, as_number, columns, illegal, number_in, one_of, only
from dirac_fakes.service import Caller, Result, Service, http_error, names, ok, refusal
from dirac_fakes.stored_request import TIME_FORMAT, Plain, complaint, digest, merge, read, settle

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

_ENOENT = 2
_ENOAUTH = 1111
_MAY_ACT_FOR_OTHERS = frozenset(("FullDelegation", "LimitedDelegation"))
_FINAL = ("Done", "Failed")
SWEEP_SIZE: Final = 10
"""The number of saved requests that a proxy hands on at a time: DIRAC's option SweepSize."""
_GONE: Plain = dict.fromkeys(("Status", "LastUpdate", "NotBefore"))
_SAYS = {
    "putRequest": "putRequest: unexpected exception",
    "cancelRequest": "cancelRequest: unexpected exception",
    "deleteRequest": "deleteRequest: unexpected exception :",
    "getRequestIDForName": "getRequestIDsForName: unexpected exception :",
    **dict.fromkeys(("getRequest", "peekRequest", "getDigest"), "getRequest: unexpected exception :"),
}
_KINDS = {1048: "IntegrityError", 1064: "ProgrammingError", 1264: "DataError", 1265: "DataError", 1406: "DataError",
          1062: "IntegrityError", 167: "InternalError", 1452: "IntegrityError"}  # fmt: skip
"""The class of MySQLdb's exception for an error number; for others it is OperationalError."""
_NO_REQUEST = (
    "Cannot add or update a child row: a foreign key constraint fails (`ReqDB`.`Operation`, CONSTRAINT "
    "`Operation_ibfk_1` FOREIGN KEY (`RequestID`) REFERENCES `Request` (`RequestID`) ON DELETE CASCADE)"
)
_LAST_NUMBER = 2**31 - 1
_NOT_BOOLEAN = "TypeError) Not a boolean value: {}"
_PROXY_HOST = Caller("proxy-host", "hosts", ("FullDelegation",))


def _claim(request: Plain, caller: Caller) -> Result | None:
    """Give an ownerless request to its sender; refuse one that the sender may not put."""
    if not request.get("Owner") or not request.get("OwnerGroup"):
        request.update(Owner=caller.username, OwnerGroup=caller.group)
        return None
    own = (request["Owner"], request["OwnerGroup"]) == (caller.username, caller.group)
    if own or not _MAY_ACT_FOR_OTHERS.isdisjoint(caller.properties):
        return None
    return refusal("Credentials in the requests are not allowed", _ENOAUTH)


class Requests(Service):
    """The service that keeps requests."""

    short = "requests"
    full = "RequestManagement/ReqManager"
    faked = names(
        "putRequest getRequest peekRequest getRequestStatus getDigest getRequestIDForName getRequestIDsForJobs "
        "readRequestsForJobs cancelRequest deleteRequest"
    )
    not_faked = names(
        "getBulkRequestStatus getBulkRequests getDBSummary getDistinctValuesWeb getRequestCountersWeb "
        "getRequestFileStatus getRequestIDsList getRequestInfo getRequestSummaryWeb getScheduledRequest"
    )

    __slots__ = ("_later_ones", "_of", "_ready")

    def start(self) -> None:
        """Forget everything."""
        self._of: dict[int, Plain] | None = None
        self._later_ones: list[tuple[str, str, int]] = []
        self._ready: list[tuple[str, int, str]] = []
        self.state = {"requests": {}, "last": {"RequestID": 0, "OperationID": 0, "FileID": 0}}

    def stored(self) -> dict[int, Plain]:
        """Return a copy of every request by its ID, in DIRAC's JSON form."""
        return {request_id: json.loads(self._text(request_id)) for request_id in self.state["requests"]}

    # What has the database does: DIRAC's agents, and those request proxies that have it

    def take(self, most: int = 300) -> dict[int, str]:
        """Mark the requests that are due as Assigned, at most those ``most`` that are unchanged the longest.

        Returns their texts by ID.
        """
        now = self._now()
        due = sorted(
            (kept["LastUpdate"], request_id)
            for request_id, kept in self.state["requests"].items()
            if kept["Status"] == "Waiting" and kept["NotBefore"] < now
        )
        taken = sorted(request_id for _, request_id in due[:most])
        return {request_id: self._read(request_id, assign=True)["Value"] for request_id in taken}

    def assigned(self, before: str) -> dict[int, str]:
        """Return the texts of the requests that are Assigned since before a time, by ID."""
        return {
            request_id: self._text(request_id)
            for request_id, kept in self.state["requests"].items()
            if kept["Status"] == "Assigned" and kept["LastUpdate"] < before
        }

    def put(self, text: str) -> Result:
        """Write a request to the database: nothing is checked, merged or put off."""
        try:
            return ok(self._store(read(json.loads(text), self._now())))
        except ColumnError as error:
            refused: Result = self.not_kept("putRequest", error)
            return refused

    def putRequest(self, requestJSON: str) -> Result:
        """Keep a request of the caller, or of a caller with the right to put others' requests; answer its ID."""
        now = self._now()
        request = read(json.loads(requestJSON), now)
        if refused := _claim(request, self.world.caller):
            return refused
        merge(request)
        if wrong := complaint(request):
            return refusal(wrong)
        known = "RequestID" in request
        if known and request["Status"] not in _FINAL and request["NotBefore"] < now:
            request["NotBefore"] = self._later(request)
        given = request.get("RequestID")
        try:
            number = self._store(request)
        except TypeError as error:
            return refusal(f"putRequest: unexpected exception {error}")
        return ok(given or number)  # not the number that its column makes of it

    def getRequest(self, requestID: int | str = 0) -> Result:
        """Hand out a request to be executed, which marks it Assigned; 0 is one that is due, or None."""
        return self._read(requestID, assign=True)

    def peekRequest(self, requestID: int | str = 0) -> Result:
        """Show a request without marking it."""
        return self._read(requestID, assign=False)

    def getRequestStatus(self, requestID: int | str) -> Result:
        """Return the stored status."""
        request = self.state["requests"].get(_number(requestID))
        return ok(request["Status"]) if request else refusal(f"Request {requestID} does not exist", _ENOENT)

    def getDigest(self, requestID: int | str) -> Result:
        """Return the summary of a request."""
        answer = self._read(requestID, assign=False)
        return ok(digest(json.loads(answer["Value"]))) if answer["OK"] and answer["Value"] else answer

    def getRequestIDForName(self, requestName: str) -> Result:
        """Return the ID behind a name, unless several have it."""
        name = only(requestName, illegal("varchar"))
        named = one_of([name])
        ids = [request_id for request_id, kept in self.state["requests"].items() if named(kept["RequestName"])]
        if not ids:
            return refusal(f"No such request {requestName}")
        if len(ids) > 1:
            return refusal(f"RequestName {requestName} not unique ({len(ids)} matches)")
        return ok(*ids)

    def getRequestIDsForJobs(self, jobIDs: int | list[int]) -> Result:
        """Return the request ID of each job that has one."""
        return self._for_jobs("getRequestIDsForJobs", jobIDs, lambda request_id: request_id)

    def readRequestsForJobs(self, jobIDs: int | list[int]) -> Result:
        """Return the request of each job that has one."""
        return self._for_jobs("readRequestsForJobs", jobIDs, self._text)

    def cancelRequest(self, requestID: int | str) -> Result:
        """Cancel a request: it cannot be put back."""
        if (number := _number(requestID)) not in self.state["requests"]:
            return refusal(f"No such request {requestID}")
        self._update_by(requestID)
        self.touch("requests", int(number))  # 2.0 finds 2
        self.state["requests"][number].update(Status="Canceled", LastUpdate=self._now())
        return ok()

    def deleteRequest(self, requestID: int | str) -> Result:
        """Delete a request, if it is there."""
        if (number := _number(requestID)) in self.state["requests"]:
            self.touch("requests", int(number))
            del self.state["requests"][number]
        return ok()

    def _now(self) -> str:
        return self.world.clock.now().strftime(TIME_FORMAT)

    def _later(self, request: Plain) -> str:
        """Return when a request that comes back is due: the more its files were tried, the later."""
        waiting = next((operation for operation in request["Operations"] if operation["Status"] == "Waiting"), None)
        attempts = [file["Attempt"] for file in waiting["Files"] if file["Status"] == "Waiting"] if waiting else []
        most = max(attempts, default=0)
        delay = timedelta(minutes=2 * math.log(most) if most else 0)  # of a number below zero it is an error
        return (datetime.fromisoformat(self._now()) + delay).strftime(TIME_FORMAT)

    def _store(self, request: Plain) -> int:
        kept, given = self.state["requests"], request.get("RequestID")
        only(given)
        hash(given)  # SQLAlchemy knows rows by their number: a list is an error
        number = as_number(given) if given else None
        before = kept.get(number)  # 2.0 finds 2
        if before and before["Status"] == "Canceled":
            return int(before["RequestID"])
        # Each table is a statement: a refused row ends it, and the numbers that it has assigned are used up
        self.touch("last")
        operations = request["Operations"]
        request_id = self._insert("Request", [request])
        if request_id != number and request_id in kept:
            raise ColumnError(1062, f"Duplicate entry '{request_id}' for key 'PRIMARY'")
        if operations and given and not round(as_number(given)):
            self.state["last"]["OperationID"] += len(operations)
            raise ColumnError(1452, _NO_REQUEST)  # its column makes a new number of it
        for operation in operations:
            operation["RequestID"] = request_id
        self._insert("Operation", operations)
        for operation in operations:
            for file in operation["Files"]:
                # The column's default
                file.update(OperationID=operation["OperationID"], ChecksumType=file["ChecksumType"] or "")
        self._insert("File", [file for operation in operations for file in operation["Files"]])
        self.touch("requests", request_id)
        kept[request_id] = request
        if self._of is kept:
            self._wait(request)
        return request_id

    def _insert(self, table: str, rows: list[Plain]) -> int:
        """Let the rows be as the table keeps them, with numbers; return the last one's."""
        names = columns(f"ReqDB.{table}")
        number = 0
        for index, row in enumerate(rows, 1):
            try:
                row.update(self.fit(f"ReqDB.{table}", {name: row[name] for name in names if name in row}, index))
            except ColumnError:
                if index > 1:  # numbers are kept for all rows of a statement when its first one gets one
                    self.state["last"][f"{table}ID"] += len(rows) - index + 1
                raise
            number = self._number(row, f"{table}ID", index)
        return number

    def _number(self, row: Plain, key: str, index: int) -> int:
        last = self.state["last"]
        number = int(row.get(key) or last[key] + 1)
        if number > _LAST_NUMBER:
            raise ColumnError(167, f"Out of range value for column '{key}' at row {index}")
        row[key] = number
        last[key] = max(last[key], number)
        return number

    def _due(self) -> int | None:
        """Return the oldest request that waits and is due.

        Requests wait in two heaps, by when they are due and by their age; what has changed since is passed over.
        """
        kept, now = self.state["requests"], self._now()
        if self._of is not kept:
            self._of, self._later_ones, self._ready = kept, [], []
            for request in kept.values():
                self._wait(request)
        while self._later_ones and self._later_ones[0][0] < now:
            due, age, request_id = heappop(self._later_ones)
            heappush(self._ready, (age, request_id, due))
        while self._ready:
            age, request_id, due = self._ready[0]
            request = kept.get(request_id, _GONE)
            if (request["Status"], request["LastUpdate"], request["NotBefore"]) == ("Waiting", age, due):
                if due < now:
                    return request_id
                self._wait(request)  # the clock has been put back
            heappop(self._ready)
        return None

    def _wait(self, request: Plain) -> None:
        heappush(self._later_ones, (request["NotBefore"], request["LastUpdate"], request["RequestID"]))

    def _read(self, given: int | str, *, assign: bool) -> Result:
        request_id = _number(given) if given else 0
        if not given:
            request_id = self._due()
            if request_id is None:
                return ok()
        elif request_id not in self.state["requests"]:
            return refusal(f"getRequest: request '{given}' not exists")
        if assign:
            self._update_by(given)
            before = self._text(request_id)
            self.touch("requests", int(request_id))
            self.state["requests"][request_id].update(Status="Assigned", LastUpdate=self._now())
            if given and given != request_id:
                return ok(before)  # DIRAC does not see that a text that is no number means this request
        return ok(self._text(request_id))

    def _update_by(self, given: int | str | None) -> None:
        """Raise ColumnError if a strict database updates no row by this number, which it reads in a longer text."""
        found = number_in(str(given))
        if self.world.strict and found and str(given)[found.end() :].strip():
            raise ColumnError(1292, f"Truncated incorrect DECIMAL value: '{given}'")

    def _text(self, request_id: int) -> str:
        """Return the JSON text of a request; its status is computed anew, so that an Assigned one reads Waiting."""
        stored = self.state["requests"][request_id]
        request = json.loads(json.dumps(stored))
        settle(request)
        if request["Status"] in ("Done", "Failed") and request["Status"] != stored["Status"]:
            request["LastUpdate"] = self._now()
        ordered = {"RequestID": request.pop("RequestID"), **request}
        ordered["Operations"] = [
            {"OperationID": operation.pop("OperationID"), "RequestID": operation.pop("RequestID"), **operation}
            | {
                "Files": [
                    {"FileID": file.pop("FileID"), "OperationID": file.pop("OperationID"), **file}
                    for file in operation["Files"]
                ]
            }
            for operation in request["Operations"]
        ]
        return json.dumps(ordered)

    def _for_jobs(self, method: str, job_ids: int | list[int], show: Any) -> Result:
        if not job_ids:
            return refusal("Must provide jobID list as argument.")
        wanted = {job_ids} if isinstance(job_ids, int) else set(job_ids)
        if isinstance(next(iter(wanted)), bool):
            # SQLAlchemy takes the first value's type for all of them
            for odd in (value for value in wanted if value not in (None, False, True)):
                kind = "ValueError) Value {} is not None, True, or False" if isinstance(odd, int) else _NOT_BOOLEAN
                return refusal(f"{method}: unexpected exception : (builtins.{kind.format(repr(odd))}")
        numbers = {as_number(job_id) for job_id in wanted if job_id is not None}
        found = {
            kept["JobID"]: show(request_id)
            for request_id, kept in self.state["requests"].items()
            if kept["JobID"] in numbers
        }
        missing = dict.fromkeys(wanted - found.keys(), "Request not found")
        return ok(json.loads(json.dumps({"Successful": found, "Failed": missing})))

    def not_kept(self, method: str, error: ColumnError) -> Any:
        """Return the error in SQLAlchemy's words, without the statement; where DIRAC does not catch it, HTTP 500."""
        if method not in _SAYS:
            return http_error(self.full, method, HTTPStatus.INTERNAL_SERVER_ERROR)
        kind = _KINDS.get(error.args[0], "OperationalError")
        return refusal(f"{_SAYS[method]} (MySQLdb.{kind}) {error.args!r}")


def _number(request_id: Any) -> Any:
    """Return the number by which a database looks for a request."""
    request_id = only(request_id, illegal("int"))
    return None if request_id is None else as_number(request_id)


def proxy_urls(hosts: Iterable[str]) -> str:
    """Return the value of the option ``ReqProxyURLs`` that names the request proxies on these hosts."""
    return ", ".join(f"dips://{host}:9161/{RequestProxy.full}" for host in hosts)


class RequestProxy(Service):
    """A proxy of the request service: it takes any request and hands it on when it sweeps."""

    short = "req-proxy"
    full = "RequestManagement/ReqProxy"
    faked = names("putRequest getStatus listCacheDir")
    types: ClassVar = {"putRequest": (str,)}

    __slots__ = ()

    def start(self) -> None:
        """Forget everything."""
        self.state = {"cache": {}}

    def putRequest(self, requestJSON: str) -> Result:
        """Save a request until the next sweep."""
        request = json.loads(requestJSON)
        owner = read(request, self.world.clock.now().strftime(TIME_FORMAT))
        # A proxy reads the fields of operations as they were sent: a text, which the request service takes, breaks it
        _ = [operation.get for operation in request.get("Operations", [])]
        if refused := _claim(owner, self.world.caller):
            return refused
        text = json.dumps({**request, "Owner": owner["Owner"], "OwnerGroup": owner["OwnerGroup"]})
        name = md5(text.encode(), usedforsecurity=False).hexdigest()
        self.touch("cache", name)
        self.state["cache"][name] = text
        return ok({"set": False, "saved": True})

    def getStatus(self) -> Result:
        """Return the number of requests that wait here."""
        return ok(len(self.state["cache"]))

    def listCacheDir(self) -> Result:
        """Return the names under which they wait."""
        return ok(list(self.state["cache"]))

    def stored(self) -> dict[str, Plain]:
        """Return every saved request by its name in the cache, in the form of :meth:`Requests.stored`."""
        now = self.world.clock.now().strftime(TIME_FORMAT)
        return {name: read(json.loads(text), now) for name, text in self.state["cache"].items()}

    def sweep(self, size: int = SWEEP_SIZE, *, database: bool = False, of: Container[str] | None = None) -> int:
        """Hand on the oldest ``size`` of the saved requests, as the real proxy does each minute; return how many.

        They are put to the request service; or, of a proxy that has the ``database``, straight into it: nothing is
        checked or merged. What is not taken stays. ``of`` are the names of those that may be handed on.
        """
        world, taken = self.world, 0
        asked, world.caller = world.caller, _PROXY_HOST
        put = world.requests.put if database else lambda text: world(Requests.full, "putRequest", (text,))
        try:
            for name, text in [item for item in self.state["cache"].items() if of is None or item[0] in of][:size]:
                if put(text)["OK"]:
                    self.touch("cache", name)
                    del self.state["cache"][name]
                    taken += 1
        finally:
            world.caller = asked
        return taken
