"""The executable specification of LHCbDIRAC: its own order of steps, where it differs from DIRAC's.

The module does not follow the hooks of DIRAC's contract, and calls the same collaborators.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dirac_failover.spec.model import end, methods
from dirac_failover.spec.model.inputs import APPLICATION, bare, resolve_input_data, resolve_mask
from dirac_failover.spec.model.methods import Candidates, complete, last, masked, masked_by_step

if TYPE_CHECKING:
    from dirac_failover.spec.model.run import ModelRun
    from dirac_failover.spec.scenario import Json


def execute(run: ModelRun) -> Json:
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
        identify(run)
        if run.attributes["jobID"]:
            run.hook("_resolveInputVariables")
            resolve(run)
            run.replaced("_resolveInputVariables")
            end.name_request(run, run.attributes["jobID"])
            report_inputs(run)
            if end.is_well(run):
                end.report_status(run, end.FINISHED)
            failover_file(run)
    except Exception as error:  # noqa: BLE001 - its own contract
        if run.attributes["jobID"] and end.is_well(run) and not run.resolved:
            raise AttributeError("'NoneType' object has no attribute 'setApplicationStatus'") from None
        end.report_status(run, repr(error))
        return {"OK": False, "Errno": 0, "Message": str(error)}
    finally:
        run.hook("finalize")
    return {"OK": True, "Value": None}


def identify(run: ModelRun) -> None:
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


def resolve(run: ModelRun) -> None:
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


def report_inputs(run: ModelRun) -> None:
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
    known = end.files_so_far(run)
    status = "Processed" if end.is_well(run) else "Unused"
    for lfn in has["inputDataList"]:
        if lfn not in known:
            run.report_file(int(has["production_id"]), lfn, status)
    sent = end.send_file_report(run, "commit")
    sent["Value" if sent["OK"] else "Message"]
    if end.files_so_far(run):
        again = end.send_file_report(run, "generateForwardDISET")
        value = again["Value" if again["OK"] else "Message"]
        if again["OK"] and value is not None and end.is_well(run):
            run.request["Operations"].append(value)


SAME: Final = ("Type", "Arguments", "Files")


def failover_file(run: ModelRun) -> None:
    """Generate the file in LHCbDIRAC.

    It is generated whether the job is well or not.

    LG.1. Take the step G.1.
    LG.2. Remove each operation without files that has the same Type and Arguments as the one before it.
    LG.3. Take the steps G.3 to G.7.
    LG.4. Take the step G.2; if its answer is not OK, read its Message, which is logged. Return null.
    """
    end.take_job_report(run)
    operations = run.request["Operations"]
    operations[:] = [
        item
        for index, item in enumerate(operations)
        if not index or item["Files"] or any(item[key] != operations[index - 1][key] for key in SAME)
    ]
    end.write_request(run, "{production_id}_{prod_job_id}_request.json".format(**run.attributes))
    end.logged(end.commit_accounting(run))


def candidates(
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
    kept = masked(files, masks, lambda _, known: known["type"].lower())
    kept = masked_by_step(kept, stepMask, lambda name, known: name.lower().replace(known["type"].lower(), ""))
    return complete(kept, "Missing requested fileName keys")


METHODS: Final = methods.METHODS | {"getCandidateFiles": candidates, "generateFailoverFile": failover_file}
