"""Loads the plug-in from the checkout; installed, its entry point has the same name, so pytest knows it is the same."""

from __future__ import annotations

from importlib.util import find_spec

pytest_plugins = ["dirac_failover.pytest_plugin"] if find_spec("dirac_failover.pytest_plugin") else []
