"""Fake clients: they take a module's reports in memory, without service, connection or pytest.

Reports that have reached the service are ``statuses``, ``parameters``, ``files``, ``records``, ``requests``; unsent
ones are where DIRAC's client keeps them (``appStatusInfo``, ``statusDict``, ...). Every public method is recorded in
``journal``, and can be given answers (:mod:`~dirac_fakes.answers`). A call inside a fake gets no scripted answer.
``tests/fakes/test_clients.py`` runs the same on the clients of each implementation.

The clients of one service each are in :mod:`~dirac_fakes.service_clients`. Names of methods and arguments, and their
defaults, are DIRAC's.
"""

from __future__ import annotations

import copy
import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Final

from DIRACCommon.Core.Utilities.ReturnValues import S_ERROR

from dirac_fakes import clock
from dirac_fakes.answers import Script, Scripting, script_of
from dirac_fakes.service import Result, names, ok

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Unpack

    from dirac_fakes.journal import Journal

_CONNECTION: Final = names(
    "timeout useCertificates extraCredentials setup VO delegatedDN delegatedGroup ignoreGateways proxyLocation "
    "proxyString proxyChain skipCACheck keepAliveLapse useAccessToken"
)
"""The keywords of DIRAC's clients for the connection, which a fake ignores."""


class Fake:
    """The base class of the fakes: each has a ``name`` in ``workflow_commons`` and in the journal."""

    name: ClassVar[str]

    def __init__(self, given: Any) -> None:
        """Begin with the given script; AnswerError names the nearest method, answer or exception."""
        answers = given.get("answers")
        if type(answers) is not Script:
            scripting = {key: value for key, value in given.items() if key not in _CONNECTION}
            answers = script_of(self.name, type(self), scripting)  # type: ignore[arg-type]
        self._script = answers

    @property
    def journal(self) -> Journal:
        """The calls so far."""
        return self._script.journal

    held: Any
    """The unsent reports."""


def _plain(status: str) -> str:
    return status.replace("'", "")


def _is_finite(value: Any) -> bool:
    """Return whether no number in a value is NaN or infinite, which JSON does not know."""
    if isinstance(value, (dict, list, tuple, set)):
        return all(map(_is_finite, value.values() if isinstance(value, dict) else value))
    try:
        return not isinstance(value, (float, Decimal)) or math.isfinite(value)
    except ValueError:  # a signalling NaN
        return False


class FakeJobReport(Fake):
    """Stands for JobReport: ``statuses`` are the application statuses that were sent, ``parameters`` those by name.

    ``job_statuses`` are the pairs of status and minor status that were sent.

    >>> report = FakeJobReport(answers={"setApplicationStatus": ["s_error", "ok"]})
    >>> report.setApplicationStatus("Step 1")["OK"]
    False
    >>> report.statuses
    []
    >>> report.setApplicationStatus("Step 2")["OK"]
    True
    >>> report.statuses
    ['Step 1', 'Step 2']
    """

    name = "JobReport"

    def __init__(self, jobid: int | str = 77, source: str = "", **scripting: Unpack[Scripting]) -> None:
        """Report for a job, in the name of ``source``, ``Job_<id>`` if empty; nothing is sent for the job 0."""
        super().__init__(scripting)
        self.jobStatusInfo: list[tuple[str, str, str]] = []
        self.appStatusInfo: list[tuple[str, str]] = []
        self.jobParameters: list[tuple[Any, Any]] = []
        self.jobID = int(jobid)
        self.source = source or f"Job_{self.jobID}"
        self.statuses: list[str] = []
        self.job_statuses: list[tuple[str, str]] = []
        self.parameters: dict[str, Any] = {}

    @property
    def held(self) -> dict[str, Any]:
        """The unsent application statuses, the unsent parameters as [name, value], and the job."""
        statuses = [text for text, _ in self.appStatusInfo]
        return {"jobID": self.jobID, "statuses": statuses, "parameters": [*map(list, self.jobParameters)]}

    def setJob(self, jobID: int) -> Any:
        """Report for another job from now on."""

        def do() -> None:
            self.jobID = jobID

        return self._script.asked(self.name, "setJob", (jobID,), do, bare=True)

    def setJobStatus(
        self, status: str = "", minorStatus: str = "", applicationStatus: str = "", sendFlag: bool = True
    ) -> Any:
        """Keep a status, and send all that is kept if ``sendFlag``."""
        now = str(clock.utcnow())
        self.jobStatusInfo.append((_plain(status), _plain(minorStatus), now))
        if applicationStatus:
            self.appStatusInfo.append((_plain(applicationStatus), now))
        do = self._send_statuses if sendFlag and self.jobID else ok
        return self._script.asked(self.name, "setJobStatus", (status, minorStatus, applicationStatus, sendFlag), do)

    def setApplicationStatus(self, appStatus: Any, sendFlag: bool = True) -> Any:
        """Keep an application status, and send all that is kept if ``sendFlag``."""
        text = appStatus if isinstance(appStatus, str) else repr(appStatus)
        self.appStatusInfo.append((_plain(text), str(clock.utcnow())))
        do = self._send_statuses if sendFlag and self.jobID else ok
        return self._script.asked(self.name, "setApplicationStatus", (appStatus, sendFlag), do)

    def setJobParameter(self, par_name: Any, par_value: Any, sendFlag: bool = True) -> Any:
        """Keep a parameter, and send all that are kept if ``sendFlag``."""
        return self._keep([(par_name, par_value)], sendFlag, "setJobParameter", (par_name, par_value, sendFlag))

    def setJobParameters(self, parameters: Iterable[tuple[Any, Any]], sendFlag: bool = True) -> Any:
        """Keep (name, value) pairs, and send all that are kept if ``sendFlag``."""
        pairs = list(parameters)
        return self._keep(pairs, sendFlag, "setJobParameters", ([*pairs], sendFlag))

    def _keep(self, pairs: list[tuple[Any, Any]], sendFlag: bool, method: str, args: tuple[Any, ...]) -> Any:
        self.jobParameters += [(name, value) for name, value in pairs if _is_finite(value)]
        return self._script.asked(self.name, method, args, self._send_parameters if sendFlag and self.jobID else ok)

    def sendStoredStatusInfo(self) -> Any:
        """Send the statuses that are kept."""
        return self._script.asked(self.name, "sendStoredStatusInfo", (), self._send_statuses)

    def sendStoredJobParameters(self) -> Any:
        """Send the parameters that are kept."""
        return self._script.asked(self.name, "sendStoredJobParameters", (), self._send_parameters)

    def commit(self) -> Any:
        """Send all that is kept."""

        def do() -> Result:
            self._send_statuses()
            self._send_parameters()
            return ok()

        return self._script.asked(self.name, "commit", (), do)

    def generateForwardDISET(self) -> Any:
        """Send the statuses; the answer ``operation`` is an operation that carries them."""

        def do() -> Result:
            self._send_statuses()
            return ok()

        return self._script.asked(self.name, "generateForwardDISET", (), do)

    def dump(self) -> Any:
        """Print the unsent reports."""

        def do() -> None:
            for title, rows in (
                ("Job status info:", [f"{status:20} {minor:30} {time}" for status, minor, time in self.jobStatusInfo]),
                ("Application status info:", [f"{status:20} {time}" for status, time in self.appStatusInfo]),
                ("Job parameters:", [f"{name:20} {value:30}" for name, value in self.jobParameters]),
            ):
                print(title, *rows, sep="\n")  # noqa: T201 - the purpose of the method

        return self._script.asked(self.name, "dump", (), do, bare=True)

    def _send_statuses(self) -> Result:
        """Send the statuses that are not empty, for each moment the last one; if all are empty, keep them."""
        texts = {time: text for text, time in self.appStatusInfo if text}
        pairs = self._said() if self.jobStatusInfo else []
        if not texts and not pairs:
            return ok("Empty")
        self.statuses += texts.values()
        self.job_statuses += pairs
        self.jobStatusInfo, self.appStatusInfo = [], []
        return ok()

    def _said(self) -> list[tuple[str, str]]:
        said: dict[str, tuple[str, str]] = {}
        for status, minor, time in self.jobStatusInfo:
            before = said.get(time, ("", ""))
            said[time] = status or before[0], minor or before[1]
        return [pair for pair in said.values() if any(pair)]

    def _send_parameters(self) -> Result:
        if not self.jobParameters:
            return ok("Empty")
        self.parameters.update(self.jobParameters)
        self.jobParameters = []
        return ok()


class FakeFileReport(Fake):
    """Stands for FileReport: ``files`` are the statuses that were sent, by LFN; every file takes every status.

    >>> report = FakeFileReport(answers={"commit": ["s_error", "ok"]})
    >>> report.setFileStatus(12, "/vo/a", "Processed")["OK"], report.commit()["OK"]
    (True, False)
    >>> report.files, report.statusDict
    ({}, {'/vo/a': 'Processed'})
    >>> report.commit()
    {'OK': True, 'Value': {'/vo/a': 'Processed'}}
    >>> report.files, report.statusDict
    ({'/vo/a': 'Processed'}, {})
    """

    name = "FileReport"

    def __init__(
        self,
        server: str = "Transformation/TransformationManager",  # noqa: ARG002 - DIRAC's
        **scripting: Unpack[Scripting],
    ) -> None:
        """Start without files."""
        super().__init__(scripting)
        self.statusDict: dict[str, Any] = {}
        self.transformation: Any = None
        self.force = False
        self.files: dict[str, Any] = {}

    @property
    def held(self) -> dict[str, Any]:
        """The unsent statuses, the transformation and ``force``."""
        return {"transformation": self.transformation, "force": self.force, "statusDict": self.statusDict}

    def setFileStatus(self, transformation: Any, lfn: Any, status: Any, sendFlag: bool = False) -> Any:
        """Keep the status of a file, or of each in a list, tuple or dictionary; send all if ``sendFlag``."""

        def do() -> Result:
            self.transformation = self.transformation or transformation
            for name in lfn if isinstance(lfn, (list, tuple, dict)) else (lfn,):
                self.statusDict[name] = status
            return self._send() if sendFlag else ok()

        return self._script.asked(self.name, "setFileStatus", (transformation, lfn, status, sendFlag), do)

    def setCommonStatus(self, status: Any) -> Any:
        """Give every file that is kept the same status."""

        def do() -> Result:
            self.statusDict = dict.fromkeys(self.statusDict, status)
            return ok()

        return self._script.asked(self.name, "setCommonStatus", (status,), do)

    def getFiles(self) -> Any:
        """Return a copy of the statuses that are kept, without a return structure."""
        return self._script.asked(self.name, "getFiles", (), self.statusDict.copy, bare=True)

    def commit(self) -> Any:
        """Send the statuses; the Value holds those."""
        return self._script.asked(self.name, "commit", (), self._send)

    def generateForwardDISET(self) -> Any:
        """Send the statuses; the answer ``operation`` is an operation that carries them."""

        def do() -> Result:
            self._send()
            return ok()

        return self._script.asked(self.name, "generateForwardDISET", (), do)

    def _send(self) -> Result:
        sent, self.statusDict = self.statusDict, {}
        self.files.update(sent)
        return ok(sent)


class FakeDataStoreClient(Fake):
    """Stands for DataStoreClient, the ``AccountingReport`` of a workflow: ``records`` are those that were sent.

    >>> client = FakeDataStoreClient()
    >>> client.commit()
    {'OK': True, 'Value': 0}
    """

    name = "AccountingReport"

    def __init__(self, retryGraceTime: float = 0, **given: Any) -> None:  # noqa: ARG002 - DIRAC's
        """Start without records; ``given`` is as for each fake, and as for each client of DIRAC."""
        super().__init__(given)
        self._DataStoreClient__registersList: list[list[Any]] = []  # DIRAC's name, which others look into
        self.records: list[list[Any]] = []

    @property
    def held(self) -> dict[str, Any]:
        """The number of unsent records."""
        return {"records": len(self._DataStoreClient__registersList)}

    def addRegister(self, register: Any) -> Any:
        """Keep a copy of a record, if a class named BaseAccountingType is among its ancestors, and its own check is OK.

        The record's values are type name, start, end, and a list.
        """

        def do() -> Any:
            if all(kind.__name__ != "BaseAccountingType" for kind in type(register).__mro__[1:]):
                return S_ERROR("register is not a valid type (has to inherit from BaseAccountingType")
            check = register.checkValues()
            if check["OK"]:
                self._DataStoreClient__registersList.append(copy.deepcopy(list(register.getValues())))
            return ok() if check["OK"] else check

        return self._script.asked(self.name, "addRegister", (register,), do)

    def commit(self) -> Any:
        """Send the records; the Value is their number."""
        return self._script.asked(self.name, "commit", (), self._send)

    def delayedCommit(self) -> Any:
        """Send the records: at once, where DIRAC waits for five seconds."""

        def do() -> Result:
            self._send()
            return ok()

        return self._script.asked(self.name, "delayedCommit", (), do)

    def disableFailover(self) -> Any:
        """Do nothing: a fake has no fail-over."""
        return self._script.asked(self.name, "disableFailover", (), lambda: None, bare=True)

    def _send(self) -> Result:
        sent, self._DataStoreClient__registersList = self._DataStoreClient__registersList, []
        self.records += sent
        return ok(len(sent))
