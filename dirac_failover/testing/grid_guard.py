"""The guard against a real grid: it finds a proxy, a certificate, or a configuration that the real DIRAC would read.

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
"""The environment variables that name a proxy, a certificate or a configuration for DIRAC."""


class GridInSightError(Exception):
    """A real proxy, certificate or configuration is there; the message names it, and the way out."""


def files() -> list[str]:
    """Return where a proxy and DIRAC's own configuration usually lie.

    DIRAC itself names the root: that of a virtual environment is not its own folder.
    """
    root = getattr(sys.modules.get("DIRAC"), "rootPath", sys.base_prefix)
    return [
        f"/tmp/x509up_u{os.getuid()}",  # noqa: S108 - the usual place
        os.path.expanduser("~/.dirac.cfg"),
        os.path.join(root, "etc", "dirac.cfg"),
    ]


def refuse(how_to_allow: str) -> None:
    """Raise :class:`GridInSightError` when a proxy or the configuration of a real grid is found."""
    found = [f"{name}={os.environ[name]}" for name in VARIABLES if os.environ.get(name)]
    if found := found + [path for path in files() if os.path.exists(path)]:
        raise GridInSightError(
            f"The real DIRAC is not used beside a real grid, and there is {', '.join(found)}: "
            f"take that away for the tests, or allow it with {how_to_allow}"
        )
