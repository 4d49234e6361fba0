from typing import Any

import pytest

from dirac_failover.drivers.describe import count, describe, grouped, operation_of, some, stub_of, told_of
from dirac_failover.spec.duties import Due, DueKind
from dirac_failover.spec.observation import OPERATION_FIELDS
from dirac_failover.wire import dencode

STUB = [["Accounting/DataStore", {"timeout": 600}], "commitRegisters", [[1]]]


def fields(**changes: Any) -> dict[str, Any]:
    """The fields of an operation, as a request's."""
    names = ("Type", "Status", "Arguments", "SourceSE", "TargetSE", "Catalog", "Error")
    return {**dict.fromkeys(names), "Type": "X", "Status": "Waiting", "Files": [], **changes}


def test_numbers() -> None:
    assert [count(number, "record") for number in (0, 1, 2)] == ["0 records", "1 record", "2 records"]


@pytest.mark.parametrize(
    ("names", "expected"),
    [([], ""), (["/a"], "/a"), (["/a", None, 3], "/a, None, 3"), (["/a", "/b", "/c", "/d"], "/a, /b, /c and 1 more")],
)
def test_a_list_names_the_first_three(names: list[Any], expected: str) -> None:
    assert some(names) == expected
    assert some(["/a", "/b", "/c"], 2) == "/a, /b and 1 more"


def test_files_are_grouped_by_status() -> None:
    assert grouped({"/a": "x", "/b": None, "/c": "x"}) == {"x": ["/a", "/c"], "None": ["/b"]}


def test_an_operation_has_its_arguments_decoded_and_its_files_as_lfns() -> None:
    arguments = dencode.encode({"force": True}).decode()
    seen = operation_of({**fields(Arguments=arguments, TargetSE="SE"), "Order": 0, "Files": [{"LFN": "/a", "Size": 1}]})
    own = {**fields(Arguments=arguments, TargetSE="SE"), "decoded": {"force": True}, "Files": ["/a"]}
    assert seen == own
    assert list(seen) == [*OPERATION_FIELDS, "decoded", "Files"]


@pytest.mark.parametrize("arguments", [None, "", "job report", "i1", "\udc00", 5, ["i1e"]])
def test_arguments_that_cannot_be_decoded_are_none(arguments: Any) -> None:
    assert operation_of(fields(Arguments=arguments))["decoded"] is None
    assert operation_of(fields(Arguments="s3:€"))["decoded"] == "€"


@pytest.mark.parametrize(
    ("decoded", "expected"),
    [
        (STUB, ("Accounting/DataStore", "commitRegisters", [[1]])),
        ([["A/B"], "m", []], ("A/B", "m", [])),
        ([[], "m", []], None),
        ([[1], "m", []], None),
        ([["A/B"], 1, []], None),
        ([["A/B"], "m", {}], None),
        ([["A/B"], "m", [], 1], None),
        ({"dMeth": "m"}, None),
        (None, None),
    ],
)
def test_a_stub_is_recognised(decoded: Any, expected: Any) -> None:
    assert stub_of(decoded) == expected


@pytest.mark.parametrize(
    ("decoded", "files", "expected"),
    [
        (STUB, [], "operation X (Accounting/DataStore.commitRegisters)"),
        ({"statusDict": {"/a": "Unused", "/b": "Processed"}}, [], "operation X (/a to Unused; /b to Processed)"),
        ({"statusDict": 5}, ["/a", "/b"], "operation X (/a, /b)"),
        (None, ["/a"], "operation X (/a)"),
        (None, [], "operation X"),
    ],
)
def test_what_an_operation_does_is_one_line(decoded: Any, files: list[str], expected: str) -> None:
    assert describe({"Type": "X", "decoded": decoded, "Files": files}) == expected


def test_dues_are_told_in_words() -> None:
    """Files of one status, files of equal operations, and records together; the rest one by one."""
    removal = ("RemoveFile", "", "", "", "")
    dues = [
        Due(DueKind.FILE, ("12", "/a"), "Unused"),
        Due(DueKind.RECORD, ("x",)),
        Due(DueKind.OPERATION, (*removal, "/x"), ""),
        Due(DueKind.FILE, ("12", "/b"), "Processed"),
        Due(DueKind.FILE, ("12", "/c"), "Unused"),
        Due(DueKind.FILE, ("5", "/c"), "Unused"),
        Due(DueKind.OPERATION, (*removal, "")),
        Due(DueKind.OPERATION, (*removal, "/y")),
        Due(DueKind.OPERATION, ("ForwardDISET", "s", "", "", "", ""), "A/B.go"),
        Due(DueKind.OPERATION, ("", "", "", "", "", "")),
        Due(DueKind.RECORD, ("y",)),
        Due(DueKind.STATUS, ("7", "T", "MinorStatus"), "it's"),
        Due(DueKind.STATUS, ("7", "U", "Status"), "Done"),
        Due(DueKind.SHOWN, ("7", "ApplicationStatus"), "x"),
        Due(DueKind.PARAMETER, ("7", "Events"), '"5"'),
        Due(DueKind.INPUT, ("12", "/a")),
        Due(DueKind.INPUT, ("12", "/b")),
        Due(DueKind.UNSEEN, ("what there is",)),
    ]
    assert told_of(dues) == [
        "status Unused of /a, /c in transformation 12",
        "2 accounting records",
        "operation RemoveFile (/x, /y)",
        "status Processed of /b in transformation 12",
        "status Unused of /c in transformation 5",
        "operation RemoveFile",
        "operation ForwardDISET (A/B.go)",
        "operation of no type",
        """minor status "it's" of job 7""",
        "status 'Done' of job 7",
        "application status 'x' as the one that job 7 shows",
        """parameter 'Events' of job 7, "5\"""",
        "status of /a, /b in transformation 12: no report of it was seen",
        "what there is",
    ]
