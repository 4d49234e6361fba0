"""A scenario: one complete situation at the end of a job, as plain data.

Everything that a module can find is in it literally: the environment, ``workflow_commons``, ``step_commons``, preset
attributes, what the collaborators hold, how they and the services answer, and what lies in the working directory. A key
that is absent is missing for the module too, so missing and None are different things.

A field may be added here with a default that changes nothing, together with its line in :data:`FIELDS`, which checks
it and describes it to other programs (:func:`schema`). Nothing here knows how a scenario is run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Json = Any
"""None, bool, int, float, str, or lists and string-keyed dictionaries of these."""

LIVE: Final = "live"
SCRIPTED: Final = "scripted"
MISSING: Final = "missing"
NONE: Final = "none"

COLLABORATOR_KINDS: Final = {
    LIVE: "the implementation's own client, talking to the in-memory services",
    SCRIPTED: "a double that gives the scenario's answers",
    MISSING: "not in workflow_commons, so that the module makes its own",
    NONE: "in workflow_commons, as None",
}

SUBJECTS: Final = {
    "module": "the implementation's FailoverRequest",
    "base": "a small module that is derived from its ModuleBase",
}

OF_EARLIER: Final = ("subject", "hooks")
"""What a scenario says of a module that is executed before the one that it is about."""

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

FILE_KINDS: Final = {
    "output": "a file that the application wrote",
    "old": "a file of an earlier run, holding []",
    "directory": "a directory of that name, so that the file cannot be opened",
    "full": "a link to a full device: the file can be opened but not written",
}

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


class ScenarioError(ValueError):
    """A scenario that is malformed; the message says what was expected and what was found."""


def _map(default: Mapping[str, Any]) -> Any:
    return field(default_factory=lambda: default)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One situation; :data:`FIELDS` says what each field means. Nobody changes the mappings that it holds."""

    name: str = field(default="", compare=False)
    environment: Mapping[str, str] = _map(DEFAULT_ENVIRONMENT)
    attributes: Mapping[str, Json] = _map(DEFAULT_ATTRIBUTES)
    workflow_commons: Mapping[str, Json] = _map(DEFAULT_COMMONS)
    step_commons: Mapping[str, Json] = _map(DEFAULT_STEP)
    collaborators: Mapping[str, str] = _map(DEFAULT_COLLABORATORS)
    answers: Mapping[str, tuple[str, ...]] = _map(NOTHING)
    reported: Mapping[str, str] = _map(NOTHING)
    report_job: int = 0
    unsent_statuses: tuple[str | Sequence[str], ...] = ()
    unsent_parameters: Mapping[str, Json] = _map(NOTHING)
    records: int = 0
    operations: tuple[Mapping[str, Json], ...] = ()
    owner: tuple[str, str] | None = ("alice", "vo_user")
    faults: tuple[str, ...] = ()
    server_files: Mapping[str, str] = _map(NOTHING)
    error_counts: Mapping[str, int] = _map(NOTHING)
    options: Mapping[str, str] = _map(NOTHING)
    files: Mapping[str, str] = _map(NOTHING)
    executions: int = 1
    earlier: tuple[Mapping[str, Json], ...] = ()
    subject: str = "module"
    hooks: Mapping[str, str] = _map(NOTHING)
    calls: tuple[Sequence[Json], ...] = ()

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
        if not isinstance(data, Mapping):
            raise ScenarioError(f"A scenario is a JSON object, not {_show(data)}")
        if unknown := [key for key in data if key not in FIELDS]:
            raise ScenarioError(f"Unknown field {unknown[0]!r}: a scenario has {', '.join(FIELDS)}")
        for key, value in data.items():
            kind = FIELDS[key].kind
            if not _KINDS[kind].accepts(value):
                raise ScenarioError(f"{key}: expected {_KINDS[kind].text}, found {_show(value)}")
        _check_names(data)
        _check_run(data)
        return cls(**{key: _KINDS[FIELDS[key].kind].build(value) for key, value in data.items()})

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
        raise ScenarioError(f"{_show(value)} is no {kind}") from error


_NO_NAMES: Final = ("", ".", "..")


def _check_names(data: Mapping[str, Json]) -> None:
    for key, known in (("collaborators", COLLABORATOR_KINDS), ("files", FILE_KINDS)):
        for name, value in data.get(key, {}).items():
            if value not in known:
                raise ScenarioError(f"{key}.{name}: expected one of {', '.join(known)}, found {_show(value)}")
    for name in data.get("collaborators", {}):
        if name not in DEFAULT_COLLABORATORS:
            raise ScenarioError(f"collaborators: expected {', '.join(DEFAULT_COLLABORATORS)}, found {_show(name)}")
    for value in data.get("unsent_parameters", {}).values():
        typed(value)
    for name in data.get("files", {}):
        if name in _NO_NAMES or not {"/", "\0"}.isdisjoint(name):
            raise ScenarioError(f"files: expected a name in the working directory, found {_show(name)}")


def _check_run(data: Mapping[str, Json]) -> None:
    """Check what is run: the class, its hooks, and the methods that are called."""
    run: tuple[tuple[str, Iterable[Json], Iterable[str]], ...] = (
        ("subject", [data.get("subject", "module")], SUBJECTS),
        ("hooks", data.get("hooks", ()), HOOKS),
        ("calls", [call[0] for call in data.get("calls", ())], METHODS),
    )
    for place, found, known in run:
        for name in found:
            if not isinstance(name, str) or name not in known:
                raise ScenarioError(f"{place}: expected one of {', '.join(known)}, found {_show(name)}")
    for module in data.get("earlier", ()):
        for key, value in module.items():
            if key not in OF_EARLIER or not _KINDS[FIELDS[key].kind].accepts(value):
                raise ScenarioError(f"earlier: expected objects with {', '.join(OF_EARLIER)}, found {_show(module)}")
        _check_run(module)
    for call in data.get("calls", ()):
        if [type(part) for part in call[1:]] not in ([list], [list, dict]):
            raise ScenarioError(f"calls: expected [method, [arguments], {{named arguments}}], found {_show(call)}")


class _Kind(NamedTuple):
    """A shape of JSON values: how to say it, recognise it, build the field from it, and describe it to a validator."""

    text: str
    schema: dict[str, Json]

    def accepts(self, value: Json) -> bool:
        return _matches(value, self.schema)

    def build(self, value: Json) -> Any:
        if isinstance(value, list):
            return tuple(value)
        if isinstance(value, Mapping):
            return {key: tuple(item) if self is _KINDS["lists"] else item for key, item in value.items()}
        return int(value) if isinstance(value, float) else value


_TYPES: Final[dict[str, Any]] = {"string": str, "integer": int, "object": Mapping, "array": list, "null": type(None)}


def _matches(value: Json, schema: Mapping[str, Json] | None) -> bool:
    """Check the part of JSON Schema that :data:`_KINDS` uses."""
    if not schema:
        return True
    names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # to JSON, 1.0 is an integer
    if isinstance(value, bool) or not any(isinstance(value, _TYPES[name]) for name in names):
        return False
    if isinstance(value, Mapping):
        inner = schema.get("additionalProperties")
        return all(isinstance(key, str) and _matches(item, inner) for key, item in value.items())
    if isinstance(value, list):
        size = len(value)
        return schema.get("minItems", size) <= size <= schema.get("maxItems", size) and all(
            _matches(item, schema["items"]) for item in value
        )
    return not isinstance(value, int) or bool(value >= schema["minimum"])


_TEXT: Final = {"type": "string"}
_KINDS: Final[dict[str, _Kind]] = {
    "text": _Kind("a text", _TEXT),
    "texts": _Kind("an object whose values are texts", {"type": "object", "additionalProperties": _TEXT}),
    "values": _Kind("an object", {"type": "object"}),
    "list": _Kind("a list of texts", {"type": "array", "items": _TEXT}),
    "lists": _Kind(
        "an object whose values are lists of texts",
        {"type": "object", "additionalProperties": {"type": "array", "items": _TEXT, "minItems": 1}},
    ),
    "statuses": _Kind(
        "a list of texts, or of lists of three texts",
        {
            "type": "array",
            "items": {"type": ["string", "array"], "items": _TEXT, "minItems": 3, "maxItems": 3},
        },
    ),
    "counts": _Kind(
        "an object whose values are whole numbers that are not negative",
        {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}},
    ),
    "objects": _Kind("a list of objects", {"type": "array", "items": {"type": "object"}}),
    "calls": _Kind(
        "a list of [method, [arguments], {named arguments}]",
        {
            "type": "array",
            "items": {
                "type": "array",
                "minItems": 2,
                "maxItems": 3,
                "items": {},
                "prefixItems": [{"enum": list(METHODS)}, {"type": "array"}, {"type": "object"}],
            },
        },
    ),
    "count": _Kind("a whole number that is not negative", {"type": "integer", "minimum": 0}),
    "times": _Kind("a whole number of at least 1", {"type": "integer", "minimum": 1}),
    "pair": _Kind("[user, group] or null", {"type": ["array", "null"], "items": _TEXT, "minItems": 2, "maxItems": 2}),
}


class Field(NamedTuple):
    """What a field of a scenario means, and its shape (a key of the table of kinds)."""

    kind: str
    text: str


FIELDS: Final[dict[str, Field]] = {
    "name": Field("text", "What people call it; not part of the situation"),
    "environment": Field("texts", "Environment variables; the job's ID is JOBID"),
    "attributes": Field("values", "Attributes that are set on the module before it is executed"),
    "workflow_commons": Field("values", "workflow_commons, the collaborators left out"),
    "step_commons": Field("values", "step_commons"),
    "collaborators": Field("texts", "How each collaborator is there: " + ", ".join(COLLABORATOR_KINDS)),
    "answers": Field("lists", "What a scripted method answers, call by call; the last answer is repeated"),
    "reported": Field("texts", "Statuses by LFN that earlier modules left in the file report"),
    "report_job": Field("count", "The job that the job report was made for, before it was given this one; 0: this one"),
    "unsent_statuses": Field(
        "statuses", "Statuses that wait in the job report: application statuses, or [status, minor, application]"
    ),
    "unsent_parameters": Field(
        "values", "Job parameters that wait in the job report; see typed() for values that JSON does not know"
    ),
    "records": Field("count", "Accounting records that wait in the accounting client"),
    "operations": Field("objects", "Operations that earlier modules left in the request, with Type and the like"),
    "owner": Field("pair", "User and group of the proxy; null when there is none"),
    "faults": Field("list", "Faults of the services, as SERVICE[.METHOD]:KIND[=VALUE][@SCHEDULE]"),
    "server_files": Field("texts", "Status by LFN in the transformation system"),
    "error_counts": Field("counts", "How often a file of the transformation system has failed, by LFN; 0 unless said"),
    "options": Field("texts", "Options of the configuration, by path"),
    "files": Field("texts", "What lies in the working directory, by name: " + ", ".join(FILE_KINDS)),
    "executions": Field("times", "How often the one module is executed"),
    "earlier": Field(
        "objects",
        "Modules that the same step executes before this one, in order, with a subject and hooks of their own",
    ),
    "subject": Field("text", "Which class is run: " + ", ".join(SUBJECTS)),
    "hooks": Field(
        "texts", "Hooks that are replaced in a class derived from the subject, and what each does: an answer"
    ),
    "calls": Field("calls", "Methods that are called in turn instead of execute: name, arguments, named arguments"),
}


def _plain(value: Any) -> Json:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value


_DEFAULTS: Final = {key: (value := getattr(Scenario(), key), repr(_plain(value))) for key in FIELDS}
"""The default of each field, and its text: True == 1, but a module may be told either."""


def schema() -> dict[str, Json]:
    """Return the JSON Schema of a scenario."""
    properties: dict[str, Json] = {
        key: {"description": item.text, **_KINDS[item.kind].schema} for key, item in FIELDS.items()
    }
    properties["collaborators"]["additionalProperties"] = _one_of(COLLABORATOR_KINDS)
    properties["collaborators"]["propertyNames"] = {"enum": list(DEFAULT_COLLABORATORS)}
    properties["subject"] |= _one_of(SUBJECTS)
    properties["hooks"]["propertyNames"] = {"enum": list(HOOKS)}
    ofs = {key: {**properties[key]} for key in OF_EARLIER}
    properties["earlier"]["items"] = {"type": "object", "properties": ofs, "additionalProperties": False}
    properties["files"]["additionalProperties"] = _one_of(FILE_KINDS)
    properties["files"]["propertyNames"] = {"pattern": "^[^/\\u0000]*$", "not": {"enum": list(_NO_NAMES)}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A scenario of dirac-failover",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }


def _one_of(kinds: Mapping[str, str]) -> dict[str, Json]:
    return {"enum": list(kinds), "description": "; ".join(f"{name}: {text}" for name, text in kinds.items())}


def _show(value: Any) -> str:
    text = json.dumps(value, default=repr, skipkeys=True)
    return text if len(text) <= 60 else text[:57] + "..."  # noqa: PLR2004 - what fits beside the rest of the line
