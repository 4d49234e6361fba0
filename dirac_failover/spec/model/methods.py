"""The executable specification of DIRAC's methods that modules call by themselves, apart from ``execute``.

:data:`METHODS` has one function for each of them; those of other implementations are in
:mod:`~dirac_failover.spec.model.lhcbdirac` and :mod:`~dirac_failover.spec.model.ilcdirac`.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final

from dirac_failover.spec.model.end import failover_file, logged, name_request, report_status

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dirac_failover.spec.model.run import ModelRun
    from dirac_failover.spec.scenario import Json

Candidates = dict[str, dict[str, Any]]
"""The type, storage element and LFN of each output file, by its name."""


def call_methods(run: ModelRun, methods: Mapping[str, Callable[..., Json]]) -> tuple[str, list[Json]]:
    """Call single methods.

    The result is whether all of them returned, and what each of them returned or raised.

    M.1. Before the first call, name the request (Q) unless `jobID` is 0: the module has been initialized.
    M.2. Call the methods in turn. An exception of one does not keep the next one from being called.
    """
    if run.attributes["jobID"]:
        name_request(run, run.attributes["jobID"])
    ended, results = "returned", []
    for method, arguments, *named in run.scenario.calls:
        try:
            results.append(methods[method](run, *arguments, **dict(*named)))
        except BaseException as error:  # noqa: BLE001 - what escapes is part of the outcome
            ended = "raised"
            results.append(error)
    return ended, results


def set_application_status(run: ModelRun, status: Json, sendFlag: Json = True) -> Json:
    """Report a status from any module: `ModuleBase.setApplicationStatus(status, sendFlag=true)`.

    MS.1. Convert the status to a text, and report it (A) with `sendFlag`; return the result of that.
    """
    return report_status(run, str(status), sendFlag)


def set_job_parameter(run: ModelRun, name: Json, value: Json, sendFlag: Json = True) -> Json:
    """Report a job parameter: `ModuleBase.setJobParameter(name, value, sendFlag=true)`.

    MP.1. If `jobID` is 0, return 0.
    MP.2. Convert name and value to texts, and call `JobReport.setJobParameter(name, value, sendFlag)` (UP), whether the
          job is well or not. If its answer is not OK, read its Message, which is logged.
    MP.3. Return null.
    """
    if not run.attributes["jobID"]:
        return 0
    logged(run.send_parameter(str(name), str(value), sendFlag))
    return None


def finalize(run: ModelRun) -> None:
    """Flush the logs: `ModuleBase.finalize`.

    ME.1. Return null. Nothing of it can be observed but the call.
    """
    run.hook("finalize")


def candidates(run: ModelRun, outputList: Json, outputLFNs: Json, fileMask: Json, stepMask: Json = "") -> Candidates:
    """Select the output files to upload: `ModuleBase.getCandidateFiles(outputList, outputLFNs, fileMask, stepMask="")`.

    MC.1. For each output in outputList that has the keys outputDataType, outputDataSE and outputDataName, let the file
          of that name have `type` and `workflowSE`, the values of the first two. Outputs that lack one are left out; of
          two with the same name the later one counts.
    MC.2. For each LFN in outputLFNs, in order, whose part after the last `/` is the name of a file, let that file have
          `lfn`, the LFN.
    MC.3. If any of the files is not in the working directory, raise OSError without text.
    MC.4. Keep the files whose type, in lower case, is in fileMask (MM).
    MC.5. Keep the files whose step is in stepMask (MM); a number is converted to a text. The step is the part of the
          name after its last `_` and before the next `.`.
    MC.6. If any file that is left has no `lfn`, raise ValueError without text.
    MC.7. Return what the files have, by name.
    """
    files: Candidates = {}
    for output in outputList:
        if all(key in output for key in ("outputDataType", "outputDataSE", "outputDataName")):
            kind = {"type": output["outputDataType"], "workflowSE": output["outputDataSE"]}
            files[output["outputDataName"]] = kind
    for lfn in outputLFNs:
        if last(lfn) in files:
            files[last(lfn)]["lfn"] = lfn
    if not set(files) <= set(run.files):
        raise OSError
    kept = masked(files, fileMask, lambda _, known: known["type"].lower())
    return complete(masked_by_step(kept, stepMask, lambda name, _: name))


def last(lfn: str) -> str:
    """Return the name of a file, without its folders."""
    return lfn.rpartition("/")[2]


def masked_by_step(files: Candidates, mask: Json, look: Callable[[str, Any], str]) -> Candidates:
    """Take the step MC.5, where ``look`` returns the part of the name in which the step is."""
    texts = str(mask) if isinstance(mask, int) else mask
    return masked(files, texts, lambda *known: look(*known).rpartition("_")[2].partition(".")[0])


def complete(files: Candidates, *complaint: str) -> Candidates:
    """Take the steps MC.6, with its error, and MC.7."""
    if any("lfn" not in known for known in files.values()):
        raise ValueError(*complaint)
    return copy.deepcopy(files)


def masked(files: Candidates, mask: Json, look: Callable[[str, Any], Json]) -> Candidates:
    """Keep the files that a mask names.

    MM.1. If the mask is empty, null or a list of one empty text, keep all files.
    MM.2. If it is no list, let it be the list of that one element.
    MM.3. Keep the files whose value (the type, or the step) is in the list. If that leaves out any, the mask is logged:
          TypeError if an element is no text.
    """
    if not mask or mask == [""]:
        return files
    names = mask if isinstance(mask, list) else [mask]
    wanted = {name: known for name, known in files.items() if look(name, known) in names}
    if len(wanted) < len(files):
        ", ".join(names)
    return wanted


METHODS: Final[dict[str, Callable[..., Json]]] = {
    "getCandidateFiles": candidates,
    "setApplicationStatus": set_application_status,
    "setJobParameter": set_job_parameter,
    "generateFailoverFile": failover_file,
    "finalize": finalize,
}
