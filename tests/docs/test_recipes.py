"""The example of the recipe "Add a clause" is typed in, and works."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
BLOCKS = re.findall(
    r"^```python\n# (at the end of|below \"([^\"]+)\" in) (\S+)\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL
)
COPIED = ("conftest.py", "pyproject.toml", "dirac_failover", "fakes", "tests", "docs/contract_page.py")


def run(place, *command, **environment):
    """Run a command of Python in the copy; what it prints."""
    path = f"{place}:{place}/fakes"
    done = subprocess.run(
        [sys.executable, *command], check=False, cwd=place, env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode in {0, 1}, done.stderr
    return done


@pytest.mark.ci
def test_the_example_of_a_clause_is_asked_tested_and_found_by_its_bug(tmp_path):
    """The three places, and the two commands that write files again, are all that it takes."""
    for name in COPIED:
        source, target = ROOT / name, tmp_path / name
        target.parent.mkdir(exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
    assert len(BLOCKS) == 3
    for _, anchor, name, text in BLOCKS:
        file = tmp_path / name
        before, found, after = file.read_text(encoding="utf-8").partition(f"{anchor}\n" if anchor else "\0")
        assert bool(found) == bool(anchor), f"{name} has no line {anchor!r}"
        file.write_text(before + found + ("" if anchor else "\n\n") + text + after, encoding="utf-8")
    assert run(tmp_path, "docs/contract_page.py").returncode == 0
    pytest_ = ("-m", "pytest", "-q", "-p", "no:cacheprovider")
    renewed = run(tmp_path, *pytest_, "tests/spec/test_clauses.py", "tests/spec/test_judging.py", RENEW="1")
    assert renewed.returncode == 0, renewed.stdout
    tested = run(tmp_path, *pytest_, "tests/spec/test_judging.py", "tests/spec/test_clauses.py")
    assert tested.returncode == 0, tested.stdout
    assert "\nCO-030 " in (tmp_path / "tests/spec/clause_register.txt").read_text(encoding="ascii")
    zoo = "dirac_failover.conformance.zoo:WritesNoName"
    judged = run(tmp_path, "-m", "dirac_failover", "verify", zoo, "--level", "contract", "--near", "1").stdout
    assert "breaks 1 of" in judged
    assert "CO-030 is broken" in judged
