"""The rules of the job state service; beside the real one they are held in tests/differential."""

from __future__ import annotations

from datetime import datetime
from time import tzset

import pytest

from dirac_fakes import Caller, World

NOON = datetime(2026, 1, 1, 12)
T1, T2 = "2026-01-01 12:00:01.000001", "2026-01-01 12:00:02"


def test_a_world_begins_with_a_running_job(world):
    """The job runs since a minute, which its history says."""
    assert world.job_state.snapshot() == {
        "jobs": {
            "77": {
                "Status": "Running",
                "MinorStatus": "Application",
                "ApplicationStatus": "Unknown",
                "Owner": "alice",
                "OwnerGroup": "vo_user",
                "StartExecTime": "2026-01-01 11:59:00",
                "EndExecTime": None,
                "HeartBeatTime": "2026-01-01 11:59:00",
                "LastUpdateTime": "2026-01-01 11:59:00",
            }
        },
        "history": {
            "77": [
                {
                    "Status": "Running",
                    "MinorStatus": "Application",
                    "ApplicationStatus": "Unknown",
                    "StatusTime": "2026-01-01 11:59:00",
                    "StatusSource": "JobManager",
                    "Epoch": 1767268740.0,
                }
            ]
        },
        "parameters": {},
        "heartbeats": {},
    }


def test_an_update_changes_the_job_and_its_history(world, call):
    """The answer names what changed besides the major status; a source that begins with Job is a sign of life."""
    answer = call(
        "job-state", "setJobStatusBulk", 77, {T1: {"Source": "Job_77", "ApplicationStatus": "x" * 255}}, False
    )
    assert answer == {"OK": True, "Value": [["ApplicationStatus"], ["x" * 255]]}
    job = world.job_state.state["jobs"][77]
    assert (job["HeartBeatTime"], job["LastUpdateTime"], job["EndExecTime"]) == (T1, NOON, None)
    assert world.job_state.state["history"][77][1] == {
        "Status": "idem",
        "MinorStatus": "idem",
        "ApplicationStatus": "x" * 255,
        "StatusTime": T1,
        "StatusSource": "Job_77",
        "Epoch": 1767268801.0,
    }
    assert world.job_state.status(77) == ("Running", "Application", "x" * 255)


def test_an_update_that_is_late_goes_to_the_history_only(world, call):
    """Times are compared with the newest of the history."""
    late = {"Status": "Done", "MinorStatus": "m", "Source": "s" * 40}
    assert call("job-state", "setJobStatusBulk", 77, {"2026-01-01 11:00:00": late})["Value"] == [[], []]
    assert world.job_state.status(77) == ("Running", "Application", "Unknown")
    row = world.job_state.state["history"][77][1]
    assert (row["Status"], row["MinorStatus"], row["StatusSource"]) == ("Done", "m", "s" * 32)


def test_the_newest_of_the_history_decides_what_is_late(world, call):
    """Not the first; and of several updates the last one must not be late."""
    call("job-state", "setJobStatusBulk", 77, {"2026-01-01 12:00:05": {"Status": "Completing"}})
    assert call("job-state", "setJobStatusBulk", 77, {T2: {"MinorStatus": "late"}})["Value"] == [[], []]
    both = {"2026-01-01 12:00:06": {"MinorStatus": "new"}, T1: {"MinorStatus": "late"}}
    assert call("job-state", "setJobStatusBulk", 77, both)["Value"] == [["MinorStatus"], ["new"]]
    assert [row["StatusTime"][-8:] for row in world.job_state.state["history"][77][3:]] == [T1[-8:], "12:00:06"]


def test_the_state_machine_decides(world, call):
    """A refused transition keeps the status and marks the source; an administrator may force it, others not."""
    waiting = {T1: {"Status": "Waiting", "Source": "Job_77"}}
    assert call("job-state", "setJobStatusBulk", 77, waiting, True)["Value"] == [[], []]
    assert world.job_state.status(77)[0] == "Running"
    assert world.job_state.state["history"][77][1]["StatusSource"] == "Job_77(SM)"
    world.caller = Caller("admin", "vo_admin", ("JobAdministrator",))
    assert call("job-state", "setJobStatus", 77, "Waiting", "", "Admin", T2, True)["Value"] == [[], []]
    assert world.job_state.status(77)[0] == "Waiting"
    assert call("job-state", "setJobStatus", 77, "Bogus", "", "Admin", T2) == {
        "OK": False,
        "Errno": 0,
        "Message": "getNextState: 'Bogus' is not a valid state",
    }


def test_empty_parts_of_an_update_do_not_count(world, call):
    """They leave the status and are idem in the history; without a source it is Unknown."""
    assert call("job-state", "setJobStatusBulk", 77, {T1: {"Status": "", "MinorStatus": "m", "Source": ""}})["OK"]
    row = world.job_state.state["history"][77][1]
    assert (row["Status"], row["MinorStatus"], row["StatusSource"]) == ("idem", "m", "Unknown")
    assert row["ApplicationStatus"] == "idem"
    assert world.job_state.state["jobs"][77]["HeartBeatTime"] != T1


def test_only_the_last_update_of_a_job_itself_is_a_heart_beat(world, call):
    """It is one only when all updates could be kept."""
    world.job_state.state["jobs"][77]["Status"] = "Done"
    assert call("job-state", "setJobStatusBulk", 77, {"": {"Source": "Job_77"}, T1: {"Source": "Job_77"}})["OK"]
    job = world.job_state.state["jobs"][77]
    assert (job["Status"], job["HeartBeatTime"]) == ("Done", T1)
    call("job-state", "setJobStatusBulk", 77, {T1: {"MinorStatus": 5}, "2025-12-31 00:00:00": {"Source": "Job_77"}})
    assert len(world.job_state.state["history"][77]) == 4
    assert job["HeartBeatTime"] == T1


def test_a_stalled_job_that_speaks_is_running():
    """Whatever it says."""
    world = World(job_status="Stalled", now=NOON)
    world("WorkloadManagement/JobStateUpdate", "setJobStatusBulk", (77, {T1: {"MinorStatus": "m"}}))
    assert world.job_state.status(77) == ("Running", "m", "Unknown")
    assert [row["Status"] for row in world.job_state.state["history"][77]] == ["Stalled", "idem"]


def test_start_and_end_become_now(world, call):
    """They are set once, to the time of the service, not of the update; a start is the first sign of life."""
    world.job_state.add(78, StartExecTime=None, HeartBeatTime=None, Status="Matched")
    call("job-state", "setJobStatusBulk", 78, {T1: {"MinorStatus": "m"}})
    assert world.job_state.state["jobs"][78]["StartExecTime"] is None
    call("job-state", "setJobStatusBulk", 78, {T1: {"Status": "Running"}})
    world.clock.sleep(60)
    call("job-state", "setJobStatusBulk", 78, {"2026-01-01 12:02:00": {"Status": "Done"}})
    job = world.job_state.snapshot()["jobs"]["78"]
    assert (job["StartExecTime"], job["HeartBeatTime"]) == ("2026-01-01 12:00:00",) * 2
    assert job["EndExecTime"] == "2026-01-01 12:01:00"
    world.clock.sleep(60)
    world.job_state.state["jobs"][78]["Status"] = "Completed"
    call("job-state", "setJobStatusBulk", 78, {"2026-01-01 12:03:00": {"Status": "Failed"}})
    job = world.job_state.snapshot()["jobs"]["78"]
    assert job["StartExecTime"] == "2026-01-01 12:00:00"
    assert job["EndExecTime"] == "2026-01-01 12:01:00"


def test_a_sign_of_life_survives_the_start(world, call):
    """A job that was heard of before it started keeps that time."""
    world.job_state.add(78, StartExecTime=None, HeartBeatTime="before", Status="Matched")
    call("job-state", "setJobStatusBulk", 78, {T1: {"Status": "Running"}})
    assert world.job_state.snapshot()["jobs"]["78"]["HeartBeatTime"] == "before"


def test_one_update_is_a_bulk_of_one(world, call):
    """Without a time it is of now; without anything to say it is nothing."""
    assert call("job-state", "setJobStatus", "77", "Completing", "m", "Job_77")["Value"] == [["MinorStatus"], ["m"]]
    assert call("job-state", "setJobApplicationStatus", 77, "a", "Job_77")["Value"] == [["ApplicationStatus"], ["a"]]
    assert world.job_state.status(77) == ("Completing", "m", "a")
    rows = world.job_state.state["history"][77][1:]
    assert [(row["StatusTime"], row["StatusSource"]) for row in rows] == [(str(NOON), "Job_77")] * 2
    for answer in (call("job-state", "setJobStatus", 77), call("job-state", "setJobApplicationStatus", 77, "")):
        assert answer == {"OK": True, "Value": None}
    assert len(world.job_state.state["history"][77]) == 3
    call("job-state", "setJobStatus", 77, "", "m2")
    call("job-state", "setJobApplicationStatus", 77, "b")
    assert [row["StatusSource"] for row in world.job_state.state["history"][77][3:]] == ["Unknown", "Unknown"]


def test_force_needs_to_be_asked_for(world, call):
    """An administrator's update without it obeys the state machine."""
    world.caller = Caller("admin", "vo_admin", ("JobAdministrator",))
    call("job-state", "setJobStatusBulk", 77, {T1: {"Status": "Waiting"}})
    call("job-state", "setJobStatus", 77, "Waiting", "", "Admin", T2)
    assert world.job_state.status(77)[0] == "Running"


def test_a_job_without_history_refuses_updates(world, call):
    """DIRAC refuses them too."""
    world.job_state.state["history"][77] = []
    answer = call("job-state", "setJobStatusBulk", 77, {T1: {"MinorStatus": "m"}})
    assert answer["Message"] == "No Logging Info for job 77"


@pytest.fixture
def local_time():
    """Let the time zone of the process be changed."""
    yield
    tzset()


@pytest.mark.usefixtures("local_time")
@pytest.mark.parametrize(
    ("time", "epoch"),
    [
        ("2026-01-01 12:00:01.5", 1767268801.0),
        ("2026-01-01 12:00:01.999999", 1767268801.999),
        ("2026-01-01 12:00:01.500000", 1767268801.5),
        ("2026-1-1 12:00:1", 1767268801.0),
    ],
)
def test_times_are_read_as_dirac_reads_them(monkeypatch, world, call, time, epoch):
    """They are UTC; a short fraction counts microseconds; the history is ordered to the millisecond."""
    monkeypatch.setenv("TZ", "America/New_York")
    tzset()
    call("job-state", "setJobStatusBulk", 77, {time: {"MinorStatus": "m"}})
    assert world.job_state.state["history"][77][1]["Epoch"] == epoch


@pytest.mark.parametrize(
    "updates", [{}, {"2026-01-01T12:00:01": {"MinorStatus": "m"}}, {"nonsense": {"Status": "Done"}}]
)
def test_updates_without_a_time_are_an_error_of_the_server(call, updates):
    """An empty update too."""
    assert call("job-state", "setJobStatusBulk", 77, updates)["Message"].startswith("500 Server Error")


@pytest.mark.parametrize(
    ("caller", "allowed", "unknown"),
    [
        (Caller("alice", "any", ()), True, "Not authorized to modify job 78"),
        (Caller("bob", "vo_user", ()), False, "Not authorized to modify job 78"),
        (Caller("bob", "vo_user", ("JobSharing",)), True, "Not authorized to modify job 78"),
        (Caller("bob", "any", ("JobSharing",)), False, "Not authorized to modify job 78"),
        (Caller("bob", "any", ("GenericPilot",)), True, "Not authorized to modify job 78"),
        (Caller("bob", "any", ("JobAdministrator",)), True, "No Matching Job"),
        (Caller("bob", "any", ("TrustedHost",)), True, "No Matching Job"),
        (Caller("bob", "any", ("Operator",)), True, "No Matching Job"),
    ],
)
def test_who_may_change_a_job(world, call, caller, allowed, unknown):
    """Its owner, its group if it shares, pilots and the privileged; only these learn that there is no such job."""
    world.caller = caller
    calls = [
        ("setJobStatusBulk", 77, {T1: {"MinorStatus": "m"}}),
        ("setJobStatus", 77, "Running"),
        ("setJobApplicationStatus", 77, "x"),
        ("setJobParameter", 77, "a", "b"),
        ("setJobParameters", 77, []),
        ("setJobsParameter", {"77": ["a", "b"]}),
        ("sendHeartBeat", 77, {}, {}),
    ]
    for method, *args in calls:
        answer = call("job-state", method, *args)
        assert answer["OK"] is allowed, method
        assert allowed or answer["Message"] == "Not authorized to modify job 77"
    assert call("job-state", "setJobStatus", 78, "Running")["Message"] == unknown


def test_parameters_are_kept_by_name(world, call):
    """The first ones of a job answer the name of their index, which has a million jobs."""
    for job_id in (999_999, 1_000_000):
        world.job_state.add(job_id)
    assert call("job-state", "setJobParameters", 77, [("a", 1), ["b", "x"]])["Value"] == "job_parameters_vo_0m"
    assert call("job-state", "setJobParameter", "77", "a", 2) == {"OK": True, "Value": None}
    assert call("job-state", "setJobParameter", 999_999, "a", 2)["Value"] == "job_parameters_vo_0m"
    assert call("job-state", "setJobParameter", 1_000_000, "a", 2)["Value"] == "job_parameters_vo_1m"
    assert world.job_state.parameters(77) == {"a": 2, "b": "x"}
    assert world.job_state.parameters(78) == {}
    assert world.job_state.snapshot()["parameters"]["77"] == {
        "a": 2,
        "b": "x",
        "JobID": 77,
        "timestamp": 1767268800000,
    }


def test_parameters_of_several_jobs_are_texts(world, call):
    """A job that may not be changed makes the error, the others count."""
    world.job_state.add(79)
    assert call("job-state", "setJobsParameter", {"77": ["a", 1]}) == {"OK": True, "Value": None}
    answer = call("job-state", "setJobsParameter", {"78": ["a", 1], "79": [2, None]})
    assert answer["Message"] == "Not authorized to modify job 78"
    kept = world.job_state.state["parameters"]
    assert (kept[77]["a"], kept[79]["2"], 78 in kept) == ("1", "None", False)


def test_a_heart_beat_makes_the_job_running(world, call):
    """Its data are kept: the changing ones one by one, the others as parameters."""
    world.job_state.state["jobs"][77]["Status"] = "Done"
    world.clock.sleep(5)
    assert call("job-state", "sendHeartBeat", "77", {"Load": 1}, {"Memory": 2}) == {"OK": True, "Value": {}}
    state = world.job_state.snapshot()
    assert state["heartbeats"] == {"77": [["Load", "1", "2026-01-01 12:00:05"]]}
    assert state["parameters"]["77"]["Memory"] == 2
    assert state["jobs"]["77"]["Status"] == "Running"
    assert state["jobs"]["77"]["HeartBeatTime"] == "2026-01-01 12:00:05"
    assert state["jobs"]["77"]["LastUpdateTime"] == "2026-01-01 11:59:00"


@pytest.mark.parametrize(
    ("status", "after", "updated"),
    [("Stalled", "Running", "12:00:00"), ("Matched", "Running", "12:00:00"), ("Done", "Done", "11:59:00")],
)
def test_a_heart_beat_with_a_time_of_its_own_only_wakes(world, call, status, after, updated):
    """A stalled or matched job runs; any other keeps its status."""
    world.job_state.state["jobs"][77]["Status"] = status
    call("job-state", "sendHeartBeat", 77, {"HeartBeatTime": T2}, {})
    job = world.job_state.snapshot()["jobs"]["77"]
    assert (job["Status"], job["HeartBeatTime"], job["LastUpdateTime"]) == (after, T2, f"2026-01-01 {updated}")
    assert world.job_state.snapshot()["heartbeats"] == {"77": []}


def test_a_heart_beat_for_nobody_is_refused(world, call):
    """Its parameters stay, as in DIRAC, where all are looked at before the job is."""
    world.caller = Caller("op", "ops", ("Operator",))
    assert call("job-state", "sendHeartBeat", 78, {}, {"a": 1})["Message"] == "Job 78 not found"
    assert world.job_state.state["parameters"][78]["a"] == 1
    assert "500" in call("job-state", "sendHeartBeat", 78, [], {})["Message"]


def test_a_job_has_the_columns_that_dirac_knows(world):
    """Another one is refused, with the list."""
    with pytest.raises(ValueError, match=r"^A job has no Color, Size; it has Status, MinorStatus, .*LastUpdateTime$"):
        world.job_state.add(78, Size=1, Color=2)


def test_a_status_that_is_no_text_breaks_the_service_when_the_job_has_it(world, call):
    """It is refused by the history, which comes after the job; so is a source that is none. A list is its value."""
    for update in ({"MinorStatus": 5}, {"MinorStatus": "5", "Source": [1]}):
        answer = call("job-state", "setJobStatusBulk", 77, {"2026-01-01 12:00:00": update})
        assert answer["Message"].startswith("500 Server Error")
        assert world.job_state.status(77) == ("Running", "5", "Unknown")
        assert len(world.job_state.state["history"][77]) == 1
    assert call("job-state", "setJobStatusBulk", 77, {"2026-01-01 12:00:01": {"MinorStatus": [7]}})["OK"]
    assert call("job-state", "setJobStatusBulk", 77, {"2026-01-01 12:00:02": {"MinorStatus": {"a": 1}}})["OK"]
    assert [row["MinorStatus"] for row in world.job_state.state["history"][77]] == ["Application", "7", "a"]
    assert world.job_state.status(77)[1] == "{'a': 1}"


def test_times_are_kept_as_times(world, call):
    """Whatever their text is; their order has a column of nine digits, beyond which a lax database has the edge."""
    update = {"MinorStatus": "x", "Source": "Job_77"}
    assert call("job-state", "setJobStatusBulk", 77, {"2026-1-1 24:00:00": {"MinorStatus": "x"}})["OK"]
    assert world.job_state.state["history"][77][-1]["StatusTime"] == "2026-01-02 00:00:00"
    assert call("job-state", "setJobStatusBulk", 77, {"2026-1-2 2:3:4": update})["OK"]
    assert world.job_state.state["jobs"][77]["HeartBeatTime"] == "2026-01-02 02:03:04"
    world.strict = False
    assert call("job-state", "setJobStatus", 77, "Done", "m", "Job_77", "2300-01-01 00:00:00")["OK"]
    assert world.job_state.state["history"][77][-1]["Epoch"] == 2_269_999_999.999


def test_an_update_without_a_time_is_of_now_in_the_history_alone(world, call):
    """It comes before all others, so the job keeps its status; a Job as source makes it Running."""
    world.job_state.state["jobs"][77]["Status"] = "Stalled"
    update = {"": {"Status": "Done", "Source": "Pilot"}}
    assert call("job-state", "setJobStatusBulk", 77, update) == {"OK": True, "Value": [[], []]}
    assert world.job_state.status(77)[0] == "Stalled"
    assert world.job_state.state["history"][77][-1]["StatusTime"] == "2026-01-01 12:00:00"
    call("job-state", "setJobStatusBulk", 77, {"": {"Status": "Done", "Source": "Job_77"}})
    assert world.job_state.status(77)[0] == "Running"


def test_of_a_pair_the_rest_is_not_looked_at(world, call):
    """All IDs are read before anything is kept."""
    assert call("job-state", "setJobsParameter", {"77": ["a", 1, 2]})["OK"]
    assert world.job_state.parameters(77) == {"a": "1"}
    assert call("job-state", "setJobsParameter", "8")["Message"] == "Not authorized to modify job 8"
    answer = call("job-state", "setJobsParameter", {"77": ["b", 1], "x": ["b", 1]})
    assert answer["Message"].startswith("500 Server Error")
    assert world.job_state.parameters(77) == {"a": "1"}


def test_a_heart_beat_counts_though_its_parameters_cannot_be_read(world, call):
    """They come after it, and before a job that has stopped is Running again."""
    world.job_state.state["jobs"][77]["Status"] = "Stalled"
    beat = {"HeartBeatTime": "2026-01-01 12:30:00"}
    assert call("job-state", "sendHeartBeat", 77, beat, None)["Message"].startswith("500 Server Error")
    job = world.job_state.state["jobs"][77]
    assert (job["Status"], job["HeartBeatTime"]) == ("Stalled", "2026-01-01 12:30:00")
    assert call("job-state", "sendHeartBeat", 77, [], {})["Message"].startswith("500 Server Error")


def test_a_time_that_is_none_is_now_in_the_history(world, call):
    """An update under a text that DIRAC cannot read as a time counts, and is logged at the time of the call."""
    times = {"2026-01-01 12:00:00.123456": {"Status": "Killed"}, "2026-01-01 12:00:00Z": {"MinorStatus": "odd"}}
    assert call("job-state", "setJobStatusBulk", 77, times) == {"OK": True, "Value": [["MinorStatus"], ["odd"]]}
    dates = [row["StatusTime"] for row in world.job_state.state["history"][77]]
    assert dates[1:] == ["2026-01-01 12:00:00.123456", str(world.clock.now())]
