"""The lessons of ``dirac-failover learn``: a situation, a question about how it ends, and the reason for its end.

They are written in ``lessons.toml``, from simple to subtle: the first lessons are about any workflow module, the others
about the last module of a job. No lesson names the right one of its choices: the run of its scenario shows it
(:func:`right`), so no lesson can teach anything wrong. A table of the file is a lesson; its keys are the fields of
:class:`Lesson`, and ``scenario`` changes one of :data:`_BASES`. ``python docs/lessons_page.py`` makes its page.
"""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from dataclasses import dataclass, replace
from importlib.resources import files
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Final, TypeVar

from dirac_failover.errors import SettingError, ellipsis, no_such
from dirac_failover.module_base import ModuleBase
from dirac_failover.reports.timeline import story
from dirac_failover.spec.observation import Kind
from dirac_failover.spec.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from dirac_failover.actors.report import JobRecord, Recovery, RunReport
    from dirac_failover.reports.terminal import Style


T = TypeVar("T")
PROGRAM: Final = "dirac-failover"
FILE: Final = "12_34_request.json"
_NOTHING: Final = "nothing"
"""None in ``lessons.toml``."""
_WIDE: Final = 1000
"""Columns in which no line of a lesson's timeline is wrapped."""


@dataclass(frozen=True)
class Lesson:
    """One lesson: its situation and question, the choices with the value of each, and the explanation.

    ``observe`` takes the report of a run (``dirac-failover schema run``) and returns the value that the question asks
    for; a choice is a text and the value that it stands for. ``line`` is a part of the first line of the timeline that
    shows the answer. ``module`` is run instead of the reference's FailoverRequest.
    """

    name: str
    title: str
    told: str
    scenario: Scenario
    question: str
    observe: Callable[[RunReport], Any]
    choices: Mapping[str, Any]
    why: str
    line: str
    clauses: tuple[str, ...]
    module: type[Any] | None = None

    @property
    def path(self) -> str | None:
        """The name of the module for ``run --module``; None for the usual one."""
        return f"{self.module.__module__}:{self.module.__qualname__}" if self.module else None

    @property
    def number(self) -> int:
        """The place of the lesson among all, from 1."""
        return LESSONS.index(self) + 1


def find_lesson(name: str) -> Lesson:
    """Return the lesson of this name or number; raises SettingError, which names the nearest, when there is none."""
    for lesson in LESSONS:
        if name.lower() in {lesson.name, str(lesson.number)}:
            return lesson
    raise SettingError(no_such("lesson", name, [lesson.name for lesson in LESSONS], f"'{PROGRAM} learn' lists them"))


def right(lesson: Lesson, report: RunReport) -> str:
    """Return the choice that the run of a lesson shows to be right."""
    seen = _plain(lesson.observe(report))
    (choice,) = [text for text, value in lesson.choices.items() if value == seen]
    return choice


def decisive(lesson: Lesson, report: RunReport, style: Style) -> str:
    """Return the line of the run's timeline that shows which choice is right."""
    lines = story(report, replace(style, width=_WIDE, colours=False)).splitlines()
    return ellipsis(re.sub(r" {2,}", "  ", next(line for line in lines if lesson.line in line).strip()))


def commands(lesson: Lesson) -> Iterator[str]:
    """Yield the commands that lead on from a lesson, for a shell."""
    scenario = shlex.quote(json.dumps(lesson.scenario.to_json()))
    module = ["--module", lesson.path] if lesson.path else []
    yield f"printf %s {scenario} | {shlex.join([PROGRAM, 'run', '--scenario', '-', *module])}"
    yield from (f"{PROGRAM} explain {name}" for name in lesson.clauses)
    yield from (f"{PROGRAM} learn {following.name}" for following in LESSONS[lesson.number : lesson.number + 1])


# The values behind the questions: each function takes the report of a run


def file_holds(report: RunReport) -> list[str] | None:
    """Return the types of the operations in the file that the job leaves; None without a file."""
    text = file(report)
    return None if text is None else [operation["Type"] for operation in json.loads(text)["Operations"]]


def file(report: RunReport) -> Any:
    """Return the text of the file that the job leaves; None without a file."""
    return report.files.get(FILE)


def outcome(report: RunReport) -> tuple[str, bool | None]:
    """Return whether the run ``returned`` or ``raised``, and whether the result is OK; None without a result."""
    result = report.result
    return report.ended, result.get("OK") if isinstance(result, dict) else None


def ends(report: RunReport) -> tuple[bool | None, list[str] | None]:
    """Return whether the module's result is OK (None without one), and the types of the operations in the file."""
    return outcome(report)[1], file_holds(report)


def written(report: RunReport) -> tuple[str, list[str] | None]:
    """Return whether the run ``returned`` or ``raised``, and the types of the operations in the file."""
    return report.ended, file_holds(report)


def hooks(report: RunReport) -> tuple[bool | None, list[str]]:
    """Return whether the module's result is OK, and the names of the hooks that were called."""
    return outcome(report)[1], [call.method for call in report.calls if call.kind is Kind.HOOK]


def error(report: RunReport) -> tuple[int, Any]:
    """Return ``Errno`` and ``Message`` of the module's result."""
    return report.result["Errno"], report.result["Message"]


def candidates(report: RunReport) -> list[str] | str:
    """Return the names of the files that ``getCandidateFiles`` found, or of the exception that it raised."""
    (found,) = report.result
    exception: str | None = found.get("exception")
    return exception or sorted(found)


def records(report: RunReport) -> tuple[int, int, list[str] | None]:
    """Return the numbers of records in accounting and of requests in the request system, and what is in the file."""
    services = _there(report.services)
    return len(services.accounting), len(services.requests), file_holds(report)


def history(report: RunReport) -> list[str]:
    """Return the application statuses that the job state service has got, in order; that of the start is left out."""
    return [update["ApplicationStatus"] for update in _job(report)["history"]][1:]


def times_finished(report: RunReport) -> int:
    """Return how often the job state service has got the last status of a good job."""
    return history(report).count("Job Finished Successfully")


def parameters(report: RunReport) -> Any:
    """Return the parameters of the job."""
    return _job(report)["parameters"]


def received(report: RunReport) -> tuple[list[str], Any]:
    """Return the application statuses and the parameters that the job state service has got."""
    return history(report), parameters(report)


def status_in_the_end(report: RunReport) -> Any:
    """Return the application status of the job after recovery."""
    return _job(_there(report.recovery))["ApplicationStatus"]


def status_of_b(report: RunReport) -> Any:
    """Return the status of the file /vo/b in the transformation system."""
    return _there(report.services).files["/vo/b"]["Status"]


def _job(at: RunReport | Recovery) -> JobRecord:
    return _there(at.services).jobs["77"]


def _there(value: T | None) -> T:
    assert value is not None  # noqa: S101 - for the type checker: the lessons that ask for it have it
    return value


class ReadInputs(ModuleBase):
    """Makes the names of its step's input files a parameter of the job."""

    def _initialize(self) -> None:
        self._resolveInputStep()

    def _execute(self) -> None:
        self.setJobParameter("Inputs", " ".join(self.stepInputData))


_WELL: Final = {"workflowStatus": {"OK": True}, "stepStatus": {"OK": True}}
_ANY: Final = replace(Scenario.of_job(), subject="base")
_BASES: Final = {
    "job": Scenario.of_job(inputs=("/vo/a", "/vo/b")),
    "empty": Scenario.of_job(),
    "any": _ANY,
    "itself": replace(_ANY, attributes={"jobID": 77, "production_id": 12, "prod_job_id": 34, **_WELL}),
}
"""The situations that lessons change: a job with two inputs and one without; a module that overrides nothing; and one
whose methods are called without ``execute``, which would have set these attributes."""


def _scenario(base: str, **changes: Any) -> Scenario:
    """Return a base with changes; ``attributes`` are changed one by one."""
    begin = _BASES[base]
    attributes = {**begin.attributes, **changes.pop("attributes", {})}
    return Scenario.from_json({**begin.to_json(), **changes, "attributes": attributes})


def _plain(value: Any) -> Any:
    """Return a value as ``lessons.toml`` writes it."""
    if isinstance(value, list | tuple):
        return [*map(_plain, value)]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return _NOTHING if value is None else value


def _lesson(name: str, data: dict[str, Any]) -> Lesson:
    texts = {key: " ".join(data[key].split()) for key in ("title", "told", "question", "why")}
    return Lesson(
        name=name,
        scenario=_scenario(**data["scenario"]),
        observe=globals()[data["observe"]],
        choices=dict(data["choices"]),
        line=data["line"],
        clauses=tuple(data["clauses"]),
        module=resolve_name(data["module"]) if "module" in data else None,
        **texts,
    )


LESSONS: Final = tuple(
    _lesson(*item)
    for item in tomllib.loads(files(__package__).joinpath("lessons.toml").read_text(encoding="utf-8")).items()
)
"""All lessons, from simple to subtle."""
