import json
import re
import sys
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from dirac_failover import __version__
from dirac_failover.cli import differential, main
from dirac_failover.cli.differential import report
from dirac_failover.cli.exits import Exit
from dirac_failover.conformance.differential import Comparison, DifferingScenario, Group
from dirac_failover.conformance.workers import Smallest
from dirac_failover.drivers.implementations import IMPLEMENTATIONS
from dirac_failover.drivers.resolve import Target
from dirac_failover.errors import ImplementationUnavailableError
from dirac_failover.reports.terminal import Style
from dirac_failover.spec.compare import Difference

PART = ["--workers", "1", "--region", "identity", "--shard", "400/400"]


def comparison(*given, **more):
    """Return a comparison in which so many scenarios differ at these places."""
    total = Comparison("a 1", "b 2", **more)
    for number, (count, *places) in enumerate(given):
        found = tuple(Difference((f"{place}{number}",), 1, 2) for place in places)
        smallest = Smallest((number, 0, ""), DifferingScenario(f"s{number}", {"n": number}, found))
        total.groups[f"s{number}",] = Group(count, smallest)
    return total


def test_for_people_the_first_of_each_is_shown():
    """The text has five groups, five places of each, and the number of the others; or all, for who wants that."""
    made = comparison((1, *"abcdef"), (1, *"abcdefg"), *[(2, *"abcde")] * 5, scenarios=12345, seconds=2.0)
    text = report(made, Style())
    assert text.splitlines()[1:5] == [
        "  ✗ 12,345 scenarios, 12 differ",
        "  beside  a 1, b 2",
        "  time    2 s, 6,172 a second",
        "  … 2 more kinds of difference: -v shows all",
    ]
    assert "\n  scenario  s0\n  a0\n    a 1  1\n    b 2  2\n  b0\n" in text
    assert re.findall("^.* more places.*$", text, re.MULTILINE) == [
        f"  … {left} more places: -v shows all" for left in (1, 2)
    ]
    assert re.findall(r"^── (\d. \d \w+) like this one", text, re.MULTILINE) == [
        "1. 1 scenario", "2. 1 scenario", "3. 2 scenarios", "4. 2 scenarios", "5. 2 scenarios",
    ]  # fmt: skip
    assert '\n  scenario: {"n": 0}\n' in text
    assert "\n  f0\n" not in text
    every = report(made, Style(verbose=True))
    assert "\n  f0\n" in every
    assert "── 7. 2 scenarios like this one" in every
    assert "-v shows" not in every


def test_where_nothing_is_left_out_the_text_says_nothing_of_it():
    """Less than a second is counted exactly, and no time at all is no error."""
    text = report(comparison(*[(1, *"12345")] * 5, scenarios=10, seconds=0.5), Style())
    assert "-v" not in text
    assert "  time    0 s, 20 a second\n" in text
    assert "  → 0 scenarios, 0 differ\n" in report(Comparison("a", "b"), Style())
    assert "  ✓ 1 scenarios, 0 differ\n" in report(Comparison("a", "b", scenarios=1), Style())


def test_the_exit_code_and_the_output_say_what_differs(monkeypatch, printed):
    """The options are passed on; the Python is that of the right one."""
    asked = []
    results = iter([comparison((2, "x"), scenarios=3), comparison((2, "x"), scenarios=3), comparison()])

    def compared(*targets, **how):
        asked.append((*targets, how))
        return next(results)

    monkeypatch.setattr(differential, "compare_ports", compared)
    words = "differential mine theirs --python /p --region inputs --workers 3 --shard 2/3"
    assert "  ✗ 3 scenarios, 2 differ\n" in printed(*words.split(), code=Exit.DIFFERS)
    how = {"region": "inputs", "workers": 3, "part": (1, 3)}
    assert asked == [((Target("mine"), Target("theirs", "/p")), how)]
    told = json.loads(printed(*words.split(), "--json", code=Exit.DIFFERS))
    assert told == comparison((2, "x"), scenarios=3).to_json()
    assert main(words.split()) == Exit.NOTHING_RAN


def test_the_command_finds_the_right_one_in_another_environment(printed):
    """There it runs in a process of its own; here that is the same Python."""
    title = f"reference {__version__}"
    seen = printed("differential", "reference", "reference", "--python", sys.executable, *PART)
    assert f"  ✓ 2 scenarios, 0 differ\n  beside  {title}, {title}\n" in seen


def test_a_port_that_dies_is_named_with_the_scenario(complaint):
    """The line is the one of 'verify'."""
    said = complaint("differential", "reference", "tests.conformance.broken_ports:Exits", *PART, code=Exit.BROKEN)
    assert said.startswith("The port ended its process (exit code 7) in the scenario 'identity")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--workers", "0"], "--workers: expected a whole number from 1 to "),
        (["--workers", "1000"], "--workers: expected a whole number from 1 to "),
        (["--shard", "3/2"], "--shard: expected I/N with I from 1 to N, found '3/2'"),
        (["--region", "none"], "--region: there is no region 'none' (there are "),
    ],
)
def test_an_option_that_cannot_be_used_is_one_line(given, message, complaint):
    """The line has the expected and the given value."""
    assert complaint("differential", "reference", "reference", *given).startswith(message)


def test_a_port_that_does_not_exist_is_named(monkeypatch, complaint):
    """One that is unknown is the user's mistake; one that is not installed is not."""
    assert complaint("differential", "reference", "nobody").startswith("there is no port 'nobody' (there are reference")

    load = Mock(side_effect=ImplementationUnavailableError("It is not installed: install it"))
    monkeypatch.setitem(IMPLEMENTATIONS, "dirac", SimpleNamespace(load=load))
    assert complaint("differential", "reference", "dirac", code=Exit.BROKEN) == "It is not installed: install it"
