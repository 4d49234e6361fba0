"""The proof that the contract obliges, on two steps of the reference and one of a list."""

from __future__ import annotations

from typing import Any

import pytest

from dirac_failover.drivers.implementations import IMPLEMENTATIONS
from dirac_failover.drivers.in_process import InProcessDriver
from dirac_failover.spec import space
from tests.mutation import proof
from tests.mutation.operators import Reason
from tests.mutation.proof import CANNOT_BE_MADE, PROVEN, Found, Sound, steps, wrong

SUBJECT = PROVEN["reference"]
FREE = Found("", "", ("DI-001", "DI-020"))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("self.generateFailoverFile()", "contract"),
        ("request.SourceComponent = 'Job_%d' % job", "seen by dirac alone"),
    ],
)
def test_a_step_is_obliged_to_by_a_clause_or_listed(capsys: pytest.CaptureFixture[str], text: str, kind: str) -> None:
    """The one step of failover_request.py with this text is removed; the other entries of the list fit no step."""
    (step,) = [step for step in steps(SUBJECT, "failover_request") if step.change()[0] == text]
    implementation = IMPLEMENTATIONS["reference"].load()
    with InProcessDriver(implementation).session() as port:
        cases = [(item, port.run(item)) for item in space.ANSWERS.scenarios(0, 1)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(proof, "steps", lambda *_: [step])
        bad = proof.examine(Sound(implementation, SUBJECT, cases), "failover_request", 1)
    said = capsys.readouterr().out
    assert f"failover_request.py: 1 steps: 1 {kind}; " in said
    assert bad == said.count("free.txt: failover_request.py has no step") > 0


@pytest.mark.parametrize(
    ("seen", "entry", "said"),
    [
        (Found("CO-001", "", ()), None, ""),
        (Found("", "LL-001", ()), None, ""),
        (CANNOT_BE_MADE, None, ""),
        (FREE, Reason("why", "DI-020"), ""),
        (Found("", "", ()), Reason("why", ""), ""),
        (None, Reason("why", ""), "broke down"),
        (Found("CO-001", "", ()), Reason("why", ""), "is listed, and yet"),
        (CANNOT_BE_MADE, Reason("why", ""), "is listed, and yet"),
        (FREE, None, "no clause obliges to it; DI-001, DI-020 sees"),
        (FREE, Reason("why", "DI-002"), "DI-002 is said to see"),
        (FREE, Reason("why", ""), "no clause is said to see"),
        (Found("", "", ()), Reason("why", "DI-002"), "DI-002 is said to see"),
    ],
)
def test_the_list_must_be_true(seen: Any, entry: Reason | None, said: str) -> None:
    """What is obliged is not listed; what is not is, with the clause that sees its absence, if one does."""
    assert wrong(seen, entry)[: len(said) or None] == said
