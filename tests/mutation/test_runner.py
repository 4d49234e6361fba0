from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.ci

ROOT = Path(__file__).parents[2]

TOY = '''\
"""A toy."""
LIMIT = 3
SPARE = "never looked at"


def grade(points):
    if points > LIMIT:
        return "good"
    return "bad"


def count(n):
    while n > 0:
        n -= 1
    return n


def double(n):
    n = n + 0
    return n * 2


def unused():
    return 1
'''
NEAR = """\
from toys.toy import count, grade


def test_grade():
    assert grade(4) == "good"
    assert grade(3) == "bad"


def test_count():
    assert count(3) == 0
"""
FAR = """\
from toys import toy


def test_double():
    assert toy.double(4) == 8
"""
LEFT = """\
kept = []


def keep(thing):
    kept.append(thing)
"""
LEAVES = """\
from toys.left import keep


class Left:
    def __init__(self):
        self.itself = self

    def __del__(self):
        raise ValueError("left")


def test_keep():
    keep(Left())
"""
EXPLAINED = """\
[[equivalent]]
file = "toys/toy.py"
function = "double"
line = "n = n + 0"
mutant = "n = n - 0"
reason = "Nothing is added"

[[equivalent]]
file = "toys/toy.py"
function = "double"
line = "n = n + 0"
mutant = "pass"
reason = "Nothing is added"
"""
STALE = """
[[equivalent]]
file = "toys/toy.py"
function = "grade"
line = "gone"
mutant = "away"
reason = "The line was changed since"
"""
START = """\
import sys
from pathlib import Path
from tests.mutation import __main__, runner
runner.SOURCES.clear()
runner.SOURCES["toys"] = "checks"
runner.WIDER = (("toys", ("checks",)),)
sys.exit(__main__.main(sys.argv[1:], Path.cwd(), Path("equivalent.toml")))
"""


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a toy module, a test of its own for it, and one elsewhere."""
    root = tmp_path_factory.mktemp("project")
    for path, text in {
        "toys/__init__.py": "",
        "toys/toy.py": TOY,
        "checks/test_toy.py": NEAR,
        "checks/test_other.py": FAR,
        "equivalent.toml": EXPLAINED,
        "pytest.ini": "[pytest]\npythonpath = .\nfilterwarnings = error\n",
    }.items():
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text(text)
    return root


def mutate(root: Path, *arguments: str) -> tuple[int, str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", START, *arguments]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.stderr == ""
    return done.returncode, done.stdout


@pytest.fixture(scope="module")
def whole(toys: Path) -> tuple[int, str]:
    return mutate(toys)


def survivors(output: str) -> set[tuple[str, str]]:
    lines = output.splitlines()
    return {(lines[i - 2], line) for i, line in enumerate(lines) if line.startswith("+")}


def test_what_no_test_looks_at_survives_and_nothing_else(whole: tuple[int, str]) -> None:
    """Constants, functions, tests near and far: exactly the faults that no test notices are reported."""
    assert survivors(whole[1]) == {
        ("toys/toy.py:3 ", "+SPARE = 'never looked at~'"),
        ("toys/toy.py:24 unused", "+return None"),
        ("toys/toy.py:24 unused", "+return 2"),
        ("toys/toy.py:24 unused", "+return 0"),
    }


def test_a_survivor_makes_the_run_fail(whole: tuple[int, str]) -> None:
    """One unexplained survivor is enough; explained ones are counted apart."""
    code, output = whole
    assert code == 1
    assert output.splitlines()[-1].endswith("explained: 2; to be dealt with: 4")


def test_a_fault_that_never_ends_is_killed_by_the_clock(whole: tuple[int, str]) -> None:
    """Where ``n`` no longer shrinks, the loop hangs, and that is counted as noticed."""
    assert " 3 timeout," in whole[1]


def test_what_is_left_behind_when_the_tests_have_passed_is_noticed(toys: Path) -> None:
    """As pytest says it at its very end, by raising an error."""
    files = {toys / "toys/left.py": LEFT, toys / "checks/test_left.py": LEAVES}
    for path, text in files.items():
        path.write_text(text)
    code, output = mutate(toys, "toys/left.py")
    for path in files:
        path.unlink()
    assert code == 0, output
    assert output.startswith("toys/left.py: 2 killed, 0 timeout, 0 survived")


def test_explained_faults_that_are_not_there_make_the_run_fail(toys: Path) -> None:
    """An explanation must fit a surviving mutant."""
    explained = toys / "equivalent.toml"
    explained.write_text(EXPLAINED + STALE)
    code, output = mutate(toys, "toys/toy.py")
    explained.write_text(EXPLAINED)
    assert code == 1
    assert "equivalent.toml: no surviving mutant is ('toys/toy.py', 'grade', 'gone', 'away')" in output


def test_tests_that_fail_without_a_fault_say_nothing(toys: Path) -> None:
    """The run stops where the sound module fails its tests."""
    broken = toys / "checks/broken.py"
    broken.write_text("def test_it():\n    assert 0\n")
    code, output = mutate(toys, "toys/toy.py", "--tests", str(broken))
    assert code == 1
    assert "Without any fault, these fail already: checks/broken.py::test_it" in output


def test_nothing_is_written_beside_the_sources(toys: Path, whole: tuple[int, str]) -> None:
    """Faults live in memory only."""
    assert whole
    assert (toys / "toys/toy.py").read_text() == TOY
    assert {path.name for path in (toys / "toys").iterdir()} == {"__init__.py", "toy.py"}
