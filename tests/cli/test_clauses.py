import json

from dirac_failover.cli import main
from dirac_failover.spec.algorithm import step_ids
from dirac_failover.spec.clauses import CLAUSES, OUT_OF_REACH


def test_the_clauses_are_listed_by_level(printed, monkeypatch):
    """Each with its sentence, below how many there are."""
    monkeypatch.setenv("COLUMNS", "160")
    lines = printed("clauses").splitlines()
    listed = [line for line in lines if line.startswith("  ")]
    assert listed == [f"  {clause.id}  {clause.text}" for clause in CLAUSES]
    titles = [line for line in lines if line.startswith("──")]
    for title, level in zip(titles, ("contract", "dirac", "lossless"), strict=True):
        number = sum(clause.level == level for clause in CLAUSES)
        assert title == f"── {level}: {number} clauses ".ljust(160, "─")


def test_a_quiet_list_has_the_titles(printed):
    """Each is a line."""
    listed = [line for line in printed("clauses", "-q").splitlines() if line.startswith("  ")]
    assert listed == [f"  {clause.id}  {clause.title}" for clause in CLAUSES]


def test_a_long_sentence_is_wrapped_below_itself(printed, monkeypatch):
    """The IDs stand alone in their column, and have a colour."""
    monkeypatch.setenv("COLUMNS", "60")
    lines = printed("clauses", "--level", "contract", "--color", "always").splitlines()
    assert lines[1].startswith("  \x1b[36mCO-001\x1b[0m  The hooks")
    assert lines[2].startswith("          ")
    assert not any("DI-" in line or "LL-" in line for line in lines)


def test_machines_get_all_that_is_known(capsys, printed):
    """The hazards that no module can remove are there too."""
    text = printed("clauses", "--json")
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
