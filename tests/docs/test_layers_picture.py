"""The picture of the layers is the one that the linter holds."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from xml.etree import ElementTree as ET

DOCS = Path(__file__).parents[2] / "docs"
MADE = runpy.run_path(str(DOCS / "layers_picture.py"))


def test_the_picture_is_up_to_date() -> None:
    """Its file is what its generator makes."""
    assert MADE["PICTURE"].read_text(encoding="utf-8") == MADE["picture"](), "run: python docs/layers_picture.py"


def test_every_layer_is_named_and_said() -> None:
    """From the top to the bottom, with what it is for; and nothing is said of what is no layer."""
    names = [name for row in MADE["layers"]() for name in row]
    svg = ET.fromstring(MADE["picture"]())  # noqa: S314 - it is ours
    texts = [element.text for element in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[::2] == [*names, "dirac_fakes"]
    assert all(texts[1::2])
    assert set(MADE["SAID"]) == set(names)
    boxes = svg.iter("{http://www.w3.org/2000/svg}rect")
    ends = [int(box.get("y", "")) + int(box.get("height", "")) for box in boxes]
    assert max(ends) < int(svg.get("height", ""))


def test_the_picture_loads_nothing() -> None:
    """It can stand in a page, and alone."""
    assert not re.search(r"\b(href|src|id)=|url\(|@import", MADE["picture"]())
