"""How branches are told apart and named, and what is wrong with a list of those that are not taken."""

import json
import subprocess
import sys

import pytest

from tests.mutation.operators import explained
from tests.reach import __main__ as reach
from tests.reach.branches import Branch, branches

SOURCE = '''
import json

def told(values):
    """Say something."""
    while True:
        for value in values:
            if value:
                continue
            elif value is None:
                return 1
        try:
            json.loads("{")
        except TypeError:
            return 2
        except ValueError:
            break

def idle():
    """Nothing."""
    if idle:
        return 1

class Thing:
    def one(self):
        if self:
            return
        while not self:
            pass

told([1, 2])
Thing().one()
'''


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """What coverage.py says of the source, once executed."""
    directory = tmp_path_factory.mktemp("measured")
    (directory / "source.py").write_text(SOURCE)
    for words in (["run", "--branch", "source.py"], ["json", "-q", "-o", "report.json"]):
        subprocess.run([sys.executable, "-m", "coverage", *words], check=True, cwd=directory)
    return json.loads((directory / "report.json").read_text())["files"]["source.py"]


def test_a_branch_is_a_way_out_of_a_condition_or_loop_or_into_a_handler(report):
    """An endless loop asks nothing; a function that is not entered is one branch."""
    assert {(branch.function, branch.text): taken for branch, taken in branches(SOURCE, report).items()} == {
        ("told", ""): True,
        ("told", "for value in values: -> if value:"): True,
        ("told", "for value in values: -> try:"): True,
        ("told", "if value: -> continue"): True,
        ("told", "if value: -> elif value is None:"): False,
        ("told", "elif value is None: -> return 1"): False,
        ("told", "elif value is None: -> for value in values:"): False,
        ("told", "except TypeError: -> return 2"): False,
        ("told", "except ValueError: -> break"): True,
        ("idle", ""): False,
        ("Thing.one", ""): True,
        ("Thing.one", "if self: -> return"): True,
        ("Thing.one", "if self: -> while not self:"): False,
        ("Thing.one", "while not self: -> pass"): False,
        ("Thing.one", "while not self: -> the end"): False,
    }


def test_functions_are_selected_by_name(report):
    """The others do not count."""
    assert list(branches(SOURCE, report, ("idle",))) == [Branch("idle")]


def test_a_branch_has_a_name_that_quotes_nothing():
    """Two branches of a function differ in it, and the function itself has none."""
    names = [Branch("f", "x is true").digest, Branch("f", "x is false").digest, Branch("g", "x is true").digest]
    assert len(set(names)) == len(names)
    assert all(len(name) == 8 for name in names)
    assert not Branch("f").digest


TAKEN, LEFT = Branch("f", "x is true"), Branch("f", "x is false")


def entry(branch):
    """A line of the list."""
    return "a.py", branch.function, branch.digest


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([entry(LEFT)], []),
        ([], ["not taken"]),
        ([entry(LEFT), entry(TAKEN)], ["is taken"]),
        ([entry(LEFT), entry(Branch("g"))], ["is no branch"]),
    ],
)
def test_what_is_not_taken_is_listed_and_nothing_else(entries, said):
    """Each error is one line that says what it is about."""
    wrong = reach.judge({"a.py": {Branch("f"): True, TAKEN: True, LEFT: False}}, entries)
    assert [[word for word in ("not taken", "is taken", "is no branch") if word in line] for line in wrong] == [
        [word] for word in said
    ]


def test_the_list_gives_a_reason_for_each_branch():
    """The reasons are those of files that are measured."""
    entries = explained(reach.UNREACHED)
    assert entries
    assert all(reason.text and file in reach.SOURCES for (file, *_), reason in entries.items())
