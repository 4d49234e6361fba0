"""What differs between two trees of JSON values, two observations for example."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dirac_failover.spec.compare import differences, equal
from dirac_failover.spec.observation import Call, Observation


def outcome(**changes):
    """An outcome that says little."""
    usual = Observation("returned", {"OK": True}, (), {"jobID": 77}, None, {}, None)
    return usual._replace(**changes)


def told(one, other):
    """The differences with their places as texts."""
    return [(found.place, found.one, found.other) for found in differences(one, other)]


def test_equal_outcomes_have_no_differences():
    """Also when tuples and lists, or the order of keys, are not the same."""
    assert told(outcome(), outcome()) == []
    one = outcome(result={"a": 1, "b": [1, {"c": None}]})
    assert told(one, outcome(result={"b": (1, {"c": None}), "a": 1})) == []


DIFFERENCES = [
    ({"ended": "raised"}, [("ended", "returned", "raised")]),
    ({"result": {"OK": False}}, [("result.OK", True, False)]),
    ({"result": {"OK": 1}}, [("result.OK", True, 1)]),
    ({"result": {"OK": True, "Value": None}}, [("result.Value", "(absent)", None)]),
    ({"result": {}}, [("result.OK", True, "(absent)")]),
    ({"result": None}, [("result", {"OK": True}, None)]),
    ({"attributes": {"x": {"y": [1]}, "jobID": 77.0}},
     [("attributes.jobID", 77, 77.0), ("attributes.x", "(absent)", {"y": [1]})]),
    ({"files": {"a": "1"}, "services": {}}, [("files.a", "(absent)", "1"), ("services", None, {})]),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "found"), DIFFERENCES)
def test_differences_name_the_most_specific_place(changes, found):
    """Mine first, theirs second; True is not 1."""
    assert told(outcome(), outcome(**changes)) == found
    swapped = [(place, theirs, mine) for place, mine, theirs in found]
    assert sorted(told(outcome(**changes), outcome()), key=str) == sorted(swapped, key=str)


def test_lists_are_compared_item_by_item():
    """What one of them lacks is absent."""
    one, other = outcome(result=[1, [2, 3], "x"]), outcome(result=[1, [2, 4]])
    assert told(one, other) == [("result[1][1]", 3, 4), ("result[2]", "x", "(absent)")]
    assert told(other, one) == [("result[1][1]", 4, 3), ("result[2]", "(absent)", "x")]


def test_the_same_call_is_compared_by_arguments_and_answer():
    """Another call is one difference as a whole, whichever part of its name differs."""
    step = Call("JobReport", "commit", [1, "a"], "ok")
    mine = outcome(steps=(step,))
    other = step._replace(args=[1, "b"], result={"OK": True})
    assert told(mine, outcome(steps=(other,))) == [
        ("steps[0].args[1]", "a", "b"), ("steps[0].result", "ok", {"OK": True}),
    ]  # fmt: skip
    for name in ("target", "method"):
        other = step._replace(args=[2], **{name: "x"})
        assert told(mine, outcome(steps=(other,))) == [("steps[0]", step, other)]
    assert told(mine, outcome()) == [("steps[0]", step, "(absent)")]
    assert told(outcome(), mine) == [("steps[0]", "(absent)", step)]
    assert (told(None, step), told(step, None)) == ([("", None, step)], [("", step, None)])


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.0, 1.0, "", "a"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=5,
)


@given(plain, plain)
def test_there_are_differences_exactly_when_json_differs(mine, theirs):
    """JSON texts with sorted keys decide; the number is the same in the other direction."""
    found = told(outcome(result=mine), outcome(result=theirs))
    assert bool(found) != equal(mine, theirs)
    assert len(told(outcome(result=theirs), outcome(result=mine))) == len(found)


def test_values_are_the_same_by_type():
    """True is not 1, a key that is a text is no number, and the order of keys does not matter; outcomes too."""
    one, other = {"a": 1, "b": [2]}, {"b": [2], "a": 1}
    assert equal(one, other)
    assert equal(other, one)
    for one, other in [({"a": 1}, {"a": True}), ([1, 2], [2, 1]), ({"1": 2}, {1: 2}), (0.0, 0), ([None], [])]:
        assert not equal(one, other)
        assert not equal(outcome(result=one), outcome(result=other))
    assert equal(outcome(services={"a": 1, "b": 2}), outcome(services={"b": 2, "a": 1}))
    steps = [outcome(steps=(Call("a", "b", arguments, None),)) for arguments in ([1], [True], [1])]
    assert (equal(*steps[:2]), equal(*steps[::2])) == (False, True)
