"""The facts of a scenario, which decide the clauses that are asked. Nothing here depends on an observation.

A fact that only one clause needs belongs to that clause.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from dirac_failover.spec.model.request import file_of, invalid, operation
from dirac_failover.spec.profiles import DIRAC_9_1
from dirac_failover.spec.scenario import HOOKS, LIVE, MISSING, NONE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dirac_failover.spec.scenario import Json, Scenario

STATUS: Final = "JobReport.setApplicationStatus"
PARAMETER: Final = "JobReport.setJobParameter"
JOB_FORWARD: Final = "JobReport.generateForwardDISET"
FILE_STATUS: Final = "FileReport.setFileStatus"
COMMIT: Final = "FileReport.commit"
FILE_FORWARD: Final = "FileReport.generateForwardDISET"
ACCOUNTING: Final = "AccountingReport.commit"
MADE: Final = {COMMIT: ["SetFileStatus", "file report", []], JOB_FORWARD: ["ForwardDISET", "job report", []]}
"""Type, arguments and LFNs of the operation that a scripted collaborator answers with."""

_PLAIN_LFN: Final = re.compile(r"(?:LFN:)?(?:/[a-z0-9.~]+)+")
_USUAL_FAULT: Final = re.compile(r"[a-z-]+(\.\w+)?:(down|refuse|lost_reply|first=\d+)")
_PLAIN: Final = ("ok", "operation", "s_error")

MODULE: Final = "module"
COMMANDS: Final = "commands"
SHAPES: Final = {
    MODULE: "a class with DIRAC's module contract, which finds its collaborators in workflow_commons",
    COMMANDS: "a chain of commands, whose state lies in files between two of them, with clients of their own",
}
"""The shapes that an implementation may have. A clause is asked by scenario and shape alone."""


class Raised(NamedTuple):
    """The exception that is raised inside a hook."""

    name: str
    arguments: tuple[str, ...]


class End(NamedTuple):
    """The hook that ends the module, and whether the module ends well; None where that is free."""

    hook: str
    ok: bool | None


INVALID: Final = "invalid"
NO_TEXT: Final = "no text"
NO_DIGEST: Final = "no digest"
"""The defects of an operation: DIRAC's validator refuses it, its arguments are no text, its first file has no LFN."""


class Facts:
    """The facts of one scenario."""

    def __init__(self, scenario: Scenario) -> None:
        """Keep the scenario; a fact is computed when it is read."""
        self.scenario = scenario
        self.executed = not scenario.calls and not scenario.earlier
        """Whether ``execute`` is called, of one module: several in a row are compared as a whole."""
        self.own = self.executed and scenario.subject == "module" and not scenario.hooks
        """Whether the implementation's FailoverRequest is executed, without replaced hooks."""
        self.scripted = not {LIVE, MISSING} & set(scenario.collaborators.values())
        """Whether every collaborator is scripted."""

    def suits(self, shape: str) -> bool:
        """Return whether an implementation of this shape can be given the whole scenario."""
        return shape == MODULE or self._suits_commands

    @cached_property
    def _suits_commands(self) -> bool:
        """Whether it is one end of a job with the implementation's own clients, and a file can hold all of it."""
        scenario = self.scenario
        live = not self.scripted and set(scenario.collaborators.values()) <= {LIVE, MISSING, NONE}
        usual = self.identified and self.inputs is not None and self.health != "unset" and not self.bad(NO_TEXT)
        plain = not any(isinstance(value, dict | list) for value in self.unsent_parameters.values())
        return self.own and live and usual and plain and not scenario.report_job and scenario.executions == 1

    def answer(self, method: str) -> str:
        """Return the first answer of a scripted method."""
        return self.scenario.answers.get(method, ("ok",))[0]

    def answered(self, method: str, *kinds: str) -> bool:
        """Return whether the first answer of a scripted method begins with one of these."""
        return self.answer(method).startswith(kinds)

    @cached_property
    def task(self) -> tuple[int, int] | None:
        """Transformation and task; None when one of them is missing or malformed."""
        has, commons = self.scenario.attributes, self.scenario.workflow_commons
        try:
            production = int(has.get("production_id") or commons["PRODUCTION_ID"])
            return production, int(has.get("prod_job_id") or commons["JOB_ID"])
        except (KeyError, TypeError, ValueError):
            return None

    @cached_property
    def number(self) -> int | None:
        """The job's number, 0 without a job; None when it is malformed."""
        preset = self.scenario.attributes.get("jobID")
        if preset:
            return preset if isinstance(preset, int) else None
        try:
            return int(self.scenario.environment.get("JOBID", 0))
        except ValueError:
            return None

    @cached_property
    def identified(self) -> bool:
        """Whether all identifiers are there and well-formed."""
        step = self.scenario.attributes.get("step_number") or self.scenario.attributes.get("STEP_NUMBER", "")
        return self.task is not None and self.number is not None and str(step).isdecimal()

    @cached_property
    def job(self) -> bool:
        """Whether this is a job of the WMS that is well identified."""
        return self.identified and bool(self.number)

    @cached_property
    def request_file(self) -> re.Pattern[str]:
        """The names that the request's file may have: numbers with or without leading zeros."""
        production, task = self.task or (0, 0)
        return re.compile(rf"0*{production}_0*{task}_request\.json")

    @cached_property
    def health(self) -> str:
        """``well``, ``failed`` before, or ``unset``: the module does not know."""
        statuses = (self.scenario.attributes.get(name, {}) for name in ("workflowStatus", "stepStatus"))
        known = [status.get("OK") for status in statuses]
        if False in known[: 1 + bool(known[0])]:
            return "failed"
        return "unset" if None in known else "well"

    @property
    def well(self) -> bool:
        """Whether nothing has failed before."""
        return self.health == "well"

    @cached_property
    def inputs(self) -> list[str] | None:
        """The LFNs of the job's input; None if they are given in an odd form."""
        commons = self.scenario.workflow_commons
        given = commons.get("ParametricInputData") or commons.get("InputData") or ""
        parts = given if isinstance(given, list) else str(given).split(";")
        names = [str(part) for part in parts if part]
        odd = not isinstance(given, str | list) or (isinstance(given, list) and given is commons.get("InputData"))
        odd = odd or not all(map(_PLAIN_LFN.fullmatch, names)) or len(set(names)) < len(names)
        step = self.scenario.step_commons
        odd = odd or "STEP_INSTANCE_NAME" not in step or bool(step.get("inputData"))
        return None if odd else [name.removeprefix("LFN:") for name in names]

    def has(self, collaborator: str) -> bool:
        """Return whether a collaborator is there, with reports of earlier modules; otherwise the module makes one."""
        return self.scenario.collaborators.get(collaborator, NONE) not in {MISSING, NONE}

    @cached_property
    def reported(self) -> Mapping[str, str]:
        """The statuses by LFN that earlier modules left in the file report."""
        return self.scenario.reported if self.has("FileReport") else {}

    @cached_property
    def unsent_statuses(self) -> list[str]:
        """The application statuses that wait in the job report; the job's state service may refuse other kinds."""
        waiting = self.scenario.unsent_statuses if self.has("JobReport") else ()
        return [text for item in waiting if (text := item if isinstance(item, str) else "".join(item[2:3]))]

    @cached_property
    def unsent_parameters(self) -> Mapping[str, str]:
        """The job parameters that wait in the job report."""
        return self.scenario.unsent_parameters if self.has("JobReport") else {}

    @property
    def held(self) -> bool:
        """Whether the file report has a status to send once each input has one."""
        return bool(self.inputs or self.reported)

    @cached_property
    def operations(self) -> list[Json]:
        """The operations of earlier modules: type, arguments, LFNs."""
        return [item for item, _ in self._defects]

    def bad(self, defect: str) -> list[Json]:
        """Return the operations of earlier modules that have this defect."""
        return [item for item, found in self._defects if found == defect]

    @cached_property
    def _defects(self) -> list[tuple[Json, str]]:
        """The operations of earlier modules, and what is wrong with each by itself."""
        found = []
        for fields in self.scenario.operations if self.has("Request") else ():
            made = operation(**fields)
            lfns = [file_of(file)["LFN"] for file in made["Files"]]
            defect = NO_TEXT if isinstance(made["Arguments"], bytes) else NO_DIGEST if None in lfns[:1] else ""
            found.append(([made["Type"], made["Arguments"], lfns], INVALID if _is_refused(made) else defect))
        return found

    @property
    def accounting(self) -> bool:
        """Whether there is an accounting client."""
        return self.scenario.collaborators.get("AccountingReport", NONE) != NONE

    @cached_property
    def refusable(self) -> bool:
        """Whether DIRAC's validator refuses the operations of earlier modules together: it may not get to a bad one."""
        return _is_refused(*(operation(**fields) for fields in self.scenario.operations))

    @cached_property
    def disk(self) -> bool:
        """Whether the file can be written."""
        return not {"directory", "full"} & set(self.scenario.files.values())

    @cached_property
    def valid(self) -> bool:
        """Whether the request has an owner, and all its operations are valid."""
        return all(self.scenario.owner or [""]) and not any(defect for _, defect in self._defects)

    @cached_property
    def plain(self) -> bool:
        """Whether no answer raises or has a wrong shape, and only those to a status change from call to call."""
        return self.scripted and not self.answered("Request.toJSON", "ok=") and all(
            answer.startswith(_PLAIN) and (len(answers) == 1 or method == STATUS)
            for method, answers in self.scenario.answers.items() for answer in answers
        )  # fmt: skip

    @cached_property
    def refused(self) -> frozenset[str]:
        """The scripted methods that refuse."""
        answers = self.scenario.answers
        return frozenset(name for name in answers if any(answer.startswith("s_error") for answer in answers[name]))

    @cached_property
    def calm(self) -> bool:
        """Whether a job of well-formed identifiers and inputs meets at most one collaborator that refuses."""
        collaborators = {method.partition(".")[0] for method in self.refused}
        to_send = ("FileReport" not in collaborators or self.held) and (
            "AccountingReport" not in collaborators or bool(self.scenario.records)
        )
        return self.plain and self._well_formed and len(collaborators) <= 1 and to_send

    @cached_property
    def calm_live(self) -> bool:
        """Whether such a job has clients of the implementation's own, and at most one service fails, as services do."""
        services = {fault.partition(":")[0].partition(".")[0] for fault in self.scenario.faults}
        usual = all(_USUAL_FAULT.fullmatch(fault) for fault in self.scenario.faults)
        present = set(self.scenario.collaborators.values()) <= {LIVE, MISSING}
        return present and usual and self._well_formed and len(services) <= 1

    @property
    def _well_formed(self) -> bool:
        """Whether a job is executed once, by itself, and nothing is odd in it but what its collaborators answer."""
        usual = self.own and self.job and self.health != "unset" and self.inputs is not None
        alone = not self.scenario.options and not self.scenario.report_job and self.scenario.executions == 1
        return usual and self.disk and self.valid and alone

    @cached_property
    def forwarded(self) -> list[Json]:
        """The operations with which collaborators answer, of those that the end of a job has to ask."""
        asked = {COMMIT: self.held and self.answered(COMMIT, "s_error"), JOB_FORWARD: self.well}
        forward = {COMMIT: FILE_FORWARD, JOB_FORWARD: JOB_FORWARD}
        return [MADE[name] for name in asked if asked[name] and self.answered(forward[name], "operation")]

    @cached_property
    def pending(self) -> list[Json]:
        """The operations that are owed to the request system: what earlier modules left, and what arises."""
        return [*self.operations, *(self.forwarded if self.scripted else ())]

    @cached_property
    def raised(self) -> Raised | None:
        """The exception of a replaced hook, or of a collaborator that the end of a job must call.

        None if nothing is raised, or if more than one thing fails.
        """
        if self.scenario.hooks:
            return _raised(self.scenario.hooks.get(self.end.hook, "")) if self.end else None
        answers = self.scenario.answers
        raising = [method for method, given in answers.items() if given[0].startswith("raises=")]
        others = [answer for method in answers.keys() - {*raising} for answer in answers[method]]
        usual = (
            self.own and self.job and self.inputs is not None and self.health != "unset" and self.valid and self.disk
        )
        if len(raising) != 1 or not usual or not all(other.startswith(_PLAIN) for other in others):
            return None
        (method,) = raising
        must_ask = "Request.toJSON" not in self.refused and {
            COMMIT: self.held,
            FILE_FORWARD: self.held and self.answered(COMMIT, "s_error"),
            JOB_FORWARD: self.well,
            ACCOUNTING: self.well and self.accounting and self.scenario.records > 0,
        }.get(method)  # in any order of the others
        return _raised(answers[method][0]) if must_ask else None

    @cached_property
    def end(self) -> End | None:
        """Return the hook that ends the module, and the way it ends; None where the answers of collaborators decide."""
        hooks, own = self.scenario.hooks, self.scenario.subject == "module"
        known = self.identified and self.executed and self.health != "unset" and self.plain
        quiet = "_execute" in hooks or (self.valid and self.disk and not self.refused and "_initialize" not in hooks)
        if not known or (own and (self.inputs is None or not quiet)):
            return None
        for hook in HOOKS:
            if raised := _raised(hooks.get(hook, "")):
                return End(hook, raised.name == "GracefulTermination")
            if hook == "_initialize" and hook not in hooks and own and not self.job:
                return End(hook, None if self.operations else True)
        return End(hook, None if hook in hooks else self.well or not own)

    @cached_property
    def called(self) -> str:
        """The method that is called instead of ``execute``, if it is one and called once; else an empty text."""
        return self.scenario.calls[0][0] if len(self.scenario.calls) == 1 else ""

    @property
    def arguments(self) -> Sequence[Json]:
        """The arguments of that call."""
        arguments: Sequence[Json] = self.scenario.calls[0][1]
        return arguments

    @property
    def named(self) -> bool:
        """Whether that call names its arguments."""
        return any(len(call) > 2 for call in self.scenario.calls)  # noqa: PLR2004 - method, arguments, named ones


def _is_refused(*operations: Json) -> bool:
    request = {"RequestName": "n", "Owner": "o", "OwnerGroup": "g", "Operations": [*operations]}
    return bool(invalid(request, DIRAC_9_1))


def _raised(answer: str) -> Raised | None:
    if not answer.startswith("raises="):
        return None
    name, *arguments = answer.removeprefix("raises=").split(":")
    return Raised(name, tuple(arguments))
