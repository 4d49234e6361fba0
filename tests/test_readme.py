import os
import re
from pathlib import Path

from dirac_failover.cli import VERBS, main
from dirac_failover.cli.exits import Exit

PATH = Path(__file__).parents[1] / "README.md"
README = PATH.read_text(encoding="utf-8")
OUTPUT = re.compile(r"^```text (dirac-failover [^\n]*)$", re.MULTILINE)


def test_the_readme_shows_the_default_run_and_a_hazard():
    assert OUTPUT.findall(README) == ["dirac-failover run", "dirac-failover run --fault job-state:first=2"]


def test_the_readme_names_every_command_and_exit_code(capsys):
    rows = "".join(f"| `dirac-failover {name}` | {summary} |\n" for name, summary in VERBS.items())
    if os.environ.get("RENEW"):
        table = re.compile(r"(^\| `dirac-failover [a-z]+` \| .* \|\n)+", re.MULTILINE)
        PATH.write_text(table.sub(lambda _: rows, README), encoding="utf-8")
    assert rows in PATH.read_text(encoding="utf-8"), "if this is meant: RENEW=1 pytest tests/test_readme.py"
    codes = dict(re.findall(r"^\| (\d) \| (.*) \|$", README, re.MULTILINE))
    assert {int(code) for code in codes} == set(Exit)
    assert main(["--help"]) == 0
    printed = capsys.readouterr().out
    for code, meaning in codes.items():
        assert f"  {code}  {meaning}\n" in printed


def test_every_option_in_the_readme_exists(capsys):
    assert main(["run", "--help"]) == 0
    options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", capsys.readouterr().out))
    run = README[README.index("## See a job end") : README.index("## Check a port")]
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", run)) - {"--help"} == options - {"--help", "--color"}
