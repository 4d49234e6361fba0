"""DIRAC's own servers: ``python -m tests.live.servers tornado|SYSTEM/SERVICE CFG`` runs one of them on the loopback.

JobStateUpdate, TransformationManager and ReqManager are served over HTTPS by DIRAC's Tornado server; DataStore and
ReqProxy, for which DIRAC 9.1 has no Tornado handler, over DIPS by DIRAC's DISET server. Patched is the address on which
they listen, and PyPI's Tornado 5.1.1, which lacks three changes of the one that DIRAC distributes, and knows no Python
of 3.10 or later.
"""

from __future__ import annotations

import collections
import collections.abc
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.live.children import LOOPBACK, child, ended, wait_for

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from tests.live.configuration import Configured


@contextmanager
def servers(grid: Configured, folder: Path) -> Iterator[None]:
    """Run all servers in processes of their own, in ``folder``, for a ``with`` block; wait until they listen."""
    listening = [
        ("tornado", grid.ports.https),
        ("Accounting/DataStore", grid.ports.data_store),
        ("RequestManagement/ReqProxy", grid.ports.req_proxy),
    ]
    environment = {
        **{name: value for name, value in os.environ.items() if name not in ("X509_USER_PROXY", "DIRAC_NO_CFG")},
        "X509_CERT_DIR": grid.credentials.authorities,
        "X509_USER_PROXY": "/nonexistent",  # with a proxy, a server would own the requests that it reads
        "DIRAC_USE_TORNADO_IOLOOP": "yes",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    started: list[subprocess.Popen[bytes]] = []
    try:
        for name, _ in listening:
            log = folder / f"{name.replace('/', '_')}.log"
            kind = {"DIRAC_USE_TORNADO_IOLOOP": "yes" if name == "tornado" else "no"}
            command = [sys.executable, "-m", "tests.live.servers", name, grid.cfg]
            started.append(child(command, log, cwd=folder, env=environment | kind))
        for process, (name, port) in zip(started, listening, strict=True):
            wait_for(port, process, folder / f"{name.replace('/', '_')}.log")
        yield
    finally:
        ended(*started)


def _patch_tornado() -> None:
    collections.MutableMapping = collections.abc.MutableMapping  # type: ignore[attr-defined]
    from tornado import httpserver, httputil, iostream, tcpserver

    iostream.SSLIOStream.configure = classmethod(lambda cls, name: None)
    from tornado_m2crypto.m2httputil import M2HTTPServerRequest
    from tornado_m2crypto.m2iostream import M2IOStream
    from tornado_m2crypto.m2netutil import m2_wrap_socket

    class Stream(M2IOStream):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self._ssl_connect_future = None
            self.initialize(*args, **kwargs)

    tcpserver.SSLIOStream = Stream
    tcpserver.ssl_wrap_socket = m2_wrap_socket
    for name in ("get_ssl_certificate", "get_ssl_certificate_chain"):
        setattr(httputil.HTTPServerRequest, name, getattr(M2HTTPServerRequest, name))
    listen = httpserver.HTTPServer.listen
    httpserver.HTTPServer.listen = lambda self, port, address="": listen(self, port, LOOPBACK)


def serve_https(cfg: str) -> None:
    """Run DIRAC's Tornado server with all services that the configuration names."""
    _patch_tornado()
    sys.argv = ["tornado", cfg]
    from DIRAC.Core.Base.Script import Script
    from DIRAC.Core.Tornado.Server.TornadoServer import TornadoServer
    from DIRAC.Core.Utilities.DErrno import includeExtensionErrors
    from DIRAC.FrameworkSystem.Client.Logger import gLogger

    Script.localCfg.setConfigurationForTornado()
    Script.localCfg.addDefaultEntry("/DIRAC/Security/UseServerCertificate", "yes")
    Script.localCfg.loadUserData()
    includeExtensionErrors()
    gLogger.initialize("Tornado", "/")
    TornadoServer(services=True, endpoints=False).startTornado()


def serve_dips(service: str, cfg: str) -> None:
    """Run DIRAC's DISET server for one service."""
    from DIRAC.Core.DISET.private.Transports.M2SSLTransport import SSLTransport
    from DIRAC.Core.scripts.dirac_service import main

    begin = SSLTransport.initAsServer

    def on_loopback(self: Any) -> Any:
        self.stServerAddress = (f"::ffff:{LOOPBACK}", self.stServerAddress[1])  # its socket is one of IPv6
        return begin(self)

    SSLTransport.initAsServer = on_loopback
    sys.argv = ["dirac-service", service, cfg]
    main()


if __name__ == "__main__":
    if sys.argv[1] == "tornado":
        serve_https(sys.argv[2])
    else:
        serve_dips(*sys.argv[1:])
