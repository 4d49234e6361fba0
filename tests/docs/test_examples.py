"""Every example in the README and in the documentation runs, page by page.

The blocks of a page run from its first to its last, in one empty directory and one namespace. What is done with a block
is said by the line that opens it:

- ``python`` with prompts is a doctest; without, it is executed, and a ``text`` block that follows it is what it prints;
- ``LANGUAGE FILE`` is written to that file;
- ``text COMMAND`` is what a command prints: ``dirac-failover``, ``pytest`` or ``python``, with lines ``[...]`` for what
  is left out, any time for a time, and the exit code 0 unless ``# exit N`` says another;
- ``py``, ``json`` and ``toml`` must be just that; in ``sh`` and ``console`` the options of
  ``dirac-failover`` must exist.

A block between ``<!--`` and ``-->`` runs, and is not shown.
"""

from __future__ import annotations

import ast
import doctest
import io
import json
import os
import re
import shlex
import subprocess
import sys
import textwrap
import tomllib
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from dirac_failover.cli import VERBS, main

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.ci

ROOT = Path(__file__).parents[2]
PAGES = {
    str(path.relative_to(ROOT)): path
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    if "_build" not in path.parts
}
FENCE = re.compile(r"^( *)(`{3,})([\w-]+)(?: ([^\n]+))?\n(.*?)^\1\2$", re.MULTILINE | re.DOTALL)
FLAGS = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL
LEFT_OUT = "[...]"
PROGRAMS = {
    "dirac-failover": ["-m", "dirac_failover"],
    "pytest": ["-m", "pytest", "-p", "no:cacheprovider"],
    "python": [],
}
VARYING = ((re.compile(r"\bin \d+\.\d+s\b"), "in 0.00s"), (re.compile(r"={3,}"), "==="))
SETTINGS = {"COLUMNS": "100", "NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1",
            "PYTEST_PLUGINS": "dirac_failover.pytest_plugin,pytest_mock"}  # fmt: skip


class Block(NamedTuple):
    """One fenced block: the line it begins in, its language, what else its first line says, its text."""

    line: int
    language: str
    info: str
    text: str
    follows: bool
    """Whether it stands right behind the block before."""


def blocks(page: str) -> Iterator[Block]:
    """The blocks of a page."""
    end = -1
    for match in FENCE.finditer(page):
        indent, _, language, info, text = match.groups()
        follows = page[end : match.start()] == "\n\n"
        end = match.end()
        text = "".join(line.removeprefix(indent) for line in text.splitlines(keepends=True))
        yield Block(page.count("\n", 0, match.start()) + 1, language, info or "", text, follows)


class Reader:
    """Whoever follows a page, block by block, in the working directory."""

    def __init__(self, page: str) -> None:
        self.page = page
        self.names: dict[str, Any] = {"__name__": "__page__"}
        self.printed: str | None = None

    def read(self, block: Block) -> None:
        """Do what the block says."""
        printed, self.printed = self.printed, None
        program = block.info.split(" ")[0]
        if block.language == "text" and program in PROGRAMS:
            self.command(block)
        elif block.info and block.language != "text":
            file = Path(block.info)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")
        elif block.language == "text" and block.follows and printed is not None:
            assert printed == block.text
        elif check := getattr(self, block.language, None):
            check(block)

    def python(self, block: Block) -> None:
        if block.text.startswith(">>> "):
            test = doctest.DocTestParser().get_doctest(block.text, self.names, self.page, self.page, block.line)
            failed = io.StringIO()
            runner = doctest.DocTestRunner(optionflags=FLAGS)
            runner.run(test, out=failed.write, clear_globs=False)
            self.names.update(test.globs)
            assert not runner.failures, failed.getvalue()
            return
        with redirect_stdout(io.StringIO()) as printed:
            exec(compile(block.text, f"{self.page}:{block.line}", "exec"), self.names)  # noqa: S102 - it is ours
        self.printed = printed.getvalue()

    def command(self, block: Block) -> None:
        program, *arguments = shlex.split(block.info, comments=True)
        code = re.search(r"# exit (\d)$", block.info)
        done = subprocess.run(
            [sys.executable, *PROGRAMS[program], *arguments],
            capture_output=True, text=True, encoding="utf-8", check=False, env={**os.environ, **SETTINGS},
        )  # fmt: skip
        printed = done.stdout + done.stderr
        assert done.returncode == (int(code[1]) if code else 0), printed
        assert_shown(block.text, printed)

    def py(self, block: Block) -> None:
        ast.parse(textwrap.dedent(block.text))

    def json(self, block: Block) -> None:
        try:
            json.loads(block.text)
        except ValueError:  # else it is one value a line
            for line in block.text.splitlines():
                json.loads(line)

    def toml(self, block: Block) -> None:
        tomllib.loads(block.text)

    def sh(self, block: Block) -> None:
        for line in block.text.replace("\\\n", " ").splitlines():
            words = shlex.split(line.removeprefix("$ "), comments=True) or [""]
            if words[0] == "dirac-failover":
                verb = next((word for word in words[1:] if word in VERBS), None)
                with redirect_stdout(io.StringIO()) as printed:
                    assert main([*([verb] if verb else []), "--help"]) == 0
                known = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", printed.getvalue()))
                assert {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)} <= known, line

    console = sh


def same(text: str) -> str:
    """What does not vary of a text that was printed."""
    for pattern, always in VARYING:
        text = pattern.sub(always, text)
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def assert_shown(shown: str, printed: str) -> None:
    """What is shown is printed, from the first line to the last, but for what is marked as left out."""
    lines = same(shown.strip("\n")).splitlines()
    pattern = "".join("(?:.*\n)*?" if line == LEFT_OUT else f"{re.escape(line)}\n" for line in lines)
    if not re.fullmatch(pattern, same(printed.strip("\n"))):
        raise AssertionError(f"This is shown:\n{shown}\nand this is printed:\n{printed}")


@pytest.mark.parametrize("name", PAGES)
def test_every_example_of_a_page_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It prints the text that the page shows."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    reader = Reader(name)
    for block in blocks(PAGES[name].read_text(encoding="utf-8")):
        try:
            reader.read(block)
        except Exception as error:
            raise AssertionError(f"{name}:{block.line}: {type(error).__name__}: {error}") from error
    for module in set(sys.modules) - before:
        if str(getattr(sys.modules[module], "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[module]


def test_a_block_is_what_stands_between_fences() -> None:
    """Also within a list, and with more backticks than three."""
    page = "```text\na\n```\n\n```python\nb\n```\nc\n   ````py x.py\n   d\n   ```\n   ````\n"
    assert list(blocks(page)) == [
        Block(1, "text", "", "a\n", follows=False),
        Block(5, "python", "", "b\n", follows=True),
        Block(9, "py", "x.py", "d\n```\n", follows=False),
    ]


@pytest.mark.parametrize(
    ("language", "info", "text"),
    [
        ("python", "", ">>> 1 + 1\n3\n"),
        ("python", "", "1 / 0\n"),
        ("text", "python -c print(1)", "2\n"),
        ("text", "python -c print(1) # exit 1", "1\n"),
        ("text", "python -c 1/0", "[...]\n"),
        ("text", "dirac-failover schema nothing", "[...]\n"),
        ("py", "", "def\n"),
        ("json", "", "{'a': 1}\n"),
        ("toml", "", "a\n"),
        ("sh", "", "dirac-failover run --nonsense\n"),
        ("console", "", "$ dirac-failover nonsense --json\n"),
    ],
)
def test_what_is_wrong_in_a_page_is_noticed(
    language: str, info: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each kind of block."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises((AssertionError, ArithmeticError, ValueError, SyntaxError)):
        Reader("page.md").read(Block(1, language, info, text, follows=False))


def test_blocks_build_on_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names and files stay; what is printed is compared with what follows."""
    monkeypatch.chdir(tmp_path)
    reader = Reader("page.md")
    for language, info, text in [
        ("python", "", "a = 1\n"),
        ("python", "", ">>> a + 1\n2\n>>> b = 3\n"),
        ("python", "", "print(a + b)\n"),
        ("text", "", "4\n"),
        ("python", "deep/x.py", "print('hello')\nraise SystemExit(3)\n"),
        ("text", "python deep/x.py # exit 3", "hello\n"),
        ("mermaid", "", "nobody reads this\n"),
        ("sh", "", "$ dirac-failover run --json\nls\n\n"),
    ]:
        reader.read(Block(1, language, info, text, follows=True))
    reader.read(Block(1, "python", "", "print(a)\n", follows=True))
    with pytest.raises(AssertionError):
        reader.read(Block(1, "text", "", "2\n", follows=True))


@pytest.mark.parametrize(
    ("shown", "printed", "holds"),
    [
        ("a\nb\n", "a\nb\n", True),
        ("a\n", "a\nb\n", False),
        ("a\n[...]\n", "a\nb\nc\n", True),
        ("[...]\nc\n", "a\nb\nc\n", True),
        ("[...]\nb\n[...]\n", "a\nb\nc\n", True),
        ("a\n[...]\nb\n[...]\nd\n", "a\nx\nb\ny\nd\n", True),
        ("a\n[...]\nb\n", "a\nb\n", True),
        ("b\n[...]\na\n", "a\nb\n", False),
        ("[...]\nb\n", "ab\n", False),
        ("=== 1 passed in 0.02s ===\n", "===== 1 passed in 12.34s ====\n", True),
    ],
)
def test_what_is_shown_is_compared_line_by_line(shown: str, printed: str, holds: bool) -> None:
    """In order, and nothing but what is marked may be left out."""
    if holds:
        assert_shown(shown, printed)
    else:
        with pytest.raises(AssertionError):
            assert_shown(shown, printed)
