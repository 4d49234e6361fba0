"""The public API: names and signatures that a release may only add to, unless its CHANGELOG says so.

``RENEW=1 pytest tests/test_public_api.py`` writes ``public_api.txt`` again; docs/reference/stability.md says what the
names promise.
"""

import argparse
import importlib
import inspect
import os
import re
from pathlib import Path

import pytest

from dirac_failover import pytest_plugin
from dirac_failover.cli import VERBS, make_parser
from dirac_failover.cli.exits import Exit
from dirac_failover.cli.schema import SCHEMAS

ROOT = Path(__file__).parents[1]
LISTED = Path(__file__).with_name("public_api.txt")
PACKAGES = {
    name: importlib.import_module(name).__all__
    for name in ("dirac_failover", "dirac_failover.testing", "dirac_failover.conformance.suite", "dirac_fakes")
} | {"dirac_failover.serving": ["Endpoint", "over_https"]}
API = ROOT / "docs/reference/api"


def public():
    """Return each public name by its package."""
    found = {}
    for package, names in PACKAGES.items():
        module = importlib.import_module(package)
        found |= {f"{package}.{name}": getattr(module, name) for name in names if name != "__version__"}
    return found


def signature(found):
    """Return names and defaults of the arguments, without types."""
    try:
        given = inspect.signature(found)
    except (TypeError, ValueError):
        return ""
    parameters = [parameter.replace(annotation=parameter.empty) for parameter in given.parameters.values()]
    text = str(given.replace(parameters=parameters, return_annotation=inspect.Signature.empty))
    return re.sub(r"<([\w.]+) object at \w+>|<(?:function|class) '?([\w.]+)[^>]*>", r"\1\2", text)


def lines():
    """Yield the API, a line for each name."""
    for name, found in public().items():
        yield name + (signature(found) if callable(found) else "")
        for key in sorted(dir(found)) if inspect.isclass(found) else ():
            member = inspect.getattr_static(found, key)
            home = getattr(inspect.unwrap(getattr(member, "__func__", member)), "__module__", None) or ""
            if not key.startswith("_") and (not callable(getattr(found, key)) or home.startswith("dirac_")):
                yield f"    .{key}" + (signature(getattr(found, key)) if callable(getattr(found, key)) else "")
    for verb in VERBS:
        verbs = next(item for item in make_parser([verb])._actions if isinstance(item, argparse._SubParsersAction))
        options = [option for action in verbs.choices[verb]._actions for option in action.option_strings]
        yield f"dirac-failover {verb} {' '.join(sorted(options))}"
    yield f"exit codes {' '.join(f'{code.value}={code.name}' for code in Exit)}"
    yield f"schemas {' '.join(SCHEMAS)}"
    for name, found in vars(pytest_plugin).items():
        if (marker := getattr(found, "_fixture_function_marker", None)) and not name.startswith("_"):
            yield f"fixture {marker.name or name}"


def test_the_public_api_is_the_listed_one():
    text = "".join(f"{line}\n" for line in lines())
    if os.environ.get("RENEW"):
        LISTED.write_text(text, encoding="utf-8")
    listed = LISTED.read_text(encoding="utf-8")
    assert text == listed, "if this is meant: RENEW=1 pytest tests/test_public_api.py, and an entry in CHANGELOG.md"


@pytest.mark.parametrize("name", public())
def test_the_reference_describes_each_public_name(name):
    """By the name under which it is imported, or by that of the module in which it is defined."""
    found = public()[name]
    pages = "".join(path.read_text(encoding="utf-8") for path in API.glob("*.md"))
    home = getattr(found, "__module__", "")
    names = {name, f"{home}.{name.rpartition('.')[2]}"}
    modules = {f"automodule:: {home}", f"automodule:: {name.rpartition('.')[0]}"}
    assert any(re.search(rf":: {re.escape(one)}$", pages, re.MULTILINE) for one in names) or any(
        re.search(rf"{re.escape(one)}\n   :members:", pages) for one in modules
    )
