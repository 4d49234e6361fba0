"""The report of a job on its input files: the status of each, kept until the transformation has taken it.

Names are DIRAC's, and so is the rule that one report speaks of one transformation: the first that was named (H14).
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from DIRACCommon.Core.Utilities.ReturnValues import S_OK

from dirac_failover import vocabulary as v
from dirac_failover.clients.base import operation_for
from dirac_failover.clients.transformation import TransformationClient

if TYPE_CHECKING:
    from dirac_failover.wire.rpc import Result


class FileReport:
    """Reports the statuses of files (``statusDict``: LFN to status) to one ``transformation``.

    With ``force`` the transformation's rules about which status may follow which are not applied.
    """

    def __init__(self, server: str = v.TRANSFORMATION) -> None:
        """Report to ``server``, a ``System/Service`` or a URL."""
        self.transClient = TransformationClient()
        self.transClient.setServer(server)
        self.statusDict: dict[str, str] = {}
        self.transformation: Any = None
        self.force = False

    def setFileStatus(
        self,
        transformation: int | str,
        lfn: str | list[str] | tuple[str, ...] | dict[str, Any],
        status: str,
        sendFlag: bool = False,
    ) -> Result:
        """Keep the status of a file (or of each in a list, tuple or dict), and commit if ``sendFlag``."""
        if not self.transformation:
            self.transformation = transformation
        self.statusDict.update(dict.fromkeys(lfn if isinstance(lfn, (list, tuple, dict)) else [lfn], status))
        return self.commit() if sendFlag else dict(S_OK())

    def setCommonStatus(self, status: str) -> Result:
        """Give every file kept the same status."""
        self.statusDict.update(dict.fromkeys(self.statusDict, status))
        return dict(S_OK())

    def getFiles(self) -> dict[str, str]:
        """Return a copy of the statuses kept."""
        return copy.deepcopy(self.statusDict)

    def commit(self) -> Result:
        """Send the statuses; forget them once taken. The Value holds only what changed (H6: an unknown LFN is lost)."""
        if not self.statusDict:
            return dict(S_OK({}))
        answer = self.transClient.setFileStatusForTransformation(self.transformation, self.statusDict, force=self.force)
        if answer["OK"]:
            self.statusDict = {}
        return answer

    def generateForwardDISET(self) -> Result:
        """Commit; return ``S_OK(None)``, or ``S_OK(Operation)`` that repeats the refused report later."""
        if self.commit()["OK"]:
            return dict(S_OK())
        pending = {"transformation": self.transformation, "statusDict": self.statusDict, "force": self.force}
        return dict(S_OK(operation_for(v.SET_FILE_STATUS, pending)))
