"""What holds for every test: the plug-in is loaded, and no test fails because the machine is busy, or by chance.

Hypothesis makes up the same examples in each run. ``--hypothesis-profile=thorough`` makes up more of them, which is
what ``nox -s coverage`` asks for, and ``--hypothesis-profile=unhurried`` makes up new ones.

Where the distribution is installed, pytest loads the plug-in itself, under the name of its entry point; in a bare
checkout it is loaded here.
"""

from __future__ import annotations

import os
from contextlib import suppress
from importlib.metadata import entry_points

if "PYTEST_XDIST_WORKER" in os.environ:  # the workers of 'nox -s coverage' are measured, not what their tests start
    os.environ.pop("COVERAGE_PROCESS_CONFIG", None)

PLUGIN = "dirac_failover.pytest_plugin"
LOADED = "PYTEST_DISABLE_PLUGIN_AUTOLOAD" not in os.environ and any(
    entry.value == PLUGIN for entry in entry_points(group="pytest11")
)

pytest_plugins = ["pytester", *([] if LOADED else [PLUGIN])]

with suppress(ModuleNotFoundError):  # an environment inside a checkout may be a user's, with tests of its own
    from hypothesis import HealthCheck, settings

    settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.register_profile("thorough", settings.get_profile("unhurried"), derandomize=True, database=None)
    settings.register_profile("repeatable", settings.get_profile("thorough"), max_examples=30)
    settings.load_profile("repeatable")
