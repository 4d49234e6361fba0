"""The client of Transformation/TransformationManager: which status a transformation's file may take next.

The rules are the table :data:`RULES`; the service itself takes any status. Names are DIRAC's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from DIRACCommon.Core.Utilities.ReturnValues import S_OK

from dirac_failover import vocabulary as v
from dirac_failover.clients.base import Client
from dirac_failover.log import gLogger
from dirac_failover.wire import jencode
from dirac_failover.wire.dencode import DecodeError
from dirac_failover.wire.rpc import Result, connection

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ANY: Final = object()

RULES: Final = (
    # current      wanted    only when it failed too often   becomes instead
    (v.PROCESSED, ANY, False, v.PROCESSED),
    (v.MAX_RESET, v.UNUSED, False, v.MAX_RESET),
    (ANY, v.UNUSED, True, v.MAX_RESET),
)
"""The first row that fits a file's current and wanted status decides, unless forced; else the wanted one."""

LFNS_A_CALL: Final = 1000
TRIES: Final = 5
LOOK_UP_TIMEOUT: Final = 1800
"""Seconds."""
DEFAULT_MAX_RESET: Final = 10

_log = gLogger.getSubLogger("TransformationClient")


def _inner(text: Any) -> Result:
    """Return the return structure in an answer; another value raises as in DIRAC (TypeError unless it is a text)."""
    try:
        structure: Result = jencode.decode(text)[0]
    except DecodeError as error:
        raise cast("Exception", error.__cause__) from None
    return structure


class TransformationClient(Client):
    """Looks up and changes the statuses of a transformation's files; calls any other method by its name."""

    service = v.TRANSFORMATION

    def __init__(self, **kwargs: Any) -> None:
        """Read ``maxResetCounter`` (a file that failed so many times, or a multiple, is not reset) from the options."""
        super().__init__(**kwargs)
        try:
            self.maxResetCounter = int(connection().options.get(v.OPTION_MAX_RESET, DEFAULT_MAX_RESET))
        except ValueError:
            self.maxResetCounter = DEFAULT_MAX_RESET

    def getTransformationFiles(  # noqa: PLR0913, PLR0917 - DIRAC's signature
        self,
        condDict: dict[str, Any] | None = None,
        older: Any = None,
        newer: Any = None,
        timeStamp: str | None = None,
        orderAttribute: str | None = None,
        limit: int | None = None,
        timeout: int = LOOK_UP_TIMEOUT,
        offset: int = 0,
        maxfiles: int | None = None,
        columns: list[str] | None = None,
    ) -> Result:
        """Return ``S_OK`` of the rows (dicts) of the files that fit ``condDict``.

        With LFNs in ``condDict`` they are asked for in sorted chunks of ``limit``, from ``offset`` on; DIRAC leaves the
        last chunk in the caller's dict, and so does this. The service answers with JSON text of a second return
        structure: when that one is not OK the call is repeated at once, five calls in all; a failed call is not.
        """
        conditions = {} if condDict is None else condDict
        stamp = "LastUpdate" if timeStamp is None else timeStamp

        def ask(first: int | None = None, most: int | None = None) -> tuple[Result, bool]:
            arguments = (conditions, older, newer, stamp, orderAttribute, first, most, columns)
            answer = self.executeRPC(*arguments, call="getTransformationFiles", timeout=timeout)
            if not answer["OK"]:
                return answer, False
            return _inner(answer["Value"]), True

        if "LFN" not in conditions:
            # In this order, though the service reads them as limit and offset: DIRAC's
            answer, _ = ask(offset, maxfiles)
            return dict(S_OK(answer["Value"])) if answer["OK"] else answer

        lfns = [conditions["LFN"]] if isinstance(conditions["LFN"], str) else sorted(conditions["LFN"])
        limit = limit or LFNS_A_CALL
        files: list[Any] = []
        for start in range(offset, len(lfns), limit):
            conditions["LFN"] = lfns[start : start + limit]
            for attempt in range(TRIES):
                answer, repeatable = ask()
                if answer["OK"] or not repeatable:
                    break
                _log.error(f"The files could not be looked up (try {attempt + 1} of {TRIES}):", answer["Message"])
            if not answer["OK"]:
                return answer
            _log.verbose("Files found:", len(answer["Value"]))
            files += answer["Value"]
            if maxfiles and len(files) >= maxfiles:
                return dict(S_OK(files[:maxfiles]))
        return dict(S_OK(files))

    def setFileStatusForTransformation(
        self,
        transName: int | str,
        newLFNsStatus: dict[str, str] | str | None = None,
        lfns: Iterable[str] | None = None,
        force: bool = False,
    ) -> Result:
        """Give files a status, as far as :data:`RULES` or ``force`` allow; return ``S_OK`` of what changed, by LFN.

        ``newLFNsStatus`` maps LFNs to statuses, or is one status for ``lfns`` (one or several). LFNs that the
        transformation does not know, and statuses that stay the same, are passed over in silence (H6, H7).
        """
        wanted: Any = newLFNsStatus
        if isinstance(newLFNsStatus, str):
            wanted = dict.fromkeys([lfns] if lfns and isinstance(lfns, str) else lfns or (), newLFNsStatus)
        if not wanted:
            return dict(S_OK({}))
        answer = self.getTransformationFiles({"TransformationID": transName, "LFN": list(wanted)})
        if not answer["OK"]:
            return answer
        known = {row["LFN"]: [row["Status"], row["ErrorCount"], row["FileID"]] for row in answer["Value"]}
        changes = self._applyTransformationFilesStateMachine(known, wanted, force) if known else {}
        if changes:
            updates = {
                known[lfn][2]: [status, self._wasFileInError(status, known[lfn][0])] for lfn, status in changes.items()
            }
            answer = self.executeRPC(transName, updates, call="setFileStatusForTransformation")
            if not answer["OK"]:
                return answer
        return dict(S_OK(changes))

    def _wasFileInError(self, newStatus: str, currentStatus: str) -> bool:
        """Return whether the service must count an error: the file was with a job, which did not process it."""
        return currentStatus == v.ASSIGNED and newStatus != v.PROCESSED

    def _applyTransformationFilesStateMachine(
        self, tsFilesAsDict: Mapping[str, list[Any]], dictOfProposedLFNsStatus: Mapping[str, str], force: bool
    ) -> dict[str, str]:
        """Return the statuses that change, by LFN; an experiment's client may override it.

        ``tsFilesAsDict`` maps LFNs to [status, error count, file ID].
        """
        changes = {}
        for lfn, wanted in dictOfProposedLFNsStatus.items():
            if lfn in tsFilesAsDict:
                current, errors, _ = tsFilesAsDict[lfn]
                allowed = self._next_status(
                    current, errors, wanted
                )  # with a counter of zero this raises, also by force
                if (status := wanted if force else allowed) != current:
                    changes[lfn] = status
        return changes

    def _next_status(self, current: str, errors: int, wanted: str) -> str:
        for held, asked, only_worn, instead in RULES:
            if held in (ANY, current) and asked in (ANY, wanted):
                return instead if not only_worn or (errors and errors % self.maxResetCounter == 0) else wanted
        return wanted
