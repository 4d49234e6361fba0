"""The command ``diff``: its formats, and when it fails."""

import itertools
import json

import jsonschema

from dirac_failover.cli import main
from dirac_failover.reports.changes import KINDS
from dirac_failover.reports.schemas import SCHEMAS


def test_the_command_fails_when_a_clause_regressed(files, printed):
    """A clause that was held and is broken regressed, in either direction here."""
    assert "── Regressed: broken now" in printed("diff", files["alpha"], files["beta"], code=1)
    assert main(["diff", files["beta"], files["alpha"]]) == 1
    assert main(["diff", files["alpha"], files["alpha"]]) == 0


def test_breaking_down_is_a_regression(files, printed, snapshot):
    """It is none if the port had broken down before."""
    snapshot(printed("diff", files["alpha"], files["down"], "--format", "markdown", code=1))
    assert "\n  The port broke down: no answer in 10 s\n" in printed("diff", files["alpha"], files["down"], code=1)
    assert "broke down" not in printed("diff", files["down"], files["down"])
    assert main(["diff", files["down"], files["alpha"]]) == 0


def test_machines_get_all_of_it(files, printed):
    """The JSON counts every kind, and has both sides of each change."""
    data = json.loads(printed("diff", files["alpha"], files["beta"], "--format", "json", code=1))
    assert (data["old"]["label"], data["new"]["file"], data["regressed"]) == ("alpha 1.0", files["beta"], True)
    assert data["runs"] == {"port": {"old": "alpha", "new": "beta"}, "shard": {"old": "1/1", "new": "2/3"}}
    assert data["counts"] == dict.fromkeys(KINDS, 0) | dict.fromkeys(("regressed", "fixed", "new", "gone"), 1) | {
        "clauses": 5
    }
    assert [change["kind"] for change in data["changes"]] == ["regressed", "fixed", "new", "gone"]
    assert data["changes"][2] == {
        "kind": "new",
        "id": "LL-002",
        "level": "lossless",
        "old": {"state": "no verdict", "text": None, "asked": None, "broken": None},
        "new": {"state": "held", "text": "Text of LL-002.", "asked": 10, "broken": 0},
    }


def test_the_json_is_as_published(files, capsys):
    """``dirac-failover schema diff`` describes it."""
    validator = jsonschema.Draft202012Validator(SCHEMAS["diff"]())
    for old, new in itertools.permutations(files.values(), 2):
        main(["diff", old, new, "--format", "json"])
        assert list(validator.iter_errors(json.loads(capsys.readouterr().out))) == []
