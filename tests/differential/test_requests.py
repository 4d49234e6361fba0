"""Requests beside DIRAC's own classes: the same statuses, the same JSON in both directions, the same refusals."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from DIRACCommon.Core.Utilities.TimeUtilities import DiracTime
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dirac_failover.conformance.kits import Kit

SMALL = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


class Clock:
    """Stops the time for both implementations: they take it from the same class."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 2, 3, 4, 5, 678901)

    def tick(self) -> None:
        self.now += timedelta(seconds=1)


@pytest.fixture(autouse=True)
def clock() -> Iterator[Clock]:
    """One stopped clock for both."""
    clock = Clock()
    with patch.object(DiracTime, "utcnow", lambda: clock.now):
        yield clock


@pytest.fixture(autouse=True)
def connected(reference: Kit, dirac: Kit) -> Iterator[None]:
    """The same owner on both sides."""

    def nowhere(*_: Any, **__: Any) -> Any:
        raise AssertionError("nothing here may call a service")

    with (
        reference.connect(nowhere, owner="alice", group="vo_user"),
        dirac.connect(nowhere, owner="alice", group="vo_user"),
    ):
        yield


def seen(request: Any) -> dict[str, Any]:
    """Everything that can be seen of a request without changing more than looking does."""
    return {
        "json": request.toJSON()["Value"],
        "digest": request.getDigest()["Value"],
        "status": request.Status,
        "order": request.Order,
        "waiting": request.indexOf(request.getWaiting()["Value"]),
        "statuses": request.subStatusList(),
        "files": [operation.fileStatusList() for operation in request],
        "orders": [operation.Order for operation in request],
        "length": (len(request), bool(request), request.isEmpty()),
    }


def outcome(action: Callable[[], Any]) -> Any:
    """What an action returned, as far as it can be compared, or the error that it raised."""
    try:
        answer = action()
    except Exception as error:
        return type(error), "" if isinstance(error, IndexError) else str(error)  # Python's own words
    if isinstance(answer, dict):
        return {key: value for key, value in answer.items() if key != "CallStack"}
    return None


INDEX = st.integers(0, 5)
SES = st.sampled_from([None, "", "A-SE", "B-SE", "CERN-FAILOVER", "A-SE,B-SE"])
TYPES = st.sampled_from(["ReplicateAndRegister", "RemoveReplica", "RemoveFile", "ForwardDISET", "SetFileStatus", ""])


def machine(reference: Kit, dirac: Kit, clock: Clock) -> type[RuleBasedStateMachine]:
    """Make a machine that does the same to a request of each implementation."""

    class Both(RuleBasedStateMachine):
        @initialize()
        def begin(self) -> None:
            self.requests = (reference.Request(), dirac.Request())
            self.operations: list[tuple[Any, Any]] = []
            self.files: list[tuple[Any, Any]] = []
            for request in self.requests:
                request.RequestName = "r"

        def both(self, action: Callable[..., Any], *pairs: tuple[Any, Any]) -> None:
            """Do ``action`` on each side and compare what came of it."""
            ours, theirs = [
                outcome(lambda side=side: action(self.requests[side], *(pair[side] for pair in pairs)))
                for side in (0, 1)
            ]
            assert ours == theirs

        def operation(self, index: int) -> tuple[Any, Any]:
            if index >= len(self.operations):
                self.operations.append((reference.Operation(), dirac.Operation()))
            return self.operations[min(index, len(self.operations) - 1)]

        def file(self, index: int) -> tuple[Any, Any]:
            if index >= len(self.files):
                pair = (reference.File(), dirac.File())
                for file in pair:
                    file.LFN = f"/vo/{len(self.files) % 4}"
                self.files.append(pair)
            return self.files[min(index, len(self.files) - 1)]

        @rule(index=INDEX)
        def add(self, index: int) -> None:
            self.both(lambda request, operation: request.addOperation(operation), self.operation(index))

        @rule(new=INDEX, old=INDEX, name=st.sampled_from(["insertBefore", "insertAfter"]))
        def insert(self, new: int, old: int, name: str) -> None:
            self.both(
                lambda request, first, second: getattr(request, name)(first, second),
                self.operation(new),
                self.operation(old),
            )

        @rule(index=INDEX)
        def delete(self, index: int) -> None:
            self.both(lambda request: request.__delitem__(index))

        @rule(index=INDEX, new=INDEX)
        def replace(self, index: int, new: int) -> None:
            pair = self.operation(new)
            if pair[0] not in self.requests[0]:  # one that is there twice flips its status at each look
                self.both(lambda request, operation: request.__setitem__(index, operation), pair)

        @rule(index=INDEX, status=st.sampled_from([*reference.Operation.ALL_STATES, "Bad"]))
        def set_status(self, index: int, status: str) -> None:
            self.both(lambda _, operation: setattr(operation, "Status", status), self.operation(index))

        @rule(status=st.sampled_from([*reference.Request.ALL_STATES, "Queued"]))
        def set_request_status(self, status: str) -> None:
            self.both(lambda request: setattr(request, "Status", status))

        @rule(index=INDEX, type_=TYPES, source=SES, goal=SES, arguments=st.sampled_from(["", b"x"]))
        def describe(self, index: int, type_: str, source: str | None, goal: str | None, arguments: Any) -> None:
            for operation in self.operation(index):
                operation.Type, operation.SourceSE, operation.TargetSE = type_, source, goal
                operation.Arguments = arguments

        @rule(index=INDEX, error=st.sampled_from(["bad", None]))
        def set_error(self, index: int, error: str | None) -> None:
            for request, operation in zip(self.requests, self.operation(index), strict=True):
                request.Error = operation.Error = error

        @rule(index=INDEX, file=INDEX)
        def add_file(self, index: int, file: int) -> None:
            self.both(lambda _, operation, file: operation.addFile(file), self.operation(index), self.file(file))

        @rule(index=INDEX, place=INDEX, file=INDEX)
        def replace_file(self, index: int, place: int, file: int) -> None:
            self.both(
                lambda _, operation, file: operation.__setitem__(place, file), self.operation(index), self.file(file)
            )

        @rule(index=INDEX, place=INDEX | st.sampled_from([slice(0, 2), slice(1, 2), slice(None)]))
        def delete_file(self, index: int, place: Any) -> None:
            self.both(lambda _, operation: operation.__delitem__(place), self.operation(index))

        @rule(file=INDEX, status=st.sampled_from(["Waiting", "Done", "Failed", "Scheduled", "Queued"]))
        def set_file_status(self, file: int, status: str) -> None:
            self.both(lambda _, file: setattr(file, "Status", status), self.file(file))

        @rule(index=INDEX, file=INDEX)
        def look_for_file(self, index: int, file: int) -> None:
            ours, theirs = zip(self.operation(index), self.file(file), strict=True)
            assert (ours[1] in ours[0]) == (theirs[1] in theirs[0])

        @rule()
        def optimize(self) -> None:
            self.both(lambda request: request.optimize())

        @rule(minutes=st.integers(0, 5000))
        def delay(self, minutes: int) -> None:
            self.both(lambda request: request.delayNextExecution(minutes))

        @rule()
        def tick(self) -> None:
            clock.tick()

        @rule()
        def exchange(self) -> None:
            """Each side goes on with what the other wrote."""
            ours, theirs = (request.toJSON()["Value"] for request in self.requests)
            self.requests = (reference.Request(theirs), dirac.Request(ours))
            self.operations = list(zip(*self.requests, strict=True))
            self.files = [pair for operations in self.operations for pair in zip(*operations, strict=True)]

        @invariant()
        def same(self) -> None:
            ours, theirs = self.requests
            assert seen(ours) == seen(theirs)

    return Both


def test_any_sequence_of_changes_is_seen_alike(reference: Kit, dirac: Kit, clock: Clock) -> None:
    """Whatever is done to requests, operations and files, in any order: statuses, times, JSON, digest are DIRAC's."""
    run_state_machine_as_test(
        machine(reference, dirac, clock),
        settings=settings(max_examples=150, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)),
    )
