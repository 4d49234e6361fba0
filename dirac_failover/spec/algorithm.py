"""The algorithm as a document: the numbered steps in the docstrings of the model, for ``docs/algorithm.md``.

A docstring with steps has a title, the name of the method in DIRAC after a colon, an introduction, and the steps. The
ID of a step is that of its procedure (one or two letters) and a number.
"""

from __future__ import annotations

import inspect
import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from dirac_failover.spec.model import (
    clients,
    end,
    ilcdirac,
    inputs,
    lhcbdirac,
    methods,
    module,
    request,
    services,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import FunctionType

PAGE: Final = "docs/algorithm.md"
CHAPTERS: Final = {
    "The module": module,
    "The task and the inputs": inputs,
    "The end of the job": end,
    "The request": request,
    "The methods that modules call": methods,
    "The clients": clients,
    "The services": services,
    "LHCbDIRAC": lhcbdirac,
    "ILCDIRAC": ilcdirac,
}
"""The model's modules in the order of the page, by the headings of their chapters."""


class Procedure(NamedTuple):
    """One part of the algorithm, with steps of its own."""

    id: str
    title: str
    method: str
    """The name of the method in DIRAC; empty if it is not a single one."""
    introduction: str
    steps: Mapping[str, str]
    """Text by ID, in order."""

    @property
    def heading(self) -> str:
        """The heading of the procedure on the page."""
        return f"{self.id}. {self.title}"

    @property
    def anchor(self) -> str:
        """The part after # of the heading's address, as GitHub and MyST make it."""
        return re.sub(r"[^\w -]", "", self.heading.lower()).replace(" ", "-")


@cache
def procedures() -> Mapping[str, tuple[Procedure, ...]]:
    """Return all procedures, by the heading of their chapter, in order."""
    return {title: tuple(filter(None, map(_procedure, _functions(owner)))) for title, owner in CHAPTERS.items()}


def by_id() -> Mapping[str, Procedure]:
    """Return all procedures by ID."""
    return {one.id: one for chapter in procedures().values() for one in chapter}


def step_ids(names: Iterable[str]) -> list[str]:
    """Return the IDs of the steps that names stand for: a procedure's ID stands for all of its steps.

    Raises KeyError for a name that does not exist.
    """
    found: list[str] = []
    for name in names:
        steps = by_id()[name.partition(".")[0]].steps
        found += [name] if "." in name and steps[name] else steps
    return found


def _functions(owner: Any) -> Iterator[FunctionType]:
    home = owner.__name__ if inspect.ismodule(owner) else owner.__module__
    for value in vars(owner).values():
        if inspect.isfunction(value) and value.__module__ == home:
            yield value
        elif inspect.isclass(value) and value.__module__ == home:
            yield from _functions(value)


def _procedure(function: FunctionType) -> Procedure | None:
    text, *steps = re.split(r"\n(?=[A-Z]{1,2}\.\d+\. )", inspect.cleandoc(function.__doc__ or ""))
    if not steps:
        return None
    head, _, introduction = text.partition("\n")
    title, _, method = head.removesuffix(".").partition(": ")
    numbered = dict(" ".join(step.split()).split(". ", 1) for step in steps)
    return Procedure(next(iter(numbered)).partition(".")[0], title, method, " ".join(introduction.split()), numbered)
