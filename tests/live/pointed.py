"""Sequences of calls that are pointed at one rule of a service each; what it answers is recorded, not written here."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from dirac_fakes import Caller
from tests.live.comparing import START, Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    Sequence = tuple[dict[str, Any], list[Step]]

_LATER: Final = "2026-01-01 12:00:30"
_ORDERS: Final = (
    "LFN:asc", "LFN:ASC", "LFN:desc", "LFN:DESC", "LFN:up", "LFN:asc:desc", "LFN:DESC:up", "LFN:up:down", "LFN:", "",
    "Bogus", "Bogus:DESC", "`LFN`", "LFN;", "1", ["Status:DESC", "LFN:DESC"], ["ErrorCount", None, "FileID:desc"], [],
    "FileID", "Status", "TaskID", "b" * 300,
)  # fmt: skip
_WINDOWS: Final = (
    (-1, None), (0, 1), (1, -1), (1, 0), (2, 1), (2**64, 0), (2**64 - 1, 0), (2**63, 2**63), (2**63 - 1, 2**63),
    ("2", "1"), ("x", 0), (1.5, 1.5), (True, True), (1, 2**64), (1, 2**64 - 2), (None, 1), ([1], 0), (-2, 1),
)  # fmt: skip
_CONDITIONS: Final = (
    {"LFN": [["/vo/a"], ["/vo/c"]]}, {"LFN": [[]]}, {"LFN": []}, {"LFN": [["/vo/a", "/vo/c"]]},
    {"LFN": [True, "/vo/a"]}, {"LFN": ["/vo/a", True, "/vo/c"]}, {"LFN": [None]}, {"LFN": [[None]]}, {"LFN": "/VO/A"},
    {"LFN": ["/vo/c", "/vo/c"]}, {"LFN": None}, {"TaskID": [[None]]}, {"TaskID": [None, 1]}, {"TaskID": [[1]]},
    {"Status": [["Assigned", "x"]]}, {"Status": [["Assigned"], "x"]}, {"ErrorCount": [False, 5]}, {"TaskID": True},
    {"TransformationID": [[12], [5]]}, {"TaskID": [[1, 2]]}, {"ErrorCount": [["1", "2"]]},
    {"TransformationID": [[12, 5]]}, {"LastUpdate": [["a", "b"]]}, {"TargetSE": [["a", "b"]]}, {"UsedSE": [[1, 2]]},
)  # fmt: skip
_STAMPS: Final = (
    "TransformationID", "FileID", "LFN", "Bogus", "a b", "", True, False, None, 5, "`Status`", "TaskID",
    "InsertedTime", "`Bogus", "s" * 300,
)  # fmt: skip
_SPANS: Final = (
    ("Status", "Assigned", None), ("Status", None, "assigned"), ("Status", "b", "A"), ("Status", "A", None),
    ("TargetSE", None, "unknown "), ("LFN", "/vo/b", None), ("FileID", "101", None), ("FileID", None, "101.5"),
    ("FileID", 102, 101), ("FileID", "x", None), ("FileID", None, "x"), ("ErrorCount", "1", None),
    ("ErrorCount", None, "0"), ("ErrorCount", None, 1), ("TaskID", None, True), ("LastUpdate", "soon", None),
    ("LastUpdate", None, "soon"), ("LastUpdate", None, 5), ("InsertedTime", True, None), ("UsedSE", None, 5),
)  # fmt: skip


def _files() -> Iterator[tuple[str, tuple[Any, ...]]]:
    yield from (("getTransformationFiles", asked) for asked in _asked())
    for value in ("Unused", ["Unused"], ["Unused", 1], ["Unused", False, 1], [None, False], ["", True], ["é" * 33, 0]):
        yield "setFileStatusForTransformation", (12, {"100": value, "999": ["Unused", False]})
    for file_id in ("100", "103", "999", "x", "", "-1"):
        yield "setFileStatusForTransformation", (12, {"101": ["MaxReset", True], file_id: ["Unused", False]})


def _asked() -> Iterator[tuple[Any, ...]]:
    twelve = {"TransformationID": 12}
    for order in _ORDERS:
        for columns in (None, ["LFN"], ["TransformationID"], ["FileID", "Status"]):
            yield (twelve, None, None, "LastUpdate", order, None, None, columns)
    for limit, offset in _WINDOWS:
        yield (twelve, None, None, "LastUpdate", "FileID:DESC", limit, offset)
    for conditions in _CONDITIONS:
        yield (conditions, None, None, "LastUpdate", "TransformationID")
    for stamp in _STAMPS:
        for older, newer in ((_LATER, None), (None, str(START)), (_LATER, _LATER), ("", "")):
            yield (twelve, older, newer, stamp)
    for stamp, older, newer in _SPANS:
        yield (twelve, older, newer, stamp)
    for stamp in ("a b", 5, "Bogus", True):
        yield ({}, None, None, stamp)
    yield ({}, None, None, "LastUpdate", "FileID:DESC", 1)
    yield ({}, _LATER, None, "LastUpdate", "FileID:DESC", 2)


def _request(**fields: Any) -> str:
    operation = {"Type": "RemoveFile", "Files": [{"LFN": "/vo/a"}]}
    owner = {"Owner": "alice", "OwnerGroup": "vo_user"}
    return json.dumps({"RequestName": "one", "JobID": 77, **owner, "Operations": [operation], **fields})


def _operation(**fields: Any) -> str:
    return _request(Operations=[{"Type": "ForwardDISET", "Arguments": "i1e", **fields}])


def _file(**fields: Any) -> str:
    return _request(Operations=[{"Type": "RemoveFile", "Files": [{"LFN": "/vo/a", **fields}]}])


_IDS: Final = (
    1, 0, "1", "0", "", None, True, False, 1.5, 0.4, "1 x", "x", 2**31, 2**64, 2**70, -1, [1], [1, 2], [], {},
    {"a": 1}, "1.4", " 1",
)  # fmt: skip
_JOBS: Final = (
    [], [77], ["77"], [77, None], [None], [True], [None, True], [True, 77], [77, [78]], [[77]], [{}], [1.5],
    [77, True, 1.5], [77, 78, 77], ["x"], [2**70], [False], 77, None, "77", {},
)  # fmt: skip
_BODIES: Final = (
    _operation(Type=None), _operation(Catalog="x" * 256), _operation(Status="Nonsense"),
    _operation(Arguments="é" * 40000), _operation(SourceSE="s" * 256), _operation(CreationTime="soon"),
    _operation(Status="Done"), _operation(Error="e" * 300), _file(LFN=None), _file(LFN="/" + "l" * 255),
    _file(Size=2**64), _file(Size=-1), _file(Attempt=2**31), _file(GUID="x"), _file(Status="Nonsense"),
    _file(Status="Done"), _file(Status="Failed"), _file(ChecksumType="oh"), _file(Checksum=5), _request(JobID=2**40),
    _request(JobID=-1), _request(JobID="x"), _request(JobID=None), _request(RequestName="n" * 256),
    _request(RequestName=None), _request(RequestID=2**40), _request(RequestID=-1), _request(RequestID=1.5),
    _request(Error=None), _request(Status="Nonsense"), _request(Status="Failed"), _request(NotBefore="soon"),
    _request(NotBefore=None), _request(NotBefore="2026-01-01 12:00:03"), _request(OwnerGroup="g" * 33),
    _request(SourceComponent="c" * 256), "{}", "[]", "5",
)  # fmt: skip


def _requests() -> Iterator[list[tuple[str, tuple[Any, ...]]]]:
    put = ("putRequest", (_request(),))
    for name in ("getRequest", "peekRequest", "cancelRequest", "deleteRequest", "getDigest", "getRequestStatus"):
        for request_id in _IDS:
            yield [put, (name, (request_id,)), ("peekRequest", (1,))]
    for jobs in _JOBS:
        yield [put, ("readRequestsForJobs", (jobs,)), ("getRequestIDsForJobs", (jobs,))]
    for name in ("one", "two", "", None, 5, ["one"], "ONE", "n" * 300):
        yield [put, put, ("getRequestIDForName", (name,))]
    for body in _BODIES:
        yield [("putRequest", (body,)), ("peekRequest", (1,)), ("getRequest", (0,))]
    for attempt in (0, 1, 2, 3, 9, 20):
        body = json.loads(_file(Attempt=attempt)) | {"RequestID": 1, "Status": "Waiting"}
        yield [put, ("getRequest", (1,)), ("putRequest", (json.dumps(body),)), ("getRequest", (0,))]


_ME, _BOB, _HOST = Caller(), Caller("bob", "vo_user", ("NormalUser",)), Caller("host", "hosts", ("TrustedHost",))
_ADMIN, _SHARING = Caller("admin", "vo_admin", ("JobAdministrator",)), Caller("bob", "vo_user", ("JobSharing",))
_STRANGER = Caller("bob", "other", ("JobSharing",))
_NOW: Final = "2026-01-01 12:00:05"
_UPDATES: Final = (
    {}, {_NOW: {}}, {_NOW: {"Status": "Done"}}, {_NOW: {"Status": "Running"}}, {_NOW: {"Status": "Killed"}},
    {_NOW: {"Status": "Completed", "MinorStatus": "m", "ApplicationStatus": "a", "Source": "Job_77"}},
    {_NOW: {"Source": "Job"}}, {_NOW: {"MinorStatus": "m", "Source": "Jo"}}, {_NOW: {"Status": 5}},
    {_NOW: {"MinorStatus": 5}}, {_NOW: {"ApplicationStatus": ["a", "b"]}}, {_NOW: {"ApplicationStatus": {"a": 1}}},
    {_NOW: {"MinorStatus": None, "ApplicationStatus": 0}}, {_NOW: {"Source": 5, "MinorStatus": "m"}},
    {_NOW: {"Source": ["s"], "MinorStatus": "m"}}, {_NOW: {"Source": "s" * 33, "MinorStatus": "m"}},
    {_NOW: {"ApplicationStatus": "x" * 256}}, {_NOW: {"MinorStatus": "m" * 129}}, {_NOW: {"Status": "s" * 33}},
    {"2026-01-01 11:00:00": {"Status": "Done"}}, {"2026-01-01 11:59:00": {"MinorStatus": "m"}},
    {"soon": {"MinorStatus": "m"}}, {"": {"MinorStatus": "m"}}, {"2026-01-01 12:00:05.1239": {"MinorStatus": "m"}},
    {"9999-12-31 23:59:59": {"MinorStatus": "m"}}, {"2026-01-01T12:00:05": {"MinorStatus": "m", "Source": "Job"}},
    {"1969-12-31 23:59:59": {"MinorStatus": "m"}}, {"2010-03-31 00:00:00": {"MinorStatus": "m"}},
    {_NOW: {"Status": "Done"}, "2026-01-01 12:00:06": {"Status": "Failed"}},
    {"2026-01-01 12:00:06": {"MinorStatus": "b"}, _NOW: {"MinorStatus": "a", "Source": "JobWrapper"}},
)  # fmt: skip
_BEATS: Final = (
    {}, {"Load": 1}, {"Load": None}, {"Load": "v" * 300}, {"n" * 101: 1}, {"Load": 1, "load": 2, "More": 3},
    {"HeartBeatTime": _NOW}, {"HeartBeatTime": ""}, {"HeartBeatTime": "soon"}, {"HeartBeatTime": None},
    {"HeartBeatTime": "2026-01-01 12:00:05.9", "Load": 1}, {"HeartBeatTime": "9999-12-31 23:59:59.9"}, {"Load": [1]},
    {"HeartBeatTime": 5}, {"Load": {"a": 1}}, {"Load": True},
)  # fmt: skip
_JOB_IDS: Final = (77, "77", " 77", "77.0", 77.9, 78, 0, -1, "x", None, True, [77], {}, 2**31, 2**64, "7_7")


_STATUSES: Final = (
    (), ("Done",), ("", ""), ("Done", "m", "s", _NOW), ("Done", "m", "s", "soon"), ("Done", "m", "s", "", True),
    ("Running", "m", "Job", None, True), ("Bogus", "", ""), (None, None, None), (5, 5, 5),
)  # fmt: skip


def _jobs() -> Iterator[tuple[Caller, list[tuple[str, tuple[Any, ...]]]]]:
    update, look = {_NOW: {"Status": "Done", "Source": "Job_77"}}, ("setJobStatus", (77, "", "later", "Job_77"))
    for updates in _UPDATES:
        for caller, force in ((_ME, False), (_ME, True), (_ADMIN, True)):
            yield caller, [("setJobStatusBulk", (77, updates, force)), look]
    for beat in _BEATS:
        yield _ME, [("sendHeartBeat", (77, beat, {"Memory": 1})), ("sendHeartBeat", (77, beat, {}))]
    for job in _JOB_IDS:
        for caller in (_ME, _HOST):
            yield caller, [("setJobStatusBulk", (job, update)), ("setJobParameter", (job, "a", 1)), look]
        yield _HOST, [("sendHeartBeat", (job, {"Load": 1}, {"Memory": 1})), ("setJobParameters", (job, [["a", 1]]))]
    yield from _said()


def _said() -> Iterator[tuple[Caller, list[tuple[str, tuple[Any, ...]]]]]:
    look = ("setJobStatus", (77, "", "later", "Job_77"))
    operator, pilot = Caller("o", "o", ("Operator",)), Caller("p", "p", ("GenericPilot",))
    for caller in (_BOB, _SHARING, _STRANGER, _HOST, operator, pilot):
        yield caller, [("setJobStatus", (77, "Done", "m", "s")), ("setJobStatus", (78, "Done", "m", "s"))]
    for args in _STATUSES:
        for caller in (_ME, _ADMIN):
            yield caller, [("setJobStatus", (77, *args)), look]
    for args in (("a",), ("",), ("a", "s"), ("a", "s" * 40), ("x" * 256, "Job"), (None,), (5, "s"), (["a"], "s")):
        yield _ME, [("setJobApplicationStatus", (77, *args)), look]
    for pairs in ([], [["a", 1]], [["a", 1], ["a", 2]], [["a", {"b": 1}]], {"a": 1}, "ab", [["a"]], [[1, 2]], None):
        yield _ME, [("setJobParameters", (77, pairs)), ("setJobParameters", (77, [["z", 1.5]]))]
    for named in (
        {},
        {"77": ["a", 1]},
        {"77": ["a", 1, 2], "78": ["b", 1]},
        {"77": ["a"]},
        {"x": ["a", 1]},
        {"77": "ab"},
    ):
        yield _ME, [("setJobsParameter", (named,)), ("setJobsParameter", ({"77": ["z", 1]},))]


_WHEN: Final = datetime(2026, 1, 1, 10, 30, 15, 500_000)
_VALUES: Final = ["op", "alice", "S", "a", "b", "p", "Done", 1, 1.5, 1.5, 1, 1, 1, 1]
_CELLS: Final = (
    None, True, [], [1], [[1]], [None], [1, 2], {}, "", "x", "1 x", -1, 2**31, 2**32, 2**64, 1.5, 1e300, "w" * 65,
    "é" * 64, "1e3", " 7 ", "'",
)  # fmt: skip


def _records() -> Iterator[list[tuple[str, tuple[Any, ...]]]]:
    good = ["DataOperation", _WHEN, _WHEN, _VALUES]
    for cell in _CELLS:
        for place in (0, 3, 7, 8, 13):
            bad = ["DataOperation", _WHEN, _WHEN, [cell if at == place else value for at, value in enumerate(_VALUES)]]
            yield [("commitRegisters", ([good, bad, good],)), ("commit", (*bad,))]
    later = [good[0], _WHEN + timedelta(hours=1), _WHEN, _VALUES]
    odd = [good[:3], [*good, 1], ["Nonsense", *good[1:]], [5, *good[1:]], [], ["dataoperation", *good[1:]]]
    odd += [["DataOperation", "soon", *good[2:]], [*good[:3], "values"], [*good[:3], [*_VALUES, 1]], later]
    for entries in ([], *([good, entry, good] for entry in odd)):
        yield [("commitRegisters", (entries,))]
    for name in ("Nonsense", "dataoperation", "", "Network"):
        yield [("commit", (name, _WHEN, _WHEN, _VALUES))]
    for time in (datetime(1969, 1, 1), datetime(1970, 1, 1), datetime(2038, 1, 20), datetime(2110, 1, 1)):
        yield [("commit", ("DataOperation", time, _WHEN, _VALUES)), ("commit", ("DataOperation", _WHEN, time, _VALUES))]


def _proxied() -> Iterator[tuple[Caller, list[tuple[str, tuple[Any, ...]]]]]:
    for body in (
        *_BODIES,
        _request(Operations=None),
        _request(Operations=["x"]),
        "null",
        _request(Owner=None),
        _request(),
    ):
        for caller in (
            _ME,
            _BOB,
            Caller("agent", "vo_prod", ("FullDelegation",)),
            Caller("p", "p", ("LimitedDelegation",)),
        ):
            yield caller, [("putRequest", (body,)), ("putRequest", (body,)), ("getStatus", ()), ("listCacheDir", ())]


SEQUENCES: Final[dict[str, list[Sequence]]] = {
    "Transformation/TransformationManager": [
        ({}, [Step(Caller(), "setFileStatusForTransformation", (12, {"101": ["Processed", True]}), 60),
              Step(Caller(), name, args, 0)])
        for name, args in _files()
    ],
    "RequestManagement/ReqManager": [
        ({}, [Step(Caller(), name, args, 5) for name, args in calls]) for calls in _requests()
    ],
    "WorkloadManagement/JobStateUpdate": [
        ({"status": status}, [Step(caller, name, args, 5) for name, args in calls])
        for status in ("Running", "Stalled") for caller, calls in _jobs()
    ],
    "Accounting/DataStore": [
        ({}, [Step(Caller(), name, args, 5) for name, args in calls]) for calls in _records()
    ],
    "RequestManagement/ReqProxy": [
        ({}, [Step(caller, name, args, 5) for name, args in calls]) for caller, calls in _proxied()
    ],
}  # fmt: skip
