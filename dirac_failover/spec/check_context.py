"""The context of a check: one scenario, the observation of an implementation in it, and values that clauses read.

Nothing here decides whether a clause is asked: see :mod:`~dirac_failover.spec.facts`. A value that only one clause
reads belongs to that clause.
"""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING

from dirac_failover.spec.compare import equal
from dirac_failover.spec.facts import MODULE, STATUS, Facts
from dirac_failover.spec.model import clients
from dirac_failover.spec.model.module import expected
from dirac_failover.spec.model.run import BEFORE
from dirac_failover.spec.profiles import DIRAC_9_1

if TYPE_CHECKING:
    from dirac_failover.spec.observation import Call, Observation
    from dirac_failover.spec.profiles import Profile
    from dirac_failover.spec.scenario import Json, Scenario


class CheckContext:
    """The facts of a scenario, an observation, and the profile and the shape of the implementation."""

    def __init__(
        self, facts: Facts | Scenario, outcome: Observation, profile: Profile = DIRAC_9_1, shape: str = MODULE
    ) -> None:
        """Take the calls of the observation apart."""
        self.facts = facts if isinstance(facts, Facts) else Facts(facts)
        self.scenario = self.facts.scenario
        self.outcome = outcome
        self.profile = profile
        self.shape = shape
        self.hooks = [step.method for step in outcome.steps if step.target == MODULE]
        """The hooks that were called, in order."""
        self.collaboration = [step for step in outcome.steps if step.target != MODULE]
        """The calls of collaborators and services, in order."""

    @cached_property
    def expected(self) -> Observation:
        """The observation of the model; only for scenarios that are :func:`specified`."""
        return expected(self.scenario, self.profile) if self.facts.scripted else clients.expected(self.scenario)

    @property
    def expected_steps(self) -> tuple[Call, ...]:
        """The calls of the model: those of a module, so none for any other shape."""
        return self.expected.steps if self.shape == MODULE else ()

    @cached_property
    def as_expected(self) -> bool:
        """Whether the observation equals the expected one."""
        return equal(self.outcome, self.expected)

    @cached_property
    def executions(self) -> list[list[str]]:
        """The hooks of each execution; ``finalize`` ends one."""
        executions: list[list[str]] = [[]]
        for hook in self.hooks:
            executions[-1].append(hook)
            if hook == "finalize":
                executions.append([])
        return [hooks for hooks in executions if hooks]

    def calls(self, method: str) -> list[Call]:
        """Return the calls of ``Collaborator.method``, in order."""
        target, _, name = method.rpartition(".")
        return [step for step in self.collaboration if step[:2] == (target, name)]

    @cached_property
    def statuses(self) -> list[str]:
        """The application statuses that a scripted job report took, in order, as texts."""
        return [str(call.args[0]) if call.args else "" for call in self.calls(STATUS)]

    @cached_property
    def ok(self) -> bool:
        """Whether the module returned a result that is OK."""
        return self.outcome.ended == "returned" and isinstance(self.result, dict) and self.result.get("OK") is True

    @property
    def result(self) -> Json:
        """The return structure, or the exception that escaped."""
        return self.outcome.result

    @cached_property
    def in_request(self) -> list[Json]:
        """The operations in the request afterwards: type, arguments, LFNs."""
        return [_key(operation) for operation in (self.outcome.request or {}).get("Operations", [])]

    @cached_property
    def new_files(self) -> list[str]:
        """The names of the files that were not there before, or not with this content."""
        before = {name: BEFORE[kind] for name, kind in self.scenario.files.items()}
        return sorted(name for name, text in self.outcome.files.items() if before.get(name) != text)

    @cached_property
    def content(self) -> Json:
        """The JSON of the request's file that was written; None when there is no such file, or it is not JSON.

        A text of JSON within JSON counts as that JSON: DIRAC's Request reads it as well.
        """
        names = [name for name in self.new_files if self.facts.request_file.fullmatch(name)]
        return _parsed(self.outcome.files[names[0]]) if names else None

    @cached_property
    def written(self) -> list[Json]:
        """The operations in the file, in the same form; none if there is no file, or it is not a request."""
        try:
            return [_key(operation) for operation in self.content["Operations"]]
        except (KeyError, TypeError):
            return []

    def service(self, name: str, part: str) -> Json:
        """Return a part of the state of a service afterwards; empty if it was not observed."""
        return ((self.outcome.services or {}).get(name) or {}).get(part) or {}

    @cached_property
    def unwritten(self) -> list[Json]:
        """The operations that are owed, or are in the request, and are not in the file."""
        owed = [*self.in_request, *(item for item in self.facts.pending if item not in self.in_request)]
        return [operation for operation in owed if operation not in self.written]


def specified(facts: Facts, profile: Profile) -> bool:
    """Return whether the model is complete for a scenario, with this profile."""
    return facts.scripted or (profile == DIRAC_9_1 and clients.speaks_of(facts.scenario))


def _parsed(text: str) -> Json:
    try:
        found = json.loads(text)
        return json.loads(found) if isinstance(found, str) else found
    except ValueError:
        return None


def _key(operation: Json) -> Json:
    return [operation["Type"], operation["Arguments"], [file["LFN"] for file in operation["Files"]]]
