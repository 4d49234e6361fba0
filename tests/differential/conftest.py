"""What the comparisons with the real DIRAC share."""

from __future__ import annotations

import pytest

from dirac_failover.drivers.kits import KITS, Kit


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark every test of this folder as one that runs the real DIRAC."""
    item.add_marker("dirac")


@pytest.fixture(scope="session")
def dirac() -> Kit:
    """The real DIRAC alone: here it takes the name of the plug-in's fixture."""
    return KITS["dirac"]()
