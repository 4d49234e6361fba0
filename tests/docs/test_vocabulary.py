"""Plain words: what people read in pages, help, docstrings, comments and errors has none of the words listed here."""

from __future__ import annotations

import io
import re
import subprocess
import tokenize
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
STRINGS = {
    tokenize.STRING,
    getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING),
}  # from Python 3.12 on, f-strings have parts
PLAIN = {
    r"what(so)?ever|who(so)?ever|whichever": "a noun: 'all that', 'any', 'the caller'",
    r"nobody|somebody|anybody|everybody": "a noun: 'no service', 'a person', 'any user'",
    r"(^|[.:|-] )Whose|(say|says|know|knows|shows) whose": "the noun that is asked for: 'the owner of the method'",
    r"(hold|holds|held) [^.]{0,40}\bagainst": "check against",
    r"kits?": "implementation",
    r"be quiet": "the effect: 'Cancel the timer and close the files.'",
    r"which it keeps|let(s)? live|says, clause by clause": "which rules it satisfies, which bugs your tests miss",
    r"not true any ?more": "no longer applies",
    r"never strikes": "is never triggered",
    r"what (becomes|became) of|what went wrong|as they find it|as it found": "a noun: the result, the error text",
    r"in sight": "is found",
    r"who (he|she|it) is": "a noun: the identity",
    r"these hooks are called": "the sequence of hooks equals the profile's",
    r"as mostly|is dear": "usually, slow",
    r"(^|[.] )(Nor|So that|And of)\b": "a sentence with a subject and a verb",
    r"knobs?|beasts?|animals?": "setting, bug",
}
"""Each pattern of a word or phrase that is no plain English, and a better one."""
BANNED = {re.compile(rf"(?<![\w-])(?:{pattern})(?![\w-])", re.IGNORECASE): better for pattern, better in PLAIN.items()}
SCENARIO = "a file of nobody's"
"""The name of a value in the space, which results and baselines contain."""
FENCED = re.compile(r"^( *)(`{3,})[^\n]*\n.*?^\1\2$|`[^`\n]+`|<!--.*?-->", re.MULTILINE | re.DOTALL)


def blank(match: re.Match[str]) -> str:
    """Keep the lines, so that numbers of lines stay."""
    return "\n" * match[0].count("\n")


def prose_of_page(text: str) -> Iterator[tuple[int, str]]:
    """Yield the paragraphs of Markdown without code, each with the number of its line."""
    yield from paragraphs(1, FENCED.sub(blank, text))


def prose_of_code(text: str) -> Iterator[tuple[int, str]]:
    """Yield the comments of a Python file, and the texts with a space in them: docstrings, help, errors."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        kind, said = token.type, token.string
        if kind == tokenize.COMMENT or (kind in STRINGS and " " in said):
            yield from paragraphs(
                token.start[0], re.sub(r"``[^`]+``|\{[^{}]*\}|^\w{0,2}([\"']{3}|[\"'])|^# ?", "", said)
            )


def paragraphs(first: int, text: str) -> Iterator[tuple[int, str]]:
    """Yield what stands between empty lines, in one line."""
    for found in re.finditer(r"\S.*?(?=\n\s*\n|\Z)", text, re.DOTALL):
        yield first + text.count("\n", 0, found.start()), " ".join(found[0].split())


@cache
def files() -> list[Path]:
    """The files that people read: pages, templates, and the code of both packages; pages made of it are in it, too."""
    command = ["git", "ls-files", "*.md", "*.toml", "*.html", ".github", "dirac_failover", "fakes", "docs", "examples"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def offences(path: str, text: str) -> Iterator[str]:
    """Yield place, words and advice for each banned word in a file."""
    read = prose_of_code if path.endswith(".py") else prose_of_page
    for line, said in read(text):
        for pattern, better in BANNED.items():
            for found in pattern.finditer(said.replace(SCENARIO, "")):
                around = said[max(found.start() - 30, 0) : found.end() + 30]
                yield f"{path}:{line}: '{found[0]}' in '{around}': write {better}"


def test_all_that_people_read_has_plain_words():
    read = [path for path in files() if path.suffix in {".py", ".md", ".toml", ".html", ".yml"}]
    assert len(read) > 200
    found = [
        problem for path in read for problem in offences(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("path", "text", "found"),
    [
        ("a.md", "Hold a port\nagainst the contract.", 1),
        ("a.md", "It says whose it is.\n\nNor that.", 2),
        ("a.md", "`kit`, and a module whose hooks raise.\n\n```sh\nkit whatever\n```\n", 0),
        ("a.py", '"""Be quiet."""\nname = "nobody"\n', 1),
        ("a.py", "kit = 1  # whoever calls\n", 1),
        ("a.py", 'raise ValueError(f"A fault that never strikes: {kit}")\n', 1),
    ],
)
def test_a_banned_word_is_found_in_prose_and_not_in_code(path, text, found):
    """Also across lines; in Python only in comments and in texts of several words."""
    assert len(list(offences(path, text))) == found
