"""The one method of JobStateUpdateClient that is its own, on the reference and on the real DIRAC."""

from datetime import datetime


def test_a_status_is_set_with_all_six_arguments(implementation, service):
    service.answers["setJobStatus"] = [{"OK": True, "Value": "taken"}]
    when = datetime(2026, 1, 2)
    client = implementation.JobStateUpdateClient()
    assert client.setJobStatus(77)["Value"] == "taken"
    client.setJobStatus(77, "Running", "Minor", "Job", when, True)
    client.setJobStatus(
        77, status="Running", minorStatus="Minor", source="Job", datetime_=when, force=True, url="X/Y", timeout=7
    )
    assert service.calls == [
        ("WorkloadManagement/JobStateUpdate", "setJobStatus", (77, "", "", "Unknown", None, False), 600),
        ("WorkloadManagement/JobStateUpdate", "setJobStatus", (77, "Running", "Minor", "Job", when, True), 600),
        ("X/Y", "setJobStatus", (77, "Running", "Minor", "Job", when, True), 7),
    ]
