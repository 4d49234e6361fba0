"""Every row of the benchmark can be taken, and what is made of the times is right."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from dirac_failover.errors import ImplementationUnavailableError
from tests.bench import __main__ as bench
from tests.bench import plugin

pytestmark = pytest.mark.ci


def test_every_measure_can_be_taken(implementation, monkeypatch):
    """On a small scale, each row of the table takes some time."""
    monkeypatch.setattr(bench, "EVERY", 30_000)
    for row in bench.measures(0.001):
        assert row.take(implementation) > 0, row.name


@pytest.mark.parametrize("row", bench.growths(0.002), ids=lambda row: row.name)
def test_every_growth_can_be_taken(row):
    """On a small scale, each row of the table takes some time."""
    assert row.take(row.size) > 0


def test_the_request_has_as_many_files_as_asked_for(implementation):
    """The row measures what its name says."""
    with implementation.connect(lambda *_, **__: None, owner="someone", group="vo_user"):
        (operation,) = bench.request(implementation, 7)
    assert len(operation) == 7


def test_the_sides_take_turns_until_patience_ends(monkeypatch):
    """No side is measured in one go, and each is measured once at least."""
    taken: list[str] = []

    def take(side: str) -> float:
        taken.append(side)
        return float(len(taken))

    assert bench.take_turns(bench.Row("x", take), "ab") == [[1, 3, 5, 7, 9], [2, 4, 6, 8, 10]]
    assert "".join(taken) == "ab" * bench.ROUNDS
    monkeypatch.setattr(bench, "PATIENCE", 0)
    assert bench.take_turns(bench.Row("x", take), "ab") == [[11], [12]]


def quick(seconds):
    """A row that takes these seconds, by side."""
    return bench.Row("work", lambda side: seconds[getattr(side, "name", side)], 100)


def test_the_ratio_is_of_the_least_times(reference):
    """The range is shown beside it; a side that is not there has a dash."""
    other = type(reference)(**{**vars(reference), "name": "dirac"})
    (row,) = table = bench.beside([quick({"reference": 1.0, "dirac": 3.0})], [reference, other])
    assert row["ratio"] == 3.0
    row["dirac"][0] = 5.0
    assert bench.render(table, "reference", "dirac", "ratio").splitlines() == [
        "measure            reference                dirac  ratio",
        "work     1,000.00 - 1,000.00  3,000.00 - 5,000.00    3.0",
    ]
    table = bench.beside([quick({"reference": 1.0})], [reference])
    assert bench.render(table, "dirac", "ratio").split()[-2:] == ["-", "-"]


@pytest.mark.parametrize(("whole", "growth", "code"), [(11.0, "linear", 0), (100.0, "not linear", 1)])
def test_growth_that_is_not_linear_is_said_and_fails(monkeypatch, capsys, reference, whole, growth, code):
    """Ten times the work may take some more than ten times as long, and not a hundred times."""

    def absent():
        raise ImplementationUnavailableError("not here")

    monkeypatch.setattr(
        bench,
        "IMPLEMENTATIONS",
        {"reference": SimpleNamespace(load=lambda: reference), "dirac": SimpleNamespace(load=absent)},
    )
    monkeypatch.setattr(bench, "measures", list)
    monkeypatch.setattr(bench, "growths", lambda: [quick({10: 1.0, 100: whole})])
    monkeypatch.setattr(plugin, "costs", list)
    assert bench.main([]) == code
    assert growth in capsys.readouterr().out
    assert bench.main(["--json"]) == code
    told = capsys.readouterr()
    assert json.loads(told.out)["growth"][0]["growth"] == growth
    assert "dirac: not here" in told.err


def test_the_cost_of_the_plug_in_is_measured():
    """Each side of both rows takes some time; the start of a pytest may get lost in the noise."""
    rows = plugin.costs(tests=10, rounds=1)
    assert all(min(row["with"]) > 0 and min(row["without"]) > 0 for row in rows)
    assert [row["target"] for row in rows] == [5, 50]
    assert rows[0]["adds"] == pytest.approx((rows[0]["with"][0] - rows[0]["without"][0]) * 100)


def test_a_pytest_that_fails_is_an_error(tmp_path):
    """The error holds what pytest has printed."""
    with pytest.raises(RuntimeError, match=r"^pytest ended with 4: "):
        plugin.pytest_in(str(tmp_path), "nothing.py")
