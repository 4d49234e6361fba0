"""The timeline as a picture: what it says is what the report says, and it can stand in any page."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from dirac_failover.conformance import svg as module
from dirac_failover.conformance.kits import KITS
from dirac_failover.conformance.run_command import run
from dirac_failover.conformance.svg import LANES, draw
from dirac_failover.spec.scenario import Scenario

NS = "{http://www.w3.org/2000/svg}"
REFUSED = {"OK": False, "Errno": 0, "Message": "[Errno 111] Connection refused"}
FINE = {"OK": True, "Value": None}


def call(target: str = "module", method: str = "_execute", *args: Any, **others: Any) -> dict[str, Any]:
    """A call as a report has it."""
    return {"target": target, "method": method, "args": list(args), "answer": None, "calls": [], **others}


def drawn(*calls: dict[str, Any], title: str | None = None, **changes: Any) -> ET.Element:
    """The picture of a report with these calls."""
    report = {
        "scenario": {},
        "calls": list(calls),
        "ended": "returned",
        "result": FINE,
        "request": None,
        "files": {},
        "recovery": None,
        **changes,
    }
    return ET.fromstring(draw(report, title=title))  # noqa: S314 - it is ours


def texts(svg: ET.Element) -> list[tuple[int, str]]:
    """Where each row's text begins, and what it says; the names of the lanes first."""
    found = []
    for element in svg.iter(f"{NS}text"):
        said = (element.text or "") + "".join(
            (part.text or "") * (part.tag == f"{NS}tspan") + (part.tail or "") for part in element
        )
        found.append((int(element.get("x", "")), said))
    return found


def rows(svg: ET.Element) -> list[str]:
    """What the rows say, from the first call to the end of ``execute``."""
    said = [text for _, text in texts(svg)][len(LANES) :]
    return said[: said.index("")]


def rest(svg: ET.Element) -> list[str]:
    """What stands below."""
    said = [text for _, text in texts(svg)]
    return said[said.index("") + 1 :]


def classes(svg: ET.Element, tag: str) -> list[str | None]:
    return [element.get("class") for element in svg.iter(f"{NS}{tag}")]


def test_a_call_stands_in_the_lane_of_its_target() -> None:
    """And an arrow leads to it from the lane of the one that makes it."""
    service = call("transformation", "go", answer=REFUSED)
    svg = drawn(call(calls=[call("FileReport", "commit", calls=[service], answer=REFUSED)]))
    assert texts(svg) == [
        (8, "module"),
        (184, "collaborators"),
        (344, "services"),
        (22, "_execute"),
        (198, "FileReport.commit()"),
        (358, "transformation.go()  ✗ connection refused"),
        (198, "✗ not OK"),
        (22, "execute  → OK: None"),
        (22, ""),
        (22, "no file  → nothing is pending"),
    ]
    assert [path.get("d") for path in svg.iter(f"{NS}path")] == [
        "M17 60H186m-5 -3l5 3l-5 3",
        "M193 80H346m-5 -3l5 3l-5 3",
    ]


def test_a_bar_is_as_long_as_its_call() -> None:
    """From the row in which it begins to the one in which it answers."""
    svg = drawn(call(calls=[call("JobReport", "a", answer=FINE), call("JobReport", "b", answer=FINE)]), call())
    bars = [tuple(int(bar.get(name, "")) for name in ("x", "y", "height")) for bar in svg.iter(f"{NS}rect")]
    assert bars == [(187, 56, 9), (187, 76, 9), (11, 36, 49), (11, 96, 9)]
    assert {(bar.get("width"), bar.get("rx")) for bar in svg.iter(f"{NS}rect")} == {("6", "3")}
    assert classes(svg, "rect") == ["bar dim", "bar dim", "bar ", "bar "]


def test_a_call_within_its_own_lane_is_indented() -> None:
    """As generateFailoverFile, which _execute calls; what it calls starts from there."""
    inner = call(method="generateFailoverFile", calls=[call("Request", "toJSON", answer=FINE)])
    svg = drawn(call(calls=[inner]))
    assert texts(svg)[4:6] == [(36, "generateFailoverFile"), (198, "Request.toJSON()  → OK")]
    assert [path.get("d") for path in svg.iter(f"{NS}path")] == [
        "M17 60H24m-5 -3l5 3l-5 3",
        "M31 80H186m-5 -3l5 3l-5 3",
    ]
    nested = drawn(call("transformation", "a", calls=[call("transformation", "b", answer=1)]))
    assert [left for left, _ in texts(nested)[3:5]] == [358, 372]


def test_a_call_goes_back_to_the_lane_of_its_target() -> None:
    """Also when it is made from a lane further to the right."""
    svg = drawn(call("transformation", "a", calls=[call("FileReport", "b", calls=[call()])]))
    assert [left for left, _ in texts(svg)[3:6]] == [358, 198, 22]


def test_what_execute_itself_calls_comes_from_the_module() -> None:
    """It is in no hook; a hook comes from nowhere."""
    svg = drawn(call(), call("JobReport", "setApplicationStatus", "x", answer=FINE))
    assert [path.get("d") for path in svg.iter(f"{NS}path")] == ["M17 60H186m-5 -3l5 3l-5 3"]


def test_without_execute_there_is_no_row_for_it() -> None:
    """A scenario that calls other methods instead shows these."""
    made = call("module", "finalize")
    assert rows(drawn(made, scenario={"calls": [["finalize", []]]}, result=[None])) == ["finalize"]
    assert rows(drawn(made))[-1].startswith("execute")


def test_names_that_stand_for_times_are_explained() -> None:
    """Below the calls, if there are any."""
    assert "stand for times" in rows(drawn(call("Request", "go", "<T1>")))[-1]
    assert "stand for times" not in " ".join(rows(drawn(call("Request", "go"))))


def test_an_answer_without_room_stands_below() -> None:
    """The longest that fits beside its call is beside it."""
    room = int((710 - 198) / 7.25)
    taken = len("FileReport.x()") + 2 + len("→ ")
    fitting, longer = "y" * (room - taken - 2), "y" * (room - taken - 1)
    assert rows(drawn(call("FileReport", "x", answer=fitting)))[:-1] == [f"FileReport.x()  → '{fitting}'"]
    svg = drawn(call("FileReport", "x", answer=longer))
    assert rows(svg)[:-1] == ["FileReport.x()", f"→ '{longer}'"]
    assert next(svg.iter(f"{NS}rect")).get("height") == "29"


def test_what_does_not_fit_is_cut_and_said_whole_in_its_hint() -> None:
    """And in the description."""
    args = ["z" * 80, "z" * 30]
    svg = drawn(call("job-state", "x", *args, answer=FINE))
    whole = f"job-state.x('{args[0]}', '{args[1]}')"
    cut, answer, _ = rows(svg)
    assert (cut, answer) == (f"{whole[:47]}…", "→ OK")
    (hint,) = [title.text for text in svg.iter(f"{NS}text") for title in text.iter(f"{NS}title")]
    assert hint == whole
    assert (svg.findtext(f"{NS}desc") or "").startswith(f"{whole}; → OK; execute")
    assert rows(drawn(call("job-state", "x" * 36)))[0] == f"job-state.{'x' * 36}()"
    assert rows(drawn(call("job-state", "x" * 37)))[0] == f"job-state.{'x' * 37}…"


def test_a_text_that_is_cut_leaves_room_for_nothing_else() -> None:
    """Then the end of the module is cut, never drawn over the edge."""
    svg = drawn(call(method="x" * 130), result={"OK": True, "Value": "v" * 140})
    assert [len(text) for text in rows(svg)] == [94, 94]
    assert rows(svg)[1].endswith("v…")
    (row,) = rest(drawn(files={f"{'x' * 120}_request.json": ""}))
    assert (len(row), row[-3:]) == (94, "xx…")


def test_failures_have_a_sign_and_a_colour() -> None:
    """So that colour alone says nothing."""
    svg = drawn(call("FileReport", "a", answer=REFUSED), call("FileReport", "b", answer=FINE), ended="raised", result=1)
    assert rows(svg) == ["FileReport.a()  ✗ connection refused", "FileReport.b()  → OK", "execute  ✗ 1 escapes"]
    assert classes(svg, "rect") == ["bar red", "bar dim"]
    assert classes(svg, "tspan") == ["red", "dim", "bold", "red", "bold", "dim"]


def test_what_a_hook_returned_in_vain_is_no_failure() -> None:
    """As in the text."""
    svg = drawn(call(answer=REFUSED))
    assert rows(svg)[0].startswith("_execute  → returned connection refused, which is")
    assert classes(svg, "rect") == ["bar dim"]


@pytest.mark.parametrize(
    ("request_", "files", "shown"),
    [
        (None, {}, ["no file  → nothing is pending"]),
        ({"Operations": []}, {"a.log": "x"}, ["no file  → nothing is pending"]),
        ("two", {}, ["no file  ✗ 2 operations in no file", "1. operation A (/a)", "2. operation B"]),
        (
            "two",
            {"1_2_request.json": "{}"},
            ["file 1_2_request.json  → 2 operations", "1. operation A (/a)", "2. operation B"],
        ),
    ],
    ids=["no request", "empty", "lost", "written"],
)
def test_the_file_and_its_operations_stand_at_the_end(request_: Any, files: dict[str, str], shown: list[str]) -> None:
    """Operations that are in no file are lost."""
    if request_ == "two":
        request_ = {
            "Operations": [
                {"Type": "A", "decoded": None, "Files": ["/a"]},
                {"Type": "B", "decoded": None, "Files": []},
            ]
        }
    svg = drawn(request=request_, files=files)
    assert rest(svg) == shown
    assert [left for left, _ in texts(svg)[-len(shown) :]] == [22, 36, 36][: len(shown)]
    assert classes(svg, "tspan")[-2:] == ["bold", "red" if "✗" in shown[0] else "dim"]


def test_what_came_of_it_all_is_said_last() -> None:
    """As in the text."""
    recovery = {"converged": False, "twice": ["one", "two"], "lost": ["three"]}
    svg = drawn(recovery=recovery)
    assert rest(svg)[1:] == [
        "✗ Not converged: 1 lost item, 2 duplicates.",
        "- lost: three",
        "- twice: one",
        "- twice: two",
    ]
    assert [left for left, _ in texts(svg)[-4:]] == [22, 36, 36, 36]
    assert classes(svg, "tspan")[-1] == "red"
    svg = drawn(recovery={"converged": True, "lost": []})
    assert rest(svg)[1:] == ["✓ Converged: nothing is lost, and the services hold what they must."]
    assert classes(svg, "tspan")[-1] == "green"


def test_it_has_a_name_and_a_description() -> None:
    """For whoever cannot see it."""
    svg = drawn(call())
    assert svg.get("role") == "img"
    assert [child.tag for child in svg][:2] == [f"{NS}title", f"{NS}desc"]
    assert svg.findtext(f"{NS}title") == "The end of a job"
    assert svg.findtext(f"{NS}desc") == "_execute; execute  → OK: None; no file  → nothing is pending"
    assert drawn(scenario={"faults": ["a:down", "b:down"]})[0].text == "The end of a job, with a:down, b:down"
    assert drawn(title="So & so")[0].text == "So & so"


def test_it_is_as_large_as_what_it_shows() -> None:
    """The lanes end where execute does."""
    svg = drawn(call())
    assert (svg.get("width"), svg.get("height"), svg.get("viewBox")) == ("710", "114", "0 0 710 114")
    assert [line.attrib for line in svg.iter(f"{NS}line")] == [
        {"class": "lane", "x1": left, "x2": left, "y1": "24", "y2": "74"} for left in ("14", "190", "350")
    ]
    assert [element.get("y") for element in svg.iter(f"{NS}text")] == ["16", "16", "16", "44", "64", "84", "104"]


def test_it_is_drawn_to_the_letter() -> None:
    """There is nothing in it that is not said here; the style is the module's."""
    plain = {"scenario": {}, "ended": "returned", "result": FINE, "files": {}, "recovery": None}
    calls = [call(calls=[call("FileReport", "commit", answer=REFUSED)])]
    text = draw({**plain, "calls": calls, "request": {"Operations": [{"Type": "A", "decoded": None, "Files": []}]}})
    assert text == (
        '<svg xmlns="http://www.w3.org/2000/svg" class="timeline" role="img" viewBox="0 0 710 154" width="710" '
        'height="154"><title>The end of a job</title><desc>_execute; FileReport.commit()  ✗ connection refused; '
        "execute  → OK: None; no file  ✗ 1 operation in no file; 1. operation A</desc>"
        f"<style>{module._STYLE}</style>"
        '<text x="8" y="16" class="bold">module</text><line class="lane" x1="14" x2="14" y1="24" y2="94"/>'
        '<text x="184" y="16" class="bold">collaborators</text>'
        '<line class="lane" x1="190" x2="190" y1="24" y2="94"/>'
        '<text x="344" y="16" class="bold">services</text><line class="lane" x1="350" x2="350" y1="24" y2="94"/>'
        '<rect class="bar red" x="187" y="56" width="6" height="9" rx="3"/>'
        '<rect class="bar " x="11" y="36" width="6" height="29" rx="3"/>'
        '<text x="22" y="44"><tspan class="bold">_execute</tspan></text>'
        '<path d="M17 60H186m-5 -3l5 3l-5 3"/>'
        '<text x="198" y="64">FileReport.commit()<tspan class="red">  ✗ connection refused</tspan></text>'
        '<text x="22" y="84"><tspan class="bold">execute</tspan><tspan class="green">  → OK: None</tspan></text>'
        '<text x="22" y="104"></text>'
        '<text x="22" y="124"><tspan class="bold">no file</tspan>'
        '<tspan class="red">  ✗ 1 operation in no file</tspan></text>'
        '<text x="36" y="144">1. operation A</text>'
        "</svg>\n"
    )
    assert module._STYLE.endswith("}")


def test_it_can_stand_in_a_page() -> None:
    """It loads nothing, names nothing by an ID, its style is about itself, and what is hostile is text."""
    evil = "</svg><script>alert(1)</script>\"'&\x1b"
    text = draw(
        {
            "scenario": {"faults": [evil]},
            "calls": [call("FileReport", evil, evil, raised={"exception": evil, "args": [evil]})],
            "ended": "returned",
            "result": evil,
            "request": None,
            "files": {f"{evil}_request.json": ""},
            "recovery": {"converged": False, "unchecked": [evil], "lost": [evil]},
        }
    )
    assert text.count("<script") == 0
    assert text.count("\x1b") == 0
    assert not re.search(r"\b(id|href|src)=|url\(|@import", re.sub(r"&quot;|&#x27;", "", text))
    style = text[text.index("<style>") + 7 : text.index("</style>")].replace("@media(prefers-color-scheme:dark){", "")
    assert all(part.lstrip().startswith(".timeline") for part in re.findall(r"([^{}]+)\{", style))
    assert text.startswith('<svg xmlns="http://www.w3.org/2000/svg" class="timeline" role="img" ')
    assert text.endswith("</svg>\n")
    ET.fromstring(text)  # noqa: S314 - it is ours


def test_a_real_run_is_drawn_whole() -> None:
    """Every call of the report has its row."""
    report = run(KITS["reference"](), Scenario.of_job(inputs=("/vo/a",), faults=("transformation:down",)))
    svg = ET.fromstring(draw(report))  # noqa: S314 - it is ours
    methods = re.findall(r"'method': '(\w+)'", str(report["calls"]))
    said = [text for _, text in texts(svg)]
    assert len(methods) > 10
    assert [method for method in methods if not any(method in text for text in said)] == []
    assert "file 12_34_request.json  → 1 operation" in said
    assert said[-1] == "✓ Converged: nothing is lost, and the services hold what they must."
