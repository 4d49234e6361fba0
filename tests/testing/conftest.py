"""What the tests of the fixture library share: no real grid in sight, whatever the machine is."""

import pytest

from dirac_failover.testing import Dirac


@pytest.fixture(autouse=True)
def away_from_the_grid(no_grid):
    """Every test of this folder is."""


@pytest.fixture
def on_base(implementation):
    """A user's module on ModuleBase: it reports its files, and leaves in the request what cannot be said now."""

    class OnBase(implementation.ModuleBase):
        def _initialize(self):
            self.request.RequestName = "mine"

        def _execute(self):
            for lfn in self.inputDataList:
                self.fileReport.setFileStatus(self.production_id, lfn, "Processed")
            if not self.fileReport.commit()["OK"]:
                self.request.addOperation(self.fileReport.generateForwardDISET()["Value"])
            self.generateFailoverFile()

    return OnBase


@pytest.fixture
def on_failover_request(implementation):
    """A user's module on FailoverRequest."""
    return type("OnFailoverRequest", (implementation.FailoverRequest,), {})


@pytest.fixture
def world():
    """An in-memory DIRAC."""
    return Dirac()
