"""``dirac-failover zoo``: the list of bugs, and which of them tests miss."""

import json

import pytest

from dirac_failover.cli import main, zoo
from dirac_failover.conformance.zoo import BUGS


@pytest.fixture
def outcomes(monkeypatch):
    """Replace the runs of the tests: each bug but FailsWithoutJob is alive."""
    asked = []

    def outcome(*arguments):
        asked.append(arguments)
        return "caught" if arguments[0] == "FailsWithoutJob" else "alive"

    monkeypatch.setattr(zoo, "outcome", outcome)
    return asked


def test_the_bugs_are_listed(printed, snapshot):
    """Each is a line of the screen: the name, the clause and the sentence, of which -v prints all."""
    out = printed("zoo")
    assert len(out.splitlines()) == 1 + len(BUGS)
    assert all(f"{bug.name} " in out and f"  {bug.clause}  " in out for bug in BUGS.values())
    whole = " ".join(printed("zoo", "-v").split())
    assert all(bug.sentence in whole for bug in BUGS.values())
    snapshot(printed("zoo", "--bug", "NeverCommits", "--bug", "Appends"))


def test_bugs_are_json_for_machines(capsys):
    """Without tests there is no outcome."""
    assert main(["zoo", "--bug", "TriesOnce", "--json"]) == 0
    bug = {"name": "TriesOnce", "clause": "CO-013", "text": BUGS["TriesOnce"].sentence, "outcome": None}
    assert json.loads(capsys.readouterr().out) == {"schema": "dirac-failover/zoo/1", "bugs": [bug]}


def test_bugs_that_tests_miss_are_reported(outcomes, capsys, printed, snapshot):
    """The tests run without any bug first; a bug that is alive ends the command with 1."""
    arguments = ["zoo", "--tests", "here", "--timeout", "5", "--bug", "FailsWithoutJob"]
    assert main([*arguments, "--bug", "NeverCommits"]) == 1
    assert outcomes == [(name, ["here"], 5.0) for name in ("", "FailsWithoutJob", "NeverCommits")]
    snapshot(capsys.readouterr().out)
    assert "FailsWithoutJob" not in printed(*arguments, "--bug", "NeverCommits", "-q", code=1)
    assert json.loads(printed(*arguments, "--json"))["bugs"][0]["outcome"] == "caught"


def test_without_pytest_the_error_says_what_to_install(monkeypatch, complaint):
    """It is an extra; the list of bugs needs none."""
    monkeypatch.setattr(zoo, "find_spec", {}.get)
    said = "--tests needs the package pytest: pip install 'dirac-failover[pytest]'"
    assert complaint("zoo", "--tests", "here", code=3) == said
    assert main(["zoo"]) == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--bug", "Unicorn"], "--bug: there is no bug 'Unicorn' ('dirac-failover zoo' lists them)"),
        (["--bug", "EncodsTwice"], "--bug: there is no bug 'EncodsTwice'; did you mean EncodesTwice?"),
        *((["--timeout", wrong], f"--timeout: expected a number of seconds above 0, found {wrong}")
          for wrong in ("0", "-1", "inf", "nan")),
    ],
)  # fmt: skip
def test_wrong_values_are_refused(outcomes, complaint, arguments, said):
    """Before anything runs."""
    assert complaint("zoo", "--tests", "here", *arguments).startswith(said)
    assert outcomes == []
