"""The browser, and one page that holds everything a page can hold."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dirac_failover.conformance.results import (
    BROKEN,
    CONFORMS,
    DIVERGES,
    HELD,
    NOT_ASKED,
    ClauseResult,
    Header,
    Known,
    Minimal,
    PortInfo,
    Results,
)
from dirac_failover.reports import html_page
from dirac_failover.reports.matrix import Matrix
from dirac_failover.spec.clauses import CLAUSES

if TYPE_CHECKING:
    from collections.abc import Iterator

_spec = importlib.util.spec_from_file_location("tests_browser_chromium", Path(__file__).with_name("chromium.py"))
assert _spec
assert _spec.loader
chromium = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = chromium
_spec.loader.exec_module(chromium)


EVIL = "</script><script>document.title='evil'</script><img src=http://evil.invalid/x onerror=document.title='evil'>"
REFUSED = {"OK": False, "Errno": 0, "Message": "Connection refused"}
LONG = {"RequestName": "job_77_request.xml", "Operations": [{"Type": "SetFileStatus", "Arguments": "d" * 300}]}


def minimal(name: str) -> Minimal:
    """A scenario with all kinds of steps."""
    steps = (
        ["module", "_resolveInputVariables", [], None],
        ["module", "_execute", [], None],
        ["FileReport", "setFileStatus", [12, "/vo/a", "Processed"], {"OK": True, "Value": {"/vo/a": "Processed"}}],
        ["FileReport", "commit", [], REFUSED],
        ["Request", "toJSON", [], {"OK": True, "Value": LONG}],
        ["AccountingReport", "commit", [], {"exception": "RuntimeError", "args": [EVIL]}],
        ["module", "finalize", [], None],
    )
    return Minimal(
        name, {"name": name, "faults": ["transformation:down"]}, {"OK": False}, {"OK": True, "Value": EVIL}, steps
    )


def results(name: str, version: str, broken: int, known: int, error: str | None = None) -> Results:
    """A port of which every n-th clause is broken, or known to be."""
    clauses = []
    for number, clause in enumerate(CLAUSES):
        made: dict[str, Any] = {"verdict": HELD, "asked": 1000 + number}
        if error or number % 11 == 10:
            made = {"verdict": NOT_ASKED}
        elif broken and number % broken == 1:
            made |= {"verdict": BROKEN, "broken": 100 * number + 1, "minimal": minimal(f"inputs: two, number={number}")}
        elif known and number % known == 2:
            made |= {
                "verdict": BROKEN,
                "broken": number,
                "minimal": minimal(EVIL),
                "baseline": Known("by-design", EVIL),
            }
        clauses.append(ClauseResult(clause.id, clause.level, clause.text, **made))
    verdict = BROKEN if error else DIVERGES if broken else CONFORMS
    port = PortInfo(name, version, name)
    command = f"dirac-failover verify {name}"
    header = Header(
        "0.1.0", port, "dirac-9.1", "3.11.7", "Linux", "2026-01-02T03:04:05Z", command, (), "1/1", len(clauses)
    )
    return Results(header, 300_000, tuple(clauses), verdict, error)


@pytest.fixture(scope="session")
def matrix() -> Matrix:
    """Ports of every verdict, one of them hostile."""
    return Matrix.of(
        [
            ("reference 0.1.0", "reference.json", results("reference", "0.1.0", 0, 0)),
            ("DIRAC 9.1.22", "dirac.json", results("DIRAC", "9.1.22", 5, 0)),
            ("LHCbDIRAC 12.0", "lhcb.json", results("LHCbDIRAC", "12.0", 7, 6)),
            (f"my port {EVIL}"[:60], "mine.json", results("mine", "", 0, 0, error=f"no answer in 10 s {EVIL}")),
        ]
    )


@pytest.fixture(scope="session")
def pages(matrix: Matrix, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The page of all four ports, of one, and of eight."""
    folder = tmp_path_factory.mktemp("pages")
    alone = Matrix.of([(port.label, port.path, port.results) for port in matrix.ports[1:2]])
    many = Matrix.of([(f"{port.label} {n}", port.path, port.results) for n in (1, 2) for port in matrix.ports])
    made = {}
    for name, shown in (("four", matrix), ("alone", alone), ("many", many)):
        made[name] = folder / f"{name}.html"
        made[name].write_text(html_page.page(shown))
    return made


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One browser for all tests."""
    if not (chromium.BROWSER and chromium.DRIVER):
        pytest.skip("chromium and chromedriver are not installed")
    with chromium.browser() as tab:
        yield tab
