"""The command, run in this process: what it prints when it ends as expected, and what it says when it cannot."""

import pytest

from dirac_failover.cli import main


@pytest.fixture
def printed(capsys):
    """Run the command; return what it prints when it ends with this code, and nothing is on stderr."""

    def run(*words, code=0):
        assert main([*words]) == code
        out, err = capsys.readouterr()
        assert err == ""
        return out

    return run


@pytest.fixture
def complaint(capsys):
    """Run the command; return the one line on stderr with which it ends, without its beginning and its end."""

    def run(*words, code=4):
        assert main([*words]) == code
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert err.startswith("dirac-failover: error: ")
        return err.removeprefix("dirac-failover: error: ").rstrip("\n")

    return run
