"""What a request must have before it is sent, check by check, on the reference and on the real DIRAC."""

from __future__ import annotations

import copy
from typing import ClassVar

import pytest

WHOLE_FILE = {
    "LFN": "/a", "PFN": "p", "ChecksumType": "MD5", "Checksum": "1", "GUID": "00000000-0000-0000-0000-000000000000",
}  # fmt: skip
NEEDS = {
    # type: what the operation needs, what its files need (None: no files allowed)
    "ForwardDISET": ("Arguments", None),
    "PutAndRegister": ("TargetSE", ["LFN", "PFN"]),
    "ReTransfer": ("TargetSE", ["LFN", "PFN"]),
    "RegisterReplica": ("TargetSE", ["LFN", "PFN"]),
    "ReplicateAndRegister": ("TargetSE", ["LFN"]),
    "PhysicalRemoval": ("TargetSE", ["LFN"]),
    "RemoveReplica": ("TargetSE", ["LFN"]),
    "RemoveFile": (None, ["LFN"]),
    "RegisterFile": (None, ["LFN", "PFN", "ChecksumType", "Checksum", "GUID"]),
}


@pytest.fixture
def judge(implementation):
    """Validate a request; return None or the message."""
    return lambda request: implementation.RequestValidator().validate(request).get("Message")


@pytest.fixture(autouse=True)
def restored(implementation, monkeypatch):
    """Leave the table of the class, which lasts for the process, as it was."""
    monkeypatch.setattr(
        implementation.RequestValidator, "reqAttrs", copy.deepcopy(implementation.RequestValidator.reqAttrs)
    )


def whole(implementation, type_):
    needed, files = NEEDS[type_]
    made = implementation.Operation({"Type": type_, **({needed: "x"} if needed else {})})
    if files:
        made.addFile(implementation.File(WHOLE_FILE))
    return made


def test_there_is_one_validator(implementation):
    kind = implementation.RequestValidator
    assert kind() is kind() is kind.instance

    class Other(implementation.RequestValidator):
        def __init__(self, *given, **named):
            super().__init__()
            self.given = given, named

    assert Other.instance is None
    assert Other(1, a=2) is Other() is Other.instance
    assert Other().given == ((1,), {"a": 2})
    assert Other() is not implementation.RequestValidator()
    assert implementation.RequestValidator().opHandlers == set()


def test_the_table_is_diracs_and_operations_that_have_all_are_valid(implementation, request_of):
    assert implementation.RequestValidator.reqAttrs == {
        type_: {"Operation": [needed] if needed else [], "Files": files or []}
        for type_, (needed, files) in NEEDS.items()
    }
    request = request_of(
        *(whole(implementation, type_) for type_ in NEEDS), implementation.Operation({"Type": "SetFileStatus"})
    )
    assert implementation.RequestValidator().validate(request) == {"OK": True, "Value": None}


def test_the_checks_follow_each_other(implementation, judge):
    broken = implementation.File({"Checksum": "ab"})
    request = implementation.Request()
    request.Owner = request.OwnerGroup = None
    assert judge(request) == "RequestName not set"
    request.RequestName = "n"
    assert judge(request) == "Request 'n' is missing both Owner and OwnerDN value"
    request.Owner = "alice"
    assert judge(request) == "Request 'n' is missing OwnerGroup value"
    request.OwnerGroup = "vo_user"
    assert judge(request) == "Operations not present in request 'n'"
    operation = implementation.Operation()
    request += operation
    assert judge(request) == "Operation #0 in request 'n' hasn't got Type set"
    operation.Type = "ReplicateAndRegister"
    assert judge(request) == "Operation #0 of type 'ReplicateAndRegister' hasn't got files to process."
    operation.addFile(broken)
    assert judge(request) == "Operation #0 of type 'ReplicateAndRegister' is missing TargetSE attribute."
    operation.TargetSE = "SE"
    assert judge(request) == "Operation #0 of type 'ReplicateAndRegister' is missing LFN attribute for file."
    broken.LFN = "/a"
    assert judge(request) == "File in operation #0 is missing Checksum (ab) or ChecksumType (None)"
    broken.ChecksumType = "MD5"
    assert judge(request) is None


def test_an_owner_by_distinguished_name_is_enough(request_of, operation, judge):
    """Where there is no name (H21); an empty one is not."""
    request = request_of(operation("SetFileStatus"), Owner="", OwnerDN="")
    assert judge(request) == "Request 'r' is missing both Owner and OwnerDN value"
    request.OwnerDN = "/CN=alice"
    assert judge(request) is None


def test_requirements_can_be_added(implementation, request_of, judge, operation):
    add = implementation.RequestValidator.addReqAttrsCheck
    assert add("Foo", operationAttrs=["Bar", "Bar"], filesAttrs=["LFN"]) is None
    assert implementation.RequestValidator.reqAttrs["Foo"] == {"Operation": ["Bar"], "Files": ["LFN"]}
    assert judge(request_of(operation("Foo", "/a", Bar=0))) == "Operation #0 of type 'Foo' is missing Bar attribute."
    add("Foo", ["Buzz"])
    add("Foo", filesAttrs=["PFN"])
    add("Empty")
    assert sorted(implementation.RequestValidator.reqAttrs["Foo"]["Operation"]) == ["Bar", "Buzz"]
    assert sorted(implementation.RequestValidator.reqAttrs["Foo"]["Files"]) == ["LFN", "PFN"]
    assert implementation.RequestValidator.reqAttrs["Empty"] == {"Operation": [], "Files": []}
    with pytest.raises(AttributeError, match=r"has no attribute '(Bar|Buzz)'$"):
        judge(request_of(operation("Foo", "/a")))


def test_the_reference_keeps_requirements_in_order(reference, monkeypatch):
    table = copy.deepcopy(reference.RequestValidator.reqAttrs)
    monkeypatch.setattr(reference.RequestValidator, "reqAttrs", table)
    reference.RequestValidator.addReqAttrsCheck("RemoveFile", ["B", "A"], ["PFN", "LFN", "GUID"])
    assert table["RemoveFile"] == {"Operation": ["B", "A"], "Files": ["LFN", "PFN", "GUID"]}


def test_a_class_that_extends_it_may_have_its_own_table(implementation, request_of, judge, operation):
    class Other(implementation.RequestValidator):
        reqAttrs: ClassVar = {"Foo": {"Operation": ["Bar"], "Files": []}}

    request = request_of(operation("Foo", Bar=None))
    assert Other().validate(request)["Message"] == "Operation #0 of type 'Foo' is missing Bar attribute."
    request[0].addFile(implementation.File())
    assert Other().validate(request)["Message"] == "Operation #0 of type 'Foo' has got files to process."
    assert judge(request) is None


def test_a_check_cannot_be_added_by_the_method_for_it(implementation):
    """What could be one raises AttributeError: DIRAC looks for the list on the class."""
    add = implementation.RequestValidator.addValidator
    for wrong, message in (
        (5, "supplied argument is not callable"),
        (lambda: None, "wrong number of arguments for supplied function object"),
        (lambda a, b, c: None, "wrong number of arguments for supplied function object"),  # noqa: ARG005
    ):
        answer = add(wrong)
        assert (answer["OK"], answer["Message"]) == (False, message)
    for check in (lambda request: None, lambda self, request: None):  # noqa: ARG005
        with pytest.raises(AttributeError, match=r"^type object 'RequestValidator' has no attribute 'validator'$"):
            add(check)


def test_a_check_can_be_added_to_the_list(implementation, request_of, operation):
    class Other(implementation.RequestValidator):
        pass

    refusal = {"OK": False, "Message": "no"}
    Other().validator += (lambda request: refusal,)  # noqa: ARG005
    assert Other().validate(request_of(operation("T"))) is refusal
    assert Other().validate(request_of())["Message"] == "Operations not present in request 'r'"
    assert len(implementation.RequestValidator().validator) == 7
