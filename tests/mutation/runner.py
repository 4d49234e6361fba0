"""``python -m tests.mutation.runner [FILE ...]``: our tests notice each single fault of our code.

The tests of a module are collected once, in a process forked for the purpose. Each fault gets a fork of that process,
in which the code of living functions is exchanged, and the tests that execute its lines run. A fault that cannot be put
into a living process (tables, constants, class bodies, defaults), or that survives, is tried from the start: a fork of
the bare process gets the faulty module from an import hook. Survivors of a module's own tests face all the others.
Tests that start a new interpreter do not see the fault; prose is left alone, except where its wording is DIRAC's.
``equivalent.txt`` explains the faults that no test can notice; an explanation that fits no survivor is an error.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import importlib.util
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec, SourceFileLoader
from multiprocessing import Pipe
from pathlib import Path
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, Final

import coverage
import pytest

from tests.mutation.operators import Mutant, digests, explained, mutants

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from multiprocessing.connection import Connection

SOURCES: Final = {"dirac_failover": "tests", "fakes/dirac_fakes": "tests/fakes"}
"""The folders of the packages, and the folders of their tests."""
DIRACS_WORDING: Final = (
    "fakes/", "dirac_failover/module_base", "dirac_failover/failover_request", "dirac_failover/workflow",
    "dirac_failover/vocabulary", "dirac_failover/clients/", "dirac_failover/request/", "dirac_failover/wire/",
    "dirac_failover/spec/model/",
)  # fmt: skip
"""Modules whose texts are DIRAC's, so that their tests hold the wording."""
SPACE: Final = ("tests/spec/test_clauses.py", "tests/spec/model/test_module.py", "tests/spec/model/test_clients.py")
"""The tests that run scenarios of the space, and compare the whole outcome with the expected one."""
JUDGING: Final = ("tests/spec/test_judging.py", "tests/spec/test_clauses.py")
BESIDE: Final = {
    "dirac_failover/module_base": SPACE, "dirac_failover/failover_request": SPACE, "dirac_failover/clients/": SPACE,
    "dirac_failover/request/": ("tests/request", *SPACE),
    **dict.fromkeys(("dirac_failover/spec/clauses/", "dirac_failover/spec/duties", "dirac_failover/spec/facts",
                     "dirac_failover/spec/check_context"), JUDGING),
    "fakes/dirac_fakes/": ("tests/fakes", "tests/actors"),
}  # fmt: skip
"""The tests that modules with such names face beside their nearest."""
NEAREST: Final = {
    "dirac_failover/__init__.py": ("tests/test_imports.py",),
    "dirac_failover/actors/recovery.py": ("tests/actors", "tests/testing/test_outcome.py"),
    "dirac_failover/actors/request_agents.py": ("tests/actors",),
    "dirac_failover/actors/run_report.py": ("tests/cli/test_run.py",),
    "dirac_failover/cli/__init__.py": ("tests/cli/test_cli.py",),
    "dirac_failover/clients/job_state_update.py": ("tests/clients/test_base.py",),
    "dirac_failover/conformance/verification.py": ("tests/cli/test_verify.py",),
    "dirac_failover/drivers/validate.py": ("tests/cli/test_run.py",),
    "dirac_failover/pytest_plugin.py": ("tests/test_pytest_plugin.py", "tests/serving/test_dirac_https.py"),
    "dirac_failover/reports/verdict.py": ("tests/cli/test_verify.py",),
    "dirac_failover/testing/__init__.py": ("tests/test_imports.py",),
    "dirac_failover/testing/context.py": ("tests/test_pytest_plugin.py",),
    "fakes/dirac_fakes/expectations.py": ("tests/fakes/test_journal.py",),
}
"""The tests of modules that have no test file of the same name, or more than that."""
OPTIONS: Final = (
    *("-o", "addopts=", "--import-mode=importlib", "--assert=plain", "--capture=sys", "-q", "--tb=no"),
    *("--strict-markers", "-p", "pytest_mock", "-p", "no:cacheprovider", "-p", "no:faulthandler"),
    *(f"--ignore=tests/{folder}" for folder in ("bench", "browser", "differential", "mutation", "packaging")),
)  # fmt: skip
EQUIVALENT: Final = Path(__file__).with_name("equivalent.txt")
MEMORY: Final = 4 << 30
"""The bytes of address space of a child; a browser would need more, so its tests are left out."""
LIVES, KILLED, INVALID, AFRESH, BROKEN = 0, 1, 70, 72, 99
"""How a child ends. ``AFRESH``: the fault cannot be put into a living process; ``BROKEN``: this tool failed in it."""
FATES: Final = {KILLED: "killed", None: "timeout", LIVES: "survived"}


class MutationError(Exception):
    """The run cannot say anything: the message says why."""


@dataclass
class Survey:
    """The observations of one clean run of the tests."""

    seconds: dict[str, float] = field(default_factory=dict)
    lines: dict[int, list[str]] = field(default_factory=dict)
    modules: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def covering(self, lines: Iterable[int]) -> list[str]:
        """Return the tests that execute one of ``lines``, the fastest first."""
        return sorted({test for line in lines for test in self.lines.get(line, ())}, key=self.seconds.__getitem__)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Be a plug-in that lets the fastest tests run first."""
        items.sort(key=lambda item: self.seconds.get(item.nodeid, 0.0))


NO_SURVEY: Final = Survey(failed=["their collection"])


def _messages(receiver: Connection) -> Iterator[Any]:
    """Yield what the process at the other end sends, until it ends."""
    with suppress(EOFError):
        while True:
            yield receiver.recv()


def stages(name: str, root: Path) -> tuple[str, list[list[str]]]:
    """Return the dotted name of the module in file ``name``, and its tests: the nearest, then all."""
    for source, folder in SOURCES.items():
        if Path(name).is_relative_to(source):
            inner = Path(name).relative_to(source).with_suffix("")
            parts = [Path(source).name, *(part for part in inner.parts if part != "__init__")]
            stem = Path(folder, inner.parent, f"test_{inner.name.strip('_')}")
            mirrored = [path for end in (".py", "_*.py") for path in sorted(root.glob(f"{stem}{end}"))]
            near = NEAREST.get(name) or [str(test.relative_to(root)) for test in mirrored]
            near = [*near, *(test for start, tests in BESIDE.items() if name.startswith(start) for test in tests)]
            return ".".join(parts), [tests for tests in (near, [Path(folder).parts[0]]) if tests]
    raise MutationError(f"{name} lies in none of {', '.join(SOURCES)}")


def race(jobs: Iterable[Any], work: Callable[[Any], int], workers: int) -> Iterator[tuple[Any, int | None]]:
    """Fork a child for each job, ``workers`` at a time, and yield each job with the exit code of its child.

    The code is None where the child ran out of the time that it gave itself (see :func:`within`). Processes and
    temporary files that a child leaves are cleared away.
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


def _silence() -> None:
    for stream in (0, 1, 2):
        os.dup2(os.open(os.devnull, os.O_RDWR), stream)


def _child(work: Callable[[Any], int], job: Any, scratch: str) -> None:
    code = BROKEN
    try:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        os.environ["PYTEST_DEBUG_TEMPROOT"] = folder = f"{scratch}/{os.getpid()}"
        os.mkdir(folder)
        tempfile.tempdir = folder  # a fault may lose the directory of a temporary one, and a test remove its parent
        _silence()
        code = work(job)
    finally:
        os._exit(code)


def _compiled(mutant: Mutant) -> CodeType | None:
    with warnings.catch_warnings(), suppress(SyntaxError, ValueError, TypeError):
        warnings.simplefilter("ignore")
        return compile(mutant.apply(), str(mutant.path), "exec", dont_inherit=True)
    return None


def _import(names: Iterable[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in names:
            with suppress(BaseException):
                importlib.import_module(name)
    gc.freeze()


# In a living process


def living(path: Path) -> list[FunctionType]:
    """Return the functions of this process that were made from the file at ``path``."""
    gc.unfreeze()  # the collector does not show what is frozen
    things = [thing for thing in gc.get_objects() if type(thing) is FunctionType]
    gc.freeze()
    return [thing for thing in things if os.path.realpath(thing.__code__.co_filename) == os.path.realpath(path)]


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
        return INVALID
    before, after = _codes(old), _codes(new)
    changed = AFRESH
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
                changed = LIVES
                break
    return changed


@dataclass
class _Server:
    """A pytest plug-in that, once the tests are collected, surveys them and then forks a child for each mutant."""

    path: Path
    module: str
    mutants: Sequence[Mutant]
    workers: int
    send: Callable[[Any], None]

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.session, self.items = session, {item.nodeid: item for item in session.items}
        receiver, sender = Pipe(duplex=False)
        if os.fork() == 0:
            sender.send(self._survey())
            os._exit(0)
        sender.close()
        survey = next(_messages(receiver), NO_SURVEY)
        os.wait()
        self.send(survey)
        if not survey.failed:
            self._mutants(survey)
        return True

    def _run(self, tests: Iterable[str], *, stop: bool = True) -> int:
        items = [self.items[test] for test in tests]
        for item, following in zip(items, [*items[1:], None], strict=False):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if stop and self.session.testsfailed:
                return KILLED
        return KILLED if self.session.testsfailed else LIVES

    def _survey(self) -> Survey:
        survey = Survey()
        measure = coverage.Coverage(data_file=None, include=[str(self.path)], config_file=False, messages=False)

        class Reports:
            def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
                survey.seconds[report.nodeid] = survey.seconds.get(report.nodeid, 0.0) + report.duration
                if report.failed:
                    survey.failed.append(report.nodeid)

            @pytest.hookimpl(tryfirst=True)
            def pytest_runtest_logstart(self, nodeid: str) -> None:
                measure.switch_context(nodeid)

        self.session.config.pluginmanager.register(Reports())
        measure.start()
        self._run(self.items, stop=False)
        measure.stop()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # where the tests of a module are in new processes, nothing was measured
            data = measure.get_data()
        for path in data.measured_files():
            for line, tests in data.contexts_by_lineno(path).items():
                survey.lines[line] = [test for test in tests if test in survey.seconds]
        survey.modules = list(sys.modules)
        return survey

    def _mutants(self, survey: Survey) -> None:
        _import([self.module, *survey.modules])
        origin = compile(self.path.read_text(), str(self.path), "exec", dont_inherit=True)
        functions = living(self.path)

        def work(index: int) -> int:
            mutant = self.mutants[index]
            code = _compiled(mutant)
            ready = INVALID if code is None else exchange(origin, code, functions)
            if ready != LIVES:
                return ready
            tests = survey.covering(mutant.lines)
            within(1.0 + 5 * sum(survey.seconds[test] for test in tests))
            try:
                return self._run(tests)
            except BaseException:  # whatever it is, the sound module does not raise it
                return KILLED

        live = [index for index, mutant in enumerate(self.mutants) if mutant.live]
        for index, code in race(live, work, self.workers):
            self.send((index, code))


# From the start


class _Faulty(SourceFileLoader):
    """Finds and loads one module, before any other finder; its code is the mutant's."""

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


def afresh(mutant: Mutant | None, module: str, tests: Sequence[str], survey: Survey) -> int:
    """Run ``tests`` from the start in this process, with the faulty module, if any, in place of the sound one."""
    within(4.0 + 5 * sum(survey.seconds.values()))
    if mutant is not None:
        code = _compiled(mutant)
        if code is None:
            return INVALID
        sys.meta_path.insert(0, _Faulty(module, mutant.path, code))
    try:
        ended = pytest.main([*tests, *OPTIONS, "-x"], plugins=[survey])
    except BaseException:  # so ends pytest where a plug-in cannot be loaded, or something was left open
        return KILLED
    return LIVES if ended in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED} else KILLED


# All of it


def stage(
    module: str, jobs: Sequence[Mutant], tests: Sequence[str], workers: int, *, last: bool
) -> Iterator[tuple[Mutant, int | None]]:
    """Run ``tests`` on each of the mutants and yield how its child ended; the ``last`` stage is believed at once."""
    path = jobs[0].path
    receiver, sender = Pipe(duplex=False)
    server = os.fork()
    if server == 0:
        receiver.close()
        _silence()
        pytest.main([*tests, *OPTIONS], plugins=[_Server(path, module, jobs, workers, sender.send)])
        os._exit(0)
    sender.close()
    again: list[Mutant | None] = [mutant for mutant in jobs if not mutant.live]
    messages = _messages(receiver)
    survey = next(messages, NO_SURVEY)
    for index, code in messages:
        if code == AFRESH or (code == LIVES and not last):
            again.append(jobs[index])
        else:
            yield jobs[index], code
    os.waitpid(server, 0)
    if survey.failed:
        raise MutationError(f"Without any fault, these fail already: {', '.join(survey.failed)}")
    own = {module.partition(".")[0], "tests", "conftest", *(Path(source).name for source in SOURCES)}
    _import(
        name
        for name in survey.modules
        if name.partition(".")[0] not in own and not name.rpartition(".")[2].startswith(("test_", "conftest"))
    )
    control = [None] if again else []
    for job, code in race([*control, *again], lambda job: afresh(job, module, tests, survey), workers):
        if job is not None:
            yield job, code
        elif code != LIVES:
            raise MutationError("Without any fault, the tests fail when the fastest are run first")


def run(
    name: str, root: Path, found: Sequence[Mutant], known: Callable[[Mutant], bool], workers: int
) -> Iterator[tuple[Mutant, int | None]]:
    """Yield each mutant of a file with how it ended; those ``known`` to be equivalent face the first stage only."""
    module, tests = stages(name, root)
    if found and not tests:
        raise MutationError(f"{module} has no tests")
    while found and tests:
        here, survivors = tests.pop(0), []
        for mutant, code in stage(module, found, here, workers, last=not tests):
            if code == BROKEN:
                raise MutationError("The mutation tool itself failed in a child")
            if code == LIVES and tests and not known(mutant):
                survivors.append(mutant)
            elif code != INVALID:
                yield mutant, code if code in FATES else KILLED
        found = survivors


def main(arguments: Sequence[str] | None = None, root: Path | None = None, equivalent: Path = EQUIVALENT) -> int:
    """Run the mutants of the files named; return 0 when each was killed or is explained."""
    root = root or Path(__file__).parents[2]
    parser = argparse.ArgumentParser(prog="python -m tests.mutation.runner", description=str(__doc__))
    parser.add_argument("files", nargs="*", help="modules, by path (default: all)")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(arguments)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    everything = [str(path.relative_to(root)) for source in SOURCES for path in sorted((root / source).rglob("*.py"))]
    reasons = explained(equivalent)
    unused = {key for key in reasons if not options.files or key[0] in options.files}
    used, bad, total = 0, 0, Counter[str]()
    for name in options.files or everything:
        start, fates = time.monotonic(), Counter[str]()
        path = (root / name).resolve()
        found = mutants(path, path.read_text(), prose=name.startswith(DIRACS_WORDING))
        keys = {mutant: (name, mutant.function, digest) for mutant, digest in digests(found).items()}
        try:
            for mutant, code in run(name, root, found, lambda mutant: keys[mutant] in reasons, options.workers):  # noqa: B023
                fates[FATES[code]] += 1
                if code == LIVES and keys[mutant] in reasons:
                    used += 1
                    unused.discard(keys[mutant])
                elif code == LIVES:
                    bad += 1
                    print(f"\n{name}:{mutant.line} {mutant.function} {keys[mutant][2]}\n{mutant.diff()}")
        except MutationError as error:
            bad += 1
            print(f"{name}: {error}")
        total += fates
        print(f"{name}: {_counts(fates)} in {time.monotonic() - start:.1f} s", flush=True)
    for key in sorted(unused):
        print(f"{equivalent.name}: no surviving mutant is {key}")
    print(f"mutants: {_counts(total)}; explained: {used}; to be dealt with: {bad + len(unused)}")
    return 1 if bad or unused else 0


def _counts(fates: Counter[str]) -> str:
    return ", ".join(f"{fates[fate]} {fate}" for fate in FATES.values())


if __name__ == "__main__":
    sys.exit(main())
