"""Fixtures that every test folder shares: the implementations under test, each behind one kit."""

from __future__ import annotations

import os
import re
import signal
from contextlib import suppress
from shutil import which
from typing import TYPE_CHECKING

import pytest

from dirac_failover.conformance.kits import KITS, Kit, KitUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dirac_failover.spec.product import Region
    from dirac_failover.spec.scenario import Scenario


def installed() -> Iterator[str]:
    """Yield the names of the implementations that are installed here, the reference first."""
    for name, kit in KITS.items():
        with suppress(KitUnavailableError):
            kit()
            yield name


HERE = tuple(installed())
HAVE_DIRAC = "dirac" in HERE

HAVE_CHROMIUM = all(map(which, ("chromium", "chromedriver")))

collect_ignore = [*([] if HAVE_DIRAC else ["differential"]), *([] if HAVE_CHROMIUM else ["browser"])]


def pytest_report_header() -> list[str]:
    """Say whether the real DIRAC and a browser take part."""
    dirac = "real DIRAC: not installed here, so tests/differential is left out ('nox -s differential' runs it)"
    chromium = "chromium: not installed here, so tests/browser is left out ('apt-get install chromium chromium-driver')"
    return [
        f"real DIRAC: {KITS['dirac']().version}, beside the reference" if HAVE_DIRAC else dirac,
        "chromium: looks at the page of reports" if HAVE_CHROMIUM else chromium,
    ]


@pytest.fixture(
    scope="session",
    params=[name if name == "reference" else pytest.param(name, marks=pytest.mark.dirac) for name in HERE],
)
def kit(request: pytest.FixtureRequest) -> Kit:
    """Each implementation in turn that is installed here: the reference, the real DIRAC, and its extensions."""
    return KITS[request.param]()


@pytest.fixture
def snapshot(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Compare a text with ``snapshots/MODULE/TEST.txt`` beside the test; ``RENEW=1 pytest`` writes it instead."""
    name = re.sub(r"\W+", "-", request.node.name.removeprefix("test_")).strip("-")
    path = request.path.parent / "snapshots" / request.path.stem.removeprefix("test_") / f"{name}.txt"

    def compare(text: str) -> None:
        if os.environ.get("RENEW"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == text, f"if this is meant: RENEW=1 pytest {request.path}"

    return compare


@pytest.fixture(scope="session")
def reference() -> Kit:
    """The reference alone."""
    return KITS["reference"]()


@pytest.fixture(scope="session")
def sample() -> Callable[[Region, int], Iterator[Scenario]]:
    """Every so many-th scenario of a region, and the first one of every value of every dimension."""

    def scenarios(region: Region, step: int) -> Iterator[Scenario]:
        seen: set[str] = set()
        for index, scenario in enumerate(region.scenarios()):
            choices = set(scenario.name.partition(": ")[2].split("; "))
            if index % step == 0 or not choices <= seen:
                seen |= choices
                yield scenario

    return scenarios


@pytest.fixture
def plain_pytest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing around us changes what a pytest prints that a test starts, as CI servers do."""
    for name in ("CI", "BUILD_NUMBER", "PYTEST_ADDOPTS", "PYTEST_THEME", "PY_COLORS", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A process that a test starts can be interrupted, which it would not be if these tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
