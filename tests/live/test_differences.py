"""What is known to differ differs: a row whose difference has gone is to be removed, here and in ``docs/fakes.md``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.live.differences import KNOWN


@pytest.mark.parametrize("name", KNOWN)
def test_a_known_difference_is_still_there(grid, name):
    """The example of the row gets another answer, or leaves another state, when nothing is left out."""
    from tests.live.worlds import comparisons

    row = KNOWN[name]
    whole = comparisons()[row.service]._replace(read=lambda _, answer: answer)
    _, difference = whole.run({"status": "Running"} if "JobState" in row.service else {}, row.example)
    assert difference is not None


def test_each_known_difference_is_documented():
    """The page has a line for each row, by its name."""
    page = Path("docs/fakes.md").read_text()
    assert [name for name in KNOWN if f"| `{name}` |" not in page] == []
