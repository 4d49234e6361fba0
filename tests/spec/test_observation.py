"""Outcomes: what differs between two of them, and how what was observed becomes plain data."""

from __future__ import annotations

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dirac_failover.spec import observation as module
from dirac_failover.spec.observation import Call, Observation, Scrubber

STAMP = "2026-01-02 03:04:05.000006"
OTHER = "2026-01-02 03:04:05.000007"


def outcome(**changes):
    """An outcome that says little."""
    usual = Observation("returned", {"OK": True}, (), {"jobID": 77}, None, {}, None)
    return usual._replace(**changes)


def test_calls_know_their_kind_and_can_be_listed():
    """The module, what it finds in workflow_commons, and services, whatever they are called; each before its own."""
    inner = Call("No/One", "x", [], 1)
    calls = [
        Call("module", "_execute", [], None, calls=(Call("JobReport", "commit", [], None, calls=(inner,)),)),
        inner,
    ]
    assert [call.kind for call in module.flatten(calls)] == ["hook", "collaborator", "service", "service"]
    assert inner.step == ("No/One", "x", [], 1)


# Scrubbing


TEXTS = [
    ("nothing", "nothing"),
    ("", ""),
    ("2026-01-02 03:04:05", "<time>"),
    ("x 2026-01-02 03:04:05 y 2026-12-31 23:59:59!", "x <time> y <time>!"),
    (STAMP, "<T1>"),
    (f"{OTHER} {STAMP} {OTHER}", "<T1> <T2> <T1>"),
    (f"{STAMP}, 2026-01-02 03:04:05.", "<T1>, <time>."),
    ("2026-01-02 03:04:05.12", "2026-01-02 03:04:05.12"),
    ("2026-01-02T03:04:05", "2026-01-02T03:04:05"),
    ("26-01-02 03:04:05 0000", "26-01-02 03:04:05 0000"),
    ("Accounting.DataStore.1767268800.5.0.25", "Accounting.DataStore.<name>"),
    ("Accounting.DataStore.1.5e-05.-3 is", "Accounting.DataStore.<name> is"),
    ("x Accounting.DataStore.1 Accounting.DataStore.2", "x Accounting.DataStore.<name> Accounting.DataStore.<name>"),
    ("Accounting/DataStore.1", "Accounting/DataStore.1"),
    (f"Accounting.DataStore.1 {STAMP}", "Accounting.DataStore.<name> <T1>"),
]


@pytest.mark.parametrize(("text", "scrubbed"), TEXTS)
def test_times_and_names_are_made_the_same(text, scrubbed):
    """Stamps by number, other times and names by one word, whatever surrounds them."""
    assert Scrubber().text(text) == scrubbed
    assert Scrubber().plain(text) == scrubbed
    assert Scrubber().plain([text]) == [scrubbed]
    assert Scrubber().plain((text,)) == [scrubbed]
    assert Scrubber().plain({text: 1}) == {scrubbed: 1}
    assert Scrubber().plain({"key": text}) == {"key": scrubbed}
    assert Scrubber().plain(text.encode()) == scrubbed


def test_stamps_are_numbered_through_one_run():
    """In the order in which they are seen first; another run begins anew."""
    scrubber = Scrubber()
    assert scrubber.plain([OTHER, {"a": STAMP}, f"at {OTHER}"]) == ["<T1>", {"a": "<T2>"}, "at <T1>"]
    assert scrubber.text(STAMP) == "<T2>"
    assert Scrubber().text(STAMP) == "<T1>"
    assert not hasattr(scrubber, "__dict__")


@pytest.mark.parametrize("wrap", [lambda error: error, lambda error: {"OK": False, "Message": error, "Errno": 0}])
def test_exceptions_lose_their_frames_and_what_came_before(wrap):
    """Else whatever the frames know would live until garbage is looked for."""
    before = RuntimeError("before")
    try:
        try:
            raise before
        except RuntimeError:
            raise ValueError("after") from None
    except ValueError as error:
        after = error
    assert after.__context__ is before
    module.forget_frames(wrap(after))
    assert [after.__traceback__, after.__context__, before.__traceback__, before.__context__] == [None] * 4
    assert (after.args, before.args) == (("after",), ("before",))


def test_attributes_that_are_not_there_are_absent():
    """The others are as they are; one that raises reads as the exception."""

    class Owner:
        name = STAMP
        broken = property(lambda _: 1 / 0)

    found = module.attributes_of(Owner(), ["name", "no", "broken"])
    assert found == {"name": STAMP, "no": "(absent)", "broken": "<raises ZeroDivisionError>"}
    assert module.elements(Owner()) == []


def test_nothing_that_is_scrubbed_is_shorter_than_what_is_looked_at():
    """Shorter texts therefore need no look."""
    changed = [text for text, scrubbed in TEXTS if text != scrubbed]
    assert min(len(text) for text in changed) == module._SHORTEST == 19


def test_anything_is_made_plain():
    """What is no plain data, too deep, too much, or raises, reads as its class; what cannot be encoded is escaped."""
    deep = cycle = []
    cycle.append(cycle)
    for _ in range(60):
        deep = [deep]

    class Lies(dict):
        __class__ = property(lambda _: 1 / 0)
        items = __iter__ = __len__ = __getattr__ = None

    doubled = ["x"]
    for _ in range(30):
        doubled = [doubled, doubled]
    scrubber = Scrubber()
    found = [scrubber.plain(value) for value in (deep, doubled)]
    assert all("<list>" in json.dumps(value) for value in found)
    assert scrubber.plain([10**5000, float("nan"), "\udcff", {b"\xff": {1}}]) == [
        "<int of 16610 bits>", "<nan>", "\\udcff", {"\\xff": "<set>"},
    ]  # fmt: skip
    assert scrubber.plain(Lies(a=1)) == {"a": 1}
    assert scrubber.plain([1, 2, 3], 2) == "<list>"
    assert scrubber.plain({1: 2, 3: 4}, 2) == "<dict>"
    assert scrubber.plain("-:." + "2026-01-01 12:00:00 " * 4000).startswith("-:.<time> <time>")
    stamps = [f"2026-01-01 12:00:00.{number:06}" for number in range(1001)]
    assert scrubber.plain(stamps)[-2:] == ["<T1000>", "<T>"]
    assert scrubber.text(stamps[1]) == "<T2>"


class Text(str):
    __slots__ = ()


class Numbers(list):
    pass


class Keys(dict):
    pass


class Odd:
    pass


VALUES = [
    (None, None), (True, True), (5, 5), (1.5, 1.5), ("x", "x"), ([], []), ((), []), ({}, {}),
    ([1, (2, [3]), {"a": (4,)}], [1, [2, [3]], {"a": [4]}]),
    ({"a": [1], "b": None}, {"a": [1], "b": None}),
    ({1: 2, None: 3, (4, "x"): 5, False: 6}, {"1": 2, "None": 3, "[4, 'x']": 5, "False": 6}),
    (Numbers([1, (2,)]), [1, [2]]), (Keys(a=(1,)), {"a": [1]}), (Call("a", "b", (1,), None)[:4], ["a", "b", [1], None]),
    (b"abc\xff", "abc\\xff"), (bytearray(b"x"), "<bytearray>"), (Odd(), "<Odd>"), ({1}, "<set>"),
    (date(2026, 1, 2), "<date>"), (Text("sub"), "<Text>"),
    (ValueError("x", 5), {"exception": "ValueError", "args": ["x", 5]}),
    (KeyError((1, 2)), {"exception": "KeyError", "args": [[1, 2]]}),
    (KeyboardInterrupt(), {"exception": "KeyboardInterrupt", "args": []}),
    (ValueError(STAMP, OSError(2, STAMP)),
     {"exception": "ValueError", "args": ["<T1>", {"exception": "FileNotFoundError", "args": [2, "<T1>"]}]}),
]  # fmt: skip


@pytest.mark.parametrize(("value", "found"), VALUES, ids=[repr(found) for _, found in VALUES])
def test_values_become_plain(value, found):
    """JSON values are taken as they are; what JSON lacks becomes what it can be compared by."""
    result = Scrubber().plain(value)
    assert result == found
    assert type(result) is type(found)
    assert json.dumps(Scrubber().plain([value])) == json.dumps([found])


class File:
    LFN, PFN, ChecksumType, Checksum, GUID, Size, Status = "/vo/a", None, "ADLER32", "1", None, 5, "Waiting"


class Operation:
    """What has arguments counts as an operation."""

    Type, Status, Arguments, SourceSE, TargetSE, Catalog, Error = "T", "Waiting", STAMP.encode(), None, "SE", "FC", None

    def __init__(self, *files):
        self._files = files

    def __iter__(self):
        return iter(self._files)


def test_operations_are_their_fields_and_files():
    """Wherever they stand; what one lacks is absent."""
    fields = {
        "Type": "T", "Status": "Waiting", "Arguments": "<T1>", "SourceSE": None, "TargetSE": "SE", "Catalog": "FC",
        "Error": None,
    }  # fmt: skip
    file = {
        "LFN": "/vo/a", "PFN": None, "ChecksumType": "ADLER32", "Checksum": "1", "GUID": None, "Size": 5,
        "Status": "Waiting",
    }  # fmt: skip
    assert Scrubber().operation(Operation()) == {**fields, "Files": []}
    assert Scrubber().plain([Operation(File(), File())]) == [{**fields, "Files": [file, file]}]
    assert list(Scrubber().plain(Operation())) == [*module.OPERATION_FIELDS, "Files"]

    class Bare(list):
        pass

    assert Scrubber().operation(Bare())["Type"] == "<Bare>"


@given(st.text("0123456789-: .<>T", max_size=60))
def test_scrubbing_twice_changes_nothing_more(text):
    """What is left has no time in it."""
    once = Scrubber().text(text)
    assert Scrubber().text(once) == once


def test_a_value_that_cannot_be_read_is_named():
    """Reading it may raise anything: the rest is still told."""

    class Raising(Scrubber):
        def other(self, value):
            raise KeyboardInterrupt(value)

    assert Raising().plain([object(), 2]) == ["<object>", 2]
