"""How a command ends when it cannot do what was asked: one clear line on stderr and a documented exit code.

The codes are pytest's, so that a script that knows pytest knows these.
"""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command."""

    OK = 0  # everything was as asked
    DIFFERS = 1  # it ran, and what came out is not as it should be
    INTERRUPTED = 2
    BROKEN = 3  # an implementation, or the command itself, broke down
    USAGE = 4  # the command line or a file that it names cannot be used
    NOTHING_RAN = 5


class CommandError(Exception):
    """Ends a command; ``code`` is its exit code, the text says what was expected, what was found and what to do."""

    def __init__(self, message: str, code: Exit = Exit.USAGE) -> None:
        """Keep the code beside the text."""
        super().__init__(message)
        self.code = code
