"""The executable specification of ILCDIRAC: its own order of steps, where it differs from DIRAC's.

The module does not follow the hooks of DIRAC's contract, and calls the same collaborators.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dirac_failover.spec.model import end

if TYPE_CHECKING:
    from collections.abc import Callable

    from dirac_failover.spec.model.run import ModelRun
    from dirac_failover.spec.scenario import Json
NO_JOB: Final = {"OK": True, "Value": "JobID not defined"}
ARGUMENTS: Final = 3
"""The number of arguments that getCandidateFiles takes."""


def execute(run: ModelRun) -> Json:
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
    if not resolve(run):
        return {"OK": True, "Value": "Module is disabled by control flag"}
    report_inputs(run)
    if end.is_well(run):
        run.send_status(end.FINISHED)
    end.logged(failover_file(run, run.commons.get("PRODUCTION_ID")))
    return finalize(run)


def resolve(run: ModelRun) -> bool:
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


def report_inputs(run: ModelRun) -> None:
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
        known = end.files_so_far(run)
        for lfn in run.attributes["InputData"]:
            if lfn not in known:
                report_file(run, lfn, "Unused")
    well = end.is_well(run)
    for lfn, status in end.files_so_far(run).items():
        if well or (status != "ApplicationCrash" and run.attributes["jobType"] != "Split"):
            report_file(run, lfn, "Processed" if well else "Unused")
    if end.logged(end.send_file_report(run, "commit"))["OK"]:
        return
    again = end.send_file_report(run, "generateForwardDISET")
    value = again["Value" if again["OK"] else "Message"]
    if again["OK"] and value is not None:
        request(run)
        run.request["Operations"].append(value)


def report_file(run: ModelRun, lfn: str, status: str) -> None:
    """Give a file a status, as CX says."""
    number: Json = run.commons.get("PRODUCTION_ID")
    run.report_file(int(number), lfn, status)


def request(run: ModelRun) -> None:
    """Prepare the request in ILCDIRAC.

    CQ.1. If the request has no RequestName, make a new one without operations, and name it (Q) with the integer of
          `jobID`; the operations of the old one are lost.
    """
    if not run.request["RequestName"]:
        run.request["Operations"] = []
        end.name_request(run, int(run.attributes["jobID"]))
        run.own_request = True


def failover_file(run: ModelRun, production: Json) -> Json:
    """Generate the file in ILCDIRAC.

    It is generated whether the job is well or not.

    CG.1. Prepare the request (CQ), and take the step G.1.
    CG.2. Take the step G.2, and return its answer if that is not OK.
    CG.3. Decide whether the job is well (H): a status without OK is a KeyError.
    CG.4. Take the steps G.3 to G.7; the file is `{production}_{prod_job_id}_request.json`.
    """
    request(run)
    end.take_job_report(run)
    committed = end.commit_accounting(run)
    if committed["OK"]:
        end.is_well(run)
        end.write_request(run, f"{production}_{run.attributes['prod_job_id']}_request.json")
    return committed


def finalize(run: ModelRun) -> Json:
    """Finish in ILCDIRAC: the end of `FailoverRequest.execute`.

    CF.1. If the job is well (H), return OK true with the Value `FailoverRequest module completed`; otherwise OK false
          with Errno 0 and the Message `Workflow failed, FailoverRequest module completed`.
    """
    run.hook("finalize")
    if not end.is_well(run):
        return {"OK": False, "Errno": 0, "Message": end.FAILED}
    return {"OK": True, "Value": "FailoverRequest module completed"}


def execute_base(run: ModelRun) -> Json:
    """Execute a base module of ILCDIRAC.

    Such a module adds nothing to its base class.

    CB.1. Set `jobID` to the environment variable JOBID, or to 0. Resolve (CR). Return OK true with Value null.
    """
    run.attributes["jobID"] = run.scenario.environment.get("JOBID", 0)
    resolve(run)
    return {"OK": True, "Value": None}


def set_application_status(run: ModelRun, status: Json, sendFlag: Json = True) -> Json:
    """Report an application status in ILCDIRAC: `ModuleBase.setApplicationStatus`.

    CS.1. If `jobID` is 0 or empty, return OK true with the Value `JobID not defined`.
    CS.2. Call `JobReport.setApplicationStatus(status, sendFlag)` (US) with the status as it is, whether the job is well
          or not. If its answer is not OK, read its Message, which is logged. Return the answer.
    """
    return end.logged(run.send_status(status, sendFlag)) if run.attributes["jobID"] else NO_JOB


def set_job_parameter(run: ModelRun, name: Json, value: Json, sendFlag: Json = True) -> Json:
    """Report a job parameter in ILCDIRAC: `ModuleBase.setJobParameter`.

    CP.1. As MP, but without a job the result is that of CS.1, and otherwise the answer of the job report.
    """
    return end.logged(run.send_parameter(str(name), str(value), sendFlag)) if run.attributes["jobID"] else NO_JOB


def candidates(_: ModelRun, *arguments: Json, **named: Json) -> Json:
    """Select the output files to upload in ILCDIRAC: `getCandidateFiles(outputList, outputLFNs, mask)`.

    CC.1. If an argument is named, raise TypeError(`ModuleBase.getCandidateFiles() got an unexpected keyword argument
          'fileMask'`). If there are more than three, raise TypeError(`ModuleBase.getCandidateFiles() takes 4 positional
          arguments but {number of arguments + 1} were given`).
    CC.2. Outputs are described by other keys, so none of those in MC.1 is one. Return OK true with an empty Value.
    """
    name = "ModuleBase.getCandidateFiles()"
    if named:
        raise TypeError(f"{name} got an unexpected keyword argument 'fileMask'")
    if len(arguments) > ARGUMENTS:
        raise TypeError(f"{name} takes {ARGUMENTS + 1} positional arguments but {len(arguments) + 1} were given")
    return {"OK": True, "Value": {}}


def called_failover_file(run: ModelRun) -> Json:
    """Generate the file by itself in ILCDIRAC: `ModuleBase.generateFailoverFile`.

    CD.1. As CG, where production is `None` in FailoverRequest and `0` in a module that adds nothing to its base class.
          If the result is OK, return OK true with Value null instead.
    """
    done = failover_file(run, {"module": "None", "base": "0"}[run.scenario.subject])
    return done if not done["OK"] else {"OK": True, "Value": None}


def called_finalize(run: ModelRun) -> Json:
    """Finish by itself in ILCDIRAC: `FailoverRequest.finalize`.

    CH.1. As CF. A module that adds nothing to its base class has no such method: AttributeError(`'FailoverRequest'
          object has no attribute 'finalize'`).
    """
    if run.scenario.subject == "base":
        raise AttributeError("'FailoverRequest' object has no attribute 'finalize'")
    return finalize(run)


METHODS: Final[dict[str, Callable[..., Json]]] = {
    "getCandidateFiles": candidates,
    "setApplicationStatus": set_application_status,
    "setJobParameter": set_job_parameter,
    "generateFailoverFile": called_failover_file,
    "finalize": called_finalize,
}
