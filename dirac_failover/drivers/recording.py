"""A recording: one execution of a module with every call in its place, and with everything that it left behind.

A :class:`Tape` nests calls as they happen: a hook of the module, inside it a method of a collaborator, inside that a
call to a service. :class:`Recorder` is the port that ``run`` uses; it executes a scenario as its parent does and only
looks more closely, so what it records is what ``differential`` compares. What may change here: what is recorded.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from functools import wraps
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from dirac_failover.drivers.describe import PLAIN
from dirac_failover.drivers.in_process import InProcessDriver
from dirac_failover.drivers.observe import HOOKS
from dirac_failover.drivers.witness import Witness
from dirac_failover.errors import PortBrokenError
from dirac_failover.spec.duties import Act, Owed, inputs_of
from dirac_failover.spec.observation import attribute, elements
from dirac_failover.spec.scenario import DEFAULT_COLLABORATORS
from dirac_failover.vocabulary import ENV_JOB_ID
from dirac_fakes.faults import SERVICES

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping

    from dirac_failover.drivers.implementations import Implementation
    from dirac_failover.spec.observation import Json, Observation
    from dirac_failover.spec.scenario import Scenario
    from dirac_failover.wire.rpc import Transport
    from dirac_fakes.world import World

MODULE: Final = "module"
METHODS: Final = (*HOOKS, "generateFailoverFile")
"""The methods of a module that are recorded: the hooks, and the one that writes the request's file."""


@dataclass(slots=True)
class Event:
    """One call: of whom, which method, with what; what came back or was raised; and the calls that it made.

    ``applied`` tells of a call to a service whether it took effect there, whatever the answer says.
    """

    target: str
    method: str
    args: list[Json]
    kwargs: dict[str, Json]
    answer: Json = None
    raised: Json = None
    applied: bool | None = None
    calls: list[Event] = field(default_factory=list)

    def to_json(self) -> dict[str, Json]:
        """Return it for machines; what a call does not have is left out."""
        data: dict[str, Json] = {"target": self.target, "method": self.method, "args": self.args}
        if self.kwargs:
            data["kwargs"] = self.kwargs
        if self.raised is None:
            data["answer"] = self.answer
        else:
            data["raised"] = self.raised
        if self.applied is not None:
            data["applied"] = self.applied
        return {**data, "calls": [event.to_json() for event in self.calls]}


class Tape:
    """What was called, in order, each call inside the one that made it."""

    def __init__(self) -> None:
        """Start empty."""
        self.events: list[Event] = []
        self._open: list[Event] = []

    def inside(self, target: str) -> bool:
        """Tell whether a call to ``target`` is going on."""
        return any(event.target == target for event in self._open)

    def call(self, target: str, method: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call ``function`` with the arguments, and record it as ``target.method``."""
        event = self._begin(target, method, args, kwargs)
        try:
            answer = function(*args, **kwargs)
        except BaseException as error:
            event.raised = PLAIN.plain(error)
            raise
        finally:
            self._open.pop()
        event.answer = PLAIN.plain(answer)
        return answer

    def transport(self, world: World) -> Transport:
        """Return ``world`` as a transport whose calls are recorded."""

        def route(service: str, method: str, args: tuple[Any, ...], *, timeout: int = 600) -> dict[str, Any]:
            before = len(world.journal)
            home = "/".join(service.split("/")[-2:])
            event = self._begin(_SHORT.get(home, service), method, args, {})
            try:
                answer: dict[str, Any] = world(service, method, args, timeout=timeout)
            except BaseException as error:
                event.raised = PLAIN.plain(error)
                raise
            finally:
                self._open.pop()
                event.applied = world.journal[-1].applied if len(world.journal) > before else None
            event.answer = PLAIN.plain(answer)
            return answer

        return route

    def _begin(self, target: str, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Event:
        event = Event(target, method, PLAIN.plain(args), PLAIN.plain(kwargs))
        (self._open[-1].calls if self._open else self.events).append(event)
        self._open.append(event)
        return event


class Watcher:
    """Records on a tape what becomes of modules and of the collaborators that they have in ``workflow_commons``."""

    def __init__(self, tape: Tape) -> None:
        """Watch nothing yet."""
        self._tape = tape
        self._watched: list[Any] = []
        self._replaced: list[tuple[Any, str, Any]] = []

    def module(self, module: Any, methods: Iterable[str] = METHODS) -> None:
        """Record from now on the calls of these methods, and what they ask of the collaborators."""
        for name in methods:
            if hasattr(module, name):
                self._replace(module, name, self._method(module, name, getattr(module, name)))

    def release(self) -> None:
        """Watch nothing any more: everything is again as it was."""
        for thing, name, own in self._replaced:
            with suppress(Exception, SystemExit):  # the module may have removed it
                delattr(thing, name)
                if own:  # a user's spy, for example
                    setattr(thing, name, own)
        self._replaced.clear()
        self._watched.clear()

    def _replace(self, thing: Any, name: str, method: Callable[..., Any]) -> None:
        self._replaced.append((thing, name, vars(thing).get(name)))
        setattr(thing, name, method)

    def _method(self, module: Any, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def recorded(*args: Any, **kwargs: Any) -> Any:
            self.collaborators(attribute(module, "workflow_commons"))
            try:
                return self._tape.call(MODULE, name, method, *args, **kwargs)
            finally:
                self.collaborators(attribute(module, "workflow_commons"))  # it may have made its own

        return recorded

    def collaborators(self, commons: Any) -> None:
        """Record from now on what is asked of the collaborators."""
        for target in DEFAULT_COLLABORATORS if type(commons) is dict else ():
            collaborator = commons.get(target)
            if not any(collaborator is known for known in self._watched):
                self._watched.append(collaborator)
                with suppress(Exception, SystemExit):  # a module may have put anything there
                    self._watch(target, collaborator)

    def _watch(self, target: str, collaborator: Any) -> None:
        for name in dir(type(collaborator)) if hasattr(collaborator, "__dict__") else ():
            if not name.startswith("_") and isinstance(getattr(type(collaborator), name), FunctionType):
                method = self._outermost(target, name, getattr(collaborator, name))
                self._replace(collaborator, name, method)

    def _outermost(self, target: str, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        """Record a call unless the collaborator makes it itself."""

        @wraps(method)
        def recorded(*args: Any, **kwargs: Any) -> Any:
            if self._tape.inside(target):
                return method(*args, **kwargs)
            return self._tape.call(target, name, method, *args, **kwargs)

        return recorded


_SHORT: Final = {service.full: short for short, service in SERVICES.items()}


class Left(NamedTuple):
    """What a job has left behind, for those who act after it."""

    job: Hashable
    """By whom its acts are."""
    job_id: str
    """Its ID, as the environment says it."""
    owner: tuple[str, str] | None
    """User and group of its proxy."""
    files: Mapping[str, str]
    """The texts of the files in its directory, by name."""
    owed: Owed
    """All that it owes."""
    acts: list[Act]
    """What changed the services so far, to which those add theirs."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One execution: the calls, how it ended, what the module's collaborators hold, the files, and the services."""

    scenario: Scenario
    events: list[Event]
    ended: str
    result: Json
    commons: dict[str, Any]
    files: dict[str, str]
    left: Left
    world: Any
    """The services, a ``World``; None when every collaborator is scripted."""

    @property
    def operations(self) -> list[dict[str, Json]]:
        """The fields of each operation in the module's request."""
        return [PLAIN.operation(operation) for operation in elements(self.commons.get("Request"))]


class Recorder(InProcessDriver):
    """A port that keeps what it sees; to be used inside its session."""

    def __init__(
        self, implementation: Implementation, module: type[Any] | None = None, *, reports_inputs: bool = True
    ) -> None:
        """Choose what to run, as :class:`InProcessDriver`, and say whether it must report the job's input files."""
        super().__init__(implementation, module)
        self._reports_inputs = reports_inputs
        self._tape = Tape()
        self._watcher = Watcher(self._tape)
        self._watched: Iterable[str] = METHODS
        self._left: dict[str, Any]
        self._witness: Witness

    def record(self, scenario: Scenario) -> Recording:
        """Execute the module in the situation; raises PortBrokenError when the module cannot even be created."""
        self._tape = Tape()
        self._watcher = Watcher(self._tape)
        self._watched = {*METHODS, *(call[0] for call in scenario.calls)}
        self.run(scenario)
        return Recording(scenario, self._tape.events, world=self._world, **self._left)

    def _observe(self, scenario: Scenario, journal: Any) -> Observation:
        self._witness = Witness(self.kit)
        before = self._snapshot()
        with self._witness.watching():
            outcome = super()._observe(scenario, journal)
        job_id = str(scenario.environment.get(ENV_JOB_ID)).strip()
        acts = [Act(self._witness, before, self._snapshot())]
        files, owed = self._left["files"], self._left.pop("owed")
        self._left["left"] = Left(self._witness, job_id, scenario.owner, files, owed, acts)
        return outcome

    def _snapshot(self) -> dict[str, Json]:
        return {} if self._world is None else self._world.snapshot()

    def _collaborators(self, scenario: Scenario, script: Any, commons: dict[str, Any]) -> None:
        super()._collaborators(scenario, script, commons)
        reports = self._reports_inputs and scenario.subject == MODULE and not scenario.calls
        self._witness.begin(commons, inputs_of(commons, scenario.attributes) if reports else ())

    def _make(self, module: type[Any]) -> Any:
        try:
            made = super()._make(module)
        except Exception as error:
            raise PortBrokenError(f"The module cannot be created: {type(error).__name__}: {error}") from error
        self._watcher.module(made, self._watched)
        return made

    def _route(self, service: str, method: str, args: tuple[Any, ...], **timeout: int) -> dict[str, Any]:
        assert self._world is not None, f"{service}.{method} was called in a scenario without services"  # noqa: S101
        return self._tape.transport(self._world)(service, method, args, **timeout)

    def _look(self, module: Any, commons: dict[str, Any], journal: Any, ended: str, result: Any) -> Observation:
        outcome = super()._look(module, commons, journal, ended, result)
        broke_off = ended == "raised" and isinstance(result, BaseException)  # of several calls it is a list
        owed = self._witness.owed([module], type(result).__name__ if broke_off else "")
        seen = {"ended": ended, "result": PLAIN.plain(result), "commons": commons}
        self._left = {**seen, "files": self._files, "owed": owed}
        return outcome
