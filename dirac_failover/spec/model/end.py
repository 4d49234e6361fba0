"""The end of the job, as DIRAC's FailoverRequest reports it: statuses, records, and the file with the request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dirac_failover.spec.model.request import as_text, file_of, invalid, number_operations
from dirac_failover.spec.model.run import GracefulTermination
from dirac_failover.spec.scenario import NONE

if TYPE_CHECKING:
    from dirac_failover.spec.model.run import ModelRun
    from dirac_failover.spec.scenario import Json

SKIPPED: Final = "Skipping FailoverRequest module"
FINISHED: Final = "Job Finished Successfully"
SUCCEEDED: Final = "Workflow successful, end of FailoverRequest module execution."
FAILED: Final = "Workflow failed, FailoverRequest module completed"


def initialize(run: ModelRun) -> None:
    """Initialize: the hook `_initialize` of `FailoverRequest`.

    N.1. If `jobID` is 0, raise GracefulTermination(`Skipping FailoverRequest module`).
    N.2. If `jobID` is a text, raise TypeError(`%d format: a real number is required, not str`).
    N.3. Name the request (Q).
    """
    number = run.attributes["jobID"]
    if not number:
        raise GracefulTermination(SKIPPED)
    if isinstance(number, str):
        raise TypeError("%d format: a real number is required, not str")
    name_request(run, number)


def name_request(run: ModelRun, number: int) -> None:
    """Name the request.

    Q.1. Set RequestName to `job_{jobID}_request.xml`, JobID to `jobID`, and SourceComponent to `Job_{jobID}`.
    """
    run.request |= {
        "RequestName": f"job_{number}_request.xml", "JobID": number, "SourceComponent": f"Job_{number}"
    }  # fmt: skip


def report_inputs(run: ModelRun) -> None:
    """Report the inputs and end the job: the hook `_execute` of `FailoverRequest`.

    X.1. Call `FileReport.getFiles()`, which returns the statuses that earlier modules gave, by LFN. If the job is well
         (H), call it once more; only the last answer counts.
    X.2. For each LFN of `inputDataList`, in order, that is not in the answer: if the job is not well, set the attribute
         `force` of the file report to true; then call `FileReport.setFileStatus(production_id, lfn, status, false)`
         with the status `Processed` if the job is well, else `Unused`. Ignore its answer.
    X.3. Call `FileReport.commit()`, which sends the statuses (TC). If its answer is OK, go to X.5.
    X.4. Otherwise call `FileReport.generateForwardDISET()` (TF). Read OK and Value of its answer, whether it is OK or
         not: a missing key is a KeyError. If it is OK and Value is not null, append Value to the operations of the
         request.
    X.5. If the job is well, report the status `Job Finished Successfully` (A), then generate the file (G) and ignore
         its result. If the job is not well, no file is generated.
    """
    known = files_so_far(run)
    well = is_well(run)
    if well:
        known = files_so_far(run)
    for lfn in run.attributes["inputDataList"]:
        if lfn in known:
            continue
        if not well:
            run.force = True
        run.report_file(run.attributes["production_id"], lfn, "Processed" if well else "Unused")
    if not send_file_report(run, "commit")["OK"]:
        again = send_file_report(run, "generateForwardDISET")
        done, value = again["OK"], again["Value"]
        if done and value is not None:
            run.request["Operations"].append(value)
    if well:
        report_status(run, FINISHED)
        failover_file(run)


def files_so_far(run: ModelRun) -> Json:
    """Ask the file report for the statuses that it has."""
    return run.ask("FileReport", "getFiles", (), dict(run.statuses), bare=True)


def send_file_report(run: ModelRun, method: str) -> Json:
    """Let the file report send its statuses, and forget them if it did."""
    answer = run.ask("FileReport", method, (), None)
    if run.applied:
        run.statuses = {}
    return answer


def failover_file(run: ModelRun) -> Json:
    """Generate the request's file: `ModuleBase.generateFailoverFile`.

    G.1. Call `JobReport.generateForwardDISET()` (UF). If its answer is OK and Value is not empty, append Value to the
         operations of the request. An answer that is not OK is only logged.
    G.2. If `workflow_commons` has an AccountingReport that is not null, call its `commit()` (ZC). If the answer is not
         OK, return that answer: nothing is written.
    G.3. If the request has no operations, go to G.8.
    G.4. Compute the statuses of the operations (O), and validate the request (V). If it is not valid, raise
         RuntimeError(`Failover request is not valid: {text}`) with the text of the first rule that it breaks.
    G.5. Call `Request.toJSON()` (J). If its answer is not OK, raise RuntimeError with its Message.
    G.6. Write Value, as a text, to the file `{production_id}_{prod_job_id}_request.json` in the working directory, over
         an old file. A directory of that name raises IsADirectoryError(21, `Is a directory`, name), a full disk
         OSError(28, `No space left on device`).
    G.7. Call `Request.getDigest()`, which needs the LFN of the first file of each operation: TypeError without it. If
         its answer is not OK, read its Message, which is logged.
    G.8. Return null.
    """
    take_job_report(run)
    committed = commit_accounting(run)
    if not committed["OK"]:
        return committed
    write_request(run, "{production_id}_{prod_job_id}_request.json".format(**run.attributes))
    return None


def take_job_report(run: ModelRun) -> None:
    """Take the step G.1."""
    answer = run.ask("JobReport", "generateForwardDISET", (), None)
    run.sent()
    if answer["OK"] and answer["Value"]:
        run.request["Operations"].append(answer["Value"])


def commit_accounting(run: ModelRun) -> Json:
    """Take the step G.2, and return the answer; OK if there is nothing to call."""
    if run.scenario.collaborators.get("AccountingReport", NONE) == NONE:
        return {"OK": True, "Value": None}
    committed = run.ask("AccountingReport", "commit", (), run.records)
    if run.applied:
        run.records = 0
    return committed


def write_request(run: ModelRun, name: str) -> None:
    """Take the steps G.3 to G.7, with the errors that they name."""
    operations = run.request["Operations"]
    if not operations:
        return
    number_operations(operations)
    if problem := invalid(run.request, run.profile):
        raise RuntimeError(f"Failover request is not valid: {problem}")
    serialised = run.ask_request("toJSON", lambda: as_text(run.request, run.profile))
    if not serialised["OK"]:
        raise RuntimeError(serialised["Message"])
    there = run.files.get(name)
    if there == "<directory>":
        raise IsADirectoryError(21, "Is a directory", name)
    if there == "<link>":
        raise OSError(28, "No space left on device")
    run.files[name] = str(serialised["Value"])
    firsts = [file_of(item["Files"][0]) for item in operations if item["Files"]]
    logged(run.ask_request("getDigest", lambda: "".join(file["LFN"] + "" for file in firsts)))


def is_well(run: ModelRun) -> bool:
    """Decide whether the job is well.

    H.1. The job is well if OK is true in `workflowStatus` and in `stepStatus`. Read `stepStatus` only if OK is true in
         `workflowStatus`. A status without OK is a KeyError.
    """
    return bool(run.attributes["workflowStatus"]["OK"] and run.attributes["stepStatus"]["OK"])


def report_status(run: ModelRun, status: str, send: Json = True) -> Json:
    """Report an application status.

    A.1. If `jobID` is 0, return 0.
    A.2. If the job is well (H), call `JobReport.setApplicationStatus(status, sendFlag)` (US); `sendFlag` is true unless
         MS hands on another. If its answer is not OK, read its Message, which is logged: a missing key is a KeyError.
    A.3. Return null.
    """
    if not run.attributes["jobID"]:
        return 0
    if is_well(run):
        logged(run.send_status(status, send))
    return None


def logged(answer: Json) -> Json:
    """Return an answer; that of an error must have a Message, which is logged."""
    if not answer["OK"]:
        answer["Message"]
    return answer


def finish(run: ModelRun) -> None:
    """Finish: the hook `_finalize` of `FailoverRequest`.

    F.1. If the job is well (H), raise GracefulTermination(`Workflow successful, end of FailoverRequest module
         execution.`).
    F.2. Otherwise raise RuntimeError(`Workflow failed, FailoverRequest module completed`).
    """
    raise GracefulTermination(SUCCEEDED) if is_well(run) else RuntimeError(FAILED)
