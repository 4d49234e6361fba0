"""``python -m tests.reach``: the space takes every branch of the real DIRAC's files, or a reason is given.

The scenarios are run as ``verify dirac`` runs them: on a port of the real DIRAC 9.1, in worker processes, each of them
under coverage.py. Large regions are sampled by a stride, which is a prime, so that each value of each dimension takes
part. ``unreached.txt`` names the branches that no end of a module can take, one by one with
the reason; an entry that is taken after all, or that is no branch, is itself an error.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import coverage

from tests.mutation.operators import explained
from tests.mutation.runner import race
from tests.reach.branches import Branch, branches

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from dirac_failover.spec.scenario import Scenario

SOURCES: Final[dict[str, tuple[str, ...]]] = {
    "Workflow/Modules/FailoverRequest.py": (),
    "Workflow/Modules/ModuleBase.py": (),
    "WorkloadManagementSystem/Client/JobReport.py": (),
    "WorkloadManagementSystem/Client/JobStateUpdateClient.py": (),
    "TransformationSystem/Client/FileReport.py": (),
    "TransformationSystem/Client/TransformationClient.py": tuple(
        f"TransformationClient.{name}"
        for name in (
            "__init__", "setServer", "getTransformationFiles", "setFileStatusForTransformation", "_wasFileInError",
            "_applyTransformationFilesStateMachine",
        )
    ),
    "AccountingSystem/Client/DataStoreClient.py": (),
    "RequestManagementSystem/private/RequestValidator.py": (),
    "RequestManagementSystem/Client/ReqClient.py": tuple(
        f"ReqClient.{name}" for name in ("__init__", "requestProxies", "requestValidator", "putRequest")
    ),
}  # fmt: skip
"""The files that are held, with the functions that count where it is not all of them."""

STRIDES: Final = {"identity": 5, "inputs": 97, "answers": 97, "services": 3}
"""Every how many-th scenario of a region is run; all of them elsewhere."""

UNREACHED: Final = Path(__file__).with_name("unreached.txt")


def scenarios(index: int, count: int) -> Iterator[Scenario]:
    """Yield one worker's share of the space."""
    from dirac_failover.spec import space

    for region in space.REGIONS:
        stride = STRIDES.get(region.name, 1)
        for number, scenario in enumerate(region.scenarios()):
            if number % stride == 0 and number // stride % count == index:
                yield scenario


def work(index: int, count: int, data: str) -> int:
    """Run one worker's share of the space on the real DIRAC, and save what it took, in a process of its own."""
    measured = coverage.Coverage(
        data_file=data, branch=True, config_file=False, include=[str(path) for path in files()]
    )
    measured.start()  # before DIRAC is imported
    from dirac_failover.drivers.implementations import IMPLEMENTATIONS
    from dirac_failover.drivers.in_process import InProcessDriver

    port = InProcessDriver(IMPLEMENTATIONS["dirac"].load())
    with port.session():
        for scenario in scenarios(index, count):
            port.run(scenario)
    measured.stop()
    measured.save()
    return 0


def files() -> list[Path]:
    """Return where the files are, without importing them."""
    found = importlib.util.find_spec("DIRAC")
    if found is None or not found.submodule_search_locations:
        sys.exit("DIRAC is not installed in this environment: 'nox -s reach' sets one up")
    return [Path(found.submodule_search_locations[0], name) for name in SOURCES]


def measure(workers: int) -> dict[str, dict[Branch, bool]]:
    """Return which branches of each file the space takes."""
    with tempfile.TemporaryDirectory(prefix="reach-") as directory:
        each = [str(Path(directory, f"data.{index}")) for index in range(workers)]
        ended = race(enumerate(each), lambda job: work(job[0], workers, job[1]), workers)
        if broken := [index for (index, _), code in ended if code]:
            sys.exit(f"{len(broken)} of {workers} workers broke down, so nothing is known of the branches")
        everything = coverage.Coverage(data_file=str(Path(directory, "all")), branch=True, config_file=False)
        everything.combine(each)
        report = Path(directory, "report.json")
        everything.json_report(outfile=str(report), include=[str(path) for path in files()])
        seen = json.loads(report.read_text())["files"]
    return {
        name: branches(path.read_text(), next(seen[key] for key in seen if key.endswith(name)), functions)
        for (name, functions), path in zip(SOURCES.items(), files(), strict=True)
    }


def judge(reached: Mapping[str, Mapping[Branch, bool]], known: Collection[tuple[str, str, str]]) -> list[str]:
    """Return what is wrong: branches that are neither taken nor listed, and entries that are taken or nothing.

    An entry is file, function and digest, which is empty for a function that is never entered.
    """
    there = {
        (file, branch.function, branch.digest): (taken, branch)
        for file, ways in reached.items()
        for branch, taken in ways.items()
    }
    wrong = [
        f"{key[0]}: not taken: {branch}" for key, (taken, branch) in there.items() if not taken and key not in known
    ]
    for key in sorted(known):
        if key not in there or there[key][0]:
            why = "is taken" if key in there else "is no branch"
            wrong.append(f"{UNREACHED.name}: {' '.join(key).rstrip()} {why}: remove the entry")
    return wrong


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a line for each file and for each error; return 0 when there is none."""
    parser = argparse.ArgumentParser(prog="python -m tests.reach", description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(arguments)
    started = time.monotonic()
    reached, entries = measure(options.workers), explained(UNREACHED)
    for file, ways in reached.items():
        share = sum(ways.values())
        excused = sum(entry[0] == file for entry in entries)
        print(f"{file}: {share} of {len(ways)} branches taken, {excused} listed as out of reach")
    wrong = judge(reached, entries)
    print(*wrong, sep="\n", end="\n" if wrong else "")
    print(f"reach: {'held' if not wrong else f'{len(wrong)} to be dealt with'}, in {time.monotonic() - started:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
