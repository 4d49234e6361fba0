from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.bench import __main__ as bench
from tests.bench import plugin

if TYPE_CHECKING:
    from pathlib import Path

    from dirac_failover.drivers.implementations import Implementation

pytestmark = pytest.mark.ci


def test_every_measure_can_be_taken(kit: Implementation, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a small scale, each row of the table yields a number above zero."""
    monkeypatch.setattr(bench, "EVERY", 30_000)
    for measure in bench.measures(0.001):
        assert measure.take(kit) > 0, measure.name


def test_the_request_has_as_many_files_as_asked_for(kit: Implementation) -> None:
    """What is measured is what the row says."""
    (operation,) = bench.request(7, kit)
    assert len(operation) == 7


def test_the_ratio_says_how_many_times_better_the_reference_is(
    reference: Implementation, capsys: pytest.CaptureFixture[str]
) -> None:
    """Less time is better, a higher rate is better; milliseconds are shown."""
    slow = bench.Measure("time", "ms", lambda kit: {"reference": 1.0, "dirac": 3.0}[kit.name])
    rate = bench.Measure("rate", "/s", lambda kit: {"reference": 8.0, "dirac": 2.0}[kit.name])
    other = type(reference)(**{**vars(reference), "name": "dirac"})
    table = bench.run([reference, other], [slow, rate], runs=3)
    assert table == [
        {"measure": "time", "unit": "ms", "reference": 1000.0, "dirac": 3000.0, "ratio": 3.0},
        {"measure": "rate", "unit": "/s", "reference": 8.0, "dirac": 2.0, "ratio": 4.0},
    ]
    assert bench.render(table).splitlines() == [
        "measure  reference     dirac      ratio",
        "time      1,000.00  3,000.00  ms   3.00",
        "rate          8.00      2.00  /s   4.00",
    ]
    assert capsys.readouterr().err == "..\n"


def test_without_dirac_its_column_is_empty(reference: Implementation) -> None:
    """One kit has no ratio."""
    table = bench.run([reference], [bench.Measure("time", "ms", lambda _: 1.0)], runs=1)
    assert bench.render(table).splitlines()[1].split() == ["time", "1,000.00", "-", "ms", "-"]


def test_the_median_of_several_takes_counts() -> None:
    """One slow take does not show."""
    takes = iter([1.0, 50.0, 2.0])
    assert bench.several(lambda: next(takes), 3) == 2.0


def test_what_lasts_long_is_taken_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patience ends the repetition, never the first take."""
    monkeypatch.setattr(bench, "PATIENCE", 0.0)
    takes = iter([4.0])
    assert bench.several(lambda: next(takes), 3) == 4.0


def test_what_the_plug_in_costs_is_measured() -> None:
    """A test costs something; a start may get lost in the noise."""
    test, start = plugin.costs(tests=10, starts=2)
    assert test.usual > 0
    assert test.least > 0
    assert (test.target, start.target) == (5, 50)


def test_only_what_comes_on_top_counts() -> None:
    """The least against the least, the median against the median."""
    assert plugin._beyond([3.0, 5.0, 10.0], [1.0, 2.0, 9.0]) == (2000.0, 3000.0)
    row = plugin.Cost("a test", 1.0, 2.345, 5)
    assert plugin.render([row]) == "a test adds 2.35 ms (at least 1.00 ms; target: under 5 ms)"
    assert plugin.to_json([row]) == [{"measure": "a test", "unit": "ms", "min": 1.0, "median": 2.345, "target": 5}]


def test_a_measure_that_fails_is_an_error(tmp_path: Path) -> None:
    """With what pytest has printed."""
    with pytest.raises(RuntimeError, match=r"^pytest ended with 4: "):
        plugin._pytest(tmp_path, "nothing.py")
