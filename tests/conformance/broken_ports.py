"""Ports that break down, each in its own way."""

import os
import sys
import time
from contextlib import suppress

from dirac_failover import FailoverRequest


class Hangs(FailoverRequest):
    """Never comes back, whatever interrupts it."""

    def _setCommand(self):
        while True:
            with suppress(BaseException):
                time.sleep(1000)


class Exits(FailoverRequest):
    """Ends the process."""

    def _setCommand(self):
        os._exit(7)


class Aborts(FailoverRequest):
    """Ends the process by a signal."""

    def _setCommand(self):
        os.abort()


class CannotBeMade(FailoverRequest):
    """Raises what no module should."""

    def __init__(self):
        raise SystemExit


class Talks(FailoverRequest):
    """Prints, on both streams."""

    def _setCommand(self):
        print("out")  # noqa: T201 - its purpose
        print("err", file=sys.stderr)  # noqa: T201 - its purpose


class NoResult(FailoverRequest):
    """Diverges in each scenario."""

    def execute(self):
        super().execute()
