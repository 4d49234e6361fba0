"""The command ``report``."""

import pytest

from dirac_failover.cli import main
from dirac_failover.reports import badge, html_page, junit, markdown, text
from dirac_failover.reports.matrix import Matrix
from dirac_failover.reports.terminal import Style


def test_every_format_is_there(files, printed, monkeypatch):
    """Each is what its module makes of the results."""
    monkeypatch.setenv("COLUMNS", "90")
    matrix = Matrix.load([files["alpha"]])
    expected = {
        "text": text.matrix(matrix, Style(90)),
        "markdown": markdown.page(matrix),
        "html": html_page.page(matrix),
        "junit": junit.document(matrix.ports[0]),
        "badge": badge.picture(matrix.ports[0]),
    }
    assert printed("report", files["alpha"]) == expected["text"]
    for form, said in expected.items():
        assert printed("report", files["alpha"], "--format", form) == said


@pytest.mark.parametrize(("name", "start"), [("a.xml", "<?xml"), ("a.svg", "<svg"), ("a.md", "# "), ("a.html", "<!do")])
def test_the_ending_of_the_file_is_enough(files, tmp_path, name, start):
    """A report of a port that broke down is a report like any other."""
    assert main(["report", files["down"], "--output", str(tmp_path / name)]) == 0
    assert (tmp_path / name).read_text().startswith(start)


def test_there_is_one_port(files, capsys, printed):
    """Several are compared; the help says how."""
    assert main(["report", files["alpha"], files["beta"]]) == 4
    assert "unrecognized arguments" in capsys.readouterr().err
    words = " ".join(printed("report", "--help").split())
    assert "[--format {text,markdown,html,junit,badge}]" in words
    assert words.endswith("Several ports side by side, and the matrix as JSON: 'dirac-failover compare'.")
