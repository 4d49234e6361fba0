"""Drives a port in another process: JSON lines over its standard streams.

The host (this module) starts a command, sends ``hello``, and then sends one scenario at a time; the port answers each
with its outcome. A port with ``calls`` in its hello does not observe itself: it sends each call of a collaborator or a
service to the host, which answers and records the call, and reads the working directory itself. ``docs/ports.md``
describes the messages, and ``schemas/port-protocol.json`` defines them.

Any failure of the port's process (its death, a hang, a line that is no message) is a :class:`PortBrokenError` for the
scenario in which it happens; then the port may be started again, a few times. Its stderr is ignored; the last line of
it is quoted when the port breaks.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from dirac_failover import __version__
from dirac_failover.drivers.adapter_file import RESTARTS, RUN_SECONDS, START_SECONDS
from dirac_failover.drivers.derived import RESOLVE
from dirac_failover.drivers.json_lines import Process, ProcessError, quote
from dirac_failover.drivers.observe import ATTRIBUTES, HOOKS, REQUEST_FIELDS, held, plain_steps
from dirac_failover.drivers.sandbox import Workplace, temporary
from dirac_failover.drivers.setup import FAKES, REQUEST_ANSWERS, fake_of, needs_services, seed
from dirac_failover.drivers.supervisor import uninterrupted
from dirac_failover.errors import PortBrokenError, PortError, visible
from dirac_failover.spec.facts import MODULE, SHAPES
from dirac_failover.spec.observation import FILE_FIELDS, OPERATION_FIELDS, Call, Observation, Scrubber
from dirac_failover.spec.scenario import SCRIPTED
from dirac_fakes.answers import OPERATIONS, Script
from dirac_fakes.journal import Journal
from dirac_fakes.service import ok

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from dirac_failover.spec.scenario import Json, Scenario

CAPABILITIES: Final = {
    "calls": "asks the host for everything that a module asks of its collaborators and of the services",
    "services": "can run scenarios in which collaborators are clients of its own, talking to services",
    "methods": "takes scenarios in which single methods are called instead of execute",
    "hooks": "takes scenarios with replaced hooks, modules derived from ModuleBase, or other modules before",
}
"""The capabilities of a port, and their meanings."""
PROTOCOLS: Final = {1: ("calls", "services"), 2: tuple(CAPABILITIES)}
"""The versions of the protocol, and the capabilities of each; a port names the version that it speaks."""

NAMED_WRONGLY: Final = 4
"""The exit code of a program that does not know its port."""
_NOT_FOUND: Final = (NAMED_WRONGLY, 127)  # the second one is the supervisor's, when there is no program


class SubprocessDriver:
    """A port in another process; to be used inside its own :meth:`session`.

    ``seconds`` is how long one scenario may take, ``start_seconds`` how long until the hello; ``environment`` is added
    to this process's.
    """

    def __init__(  # noqa: PLR0913 - one argument for each thing that an adapter file may set
        self,
        command: Sequence[str],
        *,
        name: str = "",
        environment: Mapping[str, str] | None = None,
        seconds: float = RUN_SECONDS,
        start_seconds: float = START_SECONDS,
        restarts: int = RESTARTS,
    ) -> None:
        """Set the command; nothing is started before :meth:`session`."""
        self.command = list(command)
        self.name = visible(name) or os.path.basename(self.command[0])
        self.version = self.clients = ""
        self.shape = MODULE
        self.capabilities: frozenset[str] = frozenset()
        self._named = bool(name)
        self._environment = dict(environment or {})
        self._seconds, self._start_seconds = seconds, start_seconds
        self._starts = restarts + 1
        self._place: Workplace
        self._process: Process | None = None
        self._id = 0

    @contextmanager
    def session(self) -> Iterator[SubprocessDriver]:
        """Start the process in an empty directory; afterwards it and its descendants are gone."""
        with temporary("port-") as directory, Workplace(directory) as self._place:
            try:
                self._started()
                yield self
            finally:
                self._stop()

    @contextmanager
    def connected(self, _: Workplace) -> Iterator[None]:
        """Start the process beside ports of this process in one block of :func:`~.in_process.sessions`."""
        with self.session():
            yield

    def supports(self, scenario: Scenario) -> bool:
        """Return whether the port takes this scenario: it has the capabilities that the scenario needs."""
        needs = {
            "services": needs_services(scenario),
            "methods": scenario.calls,
            "hooks": scenario.hooks or scenario.earlier or scenario.subject == "base",
        }
        return all(name in self.capabilities for name, needed in needs.items() if needed)

    def run(self, scenario: Scenario) -> Observation:
        """Let the port run the scenario, and return the observation; raises :class:`PortBrokenError`."""
        process = self._started()
        self._id += 1
        deadline = time.monotonic() + self._seconds
        try:
            process.send({"id": self._id, "run": scenario.to_json()})
            if "calls" not in self.capabilities:
                return from_json(self._outcome(process, deadline, None), len(scenario.calls))
            self._place.lay_out(scenario.files)
            host, directory = Host(scenario), self._place.path
            try:
                answer = self._outcome(process, deadline, host)
            finally:
                files = self._place.take()
                if self._place.path != directory:  # the port has removed its own, and is started again in another one
                    self._stop()
            return host.outcome(answer, files)
        except ProcessError as error:
            self._stop()
            raise PortBrokenError(f"The port {self.name} broke: {error}") from error

    def _outcome(self, process: Process, deadline: float, host: Host | None) -> dict[str, Json]:
        while True:
            message = process.receive(deadline, f"answered within {self._seconds:g} s")
            if host and "call" in message:
                process.send(host.call(message["call"]))
            elif host and "set" in message:
                host.set(message["set"])
            elif message.get("id") != self._id:
                raise ProcessError(f"expected the answer to {self._id}, found {quote(message)}")
            elif "error" in message:
                raise ProcessError(str(message["error"]))
            elif not isinstance(message.get("outcome"), dict):
                raise ProcessError(f"expected an outcome, found {quote(message)}")
            else:
                outcome: dict[str, Json] = message["outcome"]
                return outcome

    def _started(self) -> Process:
        if self._process is None:
            if not self._starts:
                raise PortBrokenError(f"The port {self.name} broke too often to be started again")
            self._starts -= 1
            try:
                with uninterrupted():
                    self._process = Process(self.command, self._place.path, os.environ | self._environment)
                self._greet(self._process)
            except (ProcessError, OSError) as error:
                self._stop()
                text = f"The port {self.name} cannot be started: {error}"
                found = isinstance(error, ProcessError) and error.exitcode not in _NOT_FOUND
                raise (PortBrokenError(text) if found else PortError(text)) from error
        return self._process

    def _greet(self, process: Process) -> None:
        versions = list(PROTOCOLS)
        offer = {"protocol": versions[0], "protocols": versions}
        process.send({"hello": {**offer, "tool": __version__, "capabilities": list(CAPABILITIES)}})
        message = process.receive(
            time.monotonic() + self._start_seconds, f"said hello within {self._start_seconds:g} s"
        )
        hello = message.get("hello")
        if not isinstance(hello, dict):
            raise ProcessError(f"expected a hello, found {quote(message)}")
        version = hello.get("protocol")
        if version not in versions:
            wanted = " or ".join(map(str, versions))
            raise ProcessError(f"expected version {wanted} of the protocol, found {quote(version)}")
        known, capabilities = PROTOCOLS[version], hello.get("capabilities", [])
        if not isinstance(capabilities, list) or any(item not in known for item in capabilities):
            raise ProcessError(
                f"expected capabilities of version {version}, {', '.join(known)}, found {quote(capabilities)}"
            )
        self.shape = hello.get("shape", MODULE)
        if self.shape not in [*SHAPES]:  # it may be any JSON
            raise ProcessError(f"expected the shape {' or '.join(SHAPES)}, found {quote(self.shape)}")
        self.capabilities = frozenset(capabilities)
        self.version = visible(str(hello.get("version", "")))
        if not self._named:
            self.name = visible(str(hello.get("name", self.name)))

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.close()


_SETTABLE: Final = frozenset({("FileReport", "force")})
"""The attributes of collaborators that a module sets."""


class GracefulTermination(Exception):  # noqa: N818 - DIRAC's name
    """The exception of a scripted collaborator for a port, which gets its name only."""


class Host:
    """The collaborators and services behind a port's calls in one scenario, and the record of these calls."""

    def __init__(self, scenario: Scenario) -> None:
        """Set up the collaborators, or the services, of the scenario."""
        self.scrubber = Scrubber()
        self._scenario = scenario
        self._hooks = [module.get("hooks", {}) for module in scenario.earlier] + [scenario.hooks]
        self._begun = 0
        kinds = scenario.collaborators
        self._world = seed(scenario) if needs_services(scenario) else None
        self._journal = self._world.journal if self._world else Journal()
        exceptions = {"GracefulTermination": GracefulTermination}
        self._script = Script(scenario.answers, self._journal, _operation, exceptions)
        self._there = {name: fake_of(name, scenario, self._script) for name in FAKES if kinds.get(name) == SCRIPTED}

    def call(self, call: Json) -> Json:
        """Answer a call ``[target, method, arguments]``, also with its exception."""
        match call:
            case ["module", str(method), [*_]] if method in HOOKS:
                return self._hook(method)
            case ["Request", str(method), []] if f"Request.{method}" in REQUEST_ANSWERS:
                if f"Request.{method}" not in self._scenario.answers:
                    return {"answer": {"OK": True, "Value": None}}
                return _answered(lambda: self._script.asked("Request", method, (), ok))
            case [str(target), str(method), [*arguments]] if target in FAKES and method[:1] != "_":
                return _answered(lambda: getattr(self._there.get(target), method)(*arguments))
            case [str(target), str(method), [*arguments]] if self._world is not None and "/" in target:
                world = self._world
                return _answered(lambda: world(target, method, tuple(arguments)))
        raise ProcessError(f"it called {quote(call)}, which is not there")

    def _hook(self, hook: str) -> Json:
        """Record the call of a hook; if the scenario replaces the hook, answer with the effect of the replacement.

        Each module of a step begins with the hook that finds its collaborators.
        """
        self._journal.record("module", hook, (), None)
        self._begun += hook == RESOLVE
        text = self._hooks[: max(self._begun, 1)][-1].get(hook)
        return {"answer": None} if text is None else _answered(lambda: self._script.answer(text))

    def set(self, assignment: Json) -> None:
        """Set an attribute of a collaborator: ``[target, attribute, value]``."""
        match assignment:
            case [str(target), str(attribute), value] if (target, attribute) in _SETTABLE and target in self._there:
                setattr(self._there[target], attribute, value)
            case _:
                raise ProcessError(f"it set {quote(assignment)}, which cannot be set")

    def outcome(self, claimed: dict[str, Json], files: dict[str, str]) -> Observation:
        """Return the host's observation, completed by the port's own report of data that the host cannot see."""
        said = claimed | {"steps": [], "files": {}, "services": None}
        outcome = from_json(said, len(self._scenario.calls))
        return outcome._replace(
            attributes=outcome.attributes | self.scrubber.plain(held(self._there)),
            steps=plain_steps(self._journal, self.scrubber),
            files={name: self.scrubber.text(text) for name, text in files.items()},
            services=None if self._world is None else self.scrubber.plain(self._world.snapshot()),
        )


def _operation(target: str) -> dict[str, Json]:
    kind, arguments = OPERATIONS[target]
    return dict.fromkeys(OPERATION_FIELDS) | {"Type": kind, "Arguments": arguments.decode(), "Files": []}


def _answered(ask: Callable[[], Json]) -> Json:
    """Return the answer, or the exception, as a message."""
    try:
        return {"answer": Scrubber().plain(ask())}
    except BaseException as error:  # noqa: BLE001 - a script may raise any
        return {"raises": Scrubber().plain(error)}


def to_json(outcome: Observation) -> dict[str, Json]:
    """Return an outcome as it is sent."""
    return outcome._asdict() | {"steps": [call.step for call in outcome.steps]}


def from_json(data: dict[str, Json], calls: int = 0) -> Observation:
    """Return the outcome that was sent; :class:`~.json_lines.ProcessError` if it is none.

    What a clause takes for granted must be there; everything else may be anything, and is compared. When so many
    methods were called instead of ``execute``, there is a result of each.
    """
    for field, fits in _SHAPES.items():
        if not fits(data.get(field)):
            raise ProcessError(f"expected an outcome, found {field} {quote(data.get(field))}")
    result = data.get("result")
    if calls and (not isinstance(result, list) or len(result) != calls):
        raise ProcessError(f"expected a list with a result of each of the {calls} calls, found {quote(result)}")
    steps = tuple(Call(*step) for step in data["steps"])
    attributes = dict.fromkeys(ATTRIBUTES, "(absent)") | data["attributes"]
    request = data.get("request")
    if request is not None:
        request = dict.fromkeys(REQUEST_FIELDS, "(absent)") | request
        request["Operations"] = [
            dict.fromkeys(OPERATION_FIELDS) | operation
            | {"Files": [dict.fromkeys(FILE_FIELDS) | file for file in operation["Files"]]}
            for operation in request["Operations"]
        ]  # fmt: skip
    return Observation(data["ended"], result, steps, attributes, request, data["files"], data.get("services"))


def _is_step(value: Json) -> bool:
    match value:
        case [str(), str(), list(), _]:
            return True
    return False


def _is_request(value: Json) -> bool:
    match value:
        case None:
            return True
        case {"Operations": [*operations]}:
            return all(_is_operation(operation) for operation in operations)
    return False


def _is_operation(value: Json) -> bool:
    match value:
        case {"Type": _, "Arguments": _, "Files": [*files]}:
            return all(isinstance(file, dict) and "LFN" in file for file in files)
    return False


_SHAPES: Final[dict[str, Callable[[Json], bool]]] = {
    "ended": lambda value: value in ("returned", "raised"),
    "steps": lambda value: isinstance(value, list) and all(_is_step(step) for step in value),
    "attributes": lambda value: isinstance(value, dict),
    "request": _is_request,
    "files": lambda value: isinstance(value, dict) and all(isinstance(text, str) for text in value.values()),
}
