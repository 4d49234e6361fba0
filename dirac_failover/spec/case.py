"""A case: one scenario, what an implementation made of it, and the questions that clauses ask of the two.

Nothing here judges; a question that only one clause asks belongs to that clause.
"""

from __future__ import annotations

import json
import marshal
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from dirac_failover.spec import live
from dirac_failover.spec.model import expected
from dirac_failover.spec.outcome import WITHOUT_REFERENCES
from dirac_failover.spec.profiles import DIRAC_9_1
from dirac_failover.spec.scenario import LIVE, MISSING

if TYPE_CHECKING:
    from dirac_failover.spec.outcome import Outcome, Step
    from dirac_failover.spec.profiles import Profile
    from dirac_failover.spec.scenario import Json, Scenario

MODULE = "module"
STATUS = "JobReport.setApplicationStatus"


class Case:
    """A scenario and an outcome, and the profile of whom the outcome is expected."""

    def __init__(self, scenario: Scenario, outcome: Outcome, profile: Profile = DIRAC_9_1) -> None:
        """Hold them together."""
        self.scenario = scenario
        self.outcome = outcome
        self.profile = profile
        self.scripted = not {LIVE, MISSING} & set(scenario.collaborators.values())
        """Whether every collaborator is scripted."""
        self.hooks: list[str] = []
        """The hooks that were called, in order."""
        self.collaboration: list[Step] = []
        """The calls of collaborators and services, in order."""
        self._by_method: dict[str, list[Step]] = {}
        for step in outcome.steps:
            if step.target == MODULE:
                self.hooks.append(step.method)
            else:
                self.collaboration.append(step)
                self._by_method.setdefault(f"{step.target}.{step.method}", []).append(step)

    @cached_property
    def expected(self) -> Outcome | None:
        """What the specification says, if it speaks of this scenario."""
        if self.scripted:
            return expected(self.scenario, self.profile)
        told = self.profile == DIRAC_9_1 and live.speaks_of(self.scenario)
        return live.expected(self.scenario) if told else None

    @cached_property
    def as_expected(self) -> bool:
        """Whether the outcome is the expected one in every respect."""
        return self.expected is not None and alike(self.outcome, self.expected)

    @cached_property
    def writable(self) -> bool:
        """Whether nothing but the operations themselves keeps the request from being written."""
        answers = self.scenario.answers.get("Request.toJSON", ("ok",))
        return answers == ("ok",) and not {"directory", "full"} & set(self.scenario.files.values())

    @cached_property
    def health(self) -> str:
        """``well``, ``failed`` before, or ``unset``: the module was not told."""
        statuses = (self.scenario.attributes.get(name, {}) for name in ("workflowStatus", "stepStatus"))
        told = [status.get("OK") for status in statuses]
        if False in told[: 1 + bool(told[0])]:
            return "failed"
        return "unset" if None in told else "well"

    @property
    def job(self) -> bool:
        """Whether this is a job of the WMS, as far as the module got."""
        return bool(self.outcome.attributes["jobID"])

    @cached_property
    def executions(self) -> list[list[str]]:
        """The hooks of each execution; ``finalize`` ends one."""
        executions: list[list[str]] = [[]]
        for hook in self.hooks:
            executions[-1].append(hook)
            if hook == "finalize":
                executions.append([])
        return [hooks for hooks in executions if hooks]

    def calls(self, method: str) -> list[Step]:
        """Return the calls of ``Collaborator.method``, in order."""
        return self._by_method.get(method, [])

    @cached_property
    def raising(self) -> list[Step]:
        """The calls of collaborators that were answered with an exception, in order."""
        return [step for step in self.collaboration if str(step.answer).startswith("raises=")]

    @cached_property
    def raised(self) -> list[str] | None:
        """Name and arguments of the one thing that a collaborator raised inside a hook; None if more went wrong."""
        if len(self.raising) != 1 or self.health == "unset" or not self.scripted:
            return None
        if any(str(step.answer).startswith("bad_shape") for step in self.collaboration):
            return None
        (step,) = self.raising
        later = {step.method for step in self.collaboration[self.collaboration.index(step) :]}
        in_a_hook = f"{step.target}.{step.method}" != STATUS or "generateForwardDISET" in later
        return str(step.answer).removeprefix("raises=").split(":") if in_a_hook else None

    def answered(self, method: str, *answers: str) -> bool:
        """Tell whether the last call of a scripted method was answered with one of ``answers``, or one like them."""
        calls = self.calls(method)
        return bool(calls) and str(calls[-1].answer).startswith(answers)

    @cached_property
    def ok(self) -> bool:
        """Whether the module says that all is well."""
        return self.outcome.ended == "returned" and isinstance(self.result, dict) and self.result.get("OK") is True

    @property
    def result(self) -> Json:
        """What was returned or raised."""
        return self.outcome.result

    @cached_property
    def request_file(self) -> str:
        """The name that the request's file has to have."""
        known = self.outcome.attributes
        return f"{known['production_id']}_{known['prod_job_id']}_request.json"

    @cached_property
    def pending(self) -> list[Json]:
        """The operations in the request: type, arguments, LFNs."""
        return [_key(operation) for operation in (self.outcome.request or {}).get("Operations", [])]

    @cached_property
    def content(self) -> Json:
        """What the request's file holds; None when there is no such file, or it is not JSON."""
        text = self.outcome.files.get(self.request_file)
        return None if text is None else _parsed(text)

    @cached_property
    def written(self) -> list[Json]:
        """The operations in the file, in the same form; none when there is no file, or it is not a request."""
        try:
            return [_key(operation) for operation in self.content["Operations"]]
        except (KeyError, TypeError):
            return []

    @cached_property
    def unwritten(self) -> list[Json]:
        """The operations that are in the request and not in the file."""
        return [operation for operation in self.pending if operation not in self.written]


@lru_cache(maxsize=1024)  # neighbours in the space write the same files
def _parsed(text: str) -> Json:
    try:
        return json.loads(text)
    except ValueError:
        return None


def alike(one: Outcome, other: Outcome) -> bool:
    """Tell whether two outcomes are the same, where True is not 1."""
    try:
        if all(map(_same_part, one, other)):
            return True
    except ValueError:  # something that is not quite a list or a dictionary
        pass
    return same(one, other)  # equal objects may be marshalled in two ways


def same(one: Json, other: Json) -> bool:
    """Tell whether two JSON values are the same, where True is not 1, and the order of keys is not told."""
    return one == other and json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _same_part(mine: Json, theirs: Json) -> bool:
    """Tell whether two parts of outcomes are the same: what is remembered of other runs is the very same object."""
    return mine is theirs or _typed(mine) == _typed(theirs)


def _typed(part: Json) -> bytes:
    """A part of an outcome in the quickest form that tells 1 from True."""
    return marshal.dumps([*map(tuple, part)] if type(part) is tuple else part, WITHOUT_REFERENCES)


def _key(operation: Json) -> Json:
    return [operation["Type"], operation["Arguments"], [file["LFN"] for file in operation["Files"]]]
