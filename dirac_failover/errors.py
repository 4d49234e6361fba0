"""The errors that this library raises, each a class of its own, and the texts that they have in common.

A caller catches :class:`FailoverError`, or the class of one reason. Only the command line knows exit codes: its table
``dirac_failover.cli.exits.EXIT_CODES`` gives each class one.
"""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_ALIKE: Final = 0.6
"""The likeness from which one name counts as a misspelling of another; the default of :mod:`difflib`."""


class FailoverError(Exception):
    """The base of this library's errors: one line with the expected input, the found one and the way out."""


class PortError(FailoverError):
    """The user has named a port that does not exist, or that is no port."""


class ScenarioError(FailoverError, ValueError):
    """The scenario is malformed, or cannot be executed on this machine."""


class FileError(FailoverError):
    """A file cannot be read or written, or does not hold the expected data."""


class SettingError(FailoverError):
    """A setting has a value that cannot be used."""


class BrokenError(FailoverError):
    """A program other than this library broke down, or is missing: the user's input is not the reason."""


class PortBrokenError(BrokenError):
    """The port crashed, hung, or gave an answer that cannot be read: its conformance is unknown."""


class ImplementationUnavailableError(BrokenError):
    """The implementation is not installed in this environment; the text says how to install it."""


class MissingExtraError(BrokenError):
    """An optional package is not installed; the text says how to install it."""


@contextmanager
def prefixed(text: str) -> Iterator[None]:
    """Put ``text`` and a colon before the texts of this library's errors, for a ``with`` block."""
    try:
        yield
    except FailoverError as error:
        raise type(error)(f"{text}: {error}") from error


def no_such(kind: str, name: str, known: Iterable[str], listed: str = "") -> str:
    """Return the text that there is no ``kind`` of this name, with the nearest name and all known ones.

    ``listed`` names the list of them, when they are too many for a line.
    """
    names = list(known)
    there_are = listed or f"there are {', '.join(names) or 'none'}"
    return f"there is no {kind} {name!r}{nearest(name, names)} ({there_are})"


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the question whether the most alike of the known names was meant; empty if none is alike."""
    from difflib import SequenceMatcher

    name = name.casefold()
    likeness: dict[str, float] = {}
    for other in known:
        begins = len(name) > 1 and other.casefold().startswith(name)  # the beginning of a name counts as the whole
        likeness[other] = 1.0 if begins else SequenceMatcher(None, name, other.casefold()).ratio()
    best = max(likeness, key=likeness.__getitem__, default="")
    return f"; did you mean {best}?" if likeness.get(best, 0.0) >= _ALIKE else ""


def ellipsis(text: str, most: int = 160) -> str:
    """Return a text of at most so many characters: of a longer one the beginning, and a little of the end."""
    tail = min(most // 3, 50)
    return text if len(text) <= most else f"{text[: most - tail - 5]} ... {text[-tail:]}"


def read_file(path: str) -> bytes:
    """Return the content of a file that the user has named; raises FileError when it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except (OSError, ValueError) as error:  # a name may have a NUL
        raise FileError(f"Cannot read {path}: {getattr(error, 'strerror', None) or error}") from error


def visible(text: str) -> str:
    """Return ``text`` with every character that is not printable as an escape: no terminal takes it for a command."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


class Interrupted(KeyboardInterrupt):
    """A signal ends the command; unlike any other exception, it is not part of a module's outcome."""


class AstrayWarning(UserWarning):
    """The process was in another directory than the run's after the run."""


@contextmanager
def astray_told(say: Callable[[str], object]) -> Iterator[None]:
    """Pass the text of each :class:`AstrayWarning` to ``say``, for a ``with`` block; other warnings are unaffected."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", AstrayWarning)
        others = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *where: Any, **file: Any) -> None:
            if issubclass(category, AstrayWarning):
                say(str(message))
            else:
                others(message, category, *where, **file)

        warnings.showwarning = show
        yield
