"""The text of ``verify``: the verdict, the causes of breaches, and the clauses."""

from dataclasses import replace

import pytest

from dirac_failover.conformance.results import Minimal
from dirac_failover.drivers.resolve import Target
from dirac_failover.reports import differences
from dirac_failover.reports.terminal import Style
from dirac_failover.reports.verdict import report, run_command
from dirac_failover.spec.profile_fit import Match

PLAIN = Style(100)
MINIMAL = Minimal("inputs: it's", {"name": "inputs: it's", "records": 1}, {"a": [1, 2]}, {"a": [1, 3]}, ())


@pytest.mark.parametrize("style", [PLAIN, Style(50), Style(100, colours=True, unicode=False)], ids=repr)
def test_the_report_is_laid_out(alpha, style, snapshot):
    """The verdict comes first, then the breaches that decide, with commands to repeat them, then all clauses."""
    text = report(alpha, ("contract", "dirac"), [], 2.0, style)
    order = [text.index(part) for part in ("Verdict", "CO-002 is broken", "contract: ", "dirac: ", "lossless: ")]
    assert order == sorted(order)
    snapshot(text)


def test_a_clause_that_cannot_be_asked_about_is_named(alpha):
    """It is unchecked, and the port does not conform."""
    gap = replace(alpha.clauses[0], verdict="unchecked", asked=2, unchecked=7)
    text = report(replace(alpha, clauses=(gap, *alpha.clauses[1:])), ("contract",), [], 1.0, PLAIN)
    assert "it breaks 1 of 2 clauses and it cannot be asked about CO-001 (unchecked)\n" in text
    assert "  ✗ CO-001  unchecked          7 of 9  Text" in text


def test_facts_are_named_only_when_there_are_any(alpha, beta):
    """Regions, shard, and the clients of a port; a port that conforms has one line, and a problem is a line."""
    port = replace(alpha.header.port, implementation="reference 1")
    run = replace(alpha, header=replace(alpha.header, port=port, regions=("inputs",), shard="1/3"))
    text = report(run, ("contract",), ["problem " * 8], 2.0, Style(50))
    assert "  port       alpha:Module, with the clients of\n             reference 1\n" in text
    assert "  regions    inputs, shard 1/3\n" in text
    assert "and the baseline no longer applies\n    - problem problem problem problem problem\n      problem" in text
    held = replace(beta, clauses=tuple(item for item in beta.clauses if item.verdict == "held"), verdict="conforms")
    text = report(replace(held, clauses=held.clauses[:1]), ("contract",), [], 0.0, Style(60, unicode=False))
    assert text.splitlines()[1] == "  + beta conforms"
    assert "  contract   1 held\n" in text
    assert "lossless" not in text
    assert "\x1b[32m✓ alpha 1.0 conforms\x1b[0m" in report(
        replace(alpha, verdict="conforms"), (), [], 1.0, Style(100, colours=True)
    )


def test_the_report_says_which_profile_is_the_nearest(alpha):
    """It names the option for that profile; the commands repeat the profile of the run."""
    found = (Match("lhcbdirac-12.0", 1200, 7, 8), Match("dirac-9.1", 1200, 6, 9))
    lines = report(replace(alpha, nearest=found), ("contract",), [], 2.0, PLAIN).splitlines()
    where = lines.index("  nearest    lhcbdirac-12.0 7, dirac-9.1 6: alike in so many of 1,200 scenarios")
    better = "  fits       lhcbdirac-12.0 better than dirac-9.1: --profile lhcbdirac-12.0 judges by it"
    assert lines[where + 1] == better
    mine = replace(alpha, nearest=found, header=replace(alpha.header, profile="lhcbdirac-12.0"))
    text = report(mine, ("contract",), [], 2.0, PLAIN)
    assert "── dirac: what lhcbdirac-12.0 does beyond that ─" in text
    assert "  $ dirac-failover verify alpha:Module --clause CO-002 --fail-fast --profile lhcbdirac-12.0\n" in text
    assert "better than" not in text


def test_a_breach_can_be_found_and_seen_again(alpha):
    """Where exactly it is, and the commands for the environment in which it was seen."""
    broken = [replace(item, minimal=MINIMAL) if item.id == "CO-002" else item for item in alpha.clauses]
    port = replace(alpha.header.port, target=Target("mine:Module", "/p").given)
    results = replace(alpha, clauses=tuple(broken), header=replace(alpha.header, port=port))
    lines = report(results, ("contract",), [], 0.5, PLAIN).splitlines()
    start = lines.index("  clause    Text of CO-002.")
    assert lines[start + 2 : start + 7] == [
        "  where     a[1]",
        "  expected  2",
        "  observed  3",
        f"  $ {run_command(MINIMAL, Target('mine:Module', '/p'))}",
        "  $ dirac-failover verify mine:Module --python /p --clause CO-002 --fail-fast",
    ]
    assert "  scenarios  1,234 in 0 s, 2,468 a second" in lines


def test_the_command_shows_the_scenario_in_a_shell():
    """Quotes and all; the module is named as it was given, and the scenario too, if it has a name in the space."""
    assert run_command(MINIMAL, Target()) == "dirac-failover run --scenario 'inputs: it'\"'\"'s'"
    assert run_command(MINIMAL, Target("dirac")).endswith("s' --implementation dirac")
    mine = replace(MINIMAL, name="it's", scenario={"name": "it's", "records": 1})
    text = 'printf %s \'{"name": "it\'"\'"\'s", "records": 1}\' | dirac-failover run --scenario -'
    assert run_command(mine, Target()) == text
    assert run_command(MINIMAL, Target(), "lhcbdirac-12.0").startswith("printf %s ")


@pytest.mark.parametrize(
    ("expected", "observed", "shown"),
    [
        (1, 2, ("", "1", "2")),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, ("b", "2", "3")),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, ("a.b[1]", "2", "3")),
        ({"a": 1}, {"a": True}, ("a", "1", "true")),
        ({"a": 1}, {"a": 1, "b": 2}, ("b", '"(absent)"', "2")),
        ({"a": 1, "b": 2}, {"a": 1}, ("b", "2", '"(absent)"')),
        ({"a": 1, "b": 2}, {"a": 2, "b": 1}, ("", '{"a": 1, "b": 2}', '{"a": 2, "b": 1}')),
        ([1, 2], [1], ("[1]", "2", '"(absent)"')),
        ([1, 2], [2, 1], ("", "[1, 2]", "[2, 1]")),
        ([{"a": 1}], [{"a": 2}], ("[0].a", "1", "2")),
        ([1], {"a": 1}, ("", "[1]", '{"a": 1}')),
        ({"a": 1}, [1], ("", '{"a": 1}', "[1]")),
        ("a", ["b"], ("", '"a"', '["b"]')),
        ({"a": None}, {}, ("a", "null", '"(absent)"')),
        ({}, {"a": None}, ("a", '"(absent)"', "null")),
        ({".a": 1}, {".a": 2}, (".a", "1", "2")),
        ({"a": {".b": 1}}, {"a": {".b": 2}}, ("a..b", "1", "2")),
        ("x" * 297 + "a", "x" * 297 + "b", ("", f'"{"x" * 297}a"', f'"{"x" * 297}b"')),
        ("x" * 298, "y", ("", f'"{"x" * 298}"', '"y"')),
        ("x" * 299, "y", ("", f'"{"x" * 244} ... {"x" * 49}"', '"y"')),
        ("x" * 400 + "a", "x" * 400 + "b", ("", f'...{"x" * 50}a"', f'...{"x" * 50}b"')),
        ("x" * 60 + "a" * 400, "x" * 60, ("", f'...{"x" * 50}{"a" * 192} ... {"a" * 49}"', f'...{"x" * 50}"')),
    ],
)
def test_expected_is_shown_beside_observed(expected, observed, shown):
    """Where exactly the two differ, and no more of either than can be read."""
    assert differences.shown(differences.narrowed(expected, observed)) == shown
