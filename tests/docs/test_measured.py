"""The page of measurements: its bars are those of its tables, and its figures are those of the other pages."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

from dirac_failover.conformance.zoo import BUGS

ROOT = Path(__file__).parents[2]
MADE = runpy.run_path(str(ROOT / "docs/measured_picture.py"))
PAGE = MADE["PAGE"].read_text(encoding="utf-8")
BUGS_OF_THE_ZOO, OF_DIRAC, OF_LHCB = MADE["tables"](PAGE).values()


def test_the_bars_are_those_of_the_tables():
    assert MADE["PICTURE"].read_text(encoding="utf-8") == MADE["picture"](PAGE), "python docs/measured_picture.py"


def test_no_set_of_tests_notices_more_than_there_is():
    for table in (BUGS_OF_THE_ZOO, OF_DIRAC, OF_LHCB):
        assert len({faults for _, _, faults in table}) == 1
        assert all(0 < noticed <= faults for _, noticed, faults in table)


def test_the_figures_of_the_zoo_are_those_that_are_measured_for_the_guide():
    """A test of the guide runs both files on every bug; the suite has a clause that finds each bug."""
    guide = (ROOT / "docs/howto/replace-mocks.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `test_with_\w+\.py` \| (\d+) \| (\d+) \| \d+ \|$", guide, re.MULTILINE)
    assert [(noticed, faults) for _, noticed, faults in BUGS_OF_THE_ZOO[:2]] == [(int(b), int(a)) for a, b in rows]
    assert BUGS_OF_THE_ZOO[2][1:] == (len(BUGS), len(BUGS))


def test_readme_and_front_page_have_the_same_figures():
    (own, faults), (suite, _) = (row[1:] for row in OF_DIRAC)
    for name in ("README.md", "docs/index.md"):
        text = " ".join((ROOT / name).read_text(encoding="utf-8").split())
        assert (
            f"Of {faults} copies of the module that are wrong in one place each, DIRAC's own unit tests notice {own}"
            in text
        ), name
    assert f"and the clauses {suite}." in " ".join((ROOT / "README.md").read_text().split())
    fixtures = (ROOT / "tests/mutation/lhcb_failover_request.py").read_text(encoding="utf-8")
    code = re.sub(r'""".*?"""', "", fixtures, flags=re.DOTALL)
    lines = sum(bool(line.strip()) for line in code.splitlines())
    assert f"in {lines} lines of code" in " ".join(PAGE.split())
    own, fixed = OF_LHCB[0], OF_LHCB[1]
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert f"notice {own[1]} of {own[2]} wrong copies of it; {lines} lines with the fixtures" in readme
    assert f"for these situations and three more, notice {fixed[1]} (" in readme
