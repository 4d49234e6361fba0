"""Processes that end with this one, whatever ends it, the ports on which they listen, and the folder of their files."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOPBACK: Final = "127.0.0.1"
PATIENCE: Final = 60.0
MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a private folder there
_ENOUGH: Final = 1 << 30
_PREFIX, _OWNER = "live-", "owner.pid"
_PORTS: Final = range(10_000, 32_768)
"""Below those that the kernel gives to connections, which could take one before its server listens."""


class MissingError(Exception):
    """Something that the session needs cannot be had; the message is one line that says what, and how to install it."""


@contextmanager
def private_folder(parent: Path = MEMORY) -> Iterator[Path]:
    """Make a folder for a ``with`` block, in memory if there is room; remove those of processes that were killed."""
    for file in parent.glob(f"{_PREFIX}*/{_OWNER}"):
        pid = file.read_text()
        if pid.isdecimal() and not Path("/proc", pid).exists():
            shutil.rmtree(file.parent, ignore_errors=True)
    room = parent.is_dir() and shutil.disk_usage(parent).free > _ENOUGH
    with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=parent if room else None) as folder:
        Path(folder, _OWNER).write_text(str(os.getpid()))
        yield Path(folder)


@contextmanager
def interrupted_by_sigterm() -> Iterator[None]:
    """Let SIGTERM end a ``with`` block as Ctrl-C does, so that all that it has made is removed."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def free_port() -> int:
    """Return a port of the loopback on which nothing listens; no other process is likely to choose the same."""
    while True:
        port = random.SystemRandom().choice(_PORTS)
        with suppress(OSError), socket.socket() as probe:
            probe.bind((LOOPBACK, port))
            return port


def child(command: list[str], log: Path, **more: Any) -> subprocess.Popen[bytes]:
    """Start a process that the kernel kills when this one ends; what it prints goes to ``log``."""
    setpriv = shutil.which("setpriv")
    bound = [setpriv, "--pdeathsig", "KILL"] if setpriv else []
    with log.open("wb") as file:
        # A session of its own: an interrupt is for this process, which ends the child itself
        return subprocess.Popen([*bound, *command], stdout=file, stderr=file, start_new_session=True, **more)


def ended(*processes: subprocess.Popen[bytes]) -> None:
    """Ask the processes to end, and kill those that do not within ten seconds."""
    for process in processes:
        process.send_signal(signal.SIGTERM)
    for process in processes:
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until something listens on a port of the loopback; MissingError if the process ends before."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        with suppress(OSError), socket.create_connection((LOOPBACK, port), 1):
            return
        time.sleep(0.05)
    tail = " | ".join(log.read_text(errors="replace").strip().splitlines()[-3:])
    raise MissingError(f"Nothing listens on port {port} ({' '.join(process.args)}): {tail}")  # type: ignore[arg-type]
