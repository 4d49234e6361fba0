"""Whatever is down when a job ends: DIRAC's own actors over the real database, and this project's, leave the same."""

from __future__ import annotations

import os

import pytest

from tests.live.outages import IN_CI, OUTAGES

WHOLE = int(os.environ.get("SEQUENCES", "400")) > 400


@pytest.fixture(scope="module")
def real(grid):
    from tests.live.chain import real_services

    return real_services()


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # DIRAC's sweeper
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_job_s_end_leaves_the_same(real, record_property):
    """After each actor, job, history, files, accounting, parameters and requests are the same on both sides."""
    from tests.live.chain import compared

    names = OUTAGES if WHOLE else IN_CI
    differing = {}
    for name in names:
        differences = compared(OUTAGES[name], real)
        if differences:
            differing[name] = differences
    record_property("live", f"a job's end: {len(names)} outages tried, {len(differing)} differ")
    shown = [
        f"{name}: {where}\n  ours {ours}\n  real {theirs}"
        for name, found in differing.items()
        for where, ours, theirs in found
    ]
    assert not shown, "\n".join(shown)
