"""The executable specification of the other implementations: LHCbDIRAC's and ILCDIRAC's own order of steps.

A variant is a function of a :class:`~dirac_failover.spec.model.run.ModelRun` that returns the result of ``execute``, or
raises the exception that leaves it. The experiments' modules do not follow the hooks of DIRAC's contract, and call the
same collaborators: they use functions of :mod:`~dirac_failover.spec.model.module` where those fit.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Final

from dirac_failover.spec.model.methods import METHODS, Candidates, last, masked, step_mask
from dirac_failover.spec.model.module import (
    APPLICATION,
    FAILED,
    FINISHED,
    bare,
    commit_accounting,
    execute,
    files_so_far,
    is_well,
    logged,
    name_request,
    report_status,
    resolve_input_data,
    resolve_mask,
    send_file_report,
    take_job_report,
    write_request,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from dirac_failover.spec.model.run import ModelRun
    from dirac_failover.spec.scenario import Json


# LHCbDIRAC


def lhcb_execute(run: ModelRun) -> Json:
    """Execute the module of LHCbDIRAC.

    LE.1. Identify the task (LI). If `jobID` is 0, go to LE.5.
    LE.2. Resolve the input variables (LR); this is the only hook. Name the request (Q), and report the inputs (LX).
    LE.3. If the job is well (H), report the status `Job Finished Successfully` (A).
    LE.4. Generate the file (LG).
    LE.5. If nothing raised in LE.1 to LE.4, let the result be OK true with Value null.
    LE.6. If an exception was raised there that is no interrupt or exit, report its `repr` (A), and let the result be OK
          false with Errno 0 and its text as Message. But before LR has begun there is no job report: if `jobID` is not
          0 and the job is well (H), raise AttributeError(`'NoneType' object has no attribute 'setApplicationStatus'`).
    LE.7. Call `finalize` in any case, and return the result.
    """
    try:
        lhcb_identify(run)
        if run.attributes["jobID"]:
            run.hook("_resolveInputVariables")
            lhcb_resolve(run)
            if "_resolveInputVariables" in run.scenario.hooks:
                run.answer(run.scenario.hooks["_resolveInputVariables"])
            name_request(run, run.attributes["jobID"])
            lhcb_report_inputs(run)
            if is_well(run):
                report_status(run, FINISHED)
            lhcb_failover_file(run)
    except Exception as error:  # noqa: BLE001 - its own contract
        if run.attributes["jobID"] and is_well(run) and not run.resolved:
            raise AttributeError("'NoneType' object has no attribute 'setApplicationStatus'") from None
        report_status(run, repr(error))
        return {"OK": False, "Errno": 0, "Message": str(error)}
    finally:
        run.hook("finalize")
    return {"OK": True, "Value": None}


def lhcb_identify(run: ModelRun) -> None:
    """Identify the task in LHCbDIRAC.

    A module that adds nothing to its base class does only this.

    LI.1. Set `jobID` to its integer; an empty value is 0.
    LI.2. Set `production_id` to `workflow_commons[PRODUCTION_ID]` and `prod_job_id` to `workflow_commons[JOB_ID]`, as
          they are there, whether they were set before or not: KeyError if one is missing.
    LI.3. If the environment variable JOBID is set, set `jobID` to its integer; an empty one is 0.
    LI.4. Set `step_number` to the attribute `STEP_NUMBER`, as it is there. Without that attribute raise
          AttributeError(`'FailoverRequest' object has no attribute 'STEP_NUMBER'`).
    LI.5. Set `step_id` to `production_id`, `prod_job_id` and `step_number`, joined by `_`.
    """
    has, scenario = run.attributes, run.scenario
    has["jobID"] = int(has["jobID"] or 0)
    has["production_id"] = run.commons["PRODUCTION_ID"]
    has["prod_job_id"] = run.commons["JOB_ID"]
    if "JOBID" in scenario.environment:
        has["jobID"] = int(scenario.environment["JOBID"] or 0)
    if "STEP_NUMBER" not in scenario.attributes:
        raise AttributeError("'FailoverRequest' object has no attribute 'STEP_NUMBER'")
    has["step_number"] = scenario.attributes["STEP_NUMBER"]
    has["step_id"] = f"{has['production_id']}_{has['prod_job_id']}_{has['step_number']}"


def lhcb_resolve(run: ModelRun) -> None:
    """Resolve the input variables in LHCbDIRAC.

    LR.1. Set `jobType` to `workflow_commons[JobType]`: KeyError without it.
    LR.2. If `workflow_commons` has InputData, set `InputData` to it. Then take the steps RW.3 to RW.5 and RW.7.
    LR.3. Set `stepName` to `step_commons[STEP_INSTANCE_NAME]`: KeyError without it. If `step_commons` has executable,
          applicationName, applicationVersion, applicationLog or inputDataType, set the attribute of that name to it.
    LR.4. Let source be `step_commons[inputData]`, also an empty one, or `InputData` if it is missing. If source is
          `previousStep`, raise AttributeError(`'NoneType' object has no attribute 'index'`). If source is not empty,
          split it at `;`, strip each part (B), and set `stepInputData` to the list.
    """
    run.resolved = True
    has, commons, step = run.attributes, run.commons, run.scenario.step_commons
    has["jobType"] = commons["JobType"]
    has["InputData"] = commons.get("InputData", has["InputData"])
    resolve_input_data(run)
    resolve_mask(run)
    has["stepName"] = step["STEP_INSTANCE_NAME"]
    for name in (*APPLICATION, "applicationLog", "inputDataType"):
        has[name] = step.get(name, has[name])
    source = step.get("inputData", has["InputData"])
    if source == "previousStep":
        raise AttributeError("'NoneType' object has no attribute 'index'")
    if source:
        has["stepInputData"] = [bare(bare(name)) for name in source.split(";")]


def lhcb_report_inputs(run: ModelRun) -> None:
    """Report the inputs in LHCbDIRAC.

    LX.1. Call `FileReport.getFiles()`. Let status be `Processed` if the job is well (H), else `Unused`.
    LX.2. For each LFN of `inputDataList`, in order, that is not in the answer, call `FileReport.setFileStatus(
          production_id, lfn, status, false)` with the integer of `production_id`; ignore its answer.
    LX.3. Call `FileReport.commit()`, and read the Value of its answer if it is OK, else the Message.
    LX.4. Call `FileReport.getFiles()`. If its answer is not empty, call `FileReport.generateForwardDISET()`, and read
          Value or Message of its answer likewise. If it is OK, Value is not null, and the job is well (H), append Value
          to the operations of the request.
    """
    has = run.attributes
    known = files_so_far(run)
    status = "Processed" if is_well(run) else "Unused"
    for lfn in has["inputDataList"]:
        if lfn not in known:
            run.report_file(int(has["production_id"]), lfn, status)
    sent = send_file_report(run, "commit")
    sent["Value" if sent["OK"] else "Message"]
    if files_so_far(run):
        again = send_file_report(run, "generateForwardDISET")
        value = again["Value" if again["OK"] else "Message"]
        if again["OK"] and value is not None and is_well(run):
            run.request["Operations"].append(value)


def lhcb_failover_file(run: ModelRun) -> None:
    """Generate the file in LHCbDIRAC.

    It is generated whether the job is well or not.

    LG.1. Take the step G.1.
    LG.2. Remove each operation without files that has the same Type and Arguments as the one before it.
    LG.3. Take the steps G.3 to G.7.
    LG.4. Take the step G.2; if its answer is not OK, read its Message, which is logged. Return null.
    """
    take_job_report(run)
    operations = run.request["Operations"]
    operations[:] = [
        item for index, item in enumerate(operations) if not index or not same_calls(item, operations[index - 1])
    ]
    write_request(run, "{production_id}_{prod_job_id}_request.json".format(**run.attributes))
    logged(commit_accounting(run))


def same_calls(one: Json, other: Json) -> bool:
    """Return whether LG.2 removes the operation ``one`` after ``other``."""
    return not one["Files"] and all(one[key] == other[key] for key in ("Type", "Arguments", "Files"))


def lhcb_candidates(
    run: ModelRun, outputList: Json, outputLFNs: Json, fileMask: Json = "", stepMask: Json = ""
) -> Candidates:
    """Select the output files to upload in LHCbDIRAC.

    Both masks may be left out.

    LC.1. As MC.1, but without outputDataSE, which is not needed.
    LC.2. As MC.2; an LFN whose name is that of no file belongs to the file named as the part after the last `_`.
    LC.3. If any of the files is not in the working directory, upper and lower case being the same, raise
          OSError(`Output data not found`).
    LC.4. As MC.4, with the mask in lower case as well.
    LC.5. As MC.5, with the name in lower case, from which the file's type has been removed wherever it occurs.
    LC.6. If any file that is left has no `lfn`, raise ValueError(`Missing requested fileName keys`).
    LC.7. Return what the files have, by name.
    """
    files: Candidates = {}
    for output in outputList:
        if all(key in output for key in ("outputDataType", "outputDataName")):
            files[output["outputDataName"]] = {"type": output["outputDataType"]}
    for lfn in outputLFNs:
        for name in (last(lfn), last(lfn).rpartition("_")[2]):
            if name in files:
                files[name]["lfn"] = lfn
                break
    if not {name.lower() for name in files} <= {name.lower() for name in run.files}:
        raise OSError("Output data not found")
    masks = fileMask
    if files and fileMask:
        masks = [mask.lower() for mask in (fileMask if isinstance(fileMask, list) else [fileMask])]
    wanted = masked(files, masks, lambda _, known: known["type"].lower())
    wanted = masked(wanted, step_mask(stepMask), lhcb_step)
    if any("lfn" not in known for known in wanted.values()):
        raise ValueError("Missing requested fileName keys")
    return copy.deepcopy(wanted)


def lhcb_step(name: str, known: Json) -> str:
    """Return the step that LC.5 finds in a name."""
    return str(name.lower().replace(known["type"].lower(), "").rpartition("_")[2].partition(".")[0])


# ILCDIRAC


def ilc_execute(run: ModelRun) -> Json:
    """Execute the module of ILCDIRAC.

    An exception of any step leaves it.

    CE.1. Resolve (CR). If there is no job, return OK true with the Value `Module is disabled by control flag`.
    CE.2. Report the inputs (CX).
    CE.3. If the job is well (H), call `JobReport.setApplicationStatus(Job Finished Successfully, true)` (US), and
          ignore its answer.
    CE.4. Generate the file (CG), named after `workflow_commons[PRODUCTION_ID]`. If the result is not OK, read its
          Message, which is logged.
    CE.5. Return the result of `finalize` (CF).
    """
    if not ilc_resolve(run):
        return {"OK": True, "Value": "Module is disabled by control flag"}
    ilc_report_inputs(run)
    if is_well(run):
        run.send_status(FINISHED)
    logged(ilc_failover_file(run, run.commons.get("PRODUCTION_ID")))
    return ilc_finalize(run)


def ilc_resolve(run: ModelRun) -> bool:
    """Resolve task, inputs and job in ILCDIRAC.

    CR.1. If `workflow_commons` has JOB_ID, set `prod_job_id` to its integer.
    CR.2. If `step_commons` has applicationName, applicationVersion or applicationLog, set the attribute of that name to
          it. If `workflow_commons` has JobType, set `jobType` to it.
    CR.3. For InputData and then ParametricInputData: if `workflow_commons` has it, and it is not empty, set `InputData`
          to the list, or to the parts of the text between `;`, empty ones included; remove every `LFN:` in each.
    CR.4. If the environment variable JOBID is set, set `jobID` to it, as a text. Otherwise there is no job.
    """
    has, commons, step = run.attributes, run.commons, run.scenario.step_commons
    has["prod_job_id"] = int(commons.get("JOB_ID", has["prod_job_id"]))
    for name in ("applicationName", "applicationVersion", "applicationLog"):
        has[name] = step.get(name, has[name])
    has["jobType"] = commons.get("JobType", has["jobType"])
    for key in ("InputData", "ParametricInputData"):
        given = commons.get(key)
        if given:
            parts = given if isinstance(given, list) else given.split(";")
            has["InputData"] = [part.replace("LFN:", "") for part in parts]
    if "JOBID" not in run.scenario.environment:
        return False
    has["jobID"] = run.scenario.environment["JOBID"]
    return True


def ilc_report_inputs(run: ModelRun) -> None:
    """Report the inputs in ILCDIRAC.

    To give a file a status is to call `FileReport.setFileStatus(transformation, lfn, status, false)`, where
    transformation is the integer of `workflow_commons[PRODUCTION_ID]`; its answer is ignored.

    CX.1. If `InputData` is not empty, call `FileReport.getFiles()`, and give each LFN of `InputData` that is not in the
          answer the status `Unused`.
    CX.2. Call `FileReport.getFiles()` if the job is well (H), and give each LFN in the answer the status `Processed`.
    CX.3. If the job is not well, call `FileReport.getFiles()`, and give each LFN in the answer the status `Unused`,
          unless its status is `ApplicationCrash`, or `jobType` is `Split`.
    CX.4. Call `FileReport.commit()`. If its answer is OK, stop; otherwise read its Message.
    CX.5. Call `FileReport.generateForwardDISET()`. Read the Value of its answer if that is OK, else the Message. If it
          is OK and Value is not null, prepare the request (CQ), and append Value to its operations.
    """
    if run.attributes["InputData"]:
        known = files_so_far(run)
        for lfn in run.attributes["InputData"]:
            if lfn not in known:
                ilc_report_file(run, lfn, "Unused")
    if is_well(run):
        for lfn in files_so_far(run):
            ilc_report_file(run, lfn, "Processed")
    else:
        for lfn, status in files_so_far(run).items():
            if status != "ApplicationCrash" and run.attributes["jobType"] != "Split":
                ilc_report_file(run, lfn, "Unused")
    if logged(send_file_report(run, "commit"))["OK"]:
        return
    again = send_file_report(run, "generateForwardDISET")
    value = again["Value" if again["OK"] else "Message"]
    if again["OK"] and value is not None:
        ilc_request(run)
        run.request["Operations"].append(value)


def ilc_report_file(run: ModelRun, lfn: str, status: str) -> None:
    """Give a file a status, as CX says."""
    number: Json = run.commons.get("PRODUCTION_ID")
    run.report_file(int(number), lfn, status)


def ilc_request(run: ModelRun) -> None:
    """Prepare the request in ILCDIRAC.

    CQ.1. If the request has no RequestName, make a new one without operations, and name it (Q) with the integer of
          `jobID`; the operations of the old one are lost.
    """
    if not run.request["RequestName"]:
        run.request["Operations"] = []
        name_request(run, int(run.attributes["jobID"]))
        run.own_request = True


def ilc_failover_file(run: ModelRun, production: Json) -> Json:
    """Generate the file in ILCDIRAC.

    It is generated whether the job is well or not.

    CG.1. Prepare the request (CQ), and take the step G.1.
    CG.2. Take the step G.2, and return its answer if that is not OK.
    CG.3. Decide whether the job is well (H): a status without OK is a KeyError.
    CG.4. Take the steps G.3 to G.7; the file is `{production}_{prod_job_id}_request.json`.
    """
    ilc_request(run)
    take_job_report(run)
    committed = commit_accounting(run)
    if committed["OK"]:
        is_well(run)
        write_request(run, f"{production}_{run.attributes['prod_job_id']}_request.json")
    return committed


def ilc_finalize(run: ModelRun) -> Json:
    """Finish in ILCDIRAC: the end of `FailoverRequest.execute`.

    CF.1. If the job is well (H), return OK true with the Value `FailoverRequest module completed`; otherwise OK false
          with Errno 0 and the Message `Workflow failed, FailoverRequest module completed`.
    """
    run.hook("finalize")
    if not is_well(run):
        return {"OK": False, "Errno": 0, "Message": FAILED}
    return {"OK": True, "Value": "FailoverRequest module completed"}


def ilc_base(run: ModelRun) -> Json:
    """Execute a base module of ILCDIRAC.

    Such a module adds nothing to its base class.

    CB.1. Set `jobID` to the environment variable JOBID, or to 0. Resolve (CR). Return OK true with Value null.
    """
    run.attributes["jobID"] = run.scenario.environment.get("JOBID", 0)
    ilc_resolve(run)
    return {"OK": True, "Value": None}


def ilc_set_application_status(run: ModelRun, status: Json, sendFlag: Json = True) -> Json:
    """Report an application status in ILCDIRAC: `ModuleBase.setApplicationStatus`.

    CS.1. If `jobID` is 0 or empty, return OK true with the Value `JobID not defined`.
    CS.2. Call `JobReport.setApplicationStatus(status, sendFlag)` (US) with the status as it is, whether the job is well
          or not. If its answer is not OK, read its Message, which is logged. Return the answer.
    """
    return logged(run.send_status(status, sendFlag)) if run.attributes["jobID"] else NO_JOB


def ilc_set_job_parameter(run: ModelRun, name: Json, value: Json, sendFlag: Json = True) -> Json:
    """Report a job parameter in ILCDIRAC: `ModuleBase.setJobParameter`.

    CP.1. As MP, but without a job the result is that of CS.1, and otherwise the answer of the job report.
    """
    return logged(run.send_parameter(str(name), str(value), sendFlag)) if run.attributes["jobID"] else NO_JOB


NO_JOB: Final = {"OK": True, "Value": "JobID not defined"}


def ilc_candidates(_: ModelRun, *arguments: Json, **named: Json) -> Json:
    """Select the output files to upload in ILCDIRAC: `getCandidateFiles(outputList, outputLFNs, mask)`.

    CC.1. If an argument is named, raise TypeError(`ModuleBase.getCandidateFiles() got an unexpected keyword argument
          'fileMask'`). If there are more than three, raise TypeError(`ModuleBase.getCandidateFiles() takes 4 positional
          arguments but {number of arguments + 1} were given`).
    CC.2. Outputs are described by other keys, so none of those in MC.1 is one. Return OK true with an empty Value.
    """
    name = "ModuleBase.getCandidateFiles()"
    if named:
        raise TypeError(f"{name} got an unexpected keyword argument 'fileMask'")
    if len(arguments) > ILC_ARGUMENTS:
        raise TypeError(f"{name} takes {ILC_ARGUMENTS + 1} positional arguments but {len(arguments) + 1} were given")
    return {"OK": True, "Value": {}}


ILC_ARGUMENTS: Final = 3


def ilc_called_failover_file(run: ModelRun) -> Json:
    """Generate the file by itself in ILCDIRAC: `ModuleBase.generateFailoverFile`.

    CD.1. As CG, where production is `None` in FailoverRequest and `0` in a module that adds nothing to its base class.
          If the result is OK, return OK true with Value null instead.
    """
    done = ilc_failover_file(run, {"module": "None", "base": "0"}[run.scenario.subject])
    return done if not done["OK"] else {"OK": True, "Value": None}


def ilc_called_finalize(run: ModelRun) -> Json:
    """Finish by itself in ILCDIRAC: `FailoverRequest.finalize`.

    CH.1. As CF. A module that adds nothing to its base class has no such method: AttributeError(`'FailoverRequest'
          object has no attribute 'finalize'`).
    """
    if run.scenario.subject == "base":
        raise AttributeError("'FailoverRequest' object has no attribute 'finalize'")
    return ilc_finalize(run)


MODULES: Final[dict[str, Callable[[ModelRun], Json]]] = {
    "dirac": execute,
    "lhcbdirac": lhcb_execute,
    "ilcdirac": ilc_execute,
}
"""How FailoverRequest is executed, by the names that profiles have for the variants."""

BASES: Final[dict[str, Callable[[ModelRun], Json]]] = {
    "dirac": execute,
    "lhcbdirac": lhcb_identify,
    "ilcdirac": ilc_base,
}
"""How a module is executed that adds nothing to its base class."""

CALLED: Final[dict[str, dict[str, Callable[..., Json]]]] = {
    "dirac": METHODS,
    "lhcbdirac": METHODS | {"getCandidateFiles": lhcb_candidates, "generateFailoverFile": lhcb_failover_file},
    "ilcdirac": {
        "getCandidateFiles": ilc_candidates,
        "setApplicationStatus": ilc_set_application_status,
        "setJobParameter": ilc_set_job_parameter,
        "generateFailoverFile": ilc_called_failover_file,
        "finalize": ilc_called_finalize,
    },
}
"""The methods that are called by themselves."""
