"""The state of one modelled execution: what is known so far, and the outcome that is recorded.

:mod:`~dirac_failover.spec.model.module` calls it; here the calls become steps, and the end becomes an outcome.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

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
    """The module ends well."""


EXCEPTIONS: Final[dict[str, type[BaseException]]] = {
    kind.__name__: kind
    for kind in (
        GracefulTermination, ValueError, RuntimeError, KeyboardInterrupt, SystemExit, NotImplementedError, OSError
    )
}  # fmt: skip
MADE: Final = {"JobReport": ("ForwardDISET", "job report"), "FileReport": ("SetFileStatus", "file report")}
"""Type and arguments of the operation that a scripted collaborator answers with."""

LIES_THERE: Final = {"output": "output", "old": "[]", "directory": "<directory>", "full": "<link>"}
"""What an outcome says of a file that was there before."""


class ModelRun:
    """One execution: the scenario, what has become of everything in it, and the calls so far."""

    def __init__(self, scenario: Scenario, profile: Profile) -> None:
        """Begin with what the scenario lays out."""
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
        self.files = {name: LIES_THERE[kind] for name, kind in scenario.files.items()}
        owner, group = scenario.owner or (None, None)
        self.request: dict[str, Json] = {
            "RequestName": None, "JobID": 0, "SourceComponent": None, "Owner": owner, "OwnerGroup": group,
            "Operations": [operation(**fields) for fields in scenario.operations],
        }  # fmt: skip

    def begin(self, scenario: Scenario) -> None:
        """Begin with a module, as the scenario has it."""
        self.scenario = scenario
        self.attributes = {**FRESH, **self.profile.fresh} | {
            name: value for name, value in scenario.attributes.items() if name in FRESH
        }  # fmt: skip
        self.resolved = self.own_request = False

    def hook(self, name: str) -> None:
        """Write down that a hook was called."""
        self.steps.append(Call("module", name, [], None))

    def ask(
        self, target: str, method: str, args: tuple[Json, ...], healthy: Json = None, *, bare: bool = False
    ) -> Json:
        """Write down a call; return what the scenario answers, or raise it.

        ``healthy`` is the Value of ``ok``; a ``bare`` answer has no return structure. ``applied`` then says whether the
        collaborator has done what it was asked for.
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
        """What the answer ``text`` says, or raises; ``healthy`` is the Value of a plain ``ok``."""
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
        """If the job report did what it was asked for, the statuses are sent; if none says anything, they stay."""
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
        """Ask the request, which does what it always does unless its answer is scripted."""
        if self.own_request or f"Request.{method}" not in self.scenario.answers:
            return {"OK": True, "Value": healthy()}
        answer = self.ask("Request", method, (), self)
        return {"OK": True, "Value": healthy()} if self.applied and answer["Value"] is self else answer

    def outcome(self, ended: str, result: Json) -> Observation:
        """Return everything that can be observed."""
        forget_frames(result)
        scrubber = Scrubber()
        there = self.scenario.collaborators
        number_operations(self.request["Operations"])
        held: dict[str, Json] = {
            "workflow_commons": sorted({*self.commons, *there}),
            "JobReport": self.held_by_job_report(),
            "FileReport": {"transformation": self.transformation, "force": self.force, "statusDict": self.statuses},
        }
        if there.get("AccountingReport", NONE) != NONE:
            held["AccountingReport"] = self.held_by_accounting()
        request = self.request | {"Operations": [_observed(item) for item in self.request["Operations"]]}
        return Observation(ended, scrubber.plain(result), tuple(self.steps), scrubber.plain(self.attributes | held),
                       scrubber.plain(request), self.files, self.held_by_services())  # fmt: skip

    def held_by_job_report(self) -> Json:
        """What the job report has not sent."""
        return {"jobID": 77, "statuses": self.unsent, "parameters": self.parameters}

    def held_by_accounting(self) -> Json:
        """What the accounting client has not sent."""
        return {"records": self.records}

    def held_by_services(self) -> Json:
        """What the services hold, where there are any."""
        return None


def plain(status: Json) -> str:
    """A status as the job report keeps it: without apostrophes."""
    return (status if isinstance(status, str) else repr(status)).replace("'", "")


def operation(
    Type: str | None = None, Arguments: str | None = None, ArgumentsHex: str = "", Files: Json = (), **fields: Json
) -> dict[str, Json]:
    """The fields of an operation, of those that differ in the space."""
    given = bytes.fromhex(ArgumentsHex) if ArgumentsHex else Arguments
    return {"Type": Type, "Arguments": given, "Files": list(Files), **fields}


def file_of(given: Json) -> dict[str, Json]:
    """A file of an operation, in the order of its JSON, from its LFN or from the fields that differ."""
    return {
        "Status": "Waiting", "LFN": None, "PFN": None, "ChecksumType": None, "Checksum": None, "GUID": None,
        "Attempt": 0, "Size": 0, "Error": None,
    } | ({"LFN": given} if isinstance(given, str) else given)  # fmt: skip


def _observed(operation: dict[str, Json]) -> Json:
    files = [{name: file[name] for name in FILE_FIELDS} for file in map(file_of, operation["Files"])]
    return {name: operation.get(name) for name in OPERATION_FIELDS} | {"Files": files}


_TIMES: Final = dict.fromkeys(("CreationTime", "SubmitTime", "LastUpdate"), "<time>")


def as_text(request: dict[str, Json], profile: Profile) -> str:
    """The request's JSON, with times as an outcome shows them."""
    numbered = [{**operation} for operation in request["Operations"]]
    status, error = number_operations(numbered)
    operations = []
    for index, operation in enumerate(numbered):
        arguments = operation["Arguments"]
        operations.append({
            "Type": operation["Type"], "Status": operation["Status"],
            "Arguments": arguments.decode() if isinstance(arguments, bytes) else arguments, "Order": index,
            "SourceSE": None, "TargetSE": operation.get("TargetSE"),
            "Catalog": operation.get("Catalog"), "Error": operation.get("Error"), **_TIMES,
            "Files": [*map(file_of, operation["Files"])],
        })  # fmt: skip
    setup = {"DIRACSetup": None} if profile.setup else {}
    return json.dumps({
        "RequestName": request["RequestName"], profile.owner: request["Owner"], "OwnerGroup": request["OwnerGroup"],
        "Status": status, "Error": error, **setup, "SourceComponent": request["SourceComponent"],
        "JobID": request["JobID"], **_TIMES, "NotBefore": "<time>", "Operations": operations,
    })  # fmt: skip


def number_operations(operations: list[Json]) -> tuple[str, str | None]:
    """The first operation that is not done waits, the others queue; return the request's status, and its error.

    An operation that has failed, or is scheduled, holds up those after it. The error is forgotten when one is done.
    """
    status, error, held_up = "Waiting", None, False
    for operation in operations:
        operation.setdefault("Status", "Queued")
    for operation in operations:
        has = operation["Status"]
        if has == "Done":
            operation["Error"] = ""
        if has in {"Queued", "Waiting"}:
            operation["Status"] = "Queued" if held_up else "Waiting"
            status = "Waiting" if has == "Waiting" or not held_up else status
        elif not held_up:
            status, error = has, "" if has == "Done" else error
        if has == "Failed" and not held_up:
            break
        held_up = held_up or has != "Done"
    return status, error
