"""The command ``compare``: its formats, and files that cannot be read."""

import json

import jsonschema
import pytest

from dirac_failover.reports import html_page, markdown
from dirac_failover.reports.matrix import Matrix
from dirac_failover.reports.schemas import SCHEMAS


def test_every_format_is_there(files, printed):
    """Each is what its module makes of the same matrix."""
    paths = [files["alpha"], files["hostile"]]
    matrix = Matrix.load(paths)
    expected = {
        "markdown": markdown.page(matrix),
        "html": html_page.page(matrix),
        "json": json.dumps(matrix.to_json(), indent=2) + "\n",
    }
    for form, said in expected.items():
        assert printed("compare", *paths, "--format", form) == said


def test_the_json_is_as_published(files, printed):
    """``dirac-failover schema compare`` describes it."""
    data = json.loads(printed("compare", *files.values(), "--format", "json"))
    validator = jsonschema.Draft202012Validator(SCHEMAS["compare"]())
    assert list(validator.iter_errors(data)) == []
    for part in (data["ports"][0], data["ports"][0]["header"], data["clauses"][0]["cells"][0]):
        part["other"] = 1
        assert not validator.is_valid(data)
        del part["other"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text[:-200], "is not JSON, or was cut"),
        (lambda _: "", "is not JSON, or was cut"),
        (lambda text: text.replace('"held": 1', '"held": 2'), "the digest is another: it was cut or changed"),
        (lambda _: "[]", "does not hold the results of 'dirac-failover verify': all of it: input should be an object"),
    ],
)
@pytest.mark.parametrize("verb", ["compare", "diff", "report"])
def test_a_file_that_was_cut_or_changed_is_one_clear_line(files, complaint, tmp_path, change, said, verb):
    """Nothing is reported from it, and nothing is written."""
    with open(files["alpha"]) as file:
        whole = file.read()
    with open(files["alpha"], "w") as file:
        file.write(change(whole))  # type: ignore[operator]
    others = [] if verb == "report" else [files["beta"]]
    line = complaint(verb, files["alpha"], *others, "--output", str(tmp_path / "out"))
    assert line.startswith(f"{files['alpha']} ")
    assert said in line
    assert not (tmp_path / "out").exists()
