from __future__ import annotations

import importlib
import subprocess
import sys
from importlib.metadata import version

import pytest

import dirac_failover

NAMES = {
    "DataStoreClient": "dirac_failover.clients.data_store",
    "FailoverRequest": "dirac_failover.failover_request",
    "File": "dirac_failover.request.file",
    "FileReport": "dirac_failover.clients.file_report",
    "GracefulTermination": "dirac_failover.module_base",
    "JobReport": "dirac_failover.clients.job_report",
    "JobStateUpdateClient": "dirac_failover.clients.job_state_update",
    "LosslessFailoverRequest": "dirac_failover.lossless",
    "ModuleBase": "dirac_failover.module_base",
    "Operation": "dirac_failover.request.operation",
    "ReqClient": "dirac_failover.clients.req_client",
    "Request": "dirac_failover.request.request",
    "RequestValidator": "dirac_failover.request.validator",
    "TransformationClient": "dirac_failover.clients.transformation",
    "connect": "dirac_failover.wire.rpc",
}


def loaded(statement: str) -> set[str]:
    """Which modules a fresh interpreter has after ``statement``."""
    code = f"import sys; {statement}; print(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_importing_the_package_loads_none_of_it() -> None:
    """The package costs nothing until one of its names is used."""
    modules = loaded("import dirac_failover")
    assert {name for name in modules if name.startswith("dirac_failover.")} == set()
    assert not modules & {"requests", "DIRACCommon", "dirac_fakes", "DIRAC"}


def test_using_the_module_loads_neither_fakes_nor_spec_nor_what_is_slow() -> None:
    """A job that runs the reference imports no test machinery and no pydantic."""
    modules = loaded("from dirac_failover import FailoverRequest")
    assert "dirac_failover.failover_request" in modules
    assert not modules & {"requests", "pydantic", "dirac_fakes", "dirac_failover.spec", "dirac_failover.conformance"}


def test_the_fakes_load_nothing_of_the_reference() -> None:
    """The in-memory DIRAC stands alone."""
    assert {name for name in loaded("import dirac_fakes") if name.startswith("dirac_failover")} == set()


def test_the_public_names_are_exactly_these() -> None:
    """``__all__`` is the table of names, and ``dir`` shows them."""
    assert set(dirac_failover.__all__) == {"__version__", *NAMES}
    assert len(dirac_failover.__all__) == len(NAMES) + 1
    assert set(NAMES) <= set(dir(dirac_failover))
    assert {"__version__", "__getattr__"} <= set(dir(dirac_failover))
    assert dir(dirac_failover) == sorted(set(dir(dirac_failover)))


@pytest.mark.parametrize(("name", "home"), NAMES.items())
def test_a_public_name_is_the_one_of_its_module(name: str, home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each name comes from its home, and is kept once it was found."""
    monkeypatch.delitem(vars(dirac_failover), name, raising=False)
    thing = getattr(dirac_failover, name)
    assert thing is getattr(importlib.import_module(home), name)
    assert vars(dirac_failover)[name] is thing


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    """The message is Python's own."""
    with pytest.raises(AttributeError) as caught:
        _ = dirac_failover.Nothing
    assert str(caught.value) == "module 'dirac_failover' has no attribute 'Nothing'"


def test_the_version_is_that_of_the_installed_package() -> None:
    """One number, in the code and in the metadata."""
    assert dirac_failover.__version__ == version("dirac-failover")
