"""A process that exchanges lines of JSON with this one; every wait for an answer has a limit.

The content of the messages does not matter here. All three streams are served during a wait for a message, so that
neither side can block the other by not reading.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NoReturn

from dirac_failover.drivers import supervisor
from dirac_failover.errors import ellipsis

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Json = Any

_LONGEST: Final = 16 << 20  # bytes: more than any outcome, and less than all memory
_READ: Final = 1 << 16
_QUOTED: Final = 200
_SECONDS: Final = 5.0  # for the supervisor to end everything


class ProcessError(Exception):
    """An error between the host and a process; ``exitcode`` is that of a process that has ended."""

    exitcode: int | None = None


class Process:
    """A process and its three streams; no stream makes the host wait beyond a time limit."""

    def __init__(self, command: Sequence[str], directory: str, environment: Mapping[str, str]) -> None:
        """Start it in ``directory`` below a supervisor, as the leader of a new session; raises :class:`OSError`."""
        self._popen = subprocess.Popen(  # noqa: S603 - the user's own command
            [sys.executable, "-ISE", os.path.abspath(supervisor.__file__), *command],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            cwd=directory, env=environment, bufsize=0, start_new_session=True,
        )  # fmt: skip
        assert self._popen.stdin and self._popen.stdout and self._popen.stderr  # noqa: S101, PT018 - for the checker
        self._stdin, self._stdout, self._stderr = (
            stream.fileno() for stream in (self._popen.stdin, self._popen.stdout, self._popen.stderr)
        )
        self._selector = selectors.DefaultSelector()
        for stream in (self._stdin, self._stdout, self._stderr):
            os.set_blocking(stream, False)
        self._selector.register(self._stdout, selectors.EVENT_READ, self._read)
        self._selector.register(self._stderr, selectors.EVENT_READ, self._listen)
        self._outgoing = self._said = b""
        self._incoming, self._searched = bytearray(), 0

    def send(self, message: Json) -> None:
        """Queue a message; it is sent during the next wait for a message."""
        if not self._outgoing:
            self._selector.register(self._stdin, selectors.EVENT_WRITE, self._write)
        self._outgoing += json.dumps(message).encode() + b"\n"

    def receive(self, deadline: float, what: str) -> dict[str, Json]:
        """Return the next message; raises :class:`ProcessError` if none has come by then, or it is not JSON."""
        while True:
            end = self._incoming.find(b"\n", self._searched)
            if end >= 0:
                line = bytes(self._incoming[:end])
                del self._incoming[: end + 1]
                self._searched = 0
                return self._message(line)
            self._searched = len(self._incoming)
            if len(self._incoming) > _LONGEST:
                raise ProcessError(f"it wrote a line of more than {_LONGEST:,} bytes")
            left = deadline - time.monotonic()
            if left <= 0:
                raise ProcessError(f"it has not {what}{self._last_words()}")
            for key, _ in self._selector.select(left):
                key.data()

    def _message(self, line: bytes) -> dict[str, Json]:
        try:
            message = json.loads(line, parse_constant=_refuse)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            raise ProcessError(f"expected a JSON object in a line, found {quote(line.decode(errors='replace'))}")
        return message

    def _write(self) -> None:
        try:
            self._outgoing = self._outgoing[os.write(self._stdin, self._outgoing[:_READ]) :]
        except BrokenPipeError:
            self._outgoing = b""  # a reader notices the end of the stream
        if not self._outgoing:
            self._selector.unregister(self._stdin)

    def _read(self) -> None:
        data = os.read(self._stdout, _READ)
        if not data:
            error = ProcessError(f"{self._end()}{self._last_words()}")
            error.exitcode = self._popen.returncode
            raise error
        self._incoming += data

    def _listen(self) -> bool:
        data = os.read(self._stderr, _READ)
        if not data and self._stderr in self._selector.get_map():
            self._selector.unregister(self._stderr)
        self._said = (self._said + data)[-_READ:]
        return bool(data)

    def _end(self) -> str:
        try:
            code = self._popen.wait(1)
        except subprocess.TimeoutExpired:
            return "it closed its standard output"
        return f"it ended with exit code {code}" if code >= 0 else f"it was ended by signal {-code}"

    def _last_words(self) -> str:
        with suppress(BlockingIOError):
            all(iter(self._listen, False))  # the messages that have arrived
        lines = self._said.decode(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return f"; the last it wrote to stderr: {ellipsis(last, _QUOTED)}" if last else ""

    def close(self) -> None:
        """End the process and its descendants: the supervisor does so."""
        self._popen.terminate()
        try:
            self._popen.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self._popen.pid, signal.SIGKILL)
            self._popen.wait()
        self._selector.close()
        for stream in (self._popen.stdin, self._popen.stdout, self._popen.stderr):
            stream.close()  # type: ignore[union-attr]


def quote(value: Json) -> str:
    """Return ``value`` as short JSON, for an error text."""
    return ellipsis(json.dumps(value), _QUOTED)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
