"""Processes that end with this one, whatever ends it, and the ports on which they listen."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pathlib import Path

LOOPBACK: Final = "127.0.0.1"
PATIENCE: Final = 60.0


class MissingError(Exception):
    """Something that the session needs cannot be had; the message is one line that says what, and how to install it."""


def free_port() -> int:
    """Return a port of the loopback on which nothing listens."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


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
