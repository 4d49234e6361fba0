"""The machine on which modules run: its disk can be full or read-only, and the process can end in the middle.

These are the faults ``file:...`` and ``process:crash_at=STEP`` of a world. A file that cannot be written fails as a
real one does, buffers included. A process that has ended makes no more calls and opens no more files, even if the
module catches the exception.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dirac_failover.drivers.replaced import replaced

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dirac_failover.testing.world import Dirac


class Crashed(BaseException):
    """The process has ended after the step of ``process:crash_at``; the step is the argument."""


class _Disk(io.FileIO):
    """A file on a disk with a limited number of free bytes."""

    def __init__(self, path: str, mode: str, room: int | None) -> None:
        super().__init__(path, mode)
        self._room = room

    def write(self, data: Any) -> int:
        if not self._room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        part = bytes(data)[: self._room]
        self._room -= len(part)
        super().write(part)
        return len(part)


class SystemFaults:
    """The disk and the process of one run; a :class:`~dirac_failover.drivers.recording.SimulatedProcess`."""

    def __init__(self, world: Dirac) -> None:
        """Begin without an ended process; the faults are those of the world."""
        self._world = world
        self._crashed: Crashed | None = None

    def after(self, method: str) -> None:
        """End the process after the method of the module that a fault names."""
        if self._world.crashes_after(method):
            self._crashed = Crashed(method)
            raise self._crashed

    def must_live(self) -> None:
        """Raise :class:`Crashed` once the process has ended."""
        if self._crashed is not None:
            raise self._crashed

    @contextmanager
    def disk(self, path: str) -> Iterator[None]:
        """Apply the faults to files in the directory ``path``, for a ``with`` block.

        A write there raises the fault's OSError; files elsewhere are unaffected.
        """
        directory, real = os.path.join(os.path.realpath(path), ""), builtins.open

        def opened(file: Any, mode: str = "r", buffering: int = -1, *args: Any, **kwargs: Any) -> Any:
            self.must_live()
            writing = "r" not in mode or "+" in mode
            inside = not isinstance(file, int) and os.fsdecode(os.path.realpath(file)).startswith(directory)
            fault = self._world.file_fault() if writing and inside else None
            if fault is None:
                return real(file, mode, buffering, *args, **kwargs)
            if fault.kind == "read_only":
                raise OSError(errno.EROFS, os.strerror(errno.EROFS), file)
            layer = io.BufferedRandom if "+" in mode else io.BufferedWriter
            buffer = layer(_Disk(file, mode.replace("t", ""), fault.parameter()))
            return buffer if "b" in mode else io.TextIOWrapper(buffer, *args, **kwargs)

        with replaced(builtins, open=opened), replaced(io, open=opened):
            yield
