"""The supervisor: every process that was started is ended, wherever it has gone, and no other one is."""

import os
import runpy
import signal
import subprocess
import sys
import time
from unittest.mock import Mock

import pytest

from dirac_failover.drivers import supervisor

AWAY = "import os\nif os.fork() == 0:\n os.setsid()\n if os.fork() == 0:\n  print(os.getpid(), flush=True)\n  {}"
"""A program that starts a process in a session of its own, which nobody waits for."""
SLEEPS = "import time; time.sleep(1000)"


def alive(process):
    return os.path.exists(f"/proc/{process}")


def started(*lines):
    """Start Python; return the process and the number that it prints."""
    process = subprocess.Popen([sys.executable, "-ISc", "\n".join(lines)], stdout=subprocess.PIPE, text=True)
    return process, int(process.stdout.readline())


@pytest.fixture
def kept():
    """What is below this process already, and not the test's."""
    return frozenset(supervisor.descendants())


def test_what_is_started_meanwhile_is_ended():
    mine = subprocess.Popen(["sleep", "1000"])
    with supervisor.ending():
        process, away = started(AWAY.format(SLEEPS))
        assert process.wait() == 0
        assert alive(away)
    assert not alive(away)
    assert mine.poll() is None
    mine.kill()
    mine.wait()
    process.stdout.close()


def test_nothing_is_found_where_there_is_no_proc(monkeypatch):
    monkeypatch.setattr(os.path, "isdir", lambda _: False)
    assert supervisor.descendants() == set()
    monkeypatch.setattr(supervisor.ctypes, "CDLL", lambda _: object())
    supervisor.adopt()


def test_what_cannot_be_ended_is_given_up(monkeypatch):
    tries = []
    monkeypatch.setattr(supervisor, "descendants", lambda: tries.append(1) or {1 << 30})
    monkeypatch.setattr(supervisor, "_TRIES", 3)
    supervisor.end_descendants()
    assert len(tries) == 3


def test_signals_wait_until_all_is_in_place():
    heard = []
    before = signal.signal(signal.SIGHUP, lambda *_: heard.append("heard"))
    try:
        with supervisor.uninterrupted():
            signal.raise_signal(signal.SIGHUP)
            heard.append("inside")
        assert heard == ["inside", "heard"]
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("told", [True, False])
def test_a_supervisor_ends_with_its_process_or_when_it_is_told(kept, told, monkeypatch):
    """Either way all is ended that the process has started, and in the first case it ends alike."""
    with supervisor.ending():
        process, away = started(AWAY.format(SLEEPS), SLEEPS if told else "os._exit(5)")

        def heard(signals):
            assert signals == {signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP}
            if told:
                return signal.SIGTERM
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            return signal.SIGCHLD

        monkeypatch.setattr(signal, "sigwait", heard)
        assert os.waitstatus_to_exitcode(supervisor.watch(process.pid, kept)) == (-signal.SIGTERM if told else 5)
        assert not alive(away)
        assert not alive(process.pid)
    process.stdout.close()
    process.poll()


class End(BaseException):
    """In place of the end of the process."""


def test_a_supervisor_is_told_of_the_end_by_its_status(monkeypatch):
    """An exit code is its own; a signal strikes it too, and leaves no core."""
    done = []

    def exits(code):
        done.append(code)
        raise End

    monkeypatch.setattr(os, "_exit", exits)
    monkeypatch.setattr(os, "kill", lambda pid, number: done.append((pid == os.getpid(), number)))
    monkeypatch.setattr(supervisor.resource, "setrlimit", lambda *limit: done.append(limit))
    monkeypatch.setattr(signal, "signal", Mock(side_effect=OSError))
    monkeypatch.setattr(signal, "pthread_sigmask", lambda *_: None)
    for status in (7 << 8, signal.SIGKILL):
        with pytest.raises(End):
            supervisor.leave(status)
    assert done == [7, (supervisor.resource.RLIMIT_CORE, (0, 0)), (True, signal.SIGKILL), -signal.SIGKILL]


@pytest.mark.parametrize("child", [True, False])
def test_keeping_is_for_the_parent(monkeypatch, child):
    """The child goes on, with no signal put off; the other one holds no pipe open."""
    done = []

    def leave(status):
        done.append(status)
        raise End

    masks = []
    monkeypatch.setattr(supervisor, "adopt", lambda: done.append("adopt"))
    monkeypatch.setattr(signal, "signal", lambda *what: done.append(what))
    monkeypatch.setattr(signal, "pthread_sigmask", lambda _, mask: masks.append(mask))
    monkeypatch.setattr(os, "fork", lambda: 0 if child else 4711)
    monkeypatch.setattr(os, "closerange", lambda low, _: done.append(("close", low)))
    monkeypatch.setattr(supervisor, "watch", lambda process: process)
    monkeypatch.setattr(supervisor, "leave", leave)
    usual = ["adopt", (signal.SIGINT, signal.SIG_IGN)]
    if child:
        supervisor.keep()
        assert (done, masks) == (usual, [supervisor._HEARD, ()])
    else:
        with pytest.raises(End):
            supervisor.keep()
        assert (done, masks) == ([*usual, ("close", 0), 4711], [supervisor._HEARD])


@pytest.mark.parametrize("there", [True, False])
def test_a_program_starts_as_if_nobody_kept_it(monkeypatch, capsys, there):
    """With the signals of a program that is no Python, and in its own session; if there is none, that is said."""
    done = []

    def execvp(*what):
        done.append(what)
        raise End if there else FileNotFoundError(2, "No such file or directory")

    def exits(code):
        done.append(code)
        raise End

    monkeypatch.setattr(supervisor, "keep", lambda: done.append("keep"))
    monkeypatch.setattr(signal, "signal", lambda number, how: done.append((number, how)))
    monkeypatch.setattr(os, "setsid", lambda: done.append("setsid"))
    monkeypatch.setattr(os, "execvp", execvp)
    monkeypatch.setattr(os, "_exit", exits)
    with pytest.raises(End):
        supervisor.execute(["program", "x"])
    signals = [(number, signal.SIG_DFL) for number in (signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ)]
    assert done == ["keep", *signals, "setsid", ("program", ["program", "x"]), *([] if there else [127])]
    assert ("No such file" in capsys.readouterr().err) is not there


@pytest.mark.parametrize("child", [True, False])
def test_a_guard_is_for_the_command(monkeypatch, child):
    """The child ignores signals until it listens, and hears of the guard's death; the guard hands the signals on."""
    done = []
    monkeypatch.setattr(supervisor, "adopt", lambda: None)
    monkeypatch.setattr(os, "fork", lambda: 0 if child else 4711)
    monkeypatch.setattr(supervisor, "_tell_kernel", lambda *what: done.append(what))
    monkeypatch.setattr(signal, "signal", lambda *what: done.append(what))
    monkeypatch.setattr(signal, "pthread_sigmask", lambda *what: done.append(what) or {signal.SIGUSR1})
    monkeypatch.setattr(signal, "sigwait", lambda _: signal.SIGCHLD)
    monkeypatch.setattr(os, "waitpid", Mock(side_effect=[(4711, 3 << 8), (0, 0)]))
    monkeypatch.setattr(supervisor, "end_descendants", lambda _: done.append("ended"))
    blocked = (signal.SIG_BLOCK, (signal.SIGCHLD, *supervisor.ENDING))
    assert supervisor.guard() == (None if child else 3 << 8)
    ignored = [(number, signal.SIG_IGN) for number in supervisor.ENDING]
    there = [(supervisor._DEATH_SIGNAL, signal.SIGTERM), *ignored, (signal.SIG_SETMASK, {signal.SIGUSR1})]
    assert done == [blocked, *(there if child else ["ended"])]


def test_a_guard_hands_signals_on(monkeypatch):
    """The guard passes a signal to its child, and waits for the child to end."""
    process = subprocess.Popen(["sleep", "1000"])
    heard = iter([signal.SIGTERM, signal.SIGCHLD])

    def hears(signals):
        assert signals == {signal.SIGCHLD, *supervisor.ENDING}
        number = next(heard)
        if number == signal.SIGCHLD:
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        return number

    monkeypatch.setattr(signal, "sigwait", hears)
    monkeypatch.setattr(supervisor, "end_descendants", lambda _: None)
    assert supervisor.watch(process.pid, told=supervisor.ENDING) == signal.SIGTERM
    process.poll()


def test_a_program_is_kept():
    command = [sys.executable, "-ISE", supervisor.__file__, sys.executable, "-ISc"]
    told = subprocess.Popen([*command, f"{AWAY.format(SLEEPS)}\n{SLEEPS}"], stdout=subprocess.PIPE, text=True)
    away = int(told.stdout.readline())
    assert alive(away)
    told.terminate()
    assert told.wait(10) == -signal.SIGTERM
    assert not alive(away)
    told.stdout.close()
    aborts = f"{AWAY.format(SLEEPS)}\nimport time; time.sleep(.5)\nos.abort()"
    ended = subprocess.run([*command, aborts], stdout=subprocess.PIPE, check=False)
    assert ended.returncode == -signal.SIGABRT
    assert not alive(int(ended.stdout))
    started = time.monotonic()
    assert subprocess.run([*command, "raise SystemExit(9)"], check=False).returncode == 9
    assert time.monotonic() - started < 5


def test_the_program_is_on_the_command_line(monkeypatch):
    monkeypatch.setattr(os, "fork", Mock(side_effect=End))
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(signal, "pthread_sigmask", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["supervisor.py", "program"])
    try:
        with pytest.raises(End):
            runpy.run_path(supervisor.__file__, run_name="__main__")
    finally:
        supervisor.adopt(orphans=False)
