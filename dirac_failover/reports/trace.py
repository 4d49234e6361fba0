"""The steps of a minimal scenario, as moments that any report can show: what was called, and what came of it.

Results come from files that anybody may have written, so nothing is taken for granted: whatever does not have the shape
of a step is shown as it is.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NamedTuple

from dirac_failover.errors import ellipsis
from dirac_failover.reports.terminal import Style
from dirac_failover.reports.timeline import reason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dirac_failover.spec.observation import Json

_MODULE: Final = "module"
_LONGEST: Final = 400
_PRINTABLE: Final = Style()

WELL: Final = "well"
FAILED: Final = "failed"


class Moment(NamedTuple):
    """One step, a hook of the module or a call that was made: its arguments, its answer, and whether that is good."""

    hook: bool
    name: str
    given: str = ""
    answer: str = ""
    kind: str = ""


def clean(text: str) -> str:
    """Return a text without anything that is not printed."""
    return _PRINTABLE.clean(text)


def said(value: Json) -> str:
    """Return a value in one line; a very long one is shortened."""
    return ellipsis(clean(json.dumps(value, ensure_ascii=False)), _LONGEST)


def moments(steps: Iterable[Json]) -> list[Moment]:
    """Return the steps as moments."""
    return [_moment(step) for step in steps]


def lines(steps: Iterable[Json]) -> list[str]:
    """Return the steps as lines of text, those that the module calls indented below its hooks."""
    return [
        f"{'' if moment.hook else '  '}{moment.name}{moment.given}{f' -> {moment.answer}' if moment.answer else ''}"
        for moment in moments(steps)
    ]


def _moment(step: Json) -> Moment:
    match step:
        case [str(target), str(method), list(args), answer] if target == _MODULE:
            given = f"({', '.join(map(said, args))})" if args else ""
            return Moment(True, clean(method), given, *(() if answer is None else _answer(answer)))
        case [str(target), str(method), list(args), answer]:
            while args and args[-1] is None:
                args = args[:-1]
            return Moment(False, clean(f"{target}.{method}"), f"({', '.join(map(said, args))})", *_answer(answer))
    return Moment(False, said(step))


def _answer(answer: Json) -> tuple[str, str]:
    match answer:
        case {"OK": True}:
            value = answer.get("Value")
            return ("OK" if value is None else f"OK: {said(value)}"), WELL
        case {"OK": False, "Message": str(message)}:
            return clean(reason(message)), FAILED
        case {"OK": False}:
            return f"not OK: {said(answer.get('Message'))}", FAILED
        case {"exception": str(name), "args": list(args)}:
            return clean(f"raised {name}({', '.join(map(said, args))})"), FAILED
    return said(answer), WELL
