"""The one table of columns in the fakes says what the real schema says."""

from __future__ import annotations

import pytest

from dirac_fakes.columns import TABLES, columns, fold

LETTERS = "aAàÀâäåçéÉèêëîïñøôößüÿıİſæœđłþ€ﬁΑαжЖ中😀🙂1_ '\t"  # noqa: RUF001 - letters that look like others


@pytest.mark.parametrize("table", TABLES)
def test_the_columns_are_those_of_the_database(grid, table):
    """Type, sign, whether it can be null, and the collation of each column are the same."""
    schema, name = table.split(".")
    rows = grid.database.run(
        "SELECT COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COLLATION_NAME FROM information_schema.COLUMNS"
        f" WHERE TABLE_SCHEMA = '{schema}' AND TABLE_NAME = '{name}'"
    )
    real = {row[0]: row[1:] for row in (line.split("\t") for line in rows.splitlines())}
    for column in columns(table).values():
        kind, null, collation = real[column.name]
        assert (column.sql, "YES" if column.null else "NO") == (kind, null), column
        assert collation in {"utf8mb4_general_ci", "NULL"}
    assert name.startswith("ac_in") <= (list(real)[1:-2] == list(columns(table)))


def test_every_type_of_accounting_is_known(grid):
    """DIRAC has as many queues as the table."""
    rows = grid.database.run("SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_NAME LIKE 'ac_in_%'")
    assert set(rows.split()) == {table.split(".")[1] for table in TABLES if ".ac_in_" in table}


def test_texts_are_equal_as_in_the_database(grid):
    """Each pair of letters, and of words with spaces, is equal here if it is there."""
    words = [*LETTERS, "a ", " a", "A  ", "", " "]
    pairs = [(one, other) for one in words for other in words]
    quoted = [f"SELECT {_quoted(one)} = {_quoted(other)};" for one, other in pairs]
    rows = grid.database.run("SET NAMES utf8mb4 COLLATE utf8mb4_general_ci; " + " ".join(quoted)).split()
    wrong = [pair for pair, row in zip(pairs, rows, strict=True) if (fold(pair[0]) == fold(pair[1])) != (row == "1")]
    assert wrong == []


def _quoted(text):
    return f"_utf8mb4 x'{text.encode().hex()}' COLLATE utf8mb4_general_ci"
