"""Checks what a scenario's form allows: faults, answers and operations that cannot be executed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dirac_failover.errors import ScenarioError, no_such
from dirac_failover.spec.observation import FILE_FIELDS
from dirac_failover.spec.scenario import SCRIPTED, Scenario
from dirac_fakes.answers import AnswerError, check_answers, methods_of
from dirac_fakes.clients import FakeDataStoreClient, FakeFileReport, FakeJobReport
from dirac_fakes.faults import LOCAL, Fault, FaultError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dirac_failover.spec.observation import Json

OPERATION_FIELDS: Final = (
    "Type", "Arguments", "ArgumentsHex", "Files", "SourceSE", "TargetSE", "Catalog", "Status", "Error",
)  # fmt: skip
_METHODS: Final = {
    **{fake.name: methods_of(fake) for fake in (FakeJobReport, FakeFileReport, FakeDataStoreClient)},
    "Request": ["toJSON", "getDigest"],
}
"""The methods of each collaborator that can be given answers."""


def checked(scenario: Scenario) -> Scenario:
    """Return the scenario; raises ScenarioError for a scenario that is well-formed and cannot be executed."""
    for fault in scenario.faults:
        _check_fault(fault)
    for key, answers in scenario.answers.items():
        if complaint := answers_complaint(key, answers):
            raise ScenarioError(f"Answers of {key}: {complaint}")
        collaborator = key.partition(".")[0]
        if scenario.collaborators.get(collaborator) != SCRIPTED and collaborator != "Request":
            raise ScenarioError(f"Answers of {key}: only a collaborator that is '{SCRIPTED}' gives answers")
    for number, operation in enumerate(scenario.operations, 1):
        if complaint := operation_complaint(operation):
            raise ScenarioError(f"Operation {number}: {complaint}")
    return scenario


def operation_complaint(operation: Mapping[str, Json]) -> str:
    """Return the error in the fields of an operation; empty if there is none."""
    if unknown := [name for name in operation if name not in OPERATION_FIELDS]:
        return no_such("field", unknown[0], OPERATION_FIELDS)
    files = operation.get("Files", [])
    if isinstance(files, list | tuple) and all(map(_is_file, files)):
        return ""
    return f"Files: expected a list of absolute LFNs or of fields of files, found {files!r}"


def _is_file(given: Json) -> bool:
    fields = {"LFN": given} if isinstance(given, str) else given
    return isinstance(fields, dict) and set(FILE_FIELDS).issuperset(fields) and fields.get("LFN", "/")[:1] == "/"


def _check_fault(text: str) -> None:
    try:
        fault = Fault.parse(text)
    except FaultError as error:
        raise ScenarioError(f"Fault {text}: {error}") from error
    if fault.target in LOCAL:
        raise ScenarioError(
            f"Fault {text}: here only services can be hit; a file that cannot be written is in a scenario's 'files'"
        )


def answers_complaint(key: str, answers: Sequence[str]) -> str:
    """Return the error in the answers of ``COLLABORATOR.METHOD``; empty if there is none."""
    collaborator, _, method = key.partition(".")
    if collaborator not in _METHODS:
        return no_such("collaborator", collaborator, _METHODS)
    try:
        check_answers(collaborator, _METHODS[collaborator], {method: answers}, ["GracefulTermination"])
    except AnswerError as error:
        return str(error)
    return ""
