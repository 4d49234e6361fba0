"""``dirac-failover learn``: predict how a job ends, then look.

Without a name the lessons are listed. With one, its situation is shown and its question asked; on a terminal the answer
is awaited; then the scenario is run, and the run says which choice is right. What the lessons are about stands in
:mod:`~dirac_failover.conformance.lessons`; what may change here is how they are told.
"""

from __future__ import annotations

import json
import shlex
import sys
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from dirac_failover.conformance.errors import CommandError, Exit
from dirac_failover.conformance.explain import find
from dirac_failover.conformance.kits import KITS
from dirac_failover.conformance.lessons import LESSONS, right
from dirac_failover.conformance.page import Page, Row, Style, add_color, terminal_style
from dirac_failover.conformance.run_command import run
from dirac_failover.conformance.target import DEFAULT
from dirac_failover.conformance.timeline import situation, story, table

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator

    from dirac_failover.conformance.lessons import Lesson

PROGRAM: Final = "dirac-failover"
_MARGIN: Final = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument(
        "lesson", metavar="LESSON", nargs="?", help="the name or number of a lesson (default: list them)"
    )
    parser.add_argument(
        "--answer", type=int, metavar="N", help="do not ask: this is my choice; the exit code is 1 when it is not right"
    )
    add_color(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Run the command; return its exit code."""
    style = terminal_style(arguments.color)
    if arguments.lesson is None:
        if arguments.answer is not None:
            raise CommandError("--answer: to which lesson? Its name comes first")
        _write(_list(style))
        return Exit.OK
    lesson = find_lesson(arguments.lesson)
    choices = list(lesson.choices)
    if arguments.answer is not None and not 1 <= arguments.answer <= len(choices):
        raise CommandError(f"--answer: expected a number from 1 to {len(choices)}, found {arguments.answer}")
    report = run(KITS[DEFAULT](), lesson.scenario, lesson.module)
    _write(_question(lesson, situation(report, style), style))
    asked = arguments.answer is None and sys.stdin.isatty() and sys.stdout.isatty()
    answer = _ask(len(choices)) if asked else arguments.answer
    said = choices[answer - 1] if answer else None
    _write(_answer(lesson, said, right(lesson, report), story(report, style), style))
    return Exit.DIFFERS if arguments.answer and said != right(lesson, report) else Exit.OK


def find_lesson(name: str) -> Lesson:
    """Return the lesson of this name or number; raises CommandError, which names the nearest, when there is none."""
    for number, lesson in enumerate(LESSONS, 1):
        if name.lower() in {lesson.name, str(number)}:
            return lesson
    close = get_close_matches(name.lower(), [lesson.name for lesson in LESSONS])
    hint = f"; did you mean {close[0]}?" if close else ""
    raise CommandError(f"There is no lesson {name!r}{hint} ('{PROGRAM} learn' lists them)")


def commands(lesson: Lesson) -> Iterator[str]:
    """Yield what one may type to go on from a lesson, for a shell."""
    scenario = shlex.quote(json.dumps(lesson.scenario.to_json()))
    module = ["--module", lesson.path] if lesson.path else []
    yield f"printf %s {scenario} | {shlex.join([PROGRAM, 'run', '--scenario', '-', *module])}"
    yield from (f"{PROGRAM} explain {name}" for name in lesson.clauses)
    number = LESSONS.index(lesson) + 1
    yield from (f"{PROGRAM} learn {following.name}" for following in LESSONS[number : number + 1])


def _ask(most: int) -> int | None:
    """Wait for a choice; None when nothing more can be read."""
    while True:
        _write(f"\nYour prediction (1 to {most}; Enter to just look): ")
        sys.stdout.flush()
        line = sys.stdin.readline()
        if not line.strip():
            return None
        if line.strip() in map(str, range(1, most + 1)):
            return int(line)


def _list(style: Style) -> str:
    page = Page(style)
    width = max(len(lesson.name) for lesson in LESSONS)
    rows = [
        Row(1, f"{number:2}  {lesson.name:{width}}  {lesson.title}", "cyan", 4 + len(lesson.name), hang=width + 6)
        for number, lesson in enumerate(LESSONS, 1)
    ]
    page.section("Lessons: predict how a job ends, then look", rows)
    page.section("Begin", [Row(1, f"{PROGRAM} learn {LESSONS[0].name}")])
    return page.text()


def _question(lesson: Lesson, facts: str, style: Style) -> str:
    page, ask = Page(style), Page(style)
    number = LESSONS.index(lesson) + 1
    page.section(f"Lesson {number} of {len(LESSONS)}: {lesson.title}", _prose(lesson.told))
    ask.section("What do you think?", [*_prose(lesson.question), *_choices(lesson.choices)])
    return f"{page.text()}\n{facts}\n{ask.text()}"


def _prose(text: str) -> list[Row]:
    return [Row(1, text, hang=0)]


def _choices(choices: Iterable[str]) -> list[Row]:
    return [Row(2, f"{number}. {text}", "bold", 2, hang=3) for number, text in enumerate(choices, 1)]


def _answer(lesson: Lesson, said: str | None, found: str, happened: str, style: Style) -> str:
    page, more = Page(style), Page(style)
    number = list(lesson.choices).index(found) + 1
    sign, words, colour = _VERDICTS[None if said is None else said == found]
    verdict = f"{style.sign(sign)} {words}{number}. {found}"
    page.section("The answer", [Row(1, verdict, colour, len(verdict), hang=_MARGIN), *_prose(lesson.why)])
    more.section("The clauses that this is about", table({name: find(name).text for name in lesson.clauses}))
    more.section("Go on", [])
    typed = "".join(f"  {command}\n" for command in commands(lesson))  # never wrapped: it is to be copied
    return f"\n{page.text()}\n{happened}\n{more.text()}{typed}"


_VERDICTS: Final = {
    None: ("arrow", "", "bold"),
    True: ("well", "Right: ", "green"),
    False: ("failed", "No, it is ", "red"),
}
"""Whether the reader was right (None: has not said anything): sign, first words, and colour."""


def _write(text: str) -> None:
    sys.stdout.write(text)
