"""``dirac-failover learn``: predict how a module or a job ends, then look.

Without a name the lessons are listed. With one, its situation is shown and its question asked, and the run says which
choice is right. The verdict and the line of the run that decides it are the last lines on the screen. The timeline is
shown after the reader has pressed Enter; in a pipe, or with ``--answer``, no key is awaited and the timeline is printed
before the verdict. The lessons are in :mod:`~dirac_failover.lessons.lessons`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from dirac_failover.actors.run_report import run
from dirac_failover.cli import output
from dirac_failover.cli.exits import CommandError, Exit, write
from dirac_failover.conformance.examples import find
from dirac_failover.drivers.implementations import IMPLEMENTATIONS
from dirac_failover.drivers.resolve import DEFAULT
from dirac_failover.lessons.lessons import LESSONS, PROGRAM, commands, decisive, find_lesson, right
from dirac_failover.reports.terminal import Line, Style, section
from dirac_failover.reports.timeline import situation, story, table

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from dirac_failover.lessons.lessons import Lesson

_MARGIN: Final = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.epilog = "On a terminal Enter shows the timeline, after the verdict; in a pipe it comes before the verdict."
    parser.add_argument(
        "lesson", metavar="LESSON", nargs="?", help="the name or number of a lesson (default: list them)"
    )
    parser.add_argument(
        "--answer", type=int, metavar="N",
        help="the number of your choice, for scripts: nothing is asked, and the exit code is 1 when it is wrong",
    )  # fmt: skip


def execute(arguments: argparse.Namespace) -> int:
    """Run the command; return its exit code."""
    style = output.style_of(arguments)
    if arguments.lesson is None:
        if arguments.answer is not None:
            raise CommandError("--answer: expected the name of a lesson before it, found none")
        write(_list(style))
        return Exit.OK
    lesson = find_lesson(arguments.lesson)
    choices = list(lesson.choices)
    if arguments.answer is not None and not 1 <= arguments.answer <= len(choices):
        raise CommandError(f"--answer: expected a number from 1 to {len(choices)}, found {arguments.answer}")
    report = run(IMPLEMENTATIONS[DEFAULT].load(), lesson.scenario, lesson.module)
    found, happened = right(lesson, report), f"\n{story(report, style)}"
    asked = arguments.answer is None and sys.stdin.isatty() and sys.stdout.isatty()
    quiet = arguments.quiet and not asked
    if not quiet:
        write(_question(lesson, situation(report, style), style))
    answer = _ask(len(choices)) if asked else arguments.answer
    said = choices[answer - 1] if answer else None
    why, answer = _answer(lesson, said, found, decisive(lesson, report, style), style)
    write(answer if quiet else f"{'' if asked else happened}\n{why}\n{answer}")
    if asked and _read("Enter shows every call of the run; q and Enter ends: ").isspace():
        write(happened)
    return Exit.DIFFERS if arguments.answer and said != found else Exit.OK


def _ask(most: int) -> int | None:
    """Return the reader's choice, or None when the reader makes none or the input has ended."""
    while line := _read(f"Your prediction (1 to {most}; Enter to look without one): ").strip():
        if line in map(str, range(1, most + 1)):
            return int(line)
        write(f"Expected a number from 1 to {most}, or Enter alone; found {line!r}.\n")
    return None


def _read(prompt: str) -> str:
    """Show a prompt and return the line that was typed, with its end; empty when the input has ended."""
    write(f"\n{prompt}")
    return sys.stdin.readline()


def _list(style: Style) -> str:
    width = max(len(lesson.name) for lesson in LESSONS)
    rows = [
        Line(1, f"{number:2}  {lesson.name:{width}}  {lesson.title}", "cyan", 4 + len(lesson.name), hang=width + 6)
        for number, lesson in enumerate(LESSONS, 1)
    ]
    begin = [Line(1, f"{PROGRAM} learn {LESSONS[0].name}")]
    return f"{section(style, 'Lessons: predict what happens, then look', rows)}\n{section(style, 'Begin', begin)}"


def _question(lesson: Lesson, facts: str, style: Style) -> str:
    title = f"Lesson {lesson.number} of {len(LESSONS)}: {lesson.title}"
    asked = section(style, "What do you think?", [*_prose(lesson.question), *_choices(lesson.choices)])
    return f"{section(style, title, _prose(lesson.told))}\n{facts}\n{asked}"


def _prose(text: str) -> list[Line]:
    return [Line(1, text, hang=0)]


def _choices(choices: Iterable[str]) -> list[Line]:
    return [Line(2, f"{number}. {text}", "bold", 2, hang=3) for number, text in enumerate(choices, 1)]


def _answer(lesson: Lesson, said: str | None, found: str, line: str, style: Style) -> tuple[str, str]:
    """Return the reasons, and the answer, each as text."""
    why = [*_prose(lesson.why), *table({name: find(name).text for name in lesson.clauses}, 2)]
    typed = "".join(f"  {command}\n" for command in commands(lesson))  # never wrapped: it is to be copied
    number = list(lesson.choices).index(found) + 1
    sign, words, colour = _VERDICTS[None if said is None else said == found]
    verdict = f"{style.sign(sign)} {words}{number}. {found}"
    shown = Line(1, f"The line of the run that shows it: {line}", hang=_MARGIN)
    answer = [Line(1, verdict, colour, len(verdict), hang=_MARGIN), shown]
    return f"{section(style, 'Why', why)}\n{section(style, 'Go on')}{typed}", section(style, "The answer", answer)


_VERDICTS: Final = {
    None: ("arrow", "", "bold"),
    True: ("well", "Right: ", "green"),
    False: ("failed", "No, it is ", "red"),
}
"""Whether the reader was right (None: no prediction was made): sign, first words, and colour."""
