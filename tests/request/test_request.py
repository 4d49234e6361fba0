"""What a request holds, how its status follows from its operations, and what others see of it; on both."""

import json
from collections import Counter
from datetime import timedelta

import pytest

from dirac_failover.request.operation import Operation
from dirac_failover.request.request import Request

TABLE = [
    # operations; the request; operations after; index of the waiting one, of the order
    ("", "Waiting", "", None, 0),
    ("Queued Queued", "Waiting", "Waiting Queued", 0, 0),
    ("Waiting Waiting", "Waiting", "Waiting Queued", 0, 0),
    ("Done Queued", "Waiting", "Done Waiting", 1, 1),
    ("Done Done", "Done", "Done Done", None, 2),
    ("Failed Queued", "Failed", "Failed Queued", None, 2),
    ("Done Failed Queued", "Failed", "Done Failed Queued", None, 3),
    ("Waiting Failed", "Waiting", "Waiting Failed", 0, 0),
    ("Waiting Done Queued", "Waiting", "Waiting Done Queued", 0, 0),
    ("Scheduled Waiting", "Waiting", "Scheduled Queued", 0, 2),
    ("Scheduled Failed", "Scheduled", "Scheduled Failed", 0, 2),
    ("Done Scheduled", "Scheduled", "Done Scheduled", 1, 2),
    ("Canceled", "Waiting", "Canceled", None, 1),
    ("Assigned", "Waiting", "Assigned", None, 1),
    ("Done Canceled", "Done", "Done Canceled", None, 2),
    ("Canceled Done", "Done", "Canceled Done", None, 2),
    ("Assigned Queued", "Waiting", "Assigned Waiting", 1, 1),
]


def put(made, status):
    """Give an operation a status past its request, which would see each in between; the reference counts it."""
    if isinstance(made, Operation):
        made._become(status)
    else:
        made._Status = status


def of_statuses(operation, request_of, statuses):
    """Make a request of operations with these statuses."""
    operations = [operation() for _ in statuses.split()]
    request = request_of(*operations)
    for made, status in zip(operations, statuses.split(), strict=True):
        put(made, status)
    return request


def test_a_new_request_is_of_the_connected_owner(implementation, clock):
    made = implementation.Request()
    assert (made.Owner, made.OwnerGroup) == ("alice", "vo_user")
    assert (made.RequestName, made.Error, made.SourceComponent, made.JobID) == (None, None, None, 0)
    assert made.CreationTime == made.SubmitTime == made.LastUpdate == made.NotBefore == clock.second
    assert (made.Status, made.Order, made.getWaiting()) == ("Waiting", 0, {"OK": True, "Value": None})
    assert (len(made), list(made), bool(made), made.isEmpty(), made.subStatusList()) == (0, [], True, True, [])
    assert not hasattr(made, "RequestID")
    assert implementation.Request.ALL_STATES == ("Waiting", "Failed", "Done", "Scheduled", "Assigned", "Canceled")
    assert implementation.Request.FINAL_STATES == ("Done", "Failed", "Canceled")


def test_without_a_connection_nobody_owns_it():
    assert (Request().Owner, Request().OwnerGroup) == (None, None)


def test_loading_works_the_status_out_and_dates_it(implementation, clock):
    old = "2024-02-03 04:05:06"
    for written, status, dated in (("Waiting", "Failed", True), ("Failed", "Failed", False), (None, "Done", False)):
        loaded = implementation.Request({"Operations": [{"Status": status}], "Status": written, "LastUpdate": old})
        then = str(clock.second)
        clock.tick()
        assert str(loaded.LastUpdate) == (then if dated else old)
        assert loaded.Status == status
        assert not hasattr(loaded, "Operations")


@pytest.mark.parametrize("row", TABLE, ids=[row[0] or "none" for row in TABLE])
def test_the_status_follows_from_the_operations(operation, request_of, row):
    before, status, after, waiting, order = row
    request = of_statuses(operation, request_of, before)
    assert request.Status == status
    assert request.subStatusList() == after.split()
    found = request.getWaiting()["Value"]
    assert (None if found is None else request.indexOf(found)) == waiting
    assert request.Order == order


def test_a_waiting_operation_behind_a_scheduled_one_hides_it_for_one_look(operation, request_of):
    """It is queued by that look, so the next one finds the request scheduled."""
    request = of_statuses(operation, request_of, "Scheduled Waiting")
    assert [request.Status, request.Status] == ["Waiting", "Scheduled"]


@pytest.mark.parametrize(("look", "result"), [("getWaiting", None), ("Order", 1), ("Status", "Waiting")])
def test_each_look_works_it_out_anew(operation, request_of, look, result):
    request = of_statuses(operation, request_of, "Done Queued")
    found = getattr(request, look)
    if callable(found):
        assert found() == {"OK": True, "Value": request[1]}
    else:
        assert found == result
    assert request[1]._Status == "Waiting"


def test_done_clears_the_error_and_is_dated_once(clock, operation, request_of):
    for status in ("Done", "Failed"):
        request = request_of(operation(), Error="bad")
        clock.tick()
        request[0].Status = status
        assert (request.Status, request.Error) == (status, "" if status == "Done" else "bad")
        assert request.LastUpdate == clock.second
        clock.tick()
        assert request.Status == status
        assert request.LastUpdate == clock.second - timedelta(seconds=1)


def test_a_first_operation_that_is_done_clears_the_error(operation, request_of):
    """Although the request goes on; one that waits before it keeps the error."""
    for statuses, error in (("Done Queued", ""), ("Waiting Done", "bad"), ("Assigned Done Queued", "")):
        request = of_statuses(operation, request_of, statuses)
        request.Error = "bad"
        assert request.Status == "Waiting"
        assert request.Error == error


@pytest.mark.parametrize("status", ["Waiting", "Failed", "Done", "Scheduled", "Assigned", "Canceled"])
def test_a_status_that_is_set_lasts_until_the_next_look(clock, operation, request_of, status):
    request = request_of(operation(), Error="bad")
    before = clock.second
    clock.tick()
    request.Status = status
    assert request.LastUpdate == (clock.second if status in ("Failed", "Done") else before)
    assert request.Error == ("" if status == "Done" else "bad")
    assert request.Status == "Waiting"


def test_another_status_is_refused(implementation):
    for status in ("Queued", "", None):
        with pytest.raises(ValueError, match=rf"^Unknown status: {status}$"):
            implementation.Request().Status = status


def test_execution_can_be_put_off_by_minutes_and_not_before_may_be_none(implementation, clock):
    made = implementation.Request()
    made.NotBefore = None
    assert made.NotBefore is None
    assert json.loads(str(made))["NotBefore"] is None
    clock.tick()
    assert made.delayNextExecution(90) == {"OK": True, "Value": None}
    assert made.NotBefore == clock.second + timedelta(minutes=90)


def test_operations_are_added_at_the_end_and_once(operation, request_of):
    first, second = operation(), operation()
    request = request_of(first)
    assert request.addOperation(second) == {"OK": True, "Value": None}
    answer = request.addOperation(first)
    assert (answer["OK"], answer["Message"]) == (False, "This operation is already in!!!")
    request += second
    assert list(request) == [first, second]
    assert (request[0], request[-1], request[0:1]) == (first, second, [first])
    assert (len(request), request.isEmpty()) == (2, False)
    assert [made._parent for made in request] == [request, request]
    assert (request.indexOf(first), request.indexOf(second), request.indexOf(operation())) == (0, 1, -1)
    assert first in request
    assert operation() not in request
    assert "x" not in request


@pytest.mark.parametrize(("name", "order"), [("insertBefore", "bnac"), ("insertAfter", "banc")])
def test_operations_are_inserted_beside_others(operation, request_of, name, order):
    made = {letter: operation(letter) for letter in "abcn"}
    request = request_of(made["b"], made["a"], made["c"])
    insert = getattr(request, name)
    for new, existing, text in (
        ("n", operation("x"), "{} is not in"),
        ("a", operation("x"), "{} is not in"),
        ("a", made["b"], "{} is already in"),
    ):
        answer = insert(made[new], existing)
        subject = existing if "not" in text else made[new]
        assert (answer["OK"], answer["Message"]) == (False, text.format(subject))
    assert insert(made["n"], made["a"]) == {"OK": True, "Value": None}
    assert [each.Type for each in request] == list(order)
    assert request[0]._Status == "Waiting"
    assert made["n"]._parent is request
    assert [request.indexOf(made[letter]) for letter in order] == [0, 1, 2, 3]


def test_operations_can_be_replaced_and_removed(operation, request_of):
    first, second, third = operation(), operation(), operation()
    request = request_of(first, second)
    put(first, "Done")
    request[1] = third
    assert (list(request), third._Status, third._parent) == ([first, third], "Waiting", request)
    del request[1]
    assert (list(request), request._Status) == ([first], "Done")


def test_an_operation_that_is_done_may_come_back(operation, request_of):
    first, second, third, new = operation(), operation(), operation(), operation()
    request = request_of(first, second, third)
    first.Status = second.Status = "Done"
    assert (request.Status, request.Order, request.subStatusList()) == ("Waiting", 2, ["Done", "Done", "Waiting"])
    first.Status = "Queued"
    assert request.subStatusList() == ["Waiting", "Done", "Queued"]
    request.insertBefore(new, first)
    assert request.subStatusList() == ["Waiting", "Queued", "Done", "Queued"]
    assert [made.Order for made in (new, first, second, third)] == [0, 1, 2, 3]
    del request[0]
    assert [made.Order for made in (new, first, second, third)] == [-1, 0, 1, 2]
    assert request.subStatusList() == ["Waiting", "Done", "Queued"]
    first.Status = "Done"
    del request[:2]
    assert (list(request), request.Status, third.Status) == ([third], "Waiting", "Waiting")
    third.Status = "Done"
    request.insertBefore(new, third)
    assert (request.Status, request.getWaiting()["Value"]) == ("Waiting", new)


def test_thousands_of_operations_take_a_time_that_grows_with_their_number(request_of):
    """An operation is not looked at again when another is added, executed or written (DIRAC looks at all)."""
    if not isinstance(request_of(), Request):
        pytest.skip("DIRAC's time grows with the square of their number")
    looks = Counter[str]()

    class Counted(Operation):
        @property
        def Status(self):
            looks["at a status"] += 1
            return self._Status

        @Status.setter
        def Status(self, value):
            Operation.Status.__set__(self, value)

    request = request_of(*(Counted() for _ in range(300)))
    for made in request:
        assert request.getWaiting()["Value"] is made
        made.Status = "Done"
    assert request.toJSON()["OK"]
    assert request.Status == "Done"
    assert looks["at a status"] < 30 * 300


def test_the_digest_names_each_operation(implementation, operation, request_of):
    request = request_of(
        operation("ForwardDISET"),
        operation("RemoveFile", "/a", Catalog="FC"),
        operation("ReplicateAndRegister", "/a", "/b", "/c", TargetSE="SE"),
        operation(None, TargetSE="SE", Catalog="FC"),
    )
    assert request.getDigest() == {
        "OK": True,
        "Value": "Name:r\n"
        "ForwardDISET:ForwardDISET:Waiting:0\n"
        "RemoveFile:RemoveFile:Queued:1:FC:/a\n"
        "ReplicateAndRegister:ReplicateAndRegister:Queued:2:SE:/a...+<2 files>\n"
        "None:None:Queued:3:SE:FC",
    }
    assert request_of(operation("T", "/a", "/b")).getDigest()["Value"].endswith(":/a...+<1 files>")
    with pytest.raises(TypeError):
        implementation.Request().getDigest()


def described(request):
    """Say in short what the operations of a request are."""
    return [
        f"{made.Type} {made.SourceSE}>{made.TargetSE} {','.join(file.LFN for file in made)}".strip() for made in request
    ]


def test_a_request_of_the_database_is_not_optimised(operation, request_of):
    request = request_of(operation("T"), operation("T"))
    request.RequestID = 3
    answer = request.optimize()
    assert answer["Message"] == "Cannot optimize because Request seems to be already in the DB (RequestID 3)"
    assert len(request) == 2
    request.RequestID = 0
    assert request.optimize()["OK"]


def test_equal_neighbours_are_merged(operation, request_of):
    request = request_of(operation("T", "/a"), operation("T", "/b", "/c"), operation("T", "/d"), operation("U", "/e"))
    first = request[0]
    assert request.optimize() == {"OK": True, "Value": True}
    assert described(request) == ["T None>None /a,/b,/c,/d", "U None>None /e"]
    assert request[0] is first
    assert all(file._parent is first for file in first)
    assert request.optimize() == {"OK": True, "Value": False}
    request = request_of(operation("T"), operation("T"), operation("T"))
    assert request.optimize() == {"OK": True, "Value": False}
    assert len(request) == 1


@pytest.mark.parametrize(
    ("name", "value"), [("Type", "U"), ("Arguments", b"x"), ("SourceSE", "S"), ("TargetSE", "T"), ("Catalog", "C")]
)
def test_operations_that_differ_are_not_merged(operation, request_of, name, value):
    request = request_of(operation("T", "/a"), operation("T", "/b"))
    setattr(request[1], name, value)
    assert request.optimize() == {"OK": True, "Value": False}
    assert len(request) == 2


def test_operations_with_a_common_file_are_not_merged(operation, request_of):
    request = request_of(operation("T", "/a"), operation("T", "/b", "/a"), operation("T", "/c"))
    assert request.optimize() == {"OK": True, "Value": True}
    assert described(request) == ["T None>None /a", "T None>None /b,/a,/c"]


def test_an_operation_is_filled_no_further_than_it_may(implementation, operation, request_of, monkeypatch):
    monkeypatch.setattr(implementation.Operation, "MAX_FILES", 3)
    request = request_of(operation("T", "/a", "/b"), operation("T", "/c", "/d"), operation("T", "/e", "/f", "/g"))
    assert request.optimize() == {"OK": True, "Value": True}
    assert described(request) == ["T None>None /a,/b,/c", "T None>None /d,/e,/f", "T None>None /g"]
    assert request.optimize() == {"OK": True, "Value": False}


def test_files_that_were_merged_count_where_they_are(operation, request_of):
    request = request_of(operation("T", "/a"), operation("T", "/b"))
    second = request[1]
    request.optimize()
    assert len(second) == 0
    request[0][1].Status = "Scheduled"
    assert (request[0].Status, second.Status) == ("Scheduled", "Done")


def test_failover_pairs_are_grouped(operation, request_of):
    def pair(target, lfn, source="X-Failover"):
        return (
            operation("ReplicateAndRegister", lfn, SourceSE=source, TargetSE=target),
            operation("RemoveReplica", lfn, TargetSE=f"F{target}"),
        )

    request = request_of(operation("T"), *pair("B", "/b"), *pair("A", "/a", "CERN"), operation("U"), *pair("C", "/c"))
    assert request.optimize() == {"OK": True, "Value": True}
    assert described(request) == [
        "T None>None", "ReplicateAndRegister CERN>A /a", "ReplicateAndRegister >B /b", "RemoveReplica None>FA /a",
        "RemoveReplica None>FB /b", "U None>None", "ReplicateAndRegister >C /c", "RemoveReplica None>FC /c",
    ]  # fmt: skip
    assert [made.Status for made in request] == ["Waiting", *["Queued"] * 7]


def test_a_copy_that_waits_may_come_before_one_that_is_done(operation, request_of):
    pairs = [(operation("ReplicateAndRegister", f"/{target}", TargetSE=target), operation("RemoveReplica", f"/{target}",
                                                                                     TargetSE=target))
             for target in "BA"]  # fmt: skip
    request = request_of(*(made for pair in pairs for made in pair))
    for made in pairs[0]:
        made[0].Status = "Done"
    assert request.getWaiting()["Value"] is pairs[1][0]
    assert request.optimize()["Value"]
    assert request.getWaiting()["Value"] is request[0] is pairs[1][0]


def test_grouping_wakes_an_operation_for_a_moment(operation, request_of):
    """While the pair is not all back the one behind it waits, and stays so if the pair failed: DIRAC's too."""
    copy, removal = operation("ReplicateAndRegister"), operation("RemoveReplica")
    request = request_of(copy, removal, operation("U"))
    copy.Status, removal.Status = "Done", "Failed"
    assert [made._Status for made in request] == ["Done", "Failed", "Queued"]
    assert request.optimize()["Value"]
    assert [made._Status for made in request] == ["Done", "Failed", "Waiting"]


def test_pairs_without_a_source_are_grouped(operation, request_of):
    request = request_of(operation("ReplicateAndRegister", "/a"), operation("RemoveReplica", "/a"))
    assert request.optimize() == {"OK": True, "Value": True}
    assert described(request) == ["ReplicateAndRegister None>None /a", "RemoveReplica None>None /a"]


@pytest.mark.parametrize(("first", "second", "files"), [
    ("ReplicateAndRegister", "RemoveReplica", "/b"), ("ReplicateAndRegister", "RemoveFile", "/a"),
    ("RegisterFile", "RemoveReplica", "/a"),
])  # fmt: skip
def test_what_is_no_pair_is_left(operation, request_of, first, second, files):
    request = request_of(operation(first, "/a", SourceSE="FAILOVER"), operation(second, files))
    assert request.optimize() == {"OK": True, "Value": False}
    assert request[0].SourceSE == "FAILOVER"


def pairs(operation, *targets):
    """Make pairs of a replication to a target and a removal from F; the n-th is of the n-th letter."""
    for lfn, target in zip(("/a", "/b"), targets, strict=True):
        yield operation("ReplicateAndRegister", lfn, SourceSE="FAILOVER", TargetSE=target)
        yield operation("RemoveReplica", lfn, TargetSE="F")


def test_pairs_of_equal_targets_are_merged_after_they_were_grouped(operation, request_of):
    request = request_of(*pairs(operation, "A", "A"))
    assert request.optimize() == {"OK": True, "Value": True}
    assert described(request) == ["ReplicateAndRegister >A /a,/b", "RemoveReplica None>F /a,/b"]


def test_targets_that_cannot_be_sorted_are_an_error(operation, request_of):
    """One without a target beside one with; the reference then keeps the operations, which DIRAC loses."""
    request = request_of(*pairs(operation, None, "A"))
    with pytest.raises(TypeError):
        request.optimize()
    assert len(request) == (4 if isinstance(request, Request) else 0)
