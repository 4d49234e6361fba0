"""The destination and form of a report: by the options that all commands share, and by ``--format`` and ``--output``.

A format is a name and a function from a terminal's style to the text.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any, Final

from dirac_failover.cli.exits import CommandError, write
from dirac_failover.conformance.results import write as write_file
from dirac_failover.errors import no_such
from dirac_failover.reports.terminal import Style, terminal_style

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping, Sequence

TEXT: Final = "text"
ENDINGS: Final = {
    ".html": "html",
    ".htm": "html",
    ".md": "markdown",
    ".json": "json",
    ".xml": "junit",
    ".svg": "badge",
    ".txt": TEXT,
    "": TEXT,
}
"""The format by the ending of a file's name."""
_IN_A_FILE: Final = Style(100, verbose=True)


def add_arguments(parser: argparse.ArgumentParser, formats: Sequence[str]) -> None:
    """Describe the options of a report that has these formats."""
    known = ", ".join(f"{ending} {name}" for ending, name in ENDINGS.items() if ending and name in formats)
    add = parser.add_argument
    add("--format", choices=formats, help=f"default: by the ending of --output ({known}), otherwise {TEXT}")
    add("--output", metavar="FILE", help="write it there, whole or not at all, instead of printing it")
    parser.set_defaults(formats=formats)


def deliver(arguments: argparse.Namespace, formats: Mapping[str, Callable[[Style], str]]) -> None:
    """Make the report that the arguments ask for, and print or write it; raises CommandError if that fails.

    Of the ``formats`` only those count that :func:`add_arguments` was given.
    """
    if arguments.output is not None:
        ending = os.path.splitext(arguments.output)[1].lower()
        if not arguments.format and ending not in ENDINGS:
            known = [known for known, format_ in ENDINGS.items() if known and format_ in arguments.formats]
            raise CommandError(f"--output: {no_such('format for the ending', ending, known)}; --format names one, too")
        name = arguments.format or ENDINGS[ending]
        if name not in arguments.formats:
            raise CommandError(
                f"--output: {ending} is {name}, which this report cannot be: another ending, or --format with one of "
                f"{', '.join(arguments.formats)}"
            )
        write_file(arguments.output, formats[name](_IN_A_FILE))
        return
    text = formats[arguments.format or TEXT](style_of(arguments))
    if encoding := sys.stdout.encoding:  # characters that it cannot show are escaped
        text = text.encode(encoding, "backslashreplace").decode(encoding)
    if arguments.format in {None, TEXT}:
        show(arguments, text)
    else:
        write(text)


def style_of(arguments: argparse.Namespace) -> Style:
    """Return the style of standard output that the arguments ask for."""
    return terminal_style(arguments.color, arguments.verbose)


def tell(arguments: argparse.Namespace, data: Callable[[], Any], text: Callable[[Style], str]) -> None:
    """Print what a command has found: as JSON if the arguments ask for that, else as text."""
    if arguments.json:
        print_json(data())
    else:
        show(arguments, text(style_of(arguments)))


def print_json(data: Any) -> None:
    """Print values for machines."""
    write(f"{json.dumps(data, indent=2)}\n")


def show(arguments: argparse.Namespace, text: str) -> None:
    """Print a text of sections; with the option ``-q``, print the first section alone."""
    first, end, _ = text.partition("\n\n")
    write(first + end[:1] if arguments.quiet else text)
