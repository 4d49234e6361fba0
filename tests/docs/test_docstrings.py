"""Docstrings name errors and sources, and their examples run; ruff checks that there are any, and mypy the types."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import pkgutil
import textwrap
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any

import pytest

import dirac_failover
import dirac_failover.testing
import dirac_fakes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

FLAGS = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL
NAMES = [
    name
    for package in (dirac_failover, dirac_fakes)
    for _, name, _ in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    if not name.endswith("__main__")
]
BY_CUSTOM = {
    "execute": ("CommandError", "PortBrokenError", "MissingExtraError"),
    "assert_called": ("AssertionError",),
    "assert_not_called": ("AssertionError",),
}
"""What is raised by every function of such a name: commands are told about in ``conformance.errors``."""
SAYS_SO = ("raise", "error", "refuse", "complain")
"""One of these stands in a docstring that speaks of errors; the name of the exception will do as well."""


@cache
def modules() -> dict[str, ModuleType]:
    """Every module of both packages that can be imported here."""
    return {name: importlib.import_module(name) for name in NAMES}


def public(module: ModuleType) -> Iterator[tuple[str, Any, Any]]:
    """The public classes and functions that a module defines, and their public methods: name, object, its class."""
    for name, found in vars(module).items():
        if name.startswith("_") or getattr(found, "__module__", None) != module.__name__:
            continue
        if isinstance(found, FunctionType):
            yield name, found, None
        elif inspect.isclass(found):
            yield name, found, None
            for inner, member in vars(found).items():
                function = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
                if not inner.startswith("_") and isinstance(function, FunctionType) and function.__name__ == inner:
                    yield f"{name}.{inner}", function, found


@pytest.mark.parametrize("name", NAMES)
def test_what_is_raised_is_said(name: str) -> None:
    """In the docstring of the function that raises it, of its class, or of the module."""
    module = modules()[name]
    silent = []
    for said, found, owner in public(module):
        if not isinstance(found, FunctionType):
            continue
        tree = ast.parse(textwrap.dedent(inspect.getsource(found)))
        docs = " ".join(filter(None, (found.__doc__, owner and owner.__doc__, module.__doc__)))
        for node in ast.walk(tree):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                raised = getattr(node.exc.func, "id", getattr(node.exc.func, "attr", ""))
                known = raised in docs or raised in BY_CUSTOM.get(found.__name__, ())
                if not known and not any(word in docs.lower() for word in SAYS_SO):
                    silent.append(f"{said}: {raised}")
    assert silent == []


@pytest.mark.parametrize("name", dirac_failover.__all__[1:])
def test_a_name_of_dirac_says_that_it_is_dirac_s(name: str) -> None:
    """The class, or the module that it is in, names the source of its behaviour."""
    found = getattr(dirac_failover, name)
    assert "DIRAC" in f"{found.__doc__} {modules()[found.__module__].__doc__}"


def test_everything_that_is_offered_is_there() -> None:
    """What ``__all__`` names can be imported, and says what it is."""
    for package in (dirac_failover, dirac_failover.testing, dirac_fakes):
        for name in package.__all__:
            found = getattr(package, name)
            assert isinstance(found, (str, type(dirac_failover.testing.MISSING))) or inspect.getdoc(found), name


@pytest.mark.parametrize("name", [name for name in NAMES if ">>> " in Path(modules()[name].__file__ or "").read_text()])
def test_every_example_in_a_docstring_runs(name: str) -> None:
    """Its output is the one that the docstring shows."""
    failed, tried = doctest.testmod(modules()[name], optionflags=FLAGS)
    assert failed == 0
    assert tried > 0
