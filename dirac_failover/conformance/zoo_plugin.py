"""A user's tests with a bug of the zoo: :func:`outcome` runs pytest with this module as a plug-in.

The plug-in replaces FailoverRequest by the module with the bug before any test is imported.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dirac_failover.errors import BrokenError, SettingError

if TYPE_CHECKING:
    from collections.abc import Sequence

BUG: Final = "DIRAC_FAILOVER_BUG"
"""The environment variable that names the bug; empty for none."""
RAN: Final = "DIRAC_FAILOVER_RAN"
"""The environment variable that names the file which is made when FailoverRequest runs without a bug."""
CAUGHT: Final = "caught"
ALIVE: Final = "alive"

_PASSED, _FAILED = 0, 1
"""pytest's exit codes."""


def pytest_configure() -> None:
    """Let tests find the module with the bug wherever they import FailoverRequest from."""
    import dirac_failover
    from dirac_failover import failover_request

    if name := os.environ.get(BUG):
        from dirac_failover.conformance.zoo import BUGS

        failover_request.FailoverRequest = BUGS[name].module  # type: ignore[misc]
        vars(dirac_failover)["FailoverRequest"] = BUGS[name].module
    elif path := os.environ.get(RAN):
        execute = failover_request.FailoverRequest.execute

        def seen(self: Any) -> Any:
            Path(path).touch()
            return execute(self)

        failover_request.FailoverRequest.execute = seen  # type: ignore[method-assign]


def outcome(name: str, paths: Sequence[str], timeout: float) -> str:
    """Return whether the tests at ``paths`` catch the bug ``name``, in at most ``timeout`` seconds.

    Tests that hang catch it. Without a name all of them must pass; raises SettingError when they do not.
    """
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", __name__, *paths]
    with tempfile.TemporaryDirectory(prefix="failover-zoo-") as folder:
        environment = os.environ | {BUG: name, RAN: f"{folder}/ran"}
        try:
            done = subprocess.run(  # noqa: S603
                command, capture_output=True, text=True, timeout=timeout, check=False, env=environment
            )
        except subprocess.TimeoutExpired:
            if not name:
                raise BrokenError(f"The tests did not end within {timeout:g} seconds") from None
            return CAUGHT
        ran = os.listdir(folder)
    if done.returncode not in {_PASSED, _FAILED} or (not name and done.returncode != _PASSED):
        last = (done.stdout + done.stderr).strip().splitlines() or ["no output"]
        which = "without any bug" if not name else f"with {name}"
        raise SettingError(f"The tests cannot be used: {which} pytest ended with {done.returncode}: {last[-1]}")
    if not (name or ran):
        raise SettingError(
            "The tests cannot be used: no test executes FailoverRequest, as imported from dirac_failover"
        )
    return ALIVE if done.returncode == _PASSED else CAUGHT
