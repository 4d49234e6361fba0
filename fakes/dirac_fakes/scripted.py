"""Scripted collaborators: doubles that answer what they are told, also what no real client ever answers.

An answer is a text, so that it can stand in a scenario:

==================================  ===================================================================================
``ok``                              S_OK with what a healthy collaborator would answer; its state changes accordingly
``ok=JSON``                         S_OK with that value; the state changes as for ``ok``
``operation``                       S_OK with an operation, as fail-over makes one
``s_error[=TEXT]``                  S_ERROR with that message
``bad_shape=JSON``                  that value instead of a return structure
``raises=NAME[:TEXT[:NUMBER]]``     that exception (one of :data:`EXCEPTIONS`)
==================================  ===================================================================================

The n-th call gets the n-th answer, later calls the last one; without answers every call is ``ok``. Each call is
recorded in the journal, with the text of its answer. What may change here: which methods a double has; they are those
that a module calls.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dirac_fakes.journal import Journal

EXCEPTIONS: Final[dict[str, type[BaseException]]] = {
    kind.__name__: kind
    for kind in (
        RuntimeError, ValueError, KeyError, TypeError, AttributeError, OSError, NotImplementedError,
        KeyboardInterrupt, SystemExit, GeneratorExit,
    )
}  # fmt: skip
"""The exceptions that an answer can raise, by name; a module contract adds its own (``GracefulTermination``)."""


class AnswerError(ValueError):
    """An answer that cannot be understood; the message says what can be."""


def _fresh(value: Any) -> Callable[[], Any]:
    """Return a function that builds ``value`` anew each time: whoever gets an answer may change it."""
    text = json.dumps(value)
    return (lambda: json.loads(text)) if isinstance(value, dict | list) else (lambda: value)


@lru_cache
def parse_answer(text: str) -> tuple[str, Any]:
    """Return the kind of an answer and what it needs; raises :class:`AnswerError`."""
    kind, equals, value = text.partition("=")
    if kind in {"ok", "bad_shape"} and equals:
        try:
            return kind, _fresh(json.loads(value))
        except ValueError as error:
            raise AnswerError(f"Expected JSON after {kind}=, found {value!r}: {error}") from error
    if kind == "raises":
        name, _, rest = value.partition(":")
        message, colon, number = rest.rpartition(":")
        if colon and number.isdecimal():
            return kind, (name, (message, int(number)))
        return kind, (name, (rest,) if rest else ())
    if kind == "s_error":
        return kind, value or "refused"
    if text in {"ok", "operation"}:
        return text, None
    raise AnswerError(
        f"Unknown answer {text!r}: expected ok, ok=JSON, operation, s_error[=TEXT], bad_shape=JSON or "
        f"raises=NAME[:TEXT[:NUMBER]] with NAME one of {', '.join(EXCEPTIONS)}"
    )


_HEALTHY: Final = ("ok",)


class Script:
    """What all doubles of one run share: the answers, the journal, and how to make an operation.

    ``answers`` maps ``Collaborator.method`` to its answers in order. ``exceptions`` adds to :data:`EXCEPTIONS`.
    """

    __slots__ = ("_answers", "_counts", "_exceptions", "journal", "make_operation")

    def __init__(
        self,
        answers: Mapping[str, Sequence[str]],
        journal: Journal,
        make_operation: Callable[[str], Any],
        exceptions: Mapping[str, type[BaseException]] | None = None,
    ) -> None:
        """Parse nothing yet: an answer is parsed when it is asked for, and :func:`parse_answer` remembers it."""
        self._answers = answers
        self._counts: dict[str, int] = {}
        self._exceptions = exceptions or {}
        self.journal = journal
        self.make_operation = make_operation

    def asked(self, target: str, method: str, args: tuple[Any, ...], healthy: Any) -> tuple[bool, Any]:
        """Record a call and answer it: whether the state is to change, and the answer; may raise the answer.

        ``healthy`` is the Value of a plain ``ok``.
        """
        key = f"{target}.{method}"
        answers = self._answers.get(key, _HEALTHY)
        count = self._counts[key] = self._counts.get(key, 0) + 1
        text = answers[:count][-1]
        applied = parse_answer(text)[0] == "ok"
        self.journal.record(target, method, args, text, applied)
        return applied, self.answer(text, target, healthy)

    def answer(self, text: str, target: str = "", healthy: Any = None) -> Any:
        """Return what the answer ``text`` says, or raise it; ``healthy`` is the Value of a plain ``ok``."""
        kind, value = parse_answer(text)
        if kind == "raises":
            name, arguments = value
            raise (self._exceptions.get(name) or EXCEPTIONS[name])(*arguments)
        if kind == "ok":
            return {"OK": True, "Value": value() if value else healthy}
        if kind == "s_error":
            return {"OK": False, "Errno": 0, "Message": value, "CallStack": []}
        return {"OK": True, "Value": self.make_operation(target)} if kind == "operation" else value()

    def unused(self) -> list[str]:
        """Return the methods that have answers and were never called."""
        return [key for key in self._answers if key not in self._counts]


class ScriptedJobReport:
    """Stands for JobReport: ``statuses`` holds what was reported and not sent, ``parameters`` likewise."""

    def __init__(self, script: Script, jobID: int = 0) -> None:
        """Start empty."""
        self._script = script
        self.jobID = jobID
        self.statuses: list[Any] = []
        self.parameters: list[Any] = []

    def setApplicationStatus(self, appStatus: Any, sendFlag: Any = True) -> Any:
        """Take an application status."""
        self.statuses.append(appStatus)
        applied, answer = self._script.asked("JobReport", "setApplicationStatus", (appStatus, sendFlag), None)
        if applied and sendFlag:
            self.statuses.clear()
        return answer

    def setJobParameter(self, par_name: Any, par_value: Any, sendFlag: Any = True) -> Any:
        """Take a job parameter."""
        self.parameters.append([par_name, par_value])
        applied, answer = self._script.asked("JobReport", "setJobParameter", (par_name, par_value, sendFlag), None)
        if applied and sendFlag:
            self.parameters.clear()
        return answer

    def generateForwardDISET(self) -> Any:
        """Answer with the operation that carries the unsent statuses, or None."""
        return self._script.asked("JobReport", "generateForwardDISET", (), None)[1]


class ScriptedFileReport:
    """Stands for FileReport, with its attributes ``statusDict``, ``transformation`` and ``force``."""

    def __init__(self, script: Script, statuses: Mapping[str, str] | None = None, transformation: Any = None) -> None:
        """Start with ``statuses`` already reported."""
        self._script = script
        self.statusDict = dict(statuses or {})
        self.transformation = transformation
        self.force = False

    def getFiles(self) -> Any:
        """Answer with the statuses by LFN, bare: this method has no return structure."""
        files = dict(self.statusDict)
        applied, answer = self._script.asked("FileReport", "getFiles", (), files)
        return answer["Value"] if applied else answer

    def setFileStatus(self, transformation: Any, lfn: Any, status: Any, sendFlag: Any = False) -> Any:
        """Take the status of a file."""
        args = (transformation, lfn, status, sendFlag)
        applied, answer = self._script.asked("FileReport", "setFileStatus", args, None)
        if applied:
            self.transformation = self.transformation or transformation
            self.statusDict[lfn] = status
        return answer

    def commit(self) -> Any:
        """Send the statuses."""
        return self._send("commit")

    def generateForwardDISET(self) -> Any:
        """Send the statuses, or answer with the operation that carries them."""
        return self._send("generateForwardDISET")

    def _send(self, method: str) -> Any:
        applied, answer = self._script.asked("FileReport", method, (), None)
        if applied:
            self.statusDict = {}
        return answer


class ScriptedAccounting:
    """Stands for DataStoreClient: ``records`` is how many wait to be committed."""

    def __init__(self, script: Script, records: int = 0) -> None:
        """Start with ``records`` waiting."""
        self._script = script
        self.records = records

    def commit(self) -> Any:
        """Send the records."""
        applied, answer = self._script.asked("AccountingReport", "commit", (), self.records)
        if applied:
            self.records = 0
        return answer
