"""The page: its numbers, its semantics, what it may load, and that nothing of a results file gets out of its place.

The page is read as XML, so each start tag needs its end tag and no attribute may be given twice.
"""

# ruff: noqa: RUF001 - the page's own signs

import base64
import hashlib
import json
import re
from dataclasses import replace
from importlib.resources import files
from xml.etree import ElementTree as ET

import pytest

from dirac_failover import __version__
from dirac_failover.reports import html_page
from dirac_failover.reports.matrix import Matrix
from dirac_failover.spec.profile_fit import Match

TEMPLATES = files("dirac_failover.reports") / "templates"
CSS, JS = (TEMPLATES.joinpath(f"page.{name}").read_bytes().decode("ascii") for name in ("css", "js"))


def parsed(*ports):
    """The page of these ports; the style sheet and the script, which are no XML, are taken out."""
    page = html_page.page(Matrix.of((label, f"{label}.json", results) for label, results in ports))
    assert page.isascii()
    assert page.startswith("<!doctype html>\n")
    page = page.replace(CSS, "").replace(JS, "").removeprefix("<!doctype html>\n")
    page = re.sub(r"<((?:meta|link|input) [^>]*?)( checked)?>", r"<\1\2/>", page).replace(" checked/", ' checked=""/')
    return ET.fromstring(page)  # noqa: S314 - it is ours


def all_(element, tag, class_=""):
    """Every element below that has the tag and, if one is given, the class."""
    return [one for one in element.iter(tag) if not class_ or class_ in one.get("class", "").split()]


def one(element, tag, class_=""):
    """The only one."""
    (found,) = all_(element, tag, class_)
    return found


def text(element):
    """All text, spaces and ends of lines as one space."""
    return " ".join("".join(element.itertext()).split())


def texts(element, tag, class_=""):
    return [text(found) for found in all_(element, tag, class_)]


def classes(element, tag, class_=""):
    return [found.get("class") for found in all_(element, tag, class_)]


@pytest.fixture
def page(alpha, beta, down):
    """Three ports side by side."""
    return parsed(("alpha 1.0", alpha), ("beta", beta), ("gamma 2", down))


def test_each_port_says_what_it_is(page):
    """Verdict, numbers, and all that is needed to run it again."""
    first, second, third = one(page, "ul", "ports")
    assert text(one(first, "h3")) == "alpha 1.0 diverges"
    assert texts(first, "dt") == ["broken", "known", "held", "not asked"]
    assert texts(first, "dd") == ["1"] * 4
    assert texts(one(first, "ul", "facts"), "li") == [
        "1,234 scenarios", "profile dirac-9.1", "shape module", "Python 3.11.7", "Linux", "2026-01-02T03:04:05Z",
    ]  # fmt: skip
    assert text(one(first, "details")) == "Run it againdirac-failover verify alpha:Module"
    assert "shard 2/3" in texts(second, "li")
    assert text(one(third, "h3")) == "gamma 2 broke down"
    assert classes(third, "span", "verdict") == ["verdict broke-down"]
    assert texts(third, "p", "error") == ["no answer in 10 s"]
    assert [*zip(texts(third, "dt"), texts(third, "dd"), strict=True)] == [("no verdict", "2")]


def test_the_levels_that_decide_and_the_nearest_profile_are_said(alpha):
    """Unless all levels decide, and no other profile is nearer."""
    some = replace(alpha, header=replace(alpha.header, levels=("contract", "dirac")))
    some = replace(some, nearest=(Match("dirac-8.0", 2, 1, 3), Match("dirac-9.1", 2, 1, 4)))
    facts = texts(one(parsed(("a", some)), "ul", "facts"), "li")
    assert facts[1:4] == ["profile dirac-9.1 (nearest: dirac-8.0)", "shape module", "judged by contract and dirac"]


def test_the_bar_shows_the_shares(page, alpha):
    """From what is well to what is unknown, without gap or overlap; screen readers have the numbers."""
    first, bar, _ = all_(page, "svg", "bar")
    assert (bar.get("viewBox"), bar.get("aria-hidden")) == ("0 0 4 1", "true")
    parts = [(part.get("class"), part.get("x"), part.get("width")) for part in bar]
    assert parts == [("held", "0", "3"), ("broken", "3", "1")]
    assert [(part.get("class"), part.get("x")) for part in first] == [
        ("held", "0"), ("known", "1"), ("broken", "2"), ("not-asked", "3"),
    ]  # fmt: skip
    empty = one(parsed(("a", replace(alpha, clauses=()))), "svg")
    assert (empty.get("viewBox"), len(empty)) == ("0 0 1 1", 0)


def test_the_table_is_a_table(page):
    """Caption, scopes, and the roles that keep it one where style sheets lay it out otherwise."""
    table = one(page, "table")
    assert text(one(table, "caption")).startswith("For each clause")
    assert texts(one(table, "thead"), "th") == ["Clause", "alpha 1.0", "beta", "gamma 2"]
    groups = [row[0] for row in all_(table, "tr", "level")]
    assert [text(group)[:10] for group in groups] == ["Contractwh", "DIRACwhat ", "Losslessbe"]
    assert {(group.get("colspan"), group.get("scope")) for group in groups} == {("4", "rowgroup")}
    rows = all_(table, "tr", "clause")
    ids = ("CO-001", "CO-002", "DI-001", "LL-001", "LL-002")
    assert [text(row[0]) for row in rows] == [f"{id_}Text of {id_}." for id_ in ids]
    assert classes(table, "tr", "clause") == [
        "clause contract has-held has-no-verdict",
        "clause contract has-broken has-held has-no-verdict differs",
        "clause dirac has-no-verdict has-not-asked",
        "clause lossless has-broken has-known has-no-verdict differs",
        "clause lossless has-held has-no-verdict",
    ]
    roles = {"table": "table", "thead": "rowgroup", "tbody": "rowgroup", "tr": "row", "td": "cell"}
    assert {tag: {found.get("role") for found in table.iter(tag)} for tag in roles} == {
        tag: {role} for tag, role in roles.items()
    }
    assert {found.get("role") for found in table.iter("th")} == {"columnheader", "rowheader"}
    assert [cell.get("data-port") for cell in rows[0].iter("td")] == ["alpha 1.0", "beta", "gamma 2"]


def test_a_verdict_is_a_sign_and_words(page):
    """The sign is not read aloud; a breach is a button that says what it opens."""
    cells = [[*row.iter("td")] for row in all_(page, "tr", "clause")]
    assert [text(cell) for cell in (cells[0][0], cells[2][0], cells[2][1])] == ["✓held", "–not asked", "–no verdict"]
    assert cells[2][1][0].get("class") == "no-verdict"
    assert {mark.get("aria-hidden") for mark in all_(page, "span", "mark")} == {"true"}
    broken, known = one(cells[1][0], "button"), one(cells[3][0], "button")
    assert text(broken) == "✗broken 1,300 of 2,000 scenarios: show the smallest of CO-002, alpha 1.0"
    assert text(known).startswith("●known 2 of 4 scenarios")
    assert broken.attrib == {
        "type": "button", "class": "broken", "command": "show-modal", "commandfor": "breach-1-0",
        "aria-haspopup": "dialog",
    }  # fmt: skip


def test_every_button_opens_its_dialog(page):
    """One dialog a breach, named by its heading."""
    dialogs = {dialog.get("id", ""): dialog for dialog in page.iter("dialog")}
    assert [button.get("commandfor") for button in one(page, "table").iter("button")] == [*dialogs]
    for id_, dialog in dialogs.items():
        assert dialog.get("aria-labelledby") == one(dialog, "h3").get("id")
        assert (text(one(dialog, "button")), one(dialog, "button").get("commandfor")) == ("Close", id_)
    assert texts(page, "h3")[3:] == ["CO-002alpha 1.0", "LL-001alpha 1.0", "LL-001beta"]
    assert classes(page, "dialog") == ["contract is-broken", "lossless is-known", "lossless is-broken"]


def test_a_dialog_shows_the_smallest_scenario(page):
    """Expected beside observed, what happened, and the scenario to try."""
    broken, known, bare = page.iter("dialog")
    assert texts(broken, "p", "verdict") == ["Broken in 1,300 of 2,000 scenarios"]
    assert [json.loads(text(found)) for found in broken.iter("pre")] == [
        {"OK": False}, {"OK": True, "Value": None}, {"faults": ["accounting:down"]},
    ]  # fmt: skip
    assert texts(broken, "h4") == ["The smallest scenario", "Expected", "Observed", "What happened"]
    assert "inputs: two" in texts(broken, "p")
    hook, call = one(broken, "ol", "timeline")
    assert (hook.get("class"), text(hook)) == ("hook", "_execute")
    assert (call.get("class"), text(one(call, "code"))) == ("call failed", "AccountingReport.commit()")
    assert texts(call, "span") == ["()", "connection refused"]
    assert all_(broken, "p", "known-as") == []
    assert texts(known, "p", "known-as") == ["Known, by-design: It is so."]
    assert text(one(bare, "div", "inside")).endswith("No scenario was kept.")


def test_the_filters_are_what_there_is(page, alpha, beta):
    """Each level and each verdict that occurs, ticked and known to the style sheet; where several ports differ."""
    filters = one(page, "div", "filters")
    ids = [box.get("id", "") for box in filters.iter("input")]
    assert texts(filters, "label") == [
        "contract", "dirac", "lossless", "broken", "known", "held", "not asked", "no verdict",
        "only where the ports differ",
    ]  # fmt: skip
    assert [box.get("id") for box in filters.iter("input") if "checked" in box.keys()] == ids[:-1]  # noqa: SIM118
    assert [id_ for id_ in ids if f"#{id_}:" not in CSS] == []
    assert text(one(filters, "output")) == "All 5 clauses are shown"
    alone = one(parsed(("beta", beta)), "div", "filters")
    assert texts(alone, "label") == ["contract", "lossless", "broken", "held"]
    assert all_(parsed(("a", alpha), ("b", alpha)), "tr", "differs") == []


def test_titles_say_which_ports(page, alpha, beta):
    """One, two, or more of them."""
    assert text(one(page, "title")) == "Conformance: alpha 1.0, beta, gamma 2"
    assert text(one(page, "h1")) == "Conformance of alpha 1.0, beta and gamma 2"
    assert text(one(page, "p", "lede")).endswith("The ports differ on 2.")
    made = f"Made by dirac-failover {__version__} from alpha 1.0.json, beta.json and gamma 2.json."
    assert text(one(page, "footer")) == made
    alone = parsed(("alpha 1.0", alpha))
    assert text(one(alone, "h1")) == "Conformance of alpha 1.0"
    assert text(one(alone, "p", "lede")) == "4 clauses of the contract of DIRAC’s failover module."
    assert texts(alone, "h2") == ["Port", "Clauses"]
    assert text(one(parsed(("a", alpha), ("b", beta)), "h1")) == "Conformance of a and b"


@pytest.mark.parametrize(("number", "frame"), [(1, "frame alone"), (6, "frame"), (7, "frame wide")])
def test_many_ports_scroll_sideways(alpha, number, frame):
    """With the keyboard too."""
    around = one(parsed(*[(f"p{n}", alpha) for n in range(number)]), "div", "frame")
    assert (around.get("class"), around.get("tabindex")) == (frame, "0" if number == 7 else None)


def test_ids_are_unique(page):
    """No two elements share an ID, and each reference names an ID that exists."""
    ids = [found.get("id") for found in page.iter() if found.get("id")]
    assert len(ids) == len(set(ids))
    assert {found.get("aria-labelledby") for found in page.iter()} - {None} <= set(ids)


def test_the_policy_lets_only_the_templates_in(alpha):
    """The hashes are those of the one style sheet and the one script, which arrive unchanged and load nothing."""
    page = html_page.page(Matrix.of([("a", "", alpha)]))
    assert [f"<style>{CSS}</style>" in page, f"<script>{JS}</script>" in page] == [True, True]
    css, js = (base64.b64encode(hashlib.sha256(source.encode()).digest()).decode() for source in (CSS, JS))
    policy = f"default-src 'none'; style-src 'sha256-{css}'; script-src 'sha256-{js}'; img-src data:; "
    assert f"content=\"{policy}base-uri 'none'; form-action 'none'\"" in page.replace("&#43;", "+")
    assert not re.search(r"https?:|//[a-z]|@import|url\(|fetch|XMLHttp", page)


def loading(page):
    """The values of all attributes that make a browser run or load something."""
    names = {"src", "srcset", "href", "style", "action", "data", "poster"}
    found = [(name, value) for element in page.iter() for name, value in element.items()]
    return [value for name, value in found if name in names or name.startswith("on")]


def test_a_hostile_file_stays_text(hostile, alpha):
    """It adds no element, no attribute and no script, and is shown as it is, control characters escaped."""
    name = hostile.header.port.name
    page = parsed((name, hostile), ("alpha", alpha))
    assert [len(all_(page, tag)) for tag in ("script", "style", "img")] == [1, 1, 0]
    assert loading(page) == ["data:,", "#clauses"]
    shown = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&|`*"
    shown += "\\n# \\x1b[31m\\u202e\\x00\\ud800]]>--> $css"
    assert next(page.iter("td")).get("data-port") == shown
    for place in (one(page, "title"), one(page, "footer"), one(page, "ul", "ports")[0]):
        assert shown in text(place)
    first, second = all_(page, "dialog")[:1] + all_(page, "dialog")[2:3]
    assert shown in text(one(second, "h3"))
    assert texts(second, "p", "known-as") == [f"Known, by-design: {shown}"]
    assert json.loads("".join(next(first.iter("pre")).itertext())) == name
    assert len(one(first, "ol")) == 6


def test_a_breach_that_does_not_decide_is_no_alarm(alpha):
    """It has the colour of what is known, and is not in the bar."""
    page = parsed(("a", replace(alpha, header=replace(alpha.header, levels=("dirac",)))))
    assert classes(page, "button", "aside")[0] == "broken aside"
    assert all_(page, "rect", "broken") == []
    assert all_(parsed(("a", alpha)), "button", "aside") == []
