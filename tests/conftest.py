"""Fixtures that every test folder shares: the implementations under test, each behind one kit."""

from __future__ import annotations

from importlib import metadata
from importlib.util import find_spec

import pytest

from dirac_failover.conformance.kits import KITS, Kit

HAVE_DIRAC = find_spec("DIRAC") is not None and metadata.version("DIRAC").startswith("9.")

collect_ignore = [] if HAVE_DIRAC else ["differential"]


def pytest_report_header() -> str:
    """Say whether the real DIRAC takes part."""
    if not HAVE_DIRAC:
        return "real DIRAC: not installed here, so tests/differential is left out ('nox -s differential' runs it)"
    return f"real DIRAC: {KITS['dirac']().version}, beside the reference"


@pytest.fixture(scope="session", params=["reference", *(["dirac"] if HAVE_DIRAC else [])])
def kit(request: pytest.FixtureRequest) -> Kit:
    """Each implementation in turn: the reference, and the real DIRAC where it is installed."""
    return KITS[request.param]()


@pytest.fixture(scope="session")
def reference() -> Kit:
    """The reference alone."""
    return KITS["reference"]()


@pytest.fixture(scope="session")
def dirac() -> Kit:
    """The real DIRAC alone: for tests/differential."""
    return KITS["dirac"]()
