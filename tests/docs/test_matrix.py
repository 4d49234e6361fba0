"""The page of implementations shows committed results, and these belong to the specification as it is now."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path

import pytest

from dirac_failover.conformance.results import BROKEN, NOT_ASKED, VERDICTS
from dirac_failover.drivers.implementations import IMPLEMENTATIONS
from dirac_failover.spec.clauses import CLAUSES, CONTRACT, LOSSLESS

SCRIPT = Path(__file__).parents[2] / "docs/matrix_page.py"
SPEC = importlib.util.spec_from_file_location("matrix_page", SCRIPT)
MADE = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(MADE)
DATA = json.loads(MADE.DATA.read_text(encoding="utf-8"))
HOW = "'nox -s matrix' makes the results again"


def test_the_page_shows_the_data():
    """Every cell and every scenario."""
    if os.environ.get("RENEW"):
        MADE.PAGE.write_text(MADE.page(), encoding="utf-8")
    assert MADE.PAGE.read_text(encoding="utf-8") == MADE.page(), "python docs/matrix_page.py writes the page"


@pytest.mark.ci
def test_the_results_are_of_this_specification():
    """Results of another specification say nothing about this one."""
    assert DATA["specification"] == MADE.digest(), HOW


@pytest.mark.ci
def test_each_implementation_has_a_column():
    """Those that the drivers know, the lossless module, and DIRAC 9.0."""
    assert set(IMPLEMENTATIONS) | {"lossless", "dirac-9.0"} == set(MADE.TITLES)
    assert list(DATA["columns"]) == list(MADE.TITLES), HOW


def test_a_column_has_a_verdict_on_each_clause():
    """A breach, and nothing else, names its scenario and counts those that break the clause."""
    for name, found in DATA["columns"].items():
        assert list(found["clauses"]) == [clause.id for clause in CLAUSES], HOW
        for clause, (verdict, asked, broken, scenario) in found["clauses"].items():
            assert verdict in VERDICTS, (name, clause)
            assert (verdict == BROKEN) == bool(broken) == bool(scenario), (name, clause)
            assert broken <= asked
            assert (verdict == NOT_ASKED) == (asked == 0)


def test_the_sentences_of_the_front_page_are_those_of_the_matrix():
    """DIRAC breaks every rule of the level lossless and none of the contract; the lossless module keeps both."""
    levels = {clause.id: clause.level for clause in CLAUSES}
    broken = {
        name: [levels[clause] for clause, found in column["clauses"].items() if found[0] == BROKEN]
        for name, column in DATA["columns"].items()
    }
    assert (
        broken["dirac"] == broken.get("reference", broken["dirac"]) == [LOSSLESS] * [*levels.values()].count(LOSSLESS)
    )
    assert not {CONTRACT, LOSSLESS} & set(broken.get("lossless", ()))
    for page in (SCRIPT.parent / "index.md", SCRIPT.parents[1] / "README.md"):
        front = " ".join(page.read_text(encoding="utf-8").split())
        told = f"Of the {len(levels)} rules of this project, called *clauses*, DIRAC 9.1 breaks {len(broken['dirac'])},"
        assert told in front


@pytest.mark.parametrize("change", ["clause", "scenario", "expectation"])
def test_the_digest_is_that_of_the_meaning(change, monkeypatch):
    """Another clause, scenario or expected observation gives another digest; the same specification the same one."""
    first = [item for _, item in zip(range(3), MADE.scenarios(), strict=False)]
    monkeypatch.setattr(MADE, "scenarios", lambda: first)
    before = MADE.digest()
    assert MADE.digest() == before
    if change == "clause":
        monkeypatch.setattr(MADE, "CLAUSES", CLAUSES[1:])
    elif change == "scenario":
        first.pop()
    else:
        model = MADE.expected
        monkeypatch.setattr(MADE, "expected", lambda *given: model(*given)._replace(ended="raised"))
    assert MADE.digest() != before


def test_results_of_a_part_are_refused(tmp_path, capsys):
    """A column is about the whole space."""
    from dirac_failover.cli import main
    from dirac_failover.conformance.results import load

    path = tmp_path / "part.json"
    main(["verify", "--region", "end", "--clause", "CO-001", "--workers", "1", "--output", str(path)])
    capsys.readouterr()
    with pytest.raises(SystemExit, match="the whole space and every clause"):
        MADE.column(load(str(path)))
