"""What the tests of the modules share."""

from __future__ import annotations

import pytest


@pytest.fixture
def outputs(dirac_workdir):
    """The job has made one file: its description, as the workflow has it."""
    (dirac_workdir / "events.root").write_text("events")
    return {
        "outputList": [{"outputDataName": "events.root", "outputDataType": "ROOT", "outputDataSE": "ACME-DST"}],
        "ProductionOutputData": ["/acme/12/events.root"],
    }
