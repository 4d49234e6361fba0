"""Timelines in pages: runs the end of a job while the site is built, and draws it.

The argument of the directive is what ``dirac-failover run`` is given, or the ID of a clause: then it is the run that
``dirac-failover explain`` shows; or ``lesson NAME``, for the run of a lesson. What may change
here: how a picture stands in a page.
"""

from __future__ import annotations

import argparse
import shlex
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any

from blocks import raw
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective
from svg import draw

from dirac_failover.actors.run_report import run
from dirac_failover.cli import run as run_command
from dirac_failover.conformance.examples import example, find
from dirac_failover.drivers.implementations import IMPLEMENTATIONS
from dirac_failover.drivers.resolve import DEFAULT
from dirac_failover.lessons.lessons import find_lesson
from dirac_failover.spec.clauses import LOSSLESS

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx


class Timeline(SphinxDirective):
    """A picture of a real run, in a box that scrolls where the page is narrow."""

    optional_arguments = 1
    final_argument_whitespace = True
    option_spec = {"title": directives.unchanged, "folded": directives.flag}  # noqa: RUF012 - as docutils has it

    def run(self) -> list[nodes.Node]:
        """Return the picture; ``:title:`` says what it shows, and ``:folded:`` opens it on demand."""
        words = shlex.split(self.arguments[0] if self.arguments else "")
        asked = len(words) == 1 and not words[0].startswith("-")
        if words[:1] == ["lesson"]:
            told, svg = _of_lesson(words[1])
        else:
            told, svg = _of_clause(words[0]) if asked else _of_run(*words)
        told = self.options.get("title", told)
        box = (
            f'<div class="timeline-box" role="region" tabindex="0" aria-label="{escape(told)}">'
            f"{svg.replace('<title>', f'<title>{escape(told)}. ', 1)}</div>"
        )
        if "folded" in self.options:
            box = f'<details class="dropdown"><summary>{escape(told)}</summary>{box}</details>'
        return [raw(box)]


def _of_run(*options: str) -> tuple[str, str]:
    parser = argparse.ArgumentParser()
    run_command.add_arguments(parser)
    return "Timeline of a job's end", draw(run_command.report_of(parser.parse_args(options)))


def _of_lesson(name: str) -> tuple[str, str]:
    lesson = find_lesson(name)
    return lesson.title, draw(run(IMPLEMENTATIONS[DEFAULT].load(), lesson.scenario, lesson.module))


@cache
def _of_clause(name: str) -> tuple[str, str]:
    clause = find(name)
    found = example(clause)
    if found is None:
        raise RuntimeError(f"{clause.id} has no example")
    broken = clause.level == LOSSLESS
    told = f"A job's end in which {'DIRAC breaks it' if broken else 'it is kept'}"
    return told, draw(run(IMPLEMENTATIONS[DEFAULT].load(), found[0]))


def setup(app: Sphinx) -> dict[str, Any]:
    """Make the directive known."""
    app.add_directive("timeline", Timeline)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
