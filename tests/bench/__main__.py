"""``python -m tests.bench [--json]``: time of the reference beside the real DIRAC, and its growth with the work.

``measures()`` and ``growths()`` are the tables: add a row to measure more. A measure does the same work with both
implementations; a growth does ten times the work, and must not take much more than ten times as long. Everything is
processor time. The two sides of a row take turns; the least of their times counts, and the range is shown. Without
DIRAC its columns stay empty: ``nox -s bench`` installs it. The exit code is 1 when something does not grow linearly.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from dirac_failover import FailoverRequest, vocabulary
from dirac_failover.clients.replay import replay
from dirac_failover.drivers.implementations import IMPLEMENTATIONS, Implementation
from dirac_failover.drivers.in_process import InProcessDriver
from dirac_failover.errors import ImplementationUnavailableError
from dirac_failover.spec.space import scenarios
from dirac_failover.testing import Dirac, run_module
from tests.bench import plugin

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ROUNDS: Final = 5
PATIENCE: Final = 30.0
"""Seconds after which a row is not repeated."""
TENFOLD: Final = 20
"""Ten times the work may take so many times as long: linear work takes 10, quadratic work 100."""
EVERY: Final = 101
"""One scenario of the space in so many is run."""
LOAD: Final = """
import time
start = time.process_time()
from dirac_failover.drivers.implementations import IMPLEMENTATIONS
IMPLEMENTATIONS[{!r}].load()
print(time.process_time() - start)
"""


class Row(NamedTuple):
    """A row of a table, and how to take its time in seconds; ``take`` gets an implementation, or a size."""

    name: str
    take: Callable[[Any], float]
    size: int = 0


def timed(work: Callable[[], Any]) -> float:
    """Return the processor time that ``work`` takes, in seconds."""
    start = time.process_time()
    work()
    return time.process_time() - start


# Beside DIRAC


def loading_classes(implementation: Implementation) -> float:
    """Import all classes that a run needs, in a fresh interpreter."""
    command = [sys.executable, "-c", LOAD.format(implementation.name)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def going_through(implementation: Implementation) -> float:
    """Arrange, execute and observe a scenario: the mean over scenarios from all over the space."""
    work = list(islice(scenarios(), 0, None, EVERY))
    with InProcessDriver(implementation).session() as driver:
        return timed(lambda: [driver.run(scenario) for scenario in work]) / len(work)


def executing(implementation: Implementation) -> float:
    """Execute the module in these scenarios: only the time inside ``execute`` counts."""
    spent: list[float] = []

    class Timed(implementation.FailoverRequest):  # type: ignore[misc, name-defined]
        def execute(self) -> Any:
            start = time.process_time()
            try:
                return super().execute()
            finally:
                spent.append(time.process_time() - start)

    with InProcessDriver(implementation, Timed).session() as driver:
        for scenario in islice(scenarios(), 0, None, EVERY):
            driver.run(scenario)
    return sum(spent) / len(spent)


def statuses(count: int) -> dict[str, str]:
    """Return a file report of ``count`` files."""
    return {f"/lhcb/data/2026/RAW/{i:08}.raw": "Processed" for i in range(count)}


def coding(count: int, implementation: Implementation) -> float:
    """Encode ``count`` statuses and decode them."""
    codec, value = implementation.DEncode, statuses(count)
    return timed(lambda: codec.decode(codec.encode(value)))


def request(implementation: Implementation, files: int) -> Any:
    """Return a request whose one operation has so many files."""
    made, operation = implementation.Request(), implementation.Operation()
    made.RequestName, operation.Type = "bench", vocabulary.SET_FILE_STATUS
    for lfn in statuses(files):
        file = implementation.File()
        file.LFN = lfn
        operation.addFile(file)
    made.addOperation(operation)
    return made


def of_request(step: str, files: int, implementation: Implementation) -> float:
    """Build a request of so many files, write it as JSON, or load it."""
    with implementation.connect(lambda *_, **__: {"OK": True, "Value": None}, owner="someone", group="vo_user"):
        if step == "build":
            return timed(lambda: request(implementation, files))
        made = request(implementation, files)
        if step == "write":
            return timed(lambda: made.toJSON()["Value"])
        text = made.toJSON()["Value"]
        return timed(lambda: implementation.Request(text))


def measures(scale: float = 1.0) -> list[Row]:
    """Return what is measured beside DIRAC; ``scale`` makes the data smaller, to try it out."""
    lfns = int(100_000 * scale)
    return [
        Row("load all classes", loading_classes),
        Row("execute the module", executing),
        Row("go through a scenario", going_through),
        Row(f"encode and decode {lfns:,} statuses", partial(coding, lfns)),
        *(
            Row(f"{step} a request of {files:,} files", partial(of_request, step, files))
            for step in ("build", "write", "load")
            for files in (int(1_000 * scale), int(10_000 * scale))
        ),
    ]


# With ten times the work


def operations(step: str, count: int) -> float:
    """Build, load or replay one request of ``count`` operations."""
    reference = IMPLEMENTATIONS["reference"].load()
    stub = ((vocabulary.JOB_STATE, {}), "setJobStatus", (77, "Running", "x", "y"))
    arguments = reference.DEncode.encode(stub)

    def build() -> Any:
        made = reference.Request()
        made.RequestName = "bench"
        for _ in range(count):
            operation = reference.Operation()
            operation.Type, operation.Arguments = vocabulary.FORWARD_DISET, arguments
            made.addOperation(operation)
        return made

    with reference.connect(lambda *_, **__: {"OK": True, "Value": None}, owner="someone", group="vo_user"):
        if step == "build":
            return timed(build)
        text = build().toJSON()["Value"]
        if step == "load":
            return timed(lambda: reference.Request(text))
        loaded = reference.Request(text)
        return timed(lambda: replay(loaded))


def jobs(count: int) -> float:
    """Run a module at the end of ``count`` jobs in one world."""
    world = Dirac()

    def work() -> None:
        for number in range(count):
            run_module(FailoverRequest, world=world, jobID=1000 + number, inputs=[f"/vo/{number}"])

    return timed(work)


def requests_due(count: int) -> float:
    """Put ``count`` requests, then take one after the other until none is due."""
    world = Dirac()
    operation = {"Type": "ForwardDISET", "Arguments": "d0:e", "Files": []}
    due = {"NotBefore": "2020-01-01 00:00:00", "Operations": [operation]}

    def work() -> None:
        for number in range(count):
            text = json.dumps(due | {"RequestName": f"bench-{number}"})
            assert world(vocabulary.REQ_MANAGER, "putRequest", (text,))["OK"]
        for _ in range(count):
            assert world(vocabulary.REQ_MANAGER, "getRequest", ())["Value"]

    return timed(work)


def updates(count: int) -> float:
    """Update the status of one job ``count`` times."""
    world = Dirac()
    return timed(
        lambda: [
            world(vocabulary.JOB_STATE, "setJobStatus", (77, "Running", f"minor {number}", "bench"))
            for number in range(count)
        ]
    )


def growths(scale: float = 1.0) -> list[Row]:
    """Return what must grow linearly, up to what size."""
    size = int(10_000 * scale)
    return [
        *(
            Row(f"{step} a request of operations", partial(operations, step), size)
            for step in ("build", "load", "replay")
        ),
        Row("jobs in one world", jobs, size),
        Row("requests due", requests_due, size),
        Row("updates of one job", updates, int(3_000 * scale)),
    ]


# Taking turns


def take_turns(row: Row, sides: Sequence[Any]) -> list[list[float]]:
    """Return the times of each side of a row, in seconds: they take turns, so that a busy moment hits all of them."""
    times: list[list[float]] = [[] for _ in sides]
    start = time.monotonic()
    while not times[-1] or (len(times[-1]) < ROUNDS and time.monotonic() - start < PATIENCE):
        for side, found in zip(sides, times, strict=True):
            found.append(row.take(side))
    print(".", end="", file=sys.stderr, flush=True)
    return times


def take(row: Row, sides: Mapping[str, Any]) -> dict[str, Any]:
    """Take a row; ``ratio`` says how many times as long the last side takes as the first, None if it is alone."""
    times = take_turns(row, list(sides.values()))
    ratio = min(times[-1]) / min(times[0]) if len(times) > 1 else None
    return {"measure": row.name, **dict(zip(sides, times, strict=True)), "ratio": ratio}


def take_growth(row: Row) -> dict[str, Any]:
    """Take a row with a tenth of the work and with all of it, and say whether the time grows linearly."""
    taken = take(row, {"tenth": row.size // 10, "whole": row.size})
    growth = "linear" if taken["ratio"] <= TENFOLD else "not linear"
    return {**taken, "measure": f"{row.size:,} {row.name}", "growth": growth}


def render(table: Sequence[dict[str, Any]], *names: str) -> str:
    """Lay a table out in columns; of times the least and the largest are shown, in milliseconds."""
    lines = [["measure", *names], *([row["measure"], *(shown(row.get(name)) for name in names)] for row in table)]
    return "\n".join(f"{line[0]:<45}" + "".join(f"{text:>24}" for text in line[1:]) for line in lines)


def shown(value: Any) -> str:
    """Return what stands in a cell."""
    if isinstance(value, list):
        return f"{min(value) * 1000:,.2f} - {max(value) * 1000:,.2f}"
    return f"{value:,.1f}" if isinstance(value, float) else str(value or "-")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; return 1 when something does not grow linearly."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print the tables as JSON, with the versions")
    options = parser.parse_args(arguments)
    sides = {}
    for name in ("reference", "dirac"):
        try:
            sides[name] = IMPLEMENTATIONS[name].load()
        except ImplementationUnavailableError as error:
            print(f"{name}: {error}", file=sys.stderr)
    tables = {
        "measures": [take(row, sides) for row in measures()],
        "growth": [take_growth(row) for row in growths()],
        "pytest": plugin.costs(),
    }
    print(file=sys.stderr)
    versions = {"python": sys.version.split()[0], **{name: side.version for name, side in sides.items()}}
    if options.json:
        print(json.dumps({"versions": versions, "rounds": ROUNDS, **tables}, indent=2))
    else:
        print(", ".join(f"{name} {version}" for name, version in versions.items()) + "; milliseconds of the processor")
        print(render(tables["measures"], "reference", "dirac", "ratio"))
        print(render(tables["growth"], "tenth", "whole", "ratio", "growth"))
        print(render(tables["pytest"], "without", "with", "adds", "target"))
    return int(any(row["ratio"] > TENFOLD for row in tables["growth"]))


if __name__ == "__main__":
    sys.exit(main())
