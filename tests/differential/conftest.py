"""What the comparisons with the real DIRAC share."""

import pytest

from dirac_failover.drivers.implementations import IMPLEMENTATIONS


def pytest_itemcollected(item):
    """Mark every test of this folder as one that runs the real DIRAC."""
    item.add_marker("dirac")


@pytest.fixture(scope="session")
def dirac():
    """The real DIRAC alone: here it takes the name of the plug-in's fixture."""
    return IMPLEMENTATIONS["dirac"].load()
