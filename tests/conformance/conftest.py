"""Results to make reports of: small, with every kind of verdict."""

from __future__ import annotations

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

if TYPE_CHECKING:
    from pathlib import Path

LEVELS = {"CO": "contract", "DI": "dirac", "LL": "lossless"}
REFUSED = {"OK": False, "Message": "Connection refused", "Errno": 1}
MINIMAL = Minimal(
    "inputs: two",
    {"faults": ["accounting:down"]},
    {"OK": False},
    {"OK": True, "Value": None},
    (["module", "_execute", [], None], ["AccountingReport", "commit", [], REFUSED]),
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
    """Held, broken, not asked, and broken as a baseline says."""
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
            [],
            [evil],
            ["module", evil, "no list", None],
            ["module", evil, [evil], evil],
            [evil, evil, [evil], {"OK": False, "Message": evil}],
            ["Request", evil, [], {"exception": evil, "args": [evil]}],
            ["Request", "x", [], {"exception": 1, "args": 2}],
            ["Request", "x", [], {"OK": False, "Message": [evil]}],
            ["Request", "x", [], {"OK": True, "Value": evil}],
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
