"""What is asked: strategies of sequences of calls for each service, sensible ones and odd ones.

Odd are types, lengths around the width of every column, letters, case and trailing spaces, times at the edges of
columns, orders, limits, conditions, IDs that are repeated, foreign or unknown, and records that are none. What is drawn
is plain data that JSON can carry, as everything that arrives at a service.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from dirac_fakes import Caller
from tests.live.comparing import START, Step

if TYPE_CHECKING:
    from collections.abc import Iterator

LETTERS = ["é", "\u20ac", "\U0001f600", "\u0131", "ß", "'", '"', "\\", "%", "%s", "`", "\n", "\x00", " ", "\t"]
ODD_VALUES = [
    *LETTERS,
    *("w" * (width + more) for width in (32, 36, 64, 100, 128, 255) for more in (-1, 0, 1)),
    *(letter * width for width in (32, 36, 64, 100, 128, 255) for letter in "é\U0001f600"),
    *("", " ", "Done ", "done", "DONE", " Done", "0", "1", "None", "a,b", "x" * 5000),
    *(0, 1, -1, 2**31 - 1, 2**31, -(2**31) - 1, 2**32, 2**63, 10**20, 1.5, -0.5, 1e300, True, False),
    *(None, [], {}, [1], ["a"], {"a": 1}, [[]], datetime(2026, 1, 1, 11, 30)),
]
ODD_TIMES = [
    "", " ", "soon", "2026-01-01", "2026-01-01 12", "2026-01-01 12:00", "2026-01-01T12:00:00", "2026-02-30 12:00:00",
    "2026-01-01 12:00:00.123456", "2026-01-01 12:00:00.1234567", "2026-01-01 12:00:00.5", "2026-01-01 12:00:00Z",
    "2026-01-01 24:00:00", "26-01-01 12:00:00", "1969-12-31 23:59:59", "1970-01-01 00:00:00", "1000-01-01 00:00:00",
    "9999-12-31 23:59:59", "9999-12-31 23:59:59.9", "10000-01-01 00:00:00", "2038-01-19 03:14:08",
    " 2026-01-01 12:00:01", "2026-01-01 12:00:01 ", "2300-01-01 00:00:00", "2026-1-1 2:3:4", "2010-04-01 00:00:00",
]  # fmt: skip
ODD = st.sampled_from(ODD_VALUES)
TEXTS = st.sampled_from([value for value in ODD_VALUES if isinstance(value, str)])
NUMBERS = st.sampled_from([value for value in ODD_VALUES if isinstance(value, int | float)])
ODD_MOMENTS = st.sampled_from(ODD_TIMES)
MOMENTS = st.integers(-90, 300).map(
    lambda second: str(START + timedelta(seconds=second, microseconds=(second % 3) * 300_000))
)


def sequence(callers: Any, calls: Any, seconds: Any, most: int = 6, **begin: Any) -> Any:
    """Return a strategy of sequences: how both sides begin, and steps."""
    steps = st.builds(lambda caller, call, later: Step(caller, *call, later), callers, calls, seconds)
    return st.tuples(st.fixed_dictionaries(begin), st.lists(steps, min_size=1, max_size=most))


def method(names: str, *args: Any, most: Any = ()) -> Any:
    """Return a strategy of calls of one of some methods; of the arguments in ``most``, some may be missing."""
    given = st.tuples(*args)
    for count in range(1, len(most) + 1):
        given |= st.tuples(*args, *most[:count])
    return st.tuples(st.sampled_from(names.split()), given)


# JobStateUpdate

MAJOR = [
    "Running",
    "Completing",
    "Completed",
    "Done",
    "Failed",
    "Killed",
    "Waiting",
    "Stalled",
    "Matched",
    "Bogus",
    "",
]
CALLERS = st.sampled_from(
    [
        *[Caller()] * 4,
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


def _updates(texts: Any, moments: Any) -> Any:
    fields = {
        "Status": st.sampled_from(MAJOR) | texts,
        "MinorStatus": st.sampled_from(["Execution", "", "Uploading", 5]) | texts,
        "ApplicationStatus": st.sampled_from(["Job Finished Successfully", "x" * 300, ""]) | texts,
        "Source": st.sampled_from(["Job_77", "JobWrapper", "Pilot", "", "S" * 40]) | texts,
    }
    return st.dictionaries(moments, st.fixed_dictionaries({}, optional=fields), max_size=3)


def job_calls(job: Any, texts: Any, moments: Any, values: Any) -> Any:
    """Return a strategy of calls about a job."""
    updates = _updates(texts, moments)
    beats = st.dictionaries(st.sampled_from(["Load", "HeartBeatTime"]) | texts, values | moments, max_size=2)
    pairs = st.lists(st.tuples(st.sampled_from("ab") | texts, values), max_size=3)
    return st.one_of(
        method("setJobStatusBulk", job, updates, most=[st.booleans() | values]),
        method(
            "setJobStatus",
            job,
            st.sampled_from(MAJOR) | texts,
            st.sampled_from(["", "Done it"]) | texts,
            st.just("Job_77") | texts,
            most=[st.none() | moments, st.booleans()],
        ),
        method(
            "setJobApplicationStatus", job, st.sampled_from(["Step 1", ""]) | texts, most=[st.just("Job_77") | texts]
        ),
        method("setJobParameter", job, st.just("Host") | texts, st.just("node1") | values),
        method("setJobParameters", job, pairs),
        method(
            "setJobsParameter",
            st.dictionaries(
                st.sampled_from(["77", "78", "x"]), st.sampled_from([("c", 1), ("c", 1, 2), ("c",)]) | values
            ),
        ),
        method(
            "sendHeartBeat",
            job,
            beats | values,
            st.dictionaries(st.just("Memory") | texts, values, max_size=2) | values,
        ),
    )


JOB = st.sampled_from([77, 77, 77, 77, "77", 78])
ODD_JOB = JOB | ODD | st.sampled_from(["077", " 77", "77 ", "77.0", 77.0, 77.9, "+77", "7_7", "seventy", [77], "77'"])
JOB_BEGIN = st.sampled_from(["Running", "Stalled", "Matched", "Done", "Completed"])
JOB_CALLS = job_calls(JOB, st.nothing(), MOMENTS | st.just(""), st.sampled_from([1, 1.5, "1"]))
ODD_JOB_CALLS = job_calls(JOB | ODD_JOB, TEXTS, MOMENTS | ODD_MOMENTS, ODD)
JOB_SEQUENCES = sequence(CALLERS, JOB_CALLS | ODD_JOB_CALLS, st.integers(0, 70), status=JOB_BEGIN)

# TransformationManager

PRODUCERS = st.sampled_from(
    [
        *[Caller()] * 4,
        Caller("alice", "vo_user", ("NormalUser",)),
        Caller("alice", "other", ("ProductionUser",)),
        Caller("bob", "vo_user", ("ProductionUser",)),
        Caller("bob", "vo_user", ("ProductionSharing",)),
        Caller("bob", "other", ("ProductionSharing",)),
    ]
)
COLUMNS = [
    "LFN",
    "TransformationID",
    "FileID",
    "Status",
    "TaskID",
    "TargetSE",
    "UsedSE",
    "ErrorCount",
    "LastUpdate",
    "InsertedTime",
]


def file_calls(names: Any, ids: Any, texts: Any, values: Any, moments: Any) -> Any:
    """Return a strategy of calls about the files of transformations."""
    pair = st.tuples(st.sampled_from(["Processed", "Unused", "MaxReset"]) | texts, st.booleans() | values)
    several = lambda one: one | st.lists(one, max_size=3)  # noqa: E731 - it is one line
    conditions = st.fixed_dictionaries(
        {},
        optional={
            "TransformationID": several(st.sampled_from([12, "12", 5, 99]) | values),
            "LFN": several(st.sampled_from(["/vo/a", "/vo/c", "/vo/d", "/vo/z"]) | texts),
            "Status": several(st.sampled_from(["Assigned", "Processed", "Unused"]) | texts),
            "TaskID": several(st.sampled_from([None, 1, "1"]) | values),
            "ErrorCount": several(st.sampled_from([0, "1", 2]) | values),
        },
    )
    conditions |= st.sampled_from([{"Nonsense": 1}, None])
    order = st.sampled_from(COLUMNS).flatmap(lambda name: st.sampled_from([name, f"{name}:DESC", f"{name}:asc"]))
    window = st.none() | st.integers(0, 3)
    columns = st.none() | st.lists(st.sampled_from(COLUMNS), unique=True) | st.just(["Bogus"])
    return st.one_of(
        method(
            "setFileStatusForTransformation",
            names,
            st.dictionaries(
                st.sampled_from(["100", "101", "102", "103", "999"]) | ids, pair | st.just("Processed"), max_size=4
            ),
        ),
        method(
            "getTransformationFiles getTransformationFilesAsJsonString",
            most=[
                conditions,
                st.none() | moments,
                st.none() | moments,
                st.sampled_from(["LastUpdate", "InsertedTime", None]),
                st.none() | several(order),
                window,
                window,
                columns,
            ],
        ),
    )


NAMES = st.sampled_from([12, 12, "12", "00000012", 5, 99, "nobody's"])
FILE_CALLS = file_calls(
    NAMES, st.nothing(), st.nothing(), st.nothing(), st.sampled_from([str(START), "2026-01-01 12:01:00"])
)
ODD_FILE_CALLS = file_calls(
    NAMES | ODD,
    st.sampled_from(["0100", " 100", "x", "1.5", "-1", "2147483648", ""]),
    TEXTS,
    ODD,
    MOMENTS | ODD_MOMENTS,
)
FILE_SEQUENCES = sequence(PRODUCERS, FILE_CALLS | ODD_FILE_CALLS, st.integers(0, 90))

# DataStore

WHEN = datetime(2026, 1, 1, 10, 30, 15, 500000)
OPERATION = ["op", "alice", "S", "a", "b", "p", "Done", 1, 1.5, 1.5, 1, 1, 1, 1]
"""The values of a record of the type DataOperation, in the order of its columns."""
VALUES = st.just(OPERATION) | st.tuples(st.integers(0, len(OPERATION) - 1), ODD).map(
    lambda change: [change[1] if index == change[0] else value for index, value in enumerate(OPERATION)]
)
TIMES = st.sampled_from(
    [
        WHEN,
        WHEN + timedelta(hours=1),
        datetime(1969, 1, 1),
        datetime(1970, 1, 1),
        datetime(2038, 1, 20),
        datetime(2110, 1, 1),
        datetime(9999, 12, 31),
        datetime(1, 1, 1),
    ]
)
KINDS = st.sampled_from(["DataOperation"] * 6 + ["Nonsense", "dataoperation", "Network", ""])
ENTRIES = st.one_of(
    st.tuples(st.just("DataOperation"), st.just(WHEN), st.just(WHEN), st.just(OPERATION)).map(list),
    st.tuples(KINDS, TIMES, TIMES, VALUES | st.just([*OPERATION, 1]) | st.just([])).map(list),
    st.lists(st.sampled_from(["DataOperation", WHEN, ["alice", 1], ("alice", 1), 3, None]), min_size=2, max_size=5),
)
RECORD_CALLS = st.one_of(
    method("commitRegisters", st.lists(ENTRIES, max_size=4)),
    method("commitRegisters", ODD),
    method("commit", KINDS, TIMES, TIMES, VALUES),
    method("commit", KINDS | ODD, TIMES | ODD, TIMES | ODD, VALUES | ODD),
    method("commit commitRegisters", most=[ODD, ODD, ODD, ODD, ODD]),
)
RECORD_SEQUENCES = sequence(st.just(Caller()), RECORD_CALLS, st.integers(0, 60), 4)

# ReqManager and ReqProxy


def _in_order(fields: dict[str, Any]) -> dict[str, Any]:
    """Return what is sent in the order in which every client writes it: the status before all that it changes."""
    return dict(sorted(fields.items(), key=lambda item: item[0] != "Status"))


def requests(texts: Any, numbers: Any, moments: Any) -> Any:
    """Return a strategy of the texts of requests."""
    files = st.fixed_dictionaries(
        {
            "LFN": st.sampled_from(["/vo/a", "/vo/b", "/vo/c"])
            | texts.map(lambda text: f"/{text}" if isinstance(text, str) else text)
        },
        optional={
            "Status": st.sampled_from(["Waiting", "Done", "Failed", "Scheduled"]) | texts,
            "PFN": st.just("file:/a") | texts,
            "ChecksumType": st.sampled_from(["ad", "ADLER32", "MD5", ""]) | texts,
            "Checksum": st.just("abcd") | texts,
            "GUID": st.sampled_from(["40B9B5D8-9A9E-11E2-9D4C-001E4F1B8B55"] * 3 + ["xx-x", 5]) | texts,
            "Attempt": st.integers(0, 9) | numbers,
            "Size": st.integers(0, 10**10) | numbers,
            "Error": st.just("oh") | texts,
        },
    ).map(_in_order)
    operations = st.fixed_dictionaries(
        {
            "Type": st.sampled_from(
                ["ForwardDISET", "SetFileStatus", "RemoveFile", "ReplicateAndRegister", "RemoveReplica", "RegisterFile"]
            )
            | texts
        },
        optional={
            "Status": st.sampled_from(["Queued", "Waiting", "Scheduled", "Assigned", "Failed", "Done", "Canceled"])
            | texts,
            "Arguments": st.sampled_from(["i1e", "i1e", "i2e", "i2e", "", 5, "a" * 65535, "é" * 32768]) | texts,
            "SourceSE": st.just("SE-S") | texts,
            "TargetSE": st.sampled_from(["SE-B", "SE-A"]) | texts,
            "Catalog": st.sampled_from([" FC ", " FC ", " FC ", "x" * 256]) | texts,
            "Error": st.just("not yet") | texts,
            "CreationTime": st.just("2025-12-31 23:59:59") | moments,
            "LastUpdate": st.just("2025-12-31 23:59:59.5") | moments,
            "Files": st.lists(files, max_size=3),
        },
    ).map(_in_order)
    more = st.fixed_dictionaries(
        {
            "RequestName": st.sampled_from(["one", "one", "two", "", None]) | texts,
            "Operations": st.lists(SENSIBLE, max_size=6) | st.lists(operations, max_size=4),
        },
        optional={
            "JobID": st.sampled_from([0, 77, 78]) | numbers,
            "Status": st.sampled_from(["Waiting", "Done", "Failed", "Assigned", "Nonsense"]) | texts,
            "Error": st.just("hm") | texts,
            "SourceComponent": st.sampled_from(["Job_77", "Job_77", 77]) | texts,
            "NotBefore": st.sampled_from(["2025-01-01 00:00:00", "2026-01-01 12:01:00", "2027-01-01 00:00:00", "soon"])
            | moments,
            "LastUpdate": st.just("2025-12-31 00:00:00") | moments,
            "RequestID": st.sampled_from([0, 1, 2]) | numbers,
            "Nonsense": st.just(1),
        },
    )
    owners = st.sampled_from(
        [{"Owner": "alice", "OwnerGroup": "vo_user"}] * 3
        + [{}, {"Owner": "alice"}, {"OwnerGroup": "vo_user"}, {"Owner": "bob", "OwnerGroup": "vo_user"}]
    ) | st.builds(lambda owner, group: {"Owner": owner, "OwnerGroup": group}, texts, texts)
    return st.builds(lambda owner, rest: json.dumps(_in_order({**rest, **owner})), owners, more)


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
SENDERS = st.sampled_from(
    [
        *[Caller()] * 3,
        Caller("pilot", "vo_pilot", ("GenericPilot", "LimitedDelegation")),
        Caller("agent", "vo_prod", ("FullDelegation",)),
        Caller("alice", "other", ("NormalUser",)),
    ]
)


def request_calls(put: Any, ids: Any, names: Any, jobs: Any) -> Any:
    """Return a strategy of calls of the request service."""
    return st.one_of(
        method("putRequest", put),
        method("putRequest", put),
        method("putRequest", st.sampled_from(["", "[]", "{}", "null", "not JSON"])),
        method("getRequest", ids),
        method("peekRequest getRequestStatus getDigest", ids),
        method("cancelRequest deleteRequest", ids),
        method("getRequestIDForName", names),
        method("getRequestIDsForJobs readRequestsForJobs", jobs),
    )


ID = st.integers(1, 3)
REQUESTS = requests(st.nothing(), st.nothing(), st.nothing())
ODD_REQUESTS = requests(TEXTS, NUMBERS, ODD_MOMENTS)
REQUEST_NAMES = st.sampled_from(["one", "two", "three"])
JOB_LISTS = st.sampled_from([[77], [77, 78, 79], [], 78])
REQUEST_SEQUENCES = sequence(
    SENDERS,
    request_calls(REQUESTS, ID | st.sampled_from(["1", "9", "x"]), REQUEST_NAMES, JOB_LISTS)
    | request_calls(
        ODD_REQUESTS,
        ID
        | st.sampled_from(["1 ", " 1", "01", "1x", "1.0", 1.0, 1.5])
        | ODD.filter(lambda value: value or value == ""),
        REQUEST_NAMES | st.sampled_from(["ONE", "one ", " one", "oné"]) | ODD,
        JOB_LISTS | st.lists(ODD, max_size=2) | ODD,
    ),
    st.integers(0, 90),
    8,
)
PROXY_SEQUENCES = sequence(
    SENDERS,
    method(
        "putRequest", REQUESTS | ODD_REQUESTS | st.sampled_from(["", "[]", "{}", "null", "not JSON", "[1]", "1", '"x"'])
    )
    | method("putRequest", most=[ODD])
    | method("getStatus listCacheDir")
    | method("getStatus listCacheDir", most=[ODD]),
    st.integers(0, 90),
    4,
)

# One odd value alone

_REQUEST = {
    "RequestName": "one", "Owner": "alice", "OwnerGroup": "vo_user", "JobID": 77, "Error": "hm", "RequestID": 1,
    "SourceComponent": "Job_77", "NotBefore": str(START), "LastUpdate": str(START), "Status": "Waiting",
    "Operations": [
        {"Type": "RemoveFile", "Status": "Waiting", "Arguments": "i1e", "SourceSE": "S", "TargetSE": "T",
         "Catalog": "FC", "Error": "not yet", "CreationTime": str(START), "LastUpdate": str(START), "Files": [
             {"LFN": "/vo/a", "Status": "Waiting", "PFN": "file:/a", "ChecksumType": "ad", "Checksum": "abcd",
              "GUID": "40B9B5D8-9A9E-11E2-9D4C-001E4F1B8B55", "Attempt": 1, "Size": 1, "Error": "oh"}]}
    ],
}  # fmt: skip
_KEPT = {**_REQUEST, "RequestID": 0}
ALONE: dict[str, list[tuple[Any, ...]]] = {
    "WorkloadManagement/JobStateUpdate": [
        ("setJobStatusBulk", 77, {str(WHEN): {"Status": "Done", "MinorStatus": "m", "ApplicationStatus": "a",
                                              "Source": "Job_77"}}, False),
        ("setJobStatus", 77, "Done", "m", "Job_77", str(START), False),
        ("setJobApplicationStatus", 77, "a", "Job_77"),
        ("setJobParameters", 77, [["a", 1]]),
        ("setJobsParameter", {"77": ["c", 1]}),
        ("sendHeartBeat", 77, {"Load": 1, "HeartBeatTime": str(START)}, {"Memory": 1}),
    ],
    "Transformation/TransformationManager": [
        ("setFileStatusForTransformation", 12, {"100": ["Processed", False]}),
        ("getTransformationFiles", {"TransformationID": 12, "LFN": ["/vo/a"], "Status": "Assigned", "TaskID": 1,
                                    "ErrorCount": 0}, str(START), str(START), "LastUpdate", "LFN:DESC", 2, 0, ["LFN"]),
    ],
    "Accounting/DataStore": [
        ("commitRegisters", [["DataOperation", WHEN, WHEN, OPERATION]]),
        ("commit", "DataOperation", WHEN, WHEN, OPERATION),
    ],
    "RequestManagement/ReqManager": [
        ("putRequest", _REQUEST),
        *((name, 1) for name in ("getRequest", "peekRequest", "getRequestStatus", "getDigest", "cancelRequest",
                                 "deleteRequest")),
        ("getRequestIDForName", "one"),
        ("readRequestsForJobs", [77]),
    ],
    "RequestManagement/ReqProxy": [("putRequest", _REQUEST), ("getStatus",)],
}  # fmt: skip
"""Calls of each service as method and arguments; the text of a request is a value here."""


def _replaced(value: Any, by: Any) -> Iterator[Any]:
    """Yield copies of a value in each of which another part of it, or all of it, is replaced."""
    yield by
    if isinstance(value, dict):
        for key, item in value.items():
            yield from ({**value, key: new} for new in _replaced(item, by))
            if isinstance(by, str):
                yield {by if name == key else name: item for name, item in value.items()}
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from ([*value[:at], new, *value[at + 1 :]] for new in _replaced(item, by))


def odd_ones(service: str) -> Iterator[tuple[dict[str, Any], list[Step]]]:
    """Yield sequences with one call of :data:`ALONE` each, in which one part has an odd value."""
    begin = {"status": "Running"} if "JobState" in service else {}
    kept = [Step(Caller(), "putRequest", (json.dumps(_KEPT),), 1)] if "ReqManager" in service else []
    for name, *args in ALONE[service]:
        for odd in [*ODD_VALUES, *ODD_TIMES]:
            for given in list(_replaced(args, odd))[1:]:
                texts = [json.dumps(value, default=str) if isinstance(value, dict) and "RequestName" in value else value
                         for value in given]  # fmt: skip
                yield begin, [*kept, Step(Caller(), name, tuple(texts), 0)]
