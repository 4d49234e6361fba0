"""The page of hazards: every example runs on each implementation, and no number is cited without a section."""

from __future__ import annotations

import re
from doctest import ELLIPSIS, DocTestParser, DocTestRunner
from pathlib import Path

import pytest

import dirac_failover
from dirac_failover.lessons.hazards import hazards
from dirac_failover.reports.terminal import Style

ROOT = Path(dirac_failover.__file__).parent
DOCS = Path(__file__).parents[2] / "docs"
PAGE = ROOT / "lessons/hazards.md"
START, *SECTIONS = re.split(r"(?m)^(?=## H\d+: )", PAGE.read_text())
NUMBER = re.compile(r"## (H\d+): .+\n")


def test_they_are_numbered_without_a_gap():
    numbers = [NUMBER.match(section)[1] for section in SECTIONS]
    assert numbers == [f"H{number}" for number in range(1, 1 + len(SECTIONS))]


def test_every_number_that_the_project_cites_has_a_section():
    files = [path for folder in (ROOT, DOCS) for path in folder.rglob("*") if path.suffix in {".py", ".md"}]
    cited = {number for path in files for number in re.findall(r"\bH[1-9]\d?\b", path.read_text())}
    assert cited == {f"H{number}" for number in range(1, 1 + len(SECTIONS))}


def test_the_page_of_the_contract_links_to_the_section_of_each():
    """Beside every clause that is about one, and in the table of those that are out of reach."""
    page = (DOCS / "contract.md").read_text()
    linked = re.findall(r"\[(H\d+)\]\((.+?)\)", page)
    assert {name for name, _ in linked} == set(hazards())
    assert all(place == hazards()[name].place for name, place in linked)
    assert hazards()["H16"].place == "hazards.md#h16-a-name-that-ends-in-l-f-n-or-a-colon-becomes-another"


@pytest.mark.parametrize("hazard", hazards().values(), ids=hazards())
def test_its_section_can_be_shown_as_text(hazard):
    """Nothing of the example is missing where the terminal is wide, and no Markdown of the links is left."""
    text = hazard.render(Style(200))
    assert text.startswith(f"── {hazard.id}: {hazard.title} ─")
    assert "](" not in text.partition(">>>")[0]
    example = hazard.text.split("```")[1].partition("\n")[2]
    assert [line.strip() for line in example.splitlines()] == [
        line.strip() for line in text.splitlines() if line.startswith("    ")
    ]


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: NUMBER.match(section)[1])
def test_its_example_shows_it(implementation, section, monkeypatch, tmp_path):
    """On the reference with its own classes instead of DIRAC's."""
    text = START + section
    if implementation.name == "reference":
        text = re.sub(r"from DIRAC\.\S+ import", "from dirac_failover import", text).replace(
            '["dirac"]', '["reference"]'
        )
    text = re.sub(r"(?m)^```.*$", "", text)
    monkeypatch.chdir(tmp_path)
    example = DocTestParser().get_doctest(text, {"__name__": "hazards"}, PAGE.name, str(PAGE), 0)
    assert DocTestRunner(optionflags=ELLIPSIS).run(example).failed == 0
    assert len(DocTestParser().get_examples(section)) <= 10  # short enough to be pasted into an issue
