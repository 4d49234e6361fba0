"""The executable specification of DIRAC 9.1's clients: the calls that each one makes of its services.

The module behaves as in :mod:`~dirac_failover.spec.model.module`. Its collaborators are clients here: they keep reports
until a service takes them, call the services of :mod:`~dirac_failover.spec.model.services`, and turn calls that failed
into operations. :func:`speaks_of` tells for which scenarios the model is complete.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Final

from dirac_failover.spec.model.module import run_step
from dirac_failover.spec.model.request import as_text, encoded, forward, invalid, number_operations, operation
from dirac_failover.spec.model.run import ModelRun, plain
from dirac_failover.spec.model.services import TRANSFORMATION, VALUES, Services, Times, fault, now
from dirac_failover.spec.observation import Scrubber
from dirac_failover.spec.profiles import DIRAC_9_1
from dirac_failover.spec.scenario import (
    DEFAULT_ATTRIBUTES,
    DEFAULT_COMMONS,
    DEFAULT_ENVIRONMENT,
    DEFAULT_STEP,
    LIVE,
    MISSING,
    NONE,
    typed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dirac_failover.spec.observation import Observation
    from dirac_failover.spec.profiles import Profile
    from dirac_failover.spec.scenario import Json, Scenario

RULES: Final = (
    # present, wanted, only after too many errors, becomes
    ("Processed", None, False, "Processed"),
    ("MaxReset", "Unused", False, "MaxReset"),
    (None, "Unused", True, "MaxReset"),
)
"""The rules of TN: the present status of a file and the wanted one (None: any), and the status that it gets."""

TOO_OFTEN: Final = 10
"""A file with so many errors, or a multiple of it, has failed too often, unless an option says another number."""
MAX_RESET: Final = "Transformations/FilesMaxResetCounter"

FILES_AT_ONCE: Final = 1000
TRIES: Final = 5
"""The number of files in one lookup, and of lookups while the answer has an error in the place of rows."""

RECORDS_AT_ONCE: Final = 5000
DISABLE_ACCOUNTING: Final = "/LocalSite/DisableAccounting"
DISABLE_FAILOVER: Final = "/LocalSite/DisableFailover"
PROXIES: Final = "RequestManagement/ReqProxyURLs"
OPTIONS: Final = frozenset({MAX_RESET, DISABLE_ACCOUNTING, DISABLE_FAILOVER, PROXIES})

RECORD: Final = ["StorageOccupancy", *map(dt.datetime.fromisoformat, ("2026-01-01T11:00", "2026-01-01T11:59")), VALUES]
"""An accounting record of a job; the service has numbers for its times."""

WHENEVER: Final = (None, None, "LastUpdate", None, None, None, None)
"""The other arguments of a lookup: files changed at any time, by LastUpdate, all of them, with all columns."""

IDENTIFIERS: Final = {"jobID": 77, "production_id": 12, "prod_job_id": 34, "step_number": 1, "step_id": "12_34_1"}
"""The identifiers of a module that has identified its task before."""

OK: Final[Mapping[str, Json]] = {"OK": True, "Value": None}
NOT_OK: Final[Mapping[str, Json]] = {"OK": False}
"""An error whose text is never read."""

MADE: Final[dict[str, dict[str, Json]]] = {
    "JobReport": {"report_job": 0, "unsent_statuses": (), "unsent_parameters": {}},
    "FileReport": {"reported": {}},
    "Request": {"operations": ()},
}
"""The collaborators that the module makes if they are missing, and the fields of a scenario that are empty then."""


def expected(scenario: Scenario) -> Observation:
    """Return the observation that DIRAC 9.1 must make in a scenario that :func:`speaks_of` accepts."""
    for name, nothing in MADE.items():
        if scenario.collaborators[name] == MISSING:
            scenario = replace(scenario, **nothing)
    run = ClientRun(scenario, DIRAC_9_1)
    return run.outcome(*run_step(run))


def speaks_of(scenario: Scenario) -> bool:
    """Return whether the model is complete for a scenario: the usual job, with clients only, and with known faults.

    Other jobs, and jobs that cannot be identified, are in regions with scripted collaborators.
    """
    there = dict(scenario.collaborators)
    accounting = there.pop("AccountingReport", NONE)
    commons = {name: value for name, value in scenario.workflow_commons.items() if name != "InputData"}
    return (
        there.keys() == MADE.keys()
        and {LIVE, MISSING}.issuperset(there.values())
        and accounting in {LIVE, NONE}
        and all(map(fault, scenario.faults))
        and OPTIONS.issuperset(scenario.options)
        and commons == DEFAULT_COMMONS
        and scenario.environment == DEFAULT_ENVIRONMENT
        and scenario.step_commons == DEFAULT_STEP
        and scenario.attributes.keys() - IDENTIFIERS.keys() == DEFAULT_ATTRIBUTES.keys()
        and all(scenario.attributes.get(name, number) == number for name, number in IDENTIFIERS.items())
        and not scenario.answers
    )


class ClientRun(ModelRun):
    """One execution with clients: the reports that they keep, and the services that they call."""

    def __init__(self, scenario: Scenario, profile: Profile) -> None:
        """Begin in the situation of the scenario."""
        super().__init__(scenario, profile)
        self.times = Times()
        self.services = Services(scenario, self.times, self.steps)
        self.job_statuses: list[tuple[str, str, int]] = []
        self.unsent = []
        self.source = f"Job_{scenario.report_job or 77}"
        for kept in scenario.unsent_statuses:
            self._keep(*["", "", kept] if isinstance(kept, str) else kept, application_only=isinstance(kept, str))
        parameters = {name: typed(value) for name, value in scenario.unsent_parameters.items()}
        self.parameters = [[name, Scrubber().plain(value)] for name, value in parameters.items() if is_finite(value)]
        if scenario.options.get(DISABLE_ACCOUNTING):
            self.records = 0
        self.transformation = int(TRANSFORMATION) if scenario.reported else None

    def _keep(self, status: str, minor: str, application: str, *, application_only: bool) -> None:
        """Take statuses of an earlier module: `JobReport.setJobStatus(status, minorStatus, applicationStatus, false)`.

        UK.1. Keep status and minor status, as texts without apostrophes, with the present time; and the application
              status, unless it is empty, with the same time.
        """
        time = now()
        if not application_only:
            self.job_statuses.append((plain(status), plain(minor), time))
        if application or application_only:
            self.unsent.append((plain(application), time))

    def ask(self, target: str, method: str, *_: Json, **__: Json) -> Json:
        """Call a client, which also changes its own state."""
        return CLIENTS[f"{target}.{method}"](self)

    def report_file(self, transformation: Json, lfn: str, status: str) -> None:
        """Take the status of a file: `FileReport.setFileStatus(transformation, lfn, status, sendFlag=false)`.

        TS.1. Keep the status by LFN, and the transformation, and send nothing. Answer OK with the Value null.
        TS.2. `FileReport.getFiles()` returns the statuses that are kept, by LFN, without a return structure.
        """
        self.transformation = transformation
        self.statuses[lfn] = status

    def send_status(self, status: str, send: Json = True) -> Json:
        """Take an application status: `JobReport.setApplicationStatus(status, sendFlag=true)`.

        US.1. Keep the status, as a text without apostrophes, with the present time.
        US.2. If sendFlag is true, send all statuses (UT), and answer with the result. Otherwise answer OK.
        """
        self.unsent.append((plain(status), now()))
        return send_statuses(self) if send else OK

    def send_parameter(self, name: str, value: str, send: Json) -> Json:
        """Take a job parameter: `JobReport.setJobParameter(name, value, sendFlag=true)`.

        UP.1. Keep name and value. A value that is or contains a number that is not finite (NaN, infinity) is dropped.
        UP.2. If sendFlag is true and there are parameters, call `setJobParameters(jobID, [[name, value], ...])` of the
              service JobStateUpdate (SP) with all of them. If the answer is OK, forget them. Answer with it.
        UP.3. Otherwise answer OK. The end of a job never sends parameters: those that are kept are lost with it.
        """
        self.parameters.append([name, value])
        if not send:
            return OK
        answer = self.services.call("job-state", "setJobParameters", self.attributes["jobID"], [*self.parameters])
        if answer["OK"]:
            self.parameters.clear()
        return answer

    def job_report_state(self) -> Json:
        """Return the statuses with their times, and the parameters, that the job report keeps."""
        return {
            "jobID": self.attributes["jobID"], "source": self.source,
            "jobStatusInfo": [[status, minor, self.times.show(time)] for status, minor, time in self.job_statuses],
            "appStatusInfo": [[status, self.times.show(time)] for status, time in self.unsent],
            "jobParameters": self.parameters,
        }  # fmt: skip

    def accounting_state(self) -> Json:
        """Return the records, in the list that the client has."""
        return {"_DataStoreClient__registersList": [RECORD] * self.records}

    def services_state(self) -> Json:
        """Return the state of the services."""
        return self.services.state()


def is_finite(value: Json) -> bool:
    """Return whether all numbers in a parameter are finite."""
    if isinstance(value, float | Decimal):
        return Decimal(value).is_finite()
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple | set) else ()
    return all(map(is_finite, inside))


def commit_files(run: ClientRun) -> Json:
    """Send the statuses of files: `FileReport.commit()`.

    This is done by `TransformationClient.setFileStatusForTransformation`.

    TC.1. If there are no statuses, answer OK.
    TC.2. Take the LFNs in alphabetical order, 1000 at a time. For each bundle call `getTransformationFiles({
          "TransformationID": transformation, "LFN": [...]}, null, null, "LastUpdate", null, null, null, null)` of the
          service TransformationManager (SF). An answer that is not OK is the answer, and nothing more is sent.
    TC.3. The Value is the JSON text of another answer, whose Value is a list of rows. If that is not OK, repeat the
          call, five calls in all; then answer with it.
    TC.4. For each row compute the new Status from the present one (TN). If it differs, let the change of its FileID be
          [new status, error], where error is true if the file was Assigned and is not Processed now. An LFN without a
          row is passed over: its status is lost.
    TC.5. If there are changes, call `setFileStatusForTransformation(transformation, changes)` of the service (SS). If
          its answer is not OK, answer with it.
    TC.6. Forget the statuses, and answer OK.
    """
    if not run.statuses:
        return OK
    call, transformation = run.services.call, run.transformation
    names, rows = sorted(run.statuses), []
    for first in range(0, len(names), FILES_AT_ONCE):
        wanted = {"TransformationID": transformation, "LFN": names[first : first + FILES_AT_ONCE]}
        for _ in range(TRIES):
            found = call("transformation", "getTransformationFiles", wanted, *WHENEVER)
            if not found["OK"]:
                return found
            inside = json.loads(found["Value"])
            if inside["OK"]:
                break
        else:
            return inside
        rows += inside["Value"]
    changes = {}
    for row in rows:
        old = row["Status"]
        worn = partial(is_worn, row["ErrorCount"], run.scenario.options.get(MAX_RESET, ""))
        new = next_status(old, run.statuses[row["LFN"]], forced=run.force, worn=worn)
        if new != old:
            changes[str(row["FileID"])] = [new, old == "Assigned" and new != "Processed"]
    taken = call("transformation", "setFileStatusForTransformation", transformation, changes) if changes else OK
    if taken["OK"]:
        run.statuses = {}
    return taken


def next_status(present: str, wanted: str, *, forced: bool, worn: Callable[[], bool]) -> str:
    """Compute the status that a file gets.

    TN.1. Find the first line of the table below that fits the file's present status and the wanted one. A file has
          failed too often if its ErrorCount is not 0, and is a multiple of the option
          `Transformations/FilesMaxResetCounter` (of 10, if that is no number; ZeroDivisionError if it is 0).
    TN.2. If there is one, and the file report's `force` is not set, the file gets the status of that line. Otherwise it
          gets the wanted status.
    """
    for has, asked, only_worn, becomes in RULES:
        if has in {None, present} and asked in {None, wanted}:
            final = worn() if only_worn else True  # also where the file is forced: the option is read in any case
            return becomes if final and not forced else wanted
    return wanted


def is_worn(failed: int, limit: str) -> bool:
    """Return whether a file has failed too often, as TN.1 says."""
    return bool(failed) and failed % (int(limit) if limit.isdecimal() else TOO_OFTEN) == 0


def forward_files(run: ClientRun) -> Json:
    """Send the statuses of files or turn them into an operation: `FileReport.generateForwardDISET()`.

    TF.1. Send the statuses once more (TC). If the answer is OK, answer OK with the Value null.
    TF.2. Otherwise answer OK with an operation of Type SetFileStatus, whose Arguments are the encoding (D) of
          {"transformation": transformation, "statusDict": status by LFN, "force": force}. The statuses are kept.
    """
    if commit_files(run)["OK"]:
        return OK
    pending = {"transformation": run.transformation, "statusDict": run.statuses, "force": run.force}
    return {"OK": True, "Value": operation("SetFileStatus", encoded(pending))}


def send_statuses(run: ClientRun) -> Json:
    """Send the statuses of the job: `JobReport.sendStoredStatusInfo()`.

    UT.1. For each time at which a status was kept, make an update {"Source": `Job_{jobID}`}, with Status, MinorStatus
          and ApplicationStatus where they were given and are not empty. Statuses of the same time share one update;
          those of Status and MinorStatus come before those of ApplicationStatus. The number in Source is that of the
          job for which the report was made.
    UT.2. If there is no such update, answer OK with the Value `Empty`; the statuses stay.
    UT.3. Call `setJobStatusBulk(jobID, updates by time, false)` of the service JobStateUpdate (SB).
    UT.4. If the answer is OK, forget all statuses. Answer with it.
    """
    kept = [
        (time, name, text)
        for status, minor, time in run.job_statuses
        for name, text in (("Status", status), ("MinorStatus", minor))
    ]
    kept += [(time, "ApplicationStatus", text) for text, time in run.unsent]
    updates: dict[str, dict[str, str]] = {}
    for time, name, text in kept:
        if text:
            updates.setdefault(run.times.show(time), {"Source": run.source})[name] = text
    if not updates:
        return OK
    answer = run.services.call("job-state", "setJobStatusBulk", run.attributes["jobID"], updates, False)
    if answer["OK"]:
        run.unsent.clear()
        run.job_statuses.clear()
    return answer


def forward_statuses(run: ClientRun) -> Json:
    """Send the statuses of the job or turn them into an operation: `JobReport.generateForwardDISET()`.

    UF.1. Send the statuses once more (UT). If the answer is OK, answer OK with the Value null.
    UF.2. Otherwise, if the answer has an rpcStub, answer OK with the operation that repeats the call (DO). The statuses
          are kept as well.
    UF.3. Otherwise answer the error `Could not create ForwardDISET operation`: the statuses stay, and are lost.
    """
    answer = send_statuses(run)
    if answer["OK"]:
        return OK
    return {"OK": True, "Value": forward(answer)} if "rpcStub" in answer else NOT_OK


def commit_records(run: ClientRun) -> Json:
    """Send the accounting records: `DataStoreClient.commit()`.

    ZC.1. While there are records, call `commitRegisters(records)` of the service DataStore (SA) with the first 5000.
    ZC.2. If the answer is not OK and the option `/LocalSite/DisableFailover` is set, answer the error `Cannot commit
          data to DataStore service`. If it is not set, put a request (ZR) with the operation that repeats the call
          (DO), and go on with the answer of that.
    ZC.3. If the answer is OK, remove these records and go to ZC.1. Otherwise answer with it; the records stay.
    ZC.4. Answer OK. An exception in any of these steps (also a KeyError, if an answer has no rpcStub) becomes the error
          `Error committing {repr of the exception}`. With the option `/LocalSite/DisableAccounting` no record was kept.
    """
    try:
        while run.records:
            some = min(run.records, RECORDS_AT_ONCE)
            done = run.services.call("accounting", "commitRegisters", [RECORD] * some)
            if not done["OK"]:
                if run.scenario.options.get(DISABLE_FAILOVER):
                    return NOT_OK
                done = put_request(run, forward(done))
            if not done["OK"]:
                return done
            run.records -= some
    except Exception:  # noqa: BLE001 - also that the call cannot be repeated
        return NOT_OK
    return OK


def put_request(run: ClientRun, pending: Json) -> Json:
    """Put a request with one operation: `ReqClient.putRequest(request)`.

    ZR.1. Make a request with the operation, the owner of the present proxy, the RequestName
          `Accounting.DataStore.{time}.{random number}`, JobID 0 and SourceComponent null. If it is not valid (V),
          answer an error.
    ZR.2. Call `putRequest(text)`, with the JSON text (J), of the service ReqManager (SR).
    ZR.3. While the answer is not OK, call the same of the next service ReqProxy (SX) that the option
          `RequestManagement/ReqProxyURLs` names, separated by commas; their order is random.
    ZR.4. Answer with the last answer.
    """
    named = {"RequestName": "Accounting.DataStore.<name>", "JobID": 0, "SourceComponent": None}
    request = {**run.request, **named, "Operations": [pending]}
    number_operations(request["Operations"])
    if invalid(request, run.profile):
        return NOT_OK
    text = as_text(request, run.profile)
    answer = run.services.call("requests", "putRequest", text)
    for _ in filter(None, run.scenario.options.get(PROXIES, "").split(",")):
        if not answer["OK"]:
            answer = run.services.call("req-proxy", "putRequest", text)
    return answer


CLIENTS: Final[dict[str, Callable[[ClientRun], Json]]] = {
    "FileReport.getFiles": lambda run: dict(run.statuses),
    "FileReport.commit": commit_files,
    "FileReport.generateForwardDISET": forward_files,
    "JobReport.generateForwardDISET": forward_statuses,
    "AccountingReport.commit": commit_records,
}
"""The methods of clients that the module calls."""
