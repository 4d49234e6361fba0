"""Writes ``docs/matrix.json`` and ``docs/matrix.md``: the verdict on each clause for each implementation.

``python docs/matrix_page.py [NAME=RESULTS ...]`` takes the files that ``verify --output`` has written, each with the
name of its column; columns that are not named stay as they are. ``nox -s matrix`` runs all of them. A test compares the
page with the data, and the digest in the data with that of the specification.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from dirac_failover.conformance.results import BROKEN, HELD, NOT_ASKED, Results, load
from dirac_failover.drivers.implementations import IMPLEMENTATIONS
from dirac_failover.spec.clauses import CLAUSES, CONTRACT, DIRAC, LEVELS, LOSSLESS
from dirac_failover.spec.facts import Facts
from dirac_failover.spec.model.module import expected
from dirac_failover.spec.profiles import PROFILES
from dirac_failover.spec.space import scenarios

PAGE: Final = Path(__file__).with_name("matrix.md")
DATA: Final = PAGE.with_suffix(".json")
SAMPLE: Final = 499
"""Of so many scenarios one takes part in the digest with all that the specification says about it."""

TITLES: Final = {"reference": "reference", "lossless": "lossless", "dirac": "DIRAC", "dirac-9.0": "DIRAC"} | {
    name: known.package for name, known in IMPLEMENTATIONS.items() if name not in {"reference", "dirac"}
}
"""The columns by name, in their order, with the name of the package."""

HEAD: Final = """# Which implementation keeps which rule

*Made from `docs/matrix.json` by `python docs/matrix_page.py`; `nox -s matrix` makes the results again.*

{ports} implementations were asked about all {clauses} clauses of [the contract](contract.md) in all {scenarios:,}
[scenarios](space.md). A ✓ says that the clause is kept in every scenario that asks about it, and leads to the clause,
where a job's end that keeps it is drawn. A ✗ says that it is broken, with the number of scenarios that break it, and
leads to [the nearest of them](#the-scenarios).

"""
LEVEL: Final = {
    CONTRACT: ("Contract", "The duties of a module to its workflow."),
    DIRAC: (
        "As its profile says",
        "The behaviour of the implementation's own [profile](ports.md#what-differs-between-real-implementations).",
    ),
    LOSSLESS: ("Nothing is lost", "Rules that DIRAC itself breaks: nothing is lost, and no loss is called a success."),
}
TAIL: Final = """
The reference does what DIRAC 9.1 does, losses included: so their columns are equal. `lossless` is
[the same module without the hazards](reference/api/modules.md); its profile is that of DIRAC 9.1, from which it
differs in order to lose nothing. Clauses that LHCbDIRAC and ILCDIRAC break in the first
level are their own design, or a loss; [ports](ports.md#what-differs-between-real-implementations) says how they differ.

## The scenarios

Of each clause that is broken, the scenario with the fewest changes from a job that ends well, and how many of the
scenarios that ask break the clause. Where DIRAC, or the extension, is installed, this command shows one of them:

```sh
dirac-failover run --scenario 'SCENARIO' --implementation dirac
```

LHCbDIRAC and ILCDIRAC need one more value of the workflow, which this command adds. It finds a scenario again, and
prints the command that shows it:

```sh
dirac-failover verify lhcbdirac --profile lhcbdirac-12.0 --clause LL-003 --fail-fast
```

"""


def digest() -> str:
    """Return the digest of the specification's meaning: SHA-256 of its clauses, scenarios, profiles and expectations.

    Comments, the order of code, and reasons that are only prose are no part of it. Of one in :data:`SAMPLE` scenarios
    it has the clauses that are asked, and the observation that each profile expects if all collaborators are scripted.
    """
    found = hashlib.sha256()

    def add(value: Any) -> None:
        found.update(json.dumps(value, sort_keys=True, default=repr).encode() + b"\n")

    add([[clause.id, clause.level, clause.text] for clause in CLAUSES])
    for number, scenario in enumerate(scenarios()):
        add(scenario.name)
        if number % SAMPLE == 0:
            add([clause.id for clause in CLAUSES if clause.asked(scenario)])
            if Facts(scenario).scripted:
                model = [expected(scenario, profile) for profile in PROFILES.values()]
                add([[*item._replace(steps=()), *(call.step for call in item.steps)] for item in model])
    return found.hexdigest()


def column(results: Results) -> dict[str, Any]:
    """Return what is kept of one file of results; raises SystemExit unless all clauses were asked in all scenarios."""
    header = results.header
    asked = {clause.id: clause.text for clause in results.clauses}
    if results.error or header.shard != "1/1" or header.extent or asked != {item.id: item.text for item in CLAUSES}:
        raise SystemExit(f"{header.port.target}: expected the whole space and every clause of this specification")
    clauses = {
        clause.id: [
            clause.verdict, clause.asked, clause.broken, clause.minimal.name if clause.minimal else "",
        ]
        for clause in results.clauses
    }  # fmt: skip
    return {
        "version": header.port.version,
        "profile": header.profile,
        "scenarios": results.scenarios,
        "clauses": clauses,
    }


def renew(given: dict[str, str]) -> None:
    """Put files of results into the data, by the names of their columns."""
    data = json.loads(DATA.read_text(encoding="utf-8")) if DATA.exists() else {}
    specification = digest()
    kept = data.get("columns", {}) if data.get("specification") == specification else {}
    new = {name: column(load(path)) for name, path in given.items()}
    columns = {name: (kept | new)[name] for name in TITLES if name in kept | new}
    rows = json.dumps({"specification": specification, "columns": columns}, indent=1, ensure_ascii=False)
    one_line_a_clause = re.sub(r"\[[^\[\]]+\]", lambda row: " ".join(row[0].split()), rows)
    DATA.write_text(one_line_a_clause + "\n", encoding="utf-8")


def page() -> str:
    """Return the whole page."""
    columns = json.loads(DATA.read_text(encoding="utf-8"))["columns"]
    titles = {name: f"{TITLES[name]} {found['version']}" for name, found in columns.items()}
    most = max(found["scenarios"] for found in columns.values())
    lines = [HEAD.format(ports=len(columns), clauses=len(CLAUSES), scenarios=most)]
    for level in LEVELS:
        lines += [f"## {LEVEL[level][0]}\n\n{LEVEL[level][1]}\n\n| clause | {' | '.join(titles.values())} |\n"]
        lines += [f"|---|{'---|' * len(columns)}\n"]
        for clause in CLAUSES:
            if clause.level == level:
                cells = [_cell(clause.id, found["clauses"][clause.id]) for found in columns.values()]
                lines.append(f"| [{clause.heading}](contract.md#{clause.id.lower()}) | {' | '.join(cells)} |\n")
        lines.append("\n")
    lines[-1:] = [TAIL, "| clause | implementation | broken | nearest scenario |\n|---|---|---|---|\n"]
    for clause in CLAUSES:
        broken = [
            (scenario, count, asked, titles[name])
            for name, found in columns.items()
            for verdict, asked, count, scenario in [found["clauses"][clause.id]]
            if verdict == BROKEN
        ]
        anchor = f'<a id="broken-{clause.id.lower()}"></a>'
        for (scenario, count, asked), alike in groupby(sorted(broken, key=lambda row: row[:3]), lambda row: row[:3]):
            names = ", ".join(row[3] for row in alike)
            lines.append(f"| {anchor}{clause.id} | {names} | {count:,} of {asked:,} | `{scenario}` |\n")
            anchor = ""
    return "".join(lines)


def _cell(name: str, found: tuple[str, int, int, str]) -> str:
    verdict, _, broken, _ = found
    if verdict == BROKEN:
        return f'<a href="#broken-{name.lower()}">✗ {broken:,}</a>'
    return {HELD: f"[✓](contract.md#{name.lower()})", NOT_ASKED: "not asked"}.get(verdict, verdict)


if __name__ == "__main__":
    renew(dict(argument.split("=", 1) for argument in sys.argv[1:]))
    PAGE.write_text(page(), encoding="utf-8")
