"""What is recorded of the real services is what they answer; ``RENEW=1`` records it anew."""

from __future__ import annotations

import os

import pytest

from tests.live import calls, pointed, recorded
from tests.live.comparing import drawn
from tests.live.test_services import SEQUENCES

DRAWN, ODD = 400, 60
"""The sequences that are drawn, and the part of those with one odd value that comes among the first."""
FIRST = {True: 120, False: 40}
"""The sequences that are recorded in any case, in strict mode and without."""


@pytest.mark.usefixtures("grid")
@pytest.mark.parametrize(("service", "strict"), recorded.KINDS)
def test_the_real_service_answers_what_is_recorded(service, strict, record_property):
    from tests.live.worlds import comparisons

    comparison = comparisons(strict=strict)[service]
    if os.environ.get("RENEW"):
        odd = list(calls.odd_ones(service)) if strict else []
        some = drawn(SEQUENCES[service], DRAWN)
        first = [*pointed.SEQUENCES.get(service, []), *some[: FIRST[strict]], *odd[::ODD]]
        recorded.write(comparison, service, first, [*some[FIRST[strict] :], *odd], strict=strict)
    kept = list(recorded.read(service, strict=strict))
    record_property("live", f"{service}: {len(kept)} recorded sequences{'' if strict else ', not strict'}")
    for sequence, told in kept:
        assert comparison.told(service, *sequence, real=True) == told
