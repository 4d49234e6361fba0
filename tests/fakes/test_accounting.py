"""The rules of the accounting service."""

from __future__ import annotations

from datetime import datetime

import pytest

from dirac_fakes import World

START, END = datetime(2026, 1, 1, 10, 30, 15, 700000), datetime(2026, 1, 1, 11)
VALUES = ["site", "endpoint", "SE", "token", 1]
GOOD = ["StorageOccupancy", START, END, VALUES]
KEPT = ["StorageOccupancy", 1767263415, 1767265200, VALUES]
ALIEN = ["Nonsense", START, END, VALUES]


def test_records_are_kept_with_times_in_seconds(world, call):
    """One by one, or many together."""
    assert call("accounting", "commitRegisters", [GOOD, GOOD]) == {"OK": True, "Value": None}
    assert world.accounting.records() == [KEPT, KEPT]
    assert call("accounting", "commit", *GOOD) == {"OK": True, "Value": None}
    assert world.accounting.snapshot() == {"records": [KEPT, KEPT, KEPT]}


def test_records_that_are_shown_are_copies(world, call):
    """Whoever gets the list may change it."""
    call("accounting", "commit", *GOOD)
    world.accounting.records()[0].append(1)
    assert world.accounting.records() == [KEPT]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (GOOD[:3], "Invalid records"),
        ([*GOOD, 1], "Invalid records"),
        ([1, *GOOD[1:]], "Unexpected type in report"),
        (["x", "2026-01-01 10:30:15", END, []], "Unexpected type in report"),
        (["x", START, 5, []], "Unexpected type in report"),
        (["x", START, END, "values"], "Unexpected type in report"),
        (["x", START, END, ("values",)], "Unexpected type in report"),
    ],
)
def test_a_record_of_no_such_shape_spoils_the_bundle(world, call, entry, message):
    """Nothing of it is kept."""
    assert call("accounting", "commitRegisters", [GOOD, entry]) == {"OK": False, "Errno": 0, "Message": message}
    assert world.accounting.records() == []


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (VALUES[:4], "Fields mismatch for record StorageOccupancy. 6 fields and 7 expected"),
        ([*VALUES[:4], -1], "Out of range value for column 'Space' at row 1"),
        ([*VALUES[:4], "x"], "Incorrect integer value: 'x' for column `AccountingDB`.`ac_in_StorageOccupancy`.`Space`"),
        ([*VALUES[:4], "1x"], "Data truncated for column 'Space' at row 1"),
        ([*VALUES[:4], None], "Column 'Space' cannot be null"),
        ([*VALUES[:4], True], "Column count doesn't match value count at row 1"),
        ([*VALUES[:4], []], "You have an error in your SQL syntax"),
        ([*VALUES[:4], [1, 2]], "Operand should contain 1 column(s)"),
        (["s" * 65, *VALUES[1:]], "Data too long for column 'Site' at row 1"),
    ],
)
def test_a_record_that_does_not_fit_is_refused_and_those_before_it_are_kept(world, call, values, message):
    """A bundle is not all or nothing: what is sent again after the error arrives twice."""
    answer = call("accounting", "commitRegisters", [GOOD, ["StorageOccupancy", START, END, values], GOOD])
    assert message in answer["Message"]
    assert world.accounting.records() == [KEPT]


def test_a_list_in_a_record_is_the_text_of_its_one_value(world, call):
    """It is a text before the database sees it."""
    for site in (["s"], [["s"]]):
        assert call("accounting", "commitRegisters", [["StorageOccupancy", START, END, [site, *VALUES[1:]]]])["OK"]
    assert [values[0] for *_, values in world.accounting.records()] == ["s", "['s']"]


def test_a_record_of_another_start_is_kept_behind_a_bad_one(world, call):
    """Records are taken by their start, one bundle after the other."""
    later = ["StorageOccupancy", END, END, VALUES]
    bad = ["StorageOccupancy", START, END, []]
    assert not call("accounting", "commitRegisters", [bad, GOOD, later])["OK"]
    assert world.accounting.records() == [["StorageOccupancy", 1767265200, 1767265200, VALUES]]


def test_an_unknown_type_is_refused(world, call):
    """One record is refused in words, a bundle by an exception of the service."""
    assert call("accounting", "commit", *ALIEN)["Message"] == "Type Nonsense has not been defined in the db"
    message = "Server error while serving commitRegisters: 'Nonsense'"
    assert call("accounting", "commitRegisters", [ALIEN])["Message"] == message


def test_a_type_of_an_extension_can_be_added(world, call):
    """It has the columns of another one."""
    world.accounting.add("Nonsense", like="StorageOccupancy")
    assert call("accounting", "commitRegisters", [ALIEN])["OK"]
    assert world.accounting.records() == [["Nonsense", *KEPT[1:]]]


def test_without_strict_mode_values_are_cut():
    """Texts to their width, numbers to the range of the column; what is no number is 0."""
    world = World(strict=False)
    values = ["s" * 65, "e", "SE", "token", "-5"]
    assert world("Accounting/DataStore", "commit", ("StorageOccupancy", START, END, values))["OK"]
    assert world("Accounting/DataStore", "commit", ("StorageOccupancy", START, END, [*VALUES[:4], "x"]))["OK"]
    assert [record[3] for record in world.accounting.records()] == [
        ["s" * 64, "e", "SE", "token", 0], [*VALUES[:4], 0],
    ]  # fmt: skip
