"""The definition of a clause: the class, the decorator that makes one, and the possible verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from dirac_failover.spec.facts import MODULE, Facts
from dirac_failover.spec.profiles import DIRAC_9_1

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from dirac_failover.spec.check_context import CheckContext
    from dirac_failover.spec.profiles import Profile
    from dirac_failover.spec.scenario import Json, Scenario

CONTRACT: Final = "contract"
DIRAC: Final = "dirac"
LOSSLESS: Final = "lossless"
LEVELS: Final = (CONTRACT, DIRAC, LOSSLESS)
_LEVELS: Final = {"CO": CONTRACT, "DI": DIRAC, "LL": LOSSLESS}
THREADS: Final = "https://github.com/DIRACGrid/DIRAC/"
"""The discussions of DIRAC's developers: a clause names the thread about the same problem, in any part of DIRAC."""


class Verdict(StrEnum):
    """The verdict on an implementation by one clause, over all scenarios that were run."""

    HELD = "held"
    BROKEN = "broken"
    NOT_ASKED = "not asked"
    UNCHECKED = "unchecked"
    """Scenarios ask for it, but this implementation cannot be asked."""


class Violation(NamedTuple):
    """A violation of a clause: the expected value and the observed one."""

    expected: Json
    observed: Json


@dataclass(frozen=True)
class Clause:
    """One rule of the contract: the scenarios that ask for it, and the function that judges an observation by it."""

    id: str
    title: str
    text: str
    reason: str
    harm: str
    source: str
    when: Callable[[Facts, Profile], bool]
    judge: Callable[[CheckContext], Violation | None]
    """Return how the observation breaks the rule, or None when it holds; to be called where the clause is asked."""
    note: str = ""
    """The hazard that keeping the clause removes (``H1``), or ``quirk``: odd, and yet what DIRAC does."""
    issue: str = ""
    """The address of a public thread in which DIRAC's developers learned it, if there is one."""
    commands: bool = False
    """Whether a chain of commands is asked, too: the clause is about the final state, not about hooks."""
    steps: tuple[str, ...] = ()
    """The steps and procedures of :mod:`~dirac_failover.spec.algorithm` whose effect a clause of ``dirac`` compares."""

    @property
    def level(self) -> str:
        """``contract``, ``dirac`` or ``lossless``."""
        return _LEVELS[self.id[:2]]

    @property
    def heading(self) -> str:
        """The heading of the clause in ``docs/contract.md``."""
        return f"{self.title} ({self.id})"

    def suits(self, shape: str) -> bool:
        """Return whether an implementation of this shape is asked about the clause in any scenario."""
        return shape == MODULE or self.commands

    def asked(self, scenario: Scenario, profile: Profile = DIRAC_9_1, shape: str = MODULE) -> bool:
        """Return whether a scenario asks for this clause; ``profile`` matters at the level ``dirac`` alone."""
        facts = Facts(scenario)
        return self.suits(shape) and facts.suits(shape) and self.when(facts, profile)

    def violation(self, case: CheckContext) -> Violation | None:
        """Return how the case breaks the clause; None when it holds, and where it is not asked."""
        return self.judge(case) if self.when(case.facts, case.profile) else None


def clause(  # noqa: PLR0913 - what there is to say of a clause
    id_: str,
    *,
    when: Callable[[Facts], bool],
    reason: str,
    harm: str,
    source: str,
    note: str = "",
    thread: str = "",
    commands: bool = False,
) -> Callable[[Callable[[CheckContext], Violation | None]], Clause]:
    """Make a clause of a function that judges; ``when`` tells whether a scenario asks for it.

    With ``commands``, a chain of commands is asked about it as well as a module.
    """

    def decorate(judge: Callable[[CheckContext], Violation | None]) -> Clause:
        issue = f"{THREADS}{thread}" if thread else ""
        title, text = judge.__name__.replace("_", " ").capitalize(), " ".join((judge.__doc__ or "").split())
        told = (id_, title, text, reason, harm, source)
        return Clause(*told, lambda facts, _: when(facts), judge, note, issue, commands)

    return decorate


def defined_in(*modules: ModuleType) -> Iterator[Clause]:
    """Yield the clauses of modules in the order of their IDs."""
    found = [value for module in modules for value in vars(module).values() if isinstance(value, Clause)]
    yield from sorted(found, key=lambda one: one.id)


def equal(expected: Json, observed: Json) -> Violation | None:
    """Return a violation unless the two are equal."""
    return None if expected == observed else Violation(expected, observed)


def holds(condition: bool, expected: Json, observed: Json) -> Violation | None:
    """Return a violation unless the condition is true."""
    return None if condition else Violation(expected, observed)
