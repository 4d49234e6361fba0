"""The JobWrapper's part after the module: it hands over what the job has left in its directory.

The order is that of DIRAC 9.1's ``JobWrapper.sendFailoverRequest``: the operations of every ``*_request.json``, then
the wrapper's own report; one request, ten tries, and the job parameter ``PendingRequest``.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from DIRACCommon.Core.Utilities.ReturnValues import S_ERROR, S_OK

from dirac_failover.clients.req_client import ReqClient
from dirac_failover.log import gLogger
from dirac_failover.request.request import Request
from dirac_failover.request.validator import RequestValidator
from dirac_failover.wire.rpc import connection

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dirac_failover.clients.job_report import JobReport
    from dirac_failover.wire.rpc import Result

DELAY: Final = 45
"""Minutes that the job wrapper wants its request to wait."""
TRIES: Final = 10
PENDING_REQUEST: Final = "PendingRequest"
_log = gLogger.getSubLogger("JobWrapper")


class BrokenFileError(ValueError):
    """A file of a request's name that is no request: the JobWrapper breaks down on it."""


def request_files(names: Iterable[str]) -> list[str]:
    """Return those of the names that are taken for requests, in alphabetical order; DIRAC's own is the directory's."""
    return sorted(name for name in names if name.endswith("_request.json") and not name.startswith("."))


def merged(job_id: int, texts: Mapping[str, str]) -> Request:
    """Return one request with the operations of all requests in some files, whose texts are given by name.

    Raises BrokenFileError, from DIRAC's exception, for a file that is no request.
    """
    request = Request()
    request.delayNextExecution(DELAY)
    request.RequestName, request.JobID, request.SourceComponent = f"job_{job_id}", job_id, f"Job_{job_id}"
    for name in request_files(texts):
        try:
            operations = list(Request(json.loads(texts[name])))
        except Exception as error:
            raise BrokenFileError(f"the job wrapper breaks down on {name}: {error}") from error
        for operation in operations:
            request.addOperation(operation)
    return request


def send(request: Request, report: JobReport) -> Result:
    """Hand a request over, up to ten times; return what the request system answered, or ``S_OK(None)``.

    The pause after the n-th failure is (n-1)³ seconds, besides those of ReqClient. An invalid request is not sent: the
    error is then without a text, as DIRAC's.
    """
    pending = report.generateForwardDISET()
    if pending["OK"] and pending["Value"]:
        request.addOperation(pending["Value"])
    if request.isEmpty():
        return dict(S_OK())
    valid = RequestValidator().validate(request)
    if not valid["OK"]:
        _log.error("An invalid request is not handed over:", valid["Message"])
        return dict(S_ERROR())
    for failures in range(TRIES):
        answer = ReqClient().putRequest(request)
        if answer["OK"]:
            report.setJobParameter(PENDING_REQUEST, request.getDigest()["Value"])
            break
        connection().sleep(failures**3)
    return answer
