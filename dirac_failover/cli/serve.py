"""``dirac-failover serve``: an in-memory DIRAC behind a port, for other processes and other languages.

It prints its address and the settings that DIRAC needs, and then answers until a signal stops it (SIGINT, SIGTERM).
The replies come from :mod:`dirac_failover.serving.site`.
"""

from __future__ import annotations

import ipaddress
import json
import signal
import socket
import ssl
import tempfile
from contextlib import ExitStack
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from dirac_failover.cli.exits import CommandError, Exit, write
from dirac_failover.conformance.results import write as write_file
from dirac_failover.serving import credentials
from dirac_failover.serving.admin import read_fault
from dirac_failover.serving.configuration import Announcement
from dirac_failover.serving.http_server import SiteServer
from dirac_fakes.faults import FaultError
from dirac_fakes.world import World

if TYPE_CHECKING:
    import argparse

STOPPING: Final = (signal.SIGINT, signal.SIGTERM)
_LAST_PORT: Final = 65535
_FILES: Final = ("/vo/a", "/vo/b")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    # fmt: off
    parser.epilog = "FAULT is as in 'dirac-failover run --help'; /admin is described by 'dirac-failover schema admin'."
    where = parser.add_argument_group("where")
    add = where.add_argument
    add("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    add("--allow-remote", action="store_true", help="listen on an address that other machines can reach: the "
        "server has no authentication")
    add("--port", type=int, default=0, help="(default: one that is free)")
    add("--http", action="store_true", help="without encryption, for clients other than DIRAC's")
    add("--certificate", metavar="FILE", help="the server's certificate (default: one is made, and its authority)")
    add("--key", metavar="FILE", help="its key (default: it is in the same file)")
    what = parser.add_argument_group("what")
    add = what.add_argument
    add("--job-id", metavar="ID", type=int, default=77, help="the job that there is (default: %(default)s)")
    add("--transformation", metavar="ID", type=int, default=12,
        help="the transformation that there is (default: %(default)s)")
    add("--file", dest="files", metavar="LFN", action="append",
        help=f"a file of the transformation; again for more (default: {' and '.join(_FILES)})")
    add("--owner", default="alice", help="the user who calls and who owns the job (default: %(default)s)")
    add("--group", default="vo_user", help="the group of that user (default: %(default)s)")
    add("--diracx", action="store_true", help="the configuration makes DIRAC report on jobs to DiracX")
    add("--fault", dest="faults", metavar="FAULT", action="append", default=[],
        help="what goes wrong from the start; again for more")
    output = parser.add_argument_group("output")
    add = output.add_argument
    add("--write-config", metavar="FILE", help="write the configuration of DIRAC there, too")
    add("--json", action="store_true", help="print one line for machines: 'dirac-failover schema serve' describes it")
    # fmt: on


def execute(arguments: argparse.Namespace) -> int:
    """Serve until a signal comes; return the exit code."""
    world = _world(arguments)
    _check_host(arguments)
    with ExitStack() as stack:
        own, context = None, None
        if not arguments.http:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="dirac-failover-"))
            hosts = dict.fromkeys((arguments.host, "127.0.0.1", "localhost"))
            own = credentials.make(folder, owner=arguments.owner, group=arguments.group, hosts=list(hosts))
            stack.callback(own.forget)
            context = _context(arguments.certificate or own.host, arguments.key)
        # Blocked before there are threads, so that this thread alone gets them
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
        stack.callback(signal.pthread_sigmask, signal.SIG_SETMASK, blocked)
        try:
            server = SiteServer(world, host=arguments.host, port=arguments.port, context=context)
        except OSError as error:
            raise CommandError(f"Cannot listen on {arguments.host}, port {arguments.port}: {error}") from error
        stack.enter_context(server)
        trusted = not arguments.certificate
        said = Announcement.of(server.url, world, own, diracx=arguments.diracx, trusted=trusted)
        if arguments.write_config is not None:
            write_file(arguments.write_config, said.configuration)
        write(f"{json.dumps(asdict(said))}\n" if arguments.json else _text(said))
        signal.sigwait(STOPPING)
    return Exit.OK


def _world(arguments: argparse.Namespace) -> World:
    world = World(
        arguments.job_id,
        arguments.transformation,
        arguments.files or _FILES,
        owner=arguments.owner,
        group=arguments.group,
    )
    try:
        for fault in arguments.faults:
            world.arm(read_fault(fault))
    except FaultError as error:
        raise CommandError(f"--fault: {error}") from error
    return world


def _check_host(arguments: argparse.Namespace) -> None:
    if not 0 <= arguments.port <= _LAST_PORT:
        raise CommandError(f"--port: expected 0 to {_LAST_PORT}, found {arguments.port}")
    if arguments.http and arguments.certificate:
        raise CommandError("--http: there is no certificate without encryption; leave out one of the two")
    if arguments.key and not arguments.certificate:
        raise CommandError("--key: expected --certificate as well")
    try:
        address = ipaddress.ip_address(socket.gethostbyname(arguments.host))
    except OSError as error:
        raise CommandError(f"--host: there is no {arguments.host!r}: {error}") from error
    if not (address.is_loopback or arguments.allow_remote):
        text = f"--host: other machines can reach {arguments.host}, and the server has no authentication"
        raise CommandError(f"{text}; --allow-remote if that is wanted")


def _context(certificate: str, key: str | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key)
    except OSError as error:  # those of ssl are, too
        raise CommandError(f"--certificate: cannot be used: {certificate}: {error}") from error
    return context


def _text(said: Announcement) -> str:
    lines = [
        f"An in-memory DIRAC is at {said.url}",
        f"Faults, journal and reset are at {said.admin}; it stops at Ctrl-C.",
    ]
    if said.environment:
        lines += ["", "Where DIRAC's clients run:", ""]
        lines += [f"export {name}={value}" for name, value in said.environment.items()]
        lines += ["", "Their configuration:", "", said.configuration.rstrip()]
    return "".join(f"{line}\n" for line in lines)
