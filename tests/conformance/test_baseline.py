import json
from datetime import UTC, date
from pathlib import Path

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

DAY = date(2026, 3, 1)
HELD_ONE = ClauseResult("CO-001", "contract", "one", "held", 5, 0)
BROKEN_ONE = ClauseResult("CO-002", "contract", "two", BROKEN, 5, 1)
SILENT_ONE = ClauseResult("CO-003", "contract", "three", NOT_ASKED)
RESULTS = (HELD_ONE, BROKEN_ONE, SILENT_ONE)


def entry(clause, expires=None):
    return Entry(clause, "by-design", "so it is", expires)


def test_a_baseline_is_read_as_it_was_written(tmp_path):
    """It follows the published schema, with and without an expiry, and may begin with a mark of its encoding."""
    baseline = Baseline((entry("CO-001", date(2026, 2, 28)), Entry("CO-002", "unsupported", "not yet")))
    path = tmp_path / "b.json"
    baseline.save(str(path))
    assert Baseline.load(str(path)) == baseline
    text = path.read_text()
    data = json.loads(text)
    assert data == {
        "schema": "dirac-failover/baseline/1",
        "entries": [
            {"clause": "CO-001", "kind": "by-design", "reason": "so it is", "expires": "2026-02-28"},
            {"clause": "CO-002", "kind": "unsupported", "reason": "not yet"},
        ],
    }
    assert text == json.dumps(data, indent=2) + "\n"
    jsonschema.Draft202012Validator(described(Baseline)).validate(data)
    path.write_text(text, encoding="utf-8-sig")
    assert Baseline.load(str(path)) == baseline


def entries(**changes):
    """Return the data of a baseline with one entry; None leaves a key out."""
    data = {"clause": "CO-001", "kind": "by-design", "reason": "r", **changes}
    return {"schema": "dirac-failover/baseline/1", "entries": [{k: v for k, v in data.items() if v is not None}]}


twice, other = entries(clause="CO-002")["entries"], entries()["entries"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("{", "is not JSON, or was cut: Expecting property name"),
        ([], "all of it: input should be"),
        (entries(kind="bug"), "entries[0].kind: input should be 'by-design', 'known-bug' or 'unsupported', found"),
        (entries(reason=None), "entries[0].reason: field required, found {"),
        (entries(reason=" "), "entries[0]: reason of CO-001: it is empty"),
        (entries(why="x"), 'entries[0].why: unknown key, found "x"'),
        (entries(expires="20260301"), "entries[0].expires: input should be a date, YYYY-MM-DD"),
        (entries(expires=""), "entries[0].expires: input should be a date, YYYY-MM-DD"),
        ("[" * 100_000, "is not JSON, or was cut: maximum recursion depth exceeded"),
        ({**entries(), "entries": [*twice, *other, *other, *twice]}, "has two entries for CO-002"),
        (None, "Cannot read "),
    ],
)  # fmt: skip
def test_a_malformed_baseline_is_one_line(tmp_path, data, message):
    """The line has the file, the place, the expected and the given value."""
    path = tmp_path / "b.json"
    if data is not None:
        path.write_text(data if isinstance(data, str) else json.dumps(data))
    with pytest.raises(FileError) as caught:
        Baseline.load(str(path))
    assert str(path) in str(caught.value)
    assert message in str(caught.value)


def test_a_violation_that_is_known_has_its_entry():
    """Other clauses have none, and the entry counts until its last day."""
    baseline = Baseline((entry("CO-001"), entry("CO-002", DAY), entry("CO-003")))
    held, broken, silent = baseline.apply(RESULTS, DAY)
    assert (held, silent) == (HELD_ONE, SILENT_ONE)
    assert broken.baseline == Known("by-design", "so it is")
    assert baseline.apply(RESULTS, date(2026, 3, 2)) == RESULTS
    assert Baseline().apply(RESULTS, DAY) == RESULTS


def test_entries_that_are_not_true_are_reported():
    """One line each names an unknown clause, an expired entry, and a clause that the port keeps now."""
    baseline = Baseline((entry("XX-001"), entry("co-002"), entry("CO-002", date(2026, 2, 28)), entry("CO-001")))
    assert baseline.problems(RESULTS, DAY) == [
        "XX-001: there is no clause 'XX-001'; did you mean CO-001? ('dirac-failover clauses' lists them)",
        "co-002: there is no clause 'co-002'; did you mean CO-002? ('dirac-failover clauses' lists them)",
        "CO-002: the entry has expired on 2026-02-28",
        "CO-001: the port keeps this clause now: remove the entry",
    ]
    fine = Baseline((entry("CO-002", DAY), entry("CO-003"), entry("CO-004")))
    assert fine.problems(RESULTS, DAY) == []
    # In a part of the space, the violation may be in another part
    assert Baseline((entry("CO-001"),)).problems(RESULTS, DAY, complete=False) == []
    assert len(Baseline((entry("CO-001", date(2020, 1, 1)),)).problems(RESULTS, DAY, complete=False)) == 1


def test_accepting_adds_violations_and_keeps_the_entries():
    """They are in the order of the clauses; reasons and expiries stay the author's."""
    later, other = ClauseResult("DI-001", "dirac", "x", BROKEN, 1, 1), entry("CO-002", date(2020, 1, 1))
    baseline = Baseline((entry("LL-001"), other, entry("CO-001"), entry("XX-001")))
    accepted = baseline.accept((*RESULTS, later))
    assert accepted == Baseline((other, Entry("DI-001", *NEW), entry("LL-001")))
    partly = baseline.accept((*RESULTS, later), complete=False)
    assert partly == Baseline((entry("CO-001"), other, Entry("DI-001", *NEW), entry("LL-001")))
    assert NEW == ("known-bug", "accepted as it was found: say here why, and for how long")


def test_the_day_is_that_of_utc(mocker):
    """It is the same in every time zone."""
    with freeze_time("2026-03-01 23:59:59"):  # and no longer: mocker would put the frozen one back
        assert today() == DAY
    clock = mocker.patch.object(module, "datetime")
    assert today() is clock.now.return_value.date.return_value
    clock.now.assert_called_once_with(UTC)


OURS = sorted((Path(__file__).parents[1] / "differential/baselines").glob("*.json"))


@pytest.mark.parametrize("path", OURS, ids=lambda path: str(path.stem))
def test_a_baseline_of_a_real_implementation_gives_a_reason_for_each_clause(path):
    """It is named after a profile, is about the level contract alone, and no reason is the placeholder."""
    assert path.stem in PROFILES
    entries = Baseline.load(str(path)).entries
    assert len(entries) > 10
    for entry in entries:
        assert find(entry.clause).level == "contract"
        assert entry.reason != NEW[1]
