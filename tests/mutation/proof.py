"""``python -m tests.mutation.proof [reference|dirac]``: each step of a module's end is obliged by a clause.

Each call, assignment and raise of the two classes is removed, one at a time, and the module without it is executed in
scenarios of the space, the nearest to the good case first. A clause of ``contract`` or ``lossless`` obliges to the step
when it is broken in a scenario in which the whole module keeps it. Logging is exempt. Each other step that no such
clause obliges to is listed in ``free.txt`` with the reason, and with the clause of ``dirac`` that sees its absence, if
one does: the run fails when that clause does not, and when an entry fits no step. A step of an installed package is
named by a digest, since its text is others' work.
"""

from __future__ import annotations

import argparse
import ast
import json
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from dirac_failover.drivers.implementations import IMPLEMENTATIONS, Implementation
from dirac_failover.drivers.in_process import InProcessDriver
from dirac_failover.spec.check_context import CheckContext
from dirac_failover.spec.clauses import CLAUSES, CONTRACT, DIRAC, LOSSLESS
from dirac_failover.spec.compare import equal
from dirac_failover.spec.dimensions import changes
from dirac_failover.spec.profiles import DIRAC_9_1
from dirac_failover.spec.space import ANSWERS, REGIONS
from tests.mutation.discrimination import SECONDS, SUBJECTS, SURVIVED, Subject, breaks, port_of, scenarios
from tests.mutation.operators import REMOVALS, Mutant, Reason, digests, explained, mutants
from tests.mutation.runner import race, within

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dirac_failover.spec.observation import Observation
    from dirac_failover.spec.scenario import Scenario

PROVEN: Final = {
    "reference": Subject("dirac_failover", DIRAC_9_1, dict.fromkeys(("module_base", "failover_request"), "")),
    "dirac": SUBJECTS["dirac"],
}
FREE: Final = Path(__file__).with_name("free.txt")
CANNOT_BE_MADE, NEVER_ENDS = "the module cannot be made", "the module never ends"


class Found(NamedTuple):
    """What sees that a step is missing: the first clause of each level, and all of ``dirac``."""

    contract: str
    lossless: str
    dirac: tuple[str, ...]


@dataclass(frozen=True)
class Sound:
    """The scenarios, the nearest first, and what the whole module does in each."""

    implementation: Implementation
    subject: Subject
    cases: Sequence[tuple[Scenario, Observation]]

    def search(self, file: str, mutant: Mutant | None) -> Found | str:
        """Return what sees that a step is missing: no further than a clause of ``contract``."""
        port = port_of(self.implementation, self.subject, file, mutant)
        if port is None:
            return CANNOT_BE_MADE
        found, quirks = dict.fromkeys((CONTRACT, LOSSLESS), ""), set[str]()
        with port.session():
            for scenario, outcome in self.cases:
                seen = port.run(scenario)
                if equal(seen, outcome):
                    continue
                case, sound = CheckContext(scenario, seen), CheckContext(scenario, outcome)
                for clause in CLAUSES:
                    if not found.get(clause.level) and breaks(case, clause) and not breaks(sound, clause):
                        if clause.level == DIRAC:
                            quirks.add(clause.id)
                        else:
                            found[clause.level] = clause.id
                if found[CONTRACT]:
                    break
        return Found(found[CONTRACT], found[LOSSLESS], tuple(sorted(quirks)))


def steps(subject: Subject, file: str) -> list[Mutant]:
    """Return the steps of the file's class, and of the functions beside it, each as the fault that it is missing."""
    path = subject.path(file)
    found = mutants(path, path.read_text(), REMOVALS)
    return [step for step in found if step.live and not any(without(step) for without in EXEMPT)]


def _of_another_class(step: Mutant) -> bool:
    owner, _, method = step.function.partition(".")
    return bool(method) and owner not in {"ModuleBase", "FailoverRequest"}


def _of_raise(step: Mutant) -> bool:
    """Tell whether it is part of a raise, which is removed as a whole."""
    return isinstance(step.statement, ast.Raise) and not isinstance(step.new, ast.Pass)


def _of_logging(step: Mutant) -> bool:
    """Tell whether it chooses a logger; what is logged is no step in any case."""
    targets = getattr(step.statement, "targets", [])
    return [getattr(target, "attr", "") for target in targets] == ["log"]


EXEMPT: Final = (_of_another_class, _of_raise, _of_logging)


def wrong(found: Found | str | None, entry: Reason | None) -> str:
    """Return what is wrong with a step that is missing, and with its entry; an empty text when all is well."""
    if found is None:
        return "broke down"
    if isinstance(found, str) or found.contract or found.lossless:
        return "is listed, and yet a clause obliges to it" if entry else ""
    if entry is None:
        return f"no clause obliges to it; {', '.join(found.dirac) or 'nothing'} sees that it is missing"
    if entry.clause not in (found.dirac or [""]):
        return f"{entry.clause or 'no clause'} is said to see that it is missing; it is {found.dirac or 'none'}"
    return ""


def examine(sound: Sound, file: str, workers: int) -> int:
    """Remove every step of a file; print what became of them, and return how many are not as they should be."""
    subject, start = sound.subject, time.monotonic()
    named = {step: (subject.module(file), step.function, name) for step, name in digests(steps(subject, file)).items()}
    removed: list[Mutant | None] = [None, *named]
    known = {key: reason for key, reason in explained(FREE).items() if key[0] == subject.module(file)}
    stale, counts, bad = set(known), Counter[str](), 0
    for step, found in sorted(_search(sound, file, removed, workers), key=lambda pair: pair[0].line if pair[0] else 0):
        if step is None:
            if found != Found("", "", ()):
                print(f"{file}.py, made anew as it is, does not do the same: {found}")
                return 1
            continue
        key = named[step]
        stale.discard(key)
        counts[_kind(found, known.get(key))] += 1
        if problem := wrong(found, known.get(key)):
            bad += 1
            print(f"{file}.py:{step.line} in {step.function}, {key[2]}: {problem}\n{step.diff()}")
    for key in sorted(stale):
        print(f"{FREE.name}: {file}.py has no step {key}")
    told = ", ".join(f"{number} {kind}" for kind, number in sorted(counts.items()))
    print(f"{file}.py: {len(removed) - 1} steps: {told}; {time.monotonic() - start:.0f} s", flush=True)
    return bad + len(stale)


def _kind(found: Found | str | None, entry: Reason | None) -> str:
    if found is None or isinstance(found, str):
        return found or "broke down"
    if found.contract or found.lossless:
        return CONTRACT if found.contract else LOSSLESS
    return "not listed" if entry is None else "seen by dirac alone" if entry.clause else "seen by nothing"


def _search(
    sound: Sound, file: str, removed: Sequence[Mutant | None], workers: int
) -> Iterator[tuple[Mutant | None, Found | str | None]]:
    """Yield each step with what sees that it is missing, None where the search broke down."""
    with tempfile.TemporaryDirectory() as folder:

        def work(index: int) -> int:
            within(SECONDS)
            found = sound.search(file, removed[index])
            Path(folder, str(index)).write_text(json.dumps(found))
            return SURVIVED

        for index, code in race(range(len(removed)), work, workers):
            found: Any = None if code else json.loads(Path(folder, str(index)).read_text())
            if isinstance(found, list):
                found = Found(found[0], found[1], tuple(found[2]))
            yield removed[index], NEVER_ENDS if code is None else found


def _sample() -> list[Scenario]:
    """Return all that are next to the good case, more of every value, and what is pending beside every trouble."""
    found = [*(item for region in REGIONS for item in region.scenarios(0, 1)), *scenarios({})]
    found += [item for item in ANSWERS.near(2) if "earlier=forward" in item.name]
    return list({scenario.name: scenario for scenario in found}.values())


def main(arguments: Sequence[str] | None = None) -> int:
    """Remove each step; return 0 when a clause obliges to it, or a reason is given."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation.proof", description=str(__doc__))
    parser.add_argument(
        "implementation", nargs="?", choices=list(PROVEN), default="reference", help="which implementation"
    )
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(arguments)
    implementation, subject = IMPLEMENTATIONS[options.implementation].load(), PROVEN[options.implementation]
    sample = sorted(_sample(), key=lambda scenario: changes(scenario.name))
    with InProcessDriver(implementation).session() as port:
        sound = Sound(implementation, subject, [(scenario, port.run(scenario)) for scenario in sample])
    print(f"{len(sample)} scenarios, {implementation.name} {implementation.version}")
    return 1 if sum(examine(sound, file, options.workers) for file in subject.files) else 0


if __name__ == "__main__":
    sys.exit(main())
