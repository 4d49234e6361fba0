"""The page of the contract, on the site: each clause gets its ID as an anchor, its level, and its timeline.

The page itself is ``docs/contract.md``, made by ``docs/contract_page.py``, and can be read without this. What may
change here: what the site adds to a clause.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from docutils import nodes

from dirac_failover.spec.clauses import CLAUSES

if TYPE_CHECKING:
    from sphinx.application import Sphinx

PAGE = "contract"
HEADING = re.compile(r"^### ([A-Z]{2}-\d{3})\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
LEVELS = {clause.id: clause.level for clause in CLAUSES}
NOTES = {clause.id: f"hazard {clause.note}" if clause.note.startswith("H") else clause.note for clause in CLAUSES}


def enriched(text: str) -> str:
    """Return the page with a badge and a timeline for each clause."""

    def clause(match: re.Match[str]) -> str:
        name, body = match[1], match[2].rstrip("\n")
        level, note = LEVELS[name], NOTES[name]
        badge = f'<span class="badge {level}">{level}</span>'
        badge += f' <span class="badge note">{note}</span>' if note else ""
        return f"### {name}\n\n{badge}\n{body}\n\n```{{timeline}} {name}\n:folded:\n```\n\n"

    return HEADING.sub(clause, text)


def _read(_app: Sphinx, name: str, source: list[str]) -> None:
    if name == PAGE:
        source[0] = enriched(source[0])


def _anchored(app: Sphinx, doctree: nodes.document) -> None:
    """Let ``#CO-001`` lead to the clause, as ``#co-001`` does."""
    if app.env.docname == PAGE:
        for section in doctree.findall(nodes.section):
            if section.children[0].astext() in LEVELS:
                section["ids"].insert(0, section.children[0].astext())


def setup(app: Sphinx) -> dict[str, Any]:
    """Let it see the page before and after it is parsed."""
    app.connect("source-read", _read)
    app.connect("doctree-read", _anchored, priority=100)  # before the table of contents is made
    return {"parallel_read_safe": True, "parallel_write_safe": True}
