"""The executable specification of methods that are called by themselves: what each returns, asks for, and leaves.

A module of any kind calls these methods of its base class, so an implementation is asked for each of them apart from
``execute``. One function is one method; :data:`METHODS` names them for each implementation that has its own.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final

from dirac_failover.spec.model.module import failover_file, name_request, report_status
from dirac_failover.spec.model.variants import ilc_failover_file as ilc_file
from dirac_failover.spec.model.variants import ilc_finalize as ilc_end
from dirac_failover.spec.model.variants import lhcb_failover_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from dirac_failover.spec.model.run import ModelRun
    from dirac_failover.spec.scenario import Json


def called(job: ModelRun) -> tuple[str, list[Json]]:
    """Call the scenario's methods in turn, of a module that has named its request; return how they ended.

    Beside ``returned`` or ``raised`` stands what each of them returned or raised.
    """
    if job.attributes["jobID"]:
        name_request(job, job.attributes["jobID"])
    ended, results = "returned", []
    for method, arguments, *named in job.scenario.calls:
        try:
            results.append(METHODS[job.profile.story][method](job, *arguments, **dict(*named)))
        except BaseException as error:  # noqa: BLE001 - what escapes is part of the outcome
            ended = "raised"
            results.append(error)
    return ended, results


# DIRAC


def set_application_status(job: ModelRun, status: Json, sendFlag: Json = True) -> Json:
    """The status is reported as a text, unless something has failed before."""
    return report_status(job, str(status), sendFlag)


def set_job_parameter(job: ModelRun, name: Json, value: Json, sendFlag: Json = True) -> Json:
    """Name and value are reported as texts, also after a failure."""
    if not job.attributes["jobID"]:
        return 0
    answer = job.send_parameter(str(name), str(value), sendFlag)
    if not answer["OK"]:
        answer["Message"]  # it is to be logged, and so must be there
    return None


def finalize(job: ModelRun) -> None:
    """The end, which is only to be seen."""
    job.hook("finalize")


def candidates(
    job: ModelRun, outputList: Json, outputLFNs: Json, fileMask: Json, stepMask: Json = ""
) -> dict[str, dict[str, Json]]:
    """The output files to upload: those that are described in full and are wanted.

    It is an OSError when one of them is not there, and a ValueError when one that is wanted has no LFN.
    """
    files: dict[str, dict[str, Json]] = {}
    for output in outputList:
        if all(key in output for key in ("outputDataType", "outputDataSE", "outputDataName")):
            kind = {"type": output["outputDataType"], "workflowSE": output["outputDataSE"]}
            files[output["outputDataName"]] = kind
    for lfn in outputLFNs:
        if last(lfn) in files:
            files[last(lfn)]["lfn"] = lfn
    if not set(files) <= set(job.files):
        raise OSError
    wanted = masked(files, fileMask, lambda _, known: known["type"].lower())
    step = str(stepMask) if isinstance(stepMask, int) else stepMask
    wanted = masked(wanted, step, lambda name, _: name.rpartition("_")[2].partition(".")[0])
    if any("lfn" not in known for known in wanted.values()):
        raise ValueError
    return copy.deepcopy(wanted)


def last(lfn: str) -> str:
    """The name of a file, without its folders."""
    return lfn.rpartition("/")[2]


def masked(files: dict[str, Any], mask: Json, look: Callable[[str, Any], Json]) -> dict[str, Any]:
    """Those files of which ``look`` returns something that the mask names; without a mask, all."""
    if not mask or mask == [""]:
        return files
    names = mask if isinstance(mask, list) else [mask]
    wanted = {name: known for name, known in files.items() if look(name, known) in names}
    if len(wanted) < len(files):
        ", ".join(names)  # it is to be logged, and so must be texts
    return wanted


# LHCbDIRAC


def lhcb_candidates(
    job: ModelRun, outputList: Json, outputLFNs: Json, fileMask: Json = "", stepMask: Json = ""
) -> dict[str, dict[str, Json]]:
    """The candidates of DIRAC, but names and masks of either case are the same, and no storage element is needed.

    The OSError and the ValueError have texts.
    """
    there = {name.lower(): name for name in job.files}
    files: dict[str, dict[str, Json]] = {}
    for output in outputList:
        if all(key in output for key in ("outputDataType", "outputDataName")):
            files[output["outputDataName"]] = {"type": output["outputDataType"]}
    for lfn in outputLFNs:
        for name in (last(lfn), last(lfn).rpartition("_")[2]):
            if name in files:
                files[name]["lfn"] = lfn
                break
    if not {name.lower() for name in files} <= set(there):
        raise OSError("Output data not found")
    masks = fileMask
    if files and fileMask:
        masks = [mask.lower() for mask in (fileMask if isinstance(fileMask, list) else [fileMask])]
    wanted = masked(files, masks, lambda _, known: known["type"].lower())
    step = str(stepMask) if isinstance(stepMask, int) else stepMask
    wanted = masked(wanted, step, lhcb_step)
    if any("lfn" not in known for known in wanted.values()):
        raise ValueError("Missing requested fileName keys")
    return copy.deepcopy(wanted)


def lhcb_step(name: str, known: Json) -> str:
    """The step in a name, which may be its type as well."""
    return str(name.lower().replace(known["type"].lower(), "").rpartition("_")[2].partition(".")[0])


# ILCDIRAC

OK: Final = {"OK": True, "Value": None}
NO_JOB: Final = {"OK": True, "Value": "JobID not defined"}


def ilc_set_application_status(job: ModelRun, status: Json, sendFlag: Json = True) -> Json:
    """The status is reported as it is, also after a failure, and the answer is returned."""
    return ilc_answer(job.send_status(status, sendFlag)) if job.attributes["jobID"] else NO_JOB


def ilc_set_job_parameter(job: ModelRun, name: Json, value: Json, sendFlag: Json = True) -> Json:
    """Name and value are reported as in DIRAC, and the answer is returned."""
    return ilc_answer(job.send_parameter(str(name), str(value), sendFlag)) if job.attributes["jobID"] else NO_JOB


def ilc_answer(answer: Json) -> Json:
    """What the job report answered."""
    if not answer["OK"]:
        answer["Message"]  # it is to be logged, and so must be there
    return answer


def ilc_candidates(_: ModelRun, *arguments: Json, **named: Json) -> Json:
    """A step mask is a TypeError; and outputs are described by other keys, so none of these is one."""
    name = "ModuleBase.getCandidateFiles()"
    if named:
        raise TypeError(f"{name} got an unexpected keyword argument 'fileMask'")
    if len(arguments) > len(ILC_CANDIDATES):
        raise TypeError(
            f"{name} takes {len(ILC_CANDIDATES) + 1} positional arguments but {len(arguments) + 1} were given"
        )
    return {"OK": True, "Value": {}}


ILC_CANDIDATES: Final = ("outputList", "outputLFNs", "dummy_fileMask")


def ilc_failover_file(job: ModelRun) -> Json:
    """The file is written as in its module, and named after the transformation, of which it has found none."""
    done = ilc_file(job, {"module": "None", "base": "0"}[job.scenario.subject])
    return done if not done["OK"] else OK


def ilc_finalize(job: ModelRun) -> Json:
    """The module has it; of its base class it is an AttributeError."""
    if job.scenario.subject == "base":
        raise AttributeError("'FailoverRequest' object has no attribute 'finalize'")
    return ilc_end(job)


DIRAC: Final[dict[str, Callable[..., Json]]] = {
    "getCandidateFiles": candidates,
    "setApplicationStatus": set_application_status,
    "setJobParameter": set_job_parameter,
    "generateFailoverFile": failover_file,
    "finalize": finalize,
}
METHODS: Final[dict[str, dict[str, Callable[..., Json]]]] = {
    "dirac": DIRAC,
    "lhcbdirac": DIRAC | {"getCandidateFiles": lhcb_candidates, "generateFailoverFile": lhcb_failover_file},
    "ilcdirac": {
        "getCandidateFiles": ilc_candidates,
        "setApplicationStatus": ilc_set_application_status,
        "setJobParameter": ilc_set_job_parameter,
        "generateFailoverFile": ilc_failover_file,
        "finalize": ilc_finalize,
    },
}
"""What each method is, by the story of the implementation."""
