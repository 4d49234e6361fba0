"""What is verified, by its name on the command line: a kit's FailoverRequest, a module class, or an adapter file.

A :class:`Target` is a value that travels to other processes; each makes its own port of it. What may change here:
another way to name a port.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from typing import Final

from dirac_failover.conformance.adapters import PortChoice
from dirac_failover.conformance.errors import CommandError, Exit
from dirac_failover.conformance.kits import KITS, KitUnavailableError
from dirac_failover.conformance.port import ModulePort
from dirac_failover.conformance.process_port import ProcessPort
from dirac_failover.conformance.results import PortInfo
from dirac_failover.conformance.run_command import find_class

DEFAULT: Final = "reference"
_PYTHON: Final = " --python "


@dataclass(frozen=True)
class Target:
    """A name of :data:`~dirac_failover.conformance.kits.KITS`, ``package.module:Class``, or a file ``.toml``.

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

    def port(self) -> ModulePort | ProcessPort:
        """Return a new port; raises CommandError when there is no such implementation, or it cannot be imported."""
        if self.python is not None or self.text.endswith(".toml"):
            return PortChoice(self.text, self.python).open()
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
        if isinstance(port, ProcessPort):
            with port.session():
                return PortInfo(port.name, port.version, self.given)
        if ":" not in self.text:
            return PortInfo(port.name, port.version, self.text)
        package, _, name = self.text.partition(":")
        return PortInfo(name, _version(package.partition(".")[0]), self.text)

    def options(self) -> tuple[str, ...]:
        """Return the options with which ``run`` executes the same module; what is no module, it cannot."""
        if ":" in self.text:
            return ("--module", self.text)
        return () if self.text == DEFAULT or self.text.endswith(".toml") else ("--kit", self.text)

    def program(self) -> tuple[str, ...]:
        """Return the program in whose environment the port is."""
        return ("dirac-failover",) if self.python is None else (self.python, "-m", "dirac_failover")


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
