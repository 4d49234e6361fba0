"""The changes between two results: the kind of each, and whether any is a regression."""

import itertools
from dataclasses import replace

import pytest

from dirac_failover.conformance.results import ClauseResult, Known, PortInfo
from dirac_failover.reports import markdown, text
from dirac_failover.reports.changes import KINDS, Diff
from dirac_failover.reports.matrix import Matrix
from dirac_failover.reports.terminal import Style

STATES = {
    "held": {"verdict": "held"},
    "broken": {"verdict": "broken", "broken": 5},
    "known": {"verdict": "broken", "broken": 5, "baseline": Known("known-bug", "")},
    "unchecked": {"verdict": "unchecked", "unchecked": 5},
    "not asked": {"verdict": "not asked"},
}
GONE = {"not asked": "gone", "no verdict": "gone"}
CALLED = {
    "held": {"broken": "regressed", "known": "accepted", "unchecked": "regressed", **GONE},
    "broken": {"held": "fixed", "known": "accepted", "unchecked": "gone", **GONE},
    "known": {"held": "fixed", "broken": "regressed", "unchecked": "regressed", **GONE},
    "unchecked": {"held": "fixed", "broken": "regressed", "known": "accepted", **GONE},
    "not asked": {"held": "new", "broken": "regressed", "known": "accepted", "unchecked": "regressed", **GONE},
    "no verdict": dict.fromkeys(STATES, "new"),
}


def item(state, **more):
    if state == "no verdict":
        return ()
    return (ClauseResult(**{"id": "CO-001", "level": "contract", "text": "Text.", "asked": 9} | STATES[state] | more),)


def diff(results, old, new):
    sides = [("old", "o", replace(results, clauses=old)), ("new", "n", replace(results, clauses=new))]
    return Diff.of(Matrix.of(sides))


@pytest.mark.parametrize(("old", "new"), list(itertools.product([*STATES, "no verdict"], repeat=2)))
def test_every_change_has_its_kind(alpha, old, new):
    """Only a regression makes the command fail."""
    made = diff(alpha, item(old), item(new))
    expected = [CALLED[old][new]] if old != new else []
    assert [change.kind for change in made.changes] == expected
    assert made.regressed is (expected == ["regressed"])


@pytest.mark.parametrize("state", ["broken", "known"])
@pytest.mark.parametrize(("now", "kind"), [(4, ["better"]), (5, []), (6, ["regressed"])])
def test_more_breaches_are_a_regression(alpha, state, now, kind):
    """They are one if the clause was asked equally often: otherwise the numbers mean nothing."""
    assert [change.kind for change in diff(alpha, item(state), item(state, broken=now)).changes] == kind
    assert diff(alpha, item(state), item(state, broken=now, asked=10)).changes == ()
    assert diff(alpha, item("held"), item("held", broken=now)).changes == ()


def test_a_clause_may_change_and_be_reworded(alpha):
    """It is named twice, and counted once."""
    made = diff(alpha, item("held"), item("broken", text="Other."))
    assert [(change.kind, change.text, change.texts) for change in made.changes] == [
        ("regressed", "held -> broken 5 of 9", ("Text.", "Other.")),
        ("reworded", "was: Text.", ("Text.", "Other.")),
    ]
    assert made.summary == "1 regressed, 1 reworded, 0 of 1 clauses as before"
    assert "  CO-001  Other.  was: Text.\n" in text.changes(made, Style())
    assert "| CO-001 | Other. | was: Text. |\n" in markdown.changes(made)


def test_the_worst_changes_come_first(alpha):
    """Within a kind they are in the order of the clauses."""
    names = ["held", "broken", "held", "broken"]
    old = tuple(replace(item(name)[0], id=f"CO-{n}") for n, name in enumerate(names))
    new = tuple(replace(item(name)[0], id=f"CO-{n}") for n, name in enumerate(names[1:] + names[:1]))
    found = [(change.kind, change.id) for change in diff(alpha, old, new).changes]
    assert found == [("regressed", "CO-0"), ("regressed", "CO-2"), ("fixed", "CO-1"), ("fixed", "CO-3")]
    assert list(KINDS) == ["regressed", "fixed", "better", "accepted", "new", "gone", "reworded"]


def test_other_differences_of_the_runs_are_named(alpha):
    """Other scenarios, or another profile, may be the cause of every change; another version of the port is none."""
    header = replace(
        alpha.header, port=PortInfo("other", "2", ""), profile="dirac-8.0", regions=("inputs", "faults"), shard="1/2"
    )
    made = Diff.of(Matrix.of([("a", "", alpha), ("b", "", replace(alpha, header=header))]))
    assert made.runs == {
        "port": ("alpha", "other"),
        "profile": ("dirac-9.1", "dirac-8.0"),
        "regions": ("all", "inputs, faults"),
        "shard": ("1/1", "1/2"),
    }
    version = replace(alpha.header, port=PortInfo("alpha", "2.0", "x"), date="later", python="3.13")
    assert Diff.of(Matrix.of([("a", "", alpha), ("b", "", replace(alpha, header=version))])).runs == {}
