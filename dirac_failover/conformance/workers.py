"""Run work on scenarios in worker processes and yield its results, chunk by chunk.

Work is a function of ports and of a chunk of scenarios. The results add up, so that neither the number of workers nor
their order changes the sum. When a worker dies, its chunk is run again, one scenario at a time, and the error names the
scenario in which the worker dies again.
"""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import signal
import sys
import time
import warnings
from contextlib import ExitStack, closing, redirect_stderr, redirect_stdout, suppress
from functools import cache, partial
from itertools import islice
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any, Final, Generic, Self, TextIO, TypeVar, cast

from dirac_failover.drivers.in_process import sessions
from dirac_failover.drivers.sandbox import stay_within, temporary
from dirac_failover.drivers.supervisor import ending, uninterrupted
from dirac_failover.errors import AstrayWarning, FailoverError, PortBrokenError, SettingError, astray_told

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

    from dirac_failover.drivers.in_process import InProcessDriver
    from dirac_failover.drivers.resolve import Target
    from dirac_failover.drivers.subprocess_driver import SubprocessDriver
    from dirac_failover.spec.scenario import Scenario

    Ports = Sequence[InProcessDriver | SubprocessDriver]
    Numbered = tuple[int, Scenario]
    """A scenario with its number in the plan."""
    Size = tuple[int, int, str]
    """Of a scenario: the changes from the good case, the length of its JSON, and its name."""

T = TypeVar("T")

CHUNK: Final = 250
"""Scenarios that a worker runs before it returns what it has found."""
_MOST: Final = 8
"""Workers for each processor: more of them only take memory."""
_sessions: Final = ExitStack()
"""The contexts that are open in a worker until it ends."""


class Smallest(Generic[T]):
    """The finding in the smallest scenario so far: ``size`` is that scenario's, None before the first finding."""

    def __init__(self, size: Size | None = None, found: T | None = None) -> None:
        """Begin with one finding, or without."""
        self.size, self.found = size, found

    def offer(self, size: Size, make: Callable[[], T | None]) -> None:
        """Make a finding and keep it, if its scenario is smaller than that of the one before."""
        if self.size is None or size < self.size:
            self.size, self.found = size, make()

    def add(self, other: Smallest[T]) -> None:
        """Keep the smaller of both findings."""
        if other.size is not None:
            self.offer(other.size, lambda: other.found)


def cores() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def check_workers(number: int) -> None:
    """Raise SettingError unless a number of workers is from 1 to eight for each processor."""
    most = _MOST * cores()
    if not 1 <= number <= most:
        raise SettingError(f"--workers: expected a whole number from 1 to {most}, {_MOST} a processor, found {number}")


def parse_shard(text: str) -> tuple[int, int]:
    """Return the index (from 0) and the count that ``I/N`` means; SettingError when it means nothing."""
    index, _, count = text.partition("/")
    if not (index.isdecimal() and count.isdecimal() and 1 <= int(index) <= int(count)):
        raise SettingError(f"--shard: expected I/N with I from 1 to N, found {text!r}")
    return int(index) - 1, int(count)


def run_sharded(  # noqa: PLR0913, PLR0917 - the work, what it is done on, and how
    work: Callable[[Ports, Iterable[Numbered]], T],
    targets: tuple[Target, ...],
    scenarios: Iterable[Scenario],
    workers: int,
    part: tuple[int, int],
    progress: Progress,
    seconds: float = 0,
) -> Generator[T, None, None]:
    """Yield what ``work`` returns for each chunk of a shard of the scenarios: ``part`` is its index, from 0, and count.

    The work runs in processes of their own, in which the targets' ports are connected. Raises PortBrokenError for an
    error in a worker, and for a scenario in which a worker dies or which takes longer than ``seconds``; 0 is no limit.
    """
    numbered = islice(enumerate(scenarios), part[0], None, part[1])
    chunks = iter(lambda: list(islice(numbered, CHUNK)), [])
    task = partial(_task, work, targets, seconds)
    warned = False
    with progress, closing(_in_processes(task, chunks, workers)) as results:
        try:
            for chunk, found, astray, error in results:
                progress.add(len(chunk))
                if astray and not warned:
                    warned = True
                    warnings.warn(astray[0], AstrayWarning, stacklevel=2)
                if error is not None:
                    raise PortBrokenError(error)
                yield cast("T", found)
        except _WorkerDiedError as died:
            raise _blamed(task, died.chunk, seconds) from None


class _WorkerDiedError(Exception):
    def __init__(self, chunk: list[Numbered], exitcode: int | None) -> None:
        super().__init__(chunk, exitcode)
        self.chunk, self.exitcode = chunk, exitcode


def _in_processes(
    task: Callable[[list[Numbered]], tuple[T | None, list[str], str | None]],
    chunks: Iterator[list[Numbered]],
    workers: int,
    stack: str = "",
) -> Generator[tuple[list[Numbered], T | None, list[str], str | None], None, None]:
    """Yield each chunk with what the task has returned for it; raises _WorkerDiedError.

    Afterwards the workers and their descendants are gone, also those that have left their session, and so are their
    temporary directories. A worker that takes too long writes its stack into the file ``stack``.
    """
    context = multiprocessing.get_context("spawn")
    resource_tracker.ensure_running()  # it serves this process, and is not ended with the workers
    processes: dict[Connection, SpawnProcess] = {}
    busy: dict[Connection, list[Numbered]] = {}
    with temporary("failover-workers-") as directory, ending():
        try:
            for chunk in islice(chunks, workers):
                pipe, other = context.Pipe()
                with uninterrupted():  # a worker that is just started is to take no Ctrl-C
                    processes[pipe] = context.Process(target=_serve, args=(task, other, directory, stack))
                    processes[pipe].start()
                other.close()
                busy[pipe] = chunk
                with suppress(OSError):  # it is dead, and the pipe will say so
                    pipe.send(chunk)
            while busy:
                for pipe in cast("list[Connection]", wait(list(busy))):
                    done = busy.pop(pipe)
                    try:
                        result = pipe.recv()
                    except (EOFError, OSError):
                        processes[pipe].join()
                        raise _WorkerDiedError(done, processes[pipe].exitcode) from None
                    if chunk := next(chunks, []):
                        busy[pipe] = chunk
                        with suppress(OSError):
                            pipe.send(chunk)
                    else:
                        pipe.close()  # so the worker ends
                    yield done, *result
            for process in processes.values():
                process.join()
        finally:
            for process in processes.values():
                process.terminate()
            for process in processes.values():
                process.join()


def _serve(task: Callable[[list[Numbered]], Any], pipe: Connection, directory: str, stack: str) -> None:
    """Do the task on each chunk that comes, until the pipe ends: this process takes no Ctrl-C, and prints nowhere."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    with (
        open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere),
        stay_within(directory), _sessions,
    ):  # fmt: skip
        if stack:
            file = _sessions.enter_context(open(stack, "wb"))  # noqa: SIM115 - the stack closes it
            faulthandler.register(signal.SIGALRM, file, all_threads=False, chain=True)
        with suppress(EOFError, OSError):  # the parent needs no more, or is gone
            while True:
                pipe.send(task(pipe.recv()))


def _task(
    work: Callable[[Ports, Iterable[Numbered]], T],
    targets: tuple[Target, ...],
    seconds: float,
    chunk: Iterable[Numbered],
) -> tuple[T | None, list[str], str | None]:
    """Do the work on a chunk: return its result, warnings of runs that left the working directory, and an error."""
    astray: list[str] = []
    try:
        with astray_told(astray.append):
            return work(_ports(targets), _limited(chunk, seconds)), astray, None
    except BaseException as error:  # noqa: BLE001 - the port may raise anything
        text = str(error) if isinstance(error, FailoverError) else f"{type(error).__name__}: {error}".rstrip(": ")
        return None, astray, text


@cache
def _ports(targets: tuple[Target, ...]) -> Ports:
    """Return the targets' ports, connected until this process ends."""
    ports = [target.port() for target in targets]
    _sessions.enter_context(ports[0].session() if len(ports) == 1 else sessions(*ports))
    return ports


def _limited(chunk: Iterable[Numbered], seconds: float) -> Iterator[Numbered]:
    """Yield the scenarios; the kernel ends this process when one takes too long, also in code that ignores signals."""
    try:
        for item in chunk:
            signal.setitimer(signal.ITIMER_REAL, seconds)
            yield item
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _blamed(task: Callable[..., Any], suspects: Sequence[Numbered], seconds: float) -> PortBrokenError:
    """Run the suspects one by one in a fresh worker; return the error that names the one in which it dies."""
    with temporary("failover-stack-") as directory:
        stack = os.path.join(directory, "stack")
        try:
            for _, _, _, error in _in_processes(task, iter([[suspect] for suspect in suspects]), 1, stack):
                if error is not None:
                    return PortBrokenError(error)
        except _WorkerDiedError as died:
            where = f"in the scenario '{died.chunk[0][1].name}'"
            if died.exitcode == -signal.SIGALRM and seconds:
                with open(stack, encoding="utf-8", errors="replace") as file:
                    places = [line.strip() for line in file if line.strip().startswith("File ")]
                place = "".join(places[:1]).removeprefix("File ") or "an unknown place"
                return PortBrokenError(f"The port took longer than {seconds:g} s, at {place}, {where}")
            code = died.exitcode or 0
            how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
            return PortBrokenError(f"The port ended its process ({how}) {where}")
    first, last = suspects[0][1].name, suspects[-1][1].name
    where = f"in a scenario from '{first}' to '{last}', and not when each was run again by itself"
    return PortBrokenError(f"The port ended its process {where}")


class Progress:
    """A line of progress on a terminal; silent when ``stream`` is not a terminal."""

    def __init__(self, what: str, total: int, stream: TextIO | None = None) -> None:
        """Keep the name of the work and its amount."""
        self._what = what
        self._total = max(total, 1)
        self._stream = stream or sys.stderr
        self._shown = self._stream.isatty()
        self._started = self._last = time.monotonic()
        self.done = 0

    @classmethod
    def of(cls, what: str, scenarios: Iterable[Scenario], part: tuple[int, int]) -> Progress:
        """Return the progress of a shard of the scenarios, which are counted for a terminal only: it takes a second."""
        index, count = part
        return cls(what, len(range(index, sum(1 for _ in scenarios), count)) if sys.stderr.isatty() else 0)

    def add(self, number: int) -> None:
        """Count ``number`` more."""
        self.done += number
        now = time.monotonic()
        if self._shown and now - self._last > 0.1:  # noqa: PLR2004 - seconds; a person reads no faster
            self._last = now
            self._draw(now)

    def note(self, line: str) -> None:
        """Write a line that stays, above the line of progress."""
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
        """Remove the line."""
        if self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def __enter__(self) -> Self:
        """Return the progress itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the line."""
        self.close()
