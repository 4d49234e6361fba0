"""How a command ends when it cannot do what was asked: one clear line on stderr and a documented exit code.

The codes are pytest's, so that a script that knows pytest knows these.
"""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from difflib import SequenceMatcher
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_ALIKE: Final = 0.6
"""How alike two names are when one is a misspelling of the other; that of :mod:`difflib`."""


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


def no_such(kind: str, name: str, known: Iterable[str], listed: str = "") -> str:
    """Return the complaint that there is no ``kind`` of this name: with the nearest name, and with all that there are.

    ``listed`` says where they are listed, when they are too many for a line.
    """
    names = list(known)
    likeness = [SequenceMatcher(None, name.casefold(), other.casefold()).ratio() for other in names]
    best = max(likeness, default=0.0)
    hint = f"; did you mean {names[likeness.index(best)]}?" if best >= _ALIKE else ""
    return f"there is no {kind} {name!r}{hint} ({listed or 'there are ' + (', '.join(names) or 'none')})"


def visible(text: str) -> str:
    """Return ``text`` with every character that is not printable as an escape: no terminal takes it for a command."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


class Interrupted(KeyboardInterrupt):
    """A signal came that ends the command; unlike any other exception, it is no part of what a module does."""


class AstrayWarning(UserWarning):
    """Tells that after a run the process was in another directory than the run's."""


@contextmanager
def astray_told(say: Callable[[str], object]) -> Iterator[None]:
    """Hand the text of each :class:`AstrayWarning` to ``say``, for a ``with`` block; other warnings go their way."""
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
