"""Runs a scenario on an implementation and returns the observation: ``Scenario -> World -> Port -> Observation``.

:class:`InProcessDriver` drives any implementation's module in this process: it sets up the scenario, executes the
module and collects everything that can be observed afterwards. It has no expectation of the outcome.
"""

from __future__ import annotations

import datetime as dt
import gc
import logging
import os
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from dirac_failover.drivers.derived import call_methods, subject_of
from dirac_failover.drivers.implementations import stopped
from dirac_failover.drivers.observe import (
    ATTRIBUTES,
    HOOKS,
    held,
    of_request,
    plain_steps,
    sorted_keys,
    without_stack,
)
from dirac_failover.drivers.replaced import job_id_kept, replaced, set_job_id
from dirac_failover.drivers.sandbox import Workplace, temporary
from dirac_failover.drivers.setup import collaborators, needs_services, script_of, seed
from dirac_failover.drivers.supervisor import ending
from dirac_failover.errors import Interrupted
from dirac_failover.spec.facts import MODULE
from dirac_failover.spec.observation import ATOMIC, Observation, Scrubber, attributes_of, forget_frames
from dirac_failover.spec.scenario import FAILED_STATUS, Scenario
from dirac_failover.vocabulary import ENV_JOB_ID
from dirac_fakes.journal import Call, Journal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dirac_failover.drivers.implementations import Implementation
    from dirac_failover.drivers.subprocess_driver import SubprocessDriver
    from dirac_failover.wire.rpc import Transport
    from dirac_fakes.answers import Script
    from dirac_fakes.world import World


T = TypeVar("T")


class Listener(NamedTuple):
    """Functions that a driver calls while it executes a scenario."""

    begin: Callable[[dict[str, Any], World | None], None]
    """Takes ``workflow_commons`` as they are laid out, and the services."""
    make: Callable[[type[Any]], Any]
    """Makes a module of its class."""
    transport: Callable[[World], Transport]
    """Returns the way to the services."""


class Execution(NamedTuple):
    """One execution of a module, after its end."""

    module: Any
    commons: dict[str, Any]
    """``workflow_commons`` as the module left them."""
    ended: str
    """``returned`` or ``raised``."""
    result: Any
    """The returned value, or the exception; for several calls a list of them."""
    journal: Journal
    files: dict[str, str]
    """The texts of the files in the working directory, by name."""
    world: World | None
    """The services; None when every collaborator is scripted."""


class _TickingClock:
    """A clock for one run: each reading is a moment later than the one before, and none is at a full second."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._now = dt.datetime.fromisoformat("2026-01-01T12:00:00.000001")
        self._tick = dt.timedelta(microseconds=1)

    def __call__(self) -> dt.datetime:
        self._now += self._tick
        return self._now


_CLOCK: Final = _TickingClock()
_GARBAGE: Final = 50_000
"""The threshold of the garbage collector: a run leaves few cycles, and a collection is a tenth of its time."""
_OWN_VARIABLES: Final = frozenset({ENV_JOB_ID})
"""The environment variables that every run sets or removes, and that the session restores."""


class InProcessDriver:
    """A module class of an implementation, run in this process; to be used inside its own :meth:`session`.

    ``module`` replaces the implementation's FailoverRequest.
    """

    shape = MODULE

    def __init__(self, implementation: Implementation, module: type[Any] | None = None) -> None:
        """Set the module; nothing is started before :meth:`session`."""
        self.implementation = implementation
        self.name, self.version = implementation.name, implementation.version
        self._class: type[Any] = module or implementation.FailoverRequest
        self._calls: list[Call] = []
        self._going_on: set[str] = set()
        self._world: World | None = None
        self._listener: Listener | None = None
        self._place: Workplace

    @property
    def clients(self) -> str:
        """Name and version of the implementation whose clients are used."""
        return f"{self.implementation.name} {self.implementation.version}"

    @contextmanager
    def session(self) -> Iterator[InProcessDriver]:
        """Prepare the process for :meth:`run`: see :func:`sessions`."""
        with sessions(self):
            yield self

    def supports(self, scenario: Scenario) -> bool:  # noqa: ARG002 - other ports may not
        """Return whether the port takes this scenario: one in this process takes them all."""
        return True

    @contextmanager
    def connected(self, place: Workplace) -> Iterator[None]:
        """Connect the implementation's clients to the services of the scenario that is run, and listen to the hooks."""
        self._place = place
        with ExitStack() as stack:
            stack.enter_context(self.implementation.connect(self._route))
            stack.enter_context(stopped(_CLOCK, self.implementation))
            for owner in self._class.__mro__:  # a hook may be reached by super() alone
                for name in vars(owner).keys() & set(HOOKS):
                    stack.enter_context(replaced(owner, **{name: self._heard(name, vars(owner)[name])}))
            yield

    def _heard(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        """Return the method of a class, made to be recorded, unless it is the same hook that calls it."""
        call, going_on = Call("module", name, (), None), self._going_on

        def hook(*args: Any, **kwargs: Any) -> Any:
            if name in going_on:
                return method(*args, **kwargs)
            going_on.add(name)
            self._calls.append(call)
            try:
                return method(*args, **kwargs)
            finally:
                going_on.discard(name)

        return hook

    def _route(self, service: str, method: str, args: tuple[Any, ...], *, timeout: int = 600) -> dict[str, Any]:
        if self._world is None:
            raise AssertionError(f"{service}.{method} was called in a scenario without services")
        transport = self._listener.transport(self._world) if self._listener else self._world
        answer: dict[str, Any] = transport(service, method, args, timeout=timeout)
        return answer

    def run(self, scenario: Scenario) -> Observation:
        """Execute the module in the scenario and return the observation."""
        return self._in_place(scenario, self._observe)

    def execute(self, scenario: Scenario, listener: Listener) -> Execution:
        """Execute the module in the scenario; the functions of ``listener`` are called meanwhile."""
        self._listener = listener
        try:
            return self._in_place(scenario, self._executed)
        finally:
            self._listener = None

    def _in_place(self, scenario: Scenario, work: Callable[[Scenario, Journal], T]) -> T:
        """Set up the collaborators and execute the module, in a directory and environment that are ready."""
        environment = scenario.environment
        if environment.keys() <= _OWN_VARIABLES:
            set_job_id(environment.get(ENV_JOB_ID))
            return self._connected(scenario, work)
        before = dict(os.environ)
        try:
            set_job_id(None)
            os.environ.update(environment)
            return self._connected(scenario, work)
        finally:  # a module may set other variables, too
            os.environ.clear()
            os.environ.update(before)

    def _connected(self, scenario: Scenario, work: Callable[[Scenario, Journal], T]) -> T:
        _CLOCK.reset()
        self._place.enter()
        self._place.lay_out(scenario.files)
        user, group = scenario.owner or (None, None)
        if not needs_services(scenario):
            self._world = None
            if not self.implementation.own_request:
                return work(scenario, Journal())
            with self.implementation.connect(self._route, owner=user, group=group):
                return work(scenario, Journal())
        world = self._world = seed(scenario)
        options, sleep = scenario.options, world.clock.sleep
        with self.implementation.connect(self._route, owner=user, group=group, options=options, sleep=sleep):
            return work(scenario, world.journal)

    def _observe(self, scenario: Scenario, journal: Journal) -> Observation:
        return self.look(self._executed(scenario, journal))

    def _executed(self, scenario: Scenario, journal: Journal) -> Execution:
        script = script_of(self.implementation, scenario, journal)
        commons = _copy({**self.implementation.profile.commons, **scenario.workflow_commons})
        step = _copy(scenario.step_commons)
        commons.update(collaborators(self.implementation, scenario, script, scenario.collaborators))
        if self._listener:
            self._listener.begin(commons, self._world)
        self._calls = journal.calls
        for earlier in scenario.earlier:
            before = replace(scenario, subject="module", hooks={}, calls=(), executions=1)
            _, ended, result = self._end(replace(before, **earlier), script, commons, step)
            if ended == "raised" or not isinstance(result, dict) or not result.get("OK"):
                scenario = replace(scenario, attributes={**scenario.attributes, "stepStatus": FAILED_STATUS})
        module, ended, result = self._end(scenario, script, commons, step)
        self._place.leave()
        forget_frames(result)
        return Execution(module, commons, ended, result, journal, self._place.take(), self._world)

    def _end(
        self, scenario: Scenario, script: Script, commons: dict[str, Any], step: dict[str, Any]
    ) -> tuple[Any, str, Any]:
        """Execute one module of the step; return it, how it ended, and its result."""
        kind = subject_of(scenario, self._class, self._heard, script.answer)
        module = self._listener.make(kind) if self._listener else kind()
        module.workflow_commons, module.step_commons = commons, step
        for name, value in scenario.attributes.items():
            setattr(module, name, value if type(value) in _SHARED else _copy(value))
        ended, result = "returned", None  # type: str, Any
        if scenario.calls:
            ended, result = call_methods(module, replace(scenario, calls=_copy(list(scenario.calls))), commons)
        for _ in range(0 if scenario.calls else scenario.executions):
            try:
                result = module.execute()
            except Interrupted:
                raise
            except BaseException as error:  # noqa: BLE001 - any exception is part of the outcome
                ended, result = "raised", error
        return module, ended, result

    def look(self, done: Execution) -> Observation:
        """Return the observation of an execution, as plain data."""
        scrubber, result = Scrubber(), done.result
        steps = plain_steps(done.journal, scrubber)
        attributes = attributes_of(done.module, ATTRIBUTES) | {"workflow_commons": sorted_keys(done.commons)}
        request = done.commons.get("Request")
        return Observation(
            done.ended,
            scrubber.plain(list(map(without_stack, result)) if type(result) is list else without_stack(result)),
            steps,
            scrubber.plain(attributes | held(done.commons)),
            None if request is None else scrubber.plain(of_request(request, self.implementation.profile.owner)),
            {name: scrubber.text(text) for name, text in done.files.items()},
            None if done.world is None else scrubber.plain(done.world.snapshot()),
        )


@contextmanager
def sessions(*ports: InProcessDriver | SubprocessDriver) -> Iterator[None]:
    """Work in an empty directory, without logs, with an even clock, and with the clients of ``ports`` connected.

    The working directory, JOBID and the clock are the process's: one such block at a time.
    """
    often, *seldom = gc.get_threshold()
    with ExitStack() as stack:
        place = stack.enter_context(Workplace(stack.enter_context(temporary("failover-"))))
        stack.callback(os.chdir, os.getcwd())
        stack.enter_context(job_id_kept())
        stack.enter_context(ending())
        place.enter()
        stack.callback(gc.set_threshold, often, *seldom)
        gc.set_threshold(max(often, _GARBAGE), *seldom)
        stack.callback(logging.disable, logging.root.manager.disable)
        logging.disable()
        stack.enter_context(stopped(_CLOCK))
        for port in ports:
            stack.enter_context(port.connected(place))
        yield


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: item if type(item) in _SHARED else _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value


_SHARED: Final = ATOMIC | {str}
"""Types with immutable values."""
