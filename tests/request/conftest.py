"""Each implementation in turn, connected as alice of vo_user, and a clock that stands until it is moved."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from dirac_failover.drivers.implementations import stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dirac_failover.drivers.implementations import Implementation


def nobody(*_: Any, **__: Any) -> Any:
    """Stand for the services: nothing in this folder may call one."""
    raise AssertionError("a service was called")


@pytest.fixture(autouse=True)
def connected(request: pytest.FixtureRequest) -> Iterator[None]:
    """Connect the implementation that a test is about, if it is about one."""
    if "kit" not in request.fixturenames:
        yield
        return
    kit: Implementation = request.getfixturevalue("kit")
    with kit.connect(nobody, owner="alice", group="vo_user"):
        yield


class Clock:
    """What DIRAC's clock says, with a fraction that requests cut off."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 2, 3, 4, 5, 678901)  # noqa: DTZ001 - DIRAC's times are naive UTC

    @property
    def second(self) -> datetime:
        """The present second."""
        return self.now.replace(microsecond=0)

    def tick(self) -> None:
        """Move by a second."""
        self.now += timedelta(seconds=1)


@pytest.fixture
def clock(kit: Implementation) -> Iterator[Clock]:
    """The clock of both implementations."""
    clock = Clock()
    with stopped(lambda: clock.now, kit):
        yield clock


@pytest.fixture
def operation(kit: Implementation) -> Callable[..., Any]:
    """Make an operation of a type, with a waiting file for each LFN and other attributes by name."""

    def make(type_: Any = "RemoveFile", *lfns: str, **attributes: Any) -> Any:
        operation = kit.Operation()
        operation.Type = type_
        for lfn in lfns:
            operation.addFile(kit.File({"LFN": lfn}))
        for name, value in attributes.items():
            setattr(operation, name, value)
        return operation

    return make


@pytest.fixture
def request_of(kit: Implementation) -> Callable[..., Any]:
    """Make a request named r of some operations."""

    def make(*operations: Any, **attributes: Any) -> Any:
        request = kit.Request()
        request.RequestName = "r"
        for operation in operations:
            request.addOperation(operation)
        for name, value in attributes.items():
            setattr(request, name, value)
        return request

    return make
