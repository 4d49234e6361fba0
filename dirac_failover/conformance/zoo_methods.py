"""More bugs of the zoo: modules with one wrong method of those that the documentation of the class names.

Each is one function, which stands for the method that its decorator names: it is given the module, the method as it
should be, and the arguments. The module's name is the function's, and its docstring says what is wrong with it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from dirac_failover import vocabulary as v
from dirac_failover.conformance.zoo import animal
from dirac_failover.failover_request import FailoverRequest
from dirac_failover.module_base import HOOKS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Wrong = Callable[..., Any]


def bug(method: str) -> Callable[[Wrong], type[FailoverRequest]]:
    """Make a module of the zoo whose ``method`` is the decorated function."""

    def decorate(wrong: Wrong) -> type[FailoverRequest]:
        def replaced(self: FailoverRequest, *args: Any, **named: Any) -> Any:
            return wrong(self, partial(getattr(FailoverRequest, method), self), *args, **named)

        name = wrong.__name__
        return animal(type(name, (FailoverRequest,), {"__doc__": wrong.__doc__, method: replaced}))

    return decorate


# execute obeys what a hook returns


def _obeying(module: FailoverRequest, usual: Wrong, act: Callable[[Any], None]) -> Any:
    """Execute the module, and ``act`` on what each hook returns."""

    def watched(hook: Wrong) -> None:
        act(hook())

    for name in HOOKS:
        setattr(module, name, partial(watched, getattr(module, name)))
    return usual()


@bug("execute")
def ObeysErrors(module: Any, usual: Wrong) -> Any:
    """An S_ERROR that a hook returns ends the module."""

    def act(value: Any) -> None:
        if isinstance(value, dict) and not value.get("OK", True):
            raise RuntimeError(value.get("Message", ""))

    return _obeying(module, usual, act)


@bug("execute")
def StopsAtFalse(module: Any, usual: Wrong) -> Any:
    """A hook that returns False ends the module."""

    def act(value: Any) -> None:
        if value is False:
            raise RuntimeError("a hook returned False")

    return _obeying(module, usual, act)


@bug("execute")
def StopsAtAnyValue(module: Any, usual: Wrong) -> Any:
    """A hook that returns anything ends the module."""

    def act(value: Any) -> None:
        if value is not None:
            raise RuntimeError("a hook returned a value")

    return _obeying(module, usual, act)


@bug("execute")
def HandsOnErrors(module: Any, usual: Wrong) -> Any:
    """The result is the last S_ERROR that a hook returned, although all hooks were called."""
    returned: list[Any] = []
    result = _obeying(module, usual, returned.append)
    return next(
        (value for value in reversed(returned) if isinstance(value, dict) and not value.get("OK", True)), result
    )


@bug("execute")
def NeedsAnAnswer(module: Any, usual: Wrong) -> Any:
    """A hook that returns nothing is an error."""

    def act(value: Any) -> None:
        if value is None:
            raise RuntimeError("a hook returned nothing")

    return _obeying(module, usual, act)


# The end of a job is not reported


@bug("_execute")
def DoesNothing(_: Any, __: Wrong) -> None:
    """Nothing is reported, sent or written."""


@bug("_execute")
def IgnoresFailedJobs(module: Any, usual: Wrong) -> None:
    """The inputs of failed jobs get no status."""
    if module._checkWFAndStepStatus(noPrint=True):  # noqa: SLF001 - DIRAC's helper
        usual()


@bug("_resolveInputWorkflow")
def ReportsTheFirstInput(module: Any, usual: Wrong) -> None:
    """All inputs but the first one get no status."""
    usual()
    module.inputDataList = module.inputDataList[:1]


# generateFailoverFile


@bug("generateFailoverFile")
def NeverWrites(_: Any, __: Wrong) -> None:
    """No file is ever written."""


@bug("generateFailoverFile")
def LosesTheFirstOperation(module: Any, usual: Wrong) -> Any:
    """The first operation of the request is not in the file."""
    first = module.request[0] if len(module.request) else None
    if first is not None:
        module.request.Operations.remove(first)
    return usual()


@bug("generateFailoverFile")
def NeverAsksTheJobReport(module: Any, usual: Wrong) -> Any:
    """Unsent statuses of the job are neither sent again nor written."""
    report, module.jobReport = module.jobReport, _Quiet()
    try:
        return usual()
    finally:
        module.jobReport = report


class _Quiet:
    """A job report that has nothing to forward."""

    def generateForwardDISET(self) -> dict[str, Any]:
        return {"OK": True, "Value": None}


@bug("generateFailoverFile")
def NeverAsksTheAccounting(module: Any, usual: Wrong) -> Any:
    """Accounting records are not committed at the end of the job."""
    commons: Mapping[str, Any] = module.workflow_commons
    module.workflow_commons = {name: value for name, value in commons.items() if name != v.COMMONS_ACCOUNTING}
    try:
        return usual()
    finally:
        module.workflow_commons = commons


# finalize


@bug("finalize")
def FinalizeRaises(_: Any, usual: Wrong) -> None:
    """The logs cannot be flushed, and the exception leaves execute."""
    usual()
    raise OSError("no log")


@bug("finalize")
def FinalizeNeedsAnArgument(_: Any, usual: Wrong, status: Any) -> None:
    """The method finalize cannot be called without an argument."""


@bug("finalize")
def FinalizeExits(_: Any, usual: Wrong) -> None:
    """The last thing that the module does is to end the process."""
    usual()
    raise SystemExit(1)


@bug("finalize")
def FinalizeReports(module: Any, usual: Wrong) -> None:
    """One more application status is reported after the module has ended."""
    usual()
    module.jobReport.setApplicationStatus("finalized")


@bug("execute")
def FinalizesFirst(module: Any, usual: Wrong) -> Any:
    """The logs are flushed before the hooks are called."""
    module.finalize()
    return usual()


# setApplicationStatus


@bug("setApplicationStatus")
def NeverSetsAStatus(_: Any, __: Wrong, status: Any, sendFlag: Any = True) -> None:
    """No application status is reported."""


@bug("setApplicationStatus")
def SendsEveryStatus(_: Any, usual: Wrong, status: Any, sendFlag: Any = True) -> Any:  # noqa: ARG001 - that is the bug
    """A status that is to wait is sent at once."""
    return usual(status, True)


@bug("setApplicationStatus")
def SetsReprs(_: Any, usual: Wrong, status: Any, sendFlag: Any = True) -> Any:
    """A status that is no text is reported by its repr, and so is a text."""
    return usual(repr(status), sendFlag)


@bug("setApplicationStatus")
def RaisesRefusals(module: Any, usual: Wrong, status: Any, sendFlag: Any = True) -> Any:
    """A status that the job report refuses is an exception."""
    asked: list[Any] = []
    report = module.jobReport
    module.jobReport = _Listening(report, asked)
    try:
        usual(status, sendFlag)
    finally:
        module.jobReport = report
    if asked and not asked[-1]["OK"]:
        raise RuntimeError("the status was refused")


class _Listening:
    """A job report that keeps its answers."""

    def __init__(self, report: Any, answers: list[Any]) -> None:
        self._report, self._answers = report, answers

    def setApplicationStatus(self, *args: Any) -> Any:
        self._answers.append(self._report.setApplicationStatus(*args))
        return self._answers[-1]


@bug("setApplicationStatus")
def SetsEveryStatusTwice(_: Any, usual: Wrong, status: Any, sendFlag: Any = True) -> Any:
    """Each status is reported twice."""
    usual(status, sendFlag)
    return usual(status, sendFlag)


# setJobParameter


@bug("setJobParameter")
def NeverSetsAParameter(_: Any, __: Wrong, name: Any, value: Any, sendFlag: Any = True) -> None:
    """No job parameter is reported."""


@bug("setJobParameter")
def KeepsParametersOfFailures(module: Any, usual: Wrong, name: Any, value: Any, sendFlag: Any = True) -> Any:
    """The parameters of failed jobs are not reported."""
    return usual(name, value, sendFlag) if module._checkWFAndStepStatus(noPrint=True) else None  # noqa: SLF001


@bug("setJobParameter")
def SwapsNameAndValue(_: Any, usual: Wrong, name: Any, value: Any, sendFlag: Any = True) -> Any:
    """The value is reported as the name, and the name as the value."""
    return usual(value, name, sendFlag)


@bug("setJobParameter")
def KeepsTypesOfValues(module: Any, _: Wrong, name: Any, value: Any, sendFlag: Any = True) -> Any:
    """Values are not made texts."""
    return module.jobReport.setJobParameter(name, value, sendFlag) and None if module.jobID else 0


@bug("setJobParameter")
def SetsParametersWithoutJob(module: Any, _: Wrong, name: Any, value: Any, sendFlag: Any = True) -> None:
    """Parameters are reported although there is no job."""
    module.jobReport.setJobParameter(str(name), str(value), sendFlag)


@bug("setJobParameter")
def NamesItKey(_: Any, usual: Wrong, key: Any, value: Any, sendFlag: Any = True) -> Any:
    """The first parameter of setJobParameter has another name."""
    return usual(key, value, sendFlag)


# getCandidateFiles


@bug("getCandidateFiles")
def FindsNoCandidates(_: Any, __: Wrong, *args: Any, **named: Any) -> dict[str, Any]:  # noqa: ARG001 - that is the bug
    """No output is ever a candidate."""
    return {}


@bug("getCandidateFiles")
def IgnoresTheFileMask(
    _: Any, usual: Wrong, outputList: Any, outputLFNs: Any, fileMask: Any, stepMask: Any = ""
) -> Any:
    """Outputs of every type are candidates."""
    return usual(outputList, outputLFNs, "" if fileMask else fileMask, stepMask)


@bug("getCandidateFiles")
def IgnoresTheStepMask(
    _: Any, usual: Wrong, outputList: Any, outputLFNs: Any, fileMask: Any, stepMask: Any = ""
) -> Any:
    """Outputs of every step are candidates."""
    return usual(outputList, outputLFNs, fileMask, "" if stepMask else stepMask)


@bug("_checkLocalExistance")
def ForgivesMissingFiles(_: Any, __: Wrong, fileList: Any) -> None:
    """An output that is not in the directory is a candidate all the same."""


@bug("_checkSanity")
def ForgivesMissingLfns(_: Any, __: Wrong, candidateFiles: Any) -> None:
    """An output without LFN is a candidate all the same."""


@bug("getCandidateFiles")
def TakesTheFirstLfn(_: Any, usual: Wrong, outputList: Any, outputLFNs: Any, fileMask: Any, stepMask: Any = "") -> Any:
    """Of two LFNs with the same name the first one counts."""
    lfns = [*reversed(outputLFNs)] if isinstance(outputLFNs, list) else outputLFNs
    return usual(outputList, lfns, fileMask, stepMask)


@bug("getCandidateFiles")
def LowersTheMask(_: Any, usual: Wrong, outputList: Any, outputLFNs: Any, fileMask: Any, stepMask: Any = "") -> Any:
    """The mask may be of either case, which is sensible, and not what DIRAC does."""
    return usual(outputList, outputLFNs, fileMask.lower() if isinstance(fileMask, str) else fileMask, stepMask)
