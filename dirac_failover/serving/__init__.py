"""A world over HTTPS: for DIRAC's own clients, unmodified, in this process and in others, and for other languages.

:func:`~dirac_failover.serving.in_process.over_https` is for one process, ``dirac-failover serve`` for several.
"""

from __future__ import annotations

from dirac_failover.serving.in_process import Connection as Connection
from dirac_failover.serving.in_process import over_https as over_https
