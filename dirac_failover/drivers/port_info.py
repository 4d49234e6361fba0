"""The port that was checked, for reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from dirac_failover.spec.facts import MODULE, SHAPES
from dirac_failover.spec.shape import one_of


@dataclass(frozen=True)
class PortInfo:
    """The port that was checked."""

    name: str
    """The port's own name."""
    version: str
    """Its version; empty when it has none."""
    target: str
    """The port as it was given on the command line."""
    implementation: str = ""
    """Name and version of the implementation whose clients it gets; empty when it brings its own."""
    shape: Annotated[str, one_of(*SHAPES)] = MODULE
    """``module``, a class with hooks, or ``commands``, a chain of commands."""

    @property
    def label(self) -> str:
        """Name and version, and the shape unless it is a module."""
        return " ".join(filter(None, (self.name, self.version, "" if self.shape == MODULE else f"({self.shape})")))
