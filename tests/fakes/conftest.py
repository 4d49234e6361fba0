"""What the tests of the fakes share."""

from __future__ import annotations

from datetime import datetime

import pytest

from dirac_fakes import World

NOON = datetime(2026, 1, 1, 12)


@pytest.fixture
def world():
    """A world whose clock stands at noon."""
    return World(now=NOON)


@pytest.fixture
def call(world):
    """Call a service by its short name; the answer comes without the stub."""

    def make(name, method, *args):
        answer = world(world.service(name).full, method, args)
        del answer["rpcStub"]
        return answer

    return make
