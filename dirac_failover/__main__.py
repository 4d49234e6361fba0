"""``python -m dirac_failover`` is ``dirac-failover``."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line; Ctrl-C while it is still loaded ends as it does later."""
    try:
        from dirac_failover import cli

        return cli.command()
    except KeyboardInterrupt:
        sys.stderr.write("dirac-failover: error: interrupted\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
