from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from dirac_failover.conformance.recording import Recorder
from dirac_failover.conformance.recovery import differences, holdings, losses, recover, undisturbed, untold
from dirac_failover.spec.scenario import Scenario
from dirac_failover.wire import dencode
from dirac_fakes import World
from dirac_fakes.service import Caller

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dirac_failover.conformance.kits import Kit

FINISHED = "application status 'Job Finished Successfully'"
FINAL_TEXT = "Workflow successful, end of FailoverRequest module execution."
FINAL = f"application status {FINAL_TEXT!r}"
INVALID = "Failover request is not valid: Request job_77_request.xml is missing both Owner and OwnerDN value"
PENDING = "The request held operation SetFileStatus (/vo/a, /vo/b to Processed)"
EARLIER = dencode.encode({"transformation": 12, "statusDict": {"/vo/c": "Unused"}, "force": False}).decode()
REMOVE = {"Type": "RemoveFile", "Files": ["/vo/x"]}


@pytest.fixture
def recorder(kit: Kit) -> Iterator[Recorder]:
    recorder = Recorder(kit)
    with recorder.session():
        yield recorder


def after(recorder: Recorder, **job: Any) -> Any:
    """What recovery brings after a job with two input files; a third one is not the job's."""
    scenario = Scenario.of_job(**{"inputs": ["/vo/a", "/vo/b"], **job})
    known = {**scenario.server_files, "/vo/c": "Problematic"}
    return recover(recorder, recorder.record(replace(scenario, server_files=known)))


HAZARDS: dict[str, tuple[dict[str, Any], list[str], list[str]]] = {
    "nothing goes wrong": ({"records": 2, "operations": [REMOVE]}, [], []),
    "the transformation service is down": ({"faults": ["transformation:down"]}, [], []),
    "accounting is down": ({"faults": ["accounting:down", "transformation:down"], "records": 2}, [], []),
    "an earlier operation stands before ours": ({"faults": ["transformation:down"], "operations": [REMOVE]}, [], []),
    "an earlier operation reports a file": (
        {"faults": ["transformation:down"], "operations": [{"Type": "SetFileStatus", "Arguments": EARLIER}]},
        [],
        [],
    ),
    "an earlier operation is for services that are not here": ({"operations": [{"Type": "Notify"}]}, [], []),
    "H1: accounting and requests are down": (
        {"faults": ["accounting:down", "transformation:down", "requests:down"], "records": 2},
        ["/vo/a, /vo/b: status Assigned instead of Processed", "Accounting has 0 records instead of 2"],
        [PENDING, "The accounting client held 2 records"],
    ),
    "H2: accounting raises": (
        {"faults": ["accounting:raises=ValueError: x", "transformation:down"], "records": 1},
        ["/vo/a, /vo/b: status Assigned instead of Processed", "Accounting has 0 records instead of 1"],
        [PENDING, "The accounting client held 1 record"],
    ),
    "H3: the workflow has failed": (
        {"workflow_failed": True, "records": 2, "operations": [REMOVE, REMOVE]},
        [],
        ["The request held operation RemoveFile (/vo/x)"] * 2 + ["The accounting client held 2 records"],
    ),
    "H3: the step has failed, and a service too": (
        {"step_failed": True, "faults": ["transformation:down"]},
        [
            "/vo/a, /vo/b: status Assigned instead of Unused",
            "/vo/a, /vo/b: error count 0 instead of 1",
        ],
        ["The request held operation SetFileStatus (/vo/a, /vo/b to Unused)"],
    ),
    "H4: there is no proxy": (
        {"owner": None, "faults": ["transformation:down"]},
        [
            f"Job 77: application status {INVALID!r} instead of {FINAL_TEXT!r}",
            f"Job 77: {FINAL} reported never instead of once",
            f"Job 77: application status {INVALID!r} reported once instead of never",
            "/vo/a, /vo/b: status Assigned instead of Processed",
        ],
        [PENDING],
    ),
    "H5: it is not a job": (
        {"job_id": None, "records": 1, "operations": [REMOVE]},
        [],
        [
            "The request held operation RemoveFile (/vo/x)",
            "The accounting client held 1 record",
            "Nothing was reported of /vo/a, /vo/b: still Assigned",
        ],
    ),
    "H10: no answer can be repeated": (
        {"faults": ["job-state:s_error=no;stub=no"]},
        [
            f"Job 77: application status 'Unknown' instead of {FINAL_TEXT!r}",
            f"Job 77: {FINISHED} reported never instead of once",
            f"Job 77: {FINAL} reported never instead of once",
        ],
        [
            "The job report held the status 'Job Finished Successfully'",
            f"The job report held the status {FINAL_TEXT!r}",
        ],
    ),
    "H11: the job state service is down": (
        {"faults": ["job-state:down"]},
        [
            f"Job 77: application status 'Job Finished Successfully' instead of {FINAL_TEXT!r}",
            f"Job 77: {FINAL} reported never instead of once",
        ],
        [f"The job report held the status {FINAL_TEXT!r}"],
    ),
    "H11: and comes back in between": (
        {"faults": ["job-state:first=2"]},
        [
            f"Job 77: application status 'Job Finished Successfully' instead of {FINAL_TEXT!r}",
            f"Job 77: {FINISHED} reported twice instead of once",
        ],
        [],
    ),
    "H16: an LFN ends in L": (
        {"inputs": ["/vo/FILE.L"]},
        [],
        ["Nothing was reported of /vo/FILE.L: still Assigned"],
    ),
    "a success that is none": (
        {"faults": ["transformation.setFileStatusForTransformation:false_ack"]},
        ["/vo/a, /vo/b: status Assigned instead of Processed"],
        [],
    ),
    "a lost reply": (
        {"faults": ["accounting:lost_reply"], "records": 2},
        ["Accounting has 4 records instead of 2"],
        [],
    ),
}


@pytest.mark.parametrize("situation", HAZARDS)
def test_what_is_missing_is_said_in_words(recorder: Recorder, situation: str) -> None:
    """Everything converges after an outage, but for DIRAC's hazards, which are named."""
    job, different, lost = HAZARDS[situation]
    recovery = after(recorder, **job)
    assert recovery["differences"] == different
    assert recovery["lost"] == lost
    assert recovery["converged"] is (different == [])


def test_the_request_is_handed_over_and_executed(recorder: Recorder) -> None:
    """The job wrapper makes one request of the file; its calls are on record, and the services know."""
    recovery = after(recorder, faults=["transformation:down"], operations=[REMOVE])
    assert recovery["handed_over"] == {
        "files": ["12_34_request.json"],
        "operations": 2,
        "request_id": 1,
        "error": None,
    }
    (request,) = recovery["requests"]
    assert [request[key] for key in ("id", "name", "status")] == [1, "job_77", "Done"]
    assert [(item["Type"], item["Status"], item["Error"], item["elsewhere"]) for item in request["operations"]] == [
        ("RemoveFile", "Done", "", True),
        ("SetFileStatus", "Done", "", False),
    ]
    assert [(call["target"], call["method"], call["applied"]) for call in request["calls"]] == [
        ("transformation", "getTransformationFiles", True),
        ("transformation", "setFileStatusForTransformation", True),
    ]
    assert recovery["services"]["files"] == {
        lfn: {"Status": status, "ErrorCount": 0}
        for lfn, status in (("/vo/a", "Processed"), ("/vo/b", "Processed"), ("/vo/c", "Problematic"))
    }
    known = recovery["services"]["requests"]
    assert [(item["id"], item["name"], item["status"]) for item in known] == [(1, "job_77", "Done")]
    assert known[0]["operations"] == [
        {key: value for key, value in item.items() if key != "elsewhere"} for item in request["operations"]
    ]
    assert recovery["undisturbed"]["files"] == recovery["services"]["files"]


def test_requests_of_the_accounting_come_first(recorder: Recorder) -> None:
    """What reached the request system by itself is executed too, the oldest first."""
    recovery = after(recorder, faults=["accounting:down", "transformation:down"], records=1)
    names = [request["name"].partition(".")[0] for request in recovery["requests"]]
    assert names == ["Accounting", "job_77"]
    assert [request["id"] for request in recovery["requests"]] == [1, 2]
    assert len(recovery["services"]["accounting"]) == 1


def test_the_wrapper_waits_and_signs(recorder: Recorder) -> None:
    """Its request names the job, is due after 45 minutes, and belongs to the job's owner."""
    recording = recorder.record(
        Scenario.of_job(inputs=["/a"], job_id=5, owner=("bob", "vo_prod"), faults=["transformation:down"])
    )
    recover(recorder, recording)
    assert recording.world is not None
    (call,) = (call for call in recording.world.journal.select("requests", "putRequest")[:1])
    assert call.args[0].startswith(
        '{"RequestName": "job_5", "Owner": "bob", "OwnerGroup": "vo_prod", "Status": "Waiting", "Error": null, '
        '"SourceComponent": "Job_5", "JobID": 5, "CreationTime": "2026-01-01 12:00:00", '
    )
    assert '"NotBefore": "2026-01-01 12:45:00"' in call.args[0]
    assert recording.world.clock.slept == 46 * 60


def test_without_a_job_the_wrapper_has_no_number(recorder: Recorder) -> None:
    """A JOBID that is no number is not guessed at; blanks around one do not matter."""
    for job_id, name in (("x9", "job_0"), (" 7 ", "job_7")):
        recording = recorder.record(Scenario(environment={"JOBID": job_id}))
        recording.files["a_request.json"] = (
            '{"RequestName": "x", "Operations": [{"Type": "ForwardDISET", "Arguments": "i1e"}]}'
        )
        (request,) = recover(recorder, recording)["requests"]
        assert request["name"] == name


def test_a_file_that_is_no_request_stops_the_wrapper(recorder: Recorder) -> None:
    """What the other files hold is not handed over either; files of other names are not looked at."""
    recording = recorder.record(Scenario.of_job(inputs=["/a"], faults=["transformation:down"]))
    recording.files["00_request.json"] = recording.files["zz.json"] = "{"
    recording.files["01_request.json"] = "[]"
    recovery = recover(recorder, recording)
    assert recovery["handed_over"] == {
        "files": ["00_request.json", "01_request.json", "12_34_request.json"],
        "operations": 0,
        "request_id": None,
        "error": "the job wrapper breaks down on 00_request.json: Expecting property name enclosed in double quotes: "
        "line 1 column 2 (char 1)",
    }
    assert recovery["requests"] == []
    assert recovery["lost"] == ["The request held operation SetFileStatus (/a to Processed)"]


def test_a_request_that_nobody_takes_is_said(recorder: Recorder) -> None:
    """An operation that is not valid makes the wrapper's request invalid."""
    recording = recorder.record(Scenario())
    recording.files["00_request.json"] = '{"Operations": [{"Type": "ForwardDISET"}]}'
    handed_over = recover(recorder, recording)["handed_over"]
    assert (handed_over["operations"], handed_over["request_id"]) == (1, None)
    assert handed_over["error"] == "Operation #0 of type 'ForwardDISET' is missing Arguments attribute."


def test_without_a_proxy_nobody_takes_it_either(recorder: Recorder) -> None:
    """The wrapper's request has the job's owner."""
    recording = recorder.record(Scenario(owner=None))
    recording.files["00_request.json"] = json.dumps({"Operations": [{"Type": "ForwardDISET", "Arguments": "i1e"}]})
    handed_over = recover(recorder, recording)["handed_over"]
    assert handed_over["error"] == "Request 'job_77' is missing both Owner and OwnerDN value"


def test_a_wrapper_that_must_wait_waits_on_the_clock_of_the_services(recorder: Recorder) -> None:
    """Nothing sleeps really."""
    recording = recorder.record(Scenario.of_job(inputs=["/a"], faults=["transformation:down"]))
    recording.world.caller = Caller("eve", "others", ())
    handed_over = recover(recorder, recording)["handed_over"]
    assert handed_over["error"] == "ReqClient.putRequest: unable to set request 'job_77'"
    assert 46 * 60 < recording.world.clock.slept <= 46 * 60 + 5


def test_every_request_is_executed(recorder: Recorder) -> None:
    """Also one that is not due for long."""
    recording = recorder.record(Scenario())
    late = {"RequestName": "late", "NotBefore": "2099-01-01 00:00:00", "Operations": [{"Type": "Notify"}]}
    assert recording.world("RequestManagement/ReqManager", "putRequest", (json.dumps(late),))["OK"]
    (request,) = recover(recorder, recording)["requests"]
    assert (request["name"], request["status"]) == ("late", "Done")


def test_files_without_operations_are_nothing_to_hand_over(recorder: Recorder) -> None:
    """A request without operations is none, and neither is JSON that is no request."""
    recording = recorder.record(Scenario())
    recording.files.update({"00_request.json": "{}", "01_request.json": "[]"})
    assert recover(recorder, recording)["handed_over"] is None


def test_an_operation_that_fails_is_not_done(recorder: Recorder) -> None:
    """It stays in the request, with its error, and is a difference."""
    recording = recorder.record(Scenario(server_files={}))
    arguments = dencode.encode((("No/One", {}), "x", [])).decode()
    operation = {"Type": "ForwardDISET", "Arguments": arguments}
    recording.files["00_request.json"] = json.dumps({"Operations": [operation, REMOVE | {"Files": [{"LFN": "/x"}]}]})
    recovery = recover(recorder, recording)
    (request,) = recovery["requests"]
    assert (request["status"], len(request["calls"])) == ("Waiting", 1)
    assert request["operations"][0]["Error"] == "URL for service No/One not found"
    assert [operation["elsewhere"] for operation in request["operations"]] == [False, False]
    assert recovery["differences"] == [
        "Not done: operation ForwardDISET (No/One.x)",
        "Not done: operation RemoveFile (/x)",
    ]


def test_without_services_nothing_recovers(recorder: Recorder) -> None:
    """There is nothing to hold against anything."""
    scripted = dict.fromkeys(("JobReport", "FileReport", "AccountingReport", "Request"), "scripted")
    assert recover(recorder, recorder.record(Scenario.from_json({"collaborators": scripted}))) is None


def test_undisturbed_is_the_same_job() -> None:
    """Only what goes wrong is taken away."""
    scenario = Scenario.from_json(
        {
            "records": 2,
            "owner": None,
            "collaborators": {"JobReport": "scripted"},
            "faults": ["transformation:down"],
            "answers": {"JobReport.setApplicationStatus": ["s_error"]},
            "files": {"12_34_request.json": "full"},
        }
    )
    assert undisturbed(scenario).to_json() == {
        "records": 2,
        "owner": None,
        "collaborators": {"JobReport": "scripted"},
    }


def test_a_disk_that_is_full_loses_the_request(recorder: Recorder) -> None:
    """What lies in the way is gone in the undisturbed run."""
    scenario = Scenario.of_job(inputs=["/a"], faults=["transformation:down"])
    full = Scenario.from_json({**scenario.to_json(), "files": {"12_34_request.json": "full"}})
    recovery = recover(recorder, recorder.record(full))
    assert "/a: status Assigned instead of Processed" in recovery["differences"]
    assert recovery["handed_over"]["error"].startswith("the job wrapper breaks down on 12_34_request.json: Expecting")


# What the services hold


def test_holdings_are_what_people_see() -> None:
    """Statuses, history, parameters, files, records and requests; no times, no bookkeeping."""
    world = World(files=["/a"])
    world("WorkloadManagement/JobStateUpdate", "setJobStatus", (77, "", "Uploading"))
    world("WorkloadManagement/JobStateUpdate", "setJobParameters", (77, [("Events", "5")]))
    assert holdings(world) == {
        "jobs": {
            "77": {
                "Status": "Running",
                "MinorStatus": "Uploading",
                "ApplicationStatus": "Unknown",
                "history": [
                    {
                        "Status": "Running",
                        "MinorStatus": "Application",
                        "ApplicationStatus": "Unknown",
                        "StatusSource": "JobManager",
                    },
                    {
                        "Status": "idem",
                        "MinorStatus": "Uploading",
                        "ApplicationStatus": "idem",
                        "StatusSource": "Unknown",
                    },
                ],
                "parameters": {"Events": "5"},
            }
        },
        "files": {"/a": {"Status": "Assigned", "ErrorCount": 0}},
        "accounting": [],
        "requests": [],
    }


def services(**changes: Any) -> dict[str, Any]:
    """Services that hold one job and two files."""
    row = {"Status": "Running", "MinorStatus": "m", "ApplicationStatus": "a"}
    job = {**row, "history": [row], "parameters": {}, **changes.pop("job", {})}
    files = {lfn: {"Status": "Processed", "ErrorCount": 0} for lfn in ("/a", "/b")}
    return {"jobs": {"7": job}, "files": files, "accounting": [], "requests": [], **changes}


ROW = {"Status": "idem", "MinorStatus": "x", "ApplicationStatus": "y"}
RECORD = ["Job", 0, 1, [1]]


def request(*statuses: str) -> dict[str, Any]:
    return {"operations": [{"Type": "X", "Status": status, "decoded": None, "Files": []} for status in statuses]}


@pytest.mark.parametrize(
    ("here", "there", "expected"),
    [
        ({}, {}, []),
        ({"job": {"Status": "Done"}}, {}, ["Job 7: status 'Done' instead of 'Running'"]),
        ({"job": {"MinorStatus": "n"}}, {}, ["Job 7: minor status 'n' instead of 'm'"]),
        (
            {"job": {"history": [ROW, ROW, ROW]}},
            {"job": {"history": [ROW]}},
            ["Job 7: minor status 'x', application status 'y' reported 3 times instead of once"],
        ),
        (
            {"job": {"history": []}},
            {},
            ["Job 7: status 'Running', minor status 'm', application status 'a' reported never instead of once"],
        ),
        (
            {"job": {"parameters": {"p": 1, "q": "2"}}},
            {"job": {"parameters": {"p": 1, "r": "3"}}},
            ["Job 7: parameter 'r' is None instead of '3'", "Job 7: parameter 'q' is '2' instead of None"],
        ),
        ({"accounting": [RECORD]}, {}, ["Accounting has 1 record instead of 0"]),
        ({"accounting": [RECORD]}, {"accounting": [["Job", 0, 2, [1]]]}, ["Accounting has other records"]),
        ({"accounting": [[1], [2]]}, {"accounting": [[2], [1]]}, []),
        ({"requests": [request("Done", "Waiting")]}, {}, ["Not done: operation X"]),
        ({"requests": [request("Failed", "Waiting")]}, {}, ["Not done: operation X, twice"]),
        ({}, {"requests": [request("Done", "Queued")]}, ["Neither done nor waiting: operation X"]),
        ({"requests": [request("Waiting")]}, {"requests": [request("Queued")]}, []),
    ],
)
def test_differences_are_said_in_words(here: dict[str, Any], there: dict[str, Any], expected: list[str]) -> None:
    """Each kind of state has its own words; the order of records and the state of what waits do not matter."""
    assert differences(services(**here), services(**there)) == expected


def test_files_that_differ_alike_are_said_together() -> None:
    """Statuses first, then error counts."""
    here, there = services(), services()
    here["files"] = {"/a": {"Status": "Unused", "ErrorCount": 1}, "/b": {"Status": "Unused", "ErrorCount": 0}}
    assert differences(here, there) == [
        "/a, /b: status Unused instead of Processed",
        "/a: error count 1 instead of 0",
    ]


# What the job still held


def test_what_waits_in_the_reports_is_lost(recorder: Recorder) -> None:
    """Statuses, parameters and files that are on no way to a service; others are not counted."""
    recording = recorder.record(Scenario.from_json({"server_files": {"/a": "Assigned", "/b": "Assigned"}}))
    assert recording.world is not None
    report, files = recording.commons["JobReport"], recording.commons["FileReport"]
    assert losses(recording, recording.world) == []
    report.jobStatusInfo = [("Running", "", "T1"), ("Failed", "minor", "T2")]
    report.appStatusInfo = [("said", "T3")]
    report.jobParameters = [("Events", "5")]
    files.statusDict = {"/a": "Assigned", "/b": "Processed", "/c": "Processed"}
    assert losses(recording, recording.world) == [
        "The job report held the status 'Running'",
        "The job report held the status 'Failed, minor'",
        "The job report held the status 'said'",
        "The job report held the parameter 'Events'",
        "The file report held Processed for /b, /c",
    ]


def test_what_an_operation_carries_is_not_lost_twice(recorder: Recorder) -> None:
    """Neither a status whose time is in an operation's arguments, nor the files of a SetFileStatus."""
    recording = recorder.record(Scenario.of_job(inputs=["/a"], faults=["transformation:down"]))
    assert recording.world is not None
    recording.commons["JobReport"].appStatusInfo = [("said", "i12e")]
    assert losses(recording, recording.world) == ["The request held operation SetFileStatus (/a to Processed)"]
    recording.commons["FileReport"].statusDict = {"/a": "Unused"}
    assert losses(recording, recording.world) == [
        "The request held operation SetFileStatus (/a to Processed)",
        "The file report held Unused for /a",
    ]


def test_operations_are_told_apart_by_all_that_they_are(recorder: Recorder) -> None:
    """Type, arguments and files; and of equal ones as many are lost as did not arrive."""
    held: list[dict[str, Any]] = [
        {"Type": "B", "Arguments": "i1e"},
        {"Type": "A", "Arguments": "i2e"},
        {"Type": "A", "Arguments": "i1e", "Files": ["/a"]},
        {"Type": "A", "Arguments": "i1e"},
        {"Type": "A", "Arguments": "i1e"},
        {"Type": "A", "Arguments": "i1e"},
    ]
    arrived = json.dumps({"RequestName": "r", "Operations": [held[-1], {"Type": "C"}, held[-1]]})
    recording = recorder.record(Scenario.of_job(job_id=None, operations=held))
    assert recording.world("RequestManagement/ReqManager", "putRequest", (arrived,))["OK"]
    assert losses(recording, recording.world) == [
        "The request held operation B",
        "The request held operation A",
        "The request held operation A (/a)",
        "The request held operation A",
    ]


def test_collaborators_that_are_not_there_hold_nothing(recorder: Recorder) -> None:
    """Nor do doubles."""
    recording = recorder.record(Scenario.from_json({"collaborators": {"JobReport": "scripted", "Request": "live"}}))
    assert recording.world is not None
    recording.commons.clear()
    assert losses(recording, recording.world) == []


def test_nobody_was_told_of_a_file_that_is_as_it_was() -> None:
    """It was Assigned and still is."""
    scenario = Scenario(server_files={"/a": "Assigned", "/b": "Assigned", "/c": "Unused", "/d": "Assigned"})
    files = {lfn: {"Status": "Assigned"} for lfn in ("/a", "/c", "/d")} | {"/b": {"Status": "Processed"}}
    assert untold(scenario, files) == ["Nothing was reported of /a, /d: still Assigned"]
    assert untold(Scenario(), {}) == []
