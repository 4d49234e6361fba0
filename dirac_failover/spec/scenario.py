"""A scenario: one complete situation at the end of a job, as plain data.

Everything that a module can find is in it literally: the environment, ``workflow_commons``, ``step_commons``, preset
attributes, what the collaborators hold, how they and the services answer, and what lies in the working directory. A key
that is absent is missing for the module too, so missing and None are different things.

The type and the docstring of a field check it and describe it to other programs (:func:`schema`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Final, Self

from typing_extensions import TypedDict

from dirac_failover.errors import ScenarioError
from dirac_failover.spec.shape import ShapeError, described, matching, one_of, parse, shown, sized, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Json = Any
"""None, bool, int, float, str, or lists and string-keyed dictionaries of these."""

LIVE: Final = "live"
SCRIPTED: Final = "scripted"
MISSING: Final = "missing"
NONE: Final = "none"

COLLABORATOR_KINDS: Final = (LIVE, SCRIPTED, MISSING, NONE)
SUBJECTS: Final = ("module", "base")
HOOKS: Final = ("_resolveInputVariables", "_initialize", "_setCommand", "_executeCommand", "_execute", "_finalize")
"""The hooks of a module, in the order in which ``execute`` calls them."""

METHODS: Final[Mapping[str, tuple[str, ...]]] = {
    "getCandidateFiles": ("outputList", "outputLFNs", "fileMask", "stepMask"),
    "setApplicationStatus": ("status", "sendFlag"),
    "setJobParameter": ("name", "value", "sendFlag"),
    "generateFailoverFile": (),
    "finalize": (),
}
"""The methods that the documentation of the class names beside ``execute`` and the hooks, with their parameters."""

FILE_KINDS: Final = ("output", "old", "directory", "full")

DEFAULT_ENVIRONMENT: Final[Mapping[str, str]] = {"JOBID": "77"}
DEFAULT_ATTRIBUTES: Final[Mapping[str, Json]] = {
    "STEP_NUMBER": "1",
    "workflowStatus": {"OK": True},
    "stepStatus": {"OK": True},
}
DEFAULT_COMMONS: Final[Mapping[str, Json]] = {"PRODUCTION_ID": "00000012", "JOB_ID": "00000034"}
DEFAULT_STEP: Final[Mapping[str, Json]] = {"STEP_INSTANCE_NAME": "failover"}
DEFAULT_COLLABORATORS: Final[Mapping[str, str]] = dict.fromkeys(
    ("JobReport", "FileReport", "AccountingReport", "Request"), LIVE
)
FAILED_STATUS: Final[Mapping[str, Json]] = {"OK": False, "Errno": 0, "Message": "failed before"}
NOTHING: Final[Mapping[str, Any]] = {}


def _map(default: Mapping[str, Any]) -> Any:
    return field(default_factory=lambda: default)


_Collaborator = Annotated[str, one_of(*DEFAULT_COLLABORATORS)]
_CollaboratorKind = Annotated[str, one_of(*COLLABORATOR_KINDS)]
_Subject = Annotated[str, one_of(*SUBJECTS)]
_Hook = Annotated[str, one_of(*HOOKS)]
_FileName = Annotated[str, matching(r"^(?!\.{0,2}$)[^/\0]*$")]
_FileKind = Annotated[str, one_of(*FILE_KINDS)]
_Answers = Annotated[tuple[str, ...], sized(1)]
_Count = Annotated[int, whole()]
_Method = Annotated[str, one_of(*METHODS)]
_Call = tuple[_Method, list[Json]] | tuple[_Method, list[Json], dict[str, Json]]


class Earlier(TypedDict, total=False):
    """A module that is executed before the one that a scenario is about."""

    subject: _Subject
    hooks: Mapping[_Hook, str]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One situation, in full; the mappings that it holds are not to be changed."""

    name: str = field(default="", compare=False)
    """What people call it; not part of the situation."""
    environment: Mapping[str, str] = _map(DEFAULT_ENVIRONMENT)
    """Environment variables; the job's ID is JOBID."""
    attributes: Mapping[str, Json] = _map(DEFAULT_ATTRIBUTES)
    """Attributes that are set on the module before it is executed."""
    workflow_commons: Mapping[str, Json] = _map(DEFAULT_COMMONS)
    """workflow_commons, the collaborators left out."""
    step_commons: Mapping[str, Json] = _map(DEFAULT_STEP)
    collaborators: Mapping[_Collaborator, _CollaboratorKind] = _map(DEFAULT_COLLABORATORS)
    """How each collaborator is there: the implementation's own client ("live"), a double that gives the scenario's
    answers ("scripted"), not in workflow_commons ("missing"), or there as None ("none")."""
    answers: Mapping[str, _Answers] = _map(NOTHING)
    """What a scripted method answers, call by call; the last answer is repeated."""
    reported: Mapping[str, str] = _map(NOTHING)
    """Statuses by LFN that earlier modules left in the file report."""
    report_job: _Count = 0
    """The job that the job report was made for, before it was given this one; 0: this one."""
    unsent_statuses: tuple[str | tuple[str, str, str], ...] = ()
    """Statuses that wait in the job report: application statuses, or [status, minor, application]."""
    unsent_parameters: Mapping[str, Json] = _map(NOTHING)
    """Job parameters that wait in the job report; see typed() for values that JSON does not know."""
    records: _Count = 0
    """Accounting records that wait in the accounting client."""
    operations: tuple[Mapping[str, Json], ...] = ()
    """Operations that earlier modules left in the request, with Type and the like."""
    owner: tuple[str, str] | None = ("alice", "vo_user")
    """User and group of the proxy; null when there is none."""
    faults: tuple[str, ...] = ()
    """Faults of the services, as SERVICE[.METHOD]:KIND[=VALUE][@SCHEDULE]."""
    server_files: Mapping[str, str] = _map(NOTHING)
    """Status by LFN in the transformation system."""
    error_counts: Mapping[str, _Count] = _map(NOTHING)
    """How often a file of the transformation system has failed, by LFN; 0 by default."""
    options: Mapping[str, str] = _map(NOTHING)
    """Options of the configuration, by path; RequestManagement/ReqProxyURLs names the request proxies, and a fault of
    req-proxy/HOST strikes the one on that host."""
    files: Mapping[_FileName, _FileKind] = _map(NOTHING)
    """What lies in the working directory, by name: a file that the application wrote ("output"), one of an earlier run
    that holds [] ("old"), a directory ("directory"), a link to a full device ("full")."""
    executions: Annotated[int, whole(1)] = 1
    """How often the one module is executed."""
    earlier: tuple[Earlier, ...] = ()
    """Modules that the same step executes before this one, in order, with a subject and hooks of their own."""
    subject: _Subject = "module"
    """The class that is run: the implementation's FailoverRequest ("module"), or a small module derived from its
    ModuleBase ("base")."""
    hooks: Mapping[_Hook, str] = _map(NOTHING)
    """Hooks that are replaced in a class derived from the subject, and what each does: an answer."""
    calls: tuple[_Call, ...] = ()
    """Methods that are called in turn instead of execute: name, arguments, named arguments."""

    @classmethod
    def of_job(  # noqa: PLR0913 - one argument for each thing that people vary
        cls,
        *,
        name: str = "",
        inputs: Iterable[str] = (),
        job_id: int | str | None = 77,
        workflow_failed: bool = False,
        step_failed: bool = False,
        reported: Mapping[str, str] | None = None,
        records: int = 0,
        operations: Iterable[Mapping[str, Json]] = (),
        owner: tuple[str, str] | None = ("alice", "vo_user"),
        faults: Iterable[str] = (),
    ) -> Self:
        """Return the usual situation of a job, with the inputs known to the transformation system as Assigned."""
        lfns = list(inputs)
        commons = dict(DEFAULT_COMMONS) | ({"InputData": ";".join(lfns)} if lfns else {})
        statuses = {
            "workflowStatus": FAILED_STATUS if workflow_failed else {"OK": True},
            "stepStatus": FAILED_STATUS if step_failed else {"OK": True},
        }
        return cls(
            name=name,
            environment={} if job_id is None else {"JOBID": str(job_id)},
            attributes=dict(DEFAULT_ATTRIBUTES) | statuses,
            workflow_commons=commons,
            reported=reported or {},
            records=records,
            operations=tuple(operations),
            owner=owner,
            faults=tuple(faults),
            server_files=dict.fromkeys(lfns, "Assigned"),
        )

    def to_json(self) -> dict[str, Json]:
        """Return the fields that differ from their defaults, as JSON values."""
        found = {}
        for key, (default, text) in _DEFAULTS.items():
            value = getattr(self, key)
            if value is not default:
                plain = _plain(value)
                if repr(plain) != text:
                    found[key] = plain
        return found

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """Build a scenario from JSON values; raises :class:`ScenarioError` unless all of it is understood."""
        try:
            made = parse(cls, data)
        except ShapeError as error:
            raise ScenarioError(*error.args) from error
        for value in made.unsent_parameters.values():
            typed(value)
        return made

    @classmethod
    def from_text(cls, text: str | bytes) -> Self:
        """Build a scenario from JSON text; raises :class:`ScenarioError` if that cannot be."""
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ScenarioError(f"A scenario is a JSON object, and this is not JSON: {error}") from error
        return cls.from_json(data)


_TYPED: Final[Mapping[str, Callable[[Any], Any]]] = {
    "float": float, "decimal": Decimal, "tuple": tuple, "set": set,
}  # fmt: skip


def typed(value: Json) -> Any:
    """Return the Python value that JSON stands for: ``{"float": "nan"}`` is one that JSON does not know.

    There are ``float`` and ``decimal`` with a text, ``tuple`` and ``set`` with a list; raises ScenarioError for a value
    that does not fit.
    """
    if isinstance(value, list):
        return [*map(typed, value)]
    if not isinstance(value, Mapping):
        return value
    ((kind, item), *more) = value.items() or [("", None)]
    if more or kind not in _TYPED:
        return {key: typed(each) for key, each in value.items()}
    try:
        return _TYPED[kind](typed(item))
    except (ArithmeticError, TypeError, ValueError) as error:
        raise ScenarioError(f"{shown(value)} is no {kind}") from error


def _plain(value: Any) -> Json:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value


_DEFAULTS: Final = {key.name: (value := getattr(Scenario(), key.name), repr(_plain(value))) for key in fields(Scenario)}
"""The default of each field, and its text, since True == 1."""


def schema() -> dict[str, Json]:
    """Return the JSON Schema of a scenario."""
    rules = described(Scenario)
    rules["properties"]["files"]["additionalProperties"] = False  # a name with another pattern
    return rules
