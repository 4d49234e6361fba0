"""RequestManagement/ReqManager and its proxies: the requests that arrived, and those that wait at a proxy.

Method names, arguments and answers are DIRAC's. Where DIRAC takes one of the oldest and newest requests at random,
the oldest is taken here. What may change here: methods that clients start to use.
"""

from __future__ import annotations

import json
import math
from datetime import datetime, timedelta
from hashlib import md5
from typing import Any

from dirac_fakes.service import Caller, Result, Service, names, ok, refusal
from dirac_fakes.stored_request import TIME_FORMAT, Plain, complaint, digest, merge, read, settle

_ENOENT = 2
_ENOAUTH = 1111
_MAY_ACT_FOR_OTHERS = frozenset(("FullDelegation", "LimitedDelegation"))
_FINAL = ("Done", "Failed")
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

    __slots__ = ()

    def start(self) -> None:
        """Forget everything."""
        self.state = {"requests": {}, "last": {"RequestID": 0, "OperationID": 0, "FileID": 0}}

    def stored(self) -> dict[int, Plain]:
        """Return a copy of every request by its ID, in DIRAC's JSON form."""
        return {request_id: json.loads(self._text(request_id)) for request_id in self.state["requests"]}

    def putRequest(self, requestJSON: str) -> Result:
        """Keep a request that is the caller's or put by one who may; answer its ID."""
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
        return ok(self._store(request))

    def getRequest(self, requestID: int | str = 0) -> Result:
        """Hand out a request to be executed, which marks it Assigned; 0 is one that is due, or None."""
        return self._read(requestID, assign=True)

    def peekRequest(self, requestID: int | str = 0) -> Result:
        """Show a request without marking it."""
        return self._read(requestID, assign=False)

    def getRequestStatus(self, requestID: int | str) -> Result:
        """Return the stored status."""
        request = self.state["requests"].get(_as_number(requestID))
        return ok(request["Status"]) if request else refusal(f"Request {requestID} does not exist", _ENOENT)

    def getDigest(self, requestID: int | str) -> Result:
        """Return the summary of a request."""
        answer = self._read(requestID, assign=False)
        return ok(digest(json.loads(answer["Value"]))) if answer["OK"] and answer["Value"] else answer

    def getRequestIDForName(self, requestName: str) -> Result:
        """Return the ID behind a name, unless several have it."""
        ids = [request_id for request_id, kept in self.state["requests"].items() if kept["RequestName"] == requestName]
        if not ids:
            return refusal(f"No such request {requestName}")
        if len(ids) > 1:
            return refusal(f"RequestName {requestName} not unique ({len(ids)} matches)")
        return ok(*ids)

    def getRequestIDsForJobs(self, jobIDs: int | list[int]) -> Result:
        """Return the request ID of each job that has one."""
        return self._for_jobs(jobIDs, lambda request_id: request_id)

    def readRequestsForJobs(self, jobIDs: int | list[int]) -> Result:
        """Return the request of each job that has one."""
        return self._for_jobs(jobIDs, self._text)

    def cancelRequest(self, requestID: int | str) -> Result:
        """Cancel a request: it cannot be put back."""
        if (number := _as_number(requestID)) not in self.state["requests"]:
            return refusal(f"No such request {requestID}")
        self.state["requests"][number].update(Status="Canceled", LastUpdate=self._now())
        return ok()

    def deleteRequest(self, requestID: int | str) -> Result:
        """Delete a request, if it is there."""
        if (number := _as_number(requestID)) in self.state["requests"]:
            del self.state["requests"][number]
        return ok()

    def _now(self) -> str:
        return self.world.clock.now().strftime(TIME_FORMAT)

    def _later(self, request: Plain) -> str:
        """Return when a request that comes back is due: the more its files were tried, the later."""
        waiting = next((operation for operation in request["Operations"] if operation["Status"] == "Waiting"), None)
        attempts = [file["Attempt"] for file in waiting["Files"] if file["Status"] == "Waiting"] if waiting else []
        delay = timedelta(minutes=2 * math.log(max([1, *attempts])))
        return (datetime.fromisoformat(self._now()) + delay).strftime(TIME_FORMAT)

    def _store(self, request: Plain) -> int:
        kept = self.state["requests"]
        before = kept.get(request.get("RequestID"))
        if before and before["Status"] == "Canceled":
            return int(before["RequestID"])
        request_id = self._number(request, "RequestID")
        for operation in request["Operations"]:
            operation["RequestID"] = request_id
            operation_id = self._number(operation, "OperationID")
            for file in operation["Files"]:
                # The column's default
                file.update(OperationID=operation_id, ChecksumType=file["ChecksumType"] or "")
                self._number(file, "FileID")
        kept[request_id] = request
        return request_id

    def _number(self, row: Plain, key: str) -> int:
        last = self.state["last"]
        number = int(row.get(key) or last[key] + 1)
        row[key] = number
        last[key] = max(last[key], number)
        return number

    def _due(self) -> list[int]:
        now = self._now()
        due = [
            (kept["LastUpdate"], request_id)
            for request_id, kept in self.state["requests"].items()
            if kept["Status"] == "Waiting" and kept["NotBefore"] < now
        ]
        return [request_id for _, request_id in sorted(due)]

    def _read(self, given: int | str, *, assign: bool) -> Result:
        request_id = _as_number(given)
        if not request_id:
            due = self._due()
            if not due:
                return ok()
            request_id = due[0]
        elif request_id not in self.state["requests"]:
            return refusal(f"getRequest: request '{given}' not exists")
        if assign:
            self.state["requests"][request_id].update(Status="Assigned", LastUpdate=self._now())
        return ok(self._text(request_id))

    def _text(self, request_id: int) -> str:
        """Return the JSON text of a request; its status is computed anew, so that an Assigned one reads Waiting."""
        request = json.loads(json.dumps(self.state["requests"][request_id]))
        settle(request)
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

    def _for_jobs(self, job_ids: int | list[int], show: Any) -> Result:
        if not job_ids:
            return refusal("Must provide jobID list as argument.")
        wanted = {job_ids} if isinstance(job_ids, int) else set(job_ids)
        found = {
            str(kept["JobID"]): show(request_id)
            for request_id, kept in self.state["requests"].items()
            if kept["JobID"] in wanted
        }
        missing = {str(job_id): "Request not found" for job_id in sorted(wanted) if str(job_id) not in found}
        return ok({"Successful": found, "Failed": missing})


def _as_number(request_id: int | str) -> Any:
    # A database knows a number by its text, too
    return int(request_id) if isinstance(request_id, str) and request_id.isdecimal() else request_id


class RequestProxy(Service):
    """A proxy of the request service: it takes any request and hands it on when it sweeps."""

    short = "req-proxy"
    full = "RequestManagement/ReqProxy"
    faked = names("putRequest getStatus listCacheDir")

    __slots__ = ()

    def start(self) -> None:
        """Forget everything."""
        self.state = {"cache": {}}

    def putRequest(self, requestJSON: str) -> Result:
        """Save a request until the next sweep."""
        request = json.loads(requestJSON)
        owner = read(request, self.world.clock.now().strftime(TIME_FORMAT))
        if refused := _claim(owner, self.world.caller):
            return refused
        text = json.dumps({**request, "Owner": owner["Owner"], "OwnerGroup": owner["OwnerGroup"]})
        self.state["cache"][md5(text.encode(), usedforsecurity=False).hexdigest()] = text
        return ok({"set": False, "saved": True})

    def getStatus(self) -> Result:
        """Return how many requests wait here."""
        return ok(len(self.state["cache"]))

    def listCacheDir(self) -> Result:
        """Return the names under which they wait."""
        return ok(list(self.state["cache"]))

    def sweep(self) -> int:
        """Put the oldest ten of the saved requests to the request service, as the real proxy does each minute.

        Returns how many it took; the others stay.
        """
        world, taken = self.world, 0
        asked, world.caller = world.caller, _PROXY_HOST
        try:
            for name, text in list(self.state["cache"].items())[:_SWEEP]:
                if world(Requests.full, "putRequest", (text,))["OK"]:
                    del self.state["cache"][name]
                    taken += 1
        finally:
            world.caller = asked
        return taken


_SWEEP = 10
