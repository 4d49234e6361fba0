"""The adapter file: a TOML file that describes a port in other programs; pydantic reads, checks and describes it.

In ``command`` and ``commands``, ``{here}`` is the folder of the file and ``{python}`` the Python of this process.
"""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Mapping  # noqa: TC003 - pydantic reads it
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from dirac_failover.errors import FileError, PortError, no_such, read_file
from dirac_failover.spec.facts import COMMANDS, MODULE, SHAPES
from dirac_failover.spec.shape import ShapeError, described, matching, one_of, parse, seconds, sized, whole

RUN_SECONDS: Final = 10.0
START_SECONDS: Final = 60.0
RESTARTS: Final = 3
LONGEST: Final = 1_000_000
"""The largest number of seconds that an adapter file may set: more than eleven days."""

Text = Annotated[str, matching("^[^\\x00]*$")]
Name = Annotated[str, matching("^[^\\x00=]+$")]
Program = Annotated[list[Text], sized(1)]
Seconds = Annotated[float, seconds(LONGEST)]


@dataclass(frozen=True, kw_only=True)
class ModuleAdapter:
    """A module in another process, which gets scenarios as JSON lines."""

    command: Program
    """The program that is the port, and its arguments."""
    name: str = ""
    """The name of the port in reports; by default that of the program, or of the file."""
    environment: Mapping[Name, Text] = field(default_factory=dict)
    """Variables that its programs get beside those of this process."""
    seconds: Seconds = RUN_SECONDS
    """The seconds that a scenario may take."""
    start_seconds: Seconds = START_SECONDS
    """The seconds until the program must have sent its hello."""
    restarts: Annotated[int, whole()] = RESTARTS
    """The number of times that the program is started again after it broke."""
    shape: Annotated[str, one_of(MODULE)] = MODULE


@dataclass(frozen=True, kw_only=True)
class CommandsAdapter:
    """A chain of commands, each of which is given the path of a JSON file."""

    commands: Annotated[list[Text | Program], sized(1)]
    """The commands in their order: ``package.module:Class``, or a program with its arguments."""
    name: str = ""
    """The name of the port in reports; by default that of the program, or of the file."""
    environment: Mapping[Name, Text] = field(default_factory=dict)
    """Variables that its programs get beside those of this process."""
    seconds: Seconds = RUN_SECONDS
    """The seconds that a scenario may take."""
    shape: Annotated[str, one_of(COMMANDS)]


_KINDS: Final[dict[str, type[ModuleAdapter | CommandsAdapter]]] = {MODULE: ModuleAdapter, COMMANDS: CommandsAdapter}


def schema() -> dict[str, Any]:
    """Return the JSON Schema of an adapter file, whose TOML stands for JSON values."""
    dialect, *kinds = described(ModuleAdapter)["$schema"], described(ModuleAdapter), described(CommandsAdapter)
    return {"$schema": dialect, "title": "Adapter", "oneOf": [{**kind, "$schema": dialect} for kind in kinds]}


def read_adapter(path: str) -> ModuleAdapter | CommandsAdapter:
    """Return the description in an adapter file, with ``{here}`` and ``{python}`` filled in.

    Raises :class:`~dirac_failover.errors.FileError` when the file cannot be read, and PortError for a wrong value.
    """
    try:
        data = tomllib.loads(read_file(path).decode())
    except RecursionError as error:
        raise FileError(f"The adapter file {path} is nested too deeply") from error
    except ValueError as error:
        raise FileError(f"The adapter file {path} is not TOML: {error}") from error
    shape = data.get("shape", MODULE)
    if shape not in [*SHAPES]:
        raise PortError(f"{path}: {no_such('shape', str(shape), SHAPES)}")
    names = {"{here}": os.path.dirname(os.path.abspath(path)), "{python}": sys.executable}
    data |= {key: _filled(data[key], names) for key in ("command", "commands") if key in data}
    try:
        return parse(_KINDS[shape], data)
    except ShapeError as error:
        raise PortError(f"{path}: {error}") from error


def _filled(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_filled(item, names) for item in value]
    for name, text in names.items() if isinstance(value, str) else ():
        value = value.replace(name, text)
    return value
