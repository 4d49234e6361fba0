"""``python -m tests.mutation.discrimination [KIT [FILE ...]]``: does the suite tell a package from a faulty one?

The mutants are made in memory from the files of the installed package; nothing of them is stored. Each is executed in
scenarios of the space until a clause of ``contract`` or ``dirac`` is broken, which kills it; then, for comparison, it
faces the unit tests that the package brings. The package itself must break none of the clauses that judge, and pass its
tests. What survives is printed with the fault; ``alive.txt`` explains those that nothing can notice, by file, function
and the digest of the fault, since the fault itself is others' work.

Of DIRAC's ``ModuleBase`` only what a module's end consists of is mutated: finding output files for upload is held by
the tests of ``getCandidateFiles``, which need files rather than scenarios.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import sys
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from itertools import combinations
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import pytest

from dirac_failover.drivers.implementations import IMPLEMENTATIONS, Implementation
from dirac_failover.drivers.in_process import InProcessDriver
from dirac_failover.spec import space
from dirac_failover.spec.check_context import CheckContext
from dirac_failover.spec.clauses import CLAUSES, LOSSLESS
from dirac_failover.spec.profiles import DIRAC_9_1, LHCBDIRAC_12_0, Profile
from tests.mutation.operators import Mutant, digests, explained, mutants
from tests.mutation.runner import race, within

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from dirac_failover.spec.clauses import Clause
    from dirac_failover.spec.scenario import Scenario


@dataclass(frozen=True)
class Subject:
    """A package whose files are mutated: where they are, the base class first, each with its own tests."""

    package: str
    profile: Profile
    files: Mapping[str, str]
    fixtures: Path | None = None
    """Tests of the last file that use this project's fixtures, for comparison."""

    def module(self, file: str) -> str:
        """Return the name of a file's module."""
        return f"{self.package}.{file}"

    def path(self, file: str) -> Path:
        """Return where a file is installed."""
        return Path(str(import_module(self.module(file)).__file__))


SUBJECTS: Final = {
    "dirac": Subject(
        "DIRAC.Workflow.Modules",
        DIRAC_9_1,
        dict.fromkeys(("ModuleBase", "FailoverRequest"), "test/Test_Modules.py"),
    ),
    "lhcbdirac": Subject(
        "LHCbDIRAC.Workflow.Modules",
        LHCBDIRAC_12_0,
        {"FailoverRequest": "test/Test_Modules_FailoverRequest.py"},
        Path(__file__).with_name("lhcb_failover_request.py"),
    ),
}
ALIVE: Final = Path(__file__).with_name("alive.txt")
TOGETHER: Final = {region.name: 3 if region.name == "answers" else 2 for region in space.REGIONS}
SECONDS: Final = 120
SURVIVED, KILLED, BROKE_DOWN = 0, 1, 2
CLASSES: Final = ("ModuleBase", "FailoverRequest", "GracefulTermination")
"""The classes of an implementation that come from the files of a subject."""


def scenarios(together: Mapping[str, int] = TOGETHER) -> list[Scenario]:
    """Return a sample in which every value, two or three values that can go together do so at least once.

    ``together`` says how many by region, 1 where it says nothing.
    """
    found = []
    for region in space.REGIONS:
        seen: set[tuple[str, ...]] = set()
        for scenario in region.scenarios():
            changed = scenario.name.partition(": ")[2].split("; ")
            sizes = {1, together.get(region.name, 1)}
            groups = {group for size in sizes for group in combinations(changed, size)}
            if not groups <= seen:
                seen |= groups
                found.append(scenario)
    random.Random(1).shuffle(found)  # noqa: S311 - so that most faults are noticed soon
    return found


@dataclass(frozen=True)
class Court:
    """What judges a mutant: these clauses, in these scenarios, by what a profile expects."""

    clauses: Sequence[Clause]
    sample: Sequence[Scenario]
    profile: Profile

    def breaches(self, port: InProcessDriver) -> Iterator[str]:
        """Yield the clauses that the port breaks, as often as it does."""
        with port.session():
            for scenario in self.sample:
                case = CheckContext(scenario, port.run(scenario), self.profile)
                yield from (clause.id for clause in self.clauses if breaks(case, clause))


def breaks(case: CheckContext, clause: Clause) -> bool:
    """Tell whether a case breaks a clause; an observation that the clause cannot read does."""
    try:
        return clause.violation(case) is not None
    except Exception:
        return True


def make(subject: Subject, file: str, code: Any) -> dict[str, ModuleType]:
    """Make a file's module anew of ``code``, and all that are built upon it: whoever imports them gets these."""
    made = {}
    names = list(subject.files)
    for name in names[names.index(file) :]:
        path, full = subject.path(name), subject.module(name)
        made[name] = module = ModuleType(full)
        module.__file__ = str(path)
        text = code if name == file else compile(path.read_text(), str(path), "exec")
        sys.modules[full] = module  # where the decorator of a dataclass looks for it
        exec(text, module.__dict__)  # noqa: S102 - of the installed package
        setattr(sys.modules[subject.package], name, module)
    return made


def code_of(subject: Subject, file: str, mutant: Mutant | None) -> Any:
    """Return a file with the fault (None: as it is), compiled."""
    path = subject.path(file)
    return compile(mutant.apply() if mutant else ast.parse(path.read_text()), str(path), "exec")


def port_of(
    implementation: Implementation, subject: Subject, file: str, mutant: Mutant | None
) -> InProcessDriver | None:
    """Return a port whose module has the fault (None: none) in a file; None where the module cannot be made."""
    try:
        made = make(subject, file, code_of(subject, file, mutant))
        classes = {
            name: vars(module)[name]
            for module in made.values()
            for name in CLASSES
            if getattr(vars(module).get(name), "__module__", "") == module.__name__
        }
        port = InProcessDriver(replace(implementation, classes={**implementation.classes, **classes}))
        with port.session():
            port.implementation.FailoverRequest()
            port.implementation.ModuleBase()
    except Exception:
        return None
    return port


def judge(implementation: Implementation, subject: Subject, file: str, court: Court, mutant: Mutant | None) -> int:
    """Execute one mutant in the scenarios; a fault that keeps it from being imported or made is noticed too."""
    within(SECONDS)
    port = port_of(implementation, subject, file, mutant)
    try:
        return KILLED if port is None or next(court.breaches(port), None) else SURVIVED
    except BaseException:
        return BROKE_DOWN


def run_tests(subject: Subject, file: str, path: Path, mutant: Mutant | None) -> int:
    """Run a file of tests on one mutant."""
    within(SECONDS)
    os.environ.pop("JOBID", None)
    os.chdir(os.environ["PYTEST_DEBUG_TEMPROOT"])
    package = sys.modules[subject.package]
    for name in [each for each in vars(package) if isinstance(getattr(package, each), ModuleType)]:
        if name not in subject.files:  # it may be built upon the one that is faulty
            sys.modules.pop(subject.module(name), None)
    try:
        make(subject, file, code_of(subject, file, mutant))
        ended = pytest.main(["-q", "-x", "-p", "no:cacheprovider", "-c", os.devnull, str(path)])
    except Exception:
        return KILLED
    return SURVIVED if ended == pytest.ExitCode.OK else KILLED


def fates(work: Callable[[Mutant | None], int], jobs: Sequence[Mutant | None], workers: int) -> dict[int, int]:
    """Return what became of the jobs, by index; running out of time is noticed, too."""
    ended = race(range(len(jobs)), lambda index: work(jobs[index]), workers)
    return {index: KILLED if code is None else code for index, code in ended}


def examine(implementation: Implementation, subject: Subject, file: str, court: Court, workers: int) -> int:
    """Run all mutants of a file; print what became of them, and return how many are alive without a reason."""
    path, module = subject.path(file), subject.module(file)
    named = digests(mutants(path, path.read_text()))
    jobs: list[Mutant | None] = [None, *named]
    judged = fates(partial(judge, implementation, subject, file, court), jobs, workers)
    if judged.pop(0) != SURVIVED:
        print(f"{file}.py, made anew without any fault, is not found right: nothing can be said about its mutants")
        return 1
    known = {key: reason.text for key, reason in explained(ALIVE).items() if key[0] == module}
    stale = set(known)
    bad = broken = 0
    for index, code in sorted(judged.items()):
        mutant = jobs[index]
        if code == KILLED or mutant is None:
            continue
        key = (module, mutant.function, named[mutant])
        stale.discard(key)
        reason = known.get(key) if code == SURVIVED else None
        broken += code != SURVIVED
        bad += code == SURVIVED and reason is None
        fate = "alive" if code == SURVIVED else "broke down"
        print(f"{fate}: {file}.py:{mutant.line} in {mutant.function}, {key[2]}: {reason or mutant.diff()}")
    for key in sorted(stale):
        print(f"{ALIVE.name}: no mutant that is alive is {key}")
    counts = Counter(judged.values())
    alive = f"{counts[SURVIVED]} alive, {bad} without a reason, {broken} broke down"
    print(f"{file}.py: {len(judged)} mutants, {counts[KILLED]} killed, {alive}")
    package = subject.package.partition(".")[0]
    compared = {f"the tests that {package} brings": path.parent / subject.files[file]}
    if subject.fixtures:
        compared["tests with the fixtures"] = subject.fixtures
    for whose, tests in compared.items():
        ended = fates(partial(run_tests, subject, file, tests), jobs, workers)
        passed = ended.pop(0) == SURVIVED
        count = f"kill {Counter(ended.values())[KILLED]} of {len(ended)}"
        print(f"{file}.py: {whose} {count if passed else 'do not pass here without any fault'}", flush=True)
    return bad + broken + len(stale)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all mutants; return 0 when none survives without a reason."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation.discrimination", description=str(__doc__))
    parser.add_argument("implementation", nargs="?", choices=list(SUBJECTS), default="dirac", help="which package")
    parser.add_argument("files", nargs="*", help="which of its files, without .py (default: all)")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(arguments)
    implementation, subject = IMPLEMENTATIONS[options.implementation].load(), SUBJECTS[options.implementation]
    asked = [clause for clause in CLAUSES if clause.level != LOSSLESS]
    everything = Court(asked, scenarios(), subject.profile)
    broken = set(everything.breaches(InProcessDriver(implementation)))
    court = replace(everything, clauses=[clause for clause in asked if clause.id not in broken])
    print(
        f"{len(court.sample)} scenarios, {len(court.clauses)} clauses, {implementation.name} {implementation.version}"
    )
    if broken:
        print(f"It breaks {', '.join(sorted(broken))} itself, which therefore do not judge")
    files = options.files or subject.files
    return 1 if sum(examine(implementation, subject, file, court, options.workers) for file in files) else 0


if __name__ == "__main__":
    sys.exit(main())
