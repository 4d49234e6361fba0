"""The branches of a file of others, by names that outlive its line numbers, and which of them were taken.

A branch is one way out of a condition, of a loop, or into an ``except`` clause; a function that was never entered is
one branch, and so are all its own. Names tell no line of the file, which is others' work: a function, and a digest of
the condition and of the way out.
"""

from __future__ import annotations

import ast
import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PARTS: Final = {ast.If: "test", ast.While: "test", ast.For: "iter"}


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
    lines = set(report["executed_lines"])
    arcs = {tuple(arc) for arc in report["executed_branches"]}
    found: dict[Branch, bool] = {}
    for name, node in _functions(ast.parse(source)):
        if functions and name not in functions:
            continue
        entered = any(line in lines for line in _own_lines(node))
        found[Branch(name)] = entered
        if entered:
            seen: Counter[str] = Counter()
            for text, taken in _ways(node, lines, arcs):
                seen[text] += 1
                found[Branch(name, text if seen[text] == 1 else f"{text} #{seen[text]}")] = taken
    return found


def _functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.FunctionDef]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef):
            yield prefix + node.name, node
            yield from _functions(node, f"{prefix}{node.name}.")
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node, f"{prefix}{node.name}.")


def _own(node: ast.AST) -> Iterator[Any]:
    """Yield the nodes of a function in their order, without those of functions inside it."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.Lambda):
            yield child
            yield from _own(child)


def _own_lines(function: ast.FunctionDef) -> set[int]:
    lines = {node.lineno for statement in function.body for node in [statement, *_own(statement)] if _is_code(node)}
    return lines or {function.body[0].lineno}


def _is_code(node: ast.AST) -> bool:
    return isinstance(node, ast.stmt) and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def _ways(function: ast.FunctionDef, lines: set[int], arcs: set[tuple[int, int]]) -> Iterator[tuple[str, bool]]:
    """Yield each way out of each condition, and whether it was taken."""
    for node in _own(function):
        if isinstance(node, ast.ExceptHandler):
            kind = ast.unparse(node.type) if node.type else "anything"
            yield f"except {kind}", node.body[0].lineno in lines
        elif part := _PARTS.get(type(node)):
            value: ast.expr = getattr(node, part)
            if isinstance(value, ast.Constant):  # while True: no question
                continue
            ways = {to for start, to in arcs if start == node.lineno}
            words = ("has an item", "is at its end") if part == "iter" else ("is true", "is false")
            for word, taken in zip(words, (node.body[0].lineno in ways, ways - {node.body[0].lineno}), strict=True):
                yield f"{ast.unparse(value)} {word}", bool(taken)
