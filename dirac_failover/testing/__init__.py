"""The classes and functions behind the pytest fixtures, usable without pytest: a world, runs of modules, outcomes.

The names below are imported when they are first used.

>>> from dirac_failover import FailoverRequest
>>> from dirac_failover.testing import Dirac, run_module
>>> dirac = Dirac()
>>> run_module(FailoverRequest, world=dirac, inputs=["/vo/a"]).ok
True
>>> dirac.transformation.statuses(12)
{'/vo/a': 'Processed', '/vo/b': 'Assigned'}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dirac_failover import _lazily

if TYPE_CHECKING:
    from dirac_failover.testing.grid_guard import GridInSightError as GridInSightError
    from dirac_failover.testing.job_setup import MISSING as MISSING
    from dirac_failover.testing.outcome import ModuleOutcome as ModuleOutcome
    from dirac_failover.testing.outcome import PendingOperation as PendingOperation
    from dirac_failover.testing.outcome import PendingRequest as PendingRequest
    from dirac_failover.testing.outcome import Replay as Replay
    from dirac_failover.testing.running import HookReturnWarning as HookReturnWarning
    from dirac_failover.testing.running import run_job as run_job
    from dirac_failover.testing.running import run_module as run_module
    from dirac_failover.testing.system_faults import Crashed as Crashed
    from dirac_failover.testing.world import Dirac as Dirac

_HOME = {
    "Crashed": "system_faults",
    "Dirac": "world",
    "GridInSightError": "grid_guard",
    "HookReturnWarning": "running",
    "MISSING": "job_setup",
    "ModuleOutcome": "outcome",
    "PendingOperation": "outcome",
    "PendingRequest": "outcome",
    "Replay": "outcome",
    "run_job": "running",
    "run_module": "running",
}

__all__ = [*_HOME]  # noqa: PLE0604 - the keys are the names

__getattr__, __dir__ = _lazily(__name__, _HOME)
