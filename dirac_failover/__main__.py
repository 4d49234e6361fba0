"""``python -m dirac_failover`` is ``dirac-failover``."""

from __future__ import annotations

import sys

from dirac_failover.cli import main

if __name__ == "__main__":
    sys.exit(main())
