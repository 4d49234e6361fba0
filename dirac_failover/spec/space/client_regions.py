"""The regions of the space that are about clients in states that only earlier modules, or the site, bring about.

The other regions with services, in :mod:`~dirac_failover.spec.space`, ask how services fail while the clients hold what
a job mostly leaves. Here is the rest: all that a client can hold, and the options, proxies and clocks that change what
it does. Each region comes from branches of the real clients that nothing else took: ``nox -s reach``.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Final

from dirac_failover.spec.dimensions import ABSENT, Choices, Dimension, Region, Value, faults, values
from dirac_failover.spec.scenario import MISSING
from dirac_failover.spec.space.module_regions import ALL_SCRIPTED, CALLED, FORWARD, OWNER, WELL_OR_FAILED, live

_TWICE: Final = Dimension("executions", "whether the clients are asked once more, with what they still hold", values(
    "executions", ("once", "the usual case"), ("twice", "the same module is executed twice", 2),
))  # fmt: skip
JOB_STATE: Final = Dimension("job state", "how the job's state service fails", faults("job-state",
    ("well", "the good case"),
    ("down", "all of them fail; the second one becomes an operation", ":down"),
    ("first=1", "the statuses arrive with the second try", ":first=1"),
    ("first=2", "the statuses arrive, and will arrive again", ":first=2"),
    ("lost_reply", "done, and the answer is lost", ":lost_reply"),
    ("s_error=no;stub=no", "an error that cannot be repeated later: the statuses stay", ":s_error=no;stub=no"),
    ("raises=ValueError:boom", "what a client never does", ":raises=ValueError:boom"),
))  # fmt: skip
MADE_BY_MODULE: Final = dict.fromkeys(("JobReport", "FileReport", "Request"), MISSING)

# Statuses


def _sent(choices: Choices) -> bool:
    return choices["health"] == "well"


STATUSES: Final = Region(
    "statuses",
    "statuses of the job, of every kind, that earlier modules left in the job report",
    {"collaborators": {"AccountingReport": ABSENT}},
    (
        WELL_OR_FAILED,
        Dimension("kept", "what setJobStatus and setApplicationStatus kept, in order", values("unsent_statuses",
            ("application", "the usual case", ("half done",)),
            ("all at once", "three kinds of one instant share one update", (["Completing", "Uploading", "Done"],)),
            ("minor and application", "two kinds of one instant", (["", "Uploading", "half done"],)),
            ("status", "nothing else is said", (["Completing", "", ""],)),
            ("minor", "nothing else is said", (["", "Uploading", ""],)),
            ("apostrophes", "are left out, so that it may be blank", (["'", "it's", "it''s"], "'")),
            ("blank", "kept without saying anything, and not sent", (["", "", ""], "")),
            ("two instants", "two updates, in order", (["Completing", "Uploading", ""], "half done")),
            ("application first", "the updates are sent in another order than they were kept",
             ("half done", ["Completing", "Uploading", ""])),
            ("every mixture", "each instant is an update of its own", (
                "one", ["", "two", ""], ["Completing", "", "three"], ["", "four", "five"], "six")),
            ("against the rules", "a running job does not wait: the status stays, and the source says so",
             (["Waiting", "Uploading", ""], "half done")),
            ("in the end", "the job has ended, and says more",
             (["Failed", "Uploading", ""], "half done", ["Done", "", ""])),
            ("no such status", "all of them are refused", (["Nowhere", "Uploading", "half done"],)),
        )),
        Dimension("report", "for which job the report was made", (
            Value("this job", "the usual case"),
            Value("another job", "setJob: the number is this job's, and the source is still the other's",
                  {"report_job": 76}),
        )),
        replace(JOB_STATE, when=_sent),
        Dimension("clock", "the clock of the node, whose times the updates have", faults("clock",
            ("right", "the usual case"),
            ("slow", "ten minutes: all of it is from before the job began: it shows in the history only", ":skew=-600"),
            ("a little slow", "half a minute: the job began before", ":skew=-30"),
            ("fast", "ten minutes: all of it is from the future", ":skew=600"),
        ), lambda c: _sent(c) and c["report"] == "this job"),
        replace(_TWICE, when=lambda c: _sent(c) and c["report"] == "this job" and c["clock"] in {"right", "slow"}),
    ),
)  # fmt: skip

# Files

_REFUSED: Final = json.dumps(json.dumps({"OK": False, "Errno": 0, "Message": "no"}))
"""An error where the text of rows is expected."""


_THREE: Final = ("/vo/a", "/vo/b", "/vo/c")


def _names(count: int) -> str:
    return ";".join(f"/vo/{number}" for number in range(count))


def _usual(choices: Choices) -> bool:
    return choices["errors"] == "none" and choices["lookup"] == "well"


FILES: Final = Region(
    "files",
    "several input files at once, each with a past of its own in the transformation system",
    {"collaborators": {"AccountingReport": ABSENT}, "workflow_commons": {"InputData": "/vo/a;/vo/b;/vo/c"}},
    (
        WELL_OR_FAILED,
        Dimension("reported", "statuses that earlier modules gave", values("reported",
            ("none", "each input gets one", {}),
            ("all unused", "to be tried once more, though all is well", dict.fromkeys(_THREE, "Unused")),
            ("all kinds", "each file has another status",
             {"/vo/a": "Unused", "/vo/b": "Processed", "/vo/c": "Problematic"}),
            ("a file of nobody's", "it is sent, too", {"/vo/x": "Unused"}),
        )),
        Dimension("server", "the files' statuses in the transformation system", values("server_files",
            ("Assigned", "the usual case", dict.fromkeys(_THREE, "Assigned")),
            ("Unused", "nothing changes for Unused", dict.fromkeys(_THREE, "Unused")),
            ("MaxReset", "final for Unused", dict.fromkeys(_THREE, "MaxReset")),
            ("all kinds", "each file has another status",
             {"/vo/a": "Assigned", "/vo/b": "MaxReset", "/vo/c": "Processed", "/vo/x": "Assigned"}),
            ("one unknown", "the others are reported", {"/vo/a": "Assigned", "/vo/c": "Unused"}),
        )),
        Dimension("errors", "how often the files have failed", values("error_counts",
            ("none", "the usual case", {}),
            ("nine", "one more try", dict.fromkeys(("/vo/a", "/vo/b"), 9)),
            ("ten", "MaxReset instead of Unused", {"/vo/a": 10, "/vo/b": 9}),
            ("a multiple", "once more", {"/vo/a": 20, "/vo/c": 25}),
        )),
        Dimension("limit", "the option that says after how many failures a file is not tried again", values(
            "options.Transformations/FilesMaxResetCounter", ("default", "ten"),
            ("5", "another number", "5"), ("often", "no number: ten", "often"), ("0", "ZeroDivisionError", "0"),
        ), lambda c: c["errors"] != "none"),
        Dimension("lookup", "how the question for the files fails", faults("transformation",
            ("well", "the good case"),
            ("refused", "an error inside of the answer: asked five times",
             f".getTransformationFiles:bad_shape={_REFUSED}"),
            ("refused at first", "asked again", f".getTransformationFiles:bad_shape={_REFUSED}@first=4"),
            ("down", "not asked again", ".getTransformationFiles:down"),
        ), lambda c: c.get("limit", "default") == "default"),
        Dimension("many", "a thousand files are asked about at once", values("workflow_commons.InputData",
            ("three", "the usual case"),
            ("a thousand", "one question", _names(1000)),
            ("a thousand and one", "two questions", _names(1001)),
        ), lambda c: _usual(c) and c["server"] == "Assigned" and c["reported"] == "none"),
    ),
)  # fmt: skip

# Accounting

_PROXY: Final = "https://proxy.invalid:8443/RequestManagement/ReqProxy"
_OTHER_PROXY: Final = _PROXY.replace("proxy.", "other.")


def _few(choices: Choices) -> bool:
    return choices["records"] != "more than a bundle"


def _fails(choices: Choices) -> bool:
    return choices["site"] == "usual" and choices["accounting"] not in {"well", "raises"}


ACCOUNTING: Final = Region(
    "accounting",
    "accounting that fails in every way, and who else may take the records",
    {"operations": (FORWARD,)},
    (
        Dimension("records", "how many wait: they are sent five thousand at once", values("records",
            ("one", "the usual case", 1), ("two", "together", 2), ("more than a bundle", "two calls", 5001),
        )),
        Dimension("site", "options of the site", (
            Value("usual", "records are taken, and handed on if need be"),
            Value("no failover", "records stay, and no file is written",
                  {"options": {"/LocalSite/DisableFailover": "True"}}),
            Value("no accounting", "records are dropped when they are registered",
                  {"options": {"/LocalSite/DisableAccounting": "True"}}),
        )),
        Dimension("accounting", "how accounting fails", faults("accounting",
            ("well", "the good case"),
            ("down", "the records go into a request of their own", ":down"),
            ("first=1", "of two bundles, only the first fails", ":first=1"),
            ("lost reply", "done without an answer: they will arrive twice", ":lost_reply"),
            ("refused", "by the service itself", ":s_error=Invalid records"),
            ("without stub", "KeyError: the call cannot be repeated", ":s_error=no;stub=no"),
            ("raises", "what a client never does", ":raises=ValueError:boom"),
        ), lambda c: _few(c) or c["site"] == "usual"),
        replace(OWNER, when=lambda c: _fails(c) and _few(c)),
        Dimension("requests", "how the request system fails", faults("requests",
            ("well", "the good case"),
            ("down", "the proxies are asked", ":down"),
            ("refused", "the proxies are asked", ":s_error=Credentials"),
            ("lost reply", "done, and the answer is lost", ":lost_reply"),
            ("raises", "what a client never does", ":raises=ValueError:boom"),
        ), lambda c: _fails(c) and c["accounting"] != "without stub" and c.get("owner", "yes") == "yes"
            and (_few(c) or c["accounting"] == "first=1")),
        Dimension("proxies", "the request proxies that the configuration names", values(
            "options.RequestManagement/ReqProxyURLs", ("none", "the records stay, and no file is written"),
            ("one", "keeps the request", _PROXY),
            ("two", "each is asked until one takes it, in any order", f"{_PROXY}, {_OTHER_PROXY}"),
        ), lambda c: _few(c) and c.get("requests") in {"down", "refused"}),
        Dimension("proxy", "how the proxies fail", faults("req-proxy",
            ("well", "keeps the request until its next sweep"),
            ("down", "no service takes it", ":down"),
            ("first=1", "of two, the second one takes it", ":first=1"),
            ("hands it on", "at once", ':bad_shape={"set": true, "saved": false}'),
            ("neither", "it says that it took it, and does not say how", ':bad_shape={"set": false, "saved": false}'),
        ), lambda c: c.get("proxies", "none") != "none"),
        replace(_TWICE, when=lambda c: c["records"] == "two" and "proxies" not in c),
    ),
)  # fmt: skip

# Parameters


PARAMETERS: Final = Region(
    "parameters",
    "parameters of the job of every type, that earlier modules left in the job report",
    {"collaborators": {"AccountingReport": ABSENT}, "unsent_parameters": {"CPU": "1"}},
    (
        Dimension("value", "of one parameter more; what holds a number that is not finite is left out", values(
            "unsent_parameters.Value",
            ("text", "the usual case", "x"),
            ("number", "is sent as it is", 5),
            ("large number", "no number is too large", 10**400),
            ("truth", "is sent as it is", True),
            ("none", "is sent as it is", None),
            ("float", "is sent as it is", 1.5),
            *((text, "is left out", {"float": text}) for text in ("nan", "inf", "-inf")),
            ("decimal", "TypeError when it is sent", {"decimal": "1.5"}),
            *((f"decimal {text}", "is left out", {"decimal": text}) for text in ("NaN", "sNaN", "Infinity")),
            ("list", "is sent as it is", [1, "a", [2.5]]),
            ("list with nan", "is left out", [1, [{"float": "nan"}]]),
            ("tuple", "is sent as a list", {"tuple": [1, 2]}),
            ("tuple with inf", "is left out", {"tuple": [1, {"float": "inf"}]}),
            ("set", "TypeError when it is sent", {"set": [1]}),
            ("set with inf", "is left out", {"set": [{"float": "inf"}]}),
            ("object", "is sent as it is", {"a": {"b": None}}),
            ("object with nan", "is left out", {"a": 1, "b": {"c": {"float": "nan"}}}),
        )),
        Dimension("method", "what is done with them", (
            Value("execute", "they stay: the end of a job does not send parameters"),
            Value("setJobParameter", "they are sent with one that is reported", {
                "attributes": CALLED, "calls": (["setJobParameter", ["Wall", 2]],)}),
            Value("setJobParameter, later", "they stay, and one more", {
                "attributes": CALLED, "calls": (["setJobParameter", ["Wall", 2, False]],)}),
        )),
        Dimension("job state", "how the job's state service fails", faults("job-state",
            ("well", "the good case"), ("down", "they stay", ":down"), ("lost reply", "they stay", ":lost_reply"),
        ), lambda c: c["method"] != "setJobParameter, later"),
    ),
)  # fmt: skip

# Requests

_GUID: Final = "01234567-89AB-CDEF-0123-456789ABCDEF"
_WHOLE_FILE: Final = {"LFN": "/vo/o", "PFN": "o", "ChecksumType": "ADLER32", "Checksum": "0a0b", "GUID": _GUID}


def _operation(name: str, reason: str, **fields: Any) -> Value:
    return Value(name, reason, {"operations": (fields,)})


def _each(kind: str, *needs: str, target: bool = True) -> list[Value]:
    """An operation that has files, whole and without each thing that its type needs."""
    whole: dict[str, Any] = {"Type": kind, "Files": [_WHOLE_FILE]} | ({"TargetSE": "SE"} if target else {})
    little = [{name: _WHOLE_FILE[name] for name in needs}]
    changed: list[tuple[str, str, dict[str, Any]]] = [
        (f"{kind} with as little as it takes", "valid", {"Files": little}),
        (f"{kind} without files", "not valid", {"Files": []}),
        (f"{kind} without TargetSE", "not valid", {"TargetSE": ""}),
        *((f"{kind}, the second file without {left}", "not valid",
           {"Files": [_WHOLE_FILE, {name: _WHOLE_FILE[name] for name in needs if name != left}]}) for left in needs),
    ]  # fmt: skip
    return [
        _operation(kind, "all that can be said is there", **whole),
        *(_operation(name, reason, **whole | change) for name, reason, change in changed
          if change.keys() <= whole.keys() and change.get("Files") != [_WHOLE_FILE]),
    ]  # fmt: skip


REQUESTS: Final = Region(
    "requests",
    "operations of every type that earlier modules left in the request: whole, and without each thing that they need",
    {"collaborators": ALL_SCRIPTED},
    (
        Dimension("before", "another operation is before it", (
            Value("nothing", "it is the first one"),
            _operation("a call", "its number is another", Type="ForwardDISET", Arguments="before"),
            _operation("an unknown type", "its files are not asked about", Type="KeepReplica", Files=["/vo/m"]),
        )),
        Dimension("operation", "its type, and what it lacks", (
            _operation("ForwardDISET", "the usual case", **FORWARD),
            _operation("ForwardDISET without Arguments", "not valid", Type="ForwardDISET"),
            _operation("ForwardDISET with files", "not valid", **FORWARD, Files=["/vo/o"]),
            *_each("RemoveFile", "LFN", target=False),
            *_each("RegisterFile", *_WHOLE_FILE, target=False),
            *_each("ReplicateAndRegister", "LFN"), *_each("PhysicalRemoval", "LFN"), *_each("RemoveReplica", "LFN"),
            *_each("PutAndRegister", "LFN", "PFN"), *_each("ReTransfer", "LFN", "PFN"),
            *_each("RegisterReplica", "LFN", "PFN"),
            _operation("with a catalogue", "it is written, too", **FORWARD, Catalog="LocalCatalog"),
            *(_operation(status, reason, **FORWARD, Status=status) for status, reason in (
                ("Waiting", "it is the first one, or queues"), ("Done", "the next one waits"),
                ("Failed", "the request has failed, unless one before it waits"),
                ("Scheduled", "the request is scheduled, unless one before it waits"),
            )),
            _operation("no type", "not valid", Arguments="x"),
            _operation("unknown type", "nothing is asked of it, nor about the files of those after it",
                       Type="MoveReplica", Files=["/vo/o"]),
            _operation("unknown type, a file without LFN", "TypeError, when the file is there: no digest can be made",
                       Type="MoveReplica", Files=[{"PFN": "o"}]),
            _operation("unknown type, checksum without type", "not valid: asked of every file",
                       Type="MoveReplica", Files=[{"LFN": "/vo/o", "Checksum": "0a0b"}]),
            _operation("unknown type, checksum's type alone", "not valid: asked of every file",
                       Type="MoveReplica", Files=[{"LFN": "/vo/o", "ChecksumType": "MD5"}]),
        )),
        replace(OWNER, values=(*OWNER.values, *values("owner",
            ("no group", "not valid", ("alice", "")), ("no user", "not valid", ("", "vo_user")),
        ))),
        Dimension("after", "an operation that arises in the end", values("answers.JobReport.generateForwardDISET",
            ("nothing", "it is the last one"), ("statuses", "what the job report could not send", "operation"),
        ), lambda c: c["owner"] == "yes"),
    ),
)  # fmt: skip

# Modules in a row

_BEFORE: Final = values("earlier",
    ("none", "the usual case"),
    ("any", "it reports that it went well", ({"subject": "base"},)),
    ("any, silent", "None is no return structure: the step has failed",
     ({"subject": "base", "hooks": {"_finalize": "ok"}},)),
    ("any, failed", "it reports why, and the step has failed",
     ({"subject": "base", "hooks": {"_execute": "raises=RuntimeError:disk full:28"}},)),
    ("FailoverRequest", "all is sent already", ({},)),
    ("FailoverRequest, failed", "after it has sent all", ({"hooks": {"_finalize": "raises=ValueError:boom"}},)),
    ("FailoverRequest, stopped", "it ends well before it sends anything",
     ({"hooks": {"_initialize": "raises=GracefulTermination:enough"}},)),
)  # fmt: skip


ROW: Final = Region(
    "row",
    "one to three modules in a row: they share what they hold, and the status of their step",
    {"collaborators": ALL_SCRIPTED, "workflow_commons": {"InputData": "/vo/a"}, "server_files": {"/vo/a": "Assigned"},
     "operations": (FORWARD,)},
    (
        Dimension("before", "the module before this one", _BEFORE),
        Dimension("first", "the module before that", _BEFORE, lambda c: c["before"] != "none"),
        Dimension("service", "whether the clients are the implementation's own, and how their services fail", (
            Value("scripted", "each of them is scripted"),
            *(Value(name, reason, live(*fault)) for name, reason, *fault in (
                ("well", "the good case"),
                ("transformation down", "what one module could not send, the next one tries", "transformation:down"),
                ("transformation first=2", "the second module gets through", "transformation:first=2"),
                ("job state down", "statuses of all modules wait", "job-state:down"),
                ("job state first=2", "the statuses arrive together", "job-state:first=2"),
            )),
            Value("made by the first", "the later ones find what it made",
                  {"collaborators": {**MADE_BY_MODULE, "AccountingReport": ABSENT}}),
        )),
    ),
)  # fmt: skip

CLIENT_REGIONS: Final = (STATUSES, FILES, ACCOUNTING, PARAMETERS, REQUESTS, ROW)
