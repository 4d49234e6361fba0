"""A reference implementation of DIRAC's ``ModuleBase`` and ``FailoverRequest``, its clients and its requests.

The names below are DIRAC's own; each is imported when it is first used, so that importing this package costs nothing.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dirac_failover.clients.data_store import DataStoreClient as DataStoreClient
    from dirac_failover.clients.file_report import FileReport as FileReport
    from dirac_failover.clients.job_report import JobReport as JobReport
    from dirac_failover.clients.job_state_update import JobStateUpdateClient as JobStateUpdateClient
    from dirac_failover.clients.req_client import ReqClient as ReqClient
    from dirac_failover.clients.transformation import TransformationClient as TransformationClient
    from dirac_failover.failover_request import FailoverRequest as FailoverRequest
    from dirac_failover.lossless import LosslessFailoverRequest as LosslessFailoverRequest
    from dirac_failover.module_base import GracefulTermination as GracefulTermination
    from dirac_failover.module_base import ModuleBase as ModuleBase
    from dirac_failover.request.file import File as File
    from dirac_failover.request.operation import Operation as Operation
    from dirac_failover.request.request import Request as Request
    from dirac_failover.request.validator import RequestValidator as RequestValidator
    from dirac_failover.wire.rpc import connect as connect

__version__ = "0.1.0"

_HOME = {
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

__all__ = [  # noqa: PLE0604 - the keys are the names
    "__version__",
    *_HOME,
]


def _lazily(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` of a package whose names are imported, and kept, when first used."""
    own = vars(sys.modules[package])

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        own[name] = getattr(import_module(f"{package}.{homes[name]}"), name)
        return own[name]

    return get, lambda: sorted({*own, *homes})


__getattr__, __dir__ = _lazily(__name__, _HOME)
