"""Whether a real grid is in sight: a proxy, a certificate, or a configuration that the real DIRAC would read.

Tests that use the real DIRAC then do not start.
"""

from __future__ import annotations

import os
import sys
from typing import Final

VARIABLES: Final = (
    "GRID_PROXY_FILE",
    "X509_USER_PROXY",
    "X509_USER_CERT",
    "X509_USER_KEY",
    "DIRACSYSCONFIG",
    "DIRACX_CREDENTIALS_PATH",
)
"""Environment variables that lead DIRAC to a proxy, a certificate or a configuration."""


class GridInSightError(Exception):
    """A real proxy, certificate or configuration is there; the message says what, and how to go on."""


def files() -> list[str]:
    """Return where a proxy and DIRAC's own configuration usually lie.

    Below which root it looks, DIRAC says itself: a virtual environment's is not its own folder.
    """
    root = getattr(sys.modules.get("DIRAC"), "rootPath", sys.base_prefix)
    return [
        f"/tmp/x509up_u{os.getuid()}",  # noqa: S108 - the usual place
        os.path.expanduser("~/.dirac.cfg"),
        os.path.join(root, "etc", "dirac.cfg"),
    ]


def in_sight() -> list[str]:
    """Return what of a real grid can be seen from here."""
    named = [f"{name}={os.environ[name]}" for name in VARIABLES if os.environ.get(name)]
    return named + [path for path in files() if os.path.exists(path)]


def refuse(how_to_allow: str) -> None:
    """Raise :class:`GridInSightError` when a real grid is in sight."""
    if found := in_sight():
        raise GridInSightError(
            f"The real DIRAC is not used beside a real grid, and there is {', '.join(found)}: "
            f"take that away for the tests, or allow it with {how_to_allow}"
        )
