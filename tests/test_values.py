"""Values are frozen: all dataclasses of the package but those that count."""

import importlib
import pkgutil
from dataclasses import is_dataclass

import dirac_failover

COUNTERS = {"ClauseStats", "Comparison", "Findings", "Group", "ProfileFit"}
"""The classes whose objects add up."""


def test_values_cannot_be_changed():
    """Threads, processes and reports share them."""
    names = [item.name for item in pkgutil.walk_packages(dirac_failover.__path__, "dirac_failover.")]
    modules = [importlib.import_module(name) for name in names if not name.endswith("__main__")]
    kinds = {thing for module in modules for thing in vars(module).values() if isinstance(thing, type)}
    values = {kind for kind in kinds if is_dataclass(kind) and kind.__module__.startswith("dirac_failover.")}
    assert len(values) > 30
    assert {kind.__name__ for kind in values if not kind.__dataclass_params__.frozen} == COUNTERS
