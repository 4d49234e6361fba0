"""The journal: the ordered record of every call that reached a service or a scripted collaborator.

The recorded values must not be changed afterwards (the World copies them). A line of its JSON form is one call; tuples,
times, bytes and keys that are not text survive the way there and back. ``Call`` and the JSON form are public.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from dirac_fakes import expectations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Call(NamedTuple):
    """One call: its target, method and arguments, its answer, and whether it took effect.

    ``answer`` is the return structure as the caller saw it, without the ``rpcStub`` that repeats the call, or
    ``{'raises': repr(exception)}``. ``applied`` is true if the service did its work.
    """

    target: str
    method: str
    args: tuple[Any, ...]
    answer: Any
    applied: bool = True


_TAG = "!"


def to_plain(value: Any) -> Any:
    """Return ``value`` in JSON's types; what JSON lacks becomes ``{'!': kind, 'is': ...}``, or else its repr."""
    return _TO_PLAIN.get(type(value), _tagged_repr)(value)


def _same(value: Any) -> Any:
    return value


def _tagged_repr(value: Any) -> Any:
    return {_TAG: "repr", "is": repr(value)}


def _plain_dict(value: dict[Any, Any]) -> Any:
    if _TAG not in value and all(type(key) is str for key in value):
        return {key: to_plain(item) for key, item in value.items()}
    return {_TAG: "dict", "is": [[to_plain(key), to_plain(item)] for key, item in value.items()]}


_TO_PLAIN: dict[type, Callable[[Any], Any]] = {
    **dict.fromkeys((type(None), bool, int, float, str), _same),
    list: lambda value: [to_plain(item) for item in value],
    tuple: lambda value: {_TAG: "tuple", "is": [to_plain(item) for item in value]},
    dict: _plain_dict,
    datetime: lambda value: {_TAG: "datetime", "is": value.isoformat()},
    bytes: lambda value: {_TAG: "bytes", "is": value.hex()},
}
_FROM_PLAIN: dict[str, Callable[[Any], Any]] = {
    "dict": lambda pairs: {from_plain(key): from_plain(item) for key, item in pairs},
    "tuple": lambda items: tuple(from_plain(item) for item in items),
    "datetime": datetime.fromisoformat,
    "bytes": bytes.fromhex,
    "repr": str,
}


def from_plain(value: Any) -> Any:
    """Undo :func:`to_plain`; what was kept as its repr stays that text."""
    if isinstance(value, list):
        return [from_plain(item) for item in value]
    if isinstance(value, dict):
        if _TAG in value:
            return _FROM_PLAIN[value[_TAG]](value["is"])
        return {key: from_plain(item) for key, item in value.items()}
    return value


class Journal:
    """An append-only list of calls that can be queried, compared and written as JSON lines.

    >>> journal = Journal()
    >>> journal.record("job-state", "setJobStatusBulk", (77, {}, False), {"OK": True, "Value": None})
    >>> journal.methods()
    ['job-state.setJobStatusBulk']
    """

    __slots__ = ("calls",)

    def __init__(self, calls: list[Call] | None = None) -> None:
        """Start with ``calls``, or empty."""
        self.calls: list[Call] = [] if calls is None else calls

    def record(self, target: str, method: str, args: tuple[Any, ...], answer: Any = None, applied: bool = True) -> None:
        """Append one call; the values are kept without a copy, so the caller hands over copies of mutable ones."""
        self.calls.append(Call(target, method, args, answer, applied))

    def __iter__(self) -> Iterator[Call]:
        """Iterate over the calls, oldest first."""
        return iter(self.calls)

    def __len__(self) -> int:
        """Count the calls."""
        return len(self.calls)

    def __getitem__(self, index: int) -> Call:
        """Return the call at ``index``."""
        return self.calls[index]

    def __repr__(self) -> str:
        """Name the calls in order."""
        return f"Journal({', '.join(self.methods())})"

    def select(self, target: str | None = None, method: str | None = None) -> list[Call]:
        """Return the calls to ``target``, of ``method``, or both."""
        return [
            call
            for call in self.calls
            if (target is None or call.target == target) and (method is None or call.method == method)
        ]

    def methods(self) -> list[str]:
        """Return ``target.method`` of every call in order."""
        return [f"{call.target}.{call.method}" for call in self.calls]

    def lines(self) -> list[str]:
        """Return every call as text, in order."""
        return [expectations.shown(*call[:3]) for call in self.calls]

    def clear(self) -> None:
        """Forget all calls."""
        self.calls.clear()

    def to_json_lines(self) -> str:
        """Return one line of JSON for each call, each ended by a newline."""
        return "".join(f"{json.dumps(to_plain(call._asdict()))}\n" for call in self.calls)

    @classmethod
    def from_json_lines(cls, text: str) -> Self:
        """Read what :meth:`to_json_lines` wrote; ValueError names the line that is not a call."""
        calls = []
        for number, line in enumerate(text.splitlines(), 1):
            try:
                calls.append(Call(**from_plain(json.loads(line))))
            except (ValueError, TypeError, KeyError) as error:
                raise ValueError(f"Line {number} is not a call of a journal ({error!r}): {line}") from error
        return cls(calls)

    def assert_called(self, target: str, method: str, *args: Any, times: int | None = None) -> None:
        """Fail unless ``target.method`` was called with these ``args``: at least once, or so many ``times``.

        ``...`` stands for any value, and as the last argument for any rest. The message shows the nearest call.

        >>> journal = Journal()
        >>> journal.record("job-state", "setJobStatusBulk", (77, {}, False))
        >>> journal.assert_called("job-state", "setJobStatusBulk", 77, ...)
        >>> journal.assert_called("job-state", "setJobStatusBulk", 77, ..., True)
        Traceback (most recent call last):
        AssertionError: Expected: job-state.setJobStatusBulk(77, ..., True)
        Found:    job-state.setJobStatusBulk(77, {}, False)
        Nearest:  call 0, which differs in
                  args[2]: expected True, found False
        """
        __tracebackhide__ = True
        number = sum(expectations.matches(call, target, method, args) for call in self.calls)
        if not number and times != 0:
            raise AssertionError(expectations.not_called(self.calls, target, method, args))
        if times is not None and times != number:
            shown = expectations.shown(target, method, args)
            raise AssertionError(expectations.wrong_number(self.calls, number, times, shown))

    def assert_not_called(self, target: str, method: str | None = None) -> None:
        """Fail if ``method`` of ``target``, or any method without one, was called; the message shows the calls."""
        __tracebackhide__ = True
        if found := self.select(target, method):
            raise AssertionError(expectations.unwanted(found, f"{target}.{method}" if method else target))

    def assert_order(self, *names: str) -> None:
        """Raise AssertionError unless these calls, as ``target.method``, were made in this order, others in between."""
        __tracebackhide__ = True
        kept = 0
        for name in self.methods():
            if kept < len(names) and name == names[kept]:
                kept += 1
        if kept < len(names):
            raise AssertionError(expectations.out_of_order(self.calls, names, kept))
