"""The page about the space says what the tables say."""

from __future__ import annotations

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[3] / "docs"


def test_the_page_about_the_space_is_what_its_tables_say():
    """The copy in the repository is what the generator makes now."""
    generator = runpy.run_path(str(DOCS / "space_page.py"))
    assert (DOCS / "space.md").read_text(encoding="utf-8") == generator["page"](), "run: python docs/space_page.py"
