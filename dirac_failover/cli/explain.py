"""``dirac-failover explain``: one clause, what it is for, and the end of a job that is about it.

The job's end is looked for in the space, and is one that the clause speaks of: at the level ``lossless`` one in which
the reference breaks it, if there is any. It is then run and shown as ``run`` shows it.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from itertools import chain
from typing import TYPE_CHECKING, Final

from dirac_failover.actors.run_report import run
from dirac_failover.cli.clauses import as_json
from dirac_failover.cli.exits import CommandError, Exit
from dirac_failover.conformance.baseline import LISTED
from dirac_failover.conformance.checking import VerificationPlan, size_of
from dirac_failover.conformance.target import DEFAULT, Target
from dirac_failover.conformance.verification import verify
from dirac_failover.conformance.workers import cores
from dirac_failover.drivers.implementations import IMPLEMENTATIONS
from dirac_failover.drivers.in_process import InProcessDriver
from dirac_failover.errors import PortBrokenError, no_such
from dirac_failover.reports.causes import causes
from dirac_failover.reports.terminal import add_color, section, terminal_style
from dirac_failover.reports.timeline import render, table
from dirac_failover.reports.verdict import cause_of
from dirac_failover.spec.check_context import CheckContext
from dirac_failover.spec.clauses import CLAUSES, DIRAC, LOSSLESS
from dirac_failover.spec.space import ANSWERS, REGIONS, SERVICES

if TYPE_CHECKING:
    import argparse

    from dirac_failover.spec.clauses import Clause
    from dirac_failover.spec.scenario import Scenario

SCHEMA: Final = "dirac-failover/clause/1"
_NEIGHBOURHOOD: Final = (*((changes, REGIONS) for changes in range(3)), (3, (ANSWERS, SERVICES)))
"""Where is looked, in this order: how many changes away from the good case, and in which regions."""


_NEAR: Final = 3
"""How many changes from the good case a port is asked about: within 3, every known bug shows."""
_QUIRKS: Final = {"DI-010": "input data=ends in L"}
"""What must be in the name of a scenario, since the outcome does not tell where a quirk came from."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("clause", metavar="CLAUSE", help="the ID of a clause: 'dirac-failover clauses' lists them")
    parser.add_argument("--module", metavar="PORT", help="a module, or any port, that is asked about this clause alone")
    parser.add_argument("--json", action="store_true", help="print it for machines, with the report of the run")
    add_color(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Run the command; return its exit code."""
    clause = find(arguments.clause)
    if arguments.module:
        return _of_port(clause, Target(arguments.module), arguments)
    found = example(clause)
    report = run(IMPLEMENTATIONS[DEFAULT].load(), found[0]) if found else None
    if arguments.json:
        data = {"schema": SCHEMA, **as_json(clause), "example": report}
        sys.stdout.write(json.dumps(data, indent=2) + "\n")
        return Exit.OK
    style = terminal_style(arguments.color)
    facts = _facts(clause)
    if found:
        how = "the reference, as DIRAC, breaks it" if found[1] else "it is kept"
        facts["shown"] = f"a job's end in which {how}: {found[0].name}"
    sys.stdout.write(section(style, f"{clause.id}, level {clause.level}", table(facts)))
    if report:
        sys.stdout.write(f"\n{render(report, style)}")
    return Exit.OK


def _of_port(clause: Clause, target: Target, arguments: argparse.Namespace) -> int:
    """Ask a port about the clause in the scenarios near the good case; show the first breach; return the exit code."""
    question = VerificationPlan(target, (clause.id,), near=_NEAR, fail_fast=(clause.id,))
    results = verify(question, (clause.level,), workers=cores())
    (result,) = results.clauses
    if results.error is not None:
        raise PortBrokenError(results.error)
    if arguments.json:
        sys.stdout.write(json.dumps({"schema": SCHEMA, **as_json(clause), "result": asdict(result)}, indent=2) + "\n")
    else:
        style = terminal_style(arguments.color)
        sign, how = ("failed", "breaks it") if result.broken else ("well", "keeps it")
        if not results.asked:
            sign, how = "arrow", "is not asked about it"
        facts = {
            "verdict": f"{style.sign(sign)} {results.header.port.name} {how}",
            "asked": f"{result.asked:,} scenarios {results.header.extent}",
        }
        sys.stdout.write(section(style, f"{clause.id}, level {clause.level}", table({**facts, **_facts(clause)})))
        for group in causes([result]):
            sys.stdout.write("\n" + cause_of(group, target, question.profile, style))
    return Exit.DIFFERS if result.broken else Exit.OK if results.asked else Exit.NOTHING_RAN


def _facts(clause: Clause) -> dict[str, str]:
    hazard = f"hazard {clause.note}: a situation in which DIRAC itself loses something, or reports a loss as a success"
    notes = {"quirk": "a quirk: odd, and yet what DIRAC does", "": ""}
    return {
        "clause": clause.text,
        "why": clause.reason,
        "harm": clause.harm,
        "from": clause.source,
        "note": notes.get(clause.note, hazard),
        "met in": clause.issue,
    }


def find(name: str) -> Clause:
    """Return the clause with this ID; raises CommandError, which names the nearest, when there is none."""
    for clause in CLAUSES:
        if clause.id == name.upper():
            return clause
    raise CommandError(no_such("clause", name, [clause.id for clause in CLAUSES], LISTED))


def example(clause: Clause) -> tuple[Scenario, bool] | None:
    """Return a scenario that the clause is about, and whether the reference breaks it there; None if there is none.

    It is looked for near the good case, a change further at a time. At the level ``lossless`` one that is broken is
    preferred; at ``dirac``, where each clause is about all scenarios, one in which little but its aspect is special.
    """
    wanted = (True, False) if clause.level == LOSSLESS else (False, True)
    port = InProcessDriver(IMPLEMENTATIONS[DEFAULT].load())
    found: dict[bool, list[Scenario]] = {True: [], False: []}
    with port.session():
        if clause.level == DIRAC and (special := _special(clause, port)):
            return special, False
        for changes, regions in _NEIGHBOURHOOD:
            for scenario in chain.from_iterable(region.near(changes) for region in regions):
                if clause.asked(scenario):
                    found[bool(clause.judge(CheckContext(scenario, port.run(scenario))))].append(scenario)
            if found[wanted[0]]:
                break
    for breaks in wanted:
        if found[breaks]:
            return min(found[breaks], key=size_of), breaks
    return None


def _special(clause: Clause, port: InProcessDriver) -> Scenario | None:
    """Return the scenario in which the good case's outcome would break this clause, and as few others as can be."""
    neighbours = [other for other in CLAUSES if other.level == DIRAC]
    found = []
    for region in REGIONS:
        good = port.run(next(region.near(0)))
        for scenario in region.near(1):
            case = CheckContext(scenario, good)
            told = _QUIRKS.get(clause.id, "") in scenario.name and clause.asked(scenario)
            if told and clause.judge(case):
                found.append((sum(bool(other.judge(case)) for other in neighbours), size_of(scenario), scenario))
    return min(found)[-1] if found else None
