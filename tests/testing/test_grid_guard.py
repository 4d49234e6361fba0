import os
import sys
from importlib.util import find_spec
from types import SimpleNamespace

import pytest

from dirac_failover.testing import GridInSightError, grid_guard


@pytest.fixture(autouse=True)
def no_grid(monkeypatch):
    """Here the files are looked for, in places that are empty."""
    for name in grid_guard.VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    "name",
    [
        "GRID_PROXY_FILE", "X509_USER_PROXY", "X509_USER_CERT", "X509_USER_KEY", "DIRACSYSCONFIG",
        "DIRACX_CREDENTIALS_PATH",
    ],
)  # fmt: skip
def test_a_variable_that_leads_to_a_grid_is_seen(monkeypatch, tmp_path, name):
    monkeypatch.setattr(grid_guard, "files", lambda: [str(tmp_path / "none")])
    monkeypatch.setenv(name, "")
    grid_guard.refuse("--anyway")
    monkeypatch.setenv(name, "/some/where")
    with pytest.raises(GridInSightError, match=f"and there is {name}=/some/where: "):
        grid_guard.refuse("--anyway")


def test_a_file_that_dirac_would_read_is_seen(monkeypatch, tmp_path):
    """The proxy of this user, the own configuration, and that of the installation: where DIRAC says that it is."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delitem(sys.modules, "DIRAC", raising=False)
    own = str(tmp_path / ".dirac.cfg")
    assert grid_guard.files() == [f"/tmp/x509up_u{os.getuid()}", own, f"{sys.base_prefix}/etc/dirac.cfg"]  # noqa: S108
    monkeypatch.setitem(sys.modules, "DIRAC", SimpleNamespace(rootPath="/elsewhere"))
    assert grid_guard.files()[2] == "/elsewhere/etc/dirac.cfg"


@pytest.mark.dirac
@pytest.mark.skipif(not find_spec("DIRAC"), reason="needs the real DIRAC")
def test_the_places_are_those_of_the_real_dirac():  # needs DIRAC
    from DIRAC import gConfig

    assert gConfig.diracConfigFilePath in grid_guard.files()


def test_the_refusal_says_what_is_there_and_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(grid_guard, "files", lambda: [str(tmp_path)])
    monkeypatch.setenv("X509_USER_PROXY", "/p")
    with pytest.raises(GridInSightError) as refused:
        grid_guard.refuse("--anyway")
    assert str(refused.value) == (
        f"The real DIRAC is not used beside a real grid, and there is X509_USER_PROXY=/p, {tmp_path}: "
        "take that away for the tests, or allow it with --anyway"
    )
