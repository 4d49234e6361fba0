"""Loggers with DIRAC's levels and call shapes on top of the standard library's, so that ``caplog`` and handlers work.

DIRAC's loggers have ``verbose``, ``notice`` and ``always`` besides the usual levels, and take a fixed and a variable
text: ``log.warn("Could not do it", reason)``. Level numbers are DIRAC's.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

VERBOSE: Final = 15
NOTICE: Final = 35
ALWAYS: Final = 45

ROOT: Final = "dirac_failover"

for _level, _name in ((VERBOSE, "VERBOSE"), (NOTICE, "NOTICE"), (ALWAYS, "ALWAYS")):
    logging.addLevelName(_level, _name)


def _method(level: int) -> Callable[..., bool]:
    def log(self: Logger, sMsg: object, sVarMsg: object = "") -> bool:
        return self._log(level, sMsg, sVarMsg)

    log.__doc__ = f"Log at {logging.getLevelName(level)}; return whether it was shown, as every method here."
    return log


class Logger:
    """A logger for one module or client: ``getSubLogger`` names it below the project's root logger."""

    def __init__(self, name: str = ROOT) -> None:
        """Name the underlying standard logger; nothing is configured."""
        self._logger = logging.getLogger(name)

    def getSubLogger(self, subName: str) -> Logger:
        """Return the logger ``subName`` below this one."""
        return Logger(f"{self._logger.name}.{subName}")

    def _log(self, level: int, message: object, variable: object, exc_info: bool = False) -> bool:
        if not self._logger.isEnabledFor(level):
            return False
        text = f"{message} {variable}" if variable != "" else str(message)
        self._logger.log(level, text, exc_info=exc_info, stacklevel=3)
        return True

    debug = _method(logging.DEBUG)
    verbose = _method(VERBOSE)
    info = _method(logging.INFO)
    warn = _method(logging.WARNING)
    notice = _method(NOTICE)
    error = _method(logging.ERROR)
    always = _method(ALWAYS)
    fatal = _method(logging.CRITICAL)

    def exception(self, sMsg: object = "", sVarMsg: object = "", lException: object = False) -> bool:
        """Log at ERROR with the traceback of the exception being handled."""
        text = sVarMsg if lException is False or lException is None else f"{sVarMsg} {lException}".strip()
        return self._log(logging.ERROR, sMsg, text, exc_info=True)


logging.getLogger(ROOT).addHandler(logging.NullHandler())  # as a library does: the application decides what is shown
gLogger: Final = Logger()
