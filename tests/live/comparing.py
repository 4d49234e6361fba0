"""Sequences of calls on a fake and on the real service: answers and state after each call must be the same.

A difference is what one call made differ: its kind is the method and what differs, so that thousands of sequences that
differ in the same way are one line. What is known to differ is a row of :data:`tests.live.differences.KNOWN`.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

from dirac_failover.drivers.implementations import stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dirac_fakes import Caller, World

START: Final = datetime(2026, 1, 1, 12)
SERVER_ERROR: Final = 500
"""The answer to a call that ends in an exception of the service."""
FILES: Final = {12: ["/vo/a", "/vo/b", "/vo/c"], 5: ["/vo/c", "/vo/d"]}
"""The LFNs of each transformation in the beginning."""
JOB_COLUMNS: Final = (
    "Status", "MinorStatus", "ApplicationStatus", "StartExecTime", "EndExecTime", "HeartBeatTime", "LastUpdateTime",
)  # fmt: skip


class Step(NamedTuple):
    """One call: by whom, what, and how many seconds pass afterwards."""

    caller: Caller
    method: str
    args: tuple[Any, ...]
    seconds: float


class Difference(NamedTuple):
    """The first call of a sequence after which the two sides differ, and the values of both sides."""

    steps: tuple[Step, ...]
    what: str
    fake: Any
    real: Any

    @property
    def kind(self) -> str:
        """What kinds of differences are counted by."""
        short = [re.sub(r"'[^']*'|\\d+", "*", str(_short(value)))[:90] for value in (self.fake, self.real)]
        return f"{self.steps[-1].method}: {self.what}: {short[0]} / {short[1]}"

    def __str__(self) -> str:
        """Return the calls, and both values where they differ."""
        calls = "\n".join(
            f"    {step.method}{step.args!r}  # {step.caller.username} {step.seconds}" for step in self.steps
        )
        fake, real = repr(self.fake), repr(self.real)
        at = next((at for at, pair in enumerate(zip(fake, real, strict=False)) if pair[0] != pair[1]), 0)
        shown = slice(max(0, at - 100), at + 200)
        return f"{self.kind}\n{calls}\n  fake ...{fake[shown]}\n  real ...{real[shown]}"


def _short(value: Any) -> Any:
    if isinstance(value, dict) and "OK" in value:
        return "OK" if value["OK"] else str(value["Message"]).removeprefix("MySQL Error ( 1131 : Execution failed.: ")
    return value if value == SERVER_ERROR else "state"


class Now:
    """The time of both sides."""

    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> datetime:
        return self.time


def answer_of(world: World, service: str, step: Step) -> Any:
    """Return a world's answer in the form in which a handler's arrives, but for the stub."""
    world.caller = step.caller
    answer = world(service, step.method, step.args)
    answer = {key: value for key, value in answer.items() if key not in ("rpcStub", "CallStack", "ExecInfo")}
    if not answer["OK"] and str(answer["Message"]).startswith("500 Server Error"):
        return SERVER_ERROR
    return answer


class Comparison(NamedTuple):
    """How one service is compared: how both sides begin, their states, and how answers are read."""

    real: Any
    world: Callable[..., World]
    state: Callable[[World], Any]
    read: Callable[[Step, Any], Any] = lambda _, answer: answer

    def told(self, service: str, begin: dict[str, Any], steps: list[Step], *, real: bool) -> list[list[Any]]:
        """Return the answer to each call, and a digest of the state after it, of the fake or of the real service."""
        now, found = Now(), []
        with stopped(now):
            world = None if real else self.world(**begin)
            if real:
                self.real.reset(**begin)
            for step in steps:
                answer = (
                    self.real.call(step.caller, step.method, step.args) if real else answer_of(world, service, step)
                )
                answer = json.loads(json.dumps(self.read(step, answer), default=str))
                state = json.dumps(self.real.state() if real else self.state(world), sort_keys=True, default=str)
                found.append([answer, hashlib.sha256(state.encode()).hexdigest()[:12]])
                now.time += timedelta(seconds=step.seconds)
        return found

    def run(self, begin: dict[str, Any], steps: list[Step]) -> tuple[int, Difference | None]:
        """Run one sequence on both sides; return the number of calls and the first difference."""
        now = Now()
        with stopped(now):
            world = self.world(**begin)
            self.real.reset(**begin)
            for count, step in enumerate(steps, 1):
                expected = self.read(step, self.real.call(step.caller, step.method, step.args))
                found = self.read(step, answer_of(world, self.real.service, step))
                for what, fake, real in _pairs(found, expected, self.state(world), self.real.state()):
                    if fake != real:
                        return count, Difference(tuple(steps[:count]), what, fake, real)
                now.time += timedelta(seconds=step.seconds)
        return len(steps), None


def _pairs(found: Any, expected: Any, fake: Any, real: Any) -> list[tuple[str, Any, Any]]:
    if isinstance(fake, dict):
        return [("answer", found, expected), *((name, fake.get(name), real[name]) for name in real)]
    return [("answer", found, expected), ("state", fake, real)]


class Tally(NamedTuple):
    """What was compared of one service."""

    service: str
    sequences: int
    calls: int
    known: Counter[str]
    unexplained: dict[str, list[Difference]]
    seconds: float

    def __str__(self) -> str:
        """Return one line."""
        known = f", known {dict(self.known)}" if self.known else ""
        number = sum(map(len, self.unexplained.values()))
        rate = f"{self.seconds:.0f} s"
        return f"{self.service}: {self.sequences} sequences, {self.calls} calls, {number} differ{known}, {rate}"


THE_SAME: Final = 400


def compare(
    comparison: Comparison,
    sequences: SearchStrategy[tuple[dict[str, Any], list[Step]]] | Iterable[tuple[dict[str, Any], list[Step]]],
    count: int,
    known: Callable[[str, Difference], str | None],
) -> Tally:
    """Run ``count`` sequences, or all that are given; ``known`` names the row that explains a difference, or is None.

    Up to :data:`THE_SAME` sequences are the same in each run, so that a check of a change says something of the change.
    """
    service = comparison.real.service
    calls, done, explained = 0, 0, Counter[str]()
    unexplained: dict[str, list[Difference]] = {}
    began = time.monotonic()

    def run(sequence: tuple[dict[str, Any], list[Step]]) -> None:
        nonlocal calls, done
        done += 1
        made, difference = comparison.run(*sequence)
        calls += made
        if difference is not None:
            row = known(service, difference)
            if row is None:
                unexplained.setdefault(difference.kind, []).append(difference)
            else:
                explained[row] += 1

    for one in drawn(sequences, count) if isinstance(sequences, SearchStrategy) else sequences:
        run(one)
    return Tally(service, done, calls, explained, unexplained, time.monotonic() - began)


def drawn(strategy: SearchStrategy[Any], count: int) -> list[Any]:
    """Return ``count`` values of a strategy; up to :data:`THE_SAME` they are the same in each run."""
    values: list[Any] = []

    @settings(
        max_examples=count, phases=[Phase.generate], suppress_health_check=list(HealthCheck), deadline=None,
        derandomize=count <= THE_SAME, database=None,
    )  # fmt: skip
    @given(strategy)
    def draw(value: Any) -> None:
        values.append(value)

    draw()
    return values


def smallest(differences: list[Difference]) -> Difference:
    """Return the shortest of some differences."""
    return min(differences, key=lambda difference: (len(difference.steps), len(repr(difference))))


def loaded(value: Any) -> Any:
    """Return an answer with the texts in it that are JSON as values."""
    if isinstance(value, dict):
        return {key: loaded(item) for key, item in value.items()}
    if isinstance(value, str) and value.startswith(("{", "[")):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def any_order(value: Any) -> Any:
    """Return an answer or a row with the names of catalogues in order: DIRAC has them in that of a set."""
    if isinstance(value, list):
        return [any_order(item) for item in value]
    if not isinstance(value, dict):
        return value
    ordered = {key: any_order(item) for key, item in value.items()}
    if isinstance(names := ordered.get("Catalog"), str):
        ordered["Catalog"] = ",".join(sorted(names.split(",")))
    return ordered
