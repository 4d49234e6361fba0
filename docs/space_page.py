"""Writes ``docs/space.md`` from the tables of the space: ``python docs/space_page.py``. A test compares the two."""

from __future__ import annotations

from pathlib import Path

from dirac_failover.spec.space import REGIONS

PAGE = Path(__file__).with_name("space.md")

HEAD = """# The space of scenarios

*Made from the tables in `dirac_failover/spec` by `python docs/space_page.py`.*

A scenario is one complete situation at the end of a job. The space is {total:,} of them, all different, and all of them
are run: on the reference, and beside it on the real DIRAC.

## What is complete, and why that is enough

The space has regions, and each region is the full product of its dimensions. A dimension is a question that the module
asks of its surroundings; its values are all the answers that the module can tell apart. It is branched on only where
the module gets to ask: when the proxy's owner is missing, the request is never serialised, so how serialising fails is
not asked there. `tests/spec` checks on the reference that what a scenario scripts is really asked for.

In two places the product is cut. How the file is written (`serialise`, `file`, `digest`) is tried with inputs whose
statuses were taken without incident: all that an incident left is in the request by then, or nowhere; it cannot be told
from a request in which earlier modules put the same operations, and those are multiplied. For the same reason it is not
tried with an accounting that is there and is None: it has been asked for nothing by then, as when there is none.
And how the last status is taken is tried with a digest that could be made: the file is there by then, and nothing comes
of the digest but a log line, or an exception like those that are multiplied.

Regions meet only through values, never through decisions: how the transformation's number was found makes no difference
to whether a service is down. So the product of two regions would show nothing that the regions do not show.

Not in the space, since they are no product of a few values: free texts, dictionaries, masks and lists of output files.
Those are made at random by Hypothesis, for both implementations alike (`tests/differential`).
"""


def page() -> str:
    """Return the whole page."""
    counts = {region.name: sum(1 for _ in region.scenarios()) for region in REGIONS}
    lines = [HEAD.format(total=sum(counts.values()))]
    for region in REGIONS:
        lines += [f"\n## Region “{region.name}”: {counts[region.name]:,} scenarios\n", f"{_sentence(region.reason)}\n"]
        for dimension in region.dimensions:
            lines += [
                f"\n### {dimension.name}\n",
                f"{_sentence(dimension.reason)}\n",
                "\n| value | why it is there |\n|---|---|\n",
            ]
            lines += [f"| {value.name} | {_cell(value.reason)} |\n" for value in dimension.values]
    return "".join(lines)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}." if text[0].islower() else f"{text}."


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
