"""The executable specification: from a scenario to the complete outcome, in the order in which things happen.

It is the story of the module, and total: nothing observable is left unsaid, so that any observable change of an
implementation shows. It shares no code with the reference and knows no clients and no services: :func:`expected` speaks
of scenarios in which every collaborator is scripted, where whatever happens is the module's doing. What clients and
services do in the same story is in :mod:`~dirac_failover.spec.model.clients`.

Read :func:`expected` and :func:`contract` first: they are the story of one execution, and the functions after them are
its chapters. What Python itself says (the text of a KeyError, say) is left to Python: the model asks the same question
of the same value. Where implementations differ, the model asks a :class:`~dirac_failover.spec.profiles.Profile`; what
they tell in another order is in :mod:`~dirac_failover.spec.model.variants`.
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

NUMBERS: Final = (("production_id", "PRODUCTION_ID"), ("prod_job_id", "JOB_ID"))
"""The attributes that identify the task, and where each is found in ``workflow_commons``."""

STEP_SAYS: Final = ("executable", "applicationName", "applicationVersion")
"""What the step says of its application; Unknown when it does not."""

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
"""What the validator asks of the operations of each type, and of each of their files; without these there are none."""

SKIPPED: Final = "Skipping FailoverRequest module"
FINISHED: Final = "Job Finished Successfully"
SUCCEEDED: Final = "Workflow successful, end of FailoverRequest module execution."
FAILED: Final = "Workflow failed, FailoverRequest module completed"


def expected(scenario: Scenario, profile: Profile = DIRAC_9_1) -> Observation:
    """Return what must be observed in a scenario in which every collaborator is scripted."""
    job = ModelRun(scenario, profile)
    return job.outcome(*step(job))


def step(job: ModelRun) -> tuple[str, Json]:
    """How the last module of a step ends, and its result: the step has failed if one before it did not return OK."""
    scenario = job.scenario
    for earlier in scenario.earlier:
        before = replace(scenario, subject="module", hooks={}, calls=(), executions=1)
        job.begin(replace(before, **earlier))
        ended, result = execution(job)
        if ended == "raised" or not result or not result["OK"]:
            scenario = replace(scenario, attributes={**scenario.attributes, "stepStatus": FAILED_STATUS})
        job.begin(scenario)
    *_, last = (execution(job) for _ in range(scenario.executions))
    return last


def execution(job: ModelRun) -> tuple[str, Json]:
    """How one execution ends, and its result; or how the methods do that are called instead."""
    from dirac_failover.spec.model.methods import called  # they are told in chapters of this module
    from dirac_failover.spec.model.variants import BASES, VARIANTS

    if job.scenario.calls:
        return called(job)
    try:
        return "returned", (VARIANTS if job.scenario.subject == "module" else BASES)[job.profile.story](job)
    except BaseException as error:  # noqa: BLE001 - what escapes is part of the outcome
        return "raised", error


def contract(job: ModelRun) -> Json:
    """The hooks in order, how the first exception becomes the result, and the end, which nothing prevents."""
    identify(job)
    try:
        try:
            for name, chapter in CHAPTERS[job.scenario.subject].items():
                job.hook(name)
                replaced = name in job.scenario.hooks
                if not replaced or chapter in {resolve, resolve_workflow}:  # a module extends this one
                    chapter(job)
                if replaced:
                    job.answer(job.scenario.hooks[name])  # the value is not used
        except GracefulTermination as end:
            report_status(job, str(end))
            return {"OK": True, "Value": end}
        except RuntimeError as error:
            message, *rest = error.args if len(error.args) > 1 else (error,)
            report_status(job, str(message))
            return {"OK": False, "Errno": rest[0] if rest else 0, "Message": message}
        except BaseException as error:  # noqa: BLE001 - the contract: no exception of a hook reaches the workflow
            report_status(job, str(error))
            return {"OK": False, "Errno": 0, "Message": error}
        return None
    finally:
        job.hook("finalize")


def identify(job: ModelRun) -> None:
    """Who is it? What is set already stays; anything missing or malformed escapes, and no hook is called."""
    has = job.attributes
    for attribute, key in NUMBERS:
        if not has[attribute]:
            has[attribute] = int(job.commons[key])
    if not has["jobID"]:
        has["jobID"] = int(job.scenario.environment.get("JOBID", has["jobID"]))
    if not has["step_number"]:
        if "STEP_NUMBER" not in job.scenario.attributes:
            raise AttributeError("'FailoverRequest' object has no attribute 'STEP_NUMBER'")
        has["step_number"] = int(job.scenario.attributes["STEP_NUMBER"])
    if not has["step_id"]:
        has["step_id"] = "_".join(str(has[name]) for name in ("production_id", "prod_job_id", "step_number"))


def resolve(job: ModelRun) -> None:
    """The input files of the job, then those of the step; quirks included."""
    resolve_workflow(job)
    resolve_step(job)


def resolve_workflow(job: ModelRun) -> None:
    """What the workflow says: the input files of the job, its steps, and which outputs are wanted."""
    has, commons = job.attributes, job.commons
    has["jobType"] = commons.get("JobType", has["jobType"])
    has["InputData"] = commons.get("InputData") or ""
    replaced = commons.get("ParametricInputData")
    if replaced:
        has["InputData"] = ";".join(replaced) if isinstance(replaced, list) else replaced
        has["InputData"] = has["InputData"].rstrip(";")
    if has["InputData"] == ";":
        has["InputData"] = ""
    has["inputDataList"] = [bare(part) for part in has["InputData"].split(";") if part]
    has["appSteps"] = commons.get("appSteps", has["appSteps"])
    mask = commons.get("outputDataFileMask", has["outputDataFileMask"])
    has["outputDataFileMask"] = [part.lower().strip() for part in mask.split(";")] if isinstance(mask, str) else mask


def resolve_step(job: ModelRun) -> None:
    """What the step says: its application, and the input files of its own."""
    has, step = job.attributes, job.scenario.step_commons
    has["stepName"] = step["STEP_INSTANCE_NAME"]
    for name in STEP_SAYS:
        has[name] = step.get(name, "Unknown")
    has["applicationLog"] = step.get("applicationLog", step.get("logFile", has["applicationLog"]))
    has["inputDataType"] = step.get("inputDataType", has["inputDataType"])
    source = step.get("inputData") or has["InputData"]
    if source:
        names = outputs_of_previous_step(job) if source == "previousStep" else map(bare, source.split(";"))
        has["stepInputData"] = [bare(name) for name in names]


def bare(name: str) -> str:
    """An LFN without its prefix: the characters L, F, N and : at both ends are taken off."""
    while name and name[0] in "LFN:":
        name = name[1:]
    while name and name[-1] in "LFN:":
        name = name[:-1]
    return name


def outputs_of_previous_step(job: ModelRun) -> list[str]:
    """The outputs, of the wanted type, of the step before this one; before the first one comes the last."""
    steps = job.attributes["appSteps"]
    previous = steps[steps.index(job.attributes["stepName"]) - 1]
    names = []
    for output in job.commons["outputList"]:
        try:
            wanted = output["stepName"] == previous and same_type(output["outputDataType"], job)
            if wanted:
                names.append(output["outputDataName"])
        except KeyError:
            raise RuntimeError(f"Can't find output of step {previous}") from None
    return names


def same_type(kind: str, job: ModelRun) -> bool:
    """Whether an output is of the type that the step wants, in whatever case."""
    return kind.lower() == str(job.attributes["inputDataType"]).lower()


def initialize(job: ModelRun) -> None:
    """Without a job there is nothing to do; else the request is named after it."""
    number = job.attributes["jobID"]
    if not number:
        raise GracefulTermination(SKIPPED)
    if isinstance(number, str):
        raise TypeError("%d format: a real number is required, not str")
    name_request(job, number)


def name_request(job: ModelRun, number: int) -> None:
    """The request is named after the job."""
    job.request |= {
        "RequestName": f"job_{number}_request.xml", "JobID": number, "SourceComponent": f"Job_{number}"
    }  # fmt: skip


def nothing(_: ModelRun) -> None:
    """A hook in which this module does nothing."""


def execute(job: ModelRun) -> None:
    """Each input gets a status; the statuses are sent, or kept for later; the job is finished, and the file written."""
    known = job.ask("FileReport", "getFiles", (), dict(job.statuses), bare=True)
    well = is_well(job)
    if well:
        known = job.ask("FileReport", "getFiles", (), dict(job.statuses), bare=True)
    for lfn in job.attributes["inputDataList"]:
        if lfn in known:
            continue
        if not well:
            job.force = True
        job.report_file(job.attributes["production_id"], lfn, "Processed" if well else "Unused")
    if not send_file_report(job, "commit")["OK"]:
        again = send_file_report(job, "generateForwardDISET")
        done, value = again["OK"], again["Value"]  # both, so an error, which has no Value, is a KeyError
        if done and value is not None:
            job.request["Operations"].append(value)
    if well:
        report_status(job, FINISHED)
        failover_file(job)


def send_file_report(job: ModelRun, method: str) -> Json:
    """Send the file report's statuses, which are gone when that was done."""
    answer = job.ask("FileReport", method, (), None)
    if job.applied:
        job.statuses = {}
    return answer


def failover_file(job: ModelRun) -> Json:
    """The job report's operation, the accounting, and, if anything is pending, the request in its file."""
    take_job_report(job)
    committed = commit_accounting(job)
    if not committed["OK"]:
        return committed
    write_request(job, "{production_id}_{prod_job_id}_request.json".format(**job.attributes))
    return None


def take_job_report(job: ModelRun) -> None:
    """The operation that carries the unsent statuses goes into the request."""
    answer = job.ask("JobReport", "generateForwardDISET", (), None)
    job.sent()
    if answer["OK"] and answer["Value"]:
        job.request["Operations"].append(answer["Value"])


def commit_accounting(job: ModelRun) -> Json:
    """The records are sent, if there are any."""
    if job.scenario.collaborators.get("AccountingReport", NONE) == NONE:
        return {"OK": True, "Value": None}
    committed = job.ask("AccountingReport", "commit", (), job.records)
    if job.applied:
        job.records = 0
    return committed


def write_request(job: ModelRun, name: str) -> None:
    """If anything is pending, the request is written to its file."""
    operations = job.request["Operations"]
    if not operations:
        return
    number_operations(operations)
    if problem := invalid(job.request, job.profile):
        raise RuntimeError(f"Failover request is not valid: {problem}")
    serialised = job.ask_request("toJSON", lambda: as_text(job.request, job.profile))
    if not serialised["OK"]:
        raise RuntimeError(serialised["Message"])
    write(job, name, str(serialised["Value"]))
    digest = job.ask_request("getDigest", lambda: first_files(operations))
    if not digest["OK"]:
        digest["Message"]


def first_files(operations: Json) -> str:
    """The part of the digest that may not be there: the first file of each operation; TypeError without LFN."""
    return "".join(file_of(item["Files"][0])["LFN"] + "" for item in operations if item["Files"])


def invalid(request: Json, profile: Profile) -> str:
    """What is wrong with a request, in the order in which it is looked at; nothing when it is valid."""
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
    """Yield the operations that lack files or have forbidden ones, up to the first operation of an unknown type."""
    for index, item in operations:
        kind, has = item["Type"], bool(item["Files"])
        if kind not in NEEDS:
            return
        if has != bool(NEEDS[kind][1]):
            verb = "has" if has else "hasn't"
            yield f"Operation #{index} of type '{kind}' {verb} got files to process."


def lacks(operation: Json) -> Iterator[str]:
    """What an operation lacks, and its files, of all that its type needs."""
    of_operation, of_files = NEEDS.get(operation["Type"], ((), ()))
    yield from (f"{name} attribute." for name in of_operation if not operation.get(name))
    for file in map(file_of, operation["Files"]):
        yield from (f"{name} attribute for file." for name in of_files if not file[name])


def write(job: ModelRun, name: str, text: str) -> None:
    """Write the file, over an old one; a directory there, or a full disk, is the operating system's error."""
    there = job.files.get(name)
    if there == "<directory>":
        raise IsADirectoryError(21, "Is a directory", name)
    if there == "<link>":
        raise OSError(28, "No space left on device")
    job.files[name] = text


def is_well(job: ModelRun) -> bool:
    """Whether nothing has failed; the step is asked only if the workflow is well."""
    return bool(job.attributes["workflowStatus"]["OK"] and job.attributes["stepStatus"]["OK"])


def report_status(job: ModelRun, status: str, send: Json = True) -> Json:
    """Report an application status, of a job that is well."""
    if not job.attributes["jobID"]:
        return 0
    if is_well(job):
        answer = job.send_status(status, send)
        if not answer["OK"]:
            answer["Message"]  # it is to be logged, and so must be there
    return None


def the_end(job: ModelRun) -> None:
    """How it all went: an exception in either case."""
    raise GracefulTermination(SUCCEEDED) if is_well(job) else RuntimeError(FAILED)


def end_of_any(_: ModelRun) -> None:
    """Any module ends well, unless it says otherwise."""
    raise GracefulTermination("<class 'derived.Module'> correctly finalized")


CHAPTERS: Final[dict[str, dict[str, Callable[[ModelRun], None]]]] = {
    "module": {
        "_resolveInputVariables": resolve, "_initialize": initialize, "_setCommand": nothing,
        "_executeCommand": nothing, "_execute": execute, "_finalize": the_end,
    },
    "base": {
        "_resolveInputVariables": resolve_workflow, "_initialize": nothing, "_setCommand": nothing,
        "_executeCommand": nothing, "_execute": nothing, "_finalize": end_of_any,
    },
}  # fmt: skip
"""What each hook does, in order: of the module, and of a module that adds nothing to its base class."""
