"""Ends every process that a port has started, also one that has left its session: by a supervisor, its parent.

A supervisor is a process that the kernel makes the parent of every orphan among its descendants (``prctl(2)``,
PR_SET_CHILD_SUBREAPER). It forks the process that does the work, waits for its end, or for SIGTERM or SIGHUP, kills all
remaining descendants, and ends with the same status. The program of an adapter file has one (:func:`keep`): ``python
supervisor.py PROGRAM ARGUMENT...`` starts it; this file imports the standard library alone, so that it starts quickly.
The command has one as well (:func:`guard`), which passes these signals on to the command, and which a SIGKILL of the
command does not reach. Without ``/proc`` (not Linux), no descendants are found.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, NoReturn

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""The signals that end a command."""
_HEARD: Final = (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP)
_DEATH_SIGNAL: Final = 1  # PR_SET_PDEATHSIG
_SUBREAPER: Final = 36  # PR_SET_CHILD_SUBREAPER
_TRIES: Final = 2000
_PAUSE: Final = 0.001  # seconds between two looks at /proc
_CANNOT_START: Final = 127  # as a shell says it


def adopt(*, orphans: bool = True) -> None:
    """Make this process the parent of the orphans among its descendants, if the system can do so."""
    _tell_kernel(_SUBREAPER, int(orphans))


def _tell_kernel(what: int, value: int) -> None:
    with suppress(AttributeError, OSError):  # only Linux has it
        ctypes.CDLL(None).prctl(what, value, 0, 0, 0)


def descendants() -> set[int]:
    """Return the IDs of all processes below this one."""
    children: dict[int, list[int]] = {}
    for name in filter(str.isdecimal, os.listdir("/proc") if os.path.isdir("/proc") else ()):
        with suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
            parent = int(file.read().rpartition(b")")[2].split()[1])
            children.setdefault(parent, []).append(int(name))
    found, new = set(), [os.getpid()]
    while new:
        new = [child for parent in new for child in children.get(parent, ())]
        found.update(new)
    return found


def end_descendants(kept: frozenset[int] = frozenset()) -> None:
    """Kill all descendants but ``kept``, and wait until they are gone: for two seconds, unless the kernel will not."""
    for _ in range(_TRIES):
        left = descendants() - kept
        if not left:
            return
        for process in left:
            with suppress(OSError):
                os.kill(process, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(process, os.WNOHANG)
        time.sleep(_PAUSE)


@contextmanager
def ending() -> Iterator[None]:
    """End the processes that are started within a ``with`` block and not ended there."""
    before = frozenset(descendants())
    adopt()
    try:
        yield
    finally:
        end_descendants(before)
        adopt(orphans=False)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Put off the signals that end a command until the end of a ``with`` block."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def keep() -> None:
    """Fork: return in the child, which takes no Ctrl-C; this process becomes its supervisor and never returns."""
    adopt()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, _HEARD)
    child = os.fork()
    if child:
        os.closerange(0, os.sysconf("SC_OPEN_MAX"))  # the pipes end with the child
        leave(watch(child))
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def guard() -> int | None:
    """Fork: return None in the child, which has the terminal; in this process, once it has ended, its wait status.

    Signals to this process are passed on to the child, which also gets one when this process is killed.
    """
    adopt()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGCHLD, *ENDING))
    child = os.fork()
    if child:
        return watch(child, told=ENDING)
    _tell_kernel(_DEATH_SIGNAL, signal.SIGTERM)
    for number in ENDING:  # until the command listens, and when it is ending already
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return None


def watch(child: int, kept: frozenset[int] = frozenset(), told: Collection[signal.Signals] = ()) -> int:
    """Wait for the end of ``child``, or for a signal; end all descendants but ``kept``, and return the wait status.

    The signals in ``told`` are passed on to the child, and the wait continues.
    """
    status = None
    while status is None and ((heard := signal.sigwait({*_HEARD, *told})) == signal.SIGCHLD or heard in told):
        if heard in told:
            os.kill(child, heard)
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                status = ended[1] if ended[0] == child else status
    end_descendants(kept)
    return signal.SIGTERM if status is None else status


def leave(status: int) -> NoReturn:
    """End this process as one with this wait status has ended."""
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with suppress(OSError):  # SIGKILL cannot be handled
            signal.signal(-code, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.kill(os.getpid(), -code)
    os._exit(code)


def execute(command: list[str]) -> NoReturn:
    """Become ``command``, kept by this process, in a session of its own."""
    keep()
    for ignored in (signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ):  # as Python leaves them
        signal.signal(ignored, signal.SIG_DFL)
    os.setsid()
    try:
        os.execvp(command[0], command)  # noqa: S606 - the user's own command
    except OSError as error:
        print(error, file=sys.stderr, flush=True)  # noqa: T201 - the host quotes it
        os._exit(_CANNOT_START)


if __name__ == "__main__":
    execute(sys.argv[1:])
