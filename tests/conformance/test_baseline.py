from __future__ import annotations

import json
from dataclasses import FrozenInstanceError
from datetime import UTC, date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from freezegun import freeze_time

from dirac_failover.conformance import baseline as module
from dirac_failover.conformance.baseline import NEW, Baseline, Entry, today
from dirac_failover.conformance.examples import find
from dirac_failover.conformance.results import BROKEN, NOT_ASKED, ClauseResult, Known
from dirac_failover.errors import FileError
from dirac_failover.spec.profiles import PROFILES
from dirac_failover.spec.shape import described

if TYPE_CHECKING:
    from pytest_mock import MockerFixture

DAY = date(2026, 3, 1)
HELD_ONE = ClauseResult("CO-001", "contract", "one", "held", 5, 0)
BROKEN_ONE = ClauseResult("CO-002", "contract", "two", BROKEN, 5, 1)
SILENT_ONE = ClauseResult("CO-003", "contract", "three", NOT_ASKED)
RESULTS = (HELD_ONE, BROKEN_ONE, SILENT_ONE)


def entry(clause: str, expires: date | None = None) -> Entry:
    return Entry(clause, "by-design", "so it is", expires)


def written(tmp_path: Path, data: Any) -> str:
    path = tmp_path / "b.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return str(path)


def test_a_baseline_stays_what_it_is() -> None:
    """What is accepted is another one."""
    for thing in (Baseline(), entry("CO-001")):
        with pytest.raises(FrozenInstanceError):
            thing.entries = ()  # type: ignore[misc,union-attr]


def test_a_baseline_is_read_as_it_was_written(tmp_path: Path) -> None:
    """With and without an expiry; as the published schema says."""
    baseline = Baseline((entry("CO-001", date(2026, 2, 28)), Entry("CO-002", "unsupported", "not yet")))
    path = str(tmp_path / "b.json")
    baseline.save(path)
    assert Baseline.load(path) == baseline
    text = (tmp_path / "b.json").read_text()
    assert json.loads(text) == {
        "schema": "dirac-failover/baseline/1",
        "entries": [
            {"clause": "CO-001", "kind": "by-design", "reason": "so it is", "expires": "2026-02-28"},
            {"clause": "CO-002", "kind": "unsupported", "reason": "not yet"},
        ],
    }
    assert text.startswith('{\n  "schema"')
    assert text.endswith("]\n}\n")
    jsonschema.Draft202012Validator(described(Baseline)).validate(json.loads(text))


def entries(**changes: Any) -> dict[str, Any]:
    data = {"clause": "CO-001", "kind": "by-design", "reason": "r", **changes}
    return {"schema": "dirac-failover/baseline/1", "entries": [{k: v for k, v in data.items() if v is not None}]}


twice, other = entries(clause="CO-002")["entries"], entries()["entries"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("{", "is not JSON, or was cut: Expecting property name…"),
        ([], "all of it: input should be…"),
        (
            entries(kind="bug"),
            "entries[0].kind: input should be 'by-design', 'known-bug' or 'unsupported', found \"bug\"",
        ),
        (entries(reason=None), "entries[0].reason: field required, found {…"),
        (entries(reason=" "), "entries[0]: reason of CO-001: it is empty…"),
        (entries(why="x"), 'entries[0].why: unknown key, found "x"'),
        (entries(expires="20260301"), "entries[0].expires: input should be a date, YYYY-MM-DD…"),
        (entries(expires=""), "entries[0].expires: input should be a date, YYYY-MM-DD…"),
        ("[" * 100_000, "is not JSON, or was cut: maximum recursion depth exceeded…"),
        ({**entries(), "entries": [*twice, *other, *other, *twice]}, "has two entries for CO-002"),
    ],
)
def test_a_malformed_baseline_is_one_line(tmp_path: Path, data: Any, message: str) -> None:
    """Which says where, what is expected, and what is there."""
    path = written(tmp_path, data)
    with pytest.raises(FileError) as said:
        Baseline.load(path)
    assert path in str(said.value)
    assert message.removesuffix("…") in str(said.value)


def test_a_baseline_may_come_from_any_editor(tmp_path: Path) -> None:
    """Also with a mark of its encoding."""
    path = tmp_path / "b.json"
    path.write_text(json.dumps(entries()), encoding="utf-8-sig")
    assert Baseline.load(str(path)).entries == (Entry("CO-001", "by-design", "r"),)


def test_a_baseline_that_is_not_there_is_one_line() -> None:
    """With the reason."""
    with pytest.raises(FileError, match=r"^Cannot read /none/b\.json: No such file or directory$"):
        Baseline.load("/none/b.json")


def test_a_breach_that_is_known_says_so() -> None:
    """Only a breach, and only while the entry counts: on its last day it does."""
    known = Known("by-design", "so it is")
    baseline = Baseline((entry("CO-001"), entry("CO-002", DAY), entry("CO-003")))
    held, broken, silent = baseline.apply(RESULTS, DAY)
    assert (held, silent) == (HELD_ONE, SILENT_ONE)
    assert broken.baseline == known
    assert baseline.apply(RESULTS, date(2026, 3, 2)) == RESULTS
    assert Baseline().apply(RESULTS, DAY) == RESULTS


def test_entries_that_are_not_true_are_reported() -> None:
    """One line each: what matches nothing, what has expired, what is kept now; and nothing else."""
    baseline = Baseline((entry("XX-001"), entry("co-002"), entry("CO-002", date(2026, 2, 28)), entry("CO-001")))
    assert baseline.problems(RESULTS, DAY) == [
        "XX-001: there is no clause 'XX-001'; did you mean CO-001? ('dirac-failover clauses' lists them)",
        "co-002: there is no clause 'co-002'; did you mean CO-002? ('dirac-failover clauses' lists them)",
        "CO-002: the entry has expired on 2026-02-28",
        "CO-001: the port keeps this clause now: remove the entry",
    ]
    fine = Baseline((entry("CO-002", DAY), entry("CO-003"), entry("CO-004")))
    assert fine.problems(RESULTS, DAY) == []


def test_a_part_of_the_space_does_not_say_that_an_entry_is_not_needed() -> None:
    """The breach may be in another part."""
    assert Baseline((entry("CO-001"),)).problems(RESULTS, DAY, complete=False) == []
    assert len(Baseline((entry("CO-001", date(2020, 1, 1)),)).problems(RESULTS, DAY, complete=False)) == 1


def test_accepting_adds_breaches_and_keeps_what_is_written() -> None:
    """In the order of the clauses; reasons and expiries are the author's."""
    later, other = ClauseResult("DI-001", "dirac", "x", BROKEN, 1, 1), entry("CO-002", date(2020, 1, 1))
    baseline = Baseline((entry("LL-001"), other, entry("CO-001"), entry("XX-001")))
    accepted = baseline.accept((*RESULTS, later))
    assert accepted == Baseline((other, Entry("DI-001", *NEW), entry("LL-001")))
    partly = baseline.accept((*RESULTS, later), complete=False)
    assert partly == Baseline((entry("CO-001"), other, Entry("DI-001", *NEW), entry("LL-001")))
    assert NEW == ("known-bug", "accepted as it was found: say here why, and for how long")


def test_the_day_is_that_of_utc(mocker: MockerFixture) -> None:
    """The same for everybody."""
    with freeze_time("2026-03-01 23:59:59"):  # and no longer: mocker would put the frozen one back
        assert today() == DAY
    clock = mocker.patch.object(module, "datetime")
    assert today() is clock.now.return_value.date.return_value
    clock.now.assert_called_once_with(UTC)


OURS = sorted((Path(__file__).parents[1] / "differential/baselines").glob("*.json"))


@pytest.mark.parametrize("path", OURS, ids=lambda path: str(path.stem))
def test_a_baseline_of_a_real_implementation_gives_a_reason_for_each_clause(path: Path) -> None:
    """It is named after a profile, is about the level contract alone, and no reason is the placeholder."""
    assert path.stem in PROFILES
    entries = Baseline.load(str(path)).entries
    assert len(entries) > 10
    for entry in entries:
        assert find(entry.clause).level == "contract"
        assert entry.reason != NEW[1]
