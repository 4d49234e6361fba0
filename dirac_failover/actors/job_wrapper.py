"""The JobWrapper's part after the module: it hands over the job's request files.

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
"""Minutes by which the JobWrapper delays its request."""
TRIES: Final = 10
PENDING_REQUEST: Final = "PendingRequest"
_log = gLogger.getSubLogger("JobWrapper")


class BrokenFileError(ValueError):
    """A file with a request's name is no request: the JobWrapper breaks down on it."""


def request_files(names: Iterable[str]) -> list[str]:
    """Return the names of request files in alphabetical order; DIRAC takes the order of the directory."""
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
    """Hand a request over, up to ten times; return the request system's answer, or ``S_OK(None)``.

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
