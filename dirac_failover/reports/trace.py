"""Calls in words: the method, its arguments, and its result.

Every report shows calls by :func:`call_to_text`; values are shown by :func:`show`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from dirac_failover.drivers.describe import count
from dirac_failover.errors import ellipsis
from dirac_failover.reports.terminal import Style
from dirac_failover.spec.observation import Call, Kind
from dirac_failover.spec.scenario import HOOKS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from dirac_failover.spec.observation import Json

_MOST: Final = 6

_KNOWN_ERRORS: Final = (
    ("Connection refused", "connection refused"),
    ("Read timed out", "no answer in time"),
    ("Connection reset by peer", "connection reset"),
    ("Connection broken", "the reply ended early"),
)
"""Short words for the long error texts of an HTTPS client."""

_ECHOES: Final = frozenset({"setJobStatus", "setJobStatusBulk", "setJobApplicationStatus"})
"""The methods that answer with their arguments, as far as these changed anything."""
_PRINTABLE: Final = Style()


class Answer(NamedTuple):
    """The result of a call: its sign, its words, and their colour."""

    sign: str
    text: str
    colour: str

    @property
    def failed(self) -> bool:
        """Whether it is a failure."""
        return self.sign == "failed"


def well(text: str) -> Answer:
    """Return the answer for a success, or for a neutral result."""
    return Answer("arrow", text, "dim")


def failed(text: str) -> Answer:
    """Return the answer for a failure."""
    return Answer("failed", text, "red")


class CallText(NamedTuple):
    """A call in words: its name, the arguments in brackets, and its result; None when it needs no words."""

    name: str
    brackets: str
    answer: Answer | None

    def line(self, style: Style = _PRINTABLE) -> str:
        """Return the call and its result in one line, without characters that are not printable."""
        answer = f" {style.sign(self.answer.sign)} {self.answer.text}" if self.answer else ""
        return style.clean(f"{self.name}{self.brackets}{answer}")


def call_to_text(call: Call, style: Style = _PRINTABLE, unheeded: Sequence[Call] = ()) -> CallText:
    """Return a call in words; ``unheeded`` are the calls that :func:`ignored` yields."""
    hook, args = call.kind is Kind.HOOK, list(call.args)
    while args[-2:] == [None, None]:
        args.pop()
    said = [*map(show, args), *(f"{key}={show(value)}" for key, value in (call.kwargs or {}).items())]
    if len(args) < len(call.args):
        said[-1] = style.sign("more")
    brackets = f"({', '.join(said)})" if said or not hook else ""
    return CallText(call.method if hook else f"{call.target}.{call.method}", brackets, _answer(call, unheeded))


def _answer(call: Call, unheeded: Sequence[Call]) -> Answer | None:
    """Return the result of a call; None for a hook that has returned None."""
    answer = call.result
    if call.raised:
        graceful = answer["exception"] == "GracefulTermination"
        return well(f"ends: {show(answer)}") if graceful else failed(f"raised {show(answer)}")
    if not is_result(answer):
        return None if call.kind is Kind.HOOK and answer is None else well(show(answer))
    if any(call is one for one in unheeded):
        return well(f"returned {reason(answer.get('Message'))}, which is ignored")
    below = [inner.result for inner in call.calls if not inner.raised]
    if answer["OK"]:
        value = None if answer in below else answer.get("Value")
        said = "OK, nothing changed" if value == [[], []] else f"OK: {show(value)}"
        text = "OK" if value is None or (call.method in _ECHOES and value != [[], []]) else said
        return failed(f"{text}, but it was not done") if call.applied is False else well(text)
    if any(is_result(inner) and inner.get("Message") == answer.get("Message") for inner in below):
        return failed("not OK:")
    return failed(reason(answer.get("Message")) + (", but it was done" if call.applied else ""))


def ignored(calls: Iterable[Call], result: Json, module: str = "module") -> Iterator[tuple[str, Call]]:
    """Yield the calls of hooks that answered an error of which the result of ``execute`` is another.

    ``execute`` ignores what a hook returns. A hook that another hook calls may answer anything, and so may one whose
    answer an ``execute`` of the module's own has returned. Before each call stands the name of the class, if it is one
    of several modules of a job.
    """
    for call in calls:
        kind, _, execute = call.method.partition(".")
        if call.kind is Kind.HOOK and execute:
            yield from ignored(call.calls, call.result, kind)
        elif call.method in HOOKS and not call.raised and _failure(call.result) not in ([], _failure(result)):
            yield module, call


def _failure(answer: Json) -> list[Json]:
    """Return the message of a result that is not OK, in a list; an empty one for anything else."""
    return [answer.get("Message")] if isinstance(answer, dict) and answer.get("OK") is False else []


def is_result(answer: Json) -> bool:
    """Return whether a value is a return structure of DIRAC's."""
    return isinstance(answer, dict) and isinstance(answer.get("OK"), bool)


def reason(message: Json) -> str:
    """Return why a call failed, in a few words."""
    if not isinstance(message, str):
        return f"not OK: {show(message)}"
    return next((meaning for text, meaning in _KNOWN_ERRORS if text in message), f"not OK: {ellipsis(message)}")


def show(value: Json) -> str:
    """Return a value for people: long ones shortened, requests and operations named."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        return f"[{_first(list(map(show, value)))}]"
    if not isinstance(value, dict):
        return repr(value)
    for keys, listed, shown in _SHAPES:
        if keys <= value.keys() and isinstance(value.get(listed, []), list):
            return shown(value)
    return f"{{{_first([f'{_key(key)}: {show(item)}' for key, item in value.items()])}}}"


_SHAPES: Final[tuple[tuple[set[str], str, Callable[[dict[str, Any]], str]], ...]] = (
    ({"exception", "args"}, "args", lambda value: f"{value['exception']}({', '.join(map(show, value['args']))})"),
    ({"Type", "Arguments"}, "", lambda value: f"operation {value['Type']}"),
    ({"LFN", "FileID", "Status"}, "", lambda value: f"{value['LFN']} ({value['FileID']}) {value['Status']}"),
    (
        {"RequestName", "Operations"}, "Operations",
        lambda value: f"{value['RequestName']} of {count(len(value['Operations']), 'operation')}",
    ),
)  # fmt: skip
"""Dictionaries that are shown by name: their keys, the key with a list, and the function that shows them."""


def _first(texts: list[str]) -> str:
    more = [f"{len(texts) - _MOST} more"] if len(texts) > _MOST else []
    return ", ".join(texts[:_MOST] + more)


def _key(key: str) -> str:
    return key if key.isdecimal() or key.startswith("<") else repr(key)


def _text(value: str) -> str:
    """Return a text for people; JSON inside is shown as its values."""
    try:
        inner: Any = json.loads(value) if value.startswith('{"') else None
    except ValueError:
        inner = None
    if is_result(inner):
        return show(inner.get("Value")) if inner["OK"] else reason(inner.get("Message"))
    return ellipsis(repr(value)) if inner is None else show(inner)


def clean(text: str) -> str:
    """Return a text without characters that are not printable."""
    return _PRINTABLE.clean(text)


def steps(listed: Iterable[Sequence[Json]]) -> list[Call]:
    """Return the calls that results list as target, method, arguments and answer."""
    return [Call(*step) for step in listed]


def lines(listed: Iterable[Sequence[Json]]) -> list[str]:
    """Return calls of results as lines of text, those that the module calls indented below its hooks."""
    return [f"{'' if call.kind is Kind.HOOK else '  '}{call_to_text(call).line()}" for call in steps(listed)]
