"""``python -m tests.mutation.discrimination``: does the suite tell the real DIRAC from DIRAC with one fault in it?

The mutants are made in memory from the files of the installed package; nothing of them is stored. Each is executed in
scenarios of the space until a clause of ``contract`` or ``dirac`` is broken, which kills it. The real DIRAC itself must
break none of them first. What survives is printed with the fault.

Of ``ModuleBase`` only what a module's end consists of is mutated: finding output files for upload is held by the tests
of ``getCandidateFiles``, which need files rather than scenarios.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from dirac_failover.conformance.kits import KITS, Kit
from dirac_failover.conformance.port import ModulePort
from dirac_failover.spec import space
from dirac_failover.spec.case import Case
from dirac_failover.spec.clauses import CLAUSES
from tests.mutation.operators import Mutant, mutants
from tests.mutation.runner import race, within

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dirac_failover.spec.scenario import Scenario

JUDGES: Final = [clause for clause in CLAUSES if clause.level != "lossless"]
FILES: Final = {
    "FailoverRequest": "DIRAC.Workflow.Modules.FailoverRequest",
    "ModuleBase": "DIRAC.Workflow.Modules.ModuleBase",
}
ELSEWHERE: Final = frozenset({
    "getCandidateFiles", "_applyMask", "_checkSanity", "_checkLocalExistance", "setJobParameter",
})  # fmt: skip
EVERY: Final = {"identity": 7, "inputs": 101, "answers": 1009, "services": 101}
SECONDS: Final = 120
SURVIVED, KILLED = 0, 1


def scenarios() -> list[Scenario]:
    """Return a sample in which every value of every dimension takes part, the rare ones first."""
    first, others = [], []
    for region in space.REGIONS:
        seen: set[str] = set()
        for index, scenario in enumerate(region.scenarios()):
            choices = set(scenario.name.partition(": ")[2].split(", "))
            if not choices <= seen:
                seen |= choices
                first.append(scenario)
            elif index % EVERY[region.name] == 0:
                others.append(scenario)
    return first + others


def verdicts(port: ModulePort, sample: Sequence[Scenario]) -> Iterator[str]:
    """Yield the clauses that the port breaks, and how it breaks down."""
    with port.session():
        for scenario in sample:
            case = Case(scenario, port.run(scenario))
            yield from (clause.id for clause in JUDGES if clause.check(case))


def loaded(kit: Kit, name: str, code: Any) -> Kit:
    """Return the kit with ``code`` in the place of a file, and DIRAC's FailoverRequest made anew on top of it."""
    modules = {}
    for each, full in reversed(FILES.items()):  # the base class first
        path = Path(str(sys.modules[full].__file__))
        modules[each] = ModuleType(full)
        modules[each].__file__ = str(path)
        text = code if each == name else compile(path.read_text(), str(path), "exec")
        exec(text, modules[each].__dict__)  # noqa: S102 - of the installed package
        sys.modules[full] = modules[each]
    return replace(
        kit,
        FailoverRequest=modules["FailoverRequest"].FailoverRequest,
        GracefulTermination=modules["ModuleBase"].GracefulTermination,
    )


def judge(kit: Kit, name: str, sample: Sequence[Scenario], mutant: Mutant | None) -> int:
    """Execute one mutant (None: the file as it is); a fault that keeps it from being run at all is noticed too."""
    within(SECONDS)
    path = Path(str(sys.modules[FILES[name]].__file__))
    try:
        tree = mutant.apply() if mutant else ast.parse(path.read_text())
        port = ModulePort(loaded(kit, name, compile(tree, str(path), "exec")))
        return KILLED if next(verdicts(port, sample), None) else SURVIVED
    except Exception:
        return KILLED


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all mutants; return 0 when none survives."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation.discrimination", description=str(__doc__))
    parser.add_argument("names", nargs="*", default=[*FILES], help="which files, without .py")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(arguments)
    kit = KITS["dirac"]()
    sample = scenarios()
    print(f"{len(sample)} scenarios, {len(JUDGES)} clauses, {kit.name} {kit.version}")
    if broken := sorted(set(verdicts(ModulePort(kit), sample))):
        print(f"The real DIRAC breaks {', '.join(broken)}: nothing can be said about its mutants")
        return 1
    control = [code for _, code in race([None, None], partial(judge, kit, "ModuleBase", sample), options.workers)]
    if control != [SURVIVED, SURVIVED]:
        print("The real DIRAC, made anew without any fault, is not found right: nothing can be said about its mutants")
        return 1
    alive = 0
    for name in options.names:
        path = Path(str(sys.modules[FILES[name]].__file__))
        jobs = [mutant for mutant in mutants(path, path.read_text()) if mutant.function.split(".")[-1] not in ELSEWHERE]
        fates: Counter[str] = Counter()
        for mutant, code in race(jobs, partial(judge, kit, name, sample), options.workers):
            fates["alive" if code == SURVIVED else "killed"] += 1
            if code == SURVIVED:
                print(f"alive: {name}.py:{mutant.line} in {mutant.function}\n{mutant.diff()}")
        print(f"{name}.py: {len(jobs)} mutants, {fates['killed']} killed, {fates['alive']} alive")
        alive += fates["alive"]
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
