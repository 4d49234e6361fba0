"""The protocol of drivers: a driver runs scenarios on one port, which is the implementation under test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Protocol

from dirac_failover.spec.facts import MODULE, SHAPES
from dirac_failover.spec.shape import one_of

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from dirac_failover.drivers.sandbox import Workplace
    from dirac_failover.spec.observation import Observation
    from dirac_failover.spec.scenario import Scenario


class Driver(Protocol):
    """Runs scenarios on a port, inside its own :meth:`session`."""

    name: str
    version: str
    shape: str
    """One of :data:`~dirac_failover.spec.facts.SHAPES`."""

    @property
    def clients(self) -> str:
        """Name and version of the implementation whose clients are used; empty when the port has its own ones."""
        ...

    def session(self) -> AbstractContextManager[Any]:
        """Prepare for runs, for a ``with`` block: this is :func:`~.in_process.sessions` for this driver alone."""
        ...

    def connected(self, place: Workplace) -> AbstractContextManager[Any]:
        """Prepare for runs in the directory ``place``, for a ``with`` block."""
        ...

    def supports(self, scenario: Scenario) -> bool:
        """Return whether the port takes this scenario."""
        ...

    def run(self, scenario: Scenario) -> Observation:
        """Execute the module in the scenario and return the observation; raises PortBrokenError if the port breaks."""
        ...


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
