"""Whose clients a module gets: the reference's, or those of the real DIRAC that it is written for.

A module uses the real DIRAC when one of its base classes is DIRAC's, or when the file of one of them imports from it.
DIRAC is imported by those who use it, never from here. What may change here: how that is found out.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from dirac_failover.drivers.adapters import imports_dirac
from dirac_failover.drivers.implementations import IMPLEMENTATIONS, Implementation
from dirac_failover.spec.profiles import PROFILES
from dirac_failover.wire.rpc import connect

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from dirac_failover.spec.profiles import Profile
    from dirac_failover.testing.world import Dirac
    from dirac_failover.wire.rpc import Transport

REFERENCE: Final = "reference"
_EXPERIMENTS: Final = {"LHCbDIRAC": "lhcbdirac", "ILCDIRAC": "ilcdirac"}
_REAL: Final = ("DIRAC", *_EXPERIMENTS)


@lru_cache
def implementation_named(name: str) -> Implementation:
    """Return an implementation by its name, made once; raises what its factory raises when it is not installed."""
    return IMPLEMENTATIONS[name]()


def name_for(kinds: Iterable[Any]) -> str:
    """Return the name of the implementation that fits module classes."""
    if "DIRAC" not in sys.modules:
        return REFERENCE
    bases = [base for kind in kinds for base in kind.__mro__]
    tops = {base.__module__.partition(".")[0] for base in bases}
    for package, name in _EXPERIMENTS.items():
        if package in tops:
            return name
    homes = [sys.modules.get(base.__module__) for base in bases]
    if "DIRAC" in tops or any(home is not None and imports_dirac(home) for home in homes):
        return real_name()
    return REFERENCE


def real_name() -> str:
    """Return the name of the implementation for the real DIRAC that has been imported."""
    version = str(getattr(sys.modules["DIRAC"], "version", ""))
    return "dirac-8.0" if version.removeprefix("v").startswith(("8.", "8r")) else "dirac"


def extra_commons(implementation: Implementation, profile: str | None) -> Mapping[str, Any]:
    """Return what workflows of the profile, or else of the implementation, add to ``workflow_commons``."""
    return implementation.commons if profile is None else profile_named(profile).commons


def profile_named(name: str) -> Profile:
    """Return a profile; ValueError says which ones there are."""
    if name not in PROFILES:
        raise ValueError(f"There is no profile {name!r}: there are {', '.join(PROFILES)}")
    return PROFILES[name]


@contextmanager
def connected(
    implementation: Implementation, world: Dirac, transport: Transport | None = None, *, proxy: bool = True
) -> Iterator[None]:
    """Connect the reference's clients to a world for a ``with`` block, and those of ``implementation`` as well."""
    caller = world.caller
    who: dict[str, Any] = {"owner": caller.username, "group": caller.group} if proxy else {}
    way = transport or world
    with ExitStack() as stack:
        stack.enter_context(connect(way, sleep=world.clock.sleep, **who))
        if implementation.name != REFERENCE:
            stack.enter_context(implementation.connect(way, sleep=world.clock.sleep, **who))
        yield
