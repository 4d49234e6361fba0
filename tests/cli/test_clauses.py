import json

from dirac_failover.cli import main
from dirac_failover.spec.algorithm import step_ids
from dirac_failover.spec.clauses import CLAUSES, OUT_OF_REACH


def test_the_clauses_are_listed_by_level(capsys, monkeypatch):
    """Each with its sentence, below how many there are."""
    monkeypatch.setenv("COLUMNS", "160")
    assert main(["clauses"]) == 0
    lines = capsys.readouterr().out.splitlines()
    listed = [line for line in lines if line.startswith("  ")]
    assert listed == [f"  {clause.id}  {clause.text}" for clause in CLAUSES]
    titles = [line for line in lines if line.startswith("──")]
    for title, level in zip(titles, ("contract", "dirac", "lossless"), strict=True):
        number = sum(clause.level == level for clause in CLAUSES)
        assert title == f"── {level}: {number} clauses ".ljust(160, "─")


def test_a_quiet_list_has_the_titles(capsys):
    """Each is a line."""
    assert main(["clauses", "-q"]) == 0
    listed = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    assert listed == [f"  {clause.id}  {clause.title}" for clause in CLAUSES]


def test_a_long_sentence_is_wrapped_below_itself(capsys, monkeypatch):
    """The IDs stand alone in their column, and have a colour."""
    monkeypatch.setenv("COLUMNS", "60")
    assert main(["clauses", "--level", "contract", "--color", "always"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("  \x1b[36mCO-001\x1b[0m  The hooks")
    assert lines[2].startswith("          ")
    assert not any("DI-" in line or "LL-" in line for line in lines)


def test_machines_get_all_that_is_known(capsys):
    """The hazards that no module can remove are there too."""
    assert main(["clauses", "--json"]) == 0
    text = capsys.readouterr().out
    data = json.loads(text)
    assert text == json.dumps(data, indent=2) + "\n"
    assert (data["schema"], data["out of reach"]) == ("dirac-failover/clauses/1", OUT_OF_REACH)
    names = ("id", "level", "title", "text", "reason", "harm", "source", "note", "issue")
    for item, clause in zip(data["clauses"], CLAUSES, strict=True):
        steps = {name: item.pop(name, None) for name in ("steps", "algorithm")}
        assert item == {name: getattr(clause, name) for name in names}
        assert steps["steps"] == (step_ids(clause.steps) or None)
        assert steps["algorithm"] == ("docs/algorithm.md" if clause.steps else None)
    assert main(["clauses", "--json", "--level", "dirac"]) == 0
    assert {item["level"] for item in json.loads(capsys.readouterr().out)["clauses"]} == {"dirac"}
