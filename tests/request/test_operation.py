"""What an operation holds, and how its status follows from its files, on the reference and on the real DIRAC."""

import pytest

from dirac_failover.request.file import File
from dirac_failover.request.operation import Operation

STATUSES = ("Queued", "Waiting", "Scheduled", "Assigned", "Failed", "Done", "Canceled")


def test_a_new_operation_is_queued_and_empty(implementation):
    made = implementation.Operation()
    assert (made.Status, made.Order, made._parent) == ("Queued", 0, None)
    for name in ("Type", "Arguments", "SourceSE", "TargetSE", "Catalog", "Error"):
        assert getattr(made, name) is None
    assert (len(made), list(made), bool(made)) == (0, [], True)
    assert (made.sourceSEList, made.targetSEList, made.catalogList, made.fileStatusList()) == ([], [], [], [])
    assert (made.ALL_STATES, made.FINAL_STATES, made.MAX_FILES) == (STATUSES, ("Failed", "Done", "Canceled"), 10000)


@pytest.mark.parametrize(
    ("files", "status"),
    [
        ("Failed Failed", "Failed"), ("Failed Done", "Failed"), ("Failed Done Waiting", "Queued"),
        ("Failed Waiting", "Queued"), ("Waiting", "Queued"), ("Done Done", "Done"),
        ("Failed Done Waiting Scheduled", "Scheduled"), ("Scheduled Failed", "Scheduled"),
        ("Done Scheduled", "Scheduled"),
    ],
)  # fmt: skip
def test_the_status_follows_from_the_files(implementation, operation, files, status):
    statuses = files.split()
    before = implementation.Operation({"Files": [{"Status": name} for name in statuses]})
    after = operation("T", *(f"/{number}" for number in range(len(statuses))))
    for file, name in zip(after, statuses, strict=True):
        file.Status = name
    for made in (before, after):
        assert (made.Status, made.fileStatusList()) == (status, statuses)
        made.Status = "Canceled"
        assert made.Status == status


@pytest.mark.parametrize("status", STATUSES)
def test_without_files_the_status_is_what_is_set_and_a_final_one_is_dated_once(implementation, clock, status):
    made = implementation.Operation()
    before = clock.second
    for _ in range(2):
        clock.tick()
        made.Error = "bad"
        made.Status = status
        assert (made.Status, made.Error) == (status, "" if status == "Done" else "bad")
        dated = before.replace(second=before.second + 1) if status in ("Failed", "Done") else before
        assert made.LastUpdate == dated
    assert made.CreationTime == made.SubmitTime == before


def test_another_status_is_refused(operation):
    for made in (operation(), operation("T", "/a")):
        with pytest.raises(ValueError, match=r"^unknown Status 'Bad'$"):
            made.Status = "Bad"
        assert made.Status == "Queued"


@pytest.mark.parametrize(
    ("status", "dated"), [("Failed", True), ("Done", True), ("Scheduled", True), ("Waiting", False)]
)
def test_a_status_that_follows_is_dated_when_it_changes_and_done_clears_the_error(
    implementation, clock, operation, status, dated
):
    made = operation("T")
    made.Error = "bad"
    before = clock.second
    clock.tick()
    made.addFile(implementation.File({"Status": status}))
    assert made.LastUpdate == (clock.second if dated else before)
    assert made.Error == ("" if status == "Done" else "bad")
    after = made.LastUpdate
    clock.tick()
    made.addFile(implementation.File({"Status": status}))
    assert made.LastUpdate == after


def test_a_new_date_is_the_requests_too(clock, operation, request_of):
    made = operation()
    made.LastUpdate = "2024-02-03 04:05:06"  # it has no request yet
    request = request_of(made)
    assert request.LastUpdate == clock.second
    made.LastUpdate = "2025-02-03 04:05:06.7"
    assert str(request.LastUpdate) == str(made.LastUpdate) == "2025-02-03 04:05:06"


def test_a_file_is_in_once(implementation, operation):
    made = operation("T", "/a")
    first, same = made[0], implementation.File({"LFN": "/a"})
    made.addFile(first)
    assert list(made) == [first]
    assert first in made
    assert same not in made
    made += same
    assert (list(made), list(made.__files__), len(made)) == ([first, same], [first, same], 2)
    assert first._parent is same._parent is made
    assert made[-1] is same
    assert made[0:1] == [first]


def test_a_full_operation_takes_no_more(implementation, operation, monkeypatch):
    monkeypatch.setattr(implementation.Operation, "MAX_FILES", 2)
    made = operation("T", "/a", "/b")
    for add in (made.addFile, made.__iadd__):
        for file in (implementation.File(), made[0]):
            with pytest.raises(RuntimeError, match=r"^too many Files in a single Operation$"):
                add(file)
    assert len(made) == 2


def test_files_can_be_replaced_and_removed(implementation, operation):
    made = operation("T", "/a", "/b", "/c")
    first, second, third = made
    other = implementation.File({"Status": "Scheduled"})
    made[1] = other
    assert (list(made), made.Status, other._parent) == ([first, other, third], "Scheduled", made)
    assert second not in made
    assert other in made
    del made[1]
    assert (list(made), made.Status) == ([first, third], "Queued")
    assert other not in made
    second.Status = "Scheduled"
    assert made.Status == "Queued"
    first.Status = "Failed"
    del made[-1]
    assert (list(made), made.Status) == ([first], "Failed")
    del made[:]
    assert (list(made), made.Status) == ([], "Done")
    for act in (lambda: made[0], lambda: made.__delitem__(0), lambda: made.__setitem__(0, first)):
        with pytest.raises(IndexError):
            act()


def test_a_file_that_is_twice_in_counts_as_long_as_it_is(implementation, operation):
    """Setting an index can put it there a second time."""
    made = operation("T", "/a", "/b")
    first, second = made
    made[1] = first
    assert second not in made
    assert first in made
    first.Status = "Failed"
    assert made.Status == "Failed"
    made.addFile(second)
    assert made.Status == "Queued"
    del made[2]
    assert made.Status == "Failed"
    del made[0]
    assert (list(made), made.Status) == ([first], "Failed")
    first.Status = "Done"
    assert made.Status == "Done"
    made.addFile(first)
    assert len(made) == 1
    made.addFile(implementation.File())
    assert made.Status == "Queued"


def test_a_file_of_two_operations_tells_the_later_one(operation):
    """The other one sees the change when it looks the next time; that is DIRAC's too."""
    first, second = operation("T", "/a"), operation("T", "/b")
    file = first[0]
    second.addFile(file)
    assert file._parent is second
    file.Status = "Scheduled"
    assert (first.Status, second.Status) == ("Queued", "Scheduled")
    first.Status = "Done"
    assert first.Status == "Scheduled"
    del first[0]
    assert first.Status == "Done"
    del second[1]
    assert second.Status == "Queued"
    first.addFile(file)
    file.Status = "Failed"
    assert (first.Status, second.Status) == ("Failed", "Queued")
    second[0].Status = "Scheduled"
    assert second.Status == "Scheduled"


def test_the_order_is_the_index_in_the_request(operation, request_of):
    """What is set holds only without a request; -1 once it was removed."""
    made = operation()
    made.Order = 7
    assert made.Order == 7
    request = request_of(operation(), made)
    assert made.Order == 1
    made.Order = 7
    assert made.Order == 1
    del request[1]
    assert made.Order == -1


@pytest.mark.parametrize(
    ("given", "names"),
    [("a", ["a"]), (" a , b ,,a", ["a", "b"]), (["b", 5, " ", "b"], ["5", "b"]), ("", []), ([], []), (" , ", [])],
)
def test_catalogues_are_names_without_blanks_and_doubles(implementation, given, names):
    made = implementation.Operation()
    made.Catalog = given
    assert sorted(made.catalogList) == names
    assert made.Catalog == ",".join(made.catalogList)


def test_catalogues_that_are_refused(implementation):
    made = implementation.Operation({"Catalog": "a" * 255})
    for value in (None, 5, ("a",), {"a": 1}, b"a"):
        with pytest.raises(TypeError, match=r"^wrong type for value$"):
            made.Catalog = value
    for value in ("b" * 256, ["b" * 128, "c" * 127]):
        with pytest.raises(ValueError, match=r"^Catalog list too long$"):
            made.Catalog = value
    assert made.Catalog == "a" * 255


def test_storage_elements_are_lists_of_names_and_the_reference_keeps_the_order_of_catalogues(implementation, reference):
    made = implementation.Operation({"SourceSE": "a, b", "TargetSE": "c,d"})
    assert (made.sourceSEList, made.targetSEList) == (["a", " b"], ["c", "d"])
    assert reference.Operation({"Catalog": "z,b,a,z"}).Catalog == "z,b,a"


@pytest.fixture
def looks(monkeypatch):
    """Note every file of the reference whose status is looked at."""
    looks = []
    status = File.__dict__["Status"]

    def look(file):
        looks.append(file)
        return str(status.fget(file))

    monkeypatch.setattr(File, "Status", property(look, status.fset))
    return looks


def test_no_change_looks_at_all_files(looks):
    """Adding, changing and removing files takes as many looks at statuses as there are changes."""
    made = Operation()
    files = [File() for _ in range(500)]
    made.addFile(files[0])
    made[0] = files[0]
    for file in files:
        made.addFile(file)
        made.addFile(file)
    for file in files:
        file.Status = "Done"
    for file in files:
        del made[0]
        made.addFile(file)
    assert (len(made), made.Status) == (500, "Done")
    assert len(looks) <= 4 * len(files)
