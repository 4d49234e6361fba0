"""The matrix as Markdown."""

from dataclasses import replace

from dirac_failover.reports import markdown
from dirac_failover.reports.matrix import Matrix
from dirac_failover.spec.profile_fit import Match


def test_a_port_is_a_table_and_its_breaches(alpha, snapshot):
    """What it is, level by level, and of each breach the smallest scenario."""
    snapshot(markdown.page(Matrix.of([("alpha 1.0", "", alpha)])))


def test_ports_stand_side_by_side(beta, down, snapshot):
    """A state that no clause is in has no column; why a port broke down stands beside its verdict."""
    snapshot(markdown.page(Matrix.of([("beta", "", beta), ("gamma 2", "", down)])))


def test_what_a_port_was_held_against_is_said(alpha, down):
    """The levels that decide, unless all do; the nearest profile. Without breaches there is no such heading."""
    some = replace(alpha, header=replace(alpha.header, levels=("contract", "dirac")))
    some = replace(some, nearest=(Match("dirac-8.0", 2, 1, 3), Match("dirac-9.1", 2, 1, 4)))
    none = replace(down, header=replace(down.header, levels=("contract",)))
    page = markdown.page(Matrix.of([("A", "", some), ("G", "", none)]))
    assert "| A | diverges, by contract and dirac | " in page
    assert " | dirac-9.1 (nearest: dirac-8.0) | 2026" in page
    assert "| G | broke down, by contract: no answer in 10 s | " in page
    assert "## Breaches" not in markdown.page(Matrix.of([("g", "", down)]))


def test_everything_is_escaped():
    """What means something in Markdown is shown as it is, and a line stays a line."""
    assert markdown.escape("\\`*_[]<>|~&#@!$") == "".join(f"\\{c}" for c in "\\`*_[]<>|~&#@!$")
    assert markdown.escape("a-b.c (d)\n") == "a-b.c (d)\\\\n"


def test_a_hostile_file_breaks_neither_tables_nor_fences(hostile):
    """Every row has as many cells as its head, and each fence ends where it should."""
    lines = markdown.page(Matrix.of([("h", "", hostile)])).splitlines()
    for line in lines:
        if line.startswith("|"):
            cells = line.replace("\\\\", "").replace("\\|", "").strip("|").split("|")
            assert len(cells) in {3, 7}
    fences = [line for line in lines if line.startswith("```")]
    assert fences == (["```json", "```"] * 3 + ["```text", "```"]) * 2
    outside = True
    for line in lines:
        if line.startswith("```"):
            outside = not outside
        elif outside:
            assert "<" not in line.replace("\\<", "")
