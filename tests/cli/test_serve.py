"""``dirac-failover serve``: what it says, what it serves, what it refuses, and how it stops."""

import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

import jsonschema
import pytest
import requests
from cryptography import x509

from dirac_failover.cli import main
from dirac_failover.cli import serve as command
from dirac_failover.reports.schemas import SCHEMAS
from dirac_failover.serving import credentials
from dirac_failover.serving.configuration import as_cfg, options
from dirac_failover.wire.https import HttpsTransport
from dirac_fakes import Caller
from dirac_fakes.faults import SHORT

ANYWHERE = "0.0.0.0"  # noqa: S104 - to see that it is refused
REACHED = f"--host: other machines can reach {ANYWHERE}, and the server has no authentication"
NO_CERTIFICATE = "--http: there is no certificate without encryption"
SERVICE = "WorkloadManagement/JobStateUpdate"


@pytest.fixture
def serve(capsys, monkeypatch):
    """Run the command; return what ``meanwhile`` returns of what was printed, where it waits for a signal."""

    def run(*arguments, meanwhile=lambda _: None):
        found = []

        def wait(signals):
            assert signals == (signal.SIGINT, signal.SIGTERM)
            found.append(meanwhile(capsys.readouterr().out))
            return signal.SIGTERM

        monkeypatch.setattr(command.signal, "sigwait", wait)
        assert main(["serve", *arguments]) == 0
        assert capsys.readouterr() == ("", "")
        return found[0]

    return run


def announced(text):
    """What ``--json`` printed: one line, as its schema says."""
    assert text.count("\n") == 1
    assert text.endswith("}\n")
    said = json.loads(text)
    jsonschema.validate(said, SCHEMAS["serve"]())
    return said


def session(said):
    """A session that trusts the server."""
    found = requests.Session()
    found.trust_env = False
    found.verify = said["environment"].get("X509_CERT_DIR", False)
    return found


def snapshot(text):
    """What the services hold."""
    said = announced(text)
    with session(said) as asked:
        return asked.get(f"{said['admin']}/snapshot", timeout=10).json()


def test_it_says_for_machines_where_it_is_and_what_dirac_is_told(serve):
    """In one line, when there are answers; all paths exist."""

    def look(text):
        said = announced(text)
        assert all(os.path.exists(path) for path in said["environment"].values())
        with session(said) as asked:
            assert asked.get(f"{said['admin']}/faults", timeout=10).json() == {"armed": [], "unfired": []}
        return said

    said = serve("--json", meanwhile=look)
    url = said["url"]
    assert re.fullmatch(r"https://127.0.0.1:\d{4,5}", url), "one that is free, and that anybody may take"
    assert said["admin"] == f"{url}/admin"
    assert said["pid"] == os.getpid()
    assert said["services"] == {name: f"{url}/{name}" for name in SHORT}
    assert list(said["environment"]) == ["X509_USER_PROXY", "X509_CERT_DIR", "REQUESTS_CA_BUNDLE", "DIRACX_CA_PATH"]
    authorities = said["environment"]["X509_CERT_DIR"]
    assert re.fullmatch(r"dirac-failover-\w{8}", Path(authorities).parent.name)
    assert said["options"] == options(url, Caller(), "/O=dirac-failover/CN=alice", authorities)
    assert said["configuration"] == as_cfg(said["options"])
    assert not any(os.path.exists(path) for path in said["environment"].values())


def test_the_token_that_dirac_has_copied_is_removed(serve, mocker):
    """Once nobody can use it any more."""
    forget = mocker.patch.object(credentials.Credentials, "forget")
    assert serve("--json", meanwhile=lambda text: (announced(text), forget.call_count))[1] == 0
    forget.assert_called_once_with()


def test_our_own_client_can_use_what_it_says(serve, monkeypatch):
    """Variables and URLs."""

    def call(text):
        said = announced(text)
        for name, value in said["environment"].items():
            monkeypatch.setenv(name, value)
        with HttpsTransport({name: [url] for name, url in said["services"].items()}) as transport:
            return transport(SERVICE, "setJobParameter", (77, "a", "b"))

    assert serve("--json", meanwhile=call)["Value"] == "job_parameters_vo_0m"


def test_it_says_the_same_for_people(serve):
    """Variables to be exported, and the file of the configuration."""
    text = serve("--diracx", meanwhile=str)
    url = text.splitlines()[0].removeprefix("An in-memory DIRAC is at ")
    second = f"Faults, journal and reset are at {url}/admin; it stops at Ctrl-C."
    assert f"\n{second}\n\nWhere DIRAC's clients run:\n\nexport X509_USER_PROXY=/" in text
    assert "\nexport DIRACX_CA_PATH=/" in text
    assert "\n\nTheir configuration:\n\nDIRAC\n{\n  VirtualOrganization = vo\n" in text
    assert "    WorkloadManagement\n    {\n      JobStateUpdate = yes\n" in text
    assert text.endswith("}\n")


def test_without_encryption_nothing_is_to_be_told(serve, monkeypatch):
    """No extra package is needed."""
    monkeypatch.setitem(sys.modules, "cryptography", None)
    text = serve("--http", meanwhile=str)
    assert len(text.splitlines()) == 2
    said = serve("--http", "--json", meanwhile=announced)
    assert said["url"].startswith("http://127.0.0.1:")
    assert (said["environment"], said["options"], said["configuration"]) == ({}, {}, "")


def test_what_there_is_can_be_chosen(serve):
    """The job, the transformation, its files, and whose they are."""
    arguments = ["--job-id", "5", "--transformation", "6", "--file", "/x", "--file", "/y", "--owner", "bob"]
    found = serve("--json", "--http", *arguments, "--group", "prod", meanwhile=snapshot)
    (job,) = found["job-state"]["jobs"].items()
    assert (job[0], job[1]["Owner"], job[1]["OwnerGroup"]) == ("5", "bob", "prod")
    assert [row["LFN"] for row in found["transformation"]["files"]["6"].values()] == ["/x", "/y"]
    said = serve("--json", "--owner", "bob", "--group", "prod", meanwhile=announced)
    assert said["options"]["/Registry/Groups/prod/Users"] == "bob"
    assert said["options"]["/Registry/Users/bob/DN"] == "/O=dirac-failover/CN=bob"


def test_by_default_there_is_what_run_has(serve):
    """Job 77, transformation 12, two files."""
    found = serve("--json", "--http", meanwhile=snapshot)
    assert list(found["job-state"]["jobs"]) == ["77"]
    assert [row["LFN"] for row in found["transformation"]["files"]["12"].values()] == ["/vo/a", "/vo/b"]


def test_faults_are_armed_from_the_start(serve):
    """In their order."""

    def faults(text):
        said = announced(text)
        return requests.get(f"{said['admin']}/faults", timeout=10).json()["armed"]

    arguments = ["--fault", "transformation:down", "--fault", "job-state:first=2"]
    armed = serve("--json", "--http", *arguments, meanwhile=faults)
    found = [(fault["target"], fault["kind"], fault["schedule"]) for fault in armed]
    assert found == [("transformation", "down", "always"), ("job-state", "refuse", "first=2")]


def test_the_last_port_is_one(serve):
    """After it there are no others."""
    said = serve("--json", "--http", "--port", "65535", meanwhile=announced)
    assert said["url"] == "http://127.0.0.1:65535"


def test_the_configuration_can_be_written(serve, tmp_path):
    """It is the same as is printed."""
    path = tmp_path / "dirac.cfg"
    said = serve("--json", "--write-config", str(path), meanwhile=announced)
    assert path.read_text() == said["configuration"]
    assert os.listdir(tmp_path) == ["dirac.cfg"]


def test_ones_own_certificate_is_shown(serve, tmp_path):
    """Its authority is known to whoever brought it, so nothing is said of one."""
    own = credentials.make(str(tmp_path), owner="x", group="y")
    text = Path(own.host).read_text()
    cut = text.index("-----BEGIN PRIVATE")
    (tmp_path / "only.pem").write_text(text[:cut])
    (tmp_path / "key.pem").write_text(text[cut:])

    def look(text):
        said = announced(text)
        with requests.Session() as asked:
            asked.trust_env = False
            assert asked.get(f"{said['admin']}/faults", timeout=10, verify=own.authority).ok
        return said

    for arguments in (["--certificate", own.host], ["--certificate", "only.pem", "--key", "key.pem"]):
        given = [str(tmp_path / each) if each.endswith(".pem") else each for each in arguments]
        said = serve("--json", *given, meanwhile=look)
        assert list(said["environment"]) == ["X509_USER_PROXY"]
        assert "/DIRAC/Security/CALocation" not in said["options"]


def test_host_and_port_can_be_chosen(serve):
    """The certificate names the host, and loopback."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    def look(text):
        said = announced(text)
        with session(said) as asked:
            for host in ("localhost", "127.0.0.1"):
                assert asked.get(f"https://{host}:{port}/admin/faults", timeout=10).ok
        return str(said["url"])

    assert serve("--json", "--host", "localhost", "--port", str(port), meanwhile=look) == f"https://localhost:{port}"


def test_other_machines_are_let_in_only_when_that_is_said(serve):
    """With the option the address is taken."""
    said = serve("--json", "--http", "--host", ANYWHERE, "--allow-remote", meanwhile=announced)
    assert said["url"].startswith(f"http://{ANYWHERE}:")


def test_the_certificate_is_good_for_the_host_and_for_this_machine(serve):
    """By its address and by its name."""

    def look(text):
        port = int(announced(text)["url"].rpartition(":")[2])
        return x509.load_pem_x509_certificate(ssl.get_server_certificate(("127.0.0.1", port)).encode())

    found = serve("--json", "--host", ANYWHERE, "--allow-remote", meanwhile=look)
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in names] == [ANYWHERE, "127.0.0.1", "localhost"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--host", ANYWHERE], f"{REACHED}; --allow-remote if that is wanted\n"),
        (["--host", "x y"], "--host: there is no 'x y': [Errno "),
        (["--port", "-1"], "--port: expected 0 to 65535, found -1"),
        (["--port", "65536"], "--port: expected 0 to 65535, found 65536"),
        (["--port", "x"], "argument --port: invalid int value: 'x' (see 'dirac-failover serve --help')"),
        (["--job-id", "x"], "argument --job-id: invalid int value: 'x' (see 'dirac-failover serve --help')"),
        (["--transformation", "x"], "argument --transformation: invalid int value: 'x' (see 'dirac-failover serve "),
        (["--fault", "x"], "--fault: Not a fault: 'x'; accepted is SERVICE[.METHOD]:KIND[=VALUE][@SCHEDULE]"),
        (["--fault", "file:disk_full"], "--fault: file:disk_full: a service cannot have it; it is for code that opens"),
        (["--http", "--certificate", "x"], f"{NO_CERTIFICATE}; leave out one of the two\n"),
        (["--key", "x"], "--key: expected --certificate as well\n"),
        (["--certificate", "/nowhere.pem"], "--certificate: cannot be used: /nowhere.pem: [Errno 2] No such file"),
        (["--certificate", os.devnull], f"--certificate: cannot be used: {os.devnull}: [SSL] PEM lib"),
        (["--write-config", "/nowhere/x"], "Cannot write /nowhere/x: No such file or directory"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_clear_line(complaint, arguments, message):
    """Nothing is printed on standard output."""
    assert f"{complaint('serve', *arguments)}\n".startswith(message)


def test_a_port_that_is_taken_is_one_clear_line(complaint):
    """With the reason, and signals are as before."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = complaint("serve", "--http", "--port", str(port))
    assert said.startswith(f"Cannot listen on 127.0.0.1, port {port}: [Errno 98] Address")
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


def test_signals_are_blocked_before_there_are_threads(serve, monkeypatch):
    """No thread gets them; afterwards the mask is restored."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    threads = []
    real = signal.pthread_sigmask

    def mask(how, signals):
        threads.append(threading.active_count())
        return real(how, signals)

    monkeypatch.setattr(command.signal, "pthread_sigmask", mask)
    here = threading.active_count()
    serve("--http")
    monkeypatch.undo()
    assert threads == [here, here]
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("announced_one", [True, False], ids=["announced", "started"])
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_process_stops_cleanly_when_it_is_asked_to(how, announced_one, tmp_path):
    """Its first line can be read at once; it leaves no files, says nothing more, and ends with 0."""
    command = [sys.executable, "-m", "dirac_failover", "serve", "--json"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with ExitStack() as stack:
        process = stack.enter_context(
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        )
        stack.callback(process.kill)
        assert process.stdout
        said = announced(process.stdout.readline())
        with session(said) as asked:
            assert asked.get(f"{said['admin']}/faults", timeout=10).ok
        assert os.listdir(tmp_path)
        os.kill(said["pid"] if announced_one else process.pid, how)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "", "")
    assert not os.listdir(tmp_path)
