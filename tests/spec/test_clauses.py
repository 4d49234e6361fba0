from __future__ import annotations

import re
import runpy
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dirac_failover.conformance.port import ModulePort
from dirac_failover.spec import space
from dirac_failover.spec.case import Case
from dirac_failover.spec.checks import LEVELS
from dirac_failover.spec.clauses import CLAUSES, OUT_OF_REACH

if TYPE_CHECKING:
    from dirac_failover.conformance.kits import Kit

REGISTER = Path(__file__).with_name("clause_register.txt")
DOCS = Path(__file__).parents[2] / "docs"
BROKEN = {clause.id for clause in CLAUSES if clause.level == "lossless"}
"""DIRAC, and so the reference, breaks each of them somewhere."""
STEP = 307  # a prime: no dimension has so many values, so that all of them take part


def test_no_id_is_ever_reused_or_removed() -> None:
    """Whoever adds a clause adds its ID at the end of its level here; a line of the register is never changed."""
    registered = REGISTER.read_text(encoding="ascii").split()
    assert len(set(registered)) == len(registered)
    assert [clause.id for clause in CLAUSES] == registered


def test_an_id_says_its_level() -> None:
    """Two letters, a number that grows, and nothing else."""
    prefixes = {"contract": "CO", "dirac": "DI", "lossless": "LL"}
    for clause in CLAUSES:
        assert re.fullmatch(prefixes[clause.level] + r"-\d{3}", clause.id)
    levels = [clause.level for clause in CLAUSES]
    assert levels == sorted(levels, key=LEVELS.index)
    for level in LEVELS:
        ids = [clause.id for clause in CLAUSES if clause.level == level]
        assert ids == sorted(set(ids))


@pytest.mark.parametrize("clause", CLAUSES, ids=[clause.id for clause in CLAUSES])
def test_a_clause_is_made_of_sentences(clause: object) -> None:
    """What holds, why, and what its breach does; and where it is from."""
    for name in ("text", "reason", "harm"):
        text = getattr(clause, name)
        assert re.fullmatch(r"[A-Za-z<].*\.", text), name
        assert "  " not in text
    assert re.fullmatch(r"[A-Z][A-Za-z]+(\._?[a-zA-Z]+)?", clause.source)  # type: ignore[attr-defined]
    assert re.fullmatch(r"|quirk|H\d+", clause.note)  # type: ignore[attr-defined]
    assert re.fullmatch(r"|https://github\.com/DIRACGrid/DIRAC/(issues|pull)/\d+", clause.issue)  # type: ignore[attr-defined]


def test_some_were_learned_in_public() -> None:
    """Where there is a thread about the same thing, it is named."""
    named = {clause.id: clause.issue for clause in CLAUSES if clause.issue}
    assert named["LL-001"] == "https://github.com/DIRACGrid/DIRAC/issues/2416"
    assert set(named) == {
        "DI-015", "DI-017", "DI-018", "LL-001", "LL-002", "LL-006", "LL-010", "LL-014", "LL-016",
    }  # fmt: skip


def test_each_hazard_is_named_by_a_clause_or_out_of_reach() -> None:
    """H1 to H22, and no other; none is both."""
    named = {clause.note for clause in CLAUSES if clause.note.startswith("H")}
    assert all(clause.note for clause in CLAUSES if clause.level == "lossless")
    assert named | set(OUT_OF_REACH) == {f"H{number}" for number in range(1, 23)}
    assert not named & set(OUT_OF_REACH)


def test_the_page_is_what_the_clauses_say() -> None:
    """The copy in the repository is what the generator makes now."""
    generator = runpy.run_path(str(DOCS / "contract_page.py"))
    assert (DOCS / "contract.md").read_text(encoding="utf-8") == generator["page"](), (
        "run: python docs/contract_page.py"
    )


def test_contract_and_dirac_hold_and_each_hazard_shows(kit: Kit) -> None:
    """On the real DIRAC as on the reference: each clause is asked about, and exactly these are broken."""
    port = ModulePort(kit)
    asked: set[str] = set()
    broken: set[str] = set()
    with port.session():
        scenarios = [
            *(
                item
                for region in space.REGIONS
                for changes in (0, 1, 2)
                for item in islice(region.near(changes), 0, None, 3)
            ),
            *islice(space.SERVICES.scenarios(), 0, None, 7),
            *(item for item in space.SERVICES.near(3) if "no proxy" in item.name),
            *islice(space.scenarios(), 0, None, STEP),
        ]
        for scenario in scenarios:
            case = Case(scenario, port.run(scenario))
            for clause in CLAUSES:
                verdict = clause.check(case)
                if verdict is not None:
                    asked.add(clause.id)
                if verdict:
                    broken.add(clause.id)
                    assert clause.level == "lossless", (clause.id, scenario.name, verdict)
    assert asked == {clause.id for clause in CLAUSES}
    assert broken == BROKEN
