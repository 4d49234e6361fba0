"""The journal: what it remembers, and what it says when a call is missing."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dirac_fakes import Call, Journal
from dirac_fakes.journal import from_plain, to_plain

ONE = Call("job-state", "setJobStatusBulk", (77, {"T": {"Source": "Job_77"}}, False), {"OK": True, "Value": None})
TWO = Call("transformation", "getTransformationFiles", ({"LFN": ["/vo/a"]},), {"OK": False, "Message": "x"}, False)


@pytest.fixture
def journal():
    """A journal of two calls."""
    found = Journal()
    for call in (ONE, TWO):
        found.record(*call)
    return found


def test_calls_are_kept_in_order_with_what_they_answered(journal):
    """Length, index and iteration see every field of every call; taking effect is the default."""
    assert list(journal) == journal.calls == [ONE, TWO]
    assert len(journal) == 2
    assert journal[-1] is journal.calls[1]
    assert (journal[0].applied, journal[1].applied) == (True, False)
    journal.record("a", "b", ())
    assert journal[2] == Call("a", "b", (), None, applied=True)
    assert repr(journal) == "Journal(job-state.setJobStatusBulk, transformation.getTransformationFiles, a.b)"


def test_calls_are_selected_by_target_and_method(journal):
    """Each of the two narrows the selection, neither selects all."""
    journal.record("job-state", "setJobParameters", ())
    assert journal.select() == journal.calls
    assert journal.select("job-state") == [ONE, journal[2]]
    assert journal.select(method="getTransformationFiles") == [TWO]
    assert journal.select("job-state", "setJobStatusBulk") == [ONE]
    assert journal.select("job-state", "getTransformationFiles") == []
    assert journal.methods() == [
        "job-state.setJobStatusBulk",
        "transformation.getTransformationFiles",
        "job-state.setJobParameters",
    ]


def test_a_cleared_journal_is_empty(journal):
    """It is the same object, without its calls."""
    journal.clear()
    assert journal.calls == []


def test_json_lines_say_each_call_by_its_fields(journal):
    """One line a call, with the names of the fields."""
    assert journal.to_json_lines().splitlines()[1] == (
        '{"target": "transformation", "method": "getTransformationFiles", '
        '"args": {"!": "tuple", "is": [{"LFN": ["/vo/a"]}]}, "answer": {"OK": false, "Message": "x"}, "applied": false}'
    )
    assert journal.to_json_lines().endswith("\n")


PLAIN = st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False)
VALUES = st.recursive(
    PLAIN | st.binary() | st.datetimes(),
    lambda inner: (
        st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text() | st.integers() | st.just("!"), inner)
    ),
)


@given(args=st.lists(VALUES).map(tuple), answer=VALUES, applied=st.booleans())
def test_json_lines_give_back_the_same_calls(args, answer, applied):
    """Tuples, times, bytes and keys of any kind survive the way through JSON."""
    journal = Journal()
    journal.record("a", "b", args, answer, applied)
    assert Journal.from_json_lines(journal.to_json_lines()).calls == journal.calls


def test_what_json_lacks_is_kept_as_its_repr():
    """An exception comes back as text."""
    assert to_plain(ValueError("x")) == {"!": "repr", "is": "ValueError('x')"}
    assert from_plain(to_plain([ValueError("x")])) == ["ValueError('x')"]
    assert to_plain(datetime(2026, 1, 2)) == {"!": "datetime", "is": "2026-01-02T00:00:00"}
    assert to_plain({1: b"\x01"}) == {"!": "dict", "is": [[1, {"!": "bytes", "is": "01"}]]}


@pytest.mark.parametrize("line", ["[1]", "not JSON", '{"target": "a"}', '{"!": "nonsense", "is": 1}', '{"x": 1}'])
def test_a_line_that_is_no_call_is_named(line):
    """The error says which line, and shows it."""
    with pytest.raises(ValueError, match=r"^Line 2 is not a call of a journal \(") as error:
        Journal.from_json_lines(f"{Journal([ONE]).to_json_lines()}{line}\n")
    assert str(error.value).endswith(f": {line}")
    assert str(error.value).startswith(f"Line 2 is not a call of a journal ({error.value.__cause__!r}): ")


def test_a_call_that_was_made_is_found(journal):
    """Target, method and all arguments must be equal; the answer does not matter."""
    journal.assert_called("job-state", "setJobStatusBulk", 77, {"T": {"Source": "Job_77"}}, False)


def test_a_missing_call_is_explained_by_the_nearest_one(journal):
    """The message says what was expected, what was found, and in which fields the nearest call differs."""
    journal.record("job-state", "setJobParameters", (77, []))
    with pytest.raises(AssertionError) as error:
        journal.assert_called("job-state", "setJobStatusBulk", 78, {"T": {"Source": "Job_77"}}, False, "more")
    assert str(error.value) == (
        "Expected: job-state.setJobStatusBulk(78, {'T': {'Source': 'Job_77'}}, False, 'more')\n"
        "Found:    job-state.setJobStatusBulk(77, {'T': {'Source': 'Job_77'}}, False)\n"
        "          transformation.getTransformationFiles({'LFN': ['/vo/a']})\n"
        "          job-state.setJobParameters(77, [])\n"
        "Nearest:  call 0, which differs in\n"
        "          args[0]: expected 78, found 77\n"
        "          args[3]: expected 'more', found nothing"
    )


def test_of_two_calls_equally_near_the_shorter_and_then_the_first_is_shown():
    """Extra arguments make a call less near, and are shown as not expected."""
    journal = Journal()
    journal.record("a", "b", (1, 2, 3))
    journal.record("a", "b", (1, 2))
    journal.record("a", "b", (1, 4))
    with pytest.raises(AssertionError) as error:
        journal.assert_called("a", "b", 1)
    assert str(error.value).splitlines()[-2:] == [
        "Nearest:  call 1, which differs in",
        "          args[1]: expected nothing, found 2",
    ]


def test_another_target_or_method_is_a_difference():
    """Equal fields make a call near, whichever they are: having them is not enough."""
    journal = Journal()
    journal.record("x", "y", (5, 6))
    journal.record("x", "b", (5, 6))
    with pytest.raises(AssertionError) as error:
        journal.assert_called("a", "b", 1, 2)
    assert str(error.value).splitlines()[-4:] == [
        "Nearest:  call 1, which differs in",
        "          target: expected 'a', found 'x'",
        "          args[0]: expected 1, found 5",
        "          args[1]: expected 2, found 6",
    ]
    with pytest.raises(AssertionError, match=r"method: expected 'z', found 'y'"):
        journal.assert_called("x", "z", 5, 6)
    # The frame of the helper does not show in a report
    assert error.value.__traceback__.tb_next.tb_frame.f_locals["__tracebackhide__"] is True


def test_without_any_call_there_is_no_nearest_one():
    """An empty journal says so."""
    with pytest.raises(AssertionError) as error:
        Journal().assert_called("a", "b")
    assert str(error.value) == "Expected: a.b()\nFound:    no call at all"


def test_only_exactly_equal_calls_count(journal):
    """Neither the method nor the target alone is enough."""
    for target, method in [("job-state", "x"), ("x", "setJobStatusBulk")]:
        with pytest.raises(AssertionError, match=f"^Expected: {target}.{method}"):
            journal.assert_called(target, method, *ONE.args)


def test_an_ellipsis_stands_for_any_value_and_at_the_end_for_any_rest(journal):
    """It does not stand for a missing argument."""
    journal.assert_called("job-state", "setJobStatusBulk", ..., {"T": {"Source": "Job_77"}}, False)
    journal.assert_called("job-state", "setJobStatusBulk", 77, ...)
    journal.assert_called("job-state", "setJobStatusBulk", ..., {"T": {"Source": "Job_77"}}, ...)
    journal.assert_called("job-state", "setJobStatusBulk", ...)
    journal.assert_called("job-state", "setJobStatusBulk", *ONE.args, ...)
    for args in ((78, ...), (77, ..., True), (*ONE.args, 1, ...), (77,)):
        with pytest.raises(AssertionError) as error:
            journal.assert_called("job-state", "setJobStatusBulk", *args)
        assert "Ellipsis" not in str(error.value)


def test_the_nearest_call_does_not_differ_in_what_may_be_anything(journal):
    """Neither in a value nor in the rest."""
    with pytest.raises(AssertionError) as error:
        journal.assert_called("job-state", "setJobStatusBulk", 78, ..., ...)
    assert str(error.value).splitlines()[-2:] == [
        "Nearest:  call 0, which differs in",
        "          args[0]: expected 78, found 77",
    ]
    assert str(error.value).splitlines()[0] == "Expected: job-state.setJobStatusBulk(78, ..., ...)"


def test_what_comes_before_the_rest_may_differ(journal):
    """All of it is compared."""
    with pytest.raises(AssertionError) as error:
        journal.assert_called("job-state", "setJobStatusBulk", 77, "x", ...)
    assert str(error.value).splitlines()[-2:] == [
        "Nearest:  call 0, which differs in",
        "          args[1]: expected 'x', found {'T': {'Source': 'Job_77'}}",
    ]


def test_what_may_be_anything_makes_a_call_near_that_has_it():
    """It counts as equal."""
    journal = Journal()
    journal.record("a", "b", (5,))
    journal.record("a", "b", (6, 1, 7))
    with pytest.raises(AssertionError, match=r"Nearest:  call 1, which differs in\n +args\[0\]: expected 5, found 6$"):
        journal.assert_called("a", "b", 5, ..., 7)


@pytest.mark.parametrize(("wanted", "found"), [("x" * 50, ["y" * 50]), (["x" * 50], "y" * 50)])
def test_a_text_and_a_list_are_shown_beside_each_other(wanted, found):
    """Line by line they have nothing in common."""
    journal = Journal()
    journal.record("a", "b", (found,))
    with pytest.raises(AssertionError) as error:
        journal.assert_called("a", "b", wanted)
    assert str(error.value).endswith(f"\n          args[0]: expected {wanted!r}, found {found!r}")


def test_long_values_are_shown_as_a_diff():
    """Line by line, without hints; short ones and single values beside each other."""
    journal = Journal()
    found = {"/vo/a": "Processed", "/vo/b": "Processed", "/vo/c": "Processed", "/vo/d": "Processed"}
    journal.record("a", "b", (found, [1], "x" * 50))
    with pytest.raises(AssertionError) as error:
        journal.assert_called("a", "b", {**found, "/vo/b": "Unused"}, [2], "y" * 50)
    assert str(error.value).splitlines()[2:] == [
        "Nearest:  call 0, which differs in",
        "          args[0]: - expected, + found",
        "              {'/vo/a': 'Processed',",
        "            -  '/vo/b': 'Unused',",
        "            +  '/vo/b': 'Processed',",
        "               '/vo/c': 'Processed',",
        "               '/vo/d': 'Processed'}",
        "          args[1]: expected [2], found [1]",
        f"          args[2]: expected {'y' * 50!r}, found {'x' * 50!r}",
    ]


@pytest.mark.parametrize(("length", "said"), [(40, "args[0]: expected ["), (41, "args[0]: - expected, + found")])
def test_a_value_is_long_from_41_characters(length, said):
    """The longer of both counts, as Python writes it."""
    journal = Journal()
    journal.record("a", "b", (["x" * (length - len("['']"))],))
    with pytest.raises(AssertionError) as error:
        journal.assert_called("a", "b", [])
    assert said in str(error.value)


def test_a_call_can_be_counted(journal):
    """Never is a number too."""
    name = ("transformation", "getTransformationFiles")
    journal.assert_called(*name, ..., times=1)
    journal.assert_called(*name, 1, times=0)
    for times, said in ((0, "0 times"), (2, "2 times")):
        with pytest.raises(AssertionError) as error:
            journal.assert_called(*name, ..., times=times)
        assert str(error.value) == (
            f"Expected: transformation.getTransformationFiles(...), {said} and not 1\n"
            "Found:    job-state.setJobStatusBulk(77, {'T': {'Source': 'Job_77'}}, False)\n"
            "          transformation.getTransformationFiles({'LFN': ['/vo/a']})"
        )
    journal.record(*name, ())
    with pytest.raises(AssertionError, match=r"[(][.]{3}[)], once and not 2"):
        journal.assert_called(*name, ..., times=1)


def test_what_was_not_to_be_called_is_shown(journal):
    """A service as a whole, or one method of it."""
    journal.assert_not_called("accounting")
    journal.assert_not_called("job-state", "setJobParameters")
    with pytest.raises(AssertionError) as error:
        journal.assert_not_called("transformation")
    assert str(error.value) == (
        "Expected: no call of transformation\nFound:    transformation.getTransformationFiles({'LFN': ['/vo/a']})"
    )
    with pytest.raises(AssertionError, match=r"^Expected: no call of job-state[.]setJobStatusBulk\n"):
        journal.assert_not_called("job-state", "setJobStatusBulk")
    assert error.value.__traceback__.tb_next.tb_frame.f_locals["__tracebackhide__"] is True


def test_calls_are_expected_in_an_order(journal):
    """Others may be between; what does not come after the one before it is named."""
    first, second = journal.methods()
    journal.record("accounting", "commit", ())
    journal.assert_order(first, second)
    journal.assert_order(first, "accounting.commit")
    journal.assert_order()
    with pytest.raises(AssertionError) as error:
        journal.assert_order(second, first)
    assert str(error.value) == (
        f"Expected: {second}, then {first}\n"
        f"Found:    {first}, then {second}, then accounting.commit\n"
        f"Missing:  {first} after {second}"
    )
    assert error.value.__traceback__.tb_next.tb_frame.f_locals["__tracebackhide__"] is True
    with pytest.raises(AssertionError, match=rf"Missing:  {first} after {first}$"):
        journal.assert_order(first, first)
    with pytest.raises(AssertionError) as error:
        Journal().assert_order("a.b")
    assert str(error.value) == "Expected: a.b\nFound:    no call at all\nMissing:  a.b anywhere"


def test_calls_can_be_read(journal):
    """One line each."""
    assert journal.lines() == [
        "job-state.setJobStatusBulk(77, {'T': {'Source': 'Job_77'}}, False)",
        "transformation.getTransformationFiles({'LFN': ['/vo/a']})",
    ]
