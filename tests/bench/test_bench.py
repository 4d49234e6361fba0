"""Every row of the benchmark can be taken, and what is made of the times is right."""

import json
from types import SimpleNamespace
from unittest.mock import Mock

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


def test_the_sides_take_turns_until_patience_ends_and_the_ratio_is_of_the_least_times(monkeypatch):
    """No side is measured in one go, and each is measured once at least."""
    taken = []

    def take(side):
        taken.append(side)
        return float(len(taken))

    row = bench.take(bench.Row("x", take), {"one": "a", "two": "b"})
    assert row == {"measure": "x", "one": [1, 3, 5, 7, 9], "two": [2, 4, 6, 8, 10], "ratio": 2.0}
    assert "".join(taken) == "ab" * bench.ROUNDS
    shown = bench.render([row], "one", "two", "three", "ratio").splitlines()[1]
    assert shown.split() == ["x", "1,000.00", "-", "9,000.00", "2,000.00", "-", "10,000.00", "-", "2.0"]
    monkeypatch.setattr(bench, "PATIENCE", 0)
    assert bench.take(bench.Row("x", take), {"one": "a"}) == {"measure": "x", "one": [11], "ratio": None}


@pytest.mark.parametrize(("whole", "growth", "code"), [(11.0, "linear", 0), (100.0, "not linear", 1)])
def test_growth_that_is_not_linear_is_said_and_fails(monkeypatch, capsys, reference, whole, growth, code):
    """Ten times the work may take some more than ten times as long, and not a hundred times."""
    loads = {"reference": lambda: reference, "dirac": Mock(side_effect=ImplementationUnavailableError("not here"))}
    monkeypatch.setattr(bench, "IMPLEMENTATIONS", {name: SimpleNamespace(load=load) for name, load in loads.items()})
    monkeypatch.setattr(bench, "measures", list)
    monkeypatch.setattr(bench, "growths", lambda: [bench.Row("work", {10: 1.0, 100: whole}.__getitem__, 100)])
    monkeypatch.setattr(plugin, "costs", list)
    assert bench.main([]) == code
    assert growth in capsys.readouterr().out
    assert bench.main(["--json"]) == code
    told = capsys.readouterr()
    assert json.loads(told.out)["growth"][0]["growth"] == growth
    assert "dirac: not here" in told.err


def test_the_cost_of_the_plug_in_is_measured(tmp_path):
    """Each side of both rows takes some time; a pytest that fails is an error with what it has printed."""
    rows = plugin.costs(tests=10, rounds=1)
    assert all(min(row["with"]) > 0 and min(row["without"]) > 0 for row in rows)
    assert rows[0]["adds"] == pytest.approx((rows[0]["with"][0] - rows[0]["without"][0]) * 100)
    with pytest.raises(RuntimeError, match=r"^pytest ended with 4: "):
        plugin.pytest_in(str(tmp_path), "nothing.py")
