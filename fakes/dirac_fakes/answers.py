"""Answers: the result of a method's n-th call, in words for a scenario, a test or a command.

==================================  ===================================================================================
``ok``                              the method does and returns what it always does
``ok=JSON``                         the method does what it always does, and returns S_OK with that value
``operation``                       S_OK with an operation, as fail-over makes one; nothing is done
``s_error[=TEXT]``                  S_ERROR with that message; nothing is done
``bad_shape=JSON``                  that value instead of a return structure; nothing is done
``raises=NAME[:TEXT[:NUMBER]]``     that exception (one of :data:`EXCEPTIONS`) is raised; nothing is done
==================================  ===================================================================================

The n-th call gets the n-th answer, later calls get the last one; without answers every call is ``ok``. Each call is
recorded in a journal, with the text of its answer.
"""

from __future__ import annotations

import json
from functools import lru_cache, partial
from inspect import isfunction
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, TypedDict, TypeVar

from dirac_fakes.faults import meant
from dirac_fakes.journal import Call, Journal
from dirac_fakes.service import ok

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from typing import Unpack

EXCEPTIONS: Final[dict[str, type[BaseException]]] = {
    kind.__name__: kind
    for kind in (
        RuntimeError, ValueError, KeyError, TypeError, AttributeError, OSError, NotImplementedError,
        KeyboardInterrupt, SystemExit, GeneratorExit,
    )
}  # fmt: skip
"""The exceptions that an answer can raise, by name; a module contract adds its own (``GracefulTermination``)."""

OPERATIONS: Final = {"JobReport": ("ForwardDISET", b"job report"), "FileReport": ("SetFileStatus", b"file report")}
"""Type and arguments of the operation that each client answers with."""

_WORDS: Final = ("ok", "operation", "s_error", "bad_shape", "raises")
T = TypeVar("T")


class AnswerError(ValueError):
    """An answer that no method can give; the message lists the known ones."""


def _fresh(value: Any) -> Callable[[], Any]:
    """Return a function that builds ``value`` anew each time, since the caller may change it."""
    text = json.dumps(value)
    return (lambda: json.loads(text)) if isinstance(value, dict | list) else (lambda: value)


@lru_cache
def parse_answer(text: str) -> tuple[str, Any]:
    """Return the word of an answer and what follows from the rest of its text; raises :class:`AnswerError`."""
    word, equals, value = text.partition("=")
    if word in {"ok", "bad_shape"} and equals:
        try:
            return word, _fresh(json.loads(value))
        except ValueError as error:
            raise AnswerError(f"Expected JSON after {word}=, found {value!r}: {error}") from error
    if word == "raises":
        name, _, rest = value.partition(":")
        message, colon, number = rest.rpartition(":")
        if colon and number.isdecimal():
            return word, (name, (message, int(number)))
        return word, (name, (rest,) if rest else ())
    if word == "s_error":
        return word, value or "refused"
    if text in {"ok", "operation"}:
        return text, None
    raise AnswerError(
        f"No answer {text!r}{meant(word, _WORDS)} expected is ok, ok=JSON, operation, s_error[=TEXT], "
        f"bad_shape=JSON or raises=NAME[:TEXT[:NUMBER]] with NAME one of {', '.join(EXCEPTIONS)}"
    )


def check_answers(
    name: str, methods: Collection[str], answers: Mapping[str, Sequence[str]], exceptions: Iterable[str] = ()
) -> None:
    """Raise :class:`AnswerError` unless ``answers`` are lists of answers by method, of these ``methods`` of ``name``.

    ``exceptions`` are names beside those of :data:`EXCEPTIONS`.
    """
    known = [*EXCEPTIONS, *exceptions]
    for method, texts in answers.items():
        if method not in methods:
            raise AnswerError(f"No method {method!r} of {name}{meant(method, methods)} there are: {', '.join(methods)}")
        if not texts:
            raise AnswerError(f"{name}.{method}: expected one answer or more, found none")
        for text in texts:
            if not isinstance(text, str):
                raise AnswerError(f"{name}.{method}: expected the text of an answer, such as 's_error', found {text!r}")
            word, value = parse_answer(text)
            if word == "raises" and value[0] not in known:
                raise AnswerError(f"No exception {value[0]!r}{meant(value[0], known)} there are: {', '.join(known)}")
            if word == "operation" and name not in OPERATIONS:
                raise AnswerError(f"{name}.{method} makes no operation; those of {' and '.join(OPERATIONS)} do")


class Script:
    """The script that all fakes of one run share: the answers, the journal, and the class of operations.

    ``answers`` maps ``Client.method`` to its answers in order. ``exceptions`` adds to :data:`EXCEPTIONS`.
    """

    __slots__ = ("_answers", "_counts", "_exceptions", "journal", "make_operation")

    def __init__(
        self,
        answers: Mapping[str, Sequence[str]],
        journal: Journal,
        make_operation: Callable[[str], Any],
        exceptions: Mapping[str, type[BaseException]] | None = None,
    ) -> None:
        """Keep the answers; each is parsed at its first use, and :func:`parse_answer` caches it."""
        self._answers = answers
        self._counts: dict[str, int] = {}
        self._exceptions = exceptions or {}
        self.journal = journal
        self.make_operation = make_operation

    def asked(
        self, target: str, method: str, args: tuple[Any, ...], do: Callable[[], Any], *, bare: bool = False
    ) -> Any:
        """Record a call; return its answer, or raise it.

        ``do`` is the usual work of the method and returns its answer, which has no return structure if ``bare``.
        """
        key = f"{target}.{method}"
        text = "ok"
        if texts := self._answers.get(key):
            count = self._counts[key] = self._counts.get(key, 0) + 1
            text = texts[:count][-1]
        if text == "ok":
            self.journal.calls.append(Call(target, method, args, text))
            return do()
        self.journal.record(target, method, args, text, text.startswith("ok="))
        return self.answer(text, target, do, bare=bare)

    def answer(self, text: str, target: str = "", do: Callable[[], Any] = ok, *, bare: bool = False) -> Any:
        """Return the answer that ``text`` describes, or raise it: see :meth:`asked`."""
        word, value = parse_answer(text)
        if word == "ok":
            done = do()
            if value is None:
                return done
            return value() if bare else ok(value())
        if word == "raises":
            name, arguments = value
            raise (self._exceptions.get(name) or EXCEPTIONS[name])(*arguments)
        if word == "s_error":
            return {"OK": False, "Errno": 0, "Message": value, "CallStack": []}
        return ok(self.make_operation(target)) if word == "operation" else value()

    def methods(self, target: str) -> list[str]:
        """Return the methods of ``target`` that have answers."""
        start = f"{target}."
        return [key.removeprefix(start) for key in self._answers if key.startswith(start)]

    def unused(self) -> list[str]:
        """Return the methods that have answers and were never called."""
        return [key for key in self._answers if key not in self._counts]


class Scripting(TypedDict, total=False):
    """The keywords of every fake client, and of :func:`answering`."""

    answers: Mapping[str, str | Sequence[str]] | Script
    """The answers of each method, one or several; or a script that others share."""
    journal: Journal
    """The journal that records the calls; a new one by default."""
    operation: Callable[[], Any]
    """The class of the operation in the answer ``operation``: ``Operation`` of any implementation."""
    exceptions: Iterable[type[BaseException]]
    """Exceptions that answers can raise beside :data:`EXCEPTIONS`."""


def script_of(name: str, kind: Any, given: Scripting) -> Script:
    """Return the script of an object of a class, called ``name``; :class:`AnswerError` for impossible answers."""
    answers = given.get("answers", {})
    if isinstance(answers, Script):
        return answers
    if unknown := given.keys() - (known := Scripting.__annotations__).keys():
        word = min(unknown)
        raise TypeError(f"{name}: no argument {word!r}{meant(word, known)} there are: {', '.join(known)}")
    texts = {method: [answer] if isinstance(answer, str) else answer for method, answer in answers.items()}
    exceptions = {kind.__name__: kind for kind in given.get("exceptions", ())}
    check_answers(name, methods_of(kind), texts, exceptions)
    operation = given.get("operation")
    if operation is None and any("operation" in answers for answers in texts.values()):
        raise AnswerError(f"{name}: the answer 'operation' needs operation=Operation, the class that it is made of")
    keyed = {f"{name}.{method}": answers for method, answers in texts.items()}
    return Script(keyed, given.get("journal", Journal()), partial(_operation, operation or SimpleNamespace), exceptions)


def _operation(make: Callable[[], Any], target: str) -> Any:
    operation = make()
    operation.Type, operation.Arguments = OPERATIONS[target]
    return operation


@lru_cache
def methods_of(kind: Any) -> list[str]:
    """Return the names of the public methods of a class."""
    return [name for name in dir(kind) if not name.startswith("_") and isfunction(getattr(kind, name))]


def answering(thing: T, name: str = "", **scripting: Unpack[Scripting]) -> T:
    """Let methods of any object give ``answers``; return the object.

    A request is best a real one, which such answers make fail. ``name`` is its name in the journal, its class's
    unless given.

    >>> from dirac_failover import Request
    >>> request = answering(Request(), answers={"toJSON": ["s_error", "ok"]})
    >>> [request.toJSON()["OK"] for _ in range(3)]
    [False, True, True]
    """
    name = name or type(thing).__name__
    script = script_of(name, type(thing), scripting)
    for method in script.methods(name):
        setattr(thing, method, _answered(script, name, method, getattr(thing, method)))
    return thing


def _answered(script: Script, name: str, method: str, do: Callable[..., Any]) -> Callable[..., Any]:
    def answer(*args: Any, **kwargs: Any) -> Any:
        return script.asked(name, method, (*args, *kwargs.values()), partial(do, *args, **kwargs))

    return answer
