"""Answers of the real services, kept as data: the fakes are checked against them where no real service is.

A file has one sequence of calls a line: how it begins, and of each call the caller (null for the usual one), the
method, the arguments (as DEncode), the seconds until the next one, the answer, and a digest of the state after it.
"""

from __future__ import annotations

import json
import re
import sys
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dirac_failover.wire import dencode
from dirac_fakes import Caller
from tests.live import worlds
from tests.live.comparing import Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import FrameType

    from tests.live.comparing import Comparison

    Sequence = tuple[dict[str, Any], list[Step]]

FOLDER: Final = Path(__file__).parents[1] / "fakes" / "recorded"
SERVICES: Final = (
    "WorkloadManagement/JobStateUpdate",
    "Transformation/TransformationManager",
    "Accounting/DataStore",
    "RequestManagement/ReqManager",
    "RequestManagement/ReqProxy",
)
KINDS: Final = [(service, True) for service in SERVICES] + [(service, False) for service in SERVICES[:-1]]
"""The services, with databases in strict mode or without; a request proxy has none."""
LONGEST: Final = 3_000
"""The characters of a line; longer ones are left out, so that the files stay small."""


def path(service: str, *, strict: bool) -> Path:
    """Return the file of a service."""
    return FOLDER / f"{service.rpartition('/')[2]}{'' if strict else '-not-strict'}.jsonl"


def read(service: str, *, strict: bool) -> Iterator[tuple[Sequence, list[list[Any]]]]:
    """Yield each sequence, and what the real service told."""
    for line in path(service, strict=strict).read_text(encoding="utf-8").splitlines():
        begin, calls = json.loads(line)
        steps, told = [], []
        for who, method, args, seconds, *found in calls:
            caller = Caller(who[0], who[1], tuple(who[2]), who[3]) if who else Caller()
            steps.append(Step(caller, method, tuple(dencode.decode(args.encode())[0]), seconds))
            told.append(found)
        yield (begin, steps), told


def write(
    comparison: Comparison, service: str, first: list[Sequence], more: Iterable[Sequence], *, strict: bool
) -> None:
    """Write the sequences in which fake and real service agree: those of ``first``, and of ``more`` those with news.

    News are a step from one line of the fakes to another, or an answer of another kind, which was not there before.
    Without strict mode, only those are written that end otherwise than in it.
    """
    usual = None if strict else worlds.comparison(service)
    known: set[Any] = set()
    lines: dict[str, None] = {}
    for number, (begin, steps) in enumerate(chain(first, more)):
        given = _encoded(steps)
        if sum(map(len, given)) > LONGEST:
            continue
        with _traced() as found:
            told = comparison.told(service, begin, steps, real=False)
        if usual and usual.told(service, begin, steps, real=False) == told:
            continue
        found.update(
            (step.method, _NAMES.sub("*", repr(answer))[:400]) for step, (answer, _) in zip(steps, told, strict=True)
        )
        calls = [[[*step.caller] if step.caller != Caller() else None, step.method, args, step.seconds, *answer]
                 for step, args, answer in zip(steps, given, told, strict=True)]  # fmt: skip
        line = json.dumps([begin, calls], ensure_ascii=False, separators=(",", ":"))
        news = number < len(first) or found - known
        if news and len(line) <= LONGEST and comparison.told(service, begin, steps, real=True) == told:
            lines[line] = None
            known |= found
    FOLDER.mkdir(exist_ok=True)
    path(service, strict=strict).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


_NAMES: Final = re.compile(r"\d+|'[^']*'")


def _encoded(steps: list[Step]) -> list[str]:
    """Return the arguments of each call as DEncode; too much for a line if that cannot say them."""
    try:
        return [dencode.encode(list(step.args)).decode() for step in steps]
    except (TypeError, ValueError, OverflowError):
        return ["?" * LONGEST, "?"]


@contextmanager
def _traced() -> Iterator[set[Any]]:
    """Collect the steps from line to line in the modules of the fakes, for a ``with`` block."""
    found: set[Any] = set()
    last: dict[FrameType, int] = {}

    def local(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            found.add((frame.f_code.co_filename, last.get(frame, 0), frame.f_lineno))
            last[frame] = frame.f_lineno
        return local

    sys.settrace(lambda frame, _, __: local if "dirac_fakes" in frame.f_code.co_filename else None)
    try:
        yield found
    finally:
        sys.settrace(None)
