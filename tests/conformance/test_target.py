from __future__ import annotations

import os
import pickle
import sys
from dataclasses import FrozenInstanceError
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from dirac_failover import FailoverRequest, __version__
from dirac_failover.conformance.results import PortInfo
from dirac_failover.conformance.target import Target
from dirac_failover.drivers import port_server
from dirac_failover.drivers.implementations import IMPLEMENTATIONS
from dirac_failover.drivers.subprocess_driver import SubprocessDriver
from dirac_failover.errors import ImplementationUnavailableError, PortError

if TYPE_CHECKING:
    from pathlib import Path

CLIENTS = f"reference {__version__}"
REFERENCE = "dirac_failover.failover_request:FailoverRequest"


def test_without_a_name_it_is_the_reference() -> None:
    """With its version, and no option for ``run``."""
    target = Target()
    port = target.port()
    assert (port.name, port.kit.FailoverRequest) == ("reference", FailoverRequest)
    assert target.info() == PortInfo("reference", __version__, "reference", CLIENTS)
    assert target.options() == ()


def test_a_class_is_run_with_the_clients_of_the_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is found in the working directory too; ``run`` is told that a port must report the inputs."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loose_port.py").write_text(
        "from dirac_failover import FailoverRequest\nclass Mine(FailoverRequest): pass\n"
    )
    target = Target("loose_port:Mine")
    port = target.port()
    assert port.kit.name == "reference"
    assert target.info() == PortInfo("Mine", "", "loose_port:Mine", CLIENTS)
    assert target.options() == ("--module", "loose_port:Mine")
    (tmp_path / "other_port.py").write_text("class Mine:\n    execute = None\nThing = 1\n")
    assert Target("other_port:Mine").options() == ("--module", "other_port:Mine", "--duties", "inputs")
    for unknown in (Target("other_port:Thing"), Target("no_port:Mine"), Target("other_port:Mine", "some/python")):
        assert unknown.options() == ("--module", unknown.text)
    assert Target(REFERENCE).info() == PortInfo("FailoverRequest", __version__, REFERENCE, CLIENTS)


def test_what_a_class_is_called_makes_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's texts name the class: here it has the name that they are expected to name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "named_port.py").write_text(
        "from dirac_failover import FailoverRequest\nclass Strange(FailoverRequest): pass\n"
    )
    module = Target("named_port:Strange").port()._class  # what it runs
    assert module.__name__ == "FailoverRequest"
    assert [kind.__name__ for kind in module.__mro__[1:3]] == ["Strange", "FailoverRequest"]


def test_another_kit_is_an_option_of_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """And says its version."""
    monkeypatch.setitem(IMPLEMENTATIONS, "other", IMPLEMENTATIONS["reference"])
    assert Target("other").options() == ("--implementation", "other")
    assert Target("other").info() == PortInfo("reference", __version__, "other", CLIENTS)


def test_what_is_not_installed_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says how to get it."""

    def missing() -> None:
        raise ImplementationUnavailableError("not installed: install it")

    monkeypatch.setitem(IMPLEMENTATIONS, "other", SimpleNamespace(load=missing))
    with pytest.raises(ImplementationUnavailableError, match=r"^not installed: install it$"):
        Target("other").info()


@pytest.mark.parametrize("text", ["nobody", ":", "a:", ":b", ""])
def test_what_names_nothing_is_an_error_of_usage(text: str) -> None:
    """With what there is."""
    with pytest.raises(PortError) as said:
        Target(text).port()
    assert str(said.value) == (
        f"there is no port {text!r} (there are {', '.join(IMPLEMENTATIONS)}, package.module:Class, or a file .toml)"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no_such_package:X", "cannot import no_such_package: ModuleNotFoundError: No module named 'no_such_package'"),
        ("dirac_failover:Nothing", "there is no class 'Nothing' (looked for in dirac_failover)"),
        ("json:loads", "json:loads is not a class but function"),
        ("json:JSONDecoder", "json:JSONDecoder is not a module: it has no execute() (derive it from ModuleBase)"),
    ],
)
def test_what_is_no_port_is_an_error_of_usage(text: str, message: str) -> None:
    """As ``run --module`` says it."""
    with pytest.raises(PortError) as said:
        Target(text).port()
    assert str(said.value) == f"Port {text}: {message}"


def test_a_target_may_be_in_another_environment() -> None:
    """Its results say how it was given, and the commands in them run there."""
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


def test_an_adapter_file_is_a_port_of_its_own(tmp_path: Path) -> None:
    """Whatever Python is given: it says its command itself; and ``run`` cannot execute it."""
    file = tmp_path / "port.toml"
    file.write_text('name = "mine"\ncommand = ["x"]')
    for target in (Target(str(file)), Target(str(file), "some/python")):
        port = target.port()
        assert isinstance(port, SubprocessDriver)
        assert (port.name, port.command) == ("mine", ["x"])
        assert target.options() == ()


def test_a_target_travels() -> None:
    """To the processes that make their own ports of it."""
    assert pickle.loads(pickle.dumps(Target("x"))) == Target("x")  # noqa: S301 - ours


def test_a_target_stays_what_it_is() -> None:
    """Nobody changes it on the way; it can stand in sets."""
    with pytest.raises(FrozenInstanceError):
        Target("x").text = "y"  # type: ignore[misc]
    assert {Target("x"), Target("x")} == {Target("x")}
