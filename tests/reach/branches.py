"""The branches of a file of others, by names that outlive its line numbers, and which of them were taken.

A branch is one way out of a condition, of a loop, or into an ``except`` clause; a function that was never entered is
one branch, and so are all its own. Names tell no line of the file, which is others' work: a function, and a digest of
the line that has the choice and of the line that it leads to.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Branch:
    """One way through a function; an empty ``text`` is the function itself: whether it is entered at all."""

    function: str
    text: str = ""

    @property
    def digest(self) -> str:
        """What the branch is called in a list that quotes nothing."""
        return hashlib.sha256(f"{self.function}: {self.text}".encode()).hexdigest()[:8] if self.text else ""

    def __str__(self) -> str:
        """Say where the branch is, for people who have the file."""
        return f"{self.digest} {self.function}: {self.text}" if self.text else f"{self.function} (never entered)"


def branches(source: str, report: Mapping[str, Any], functions: tuple[str, ...] = ()) -> dict[Branch, bool]:
    """Return the branches of a file, and whether each was taken.

    ``report`` is the file's entry in the JSON of coverage.py, measured with branches. ``functions`` selects what counts
    by the qualified names; without them all of the file does.
    """
    lines = source.splitlines()
    found: dict[Branch, bool] = {}
    for name, part in report["functions"].items():
        if not name or (functions and name not in functions):
            continue
        executed = set(part["executed_lines"])
        found[Branch(name)] = bool(executed)
        if not executed:
            continue
        taken = dict.fromkeys(map(tuple, part["executed_branches"]), True)
        taken |= dict.fromkeys(map(tuple, part["missing_branches"]), False)
        for line, after in pairwise(sorted(executed | set(part["missing_lines"]))):
            if lines[line - 1].lstrip().startswith("except"):
                taken[line, after] = after in executed
        seen: Counter[str] = Counter()
        for start, to in sorted(taken):
            text = f"{lines[start - 1].strip()} -> {lines[to - 1].strip() if to > 0 else 'the end'}"
            seen[text] += 1
            found[Branch(name, text if seen[text] == 1 else f"{text} #{seen[text]}")] = taken[start, to]
    return found
