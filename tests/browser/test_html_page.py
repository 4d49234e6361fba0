"""The page as people see, hear and print it, in Chromium."""

from __future__ import annotations

import base64
import re
import struct
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from selenium.webdriver.common.keys import Keys

if TYPE_CHECKING:
    from pathlib import Path

    from dirac_failover.reports.matrix import Matrix

pytestmark = pytest.mark.ci


ROWS = """
return [...document.querySelectorAll("tr.clause")].map(row => [
  row.querySelector(".id").textContent,
  [...row.querySelectorAll("td")].map(cell => cell.innerText.trim().replace(/^[^a-z]+/, "").split("\\n")[0])
]);
"""
VISIBLE = """
return [...document.querySelectorAll("tr.clause")].filter(row => row.checkVisibility())
  .map(row => row.querySelector(".id").textContent);
"""
WIDE = ".unseen, .skip, .frame.wide, svg"


def pixels(png: bytes) -> tuple[int, int, bytes]:
    """Width, height, and the first pixel of a PNG."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    data, at = b"", 8
    while at < len(png):
        (size,) = struct.unpack(">I", png[at : at + 4])
        data += png[at + 8 : at + 8 + size] if png[at + 4 : at + 8] == b"IDAT" else b""
        at += size + 12
    return width, height, zlib.decompress(data)[1:4]


@pytest.fixture
def page(browser: Any, pages: dict[str, Path]) -> Any:
    """The page of four ports, as on a desk, in light."""
    browser.show()
    browser.open(pages["four"])
    return browser


@pytest.mark.parametrize("name", ["four", "alone", "many"])
def test_nothing_is_loaded_and_nothing_is_wrong(browser: Any, pages: dict[str, Path], name: str) -> None:
    """One request, for the file itself; no complaint of the browser, not even of the page's own security policy."""
    browser.show()
    browser.open(pages[name])
    browser.run("for (const dialog of document.querySelectorAll('dialog')) { dialog.showModal(); dialog.close(); }")
    assert browser.requested() == [pages[name].resolve().as_uri()]
    assert browser.complaints() == []
    assert browser.run("return performance.getEntriesByType('resource').length") == 0
    assert browser.run("return document.compatMode") == "CSS1Compat"


def test_nothing_of_a_hostile_file_runs(page: Any) -> None:
    """The title is still the page's, and there is one script."""
    assert page.run("return document.title").startswith("Conformance: reference 0.1.0")
    assert page.run("return document.querySelectorAll('script, img, iframe, object').length") == 1
    assert page.run("return document.querySelector('.error').textContent").endswith("onerror=document.title='evil'>")


def test_the_numbers_are_those_of_the_results(page: Any, matrix: Matrix) -> None:
    """Every cell, every tally."""
    assert page.run(ROWS) == [[row.id, [cell.text for cell in row.cells]] for row in matrix.rows]
    tallies = page.run("""
        return [...document.querySelectorAll(".ports > li")].map(port => Object.fromEntries(
          [...port.querySelectorAll(".tally > div")].map(item =>
            [item.querySelector("dt").textContent, Number(item.querySelector("dd").textContent)])));
    """)
    assert tallies == [{state: n for state, n in port.tally().items() if n} for port in matrix.ports]
    for port, tally in zip(matrix.ports, tallies, strict=True):
        deciding = [item.verdict for item in port.results.clauses if item.level in port.results.header.levels]
        if port.results.error is None:
            assert tally.get("held", 0) == deciding.count("held")
            assert tally.get("not asked", 0) == deciding.count("not asked")
            assert tally.get("broken", 0) + tally.get("known", 0) == deciding.count("broken")


def tick(page: Any, *ids: str) -> None:
    for id_ in ids:
        page.run(f"document.getElementById('{id_}').click()")


def test_the_filters_show_what_is_ticked(page: Any, matrix: Matrix) -> None:
    """By level, by verdict, and by difference; the number that is shown is said."""
    everything = [row.id for row in matrix.rows]
    shown = "return document.getElementById('shown').textContent"
    assert page.run(VISIBLE) == everything
    assert page.run(shown) == f"All {len(everything)} clauses are shown"
    tick(page, "level-contract", "level-dirac")
    lossless = [row.id for row in matrix.rows if row.level == "lossless"]
    assert page.run(VISIBLE) == lossless
    assert page.run(shown) == f"{len(lossless)} of {len(everything)} clauses are shown"
    tick(page, "level-contract", "level-dirac", "state-held", "state-not-asked", "state-no-verdict")
    breached = [row.id for row in matrix.rows if any(cell.breach for cell in row.cells)]
    assert page.run(VISIBLE) == breached
    tick(page, "state-broken")
    known = [row.id for row in matrix.rows if any(cell.state == "known" for cell in row.cells)]
    assert page.run(VISIBLE) == known
    tick(page, "state-known")
    assert page.run(VISIBLE) == []
    assert page.run(shown) == f"0 of {len(everything)} clauses are shown"


def test_only_where_the_ports_differ(browser: Any, pages: dict[str, Path], matrix: Matrix) -> None:
    """Clauses on which all agree are left out."""
    browser.open(pages["four"])
    tick(browser, "differ")
    assert browser.run(VISIBLE) == [row.id for row in matrix.rows if row.differs]
    browser.open(pages["alone"])
    assert browser.run("return document.getElementById('differ')") is None


def test_the_filters_work_without_script(browser: Any, pages: dict[str, Path], matrix: Matrix) -> None:
    """They are CSS, and dialogs are opened by their buttons."""
    browser.devtools("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(pages["four"])
        browser.run("document.getElementById('level-dirac').click(); document.querySelector('td button').click()")
        assert browser.run(VISIBLE) == [row.id for row in matrix.rows if row.level != "dirac"]
        assert browser.run("return document.querySelectorAll('dialog[open]').length") == 1
    finally:
        browser.devtools("Emulation.setScriptExecutionDisabled", value=False)


def test_an_older_browser_opens_dialogs_by_script(browser: Any, pages: dict[str, Path], tmp_path: Path) -> None:
    """One that does not know the attribute ``command``."""
    script = browser.devtools(
        "Page.addScriptToEvaluateOnNewDocument",
        source="delete HTMLButtonElement.prototype.commandForElement",
    )
    try:
        page = tmp_path / "old.html"
        page.write_text(pages["four"].read_text().replace(' command="show-modal"', ' command="--none"'))
        browser.open(page)
        assert browser.run("return 'commandForElement' in HTMLButtonElement.prototype") is False
        browser.run("document.querySelector('td button .mark').click()")
        assert browser.run("return document.querySelectorAll('dialog[open]:modal').length") == 1
        browser.run("document.querySelector('dialog[open] .close').click()")
        assert browser.run("return document.querySelectorAll('dialog[open]').length") == 0
        browser.run("document.querySelector('h1').click()")
    finally:
        browser.complaints()  # it did know the attribute, after all
        browser.devtools("Page.removeScriptToEvaluateOnNewDocument", identifier=script["identifier"])


def test_everything_is_reached_with_the_keyboard(page: Any) -> None:
    """The first thing is the way past the filters; a dialog is opened, left, and leaves the focus where it was."""
    focused = "return document.activeElement.className || document.activeElement.id || document.activeElement.tagName"
    page.press(Keys.TAB)
    assert page.run(focused) == "skip"
    assert page.run("return document.activeElement.getBoundingClientRect().top") >= 0
    page.press(Keys.ENTER)
    assert page.run(focused) == "clauses"
    page.press(Keys.TAB)
    assert page.run(focused) == "level-contract"
    assert page.run("return getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.press(Keys.SPACE)
    assert page.run("return document.activeElement.checked") is False
    page.press(Keys.SPACE, *[Keys.TAB] * 9)
    assert page.run(focused) == "broken"
    page.press(Keys.ENTER)
    assert page.run("return document.querySelector('dialog:modal').contains(document.activeElement)") is True
    assert page.run(focused) == "close"
    page.press(Keys.ESCAPE)
    assert page.run("return document.querySelector('dialog[open]')") is None
    assert page.run(focused) == "broken"
    page.press(Keys.ENTER, Keys.ENTER)
    assert page.run("return document.querySelector('dialog[open]')") is None


def test_a_screen_reader_finds_a_table(page: Any, matrix: Matrix) -> None:
    """With headers and cells, on a desk and on a phone; buttons and dialogs have names."""
    for width in (1280, 360):
        page.show(width=width)
        seen = page.accessible()
        roles = [role for role, _ in seen]
        names = [name for role, name in seen if role == "rowheader"]
        assert roles.count("table") == 1
        assert roles.count("columnheader") == 1 + len(matrix.ports)
        assert len(names) == len(matrix.rows) + 3
        assert names[1] == f"{matrix.rows[0].id}{matrix.rows[0].text}"
        assert roles.count("cell") == len(matrix.rows) * len(matrix.ports)
        buttons = [name for role, name in seen if role == "button"]
        assert len(buttons) == sum(bool(cell.breach) for row in matrix.rows for cell in row.cells)
        assert "broken 101 of 1,001 scenarios: show the smallest of CO-002, DIRAC 9.1.22" in buttons
        title, ports, *_ = [name for role, name in seen if role == "heading"]
        assert title.startswith("Conformance of reference 0.1.0, DIRAC 9.1.22, LHCbDIRAC 12.0 and my port")
        assert ports == "Ports"
        assert "All" in next(name for role, name in seen if role == "StaticText" and "clauses are shown" in name)
    page.show()
    page.run("document.querySelector('td button').click()")
    assert ("dialog", "CO-002 DIRAC 9.1.22") in [
        (role, name.replace("002D", "002 D")) for role, name in page.accessible()
    ]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360], ids=["desk", "phone"])
@pytest.mark.parametrize("name", ["four", "alone", "many"])
def test_it_looks_as_it_should(browser: Any, pages: dict[str, Path], name: str, width: int, dark: bool) -> None:
    """In both colour schemes and at both widths nothing sticks out, and all text can be read."""
    browser.show(width=width, dark=dark)
    browser.open(pages[name])
    scheme = "dark" if dark else "light"
    wide, high, pixel = pixels(browser.picture(f"{name}-{width}-{scheme}"))
    assert (wide, high) == (width, 900)
    assert (sum(pixel) < 3 * 64) is dark
    assert browser.run("return document.documentElement.scrollWidth") <= width
    browser.check_looks(WIDE)
    browser.run("document.querySelector('table').scrollIntoView()")
    browser.picture(f"{name}-{width}-{scheme}-table")
    browser.run("document.querySelector('td button').click()")
    browser.picture(f"{name}-{width}-{scheme}-dialog")
    browser.check_looks(WIDE)
    dialog = "const d = document.querySelector('dialog[open]'); return [d.scrollWidth - d.clientWidth, d.offsetWidth]"
    sideways, broad = browser.run(dialog)
    assert sideways == 0
    assert broad <= width


def test_it_prints(page: Any, matrix: Matrix) -> None:
    """On paper there are no filters and no buttons to press; the scenario of each breach follows the table."""
    printed = base64.b64decode(page.print_page())
    assert printed.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) > 3
    page.show(width=800, media="print", dark=True)
    page.picture("print")
    breaches = len(list(matrix.breaches()))
    visible = "return [...document.querySelectorAll('{}')].filter(one => one.checkVisibility()).length"
    assert page.run(visible.format("dialog")) == breaches
    for gone in (".filters", ".close", ".skip", ".inside > details"):
        assert page.run(visible.format(gone)) == 0
    assert page.run("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.check_looks(WIDE)
    tick(page, "state-known", "level-contract")
    kept = [row.id for row, port, clause in matrix.breaches() if not clause.baseline and row.level != "contract"]
    assert page.run(visible.format("dialog")) == len(kept)
