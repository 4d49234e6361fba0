"""``dirac-failover learn``, on a terminal, in a pipe, and in scripts."""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
from typing import TYPE_CHECKING
from unittest.mock import Mock

import pytest

from dirac_failover.cli import main
from dirac_failover.conformance.learn import add_arguments, commands, find_lesson
from dirac_failover.conformance.lessons import LESSONS

if TYPE_CHECKING:
    from collections.abc import Callable

WIDTH = 100


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    monkeypatch.setenv("NO_COLOR", "1")


def section(title: str) -> str:
    return f"── {title} ".ljust(WIDTH, "─") + "\n"


def test_the_lessons_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """One line each, in order, and how to begin."""
    assert main(["learn"]) == 0
    printed = capsys.readouterr().out
    width = max(len(lesson.name) for lesson in LESSONS)
    rows = [f"  {n:2}  {lesson.name:{width}}  {lesson.title}\n" for n, lesson in enumerate(LESSONS, 1)]
    head = section("Lessons: predict how a job ends, then look")
    assert printed == f"{head}{''.join(rows)}\n{section('Begin')}  dirac-failover learn all-is-well\n"


def test_a_pipe_gets_question_and_answer_without_waiting(capsys: pytest.CaptureFixture[str]) -> None:
    """In this order: what is told, the job, the question, the answer, what happened, clauses, and how to go on."""
    assert main(["learn", "an-outage"]) == 0
    printed = capsys.readouterr().out
    titles = (
        "Lesson 2 of 12: The transformation service is down", "Job", "What do you think?", "The answer",
        "What happened", "What the services hold", "The request", "After recovery", "The clauses that this is about",
        "Go on",
    )  # fmt: skip
    places = [printed.index(section(title)) for title in titles]
    assert places == sorted(places)
    assert printed.startswith(
        section(titles[0])
        + "  The same job, but the transformation service refuses every connection. It is the one that wants to\n"
        "  know what became of the input files.\n\n" + section("Job")
    )
    assert (
        section("What do you think?") + "  What will the file 12_34_request.json hold?\n"
        "    1. Nothing: no file is written\n"
        "    2. One operation with the statuses of both files\n"
        "    3. One operation for each file\n\n" + section("The answer")
        + "  → 2. One operation with the statuses of both files\n"
        "  The file report tries to commit"
    ) in printed  # fmt: skip
    assert printed.endswith(
        "\n\n" + section("The clauses that this is about")
        + "  CO-013  A file report that cannot be committed is asked once more, for an operation.\n"
        "  CO-014  The operation that the file report answers with is in the request, once.\n"
        "  CO-017  The file is the request as JSON: its name, its job, and its operations in order.\n\n"
        + section("Go on")
        + "".join(f"  {command}\n" for command in commands(LESSONS[1]))
    )  # fmt: skip
    assert "Your prediction" not in printed


@pytest.mark.parametrize(
    ("answer", "code", "verdict"),
    [
        ("2", 0, "  ✓ Right: 2. One operation with the statuses of both files\n"),
        ("1", 1, "  ✗ No, it is 2. One operation with the statuses of both files\n"),
        ("3", 1, "  ✗ No, it is 2. One operation with the statuses of both files\n"),
    ],
)
def test_a_script_gives_its_answer_and_gets_an_exit_code(
    answer: str, code: int, verdict: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 when it is right, 1 when it is not."""
    assert main(["learn", "an-outage", "--answer", answer]) == code
    assert section("The answer") + verdict in capsys.readouterr().out


@pytest.fixture
def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], tuple[int, str]]:
    """Run the lesson of the outage on a terminal where somebody types this."""

    def learn(typed: str) -> tuple[int, str]:
        screen = Terminal()
        monkeypatch.setattr(sys, "stdin", Terminal(typed))
        monkeypatch.setattr(sys, "stdout", screen)
        return main(["learn", "2"]), screen.getvalue()

    return learn


PROMPT = "\nYour prediction (1 to 3; Enter to just look): "


def test_a_terminal_is_asked(on_terminal: Callable[[str], tuple[int, str]]) -> None:
    """The question is shown, the answer waits; a wrong prediction is no failure of the command."""
    code, screen = on_terminal("1\n")
    assert code == 0
    assert f"    3. One operation for each file\n{PROMPT}\n{section('The answer')}  ✗ No, it is 2." in screen
    assert "  ✓ Right: 2. " in on_terminal(" 2 \n")[1]


def test_what_is_no_choice_is_asked_again(on_terminal: Callable[[str], tuple[int, str]]) -> None:
    """Until it is one, or nothing."""
    assert PROMPT * 5 + "\n" + section("The answer") + "  ✗ No" in on_terminal("4\n0\ntwo\n-1\n3\n")[1]
    for typed in ("\n", ""):
        assert PROMPT + "\n" + section("The answer") + "  → 2." in on_terminal(typed)[1]


def test_nobody_is_asked_who_cannot_see_the_question(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A terminal for input alone is not enough, nor one for output alone."""
    monkeypatch.setattr(sys, "stdin", Terminal("1\n"))
    assert main(["learn", "an-outage"]) == 0
    assert "  → 2." in capsys.readouterr().out
    monkeypatch.setattr(sys, "stdin", io.StringIO("1\n"))
    monkeypatch.setattr(sys, "stdout", screen := Terminal())
    assert main(["learn", "an-outage"]) == 0
    assert "  → 2." in screen.getvalue()


def test_nobody_is_asked_who_has_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also on a terminal."""
    monkeypatch.setattr(sys, "stdin", Terminal("1\n"))
    monkeypatch.setattr(sys, "stdout", screen := Terminal())
    assert main(["learn", "an-outage", "--answer", "2"]) == 0
    assert "Your prediction" not in screen.getvalue()
    assert "  ✓ Right: 2." in screen.getvalue()


@pytest.mark.parametrize(
    ("answer", "colour", "verdict"),
    [(["--answer", "2"], 32, "✓ Right: 2. "), (["--answer", "1"], 31, "✗ No, it is 2. "), ([], 1, "→ 2. ")],
)
def test_a_verdict_has_a_colour(
    answer: list[str], colour: int, verdict: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Green, red, or none, beside its sign and its words."""
    main(["learn", "an-outage", *answer, "--color", "always"])
    whole = f"{verdict}One operation with the statuses of both files"
    assert f"  \x1b[{colour}m{whole}\x1b[0m\n" in capsys.readouterr().out


def test_a_long_verdict_goes_on_below_itself(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Beside its sign."""
    monkeypatch.setenv("COLUMNS", "40")
    assert main(["learn", "an-outage", "--answer", "2"]) == 0
    assert "  ✓ Right: 2. One operation with the\n    statuses of both files\n  The file" in capsys.readouterr().out


def test_what_is_long_is_wrapped_and_what_counts_is_coloured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Names in the list, numbers of the choices, and the answer; each goes on below where its text begins."""
    monkeypatch.setenv("COLUMNS", "44")
    main(["learn", "--color", "always"])
    below = "\n" + " " * 30
    assert capsys.readouterr().out.startswith(
        "\x1b[1m── Lessons: predict how a job ends, then look \x1b[0m\n"
        f"  \x1b[36m 1  all-is-well\x1b[0m             Every service{below}is up\n"
        f"  \x1b[36m 2  an-outage\x1b[0m               The{below}transformation{below}service is{below}down\n"
    )
    main(["learn", "an-outage", "--color", "always"])
    printed = capsys.readouterr().out
    assert (
        "  \x1b[2mfaults   \x1b[0m  transformation:down\n\n"
        "\x1b[1m── What do you think? ──────────────────────\x1b[0m\n"
        "  What will the file 12_34_request.json\n"
        "  hold?\n"
        "    \x1b[1m1.\x1b[0m Nothing: no file is written\n"
        "    \x1b[1m2.\x1b[0m One operation with the statuses of\n"
        "       both files\n"
        "    \x1b[1m3.\x1b[0m One operation for each file\n\n"
        "\x1b[1m── The answer ──────────────────────────────\x1b[0m\n"
        "  \x1b[1m→ 2. One operation with the statuses of\x1b[0m\n"
        "    both files\n"
        "  The file report tries to commit, and once\n"
    ) in printed
    assert "nothing is lost.\n\n\x1b[1m── What happened ──" in printed


def test_the_question_is_there_before_the_answer_is_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is kept back on its way to the screen."""
    flushed: list[bool] = []

    class Keyboard(Terminal):
        def readline(self, *_: object) -> str:
            assert screen.flush.mock_calls  # type: ignore[attr-defined]
            flushed.append(screen.getvalue().endswith(PROMPT))
            return ""

    monkeypatch.setattr(sys, "stdin", Keyboard())
    monkeypatch.setattr(sys, "stdout", screen := Terminal())
    monkeypatch.setattr(screen, "flush", Mock())
    assert main(["learn", "an-outage"]) == 0
    assert flushed == [True]


def test_a_lesson_with_a_module_of_its_own_runs_that(capsys: pytest.CaptureFixture[str]) -> None:
    """In place of the reference's."""
    assert main(["learn", "nothing-lost"]) == 0
    assert "  → 3. 'Workflow successful, end of FailoverRequest module execution.'\n" in capsys.readouterr().out


def test_the_options_say_what_they_are_for() -> None:
    """With their defaults."""
    parser = argparse.ArgumentParser(prog="learn")
    add_arguments(parser)
    assert " ".join(parser.format_help().split()) == (
        "usage: learn [-h] [--answer N] [--color {auto,always,never}] [LESSON] positional arguments: LESSON the name "
        "or number of a lesson (default: list them) options: -h, --help show this help message and exit --answer N do "
        "not ask: this is my choice; the exit code is 1 when it is not right --color {auto,always,never} colours "
        "(default: on a terminal, unless NO_COLOR is set)"
    )
    given = parser.parse_args([])
    assert (given.lesson, given.answer, given.color) == (None, None, "auto")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["an-otage"], "There is no lesson 'an-otage'; did you mean an-outage? ('dirac-failover learn' lists them)"),
        (
            ["a-lost-outage"],
            "There is no lesson 'a-lost-outage'; did you mean an-outage? ('dirac-failover learn' lists them)",
        ),
        (["13"], "There is no lesson '13' ('dirac-failover learn' lists them)"),
        (["an-outage", "--answer", "4"], "--answer: expected a number from 1 to 3, found 4"),
        (["an-outage", "--answer", "0"], "--answer: expected a number from 1 to 3, found 0"),
        (["--answer", "1"], "--answer: to which lesson? Its name comes first"),
    ],
)
def test_what_cannot_be_used_is_one_line(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the nearest name, or what was expected."""
    assert main(["learn", *arguments]) == 4
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"dirac-failover: error: {complaint}\n")


def test_a_lesson_is_found_by_name_and_number() -> None:
    """In any case."""
    assert find_lesson("1") is find_lesson("All-Is-Well") is LESSONS[0]
    assert find_lesson("12") is LESSONS[-1]


def test_how_to_go_on() -> None:
    """The job's end, the clauses, and the next lesson, if there is one."""
    outage, last = list(commands(LESSONS[1])), list(commands(LESSONS[-1]))
    assert outage[1:] == [
        "dirac-failover explain CO-013",
        "dirac-failover explain CO-014",
        "dirac-failover explain CO-017",
        "dirac-failover learn an-earlier-status",
    ]
    assert last[0].endswith(
        " | dirac-failover run --scenario - --module dirac_failover.lossless:LosslessFailoverRequest"
    )
    assert last[1:] == ["dirac-failover explain LL-010", "dirac-failover explain LL-016"]


def test_the_command_for_the_job_shows_the_same_job() -> None:
    """As a shell understands it."""
    command = next(commands(LESSONS[9])).replace("| dirac-failover", f"| {sys.executable} -m dirac_failover")
    shown = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout
    assert "job-state:s_error=Too busy;stub=no\n" in shown
    assert "Not converged" in shown
