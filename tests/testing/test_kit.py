import sys
from contextlib import nullcontext
from dataclasses import replace
from types import ModuleType, SimpleNamespace

import pytest

from dirac_failover import FailoverRequest, JobReport
from dirac_failover.drivers import adapters
from dirac_failover.testing import Dirac
from dirac_failover.testing import kit as implementations
from dirac_failover.wire.rpc import call, connection


@pytest.fixture
def fake_dirac(monkeypatch):
    """Something that is called DIRAC has been imported."""

    def make(version="v9.1.22"):
        module = ModuleType("DIRAC")
        module.version = version
        monkeypatch.setitem(sys.modules, "DIRAC", module)
        return module

    return make


def named(module, *bases):
    return type("Mine", bases, {"__module__": module})


def test_a_module_for_the_reference_gets_its_clients(kit):
    assert implementations.name_for([FailoverRequest]) == "reference"
    assert implementations.implementation_named("reference") is implementations.implementation_named("reference")
    assert implementations.name_for([kit.FailoverRequest, named("nowhere", kit.ModuleBase)]) == kit.name


def test_without_dirac_nobody_uses_it(monkeypatch):
    monkeypatch.delitem(sys.modules, "DIRAC", raising=False)
    assert implementations.name_for([named("DIRAC.Workflow")]) == "reference"
    assert adapters.imports_dirac(SimpleNamespace(S_OK=named("DIRAC.Core"))) is False


def test_a_base_class_of_dirac_means_the_real_one(fake_dirac):
    fake_dirac()
    assert implementations.name_for([named("mine", named("DIRAC.Workflow.Modules.ModuleBase"))]) == "dirac"
    assert (
        implementations.name_for([named("x", named("LHCbDIRAC.A", named("DIRAC.B"))), FailoverRequest]) == "lhcbdirac"
    )
    assert implementations.name_for([named("x", named("ILCDIRAC.A"))]) == "ilcdirac"
    assert implementations.name_for([named("DIRACCommon.x")]) == "reference"
    for version in ("v8.0.86", "8.0.1", "v8r0p1"):
        fake_dirac(version)
        assert implementations.name_for([named("DIRAC.a")]) == "dirac-8.0"
    del fake_dirac().version
    assert implementations.real_name() == "dirac"


def test_a_file_that_imports_from_dirac_means_the_real_one(fake_dirac, monkeypatch):
    real = fake_dirac()
    assert not adapters.imports_dirac(SimpleNamespace(os=sys, text="DIRAC", cls=FailoverRequest))
    assert adapters.imports_dirac(SimpleNamespace(DIRAC=real))
    for package in ("DIRAC", "LHCbDIRAC", "ILCDIRAC"):
        assert adapters.imports_dirac(SimpleNamespace(S_OK=named(f"{package}.Core.Utilities")))
    home = ModuleType("home_of_mine")
    monkeypatch.setitem(sys.modules, "home_of_mine", home)
    assert implementations.name_for([named("home_of_mine")]) == "reference"
    home.gLogger = named("DIRAC.log")
    assert implementations.name_for([named("home_of_mine")]) == "dirac"


def test_a_profile_decides_what_else_is_in_the_commons(reference):
    assert implementations.extra_commons(reference, None) == {}
    assert implementations.extra_commons(reference, "lhcbdirac-12.0") == {"JobType": "MCSimulation"}


def test_clients_are_connected_for_a_while_those_of_the_reference_too(kit):
    dirac = Dirac(owner="bob", group="g")
    with implementations.connected(kit, dirac):
        assert (connection().owner, connection().group) == ("bob", "g")
        assert kit.JobReport(77).setApplicationStatus("x")["OK"]
        assert JobReport(77).setApplicationStatus("y")["OK"]
        assert (kit.Request().Owner, kit.Request().OwnerGroup) == ("bob", "g")
        connection().sleep(7)
    assert dirac.clock.slept == 7
    assert dirac.journal.methods() == ["job-state.setJobStatusBulk"] * 2
    assert not call("a/b", "c")["OK"]


def test_without_a_proxy_requests_belong_to_nobody(kit):
    seen = []

    def way(*call, **_):
        seen.append(call[1])
        return {"OK": True, "Value": [[], []]}

    with implementations.connected(kit, Dirac(), way, proxy=False):
        assert kit.Request().Owner is None
        kit.JobReport(77).setApplicationStatus("x")
    assert seen == ["setJobStatusBulk"]


def test_the_clients_of_another_kit_are_connected_beside_those_of_the_reference(reference):
    seen = []
    other = replace(reference, name="other", connect=lambda *way, **how: nullcontext(seen.append((way, how))))
    dirac = Dirac(owner="bob", group="g")
    with implementations.connected(other, dirac):
        assert JobReport(77).setApplicationStatus("x")["OK"]
    assert seen == [((dirac,), {"sleep": dirac.clock.sleep, "owner": "bob", "group": "g"})]
    with implementations.connected(reference, dirac):
        assert len(seen) == 1
