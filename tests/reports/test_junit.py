"""Results as JUnit XML."""

from dataclasses import replace
from xml.etree import ElementTree as ET

from dirac_failover.reports import junit
from dirac_failover.reports.matrix import Port
from dirac_failover.spec.profile_fit import Match


def test_a_clause_is_a_test_case(alpha, snapshot):
    """A breach is a failure with its scenario; known breaches and what was not asked are skipped."""
    snapshot(junit.document(Port("alpha 1.0", "", alpha)))


def test_a_port_that_broke_down_is_one_error(down, snapshot):
    """It is neither a pass nor a list of failures."""
    snapshot(junit.document(Port("gamma 2", "", down)))


def test_a_baseline_says_nothing_of_what_is_held(alpha):
    """A clause that is held passes."""
    held = replace(alpha, clauses=(replace(alpha.clauses[3], verdict="held"),))
    assert "<skipped" not in junit.document(Port("a", "", held))


def test_a_clause_that_the_port_cannot_be_asked_says_so(alpha):
    """It fails, as it makes the port diverge, and says how many scenarios could not be run."""
    one = replace(alpha.clauses[0], verdict="unchecked", asked=2, broken=0, unchecked=7, baseline=None, minimal=None)
    text = junit.document(Port("alpha 1.0", "", replace(alpha, clauses=(one,))))
    assert '<failure message="unchecked: the port cannot run 7 of the 9 scenarios that ask for it" />' in text


def test_an_error_without_a_reason_is_still_one(down):
    """The message is never empty."""
    assert '<error message="the port broke down" />' in junit.document(Port("g", "", replace(down, error=None)))


def test_a_breach_of_a_level_that_does_not_decide_is_skipped(alpha):
    """The tests pass where 'verify' does."""
    some = replace(alpha, header=replace(alpha.header, levels=("dirac", "lossless")))
    suite = ET.fromstring(junit.document(Port("alpha", "", some)))[0]  # noqa: S314 - our own
    assert [suite.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["4", "0", "0", "3"]
    first = next(suite.iter("skipped"))
    assert first.get("message") == "broken in 1,300 of 2,000 scenarios, but its level does not decide"


def test_a_breach_without_scenario_is_a_failure(beta):
    """There is nothing more to show."""
    suite = ET.fromstring(junit.document(Port("beta", "", beta)))[0]  # noqa: S314 - our own
    (failure,) = suite.iter("failure")
    assert failure.get("message") == "broken in 3 of 4 scenarios"
    assert failure.text is None


def test_the_nearest_profile_is_a_property(alpha):
    """Where it is known."""
    known = replace(alpha, nearest=(Match("dirac-8.0", 2, 1, 3), Match("dirac-9.1", 2, 1, 4)))
    assert '<property name="nearest" value="dirac-8.0" />' in junit.document(Port("a", "", known))


def test_a_hostile_file_stays_one_document(hostile):
    """It parses, in ASCII, and what is in it is text."""
    text = junit.document(Port(hostile.header.port.name, "", hostile))
    assert text.isascii()
    suite = ET.fromstring(text)[0]  # noqa: S314 - our own
    assert [child.tag for child in suite] == ["properties", "testcase", "testcase"]
    assert "<script>alert(1)</script>" in str(suite.get("name"))
    (failure,) = suite.iter("failure")
    assert len(failure) == 0
    assert str(failure.text).count("\n") == 11
