"""The state of one modelled execution: its attributes, its collaborators, and their calls.

:mod:`~dirac_failover.spec.model.module` calls it; the calls of collaborators become the steps of an observation.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from dirac_failover.spec.model.request import file_of, number_operations, operation
from dirac_failover.spec.observation import (
    FILE_FIELDS,
    OPERATION_FIELDS,
    Call,
    Observation,
    Scrubber,
    forget_frames,
)
from dirac_failover.spec.scenario import NONE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dirac_failover.spec.profiles import Profile
    from dirac_failover.spec.scenario import Json, Scenario

FRESH: Final[dict[str, Json]] = {
    "production_id": 0, "prod_job_id": 0, "jobID": 0, "step_number": 0, "step_id": 0, "jobType": "", "executable": "",
    "command": None, "applicationName": "", "applicationVersion": "", "applicationLog": "applicationLog.txt",
    "stepName": "", "inputDataType": "", "InputData": [], "inputDataList": [], "stepInputData": [], "appSteps": [],
    "outputDataFileMask": [], "workflowStatus": {}, "stepStatus": {},
}  # fmt: skip
"""The attributes of a module that has just been made, in the order in which an outcome lists them."""


class GracefulTermination(Exception):  # noqa: N818 - not an error
    """The exception with which a module ends well."""


EXCEPTIONS: Final[dict[str, type[BaseException]]] = {
    kind.__name__: kind
    for kind in (
        GracefulTermination, ValueError, RuntimeError, KeyboardInterrupt, SystemExit, NotImplementedError, OSError
    )
}  # fmt: skip
MADE: Final = {"JobReport": ("ForwardDISET", "job report"), "FileReport": ("SetFileStatus", "file report")}
"""Type and arguments of the operation that a scripted collaborator answers with."""

BEFORE: Final = {"output": "output", "old": "[]", "directory": "<directory>", "full": "<link>"}
"""The content that an observation has of a file that was there before, by the kind of file."""


class ModelRun:
    """One execution: the scenario, the state of everything in it, and the calls so far."""

    def __init__(self, scenario: Scenario, profile: Profile) -> None:
        """Begin in the situation of the scenario."""
        self.profile = profile
        self.commons = {**profile.commons, **scenario.workflow_commons}
        self.begin(scenario)
        self.steps: list[Call] = []
        self.answers: dict[str, Sequence[str]] = dict(scenario.answers)
        self.applied = False
        self.statuses = dict(scenario.reported)
        self.transformation: Json = None
        self.force = False
        self.unsent: list[Json] = []
        self.parameters: list[Json] = []
        self.records = scenario.records
        self.files = {name: BEFORE[kind] for name, kind in scenario.files.items()}
        owner, group = scenario.owner or (None, None)
        self.request: dict[str, Json] = {
            "RequestName": None, "JobID": 0, "SourceComponent": None, "Owner": owner, "OwnerGroup": group,
            "Operations": [operation(**fields) for fields in scenario.operations],
        }  # fmt: skip

    def begin(self, scenario: Scenario) -> None:
        """Begin with a new module, whose attributes are preset as the scenario says."""
        self.scenario = scenario
        self.attributes = {**FRESH, **self.profile.fresh} | {
            name: value for name, value in scenario.attributes.items() if name in FRESH
        }  # fmt: skip
        self.resolved = self.own_request = False

    def hook(self, name: str) -> None:
        """Record the call of a hook."""
        self.steps.append(Call("module", name, [], None))

    def replaced(self, name: str) -> None:
        """Run the code with which the scenario replaces a hook, if it does."""
        if name in self.scenario.hooks:
            self.answer(self.scenario.hooks[name])

    def ask(
        self, target: str, method: str, args: tuple[Json, ...], healthy: Json = None, *, bare: bool = False
    ) -> Json:
        """Record a call of a collaborator; return the scenario's answer, or raise its exception.

        ``healthy`` is the Value of the answer ``ok``; a ``bare`` answer has no return structure. Afterwards ``applied``
        tells whether the collaborator has executed the call.
        """
        key = f"{target}.{method}"
        text, *more = self.answers.get(key, ("ok",))
        if more:  # the last answer is repeated
            self.answers[key] = more
        self.steps.append(Call(target, method, list(args), text))
        self.applied = text.partition("=")[0] == "ok"
        answer = self.answer(text, target, healthy)
        return answer["Value"] if bare and not text.startswith(("s_error", "bad_shape")) else answer

    def answer(self, text: str, target: str = "", healthy: Json = None) -> Json:
        """Return the answer that ``text`` describes, or raise its exception; ``healthy`` is the Value of ``ok``."""
        kind, equals, rest = text.partition("=")
        if kind == "raises":
            name, *arguments = rest.split(":")
            raise EXCEPTIONS[name](*(int(item) if item.isdigit() else item for item in arguments))
        if kind == "bad_shape":
            return json.loads(rest)
        if kind == "s_error":
            return {"OK": False, "Errno": 0, "Message": rest or "refused"}
        value = operation(*MADE[target]) if kind == "operation" else json.loads(rest) if equals else healthy
        return {"OK": True, "Value": value}

    def report_file(self, transformation: Json, lfn: str, status: str) -> None:
        """Give the status of a file to the file report."""
        self.ask("FileReport", "setFileStatus", (transformation, lfn, status, False))
        if self.applied:
            self.transformation = self.transformation or transformation
            self.statuses[lfn] = status

    def send_status(self, status: str, send: Json = True) -> Json:
        """Give a status to the job report, which sends it, or keeps it."""
        self.unsent.append(plain(status))
        healthy = "Empty" if send and not any(self.unsent) else None
        answer = self.ask("JobReport", "setApplicationStatus", (status, send), healthy)
        if send:
            self.sent()
        return answer

    def sent(self) -> None:
        """Forget the statuses if the job report has executed the call; those that are all empty are never sent."""
        if self.applied and any(self.unsent):
            self.unsent.clear()

    def send_parameter(self, name: str, value: str, send: Json) -> Json:
        """Give a parameter to the job report, which sends it, or keeps it."""
        self.parameters.append([name, value])
        answer = self.ask("JobReport", "setJobParameter", (name, value, send))
        if self.applied and send:
            self.parameters.clear()
        return answer

    def ask_request(self, method: str, healthy: Callable[[], Json]) -> Json:
        """Call a method of the request, which computes its answer unless the scenario scripts one."""
        if self.own_request or f"Request.{method}" not in self.scenario.answers:
            return {"OK": True, "Value": healthy()}
        answer = self.ask("Request", method, (), self)
        return {"OK": True, "Value": healthy()} if self.applied and answer["Value"] is self else answer

    def outcome(self, ended: str, result: Json) -> Observation:
        """Return the observation, given how the execution ended."""
        forget_frames(result)
        scrubber = Scrubber()
        there = self.scenario.collaborators
        number_operations(self.request["Operations"])
        state: dict[str, Json] = {
            "workflow_commons": sorted({*self.commons, *there}),
            "JobReport": self.job_report_state(),
            "FileReport": {"transformation": self.transformation, "force": self.force, "statusDict": self.statuses},
        }
        if there.get("AccountingReport", NONE) != NONE:
            state["AccountingReport"] = self.accounting_state()
        request = self.request | {"Operations": [_observed(item) for item in self.request["Operations"]]}
        return Observation(ended, scrubber.plain(result), tuple(self.steps), scrubber.plain(self.attributes | state),
                       scrubber.plain(request), self.files, self.services_state())  # fmt: skip

    def job_report_state(self) -> Json:
        """Return the statuses and parameters that the job report has not sent."""
        return {"jobID": 77, "statuses": self.unsent, "parameters": self.parameters}

    def accounting_state(self) -> Json:
        """Return the records that the accounting client has not sent."""
        return {"records": self.records}

    def services_state(self) -> Json:
        """Return the state of the services; None without services."""
        return None


def plain(status: Json) -> str:
    """Return a status as the job report keeps it: as a text without apostrophes."""
    return (status if isinstance(status, str) else repr(status)).replace("'", "")


def _observed(operation: dict[str, Json]) -> Json:
    files = [{name: file[name] for name in FILE_FIELDS} for file in map(file_of, operation["Files"])]
    return {name: operation.get(name) for name in OPERATION_FIELDS} | {"Files": files}
