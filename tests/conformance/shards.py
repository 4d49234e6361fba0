"""What worker processes are given to do."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
import warnings
from typing import TYPE_CHECKING, Any

from dirac_failover.drivers.sandbox import temporary
from dirac_failover.errors import AstrayWarning, PortError

if TYPE_CHECKING:
    from collections.abc import Iterator


def numbers(index: int, count: int) -> Iterator[Any]:
    """Yield its share of the numbers below ten."""
    yield from range(index, 10, count)


def raises(index: int, count: int) -> Iterator[Any]:
    """Raise after the first message."""
    yield (index, count)
    raise ValueError("boom")


def complains(_: int, __: int) -> Iterator[Any]:
    """Raise before the first message what has a text for users."""
    raise PortError("No such port")
    yield


def is_interrupted(index: int, _: int) -> Iterator[Any]:
    """Raise what Ctrl-C raises."""
    yield index
    raise KeyboardInterrupt


def ignores_interrupts(_: int, __: int) -> Iterator[Any]:
    """Say which process this is, and go on."""
    yield os.getpid()
    time.sleep(0.1)
    yield "went on"


def goes_astray(index: int, _: int) -> Iterator[Any]:
    """Warn twice, and of other things."""
    for _ in range(2):
        warnings.warn("somewhere", AstrayWarning, stacklevel=1)
        warnings.warn("other", stacklevel=1)
    yield index


def leaves_much(_: int, __: int) -> Iterator[Any]:
    """Start a process in a session of its own, make a directory, and be killed."""
    program = ["sh", "-c", "setsid sleep 1000 >&- & echo $!"]
    started = subprocess.run(program, stdout=subprocess.PIPE, check=True)
    with temporary("left-") as directory:
        yield int(started.stdout), tempfile.mkdtemp(dir=directory)
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGKILL)


def second_dies(index: int, _: int) -> Iterator[Any]:
    """End its process, if it has the second shard; otherwise never end."""
    if index:
        os._exit(7)
    yield index
    time.sleep(1000)


told = "nothing"
"""What a test may change in its own process."""


def what_it_was_told(index: int, count: int) -> Iterator[str]:
    """What is known of the process that started this one."""
    yield told
