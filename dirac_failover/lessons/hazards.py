"""The hazards: the sections of ``hazards.md``, which say how DIRAC 9.1 loses something, or calls a loss a success."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

from dirac_failover.errors import SettingError, no_such
from dirac_failover.reports.terminal import Line, section

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dirac_failover.reports.terminal import Style


class Hazard(NamedTuple):
    """One hazard: its ID (``H1``), its title, and the text of its section, in Markdown."""

    id: str
    title: str
    text: str

    @property
    def place(self) -> str:
        """The page and the anchor of its section, as a link from another page of ``docs`` has them."""
        return "hazards.md#" + re.sub(r"[^\w -]", "", f"{self.id} {self.title}".lower()).replace(" ", "-")

    def render(self, style: Style) -> str:
        """Return the section as text for a terminal, each line ended by a newline."""
        return section(style, f"{self.id}: {self.title}", self._lines())

    def _lines(self) -> Iterator[Line]:
        prose, example, _ = re.split(r"^```.*$", self.text, flags=re.MULTILINE)
        yield from (Line(1, _plain(paragraph), hang=0) for paragraph in prose.strip().split("\n\n"))
        yield Line(0, "")
        yield from (Line(2, line) for line in example.strip().splitlines())


def _plain(paragraph: str) -> str:
    return re.sub(r"\[([^]]+)\]\([^)]+\)", r"\1", " ".join(paragraph.split()))


@cache
def hazards() -> Mapping[str, Hazard]:
    """Return the hazards by ID, in the order of the page."""
    page = files("dirac_failover.lessons").joinpath("hazards.md").read_text(encoding="utf-8")
    _, *parts = re.split(r"^## (H\d+): (.+)\n", page, flags=re.MULTILINE)
    return {parts[i]: Hazard(*parts[i : i + 3]) for i in range(0, len(parts), 3)}


def find(name: str) -> Hazard:
    """Return the hazard with this ID; raises SettingError, which names the nearest, when there is none."""
    if found := hazards().get(name.upper()):
        return found
    raise SettingError(no_such("hazard", name, hazards(), "docs/hazards.md describes them"))
