"""The choices in which real implementations differ, as a table that the model reads.

A :class:`Profile` is one implementation; each field is one choice, with that of DIRAC 9.1 as the default.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Profile:
    """The choices of one implementation."""

    name: str
    versions: tuple[str, str]
    """The first and the last version of its package for which it is proven."""
    variant: str = "dirac"
    """The order of its execution: a key of :data:`~dirac_failover.spec.model.module.VARIANTS`."""
    fresh: Mapping[str, Any] = field(default_factory=dict)
    """The attributes of a new module that have other values."""
    commons: Mapping[str, Any] = field(default_factory=dict)
    """The keys that its module needs in ``workflow_commons`` beside those of a scenario."""
    owner: str = "Owner"
    """The key of the owner in a request's JSON."""
    setup: bool = False
    """Whether a request's JSON has a setup."""


DIRAC_9_1: Final = Profile("dirac-9.1", ("9.0.0", "9.1.22"))
DIRAC_8_0: Final = Profile("dirac-8.0", ("8.0.54", "8.0.86"), owner="OwnerDN", setup=True)
LHCBDIRAC_12_0: Final = Profile(
    "lhcbdirac-12.0",
    ("12.0.0", "12.0.21"),
    variant="lhcbdirac",
    fresh={
        "production_id": "", "prod_job_id": "", "step_number": "", "step_id": "", "jobType": None,
        "executable": "gaudirun.py", "command": "(absent)", "applicationName": "Unknown",
        "applicationVersion": "Unknown", "applicationLog": "", "stepName": None, "inputDataType": None,
        "InputData": "", "appSteps": "(absent)", "outputDataFileMask": None,
    },
    commons={"JobType": "MCSimulation"},
)  # fmt: skip
ILCDIRAC_35_0: Final = Profile(
    "ilcdirac-35.0",
    ("35.0.0", "35.0.12"),
    variant="ilcdirac",
    fresh={
        "jobID": "", "applicationLog": "",
        **dict.fromkeys(("production_id", "step_number", "step_id", "executable", "command", "stepName",
                         "inputDataType", "inputDataList", "stepInputData", "appSteps", "outputDataFileMask"),
                        "(absent)"),
    },
    commons={"NbOfEvts": 1},
    owner="OwnerDN",
    setup=True,
)  # fmt: skip

PROFILES: Final = {profile.name: profile for profile in (DIRAC_9_1, DIRAC_8_0, LHCBDIRAC_12_0, ILCDIRAC_35_0)}
"""All profiles, by name."""
