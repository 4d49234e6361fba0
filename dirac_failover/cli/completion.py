"""``dirac-failover completion``: a script for a shell, which completes commands, options and values."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from dirac_failover.cli import VERBS, make_parser
from dirac_failover.cli.exits import Exit, write
from dirac_failover.conformance.zoo import BUGS
from dirac_failover.drivers.implementations import IMPLEMENTATIONS
from dirac_failover.errors import MissingExtraError
from dirac_failover.lessons.hazards import hazards
from dirac_failover.lessons.lessons import LESSONS
from dirac_failover.spec.clauses import CLAUSES

if TYPE_CHECKING:
    import argparse

_CLAUSES: Final = tuple(clause.id for clause in CLAUSES)
_VALUES: Final = {
    "ID": (*_CLAUSES, *hazards()), "CLAUSE": _CLAUSES, "clauses": _CLAUSES, "bug": tuple(BUGS),
    "LESSON": tuple(lesson.name for lesson in LESSONS),
    **dict.fromkeys(("PORT", "LEFT", "RIGHT", "implementation"), tuple(IMPLEMENTATIONS)),
}  # fmt: skip
"""The values of arguments without choices in argparse, by the name in the help or in the code."""
_FILES: Final = ("FILE", "FILE|NAME", "PATH", "RESULTS", "OLD", "NEW")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("shell", choices=["bash", "zsh", "tcsh"], help="the shell that runs the script")
    parser.epilog = 'For bash: eval "$(dirac-failover completion bash)", in ~/.bashrc.'


def execute(arguments: argparse.Namespace) -> int:
    """Run the command; return its exit code."""
    try:
        shtab: Any = import_module("shtab")
    except ModuleNotFoundError as error:
        text = "completion needs the package shtab: pip install 'dirac-failover[completion]'"
        raise MissingExtraError(text) from error
    parser = make_parser(VERBS)
    for command in parser._subparsers._group_actions[0].choices.values():  # type: ignore[union-attr]  # noqa: SLF001
        for action in command._actions:  # noqa: SLF001 - argparse has no other way
            if action.nargs != 0 and action.choices is None:
                action.choices = _VALUES.get(action.metavar, _VALUES.get(action.dest))
            if action.metavar in _FILES:
                action.complete = shtab.FILE
    write(shtab.complete(parser, arguments.shell))
    return Exit.OK
