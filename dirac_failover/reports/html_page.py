"""The matrix as one page of HTML that needs nothing else: no network, no server, and hardly any script.

The table and the filters are HTML and CSS; the script counts the clauses that are shown, and opens dialogs in browsers
whose buttons do not do that by themselves. Jinja2 fills ``templates/page.html`` and escapes all that comes from a
results file; the page's own security policy lets nothing run or load that is not in the templates.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from dirac_failover import __version__
from dirac_failover.conformance.results import BROKEN, HELD, NOT_ASKED, UNCHECKED
from dirac_failover.reports.matrix import KNOWN, NO_VERDICT, STATES, TITLES
from dirac_failover.reports.trace import call_to_text, clean, steps

if TYPE_CHECKING:
    from dirac_failover.reports.matrix import Matrix, Row

_MARKS: Final = {HELD: "✓", BROKEN: "✗", KNOWN: "●", NOT_ASKED: "–", UNCHECKED: "?", NO_VERDICT: "–"}  # noqa: RUF001
_LEVELS: Final = {
    "contract": "what a module promises to its workflow",
    "dirac": "what DIRAC does beyond that, quirks included",
    "lossless": "beyond DIRAC: nothing that is pending is lost",
}


def page(matrix: Matrix) -> str:
    """Return the matrix as a page, in ASCII."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    def plain(value: Any) -> Any:
        return clean(value) if type(value) is str else value

    jinja = Environment(
        loader=PackageLoader("dirac_failover.reports"), autoescape=True, undefined=StrictUndefined, finalize=plain,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    jinja.filters |= {
        "css": lambda state: state.replace(" ", "-"),
        "calls": lambda listed: [(call, call_to_text(call)) for call in steps(listed)],
        "policy": _policy,
        "pretty": lambda value: Markup.escape(json.dumps(value, indent=2)),
    }
    css, js = (Markup(jinja.get_template(name).render()) for name in ("page.css", "page.js"))  # noqa: S704 - they are ours
    ids = [row.id for row in matrix.rows]

    def id_(row: Row, column: int) -> str:
        return f"breach-{ids.index(row.id)}-{column}"

    made = jinja.get_template("page.html").render(
        ports=matrix.ports,
        rows=matrix.rows,
        levels=[*matrix.levels()],
        states=[state for state in STATES if any(cell.state == state for row in matrix.rows for cell in row.cells)],
        bar=(HELD, KNOWN, BROKEN, UNCHECKED, NOT_ASKED, NO_VERDICT),
        marks=_MARKS,
        titles=TITLES,
        meanings=_LEVELS,
        id=id_,
        css=css,
        js=js,
        tool=__version__,
    )
    return made.encode("ascii", "xmlcharrefreplace").decode()


def _policy(source: str) -> str:
    """Return the hash by which a security policy names a script or a style sheet."""
    return f"sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}"
