"""A private MariaDB with DIRAC's real schemas: a folder, a socket and a port of its own, gone afterwards."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.live.children import MissingError, child, ended, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

DATABASES: Final = {
    "JobDB": "WorkloadManagementSystem",
    "JobLoggingDB": "WorkloadManagementSystem",
    "SandboxMetadataDB": "WorkloadManagementSystem",
    "TransformationDB": "TransformationSystem",
    "ReqDB": "",  # its class makes the tables, and AccountingDB's too
    "AccountingDB": "",
}
USER: Final = "Dirac"
PATIENCE: Final = 60.0
_PROGRAMS: Final = ("mariadbd", "mariadb-install-db", "mariadb")


class Database(NamedTuple):
    """A database server: its socket and its port on 127.0.0.1, where ``USER`` has ``USER`` as password."""

    socket: str
    port: int

    def run(self, sql: str) -> str:
        """Execute statements as root; return what they print, without headings."""
        command = ["mariadb", "--no-defaults", "--batch", "--skip-column-names", "-S", self.socket, "-u", "root"]
        return subprocess.run(command, input=sql, text=True, check=True, capture_output=True).stdout


@contextmanager
def mariadb(folder: Path) -> Iterator[Database]:
    """Run a server with its data in ``folder`` for a ``with`` block; its settings are MariaDB's own, strict mode too.

    Raises MissingError if MariaDB is not installed.
    """
    path = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"
    programs = {name: shutil.which(name, path=path) for name in _PROGRAMS}
    if missing := [name for name, where in programs.items() if where is None]:
        raise MissingError(f"No {', '.join(missing)} found: apt-get install mariadb-server")
    server, install, _ = map(str, programs.values())
    folder.mkdir(parents=True, exist_ok=True)
    database = Database(str(folder / "socket"), free_port())
    common = [f"--datadir={folder / 'data'}", f"--user={getpass.getuser()}"]
    temporary = folder / "temporary"  # a server that starts removes what it finds of another one in a common folder
    temporary.mkdir()
    environment = {**os.environ, "TMPDIR": str(temporary)}
    made = subprocess.run(
        [install, "--no-defaults", *common, "--auth-root-authentication-method=normal", "--skip-test-db"],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    if made.returncode:
        raise MissingError(f"mariadb-install-db ended with {made.returncode}: {made.stderr.strip()[-300:]}")
    process = child(
        [
            server, "--no-defaults", *common, f"--socket={database.socket}", f"--port={database.port}",
            "--bind-address=127.0.0.1", f"--pid-file={folder / 'pid'}", "--skip-log-bin",
            "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0", "--innodb-flush-method=nosync",
            "--sync-frm=0",
            "--character-set-server=utf8mb4", "--collation-server=utf8mb4_general_ci",
        ],
        folder / "log",
        env=environment,
    )  # fmt: skip
    try:
        _wait(database, process, folder / "log")
        database.run("".join(_statements()))
        yield database
    finally:
        ended(process)


def _wait(database: Database, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            database.run("SELECT 1")
        except subprocess.CalledProcessError:
            time.sleep(0.05)
        else:
            return
    raise MissingError(f"mariadbd does not answer: {log.read_text(errors='replace').strip()[-300:]}")


def _statements() -> Iterator[str]:
    spec = find_spec("DIRAC")
    if spec is None or spec.origin is None:
        raise MissingError("The real DIRAC is not installed: pip install DIRAC, as 'nox -s live' does")
    package = Path(spec.origin).parent
    for host in ("127.0.0.1", "localhost"):
        yield f"CREATE USER {USER}@'{host}' IDENTIFIED BY '{USER}'; GRANT ALL ON *.* TO {USER}@'{host}';\n"
    for name, system in DATABASES.items():
        yield f"CREATE DATABASE {name};\n"
        if system:
            yield (package / system / "DB" / f"{name}.sql").read_text() + "\n"
