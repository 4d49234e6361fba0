"""``python -m tests.mutation [FILE ...]``: their tests must notice every single fault of the files, or it is explained.

``equivalent.toml`` explains the faults that no test can notice: file, function, the line, the line with the fault, and
the reason. An entry that fits no surviving mutant of its file is itself an error. Without files, all modules are run.
"""

from __future__ import annotations

import argparse
import sys
import time
import tomllib
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tests.mutation.operators import Mutant
from tests.mutation.runner import SOURCES, Fate, MutationError, quiet_hypothesis, run, target

if TYPE_CHECKING:
    from collections.abc import Sequence

EQUIVALENTS = Path(__file__).with_name("equivalent.toml")
Key = tuple[str, str, str, str]


def equivalents(path: Path) -> dict[Key, str]:
    """Read the explained mutants: a reason for each."""
    entries = tomllib.loads(path.read_text())["equivalent"] if path.exists() else []
    return {(entry["file"], entry["function"], entry["line"], entry["mutant"]): entry["reason"] for entry in entries}


def key(name: str, mutant: Mutant) -> Key:
    """Say which mutant this is, whatever the line number."""
    return (name, mutant.function, *mutant.change())


def main(arguments: Sequence[str] | None = None, root: Path | None = None, explained: Path = EQUIVALENTS) -> int:
    """Run the mutants of the files named; return 0 when each was killed or is explained."""
    root = root or Path(__file__).parents[2]
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", help="modules, by path or, when installed, by dotted name (default: all)")
    parser.add_argument("--tests", action="append", default=[], help="run these tests instead of the module's own")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(arguments)
    everything = [str(path.relative_to(root)) for source in SOURCES for path in sorted((root / source).rglob("*.py"))]
    quiet_hypothesis()
    reasons = equivalents(explained)
    unused = dict(reasons)
    total: Counter[Fate] = Counter()
    bad = 0
    for name in options.files or everything:
        start, fates, survivors = time.monotonic(), Counter[Fate](), list[Mutant]()
        try:
            explains = partial(_explains, reasons, name)
            for mutant, fate in run(target(name, root, options.tests), explains, options.workers):
                fates[fate] += 1
                if fate is Fate.SURVIVED:
                    unused.pop(key(name, mutant), None)
                    survivors.extend([] if explains(mutant) else [mutant])
                if sys.stdout.isatty():
                    print(f"\r{name}: {_counts(fates)}", end="\033[K", flush=True)
        except MutationError as error:
            bad += 1
            print(f"{name}: {error}")
            continue
        total += fates
        bad += len(survivors)
        start_of_line = "\r" if sys.stdout.isatty() else ""
        print(f"{start_of_line}{name}: {_counts(fates)} in {time.monotonic() - start:.1f} s", flush=True)
        for mutant in sorted(survivors, key=lambda survivor: survivor.line):
            print(f"\n{name}:{mutant.line} {mutant.function}\n{mutant.diff()}")
    stale = [entry for entry in unused if not options.files or entry[0] in options.files]
    for entry in stale:
        print(f"{explained.name}: no surviving mutant is {entry}")
    used = len(reasons) - len(unused)
    print(f"mutants: {_counts(total)}; explained: {used}; to be dealt with: {bad + len(stale)}")
    return 1 if bad or stale else 0


def _explains(reasons: dict[Key, str], name: str, mutant: Mutant) -> bool:
    return key(name, mutant) in reasons


def _counts(fates: Counter[Fate]) -> str:
    return ", ".join(f"{fates[fate]} {fate.value}" for fate in Fate if fate is not Fate.INVALID)


if __name__ == "__main__":
    sys.exit(main())
