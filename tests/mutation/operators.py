"""The single faults that a module can have: a table from the kind of a syntax node to its faulty variants.

An operator takes a node and yields nodes that could stand in its place. Code without behaviour (docstrings, types,
``__all__``, code for type checkers) and wording that is free (logs, help; prose, if the caller asks for it) are left
alone: see the ``_is_...`` functions and ``UNTOUCHED``. A new operator is a row of ``OPERATORS``, and of its test.
"""

from __future__ import annotations

import ast
import difflib
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Operator = Callable[[Any], Iterable[ast.AST]]
Place = tuple[ast.AST, str, int | None]

COMPARISONS: Final[dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]]] = {
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,), ast.NotIn: (ast.In,), ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
}  # fmt: skip
ARITHMETIC: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr, ast.BitXor: ast.BitOr,
}  # fmt: skip
SCOPES: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
MARK: Final = "~"
LOGGERS: Final = {"log", "_log", "logger", "gLogger"}
LOG_METHODS: Final = {"debug", "verbose", "info", "warn", "warning", "notice", "error", "always", "fatal", "exception"}
GENERICS: Final = {"dict", "list", "tuple", "set", "frozenset", "type", "Callable", "Mapping", "Iterator", "Iterable"}
NAMED_ONLY: Final = {"TypeVar", "NewType", "ParamSpec", "ContextVar"}
FREE_WORDS: Final = {"slots", "help", "description", "epilog", "usedforsecurity"}
"""Arguments by name that only people read, or that change nothing."""
CODECS: Final = {"utf-8", "ascii"}
"""Python finds these under their faulty names, too."""


def _with(node: ast.AST, **changes: Any) -> ast.AST:
    """Copy ``node`` with other field values."""
    return ast.copy_location(type(node)(**{**dict(ast.iter_fields(node)), **changes}), node)


def _without(items: list[Any], index: int) -> list[Any]:
    return [*items[:index], *items[index + 1 :]]


def compare(node: ast.Compare) -> Iterator[ast.AST]:
    for i, operator in enumerate(node.ops):
        for other in COMPARISONS[type(operator)]:
            yield _with(node, ops=[*node.ops[:i], other(), *node.ops[i + 1 :]])


def join(node: ast.BoolOp) -> Iterator[ast.AST]:
    yield _with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
    for i in range(len(node.values)):
        rest = _without(node.values, i)
        yield rest[0] if len(rest) == 1 else _with(node, values=rest)


def constant(node: ast.Constant) -> Iterator[ast.AST]:
    value = node.value
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int | float):
        yield ast.Constant(value + 1)
        yield ast.Constant(value - 1)
    elif isinstance(value, str) and value not in CODECS:
        yield ast.Constant(value + MARK)
    elif isinstance(value, bytes):
        yield ast.Constant(value + MARK.encode())
    elif value is None:
        yield ast.Constant(MARK)


def negate(node: ast.If | ast.While | ast.IfExp | ast.Assert) -> Iterator[ast.AST]:
    if not isinstance(node.test, ast.Compare | ast.UnaryOp):  # which have their own operators
        yield _with(node, test=ast.UnaryOp(ast.Not(), node.test))


def filters(node: ast.comprehension) -> Iterator[ast.AST]:
    for i, test in enumerate(node.ifs):
        yield _with(node, ifs=[*node.ifs[:i], ast.UnaryOp(ast.Not(), test), *node.ifs[i + 1 :]])
        yield _with(node, ifs=_without(node.ifs, i))


def no_else(node: ast.If | ast.For | ast.While | ast.Try) -> Iterator[ast.AST]:
    if not all(_is_log(statement) for statement in node.orelse):
        yield _with(node, orelse=[])


def no_finally(node: ast.Try) -> Iterator[ast.AST]:
    if node.finalbody:
        yield _with(node, finalbody=[] if node.handlers else [ast.Pass()])


def reraise(node: ast.ExceptHandler) -> Iterator[ast.AST]:
    if not (len(node.body) == 1 and isinstance(node.body[0], ast.Raise)):
        yield _with(node, body=[ast.Raise()])


def drop(_node: ast.stmt) -> Iterator[ast.AST]:
    yield ast.Pass()


def drop_value(node: ast.AnnAssign) -> Iterator[ast.AST]:
    if node.value is not None:
        yield ast.Pass()


def to_none(node: ast.Return | ast.Yield) -> Iterator[ast.AST]:
    if node.value is not None and not (isinstance(node.value, ast.Constant) and node.value.value is None):
        yield _with(node, value=ast.Constant(None))


def empty(node: ast.FunctionDef) -> Iterator[ast.AST]:
    if len([statement for statement in node.body if not _is_text(statement)]) > 1:  # one alone has its own operators
        yield _with(node, body=[ast.Pass()])


def elements(node: ast.List | ast.Tuple | ast.Set) -> Iterator[ast.AST]:
    if isinstance(node, ast.Set) or isinstance(node.ctx, ast.Load):
        for i in range(len(node.elts)):
            rest = _without(node.elts, i)
            yield _with(node, elts=rest) if rest or not isinstance(node, ast.Set) else ast.Call(_name("set"), [], [])


def entries(node: ast.Dict) -> Iterator[ast.AST]:
    for i in range(len(node.keys)):
        yield _with(node, keys=_without(node.keys, i), values=_without(node.values, i))


def arguments(node: ast.Call) -> Iterator[ast.AST]:
    for i in range(len(node.args)):
        yield _with(node, args=_without(node.args, i))
    for i in range(len(node.args) - 1):
        swapped = [*node.args[:i], node.args[i + 1], node.args[i], *node.args[i + 2 :]]
        differ = ast.dump(node.args[i]) != ast.dump(node.args[i + 1]) and _last(node.func) not in {"max", "min"}
        if differ and not any(isinstance(argument, ast.Starred) for argument in swapped):
            yield _with(node, args=swapped)
    for i, word in enumerate(node.keywords):
        if not _is_typing(word):
            yield _with(node, keywords=_without(node.keywords, i))


def bounds(node: ast.Slice) -> Iterator[ast.AST]:
    for bound in ("lower", "upper", "step"):
        if getattr(node, bound) is not None:
            yield _with(node, **{bound: None})


def conversion(node: ast.FormattedValue) -> Iterator[ast.AST]:
    if node.conversion != -1:
        yield _with(node, conversion=-1)


def undecorated(node: ast.FunctionDef) -> Iterator[ast.AST]:
    for i in range(len(node.decorator_list)):
        yield _with(node, decorator_list=_without(node.decorator_list, i))


def arithmetic(node: ast.BinOp | ast.AugAssign) -> Iterator[ast.AST]:
    yield _with(node, op=ARITHMETIC.get(type(node.op), ast.Add)())


OPERATORS: Final[dict[type[ast.AST], tuple[Operator, ...]]] = {
    ast.AnnAssign: (drop_value,),
    ast.Assert: (negate, drop),
    ast.Assign: (drop,),
    ast.AsyncFunctionDef: (empty, undecorated),
    ast.AugAssign: (arithmetic, drop),
    ast.BinOp: (arithmetic,),
    ast.BoolOp: (join,),
    ast.Break: (lambda _: [ast.Continue()], drop),
    ast.Call: (arguments,),
    ast.Compare: (compare,),
    ast.Constant: (constant,),
    ast.Continue: (lambda _: [ast.Break()], drop),
    ast.Delete: (drop,),
    ast.Dict: (entries,),
    ast.ExceptHandler: (reraise,),
    ast.Expr: (drop,),
    ast.For: (lambda node: [_with(node, iter=ast.Tuple([], ast.Load()))], no_else),
    ast.FormattedValue: (conversion,),
    ast.FunctionDef: (empty, undecorated),
    ast.If: (negate, no_else),
    ast.IfExp: (negate,),
    ast.Lambda: (lambda node: [_with(node, body=ast.Constant(None))],),
    ast.List: (elements,),
    ast.Raise: (drop,),
    ast.Return: (to_none,),
    ast.Set: (elements,),
    ast.Slice: (bounds,),
    ast.Try: (no_else, no_finally),
    ast.Tuple: (elements,),
    ast.UnaryOp: (lambda node: [node.operand],),
    ast.While: (negate, no_else),
    ast.Yield: (to_none,),
    ast.comprehension: (filters,),
}

REMOVALS: Final[dict[type[ast.AST], tuple[Operator, ...]]] = {
    ast.AnnAssign: (drop_value,),
    ast.Assign: (drop,),
    ast.AugAssign: (drop,),
    ast.Call: (lambda _: [ast.Constant(None)],),
    ast.Raise: (drop,),
}
"""Another table: each call, assignment and raise is missing. A call that is not made has the value None."""

UNTOUCHED: Final[dict[type[ast.AST], set[str]]] = {
    ast.AnnAssign: {"annotation", "target"},
    ast.AsyncFunctionDef: {"returns"},
    ast.ClassDef: {"bases", "keywords"},
    ast.FunctionDef: {"returns"},
    ast.arg: {"annotation"},
}
"""Fields that no operator looks into."""


def _name(text: str) -> ast.Name:
    return ast.Name(text, ast.Load())


def _last(node: ast.AST | None) -> str:
    """Return the last part of a dotted name, '' for anything else."""
    return getattr(node, "attr", getattr(node, "id", ""))


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_log(node: ast.AST) -> bool:
    call = node.value if isinstance(node, ast.Expr) else None
    method = call.func if isinstance(call, ast.Call) else None
    return isinstance(method, ast.Attribute) and method.attr in LOG_METHODS and _last(method.value) in LOGGERS


def _is_typing(node: ast.AST) -> bool:  # noqa: PLR0911 - a table of patterns
    match node:
        case ast.If(test=test):
            return _last(test) == "TYPE_CHECKING" or _last(getattr(test, "left", None)) == "__name__"
        case ast.ClassDef(bases=bases):
            return any(_last(getattr(base, "value", base)) == "Protocol" for base in bases)
        case ast.FunctionDef(decorator_list=decorators):
            return any(_last(decorator) == "overload" for decorator in decorators)
        case ast.Subscript(value=value):
            return _last(value) in GENERICS
        case ast.Call(func=function):
            return _last(function) in NAMED_ONLY
        case ast.Assign(targets=[target]):
            return _last(target) in {"__all__", "__slots__"}
        case ast.keyword(arg=name):
            return name in FREE_WORDS
    return isinstance(node, ast.Import | ast.ImportFrom | ast.Global | ast.Nonlocal)


@dataclass(frozen=True, eq=False)
class Mutant:
    """One fault in one module: ``apply`` puts it into the syntax tree, which is shared by all mutants of the module."""

    path: Path
    tree: ast.Module
    function: str
    live: bool
    statement: ast.stmt | ast.ExceptHandler
    place: Place
    new: ast.AST

    @property
    def line(self) -> int:
        """The line on which the faulty node starts."""
        return getattr(self._old, "lineno", self.statement.lineno)

    @property
    def lines(self) -> range:
        """The lines that a test must execute to notice: those of the statement, without the block that it heads."""
        body: Any = getattr(self.statement, "body", None)
        whole = self._old is self.statement or not body
        first = min([self.statement.lineno, *(one.lineno for one in getattr(self.statement, "decorator_list", []))])
        return range(first, max(first, (self.statement.end_lineno or first) if whole else body[0].lineno - 1) + 1)

    @property
    def _old(self) -> ast.AST:
        holder, field, index = self.place
        value: Any = getattr(holder, field)
        node: ast.AST = value if index is None else value[index]
        return node

    def _put(self, node: ast.AST) -> None:
        holder, field, index = self.place
        if index is None:
            setattr(holder, field, node)
        else:
            getattr(holder, field)[index] = node

    def apply(self) -> ast.Module:
        """Put the fault into the tree, for good: only for a process that ends afterwards."""
        new = self.new if hasattr(self.new, "lineno") else ast.copy_location(self.new, self._old)
        self._put(ast.fix_missing_locations(new))
        return self.tree

    def change(self) -> tuple[str, str]:
        """Return the lines that the fault takes away and those it puts there, as ``ast.unparse`` writes them."""
        diff = self.diff().splitlines()
        return tuple("\n".join(line[1:].strip() for line in diff if line[0] == sign) for sign in "-+")  # type: ignore[return-value]

    def diff(self) -> str:
        """Return the changed lines of the statement as a unified diff without header."""
        old = self._old
        before = ast.unparse(self.statement).splitlines()
        self._put(self.new)
        after = ast.unparse(self.new if old is self.statement else self.statement).splitlines()
        self._put(old)
        return "\n".join(list(difflib.unified_diff(before, after, lineterm="", n=0))[3:])


def _is_prose(node: ast.AST) -> bool:
    """Tell whether a node is a text of several words, or the part of one."""
    text = getattr(node, "value", None) if isinstance(node, ast.Constant) else None
    return isinstance(text, str) and " " in text and any(map(str.isalpha, text))


def mutants(
    path: Path, source: str, table: Mapping[type[ast.AST], tuple[Operator, ...]] = OPERATORS, *, prose: bool = True
) -> list[Mutant]:
    """Return every single fault that the table knows for ``source``, the text of ``path``; in ``prose`` too, or not."""
    tree = ast.parse(source)
    found: list[Mutant] = []
    elsewhere = {number for number, line in enumerate(source.splitlines(), 1) if line.endswith("# needs DIRAC")}

    def visit(node: ast.AST, place: Place, scope: tuple[str, ...], live: bool, at: Any) -> None:
        free = _is_text(node) or _is_log(node) or _is_typing(node) or (not prose and _is_prose(node))
        if free or (isinstance(node, ast.stmt) and node.lineno in elsewhere):
            return
        at = node if isinstance(node, ast.stmt | ast.ExceptHandler) else at
        if isinstance(node, SCOPES):
            scope = (*scope, node.name)
        for operator in table.get(type(node), ()):
            if live or operator not in (drop, drop_value):  # outside of functions a dropped name is never rebound
                found.extend(Mutant(path, tree, ".".join(scope), live, at, place, new) for new in operator(node))
        if isinstance(node, ast.Call) and _last(node.func) == "cast":
            return
        for field, value in ast.iter_fields(node):
            if field in UNTOUCHED.get(type(node), ()):
                continue
            inside = live or (field == "body" and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda))
            if isinstance(value, ast.AST):
                visit(value, (node, field, None), scope, inside, at)
            elif isinstance(value, list):
                for i, item in enumerate(value):
                    if isinstance(item, ast.AST):
                        visit(item, (node, field, i), scope, inside, at)

    for i, statement in enumerate(tree.body):
        visit(statement, (tree, "body", i), (), False, statement)
    return found


# Explanations


def digests(found: Iterable[Mutant]) -> dict[Mutant, str]:
    """Return a name for each fault that tells it from the others of its function, and quotes nothing of the file."""
    seen, named = Counter[tuple[str, ...]](), {}
    for mutant in found:
        change = mutant.change()
        seen[mutant.function, *change] += 1
        number = str(seen[mutant.function, *change])
        named[mutant] = hashlib.sha256("\0".join([number, *change]).encode()).hexdigest()[:8]
    return named


class Reason(NamedTuple):
    """Why a fault is left alone, and the clause that sees it nevertheless, if one does."""

    text: str
    clause: str = ""


def explained(path: Path) -> dict[tuple[str, str, str], Reason]:
    """Read a list of explanations, by place, function and digest.

    A line is a reason, with a clause and a bar before it or without; indented lines below it hold place, function
    (``-`` for none), and digests: without any, the function itself is explained.
    """
    found, reason = {}, Reason("")
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith(" "):
            place, function, *names = line.split()
            found |= {(place, function.removeprefix("-"), name): reason for name in names or [""]}
        elif not line.startswith("#"):
            clause, _, text = line.rpartition(" | ")
            reason = Reason(text, clause)
    return found
