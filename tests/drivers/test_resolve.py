"""Ports are found by the names that users write, and a name of no port is one clear line."""

import os
import pickle
import sys
from dataclasses import replace
from importlib import metadata
from types import ModuleType, SimpleNamespace
from unittest.mock import Mock

import pytest

from dirac_failover import FailoverRequest, __version__
from dirac_failover.drivers import port_server, resolve
from dirac_failover.drivers.implementations import IMPLEMENTATIONS, implementation_named
from dirac_failover.drivers.port_info import PortInfo
from dirac_failover.drivers.resolve import Target
from dirac_failover.drivers.subprocess_driver import SubprocessDriver
from dirac_failover.errors import ImplementationUnavailableError, PortBrokenError, PortError

KNOWN = f"(there are {', '.join(IMPLEMENTATIONS)}, package.module:Class, or a file .toml)"
CLIENTS = f"reference {__version__}"
REFERENCE = "dirac_failover.failover_request:FailoverRequest"


@pytest.fixture(autouse=True)
def my_module(reference, monkeypatch, tmp_path):
    """A user's module with ports and with objects that are no port; and an empty directory."""
    module = ModuleType("my_ports")
    base = type("Base", (), {"__module__": "DIRAC.Workflow", "execute": print})
    module.KNOWN, module.NUMBER = reference, 5
    module.Mine = type("Mine", (FailoverRequest,), {"__module__": "my_ports"})
    module.Theirs = type("Theirs", (base,), {"__module__": "mine"})
    monkeypatch.setitem(sys.modules, "my_ports", module)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(tmp_path)
    return module


# In this process


def test_ports_are_found_by_name(my_module):
    """An implementation, or ``package.module:Name`` of a class or of an implementation."""
    assert resolve.DEFAULT == resolve.in_this_process("reference").name == "reference"
    found = resolve.in_this_process(REFERENCE)
    assert (found.name, found.version, found.implementation.name) == ("FailoverRequest", __version__, "reference")
    assert resolve.in_this_process("my_ports:KNOWN").implementation is my_module.KNOWN


def test_a_class_is_run_with_the_clients_of_what_it_is_derived_from(monkeypatch, reference):
    """Python's texts name the class, so it gets the name that they are expected to name."""
    theirs = replace(IMPLEMENTATIONS["dirac"], version="theirs", classes=reference.classes)
    monkeypatch.setitem(IMPLEMENTATIONS, "dirac", theirs)
    monkeypatch.setattr(metadata, "version", {"DIRAC": "9.1.22", "my_ports": "5"}.get)
    found = resolve.in_this_process("my_ports:Theirs")
    assert (found.implementation.version, found.name, found.version) == ("theirs", "Theirs", "5")
    assert [kind.__name__ for kind in found._class.__mro__[:2]] == ["FailoverRequest", "Theirs"]


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        *((name, f"there is no port {name!r} {KNOWN}") for name in ("nowhere", ":b", ":", "")),
        ("reference:", f"there is no port 'reference:'; did you mean reference? {KNOWN}"),
        ("my_ports:NUMBER", "Port my_ports:NUMBER: my_ports:NUMBER is not a class but int"),
        ("nowhere:X", "Port nowhere:X: cannot import nowhere: ModuleNotFoundError: No module named 'nowhere'"),
        ("json:No.thing", "Port json:No.thing: there is no class 'No' (looked for in json)"),
        ("json:JSONDecoder",
         "Port json:JSONDecoder: json:JSONDecoder is not a module: it has no execute() (derive it from ModuleBase)"),
    ],
)  # fmt: skip
def test_a_port_that_is_not_there_is_one_clear_line(name, complaint):
    with pytest.raises(PortError) as caught:
        Target(name).port()
    assert str(caught.value) == complaint


def test_the_first_method_that_is_missing_is_named():
    with pytest.raises(PortError, match=r"^x is not a module: it has no one\(\) \(derive it from ModuleBase\)$"):
        resolve.module_class("x", int, ("real", "one", "two", "three"))
    assert resolve.module_class("x", int, ("real",)) is int


def test_a_class_may_stand_in_a_class():
    assert resolve.find("unittest.mock:Mock.mro.__self__") is Mock


def test_an_implementation_that_is_not_installed_is_no_error_of_the_user(monkeypatch):
    load = Mock(side_effect=ImplementationUnavailableError("get it"))
    monkeypatch.setitem(IMPLEMENTATIONS, "dirac", SimpleNamespace(load=load))
    with pytest.raises(ImplementationUnavailableError, match=r"^get it$"):
        Target("dirac").info()
    with pytest.raises(PortError, match=r"^there is no implementation 'dirax'; did you mean dirac\? \(there are ref"):
        implementation_named("dirax")
    assert implementation_named("reference") is IMPLEMENTATIONS["reference"]


def test_modules_are_found_in_the_working_directory(tmp_path):
    """It is searched first, and stands on the path once; a module that ends the process is broken."""
    (tmp_path / "own_module.py").write_text("from dirac_failover import FailoverRequest as Mine")
    for _ in range(2):
        assert resolve.in_this_process("own_module:Mine").name == "Mine"
    assert (sys.path[0], sys.path.count(str(tmp_path))) == (str(tmp_path), 1)
    (tmp_path / "ends.py").write_text("raise SystemExit(3)")
    (tmp_path / "needs.py").write_text("import no_such_package")
    for name, kind, text in (("ends", PortBrokenError, "SystemExit: 3"), ("needs", PortBrokenError, "ModuleNotFound")):
        with pytest.raises(kind, match=f"^cannot import {name}: {text}"):
            resolve.find(f"{name}:Mine")


# Targets


def test_a_target_says_which_port_it_is_and_how_run_executes_it():
    for target, info, options in (
        (Target(), PortInfo("reference", __version__, "reference", CLIENTS), ()),
        (Target(REFERENCE), PortInfo("FailoverRequest", __version__, REFERENCE, CLIENTS), ("--module", REFERENCE)),
        (Target("my_ports:Mine"), PortInfo("Mine", "", "my_ports:Mine", CLIENTS), ("--module", "my_ports:Mine")),
    ):
        assert (target.info(), target.options()) == (info, options)
    assert Target("dirac").options() == ("--implementation", "dirac")


def test_run_is_told_that_a_port_must_report_the_inputs_unless_its_class_says_so():
    theirs = "my_ports:Theirs"
    assert Target(theirs).options() == ("--module", theirs, "--duties", "inputs")
    for unknown in (Target("my_ports:NUMBER"), Target("no_port:Mine"), Target(theirs, "some/python")):
        assert unknown.options() == ("--module", unknown.text)


def test_a_target_may_be_in_another_environment():
    """Its results say how it was given, and the commands in them run there."""
    target = Target("reference", sys.executable)
    assert (target.given, Target.parse(target.given)) == (f"reference --python {sys.executable}", target)
    assert (Target("x").given, Target.parse("x")) == ("x", Target("x"))
    port = Target("reference", "some/python").port()
    assert port.command == [os.path.abspath("some/python"), "-m", port_server.__name__, "reference"]
    assert target.info() == PortInfo("reference", __version__, target.given)
    assert target.program() == (sys.executable, "-m", "dirac_failover")
    assert target.options() == ()
    assert Target("x").program() == ("dirac-failover",)


def test_an_adapter_file_is_a_port_of_its_own(tmp_path):
    """It names its command itself, whatever ``--python`` is; and ``run`` cannot execute it."""
    file = tmp_path / "port.toml"
    file.write_text('name = "mine\\u001b"\ncommand = ["x"]\nenvironment = {A = "1"}\nseconds = 5\nrestarts = 0')
    for target in (Target(str(file)), Target(str(file), "some/python")):
        port = target.port()
        assert isinstance(port, SubprocessDriver)
        assert (port.name, port.command, port._environment) == ("mine\\x1b", ["x"], {"A": "1"})
        assert (port._seconds, port._start_seconds, port._starts) == (5, 60, 1)
        assert target.options() == ()
    file.write_text('command = ["a/b"]')
    assert Target(str(file)).port().name == "b"


def test_a_target_is_a_value_that_travels():
    """Processes make their own ports of it."""
    assert pickle.loads(pickle.dumps(Target("x"))) == Target("x")  # noqa: S301 - ours
    assert {Target("x"), Target("x")} == {Target("x")}
