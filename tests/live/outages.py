"""The outages that both sides go through: what is wrong while each actor acts."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

JOB: Final = 77


class Outage(NamedTuple):
    """What is wrong while each actor acts: faults, as texts."""

    job: tuple[str, ...] = ()
    hand_over: tuple[str, ...] = ()
    sweep: tuple[str, ...] = ()
    replay: tuple[str, ...] = ()
    records: int = 0
    failed: bool = False
    files: Mapping[str, str] = MappingProxyType({})
    """Other files in the job's directory."""
    status: str = "Running"
    said: tuple[tuple[str, str], ...] = ()
    """The statuses that others give to the job after the hand-over, major and minor."""
    cancel: bool = False
    """Whether every request is canceled before it is due."""
    gone: bool = False
    """Whether the job is deleted before its request is due."""
    database: bool = True
    """Whether the request proxy has the database."""


COMPLETING: Final = ("Completing", "")
T, J, A, R, P = "transformation", "job-state", "accounting", "requests", "req-proxy"


def _request(*operations: dict[str, object], **fields: object) -> str:
    return json.dumps(
        {"RequestName": "other", "Owner": "alice", "OwnerGroup": "vo_user", "Operations": [*operations], **fields}
    )


SET_FILE: Final = {
    "Type": "SetFileStatus",
    "Arguments": "ds14:transformationi12es10:statusDictds5:/vo/cs6:Unusedes5:forceb0ee",
}
FORWARD: Final = {
    "Type": "ForwardDISET",
    "Arguments": "tts33:WorkloadManagement/JobStateUpdatedees23:setJobApplicationStatusli77es5:earlyee",
}
NOWHERE: Final = {"Type": "ForwardDISET", "Arguments": "tts6:No/Onedees1:xlee"}
REMOVE: Final = {"Type": "RemoveFile", "Files": [{"LFN": "/vo/x"}]}
BROKEN: Final = {"Type": "ForwardDISET", "Arguments": "i1e"}
UNREADABLE: Final = {"Type": "ForwardDISET", "Arguments": "i1"}
LONG: Final = "s_error=" + "x" * 300

OUTAGES: Final = {
    "nothing": Outage(),
    "nothing, workflow failed": Outage(failed=True),
    **{f"{service} down": Outage((f"{service}:down",), records=2) for service in (T, J, A, R)},
    **{f"{service} refuses": Outage((f"{service}:s_error=no",), records=2) for service in (T, J, A, R)},
    **{f"{service} loses a reply": Outage((f"{service}:lost_reply@nth=1",), records=2) for service in (T, J, A)},
    **{f"{service} loses every reply": Outage((f"{service}:lost_reply",), records=2) for service in (T, J, A)},
    "accounting down, with more records than an operation holds": Outage((f"{A}:down", f"{T}:down"), records=700),
    "all down": Outage(tuple(f"{service}:down" for service in (T, J, A, R, P)), records=2),
    "all but requests down": Outage(tuple(f"{service}:down" for service in (T, J, A)), records=2),
    "accounting and requests down: the proxy takes it": Outage((f"{A}:down", f"{R}:down"), records=2),
    "accounting, requests and proxy down": Outage((f"{A}:down", f"{R}:down", f"{P}:down", f"{T}:down"), records=2),
    "all down, workflow failed": Outage(tuple(f"{service}:down" for service in (T, J, A)), records=2, failed=True),
    "hand-over: requests down, the proxy takes it": Outage((f"{T}:down",), (f"{R}:down",)),
    "hand-over: one proxy is down, the other one takes it": Outage(
        (f"{T}:down",), (f"{R}:down", f"{P}/one:down"), (f"{R}:down",)
    ),
    "hand-over: one proxy loses the reply": Outage((f"{T}:down",), (f"{R}:down@first=1", f"{P}:lost_reply@first=1")),
    "accounting and requests down, one proxy, too": Outage(
        (f"{A}:down", f"{R}:down", f"{P}/two:s_error=no"), records=2
    ),
    "hand-over: everything refuses": Outage((f"{T}:down",), (f"{R}:down", f"{P}:down")),
    "hand-over: the third try is taken": Outage((f"{T}:down",), (f"{R}:down@first=2", f"{P}:s_error=no")),
    "hand-over: the tenth try is taken": Outage((f"{T}:down",), (f"{R}.putRequest:first=9", f"{P}:s_error=no")),
    "hand-over: the reply is lost": Outage((f"{T}:down",), (f"{R}:lost_reply@nth=1", f"{P}:s_error=no")),
    "hand-over: the reply is lost, the proxy takes it, too": Outage((f"{T}:down",), (f"{R}:lost_reply@nth=1",)),
    "hand-over: the proxy loses the reply": Outage((f"{T}:down",), (f"{R}:down@first=2", f"{P}:lost_reply")),
    "hand-over: no parameter can be set": Outage((f"{T}:down",), (f"{J}:down",)),
    "hand-over: nothing is set up": Outage((f"{T}:down",), (f"{R}:http=503", f"{P}:timeout")),
    "replay: transformation is down": Outage((f"{T}:down", f"{J}:down"), replay=(f"{T}:down",), records=1),
    "replay: job state is down": Outage((f"{T}:down", f"{J}:down"), replay=(f"{J}:down",), records=1),
    "replay: job state refuses": Outage((f"{T}:down", f"{J}:down"), replay=(f"{J}:s_error=no",)),
    "replay: accounting is down": Outage((f"{A}:down",), replay=(f"{A}:down",), records=2),
    "replay: accounting loses the reply": Outage((f"{A}:down",), replay=(f"{A}:lost_reply",), records=2),
    "replay: a reply of job state is lost": Outage((f"{T}:down", f"{J}:down"), replay=(f"{J}:lost_reply",)),
    "replay: a reply of transformation is lost": Outage((f"{T}:down", f"{J}:down"), replay=(f"{T}:lost_reply",)),
    "replay: requests are down": Outage((f"{T}:down", f"{J}:down"), replay=(f"{R}:down",)),
    "replay: requests take nothing back": Outage((f"{J}:down",), replay=(f"{R}.putRequest:down",)),
    "replay: requests take it back at the third try": Outage((f"{J}:down",), replay=(f"{R}.putRequest:first=2",)),
    "replay: requests lose the reply of the put back": Outage(
        (f"{J}:down",), replay=(f"{R}.putRequest:lost_reply@nth=1",)
    ),
    "replay: the job cannot be finalized": Outage((f"{J}:down",), replay=(f"{R}.getRequestStatus:down",)),
    "replay: the job is finalized at the third try": Outage((f"{J}:down",), replay=(f"{R}.getRequestStatus:first=2",)),
    "replay: there is no digest": Outage((f"{J}:down",), replay=(f"{R}.getDigest:down",)),
    "replay: an error that is too long": Outage((f"{J}:down", f"{T}:down"), replay=(f"{J}:{LONG}",)),
    "replay: an error that is too long, of the first operation": Outage(
        (f"{J}:down", f"{T}:down"), replay=(f"{T}:{LONG}",)
    ),
    "replay: an error that is too long, of accounting": Outage((f"{A}:down",), replay=(f"{A}:{LONG}",), records=2),
    "sweep: requests are down": Outage((f"{T}:down",), (f"{R}:down",), (f"{R}:down",)),
    "sweep: by a proxy without the database": Outage((f"{T}:down",), (f"{R}:down",), database=False),
    "sweep: by a proxy without the database, requests are down": Outage(
        (f"{T}:down",), (f"{R}:down",), (f"{R}:down",), database=False
    ),
    "sweep: requests lose the reply": Outage((f"{T}:down",), (f"{R}:down",), (f"{R}:lost_reply",), database=False),
    "canceled": Outage((f"{T}:down",), cancel=True),
    "canceled, accounting": Outage((f"{A}:down",), records=1, cancel=True),
    "files: several": Outage(
        (f"{T}:down",), files={"00_request.json": _request(FORWARD), "99_request.json": _request(SET_FILE, FORWARD)}
    ),
    "files: only another one": Outage(files={"00_request.json": _request(SET_FILE)}),
    "files: no JSON": Outage((f"{T}:down",), files={"00_request.json": "{"}),
    "files: JSON that is no request": Outage((f"{T}:down",), files={"00_request.json": "[]"}),
    "files: a number": Outage((f"{T}:down",), files={"00_request.json": "5"}),
    "files: nothing in it": Outage((f"{T}:down",), files={"00_request.json": "{}"}),
    "files: an invalid operation": Outage((f"{T}:down",), files={"00_request.json": _request({"Type": "RemoveFile"})}),
    "files: an operation without a handler": Outage(
        (f"{T}:down",), files={"00_request.json": _request(REMOVE, FORWARD)}
    ),
    "files: a service that is not there": Outage((f"{T}:down",), files={"00_request.json": _request(NOWHERE)}),
    "files: a stub that is none": Outage((f"{T}:down",), files={"00_request.json": _request(FORWARD, BROKEN)}),
    "files: arguments that nobody reads": Outage(
        (f"{T}:down",), files={"00_request.json": _request(UNREADABLE, FORWARD)}
    ),
    "files: not a name of a request": Outage((f"{T}:down",), files={"request.json": "{", ".x_request.json": "{"}),
    "finalizing: a job that is Completed": Outage((f"{J}:down",), said=(COMPLETING, ("Completed", "Pending Requests"))),
    "finalizing: a job that has failed": Outage(
        (f"{J}:down",), said=(COMPLETING, ("Completed", "Application Finished With Errors"))
    ),
    "finalizing: a job that was to be killed": Outage(
        (f"{J}:down",), said=(COMPLETING, ("Completed", "Marked for termination"))
    ),
    "finalizing: a job that is Completed, for another reason": Outage(
        (f"{J}:down",), said=(COMPLETING, ("Completed", "Oh"))
    ),
    "finalizing: a job that is Stalled": Outage((f"{J}:down",), said=(("Stalled", "Watchdog"),)),
    "finalizing: a job that is Failed": Outage((f"{T}:down",), status="Failed"),
    "finalizing: a job that is Done": Outage((f"{T}:down", f"{J}:down"), status="Done"),
    "the job is gone": Outage((f"{T}:down", f"{J}:down"), gone=True),
    "the job is gone, and job state down": Outage(
        (f"{T}:down", f"{J}:down"), replay=(f"{J}:down", f"{T}:down"), gone=True
    ),
}
IN_CI: Final = (
    "nothing", "all but requests down", "accounting and requests down: the proxy takes it", "job-state loses a reply",
    "accounting loses a reply", "hand-over: requests down, the proxy takes it",
    "hand-over: one proxy is down, the other one takes it", "hand-over: the third try is taken",
    "hand-over: the reply is lost, the proxy takes it, too", "replay: job state is down",
    "replay: an error that is too long", "replay: requests take nothing back", "canceled", "files: several",
    "finalizing: a job that is Completed",
)  # fmt: skip
"""Those that are tried each time; all of them are with ``--whole``."""
