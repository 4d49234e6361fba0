from __future__ import annotations

import io
import multiprocessing
import os
import re
import signal
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dirac_failover.conformance import workers
from dirac_failover.conformance.workers import Progress, WorkerDiedError, _kept, _send, cores, in_processes
from dirac_failover.errors import AstrayWarning, PortBrokenError

ERASED = "\r\x1b[K"


@pytest.fixture
def shards(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Work that other processes can import too."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    import shards

    return shards


# Processes


@pytest.mark.parametrize(
    ("workers", "shard", "expected"),
    [(1, (0, 1), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]), (2, (0, 1), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]), (2, (1, 3), [1, 4, 7])],
)
def test_the_workers_together_do_the_shard(
    shards: Any, workers: int, shard: tuple[int, int], expected: list[int]
) -> None:
    """Each number once, whatever the number of workers."""
    assert sorted(in_processes(shards.numbers, workers, shard)) == expected
    assert multiprocessing.active_children() == []


def test_a_worker_starts_afresh(shards: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever its parent has loaded or changed, threads and locks among it, is not there."""
    monkeypatch.setattr(shards, "told", "much")
    assert list(in_processes(shards.what_it_was_told, 1, (0, 1))) == ["nothing"]


def test_what_a_worker_raises_ends_it_all(shards: Any) -> None:
    """What was found before arrives; the error says what it was."""
    messages = in_processes(shards.raises, 1, (2, 5))
    assert next(messages) == (2, 5)
    with pytest.raises(PortBrokenError, match=r"^ValueError: boom$"):
        next(messages)
    assert multiprocessing.active_children() == []


def test_a_text_for_users_stays_as_it_is(shards: Any) -> None:
    """No class before it."""
    with pytest.raises(PortBrokenError, match=r"^No such port$"):
        list(in_processes(shards.complains, 1, (0, 1)))


def test_a_worker_that_dies_ends_it_all(shards: Any) -> None:
    """The error says which one, and how; the other one, which would never end, is ended."""
    said = "A port ended its process (exit code 7): 'dirac-failover verify' says in which scenario"
    with pytest.raises(WorkerDiedError, match=f"^{re.escape(said)}$") as caught:
        list(in_processes(shards.second_dies, 2, (0, 1)))
    assert (caught.value.worker, caught.value.exitcode) == (1, 7)
    assert multiprocessing.active_children() == []


def test_nobody_works_on_for_who_has_seen_enough(shards: Any) -> None:
    """Closing the generator ends the processes."""
    messages = in_processes(shards.second_dies, 1, (0, 1))
    assert next(messages) == 0
    assert len(multiprocessing.active_children()) == 1
    messages.close()
    assert multiprocessing.active_children() == []


class Sent(list[Any]):
    """A pipe's end that keeps what is sent."""

    closed = False

    def send(self, message: Any) -> None:
        self.append(message)

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize(
    ("work", "expected"),
    [
        ("numbers", [1, 5, 9, "end of the shard"]),
        ("raises", [(1, 4), ("broken", "ValueError: boom")]),
        ("complains", [("broken", "No such port")]),
        ("is_interrupted", [1, ("broken", "KeyboardInterrupt")]),
    ],
)
def test_a_worker_says_how_it_ends(shards: Any, work: str, expected: list[Any]) -> None:
    """And then it hangs up."""
    sent = Sent()
    _send(getattr(shards, work), 1, 4, sent)
    assert sent == expected
    assert sent.closed


def test_a_worker_takes_no_interrupt(shards: Any) -> None:
    """Ctrl-C is for the process that has started it, which ends it."""
    messages = in_processes(shards.ignores_interrupts, 1, (0, 1))
    os.kill(next(messages), signal.SIGINT)
    assert list(messages) == ["went on"]


def test_a_run_that_goes_astray_is_told_once(shards: Any) -> None:
    """However many workers notice it how often."""
    with pytest.warns(AstrayWarning) as caught:
        assert sorted(in_processes(shards.goes_astray, 2, (0, 1))) == [0, 1]
    assert [str(item.message) for item in caught] == ["somewhere"]


def test_what_workers_start_and_make_is_gone(shards: Any) -> None:
    """Also a process in a session of its own, and a directory of a worker that is killed."""
    messages = in_processes(shards.leaves_much, 1, (0, 1))
    process, directory = next(messages)
    assert (alive(process), os.path.isdir(directory)) == (True, True)
    with pytest.raises(WorkerDiedError) as caught:
        next(messages)
    assert caught.value.exitcode == -signal.SIGKILL
    assert (alive(process), os.path.isdir(directory)) == (False, False)


def alive(process: int) -> bool:
    """Whether the process is there."""
    return os.path.exists(f"/proc/{process}")


def test_a_worker_works_below_a_keeper(shards: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its directories are in the one of the whole."""
    order: list[Any] = []
    monkeypatch.setattr(workers, "keep", lambda: order.append("keep"))
    monkeypatch.setattr(workers, "stay_within", lambda path: nullcontext(order.append(path)))
    sent = Sent()
    _kept(shards.numbers, 8, 10, sent, "here")
    assert order == ["keep", "here"]
    assert sent == [8, "end of the shard"]


def test_a_worker_whose_parent_is_gone_just_ends(shards: Any) -> None:
    """There is nobody to tell."""

    class Closed(Sent):
        def send(self, _: Any) -> None:
            raise BrokenPipeError

    _send(shards.numbers, 1, 4, closed := Closed())
    assert closed.closed


def test_the_cores_are_those_that_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system cannot say that, all there are; at least one."""
    monkeypatch.setattr(os, "sched_getaffinity", {0: {1, 5, 7}}.__getitem__, raising=False)
    assert cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert cores() == 8
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert cores() == 1


# Progress


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """What the runner takes for the time: ``now`` seconds."""
    clock = SimpleNamespace(now=100.0)
    clock.monotonic = lambda: clock.now
    monkeypatch.setattr(workers, "time", clock)
    return clock


def test_progress_is_one_line(clock: SimpleNamespace) -> None:
    """How far, how quick, and how long still; drawn anew at most ten times a second, and taken away in the end."""
    stream = Terminal()
    progress = Progress("work", 2000, stream)
    clock.now = 100.0625
    progress.add(250)
    assert stream.getvalue() == ""
    clock.now = 102.0
    progress.add(250)
    first = f"{ERASED}work [########......................]  25% 500 of 2,000, 250 a second, 6 s left"
    assert stream.getvalue() == first
    clock.now = 102.0625
    progress.add(1)
    assert stream.getvalue() == first
    clock.now = 110.0
    progress.add(1499)
    assert progress.done == 2000
    second = f"{ERASED}work [##############################] 100% 2,000 of 2,000, 200 a second, 0 s left"
    assert stream.getvalue() == first + second
    progress.close()
    assert stream.getvalue() == first + second + ERASED


def test_progress_is_never_more_than_all(clock: SimpleNamespace) -> None:
    """And is seen at once: nothing waits in a buffer."""
    flushed: list[str] = []
    stream = Terminal()
    stream.flush = lambda: flushed.append(stream.getvalue())  # type: ignore[method-assign]
    progress = Progress("work", 10, stream)
    clock.now = 100.5
    progress.add(20)
    assert stream.getvalue().startswith(f"{ERASED}work [{'#' * 30}] 100% 20 of 10, 40 a second, ")
    assert flushed == [stream.getvalue()]
    progress.close()
    assert flushed[1:] == [stream.getvalue()]


def test_progress_can_be_none(clock: SimpleNamespace) -> None:
    """Nothing done in no time, of nothing."""
    stream = Terminal()
    progress = Progress("work", 0, stream)
    clock.now = 101.0
    progress.add(0)
    assert stream.getvalue() == f"{ERASED}work [..............................]   0% 0 of 1, 0 a second, 0 s left"


def test_progress_is_silent_where_nobody_looks(clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    """It counts all the same; without a stream, it is stderr that says whether anybody looks."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    progress = Progress("work", 10)
    clock.now = 200.0
    progress.add(3)
    progress.add(4)
    progress.close()
    assert progress.done == 7
    assert stream.getvalue() == ""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    Progress("work", 10).close()
    assert terminal.getvalue() == ERASED


def test_a_note_stays_above_the_progress(clock: SimpleNamespace) -> None:
    """The line is taken away for it, and drawn anew later; where nobody looks the note is written alone."""
    stream = Terminal()
    progress = Progress("work", 10, stream)
    progress.note("Look at this")
    clock.now = 101.0
    progress.add(5)
    assert stream.getvalue().startswith(f"{ERASED}Look at this\n{ERASED}work [")
    pipe = io.StringIO()
    Progress("work", 10, pipe).note("Look at this")
    assert pipe.getvalue() == "Look at this\n"
