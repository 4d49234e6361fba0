"""Changes of attributes and of JOBID that last for a ``with`` block.

:mod:`unittest.mock` does this too, but its import takes as long as that of half of this package.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from dirac_failover.vocabulary import ENV_JOB_ID

if TYPE_CHECKING:
    from collections.abc import Iterator

_INHERITED: Final = object()


@contextmanager
def replaced(target: Any, **attributes: Any) -> Iterator[None]:
    """Give an object, a class or a module other attributes, for a ``with`` block."""
    before = {name: vars(target).get(name, _INHERITED) for name in attributes}
    try:
        for name, value in attributes.items():
            setattr(target, name, value)
        yield
    finally:
        for name, own in before.items():
            if own is _INHERITED:
                delattr(target, name)
            else:
                setattr(target, name, own)


def set_job_id(value: str | None) -> None:
    """Set JOBID in the environment; None removes it."""
    if os.environ.get(ENV_JOB_ID) == value:
        return  # usually unchanged; assigning os.environ is slow
    if value is None:
        del os.environ[ENV_JOB_ID]
    else:
        os.environ[ENV_JOB_ID] = value


@contextmanager
def job_id_kept() -> Iterator[None]:
    """Restore JOBID at the end of a ``with`` block."""
    before = os.environ.get(ENV_JOB_ID)
    try:
        yield
    finally:
        set_job_id(before)
