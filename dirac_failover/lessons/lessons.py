"""The lessons of ``dirac-failover learn``: a situation, a question about how it ends, and the reason for its end.

No lesson names the right one of its choices: the run of its scenario shows it (:func:`right`), so no lesson can teach
anything wrong. The first lessons are about any workflow module, the others about the last module of a job. A new lesson
is an entry of :data:`LESSONS`, in its place between simple and subtle; ``python docs/lessons_page.py`` makes its page.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from dirac_failover.lossless import LosslessFailoverRequest
from dirac_failover.module_base import ModuleBase
from dirac_failover.reports.timeline import story
from dirac_failover.spec.scenario import FAILED_STATUS, HOOKS, Scenario

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dirac_failover.reports.terminal import Style

    Report = Mapping[str, Any]

INPUTS: Final = ("/vo/a", "/vo/b")
FILE: Final = "12_34_request.json"
_LONGEST: Final = 160
_WIDE: Final = 1000
"""Columns in which no line of a lesson's timeline is wrapped."""


@dataclass(frozen=True)
class Lesson:
    """One lesson: what the reader is told and asked, the choices with what each would look like, and the explanation.

    ``observe`` takes the report of a run (``dirac-failover schema run``) and returns the value that the question asks
    for; a choice is a text and the value that it stands for. ``line`` is a part of the first line of the timeline that
    shows the answer. ``module`` is run instead of the reference's FailoverRequest.
    """

    name: str
    title: str
    told: str
    scenario: Scenario
    question: str
    observe: Callable[[Report], Any]
    choices: Mapping[str, Any]
    why: str
    line: str
    clauses: tuple[str, ...]
    module: type[Any] | None = None

    @property
    def path(self) -> str | None:
        """How ``run --module`` calls the module; None for the usual one."""
        return f"{self.module.__module__}:{self.module.__qualname__}" if self.module else None


def right(lesson: Lesson, report: Report) -> str:
    """Return the choice that the run of a lesson shows to be right."""
    seen = lesson.observe(report)
    (choice,) = [text for text, value in lesson.choices.items() if value == seen]
    return choice


def decisive(lesson: Lesson, report: Report, style: Style) -> str:
    """Return the line of the run's timeline that shows which choice is right."""
    lines = story(report, replace(style, width=_WIDE, colours=False)).splitlines()
    shown = re.sub(r" {2,}", "  ", next(line for line in lines if lesson.line in line).strip())
    return shown if len(shown) <= _LONGEST else f"{shown[:40]} {style.sign('more')} {shown[-40:]}"


# What questions ask for


def file_holds(report: Report) -> list[str] | None:
    """The types of the operations in the file that the job leaves; None without a file."""
    if FILE not in report["files"]:
        return None
    return [operation["Type"] for operation in json.loads(report["files"][FILE])["Operations"]]


def outcome(report: Report) -> tuple[str, bool | None]:
    """Whether the run ``returned`` or ``raised``, and whether the result is OK; None without a result."""
    result = report["result"]
    return report["ended"], result.get("OK") if isinstance(result, dict) else None


def ends(report: Report) -> tuple[bool | None, list[str] | None]:
    """Whether the result of the module is OK (None without a result), and the types of the operations in the file."""
    return outcome(report)[1], file_holds(report)


def hooks(report: Report) -> tuple[bool | None, list[str]]:
    """Whether the result of the module is OK, and the names of the hooks that were called."""
    return outcome(report)[1], [call["method"] for call in report["calls"] if call["target"] == "module"]


def candidates(report: Report) -> list[str] | str:
    """The names of the files that ``getCandidateFiles`` found, or the name of the exception that it raised."""
    (found,) = report["result"]
    exception: str | None = found.get("exception")
    return exception or sorted(found)


def records(report: Report) -> tuple[int, int, list[str] | None]:
    """How many records accounting has, how many requests the request system has, and what is in the file."""
    services = report["services"]
    return len(services["accounting"]), len(services["requests"]), file_holds(report)


def history(report: Report) -> list[str]:
    """The application statuses that the job state service has got, in order."""
    return [update["ApplicationStatus"] for update in _job(report)["history"]][1:]  # the first one is that of its start


def _job(report: Report) -> Any:
    return report["services"]["jobs"]["77"]


class ReadInputs(ModuleBase):
    """Makes the names of its step's input files a parameter of the job."""

    def _initialize(self) -> None:
        self._resolveInputStep()

    def _execute(self) -> None:
        self.setJobParameter("Inputs", " ".join(self.stepInputData))


# fmt: off
_JOB: Final = Scenario.of_job(inputs=INPUTS)
_ANY: Final = replace(Scenario.of_job(), subject="base")
_WELL: Final = {"workflowStatus": {"OK": True}, "stepStatus": {"OK": True}}
_BY_ITSELF: Final = replace(_ANY, attributes={"jobID": 77, "production_id": 12, "prod_job_id": 34, **_WELL})
"""A module whose methods are called without ``execute``, which would have set these attributes."""
_NO_FILE: Final = "Nothing: no file is written"
_ALL: Final = [*HOOKS, "finalize"]
_FIRST_TWO: Final = [*HOOKS[:2], "finalize"]
_OUTPUTS: Final = [{"stepName": step, "outputDataName": name, "outputDataType": kind, "outputDataSE": "DISK"}
                   for step, name, kind in (("simulate", "events.root", "ROOT"), ("simulate", "report.txt", "TXT"),
                                            ("select", "selected.root", "ROOT"))]

LESSONS: Final = (
    Lesson(
        "the-hooks", "The methods that a workflow module overrides",
        "A workflow calls one method of each of its modules: execute(). ModuleBase, from which every module derives, "
        "has this method, and it calls other methods, the hooks. A module overrides hooks. This one overrides none.",
        _ANY, "Which methods does execute() call, and in which order?", hooks,
        {", ".join(order): (True, order)
         for order in ([*HOOKS[1::-1], *_ALL[2:]], [*HOOKS[:5], "finalize", "_finalize"], _ALL)},
        "The order is always the same. The first hook finds the inputs and the collaborators, by which the module "
        "reports; then come the preparation, the command and the work. _finalize is the last hook: it ends the "
        "module. finalize, without the underscore, is called after all hooks, to clean up.",
        "ends: GracefulTermination", ("CO-001", "CO-002"),
    ),
    Lesson(
        "a-graceful-end", "A module without work",
        "A module counts the events in the input files. Its hook _initialize finds that this job has no input files, "
        "and raises GracefulTermination('No input files: nothing to count').",
        replace(_ANY, hooks={"_initialize": "raises=GracefulTermination:No input files: nothing to count"}),
        "What happens then?", hooks,
        {"The next hooks are left out, and the module ends well": (True, _FIRST_TWO),
         "The next hooks are left out, and the module ends with an error": (False, _FIRST_TWO),
         "The next hooks are called as usual, and the module ends well": (True, _ALL)},
        "A hook reports its end by an exception. GracefulTermination means: stop here, all is well. Its text becomes "
        "the application status of the job, which people see in the list of their jobs. No other hook is called. "
        "finalize is called, as always.",
        "ends: GracefulTermination", ("CO-001", "CO-006", "CO-008"),
    ),
    Lesson(
        "an-error", "An error in the second hook",
        "The hook _initialize finds an empty input file, and raises RuntimeError('The input file is empty').",
        replace(_ANY, hooks={"_initialize": "raises=RuntimeError:The input file is empty"}),
        "Which methods does execute() call after _initialize?", hooks,
        {"_finalize, then finalize": (False, [*HOOKS[:2], "_finalize", "finalize"]),
         "finalize alone": (False, _FIRST_TWO),
         "None": (False, _FIRST_TWO[:2])},
        "RuntimeError means: stop here, with an error. The next hooks are left out, _finalize too: a good end is its "
        "only task. finalize is called however the module ends, so the cleaning up belongs there. The text of the "
        "error becomes the application status of the job.",
        "raised RuntimeError", ("CO-001", "CO-002", "CO-008"),
    ),
    Lesson(
        "an-error-number", "An error with a number",
        "The hook _executeCommand of a module has run an application, which ended with the exit code 3. The hook "
        "raises RuntimeError('The application ended with 3', 3).",
        replace(_ANY, hooks={"_executeCommand": "raises=RuntimeError:The application ended with 3:3"}),
        "What are Errno and Message in the result of execute()?",
        lambda report: (report["result"]["Errno"], report["result"]["Message"]),
        {"Errno is 3, Message the text": (3, "The application ended with 3"),
         "Errno is 0, Message the exception":
             (0, {"exception": "RuntimeError", "args": ["The application ended with 3", 3]}),
         "Errno is 3, Message the text after the system's words for error 3":
             (3, "No such process ( 3 : The application ended with 3)")},
        "The second argument of RuntimeError becomes Errno, and the first one Message. The workflow makes the number "
        "of a step's first error the exit code of the job. Without a number Errno is 0, and Message is the exception "
        "itself.",
        "not OK: The application ended", ("CO-004", "CO-007", "CO-008"),
    ),
    Lesson(
        "a-returned-error", "An error that is returned",
        "The hook _execute of a module finds a full disk. It returns S_ERROR('No space left'), as most functions of "
        "DIRAC do.",
        replace(_ANY, hooks={"_execute": "s_error=No space left"}),
        "How does the module end?", hooks,
        {"With an error, and _finalize is left out": (False, [*HOOKS[:5], "finalize"]),
         "With an error, after all hooks": (False, _ALL),
         "Well, after all hooks": (True, _ALL)},
        "The value that a hook returns is ignored, whatever it is. So the error is in no result and in no status, and "
        "the job seems to be well. A hook must raise an exception: RuntimeError('No space left').",
        "which is ignored", ("CO-019",),
    ),
    Lesson(
        "an-exit", "A program that exits",
        "The hook _execute of a module uses a library that calls sys.exit(). In Python this raises the exception "
        "SystemExit, which ends a process if it is not caught.",
        replace(_ANY, hooks={"_execute": "raises=SystemExit:The library has finished"}),
        "What happens?", outcome,
        {"The process ends, and the next modules of the job are not run": ("raised", None),
         "The module ends with an error, and the next modules of the job are run": ("returned", False),
         "The module ends well, and the next modules of the job are run": ("returned", True)},
        "execute() catches every exception that a hook raises, also SystemExit and KeyboardInterrupt, and returns an "
        "error. The next modules of the job are run: they report the error and keep what is pending.",
        "raised SystemExit", ("CO-004", "CO-005", "CO-008"),
    ),
    Lesson(
        "no-ending", "An own _finalize",
        "A module overrides _finalize to write a line into its log. Its _finalize raises no exception, and does not "
        "call the one of ModuleBase.",
        replace(_ANY, hooks={"_finalize": "bad_shape=null"}),
        "What does execute() return?", outcome,
        {"A result that is OK, since no hook has raised": ("returned", True),
         "None": ("returned", None),
         "A result that is not OK": ("returned", False)},
        "A module ends well when a hook raises GracefulTermination, and that is the only task of _finalize in "
        "ModuleBase. Without it there is no result and no application status. The workflow looks for OK in the "
        "result, finds None, and takes the module for failed. An own _finalize ends with super()._finalize('a text').",
        "returns None", ("CO-004", "CO-008"),
    ),
    Lesson(
        "the-step-before", "The input files of a step",
        "A job has two steps: simulate and select. Its output list has events.root and report.txt of the first step, "
        "and selected.root of the second. In the step select, inputData is previousStep and inputDataType is root. A "
        "module of that step calls _resolveInputStep(), and makes its list stepInputData a parameter of the job.",
        replace(Scenario.of_job(),
                workflow_commons={"PRODUCTION_ID": "12", "JOB_ID": "34", "appSteps": ["simulate", "select"],
                                  "outputList": _OUTPUTS},
                step_commons={"STEP_INSTANCE_NAME": "select", "inputData": "previousStep", "inputDataType": "root"}),
        "Which files are the input of the step?", lambda report: _job(report)["parameters"],
        {"events.root": {"Inputs": "events.root"},
         "events.root and report.txt": {"Inputs": "events.root report.txt"},
         "None: the type root is not the type ROOT": {"Inputs": ""}},
        "previousStep stands for the output files of the step before, as far as they have the type inputDataType, in "
        "small or capital letters. The order of the steps is that of appSteps. ModuleBase does not do this by itself: "
        "a module calls _resolveInputStep(), in most cases in its _resolveInputVariables.",
        "Inputs = ", ("DI-009",), ReadInputs,
    ),
    Lesson(
        "a-missing-output", "The files that are uploaded",
        "The output list of a job has events.root and report.txt, but the application has written events.root only. "
        "The module uploads ROOT files: it calls getCandidateFiles with the file mask root, which leaves out "
        "report.txt.",
        replace(_BY_ITSELF, files={"events.root": "output"},
                calls=(("getCandidateFiles", [_OUTPUTS[:2], ["/vo/12/events.root"], "root"]),)),
        "What does getCandidateFiles do?", candidates,
        {"It returns events.root, with its type, storage element and LFN": ["events.root"],
         "It returns nothing: a mask must be written as the type is, ROOT": [],
         "It raises OSError: a file is missing": "OSError"},
        "It checks first that each file of the list exists, and applies the masks after that. So a file that nobody "
        "wants to upload can stop the upload of the others. The type of a file is compared in small letters, and the "
        "mask as it is: the mask ROOT would leave out everything.",
        "raised OSError", ("CO-020", "CO-021"),
    ),
    Lesson(
        "a-kept-status", "A status that is kept",
        "A module sets an application status with sendFlag=False: 'Step 1 done'. Later it sets another one, without "
        "that argument: 'Step 2 done'.",
        replace(_BY_ITSELF, calls=(("setApplicationStatus", ["Step 1 done", False]),
                                   ("setApplicationStatus", ["Step 2 done"]))),
        "Which statuses are in the history of the job?", history,
        {"Both": ["Step 1 done", "Step 2 done"],
         "'Step 2 done' alone": ["Step 2 done"],
         "'Step 1 done' alone: a status that is kept stops the next ones": ["Step 1 done"]},
        "With sendFlag=False the job report keeps the status. The next status that is sent takes it along, in the "
        "same call of the service, with its own time. setJobParameter has the same argument. A parameter that is "
        "never sent is lost at the end of the job, since fail-over looks at statuses only.",
        "setApplicationStatus('Step 2 done', True)", ("CO-022",),
    ),
    Lesson(
        "after-a-failure", "Reports after a failure",
        "An earlier step of the job has failed. A module is run all the same. It sets the application status 'Cleaned "
        "up', and the job parameter Removed to 5.",
        replace(_BY_ITSELF, attributes={**_BY_ITSELF.attributes, "workflowStatus": FAILED_STATUS},
                calls=(("setApplicationStatus", ["Cleaned up"]), ("setJobParameter", ["Removed", 5]))),
        "What does the job state service get?", lambda report: (history(report), _job(report)["parameters"]),
        {"The parameter": ([], {"Removed": "5"}),
         "The status and the parameter": (["Cleaned up"], {"Removed": "5"}),
         "Neither": ([], {})},
        "After a failure setApplicationStatus does nothing, so that people still see the status that names the "
        "failure. setJobParameter works as always. Both make texts of their arguments.",
        "Removed = ", ("CO-022", "CO-023"),
    ),
    Lesson(
        "all-is-well", "Every service is up",
        "A job has processed its two input files, and every service answers. Now FailoverRequest runs, the last "
        "module of the job. It gives the input files their status, reports that the job has finished, and keeps for "
        "later the reports that a service does not take.",
        _JOB, "What will the file 12_34_request.json hold?", file_holds,
        {"A request without operations": [],
         "The status of the two files": ["SetFileStatus"],
         _NO_FILE: None},
        "The file is for reports that were not taken. The transformation system has taken the statuses of the files, "
        "and the job state service that of the job. So nothing is pending, and no file is written.",
        "Nothing is pending", ("CO-012", "CO-016"),
    ),
    Lesson(
        "an-outage", "The transformation service is down",
        "The same job, but the transformation service, which takes the statuses of the input files, refuses every "
        "connection.",
        replace(_JOB, faults=("transformation:down",)),
        "What will the file 12_34_request.json hold?", file_holds,
        {_NO_FILE: None,
         "One operation with the statuses of both files": ["SetFileStatus"],
         "One operation for each file": ["SetFileStatus", "SetFileStatus"]},
        "The file report tries to send the statuses, twice. Then it answers with one operation that holds all of "
        "them, and the module puts the operation into the request. After the job, the job wrapper gives the file to "
        "the request system, which executes the operation when the service is back. The timeline shows it: nothing is "
        "lost.",
        "Request.addOperation(", ("CO-013", "CO-014", "CO-017"),
    ),
    Lesson(
        "an-earlier-status", "The status of an earlier module",
        "An earlier module could not read /vo/b, and has given it the status Problematic in the file report. "
        "Everything else went well, and every service is up.",
        replace(_JOB, reported={"/vo/b": "Problematic"}),
        "Which status has /vo/b in the transformation system afterwards?",
        lambda report: report["services"]["files"][INPUTS[1]]["Status"],
        {"Problematic": "Problematic",
         "Processed": "Processed",
         "Assigned, as before": "Assigned"},
        "FailoverRequest gives a status only to input files that have none yet. The status of an earlier module "
        "stays, and is sent with the others.",
        "/vo/b: Problematic", ("CO-011",),
    ),
    Lesson(
        "accounting-is-down", "The accounting service is down",
        "Three accounting records wait to be sent, and the accounting service is down. The request system is up.",
        replace(_JOB, records=3, faults=("accounting:down",)),
        "Where are the records when the job has ended?", records,
        {"In the file 12_34_request.json": (0, 0, ["ForwardDISET"]),
         "In a request of their own, which the request system has already": (0, 1, None),
         "Nowhere: they are lost": (0, 0, None)},
        "The accounting client has a fail-over of its own: it sends the records to the request system at once, in a "
        "request of their own. So its commit answers OK, and nothing is left for the file.",
        "requests.putRequest(", ("CO-016", "DI-016"),
    ),
    Lesson(
        "no-job", "A job whose ID is 0",
        "The environment has JOBID=0, as in many unit tests. An earlier module has left an operation in the request: "
        "/vo/x is to be removed.",
        Scenario.of_job(inputs=INPUTS, job_id=0, operations=[{"Type": "RemoveFile", "Files": ["/vo/x"]}]),
        "How does the module end, and where is the operation then?", ends,
        {"It ends with an error, and there is no file": (False, None),
         "It ends well, and the operation is in the file": (True, ["RemoveFile"]),
         "It ends well, and there is no file": (True, None)},
        "The job ID 0 means: this is not a job of the workload management system. Then the module does nothing, so "
        "that a workflow can be tried by hand, and ends well. So a test with the job ID 0 tests nothing. And if the "
        "ID is missing by mistake, everything that is pending is lost, and no error is reported.",
        "ends: GracefulTermination", ("CO-010", "LL-007"),
    ),
    Lesson(
        "a-failed-workflow", "An earlier step has failed",
        "An earlier step of the job has failed. The input files should become Unused, so that another job processes "
        "them; but the transformation service is down.",
        Scenario.of_job(inputs=INPUTS, workflow_failed=True, faults=["transformation:down"]),
        "What will the file 12_34_request.json hold?", file_holds,
        {_NO_FILE: None,
         "One operation with the statuses of both files": ["SetFileStatus"],
         "One operation with the statuses, and one with the status of the job": ["SetFileStatus", "ForwardDISET"]},
        "The operation is in the request, but the module writes the file only if nothing has failed before. So the "
        "request is lost with the job, and the files stay Assigned: no other job will ever process them. This is a "
        "hazard, a situation in which DIRAC itself loses something. LosslessFailoverRequest, which comes with this "
        "package, does not have it.",
        "It is in no file", ("CO-012", "LL-003"),
    ),
    Lesson(
        "the-file-by-itself", "A module that writes the file itself",
        "A module of an experiment is the last one of a job, in the place of FailoverRequest. An earlier module has "
        "left an operation in the request: /vo/x is to be removed. The last module has named the request, as "
        "FailoverRequest does in its _initialize, and calls generateFailoverFile().",
        replace(_BY_ITSELF, operations=({"Type": "RemoveFile", "Files": ["/vo/x"]},),
                calls=(("generateFailoverFile", []),)),
        "What happens?", lambda report: (report["ended"], file_holds(report)),
        {"It writes 12_34_request.json, with the operation": ("returned", ["RemoveFile"]),
         "It returns the operation, and writes no file": ("returned", None),
         "It raises RuntimeError, since it is not FailoverRequest": ("raised", None)},
        "generateFailoverFile is a method of ModuleBase, and any module may call it. It asks the job report for unsent "
        "statuses, commits the accounting, and writes the request if that holds an operation. A request without a name "
        "is not valid: a module in the place of FailoverRequest must set self.request.RequestName.",
        "RemoveFile in 12_34_request.json", ("CO-024",),
    ),
    Lesson(
        "an-invalid-operation", "An operation that is not valid",
        "An earlier module has left an operation RemoveFile in the request, but without any file. And the "
        "transformation service is down.",
        replace(_JOB, operations=({"Type": "RemoveFile"},), faults=("transformation:down",)),
        "What will the file 12_34_request.json hold?", file_holds,
        {"The statuses of the input files": ["SetFileStatus"],
         "Both operations: the request system will refuse the first": ["RemoveFile", "SetFileStatus"],
         _NO_FILE: None},
        "The request is validated as a whole, and a request that is not valid is not written. So one mistake of one "
        "module loses the operations of all others. At least the module ends with an error, which names the "
        "operation.",
        "raised RuntimeError", ("LL-004", "LL-016"),
    ),
    Lesson(
        "an-old-file", "A file of an earlier run",
        "The job runs in a directory in which an earlier run has left its 12_34_request.json. This time every service "
        "is up, so nothing is pending.",
        replace(_JOB, files={FILE: "old"}),
        "What is in the directory when the job has ended?", lambda report: report["files"].get(FILE),
        {"Nothing: the old file is removed": None,
         "The old file, unchanged": "[]",
         "A new file: a request without operations": "{}"},
        "Nothing is pending, so the module writes no file, and does not look for an old one. The job wrapper sends "
        "every such file that it finds. This one holds an empty list and does no harm; the operations of another job "
        "would be executed.",
        "file 12_34_request.json", ("LL-011",),
    ),
    Lesson(
        "an-answer-without-stub", "An error of the service itself",
        "The job state service answers with an error, and without the stub. The stub is the part of an answer that "
        "says how the call can be repeated later. It is missing when the service itself has refused the call.",
        replace(_JOB, faults=("job-state:s_error=Too busy;stub=no",)),
        "How does the module end, and what is in the file?", ends,
        {"It ends with an error, and there is no file": (False, None),
         "It ends well, and there is no file": (True, None),
         "It ends well, and the file holds the statuses of the job": (True, ["ForwardDISET"])},
        "The job report makes an operation from the stub. Without a stub it answers with an error; the module writes "
        "a warning into its log and goes on. So the statuses are lost, and the job seems to be still running. Fakes "
        "that always give a stub, or never, hide this.",
        "JobReport.generateForwardDISET()", ("CO-015", "LL-009"),
    ),
    Lesson(
        "a-lost-reply", "A reply that is lost",
        "The job state service takes the first status, 'Job Finished Successfully', but its reply never arrives. For "
        "the job there is no difference from a service that is down. From then on everything works.",
        replace(_JOB, faults=("job-state:lost_reply@first=1",)),
        "How often is 'Job Finished Successfully' in the history of the job?",
        lambda report: history(report).count("Job Finished Successfully"),
        {"Never": 0, "Once": 1, "Twice": 2},
        "A status without an answer is sent again, and the service takes it a second time. If the connection had been "
        "refused, the history would have it once; the caller cannot tell the two cases apart. So a call that is "
        "repeated should do no harm, and a test should check what the service did, not only what the caller saw.",
        "twice: application status", ("CO-015", "DI-014"),
    ),
    Lesson(
        "nothing-lost", "The same outage, without the hazard",
        "The job state service is down until the job has ended. DIRAC's module reports its last status after it has "
        "written the file, so this status would be lost, and the job would end with 'Job Finished Successfully'. Here "
        "LosslessFailoverRequest is run: the same module, with some hooks overridden.",
        replace(_JOB, faults=("job-state:down",)),
        "Which application status does the job have when the request has been executed?",
        lambda report: report["recovery"]["services"]["jobs"]["77"]["ApplicationStatus"],
        {"Unknown, as at its start": "Unknown",
         "'Job Finished Successfully'": "Job Finished Successfully",
         "'Workflow successful, end of FailoverRequest module execution.'":
             "Workflow successful, end of FailoverRequest module execution."},
        "It reports its last status before it writes the file, so that the status goes into the request. Compare with "
        "'dirac-failover run --fault job-state:down'. The clauses of the level lossless describe the other "
        "differences.",
        "Converged", ("LL-010", "LL-016"), LosslessFailoverRequest,
    ),
)
# fmt: on
"""All lessons, from simple to subtle."""
