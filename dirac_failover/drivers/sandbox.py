"""The working directory of runs: it is opened once, and its files are reached through that descriptor alone.

A module, a thread that it has started or a property may change the process's working directory at any moment. So no
name is looked up relative to that directory: a :class:`Place` is entered before each run, and a process that has left
it returns there afterwards, with a warning.
"""

from __future__ import annotations

import os
import stat
import warnings
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, Self

from dirac_failover.errors import AstrayWarning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

MOST: Final = 4 << 20
"""The number of bytes of a file that are read; of a longer file the size is given."""
MOST_OF_ALL: Final = 16 << 20
"""The number of bytes that are read of all files of a run together."""
NAMES: Final = 1000
"""The number of files of a run that are read; the others are counted."""
_MEMORY: Final = "/dev/shm"  # noqa: S108 - a new directory in it
_KINDS: Final = {
    stat.S_IFLNK: "<link>", stat.S_IFDIR: "<directory>", stat.S_IFIFO: "<fifo>", stat.S_IFSOCK: "<socket>",
    stat.S_IFCHR: "<device>", stat.S_IFBLK: "<device>",
}  # fmt: skip
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
_WRITE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL
_PREFIX: Final = "run-"


_within: list[str] = []
"""The directory for temporary directories, which the parent process removes."""


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
    """Make a directory for a ``with`` block, and remove it with its content afterwards.

    It is made in TMPDIR; without that in memory, where ``verify`` takes 14 % less time than on a disk.
    """
    import tempfile

    memory = [_MEMORY] if "TMPDIR" not in os.environ and os.access(_MEMORY, os.W_OK) else []
    where = [*_within, *memory, None][0]
    directory = tempfile.TemporaryDirectory(prefix=prefix, dir=where, ignore_cleanup_errors=True)
    try:
        yield directory.name
    finally:
        with suppress(RecursionError):
            directory.cleanup()
        if os.path.lexists(directory.name):  # it is too deep for Python, or another process still writes there
            import subprocess

            command = ["rm", "-rf", directory.name]
            subprocess.run(command, stderr=subprocess.DEVNULL, check=False)  # noqa: S603 - our own


class Place:
    """A directory for runs, opened once; ``path`` is its path at that time."""

    def __init__(self, path: str) -> None:
        """Open it; raises OSError."""
        self._open(path)

    def _open(self, path: str) -> None:
        self.path, self.descriptor = path, os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        self._same = _identity(os.fstat(self.descriptor))

    def __enter__(self) -> Self:
        """Return the place itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self._close()

    def _close(self) -> None:
        if self._sound(0):  # otherwise the module has closed it, and the number may belong to another file
            os.close(self.descriptor)

    def _sound(self, links: int = 1) -> bool:
        """Return whether the descriptor still refers to the directory, and the directory still exists."""
        try:
            state = os.fstat(self.descriptor)
        except OSError:
            return False
        return _identity(state) == self._same and state.st_nlink >= links

    def enter(self) -> None:
        """Change the process's working directory to this one, before a run."""
        if not self._sound(0):
            self._open(self.path)
        os.fchdir(self.descriptor)

    def leave(self) -> None:
        """Change the working directory back to this one after a run, and warn if the module has left it."""
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
        """Return the text of a file, and the number of bytes, at most ``room``, that were read."""
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
        """Read a file with as few system calls as possible: most scenarios need it."""
        handle = os.open(name, _READ, dir_fd=self.descriptor)
        try:
            data = os.read(handle, wanted)
            while len(data) < wanted and (more := os.read(handle, wanted - len(data))):
                data += more
        finally:
            os.close(handle)
        return data


class Workplace(Place):
    """An empty directory for run after run; the files of a run are removed from it."""

    def __init__(self, root: str) -> None:
        """Make it in ``root``."""
        self._root = root
        super().__init__(self._new())

    def enter(self) -> None:
        """Change to the directory; to a new one if the last run has damaged it beyond repair."""
        if not self._sound():
            self._renew()
        os.fchdir(self.descriptor)

    def _renew(self) -> None:
        self._close()
        os.makedirs(self._root, exist_ok=True)
        self._open(self._new())

    def _new(self) -> str:
        import tempfile

        return tempfile.mkdtemp(prefix=_PREFIX, dir=self._root)

    def lay_out(self, files: Mapping[str, str]) -> None:
        """Create the files that are there before a module starts; ``files`` are kinds by name."""
        for name, kind in files.items():
            _LAY_OUT[kind](name, self.descriptor)

    def take(self) -> dict[str, str]:
        """Return name and text of each file, in the order of names, and leave the directory empty.

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
            import shutil

            shutil.rmtree(name, dir_fd=self.descriptor)


def named(mode: int) -> str:
    """Return the kind of file with this mode in angle brackets; empty for a plain file."""
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
