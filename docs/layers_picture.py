"""Writes ``docs/_static/layers.svg`` from the layers that import-linter checks: ``python docs/layers_picture.py``.

A test compares the two. With the ``pyproject.toml`` of another commit and a name, it writes the picture of that commit:
``python docs/layers_picture.py PYPROJECT layers-0.1.svg``.
"""

from __future__ import annotations

import re
import sys
import tomllib
from html import escape
from pathlib import Path
from typing import Any, Final

PROJECT: Final = Path(__file__).parents[1] / "pyproject.toml"
PICTURE: Final = Path(__file__).with_name("_static") / "layers.svg"

SAID: Final = {
    "__main__": "python -m dirac_failover",
    "cli": "the commands",
    "pytest_plugin": "the fixtures",
    "lessons": "predict, then look",
    "reports": "what people are shown",
    "conformance": "asks and judges",
    "actors": "what happens after the job",
    "drivers": "run one scenario",
    "serving": "the fakes over HTTPS",
    "testing": "what the fixtures are made of",
    "spec": "the specification",
    "lossless": "nothing is lost",
    "workflow": "modules as one job",
    "failover_request": "the end of a job",
    "module_base": "the contract",
    "clients": "what modules report through",
    "request": "what is done later",
    "wire": "encodings, one seam",
    "vocabulary": "what leaves the process",
    "log": "DIRAC's levels",
    "clock": "the time",
    "errors": "one line each",
}
STYLE: Final = (
    ".layers{--edge:.35;--fill:.05;font:13px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;"
    "color:inherit}"
    ".layers text{fill:currentColor}.layers .name{font-weight:600}.layers .said{fill-opacity:.75;font-size:12px}"
    ".layers rect{fill:currentColor;fill-opacity:var(--fill);stroke:currentColor;stroke-opacity:var(--edge)}"
    ".layers .witness{stroke-dasharray:5 4}.layers path{stroke:currentColor;fill:none;stroke-opacity:.7}"
)
# Alone, as an image, it has no page to take a colour from.
ALONE: Final = "@media(prefers-color-scheme:dark){svg.layers:root{color:#eee}}"
LEFT, WIDTH, FAKES = 5, 490, 160
HIGH, STEP = 44, 60
TITLE: Final = "The layers: each imports only what is below it"


def layers(project: Path = PROJECT) -> list[list[str]]:
    """Return the layers of a project's ``pyproject.toml`` from the top to the bottom, each with its modules."""
    linter: dict[str, Any] = tomllib.loads(project.read_text(encoding="utf-8"))["tool"]["importlinter"]
    rows = next(contract["layers"] for contract in linter["contracts"] if contract["type"] == "layers")
    return [re.findall(r"\w+", row) for row in rows]


def picture(project: Path = PROJECT) -> str:
    """Return the picture of a project's layers."""
    rows = layers(project)
    height = STEP * len(rows) + 20
    parts = [part for number, names in enumerate(rows) for part in _row(number, names)]
    top = 10 + STEP * max(number for number, names in enumerate(rows) if {"drivers", "conformance"} & {*names})
    left = LEFT + WIDTH + 45
    parts += [
        _box(left, top, FAKES, "dirac_fakes", "the in-memory DIRAC", "witness"),
        _arrow(LEFT + WIDTH, top + HIGH // 2, left - 2, top + HIGH // 2),
    ]
    described = "; ".join(" beside ".join(_known(names)) for names in rows)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="layers" role="img" viewBox="0 0 {left + FAKES + 5} {height}" '
        f'width="{left + FAKES + 5}" height="{height}"><title>{TITLE}</title>'
        f"<desc>From the top: {escape(described)}. Drivers and the layers above also import dirac_fakes, which imports "
        f"nothing of ours.</desc><style>{STYLE}{ALONE}</style>{''.join(parts)}</svg>\n"
    )


def _known(names: list[str]) -> list[str]:
    return [f"{name} ({SAID[name]})" if name in SAID else name for name in names]


def _row(number: int, names: list[str]) -> list[str]:
    y = 10 + STEP * number
    wide = (WIDTH - 12 * (len(names) - 1)) // len(names)
    boxes = [
        _box(LEFT + place * (wide + 12), y, wide, name, SAID.get(name, ""), "witness" if name == "spec" else "")
        for place, name in enumerate(names)
    ]
    middle = LEFT + WIDTH // 2
    return boxes + ([_arrow(middle, y - STEP + HIGH, middle, y - 2)] if number else [])


def _box(x: int, y: int, width: int, name: str, said: str, kind: str) -> str:  # noqa: PLR0913, PLR0917 - a shape
    middle = x + width // 2
    return (
        f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{HIGH}" rx="6"/>'
        f'<text class="name" x="{middle}" y="{y + 19}" text-anchor="middle">{escape(name)}</text>'
        f'<text class="said" x="{middle}" y="{y + 35}" text-anchor="middle">{escape(said)}</text>'
    )


def _arrow(x1: int, y1: int, x2: int, y2: int) -> str:
    head = "m-4 -5l4 5l4 -5" if x1 == x2 else "m-5 -4l5 4l-5 4"
    return f'<path d="M{x1} {y1}L{x2} {y2}{head}"/>'


if __name__ == "__main__":
    given, name = map(Path, sys.argv[1:] or (PROJECT, PICTURE.name))
    PICTURE.with_name(name.name).write_text(picture(given), encoding="utf-8")
