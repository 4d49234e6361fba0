"""The world: services, a clock, a journal and the faults that are armed, behind one callable.

A world is a transport: the carrier of DIRAC's calls hands them to it. It keeps nothing of what it is given and gives
nothing that it keeps. Several worlds know nothing of each other. A new service is an attribute here, in
:meth:`World.__init__`, and a class in ``faults.SERVICES``, in the same order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dirac_fakes.accounting import Accounting
from dirac_fakes.changes import Changes
from dirac_fakes.clock import Clock
from dirac_fakes.faults import CLOCK, FILE, PROCESS, SHORT, Armed, Fault, as_fault
from dirac_fakes.job_state import JobState
from dirac_fakes.journal import Journal
from dirac_fakes.kinds import KINDS, CallInFlight, refused
from dirac_fakes.requests import RequestProxy, Requests, proxy_urls
from dirac_fakes.service import Caller, NoAnswer, Service, Wire, carried, client_error
from dirac_fakes.transformation import Transformation, by_lfn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

DEFAULT_TIMEOUT = 600


class World:
    """An in-memory DIRAC with one job and one transformation.

    ``wire`` is the message that replaced the last call's answer, or None: a carrier over HTTP sends it.

    ``files`` are the LFNs of the transformation, with file IDs 100, 101, ...: Assigned, or as a mapping of LFN to the
    columns that differ. ``job_status`` is the job's. ``owner``, ``group`` and ``properties`` are of who calls, and the
    job and the transformation are theirs; assign ``caller`` to call as another user. ``now`` stops the clock.
    ``strict`` says whether the databases refuse what does not fit into a column, as MariaDB does, or cut it off;
    ``dips`` whether DataStore and ReqProxy are behind DIPS, as in DIRAC 9.1, or behind HTTPS as the others are.
    ``proxies`` are the hosts of further request proxies, without domains, each with a cache of its own:
    ``req-proxy/HOST`` is the service and the target of its faults, which make one, too; those of ``req-proxy`` strike
    all of them.

    >>> world = World()
    >>> world("Transformation/TransformationManager", "setFileStatusForTransformation", (12, {"100": ["Unused", True]}))
    ... # doctest: +ELLIPSIS
    {'OK': True, 'Value': None, 'rpcStub': (('Transformation/TransformationManager', ...
    >>> world.transformation.statuses(12)
    {'/vo/a': 'Unused', '/vo/b': 'Assigned'}
    """

    def __init__(  # noqa: PLR0913 - plain data, all with a default
        self,
        job_id: int = 77,
        transformation_id: int = 12,
        files: Iterable[str] | Mapping[str, Mapping[str, Any]] = ("/vo/a", "/vo/b"),
        *,
        job_status: str = "Running",
        owner: str = "alice",
        group: str = "vo_user",
        properties: tuple[str, ...] = Caller().properties,
        now: datetime | None = None,
        strict: bool = True,
        dips: bool = True,
        proxies: Iterable[str] = (),
    ) -> None:
        """Build the services and their contents."""
        self.strict, self.dips = strict, dips
        self.clock = Clock(now)
        self.journal = Journal()
        self.job_state = JobState(self)
        self.transformation = Transformation(self)
        self.accounting = Accounting(self)
        self.requests = Requests(self)
        self.request_proxy = RequestProxy(self)
        together = [value for value in vars(self).values() if isinstance(value, Service)]
        self.services: dict[str, Service] = {service.short: service for service in together}
        for host in proxies:
            self._add_proxy(f"{RequestProxy.short}/{host}")
        self._files = by_lfn(files)
        self._ids = job_id, transformation_id
        self._job_status = job_status
        self._owner = Caller(owner, group, properties)
        self._start()

    def _start(self) -> None:
        self.wire: Wire | None = None
        self.caller = self._owner
        self.changes = Changes(self.services)
        self._armed: list[Armed] = []
        self._ever_armed: list[Armed] = []
        for service in self.services.values():
            service.start()
        job_id, transformation_id = self._ids
        self.job_state.add(job_id, Status=self._job_status)
        self.transformation.add(transformation_id, self._files)

    def _add_proxy(self, short: str) -> None:
        self.services[short] = type("RequestProxy", (RequestProxy,), {"short": short, "__slots__": ()})(self)
        self.services[short].start()

    def __call__(self, service: str, method: str, args: tuple[Any, ...], *, timeout: int = DEFAULT_TIMEOUT) -> Any:
        """Answer one call, as DIRAC's HTTPS client would: its result carries the ``rpcStub`` that repeats the call.

        ``service`` is ``System/Service`` or a URL. TypeError for arguments that the wire could not carry.
        """
        self.wire = None
        home = self._home(service)
        kept = carried(tuple(args))
        stub = True
        if home is None:
            target, applied = service, False
            answer: Any = client_error(f"URL for service {service} not found")
        else:
            target = home.short
            armed = self._striking(target, method, kept) if self._armed else None
            if armed and home.dips:
                armed = self._tried_again(armed, target, method, kept)
            if self.clock.skew:
                self._local(CLOCK)
            if armed is None:
                answer = home.perform(method, kept)
                applied = answer["OK"]
            else:
                call = CallInFlight(self, home, service, method, kept, timeout)
                try:
                    answer = KINDS[armed.fault.kind].function(call, armed.parameter)  # type: ignore[misc]
                except BaseException as error:
                    self.journal.record(target, method, kept, {"raises": repr(error)}, applied=False)
                    raise
                stub, applied = call.stub, call.applied
        if type(answer) is NoAnswer:
            self.wire, answer = answer.wire, dict(answer)
        self.journal.record(target, method, kept, carried(answer), applied)
        if stub and answer is not None:
            answer["rpcStub"] = _stub(home, service, method, args, timeout)
        return answer

    def _tried_again(self, armed: Armed | None, target: str, method: str, args: tuple[Any, ...]) -> Armed | None:
        """Return the fault that remains when a client of DIPS has tried to connect for the third time."""
        for _ in range(_TRIES - 1):
            if armed is None or KINDS[armed.fault.kind].function is not refused:
                break
            armed = self._striking(target, method, args)
        return armed

    def _home(self, service: str) -> Service | None:
        if "ReqProxy" in service:
            host = str(urlsplit(service).hostname).partition(".")[0]
            return self.services.get(f"{RequestProxy.short}/{host}", self.request_proxy)
        short = SHORT.get("/".join(service.split("/")[-2:]))
        return self.services[short] if short else None

    def service(self, name: str) -> Service:
        """Return a service by its short or full name; KeyError lists the short ones."""
        short = SHORT.get(name, name)
        if short not in self.services:
            raise KeyError(f"No service {name!r}; there are: {', '.join(self.services)}")
        return self.services[short]

    def proxies(self) -> list[RequestProxy]:
        """Return the request proxies, the one without a host first."""
        return [service for service in self.services.values() if isinstance(service, RequestProxy)]

    def proxy_urls(self) -> str:
        """Return the URLs of the request proxies with a host, as the option ``ReqProxyURLs`` has them."""
        return proxy_urls(proxy.short.partition("/")[2] for proxy in self.proxies()[1:])

    def arm(self, fault: Fault | str) -> Fault:
        """Arm a fault, which counts calls from now on; if several strike one call, the one armed first acts.

        A clock that is wrong stays so until :meth:`reset`; it has been when the job began, too.
        """
        armed = Armed(as_fault(fault))
        if armed.fault.target.startswith(f"{RequestProxy.short}/") and armed.fault.target not in self.services:
            self._add_proxy(armed.fault.target)
        if armed.fault.target == CLOCK:
            self.job_state.move(self.clock.skew - armed.parameter)
            self.clock.skew = armed.parameter
        self._armed.append(armed)
        self._ever_armed.append(armed)
        return armed.fault

    def disarm(self, which: Callable[[Fault], bool]) -> None:
        """Disarm the faults that ``which`` is true for."""
        self._armed = [armed for armed in self._armed if not which(armed.fault)]

    def recover(self) -> None:
        """End all outages and disarm all faults; the state and the journal stay."""
        self._armed = []

    def armed(self) -> list[Fault]:
        """Return the faults that are armed now."""
        return [armed.fault for armed in self._armed]

    def unfired(self) -> list[Fault]:
        """Return the faults that never struck, disarmed or not."""
        return [armed.fault for armed in self._ever_armed if not armed.fired]

    def file_fault(self) -> Fault | None:
        """Return the fault for a file that is opened now, if any; asking counts as one opening."""
        return self._local(FILE)

    def process_fault(self) -> Fault | None:
        """Return the fault for the process, if any: its value is the step after which it ends."""
        return self._local(PROCESS)

    def _local(self, target: str) -> Fault | None:
        armed = self._striking(target, "", ())
        return armed.fault if armed else None

    def _striking(self, target: str, method: str, args: tuple[Any, ...]) -> Armed | None:
        # Each one counts the call, also one that does not act
        striking = [armed for armed in self._armed if armed.strikes(target, method, args)]
        if not striking:
            return None
        striking[0].fired = True
        return striking[0]

    def snapshot(self) -> dict[str, Any]:
        """Return the state of all services in JSON's types, by short name."""
        return {name: service.snapshot() for name, service in self.services.items()}

    def reset(self) -> None:
        """Return to the start: state, caller, clock, journal, no faults."""
        self.clock.reset()
        self.journal.clear()
        self._start()


def _stub(home: Service | None, service: str, method: str, args: tuple[Any, ...], timeout: int) -> Any:
    if home is not None and home.dips:
        options = {"timeout": max(timeout, _LEAST_TIMEOUT), "skipCACheck": False, "keepAliveLapse": 150}
        return [[service, options], method, list(args)]
    return (service, {"timeout": timeout, "useAccessToken": False}), method, list(args)


_TRIES = 3
_LEAST_TIMEOUT = 120
