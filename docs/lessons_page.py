"""Writes ``docs/lessons/`` from the lessons: ``python docs/lessons_page.py``. A test compares the two."""

from __future__ import annotations

from pathlib import Path

from dirac_failover.actors.run_report import run
from dirac_failover.conformance.examples import find
from dirac_failover.drivers.implementations import IMPLEMENTATIONS
from dirac_failover.lessons.lessons import LESSONS, Lesson, commands, decisive, right
from dirac_failover.reports.terminal import Style
from dirac_failover.reports.timeline import situation, story

FOLDER = Path(__file__).with_name("lessons")
STYLE = Style(width=84)  # what fits on the site beside its menu

INDEX = """# Predict, then look

*Made from the table in `dirac_failover/lessons/lessons.toml` by `python docs/lessons_page.py`.*

{total} short lessons, from simple to subtle: the first ones about any workflow module, the others about the last module
of a job. Each shows a situation and asks one question about it. Make a prediction, then open the answer: it comes from
a real run, and shows every call of it.

The same in a terminal: `dirac-failover learn`.

| | lesson | it is about |
|---|---|---|
"""


def pages() -> dict[str, str]:
    """Return each page by the name of its file."""
    return {"index.md": _index(), **{f"{lesson.name}.md": _page(lesson) for lesson in LESSONS}}


def _index() -> str:
    rows = [
        f"| {number} | [{lesson.title}]({lesson.name}.md) | {_clauses(lesson)} |\n"
        for number, lesson in enumerate(LESSONS, 1)
    ]
    listed = "".join(f"{lesson.name}\n" for lesson in LESSONS)
    return INDEX.format(total=len(LESSONS)) + "".join(rows) + f"\n```{{toctree}}\n:hidden:\n\n{listed}```\n"


def _page(lesson: Lesson) -> str:
    report = run(IMPLEMENTATIONS["reference"].load(), lesson.scenario, lesson.module)
    choice = right(lesson, report)
    number = list(lesson.choices).index(choice) + 1
    place = LESSONS.index(lesson)
    following = LESSONS[place + 1 : place + 2]
    links = [f"Next: [{next_.title}]({next_.name}.md)" for next_ in following] or ["[All lessons](index.md)"]
    parts = [
        f"# {lesson.title}",
        f"*Lesson {place + 1} of {len(LESSONS)}; in a terminal: `dirac-failover learn {lesson.name}`.*",
        _markdown(lesson.told),
        f"```text\n{situation(report, STYLE)}```",
        f"**{_markdown(lesson.question)}**",
        "\n".join(f"{n}. {_markdown(text)}" for n, text in enumerate(lesson.choices, 1)),
        "<details>\n<summary>The answer</summary>",
        f"**{number}. {_markdown(choice)}**",
        f"The line of the run that shows it:\n\n```text\n{decisive(lesson, report, STYLE)}\n```",
        _markdown(lesson.why),
        f"```{{timeline}} lesson {lesson.name}\n```",
        "<details>\n<summary>The same as text, with every value</summary>",
        f"```text\n{story(report, STYLE)}```",
        "</details>",
        "The clauses that this is about:",
        "\n".join(f"- {_link(name)}: {_markdown(find(name).text)}" for name in lesson.clauses),
        "To look at it again, or to change it:",
        f"```sh\n{next(commands(lesson))}\n```",
        "</details>",
        *links,
    ]
    return "\n\n".join(parts) + "\n"


def _clauses(lesson: Lesson) -> str:
    return ", ".join(map(_link, lesson.clauses))


def _link(clause: str) -> str:
    return f"[{clause}](../contract.md#{clause.lower()})"


def _markdown(text: str) -> str:
    return text.replace("<", "&lt;").replace("_", "\\_")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
