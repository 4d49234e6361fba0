"""What is verified, by its name on the command line: a kit's FailoverRequest, or a module class of this environment.

A :class:`Target` is a value that travels to other processes; each makes its own port of it. What may change here:
another way to name a port.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from typing import Final

from dirac_failover.conformance.errors import CommandError, Exit
from dirac_failover.conformance.kits import KITS, KitUnavailableError
from dirac_failover.conformance.port import ModulePort
from dirac_failover.conformance.results import PortInfo
from dirac_failover.conformance.run_command import find_class

DEFAULT: Final = "reference"


@dataclass(frozen=True)
class Target:
    """A name of :data:`~dirac_failover.conformance.kits.KITS`, or ``package.module:Class``."""

    text: str = DEFAULT

    def port(self) -> ModulePort:
        """Return a new port; raises CommandError when there is no such implementation, or it cannot be imported."""
        package, colon, name = self.text.partition(":")
        if package and name:
            try:
                found = find_class(self.text)
            except CommandError as error:
                message = str(error).removeprefix("--module: ")
                raise CommandError(f"Port {self.text}: {message}", Exit.BROKEN) from error
            # Python's own texts name the class, and what a class is called is its author's affair
            return ModulePort(KITS[DEFAULT](), type(KITS[DEFAULT]().FailoverRequest.__name__, (found,), {}))
        if colon or self.text not in KITS:
            names = ", ".join(KITS)
            raise CommandError(f"Unknown port {self.text!r}: expected PACKAGE.MODULE:CLASS, or one of {names}")
        try:
            return ModulePort(KITS[self.text]())
        except KitUnavailableError as error:
            raise CommandError(str(error), Exit.BROKEN) from error

    def info(self) -> PortInfo:
        """Return name, version and target of the port; raises CommandError as :meth:`port`."""
        port = self.port()
        if ":" not in self.text:
            return PortInfo(port.name, port.kit.version, self.text)
        package, _, name = self.text.partition(":")
        return PortInfo(name, _version(package.partition(".")[0]), self.text)

    def options(self) -> tuple[str, ...]:
        """Return the options with which ``run`` executes the same module."""
        if ":" in self.text:
            return ("--module", self.text)
        return () if self.text == DEFAULT else ("--kit", self.text)


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
