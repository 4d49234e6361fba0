"""How one execution goes, implementation by implementation: DIRAC's own story, and those that tell it in another order.

A story is a function of a :class:`~dirac_failover.spec.model.Job` that returns the result, or raises what escapes. The
experiments' modules do not follow the hooks of DIRAC's contract, but they ask the same collaborators the same questions:
so their stories are short, and made of the chapters of :mod:`~dirac_failover.spec.model` wherever those fit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dirac_failover.spec.model import (
    FINISHED,
    STEP_SAYS,
    Job,
    bare,
    commit_accounting,
    contract,
    is_well,
    name_request,
    report_status,
    send_file_report,
    take_job_report,
    write_request,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from dirac_failover.spec.scenario import Json


def lhcbdirac(job: Job) -> Json:
    """Everything is inside one try: what goes wrong, from the first question on, is a result, and its text a status."""
    try:
        lhcb_identify(job)
        if job.attributes["jobID"]:
            lhcb_resolve(job)
            name_request(job)
            lhcb_report_inputs(job)
            if is_well(job):
                report_status(job, FINISHED)
            lhcb_failover_file(job)
    except Exception as error:  # noqa: BLE001 - its own contract
        if job.attributes["jobID"] and is_well(job) and not job.resolved:
            raise AttributeError("'NoneType' object has no attribute 'setApplicationStatus'") from None
        report_status(job, repr(error))
        return {"OK": False, "Errno": 0, "Message": str(error)}
    return {"OK": True, "Value": None}


def lhcb_identify(job: Job) -> None:
    """The numbers stay texts, and what was set on the module is overwritten; but the job is a number."""
    has, scenario = job.attributes, job.scenario
    has["jobID"] = number(has["jobID"])
    has["production_id"] = job.commons["PRODUCTION_ID"]
    has["prod_job_id"] = job.commons["JOB_ID"]
    if "JOBID" in scenario.environment:
        has["jobID"] = number(scenario.environment["JOBID"])
    if "STEP_NUMBER" not in scenario.attributes:
        raise AttributeError("'FailoverRequest' object has no attribute 'STEP_NUMBER'")
    has["step_number"] = scenario.attributes["STEP_NUMBER"]
    has["step_id"] = f"{has['production_id']}_{has['prod_job_id']}_{has['step_number']}"


def number(job_id: Json) -> Json:
    """A job's ID; an empty text is no job."""
    return int(job_id or 0)


def lhcb_resolve(job: Job) -> None:
    """The input files of the job, then those of the step; the steps of the job are called otherwise, and not given."""
    job.hook("_resolveInputVariables")
    job.resolved = True
    has, commons, step = job.attributes, job.commons, job.scenario.step_commons
    has["jobType"] = commons["JobType"]
    has["InputData"] = commons.get("InputData", has["InputData"])
    replaced = commons.get("ParametricInputData")
    if replaced:
        has["InputData"] = ";".join(replaced) if isinstance(replaced, list) else replaced
        has["InputData"] = has["InputData"].rstrip(";")
    if has["InputData"] == ";":
        has["InputData"] = ""
    has["inputDataList"] = [bare(part) for part in has["InputData"].split(";") if part]
    mask = commons.get("outputDataFileMask", has["outputDataFileMask"])
    has["outputDataFileMask"] = [part.lower().strip() for part in mask.split(";")] if isinstance(mask, str) else mask

    has["stepName"] = step["STEP_INSTANCE_NAME"]
    for name in (*STEP_SAYS, "applicationLog", "inputDataType"):
        has[name] = step.get(name, has[name])
    source = step.get("inputData") or has["InputData"]
    if source == "previousStep":
        raise AttributeError("'NoneType' object has no attribute 'index'")
    if source:
        has["stepInputData"] = [bare(bare(name)) for name in source.split(";")]


def lhcb_report_inputs(job: Job) -> None:
    """Each input gets a status; what is left after the first try is tried again, and kept for later if all is well."""
    has = job.attributes
    known = job.ask("FileReport", "getFiles", (), dict(job.statuses), bare=True)
    status = "Processed" if is_well(job) else "Unused"
    for lfn in has["inputDataList"]:
        if lfn not in known:
            job.report_file(int(has["production_id"]), lfn, status)
    sent = send_file_report(job, "commit")
    sent["Value" if sent["OK"] else "Message"]  # it is to be logged, and so must be there
    if job.ask("FileReport", "getFiles", (), dict(job.statuses), bare=True):
        again = send_file_report(job, "generateForwardDISET")
        value = again["Value" if again["OK"] else "Message"]
        if again["OK"] and value is not None and is_well(job):
            job.request["Operations"].append(value)


def lhcb_failover_file(job: Job) -> None:
    """The file first, the accounting afterwards; and also when something has failed."""
    take_job_report(job)
    write_request(job)
    committed = commit_accounting(job)
    if not committed["OK"]:
        committed["Message"]  # it is to be logged, and so must be there


STORIES: Final[dict[str, Callable[[Job], Json]]] = {
    "dirac": contract,
    "lhcbdirac": lhcbdirac,
}
"""The stories, by the names that profiles call them."""
