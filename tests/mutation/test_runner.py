from __future__ import annotations

import gc
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.mutation import operators, runner

pytestmark = pytest.mark.ci

ROOT = Path(__file__).parents[2]

TOY = '''\
"""A toy."""
LIMIT = 3
SPARE = "unseen"
ABOUT = "Prose is left alone."


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
EXPLAINED = "Nothing is added\n    toys/toy.py double b8fb6abe 1c9b2066\n"
STALE = "The line was changed since\n    toys/toy.py grade 01234567\n"
START = """\
import sys
from pathlib import Path
from tests.mutation import runner
runner.SOURCES.clear()
runner.SOURCES["toys"] = "checks"
sys.exit(runner.main(sys.argv[1:], Path.cwd(), Path("equivalent.txt")))
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
        "equivalent.txt": EXPLAINED,
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
    (toys / "equivalent.txt").write_text(EXPLAINED + STALE)
    return mutate(toys)


def test_what_no_test_looks_at_survives_and_nothing_else(whole: tuple[int, str]) -> None:
    """Constants, functions, tests near and far: exactly the faults that no test notices are reported."""
    lines = whole[1].splitlines()
    survivors = {(lines[i - 2].rpartition(" ")[0], line) for i, line in enumerate(lines) if line.startswith("+")}
    assert survivors == {
        ("toys/toy.py:3 ", "+SPARE = 'unseen~'"), ("toys/toy.py:25 unused", "+return None"),
        ("toys/toy.py:25 unused", "+return 2"), ("toys/toy.py:25 unused", "+return 0"),
    }  # fmt: skip


def test_survivors_and_explanations_that_fit_none_make_the_run_fail(whole: tuple[int, str]) -> None:
    """Explained survivors are counted apart; a fault that never ends is killed by the clock."""
    code, output = whole
    assert code == 1
    assert " 3 timeout," in output
    assert "equivalent.txt: no surviving mutant is ('toys/toy.py', 'grade', '01234567')" in output
    assert output.splitlines()[-1].endswith("explained: 2; to be dealt with: 5")


def test_nothing_is_written_beside_the_sources(toys: Path, whole: tuple[int, str]) -> None:
    """Faults live in memory only."""
    assert whole
    assert (toys / "toys/toy.py").read_text() == TOY
    assert {path.name for path in (toys / "toys").iterdir()} == {"__init__.py", "toy.py"}


def test_an_error_at_the_very_end_of_pytest_is_noticed(toys: Path) -> None:
    """Something that is left behind when the tests have passed kills the mutant."""
    files = {toys / "toys/left.py": LEFT, toys / "checks/test_left.py": LEAVES}
    for path, text in files.items():
        path.write_text(text)
    code, output = mutate(toys, "toys/left.py")
    for path in files:
        path.unlink()
    assert code == 0, output
    assert output.startswith("toys/left.py: 2 killed, 0 timeout, 0 survived")


def test_tests_that_fail_without_a_fault_end_the_run(toys: Path) -> None:
    """The run stops where the sound module fails its tests."""
    broken = toys / "checks/test_toy_broken.py"
    broken.write_text("def test_it():\n    assert 0\n")
    code, output = mutate(toys, "toys/toy.py")
    broken.unlink()
    assert code == 1
    assert "Without any fault, these fail already: checks/test_toy_broken.py::test_it" in output


def test_functions_are_found_in_a_process_whose_objects_are_frozen() -> None:
    """Else each fault is tried from the start, which takes many times as long."""
    gc.freeze()
    try:
        found = runner.living(Path(operators.__file__))
    finally:
        gc.unfreeze()
    assert operators.mutants in found
    assert {function.__module__ for function in found} == {operators.__name__}


def test_temporary_files_of_a_child_are_in_its_own_folder() -> None:
    """A fault that loses the directory of a temporary one must not lead a test to remove a folder of others."""
    ((_, code),) = runner.race([0], lambda _: tempfile.gettempdir().split("/")[-2].startswith("mutants-"), 1)
    assert code == 1


def test_the_modules_and_the_tests_of_its_tables_exist() -> None:
    """Else the run ends with an error of pytest's collection."""
    named = {
        *runner.NEAREST,
        *(test for tests in [*runner.NEAREST.values(), *runner.BESIDE.values()] for test in tests),
    }
    assert [name for name in named if not (ROOT / name).exists()] == []
    assert [start for start in runner.BESIDE if not [*ROOT.glob(f"{start}*")]] == []
