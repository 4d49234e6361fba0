"""What JobReport keeps, sends and turns into an operation, on the reference and on the real DIRAC."""

from decimal import Decimal

import pytest
from DIRACCommon.Core.Utilities.ReturnValues import S_ERROR, S_OK
from freezegun import freeze_time

T0 = "2026-01-02 03:04:05.000006"
JOB_STATE = "WorkloadManagement/JobStateUpdate"
STATUS, PARAMETERS = "setJobStatusBulk", "setJobParameters"


@pytest.fixture
def report(implementation, service, clock):
    """A report of the job 77."""
    return implementation.JobReport(77)


@pytest.fixture
def full(report):
    """A report of the job 77 that holds a status and a parameter."""
    report.setApplicationStatus("x", sendFlag=False)
    report.setJobParameter("n", 1, sendFlag=False)
    return report


def held(report):
    return (report.jobStatusInfo, report.appStatusInfo, report.jobParameters)


def test_a_report_starts_empty_and_takes_its_source_from_the_job(implementation):
    report = implementation.JobReport("77")
    assert (report.jobID, report.source) == (77, "Job_77")
    assert held(report) == ([], [], [])
    assert implementation.JobReport(77, "Pilot").source == "Pilot"
    assert implementation.JobReport(77, source="").source == "Job_77"
    report.setJob(78)
    assert (report.jobID, report.source) == (78, "Job_77")
    for job in ("", "x9"):
        with pytest.raises(ValueError, match="invalid literal"):
            implementation.JobReport(job)


def test_all_statuses_of_a_call_are_sent_at_once_under_one_time_without_apostrophes(report, service):
    service.answers[STATUS] = [S_OK("taken"), S_ERROR(1500, "bad")]
    assert report.setJobStatus("Run'ning", "It's up", "Step '1'")["Value"] == "taken"
    entry = {"Source": "Job_77", "Status": "Running", "MinorStatus": "Its up", "ApplicationStatus": "Step 1"}
    assert service.calls == [(JOB_STATE, STATUS, (77, {T0: entry}, False), 600)]
    assert held(report) == ([], [], [])
    refused = report.setApplicationStatus("x")
    assert (refused["Errno"], refused["Message"]) == (1500, "Unknown WMS error ( 1500 : bad)")


def test_without_the_flag_statuses_are_only_kept(report, service):
    assert report.setJobStatus("Running", "Minor", sendFlag=False) == S_OK()
    assert report.setJobStatus("Done", applicationStatus="o'k", sendFlag=False) == S_OK()
    assert report.setApplicationStatus("a'pp", False) == S_OK()
    assert report.setJobParameter("n", 1, False) == S_OK()
    assert held(report) == ([("Running", "Minor", T0), ("Done", "", T0)], [("ok", T0), ("app", T0)], [("n", 1)])
    assert service.calls == []


def test_blank_statuses_are_neither_sent_nor_forgotten(report, service):
    assert report.setJobStatus() == S_OK("Empty")
    assert (held(report), service.calls) == (([("", "", T0)], [], []), [])


def test_without_a_job_setters_send_nothing_but_a_commit_does(implementation, service, clock):
    report = implementation.JobReport(0)
    assert report.setJobStatus("Running") == S_OK()
    assert report.setApplicationStatus("x") == S_OK()
    assert report.setJobParameters([("n", 1)]) == S_OK()
    assert service.calls == []
    assert [len(kept) for kept in held(report)] == [1, 1, 1]
    assert report.commit()["OK"]
    entry = {"Source": "Job_0", "Status": "Running", "ApplicationStatus": "x"}
    assert [call.args for call in service.calls] == [(0, {T0: entry}, False), (0, [("n", 1)])]


@freeze_time("2026-01-02 03:04:05")
def test_freezegun_stops_the_clock_and_a_whole_second_has_no_fraction(implementation):
    report = implementation.JobReport(77)
    report.setJobStatus("Running", sendFlag=False)
    assert report.jobStatusInfo == [("Running", "", "2026-01-02 03:04:05")]


def test_an_application_status_that_is_no_text_is_its_repr_without_apostrophes(report):
    report.setApplicationStatus(ValueError("its"), sendFlag=False)
    report.setApplicationStatus(None, sendFlag=False)
    assert [text for text, _ in report.appStatusInfo] == ["ValueError(its)", "None"]


@pytest.mark.parametrize(
    ("arguments", "kept"), [((1,), 0), (("x", 1), 0), (("x", "y", 1), 1)], ids=["status", "minor", "application"]
)
def test_a_job_status_that_is_no_text_is_an_error(report, arguments, kept):
    """Only the statuses before a bad application status are kept."""
    with pytest.raises(AttributeError):
        report.setJobStatus(*arguments)
    assert (len(report.jobStatusInfo), len(report.appStatusInfo)) == (kept, 0)


def test_parameters_are_sent_as_pairs_in_their_order_and_forgotten(report, service):
    service.answers[PARAMETERS] = [S_OK(), S_OK(), S_ERROR("down")]
    report.setJobParameter("a", 1, sendFlag=False)
    assert report.setJobParameters([("b", "x"), ["c", None]])["OK"]
    assert service.calls == [(JOB_STATE, PARAMETERS, (77, [("a", 1), ("b", "x"), ("c", None)]), 600)]
    assert report.jobParameters == []
    assert report.setJobParameter("a", 1)["OK"]
    assert service.calls[1].args == (77, [("a", 1)])
    assert report.setJobParameter("a", 2)["Message"] == "down"
    assert report.jobParameters == [("a", 2)]


NAN, INFINITE = float("nan"), float("inf")
BAD = [
    NAN, INFINITE, -INFINITE, Decimal("sNaN"), Decimal("NaN"), Decimal("Infinity"), Decimal("1e400"), [1, NAN],
    (NAN, 1), {INFINITE}, {"a": {"b": [NAN]}},
]  # fmt: skip
GOOD = [
    1.5, 10**400, True, None, "nan", Decimal("1.5"), [1.5, "x"], (1,), {1}, {"a": [1.5]}, {NAN: 1}, frozenset({NAN}), 1j
]  # fmt: skip


def test_values_that_are_not_finite_are_dropped_at_any_depth_and_all_others_sent(report, service):
    assert report.setJobParameters([]) == S_OK("Empty")
    with pytest.raises(ValueError, match="unpack"):
        report.setJobParameters([*(("bad", value) for value in BAD), *(("good", value) for value in GOOD), ("b",)])
    report.sendStoredJobParameters()
    assert service.calls[0].args == (77, [("good", value) for value in GOOD])


@pytest.mark.parametrize("refused", [(), (STATUS,), (PARAMETERS,), (STATUS, PARAMETERS)])
def test_commit_tries_statuses_and_parameters_and_fails_if_either_is_refused(full, service, refused):
    service.refuses(*refused)
    result = full.commit()
    if refused:
        assert (result["OK"], result["Errno"]) == (False, 0)
        assert result["Message"] == "Information upload to JobStateUpdate service failed"
    else:
        assert result == S_OK()
    assert service.methods == [STATUS, PARAMETERS]
    assert (bool(full.appStatusInfo), bool(full.jobParameters)) == (STATUS in refused, PARAMETERS in refused)


def test_commit_wants_messages_that_are_text_and_raises_after_both_calls(full, service):
    service.answers[STATUS] = [{"OK": False, "Message": ValueError("x")}]
    with pytest.raises(TypeError, match="expected str instance"):
        full.commit()
    assert service.methods == [STATUS, PARAMETERS]


def test_statuses_that_were_not_taken_become_an_operation_that_repeats_the_call_and_stay(
    implementation, report, service
):
    assert report.generateForwardDISET() == S_OK()
    service.refuses(STATUS)
    report.setApplicationStatus("Job Finished Successfully", sendFlag=False)
    result = report.generateForwardDISET()
    assert result["OK"]
    assert isinstance(result["Value"], implementation.Operation)
    assert result["Value"].Type == "ForwardDISET"
    assert result["Value"].Arguments == (
        b"tts33:WorkloadManagement/JobStateUpdateds7:timeouti600es14:useAccessTokenb0ee"
        b"s16:setJobStatusBulkli77eds26:2026-01-02 03:04:05.000006ds6:Sources6:Job_77"
        b"s17:ApplicationStatuss25:Job Finished Successfullyeeb0ee"
    )
    assert report.appStatusInfo == [("Job Finished Successfully", T0)]


def test_without_a_stub_there_is_no_operation_and_the_statuses_stay(full, service):
    service.stubs = False
    service.refuses(STATUS)
    result = full.generateForwardDISET()
    assert (result["OK"], result["Errno"]) == (False, 0)
    assert result["Message"] == "Could not create ForwardDISET operation"
    assert len(full.appStatusInfo) == 1
