import re
from pathlib import Path

from dirac_failover.cli import VERBS, main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGE = (ROOT / "docs/howto/see-a-job-end.md").read_text(encoding="utf-8")


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 130


def test_links_between_pages_lead_somewhere_without_the_site_too():
    """A reader of the repository follows them to files; lines of other languages are left out."""
    pages = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "dirac_failover/lessons/hazards.md")]
    broken = [
        f"{page.relative_to(ROOT)}: {link}"
        for page in [*pages, *sorted((ROOT / "docs").rglob("*.md"))]
        for link in re.findall(
            r"\]\((?!https?:)([^)#\s]+)[^)]*\)", re.sub(r"(?ms)^(```+).*?^\1$", "", page.read_text(encoding="utf-8"))
        )
        if "_build" not in page.parts and not (page.parent / link).exists()
    ]
    assert broken == []


def test_the_readme_names_only_commands_that_exist():
    assert {*re.findall(r"`dirac-failover ([a-z]+)", README)} <= {*VERBS}


def test_the_page_on_the_end_of_a_job_shows_the_default_run_and_a_hazard():
    shown = re.findall(r"^```text (dirac-failover [^\n]*)$", PAGE, re.MULTILINE)
    assert shown == ["dirac-failover run", "dirac-failover run --fault job-state:first=2"]


def test_the_page_on_the_end_of_a_job_names_every_option_of_run(capsys):
    assert main(["run", "--help"]) == 0
    options = {*re.findall(r"(?<![\w-])--[a-z][a-z-]*", capsys.readouterr().out)}
    assert {*re.findall(r"(?<![\w-])--[a-z][a-z-]*", PAGE)} - {"--help"} == options - {"--help", "--quiet", "--verbose"}
