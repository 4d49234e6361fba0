from __future__ import annotations

import os
import pickle
import sys
from dataclasses import FrozenInstanceError
from types import SimpleNamespace

import pytest

from dirac_failover import FailoverRequest, __version__
from dirac_failover.conformance.results import PortInfo
from dirac_failover.conformance.target import Target
from dirac_failover.drivers import port_server
from dirac_failover.drivers.implementations import IMPLEMENTATIONS
from dirac_failover.drivers.subprocess_driver import SubprocessDriver
from dirac_failover.errors import ImplementationUnavailableError, PortError

CLIENTS = f"reference {__version__}"
REFERENCE = "dirac_failover.failover_request:FailoverRequest"


def test_without_a_name_the_target_is_the_reference():
    """It has the version, and no option for ``run``."""
    target = Target()
    port = target.port()
    assert (port.name, port.kit.FailoverRequest) == ("reference", FailoverRequest)
    assert target.info() == PortInfo("reference", __version__, "reference", CLIENTS)
    assert target.options() == ()


def test_a_class_is_run_with_the_clients_of_the_reference(tmp_path, monkeypatch):
    """It is found in the working directory too; ``run`` gets the option that a port must report the inputs."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loose_port.py").write_text(
        "from dirac_failover import FailoverRequest\nclass Mine(FailoverRequest): pass\n"
    )
    target = Target("loose_port:Mine")
    port = target.port()
    assert port.kit.name == "reference"
    assert target.info() == PortInfo("Mine", "", "loose_port:Mine", CLIENTS)
    assert target.options() == ("--module", "loose_port:Mine")
    # Python's texts name the class, which therefore has the expected name
    assert [kind.__name__ for kind in port._class.__mro__[:3]] == ["FailoverRequest", "Mine", "FailoverRequest"]
    (tmp_path / "other_port.py").write_text("class Mine:\n    execute = None\nThing = 1\n")
    assert Target("other_port:Mine").options() == ("--module", "other_port:Mine", "--duties", "inputs")
    for unknown in (Target("other_port:Thing"), Target("no_port:Mine"), Target("other_port:Mine", "some/python")):
        assert unknown.options() == ("--module", unknown.text)
    assert Target(REFERENCE).info() == PortInfo("FailoverRequest", __version__, REFERENCE, CLIENTS)


def test_another_implementation_is_an_option_of_run(monkeypatch):
    """The results have its version."""
    monkeypatch.setitem(IMPLEMENTATIONS, "other", IMPLEMENTATIONS["reference"])
    assert Target("other").options() == ("--implementation", "other")
    assert Target("other").info() == PortInfo("reference", __version__, "other", CLIENTS)


def test_an_implementation_that_is_not_installed_is_broken(monkeypatch):
    """The message says how to install it."""

    def missing():
        raise ImplementationUnavailableError("not installed: install it")

    monkeypatch.setitem(IMPLEMENTATIONS, "other", SimpleNamespace(load=missing))
    with pytest.raises(ImplementationUnavailableError, match=r"^not installed: install it$"):
        Target("other").info()


NAMES = f"(there are {', '.join(IMPLEMENTATIONS)}, package.module:Class, or a file .toml)"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        *((text, f"there is no port {text!r} {NAMES}") for text in ("nobody", ":", "a:", ":b", "")),
        (text := "no_such_package:X", f"Port {text}: cannot import no_such_package: ModuleNotFoundError: "),
        (text := "dirac_failover:Nothing", f"Port {text}: there is no class 'Nothing' (looked for in dirac_failover)"),
        (text := "json:loads", f"Port {text}: json:loads is not a class but function"),
        (text := "json:JSONDecoder", f"Port {text}: json:JSONDecoder is not a module: it has no execute() (derive "),
    ],
)
def test_a_text_that_names_no_port_is_an_error(text, message):
    """The error has the reason, or the names that exist."""
    with pytest.raises(PortError) as caught:
        Target(text).port()
    assert str(caught.value).startswith(message)


def test_a_target_may_be_in_another_environment():
    """Its results have the text that was given, and the commands in them run there."""
    target = Target("reference", sys.executable)
    assert (target.given, Target.parse(target.given)) == (f"reference --python {sys.executable}", target)
    assert (Target("x").given, Target.parse("x")) == ("x", Target("x"))
    port = Target("reference", "some/python").port()
    assert isinstance(port, SubprocessDriver)
    assert port.command == [os.path.abspath("some/python"), "-m", port_server.__name__, "reference"]
    assert target.info() == PortInfo("reference", __version__, target.given)
    assert target.program() == (sys.executable, "-m", "dirac_failover")
    assert target.options() == ()
    assert Target("x").program() == ("dirac-failover",)


def test_an_adapter_file_is_a_port_of_its_own(tmp_path):
    """It names its command itself, whatever Python is given; and ``run`` cannot execute it."""
    file = tmp_path / "port.toml"
    file.write_text('name = "mine"\ncommand = ["x"]')
    for target in (Target(str(file)), Target(str(file), "some/python")):
        port = target.port()
        assert isinstance(port, SubprocessDriver)
        assert (port.name, port.command) == ("mine", ["x"])
        assert target.options() == ()


def test_a_target_is_a_value():
    """It travels to other processes, stands in sets, and cannot be changed."""
    assert {pickle.loads(pickle.dumps(Target("x"))), Target("x")} == {Target("x")}  # noqa: S301 - ours
    with pytest.raises(FrozenInstanceError):
        Target("x").text = "y"
