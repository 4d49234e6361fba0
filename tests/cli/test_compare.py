"""The command ``compare``, and the matrix on a terminal."""

import json
import re
from dataclasses import replace

import jsonschema
import pytest

from dirac_failover.cli import main
from dirac_failover.cli.compare import text
from dirac_failover.cli.schema import SCHEMAS
from dirac_failover.reports import html_page, markdown
from dirac_failover.reports.matrix import Matrix
from dirac_failover.reports.terminal import Style
from dirac_failover.spec.profile_fit import Match


@pytest.fixture(autouse=True)
def terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


@pytest.mark.parametrize("style", [Style(80), Style(60), Style(80, colours=True)], ids=repr)
def test_ports_stand_side_by_side(alpha, beta, down, style, snapshot):
    """What each port is, then the matrix level by level, then what the ports differ on; colours shift nothing."""
    matrix = Matrix.of([("alpha 1.0", "", alpha), ("beta", "", beta), ("gamma 2", "", down)])
    made = text(matrix, style)
    snapshot(made)
    assert re.sub(r"\x1b\[\d+m", "", made) == text(matrix, Style(style.width))


def test_what_a_port_was_held_against_is_said(alpha):
    """The levels that decide, unless all do; and the nearest profile."""
    some = replace(alpha, header=replace(alpha.header, levels=("contract", "dirac")))
    assert text(Matrix.of([("A", "", some)]), Style(80)).startswith("A  diverges, by contract and dirac\n")
    assert text(Matrix.of([("A", "", alpha)]), Style(80)).startswith("A  diverges\n")
    known = replace(alpha, nearest=(Match("dirac-8.0", 2, 1, 3), Match("dirac-9.1", 2, 1, 4)))
    assert ", profile dirac-9.1 (nearest: dirac-8.0), 2026" in text(Matrix.of([("A", "", known)]), Style(200))


def test_one_port_alone_differs_from_nobody(files, capsys):
    """Nothing is said about differences."""
    assert main(["compare", files["alpha"]]) == 0
    assert "differ" not in capsys.readouterr().out


def test_every_format_is_there(files, capsys):
    """Each is what its module makes of the same matrix."""
    paths = [files["alpha"], files["hostile"]]
    matrix = Matrix.load(paths)
    expected = {
        "markdown": markdown.page(matrix),
        "html": html_page.page(matrix),
        "json": json.dumps(matrix.to_json(), indent=2) + "\n",
    }
    for form, said in expected.items():
        assert main(["compare", *paths, "--format", form]) == 0
        assert capsys.readouterr().out == said


def test_the_json_is_as_published(files, capsys):
    """``dirac-failover schema compare`` describes it."""
    assert main(["compare", *files.values(), "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    validator = jsonschema.Draft202012Validator(SCHEMAS["compare"]())
    assert list(validator.iter_errors(data)) == []
    for part in (data["ports"][0], data["ports"][0]["header"], data["clauses"][0]["cells"][0]):
        part["other"] = 1
        assert not validator.is_valid(data)
        del part["other"]


def test_a_file_is_written_instead_of_the_terminal(files, tmp_path, capsys):
    """The ending of its name is enough."""
    path = tmp_path / "page.html"
    assert main(["compare", files["alpha"], "--output", str(path)]) == 0
    assert path.read_text(encoding="ascii").startswith("<!doctype html>")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda text: text[:-200], "is not JSON, or was cut"),
        (lambda _: "", "is not JSON, or was cut"),
        (lambda text: text.replace('"held": 1', '"held": 2'), "the digest is another: it was cut or changed"),
        (lambda _: "[]", "does not hold the results of 'dirac-failover verify': all of it: input should be an object"),
    ],
)
@pytest.mark.parametrize("verb", ["compare", "diff", "report"])
def test_a_file_that_was_cut_or_changed_is_one_clear_line(files, capsys, tmp_path, change, complaint, verb):
    """Nothing is reported from it, and nothing is written."""
    with open(files["alpha"]) as file:
        whole = file.read()
    with open(files["alpha"], "w") as file:
        file.write(change(whole))  # type: ignore[operator]
    others = [] if verb == "report" else [files["beta"]]
    assert main([verb, files["alpha"], *others, "--output", str(tmp_path / "out")]) == 4
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"dirac-failover: error: {files['alpha']} ")
    assert complaint in captured.err
    assert captured.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_colours_say_what_words_say(alpha, beta):
    """Green for what is well; a breach of a level that does not decide has the colour of what is known."""
    aside = replace(alpha, header=replace(alpha.header, levels=("dirac",)))
    assert "\x1b[36mbroken 1,300\x1b[0m" in text(Matrix.of([("a", "", aside)]), Style(80, colours=True))
    conforming = replace(beta, clauses=beta.clauses[1:], verdict="conforms")
    assert "\x1b[32mconforms\x1b[0m" in text(Matrix.of([("b", "", conforming)]), Style(80, colours=True))
    silent = replace(alpha, clauses=alpha.clauses[2:3], verdict="conforms")
    assert "  nothing asked\n" in text(Matrix.of([("a", "", silent)]), Style(80, colours=True))


def heads(results, labels, width):
    """The first line of each port, and the heads of the columns."""
    lines = text(Matrix.of((label, "", results) for label in labels), Style(width)).splitlines()
    return lines[: 2 * len(labels) : 2], lines[2 * len(labels) + 1]


def test_labels_head_the_columns_where_they_fit(alpha):
    """Otherwise letters do, which stand before the ports; 34 columns are left to the clauses."""
    assert heads(alpha, ["x" * 20], 80) == (["x" * 20 + "  diverges"], "Contract" + " " * 50 + "  " + "x" * 20)
    assert heads(alpha, ["x" * 21], 80) == (["A  " + "x" * 21 + "  diverges"], "Contract" + " " * 58 + "  A")
    fits = ["a" * 10, "b" * 10, "c" * 10]
    assert heads(alpha, fits, 34 + 36)[1].split() == ["Contract", *fits]
    assert heads(alpha, fits, 34 + 35)[1].split() == ["Contract", "A", "B", "C"]
    assert heads(alpha, ["a", "b"], 34 + 24)[1].split() == ["Contract", "a", "b"]
    assert heads(alpha, ["a", "b"], 34 + 23)[1].split() == ["Contract", "A", "B"]


def test_two_ports_may_differ_on_nothing(alpha):
    """Which is said."""
    assert "\n4 clauses, 0 on which the ports differ\n" in text(
        Matrix.of([("a", "", alpha), ("b", "", alpha)]), Style()
    )


def test_there_are_letters_for_any_number_of_ports(alpha):
    """After Z comes A1."""
    said, columns = heads(alpha, [f"port {n:02}" for n in range(54)], 80)
    assert [line.split()[0] for line in said] == columns.split()[1:]
    assert columns.split()[1:3] + columns.split()[26:28] + columns.split()[-1:] == ["A", "B", "Z", "A1", "B2"]
    assert said[26] == "A1  port 26  diverges"


def test_a_clause_is_cut_to_what_is_left(alpha):
    """In one line, with a sign that something is missing; where hardly anything is left, the ID says it all."""
    long = replace(alpha, clauses=(replace(alpha.clauses[0], text="0123456789" * 9),))

    def line(width, *, unicode=True):
        matrix = Matrix.of([("A", "", long)])
        return text(matrix, Style(width, unicode=unicode)).splitlines()[4]

    assert line(112) == "  CO-001  " + "0123456789" * 9 + "  held"
    assert line(111) == "  CO-001  " + "0123456789" * 8 + "01234567" + "\u2026  held"
    assert line(111, unicode=False) == "  CO-001  " + "0123456789" * 8 + "012345" + "...  held"
    assert line(48) == "  CO-001  " + "0123456789" * 2 + "01234\u2026  held"
    assert line(47) == "  CO-001  held"


def test_a_hostile_file_cannot_move_the_terminal(files, capsys):
    """Control characters are shown as what they are."""
    assert main(["compare", files["hostile"]]) == 0
    out = capsys.readouterr().out
    assert "\\x1b[31m" in out
    assert out.replace("\n", "").isprintable()


def test_results_without_clauses_have_no_matrix(alpha):
    """Nothing was asked, and nothing breaks."""
    empty = text(Matrix.of([("A", "", replace(alpha, clauses=()))]), Style(80))
    head, numbers, gap = empty.splitlines()[:3]
    assert (head, gap) == ("A  nothing asked", "")
    assert numbers == "  ; 1,234 scenarios, profile dirac-9.1, 2026-01-02T03:04:05Z"
