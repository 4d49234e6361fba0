"""What replaying a request does, says and leaves; tests/differential holds it against DIRAC's agent."""

import logging
from dataclasses import FrozenInstanceError
from datetime import timedelta

import pytest
from DIRACCommon.Core.Utilities.ReturnValues import S_ERROR, S_OK

from dirac_failover.clients.replay import HANDLERS, SERVICES, OperationResult, ReplayReport, replay
from dirac_failover.request.file import File
from dirac_failover.request.operation import Operation
from dirac_failover.request.request import Request
from dirac_failover.wire import dencode
from dirac_failover.wire.dencode import DecodeError
from dirac_failover.wire.rpc import make_stub

JOB_STATE = "WorkloadManagement/JobStateUpdate"
TRANSFORMATION = "Transformation/TransformationManager"
STUB = make_stub(JOB_STATE, "setJobStatusBulk", (77, {"T": {"Source": "Job_77"}}, False), timeout=5)
DIRACX = {
    "dCls": "JobStateUpdateClient", "dMod": "no.such.module", "dMeth": "setJobStatusBulk", "args": (77, {}),
    "kwargs": {},
}  # fmt: skip
WANTED = {"transformation": 12, "statusDict": {"/a": "Unused"}, "force": True}


@pytest.fixture
def implementation(reference):
    """The reference alone: replay is no class of DIRAC's."""
    return reference


def operation(type_, arguments=None):
    made = Operation()
    made.Type = type_
    if arguments is not None:
        made.Arguments = arguments
    return made


def forward(stub=STUB):
    """Make a ForwardDISET of a stub."""
    return operation("ForwardDISET", dencode.encode(stub))


def statuses(wanted=WANTED):
    """Make a SetFileStatus."""
    return operation("SetFileStatus", dencode.encode(wanted))


def request_of(*operations):
    request = Request()
    for each in operations:
        request.addOperation(each)
    return request


def calls(service):
    """What arrived, without the time that it may take."""
    return [call[:3] for call in service.calls]


def tried(*operations, **options):
    """Replay a request of which one operation is tried; return the step and the operation's error."""
    request = request_of(*operations)
    report = replay(request, **options)
    (step,) = report.results
    assert report.status == request.Status == step.status
    return step, request[0].Error


def puzzled(service, *operations):
    """Replay a request whose operation waits after an exception and without a call; return the exception."""
    step, error = tried(*operations)
    assert (step.answer, step.status, error, service.calls) == (None, "Waiting", None, [])
    return step.error


def test_a_call_is_repeated_as_it_was_but_with_the_default_timeout(service):
    service.answers["setJobStatusBulk"] = [S_OK("fine")]
    request = request_of(forward())
    request[0].Error = "down"
    report = replay(request)
    assert service.calls == [(JOB_STATE, "setJobStatusBulk", (77, {"T": {"Source": "Job_77"}}, False), 600)]
    (step,) = report.results
    assert (step.order, step.type, step.answer["Value"], step.error) == (0, "ForwardDISET", "fine", None)
    assert (step.status, report.status, report.done, request[0].Error) == ("Done", "Done", True, "")


def test_a_stub_of_diracx_goes_to_the_service_of_its_class(service):
    assert tried(forward(DIRACX))[0].status == "Done"
    assert calls(service) == [(JOB_STATE, "setJobStatusBulk", (77, {}))]
    assert SERVICES == {"JobStateUpdateClient": JOB_STATE}


def test_an_operation_that_fails_stays_waiting_and_ends_the_replay(service):
    service.answers["setJobStatusBulk"] = [S_OK(), S_ERROR("still down")]
    request = request_of(forward(), forward(), forward())
    request.JobID = 77
    report = replay(request)
    assert [(step.order, step.status) for step in report.results] == [(0, "Done"), (1, "Waiting")]
    assert (report.results[1].answer["Message"], report.results[1].error) == ("still down", None)
    assert (report.status, report.done) == ("Waiting", False)
    assert request.subStatusList() == ["Done", "Waiting", "Queued"]
    assert [made.Error for made in request] == ["", "still down", None]
    service.answers.clear()
    assert replay(request).done
    assert len(service.calls) == 4


@pytest.mark.parametrize("arguments", [b"", b"i1", b"ixe", b"f\xffe"])
def test_arguments_for_which_dirac_s_decoder_raises_a_value_error_fail_the_operation(service, arguments):
    with pytest.raises(DecodeError) as caught:
        dencode.decode(arguments)
    step, error = tried(operation("ForwardDISET", arguments), forward())
    assert (step.answer["OK"], step.answer["Message"], step.error) == (False, str(caught.value), None)
    assert (step.status, error, service.calls) == ("Failed", str(caught.value), [])


@pytest.mark.parametrize("type_", ["ForwardDISET", "SetFileStatus"])
@pytest.mark.parametrize("arguments", [None, b"x", b"l", b"dlei1ee", b"zxti1ee"])
def test_arguments_for_which_dirac_s_decoder_raises_anything_else_leave_the_operation_waiting(
    service, type_, arguments
):
    error = puzzled(service, operation(type_, arguments))
    assert isinstance(error, DecodeError)
    assert not issubclass(error.dirac, ValueError)


def test_statuses_without_arguments_leave_the_operation_waiting(service):
    """DIRAC's handler trips over them in another way than that of calls."""
    assert isinstance(puzzled(service, operation("SetFileStatus", b"")), DecodeError)
    assert tried(operation("SetFileStatus", b"i1"))[0].status == "Failed"


POPEN = "A stub of 'Popen' cannot be replayed, only of ['JobStateUpdateClient']"


@pytest.mark.parametrize(
    ("stub", "error", "text"),
    [
        (5, TypeError, "A stub is a sequence or a dict, not int"),
        (None, TypeError, "A stub is a sequence or a dict, not NoneType"),
        ([], ValueError, "not enough values to unpack"),
        ("abc", ValueError, "not enough values to unpack"),
        ("abcd", ValueError, "too many values to unpack"),
        ((("S", 5), "m", []), TypeError, "'int' object is not iterable"),
        ((("S", {}), 5, []), TypeError, "The method of a stub is a text, not int"),
        ((("S", {}), "m", 5), TypeError, "must be an iterable, not int"),
        ({}, TypeError, "A stub of None cannot be replayed, only of ['JobStateUpdateClient']"),
        ({**DIRACX, "dCls": "Popen"}, TypeError, POPEN),
        ({**DIRACX, "kwargs": {"a": 1}}, TypeError, "A stub with arguments by name cannot be replayed: {'a': 1}"),
        ({**DIRACX, "dMeth": 5}, TypeError, "The method of a stub is a text, not int"),
        ({"dCls": "JobStateUpdateClient"}, KeyError, "'kwargs'"),
    ],
)
def test_a_stub_that_describes_no_call_leaves_the_operation_waiting(service, stub, error, text):
    found = puzzled(service, forward(stub))
    assert type(found) is error
    assert text in str(found)


def test_an_exception_of_the_transport_leaves_the_operation_waiting_and_is_logged(service, caplog):
    service.answers["setJobStatusBulk"] = [OSError("gone")]
    step, _ = tried(forward())
    assert (repr(step.error), step.status) == ("OSError('gone')", "Waiting")
    text = "ForwardDISET ended with an exception and stays as it is: OSError('gone')"
    assert caplog.record_tuples == [("dirac_failover.replay", logging.ERROR, text)]


@pytest.mark.parametrize("type_", ["RemoveFile", "", None])
def test_an_operation_of_unknown_type_says_so_and_ends_the_replay(service, type_):
    step, error = tried(operation(type_), forward())
    assert step.answer["Message"] == error == f"handler for operation '{type_}' not set"
    assert (step.type, step.error, step.status, service.calls) == (type_, None, "Waiting", [])
    assert list(HANDLERS) == ["ForwardDISET", "SetFileStatus"]


@pytest.mark.parametrize(
    ("force", "options", "sent"),
    [(True, {}, False), (True, {"honour_force": True}, True), (False, {"honour_force": True}, False)],
)
def test_force_is_lost_unless_it_is_honoured(service, force, options, sent):
    """In DIRAC too a forced status meets the state machine; here the fix is one switch (H8)."""
    service.knows(("/a", "Processed", 0))
    step, _ = tried(statuses({**WANTED, "force": force}), **options)
    assert (step.answer, step.status) == (S_OK({"/a": "Unused"} if sent else {}), "Done")
    update = (TRANSFORMATION, "setFileStatusForTransformation", (12, {100: ["Unused", False]}))
    assert calls(service)[1:] == ([update] if sent else [])


def test_statuses_that_are_refused_stay_waiting_with_the_reason(service):
    service.knows(("/a", "Assigned", 0))
    service.answers["setFileStatusForTransformation"] = [S_ERROR(1500, "no")]
    step, error = tried(statuses())
    message = "failed to change status: Unknown WMS error ( 1500 : no)"
    assert (step.answer["Message"], step.answer["Errno"], error, step.status) == (message, 0, message, "Waiting")


@pytest.mark.parametrize("key", WANTED)
def test_statuses_need_all_their_parts(service, key):
    error = puzzled(service, statuses({name: value for name, value in WANTED.items() if name != key}))
    assert (type(error), str(error)) == (KeyError, repr(key))


@pytest.mark.usefixtures("service")
def test_an_operation_with_files_is_done_when_they_are():
    """It is not set to Done, so it still waits, and the replay ends."""
    made = forward()
    made.addFile(File())
    report = replay(request_of(made, forward()))
    assert [(step.answer["OK"], step.status) for step in report.results] == [(True, "Waiting")]
    made[0].Status = "Scheduled"
    assert replay(request_of(made)) == ReplayReport((), "Scheduled")


def test_an_operation_that_fails_for_a_job_that_is_gone_is_failed(service):
    service.answers["setFileStatusForTransformation"] = [S_ERROR("no")]
    service.knows(("/a", "Assigned", 0))
    request = request_of(statuses())
    request[0].addFile(File({"LFN": "/a"}))
    asked = []
    for job, status, error in ((0, "Waiting", None), (77, "Failed", "Job no longer exists")):
        request.JobID = job
        (step,) = replay(request, job_exists=lambda job: bool(asked.append(job))).results
        assert (step.status, request.Error, request[0][0].Status) == (status, error, status)
        assert asked == [77] * (job == 77)
        service.answers["setFileStatusForTransformation"] = [S_ERROR("no")]


@pytest.mark.parametrize("status", ["Done", "Failed"])
def test_a_request_that_is_at_its_end_is_left(service, status):
    request = request_of(forward())
    request[0].Status = status
    assert replay(request) == ReplayReport((), status)
    assert service.calls == []


def test_a_request_without_an_operation_to_execute_is_put_off_by_a_day(service, clock):
    request = Request()
    clock.tick()
    assert replay(request) == ReplayReport((), "Waiting")
    assert request.Error == "Request has no operation to execute"
    assert request.NotBefore == clock.now.replace(microsecond=0) + timedelta(days=1)
    assert service.calls == []


def test_reports_cannot_be_changed():
    step = OperationResult(0, "T", None, None, "Waiting")
    for value, name in ((step, "status"), (ReplayReport((step,), "Waiting"), "results")):
        with pytest.raises(FrozenInstanceError):
            setattr(value, name, "x")
