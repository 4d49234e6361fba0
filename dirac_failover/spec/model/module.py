"""The executable specification of the module: the algorithm of one execution, in numbered steps.

The docstring of a function that belongs to the algorithm has the steps that its code takes, in words; together they
are ``docs/algorithm.md``, which :mod:`~dirac_failover.spec.algorithm` collects. A step refers to others by their IDs.
This file shares no code with the reference, and knows neither clients nor services: :func:`expected` is about
scenarios in which every collaborator is scripted. What clients do is in :mod:`~dirac_failover.spec.model.clients`.

Texts of Python's own exceptions (of a KeyError, for example) are not repeated: the code asks the same question of the
same value. Where implementations differ, it asks a :class:`~dirac_failover.spec.profiles.Profile`; an implementation
with another order of steps has its own functions in :mod:`~dirac_failover.spec.model.variants`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from dirac_failover.spec.model.run import GracefulTermination, ModelRun, as_text, file_of, number_operations
from dirac_failover.spec.profiles import DIRAC_9_1
from dirac_failover.spec.scenario import FAILED_STATUS, NONE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dirac_failover.spec.observation import Observation
    from dirac_failover.spec.profiles import Profile
    from dirac_failover.spec.scenario import Json, Scenario

TASK: Final = (("production_id", "PRODUCTION_ID"), ("prod_job_id", "JOB_ID"))
"""The attributes that identify the task, and the key of each in ``workflow_commons``."""

APPLICATION: Final = ("executable", "applicationName", "applicationVersion")
"""The attributes that describe the application of the step."""

NEEDS: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "ForwardDISET": (("Arguments",), ()),
    "PutAndRegister": (("TargetSE",), ("LFN", "PFN")),
    "ReplicateAndRegister": (("TargetSE",), ("LFN",)),
    "PhysicalRemoval": (("TargetSE",), ("LFN",)),
    "RemoveFile": ((), ("LFN",)),
    "RemoveReplica": (("TargetSE",), ("LFN",)),
    "ReTransfer": (("TargetSE",), ("LFN", "PFN")),
    "RegisterFile": ((), ("LFN", "PFN", "ChecksumType", "Checksum", "GUID")),
    "RegisterReplica": (("TargetSE",), ("LFN", "PFN")),
}
"""The fields that an operation of each type needs, and those that each of its files needs; without these, no files."""

SKIPPED: Final = "Skipping FailoverRequest module"
FINISHED: Final = "Job Finished Successfully"
SUCCEEDED: Final = "Workflow successful, end of FailoverRequest module execution."
FAILED: Final = "Workflow failed, FailoverRequest module completed"


def expected(scenario: Scenario, profile: Profile = DIRAC_9_1) -> Observation:
    """Return the observation that an implementation must make in a scenario with scripted collaborators."""
    run = ModelRun(scenario, profile)
    return run.outcome(*run_step(run))


def run_step(run: ModelRun) -> tuple[str, Json]:
    """Run the modules of a workflow step.

    W.1. For each module that the step has before this one, in order, execute it (E). All modules of the step share
         `workflow_commons` and the collaborators in it.
    W.2. If that module raised, or returned nothing, or returned OK false, set `stepStatus` to a failure for all modules
         after it.
    W.3. Execute this module (E), as often as the step repeats it. The last execution's result is the result.
    """
    scenario = run.scenario
    for earlier in scenario.earlier:
        before = replace(scenario, subject="module", hooks={}, calls=(), executions=1)
        run.begin(replace(before, **earlier))
        ended, result = execution(run)
        if ended == "raised" or not result or not result["OK"]:
            scenario = replace(scenario, attributes={**scenario.attributes, "stepStatus": FAILED_STATUS})
        run.begin(scenario)
    *_, last = (execution(run) for _ in range(scenario.executions))
    return last


def execution(run: ModelRun) -> tuple[str, Json]:
    """Return how one execution ends, and its result; or those of the methods that the scenario calls instead."""
    from dirac_failover.spec.model.methods import call_methods  # they are made of functions of this file
    from dirac_failover.spec.model.variants import BASES, CALLED, MODULES

    if run.scenario.calls:
        return call_methods(run, CALLED[run.profile.variant])
    try:
        return "returned", (MODULES if run.scenario.subject == "module" else BASES)[run.profile.variant](run)
    except BaseException as error:  # noqa: BLE001 - what escapes is part of the outcome
        return "raised", error


def execute(run: ModelRun) -> Json:
    """Execute a module: `ModuleBase.execute`.

    E.1. Identify the task (I). If that raises, the exception leaves `execute`: no hook is called, nor `finalize`.
    E.2. Call the hooks in this order: `_resolveInputVariables`, `_initialize`, `_setCommand`, `_executeCommand`,
         `_execute`, `_finalize`. Ignore the values that they return. The first exception, of any class, interrupts and
         exits included, ends this step: the hooks after it are not called.
    E.3. In `FailoverRequest` the hooks are (R), (N), nothing, nothing, (X) and (F). In `ModuleBase` they are R.1 and
         R.2, four times nothing, and a `_finalize` that raises GracefulTermination(`<class 'derived.Module'> correctly
         finalized`) with the name of the module's class. A derived class that replaces a hook runs its own code in
         place of these steps; in the space, one that replaces `_resolveInputVariables` takes these steps first, and
         then its own.
    E.4. If the exception is a GracefulTermination, report its text (A), and let the result be OK true with the
         exception as Value.
    E.5. If it is a RuntimeError with two or more arguments, let Message be the first and Errno the second; of any other
         exception let Message be the exception and Errno 0. Report the text of Message (A), and let the result be OK
         false with Errno and Message.
    E.6. If no hook raised, let the result be null.
    E.7. Call `finalize`, also when E.4 or E.5 raised; such an exception then leaves `execute`.
    E.8. Return the result.
    """
    identify(run)
    try:
        try:
            for name, steps in HOOKS[run.scenario.subject].items():
                run.hook(name)
                replaced = name in run.scenario.hooks
                if not replaced or steps in {resolve, resolve_workflow}:
                    steps(run)
                if replaced:
                    run.answer(run.scenario.hooks[name])
        except GracefulTermination as end:
            report_status(run, str(end))
            return {"OK": True, "Value": end}
        except BaseException as error:  # noqa: BLE001 - no exception of a hook reaches the workflow
            numbered = isinstance(error, RuntimeError) and len(error.args) > 1
            message, number = error.args[:2] if numbered else (error, 0)
            report_status(run, str(message))
            return {"OK": False, "Errno": number, "Message": message}
        return None
    finally:
        run.hook("finalize")


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


def nothing(_: ModelRun) -> None:
    """Do nothing, as a hook does that the module does not need."""


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
    """Take the steps G.3 to G.7."""
    operations = run.request["Operations"]
    if not operations:
        return
    number_operations(operations)
    if problem := invalid(run.request, run.profile):
        raise RuntimeError(f"Failover request is not valid: {problem}")
    serialised = run.ask_request("toJSON", lambda: as_text(run.request, run.profile))
    if not serialised["OK"]:
        raise RuntimeError(serialised["Message"])
    write(run, name, str(serialised["Value"]))
    digest = run.ask_request("getDigest", lambda: first_files(operations))
    if not digest["OK"]:
        digest["Message"]


def write(run: ModelRun, name: str, text: str) -> None:
    """Take the step G.6."""
    there = run.files.get(name)
    if there == "<directory>":
        raise IsADirectoryError(21, "Is a directory", name)
    if there == "<link>":
        raise OSError(28, "No space left on device")
    run.files[name] = text


def first_files(operations: Json) -> str:
    """Return the LFNs of the first file of each operation; raises TypeError without LFN."""
    return "".join(file_of(item["Files"][0])["LFN"] + "" for item in operations if item["Files"])


def invalid(request: Json, profile: Profile) -> str:
    """Validate the request: `RequestValidator.validate`.

    The result is the text of the first rule that the request breaks. Operations are counted from 0. The table says what
    operations of each type need.

    V.1. Without RequestName: `RequestName not set`.
    V.2. Without Owner: `Request '{RequestName}' is missing both Owner and OwnerDN value`; in DIRAC 8.0, where the field
         is OwnerDN: `Request '{RequestName}' is missing OwnerDN value`.
    V.3. Without OwnerGroup: `Request '{RequestName}' is missing OwnerGroup value`.
    V.4. For each operation without Type: `Operation #{index} in request '{RequestName}' hasn't got Type set`.
    V.5. For each operation, up to the first one whose type is not in the table: if it has files, and the table names no
         field of files: `Operation #{index} of type '{Type}' has got files to process.`; if it has none, and the table
         names one: `Operation #{index} of type '{Type}' hasn't got files to process.`
    V.6. For each operation whose type is in the table, and each field that it lacks: `Operation #{index} of type
         '{Type}' is missing {field} attribute.`; then for each of its files, and each field that the file lacks:
         `Operation #{index} of type '{Type}' is missing {field} attribute for file.`
    V.7. For each file of any operation that has only one of Checksum and ChecksumType: `File in operation #{index} is
         missing Checksum ({Checksum}) or ChecksumType ({ChecksumType})`.
    V.8. Otherwise the request is valid.
    """
    name = request["RequestName"]
    if not name:
        return "RequestName not set"
    if not request["Owner"]:
        missing = "both Owner and OwnerDN" if profile.owner == "Owner" else profile.owner
        return f"Request '{name}' is missing {missing} value"
    if not request["OwnerGroup"]:
        return f"Request '{name}' is missing OwnerGroup value"
    operations = [*enumerate(request["Operations"])]
    complaints = (
        *(f"Operation #{index} in request '{name}' hasn't got Type set" for index, item in operations
          if not item["Type"]),
        *wrong_files(operations),
        *(f"Operation #{index} of type '{item['Type']}' is missing {wanted}" for index, item in operations
          for wanted in lacks(item)),
        *(f"File in operation #{index} is missing Checksum ({file['Checksum']}) or ChecksumType "
          f"({file['ChecksumType']})" for index, item in operations for file in map(file_of, item["Files"])
          if bool(file["Checksum"]) != bool(file["ChecksumType"])),
    )  # fmt: skip
    return next(iter(complaints), "")


def wrong_files(operations: list[tuple[int, Json]]) -> Iterator[str]:
    """Yield the texts of V.5."""
    for index, item in operations:
        kind, has = item["Type"], bool(item["Files"])
        if kind not in NEEDS:
            return
        if has != bool(NEEDS[kind][1]):
            verb = "has" if has else "hasn't"
            yield f"Operation #{index} of type '{kind}' {verb} got files to process."


def lacks(operation: Json) -> Iterator[str]:
    """Yield what V.6 says that an operation lacks."""
    of_operation, of_files = NEEDS.get(operation["Type"], ((), ()))
    yield from (f"{name} attribute." for name in of_operation if not operation.get(name))
    for file in map(file_of, operation["Files"]):
        yield from (f"{name} attribute for file." for name in of_files if not file[name])


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


def finish_base(_: ModelRun) -> None:
    """Finish a module that does not replace `_finalize`, as E.3 says."""
    raise GracefulTermination("<class 'derived.Module'> correctly finalized")


HOOKS: Final[dict[str, dict[str, Callable[[ModelRun], None]]]] = {
    "module": {
        "_resolveInputVariables": resolve, "_initialize": initialize, "_setCommand": nothing,
        "_executeCommand": nothing, "_execute": report_inputs, "_finalize": finish,
    },
    "base": {
        "_resolveInputVariables": resolve_workflow, "_initialize": nothing, "_setCommand": nothing,
        "_executeCommand": nothing, "_execute": nothing, "_finalize": finish_base,
    },
}  # fmt: skip
"""The steps of each hook, in order: of FailoverRequest, and of a module that adds nothing to its base class."""
