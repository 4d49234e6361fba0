"""Fixtures that every test folder shares: the implementations under test, each behind one implementation."""

from __future__ import annotations

import os
import re
import signal
from contextlib import suppress
from shutil import which
from typing import TYPE_CHECKING, Any

import pytest

from dirac_failover.conformance.results import (
    BROKEN,
    CONFORMS,
    DIVERGES,
    HELD,
    ClauseResult,
    Header,
    Known,
    Minimal,
    PortInfo,
    Results,
)
from dirac_failover.drivers.implementations import IMPLEMENTATIONS, Implementation, stopped
from dirac_failover.errors import ImplementationUnavailableError
from dirac_failover.testing import grid_guard
from tests.doubles import Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from dirac_failover.spec.dimensions import Region
    from dirac_failover.spec.scenario import Scenario


def installed() -> Iterator[str]:
    """Yield the names of the implementations that are installed here, the reference first."""
    for name, implementation in IMPLEMENTATIONS.items():
        with suppress(ImplementationUnavailableError):
            implementation.load()
            yield name


HERE = tuple(installed())
HAVE_DIRAC = "dirac" in HERE

HAVE_CHROMIUM = all(map(which, ("chromium", "chromedriver")))

collect_ignore = [*([] if HAVE_DIRAC else ["differential"]), *([] if HAVE_CHROMIUM else ["browser"])]


def pytest_report_header() -> list[str]:
    """Say whether the real DIRAC and a browser take part."""
    dirac = "real DIRAC: not installed here, so tests/differential is left out ('nox -s differential' runs it)"
    chromium = "chromium: not installed here, so tests/browser is left out ('apt-get install chromium chromium-driver')"
    return [
        f"real DIRAC: {IMPLEMENTATIONS['dirac'].load().version}, beside the reference" if HAVE_DIRAC else dirac,
        "chromium: looks at the page of reports" if HAVE_CHROMIUM else chromium,
    ]


@pytest.fixture(
    scope="session",
    params=[name if name == "reference" else pytest.param(name, marks=pytest.mark.dirac) for name in HERE],
)
def implementation(request: pytest.FixtureRequest) -> Implementation:
    """Each implementation in turn that is installed here: the reference, the real DIRAC, and its extensions."""
    return IMPLEMENTATIONS[request.param].load()


@pytest.fixture
def snapshot(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Compare a text with ``snapshots/MODULE/TEST.txt`` beside the test; ``RENEW=1 pytest`` writes it instead."""
    name = re.sub(r"\W+", "-", request.node.name.removeprefix("test_")).strip("-")
    path = request.path.parent / "snapshots" / request.path.stem.removeprefix("test_") / f"{name}.txt"

    def compare(text: str) -> None:
        if os.environ.get("RENEW"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == text, f"if this is meant: RENEW=1 pytest {request.path}"

    return compare


@pytest.fixture
def clock(implementation: Implementation) -> Iterator[Clock]:
    """The clock of both implementations, which stands until it is moved."""
    clock = Clock()
    with stopped(lambda: clock.now, implementation):
        yield clock


@pytest.fixture(scope="session")
def reference() -> Implementation:
    """The reference alone."""
    return IMPLEMENTATIONS["reference"].load()


@pytest.fixture(scope="session")
def sample() -> Callable[[Region, int], Iterator[Scenario]]:
    """Every so many-th scenario of a region, and the first one of every value of every dimension."""

    def scenarios(region: Region, step: int) -> Iterator[Scenario]:
        seen: set[str] = set()
        for index, scenario in enumerate(region.scenarios()):
            choices = set(scenario.name.partition(": ")[2].split("; "))
            if index % step == 0 or not choices <= seen:
                seen |= choices
                yield scenario

    return scenarios


@pytest.fixture(scope="session", autouse=True)
def plain_pytest() -> Iterator[None]:
    """A pytest that a test starts loads no other plug-in than ours, and prints the same on a CI server."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CI", "BUILD_NUMBER", "PYTEST_ADDOPTS", "PYTEST_THEME", "PY_COLORS", "FORCE_COLOR"):
            patch.delenv(name, raising=False)
        patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        patch.setenv("PYTEST_PLUGINS", "dirac_failover.pytest_plugin")
        yield


@pytest.fixture
def autoload(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pytest that this test starts loads every plug-in that is installed, as that of a user does."""
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    monkeypatch.delenv("PYTEST_PLUGINS")


@pytest.fixture
def no_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of a real grid is in sight, neither a proxy nor a configuration, whatever the machine is."""
    for name in grid_guard.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(grid_guard, "files", list)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A process that a test starts can be interrupted, which it would not be if these tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


# Results to make reports of: small, with every kind of verdict

LEVELS = {"CO": "contract", "DI": "dirac", "LL": "lossless"}
REFUSED = {"OK": False, "Message": "Connection refused", "Errno": 1}
MINIMAL = Minimal(
    "inputs: two",
    {"faults": ["accounting:down"]},
    {"OK": False},
    {"OK": True, "Value": None},
    (("module", "_execute", [], None), ("AccountingReport", "commit", [], REFUSED)),
)


def clause(id_: str, verdict: str = HELD, asked: int = 10, broken: int = 0, **more: Any) -> ClauseResult:
    """A clause and how a port stands to it; its text says its ID."""
    return ClauseResult(id_, LEVELS[id_[:2]], f"Text of {id_}.", verdict, asked, broken, **more)


def results(name: str, version: str, *clauses: ClauseResult, error: str | None = None, **header: Any) -> Results:
    """The results of a port with these clauses."""
    facts = {
        "tool": "0.1.0",
        "port": PortInfo(name, version, f"{name}:Module"),
        "profile": "dirac-9.1",
        "python": "3.11.7",
        "platform": "Linux",
        "date": "2026-01-02T03:04:05Z",
        "command": f"dirac-failover verify {name}:Module",
        "regions": (),
        "shard": "1/1",
        "clauses": len(clauses),
        "levels": ("contract", "dirac", "lossless"),
    }
    diverges = any(item.verdict == BROKEN and not item.baseline for item in clauses)
    verdict = BROKEN if error else DIVERGES if diverges else CONFORMS
    return Results(Header(**facts | header), 1234, clauses, verdict, error)


@pytest.fixture
def alpha() -> Results:
    """Return results with each verdict: held, broken, not asked, and known to a baseline."""
    return results(
        "alpha",
        "1.0",
        clause("CO-001"),
        clause("CO-002", BROKEN, 2000, 1300, minimal=MINIMAL),
        clause("DI-001", "not asked", 0),
        clause("LL-001", BROKEN, 4, 2, minimal=MINIMAL, baseline=Known("by-design", "It is so.")),
    )


@pytest.fixture
def beta() -> Results:
    """Other verdicts, one clause less, one more, no version, and a breach of which no scenario was kept."""
    return results(
        "beta", "", clause("LL-001", BROKEN, 4, 3), clause("CO-001"), clause("CO-002"), clause("LL-002"), shard="2/3"
    )


@pytest.fixture
def down() -> Results:
    """A port that broke down."""
    return results("gamma", "2", clause("CO-001", BROKEN, 5, 5), clause("CO-002"), error="no answer in 10 s")


@pytest.fixture
def hostile() -> Results:
    """Everything that could break out of a page, a table, a terminal or a document."""
    evil = (
        "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&|`*\n# \x1b[31m\u202e\x00\ud800]]>--> $css"
    )
    minimal = Minimal(
        evil,
        {evil: evil},
        evil,
        [evil],
        (
            ("module", evil, [evil], evil),
            (evil, evil, [evil], {"OK": False, "Message": evil}),
            ("Request", evil, [], {"exception": evil, "args": [evil]}),
            ("Request", "x", [], {"exception": 1, "args": 2}),
            ("Request", "x", [], {"OK": False, "Message": [evil]}),
            ("Request", "x", [], {"OK": True, "Value": evil}),
        ),
    )
    item = clause("CO-001", BROKEN, 3, 2, minimal=minimal)
    bad = ClauseResult(evil, "dirac", evil, BROKEN, 1, 1, minimal, Known("by-design", evil))
    facts = dict.fromkeys(("tool", "profile", "python", "platform", "date", "command", "shard"), evil)
    return results(evil, evil, item, bad, error=None, **facts)


@pytest.fixture
def files(tmp_path: Path, alpha: Results, beta: Results, down: Results, hostile: Results) -> dict[str, str]:
    """The results as files, by name."""
    paths = {}
    for name, made in (("alpha", alpha), ("beta", beta), ("down", down), ("hostile", hostile)):
        path = tmp_path / f"{name}.json"
        path.write_text(made.to_text())
        paths[name] = str(path)
    return paths
