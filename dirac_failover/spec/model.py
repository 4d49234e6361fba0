"""The executable specification: from a scenario to the complete outcome, in the order in which things happen.

It speaks of scenarios in which every collaborator is scripted, where whatever happens is the module's doing, and there
it is total: nothing observable is left unsaid, so that any observable change of an implementation shows. It shares no
code with the reference and knows no clients and no services.

Read :func:`expected` first: it is the story of one execution, and the functions after it are its chapters. What Python
itself says (the text of a KeyError, say) is left to Python: the model asks the same question of the same value.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from dirac_failover.spec.outcome import FILE_FIELDS, OPERATION_FIELDS, Outcome, Scrubber, Step
from dirac_failover.spec.profiles import DIRAC_9_1
from dirac_failover.spec.scenario import NONE, SCRIPTED

if TYPE_CHECKING:
    from collections.abc import Callable

    from dirac_failover.spec.profiles import Profile
    from dirac_failover.spec.scenario import Json, Scenario

FRESH: Final[dict[str, Json]] = {
    "production_id": 0, "prod_job_id": 0, "jobID": 0, "step_number": 0, "step_id": 0, "jobType": "", "executable": "",
    "command": None, "applicationName": "", "applicationVersion": "", "applicationLog": "applicationLog.txt",
    "stepName": "", "inputDataType": "", "InputData": [], "inputDataList": [], "stepInputData": [], "appSteps": [],
    "outputDataFileMask": [], "workflowStatus": {}, "stepStatus": {},
}  # fmt: skip
"""The attributes of a module that has just been made, in the order in which an outcome lists them."""

NUMBERS: Final = (("production_id", "PRODUCTION_ID"), ("prod_job_id", "JOB_ID"))
"""The attributes that identify the task, and where each is found in ``workflow_commons``."""

STEP_SAYS: Final = ("executable", "applicationName", "applicationVersion")
"""What the step says of its application; Unknown when it does not."""

NO_FILES_ALLOWED: Final = frozenset({"ForwardDISET"})
NEEDS_FILES: Final = frozenset({"RemoveFile"})
"""Of the operation types in the space, what the validator asks; it asks no further at a type that it does not know."""

SKIPPED: Final = "Skipping FailoverRequest module"
FINISHED: Final = "Job Finished Successfully"
SUCCEEDED: Final = "Workflow successful, end of FailoverRequest module execution."
FAILED: Final = "Workflow failed, FailoverRequest module completed"


class GracefulTermination(Exception):  # noqa: N818 - not an error
    """The module ends well."""


EXCEPTIONS: Final[dict[str, type[BaseException]]] = {
    kind.__name__: kind for kind in (GracefulTermination, ValueError, RuntimeError, KeyboardInterrupt)
}
MADE: Final = {"JobReport": ("ForwardDISET", "job report"), "FileReport": ("SetFileStatus", "file report")}
"""Type and arguments of the operation that a scripted collaborator answers with."""

LIES_THERE: Final = {"old": "[]", "directory": "<directory>", "full": "<link>"}
"""What an outcome says of a file that was there before."""


def expected(scenario: Scenario, profile: Profile = DIRAC_9_1) -> Outcome:
    """Return what must be observed in a scenario in which every collaborator is scripted."""
    from dirac_failover.spec.stories import STORIES  # they are told in chapters of this module

    job = Job(scenario, profile)
    try:
        result = STORIES[profile.story](job)
    except BaseException as error:  # noqa: BLE001 - what escapes is part of the outcome
        return job.outcome("raised", error)
    return job.outcome("returned", result)


def contract(job: Job) -> Json:
    """The hooks in order, how the first exception becomes the result, and the end, which nothing prevents."""
    identify(job)
    try:
        try:
            for hook in (resolve, initialize, nothing("_setCommand"), nothing("_executeCommand"), execute, finalize):
                hook(job)
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
    finally:
        job.hook("finalize")
    raise AssertionError("the last hook always raises")


def identify(job: Job) -> None:
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


def resolve(job: Job) -> None:
    """The input files of the job, then those of the step; quirks included."""
    job.hook("_resolveInputVariables")
    has, commons, step = job.attributes, job.commons, job.scenario.step_commons
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


def outputs_of_previous_step(job: Job) -> list[str]:
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


def same_type(kind: str, job: Job) -> bool:
    """Whether an output is of the type that the step wants, in whatever case."""
    return kind.lower() == str(job.attributes["inputDataType"]).lower()


def initialize(job: Job) -> None:
    """Without a job there is nothing to do; else the request is named after it."""
    job.hook("_initialize")
    number = job.attributes["jobID"]
    if not number:
        raise GracefulTermination(SKIPPED)
    if isinstance(number, str):
        raise TypeError("%d format: a real number is required, not str")
    name_request(job, number)


def name_request(job: Job, number: int) -> None:
    """The request is named after the job."""
    job.request |= {
        "RequestName": f"job_{number}_request.xml", "JobID": number, "SourceComponent": f"Job_{number}"
    }  # fmt: skip


def nothing(hook: str) -> Callable[[Job], None]:
    """A hook in which this module does nothing."""
    return lambda job: job.hook(hook)


def execute(job: Job) -> None:
    """Each input gets a status; the statuses are sent, or kept for later; the job is finished, and the file written."""
    job.hook("_execute")
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


def send_file_report(job: Job, method: str) -> Json:
    """Send the file report's statuses, which are gone when that was done."""
    answer = job.ask("FileReport", method, (), None)
    if job.applied:
        job.statuses = {}
    return answer


def failover_file(job: Job) -> None:
    """The job report's operation, the accounting, and, if anything is pending, the request in its file."""
    take_job_report(job)
    if commit_accounting(job)["OK"]:
        write_request(job, "{production_id}_{prod_job_id}_request.json".format(**job.attributes))


def take_job_report(job: Job) -> None:
    """The operation that carries the unsent statuses goes into the request."""
    answer = job.ask("JobReport", "generateForwardDISET", (), None)
    if answer["OK"] and answer["Value"]:
        job.request["Operations"].append(answer["Value"])


def commit_accounting(job: Job) -> Json:
    """The records are sent, if anybody has accounted for anything."""
    if job.scenario.collaborators.get("AccountingReport") != SCRIPTED:
        return {"OK": True, "Value": None}
    committed = job.ask("AccountingReport", "commit", (), job.records)
    if job.applied:
        job.records = 0
    return committed


def write_request(job: Job, name: str) -> None:
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
    digest = job.ask_request("getDigest", lambda: "")
    if not digest["OK"]:
        digest["Message"]


def number_operations(operations: list[Json]) -> None:
    """The first operation waits, the others queue."""
    for index, operation in enumerate(operations):
        operation["Status"] = "Queued" if index else "Waiting"


def invalid(request: Json, profile: Profile) -> str:
    """What is wrong with a request, in the order in which it is looked at; nothing when it is valid."""
    name = request["RequestName"]
    if not request["Owner"]:
        missing = "both Owner and OwnerDN" if profile.owner == "Owner" else profile.owner
        return f"Request '{name}' is missing {missing} value"
    for index, operation in enumerate(request["Operations"]):
        kind = operation["Type"]
        if kind not in NO_FILES_ALLOWED | NEEDS_FILES:
            break
        if kind in NEEDS_FILES and not operation["Files"]:
            return f"Operation #{index} of type '{kind}' hasn't got files to process."
    return ""


def write(job: Job, name: str, text: str) -> None:
    """Write the file, over an old one; a directory there, or a full disk, is the operating system's error."""
    there = job.files.get(name)
    if there == "<directory>":
        raise IsADirectoryError(21, "Is a directory", name)
    if there == "<link>":
        raise OSError(28, "No space left on device")
    job.files[name] = text


def is_well(job: Job) -> bool:
    """Whether nothing has failed; the step is asked only if the workflow is well."""
    return bool(job.attributes["workflowStatus"]["OK"] and job.attributes["stepStatus"]["OK"])


def report_status(job: Job, status: str) -> None:
    """Report an application status, of a job that is well."""
    if not job.attributes["jobID"] or not is_well(job):
        return
    answer = job.send_status(status)
    if not answer["OK"]:
        answer["Message"]  # it is to be logged, and so must be there


def finalize(job: Job) -> None:
    """How it all went."""
    job.hook("_finalize")
    if not is_well(job):
        raise RuntimeError(FAILED)
    raise GracefulTermination(SUCCEEDED)


# How a story is told: what is known so far, and what is written down


class Job:
    """One execution: the scenario, what has become of everything in it, and the calls so far."""

    def __init__(self, scenario: Scenario, profile: Profile) -> None:
        """Begin with what the scenario lays out."""
        self.scenario = scenario
        self.profile = profile
        self.commons = {**profile.commons, **scenario.workflow_commons}
        self.attributes = {**FRESH, **profile.fresh} | {
            name: value for name, value in scenario.attributes.items() if name in FRESH
        }  # fmt: skip
        self.steps: list[Step] = []
        self.asked: dict[str, int] = {}
        self.applied = False
        self.resolved = self.own_request = False
        self.statuses = dict(scenario.reported)
        self.transformation: Json = None
        self.force = False
        self.unsent: list[str] = []
        self.records = scenario.records
        self.files = {name: LIES_THERE[kind] for name, kind in scenario.files.items()}
        owner, group = scenario.owner or (None, None)
        self.request: dict[str, Json] = {
            "RequestName": None, "JobID": 0, "SourceComponent": None, "Owner": owner, "OwnerGroup": group,
            "Operations": [_operation(**fields) for fields in scenario.operations],
        }  # fmt: skip

    def hook(self, name: str) -> None:
        """Write down that a hook was called."""
        self.steps.append(Step("module", name, [], None))

    def ask(self, target: str, method: str, args: tuple[Json, ...], healthy: Json, *, bare: bool = False) -> Json:
        """Write down a call; return what the scenario answers, or raise it.

        ``healthy`` is the Value of ``ok``; a ``bare`` answer has no return structure. ``applied`` then says whether the
        collaborator has done what it was asked for.
        """
        key = f"{target}.{method}"
        answers = self.scenario.answers.get(key, ("ok",))
        self.asked[key] = self.asked.get(key, 0) + 1
        text = answers[min(self.asked[key], len(answers)) - 1]
        self.steps.append(Step(target, method, list(args), text))
        kind, equals, rest = text.partition("=")
        self.applied = kind == "ok"
        if kind == "raises":
            name, *arguments = rest.split(":")
            raise EXCEPTIONS[name](*(int(item) if item.isdigit() else item for item in arguments))
        if kind == "bad_shape":
            return json.loads(rest)
        if kind == "s_error":
            return {"OK": False, "Errno": 0, "Message": rest or "refused"}
        value = _operation(*MADE[target]) if kind == "operation" else json.loads(rest) if equals else healthy
        return value if bare else {"OK": True, "Value": value}

    def report_file(self, transformation: Json, lfn: str, status: str) -> None:
        """Give the status of a file to the file report."""
        self.ask("FileReport", "setFileStatus", (transformation, lfn, status, False), None)
        if self.applied:
            self.transformation = self.transformation or transformation
            self.statuses[lfn] = status

    def send_status(self, status: str) -> Json:
        """Give a status to the job report, which sends it, or keeps it."""
        self.unsent.append(status)
        answer = self.ask("JobReport", "setApplicationStatus", (status, True), None)
        if self.applied:
            self.unsent.clear()
        return answer

    def ask_request(self, method: str, healthy: Callable[[], Json]) -> Json:
        """Ask the request, which does what it always does unless its answer is scripted."""
        if self.own_request or f"Request.{method}" not in self.scenario.answers:
            return {"OK": True, "Value": healthy()}
        answer = self.ask("Request", method, (), self)
        return {"OK": True, "Value": healthy()} if self.applied and answer["Value"] is self else answer

    def outcome(self, ended: str, result: Json) -> Outcome:
        """Return everything that can be observed."""
        plain = Scrubber().plain
        there = self.scenario.collaborators
        number_operations(self.request["Operations"])
        held: dict[str, Json] = {
            "workflow_commons": sorted({*self.commons, *there}),
            "JobReport": {"jobID": 0, "statuses": self.unsent, "parameters": []},
            "FileReport": {"transformation": self.transformation, "force": self.force, "statusDict": self.statuses},
        }
        if there.get("AccountingReport", NONE) != NONE:
            held["AccountingReport"] = {"records": self.records}
        request = self.request | {"Operations": [_observed(item) for item in self.request["Operations"]]}
        return Outcome(ended, plain(result), tuple(self.steps), plain(self.attributes | held), plain(request),
                       self.files, None)  # fmt: skip


def _operation(Type: str, Arguments: str | None = None, ArgumentsHex: str = "", Files: Json = ()) -> dict[str, Json]:
    """The fields of an operation, of those that differ in the space."""
    return {"Type": Type, "Arguments": bytes.fromhex(ArgumentsHex) if ArgumentsHex else Arguments, "Files": list(Files)}


_FILE: Final[dict[str, Json]] = {
    "Status": "Waiting", "LFN": None, "PFN": None, "ChecksumType": None, "Checksum": None, "GUID": None, "Attempt": 0,
    "Size": 0, "Error": None,
}  # fmt: skip


def _observed(operation: dict[str, Json]) -> Json:
    files = [{name: (_FILE | {"LFN": lfn})[name] for name in FILE_FIELDS} for lfn in operation["Files"]]
    return {name: operation.get(name) for name in OPERATION_FIELDS} | {"Files": files}


_TIMES: Final = dict.fromkeys(("CreationTime", "SubmitTime", "LastUpdate"), "<time>")


def as_text(request: dict[str, Json], profile: Profile) -> str:
    """The request's JSON, with times as an outcome shows them."""
    operations = []
    for index, operation in enumerate(request["Operations"]):
        arguments = operation["Arguments"]
        operations.append({
            "Type": operation["Type"], "Status": operation["Status"],
            "Arguments": arguments.decode() if isinstance(arguments, bytes) else arguments, "Order": index,
            "SourceSE": None, "TargetSE": None, "Catalog": None, "Error": None, **_TIMES,
            "Files": [_FILE | {"LFN": lfn} for lfn in operation["Files"]],
        })  # fmt: skip
    setup = {"DIRACSetup": None} if profile.setup else {}
    return json.dumps({
        "RequestName": request["RequestName"], profile.owner: request["Owner"], "OwnerGroup": request["OwnerGroup"],
        "Status": "Waiting", "Error": None, **setup, "SourceComponent": request["SourceComponent"],
        "JobID": request["JobID"], **_TIMES, "NotBefore": "<time>", "Operations": operations,
    })  # fmt: skip
