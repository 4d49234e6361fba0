"""Where a report goes: by ``--format``, by the ending of ``--output``, or as text."""

import argparse
import io
import re
import sys

import pytest

from dirac_failover.cli import add_shared, output
from dirac_failover.cli.exits import CommandError
from dirac_failover.errors import FileError

FORMATS = {
    name: (lambda style, name=name: f"{name} {style.width} {style.colours}\n") for name in ("text", "html", "json")
}


def parsed(*given):
    parser = argparse.ArgumentParser()
    add_shared(parser)
    output.add_arguments(parser, list(FORMATS))
    return parser.parse_args(given)


@pytest.mark.parametrize(
    ("name", "given", "form"),
    [
        ("a.html", [], "html"),
        ("a.HTM", [], "html"),
        ("a.json", [], "json"),
        ("a.txt", [], "text"),
        ("a", [], "text"),
        ("a.svg", ["--format", "text"], "text"),
        ("a.html", ["--format", "json"], "json"),
        ("a.html", ["--format", "text"], "text"),
    ],
)
def test_the_ending_chooses_the_format_unless_it_is_said(tmp_path, capsys, name, given, form):
    """An ending that means nothing means text."""
    output.deliver(parsed("--output", str(tmp_path / name), "--color", "always", *given), FORMATS)
    assert (tmp_path / name).read_text() == f"{form} 100 False\n"
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert capsys.readouterr().out == ""


def test_an_ending_of_a_format_that_there_is_not_is_an_error(tmp_path):
    """Nobody expects text in a file of that name."""
    said = (
        "--output: .svg is badge, which this report cannot be: another ending, or --format with one of text, html, json"
    )
    with pytest.raises(CommandError, match=f"^{re.escape(said)}$"):
        output.deliver(parsed("--output", str(tmp_path / "a.SVG")), FORMATS)
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(("given", "form"), [([], "text"), (["--format", "html"], "html")])
def test_without_a_file_it_is_printed(capsys, monkeypatch, given, form):
    """Text, on a terminal as in a pipe; colours by ``--color``."""
    monkeypatch.setenv("COLUMNS", "77")
    output.deliver(parsed(*given), FORMATS)
    output.deliver(parsed(*given, "--color", "always"), FORMATS)
    assert capsys.readouterr().out == f"{form} 77 False\n{form} 77 True\n"


@pytest.mark.parametrize(("encoding", "seen"), [("ascii", b"\\xe9\n"), ("latin-1", b"\xe9\n"), (None, b"\xe9\n")])
def test_what_the_terminal_cannot_show_is_escaped(monkeypatch, encoding, seen):
    """No report ends in the middle because of a letter."""

    class Screen(io.StringIO):
        @property
        def encoding(self):  # type: ignore[override]
            return encoding

    screen = Screen()
    monkeypatch.setattr(sys, "stdout", screen)
    output.deliver(parsed(), {"text": lambda _: "é\n"})
    assert screen.getvalue().encode("latin-1") == seen


def test_what_cannot_be_written_is_an_error(tmp_path):
    """The error names the file and the reason."""
    with pytest.raises(FileError, match=r"Cannot write .*: No such file or directory"):
        output.deliver(parsed("--output", str(tmp_path / "no" / "a.html")), FORMATS)


def test_an_ending_that_means_nothing_is_an_error(tmp_path):
    """It is not taken for text; ``--format`` says what is meant, and a name without ending is text."""
    with pytest.raises(CommandError) as caught:
        output.deliver(parsed("--output", str(tmp_path / "a.htlm")), FORMATS)
    assert str(caught.value) == (
        "--output: there is no format for the ending '.htlm'; did you mean .htm? (there are .html, .htm, .json, "
        ".txt); --format names one, too"
    )
    assert not [*tmp_path.iterdir()]
    output.deliver(parsed("--output", str(tmp_path / "a.pdf"), "--format", "html"), FORMATS)
    output.deliver(parsed("--output", str(tmp_path / "a")), FORMATS)
    assert {path.name: path.read_text()[:4] for path in tmp_path.iterdir()} == {"a.pdf": "html", "a": "text"}


def test_an_empty_name_is_a_name(tmp_path, monkeypatch):
    """``--output ""`` is refused, not ignored."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileError, match="Cannot write"):
        output.deliver(parsed("--output", ""), FORMATS)


def test_a_file_has_no_colours():
    """Its lines are of one length everywhere."""
    style = output._IN_A_FILE
    assert (style.width, style.colours, style.unicode) == (100, False, True)


@pytest.mark.parametrize(
    ("option", "said"), [("-q", "One\n"), ("-v", "One\n\nTwo True\n"), ("--color=never", "One\n\nTwo False\n")]
)
def test_a_quiet_command_prints_the_first_section_and_a_verbose_one_all(capsys, option, said):
    """The text itself decides by the style which parts of it are left out; other formats are always whole."""
    formats = {**FORMATS, "text": lambda style: f"One\n\nTwo {style.verbose}\n"}
    output.deliver(parsed(option), formats)
    assert capsys.readouterr().out == said
    output.deliver(parsed(option, "--format", "json"), {"json": lambda _: "a\n\nb\n"})
    assert capsys.readouterr().out == "a\n\nb\n"
