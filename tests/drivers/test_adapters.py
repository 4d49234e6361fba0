"""Ports are found by what a user writes, and what names none is one clear line."""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib import metadata
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from dirac_failover import __version__
from dirac_failover.drivers import adapters
from dirac_failover.drivers.subprocess_driver import RUN_SECONDS
from dirac_failover.errors import ImplementationUnavailableError, PortBrokenError, PortError

KNOWN = f"(there are {', '.join(adapters.IMPLEMENTATIONS)}, package.module:Class, or a file .toml)"
KEYS = "did you mean command? (there are name, command, environment, seconds, start_seconds, restarts, shape, commands)"
TABLE = "a table of texts without NUL, by names without '='"
DEEP = "environment" + ".a" * 20_000 + " = 1"


def test_ports_are_found_by_name():
    """An implementation, a class, or a kit."""
    assert adapters.DEFAULT == "reference"
    assert adapters.in_this_process("reference").name == "reference"
    found = adapters.in_this_process("dirac_failover.failover_request:FailoverRequest")
    assert (found.name, found.version, found.kit.name) == ("FailoverRequest", __version__, "reference")
    assert adapters.in_this_process("tests_adapters_kit:KIT").kit is sys.modules["tests_adapters_kit"].KIT


@pytest.fixture(autouse=True)
def my_module(reference, monkeypatch):
    """A user's module with a kit, and with things that are no port."""
    module = type(sys)("tests_adapters_kit")
    module.KIT, module.NUMBER = reference, 5
    module.Theirs = type(
        "Theirs", (type("Base", (), {"__module__": "DIRAC.Workflow", "execute": print}),), {"__module__": "mine"}
    )
    monkeypatch.setitem(sys.modules, "tests_adapters_kit", module)
    monkeypatch.setattr(sys, "path", [*sys.path])


def test_a_class_is_run_with_the_clients_of_what_it_is_derived_from(monkeypatch, reference):
    """Python's texts name the class, so it gets the name that they are expected to name."""
    theirs = replace(adapters.IMPLEMENTATIONS["dirac"], version="theirs", classes=reference.classes)
    monkeypatch.setitem(adapters.IMPLEMENTATIONS, "dirac", theirs)
    monkeypatch.setattr(metadata, "version", {"DIRAC": "9.1.22", "tests_adapters_kit": "5"}.get)
    found = adapters.in_this_process("tests_adapters_kit:Theirs")
    assert (found.kit.version, found.name, found.version) == ("theirs", "Theirs", "5")
    assert [kind.__name__ for kind in found._class.__mro__[:2]] == ["FailoverRequest", "Theirs"]


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        *((name, f"there is no port {name!r} {KNOWN}") for name in ("nowhere", ":b", ":", "")),
        ("reference:", f"there is no port 'reference:'; did you mean reference? {KNOWN}"),
        (
            "tests_adapters_kit:NUMBER",
            "Port tests_adapters_kit:NUMBER: tests_adapters_kit:NUMBER is not a class but int",
        ),
        (
            "nowhere:X", "Port nowhere:X: cannot import nowhere: ModuleNotFoundError: No module named 'nowhere'",
        ),
        ("json:No.thing", "Port json:No.thing: there is no class 'No' (looked for in json)"),
        (
            "json:JSONDecoder",
            "Port json:JSONDecoder: json:JSONDecoder is not a module: it has no execute() (derive it from ModuleBase)",
        ),
    ],
)  # fmt: skip
def test_a_port_that_is_not_there_is_one_clear_line(name, complaint):
    """It is the user's error, and not the port's."""
    with pytest.raises(PortError) as caught:
        adapters.in_this_process(name)
    assert str(caught.value) == complaint


def test_the_first_method_that_is_missing_is_named():
    """Of those that are asked for; a class that has them all is returned."""
    with pytest.raises(PortError, match=r"^x is not a module: it has no one\(\) \(derive it from ModuleBase\)$"):
        adapters.checked_class("x", int, ("real", "one", "two", "three"))
    assert adapters.checked_class("x", int, ("real",)) is int


def test_a_class_may_stand_in_a_class():
    """Each name leads on."""
    assert adapters.find("unittest.mock:Mock.mro.__self__") is Mock


def test_an_implementation_that_is_not_installed_is_broken(monkeypatch):
    """The message says how to get it."""

    def unavailable():
        raise ImplementationUnavailableError("get it")

    monkeypatch.setitem(adapters.IMPLEMENTATIONS, "dirac", SimpleNamespace(load=unavailable))
    with pytest.raises(ImplementationUnavailableError, match=r"^get it$"):
        adapters.in_this_process("dirac")


def test_a_users_modules_are_found_in_the_working_directory(tmp_path, monkeypatch):
    """As with 'python -m'."""
    (tmp_path / "adapters_own_module.py").write_text("class Mine: execute = print")
    monkeypatch.chdir(tmp_path)
    found = adapters.in_this_process("adapters_own_module:Mine")
    assert (found.name, found.version) == ("Mine", "")
    assert sys.path[0] == str(tmp_path)
    adapters.in_this_process("adapters_own_module:Mine")
    assert sys.path.count(str(tmp_path)) == 1
    monkeypatch.delitem(sys.modules, "adapters_own_module")
    (tmp_path / "adapters_ends.py").write_text("raise SystemExit(3)")
    with pytest.raises(PortBrokenError, match=r"^cannot import adapters_ends: SystemExit: 3$"):
        adapters.find("adapters_ends:Mine")


def test_an_adapter_file_says_everything(tmp_path):
    """Its command may speak of its own folder, and of this Python."""
    file = tmp_path / "port.toml"
    file.write_text(
        'name = "n"\ncommand = ["{python}", "{here}/{here}", "x"]\nenvironment = {A = "1"}\n'
        "seconds = 5\nstart_seconds = 2.5\nrestarts = 0\n"
    )
    found = adapters.from_file(str(file))
    assert found.command == [sys.executable, f"{tmp_path}/{tmp_path}", "x"]
    assert (found.name, found._environment, found._seconds, found._start_seconds) == ("n", {"A": "1"}, 5, 2.5)
    assert found._starts == 1
    file.write_text('command = ["a"]\nseconds = 0.5\nstart_seconds = 0.5\nrestarts = 1')
    found = adapters.from_file(str(file))
    assert (found._seconds, found._start_seconds, found._starts) == (0.5, 0.5, 2)
    file.write_text('command = ["a/b"]')
    found = adapters.from_file(str(file))
    assert (found.name, found._environment, found._seconds, found._start_seconds) == ("b", {}, RUN_SECONDS, 60.0)
    assert found._starts == 4


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("name = 5", "{}: name: expected a printable text, found 5"),
        ('name = "\\u001b[1m"', "{}: name: expected a printable text, found '\\x1b[1m'"),
        ("command = []", "{}: command: expected a list of texts without NUL, found []"),
        ("command = 'x'", "{}: command: expected a list of texts without NUL, found 'x'"),
        ("command = [1]", "{}: command: expected a list of texts without NUL, found [1]"),
        ('command = ["x\\u0000"]', "{}: command: expected a list of texts without NUL, found ['x\\x00']"),
        ("environment = 1", f"{{}}: environment: expected {TABLE}, found 1"),
        ("environment = {'a=' = 'x'}", f"{{}}: environment: expected {TABLE}, found {{{{'a=': 'x'}}}}"),
        ("environment = {a = 1}", f"{{}}: environment: expected {TABLE}, found {{{{'a': 1}}}}"),
        ("seconds = 0", "{}: seconds: expected a positive number up to 1,000,000, found 0"),
        ("seconds = inf", "{}: seconds: expected a positive number up to 1,000,000, found inf"),
        ("seconds = true", "{}: seconds: expected a positive number up to 1,000,000, found True"),
        ("start_seconds = 'x'", "{}: start_seconds: expected a positive number up to 1,000,000, found 'x'"),
        ("start_seconds = 0", "{}: start_seconds: expected a positive number up to 1,000,000, found 0"),
        ("restarts = -1", "{}: restarts: expected a whole number that is not negative, found -1"),
        ("restarts = true", "{}: restarts: expected a whole number that is not negative, found True"),
        ("kommand = []", "{}: there is no key 'kommand'; " + KEYS),
        ("name = 'x'", "{}: expected command, the program that is the port and its arguments"),
        (DEEP, f"{{}}: environment: expected {TABLE}, found one of type dict that cannot be shown"),
        ("a = " + "[" * 2000, "The adapter file {} is nested too deeply"),
        ("name = ['" + "x" * 300 + "']", "{}: name: expected a printable text, found ['" + "x" * 198 + "..."),
        ("= 5", "The adapter file {} is not TOML: Invalid statement (at line 1, column 1)"),
    ],
)  # fmt: skip
def test_an_adapter_file_that_cannot_be_understood_is_one_clear_line(tmp_path, text, complaint):
    """What was expected, and what was found."""
    file = tmp_path / "port.toml"
    file.write_text(text)
    with pytest.raises(PortError) as caught:
        adapters.from_file(str(file))
    assert str(caught.value) == complaint.format(file)


def test_an_adapter_file_that_is_not_there_is_one_clear_line():
    """As every other error of a user's."""
    with pytest.raises(PortError, match=r"^The adapter file no.toml cannot be read: No such file or directory$"):
        adapters.from_file("no.toml")
