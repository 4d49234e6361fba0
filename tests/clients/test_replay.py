"""What replaying a request does, says and leaves; tests/differential holds it against DIRAC's agent."""

import logging
from dataclasses import FrozenInstanceError
from datetime import timedelta

import pytest
from DIRACCommon.Core.Utilities.ReturnValues import S_ERROR, S_OK

from dirac_failover.clients.replay import HANDLERS, SERVICES, ReplayReport, Step, replay
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
def kit(reference):
    """The reference alone: replay is no class of DIRAC's."""
    return reference


def forward(stub=STUB):
    """Make a ForwardDISET of a stub."""
    return operation("ForwardDISET", dencode.encode(stub))


def operation(type_, arguments=None):
    """Make an operation."""
    made = Operation()
    made.Type = type_
    if arguments is not None:
        made.Arguments = arguments
    return made


def request_of(*operations):
    """Make a request."""
    request = Request()
    for each in operations:
        request.addOperation(each)
    return request


def calls(service):
    """What arrived, without the time that it may take."""
    return [call[:3] for call in service.calls]


def only_step(request, **options):
    """Replay a request of which one operation is tried."""
    report = replay(request, **options)
    (step,) = report.steps
    assert report.status == request.Status
    return step


def test_a_call_is_repeated_as_it_was(service):
    service.answers["setJobStatusBulk"] = [S_OK("fine")]
    request = request_of(forward())
    request[0].Error = "down"
    report = replay(request)
    assert service.calls == [(JOB_STATE, "setJobStatusBulk", (77, {"T": {"Source": "Job_77"}}, False), 600)]
    (step,) = report.steps
    assert (step.order, step.type, step.answer["Value"], step.error, step.status) == (
        0, "ForwardDISET", "fine", None, "Done",
    )  # fmt: skip
    assert (report.status, report.done, request[0].Error) == ("Done", True, "")


def test_a_stub_of_diracx_goes_to_the_service_of_its_class(service):
    assert only_step(request_of(forward(DIRACX))).status == "Done"
    assert calls(service) == [(JOB_STATE, "setJobStatusBulk", (77, {}))]
    assert SERVICES == {"JobStateUpdateClient": JOB_STATE}


def test_an_operation_that_fails_stays_waiting_and_ends_the_replay(service):
    service.answers["setJobStatusBulk"] = [S_OK(), S_ERROR("still down")]
    request = request_of(forward(), forward(), forward())
    report = replay(request)
    assert [(step.order, step.status) for step in report.steps] == [(0, "Done"), (1, "Waiting")]
    assert report.steps[1].answer["Message"] == "still down"
    assert report.steps[1].error is None
    assert (report.status, report.done) == ("Waiting", False)
    assert request.subStatusList() == ["Done", "Waiting", "Queued"]
    assert [made.Error for made in request] == ["", "still down", None]
    service.answers.clear()
    assert replay(request).done
    assert len(service.calls) == 4


@pytest.mark.parametrize("arguments", [b"", b"i1", b"ixe", b"f\xffe"])
def test_arguments_that_will_never_be_understood_fail_the_operation(service, arguments):
    """Where DIRAC's decoder raises a ValueError; its text is the error."""
    with pytest.raises(DecodeError) as error:
        dencode.decode(arguments)
    request = request_of(operation("ForwardDISET", arguments), forward())
    step = only_step(request)
    assert (step.answer["OK"], step.answer["Message"], step.error, step.status) == (
        False, str(error.value), None, "Failed",
    )  # fmt: skip
    assert (request[0].Error, request.Status, service.calls) == (str(error.value), "Failed", [])


@pytest.mark.parametrize("type_", ["ForwardDISET", "SetFileStatus"])
@pytest.mark.parametrize("arguments", [None, b"x", b"l", b"dlei1ee", b"zxti1ee"])
def test_arguments_that_puzzle_dirac_leave_the_operation_waiting(service, type_, arguments):
    """Where its decoder raises anything else, which its agent reports."""
    request = request_of(operation(type_, arguments))
    step = only_step(request)
    assert isinstance(step.error, DecodeError)
    assert not issubclass(step.error.dirac, ValueError)
    assert (step.answer, step.status, request[0].Error, service.calls) == (None, "Waiting", None, [])


def test_statuses_without_arguments_leave_the_operation_waiting(service):
    """DIRAC's handler trips over them in another way than that of calls."""
    assert isinstance(only_step(request_of(operation("SetFileStatus", b""))).error, DecodeError)
    assert only_step(request_of(operation("SetFileStatus", b"i1"))).status == "Failed"
    assert service.calls == []


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
        (
            {**DIRACX, "dCls": "Popen"},
            TypeError,
            "A stub of 'Popen' cannot be replayed, only of ['JobStateUpdateClient']",
        ),
        ({**DIRACX, "kwargs": {"a": 1}}, TypeError, "A stub with arguments by name cannot be replayed: {'a': 1}"),
        ({**DIRACX, "dMeth": 5}, TypeError, "The method of a stub is a text, not int"),
        ({"dCls": "JobStateUpdateClient"}, KeyError, "'kwargs'"),
    ],
)
def test_a_stub_that_describes_no_call_leaves_the_operation_waiting(service, stub, error, text):
    request = request_of(forward(stub))
    step = only_step(request)
    assert type(step.error) is error
    assert text in str(step.error)
    assert (step.answer, step.status, request[0].Error, service.calls) == (None, "Waiting", None, [])


def test_what_a_transport_raises_leaves_the_operation_waiting(service, caplog):
    service.answers["setJobStatusBulk"] = [OSError("gone")]
    step = only_step(request_of(forward()))
    assert (repr(step.error), step.status) == ("OSError('gone')", "Waiting")
    text = "ForwardDISET ended with an exception and stays as it is: OSError('gone')"
    assert caplog.record_tuples == [("dirac_failover.replay", logging.ERROR, text)]


@pytest.mark.parametrize("type_", ["RemoveFile", "", None])
def test_an_unknown_type_ends_the_replay(service, type_):
    request = request_of(operation(type_), forward())
    step = only_step(request)
    assert step.answer["Message"] == request[0].Error == f"handler for operation '{type_}' not set"
    assert (step.type, step.error, step.status, request.Status, service.calls) == (
        type_, None, "Waiting", "Waiting", [],
    )  # fmt: skip
    assert list(HANDLERS) == ["ForwardDISET", "SetFileStatus"]


@pytest.mark.parametrize(
    ("honour", "sent"),
    [(False, []), (True, [(TRANSFORMATION, "setFileStatusForTransformation", (12, {100: ["Unused", False]}))])],
)
def test_force_is_lost_unless_it_is_honoured(service, files_are, honour, sent):
    """As in DIRAC a forced status meets the state machine; here the fix is one switch (H8)."""
    service.answers["getTransformationFiles"] = [files_are(("/a", "Processed", 0))]
    step = only_step(
        request_of(operation("SetFileStatus", dencode.encode(WANTED))), **({"honour_force": True} if honour else {})
    )
    assert (step.answer, step.status) == (S_OK({"/a": "Unused"} if honour else {}), "Done")
    assert calls(service)[1:] == sent


def test_without_force_none_is_honoured(service, files_are):
    service.answers["getTransformationFiles"] = [files_are(("/a", "Processed", 0))]
    arguments = dencode.encode({**WANTED, "force": False})
    assert only_step(request_of(operation("SetFileStatus", arguments)), honour_force=True).answer == S_OK({})


def test_statuses_that_are_refused_stay_waiting(service, files_are):
    service.answers["getTransformationFiles"] = [files_are(("/a", "Assigned", 0))]
    service.answers["setFileStatusForTransformation"] = [S_ERROR(1500, "no")]
    request = request_of(operation("SetFileStatus", dencode.encode(WANTED)))
    step = only_step(request)
    message = "failed to change status: Unknown WMS error ( 1500 : no)"
    assert (step.answer["Message"], step.answer["Errno"], request[0].Error, step.status) == (
        message, 0, message, "Waiting",
    )  # fmt: skip


@pytest.mark.parametrize("key", WANTED)
def test_statuses_need_all_their_parts(service, key):
    arguments = dencode.encode({name: value for name, value in WANTED.items() if name != key})
    step = only_step(request_of(operation("SetFileStatus", arguments)))
    assert (type(step.error), str(step.error), service.calls) == (KeyError, repr(key), [])


@pytest.mark.usefixtures("service")
def test_an_operation_with_files_is_done_when_they_are():
    """It is not set to Done, so it still waits, and the replay ends."""
    made = forward()
    made.addFile(File())
    report = replay(request_of(made, forward()))
    assert [(step.answer["OK"], step.status) for step in report.steps] == [(True, "Waiting")]
    made[0].Status = "Scheduled"
    assert replay(request_of(made)) == ReplayReport((), "Scheduled")


@pytest.mark.parametrize("statuses", ["Done", "Failed"])
def test_a_request_that_is_at_its_end_is_left(service, statuses):
    request = request_of(forward())
    request[0].Status = statuses
    assert replay(request) == ReplayReport((), statuses)
    assert service.calls == []


def test_a_request_without_an_operation_to_execute_is_put_off_by_a_day(service, clock):
    request = Request()
    clock.tick()
    assert replay(request) == ReplayReport((), "Waiting")
    assert request.Error == "Request has no operation to execute"
    assert request.NotBefore == clock.now.replace(microsecond=0) + timedelta(days=1)
    assert service.calls == []


def test_reports_cannot_be_changed():
    step = Step(0, "T", None, None, "Waiting")
    report = ReplayReport((step,), "Waiting")
    for value, name in ((step, "status"), (report, "steps")):
        with pytest.raises(FrozenInstanceError):
            setattr(value, name, "x")
