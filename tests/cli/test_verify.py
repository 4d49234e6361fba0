import json
import os
import re
import shlex
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from freezegun import freeze_time

from dirac_failover import __version__
from dirac_failover.cli import main
from dirac_failover.cli import verify as verify_module
from dirac_failover.conformance import verification
from dirac_failover.conformance.baseline import Baseline, Entry
from dirac_failover.conformance.checking import ClauseStats, Findings, VerificationPlan
from dirac_failover.conformance.results import Known, Minimal, PortInfo, load
from dirac_failover.conformance.verification import known_divergences, verify
from dirac_failover.conformance.workers import Smallest, cores
from dirac_failover.drivers.resolve import Target
from dirac_failover.errors import PortBrokenError, PortError
from dirac_failover.reports.terminal import Style
from dirac_failover.spec import space
from dirac_failover.spec.clauses import CLAUSES
from dirac_failover.spec.profile_fit import Match

PLAIN = Style(100)
REGIONS = tuple(region.name for region in space.REGIONS)
COUNT = len(CLAUSES)


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "conformance"))
    monkeypatch.setenv("COLUMNS", "100")


MINIMAL = Minimal("inputs: it's", {"name": "inputs: it's", "records": 1}, {"a": [1, 2]}, {"a": [1, 3]}, ())


class Asked:
    """Stands for the judging: keeps what was asked, and gives the verdicts that it is told."""

    def __init__(self):
        self.calls = []
        self.broken = set()
        self.silent = False
        self.error = None
        self.nearest = []
        self.met = None

    def __call__(self, question, *, workers, part, note):
        self.calls.append((question, workers, part))
        self.met = note
        if self.error:
            raise self.error
        stats = {
            clause.id: ClauseStats(1200 * (not self.silent), 1000 * (clause.id in self.broken), 0,
                                   Smallest((1, 1, ""), MINIMAL if clause.id in self.broken else None))
            for clause in question.asked()
        }  # fmt: skip
        return Findings(stats, SimpleNamespace(matches=lambda: self.nearest), 0 if self.silent else 1200)


@pytest.fixture
def judged(monkeypatch):
    asked = Asked()
    monkeypatch.setattr(verification, "check", asked)
    return asked


def test_the_reference_conforms_to_what_is_asked(printed, tmp_path):
    """From the command line, with real processes: table, results and exit code say the same."""
    path = tmp_path / "r.json"
    words = ["verify", "--region", "identity", "--shard", "3/40", "--workers", "2", "--output", str(path)]
    seen = printed(*words)
    assert "✓ CO-001  held" in seen
    assert f"✓ reference {__version__} conforms\n" in seen
    results = load(str(path))
    assert results.verdict == "conforms"
    assert results.header.port == PortInfo("reference", __version__, "reference", f"reference {__version__}")
    assert results.counts["scenarios"] == 30
    assert results.header.command == "dirac-failover verify reference --region identity --shard 3/40"


def test_a_port_that_diverges_is_shown_with_a_scenario(capsys, printed):
    """Expected beside observed, and commands that can be pasted: the first is run here."""
    words = ["verify", "broken_ports:NoResult", "--clause", "co-004", "--region", "identity", "--shard", "1/400"]
    assert main([*words, "--workers", "1"]) == 1
    seen = capsys.readouterr().out
    assert "── CO-004 is broken ─" in seen
    assert '  expected  "a return structure"\n  observed  null\n' in seen
    shown, again, _ = (line.removeprefix("  $ ") for line in seen.splitlines() if line.startswith("  $ "))
    assert again == "dirac-failover verify broken_ports:NoResult --clause CO-004 --fail-fast"
    program, *command = shlex.split(shown)
    assert program == "dirac-failover"
    assert command == ["run", "--scenario", "identity: the good case", "--module", "broken_ports:NoResult"]
    assert "✗ returns None, which is no result" in printed(*command)
    assert "✗ NoResult diverges" in seen


def test_a_port_that_breaks_down_has_its_own_verdict(capsys, tmp_path):
    """One line, exit code 3, and results that say so and nothing of the clauses."""
    path = tmp_path / "r.json"
    words = ["verify", "broken_ports:Exits", "--region", "identity", "--shard", "1/400", "--output", str(path)]
    assert main([*words, "--json", "--workers", "1"]) == 3
    said = capsys.readouterr()
    assert said.err.startswith("dirac-failover: error: The port ended its process (exit code 7) in the scenario ")
    assert said.err.count("\n") == 1
    results = load(str(path))
    assert json.loads(said.out) == results.to_json()
    assert results.verdict == "broken"
    assert results.error is not None
    assert f"dirac-failover: error: {results.error}\n" == said.err
    assert results.counts == {"scenarios": 0, "held": 0, "broken": 0, "not asked": COUNT, "unchecked": 0}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nobody", "there is no port 'nobody' (there are reference, "),
        ("refrence", "there is no port 'refrence'; did you mean reference? (there are reference, "),
        ("nowhere:X", "Port nowhere:X: cannot import nowhere: ModuleNotFoundError: No module named 'nowhere'\n"),
        ("broken_ports:Exit", "Port broken_ports:Exit: there is no class 'Exit'; did you mean Exits? (looked for in "),
    ],
)
def test_a_name_that_means_nothing_is_an_error_of_usage(tmp_path, complaint, name, said):
    """No results are written: nobody was judged."""
    assert f"{complaint('verify', name, '--output', str(tmp_path / 'r.json'))}\n".startswith(said)
    assert os.listdir(tmp_path) == []


def test_a_port_that_cannot_be_imported_is_broken(tmp_path, monkeypatch):
    """It was found, and its results are written down like any other."""
    (tmp_path / "raising_port.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(str(tmp_path))
    path = tmp_path / "r.json"
    assert main(["verify", "raising_port:X", "--output", str(path)]) == 3
    results = load(str(path))
    assert results.header.port == PortInfo("raising_port:X", "", "raising_port:X")
    assert results.verdict == "broken"


def test_without_options_everything_is_asked(judged):
    """All clauses in all of the space, by all processors, with time enough."""
    assert main(["verify"]) == 0
    question = VerificationPlan(Target("reference"), tuple(clause.id for clause in CLAUSES), REGIONS, 60.0, "dirac-9.1")
    assert judged.calls == [(question, cores(), (0, 1))]


def test_the_options_are_what_is_asked(judged):
    """Each of them, in the order of the contract, not of the command line."""
    words = "verify dirac_failover:FailoverRequest --clause LL-001 --clause co-002 --region services --region inputs"
    assert main([*words.split(), "--shard", "2/5", "--workers", "3", "--timeout", "1.5", "--profile", "dirac-8.0"]) == 0
    target = Target("dirac_failover:FailoverRequest")
    question = VerificationPlan(target, ("CO-002", "LL-001"), ("inputs", "services"), 1.5, "dirac-8.0")
    assert judged.calls == [(question, 3, (1, 5))]


def test_what_is_asked_is_what_is_verified(alpha, monkeypatch, tmp_path, printed):
    """By one worker too, in an environment of its own, and in no time; the report says how long it took."""
    asked = []

    def verified(*what, **how):
        asked.append((*what, how))
        return alpha

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(verify_module, "verify", verified)
    monkeypatch.setattr(verify_module, "time", SimpleNamespace(monotonic=iter([10.0, 12.0, 20.0, 20.0]).__next__))
    words = "--python /p --level lossless --clause CO-001 --shard 2/3 --workers 1 --timeout 0.5 --output r.json"
    assert "  scenarios  1,234 in 2 s, 617 a second\n" in printed("verify", "mine", *words.split())
    assert load("r.json").clauses == alpha.clauses
    question = VerificationPlan(Target("mine", "/p"), ("CO-001",), REGIONS, 0.5)
    assert asked == [(question, ("lossless",), {"workers": 1, "part": (1, 3), "note": asked[0][2]["note"]})]
    assert main(["verify", "mine", "--timeout", "999999.5"]) == 1
    assert asked[1][0].seconds == 999999.5


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--clause CO-001 --clause LL-0011 --clause x",
         "--clause: there is no clause 'LL-0011'; did you mean LL-001? ('dirac-failover clauses' lists them)\n"),
        ("--workers 0", "--workers: expected a whole number from 1 to "),
        ("--workers 1000", "--workers: expected a whole number from 1 to "),
        ("--timeout 0", "--timeout: expected a number of seconds above 0, found 0\n"),
        ("--timeout nan", "--timeout: expected a number of seconds above 0, found nan\n"),
        ("--timeout 1e6", "--timeout: expected a number of seconds above 0, found 1e+06\n"),
        ("--shard 2/1", "--shard: expected I/N with I from 1 to N, found '2/1'\n"),
        ("--output /none/x", "--output: there is no directory /none\n"),
        ("--accept", "--accept: --baseline names the file to write\n"),
        ("--baseline /none", "Cannot read /none: No such file or directory\n"),
        ("--level x", "--level: there is no level 'x' (there are contract, dirac, lossless, all)\n"),
        ("--profile dirac", "--profile: there is no profile 'dirac'; did you mean dirac-9.1? (there are "),
        ("--region input", "--region: there is no region 'input'; did you mean inputs? (there are "),
        ("--output r.html",
         ("--output: expected a name that ends in .json, found r.html; 'dirac-failover report' turns results "
          "into other formats\n")),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_one_line(judged, complaint, words, message):
    """Before anything runs."""
    assert f"{complaint('verify', *words.split())}\n".startswith(message)
    assert judged.calls == []


@pytest.mark.parametrize(
    ("words", "broken", "code"),
    [
        ("", {"CO-001"}, 1),
        ("", {"DI-001"}, 1),
        ("", {"LL-001"}, 0),
        ("--level lossless", {"LL-001"}, 1),
        ("--level lossless", {"CO-001", "DI-001"}, 0),
        ("--level contract --level lossless", {"DI-001"}, 0),
        ("--level contract --level lossless", {"CO-001"}, 1),
        ("--level all", {"LL-001"}, 1),
        ("--level all", {"DI-001"}, 1),
        ("--clause LL-001", {"LL-001"}, 1),
        ("--clause LL-001 --level dirac", {"LL-001"}, 5),
        ("--level all", set(), 0),
    ],
)
def test_the_levels_decide(judged, words, broken, code):
    """Contract and dirac, unless others are asked for; a clause that is asked for by its ID decides."""
    judged.broken = broken
    assert main(["verify", *words.split()]) == code


def test_what_was_not_asked_about_is_no_result(judged, printed):
    """Nothing ran, and so nothing conforms."""
    judged.silent = True
    seen = printed("verify", code=5)
    assert f"{len([c for c in CLAUSES if c.level == 'contract'])} not asked" in seen
    verdict = f"→ reference {__version__} is not judged: no scenario that was run is about these clauses"
    assert seen.splitlines()[1] == f"  {verdict}"


def write(path, *entries):
    Baseline(entries).save(str(path))
    return str(path)


def test_what_is_known_does_not_make_a_port_diverge(judged, tmp_path, printed):
    """It is said beside the clause, and in the results; another breach still counts."""
    judged.broken = {"CO-002"}
    path = write(tmp_path / "b.json", Entry("CO-002", "by-design", "we know better"))
    seen = " ".join(printed("verify", "--baseline", path).split())
    assert "(by-design: we know better)" in seen
    assert "CO-002 is broken" not in seen
    clause = json.loads(printed("verify", "--baseline", path, "--json"))["clauses"][1]
    assert (clause["verdict"], clause["baseline"]) == ("broken", {"kind": "by-design", "reason": "we know better"})
    judged.broken = {"CO-002", "CO-003"}
    assert main(["verify", "--baseline", path]) == 1


@pytest.mark.usefixtures("judged")
def test_a_baseline_that_is_not_true_fails(tmp_path, printed):
    """With what is wrong; a part of the space cannot say that an entry is not needed."""
    path = write(tmp_path / "b.json", Entry("CO-002", "by-design", "old"))
    seen = printed("verify", "--baseline", path, code=1)
    assert seen.splitlines()[1:3] == [
        f"  ✗ reference {__version__} conforms, and the baseline no longer applies",
        "    - CO-002: the port keeps this clause now: remove the entry",
    ]
    assert main(["verify", "--baseline", path, "--json"]) == 1
    assert main(["verify", "--baseline", path, "--shard", "1/2"]) == 0
    assert "The baseline" not in printed("verify", "--baseline", path, "--region", "inputs")


def test_what_diverges_is_accepted(judged, tmp_path):
    """Of the levels that decide; a new file is made, an old one is brought up to date."""
    path = tmp_path / "b.json"
    judged.broken = {"CO-002", "LL-001"}
    assert main(["verify", "--baseline", str(path), "--accept"]) == 0
    assert [entry.clause for entry in Baseline.load(str(path)).entries] == ["CO-002"]
    judged.broken = {"DI-001"}
    assert main(["verify", "--baseline", str(path), "--accept", "--shard", "1/2"]) == 0
    assert [entry.clause for entry in Baseline.load(str(path)).entries] == ["CO-002", "DI-001"]
    assert main(["verify", "--baseline", str(path), "--accept"]) == 0
    assert [entry.clause for entry in Baseline.load(str(path)).entries] == ["DI-001"]


def test_nothing_is_accepted_of_a_port_that_is_broken(judged, tmp_path):
    """The file is not made."""
    judged.error = PortBrokenError("dead")
    assert main(["verify", "--baseline", str(tmp_path / "b.json"), "--accept"]) == 3
    assert os.listdir(tmp_path) == []


@freeze_time("2026-03-01 12:34:56.7")
def test_the_results_say_how_to_repeat_them(judged):
    """Everything in the header."""
    question = VerificationPlan(Target("dirac_failover:FailoverRequest"), ("CO-001",), ("inputs",), 2.0, "dirac-8.0")
    header = verify(question, ("contract",), workers=2, part=(1, 3)).header
    assert judged.calls == [(question, 2, (1, 3))]
    assert header.command == (
        "dirac-failover verify dirac_failover:FailoverRequest --level contract --clause CO-001 --profile dirac-8.0 "
        "--region inputs --shard 2/3 --timeout 2"
    )
    assert (header.tool, header.profile, header.shard) == (__version__, "dirac-8.0", "2/3")
    assert (header.regions, header.clauses, header.levels) == (("inputs",), 1, ("contract",))
    assert header.date == "2026-03-01T12:34:56+00:00" == datetime.now(UTC).isoformat(timespec="seconds")
    target, clients = "dirac_failover:FailoverRequest", f"reference {__version__}"
    assert header.port == PortInfo("FailoverRequest", __version__, target, clients)
    assert header.python.count(".") == 2
    assert header.platform


@pytest.mark.parametrize(
    ("levels", "clauses", "options"),
    [
        (("contract", "dirac"), None, ""),
        (("contract",), None, " --level contract"),
        (("contract", "dirac", "lossless"), None, " --level contract --level dirac --level lossless"),
        (("contract", "dirac", "lossless"), ("CO-001",), " --clause CO-001"),
        (("dirac",), ("CO-001", "LL-001"), " --level dirac --clause CO-001 --clause LL-001"),
    ],
)
def test_the_command_says_no_more_than_it_needs(judged, levels, clauses, options):
    """What is the default is left out."""
    question = VerificationPlan(Target(), clauses) if clauses else VerificationPlan(Target())
    assert verify(question, levels).header.command == f"dirac-failover verify reference{options}"
    assert judged.calls == [(question, 1, (0, 1))]


def test_an_error_of_usage_is_no_verdict(judged):
    """It ends the command."""
    judged.error = PortError("wrong")
    with pytest.raises(PortError, match=r"^wrong$"):
        verify(VerificationPlan(Target()))


def test_known_divergences_change_the_verdict(judged):
    """Without them the verdict is the old one."""
    judged.broken = {"CO-001"}
    results = verify(VerificationPlan(Target()))
    assert results.verdict == "diverges"
    known = known_divergences(results, Baseline((Entry("CO-001", "unsupported", "r"),)))
    assert (known.verdict, known.clauses[0].baseline) == ("conforms", Known("unsupported", "r"))
    assert known_divergences(results, Baseline()).verdict == "diverges"
    assert known_divergences(replace(results, error="x"), Baseline()).verdict == "broken"


def test_the_results_say_which_profile_is_the_nearest(judged):
    """The order is that of the check."""
    judged.nearest = [Match("dirac-8.0", 3, 2, 1), Match("dirac-9.1", 3, 1, 2)]
    results = verify(VerificationPlan(Target()))
    assert results.nearest == tuple(judged.nearest)
    judged.error = PortBrokenError("dead")
    results = verify(VerificationPlan(Target()))
    assert (results.nearest, results.scenarios, results.error) == ((), 0, "dead")


def test_the_command_that_repeats_the_run_names_the_environment(judged, monkeypatch):
    """In which the port is."""
    monkeypatch.setattr(Target, "info", lambda _: PortInfo("mine", "1", "mine"))
    header = verify(VerificationPlan(Target("mine:Module", "/p"), regions=("inputs",))).header
    assert header.command == "dirac-failover verify mine:Module --python /p --region inputs"
    assert len(judged.calls) == 1


def test_a_breach_is_printed_when_it_is_met(judged, tmp_path):
    """Of a clause that decides, and is not known to be broken."""
    path = write(tmp_path / "b.json", Entry("CO-002", "by-design", "x"))
    judged.broken = {"CO-002"}
    assert main(["verify", "--baseline", path]) == 0
    met = judged.met
    assert met is not None
    said = [met(name, "inputs: a=b") for name in ("CO-001", "CO-002", "LL-001")]
    assert said == ["CO-001 is broken in 'inputs: a=b'", "", ""]
    assert main(["verify", "--level", "lossless"]) == 0
    assert judged.met is not None
    assert [bool(judged.met(name, "x")) for name in ("CO-001", "LL-001")] == [False, True]


def test_the_inner_loop_is_a_part_of_the_run(judged, complaint, printed, tmp_path):
    """The results say which part; it is not enough to call an entry of the baseline needless."""
    path = write(tmp_path / "b.json", Entry("CO-002", "by-design", "x"))
    seen = printed("verify", "--near", "1", "--fail-fast", "--baseline", path)
    (question, _, _) = judged.calls[0]
    assert question.near == 1
    assert set(question.fail_fast) == {item.id for item in CLAUSES if item.level != "lossless"} - {"CO-002"}
    assert "  scenarios  1,200 (within 1 change of the good case) in " in seen
    assert "── contract: " in seen
    judged.broken = {"CO-003"}
    seen = printed("verify", "--fail-fast", code=1)
    assert "  scenarios  1,200 (until the first breach) in " in seen
    assert "── contract: " not in seen
    assert verify(replace(question, near=2)).header.command == "dirac-failover verify reference --near 2 --fail-fast"
    said = "--near: expected a whole number that is not negative, found -1"
    assert complaint("verify", "--near", "-1") == said


def test_a_bug_is_found_at_once(capsys):
    """In real processes: a few scenarios, then the cause; the clauses that break with it stand below."""
    words = ["verify", "dirac_failover.conformance.zoo:SkipsFinalize", "--fail-fast", "--workers", "1"]
    assert main(words) == 1
    out, err = capsys.readouterr()
    assert "CO-002 is broken in 'identity: health=workflow failed'\n" in err
    assert "── CO-002 is broken, and " in out
    assert "  ✗ finalize " in out
    assert re.search(r"  scenarios  \d+ \(until the first breach\) in ", out)


def test_an_interrupt_writes_nothing(tmp_path, monkeypatch):
    """Half a result is none."""

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(verification, "check", interrupted)
    assert main(["verify", "--output", str(tmp_path / "r.json")]) == 2
    assert os.listdir(tmp_path) == []
