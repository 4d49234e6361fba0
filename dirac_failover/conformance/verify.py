"""``dirac-failover verify``: holds a port against every clause of the contract, in every scenario of the space.

The judging is :mod:`~dirac_failover.conformance.judgement`'s; here is the command: what is asked, which clauses decide,
what is known already, and how it is shown and written. The text reads the results that ``--json`` prints.
"""

from __future__ import annotations

import json
import os
import platform
import shlex
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, cast

from dirac_failover import __version__
from dirac_failover.conformance.baseline import LISTED, Baseline, today
from dirac_failover.conformance.causes import causes, side_by_side
from dirac_failover.conformance.differential import parse_shard
from dirac_failover.conformance.errors import CommandError, Exit, no_such
from dirac_failover.conformance.judgement import Question, judge
from dirac_failover.conformance.page import Row, Style, add_color, section, shortened, terminal_style
from dirac_failover.conformance.results import (
    BROKEN,
    CONFORMS,
    DIVERGES,
    HELD,
    NOT_ASKED,
    OPEN,
    UNCHECKED,
    VERDICTS,
    ClauseResult,
    Header,
    Minimal,
    PortInfo,
    Results,
    write,
)  # fmt: skip
from dirac_failover.conformance.runner import cores
from dirac_failover.conformance.target import DEFAULT, Target
from dirac_failover.conformance.timeline import table
from dirac_failover.conformance.wording import count
from dirac_failover.spec import space
from dirac_failover.spec.clauses import CLAUSES, CONTRACT, DIRAC, LEVELS, LOSSLESS
from dirac_failover.spec.outcome import ABSENT
from dirac_failover.spec.profiles import DIRAC_9_1, PROFILES

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from dirac_failover.spec.nearest import Match
    from dirac_failover.spec.outcome import Json

PROFILE: Final = DIRAC_9_1.name
DECIDING: Final = (CONTRACT, DIRAC)
"""The levels that decide, unless others are asked for: DIRAC itself does not keep the third."""
ALL: Final = "all"
SECONDS: Final = 60.0
_LONGEST: Final = 1e6  # more than the alarm takes would be no alarm
_SHOWN: Final = 300
_STOPPED: Final = "until the first breach"

_TITLES: Final = {
    CONTRACT: "contract: what a module promises",
    DIRAC: "dirac: what {profile} does beyond that",
    LOSSLESS: "lossless: nothing is dropped, and no loss is called a success",
}
_EPILOG: Final = f"""A clause of the levels {" and ".join(DECIDING)} that is broken makes the port diverge. The level
{LOSSLESS} is shown beside them and does not decide, since DIRAC itself breaks it: --level {LOSSLESS} asks for it.

exit codes:
  0  the port conforms, or all that is broken is in the baseline
  1  the port diverges, or an entry of the baseline matches nothing, has expired, or is no longer needed
  2  interrupted
  3  the port is broken: it cannot be imported, crashes, or hangs; nothing is known of how it conforms
  4  the command line, or a file that it names, cannot be used
  5  nothing ran, or nothing that decides was asked
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    # fmt: off
    parser.epilog = _EPILOG
    parser.add_argument("port", metavar="PORT", nargs="?", default=DEFAULT,
        help="reference, dirac (the real one, of this environment), PACKAGE.MODULE:CLASS, a module that is run with "
        "the clients of what it is derived from, or a chain of commands, or FILE.toml, an adapter "
        "(default: %(default)s)")
    parser.add_argument("--python", metavar="PATH", help="the Python of the environment in which the port is installed")
    which = parser.add_argument_group("what is asked")
    add = which.add_argument
    add("--level", dest="levels", action="append", choices=[*LEVELS, ALL],
        help=f"a level that decides; again for more (default: {' and '.join(DECIDING)})")
    add("--clause", dest="clauses", metavar="ID", action="append",
        help="ask about this clause only, which then decides; again for more")
    add("--region", dest="regions", action="append", choices=[item.name for item in space.REGIONS],
        help="only this part of the space; again for more")
    add("--near", type=int, metavar="N", help="only scenarios within N changes of the good case, for the inner loop")
    add("--shard", default="1/1", metavar="I/N", help="only the I-th of N parts (default: %(default)s)")
    add("--profile", choices=list(PROFILES), default=PROFILE,
        help=f"the implementation whose choices the level {DIRAC} expects (default: %(default)s)")
    known = parser.add_argument_group("known divergences")
    known.add_argument("--baseline", metavar="FILE", help="what is known to diverge: 'dirac-failover schema baseline'")
    known.add_argument("--accept", action="store_true", help="write what diverges into the baseline")
    how = parser.add_argument_group("how it is done")
    add = how.add_argument
    add("--workers", type=int, default=cores(), metavar="N", help="processes (default: %(default)s)")
    add("--fail-fast", action="store_true", help="stop at the first breach of a clause that decides")
    add("--timeout", type=float, default=SECONDS, metavar="SECONDS",
        help="a port that takes longer for one scenario hangs (default: %(default)s)")
    output = parser.add_argument_group("output")
    add = output.add_argument
    add("--output", metavar="FILE", help="write the results for machines: 'dirac-failover schema results'")
    add("--json", action="store_true", help="print the results for machines")
    add_color(output)
    # fmt: on


def execute(arguments: argparse.Namespace) -> int:
    """Run the command; return its exit code."""
    levels, clauses = _chosen(arguments)
    part = _checked(arguments)
    baseline = _baseline(arguments)
    regions = tuple(item.name for item in space.REGIONS if item.name in (arguments.regions or item.name))
    known = {entry.clause for entry in baseline.entries}
    deciding = {clause.id: clause for clause in CLAUSES if clause.level in levels and clause.id not in known}
    question = Question(
        Target(arguments.port, arguments.python),
        clauses,
        regions,
        arguments.timeout,
        arguments.profile,
        arguments.near,
        tuple(deciding) if arguments.fail_fast else (),
    )
    started = time.monotonic()
    results = verify(
        question, levels, workers=arguments.workers, part=part,
        met=lambda name, where: f"{name} is broken in '{where}'" if name in deciding else "",
    )  # fmt: skip
    complete = part == (0, 1) and not arguments.regions and not results.header.extent
    if arguments.accept and results.error is None:
        judged = [clause for clause in results.clauses if clause.level in levels]
        baseline = baseline.accept(judged, complete=complete)
        baseline.save(arguments.baseline)
    results = known_divergences(results, baseline, levels)
    if arguments.output:
        write(arguments.output, results.to_text())
    if arguments.json:
        sys.stdout.write(results.to_text())
    if results.error is not None:
        raise CommandError(results.error, Exit.BROKEN)
    problems = baseline.problems(results.clauses, today(), complete=complete)
    if not arguments.json:
        style = terminal_style(arguments.color)
        sys.stdout.write(report(results, levels, problems, time.monotonic() - started, style))
    if not results.asked:
        return Exit.NOTHING_RAN
    return Exit.DIFFERS if results.verdict == DIVERGES or problems else Exit.OK


def verify(
    question: Question,
    levels: Sequence[str] = DECIDING,
    *,
    workers: int = 1,
    part: tuple[int, int] = (0, 1),
    met: Callable[[str, str], str] | None = None,
) -> Results:
    """Return how a port stands to the clauses; a port that breaks down is a verdict of its own, not an exception.

    ``met`` is given the ID of a clause and the name of the scenario that is the first to break it; it returns the line
    that is printed on stderr at once, or nothing.
    """
    target = question.target
    info = PortInfo(target.text, "", target.given)
    date = datetime.now(UTC).isoformat(timespec="seconds")
    clauses = [ClauseResult(clause.id, clause.level, clause.text) for clause in question.asked()]
    scenarios, error = 0, None
    matches: list[Match] = []
    try:
        info = target.info()
        scenarios, clauses, matches = judge(question, workers=workers, part=part, met=met)
    except CommandError as broken:
        if broken.code != Exit.BROKEN:
            raise
        error = str(broken)
    shard = f"{part[0] + 1}/{part[1]}"
    header = Header(
        __version__, info, question.profile, platform.python_version(), platform.platform(), date,
        shlex.join(_command(question, levels, shard)), question.regions, shard, len(clauses),
        tuple(levels), _extent(question, clauses),
    )  # fmt: skip
    return _judged(Results(header, scenarios, tuple(clauses), CONFORMS, error, tuple(matches)), levels)


def _extent(question: Question, clauses: Iterable[ClauseResult]) -> str:
    near = "" if question.near is None else f"within {count(question.near, 'change')} of the good case"
    stopped = any(clause.broken for clause in clauses if clause.id in question.fail_fast)
    return ", ".join(filter(None, (near, _STOPPED * stopped)))


def known_divergences(results: Results, baseline: Baseline, levels: Sequence[str] = DECIDING) -> Results:
    """Return the results with what is known beside each breach, which then does not make the port diverge."""
    return _judged(replace(results, clauses=baseline.apply(results.clauses, today())), levels)


def _judged(results: Results, levels: Sequence[str]) -> Results:
    diverges = any(decides(clause, levels) for clause in results.clauses)
    verdict = BROKEN if results.error is not None else DIVERGES if diverges else CONFORMS
    return replace(results, verdict=verdict)


def decides(clause: ClauseResult, levels: Sequence[str]) -> bool:
    """Tell whether the clause makes the port diverge."""
    return clause.verdict in OPEN and clause.baseline is None and clause.level in levels


# The command line


def _chosen(arguments: argparse.Namespace) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the levels that decide, and the clauses that are asked about."""
    ids = [clause.id for clause in CLAUSES]
    given = [name.upper() for name in arguments.clauses or ids]
    if unknown := [name for name in given if name not in ids]:
        raise CommandError(f"--clause: {no_such('clause', unknown[0], ids, LISTED)}")
    levels = arguments.levels or (LEVELS if arguments.clauses else DECIDING)
    return LEVELS if ALL in levels else tuple(levels), tuple(name for name in ids if name in given)


def _checked(arguments: argparse.Namespace) -> tuple[int, int]:
    """Return the shard; raises CommandError for what cannot be done, before anything runs."""
    if arguments.workers < 1:
        raise CommandError(f"--workers: expected a whole number of at least 1, found {arguments.workers}")
    if (arguments.near or 0) < 0:
        raise CommandError(f"--near: expected a whole number that is not negative, found {arguments.near}")
    if not 0 < arguments.timeout < _LONGEST:
        raise CommandError(f"--timeout: expected a number of seconds above 0, found {arguments.timeout:g}")
    if arguments.output:
        if os.path.splitext(arguments.output)[1] not in {"", ".json"}:
            text = "'dirac-failover report' turns results into other formats"
            raise CommandError(f"--output: expected a name that ends in .json, found {arguments.output}; {text}")
        folder = os.path.dirname(arguments.output) or os.curdir
        if not os.path.isdir(folder):
            raise CommandError(f"--output: there is no directory {folder}")
    return parse_shard(arguments.shard)


def _baseline(arguments: argparse.Namespace) -> Baseline:
    if arguments.baseline is None:
        if arguments.accept:
            raise CommandError("--accept: --baseline names the file to write")
        return Baseline()
    if arguments.accept and not os.path.exists(arguments.baseline):
        return Baseline()
    return Baseline.load(arguments.baseline)


def _command(question: Question, levels: Sequence[str], shard: str) -> Iterator[str]:
    """Yield the words of the command that repeats the run."""
    every = len(question.clauses) == len(CLAUSES)
    options: dict[str, Iterable[str]] = {
        "--level": () if tuple(levels) == (DECIDING if every else LEVELS) else levels,
        "--clause": () if every else question.clauses,
        "--profile": () if question.profile == PROFILE else [question.profile],
        "--region": () if len(question.regions) == len(space.REGIONS) else question.regions,
        "--near": () if question.near is None else [str(question.near)],
        "--shard": () if shard == "1/1" else [shard],
        "--timeout": () if question.seconds == SECONDS else [f"{question.seconds:g}"],
    }
    yield from ("dirac-failover", "verify", *_words(question.target))
    for option, values in options.items():
        for value in values:
            yield from (option, value)
    if question.fail_fast:
        yield "--fail-fast"


def _words(target: Target) -> list[str]:
    """Return how the command line names the port."""
    return [target.text] if target.python is None else [target.text, "--python", target.python]


# Text


def report(results: Results, levels: Sequence[str], problems: Sequence[str], seconds: float, style: Style) -> str:
    """Return the results for people, each line ended by a newline: the verdict, the breaches, and then all clauses."""
    parts = [section(style, "Verdict", _verdict(results, levels, problems, seconds, style))]
    target, profile = Target.parse(results.header.port.target), results.header.profile
    found = causes(clause for clause in results.clauses if decides(clause, levels) and clause.minimal)
    parts += [cause_of(group, target, profile, style) for group in found]
    for level in () if results.header.extent.endswith(_STOPPED) else LEVELS:  # one scenario says little of the others
        clauses = [clause for clause in results.clauses if clause.level == level]
        if clauses:
            title = _TITLES[level].format(profile=results.header.profile)
            parts.append(section(style, title, _rows(clauses, levels, style)))
    return "\n".join(parts)


def _verdict(
    results: Results, levels: Sequence[str], problems: Sequence[str], seconds: float, style: Style
) -> Iterator[Row]:
    sign, colour, said = _sentence(results, levels, problems)
    text = f"{style.sign(sign)} {said}"
    yield Row(1, text, colour, len(text), hang=2)
    yield from (Row(2, f"- {problem}", hang=2) for problem in problems)
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


def _rows(clauses: Sequence[ClauseResult], levels: Sequence[str], style: Style) -> Iterator[Row]:
    width = max(len(_count(clause)) for clause in clauses)
    for clause in clauses:
        sign, colour = ("failed", "red") if decides(clause, levels) else _SIGNS.get(clause.verdict, ("", "cyan"))
        head = f"{style.sign(sign) if sign else '-'} {clause.id}  {clause.verdict:9}  {_count(clause):>{width}}"
        known = f" ({clause.baseline.kind}: {clause.baseline.reason})" if clause.baseline else ""
        yield Row(1, f"{head}  {clause.text}{known}", colour, len(head), hang=len(head) + 2)


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
    place, expected, observed = beside(minimal.expected, minimal.observed)
    facts = {
        "clause": clause.text,
        "scenario": f"{minimal.name} (broken in {clause.broken:,} of {clause.asked:,})",
        "where": place,
        "expected": expected,
        "observed": observed,
    }
    rows = [*table(facts), *side_by_side(minimal, style)]
    if others:
        rows += [Row(1, "breaks with it", "dim", 14)]
        lines = (f"{item.id}  {item.text}" for item in others)
        rows += [Row(2, shortened(line, style.width - 4), "cyan", 6) for line in lines]
    title = f"{clause.id} is broken" + (f", and {count(len(others), 'clause')} with it" if others else "")
    verify_again = ["dirac-failover", "verify", *_words(target), "--clause", clause.id, "--fail-fast"]
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


def beside(expected: Json, observed: Json, place: str = "") -> tuple[str, str, str]:
    """Return the most specific place at which the two differ, and what is there in each, short enough to be read."""
    if isinstance(expected, dict) and isinstance(observed, dict):
        pairs = {key: (expected.get(key, ABSENT), observed.get(key, ABSENT)) for key in {**expected, **observed}}
        match [key for key, (one, other) in pairs.items() if json.dumps(one) != json.dumps(other)]:
            case [key]:
                return beside(*pairs[key], f"{place}.{key}".removeprefix("."))
    if isinstance(expected, list) and isinstance(observed, list) and len(expected) == len(observed):
        match [i for i, item in enumerate(expected) if json.dumps(item) != json.dumps(observed[i])]:
            case [i]:
                return beside(expected[i], observed[i], f"{place}[{i}]")
    texts = [json.dumps(value) for value in (expected, observed)]
    alike = len(os.path.commonprefix(texts))  # noqa: RUF071 - of texts, not of paths
    start = max(alike - _SHOWN // 6, 0) if max(map(len, texts)) > _SHOWN else 0
    one, other = (shortened(f"{'...' if start else ''}{text[start:]}", _SHOWN) for text in texts)
    return place, one, other


def tally(clauses: Iterable[ClauseResult]) -> str:
    """Return how many clauses have each verdict, in words."""
    verdicts = [clause.verdict for clause in clauses]
    return ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in VERDICTS if verdict in verdicts)
