"""Drives an implementation that is a chain of commands: each is given the path of a JSON file, and nothing else.

A command is a class with ``execute(path)``, of which an object is made for each run, or a program that is called with
the path as its last argument. What one command leaves for the next lies in that file, or beside it. The chain runs in
the job's working directory, in which only the request's file belongs. The clients are the commands' own: those of a
class are connected to the services in this process; a program finds them at :data:`SERVICES_AT`. The chain ends at the
first command that raises, or whose exit code is not 0.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any, Final

from dirac_failover.drivers.adapter_file import RUN_SECONDS
from dirac_failover.drivers.in_process import InProcessDriver
from dirac_failover.drivers.observe import plain_steps
from dirac_failover.drivers.sandbox import temporary
from dirac_failover.drivers.setup import ExampleRecord, request_of
from dirac_failover.drivers.supervisor import descendants, end_descendants
from dirac_failover.errors import FailoverError, Interrupted, PortBrokenError, PortError
from dirac_failover.spec.facts import COMMANDS, Facts
from dirac_failover.spec.observation import Observation, Scrubber, forget_frames
from dirac_failover.wire.server import answer, parse_form

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dirac_failover.drivers.implementations import Implementation
    from dirac_failover.drivers.sandbox import Workplace
    from dirac_failover.spec.scenario import Json, Scenario
    from dirac_failover.wire.rpc import Transport
    from dirac_fakes.journal import Journal

    Command = type[Any] | list[str]

SERVICES_AT: Final = "DIRAC_FAILOVER_SERVICES"
"""The variable with the URL at which a program finds the services: ``<URL>/WorkloadManagement/JobStateUpdate``, say."""


class CommandsDriver(InProcessDriver):
    """A chain of commands, run in this process; to be used inside its own :meth:`session`.

    The commands of this process make the clients of ``implementation``. ``seconds`` is how long the programs of one run
    may take, and ``environment`` is added to this process's for them.
    """

    shape = COMMANDS

    def __init__(
        self,
        implementation: Implementation,
        commands: Sequence[Command],
        *,
        name: str,
        environment: Mapping[str, str] | None = None,
        seconds: float = RUN_SECONDS,
    ) -> None:
        """Set the commands; nothing is started before :meth:`session`."""
        super().__init__(implementation, object)
        self.name, self.version = name, ""
        self._commands = commands
        self._environment = dict(environment or {})
        self._seconds = seconds

    @contextmanager
    def connected(self, place: Workplace) -> Iterator[None]:
        """Connect the clients; for programs, serve the services of the scenario that is being run."""
        with super().connected(place):
            if not any(isinstance(command, list) for command in self._commands):
                yield
                return
            with HTTPServer(("127.0.0.1", 0), type("Services", (_Services,), {"transport": self._route})) as server:
                self._environment[SERVICES_AT] = f"http://127.0.0.1:{server.server_port}"
                thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
                thread.start()
                try:
                    yield
                finally:
                    server.shutdown()
                    thread.join()

    @property
    def clients(self) -> str:
        """Name and version of the implementation whose clients are used; empty when all commands are programs."""
        return "" if all(isinstance(command, list) for command in self._commands) else super().clients

    def _observe(self, scenario: Scenario, journal: Journal) -> Observation:
        scrubber, deadline = Scrubber(), time.monotonic() + self._seconds
        self._calls = journal.calls
        request = request_of(self.implementation, scenario)
        ended, result = "returned", {"OK": True, "Value": None}  # type: str, Any
        with temporary("commands-") as folder:
            path = os.path.join(folder, "job.json")
            with open(path, "w", encoding="utf-8") as file:
                json.dump(state_of(scenario, json.loads(request.toJSON()["Value"])), file)
            for command in self._commands:
                journal.record("module", _name(command), (), None)
                try:
                    self._execute(command, path, deadline)
                except (FailoverError, Interrupted):
                    raise
                except BaseException as error:  # noqa: BLE001 - any exception is part of the outcome
                    ended, result = "raised", error
                    forget_frames(error)
                    break
        self._place.leave()
        return Observation(
            ended,
            scrubber.plain(result),
            plain_steps(journal, scrubber),
            {},
            None,
            {name: scrubber.text(text) for name, text in self._place.take().items()},
            None if self._world is None else scrubber.plain(self._world.snapshot()),
        )

    def _execute(self, command: Command, path: str, deadline: float) -> None:
        if not isinstance(command, list):
            command().execute(path)
            return
        before = frozenset(descendants())
        try:
            done = subprocess.run(  # noqa: S603 - the user's own command
                [*command, path], env=os.environ | self._environment, stdin=subprocess.DEVNULL, capture_output=True,
                timeout=max(deadline - time.monotonic(), 0), check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            text = f"The port {self.name} broke: {_name(command)} has not ended within {self._seconds:g} s"
            raise PortBrokenError(text) from None
        except OSError as error:
            raise PortError(f"The port {self.name} cannot be started: {command[0]}: {error.strerror}") from error
        finally:
            end_descendants(before)
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise RuntimeError(f"{_name(command)} ended with exit code {done.returncode}: {''.join(said[-1:])}")


class _Services(BaseHTTPRequestHandler):
    """The services of the scenario that is being run, for one program at a time."""

    transport: Transport

    def do_POST(self) -> None:
        """Answer a call."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status, content_type, said = answer(self.transport, self.path.strip("/"), parse_form(body))
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def _name(command: Command) -> str:
    return os.path.basename(command[-1]) if isinstance(command, list) else command.__name__


def state_of(scenario: Scenario, request: Json) -> dict[str, Json]:
    """Return the content of the file before the first command: all data that the end of the job needs."""
    facts = Facts(scenario)
    transformation, task = facts.task or (0, 0)
    kind, start, end, values = ExampleRecord().getValues()
    return {
        "transformation": transformation,
        "task": task,
        "job": facts.number,
        "ok": facts.well,
        "inputs": facts.inputs,
        "reported": dict(facts.reported),
        "statuses": facts.unsent_statuses,
        "parameters": dict(facts.unsent_parameters),
        "records": [[kind, str(start), str(end), values]] * scenario.records,
        "request": request,
    }
