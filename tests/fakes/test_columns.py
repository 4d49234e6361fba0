"""What fits into the columns of DIRAC's databases: ``tests/live`` says the same of the databases themselves."""

from __future__ import annotations

import pytest

from dirac_fakes.columns import TABLES, ColumnError, as_number, as_text, columns, fit, fold, one_of, only, read_time

REQUEST, OPERATION, FILE, JOBS = "ReqDB.Request", "ReqDB.Operation", "ReqDB.File", "JobDB.Jobs"
NETWORK = "AccountingDB.ac_in_Network"


@pytest.mark.parametrize("table", TABLES)
def test_every_column_is_read(table):
    """Its type is one that values are fitted into."""
    assert len(columns(table)) == TABLES[table].count(")") + sum(
        TABLES[table].count(f" {kind}") for kind in ("datetime", "text", "float")
    )
    assert all(column.sql.startswith(column.kind) for column in columns(table).values())
    row = dict.fromkeys(columns(table), "1")
    assert fit(table, row, strict=False).keys() == row.keys()


@pytest.mark.parametrize(
    ("table", "name", "value", "kept"),
    [
        (REQUEST, "Owner", "a" * 255 + "  ", "a" * 255),
        (REQUEST, "Owner", None, None),
        (REQUEST, "Owner", 1.5, "1.5"),
        (REQUEST, "Owner", True, "1"),
        (REQUEST, "JobID", "1.5", 2),
        (REQUEST, "JobID", -1.5, -2),
        (REQUEST, "JobID", -0.5, 0),
        (REQUEST, "JobID", "-0.5", -1),
        (REQUEST, "JobID", " 12 ", 12),
        (REQUEST, "JobID", None, None),
        (REQUEST, "Status", "waiting ", "Waiting"),
        (FILE, "ChecksumType", "", ""),
        (FILE, "Size", 2**63 - 1, 2**63 - 1),
        (OPERATION, "Arguments", "a" * 65535, "a" * 65535),
        (OPERATION, "Arguments", "a" * 65535 + "  ", "a" * 65535),
        (REQUEST, "NotBefore", "2026-1-2 3:4:5.9", "2026-01-02 03:04:05"),
        (REQUEST, "NotBefore", "26-01-02", "2026-01-02 00:00:00"),
        (REQUEST, "NotBefore", "70-01-02T03", "1970-01-02 03:00:00"),
        (REQUEST, "NotBefore", "2026/01/011 12.30_000", "2026-01-11 12:30:00"),
        (REQUEST, "NotBefore", "20260102", "2026-01-02 00:00:00"),
        (REQUEST, "NotBefore", "260102030405", "2026-01-02 03:04:05"),
        (REQUEST, "NotBefore", "2026-00-02 03:04:05", None),
        (REQUEST, "NotBefore", "0000-00-00", None),
        (NETWORK, "Jitter", "1.5", 1.5),
        (REQUEST, "Nonsense", "x", "x"),
        (REQUEST, "Status", None, None),
    ],
)
def test_what_fits_is_kept(table, name, value, kept):
    """In the form in which the column has it."""
    assert fit(table, {name: value}, strict=True) == {name: kept}


@pytest.mark.parametrize(
    ("table", "name", "value", "number", "text", "cut"),
    [
        (REQUEST, "Owner", "a" * 256, 1406, "Data too long for column 'Owner' at row 1", "a" * 255),
        (OPERATION, "Arguments", "w" + "é" * 32768, 1406, "Data too long for column 'Arguments' at row 1",
         "w" + "é" * 32767),
        (OPERATION, "Arguments", "é" * 32768, 1366,
         r"Incorrect string value: '\xC3\xA9' for column `ReqDB`.`Operation`.`Arguments` at row 1", "é" * 32767),
        (OPERATION, "Arguments", "é" * 32767 + "€\t~é", 1366,
         r"Incorrect string value: '\xE2\x82\xAC\x09~\xC3...' for column `ReqDB`.`Operation`.`Arguments` at row 1",
         "é" * 32767),
        (REQUEST, "JobID", 2**31, 1264, "Out of range value for column 'JobID' at row 1", 2**31 - 1),
        (REQUEST, "JobID", 1e300, 1264, "Out of range value for column 'JobID' at row 1", 2**31 - 1),
        (NETWORK, "PacketLossRate", -1, 1264, "Out of range value for column 'PacketLossRate' at row 1", 0),
        (NETWORK, "Jitter", 1e39, 1264, "Out of range value for column 'Jitter' at row 1", 3.4028235e38),
        (REQUEST, "JobID", "1x", 1265, "Data truncated for column 'JobID' at row 1", 1),
        (NETWORK, "Jitter", "1x", 1265, "Data truncated for column 'Jitter' at row 1", 1.0),
        (REQUEST, "JobID", "x😀", 1366,
         "Incorrect integer value: 'x?' for column `ReqDB`.`Request`.`JobID` at row 1", 0),
        (REQUEST, "JobID", "\0\n\x9f", 1366,
         "Incorrect integer value: '\\0000\n\\009F' for column `ReqDB`.`Request`.`JobID` at row 1", 0),
        (REQUEST, "JobID", "é" * 64, 1366,
         f"Incorrect integer value: '{'é' * 64}' for column `ReqDB`.`Request`.`JobID` at row 1", 0),
        (REQUEST, "JobID", "é" * 65, 1366,
         f"Incorrect integer value: '{'é' * 62}...' for column `ReqDB`.`Request`.`JobID` at row 1", 0),
        (REQUEST, "NotBefore", "é" * 65, 1292,
         f"Incorrect datetime value: '{'é' * 62}?...' for column `ReqDB`.`Request`.`NotBefore` at row 1", None),
        (NETWORK, "Jitter", "", 1366,
         "Incorrect double value: '' for column `AccountingDB`.`ac_in_Network`.`Jitter` at row 1", 0.0),
        (REQUEST, "Status", "x", 1265, "Data truncated for column 'Status' at row 1", ""),
        (REQUEST, "NotBefore", "2026-01-01T12:00:00+00:00", 1292,
         "Incorrect datetime value: '2026-01-01T12:00:00+00:00' for column `ReqDB`.`Request`.`NotBefore` at row 1",
         "2026-01-01 12:00:00"),
        (REQUEST, "NotBefore", "2026-01-01x", 1292,
         "Incorrect datetime value: '2026-01-01x' for column `ReqDB`.`Request`.`NotBefore` at row 1",
         "2026-01-01 00:00:00"),
        (REQUEST, "NotBefore", "2026-02-30", 1292,
         "Incorrect datetime value: '2026-02-30' for column `ReqDB`.`Request`.`NotBefore` at row 1", None),
        (REQUEST, "NotBefore", "w" * 129, 1292,
         f"Incorrect datetime value: '{'w' * 125}...' for column `ReqDB`.`Request`.`NotBefore` at row 1", None),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_or_cut(table, name, value, number, text, cut):
    """Refused in strict mode, in MySQL's words; cut otherwise."""
    with pytest.raises(ColumnError) as error:
        fit(table, {name: value}, strict=True)
    assert error.value.args == (number, text)
    assert fit(table, {name: value}, strict=False) == {name: cut}


@pytest.mark.parametrize(
    ("table", "name"),
    [(JOBS, "Status"), (NETWORK, "Jitter"), (NETWORK, "PacketLossRate"), ("JobLoggingDB.LoggingInfo", "StatusTime")],
)
@pytest.mark.parametrize("strict", [True, False])
def test_nothing_is_refused_where_there_must_be_something(table, name, strict):
    """Whatever the mode."""
    with pytest.raises(ColumnError, match=f"Column '{name}' cannot be null"):
        fit(table, {name: None}, strict=strict)


def test_texts_are_compared_without_case_accents_and_spaces_at_the_end():
    """Letters of which MySQL knows nothing are all the same."""
    assert fold("/vo/A  ") == fold("/vo/a") == fold("/vó/ä")
    assert fold("😀") == fold("🙂") != fold("a")
    assert fold(" a") != fold("a")


@pytest.mark.parametrize(
    ("cell", "value", "same"),
    [
        ("One", "one ", True), ("one", 0, True), ("1x", True, True), (1, "1x", True), (1, "x", False),
        (None, None, True), (None, 0, False), ("None", None, False), ("one", {}, False),
    ],
)  # fmt: skip
def test_a_text_and_a_number_are_compared_as_numbers(cell, value, same):
    """The number at the beginning of the text counts."""
    assert one_of([value])(cell) is same


def test_a_list_is_its_one_value():
    """One of several values is none, and one of nothing, or with such a one in it, is no SQL."""
    assert [only(value) for value in (None, "a", [None], [[1]])] == [None, "a", None, 1]
    assert fit(REQUEST, {"Owner": [["b"]]}, strict=True) == {"Owner": "b"}
    assert (as_text(1e-7), as_number("1e3x"), as_number(5)) == ("1e-7", 1000, 5)
    for value, number in (([], 1064), ([[]], 1064), ([[], 1], 1064), ([1, 2], 1241), ([["a", "b"]], 1241)):
        with pytest.raises(ColumnError) as error:
            only(value)
        assert error.value.args[0] == number


def test_times_are_compared_with_their_fraction():
    """What follows a time is passed over then."""
    assert read_time("2026-01-01 12:00:00.1234567Z", fraction=True) == "2026-01-01 12:00:00.123456"
    assert read_time("2026-01-01 12:00:00.000", fraction=True) == "2026-01-01 12:00:00"
    assert read_time("2026-01-01 12:00:00Z") is None
    assert read_time("2026-02-30 12:00:00", fraction=True) == "2026-02-30 12:00:00"
    assert read_time("2026-00-10", fraction=True) == "2026-00-10 00:00:00"
    assert [read_time(text, fraction=True) for text in ("2026-13-01", "2026-04-32", "2026-00-32")] == [None] * 3
    assert read_time("2026-02-30") is None
