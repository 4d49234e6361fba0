from __future__ import annotations

import json
from dataclasses import replace

import pytest

from dirac_failover import LosslessFailoverRequest
from dirac_failover.actors.recovery import holdings, judged, replay_job
from dirac_failover.actors.report import HandedOver, ServiceState
from dirac_failover.actors.run_report import recover
from dirac_failover.drivers.in_process import InProcessDriver
from dirac_failover.drivers.recording import record
from dirac_failover.spec.scenario import Scenario
from dirac_failover.wire import dencode
from dirac_fakes import World
from dirac_fakes.requests import proxy_urls
from dirac_fakes.service import Caller

FINISHED = "application status 'Job Finished Successfully' of job 77"
FINAL = "application status 'Workflow successful, end of FailoverRequest module execution.' of job 77"
PROCESSED = "status Processed of /vo/a, /vo/b in transformation 12"
UNUSED = "status Unused of /vo/a, /vo/b in transformation 12"
NO_REPORT = "status of /vo/a, /vo/b in transformation 12: no report of it was seen"
EARLIER = dencode.encode({"transformation": 12, "statusDict": {"/vo/c": "Unused"}, "force": False}).decode()
FORCED = dencode.encode({"transformation": 12, "statusDict": {"/vo/p": "Unused"}, "force": True}).decode()
NOWHERE = dencode.encode((("No/One", {}), "x", [])).decode()
REMOVE = {"Type": "RemoveFile", "Files": ["/vo/x"]}
REMOVAL = "operation RemoveFile (/vo/x)"
BAD = {"Type": "RemoveFile"}
UNSETTLED = ("lost", "twice", "waiting", "unchecked")


@pytest.fixture
def driver(implementation):
    driver = InProcessDriver(implementation)
    with driver.session():
        yield driver


def recovered(recording):
    """What recovery brings after a recording."""
    return recover(recording.job, recording.done.world)


def after(driver, files=None, reports_inputs=True, **job):
    """What recovery brings after a job with two input files; two others are not the job's."""
    more = {name: job.pop(name) for name in [*job] if name in {"executions", "unsent_parameters", "unsent_statuses"}}
    scenario = Scenario.of_job(**{"inputs": ["/vo/a", "/vo/b"], **job})
    known = {**scenario.server_files, "/vo/c": "Problematic", "/vo/p": "Processed", **(files or {})}
    laid_out = replace(scenario, server_files=known, **more)
    return recovered(record(driver, laid_out, reports_inputs=reports_inputs))


def unsettled(recovery):
    """What stands between a verdict and its being converged."""
    return {name: getattr(recovery, name) for name in UNSETTLED if getattr(recovery, name)}


HAZARDS = {
    "nothing goes wrong": ({"records": 2}, {}, {}),
    "the transformation service is down": ({"faults": ["transformation:down"]}, {}, {}),
    "accounting is down": ({"faults": ["accounting:down", "transformation:down"], "records": 2}, {}, {}),
    "an earlier operation stands before ours": (
        {"faults": ["transformation:down"], "operations": [REMOVE]},
        {"unchecked": [REMOVAL]},
        {"unchecked": [REMOVAL]},
    ),
    "an earlier operation reports a file": (
        {"faults": ["transformation:down"], "operations": [{"Type": "SetFileStatus", "Arguments": EARLIER}]},
        {},
        {},
    ),
    "a service that is not there holds up nothing": (
        {"faults": ["transformation:down"], "operations": [{"Type": "ForwardDISET", "Arguments": NOWHERE}]},
        {"unchecked": ["operation ForwardDISET (No/One.x)"]},
        {"unchecked": ["operation ForwardDISET (No/One.x)"]},
    ),
    "H1: accounting and requests are down": (
        {"faults": ["accounting:down", "transformation:down", "requests:down"], "records": 2},
        {"lost": ["2 accounting records", PROCESSED]},
        {"lost": ["2 accounting records"]},
    ),
    "H2: accounting raises": (
        {"faults": ["accounting:raises=ValueError: x", "transformation:down"], "records": 1},
        {"lost": ["1 accounting record", PROCESSED]},
        {"lost": ["1 accounting record"]},
    ),
    "H3: the workflow has failed": (
        {"workflow_failed": True, "records": 2, "operations": [REMOVE]},
        {"lost": [REMOVAL, "2 accounting records"]},
        {"unchecked": [REMOVAL]},
    ),
    "H3: the step has failed, and a service too": (
        {"step_failed": True, "faults": ["transformation:down"]},
        {"lost": [UNUSED]},
        {},
    ),
    "H4: there is no proxy": (
        {"owner": None, "faults": ["transformation:down"]},
        {"lost": [PROCESSED]},
        {"lost": [PROCESSED]},
    ),
    "H4: an earlier operation is bad": (
        {"operations": [REMOVE, BAD]},
        {"lost": [REMOVAL, "operation RemoveFile"]},
        {"lost": ["operation RemoveFile"], "unchecked": [REMOVAL]},
    ),
    "H5: it is not a job": (
        {"job_id": None, "records": 1, "operations": [REMOVE], "reported": {"/vo/c": "Unused"}},
        {"lost": [REMOVAL, "status Unused of /vo/c in transformation 12", "1 accounting record", NO_REPORT]},
        {"lost": [REMOVAL, "status Unused of /vo/c in transformation 12", "1 accounting record", NO_REPORT]},
    ),
    "H6: the transformation does not know a file": (
        {"reported": {"/vo/none": "Processed"}},
        {"lost": ["status Processed of /vo/none in transformation 12"]},
        {"lost": ["status Processed of /vo/none in transformation 12"]},
    ),
    "H7: the service keeps a status of its own": (
        {"files": {"/vo/a": "Processed"}, "reported": {"/vo/a": "Problematic"}},
        {},
        {},
    ),
    "H8: force is lost in the replay": (
        {"operations": [{"Type": "SetFileStatus", "Arguments": FORCED}]},
        {"lost": ["status Unused of /vo/p in transformation 12"]},
        {"lost": ["status Unused of /vo/p in transformation 12"]},
    ),
    "H9: parameters are not sent": (
        {"unsent_parameters": {"Events": "5"}},
        {"lost": ["parameter 'Events' of job 77, \"5\""]},
        {},
    ),
    "H10: no answer can be repeated": (
        {"faults": ["job-state:s_error=no;stub=no"]},
        {"lost": [FINISHED, FINAL]},
        {
            "lost": [
                FINISHED,
                FINAL,
                "application status 'Statuses of the job could be neither sent nor kept' of job 77",
            ]
        },
    ),
    "H11: the job state service is down": ({"faults": ["job-state:down"]}, {"lost": [FINAL]}, {}),
    "H11: and comes back in between": ({"faults": ["job-state:first=2"]}, {"twice": [FINISHED]}, {}),
    "H15: force is for all files": (
        {"workflow_failed": True, "files": {"/vo/a": "Processed", "/vo/b": "MaxReset"}},
        {},
        {},
    ),
    "H16: an LFN ends in L": (
        {"inputs": ["/vo/FILE.L"]},
        {
            "lost": [
                "status Processed of /vo/FILE. in transformation 12",
                "status of /vo/FILE.L in transformation 12: no report of it was seen",
            ]
        },
        {},
    ),
    "H19: it is executed twice": ({"executions": 2, "faults": ["transformation:down"]}, {}, {}),
    "H20: arguments are no text": (
        {"faults": ["transformation:down"], "operations": [{"Type": "ForwardDISET", "ArgumentsHex": "6965ff"}]},
        {"lost": ["operation ForwardDISET", PROCESSED]},
        {"lost": ["operation ForwardDISET"]},
    ),
    "a success that is none": (
        {"faults": ["transformation.setFileStatusForTransformation:false_ack"]},
        {"lost": [PROCESSED]},
        {"lost": [PROCESSED]},
    ),
    "a part that counts as all": (
        {"faults": ["accounting:partial=1", "transformation.setFileStatusForTransformation:partial=1"], "records": 3},
        {"lost": ["2 accounting records", "status Processed of /vo/b in transformation 12"]},
        {"lost": ["2 accounting records", "status Processed of /vo/b in transformation 12"]},
    ),
    "a lost reply": (
        {"faults": ["accounting:lost_reply"], "records": 2},
        {"twice": ["2 accounting records"]},
        {"twice": ["2 accounting records"]},
    ),
    "a call that is done twice": (
        {"faults": ["accounting:duplicate"], "records": 1},
        {"twice": ["1 accounting record"]},
        {"twice": ["1 accounting record"]},
    ),
    "a file whose status was in time does no harm twice": (
        {"faults": ["transformation.setFileStatusForTransformation:lost_reply@first=1"]},
        {},
        {},
    ),
    "statuses of earlier modules": (
        {"unsent_statuses": ["one", "one", "two"], "faults": ["job-state:down"]},
        {"lost": [FINAL]},
        {},
    ),
}
"""What happens, and what DIRAC's module and the lossless one make of it: the hazards are those of DIRAC's."""


@pytest.mark.parametrize("situation", HAZARDS)
def test_what_becomes_of_everything_is_said(driver, situation):
    """Everything arrives after an outage, but for DIRAC's hazards, which are named."""
    job, verdict, _ = HAZARDS[situation]
    recovery = after(driver, **job)
    assert unsettled(recovery) == verdict
    assert recovery.converged is (verdict == {})


@pytest.mark.parametrize("situation", HAZARDS)
def test_without_hazards_less_is_lost(reference, situation):
    """The lossless module loses what nothing could keep; the rest arrives."""
    job, _, verdict = HAZARDS[situation]
    driver = InProcessDriver(reference, LosslessFailoverRequest)
    with driver.session():
        assert unsettled(after(driver, **job)) == verdict


def test_the_request_is_handed_over_and_executed(driver):
    """The job wrapper makes one request of the file; its calls are on record, and the services know."""
    recovery = after(driver, faults=["transformation:down"], operations=[REMOVE])
    assert recovery.handed_over == HandedOver(["12_34_request.json"], 2, 1)
    (request,) = recovery.requests
    assert (request.id, request.name, request.status) == (1, "job_77", "Done")
    assert [(item["Type"], item["Status"], item["Error"], item["elsewhere"]) for item in request.operations] == [
        ("RemoveFile", "Done", "", True),
        ("SetFileStatus", "Done", "", False),
    ]
    assert [(call.target, call.method, call.applied) for call in request.calls] == [
        ("transformation", "getTransformationFiles", True),
        ("transformation", "setFileStatusForTransformation", True),
    ]
    assert recovery.services.files == {
        lfn: {"Status": status, "ErrorCount": 0}
        for lfn, status in (
            ("/vo/a", "Processed"),
            ("/vo/b", "Processed"),
            ("/vo/c", "Problematic"),
            ("/vo/p", "Processed"),
        )
    }
    known = recovery.services.requests
    assert [(item.id, item.name, item.status) for item in known] == [(1, "job_77", "Done")]
    assert [*known[0].operations] == [
        {key: value for key, value in item.items() if key != "elsewhere"} for item in request.operations
    ]
    assert recovery.kept == [PROCESSED, FINISHED, FINAL]
    assert recovery.unchecked == [REMOVAL]


def test_requests_of_the_accounting_come_first(driver):
    """What reached the request system by itself is executed too, the oldest first."""
    recovery = after(driver, faults=["accounting:down", "transformation:down"], records=1)
    names = [request.name.partition(".")[0] for request in recovery.requests]
    assert names == ["Accounting", "job_77"]
    assert [request.id for request in recovery.requests] == [1, 2]
    assert len(recovery.services.accounting) == 1


@pytest.mark.parametrize("later", ["", "requests:down"])
def test_a_request_proxy_hands_on_what_it_has_saved(driver, later):
    """Its sweep comes before the agents; a request that it cannot hand on waits there. Another job's stays."""
    scenario = replace(
        Scenario.of_job(records=1, faults=["accounting:down", "requests:down", "req-proxy/one:s_error=no"]),
        options={"RequestManagement/ReqProxyURLs": proxy_urls(["one", "two"])},
    )
    recording = record(driver, scenario)
    world = recording.done.world
    other = json.dumps({"RequestName": "other", "Operations": [{"Type": "ForwardDISET", "Arguments": "i1e"}]})
    assert world(proxy_urls(["two"]), "putRequest", (other,))["OK"]
    world.recover()
    if later:
        world.arm(later)
    recovery = judged(recording.job, world, replay_job(recording.job, world))
    assert unsettled(recovery) == ({"waiting": ["1 accounting record"]} if later else {})
    assert [request["RequestName"] for request in world.request_proxy.stored().values()][-1] == "other"
    assert len(world.request_proxy.stored()) == (2 if later else 1)


def test_the_wrapper_waits_and_signs(driver):
    """Its request names the job, is due after 45 minutes, and belongs to the job's owner."""
    recording = record(
        driver, Scenario.of_job(inputs=["/a"], job_id=5, owner=("bob", "vo_prod"), faults=["transformation:down"])
    )
    recovered(recording)
    assert recording.done.world is not None
    (call,) = (call for call in recording.done.world.journal.select("requests", "putRequest")[:1])
    assert call.args[0].startswith(
        '{"RequestName": "job_5", "Owner": "bob", "OwnerGroup": "vo_prod", "Status": "Waiting", "Error": null, '
        '"SourceComponent": "Job_5", "JobID": 5, "CreationTime": "2026-01-01 12:00:00", '
    )
    assert '"NotBefore": "2026-01-01 12:45:00"' in call.args[0]
    assert recording.done.world.clock.slept == 46 * 60


def test_without_a_job_the_wrapper_has_no_number(driver):
    """A JOBID that is no number is not guessed at; blanks around one do not matter."""
    for job_id, name in (("x9", "job_0"), (" 7 ", "job_7")):
        recording = record(driver, Scenario(environment={"JOBID": job_id}))
        recording.done.files["a_request.json"] = (
            '{"RequestName": "x", "Operations": [{"Type": "ForwardDISET", "Arguments": "i1e"}]}'
        )
        (request,) = recovered(recording).requests
        assert request.name == name


def test_a_file_that_is_no_request_stops_the_wrapper(driver):
    """What the other files hold is not handed over either; files of other names are not looked at."""
    recording = record(driver, Scenario.of_job(inputs=["/a"], faults=["transformation:down"]))
    recording.done.files["00_request.json"] = recording.done.files["zz.json"] = "{"
    recording.done.files["01_request.json"] = "[]"
    recovery = recovered(recording)
    assert recovery.handed_over == HandedOver(
        ["00_request.json", "01_request.json", "12_34_request.json"],
        error="the job wrapper breaks down on 00_request.json: Expecting property name enclosed in double quotes: "
        "line 1 column 2 (char 1)",
    )
    assert recovery.requests == ()
    assert recovery.lost == ["status Processed of /a in transformation 12"]


def test_a_request_that_nobody_takes_is_said(driver):
    """An operation that is not valid makes the wrapper's request invalid."""
    recording = record(driver, Scenario())
    recording.done.files["00_request.json"] = '{"Operations": [{"Type": "ForwardDISET"}]}'
    handed_over = recovered(recording).handed_over
    assert (handed_over.operations, handed_over.request_id) == (1, None)
    assert handed_over.error == "Operation #0 of type 'ForwardDISET' is missing Arguments attribute."


def test_without_a_proxy_nobody_takes_it_either(driver):
    """The wrapper's request has the job's owner."""
    recording = record(driver, Scenario(owner=None))
    recording.done.files["00_request.json"] = json.dumps({"Operations": [{"Type": "ForwardDISET", "Arguments": "i1e"}]})
    handed_over = recovered(recording).handed_over
    assert handed_over.error == "Request 'job_77' is missing both Owner and OwnerDN value"


def test_a_wrapper_that_must_wait_waits_on_the_clock_of_the_services(driver):
    """Nothing sleeps really."""
    recording = record(driver, Scenario.of_job(inputs=["/a"], faults=["transformation:down"]))
    recording.done.world.caller = Caller("eve", "others", ())
    handed_over = recovered(recording).handed_over
    assert handed_over.error == "ReqClient.putRequest: unable to set request 'job_77'"
    assert 0 < recording.done.world.clock.slept - 46 * 60 - sum(n**3 for n in range(10)) <= 10 * 5


def test_a_request_is_executed_once_it_is_due(driver):
    """One that is not due for long is left alone."""
    recording = record(driver, Scenario())
    late = {"RequestName": "late", "NotBefore": "2039-01-01 00:00:00", "Operations": [{"Type": "Notify"}]}
    assert recording.done.world("RequestManagement/ReqManager", "putRequest", (json.dumps(late),))["OK"]
    assert recovered(recording).requests == ()


def test_files_without_operations_are_nothing_to_hand_over(driver):
    """A request without operations is none, and neither is JSON that is no request."""
    recording = record(driver, Scenario())
    recording.done.files.update({"00_request.json": "{}", "01_request.json": "[]"})
    assert recovered(recording).handed_over is None


def forward(service, method, *args):
    """An operation that repeats a call."""
    stub = ((service, {"timeout": 600}), method, list(args))
    return {"Type": "ForwardDISET", "Arguments": dencode.encode(stub).decode()}


def test_an_operation_that_fails_holds_up_what_is_behind_it(driver):
    """Both wait in the request, with the error; nothing of it is lost yet."""
    update = {"2026-01-01 12:00:00": {"MinorStatus": "x", "Source": "Job_9"}}
    refused = forward("WorkloadManagement/JobStateUpdate", "setJobStatusBulk", 9, update, False)
    recovery = after(driver, operations=[refused, REMOVE])
    (request,) = recovery.requests
    assert (request.status, len(request.calls)) == ("Waiting", 1)
    assert request.operations[0]["Error"] == "Not authorized to modify job 9"
    assert [operation["elsewhere"] for operation in request.operations] == [False, False]
    assert unsettled(recovery) == {"waiting": ["minor status 'x' of job 9", REMOVAL]}


def test_an_operation_that_can_never_be_done_ends_its_request(driver):
    """DIRAC's decoder does not understand it; what is behind it is lost with it."""
    recovery = after(driver, operations=[{"Type": "ForwardDISET", "Arguments": "ie"}, REMOVE])
    (request,) = recovery.requests
    assert request.status == "Failed"
    assert unsettled(recovery) == {"lost": ["operation ForwardDISET", REMOVAL]}


def test_a_method_that_is_not_here_is_not_checked_and_holds_up_nothing(driver):
    """It exists in DIRAC; of one that does not, the operation waits for ever."""
    missing = forward("Transformation/TransformationManager", "addFile", "/vo/x")
    recovery = after(driver, operations=[missing, REMOVE])
    assert unsettled(recovery) == {
        "unchecked": ["operation ForwardDISET (Transformation/TransformationManager.addFile)", REMOVAL]
    }
    recovery = after(driver, operations=[forward("Accounting/DataStore", "nonsense"), REMOVE])
    assert unsettled(recovery) == {"waiting": ["operation ForwardDISET (Accounting/DataStore.nonsense)", REMOVAL]}


def test_other_calls_of_the_services_are_kept_when_they_were_done(driver):
    """By the words of the request system; what they do is not looked into."""
    beat = forward("dips://x:9/WorkloadManagement/JobStateUpdate", "setJobParameter", 77, "Events", "5")
    recovery = after(driver, operations=[beat])
    assert recovery.converged
    assert "operation ForwardDISET (WorkloadManagement/JobStateUpdate.setJobParameter)" in recovery.kept


def test_the_order_in_which_things_arrive_does_not_matter_but_the_last_status_of_a_file_does(driver):
    """An old update is in the history, and not shown; of a file that an old report overtakes, the new one is lost."""
    update = {"2026-01-01 11:59:30": {"ApplicationStatus": "old", "Source": "Job_77"}}
    late = forward("WorkloadManagement/JobStateUpdate", "setJobStatusBulk", 77, update, False)
    recovery = after(driver, operations=[late])
    assert recovery.converged
    assert recovery.services.jobs["77"]["ApplicationStatus"].startswith("Workflow successful")
    old = dencode.encode({"transformation": 12, "statusDict": {"/vo/a": "Unused"}, "force": False}).decode()
    operation = {"Type": "SetFileStatus", "Arguments": old}
    assert after(driver, operations=[operation]).converged  # Processed stays
    recovery = after(driver, operations=[operation], reported={"/vo/a": "Problematic"})
    assert unsettled(recovery) == {"lost": ["status Problematic of /vo/a in transformation 12"]}


def test_a_double_cannot_be_read(driver):
    """What it was told is not checked, by its name."""
    scripted = {**dict.fromkeys(("JobReport", "FileReport"), "scripted"), "AccountingReport": "live", "Request": "live"}
    recording = record(driver, replace(Scenario.of_job(inputs=["/a"]), collaborators=scripted))
    assert unsettled(recovered(recording)) == {
        "unchecked": [
            "status of /a in transformation 12: no report of it was seen",
            "what JobReport was told, since nothing here can read the class FakeJobReport",
            "what FileReport was told, since nothing here can read the class FakeFileReport",
        ]
    }


def test_inputs_are_due_where_they_are_for_the_module_to_report(reference):
    """A module that does nothing loses the statuses, unless it is not for it to report them."""

    class Lazy(reference.FailoverRequest):  # type: ignore[misc,name-defined]
        def _execute(self) -> None:
            pass

    for owes, verdict in ((True, {"lost": [NO_REPORT]}), (False, {})):
        driver = InProcessDriver(reference, Lazy)
        with driver.session():
            assert unsettled(after(driver, reports_inputs=owes)) == verdict


def test_a_disk_that_is_full_loses_the_request(driver):
    """The wrapper cannot read what there is of it."""
    scenario = Scenario.of_job(inputs=["/a"], faults=["transformation:down"])
    full = Scenario.from_json({**scenario.to_json(), "files": {"12_34_request.json": "full"}})
    recovery = recovered(record(driver, full))
    assert unsettled(recovery) == {"lost": ["status Processed of /a in transformation 12"]}
    assert recovery.handed_over.error.startswith("the job wrapper breaks down on 12_34_request.json: Expecting")


# What the services hold


def test_holdings_are_what_people_see():
    """Statuses, history, parameters, files, records and requests; no times, no bookkeeping."""
    world = World(files=["/a"])
    world("WorkloadManagement/JobStateUpdate", "setJobStatus", (77, "", "Uploading"))
    world("WorkloadManagement/JobStateUpdate", "setJobParameters", (77, [("Events", "5")]))
    rows = (("Running", "Application", "Unknown", "JobManager"), ("idem", "Uploading", "idem", "Unknown"))
    fields = ("Status", "MinorStatus", "ApplicationStatus", "StatusSource")
    job = {
        **dict(zip(fields, ("Running", "Uploading", "Unknown"), strict=False)),
        "history": [dict(zip(fields, row, strict=True)) for row in rows],
        "parameters": {"Events": "5"},
    }
    assert holdings(world) == ServiceState({"77": job}, {"/a": {"Status": "Assigned", "ErrorCount": 0}}, [], ())
