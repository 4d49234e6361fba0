"""The specification of the clients says what the implementations do with services, and would say if they did not."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from itertools import islice

import pytest

from dirac_failover.drivers.in_process import InProcessDriver
from dirac_failover.spec import space
from dirac_failover.spec.compare import differences
from dirac_failover.spec.model.clients import expected, speaks_of
from dirac_failover.spec.model.request import encoded
from dirac_failover.spec.scenario import DEFAULT_COLLABORATORS, DEFAULT_COMMONS, FAILED_STATUS, Scenario

STEP = 11
"""Every how many-th scenario is run, about a thousand: no divisor of what the dimensions multiply to.

'nox -s differential' asks about all of them.
"""


BUSY = replace(
    Scenario.of_job(
        inputs=["/vo/ä", "/vo/b", "/vo/c"],
        reported={"/vo/c": "Problematic", "/vo/d": "Unused"},
        records=1,
        operations=[{"Type": "RemoveFile", "Files": ["/vo/o"]}, {"Type": "ForwardDISET", "Arguments": "x"}],
    ),
    unsent_statuses=("one's", "two"),
    unsent_parameters={"CPU": "1", "Host": "h"},
)
UNSET = {"STEP_NUMBER": "2", "workflowStatus": {}, "stepStatus": {"OK": True}}
FAILED = {"STEP_NUMBER": "2", "workflowStatus": {"OK": True}, "stepStatus": FAILED_STATUS}

BEYOND = {
    "nothing wrong": {},
    "all failed": {"attributes": FAILED},
    "told nothing": {"attributes": UNSET},
    "three times": {"executions": 3, "faults": ("transformation:first=3", "job-state:first=4", "accounting:first=2")},
    "a lookup without reply": {"faults": ("transformation.getTransformationFiles:lost_reply",)},
    "a lookup that raises": {"faults": ("transformation.getTransformationFiles:raises=RuntimeError:no",)},
    "an interrupted lookup": {"faults": ("transformation:raises=KeyboardInterrupt:stop",)},
    "interrupted accounting": {"faults": ("accounting:raises=KeyboardInterrupt:stop",)},
    "an update that is refused": {"faults": ("transformation.setFileStatusForTransformation:s_error=not yours",)},
    "an update without stub": {"faults": ("transformation.setFileStatusForTransformation:s_error=no;stub=no",)},
    "accounting without stub": {"faults": ("accounting:s_error=no;stub=no",)},
    "accounting that raises": {"faults": ("accounting.commitRegisters:raises=ValueError:x",), "executions": 2},
    "accounting without reply": {"faults": ("accounting:lost_reply",), "executions": 2},
    "requests that fail at first": {"faults": ("accounting:refuse", "requests:first=1"), "executions": 2},
    "requests without reply": {"faults": ("accounting:down", "requests.putRequest:lost_reply"), "executions": 2},
    "requests that raise": {"faults": ("accounting:down", "requests:raises=ValueError:y")},
    "requests twice": {"faults": ("accounting:down",), "executions": 2, "records": 3},
    "another method's fault": {"faults": ("requests.getRequest:down", "accounting:down")},
    "two faults": {"faults": ("job-state:first=1", "job-state:s_error=no")},
    "two faults, one later": {"faults": ("job-state:first=2", "job-state.setJobStatusBulk:first=3"), "executions": 2},
    "a success before a failure": {
        "operations": ({"Type": "RemoveFile"},),
        "executions": 2,
        "faults": ("accounting.commitRegisters:down", "requests:first=1"),
    },
    "a status that says nothing": {"unsent_statuses": ("'", "one", ""), "faults": ("job-state:first=1",)},
    "an interrupt": {"faults": ("job-state:raises=KeyboardInterrupt:stop",)},
    "no proxy, no accounting": {"owner": None, "faults": ("accounting:down",)},
    "no proxy": {"owner": None},
    "another owner": {"owner": ("bob", "vo_prod"), "faults": ("accounting:down", "job-state:down")},
    "a full disk": {"files": {"12_34_request.json": "full"}},
    "a directory": {"files": {"12_34_request.json": "directory"}},
    "accounting as none": {"collaborators": {**DEFAULT_COLLABORATORS, "AccountingReport": "none"}},
    "final statuses": {"server_files": {"/vo/ä": "Processed", "/vo/c": "Processed", "/vo/d": "MaxReset"}},
    "final statuses, by force": {"server_files": {"/vo/ä": "Processed", "/vo/d": "MaxReset"}, "attributes": FAILED},
    "files of others": {"server_files": {"/vo/x": "Assigned", "/vo/d": "Assigned", "/vo/b": "Unused"}},
    "nothing to report": {"workflow_commons": DEFAULT_COMMONS, "reported": {}},
    "a request of bytes": {"operations": ({"Type": "ForwardDISET", "ArgumentsHex": "78"},)},
    "not text": {"operations": ({"Type": "ForwardDISET", "ArgumentsHex": "ff00"},)},
    "not valid": {"operations": ({"Type": "RemoveFile"},)},
    **{
        f"without {' and '.join(made)}": {
            "collaborators": {**DEFAULT_COLLABORATORS, **dict.fromkeys(made, "missing")},
            "faults": ("transformation:down", "job-state:down"),
        }
        for made in (("JobReport",), ("FileReport",), ("Request",), ("JobReport", "Request"))
    },
}
"""Situations that the space leaves out, and of which the specification speaks all the same."""


def test_the_specification_and_the_implementation_agree(implementation):
    """The complete outcome is the expected one: calls, collaborators, request, file and services."""
    port = InProcessDriver(implementation)
    with port.session():
        for scenario in islice(space.SERVICES.scenarios(), 0, None, STEP):
            assert differences(port.run(scenario), expected(scenario)) == [], scenario.name


@pytest.mark.parametrize("name", BEYOND)
def test_they_agree_beyond_the_space(implementation, name):
    """The clients are specified, not the scenarios."""
    scenario = replace(BUSY, **BEYOND[name])
    port = InProcessDriver(implementation)
    assert speaks_of(scenario)
    with port.session():
        assert differences(port.run(scenario), expected(scenario)) == []


def test_the_specification_speaks_of_the_whole_region():
    """Scenarios of other regions are not covered."""
    assert all(map(speaks_of, space.SERVICES.scenarios()))
    for region in (space.IDENTITY, space.INPUTS, space.ANSWERS):
        assert not any(map(speaks_of, islice(region.scenarios(), 500)))


@pytest.mark.parametrize("change", [
    {"collaborators": {**DEFAULT_COLLABORATORS, "JobReport": "scripted"}},
    {"collaborators": {**DEFAULT_COLLABORATORS, "FileReport": "none"}},
    {"collaborators": {**DEFAULT_COLLABORATORS, "AccountingReport": "scripted"}},
    {"collaborators": {**DEFAULT_COLLABORATORS, "AccountingReport": "missing"}},
    {"collaborators": {"JobReport": "live", "FileReport": "live"}},
    {"faults": ("job-state:down", "job-state:partial=1")}, {"options": {"/LocalSite/Site": "x"}},
    {"workflow_commons": {**DEFAULT_COMMONS, "JOB_ID": "35"}},
    {"workflow_commons": {**DEFAULT_COMMONS, "JobType": "user"}}, {"environment": {"JOBID": "78"}},
    {"environment": {}}, {"step_commons": {}}, {"attributes": {**UNSET, "jobID": 78}},
    {"attributes": {"STEP_NUMBER": "1"}}, {"answers": {"Request.toJSON": ("s_error",)}},
], ids=repr)  # fmt: skip
def test_the_specification_is_silent_where_it_knows_nothing(change):
    """Other jobs, other collaborators, other faults."""
    assert speaks_of(Scenario())
    assert not speaks_of(replace(Scenario(), **change))


@pytest.mark.parametrize(("value", "text"), [
    (True, "b1"), (False, "b0"), (-5, "i-5e"), ("abc", "s3:abc"), ("é€", "s5:é€"), ("<T12>", "s26:<T12>"),
    ([1, ("a",), {}], "li1ets1:aedee"), ({"a": 1, "b": {"c": []}}, "ds1:ai1es1:bds1:cleee"),
    (dt.datetime(2024, 1, 2, 3, 4, 5, 6), "zati2024ei1ei2ei3ei4ei5ei6ene"),
])  # fmt: skip
def test_values_are_encoded_as_dirac_encodes_them(value, text):
    """Known cases; a time has the length that it had before it was given a name."""
    assert encoded(value) == text
