"""``python -m tests.bench [--json]``: time and scale of the reference, side by side with the real DIRAC.

``MEASURES`` is the table: add a row to measure more. Each measure takes a kit and returns seconds, or a rate a second;
the median of several runs is shown. Where DIRAC is not installed, its columns stay empty: ``nox -s bench`` installs it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from functools import partial
from itertools import islice
from statistics import median
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from dirac_failover.drivers.implementations import IMPLEMENTATIONS, Implementation
from dirac_failover.drivers.in_process import InProcessDriver
from dirac_failover.errors import ImplementationUnavailableError
from dirac_failover.spec.space import scenarios
from tests.bench import plugin

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dirac_failover.spec.scenario import Scenario

RUNS: Final = 5
PATIENCE: Final = 10.0
"""Seconds after which a measure is not repeated."""

EVERY: Final = 101
"""Of how many scenarios of the space one is taken."""

LFNS: Final = 100_000
FILES: Final = (1_000, 3_000, 10_000)


class Measure(NamedTuple):
    """One row: its name, its unit (``ms``: less is better; ``/s``: more is better), and how to take it."""

    name: str
    unit: str
    take: Callable[[Implementation], float]


def import_time(kit: Implementation) -> float:
    """Seconds that a fresh interpreter takes to import the module, without the start of the interpreter."""
    home = (
        f"import time; a = time.perf_counter(); import {kit.FailoverRequest.__module__}; print(time.perf_counter() - a)"
    )
    return float(subprocess.run([sys.executable, "-c", home], capture_output=True, text=True, check=True).stdout)


def chosen() -> list[Scenario]:
    """Scenarios from all over the space."""
    return list(islice(scenarios(), 0, None, EVERY))


def scenario_rate(kit: Implementation) -> float:
    """Situations that the module goes through in one second, laying out and observing included."""
    work = chosen()
    with InProcessDriver(kit).session() as port:
        return len(work) / timed(lambda: [port.run(scenario) for scenario in work])


def execution_rate(kit: Implementation) -> float:
    """Executions of the module in one second, in these situations: only what happens inside ``execute`` counts."""
    spent: list[float] = []

    class Timed(kit.FailoverRequest):  # type: ignore[misc]
        def execute(self) -> Any:
            start = time.perf_counter()
            try:
                return super().execute()
            finally:
                spent.append(time.perf_counter() - start)

    with InProcessDriver(kit, Timed).session() as port:
        for scenario in chosen():
            port.run(scenario)
    return len(spent) / sum(spent)


def statuses(count: int) -> dict[str, str]:
    """A file report of ``count`` files."""
    return {f"/lhcb/data/2026/RAW/{i:08}.raw": "Processed" for i in range(count)}


def encoding(count: int, kit: Implementation) -> float:
    """Seconds to encode ``count`` statuses."""
    value = statuses(count)
    return timed(lambda: kit.DEncode.encode(value))


def decoding(count: int, kit: Implementation) -> float:
    """Seconds to decode ``count`` statuses."""
    text = kit.DEncode.encode(statuses(count))
    return timed(lambda: kit.DEncode.decode(text))


def request(count: int, kit: Implementation) -> Any:
    """A request whose one operation has ``count`` files."""
    with kit.connect(lambda *_, **__: {"OK": True, "Value": None}, owner="someone", group="vo_user"):
        made = kit.Request()
        made.RequestName = "bench"
        operation = kit.Operation()
        operation.Type = "SetFileStatus"
        for lfn in statuses(count):
            file = kit.File()
            file.LFN = lfn
            operation.addFile(file)
        made.addOperation(operation)
        return made


def building(count: int, kit: Implementation) -> float:
    """Seconds to build a request of ``count`` files."""
    return timed(lambda: request(count, kit))


def serialising(count: int, kit: Implementation) -> float:
    """Seconds to write a request of ``count`` files as JSON."""
    made = request(count, kit)
    return timed(lambda: made.toJSON()["Value"])


def loading(count: int, kit: Implementation) -> float:
    """Seconds to make a request of ``count`` files from its JSON."""
    text = request(count, kit).toJSON()["Value"]
    return timed(lambda: kit.Request(text))


def timed(work: Callable[[], Any]) -> float:
    """Seconds that ``work`` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measures(scale: float = 1.0) -> list[Measure]:
    """Return the table; ``scale`` makes everything smaller, to try it out."""
    lfns = int(LFNS * scale)
    of_files = {"build": building, "write": serialising, "load": loading}
    return [
        Measure("import the module", "ms", import_time),
        Measure("execute the module", "/s", execution_rate),
        Measure("go through scenarios", "/s", scenario_rate),
        Measure(f"DEncode {lfns:,} statuses", "ms", partial(encoding, lfns)),
        Measure(f"DEncode back {lfns:,} statuses", "ms", partial(decoding, lfns)),
        *(
            Measure(f"{name} a request of {int(count * scale):,} files", "ms", partial(take, int(count * scale)))
            for name, take in of_files.items()
            for count in FILES
        ),
    ]


def several(take: Callable[[], float], runs: int) -> float:
    """Return the median of ``runs`` takes, or of fewer where they last long."""
    found: list[float] = []
    start = time.monotonic()
    while len(found) < runs and (not found or time.monotonic() - start < PATIENCE):
        found.append(take())
    return median(found)


def run(implementations: Sequence[Implementation], rows: Sequence[Measure], runs: int = RUNS) -> list[dict[str, Any]]:
    """Take every measure of every kit; ``ratio`` says how many times better the first is than the last."""
    table = []
    for row in rows:
        values = {kit.name: several(partial(row.take, kit), runs) for kit in implementations}
        first, last = values[implementations[0].name], values[implementations[-1].name]
        ratio = first / last if row.unit == "/s" else last / first
        scale = 1 if row.unit == "/s" else 1000
        shown = {name: value * scale for name, value in values.items()}
        table.append(
            {"measure": row.name, "unit": row.unit, **shown, "ratio": ratio if len(implementations) > 1 else None}
        )
        print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return table


def render(table: Sequence[dict[str, Any]]) -> str:
    """Lay the table out in columns."""
    names = ["measure", "reference", "dirac", "", "ratio"]
    cells = [
        [row["measure"], *(_number(row.get(name)) for name in names[1:3]), row["unit"], _number(row["ratio"])]
        for row in table
    ]
    widths = [max(len(line[i]) for line in [names, *cells]) for i in range(len(names))]
    return "\n".join(
        "  ".join(
            [line[0].ljust(widths[0]), *(text.rjust(width) for text, width in zip(line[1:], widths[1:], strict=True))]
        )
        for line in [names, *cells]
    )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.2f}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print the table as JSON, with the versions")
    options = parser.parse_args(arguments)
    implementations = []
    for name in ("reference", "dirac"):
        try:
            implementations.append(IMPLEMENTATIONS[name].load())
        except ImplementationUnavailableError as error:
            print(f"{name}: {error}", file=sys.stderr)
    table = run(implementations, measures())
    plugs = plugin.costs()
    versions = {"python": sys.version.split()[0], **{kit.name: kit.version for kit in implementations}}
    if options.json:
        print(
            json.dumps(
                {"versions": versions, "runs": RUNS, "measures": table, "pytest": plugin.to_json(plugs)}, indent=2
            )
        )
    else:
        print(", ".join(f"{name} {version}" for name, version in versions.items()))
        print(render(table))
        print(plugin.render(plugs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
