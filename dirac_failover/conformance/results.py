"""The results of a verification: a verdict for each clause, as frozen values and as the JSON that reports read.

``Results.to_json`` and ``from_json`` are each other's inverse; :class:`ResultsFile` is the published shape. A footer
with a digest ends the JSON, so that a file that was cut or changed by hand is an error.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Mapping  # noqa: TC003 - pydantic reads the types of the fields
from dataclasses import asdict, dataclass, field, replace
from typing import Annotated, Final, Literal, Self, TypeVar

from dirac_failover.drivers.port_info import PortInfo  # noqa: TC001 - pydantic reads it
from dirac_failover.errors import FileError, read_file
from dirac_failover.spec.clauses import CLAUSES, CONTRACT, DIRAC, LEVELS, Verdict
from dirac_failover.spec.observation import Json
from dirac_failover.spec.profile_fit import Match  # noqa: TC001
from dirac_failover.spec.shape import ShapeError, one_of, parse

SCHEMA: Final = "dirac-failover/results/2"
T = TypeVar("T")
ListedCall = tuple[str, str, list[Json], Json]
"""A call: target, method, arguments, answer."""

HELD, BROKEN, NOT_ASKED, UNCHECKED = Verdict
VERDICTS: Final = tuple(Verdict)
OPEN: Final = frozenset({BROKEN, UNCHECKED})
"""The verdicts with which a port does not conform, unless its baseline names the clause."""

CONFORMS: Final = "conforms"
DIVERGES: Final = "diverges"
"""With ``broken``, for a port that broke down, the verdicts over all clauses."""
KINDS: Final = ("by-design", "known-bug", "unsupported")
"""The kinds of known divergences: intended, to be repaired, or about a feature that the port does not have."""


_Level = Annotated[str, one_of(*LEVELS)]


@dataclass(frozen=True)
class Header:
    """The settings that repeat the run."""

    tool: str
    """Version of dirac-failover."""
    port: PortInfo
    profile: str
    """The profile of the expected choices."""
    python: str
    platform: str
    date: str
    """When the run began: ISO 8601, UTC."""
    command: str
    """The command that repeats the run."""
    regions: tuple[str, ...]
    """Regions of the scenario space."""
    shard: str
    """I/N: the I-th of N parts of the scenarios."""
    clauses: int
    """The number of clauses that were checked."""
    levels: tuple[_Level, ...] = (CONTRACT, DIRAC)
    """The levels that decide whether the port conforms."""
    extent: str = ""
    """Name the part of the scenarios that was run; empty when all were run."""


@dataclass(frozen=True)
class Minimal:
    """The smallest scenario that violates a clause, and the observation in it."""

    name: str
    scenario: Mapping[str, Json]
    """The scenario, in the form that 'dirac-failover run --scenario' reads."""
    expected: Json
    observed: Json
    steps: tuple[ListedCall, ...]
    """The calls, in order: target, method, arguments, answer."""
    expected_steps: tuple[ListedCall, ...] = ()
    """The calls that the specification describes; none if it does not describe the scenario."""


@dataclass(frozen=True)
class Known:
    """The entry of a baseline for a violation."""

    kind: Annotated[str, one_of(*KINDS)]
    reason: str


@dataclass(frozen=True)
class ClauseResult:
    """The result for one clause."""

    id: str
    level: _Level
    text: str
    verdict: Annotated[str, one_of(*VERDICTS)] = NOT_ASKED
    asked: int = 0
    """Scenarios that ask for the clause and were run."""
    broken: int = 0
    """Scenarios that violate it."""
    minimal: Minimal | None = None
    baseline: Known | None = None
    unchecked: int = 0
    """Scenarios that ask for it and that the port does not support."""


@dataclass(frozen=True)
class Footer:
    """The end of a complete file."""

    complete: Literal[True]
    sha256: str
    """The digest of all before the footer, as JSON with sorted keys, no spaces, and ASCII only."""


@dataclass(frozen=True)
class ResultsFile:
    """The output of 'dirac-failover verify': a verdict for each clause, and the settings that repeat the run."""

    schema: Annotated[str, one_of(SCHEMA)]
    header: Header
    counts: Mapping[Annotated[str, one_of("scenarios", *VERDICTS)], int]
    """The number of scenarios that were run, and of clauses with each verdict."""
    clauses: tuple[ClauseResult, ...]
    nearest: tuple[Match, ...]
    """How well each profile explains the port, the best first; empty when no scenario was compared."""
    verdict: Annotated[str, one_of(CONFORMS, DIVERGES, BROKEN)]
    error: str | None
    """The reason why the port is broken."""
    footer: Footer


@dataclass(frozen=True)
class Results:
    """The results of one port."""

    header: Header
    scenarios: int
    clauses: tuple[ClauseResult, ...]
    verdict: str
    error: str | None = None
    nearest: tuple[Match, ...] = ()
    """All profiles, the one that explains the port best first; none when no scenario was compared."""
    counts: Mapping[str, int] = field(init=False)
    """The number of scenarios that were run, and of clauses with each verdict."""

    def __post_init__(self) -> None:
        """Count the verdicts."""
        verdicts = [clause.verdict for clause in self.clauses]
        counts = {"scenarios": self.scenarios} | {verdict: verdicts.count(verdict) for verdict in VERDICTS}
        object.__setattr__(self, "counts", counts)

    @property
    def asked(self) -> bool:
        """Whether any scenario asked for a clause that decides: without one, a port that conforms proves nothing."""
        return any(clause.verdict != NOT_ASKED for clause in self.clauses if clause.level in self.header.levels)

    @property
    def unsuited(self) -> list[str]:
        """The IDs of the clauses that are not asked of a port of this shape."""
        ids = {clause.id for clause in self.clauses}
        return [clause.id for clause in CLAUSES if clause.id in ids and not clause.suits(self.header.port.shape)]

    @property
    def shape(self) -> str:
        """The shape of the port, and the clauses that are not asked of it, in words."""
        whole = [
            level for level in LEVELS
            if {item.id in self.unsuited for item in self.clauses if item.level == level} == {True}
        ]  # fmt: skip
        left = [item.id for item in self.clauses if item.id in self.unsuited and item.level not in whole]
        text = ", ".join([*left, *(f"the level {level}" for level in whole)])
        return self.header.port.shape + (f"; not asked of it: {text}" if self.unsuited else "")

    @property
    def nearer(self) -> str | None:
        """The profile that explains the port better than the expected one, if there is any."""
        mine = [match for match in self.nearest if match.profile == self.header.profile]
        best = self.nearest[0] if mine else None
        return best.profile if best and replace(best, profile=self.header.profile) not in mine else None

    @property
    def profile(self) -> str:
        """The expected profile, and the nearest one, in words."""
        if not self.nearest:
            return self.header.profile
        return f"{self.header.profile} ({f'nearest: {self.nearer}' if self.nearer else 'the nearest'})"

    def to_json(self) -> dict[str, Json]:
        """Return it as JSON values, the footer last."""
        fields = asdict(self)
        names = ("header", "counts", "clauses", "nearest", "verdict", "error")
        data = {"schema": SCHEMA} | {name: fields[name] for name in names}
        plain: dict[str, Json] = json.loads(
            json.dumps(data), parse_constant=str
        )  # JSON has neither tuples nor infinity
        return {**plain, "footer": {"complete": True, "sha256": digest(plain)}}

    def to_text(self) -> str:
        """Return it as text, ended by a newline."""
        return json.dumps(self.to_json(), indent=2) + "\n"

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """Return the results in JSON values; raises ShapeError unless they are complete and unchanged."""
        if isinstance(data, dict) and data.get("schema") == SCHEMA and "footer" not in data:
            raise ShapeError("the footer is missing: it was cut")
        file = parse(ResultsFile, data)
        if file.footer.sha256 != digest({key: value for key, value in data.items() if key != "footer"}):
            raise ShapeError("the digest is another: it was cut or changed")
        scenarios = file.counts.get("scenarios", 0)
        made = cls(file.header, scenarios, file.clauses, file.verdict, file.error, file.nearest)
        if made.counts != file.counts:
            raise ShapeError("counts: they are not those of the clauses")
        return made


def digest(data: Mapping[str, Json]) -> str:
    """Return the digest of JSON values: SHA-256 of their text with sorted keys, no spaces, and ASCII only."""
    return hashlib.sha256(json.dumps(data, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def load(path: str) -> Results:
    """Return the results in a file; raises FileError if it cannot be read, was cut or changed, or holds others."""
    return read(path, "results of 'dirac-failover verify'", Results.from_json)


def read(path: str, what: str, make: Callable[[Json], T]) -> T:
    """Return the value that ``make`` makes of a JSON file; raises FileError, which names the expected content."""
    try:
        return make(json.loads(read_file(path)))
    except ShapeError as error:
        raise FileError(f"{path} does not hold the {what}: {error}") from error
    except (ValueError, RecursionError) as error:
        raise FileError(f"{path} is not JSON, or was cut: {error}") from error


def write(path: str, text: str) -> None:
    """Write a file, whole or not at all; raises FileError when that cannot be."""
    try:
        if os.path.exists(path) and not os.path.isfile(path):  # a device or a pipe, say
            with open(path, "wb") as file:
                file.write(text.encode())
        else:
            _replace(os.path.realpath(path), text)
    except OSError as error:
        raise FileError(f"Cannot write {path}: {error.strerror}") from error


def _replace(path: str, text: str) -> None:
    temporary = f"{os.path.dirname(path)}/.failover-{secrets.token_hex()}"
    try:
        with open(temporary, "xb") as file:  # with the rights that the umask leaves
            file.write(text.encode())
        os.replace(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise
