"""The browser, and one page that holds everything a page can hold."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from selenium import webdriver

from dirac_failover.conformance.results import (
    BROKEN,
    CONFORMS,
    DIVERGES,
    HELD,
    NOT_ASKED,
    ClauseResult,
    Header,
    Known,
    Minimal,
    PortInfo,
    Results,
)
from dirac_failover.reports import html_page
from dirac_failover.reports.matrix import Matrix
from dirac_failover.spec.clauses import CLAUSES

if TYPE_CHECKING:
    from collections.abc import Iterator

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip
OVERFLOWING = """
const [ignored] = arguments, wide = document.documentElement.clientWidth;
return [...document.querySelectorAll("body *")].filter(element => element.checkVisibility()
  && !element.closest(ignored) && getComputedStyle(element).position !== "fixed"
  && !(wide < 700 && element.closest("thead")) && element.getBoundingClientRect().right > wide + 1)
  .map(element => element.outerHTML.slice(0, 100));
"""
CONTRAST = """
const [selector, ignored] = arguments;
const parse = text => text.match(/[\\d.]+/g).map(Number);
const light = colour => {
  const [x, y, z] = colour.slice(0, 3).map(v => v / 255)
    .map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
  return .2126 * x + .7152 * y + .0722 * z;
};
const behind = element => {
  for (; element; element = element.parentElement) {
    const colour = parse(getComputedStyle(element).backgroundColor);
    if (colour.length === 3 || colour[3] === 1) return colour;
  }
  return [255, 255, 255];
};
const found = {};
for (const element of document.querySelectorAll(selector)) {
  const says = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
  if (!says || !element.checkVisibility() || element.closest(ignored)) continue;
  const style = getComputedStyle(element), svg = element.closest("svg");
  const back = behind(element), fore = parse(svg ? style.fill : style.color);
  const alpha = svg ? Number(style.fillOpacity) : 1;
  const seen = fore.slice(0, 3).map((v, i) => alpha * v + (1 - alpha) * back[i]);
  const [a, b] = [light(seen), light(back)].sort((x, y) => y - x);
  if ((a + .05) / (b + .05) < 4.5) found[`${element.tagName} ${element.className.baseVal ?? element.className}`] = a;
}
return found;
"""


class Tab(webdriver.Chrome):
    """One tab of a headless Chromium; ``run`` executes the body of a JavaScript function in its page."""

    run = webdriver.Chrome.execute_script

    def devtools(self, command: str, **params: Any) -> Any:
        """Give a command of the DevTools protocol."""
        return self.execute_cdp_cmd(command, params)

    def open(self, page: Path | str) -> None:
        """Load a file or an address, and forget the requests before it."""
        self.requested()
        self.get(page if isinstance(page, str) else page.resolve().as_uri())

    def requested(self) -> list[str]:
        """Return the addresses that were requested since the last call."""
        entries = [json.loads(entry["message"])["message"] for entry in self.get_log("performance")]
        sent = [entry["params"] for entry in entries if entry["method"] == "Network.requestWillBeSent"]
        return [params["request"]["url"] for params in sent]

    def complaints(self) -> list[str]:
        """Return the errors and warnings of the browser's console since the last call."""
        return [entry["message"] for entry in self.get_log("browser")]

    def show(self, *, width: int = 1280, height: int = 900, dark: bool = False, media: str = "screen") -> None:
        """Choose the window's size, the colour scheme, and the medium."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.devtools("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.devtools("Emulation.setEmulatedMedia", media=media, features=[scheme])

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        webdriver.ActionChains(self, duration=0).send_keys(*keys).perform()

    def accessible(self) -> list[tuple[str, str]]:
        """Return role and name of every node that a screen reader sees."""
        nodes = self.devtools("Accessibility.getFullAXTree")["nodes"]
        return [
            (node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node.get("ignored")
        ]

    def picture(self, name: str) -> bytes:
        """Return a PNG of the visible part; the folder ``PICTURES``, if it is set, keeps it for people."""
        png = self.get_screenshot_as_png()
        if folder := os.environ.get("PICTURES"):
            Path(folder, f"{name}.png").write_bytes(png)
        return png

    def check_looks(self, wide: str, selector: str = "body *") -> None:
        """Assert that nothing but ``wide`` sticks out of the page, and that the selected elements can be read."""
        assert self.run(OVERFLOWING, wide) == []
        assert self.run(CONTRAST, selector, ".unseen, .skip, script") == {}


EVIL = "</script><script>document.title='evil'</script><img src=http://evil.invalid/x onerror=document.title='evil'>"
REFUSED = {"OK": False, "Errno": 0, "Message": "Connection refused"}
LONG = {"RequestName": "job_77_request.xml", "Operations": [{"Type": "SetFileStatus", "Arguments": "d" * 300}]}


def minimal(name: str) -> Minimal:
    """A scenario with all kinds of steps."""
    steps = (
        ["module", "_resolveInputVariables", [], None],
        ["module", "_execute", [], None],
        ["FileReport", "setFileStatus", [12, "/vo/a", "Processed"], {"OK": True, "Value": {"/vo/a": "Processed"}}],
        ["FileReport", "commit", [], REFUSED],
        ["Request", "toJSON", [], {"OK": True, "Value": LONG}],
        ["AccountingReport", "commit", [], {"exception": "RuntimeError", "args": [EVIL]}],
        ["module", "finalize", [], None],
    )
    return Minimal(
        name, {"name": name, "faults": ["transformation:down"]}, {"OK": False}, {"OK": True, "Value": EVIL}, steps
    )


def results(name: str, version: str, broken: int, known: int, error: str | None = None) -> Results:
    """A port of which every n-th clause is broken, or known to be."""
    clauses = []
    for number, clause in enumerate(CLAUSES):
        made: dict[str, Any] = {"verdict": HELD, "asked": 1000 + number}
        if error or number % 11 == 10:
            made = {"verdict": NOT_ASKED}
        elif broken and number % broken == 1:
            made |= {"verdict": BROKEN, "broken": 100 * number + 1, "minimal": minimal(f"inputs: two, number={number}")}
        elif known and number % known == 2:
            made |= {
                "verdict": BROKEN,
                "broken": number,
                "minimal": minimal(EVIL),
                "baseline": Known("by-design", EVIL),
            }
        clauses.append(ClauseResult(clause.id, clause.level, clause.text, **made))
    verdict = BROKEN if error else DIVERGES if broken else CONFORMS
    port = PortInfo(name, version, name)
    command = f"dirac-failover verify {name}"
    header = Header(
        "0.1.0", port, "dirac-9.1", "3.11.7", "Linux", "2026-01-02T03:04:05Z", command, (), "1/1", len(clauses)
    )
    return Results(header, 300_000, tuple(clauses), verdict, error)


@pytest.fixture(scope="session")
def matrix() -> Matrix:
    """Ports of every verdict, one of them hostile."""
    return Matrix.of(
        [
            ("reference 0.1.0", "reference.json", results("reference", "0.1.0", 0, 0)),
            ("DIRAC 9.1.22", "dirac.json", results("DIRAC", "9.1.22", 5, 0)),
            ("LHCbDIRAC 12.0", "lhcb.json", results("LHCbDIRAC", "12.0", 7, 6)),
            (f"my port {EVIL}"[:60], "mine.json", results("mine", "", 0, 0, error=f"no answer in 10 s {EVIL}")),
        ]
    )


@pytest.fixture(scope="session")
def pages(matrix: Matrix, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The page of all four ports, of one, and of eight."""
    folder = tmp_path_factory.mktemp("pages")
    alone = Matrix.of([(port.label, port.path, port.results) for port in matrix.ports[1:2]])
    many = Matrix.of([(f"{port.label} {n}", port.path, port.results) for n in (1, 2) for port in matrix.ports])
    made = {}
    for name, shown in (("four", matrix), ("alone", alone), ("many", many)):
        made[name] = folder / f"{name}.html"
        made[name].write_text(html_page.page(shown))
    return made


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    """One browser for all tests, with a profile of its own; the installed driver is used, and none is downloaded."""
    binary, driver = map(shutil.which, ("chromium", "chromedriver"))
    if not (binary and driver):
        pytest.skip("chromium and chromedriver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    with Tab(options, webdriver.ChromeService(executable_path=driver)) as tab:
        yield tab
