"""The one place that chooses the base classes of modules: DIRAC's where that is installed, else the reference's."""

from __future__ import annotations

try:
    from DIRAC.RequestManagementSystem.Client.File import File
    from DIRAC.RequestManagementSystem.Client.Operation import Operation
    from DIRAC.Workflow.Modules.FailoverRequest import FailoverRequest
    from DIRAC.Workflow.Modules.ModuleBase import GracefulTermination, ModuleBase
except ModuleNotFoundError:
    from dirac_failover import FailoverRequest, File, GracefulTermination, ModuleBase, Operation

__all__ = ["FailoverRequest", "File", "GracefulTermination", "ModuleBase", "Operation"]
