"""The clients of the reference beside those of the real DIRAC: the same calls, results and state for the same story.

A story is a list of steps and what the services answer, well formed or not. It is told to both; whatever can be seen
from outside must be equal: results (number and text), exceptions (class and text), calls with their arguments and
timeouts, pauses, and what the clients still hold.
"""

import copy
import json
import re
from contextlib import ExitStack
from datetime import datetime, timedelta
from functools import partial
from operator import attrgetter
from unittest.mock import patch

import pytest
from DIRACCommon.Core.Utilities.ReturnValues import S_ERROR, S_OK
from hypothesis import given, settings
from hypothesis import strategies as st

from dirac_failover.drivers.implementations import stopped

PROXY = "https://proxy:9443/RequestManagement/ReqProxy"
T0 = datetime(2026, 1, 2, 3, 4, 5, 6)
LFNS = ["/vo/a", "/vo/b", "/vo/c"]
FILE_STATUSES = ["Unused", "Assigned", "Processed", "Problematic", "MaxReset", "Other", ""]

thorough = settings(max_examples=200, deadline=None)


class BaseAccountingType:
    """What both look for among the ancestors of a record's class."""


class Record(BaseAccountingType):
    """An accounting record."""

    def __init__(self, value, check):
        self.value = value
        self.check = check

    def checkValues(self):
        return self.check

    def getValues(self):
        return ("Job", T0, T0, [self.value])


class Told:
    """What one implementation was seen to do; also the transport, with the answers of the story."""

    def __init__(self, answers, stubs):
        self.answers = copy.deepcopy(answers)
        self.stubs = stubs
        self.seen = []
        self.now = T0

    def __call__(self, service, method, args, *, timeout=600):
        args = copy.deepcopy(args)
        self.seen.append(("call", service, method, plain(args), timeout))
        script = self.answers.get(method) or [S_OK()]
        answer = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, dict) and self.stubs:
            return {**answer, "rpcStub": ((service, {"timeout": timeout}), method, list(args))}
        return answer

    def sleep(self, seconds):
        """Remember that there was a pause; how long is a matter of dice."""
        assert seconds in (1, 2, 3, 4, 5)
        self.seen.append("pause")

    def time(self):
        return self.now.timestamp()

    def do(self, step, held=lambda: None):
        """Let one step happen, and remember how it ended and what is held now."""
        try:
            end = ("returned", plain(step()))
        except Exception as error:  # noqa: BLE001 - any is part of the story
            end = ("raised", plain(error))
        self.seen.append((end, plain(held())))

    def do_all(self, target, steps, held):
        """Let a target take steps: a method with its arguments, the time that passes, or an attribute that is set."""
        for name, arguments in steps:
            if name == "wait":
                self.now += timedelta(seconds=arguments)
            elif isinstance(arguments, tuple):
                self.do(partial(getattr(target, name), *copy.deepcopy(arguments)), held)
            else:
                setattr(target, name, arguments)


def plain(value):
    """Make a value comparable between implementations."""
    if isinstance(value, Exception):
        return (type(value).__name__, plain(str(value)))
    if isinstance(value, str):
        return re.sub(r"(Accounting\.DataStore\.[0-9]+\.[0-9]+)\.[-.e0-9]+", r"\1.(dice)", value)
    if isinstance(value, dict):
        return [(plain(key), plain(item)) for key, item in value.items() if key != "CallStack"]
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, *map(plain, value)]
    if type(value).__name__ == "Operation":
        return ("Operation", value.Type, value.Arguments, value.Status)
    return (type(value).__name__, repr(value))


def tell(implementation, story, answers, stubs, options):
    """Tell the story to one implementation; return what was seen."""
    told = Told(answers, stubs)
    with ExitStack() as stack:
        stack.enter_context(stopped(lambda: told.now, implementation))
        stack.enter_context(patch("time.time", told.time))
        stack.enter_context(
            implementation.connect(told, owner="alice", group="vo_user", options=options, sleep=told.sleep)
        )
        story(implementation, told)
    return told.seen


@pytest.fixture(scope="session")
def compare(reference, dirac):
    """Tell a story to both and compare."""

    def compare(story, answers, stubs=True, options=None):
        ours, theirs = (
            tell(implementation, story, answers, stubs, options or {}) for implementation in (reference, dirac)
        )
        assert ours == theirs

    return compare


def call(name, *arguments):
    """A step: the method and its arguments, each a strategy."""
    return st.tuples(st.just(name), st.tuples(*arguments))


def calls(*names):
    """Steps: one of these methods, without arguments."""
    return st.tuples(st.sampled_from(names), st.just(()))


# What services answer

ERRORS = st.sampled_from(
    [S_ERROR("down"), S_ERROR(1500, "bad"), {"OK": False, "Message": "bare"}, {"OK": False, "Message": ""}]
)
ODD = st.sampled_from(
    [
        None, {}, 5, "text", [], {"OK": True}, {"OK": False}, {"OK": None, "Message": None},
        {"OK": False, "Message": ValueError("object")}, {"OK": True, "Value": None}, {"OK": True, "Value": "text"},
        {"OK": True, "Value": 5}, {"OK": True, "Value": {}}, OSError("no way"), KeyError("OK"),
    ]
)  # fmt: skip


def script(good):
    """Make a list of answers, mostly good or refused ones."""
    return st.lists(st.one_of(good, good, ERRORS, ERRORS, ODD), max_size=6)


TAKEN = st.sampled_from([S_OK(), S_OK("taken"), S_OK(5)])
TEXTS = st.sampled_from(["", "Running", "It's", "'", "é€"])
ANYTHING = st.one_of(TEXTS, st.sampled_from([None, 5, True, 1.5, b"x", ["a"], ("a",), ValueError("it's")]))


# JobReport

NUMBERS = st.one_of(st.integers(), st.floats(), st.decimals())
VALUES = st.recursive(
    st.one_of(TEXTS, NUMBERS, st.sampled_from([None, True, 10**400, float("nan"), float("inf")])),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.tuples(inner), st.dictionaries(TEXTS, inner, max_size=2)),
    max_leaves=4,
)
JOB_STEPS = st.one_of(
    call("setJobStatus", TEXTS, TEXTS, TEXTS, st.booleans()),
    st.tuples(st.just("setJobStatus"), st.lists(ANYTHING, max_size=4).map(tuple)),
    call("setApplicationStatus", ANYTHING, st.booleans()),
    call("setJobParameter", TEXTS, VALUES, st.booleans()),
    call("setJobParameters", st.lists(st.tuples(TEXTS, VALUES), max_size=3), st.booleans()),
    call("setJobParameters", st.sampled_from([None, [5], [("a",)], ["ab"], {"ab": 1}, "ab"])),
    calls("sendStoredStatusInfo", "sendStoredJobParameters", "commit", "generateForwardDISET"),
    call("setJob", st.sampled_from([0, 78, "78", None])),
    st.just(("wait", 1)),
)


@thorough
@given(
    jobid=st.sampled_from([77, 77, 77, "77", 0, "", None, 7.9]),
    source=st.sampled_from(["", "", "Pilot", None]),
    steps=st.lists(JOB_STEPS, max_size=8),
    answers=st.fixed_dictionaries({"setJobStatusBulk": script(TAKEN), "setJobParameters": script(TAKEN)}),
    stubs=st.sampled_from([True, True, False]),
)
def test_job_reports_are_alike(compare, jobid, source, steps, answers, stubs):
    held = attrgetter("jobID", "source", "jobStatusInfo", "appStatusInfo", "jobParameters")

    def story(implementation, told):
        reports = []
        told.do(lambda: reports.append(implementation.JobReport(jobid, source)))
        for report in reports:
            told.do_all(report, steps, partial(held, report))

    compare(story, answers, stubs)


# The files of a transformation

ROW = st.fixed_dictionaries(
    {
        "LFN": st.sampled_from(LFNS), "Status": st.sampled_from(FILE_STATUSES),
        "ErrorCount": st.sampled_from([0, 1, 9, 10, 11, 20, 3]), "FileID": st.integers(100, 103),
    }
)  # fmt: skip
ODD_ROW = st.one_of(
    st.tuples(ROW, st.sampled_from(["LFN", "Status", "ErrorCount", "FileID"])).map(
        lambda row: {key: value for key, value in row[0].items() if key != row[1]}
    ),
    st.tuples(ROW, st.sampled_from(["Status", "ErrorCount", "FileID"]), st.sampled_from([None, "x", "7", [], 0.0])).map(
        lambda row: {**row[0], row[1]: row[2]}
    ),
    st.sampled_from([None, 5, "text", [], ["LFN"]]),
)
INNER = st.one_of(
    st.lists(ROW, max_size=4).map(S_OK),
    st.lists(ROW, max_size=4).map(S_OK),
    st.lists(st.one_of(ROW, ODD_ROW), max_size=4).map(S_OK),
    st.sampled_from(
        [
            {"OK": False, "Message": "inner"}, {"OK": False, "Errno": 3, "Message": "inner", "More": 1},
            {"OK": False}, {"OK": True}, {"OK": True, "Value": None}, {"OK": True, "Value": "text"},
            {"OK": True, "Value": {}}, {"OK": True, "Value": {"LFN": 1}}, {"OK": True, "Value": 5}, {}, None, [], 5,
            "text",
        ]
    ),
)  # fmt: skip
FOUND = st.one_of(
    INNER.map(lambda inner: S_OK(json.dumps(inner))),
    INNER.map(lambda inner: S_OK(json.dumps(inner))),
    INNER.map(lambda inner: S_OK(json.dumps(inner))),
    st.sampled_from([S_OK(""), S_OK("{"), S_OK([]), S_OK({"OK": True}), S_OK("{} {}"), S_OK(b"{}")]),
)
FILE_ANSWERS = st.fixed_dictionaries(
    {"getTransformationFiles": script(FOUND), "setFileStatusForTransformation": script(TAKEN)}
)
STATUS = st.one_of(st.sampled_from(FILE_STATUSES), st.sampled_from(FILE_STATUSES), st.sampled_from([None, 5, ["x"]]))
SOME_LFNS = st.lists(st.sampled_from([*LFNS, "/vo/x"]), max_size=4)
OPTIONS = st.sampled_from([{}, {}, {"Transformations/FilesMaxResetCounter": "3"}]) | st.sampled_from(
    ["0", "-1", "x", " 7 ", "1.5"]
).map(lambda text: {"Transformations/FilesMaxResetCounter": text})


@thorough
@given(
    name=st.sampled_from([12, "12", "name", 0, None]),
    wanted=st.one_of(
        st.dictionaries(st.sampled_from([*LFNS, "/vo/x"]), STATUS, max_size=4),
        st.sampled_from(FILE_STATUSES),
        st.sampled_from([None, [], ["/vo/a"], 5, (), {"/vo/a": "Unused", 5: "Unused"}]),
    ),
    lfns=st.one_of(SOME_LFNS, SOME_LFNS.map(tuple), st.sampled_from([None, "", "/vo/a", 5, ["/vo/a", 5]])),
    force=st.booleans(),
    answers=FILE_ANSWERS,
    stubs=st.booleans(),
    options=OPTIONS,
)
def test_statuses_of_files_are_set_alike(compare, name, wanted, lfns, force, answers, stubs, options):
    def story(implementation, told):
        setting = implementation.TransformationClient().setFileStatusForTransformation
        told.do(partial(setting, name, copy.deepcopy(wanted), copy.deepcopy(lfns), force))

    compare(story, answers, stubs, options)


@thorough
@given(
    conditions=st.one_of(
        st.none(),
        st.fixed_dictionaries(
            {},
            optional={
                "TransformationID": st.just(12),
                "LFN": st.one_of(SOME_LFNS, SOME_LFNS.map(tuple), st.sampled_from(["/vo/a", "", None, 5, ["a", 5]])),
            },
        ),
    ),
    keywords=st.fixed_dictionaries(
        {},
        optional={
            "older": st.just("o"), "newer": st.just("n"), "timeStamp": st.sampled_from(["T", "", None]),
            "orderAttribute": st.just("O"), "limit": st.sampled_from([None, 0, 1, 2, 3]),
            "timeout": st.sampled_from([None, 0, 7]), "offset": st.integers(0, 5),
            "maxfiles": st.sampled_from([None, 0, 1, 2, 3]), "columns": st.just(["LFN"]),
        },
    ),
    answers=FILE_ANSWERS,
)  # fmt: skip
def test_files_are_looked_up_alike_and_the_condition_is_changed_alike(compare, conditions, keywords, answers):
    def story(implementation, told):
        mine = copy.deepcopy(conditions)
        told.do(lambda: implementation.TransformationClient().getTransformationFiles(mine, **keywords), lambda: mine)

    compare(story, answers)


LFN = st.one_of(st.sampled_from([*LFNS, 5, None]), SOME_LFNS, SOME_LFNS.map(tuple), SOME_LFNS.map(dict.fromkeys))
FILE_STEPS = st.one_of(
    call("setFileStatus", st.sampled_from([12, 12, 5, 0, None]), LFN, STATUS, st.sampled_from([False, False, True])),
    call("setCommonStatus", STATUS),
    calls("getFiles", "commit", "generateForwardDISET"),
    st.tuples(st.just("force"), st.booleans()),
)


@thorough
@given(steps=st.lists(FILE_STEPS, max_size=8), answers=FILE_ANSWERS, stubs=st.booleans(), options=OPTIONS)
def test_file_reports_are_alike(compare, steps, answers, stubs, options):
    held = attrgetter("transformation", "statusDict", "force")

    def story(implementation, told):
        report = implementation.FileReport()
        told.do_all(report, steps, partial(held, report))

    compare(story, answers, stubs, options)


# Accounting and requests

RECORDS = st.one_of(
    st.builds(Record, st.integers(0, 9), st.just(S_OK())),
    st.builds(Record, ANYTHING.filter(lambda value: not isinstance(value, Exception)), st.just(S_OK())),
    st.builds(Record, st.just(1), st.sampled_from([S_ERROR("bad"), {}, None])),
    st.sampled_from([5, None, BaseAccountingType()]),
)
STORE_STEPS = st.one_of(
    call("addRegister", RECORDS),
    call("addRegister", RECORDS),
    calls("commit"),
    calls("commit", "disableFailover"),
    st.tuples(st.just("wait"), st.sampled_from([0.5, 1, 9, 10])),
)
PUT = st.one_of(TAKEN, st.sampled_from([S_OK({"set": True}), S_OK({"set": 0, "saved": 1}), S_OK({"set": False})]))
YES_NO = st.sampled_from(["yes", "no", "TRUE", "1", "x", ""])
STORE_OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "/LocalSite/DisableFailover": YES_NO,
        "/LocalSite/DisableAccounting": st.just("no"),
        "RequestManagement/ReqProxyURLs": st.just(PROXY),
    },
) | YES_NO.map(lambda text: {"/LocalSite/DisableAccounting": text})


@thorough
@given(
    grace=st.sampled_from([0, 0, 1, 10]),
    steps=st.lists(STORE_STEPS, max_size=10),
    answers=st.fixed_dictionaries({"commitRegisters": script(TAKEN), "putRequest": script(PUT)}),
    stubs=st.sampled_from([True, True, True, False]),
    options=STORE_OPTIONS,
)
def test_accounting_is_alike(compare, grace, steps, answers, stubs, options):
    def story(implementation, told):
        client = implementation.DataStoreClient(retryGraceTime=grace)
        told.do_all(client, steps, lambda: client._DataStoreClient__registersList)

    compare(story, answers, stubs, options)


@thorough
@given(
    name=st.sampled_from(["n", "", None]),
    operations=st.integers(0, 2),
    proxies=st.booleans(),
    retries=st.integers(0, 3),
    answers=st.fixed_dictionaries({"putRequest": script(PUT)}),
    options=st.sampled_from([{}, {"RequestManagement/ReqProxyURLs": PROXY}]),
)
def test_requests_are_put_alike(compare, name, operations, proxies, retries, answers, options):
    def story(implementation, told):
        request = implementation.Request()
        request.RequestName = name
        for _ in range(operations):
            operation = implementation.Operation()
            operation.Type, operation.Arguments = "ForwardDISET", b"x"
            request.addOperation(operation)
        told.do(lambda: implementation.ReqClient().putRequest(request, proxies, retries))

    compare(story, answers, True, options)


@pytest.mark.parametrize("method", ["getRequest", "peekRequest"])
@thorough
@given(number=st.sampled_from([0, 5, "5", "x", None]), answers=script(st.sampled_from([S_OK(), S_OK("")])))
def test_requests_are_got_alike(compare, method, number, answers):
    def look_at(result):
        value = result.get("Value")
        return {**result, "Value": value.RequestName} if hasattr(value, "RequestName") else result

    compare(
        lambda implementation, told: told.do(lambda: look_at(getattr(implementation.ReqClient(), method)(number))),
        {method: answers},
    )
