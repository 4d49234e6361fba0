"""``dirac-failover verify``: checks a port against every clause of the contract, in every scenario of the space.

Here are its options; :mod:`~dirac_failover.conformance.verification` makes the results, and
:mod:`~dirac_failover.reports.verdict` shows them.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

from dirac_failover.cli import output
from dirac_failover.cli.exits import CommandError, Exit, write
from dirac_failover.conformance.baseline import LISTED, Baseline, today
from dirac_failover.conformance.checking import SECONDS, VerificationPlan
from dirac_failover.conformance.results import DIVERGES
from dirac_failover.conformance.results import write as write_file
from dirac_failover.conformance.verification import DECIDING, PROFILE, known_divergences, verify
from dirac_failover.conformance.workers import check_workers, cores, parse_shard
from dirac_failover.drivers.resolve import DEFAULT, Target
from dirac_failover.errors import PortBrokenError, no_such
from dirac_failover.reports.verdict import report
from dirac_failover.spec import space
from dirac_failover.spec.clauses import CLAUSES, DIRAC, LEVELS, LOSSLESS
from dirac_failover.spec.profiles import PROFILES

if TYPE_CHECKING:
    import argparse


ALL: Final = "all"
_LONGEST: Final = 1e6  # a larger number than the alarm takes would set no alarm

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
        help="check this clause only, which then decides; again for more")
    add("--region", dest="regions", action="append", choices=[item.name for item in space.REGIONS],
        help="only this part of the space; again for more")
    add("--near", type=int, metavar="N", help="only scenarios within N changes of the good case, for the inner loop")
    add("--shard", default="1/1", metavar="I/N", help="only the I-th of N parts (default: %(default)s)")
    add("--profile", choices=list(PROFILES), default=PROFILE,
        help=f"the implementation whose choices the level {DIRAC} expects (default: %(default)s)")
    known = parser.add_argument_group("known divergences")
    known.add_argument("--baseline", metavar="FILE", help="the known divergences: 'dirac-failover schema baseline'")
    known.add_argument("--accept", action="store_true", help="write the divergences into the baseline")
    how = parser.add_argument_group("how it is done")
    add = how.add_argument
    add("--workers", type=int, default=cores(), metavar="N", help="processes (default: %(default)s)")
    add("--fail-fast", action="store_true", help="stop at the first breach of a clause that decides")
    add("--timeout", type=float, default=SECONDS, metavar="SECONDS",
        help="a port that takes longer for one scenario hangs (default: %(default)s)")
    add = parser.add_argument
    add("--output", metavar="FILE", help="write the results for machines: 'dirac-failover schema results'")
    add("--json", action="store_true", help="print the results for machines")
    # fmt: on


def execute(arguments: argparse.Namespace) -> int:
    """Run the command; return its exit code."""
    levels, clauses = _chosen(arguments)
    part = _checked(arguments)
    baseline = _baseline(arguments)
    regions = tuple(item.name for item in space.REGIONS if item.name in (arguments.regions or item.name))
    known = {entry.clause for entry in baseline.entries}
    deciding = {clause.id: clause for clause in CLAUSES if clause.level in levels and clause.id not in known}
    question = VerificationPlan(
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
        note=lambda name, where: f"{name} is broken in '{where}'" if name in deciding else "",
    )  # fmt: skip
    complete = part == (0, 1) and not arguments.regions and not results.header.extent
    if arguments.accept and results.error is None:
        judged = [clause for clause in results.clauses if clause.level in levels]
        baseline = baseline.accept(judged, complete=complete)
        baseline.save(arguments.baseline)
    results = known_divergences(results, baseline, levels)
    if arguments.output:
        write_file(arguments.output, results.to_text())
    if arguments.json:
        write(results.to_text())
    if results.error is not None:
        raise PortBrokenError(results.error)
    problems = baseline.problems(results.clauses, today(), complete=complete)
    if not arguments.json:
        seconds = time.monotonic() - started
        output.show(arguments, report(results, levels, problems, seconds, output.style_of(arguments)))
    if not results.asked:
        return Exit.NOTHING_RAN
    return Exit.DIFFERS if results.verdict == DIVERGES or problems else Exit.OK


def _chosen(arguments: argparse.Namespace) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the levels that decide, and the clauses to check."""
    ids = [clause.id for clause in CLAUSES]
    given = [name.upper() for name in arguments.clauses or ids]
    if unknown := [name for name in given if name not in ids]:
        raise CommandError(f"--clause: {no_such('clause', unknown[0], ids, LISTED)}")
    levels = arguments.levels or (LEVELS if arguments.clauses else DECIDING)
    return LEVELS if ALL in levels else tuple(levels), tuple(name for name in ids if name in given)


def _checked(arguments: argparse.Namespace) -> tuple[int, int]:
    """Return the shard; raises CommandError for options that cannot be used, before anything runs."""
    check_workers(arguments.workers)
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
