import io
import multiprocessing
import os
import re
import signal
import sys
from functools import partial
from types import SimpleNamespace

import pytest

from dirac_failover.conformance import workers
from dirac_failover.conformance.workers import (
    Progress,
    Smallest,
    check_workers,
    cores,
    parse_shard,
    run_sharded,
)
from dirac_failover.drivers.resolve import Target
from dirac_failover.errors import AstrayWarning, PortBrokenError, SettingError
from dirac_failover.spec.scenario import Scenario
from tests.conformance import shards
from tests.doubles import Terminal

ERASED = "\r\x1b[K"
SCENARIOS = [Scenario(name=f"s{number}") for number in range(1000)]


def do(work, number=1000, count=1, part=(0, 1), progress=None, seconds=0):
    """Run work on so many scenarios."""
    progress = progress or Progress("work", 0, io.StringIO())
    return run_sharded(work, (Target("reference"),), SCENARIOS[:number], count, part, progress, seconds)


def alive(process):
    return os.path.exists(f"/proc/{process}")


# Processes


@pytest.mark.parametrize(
    ("count", "part", "expected"), [(1, (0, 1), range(600)), (2, (0, 1), range(600)), (2, (1, 3), range(1, 600, 3))]
)
def test_the_workers_together_do_the_shard(count, part, expected):
    """Each scenario is in one chunk of at most 250, whatever the number of workers; the progress counts all."""
    progress = Progress("work", 0, io.StringIO())
    chunks = list(do(shards.names, 600, count, part, progress))
    assert sorted(number for chunk in chunks for number in chunk) == list(expected)
    assert max(map(len, chunks)) == min(250, len(expected))
    assert progress.done == len(expected)
    assert multiprocessing.active_children() == []


def test_a_worker_starts_afresh_and_prints_nowhere(monkeypatch):
    """Nothing that its parent has changed is there, and it prints to the null device, in UTF-8."""
    monkeypatch.setattr(shards, "changed", True)
    assert list(do(shards.knows_its_parent, 1)) == [(False, True)]
    ((process, kind, *output),) = do(shards.says, 1)
    assert process != os.getpid()
    assert (kind, *output) == ("InProcessDriver", True, os.devnull, "utf-8")


@pytest.mark.parametrize(
    ("work", "message"),
    [("raises", "ValueError: boom"), ("complains", "No such port"), ("is_interrupted", "KeyboardInterrupt")],
)
def test_an_error_in_a_worker_ends_the_run(work, message):
    """Its text is in the error; a text for users stays as it is, without the name of a class."""
    with pytest.raises(PortBrokenError, match=f"^{message}$"):
        list(do(getattr(shards, work), 500))
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize(
    ("work", "number", "message"),
    [
        ("dies_or_raises", 250, "ValueError: alone"),
        ("ends_at_700", 1000, "The port ended its process (exit code 7) in the scenario 's700'"),
        ("ends_once", 250,
         "The port ended its process in a scenario from 's0' to 's249', and not when each was run again by itself"),
    ],
)  # fmt: skip
def test_a_worker_that_dies_ends_the_run(work, number, message):
    """The error names the scenario, if the worker dies in it again."""
    with pytest.raises(PortBrokenError, match=f"^{re.escape(message)}$"):
        list(do(getattr(shards, work), number, count=2))
    assert multiprocessing.active_children() == []


def test_a_consumer_that_has_seen_enough_ends_the_workers():
    """Closing the generator does it, though a worker is busy."""
    results = do(shards.sleeps)
    next(results)
    (worker,) = multiprocessing.active_children()
    results.close()
    assert not alive(worker.pid)
    assert multiprocessing.active_children() == []


def test_a_worker_takes_no_interrupt_and_leaves_nothing():
    """A process in a session of its own and the worker's directory are gone, even though the worker is killed."""
    results = do(shards.leaves_much)
    worker, process, _ = next(results)
    os.kill(worker, signal.SIGINT)
    assert alive(worker)
    assert alive(process)
    with pytest.raises(PortBrokenError, match="signal SIGKILL"):
        next(results)
    assert not alive(worker)
    assert not alive(process)


def test_a_run_that_goes_astray_is_told_once():
    """The number of workers and chunks does not matter."""
    with pytest.warns(AstrayWarning) as caught:
        assert list(do(shards.goes_astray, count=2)) == [None] * 4
    assert [str(item.message) for item in caught] == ["somewhere"]


def test_each_scenario_has_its_time(monkeypatch):
    """The kernel's timer is set anew for each, and stopped after the last and after an error."""
    timers = []
    monkeypatch.setattr(signal, "setitimer", lambda kind, seconds: timers.append((kind, seconds)))
    assert list(workers._limited([(0, "a"), (1, "b")], 5.0)) == [(0, "a"), (1, "b")]
    limited = workers._limited([(0, "a")], 5.0)
    next(limited)
    limited.close()
    assert timers == [(signal.ITIMER_REAL, seconds) for seconds in (5.0, 5.0, 0, 5.0, 0)]


# What a worker does, in this process


class Pipe(list):
    """The chunks that come to a worker; the list holds its answers."""

    chunks = iter([[(3, SCENARIOS[0])], []])

    def recv(self):
        for chunk in self.chunks:
            return chunk
        raise EOFError

    send = list.append


@pytest.fixture
def here(monkeypatch):
    """Let this process be a worker for the length of a test; return the calls that would disturb it."""
    calls = []
    monkeypatch.setattr(workers.faulthandler, "register", lambda *given, **more: calls.append((given[0], more)))
    before = signal.getsignal(signal.SIGINT)
    workers._ports.cache_clear()
    yield calls
    workers._sessions.close()
    workers._ports.cache_clear()
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("stack", [True, False])
def test_a_worker_serves_until_the_pipe_ends(here, tmp_path, stack):
    """It ignores Ctrl-C, prints nowhere, and writes where its code is only when that is looked for."""
    Pipe.chunks = iter([[(3, SCENARIOS[0])], []])
    targets = (Target("reference"), Target("reference"))
    task = partial(workers._task, shards.names_within, targets[stack:], 0)
    workers._serve(task, pipe := Pipe(), str(tmp_path), str(tmp_path / "stack") if stack else "")
    assert pipe == [((2 - stack, [3], str(tmp_path)), [], None), ((2 - stack, [], str(tmp_path)), [], None)]
    assert workers._task(shards.complains, targets[1:], 0, []) == (None, [], "No such port")
    assert workers._task(shards.raises, targets[1:], 0, [(1, SCENARIOS[0])]) == (None, [], "ValueError: boom")
    assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    assert here == [(signal.SIGALRM, {"all_threads": False, "chain": True})] * stack
    assert (tmp_path / "stack").exists() is stack


# Numbers


def test_the_cores_are_those_that_this_process_may_use(monkeypatch):
    """Where the system cannot say that, all there are; at least one."""
    monkeypatch.setattr(os, "sched_getaffinity", {0: {1, 5, 7}}.__getitem__, raising=False)
    assert cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert cores() == 8
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert cores() == 1


@pytest.mark.parametrize("number", [-1, 0, 17, 1000])
def test_the_number_of_workers_is_sane(number, monkeypatch):
    """From one to eight a processor."""
    monkeypatch.setattr(workers, "cores", lambda: 2)
    check_workers(1)
    check_workers(16)
    text = f"--workers: expected a whole number from 1 to 16, 8 a processor, found {number}"
    with pytest.raises(SettingError, match=f"^{text}$"):
        check_workers(number)


@pytest.mark.parametrize(("text", "part"), [("1/1", (0, 1)), ("1/12", (0, 12)), ("12/12", (11, 12))])
def test_a_shard_is_counted_from_one(text, part):
    """The user counts from one, and the program from zero."""
    assert parse_shard(text) == part


@pytest.mark.parametrize("text", ["", "1", "/", "1/", "/2", "0/2", "3/2", "0/0", "-1/2", "1/2/3", "a/2", "1/b", "1 2"])
def test_a_text_that_means_no_shard_is_refused(text):
    """The error shows it."""
    with pytest.raises(SettingError, match=re.escape(f"--shard: expected I/N with I from 1 to N, found {text!r}")):
        parse_shard(text)


def test_the_smallest_is_kept_in_any_order():
    """Of two that are as small the first stays; the others are not even made."""
    small, other, none = Smallest((1, 5, "a"), "small"), Smallest((1, 5, "b"), "other"), Smallest()
    for first, second in ((small, other), (other, small)):
        total = Smallest()
        for one in (none, first, second, none, Smallest((1, 5, "a"), "later")):
            total.add(one)
        assert (total.size, total.found) == ((1, 5, "a"), "small")
    small.offer((2, 0, "a"), lambda: pytest.fail("it is not needed"))


# Progress


@pytest.fixture
def clock(monkeypatch):
    """The time that the module sees: ``now`` seconds."""
    clock = SimpleNamespace(now=100.0)
    clock.monotonic = lambda: clock.now
    monkeypatch.setattr(workers, "time", clock)
    return clock


def test_progress_is_one_line(clock):
    """It is drawn at most ten times a second, and taken away in the end."""
    stream = Terminal()
    with Progress("work", 2000, stream) as progress:
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
        second = f"{ERASED}work [##############################] 100% 2,000 of 2,000, 200 a second, 0 s left"
        assert stream.getvalue() == first + second
    assert stream.getvalue() == first + second + ERASED


@pytest.mark.parametrize(
    ("total", "done", "line"),
    [
        (10, 20, f"work [{'#' * 30}] 100% 20 of 10, 20 a second, "),
        (0, 0, f"work [{'.' * 30}]   0% 0 of 1, 0 a second, 0 s left"),
    ],
)
def test_progress_is_never_more_than_all_and_can_be_none(clock, total, done, line):
    """Each line is flushed."""
    flushed = []
    stream = Terminal()
    stream.flush = lambda: flushed.append(stream.getvalue())
    progress = Progress("work", total, stream)
    clock.now = 101.0
    progress.add(done)
    assert stream.getvalue().startswith(f"{ERASED}{line}")
    progress.close()
    assert len(flushed) == 2
    assert flushed[-1] == stream.getvalue()


def test_progress_is_silent_without_a_terminal(clock, monkeypatch):
    """Without a stream it goes to stderr; only for a terminal are the scenarios counted, since that takes a second."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    progress = Progress.of("work", (pytest.fail("they are counted") for _ in range(1)), (0, 1))
    clock.now = 200.0
    progress.add(3)
    progress.close()
    assert (progress.done, stream.getvalue()) == (3, "")
    monkeypatch.setattr(sys, "stderr", Terminal())
    progress = Progress.of("work", SCENARIOS[:9], (1, 4))
    clock.now = 300.0
    progress.add(1)
    assert " 1 of 2, " in sys.stderr.getvalue()


def test_a_note_stays_above_the_progress(clock):
    """The progress is taken away for the line, and drawn anew later; without a terminal the line is written alone."""
    stream = Terminal()
    progress = Progress("work", 10, stream)
    progress.note("Look at this")
    clock.now = 101.0
    progress.add(5)
    assert stream.getvalue().startswith(f"{ERASED}Look at this\n{ERASED}work [")
    pipe = io.StringIO()
    Progress("work", 10, pipe).note("Look at this")
    assert pipe.getvalue() == "Look at this\n"
