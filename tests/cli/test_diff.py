"""The command ``diff``: what changed, what it is called, and when the command fails."""

import itertools
import json
from dataclasses import replace

import jsonschema
import pytest

from dirac_failover.cli import main
from dirac_failover.cli.diff import KINDS, Diff, in_markdown, text
from dirac_failover.cli.schema import SCHEMAS
from dirac_failover.conformance.results import ClauseResult, Known, PortInfo
from dirac_failover.reports.matrix import Matrix
from dirac_failover.reports.terminal import Style

STATES = {
    "held": {"verdict": "held"},
    "broken": {"verdict": "broken", "broken": 5},
    "known": {"verdict": "broken", "broken": 5, "baseline": Known("known-bug", "")},
    "not asked": {"verdict": "not asked"},
}
CALLED = {
    "held": {"broken": "regressed", "known": "accepted", "not asked": "gone", "no verdict": "gone"},
    "broken": {"held": "fixed", "known": "accepted", "not asked": "gone", "no verdict": "gone"},
    "known": {"held": "fixed", "broken": "regressed", "not asked": "gone", "no verdict": "gone"},
    "not asked": {"held": "new", "broken": "regressed", "known": "accepted", "no verdict": "gone"},
    "no verdict": {"held": "new", "broken": "new", "known": "new", "not asked": "new"},
}


def item(state, **more):
    if state == "no verdict":
        return ()
    return (ClauseResult(**{"id": "CO-001", "level": "contract", "text": "Text.", "asked": 9} | STATES[state] | more),)


def diff(results, old, new):
    sides = [("old", "o", replace(results, clauses=old)), ("new", "n", replace(results, clauses=new))]
    return Diff.of(Matrix.of(sides))


@pytest.mark.parametrize(("old", "new"), list(itertools.product([*STATES, "no verdict"], repeat=2)))
def test_every_change_has_its_name(alpha, old, new):
    """And only what regressed makes the command fail."""
    made = diff(alpha, item(old), item(new))
    expected = [CALLED[old][new]] if old != new else []
    assert [change.kind for change in made.changes] == expected
    assert made.regressed is (expected == ["regressed"])


@pytest.mark.parametrize("state", ["broken", "known"])
@pytest.mark.parametrize(("now", "kind"), [(4, ["better"]), (5, []), (6, ["regressed"])])
def test_more_breaches_are_a_regression(alpha, state, now, kind):
    """As long as the clause was asked equally often: otherwise the numbers mean nothing."""
    assert [change.kind for change in diff(alpha, item(state), item(state, broken=now)).changes] == kind
    assert diff(alpha, item(state), item(state, broken=now, asked=10)).changes == ()


def test_a_number_beside_what_is_held_means_nothing(alpha):
    """Only breaches are counted."""
    assert diff(alpha, item("held"), item("held", broken=3)).changes == ()


def test_a_clause_may_change_and_be_reworded(alpha):
    """It is named twice, and counted once."""
    made = diff(alpha, item("held"), item("broken", text="Other."))
    assert [(change.kind, change.text, change.texts) for change in made.changes] == [
        ("regressed", "held -> broken 5 of 9", ("Text.", "Other.")),
        ("reworded", "was: Text.", ("Text.", "Other.")),
    ]
    assert "    was: Text.\n" in text(made, Style())
    assert "| CO-001 | Other. | was: Text. |\n" in in_markdown(made)


def test_changes_come_kind_by_kind(alpha):
    """The worst first; within a kind, in the order of the clauses."""
    names = ["held", "broken", "held", "broken"]
    old = tuple(replace(item(name)[0], id=f"CO-{n}") for n, name in enumerate(names))
    new = tuple(replace(item(name)[0], id=f"CO-{n}") for n, name in enumerate(names[1:] + names[:1]))
    made = diff(alpha, old, new)
    assert [(change.kind, change.id) for change in made.changes] == [
        ("regressed", "CO-0"),
        ("regressed", "CO-2"),
        ("fixed", "CO-1"),
        ("fixed", "CO-3"),
    ]
    assert list(KINDS) == ["regressed", "fixed", "better", "accepted", "new", "gone", "reworded"]


def test_the_diff_is_printed(files, capsys, snapshot):
    """Clause by clause, and exit code 1 since something regressed."""
    assert main(["diff", files["alpha"], files["beta"]]) == 1
    snapshot(capsys.readouterr().out)


def test_the_other_way_round_it_is_better(files):
    """What was broken and is known now is no regression, but what was held and is broken is."""
    assert main(["diff", files["beta"], files["alpha"]]) == 1
    assert main(["diff", files["alpha"], files["alpha"]]) == 0


def test_breaking_down_is_a_regression(files, capsys, snapshot):
    """Unless the port had broken down before."""
    assert main(["diff", files["alpha"], files["down"], "--format", "markdown"]) == 1
    snapshot(capsys.readouterr().out)
    assert main(["diff", files["alpha"], files["down"]]) == 1
    assert "\nThe port broke down: no answer in 10 s\n" in capsys.readouterr().out
    assert main(["diff", files["down"], files["down"]]) == 0
    assert "broke down" not in capsys.readouterr().out
    assert main(["diff", files["down"], files["alpha"]]) == 0


def test_what_else_differs_is_said(alpha):
    """Other scenarios, or another profile, may be the reason for everything."""
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


def test_machines_get_all_of_it(files, capsys):
    """The JSON counts every kind, and has both sides of each change."""
    assert main(["diff", files["alpha"], files["beta"], "--format", "json"]) == 1
    out = capsys.readouterr().out
    data = json.loads(out)
    assert (data["old"]["label"], data["new"]["file"], data["regressed"]) == ("alpha 1.0", files["beta"], True)
    assert data["runs"] == {"port": {"old": "alpha", "new": "beta"}, "shard": {"old": "1/1", "new": "2/3"}}
    assert data["counts"] == {
        "clauses": 5, "regressed": 1, "fixed": 1, "better": 0, "accepted": 0, "new": 1, "gone": 1, "reworded": 0,
    }  # fmt: skip
    assert [change["kind"] for change in data["changes"]] == ["regressed", "fixed", "new", "gone"]
    assert data["changes"][2] == {
        "kind": "new",
        "id": "LL-002",
        "level": "lossless",
        "old": {"state": "no verdict", "text": None, "asked": None, "broken": None},
        "new": {"state": "held", "text": "Text of LL-002.", "asked": 10, "broken": 0},
    }


def test_the_json_is_as_published(files, capsys):
    """``dirac-failover schema diff`` describes it."""
    validator = jsonschema.Draft202012Validator(SCHEMAS["diff"]())
    for old, new in itertools.permutations(files.values(), 2):
        main(["diff", old, new, "--format", "json"])
        assert list(validator.iter_errors(json.loads(capsys.readouterr().out))) == []
    assert SCHEMAS["diff"]()["properties"]["counts"]["required"] == ["clauses", *KINDS]


def test_colours_say_what_words_say(alpha, beta, down):
    """Red for what regressed and broke down, green for what is fixed or better."""
    made = text(Diff.of(Matrix.of([("a", "", alpha), ("b", "", beta)])), Style(colours=True))
    assert made.startswith("\x1b[1ma \u2192 b\x1b[0m\n")
    for said in ("\x1b[31mregressed\x1b[0m (", "\x1b[32mfixed\x1b[0m (", "\x1b[1mnew\x1b[0m ("):
        assert said in made
    better = diff(alpha, item("broken"), item("broken", broken=4))
    assert "\x1b[32mbetter\x1b[0m (" in text(better, Style(colours=True))
    broke = text(Diff.of(Matrix.of([("a", "", alpha), ("b", "", down)])), Style(colours=True))
    assert "\n\x1b[31mThe port broke down\x1b[0m: no answer in 10 s\n" in broke


def test_a_hostile_file_stays_text(hostile):
    """On a terminal and in Markdown."""
    made = Diff.of(Matrix.of([("a", "", hostile), ("b", "", replace(hostile, verdict="broken", error="<b>\x1b"))]))
    assert text(made, Style()).replace("\n", "").isprintable()
    assert "<" not in in_markdown(made).replace("\\<", "")
    assert "\x1b" not in text(made, Style(unicode=False))
    assert text(made, Style(unicode=False)).isascii()
