"""Loggers with DIRAC's levels and call shapes on top of the standard library's, so that ``caplog`` and handlers work.

DIRAC's loggers have ``verbose``, ``notice`` and ``always`` besides the usual levels, and take a fixed and a variable
text: ``log.warn("Could not do it", reason)``. Level numbers are DIRAC's.
"""

from __future__ import annotations

import logging
from typing import Final

VERBOSE: Final = 15
NOTICE: Final = 35
ALWAYS: Final = 45

ROOT: Final = "dirac_failover"

for _level, _name in ((VERBOSE, "VERBOSE"), (NOTICE, "NOTICE"), (ALWAYS, "ALWAYS")):
    logging.addLevelName(_level, _name)


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

    def debug(self, sMsg: object, sVarMsg: object = "") -> bool:
        """Log at DEBUG; return whether it was shown, as every method here."""
        return self._log(logging.DEBUG, sMsg, sVarMsg)

    def verbose(self, sMsg: object, sVarMsg: object = "") -> bool:
        """Log at VERBOSE."""
        return self._log(VERBOSE, sMsg, sVarMsg)

    def info(self, sMsg: object, sVarMsg: object = "") -> bool:
        """Log at INFO."""
        return self._log(logging.INFO, sMsg, sVarMsg)

    def warn(self, sMsg: object, sVarMsg: object = "") -> bool:
        """Log at WARNING."""
        return self._log(logging.WARNING, sMsg, sVarMsg)

    def notice(self, sMsg: object, sVarMsg: object = "") -> bool:
        """Log at NOTICE."""
        return self._log(NOTICE, sMsg, sVarMsg)

    def error(self, sMsg: object, sVarMsg: object = "") -> bool:
        """Log at ERROR."""
        return self._log(logging.ERROR, sMsg, sVarMsg)

    def always(self, sMsg: object, sVarMsg: object = "") -> bool:
        """Log at ALWAYS."""
        return self._log(ALWAYS, sMsg, sVarMsg)

    def fatal(self, sMsg: object, sVarMsg: object = "") -> bool:
        """Log at FATAL, which is the standard library's CRITICAL."""
        return self._log(logging.CRITICAL, sMsg, sVarMsg)

    def exception(self, sMsg: object = "", sVarMsg: object = "", lException: object = False) -> bool:
        """Log at ERROR with the traceback of the exception being handled."""
        text = sVarMsg if lException is False or lException is None else f"{sVarMsg} {lException}".strip()
        return self._log(logging.ERROR, sMsg, text, exc_info=True)


logging.getLogger(ROOT).addHandler(logging.NullHandler())  # as a library does: the application decides what is shown
gLogger: Final = Logger()
