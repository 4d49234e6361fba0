"""The client of RequestManagement/ReqManager: hands over requests, through a request proxy if the service fails.

Names are DIRAC's. Methods for the end of a job are here; those that need the databases of jobs are not.
"""

from __future__ import annotations

from typing import Any

from DIRACCommon.Core.Utilities.List import fromChar
from DIRACCommon.Core.Utilities.ReturnValues import S_OK

from dirac_failover import vocabulary as v
from dirac_failover.clients.base import Client
from dirac_failover.log import gLogger
from dirac_failover.request.request import Request
from dirac_failover.request.validator import RequestValidator
from dirac_failover.wire.rpc import Result, connection


class ReqClient(Client):
    """Puts requests and gets them back; calls any other method of the service by its name."""

    service = v.REQ_MANAGER

    def __init__(self, url: str | None = None, **kwargs: Any) -> None:  # noqa: ARG002 - DIRAC's
        """Point at ``url`` or at the ReqManager."""
        super().__init__(url)
        self.log = gLogger.getSubLogger("ReqClient")

    def requestProxies(self) -> dict[str, Client]:
        """Return a client for each request proxy that the options name, by its (complete) URL."""
        urls = fromChar(connection().options.get(v.OPTION_REQUEST_PROXIES, ""))
        if not urls:
            self.log.warn("There is no request proxy, for want of the option", v.OPTION_REQUEST_PROXIES)
        return {url: Client(url) for url in urls}

    def requestValidator(self) -> RequestValidator:
        """Return the validator of requests before they are sent."""
        return RequestValidator()

    def putRequest(self, request: Request, useFailoverProxy: bool = True, retryMainService: int = 0) -> Result:
        """Hand ``request`` over; return ``S_OK`` of its ID, or of what the proxy did with it (``set``, ``saved``).

        The service is tried ``1 + retryMainService`` times, with a pause of 1 to 5 seconds after *each* failure, the
        last one too; then, if ``useFailoverProxy``, the proxies in a random order. An invalid request is not sent. The
        failure that is returned says what each of them answered, by key, and has neither Errno nor CallStack.
        """
        judgement: Result = self.requestValidator().validate(request)
        if not judgement["OK"]:
            self.log.error("An invalid request is not sent:", judgement["Message"])
            return judgement
        text: Result = request.toJSON()
        if not text["OK"]:
            return text

        world = connection()
        failure: Result = {"OK": False}
        for _ in range(1 + retryMainService):
            answer = self.executeRPC(text["Value"], call="putRequest")
            if answer["OK"]:
                return answer
            failure["RequestManager"] = answer["Message"]
            world.sleep(world.random.randint(1, 5))
        self.log.warn(f"The ReqManager did not take the request {request.RequestName}:", answer["Message"])

        others = self.requestProxies() if useFailoverProxy else {}
        for url in world.random.sample(list(others), len(others)):
            answer = others[url].putRequest(text["Value"])
            if answer["OK"]:
                done = answer["Value"]
                self.log.info(
                    f"The request proxy {url} has set, or else saved, the request:", done["set"] or done["saved"]
                )
                return answer
            self.log.warn(f"The request proxy {url} did not take the request:", answer["Message"])
            failure[f"RequestProxy({url})"] = answer["Message"]
        failure["Message"] = f"ReqClient.putRequest: unable to set request '{request.RequestName}'"
        self.log.error("The request was taken by no service:", request.RequestName)
        return failure

    def getRequest(self, requestID: int = 0) -> Result:
        """Take the request ``requestID`` (0: any that is due) for execution; ``S_OK(Request)``, or ``S_OK(None)``."""
        return self._as_request(self.executeRPC(requestID, call="getRequest"))

    def peekRequest(self, requestID: int) -> Result:
        """Return the request ``requestID`` without taking it, otherwise as :meth:`getRequest`."""
        return self._as_request(self.executeRPC(int(requestID), call="peekRequest"))

    def _as_request(self, answer: Result) -> Result:
        if not answer["OK"]:
            self.log.error("No request was given out:", answer["Message"])
            return answer
        return dict(S_OK(Request(answer["Value"]))) if answer["Value"] else answer
