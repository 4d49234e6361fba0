"""The timeline as a picture: what it says is what the report says, and it can stand in any page."""

from __future__ import annotations

import re
import runpy
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from dirac_failover.actors.run_report import run
from dirac_failover.drivers.implementations import IMPLEMENTATIONS
from dirac_failover.spec.observation import flatten
from dirac_failover.spec.scenario import Scenario
from tests.reports.made import FINE, RECOVERY, REFUSED, call, operation, report

DRAW = runpy.run_path(str(Path(__file__).parents[2] / "docs/_ext/svg.py"))["draw"]
NS = "{http://www.w3.org/2000/svg}"
OPERATIONS = [operation(Type=name) for name in "AB"]


def drawn(*calls, title=None, **changes):
    """The picture of a report with these calls."""
    return ET.fromstring(DRAW(report(*calls, **{"recovery": None, **changes}), title=title))  # noqa: S314 - it is ours


def texts(svg: ET.Element) -> list[tuple[int, str]]:
    """Where each row's text begins, and what it says without the hint; the names of the lanes first."""
    found = []
    for element in svg.iter(f"{NS}text"):
        hint = element.findtext(f"{NS}title") or ""
        found.append((int(element.get("x", "")), "".join(element.itertext()).removeprefix(hint)))
    return found[3:]


def rows(svg: ET.Element) -> list[str]:
    """What the rows say: the calls, the end of ``execute``, an empty row, and the rest."""
    return [text for _, text in texts(svg)]


def test_a_call_stands_in_the_lane_of_its_target_and_an_arrow_leads_to_it() -> None:
    """A hook has no arrow; what a call answers stands below the calls that it makes."""
    service = call("transformation", "go", answer=REFUSED)
    svg = drawn(call(calls=(call("FileReport", "commit", calls=(service,), answer=REFUSED),)))
    assert rows(svg) == [
        "_execute", "FileReport.commit()", "transformation.go()  ✗ connection refused", "✗ not OK",
        "execute  → OK: None", "", "no file  → nothing is pending",
    ]  # fmt: skip
    module, collaborator, service_lane, answer, *_ = [left for left, _ in texts(svg)]
    assert module < collaborator == answer < service_lane
    assert len([*svg.iter(f"{NS}path")]) == 2
    heights = [int(bar.get("height", "")) for bar in svg.iter(f"{NS}rect")]
    assert len(heights) == 3
    assert heights == sorted(heights)


def test_a_call_within_its_own_lane_is_indented() -> None:
    """The call of generateFailoverFile is indented; a call from a lane further right returns to its own lane."""
    svg = drawn(call(calls=(call(method="generateFailoverFile"), call("transformation", "a", calls=(call(),)))))
    first, inner, _, back, *_ = [left for left, _ in texts(svg)]
    assert first == back < inner


def test_without_execute_there_is_no_row_for_it() -> None:
    """A scenario that calls other methods instead shows these."""
    assert rows(drawn(call(method="finalize"), scenario=Scenario(calls=(("finalize", []),)), result=[None]))[1] == ""


def test_names_that_stand_for_times_are_explained() -> None:
    """Below the calls, if there are any."""
    assert "stand for times" in rows(drawn(call("Request", "go", "<T1>")))[2]
    assert "stand for times" not in " ".join(rows(drawn(call("Request", "go"))))


def test_a_text_without_room_is_cut_and_said_whole_in_its_hint() -> None:
    """An answer without room stands below its call."""
    answer = "y" * 70
    assert rows(drawn(call("FileReport", "x", answer=answer)))[:2] == ["FileReport.x()", f"→ '{answer}'"]
    svg = drawn(call("job-state", "x", "z" * 80, answer=FINE))
    whole = f"job-state.x('{'z' * 80}')"
    cut = rows(svg)[0]
    assert cut.endswith("…")
    assert whole.startswith(cut[:-1])
    assert [title.text for text in svg.iter(f"{NS}text") for title in text.iter(f"{NS}title")] == [whole]
    assert whole in (svg.findtext(f"{NS}desc") or "")


def test_failures_have_a_sign_and_a_colour() -> None:
    """What a hook returned in vain is no failure."""
    svg = drawn(call("FileReport", "a", answer=REFUSED), call("FileReport", "b", answer=FINE), ended="raised", result=1)
    assert rows(svg)[:3] == ["FileReport.a()  ✗ connection refused", "FileReport.b()  → OK", "execute  ✗ 1 escapes"]
    assert [bar.get("class") for bar in svg.iter(f"{NS}rect")] == ["bar red", "bar dim"]
    assert rows(drawn(call(answer=REFUSED)))[0].startswith("_execute  → returned connection refused, which is")


@pytest.mark.parametrize(
    ("operations", "files", "shown"),
    [
        ([], {"a.log": "x"}, ["no file  → nothing is pending"]),
        (OPERATIONS, {}, ["no file  ✗ 2 operations in no file", "1. operation A", "2. operation B"]),
        (OPERATIONS[:1], {"1_2_request.json": "{}"}, ["file 1_2_request.json  → 1 operation", "1. operation A"]),
    ],
    ids=["empty", "lost", "written"],
)
def test_the_file_and_its_operations_stand_below(operations: Any, files: dict[str, str], shown: list[str]) -> None:
    """Operations that are in no file are lost."""
    assert rows(drawn(request={"Operations": operations}, files=files))[2:] == shown


def test_the_verdict_is_said_last() -> None:
    """The verdict is the last line of the picture, as it is of the text."""
    svg = drawn(recovery=replace(RECOVERY, converged=False, twice=["one", "two"], lost=["three"]))
    assert rows(svg)[3:] == [
        "✗ Not converged: 1 lost item, 2 duplicates.", "- lost: three", "- twice: one", "- twice: two",
    ]  # fmt: skip
    assert rows(drawn(recovery=RECOVERY))[-1].startswith("✓ Converged")


def test_it_has_a_name_and_a_description_and_can_stand_in_a_page() -> None:
    """It loads nothing, names nothing by an ID, its style is about itself, and what is hostile is text."""
    assert drawn(call()).findtext(f"{NS}title") == "The end of a job"
    assert drawn(title="So & so")[0].text == "So & so"
    evil = "</svg><script>alert(1)</script>\"'&\x1b"
    text = DRAW(
        report(
            call("FileReport", evil, evil, raised=(evil, evil)),
            scenario=Scenario(faults=(evil,)),
            result=evil,
            files={f"{evil}_request.json": ""},
            recovery=replace(RECOVERY, converged=False, unchecked=[evil], lost=[evil]),
        )
    )
    assert "<script" not in text
    assert "\x1b" not in text
    assert not re.search(r"\b(id|href|src)=|url\(|@import", re.sub(r"&quot;|&#x27;", "", text))
    style = text[text.index("<style>") + 7 : text.index("</style>")].replace("@media(prefers-color-scheme:dark){", "")
    assert all(part.lstrip().startswith(".timeline") for part in re.findall(r"([^{}]+)\{", style))
    svg = ET.fromstring(text)  # noqa: S314 - it is ours
    assert (svg.get("role"), [child.tag for child in svg][:2]) == ("img", [f"{NS}title", f"{NS}desc"])


def test_a_real_run_is_drawn_whole() -> None:
    """Every call of the report has its row."""
    found = run(
        IMPLEMENTATIONS["reference"].load(), Scenario.of_job(inputs=("/vo/a",), faults=("transformation:down",))
    )
    said = rows(ET.fromstring(DRAW(found)))  # noqa: S314 - it is ours
    methods = [call.method for call in flatten(found.calls)]
    assert len(methods) > 10
    assert [method for method in methods if not any(method in text for text in said)] == []
    assert "file 12_34_request.json  → 1 operation" in said
    assert said[-1].startswith("✓ Converged")
