"""Serve a world over HTTPS to DIRAC's own unmodified clients, in this process or in others, and to other languages.

:func:`~dirac_failover.serving.in_process.over_https` is for one process, ``dirac-failover serve`` for several.
"""

from __future__ import annotations

from dirac_failover.serving.in_process import Endpoint as Endpoint
from dirac_failover.serving.in_process import over_https as over_https
