"""What JobReport keeps, sends and turns into an operation, on the reference and on the real DIRAC."""

import decimal

import pytest
from freezegun import freeze_time

T0 = "2026-01-02 03:04:05.000006"
JOB_STATE = "WorkloadManagement/JobStateUpdate"


@pytest.fixture
def report(kit, service, clock):
    """A report of the job 77."""
    return kit.JobReport(77)


def test_a_report_starts_empty_and_takes_its_source_from_the_job(kit):
    report = kit.JobReport("77")
    assert (report.jobID, report.source) == (77, "Job_77")
    assert (report.jobStatusInfo, report.appStatusInfo, report.jobParameters) == ([], [], [])
    assert kit.JobReport(77, "Pilot").source == "Pilot"
    assert kit.JobReport(77, source="").source == "Job_77"


@pytest.mark.parametrize("jobid", ["", "x9"])
def test_a_job_id_that_is_no_number_is_refused(kit, jobid):
    with pytest.raises(ValueError, match="invalid literal"):
        kit.JobReport(jobid)


def test_set_job_changes_the_job_and_not_the_source(report):
    report.setJob(78)
    assert (report.jobID, report.source) == (78, "Job_77")


def test_a_job_status_is_sent_at_once_and_forgotten(report, service):
    result = report.setJobStatus("Run'ning", "It's up", "Step '1'")
    assert result["OK"]
    assert service.calls == [
        (
            JOB_STATE,
            "setJobStatusBulk",
            (
                77,
                {T0: {"Source": "Job_77", "Status": "Running", "MinorStatus": "Its up", "ApplicationStatus": "Step 1"}},
                False,
            ),
            600,
        )
    ]
    assert (report.jobStatusInfo, report.appStatusInfo) == ([], [])


def test_the_answer_of_the_service_is_returned(report, service, error):
    service.answers["setJobStatusBulk"] = [{"OK": True, "Value": "taken"}, error(1500, "bad")]
    assert report.setJobStatus("Running")["Value"] == "taken"
    refused = report.setApplicationStatus("x")
    assert (refused["Errno"], refused["Message"]) == (1500, "Unknown WMS error ( 1500 : bad)")


def test_without_the_flag_statuses_are_only_kept(report, service):
    assert report.setJobStatus("Running", "Minor", sendFlag=False) == {"OK": True, "Value": None}
    assert report.setJobStatus("Done", applicationStatus="o'k", sendFlag=False) == {"OK": True, "Value": None}
    assert report.setApplicationStatus("a'pp", False) == {"OK": True, "Value": None}
    assert report.setJobParameter("n", 1, False) == {"OK": True, "Value": None}
    assert report.jobStatusInfo == [("Running", "Minor", T0), ("Done", "", T0)]
    assert report.appStatusInfo == [("ok", T0), ("app", T0)]
    assert report.jobParameters == [("n", 1)]
    assert service.calls == []


def test_without_a_job_nothing_is_sent_by_setters(kit, service):
    report = kit.JobReport(0)
    assert report.setJobStatus("Running") == {"OK": True, "Value": None}
    assert report.setApplicationStatus("x") == {"OK": True, "Value": None}
    assert report.setJobParameters([("n", 1)]) == {"OK": True, "Value": None}
    assert service.calls == []
    assert (len(report.jobStatusInfo), len(report.appStatusInfo), len(report.jobParameters)) == (1, 1, 1)


def test_sending_what_is_kept_needs_no_job(kit, service, clock):
    report = kit.JobReport(0)
    report.setApplicationStatus("x")
    report.setJobParameter("n", 1)
    assert report.commit()["OK"]
    assert [call.args for call in service.calls] == [
        (0, {T0: {"Source": "Job_0", "ApplicationStatus": "x"}}, False),
        (0, [("n", 1)]),
    ]


def test_what_was_not_taken_is_sent_again_with_the_next(report, service, clock, error):
    service.answers["setJobStatusBulk"] = [error("down"), {"OK": True, "Value": None}]
    report.setJobStatus("Running", "a")
    t1 = clock.tick()
    report.setApplicationStatus("b")
    assert service.calls[1].args[1] == {
        T0: {"Source": "Job_77", "Status": "Running", "MinorStatus": "a"},
        t1: {"Source": "Job_77", "ApplicationStatus": "b"},
    }
    assert list(service.calls[1].args[1]) == [T0, t1]
    assert (report.jobStatusInfo, report.appStatusInfo) == ([], [])


def test_updates_of_one_instant_collapse_and_the_last_word_wins(report, service):
    report.setJobStatus("Running", "a", "x", sendFlag=False)
    report.setJobStatus("", "b", "", sendFlag=False)
    report.setApplicationStatus("y")
    assert service.calls[0].args[1] == {
        T0: {"Source": "Job_77", "Status": "Running", "MinorStatus": "b", "ApplicationStatus": "y"}
    }


@freeze_time("2026-01-02 03:04:05")
def test_freezegun_stops_the_clock_and_a_whole_second_has_no_fraction(kit):
    report = kit.JobReport(77)
    report.setJobStatus("Running", sendFlag=False)
    assert report.jobStatusInfo == [("Running", "", "2026-01-02 03:04:05")]


def test_blank_statuses_are_neither_sent_nor_forgotten(report, service):
    assert report.sendStoredStatusInfo() == {"OK": True, "Value": "Empty"}
    assert report.setJobStatus() == {"OK": True, "Value": "Empty"}
    assert report.setApplicationStatus("") == {"OK": True, "Value": "Empty"}
    assert report.jobStatusInfo == [("", "", T0)]
    assert report.appStatusInfo == [("", T0)]
    assert service.calls == []


def test_an_application_status_that_is_no_text_is_its_repr(report):
    report.setApplicationStatus(ValueError("its"), sendFlag=False)
    report.setApplicationStatus(None, sendFlag=False)
    assert [text for text, _ in report.appStatusInfo] == ["ValueError(its)", "None"]


@pytest.mark.parametrize(
    ("arguments", "kept"), [((1,), 0), (("x", 1), 0), (("x", "y", 1), 1)], ids=["status", "minor", "application"]
)
def test_a_job_status_that_is_no_text_is_an_error(report, arguments, kept):
    """AttributeError; only what stood before a bad application status is kept."""
    with pytest.raises(AttributeError):
        report.setJobStatus(*arguments)
    assert (len(report.jobStatusInfo), len(report.appStatusInfo)) == (kept, 0)


def test_parameters_are_sent_as_pairs_and_forgotten(report, service):
    report.setJobParameter("a", 1, sendFlag=False)
    assert report.setJobParameters([("b", "x"), ["c", None]])["OK"]
    assert service.calls == [(JOB_STATE, "setJobParameters", (77, [("a", 1), ("b", "x"), ("c", None)]), 600)]
    assert report.jobParameters == []


def test_a_single_parameter_is_sent_by_default(report, service):
    assert report.setJobParameter("a", 1)["OK"]
    assert service.calls[0].args == (77, [("a", 1)])


def test_parameters_that_were_not_taken_stay(report, service, error):
    service.answers["setJobParameters"] = [error("down")]
    assert report.setJobParameter("a", 1)["Message"] == "down"
    assert report.jobParameters == [("a", 1)]


def test_without_parameters_there_is_no_call(report, service):
    assert report.sendStoredJobParameters() == {"OK": True, "Value": "Empty"}
    assert report.setJobParameters([]) == {"OK": True, "Value": "Empty"}
    assert service.calls == []


@pytest.mark.parametrize(
    "value",
    [
        float("nan"), float("inf"), -float("inf"), decimal.Decimal("sNaN"), decimal.Decimal("NaN"),
        decimal.Decimal("Infinity"), decimal.Decimal("1e400"), [1, float("nan")], (float("nan"), 1), {float("inf")},
        {"a": {"b": [float("nan")]}},
    ],
    ids=repr,
)  # fmt: skip
def test_a_value_that_is_not_finite_is_dropped(report, service, value):
    report.setJobParameters([("bad", value), ("good", 1)])
    assert service.calls[0].args == (77, [("good", 1)])


@pytest.mark.parametrize(
    "value",
    [
        1.5, pytest.param(10**400, id="10**400"), True, None, "nan", decimal.Decimal("1.5"), [1.5, "x"], (1,), {1},
        {"a": [1.5]}, {float("nan"): 1}, frozenset({float("nan")}), 1j,
    ],
    ids=repr,
)  # fmt: skip
def test_any_other_value_is_sent_as_it_is(report, service, value):
    report.setJobParameter("n", value)
    assert service.calls[0].args == (77, [("n", value)])


def test_pairs_before_a_malformed_one_are_kept(report, service):
    with pytest.raises(ValueError, match="unpack"):
        report.setJobParameters([("a", 1), ("b",)])
    assert report.jobParameters == [("a", 1)]
    assert service.calls == []


def test_commit_sends_statuses_and_parameters(report, service):
    report.setApplicationStatus("x", sendFlag=False)
    report.setJobParameter("n", 1, sendFlag=False)
    assert report.commit() == {"OK": True, "Value": None}
    assert service.methods == ["setJobStatusBulk", "setJobParameters"]
    assert (report.appStatusInfo, report.jobParameters) == ([], [])


@pytest.mark.parametrize(
    "refused", [("setJobStatusBulk",), ("setJobParameters",), ("setJobStatusBulk", "setJobParameters")]
)
def test_commit_tries_both_and_fails_if_either_does(report, service, error, refused):
    report.setApplicationStatus("x", sendFlag=False)
    report.setJobParameter("n", 1, sendFlag=False)
    for method in refused:
        service.answers[method] = [error("down")]
    result = report.commit()
    assert (result["OK"], result["Errno"]) == (False, 0)
    assert result["Message"] == "Information upload to JobStateUpdate service failed"
    assert service.methods == ["setJobStatusBulk", "setJobParameters"]
    assert bool(report.appStatusInfo) == ("setJobStatusBulk" in refused)
    assert bool(report.jobParameters) == ("setJobParameters" in refused)


def test_commit_wants_messages_that_are_text(report, service):
    report.setApplicationStatus("x", sendFlag=False)
    report.setJobParameter("n", 1, sendFlag=False)
    service.answers["setJobStatusBulk"] = [{"OK": False, "Message": ValueError("x")}]
    with pytest.raises(TypeError, match="expected str instance"):
        report.commit()
    assert service.methods == ["setJobStatusBulk", "setJobParameters"]


def test_no_operation_is_needed_when_the_statuses_are_taken(report, service):
    report.setJobParameter("n", 1, sendFlag=False)
    assert report.generateForwardDISET() == {"OK": True, "Value": None}
    report.setApplicationStatus("x", sendFlag=False)
    assert report.generateForwardDISET() == {"OK": True, "Value": None}
    assert service.methods == ["setJobStatusBulk"]


def test_statuses_that_were_not_taken_become_an_operation_and_stay(kit, report, service, error):
    service.answers["setJobStatusBulk"] = [error("down")]
    report.setApplicationStatus("Job Finished Successfully", sendFlag=False)
    result = report.generateForwardDISET()
    assert result["OK"]
    operation = result["Value"]
    assert isinstance(operation, kit.Operation)
    assert operation.Type == "ForwardDISET"
    assert operation.Arguments == (
        b"tts33:WorkloadManagement/JobStateUpdateds7:timeouti600es14:useAccessTokenb0ee"
        b"s16:setJobStatusBulkli77eds26:2026-01-02 03:04:05.000006ds6:Sources6:Job_77"
        b"s17:ApplicationStatuss25:Job Finished Successfullyeeb0ee"
    )
    assert report.appStatusInfo == [("Job Finished Successfully", T0)]


def test_without_a_stub_there_is_no_operation(report, service, error):
    service.stubs = False
    service.answers["setJobStatusBulk"] = [error("down")]
    report.setApplicationStatus("x", sendFlag=False)
    result = report.generateForwardDISET()
    assert (result["OK"], result["Errno"]) == (False, 0)
    assert result["Message"] == "Could not create ForwardDISET operation"
    assert len(report.appStatusInfo) == 1
