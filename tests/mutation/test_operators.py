from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.mutation.operators import OPERATORS, REMOVALS, mutants

FAULTS = {
    "comparisons are turned round, at every place": (
        "x = a < b <= c",
        {"x = a <= b <= c", "x = a >= b <= c", "x = a < b < c", "x = a < b > c"},
    ),
    "in and is are denied": (
        "x = a in b, c is d",
        {"x = (a not in b, c is d)", "x = (a in b, c is not d)", "x = (a in b,)", "x = (c is d,)"},
    ),
    "a joined condition changes its joint or loses a part": ("x = a and b", {"x = a or b", "x = a", "x = b"}),
    "a sign or a not is dropped": ("x = not a, -b", {"x = (a, -b)", "x = (not a, b)", "x = (not a,)", "x = (-b,)"}),
    "sums become differences": ("x = a + b", {"x = a - b"}),
    "numbers move by one": ("x = 5", {"x = 6", "x = 4"}),
    "texts change": (
        "x = 'a' if b'c' else d",
        {"x = 'a~' if b'c' else d", "x = 'a' if b'c~' else d", "x = 'a' if not b'c' else d"},
    ),
    "truth is denied": ("x = True", {"x = False"}),
    "None becomes something": ("x = None", {"x = '~'"}),
    "elements are dropped one by one": ("x = [a, b]", {"x = [a]", "x = [b]"}),
    "a set that loses all is still a set": ("x = {a}", {"x = set()"}),
    "entries are dropped one by one": ("x = {a: b, c: d}", {"x = {a: b}", "x = {c: d}"}),
    "arguments are dropped and swapped": (
        "x = f(a, b, k=c)",
        {"x = f(a, k=c)", "x = f(b, k=c)", "x = f(b, a, k=c)", "x = f(a, b)"},
    ),
    "arguments that are the same are not swapped": ("x = f(a, a)", {"x = f(a)"}),
    "those of max are not swapped": ("x = max(a, b)", {"x = max(a)", "x = max(b)"}),
    "bounds of slices are dropped": ("x = a[b:c:d]", {"x = a[:c:d]", "x = a[b::d]", "x = a[b:c]"}),
    "filters are denied and dropped": (
        "x = [a for a in b if a]",
        {"x = [a for a in b if not a]", "x = [a for a in b]"},
    ),
    "a choice is turned round": ("x = a if b else c", {"x = a if not b else c"}),
    "a lambda returns None": ("x = lambda: a", {"x = lambda: None"}),
    "a representation in a text is dropped": ("x = f'{a!r}'", {"x = f'{a}'"}),
    "statements are dropped, conditions denied, elses removed": (
        "def f():\n  if a:\n    b()\n  else:\n    c()",
        {"pass", "if not a:", "", "    pass"},
    ),
    "a body is emptied, a return loses its value": (
        "def f():\n  a = b\n  return a",
        {"    pass", "pass", "return None"},
    ),
    "a decorator is dropped": ("@d\ndef f(): pass", {""}),
    "a raise is dropped": ("def f():\n  raise a", {"pass"}),
    "an assignment that changes something is dropped or reversed": ("def f():\n  a += b", {"pass", "a -= b"}),
    "an annotated value is dropped": ("def f():\n  a: int = b", {"pass"}),
    "loops go wrong": (
        "def f():\n  for a in b:\n    break\n  while c:\n    continue",
        {"pass", "for a in ():", "    continue", "    pass", "while not c:", "    break"},
    ),
    "a handler lets the error through": ("try:\n  a\nexcept E:\n  a = b", {"    raise"}),
    "the ends of a try are dropped": ("try:\n  a\nexcept E:\n  raise\nelse:\n  b\nfinally:\n  c", {""}),
    "a check is denied and dropped": ("def f():\n  assert a\n  del b", {"assert not a", "pass"}),
    "a yield loses its value": ("def f():\n  x = yield a", {"pass", "x = (yield None)"}),
}
UNTOUCHED = (
    "f(help='x', usedforsecurity=False)",
    "x = 'utf-8'",
    "'''A docstring.'''",
    "from a import b",
    "__all__ = ['a', 'b']",
    "if TYPE_CHECKING:\n  x = 1",
    "if __name__ == '__main__':\n  main()",
    "x: Literal['a']",
    "def f(a: Literal['b']) -> Literal['c']: ...",
    "T = TypeVar('T', bound=int)",
    "X = dict[str, None]",
    "def f():\n  self.log.info('a', 1)",
    "class C(Protocol):\n  def f(self): return 1",
    "def f():  # needs DIRAC\n  return 1",
    "if a:  # needs DIRAC\n  b()",
    "@overload\ndef f(): return 1",
)


def found(source: str) -> list[str]:
    return [mutant.change()[1] for mutant in mutants(Path("m.py"), source)]


@pytest.mark.parametrize(("source", "faults"), FAULTS.values(), ids=FAULTS)
def test_the_table_yields_exactly_these_faults(source: str, faults: set[str]) -> None:
    """Each operator yields its faults and nothing else."""
    assert {fault.strip() for fault in found(source)} == {fault.strip() for fault in faults}


def test_the_other_table_removes_calls_assignments_and_raises() -> None:
    """A call within a statement has the value None; logging, and what is no step, is left alone."""
    source = "def f():\n  a = g(1)\n  b: int = 2\n  c += 3\n  d()\n  log.info(e())\n  if h:\n    raise a\n  return 4"
    missing = sorted(mutant.change() for mutant in mutants(Path("m.py"), source, REMOVALS))
    assert missing == [
        ("a = g(1)", "a = None"), ("a = g(1)", "pass"), ("b: int = 2", "pass"), ("c += 3", "pass"), ("d()", "None"),
        ("raise a", "pass"),
    ]  # fmt: skip


def test_prose_is_left_alone_where_the_caller_asks_for_it() -> None:
    """Several words, also as a part of a text with values in it; a single word is none."""
    source = "x = 'It is so.', f'{a} is b', 'word'"
    spared = mutants(Path("m.py"), source, prose=False)
    assert [mutant.change()[1] for mutant in spared if isinstance(mutant.new, ast.Constant)] == [
        "x = ('It is so.', f'{a} is b', 'word~')"
    ]
    assert sum(isinstance(mutant.new, ast.Constant) for mutant in mutants(Path("m.py"), source)) == 3


@pytest.mark.parametrize("source", UNTOUCHED)
def test_what_has_no_behaviour_is_left_alone(source: str) -> None:
    """No fault is put where no test could notice it."""
    assert found(source) == []


def test_every_kind_of_node_in_the_table_is_tried_above() -> None:
    """An operator that is added needs an example."""
    tried = {type(node) for source, _ in FAULTS.values() for node in ast.walk(ast.parse(source))}
    assert set(OPERATORS) - tried <= {ast.AsyncFunctionDef}


def test_every_fault_makes_a_module_that_compiles() -> None:
    """Applied, a mutant is a module again, and the text of its change is what differs."""
    source = "\n".join(source for source, _ in FAULTS.values())
    for index in range(len(found(source))):
        mutant = mutants(Path("m.py"), source)[index]
        before, after = ast.unparse(ast.parse(source)), ast.unparse(mutant.apply())
        assert before != after
        compile(mutant.tree, "m.py", "exec")


def test_a_mutant_knows_where_it_is() -> None:
    """The function, the line, the lines that show that a test came by, and whether a living function holds them."""
    source = "A = 1\nclass C:\n  def m(self, a=2):\n    if (a\n        and self):\n      return 3\n"
    places = {(m.function, m.line, m.lines, m.live, m.change()[1]) for m in mutants(Path("m.py"), source)}
    assert ("", 1, range(1, 2), False, "A = 2") in places
    assert ("C.m", 3, range(3, 4), False, "def m(self, a=3):") in places
    assert ("C.m", 4, range(4, 6), True, "if a or self:") in places
    assert ("C.m", 6, range(6, 7), True, "return 4") in places


def test_a_function_in_a_decorator_is_executed_where_the_decorator_stands() -> None:
    """Else no test seems to execute the fault."""
    source = "@given(\n    when=lambda x: x + 1,\n)\ndef f():\n    pass\n"
    assert {mutant.lines for mutant in mutants(Path("m.py"), source) if mutant.live} == {range(1, 5)}
