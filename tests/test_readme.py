from __future__ import annotations

import io
import re
import shlex
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from dirac_failover.cli import VERBS, main
from dirac_failover.conformance.errors import Exit

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
OUTPUT = re.compile(r"^```text (dirac-failover [^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXAMPLE = re.compile(r"^```python\n(.*?)^```\n\n```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WIDTH = 100
LEFT_OUT = "[...]\n"


@pytest.mark.parametrize(("command", "shown"), OUTPUT.findall(README))
def test_what_the_readme_shows_is_what_is_printed(
    command: str, shown: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Line by line, but for what is marked as left out."""
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    assert main(shlex.split(command)[1:]) == 0
    rest = capsys.readouterr().out
    for part in filter(None, shown.split(LEFT_OUT)):
        before, found, rest = rest.partition(part)
        assert found, f"not in the output of {command}:\n{part}"
        assert before == "" or before.endswith("\n")


def test_the_readme_shows_the_default_run_and_a_hazard() -> None:
    """The first thing that a reader tries, and why it is worth it."""
    assert [command for command, _ in OUTPUT.findall(README)] == [
        "dirac-failover run",
        "dirac-failover run --fault job-state:first=2",
    ]


def test_the_examples_print_what_the_readme_says() -> None:
    """Each is run as it stands."""
    examples = EXAMPLE.findall(README)
    assert len(examples) == README.count("```python")
    for code, expected in examples:
        with redirect_stdout(io.StringIO()) as printed:
            exec(compile(code, "README.md", "exec"), {"__name__": "readme"})  # noqa: S102 - it is ours
        assert printed.getvalue() == expected


def test_the_readme_names_every_command_and_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    """As the help has them."""
    commands = re.findall(r"^\| `dirac-failover ([a-z]+)` \| (.*) \|$", README, re.MULTILINE)
    assert commands == [(name, verb.summary) for name, verb in VERBS.items()]
    codes = dict(re.findall(r"^\| (\d) \| (.*) \|$", README, re.MULTILINE))
    assert {int(code) for code in codes} == set(Exit)
    assert main(["--help"]) == 0
    printed = capsys.readouterr().out
    for code, meaning in codes.items():
        assert f"  {code}  {meaning}\n" in printed


def test_every_option_in_the_readme_exists(capsys: pytest.CaptureFixture[str]) -> None:
    """And every option of run is in the README, but for how it is coloured."""
    assert main(["run", "--help"]) == 0
    options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", capsys.readouterr().out))
    run = README[README.index("## See a job end") : README.index("## Hold a port")]
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", run)) - {"--help"} == options - {"--help", "--color"}
