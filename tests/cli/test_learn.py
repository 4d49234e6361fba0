"""``dirac-failover learn``, on a terminal, in a pipe, and in scripts."""

import io
import re
import subprocess
import sys

import pytest

from dirac_failover.cli import main
from dirac_failover.conformance.examples import find
from dirac_failover.lessons.lessons import LESSONS, commands, find_lesson
from tests.doubles import Terminal

WIDTH = 100
RIGHT = "2. One operation with the statuses of both files"
SHOWN = "The line of the run that shows it: Request.addOperation(operation SetFileStatus)  → OK"


@pytest.fixture(autouse=True)
def _wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    monkeypatch.setenv("NO_COLOR", "1")


def section(title):
    return f"── {title} ".ljust(WIDTH, "─") + "\n"


def test_the_lessons_are_listed(printed):
    """One line each, in order, and how to begin."""
    seen = printed("learn")
    width = max(len(lesson.name) for lesson in LESSONS)
    rows = [f"  {n:2}  {lesson.name:{width}}  {lesson.title}\n" for n, lesson in enumerate(LESSONS, 1)]
    assert "".join(rows) in seen
    assert seen.endswith("  dirac-failover learn the-hooks\n")


STORY = ("Verdict", "What happened", "What the services hold", "The request", "After recovery")
ANSWER = ("Why", "Go on", "The answer")


def titles(seen):
    """The titles of the sections of a screen, in order."""
    return re.findall(r"^── (.*?) ─*$", seen, re.MULTILINE)


def test_a_pipe_gets_everything_without_waiting_and_the_verdict_last(printed):
    """In this order: the lesson, the job, the question, the timeline, the reason, how to go on, the verdict."""
    seen = printed("learn", "an-outage")
    lesson = find_lesson("an-outage")
    assert titles(seen) == [
        f"Lesson {LESSONS.index(lesson) + 1} of {len(LESSONS)}: {lesson.title}", "Job", "What do you think?",
        *STORY, *ANSWER,
    ]  # fmt: skip
    assert "".join(f"    {n}. {choice}\n" for n, choice in enumerate(lesson.choices, 1)) in seen
    for clause in lesson.clauses:
        assert f"    {clause}  {find(clause).text}" in " ".join(seen.split("\n            "))
    assert section("Go on") + "".join(f"  {command}\n" for command in commands(lesson)) in seen
    assert seen.endswith(section("The answer") + f"  → {RIGHT}\n  {SHOWN}\n")
    assert "Your prediction" not in seen
    assert "Enter shows" not in seen


def test_a_quiet_lesson_is_its_answer(printed):
    """In a pipe, where nothing is asked."""
    assert printed("learn", "an-outage", "-q") == section("The answer") + f"  → {RIGHT}\n  {SHOWN}\n"


@pytest.mark.parametrize(
    ("answer", "code", "verdict"),
    [("2", 0, f"  ✓ Right: {RIGHT}\n"), ("1", 1, f"  ✗ No, it is {RIGHT}\n"), ("3", 1, f"  ✗ No, it is {RIGHT}\n")],
)
def test_a_script_gives_its_answer_and_gets_an_exit_code(answer, code, verdict, printed):
    """0 when it is right, 1 when it is not."""
    assert section("The answer") + verdict in printed("learn", "an-outage", "--answer", answer, code=code)


@pytest.fixture
def on_terminal(monkeypatch):
    """Run the lesson of the outage on a terminal where these lines are typed."""

    def learn(typed, *options):
        screen = Terminal()
        monkeypatch.setattr(sys, "stdin", Terminal(typed))
        monkeypatch.setattr(sys, "stdout", screen)
        return main(["learn", "an-outage", *options]), screen.getvalue()

    return learn


PROMPT = "\nYour prediction (1 to 3; Enter to look without one): "
OFFER = "\nEnter shows every call of the run; q and Enter ends: "


def test_a_terminal_is_asked(on_terminal):
    """The question is shown, the answer waits; a wrong prediction is no failure of the command."""
    code, screen = on_terminal("1\n")
    assert code == 0
    assert f"    3. One operation for each file\n{PROMPT}\n{section('Why')}" in screen
    assert f"  ✗ No, it is {RIGHT}\n" in screen
    assert f"  ✓ Right: {RIGHT}\n" in on_terminal(" 2 \n")[1]


@pytest.mark.parametrize("last", ["q\n", "", "3\n"])
def test_the_verdict_and_the_line_that_shows_it_are_last_on_the_screen(last, on_terminal):
    """Below them stands only the offer of the timeline."""
    screen = on_terminal(f"1\n{last}")[1]
    assert titles(screen)[3:] == list(ANSWER)
    assert screen.endswith(f"  ✗ No, it is {RIGHT}\n  {SHOWN}\n{OFFER}")


@pytest.mark.parametrize("typed", ["2\n\n", "\n\n", "\n \n"])
def test_the_timeline_is_behind_enter(typed, on_terminal):
    """With a prediction or without one."""
    screen = on_terminal(typed)[1]
    assert titles(screen)[3:] == [*ANSWER, *STORY]
    assert OFFER + "\n" + section(STORY[0]) in screen


@pytest.mark.parametrize(
    ("typed", "found"), [("4", "'4'"), ("0", "'0'"), ("two", "'two'"), ("-1", "'-1'"), ("²", "'²'"), (" 7 ", "'7'")]
)
def test_an_answer_that_is_no_choice_is_told_what_is_expected(typed, found, on_terminal):
    """The prompt returns until the input is a choice, or empty."""
    complaint = f"Expected a number from 1 to 3, or Enter alone; found {found}.\n"
    for after, verdict in ((f"{typed}\n3\n", "✗ No"), ("\n", "→ 2."), ("", "→ 2.")):
        screen = on_terminal(f"{typed}\n{after}")[1]
        assert PROMPT + complaint + PROMPT in screen
        assert f"\n  {verdict}" in screen


def test_nobody_is_asked_who_cannot_see_the_question(monkeypatch, printed):
    """A terminal for input alone is not enough, nor one for output alone."""
    monkeypatch.setattr(sys, "stdin", Terminal("1\n"))
    assert "  → 2." in printed("learn", "an-outage")
    monkeypatch.setattr(sys, "stdin", io.StringIO("1\n"))
    monkeypatch.setattr(sys, "stdout", screen := Terminal())
    assert main(["learn", "an-outage"]) == 0
    assert "  → 2." in screen.getvalue()


def test_nobody_is_asked_who_has_answered(on_terminal):
    """Also on a terminal: no key is awaited, and the timeline comes before the verdict."""
    code, screen = on_terminal("1\n", "--answer", "2")
    assert code == 0
    assert titles(screen)[3:] == [*STORY, *ANSWER]
    assert screen.endswith(f"  ✓ Right: {RIGHT}\n  {SHOWN}\n")


@pytest.mark.parametrize(
    ("answer", "colour", "verdict"),
    [(["--answer", "2"], 32, "✓ Right: 2. "), (["--answer", "1"], 31, "✗ No, it is 2. "), ([], 1, "→ 2. ")],
)
def test_a_verdict_has_a_colour(answer, colour, verdict, capsys):
    """Green, red, or none, beside its sign and its words."""
    main(["learn", "an-outage", *answer, "--color", "always"])
    whole = f"{verdict}One operation with the statuses of both files"
    assert f"  \x1b[{colour}m{whole}\x1b[0m\n" in capsys.readouterr().out


def test_the_question_is_there_before_the_answer_is_awaited(monkeypatch):
    """Each prompt is flushed to the screen before a line is read."""
    seen = []

    class Screen(Terminal):
        def flush(self):
            seen.append(self.getvalue())

    class Keyboard(Terminal):
        def readline(self, *_):
            asked.append(seen[-1])
            return ""

    asked = []
    monkeypatch.setattr(sys, "stdin", Keyboard())
    monkeypatch.setattr(sys, "stdout", Screen())
    assert main(["learn", "an-outage"]) == 0
    assert [text[-len(prompt) :] for text, prompt in zip(asked, (PROMPT, OFFER), strict=True)] == [PROMPT, OFFER]


def test_a_lesson_with_a_module_of_its_own_runs_that(printed):
    """In place of the reference's."""
    said = "  → 3. 'Workflow successful, end of FailoverRequest module execution.'\n"
    assert said in printed("learn", "nothing-lost")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["an-otage"], "there is no lesson 'an-otage'; did you mean an-outage? ('dirac-failover learn' lists them)"),
        (["a-lost-outage"],
         "there is no lesson 'a-lost-outage'; did you mean an-outage? ('dirac-failover learn' lists them)"),
        (["99"], "there is no lesson '99' ('dirac-failover learn' lists them)"),
        (["an-outage", "--answer", "4"], "--answer: expected a number from 1 to 3, found 4"),
        (["an-outage", "--answer", "0"], "--answer: expected a number from 1 to 3, found 0"),
        (["--answer", "1"], "--answer: expected the name of a lesson before it, found none"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_one_line(arguments, said, complaint):
    """With the nearest name, or what was expected."""
    assert complaint("learn", *arguments) == said


def test_a_lesson_is_found_by_name_and_number():
    """In any case."""
    assert find_lesson("1") is find_lesson("The-Hooks") is LESSONS[0]
    assert find_lesson(str(len(LESSONS))) is LESSONS[-1]


def test_how_to_go_on():
    """The job's end, the clauses, and the next lesson, if there is one."""
    outage, last = list(commands(find_lesson("an-outage"))), list(commands(LESSONS[-1]))
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


def test_the_command_for_the_job_shows_the_same_job():
    """A shell can execute it."""
    command = next(commands(find_lesson("an-answer-without-stub"))).replace(
        "| dirac-failover", f"| {sys.executable} -m dirac_failover"
    )
    shown = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout
    assert "job-state:s_error=Too busy;stub=no\n" in shown
    assert "Not converged" in shown
