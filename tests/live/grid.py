"""The real DIRAC on this machine: database, stand-in for OpenSearch, configuration, and handlers in this process."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NamedTuple

from tests.live.configuration import Configured, configured
from tests.live.database import Database, mariadb
from tests.live.opensearch import Indices, opensearch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Grid(NamedTuple):
    """What runs, where, and how many seconds it took to start it."""

    folder: Path
    database: Database
    documents: Indices
    site: Configured
    seconds: float = 0.0


@contextmanager
def running(folder: Path) -> Iterator[Grid]:
    """Run the database and the stand-in for OpenSearch for a ``with`` block, and configure DIRAC in this process.

    This process is a server: it sees no user's proxy.
    """
    with ExitStack() as stack:
        database = stack.enter_context(mariadb(folder / "database"))
        site = configured(folder, database.port)
        documents = stack.enter_context(opensearch(site.ports.opensearch))
        os.environ.update(X509_CERT_DIR=site.credentials.authorities, X509_USER_PROXY="/nonexistent", DIRAC_NO_CFG="1")
        from DIRAC.ConfigurationSystem.Client.ConfigurationData import gConfigurationData

        loaded = gConfigurationData.loadFile(site.cfg)
        if not loaded["OK"]:
            raise RuntimeError(loaded["Message"])
        yield Grid(folder, database, documents, site)
