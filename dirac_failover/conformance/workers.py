"""Runs the same work in several processes and hands back what they find, as they find it.

The work is a function of a shard (``index`` of ``count``) that yields messages; every process works on its own shard
and sends its messages through a pipe. A process that dies or raises ends the whole with a
:class:`~dirac_failover.errors.PortBrokenError`: a result that is not complete is no result.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
import warnings
from contextlib import suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any, Final, TextIO, cast

from dirac_failover.drivers.sandbox import stay_within, temporary
from dirac_failover.drivers.supervisor import keep, uninterrupted
from dirac_failover.errors import AstrayWarning, FailoverError, PortBrokenError, SettingError, astray_told

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from multiprocessing.connection import Connection

    Messages = Generator[Any, None, None]

_END: Final = "end of the shard"
_BROKEN: Final = "broken"
_ASTRAY: Final = "astray"


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class WorkerDiedError(PortBrokenError):
    """A worker's process ended in the midst of its shard; ``worker`` counts from 0."""

    def __init__(self, worker: int, exitcode: int | None) -> None:
        """Say how it ended: a negative exit code is a signal."""
        text = f"A port ended its process (exit code {exitcode}): 'dirac-failover verify' says in which scenario"
        super().__init__(text)
        self.worker = worker
        self.exitcode = exitcode


def in_processes(work: Callable[[int, int], Iterator[Any]], workers: int, shard: tuple[int, int]) -> Messages:
    """Yield the messages of ``work`` on the shards that make up ``shard`` (index from 0, and how many there are).

    Whatever the workers have started or made is gone afterwards, also if they are interrupted or killed. They take no
    Ctrl-C: it is for this process.
    """
    context = multiprocessing.get_context("spawn")
    index, count = shard
    receivers: list[Connection] = []
    processes = []
    numbers: dict[Connection, int] = {}
    astray = False
    resource_tracker.ensure_running()  # else the first worker starts it, which lets the signals through
    with temporary("failover-workers-") as directory:
        try:
            for worker in range(workers):
                receiver, sender = context.Pipe(duplex=False)
                arguments = work, index + count * worker, count * workers, sender, directory
                process = context.Process(target=_kept, args=arguments)
                with uninterrupted():
                    process.start()
                    processes.append(process)
                sender.close()
                receivers.append(receiver)
                numbers[receiver] = worker
            while receivers:
                for receiver in cast("list[Connection]", wait(receivers)):
                    try:
                        message = _receive(receiver)
                    except EOFError:
                        dead = processes[numbers[receiver]]
                        dead.join()
                        raise WorkerDiedError(numbers[receiver], dead.exitcode) from None
                    if isinstance(message, tuple) and message[0] == _ASTRAY:
                        if not astray:
                            warnings.warn(message[1], AstrayWarning, stacklevel=2)
                        astray = True
                    elif message == _END:
                        receivers.remove(receiver)
                    else:
                        yield message
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.join()


def _receive(receiver: Connection) -> Any:
    message = receiver.recv()
    if isinstance(message, tuple) and message[0] == _BROKEN:
        raise PortBrokenError(message[1])
    return message


def _kept(work: Callable[[int, int], Iterator[Any]], index: int, count: int, sender: Connection, path: str) -> None:
    """Do the work below a keeper, with temporary directories in ``path``."""
    keep()
    with stay_within(path):
        _send(work, index, count, sender)


def _send(work: Callable[[int, int], Iterator[Any]], index: int, count: int, sender: Connection) -> None:
    try:
        with astray_told(lambda text: sender.send((_ASTRAY, text))):
            for message in work(index, count):
                sender.send(message)
        sender.send(_END)
    except BaseException as error:  # noqa: BLE001 - the parent says it, in one line
        text = str(error) if isinstance(error, FailoverError) else f"{type(error).__name__}: {error}".rstrip(": ")
        with suppress(OSError):  # the parent may be gone
            sender.send((_BROKEN, text))
    finally:
        sender.close()


class Progress:
    """One line on a terminal that says how far the work is; silent when ``stream`` is not a terminal."""

    def __init__(self, what: str, total: int, stream: TextIO | None = None) -> None:
        """Name the work and how much there is of it."""
        self._what = what
        self._total = max(total, 1)
        self._stream = stream or sys.stderr
        self._shown = self._stream.isatty()
        self._started = self._last = time.monotonic()
        self.done = 0

    def add(self, number: int) -> None:
        """Count ``number`` more."""
        self.done += number
        now = time.monotonic()
        if self._shown and now - self._last > 0.1:  # noqa: PLR2004 - seconds; a person reads no faster
            self._last = now
            self._draw(now)

    def note(self, line: str) -> None:
        """Write a line that stays, above the one that says how far the work is."""
        self.close()
        self._stream.write(f"{line}\n")
        self._stream.flush()

    def _draw(self, now: float) -> None:
        share = min(self.done / self._total, 1.0)
        rate = self.done / max(now - self._started, 1e-9)
        left = (self._total - self.done) / rate if rate else 0
        bar = ("#" * round(share * 30)).ljust(30, ".")
        count = f"{self.done:,} of {self._total:,}"
        line = f"{self._what} [{bar}] {share:4.0%} {count}, {rate:,.0f} a second, {left:.0f} s left"
        self._stream.write(f"\r\x1b[K{line}")
        self._stream.flush()

    def close(self) -> None:
        """Take the line away."""
        if self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()


def parse_shard(text: str) -> tuple[int, int]:
    """Return the index (from 0) and the count that ``I/N`` means; SettingError when it means nothing."""
    index, _, count = text.partition("/")
    if not (index.isdecimal() and count.isdecimal() and 1 <= int(index) <= int(count)):
        raise SettingError(f"--shard: expected I/N with I from 1 to N, found {text!r}")
    return int(index) - 1, int(count)
