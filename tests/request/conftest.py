"""Each implementation in turn, connected as alice of vo_user."""

import pytest


def nobody(*_, **__):
    """Stand for the services: nothing in this folder may call one."""
    raise AssertionError("a service was called")


@pytest.fixture(autouse=True)
def connected(request):
    """Connect the implementation that a test is about, if it is about one."""
    if "implementation" not in request.fixturenames:
        yield
        return
    implementation = request.getfixturevalue("implementation")
    with implementation.connect(nobody, owner="alice", group="vo_user"):
        yield


@pytest.fixture
def operation(implementation):
    """Make an operation of a type, with a waiting file for each LFN and other attributes by name."""

    def make(type_="RemoveFile", *lfns, **attributes):
        operation = implementation.Operation()
        operation.Type = type_
        for lfn in lfns:
            operation.addFile(implementation.File({"LFN": lfn}))
        for name, value in attributes.items():
            setattr(operation, name, value)
        return operation

    return make


@pytest.fixture
def request_of(implementation):
    """Make a request named r of some operations."""

    def make(*operations, **attributes):
        request = implementation.Request()
        request.RequestName = "r"
        for operation in operations:
            request.addOperation(operation)
        for name, value in attributes.items():
            setattr(request, name, value)
        return request

    return make
