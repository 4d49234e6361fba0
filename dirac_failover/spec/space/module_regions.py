"""The regions of the space that are about any module: its hooks, and the methods that it finds in its base class.

The other regions, in :mod:`~dirac_failover.spec.space`, are about what one module, FailoverRequest, does at the end of
a job. Here the module is a small one of the suite's, with hooks that return or raise anything; or a method is called by
itself, in every form in which modules call it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from dirac_failover.spec.dimensions import ABSENT, Choices, Dimension, Region, Value, values
from dirac_failover.spec.scenario import FAILED_STATUS, HOOKS, LIVE, NONE, SCRIPTED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_UNSET: Final[Mapping[str, Any]] = {}
ALL_SCRIPTED: Final = dict.fromkeys(("JobReport", "FileReport", "AccountingReport", "Request"), SCRIPTED)
FORWARD: Final = {"Type": "ForwardDISET", "Arguments": "x"}

HEALTH: Final = Dimension(
    "health",
    "what happened before: decides the status of the inputs, whether anything is reported, and whether a file is made",
    values("attributes",
        ("well", "the good case"),
        ("workflow failed", "an earlier step failed", {"workflowStatus": FAILED_STATUS}),
        ("step failed", "an earlier module of this step failed", {"stepStatus": FAILED_STATUS}),
        ("workflow unset", "the default {}: asking is a KeyError", {"workflowStatus": _UNSET}),
        ("step unset", "as before, found only when the workflow is well", {"stepStatus": _UNSET}),
    ),
)  # fmt: skip
WELL_OR_FAILED: Final = Dimension(HEALTH.name, HEALTH.reason, HEALTH.values[:2])
OWNER: Final = Dimension("owner", "the proxy's user and group: a request without them is not valid", values("owner",
    ("yes", "the good case"),
    ("no", "the whole request is lost", None),
))  # fmt: skip
FILE: Final = Dimension("file", "what lies where the file will be", values("files.12_34_request.json",
    ("new", "the good case"),
    ("old", "is overwritten", "old"),
    ("directory", "cannot be opened", "directory"),
    ("full", "cannot be written", "full"),
))  # fmt: skip
SUBJECT: Final = Dimension("subject", "the owner of the method: a port may replace what its base class has", values(
    "subject",
    ("module", "FailoverRequest, or what is derived from it"),
    ("base", "a module that is derived from its ModuleBase", "base"),
))  # fmt: skip

# Hooks

_DOES: Final = (
    ("returns None", "what a hook has to return", "bad_shape=null"),
    ("returns S_OK", "is not looked at", "ok"),
    ("returns S_OK of values", "is not looked at: nothing is handed on to the step", 'ok={"CPU": 1}'),
    ("returns S_ERROR", "is not looked at: only an exception says that something is wrong", "s_error=disk full"),
    ("returns False", "is not looked at", "bad_shape=false"),
    ("returns a text", "is not looked at", 'bad_shape="disk full"'),
    ("returns no structure", "is not looked at", 'bad_shape={"OK": 0}'),
    ("raises graceful", "ends the module well", "raises=GracefulTermination:enough"),
    ("raises runtime", "the module's own way to fail", "raises=RuntimeError:disk full"),
    ("raises with number", "the number becomes the error number", "raises=RuntimeError:disk full:28"),
    ("raises a kind of runtime", "what is derived from RuntimeError is one", "raises=NotImplementedError:later"),
    ("raises another", "becomes the result, as RuntimeError does", "raises=ValueError:boom"),
    ("raises without text", "an empty text is a status, too", "raises=OSError"),
    ("raises exit", "not even an exit gets out", "raises=SystemExit"),
    ("raises interrupt", "not even an interrupt gets out", "raises=KeyboardInterrupt"),
)

HOOKS_REGION: Final = Region(
    "hooks",
    "a module whose hooks return and raise anything: nothing that a hook returns counts, and all that it raises does",
    {"collaborators": ALL_SCRIPTED, "workflow_commons": {"InputData": "/vo/a"}, "operations": (FORWARD,)},
    (
        SUBJECT,
        Dimension("hook", "which hook is replaced, and what it does", (
            Value("none", "the module as it is"),
            *(
                Value(f"{hook} {name}", reason, {"hooks": {hook: answer}})
                for hook in HOOKS for name, reason, answer in _DOES
            ),
            *values("hooks",
                ("all return S_ERROR", "nothing is looked at, and no hook is left out",
                 dict.fromkeys(HOOKS, "s_error=disk full")),
                ("S_ERROR, then graceful", "the first one that raises decides",
                 {"_initialize": "s_error=disk full", "_execute": "raises=GracefulTermination:enough"})),
        )),
        Dimension("job", "without a job nothing is reported", (
            Value("environment", "what a pilot gives"),
            Value("absent", "not a job", {"environment": {"JOBID": ABSENT}}),
        )),
        HEALTH,
        Dimension("status", "JobReport.setApplicationStatus: how the module itself went", values(
            "answers.JobReport.setApplicationStatus", ("ok", "the good case"), ("error", "only logged", "s_error"),
        ), lambda c: c["job"] == "environment" and c["health"] == "well"),
    ),
)  # fmt: skip

# Candidate files

_OUTPUTS: Final = tuple(
    {"outputDataType": kind, "outputDataSE": "SE-1", "outputDataName": name}
    for kind, name in (("TXT", "f_1.txt"), ("Root", "f_2.root"), ("txt", "g_1_3.txt"), ("gz", "a.b_4.tar.gz"),
                       ("TXT", "plain"))
)  # fmt: skip
_NAMES: Final = tuple(output["outputDataName"] for output in _OUTPUTS)
_THERE: Final = dict.fromkeys(_NAMES, "output")
_LFNS: Final = tuple(f"/vo/x/{name}" for name in _NAMES)


def _without(key: str) -> list[dict[str, str]]:
    return [{name: text for name, text in _OUTPUTS[0].items() if name != key}, *_OUTPUTS[1:]]


def _arguments(index: int, *rows: tuple[str, str, Any]) -> tuple[Value, ...]:
    def put(value: Any) -> Callable[[Any], Any]:
        return lambda calls: ([calls[0][0], [*calls[0][1][:index], value, *calls[0][1][index + 1 :]]],)

    return values("calls", *((name, reason, put(value)) for name, reason, value in rows))


CALLED: Final = {"jobID": 77, "production_id": 12, "prod_job_id": 34, "step_number": 1, "step_id": "12_34_1"}
"""The identifiers of a module whose methods are called: it has resolved them."""


def _understood(choices: Choices) -> bool:
    return choices["outputs"] not in {"none given", "numbers"} and choices["lfns"] != "none given"


CANDIDATES: Final = Region(
    "candidates",
    "which output files are to be uploaded: getCandidateFiles with every form of outputs, LFNs and masks",
    {"collaborators": ALL_SCRIPTED, "attributes": CALLED, "files": _THERE,
     "calls": (["getCandidateFiles", [[*_OUTPUTS], [*_LFNS], "", ""]],)},
    (
        SUBJECT,
        Dimension("outputs", "what the steps have put out", _arguments(0,
            ("several", "the usual case: types in any case, steps in the names", [*_OUTPUTS]),
            ("none", "nothing to upload", []),
            ("one", "an output alone", [_OUTPUTS[0]]),
            ("without type", "left out, and logged", _without("outputDataType")),
            ("without storage element", "left out, and logged", _without("outputDataSE")),
            ("without name", "left out, and logged", _without("outputDataName")),
            ("repeated", "the last description of a name counts",
             [*_OUTPUTS, {**_OUTPUTS[1], "outputDataSE": "SE-2", "outputDataType": "txt"}]),
            ("more than needed", "other keys are of no interest", [{**_OUTPUTS[0], "stepName": "sim"}]),
            ("texts", "no descriptions: left out", ["f_1.txt"]),
            ("numbers", "TypeError: a number holds no keys", [1]),
            ("none given", "TypeError: None is no list", None),
        )),
        Dimension("lfns", "where the files will be in the catalogue: an LFN belongs to the file of its name",
            _arguments(1,
                ("all", "the usual case", [*_LFNS]),
                ("none", "ValueError: a file to upload needs one", []),
                ("one", "ValueError unless the others are masked", [_LFNS[0]]),
                ("others", "are of no interest", [*_LFNS, "/vo/x/h.txt"]),
                ("repeated", "the last one counts", [*_LFNS, "/vo/y/f_1.txt"]),
                ("prefixed", "LFN: stays", [f"LFN:{lfn}" for lfn in _LFNS]),
                ("none given", "TypeError: None is no list", None),
            ), lambda c: c["outputs"] not in {"none given", "numbers"}),
        Dimension("there", "the files in the working directory: all that are described must be there, masked or not",
            values("files",
                ("all", "the good case"),
                ("one missing", "OSError", {"f_2.root": ABSENT}),
                ("none", "OSError, unless nothing was described", dict.fromkeys(_NAMES, ABSENT)),
                ("a directory", "is there, too", {"plain": "directory"}),
            ), _understood),
        Dimension("file mask", "which types are wanted", _arguments(2,
            ("empty", "all of them", ""),
            ("none", "all of them", None),
            ("empty list", "all of them", []),
            ("list of empty", "all of them", [""]),
            ("text", "a single type, which is compared in lower case", "txt"),
            ("upper case", "the mask is taken as it is, so nothing fits", "TXT"),
            ("list", "several types", ["txt", "root"]),
            ("semicolon", "is not split, so nothing fits", "txt;root"),
            ("numbers", "TypeError when what is left out is logged", [1]),
        ), lambda c: _understood(c) and c["there"] == "all"),
        Dimension("step mask", "which steps are wanted: the number after the last underscore", _arguments(3,
            ("empty", "all of them", ""),
            ("none", "all of them", None),
            ("text", "a single step", "1"),
            ("number", "is made a text", 3),
            ("zero", "is made a text, which no name has", 0),
            ("two digits", "one step, and neither of two", "13"),
            ("list", "several steps", ["1", "3"]),
            ("list of empty", "all of them", [""]),
            ("whole name", "without an underscore, the name itself is the step", "plain"),
            ("numbers", "TypeError when what is left out is logged", [1]),
        ), lambda c: _understood(c) and c["there"] == "all"),
    ),
)  # fmt: skip

# Reports


def _reports(choices: Choices) -> bool:
    """Return whether the job report is asked."""
    return choices["job"] == "yes" and (choices["health"] == "well" or "Parameter" in choices["method"])


def _answered(answer: str) -> dict[str, Any]:
    return {"answers": {f"JobReport.{method}": (answer,) for method in ("setApplicationStatus", "setJobParameter")}}


def live(*faults: str) -> dict[str, Any]:
    """Return what makes the collaborators the implementation's own, with these faults, and without accounting."""
    return {"collaborators": {**dict.fromkeys(ALL_SCRIPTED, LIVE), "AccountingReport": ABSENT}, "faults": faults}


_SAID: Final = (
    ("text", "the usual case", "12"), ("empty", "is reported", ""), ("number", "is made a text", 12),
    ("none", "is made a text", None), ("list", "is made a text", ["a", 1]), ("apostrophes", "are left out", "it's"),
)  # fmt: skip
_SEND: Final[tuple[tuple[str, str, list[bool]], ...]] = (
    ("default", "is sent at once", []), ("true", "is sent at once", [True]), ("false", "waits", [False]),
)  # fmt: skip


REPORTS: Final = Region(
    "reports",
    "statuses and parameters of the job, as modules report them: setApplicationStatus and setJobParameter",
    {"collaborators": ALL_SCRIPTED, "attributes": CALLED},
    (
        SUBJECT,
        Dimension("method", "which one is called, and with what", (*(
            Value(f"{method} {name}{' ' if sent else ''}{sent}", f"{why}; {how}",
                  {"calls": ([method, [*before, value, *flag]],)})
            for method, before in (("setApplicationStatus", []), ("setJobParameter", ["CPU"]))
            for name, why, value in _SAID for sent, how, flag in _SEND
        ), *(
            Value("setApplicationStatus by name", "its parameters have these names",
                  {"calls": (["setApplicationStatus", [], {"status": "done", "sendFlag": False}],)}),
            Value("setJobParameter by name", "its parameters have these names",
                  {"calls": (["setJobParameter", [], {"name": "CPU", "value": 1, "sendFlag": False}],)}),
            Value("setJobParameter of a number", "the name is made a text",
                  {"calls": (["setJobParameter", [1, 2]],)}),
            Value("both kinds, setJobParameter twice", "each of them, in order", {"calls": (
                ["setJobParameter", ["CPU", 1, False]], ["setApplicationStatus", ["half done", False]],
                ["setJobParameter", ["Wall", 2]], ["setApplicationStatus", ["done"]])}),
        ))),
        Dimension("job", "without a job nothing is reported", (
            Value("yes", "the usual case"),
            Value("none", "0 is returned", {"attributes": {"jobID": 0}}),
        )),
        replace(HEALTH, when=lambda c: c["job"] == "yes"),
        Dimension("answer", "what the job report answers", (
            Value("ok", "the good case"),
            Value("error", "only logged", _answered("s_error")),
            Value("error without text", "KeyError: the text is to be logged", _answered('bad_shape={"OK": false}')),
            Value("none", "TypeError: None is no return structure", _answered("bad_shape=null")),
            Value("raises", "escapes", _answered("raises=ValueError:boom")),
        ), _reports),
        Dimension("service", "how the job's state service fails, when the job report is the implementation's own", (
            Value("scripted", "the job report is scripted"),
            Value("well", "the good case", live()),
            Value("down", "is kept", live("job-state:down")),
            Value("refuse", "is kept", live("job-state:refuse")),
            Value("lost reply", "done, and the answer is lost", live("job-state:lost_reply")),
            Value("without stub", "is kept", live("job-state:s_error=no;stub=no")),
            Value("raises", "escapes: what a client never does", live("job-state:raises=ValueError:boom")),
        ), lambda c: _reports(c) and c["answer"] == "ok"),
    ),
)  # fmt: skip

# The end


def _written(choices: Choices) -> bool:
    return choices["method"] == "generateFailoverFile" and choices.get("accounting") in {"ok", "given as none"}


def _may_write(choices: Choices) -> bool:
    return choices["method"].startswith("generateFailoverFile")


END: Final = Region(
    "end",
    "generateFailoverFile and finalize, as a module may call them by themselves, and parameters by their names",
    {"collaborators": ALL_SCRIPTED, "attributes": CALLED, "records": 1},
    (
        SUBJECT,
        Dimension("method", "which one is called", (
            Value("generateFailoverFile", "writes what is pending", {"calls": (["generateFailoverFile", []],)}),
            Value("finalize", "flushes the logs", {"calls": (["finalize", []],)}),
            Value("getCandidateFiles by name", "its parameters have these names", {"files": _THERE, "calls": ([
                "getCandidateFiles", [],
                {"outputList": [*_OUTPUTS], "outputLFNs": [*_LFNS], "fileMask": "txt", "stepMask": "1"},
            ],)}),
            Value("getCandidateFiles without step mask", "it is not needed", {"files": _THERE, "calls": (
                ["getCandidateFiles", [[*_OUTPUTS], [*_LFNS], "txt"]],)}),
            Value("generateFailoverFile twice", "the file is written again",
                  {"calls": (["generateFailoverFile", []], ["generateFailoverFile", []])}),
        )),
        Dimension("health", "what happened before is not asked", HEALTH.values),
        Dimension("job forward", "JobReport.generateForwardDISET: unsent statuses become an operation", values(
            "answers.JobReport.generateForwardDISET",
            ("ok", "all was sent", "ok"),
            ("operation", "goes into the request", "operation"),
            ("error", "only logged", "s_error"),
            ("raises", "escapes", "raises=ValueError:boom"),
        ), _may_write),
        Dimension("accounting", "AccountingReport.commit: the records are sent", (
            Value("ok", "the good case"),
            Value("given as none", "no accounting record was added", {"collaborators": {"AccountingReport": NONE}}),
            *values("answers.AccountingReport.commit",
                ("error", "is returned, and no file is written", "s_error"),
                ("raises", "escapes", "raises=ValueError:boom")),
        ), lambda c: _may_write(c) and c["job forward"] != "raises"),
        Dimension("earlier", "operations that earlier modules left in the request", values("operations",
            ("none", "only what arises here"),
            ("forward", "a call to be repeated", (FORWARD,)),
            ("invalid", "RuntimeError", (FORWARD, {"Type": "RemoveFile"})),
        ), _written),
        replace(OWNER, when=lambda c: _written(c) and c["earlier"] != "none"),
        Dimension("serialise", "Request.toJSON", values("answers.Request.toJSON",
            ("ok", "the good case", "ok"),
            ("error", "RuntimeError with its text", "s_error"),
            ("raises", "escapes", "raises=ValueError:boom"),
        ), lambda c: _written(c) and c.get("owner") == "yes" and c["earlier"] == "forward"),
        replace(FILE, values=FILE.values[:3], when=lambda c: c.get("serialise") == "ok"),
    ),
)  # fmt: skip
