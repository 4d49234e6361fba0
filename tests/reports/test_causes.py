"""Breaches that begin with the same difference are shown as one cause."""

from dataclasses import replace

import pytest

from dirac_failover.conformance.results import BROKEN, ClauseResult, Minimal
from dirac_failover.reports.causes import causes
from dirac_failover.reports.differences import first_difference, side_by_side
from dirac_failover.reports.terminal import Style, section

LEVELS = {"CO": "contract", "DI": "dirac", "LL": "lossless"}


def step(method, *args, target="FileReport", answer="ok"):
    """A call as results have it."""
    return [target, method, list(args), answer]


HOOK = step("_execute", target="module", answer=None)
ASK, SET, COMMIT = step("getFiles"), step("setFileStatus", 12, "/vo/a", "Processed"), step("commit")


def minimal(name, observed, expected=None, **scenario):
    """A scenario with what was called in it, and what should have been."""
    return Minimal(name, scenario, 1, 2, tuple(observed), tuple(expected or ()))


def broken(id_, of):
    """A clause that is broken in this scenario."""
    return ClauseResult(id_, LEVELS[id_[:2]], f"Text of {id_}.", BROKEN, 10, 5, of)


def grouped(*clauses):
    """The IDs of the clauses, cause by cause."""
    return [[clause.id for clause in group] for group in causes(clauses)]


@pytest.mark.parametrize(
    ("expected", "observed", "at"),
    [
        ([ASK, COMMIT], [ASK, COMMIT], None),
        ([ASK, COMMIT], [COMMIT], 0),
        ([ASK, COMMIT], [ASK], 1),
        ([ASK], [ASK, COMMIT], 1),
        ([step("a", 1)], [step("a", True)], 0),
        ([], [ASK], None),
    ],
)
def test_the_first_difference_is_a_call(expected, observed, at):
    """One that is another, is missing, or is one too many; where nothing is expected, there is none."""
    assert first_difference(expected, observed) == at


def test_breaches_that_begin_alike_are_one_cause():
    """In the same call, whatever came instead, and in whichever scenario."""
    first = minimal("r: a=b", [HOOK, SET], [HOOK, ASK, SET])
    second = minimal("r: a=c", [HOOK, COMMIT], [HOOK, step("getFiles", answer="raises=ValueError:boom")])
    other = minimal("r: a=b", [HOOK, ASK], [HOOK, ASK, SET])
    assert grouped(broken("DI-001", first), broken("DI-002", second), broken("DI-003", other)) == [
        ["DI-001", "DI-002"], ["DI-003"],
    ]  # fmt: skip
    more = minimal("r: a=d", [HOOK, ASK], [HOOK])
    assert grouped(broken("DI-001", first), broken("DI-004", more)) == [["DI-001", "DI-004"]]


def test_breaches_without_a_call_that_differs_share_a_scenario():
    """Breaches in two scenarios are two groups."""
    same = [minimal("r: a=b", [HOOK], [HOOK], records=1), minimal("r: a=b", [HOOK], records=1)]
    far = minimal("r: a=b", [HOOK], records=2)
    found = grouped(broken("DI-001", same[0]), broken("DI-002", same[1]), broken("DI-003", far))
    assert found == [["DI-001", "DI-002"], ["DI-003"]]


def test_the_contract_and_the_nearest_scenario_come_first():
    """In a group, and among groups; a breach of which no scenario was kept is in none."""
    near, far = (minimal(name, [SET], [ASK]) for name in ("r: the good case", "r: a=b; c=d"))
    clauses = [broken("LL-001", near), broken("DI-002", near), broken("DI-001", far), broken("CO-009", far)]
    assert grouped(*clauses, broken("CO-001", None)) == [["CO-009", "DI-002", "DI-001", "LL-001"]]
    alone = broken("CO-003", minimal("r: a=b; c=d; e=f", [COMMIT], [SET]))
    assert grouped(*clauses[:3], alone) == [["CO-003"], ["DI-002", "DI-001", "LL-001"]]
    large = replace(near, scenario={"records": 1})
    assert grouped(broken("DI-001", large), broken("DI-002", near)) == [["DI-002", "DI-001"]]


def shown(of, style):
    """The rows beside each other, as lines."""
    return section(style, "", side_by_side(of, style)).splitlines()[1:]


def test_calls_stand_side_by_side_around_the_first_difference():
    """Two before it and three behind it; the one that differs is marked, and may be long."""
    before = [step("one"), step("two"), step("three")]
    behind = [step(name) for name in ("four", "five", "six", "seven")]
    of = minimal(
        "r: a=b", [*before, SET, *behind[:2]], [*before, step("setFileStatus", 12, "/vo/b", "Unused"), *behind]
    )
    assert shown(of, Style(72)) == [
        "    expected calls                    observed calls",
        "    … 1 before these",
        "    FileReport.two() → 'ok'           FileReport.two() → 'ok'",
        "    FileReport.three() → 'ok'         FileReport.three() → 'ok'",
        "  ✗ FileReport.setFileStatus(12,      FileReport.setFileStatus(12,",
        "      '/vo/b', 'Unused') → 'ok'         '/vo/a', 'Processed') → 'ok'",
        "    FileReport.four() → 'ok'          FileReport.four() → 'ok'",
        "    FileReport.five() → 'ok'          FileReport.five() → 'ok'",
        "    FileReport.six() → 'ok'           (nothing more)",
    ]
    assert shown(of, Style(72, unicode=False))[1] == "    ... 1 before these"
    assert shown(of, Style(72, colours=True))[4].startswith("  \x1b[31m✗ FileReport.setFileStatus(12,")


def test_long_calls_are_cut():
    """The one that differs to six lines, the others to two."""
    long = step("commit", "x" * 2000)
    lines = shown(minimal("r: a=b", [long, COMMIT], [long, ASK, long]), Style(80))
    assert len(lines) == 1 + 2 + 1 + 2
    lines = shown(minimal("r: a=b", [long], [ASK]), Style(80))
    assert len(lines) == 7


def test_without_a_difference_there_is_nothing_to_show():
    """The calls are the expected ones, or nothing is known of them."""
    assert shown(minimal("r: a=b", [HOOK], [HOOK]), Style()) == shown(minimal("r: a=b", [HOOK]), Style()) == []
