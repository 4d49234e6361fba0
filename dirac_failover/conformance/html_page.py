"""The matrix as one page of HTML that needs nothing else: no network, no server, and hardly any script.

The table and the filters are HTML and CSS; the script counts the clauses that are shown, and opens dialogs in browsers
whose buttons do not do that by themselves. All that comes from a results file is escaped where it is put in, and the
page's own security policy lets nothing run or load that is not in the templates. What may change here: what the page
says. How it looks is in ``templates/page.css``; what is around it, in ``templates/page.html``.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Final

from dirac_failover import __version__
from dirac_failover.conformance.matrix import KNOWN, NO_VERDICT, STATES, TITLES
from dirac_failover.conformance.results import BROKEN, HELD, NOT_ASKED, UNCHECKED
from dirac_failover.conformance.steps import Moment, clean, moments

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dirac_failover.conformance.matrix import Cell, Matrix, Port, Row
    from dirac_failover.conformance.results import ClauseResult, Minimal
    from dirac_failover.spec.outcome import Json

_MARKS: Final = {
    HELD: "&#10003;", BROKEN: "&#10007;", KNOWN: "&#9679;", NOT_ASKED: "&#8211;", UNCHECKED: "?", NO_VERDICT: "&#8211;",
}  # fmt: skip
_LEVELS: Final = {
    "contract": "what a module promises to its workflow",
    "dirac": "what DIRAC does beyond that, quirks included",
    "lossless": "what nobody wants broken: nothing that is pending is lost",
}
_MANY: Final = 6
"""With more ports than this, the table scrolls sideways."""


def page(matrix: Matrix) -> str:
    """Return the matrix as a page, in ASCII."""
    css, js = _template("page.css"), _template("page.js")
    labels = [_text(port.label) for port in matrix.ports]
    number = len(matrix.rows)
    differ = sum(row.differs for row in matrix.rows)
    alone = len(matrix.ports) == 1
    compared = "" if alone else f" The ports differ on {differ}."
    made = Template(_template("page.html")).substitute(
        css=css,
        css_hash=_hash(css),
        js=js,
        js_hash=_hash(js),
        title=f"Conformance: {', '.join(labels)}",
        heading=f"Conformance of {_listed(labels)}",
        lede=f"{number} clauses of the contract of DIRAC&#8217;s failover module.{compared}",
        ports_title="Port" if alone else "Ports",
        ports="\n".join(map(_port, matrix.ports)),
        filters="\n".join(_filters(matrix)),
        shown=f"All {number} clauses are shown",
        caption="For each clause, whether it was held in all scenarios, or in how many it was broken.",
        frame=_frame(len(matrix.ports)),
        columns="".join(f'<th scope="col" role="columnheader">{label}</th>' for label in labels),
        rows="\n".join(_rows(matrix)),
        breaches=_breaches(matrix),
        tool=_text(__version__),
        files=_listed([f"<code>{_text(port.path)}</code>" for port in matrix.ports]),
    )
    return re.sub("[^\0-\x7f]", lambda found: f"&#{ord(found[0])};", made)


def _frame(ports: int) -> str:
    """Return the attributes of what is around the table: when it scrolls, that can be done with the keyboard."""
    if ports <= _MANY:
        return f'class="frame{" alone" if ports == 1 else ""}"'
    return 'class="frame wide" role="region" aria-labelledby="clauses" tabindex="0"'


def _template(name: str) -> str:
    return files("dirac_failover.conformance").joinpath(f"templates/{name}").read_bytes().decode()


def _hash(source: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}"


def _text(text: str) -> str:
    return html.escape(clean(text))


def _json(value: Json) -> str:
    return html.escape(json.dumps(value, indent=2))


def _listed(texts: list[str]) -> str:
    return " and ".join([*([", ".join(texts[:-1])] if texts[1:] else []), texts[-1]])


def _class(state: str) -> str:
    return state.replace(" ", "-")


# Ports


def _port(port: Port) -> str:
    results, header = port.results, port.results.header
    tally = port.tally()
    facts = [f"{results.scenarios:,} scenarios", f"profile {_text(results.profile)}"]
    facts += [f"{port.levels} decide"] if port.levels else []
    facts += [f"shard {_text(header.shard)}"] if header.shard != "1/1" else []
    facts += [f"Python {_text(header.python)}", _text(header.platform), _text(header.date)]
    listed = "".join(f"<li>{fact}</li>" for fact in facts)
    error = f'<p class="error">{_text(results.error)}</p>' if results.error else ""
    numbers = "".join(
        f'<div><dt class="{_class(state)}">{state}</dt><dd>{number}</dd></div>'
        for state, number in tally.items()
        if number
    )
    return (
        f'<li><h3>{_text(port.label)} <span class="verdict {_class(port.verdict)}">{port.verdict}</span></h3>{error}'
        f'{_bar(tally)}<dl class="tally">{numbers}</dl><ul class="facts">{listed}</ul>'
        f"<details><summary>Run it again</summary><code>{_text(header.command)}</code></details></li>"
    )


def _bar(tally: dict[str, int]) -> str:
    total = sum(tally.values()) or 1
    parts, start = [], 0
    for state in (HELD, KNOWN, BROKEN, UNCHECKED, NOT_ASKED, NO_VERDICT):
        if width := tally[state]:
            parts.append(f'<rect class="{_class(state)}" x="{start}" width="{width}" height="1"/>')
            start += width
    return (
        f'<svg class="bar" viewBox="0 0 {total} 1" preserveAspectRatio="none" aria-hidden="true">{"".join(parts)}</svg>'
    )


# Filters


def _filters(matrix: Matrix) -> Iterator[str]:
    levels = [(f"level-{level}", level) for level, _ in matrix.levels()]
    there = {cell.state for row in matrix.rows for cell in row.cells}
    states = [(f"state-{_class(state)}", state) for state in STATES if state in there]
    for legend, boxes in (("Level", levels), ("Verdict", states)):
        ticked = "".join(_box(id_, name, " checked") for id_, name in boxes)
        yield f"<fieldset><legend>{legend}</legend>{ticked}</fieldset>"
    if len(matrix.ports) > 1:
        yield _box("differ", "only where the ports differ")


def _box(id_: str, name: str, checked: str = "") -> str:
    return f'<label><input type="checkbox" id="{id_}" autocomplete="off"{checked}>{name}</label>'


# The table


def _rows(matrix: Matrix) -> Iterator[str]:
    number = 0
    for level, rows in matrix.levels():
        span = f'colspan="{1 + len(matrix.ports)}"'
        yield '<tbody role="rowgroup">'
        yield (
            f'<tr class="level {level}" role="row"><th {span} scope="rowgroup" role="rowheader">{TITLES[level]}'
            f"<span>{_LEVELS[level]}</span></th></tr>"
        )
        for row in rows:
            yield _row(row, number)
            number += 1
        yield "</tbody>"


def _row(row: Row, number: int) -> str:
    classes = ["clause", row.level, *sorted({f"has-{_class(cell.state)}" for cell in row.cells})]
    classes += ["differs"] if row.differs else []
    cells = "".join(
        f'<td role="cell" data-port="{_text(cell.port.label)}">{_cell(row, cell, f"breach-{number}-{column}")}</td>'
        for column, cell in enumerate(row.cells)
    )
    return (
        f'<tr class="{" ".join(classes)}" role="row"><th scope="row" role="rowheader">'
        f'<span class="id">{_text(row.id)}</span>{_text(row.text)}</th>{cells}</tr>'
    )


def _cell(row: Row, cell: Cell, id_: str) -> str:
    said = f'<span class="mark" aria-hidden="true">{_MARKS[cell.state]}</span>{cell.text}'
    if not cell.breach:
        return f'<span class="{_class(cell.state)}">{said}</span>'
    what = f'<span class="unseen"> scenarios: show the smallest of {_text(row.id)}, {_text(cell.port.label)}</span>'
    return (
        f'<button type="button" class="{cell.state}{" aside" * cell.aside}" command="show-modal" commandfor="{id_}" '
        'aria-haspopup="dialog">'
        f"{said}{what}</button>"
    )


# Breaches


def _breaches(matrix: Matrix) -> str:
    made = []
    for number, row in enumerate(matrix.rows):
        for column, cell in enumerate(row.cells):
            if cell.breach:
                made.append(_dialog(row, cell, cell.breach, f"breach-{number}-{column}"))
    return "\n".join(made)


def _dialog(row: Row, cell: Cell, clause: ClauseResult, id_: str) -> str:
    known = clause.baseline
    note = f'<p class="known-as">Known, {_text(known.kind)}: {_text(known.reason)}</p>' if known else ""
    inside = _minimal(clause.minimal) if clause.minimal else "<p>No scenario was kept.</p>"
    return (
        f'<dialog id="{id_}" class="{row.level} is-{cell.state}" aria-labelledby="{id_}-title" closedby="any">'
        f'<div class="top"><h3 id="{id_}-title"><span class="id">{_text(row.id)}</span>{_text(cell.port.label)}</h3>'
        f'<button type="button" class="close" command="close" commandfor="{id_}">Close</button></div>'
        f'<div class="inside"><p>{_text(clause.text)}</p>'
        f'<p class="verdict {cell.state}">Broken in {clause.broken:,} of {clause.asked:,} scenarios</p>'
        f"{note}{inside}</div></dialog>"
    )


def _minimal(minimal: Minimal) -> str:
    steps = "".join(f"<li {_step(moment)}</li>" for moment in moments(minimal.steps))
    return (
        f"<h4>The smallest scenario</h4><p>{_text(minimal.name)}</p>"
        f'<div class="pair"><div><h4>Expected</h4><pre tabindex="0">{_json(minimal.expected)}</pre></div>'
        f'<div><h4>Observed</h4><pre tabindex="0">{_json(minimal.observed)}</pre></div></div>'
        f'<h4>What happened</h4><ol class="timeline">{steps}</ol>'
        f'<details><summary>The scenario as JSON</summary><pre tabindex="0">{_json(minimal.scenario)}</pre>'
        "<p>Saved as a file, it can be seen in full: <code>dirac-failover run --scenario FILE</code></p></details>"
    )


def _step(moment: Moment) -> str:
    answer = f'<span class="answer">{html.escape(moment.answer)}</span>' if moment.answer else ""
    given = f'<span class="given">{html.escape(moment.given)}</span>' if moment.given else ""
    classes = " ".join(filter(None, ["hook" if moment.hook else "call", moment.kind]))
    return f'class="{classes}"><code>{html.escape(moment.name)}{given}</code>{answer}'
