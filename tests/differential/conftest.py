"""What the comparisons with the real DIRAC share."""

from __future__ import annotations

import pytest

from dirac_failover.conformance.kits import KITS, Kit


@pytest.fixture(scope="session")
def dirac() -> Kit:
    """The real DIRAC alone: here it takes the name of the plug-in's fixture."""
    return KITS["dirac"]()
