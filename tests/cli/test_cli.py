import contextlib
import errno
import importlib
import io
import os
import re
import runpy
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path
from types import ModuleType
from unittest.mock import Mock

import pytest

from dirac_failover import __main__ as script
from dirac_failover import __version__, cli
from dirac_failover.cli import EXAMPLES, VERBS, main, make_parser
from dirac_failover.cli.exits import CommandError, Exit, NeverStruckError, exit_code, write
from dirac_failover.drivers import supervisor
from dirac_failover.errors import AstrayWarning, MissingExtraError, PortBrokenError, PortError
from tests.doubles import eventually

COMMAND = [sys.executable, "-m", "dirac_failover"]


@pytest.fixture
def verb(monkeypatch):
    """Replace what ``schema`` does."""

    def replace(function):
        module = ModuleType("stand_in")
        module.add_arguments = lambda parser: parser.add_argument("--option")  # type: ignore[attr-defined]
        module.execute = lambda _: function()  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "dirac_failover.cli.schema", module)

    return replace


def test_without_arguments_there_is_help(printed, monkeypatch):
    """The same as with --help: every command, every exit code."""
    monkeypatch.setenv("COLUMNS", "160")
    text = printed()
    assert printed("--help") == text
    assert text.startswith("usage: dirac-failover [-h] [--version] [--debug] COMMAND ...\n")
    for name, summary in VERBS.items():
        assert re.search(rf"^    {name}\s+{re.escape(summary)}$", text, re.MULTILINE)
    codes = dict(re.findall(r"^  (\d)  (.+)$", text[text.index("exit codes:\n") :], re.MULTILINE))
    assert {int(code) for code in codes} == set(Exit)
    assert codes["0"] == "it ran, and all is as it should be"
    assert "\n\nThe end of a DIRAC job on an in-memory DIRAC that can be broken on purpose.\n\n" in text
    assert re.search(r"^  --debug +show where an error comes from\n\ncommands:\n  COMMAND$", text, re.MULTILINE)
    assert text.endswith("\n  5  nothing ran\n")


def test_the_exit_codes_are_these():
    """Scripts rely on them."""
    assert {code.name: int(code) for code in Exit} == {
        "OK": 0, "DIFFERS": 1, "INTERRUPTED": 2, "BROKEN": 3, "USAGE": 4, "NOTHING_RAN": 5,
    }  # fmt: skip
    assert [exit_code(error) for error in (PortError("x"), PortBrokenError("x"), NeverStruckError("x"))] == [4, 3, 1]


def test_the_version_is_the_packages(printed):
    """One number."""
    assert printed("--version") == f"dirac-failover {__version__}\n"


@pytest.mark.parametrize("name", VERBS)
def test_every_command_has_help_and_examples_that_can_be_used(printed, name):
    """Each option and argument has a text, and a table below them keeps its lines."""
    out = printed(name, "--help")
    assert (out.startswith(f"usage: dirac-failover {name} "), "--debug" in out) == (True, False)
    summary = VERBS[name]
    assert f"\n{summary[0].upper()}{summary[1:]}.\n" in out
    examples = [f"  dirac-failover {example}" for example in EXAMPLES[name]]
    assert "\n".join(["", "examples:", *examples, ""]) in out
    parser = make_parser([name])
    assert {parser.parse_args(shlex.split(example)).verb for example in EXAMPLES[name]} == {name}
    options = parser.parse_args(shlex.split(EXAMPLES[name][0])).parser._actions
    assert all(action.help for action in options)
    shared = {"--color", "--quiet", "--verbose"} & {text for action in options for text in action.option_strings}
    assert len(shared) == (0 if name in {"serve", "schema", "completion"} else 3)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["bogus"], r"there is no command 'bogus' \(there are run, verify, .*, completion\)"),
        (["vrify"], r"there is no command 'vrify'; did you mean verify\? \(there are run, verify, .*, completion\)"),
        (["schema", "resuls"], r"there is no name 'resuls'; did you mean results\? \(there are run, .*\)"),
        (["run", "--color", "red"], r"--color: there is no color 'red' \(there are auto, always, never\)"),
        (["run", "--xyz"], r"there is no option '--xyz' \('dirac-failover run --help' lists them\)"),
        (["run", "--acounting=3"], r"there is no option '--acounting'; did you mean --accounting\? \(.*\)"),
        (["run", "job", "--no"], r"unrecognized arguments: job --no \(see 'dirac-failover run --help'\)"),
        (["--vers"], r"there is no option '--vers'; did you mean --version\? \('dirac-failover --help' lists them\)"),
        (["run", "--acc", "1"],
         r"there is no option '--acc'; did you mean --accounting\? \('dirac-failover run --help' lists them\)"),
        (["schema"], r"the following arguments are required: name \(see 'dirac-failover schema --help'\)"),
        (["differential"], r"the following arguments are required: .* \(see 'dirac-failover differential --help'\)"),
    ],
)  # fmt: skip
def test_a_wrong_command_line_is_one_line(complaint, arguments, expected):
    """It says where to look; options cannot be shortened."""
    assert re.fullmatch(expected, complaint(*arguments))


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (CommandError("no\n  such thing"), 4, "no such thing"),
        (MissingExtraError("no package"), 3, "no package"),
        (KeyboardInterrupt(), 2, "interrupted"),
        (ZeroDivisionError("by zero"), 3, "broke down: ZeroDivisionError: by zero (--debug shows where)"),
    ],
)
@pytest.mark.parametrize("debug", [[], ["--debug"]])
def test_every_end_is_one_line(verb, capsys, error, code, said, debug):
    """With its exit code; a traceback only for who asks for it, before or after the command."""
    verb(Mock(side_effect=error))
    for arguments in ([*debug, "schema"], ["schema", *debug]):
        assert main(arguments) == code
        out, err = capsys.readouterr()
        assert out == ""
        *trace, last = err.splitlines()
        assert last == f"dirac-failover: error: {said}"
        assert (trace[:1] == ["Traceback (most recent call last):"]) is bool(debug)


def test_a_checkout_that_is_not_installed_says_what_to_do(complaint, monkeypatch):
    """Its fakes are in a folder of their own, which nobody looks into."""
    for name in [*sys.modules]:
        if name.startswith("dirac_fakes") or name == "dirac_failover.cli.run":
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if not path.endswith("fakes")])
    finders = [finder for finder in sys.meta_path if "editable" not in type(finder).__module__]
    monkeypatch.setattr(sys, "meta_path", [_NoFakes(), *finders])
    said = "dirac_fakes is not installed here: 'pip install .' (or '-e .') in the checkout installs it"
    assert complaint("run", code=3) == said


class _NoFakes:
    """Finds no fakes, wherever they are."""

    @staticmethod
    def find_spec(name, *_):
        if name.split(".")[0] == "dirac_fakes":
            raise ModuleNotFoundError("No module named 'dirac_fakes'", name="dirac_fakes")


def test_only_what_a_command_needs_is_loaded():
    """The help of the whole loads no command, and knows no DIRAC."""
    code = "import sys; from dirac_failover.cli import main; main(['--help']); print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = set(run.stdout.splitlines()[-1].split())
    assert not modules & {"DIRACCommon", "dirac_fakes", "requests", "json", "dataclasses", "inspect", "traceback"}
    assert {name.removeprefix("dirac_failover.") for name in modules if name.startswith("dirac_failover.")} == {
        "cli", "cli.exits", "errors",
    }  # fmt: skip


def test_a_run_loads_nothing_that_is_slow():
    """It needs no checks of files, no workers, no server and no port in another process; a tenth of a second each."""
    code = "import sys; from dirac_failover.cli import main; main(['run']); print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = set(run.stdout.splitlines()[-1].split())
    assert "dirac_failover.actors.run_report" in modules
    assert not modules & {"pydantic", "rich", "requests", "unittest.mock", "multiprocessing", "http.server", "tomllib"}


def test_the_package_is_the_command(capsys, monkeypatch):
    """``python -m dirac_failover``; its arguments are the process's."""
    monkeypatch.setattr(supervisor, "guard", lambda: None)
    monkeypatch.setattr(sys, "argv", ["dirac_failover", "--version"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(script.__file__, run_name="__main__")
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"dirac-failover {__version__}\n"


def test_importing_the_command_runs_nothing():
    """Tools import every module."""
    assert importlib.reload(script).main.__module__ == script.__name__


@pytest.mark.parametrize(
    ("arguments", "code"), [(["schema", "run"], 0), (["--help"], 0), (["run", "--check", "--job-id", "none"], 1)]
)
def test_a_reader_that_closes_the_pipe_changes_no_exit_code(arguments, code):
    """As ``head`` does: nothing is printed about it."""
    reader, writer = os.pipe()
    os.close(reader)
    run = subprocess.run([*COMMAND, *arguments], stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (run.returncode, run.stderr) == (code, b"")


def test_output_without_a_reader_is_put_away(verb, monkeypatch, tmp_path):
    """The rest of the output is not printed, and the command goes on."""

    class Closed(io.TextIOWrapper):
        def write(self, text):
            if text:
                raise BrokenPipeError
            return super().write(text)

    verb(lambda: write("x") or 5)
    with Closed((tmp_path / "out").open("wb")) as out:
        monkeypatch.setattr(sys, "stdout", out)
        assert main(["schema"]) == 5
        super(Closed, out).write("put away")
    assert (tmp_path / "out").read_text() == ""


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EBADF])
def test_what_cannot_be_printed_is_said(verb, monkeypatch, capsys, tmp_path, number):
    """A full disk, say, is noticed while somebody can still say so; it is no fault of the command."""

    class Full(io.TextIOWrapper):
        full = True

        def flush(self):
            if self.full:
                raise OSError(number, "No space left on device")
            super().flush()

    verb(lambda: 0)
    with Full((tmp_path / "out").open("wb")) as out:
        monkeypatch.setattr(sys, "stdout", out)
        assert main(["schema"]) == 4
        out.write("put away")
        out.full = False
    assert (tmp_path / "out").read_text() == ""
    assert capsys.readouterr().err == "dirac-failover: error: cannot print: No space left on device\n"


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "Full", "/a/file"), OSError(errno.EPERM, "Not allowed")])
def test_another_failure_of_the_system_is_not_about_printing(verb, complaint, error):
    """It names a file, or is of another kind."""
    verb(Mock(side_effect=error))
    assert f"broke down: {type(error).__name__}: {error}" in complaint("schema", code=3)


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_a_stream_that_is_closed_hears_nothing(verb, monkeypatch, name):
    """Whoever closes it wants the exit code alone."""
    verb(Mock(side_effect=CommandError("é")))
    monkeypatch.setattr(sys, name, None)
    assert main(["schema"]) == 4
    stream = getattr(sys, name)
    assert (stream.name, stream.mode, stream.encoding) == (os.devnull, "w", "utf-8")
    stream.close()


def test_a_warning_of_ours_is_one_line(verb, capsys, monkeypatch):
    """Others go their way."""

    def warn():
        warnings.warn("over\x1bthere", AstrayWarning, stacklevel=1)
        warnings.simplefilter("always", DeprecationWarning)
        warnings.warn("old", DeprecationWarning, stacklevel=1)
        return 0

    shown = []
    monkeypatch.setattr(warnings, "showwarning", lambda message, *_: shown.append(str(message)))
    verb(warn)
    assert main(["schema"]) == 0
    assert capsys.readouterr().err == "dirac-failover: warning: over\\x1bthere\n"
    assert shown == ["old"]


def test_control_characters_are_shown_as_escapes(verb, complaint):
    """A port's text is no command for the terminal."""
    verb(Mock(side_effect=CommandError("a\x1b[31m\udcffé")))
    assert complaint("schema") == "a\\x1b[31m\\udcffé"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_command_once(verb, complaint, number):
    """What is put away is not interrupted again; whatever is made of the exception, it is an interrupt."""
    done = []
    handlers = {known: signal.getsignal(known) for known in cli._ENDING}

    def works():
        try:
            signal.raise_signal(number)
        except KeyboardInterrupt:
            signal.raise_signal(signal.SIGTERM)
            done.append("put away")
            raise ValueError from None

    verb(works)
    assert complaint("schema", code=2) == "interrupted"
    assert done == ["put away"]
    assert {known: signal.getsignal(known) for known in cli._ENDING} == handlers


def test_a_signal_that_python_ignores_comes_again(verb, complaint, monkeypatch):
    """Here in a destructor; other exceptions there are shown as ever."""

    class Interrupts:
        def __del__(self):
            signal.raise_signal(signal.SIGTERM)
            sum(range(1000))

    class Fails:
        def __del__(self):
            raise ValueError("shown")

    others = []
    monkeypatch.setattr(sys, "unraisablehook", lambda found: others.append(found.exc_type))

    def works():
        Fails()
        Interrupts()
        time.sleep(10)

    verb(works)
    assert complaint("schema", code=2) == "interrupted"
    assert others == [ValueError]


def test_a_command_that_does_not_end_is_ended(verb, capsys, monkeypatch):
    """After a few seconds."""
    done = []

    def exits(code):
        done.append(code)
        raise SystemExit

    monkeypatch.setattr(cli, "_GRACE", 1)
    monkeypatch.setattr(os, "_exit", exits)

    def works():
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGHUP)
        time.sleep(10)

    verb(works)
    assert main(["schema"]) == 2
    assert done == [2]
    assert capsys.readouterr().err == "dirac-failover: error: interrupted\n" * 2


def test_only_the_main_thread_hears_signals(verb):
    """In another one the command runs all the same."""
    verb(lambda: 0)
    codes = []
    thread = threading.Thread(target=lambda: codes.append(main(["schema"])))
    thread.start()
    thread.join()
    assert codes == [0]


@pytest.mark.parametrize("loaded", [("cli",), ("sandbox", "supervisor")])
def test_an_interrupt_while_the_command_is_loaded(monkeypatch, capsys, loaded):
    """It is one line as well, whichever of the modules is being loaded."""

    def interrupted(name, *how):
        if how[2] == loaded:
            raise KeyboardInterrupt
        return imported(name, *how)

    imported = __import__
    monkeypatch.setattr(sys, "argv", ["dirac_failover", "schema", "run"])
    monkeypatch.setattr("builtins.__import__", interrupted)
    assert script.main() == 2
    assert capsys.readouterr() == ("", "dirac-failover: error: interrupted\n")


MODULES = """
import os, signal, subprocess, sys, time
from dirac_failover import FailoverRequest

class Waits(FailoverRequest):
    def _setCommand(self):
        quiet = dict.fromkeys(("stdout", "stderr"), subprocess.DEVNULL)
        away = subprocess.Popen(["sleep", "1000"], start_new_session=True, **quiet)
        print(away.pid, file=sys.stderr, flush=True)
        self.wait()

    def wait(self):
        time.sleep(1000)

class Killed(Waits):
    def wait(self):
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        (0, 3, "broke down: a module, or the system, ended it by SIGKILL"),
        (signal.SIGINT, 2, "interrupted"),
        (signal.SIGTERM, 2, "interrupted"),
        (signal.SIGHUP, 2, "interrupted"),
        (signal.SIGKILL, -signal.SIGKILL, "interrupted"),
    ],
)
def test_nothing_is_left_of_a_command_however_it_ends(tmp_path, number, code, said):
    """Neither a process, wherever it went, nor a directory: also when a module kills the process that it runs in."""
    for name in ("code", "tmp"):
        (tmp_path / name).mkdir()
    (tmp_path / "code" / "ends.py").write_text(MODULES)
    paths = os.pathsep.join((str(tmp_path / "code"), *sys.path))
    run = subprocess.Popen(
        [*COMMAND, "run", "--module", f"ends:{'Waits' if number else 'Killed'}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths, "TMPDIR": str(tmp_path / "tmp")},
    )
    assert run.stderr is not None
    with run.stderr:
        away = int(run.stderr.readline())
        if number:  # a module that kills its process may have ended all of them by now
            assert Path(f"/proc/{away}").exists()
            run.send_signal(number)
        rest = run.stderr.read()
    assert run.wait() == code
    assert rest == f"dirac-failover: error: {said}\n"
    # when the supervisor is killed the command ends a moment later
    assert eventually(lambda: not Path(f"/proc/{away}").exists() and not list((tmp_path / "tmp").iterdir()))


def test_a_command_works_where_no_directory_can_be_made(monkeypatch, capsys):
    """One that needs a directory says so itself; the exit code comes from the process that has done the work."""
    monkeypatch.setattr(sys, "argv", ["dirac_failover", "clauses"])
    monkeypatch.setattr(supervisor, "guard", lambda: None)
    assert cli.command() == 0
    listed = capsys.readouterr().out
    monkeypatch.setattr(tempfile, "TemporaryDirectory", Mock(side_effect=OSError))
    assert cli.command() == 0
    assert capsys.readouterr().out == listed
    monkeypatch.setattr(supervisor, "guard", lambda: 4 << 8)
    assert cli.command() == 4
    monkeypatch.setattr(supervisor, "guard", lambda: signal.SIGSEGV)
    assert cli.command() == 3
    said = "dirac-failover: error: broke down: a module, or the system, ended it by SIGSEGV\n"
    assert capsys.readouterr().err == said


def test_the_version_is_told_without_a_second_process(monkeypatch, capsys):
    """It needs no clean-up, and takes half of the time."""
    monkeypatch.setattr(supervisor, "guard", Mock(side_effect=AssertionError))
    monkeypatch.setattr(sys, "argv", ["dirac_failover", "--version"])
    assert cli.command() == 0
    assert capsys.readouterr().out == f"dirac-failover {__version__}\n"


def test_a_verb_gets_its_arguments(monkeypatch):
    """Parsed, and only its own are looked up."""
    seen = []
    module = ModuleType("stand_in")
    module.add_arguments = lambda parser: parser.add_argument("name")  # type: ignore[attr-defined]
    module.execute = lambda arguments: seen.append(arguments) or 0  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "dirac_failover.cli.schema", module)
    monkeypatch.setitem(sys.modules, "dirac_failover.cli.run", None)
    assert main(["--debug", "schema", "run"]) == 0
    assert (seen[0].verb, seen[0].name, seen[0].debug) == ("schema", "run", True)
