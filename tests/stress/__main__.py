"""Runs ports that take the process to a user's directory, over and over: every file there must stay as it is.

``python tests/stress [RUNS]`` (a thousand) executes ``verify``, ``run`` and ``differential``, and a test with the
fixtures, on modules whose thread or property changes the directory, and on one that is killed. It ends with 1 when a
file of that directory has other bytes or another time than before, or when a process or a directory is left over.
The directory is a new one below the temporary directory; what a module itself writes there is counted, and is its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MODULES = """
import contextlib, os, signal, threading, time
from dirac_failover import FailoverRequest

HOME = os.environ["ASTRAY_HOME"]


def wander():
    while True:
        with contextlib.suppress(OSError):
            with contextlib.chdir(HOME):
                time.sleep(0.05)
        time.sleep(0.001)


class Wanders(FailoverRequest):
    started = []

    def _initialize(self):
        if not self.started:
            self.started.append(threading.Thread(target=wander, daemon=True))
            self.started[0].start()
        super()._initialize()


class Property(FailoverRequest):
    @property
    def applicationLog(self):
        os.chdir(HOME)
        return "log"

    @applicationLog.setter
    def applicationLog(self, value):
        pass


class Killed(FailoverRequest):
    def _setCommand(self):
        os.system("setsid sleep 987654 >/dev/null 2>&1 &")
        os.chdir(HOME)
        os.kill(os.getpid(), signal.SIGKILL)
"""
TESTS = """
import pytest
from astray import Property, Wanders

@pytest.mark.parametrize("number", range({tests}))
@pytest.mark.filterwarnings("ignore::dirac_failover.errors.AstrayWarning")
@pytest.mark.parametrize("module", [Wanders, Property])
def test_a_run(run_module, module, number):
    run_module(module, inputs=["/vo/a"], operations=["RemoveFile"]).replay()
"""
PART = ("--region", "answers", "--shard", "1/1500", "--workers", "2")
COMMANDS = (
    ("verify", "astray:Wanders", *PART),
    ("verify", "astray:Property", *PART),
    ("verify", "astray:Killed", *PART),
    ("run", "--module", "astray:Wanders", "--operation", "RemoveFile"),
    ("run", "--module", "astray:Property", "--operation", "RemoveFile"),
    ("run", "--module", "astray:Killed"),
    ("differential", "astray:Wanders", "reference", *PART),
    ("differential", "reference", "astray:Property", *PART[:-1], "1"),
    ("differential", "astray:Killed", "reference", *PART),
)
SLEEPS = "sleep 987654"
SHARE = 4
"""One run in so many is a command; the others are tests in one process."""


def files(home: Path) -> dict[str, tuple[bytes, int]]:
    """Return bytes and time of every file below ``home``."""
    return {
        str(path.relative_to(home)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(home.rglob("*"))
        if path.is_file()
    }


def main(runs: int = 1000) -> int:
    """Execute so many runs; return the exit code."""
    with tempfile.TemporaryDirectory(prefix="stress-") as root:
        home, ports, temporary = (Path(root, name) for name in ("home", "ports", "tmp"))
        for path in (home, home / "folder" / "deep", home / "empty", ports, temporary):
            path.mkdir(parents=True)
        for number, name in enumerate(("precious", "old_request.json", ".hidden", "folder/file", "folder/deep/file")):
            (home / name).write_text(f"mine {number}")
            os.utime(home / name, ns=(10**18 + number, 10**18 + number))
        (ports / "astray.py").write_text(MODULES)
        (ports / "test_astray.py").write_text(TESTS.format(tests=(runs - runs // SHARE) // 2))
        before, left, codes = files(home), 0, dict[str, int]()
        root_of_project = Path(__file__).parents[2]
        paths = os.pathsep.join(map(str, (root_of_project, root_of_project / "fakes", ports)))
        environment = {**os.environ, "PYTHONPATH": paths, "ASTRAY_HOME": str(home), "TMPDIR": str(temporary)}
        environment |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": "dirac_failover.pytest_plugin"}
        started = time.monotonic()
        pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", "."]
        commands = [
            [sys.executable, "-m", "dirac_failover", *COMMANDS[i % len(COMMANDS)]] for i in range(runs // SHARE)
        ]
        for command in ([*pytest, "--basetemp", str(temporary / "pytest"), "test_astray.py"], *commands):
            ended = subprocess.run(command, cwd=ports, env=environment, capture_output=True, text=True, check=False)
            name = " ".join(command[2:5])
            codes[f"{name}: exit code {ended.returncode}"] = codes.get(f"{name}: exit code {ended.returncode}", 0) + 1
            if "pytest" not in command:
                left += len(list(temporary.iterdir()))
            for path in temporary.iterdir():
                shutil.rmtree(path)
        after = files(home)
        changed = [name for name, state in before.items() if after.get(name) != state]
        asleep = subprocess.run(["pgrep", "-fx", SLEEPS], capture_output=True, text=True, check=False).stdout
        folders = [name for name in ("folder/deep", "empty") if not (home / name).is_dir()]
        print(*(f"{count:5}  {name}" for name, count in sorted(codes.items())), sep="\n")
        print(
            f"{runs} runs in {time.monotonic() - started:.0f} s; files changed or gone: {changed + folders or 'none'}"
        )
        print(f"directories left: {left}; processes left: {len(asleep.split())}")
        print(f"files that the modules themselves wrote there: {len(after) - len(before)}")
        return int(bool(changed or folders or left or asleep))


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
