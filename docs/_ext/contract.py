"""The pages of the contract and of the algorithm, on the site: anchors for clauses and steps, and timelines of clauses.

The pages themselves are made by ``docs/contract_page.py`` and ``docs/algorithm_page.py``, and can be read without this.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from docutils import nodes

from dirac_failover.spec.clauses import CLAUSES

if TYPE_CHECKING:
    from sphinx.application import Sphinx

HEADING = re.compile(
    r"^<a id=[^\n]*\n\n### ([^\n]+) \(([A-Z]{2}-\d{3})\)\n(.*?)(?=^<a id|^##|\Z)", re.MULTILINE | re.DOTALL
)
STEP = re.compile(r"^- \*\*([A-Z]{1,2})\.(\d+)\*\*", re.MULTILINE)
LINK = re.compile(r"\[([A-Z]{1,2})\.(\d+)\]\(([\w.]*)#[\w-]+\)")
CLAUSE = {clause.id: clause for clause in CLAUSES}


def enriched(text: str) -> str:
    """Return the contract with a badge and a timeline for each clause."""

    def clause(match: re.Match[str]) -> str:
        title, name, body = match[1], match[2], match[3].rstrip("\n")
        level, note = CLAUSE[name].level, CLAUSE[name].note
        badge = f'<span class="badge {level}">{level}</span>'
        note = f"hazard {note}" if note.startswith("H") else note
        badge += f' <span class="badge note">{note}</span>' if note else ""
        return (
            f"({name.lower()})=\n\n### {title} ({name})\n\n{badge}\n{body}\n\n```{{timeline}} {name}\n:folded:\n```\n\n"
        )

    return HEADING.sub(clause, text)


def _read(_app: Sphinx, name: str, source: list[str]) -> None:
    if name == "contract":
        source[0] = enriched(source[0])
    if name in {"contract", "algorithm"}:
        text = STEP.sub(r"- (\1-\2)=\n\n  **\1.\2**", source[0])
        source[0] = LINK.sub(lambda match: f"[{match[1]}.{match[2]}]({match[3]}#{match[1].lower()}-{match[2]})", text)


def _anchored(app: Sphinx, doctree: nodes.document) -> None:
    """Let ``#CO-001`` lead to the clause, as ``#co-001`` does."""
    if app.env.docname == "contract":
        for section in doctree.findall(nodes.section):
            name = section.children[0].astext()[-7:-1]
            if name in CLAUSE:
                section["ids"].insert(0, name)


def setup(app: Sphinx) -> dict[str, Any]:
    """Let it see the page before and after it is parsed."""
    app.connect("source-read", _read)
    app.connect("doctree-read", _anchored, priority=100)  # before the table of contents is made
    return {"parallel_read_safe": True, "parallel_write_safe": True}
