"""What plain Markdown becomes on the site: blocks of code, and pictures that know the page's colours.

On a code-hosting site the pages are read as they are, so the file or the command of a block stands before it. Here the
rest of a fence's first line, which says the same to the tests, is taken away, and an SVG becomes part of the page. What
may change here: what is done to every page.
"""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from sphinx.application import Sphinx

FENCE = re.compile(r"^( *)(`{3,})([\w-]+) ([^\n`]+)$", re.MULTILINE)
HIDDEN = re.compile(r"^<!--\n.*?^-->$", re.MULTILINE | re.DOTALL)
PICTURE = re.compile(r"^!\[([^\]]*)\]\(([\w/.-]+\.svg)\)$", re.MULTILINE)


class Dropdown(SphinxDirective):
    """A part of the page that is opened on demand: its argument stays visible, its content may be anything."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec = {"open": directives.flag}  # noqa: RUF012 - as docutils has it

    def run(self) -> list[nodes.Node]:
        """Return the parts between which the content stands."""
        inside = nodes.container()
        self.state.nested_parse(self.content, self.content_offset, inside)
        is_open = " open" if "open" in self.options else ""
        opening = f'<details class="dropdown"{is_open}><summary>{escape(self.arguments[0])}</summary>'
        return [raw(opening), *inside.children, raw("</details>")]


def raw(html: str) -> nodes.raw:
    """Return HTML as it is."""
    return nodes.raw("", html, format="html")


def plain(text: str) -> str:
    """Return a page without what is hidden, and without what a fence says beside the language of its block."""
    return FENCE.sub(r"\1\2\3", HIDDEN.sub("", text))


def pictures(text: str, folder: Path) -> str:
    """Return a page with its SVGs inside."""

    def inside(match: re.Match[str]) -> str:
        svg = (folder / match[2]).read_text(encoding="utf-8").strip()
        box = f'<div class="timeline-box" role="region" tabindex="0" aria-label="{escape(match[1])}">'
        return f"```{{raw}} html\n{box}{svg}</div>\n```"

    return PICTURE.sub(inside, text)


def _read(app: Sphinx, name: str, source: list[str]) -> None:
    folder = Path(app.env.doc2path(name)).parent
    source[0] = pictures(plain(source[0]), folder)


def setup(app: Sphinx) -> dict[str, Any]:
    """Let it see every page before it is parsed, after those that make pages."""
    app.add_directive("dropdown", Dropdown)
    app.connect("source-read", _read, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
