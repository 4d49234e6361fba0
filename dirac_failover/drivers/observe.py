"""The data that is observed after a run, as plain values: the calls, the collaborators' state, and the request.

Each driver uses it at the end of a run, for an implementation in this process or in another one.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from dirac_failover.drivers.describe import NEVER_THE_SAME
from dirac_failover.spec.observation import Call, Scrubber, attribute, elements, of_operation
from dirac_fakes.clients import Fake

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dirac_fakes.journal import Journal

HOOKS: Final = (
    "_resolveInputVariables", "_initialize", "_setCommand", "_executeCommand", "_execute", "_finalize", "finalize",
)  # fmt: skip
"""The methods of a module that the contract names, in the order of its calls."""

ATTRIBUTES: Final = (
    "production_id", "prod_job_id", "jobID", "step_number", "step_id", "jobType", "executable", "command",
    "applicationName", "applicationVersion", "applicationLog", "stepName", "inputDataType", "InputData",
    "inputDataList", "stepInputData", "appSteps", "outputDataFileMask", "workflowStatus", "stepStatus",
)  # fmt: skip
"""The attributes of a module that other modules may read afterwards."""

HELD: Final = {
    "JobReport": ("jobID", "source", "jobStatusInfo", "appStatusInfo", "jobParameters"),
    "FileReport": ("transformation", "force", "statusDict"),
    "AccountingReport": ("_DataStoreClient__registersList",),
}
"""The attributes with unsent reports, by client; a fake lists its own."""


def plain_steps(journal: Journal, scrubber: Scrubber) -> tuple[Call, ...]:
    """Return the calls of a journal as plain data."""
    items, plain = scrubber.items, scrubber.plain
    return tuple(
        _HOOK_CALLS.get(method) or Call(target, method, [], None)  # it may be a command
        if target == "module"
        else Call(target, method, items(args) if args else [], answer)
        if type(answer) is str
        else Call(target, method, *plain((args, without_stack(answer))))
        for target, method, args, answer, _ in journal.calls
    )


def held(collaborators: Mapping[str, Any]) -> dict[str, Any]:
    """Return the unsent reports of the collaborators, by attribute."""
    found = {}
    for name, attributes in HELD.items():
        collaborator = collaborators.get(name)
        if issubclass(type(collaborator), Fake):
            found[name] = attribute(collaborator, "held")
        elif type(state := attribute(collaborator, "__dict__")) is dict:
            found[name] = {key: state[key] for key in attributes if key in state}
    return found


def of_request(request: Any, owner: str) -> dict[str, Any]:
    """Return the fields of a request and its operations; ``owner`` is the attribute that names the owner."""
    found = {name: attribute(request, owner if name == "Owner" else name) for name in REQUEST_FIELDS}
    found["Operations"] = [of_operation(operation) for operation in elements(request)]
    return found


REQUEST_FIELDS: Final = "RequestName", "JobID", "SourceComponent", "Owner", "OwnerGroup"
_HOOK_CALLS: Final = {name: Call("module", name, [], None) for name in HOOKS}


def sorted_keys(commons: dict[Any, Any]) -> list[Any]:
    """Return the keys of ``workflow_commons`` in order."""
    try:
        return sorted(commons)
    except BaseException:  # noqa: BLE001 - a module may use anything as a key
        return sorted(map(str, Scrubber().plain(list(commons))))


def without_stack(answer: Any) -> Any:
    """Return an answer without its call stack, which differs in each run, and without the stub of the call."""
    if type(answer) is dict:
        with suppress(BaseException):  # a key may be anything
            return {key: value for key, value in answer.items() if key not in NEVER_THE_SAME}
    return answer
