"""The order of an execution for each implementation: DIRAC's own, and those of the experiments.

A story is a function of a :class:`~dirac_failover.spec.model.run.Job` that returns the result, or raises the exception
that escapes. The experiments' modules do not follow the hooks of DIRAC's contract, and call the same collaborators: so
their variants are short, and use the functions of :mod:`~dirac_failover.spec.model.module` where those fit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dirac_failover.spec.model.module import (
    FAILED,
    FINISHED,
    STEP_SAYS,
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

    from dirac_failover.spec.model.run import ModelRun
    from dirac_failover.spec.scenario import Json


def lhcbdirac(job: ModelRun) -> Json:
    """Everything is inside one try: what goes wrong, from the first question on, is a result, and its text a status."""
    try:
        lhcb_identify(job)
        if job.attributes["jobID"]:
            job.hook("_resolveInputVariables")
            lhcb_resolve(job)
            if "_resolveInputVariables" in job.scenario.hooks:  # the one hook that it knows
                job.answer(job.scenario.hooks["_resolveInputVariables"])
            name_request(job, job.attributes["jobID"])
            lhcb_report_inputs(job)
            if is_well(job):
                report_status(job, FINISHED)
            lhcb_failover_file(job)
    except Exception as error:  # noqa: BLE001 - its own contract
        if job.attributes["jobID"] and is_well(job) and not job.resolved:
            raise AttributeError("'NoneType' object has no attribute 'setApplicationStatus'") from None
        report_status(job, repr(error))
        return {"OK": False, "Errno": 0, "Message": str(error)}
    finally:
        job.hook("finalize")
    return {"OK": True, "Value": None}


def lhcb_identify(job: ModelRun) -> None:
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


def lhcb_resolve(job: ModelRun) -> None:
    """The input files of the job, then those of the step; the steps of the job are called otherwise, and not given."""
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
    source = step.get("inputData", has["InputData"])  # an empty one is one, too
    if source == "previousStep":
        raise AttributeError("'NoneType' object has no attribute 'index'")
    if source:
        has["stepInputData"] = [bare(bare(name)) for name in source.split(";")]


def lhcb_report_inputs(job: ModelRun) -> None:
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


def lhcb_failover_file(job: ModelRun) -> None:
    """The file first, the accounting afterwards; and also when something has failed. Equal operations become one."""
    take_job_report(job)
    operations = job.request["Operations"]
    operations[:] = [
        item for index, item in enumerate(operations) if not index or not same_calls(item, operations[index - 1])
    ]
    write_request(job, "{production_id}_{prod_job_id}_request.json".format(**job.attributes))
    committed = commit_accounting(job)
    if not committed["OK"]:
        committed["Message"]  # it is to be logged, and so must be there


def same_calls(one: Json, other: Json) -> bool:
    """Whether two operations are the same, and about no files: the second adds nothing."""
    return not one["Files"] and all(one[key] == other[key] for key in ("Type", "Arguments", "Files"))


def ilcdirac(job: ModelRun) -> Json:
    """Nothing is inside a try: what goes wrong escapes; and if all is well, every input is Processed."""
    if not ilc_resolve(job):
        return {"OK": True, "Value": "Module is disabled by control flag"}
    ilc_report_inputs(job)
    if is_well(job):
        job.send_status(FINISHED)
    done = ilc_failover_file(job, job.commons.get("PRODUCTION_ID"))
    if not done["OK"]:
        done["Message"]  # it is to be logged, and so must be there
    return ilc_finalize(job)


def ilc_resolve(job: ModelRun) -> bool:
    """Task, inputs and job; every empty part of the inputs is an input. Return whether this is a job."""
    has, commons, step = job.attributes, job.commons, job.scenario.step_commons
    has["prod_job_id"] = int(commons.get("JOB_ID", has["prod_job_id"]))
    for name in ("applicationName", "applicationVersion", "applicationLog"):
        has[name] = step.get(name, has[name])
    has["jobType"] = commons.get("JobType", has["jobType"])
    for key in ("InputData", "ParametricInputData"):
        given = commons.get(key)
        if given:
            parts = given if isinstance(given, list) else given.split(";")
            has["InputData"] = [part.replace("LFN:", "") for part in parts]
    if "JOBID" not in job.scenario.environment:
        return False
    has["jobID"] = job.scenario.environment["JOBID"]
    return True


def ilc_report_inputs(job: ModelRun) -> None:
    """Inputs without a status are Unused; then all get the same one, except that a crash stays a crash."""
    if job.attributes["InputData"]:
        known = ilc_files(job)
        for lfn in job.attributes["InputData"]:
            if lfn not in known:
                ilc_report_file(job, lfn, "Unused")
    if is_well(job):
        for lfn in ilc_files(job):
            ilc_report_file(job, lfn, "Processed")
    else:
        for lfn, status in ilc_files(job).items():
            if status != "ApplicationCrash" and job.attributes["jobType"] != "Split":
                ilc_report_file(job, lfn, "Unused")
    sent = send_file_report(job, "commit")
    if sent["OK"]:
        return
    sent["Message"]  # it is to be logged, and so must be there
    again = send_file_report(job, "generateForwardDISET")
    value = again["Value" if again["OK"] else "Message"]
    if again["OK"] and value is not None:
        ilc_request(job)
        job.request["Operations"].append(value)


def ilc_files(job: ModelRun) -> Json:
    """The statuses so far."""
    return job.ask("FileReport", "getFiles", (), dict(job.statuses), bare=True)


def ilc_report_file(job: ModelRun, lfn: str, status: str) -> None:
    """The transformation's number is looked at only here."""
    number: Json = job.commons.get("PRODUCTION_ID")
    job.report_file(int(number), lfn, status)


def ilc_request(job: ModelRun) -> None:
    """A request without a name is replaced: what was in it is lost."""
    if not job.request["RequestName"]:
        job.request["Operations"] = []
        name_request(job, int(job.attributes["jobID"]))
        job.own_request = True


def ilc_finalize(job: ModelRun) -> Json:
    """The end, which says how it all went."""
    job.hook("finalize")
    if not is_well(job):
        return {"OK": False, "Errno": 0, "Message": FAILED}
    return {"OK": True, "Value": "FailoverRequest module completed"}


def ilc_failover_file(job: ModelRun, production: Json) -> Json:
    """As in DIRAC, also when something has failed; but what accounting answers is handed on."""
    ilc_request(job)
    take_job_report(job)
    committed = commit_accounting(job)
    if committed["OK"]:
        is_well(job)  # whether outputs are to be removed, of which there are none
        write_request(job, f"{production}_{job.attributes['prod_job_id']}_request.json")
    return committed


def lhcb_base(job: ModelRun) -> None:
    """Its base class finds out which task it is, and calls no hook."""
    lhcb_identify(job)


def ilc_base(job: ModelRun) -> Json:
    """Its base class knows the job from the beginning, finds the inputs, and runs an application: there is none."""
    job.attributes["jobID"] = job.scenario.environment.get("JOBID", 0)
    ilc_resolve(job)
    return {"OK": True, "Value": None}


VARIANTS: Final[dict[str, Callable[[ModelRun], Json]]] = {
    "dirac": contract,
    "lhcbdirac": lhcbdirac,
    "ilcdirac": ilcdirac,
}
"""The variants, by the names that profiles call them."""

BASES: Final[dict[str, Callable[[ModelRun], Json]]] = {"dirac": contract, "lhcbdirac": lhcb_base, "ilcdirac": ilc_base}
"""The variants of a module that adds nothing to the base class of each."""
