"""Executing the operations of a request against the connected services, as DIRAC 9.1's request executing agent does.

It is here because it uses the clients. :data:`HANDLERS` has the types that are executed, the two that fail-over writes;
another type is one function and one line there. A stub of DiracX names a class and its module: the
module is never imported, the class is looked up in :data:`SERVICES`.

Left out is what the agent does around the operations: the owner's proxy, and, in the end, putting the request back and
finalizing its job (``actors.request_agents``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from DIRACCommon.Core.Utilities.ReturnValues import S_ERROR

from dirac_failover import vocabulary as v
from dirac_failover.clients.transformation import TransformationClient
from dirac_failover.log import gLogger
from dirac_failover.wire import dencode
from dirac_failover.wire.rpc import Result, call

if TYPE_CHECKING:
    from dirac_failover.request.operation import Operation
    from dirac_failover.request.request import Request

SERVICES: Final = {"JobStateUpdateClient": v.JOB_STATE}
"""The service that a class named by a DiracX stub talks to."""

_IDLE_MINUTES: Final = 24 * 60

_log = gLogger.getSubLogger("replay")


@dataclass(frozen=True, slots=True)
class OperationResult:
    """One executed operation: its index and type, the answer or the escaped exception, and its status afterwards."""

    order: int
    type: str | None
    answer: Result | None
    error: Exception | None
    status: str


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """The executed operations, in order, and the status of the request afterwards."""

    results: tuple[OperationResult, ...]
    status: str

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        return self.status == v.DONE


def replay(
    request: Request, *, honour_force: bool = False, job_exists: Callable[[int], bool] = lambda _: True
) -> ReplayReport:
    """Execute the operations of ``request`` in order, until one does not end; statuses and errors are set on them.

    After an operation that is not OK, the agent asks for the request's job: of one that does not exist any more
    (``job_exists`` is false of its ID) the operation is Failed.

    DIRAC passes ``force`` of a SetFileStatus where its client expects LFNs, so force is lost (H8): ``honour_force``
    passes it where it belongs.
    """
    results: list[OperationResult] = []
    while request.Status == v.WAITING:
        operation: Operation | None = request.getWaiting()["Value"]
        if operation is None:
            request.Error = "Request has no operation to execute"
            request.delayNextExecution(_IDLE_MINUTES)
            break
        result = _try(operation, honour_force)
        if result.answer and not result.answer["OK"] and request.JobID and not job_exists(request.JobID):
            for file in operation:
                file.Status = v.FAILED
            operation.Status = v.FAILED
            request.Error = "Job no longer exists"
            result = replace(result, status=operation.Status)
        results.append(result)
        if result.status == v.WAITING:
            break
    return ReplayReport(tuple(results), request.Status)


def _try(operation: Operation, honour_force: bool) -> OperationResult:
    answer, escaped = None, None
    try:
        answer = _execute(operation, honour_force)
    except Exception as error:  # noqa: BLE001 - after any exception the agent leaves the operation unchanged
        _log.error(f"{operation.Type} ended with an exception and stays as it is:", repr(error))
        escaped = error
    return OperationResult(operation.Order, operation.Type, answer, escaped, operation.Status)


def _execute(operation: Operation, honour_force: bool) -> Result:
    if operation.Type not in HANDLERS:
        operation.Error = f"handler for operation '{operation.Type}' not set"
        return dict(S_ERROR(operation.Error))
    try:
        arguments, _ = dencode.decode(operation.Arguments)
    except dencode.DecodeError as error:
        # Of what DIRAC's decoder raises, its handlers catch the ValueErrors: these arguments will never be understood.
        # The rest escapes to the agent, and so does what that for SetFileStatus makes of no arguments.
        if not issubclass(error.dirac, ValueError) or (operation.Type == v.SET_FILE_STATUS and not operation.Arguments):
            raise
        operation.Error = str(error)
        operation.Status = v.FAILED
        return dict(S_ERROR(operation.Error))
    answer = HANDLERS[operation.Type](arguments, honour_force)
    if answer["OK"]:
        operation.Status = v.DONE
    else:
        operation.Error = answer["Message"]
    return answer


def _forward_diset(stub: Any, _honour_force: bool) -> Result:
    """Repeat the call that a stub describes: a sequence, or a dict of DiracX."""
    if isinstance(stub, dict):
        service, method, args = _diracx_call(stub)
    elif isinstance(stub, Sequence):  # also a text, which is then of the wrong length: a ValueError, as in DIRAC
        (service, parameters), method, args = stub
        dict(parameters)  # DIRAC makes a client of these, whose calls take the default time all the same
    else:
        raise TypeError(f"A stub is a sequence or a dict, not {type(stub).__name__}")
    if not isinstance(method, str):
        raise TypeError(f"The method of a stub is a text, not {type(method).__name__}")
    return call(service, method, *args)


def _diracx_call(stub: dict[str, Any]) -> tuple[str, Any, Any]:
    name = stub.get("dCls")
    if name not in SERVICES:
        raise TypeError(f"A stub of {name!r} cannot be replayed, only of {sorted(SERVICES)}")
    if stub["kwargs"]:
        raise TypeError(f"A stub with arguments by name cannot be replayed: {stub['kwargs']}")
    return SERVICES[name], stub["dMeth"], stub["args"]


def _set_file_status(wanted: Any, honour_force: bool) -> Result:
    """Give files of a transformation the statuses that could not be given before."""
    force = {"force" if honour_force else "lfns": wanted["force"]}
    client = TransformationClient()
    answer = client.setFileStatusForTransformation(wanted["transformation"], wanted["statusDict"], **force)
    return answer if answer["OK"] else dict(S_ERROR(f"failed to change status: {answer['Message']}"))


HANDLERS: Final[dict[str, Callable[[Any, bool], Result]]] = {
    v.FORWARD_DISET: _forward_diset,
    v.SET_FILE_STATUS: _set_file_status,
}
"""The function that executes an operation, by type: it takes decoded arguments and ``honour_force``; it answers."""
