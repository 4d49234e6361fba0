"""The port under test by its name: an implementation's FailoverRequest, a module class, or an adapter file.

A :class:`Target` is a value that travels to other processes; each makes its own port of it. What may change here:
another place in which a port may be.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from dirac_failover.conformance.results import PortInfo
from dirac_failover.drivers.adapters import DEFAULT, find, from_file, in_this_process
from dirac_failover.drivers.subprocess_driver import SubprocessDriver
from dirac_failover.errors import FailoverError
from dirac_failover.spec.duties import INPUTS_DUE, ends_jobs
from dirac_failover.spec.facts import COMMANDS, MODULE

if TYPE_CHECKING:
    from dirac_failover.drivers.in_process import InProcessDriver

__all__ = ["DEFAULT", "Target"]

SERVER: Final = "dirac_failover.drivers.port_server"
_PYTHON: Final = " --python "


@dataclass(frozen=True)
class Target:
    """The name of an implementation, ``package.module:Class``, or a file ``.toml``.

    ``python`` is that of the environment in which the first two are, if that is another one.
    """

    text: str = DEFAULT
    python: str | None = None

    @classmethod
    def parse(cls, given: str) -> Target:
        """Return the target that was ``given`` so."""
        text, _, python = given.partition(_PYTHON)
        return cls(text, python or None)

    @property
    def given(self) -> str:
        """How it was given on the command line."""
        return self.text if self.python is None else f"{self.text}{_PYTHON}{self.python}"

    def port(self) -> InProcessDriver | SubprocessDriver:
        """Return a new port, not started; raises PortError if there is none, BrokenError if it cannot be imported."""
        if self.text.endswith(".toml"):
            return from_file(self.text)
        if self.python is None:
            return in_this_process(self.text)
        return SubprocessDriver([os.path.abspath(self.python), "-m", SERVER, self.text])

    def info(self) -> PortInfo:
        """Return name, version and target of the port; raises as :meth:`port`."""
        port = self.port()
        if isinstance(port, SubprocessDriver):
            with port.session():
                return PortInfo(port.name, port.version, self.given, shape=port.shape)
        return PortInfo(port.name, port.version, self.given, port.implementation, port.shape)

    def options(self) -> tuple[str, ...]:
        """Return the options with which ``run`` executes the same module; what is no module, it cannot."""
        if ":" in self.text:
            try:
                found = None if self.python else find(self.text)
            except FailoverError:
                found = None
            if getattr(found, "shape", MODULE) == COMMANDS:
                return ()
            # run must be told that the input files are to be reported, unless it knows by the class
            known = not isinstance(found, type) or ends_jobs(found)
            return ("--module", self.text, *(() if known else ("--duties", INPUTS_DUE)))
        return () if self.text == DEFAULT or self.text.endswith(".toml") else ("--implementation", self.text)

    def program(self) -> tuple[str, ...]:
        """Return the program in whose environment the port is."""
        return ("dirac-failover",) if self.python is None else (self.python, "-m", "dirac_failover")
