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

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from dirac_failover.spec.dimensions import ABSENT, Choices, Dimension, Region, Value, faults, values
from dirac_failover.spec.scenario import LIVE, NONE, Scenario
from dirac_failover.spec.space.client_regions import CLIENT_REGIONS, JOB_STATE, MADE_BY_MODULE
from dirac_failover.spec.space.input_regions import BOTH_INPUTS, IDENTITY, INPUTS
from dirac_failover.spec.space.module_regions import (
    ALL_SCRIPTED,
    CANDIDATES,
    END,
    FILE,
    FORWARD,
    HEALTH,
    HOOKS_REGION,
    OWNER,
    REPORTS,
    WELL_OR_FAILED,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

# Answers

_OK: Final = ("ok", "the good case", "ok")
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
"""The answers after which the module goes on, by the dimensions in the order in which it asks."""


def _reached(stage: str, also: Callable[[Choices], bool] = lambda _: True) -> Callable[[Choices], bool]:
    """Return a function: whether no answer so far has ended the module before ``stage``, and ``also`` is true."""
    stages = [*_GO_ON]
    before = [(name, _GO_ON[name]) for name in stages[: stages.index(stage)]]

    def reached(choices: Choices) -> bool:
        for name, go_on in before:
            if name in choices and choices[name] not in go_on:
                return False
        return also(choices)

    return reached


def _well(choices: Choices) -> bool:
    return choices["health"] == "well"


def _needs_status(choices: Choices) -> bool:
    """Return whether an input lacks a status, in the view that counts."""
    changed = choices.get("get files again") == "changed"  # by the changed answer, /vo/a has no status
    return choices["inputs"] in {"unreported", "one reported"} or (changed and choices["inputs"] == "all reported")


def _pending(choices: Choices) -> bool:
    """Return whether the request has an operation when the file is to be written."""
    answers = (choices.get("file forward"), choices.get("job forward"))
    return _REQUEST_REACHED(choices) and (choices["earlier"] != "none" or "operation" in answers)


_REQUEST_REACHED: Final = _reached("owner", _well)


def _valid(choices: Choices) -> bool:
    """Return whether the file is to be written, after inputs whose statuses were taken without incident.

    What went otherwise there is in the request by then, or nowhere: it is not multiplied by how the file is written.
    Nor is an accounting that is there and is None, which no module has asked for anything.
    """
    usual = choices.get("get files again", "ok") == choices.get("set status", "ok") == "ok"
    if not usual or choices.get("accounting") == "given as none" or not _pending(choices):
        return False
    return choices["owner"] == "yes" and choices["earlier"] in _GO_ON["earlier"]


def _without_incident(choices: Choices) -> bool:
    """Return whether all went well, and nothing is pending: what is looked at here is not multiplied by the rest."""
    often_ok = (
        "get files", "get files again", "set status", "finished", "job forward", "accounting", "last status",
    )  # fmt: skip
    usual = {"health": "well", "file commit": "ok", "earlier": "none", **dict.fromkeys(often_ok, "ok")}
    return all(choices.get(name, "ok") == value for name, value in usual.items())


def _last(answer: str) -> dict[str, Any]:
    status = "JobReport.setApplicationStatus"
    return {"answers": lambda answers: {**answers, status: (*answers.get(status, ()), answer)}}


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
        Dimension("get files", "FileReport.getFiles: the statuses so far", values("answers.FileReport.getFiles",
            _OK, ("raises", "the usual exception", "raises=ValueError:boom"))),
        Dimension("get files again", "FileReport.getFiles: asked once more when all is well", values(
            "answers.FileReport.getFiles",
            ("ok", "the same statuses"),
            ("changed", "the second answer counts", ("ok={}", 'ok={"/vo/b": "Problematic"}')),
            ("raises", "the usual exception", ("ok", "raises=ValueError:boom")),
        ), lambda c: _well(c) and c["get files"] == "ok" and c["inputs"] != "none"),
        Dimension("set status", "FileReport.setFileStatus: its answer is not looked at", values(
            "answers.FileReport.setFileStatus", _OK,
            ("error", "goes unnoticed", "s_error"),
            ("raises", "the usual exception", "raises=ValueError:boom"),
        ), _reached("set status", _needs_status)),
        Dimension("file commit", "FileReport.commit: the statuses are sent", values(
            "answers.FileReport.commit", _OK, ("error", "a second try follows", "s_error"), *_BAD_RESULT, *_RAISES,
        ), _reached("file commit")),
        Dimension("file forward", "FileReport.generateForwardDISET: the second try, or an operation", values(
            "answers.FileReport.generateForwardDISET", ("ok", "the second try worked", "ok"),
            ("operation", "goes into the request", "operation"),
            ("error", "KeyError: the error's Value is looked for", "s_error"),
            ("error with value", "only logged: the statuses are lost", 'bad_shape={"OK": false, "Value": "why"}'),
            ("no value", "KeyError: OK without Value", 'bad_shape={"OK": true}'),
            *_BAD_RESULT, *_RAISES,
        ), _reached("file forward", lambda c: c["file commit"] == "error")),
        Dimension("finished", "JobReport.setApplicationStatus: the job is reported as finished", values(
            "answers.JobReport.setApplicationStatus", _OK,
            ("error", "only logged", "s_error"),
            ("error without text", "KeyError: the text is to be logged", 'bad_shape={"OK": false}'),
            *_BAD_RESULT, *_RAISES,
        ), _reached("finished", _well)),
        Dimension("job forward", "JobReport.generateForwardDISET: unsent statuses become an operation", values(
            "answers.JobReport.generateForwardDISET", ("ok", "all was sent", "ok"),
            ("operation", "goes into the request", "operation"),
            ("error", "only logged: the statuses are lost", "s_error"),
            ("no value", "KeyError: OK without Value", 'bad_shape={"OK": true}'),
            *_BAD_RESULT, *_RAISES,
        ), _reached("job forward", _well)),
        Dimension("accounting", "AccountingReport.commit: the records are sent", (
            Value("ok", "the good case"),
            Value("absent", "no accounting record was added", {"collaborators": {"AccountingReport": ABSENT}}),
            Value("given as none", "as absent", {"collaborators": {"AccountingReport": NONE}}),
            *values("answers.AccountingReport.commit",
                ("error", "no file is written, and no error says so", "s_error"), *_BAD_RESULT, *_RAISES),
        ), _reached("accounting", _well)),
        Dimension("earlier", "operations that earlier modules left in the request", values("operations",
            ("none", "only what arises here"),
            ("forward", "a call to be repeated", (FORWARD,)),
            ("two", "several files, in order", ({"Type": "RemoveFile", "Files": ["/vo/o1", "/vo/o2"]}, FORWARD)),
            ("set status first", "the validator looks no further than a type that it does not know",
             ({"Type": "SetFileStatus", "Arguments": "x"}, {"Type": "RemoveFile"})),
            ("invalid", "one bad operation loses them all", (FORWARD, {"Type": "RemoveFile"})),
            ("not text", "UnicodeDecodeError when it is serialised",
             ({"Type": "ForwardDISET", "ArgumentsHex": "ff00"},)),
        ), _REQUEST_REACHED),
        replace(OWNER, when=_pending),
        Dimension("serialise", "Request.toJSON", values("answers.Request.toJSON", _OK,
            ("error", "RuntimeError with its text", "s_error"),
            ("error without text", "KeyError: the text is looked for", 'bad_shape={"OK": false}'),
            ("none", "TypeError: None is no return structure", "bad_shape=null"),
            ("not text", "is made a text", "ok=[1]"),
            ("raises", "the usual exception", "raises=ValueError:boom"),
        ), _valid),
        replace(FILE, when=lambda c: _valid(c) and c["serialise"] == "ok"),
        Dimension("digest", "Request.getDigest: only logged, after the file was written", values(
            "answers.Request.getDigest", _OK,
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
        Dimension("commit value", "FileReport.commit: its Value, which some implementations look at", values(
            "answers.FileReport.commit", ("some", "the good case", "ok"),
            ("absent", "OK without Value, which is not needed", 'bad_shape={"OK": true}'),
        ), _without_incident),
    ),
)  # fmt: skip

# Services

SERVICES: Final = Region(
    "services",
    "the implementation's own clients against services that fail in every way that a client can tell apart",
    {"collaborators": {"AccountingReport": ABSENT}},
    (
        WELL_OR_FAILED,
        Dimension("inputs", "what is to be reported to the transformation system", (
            Value("none", "it is not called"),
            Value("two", "both get a status", {"workflow_commons": BOTH_INPUTS}),
            Value("one reported", "two different statuses at once", {
                "workflow_commons": BOTH_INPUTS, "reported": {"/vo/a": "Problematic"}}),
        )),
        Dimension("server", "the files' statuses in the transformation system", values("server_files",
            ("Assigned", "the usual case", dict.fromkeys(("/vo/a", "/vo/b"), "Assigned")),
            ("Processed", "final: only force changes it", dict.fromkeys(("/vo/a", "/vo/b"), "Processed")),
            ("MaxReset", "final for Unused", dict.fromkeys(("/vo/a", "/vo/b"), "MaxReset")),
            ("unknown", "the files are not of this transformation: nothing is reported, and no error says so"),
        ), lambda c: c["inputs"] != "none"),
        Dimension("transformation", "how the transformation system fails", faults("transformation",
            ("well", "the good case"),
            ("down", "two tries fail, and an operation is made", ":down"),
            ("first=1", "the second try works", ":first=1"),
            ("setFileStatusForTransformation:refuse", "the files are looked up, but not changed",
             ".setFileStatusForTransformation:refuse"),
            ("setFileStatusForTransformation:lost_reply", "done, and the answer is lost",
             ".setFileStatusForTransformation:lost_reply"),
        ), lambda c: c["inputs"] != "none"),
        replace(JOB_STATE, when=_well),
        Dimension("accounting", "how accounting fails", (
            Value("absent", "no accounting record was added"),
            Value("empty", "nothing to send", {"collaborators": {"AccountingReport": LIVE}}),
            *(Value(name, reason, {"collaborators": {"AccountingReport": LIVE}, "records": 2, "faults": fails})
              for name, reason, fails in (
                ("sent", "the good case", ()),
                ("to the request system", "the records go into a request of their own", ("accounting:down",)),
                ("both down", "no file is written", ("accounting:down", "requests:down")),
            )),
        ), _well),
        Dimension("before", "what earlier modules left", (
            Value("nothing", "the usual case"),
            Value("an operation", "it is in the request", {"operations": (FORWARD,)}),
            Value("unsent reports", "statuses are sent, parameters are not", {
                "unsent_statuses": ("it's half done",), "unsent_parameters": {"CPU": "1"}}),
            Value("no collaborators", "the module makes its own", {"reported": {}, "collaborators": MADE_BY_MODULE}),
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
