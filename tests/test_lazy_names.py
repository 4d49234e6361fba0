"""The package's own names: DIRAC's, each from its home, imported when first used."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from importlib.metadata import version

import pytest

import dirac_failover

HOMES = {
    "ModuleBase": "module_base",
    "GracefulTermination": "module_base",
    "FailoverRequest": "failover_request",
    "LosslessFailoverRequest": "lossless",
    "JobReport": "clients.job_report",
    "FileReport": "clients.file_report",
    "DataStoreClient": "clients.data_store",
    "TransformationClient": "clients.transformation",
    "JobStateUpdateClient": "clients.job_state_update",
    "ReqClient": "clients.req_client",
    "Request": "request.request",
    "Operation": "request.operation",
    "File": "request.file",
    "RequestValidator": "request.validator",
    "connect": "wire.rpc",
}


@pytest.mark.parametrize("name", HOMES)
def test_each_name_is_the_one_of_its_home(name):
    """Asked for again, it is found without looking."""
    vars(dirac_failover).pop(name, None)
    value = getattr(dirac_failover, name)
    assert value is getattr(import_module(f"dirac_failover.{HOMES[name]}"), name)
    assert value.__name__ == name
    assert vars(dirac_failover)[name] is value


def test_all_names_are_listed():
    """In __all__, and for whoever asks dir() before they are imported."""
    assert sorted(dirac_failover.__all__) == sorted(["__version__", *HOMES])
    vars(dirac_failover).pop("File", None)
    listed = dir(dirac_failover)
    assert listed == sorted(listed)
    assert {*HOMES, "__version__", "__name__"} <= set(listed)


def test_an_unknown_name_is_an_attribute_error():
    """With the words that Python itself would use."""
    with pytest.raises(AttributeError) as caught:
        _ = dirac_failover.JobRaport
    assert caught.value.args == ("module 'dirac_failover' has no attribute 'JobRaport'",)


def test_the_version_is_the_distributions():
    """The one place where it is written besides the project's file."""
    assert dirac_failover.__version__ == version("dirac-failover")


def test_importing_the_package_imports_nothing_else_of_it():
    """So that it costs nothing until a name is used."""
    program = (
        "import sys, dirac_failover; print([name for name in sys.modules if name.startswith(('dirac_', 'DIRAC'))])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "['dirac_failover']\n"
