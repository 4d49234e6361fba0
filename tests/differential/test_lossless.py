"""LosslessFailoverRequest on DIRAC's own base class and clients, as the tutorial says how to have it there."""

import re
from pathlib import Path

from dirac_failover.cli import main

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| (`\w+`(?:, `\w+`)*) \| `(DIRAC[\w.]+)`(?: and `\.(\w+)`)? \|$", re.MULTILINE)


def test_copies_with_the_imports_of_the_tutorial_lose_nothing(tmp_path, monkeypatch, capsys):
    """The two files, with the imports of its table, keep all clauses of contract and lossless that are asked."""
    page = (ROOT / "docs/tutorial/6-hazards.md").read_text(encoding="utf-8")
    homes = {"FailoverRequest": "copied_failover_request"}
    for names, place, sibling in ROW.findall(page):
        for number, name in enumerate(re.findall(r"\w+", names)):
            homes[name] = f"{place.rpartition('.')[0]}.{sibling}" if sibling and number else place
    assert len(homes) == 6
    for name in ("failover_request", "lossless"):
        text = (ROOT / f"dirac_failover/{name}.py").read_text(encoding="utf-8")
        for imported, home in homes.items():
            line = rf"^from dirac_failover[\w.]* import (.*\b{imported}\b)"
            text = re.sub(line, rf"from {home} import \1", text, flags=re.MULTILINE)
        (tmp_path / f"copied_{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    levels = ("--level", "contract", "--level", "lossless")
    code = main(["verify", "copied_lossless:LosslessFailoverRequest", *levels, "--near", "1"])
    told = capsys.readouterr().out
    assert code == 0, told
    assert "LosslessFailoverRequest conforms" in told
    assert "with the clients of dirac" in " ".join(told.split())
