"""A user's tests with a bug of the zoo: :func:`outcome` runs pytest with this module as a plug-in.

The plug-in replaces FailoverRequest by the module with the bug before any test is imported.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from dirac_failover.errors import BrokenError, SettingError

if TYPE_CHECKING:
    from collections.abc import Sequence

BUG: Final = "DIRAC_FAILOVER_BUG"
"""The environment variable that names the bug; empty for none."""
CAUGHT: Final = "caught"
ALIVE: Final = "alive"

_PASSED, _FAILED = 0, 1
"""pytest's exit codes."""


def pytest_configure() -> None:
    """Let tests find the module with the bug wherever they import FailoverRequest from."""
    if name := os.environ.get(BUG):
        import dirac_failover
        from dirac_failover import failover_request
        from dirac_failover.conformance.zoo import BUGS

        failover_request.FailoverRequest = BUGS[name].module  # type: ignore[misc]
        vars(dirac_failover)["FailoverRequest"] = BUGS[name].module


def outcome(name: str, paths: Sequence[str], timeout: float) -> str:
    """Return whether the tests at ``paths`` catch the bug ``name``, in at most ``timeout`` seconds.

    Tests that hang catch it. Without a name all of them must pass; raises SettingError when they do not.
    """
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", __name__, *paths]
    environment = os.environ | {BUG: name}
    try:
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, timeout=timeout, check=False, env=environment
        )
    except subprocess.TimeoutExpired:
        if not name:
            raise BrokenError(f"The tests did not end within {timeout:g} seconds") from None
        return CAUGHT
    if done.returncode not in {_PASSED, _FAILED} or (not name and done.returncode != _PASSED):
        last = (done.stdout + done.stderr).strip().splitlines() or ["no output"]
        which = "without any bug" if not name else f"with {name}"
        raise SettingError(f"The tests cannot be used: {which} pytest ended with {done.returncode}: {last[-1]}")
    return ALIVE if done.returncode == _PASSED else CAUGHT
