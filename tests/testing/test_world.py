import doctest
from contextlib import nullcontext
from dataclasses import replace

import pytest

from dirac_failover import JobReport, testing
from dirac_failover.testing import Dirac, world
from dirac_failover.testing.world import connected
from dirac_failover.wire.rpc import call, connection
from dirac_fakes import Call, Fault


@pytest.mark.usefixtures("dirac_workdir")
@pytest.mark.parametrize("module", [world, testing])
def test_the_examples_run(module):
    failed, tried = doctest.testmod(module)
    assert (failed, tried > 0) == (0, True)


def test_a_fault_that_is_not_required_may_stay_away():
    """The same fault, armed twice, is excused once."""
    dirac = Dirac()
    dirac.arm("accounting:down", required=False)
    assert dirac.unfired() == []
    fault = dirac.arm("accounting:down")
    assert dirac.unfired() == [fault]
    dirac("Accounting/DataStore", "commitRegisters", ([],))
    # The one armed first strikes
    assert dirac.unfired() == [fault]
    dirac.reset()
    assert dirac.unfired() == []
    needed = dirac.arm("accounting:down")
    dirac.arm("accounting:down", required=False)
    dirac.arm("job-state:down", required=False)
    assert dirac.unfired() == [needed]


def test_what_a_run_needs_becomes_known_and_what_is_known_stays():
    dirac = Dirac(files={"/vo/a": {"Status": "Unused"}}, job_status="Matched")
    dirac.prepare(77, ["LFN:/vo/a", "LFN:/vo/b"])
    dirac.prepare("78", [])
    dirac.prepare(None, [])
    dirac.prepare("x9", [])
    assert dirac.transformation.statuses(12) == {"/vo/a": "Unused", "/vo/b": "Assigned"}
    assert dirac.job_state.status(77)[0] == "Matched"
    assert dirac.job_state.status(78)[0] == "Running"
    assert list(dirac.job_state.state["jobs"]) == [77, 78]
    assert (dirac.job_id, dirac.transformation_id) == (77, 12)


def test_the_machine_is_harmed_by_faults_of_files_and_of_the_process():
    dirac = Dirac()
    dirac.arm("accounting:down")
    assert not dirac.harms_the_machine
    dirac.arm("process:crash_at=_execute")
    assert dirac.harms_the_machine


def test_the_process_ends_after_the_step_that_is_named():
    dirac = Dirac()
    fault = dirac.arm("process:crash_at=_execute@nth=2")
    dirac.arm("file:read_only")
    assert [dirac.crashes_after(step) for step in ("_initialize", "_execute")] == [False, False]
    assert fault in dirac.unfired()
    assert dirac.crashes_after("_execute")
    assert fault not in dirac.unfired()
    assert not dirac.crashes_after("_execute")


def test_a_predicate_can_decide_about_the_process():
    dirac, seen = Dirac(), []
    dirac.arm(Fault("process", kind="crash_at", value="_execute", schedule=seen.append))
    assert [dirac.crashes_after(step) for step in ("_initialize", "_execute")] == [False, False]
    assert seen == [Call("process", "", (), None, applied=False)]


def test_clients_are_connected_for_a_while_those_of_the_reference_too(implementation):
    dirac = Dirac(owner="bob", group="g")
    with connected(implementation, dirac):
        assert (connection().owner, connection().group) == ("bob", "g")
        assert implementation.JobReport(77).setApplicationStatus("x")["OK"]
        assert JobReport(77).setApplicationStatus("y")["OK"]
        assert (implementation.Request().Owner, implementation.Request().OwnerGroup) == ("bob", "g")
        connection().sleep(7)
    assert dirac.clock.slept == 7
    assert dirac.journal.methods() == ["job-state.setJobStatusBulk"] * 2
    assert not call("a/b", "c")["OK"]


def test_without_a_proxy_requests_belong_to_nobody(implementation):
    seen = []

    def way(*call, **_):
        seen.append(call[1])
        return {"OK": True, "Value": [[], []]}

    with connected(implementation, Dirac(), way, proxy=False):
        assert implementation.Request().Owner is None
        implementation.JobReport(77).setApplicationStatus("x")
    assert seen == ["setJobStatusBulk"]


def test_the_clients_of_another_kit_are_connected_beside_those_of_the_reference(reference):
    seen = []
    other = replace(reference, name="other", connect=lambda *way, **how: nullcontext(seen.append((way, how))))
    dirac = Dirac(owner="bob", group="g")
    with connected(other, dirac):
        assert JobReport(77).setApplicationStatus("x")["OK"]
    assert seen == [((dirac,), {"sleep": dirac.clock.sleep, "owner": "bob", "group": "g", "options": None})]
    with connected(reference, dirac):
        assert len(seen) == 1
