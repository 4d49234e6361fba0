"""Writes ``docs/_static/measured.svg`` from the tables of ``docs/measured.md``: ``python docs/measured_picture.py``.

A test compares the two.
"""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).with_name("measured.md")
PICTURE: Final = PAGE.parent / "_static" / "measured.svg"
ROW: Final = re.compile(r"^\| (.+) \| (\d+) \| (\d+) \|$")
WIDTH, BAR, STEP, LEFT = 400, 16, 42, 4
STYLE: Final = (
    ".measured{font:13px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;color:inherit;"
    "max-width:100%;height:auto}"
    ".measured text{fill:currentColor}.measured .name{font-weight:600}.measured .number{text-anchor:end}"
    ".measured rect{fill:currentColor;fill-opacity:.08;stroke:currentColor;stroke-opacity:.35}"
    ".measured .noticed{fill:#1f7a8c;fill-opacity:1;stroke:none}"
    "@media(prefers-color-scheme:dark){svg.measured:root{color:#eee}}"
)


def tables(page: str) -> dict[str, list[tuple[str, int, int]]]:
    """Return the rows of each table by its heading: the tests, the faults that they notice, and all faults."""
    found: dict[str, list[tuple[str, int, int]]] = {}
    heading = ""
    for line in page.splitlines():
        if line.startswith("## "):
            heading = line.removeprefix("## ")
        elif row := ROW.match(line):
            found.setdefault(heading, []).append((row[1], int(row[2]), int(row[3])))
    return found


def picture(page: str) -> str:
    """Return the bars as an ``<svg>`` element."""
    parts: list[str] = []
    said: list[str] = []
    y = 4
    for heading, rows in tables(page).items():
        parts.append(f'<text class="name" x="{LEFT}" y="{y + 14}">{escape(heading)}</text>')
        y += 26
        for tests, noticed, faults in rows:
            said.append(f"{heading}: {tests} notice {noticed} of {faults}")
            length = (WIDTH - 2 * LEFT) * noticed // faults
            parts += [
                f'<text x="{LEFT}" y="{y + 12}">{escape(tests)}</text>',
                f'<text class="number" x="{WIDTH - LEFT}" y="{y + 12}">{noticed} of {faults}</text>',
                f'<rect x="{LEFT}" y="{y + 18}" width="{WIDTH - 2 * LEFT}" height="{BAR}" rx="3"/>',
                f'<rect class="noticed" x="{LEFT}" y="{y + 18}" width="{length}" height="{BAR}" rx="3"/>',
            ]
            y += STEP
        y += 10
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="measured" role="img" viewBox="0 0 {WIDTH} {y}" '
        f'width="{WIDTH}" height="{y}"><title>The faults that tests notice</title>'
        f"<desc>{escape('; '.join(said))}.</desc><style>{STYLE}</style>{''.join(parts)}</svg>\n"
    )


if __name__ == "__main__":
    PICTURE.write_text(picture(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
