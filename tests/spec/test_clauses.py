"""The table of clauses: IDs, sentences and sources; and that its clauses tell implementations apart."""

from __future__ import annotations

import os
import re
import runpy
from itertools import islice
from pathlib import Path

import pytest

from dirac_failover.conformance.checking import VerificationPlan, check
from dirac_failover.drivers.in_process import InProcessDriver
from dirac_failover.drivers.resolve import Target
from dirac_failover.spec import space
from dirac_failover.spec.check_context import CheckContext
from dirac_failover.spec.clauses import CLAUSES, DIRAC, LEVELS, OUT_OF_REACH
from dirac_failover.spec.facts import COMMANDS
from dirac_failover.spec.profiles import DIRAC_9_1

REGISTER = Path(__file__).with_name("clause_register.txt")
DOCS = Path(__file__).parents[2] / "docs"
BROKEN = {clause.id for clause in CLAUSES if clause.level == "lossless"}
"""DIRAC, and so the reference, breaks each of them somewhere."""
STEP = 307  # a prime: no dimension has so many values, so that all of them take part


def test_an_id_says_its_level():
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
def test_a_clause_is_made_of_sentences(clause):
    """What holds, why, and what its breach does; and where it is from."""
    for name in ("text", "reason", "harm"):
        text = getattr(clause, name)
        assert re.fullmatch(r"[A-Za-z<].*\.", text), name
        assert "  " not in text
    assert re.fullmatch(r"[A-Z][A-Za-z]+(\._?[a-zA-Z]+)?", clause.source)  # type: ignore[attr-defined]
    assert re.fullmatch(r"|quirk|H\d+", clause.note)  # type: ignore[attr-defined]
    assert re.fullmatch(r"|https://github\.com/DIRACGrid/DIRAC/(issues|pull)/\d+", clause.issue)  # type: ignore[attr-defined]


def test_some_were_learned_in_public():
    """Where there is a thread about the same thing, it is named."""
    named = {clause.id: clause.issue for clause in CLAUSES if clause.issue}
    assert named["LL-001"] == "https://github.com/DIRACGrid/DIRAC/issues/2416"
    assert set(named) == {
        "DI-015", "DI-017", "DI-018", "LL-001", "LL-002", "LL-006", "LL-010", "LL-014", "LL-016",
    }  # fmt: skip


def test_each_hazard_is_named_by_a_clause_or_out_of_reach():
    """H1 to H29, and no other; none is both."""
    named = {clause.note for clause in CLAUSES if clause.note.startswith("H")}
    assert all(clause.note for clause in CLAUSES if clause.level == "lossless")
    assert named | set(OUT_OF_REACH) == {f"H{number}" for number in range(1, 30)}
    assert not named & set(OUT_OF_REACH)


def test_the_page_is_what_the_clauses_say():
    """The copy in the repository is what the generator makes now."""
    generator = runpy.run_path(str(DOCS / "contract_page.py"))
    assert (DOCS / "contract.md").read_text(encoding="utf-8") == generator["page"](), (
        "run: python docs/contract_page.py"
    )


def some():
    """Scenarios that ask for each clause: those near the good case, some services, and a few of all."""
    for region in space.REGIONS:
        yield from region.near(0)
        yield from region.near(1)
        yield from islice(region.near(2), 0, None, 1 if region is space.ANSWERS else 5)
    yield from (item for item in space.ANSWERS.near(3) if "file forward=operation" in item.name)
    yield from islice(space.SERVICES.scenarios(), 0, None, 11)
    yield from (item for item in space.SERVICES.near(3) if "no proxy" in item.name)
    yield from islice(space.scenarios(), 0, None, STEP)


def test_contract_and_dirac_hold_and_each_hazard_shows(implementation):
    """Of the reference as of the real DIRAC, exactly the lossless clauses are broken.

    Each clause is asked as often as the register says, of a module and of a chain of commands: a changed condition
    shows as a changed number, so that the register is where it is decided.
    """
    port = InProcessDriver(implementation)
    asked, broken, total = {clause.id: [0, 0] for clause in CLAUSES}, set(), 0
    with port.session():
        for scenario in some():
            case = CheckContext(scenario, port.run(scenario))
            total += 1
            for clause in CLAUSES:
                if not clause.when(case.facts, DIRAC_9_1):
                    assert clause.violation(case) is None
                    continue
                asked[clause.id][0] += 1
                asked[clause.id][1] += clause.suits(COMMANDS) and case.facts.suits(COMMANDS)
                violation = clause.judge(case)
                if violation:
                    broken.add(clause.id)
                    assert clause.level == "lossless", (clause.id, scenario.name, violation)
    assert broken == BROKEN
    assert all(asked[clause.id][0] in range(1, total + (clause.level == DIRAC)) for clause in CLAUSES)
    text = "".join(f"{id_} {often} {of_commands}\n" for id_, (often, of_commands) in asked.items())
    if "RENEW" in os.environ:
        REGISTER.write_text(text, encoding="ascii")
    assert text == REGISTER.read_text(encoding="ascii"), f"if this is meant: RENEW=1 pytest {__file__}"


def test_no_id_is_ever_reused_or_removed():
    """A new clause gets a line at the end of its level in the register; no line is ever taken away."""
    registered = [line.split()[0] for line in REGISTER.read_text(encoding="ascii").splitlines()]
    assert len(set(registered)) == len(registered)
    assert [clause.id for clause in CLAUSES] == registered


@pytest.mark.parametrize("bug", ["SkipsFinalize", "ForgetsAccounting"])
def test_each_clause_is_asked_equally_often_of_every_port(bug):
    """A port that does other things, or nothing, is asked the same: only what it breaks is different."""
    ports = (Target(), Target(f"dirac_failover.conformance.zoo:{bug}"))
    reference, other = (check(VerificationPlan(port, regions=("hooks", "end")), part=(0, 31)) for port in ports)
    asked, broken = ([[getattr(one, name) for one in found.stats.values()] for found in (reference, other)]
                     for name in ("asked", "broken"))  # fmt: skip
    assert asked[0] == asked[1]
    assert sum(broken[1]) > sum(broken[0])
    assert sum(asked[0]) > reference.scenarios == other.scenarios
