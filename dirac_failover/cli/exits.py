"""The end of a command that fails: one clear line on stderr and a documented exit code.

The codes are pytest's, so that a script that knows pytest knows these. The library raises the errors of
:mod:`dirac_failover.errors`, which have no exit codes; :data:`EXIT_CODES` is the only place that gives them one.
"""

from __future__ import annotations

import os
import sys
from enum import IntEnum
from typing import Final

from dirac_failover.errors import BrokenError, FailoverError


class Exit(IntEnum):
    """Exit codes of every command."""

    OK = 0  # the command did its work, and nothing is wrong
    DIFFERS = 1  # it ran, and the result is not the wanted one
    INTERRUPTED = 2
    BROKEN = 3  # an implementation, or the command itself, broke down
    USAGE = 4  # the command line or a file that it names cannot be used
    NOTHING_RAN = 5


class CommandError(FailoverError):
    """The command line cannot be used."""


class NeverStruckError(CommandError):
    """The command ran, but a fault that the user asked for never struck."""


EXIT_CODES: Final[dict[type[BaseException], Exit]] = {
    FailoverError: Exit.USAGE,
    NeverStruckError: Exit.DIFFERS,
    BrokenError: Exit.BROKEN,
    KeyboardInterrupt: Exit.INTERRUPTED,
    Exception: Exit.BROKEN,
}
"""The exit code of each class of errors, and of the classes derived from it unless they have a row of their own."""


def exit_code(error: BaseException) -> Exit:
    """Return the exit code of a command that ends with ``error``."""
    return next(EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES)


def write(text: str) -> None:
    """Print a text and all before it; a reader that has closed the pipe changes neither the work nor the exit code."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        put_away_output()


def put_away_output() -> None:
    """Send the rest of the output to the null device, so that the interpreter ends without an error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
