"""The working directory of runs: nothing beside it is touched, and whatever is left in it is said and taken away."""

import os
import shutil
import socket
import stat
import tempfile
from unittest.mock import Mock

import pytest

from dirac_failover.drivers import sandbox
from dirac_failover.drivers.sandbox import Place, Workplace, stay_within, temporary
from dirac_failover.errors import AstrayWarning


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A workplace that is entered; afterwards the process is back."""
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "root"
    root.mkdir()
    with Workplace(str(root)) as made:
        made.enter()
        yield made


@pytest.fixture
def home(tmp_path):
    """A directory of the user's, with a file that has its name from a run, too."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "left").write_text("mine")
    (home / "folder").mkdir()
    return home


# Where directories are made


@pytest.mark.parametrize("memory", [True, False])
def test_directories_are_made_in_memory_unless_the_user_says_where(monkeypatch, tmp_path, memory):
    """TMPDIR comes first; where there is no memory to write to, it is where temporary files go."""
    shared = "/dev/shm"  # noqa: S108 - the tests' own directory is made in it
    monkeypatch.setattr(os, "access", lambda path, mode: memory and (path, mode) == (shared, os.W_OK))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.delenv("TMPDIR", raising=False)
    with temporary("x-") as path:
        assert os.path.dirname(path) == (shared if memory else str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with temporary("x-") as path:
        assert os.path.dirname(path) == str(tmp_path)
    inner = tmp_path / "inner"
    inner.mkdir()
    with stay_within(str(tmp_path)), stay_within(str(inner)), temporary("x-") as path:
        assert path.startswith(str(inner / "x-"))
    assert list(inner.iterdir()) == []


def test_a_directory_is_gone_afterwards_however_deep_it_is():
    with temporary("deep-") as path:
        here = os.open(path, os.O_RDONLY)
        for _ in range(1500):
            os.mkdir("d", dir_fd=here)
            below = os.open("d", os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
        os.close(here)
    assert not os.path.lexists(path)


# What is touched


def test_a_process_that_is_elsewhere_comes_back_with_a_warning(place, home):
    """What lies there stays; what the run has left in its own directory is taken."""
    with open("left", "w") as file:
        file.write("the run's")
    os.chdir(home)
    before = [(path, path.stat()) for path in home.iterdir()]
    assert place.take() == {"left": "the run's"}
    with pytest.warns(AstrayWarning, match=f"in {home}, which is not its working directory: nothing was touched there"):
        place.leave()
    assert os.getcwd() == place.path
    assert [(path, path.stat()) for path in home.iterdir()] == before
    place.leave()


def test_a_process_in_a_directory_that_is_gone_comes_back(place, tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    with pytest.warns(AstrayWarning, match="in a directory that is gone,"):
        place.leave()
    with monkeypatch.context() as patched:
        patched.setattr(os, "stat", Mock(side_effect=PermissionError))
        with pytest.warns(AstrayWarning):
            place.leave()
    assert os.getcwd() == place.path


def test_a_descriptor_that_a_run_has_closed_is_no_others(place, home):
    """Its number may be that of the user's directory by then: nothing is taken away there."""
    os.close(place.descriptor)
    assert place.take() == {}
    os.close(place.descriptor)
    stolen = os.open(home, os.O_RDONLY)
    assert stolen == place.descriptor
    assert place.take() == {}
    place.enter()
    assert os.listdir() == []
    assert sorted(os.listdir(stolen)) == ["folder", "left"]
    os.close(stolen)


def test_a_place_whose_descriptor_is_closed_is_opened_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Place(str(tmp_path)) as place:
        os.close(place.descriptor)
        os.chdir("/usr")
        place.enter()
        assert os.getcwd() == str(tmp_path)


def test_a_workplace_that_is_gone_is_made_anew(place, tmp_path):
    first = place.path
    os.rmdir(first)
    place.enter()
    assert os.getcwd() == place.path != first
    assert os.path.dirname(place.path) == str(tmp_path / "root")
    shutil.rmtree(tmp_path / "root")
    assert place.take() == {}
    place.enter()
    assert os.listdir() == []


def test_what_cannot_be_taken_away_is_left_behind(place, monkeypatch):
    """The next run gets a new directory."""
    os.mkdir("stays")
    monkeypatch.setattr(shutil, "rmtree", Mock(side_effect=OSError))
    first = place.path
    assert place.take() == {"stays": "<directory>"}
    place.enter()
    assert place.path != first
    assert os.listdir() == []


def test_files_are_laid_out_and_taken_wherever_the_process_is(place, tmp_path):
    """Only the descriptor counts; the files of others with the same names stay."""
    kinds = {"d": "directory", "f": "full", "l": "old", "o": "output"}
    os.chdir(tmp_path)
    place.lay_out(kinds)
    os.mkdir("d")
    for name in "flo":
        (tmp_path / name).write_text("mine")
    assert os.readlink(f"{place.path}/f") == "/dev/full"
    os.umask(before := os.umask(0))
    assert stat.S_IMODE(os.stat(f"{place.path}/o").st_mode) == 0o666 & ~before
    assert place.take() == {"d": "<directory>", "f": "<link>", "l": "[]", "o": "output"}
    assert os.listdir(place.path) == []
    assert sorted(os.listdir()) == [*kinds, "root"]


def test_nothing_stays_open(place, tmp_path):
    """Not of a file that was read, nor of a directory that is gone, which can be entered all the same."""
    before, gone = os.listdir("/proc/self/fd"), tmp_path / "gone"
    gone.mkdir()
    with Place(str(gone)) as other:
        gone.rmdir()
        other.enter()
        assert other._here()
    place.lay_out({"o": "output"})
    place.take()
    os.rmdir(place.path)
    place.enter()
    assert len(os.listdir("/proc/self/fd")) == len(before)


# What is seen


def test_what_is_no_plain_file_is_named(place):
    """It is not opened: nobody waits for the other end of a pipe."""
    place.lay_out({"full": "full", "folder": "directory", "old": "old"})
    os.mkfifo("fifo")
    short = tempfile.mkdtemp(prefix="s")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.join(short, "s"))
        shutil.move(os.path.join(short, "s"), "socket")
    os.rmdir(short)
    assert place.take() == {
        "fifo": "<fifo>", "folder": "<directory>", "full": "<link>", "old": "[]", "socket": "<socket>",
    }  # fmt: skip
    assert os.listdir() == []
    assert sandbox.named(0o20644) == "<device>"
    assert sandbox.named(0o160000) == "<unknown>"


def test_only_so_much_of_a_file_is_read(place, monkeypatch):
    assert (sandbox.MOST, sandbox.MOST_OF_ALL, sandbox.NAMES) == (4 << 20, 16 << 20, 1000)
    monkeypatch.setattr(sandbox, "MOST", 4)
    monkeypatch.setattr(sandbox, "MOST_OF_ALL", 10)
    monkeypatch.setattr(sandbox, "NAMES", 4)
    for name in "abcdef":
        with open(name, "w") as file:
            file.write("12345")
    with open("a", "r+b") as file:
        file.truncate(1 << 40)
    assert place.take() == {
        "a": "1234<and 1,099,511,627,772 more bytes>", "b": "1234<and 1 more bytes>", "c": "12<and 3 more bytes>",
        "d": "<and 5 more bytes>", "...": "<2 more files>",
    }  # fmt: skip
    assert os.listdir() == []


def test_a_file_that_cannot_be_read_is_named(place, monkeypatch):
    """With the reason; one that comes in parts is put together, and one that shrinks meanwhile is as long as it is."""
    opened, read = os.open, os.read

    def refused(name, *how, **where):
        if name == "secret":
            raise PermissionError(13, "Permission denied")
        return opened(name, *how, **where)

    for name in ("secret", "parts"):
        with open(name, "w") as file:
            file.write("text")
    monkeypatch.setattr(os, "open", refused)
    monkeypatch.setattr(os, "read", lambda handle, _: read(handle, 3))
    found = place.take()
    assert found == {"parts": "text", "secret": "<cannot be read: Permission denied>"}


def test_names_that_are_no_text_are_made_visible(place):
    with open(b"\xff", "wb") as file:
        file.write(b"\xfe")
    assert place.take() == {"\\xff": "\\xfe"}
