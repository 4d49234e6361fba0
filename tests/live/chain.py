"""A job's whole end on both sides: module, job wrapper, request proxy, request executing agent, and what is kept then.

On one side every actor is DIRAC's: FailoverRequest, JobWrapper.sendFailoverRequest, the sweep of ReqProxyHandler,
RequestExecutingAgent with RequestTask and the operation handlers, CleanReqDBAgent, and the services' handlers over the
database. On the other one they are the reference, :mod:`dirac_failover.actors`, and the fakes. The faults strike in
front of both by the same code: the real handlers stand where the services of a ``World`` are. Stand-ins are the
download of a proxy, and the processes of the agent, whose tasks run one after the other.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from contextlib import ExitStack, contextmanager, nullcontext
from datetime import timedelta
from glob import glob
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import MagicMock, patch

from DIRAC import S_OK, gLogger
from DIRAC.AccountingSystem.Client.Types.DataOperation import DataOperation
from DIRAC.FrameworkSystem.Client.ProxyManagerClient import gProxyManager
from DIRAC.RequestManagementSystem.Agent.CleanReqDBAgent import CleanReqDBAgent
from DIRAC.RequestManagementSystem.Agent.RequestExecutingAgent import RequestExecutingAgent
from DIRAC.RequestManagementSystem.DB.RequestDB import RequestDB
from DIRAC.WorkloadManagementSystem.Client.JobReport import JobReport
from DIRAC.WorkloadManagementSystem.JobWrapper.JobWrapper import JobWrapper
from DIRAC.WorkloadManagementSystem.Service.JobMonitoringHandler import JobMonitoringHandlerMixin

from dirac_failover.actors import job_wrapper, request_agents
from dirac_failover.drivers.describe import decoded
from dirac_failover.drivers.implementations import IMPLEMENTATIONS, TimeModule, stopped
from dirac_fakes import World
from dirac_fakes.service import Service, http_error
from tests.live import handlers, worlds
from tests.live.comparing import FILES, SERVER_ERROR, Now
from tests.live.outages import JOB

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.live.outages import Outage

PROXIES: Final = ("one", "two")
OPTIONS: Final = {
    "RequestManagement/ReqProxyURLs": ", ".join(f"dips://{host}:9161/RequestManagement/ReqProxy" for host in PROXIES)
}
MODULES: Final = {
    "ForwardDISET": "DIRAC/RequestManagementSystem/Agent/RequestOperations/ForwardDISET",
    "SetFileStatus": "DIRAC/TransformationSystem/Agent/RequestOperations/SetFileStatus",
}
GONE: Final = {"job": [], "history": [], "parameters": {}}


class _JobMonitoring(JobMonitoringHandlerMixin, handlers.Https):
    service = "WorkloadManagement/JobMonitoring"
    log = gLogger.getSubLogger("JobMonitoring")

    def become(self, caller: Any) -> None:
        super().become(caller)
        self.initializeRequest()


_CLIENT: Final = "DIRAC.RequestManagementSystem.Client"
_CLASSES: Final = ("File", "Operation", "Request")
_OWN_CLASSES: Final = ("RequestManagementSystem.DB", "RequestManagementSystem.Service", "RequestManagementSystem.Agent",
                           "RequestManagementSystem.private.RequestTask",
                           *(f"RequestManagementSystem.Client.{name}" for name in _CLASSES))  # fmt: skip


def _loaded_again() -> dict[str, Any]:
    """Return the modules of the requests' classes without the tables that RequestDB has mapped them to."""
    names = [f"{_CLIENT}.{name}" for name in _CLASSES]
    with patch.dict(sys.modules):
        for name in names:
            del sys.modules[name]
        package, before = sys.modules[_CLIENT], dict(vars(sys.modules[_CLIENT]))
        modules = {name: import_module(name) for name in names}
        vars(package).update({name: before[name] for name in _CLASSES})
    return modules


@contextmanager
def _without_database() -> Iterator[None]:
    """Let DIRAC's clients have the classes that they have on a job's node, where no RequestDB is imported.

    Mapped ones take an operation out of the request in which it was when it is added to another one.
    """
    if not _UNMAPPED:
        _UNMAPPED.update(_loaded_again())
    mapped = {name: getattr(sys.modules[f"{_CLIENT}.{name}"], name) for name in _CLASSES}
    with ExitStack() as stack:
        for name, module in [*sys.modules.items()]:
            if not name.startswith("DIRAC.") or name.removeprefix("DIRAC.").startswith(_OWN_CLASSES):
                continue
            for kind, cls in mapped.items():
                if vars(module).get(kind) is cls:
                    stack.enter_context(patch.object(module, kind, getattr(_UNMAPPED[f"{_CLIENT}.{kind}"], kind)))
        stack.enter_context(patch.dict(sys.modules, _UNMAPPED))
        for kind in _CLASSES:
            stack.enter_context(patch.object(sys.modules[_CLIENT], kind, _UNMAPPED[f"{_CLIENT}.{kind}"]))
        yield


_UNMAPPED: dict[str, Any] = {}


def _behind(kind: type[Service], handler: Any) -> type[Service]:
    """Return a service of a world that a real handler answers for."""

    def perform(self: Any, method: str, args: tuple[Any, ...]) -> Any:
        answer = handler.call(self.world.caller, method, args)
        return http_error(self.full, method, answer) if answer == SERVER_ERROR else answer

    return type(kind.__name__, (kind,), {"__slots__": (), "perform": perform})


class _RealWorld(World):
    """A world whose services are the real ones."""

    def __init__(self, real: Mapping[str, Any], **given: Any) -> None:
        super().__init__(**given)
        self.monitoring = real[_JobMonitoring.service]
        for service in self.services.values():
            service.__class__ = _behind(type(service), real.get(service.short) or real[service.full])

    def __call__(self, service: str, method: str, args: tuple[Any, ...], **how: Any) -> Any:
        if service == _JobMonitoring.service:
            return self.monitoring.call(self.caller, method, args)
        return super().__call__(service, method, args, **how)


class _Pool:
    """The processes of an agent: each task runs at once, and its callback after it."""

    def __init__(self, agent: Any) -> None:
        self.agent = agent
        self.results: list[tuple[Any, ...]] = []

    def getNumIdleProcesses(self) -> int:
        return 1

    def getNumWorkingProcesses(self) -> int:
        return 0

    def getFreeSlots(self) -> int:
        return 1

    def createAndQueueTask(self, kind: Any, *, kwargs: dict[str, Any], taskID: int, **_: Any) -> Any:
        try:
            result = kind(**kwargs, standalone=True)()
        except Exception as error:  # noqa: BLE001 - as in a process of its own
            self.results.append((self.agent.exceptionCallback, taskID, error))
        else:
            self.results.append((self.agent.resultCallback, taskID, result))
        return S_OK()

    def processResults(self) -> int:
        for callback, *result in self.results:
            callback(*result)
        self.results.clear()
        return 0


class _Side:
    """What both sides have: a world, a time, and a module that is executed."""

    name: str
    gone = False
    """Whether the job is deleted."""

    def __init__(self, now: Now, world: World) -> None:
        self.now, self.world = now, world
        self.world.clock = SimpleNamespace(sleep=self.sleep, now=now, skew=0, slept=0.0)  # type: ignore[assignment]
        self.kit = IMPLEMENTATIONS[self.name].load()

    def sleep(self, seconds: float) -> None:
        self.now.time += timedelta(seconds=seconds)

    @contextmanager
    def meeting(self, faults: tuple[str, ...], *, node: bool = False) -> Iterator[None]:
        """Connect the clients, while some faults strike; ``node`` says whether it is a job's node where they are."""
        for fault in faults:
            self.world.arm(fault)
        with self.kit.connect(self.world, owner="alice", group="vo_user", options=OPTIONS, sleep=self.sleep):
            yield
        self.world.recover()

    def job(self, outage: Outage) -> None:
        """Execute the last module of a job in the current directory."""
        for name, text in outage.files.items():
            Path(name).write_text(text)
        with self.meeting(outage.job, node=True):
            module = self.kit.FailoverRequest()
            module.STEP_NUMBER = "3"
            module.workflowStatus = {"OK": not outage.failed}
            module.stepStatus = {"OK": True}
            module.workflow_commons = {"PRODUCTION_ID": "12", "JOB_ID": "34", "InputData": "LFN:/vo/a;LFN:/vo/b"}
            module.step_commons = {"STEP_INSTANCE_NAME": "step"}
            if outage.records:
                store = module.workflow_commons["AccountingReport"] = self.kit.DataStoreClient()
                for _ in range(outage.records):
                    assert store.addRegister(_record())["OK"]
            module.execute()


class Reference(_Side):
    """The reference, the actors of this project, and the fakes."""

    name = "reference"

    def __init__(self, now: Now, outage: Outage) -> None:
        self.database = outage.database
        super().__init__(now, World(files=FILES[12], job_status=outage.status, proxies=PROXIES))
        self.world.transformation.add(5, FILES[5])

    def hand_over(self) -> Any:
        request = job_wrapper.merged(JOB, {path.name: path.read_text() for path in Path().iterdir()})
        answer = job_wrapper.send(request, self.kit.JobReport(JOB))
        return answer | {"Value": list(request)} if answer["OK"] else answer

    def sweep(self) -> None:
        for proxy in self._proxies():
            proxy.sweep(database=self.database)

    def _proxies(self) -> list[Any]:
        return [self.world.service(f"req-proxy/{host}") for host in PROXIES]

    def forget(self) -> None:
        self.gone = True
        del self.world.job_state.state["jobs"][JOB]

    def cycle(self) -> None:
        for _ in request_agents.execute(self.world, [], lambda _: False):
            pass

    def kick(self) -> None:
        request_agents.kick(self.world)

    def state(self) -> Any:
        job = GONE if self.gone else worlds.job_state(self.world)
        return _state(job["job"], job["history"], job["parameters"].get(str(JOB), {}),
                      worlds.transformation(self.world), self.world.accounting.records(), worlds.requests(self.world),
                      [proxy.state["cache"] for proxy in self._proxies()])  # fmt: skip


class Real(_Side):
    """DIRAC's own code over the real database."""

    name = "dirac"

    def __init__(self, now: Now, outage: Outage, real: Mapping[str, Any]) -> None:
        super().__init__(now, _RealWorld(real, proxies=PROXIES))
        self.real, self.database = real, outage.database
        for handler in real.values():
            if handler.service != _JobMonitoring.service:
                handler.reset(*([outage.status] if handler.service == handlers.JobState.service else []))
        self.agent = object.__new__(RequestExecutingAgent)
        pool = _Pool(self.agent)
        for name, value in {
            "requestsPerCycle": 300, "bulkRequest": 300, "requestCache": {}, "requestDB": RequestDB(),
            "rmsMonitoring": False, "poolSleep": 0, "minProcess": 1, "maxProcess": 1,
            "operationTimeout": 300, "fileTimeout": 300,
            "configPath": "/Systems/RequestManagement/Agents/RequestExecutingAgent",
        }.items():  # fmt: skip
            setattr(self.agent, f"_RequestExecutingAgent__{name}", value)
        self.agent.log, self.agent.timeOuts, self.agent.handlersDict = gLogger.getSubLogger("agent"), {}, MODULES
        self.agent.agentName, self.agent.processPool = "RequestManagement/RequestExecutingAgent", lambda: pool
        self.cleaner = object.__new__(CleanReqDBAgent)
        self.cleaner.log, self.cleaner.cancelGraceDays = gLogger.getSubLogger("cleaner"), 0
        self.cleaner._CleanReqDBAgent__requestDB = RequestDB()

    @contextmanager
    def meeting(self, faults: tuple[str, ...], *, node: bool = False) -> Iterator[None]:
        with ExitStack() as stack:
            if node:
                stack.enter_context(_without_database())
            stack.enter_context(patch.dict(os.environ))
            stack.enter_context(patch.object(gProxyManager, "downloadProxyToFile", lambda *_, **__: S_OK("/proxy")))
            for place in ("WorkloadManagementSystem.JobWrapper.JobWrapper",
                          "RequestManagementSystem.private.RequestTask",
                          "RequestManagementSystem.Agent.RequestExecutingAgent"):  # fmt: skip
                stack.enter_context(patch(f"DIRAC.{place}.time", TimeModule(self.sleep)))
            stack.enter_context(super().meeting(faults))
            yield

    def hand_over(self) -> Any:
        wrapper = object.__new__(JobWrapper)
        in_order = SimpleNamespace(glob=lambda pattern: sorted(glob(pattern)))  # else it is the directory's
        wrapper.jobID, wrapper.jobName, wrapper.failoverRequestDelay, wrapper.jobIDPath = JOB, "unknown", 45, Path.cwd()
        wrapper.log, wrapper.failoverTransfer = gLogger.getSubLogger("wrapper"), MagicMock(request=[])
        wrapper.jobReport = JobReport(JOB, f"Job_{JOB}")
        with patch("DIRAC.WorkloadManagementSystem.JobWrapper.JobWrapper.glob", in_order):
            return wrapper.sendFailoverRequest()

    def sweep(self) -> None:
        database = patch("DIRAC.RequestManagementSystem.Service.ReqProxyHandler.RequestDB", side_effect=OSError)
        with nullcontext() if self.database else database:
            for proxy in self._proxies():
                proxy.initializeHandler({"csPaths": [], "serviceSectionPath": ""})
        for proxy in self._proxies():
            proxy.sweeper()

    def _proxies(self) -> list[Any]:
        return [self.real[f"req-proxy/{host}"] for host in PROXIES]

    def forget(self) -> None:
        self.gone = True
        self.real[handlers.JobState.service].jobs.run("DELETE FROM Jobs")

    def cycle(self) -> None:
        self.agent.execute()

    def kick(self) -> None:
        self.cleaner.execute()

    def state(self) -> Any:
        job = GONE if self.gone else self.real[handlers.JobState.service].state()
        return _state(job["job"], job["history"], job["parameters"].get(str(JOB), {}),
                      *(self.real[handler.service].state() for handler in handlers.SERVICES[1:-1]),
                      [proxy.state() for proxy in self._proxies()])  # fmt: skip


def _state(job: Any, history: Any, parameters: Any, files: Any, records: Any, requests: Any, cache: Any) -> Any:
    """Return what both sides show in the end: without times, and without names that are random."""
    rows = {}
    for request in requests["Request"]:
        operations = [row for row in requests["Operation"] if row["RequestID"] == request["RequestID"]]
        rows[request["RequestID"]] = {
            "name": "accounting" if request["RequestName"].startswith("Accounting.") else request["RequestName"],
            **{name: request[name] for name in ("Status", "Error", "JobID", "SourceComponent")},
            "operations": [
                [row[name] for name in ("Type", "Status", "Error", "Order")] + [_call(row["Arguments"])]
                for row in operations
            ],
        }
    return {
        "job": job[:3],
        "history": [[*row[:3], row[5]] for row in history],
        "parameters": {name: value for name, value in parameters.items() if name not in ("JobID", "timestamp")},
        "files": [[row[2], row[3], row[4]] for row in files],
        "accounting": len(records),
        "requests": rows,
        "caches": sorted(map(len, cache)),
    }


def _call(arguments: Any) -> Any:
    """Return what an operation asks for, without times."""
    text = json.dumps(decoded(arguments), default=str)
    return "".join(letter for letter in text if not letter.isdigit())


def _record() -> Any:
    record = DataOperation()
    record.setStartTime()
    record.setEndTime()
    record.setValuesFromDict(
        dict.fromkeys(("TransferSize", "TransferTime", "RegistrationTime"), 1)
        | dict.fromkeys(("TransferOK", "TransferTotal", "RegistrationOK", "RegistrationTotal"), 1)
        | {
            "OperationType": "op",
            "User": "alice",
            "ExecutionSite": "S",
            "Source": "a",
            "Destination": "b",
            "Protocol": "p",
            "FinalStatus": "Done",
        }
    )
    return record


def run(side: Any, outage: Outage) -> dict[str, Any]:
    """Let a job end and everything come after it; return the state after each actor."""
    seen = {}
    with side.meeting(()):
        pass
    side.job(outage)
    seen["job"] = side.state()
    with side.meeting(outage.hand_over, node=True):
        try:
            answer = side.hand_over()
            seen["wrapper"] = [answer["OK"], answer.get("Message"), [op.Type for op in answer.get("Value") or ()]]
        except Exception as error:  # noqa: BLE001 - the job wrapper breaks down
            seen["wrapper"] = type(error.__cause__ or error).__name__
    for major, minor in outage.said:
        side.sleep(1)
        side.world(handlers.JobState.service, "setJobStatus", (JOB, major, minor, "JobWrapper"))
    with side.meeting(outage.sweep):
        side.sweep()
    seen["hand over"] = side.state()
    if outage.cancel:
        for number in seen["hand over"]["requests"]:
            side.world(handlers.ReqManager.service, "cancelRequest", (number,))
    if outage.gone:
        side.forget()
    with side.meeting(()):
        side.cycle()
    seen["before it is due"] = side.state()
    side.sleep(46 * 60)
    with side.meeting(outage.replay):
        side.cycle()
    seen["replay"] = side.state()
    side.sleep(60)
    with side.meeting(()):
        side.sweep()
        side.cycle()
    seen["later"] = side.state()
    side.sleep(2 * 60 * 60)
    with side.meeting(()):
        side.kick()
        side.sleep(60)
        side.cycle()
    seen["kicked"] = side.state()
    return seen


def compared(outage: Outage, real: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Run an outage on both sides; return where they differ first, and both values."""
    found = []
    for make in (lambda now: Reference(now, outage), lambda now: Real(now, outage, real)):
        now = Now()
        with stopped(now), tempfile.TemporaryDirectory() as folder, patch.dict(os.environ, JOBID=str(JOB)):
            here = Path.cwd()
            os.chdir(folder)
            try:
                found.append(run(make(now), outage))
            finally:
                os.chdir(here)
    ours, theirs = found
    phase = next((phase for phase in theirs if ours[phase] != theirs[phase]), None)
    return (
        []
        if phase is None
        else [
            (f"{phase}: {what}", fake, true) for what, fake, true in _parts(ours[phase], theirs[phase]) if fake != true
        ]
    )


def _parts(fake: Any, true: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(true, dict) and isinstance(fake, dict):
        yield from ((name, fake[name], true[name]) for name in true)
    else:
        yield "", fake, true


def real_services() -> dict[str, Any]:
    """Return the real handlers by the service's name."""
    _JobMonitoring.initializeHandler({})
    real: dict[str, Any] = {kind.service: kind() for kind in (*handlers.SERVICES, _JobMonitoring)}
    for host in PROXIES:
        folder = Path(handlers.ReqProxy.cacheDir()).with_name(f"cache-{host}")
        folder.mkdir(exist_ok=True)
        kind = type(f"ReqProxy_{host}", (handlers.ReqProxy,), {"_ReqProxyHandler__cacheDir": str(folder)})
        real[f"req-proxy/{host}"] = kind()
    return real
