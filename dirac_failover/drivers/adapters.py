"""Finds the port that a user names: an implementation by its name, a class, or an adapter file.

A class is a module, which is run with the clients of the implementation that it is derived from, or it says that it is
a chain of commands, whose clients are their own. What may change here: what a user may write.
"""

from __future__ import annotations

import os
import sys
import tomllib
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, TypeGuard

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
from dirac_failover.drivers.subprocess_driver import SubprocessDriver
from dirac_failover.errors import BrokenError, PortBrokenError, PortError, no_such
from dirac_failover.spec.facts import COMMANDS, MODULE, SHAPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

DEFAULT: Final = REFERENCE


def in_this_process(name: str) -> InProcessDriver:
    """Return the port ``name``: of :data:`IMPLEMENTATIONS`, or ``package.module:Name`` of a class or an Implementation.

    Raises :class:`~.errors.PortError` when there is no such thing, and :class:`~.errors.BrokenError` when it was found
    and cannot be imported.
    """
    package, _, attribute = name.partition(":")
    if not (package and attribute):
        if name not in IMPLEMENTATIONS:
            more = f"there are {', '.join(IMPLEMENTATIONS)}, package.module:Class, or a file .toml"
            raise PortError(no_such("port", name, IMPLEMENTATIONS, more))
        return InProcessDriver(implementation(name))
    try:
        found = find(name)
        if isinstance(found, Implementation):
            return InProcessDriver(found.load())
        if shape_of(found) == COMMANDS:
            port: InProcessDriver = commands_port(getattr(found, "commands", (found,)), attribute)
            port.version = version_of(package.partition(".")[0])
            return port
        of = implementation_of(checked_class(name, found)).load()
    except (PortError, BrokenError) as error:
        raise type(error)(f"Port {name}: {error}") from error
    # Python's own texts name the class, and what a class is called is its author's affair
    port = InProcessDriver(of, type(of.FailoverRequest.__name__, (found,), {}))
    port.name, port.version = attribute, version_of(package.partition(".")[0])
    return port


def shape_of(found: Any) -> str:
    """Return the shape that a class says it has; raises PortError when there is none such, or it has another."""
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


def commands_port(commands: Any, name: str, **options: Any) -> CommandsDriver:
    """Return the port of a chain of classes with ``execute``, paths of such classes, and programs with arguments.

    Raises PortError for what is none of these, and for a class with a hook, which is a module.
    """
    chain: list[Any] = []
    for item in commands if isinstance(commands, list | tuple) else [None]:
        found = find(item) if isinstance(item, str) else item
        if isinstance(found, type) and hasattr(found, "execute"):
            chain.append(_without_hooks(found))
        elif _is_program(found):
            chain.append(list(found))
        else:
            expected = "classes with execute(path), and lists of a program and its arguments"
            raise PortError(f"commands: expected a list of {expected}, found {_shown(commands)}")
    of = implementation_of(*(item for item in chain if isinstance(item, type)))
    return CommandsDriver(of.load(), chain, name=name, **options)


def implementation(name: str) -> Implementation:
    """Return an implementation by its name; raises ImplementationUnavailableError when it is not installed here."""
    return IMPLEMENTATIONS[name].load()


def find(path: str) -> Any:
    """Return what ``package.module:Name`` names, looking in the working directory too; raises PortError."""
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


def checked_class(path: str, found: Any, methods: Iterable[str] = ("execute",)) -> type[Any]:
    """Return ``found`` at ``path`` if it is a class with the ``methods``; raises PortError otherwise."""
    if not isinstance(found, type):
        raise PortError(f"{path} is not a class but {type(found).__name__}")
    if missing := [method for method in methods if not hasattr(found, method)]:
        raise PortError(f"{path} is not a module: it has no {missing[0]}() (derive it from ModuleBase)")
    return found


def _is_program(value: Any) -> TypeGuard[Sequence[str]]:
    return isinstance(value, list | tuple) and bool(value) and all(map(_is_text, value))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and "\0" not in value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_SHOWN: Final = 200
LONGEST: Final = 1_000_000
"""Seconds that a port may be given: more than eleven days."""

# The arguments of a SubprocessDriver, or of a CommandsDriver
_KEYS: Final[dict[str, tuple[str, Callable[[Any], bool]]]] = {
    "name": ("a printable text", lambda value: isinstance(value, str) and value.isprintable()),
    "command": ("a list of texts without NUL", _is_program),
    "environment": (
        "a table of texts without NUL, by names without '='",
        lambda value: (
            isinstance(value, dict)
            and all(_is_text(item) and _is_text(name) and name and "=" not in name for name, item in value.items())
        ),
    ),
    "seconds": (f"a positive number up to {LONGEST:,}", lambda value: _is_number(value) and 0 < value <= LONGEST),
    "start_seconds": (f"a positive number up to {LONGEST:,}", lambda value: _is_number(value) and 0 < value <= LONGEST),
    "restarts": ("a whole number that is not negative", lambda value: type(value) is int and value >= 0),
    "shape": (" or ".join(SHAPES), lambda value: isinstance(value, str) and value in SHAPES),
    "commands": ("a list of commands", lambda value: isinstance(value, list) and bool(value)),
}


def _parsed(path: str) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise PortError(f"The adapter file {path} cannot be read: {error.strerror}") from error
    except RecursionError as error:
        raise PortError(f"The adapter file {path} is nested too deeply") from error
    except ValueError as error:
        raise PortError(f"The adapter file {path} is not TOML: {error}") from error


def from_file(path: str) -> SubprocessDriver | CommandsDriver:
    """Return the port that an adapter file describes; raises :class:`~.errors.PortError`.

    In ``command``, ``{here}`` is the folder of the file and ``{python}`` the Python of this process.
    """
    data = _parsed(path)
    for key, value in data.items():
        if key not in _KEYS:
            raise PortError(f"{path}: {no_such('key', key, _KEYS)}")
        text, fits = _KEYS[key]
        if not fits(value):
            raise PortError(f"{path}: {key}: expected {text}, found {_shown(value)}")
    shape, here = data.pop("shape", MODULE), os.path.dirname(os.path.abspath(path))
    if unfit := [key for key in data if _OF_SHAPE.get(key, shape) != shape]:
        raise PortError(f"{path}: {unfit[0]} is not for the shape {shape}, but for {_OF_SHAPE[unfit[0]]}")
    key, text = _NEEDED[shape]
    if key not in data:
        raise PortError(f"{path}: expected {key}, {text}")
    names = {"{here}": here, "{python}": sys.executable}
    if shape == MODULE:
        return SubprocessDriver(**{**data, "command": [_fill(item, names) for item in data["command"]]})
    commands = [[_fill(part, names) for part in item] if _is_program(item) else item for item in data.pop("commands")]
    try:
        return commands_port(commands, data.pop("name", os.path.basename(path)), **data)
    except (PortError, BrokenError) as error:
        raise type(error)(f"{path}: {error}") from error


_OF_SHAPE: Final = {**dict.fromkeys(("command", "start_seconds", "restarts"), MODULE), "commands": COMMANDS}
_NEEDED: Final = {
    MODULE: ("command", "the program that is the port and its arguments"),
    COMMANDS: ("commands", "a list of classes and programs"),
}


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except (RecursionError, ValueError):  # it is nested too deeply, or an integer with too many digits
        text = f"one of type {type(value).__name__} that cannot be shown"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _fill(text: str, names: dict[str, str]) -> str:
    for name, value in names.items():
        text = text.replace(name, value)
    return text
