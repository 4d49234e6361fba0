"""The suite as it is: what ``pytest --pyargs dirac_failover.conformance.suite`` collects."""

from __future__ import annotations

from dirac_failover.conformance.suite import ConformanceSuite


class TestConformance(ConformanceSuite):
    """The port that ``--dirac-port`` or the ini setting ``dirac_port`` names."""
