"""What the harness needs of an implementation: its classes, and a way to connect its clients to an in-memory DIRAC.

An :class:`Implementation` is a table of names. ``reference()`` is ours; ``dirac()`` is the real DIRAC 9, imported when
asked for and never before. Everything else (ports, tests, benchmarks) is written once, against an implementation.
"""

from __future__ import annotations

import datetime as dt
import re
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib import import_module, metadata
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Protocol
from unittest.mock import patch

from DIRACCommon.Core.Utilities import TimeUtilities

from dirac_failover.errors import ImplementationUnavailableError
from dirac_failover.spec import profiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from dirac_failover.spec.profiles import Profile
    from dirac_failover.wire.rpc import Transport


class Connect(Protocol):
    """Connects an implementation's clients to a transport: see :func:`~dirac_failover.wire.rpc.connect`."""

    def __call__(
        self,
        transport: Transport,
        *,
        owner: str | None = None,
        group: str | None = None,
        options: Mapping[str, str] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> AbstractContextManager[Any]:
        """Connect."""
        ...


@dataclass(frozen=True)
class Implementation:
    """The classes of one implementation, by DIRAC's names."""

    name: str
    version: str
    ModuleBase: type[Any]
    FailoverRequest: type[Any]
    GracefulTermination: type[Exception]
    JobReport: type[Any]
    FileReport: type[Any]
    DataStoreClient: type[Any]
    TransformationClient: type[Any]
    JobStateUpdateClient: type[Any]
    ReqClient: type[Any]
    Request: type[Any]
    Operation: type[Any]
    File: type[Any]
    RequestValidator: type[Any]
    DEncode: Any
    JEncode: Any
    connect: Connect
    commons: Mapping[str, Any] = field(default_factory=dict)
    """What its module needs in ``workflow_commons`` beyond what a scenario says."""
    owner: str = "Owner"
    """The attribute of a request that says whose it is."""
    own_request: bool = False
    """Whether its module makes a request of its own though there is one: then the proxy matters in every scenario."""


_PLACES = {
    "ModuleBase": ("module_base", "Workflow.Modules.ModuleBase"),
    "FailoverRequest": ("failover_request", "Workflow.Modules.FailoverRequest"),
    "GracefulTermination": ("module_base", "Workflow.Modules.ModuleBase"),
    "JobReport": ("clients.job_report", "WorkloadManagementSystem.Client.JobReport"),
    "FileReport": ("clients.file_report", "TransformationSystem.Client.FileReport"),
    "DataStoreClient": ("clients.data_store", "AccountingSystem.Client.DataStoreClient"),
    "TransformationClient": ("clients.transformation", "TransformationSystem.Client.TransformationClient"),
    "JobStateUpdateClient": ("clients.job_state_update", "WorkloadManagementSystem.Client.JobStateUpdateClient"),
    "ReqClient": ("clients.req_client", "RequestManagementSystem.Client.ReqClient"),
    "Request": ("request.request", "RequestManagementSystem.Client.Request"),
    "Operation": ("request.operation", "RequestManagementSystem.Client.Operation"),
    "File": ("request.file", "RequestManagementSystem.Client.File"),
    "RequestValidator": ("request.validator", "RequestManagementSystem.private.RequestValidator"),
}


def _classes(package: str, column: int) -> dict[str, Any]:
    return {name: getattr(import_module(f"{package}.{places[column]}"), name) for name, places in _PLACES.items()}


def reference() -> Implementation:
    """Return the reference implementation."""
    from dirac_failover import __version__
    from dirac_failover.wire import dencode, jencode
    from dirac_failover.wire.rpc import connect

    return Implementation(
        "reference", __version__, **_classes("dirac_failover", 0), DEncode=dencode, JEncode=jencode, connect=connect
    )


class _DiracRpcClient:  # needs DIRAC
    """Stands where DIRAC's clients expect the result of ``RPCClientSelector``."""

    def __init__(self, transport: Transport, service: str, timeout: int) -> None:
        self._call = transport
        self._service = service
        self._timeout = timeout

    def __getattr__(self, method: str) -> Callable[..., dict[str, Any]]:
        if method.startswith("__"):
            raise AttributeError(method)
        return lambda *args: self._call(self._service, method, args, timeout=self._timeout)


class Clock:  # needs DIRAC
    """DIRAC's ``ReqClient`` calls ``time.sleep``: this gives it another one without touching the shared module."""

    def __init__(self, sleep: Callable[[float], None]) -> None:
        """Take ``sleep``, which takes seconds."""
        self.sleep = sleep

    def __getattr__(self, name: str) -> Any:
        """Be ``time`` otherwise."""
        return getattr(time, name)


_DIRAC_OPTION_PATHS = {
    "Transformations/FilesMaxResetCounter": "/Operations/Defaults/Transformations/FilesMaxResetCounter",
    "RequestManagement/ReqProxyURLs": "/Systems/RequestManagement/URLs/ReqProxyURLs",
}


@contextmanager
def _connect_dirac(  # needs DIRAC
    transport: Transport,
    *,
    owner: str | None = None,
    group: str | None = None,
    options: Mapping[str, str] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[None]:
    from DIRAC import S_ERROR, S_OK
    from DIRAC.ConfigurationSystem.Client.ConfigurationData import gConfigurationData
    from DIRAC.ConfigurationSystem.Client.Helpers.Operations import Operations

    def select(url: str, *, timeout: int = 600, **_: Any) -> _DiracRpcClient:
        return _DiracRpcClient(transport, url, timeout)

    def proxy_info(*_: Any, **__: Any) -> dict[str, Any]:
        if owner is None and group is None:
            return dict(S_ERROR("No proxy found"))
        return dict(S_OK({"validGroup": True, "validDN": True, "username": owner, "group": group, "identity": owner}))

    with ExitStack() as stack:
        stack.enter_context(patch("DIRAC.Core.Base.Client.RPCClientSelector", select))
        stack.enter_context(patch("DIRAC.RequestManagementSystem.Client.Request.getProxyInfo", proxy_info))
        stack.enter_context(patch("DIRAC.RequestManagementSystem.Client.ReqClient.time", Clock(sleep)))
        # Operations caches its options by a version that options set in memory do not change
        stack.enter_context(patch.object(Operations, "_Operations__cache", {}))
        for option, value in (options or {}).items():
            path = _DIRAC_OPTION_PATHS.get(option, option)
            gConfigurationData.setOptionInCFG(path, value)
            stack.callback(gConfigurationData.deleteOptionInCFG, path)
        yield


@contextmanager
def _connect_dirac_8(transport: Transport, **given: Any) -> Iterator[None]:  # needs DIRAC
    """Connect as ever; but 8.0 validates no request unless there is no setup."""
    from DIRAC.ConfigurationSystem.Client.ConfigurationData import gConfigurationData

    gConfigurationData.setOptionInCFG("/DIRAC/NoSetup", "True")
    with _connect_dirac(transport, **given):
        yield


class _Naive(type):
    """The type of a class of which every datetime is an instance."""

    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, dt.datetime)


@contextmanager
def stopped(now: Callable[[], dt.datetime], *implementations: Implementation) -> Iterator[None]:
    """Let ``now``, which returns naive datetimes in UTC, be the clock of reference and fakes for a ``with`` block.

    It is the clock of the real DIRAC too: later versions ask ``DiracTime.utcnow()`` of DIRACCommon, and the modules of
    earlier ones ``datetime.datetime.utcnow()``, for which the modules of ``implementations`` get another ``datetime``.
    """

    class Datetime(dt.datetime, metaclass=_Naive):
        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            return dt.datetime(*args, **kwargs)  # noqa: DTZ001 - naive times, as DIRAC's

        @classmethod
        def utcnow(cls) -> Any:
            return now()

    own = SimpleNamespace(**{**vars(dt), "datetime": Datetime})
    homes = {
        cls.__module__
        for implementation in implementations
        for cls in vars(implementation).values()
        if isinstance(cls, type)
    }
    with ExitStack() as stack:
        for clock in ("dirac_failover.clock.utcnow", "dirac_fakes.clock.utcnow"):
            stack.enter_context(patch(clock, now))
        if hasattr(TimeUtilities, "DiracTime"):
            stack.enter_context(patch.object(TimeUtilities.DiracTime, "utcnow", staticmethod(now)))
        for home in (sys.modules[name] for name in homes):
            if vars(home).get("datetime") is dt:
                stack.enter_context(patch.object(home, "datetime", own))
        yield


def _fitting(name: str, distribution: str, profile: Profile) -> str:
    """Return the version that is installed, from the first of the profile on and of no later major than its last."""
    first, last = (_numbers(version) for version in profile.versions)
    session = "differential" if name == "dirac" else "ports"
    how = f"'pip install {distribution}=={last[0]}.*' installs one; in a checkout, 'nox -s {session}' sets one up"
    known = f"'{name}' is proven for {distribution} {' to '.join(dict.fromkeys(profile.versions))}: {how}"
    try:
        found = metadata.version(distribution)
    except metadata.PackageNotFoundError as error:
        raise ImplementationUnavailableError(f"{distribution} is not installed in this environment; {known}") from error
    if not first <= _numbers(found) < [last[0] + 1]:
        age = "old" if _numbers(found) < first else "new"
        raise ImplementationUnavailableError(
            f"{distribution} {found} is installed in this environment, and too {age}; {known}"
        )
    return found


def _numbers(version: str) -> list[int]:
    return [*map(int, re.findall(r"\d+", version)), 0, 0][:3]


def _real(name: str, distribution: str, profile: Profile, **facts: Any) -> Implementation:  # needs DIRAC
    """Return an implementation of what is installed here, if it is what is asked for."""
    found = _fitting(name, distribution, profile)
    try:
        import DIRAC

        DIRAC.gLogger.setLevel("FATAL")
        from DIRAC.Core.Utilities import DEncode, JEncode

        places = _classes("DIRAC", 1) | {
            key: getattr(import_module(f"{distribution}.Workflow.Modules.{key}"), key)
            for key in ("ModuleBase", "FailoverRequest")
        }
    except ImportError as error:
        said = f"{distribution} {found} is installed in this environment, but cannot be imported ({error})"
        raise ImplementationUnavailableError(f"{said}: install what it needs, too") from error
    table = {"DEncode": DEncode, "JEncode": JEncode, "connect": _connect_dirac, "commons": profile.commons} | facts
    return Implementation(name, found, **places, **table)


def dirac() -> Implementation:  # needs DIRAC
    """Return this environment's real DIRAC 9; raises :class:`ImplementationUnavailableError` when there is none."""
    return _real("dirac", "DIRAC", profiles.DIRAC_9_1)


def dirac_8() -> Implementation:  # needs DIRAC
    """Return the real DIRAC 8.0; its requests belong to a distinguished name."""
    return _real("dirac-8.0", "DIRAC", profiles.DIRAC_8_0, connect=_connect_dirac_8, owner="OwnerDN")


def lhcbdirac() -> Implementation:  # needs DIRAC
    """Return LHCbDIRAC 12.0, on DIRAC 9.1; it cannot do without a job type."""
    return _real("lhcbdirac", "LHCbDIRAC", profiles.LHCBDIRAC_12_0)


def ilcdirac() -> Implementation:  # needs DIRAC
    """Return ILCDIRAC 35.0, on DIRAC 8.0; where there is input it asks a catalogue unless it is told the events."""
    facts = {"owner": "OwnerDN", "own_request": True, "connect": _connect_dirac_8}
    return _real("ilcdirac", "ILCDIRAC", profiles.ILCDIRAC_35_0, **facts)


IMPLEMENTATIONS: dict[str, Callable[[], Implementation]] = {
    "reference": reference,
    "dirac": dirac,
    "dirac-8.0": dirac_8,
    "lhcbdirac": lhcbdirac,
    "ilcdirac": ilcdirac,
}
"""Implementations that are known by name."""
