"""The parts of a site that a module uses beside its services: options of the configuration, and data management.

Names are DIRAC's.
"""

from __future__ import annotations

from typing import Any

from dirac_failover.wire.rpc import connection


class Operations:
    """The configuration's operations options, as ``opsH`` of a module: read from the connection of the context."""

    def getValue(self, optionPath: str, defaultValue: Any = None) -> Any:
        """Return the option, made what ``defaultValue`` (a value or a type) is; without the option, ``defaultValue``.

        A text that cannot be made one gives ``defaultValue``, too. Lists are written with commas; None leaves the text.
        """
        text = connection().options.get(optionPath)
        if text is None or defaultValue is None:
            return defaultValue if text is None else text
        kind = defaultValue if isinstance(defaultValue, type) else type(defaultValue)
        if kind is bool:
            return text.lower() in ("y", "yes", "true", "1")
        if kind is list:
            return [part.strip() for part in text.split(",") if part.strip()]
        try:
            return kind(text)
        except Exception:  # noqa: BLE001 - any exception means that the text is not of the kind
            return defaultValue


class NoDataManager:
    """Stands for DIRAC's DataManager, as ``dm`` of a module, which needs storage elements and catalogues."""

    def __getattr__(self, name: str) -> Any:
        """Raise AttributeError: there is no data management here, and a test brings a double."""
        raise AttributeError(f"The reference has no DataManager to give {name}: give the module a double as .dm")
