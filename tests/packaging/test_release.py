"""What is released: the files of wheel and sdist, and that the wheel works where nothing else is installed."""

from __future__ import annotations

import os
import re
import subprocess
import tarfile
import venv
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = {"dirac_failover": ROOT / "dirac_failover", "dirac_fakes": ROOT / "fakes/dirac_fakes"}

if "DIST" not in os.environ:
    pytest.skip("builds nothing itself: 'nox -s build' does", allow_module_level=True)


@pytest.fixture(scope="session")
def wheel() -> Path:
    (path,) = Path(os.environ["DIST"]).resolve().glob("*.whl")
    return path


@pytest.fixture(scope="session")
def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="session")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment that holds the wheel and what it requires."""
    folder = tmp_path_factory.mktemp("empty")
    venv.create(folder, with_pip=True)
    subprocess.run([folder / "bin/pip", "install", "--quiet", wheel], check=True)
    return folder / "bin/python"


def tracked(folder: Path) -> set[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(listed.stdout.split())


def test_the_wheel_holds_the_two_packages_and_nothing_else(contents: dict[str, bytes]) -> None:
    """Each tracked file of the packages, and metadata: no folder of tests or fakes lands beside them."""
    metadata = {name for name in contents if name.split("/")[0].endswith(".dist-info")}
    expected = {f"{package}/{name}" for package, folder in SOURCES.items() for name in tracked(folder)}
    assert set(contents) - metadata == expected
    assert {name.split("/", 1)[1] for name in metadata} == {
        "METADATA",
        "RECORD",
        "WHEEL",
        "entry_points.txt",
        "licenses/LICENSE",
    }
    assert {"dirac_failover/py.typed", "dirac_fakes/py.typed"} <= set(contents)


def test_the_wheel_is_pure_and_says_what_it_needs(wheel: Path, contents: dict[str, bytes]) -> None:
    """One wheel for every platform; few requirements."""
    assert wheel.name.endswith("-py3-none-any.whl")
    metadata = message_from_bytes(next(text for name, text in contents.items() if name.endswith("METADATA")))
    required = {line.split(";")[0].strip() for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line}
    assert {re.split("[<>=]", line)[0].lower() for line in required} == {
        "diraccommon", "jinja2", "pydantic", "requests",
    }  # fmt: skip
    assert metadata["License-Expression"] == "GPL-3.0-or-later"
    assert metadata["Requires-Python"] == ">=3.11"


def test_the_sdist_holds_what_the_tests_need() -> None:
    """Packages, tests and the means to run them."""
    (path,) = Path(os.environ["DIST"]).glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    folders = {"dirac_failover", "fakes", "tests", "docs", "examples"}
    expected = {name for name in tracked(ROOT) if name.split("/")[0] in folders}
    expected |= {"CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md"}
    expected |= {"conftest.py", "noxfile.py", "pyproject.toml"}
    assert names - {".gitignore", "PKG-INFO"} == expected


LOADED_BY_PYTEST = ("pytest_plugin", "/testing/context", "/suite/")


def test_every_module_of_the_wheel_can_be_imported_where_nothing_else_is(
    python: Path, contents: dict[str, bytes]
) -> None:
    """No module needs pytest or DIRAC just to be imported, except those that pytest loads."""
    modules = sorted(
        name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for name in contents
        if name.endswith(".py") and not any(part in name for part in LOADED_BY_PYTEST) and "__main__" not in name
    )
    code = f"import importlib\nfor name in {modules}: importlib.import_module(name)"
    subprocess.run([python, "-W", "error", "-c", code], check=True, cwd=python.parent)


def test_the_front_door_opens(python: Path) -> None:
    """The command is installed and explains itself."""
    help_text = subprocess.run([python.parent / "dirac-failover", "--help"], capture_output=True, text=True, check=True)
    assert "dirac-failover" in help_text.stdout


def test_site_packages_gains_two_packages(python: Path) -> None:
    """Nothing named ``fakes``, ``tests``, ``conftest`` or the like becomes importable."""
    names = ("fakes", "tests", "conftest", "noxfile", "docs", "bench")
    code = f"import importlib.util as u; print([name for name in {names} if u.find_spec(name)])"
    found = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True, cwd=python.parent)
    assert found.stdout == "[]\n"
