"""The conformance suite for pytest: one test for each clause.

``pytest --pyargs dirac_failover.conformance.suite --dirac-port=mypackage.mymodule:MyFailoverRequest`` runs it as it is.
A port's own repository adopts it with a class in a test file::

    from dirac_failover.conformance.suite import ConformanceSuite


    class TestMyFailoverRequest(ConformanceSuite):
        port = "mypackage.mymodule:MyFailoverRequest"

The space is run once in a session, by as many processes as there are processors, for any number of tests, and under
xdist once for all its workers; only the selected clauses are asked. A setting that does not exist, or has no such
value, is an error when the class is collected.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Final

import pytest

from dirac_failover.conformance.baseline import Baseline, today
from dirac_failover.conformance.checking import VerificationPlan
from dirac_failover.conformance.results import HELD, NOT_ASKED, UNCHECKED, Results, load, write
from dirac_failover.conformance.verification import DECIDING, known_divergences, verify
from dirac_failover.conformance.workers import cores
from dirac_failover.drivers.resolve import Target
from dirac_failover.errors import FailoverError, FileError, SettingError, no_such
from dirac_failover.reports.terminal import Style
from dirac_failover.reports.verdict import cause_of
from dirac_failover.spec import space
from dirac_failover.spec.clauses import CLAUSES, LEVELS
from dirac_failover.spec.profiles import DIRAC_9_1, PROFILES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from dirac_failover.conformance.results import ClauseResult, Header
    from dirac_failover.drivers.port_info import PortInfo

__all__ = ["ConformanceSuite"]


class ConformanceSuite:
    """A test for each clause; a class that is derived from it sets the attributes that differ."""

    port: ClassVar[str] = ""
    """``reference``, ``dirac`` or ``package.module:Class``; if empty, the value of ``--dirac-port`` or ``dirac_port``,
    and an error without either."""
    profile: ClassVar[str] = ""
    """The profile whose choices are expected; if empty, the value of ``--dirac-profile`` or ``dirac_profile``, or
    DIRAC 9.1's."""
    region: ClassVar[str] = ""
    """A region of the space; if empty, the value of ``--dirac-region`` or ``dirac_region``, or the whole space."""
    levels: ClassVar[Sequence[str]] = DECIDING
    """The levels whose clauses are tests."""
    baseline: ClassVar[str] = ""
    """The file of known divergences, beside the test file or from the root of the repository: they are xfails."""
    timeout: ClassVar[float] = 60.0
    """Seconds after which a port hangs in a scenario."""

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make a test for each clause of the levels; a wrong setting is an error of the collection, in one line."""
        if "clause_id" not in metafunc.fixturenames:
            return
        try:
            clauses = _plan(type(self), metafunc.config).clauses
            _baseline(self, metafunc.definition)
        except FailoverError as error:
            raise pytest.Collector.CollectError(f"{type(self).__name__}: {error}") from None
        metafunc.parametrize("clause_id", clauses)

    @pytest.fixture
    def conformance(self, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Results:
        """The results of the port; a clause that the baseline names has its entry."""
        try:
            results = _results(self, request, tmp_path_factory)
        except FailoverError as error:
            pytest.fail(str(error), pytrace=False)
        summary = _summary(type(self), results.header.port, results.header, results.scenarios)
        request.node.user_properties.append((CHECKED, summary))
        if results.error is not None:
            pytest.fail(f"The port is broken, and nothing is known of how it conforms: {results.error}", pytrace=False)
        if len(results.unsuited) == len(results.clauses):
            text = f"None of these clauses is asked of a port of the shape {results.header.port.shape}"
            pytest.fail(f"{text}: nothing is known of how it conforms", pytrace=False)
        return results

    def test_clause(self, clause_id: str, conformance: Results) -> None:
        """The port keeps this clause in every scenario: ``dirac-failover explain ID`` says what it is for."""
        clause = next(clause for clause in conformance.clauses if clause.id == clause_id)
        if clause.verdict == NOT_ASKED:
            where = f"no scenario of {', '.join(conformance.header.regions)} is about {clause.id}"
            shape = conformance.header.port.shape
            pytest.skip(f"not asked of the shape {shape}" if clause.id in conformance.unsuited else where)
        if clause.verdict == HELD:
            return
        if clause.baseline:
            pytest.xfail(f"{clause.baseline.kind}: {clause.baseline.reason}")
        header = conformance.header
        if clause.verdict == UNCHECKED:
            why = f"it does not take {clause.unchecked:,} of the scenarios that ask for it"
            pytest.fail(f"{header.port.name} cannot be asked about {clause.id}, {why}: {clause.text}", pytrace=False)
        cause = cause_of([clause], Target.parse(header.port.target), header.profile, Style(100))
        pytest.fail(f"{header.port.name} breaks {clause.id}: {clause.text}\n{cause}", pytrace=False)


def _plan(kind: type[ConformanceSuite], config: pytest.Config) -> VerificationPlan:
    """Return the plan of a class, with all clauses of its levels; raises SettingError for a wrong setting."""
    settings = list(ConformanceSuite.__annotations__)
    values = [pair for owner in kind.__mro__ if issubclass(owner, ConformanceSuite) for pair in vars(owner).items()]
    fields = [name for name, value in values if not callable(value) and not hasattr(value, "__get__")]
    for name in fields:
        if name not in settings and not name.startswith(("_", "test", "pytest")):
            raise SettingError(f"{no_such('setting', name, settings)}; a name of your own begins with _")
    given = {
        name: getattr(kind, name) or str(config.getoption(f"dirac_{name}") or config.getini(f"dirac_{name}"))
        for name in ("port", "profile", "region")
    }
    for name, value in {**given, "baseline": kind.baseline}.items():
        if not isinstance(value, str):
            raise SettingError(f"{name}: expected a text, found {value!r}")
    if not isinstance(kind.timeout, int | float) or kind.timeout <= 0:
        raise SettingError(f"timeout: expected a number of seconds above 0, found {kind.timeout!r}")
    if not given["port"]:
        how = 'port = "package.module:Class" in the class, --dirac-port, or dirac_port in the settings of pytest'
        raise SettingError(f"there is no port to check: name it with {how}")
    regions, profile = tuple(region.name for region in space.REGIONS), given["profile"] or DIRAC_9_1.name
    named = [("level", level, LEVELS) for level in kind.levels]
    for what, name, known in [
        *named,
        ("region", given["region"] or regions[0], regions),
        ("profile", profile, PROFILES),
    ]:
        if name not in known:
            raise SettingError(no_such(what, name, known))
    clauses = tuple(clause.id for clause in CLAUSES if clause.level in kind.levels)
    asked = (given["region"],) if given["region"] else regions
    return VerificationPlan(Target.parse(given["port"]), clauses, asked, kind.timeout, profile)


def _results(suite: ConformanceSuite, request: pytest.FixtureRequest, factory: pytest.TempPathFactory) -> Results:
    plan = _plan(type(suite), request.config)
    own = [item for item in request.session.items if getattr(item, "cls", None) is type(suite)]
    selected = {item.callspec.params.get("clause_id") for item in own if hasattr(item, "callspec")}
    part = replace(plan, clauses=tuple(name for name in plan.clauses if name in selected))
    with _on_the_terminal(request.config):
        base = factory.getbasetemp()  # in a worker of xdist, the session's directory is the one above
        folder = base.parent if hasattr(request.config, "workerinput") else base
        results = _once(part, tuple(suite.levels), folder)
    complete = len(plan.regions) == len(space.REGIONS)
    return known_divergences(results, _baseline(suite, request.node, results.clauses, complete=complete), suite.levels)


def _baseline(
    suite: ConformanceSuite, node: pytest.Item, clauses: Iterable[ClauseResult] = (), *, complete: bool = True
) -> Baseline:
    """Return the known divergences, of a file beside the test file, if it is there, else from the root directory.

    Raises FileError for an entry that is not true, by the results of the clauses; see :meth:`Baseline.problems`.
    """
    if not suite.baseline:
        return Baseline()
    beside_the_test = node.path.with_name(suite.baseline)
    path = beside_the_test if beside_the_test.exists() else node.config.rootpath / suite.baseline
    baseline = Baseline.load(str(path))
    if problems := baseline.problems(clauses, today(), complete=complete):
        raise FileError(f"{suite.baseline}: {'; '.join(problems)}")
    return baseline


def _on_the_terminal(config: pytest.Config) -> AbstractContextManager[None]:
    """Let the progress be seen, if pytest writes to a terminal: pytest captures all other output."""
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    capture: Any = config.pluginmanager.get_plugin("capturemanager")
    if reporter is None or capture is None or not reporter.isatty:
        return nullcontext()
    reporter.ensure_newline()
    visible: AbstractContextManager[None] = capture.global_and_fixture_disabled()
    return visible


CHECKED: Final = "conformance"
"""The property of a test that names the port and the scenarios."""


def header(config: pytest.Config, items: Sequence[pytest.Item]) -> list[str]:
    """Return a line for each class among the tests, which names the port and the scenarios that it checks."""
    lines = []
    classes = (getattr(item, "cls", None) for item in items)
    for kind in dict.fromkeys(cls for cls in classes if cls and issubclass(cls, ConformanceSuite)):
        plan = _plan(kind, config)
        try:
            summary = _summary(kind, plan.target.info(), plan, sum(1 for _ in plan.scenarios()))
            lines.append(f"{CHECKED}: {summary}")
        except FailoverError as error:
            lines.append(f"{CHECKED}: {kind.__name__}: {error}")
    return lines


def _summary(kind: type[ConformanceSuite], port: PortInfo, about: VerificationPlan | Header, scenarios: int) -> str:
    clients = f", with the clients of {port.implementation}" if port.implementation else ""
    name = f"{port.target} {port.version}".strip()
    regions = f"{'region' if len(about.regions) == 1 else 'regions'} {', '.join(about.regions)}"
    return (
        f"{kind.__name__}: port {name}{clients}; shape {port.shape}; profile {about.profile}; {regions}; "
        f"{scenarios:,} scenarios"
    )


@cache
def _once(plan: VerificationPlan, levels: tuple[str, ...], folder: Path) -> Results:
    """Return the results, which are made once in a session: xdist's workers wait for the first of them."""
    name = hashlib.sha256(repr((plan, levels)).encode()).hexdigest()[:16]
    path = os.path.join(folder, f"dirac-failover-{name}.json")
    with open(f"{path}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(path):
            write(path, verify(plan, levels, workers=cores()).to_text())
    return load(path)
