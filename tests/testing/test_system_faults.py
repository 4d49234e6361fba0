import errno
import os
from pathlib import Path

import pytest

from dirac_failover.drivers.recording import Tape
from dirac_failover.testing import Crashed
from dirac_failover.testing.system_faults import SystemFaults

pytestmark = pytest.mark.usefixtures("dirac_workdir")


def write(text, mode="w", name="file", **how):
    with open(name, mode, **how) as file:
        file.write(text)


def test_a_full_disk_shows_when_the_buffer_is_written(world):
    """The file is there, and empty; the text layer and the bytes layer alike."""
    world.arm("file:disk_full")
    with SystemFaults(world).disk(os.getcwd()):
        file = open("file", "w")  # noqa: SIM115 - when it fails is the point
        file.write("small")
        with pytest.raises(OSError, match="No space left on device") as failed:
            file.close()
        assert failed.value.errno == errno.ENOSPC
        with pytest.raises(OSError, match="No space left on device"):
            write(b"x", "wb", "other")
    assert os.stat("file").st_size == os.stat("other").st_size == 0
    write("well")
    assert world.unfired() == []


def test_a_short_write_leaves_the_first_bytes(world):
    world.arm("file:short_write=4")
    with SystemFaults(world).disk(os.getcwd()), pytest.raises(OSError, match="No space left"):
        write("äbcdef", encoding="latin-1")
    assert Path("file").read_bytes() == "äbcd".encode("latin-1")


def test_files_are_opened_as_they_are_without_a_fault(world, tmp_path):
    world.arm("file:short_write=4@after=2")
    beside = Path(f"{tmp_path}-2")
    beside.mkdir()
    with SystemFaults(world).disk(os.getcwd()):
        write("äx", "w", "one", encoding="latin-1")
        with open("two", "w", -1, "latin-1") as file:
            file.write("äx")
        with pytest.raises(OSError, match="No space left"):
            write("ä\nxy", "wt", "three", buffering=1, encoding="latin-1", newline="\r\n")
        with pytest.raises(OSError, match="No space left"), open("four", "w", 1, "latin-1", newline="\r\n") as file:
            file.write("ä\nxy")
        with pytest.raises(OSError, match="Is a directory"):
            open(".", "w")  # noqa: SIM115 - it is not opened
        write("longer", "w", beside / "file")
        with open("one", encoding="latin-1") as file:
            assert file.read() == Path("two").read_text("latin-1") == "äx"
        with pytest.raises(UnicodeDecodeError), open("one") as file:
            file.read()
    assert Path("two").read_bytes() == "äx".encode("latin-1")
    assert Path("three").read_bytes() == Path("four").read_bytes() == "ä\r\nx".encode("latin-1")


def test_what_can_be_read_too_can_be_read(world):
    write("old")
    world.arm("file:short_write=4")
    with SystemFaults(world).disk(os.getcwd()):
        text, data = open("file", "r+"), open("other", "w+b")  # noqa: SIM115 - when it fails is the point
        assert text.read() == "old"
        text.write("newer")
        data.write(b"1234")
        data.seek(1)
        assert data.read() == b"234"
        data.write(b"5")
        for file in (text, data):
            with pytest.raises(OSError, match="No space left"):
                file.close()
    assert Path("file").read_text() == "oldnewe"
    assert Path("other").read_bytes() == b"1234"


def test_what_fits_is_written(world):
    world.arm("file:short_write=5")
    with SystemFaults(world).disk(os.getcwd()):
        write(b"12345", "wb")
    assert Path("file").read_bytes() == b"12345"


def test_a_disk_that_is_read_only_lets_no_file_be_opened_for_writing(world):
    write("old")
    world.arm("file:read_only")
    with SystemFaults(world).disk(os.getcwd()):
        for opening in (lambda: write("x", "a"), lambda: Path("file").write_text("x"), lambda: write("x", "r+")):
            with pytest.raises(OSError, match=r"Read-only file system: '?.*file") as failed:
                opening()
            assert failed.value.errno == errno.EROFS
        assert Path("file").read_text() == "old"


def test_files_elsewhere_and_openings_that_are_not_meant_go_well(world, tmp_path_factory):
    world.arm("file:read_only@nth=2")
    outside = tmp_path_factory.mktemp("outside") / "file"
    with SystemFaults(world).disk(os.getcwd()):
        write("one")
        outside.write_text("x")
        with os.fdopen(os.open("two", os.O_WRONLY | os.O_CREAT), "w") as file:
            file.write("by number")
        with open(os.open("three", os.O_WRONLY | os.O_CREAT), "w") as file:
            file.write("by number")
        with pytest.raises(OSError, match="Read-only"):
            write("four")
        write(b"five", "wb", os.path.abspath("five"))
    assert Path("five").read_text() == "five"


def test_the_process_ends_after_its_step_and_does_nothing_any_more(world):
    world.arm("process:crash_at=two")
    process, steps = SystemFaults(world), []
    tape = Tape(process)
    assert tape.call("module", "one", lambda: steps.append("one")) is None
    assert tape.call("x", "two", lambda: 2) == 2
    with process.disk(os.getcwd()):
        write("before")
        with pytest.raises(Crashed, match=r"^two$"):
            tape.call("module", "two", lambda: 1 / 0)
        for act in (lambda: tape.call("x", "z", steps.append, 1), lambda: write("after"), process.must_live):
            with pytest.raises(Crashed, match=r"^two$"):
                act()
    assert steps == ["one"]
    assert [call.method for call in tape.calls] == ["one", "two", "two"]
    assert Path("file").read_text() == "before"
    assert not isinstance(Crashed(), Exception)
