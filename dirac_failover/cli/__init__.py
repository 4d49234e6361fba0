"""The command ``dirac-failover``: a table of verbs, and how a command ends.

A verb is a module of this package with ``add_arguments(parser)`` and ``execute(arguments) -> int``: it has the options,
and prints. It is imported when its command is used, so that the help of the whole is quick.
"""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
import threading
from contextlib import ExitStack, contextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NoReturn

from dirac_failover import __version__
from dirac_failover.cli.exits import CommandError, Exit, exit_code, put_away_output, write
from dirac_failover.errors import FailoverError, Interrupted, MissingExtraError, astray_told, no_such, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from types import ModuleType

PROGRAM: Final = "dirac-failover"


VERBS: Final = {
    "run": "run the end of a job, break what you like, see what is lost",
    "verify": "check an implementation against the contract, clause by clause",
    "clauses": "list the clauses of the contract",
    "explain": "say what a clause is for, and show a job end that is about it",
    "learn": "lessons: predict how a module or a job ends, then look",
    "differential": "run every scenario on two implementations",
    "serve": "serve an in-memory DIRAC over HTTPS, and break it on purpose",
    "zoo": "list known bugs, and see which of them your tests miss",
    "compare": "show ports, or versions of one, side by side",
    "diff": "say what changed between two results, and what regressed",
    "report": "turn results into Markdown, HTML, JUnit XML or a badge",
    "schema": "print the JSON Schema of what is read or printed",
    "completion": "print a script that completes commands, options and values in a shell",
}
"""Each command, and its effect in a few words; the module of this package with that name has its options."""

EXAMPLES: Final = {
    "run": ("run --accounting 2 --fault accounting:down", "run --module mymodule:MyModule --input /vo/a --check"),
    "verify": ("verify mymodule:MyModule --near 2 --fail-fast", "verify port.toml --output results.json"),
    "clauses": ("clauses --level lossless",),
    "explain": ("explain LL-001", "explain CO-011 --module mymodule:MyModule"),
    "learn": ("learn", "learn an-outage"),
    "differential": ("differential reference dirac --region answers",),
    "serve": ("serve --fault job-state:down --write-config dirac.cfg",),
    "zoo": ("zoo", "zoo --tests tests/test_mymodule.py"),
    "compare": ("compare before.json after.json", "compare *.json --output matrix.html"),
    "diff": ("diff before.json after.json --format markdown",),
    "report": ("report results.json --output results.xml",),
    "schema": ("schema run",),
    "completion": ("completion bash",),
}
"""Examples of each command, for its help."""
_SILENT: Final = ("serve", "schema", "completion")
"""The commands that print nothing of which a reader wants less, more or colours."""

_EXIT_CODES: Final = """exit codes:
  0  it ran, and all is as it should be
  1  it ran, and something is not as it should be
  2  interrupted
  3  an implementation, or the command itself, broke down
  4  the command line, or a file that it names, cannot be used
  5  nothing ran
"""
_DEBUG: Final = "--debug"
_INTERRUPTED: Final = "interrupted"
_ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)
_GRACE: Final = 5  # seconds until an interrupted command ends in any case
_AGAIN: Final = 0.05
_NOT_PRINTED: Final = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EBADF)
"""The errors of a printing that failed; a command that writes another file handles its own errors."""


class _Parser(argparse.ArgumentParser):
    """A parser that raises CommandError, as all other code of the command does."""

    def error(self, message: str) -> NoReturn:
        raise CommandError(f"{message} (see '{self.prog} --help')")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            option = next(iter(action.option_strings), "")
            kind = option.removeprefix("--") or str(action.metavar or action.dest).lower()
            raise CommandError(f"{option}: {no_such(kind, value, action.choices)}".removeprefix(": "))


def command() -> int:
    """Run the process's own command line in a child process, and clean up after it, also if it is killed."""
    if sys.argv[1:] == ["--version"]:  # it leaves nothing behind
        return main()
    from dirac_failover.drivers import sandbox, supervisor

    with ExitStack() as stack:
        directory = None
        with suppress(OSError):  # the command that needs one reports its absence
            directory = stack.enter_context(sandbox.temporary("failover-"))
        if (status := supervisor.guard()) is None:
            if directory:
                stack.enter_context(sandbox.stay_within(directory))
            return main()
    if (code := os.waitstatus_to_exitcode(status)) >= 0:
        return code
    return _ended((), f"broke down: a module, or the system, ended it by {signal.Signals(-code).name}", Exit.BROKEN)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line (the process's own) and return its exit code; a complaint is one line on stderr."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # the caller closed it, and wants the exit code alone
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - until the process ends
    try:
        with _signals(), astray_told(_warn):
            code = _run(given)
        write("")  # the help is still to be printed
    except FailoverError as error:
        return _ended(given, str(error), exit_code(error))
    except KeyboardInterrupt as error:
        return _ended(given, _INTERRUPTED, exit_code(error))
    except Exception as error:  # noqa: BLE001 - a traceback is shown with --debug only
        if isinstance(error, OSError) and error.errno in _NOT_PRINTED and error.filename is None:
            put_away_output()
            return _ended(given, f"cannot print: {error.strerror}", Exit.USAGE)
        text = f"{type(error).__name__}: {error}"
        return _ended(given, f"broke down: {text} ({_DEBUG} shows where)", exit_code(error))
    return code


@contextmanager
def _signals() -> Iterator[None]:
    """End the command by the first SIGINT, SIGTERM or SIGHUP, after the clean-up; later signals have no effect.

    A module may catch the exception and continue: after a few seconds the command ends all the same. Python ignores an
    exception in a callback: then it is raised again a moment later.
    """
    heard, ignored = threading.Event(), threading.Event()
    others = sys.unraisablehook

    def interrupt(number: int, _: object) -> None:
        if number == signal.SIGALRM and not ignored.is_set():
            _end()
        if ignored.is_set() or not heard.is_set():
            heard.set()
            ignored.clear()
            signal.alarm(_GRACE)
            raise Interrupted

    def ignore(found: Any) -> None:
        if found.exc_type is Interrupted:
            ignored.set()
            signal.setitimer(signal.ITIMER_REAL, _AGAIN)
        else:
            others(found)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, interrupt) for number in _ENDING}
    sys.unraisablehook = ignore
    try:
        yield
    finally:
        signal.alarm(0)
        sys.unraisablehook = others
        for number, handler in before.items():
            signal.signal(number, handler)
        if heard.is_set():
            raise Interrupted


def _end() -> None:
    """End the process at once; its supervisor ends its descendants, and removes its temporary directories."""
    os._exit(_ended((), _INTERRUPTED, Exit.INTERRUPTED))


def _warn(text: str) -> None:
    print(f"{PROGRAM}: warning: {visible(text)}", file=sys.stderr)  # noqa: T201 - its purpose


def _ended(given: Sequence[str], message: str, code: Exit) -> int:
    if _DEBUG in given:
        import traceback

        traceback.print_exc()
    print(f"{PROGRAM}: error: {visible(' '.join(message.split()))}", file=sys.stderr)  # noqa: T201 - its purpose
    return code


def make_parser(verbs: Iterable[str]) -> argparse.ArgumentParser:
    """Return the parser of the command; of the commands, only ``verbs`` have their options, since that imports them."""
    parser = _Parser(
        prog=PROGRAM,
        description="The end of a DIRAC job on an in-memory DIRAC that can be broken on purpose.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    parser.add_argument(_DEBUG, action="store_true", help="show where an error comes from")
    commands = parser.add_subparsers(metavar="COMMAND", title="commands", dest="verb")
    for name, summary in VERBS.items():
        added = commands.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        added.add_argument(_DEBUG, action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        added.set_defaults(parser=added)
        if name in verbs:
            _verb(name).add_arguments(added)
            if name not in _SILENT:
                add_shared(added)
            examples = [f"  {PROGRAM} {example}" for example in EXAMPLES[name]]
            added.epilog = "\n".join(["examples:", *examples, *(["", added.epilog] if added.epilog else [])])
    return parser


def add_shared(parser: argparse.ArgumentParser) -> None:
    """Describe the options that commands have in common."""
    add = parser.add_argument_group("how much is shown, and how").add_argument
    # fmt: off
    add("--color", choices=["auto", "always", "never"], default="auto",
        help="colours (default: on a terminal, unless NO_COLOR is set)")
    add("-q", "--quiet", action="store_true", help="print the verdict alone, the first section")
    add("-v", "--verbose", action="store_true", help="print every line, whole; long values are whole with --json")
    # fmt: on


def _run(given: list[str]) -> int:
    parser = make_parser([argument for argument in given if not argument.startswith("-")][:1])
    try:
        arguments, unknown = parser.parse_known_args(given)
    except SystemExit:  # --help and --version have been answered
        return Exit.OK
    if unknown:
        _refuse(getattr(arguments, "parser", parser), unknown)
    if arguments.verb is None:
        parser.print_help()
        return Exit.OK
    code: int = _verb(arguments.verb).execute(arguments)
    return code


def _refuse(parser: argparse.ArgumentParser, unknown: Sequence[str]) -> NoReturn:
    name = unknown[0].partition("=")[0]
    if name.startswith("--"):
        known = [option for action in parser._actions for option in action.option_strings]  # noqa: SLF001 - no other way
        raise CommandError(no_such("option", name, known, f"'{parser.prog} --help' lists them"))
    parser.error(f"unrecognized arguments: {' '.join(unknown)}")


def _verb(name: str) -> ModuleType:
    try:
        return import_module(f"{__name__}.{name}")
    except ModuleNotFoundError as error:
        text = f"{error.name} is not installed here: 'pip install .' (or '-e .') in the checkout installs it"
        raise MissingExtraError(text) from error
