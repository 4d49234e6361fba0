"""A pytest plug-in that puts an animal of the zoo in the place of FailoverRequest, before any test is imported.

``dirac-failover zoo`` loads it with ``-p`` and names the animal in the environment.
"""

from __future__ import annotations

import os
from typing import Final

BUG: Final = "DIRAC_FAILOVER_BUG"
"""The environment variable that names the animal; empty for none."""


def pytest_configure() -> None:
    """Let tests find the animal wherever they import FailoverRequest from."""
    if name := os.environ.get(BUG):
        import dirac_failover
        from dirac_failover import failover_request
        from dirac_failover.conformance.zoo import ZOO

        failover_request.FailoverRequest = ZOO[name]  # type: ignore[misc]
        vars(dirac_failover)["FailoverRequest"] = ZOO[name]
