"""The lessons of ``dirac-failover learn``: a situation, a question about how it ends, and why it ends so.

No lesson says which of its choices is right: that is what the run of its scenario shows (:func:`right`), so a lesson
cannot teach what is not so. A new lesson is an entry of :data:`LESSONS`, in its place between simple and subtle; its
page is made by ``python docs/lessons_page.py``.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from dirac_failover.conformance.timeline import story
from dirac_failover.lossless import LosslessFailoverRequest
from dirac_failover.module_base import GracefulTermination, ModuleBase
from dirac_failover.spec.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dirac_failover.conformance.page import Style

    Report = Mapping[str, Any]

INPUTS: Final = ("/vo/a", "/vo/b")
FILE: Final = "12_34_request.json"
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
    """Return the choice that a run bears out."""
    seen = lesson.observe(report)
    (choice,) = [text for text, value in lesson.choices.items() if value == seen]
    return choice


def decisive(lesson: Lesson, report: Report, style: Style) -> str:
    """Return the line of the run's timeline that shows which choice is right."""
    told = story(report, replace(style, width=_WIDE, colours=False))
    return re.sub(r" {2,}", "  ", next(line for line in told.splitlines() if lesson.line in line).strip())


# What questions are about


def file_holds(report: Report) -> list[str] | None:
    """The types of the operations in the file that the job leaves; None without a file."""
    if FILE not in report["files"]:
        return None
    return [operation["Type"] for operation in json.loads(report["files"][FILE])["Operations"]]


def ends(report: Report) -> tuple[bool, list[str] | None]:
    """Whether the module says that all is well, and what is in the file."""
    return report["result"]["OK"], file_holds(report)


def hooks(report: Report) -> tuple[bool, list[str]]:
    """Whether the module says that all is well, and the names of the hooks that were called."""
    return report["result"]["OK"], [call["method"] for call in report["calls"] if call["target"] == "module"]


def records(report: Report) -> tuple[int, int, list[str] | None]:
    """How many records accounting has, how many requests the request system has, and what is in the file."""
    services = report["services"]
    return len(services["accounting"]), len(services["requests"]), file_holds(report)


def second_input(report: Report) -> str:
    """The status of the second input file in the transformation system, when the job has ended."""
    return str(report["services"]["files"][INPUTS[1]]["Status"])


def finished(report: Report) -> int:
    """How often the history of the job says that it finished successfully."""
    history = report["services"]["jobs"]["77"]["history"]
    return sum(update["ApplicationStatus"] == "Job Finished Successfully" for update in history)


def last_status(report: Report) -> str:
    """The job's application status when everything has been replayed."""
    return str(report["recovery"]["services"]["jobs"]["77"]["ApplicationStatus"])


def old_file(report: Report) -> str | None:
    """The content of the file."""
    content: str | None = report["files"].get(FILE)
    return content


# Modules of lessons


class CountEvents(ModuleBase):
    """Counts the events in the input files."""

    def _initialize(self) -> None:
        if not self.inputDataList:
            raise GracefulTermination("No input files: nothing to count")

    def _execute(self) -> None:
        self.setJobParameter("Events", 1000)

    def _finalize(self, status: str = "All events are counted") -> None:
        super()._finalize(status)


# fmt: off
_JOB: Final = Scenario.of_job(inputs=INPUTS)
_NO_FILE: Final = "Nothing: no file is written"
_HOOKS: Final = ("_resolveInputVariables", "_initialize", "_setCommand", "_executeCommand", "_execute", "_finalize")

LESSONS: Final = (
    Lesson(
        "all-is-well", "Every service is up",
        "A job has processed its two input files, and every service answers. Now FailoverRequest runs, the last module "
        "of the job: it gives the input files their status, says that the job has finished, and keeps for later what "
        "a service does not take.",
        _JOB, "What will the file 12_34_request.json hold?", file_holds,
        {"A request without operations": [],
         "The status of the two files": ["SetFileStatus"],
         _NO_FILE: None},
        "The file is for what could not be said. The transformation system has taken the statuses, the job state "
        "service has taken how the job ended, so nothing is pending and no file is written.",
        "Nothing is pending", ("CO-012", "CO-016"),
    ),
    Lesson(
        "an-outage", "The transformation service is down",
        "The same job, but the transformation service refuses every connection. It is the one that wants to know what "
        "became of the input files.",
        replace(_JOB, faults=("transformation:down",)),
        "What will the file 12_34_request.json hold?", file_holds,
        {_NO_FILE: None,
         "One operation with the statuses of both files": ["SetFileStatus"],
         "One operation for each file": ["SetFileStatus", "SetFileStatus"]},
        "The file report tries to commit, and once more; then it hands out one operation that says the same, and the "
        "module puts it into the request. The job wrapper gives the file to the request system, which executes it when "
        "the service is back. Look at the end of the timeline: nothing is lost.",
        "Request.addOperation(", ("CO-013", "CO-014", "CO-017"),
    ),
    Lesson(
        "an-earlier-status", "An earlier module knew better",
        "The module before has found that /vo/b cannot be read, and has told the file report so: Problematic. "
        "Everything else went well, and every service is up.",
        replace(_JOB, reported={"/vo/b": "Problematic"}),
        "Which status has /vo/b in the transformation system afterwards?", second_input,
        {"Problematic": "Problematic",
         "Processed": "Processed",
         "Assigned, as before": "Assigned"},
        "FailoverRequest gives a status to those input files only that have none yet. What an earlier module said "
        "stays, and is sent with the rest.",
        "/vo/b: Problematic", ("CO-011",),
    ),
    Lesson(
        "a-graceful-end", "A module with nothing to do",
        "Another module, which counts events. Its _initialize raises GracefulTermination when there are no input "
        "files, and this job has none.",
        Scenario.of_job(), "What happens then?", hooks,
        {"The hooks that follow are left out, and the module ends well": (True, [*_HOOKS[:2], "finalize"]),
         "The hooks that follow are left out, and the module ends with an error": (False, [*_HOOKS[:2], "finalize"]),
         "The hooks that follow are called all the same": (True, [*_HOOKS, "finalize"])},
        "Hooks say how they went by what they raise. GracefulTermination means: stop here, all is well. Its text "
        "becomes the application status of the job, no later hook is called, and finalize flushes the logs, as always.",
        "ends: GracefulTermination", ("CO-001", "CO-006", "CO-008"), CountEvents,
    ),
    Lesson(
        "accounting-is-down", "Three records that nobody takes",
        "Three accounting records wait to be sent, and the accounting service is down. The request system is up.",
        replace(_JOB, records=3, faults=("accounting:down",)),
        "Where are the records when the job has ended?", records,
        {"In the file 12_34_request.json": (0, 0, ["ForwardDISET"]),
         "In a request of their own, which the request system has already": (0, 1, None),
         "Nowhere: they are lost": (0, 0, None)},
        "The accounting client has a fail-over of its own. It does not wait for the end of the job, and makes a "
        "request at once. So commit answers OK, and nothing is left for the file.",
        "requests.putRequest(", ("CO-016", "DI-016"),
    ),
    Lesson(
        "no-job", "A job whose ID is 0",
        "The environment says JOBID=0, as in many a unit test. An earlier module has left an operation in the request: "
        "/vo/x is to be removed.",
        Scenario.of_job(inputs=INPUTS, job_id=0, operations=[{"Type": "RemoveFile", "Files": ["/vo/x"]}]),
        "How does the module end, and what becomes of the operation?", ends,
        {"It ends with an error, and there is no file": (False, None),
         "It ends well, and the operation is in the file": (True, ["RemoveFile"]),
         "It ends well, and there is no file": (True, None)},
        "A falsy job ID means: not a job of the workload management system. Then the module does nothing, so that a "
        "workflow can be tried by hand, and it says OK. Whoever tests with the job ID 0 tests nothing; and where the "
        "ID is missing by mistake, everything pending is dropped without a word.",
        "ends: GracefulTermination", ("CO-010", "LL-007"),
    ),
    Lesson(
        "a-failed-workflow", "An earlier step has failed",
        "An earlier step of the job has failed. The input files should become Unused, so that another job tries them "
        "again; but the transformation service is down.",
        Scenario.of_job(inputs=INPUTS, workflow_failed=True, faults=["transformation:down"]),
        "What will the file 12_34_request.json hold?", file_holds,
        {_NO_FILE: None,
         "One operation with the statuses of both files": ["SetFileStatus"],
         "One operation with the statuses, and one with the status of the job": ["SetFileStatus", "ForwardDISET"]},
        "The operation is in the request, but the file is written only if nothing has failed before. So the request "
        "ends with the job, and the files stay Assigned: no other job will ever try them. This is what DIRAC does, and "
        "what LosslessFailoverRequest does not.",
        "It is in no file", ("CO-012", "LL-003"),
    ),
    Lesson(
        "bad-company", "One operation that is not valid",
        "An earlier module wanted a file to be removed, but forgot to say which: its operation RemoveFile has no "
        "files. And the transformation service is down.",
        replace(_JOB, operations=({"Type": "RemoveFile"},), faults=("transformation:down",)),
        "What will the file 12_34_request.json hold?", file_holds,
        {"The statuses of the input files": ["SetFileStatus"],
         "Both operations: the request system will complain of the first": ["RemoveFile", "SetFileStatus"],
         _NO_FILE: None},
        "The request is validated as a whole, and what is not valid is not written. One mistake of one module takes "
        "with it what all the others had pending. The module ends with an error, at least, which names the operation.",
        "raised RuntimeError", ("LL-004", "LL-016"),
    ),
    Lesson(
        "an-old-file", "A file of an earlier run",
        "The job runs in a directory in which an earlier run has left its 12_34_request.json. This time every service "
        "is up, so nothing is pending.",
        replace(_JOB, files={FILE: "old"}),
        "What lies in the directory when the job has ended?", old_file,
        {"Nothing: the old file is removed": None,
         "The old file, as it was": "[]",
         "A request without operations, in its place": "{}"},
        "Nothing is pending, so nothing is written, and what is there is not looked at. The job wrapper sends whatever "
        "it finds: here the old file is empty and does no harm, but the operations of another job would be executed.",
        "file 12_34_request.json", ("LL-011",),
    ),
    Lesson(
        "an-answer-without-stub", "A refusal of another kind",
        "The job state service answers, but with an error, and without the stub: the piece of an answer that says how "
        "the call can be repeated later. That happens when the service itself says no.",
        replace(_JOB, faults=("job-state:s_error=Too busy;stub=no",)),
        "How does the module end, and what is in the file?", ends,
        {"It ends with an error, and there is no file": (False, None),
         "It ends well, and there is no file": (True, None),
         "It ends well, and the file holds the statuses of the job": (True, ["ForwardDISET"])},
        "The operation for a status is made from the stub. Without one the job report can only answer that it has "
        "failed, the module warns in the log and goes on: the statuses are lost, and the job looks as if it were still "
        "running. Fakes that always give a stub, or never, hide this.",
        "JobReport.generateForwardDISET()", ("CO-015", "LL-009"),
    ),
    Lesson(
        "a-lost-reply", "The service did it, and the reply was lost",
        "The job state service takes the first status, 'Job Finished Successfully', but its reply never arrives. To "
        "the job this looks like a service that has not answered at all. From then on everything works.",
        replace(_JOB, faults=("job-state:lost_reply@first=1",)),
        "How often is 'Job Finished Successfully' in the history of the job?", finished,
        {"Never": 0, "Once": 1, "Twice": 2},
        "What was not confirmed is sent again, and the service takes it a second time. Had the connection been "
        "refused, once would be right; the caller cannot tell the two apart. So what is replayed should do no harm "
        "when it is done twice, and a test should know what a service did, not only what the caller saw.",
        "reported twice", ("CO-015", "DI-014"),
    ),
    Lesson(
        "nothing-lost", "The same outage, without the hazard",
        "The job state service is down until the job has ended. DIRAC's module reports its last status after the file "
        "is written, so that one is lost: the job would end with 'Job Finished Successfully'. Here "
        "LosslessFailoverRequest runs instead: the same module, some hooks overridden.",
        replace(_JOB, faults=("job-state:down",)),
        "Which application status has the job when the request has been replayed?", last_status,
        {"Unknown, as before": "Unknown",
         "'Job Finished Successfully'": "Job Finished Successfully",
         "'Workflow successful, end of FailoverRequest module execution.'":
             "Workflow successful, end of FailoverRequest module execution."},
        "It reports how it ends before the file is written, while that can still go into the request. Compare with "
        "'dirac-failover run --fault job-state:down'. The clauses of the level lossless say what else it does "
        "differently.",
        "Converged", ("LL-010", "LL-016"), LosslessFailoverRequest,
    ),
)
# fmt: on
"""All lessons, from simple to subtle."""
