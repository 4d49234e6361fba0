"""The implementations that this project knows: one record each, and the decision to which of them a class belongs.

An :class:`Implementation` says all about one: package, profile, versions, how it is installed, how its clients are
connected, and its classes. Drivers, fixtures, the sessions of nox, tests and benchmarks read it. A new implementation
is a row of :data:`IMPLEMENTATIONS` (and a profile, if its behaviour differs); a new version is a change of the row or
of the profile's versions. Nothing but the standard library is needed before one is loaded.
"""

from __future__ import annotations

import datetime as dt
import re
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from importlib import import_module, metadata
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from dirac_failover import __version__
from dirac_failover.drivers.replaced import replaced
from dirac_failover.errors import ImplementationUnavailableError, PortError, no_such
from dirac_failover.spec import profiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from dirac_failover.spec.profiles import Profile
    from dirac_failover.wire.rpc import Transport


class Classes:
    """The classes and modules of an implementation, by DIRAC's names."""

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


@dataclass(frozen=True)
class Implementation(Classes):
    """All that this project knows of one implementation; its classes are attributes once :meth:`load` has found them.

    >>> reference = IMPLEMENTATIONS["reference"].load()
    >>> reference.JobReport.__module__
    'dirac_failover.clients.job_report'
    """

    name: str
    package: str
    """The package of its modules, which is the name of its distribution, too."""
    profile: Profile
    """The expected behaviour, and the first and the last version for which it is proven."""
    connect: Callable[..., AbstractContextManager[Any]]
    """Connects its clients to a transport, as :func:`~dirac_failover.wire.rpc.connect` does: with its arguments."""
    based_on: tuple[str, ...] = ()
    """The requirements of the packages that it extends; all of them are installed without dependencies."""
    needs: tuple[str, ...] = ()
    """The requirements of other packages, beside those of the dependency group ``dirac``."""
    releases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Earlier versions that ``nox -s versions`` verifies, with the requirements of each."""
    own_request: bool = False
    """Whether its module makes its own request beside an existing one: then the proxy matters in every scenario."""
    version: str = ""
    """The version that is installed here; empty until it is loaded."""
    classes: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Its classes by name; empty until it is loaded."""

    if not TYPE_CHECKING:  # pragma: no branch

        def __getattr__(self, name: str) -> Any:
            """Return one of the classes."""
            try:
                return self.__dict__["classes"][name]
            except KeyError:
                raise AttributeError(name) from None

    @property
    def requirements(self) -> tuple[str, ...]:
        """The requirements that install the last version of which the profile is proven, without dependencies."""
        return (*self.based_on, f"{self.package}=={self.profile.versions[1]}")

    def load(self) -> Implementation:
        """Return it with its version and its classes, which are imported now.

        Raises :class:`~dirac_failover.errors.ImplementationUnavailableError` when it is not installed here in a
        version from the first of its profile on and of no later major than the last, or cannot be imported.
        """
        if self.classes:
            return self
        found = self.installed_version()
        if self.package == _OWN:
            return replace(self, version=found, classes=_classes(_OWN, 0))
        try:
            return replace(self, version=found, classes=_real_classes(self.package))
        except ImportError as error:
            text = f"{self.package} {found} is installed in this environment, but cannot be imported ({error})"
            raise ImplementationUnavailableError(f"{text}: install what it needs, too") from error

    def installed_version(self) -> str:
        """Return the version that is installed here, if it fits; raises as :meth:`load`, and imports nothing."""
        if self.package == _OWN:
            return __version__
        first, last = (_numbers(version) for version in self.profile.versions)
        session = "differential" if self.name == "dirac" else "ports"
        how = f"'pip install {self.package}=={last[0]}.*' installs one; in a checkout, 'nox -s {session}' sets one up"
        proven = " to ".join(dict.fromkeys(self.profile.versions))
        known = f"'{self.name}' is proven for {self.package} {proven}: {how}"
        found = version_of(self.package)
        if not found:
            raise ImplementationUnavailableError(f"{self.package} is not installed in this environment; {known}")
        if not first <= _numbers(found) < [last[0] + 1]:
            age = "old" if _numbers(found) < first else "new"
            text = f"{self.package} {found} is installed in this environment, and too {age}"
            raise ImplementationUnavailableError(f"{text}; {known}")
        return found


def version_of(package: str) -> str:
    """Return the version of the distribution ``package`` that is installed here; empty if there is none."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _numbers(version: str) -> list[int]:
    return [*map(int, re.findall(r"\d+", version)), 0, 0][:3]


_OWN: Final = "dirac_failover"
_PLACES: Final = {
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
_MODULES: Final = {
    "DEncode": ("wire.dencode", "Core.Utilities.DEncode"),
    "JEncode": ("wire.jencode", "Core.Utilities.JEncode"),
}


def _classes(package: str, column: int) -> dict[str, Any]:
    found = {name: getattr(import_module(f"{package}.{places[column]}"), name) for name, places in _PLACES.items()}
    return found | {name: import_module(f"{package}.{places[column]}") for name, places in _MODULES.items()}


def _real_classes(package: str) -> dict[str, Any]:  # needs DIRAC
    import DIRAC

    DIRAC.gLogger.setLevel("FATAL")
    own = {name: f"{package}.Workflow.Modules.{name}" for name in ("ModuleBase", "FailoverRequest")}
    return _classes("DIRAC", 1) | {name: getattr(import_module(place), name) for name, place in own.items()}


def _connect_reference(transport: Transport, **given: Any) -> AbstractContextManager[Any]:
    from dirac_failover.wire.rpc import connect

    return connect(transport, **given)


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


class TimeModule:  # needs DIRAC
    """Stands for the module ``time`` in DIRAC's ``ReqClient``, with another ``sleep``; the real module is unchanged."""

    def __init__(self, sleep: Callable[[float], None]) -> None:
        """Take ``sleep``, which takes seconds."""
        self.sleep = sleep

    def __getattr__(self, name: str) -> Any:
        """Return the attribute of the module ``time``."""
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
    from DIRAC.Core.Base import Client
    from DIRAC.RequestManagementSystem.Client import ReqClient, Request

    def select(url: str, *, timeout: int = 600, **_: Any) -> _DiracRpcClient:
        return _DiracRpcClient(transport, url, timeout)

    def proxy_info(*_: Any, **__: Any) -> dict[str, Any]:
        if owner is None and group is None:
            return dict(S_ERROR("No proxy found"))
        return dict(S_OK({"validGroup": True, "validDN": True, "username": owner, "group": group, "identity": owner}))

    with ExitStack() as stack:
        stack.enter_context(replaced(Client, RPCClientSelector=select))
        stack.enter_context(replaced(Request, getProxyInfo=proxy_info))
        stack.enter_context(replaced(ReqClient, time=TimeModule(sleep)))
        # Operations caches its options by a version that options set in memory do not change
        stack.enter_context(replaced(Operations, _Operations__cache={}))
        for option, value in (options or {}).items():
            path = _DIRAC_OPTION_PATHS.get(option, option)
            gConfigurationData.setOptionInCFG(path, value)
            stack.callback(gConfigurationData.deleteOptionInCFG, path)
        yield


@contextmanager
def _connect_dirac_8(transport: Transport, **given: Any) -> Iterator[None]:  # needs DIRAC
    """Connect as :func:`_connect_dirac` does; DIRAC 8.0 validates requests only if there is no setup."""
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
    from DIRACCommon.Core.Utilities import TimeUtilities

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
        for cls in implementation.classes.values()
        if isinstance(cls, type)
    }
    with ExitStack() as stack:
        for module in map(import_module, ("dirac_failover.clock", "dirac_fakes.clock")):
            stack.enter_context(replaced(module, utcnow=now))
        if hasattr(TimeUtilities, "DiracTime"):
            stack.enter_context(replaced(TimeUtilities.DiracTime, utcnow=staticmethod(now)))
        for home in (sys.modules[name] for name in homes):
            if vars(home).get("datetime") is dt:
                stack.enter_context(replaced(home, datetime=own))
        yield


# The table, and the implementation of a class

REFERENCE: Final = "reference"

IMPLEMENTATIONS: Final[dict[str, Implementation]] = {
    known.name: known
    for known in (
        Implementation(REFERENCE, _OWN, profiles.DIRAC_9_1, _connect_reference),
        Implementation(
            "dirac",
            "DIRAC",
            profiles.DIRAC_9_1,
            _connect_dirac,
            releases={
                "9.0.0": ("diracx-client<0.1", "diracx-core<0.1"),
                "9.0.28": ("diracx-cli",),
                "9.1.2": (),
                "9.1.20": (),
            },
        ),
        Implementation("dirac-8.0", "DIRAC", profiles.DIRAC_8_0, _connect_dirac_8),
        Implementation("lhcbdirac", "LHCbDIRAC", profiles.LHCBDIRAC_12_0, _connect_dirac, based_on=("DIRAC==9.1.22",)),
        Implementation(
            "ilcdirac",
            "ILCDIRAC",
            profiles.ILCDIRAC_35_0,
            _connect_dirac_8,
            based_on=("DIRAC==8.0.86",),
            needs=("six", "setuptools<82"),  # it imports pkg_resources
            own_request=True,
        ),
    )
}
"""The known implementations by name; an extension follows the implementation that it extends."""


def implementation_named(name: str) -> Implementation:
    """Return a known implementation, which need not be loaded; raises PortError when there is no such name."""
    if name not in IMPLEMENTATIONS:
        raise PortError(no_such("implementation", name, IMPLEMENTATIONS))
    return IMPLEMENTATIONS[name]


def implementation_of(*things: Any) -> Implementation:
    """Return the implementation whose clients belong to module classes, or to Python files; it need not be loaded.

    The first class in the order of inheritance decides that is of an implementation's package, or whose file imports
    something from DIRAC or an extension of it. Of several things, the one of the extension decides; without a decision
    it is the reference.
    """
    names = list(IMPLEMENTATIONS)
    return IMPLEMENTATIONS[max(map(_implementation_of, things), key=names.index, default=REFERENCE)]


def _implementation_of(thing: Any) -> str:
    kinds = thing.__mro__ if isinstance(thing, type) else ()
    files = [(kind.__module__, sys.modules.get(kind.__module__)) for kind in kinds] or [("", thing)]
    for name, file in files:
        package = name.partition(".")[0]
        if package in _PACKAGES:
            return _installed(package)
        if _imports_dirac(file):
            return _installed("DIRAC")
    return REFERENCE


_PACKAGES: Final = frozenset(known.package for known in IMPLEMENTATIONS.values())


def _installed(package: str) -> str:
    """Return the implementation of a package of which the installed version is; the first one if none is installed."""
    known = [item for item in IMPLEMENTATIONS.values() if item.package == package]
    major = _numbers(version_of(package))[0:1]
    return next((item for item in known if _numbers(item.profile.versions[1])[:1] == major), known[0]).name


def _imports_dirac(file: Any) -> bool:
    """Return whether anything in a module's namespace comes from DIRAC or an extension of it."""
    if "DIRAC" not in sys.modules or file is None:
        return False
    values = list(vars(file).values())
    homes = (value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", "") for value in values)
    return any(str(home).partition(".")[0] in _PACKAGES - {_OWN} for home in homes)
