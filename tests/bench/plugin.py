"""The cost of the pytest plug-in: of a test that uses it, and of the start of a pytest that does not.

Each side is a pytest of its own in an empty directory, with every plug-in that is installed, as a user has it; its
whole processor time counts. A test is measured without the imports: both sides import and run the same module, and
one side runs it in twice as many tests.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

TESTS: Final = 200
ROUNDS: Final = 5
DOWNSTREAM: Final = """
import pytest
from dirac_failover import FailoverRequest

class MyModule(FailoverRequest):
    pass

@pytest.mark.parametrize("number", range({tests}))
def test_module(number, dirac, run_module):
    dirac.transformation.down()
    outcome = run_module(MyModule, inputs=["/vo/a", "/vo/b"])
    assert outcome.ok
    assert outcome.request.types == ["SetFileStatus"]
    assert outcome.statuses[0] == "Job Finished Successfully"

@pytest.mark.parametrize("number", range({others}))
def test_nothing(number):
    pass
"""


def costs(tests: int = TESTS, rounds: int = ROUNDS) -> list[dict[str, Any]]:
    """Return both rows: the seconds with and without, and what comes on top, in milliseconds, least against least."""
    name = "test_downstream.py"
    rows = []
    for measure, target, (most, fewest), options, shared in (
        ("a test: world, run of a module, assertions", 5, ((2 * tests, 0), (tests, tests)), (), tests),
        ("a pytest that does not use the plug-in", 50, ((0, 1), (0, 1)), ("-p", "no:dirac-failover"), 1),
    ):
        found: dict[str, list[float]] = {"with": [], "without": []}
        for _ in range(rounds + 1):
            for side, numbers, words in (("with", most, ()), ("without", fewest, options)):
                with TemporaryDirectory() as folder:
                    text = DOWNSTREAM.format(tests=numbers[0], others=numbers[1])
                    if not numbers[0]:
                        text = "def test_nothing(): pass\n"
                    Path(folder, name).write_text(text)
                    found[side].append(pytest_in(folder, name, *words))
        found = {side: seconds[1:] for side, seconds in found.items()}  # the first of each fills the caches
        added = (min(found["with"]) - min(found["without"])) / shared * 1000
        rows.append({"measure": measure, **found, "adds": added, "target": target})
    return rows


def pytest_in(folder: str, *arguments: str) -> float:
    """Run pytest there; return the seconds of the processor that it takes."""
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
