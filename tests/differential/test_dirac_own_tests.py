"""DIRAC's own unit tests of its workflow modules, run from where DIRAC is installed, on the reference's classes."""

import importlib.util
import sys
import unittest
from importlib import import_module
from importlib.machinery import PathFinder

import pytest

from dirac_failover import failover_request, module_base

PLACE = "DIRAC.Workflow.Modules"
TESTS = f"{PLACE}.test.Test_Modules"


@pytest.fixture
def own_tests(monkeypatch, tmp_path, pytestconfig, dirac):
    """A fresh copy of DIRAC's test module; what it imports as DIRAC's modules is the reference's."""
    import DIRAC

    package = import_module(PLACE)
    pytestconfig.addinivalue_line("markers", "slow: DIRAC's own")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JOBID", raising=False)
    monkeypatch.setattr(DIRAC.gLogger, "setLevel", lambda level: None)  # noqa: ARG005 - they would make it talk
    for name, module in (("ModuleBase", module_base), ("FailoverRequest", failover_request)):
        monkeypatch.setitem(sys.modules, f"{PLACE}.{name}", module)
        monkeypatch.setattr(package, name, module)
    # DIRAC's Script is imported anew, so that it is built upon the reference's ModuleBase
    monkeypatch.delitem(sys.modules, f"{PLACE}.Script", raising=False)
    monkeypatch.setattr(package, "Script", None, raising=False)
    (folder,) = PathFinder.find_spec("test", package.__path__).submodule_search_locations
    spec = PathFinder.find_spec("Test_Modules", [folder])
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    yield module
    sys.modules.pop(f"{PLACE}.Script", None)


def run(cases, seen):
    """Run the tests of ``cases``; return how many ran, what did not pass, and collect the classes they used."""

    class Watched(cases):
        def setUp(self):
            super().setUp()
            seen.update({type(self.mb), type(self.fr), *type(self.script).__mro__})

    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(Watched).run(result)
    bad = [text for _, text in [*result.failures, *result.errors, *result.skipped, *result.expectedFailures]]
    return result.testsRun, bad


@pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)  # of DIRAC's Script
@pytest.mark.parametrize(
    ("cases", "count"),
    [
        ("ModuleBaseSuccess", 6), ("FailoverRequestSuccess", 1), ("ScriptSuccess", 1), ("ScriptUnicode", 1),
        ("ScriptFailure", 1),
    ],
)  # fmt: skip
def test_diracs_own_tests_pass_on_the_reference(own_tests, cases, count):
    """All of them run, none is skipped, and the classes that they test are the reference's; Script is DIRAC's own."""
    seen = set()
    assert run(getattr(own_tests, cases), seen) == (count, [])
    ours = {kind for kind in seen if kind.__module__.startswith("dirac_failover.")}
    assert ours == {module_base.ModuleBase, failover_request.FailoverRequest}
    assert {kind.__module__ for kind in seen - ours} == {f"{PLACE}.Script", "builtins"}


def test_all_of_diracs_own_tests_are_run_here(own_tests):
    """A test that DIRAC adds is missed by nobody: ten in five classes."""
    suites = unittest.defaultTestLoader.loadTestsFromModule(own_tests)
    names = {type(test).__name__ for suite in suites for test in suite}
    assert names == {"ModuleBaseSuccess", "FailoverRequestSuccess", "ScriptSuccess", "ScriptUnicode", "ScriptFailure"}
    assert suites.countTestCases() == 10
