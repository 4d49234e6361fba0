"""The client of Accounting/DataStore: it keeps records, sends them in bundles, or hands them to the request system.

Names are DIRAC's, that of the private list of records included, so that a test can look into both.
"""

from __future__ import annotations

import copy
import threading
import time
from contextvars import copy_context
from typing import Any, Final

from DIRACCommon.Core.Utilities.DErrno import ERMSUKN
from DIRACCommon.Core.Utilities.ReturnValues import S_ERROR, S_OK

from dirac_failover import vocabulary as v
from dirac_failover.clients.base import Client, operation_for
from dirac_failover.clients.req_client import ReqClient
from dirac_failover.log import gLogger
from dirac_failover.request.request import Request
from dirac_failover.wire.rpc import Result, connection

RECORDS_A_BUNDLE: Final = 5000
COMMIT_DELAY: Final = 5
"""Seconds."""

_log = gLogger.getSubLogger("DataStoreClient")


def _is_on(option: str) -> bool:
    return str(connection().options.get(option)).lower() in ("y", "yes", "true", "1")


class DataStoreClient(Client):
    """Keeps accounting records until the accounting, or the request system for it, has taken them."""

    service = v.DATA_STORE

    def __init__(self, retryGraceTime: float = 0, **kwargs: Any) -> None:  # noqa: ARG002 - DIRAC's
        """Wait ``retryGraceTime`` seconds since the last success, or since now, before failures go to fail-over."""
        super().__init__()  # a url among the keywords is passed over as well: DIRAC's
        self.__registersList: list[list[Any]] = []
        self._lock = threading.RLock()
        self._grace = retryGraceTime
        self._last_success = time.time()
        self._failover = not _is_on(v.OPTION_DISABLE_FAILOVER)
        self._timer: threading.Timer | None = None

    def disableFailover(self) -> None:
        """Keep records when the accounting does not take them, instead of handing them to the request system."""
        self._failover = False

    def addRegister(self, register: Any) -> Result:
        """Keep a copy of a record; not OK if its class has no ancestor named BaseAccountingType, or by its own check.

        An ancestor of that *name* will do, as in DIRAC: any module's accounting types are welcome.
        """
        if not any(parent.__name__ == "BaseAccountingType" for parent in register.__class__.__mro__[1:]):
            return dict(S_ERROR("register is not a valid type (has to inherit from BaseAccountingType"))
        check: Result = register.checkValues()
        if not check["OK"]:
            return check
        if not _is_on(v.OPTION_DISABLE_ACCOUNTING):
            # Copied first: DIRAC has looked the list up by then, and loses the record if a commit comes in between
            record = copy.deepcopy(list(register.getValues()))
            with self._lock:
                self.__registersList.append(record)
        return dict(S_OK())

    def commit(self) -> Result:
        """Send every record kept, in bundles; return ``S_OK`` of how many the accounting or the fail-over took.

        Records that no service took are kept, behind newer ones. While another thread's commit is under way its records
        are not here: 0 is no promise about them (H18).
        """
        with self._lock:
            pending, self.__registersList = self.__registersList, []
        sent = 0
        try:
            while pending:
                bundle = pending[:RECORDS_A_BUNDLE]
                result = self._deliver(bundle)
                if not result["OK"]:
                    return result
                sent += len(bundle)
                del pending[:RECORDS_A_BUNDLE]
        except Exception as error:  # noqa: BLE001 - the records must be kept after any exception
            _log.exception("The commit broke off:", lException=error)
            return dict(S_ERROR(f"Error committing {repr(error).replace(',)', ')')}"))
        finally:
            with self._lock:
                self.__registersList.extend(pending)
        return dict(S_OK(sent))

    def _deliver(self, bundle: list[list[Any]]) -> Result:
        answer = self.executeRPC(bundle, call="commitRegisters")
        if answer["OK"]:
            self._last_success = time.time()
            return answer
        _log.warn("The accounting did not take records:", answer["Message"])
        if self._failover and time.time() - self._last_success > self._grace:
            return _send_to_failover(answer["rpcStub"])
        return dict(S_ERROR("Cannot commit data to DataStore service"))

    def delayedCommit(self) -> Result:
        """Commit in five seconds, together with what comes until then; one such commit waits at a time."""
        if self._timer is None or not self._timer.is_alive():
            # The thread does not see this context's connection by itself
            self._timer = threading.Timer(COMMIT_DELAY, copy_context().run, (self.commit,))
            self._timer.start()
        return dict(S_OK())


def _send_to_failover(rpc_stub: Any) -> Result:
    """Put a request that repeats the failed call."""
    try:
        request = Request()
        request.RequestName = f"Accounting.DataStore.{time.time()}.{connection().random.random()}"
        request.addOperation(operation_for(v.FORWARD_DISET, rpc_stub))
        return ReqClient().putRequest(request)
    except Exception as error:  # noqa: BLE001 - the caller keeps the records
        return dict(S_ERROR(ERMSUKN, f"Exception sending accounting failover request: {error!r}"))
