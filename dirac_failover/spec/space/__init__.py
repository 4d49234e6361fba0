"""The space: every scenario that is checked, as products of named dimensions.

The space has regions. In a region each :class:`Dimension` lists all values that the module can tell apart, each with
the reason why it is there, and the region is the product of its dimensions: all of it, not a sample. A dimension whose
``when`` says no is not branched on, since the module never gets to ask: an exception before that point, an answer that
makes the question moot. (That the module really asks, and asks nothing else, is checked by ``tests/spec``.)

Regions meet only through values, never through decisions. What identifies the job, for example, reaches the services as
a number and a file name; whether a service is down changes nothing in how the number was found. So the product of two
regions would show nothing that the regions do not show.

A value's ``sets`` are fields of :class:`~dirac_failover.spec.scenario.Scenario`; mappings are merged, and a key set to
:data:`ABSENT` is removed. New values go into the tables below; nothing else needs to know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from dirac_failover.spec.dimensions import ABSENT, Choices, Dimension, Region, Then, Value
from dirac_failover.spec.scenario import LIVE, MISSING, NONE, Scenario
from dirac_failover.spec.space.client_regions import CLIENT_REGIONS
from dirac_failover.spec.space.input_regions import BOTH_INPUTS, IDENTITY, INPUTS
from dirac_failover.spec.space.module_regions import (
    ALL_SCRIPTED,
    CANDIDATES,
    END,
    FORWARD,
    HEALTH,
    HOOKS_REGION,
    REPORTS,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


def _last(answer: str) -> dict[str, Any]:
    return {"last status": Then("JobReport.setApplicationStatus", answer)}


def _answers(method: str, *answers: str) -> dict[str, Any]:
    return {"answers": {method: answers}}


# Answers

_BAD_RESULT: Final = (
    ("none", "TypeError: None is no return structure", "bad_shape=null"),
    ("empty", "KeyError: a return structure without OK", "bad_shape={}"),
)
_RAISES: Final = (
    ("raises", "the usual exception: it becomes the result", "raises=ValueError:boom"),
    ("raises runtime", "RuntimeError is the module's own way to fail", "raises=RuntimeError:boom"),
    ("raises with number", "its second argument becomes the error number", "raises=RuntimeError:boom:1500"),
    (
        "raises graceful",
        "GracefulTermination ends the module well, wherever it comes from",
        "raises=GracefulTermination:bye",
    ),
    ("raises interrupt", "not even an interrupt gets out", "raises=KeyboardInterrupt"),
)


def _from_table(method: str, *rows: tuple[str, str, str]) -> tuple[Value, ...]:
    return tuple(Value(name, reason, _answers(method, answer)) for name, reason, answer in rows)


_OK: Final = ("ok", "the good case", "ok")


def _well(choices: Choices) -> bool:
    return choices["health"] == "well"


_GO_ON: Final[Mapping[str, frozenset[str]]] = {
    "health": frozenset({"well", "workflow failed", "step failed"}),
    "get files": frozenset({"ok"}),
    "get files again": frozenset({"ok", "changed"}),
    "set status": frozenset({"ok", "error"}),
    "file commit": frozenset({"ok", "error"}),
    "file forward": frozenset({"ok", "operation", "error with value"}),
    "finished": frozenset({"ok", "error"}),
    "job forward": frozenset({"ok", "operation", "error"}),
    "accounting": frozenset({"absent", "given as none", "ok"}),
    "owner": frozenset({"yes"}),
    "earlier": frozenset({"none", "forward", "two", "set status first"}),
    "serialise": frozenset({"ok"}),
    "file": frozenset({"new", "old"}),
    "digest": frozenset({"ok", "error"}),
}
_STAGES: Final = tuple(_GO_ON)


def _reached(stage: str) -> Callable[[Choices], bool]:
    """Return whether no answer so far has ended the module before it asks for ``stage``."""
    before = [(name, _GO_ON[name]) for name in _STAGES[: _STAGES.index(stage)]]

    def reached(choices: Choices) -> bool:
        for name, go_on in before:  # noqa: SIM110 - asked at every branch of the space
            if name in choices and choices[name] not in go_on:
                return False
        return True

    return reached


_SET_STATUS_REACHED: Final = _reached("set status")
_FORWARD_REACHED: Final = _reached("file forward")
_FINISHED_REACHED: Final = _reached("finished")
_JOB_FORWARD_REACHED: Final = _reached("job forward")
_ACCOUNTING_REACHED: Final = _reached("accounting")
_REQUEST_REACHED: Final = _reached("owner")


def _needs_status(choices: Choices) -> bool:
    """Return whether an input lacks a status, in the view that counts."""
    lacking = {"unreported", "one reported"}
    if choices.get("get files again") == "changed":
        lacking = lacking | {"all reported"}  # by the changed answer, /vo/a has no status
    return _SET_STATUS_REACHED(choices) and choices["inputs"] in lacking


def _pending(choices: Choices) -> bool:
    """Return whether the request has an operation when the file is to be written."""
    return (
        _REQUEST_REACHED(choices)
        and _well(choices)
        and (
            choices["earlier"] != "none"
            or choices.get("file forward") == "operation"
            or choices.get("job forward") == "operation"
        )
    )


def _valid(choices: Choices) -> bool:
    """Return whether the file is to be written, after inputs whose statuses were taken without incident.

    What went otherwise there is in the request by then, or nowhere: it is not multiplied by how the file is written.
    Nor is an accounting that is there and is None, which no hook has asked for anything.
    """
    usual = choices.get("get files again", "ok") == choices.get("set status", "ok") == "ok"
    if not usual or choices.get("accounting") == "given as none" or not _pending(choices):
        return False
    return choices["owner"] == "yes" and choices["earlier"] in _GO_ON["earlier"]


def _without_incident(choices: Choices) -> bool:
    """Return whether all went well, and nothing is pending: what is looked at here is not multiplied by the rest."""
    usual = {"health": "well", "file commit": "ok", "earlier": "none", **dict.fromkeys(_OFTEN_OK, "ok")}
    return all(choices.get(name, "ok") == value for name, value in usual.items())


_OFTEN_OK: Final = (
    "get files", "get files again", "set status", "finished", "job forward", "accounting", "last status",
)  # fmt: skip


ANSWERS: Final = Region(
    "answers",
    "what each collaborator answers, wherever the module asks",
    {"collaborators": ALL_SCRIPTED, "records": 1},
    (
        HEALTH,
        Dimension("inputs", "each input file needs a status", (
            Value("none", "nothing to report"),
            Value("unreported", "both get a status", {"workflow_commons": BOTH_INPUTS}),
            Value("one reported", "the other gets a status",
                  {"workflow_commons": BOTH_INPUTS, "reported": {"/vo/a": "Problematic"}}),
            Value("all reported", "nothing is added", {
                "workflow_commons": BOTH_INPUTS, "reported": {"/vo/a": "Problematic", "/vo/b": "Unused"}}),
        )),
        Dimension("get files", "FileReport.getFiles: the statuses so far", _from_table("FileReport.getFiles",
            _OK, ("raises", "the usual exception", "raises=ValueError:boom"))),
        Dimension("get files again", "FileReport.getFiles: asked once more when all is well", (
            Value("ok", "the same statuses"),
            Value("changed", "the second answer counts", {
                "answers": {"FileReport.getFiles": ("ok={}", 'ok={"/vo/b": "Problematic"}')}}),
            Value("raises", "the usual exception", {
                "answers": {"FileReport.getFiles": ("ok", "raises=ValueError:boom")}}),
        ), lambda c: _well(c) and c["get files"] == "ok" and c["inputs"] != "none"),
        Dimension("set status", "FileReport.setFileStatus: its answer is not looked at", _from_table(
            "FileReport.setFileStatus", _OK,
            ("error", "goes unnoticed", "s_error"),
            ("raises", "the usual exception", "raises=ValueError:boom"),
        ), _needs_status),
        Dimension("file commit", "FileReport.commit: the statuses are sent", _from_table(
            "FileReport.commit", _OK, ("error", "a second try follows", "s_error"), *_BAD_RESULT, *_RAISES,
        ), _reached("file commit")),
        Dimension("file forward", "FileReport.generateForwardDISET: the second try, or an operation", _from_table(
            "FileReport.generateForwardDISET", ("ok", "the second try worked", "ok"),
            ("operation", "goes into the request", "operation"),
            ("error", "KeyError: the error's Value is looked for", "s_error"),
            ("error with value", "only logged: the statuses are lost", 'bad_shape={"OK": false, "Value": "why"}'),
            ("no value", "KeyError: OK without Value", 'bad_shape={"OK": true}'),
            *_BAD_RESULT, *_RAISES,
        ), lambda c: _FORWARD_REACHED(c) and c["file commit"] == "error"),
        Dimension("finished", "JobReport.setApplicationStatus: the job is reported as finished", _from_table(
            "JobReport.setApplicationStatus", _OK,
            ("error", "only logged", "s_error"),
            ("error without text", "KeyError: the text is to be logged", 'bad_shape={"OK": false}'),
            *_BAD_RESULT, *_RAISES,
        ), lambda c: _well(c) and _FINISHED_REACHED(c)),
        Dimension("job forward", "JobReport.generateForwardDISET: unsent statuses become an operation", _from_table(
            "JobReport.generateForwardDISET", ("ok", "all was sent", "ok"),
            ("operation", "goes into the request", "operation"),
            ("error", "only logged: the statuses are lost", "s_error"),
            ("no value", "KeyError: OK without Value", 'bad_shape={"OK": true}'),
            *_BAD_RESULT, *_RAISES,
        ), lambda c: _well(c) and _JOB_FORWARD_REACHED(c)),
        Dimension("accounting", "AccountingReport.commit: the records are sent", (
            Value("ok", "the good case"),
            Value("absent", "no accounting record was added", {"collaborators": {"AccountingReport": ABSENT}}),
            Value("given as none", "as absent", {"collaborators": {"AccountingReport": NONE}}),
            *_from_table("AccountingReport.commit",
                ("error", "no file is written, and no error says so", "s_error"), *_BAD_RESULT, *_RAISES),
        ), lambda c: _well(c) and _ACCOUNTING_REACHED(c)),
        Dimension("earlier", "operations that earlier modules left in the request", (
            Value("none", "only what arises here"),
            Value("forward", "a call to be repeated", {"operations": (FORWARD,)}),
            Value("two", "several files, in order", {"operations": (
                {"Type": "RemoveFile", "Files": ["/vo/o1", "/vo/o2"]}, {"Type": "ForwardDISET", "Arguments": "x"})}),
            Value("set status first", "the validator looks no further than a type that it does not know", {
                "operations": ({"Type": "SetFileStatus", "Arguments": "x"}, {"Type": "RemoveFile"})}),
            Value("invalid", "one bad operation loses them all", {"operations": (
                {"Type": "ForwardDISET", "Arguments": "x"}, {"Type": "RemoveFile"})}),
            Value("not text", "UnicodeDecodeError when it is serialised", {"operations": (
                {"Type": "ForwardDISET", "ArgumentsHex": "ff00"},)}),
        ), lambda c: _well(c) and _REQUEST_REACHED(c)),
        Dimension("owner", "the proxy's user and group: a request without them is not valid", (
            Value("yes", "the good case"),
            Value("no", "the whole request is lost", {"owner": None}),
        ), _pending),
        Dimension("serialise", "Request.toJSON", _from_table("Request.toJSON",
            ("ok", "the good case", "ok"),
            ("error", "RuntimeError with its text", "s_error"),
            ("error without text", "KeyError: the text is looked for", 'bad_shape={"OK": false}'),
            ("none", "TypeError: None is no return structure", "bad_shape=null"),
            ("not text", "is made a text", "ok=[1]"),
            ("raises", "the usual exception", "raises=ValueError:boom"),
        ), _valid),
        Dimension("file", "what lies where the file will be", (
            Value("new", "the good case"),
            Value("old", "is overwritten", {"files": {"12_34_request.json": "old"}}),
            Value("directory", "cannot be opened", {"files": {"12_34_request.json": "directory"}}),
            Value("full", "cannot be written", {"files": {"12_34_request.json": "full"}}),
        ), lambda c: _valid(c) and c["serialise"] == "ok"),
        Dimension("digest", "Request.getDigest: only logged, after the file was written", _from_table(
            "Request.getDigest", ("ok", "the good case", "ok"),
            ("error", "only logged", "s_error"),
            ("error without text", "KeyError: the text is to be logged", 'bad_shape={"OK": false}'),
            ("raises", "the module fails though the file is there", "raises=ValueError:boom"),
        ), lambda c: _valid(c) and c["serialise"] == "ok" and c["file"] in _GO_ON["file"]),
        Dimension("last status", "JobReport.setApplicationStatus: how the module itself went", (
            Value("ok", "the good case", _last("ok")),
            Value("error", "only logged", _last("s_error")),
            Value("none", "TypeError escapes", _last("bad_shape=null")),
            Value("raises", "escapes", _last("raises=ValueError:late")),
        ), lambda c: _well(c) and c.get("digest", "ok") == "ok"),
        Dimension("commit value", "FileReport.commit: its Value, which some implementations look at", _from_table(
            "FileReport.commit", ("some", "the good case", "ok"),
            ("absent", "OK without Value, which is not needed", 'bad_shape={"OK": true}'),
        ), _without_incident),
    ),
)  # fmt: skip

# Services


def _faults(service: str, *rows: tuple[str, str]) -> tuple[Value, ...]:
    return tuple(
        Value(name, reason, {"faults": (_fault(service, name),)} if name != "well" else {}) for name, reason in rows
    )


def _fault(service: str, name: str) -> str:
    return f"{service}.{name}" if name.startswith("set") else f"{service}:{name}"


SERVICES: Final = Region(
    "services",
    "the implementation's own clients against services that fail in every way that a client can tell apart",
    {"collaborators": {"AccountingReport": ABSENT}},
    (
        Dimension("health", HEALTH.reason, HEALTH.values[:2]),
        Dimension("inputs", "what is to be reported to the transformation system", (
            Value("none", "it is not called"),
            Value("two", "both get a status", {"workflow_commons": BOTH_INPUTS}),
            Value("one reported", "two different statuses at once", {
                "workflow_commons": BOTH_INPUTS, "reported": {"/vo/a": "Problematic"}}),
        )),
        Dimension("server", "the files' statuses in the transformation system", (
            *(Value(status, reason, {"server_files": dict.fromkeys(("/vo/a", "/vo/b"), status)}) for status, reason in (
                ("Assigned", "the usual case"),
                ("Processed", "final: only force changes it"),
                ("MaxReset", "final for Unused"),
            )),
            Value("unknown", "the files are not of this transformation: nothing is reported, and no error says so"),
        ), lambda c: c["inputs"] != "none"),
        Dimension("transformation", "how the transformation system fails", _faults("transformation",
            ("well", "the good case"),
            ("down", "two tries fail, and an operation is made"),
            ("first=1", "the second try works"),
            ("setFileStatusForTransformation:refuse", "the files are looked up, but not changed"),
            ("setFileStatusForTransformation:lost_reply", "done, and the answer is lost"),
        ), lambda c: c["inputs"] != "none"),
        Dimension("job state", "how the job's state service fails", _faults("job-state",
            ("well", "the good case"),
            ("down", "three tries fail; the second one becomes an operation"),
            ("first=1", "the statuses arrive with the second try"),
            ("first=2", "the statuses arrive, and will arrive again"),
            ("lost_reply", "done, and the answer is lost"),
            ("s_error=no;stub=no", "an error that cannot be repeated later: the status is lost"),
            ("raises=ValueError:boom", "what a client never does"),
        ), lambda c: c["health"] == "well"),
        Dimension("accounting", "how accounting fails", (
            Value("absent", "no accounting record was added"),
            Value("empty", "nothing to send", {"collaborators": {"AccountingReport": LIVE}}),
            Value("sent", "the good case", {"collaborators": {"AccountingReport": LIVE}, "records": 2}),
            Value("to the request system", "the records go into a request of their own", {
                "collaborators": {"AccountingReport": LIVE}, "records": 2, "faults": ("accounting:down",)}),
            Value("both down", "no file is written", {
                "collaborators": {"AccountingReport": LIVE}, "records": 2,
                "faults": ("accounting:down", "requests:down")}),
        ), lambda c: c["health"] == "well"),
        Dimension("before", "what earlier modules left", (
            Value("nothing", "the usual case"),
            Value("an operation", "it is in the request", {"operations": (FORWARD,)}),
            Value("unsent reports", "statuses are sent, parameters are not", {
                "unsent_statuses": ("it's half done",), "unsent_parameters": {"CPU": "1"}}),
            Value("no collaborators", "the module makes its own", {"reported": {}, "collaborators": {
                "JobReport": MISSING, "FileReport": MISSING, "Request": MISSING}}),
            Value("no proxy", "a request without owner is not valid", {"owner": None}),
            Value("an old file", "it lies where the file will be", {"files": {"12_34_request.json": "old"}}),
            Value("a first execution", "the same module is executed twice", {"executions": 2}),
        )),
    ),
)  # fmt: skip

REGIONS: Final = (IDENTITY, INPUTS, HOOKS_REGION, CANDIDATES, REPORTS, END, ANSWERS, SERVICES, *CLIENT_REGIONS)
"""All of the space."""


def scenarios() -> Iterator[Scenario]:
    """Yield every scenario of the space, in a fixed order."""
    for region in REGIONS:
        yield from region.scenarios()
