"""Holds a port against clauses in every scenario: ``(Target, clauses, scenarios) -> a ClauseStats for each clause``.

It is done in processes of their own, each with a shard of the scenarios, so that a port that crashes or hangs ends its
process and not the command. Of each clause only the counts and the smallest breach are kept: memory does not grow with
the space, and neither the number of processes nor their order changes what comes out. Every so many-th outcome is also
held against all profiles, to tell which of them the port is nearest to.
"""

from __future__ import annotations

import faulthandler
import json
import mmap
import os
import signal
import struct
import sys
import time
from contextlib import ExitStack, closing, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from dirac_failover.conformance.results import ClauseResult, Minimal
from dirac_failover.conformance.workers import Progress, WorkerDiedError, in_processes
from dirac_failover.drivers.sandbox import temporary
from dirac_failover.errors import FailoverError, PortBrokenError
from dirac_failover.spec import space
from dirac_failover.spec.check_context import CheckContext
from dirac_failover.spec.clauses import CLAUSES, Verdict, Violation
from dirac_failover.spec.dimensions import changes
from dirac_failover.spec.facts import MODULE, Facts
from dirac_failover.spec.profile_fit import Match, ProfileFit
from dirac_failover.spec.profiles import DIRAC_9_1, PROFILES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from dirac_failover.conformance.target import Target
    from dirac_failover.spec.clauses import Clause
    from dirac_failover.spec.scenario import Scenario

_CHUNK: Final = 250
_SAMPLED: Final = {
    "identity": 7, "inputs": 101, "hooks": 19, "candidates": 89, "reports": 29, "end": 7, "answers": 499,
}  # fmt: skip
"""Every how many-th scenario is held against all profiles, by region: a few hundred are enough. Primes, so that each
value of each dimension takes part; the largest is taken for all the regions that are asked about."""
_BANDS: Final = ((0, 0), (1, 1), (2, 2), (3, None))
"""The bands of changes in which the scenarios come: the first three are 3 % of the space, and show nearly every bug."""
_REARMED: Final = 1.0
"""Seconds between two settings of the alarm: setting it is too dear to do it for each scenario."""


Size = tuple[int, int, str]


@dataclass(frozen=True)
class VerificationPlan:
    """What is asked: of which port, which clauses, in which regions, how many seconds a scenario may take, by what."""

    target: Target
    clauses: tuple[str, ...] = tuple(clause.id for clause in CLAUSES)
    regions: tuple[str, ...] = tuple(region.name for region in space.REGIONS)
    seconds: float = 60.0
    profile: str = DIRAC_9_1.name
    """Whose choices the port is held against."""
    near: int | None = None
    """How many changes from the good case a scenario may be; None: any number."""
    fail_fast: tuple[str, ...] = ()
    """The clauses of which the first breach ends the run."""

    def scenarios(self) -> Iterator[Scenario]:
        """Yield the scenarios in a fixed order, the nearest to the good case first.

        Each has what a module of the profile needs.
        """
        commons = PROFILES[self.profile].commons
        regions = [region for region in space.REGIONS if region.name in self.regions]
        for least, most in _BANDS:
            last = self.near if most is None else most
            for region in regions if self.near is None or least <= self.near else ():
                found = region.scenarios(least, last)
                yield from map(partial(_given, commons), found) if commons else found

    def asked(self) -> list[Clause]:
        """Return the clauses, in their order."""
        return [clause for clause in CLAUSES if clause.id in self.clauses]

    def sampled(self) -> int:
        """Return every how many-th scenario is held against all profiles."""
        if self.near is not None:
            return min(_SAMPLED.values())
        return max((_SAMPLED.get(region, 1) for region in self.regions), default=1)


@dataclass
class ClauseStats:
    """What is known of one clause: how many scenarios ask for it, how many break it, and the smallest of these.

    ``unchecked`` counts the scenarios that ask for it and that the port cannot be asked about.
    """

    asked: int = 0
    broken: int = 0
    size: Size | None = None
    minimal: Minimal | None = None
    unchecked: int = 0

    def breach(self, case: CheckContext, breach: Violation, size: Size) -> None:
        """Take one more breach."""
        self.broken += 1
        if self.size is None or size < self.size:
            self.size = size
            scenario = case.scenario
            steps, wanted = (tuple(call.step for call in steps) for steps in (case.outcome.steps, case.expected_steps))
            self.minimal = Minimal(scenario.name, scenario.to_json(), *breach, steps, wanted)

    def add(self, other: ClauseStats) -> None:
        """Take what another process has found."""
        self.asked += other.asked
        self.broken += other.broken
        self.unchecked += other.unchecked
        if other.size is not None and (self.size is None or other.size < self.size):
            self.size, self.minimal = other.size, other.minimal

    def result(self, clause: Clause) -> ClauseResult:
        """Return how the port stands to the clause, which is held only if every scenario that asks for it was run."""
        counts = {Verdict.BROKEN: self.broken, Verdict.UNCHECKED: self.unchecked, Verdict.HELD: self.asked}
        verdict = next((verdict for verdict, number in counts.items() if number), Verdict.NOT_ASKED)
        return ClauseResult(
            clause.id, clause.level, clause.text, verdict, self.asked, self.broken, self.minimal, None, self.unchecked
        )


def _given(commons: Mapping[str, Any], scenario: Scenario) -> Scenario:
    return replace(scenario, workflow_commons={**commons, **scenario.workflow_commons})


def size_of(scenario: Scenario) -> Size:
    """Return how far a scenario is from the good case: its changes, the length of its JSON, and at last its name."""
    data = scenario.to_json()
    data.pop("name", None)
    return changes(scenario.name), len(json.dumps(data)), scenario.name


class Met(NamedTuple):
    """A clause that is broken for the first time, as far as one process knows, and the name of the scenario."""

    clause: str
    scenario: str


class Judgement(NamedTuple):
    """What came out of it."""

    scenarios: int
    """How many were run."""
    clauses: list[ClauseResult]
    """How the port stands to each clause."""
    nearest: list[Match]
    """The profiles, the nearest first."""


def judge(
    question: VerificationPlan,
    *,
    workers: int = 1,
    part: tuple[int, int] = (0, 1),
    met: Callable[[str, str], str] | None = None,
) -> Judgement:
    """Return how the port stands to the clauses, and to the profiles.

    ``part`` is the shard: its index, from 0, and how many there are. ``met`` is told of the first breach of each clause
    and returns the line that is then printed. Raises PortBrokenError when the port breaks down.
    """
    clauses = question.asked()
    tallies = {clause.id: ClauseStats() for clause in clauses}
    nearness = ProfileFit()
    done, noted = 0, set[str]()
    progress = Progress(question.target.text, _total(question, part))
    with ExitStack() as stack:
        watched = stack.enter_context(temporary("failover-watch-"))
        try:
            work = in_processes(partial(shard, question, watched), workers, part)
            for message in stack.enter_context(closing(work)):
                if isinstance(message, int):
                    done += message
                    progress.add(message)
                elif isinstance(message, Met):
                    if met and message.clause not in noted and (line := met(*message)):
                        progress.note(line)
                    noted.add(message.clause)
                else:
                    for name, tally in message[0].items():
                        tallies[name].add(tally)
                    nearness.add(message[1])
                    if any(tallies[name].broken for name in question.fail_fast if name in tallies):
                        break
        except WorkerDiedError as error:
            index, count = part
            raise PortBrokenError(
                _how_it_died(question, watched, index + count * error.worker, count * workers, error.exitcode)
            ) from error
        finally:
            progress.close()
    return Judgement(done, [tallies[clause.id].result(clause) for clause in clauses], nearness.matches())


def _total(question: VerificationPlan, part: tuple[int, int]) -> int:
    """How many scenarios there are: counting takes seconds, and is done for who looks at the progress only."""
    if not sys.stderr.isatty():
        return 0
    index, count = part
    return len(range(index, sum(1 for _ in question.scenarios()), count))


def shard(
    question: VerificationPlan, watched: str, index: int, count: int
) -> Iterator[int | Met | tuple[dict[str, ClauseStats], ProfileFit]]:
    """Run one shard: yield the first breaches and the numbers of scenarios that were run, and then what was found."""
    with ExitStack() as stack:
        nowhere = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))
        stack.enter_context(redirect_stdout(nowhere))  # a module may print
        stack.enter_context(redirect_stderr(nowhere))
        watch = stack.enter_context(_watching(os.path.join(watched, str(index)), question.seconds))
        port = question.target.port()
        stack.enter_context(port.session())
        tallies = {clause.id: ClauseStats() for clause in question.asked()}
        asks = [(clause, tallies[clause.id]) for clause in question.asked() if clause.suits(port.shape)]
        profile, nearness, sampled = PROFILES[question.profile], ProfileFit(), question.sampled()
        done, broken = 0, set[str]()
        for ordinal, scenario in islice(enumerate(question.scenarios()), index, None, count):
            watch.next()
            facts = Facts(scenario)
            asked = [(clause, tally) for clause, tally in asks if clause.when(facts, profile)]
            if not asked or not facts.suits(port.shape):
                continue
            if not port.supports(scenario):
                for _, tally in asked:
                    tally.unchecked += 1
                continue
            outcome = _outcome(port, scenario)
            _judge(CheckContext(facts, outcome, profile, port.shape), asked)
            first = [name for name, tally in tallies.items() if tally.broken and name not in broken]
            broken.update(first)
            yield from (Met(name, scenario.name) for name in first)
            if ordinal % sampled == 0 and port.shape == MODULE:
                nearness.look(scenario, outcome)
            done += 1
            if not broken.isdisjoint(question.fail_fast):
                break
            if done == _CHUNK:
                yield done
                done = 0
        yield done
        yield tallies, nearness


def _judge(case: CheckContext, asked: list[tuple[Clause, ClauseStats]]) -> None:
    """Judge a case by the clauses that its scenario asks for, and tally the verdicts.

    An observation that a clause cannot read, since the port has left something odd, breaks the clause.
    """
    size = None
    for clause, tally in asked:
        tally.asked += 1
        try:
            violation = clause.judge(case)
        except Exception as error:  # noqa: BLE001 - the port may have left anything
            violation = Violation("an observation that can be read", f"{type(error).__name__}: {error}")
        if violation is not None:
            size = size or size_of(case.scenario)
            tally.breach(case, violation, size)


def _outcome(port: Any, scenario: Scenario) -> Any:
    try:
        return port.run(scenario)
    except FailoverError:
        raise
    except (Exception, SystemExit, GeneratorExit) as error:
        text = f"{type(error).__name__}: {error}".rstrip(": ")
        raise PortBrokenError(f"The port broke down ({text}) in the scenario '{scenario.name}'") from error


# Watching


class _Watch:
    """Records a worker's progress, so that the parent can name the scenario that killed it, and limits its time."""

    def __init__(self, path: str, seconds: float) -> None:
        self._seconds = seconds
        with open(f"{path}.far", "w+b") as file:
            file.truncate(_NUMBER.size)
            self._far = mmap.mmap(file.fileno(), 0)  # what is in it is in the file, even if the process dies
        self._stack = open(f"{path}.stack", "wb")  # noqa: SIM115 - likewise
        self._number = 0
        self._armed = float("-inf")

    def next(self) -> None:
        """Begin the next scenario."""
        self._number += 1
        _NUMBER.pack_into(self._far, 0, self._number)
        now = time.monotonic()
        if now - self._armed >= _REARMED:
            self._armed = now
            faulthandler.dump_traceback_later(self._seconds + _REARMED, file=self._stack, exit=True)

    def close(self) -> None:
        """Be quiet."""
        faulthandler.cancel_dump_traceback_later()
        self._far.close()
        self._stack.close()


_NUMBER: Final = struct.Struct("=Q")


@contextmanager
def _watching(path: str, seconds: float) -> Iterator[_Watch]:
    watch = _Watch(path, seconds)
    try:
        yield watch
    finally:
        watch.close()


def _how_it_died(question: VerificationPlan, watched: str, index: int, count: int, exitcode: int | None) -> str:
    """Return what a process that died, with this shard, was doing."""
    path = os.path.join(watched, str(index))
    far, stack = _read(f"{path}.far"), _read(f"{path}.stack").decode(errors="replace")
    (begun,) = _NUMBER.unpack(far) if far else (0,)
    if not begun:
        return f"The port ended its process ({_ended(exitcode)}) before its first scenario"
    ordinal = index + (begun - 1) * count
    scenario = next(islice(question.scenarios(), ordinal, None))
    if not stack:
        return f"The port ended its process ({_ended(exitcode)}) in the scenario '{scenario.name}'"
    where = _where(stack.splitlines())
    return f"The port took longer than {question.seconds:g} s, {where}, in the scenario '{scenario.name}'"


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""


def _ended(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        return f"signal {signal.Signals(-exitcode).name}"
    return f"exit code {exitcode}"


def _where(lines: Iterable[str]) -> str:
    """Return the innermost place of a stack that faulthandler has written: the first line with a file."""
    places = (line.strip() for line in lines)
    return next((f"at {place.removeprefix('File ')}" for place in places if place.startswith("File ")), "somewhere")
