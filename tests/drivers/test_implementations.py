"""Implementations: the classes of an implementation by DIRAC's names, and how its clients are connected."""

import copy
import datetime as dt
import json
import re
import sys
import time
from dataclasses import replace
from importlib import metadata
from types import ModuleType, SimpleNamespace

import pytest
from DIRACCommon.Core.Utilities import TimeUtilities

from dirac_failover import FailoverRequest, clock
from dirac_failover.drivers import implementations
from dirac_failover.drivers.implementations import IMPLEMENTATIONS, implementation_of, version_of
from dirac_failover.drivers.setup import ExampleRecord
from dirac_failover.errors import ImplementationUnavailableError
from dirac_fakes import Clock

CLASSES = [name for name in implementations.Classes.__annotations__ if name not in {"DEncode", "JEncode"}]
LAST = IMPLEMENTATIONS["dirac"].profile.versions[1]
OK = {"OK": True, "Value": None}
RESETS = "Transformations/FilesMaxResetCounter"


class Transport:
    """Remembers calls; answers are by method, one after the other."""

    def __init__(self, **answers):
        self.calls = []
        self.answers = answers

    def __call__(self, service, method, args, *, timeout=600):
        self.calls.append((service, method, args, timeout))
        return self.answers.get(method, OK)


def nowhere(*_args, **_kwargs):
    raise AssertionError("nothing is to be called here")


def test_the_classes_are_of_one_implementation_and_have_diracs_names(implementation):
    package = {"reference": "dirac_failover", "dirac": "DIRAC"}[implementation.name]
    assert [getattr(implementation, name).__name__ for name in CLASSES] == CLASSES
    assert {getattr(implementation, name).__module__.partition(".")[0] for name in CLASSES} == {package}
    for name in ("DEncode", "JEncode"):
        module = getattr(implementation, name).__name__
        assert (module.partition(".")[0], module.lower()[-7:]) == (package, name.lower())


def test_implementations_are_known_by_their_names(implementation):
    assert {"reference", "dirac", "dirac-8.0", "lhcbdirac", "ilcdirac"} <= set(IMPLEMENTATIONS)
    assert (implementation.profile.owner, implementation.own_request) == ("Owner", False)
    assert IMPLEMENTATIONS[implementation.name].load() == implementation
    assert implementation.version == version_of(implementation.package.replace("_", "-"))


def test_a_record_says_how_an_implementation_is_installed():
    assert IMPLEMENTATIONS["dirac"].requirements == (f"DIRAC=={LAST}",)
    assert IMPLEMENTATIONS["ilcdirac"].requirements == ("DIRAC==8.0.86", "ILCDIRAC==35.0.12")
    assert all(re.fullmatch(r"9\.\d+\.\d+", version) for version in IMPLEMENTATIONS["dirac"].releases)


def test_a_record_that_is_not_loaded_has_no_classes(reference):
    with pytest.raises(AttributeError, match=r"^JobReport$"):
        _ = IMPLEMENTATIONS["dirac"].JobReport
    assert copy.copy(reference) == reference.load() == reference


# To which implementation a class belongs


@pytest.fixture
def fake_dirac(monkeypatch):
    """Import something that is called DIRAC, of which this version is installed."""
    module = ModuleType("DIRAC")
    monkeypatch.setitem(sys.modules, "DIRAC", module)

    def make(version="9.1.22"):
        monkeypatch.setattr(metadata, "version", given(version))
        return module

    return make


def class_of(module, *bases):
    return type("Mine", bases, {"__module__": module})


THEIRS = class_of("mine", class_of("DIRAC.Workflow.Modules.ModuleBase"))


@pytest.mark.parametrize(
    ("things", "name"),
    [
        ([], "reference"),
        ([int], "reference"),
        ([FailoverRequest], "reference"),
        ([class_of("DIRACCommon.x")], "reference"),
        ([THEIRS], "dirac"),
        ([class_of("DIRACCommon.x", THEIRS)], "dirac"),
        ([class_of("mine", FailoverRequest, THEIRS)], "reference"),
        ([class_of("LHCbDIRAC.A", THEIRS)], "lhcbdirac"),
        ([class_of("x", class_of("LHCbDIRAC.A", THEIRS)), FailoverRequest], "lhcbdirac"),
        ([THEIRS, class_of("ILCDIRAC.A")], "ilcdirac"),
    ],
)
def test_a_class_belongs_to_the_implementation_that_it_is_derived_from(fake_dirac, things, name):
    fake_dirac()
    assert implementation_of(*things) is IMPLEMENTATIONS[name]


def test_the_installed_version_decides_between_implementations_of_one_package(fake_dirac):
    for version, name in (("8.0.86", "dirac-8.0"), ("9.0.1", "dirac"), ("10.1", "dirac"), (None, "dirac")):
        fake_dirac(version)
        assert implementation_of(THEIRS).name == name


def test_a_file_that_imports_from_dirac_belongs_to_the_real_one(fake_dirac, monkeypatch):
    real = fake_dirac()
    assert implementation_of(SimpleNamespace(os=sys, text="DIRAC", cls=FailoverRequest)).name == "reference"
    for package in ("DIRAC", "LHCbDIRAC", "ILCDIRAC"):
        assert implementation_of(SimpleNamespace(S_OK=class_of(f"{package}.Core.Utilities"))).name == "dirac"
    home = ModuleType("home_of_mine")
    monkeypatch.setitem(sys.modules, "home_of_mine", home)
    assert implementation_of(class_of("home_of_mine")).name == "reference"
    home.DIRAC = real
    assert implementation_of(home) is implementation_of(class_of("home_of_mine")) is IMPLEMENTATIONS["dirac"]
    monkeypatch.delitem(sys.modules, "DIRAC")
    assert implementation_of(home).name == "reference"


def test_the_classes_of_an_implementation_belong_to_it(implementation):
    mine = class_of("nowhere", implementation.ModuleBase)
    assert implementation_of(implementation.FailoverRequest, mine).name == implementation.name


# What is installed

INSTALLED = {
    None: "DIRAC is not installed in this environment; ",
    "7.3.38": "DIRAC 7.3.38 is installed in this environment, and too old; ",
    "8.0.86": "DIRAC 8.0.86 is installed in this environment, and too old; ",
    "10.0.0": "DIRAC 10.0.0 is installed in this environment, and too new; ",
}


@pytest.mark.parametrize("version", INSTALLED)
def test_a_version_that_does_not_fit_is_refused_in_one_true_line(monkeypatch, version):
    """It says what is installed, what the profile is proven for, and how to get that; DIRAC is not imported for it."""
    monkeypatch.setitem(sys.modules, "DIRAC", None)
    monkeypatch.setattr(metadata, "version", given(version))
    with pytest.raises(ImplementationUnavailableError) as caught:
        IMPLEMENTATIONS["dirac"].load()
    assert str(caught.value) == (
        f"{INSTALLED[version]}'dirac' is proven for DIRAC 9.0.0 to {LAST}: 'pip install DIRAC==9.*' installs one; "
        "in a checkout, 'nox -s differential' sets one up"
    )


@pytest.mark.parametrize("version", ["9.0", "9.0.28", "9.1.23", "9.2.0a1"])
def test_a_later_version_of_the_same_major_is_taken(monkeypatch, version):
    """Nobody has to wait until it is proven; what cannot be imported says so."""
    monkeypatch.setitem(sys.modules, "DIRAC", None)
    monkeypatch.setattr(metadata, "version", given(version))
    said = rf"^DIRAC {version} is installed .* cannot be imported \(.*DIRAC"
    with pytest.raises(ImplementationUnavailableError, match=said):
        IMPLEMENTATIONS["dirac"].load()


def given(version):
    """What tells the version of a distribution, or that there is none."""

    def answer(distribution):
        if version is None:
            raise metadata.PackageNotFoundError(distribution)
        return version

    return answer


@pytest.mark.parametrize("late", [True, False], ids=["DiracTime", "no DiracTime"])
def test_stopped_time_is_everybodys(monkeypatch, reference, late):
    home = ModuleType("acme.report")
    home.datetime = dt
    monkeypatch.setitem(sys.modules, "acme.report", home)
    report = type("JobReport", (), {"__module__": "acme.report"})
    if not late:
        monkeypatch.delattr(TimeUtilities, "DiracTime", raising=False)
    now = dt.datetime.fromisoformat("2026-01-01T12:00")
    with implementations.stopped(lambda: now, replace(reference, classes={**reference.classes, "JobReport": report})):
        assert (clock.utcnow(), Clock().now(), home.datetime.datetime.utcnow()) == (now, now, now)
        assert not late or not hasattr(TimeUtilities, "DiracTime") or TimeUtilities.DiracTime.utcnow() == now
        read = home.datetime.datetime.strptime("2026", "%Y")
        assert type(read) is dt.datetime
        assert isinstance(read, home.datetime.datetime)
        assert home.datetime.timedelta is dt.timedelta
    assert home.datetime is dt
    assert clock.utcnow() != now


def test_clients_call_the_transport_that_is_connected(implementation):
    files = [{"LFN": "/a", "FileID": 1, "Status": "Assigned", "ErrorCount": 0}]
    transport = Transport(getTransformationFiles={"OK": True, "Value": json.dumps({"OK": True, "Value": files})})
    with implementation.connect(transport):
        implementation.JobStateUpdateClient().setJobStatusBulk(77, {}, False)
        implementation.TransformationClient().setFileStatusForTransformation(12, {"/a": "Processed"})
    assert [call[:2] + call[3:] for call in transport.calls] == [
        ("WorkloadManagement/JobStateUpdate", "setJobStatusBulk", 600),
        ("Transformation/TransformationManager", "getTransformationFiles", 1800),
        ("Transformation/TransformationManager", "setFileStatusForTransformation", 600),
    ]
    assert transport.calls[0][2] == (77, {}, False)
    assert transport.calls[2][2] == (12, {1: ["Processed", False]})


def test_the_innermost_connection_counts_and_goes_with_its_block(implementation):
    outer, inner = Transport(), Transport()
    client = implementation.JobStateUpdateClient()
    with implementation.connect(outer):
        with implementation.connect(inner):
            client.setJobStatusBulk(1, {}, False)
        client.setJobStatusBulk(2, {}, False)
    assert [call[2][0] for call in inner.calls] == [1]
    assert [call[2][0] for call in outer.calls] == [2]
    with pytest.raises(ZeroDivisionError), implementation.connect(inner):
        _ = 1 / 0
    assert client.setJobStatusBulk(3, {}, False)["OK"] is False
    assert len(inner.calls) == 1


@pytest.mark.parametrize(
    ("owner", "group"), [("alice", "vo_user"), (None, None), ("alice", None), (None, "vo_user"), ("", "")]
)
def test_requests_belong_to_whom_the_connection_says(implementation, owner, group):
    with implementation.connect(nowhere, owner=owner, group=group):
        request = implementation.Request()
    assert (request.Owner, request.OwnerGroup) == (owner, group)


def test_options_hold_as_long_as_the_connection(implementation):
    found = []
    for options in (None, {"/LocalSite/DisableAccounting": "yes", RESETS: "3"}, {RESETS: "4"}, {}):
        transport = Transport()
        with implementation.connect(transport, options=options):
            accounting = implementation.DataStoreClient()
            accounting.addRegister(ExampleRecord())
            accounting.commit()
            found.append((implementation.ModuleBase().opsH.getValue(RESETS, 10), len(transport.calls)))
    assert found == [(10, 1), (3, 0), (4, 1), (10, 1)]


def test_clients_sleep_as_the_connection_says(implementation):
    """Each failed try of a request is followed by one to five seconds, which nobody waits for here."""
    naps = []
    request = named(implementation)
    transport = Transport(putRequest={"OK": False, "Errno": 0, "Message": "no"})
    before = time.sleep
    with implementation.connect(transport, owner="alice", group="vo_user", sleep=naps.append):
        assert implementation.ReqClient().putRequest(request)["OK"] is False
    assert [1 <= nap <= 5 for nap in naps] == [True]
    assert time.sleep is before


def test_proxies_of_requests_are_an_option(implementation):
    transport = Transport(putRequest={"OK": False, "Errno": 0, "Message": "no"})
    options = {"RequestManagement/ReqProxyURLs": "https://proxy:1/RequestManagement/ReqProxy"}
    with implementation.connect(transport, options=options, sleep=lambda _: None):
        implementation.ReqClient().putRequest(named(implementation))
    assert [call[0] for call in transport.calls] == [
        "RequestManagement/ReqManager", "https://proxy:1/RequestManagement/ReqProxy",
    ]  # fmt: skip


def named(implementation):
    """A request that may be put."""
    request = implementation.Request()
    request.RequestName, request.Owner, request.OwnerGroup = "n", "alice", "vo_user"
    operation = implementation.Operation()
    operation.Type, operation.Arguments = "ForwardDISET", "x"
    request.addOperation(operation)
    return request


def test_the_stand_in_for_diracs_rpc_client_has_every_method():
    transport = Transport()
    client = implementations._DiracRpcClient(transport, "System/Service", 5)
    assert client.anything(1, "a") == OK
    assert transport.calls == [("System/Service", "anything", (1, "a"), 5)]
    with pytest.raises(AttributeError) as caught:
        _ = client.__deepcopy__
    assert caught.value.args == ("__deepcopy__",)


def test_the_clock_for_dirac_is_the_modules_but_for_sleeping():
    naps = []
    clock = implementations.TimeModule(naps.append)
    clock.sleep(5)
    assert naps == [5]
    assert clock.monotonic is time.monotonic
