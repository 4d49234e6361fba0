"""The examples in the fakes' docstrings run, and the page about them says what the tables say."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

from dirac_fakes.faults import SCHEDULES, SERVICES
from dirac_fakes.kinds import KINDS

PAGE = Path(__file__).parents[2] / "docs" / "fakes.md"
FLAGS = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL


@pytest.mark.parametrize("name", ["clock", "faults", "journal", "world"])
def test_the_examples_of_a_module_run(name):
    """Each module has at least one."""
    module = import_module(f"dirac_fakes.{name}")
    failed, tried = doctest.testmod(module, optionflags=FLAGS)
    assert failed == 0
    assert tried > 0


def test_the_page_has_the_tables_of_the_code():
    """Each kind, schedule and method, and nothing else in their place."""
    lines = PAGE.read_text().splitlines()
    kinds = [f"| `{name}` | {kind.sees} | {kind.applied} |" for name, kind in KINDS.items()]
    schedules = [f"| `{name}` | {schedule.when} |" for name, schedule in SCHEDULES.items()]
    for header, rows in (("| kind |", kinds), ("| schedule |", schedules)):
        start = next(index for index, line in enumerate(lines) if line.startswith(header)) + 2
        assert lines[start : start + len(rows) + 1] == [*rows, ""]
    for name, service in SERVICES.items():
        row = next(line for line in lines if line.startswith(f"| `{name}` |"))
        assert service.full in row
        assert {method for method in service.faked if f"`{method}`" in row} == service.faked - {
            "getTransformationFilesAsJsonString"
        }
