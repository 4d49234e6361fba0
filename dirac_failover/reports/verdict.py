"""Shows the results of ``verify`` as text: the verdict, the causes of breaches, and all clauses."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Final, cast

from dirac_failover.conformance.results import (
    BROKEN,
    HELD,
    NOT_ASKED,
    UNCHECKED,
    VERDICTS,
    ClauseResult,
    Minimal,
    Results,
)  # fmt: skip
from dirac_failover.conformance.verification import (
    PROFILE,
    STOPPED,
    decides,
)
from dirac_failover.drivers.describe import count
from dirac_failover.drivers.resolve import Target
from dirac_failover.reports.causes import causes
from dirac_failover.reports.differences import narrowed, shown, side_by_side
from dirac_failover.reports.terminal import Line, Style, section
from dirac_failover.reports.timeline import table
from dirac_failover.spec import space
from dirac_failover.spec.clauses import CONTRACT, DIRAC, LEVELS, LOSSLESS
from dirac_failover.spec.profiles import PROFILES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


_TITLES: Final = {
    CONTRACT: "contract: what a module promises",
    DIRAC: "dirac: what {profile} does beyond that",
    LOSSLESS: "lossless: nothing is dropped, and no loss is called a success",
}


def report(results: Results, levels: Sequence[str], problems: Sequence[str], seconds: float, style: Style) -> str:
    """Return the results for people, each line ended by a newline: the verdict, the breaches, and then all clauses."""
    parts = [section(style, "Verdict", _verdict(results, levels, problems, seconds, style))]
    target, profile = Target.parse(results.header.port.target), results.header.profile
    found = causes(clause for clause in results.clauses if decides(clause, levels) and clause.minimal)
    parts += [cause_of(group, target, profile, style) for group in found]
    for level in () if results.header.extent.endswith(STOPPED) else LEVELS:  # one scenario proves little
        clauses = [clause for clause in results.clauses if clause.level == level]
        if clauses:
            title = _TITLES[level].format(profile=results.header.profile)
            parts.append(section(style, title, _rows(clauses, levels, style)))
    return "\n".join(parts)


def _verdict(
    results: Results, levels: Sequence[str], problems: Sequence[str], seconds: float, style: Style
) -> Iterator[Line]:
    sign, colour, said = _sentence(results, levels, problems)
    text = f"{style.sign(sign)} {said}"
    yield Line(1, text, colour, len(text), hang=2)
    yield from (Line(2, f"- {problem}", hang=2) for problem in problems)
    header = results.header
    clients = f", with the clients of {header.port.implementation}" if header.port.implementation else ""
    shard = "" if header.shard == "1/1" else f", shard {header.shard}"
    extent = f" ({header.extent})" if header.extent else ""
    rate = results.scenarios / max(seconds, 1e-9)
    facts = {
        "port": f"{header.port.target}{clients}",
        "shape": results.shape,
        "profile": header.profile,
        "regions": f"{', '.join(header.regions)}{shard}",
        "scenarios": f"{results.scenarios:,}{extent} in {seconds:.0f} s, {rate:,.0f} a second",
    }
    for level in LEVELS:
        clauses = [clause for clause in results.clauses if clause.level == level]
        aside = "" if level in levels else f" (does not decide; --level {level} shows a scenario for each)"
        facts[level] = f"{tally(clauses)}{aside}" if clauses else ""
    if results.nearest:
        alike = ", ".join(f"{match.profile} {match.alike:,}" for match in results.nearest)
        facts["nearest"] = f"{alike}: alike in so many of {results.nearest[0].scenarios:,} scenarios"
    if results.nearer:
        facts["fits"] = f"{results.nearer} better than {header.profile}: --profile {results.nearer} judges by it"
    yield from table(facts)


def _sentence(results: Results, levels: Sequence[str], problems: Sequence[str]) -> tuple[str, str, str]:
    """Return the sign, the colour and the text of the one line that is the verdict."""
    name = results.header.port.label
    if not results.asked:
        return "arrow", "bold", f"{name} is not judged: no scenario that was run is about these clauses"
    deciding = [clause for clause in results.clauses if decides(clause, levels)]
    broken = sum(clause.verdict == BROKEN for clause in deciding)
    unchecked = [clause.id for clause in deciding if clause.verdict == UNCHECKED]
    asked = sum(clause.level in levels and clause.id not in results.unsuited for clause in results.clauses)
    said = f"{name} {results.verdict}" + (f": it breaks {broken} of {count(asked, 'clause')}" if broken else "")
    if unchecked:
        said += f"{' and' if broken else ':'} it cannot be asked about {', '.join(unchecked)} (unchecked)"
    if problems:
        return "failed", "red", f"{said}, and the baseline no longer applies"
    return ("failed", "red", said) if deciding else ("well", "green", said)


def _rows(clauses: Sequence[ClauseResult], levels: Sequence[str], style: Style) -> Iterator[Line]:
    width = max(len(_count(clause)) for clause in clauses)
    for clause in clauses:
        sign, colour = ("failed", "red") if decides(clause, levels) else _SIGNS.get(clause.verdict, ("", "cyan"))
        head = f"{style.sign(sign) if sign else '-'} {clause.id}  {clause.verdict:9}  {_count(clause):>{width}}"
        known = f" ({clause.baseline.kind}: {clause.baseline.reason})" if clause.baseline else ""
        yield Line(1, f"{head}  {clause.text}{known}", colour, len(head), hang=len(head) + 2)


_SIGNS: Final[dict[str, tuple[str, str]]] = {HELD: ("well", "green"), NOT_ASKED: ("", "dim")}


def _count(clause: ClauseResult) -> str:
    if clause.verdict == BROKEN:
        return f"{clause.broken:,} of {clause.asked:,}"
    if clause.verdict == UNCHECKED:
        return f"{clause.unchecked:,} of {clause.asked + clause.unchecked:,}"
    return f"{clause.asked:,}" if clause.asked else ""


def cause_of(group: Sequence[ClauseResult], target: Target, profile: str, style: Style) -> str:
    """Return the cause of a group of breaches as text: the first of them, the calls, and the others in a line each."""
    clause, *others = group
    minimal = cast("Minimal", clause.minimal)  # a clause in a group has one
    place, expected, observed = shown(narrowed(minimal.expected, minimal.observed))
    facts = {
        "clause": clause.text,
        "scenario": f"{minimal.name} (broken in {clause.broken:,} of {clause.asked:,})",
        "where": place,
        "expected": expected,
        "observed": observed,
    }
    rows = [*table(facts), *side_by_side(minimal, style)]
    if others:
        rows += [Line(1, "breaks with it", "dim", 14)]
        lines = (f"{item.id}  {item.text}" for item in others)
        rows += [Line(2, style.cut(line, 4), "cyan", 6) for line in lines]
    title = f"{clause.id} is broken" + (f", and {count(len(others), 'clause')} with it" if others else "")
    verify_again = ["dirac-failover", "verify", *target.words, "--clause", clause.id, "--fail-fast"]
    commands = [
        run_command(minimal, target, profile),
        shlex.join(verify_again + ([] if profile == PROFILE else ["--profile", profile])),
        f"dirac-failover explain {clause.id}",
    ]
    return section(style, title, rows) + "".join(f"  $ {command}\n" for command in commands)


def run_command(minimal: Minimal, target: Target, profile: str = PROFILE) -> str:
    """Return the command that shows a scenario, for a shell."""
    named = minimal.name.partition(":")[0] in {region.name for region in space.REGIONS}
    if named and not PROFILES[profile].commons:  # those of a profile are in no scenario of the space
        return shlex.join([*target.program(), "run", "--scenario", minimal.name, *target.options()])
    scenario = shlex.quote(json.dumps(minimal.scenario))
    return f"printf %s {scenario} | {shlex.join([*target.program(), 'run', '--scenario', '-', *target.options()])}"


def tally(clauses: Iterable[ClauseResult]) -> str:
    """Return how many clauses have each verdict, in words."""
    verdicts = [clause.verdict for clause in clauses]
    return ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in VERDICTS if verdict in verdicts)
