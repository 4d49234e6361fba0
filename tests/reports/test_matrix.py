"""The matrix: which states there are, how ports are told apart, and in what order the clauses come."""

from dataclasses import asdict, replace

import pytest

from dirac_failover.conformance.results import PortInfo
from dirac_failover.errors import FileError
from dirac_failover.reports.matrix import Matrix, labels, state


def named(results, name, version):
    port = PortInfo(name, version, "")
    return replace(results, header=replace(results.header, port=port))


def test_clauses_come_level_by_level_and_each_port_has_its_cell(alpha, beta):
    """Within a level the order is that of the files; what a file does not have is without a verdict."""
    matrix = Matrix.of([("A", "a.json", alpha), ("B", "b.json", beta)])
    assert [(row.id, row.level, [cell.text for cell in row.cells]) for row in matrix.rows] == [
        ("CO-001", "contract", ["held", "held"]),
        ("CO-002", "contract", ["broken 1,300 of 2,000", "held"]),
        ("DI-001", "dirac", ["not asked", "no verdict"]),
        ("LL-001", "lossless", ["known 2 of 4", "broken 3 of 4"]),
        ("LL-002", "lossless", ["no verdict", "held"]),
    ]
    assert [row.differs for row in matrix.rows] == [False, True, False, True, False]
    assert [(level, [row.id for row in rows]) for level, rows in matrix.levels()] == [
        ("contract", ["CO-001", "CO-002"]),
        ("dirac", ["DI-001"]),
        ("lossless", ["LL-001", "LL-002"]),
    ]
    found = [(row.id, port.label, clause.broken) for row, port, clause in matrix.breaches()]
    assert found == [("CO-002", "A", 1300), ("LL-001", "A", 2), ("LL-001", "B", 3)]


def test_a_level_without_clauses_is_not_there(beta):
    """No empty headings."""
    assert [level for level, _ in Matrix.of([("B", "", beta)]).levels()] == ["contract", "lossless"]


def test_a_clause_says_what_it_says_in_the_first_file(alpha):
    """A clause that was reworded has one text."""
    other = replace(alpha, clauses=tuple(replace(item, text="Else.") for item in alpha.clauses))
    matrix = Matrix.of([("A", "", alpha), ("B", "", other)])
    assert {row.text for row in matrix.rows} == {f"Text of {row.id}." for row in matrix.rows}


def test_the_tally_counts_every_state(alpha, down):
    """A breach that the baseline knows is counted apart."""
    matrix = Matrix.of([("A", "", alpha), ("G", "", down)])
    none = dict.fromkeys(("broken", "known", "held", "not asked", "unchecked", "no verdict"), 0)
    assert matrix.ports[0].tally() == none | dict.fromkeys(("broken", "known", "held", "not asked"), 1)
    assert matrix.ports[1].tally() == none | {"no verdict": 2}
    header = replace(alpha.header, levels=("contract",))
    few = Matrix.of([("a", "a.json", replace(alpha, header=header))])
    assert sum(few.ports[0].tally().values()) == 2  # a level that does not decide does not count
    assert [row.cells[0].aside for row in few.rows] == [False, False, True, True]
    assert [port.verdict for port in matrix.ports] == ["diverges", "broke down"]


def test_of_a_port_that_broke_down_nothing_is_said(down):
    """Neither a pass nor a list of failures."""
    assert [state(down, item) for item in down.clauses] == ["no verdict", "no verdict"]
    assert list(Matrix.of([("G", "", down)]).breaches()) == []


def test_only_some_levels_decide(alpha):
    """A breach of another level is shown, and nothing depends on it."""
    header = replace(alpha.header, levels=("contract", "lossless"))
    every, some, one = (
        Matrix.of([("A", "", replace(alpha, header=replace(header, levels=levels)))]).ports[0]
        for levels in (("lossless", "dirac", "contract"), ("contract", "lossless"), ("dirac",))
    )
    assert [port.levels for port in (every, some, one)] == ["", "contract and lossless", "dirac"]
    assert [every.decides(item) for item in alpha.clauses] == [False, True, False, False]
    assert [one.decides(item) for item in alpha.clauses] == [False] * 4


def test_a_baseline_makes_only_breaches_known(alpha):
    """A clause that is held is held, whatever else is written beside it."""
    known = alpha.clauses[3]
    assert state(alpha, known) == "known"
    assert state(alpha, replace(known, verdict="held")) == "held"
    assert state(alpha, replace(known, verdict="not asked")) == "not asked"
    assert state(alpha, replace(known, baseline=None)) == "broken"
    assert state(alpha, None) == "no verdict"


def test_ports_are_told_apart_by_the_least_that_does(alpha):
    """By name and version, then with the file's name, then by its path."""
    same = [named(alpha, "p", "1"), named(alpha, "p", "1")]
    assert labels([named(alpha, "p", ""), named(alpha, "p", "1")], ["x/a", "x/b"]) == ["p", "p 1"]
    assert labels(same, ["x/a.json", "x/b.json"]) == ["p 1 (a.json)", "p 1 (b.json)"]
    assert labels(same, ["x/a.json", "y/a.json"]) == ["x/a.json", "y/a.json"]
    assert labels(same, ["a.json", "a.json"]) == ["a.json", "a.json"]


def test_files_are_loaded_in_their_order(files):
    """Labels, paths and results belong together."""
    matrix = Matrix.load([files["beta"], files["alpha"]])
    found = [(port.label, port.path, port.results.header.port.name) for port in matrix.ports]
    assert found == [("beta", files["beta"], "beta"), ("alpha 1.0", files["alpha"], "alpha")]


def test_a_file_without_results_is_an_error(files):
    """One that is not there, for one."""
    with pytest.raises(FileError, match=r"Cannot read .*none: No such file"):
        Matrix.load([files["alpha"], files["alpha"] + "none"])


def test_the_json_has_everything(alpha, beta):
    """Ports with their headers and counts, and each cell with its numbers and its scenario."""
    data = Matrix.of([("A", "a.json", alpha), ("B", "b.json", beta)]).to_json()
    assert list(data) == ["schema", "ports", "clauses"]
    assert data["schema"] == "dirac-failover/compare/1"
    port, clause = data["ports"][0], data["clauses"][3]
    assert (port["label"], port["file"], port["header"]) == ("A", "a.json", asdict(alpha.header))
    assert (port["verdict"], port["error"], port["counts"]["held"]) == ("diverges", None, 1)
    assert (clause["id"], clause["level"], clause["text"]) == ("LL-001", "lossless", "Text of LL-001.")
    known = {"kind": "by-design", "reason": "It is so."}
    minimal = asdict(alpha.clauses[3])["minimal"]
    assert clause["cells"] == [
        {"state": "known", "asked": 4, "broken": 2, "minimal": minimal, "baseline": known},
        {"state": "broken", "asked": 4, "broken": 3, "minimal": None, "baseline": None},
    ]
    missing = {"state": "no verdict", "asked": None, "broken": None, "minimal": None, "baseline": None}
    assert data["clauses"][2]["cells"][1] == missing
