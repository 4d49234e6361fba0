"""``dirac-failover completion``: what bash completes with the script."""

import shutil
import subprocess
import sys

import pytest

from dirac_failover.cli import VERBS
from dirac_failover.conformance.zoo import BUGS


@pytest.fixture(scope="module")
def complete():
    """Return the completions of a command line, whose last word is being typed."""
    pytest.importorskip("shtab")
    script = subprocess.run(
        [sys.executable, "-m", "dirac_failover", "completion", "bash"], capture_output=True, check=True
    ).stdout.decode()

    def completions(*words):
        quoted = " ".join(f"'{word}'" for word in ("dirac-failover", *words))
        typed = f"COMP_WORDS=({quoted}); COMP_CWORD={len(words)}; _shtab_dirac_failover; echo ${{COMPREPLY[@]}}"
        return subprocess.run(
            [shutil.which("bash"), "-c", f"{script}\n{typed}"], capture_output=True, text=True, check=True
        ).stdout.split()

    return completions


@pytest.mark.ci
def test_commands_options_and_values_are_completed(complete):
    """Values are those of argparse, and the names of clauses, bugs, lessons and implementations."""
    assert complete("") == [*VERBS]
    assert complete("ver") == ["verify"]
    assert complete("run", "--no") == ["--no-proxy"]
    assert complete("verify", "--region", "ans") == ["answers"]
    assert complete("verify", "--clause", "CO-02") == [f"CO-02{n}" for n in range(10)]
    assert complete("explain", "LL-00") == [f"LL-00{n}" for n in range(1, 10)]
    assert complete("learn", "an-ou") == ["an-outage"]
    assert complete("zoo", "--bug", "Never") == [name for name in BUGS if name.startswith("Never")]
    assert complete("verify", "ref") == complete("run", "--implementation", "ref") == ["reference"]
    assert complete("serve", "--port", "") == []


def test_scripts_for_other_shells_are_printed(printed):
    """They are those of shtab."""
    pytest.importorskip("shtab")
    for shell, word in (("zsh", "#compdef dirac-failover"), ("tcsh", "complete dirac-failover")):
        assert word in printed("completion", shell)


def test_without_shtab_the_error_says_what_to_install(monkeypatch, complaint):
    """The package is an extra."""
    monkeypatch.setitem(sys.modules, "shtab", None)
    said = "completion needs the package shtab: pip install 'dirac-failover[completion]'"
    assert complaint("completion", "bash", code=3) == said
