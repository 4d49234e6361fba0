"""The documentation site as people see it, on a desk and on a phone, in light and in dark."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

SITE = os.environ.get("SITE")
pytestmark = pytest.mark.skipif(not SITE, reason="there is no site: nox -s docs builds it")
PAGES = (
    sorted(str(file.relative_to(SITE).with_suffix("")) for file in Path(SITE).rglob("*.html")) if SITE else ["index"]
)
WIDE = (
    ".timeline-box, pre, .table-wrapper, .sidebar-drawer, .toc-drawer, .highlight, .mobile-header, .skip-to-content, "
    ".headerlink, .visually-hidden"
)
"""Elements that scroll, or that are outside of the page."""


def page(name: str) -> Path:
    """The file of a page."""
    return Path(str(SITE), f"{name}.html")


def open_page(browser: Any, name: str, **how: Any) -> None:
    """Show a page, with all that opens on demand open."""
    browser.show(**how)
    browser.open(page(name))
    browser.run("document.querySelectorAll('article details').forEach(one => { one.open = true; })")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_looks_as_it_should(browser: Any, name: str) -> None:
    """At both widths and in both schemes: what is wider scrolls in its own box, and pictures and badges can be read."""
    open_page(browser, name)
    for width in (1280, 390):
        for dark in (False, True):
            browser.show(width=width, dark=dark)
            browser.picture(f"{name.replace('/', '-')}-{width}-{'dark' if dark else 'light'}")
            assert browser.run("return document.documentElement.scrollWidth") <= width
            browser.check_looks(WIDE, "article svg text, article svg tspan, article .badge")
    root = Path(str(SITE)).resolve().as_uri()
    requested = [address for address in browser.requested() if not address.startswith("data:")]
    assert requested
    assert [address for address in requested if not address.startswith(root)] == []  # nothing is of a network
    assert browser.complaints() == []


def test_the_address_of_a_clause_leads_to_it(browser: Any) -> None:
    """In capitals, as reports and people write it."""
    browser.show()
    browser.open(f"{page('contract').resolve().as_uri()}#LL-001")
    assert browser.run("return document.querySelector(':target h3').textContent").endswith("(LL-001)¶")


def test_a_picture_has_a_name_for_those_who_do_not_see_it(browser: Any) -> None:
    """Its description contains everything that it shows."""
    open_page(browser, "index")
    named = [name for role, name in browser.accessible() if role in {"image", "img"} and "transformation" in name]
    assert len(named) == 1
    described = browser.run("return document.querySelector('svg.timeline desc').textContent")
    assert "✗ connection refused" in described
    assert "Converged" in described


def test_a_wide_picture_scrolls_in_its_box(browser: Any) -> None:
    """Also with the keyboard."""
    open_page(browser, "index", width=390)
    box = "const box = document.querySelector('.timeline-box:has(.timeline)');"
    wide, seen = browser.run(f"{box} return [box.scrollWidth, box.clientWidth]")
    assert wide > 700
    assert seen < 390
    assert browser.run(f"{box} box.scrollLeft = 100; return box.scrollLeft") == 100
    assert browser.run(f"{box} return box.tabIndex") == 0
