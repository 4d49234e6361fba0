"""Requests beside DIRAC's own classes: the same statuses, the same JSON in both directions, the same refusals."""

import copy
import json
import re
from datetime import datetime, timedelta
from functools import partial
from importlib import metadata
from types import SimpleNamespace
from unittest.mock import Mock, patch

import pytest
from DIRACCommon.Core.Utilities.ReturnValues import S_ERROR, S_OK
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from dirac_failover.clients.replay import replay
from dirac_failover.drivers.implementations import stopped
from dirac_failover.request.record import TIME_FORMAT
from dirac_failover.wire import dencode
from dirac_failover.wire.rpc import make_stub

EARLIER = metadata.version("DIRAC") in {"9.0.0", "9.1.2", "9.1.20"}
"""Whether this DIRAC is seen to be one from before 9.0.28, or from before 9.1.22, which are stricter with requests."""
SMALL = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(autouse=True)
def clock(dirac):
    """One stopped clock for both, of which each asks its own."""
    clock = SimpleNamespace(now=datetime(2026, 1, 2, 3, 4, 5, 678901))
    with stopped(lambda: clock.now, dirac):
        yield clock


@pytest.fixture(autouse=True)
def connected(reference, dirac):
    """The same owner on both sides."""

    def nowhere(*_, **__):
        raise AssertionError("nothing here may call a service")

    owner = {"owner": "alice", "group": "vo_user"}
    with reference.connect(nowhere, **owner), dirac.connect(nowhere, **owner):
        yield


def seen(request):
    """Everything that can be seen of a request without changing more than looking does."""
    return {
        "json": request.toJSON()["Value"], "digest": request.getDigest()["Value"], "status": request.Status,
        "order": request.Order, "waiting": request.indexOf(request.getWaiting()["Value"]),
        "statuses": request.subStatusList(), "files": [operation.fileStatusList() for operation in request],
        "orders": [operation.Order for operation in request],
        "length": (len(request), bool(request), request.isEmpty()),
    }  # fmt: skip


def outcome(action):
    """What an action returned, as far as it can be compared, or the error that it raised."""
    try:
        answer = action()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is to be the same
        return type(error), "" if isinstance(error, IndexError) else str(error)  # Python's own words
    if isinstance(answer, dict):
        return {key: value for key, value in answer.items() if key != "CallStack"}
    return None


INDEX = st.integers(0, 5)
SES = st.sampled_from([None, "", "A-SE", "B-SE", "CERN-FAILOVER", "A-SE,B-SE"])
TYPES = st.sampled_from(["ReplicateAndRegister", "RemoveReplica", "RemoveFile", "ForwardDISET", "SetFileStatus", ""])


def machine(  # noqa: C901 - its rules are its methods
    reference, dirac, clock
):
    """Make a machine that does the same to a request of each implementation."""

    class Both(RuleBasedStateMachine):
        @initialize()
        def begin(self):
            self.requests = (reference.Request(), dirac.Request())
            self.operations = []
            self.files = []
            for request in self.requests:
                request.RequestName = "r"

        def both(self, action, *pairs):
            """Do ``action`` on each side and compare what came of it."""
            sides = zip(self.requests, *pairs, strict=True)
            ours, theirs = (outcome(partial(action, *side)) for side in sides)
            assert ours == theirs

        def operation(self, index):
            if index >= len(self.operations):
                self.operations.append((reference.Operation(), dirac.Operation()))
            return self.operations[min(index, len(self.operations) - 1)]

        def file(self, index):
            if index >= len(self.files):
                pair = (reference.File(), dirac.File())
                for file in pair:
                    file.LFN = f"/vo/{len(self.files) % 4}"
                self.files.append(pair)
            return self.files[min(index, len(self.files) - 1)]

        @rule(index=INDEX)
        def add(self, index):
            self.both(lambda request, operation: request.addOperation(operation), self.operation(index))

        @rule(new=INDEX, old=INDEX, name=st.sampled_from(["insertBefore", "insertAfter"]))
        def insert(self, new, old, name):
            self.both(
                lambda request, *operations: getattr(request, name)(*operations),
                *(self.operation(new), self.operation(old)),
            )

        @rule(index=INDEX)
        def delete(self, index):
            self.both(lambda request: request.__delitem__(index))

        @rule(index=INDEX, new=INDEX)
        def replace(self, index, new):
            pair = self.operation(new)
            if pair[0] not in self.requests[0]:  # one that is there twice flips its status at each look
                self.both(lambda request, operation: request.__setitem__(index, operation), pair)

        @rule(index=INDEX, status=st.sampled_from([*reference.Operation.ALL_STATES, "Bad"]))
        def set_status(self, index, status):
            self.both(lambda _, operation: setattr(operation, "Status", status), self.operation(index))

        @rule(status=st.sampled_from([*reference.Request.ALL_STATES, "Queued"]))
        def set_request_status(self, status):
            self.both(lambda request: setattr(request, "Status", status))

        @rule(index=INDEX, type_=TYPES, source=SES, goal=SES, arguments=st.sampled_from(["", b"x"]))
        def describe(self, index, type_, source, goal, arguments):
            for operation in self.operation(index):
                operation.Type, operation.SourceSE, operation.TargetSE = type_, source, goal
                operation.Arguments = arguments

        @rule(index=INDEX, error=st.sampled_from(["bad", None]))
        def set_error(self, index, error):
            for request, operation in zip(self.requests, self.operation(index), strict=True):
                request.Error = operation.Error = error

        @rule(index=INDEX, file=INDEX)
        def add_file(self, index, file):
            self.both(lambda _, operation, file: operation.addFile(file), self.operation(index), self.file(file))

        @rule(index=INDEX, place=INDEX, file=INDEX)
        def replace_file(self, index, place, file):
            self.both(
                lambda _, operation, file: operation.__setitem__(place, file), self.operation(index), self.file(file)
            )

        @rule(index=INDEX, place=INDEX | st.sampled_from([slice(0, 2), slice(1, 2), slice(None)]))
        def delete_file(self, index, place):
            self.both(lambda _, operation: operation.__delitem__(place), self.operation(index))

        @rule(file=INDEX, status=st.sampled_from(["Waiting", "Done", "Failed", "Scheduled", "Queued"]))
        def set_file_status(self, file, status):
            self.both(lambda _, file: setattr(file, "Status", status), self.file(file))

        @rule(index=INDEX, file=INDEX)
        def look_for_file(self, index, file):
            ours, theirs = zip(self.operation(index), self.file(file), strict=True)
            assert (ours[1] in ours[0]) == (theirs[1] in theirs[0])

        @rule()
        def optimize(self):
            self.both(lambda request: request.optimize())

        @rule(minutes=st.integers(0, 5000))
        def delay(self, minutes):
            self.both(lambda request: request.delayNextExecution(minutes))

        @rule()
        def tick(self):
            clock.now += timedelta(seconds=1)

        @rule()
        def exchange(self):
            """Each side goes on with what the other wrote."""
            ours, theirs = (request.toJSON()["Value"] for request in self.requests)
            self.requests = (reference.Request(theirs), dirac.Request(ours))
            self.operations = list(zip(*self.requests, strict=True))
            self.files = [pair for operations in self.operations for pair in zip(*operations, strict=True)]

        @invariant()
        def same(self):
            ours, theirs = self.requests
            assert seen(ours) == seen(theirs)

    return Both


def test_any_sequence_of_changes_is_seen_alike(reference, dirac, clock):
    run_state_machine_as_test(
        machine(reference, dirac, clock), settings=settings(SMALL, max_examples=150, stateful_step_count=30)
    )


# JSON in both directions

TEXTS = st.text(max_size=8)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=3,
)
MOMENTS = st.datetimes(datetime(1000, 1, 1)).map(lambda moment: moment.strftime(TIME_FORMAT))
GUIDS = st.from_regex(r"[0-9A-Fa-z]{8}(-[0-9a-f]{4}){3}-[0-9A-F]{12}", fullmatch=True)
FILES = st.fixed_dictionaries(
    {},
    optional={
        "FileID": st.integers(), "OperationID": st.integers(),
        "Status": st.sampled_from(["Waiting", "Failed", "Done", "Scheduled"]),
        "LFN": TEXTS.map(lambda text: f"/{text}"), "PFN": TEXTS,
        "ChecksumType": st.sampled_from(["ADLER32", "ad", " md5", "SHA1", "", None]), "Checksum": TEXTS,
        "GUID": GUIDS | st.none(), "Attempt": st.integers(), "Size": st.integers(), "Error": TEXTS | st.none(),
    },
)  # fmt: skip
TIMES = dict.fromkeys(["CreationTime", "SubmitTime", "LastUpdate"], MOMENTS)
OPERATIONS = st.fixed_dictionaries(
    {"Type": TYPES},
    optional={
        "OperationID": st.integers(), "RequestID": st.integers(),
        "Status": st.sampled_from(["Queued", "Waiting", "Scheduled", "Assigned", "Failed", "Done", "Canceled"]),
        "Arguments": TEXTS | st.none(), "Order": st.integers(), "SourceSE": SES, "TargetSE": SES,
        "Catalog": st.sampled_from([None, "", "FC", " FC , FC"]), "Error": TEXTS | st.none(), **TIMES,
        "Files": st.lists(FILES, max_size=4), "Other": ANYTHING,
    },
)  # fmt: skip
REQUESTS = st.fixed_dictionaries(
    {"RequestName": TEXTS},
    optional={
        "RequestID": st.integers(0, 3), "Owner": TEXTS | st.none(), "OwnerGroup": TEXTS | st.none(),
        "Status": st.sampled_from(["Waiting", "Failed", "Done", "Scheduled", "Assigned", "Canceled"]),
        "Error": TEXTS | st.none(), "SourceComponent": TEXTS | st.none(), "JobID": st.integers(0, 99) | TEXTS,
        **TIMES, "NotBefore": MOMENTS | st.none(), "Operations": st.lists(OPERATIONS, max_size=4),
        "Other": ANYTHING,
    },
)  # fmt: skip


@SMALL
@given(source=REQUESTS.map(json.dumps))
def test_a_request_is_loaded_and_written_alike(reference, dirac, source):
    """Each implementation reads what the other wrote and writes it as the other would; so does a second round."""
    ours, theirs = reference.Request(source), dirac.Request(source)
    for _ in range(2):
        answers = [outcome(request.getDigest) for request in (ours, theirs)]
        if isinstance(answers[0], tuple):  # without a name, whose text is Python's own
            assert answers[0][0] is answers[1][0] is TypeError
        else:
            assert answers[0] == answers[1]
        texts = [outcome(request.toJSON) for request in (ours, theirs)]
        assert texts[0] == texts[1]
        for mine, other in zip(ours, theirs, strict=True):
            assert str(mine) == str(other)
            assert list(map(str, mine)) == list(map(str, other))
        ours, theirs = reference.Request(texts[1]["Value"]), dirac.Request(texts[0]["Value"])


@SMALL
@given(source=REQUESTS)
def test_a_request_is_judged_and_optimised_alike(reference, dirac, source):
    ours, theirs = reference.Request(source), dirac.Request(source)
    for request in (ours, theirs):
        request.Owner = source.get("Owner")
    assert outcome(lambda: reference.RequestValidator().validate(ours)) == outcome(
        lambda: dirac.RequestValidator().validate(theirs)
    )
    moved = [outcome(request.optimize) for request in (ours, theirs)]
    if isinstance(moved[0], dict):
        assert moved[0] == moved[1]
        assert str(ours) == str(theirs)
    else:  # targets that cannot be sorted
        assert moved[0][0] is moved[1][0] is TypeError


KEYS = st.sampled_from(
    [
        "Operations", "Files", "Status", "Order", "LFN", "GUID", "ChecksumType", "Arguments", "SourceComponent",
        "Catalog", "CreationTime", "NotBefore", "LastUpdate", "Error", "Size", "Type", "sourceSEList",
        "catalogList", "Foo",
    ]
) | st.just("")  # fmt: skip
HOSTILE = st.recursive(
    ANYTHING | st.sampled_from(["Done", "Failed", "[]", "{}", "/a", "2024-02-03 04:05:06", "\udcff"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


def made(cls, source):
    """Load a source, or return the error."""
    try:
        return cls(source)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is to be the same
        return error


def in_order(answer):
    """Sort the catalogues, which DIRAC has in any order."""
    if isinstance(answer, dict) and answer["OK"]:
        answer["Value"] = re.sub(
            r'(?<="Catalog": ")[^"]*', lambda names: str(sorted(names[0].split(","))), answer["Value"]
        )
    return answer


@pytest.mark.parametrize("name", ["Request", "Operation", "File"])
@settings(SMALL, max_examples=400)
@given(source=st.dictionaries(KEYS, HOSTILE, max_size=4) | HOSTILE.map(json.dumps) | TEXTS)
def test_whatever_is_loaded_is_refused_where_dirac_refuses_it(reference, dirac, name, source):
    """With a ValueError that says what DIRAC raises; what DIRAC takes is taken, and written alike."""
    theirs = made(getattr(dirac, name), source)
    if isinstance(theirs, Exception):
        refusal = made(getattr(reference, name), source)
        assert isinstance(refusal, ValueError)
        kinds = {getattr(refusal, "dirac", type(refusal)), type(theirs)}
        if EARLIER and kinds == {AttributeError, TypeError}:  # of JSON that is no object, such as null
            assert not isinstance(source, dict)
            assert not isinstance(json.loads(source), dict)
            return
        assert len(kinds) == 1
        if not isinstance(theirs, AttributeError):  # which names DIRAC's classes
            assert str(refusal) == str(theirs)
    else:
        ours = getattr(reference, name)(source)
        assert in_order(outcome(ours.toJSON)) == in_order(outcome(theirs.toJSON))


# Replay

JOB_STATE = "WorkloadManagement/JobStateUpdate"
STUBS = [
    make_stub(JOB_STATE, "setJobStatusBulk", (77, {"T": {"Source": "Job_77"}}, False)),
    [["Accounting/DataStore", {"timeout": 5, "skipCACheck": False}], "commitRegisters", [[["T", 1, 2, []]]]],
    (("S/T", {}), "m", "ab"), (("S/T", {}), "m", {"a": 1}), (("S/T", {}), "m", None), (("S/T", 5), "m", []),
    (("S/T", {}), 5, []), (("S/T",), "m", []), [], "abc", 5, None,
    {"dCls": "Popen", "dMod": "subprocess", "dMeth": "x", "args": (), "kwargs": {}},
]  # fmt: skip
STATUSES = [
    {"transformation": 12, "statusDict": {"/a": "Unused", "/b": "Processed", "/x": "Unused"}, "force": force}
    for force in (False, True)
]
ARGUMENTS = [
    *(("ForwardDISET", dencode.encode(stub)) for stub in STUBS),
    *(
        ("SetFileStatus", dencode.encode(wanted))
        for wanted in (*STATUSES, {}, [], {**STATUSES[0], "statusDict": {}}, 5)
    ),
    *((name, raw) for name in ("ForwardDISET", "SetFileStatus") for raw in (None, b"", b"x", b"i1", b"l", b"zxti1ee")),
    ("RemoveFile", b"x"),
]


class Services:
    """Answers every call from a script, then positively; remembers the calls."""

    def __init__(self, script):
        self.script = list(script)
        self.calls = []

    def __call__(self, service, method, args, *, timeout=600):
        self.calls.append((service, method, copy.deepcopy(args), timeout))
        answer = self.script.pop(0) if self.script else None
        if isinstance(answer, Exception):
            raise answer
        if answer is None and method == "getTransformationFiles":
            files = [("/a", "Processed"), ("/b", "Assigned"), ("/c", "Unused")]
            rows = [
                {"LFN": lfn, "Status": status, "ErrorCount": 0, "FileID": number}
                for number, (lfn, status) in enumerate(files, 100)
            ]
            return S_OK(json.dumps(S_OK(rows)))
        return answer or S_OK()


def by_the_agent(text):
    """Execute a request as DIRAC's agent does; return it and the agent's answer."""
    from DIRAC.RequestManagementSystem.private.RequestTask import RequestTask

    handlers = {
        "ForwardDISET": "DIRAC/RequestManagementSystem/Agent/RequestOperations/ForwardDISET",
        "SetFileStatus": "DIRAC/TransformationSystem/Agent/RequestOperations/SetFileStatus",
    }
    task = RequestTask(text, handlers, "/none", "agent", standalone=True, requestClient=Mock())
    task.requestClient.putRequest.return_value = S_OK()
    with patch.object(task, "setupProxy", return_value=S_OK({"Shifter": []})):
        return task.request, task()


FAILURES = [S_ERROR("down"), S_ERROR(1500, "bad"), OSError("gone"), None]


@pytest.mark.skipif(EARLIER, reason="its agent executes stubs that later ones refuse, and breaks at an empty request")
@settings(SMALL, max_examples=150)
@given(
    operations=st.lists(st.sampled_from(ARGUMENTS), max_size=4), script=st.lists(st.sampled_from(FAILURES), max_size=4)
)
def test_a_request_is_replayed_alike(reference, dirac, operations, script):
    made = reference.Request()
    made.RequestName = "r"
    for name, arguments in operations:
        operation = reference.Operation({"Type": name})
        if arguments is not None:
            operation.Arguments = arguments
        made.addOperation(operation)
    theirs_called, ours_called = Services(script), Services(script)
    with dirac.connect(theirs_called):
        theirs, answer = by_the_agent(str(made))
    ours = reference.Request(str(made))
    with reference.connect(ours_called):
        report = replay(ours)
    assert ours_called.calls == theirs_called.calls
    assert seen(ours) == seen(theirs)
    escaped = report.results[-1].error if report.results else None
    assert answer["OK"] == (escaped is None)
    if escaped is not None:
        assert answer["Message"].startswith(f"{getattr(escaped, 'dirac', type(escaped)).__name__}(")
