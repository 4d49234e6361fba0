"""A world in which much has happened is as fast as a new one."""

from __future__ import annotations

import cProfile
import json
from datetime import datetime, timedelta

from dirac_fakes import World

START = datetime(2026, 1, 1, 12)


def test_a_world_takes_time_in_proportion():
    """The cost of a call stays the same, however many came before: here it is counted, not timed."""
    counts = []
    for calls in (100, 200):
        profile = cProfile.Profile()
        profile.runcall(_busy, calls)
        counts.append(sum(entry.callcount for entry in profile.getstats()))
    assert counts[1] < 2.1 * counts[0]


def _busy(calls):
    world = World(now=START)
    request = {"RequestName": "x", "Operations": [{"Type": "x"}], "NotBefore": "2020-01-01 00:00:00"}
    for index in range(calls):
        update = {str(START + timedelta(seconds=index)): {"ApplicationStatus": "x", "Source": "Job_77"}}
        assert world("WorkloadManagement/JobStateUpdate", "setJobStatusBulk", (77, update))["OK"]
        world.job_state.add(100 + index)
        assert world("WorkloadManagement/JobStateUpdate", "setJobStatus", (100 + index, "Completing", "x"))["OK"]
        assert world("RequestManagement/ReqManager", "putRequest", (json.dumps(request),))["OK"]
    for _ in range(calls):
        assert world("RequestManagement/ReqManager", "getRequest", (0,))["Value"]
