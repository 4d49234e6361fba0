"""The expectations on a journal, and their messages: expected, found, the nearest call, a diff.

``...`` stands for any value, and as the last argument for any rest.
"""

from __future__ import annotations

from difflib import ndiff
from pprint import pformat
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dirac_fakes.journal import Call

_SHORT = 40


def matches(call: Call, target: str, method: str, args: tuple[Any, ...]) -> bool:
    """Return whether a call is the expected one."""
    if (call.target, call.method) != (target, method):
        return False
    wanted, rest = _split(args)
    found = call.args[: len(wanted)] if rest else call.args
    return len(found) == len(wanted) and all(map(_equal, wanted, found))


def _split(args: tuple[Any, ...]) -> tuple[tuple[Any, ...], bool]:
    """Return the expected arguments without a final ``...``, and whether there is one: it stands for any rest."""
    rest = args[-1:] == (...,)
    return (args[:-1] if rest else args), rest


def _equal(wanted: Any, found: Any) -> bool:
    return wanted is ... or bool(wanted == found)


def shown(target: str, method: str, args: tuple[Any, ...]) -> str:
    """Return a call as text."""
    return f"{target}.{method}({', '.join('...' if item is ... else repr(item) for item in args)})"


def found_instead(calls: Sequence[Call]) -> str:
    """Return the calls, one a line."""
    return "Found:    " + ("\n          ".join(shown(*call[:3]) for call in calls) or "no call at all")


def not_called(calls: Sequence[Call], target: str, method: str, args: tuple[Any, ...]) -> str:
    """Return the message for a missing call, with the differences of the nearest one."""
    lines = [f"Expected: {shown(target, method, args)}", found_instead(calls)]
    if calls:
        fixed, rest = _split(args)
        wanted = _fields(target, method, fixed)
        found = [_fields(*call[:3]) for call in calls]
        number = max(range(len(found)), key=lambda index: _likeness(wanted, found[index]))
        nearest = found[number]
        lines.append(f"Nearest:  call {number}, which differs in")
        for name in wanted if rest else {**wanted, **nearest}:
            lines += _difference(name, wanted, nearest)
    return "\n".join(lines)


def wrong_number(calls: Sequence[Call], number: int, times: int, call: str) -> str:
    """Return the message for a call that was made too often, or not often enough."""
    wanted = "once" if times == 1 else f"{times} times"
    return f"Expected: {call}, {wanted} and not {number}\n{found_instead(calls)}"


def unwanted(calls: Sequence[Call], name: str) -> str:
    """Return the message for a call that was not to be made."""
    return f"Expected: no call of {name}\n{found_instead(calls)}"


def out_of_order(calls: Sequence[Call], names: Sequence[str], kept: int) -> str:
    """Return the message for the first name that does not follow the one before it in the expected order."""
    after = f"after {names[kept - 1]}" if kept else "anywhere"
    lines = [
        f"Expected: {', then '.join(names)}",
        f"Found:    {', then '.join(f'{call.target}.{call.method}' for call in calls) or 'no call at all'}",
        f"Missing:  {names[kept]} {after}",
    ]
    return "\n".join(lines)


def _fields(target: str, method: str, args: tuple[Any, ...]) -> dict[str, Any]:
    return {"target": target, "method": method, **{f"args[{index}]": value for index, value in enumerate(args)}}


def _likeness(wanted: dict[str, Any], found: dict[str, Any]) -> tuple[int, int]:
    equal = sum(name in found and _equal(value, found[name]) for name, value in wanted.items())
    return equal, -len(found)


def _difference(name: str, wanted: dict[str, Any], found: dict[str, Any]) -> list[str]:
    if name in wanted and name in found:
        pair = wanted[name], found[name]
        if _equal(*pair):
            return []
        containers = all(isinstance(value, dict | list | tuple) for value in pair)
        if containers and any(len(repr(value)) > _SHORT for value in pair):
            mine, theirs = (pformat(value).splitlines() for value in pair)
            lines = ndiff(mine, theirs)
            return [
                f"          {name}: - expected, + found",
                *(f"            {line}" for line in lines if not line.startswith("?")),
            ]
    return [f"          {name}: expected {_value(wanted, name)}, found {_value(found, name)}"]


def _value(fields: dict[str, Any], name: str) -> str:
    return repr(fields[name]) if name in fields else "nothing"
