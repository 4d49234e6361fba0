"""The destination and form of a report: the options ``--format``, ``--output`` and ``--color`` of every report.

A format is a name and a function from a terminal's style to the text.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from dirac_failover.cli.exits import CommandError
from dirac_failover.conformance.results import write
from dirac_failover.errors import no_such
from dirac_failover.reports.terminal import Style, add_color, terminal_style

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
_IN_A_FILE: Final = Style(100)


def add_arguments(parser: argparse.ArgumentParser, formats: Sequence[str]) -> None:
    """Describe the options of a report that has these formats."""
    known = ", ".join(f"{ending} {name}" for ending, name in ENDINGS.items() if ending and name in formats)
    add = parser.add_argument
    add("--format", choices=formats, help=f"default: by the ending of --output ({known}), otherwise {TEXT}")
    add("--output", metavar="FILE", help="write it there, whole or not at all, instead of printing it")
    add_color(parser)
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
        write(arguments.output, formats[name](_IN_A_FILE))
        return
    text = formats[arguments.format or TEXT](terminal_style(arguments.color))
    if encoding := sys.stdout.encoding:  # characters that it cannot show are escaped
        text = text.encode(encoding, "backslashreplace").decode(encoding)
    sys.stdout.write(text)
