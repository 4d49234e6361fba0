"""Results as JUnit XML: one test case a clause, so that any service for continuous integration shows them.

A breach is a failure; a known one, one of a level that does not decide, and a clause that was not asked are skipped. A
port that broke down is one error and nothing else, since nothing can be said about the clauses.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from dirac_failover.conformance.results import BROKEN, HELD, OPEN, UNCHECKED
from dirac_failover.reports.matrix import KNOWN, NO_VERDICT, state
from dirac_failover.reports.trace import clean, lines

if TYPE_CHECKING:
    from dirac_failover.conformance.results import ClauseResult, Minimal
    from dirac_failover.reports.matrix import Port


def document(port: Port) -> str:
    """Return the results of one port as JUnit XML, in ASCII."""
    results, header = port.results, port.results.header
    suite = ET.Element("testsuite", name=clean(port.label), timestamp=clean(header.date))
    properties = ET.SubElement(suite, "properties")
    facts = {name: getattr(header, name) for name in ("tool", "profile", "python", "platform", "command", "shard")}
    for name, value in {**facts, "shape": header.port.shape}.items():
        ET.SubElement(properties, "property", name=name, value=clean(value))
    if results.nearest:
        ET.SubElement(properties, "property", name="nearest", value=clean(results.nearest[0].profile))
    if results.verdict == BROKEN:
        case = ET.SubElement(suite, "testcase", classname="port", name=clean(port.label))
        ET.SubElement(case, "error", message=clean(results.error or "the port broke down"))
    for clause in results.clauses:
        _case(suite, clause, port)
    for name, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(sum(1 for _ in suite.iter(tag))))
    suites = ET.Element("testsuites", name="dirac-failover")
    suites.append(suite)
    ET.indent(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(suites).decode()}\n'


def _case(suite: ET.Element, clause: ClauseResult, port: Port) -> None:
    found = state(port.results, clause)
    known = clause.baseline if found == KNOWN else None
    case = ET.SubElement(suite, "testcase", classname=clean(clause.level), name=clean(f"{clause.id} {clause.text}"))
    share = f"broken in {clause.broken:,} of {clause.asked:,} scenarios"
    if clause.verdict == UNCHECKED:
        asked = f"{clause.unchecked:,} of the {clause.asked + clause.unchecked:,} scenarios that ask for it"
        share = f"unchecked: the port cannot run {asked}"
    if port.decides(clause):
        failure = ET.SubElement(case, "failure", message=share)
        if clause.minimal:
            failure.text = _minimal(clause.minimal)
    elif found in OPEN:
        ET.SubElement(case, "skipped", message=f"{share}, but its level does not decide")
    elif known:
        ET.SubElement(case, "skipped", message=clean(f"known, {known.kind}: {known.reason} ({share})"))
    elif found == NO_VERDICT:
        ET.SubElement(case, "skipped", message="the port broke down")
    elif found != HELD:
        unsuited = f"not asked of a port of the shape {port.results.header.port.shape}"
        message = unsuited if clause.id in port.results.unsuited else "no scenario was about it"
        ET.SubElement(case, "skipped", message=message)


def _minimal(minimal: Minimal) -> str:
    facts = [
        f"{name.capitalize()}: {json.dumps(getattr(minimal, name))}" for name in ("expected", "observed", "scenario")
    ]
    return "\n".join(["", f"The smallest: {clean(minimal.name)}", *facts, *lines(minimal.steps), ""])
