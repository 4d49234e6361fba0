"""The algorithm in numbered steps: its page, the references in it, its texts, and the clauses that name the steps."""

from __future__ import annotations

import ast
import inspect
import re
import runpy
from pathlib import Path

import pytest

from dirac_failover.spec.algorithm import CHAPTERS, by_id, procedures, step_ids
from dirac_failover.spec.clauses import CLAUSES, DIRAC
from dirac_failover.spec.model import end

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "algorithm.md").read_text(encoding="utf-8")
STEPS = [step for procedure in by_id().values() for step in procedure.steps]


def test_the_page_is_what_the_docstrings_say():
    """The copy in the repository is what the generator makes now, and the site has it."""
    generator = runpy.run_path(str(DOCS / "algorithm_page.py"))
    assert generator["page"]() == PAGE, "run: python docs/algorithm_page.py"
    assert "\nalgorithm\n" in (DOCS / "index.md").read_text(encoding="utf-8")


def test_steps_are_numbered_from_one_and_procedures_have_ids_of_their_own():
    """The ID of a step begins with that of its procedure."""
    found = [procedure for chapter in procedures().values() for procedure in chapter]
    assert len({procedure.id for procedure in found}) == len(found)
    for procedure in found:
        assert list(procedure.steps) == [f"{procedure.id}.{n}" for n in range(1, len(procedure.steps) + 1)]
        assert all(text.endswith((".", "`")) for text in procedure.steps.values()), procedure
        assert procedure.title


def test_every_reference_of_the_page_leads_to_a_step_or_a_heading():
    """No step refers to one that does not exist."""
    prose = re.sub(r"`[^`]*`", "", PAGE)
    assert {*re.findall(r"\b[A-Z]{1,2}\.\d+\b", prose)} == {*STEPS}
    headings = {procedure.anchor for procedure in by_id().values()}
    assert {*re.findall(r"\]\(#([^)]*)\)", PAGE)} <= headings


def test_each_step_is_named_by_a_clause_and_no_other_is():
    """Every clause of the level dirac, and no other, names steps; together they name all."""
    assert [clause.id for clause in CLAUSES if bool(clause.steps) != (clause.level == DIRAC)] == []
    assert {step for clause in CLAUSES for step in step_ids(clause.steps)} == {*STEPS}


def test_a_procedure_stands_for_its_steps():
    """Step or procedure, in any number; an unknown name is refused."""
    assert step_ids(["G.2", "F"]) == ["G.2", "F.1", "F.2"]
    for name in ("G.99", "ZZ"):
        with pytest.raises(KeyError):
            step_ids([name])


def texts():
    """The constant parts of all texts that the model raises, and of those with which it refuses a request."""
    for owner in CHAPTERS.values():
        for node in ast.walk(ast.parse(inspect.getsource(owner))):
            refuses = isinstance(node, ast.FunctionDef) and node.name in {"invalid", "_complaints"}
            if isinstance(node, ast.Raise) or refuses:
                for part in ast.walk(node):
                    if isinstance(part, ast.JoinedStr):
                        yield from (piece.value for piece in part.values if isinstance(piece, ast.Constant))
                    elif isinstance(part, ast.Constant) and isinstance(node, ast.Raise):
                        yield part.value
    yield from (end.SKIPPED, end.FINISHED, end.SUCCEEDED, end.FAILED)


def test_the_texts_are_exact():
    """Each text that the code raises or reports is in the page as it is."""
    found = [text for text in texts() if isinstance(text, str)]
    assert len(found) > 40
    assert [text for text in found if text.strip(" .{}()'") not in PAGE] == []
