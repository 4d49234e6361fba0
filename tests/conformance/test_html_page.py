"""The page: its numbers, its semantics, what it may load, and that nothing of a results file gets out of its place."""

# ruff: noqa: E501, RUF001 - the page's own words and signs

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest

from dirac_failover import __version__
from dirac_failover.conformance import html_page
from dirac_failover.conformance.matrix import Matrix
from dirac_failover.spec.nearest import Match

if TYPE_CHECKING:
    from dirac_failover.conformance.results import Results

WORDS = """
Skip to the clauses
Conformance of é and b
4 clauses of the contract of DIRAC’s failover module. The ports differ on 0.
Ports
é divergesbroken1known1held1not asked11,234 scenariosprofile dirac-9.1Python 3.11.7Linux2026-01-02T03:04:05ZRun it againdirac-failover verify alpha:Module
b broke downno answer in 10 sno verdict21,234 scenariosprofile dirac-9.1Python 3.11.7Linux2026-01-02T03:04:05ZRun it againdirac-failover verify gamma:Module
Clauses
Levelcontractdiraclossless
Verdictbrokenknownheldnot askedno verdict
only where the ports differ
All 4 clauses are shown
For each clause, whether it was held in all scenarios, or in how many it was broken.
Clauseéb
Contractwhat a module promises to its workflow
CO-001Text of CO-001.✓held–no verdict
CO-002Text of CO-002.✗broken 1,300 scenarios: show the smallest of CO-002, é–no verdict
DIRACwhat DIRAC does beyond that, quirks included
DI-001Text of DI-001.–not asked–no verdict
Losslesswhat nobody wants broken: nothing that is pending is lost
LL-001Text of LL-001.●known 2 scenarios: show the smallest of LL-001, é–no verdict
CO-002éCloseText of CO-002.Broken in 1,300 of 2,000 scenariosThe smallest scenarioinputs: twoExpected{
"OK": false
}Observed{
"OK": true,
"Value": null
}What happened_executeAccountingReport.commit()connection refusedThe scenario as JSON{
"faults": [
"accounting:down"
]
}Saved as a file, it can be seen in full: dirac-failover run --scenario FILE
LL-001éCloseText of LL-001.Broken in 2 of 4 scenariosKnown, by-design: It is so.The smallest scenarioinputs: twoExpected{
"OK": false
}Observed{
"OK": true,
"Value": null
}What happened_executeAccountingReport.commit()connection refusedThe scenario as JSON{
"faults": [
"accounting:down"
]
}Saved as a file, it can be seen in full: dirac-failover run --scenario FILE
Made by dirac-failover {version} from é.json and b.json.
"""

VOID = {"meta", "link", "input", "rect"}


class Element:
    """An element of the page, as far as these tests look at it."""

    def __init__(self, tag: str, attributes: dict[str, str]) -> None:
        self.tag, self.attributes = tag, attributes
        self.children: list[Element] = []
        self.own: list[str] = []

    def all(self, tag: str, **attributes: str) -> list[Element]:
        """Every element below that has the tag and the attributes; ``class_`` is one of its classes."""
        found = []
        for child in self.children:
            wanted = dict(attributes)
            class_ = wanted.pop("class_", None)
            fits = class_ is None or class_ in child.attributes.get("class", "").split()
            same = all(child.attributes.get(name) == value for name, value in wanted.items())
            found += [child] if child.tag == tag and fits and same else []
            found += child.all(tag, **attributes)
        return found

    def one(self, tag: str, **attributes: str) -> Element:
        """The only one."""
        (found,) = self.all(tag, **attributes)
        return found

    @property
    def text(self) -> str:
        """All text, in order."""
        return "".join(self.own)


class Parser(HTMLParser):
    """Builds the tree, and insists on every end tag."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open = [Element("", {})]
        self.feed(page)
        self.close()
        (self.root,) = self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        assert len(element.attributes) == len(attrs), "an attribute is given twice"
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.own.append(data)


def parsed(*ports: tuple[str, Results]) -> Element:
    page = html_page.page(Matrix.of((label, f"{label}.json", results) for label, results in ports))
    assert page.isascii()
    return Parser(page).root


def words(element: Element) -> str:
    return " ".join(element.text.split())


@pytest.fixture
def page(alpha: Results, beta: Results, down: Results) -> Element:
    """Three ports side by side."""
    return parsed(("alpha 1.0", alpha), ("beta", beta), ("gamma 2", down))


def test_each_port_says_what_it_is(page: Element) -> None:
    """Verdict, numbers, and all that is needed to run it again."""
    first, second, third = page.one("ul", class_="ports").children
    assert first.one("h3").text == "alpha 1.0 diverges"
    assert first.one("span", class_="verdict").attributes["class"] == "verdict diverges"
    numbers = [(item.one("dt").text, item.one("dd").text) for item in first.one("dl").children]
    assert numbers == [("broken", "1"), ("known", "1"), ("held", "1"), ("not asked", "1")]
    assert [item.text for item in first.one("ul").children] == [
        "1,234 scenarios", "profile dirac-9.1", "Python 3.11.7", "Linux", "2026-01-02T03:04:05Z",
    ]  # fmt: skip
    assert first.one("details").one("summary").text == "Run it again"
    assert first.one("details").one("code").text == "dirac-failover verify alpha:Module"
    assert first.all("p", class_="error") == []
    assert [item.text for item in second.one("ul").children][2] == "shard 2/3"
    assert third.one("h3").text == "gamma 2 broke down"
    assert third.one("span", class_="verdict").attributes["class"] == "verdict broke-down"
    assert third.one("p", class_="error").text == "no answer in 10 s"
    assert [(item.one("dt").text, item.one("dd").text) for item in third.one("dl").children] == [("no verdict", "2")]


def test_the_levels_that_decide_are_said(alpha: Results) -> None:
    """Unless all do."""
    some = replace(alpha, header=replace(alpha.header, levels=("contract", "dirac")))
    assert [item.text for item in parsed(("a", some)).one("ul", class_="facts").children][
        2
    ] == "contract and dirac decide"


def test_the_nearest_profile_is_said(alpha: Results) -> None:
    """Beside the one that the port was held against."""
    known = replace(alpha, nearest=(Match("dirac-8.0", 2, 1, 3), Match("dirac-9.1", 2, 1, 4)))
    facts = [item.text for item in parsed(("a", known)).one("ul", class_="facts").children]
    assert facts[1] == "profile dirac-9.1 (nearest: dirac-8.0)"


def test_the_bar_shows_the_shares(page: Element, alpha: Results) -> None:
    """From what is well to what is unknown, without gap or overlap; screen readers have the numbers."""
    bar = page.all("svg", class_="bar")[1]
    assert bar.attributes["viewbox"] == "0 0 4 1"
    assert bar.attributes["aria-hidden"] == "true"
    parts = [(part.attributes["class"], part.attributes["x"], part.attributes["width"]) for part in bar.children]
    assert parts == [("held", "0", "3"), ("broken", "3", "1")]
    first = page.all("svg", class_="bar")[0].children
    assert [part.attributes["class"] for part in first] == ["held", "known", "broken", "not-asked"]
    assert [part.attributes["x"] for part in first] == ["0", "1", "2", "3"]
    empty = parsed(("a", replace(alpha, clauses=())))
    assert empty.one("svg").attributes["viewbox"] == "0 0 1 1"
    assert empty.one("svg").children == []


def test_the_table_is_a_table(page: Element) -> None:
    """Caption, scopes, and the roles that keep it one where style sheets lay it out otherwise."""
    table = page.one("table", role="table")
    assert words(table.one("caption")) == (
        "For each clause, whether it was held in all scenarios, or in how many it was broken."
    )
    heads = table.one("thead").all("th", scope="col", role="columnheader")
    assert [head.text for head in heads] == ["Clause", "alpha 1.0", "beta", "gamma 2"]
    groups = table.all("th", scope="rowgroup", role="rowheader")
    assert [(group.text, group.attributes["colspan"]) for group in groups] == [
        ("Contractwhat a module promises to its workflow", "4"),
        ("DIRACwhat DIRAC does beyond that, quirks included", "4"),
        ("Losslesswhat nobody wants broken: nothing that is pending is lost", "4"),
    ]
    assert [row.attributes["class"] for row in table.all("tr", class_="level")] == [
        "level contract", "level dirac", "level lossless",
    ]  # fmt: skip
    assert len(table.all("tbody", role="rowgroup")) == 3
    rows = table.all("tr", class_="clause")
    assert [row.one("th", scope="row", role="rowheader").text for row in rows] == [
        f"{id_}Text of {id_}." for id_ in ("CO-001", "CO-002", "DI-001", "LL-001", "LL-002")
    ]
    assert [row.attributes["class"] for row in rows] == [
        "clause contract has-held has-no-verdict",
        "clause contract has-broken has-held has-no-verdict differs",
        "clause dirac has-no-verdict has-not-asked",
        "clause lossless has-broken has-known has-no-verdict differs",
        "clause lossless has-held has-no-verdict",
    ]
    assert {row.attributes["role"] for row in table.all("tr")} == {"row"}
    assert [cell.attributes["data-port"] for cell in rows[0].all("td", role="cell")] == ["alpha 1.0", "beta", "gamma 2"]


def test_a_verdict_is_a_sign_and_words(page: Element) -> None:
    """The sign is not read aloud; a breach is a button that says what it opens."""
    rows = page.all("tr", class_="clause")
    held, unasked, nothing = rows[0].all("td")[0], rows[2].all("td")[0], rows[2].all("td")[1]
    assert [cell.text for cell in (held, unasked, nothing)] == ["✓held", "–not asked", "–no verdict"]
    assert [cell.children[0].attributes["class"] for cell in (held, unasked, nothing)] == [
        "held", "not-asked", "no-verdict",
    ]  # fmt: skip
    assert held.one("span", class_="mark").attributes["aria-hidden"] == "true"
    broken, known = rows[1].all("td")[0].one("button"), rows[3].all("td")[0].one("button")
    assert broken.text == "✗broken 1,300 scenarios: show the smallest of CO-002, alpha 1.0"
    assert known.text == "●known 2 scenarios: show the smallest of LL-001, alpha 1.0"
    assert broken.attributes == {
        "type": "button",
        "class": "broken",
        "command": "show-modal",
        "commandfor": "breach-1-0",
        "aria-haspopup": "dialog",
    }
    assert known.attributes["class"] == "known"
    assert known.attributes["commandfor"] == "breach-3-0"


def test_every_button_opens_its_dialog(page: Element) -> None:
    """One dialog a breach, named by its heading."""
    dialogs = {dialog.attributes["id"]: dialog for dialog in page.all("dialog")}
    opened = [button.attributes["commandfor"] for button in page.one("table").all("button")]
    assert opened == list(dialogs) == ["breach-1-0", "breach-3-0", "breach-3-1"]
    for id_, dialog in dialogs.items():
        assert dialog.attributes["aria-labelledby"] == f"{id_}-title"
        assert dialog.one("h3").attributes["id"] == f"{id_}-title"
        close = dialog.one("button")
        assert (close.text, close.attributes["command"], close.attributes["commandfor"]) == ("Close", "close", id_)
    assert [dialog.one("h3").text for dialog in dialogs.values()] == [
        "CO-002alpha 1.0", "LL-001alpha 1.0", "LL-001beta",
    ]  # fmt: skip
    assert [dialog.attributes["class"] for dialog in dialogs.values()] == [
        "contract is-broken", "lossless is-known", "lossless is-broken",
    ]  # fmt: skip


def test_a_dialog_shows_the_smallest_scenario(page: Element) -> None:
    """Expected beside observed, what happened, and the scenario to try."""
    broken, known, bare = page.all("dialog")
    assert broken.one("p", class_="verdict").text == "Broken in 1,300 of 2,000 scenarios"
    assert broken.one("p", class_="verdict").attributes["class"] == "verdict broken"
    expected, observed, scenario = broken.all("pre", tabindex="0")
    assert json.loads(expected.text) == {"OK": False}
    assert observed.text == '{\n  "OK": true,\n  "Value": null\n}'
    assert json.loads(scenario.text) == {"faults": ["accounting:down"]}
    assert [item.text for item in broken.all("h4")] == [
        "The smallest scenario", "Expected", "Observed", "What happened",
    ]  # fmt: skip
    assert broken.one("div", class_="inside").all("p")[2].text == "inputs: two"
    hook, call = broken.one("ol", class_="timeline").children
    assert (hook.attributes["class"], hook.text) == ("hook", "_execute")
    assert (call.attributes["class"], call.one("code").text) == ("call failed", "AccountingReport.commit()")
    assert call.one("span", class_="given").text == "()"
    assert call.one("span", class_="answer").text == "connection refused"
    assert hook.all("span") == []
    assert broken.all("p", class_="known-as") == []
    assert known.one("p", class_="known-as").text == "Known, by-design: It is so."
    assert words(bare.one("div", class_="inside")) == ("Text of LL-001.Broken in 3 of 4 scenariosNo scenario was kept.")


def test_every_word_of_the_page_is_meant(alpha: Results, down: Results) -> None:
    """Nothing stands between the elements, and no attribute has a strange name."""
    page = parsed(("é", alpha), ("b", down))
    body = page.one("body").text.replace(page.one("script").text, "")
    assert [line for line in (line.strip() for line in body.splitlines()) if line] == WORDS.replace(
        "{version}", __version__
    ).strip().splitlines()

    def names(element: Element) -> set[str]:
        return set(element.attributes).union(*map(names, element.children))

    assert all(re.fullmatch("[a-z-]+", name) for name in names(page) - {"viewbox", "preserveaspectratio"})
    assert {item.attributes["class"] for item in page.all("dt")} == {
        "broken", "known", "held", "not-asked", "no-verdict",
    }  # fmt: skip
    assert [part.attributes["class"] for part in page.all("svg")[1].children] == ["no-verdict"]
    assert page.one("table").all("th", scope="rowgroup")[0].attributes.keys() == {"colspan", "scope", "role"}


def test_the_filters_are_what_there_is(page: Element, alpha: Results, beta: Results) -> None:
    """Each level and each verdict that occurs, ticked; with several ports, where they differ."""
    filters = page.one("div", class_="filters")
    boxes = [(box.one("input").attributes["id"], box.text) for box in filters.all("label")]
    assert boxes == [
        ("level-contract", "contract"),
        ("level-dirac", "dirac"),
        ("level-lossless", "lossless"),
        ("state-broken", "broken"),
        ("state-known", "known"),
        ("state-held", "held"),
        ("state-not-asked", "not asked"),
        ("state-no-verdict", "no verdict"),
        ("differ", "only where the ports differ"),
    ]
    ticked = [box.attributes["id"] for box in filters.all("input", type="checkbox") if "checked" in box.attributes]
    assert ticked == [id_ for id_, _ in boxes[:-1]]
    assert [item.one("legend").text for item in filters.all("fieldset")] == ["Level", "Verdict"]
    assert filters.one("output", role="status").text == "All 5 clauses are shown"
    assert parsed(("a", alpha), ("b", beta)).one("input", id="differ")
    alone = parsed(("beta", beta)).one("div", class_="filters")
    assert [box.attributes["id"] for box in alone.all("input")] == [
        "level-contract", "level-lossless", "state-broken", "state-held",
    ]  # fmt: skip
    same = parsed(("a", alpha), ("b", alpha)).all("tr", class_="clause")
    assert not any("differs" in row.attributes["class"].split() for row in same)


def test_the_style_sheet_knows_every_class_that_filters() -> None:
    """A level, or a verdict, that it forgot could not be filtered."""
    css = html_page._template("page.css")
    for state in ("broken", "known", "held", "not-asked", "no-verdict"):
        assert f"body:has(#state-{state}:checked) .clause.has-{state} {{" in css
    for level in ("contract", "dirac", "lossless"):
        assert f"body:has(#level-{level}:not(:checked)) .{level}" in css
    assert "body:has(#differ:checked) .clause:not(.differs)" in css


def test_titles_say_which_ports(page: Element, alpha: Results, beta: Results) -> None:
    """One, two, or more of them."""
    assert page.one("title").text == "Conformance: alpha 1.0, beta, gamma 2"
    assert page.one("h1").text == "Conformance of alpha 1.0, beta and gamma 2"
    lede = page.one("p", class_="lede").text
    assert lede == "5 clauses of the contract of DIRAC’s failover module. The ports differ on 2."
    assert page.one("h2", id="ports-title").text == "Ports"
    assert words(page.one("footer")) == (
        f"Made by dirac-failover {__version__} from alpha 1.0.json, beta.json and gamma 2.json."
    )
    alone = parsed(("alpha 1.0", alpha))
    assert alone.one("h1").text == "Conformance of alpha 1.0"
    assert alone.one("p", class_="lede").text == "4 clauses of the contract of DIRAC’s failover module."
    assert alone.one("h2", id="ports-title").text == "Port"
    assert parsed(("a", alpha), ("b", beta)).one("h1").text == "Conformance of a and b"


@pytest.mark.parametrize(("number", "frame"), [(1, "frame alone"), (2, "frame"), (6, "frame"), (7, "frame wide")])
def test_many_ports_scroll_sideways(alpha: Results, number: int, frame: str) -> None:
    """With the keyboard too."""
    page = parsed(*[(f"p{n}", alpha) for n in range(number)])
    (around,) = page.all("div", class_="frame")
    assert around.attributes["class"] == frame
    assert ("tabindex" in around.attributes) is (number == 7)
    if number == 7:
        assert around.attributes == {
            "class": frame, "role": "region", "aria-labelledby": "clauses", "tabindex": "0",
        }  # fmt: skip


def test_ids_are_unique(page: Element) -> None:
    """And everything that refers to one finds it."""
    every = [element for tag in ("a", "h2", "h3", "input", "output", "dialog", "section") for element in page.all(tag)]
    ids = [element.attributes["id"] for element in every if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    for element in every:
        if "aria-labelledby" in element.attributes:
            assert element.attributes["aria-labelledby"] in ids
    assert page.one("a", class_="skip").attributes["href"] == "#clauses"


def test_the_policy_lets_only_the_templates_in(page: Element) -> None:
    """The hashes are those of the one style sheet and the one script; there is no attribute that runs or loads."""
    policy = page.one("meta", **{"http-equiv": "Content-Security-Policy"}).attributes["content"]
    hashes = {}
    for tag in ("style", "script"):
        digest = hashlib.sha256(page.one(tag).text.encode()).digest()
        hashes[tag] = base64.b64encode(digest).decode()
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{hashes['style']}'; script-src 'sha256-{hashes['script']}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def loading(element: Element) -> list[str]:
    """Every attribute below that makes a browser run or load something."""
    found = [
        f"{name}={value}"
        for name, value in element.attributes.items()
        if name in {"src", "srcset", "href", "style", "action", "data", "poster"} or name.startswith("on")
    ]
    return found + [one for child in element.children for one in loading(child)]


def test_nothing_is_loaded(page: Element) -> None:
    """One link within the page, and an icon that is empty."""
    assert loading(page) == ["href=data:,", "href=#clauses"]
    for name in ("page.css", "page.js", "page.html"):
        template = files("dirac_failover.conformance").joinpath(f"templates/{name}").read_bytes().decode("ascii")
        assert not re.search(r"https?:|//[a-z]|@import|url\(|fetch|XMLHttp", template)


def test_a_hostile_file_stays_text(hostile: Results, alpha: Results) -> None:
    """It adds no element, no attribute and no script, and is shown as it is, control characters escaped."""
    name = hostile.header.port.name
    page = parsed((name, hostile), ("alpha", alpha))
    assert len(page.all("script")) == len(page.all("style")) == 1
    assert page.all("img") == []
    assert loading(page) == ["href=data:,", "href=#clauses"]
    shown = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&|`*"
    shown += "\\n# \\x1b[31m\\u202e\\x00\\ud800]]>--> $css"
    assert page.one("table").all("td")[0].attributes["data-port"] == shown
    assert shown in page.one("title").text
    assert shown in page.one("footer").text
    assert page.one("ul", class_="ports").children[0].one("code").text == shown
    first, second = page.all("dialog")[:1] + page.all("dialog")[2:3]
    assert shown in second.one("h3").text
    assert second.one("p", class_="known-as").text == f"Known, by-design: {shown}"
    assert json.loads(first.all("pre")[0].text) == name
    assert len(first.one("ol").children) == 9


def test_templates_are_filled(page: Element, alpha: Results) -> None:
    """No placeholder is left, and the templates' own text arrives unchanged."""
    made = html_page.page(Matrix.of([("a", "", alpha)]))
    assert "$" not in made.replace("${", "")
    assert page.one("style").text == html_page._template("page.css")
    assert page.one("script").text == html_page._template("page.js")
    assert html.unescape(made).count("<main>") == 1


def test_a_breach_that_does_not_decide_is_no_alarm(alpha: Results) -> None:
    """It has the colour of what is known, and is not in the bar."""
    few = replace(alpha, header=replace(alpha.header, levels=("dirac",)))
    made = html_page.page(Matrix.of([("a", "", few)]))
    assert 'class="broken aside" command=' in made
    assert '<rect class="broken"' not in made
    assert 'class="broken aside"' not in html_page.page(Matrix.of([("a", "", alpha)]))
