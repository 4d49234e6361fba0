"""What holds for every test: the plug-in is loaded from the checkout, and no test fails because the machine is busy.

Installed, the plug-in's entry point has the name under which it is loaded here, so pytest knows that it is the same.
"""

from __future__ import annotations

from importlib.util import find_spec

from hypothesis import HealthCheck, settings

pytest_plugins = ["dirac_failover.pytest_plugin"] if find_spec("dirac_failover.pytest_plugin") else []

settings.register_profile("unhurried", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")
