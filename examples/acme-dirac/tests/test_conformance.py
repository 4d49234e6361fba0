"""The last module keeps the contract: here in the smallest region of the space, in CI in all of it."""

from __future__ import annotations

from dirac_failover.conformance.suite import ConformanceSuite


class TestAcmeFailoverRequest(ConformanceSuite):
    """One test for each clause of the level contract; those that this region does not speak of are skipped."""

    port = "acme_dirac.failover:AcmeFailoverRequest"
    region = "identity"
    levels = ("contract",)
