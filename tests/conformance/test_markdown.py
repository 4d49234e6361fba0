"""The matrix as Markdown."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dirac_failover.conformance import markdown
from dirac_failover.conformance.matrix import Matrix
from dirac_failover.spec.nearest import Match

if TYPE_CHECKING:
    from dirac_failover.conformance.results import Results

ALPHA = """\
# Conformance of alpha 1.0

| port | verdict | broken | known | held | not asked | scenarios | profile | date |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
| alpha 1.0 | diverges | 1 | 1 | 1 | 1 | 1,234 | dirac-9.1 | 2026-01-02T03:04:05Z |

## Contract

| clause |  | alpha 1.0 |
| --- | --- | --- |
| CO-001 | Text of CO-001. | held |
| CO-002 | Text of CO-002. | **broken 1,300** |

## DIRAC

| clause |  | alpha 1.0 |
| --- | --- | --- |
| DI-001 | Text of DI-001. | not asked |

## Lossless

| clause |  | alpha 1.0 |
| --- | --- | --- |
| LL-001 | Text of LL-001. | **known 2** |

## Breaches

### CO-002, alpha 1.0

Text of CO-002.

Broken in 1,300 of 2,000 scenarios.
The smallest: inputs: two

Expected:

```json
{
  "OK": false
}
```

Observed:

```json
{
  "OK": true,
  "Value": null
}
```

Scenario:

```json
{
  "faults": [
    "accounting:down"
  ]
}
```

What happened:

```text
1. _execute
2.   AccountingReport.commit() -> connection refused
```

### LL-001, alpha 1.0

Text of LL-001.

Known, by-design: It is so.

Broken in 2 of 4 scenarios.
The smallest: inputs: two

Expected:

```json
{
  "OK": false
}
```

Observed:

```json
{
  "OK": true,
  "Value": null
}
```

Scenario:

```json
{
  "faults": [
    "accounting:down"
  ]
}
```

What happened:

```text
1. _execute
2.   AccountingReport.commit() -> connection refused
```
"""

BETA_AND_GAMMA = """\
# Conformance of beta, gamma 2

| port | verdict | broken | held | no verdict | scenarios | profile | date |
| --- | --- | --- | --- | --- | --- | --- | --- |
| beta | diverges | 1 | 3 | 0 | 1,234 (shard 2/3) | dirac-9.1 | 2026-01-02T03:04:05Z |
| gamma 2 | broke down: no answer in 10 s | 0 | 0 | 2 | 1,234 | dirac-9.1 | 2026-01-02T03:04:05Z |

## Contract

| clause |  | beta | gamma 2 |
| --- | --- | --- | --- |
| CO-001 | Text of CO-001. | held | no verdict |
| CO-002 | Text of CO-002. | held | no verdict |

## Lossless

| clause |  | beta | gamma 2 |
| --- | --- | --- | --- |
| LL-001 | Text of LL-001. | **broken 3** | no verdict |
| LL-002 | Text of LL-002. | held | no verdict |

## Breaches

### LL-001, beta

Text of LL-001.

Broken in 3 of 4 scenarios.
"""


def test_a_port_is_a_table_and_its_breaches(alpha: Results) -> None:
    """What it is, level by level, and of each breach the smallest scenario."""
    assert markdown.page(Matrix.of([("alpha 1.0", "", alpha)])) == ALPHA


def test_ports_stand_side_by_side(beta: Results, down: Results) -> None:
    """A state that no clause is in has no column; why a port broke down stands beside its verdict."""
    assert markdown.page(Matrix.of([("beta", "", beta), ("gamma 2", "", down)])) == BETA_AND_GAMMA


def test_the_levels_that_decide_are_said(alpha: Results, down: Results) -> None:
    """Unless all do; why a port broke down stands behind them."""
    some = replace(alpha, header=replace(alpha.header, levels=("contract", "dirac")))
    none = replace(down, header=replace(down.header, levels=("contract",)))
    page = markdown.page(Matrix.of([("A", "", some), ("G", "", none)]))
    assert "| A | diverges, by contract and dirac | " in page
    assert "| G | broke down, by contract: no answer in 10 s | " in page


def test_the_nearest_profile_is_said(alpha: Results) -> None:
    """Beside the one that the port was held against."""
    known = replace(alpha, nearest=(Match("dirac-8.0", 2, 1, 3), Match("dirac-9.1", 2, 1, 4)))
    assert " | dirac-9.1 (nearest: dirac-8.0) | 2026" in markdown.page(Matrix.of([("A", "", known)]))


def test_without_breaches_there_is_no_such_heading(down: Results) -> None:
    """An empty chapter would only make people look twice."""
    assert "## Breaches" not in markdown.page(Matrix.of([("g", "", down)]))


def test_everything_is_escaped() -> None:
    """What means something in Markdown is shown as it is, and a line stays a line."""
    assert markdown.escape("\\`*_[]<>|~&#@!$") == "".join(f"\\{c}" for c in "\\`*_[]<>|~&#@!$")
    assert markdown.escape("a-b.c (d)\n") == "a-b.c (d)\\\\n"


def test_a_hostile_file_breaks_neither_tables_nor_fences(hostile: Results) -> None:
    """Every row has as many cells as its head, and each fence ends where it should."""
    lines = markdown.page(Matrix.of([("h", "", hostile)])).splitlines()
    for line in lines:
        if line.startswith("|"):
            cells = line.replace("\\\\", "").replace("\\|", "").strip("|").split("|")
            assert len(cells) in {3, 7}
    fences = [line for line in lines if line.startswith("```")]
    assert fences == ["```json", "```"] * 3 + ["```text", "```"] + ["```json", "```"] * 3 + ["```text", "```"]
    outside = True
    for line in lines:
        if line.startswith("```"):
            outside = not outside
        elif outside:
            assert "<" not in line.replace("\\<", "")


def test_a_table_is_rows_below_a_head() -> None:
    """As many dashes as columns."""
    assert list(markdown.table([["a", "b"], ["c", "d"]])) == ["| a | b |", "| --- | --- |", "| c | d |"]
