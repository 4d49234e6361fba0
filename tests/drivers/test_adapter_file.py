"""Adapter files describe a port in other programs; each mistake in one is a line with its place."""

import sys
import tomllib
from pathlib import Path

import jsonschema
import pytest

from dirac_failover.drivers.adapter_file import (
    RESTARTS,
    RUN_SECONDS,
    START_SECONDS,
    CommandsAdapter,
    ModuleAdapter,
    read_adapter,
    schema,
)
from dirac_failover.errors import FileError, PortError
from dirac_failover.spec.facts import SHAPES

EXAMPLES = sorted(Path("docs/ports").glob("*.toml"))


@pytest.fixture
def read(tmp_path):
    """Read a text as an adapter file; {file} in the text of an error is its path."""
    file = tmp_path / "port.toml"

    def write(text):
        file.write_text(text)
        return read_adapter(str(file))

    write.file = file
    return write


def test_a_file_may_speak_of_its_own_folder_and_of_this_python(read, tmp_path):
    found = read(
        'name = "n"\ncommand = ["{python}", "{here}/{here}", "x"]\nenvironment = {A = "1"}\n'
        "seconds = 5\nstart_seconds = 2.5\nrestarts = 0\n"
    )
    assert found == ModuleAdapter(
        command=[sys.executable, f"{tmp_path}/{tmp_path}", "x"], name="n", environment={"A": "1"},
        seconds=5, start_seconds=2.5, restarts=0,
    )  # fmt: skip
    assert read('command = ["a"]') == ModuleAdapter(command=["a"])
    assert (RUN_SECONDS, START_SECONDS, RESTARTS) == (10, 60, 3)
    chain = read('shape = "commands"\ncommands = ["mine:Class", ["{python}", "{here}"]]')
    assert chain == CommandsAdapter(shape="commands", commands=["mine:Class", [sys.executable, str(tmp_path)]])


MISTAKES = {
    "name = 5": "name: input should be a valid string, found 5",
    f"name = ['{'x' * 300}']": 'name: input should be a valid string, found ["xxx',
    "command = []": "command: list should have at least 1 item after validation, not 0, found []",
    "command = 'x'": 'command: input should be a valid list, found "x"',
    "command = [1]": "command[0]: input should be a valid string, found 1",
    'command = ["x\\u0000"]': "command[0]: string should match pattern '^[^\\x00]*$', found \"x\\u0000\"",
    "environment = 1": "environment: input should be a valid dictionary, found 1",
    "environment = {'a=' = 'x'}": "environment.a=: string should match pattern '^[^\\x00=]+$', found \"a=\"",
    "environment = {'' = 'x'}": "environment.: string should match pattern '^[^\\x00=]+$', found \"\"",
    "environment = {a = 1}": "environment.a: input should be a valid string, found 1",
    # How deep a value may be to be shown is the affair of the Python version
    "environment" + ".a" * 2_000 + " = 1": "environment.a: input should be a valid string, found ",
    "seconds = 0": "seconds: input should be greater than 0, found 0",
    "seconds = 1000001": "seconds: input should be less than or equal to 1000000, found 1000001",
    "seconds = inf": "seconds: input should be a finite number, found Infinity",
    "seconds = true": "seconds: input should be a valid number, found true",
    "seconds = 0x" + "f" * 6000: "seconds: input should be a valid number, found a value of type int",
    "start_seconds = 'x'": 'start_seconds: input should be a valid number, found "x"',
    "restarts = -1": "restarts: input should be greater than or equal to 0, found -1",
    "restarts = true": "restarts: input should be a valid integer, found true",
    "kommand = []": "kommand: unknown key, found []; did you mean command? (there are command, name, ",
    "commands = [['x']]": 'commands: unknown key, found [["x"]]',
    "shape = 'heap'": f"there is no shape 'heap' (there are {', '.join(SHAPES)})",
    "shape = 5": "there is no shape '5'",
}
OF_COMMANDS = {
    "": "commands: field required",
    "commands = []": "commands: list should have at least 1 item",
    "commands = [5]": "commands[0]: input should be a valid string, found 5",
    "commands = [[]]": "commands[0]: ",
    "commands = [['x']]\nrestarts = 1": "restarts: unknown key, found 1",
}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("name = 'x'", "command: field required"),
        *(
            (text if text.startswith("command ") else f"command = ['x']\n{text}", said)
            for text, said in MISTAKES.items()
        ),
        *((f"shape = 'commands'\n{text}", said) for text, said in OF_COMMANDS.items()),
    ],
    ids=lambda text: text[:40],
)
def test_a_wrong_value_is_one_line_with_its_place(read, text, complaint):
    with pytest.raises(PortError) as caught:
        read(text)
    assert str(caught.value).startswith(f"{read.file}: {complaint}")
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("a = " + "[" * 2000, "is nested too deeply"), ("= 5", "is not TOML: Invalid statement (at line 1, column 1)")],
)
def test_a_file_that_is_no_toml_is_one_line(read, text, complaint):
    with pytest.raises(FileError) as caught:
        read(text)
    assert str(caught.value) == f"The adapter file {read.file} {complaint}"


def test_a_file_that_is_not_there_is_one_line():
    with pytest.raises(FileError, match=r"^Cannot read no.toml: No such file or directory$"):
        read_adapter("no.toml")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_the_schema_describes_the_examples_and_refuses_what_is_refused(example):
    validator = jsonschema.Draft202012Validator(schema())
    validator.validate(tomllib.loads(example.read_text()))
    assert not validator.is_valid({"command": []})
    fields = [kind["properties"] for kind in schema()["oneOf"]]
    assert all(field.get("description") for kind in fields for name, field in kind.items() if name != "shape")
