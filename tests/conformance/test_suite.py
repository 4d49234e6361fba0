"""The suite, as the repository of a port uses it: pytest in a process of its own."""

import os
import pty
import re
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

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
SUITE = """
from dirac_failover.conformance.suite import ConformanceSuite


class TestMine(ConformanceSuite):
    port = "my_port:{}"
    {}
"""
AS_IT_IS = ("--pyargs", "dirac_failover.conformance.suite")

pytestmark = pytest.mark.ci


def environment_of(folder, **more):
    """Return the environment for a pytest in a folder, with the package of this checkout."""
    path = os.pathsep.join([str(folder), str(ROOT), str(ROOT / "fakes")])
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_XDIST", "COV"))}
    return {**kept, "PYTHONPATH": path, **more}


def pytest_in(folder, *words, **more):
    """Run pytest in a folder; return its exit code and output."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rA", *words]
    environment = environment_of(folder, **more)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def repository(tmp_path):
    """A repository with a port."""
    (tmp_path / "my_port.py").write_text(PORT)
    (tmp_path / "pytest.ini").write_text("[pytest]\ndirac_region = identity\n")
    return tmp_path


@pytest.mark.usefixtures("autoload")
def test_a_repository_adopts_the_suite_in_five_lines(repository):
    """It has one test for each clause that decides; one that no scenario asks for is skipped, with xdist too."""
    (repository / "test_mine.py").write_text(SUITE.format("Fine", ""))
    code, printed = pytest_in(repository, "-n", "2", "--junit-xml=junit.xml")
    assert code == 0, printed
    for clause in DECIDING:
        assert f"test_mine.py::TestMine::test_clause[{clause.id}]" in printed or "SKIPPED" in printed
    assert printed.count("PASSED test_mine.py::TestMine::test_clause[") >= 25
    assert "no scenario of identity is about CO-005" in printed
    assert (repository / "junit.xml").read_text().count("<testcase ") == len(DECIDING)


def test_a_port_that_diverges_fails_with_the_cause(repository):
    """The text has the clause, the smallest scenario, the expected and the observed value, and commands; -k chooses."""
    code, printed = pytest_in(repository, *AS_IT_IS, "--dirac-port=my_port:NoResult", "-k", "CO-004 or DI-004")
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


def test_other_levels_and_a_baseline(repository):
    """A clause of the baseline is an xfail, and the others fail; a baseline that is not true is an error."""
    Baseline((Entry("LL-003", "by-design", "as DIRAC does"),)).save(str(repository / "known.json"))
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
    ("port", "message"),
    [
        ("my_port:Dies", "The port is broken, and nothing is known of how it conforms: The port broke down ("),
        ("nobody", "there is no port 'nobody' (there are reference, "),
    ],
)
def test_a_port_that_is_broken_is_an_error_and_no_failure(repository, port, message):
    """Nothing is known of any clause."""
    code, printed = pytest_in(repository, *AS_IT_IS, f"--dirac-port={port}", "-k", "CO-001 or CO-002")
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
"""The bodies of classes with a wrong setting, and the complaint."""


def test_a_wrong_setting_is_an_error_of_the_collection(pytester):
    """It is one line each, and no test runs; private names and methods are not settings."""
    Baseline((Entry("CO-999", "by-design", "x"),)).save(str(pytester.path / "odd.json"))
    classes = [f"class Test{number}(ConformanceSuite): {body or 'pass'}" for number, body in enumerate(WRONG)]
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
    texts = [line.partition(": ")[2] for line in lines if line.startswith("Test")]
    assert [text for text, start in zip(texts, WRONG.values(), strict=True) if not text.startswith(start)] == []
    assert sum("::TestFine::test_clause[CO-" in line for line in lines) == sum(c.level == "contract" for c in CLAUSES)


def test_a_run_names_the_port_before_and_after(pytester, asked):
    """The lines have version, profile, region and scenarios; only the selected clauses are checked."""
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
    assert [plan.clauses for plan, *_ in asked] == [("CO-001", "DI-001")] * 2


def test_a_pytest_that_has_a_workers_environment_shares_nothing(repository):
    """The results of another session are never taken for those of this one."""
    (repository / "test_mine.py").write_text(SUITE.format("Fine", ""))
    more = {"PYTEST_DEBUG_TEMPROOT": str(repository), "PYTEST_XDIST_WORKER": "gw0"}
    code, printed = pytest_in(repository, "-k", "CO-003", **more)
    assert code == 0, printed
    (written,) = repository.glob("**/dirac-failover-*.json")
    assert written.parent.name == "pytest-0"


def test_the_progress_is_seen_on_a_terminal_only(repository):
    """It is one line, which is taken away in the end."""
    (repository / "test_mine.py").write_text(SUITE.format("Fine", 'region = "inputs"'))
    seen = []

    def read(handle):
        seen.append(os.read(handle, 1024))
        return seen[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(repository)
        patch.setenv("PYTHONPATH", environment_of(repository)["PYTHONPATH"])
        patch.setenv("TERM", "xterm")
        pty.spawn([sys.executable, "-m", "pytest", "-k", "DI-003"], read)
    printed = b"".join(seen).decode()
    assert re.search(r"my_port:Fine \[#*\.*\] +\d+% \d[\d,]* of \d[\d,]*, ", printed)
    assert "\r\x1b[K" in printed
    code, piped = pytest_in(repository, "-k", "DI-003")
    assert code == 0
    assert " a second, " not in piped


def test_the_plug_in_loads_nothing(tmp_path):
    """It is loaded in every project where the package is installed; its options have one prefix."""
    code = "import sys, dirac_failover.pytest_plugin; print(*(n for n in sys.modules if n.startswith('dirac_')))"
    loaded = subprocess.check_output(
        [sys.executable, "-c", code], text=True, cwd=tmp_path, env=environment_of(tmp_path)
    ).split()
    assert loaded == ["dirac_failover", "dirac_failover.pytest_plugin"]
    assert list(pytest_plugin.OPTIONS) == ["port", "profile", "region"]


# The parts, in this process


class Mine(Adopted):
    """A suite for the reference."""

    port = "reference"
    region = "identity"


class Request:
    """The parts of pytest's request, configuration and test that the suite uses."""

    def __init__(self, folder, **options):
        self.config = self.node = self
        self.path = folder / "tests/test_mine.py"
        self.rootpath = folder
        self.options = options
        of_mine = [SimpleNamespace(cls=Mine, callspec=SimpleNamespace(params=p)) for p in ({"clause_id": "CO-001"}, {})]
        self.session = SimpleNamespace(items=[*of_mine, SimpleNamespace(cls=Mine)])
        self.user_properties = []
        self.pluginmanager = SimpleNamespace(get_plugin=lambda _: None)

    def getoption(self, name):
        return self.options.get(name)

    def getini(self, name):
        return self.options.get(f"ini_{name}", "")


def results_of(kind, folder, base=None, **options):
    """Return the results of a suite whose session has this temporary directory."""
    factory = SimpleNamespace(getbasetemp=lambda: base or folder)
    request = Request(folder, **options)
    if base:
        request.workerinput = {}
    return suite._results(kind(), request, factory)


@pytest.fixture
def asked(monkeypatch, alpha):
    """The verifications; each has the same results."""
    calls = []
    monkeypatch.setattr(suite, "verify", lambda plan, levels, **how: calls.append((plan, levels, how)) or alpha)
    suite._once.cache_clear()
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    return calls


def test_the_space_is_run_once(asked, tmp_path, alpha):
    """All processors run it; another process, such as an xdist worker, reads the results that the first has written."""
    assert results_of(Mine, tmp_path) == results_of(Mine, tmp_path) == alpha
    assert suite._once.cache_info().hits == 1
    suite._once.cache_clear()
    assert results_of(Mine, tmp_path, tmp_path / "gw0") == alpha
    ((plan, levels, how),) = asked
    assert (plan.target.text, plan.regions, plan.profile, plan.seconds, plan.clauses) == (
        "reference", ("identity",), "dirac-9.1", 60.0, ("CO-001",),
    )  # fmt: skip
    assert (levels, how) == (("contract", "dirac"), {"workers": cores()})


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"ini_dirac_port": "a"}, ("a", tuple(region.name for region in space.REGIONS), "dirac-9.1")),
        ({"ini_dirac_port": "a", "ini_dirac_region": "inputs"}, ("a", ("inputs",), "dirac-9.1")),
        ({"ini_dirac_port": "a", "dirac_port": "b", "dirac_region": "answers", "dirac_profile": "dirac-8.0"},
         ("b", ("answers",), "dirac-8.0")),
    ],
)  # fmt: skip
def test_the_class_decides_before_the_option_and_the_option_before_the_ini(
    asked, tmp_path, monkeypatch, options, expected
):
    """Without a region, the suite runs the whole space; without a profile, it expects DIRAC 9.1's choices."""
    results_of(Adopted, tmp_path, **options)
    results_of(Mine, tmp_path, **options)
    monkeypatch.setattr(Mine, "profile", "ilcdirac-35.0")
    results_of(Mine, tmp_path, **options)
    mine = ("reference", ("identity",))
    found = [(plan.target.text, plan.regions, plan.profile) for plan, *_ in asked]
    assert found == [expected, (*mine, expected[2]), (*mine, "ilcdirac-35.0")]


@pytest.mark.usefixtures("asked")
def test_a_baseline_is_beside_the_test_or_at_the_root(tmp_path):
    """Its entry is in the result; an entry that is not true ends everything, unless a part of the space was run."""

    class Known(Mine):
        baseline = "known.json"

    Baseline((Entry("CO-002", "known-bug", "at the root"),)).save(str(tmp_path / "known.json"))
    assert results_of(Known, tmp_path).clauses[1].baseline.reason == "at the root"
    (tmp_path / "tests").mkdir()
    Baseline((Entry("CO-001", "known-bug", "x"),)).save(str(tmp_path / "tests/known.json"))
    assert results_of(Known, tmp_path).clauses[1].baseline is None
    Known.region = ""
    with pytest.raises(FileError, match=r"^known\.json: CO-001: the port keeps this clause now: remove the entry$"):
        results_of(Known, tmp_path)


def of_commands(results):
    """Return the results of a port of another shape."""
    return replace(results, header=replace(results.header, port=replace(results.header.port, shape="commands")))


@pytest.mark.parametrize(
    ("change", "region", "message"),
    [
        (lambda results: results, "identity", None),
        (lambda results: replace(results, error="it died"), "identity",
         "^The port is broken, and nothing is known of .*: it died$"),
        (of_commands, "identity", "^None of these clauses is asked of a port of the shape commands: "),
        (lambda results: results, "nowhere", "^there is no region 'nowhere'"),
    ],
)  # fmt: skip
def test_the_fixture_fails_in_one_line(asked, tmp_path, monkeypatch, alpha, change, region, message):
    """It does for a port that is broken, and for a wrong setting; otherwise it is the results."""
    assert asked == []
    monkeypatch.setattr(suite, "_once", lambda *_: change(alpha))
    monkeypatch.setattr(Mine, "region", region)
    function = Adopted.conformance
    made = getattr(function, "__wrapped__", None) or function._get_wrapped_function()
    given = Mine(), Request(tmp_path), SimpleNamespace(getbasetemp=lambda: tmp_path)
    if message is None:
        assert made(*given) == alpha
    else:
        with pytest.raises(pytest.fail.Exception, match=message):
            made(*given)


def test_a_clause_is_held_broken_known_unchecked_or_not_asked(alpha):
    """The outcomes are pass, fail, xfail, fail, and skip."""
    tests = Adopted()
    tests.test_clause("CO-001", alpha)
    with pytest.raises(pytest.skip.Exception, match=r"^no scenario of  is about DI-001$"):
        tests.test_clause("DI-001", alpha)
    with pytest.raises(pytest.skip.Exception, match=r"^not asked of the shape commands$"):
        tests.test_clause("DI-001", of_commands(alpha))
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


def test_progress_is_not_captured_on_a_terminal():
    """It begins on a line of its own; without a terminal nothing is changed."""
    lines = []
    visible = nullcontext()
    plugins = {
        "terminalreporter": SimpleNamespace(isatty=True, ensure_newline=lambda: lines.append("line")),
        "capturemanager": SimpleNamespace(global_and_fixture_disabled=lambda: visible),
    }
    config = SimpleNamespace(pluginmanager=SimpleNamespace(get_plugin=plugins.get))
    assert suite._on_the_terminal(config) is visible
    plugins["terminalreporter"].isatty = False
    assert suite._on_the_terminal(config) is not visible
    assert lines == ["line"]
