"""The pytest plug-in: the options of the conformance suite.

It is loaded wherever the distribution is installed, so it imports nothing but pytest until it is used. What may change
here: options, each with its ini setting, and all with one prefix.
"""

from __future__ import annotations

from typing import Final

import pytest

pytest.register_assert_rewrite("dirac_failover.conformance.suite")

OPTIONS: Final = {
    "port": "the implementation that the conformance suite is run against: reference, dirac, or PACKAGE.MODULE:CLASS",
    "profile": "whose choices it is held against, where implementations differ: dirac-9.1, unless another is named",
    "region": "only this region of the scenario space, to be quick",
}
"""The options of the suite, which are ini settings too: ``--dirac-port`` and ``dirac_port``."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("dirac-failover")
    for name, text in OPTIONS.items():
        group.addoption(f"--dirac-{name}", metavar=name.upper(), help=text)
        parser.addini(f"dirac_{name}", text, default="")
