"""The built site, read without a browser: links, anchors, and that it needs no network.

``nox -s docs`` builds it and says with ``SITE`` where it is.
"""

from __future__ import annotations

import os
import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from dirac_failover.cli import VERBS
from dirac_failover.cli.exits import Exit
from dirac_failover.lessons.hazards import hazards
from dirac_failover.reports.schemas import SCHEMAS
from dirac_failover.spec.clauses import CLAUSES
from dirac_fakes.kinds import KINDS

SITE = os.environ.get("SITE")
pytestmark = pytest.mark.skipif(not SITE, reason="there is no site: nox -s docs builds it")
LOADING = {
    "script": "src",
    "img": "src",
    "link": "href",
    "iframe": "src",
    "source": "src",
    "object": "data",
    "use": "href",
}
NOT_LOADED = {"index", "search", "next", "prev", "canonical"}
"""What a ``link`` may be without being loaded."""


class Page(HTMLParser):
    """What a page links to, what it loads, and where in it a link can lead."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.pictures = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of it."""
        given = {name: value or "" for name, value in attrs}
        if "id" in given:
            self.anchors.append(given["id"])
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if (loads := given.get(LOADING.get(tag, ""))) and not set(given.get("rel", "").split()) & NOT_LOADED:
            self.loaded.append(loads)
        self.pictures += tag == "svg" and given.get("role") == "img"


@cache
def folder() -> Path:
    """Where the site is."""
    return Path(str(SITE)).resolve()


@cache
def pages() -> dict[Path, Page]:
    """Every page of the site."""
    return {path: Page(path.read_text(encoding="utf-8")) for path in sorted(folder().rglob("*.html"))}


def test_every_page_is_there() -> None:
    """What the tables of contents name, and nothing empty."""
    names = {str(path.relative_to(folder())) for path in pages()}
    assert {"index.html", "contract.html", "space.html", "fakes.html", "ports.html", "design.html"} <= names
    assert {f"{part}/index.html" for part in ("tutorial", "lessons", "howto", "reference", "reference/api")} <= names


def test_every_link_within_the_site_leads_somewhere() -> None:
    """To a page, and to an anchor in it."""
    broken = []
    for path, page in pages().items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchors = pages()[target].anchors if target in pages() else []
            if not target.exists() or (parts.fragment and unquote(parts.fragment) not in anchors):
                broken.append(f"{path.relative_to(folder())}: {link}")
    assert broken == []


def test_every_link_out_of_the_site_is_an_address() -> None:
    """Whether somebody is there is not asked: this runs without a network."""
    links = {link for page in pages().values() for link in page.links if urlsplit(link).scheme}
    assert [link for link in links if not re.fullmatch(r"(https://[\w.-]+\.[a-z]{2,}(/\S*)?|mailto:\S+)", link)] == []


def test_an_anchor_is_given_once_in_a_page() -> None:
    """So a link leads to one place."""
    doubled = {
        f"{path.relative_to(folder())}#{name}"
        for path, page in pages().items()
        for name in page.anchors
        if page.anchors.count(name) > 1
    }
    assert doubled == set()


def test_everything_that_is_loaded_is_part_of_the_site() -> None:
    """Scripts, styles, pictures and fonts: nothing comes from a network."""
    for path, page in pages().items():
        for loaded in page.loaded:
            parts = urlsplit(loaded)
            assert not parts.scheme or parts.scheme == "data", f"{path}: {loaded}"
            assert not parts.netloc, f"{path}: {loaded}"
            assert not parts.path or (path.parent / unquote(parts.path)).is_file(), f"{path}: {loaded}"
    for style in folder().rglob("*.css"):
        text = style.read_text(encoding="utf-8")
        assert not re.search(r"(url\(|@import)\s*['\"]?\s*(https?:)?//", text), style


def test_every_clause_has_its_place_and_its_picture() -> None:
    """Under its ID, in capitals and as a code-hosting site makes it."""
    page = pages()[folder() / "contract.html"]
    for clause in CLAUSES:
        assert clause.id in page.anchors
        assert clause.id.lower() in page.anchors
    assert page.pictures == len(CLAUSES)


@pytest.mark.parametrize("name", ["contract.html", "reference/api/clients.html", "reference/api/modules.html"])
def test_the_number_of_a_hazard_leads_to_its_section(name: str) -> None:
    """Of the contract, and of what docstrings cite."""
    links = {unquote(urlsplit(link).fragment) for link in pages()[folder() / name].links if "hazards.html#" in link}
    assert links
    assert links <= {hazard.place.partition("#")[2] for hazard in hazards().values()}


@pytest.mark.parametrize(
    ("name", "wanted"), [("reference/command-line.html", set(VERBS)), ("reference/formats.html", set(SCHEMAS))]
)
def test_the_reference_has_a_section_for_each(name: str, wanted: set[str]) -> None:
    """Command, format."""
    assert wanted <= set(pages()[folder() / name].anchors)


def test_the_reference_names_every_fault_and_exit_code() -> None:
    """It names the answers, too."""
    faults = (folder() / "reference/faults.html").read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f">{kind}<" not in re.sub(">(clock|file|process):", ">", faults)] == []
    codes = (folder() / "reference/exit-codes.html").read_text(encoding="utf-8")
    assert [code.name for code in Exit if f">{code.name}<" not in codes] == []


def test_a_description_is_never_raw_markup() -> None:
    """No directive, role or fence was left unread."""
    for path, page in pages().items():
        text = re.sub(r"<(script|style|pre|svg)\b.*?</\1>", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert not re.search(r":(class|func|meth|data|mod):`|\{generated\}|```", text), path
        assert page.anchors, path
