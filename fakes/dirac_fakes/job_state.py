"""WorkloadManagement/JobStateUpdate: one row, one history and one set of parameters for each job.

Method names, arguments and answers are DIRAC's. The decision which status holds is DIRACCommon's; around it stand the
service's own rules, of which the strangest are marked.
"""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from DIRACCommon.Core.Utilities import TimeUtilities
from DIRACCommon.WorkloadManagementSystem.Client import JobStatus
from DIRACCommon.WorkloadManagementSystem.Utilities import JobStatusUtility

from dirac_fakes.columns import ColumnError, fold
from dirac_fakes.service import Result, Service, mysql, names, ok, refusal

if TYPE_CHECKING:
    from collections.abc import Iterable

_MAY_TOUCH_ANY_JOB = frozenset(("JobAdministrator", "TrustedHost", "Operator", "GenericPilot"))
_SEE_UNKNOWN_JOBS = frozenset(("JobAdministrator", "TrustedHost", "Operator"))
_SOURCE_LENGTH = 32
_APPLICATION_LENGTH = 255
_JOBS_PER_INDEX = 1e6  # a float, as in DIRAC: it shows in the names for huge IDs
_LOGGED_SINCE = 1_270_000_000
_RUNNING_SINCE = timedelta(minutes=1)


# Both are typed for other arguments than DIRAC's service gives them, or not at all
_times: Any = TimeUtilities
_rules: Any = JobStatusUtility


class _Silent:
    """A logger without output, which DIRACCommon's functions need."""

    def debug(self, *_: object) -> None:
        """Log nothing."""

    error = debug


_SILENT = _Silent()


class JobState(Service):
    """The service that keeps the status of jobs."""

    short = "job-state"
    full = "WorkloadManagement/JobStateUpdate"
    faked = names(
        "setJobStatus setJobStatusBulk setJobApplicationStatus setJobParameter setJobParameters setJobsParameter "
        "sendHeartBeat"
    )
    not_faked = names("setJobAttribute setJobSite updateJobFromStager")

    __slots__ = ("_read",)

    def start(self) -> None:
        """Forget everything."""
        self._read: dict[int, tuple[list[dict[str, Any]], int, dict[str, float]]] = {}
        self.state = {"jobs": {}, "history": {}, "parameters": {}, "heartbeats": {}}

    def add(self, job_id: int, **columns: Any) -> None:
        """Register a job that has been running for a minute; ``columns`` are DIRAC's and replace its first values.

        Its history begins with that status: without any history the service refuses updates, as DIRAC does.
        """
        now = self.world.clock.now() - _RUNNING_SINCE
        row = {
            "Status": JobStatus.RUNNING,
            "MinorStatus": "Application",
            "ApplicationStatus": "Unknown",
            "Owner": self.world.caller.username,
            "OwnerGroup": self.world.caller.group,
            "StartExecTime": now,
            "EndExecTime": None,
            "HeartBeatTime": now,
            "LastUpdateTime": now,
        }
        if unknown := columns.keys() - row.keys():
            raise ValueError(f"A job has no {', '.join(sorted(unknown))}; it has {', '.join(row)}")
        self.touch("jobs", job_id)
        self.touch(*[] if job_id in self.state["history"] else ("history", job_id))
        self.state["jobs"][job_id] = {**row, **columns}
        self.state["history"][job_id] = []
        self._log(job_id, {**row, **columns, "Source": "JobManager"}, now)

    def move(self, seconds: int) -> None:
        """Move all recorded times by ``seconds``."""
        self.touch()
        by = timedelta(seconds=seconds)
        for job in self.state["jobs"].values():
            job.update({name: time + by for name, time in job.items() if isinstance(time, datetime)})
        for row in (row for rows in self.state["history"].values() for row in rows):
            row.update(StatusTime=str(_times.fromString(row["StatusTime"]) + by), Epoch=row["Epoch"] + seconds)

    def status(self, job_id: int) -> tuple[str, str, str]:
        """Return status, minor status and application status of a job."""
        job = self.state["jobs"][job_id]
        return job["Status"], job["MinorStatus"], job["ApplicationStatus"]

    def parameters(self, job_id: int) -> dict[str, Any]:
        """Return the parameters of a job by name, without those that the service adds."""
        kept = self.state["parameters"].get(job_id, {})
        return {name: value for name, value in kept.items() if name not in {"JobID", "timestamp"}}

    def setJobStatusBulk(self, jobID: int | str, statusDict: dict[str, Any], force: bool = False) -> Result:
        """Take several updates, each under its time; answer what changed besides the major status."""
        return self._refused(jobID) or self._bulk(int(jobID), statusDict, force)

    def setJobStatus(  # noqa: PLR0913, PLR0917 - DIRAC's signature
        self,
        jobID: int | str,
        status: str = "",
        minorStatus: str = "",
        source: str = "Unknown",
        datetime: str | None = None,
        force: bool = False,
    ) -> Result:
        """Take one update of major and minor status, by default of now."""
        update = {"Status": status, "MinorStatus": minorStatus}
        return self._refused(jobID) or self._one(int(jobID), update, source, datetime, force)

    def setJobApplicationStatus(self, jobID: int | str, appStatus: str, source: str = "Unknown") -> Result:
        """Take one update of the application status of now."""
        return self._refused(jobID) or self._one(int(jobID), {"ApplicationStatus": appStatus}, source, None, None)

    def setJobParameters(self, jobID: int | str, parameters: Iterable[tuple[str, Any]]) -> Result:
        """Keep (name, value) pairs; the first ones of a job answer the name of their index, later ones None."""
        return self._refused(jobID) or self._keep(int(jobID), dict(parameters))

    def setJobParameter(self, jobID: int | str, name: str, value: Any) -> Result:
        """Keep one parameter."""
        return self._refused(jobID) or self._keep(int(jobID), {name: value})

    def setJobsParameter(self, jobsParameterDict: dict[str, tuple[Any, Any]]) -> Result:
        """Keep one parameter for each job; the last job that may not be changed makes the error, the others count."""
        answer = ok()
        refusals = {job_id: self._refused(job_id) for job_id in jobsParameterDict}
        for job_id, refused in refusals.items():
            if refused:
                answer = refused
            else:
                name, value, *_ = map(str, jobsParameterDict[job_id])
                self._keep(int(job_id), {name: value})
        return answer

    def sendHeartBeat(self, jobID: int | str, dynamicData: dict[str, Any], staticData: dict[str, Any]) -> Result:
        """Take a sign of life; answer no commands.

        One without a time of its own makes any job Running; one with it, only a Stalled or Matched job.
        """
        if refused := self._refused(jobID):
            return refused
        job_id, beat = int(jobID), {**dynamicData}
        self.touch("jobs", job_id)
        if job := self.state["jobs"].get(job_id):
            with suppress(ColumnError):  # DIRAC only logs the error
                self._beat(job_id, job, beat)
        for name, value in staticData.items():
            self._keep(job_id, {name: value})
        if self._job(job_id) is None:
            return refusal(f"Job {jobID} not found")
        if job["Status"] in (JobStatus.STALLED, JobStatus.MATCHED):
            job.update(LastUpdateTime=self.world.clock.now(), Status=JobStatus.RUNNING)
        return ok({})

    def _beat(self, job_id: int, job: dict[str, Any], beat: dict[str, Any]) -> None:
        self._pulse(job, beat.pop("HeartBeatTime", None))
        now = self.world.clock.now()
        self.touch("heartbeats", job_id)
        beats = self.state["heartbeats"].setdefault(job_id, [])
        second = now.replace(microsecond=0)
        known = {fold(name) for name, _, when in beats if when == second}
        for name, value in beat.items():
            row = self.fit("JobDB.HeartBeatLoggingInfo", {"Name": name, "Value": value})
            if fold(row["Name"]) in known:
                return  # a second one of the same second is refused, and what follows is not tried
            known.add(fold(row["Name"]))
            beats.append([row["Name"], row["Value"], second])

    def _pulse(self, job: dict[str, Any], time: str | None) -> None:
        if time:
            kept = self.fit("JobDB.Jobs", {"HeartBeatTime": time})["HeartBeatTime"]
            job["HeartBeatTime"] = time if kept and str(time).startswith(kept) else kept  # with its fraction
        else:
            job.update(HeartBeatTime=self.world.clock.now(), Status=JobStatus.RUNNING)

    def _refused(self, job_id: int | str) -> Result | None:
        caller = self.world.caller
        job = self.state["jobs"].get(int(job_id))
        if job is None:
            allowed = not _SEE_UNKNOWN_JOBS.isdisjoint(caller.properties)
        else:
            allowed = (
                job["Owner"] == caller.username
                or not _MAY_TOUCH_ANY_JOB.isdisjoint(caller.properties)
                or (job["OwnerGroup"] == caller.group and "JobSharing" in caller.properties)
            )
        return None if allowed else refusal(f"Not authorized to modify job {job_id}")

    def _one(self, job_id: int, update: dict[str, Any], source: str, time: str | None, force: bool | None) -> Result:
        if not any(update.values()):
            return ok()
        return self._bulk(job_id, {time or str(self.world.clock.now()): {**update, "Source": source}}, force)

    def _job(self, job_id: int) -> dict[str, Any] | None:
        self.fit("JobLoggingDB.LoggingInfo", {"JobID": job_id})  # it is looked for by way of such a column
        job: dict[str, Any] | None = self.state["jobs"].get(job_id)
        return job

    def _bulk(self, job_id: int, updates: dict[str, Any], force: bool | None) -> Result:
        job = self._job(job_id)
        if job is None:
            return refusal("No Matching Job")
        history = self.state["history"][job_id]
        if not history:
            return refusal(f"No Logging Info for job {job_id}")
        self.touch("jobs", job_id)
        # A stalled job that sends a sign of life is running
        current = JobStatus.RUNNING if job["Status"] == JobStatus.STALLED else job["Status"]
        updates = {time: {key: item for key, item in update.items() if item} for time, update in updates.items()}
        times = sorted(updates)
        stamps = self._stamps(job_id, history)
        last = _times.toString(_times.fromEpoch(stamps[-1][0]))
        start, end = _rules.getStartAndEndTime(job["StartExecTime"], job["EndExecTime"], times, stamps, updates)
        changed: dict[str, str] = {}
        # Times are compared as text; an older update only goes to the history
        if times[-1] >= last:
            force = force and "JobAdministrator" in self.world.caller.properties
            result = _rules.getNewStatus(job_id, times, last, updates, current, force, _SILENT)
            if not result["OK"]:
                return refusal(result["Message"])
            status, minor, application = result["Value"]
            now = self.world.clock.now()
            # Two statements: a refusal of the second leaves the first done
            job.update(self.fit("JobDB.Jobs", {"Status": status} if status else {}), LastUpdateTime=now)
            said = {"MinorStatus": minor, "ApplicationStatus": application}
            changed = {name: value for name, value in said.items() if value}
            job.update(self.fit("JobDB.Jobs", changed))
        self._set_times(job, start, end)
        beat = None
        for time in times:
            when = time or str(self.world.clock.now())
            if updates[time].get("Source", "").startswith("Job"):
                beat = time
            try:
                date = _times.fromString(when)
            except Exception:  # noqa: BLE001 - DIRAC's history takes now for what is no time
                date = self.world.clock.now()
            self._log(job_id, updates[time], date)
        if beat is not None:
            try:
                self._pulse(job, beat)
            except ColumnError as error:
                return refusal(f"Failed to set the heart beat time: {mysql(error)['Message']}")
        return ok([list(changed), list(changed.values())])

    def _stamps(self, job_id: int, history: list[dict[str, Any]]) -> list[tuple[float, str]]:
        """Return the last time of each status in the history, in order; earlier results are reused."""
        known, count, latest = self._read.get(job_id, ([], 0, {}))
        if known is not history:
            count, latest = 0, {}
        for row in history[count:]:
            latest[row["Status"]] = max(latest.get(row["Status"], row["Epoch"]), row["Epoch"])
        self._read[job_id] = history, len(history), latest
        return sorted((epoch, status) for status, epoch in latest.items())

    def _set_times(self, job: dict[str, Any], start: Any, end: Any) -> None:
        # Both become now, not the time of the update
        now = self.world.clock.now()
        if end and not job["EndExecTime"]:
            job["EndExecTime"] = now
        if start and not job["StartExecTime"]:
            job["HeartBeatTime"] = job["HeartBeatTime"] or now
            job["StartExecTime"] = now

    def _log(self, job_id: int, update: dict[str, Any], time: datetime) -> None:
        said = {name: update.get(name, "idem") for name in ("Status", "MinorStatus", "ApplicationStatus")}
        said = {name: [*value] if isinstance(value, dict) else value for name, value in said.items()}
        if not all(isinstance(value, str | list) for value in said.values()):
            raise TypeError  # too late: the job has the parameters
        row = {
            **said,
            "ApplicationStatus": said["ApplicationStatus"][:_APPLICATION_LENGTH],
            "StatusTime": str(time),
            "StatusSource": update.get("Source", "Unknown")[:_SOURCE_LENGTH],
        }
        kept = self.fit("JobLoggingDB.LoggingInfo", {**row, "StatusTimeOrder": _to_millisecond(time) - _LOGGED_SINCE})
        row.update({name: kept[name] for name in said}, Epoch=round(kept["StatusTimeOrder"] + _LOGGED_SINCE, 3))
        self.touch("history", job_id)
        self.state["history"][job_id].append(row)

    def _keep(self, job_id: int, parameters: dict[str, Any]) -> Result:
        kept, parameters = self.state["parameters"], json.loads(json.dumps(parameters, default=datetime.isoformat))
        index = f"job_parameters_{self.world.caller.vo}_{int(job_id // _JOBS_PER_INDEX)}m"
        answer = ok() if job_id in kept else ok(index)
        self.touch("parameters", job_id)
        own = {"JobID": job_id, "timestamp": _times.toEpochMilliSeconds(self.world.clock.now())}
        kept.setdefault(job_id, {}).update({**parameters, **own})
        return answer


def _to_millisecond(time: datetime) -> float:
    # DIRAC's column rounds, so that of two updates in one millisecond the second may count as late. Calls over a
    # network do not come so close, those of a test do: the fake cuts off, and no update overtakes itself
    return time.replace(tzinfo=UTC, microsecond=time.microsecond // 1000 * 1000).timestamp()
