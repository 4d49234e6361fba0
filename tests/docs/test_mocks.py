"""What the guide says of mocks and fixtures is what the zoo says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dirac_failover.conformance.zoo import BUGS

pytestmark = pytest.mark.ci

PLACE = Path(__file__).parents[2] / "docs/howto/replace-mocks.md"
PAGE = PLACE.read_text(encoding="utf-8")
FILES = dict(re.findall(r"^```python (test_\w+\.py)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
ROW = re.compile(r"^\| `(\S+\.py)` \| \d+ \| \d+ \| \d+ \|$", re.MULTILINE)
NAMED = dict(re.findall(r"^- `(\w+)`: (.*)$", PAGE, re.MULTILINE))

ZOO_IN_ONE_PROCESS = """
import json, os, sys
import pytest
import dirac_failover.pytest_plugin, dirac_failover.testing.context
from dirac_failover.actors import recovery
from dirac_failover.conformance import zoo, zoo_plugin
from dirac_failover.reports import timeline

def outcome(name):
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.environ[zoo_plugin.BUG] = name
    for stream in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    plugins = [word for name in ("dirac_failover.pytest_plugin", zoo_plugin.__name__) for word in ("-p", name)]
    os._exit(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *plugins, sys.argv[1]]))

print(json.dumps({name: outcome(name) for name in ["", *zoo.BUGS]}))
"""
"""What ``dirac-failover zoo --tests`` does, except that pytest is started once: each start takes a second."""


@pytest.fixture(scope="module")
def caught(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The bugs that each of the two files catches."""
    folder = tmp_path_factory.mktemp("mocks")
    found = {}
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-c", ZOO_IN_ONE_PROCESS, name],
            capture_output=True, text=True, check=True, cwd=folder,
            env={"PATH": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": ":".join(filter(None, sys.path))},
        )  # fmt: skip
        codes = json.loads(done.stdout)
        assert codes.pop("") == 0, "the tests pass without any bug"
        assert set(codes.values()) <= {0, 1}
        found[name] = {bug for bug, code in codes.items() if code}
    return found


def test_the_table_says_what_the_zoo_says(caught: dict[str, set[str]]) -> None:
    """How many bugs there are, and how many are caught and left alive by each file; with ``RENEW=1`` it is written."""
    numbers = {name: (len(BUGS), len(bugs), len(BUGS) - len(bugs)) for name, bugs in caught.items()}
    assert set(ROW.findall(PAGE)) == set(numbers)
    page = ROW.sub(lambda row: " | ".join(map(str, [f"| `{row[1]}`", *numbers[row[1]]])) + " |", PAGE)
    if os.environ.get("RENEW"):
        PLACE.write_text(page, encoding="utf-8")
    assert PLACE.read_text(encoding="utf-8") == page, "if this is meant: RENEW=1 pytest -m ci tests/docs/test_mocks.py"


def test_the_bugs_that_are_named_are_caught_by_the_fixtures_only(caught: dict[str, set[str]]) -> None:
    """The page says so."""
    mocks, fixtures = caught["test_with_mocks.py"], caught["test_with_fixtures.py"]
    assert {bug: BUGS[bug].sentence for bug in NAMED} == NAMED != {}
    assert set(NAMED) <= fixtures - mocks, sorted(fixtures - mocks)
