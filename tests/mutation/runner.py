"""Runs the tests against every single fault of a module, in memory: nothing is written beside the sources.

For a module, its tests are collected once, in a process forked for the purpose. Each fault then gets a fork of that
process, in which the code of the living functions is exchanged and the tests that execute the faulty lines are run.
What cannot be exchanged in a living process (tables, constants, class bodies, defaults), and whatever survived, is
tried once more from the start: a fork of the bare process, in which an import hook hands out the faulty module. What
survives the module's own tests must face the wider ones of ``WIDER``.

Tests that start a new interpreter do not see the fault: a truth proved only there does not kill.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import json
import os
import shutil
import signal
import sys
import tempfile
import warnings
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, Final

import coverage
import pytest

from tests.mutation.operators import Mutant, mutants

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

SOURCES: Final = {"dirac_failover": "tests", "fakes/dirac_fakes": "tests/fakes"}
"""Where packages lie, and where the folders of their tests start."""

NEAREST: Final = {
    "dirac_failover/__init__.py": ("tests/test_imports.py",),
    "dirac_failover/actors/run_report.py": ("tests/cli/test_run.py",),
    "dirac_failover/cli/__init__.py": ("tests/cli/test_cli.py",),
    "dirac_failover/conformance/verification.py": ("tests/cli/test_verify.py",),
    "dirac_failover/drivers/validate.py": ("tests/cli/test_run.py",),
    "dirac_failover/pytest_plugin.py": ("tests/test_pytest_plugin.py", "tests/serving/test_dirac_https.py"),
    "dirac_failover/reports/verdict.py": ("tests/cli/test_verify.py",),
    "dirac_failover/testing/__init__.py": ("tests/test_imports.py",),
    "dirac_failover/testing/context.py": ("tests/test_pytest_plugin.py",),
    "fakes/dirac_fakes/expectations.py": ("tests/fakes/test_journal.py",),
}
"""The tests of modules that have no test file of the same name, or more than that."""

WIDER: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("dirac_failover/wire", ("tests/wire",)),
    ("dirac_failover/request", ("tests/request", "tests/clients")),
    ("dirac_failover/clients", ("tests/clients",)),
    ("dirac_failover/spec", ("tests/spec", "tests/drivers", "tests/conformance")),
    ("dirac_failover/conformance", ("tests/conformance", "tests/cli")),
    ("dirac_failover/drivers", ("tests/drivers", "tests/conformance")),
    ("dirac_failover/actors", ("tests/actors", "tests/cli/test_run.py")),
    ("dirac_failover/reports", ("tests/reports", "tests/cli")),
    ("dirac_failover/lessons", ("tests/lessons",)),
    ("dirac_failover/cli", ("tests/cli",)),
    ("fakes/dirac_fakes", ("tests/fakes", "tests/drivers")),
    ("", ("tests",)),
)
"""Which folders may still kill what a module's own tests let live: the first row whose path fits."""

OPTIONS: Final = (
    *(
        "-o",
        "addopts=",
        "--import-mode=importlib",
        "--assert=plain",
        "--capture=sys",
        "-q",
        "--tb=no",
        "--strict-markers",
    ),
    *("-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:faulthandler"),
    *("--ignore=tests/mutation", "--ignore=tests/packaging", "--ignore=tests/bench", "--ignore=tests/differential"),
)
MEMORY: Final = 4 << 30

LIVES, KILLED, INVALID, UNCHANGED, AFRESH, BROKEN = 0, 1, 70, 71, 72, 99
"""How a child ends. ``AFRESH``: the fault cannot be put into a living process."""


class Fate(Enum):
    """What became of a mutant."""

    KILLED = "killed"
    TIMEOUT = "timeout"
    SURVIVED = "survived"
    INVALID = "invalid"


class MutationError(Exception):
    """The run cannot say anything: the message says why."""


@dataclass(frozen=True)
class Target:
    """A module to be mutated, and its tests: the nearest first, then the wider ones."""

    module: str
    path: Path
    stages: tuple[tuple[str, ...], ...]


@dataclass
class Survey:
    """What one clean run of the tests showed."""

    seconds: dict[str, float] = field(default_factory=dict)
    lines: dict[int, list[str]] = field(default_factory=dict)
    modules: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def covering(self, lines: Iterable[int]) -> list[str]:
        """Return the tests that execute one of ``lines``, the fastest first."""
        return sorted(
            {test for line in lines for test in self.lines.get(line, ())}, key=lambda test: self.seconds[test]
        )


def target(name: str, root: Path, tests: Sequence[str] = ()) -> Target:
    """Find the module ``name``, a path below ``root`` or the dotted name of an installed module, and its tests."""
    if "/" not in name and not name.endswith(".py"):
        found = importlib.util.find_spec(name)
        if found is None or not found.origin:
            raise MutationError(f"There is no module {name}")
        return Target(name, Path(found.origin), (tuple(tests),))
    path = (root / name).resolve()
    relative = path.relative_to(root.resolve())
    for source, folder in SOURCES.items():
        if relative.is_relative_to(source):
            inner = relative.relative_to(source).with_suffix("")
            package = Path(source).name
            parts = [package, *(part for part in inner.parts if part != "__init__")]
            stem = "init" if inner.name == "__init__" else inner.name
            mirrored = sorted(root.glob(str(Path(folder) / inner.parent / f"test_{stem}.py")))
            mirrored += sorted(root.glob(str(Path(folder) / inner.parent / f"test_{stem}_*.py")))
            wider = next(paths for prefix, paths in WIDER if relative.is_relative_to(prefix or "."))
            near = NEAREST.get(name, tuple(str(test.relative_to(root)) for test in mirrored))
            far = tuple(test for test in wider if (root / test).exists())
            stages = tuple(stage for stage in (near, far) if stage)
            return Target(".".join(parts), path, (tuple(tests),) if tests else stages)
    raise MutationError(f"{name} lies in none of {', '.join(SOURCES)}")


def race(jobs: Iterable[Any], work: Callable[[Any], int], workers: int) -> Iterator[tuple[Any, int | None]]:
    """Fork a child for each job, ``workers`` at a time, and yield each job with the exit code of its child.

    The code is None where the child ran out of the time that it gave itself (see :func:`within`). What a child leaves
    running or lying in the temporary folder is cleared away.
    """
    waiting = iter(jobs)
    running: dict[int, Any] = {}
    scratch = tempfile.mkdtemp(prefix="mutants-")
    try:
        while True:
            while len(running) < workers and (job := next(waiting, running)) is not running:
                pid = os.fork()
                if pid == 0:
                    _child(work, job, scratch)
                running[pid] = job
            if not running:
                return
            pid, status = os.waitpid(-1, 0)
            if pid in running:
                with suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)
                shutil.rmtree(f"{scratch}/{pid}", ignore_errors=True)
                late = os.WIFSIGNALED(status) and os.WTERMSIG(status) in {signal.SIGALRM, signal.SIGPROF}
                yield running.pop(pid), None if late else os.waitstatus_to_exitcode(status)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def within(seconds: float) -> None:
    """End this process when it has used ``seconds`` of the processor, or has waited for much longer."""
    for timer, ends, length in (
        (signal.ITIMER_PROF, signal.SIGPROF, seconds),
        (signal.ITIMER_REAL, signal.SIGALRM, 10 * seconds),
    ):
        signal.signal(ends, signal.SIG_DFL)
        signal.setitimer(timer, length)


def _child(work: Callable[[Any], int], job: Any, scratch: str) -> None:
    code = BROKEN
    try:
        import resource

        os.setsid()
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        folder = f"{scratch}/{os.getpid()}"
        os.mkdir(folder)
        os.environ["PYTEST_DEBUG_TEMPROOT"] = folder
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        code = work(job)
    finally:
        os._exit(code)


def _compiled(mutant: Mutant) -> CodeType | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return compile(mutant.apply(), str(mutant.path), "exec", dont_inherit=True)
    except (SyntaxError, ValueError, TypeError):
        return None


def _codes(code: CodeType) -> dict[tuple[str, int], list[CodeType]]:
    found: dict[tuple[str, int], list[CodeType]] = defaultdict(list)
    queue = [code]
    while queue:
        code = queue.pop()
        found[code.co_qualname, code.co_firstlineno].append(code)
        queue.extend(const for const in code.co_consts if isinstance(const, CodeType))
    return found


def exchange(old: CodeType, new: CodeType, functions: Iterable[FunctionType]) -> int:
    """Give ``functions`` that were made from ``old`` the code of ``new``; return how a child should go on."""
    if old == new:
        return UNCHANGED
    before, after = _codes(old), _codes(new)
    changed = 0
    for function in functions:
        key = (function.__code__.co_qualname, function.__code__.co_firstlineno)
        if len(before[key]) != len(after[key]):
            return AFRESH
        for was, now in zip(before[key], after[key], strict=True):
            if function.__code__ == was != now:
                try:
                    function.__code__ = now
                except ValueError:  # other free variables
                    return AFRESH
                changed += 1
                break
    return LIVES if changed else AFRESH


class _Faulty(SourceFileLoader):
    """Finds and loads one module, whatever else would; its code is the mutant's."""

    def __init__(self, name: str, path: Path, code: CodeType) -> None:
        super().__init__(name, str(path))
        self._code = code

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
        if name != self.name:
            return None
        below = [str(Path(self.path).parent)] if Path(self.path).name == "__init__.py" else None
        return importlib.util.spec_from_file_location(name, self.path, loader=self, submodule_search_locations=below)

    def get_code(self, _name: str) -> CodeType:
        return self._code


@dataclass(frozen=True)
class _FastestFirst:
    """A pytest plug-in that puts the tests in the order of the time that they took in the survey."""

    seconds: dict[str, float]

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.sort(key=lambda item: self.seconds.get(item.nodeid, 0.0))


def afresh(mutant: Mutant | None, module: str, tests: Sequence[str], survey: Survey) -> int:
    """Run ``tests`` from the start in this process, with the faulty module, if any, in place of the sound one."""
    within(4.0 + 5 * sum(survey.seconds.values()))
    if mutant is not None:
        code = _compiled(mutant)
        if code is None:
            return INVALID
        sys.meta_path.insert(0, _Faulty(module, mutant.path, code))
    try:
        ended = pytest.main([*tests, *OPTIONS, "-x"], plugins=[_FastestFirst(survey.seconds)])
    except BaseException:  # so ends pytest where a plug-in cannot be loaded, or something was left open
        return KILLED
    return LIVES if ended in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED} else KILLED


class _Server:
    """A pytest plug-in that, once the tests are collected, surveys them and then forks a child for each mutant."""

    def __init__(self, target: Target, mutants: Sequence[Mutant], workers: int, send: Callable[[Any], None]) -> None:
        self.target, self.mutants, self.workers, self.send = target, mutants, workers, send

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.items = {item.nodeid: item for item in session.items}
        reader, writer = os.pipe()
        clean = os.fork()
        if clean == 0:
            os.close(reader)
            with os.fdopen(writer, "w") as pipe:
                json.dump(vars(self._survey(session)), pipe)
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as pipe:
            text = pipe.read()
        os.waitpid(clean, 0)
        survey = _survey(json.loads(text or '{"failed": ["the survey itself"]}'))
        self.send(vars(survey))
        if not survey.failed:
            self._mutants(session, survey)
        return True

    def _run(self, items: Iterable[pytest.Item], session: pytest.Session, stop: bool = True) -> int:
        ordered = list(items)
        for item, following in zip(ordered, [*ordered[1:], None], strict=False):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if stop and session.testsfailed:
                return KILLED
        return KILLED if session.testsfailed else LIVES

    def _survey(self, session: pytest.Session) -> Survey:
        survey = Survey()
        measure = coverage.Coverage(data_file=None, include=[str(self.target.path)], config_file=False, messages=False)

        class Reports:
            def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
                survey.seconds[report.nodeid] = survey.seconds.get(report.nodeid, 0.0) + report.duration
                if report.failed:
                    survey.failed.append(report.nodeid)

            @pytest.hookimpl(tryfirst=True)
            def pytest_runtest_logstart(self, nodeid: str) -> None:
                measure.switch_context(nodeid)

        session.config.pluginmanager.register(Reports())
        measure.start()
        self._run(self.items.values(), session, stop=False)
        measure.stop()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # where the tests of a module are in new processes, nothing was measured
            data = measure.get_data()
        for path in data.measured_files():
            for line, tests in data.contexts_by_lineno(path).items():
                survey.lines[line] = [test for test in tests if test in survey.seconds]
        survey.modules = list(sys.modules)
        return survey

    def _mutants(self, session: pytest.Session, survey: Survey) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name in [self.target.module, *survey.modules]:
                with suppress(BaseException):
                    importlib.import_module(name)
        origin = compile(self.target.path.read_text(), str(self.target.path), "exec", dont_inherit=True)
        path = os.path.realpath(self.target.path)
        functions = [
            thing
            for thing in gc.get_objects()
            if type(thing) is FunctionType and os.path.realpath(thing.__code__.co_filename) == path
        ]
        gc.freeze()

        def work(index: int) -> int:
            mutant = self.mutants[index]
            code = _compiled(mutant)
            if code is None:
                return INVALID
            ready = exchange(origin, code, functions)
            if ready != LIVES:
                return ready
            tests = survey.covering(mutant.lines)
            within(1.0 + 5 * sum(survey.seconds[test] for test in tests))
            try:
                return self._run([self.items[test] for test in tests], session)
            except BaseException:  # whatever it is, the sound module does not raise it
                return KILLED

        live = [index for index, mutant in enumerate(self.mutants) if mutant.live]
        for index, code in race(live, work, self.workers):
            self.send([index, code])


def _survey(values: dict[str, Any]) -> Survey:
    survey = Survey(**values)
    survey.lines = {int(line): tests for line, tests in survey.lines.items()}
    return survey


def stage(
    target: Target, mutants: Sequence[Mutant], tests: Sequence[str], workers: int, wide: bool = False
) -> Iterator[tuple[Mutant, Fate]]:
    """Run ``tests`` on each of ``mutants`` and yield what became of it."""
    reader, writer = os.pipe()
    server = os.fork()
    if server == 0:
        os.close(reader)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        with os.fdopen(writer, "w", buffering=1) as pipe:
            plugin = _Server(target, mutants, workers, lambda message: print(json.dumps(message), file=pipe))
            pytest.main([*tests, *OPTIONS], plugins=[plugin])
        os._exit(0)
    os.close(writer)
    again: list[Mutant] = [mutant for mutant in mutants if not mutant.live]
    with os.fdopen(reader) as pipe:
        survey = _survey(json.loads(next(pipe, '{"failed": ["their collection"]}')))
        if survey.failed:
            os.waitpid(server, 0)
            raise MutationError(f"Without any fault, these fail already: {', '.join(survey.failed)}")
        for line in pipe:
            index, code = json.loads(line)
            fate = _fate(code)
            if code == AFRESH or (fate is Fate.SURVIVED and not wide):
                again.append(mutants[index])
            else:
                yield mutants[index], fate
    os.waitpid(server, 0)
    own = {target.module.partition(".")[0], "tests", "conftest", *(Path(source).name for source in SOURCES)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in survey.modules:
            if name.partition(".")[0] not in own and not _is_test(name):
                with suppress(BaseException):
                    importlib.import_module(name)
    gc.freeze()
    control: list[Mutant | None] = [None] if again else []
    for job, code in race([*control, *again], lambda job: afresh(job, target.module, tests, survey), workers):
        fate = _fate(code)
        if job is not None:
            yield job, fate
        elif fate is not Fate.SURVIVED:
            raise MutationError("Without any fault, the tests fail when the fastest are run first")


def _is_test(name: str) -> bool:
    return name.rpartition(".")[2].startswith(("test_", "conftest"))


def _fate(code: int | None) -> Fate:
    if code is None:
        return Fate.TIMEOUT
    if code == BROKEN:
        raise MutationError("The mutation tool itself failed in a child")
    return {LIVES: Fate.SURVIVED, INVALID: Fate.INVALID, UNCHANGED: Fate.INVALID}.get(code, Fate.KILLED)


def run(target: Target, known: Callable[[Mutant], bool], workers: int = 2) -> Iterator[tuple[Mutant, Fate]]:
    """Yield each mutant of ``target`` with its fate; those ``known`` to be equivalent face the first stage only."""
    left = mutants(target.path, target.path.read_text())
    stages = [tests for tests in target.stages if tests]
    if left and not stages:
        raise MutationError(f"{target.module} has no tests")
    for number, tests in enumerate(stages if left else ()):
        survivors = []
        for mutant, fate in stage(target, left, tests, workers, wide=number > 0):
            if fate is Fate.SURVIVED and not known(mutant) and number + 1 < len(stages):
                survivors.append(mutant)
            else:
                yield mutant, fate
        left = survivors
        if not left:
            return


def quiet_hypothesis() -> None:
    """Let hypothesis find failures without shrinking them, remembering them or minding the time."""
    with suppress(ImportError):
        from hypothesis import HealthCheck, Phase, settings

        settings.register_profile(
            "mutants",
            phases=(Phase.explicit, Phase.generate),
            database=None,
            deadline=None,
            derandomize=True,
            suppress_health_check=[HealthCheck.too_slow],
        )
        settings.load_profile("mutants")
