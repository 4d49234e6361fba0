"""The real services are started once for each worker, and what was compared is printed at the end."""

from __future__ import annotations

import time
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from tests.live.children import MissingError, interrupted_by_sigterm, private_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.live.grid import Grid

NEEDED = {
    "DIRAC": "DIRAC",
    "MySQLdb": "mysqlclient",
    "opensearchpy": "opensearch-py",
    "tornado_m2crypto": "tornado-m2crypto",
}
if missing := [package for module, package in NEEDED.items() if find_spec(module) is None]:
    collect_ignore_glob = ["test_*.py"]


def pytest_report_header() -> str:
    """Say what is missing, if anything."""
    return f"tests/live is left out without {', '.join(missing)}: 'nox -s live' installs everything" if missing else ""


@pytest.fixture(scope="session")
def grid() -> Iterator[Grid]:
    """The real DIRAC on this machine."""
    from tests.live import handlers
    from tests.live.grid import running

    began = time.monotonic()
    try:
        with interrupted_by_sigterm(), private_folder() as folder, running(folder) as grid:
            handlers.initialize(grid.folder, grid.documents)
            yield grid._replace(seconds=time.monotonic() - began)
    except MissingError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def served(grid: Grid) -> Iterator[Grid]:
    """The same, with DIRAC's own servers over HTTPS and DIPS."""
    from tests.live.servers import servers

    began = time.monotonic()
    try:
        with servers(grid.site, grid.folder):
            yield grid._replace(seconds=time.monotonic() - began)
    except MissingError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
def as_user(grid: Grid, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process has the proxy of a user, as a job has, and trusts the servers."""
    monkeypatch.setenv("X509_USER_PROXY", grid.site.credentials.proxy)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", grid.site.credentials.authority)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what each test has recorded under the name ``live``: what was compared, and how long it took."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", "") == "call":
                for name, text in report.user_properties:
                    if name == "live":
                        terminalreporter.write_line(text)
