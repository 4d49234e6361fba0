"""The columns of DIRAC's databases: the values that fit, the fate of the others, and the equality of texts.

:data:`TABLES` says of each column what MariaDB's ``information_schema`` says; ``tests/live`` compares both. In strict
mode, which is MariaDB's default, a database refuses what does not fit; otherwise it cuts it off, or keeps the nearest
value. Texts are compared as ``utf8mb4_general_ci`` does: without regard to case, accents and spaces at the end.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

_SPAN: Final = "startTime int(10)+! endTime int(10)+!"
TABLES: Final[dict[str, str]] = {
    "JobDB.Jobs": "Status varchar(32)! MinorStatus varchar(128)! ApplicationStatus varchar(255) HeartBeatTime datetime",
    "JobDB.HeartBeatLoggingInfo": "Name varchar(100)! Value text!",
    "JobLoggingDB.LoggingInfo": "JobID int(11)! Status varchar(32)! MinorStatus varchar(128)! "
    "ApplicationStatus varchar(255)! StatusTime datetime! StatusTimeOrder double(12,3)! StatusSource varchar(32)!",
    "TransformationDB.TransformationFiles": "TransformationID int(11)! FileID int(11)! Status varchar(32) "
    "ErrorCount int(4)! TaskID int(11) TargetSE varchar(255) UsedSE varchar(255) LastUpdate datetime "
    "InsertedTime datetime",
    "TransformationDB.DataFiles": "LFN varchar(255)!",
    "ReqDB.Request": "CreationTime datetime JobID int(11) Owner varchar(255) RequestName varchar(255)! "
    "Error varchar(255) Status enum('Waiting','Assigned','Done','Failed','Canceled','Scheduled') LastUpdate datetime "
    "OwnerGroup varchar(32) SubmitTime datetime RequestID int(11)! SourceComponent varchar(255) NotBefore datetime",
    "ReqDB.Operation": "TargetSE varchar(255) CreationTime datetime SourceSE varchar(255) Arguments text "
    "Error varchar(255) Type varchar(64)! Order int(11)! "
    "Status enum('Waiting','Assigned','Queued','Done','Failed','Canceled','Scheduled') LastUpdate datetime "
    "SubmitTime datetime Catalog varchar(255) OperationID int(11)! RequestID int(11)!",
    "ReqDB.File": "FileID int(11)! OperationID int(11)! Status enum('Waiting','Done','Failed','Scheduled') "
    "LFN varchar(255) PFN varchar(255) ChecksumType enum('ADLER32','MD5','SHA1','') Checksum varchar(255) "
    "GUID varchar(36) Size bigint(20) Attempt int(11) Error varchar(255)",
    "AccountingDB.ac_in_DataOperation": "OperationType varchar(32)! User varchar(64)! ExecutionSite varchar(256)! "
    "Source varchar(32)! Destination varchar(32)! Protocol varchar(32)! FinalStatus varchar(32)! "
    "TransferSize bigint(20)+! TransferTime float! RegistrationTime float! TransferOK int(10)+! "
    "TransferTotal int(10)+! RegistrationOK int(10)+! RegistrationTotal int(10)+! " + _SPAN,
    "AccountingDB.ac_in_Job": "User varchar(64)! UserGroup varchar(32)! JobGroup varchar(64)! JobType varchar(32)! "
    "JobClass varchar(32)! ProcessingType varchar(256)! Site varchar(64)! FinalMajorStatus varchar(32)! "
    "FinalMinorStatus varchar(256)! CPUTime int(10)+! NormCPUTime int(10)+! ExecTime int(10)+! "
    "InputDataSize bigint(20)+! OutputDataSize bigint(20)+! InputDataFiles int(10)+! OutputDataFiles int(10)+! "
    "DiskSpace bigint(20)+! InputSandBoxSize bigint(20)+! OutputSandBoxSize bigint(20)+! ProcessedEvents int(10)+! "
    + _SPAN,
    "AccountingDB.ac_in_Network": "SourceIP varchar(64)! DestinationIP varchar(64)! SourceHostName varchar(255)! "
    "DestinationHostName varchar(255)! Source varchar(255)! Destination varchar(255)! Jitter float! "
    "OneWayDelay float! PacketLossRate tinyint(3)+! " + _SPAN,
    "AccountingDB.ac_in_Pilot": "User varchar(64)! UserGroup varchar(32)! Site varchar(64)! GridCE varchar(128)! "
    "GridMiddleware varchar(32)! GridResourceBroker varchar(128)! GridStatus varchar(32)! Jobs int(10)+! " + _SPAN,
    "AccountingDB.ac_in_PilotSubmission": "HostName varchar(255)! SiteDirector varchar(100)! Site varchar(100)! "
    "CE varchar(100)! Queue varchar(100)! Status varchar(100)! NumTotal int(10)+! NumSucceeded int(10)+! " + _SPAN,
    "AccountingDB.ac_in_StorageOccupancy": "Site varchar(64)! Endpoint varchar(255)! StorageElement varchar(64)! "
    "SpaceType varchar(64)! Space bigint(20)+! " + _SPAN,
    "AccountingDB.ac_in_WMSHistory": "Status varchar(128)! Site varchar(128)! User varchar(128)! "
    "UserGroup varchar(128)! JobGroup varchar(32)! MinorStatus varchar(128)! ApplicationStatus varchar(256)! "
    "JobSplitType varchar(32)! Jobs int(10)+! Reschedules int(10)+! " + _SPAN,
}
"""Each column's name and type, in the order in which statements name them; ``+`` means unsigned, ``!`` not null."""

_TEXT_BYTES: Final = 65_535
_SHOWN: Final = 6
_QUOTED: Final = 125
_QUOTED_WHOLE: Final = 128
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_BITS: Final = {"tinyint": 8, "int": 32, "bigint": 64}
_FLOATS: Final = {"float": 3.4028235e38, "double": 999_999_999.999}  # the only double is one of nine digits
SYNTAX: Final = (
    "You have an error in your SQL syntax; check the manual that corresponds to your MariaDB server version "
    "for the right syntax to use near '' at line 1"
)
number_in: Final = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?").match
"""Finds the number that MySQL reads at the beginning of a text; None if there is none."""
_TIME: Final = re.compile(
    r"\s*(\d{4}|\d\d)\D(\d+)\D(\d+)(?:[ T]+(\d+)(?:[!-/:-@[-`](\d+)(?:[!-/:-@[-`](\d+)(?:\.(\d*))?)?)?)?\s*", re.ASCII
)
_DIGITS: Final = re.compile(r"\s*(\d{4}|\d\d)(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d))?\s*", re.ASCII)


class ColumnError(Exception):
    """The refusal of a value by a database: MySQL's number and text."""

    def __init__(self, number: int, text: str) -> None:
        """Make the text of MySQL's client."""
        super().__init__(number, text)


class Column(NamedTuple):
    """A column: the name of its database and table, its own, its type, its size, and whether it can be null."""

    table: str
    name: str
    kind: str
    size: str
    unsigned: bool
    null: bool

    @property
    def sql(self) -> str:
        """The type as MariaDB shows it."""
        return f"{self.kind}{self.size}{' unsigned' if self.unsigned else ''}"


@lru_cache
def columns(table: str) -> dict[str, Column]:
    """Return the columns of a table by their names."""
    found = re.findall(r"(\w+) (\w+)(\([^)]*\))?(\+?)(!?)", TABLES[table])
    return {name: Column(table, name, kind, size, bool(plus), not bang) for name, kind, size, plus, bang in found}


def fit(table: str, row: dict[str, Any], *, strict: bool, number: int = 1) -> dict[str, Any]:
    """Return a row as the table keeps it; columns that the table does not have stay as they are.

    Raises ColumnError where a ``strict`` database refuses a value of the ``number``-th row of a statement.
    """
    known = columns(table)
    return {name: _FITS[known[name].kind](known[name], only(value), strict, number) if name in known else value
            for name, value in row.items()}  # fmt: skip


_LONG: Final = (1406, "Data too long")
_RANGE: Final = (1264, "Out of range value")
_CUT: Final = (1265, "Data truncated")


def _refuse(column: Column, strict: bool, row: int, number: int, text: str) -> None:
    if strict:
        raise ColumnError(number, f"{text} for column '{column.name}' at row {row}")


def _no_value(column: Column, strict: bool, row: int, kind: str, value: Any) -> None:
    if strict:
        where = "`{}`.`{}`.`{}`".format(*column.table.split("."), column.name)
        number = 1292 if kind == "datetime" else 1366
        if isinstance(value, bytes):
            first = re.sub("[^ -~]", lambda found: f"\\x{ord(found[0]):02X}", value[:_SHOWN].decode("latin-1"))
            shown = first + "..." * (len(value) > _SHOWN)
        else:
            cut = "replace" if kind == "datetime" else "ignore"  # of a letter of which only a part is shown
            shown = _quoted(str(value), cut)
        raise ColumnError(number, f"Incorrect {kind} value: '{shown}' for column {where} at row {row}")


def _quoted(text: str, cut: str) -> str:
    """Return a text as MySQL quotes it in a message: its first bytes, rare letters as a mark, controls as a number."""
    shown = "".join("?" if ord(letter) > 0xFFFF else letter for letter in text)  # noqa: PLR2004 - the rare ones
    shown = _CONTROL.sub(lambda found: f"\\{ord(found[0]):04X}", shown)
    sent = shown.encode()
    if len(sent) <= _QUOTED_WHOLE:
        return shown
    return f"{sent[:_QUOTED].decode(errors=cut)}...".replace("\ufffd", "?")


def _no_null(column: Column) -> None:
    if not column.null:
        raise ColumnError(1048, f"Column '{column.name}' cannot be null")


def as_text(value: Any) -> str:
    """Return a value as MySQL's text: numbers are written in its way."""
    if isinstance(value, float):
        text = f"{value:.15g}"
        return text.replace("e+", "e").replace("e0", "e").replace("e-0", "e-")
    return str(int(value)) if isinstance(value, bool) else str(value)


SEVERAL: Final = (1241, "Operand should contain 1 column(s)")


def illegal(kind: str) -> tuple[int, str]:
    """Return the error of a column of this type that is compared with one list of several values."""
    return 4078, f"Illegal parameter data types {kind} and row for operation '='"


def only(value: Any, several: tuple[int, str] = SEVERAL) -> Any:
    """Return the one value in a list, or in lists of lists; ColumnError for an empty one, and for ``several``."""
    while isinstance(value, list):
        if not value or any(item == [] for item in value):
            raise ColumnError(1064, SYNTAX)
        if len(value) > 1:
            raise ColumnError(*several)
        value = value[0]
    return value


def as_number(value: Any) -> float:
    """Return the number that MySQL reads at the beginning of a text, or 0."""
    if isinstance(value, int | float):
        return value
    found = number_in(str(value))
    return float(found[0]) if found else 0.0


def _text(column: Column, value: Any, strict: bool, row: int) -> Any:
    if value is None:
        return _no_null(column)
    text = as_text(value)
    if column.kind == "text":
        data = text.encode()
        fitting = data[:_TEXT_BYTES].decode(errors="ignore")
        rest = data[len(fitting.encode()) :]
        if rest.strip(b" "):
            if len(data) - len(rest) < _TEXT_BYTES:
                _no_value(column, strict, row, "string", rest)  # the border is inside a letter
            _refuse(column, strict, row, *_LONG)
        return fitting
    width = int(column.size[1:-1])
    if len(text.rstrip(" ")) > width:
        _refuse(column, strict, row, *_LONG)
    return text[:width]


def _integer(column: Column, value: Any, strict: bool, row: int) -> Any:
    if value is None:
        return _no_null(column)
    if not isinstance(value, int | float):
        value = as_text(value)
        found = number_in(value)
        if not found:
            _no_value(column, strict, row, "integer", value)
        elif value[found.end() :].strip():
            _refuse(column, strict, row, *_CUT)
        value = float(found[0]) if found else 0
        value = _rounded(value)
    most = 2 ** (_BITS[column.kind] - (not column.unsigned)) - 1
    least = 0 if column.unsigned else -most - 1
    whole = value if isinstance(value, int) or abs(value) >= 2**63 else round(value)
    if not least <= whole <= most:
        _refuse(column, strict, row, *_RANGE)
    return min(max(int(whole), least), most)


def _rounded(value: float) -> float:
    """Round the number of a text, half of it away from zero; that of a float goes to the even one."""
    return int(value + (0.5 if value > 0 else -0.5)) if abs(value) < 2**63 else value


def _float(column: Column, value: Any, strict: bool, row: int) -> Any:
    if value is None:
        return _no_null(column)
    if not isinstance(value, int | float):
        value = as_text(value)
        found = number_in(value)
        if not found:
            _no_value(column, strict, row, "double", value)
        elif value[found.end() :].strip():
            _refuse(column, strict, row, *_CUT)
        value = float(found[0]) if found else 0.0
    most = _FLOATS[column.kind]
    if abs(value) > most:
        _refuse(column, strict, row, *_RANGE)
    return min(max(value, -most), most)


def _enum(column: Column, value: Any, strict: bool, row: int) -> Any:
    if value is None:
        return _no_null(column)
    known = column.size[2:-2].split("','")
    found = next((item for item in known if fold(item) == fold(as_text(value))), None)
    if found is None:
        _refuse(column, strict, row, *_CUT)
    return found or ""


def _datetime(column: Column, value: Any, strict: bool, row: int) -> Any:
    if value is None:
        return _no_null(column)
    parsed = read_time(value)
    if parsed is None:
        _no_value(column, strict, row, "datetime", value)
        parsed = read_time(value, rest=True)
    return parsed or None  # a text that is no time is kept as zero, which clients read as None


_DAYS: Final = 31


def read_time(value: Any, *, fraction: bool = False, rest: bool = False) -> str | None:
    """Return the time that MySQL reads in a text, to the second; None if it reads none, empty if a month or day is 0.

    ``rest`` says that text after it is passed over. In a comparison its ``fraction`` counts, text after it is passed
    over, and a month may have 31 days or none.
    """
    text = str(value)
    if digits := _DIGITS.fullmatch(text):
        date, time = digits.groups()[:3], digits.groups()[3:]
        text = f"{'-'.join(date)} {':'.join(time)}" if all(time) else "-".join(date)
    found = (_TIME.match if fraction or rest else _TIME.fullmatch)(text)
    if not found:
        return None
    try:
        year, *parts = (int(part or 0) for part in found.groups()[:-1])
        century = 0 if len(found[1]) > 2 else 2000 if year < 70 else 1900  # noqa: PLR2004 - MySQL's two digits
        zero = 0 in parts[:2]
        lenient = (zero or fraction) and parts[1] <= _DAYS
        real = [max(parts[0], 1), min(max(parts[1], 1), 28), *parts[2:]] if lenient else parts
        datetime(century + year or 1, *real)  # type: ignore[arg-type] # noqa: DTZ001
        text = "{:04}-{:02}-{:02} {:02}:{:02}:{:02}".format(century + year, *parts)
    except ValueError:
        return None
    if zero and not fraction:
        return ""
    rest_of_second = (found[7] or "")[:6].rstrip("0")
    return f"{text}.{rest_of_second}" if fraction and rest_of_second else text


_FITS: Final = {
    "varchar": _text, "text": _text, "tinyint": _integer, "int": _integer, "bigint": _integer, "float": _float,
    "double": _float, "enum": _enum, "datetime": _datetime,
}  # fmt: skip


def one_of(values: Collection[Any]) -> Callable[[Any], bool]:
    """Return a test: whether a database takes a cell for one of the values. A text and a number compare as numbers."""
    there = [value for value in values if value is not None]
    texts = {fold(str(value)) for value in there if not isinstance(value, int | float)}
    numbers = {as_number(value) for value in there}
    of_numbers = {value for value in there if isinstance(value, int | float)}

    def is_one(cell: Any) -> bool:
        if cell is None:
            return None in values
        if isinstance(cell, str):
            return fold(cell) in texts or as_number(cell) in of_numbers
        return as_number(cell) in numbers

    return is_one


@lru_cache(4096)
def fold(text: str) -> str:
    """Return the form of a text that is the same for all texts that a database compares as equal."""
    return text.rstrip(" ").upper() if text.isascii() else "".join(map(_weight, text.rstrip(" ")))


def _weight(letter: str) -> str:
    if ord(letter) > 0xFFFF:  # noqa: PLR2004 - all letters beyond it weigh the same
        return "\ufffd"
    return unicodedata.normalize("NFD", letter)[0].upper()[0]
