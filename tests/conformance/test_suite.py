"""The suite, as the repository of a port uses it: pytest in a process of its own."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from dirac_failover import __version__, pytest_plugin
from dirac_failover.conformance import suite
from dirac_failover.conformance.baseline import Baseline, Entry
from dirac_failover.conformance.suite.test_conformance import (
    TestConformance as Adopted,
)  # as test class it would be collected here
from dirac_failover.conformance.workers import cores
from dirac_failover.errors import FileError
from dirac_failover.spec import space
from dirac_failover.spec.clauses import CLAUSES

if TYPE_CHECKING:
    from dirac_failover.conformance.results import Results

ROOT = Path(__file__).parents[2]
DECIDING = [clause for clause in CLAUSES if clause.level != "lossless"]
PORT = """
from dirac_failover import FailoverRequest

class Fine(FailoverRequest):
    pass

class NoResult(FailoverRequest):
    def execute(self):
        super().execute()

class Dies(FailoverRequest):
    def __init__(self):
        raise ValueError("no")
"""
"""What loads the plug-in, which has no entry point in a bare checkout."""
SUITE = """
from dirac_failover.conformance.suite import ConformanceSuite


class TestMine(ConformanceSuite):
    port = "my_port:{}"
    {}
"""


pytestmark = pytest.mark.ci


def pytest_in(folder: Path, *words: str) -> tuple[int, str]:
    """Run pytest there; return its exit code and output."""
    path = os.pathsep.join([str(folder), str(ROOT), str(ROOT / "fakes")])
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_XDIST", "COV"))}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rA", *words]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env={**environment, "PYTHONPATH": path}
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a port."""
    (tmp_path / "my_port.py").write_text(PORT)
    (tmp_path / "pytest.ini").write_text("[pytest]\ndirac_region = identity\n")
    return tmp_path


@pytest.mark.usefixtures("autoload")
def test_a_repository_adopts_it_in_five_lines(repository: Path) -> None:
    """One test for each clause that decides; what no scenario is about is skipped, with xdist too."""
    (repository / "test_mine.py").write_text(SUITE.format("Fine", ""))
    code, printed = pytest_in(repository, "-n", "2", "--junit-xml=junit.xml")
    assert code == 0, printed
    for clause in DECIDING:
        assert f"test_mine.py::TestMine::test_clause[{clause.id}]" in printed or "SKIPPED" in printed
    assert printed.count("PASSED test_mine.py::TestMine::test_clause[") >= 25
    assert "no scenario of identity is about CO-005" in printed
    assert (repository / "junit.xml").read_text().count("<testcase ") == len(DECIDING)


def test_what_diverges_fails_with_all_that_is_needed(repository: Path) -> None:
    """Clause, count, smallest scenario, expected beside observed, and the command that shows it; -k chooses."""
    words = ("--pyargs", "dirac_failover.conformance.suite", "--dirac-port=my_port:NoResult")
    code, printed = pytest_in(repository, *words, "-k", "CO-004 or DI-004")
    assert code == 1
    assert f"2 failed, {len(DECIDING) - 2} deselected" in printed
    text = next(clause.text for clause in CLAUSES if clause.id == "CO-004")
    for line in (
        f"\nNoResult breaks CO-004: {text}\n── CO-004 is broken ─",
        "\n  scenario  identity: the good case (broken in ",
        '\n  expected  "a return structure"\n  observed  null\n',
        "\n  $ dirac-failover run --scenario 'identity: the good case' --module my_port:NoResult\n",
        "\n  $ dirac-failover explain CO-004\n",
    ):
        assert line in printed
    assert "Traceback" not in printed


def test_other_levels_and_a_baseline(repository: Path) -> None:
    """What is known is an xfail, and the rest fails; a baseline that is not true is an error."""
    known = Baseline((Entry("LL-003", "by-design", "as DIRAC does"),))
    known.save(str(repository / "known.json"))
    (repository / "test_mine.py").write_text(SUITE.format("Fine", 'levels = ("lossless",); baseline = "known.json"'))
    code, printed = pytest_in(repository)
    assert code == 1
    assert "XFAIL test_mine.py::TestMine::test_clause[LL-003] - by-design: as DIRAC does" in printed
    assert "FAILED test_mine.py::TestMine::test_clause[LL-007]" in printed
    Baseline((Entry("XX-1", "by-design", "x"),)).save(str(repository / "known.json"))
    code, printed = pytest_in(repository, "-k", "LL-003")
    assert code == 2
    assert "\nTestMine: known.json: XX-1: there is no clause" in printed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            "--dirac-port=my_port:Dies",
            "The port is broken, and nothing is known of how it conforms: The port broke down (",
        ),
        ("--dirac-port=nobody", "there is no port 'nobody' (there are reference, "),
    ],
)
def test_a_port_that_is_broken_is_an_error_and_no_failure(repository: Path, words: str, message: str) -> None:
    """Nothing is known of any clause."""
    code, printed = pytest_in(
        repository, "--pyargs", "dirac_failover.conformance.suite", words, "-k", "CO-001 or CO-002"
    )
    assert code == 1
    assert "2 errors" in printed
    assert "failed" not in printed.splitlines()[-1]
    assert f"\n{message}" in printed


WRONG = {
    "": "there is no port to check: name it with port = ",
    'prot = "reference"': "there is no setting 'prot'; did you mean port? (there are port, profile, region, levels, ",
    'port = "reference"; region = "input"': "there is no region 'input'; did you mean inputs? (there are identity, ",
    'port = "reference"; profile = "dirac-9"': "there is no profile 'dirac-9'; did you mean dirac-9.1? (there are ",
    'port = "reference"; levels = ["contract", "dirak"]': "there is no level 'dirak'; did you mean dirac? (there are ",
    'port = "reference"; baseline = "none.json"': "Cannot read ",
    'port = "reference"; baseline = "odd.json"': "odd.json: CO-999: there is no clause 'CO-999'",
    'port = "reference"; timeout = 0': "timeout: expected a number of seconds above 0, found 0",
    "port = object": "port: expected a text, found <class 'object'>",
}
"""Classes that are set wrongly, and the complaint."""


def test_what_is_set_wrongly_is_an_error_of_the_collection(pytester: pytest.Pytester) -> None:
    """In one line each, and no test runs; names of one's own, and methods, are not settings."""
    Baseline((Entry("CO-999", "by-design", "x"),)).save(str(pytester.path / "odd.json"))
    classes = [f"class Test{number}(ConformanceSuite): {said or 'pass'}" for number, said in enumerate(WRONG)]
    fine = """
class TestFine(ConformanceSuite):
    port = "reference"; region = "identity"; levels = ["contract"]
    _own = 5; pytestmark = []
    class Inner: pass
    @property
    def helper(self): pass
"""
    pytester.makepyfile("\n".join([f"from {suite.__name__} import ConformanceSuite", *classes, fine]))
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "--collect-only", "-q")
    result.assert_outcomes(errors=len(WRONG))
    lines = result.stdout.lines
    said = [line.partition(": ")[2] for line in lines if line.startswith("Test")]
    assert [found for found, start in zip(said, WRONG.values(), strict=True) if not found.startswith(start)] == []
    assert sum("::TestFine::test_clause[CO-" in line for line in lines) == sum(c.level == "contract" for c in CLAUSES)


def test_a_run_says_what_it_judges_before_and_after(
    pytester: pytest.Pytester, asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Port and version, profile, region and scenarios; and it asks only the clauses that are selected."""
    monkeypatch.setattr(suite, "_MADE", {})
    pytester.makepyfile(f"""
from {suite.__name__} import ConformanceSuite

def test_of_another_kind(): pass

class TestMine(ConformanceSuite):
    port = "reference"; region = "identity"
    def test_of_mine(self): pass

class TestNobody(ConformanceSuite):
    port = "nobody"
""")
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-k", "CO-001 or DI-001 or of_")
    result.assert_outcomes(passed=4, skipped=2, deselected=2 * (len(DECIDING) - 2))
    count = sum(1 for _ in space.IDENTITY.scenarios())
    port = f"port reference {__version__}, with the clients of reference {__version__}"
    result.stdout.fnmatch_lines([
        "collected *",
        f"conformance: TestMine: {port}; shape module; profile dirac-9.1; region identity; {count:,} scenarios",
        "conformance: TestNobody: there is no port 'nobody'*",
        "*= conformance =*",
        "TestMine: port alpha:Module 1.0*; shape module; profile dirac-9.1; *; * scenarios",
        "TestNobody: port alpha:Module 1.0*",
    ])  # fmt: skip
    assert [clauses for *_, clauses in asked] == [("CO-001", "DI-001")] * 2


def test_a_pytest_that_has_a_workers_environment_shares_nothing(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Results of another session are never taken for those of this one."""
    monkeypatch.setenv("PYTEST_DEBUG_TEMPROOT", str(repository))
    (repository / "test_mine.py").write_text(SUITE.format("Fine", ""))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-k", "CO-003"],
        cwd=repository, capture_output=True, text=True, check=False,
        env={
            **{key: value for key, value in os.environ.items() if not key.startswith("COV")},
            "PYTEST_XDIST_WORKER": "gw0",
            "PYTHONPATH": os.pathsep.join([str(repository), str(ROOT), str(ROOT / "fakes")]),
        },
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    (written,) = repository.glob("**/dirac-failover-*.json")
    assert written.parent.name == "pytest-0"


def test_the_progress_is_seen_on_a_terminal_only(repository: Path) -> None:
    """It is one line, which goes when the space is done."""
    (repository / "test_mine.py").write_text(SUITE.format("Fine", 'region = "inputs"'))
    seen: list[bytes] = []

    def read(handle: int) -> bytes:
        data = os.read(handle, 1024)
        seen.append(data)
        return data

    environment = {"PYTHONPATH": os.pathsep.join([str(repository), str(ROOT), str(ROOT / "fakes")]), "TERM": "xterm"}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(repository)
        for name, value in environment.items():
            patch.setenv(name, value)
        pty.spawn([sys.executable, "-m", "pytest", "-k", "DI-003"], read)
    printed = b"".join(seen).decode()
    assert re.search(r"my_port:Fine \[#*\.*\] +\d+% \d[\d,]* of \d[\d,]*, ", printed)
    assert "\r\x1b[K" in printed
    code, piped = pytest_in(repository, "-k", "DI-003")
    assert code == 0
    assert " a second, " not in piped


def test_the_options_are_ini_settings_too() -> None:
    """Under one prefix, with help."""
    assert list(pytest_plugin.OPTIONS) == ["port", "profile", "region"]


def test_the_plug_in_loads_nothing(tmp_path: Path) -> None:
    """It is loaded in every project where the package is installed."""
    code = "import sys, dirac_failover.pytest_plugin; print(*(n for n in sys.modules if n.startswith('dirac_')))"
    path = os.pathsep.join([str(ROOT), str(ROOT / "fakes")])
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    assert done.stdout.split() == ["dirac_failover", "dirac_failover.pytest_plugin"]


class Mine(Adopted):
    """A suite for a port that is judged by hand below."""

    port = "reference"
    region = "identity"


def item(cls: type[Adopted], **parameters: str) -> Any:
    """As much of a test as the suite asks for."""
    return SimpleNamespace(cls=cls, callspec=SimpleNamespace(params=parameters))


class Request:
    """As much of pytest's request as the suite asks for."""

    def __init__(self, folder: Path, **options: str) -> None:
        self.config = self
        self.path = folder / "tests/test_mine.py"
        self.rootpath = folder
        self.options = options
        self.node = self
        self.session = SimpleNamespace(items=[item(Mine, clause_id="CO-001"), item(Mine), SimpleNamespace(cls=Mine)])
        self.user_properties: list[Any] = []
        self.pluginmanager = SimpleNamespace(get_plugin=lambda _: None)

    def getoption(self, name: str) -> str | None:
        return self.options.get(name)

    def getini(self, name: str) -> str:
        return self.options.get(f"ini_{name}", "")


class Factory:
    """As much of pytest's maker of directories."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def getbasetemp(self) -> Path:
        return self.folder


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, alpha: Results) -> list[Any]:
    """What was verified; each time the results are the same."""
    calls: list[Any] = []

    def verify(question: Any, levels: Any, *, workers: int) -> Results:
        calls.append((question.target.text, question.regions, question.profile, question.seconds, levels, workers,
                      question.clauses))  # fmt: skip
        return alpha

    monkeypatch.setattr(suite, "verify", verify)
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    return calls


def test_the_space_is_run_once(
    asked: list[Any], tmp_path: Path, alpha: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By all processors; another process, such as an xdist worker, reads what the first one has written."""
    request: Any = Request(tmp_path)
    first = suite._results(Mine(), request, Factory(tmp_path))
    assert first == alpha
    assert suite._results(Mine(), request, Factory(tmp_path)) == first
    monkeypatch.setattr(suite, "_MADE", {})
    request.workerinput = {}
    assert suite._results(Mine(), request, Factory(tmp_path / "gw0")) == alpha
    assert asked == [("reference", ("identity",), "dirac-9.1", 60.0, ("contract", "dirac"), cores(), ("CO-001",))]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"ini_dirac_port": "a"}, ("a", tuple(region.name for region in space.REGIONS), "dirac-9.1")),
        ({"ini_dirac_port": "a", "ini_dirac_region": "inputs"}, ("a", ("inputs",), "dirac-9.1")),
        (
            {"ini_dirac_port": "a", "dirac_port": "b", "dirac_region": "answers", "dirac_profile": "dirac-8.0"},
            ("b", ("answers",), "dirac-8.0"),
        ),
    ],
)
def test_the_class_decides_before_the_option_and_the_option_before_the_ini(
    asked: list[Any], tmp_path: Path, options: dict[str, str], expected: tuple[str, tuple[str, ...], str]
) -> None:
    """Without a region, it is all of the space; without a profile, DIRAC 9.1's."""
    request: Any = Request(tmp_path, **options)
    suite._results(Adopted(), request, Factory(tmp_path))
    suite._results(Mine(), request, Factory(tmp_path))
    Mine.profile = "ilcdirac-35.0"
    suite._results(Mine(), request, Factory(tmp_path))
    Mine.profile = ""
    mine = ("reference", ("identity",))
    assert [item[:3] for item in asked] == [expected, (*mine, expected[2]), (*mine, "ilcdirac-35.0")]


def test_a_baseline_is_beside_the_test_or_at_the_root(asked: list[Any], tmp_path: Path) -> None:
    """What it knows is said beside the breach; what is not true in it ends everything."""
    assert asked == []

    class Known(Mine):
        baseline = "known.json"

    request: Any = Request(tmp_path)
    Baseline((Entry("CO-002", "known-bug", "at the root"),)).save(str(tmp_path / "known.json"))
    found = suite._results(Known(), request, Factory(tmp_path)).clauses[1].baseline
    assert found is not None
    assert found.reason == "at the root"
    (tmp_path / "tests").mkdir()
    Baseline((Entry("CO-001", "known-bug", "x"),)).save(str(tmp_path / "tests/known.json"))
    assert suite._results(Known(), request, Factory(tmp_path)).clauses[1].baseline is None  # a part of the space
    Known.region = ""
    with pytest.raises(FileError, match=r"^known\.json: CO-001: the port keeps this clause now: remove the entry$"):
        suite._results(Known(), request, Factory(tmp_path))


def conformance(tests: Adopted, folder: Path) -> Results:
    function: Any = Adopted.conformance
    made: Results = getattr(function, "__wrapped__", None) or function._get_wrapped_function()
    return made(tests, Request(folder), Factory(folder))  # type: ignore[operator,no-any-return]


@pytest.mark.usefixtures("asked")
def test_the_fixture_fails_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alpha: Results) -> None:
    """For a port that is broken, and for what cannot be asked; otherwise it is the results."""
    assert conformance(Mine(), tmp_path) == alpha
    monkeypatch.setattr(suite, "_MADE", {})
    monkeypatch.setattr(suite, "_once", lambda *_: replace(alpha, error="it died"))
    with pytest.raises(pytest.fail.Exception, match=r"^The port is broken, and nothing is known of .*: it died$"):
        conformance(Mine(), tmp_path)
    port = replace(alpha.header.port, shape="commands")
    unsuited = replace(alpha, header=replace(alpha.header, port=port))
    monkeypatch.setattr(suite, "_MADE", {})
    monkeypatch.setattr(suite, "_once", lambda *_: unsuited)
    with pytest.raises(
        pytest.fail.Exception, match=r"^None of these clauses is asked of a port of the shape commands: "
    ):
        conformance(Mine(), tmp_path)

    class Odd(Mine):
        region = "nowhere"

    with pytest.raises(pytest.fail.Exception, match=r"^there is no region 'nowhere'"):
        conformance(Odd(), tmp_path)


def test_a_clause_is_held_broken_known_unchecked_or_not_asked(alpha: Results) -> None:
    """Pass, fail, xfail, fail, skip."""
    tests = Adopted()
    tests.test_clause("CO-001", alpha)
    with pytest.raises(pytest.skip.Exception, match=r"^no scenario of  is about DI-001$"):
        tests.test_clause("DI-001", alpha)
    of_commands = replace(alpha, header=replace(alpha.header, port=replace(alpha.header.port, shape="commands")))
    with pytest.raises(pytest.skip.Exception, match=r"^not asked of the shape commands$"):
        tests.test_clause("DI-001", of_commands)
    with pytest.raises(pytest.xfail.Exception, match=r"^by-design: It is so\.$"):
        tests.test_clause("LL-001", alpha)
    with pytest.raises(pytest.fail.Exception) as failed:
        tests.test_clause("CO-002", alpha)
    lines = str(failed.value).splitlines()
    assert lines[0] == "alpha breaks CO-002: Text of CO-002."
    assert "  scenario  inputs: two (broken in 1,300 of 2,000)" in lines
    assert lines[-1] == "  $ dirac-failover explain CO-002"
    clauses = (replace(alpha.clauses[0], verdict="unchecked", unchecked=3, baseline=None),)
    with pytest.raises(pytest.fail.Exception, match=f"cannot be asked about {clauses[0].id}, it does not take 3 of"):
        tests.test_clause(clauses[0].id, replace(alpha, clauses=clauses))


def test_there_is_a_test_for_each_clause_of_the_levels(tmp_path: Path) -> None:
    """By its ID; other tests of the class are left alone."""

    class Lossless(Adopted):
        levels = ("lossless",)

    class Metafunc:
        def __init__(self, cls: Any, *fixtures: str) -> None:
            self.cls, self.fixturenames, self.made = cls, fixtures, []  # type: ignore[var-annotated]
            self.config = self.definition = Request(tmp_path, dirac_port="reference")

        def parametrize(self, *what: Any) -> None:
            self.made.append(what)

    for cls, level in ((Lossless, ("lossless",)), (Adopted, ("contract", "dirac"))):
        metafunc: Any = Metafunc(cls, "clause_id")
        cls().pytest_generate_tests(metafunc)
        assert metafunc.made == [("clause_id", tuple(clause.id for clause in CLAUSES if clause.level in level))]
    other: Any = Metafunc(Adopted, "tmp_path")
    Adopted().pytest_generate_tests(other)
    assert other.made == []


def test_progress_is_not_captured_on_a_terminal() -> None:
    """It begins on a line of its own; without a terminal nothing is changed."""
    said: list[str] = []
    visible: nullcontext[None] = nullcontext()
    plugins = {
        "terminalreporter": SimpleNamespace(isatty=True, ensure_newline=lambda: said.append("line")),
        "capturemanager": SimpleNamespace(global_and_fixture_disabled=lambda: visible),
    }
    config: Any = SimpleNamespace(pluginmanager=SimpleNamespace(get_plugin=plugins.get))
    assert suite._on_the_terminal(config) is visible
    assert said == ["line"]
    plugins["terminalreporter"].isatty = False
    assert suite._on_the_terminal(config) is not visible
    assert said == ["line"]
