"""The timeline as a picture: the report of ``run`` as one SVG element, to stand in a page or alone.

Three lanes, for the module, its collaborators and the services; time goes down, and a call is an arrow from the lane of
its caller. It reads the report that ``run --json`` prints and nothing else, and says it in the words of the text
timeline. The texts take the page's colour; what a page may set are the custom properties in ``_STYLE``. What may change
here: how things look.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final, NamedTuple

from dirac_failover.drivers.describe import count, describe
from dirac_failover.reports.terminal import Style
from dirac_failover.reports.timeline import end_of, varying, verdict
from dirac_failover.reports.trace import Answer, call_to_text, failed, ignored, well
from dirac_failover.spec.observation import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dirac_failover.actors.report import RunReport
    from dirac_failover.spec.observation import Call

LANES: Final = {"module": 14, "collaborators": 96, "services": 212}
"""Where the line of each lane is."""
_LEFT: Final = tuple(LANES.values())
_WIDTH: Final = 710
_ROW: Final = 20
_TOP: Final = 44
_LETTER: Final = 7.25
_INDENT: Final = 14
_PAD: Final = 8
"""Between a lane and a text."""
_STYLE: Final = (
    ".timeline{--bad:#b3261e;--good:#1b7032;--faint:.72;font:12px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',"
    "monospace;color:inherit}"
    "@media(prefers-color-scheme:dark){.timeline{--bad:#ff8f85;--good:#7fd495}}"
    ".timeline text{fill:currentColor;white-space:pre}.timeline .red{fill:var(--timeline-bad,var(--bad))}"
    ".timeline .green{fill:var(--timeline-good,var(--good))}.timeline .dim{fill-opacity:var(--faint)}"
    ".timeline .bold{font-weight:700}.timeline path,.timeline line{stroke:currentColor;fill:none}"
    ".timeline path{stroke-opacity:.6}.timeline .lane{stroke-opacity:.25;stroke-dasharray:2 4}"
    ".timeline .bar{fill:currentColor;stroke:none}"
    ".timeline .bar.red{fill:var(--timeline-bad,var(--bad))}"
)
_PLAIN: Final = Style()


class _Line(NamedTuple):
    """A row: where its text begins, the text, what came of it, and from where an arrow comes, if any does."""

    left: int
    text: str
    answer: Answer | None = None
    caller: int | None = None
    weight: str = ""


class _Bar(NamedTuple):
    """How long a call took: from one row to another."""

    left: int
    first: int
    last: int
    colour: str


def draw(report: RunReport, *, title: str | None = None) -> str:
    """Return the report of ``run`` as an ``<svg>`` element.

    ``title`` is its name for those who cannot see it (default: the faults of the scenario). All that it shows is in its
    description too. It loads nothing and has no IDs, so that many of them can stand in one page.
    """
    lines: list[_Line] = []
    bars: list[_Bar] = []
    unheeded = [call for _, call in ignored(report.calls, report.result)]
    _calls(report.calls, None, lines, bars, unheeded)
    if end := end_of(report):
        lines.append(_Line(_LEFT[0], "execute", end, weight="bold"))
    told = len(lines)
    lines += [_Line(_LEFT[0], note) for note in varying(line.text for line in lines)]
    lines += [_Line(_LEFT[0], ""), *_rest(report)]
    height = _y(len(lines) - 1) + 10
    lanes = [
        f'<text x="{left - 6}" y="16" class="bold">{name}</text>'
        f'<line class="lane" x1="{left}" x2="{left}" y1="24" y2="{_y(told) - _ROW // 2}"/>'
        for name, left in LANES.items()
    ]
    drawn = [_bar(bar) for bar in bars] + [_line(number, line) for number, line in enumerate(lines)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="timeline" role="img" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" height="{height}"><title>{_clean(title or _title(report))}</title>'
        f"<desc>{_clean('; '.join(filter(None, map(_said, lines))))}</desc><style>{_STYLE}</style>"
        f"{''.join(lanes + drawn)}</svg>\n"
    )


def _title(report: RunReport) -> str:
    faults = report.scenario.faults
    return f"The end of a job, with {', '.join(faults)}" if faults else "The end of a job"


def _calls(
    calls: Sequence[Call], caller: int | None, lines: list[_Line], bars: list[_Bar], unheeded: Sequence[Call]
) -> None:
    """Add the calls that the one at ``caller`` makes; the answer of a call that makes others comes after them."""
    for call in calls:
        lane = [*Kind].index(call.kind)
        left = _LEFT[lane]
        if caller is not None and left <= caller < (*_LEFT, _WIDTH)[lane + 1]:
            left = caller + _INDENT
        maker = caller if caller is not None or lane == 0 else _LEFT[0]
        name, brackets, answer = call_to_text(call, _PLAIN, unheeded)
        text = name + brackets
        first = len(lines)
        beside, below = answer, None
        if answer and (call.calls or not _fits(left, text, answer)):
            beside, below = None, answer._replace(text=answer.text.removesuffix(":"))  # what it announces is above it
        lines.append(_Line(left, text, beside, maker, "bold" if lane == 0 else ""))
        _calls(call.calls, left, lines, bars, unheeded)
        if below:
            lines.append(_Line(left, "", below))
        bars.append(_Bar(left, first, len(lines) - 1, answer[2] if answer else ""))


def _rest(report: RunReport) -> Iterator[_Line]:
    """Yield what is left: the file, its operations, and what came of it all in the end."""
    left = _LEFT[0]
    listed = report.request["Operations"] if report.request else []
    operations = [f"{number}. {describe(item)}" for number, item in enumerate(listed, 1)]
    written = [name for name in report.files if name.endswith("_request.json")]
    for name in written:
        yield _Line(left, f"file {name}", well(count(len(operations), "operation")), weight="bold")
    if not written:
        lost = failed(f"{count(len(operations), 'operation')} in no file")
        yield _Line(left, "no file", lost if operations else well("nothing is pending"), weight="bold")
    yield from (_Line(left + _INDENT, operation) for operation in operations)
    if report.recovery is not None:
        sign, text, items = verdict(report)
        yield _Line(left, "", Answer(sign, text, {"well": "green", "failed": "red"}.get(sign, "dim")))
        yield from (_Line(left + _INDENT, f"- {item}") for item in items)


def _bar(bar: _Bar) -> str:
    top, bottom = _y(bar.first) - 8, _y(bar.last)
    return f'<rect class="bar {bar.colour}" x="{bar.left - 3}" y="{top}" width="6" height="{bottom - top + 1}" rx="3"/>'


def _line(number: int, line: _Line) -> str:
    y = _y(number)
    room = _room(line.left)
    whole = _said(line)
    parts, used = [], 0
    answer = [(_answer(line.answer), line.answer[2])] if line.answer else []
    for text, kind in ((line.text, line.weight), *answer):
        cut = _cut(f"{'  ' if used else ''}{text}", room - used)
        used += len(cut)
        parts += [f'<tspan class="{kind}">{_clean(cut)}</tspan>' if kind else _clean(cut)] if cut else []
    hint = f"<title>{_clean(whole)}</title>" if used < len(whole) else ""
    arrow = "" if line.caller is None else _arrow(line.caller + 3, line.left - 4, y - 4)
    return f'{arrow}<text x="{line.left + _PAD}" y="{y}">{hint}{"".join(parts)}</text>'


def _arrow(start: int, end: int, y: int) -> str:
    return f'<path d="M{start} {y}H{end}m-5 -3l5 3l-5 3"/>'


def _fits(left: int, text: str, answer: Answer) -> bool:
    return len(text) + 2 + len(_answer(answer)) <= _room(left)


def _room(left: int) -> int:
    """How many characters there is room for beside a lane."""
    return int((_WIDTH - left - _PAD) / _LETTER)


def _said(line: _Line) -> str:
    return "  ".join(filter(None, (line.text, _answer(line.answer))))


def _answer(answer: Answer | None) -> str:
    return f"{_PLAIN.sign(answer[0])} {answer[1]}" if answer else ""


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: room - 1]}…"[:room]


def _clean(text: str) -> str:
    return escape(_PLAIN.clean(text))


def _y(number: int) -> int:
    return _TOP + _ROW * number
