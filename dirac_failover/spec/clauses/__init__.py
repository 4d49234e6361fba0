"""The contract, clause by clause: the source of the page, of every report and of ``explain``.

A clause has a sentence, a reason, the harm that its violation does, a source, a function of the scenario that tells
whether the clause is asked, and a function that judges an observation. The scenario alone decides whether it is asked:
so it is asked equally often of every implementation, and one that does nothing violates it. An ID is permanent: a
clause may be reworded or retired, but its ID is never given to another.

There are three levels:

- ``contract``: the duties of a module to the workflow that runs it; its texts are free;
- ``dirac``: the observable behaviour of DIRAC 9.1 beyond that, one aspect a clause; together they leave nothing out;
- ``lossless``: rules that DIRAC itself violates: nothing that is pending is ever dropped, and no success is reported
  while something is lost. Each names the hazard that keeping it removes.
"""

from __future__ import annotations

from typing import Final

from dirac_failover.spec.clauses import contract, contract_methods, dirac, lossless
from dirac_failover.spec.clauses.clause import (
    CONTRACT,
    DIRAC,
    LEVELS,
    LOSSLESS,
    Clause,
    Verdict,
    Violation,
    defined_in,
)

__all__ = ["CLAUSES", "CONTRACT", "DIRAC", "LEVELS", "LOSSLESS", "OUT_OF_REACH", "Clause", "Verdict", "Violation"]

CLAUSES: Final = (*defined_in(contract, contract_methods), *dirac.CLAUSES, *defined_in(lossless))
"""All clauses, in the order of the page."""

OUT_OF_REACH: Final = {
    "H7": "a status that the transformation system considers final is its own decision, not the module's",
    "H8": "force is lost when the request is executed, which is after the module",
    "H14": "a file report that is bound to another transformation was bound by an earlier module",
    "H15": "when force is set is the rule of the transformation system's users; DI-015 pins it",
    "H17": "the workflow, not the module, keeps only the last failure",
    "H18": "what another thread's commit did is known to the accounting client only",
    "H21": "a request with the owner of an older DIRAC is the business of the module that made it",
    "H22": "an operation that is already in the request is in the request",
    "H23": "what the request database refuses of the agent is decided after the module",
    "H24": "a job report that was of another job was given to this one by others",
    "H25": "which records of a bundle are kept is known to the accounting service only",
    "H26": "the width of a column is the request database's, and no client tells it: a module could only guess after "
    "how many files to divide its report",
    "H27": "the width of a status is the job database's; the module cannot know it",
    "H28": "what the agent makes of an exception is decided after the module",
    "H29": "a job is finalized after the module",
}
"""The hazards that no module can remove, and why."""
