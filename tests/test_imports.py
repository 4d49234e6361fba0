import importlib
import subprocess
import sys
from importlib.metadata import version

import pytest

import dirac_failover
from dirac_failover import testing

PUBLIC = {
    dirac_failover: {
        "clients.data_store": "DataStoreClient", "clients.file_report": "FileReport", "clients.job_report": "JobReport",
        "clients.job_state_update": "JobStateUpdateClient", "clients.req_client": "ReqClient",
        "clients.transformation": "TransformationClient", "failover_request": "FailoverRequest",
        "lossless": "LosslessFailoverRequest", "module_base": "GracefulTermination ModuleBase", "request.file": "File",
        "request.operation": "Operation", "request.request": "Request", "request.validator": "RequestValidator",
        "wire.rpc": "connect",
    },
    testing: {
        "grid_guard": "GridInSightError", "job_setup": "MISSING", "running": "HookReturnWarning run_job run_module",
        "outcome": "ModuleOutcome PendingOperation PendingRequest Replay", "system_faults": "Crashed", "world": "Dirac",
    },
}  # fmt: skip


def loaded(statement):
    """Return the modules that a fresh interpreter has after ``statement``."""
    code = f"import sys; {statement}; print(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_importing_the_package_loads_none_of_it():
    modules = loaded("import dirac_failover")
    assert {name for name in modules if name.startswith("dirac_failover.")} == set()
    assert not modules & {"requests", "DIRACCommon", "dirac_fakes", "DIRAC"}


def test_using_the_module_loads_neither_fakes_nor_spec_nor_what_is_slow():
    """A job that runs the reference imports no test machinery and no pydantic."""
    modules = loaded("from dirac_failover import FailoverRequest")
    assert "dirac_failover.failover_request" in modules
    assert not modules & {"requests", "pydantic", "dirac_fakes", "dirac_failover.spec", "dirac_failover.drivers"}


def test_the_fakes_load_nothing_of_the_reference():
    assert {name for name in loaded("import dirac_fakes") if name.startswith("dirac_failover")} == set()


@pytest.mark.parametrize("package", PUBLIC, ids=lambda package: package.__name__)
def test_the_public_names_are_exactly_these_and_each_is_the_one_of_its_module(package):
    homes = {name: home for home, names in PUBLIC[package].items() for name in names.split()}
    for name in homes:
        vars(package).pop(name, None)
    assert sorted({*package.__all__} - {"__version__"}) == sorted(homes)
    assert len(package.__all__) == len(set(package.__all__))
    listed = dir(package)
    assert {*homes, "__all__", "__getattr__"} <= set(listed)
    assert listed == sorted(set(listed))
    for name, home in homes.items():
        thing = getattr(package, name)
        assert thing is vars(package)[name] is getattr(importlib.import_module(f"{package.__name__}.{home}"), name)
    with pytest.raises(AttributeError) as caught:
        _ = package.Nothing
    assert str(caught.value) == f"module {package.__name__!r} has no attribute 'Nothing'"


def test_the_version_is_that_of_the_installed_package():
    assert dirac_failover.__version__ == version("dirac-failover")
