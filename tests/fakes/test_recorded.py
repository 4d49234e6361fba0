"""The fakes answer what the real services answered: ``tests/live/test_recorded.py`` has recorded it."""

from __future__ import annotations

import pytest

from tests.live import recorded
from tests.live.worlds import comparison


@pytest.mark.parametrize(("service", "strict"), recorded.KINDS)
def test_a_fake_answers_as_the_real_service_did(service, strict):
    """To each call of a sequence, and with the same state after it."""
    side = comparison(service, strict=strict)
    kept = list(recorded.read(service, strict=strict))
    assert kept
    for sequence, told in kept:
        assert side.told(service, *sequence, real=False) == told
