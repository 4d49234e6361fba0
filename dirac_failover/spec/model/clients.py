"""The specification of DIRAC 9.1's clients: what each one does with its services when the module calls it.

The module behaves as in :mod:`~dirac_failover.spec.model.module`. Its collaborators are clients here: they keep what
they are given, call the services of :mod:`~dirac_failover.spec.model.services`, and make operations of calls that
failed. There is one function for each call of the module; :func:`speaks_of` tells for which scenarios it holds.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from dirac_failover.spec.model.module import invalid, step
from dirac_failover.spec.model.run import ModelRun, as_text, number_operations, operation, plain
from dirac_failover.spec.model.services import TRANSFORMATION, Moment, Services, Times, fault
from dirac_failover.spec.profiles import DIRAC_9_1
from dirac_failover.spec.scenario import (
    DEFAULT_ATTRIBUTES,
    DEFAULT_COMMONS,
    DEFAULT_ENVIRONMENT,
    DEFAULT_STEP,
    LIVE,
    MISSING,
    NONE,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from dirac_failover.spec.observation import Observation
    from dirac_failover.spec.profiles import Profile
    from dirac_failover.spec.scenario import Json, Scenario

RULES: Final = (
    # has, wanted, only if it failed too often, becomes
    ("Processed", None, False, "Processed"),
    ("MaxReset", "Unused", False, "MaxReset"),
    (None, "Unused", True, "MaxReset"),
)
"""Which statuses of files are final unless forced, and for which wanted ones (None: all); any other file takes any."""

TOO_OFTEN: Final = 10
"""A file that failed so many times, or a multiple of it, is not to be tried once more; an option may say another."""
MAX_RESET: Final = "Transformations/FilesMaxResetCounter"

FILES_AT_ONCE: Final = 1000
TRIES: Final = 5
"""How many files are looked up at once, and how often, while an error comes instead of rows."""

RECORDS_AT_ONCE: Final = 5000
DISABLE_ACCOUNTING: Final = "/LocalSite/DisableAccounting"
DISABLE_FAILOVER: Final = "/LocalSite/DisableFailover"
PROXIES: Final = "RequestManagement/ReqProxyURLs"
OPTIONS: Final = frozenset({MAX_RESET, DISABLE_ACCOUNTING, DISABLE_FAILOVER, PROXIES})

RECORD: Final = ["Job", *map(dt.datetime.fromisoformat, ("2026-01-01T11:00", "2026-01-01T11:59")), ["alice", 59]]
"""What jobs account for; the services show its times as numbers."""

WHENEVER: Final = (None, None, "LastUpdate", None, None, None, None)
"""The rest of the question for files: changed at any time, in any order, all of them, with all that is known."""

IDENTIFIERS: Final = {"jobID": 77, "production_id": 12, "prod_job_id": 34, "step_number": 1, "step_id": "12_34_1"}
"""Who the module is, if it has found that out before."""

OK: Final[Mapping[str, Json]] = {"OK": True, "Value": None}
NOT_OK: Final[Mapping[str, Json]] = {"OK": False}
"""An error; its text is not used."""

MADE: Final[dict[str, dict[str, Json]]] = {
    "JobReport": {"report_job": 0, "unsent_statuses": (), "unsent_parameters": {}},
    "FileReport": {"reported": {}},
    "Request": {"operations": ()},
}
"""The collaborators that the module makes itself if nobody has, and what a new one holds: nothing."""


def expected(scenario: Scenario) -> Observation:
    """Return what must be observed of DIRAC 9.1 in a scenario that :func:`speaks_of` is true of."""
    for name, nothing in MADE.items():
        if scenario.collaborators[name] == MISSING:
            scenario = replace(scenario, **nothing)
    job = ClientRun(scenario, DIRAC_9_1)
    return job.outcome(*step(job))


def speaks_of(scenario: Scenario) -> bool:
    """Tell whether this is the usual job with any past, all collaborators are clients, and the faults are known.

    Other jobs, and jobs that cannot be identified, are asked about where collaborators are scripted.
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
    """One execution with clients: what they hold, and the services that they call."""

    def __init__(self, scenario: Scenario, profile: Profile) -> None:
        """Begin with what the scenario lays out."""
        super().__init__(scenario, profile)
        self.times = Times()
        self.services = Services(scenario, self.times, self.steps)
        self.job_statuses: list[tuple[str, str, Moment]] = []
        self.unsent = []
        self.source = f"Job_{scenario.report_job or 77}"
        for said in scenario.unsent_statuses:
            self._told(*["", "", said] if isinstance(said, str) else said, application_only=isinstance(said, str))
        self.parameters = [
            [name, shown(value)] for name, value in scenario.unsent_parameters.items() if is_finite(value)
        ]
        if scenario.options.get(DISABLE_ACCOUNTING):
            self.records = 0
        self.transformation = int(TRANSFORMATION) if scenario.reported else None

    def _told(self, status: str, minor: str, application: str, *, application_only: bool) -> None:
        """The job report keeps what an earlier module said: all of it under one time."""
        now = Moment()
        if not application_only:
            self.job_statuses.append((plain(status), plain(minor), now))
        if application or application_only:
            self.unsent.append((plain(application), now))

    def ask(self, target: str, method: str, *_: Json, **__: Json) -> Json:
        """Ask a client, which also takes care of what it holds: nothing is left to be applied."""
        return CLIENTS[f"{target}.{method}"](self)

    def report_file(self, transformation: Json, lfn: str, status: str) -> None:
        """The file report keeps the status, and for which transformation."""
        self.transformation = transformation
        self.statuses[lfn] = status

    def send_status(self, status: str, send: Json = True) -> Json:
        """The job report keeps the status, and sends all that it keeps."""
        self.unsent.append((plain(status), Moment()))
        return send_statuses(self) if send else OK

    def send_parameter(self, name: str, value: str, send: Json) -> Json:
        """The job report keeps the parameter, and sends all that it keeps."""
        self.parameters.append([name, value])
        return send_parameters(self) if send else OK

    def held_by_job_report(self) -> Json:
        """Statuses with their times, and parameters, which are not sent."""
        return {
            "jobID": self.attributes["jobID"], "source": self.source,
            "jobStatusInfo": [[status, minor, self.times.show(moment)] for status, minor, moment in self.job_statuses],
            "appStatusInfo": [[status, self.times.show(moment)] for status, moment in self.unsent],
            "jobParameters": self.parameters,
        }  # fmt: skip

    def held_by_accounting(self) -> Json:
        """The records, in a list that is the client's own."""
        return {"_DataStoreClient__registersList": [RECORD] * self.records}

    def held_by_services(self) -> Json:
        """What the services hold."""
        return self.services.state()


def shown(value: Json) -> Json:
    """A parameter as an outcome shows it: of what JSON does not know, the kind."""
    if isinstance(value, list):
        return [*map(shown, value)]
    if not isinstance(value, dict):
        return value
    kind, item = next(iter(value.items()), ("", ""))
    if kind in {"decimal", "set"}:
        return {"decimal": "<Decimal>", "set": "<set>"}[kind]
    return shown(item) if kind == "tuple" else {key: shown(each) for key, each in value.items()}


def is_finite(value: Json) -> bool:
    """Whether no number in a parameter is endless, or none at all: the others are left out."""
    if isinstance(value, list):
        return all(map(is_finite, value))
    if not isinstance(value, dict):
        return True
    kind, item = next(iter(value.items()), ("", ""))
    if kind in {"float", "decimal"}:
        return not item.lower().strip("-").startswith(("nan", "snan", "inf"))
    return all(map(is_finite, value.values()))


def commit_files(job: ClientRun) -> Json:
    """The file report looks the files up, and sends the statuses that change; the others are passed over."""
    if not job.statuses:
        return OK
    call, whose = job.services.call, job.transformation
    names, rows = sorted(job.statuses), []
    for first in range(0, len(names), FILES_AT_ONCE):
        wanted = {"TransformationID": whose, "LFN": names[first : first + FILES_AT_ONCE]}
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
        worn = partial(is_worn, row["ErrorCount"], job.scenario.options.get(MAX_RESET, ""))
        new = next_status(old, job.statuses[row["LFN"]], forced=job.force, worn=worn)
        if new != old:
            changes[str(row["FileID"])] = [new, old == "Assigned" and new != "Processed"]
    taken = call("transformation", "setFileStatusForTransformation", whose, changes) if changes else OK
    if taken["OK"]:
        job.statuses = {}
    return taken


def next_status(has: str, wanted: str, *, forced: bool, worn: Callable[[], bool] = bool) -> str:
    """Which status a file takes."""
    for held, asked, only_worn, becomes in RULES:
        if held in {None, has} and asked in {None, wanted}:
            final = worn() if only_worn else True  # asked in any case: there may be no answer
            return becomes if final and not forced else wanted
    return wanted


def is_worn(failed: int, limit: str) -> bool:
    """Whether a file failed too often: ZeroDivisionError if the option says 0 times."""
    return bool(failed) and failed % (int(limit) if limit.isdecimal() else TOO_OFTEN) == 0


def forward_files(job: ClientRun) -> Json:
    """The file report tries once more, and then makes an operation that says what could not be said."""
    if commit_files(job)["OK"]:
        return OK
    pending = {"transformation": job.transformation, "statusDict": job.statuses, "force": job.force}
    return {"OK": True, "Value": operation("SetFileStatus", encoded(pending))}


def send_statuses(job: ClientRun) -> Json:
    """The job report sends all statuses that say something, each under its time; once they are taken, none is kept.

    What was said at one time goes together.
    """
    said = [
        (moment, name, text)
        for status, minor, moment in job.job_statuses
        for name, text in (("Status", status), ("MinorStatus", minor))
    ]
    said += [(moment, "ApplicationStatus", text) for text, moment in job.unsent]
    updates: dict[str, dict[str, str]] = {}
    for moment, name, text in said:
        if text:
            updates.setdefault(job.times.show(moment), {"Source": job.source})[name] = text
    if not updates:
        return OK
    answer = job.services.call("job-state", "setJobStatusBulk", job.attributes["jobID"], updates, False)
    if answer["OK"]:
        job.unsent.clear()
        job.job_statuses.clear()
    return answer


def send_parameters(job: ClientRun) -> Json:
    """The job report sends all parameters; once they are taken, none is kept."""
    answer = job.services.call("job-state", "setJobParameters", job.attributes["jobID"], [*job.parameters])
    if answer["OK"]:
        job.parameters.clear()
    return answer


def forward_statuses(job: ClientRun) -> Json:
    """The job report tries once more, and then makes an operation of the call that failed, and keeps the statuses."""
    answer = send_statuses(job)
    if answer["OK"]:
        return OK
    return {"OK": True, "Value": forward(answer)} if "rpcStub" in answer else NOT_OK


def commit_records(job: ClientRun) -> Json:
    """The accounting client sends the records in bundles, or puts a request; it keeps those that no service takes."""
    try:
        while job.records:
            some = min(job.records, RECORDS_AT_ONCE)
            done = job.services.call("accounting", "commitRegisters", [RECORD] * some)
            if not done["OK"]:
                if job.scenario.options.get(DISABLE_FAILOVER):
                    return NOT_OK
                done = put_request(job, forward(done))
            if not done["OK"]:
                return done
            job.records -= some
    except Exception:  # noqa: BLE001 - also that the call cannot be repeated
        return NOT_OK
    return OK


def put_request(job: ClientRun, pending: Json) -> Json:
    """A request with one operation, owned by the user of the present proxy, is handed to the request system.

    Where that does not take it, the request proxies are asked.
    """
    named = {"RequestName": "Accounting.DataStore.<name>", "JobID": 0, "SourceComponent": None}
    request = {**job.request, **named, "Operations": [pending]}
    number_operations(request["Operations"])
    if invalid(request, job.profile):
        return NOT_OK
    text = as_text(request, job.profile)
    answer = job.services.call("requests", "putRequest", text)
    for _ in filter(None, job.scenario.options.get(PROXIES, "").split(",")):
        if not answer["OK"]:
            answer = job.services.call("req-proxy", "putRequest", text)
    return answer


CLIENTS: Final[dict[str, Callable[[ClientRun], Json]]] = {
    "FileReport.getFiles": lambda job: dict(job.statuses),
    "FileReport.commit": commit_files,
    "FileReport.generateForwardDISET": forward_files,
    "JobReport.generateForwardDISET": forward_statuses,
    "AccountingReport.commit": commit_records,
}
"""What clients do when they are asked."""


def forward(answer: Json) -> Json:
    """The operation that repeats the call of an answer."""
    return operation("ForwardDISET", encoded(answer["rpcStub"]))


def encoded(value: Json) -> str:
    """A value in DIRAC's encoding, with times as an outcome shows them."""
    return ENCODED[type(value)](value)


def _in_turn(values: Iterable[Json]) -> str:
    return "".join(map(encoded, values))


TIME_LENGTH: Final = len("2026-01-01 12:00:00.000001")

ENCODED: Final[dict[type, Callable[[Json], str]]] = {
    bool: lambda value: f"b{value:d}",
    int: lambda value: f"i{value}e",
    str: lambda value: f"s{TIME_LENGTH if value.startswith('<T') else len(value.encode())}:{value}",
    list: lambda value: f"l{_in_turn(value)}e",
    tuple: lambda value: f"t{_in_turn(value)}e",
    dict: lambda value: f"d{_in_turn(item for pair in value.items() for item in pair)}e",
    dt.datetime: lambda value: f"zat{_in_turn((*value.timetuple()[:6], value.microsecond))}ne",
}
"""How values of each type are encoded; a text says how many bytes it has, a time how many it had."""
