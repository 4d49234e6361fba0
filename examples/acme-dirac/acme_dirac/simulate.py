"""Runs the application of a job."""

from __future__ import annotations

import subprocess

from acme_dirac.base import ModuleBase


def run_application(command):
    """Run a command to its end and return its exit code."""
    return subprocess.run(command, check=False).returncode


class Simulate(ModuleBase):
    """Runs the simulation; its exit code becomes the error number of the module."""

    def _setCommand(self):
        self.command = ["acme-simulate", "--run", str(self.production_id)]

    def _executeCommand(self):
        code = run_application(self.command)
        if code:
            raise RuntimeError(f"The simulation ended with {code}", code)

    def _finalize(self):
        super()._finalize(f"Simulated run {self.production_id}")
