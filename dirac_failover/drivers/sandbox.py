"""The working directory of runs: it is opened once, and what is in it is reached through that descriptor alone.

A module, a thread that it has started or a property that is looked at may take the process to another directory at any
moment. So no name is looked up where the process happens to be: a :class:`Place` is entered before each run, and a
process that is elsewhere afterwards is taken back, with a warning.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
import warnings
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, Self

from dirac_failover.errors import AstrayWarning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

MOST: Final = 4 << 20
"""How many bytes of a file are read; the rest is named by its size."""
MOST_OF_ALL: Final = 16 << 20
"""How many bytes of all files of a run together."""
NAMES: Final = 1000
"""How many files of a run are looked at; the rest is counted."""
_MEMORY: Final = "/dev/shm"  # noqa: S108 - a new directory in it
_KINDS: Final = {
    stat.S_IFLNK: "<link>", stat.S_IFDIR: "<directory>", stat.S_IFIFO: "<fifo>", stat.S_IFSOCK: "<socket>",
    stat.S_IFCHR: "<device>", stat.S_IFBLK: "<device>",
}  # fmt: skip
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
_WRITE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL
_PREFIX: Final = "run-"


_within: list[str] = []
"""Where they are made: in a directory that the process that has started this one takes away."""


@contextmanager
def stay_within(directory: str) -> Iterator[None]:
    """Make temporary directories in ``directory``, for a ``with`` block."""
    _within.insert(0, directory)
    try:
        yield
    finally:
        _within.remove(directory)


@contextmanager
def temporary(prefix: str) -> Iterator[str]:
    """Make a directory and take it away again, with all that is in it.

    It is made where TMPDIR says; without that in memory, where ``verify`` takes 14 % less time than on a disk.
    """
    memory = [_MEMORY] if "TMPDIR" not in os.environ and os.access(_MEMORY, os.W_OK) else []
    where = [*_within, *memory, None][0]
    directory = tempfile.TemporaryDirectory(prefix=prefix, dir=where, ignore_cleanup_errors=True)
    try:
        yield directory.name
    finally:
        with suppress(RecursionError):
            directory.cleanup()
        if os.path.lexists(directory.name):  # it is too deep for Python, or somebody still writes there
            command = ["rm", "-rf", directory.name]
            subprocess.run(command, stderr=subprocess.DEVNULL, check=False)  # noqa: S603 - our own


class Place:
    """A directory in which runs take place, opened once; ``path`` is where it was then."""

    def __init__(self, path: str) -> None:
        """Open it; raises OSError."""
        self._open(path)

    def _open(self, path: str) -> None:
        self.path, self.descriptor = path, os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        self._same = _identity(os.fstat(self.descriptor))

    def __enter__(self) -> Self:
        """Nothing more."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self._close()

    def _close(self) -> None:
        if self._sound(0):  # else somebody has closed it, and the number may be another's by now
            os.close(self.descriptor)

    def _sound(self, links: int = 1) -> bool:
        """Whether the descriptor is still that of the directory, and that still exists."""
        try:
            state = os.fstat(self.descriptor)
        except OSError:
            return False
        return _identity(state) == self._same and state.st_nlink >= links

    def enter(self) -> None:
        """Take the process there, before a run."""
        if not self._sound(0):
            self._open(self.path)
        os.fchdir(self.descriptor)

    def leave(self) -> None:
        """Take the process back there, after a run, and warn if it was elsewhere."""
        if not self._here():
            where = "a directory that is gone"
            with suppress(OSError):
                where = os.getcwd()
            self.enter()
            text = f"A run left the process in {where}, which is not its working directory: nothing was touched there"
            warnings.warn(text, AstrayWarning, stacklevel=2)

    def _here(self) -> bool:
        try:
            return _identity(os.stat(os.curdir)) == self._same
        except OSError:
            return False

    def look(self, name: str, room: int) -> tuple[str, int]:
        """Return the text of a file, and how many bytes of it, at most ``room``, were read for that."""
        try:
            state = os.stat(name, dir_fd=self.descriptor, follow_symlinks=False)
            if kind := named(state.st_mode):
                return kind, 0
            data = self._read(name, min(state.st_size, room))
        except OSError as error:
            return f"<cannot be read: {error.strerror}>", 0
        text = data.decode(errors="backslashreplace")
        more = state.st_size - len(data)
        return f"{text}<and {more:,} more bytes>" if more > 0 else text, len(data)

    def _read(self, name: str, wanted: int) -> bytes:
        """Read a file with as few calls of the system as it takes: this is done for most scenarios."""
        handle = os.open(name, _READ, dir_fd=self.descriptor)
        try:
            data = os.read(handle, wanted)
            while len(data) < wanted and (more := os.read(handle, wanted - len(data))):
                data += more
        finally:
            os.close(handle)
        return data


class Workplace(Place):
    """An empty directory for run after run; what a run has left is taken out of it."""

    def __init__(self, root: str) -> None:
        """Make it in ``root``."""
        self._root = root
        super().__init__(tempfile.mkdtemp(prefix=_PREFIX, dir=root))

    def enter(self) -> None:
        """Take the process there; to a new directory if the last run has removed or renamed things beyond repair."""
        if not self._sound():
            self._renew()
        os.fchdir(self.descriptor)

    def _renew(self) -> None:
        self._close()
        os.makedirs(self._root, exist_ok=True)
        self._open(tempfile.mkdtemp(prefix=_PREFIX, dir=self._root))

    def lay_out(self, files: Mapping[str, str]) -> None:
        """Put there what lies there before a module starts; ``files`` are kinds by name."""
        for name, kind in files.items():
            _LAY_OUT[kind](name, self.descriptor)

    def take(self) -> dict[str, str]:
        """Return name and text of what lies there, in the order of names, and leave the directory empty.

        What is no file, or cannot be read, is named in angle brackets, and so is what goes beyond :data:`MOST`,
        :data:`MOST_OF_ALL` and :data:`NAMES`.
        """
        if not self._sound():
            self._renew()
            return {}
        found: dict[str, str] = {}
        room = MOST_OF_ALL
        try:
            names = sorted(os.listdir(self.descriptor))
            for name in names[:NAMES]:
                text, size = self.look(name, min(room, MOST))
                found[os.fsencode(name).decode(errors="backslashreplace")] = text
                room -= size
            if len(names) > NAMES:
                found["..."] = f"<{len(names) - NAMES} more files>"
            for name in names:
                self._unlink(name)
        except (OSError, RecursionError):
            self._renew()
        return found

    def _unlink(self, name: str) -> None:
        try:
            os.unlink(name, dir_fd=self.descriptor)
        except (IsADirectoryError, PermissionError):
            shutil.rmtree(name, dir_fd=self.descriptor)


def named(mode: int) -> str:
    """Return in angle brackets what has this mode; nothing for a plain file."""
    return "" if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), "<unknown>")


def _identity(state: os.stat_result) -> tuple[int, int]:
    return state.st_dev, state.st_ino


def _write(text: str) -> Callable[[str, int], None]:
    def write(name: str, directory: int) -> None:
        with open(os.open(name, _WRITE, 0o666, dir_fd=directory), "w") as file:
            file.write(text)

    return write


_LAY_OUT: Final[dict[str, Callable[[str, int], None]]] = {
    "output": _write("output"),
    "old": _write("[]"),
    "directory": lambda name, directory: os.mkdir(name, dir_fd=directory),
    "full": lambda name, directory: os.symlink("/dev/full", name, dir_fd=directory),
}
