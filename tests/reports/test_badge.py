"""Results as a badge."""

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from dirac_failover.reports import badge
from dirac_failover.reports.matrix import Port


def test_a_badge_says_the_verdict_and_counts_the_breaches(alpha, snapshot):
    """The colour says nothing that the words do not say."""
    snapshot(badge.picture(Port("", "", alpha)))


def test_a_breach_of_a_level_that_does_not_decide_is_not_counted(alpha):
    """The badge says what 'verify' says."""
    some = replace(alpha, header=replace(alpha.header, levels=("dirac", "lossless")), verdict="conforms")
    assert "<title>DIRAC failover: conforms: 1 known</title>" in badge.picture(Port("", "", some))


@pytest.mark.parametrize(
    ("kept", "verdict", "message", "colour"),
    [
        (slice(0, 1), "conforms", "conforms", "#1a7f4b"),
        (slice(3, 4), "conforms", "conforms: 1 known", "#1a7f4b"),
        (slice(1, 2), "diverges", "diverges: 1 broken", "#b42318"),
        (slice(0, 4), "broken", "broke down", "#57606a"),
        (slice(2, 3), "conforms", "nothing asked", "#57606a"),
    ],
)
def test_each_verdict_has_its_colour(alpha, kept, verdict, message, colour):
    """What broke down, or was not asked about, is grey: neither good nor bad, but unknown."""
    results = replace(alpha, clauses=alpha.clauses[kept], verdict=verdict)
    picture = ET.fromstring(badge.picture(Port("", "", results)))  # noqa: S314 - our own
    space = "{http://www.w3.org/2000/svg}"
    assert picture.get("aria-label") == f"DIRAC failover: {message}"
    assert picture.findtext(f"{space}title") == f"DIRAC failover: {message}"
    assert [item.text for item in picture.iter(f"{space}text")] == ["DIRAC failover", message]
    assert colour in [item.get("fill") for item in picture.iter(f"{space}rect")]
