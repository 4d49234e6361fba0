"""How the request service reads, merges and checks requests."""

from __future__ import annotations

import json

import pytest

from dirac_fakes.stored_request import MAX_FILES, complaint, digest, merge, read, settle

NOW = "2026-01-01 12:00:00"
GUID = "40B9B5D8-9A9E-11E2-9D4C-001E4F1B8B55"


def _read(*operations, **fields):
    return read({"RequestName": "n", "Operations": list(operations), **fields}, NOW)


def _operation(kind="SetFileStatus", **fields):
    return {"Type": kind, **fields}


@pytest.mark.parametrize(
    ("before", "request_status", "after"),
    [
        ("", "Waiting", ""),
        ("QQ", "Waiting", "WQ"),
        ("WW", "Waiting", "WQ"),
        ("DQ", "Waiting", "DW"),
        ("DD", "Done", "DD"),
        ("FQ", "Failed", "FQ"),
        ("DFQ", "Failed", "DFQ"),
        ("WF", "Waiting", "WF"),
        ("SW", "Waiting", "SQ"),
        ("SQ", "Scheduled", "SQ"),
        ("SS", "Scheduled", "SS"),
        ("SF", "Scheduled", "SF"),
        ("SD", "Scheduled", "SD"),
        ("WS", "Waiting", "WS"),
        ("QD", "Waiting", "WD"),
        ("C", "Waiting", "C"),
        ("A", "Waiting", "A"),
        ("DC", "Done", "DC"),
        ("CQ", "Waiting", "CW"),
        ("DS", "Scheduled", "DS"),
    ],
)
def test_the_operations_make_the_status(before, request_status, after):
    """The first that can run is Waiting, later ones are Queued; orders follow the list."""
    names = {word[0]: word for word in ("Queued", "Waiting", "Scheduled", "Assigned", "Failed", "Done", "Canceled")}
    request = _read(*(_operation(Status=names[letter], Order=5) for letter in before))
    assert request["Status"] == request_status
    assert "".join(operation["Status"][0] for operation in request["Operations"]) == after
    assert [operation["Order"] for operation in request["Operations"]] == list(range(len(before)))


@pytest.mark.parametrize(
    ("files", "status"),
    [
        (("Failed", "Failed"), "Failed"),
        (("Failed", "Scheduled"), "Scheduled"),
        (("Waiting", "Scheduled"), "Scheduled"),
        (("Waiting", "Failed"), "Queued"),
        (("Done", "Failed"), "Failed"),
        (("Done", "Done"), "Done"),
    ],
)
def test_files_make_the_status_of_their_operation(files, status):
    """Whatever was said of it; what is queued may be the one that waits."""
    operation = _operation(Status="Assigned", Files=[{"LFN": "/a", "Status": file} for file in files])
    request = _read(_operation(Status="Waiting"), operation)
    assert request["Operations"][1]["Status"] == status


def test_errors_of_what_is_done_are_empty():
    """Unless something is said there, or of the request: its first operation being done empties it."""
    assert _read(_operation())["Error"] is None
    assert _read(_operation(), Status="Done")["Error"] == ""
    assert _read(_operation(), Status="Done", Error="x")["Error"] == "x"
    assert _read(_operation(), Error="x")["Error"] == "x"
    assert _read(_operation(Status="Done"), Error="x")["Error"] == ""
    done, waiting = {"LFN": "/a", "Status": "Done"}, {"LFN": "/b"}
    operations = _read(
        _operation(Status="Done"),
        _operation(Status="Done", Error="x"),
        _operation(Files=[done, waiting]),
        _operation(Files=[waiting, done], Status="Done"),
        _operation(Files=[done], Error="x"),
        _operation(Files=[{**done, "Error": "y"}, waiting], Error="x"),
        _operation(),
    )["Operations"]
    assert [operation["Error"] for operation in operations] == ["", "x", "", None, "x", "x", None]
    files = [file["Error"] for operation in operations for file in operation["Files"]]
    assert files == ["", None, None, "", "", "y", None]


def test_a_status_that_turns_out_otherwise_is_a_change():
    """Only when the request is over."""
    old = "2025-01-01 00:00:00"

    def updated(*statuses, **fields):
        return _read(*(_operation(Status=status) for status in statuses), LastUpdate=old, **fields)["LastUpdate"]

    assert updated("Done", Status="Waiting") == NOW
    assert updated("Failed", Status="Done") == NOW
    assert updated("Failed") == updated("Done", Status="Done") == updated("Waiting", Status="Done") == old


def test_falsy_fields_are_the_defaults():
    """They count as absent; unknown fields are dropped."""
    plain = _read(_operation())
    assert _read(_operation(Error="", Order=0, Arguments="", Nonsense=1), Owner="", JobID=0, RequestID=0) == plain
    assert list(plain) == [
        "RequestName",
        "Owner",
        "OwnerGroup",
        "Status",
        "Error",
        "SourceComponent",
        "JobID",
        "CreationTime",
        "SubmitTime",
        "LastUpdate",
        "NotBefore",
        "Operations",
    ]
    assert read({}, NOW)["Operations"] == []


def test_what_is_not_said_has_a_default():
    """The request is of no job and of nobody."""
    request = read({}, NOW)
    assert [request[key] for key in ("RequestName", "Owner", "OwnerGroup", "SourceComponent", "JobID")] == [
        *[None] * 4,
        0,
    ]


@pytest.mark.parametrize("status", ["Waiting", "Failed", "Done", "Scheduled", "Assigned", "Canceled"])
def test_a_request_may_say_any_of_six_statuses(status):
    """Its operations decide all the same."""
    assert _read(_operation(), Status=status)["Status"] == "Waiting"


def test_operations_and_files_may_be_texts():
    """They are read as JSON; what is neither a text nor a mapping has no fields."""
    file = {"LFN": "/a"}
    plain = _read(_operation(Files=[file]))
    assert _read(json.dumps(_operation(Files=[json.dumps(file)]))) == plain
    assert _read(5, _operation(Files=[[1]])) == _read({}, _operation(Files=[{}]))


def test_times_lose_their_fraction():
    """All of them, on both levels."""
    time = "2025-12-31 23:59:58"
    names = ("CreationTime", "SubmitTime", "LastUpdate")
    request = _read(
        _operation(**dict.fromkeys(names, f"{time}.5")), **dict.fromkeys((*names, "NotBefore"), f"{time}.123456")
    )
    assert [request[name] for name in (*names, "NotBefore")] == [time] * 4
    assert [request["Operations"][0][name] for name in names] == [time] * 3


def test_catalogues_are_a_list_without_repetition():
    """Given as text or list, blanks do not count."""
    for catalog in (" FC ,, B,FC", ["FC", " B", ""]):
        assert _read(_operation(Catalog=catalog))["Operations"][0]["Catalog"] == "FC,B"


@pytest.mark.parametrize(
    ("given", "kept"), [("ad", "ADLER32"), ("adler32", "ADLER32"), (" md5 ", "MD5"), ("SHA1", "SHA1"), (None, None)]
)
def test_checksum_types_have_one_name(given, kept):
    """Blanks and case do not count."""
    file = {"LFN": "/a", "ChecksumType": given, "Checksum": "x"}
    assert _read(_operation(Files=[file]))["Operations"][0]["Files"][0]["ChecksumType"] == kept


@pytest.mark.parametrize(
    "fields",
    [
        {"Status": "Queued"},
        {"NotBefore": "soon"},
        {"CreationTime": "2025-12-31"},
        {"Operations": [{"Status": "Nonsense"}]},
        {"Operations": [{"LastUpdate": "x"}]},
        {"Operations": [{"Files": [{"LFN": "a"}]}]},
        {"Operations": [{"Files": [{"Status": "Queued"}]}]},
    ],
)
def test_what_dirac_cannot_read_is_a_value_error(fields):
    """On each level."""
    with pytest.raises(ValueError, match=r"."):
        read(fields, NOW)


def test_a_wrong_status_and_path_are_named():
    """The two that people see in logs."""
    with pytest.raises(ValueError, match=r"^Unknown status: Queued$"):
        read({"Status": "Queued"}, NOW)
    with pytest.raises(ValueError, match=r"^LFN should be an absolute path!$"):
        _read(_operation(Files=[{"LFN": "a"}]))


@pytest.mark.parametrize("guid", ["g", GUID[:-1], f"{GUID}-", GUID.replace("-", "_")])
def test_a_guid_has_five_parts_of_known_lengths(guid):
    """Of any characters; nothing is none."""
    with pytest.raises(ValueError, match=f"^'{guid}' is not a valid GUID!$"):
        _read(_operation(Files=[{"GUID": guid}]))
    for good in (GUID, GUID.replace("B", "x")):
        assert _read(_operation(Files=[{"GUID": good}]))["Operations"][0]["Files"][0]["GUID"] == good
    assert _read(_operation(Files=[{"GUID": ""}]))["Operations"][0]["Files"][0]["GUID"] is None


def test_catalogues_fit_into_their_column():
    """Of 255 characters, with the commas."""
    names = ["x" * 127, "y" * 127]
    assert _read(_operation(Catalog=names))["Operations"][0]["Catalog"] == ",".join(names)
    with pytest.raises(ValueError, match=r"^Catalog list too long$"):
        _read(_operation(Catalog=[*names[:1], "y" * 128]))


def test_what_is_kept_as_bytes_must_be_a_text():
    """The arguments of an operation, and who made the request."""
    with pytest.raises(TypeError, match=r"^Expected a text, found 5$"):
        _read(_operation(Arguments=5))
    with pytest.raises(TypeError, match=r"^Expected a text, found \[1\]$"):
        _read(SourceComponent=[1])


def test_an_unknown_checksum_type_is_an_error():
    """DIRAC knows three."""
    with pytest.raises(KeyError, match="CRC"):
        _read(_operation(Files=[{"ChecksumType": "crc"}]))


def _merged(*operations, **fields):
    request = _read(*operations, **fields)
    merge(request)
    return request


def _files(*lfns):
    return [{"LFN": f"/{lfn}"} for lfn in lfns]


def test_neighbours_that_differ_in_files_only_become_one():
    """Also those without files; statuses and orders are made anew."""
    request = _merged(
        _operation("RemoveFile", Files=_files("a", "b")),
        _operation("RemoveFile", Files=_files("c")),
        _operation("ForwardDISET", Arguments="i1e"),
        _operation("ForwardDISET", Arguments="i1e"),
        _operation("RemoveFile", Files=_files("d")),
    )
    assert [[file["LFN"] for file in operation["Files"]] for operation in request["Operations"]] == [
        ["/a", "/b", "/c"],
        [],
        ["/d"],
    ]
    assert [(op["Order"], op["Status"]) for op in request["Operations"]] == [
        (0, "Waiting"),
        (1, "Queued"),
        (2, "Queued"),
    ]


@pytest.mark.parametrize("field", ["Type", "Arguments", "SourceSE", "TargetSE", "Catalog"])
def test_neighbours_that_differ_otherwise_stay(field):
    """In any of five fields."""
    assert len(_merged(_operation(**{field: "A"}), _operation(**{field: "B"}))["Operations"]) == 2


def test_neighbours_with_a_common_file_stay():
    """Other common things do not matter."""
    operations = [_operation("RemoveFile", Files=_files("a", "b")), _operation("RemoveFile", Files=_files("b", "c"))]
    assert len(_merged(*operations)["Operations"]) == 2


@pytest.mark.parametrize(("more", "left"), [(1, 1), (2, 2)])
def test_an_operation_has_a_limit_of_files(more, left):
    """Ten thousand are merged, one more is not."""
    many = _operation("RemoveFile", Files=_files(*range(MAX_FILES - 1)))
    few = _operation("RemoveFile", Files=_files(*"xy"[:more]))
    assert len(_merged(many, few)["Operations"]) == left
    assert MAX_FILES == 10_000


def test_a_known_request_is_not_merged():
    """Its operations are in the database already."""
    assert len(_merged(_operation(), _operation(), RequestID=1)["Operations"]) == 2


def _pair(target, source, *lfns):
    return (
        _operation("ReplicateAndRegister", TargetSE=target, Files=_files(*lfns)),
        _operation("RemoveReplica", TargetSE=source, Files=_files(*lfns)),
    )


def test_in_pairs_of_fail_over_the_replications_come_first():
    """Each kind in the order of its target; what stands between pairs ends the group."""
    request = _merged(
        *_pair("B", "X", "a"), *_pair("A", "Y", "b"), _operation("RemoveFile", Files=_files("c")), *_pair("D", "Z", "d")
    )
    assert [(op["Type"][:3], op["TargetSE"]) for op in request["Operations"]] == [
        ("Rep", "A"),
        ("Rep", "B"),
        ("Rem", "X"),
        ("Rem", "Y"),
        ("Rem", None),
        ("Rep", "D"),
        ("Rem", "Z"),
    ]


def test_a_pair_is_two_operations_on_the_same_files():
    """In that order."""
    replicate, remove = _pair("B", "A", "a")
    other = _operation("RemoveReplica", TargetSE="A", Files=_files("b"))
    for operations in [(remove, replicate), (replicate, other), (replicate,), (replicate, replicate, other)]:
        kinds = [operation["Type"] for operation in operations]
        found = [operation["Type"] for operation in _merged(*operations, *_pair("0", "0", "z"))["Operations"]]
        # Nothing of it moved behind or before the pair that follows
        assert found[-2:] == ["ReplicateAndRegister", "RemoveReplica"]
        assert found[0] == kinds[0]


REGISTER = {"LFN": "/a", "PFN": "p", "ChecksumType": "MD5", "Checksum": "c", "GUID": GUID}
VALID = [
    _operation("ForwardDISET", Arguments="i1e"),
    *(
        _operation(kind, TargetSE="SE", Files=[REGISTER])
        for kind in ("PutAndRegister", "ReplicateAndRegister", "PhysicalRemoval", "RemoveReplica", "ReTransfer")
    ),
    _operation("RegisterReplica", TargetSE="SE", Files=[REGISTER]),
    _operation("RemoveFile", Files=[{"LFN": "/a"}]),
    _operation("RegisterFile", Files=[REGISTER]),
    _operation("Nonsense"),
]


@pytest.mark.parametrize("operation", VALID, ids=lambda operation: operation["Type"])
def test_each_type_can_be_valid(operation):
    """With all that it needs."""
    assert complaint(_read(operation)) is None


def _without(operation, field):
    if field in operation:
        return {**operation, field: None}
    return {**operation, "Files": [{"LFN": "/b", "PFN": "p", **operation["Files"][0]}, {**REGISTER, field: None}]}


NEEDS = {
    "ForwardDISET": ("Arguments",),
    "PutAndRegister": ("TargetSE", "LFN", "PFN"),
    "ReplicateAndRegister": ("TargetSE", "LFN"),
    "PhysicalRemoval": ("TargetSE", "LFN"),
    "RemoveReplica": ("TargetSE", "LFN"),
    "ReTransfer": ("TargetSE", "LFN", "PFN"),
    "RegisterReplica": ("TargetSE", "LFN", "PFN"),
    "RemoveFile": ("LFN",),
    "RegisterFile": ("LFN", "PFN", "ChecksumType", "Checksum", "GUID"),
}


@pytest.mark.parametrize(
    ("kind", "field"),
    [(kind, field) for kind, fields in NEEDS.items() for field in ("Arguments", "TargetSE", *REGISTER)],
)
def test_each_type_needs_its_fields(kind, field):
    """It needs no others: a checksum and its type only need each other."""
    operation = next(operation for operation in VALID if operation["Type"] == kind)
    if field not in operation and "Files" not in operation:
        return
    found = complaint(_read(_operation("Nonsense"), _without(operation, field)))
    if field in NEEDS[kind]:
        of_file = "" if field in operation else " for file"
        assert found == f"Operation #1 of type '{kind}' is missing {field} attribute{of_file}."
    elif field in ("Checksum", "ChecksumType"):
        assert found.startswith("File in operation #1 is missing Checksum (")
    else:
        assert found is None


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (_read(_operation(), RequestName=None), "RequestName not set"),
        (_read(RequestName="x"), "Operations not present in request 'x'"),
        (_read(_operation(), {"Arguments": "i1e"}), "Operation #1 in request 'n' hasn't got Type set"),
        (
            _read(VALID[0], _operation("RemoveFile")),
            "Operation #1 of type 'RemoveFile' hasn't got files to process.",
        ),
        (
            _read(_operation("ForwardDISET", Arguments="i1e", Files=[{"LFN": "/a"}])),
            "Operation #0 of type 'ForwardDISET' has got files to process.",
        ),
        (_read(_operation("Nonsense"), _operation("RemoveFile")), None),
        (
            _read(_operation("Nonsense", Files=[{"LFN": "/a", "Checksum": "c"}])),
            "File in operation #0 is missing Checksum (c) or ChecksumType (None)",
        ),
        (
            _read(VALID[0], _operation("RemoveFile", Files=[{"LFN": "/b"}, {"LFN": "/a", "ChecksumType": "md5"}])),
            "File in operation #1 is missing Checksum (None) or ChecksumType (MD5)",
        ),
    ],
)
def test_what_else_makes_a_request_invalid(request_, message):
    """In this order; behind an unknown type files are not looked for."""
    assert complaint(request_) == message


def test_settling_twice_changes_nothing():
    """It can be done at each change."""
    request = _read(_operation(), _operation(Files=_files("a")), _operation(Status="Done"))
    before = repr(request)
    settle(request)
    assert repr(request) == before


def test_a_request_has_all_that_diracs_has_in_its_order():
    """Whatever is not given has the default of its column; IDs that are known stay."""
    times = {"CreationTime": NOW, "SubmitTime": NOW, "LastUpdate": NOW}
    file = {
        "FileID": 6, "Status": "Waiting", "LFN": None, "PFN": None, "ChecksumType": None, "Checksum": None,
        "GUID": None, "Attempt": 0, "Size": 0, "Error": None,
    }  # fmt: skip
    operation = {
        "OperationID": 5, "Type": None, "Status": "Waiting", "Arguments": None, "Order": 0, "SourceSE": None,
        "TargetSE": None, "Catalog": None, "Error": None, **times, "Files": [file],
    }  # fmt: skip
    request = {
        "RequestID": 4, "RequestName": None, "Owner": None, "OwnerGroup": None, "Status": "Waiting", "Error": None,
        "SourceComponent": None, "JobID": 0, **times, "NotBefore": NOW, "Operations": [operation],
    }  # fmt: skip
    given = {"RequestID": 4, "Operations": [{"OperationID": 5, "Files": [{"FileID": 6}]}]}
    assert json.dumps(read(given, NOW)) == json.dumps(request)


def test_a_digest_has_a_line_for_each_operation():
    """Its type twice, as in DIRAC, its status and place; where to, and the first of its files."""
    request = _read(
        _operation("RemoveFile", Files=[{"LFN": "/a"}, {"LFN": "/b"}, {"LFN": "/c"}]),
        _operation("ReplicateAndRegister", TargetSE="SE", Catalog="C", Files=[{"LFN": "/a"}]),
        _operation("RemoveFile", Files=[{"LFN": "/a"}, {"LFN": "/b"}]),
        _operation("ForwardDISET"),
    )
    assert digest(request) == (
        "Name:n\n"
        "RemoveFile:RemoveFile:Waiting:0:/a...+<2 files>\n"
        "ReplicateAndRegister:ReplicateAndRegister:Queued:1:SE:C:/a\n"
        "RemoveFile:RemoveFile:Queued:2:/a...+<1 files>\n"
        "ForwardDISET:ForwardDISET:Queued:3"
    )
