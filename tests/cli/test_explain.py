import json
from dataclasses import replace
from pathlib import Path

import pytest

from dirac_failover.cli import explain
from dirac_failover.conformance import examples
from dirac_failover.conformance.examples import example, find
from dirac_failover.drivers.implementations import IMPLEMENTATIONS
from dirac_failover.drivers.in_process import InProcessDriver
from dirac_failover.errors import SettingError
from dirac_failover.lessons import hazards
from dirac_failover.reports.terminal import Style
from dirac_failover.spec.check_context import CheckContext
from dirac_failover.spec.clauses import CLAUSES


@pytest.mark.parametrize("clause", CLAUSES, ids=[clause.id for clause in CLAUSES])
def test_each_clause_has_an_example(clause):
    """It is about it; a hazard is shown as it happens, and everything else as it should be."""
    found = example(clause)
    assert found is not None
    scenario, breaks = found
    port = InProcessDriver(IMPLEMENTATIONS["reference"].load())
    with port.session():
        verdict = clause.violation(CheckContext(scenario, port.run(scenario)))
    assert clause.asked(scenario)
    assert bool(verdict) == breaks == (clause.level == "lossless")
    assert example(clause) == found if clause.id == "CO-003" else True


def test_the_smallest_of_the_nearest_is_taken():
    """A change further at a time."""
    found = [example(find(name)) for name in ("CO-003", "CO-005", "LL-011")]
    assert [item and item[0].name for item in found] == [
        "identity: production=missing",
        "hooks: hook=_execute raises without text",
        "services: before=an old file",
    ]


def test_a_clause_about_everything_shows_what_it_alone_is_about():
    """One change from the good case, in which that aspect is another, and as few others as can be."""
    assert {name: found[0].name for name in ("DI-002", "DI-012", "DI-017") if (found := example(find(name)))} == {
        "DI-002": "services: before=a first execution",
        "DI-012": "end: health=step unset",
        "DI-017": "services: before=no proxy",
    }
    names = [found[0].name for clause in CLAUSES if clause.level == "dirac" and (found := example(clause))]
    assert (len(names), len(set(names))) == (21, 20)


def test_a_clause_is_explained(printed, monkeypatch):
    """What it says, why, the harm, where it is from, and a job's end as ``run`` shows it; in any case."""
    monkeypatch.setenv("COLUMNS", "150")
    clause = find("LL-011")
    seen = printed("explain", "ll-011")
    assert seen.startswith("── LL-011, level lossless ".ljust(150, "─") + "\n")
    for label, text in (
        ("clause", clause.text), ("why", clause.reason), ("harm", clause.harm), ("from", clause.source),
        ("note", "hazard H12: a situation in which DIRAC itself loses something"),
    ):  # fmt: skip
        assert f"  {label:6}  {text}" in seen
    assert (
        "\n  shown   a job's end in which the reference, as DIRAC, breaks it: services: before=an old file\n"
        "\n── Verdict ─"
    ) in seen
    assert "── What happened ─" in seen


def test_what_is_kept_is_said_to_be_kept(printed, monkeypatch):
    """A quirk says that it is one; a clause without hazard has no note."""
    monkeypatch.setenv("COLUMNS", "150")
    seen = printed("explain", "DI-010")
    assert "  note    a quirk: odd, and yet what DIRAC does\n" in seen
    assert "\n  shown   a job's end in which it is kept: inputs: input data=ends in L" in seen
    seen = printed("explain", "CO-003")
    assert "  note  " not in seen
    assert "  met in" not in seen


def test_a_hazard_is_its_section_as_text(printed, monkeypatch):
    """In any case of the letter; a quiet command leaves out the example."""
    monkeypatch.setenv("COLUMNS", "150")
    whole = hazards.find("H13").render(Style(150))
    for words, said in ((["h13"], whole), (["H13", "-q"], whole.partition("\n\n")[0] + "\n")):
        assert printed("explain", *words) == said


@pytest.mark.parametrize(("words", "message"), [
    (["H99"], "there is no hazard 'H99'; did you mean H9? (docs/hazards.md describes them)"),
    (["H1", "--json"], "--module and --json are for clauses, found H1, which is a hazard"),
    (["H1", "--module", "reference"], "--module and --json are for clauses, found H1, which is a hazard"),
])  # fmt: skip
def test_what_no_hazard_can_be_asked_is_one_line(words, message, complaint):
    assert complaint("explain", *words) == message


def test_a_thread_about_it_is_named(printed):
    """Where DIRAC's developers met it."""
    assert "  met in  https://github.com/DIRACGrid/DIRAC/pull/8395\n" in printed("explain", "LL-014")


def test_machines_get_the_report_of_the_run(printed):
    """Beside what is known of the clause."""
    text = printed("explain", "CO-003", "--json")
    data = json.loads(text)
    assert text == json.dumps(data, indent=2) + "\n"
    assert (data["schema"], data["id"], data["level"]) == ("dirac-failover/clause/1", "CO-003", "contract")
    assert data["example"]["schema"] == "dirac-failover/run/2"
    assert data["example"]["ended"] == "raised"


def test_an_unknown_clause_is_one_line_with_the_nearest(complaint):
    """The message says how to list them all."""
    said = "there is no clause 'LL-0011'; did you mean LL-001? ('dirac-failover clauses' lists them)"
    assert complaint("explain", "LL-0011") == said
    with pytest.raises(SettingError, match=r"^there is no clause 'x' \('dirac-failover clauses' lists them\)$"):
        find("x")


def test_a_clause_that_nothing_is_about_is_explained_without(monkeypatch, printed):
    """No scenario, no timeline."""
    clause = replace(find("CO-001"), when=lambda *_: False)
    monkeypatch.setattr(examples, "CLAUSES", (clause,))
    monkeypatch.setattr(examples, "_NEIGHBOURHOOD", ((0, examples.REGIONS),))
    assert "a job's end" not in printed("explain", "CO-001")
    assert json.loads(printed("explain", "CO-001", "--json"))["example"] is None


@pytest.mark.parametrize(("name", "verdict"), [("LL-011", None), ("CO-001", ("a", "b")), ("DI-002", None)])
def test_an_example_of_the_other_kind_is_better_than_none(monkeypatch, name, verdict):
    """A hazard that never happens is shown where it could, and a promise that is always broken where it is."""
    monkeypatch.setattr(examples, "_NEIGHBOURHOOD", ((0, examples.REGIONS),))
    found = example(replace(find(name), when=lambda *_: True, judge=lambda _: verdict))
    usual = "accounting: the good case"
    assert found is not None
    assert (found[0].name, found[1]) == (usual, bool(verdict))


@pytest.mark.parametrize(("name", "verdict"), [("LL-011", ("a", "b")), ("CO-001", None)])
def test_nobody_looks_further_than_the_first_example(monkeypatch, name, verdict):
    """Each change more is a hundred times the scenarios."""
    monkeypatch.setattr(examples, "_NEIGHBOURHOOD", ((0, examples.REGIONS), (1, ("nowhere",))))
    clause = replace(find(name), when=lambda *_: True, judge=lambda _: verdict)
    found = example(clause)
    assert found is not None
    assert found[1] is bool(verdict)
    with pytest.raises(AttributeError, match="'str' object has no attribute 'near'"):
        example(replace(clause, when=lambda *_: False))


def test_a_port_is_asked_about_one_clause(printed, monkeypatch):
    """Near the good case: the first breach with expected and observed calls side by side, as verify shows it."""
    monkeypatch.setenv("COLUMNS", "100")
    port = "dirac_failover.conformance.zoo:SkipsFinalize"
    lines = printed("explain", "co-002", "--module", port, code=1).splitlines()
    assert lines[0].startswith("── CO-002, level contract ─")
    assert lines[1] == "  verdict  ✗ SkipsFinalize breaks it"
    assert lines[2].startswith("  asked    ")
    assert lines[2].endswith(" within 3 changes of the good case, until the first breach")
    assert any(line.startswith("  ✗ finalize ") for line in lines)
    told = json.loads(printed("explain", "CO-002", "--module", port, "--json", code=1))
    assert (told["id"], told["result"]["verdict"], told["result"]["minimal"]["steps"][0][1]) == (
        "CO-002", "broken", "_resolveInputVariables",
    )  # fmt: skip


def test_a_port_that_keeps_the_clause_is_told_so(complaint, printed, monkeypatch):
    """In how many scenarios it was asked, or that it was in none; one that breaks down is an error."""
    monkeypatch.setattr(explain, "_NEAR", 0)
    seen = printed("explain", "CO-003", "--module", "reference", code=5)
    assert "  verdict  → reference is not asked about it\n  asked    0 scenarios " in seen
    seen = printed("explain", "CO-002", "--module", "reference")
    assert "  verdict  ✓ reference keeps it\n" in seen
    assert " scenarios within 0 changes of the good case\n" in seen
    assert "is broken" not in seen
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "conformance"))
    said = complaint("explain", "CO-002", "--module", "broken_ports:Exits", code=3)
    assert said.startswith("The port ended its process (exit code 7)")
