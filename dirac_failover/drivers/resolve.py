"""Resolves the names that users write: of an implementation, a module class, an adapter file, or a chain of commands.

A class is a module, which runs with the clients of its implementation, or it declares itself a chain of commands, which
bring their own clients.
"""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from dirac_failover.drivers.adapter_file import ModuleAdapter, read_adapter
from dirac_failover.drivers.commands import CommandsDriver
from dirac_failover.drivers.implementations import (
    IMPLEMENTATIONS,
    REFERENCE,
    Implementation,
    implementation_of,
    version_of,
)
from dirac_failover.drivers.in_process import InProcessDriver
from dirac_failover.drivers.observe import HOOKS
from dirac_failover.drivers.port_info import PortInfo
from dirac_failover.drivers.subprocess_driver import SubprocessDriver
from dirac_failover.errors import BrokenError, PortBrokenError, PortError, ellipsis, no_such, prefixed, visible
from dirac_failover.spec.duties import INPUTS_DUE, ends_jobs
from dirac_failover.spec.facts import COMMANDS, MODULE, SHAPES

if TYPE_CHECKING:
    from collections.abc import Iterable

DEFAULT: Final = REFERENCE
SERVER: Final = "dirac_failover.drivers.port_server"
_PYTHON: Final = " --python "


@dataclass(frozen=True)
class Target:
    """The port that a user names: an implementation, ``package.module:Class``, or an adapter file ``.toml``.

    It is a value that travels to other processes; each makes its own driver of it. ``python`` is the interpreter of the
    environment of an implementation or a class, if that is not this environment.
    """

    text: str = DEFAULT
    python: str | None = None

    @classmethod
    def parse(cls, given: str) -> Target:
        """Return the target of which ``given`` is :attr:`given`."""
        text, _, python = given.partition(_PYTHON)
        return cls(text, python or None)

    @property
    def words(self) -> list[str]:
        """The words of the command line that name it."""
        return [self.text] if self.python is None else [self.text, _PYTHON.strip(), self.python]

    @property
    def given(self) -> str:
        """The words of the command line that name it, in one text."""
        return " ".join(self.words)

    def port(self) -> InProcessDriver | SubprocessDriver:
        """Return a new driver, not started; raises PortError if there is no such port, BrokenError if it is broken."""
        if self.text.endswith(".toml"):
            return from_file(self.text)
        if self.python is None:
            return in_this_process(self.text)
        return SubprocessDriver([os.path.abspath(self.python), "-m", SERVER, self.text])

    def info(self) -> PortInfo:
        """Return name, version and shape of the port, for which another process is started; raises as :meth:`port`."""
        port = self.port()
        with port.session() if isinstance(port, SubprocessDriver) else nullcontext():
            return PortInfo(port.name, port.version, self.given, port.clients, port.shape)

    def options(self) -> tuple[str, ...]:
        """Return the options with which ``run`` executes the same module; empty for a port that it cannot execute."""
        if ":" in self.text:
            try:
                found = None if self.python else find(self.text)
            except (PortError, BrokenError):
                found = None
            if getattr(found, "shape", MODULE) == COMMANDS:
                return ()
            # run needs the option, unless the class shows that the input files must be reported
            known = not isinstance(found, type) or ends_jobs(found)
            return ("--module", self.text, *(() if known else ("--duties", INPUTS_DUE)))
        return () if self.text == DEFAULT or self.text.endswith(".toml") else ("--implementation", self.text)

    def program(self) -> tuple[str, ...]:
        """Return the words that start the command in the port's environment."""
        return ("dirac-failover",) if self.python is None else (self.python, "-m", "dirac_failover")


# Implementations and classes


def find(path: str) -> Any:
    """Return the object ``package.module:Name``, for which the working directory is searched, too.

    Raises PortError when there is no such module or name, and PortBrokenError when the module cannot be imported.
    """
    package, _, name = path.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())  # as 'python -m' does
    try:
        found: Any = import_module(package)
    except (Exception, SystemExit) as error:
        missing = isinstance(error, ModuleNotFoundError) and f"{package}.".startswith(f"{error.name}.")
        text = f"cannot import {package}: {type(error).__name__}: {error}"
        raise (PortError if missing else PortBrokenError)(text) from error
    for part in name.split("."):
        if not hasattr(found, part):
            raise PortError(no_such("class", part, dir(found), f"looked for in {package}"))
        found = getattr(found, part)
    return found


def module_class(path: str, found: Any, methods: Iterable[str] = ("execute",)) -> type[Any]:
    """Return ``found``, an object at ``path``, if it is a class with the ``methods``; raises PortError otherwise."""
    if not isinstance(found, type):
        raise PortError(f"{path} is not a class but {type(found).__name__}")
    if missing := [method for method in methods if not hasattr(found, method)]:
        raise PortError(f"{path} is not a module: it has no {missing[0]}() (derive it from ModuleBase)")
    return found


def in_this_process(name: str) -> InProcessDriver:
    """Return the driver of an implementation, or of ``package.module:Name`` of a class or an Implementation.

    Raises PortError when there is no such port, and BrokenError when it was found and cannot be imported.
    """
    package, _, attribute = name.partition(":")
    if not (package and attribute):
        if name not in IMPLEMENTATIONS:
            more = f"there are {', '.join(IMPLEMENTATIONS)}, package.module:Class, or a file .toml"
            raise PortError(no_such("port", name, IMPLEMENTATIONS, more))
        return InProcessDriver(IMPLEMENTATIONS[name].load())
    with prefixed(f"Port {name}"):
        found = find(name)
        if isinstance(found, Implementation):
            return InProcessDriver(found.load())
        if _shape_of(found) == COMMANDS:
            port: InProcessDriver = commands_port(getattr(found, "commands", (found,)), attribute)
        else:
            of = implementation_of(module_class(name, found)).load()
            # Python's own texts name the class: it is renamed, so that texts compare equal
            port = InProcessDriver(of, type(of.FailoverRequest.__name__, (found,), {}))
            port.name = attribute
    port.version = version_of(package.partition(".")[0])
    return port


# Chains of commands


def from_file(path: str) -> SubprocessDriver | CommandsDriver:
    """Return the driver of the port that an adapter file describes; raises FileError, PortError and BrokenError."""
    adapter = read_adapter(path)
    given: dict[str, Any] = {"environment": adapter.environment, "seconds": adapter.seconds}
    if isinstance(adapter, ModuleAdapter):
        given |= {"start_seconds": adapter.start_seconds, "restarts": adapter.restarts}
        return SubprocessDriver(adapter.command, name=adapter.name, **given)
    with prefixed(path):
        return commands_port(adapter.commands, visible(adapter.name) or os.path.basename(path), **given)


def commands_port(commands: Any, name: str, **options: Any) -> CommandsDriver:
    """Return the driver of a chain of classes with ``execute``, paths of such classes, and programs with arguments.

    Raises PortError for anything else in the chain, and for a class with a hook, which is a module.
    """
    chain: list[Any] = []
    for item in commands if isinstance(commands, list | tuple) else [None]:
        found = find(item) if isinstance(item, str) else item
        if isinstance(found, type) and hasattr(found, "execute"):
            chain.append(_without_hooks(found))
        elif isinstance(found, list | tuple) and found and all(isinstance(it, str) and "\0" not in it for it in found):
            chain.append(list(found))
        else:
            expected = "classes with execute(path), and lists of a program and its arguments"
            raise PortError(f"commands: expected a list of {expected}, found {ellipsis(repr(commands))}")
    of = implementation_of(*(item for item in chain if isinstance(item, type)))
    return CommandsDriver(of.load(), chain, name=name, **options)


def _shape_of(found: Any) -> str:
    shape = getattr(found, "shape", MODULE)
    if shape == COMMANDS:
        _without_hooks(found)
    elif shape not in [*SHAPES]:
        raise PortError(no_such("shape", str(shape), SHAPES))
    return str(shape)


def _without_hooks(found: Any) -> Any:
    if hooks := [hook for hook in HOOKS if hasattr(found, hook)]:
        raise PortError(f"{found.__name__} is a module, since it has the hook {hooks[0]}, and no chain of commands")
    return found
