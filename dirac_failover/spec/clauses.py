"""The contract, clause by clause: one table that is the source of the page, of every report and of ``explain``.

A clause is a sentence, with the reason for it, the harm that its breach does, and its check. Its ID is for ever: a
clause may be reworded or retired, but its ID is never given to another. There are three levels:

- ``contract``: what a module promises to whoever runs it;
- ``dirac``: what DIRAC 9.1 observably does beyond that, one aspect a clause; together they are total;
- ``lossless``: what nobody wants broken, and DIRAC itself breaks: nothing that is pending is ever dropped, and no
  success is reported while something is lost. Each names the hazard that keeping it removes.
"""

from __future__ import annotations

from typing import Final

from dirac_failover.spec import checks as c
from dirac_failover.spec.checks import Clause

BASE: Final = "ModuleBase"
MODULE: Final = "FailoverRequest"

_ROWS: Final[tuple[tuple[object, ...], ...]] = (
    # Contract
    ("CO-001", "The hooks are called in their order, and the first one that raises is the last one called.",
     "A module is written as hooks that rely on what the ones before have done.",
     "A module works with inputs that are not resolved, or acts after it was told to stop.",
     f"{BASE}.execute", c.hooks_in_order),
    ("CO-002", "finalize is called at the very end of each execution in which a hook was called, whatever happened.",
     "It flushes the logs.", "The log of just the job that failed is incomplete.",
     f"{BASE}.execute", c.finalize_always),
    ("CO-003", "A module that cannot find out which task it belongs to raises before any hook is called.",
     "Nothing can be reported in the name of an unknown task.", "Files of another task get a status.",
     f"{BASE}.execute", c.identified_first),
    ("CO-004", "What execute returns is a return structure: OK with a Value, or not OK with Message and Errno.",
     "The workflow reads these keys without looking.", "The workflow dies of a KeyError and reports nothing.",
     f"{BASE}.execute", c.return_structure),
    ("CO-005", "No exception that is raised in a hook leaves execute, not even an interrupt.",
     "The workflow goes on to the modules that clean up.", "One bad answer ends the whole job without any report.",
     f"{BASE}.execute", c.exceptions_become_results),
    ("CO-006", "GracefulTermination ends the module well, wherever in a hook it is raised.",
     "It is how a module says that nothing is left to do.", "Jobs that went well are counted as failed.",
     f"{BASE}.execute", c.graceful_is_good),
    ("CO-007", "RuntimeError with a text and a number becomes that Message and that Errno.",
     "The number is the exit code of the job.", "The job's exit code says nothing, or something else.",
     f"{BASE}.execute", c.error_number),
    ("CO-008", "How a module ended is reported as the application status, while nothing has failed before.",
     "It is what people see of a job.", "Nobody can tell from outside why a job failed.",
     f"{BASE}.execute", c.ends_are_reported),
    ("CO-009", "After a failure of the workflow or the step no application status is reported.",
     "The status that says what failed must stay to be seen.", "The cause is overwritten by its consequences.",
     f"{BASE}.setApplicationStatus", c.silent_after_failure),
    ("CO-010", "Without a job of the WMS the module asks nobody for anything, and ends well if nothing is pending.",
     "A workflow can be tried by hand.", "A test by hand changes the statuses of real files.",
     f"{MODULE}._initialize", c.disabled_without_job),
    ("CO-011", "A status that an earlier module gave an input file is left as it is.",
     "That module knew better what happened to the file.", "Problematic files are counted as processed.",
     f"{MODULE}._execute", c.earlier_statuses_stay),
    ("CO-012", "The module gives input files the status Processed when all is well, and Unused after a failure.",
     "The transformation system goes by these.", "Failed files are never tried again, or good ones done twice.",
     f"{MODULE}._execute", c.statuses_by_health),
    ("CO-013", "A file report that cannot be committed is asked once more, for an operation.",
     "The operation is what fail-over consists of.", "The statuses of the input files are lost.",
     f"{MODULE}._execute", c.second_try),
    ("CO-014", "The operation that the file report answers with is in the request, once.",
     "It carries the statuses of the input files.", "The statuses of the input files are lost, or given twice.",
     f"{MODULE}._execute", c.operations_are_taken("FileReport", "file report")),
    ("CO-015", "The operation that the job report answers with is in the request, once.",
     "It carries the job's unsent statuses.", "The job looks as if it were still running.",
     f"{BASE}.generateFailoverFile", c.operations_are_taken("JobReport", "job report")),
    ("CO-016", "There is at most one new file, named <transformation>_<task>_request.json.",
     "The job wrapper looks for files of such names.", "The request is written and never found.",
     f"{BASE}.generateFailoverFile", c.one_file),
    ("CO-017", "The file is the request as JSON: its name, its job, and its operations in order.",
     "It is all that is left when the job is gone.", "Part of what was pending is lost.",
     f"{BASE}.generateFailoverFile", c.file_is_the_request),
    ("CO-018", "A collaborator that nobody has made is made by the module, and left in workflow_commons.",
     "The modules after it report through the same one.", "Each module reports for itself, and what one keeps is lost.",
     f"{BASE}._resolveInputVariables", c.collaborators_are_made),
    # DIRAC
    ("DI-001", "Collaborators and services are called in this order and no other.",
     "Order decides what is lost when one of them fails.", "Another order loses other things.",
     f"{MODULE}", c.aspect(c.calls)),
    ("DI-002", "These hooks are called.", "Subclasses rely on it.", "A subclass' hook is not called.",
     f"{BASE}.execute", c.aspect(c.hooks)),
    ("DI-003", "The module returns, or raises, as expected.", "What escapes ends the workflow.",
     "A workflow ends early, or hides a failure.", f"{BASE}.execute", c.aspect(lambda o: o.ended)),
    ("DI-004", "The result is exactly the expected one: OK, Value, Message and Errno, exception objects included.",
     "The workflow turns it into the job's status and exit code.", "The job's status or exit code is another.",
     f"{BASE}.execute", c.aspect(lambda o: o.result)),
    ("DI-005", "The application statuses are reported with these texts and sent at once.",
     "People and programs search for these texts.", "Monitoring does not recognise the job's end.",
     f"{BASE}.setApplicationStatus", c.arguments("JobReport", "setApplicationStatus")),
    ("DI-006", "The file statuses are given for this transformation, these files, in this order.",
     "The transformation system goes by them.", "Files get a wrong status, or none.",
     f"{MODULE}._execute", c.arguments("FileReport", "setFileStatus")),
    ("DI-007", "What the collaborators answered is what their answers were asked for.",
     "A different answer means a different question.", "A call means something else than it says.",
     f"{MODULE}", c.aspect(lambda o: [s.answer for s in o.steps if s.target != "module"])),
    ("DI-008", "The module's identifiers are these afterwards.", "Later modules read them.",
     "Later modules report in another's name.", f"{BASE}.execute",
     c.attributes("production_id", "prod_job_id", "jobID", "step_number", "step_id")),
    ("DI-009", "The module's input files are these afterwards.", "Subclasses and later modules read them.",
     "Another file is processed or reported.", f"{BASE}._resolveInputWorkflow",
     c.attributes("InputData", "inputDataList", "stepInputData", "inputDataType")),
    ("DI-010", "The prefix LFN: is taken off as characters, at both ends of a name.",
     "It is what DIRAC does.", "Whoever relies on it finds other names.",
     f"{BASE}._resolveInputWorkflow", c.attributes("inputDataList"), "quirk"),
    ("DI-011", "What the module knows of the application and its outputs is this afterwards.",
     "Subclasses read it.", "Another application is run, or other outputs are uploaded.",
     f"{BASE}._resolveInputStep",
     c.attributes("jobType", "executable", "command", "applicationName", "applicationVersion", "applicationLog",
                  "stepName", "appSteps", "outputDataFileMask")),
    ("DI-012", "The statuses of workflow and step are left as they were.", "They belong to the workflow.",
     "A failure is forgotten.", f"{BASE}", c.attributes("workflowStatus", "stepStatus")),
    ("DI-013", "workflow_commons holds these keys afterwards.", "It is how modules hand things on.",
     "The next module makes a second report, and one of the two is never sent.", f"{BASE}",
     c.attributes("workflow_commons")),
    ("DI-014", "The job report holds what could not be sent.", "It is sent with the next report.",
     "A status is lost, or sent twice.", "JobReport", c.attributes("JobReport")),
    ("DI-015", "The file report holds what could not be sent, for this transformation, by force after a failure.",
     "Force lets a status that is final be changed.", "Files stay processed although their job failed.",
     f"{MODULE}._execute", c.attributes("FileReport")),
    ("DI-016", "The accounting client holds what could not be sent.", "Accounting pays for the grid.",
     "Work is not accounted for.", f"{BASE}.generateFailoverFile", c.attributes("AccountingReport")),
    ("DI-017", "The request is named after the job, and belongs to whom it belonged before.",
     "The request system acts in the owner's name.", "The request is refused, or executed in another's name.",
     f"{MODULE}._initialize", c.of_request("RequestName", "JobID", "SourceComponent", "Owner", "OwnerGroup")),
    ("DI-018", "The request holds these operations, with these fields, in this order.",
     "They are executed in order.", "Something is done in the wrong order, twice, or not at all.",
     f"{MODULE}._execute", c.of_request("Operations")),
    ("DI-019", "These files are in the working directory afterwards.", "The job wrapper takes what it finds.",
     "A request is not found, or an old one is sent again.", f"{BASE}.generateFailoverFile",
     c.aspect(lambda o: sorted(o.files))),
    ("DI-020", "The files hold exactly this text, times apart.", "Other programs read them.",
     "The request cannot be read, or is read as another.", f"{BASE}.generateFailoverFile", c.aspect(lambda o: o.files)),
    ("DI-099", "Nothing else that can be observed differs.", "The other clauses look at one aspect each.",
     "A difference that nobody has thought of.", f"{MODULE}", c.nothing_else),
    # Lossless
    ("LL-001", "What is in the request is written although the accounting takes no records.",
     "The accounting has nothing to do with the rest.", "Statuses and operations vanish, and the module says OK.",
     f"{BASE}.generateFailoverFile", c.kept(lambda k: k.answered("AccountingReport.commit", "s_error")), "H1"),
    ("LL-002", "What is in the request is written although the accounting client breaks down.",
     "As LL-001.", "Statuses and operations vanish.", f"{BASE}.generateFailoverFile",
     c.kept(lambda k: k.answered("AccountingReport.commit", "raises", "bad_shape")), "H2"),
    ("LL-003", "What is in the request is written after a failure too.",
     "A failed job has as much to say as a good one.",
     "The inputs of failed jobs stay Assigned for ever, and outputs are never removed.",
     f"{MODULE}._execute", c.kept(lambda k: k.job and k.health == "failed"), "H3"),
    ("LL-004", "One operation that is not valid does not take the others with it.",
     "They are valid.", "One module's mistake loses what all the others had pending.", f"{BASE}.generateFailoverFile",
     c.others_kept(c.is_invalid), "H4"),
    ("LL-005", "One operation that cannot be serialised does not take the others with it.",
     "They can be.", "One module's mistake loses what all the others had pending.", f"{BASE}.generateFailoverFile",
     c.others_kept(c.is_no_text), "H20"),
    ("LL-006", "A request without owner is written, or is not a success.", "Whoever sends it may own it.",
     "Nobody learns that everything pending is lost.", f"{BASE}.generateFailoverFile",
     c.not_a_success(lambda k: bool(k.unwritten) and k.job and k.scenario.owner is None, "the request is not valid"),
     "H4"),
    ("LL-007", "Operations that are pending are not a success of a module that thinks it has no job.",
     "A missing job ID is a mistake of the set-up.", "Everything pending is dropped, and the module says OK.",
     f"{MODULE}._initialize",
     c.not_a_success(lambda k: not k.job and bool(k.unwritten), "operations are pending"), "H5"),
    ("LL-008", "Statuses of input files that the file report can neither send nor hand over are not a success.",
     "They are lost.", "The inputs stay Assigned for ever, and nobody knows why.", f"{MODULE}._execute",
     c.not_a_success(lambda k: k.answered("FileReport.generateForwardDISET", "s_error", 'bad_shape={"OK": false'),
                     "statuses are lost"), "H13"),
    ("LL-009", "Statuses of the job that the job report can neither send nor hand over are not a success.",
     "They are lost.", "The job looks as if it were still running.", f"{BASE}.generateFailoverFile",
     c.not_a_success(lambda k: k.answered("JobReport.generateForwardDISET", "s_error"), "statuses are lost"), "H10"),
    ("LL-010", "The last status is reported while it can still go into the request.",
     "After the file is written, nothing can be added.", "The last status is lost when the service is down.",
     f"{BASE}.execute", c.last_status_can_be_kept, "H11"),
    ("LL-011", "A file of an earlier run does not stay when nothing is pending.",
     "The job wrapper sends whatever it finds.", "Operations of another job are executed.",
     f"{BASE}.generateFailoverFile", c.stale_file, "H12"),
    ("LL-012", "The files that get a status are the job's input files, whatever their names end in.",
     "LFN: is a prefix.", "The status goes to a file that does not exist; the input stays Assigned for ever.",
     f"{BASE}._resolveInputWorkflow", c.right_files, "H16"),
    ("LL-013", "Statuses of files that the transformation does not know are not a success.",
     "They reach nobody.", "Nobody learns that the statuses are lost.", "TransformationClient", c.unknown_files, "H6"),
    ("LL-014", "Job parameters that were not sent are sent, or are in the file, or the module is not OK.",
     "They belong to the job as its status does.", "Parameters such as the CPU time used are lost.",
     f"{BASE}.generateFailoverFile", c.parameters, "H9"),
    ("LL-015", "Executing the module twice does not report anything twice.",
     "A step may be repeated.", "Statuses are given twice, the later one perhaps over a newer one.",
     f"{MODULE}._execute", c.twice, "H19"),
    ("LL-016", "While an operation of the request is not in the file, the module does not say OK.",
     "The file is all that is left when the job is gone.", "Something is lost, and nobody is told.",
     f"{MODULE}", c.not_a_success(lambda k: k.job and bool(k.unwritten), "operations are not in the file"), "H1"),
)  # fmt: skip


_THREADS: Final = {
    "DI-015": "issues/1112",  # a file that is Processed could not be made Unused again
    "DI-017": "pull/2435",  # the module named its request in a way that was gone
    "DI-018": "pull/2205",  # statuses of files are not forwarded as other calls are: they got an operation
    "LL-001": "issues/2416",  # what accounts for an operation must not make it fail
    "LL-002": "issues/2416",
    "LL-006": "pull/2892",  # a request that is not valid was no reason for a job to fail
    "LL-010": "pull/4852",  # the job wrapper, too, now gives the last status before it sends what is pending
    "LL-014": "pull/8395",  # parameters that were set after the last commit were missing
    "LL-016": "pull/1730",  # the workflow was well, and its request was not there
}
"""Where DIRAC's developers met it: threads in their repository that are about the same thing, in any part of DIRAC."""


def _clause(  # noqa: PLR0913, PLR0917 - a row of the table
    id_: str, text: str, reason: str, harm: str, source: str, check: c.Check, note: str = ""
) -> Clause:
    level = {"CO": c.CONTRACT, "DI": c.DIRAC, "LL": c.LOSSLESS}[id_[:2]]
    issue = f"https://github.com/DIRACGrid/DIRAC/{_THREADS[id_]}" if id_ in _THREADS else ""
    return Clause(id_, level, text, reason, harm, source, check, note, issue)


CLAUSES: Final = tuple(_clause(*row) for row in _ROWS)  # type: ignore[arg-type]
"""All clauses, in the order of the page."""

OUT_OF_REACH: Final = {
    "H7": "a status that the transformation system considers final is its own decision, not the module's",
    "H8": "force is lost when the request is executed, which is after the module",
    "H14": "a file report that is bound to another transformation was bound by an earlier module",
    "H15": "when force is set is the rule of the transformation system's users; DI-015 pins it",
    "H17": "the workflow, not the module, keeps only the last failure",
    "H18": "what another thread's commit did is known to the accounting client only",
    "H21": "a request with the owner of an older DIRAC is the business of whoever made it",
    "H22": "an operation that is already in the request is in the request",
}
"""The hazards that no module can remove, and why."""
