"""A headless Chromium, driven through chromedriver with nothing but the standard library."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import tempfile
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BROWSER = shutil.which("chromium")
DRIVER = shutil.which("chromedriver")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip
TAB, ENTER, ESCAPE, SPACE = "\ue004", "\ue007", "\ue00c", " "


class Tab:
    """One tab of the browser."""

    def __init__(self, address: str) -> None:
        """``address`` is where its session is found."""
        self._address = address

    def ask(self, path: str, body: dict[str, Any] | None = None, method: str = "POST") -> Any:
        """Ask chromedriver for something."""
        return ask(f"{self._address}/{path}", body, method)

    def devtools(self, command: str, **params: Any) -> Any:
        """Give a command of the DevTools protocol."""
        return self.ask("goog/cdp/execute", {"cmd": command, "params": params})

    def run(self, script: str, *args: Any) -> Any:
        """Run the body of a function in the page."""
        return self.ask("execute/sync", {"script": script, "args": args})

    def open(self, path: Path) -> None:
        """Load a file, and forget what was requested before."""
        self.requested()
        self.ask("url", {"url": path.resolve().as_uri()})

    def requested(self) -> list[str]:
        """Return the addresses that were requested since this was last asked, other than for the driver itself."""
        entries = [json.loads(entry["message"])["message"] for entry in self.ask("se/log", {"type": "performance"})]
        sent = [e["params"] for e in entries if e["method"] == "Network.requestWillBeSent"]
        return [params["request"]["url"] for params in sent]

    def complaints(self) -> list[str]:
        """Return what the browser has to complain about since this was last asked."""
        return [entry["message"] for entry in self.ask("se/log", {"type": "browser"})]

    def show(self, *, width: int = 1280, height: int = 900, dark: bool = False, media: str = "screen") -> None:
        """Choose the window's size, the colour scheme, and the medium."""
        self.devtools(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.devtools("Emulation.setEmulatedMedia", media=media, features=[scheme])

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self.ask("actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def picture(self, *, whole: bool = False) -> bytes:
        """Return a PNG of what is seen, or of the whole page."""
        data = self.devtools("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
        return base64.b64decode(data)

    def printed(self) -> bytes:
        """Return the page as it is printed."""
        return base64.b64decode(self.devtools("Page.printToPDF")["data"])

    def accessible(self) -> list[tuple[str, str]]:
        """Return role and name of everything that a screen reader sees."""
        nodes = self.devtools("Accessibility.getFullAXTree")["nodes"]
        return [
            (node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node.get("ignored")
        ]


def ask(address: str, body: dict[str, Any] | None = None, method: str = "POST") -> Any:
    """Send one WebDriver command and return its value."""
    data = None if method != "POST" else json.dumps(body or {}).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"}, method=method)  # noqa: S310
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
        return json.load(answer)["value"]


@contextmanager
def browser() -> Iterator[Tab]:
    """Start a browser with a profile of its own; end both afterwards."""
    assert DRIVER
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
        subprocess.Popen([DRIVER, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as driver,
    ):
        assert driver.stdout
        try:
            line = next(line for line in driver.stdout if "started successfully on port" in line)
            server = f"http://127.0.0.1:{line.rstrip().rstrip('.').split()[-1]}"
            options = {"binary": BROWSER, "args": [*FLAGS, f"--user-data-dir={profile}"]}
            wanted = {
                "browserName": "chrome",
                "goog:chromeOptions": options,
                "goog:loggingPrefs": {"performance": "ALL", "browser": "ALL"},
            }
            session = ask(f"{server}/session", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]
            try:
                yield Tab(f"{server}/session/{session}")
            finally:
                ask(f"{server}/session/{session}", method="DELETE")
        finally:
            driver.terminate()
