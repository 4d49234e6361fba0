"""The matrix, and the changes between two results, on a terminal."""

import re
from dataclasses import replace

import pytest

from dirac_failover.reports import text
from dirac_failover.reports.changes import Diff
from dirac_failover.reports.matrix import Matrix
from dirac_failover.reports.terminal import Style
from dirac_failover.spec.profile_fit import Match


def matrix(results, *labels):
    return Matrix.of((label, "", results) for label in labels)


@pytest.mark.parametrize("style", [Style(80), Style(60), Style(80, colours=True)], ids=repr)
def test_ports_stand_side_by_side(alpha, beta, down, style, snapshot):
    """The ports come first, then the matrix level by level, then a count of the differences; colours shift nothing."""
    made = Matrix.of([("alpha 1.0", "", alpha), ("beta", "", beta), ("gamma 2", "", down)])
    snapshot(text.matrix(made, style))
    assert re.sub(r"\x1b\[\d+m", "", text.matrix(made, style)) == text.matrix(made, Style(style.width))


def test_clauses_on_which_the_ports_agree_are_left_out(alpha, beta):
    """Their number says so, and a style that shows all has them; of one port all clauses are shown."""
    made = Matrix.of([("A", "", alpha), ("B", "", alpha)]), Matrix.of([("A", "", alpha), ("B", "", beta)])
    for found, listed in zip(made, ([], ["CO-002", "LL-001"]), strict=True):
        assert re.findall(r"^  (\w\w-\d+)", text.matrix(found, Style(80)), re.MULTILINE) == listed
        assert f"{len(found.rows) - len(listed)} more clauses on which they do not: -v shows all" in text.matrix(
            found, Style(80)
        )
        every = text.matrix(found, Style(80, verbose=True))
        assert re.findall(r"^  (\w\w-\d+)", every, re.MULTILINE) == [row.id for row in found.rows]
        assert "-v shows" not in every
    assert "  CO-001  held" in text.matrix(matrix(alpha, "A"), Style(80))


def test_levels_that_decide_and_the_nearest_profile_are_named(alpha):
    """The levels are named unless all decide."""
    some = replace(alpha, header=replace(alpha.header, levels=("contract", "dirac")))
    assert "  A  diverges, by contract and dirac\n" in text.matrix(matrix(some, "A"), Style(80))
    known = replace(alpha, nearest=(Match("dirac-8.0", 2, 1, 3), Match("dirac-9.1", 2, 1, 4)))
    made = text.matrix(matrix(known, "A"), Style(100))
    assert "  A  diverges\n" in made
    assert ", profile dirac-9.1 (nearest: dirac-8.0), 2026" in made
    assert "ports differ" not in made, "one port differs from none"


def heads(results, labels, width):
    """Return the lines that name the ports, and the heads of the columns."""
    lines = text.matrix(matrix(results, *labels), Style(width, verbose=True)).splitlines()
    return [line for line in lines if line.endswith("  diverges")], lines[lines.index("", 1) + 2].split()


@pytest.mark.parametrize(
    ("labels", "width", "fits"),
    [
        (["x" * 20], 80, True),
        (["x" * 21], 80, False),
        (["a" * 10, "b" * 10, "c" * 10], 24 + 36, True),
        (["a" * 10, "b" * 10, "c" * 10], 24 + 35, False),
        (["a", "b"], 24 + 24, True),
        (["a", "b"], 24 + 23, False),
    ],
)
def test_labels_head_the_columns_where_they_fit(alpha, labels, width, fits):
    """Otherwise letters do, which stand before the ports."""
    said, columns = heads(alpha, labels, width)
    assert columns == labels if fits else columns == ["A", "B", "C"][: len(labels)]
    assert said[0] == f"  {'' if fits else 'A  '}{labels[0]}  diverges"


def test_there_are_letters_for_any_number_of_ports(alpha):
    """A1 comes after Z."""
    labels = [f"port {n:02}" + "x" * 14 for n in range(54)]
    said, columns = heads(alpha, labels, 1400)
    assert [line.split()[0] for line in said] == columns
    assert [columns[n] for n in (0, 1, 25, 26)] == ["A", "B", "Z", "A1"]
    assert said[26].startswith("  A1  port 26x")


def test_a_clause_is_wrapped_beside_its_verdicts(alpha):
    """Nothing is cut; where hardly any room is left, the text stands below."""
    long = replace(alpha, clauses=(replace(alpha.clauses[0], text="word " * 12),))

    def lines(width):
        return text.matrix(matrix(long, "A"), Style(width)).split("A\n")[-1].splitlines()[:2]

    assert lines(100) == ["  CO-001  held        " + "word " * 11 + "word", ""]
    assert lines(46) == ["  CO-001  held        word word word word word", " " * 22 + "word word word word word"]
    assert lines(45) == ["  CO-001  held", "    " + "word " * 7 + "word"]


def test_colours_repeat_the_words(alpha, beta, down):
    """Green is good, red is bad; a breach of a level that does not decide has the colour of a known one."""
    aside = replace(alpha, header=replace(alpha.header, levels=("dirac",)))
    conforming = replace(beta, clauses=beta.clauses[1:], verdict="conforms")
    for results, said in (
        (aside, "\x1b[36m✗ 1,300/2,000\x1b[0m"), (down, "\x1b[31mbroke down"),
        (conforming, "\x1b[32mconforms\x1b[0m"),
        (alpha, "\x1b[31m✗ 1,300/2,000\x1b[0m"), (alpha, "\x1b[32mheld         \x1b[0m"),
    ):  # fmt: skip
        assert said in text.matrix(matrix(results, "a"), Style(80, colours=True))
    made = text.changes(Diff.of(Matrix.of([("a", "", alpha), ("b", "", down)])), Style(colours=True))
    assert "\n  \x1b[31mThe port broke down\x1b[0m: no answer in 10 s\n" in made


def test_results_without_clauses_have_no_matrix(alpha):
    """Nothing was asked, and the report is made all the same."""
    made = text.matrix(matrix(replace(alpha, clauses=()), "A"), Style(80))
    assert made.splitlines()[1:3] == [
        "  A  nothing asked",
        "    1,234 scenarios, profile dirac-9.1, 2026-01-02T03:04:05Z",
    ]
    silent = text.matrix(matrix(replace(alpha, clauses=alpha.clauses[2:3], verdict="conforms"), "a"), Style(80))
    assert "  a  nothing asked\n" in silent


@pytest.mark.parametrize("style", [Style(80), Style(60), Style(80, colours=True)], ids=repr)
def test_changes_come_kind_by_kind(alpha, beta, style, snapshot):
    """A section for each kind, after the differences of the runs and the counts."""
    made = text.changes(Diff.of(Matrix.of([("alpha", "", alpha), ("beta", "", beta)])), style)
    snapshot(made)


def test_a_hostile_file_stays_text(hostile):
    """Control characters are escaped."""
    broken = replace(hostile, verdict="broken", error="<b>\x1b")
    diff = Diff.of(Matrix.of([("a", "", hostile), ("b", "", broken)]))
    for made in (text.changes(diff, Style()), text.matrix(matrix(hostile, "\x1b[31m"), Style())):
        assert made.replace("\n", "").isprintable()
    assert text.changes(diff, Style(unicode=False)).isascii()
