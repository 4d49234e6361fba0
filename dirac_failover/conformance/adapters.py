"""Finds the port that a user names: an implementation by its name, a class, an adapter file, another environment.

A name is one of :data:`~.kits.KITS`, ``package.module:Class``, or the path of an adapter file (``.toml``). A class is a
module, which is run with the clients of the implementation that it is derived from. What may change here: what a user
may write.
"""

from __future__ import annotations

import os
import sys
import tomllib
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from dirac_failover.conformance.errors import CommandError, Exit
from dirac_failover.conformance.kits import KITS, Kit, KitUnavailableError
from dirac_failover.conformance.port import ModulePort
from dirac_failover.conformance.process_port import RESTARTS, RUN_SECONDS, START_SECONDS, ProcessPort

if TYPE_CHECKING:
    from collections.abc import Callable

SERVER: Final = "dirac_failover.conformance.port_server"


@dataclass(frozen=True)
class PortChoice:
    """Which port, and the Python of the environment in which it lives, if that is another one."""

    name: str = "reference"
    python: str | None = None
    seconds: float = RUN_SECONDS

    def open(self) -> ModulePort | ProcessPort:
        """Return the port, not started yet; raises :class:`~.errors.CommandError`."""
        if self.name.endswith(".toml"):
            return from_file(self.name, self.seconds)
        if self.python is None:
            return in_this_process(self.name)
        return ProcessPort([os.path.abspath(self.python), "-m", SERVER, self.name], seconds=self.seconds)


def in_this_process(name: str) -> ModulePort:
    """Return the port ``name`` of this environment; raises :class:`~.errors.CommandError`."""
    if ":" in name:
        found = _import(name)
        if isinstance(found, type):
            return ModulePort(_kit(_family(found)), found)
        if isinstance(found, Kit):
            return ModulePort(found)
        raise CommandError(f"{name}: expected a class, or a Kit, found {type(found).__name__}")
    if name not in KITS:
        raise CommandError(
            f"Unknown port {name!r}: expected one of {', '.join(KITS)}, package.module:Class, or a file .toml"
        )
    return ModulePort(_kit(name))


def _kit(name: str) -> Kit:
    try:
        return KITS[name]()
    except KitUnavailableError as error:
        raise CommandError(str(error), Exit.BROKEN) from error


def _family(module: type[Any]) -> str:
    """Return the implementation whose clients a module is run with: the first one that it is derived from."""
    roots = [base.__module__.partition(".")[0] for base in module.__mro__]
    return next((_BY_PACKAGE[root] for root in roots if root in _BY_PACKAGE), "reference")


_BY_PACKAGE: Final = {"dirac_failover": "reference", "DIRAC": "dirac"}


def _import(name: str) -> Any:
    package, _, attribute = name.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())  # as 'python -m' does
    try:
        return getattr(import_module(package), attribute)
    except Exception as error:
        raise CommandError(f"{name} cannot be imported: {type(error).__name__}: {error}", Exit.BROKEN) from error


_KEYS: Final[dict[str, tuple[str, Callable[[Any], bool]]]] = {
    "name": ("a text", lambda value: isinstance(value, str)),
    "command": (
        "a list of texts",
        lambda value: isinstance(value, list) and bool(value) and all(isinstance(item, str) for item in value),
    ),
    "environment": (
        "a table of texts",
        lambda value: isinstance(value, dict) and all(isinstance(item, str) for item in value.values()),
    ),
    "seconds": ("a positive number", lambda value: _is_number(value) and value > 0),
    "start_seconds": ("a positive number", lambda value: _is_number(value) and value > 0),
    "restarts": ("a whole number that is not negative", lambda value: type(value) is int and value >= 0),
}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def from_file(path: str, seconds: float = RUN_SECONDS) -> ProcessPort:
    """Return the port that an adapter file describes; raises :class:`~.errors.CommandError`.

    In ``command``, ``{here}`` is the folder of the file and ``{python}`` the Python of this process.
    """
    try:
        with open(path, "rb") as file:
            data = tomllib.load(file)
    except OSError as error:
        raise CommandError(f"The adapter file {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise CommandError(f"The adapter file {path} is not TOML: {error}") from error
    for key, value in data.items():
        if key not in _KEYS:
            raise CommandError(f"{path}: unknown key {key!r}: an adapter file has {', '.join(_KEYS)}")
        text, fits = _KEYS[key]
        if not fits(value):
            raise CommandError(f"{path}: {key}: expected {text}, found {value!r}")
    if "command" not in data:
        raise CommandError(f"{path}: expected command, the program that is the port and its arguments")
    names = {"{here}": os.path.dirname(os.path.abspath(path)), "{python}": sys.executable}
    return ProcessPort(
        [_fill(item, names) for item in data["command"]],
        name=data.get("name", ""),
        environment=data.get("environment"),
        seconds=data.get("seconds", seconds),
        start_seconds=data.get("start_seconds", START_SECONDS),
        restarts=data.get("restarts", RESTARTS),
    )


def _fill(text: str, names: dict[str, str]) -> str:
    for name, value in names.items():
        text = text.replace(name, value)
    return text
