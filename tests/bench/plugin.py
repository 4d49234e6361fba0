"""What the pytest plug-in costs: a downstream test beyond pytest's own time, and the start of a pytest without any use.

Each is measured in processes of their own, in an empty directory, as whoever has installed the distribution has it; and
in time of the processor, since what others do on the machine costs nobody else's tests.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

TESTS: Final = 200
STARTS: Final = 10

DOWNSTREAM: Final = """
import pytest
from dirac_failover import FailoverRequest

class MyModule(FailoverRequest):
    pass

@pytest.mark.parametrize("number", range(TESTS))
def test_module(number, dirac, run_module):
    dirac.transformation.down()
    outcome = run_module(MyModule, inputs=["/vo/a", "/vo/b"])
    assert outcome.ok
    assert outcome.request.types == ["SetFileStatus"]
    assert outcome.statuses[0] == "Job Finished Successfully"

@pytest.mark.parametrize("number", range(TESTS))
def test_nothing(number):
    pass
"""
STOPWATCH: Final = """
import json, time
import pytest

TAKEN = {"test_module": [], "test_nothing": []}

@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item):
    start = time.process_time()
    result = yield
    TAKEN[item.originalname].append(time.process_time() - start)
    return result

def pytest_unconfigure():
    with open("taken.json", "w") as file:
        json.dump(TAKEN, file)
"""


class Cost(NamedTuple):
    """One row, in milliseconds: what is measured, the least, the usual, and what it must stay under."""

    measure: str
    least: float
    usual: float
    target: float


def costs(tests: int = TESTS, starts: int = STARTS) -> list[Cost]:
    """Measure both; the first tests of a process, which import, are left out."""
    with TemporaryDirectory() as directory:
        folder = Path(directory)
        return [_of_a_test(folder, tests), _of_a_start(folder, starts)]


def _of_a_test(folder: Path, tests: int) -> Cost:
    (folder / "conftest.py").write_text(STOPWATCH)
    (folder / "test_downstream.py").write_text(DOWNSTREAM.replace("TESTS", str(tests)))
    _pytest(folder, "test_downstream.py")
    taken: dict[str, list[float]] = json.loads((folder / "taken.json").read_text())
    mine, bare = taken["test_module"][tests // 10 :], taken["test_nothing"][tests // 10 :]
    return Cost("a world, one module run and three assertions", *_beyond(mine, bare), target=5)


def _of_a_start(folder: Path, starts: int) -> Cost:
    (folder / "conftest.py").unlink()
    (folder / "test_one.py").write_text("def test_nothing():\n    pass\n")
    taken: dict[bool, list[float]] = {True: [], False: []}
    for number in range(2 * starts + 2):
        loaded = bool(number % 2)
        seconds = _pytest(folder, "test_one.py", *([] if loaded else ["-p", "no:dirac-failover"]))
        if number > 1:  # the first of each fills the caches
            taken[loaded].append(seconds)
    return Cost("a pytest that does not use the plug-in", *_beyond(taken[True], taken[False]), target=50)


def _beyond(mine: Sequence[float], bare: Sequence[float]) -> tuple[float, float]:
    """Return what comes on top: of the least with the least, and of the medians; in milliseconds."""
    return (min(mine) - min(bare)) * 1000, (median(mine) - median(bare)) * 1000


def _pytest(folder: Path, *arguments: str) -> float:
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f"pytest ended with {done.returncode}: {done.stdout}{done.stderr}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def render(rows: Sequence[Cost]) -> str:
    """Lay the rows out."""
    return "\n".join(
        f"{row.measure} adds {row.usual:.2f} ms (at least {row.least:.2f} ms; target: under {row.target:g} ms)"
        for row in rows
    )


def to_json(rows: Sequence[Cost]) -> list[dict[str, Any]]:
    """Return the rows for machines."""
    return [{"measure": row.measure, "unit": "ms", "min": row.least, "median": row.usual, "target": row.target}
            for row in rows]  # fmt: skip
