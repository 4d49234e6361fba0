"""Products of named dimensions: how a region of the space is described, and how its scenarios are made.

A dimension is a question that the module asks of its surroundings. It is branched on only if ``when`` is true: neither
an exception nor an earlier answer keeps the module from asking. The tables are in :mod:`dirac_failover.spec.space`;
this module multiplies them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final

from dirac_failover.spec.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Callable

ABSENT: Final = object()
"""As a value in ``sets``: remove the key."""


GOOD: Final = "the good case"
"""The end of the name of a region's first scenario, in which nothing is changed."""

_AND: Final = "; "
"""The separator of two changes in the name of a scenario."""

Choices = dict[str, str]
"""The name of the value chosen in each dimension."""


@dataclass(frozen=True)
class Value:
    """One value of a dimension: its name, the reason for it, and the fields of the scenario that it sets.

    A function in ``sets`` computes a field from what it is so far.
    """

    name: str
    reason: str
    sets: Mapping[str, Any] = field(default_factory=dict)


Row = tuple[str, str, *tuple[Any, ...]]
"""The name of a value, its reason and, unless it sets nothing, one content."""


def values(field: str, *rows: Row) -> tuple[Value, ...]:
    """Return values that set one field or one key of it: ``answers.FileReport.commit``, whose content may be a text."""
    name, _, key = field.partition(".")

    def sets(content: Any) -> Mapping[str, Any]:
        item = (content,) if name == "answers" and isinstance(content, str) else content
        return {name: {key: item} if key else item}

    return tuple(Value(called, reason, sets(*content) if content else {}) for called, reason, *content in rows)


def faults(service: str, *rows: Row) -> tuple[Value, ...]:
    """Return values that arm one fault of a service; the content of a row is the fault's text after the service."""
    return tuple(Value(name, why, {"faults": (f"{service}{text[0]}",)} if text else {}) for name, why, *text in rows)


@dataclass(frozen=True)
class Dimension:
    """One question that the module asks of its surroundings, and all the answers that it distinguishes."""

    name: str
    reason: str
    values: tuple[Value, ...]
    when: Callable[[Choices], bool] = lambda _: True

    def __post_init__(self) -> None:
        """Refuse two values of the same name, and a sign that would make the name of a scenario ambiguous."""
        names = [value.name for value in self.values]
        if odd := [name for name in (self.name, *names) if _AND in name]:
            raise ValueError(f"Dimension {self.name!r}: expected names without {_AND!r}, found {odd[0]!r}")
        if len(set(names)) != len(names):
            raise ValueError(f"Dimension {self.name!r} has two values of the same name among {names}")


@dataclass(frozen=True)
class Region:
    """A product of dimensions over the same base."""

    name: str
    reason: str
    base: Mapping[str, Any]
    dimensions: tuple[Dimension, ...]

    def scenarios(self, least: int = 0, most: int | None = None) -> Iterator[Scenario]:
        """Yield the scenarios of the region in a fixed order: all, or those within so many changes of the good case.

        The good case has the first value of each dimension. The name of a scenario says how it differs from that.
        """
        dimensions = self.dimensions
        depth_of_all = len(dimensions)
        pending: list[tuple[int, int, str, Choices, dict[str, Any]]] = [(0, 0, "", {}, _merge(_FIELDS, self.base))]
        while pending:
            depth, changed, name, choices, fields = pending.pop()
            while depth < depth_of_all and not dimensions[depth].when(choices):
                depth += 1
            if depth == depth_of_all:
                if changed >= least:
                    yield Scenario(name or f"{self.name}: {GOOD}", **fields)
                continue
            dimension = dimensions[depth]
            values = dimension.values[: None if most is None or changed < most else 1]
            before = f"{name}{_AND}" if name else f"{self.name}: "
            pending += [
                (
                    depth + 1,
                    changed + bool(number),
                    f"{before}{dimension.name}={value.name}" if number else name,
                    {**choices, dimension.name: value.name},
                    _merge(fields, value.sets),
                )
                for number, value in reversed(list(enumerate(values)))
            ]

    def near(self, changes: int) -> Iterator[Scenario]:
        """Yield the scenarios that are exactly that many changes away from the good case."""
        return self.scenarios(changes, changes)


def changes(name: str) -> int:
    """Return how many changes away from the good case the scenario of this name is."""
    return 0 if name.endswith(f": {GOOD}") else name.count(_AND) + 1


_FIELDS: Final[dict[str, Any]] = {
    item.name: getattr(Scenario(), item.name) for item in fields(Scenario) if item.name != "name"
}


_ACCUMULATED: Final = frozenset({"faults", "operations", "unsent_statuses", "earlier"})
"""Fields to which each dimension adds."""


def _merge(fields: dict[str, Any], sets: Mapping[str, Any]) -> dict[str, Any]:
    if not sets:
        return fields
    merged = dict(fields)
    for name, value in sets.items():
        if callable(value):
            merged[name] = value(merged[name])
        elif isinstance(value, Mapping):
            both = {**merged[name], **value}
            merged[name] = {key: item for key, item in both.items() if item is not ABSENT}
        elif name in _ACCUMULATED:
            merged[name] = (*merged[name], *value)
        else:
            merged[name] = value
    return merged
