"""The conformance suite for pytest: one test for each clause.

``pytest --pyargs dirac_failover.conformance.suite --dirac-port=mypackage.mymodule:MyFailoverRequest`` runs it as it is.
A port's own repository adopts it with a class in a test file::

    from dirac_failover.conformance.suite import ConformanceSuite


    class TestMyFailoverRequest(ConformanceSuite):
        port = "mypackage.mymodule:MyFailoverRequest"

The space is run once in a session, by as many processes as there are processors, whatever the number of tests, and
under xdist once for all its workers. What may change here: how results become tests.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from typing import TYPE_CHECKING, ClassVar, Final

import pytest

from dirac_failover.conformance.baseline import Baseline, today
from dirac_failover.conformance.errors import CommandError
from dirac_failover.conformance.judgement import Question
from dirac_failover.conformance.results import BROKEN, NOT_ASKED, Results, load, write
from dirac_failover.conformance.runner import cores
from dirac_failover.conformance.target import DEFAULT, Target
from dirac_failover.conformance.verify import DECIDING, beside, known_divergences, run_command, verify
from dirac_failover.spec import space
from dirac_failover.spec.clauses import CLAUSES
from dirac_failover.spec.profiles import DIRAC_9_1, PROFILES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["ConformanceSuite"]


class ConformanceSuite:
    """A test for each clause; to be derived from, with what is different."""

    port: ClassVar[str] = ""
    """``reference``, ``dirac`` or ``package.module:Class``; empty: what ``--dirac-port`` or ``dirac_port`` says."""
    profile: ClassVar[str] = ""
    """Whose choices it is held against; empty: what ``--dirac-profile`` or ``dirac_profile`` says, or DIRAC 9.1's."""
    region: ClassVar[str] = ""
    """A region of the space, to be quick; empty: what ``--dirac-region`` or ``dirac_region`` says, or all of it."""
    levels: ClassVar[Sequence[str]] = DECIDING
    """The levels whose clauses are tests."""
    baseline: ClassVar[str] = ""
    """The file of known divergences, beside the test file or from the root of the repository: they are xfails."""
    timeout: ClassVar[float] = 60.0
    """Seconds after which a port hangs in a scenario."""

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make a test for each clause of the levels."""
        if "clause_id" in metafunc.fixturenames:
            levels = metafunc.cls.levels if metafunc.cls else DECIDING
            metafunc.parametrize("clause_id", [clause.id for clause in CLAUSES if clause.level in levels])

    @pytest.fixture
    def conformance(self, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Results:
        """The results of the port, with what is known beside what is broken."""
        try:
            results = _results(self, request, tmp_path_factory)
        except CommandError as error:
            pytest.fail(str(error), pytrace=False)
        if results.error is not None:
            pytest.fail(f"The port is broken, and nothing is known of how it conforms: {results.error}", pytrace=False)
        return results

    def test_clause(self, clause_id: str, conformance: Results) -> None:
        """The port keeps this clause in every scenario: ``dirac-failover explain ID`` says what it is for."""
        clause = next(clause for clause in conformance.clauses if clause.id == clause_id)
        if clause.verdict == NOT_ASKED:
            pytest.skip(f"no scenario of {', '.join(conformance.header.regions)} is about {clause.id}")
        if clause.verdict != BROKEN or clause.minimal is None:
            return
        if clause.baseline:
            pytest.xfail(f"{clause.baseline.kind}: {clause.baseline.reason}")
        place, expected, observed = beside(clause.minimal.expected, clause.minimal.observed)
        port = conformance.header.port
        lines = [
            f"{port.name} breaks {clause.id}: {clause.text}",
            *([f"where:    {place}"] if place else []),
            f"expected: {expected}",
            f"observed: {observed}",
            f"scenario: {clause.minimal.name} (the smallest; broken in {clause.broken:,} of {clause.asked:,})",
            f"see it:   {run_command(clause.minimal, Target(port.target))}",
            f"read it:  dirac-failover explain {clause.id}",
        ]
        pytest.fail("\n".join(lines), pytrace=False)


def _results(suite: ConformanceSuite, request: pytest.FixtureRequest, factory: pytest.TempPathFactory) -> Results:
    region = suite.region or _option(request.config, "region")
    target = Target(suite.port or _option(request.config, "port") or DEFAULT)
    profile = _profile(suite.profile or _option(request.config, "profile"))
    question = Question(target, regions=_regions(region), seconds=suite.timeout, profile=profile)
    results = _once(question, suite.levels, factory)
    if results.error is not None or not suite.baseline:
        return results
    baseline = Baseline.load(_beside(request, suite.baseline))
    if problems := baseline.problems(results.clauses, today(), complete=not region):
        raise CommandError(f"{suite.baseline}: {'; '.join(problems)}")
    return known_divergences(results, baseline, suite.levels)


def _option(config: pytest.Config, name: str) -> str:
    return str(config.getoption(f"dirac_{name}") or config.getini(f"dirac_{name}"))


def _profile(name: str) -> str:
    if name and name not in PROFILES:
        raise CommandError(f"There is no profile {name!r}: there are {', '.join(PROFILES)}")
    return name or DIRAC_9_1.name


def _regions(name: str) -> tuple[str, ...]:
    names = tuple(region.name for region in space.REGIONS)
    if name and name not in names:
        raise CommandError(f"There is no region {name!r} of the space: there are {', '.join(names)}")
    return (name,) if name else names


def _beside(request: pytest.FixtureRequest, name: str) -> str:
    """Return the path of a file beside the test file, if it is there, else from the root of the repository."""
    beside_the_test = request.path.with_name(name)
    return str(beside_the_test if beside_the_test.exists() else request.config.rootpath / name)


def _once(question: Question, levels: Sequence[str], factory: pytest.TempPathFactory) -> Results:
    """Return the results, which are made once in a session: xdist's workers wait for the first of them."""
    folder = _shared(factory)
    name = hashlib.sha256(repr((question, tuple(levels))).encode()).hexdigest()[:16]
    path = os.path.join(folder, f"dirac-failover-{name}.json")
    if path in _MADE:
        return _MADE[path]
    with open(f"{path}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(path):
            write(path, verify(question, levels, workers=cores()).to_text())
    _MADE[path] = load(path)
    return _MADE[path]


_MADE: Final[dict[str, Results]] = {}


def _shared(factory: pytest.TempPathFactory) -> Path:
    """Return the session's directory, which under xdist is the one above the worker's."""
    base = factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
