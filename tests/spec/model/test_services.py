"""The specification of the services: what they answer, what they hold, and what faults make of it."""

from __future__ import annotations

import pytest

from dirac_failover.spec.model.services import ModelFault, Services, Times, fault, now
from dirac_failover.spec.scenario import Scenario

LOST = "HTTPSConnectionPool(host='dirac.invalid', port=443): Read timed out. (read timeout={}): None"
SILENT = "Error in _read: The operation timed out SSLTimeoutError('The operation timed out')"
GONE = "('dirac.invalid', 443) [Errno 111] Connection refused:ConnectionRefusedError(111, 'Connection refused')"


def services(*faults, **fields):
    """Services with faults, and the steps that they write."""
    steps = []
    scenario = Scenario(faults=faults, server_files={"/vo/a": "Assigned", "/vo/b": "Unused"}, **fields)
    return Services(scenario, Times(), steps), steps


def test_moments_are_named_in_the_order_in_which_they_are_shown():
    """Whenever they were."""
    times, first, second = Times(), now(), now()
    assert [times.show(moment) for moment in (second, first, second)] == ["<T1>", "<T2>", "<T1>"]


@pytest.mark.parametrize(("text", "known"), [
    ("transformation:down", ModelFault("transformation", None, "down", None, "")),
    ("job-state.setJobStatusBulk:refuse", ModelFault("job-state", "setJobStatusBulk", "refuse", None, "")),
    ("accounting:lost_reply", ModelFault("accounting", None, "lost_reply", None, "")),
    ("requests:first=12", ModelFault("requests", None, "first", 12, "")),
    ("requests:s_error=no", ModelFault("requests", None, "s_error", None, "no")),
    ("requests:s_error=no;stub=no", ModelFault("requests", None, "s_error", None, "no;stub=no")),
    ("requests:raises=ValueError:x y", ModelFault("requests", None, "raises", None, "ValueError:x y")),
    ("req-proxy:bad_shape=[1]", ModelFault("req-proxy", None, "bad_shape", None, "[1]")),
    ("requests:s_error=a@first=2", ModelFault("requests", None, "s_error", 2, "a")),
    ("requests:down@first=3", ModelFault("requests", None, "down", 3, "")),
    ("clock:skew=-600", ModelFault("clock", None, "skew", None, "-600")),
])  # fmt: skip
def test_faults_are_read(text, known):
    """Those that say for themselves what they do."""
    assert fault(text) == known


@pytest.mark.parametrize("text", [
    "file:disk_full", "clock:skew", "clock:skew=0", "clock.now:skew=5", "requests:timeout", "requests:down=1",
    "requests:down@nth=2", "requests:first=0", "requests:first", "requests:s_error", "requests:s_error=a;errno=1",
    "requests:s_error=a@first=0", "requests:bad_shape", "requests:raises=OSError:x", "requests:raises=ValueError",
    "requests:raises=ValueError:a:b", "requests", "", "requests:raises=ValueError:a@nth=2", "x requests:down",
    "requests:down x",
])  # fmt: skip
def test_other_faults_are_not_spoken_of(text):
    """They say None, not something near."""
    assert fault(text) is None


def test_an_answer_tells_how_to_repeat_the_call():
    """The call that is recorded has no such stub."""
    here, steps = services()
    updates = {here._times.show(now()): {"Source": "Job_77", "ApplicationStatus": "x"}}
    answer = here.call("job-state", "setJobStatusBulk", 77, updates, False)
    stub = answer.pop("rpcStub")
    address = ("WorkloadManagement/JobStateUpdate", {"timeout": 600, "useAccessToken": False})
    assert stub == (address, "setJobStatusBulk", [77, updates, False])
    assert answer == {"OK": True, "Value": [["ApplicationStatus"], ["x"]]}
    assert [list(step.step) for step in steps] == [["job-state", "setJobStatusBulk", [77, updates, False], answer]]


@pytest.mark.parametrize(("how", "answer", "done"), [
    ("down", {"OK": False, "Errno": 0, "Message": GONE}, 0),
    ("refuse", {"OK": False, "Errno": 0, "Message": GONE}, 0),
    ("first=2", {"OK": True, "Value": None}, 1),
    ("first=3", {"OK": False, "Errno": 0, "Message": GONE}, 0),
    ("lost_reply", {"OK": False, "Errno": 0, "Message": SILENT}, 1),
    ('bad_shape={"a": 1}', {"OK": True, "Value": {"a": 1}}, 1),
    ("s_error=why", {"OK": False, "Errno": 0, "Message": "why"}, 0),
    ("s_error=why;stub=no", {"OK": False, "Errno": 0, "Message": "why"}, 0),
])  # fmt: skip
def test_a_fault_decides_what_is_seen_and_what_is_done(how, answer, done):
    """Where the reply is lost, or has another shape, the service has done what it was asked for."""
    here, steps = services(f"accounting:{how}")
    seen = here.call("accounting", "commitRegisters", [["Job"]])
    assert ("rpcStub" in seen) is not how.endswith("stub=no")
    seen.pop("rpcStub", None)
    assert seen == answer
    assert [list(step.step) for step in steps] == [["accounting", "commitRegisters", [[["Job"]]], answer]]
    assert len(here.state()["accounting"]["records"]) == done


def test_what_is_raised_is_a_step_all_the_same():
    """With the exception as its answer."""
    here, steps = services("accounting:raises=ValueError:no")
    with pytest.raises(ValueError, match=r"^no$"):
        here.call("accounting", "commitRegisters", [])
    assert [list(step.step) for step in steps] == [
        ["accounting", "commitRegisters", [[]], {"raises": "ValueError('no')"}]
    ]


def test_a_question_waits_longer_than_a_report():
    """Half an hour, and ten minutes."""
    here, _ = services("transformation:lost_reply")
    assert here.call("transformation", "getTransformationFiles", {"LFN": []})["Message"] == LOST.format(1800)
    assert here.call("transformation", "setFileStatusForTransformation", 12, {})["Message"] == LOST.format(600)


def test_the_first_of_two_faults_acts_and_both_count():
    """A fault of another service, or of another method, does neither, and an unknown one nothing."""
    here, steps = services(
        "accounting:down", "requests:partial=1", "requests.getRequest:down", "requests:first=1",
        "requests.putRequest:first=2", "requests:s_error=then",
    )  # fmt: skip
    for _ in range(4):
        here.call("requests", "putRequest", "{}")
    assert [step.result["Message"][:4] for step in steps] == ["HTTP", "HTTP", "then", "then"]


def test_what_json_does_not_know_cannot_be_sent():
    """It is no call: nothing is written down."""
    here, steps = services()
    for kind in ("Decimal", "set"):
        with pytest.raises(TypeError, match=rf"^Object of type {kind} is not JSON serializable$"):
            here.call("job-state", "setJobParameters", 77, [["CPU", [f"<{kind}>"]]])
    assert steps == []


def tell(here, *said):
    """Report statuses, each at a moment of its own; they are handed over latest first."""
    times = here._times
    names = [times.show(now()) for _ in said]
    updates = {name: {"Source": "Job_77", **update} for name, update in zip(names, said, strict=True)}
    return here.call("job-state", "setJobStatusBulk", 77, dict(reversed(updates.items())), False)


def test_the_last_word_counts_whatever_order_the_updates_are_in():
    """The history has all of them, in the order of their times."""
    here, _ = services()
    answer = tell(here, {"MinorStatus": "a"}, {"Status": "Completing", "MinorStatus": "b"}, {"ApplicationStatus": "c"})
    assert answer["Value"] == [["MinorStatus", "ApplicationStatus"], ["b", "c"]]
    held = here.state()["job-state"]
    job = held["jobs"]["77"]
    assert (job["Status"], job["MinorStatus"], job["ApplicationStatus"]) == ("Completing", "b", "c")
    assert job["EndExecTime"] is None
    assert [row["MinorStatus"] for row in held["history"]["77"]] == ["Application", "a", "b", "idem"]


def test_a_status_that_may_not_follow_leaves_the_present_one():
    """The source says so; a job that has ended stays so, and one that nobody knows is refused."""
    here, _ = services()
    tell(here, {"Status": "Waiting"}, {"Status": "Failed"}, {"Status": "Done"})
    held = here.state()["job-state"]
    assert [(row["Status"], row["StatusSource"]) for row in held["history"]["77"][1:]] == [
        ("Running", "Job_77(SM)"), ("Failed", "Job_77"), ("Failed", "Job_77(SM)"),
    ]  # fmt: skip
    ended = held["jobs"]["77"]["EndExecTime"]
    assert ended
    assert tell(here, {"Status": "Nowhere"})["Message"] == "getNextState: 'Nowhere' is not a valid state"
    tell(here, {"Status": "Failed"})
    assert here.state()["job-state"]["jobs"]["77"]["EndExecTime"] == ended


@pytest.mark.parametrize(("skew", "late"), [(-600, True), (-60, True), (-59, False), (600, False)])
def test_a_slow_clock_makes_the_job_late(skew, late):
    """What is from before the job began is in the history only, but for the time at which it ended."""
    here, _ = services(f"clock:skew={skew}")
    answer = tell(here, {"Status": "Failed", "ApplicationStatus": "x"})
    assert answer["Value"] == ([[], []] if late else [["ApplicationStatus"], ["x"]])
    held = here.state()["job-state"]
    assert held["jobs"]["77"]["ApplicationStatus"] == ("Unknown" if late else "x")
    assert held["jobs"]["77"]["EndExecTime"]
    assert [row["Epoch"] for row in held["history"]["77"]] == [1767268800 - skew - 60, 1767268800]
