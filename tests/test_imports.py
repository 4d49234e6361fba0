import importlib
import subprocess
import sys
from importlib.metadata import version

import pytest

import dirac_failover
from dirac_failover import testing

NAMES = {
    "DataStoreClient": "dirac_failover.clients.data_store", "FailoverRequest": "dirac_failover.failover_request",
    "File": "dirac_failover.request.file", "FileReport": "dirac_failover.clients.file_report",
    "GracefulTermination": "dirac_failover.module_base", "JobReport": "dirac_failover.clients.job_report",
    "JobStateUpdateClient": "dirac_failover.clients.job_state_update",
    "LosslessFailoverRequest": "dirac_failover.lossless", "ModuleBase": "dirac_failover.module_base",
    "Operation": "dirac_failover.request.operation", "ReqClient": "dirac_failover.clients.req_client",
    "Request": "dirac_failover.request.request", "RequestValidator": "dirac_failover.request.validator",
    "TransformationClient": "dirac_failover.clients.transformation", "connect": "dirac_failover.wire.rpc",
}  # fmt: skip
TESTING_NAMES = {
    "Crashed": "dirac_failover.testing.system_faults", "Dirac": "dirac_failover.testing.world",
    "GridInSightError": "dirac_failover.testing.grid_guard", "HookReturnWarning": "dirac_failover.testing.running",
    "MISSING": "dirac_failover.testing.job_setup", "ModuleOutcome": "dirac_failover.testing.outcome",
    "PendingOperation": "dirac_failover.testing.outcome", "PendingRequest": "dirac_failover.testing.outcome",
    "Replay": "dirac_failover.testing.outcome", "run_job": "dirac_failover.testing.running",
    "run_module": "dirac_failover.testing.running",
}  # fmt: skip
PACKAGES = [(dirac_failover, NAMES), (testing, TESTING_NAMES)]


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


@pytest.mark.parametrize(("package", "names"), PACKAGES)
def test_the_public_names_are_exactly_these(package, names):
    for name in names:
        vars(package).pop(name, None)
    assert sorted({*package.__all__} - {"__version__"}) == sorted(names)
    assert len(package.__all__) == len(set(package.__all__))
    listed = dir(package)
    assert {*names, "__all__", "__getattr__"} <= set(listed)
    assert listed == sorted(set(listed))


@pytest.mark.parametrize(
    ("package", "name", "home"), [(package, *item) for package, names in PACKAGES for item in names.items()]
)
def test_a_public_name_is_the_one_of_its_module(package, name, home):
    vars(package).pop(name, None)
    thing = getattr(package, name)
    assert thing is getattr(importlib.import_module(home), name)
    assert vars(package)[name] is thing


@pytest.mark.parametrize("package", [dirac_failover, testing], ids=lambda package: package.__name__)
def test_a_name_that_is_not_there_is_an_attribute_error(package):
    with pytest.raises(AttributeError) as caught:
        _ = package.Nothing
    assert str(caught.value) == f"module {package.__name__!r} has no attribute 'Nothing'"


def test_the_version_is_that_of_the_installed_package():
    assert dirac_failover.__version__ == version("dirac-failover")
