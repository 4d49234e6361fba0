"""The identity of the module's task, and its inputs: what the module reads from the workflow and the step.

LHCbDIRAC's module takes some of these steps, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from dirac_failover.spec.model.run import ModelRun

TASK: Final = (("production_id", "PRODUCTION_ID"), ("prod_job_id", "JOB_ID"))
"""The attributes that identify the task, and the key of each in ``workflow_commons``."""

APPLICATION: Final = ("executable", "applicationName", "applicationVersion")
"""The attributes that describe the application of the step."""


def identify(run: ModelRun) -> None:
    """Identify the task.

    An attribute that is already set (that is neither missing nor 0 nor empty) is never changed here.

    I.1. Set `production_id` to the integer of `workflow_commons[PRODUCTION_ID]`, then `prod_job_id` to that of
         `workflow_commons[JOB_ID]`. A missing key is a KeyError, a malformed number a ValueError, null a TypeError.
    I.2. Set `jobID` to the integer of the environment variable JOBID if there is one, else leave it 0.
    I.3. Set `step_number` to the integer of the attribute `STEP_NUMBER`. Without that attribute raise
         AttributeError(`'FailoverRequest' object has no attribute 'STEP_NUMBER'`).
    I.4. Set `step_id` to `production_id`, `prod_job_id` and `step_number`, joined by `_`.
    """
    has = run.attributes
    for attribute, key in TASK:
        if not has[attribute]:
            has[attribute] = int(run.commons[key])
    if not has["jobID"]:
        has["jobID"] = int(run.scenario.environment.get("JOBID", has["jobID"]))
    if not has["step_number"]:
        if "STEP_NUMBER" not in run.scenario.attributes:
            raise AttributeError("'FailoverRequest' object has no attribute 'STEP_NUMBER'")
        has["step_number"] = int(run.scenario.attributes["STEP_NUMBER"])
    if not has["step_id"]:
        has["step_id"] = "_".join(str(has[name]) for name in ("production_id", "prod_job_id", "step_number"))


def resolve(run: ModelRun) -> None:
    """Resolve the input variables: the hook `_resolveInputVariables`.

    R.1. Take FileReport, JobReport and Request from `workflow_commons`. Make each one that has no key there (the job
         report for `jobID`), and put it there.
    R.2. Resolve what the workflow says (RW).
    R.3. Resolve what the step says (RS).
    """
    resolve_workflow(run)
    resolve_step(run)


def resolve_workflow(run: ModelRun) -> None:
    """Resolve what the workflow says: `ModuleBase._resolveInputWorkflow`.

    RW.1. If `workflow_commons` has JobType, set `jobType` to it.
    RW.2. Set `InputData` to `workflow_commons[InputData]`, or to the empty text if that is missing or empty.
    RW.3. If `workflow_commons[ParametricInputData]` is there and not empty, set `InputData` to it; join a list with
          `;`. Then remove every `;` at the end.
    RW.4. If `InputData` is `;`, set it to the empty text.
    RW.5. Split `InputData` at `;`, drop empty parts, strip each (B), and set `inputDataList` to the list. A value that
          is no text cannot be split: AttributeError.
    RW.6. If `workflow_commons` has appSteps, set `appSteps` to it.
    RW.7. If `workflow_commons` has outputDataFileMask, set `outputDataFileMask` to it; if that is a text, to the list
          of its parts between `;`, in lower case and without blanks around them.
    """
    has, commons = run.attributes, run.commons
    has["jobType"] = commons.get("JobType", has["jobType"])
    has["InputData"] = commons.get("InputData") or ""
    resolve_input_data(run)
    has["appSteps"] = commons.get("appSteps", has["appSteps"])
    resolve_mask(run)


def resolve_input_data(run: ModelRun) -> None:
    """Take the steps RW.3 to RW.5, which LHCbDIRAC has too."""
    has, replaced = run.attributes, run.commons.get("ParametricInputData")
    if replaced:
        has["InputData"] = ";".join(replaced) if isinstance(replaced, list) else replaced
        has["InputData"] = has["InputData"].rstrip(";")
    if has["InputData"] == ";":
        has["InputData"] = ""
    has["inputDataList"] = [bare(part) for part in has["InputData"].split(";") if part]


def resolve_mask(run: ModelRun) -> None:
    """Take the step RW.7, which LHCbDIRAC has too."""
    mask = run.commons.get("outputDataFileMask", run.attributes["outputDataFileMask"])
    names = [part.lower().strip() for part in mask.split(";")] if isinstance(mask, str) else mask
    run.attributes["outputDataFileMask"] = names


def resolve_step(run: ModelRun) -> None:
    """Resolve what the step says: `ModuleBase._resolveInputStep`.

    RS.1. Set `stepName` to `step_commons[STEP_INSTANCE_NAME]`: KeyError without that key.
    RS.2. Set `executable`, `applicationName` and `applicationVersion` to the values of these keys in `step_commons`, or
          to `Unknown`.
    RS.3. Set `applicationLog` to `step_commons[applicationLog]`, else to `step_commons[logFile]`, if either is there.
    RS.4. If `step_commons` has inputDataType, set `inputDataType` to it.
    RS.5. Let source be `step_commons[inputData]`, or `InputData` if that is missing or empty. If source is empty, stop.
    RS.6. If source is `previousStep`, let names be the outputs of the previous step (P). Otherwise split source at `;`
          and strip each part (B), empty parts included.
    RS.7. Set `stepInputData` to the list of names, each stripped (B).
    """
    has, step = run.attributes, run.scenario.step_commons
    has["stepName"] = step["STEP_INSTANCE_NAME"]
    for name in APPLICATION:
        has[name] = step.get(name, "Unknown")
    has["applicationLog"] = step.get("applicationLog", step.get("logFile", has["applicationLog"]))
    has["inputDataType"] = step.get("inputDataType", has["inputDataType"])
    source = step.get("inputData") or has["InputData"]
    if source:
        names = outputs_of_previous_step(run) if source == "previousStep" else map(bare, source.split(";"))
        has["stepInputData"] = [bare(name) for name in names]


def bare(name: str) -> str:
    """Strip the prefix of an LFN.

    B.1. Remove the characters `L`, `F`, `N` and `:` from the start and from the end of the text, until another
         character is there. They are removed as characters: `LFN:/vo/FILE.L` becomes `/vo/FILE.`.
    """
    return name.strip("LFN:")


def outputs_of_previous_step(run: ModelRun) -> list[str]:
    """Find the outputs of the previous step.

    P.1. Let previous be the element of `appSteps` before `stepName`; before the first element stands the last one. If
         `stepName` is not in `appSteps`, that is a ValueError.
    P.2. For each output in `workflow_commons[outputList]` (KeyError if that is missing): if its stepName is previous,
         and its outputDataType is `inputDataType` in any case of letters, take its outputDataName.
    P.3. If an output lacks one of the keys that P.2 reads, raise RuntimeError(`Can't find output of step {previous}`).
    """
    steps = run.attributes["appSteps"]
    previous = steps[steps.index(run.attributes["stepName"]) - 1]
    kind, names = str(run.attributes["inputDataType"]).lower(), []
    for output in run.commons["outputList"]:
        try:
            if output["stepName"] == previous and output["outputDataType"].lower() == kind:
                names.append(output["outputDataName"])
        except KeyError:
            raise RuntimeError(f"Can't find output of step {previous}") from None
    return names
