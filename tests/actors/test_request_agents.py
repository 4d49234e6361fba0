"""The agents at the database of requests; beside the real ones in tests/live/test_chain.py."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from dirac_failover import connect
from dirac_failover import vocabulary as v
from dirac_failover.actors.request_agents import REQUESTS_DONE, execute, finalize, kick
from dirac_failover.wire import dencode
from dirac_fakes import World

STATE = "WorkloadManagement/JobStateUpdate"
SAY, ALSO = (
    {
        "Type": "ForwardDISET",
        "Arguments": dencode.encode(((STATE, {}), "setJobApplicationStatus", [77, text])).decode(),
    }
    for text in ("said", "also")
)
BROKEN = {"Type": "ForwardDISET", "Arguments": "i1e"}
STATUSES = {"transformation": 12, "statusDict": {"/vo/a": "Processed"}, "force": False}
SET = {"Type": "SetFileStatus", "Arguments": dencode.encode(STATUSES).decode()}
REMOVE = {"Type": "RemoveFile", "Files": [{"LFN": "/vo/x"}]}


def stored(*operations, job=77, world=None, **fields):
    """A world with a request, a minute later."""
    world = world or World()
    request = {"RequestName": "one", "JobID": job, "Operations": operations, **fields}
    assert world("RequestManagement/ReqManager", "putRequest", (json.dumps(request),))["OK"]
    world.clock.sleep(60)
    return world


def cycle(world, *faults, elsewhere=lambda _: False, **options):
    """What one cycle of the agent does, while faults strike."""
    for fault in faults:
        world.arm(fault)
    with connect(world, owner="alice", group="vo_user", sleep=world.clock.sleep, **options):
        done = list(execute(world, [], elsewhere))
    world.recover()
    return done


def said(world):
    """How often each application status is in the job's history."""
    texts = [row["ApplicationStatus"] for row in world.job_state.state["history"][77]]
    return texts.count("said"), texts.count("also")


def status(world):
    """The stored status of the request."""
    return world.requests.state["requests"][1]["Status"]


def test_only_what_waits_and_is_due_is_executed():
    world = stored(SAY, NotBefore="2099-01-01 00:00:00")
    assert cycle(world) == []
    canceled = stored(SAY)
    canceled("RequestManagement/ReqManager", "cancelRequest", (1,))
    assert cycle(canceled) == []
    assert (said(world), said(canceled)) == ((0, 0), (0, 0))


def test_a_done_request_finalizes_its_job():
    world = stored(SAY, ALSO)
    (done,) = cycle(world)
    assert (done.kept, status(world), said(world)) == (True, "Done", (1, 1))
    last = world.job_state.state["history"][77][-1]
    assert (last["MinorStatus"], last["StatusSource"]) == (REQUESTS_DONE, "RMS")
    assert world.job_state.parameters(77)["PendingRequest"].endswith("ForwardDISET:Done:1")
    assert [call.method for call in world.journal].count("getDigest") == 1


def test_without_a_job_none_is_finalized():
    world = stored(SAY, job=0)
    cycle(world)
    assert world.job_state.state["jobs"][77]["MinorStatus"] == "Application"
    assert "getRequestStatus" not in {call.method for call in world.journal}


def test_the_operations_have_the_options_of_the_agent():
    """By one of them, a file that was reset too often is reset no more."""
    statuses = {**STATUSES, "statusDict": {"/vo/a": "Unused"}}
    world = stored(
        {**SET, "Arguments": dencode.encode(statuses).decode()}, world=World(files={"/vo/a": {"ErrorCount": 2}})
    )
    cycle(world, options={"Transformations/FilesMaxResetCounter": "2"})
    assert world.transformation.statuses(12) == {"/vo/a": "MaxReset"}


@pytest.mark.parametrize(
    ("operations", "faults", "kept", "stays", "after_another"),
    [
        ([SAY, ALSO], ["job-state:down@after=1"], False, "Assigned", (1, 0)),
        ([SAY, ALSO], ["job-state:s_error=no@after=1"], True, "Waiting", (1, 1)),
        ([SAY, BROKEN], [], False, "Waiting", (2, 0)),
        ([SAY], ["requests.putRequest:first=2"], True, "Done", (1, 0)),
        ([SAY], ["requests.putRequest:first=3"], False, "Waiting", (2, 0)),
        ([SAY], ["requests.putRequest:false_ack"], False, "Waiting", (2, 0)),
        ([SAY], ["requests.getRequestStatus:first=9"], True, "Done", (1, 0)),
        ([SAY], ["requests.getRequestStatus:first=10"], False, "Waiting", (2, 0)),
        ([SAY], ["requests.getDigest:down"], True, "Done", (1, 0)),
    ],
    ids=["error too long", "error", "exception", "third put", "no put", "false put", "tenth", "never", "no digest"],
)
def test_an_outcome_that_is_not_kept_is_made_again(operations, faults, kept, stays, after_another):
    """What could not be put back, by an exception, a refusal, or because the job is not finalized, is done twice."""
    world = stored(*operations)
    (done,) = cycle(world, *faults)
    assert status(world) == stays
    assert done.kept is kept
    world.clock.sleep(60)
    cycle(world)
    assert said(world) == after_another


def test_a_done_request_is_given_back_to_the_service_alone():
    """Not to a request proxy; and until its job is finalized, the agent pauses for ten seconds after each refusal."""
    world = stored(SAY, world=World(proxies=["one"]))
    cycle(world, "requests.putRequest:down", options={v.OPTION_REQUEST_PROXIES: world.proxy_urls()})
    assert (status(world), [proxy.stored() for proxy in world.proxies()]) == ("Waiting", [{}] * len(world.proxies()))
    begin = world.clock.now()
    cycle(world, "requests.getRequestStatus:first=9")
    assert timedelta(seconds=90) <= world.clock.now() - begin < timedelta(seconds=95)
    assert [row["StatusSource"] for row in world.job_state.state["history"][77]].count("RMS") == 1


def test_what_stays_assigned_is_kicked_after_an_hour():
    """It is executed again from the beginning (H23)."""
    world = stored(SAY, ALSO, world=World(now=datetime(2026, 1, 1, 12, 0, 7, 500_000)))
    cycle(world, "job-state:down@after=1")
    assert kick(world) == []
    world.clock.sleep(3600)  # the time of the request has no parts of a second
    assert kick(world) == []
    world.clock.sleep(1)
    assert kick(world) == [1]
    cycle(world)
    assert (status(world), said(world)) == ("Done", (2, 1))


@pytest.mark.parametrize("operation", [REMOVE, BROKEN], ids=["no handler", "an exception"])
def test_what_others_execute_holds_up_nothing(operation):
    world = stored(operation, SAY)
    (done,) = cycle(world, elsewhere=lambda operation: operation.Type == "RemoveFile" or operation.Arguments == b"i1e")
    assert (len(done.passed_over), status(world), said(world)) == (1, "Done", (1, 0))
    assert [call.target for call in done.calls] == ["job-state"]


def test_a_request_of_which_nothing_is_left_is_done():
    """Though it is stored as Waiting."""
    world = stored({**SAY, "Status": "Done"})
    assert status(world) == "Done"
    world.requests.state["requests"][1]["Status"] = "Waiting"
    (done,) = cycle(world)
    assert (done.calls, done.kept, status(world), said(world)) == ([], True, "Done", (0, 0))


def test_an_operation_without_a_handler_waits():
    world = stored(REMOVE, SAY)
    cycle(world)
    (request,) = world.requests.stored().values()
    assert request["Operations"][0]["Error"] == "handler for operation 'RemoveFile' not set"


def test_of_a_job_that_is_gone_a_failing_operation_is_failed():
    world = stored(SAY)
    del world.job_state.state["jobs"][77]
    (done,) = cycle(world)
    assert (done.request.Error, status(world)) == ("Job no longer exists", "Failed")
    for files, faults, end in ([], [], "Done"), ([{"LFN": "/vo/x"}], ["transformation:s_error=no"], "Failed"):
        gone = stored({**SET, "Files": files})
        del gone.job_state.state["jobs"][77]
        cycle(gone, *faults)
        assert status(gone) == end


@pytest.mark.parametrize(
    ("begin", "updates", "rows"),
    [
        ("Running", ["step 1", ("", "Oh"), ("Stalled", "W")], ["Running|Requests done|idem", "idem|idem|step 1"]),
        ("Running", [("Stalled", "W")], ["Running|Requests done|idem", "idem|idem|Unknown"]),
        ("Running", ["early", ("Stalled", "W")], ["Running|Requests done|idem", "idem|idem|Unknown"]),
        ("Running", [("Stalled", "W"), "step 2"], ["idem|Requests done|idem"]),
        ("Stalled", [], ["idem|Requests done|idem"]),
        ("Running", ["step 1", "by hand"], ["idem|Requests done|idem"]),
    ],
    ids=["others between", "at once", "an update from before", "running again", "always", "not in its history"],
)
def test_a_stalled_job_becomes_what_it_was_before(begin, updates, rows):
    """With the application status of that time, unless its history says that it was always Stalled, or is not."""
    world = World(job_status=begin)
    for update in updates:
        world.clock.sleep(5)
        if update == "early":
            answer = world(STATE, "setJobStatusBulk", (77, {"2020-01-01 00:00:00": {"ApplicationStatus": "early"}}))
        elif isinstance(update, tuple):
            answer = world(STATE, "setJobStatus", (77, *update, "JobWrapper"))
        else:
            answer = world(STATE, "setJobApplicationStatus", (77, update))
        assert answer["OK"], answer
    if updates[-1:] == ["by hand"]:
        world.job_state.state["jobs"][77]["Status"] = "Stalled"
    caller = world.caller
    stored(SAY, world=world)
    world.requests.state["requests"][1]["Status"] = "Done"
    with connect(world):
        assert finalize(world, 1, 77)["OK"]
    own = [row for row in world.job_state.state["history"][77] if row["StatusSource"] == "RMS"]
    assert ["|".join(row[name] for name in ("Status", "MinorStatus", "ApplicationStatus")) for row in own] == rows
    assert world.caller is caller


def test_a_request_that_is_not_done_finalizes_no_job():
    world = stored(SAY)
    with connect(world):
        answer = finalize(world, 1, 77)
    assert answer["Message"] == "The request 1 is Waiting, not Done"


@pytest.mark.parametrize(
    ("begin", "update", "shown"),
    [
        ("Completing", ("Completed", "Pending Requests"), ("Done", "Requests done")),
        ("Completing", ("Completed", "Application Finished With Errors"), ("Failed", "Requests done")),
        ("Completing", ("Completed", "Marked for termination"), ("Completed", "Requests done")),
        ("Completing", ("Completed", "Oh"), ("Completed", "Oh")),
        ("Failed", ("", "Oh"), ("Failed", "Requests done")),
        ("Running", ("Stalled", ""), ("Running", "Requests done")),
        ("Stalled", ("", "Oh"), ("Running", "Requests done")),
    ],
)
def test_what_a_job_becomes_when_its_requests_are_done(begin, update, shown):
    """From Completed to Killed is no step that the service's state machine takes."""
    world = stored(SAY, world=World(job_status=begin))
    world(STATE, "setJobStatus", (77, *update, "JobWrapper"))
    world.requests.state["requests"][1]["Status"] = "Done"
    world.clock.sleep(1)
    with connect(world):
        answer = finalize(world, 1, 77)
    assert answer.get("Message") == (None if shown[1] == REQUESTS_DONE else "Unexpected jobMinorStatus")
    assert (world.job_state.state["jobs"][77]["Status"], world.job_state.state["jobs"][77]["MinorStatus"]) == shown
