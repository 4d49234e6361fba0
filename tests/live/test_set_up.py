"""The real services run on this machine, answer, and are gone afterwards."""

from __future__ import annotations

import ast
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.live.children import MissingError, child, ended, free_port, private_folder, wait_for
from tests.live.database import mariadb

SERVICES = (
    "WorkloadManagement/JobStateUpdate",
    "Transformation/TransformationManager",
    "Accounting/DataStore",
    "RequestManagement/ReqManager",
    "RequestManagement/ReqProxy",
)
STARTS_A_CHILD = """
from pathlib import Path
from tests.live.children import child
print(child(["sleep", "600"], Path("/dev/null")).pid, flush=True)
input()
"""


def test_every_handler_runs_in_this_process(grid, record_property):
    """Each real handler has empty tables, or the one job and the two transformations."""
    from tests.live.handlers import SERVICES as HANDLERS

    assert [handler.service for handler in HANDLERS] == list(SERVICES)
    states = {}
    for handler in HANDLERS:
        real = handler()
        real.reset()
        states[real.service] = real.state()
    assert states["WorkloadManagement/JobStateUpdate"]["job"][0] == "Running"
    assert len(states["Transformation/TransformationManager"]) == 5
    assert not states["Accounting/DataStore"]
    assert not any(states["RequestManagement/ReqManager"].values())
    record_property("live", f"database and handlers: ready after {grid.seconds:.1f} s")


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.usefixtures("as_user")
def test_every_server_answers_a_client_of_dirac(served, service, record_property):
    """Each real service is reached by DIRAC's own client with a proxy, over its own protocol."""
    from DIRAC.Core.Base.Client import Client

    url = served.site.url(service)
    answer = Client(url=url).ping()
    assert answer["OK"], answer
    assert answer["Value"]["name"] == service
    record_property("live", f"{service}: answers at {url}; all servers ready after {served.seconds:.1f} s")


def test_a_child_ends_with_its_parent():
    """A process that is killed leaves no child behind."""
    parent = subprocess.Popen(
        [sys.executable, "-c", STARTS_A_CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    pid = int(parent.stdout.readline())
    while Path(f"/proc/{pid}/comm").read_text().strip() != "sleep":  # until then it is not bound to its parent
        time.sleep(0.01)
    parent.kill()
    parent.communicate()
    for _ in range(100):
        with suppress(FileNotFoundError):
            if Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z":
                time.sleep(0.05)
                continue
        return
    os.kill(pid, signal.SIGKILL)
    pytest.fail("The child is alive")


HAS_A_FOLDER = """
import sys
from pathlib import Path
from tests.live.children import interrupted_by_sigterm, private_folder
with interrupted_by_sigterm(), private_folder(Path(sys.argv[1])) as folder:
    print(folder, flush=True)
    input()
"""


def test_folders_are_removed_whatever_ends_their_process(tmp_path):
    """At once after SIGTERM; after SIGKILL when the next one is made. One without a process's number is another's."""
    tmp_path.joinpath("live-other").mkdir()
    for kill in (signal.SIGTERM, signal.SIGKILL):
        process = subprocess.Popen(
            [sys.executable, "-c", HAS_A_FOLDER, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        folder = Path(process.stdout.readline().strip())
        assert folder.is_dir()
        process.send_signal(kill)
        process.communicate()
        assert folder.exists() is (kill == signal.SIGKILL)
    with private_folder(tmp_path) as mine, private_folder(tmp_path):
        assert (mine.exists(), folder.exists()) == (True, False)
    assert [path.name for path in tmp_path.iterdir()] == ["live-other"]


def test_a_server_that_ends_at_once_is_said(tmp_path):
    """A server that breaks down is an error of one line with what it printed last."""
    process = child(["sh", "-c", "echo no such thing; exit 1"], tmp_path / "log")
    with pytest.raises(MissingError, match="no such thing") as error:
        wait_for(free_port(), process, tmp_path / "log")
    ended(process)
    assert "\n" not in str(error.value)


def test_a_missing_mariadb_is_said(tmp_path, monkeypatch):
    """Without MariaDB, one line says which package to install."""
    monkeypatch.setattr("tests.live.database.shutil.which", lambda *_, **__: None)
    with pytest.raises(MissingError, match=r"apt-get install mariadb-server$"), mariadb(tmp_path):
        pass


def test_what_the_session_needs_is_installed_by_ci():
    """Each Debian package that the session asks for is installed by .ci/run, where its program is missing."""
    script = Path(".ci/run").read_text()
    needs = re.search(r"^LIVE_NEEDS = (.*)$", Path("noxfile.py").read_text(), re.MULTILINE)
    for program, package in ast.literal_eval(needs[1]).items():
        assert f"{program} >/dev/null || missing+=({package}" in script
