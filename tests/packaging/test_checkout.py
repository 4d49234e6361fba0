"""What holds of the checkout as a whole: sizes, imports, what its files may say, and that the README can be run."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MACHINE_PATH = re.compile(
    r"/(?:work|root|farm|opt|tmp|home/[a-z]+)/(?!x509up)[a-z]"
)  # the proxy's usual place is a fact

BASE = {
    "DIRACCommon", "dirac_fakes", "dirac_failover", "jinja2", "markupsafe", "pydantic", "pydantic_core", "requests",
    "typing_extensions",
}  # fmt: skip
EXTRAS = {
    "conformance/suite/": {"pytest", "_pytest"},
    "drivers/": {"DIRAC"},
    "pytest_plugin": {"pytest", "freezegun"},
    "testing/context": {"pytest"},
    "serving/": {"cryptography", "responses", "httpx2", "DIRAC"},  # httpx2 comes with DIRAC
}
IN_DIRACCOMMON_9_0_0 = {
    "Core.Utilities.DErrno.ERMSUKN",
    "Core.Utilities.List.fromChar",
    "Core.Utilities.ReturnValues.S_ERROR",
    "Core.Utilities.ReturnValues.S_OK",
    "Core.Utilities.TimeUtilities",
    "WorkloadManagementSystem.Client.JobStatus",
    "WorkloadManagementSystem.Utilities.JobStatusUtility",
}
TWO_CLASSES = {"module_base.py": "ModuleBase", "failover_request.py": "FailoverRequest"}
REFERENCE = (
    *TWO_CLASSES,
    "__init__.py",
    "clock.py",
    "log.py",
    "vocabulary.py",
    "workflow.py",
    "clients",
    "request",
    "wire",
)


def tracked(*patterns: str) -> list[Path]:
    """The tracked files, and those not yet added, as paths."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [path for path in (ROOT / name for name in listed.stdout.splitlines()) if path.is_file()]


def code_lines(path: Path) -> int:
    """Count the lines of code: neither empty, nor comment, nor docstring."""
    text = path.read_text()
    said = {
        line
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    lines = enumerate((line.strip() for line in text.splitlines()), 1)
    return sum(1 for number, line in lines if line and line[0] != "#" and number not in said)


def imported(folder: str) -> dict[str, set[str]]:
    """Return the top-level packages that each module below ``folder`` imports, other than for type checkers."""
    found: dict[str, set[str]] = {}
    for path in tracked(f"{folder}/*.py", f"{folder}/**/*.py"):
        tree = ast.parse(path.read_text())
        typing_only = {
            id(inner)
            for node in ast.walk(tree)
            if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
            for inner in ast.walk(node)
        }
        names = set()
        for node in ast.walk(tree):
            if id(node) in typing_only:
                continue
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}: relative import"
                names.add((node.module or "").partition(".")[0])
        found[str(path.relative_to(ROOT / folder))] = names - set(sys.stdlib_module_names)
    return found


def test_the_two_classes_can_be_read_in_an_hour() -> None:
    """``ModuleBase`` and ``FailoverRequest`` together have 400 lines at most, all that is written in them counted."""
    lengths = [
        (node.end_lineno or 0) - node.lineno + 1
        for name, wanted in TWO_CLASSES.items()
        for node in ast.parse((ROOT / "dirac_failover" / name).read_text()).body
        if isinstance(node, ast.ClassDef) and node.name == wanted
    ]
    assert len(lengths) == 2
    assert sum(lengths) <= 400


def test_the_reference_stays_small() -> None:
    """The classes, their clients, requests and wire formats stay under 2,500 lines of code together."""
    files = [path for name in REFERENCE for path in tracked(f"dirac_failover/{name}") if path.suffix == ".py"]
    assert len(files) > 20
    assert sum(code_lines(path) for path in files) < 2500


def test_the_fakes_need_the_standard_library_and_dirac_common_only() -> None:
    """Whoever uses the in-memory DIRAC depends on nothing else."""
    assert set().union(*imported("fakes/dirac_fakes").values()) <= {"DIRACCommon", "dirac_fakes"}


def test_the_package_imports_only_what_it_declares() -> None:
    """Extras, and DIRAC, only in their place; markupsafe comes with Jinja2, and pydantic with DIRACCommon."""
    for name, packages in imported("dirac_failover").items():
        free = set().union(*(extra for place, extra in EXTRAS.items() if name.startswith(place)))
        assert packages <= BASE | free, name


def test_the_sessions_of_nox_are_found_where_nothing_but_nox_is_installed() -> None:
    """The noxfile reads the table of implementations from the checkout, so this needs no other package, either."""
    code = (
        "import sys; sys.modules |= dict.fromkeys(('DIRACCommon', 'pydantic', 'requests', 'dirac_fakes'));"
        "sys.path.insert(0, '.'); from dirac_failover.drivers.implementations import IMPLEMENTATIONS as known;"
        "print(known['dirac'].requirements[-1])"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("DIRAC=="), done.stderr


def test_no_name_of_dirac_common_is_used_that_its_first_version_lacks() -> None:
    """Each DIRAC 9 pins its own DIRACCommon, and must not get another one: ``nox -s versions`` installs beside each."""
    used = {
        f"{node.module}.{alias.name}"
        for path in tracked("dirac_failover/*.py", "fakes/*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("DIRACCommon")
        for alias in node.names
    }
    assert used == {f"DIRACCommon.{name}" for name in IN_DIRACCOMMON_9_0_0}


def test_no_file_names_a_place_on_one_machine() -> None:
    """What is in the repository works anywhere."""
    places = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in tracked()
        if path.name != "LICENSE" and path.suffix not in {".png", ".gz"}
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if MACHINE_PATH.search(line)
    ]
    assert places == []


def test_the_readme_opens_with_two_commands_that_stand_alone() -> None:
    """The first runs every situation, the second the tests; each makes its own environment, in one line."""
    blocks = [
        text.splitlines() for language, text in FENCE.findall((ROOT / "README.md").read_text()) if language == "sh"
    ]
    (run,), (test,) = blocks[:2]
    assert run.endswith("dirac-failover run")
    assert "pytest" in test
    assert "'.[test]'" in test
    for line in (run, test):
        assert line.startswith("python3 -m venv ")
        assert " && " in line


def test_every_path_and_session_that_the_readme_names_is_there() -> None:
    """The README cannot point to what is gone."""
    text = (ROOT / "README.md").read_text()
    sessions = set(re.findall(r"^def (\w+)\(session", (ROOT / "noxfile.py").read_text(), re.MULTILINE))
    assert {name.partition("-")[0] for name in re.findall(r"nox -s ([\w-]+)", text)} <= sessions
    linked = [link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link]
    assert [link for link in linked if not (ROOT / link).exists()] == []
