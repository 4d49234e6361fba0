"""Records one execution of a module: every call in its place, and everything that the job left behind.

A :class:`Tape` nests calls in their order: a hook of the module contains the method of a collaborator, which contains
the call to a service. A :class:`Recorder` is a tape that replaces the methods of modules and clients while it watches:
in the class, so that calls by ``super()`` are recorded too, and in an object for the attributes of the object itself.
:func:`record` lets a driver execute a scenario meanwhile.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial, wraps
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from dirac_failover.drivers.describe import PLAIN
from dirac_failover.drivers.in_process import Listener
from dirac_failover.drivers.observe import HOOKS
from dirac_failover.drivers.witness import Witness
from dirac_failover.errors import PortBrokenError
from dirac_failover.spec.duties import Act, Owed, inputs_of
from dirac_failover.spec.observation import MODULE, Call, attribute
from dirac_failover.spec.scenario import DEFAULT_COLLABORATORS
from dirac_failover.vocabulary import ENV_JOB_ID
from dirac_fakes.faults import SHORT

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping

    from dirac_failover.drivers.implementations import Implementation
    from dirac_failover.drivers.in_process import Execution, InProcessDriver
    from dirac_failover.spec.scenario import Scenario
    from dirac_failover.wire.rpc import Transport
    from dirac_fakes.world import World

METHODS: Final = (*HOOKS, "generateFailoverFile")
"""The methods of a module that are recorded: the hooks, and the one that writes the request's file."""
_NONE: Final = object()


class SimulatedProcess(Protocol):
    """The simulated process of a module, which a fault can end in the middle."""

    def must_live(self) -> None:
        """Raise an exception once the process has ended."""
        ...

    def after(self, method: str) -> None:
        """Note the end of one of the module's methods; may end the process by an exception."""
        ...


class Tape:
    """The calls in order, each inside its caller."""

    def __init__(self, process: SimulatedProcess | None = None) -> None:
        """Start empty; after the end of ``process``, if one is given, no call is made."""
        self.calls: list[Call] = []
        self._open: list[tuple[str, str, list[Call]]] = []
        self._process = process

    def inside(self, target: str, method: str = "") -> bool:
        """Return whether a call of ``target``, or of its ``method``, has not returned yet."""
        return any(target == call[0] and method in {"", call[1]} for call in self._open)

    def call(self, target: str, method: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call ``function`` with the arguments, and record it as ``target.method``."""
        return self._recorded(target, method, (args, kwargs), partial(function, *args, **kwargs))

    def transport(self, world: World) -> Transport:
        """Return ``world`` as a transport whose calls are recorded."""

        def route(service: str, method: str, args: tuple[Any, ...], *, timeout: int = 600) -> dict[str, Any]:
            home, before = "/".join(service.split("/")[-2:]), len(world.journal)
            ask = partial(world, service, method, args, timeout=timeout)
            answer: dict[str, Any] = self._recorded(
                SHORT.get(home, service), method, (args, {}), ask,
                lambda: world.journal[-1].applied if len(world.journal) > before else None,
            )  # fmt: skip
            return answer

        return route

    def _recorded(
        self,
        target: str,
        method: str,
        given: tuple[tuple[Any, ...], dict[str, Any]],
        do: Callable[[], Any],
        applied: Callable[[], bool | None] = lambda: None,
    ) -> Any:
        if self._process:
            self._process.must_live()
        args, kwargs = PLAIN.plain(given[0]), PLAIN.plain(given[1])
        siblings, calls = self._open[-1][2] if self._open else self.calls, []  # type: list[Call], list[Call]
        self._open.append((target, method, calls))
        raised, result = False, None  # type: bool, Any
        try:
            result = do()
        except BaseException as error:
            raised, result = True, error
            raise
        else:
            return result
        finally:
            self._open.pop()
            siblings.append(
                Call(target, method, args, PLAIN.plain(result), raised, kwargs or None, applied(), tuple(calls))
            )
            if self._process and target == MODULE:
                self._process.after(method)


class Recorder(Tape):
    """Watches modules and clients: records their calls, and shows the clients to a witness at each call."""

    def __init__(
        self, implementation: Implementation, methods: Iterable[str] = METHODS, process: SimulatedProcess | None = None
    ) -> None:
        """Watch nothing yet; ``methods`` are those of a module that will be recorded."""
        super().__init__(process)
        self.witness = Witness(implementation)
        self._methods = tuple(methods)
        self._collaborators: dict[int, tuple[str, Any]] = {}
        self._replaced: dict[tuple[int, str], tuple[Any, Any]] = {}

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch the clients of the implementation's classes for a ``with`` block, which restores the classes."""
        try:
            for kind in self.witness.kinds:
                self._client(kind)
            yield
        finally:
            for (_, name), (owner, own) in reversed(self._replaced.items()):
                with suppress(Exception, SystemExit):  # the module may have removed it
                    if own is _NONE:
                        delattr(owner, name)
                    else:
                        setattr(owner, name, own)
            self._replaced.clear()

    def make(self, kind: Callable[[], Any]) -> Any:
        """Make a module, and record its calls from now on; raises PortBrokenError when it cannot be made."""
        try:
            module = kind()
        except Exception as error:
            raise PortBrokenError(f"The module cannot be created: {type(error).__name__}: {error}") from error
        self.module(module)
        return module

    def module(self, module: Any) -> None:
        """Record from now on the calls of a module, and the calls of the collaborators in its commons."""
        for name in self._methods:
            for owner in type(module).__mro__:
                if isinstance(method := vars(owner).get(name), FunctionType):
                    self._replace(owner, name, _in_class(self._hook, name, method))
            if name in vars(module) or not isinstance(getattr(type(module), name, None), FunctionType):
                self._replace_own(module, name, self._hook)

    def _hook(self, module: Any, name: str, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if self.inside(MODULE, name):
            return method(*args, **kwargs)
        self._look_around(module)
        try:
            return self.call(MODULE, name, method, *args, **kwargs)
        finally:
            self._look_around(module)  # the module may have made its own collaborators

    def _look_around(self, module: Any) -> None:
        """Record from now on the calls of a module's collaborators."""
        commons = attribute(module, "workflow_commons")
        for target in DEFAULT_COLLABORATORS if type(commons) is dict else ():
            collaborator = commons.get(target)
            if id(collaborator) not in self._collaborators:
                self._collaborators[id(collaborator)] = target, collaborator
                with suppress(Exception, SystemExit):  # a module may have put anything there
                    for name in self._client(type(collaborator)) & vars(collaborator).keys():
                        self._replace_own(collaborator, name, self._ask)

    def _client(self, kind: type[Any]) -> set[str]:
        """Watch the public methods of a class of clients; return their names."""
        names = {name for name in dir(kind) if name[0] != "_" and isinstance(getattr(kind, name), FunctionType)}
        for name in names:
            self._replace(kind, name, _in_class(self._ask, name, getattr(kind, name)))
        return names

    def _ask(self, client: Any, name: str, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Record a call of a collaborator, unless the collaborator makes it itself."""
        self.witness.look(client)
        target, _ = self._collaborators.get(id(client), ("", None))
        try:
            if not target or self.inside(target):
                return method(*args, **kwargs)
            return self.call(target, name, method, *args, **kwargs)
        finally:
            self.witness.look(client)

    def _replace_own(self, thing: Any, name: str, around: Callable[..., Any]) -> None:
        """Replace the attributes of the object itself, a user's spy for example."""
        if (own := getattr(thing, name, None)) is not None:
            self._replace(thing, name, partial(around, thing, name, own))

    def _replace(self, owner: Any, name: str, new: Any) -> None:
        if (id(owner), name) not in self._replaced:
            self._replaced[id(owner), name] = owner, vars(owner).get(name, _NONE)
            setattr(owner, name, new)


def _in_class(around: Callable[..., Any], name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def called(thing: Any, *args: Any, **kwargs: Any) -> Any:
        return around(thing, name, partial(method, thing), *args, **kwargs)

    return called


class FinishedJob(NamedTuple):
    """A job after its end, for the actors that follow it."""

    job: Hashable
    """The mark of its acts on the services."""
    job_id: str
    """Its ID, from the environment."""
    owner: tuple[str, str] | None
    """User and group of its proxy."""
    files: Mapping[str, str]
    """The texts of the files in its directory, by name."""
    owed: Owed
    """All that it owes."""
    acts: list[Act]
    """The acts on the services so far; the actors add theirs."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One execution: its calls, the driver's observation, and the finished job."""

    scenario: Scenario
    calls: tuple[Call, ...]
    done: Execution
    job: FinishedJob


def record(driver: InProcessDriver, scenario: Scenario, *, reports_inputs: bool = True) -> Recording:
    """Let a driver execute a scenario inside its session, and record it.

    ``reports_inputs`` says whether the module must report the job's input files. Raises PortBrokenError when the module
    cannot be made.
    """
    recorder = Recorder(driver.implementation, {*METHODS, *(call[0] for call in scenario.calls)})
    reports = reports_inputs and scenario.subject == MODULE and not scenario.calls

    def begin(commons: Mapping[str, Any], world: World | None) -> None:
        recorder.witness.begin(commons, inputs_of(commons, scenario.attributes) if reports else ())
        if world:
            world.changes.take()

    with recorder.watching():
        done = driver.execute(scenario, Listener(begin, recorder.make, recorder.transport))
    broke_off = done.ended == "raised" and isinstance(done.result, BaseException)  # of several calls it is a list
    owed = recorder.witness.owed([done.module], type(done.result).__name__ if broke_off else "")
    job_id = str(scenario.environment.get(ENV_JOB_ID)).strip()
    acts = [Act(recorder.witness, *done.world.changes.take())] if done.world else []
    job = FinishedJob(recorder.witness, job_id, scenario.owner, done.files, owed, acts)
    return Recording(scenario, tuple(recorder.calls), done, job)
