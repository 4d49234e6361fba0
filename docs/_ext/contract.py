"""The pages of the contract and of the algorithm, on the site: anchors for clauses and steps, and timelines of clauses.

On every page, and in every docstring, the number of a hazard leads to its section.

The pages themselves are made by ``docs/contract_page.py`` and ``docs/algorithm_page.py``, and can be read without this.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from docutils import nodes

from dirac_failover.lessons.hazards import hazards
from dirac_failover.spec.clauses import CLAUSES

if TYPE_CHECKING:
    from sphinx.application import Sphinx

HEADING = re.compile(
    r"^<a id=[^\n]*\n\n### ([^\n]+) \(([A-Z]{2}-\d{3})\)\n(.*?)(?=^<a id|^##|\Z)", re.MULTILINE | re.DOTALL
)
STEP = re.compile(r"^- \*\*([A-Z]{1,2})\.(\d+)\*\*", re.MULTILINE)
LINK = re.compile(r"\[([A-Z]{1,2})\.(\d+)\]\(([\w.]*)#[\w-]+\)")
CLAUSE = {clause.id: clause for clause in CLAUSES}
HAZARD = re.compile(r"\b(H[1-9]\d?)\b")


def _noted(note: str) -> str:
    if note not in hazards():
        return note
    return f'<a href="{hazards()[note].place.replace(".md", ".html")}">hazard {note}</a>'


def enriched(text: str) -> str:
    """Return the contract with a badge and a timeline for each clause."""

    def clause(match: re.Match[str]) -> str:
        title, name, body = match[1], match[2], match[3].rstrip("\n")
        level, note = CLAUSE[name].level, CLAUSE[name].note
        badge = f'<span class="badge {level}">{level}</span>'
        badge += f' <span class="badge note">{_noted(note)}</span>' if note else ""
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


def _cited(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Let the number of a hazard lead to its section."""
    if page == "hazards":
        return
    for text in list(doctree.findall(nodes.Text)):
        parts = HAZARD.split(text.astext())
        within = text.parent
        while within is not None and not isinstance(within, nodes.reference | nodes.title | nodes.FixedTextElement):
            within = within.parent
        if within is None and not set(parts[1::2]) - set(hazards()) and len(parts) > 1:
            text.parent.replace(
                text, [_linked(app, page, part) if i % 2 else nodes.Text(part) for i, part in enumerate(parts)]
            )


def _linked(app: Sphinx, page: str, name: str) -> nodes.reference:
    place = app.builder.get_relative_uri(page, "hazards") + "#" + hazards()[name].place.partition("#")[2]
    return nodes.reference("", name, refuri=place, internal=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """Let it see the page before and after it is parsed."""
    app.connect("source-read", _read)
    app.connect("doctree-read", _anchored, priority=100)  # before the table of contents is made
    app.connect("doctree-resolved", _cited)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
