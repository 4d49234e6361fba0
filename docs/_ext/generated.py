"""The reference pages, generated from what the program itself goes by, while the site is built.

Where a page says ``{generated} NAME`` stands the Markdown that :data:`PARTS` makes: of the parsers, the tables of
faults, the schemas, the plug-in. What may change here: how it is laid out; what it says comes from there.
"""

from __future__ import annotations

import argparse
import inspect
import io
import json
import re
import tempfile
from contextlib import chdir, redirect_stdout
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dirac_failover.cli import VERBS, main, make_parser
from dirac_failover.cli.exits import Exit
from dirac_failover.reports.schemas import SCHEMAS
from dirac_fakes import World
from dirac_fakes.faults import CLOCK, LOCAL, SCHEDULES, SERVICES
from dirac_fakes.kinds import KINDS
from dirac_fakes.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sphinx.application import Sphinx

PLACE = re.compile(r"^```\{generated\} ([\w-]+)\n```$", re.MULTILINE)


def _cell(text: str) -> str:
    return _text(text).replace("|", "\\|").replace("\n", " ")


def _text(text: str) -> str:
    return text.replace("<", "&lt;").replace("_", "\\_").replace("*", "\\*")


def _block(language: str, text: str) -> str:
    return f"````{language}\n{text.rstrip()}\n````\n"


# The command line


def command_line() -> Iterator[str]:
    """Yield each command: what it is for, how it is used, its options."""
    parsers = make_parser(VERBS)._subparsers._group_actions[0].choices  # noqa: SLF001 - argparse has no other way to ask
    for name, summary in VERBS.items():
        parser = parsers[name]
        parser.formatter_class = partial(argparse.RawDescriptionHelpFormatter, width=88)
        parser.color = False  # of Python 3.14
        yield f"## {name}\n\n{summary[0].upper()}{summary[1:]}.\n"
        yield _block("text", parser.format_usage().removeprefix("usage: "))
        for group in parser._action_groups:  # noqa: SLF001
            yield from _options(group._group_actions, parser)  # noqa: SLF001
        if parser.epilog:
            yield _block("text", parser.epilog)


def _options(actions: Iterable[argparse.Action], parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in actions:
        if action.help == argparse.SUPPRESS or action.dest == "help":
            continue
        formatter = argparse.HelpFormatter(parser.prog)
        shown = formatter._format_action_invocation(action)  # noqa: SLF001
        yield f"`{shown}`\n: {_text(formatter._expand_help(action)) if action.help else ''}\n"  # noqa: SLF001


def exit_codes() -> Iterator[str]:
    """Yield the table of the exit codes, with what the help says of them."""
    with redirect_stdout(io.StringIO()) as printed:
        main(["--help"])
    said = dict(re.findall(r"^  (\d)  (.+)$", printed.getvalue(), re.MULTILINE))
    yield "| code | name | meaning |\n|---|---|---|"
    yield from (f"| {code.value} | `{code.name}` | {_cell(said[str(code.value)])} |" for code in Exit)


# Faults

_VALUES: Final = {
    "s_error": "Not now;errno=1109", "latency": "1500", "http": "503", "malformed_reply": "<html>", "limit_data": "10",
    "raises": "ValueError: boom", "bad_shape": "none", "partial": "1",
}  # fmt: skip
"""A value for each kind that must have one."""
_CALL: Final = (
    "Transformation/TransformationManager",
    "setFileStatusForTransformation",
    (12, {"100": ["Unused", True]}),
)


def faults() -> Iterator[str]:
    """Yield the kinds of faults, with an example of each, and what comes back from a call."""
    kinds = {name: kind for name, kind in KINDS.items() if kind.function}
    examples = {name: f"transformation:{name}" + (f"={_VALUES[name]}" if name in _VALUES else "") for name in kinds}
    yield "| kind | the caller sees | applied |\n|---|---|---|"
    yield from (f"| `{name}` | {_cell(kind.sees)} | {kind.applied} |" for name, kind in kinds.items())
    yield "\nWhat comes back:\n"
    yield from (f"`{fault}`\n: `{_answer(fault)}`\n" for fault in examples.values())


def _answer(fault: str) -> str:
    world = World()
    world.arm(fault)
    try:
        answer: Any = world(*_CALL)
    except Exception as error:  # noqa: BLE001 - it is what the fault is for
        return f"{type(error).__name__}: {error}"
    if isinstance(answer, dict) and "OK" in answer:
        shown = {key: answer[key] for key in ("OK", "Errno", "Message", "Value") if key in answer}
        answer = {key: value for key, value in shown.items() if not (key == "Errno" and not value)}
    return str(answer).replace("`", "'")


def local_faults() -> Iterator[str]:
    """Yield the kinds of faults that do not hit a service."""
    yield "| fault | what happens |\n|---|---|"
    yield from (
        f"| `{target}:{kind}` | {_cell(KINDS[kind].sees)} |"
        for target, kinds in {**LOCAL, CLOCK: ["skew"]}.items()
        for kind in kinds
    )


def schedules() -> Iterator[str]:
    """Yield when a fault strikes."""
    yield "| schedule | strikes |\n|---|---|"
    yield from (f"| `{name}` | {_cell(schedule.when)} |" for name, schedule in SCHEDULES.items())


def services() -> Iterator[str]:
    """Yield what can be hit: services by their short names, and their methods."""
    yield "| name | service | methods |\n|---|---|---|"
    for name, service in SERVICES.items():
        yield f"| `{name}` | {service.full} | {', '.join(f'`{method}`' for method in sorted(service.faked))} |"


def service_classes() -> Iterator[str]:
    """Yield the reference of each service's class, and of their base."""
    yield "```{eval-rst}"
    for kind in (*SERVICES.values(), Service):
        yield f".. autoclass:: {kind.__module__}.{kind.__name__}\n   :members:\n   :show-inheritance:\n"
    yield "```"


# Formats


def formats() -> Iterator[str]:
    """Yield each format: its fields, an example, and its schema."""
    for name, schema in SCHEMAS.items():
        rules = schema()
        said = ". ".join(rules[key].rstrip(".") for key in ("title", "description") if key in rules)
        yield f"## {name}\n\n{_text(said)}.\n"
        if fields := rules.get("properties"):
            required = rules.get("required", [])
            yield "| field | type | what it is |\n|---|---|---|"
            for field, rule in fields.items():
                always = "" if field in required else " (may be missing)"
                yield f"| `{field}` | {_type(rule)}{always} | {_cell(rule.get('description', ''))} |"
            yield ""
        if example := _examples().get(name):
            yield _folded(f"An example of {name}", example)
        yield _folded(f"The schema of {name}, as 'dirac-failover schema {name}' prints it", rules)


def _type(rule: dict[str, Any]) -> str:
    if "const" in rule:
        return f"`{json.dumps(rule['const'])}`"
    if "enum" in rule:
        return " or ".join(f"`{json.dumps(value)}`" for value in rule["enum"])
    if "$ref" in rule:
        return str(rule["$ref"]).rpartition("/")[2]
    if several := rule.get("anyOf") or rule.get("oneOf"):
        return " or ".join(map(_type, several))
    kind = rule.get("type", "any JSON")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def _folded(title: str, data: Any) -> str:
    text = json.dumps(data, indent=2, ensure_ascii=False)
    return f":::::{{dropdown}} {title}\n{_block('json', text)}:::::\n"


@cache
def _examples() -> dict[str, Any]:
    """Return an example of each format, made by the commands themselves."""
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        verify = ("verify", "reference", "--clause", "LL-011", "--region", "answers", "--shard", "1/500")
        _printed(*verify, "--workers", "1", "--output", "results.json", "--baseline", "baseline.json", "--accept")
        run = json.loads(_printed("run", "--input", "/vo/a", "--json"))
        return {
            "run": run,
            "scenario": run["scenario"],
            "results": json.loads(Path("results.json").read_text(encoding="utf-8")),
            "baseline": json.loads(Path("baseline.json").read_text(encoding="utf-8")),
            "compare": json.loads(_printed("compare", "results.json", "--format", "json")),
            "diff": json.loads(_printed("diff", "results.json", "results.json", "--format", "json")),
        }


def _printed(*command: str) -> str:
    with redirect_stdout(io.StringIO()) as printed:
        main(command)
    return printed.getvalue()


# The plug-in


class _Asked:
    """Stands for pytest's parser and configuration, and keeps what the plug-in says to it."""

    def __init__(self) -> None:
        self.options: list[tuple[str, str]] = []
        self.settings: list[tuple[str, str]] = []
        self.markers: list[str] = []

    def getgroup(self, *_: str) -> _Asked:
        return self

    def addoption(self, *names: str, **details: Any) -> None:
        value = f" {details['metavar']}" if details.get("metavar") else ""
        self.options.append((", ".join(names) + value, details.get("help", "")))

    def addini(self, name: str, help: str, **_: Any) -> None:  # noqa: A002 - pytest calls it so
        self.settings.append((name, help))

    def addinivalue_line(self, name: str, line: str) -> None:
        if name == "markers":
            self.markers.append(line)

    def __getattr__(self, _: str) -> Any:
        return lambda *_, **__: None


def options() -> Iterator[str]:
    """Yield the options of the plug-in, its settings, and its markers."""
    plugin, asked = import_module("dirac_failover.pytest_plugin"), _Asked()
    plugin.pytest_addoption(asked)
    getattr(plugin, "pytest_configure", lambda _: None)(asked)
    yield "| option | what it does |\n|---|---|"
    yield from (f"| `{name}` | {_cell(said)} |" for name, said in asked.options)
    yield "\n| setting | what it does |\n|---|---|"
    yield from (f"| `{name}` | {_cell(said)} |" for name, said in asked.settings)
    if asked.markers:
        yield "\n| marker | what it does |\n|---|---|"
        yield from (
            f"| `{name}` | {_cell(said.strip())} |" for name, _, said in (m.partition(":") for m in asked.markers)
        )
    yield ""


def fixtures() -> Iterator[str]:
    """Yield each fixture of the plug-in with its docstring, in the order in which they are written."""
    for key, found in vars(import_module("dirac_failover.pytest_plugin")).items():
        marker = getattr(found, "_fixture_function_marker", None)  # pytest says it nowhere else
        if marker is not None and not key.startswith("_"):
            text = inspect.cleandoc(found.__doc__ or "")
            yield f"### {marker.name or key}\n\n```{{eval-rst}}\n{text}\n```\n"


PARTS: Final[dict[str, Callable[[], Iterator[str]]]] = {
    "command-line": command_line,
    "exit-codes": exit_codes,
    "faults": faults,
    "local-faults": local_faults,
    "schedules": schedules,
    "services": services,
    "service-classes": service_classes,
    "formats": formats,
    "options": options,
    "fixtures": fixtures,
}


def _read(_app: Sphinx, _name: str, source: list[str]) -> None:
    source[0] = PLACE.sub(lambda match: "\n".join(PARTS[match[1]]()), source[0])


def setup(app: Sphinx) -> dict[str, Any]:
    """Let it see every page before it is parsed."""
    app.connect("source-read", _read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
