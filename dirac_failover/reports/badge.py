"""Results as a badge: an SVG picture of one line, for a README; the verdict is in its words and in its colour."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from dirac_failover.conformance.results import BROKEN, CONFORMS, DIVERGES
from dirac_failover.reports.matrix import BROKE_DOWN, KNOWN, NOTHING_ASKED
from dirac_failover.spec.facts import MODULE

if TYPE_CHECKING:
    from dirac_failover.reports.matrix import Port

LABEL: Final = "DIRAC failover"
_COLOURS: Final = {CONFORMS: "#1a7f4b", DIVERGES: "#b42318", BROKE_DOWN: "#57606a", NOTHING_ASKED: "#57606a"}
_CHARACTER: Final = 6.6
_PADDING: Final = 12


def picture(port: Port) -> str:
    """Return the badge of one port as SVG."""
    shape = port.results.header.port.shape
    texts = LABEL if shape == MODULE else f"{LABEL}, {shape}", _message(port)
    label, message = map(escape, texts)
    left_text, right_text = (round(len(text) * _CHARACTER) for text in texts)
    left, right = left_text + _PADDING, right_text + _PADDING
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" aria-label="{label}: {message}">
  <title>{label}: {message}</title>
  <clipPath id="r"><rect width="{left + right}" height="20" rx="3"/></clipPath>
  <g clip-path="url(#r)">
    <rect width="{left}" height="20" fill="#30363d"/>
    <rect x="{left}" width="{right}" height="20" fill="{_COLOURS[port.verdict]}"/>
  </g>
  <g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
    <text x="{left / 2}" y="14" textLength="{left_text}">{label}</text>
    <text x="{left + right / 2}" y="14" textLength="{right_text}">{message}</text>
  </g>
</svg>
"""


def _message(port: Port) -> str:
    counts = {BROKEN: sum(map(port.decides, port.results.clauses)), KNOWN: port.tally()[KNOWN]}
    numbers = [f"{number} {state}" for state, number in counts.items() if number]
    return port.verdict + (f": {', '.join(numbers)}" if numbers else "")
